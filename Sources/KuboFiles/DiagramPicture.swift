// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

extension Picture {
  /// The Feynman diagram of a file: each propagator with its band and frequency, each vertex with its
  /// operator, its fields and the bands it joins, those shaded that a ladder dresses; below, if
  /// wanted, its name, sign and source.
  public init(_ diagram: Diagram, hasCaption: Bool = true) {
    self.init(DiagramScript(diagram, .init()).finished(hasCaption ? diagram.caption : []))
  }

  /// The same in a look; the loop is as large as the width of the page admits.
  /// - Throws: ``FileError`` for a width on which its letters have no room.
  public init(_ diagram: Diagram, hasCaption: Bool, look: PictureLook) throws(FileError) {
    let drawing = DiagramScript(diagram, look)
    self.init(
      drawing.finished(hasCaption ? diagram.caption : [], zoom: try drawing.zoom(of: diagram.name)))
  }
}

/// gnuplot's commands for a diagram, in centimetres about the middle of the loop.
private struct DiagramScript {
  private typealias Point = DiagramLayout.Point

  private let look: PictureLook
  private var script: Script
  private var curves: [String] = []
  /// How far words reach to a side of the middle: the place of their beginning, and their length.
  private var reaches: [(place: Double, length: Double)] = []
  /// Where words are, and the loop, above or below the middle.
  private var heights = [DiagramLayout.radius]
  /// Half the width where nothing is said, what a line of the caption holds there, and how small a loop is still read.
  private static let (halfWidth, captionWidth, smallest) = (4.8, 52.0, 0.6)
  private static let lineHeight = 0.42

  init(_ diagram: Diagram, _ look: PictureLook) {
    self.look = look
    script = Script(scale: look.scale)
    let layout = DiagramLayout(diagram)
    for propagator in layout.propagators { add(propagator) }
    for vertex in layout.vertices { add(vertex) }
  }

  private mutating func add(_ propagator: DiagramLayout.Propagator) {
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

  private mutating func add(_ vertex: DiagramLayout.Vertex) {
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
    heights.append(abs(y))
    // Letters of a wide font.
    let length = 0.17 * Double(formula.signs)
    reaches.append((abs(place.x), (side == "center" ? length / 2 : length) + 0.1))
    script.label(
      formula.enhanced, at: "\(place.x),\(y)", "\(side) front textcolor rgb '\(color)'")
  }

  /// Half of what the drawing takes in cm, where a unit of x and y is `zoom`, while letters keep their size.
  private func halfWidth(_ zoom: Double) -> Double {
    reaches.map { zoom * $0.place + $0.length }.max()!
  }

  /// That of the width of the look; 1 without one.
  func zoom(of name: String) throws(FileError) -> Double {
    guard look.width != nil else { return 1 }
    let half = look.pageWidth() / 2
    let zoom = reaches.map { (half - $0.length) / max($0.place, 0.1) }.min()!
    guard zoom >= DiagramScript.smallest else {
      func length(_ half: Double) -> String {
        "\(Int((20 * look.scale * half - 1e-9).rounded(.up))) mm"
      }
      throw FileError(
        .setting, file: name, found: "a width of \(length(half))",
        expected: "\(length(halfWidth(DiagramScript.smallest))) or more for this diagram and style")
    }
    return zoom
  }

  /// With the caption below, and the frame.
  consuming func finished(_ caption: [String], zoom: Double = 1) -> Script {
    let half =
      look.width == nil ? max(DiagramScript.halfWidth, halfWidth(1)) : look.pageWidth() / 2
    let (width, top) = (half / zoom, heights.max()! + 0.45 / zoom)
    var y = -top - (caption.isEmpty ? 0 : 0.35 / zoom)
    for (n, paragraph) in caption.enumerated() {
      let signs = Int(DiagramScript.captionWidth * half / DiagramScript.halfWidth)
      for line in wrapped(paragraph, width: signs, limit: 8) {
        let text = Typeset.literal(line)
        script.label(
          n == 0 ? "{/:Bold \(text)}" : text, at: "\(0.25 / zoom - width),\(y)", "left")
        y -= DiagramScript.lineHeight / zoom
      }
    }
    script.size = Picture.Size(width: 2 * half, height: zoom * (top - y), scale: look.scale)
    script.add("unset border", "unset tics", "unset key", "set parametric", "set samples 200")
    script.range("t", 0, 1)
    script.range("x", -width, width)
    script.range("y", y, top)
    script.panel(0, 0, width: script.size.width, height: script.size.height)
    script.draw(curves)
    return script
  }
}
