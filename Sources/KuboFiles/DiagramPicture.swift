// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

extension Picture {
  /// The Feynman diagram of a file: each propagator with its band and frequency, each vertex with its
  /// operator, its fields and the bands it joins, those shaded that a ladder dresses; below, if
  /// wanted, its name, sign and source.
  public init(_ diagram: Diagram, hasCaption: Bool = true, look: PictureLook = .init()) {
    let layout = DiagramLayout(diagram)
    var drawing = DiagramScript(look)
    for propagator in layout.propagators { drawing.add(propagator) }
    for vertex in layout.vertices { drawing.add(vertex) }
    self.init(drawing.finished(caption: hasCaption ? diagram.caption : []))
  }
}

/// gnuplot's commands for a diagram, in centimetres about the middle of the loop.
private struct DiagramScript {
  private typealias Point = DiagramLayout.Point

  private let look: PictureLook
  private var script: Script
  private var curves: [String] = []
  /// Half the size of the drawing.
  private var width = 4.8
  private var height = DiagramLayout.radius
  private static let lineHeight = 0.42
  /// What a line of the caption holds at this width.
  private static let captionWidth = 52

  init(_ look: PictureLook) {
    self.look = look
    script = Script(scale: look.scale)
  }

  mutating func add(_ propagator: DiagramLayout.Propagator) {
    let r = DiagramLayout.radius
    let angle = "(\(propagator.start)+t*\(propagator.end - propagator.start))"
    curves.append("\(r)*cos\(angle),\(r)*sin\(angle) with lines lw 1.5 lc rgb 'black'")
    // The head of an arrow half way, along the tangent; gnuplot's own point elsewhere where they are short.
    let (x, y) = (cos(propagator.middle), sin(propagator.middle))
    let corners = [(0.18, r), (-0.14, r + 0.13), (-0.14, r - 0.13), (0.18, r)].map { way, radius in
      [radius * x - way * y, radius * y + way * x].map { significant($0, digits: 6) }
        .joined(separator: ",")
    }
    script.add(
      "set object polygon from \(corners.joined(separator: " to ")) front fc rgb 'black' fs solid noborder"
    )
    write(propagator.label, Point(radius: r + 0.32, angle: propagator.middle), propagator.middle)
  }

  mutating func add(_ vertex: DiagramLayout.Vertex) {
    for leg in vertex.legs { add(leg) }
    let radius = vertex.isDressed ? DiagramLayout.dressed : DiagramLayout.dot
    let fill = vertex.isDressed ? "#b8b8b8" : "black"
    script.add(
      "set object circle at \(vertex.point.x),\(vertex.point.y) size \(radius) front fc rgb '\(fill)' fs solid border lc rgb 'black'"
    )
    // Within the loop, two lines, from which the text runs away from the vertex.
    let isOneLine = vertex.symbol == nil
    let gap = radius + 0.2 + (isOneLine ? 0.12 : 0.3) * abs(sin(vertex.angle))
    let place = Point(radius: DiagramLayout.radius - gap, angle: vertex.angle)
    let half = isOneLine ? 0 : 0.21
    if let symbol = vertex.symbol {
      write(symbol, place, vertex.angle + .pi, shift: half)
    }
    write(vertex.bands, place, vertex.angle + .pi, shift: -half, color: "#555555")
  }

  private mutating func add(_ leg: DiagramLayout.Leg) {
    let (dx, dy) = (leg.end.x - leg.start.x, leg.end.y - leg.start.y)
    let length = hypot(dx, dy)
    let (ux, uy) = (dx / length, dy / length)
    /// A curve by its coordinates along and across the leg.
    func curve(_ along: String, _ across: String, _ style: String) -> String {
      "\(leg.start.x)+(\(ux))*(\(along))-(\(uy))*(\(across)),"
        + "\(leg.start.y)+(\(uy))*(\(along))+(\(ux))*(\(across)) with lines \(style)"
    }
    let straight = "\(length)*t"
    switch leg.kind {
    case .electric:
      curves.append(
        curve(straight, "0.09*sin(10*pi*t)", "lw 1.5 lc rgb '\(look.color(Ink.blue.rawValue))'"))
    case .gauge:
      // A coil that begins and ends on the line.
      let r = 0.1
      curves.append(
        curve(
          "\(length - 2 * r)*t+\(r)*(1-cos(15*pi*t))", "\(r)*sin(15*pi*t)",
          "lw 1.2 lc rgb '\(look.color(Ink.vermilion.rawValue))'"))
    case .canting:
      curves.append(curve(straight, "0", "lw 2 dt 3 lc rgb '\(look.color(Ink.green.rawValue))'"))
    case .measured: curves.append(curve(straight, "0", "lw 1.5 dt 2 lc rgb 'black'"))
    case .other: curves.append(curve(straight, "0", "lw 1.5 dt 4 lc rgb 'black'"))
    }
    var place = Point(radius: 0.2 + 0.1 * abs(sin(leg.angle)), angle: leg.angle)
    (place.x, place.y) = (leg.end.x + place.x, leg.end.y + place.y)
    write(leg.label, place, leg.angle)
  }

  /// A formula that stands off its place in a direction.
  private mutating func write(
    _ formula: MathText, _ place: Point, _ angle: Double, shift: Double = 0, color: String = "black"
  ) {
    let side = cos(angle) > 0.35 ? "left" : cos(angle) < -0.35 ? "right" : "center"
    let y = place.y + shift
    height = max(height, abs(y) + 0.35)
    // Letters of a wide font.
    let length = 0.17 * Double(formula.signs)
    width = max(width, abs(place.x) + (side == "center" ? length / 2 : length) + 0.1)
    script.label(
      formula.enhanced, at: "\(place.x),\(y)", "\(side) front textcolor rgb '\(color)'")
  }

  /// With the caption below, and the frame: a centimetre is one in x and y.
  consuming func finished(caption: [String]) -> Script {
    var y = -height - (caption.isEmpty ? 0.1 : 0.45)
    for (n, paragraph) in caption.enumerated() {
      for line in wrapped(paragraph, width: DiagramScript.captionWidth, limit: 8) {
        let text = Typeset.literal(line)
        script.label(n == 0 ? "{/:Bold \(text)}" : text, at: "\(0.25 - width),\(y)", "left")
        y -= DiagramScript.lineHeight
      }
    }
    script.size = Picture.Size(width: 2 * width, height: height + 0.1 - y, scale: look.scale)
    script.add("unset border", "unset tics", "unset key", "set parametric", "set samples 200")
    script.range("t", 0, 1)
    script.range("x", -width, width)
    script.range("y", y, height + 0.1)
    script.panel(0, 0, width: script.size.width, height: script.size.height)
    script.draw(curves)
    return script
  }
}
