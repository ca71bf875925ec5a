// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Testing
import kubo

/// Every example of the documents is run, and what they show is what comes out.
@Suite struct DocumentTests {
  /// The documents, as paths in the repository.
  static let documents: [String] = {
    let guides = (try? FileManager.default.subpathsOfDirectory(atPath: "\(repository)/docs")) ?? []
    return ["README.md", "CONTRIBUTING.md"]
      + guides.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
  }()

  private static func text(_ document: String) throws -> String {
    try String(contentsOfFile: "\(repository)/\(document)", encoding: .utf8)
  }

  @Test(arguments: documents) func examples(_ document: String) throws {
    let folder = try ExampleFolder()
    var printed: String?
    for example in try Example.all(in: DocumentTests.text(document)) {
      let place: Comment = "\(document):\(example.line)"
      switch example.kind {
      case .display: continue
      case .output:
        // What was not run prints nothing.
        guard let printed else { continue }
        let missing = ShownOutput(example.text).missing(in: printed)
        #expect(missing == nil, "\(place): \(printed)")
      case .file(let name):
        let parent = name.split(separator: "/").dropLast().joined(separator: "/")
        if !parent.isEmpty { _ = try folder.scratch.directory(parent) }
        _ = try folder.scratch.file(name, example.text + "\n")
      case .shell:
        let outputs = try example.commands.map { try run($0, folder, place) }
        printed = outputs.contains(nil) ? nil : outputs.compactMap { $0 }.joined()
      case .python:
        printed = try run(python: example.text, folder, place)
      case .swift:
        Issue.record("\(place): Swift belongs into the articles of the library")
      }
    }
  }

  /// What a command prints; nil if it is too long to be run, or has tests of its own.
  private func run(_ command: ShellCommand, _ folder: ExampleFolder, _ place: Comment) throws
    -> String?
  {
    if let program = command.repositoryProgram {
      #expect(
        FileManager.default.isExecutableFile(atPath: "\(repository)/\(program)"),
        "\(place): \(command)")
      return nil
    }
    if let arguments = command.kuboArguments {
      let message = refusal(of: arguments)
      #expect(message == nil, "\(place): \(command): \(message ?? "")")
    }
    if command.isLong, !areTestsLong { return nil }
    let run = try folder.run(command)
    #expect(run.status == 0, "\(place): \(command): \(run.errors)")
    return run.output
  }

  /// What a program prints; nil where Python or a module that it imports is not there.
  private func run(python text: String, _ folder: ExampleFolder, _ place: Comment) throws -> String?
  {
    let modules = text.matches(of: /^import (.*)$/.anchorsMatchLineEndings())
      .flatMap { $0.1.split(separator: ",") }.map { $0.split(separator: " ")[0] }
    let isThere = try folder.run(
      ["python3", "-c"], "import " + modules.joined(separator: ", "))
    guard isThere.status == 0 else {
      // The standard library is there where Python is.
      #expect(isThere.status == 127 || isThere.errors.contains("ModuleNotFoundError"))
      #expect(modules != ["csv"] || isThere.status == 127, "\(place): \(isThere.errors)")
      return nil
    }
    let run = try folder.run(["python3", "-c"], text)
    #expect(run.status == 0, "\(place): \(run.errors)")
    return run.output
  }

  /// README is one page, and each page of the gallery shows a small picture.
  @Test func sizes() throws {
    let words = try DocumentTests.text("README.md").split(whereSeparator: \.isWhitespace)
    #expect(words.count < 900)
    for page in DocumentTests.documents
    where page.hasPrefix("docs/gallery/") && !page.hasSuffix("README.md") {
      let picture = page.dropLast(3) + ".svg"
      let size = try Data(contentsOf: URL(filePath: "\(repository)/\(picture)")).count
      #expect((1_000..<60_000).contains(size), "\(picture)")
    }
  }

  /// Links between documents lead somewhere, and so do the documents that sources name.
  @Test func references() throws {
    let files = FileManager.default
    for document in DocumentTests.documents {
      let folder = document.split(separator: "/").dropLast().joined(separator: "/")
      let lines = try DocumentTests.text(document)
      for match in lines.matches(of: /\]\(([^)#]+)(#[^)]*)?\)/) where !match.1.contains("://") {
        #expect(
          files.fileExists(atPath: "\(repository)/\(folder)/\(match.1)"), "\(document): \(match.1)")
      }
    }
    for file in try ["Sources", "Tests"].flatMap(LayoutTests.swiftFiles) {
      let text = try String(contentsOfFile: file, encoding: .utf8)
      for match in text.matches(of: /docs\/[a-z-]+\.md/) {
        #expect(files.fileExists(atPath: "\(repository)/\(match.0)"), "\(file): \(match.0)")
      }
      // The notes of those who write the program are not there for those who read it.
      #expect(!text.contains("physics" + ".md"), "\(file)")
    }
  }
}
