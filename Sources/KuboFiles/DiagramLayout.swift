// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

/// Where the parts of a diagram stand on paper, in centimetres about the middle of the loop.
///
/// The vertices stand on a circle, the measured one at the left, the others clockwise in the order of
/// the matrix product. tr[V_1 g_1 V_2 ...] reads against the electron's way, so that it runs from
/// V_(m+1) to V_m, counter-clockwise.
struct DiagramLayout {
  /// A place, or a direction.
  struct Point {
    var x, y: Double

    /// On a circle about the middle.
    init(radius: Double, angle: Double) { (x, y) = (radius * cos(angle), radius * sin(angle)) }
  }

  /// A line that ends outside the loop.
  struct Leg {
    enum Kind: String {
      case measured, electric, gauge, canting
      /// A coupling of an operator without a symbol of its own.
      case other
    }
    let kind: Kind
    let start, end: Point
    /// Its direction from the middle, for its label.
    let angle: Double
    let label: MathText
  }

  struct Vertex {
    let angle: Double
    let point: Point
    /// Whether the ladder dresses it.
    let isDressed: Bool
    let legs: [Leg]
    /// What couples there; nil where several operators can be measured.
    let symbol: MathText?
    /// Which bands it joins.
    let bands: MathText
  }

  struct Propagator {
    /// The angles between which the electron runs, counter-clockwise.
    let start, end: Double
    let label: MathText
    /// Half way.
    var middle: Double { (start + end) / 2 }
  }

  static let radius = 1.9
  static let legLength = 1.35
  /// The radius of a vertex.
  static let dot = 0.08
  static let dressed = 0.24

  let vertices: [Vertex]
  let propagators: [Propagator]

  init(_ diagram: Diagram) {
    let count = diagram.vertices.count
    let step = 2 * Double.pi / Double(count)
    let labels = DiagramLayout.bandLabels(count)
    let dressed = Set(diagram.dressedVertices)
    vertices = diagram.vertices.indices.map { n in
      let vertex = diagram.vertices[n]
      let angle = Double.pi - step * Double(n)
      let point = Point(radius: DiagramLayout.radius, angle: angle)
      let lines =
        vertex.vertexOperator.map(DiagramLayout.lines)
        ?? [(.measured, DiagramLayout.label(diagram.measures))]
      let legs = lines.enumerated().map { m, line in
        // Two fields at one vertex leave it at 50 degrees.
        let fan = angle + (Double(m) - Double(lines.count - 1) / 2) * 50 * Double.pi / 180
        var end = Point(radius: DiagramLayout.legLength, angle: fan)
        (end.x, end.y) = (point.x + end.x, point.y + end.y)
        return Leg(kind: line.kind, start: point, end: end, angle: fan, label: line.label)
      }
      return Vertex(
        angle: angle, point: point, isDressed: dressed.contains(n), legs: legs,
        symbol: vertex.vertexOperator.map(DiagramLayout.symbol)
          ?? (diagram.measures.count == 1
            ? DiagramLayout.symbol(diagram.measures[0].vertex) : nil),
        bands: DiagramLayout.bands(vertex.bands, labels[(n + count - 1) % count], labels[n]))
    }
    propagators = diagram.propagators.indices.map { n in
      let start = Double.pi - step * Double(n + 1)
      let frequency =
        switch diagram.propagators[n] {
        case .inner: "i\\varepsilon_{n}"
        case .innerPlusExternal: "i\\varepsilon_{n}+i\\omega_{\\lambda}"
        }
      return Propagator(
        start: start, end: start + step, label: "g_{\(labels[n])}(\(frequency))")
    }
  }

  /// The band labels of the propagators: the first is a, and with up to three of them the last is c,
  /// as in the paper.
  static func bandLabels(_ count: Int) -> [String] {
    count == 2 ? ["a", "c"] : (0..<count).map { String(UnicodeScalar(UInt8(97 + $0))) }
  }

  private static func bands(_ rule: BandRule, _ left: String, _ right: String) -> MathText {
    // In the order of the alphabet, as in the equations of the files.
    let (a, b) = (min(left, right), max(left, right))
    return switch rule {
    case .any: "\(a),\(b)\\ \\mathrm{any}"
    case .equal: "\(a)=\(b)"
    case .unequal: "\(a)\\neq \(b)"
    }
  }

  private static func label(_ measures: [MeasuredOperator]) -> MathText {
    let texts = measures.map { measured in
      switch measured {
      case .spin: "s^{\\alpha}"
      case .staggeredSpin: "\\Sigma^{\\alpha}"
      case .anomalousSpinCurrent: "j_{\\mathrm{sA},i}^{\\alpha}"
      case .spinCurrent: "j_{\\mathrm{s},i}^{\\alpha}"
      case .exchangeTorque: "\\tau^{\\alpha}"
      case .chargeCurrent: "j_{i}"
      }
    }
    return MathText(stringLiteral: texts.joined(separator: ","))
  }

  /// The fields that couple at a vertex: their lines and what is written at their ends.
  private static func lines(_ vertex: VertexOperator) -> [(kind: Leg.Kind, label: MathText)] {
    var lines: [(kind: Leg.Kind, label: MathText)] = []
    if vertex.carriesElectricField {
      lines.append((.electric, "A_{j}^{\\mathrm{em}}"))
    }
    if vertex.pauli == .field {
      lines.append(
        vertex.name == "canting"
          ? (.canting, "(M/N)m^{\\beta}") : (.gauge, "A_{\\mathrm{r},i}^{\\beta}"))
    }
    return lines.isEmpty ? [(.other, name(vertex))] : lines
  }

  /// The operator's matrix.
  private static func symbol(_ vertex: VertexOperator) -> MathText {
    switch vertex.name {
    case "s": "\\rho_{0}\\sigma^{\\alpha}"
    case "Sigma": "\\rho_{3}\\sigma^{\\alpha}"
    case "j": "\\partial_{i}H"
    case "j_sA": "j_{\\mathrm{sA},i}^{\\alpha}"
    case "electric": "\\partial_{j}H"
    case "gauge": "\\tfrac12 \\partial_{i}H\\sigma^{\\beta}"
    case "anomalous_current": "\\tfrac12 \\partial_{i}\\partial_{j}H\\sigma^{\\beta}"
    case "canting": "-J\\sigma^{\\beta}"
    case "gradient": "-\\tfrac12 \\mathrm{i}\\ \\partial_{i}H"
    case "electric_gradient": "-\\tfrac12 \\mathrm{i}\\ \\partial_{i}\\partial_{j}H"
    default: name(vertex)
    }
  }

  /// The name of an operator without a symbol.
  private static func name(_ vertex: VertexOperator) -> MathText {
    MathText(stringLiteral: "\\mathrm{\(vertex.name.replacing("_", with: "\\ "))}")
  }
}

extension Diagram {
  /// What is to be read below the diagram: its name, what it is, its factors and ladder, and where
  /// its equation stands; each paragraph on one line.
  var caption: [String] {
    let sum = contributesTo.joined(separator: ", ")
    let factor = prefactor == 1 ? "" : ", prefactor \(prefactor)"
    let kinds = ladder.map(\.rawValue).joined(separator: ", ")
    let dressing =
      ladder.isEmpty
      ? "bare vertices" : "shaded: dressed by the ladder of \(kinds) impurities"
    return [
      name, summary, "sign \(sign == 1 ? "+1" : "-1")\(factor); part of \(sum); \(dressing)",
      source.replacing("\n", with: " "),
    ]
  }
}

/// `text` on lines of at most `width` characters, broken at spaces where there are some, the last
/// one ending in dots if there are more than `limit`.
func wrapped(_ text: String, width: Int, limit: Int) -> [String] {
  var lines: [String] = []
  var line = ""
  // One character may have any number of marks: what is counted are code points.
  for word in text.split(separator: " ") {
    var rest = String.UnicodeScalarView(word.unicodeScalars)
    while !rest.isEmpty {
      let room = width - line.unicodeScalars.count - (line.isEmpty ? 0 : 1)
      if rest.count > room, !line.isEmpty {
        lines.append(line)
        line = ""
      } else {
        let piece = rest.prefix(max(1, min(rest.count, room)))
        line += (line.isEmpty ? "" : " ") + String(piece)
        rest = String.UnicodeScalarView(rest.dropFirst(piece.count))
      }
      if lines.count > limit { break }
    }
    if lines.count > limit { break }
  }
  if !line.isEmpty { lines.append(line) }
  guard lines.count > limit else { return lines }
  return lines.prefix(limit - 1) + [lines[limit - 1] + " ..."]
}
