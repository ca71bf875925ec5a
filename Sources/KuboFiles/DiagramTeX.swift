// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

extension TextFile {
  /// The Feynman diagram of a file as a LaTeX document for the package tikz-feynman, with the same
  /// parts at the same places as the picture.
  ///
  /// All places are given, so that pdflatex sets it as well as lualatex.
  public init(tikz diagram: Diagram, hasCaption: Bool = true) {
    let layout = DiagramLayout(diagram)
    func place(_ p: DiagramLayout.Point) -> String {
      "(\(String(format: "%.3f", p.x)),\(String(format: "%.3f", p.y)))"
    }
    var vertices: [String] = []
    var lines: [String] = []
    for (n, propagator) in layout.propagators.enumerated() {
      let opening = propagator.end - propagator.start
      // The circle's arc by one curve of TikZ, whose handles are 0.3915 of the chord at looseness 1.
      let looseness = 4 / 3 * tan(opening / 4) / (2 * sin(opening / 2)) / 0.3915
      let next = (n + 1) % layout.vertices.count
      lines.append(
        "(v\(next + 1)) -- [fermion, bend right=\(format(opening / 2 * 180 / .pi)), looseness=\(format(looseness)), edge label'={\\(\(propagator.label.tex)\\)}] (v\(n + 1))"
      )
    }
    for (n, vertex) in layout.vertices.enumerated() {
      let kind = vertex.isDressed ? "small, blob" : "dot"
      vertices.append("\\vertex [\(kind)] (v\(n + 1)) at \(place(vertex.point)) {};")
      let inside = ([vertex.symbol].compactMap(\.self) + [vertex.bands])
        .map { "\\(\($0.tex)\\)" }.joined(separator: "\\\\")
      let inward = DiagramLayout.Point(
        radius: DiagramLayout.radius - (vertex.isDressed ? 0.35 : 0.2), angle: vertex.angle)
      vertices.append(
        "\\node [anchor=\(anchor(vertex.angle + .pi)), align=center, font=\\footnotesize] at \(place(inward)) {\(inside)};"
      )
      for (m, leg) in vertex.legs.enumerated() {
        vertices.append("\\vertex (f\(n + 1)\(m + 1)) at \(place(leg.end));")
        vertices.append(
          "\\node [anchor=\(anchor(leg.angle))] at (f\(n + 1)\(m + 1)) {\\(\(leg.label.tex)\\)};")
        let style =
          switch leg.kind {
          case .electric: "photon"
          case .gauge: "gluon"
          case .canting: "ghost"
          case .measured: "scalar"
          case .other: "plain"
          }
        lines.append("(v\(n + 1)) -- [\(style)] (f\(n + 1)\(m + 1))")
      }
    }
    let paragraphs = diagram.caption.enumerated().map { n, text in
      n == 0 ? "\\textbf{\(texEscaped(text))}" : texEscaped(text)
    }
    let caption =
      hasCaption
      ? "\\par\\medskip\\raggedright\\footnotesize\n\(paragraphs.joined(separator: "\\par\n"))\n"
      : ""
    self.init(
      """
      % Set with lualatex or pdflatex.
      \\documentclass[border=4pt]{standalone}
      \\usepackage{amsmath}
      \\usepackage[compat=1.1.0]{tikz-feynman}
      \\begin{document}
      \\begin{minipage}{11cm}
      \\centering
      \\begin{tikzpicture}
      \\begin{feynman}
      \(vertices.joined(separator: "\n"))
      \\diagram* {
        \(lines.joined(separator: ",\n  ")),
      };
      \\end{feynman}
      \\end{tikzpicture}
      \(caption)\\end{minipage}
      \\end{document}

      """)
  }
}

/// The side of a node that stands at its place, for text that leads away in a direction.
private func anchor(_ angle: Double) -> String {
  switch (cos(angle), sin(angle)) {
  case (0.35..., _): "west"
  case (..<(-0.35), _): "east"
  case (_, 0...): "south"
  default: "north"
  }
}

private func format(_ x: Double) -> String { String(format: "%.4g", x) }
