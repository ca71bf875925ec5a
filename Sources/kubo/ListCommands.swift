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

/// `kubo diagrams`.
struct DiagramsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diagrams", abstract: "List the diagrams, or show one with its equation.",
    discussion: """
      EXAMPLE
        kubo diagrams nonadiabatic.a

        Its vertices and propagators in the order of the trace, then equation and source:

          vertex      measured: s^alpha = rho_0 sigma^alpha (S3.1); ...
          propagator  internal + external
          vertex      electric: d_j H (S5.2), bands equal
      """)

  @Argument(help: "The name of a diagram to show.")
  var name: String?
  @Option(
    help: ArgumentHelp("A folder with more diagram files.", valueName: "dir"),
    completion: .directory)
  var diagrams: [String] = []

  func run() async throws {
    try await reporting { _ in
      let library = try DiagramLibrary.read(directories: [Installation.diagrams.path] + diagrams)
      guard let name else {
        try standardOutput(library.diagrams.map(line).joined())
        return
      }
      guard let entry = library.entries.first(where: { $0.diagram.name == name }) else {
        throw ValidationError(
          "diagram: found '\(shown(name))'; expected \(library.diagrams.map(\.name).joined(separator: ", "))"
        )
      }
      try standardOutput(line(entry.diagram) + details(entry.diagram) + "file: \(entry.path)\n")
    }
  }

  private func line(_ diagram: Diagram) -> String {
    let operators = diagram.measures.map(\.name).joined(separator: ", ")
    let sums = diagram.contributesTo.joined(separator: ", ")
    return "\(pad(diagram.name, 30)) \(firstSentence(diagram.summary)) [\(operators): \(sums)]\n"
  }

  private func details(_ diagram: Diagram) -> String {
    var text = "sign \(diagram.sign), prefactor \(diagram.prefactor)\n"
    for (vertex, propagator) in zip(diagram.vertices, diagram.propagators) {
      let symbol =
        vertex.vertexOperator.map { "\($0.name): \($0.equation)" }
        ?? "measured: " + diagram.measures.map(\.vertex.equation).joined(separator: "; ")
      text += "  vertex      \(symbol), bands \(vertex.bands.rawValue)\n"
      text += "  propagator  \(propagator.rawValue)\n"
    }
    return text + "equation: \(diagram.equation)\nsource: \(diagram.source)\n"
  }
}

private func pad(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

private func firstSentence(_ text: String) -> String {
  let line = text.replacing("\n", with: " ")
  return line.range(of: ". ").map { String(line[..<$0.lowerBound]) } ?? line
}
