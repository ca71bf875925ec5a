// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles

/// `kubo models`.
struct ModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "List the shipped models.",
    discussion: """
      EXAMPLE
        kubo models

        Their names, what they are, and the parameters that '--set' can replace:

          chain       Chain of alternating sublattices, one dimension (t=1.0 ...
      """)

  func run() async throws {
    try await reporting { _ in
      var text = ""
      for path in try yamlFiles(
        in: Installation.models.path, expected: "a directory of model files")
      {
        let file = try ModelFile.read(path: path)
        let parameters = file.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
        text += "\(pad(file.name, 11)) \(firstSentence(file.description)) (\(parameters))\n"
      }
      try standardOutput(text)
    }
  }
}

func pad(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

func firstSentence(_ text: String) -> String {
  let line = text.replacing("\n", with: " ")
  return line.range(of: ". ").map { String(line[..<$0.lowerBound]) } ?? line
}
