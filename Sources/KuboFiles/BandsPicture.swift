// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// What a picture of bands shows beside the path, which takes the model.
public struct BandStates: Sendable {
  /// Of two sublattices, whose contours there are.
  let model: Model?
  /// E, then the densities of both bands or spins.
  fileprivate let densities: [[Double]]
  let contours: [FermiContour]

  /// The densities of states, and of two sublattices in two dimensions the Fermi contours.
  public init(_ densities: [DensityOfStates], of model: Model? = nil, contours: [FermiContour] = [])
  {
    (self.model, self.contours) = (model, contours)
    self.densities = densities.map { [$0.energy] + $0.density.map(\.value.real) }
  }
}

extension CSVFile {
  /// The corners of a path through the zone, as the header has them: NAME at DISTANCE, k = (...).
  fileprivate var corners: [(name: String, distance: Double)] {
    header.filter { $0.key.family == .corner }.compactMap { line in
      let parts = line.value.split(separator: ", k = ").first?.split(separator: " ") ?? []
      guard parts.count >= 3, parts[parts.count - 2] == "at", let distance = Double(parts.last!),
        distance.isFinite
      else { return nil }
      return (parts.dropLast(2).joined(separator: " "), distance)
    }
  }

  /// Whether these are energies along a path, with all that their picture needs.
  public var isBandTable: Bool {
    columns.first == "distance" && corners.count > 1 && !rows.isEmpty
      && self[header: "mu"].flatMap(Double.init) != nil
      && bandColumns.allSatisfy { !$0.isEmpty }
  }

  /// The columns of both bands, or of the levels of both spins.
  fileprivate var bandColumns: [[Int]] {
    let schema = columns.map(Column.init(parsing:))
    return levelKinds.map { kind in
      schema.indices.filter { schema[$0].quantity == "E" && schema[$0].level == .init(kind) }
    }
  }

  /// Bands or spins.
  fileprivate var levelKinds: [LevelKind] {
    columns.contains(Column("E", .bonding).name) ? LevelKind.bands : LevelKind.spins
  }
}

extension Picture {
  fileprivate static func styles(_ kinds: [LevelKind]) -> [Figure.Style] {
    zip(kinds, [Ink.blue, .vermilion]).enumerated().map { n, kind in
      Figure.Style(kind.0.rawValue, kind.1, route: n)
    }
  }

  fileprivate static let sumStyle = Figure.Style("sum", .black, route: 2)

  /// The bands of a table along its path, the density of states beside them on the same axis of energy, and in
  /// two dimensions the Fermi contours in the zone, with the spin of the state <tau> = x along them
  /// (``Frame/spin(_:pseudoSpin:)``); the bands alone without `states`.
  /// - Precondition: ``CSVFile/isBandTable``.
  public init(bands table: CSVFile, states: BandStates?, look: PictureLook = .init()) {
    precondition(table.isBandTable, "not a table of bands")
    let corners = table.corners
    let mu = Double(table[header: "mu"]!)!
    let hasContours = states?.model?.dimension == 2
    // All in cm.
    let width = look.pageWidth()
    let title = look.titleLines(on: width) { table.title(width: $0) }
    var styles = Picture.styles(table.levelKinds)
    if states != nil { styles.append(Picture.sumStyle) }
    for n in styles.indices { styles[n].color = look.color(styles[n].color) }
    let line = Size.line
    let key = Key(styles, isCut: false, width: width - 0.4)
    let letters = states == nil ? 0 : line
    let (top, bands, gap) = (
      0.35 + line * Double(title.count + key.lineCount) + letters, 5.0, 1.9
    )
    let (left, between, right) = (1.4, 0.4, 0.3)
    let path = (width - left - right - (states == nil ? 0 : between)) * (states == nil ? 1 : 0.69)
    let density = width - left - right - between - path
    let zone = min(5.6, width - 2.2)
    var script = Script(
      width: width, height: top + bands + (hasContours ? gap + zone : 0) + 1.2, scale: look.scale)
    script.add("set multiplot", "set tics scale 0.5", "unset key")
    script.title(title, from: 0.35)
    key.draw(in: &script, 0.2, 0.35 + line * Double(title.count))
    let levels = table.bandColumns
    let columns = [table.columns.firstIndex(of: "distance")!] + levels.joined()
    let rows = table.rows.map { row in columns.map { row[$0] } }
    let values = rows.flatMap { $0.dropFirst().compactMap(\.self) }
    let (least, most) = (values.min() ?? -1, values.max() ?? 1)
    let margin = most > least ? 0.07 * (most - least) : 1
    let (low, high) = look.yRange(0) ?? (least - margin, most + margin)
    script.range("y", low, high)
    script.add("set format '%h'")
    if states != nil { script.letter(0, 0.15, top - 0.25) }
    // The path.
    script.panel(left, top, width: path, height: bands)
    let end = corners.map(\.distance).max()!
    script.range("x", 0, end > 0 ? end : 1)
    script.axis("y", table.label(Column("E")), offset: "1,0")
    let ticks = corners.map {
      "\(Typeset.quoted(Typeset.literal(shortened($0.name)))) \($0.distance)"
    }
    script.add("set xtics mirror (\(ticks.joined(separator: ", ")))", "set ytics mirror")
    for x in corners.map(\.distance) where x > 0 && x < end {
      script.line(from: "\(x), graph 0", to: "\(x), graph 1", "lw 0.5 lc rgb '\(Ink.mark)'")
    }
    script.label(
      Symbol.state("mu"), at: "graph 0.02, first \(mu)",
      "left offset 0,0.5 textcolor rgb '\(Ink.mark)'")
    script.data("bands", rows)
    let inks = zip(levels, styles).flatMap { own, style in own.map { _ in style } }
    script.draw(
      ["\(mu) with lines dt 3 lc rgb '\(Ink.mark)'"]
        + inks.enumerated().map { "$bands using 1:\($0 + 2) with lines \($1.line)" })
    if let states {
      script.add("unset label", "unset arrow", "unset ylabel", "set format y ''")
      script.panel(left + path + between, top, width: density, height: bands)
      script.letter(1, left + path + between - 0.1, top - 0.25)
      // The table of the path has no unit of it.
      let unit = table.unit(named: "dos") ?? table[header: "units.energy"].map { "1/\($0)" }
      states.drawDensity(
        in: &script, mu: mu, styles, Symbol.labelled(Symbol.quantity(Column("dos")), unit))
      if hasContours {
        script.add("unset label")
        script.panel((width - zone) / 2 + 0.3, top + bands + gap, width: zone, height: zone)
        script.letter(2, 0.15, top + bands + gap - 0.25)
        states.drawZone(in: &script, ["k_x", "k_y"].map { table.label(Column($0)) }, styles)
      }
    }
    script.add("unset multiplot")
    self.init(script)
  }
}

extension BandStates {
  /// The densities against the energy, which goes upward.
  fileprivate func drawDensity(
    in script: inout Script, mu: Double, _ styles: [Figure.Style], _ label: String
  ) {
    let largest = densities.map { $0[1] + $0[2] }.max() ?? 1
    script.range("x", 0, 1.08 * largest)
    script.add("set xtics mirror autofreq", "set xtics \(Picture.step(largest / 3))")
    script.axis("x", label, offset: "0,0.4")
    script.data("mu", [[0, mu], [1.08 * largest, mu]])
    script.data("density", densities.map { $0 + [$0[1] + $0[2]] })
    script.draw(
      styles.enumerated().map { "$density using \($0 + 2):1 with lines \($1.line)" }
        + ["$mu using 1:2 with lines dt 3 lc rgb '\(Ink.mark)'"])
  }

  /// The zone with its named points, the contours repeated over what is shown, and the spins.
  fileprivate func drawZone(
    in script: inout Script, _ labels: [String], _ styles: [Figure.Style]
  ) {
    let model = model!
    let brillouin = BrillouinZone(model)
    let outline = brillouin.outline
    let reach = 1.25 * outline.flatMap { $0.map(abs) }.max()!
    for axis in ["x", "y"] { script.range(axis, -reach, reach) }
    script.add(
      "set format y '%h'", "set xtics mirror autofreq", "set ytics mirror autofreq")
    script.axis("x", labels[0], offset: "0,0.4")
    script.axis("y", labels[1], offset: "1,0")
    script.label(
      contours.isEmpty ? "no Fermi contour at μ" : "Fermi contours, arrows: spin (9) for τ = x",
      at: "graph 0.5,1.06", "center")
    script.data("outline", outline + [outline[0]])
    // Translations that bring a curve into view.
    let b = model.reciprocalVectors
    let translations = (-3...3).flatMap { n in
      (-3...3).map { m -> [Double] in
        zip(b[0], b[1]).map { (x: Double, y: Double) -> Double in Double(n) * x + Double(m) * y }
      }
    }
    var plots = ["$outline using 1:2 with lines lc rgb '\(Ink.mark)'"]
    for (band, style) in zip([Band.bonding, .antibonding], styles) {
      var rows: [[Double]] = []
      var spins: [[Double]] = []
      for contour in contours where contour.band == band {
        let last = zip(contour.points[0], contour.winding).map { $0 + $1 }
        let closed = thinned(contour.points, spacing: 0.03 * reach) + [last]
        for shift in translations {
          let image = closed.map { zip($0, shift).map { $0 + $1 } }
          guard image.contains(where: { $0.allSatisfy { abs($0) < reach } }) else { continue }
          rows += image + [[]]
        }
        spins += arrows(contour, brillouin, reach)
      }
      guard !rows.isEmpty else { continue }
      script.data("curve\(band.rawValue)", rows)
      script.data("spin\(band.rawValue)", spins)
      plots += [
        "$curve\(band.rawValue) using 1:2 with lines \(style.line)",
        "$spin\(band.rawValue) using 1:2:3:4 with vectors head filled size screen 0.016,20 lw 1.2 lc rgb '\(Ink.black.rawValue)'",
      ]
    }
    var named: Set<String> = []
    for point in brillouin.path where named.insert(point.name).inserted {
      // Names stand outside, so that those of neighbours keep apart.
      let length = (point.k[0] * point.k[0] + point.k[1] * point.k[1]).squareRoot()
      let away = length > 0 ? point.k.map { $0 / length } : [0.7, 0.7]
      script.label(
        Typeset.literal(point.name), at: "\(point.k[0]),\(point.k[1])",
        "center point pt 7 ps 0.3 offset \(significant(1.3 * away[0])),\(significant(0.9 * away[1])) front"
      )
    }
    script.draw(plots)
  }

  /// The first of the points, and those that are at least `spacing` away from the one before.
  private func thinned(_ points: [[Double]], spacing: Double) -> [[Double]] {
    points.dropFirst().reduce(into: [points[0]]) { kept, point in
      let (dx, dy) = (point[0] - kept.last![0], point[1] - kept.last![1])
      if dx * dx + dy * dy >= spacing * spacing { kept.append(point) }
    }
  }

  /// Spins at points of a contour some distance apart: x, y, dx, dy.
  private func arrows(_ contour: FermiContour, _ zone: BrillouinZone, _ reach: Double) -> [[Double]]
  {
    let steps = zip(contour.points, contour.points.dropFirst()).map { a, b in
      zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }
    let length = steps.reduce(0, +)
    // A pocket as a whole, around the equivalent of its middle: eta is continuous along it.
    let isClosed = contour.winding.allSatisfy { $0 == 0 }
    let middle = (0..<2).map { i in
      contour.points.reduce(0) { $0 + $1[i] } / Double(contour.points.count)
    }
    let shift = zip(zone.folded(middle), middle).map { $0 - $1 }
    // Evenly, also from the last to the first.
    let spacing = length / max(12, (length / (0.17 * reach)).rounded())
    // Shorter around a pocket, so that they stay apart.
    let scale = min(0.14 * reach, 1.5 * spacing)
    var arrows: [[Double]] = []
    var way = spacing / 2
    for (n, step) in steps.enumerated() {
      way += step
      guard way >= spacing else { continue }
      way -= spacing
      let k =
        isClosed ? zip(contour.points[n], shift).map { $0 + $1 } : zone.folded(contour.points[n])
      let frame = Frame(model!, at: WaveVector(k), directions: Directions(i: 0, j: 0))
      let spin = frame.spin(contour.band, pseudoSpin: SIMD3(1, 0, 0))
      let (dx, dy) = (scale * spin.x, scale * spin.y)
      arrows.append([k[0] - dx / 2, k[1] - dy / 2, dx, dy])
    }
    return arrows
  }
}
