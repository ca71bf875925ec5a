// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation

/// A block of a document: commands, a program, a file, or what a command shows.
struct Example {
  enum Kind: Equatable {
    case shell, python, swift
    /// What the block before it prints.
    case output
    /// The content of a file that the document makes.
    case file(String)
    /// Equations and the like.
    case display
  }

  let kind: Kind
  let text: String
  let line: Int

  /// A language of a fence that has no meaning here.
  struct UnknownLanguage: Error {
    let info: String
    let line: Int
  }

  /// The fenced blocks by their language, and the blocks indented by four, which are commands if they
  /// begin like one.
  static func all(in markdown: String) throws -> [Example] {
    var examples: [Example] = []
    var block: [String] = []
    var fence: (kind: Kind, line: Int)?
    var before = ""
    func closeIndented(_ n: Int) {
      while block.last == "" { block.removeLast() }
      if let first = block.first {
        let isShell = first.hasPrefix("./") || first.hasPrefix("kubo ")
        examples.append(
          Example(
            kind: isShell ? .shell : .display, text: block.joined(separator: "\n"),
            line: n - block.count))
      }
      block = []
    }
    let lines = markdown.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for (n, line) in lines.enumerated() {
      if let open = fence {
        if line.hasPrefix("```") {
          examples.append(
            Example(kind: open.kind, text: block.joined(separator: "\n"), line: open.line))
          (fence, block) = (nil, [])
        } else {
          block.append(line)
        }
      } else if line.hasPrefix("```") {
        closeIndented(n)
        fence = (try kind(String(line.dropFirst(3)), n + 1), n + 1)
      } else if line.hasPrefix("    "), !block.isEmpty || before.isEmpty {
        block.append(String(line.dropFirst(4)))
      } else if line.isEmpty, !block.isEmpty {
        block.append("")
      } else {
        closeIndented(n)
      }
      before = line
    }
    closeIndented(lines.count)
    if let fence { throw UnknownLanguage(info: "a fence that does not end", line: fence.line) }
    return examples
  }

  private static func kind(_ info: String, _ line: Int) throws -> Kind {
    let words = info.split(separator: " ").map(String.init)
    switch words.first {
    case "sh": return .shell
    case "python": return .python
    case "swift": return .swift
    case "text": return .output
    case "yaml" where words.count == 2: return .file(words[1])
    default: throw UnknownLanguage(info: info, line: line)
    }
  }

  /// The commands of a shell block; a backslash at the end of a line continues it.
  var commands: [ShellCommand] {
    text.replacing("\\\n", with: " ").split(separator: "\n").map { ShellCommand(text: String($0)) }
      .filter { !$0.words.isEmpty }
  }
}

/// A line for the shell.
struct ShellCommand: CustomStringConvertible {
  let text: String

  var description: String { text }

  /// The words of the command, without redirections and what follows.
  var words: [String] {
    text.split(separator: " ").prefix { !["#", ">", "|", "||", "&&"].contains($0) }.map(String.init)
  }

  /// Whether a comment says that it takes a minute or more: then it is run by `./test --long` only.
  var isLong: Bool { text.contains(/#.*\bminutes?\b/) }

  /// The arguments if it is a call of `kubo`, directly or by `./run`.
  var kuboArguments: [String]? {
    guard let first = words.first else { return nil }
    if first == "kubo" { return Array(words.dropFirst()) }
    return first == "./run" && words.count > 1 ? Array(words.dropFirst()) : nil
  }

  /// The program of the repository that it calls, if it is one: it has tests of its own.
  var repositoryProgram: String? {
    guard kuboArguments == nil, let first = words.first, first.contains("/") else { return nil }
    return first.hasPrefix("./") ? String(first.dropFirst(2)) : first
  }
}

/// A folder in which the examples of a document are run, one after the other.
final class ExampleFolder {

  let scratch: ScratchDirectory

  init() throws {
    scratch = try ScratchDirectory()
    for name in ["bin", "results"] { _ = try scratch.directory(name) }
    for name in ["bin/kubo", "run"] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(scratch.path)/\(name)", withDestinationPath: ProgramTests.program.path)
    }
    // What a user brings.
    let own = "\(repository)/Tests/Support/Wannier90"
    for name in try FileManager.default.contentsOfDirectory(atPath: own) {
      try FileManager.default.createSymbolicLink(
        atPath: "\(scratch.path)/\(name)", withDestinationPath: "\(own)/\(name)")
    }
  }

  /// Runs a script by an interpreter of the `PATH`.
  func run(_ interpreter: [String], _ script: String) throws -> ProgramTests.Run {
    // With the Python package, where scripts/setup-python has installed it.
    let path =
      "\(repository)/.build/python/bin:"
      + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
    return try ProgramTests.run(
      URL(filePath: "/usr/bin/env"), interpreter + [script], in: scratch.path,
      environment: ["KUBO_HOME": repository, "PATH": "\(scratch.path)/bin:\(path)"])
  }

  /// Runs a command of the shell.
  func run(_ command: ShellCommand) throws -> ProgramTests.Run {
    try run(["bash", "-euo", "pipefail", "-c"], command.text)
  }
}
