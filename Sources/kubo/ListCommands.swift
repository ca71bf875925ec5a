// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboFiles

/// `kubo models`.
struct ModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "List the shipped models.")

  func run() async throws {
    try await reporting {
      let names = try FileManager.default.contentsOfDirectory(atPath: Installation.models.path)
        .filter { $0.hasSuffix(".yaml") }.sorted()
      var text = ""
      for name in names {
        let file = try ModelFile.read(path: Installation.models.appending(path: name).path)
        let parameters = file.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
        text += "\(pad(file.name, 11)) \(firstSentence(file.description)) (\(parameters))\n"
      }
      try standardOutput(text)
    }
  }
}

/// `kubo diagrams`.
struct DiagramsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diagrams", abstract: "List the diagrams and what they contribute to.")

  @Option(help: ArgumentHelp("A folder with more diagram files.", valueName: "dir"))
  var diagrams: [String] = []

  func run() async throws {
    try await reporting {
      let library = try DiagramLibrary.read(directories: [Installation.diagrams.path] + diagrams)
      var text = ""
      for diagram in library.diagrams {
        let operators = diagram.measures.map(\.name).joined(separator: ", ")
        let sums = diagram.contributesTo.joined(separator: ", ")
        text +=
          "\(pad(diagram.name, 30)) \(firstSentence(diagram.summary)) [\(operators): \(sums)]\n"
      }
      try standardOutput(text)
    }
  }
}

private func pad(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

private func firstSentence(_ text: String) -> String {
  let line = text.replacing("\n", with: " ")
  return line.range(of: ". ").map { String(line[..<$0.lowerBound]) } ?? line
}
