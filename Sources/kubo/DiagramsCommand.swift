// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles

/// `kubo diagrams`.
struct DiagramsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diagrams", abstract: "List the diagrams, show one with its equation, or draw it.",
    discussion: """
      EXAMPLE
        kubo diagrams
        kubo diagrams nonadiabatic.a
        kubo diagrams draw nonadiabatic.a --output a.svg

        The commands print a line for each diagram, print the vertices of one, and
        draw it. In a.svg the vertex that the ladder dresses is shaded.
      """,
    subcommands: [ShowDiagrams.self, DrawDiagram.self], defaultSubcommand: ShowDiagrams.self)
}

extension DiagramFolders {
  fileprivate func entry(_ name: String) throws -> DiagramLibrary.Entry {
    let library = try library()
    guard let entry = library.entries.first(where: { $0.diagram.name == name }) else {
      throw ValidationError(
        "diagram: found '\(shown(name))'; expected \(library.diagrams.map(\.name).joined(separator: ", "))"
      )
    }
    return entry
  }
}

/// `kubo diagrams show`, and `kubo diagrams` without another subcommand.
private struct ShowDiagrams: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "List the diagrams, or show one with its equation.",
    discussion: """
      EXAMPLE
        kubo diagrams show nonadiabatic.a

        The vertices and propagators stand in the order of the trace, before the
        equation and the source:

          vertex      measured: s^alpha = rho_0 sigma^alpha (S3.1); ...
          propagator  internal + external
          vertex      electric: d_j H (S5.2), bands equal
      """)

  @Argument(help: "The name of a diagram to show.")
  var name: String?
  @OptionGroup var folders: DiagramFolders

  func run() async throws {
    try await reporting { _ in
      guard let name else {
        try standardOutput(folders.library().diagrams.map(line).joined())
        return
      }
      let entry = try folders.entry(name)
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

/// `kubo diagrams draw`.
private struct DrawDiagram: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw", abstract: "Draw a diagram, as a picture or for LaTeX.",
    discussion: """
      Each electron line has its band and frequency, each vertex its operator and the bands it joins; \
      shaded vertices are dressed by the ladder that the file declares. Wavy: the electric field; coiled: \
      the spin gauge field; dotted: the canting; dashed: the measured operator. Electrons run \
      counter-clockwise, against the order of the matrix product. LaTeX needs the package tikz-feynman.

      EXAMPLE
        kubo diagrams draw nonadiabatic.a --output a.svg

        The picture has the loop with its shaded vertex; name, sign and source
        stand below it:

          drawn: a.svg
      """)

  @Argument(help: "The name of a diagram.")
  var name: String
  @OptionGroup var folders: DiagramFolders
  @Option(
    help: ArgumentHelp(
      "The file to write, by its ending .svg, .png, .pdf or .tex. Default: LaTeX on standard output.",
      valueName: "file"), completion: .file())
  var output: String?
  @Option(help: "The style of a picture, as in 'kubo plot'.")
  var style: PictureLook.Style?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The width of a picture, as 86mm, 8.6cm or 3.4in; letters keep their size.",
      valueName: "length"), transform: PictureArguments.length)
  var width: Double?
  @Flag(inversion: .prefixedNo, help: "Write name, sign and source below the diagram.")
  var caption = true
  @Flag(help: "Replace an existing output file.")
  var force = false

  private var isTeX: Bool {
    output == nil || output == "-" || output!.lowercased().hasSuffix(".tex")
  }

  func validate() throws {
    for (option, isGiven) in [("--style", style != nil), ("--width", width != nil)]
    where isGiven && isTeX {
      throw ValidationError("\(option): found with LaTeX; expected a picture, as --output a.svg")
    }
    guard let output, !isTeX, Picture.Format(path: output) == nil else { return }
    throw ValidationError(
      "--output: found '\(shown(output))'; expected a file ending in .svg, .png, .pdf or .tex")
  }

  func run() async throws {
    try await reporting { _ in
      let entry = try folders.entry(name)
      let source = TextFile(tikz: entry.diagram, hasCaption: caption)
      guard let output, output != "-" else {
        try standardOutput(source.text)
        return
      }
      guard !isSameFile(output, entry.path) else {
        throw ValidationError(
          "--output: found '\(shown(output))', the diagram's file; expected another path")
      }
      if isTeX {
        try source.write(to: output, overwrite: force)
      } else {
        var look = PictureLook()
        (look.style, look.width) = (style ?? .screen, width)
        try await Picture(entry.diagram, hasCaption: caption, look: look)
          .write(to: output, overwrite: force)
      }
      try standardOutput("drawn: \(shown(output))\n")
    }
  }
}
