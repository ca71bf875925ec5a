// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// What a picture of bands shows beside the path, which takes the model.
public struct BandStates: Sendable {
  let model: Model
  let densities: [DensityOfStates]
  let contours: [FermiContour]

  /// The densities of states, and in two dimensions the Fermi contours.
  public init(model: Model, densities: [DensityOfStates], contours: [FermiContour]) {
    (self.model, self.densities, self.contours) = (model, densities, contours)
  }
}

extension CSVFile {
  /// The corners of a path through the zone, as the header has them: NAME at DISTANCE, k = (...).
  fileprivate var corners: [(name: String, distance: Double)] {
    header.filter { $0.key.hasPrefix("corner.") }.compactMap { line in
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
      && ["E_bonding", "E_antibonding"].allSatisfy(columns.contains)
  }
}

extension Picture {
  fileprivate static let bandStyles: [(band: Band, style: Figure.Style)] = [
    (.bonding, .init("bonding", .blue, route: 0)),
    (.antibonding, .init("antibonding", .vermilion, route: 1)),
  ]

  fileprivate static let sumStyle = Figure.Style("sum", .black, route: 2)

  /// The bands of a table along its path, the density of states beside them on the same axis of energy, and in
  /// two dimensions the Fermi contours in the zone, with the spin of the state <tau> = x along them
  /// (``Frame/spin(_:pseudoSpin:)``); the bands alone without `states`.
  /// - Precondition: ``CSVFile/isBandTable``.
  public init(bands table: CSVFile, states: BandStates?) {
    precondition(table.isBandTable, "not a table of bands")
    let corners = table.corners
    let mu = Double(table[header: "mu"]!)!
    let hasContours = states?.model.dimension == 2
    // All in cm.
    let title = table.title(width: 48)
    var styles = Picture.bandStyles.map(\.style)
    if states != nil { styles.append(Picture.sumStyle) }
    let line = Size.line
    let key = Key(styles, isCut: false, width: Size.column - 0.4)
    let (width, top, bands, gap) = (
      Size.column, 0.35 + line * Double(title.count + key.lineCount), 5.0, 1.9
    )
    let (left, between, density) = (1.4, 0.4, 2.0)
    let path = states == nil ? 6.9 : 4.5
    let zone = 5.6
    let height = top + bands + (hasContours ? gap + zone : 0) + 1.2
    func margins(_ x: Double, _ w: Double, _ y: Double, _ h: Double) -> String {
      "set lmargin at screen \(significant(x / width))\nset rmargin at screen \(significant((x + w) / width))\n"
        + "set tmargin at screen \(significant(1 - y / height))\nset bmargin at screen \(significant(1 - (y + h) / height))\n"
    }
    var text = "set multiplot\nset tics scale 0.5\nunset key\n"
    for (n, words) in title.enumerated() {
      let y = significant(1 - (0.35 + line * Double(n)) / height)
      text += "set label \(Typeset.quoted(words)) at screen 0.5, screen \(y) center\n"
    }
    text += key.commands { x, row in
      let y = 0.35 + line * Double(title.count + row)
      return "screen \(significant((x + 0.2) / width)), screen \(significant(1 - y / height))"
    }
    let columns = ["distance", "E_bonding", "E_antibonding"].map {
      table.columns.firstIndex(of: $0)!
    }
    let rows = table.rows.map { row in columns.map { row[$0] } }
    let values = rows.flatMap { $0.dropFirst().compactMap(\.self) }
    let (least, most) = (values.min() ?? -1, values.max() ?? 1)
    let margin = most > least ? 0.07 * (most - least) : 1
    text += "set yrange [\(least - margin):\(most + margin)]\n"
    // The path.
    text += margins(left, path, top, bands)
    let end = corners.map(\.distance).max()!
    text += "set xrange [0:\(end > 0 ? end : 1)]\n"
    text +=
      "set ylabel \(Typeset.quoted(Symbol.labelled(Symbol.quantity(Column("E")), table.unit(named: "E")))) offset 1,0\n"
    let ticks = corners.map {
      "\(Typeset.quoted(Typeset.literal(shortened($0.name)))) \($0.distance)"
    }
    text += "set xtics nomirror (\(ticks.joined(separator: ", ")))\nset ytics nomirror\n"
    for corner in corners where corner.distance > 0 && corner.distance < end {
      text +=
        "set arrow from \(corner.distance), graph 0 to \(corner.distance), graph 1 nohead lw 0.5 lc rgb '\(Ink.mark)'\n"
    }
    text +=
      "set label \(Typeset.quoted(Symbol.state("mu"))) at graph 0.02, first \(mu) left offset 0,0.5 textcolor rgb '\(Ink.mark)'\n"
    text += "$bands << EOD\n"
    for row in rows {
      text += row.map { $0.map { "\($0)" } ?? "NaN" }.joined(separator: " ") + "\n"
    }
    text += "EOD\n"
    text +=
      "plot \(mu) with lines dt 3 lc rgb '\(Ink.mark)', "
      + Picture.bandStyles.enumerated().map {
        "$bands using 1:\($0 + 2) with lines \($1.style.line)"
      }.joined(separator: ", ") + "\n"
    if let states {
      text += "unset label\nunset arrow\nunset ylabel\nset format y ''\n"
      text += margins(left + path + between, density, top, bands)
      text += states.density(
        mu: mu, unit: table.unit(named: "dos") ?? table[header: "units.energy"].map { "1/\($0)" })
      if hasContours {
        text += states.zone(
          margins((width - zone) / 2 + 0.3, zone, top + bands + gap, zone),
          unit: table.unit(named: "k_x"))
      }
    }
    self.init(script: text + "unset multiplot\n", size: Size(width: width, height: height))
  }

  /// A block of data; an empty row is a gap.
  static func data(_ name: String, _ rows: [[Double]]) -> String {
    "$\(name) << EOD\n"
      + rows.map { $0.map { "\($0)" }.joined(separator: " ") + "\n" }.joined() + "EOD\n"
  }
}

extension BandStates {
  /// The densities against the energy, which goes upward.
  fileprivate func density(mu: Double, unit: String?) -> String {
    let largest = densities.map { $0.density.bonding + $0.density.antibonding }.max() ?? 1
    let label = Typeset.quoted(Symbol.labelled(Symbol.quantity(Column("dos")), unit))
    var text = "set xrange [0:\(1.08 * largest)]\nset xtics nomirror autofreq\n"
    text += "set xtics \(Picture.step(largest / 3))\nset xlabel \(label) offset 0,0.4\n"
    text += Picture.data("mu", [[0, mu], [1.08 * largest, mu]])
    text += Picture.data(
      "density",
      densities.map {
        [
          $0.energy, $0.density.bonding, $0.density.antibonding,
          $0.density.bonding + $0.density.antibonding,
        ]
      })
    let curves = Picture.bandStyles.enumerated().map { n, item in
      "$density using \(n + 2):1 with lines \(item.style.line)"
    }
    return text
      + "plot \(curves.joined(separator: ", ")), $density using 4:1 with lines \(Picture.sumStyle.line), $mu using 1:2 with lines dt 3 lc rgb '\(Ink.mark)'\n"
  }

  /// The zone with its named points, the contours repeated over what is shown, and the spins.
  fileprivate func zone(_ margins: String, unit: String?) -> String {
    let brillouin = BrillouinZone(model)
    let outline = brillouin.outline
    let reach = 1.25 * outline.flatMap { $0.map(abs) }.max()!
    var text = margins + "set xrange [\(-reach):\(reach)]\nset yrange [\(-reach):\(reach)]\n"
    text += "set format y '%g'\nset xtics nomirror autofreq\nset ytics nomirror autofreq\n"
    text +=
      "set xlabel \(Typeset.quoted(Symbol.labelled(Symbol.quantity(Column("k_x")), unit))) offset 0,0.4\n"
    text +=
      "set ylabel \(Typeset.quoted(Symbol.labelled(Symbol.quantity(Column("k_y")), unit))) offset 1,0\n"
    let caption =
      contours.isEmpty ? "no Fermi contour at μ" : "Fermi contours, arrows: spin (9) for τ = x"
    text += "set label '\(caption)' at graph 0.5,1.06 center\n"
    text += Picture.data("outline", outline + [outline[0]])
    // Translations that bring a curve into view.
    let b = model.reciprocalVectors
    let translations = (-3...3).flatMap { n in
      (-3...3).map { m in (0..<2).map { Double(n) * b[0][$0] + Double(m) * b[1][$0] } }
    }
    var plots = ["$outline using 1:2 with lines lc rgb '\(Ink.mark)'"]
    for (band, style) in Picture.bandStyles {
      var rows: [[Double]] = []
      var spins: [[Double]] = []
      for contour in contours where contour.band == band {
        let closed = contour.points + [zip(contour.points[0], contour.winding).map { $0 + $1 }]
        for shift in translations {
          let image = closed.map { zip($0, shift).map { $0 + $1 } }
          guard image.contains(where: { $0.allSatisfy { abs($0) < reach } }) else { continue }
          rows += image + [[]]
        }
        spins += arrows(contour, brillouin, reach)
      }
      guard !rows.isEmpty else { continue }
      text += Picture.data("curve\(band.rawValue)", rows)
      text += Picture.data("spin\(band.rawValue)", spins)
      plots.append("$curve\(band.rawValue) using 1:2 with lines \(style.line)")
      plots.append(
        "$spin\(band.rawValue) using 1:2:3:4 with vectors head filled size screen 0.016,20 lw 1.2 lc rgb '\(Ink.black.rawValue)'"
      )
    }
    var named: Set<String> = []
    for point in brillouin.path where named.insert(point.name).inserted {
      // Names stand outside, so that those of neighbours keep apart.
      let length = (point.k[0] * point.k[0] + point.k[1] * point.k[1]).squareRoot()
      let away = length > 0 ? point.k.map { $0 / length } : [0.7, 0.7]
      text +=
        "set label \(Typeset.quoted(Typeset.literal(point.name))) at \(point.k[0]),\(point.k[1]) center point pt 7 ps 0.3 offset \(significant(1.3 * away[0])),\(significant(0.9 * away[1])) front\n"
    }
    return text + "plot \(plots.joined(separator: ", "))\n"
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
      let frame = Frame(model, at: WaveVector(k), directions: Directions(i: 0, j: 0))
      let spin = frame.spin(contour.band, pseudoSpin: SIMD3(1, 0, 0))
      let (dx, dy) = (scale * spin.x, scale * spin.y)
      arrows.append([k[0] - dx / 2, k[1] - dy / 2, dx, dy])
    }
    return arrows
  }
}
