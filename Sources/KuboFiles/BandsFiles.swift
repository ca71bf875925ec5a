// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

extension CSVFile {
  /// The path: `distance`, the components of k, `E_bonding`, `E_antibonding`; its corners are in the
  /// header.
  public init(
    _ bands: BandStructure, units: (energy: String, length: String), provenance: Provenance
  ) {
    let axes = (0..<bands.points[0].k.count).map { "k_\(Array("xyz")[$0])" }
    var header = provenance.header
    for (n, corner) in bands.corners.enumerated() {
      let k = corner.k.map { "\($0)" }.joined(separator: ", ")
      header.append(("corner.\(n + 1)", "\(corner.name) at \(corner.distance), k = (\(k))"))
    }
    for name in ["distance"] + axes { header.append(("unit.\(name)", "\(units.length)^-1")) }
    header += [
      ("unit.E", units.energy), ("column.E_*", "T -+ Delta (7), from zero, as mu"),
    ]
    header += provenance.footer
    self.init(
      header: header, columns: ["distance"] + axes + ["E_bonding", "E_antibonding"],
      rows: bands.points.map {
        [$0.distance] + $0.k.map { $0 } + [$0.energies.bonding, $0.energies.antibonding]
      })
  }

  /// The density of states against energy, and the number of states below each.
  public init(
    _ densities: [DensityOfStates], broadening: Double, tolerance: Double,
    units: (energy: String, length: String), provenance: Provenance
  ) {
    self.init(
      header: provenance.header + [
        ("lifetime", Lifetime.constant(broadening).description), ("tolerance", "\(tolerance)"),
        (
          "column.dos",
          "-(2/pi) Im avg 1/(E + i Gamma - E_k) per unit cell, both degenerate states of the band"
        ), ("column.states", "the integral of dos up to the energy"),
        ("unit.dos", "1/\(units.energy)"),
      ] + provenance.footer,
      columns: [
        "energy", "dos_bonding", "dos_antibonding", "dos.err", "states_bonding",
        "states_antibonding", "states.err",
      ],
      rows: densities.map {
        [
          $0.energy, $0.density.bonding, $0.density.antibonding, $0.densityError,
          $0.states.bonding, $0.states.antibonding, $0.statesError,
        ]
      })
  }
}

extension CSVFile {
  /// Fermi contours of a model in two dimensions, point by point: `contour` counts the curves, `s` is 1 in the
  /// bonding and -1 in the antibonding band (7), `k_x` and `k_y` go on from point to point, and `spin_x`, `spin_y` are the
  /// spin (9) of the eigenstate with pseudo-spin x, from -1 to 1 (``Frame/spin(_:pseudoSpin:)``).
  public init(
    _ contours: [FermiContour], model: Model, mu: Double,
    units: (energy: String, length: String), provenance: Provenance
  ) {
    var header = provenance.header + [("mu", "\(mu)")]
    for (n, contour) in contours.enumerated() {
      let winding = contour.winding.map { "\($0)" }.joined(separator: ", ")
      header.append(
        ("contour.\(n)", "\(contour.band) band; the way around leads to k + (\(winding))"))
    }
    header += ["k_x", "k_y"].map { ("unit.\($0)", "\(units.length)^-1") }
    header += [
      ("column.spin_*", "<sigma> (9) of the eigenstate with pseudo-spin x: the unit is hbar/2")
    ]
    header += provenance.footer
    self.init(
      header: header, columns: ["contour", "s", "k_x", "k_y", "spin_x", "spin_y", "spin_z"],
      rows: contours.enumerated().flatMap { n, contour in
        contour.points.map { k -> [Double?] in
          let frame = Frame(model, at: WaveVector(k), directions: Directions(i: 0, j: 0))
          let spin = frame.spin(contour.band, pseudoSpin: SIMD3(1, 0, 0))
          return [
            Double(n), contour.band.sign, k[0], k[1], spin.x, spin.y, spin.z,
          ]
        }
      })
  }
}

/// What `kubo bands` draws beside the path.
public struct BandPlot: Sendable {
  let model: Model
  let parameters: [(name: String, value: Double)]
  let mu: Double
  let units: (energy: String, length: String)
  let bands: BandStructure
  let densities: [DensityOfStates]
  let broadening: Double
  let contours: [FermiContour]

  /// All of it: `broadening` is Gamma of the densities; there are contours in two dimensions.
  public init(
    model: Model, parameters: [(name: String, value: Double)], mu: Double,
    units: (energy: String, length: String), bands: BandStructure,
    densities: [DensityOfStates], broadening: Double, contours: [FermiContour]
  ) {
    (self.model, self.parameters, self.mu) = (model, parameters, mu)
    (self.units, self.bands) = (units, bands)
    (self.densities, self.broadening, self.contours) = (densities, broadening, contours)
  }
}

extension Picture {
  /// The bands along the path, the density of states beside them on the same axis of energy, and in two
  /// dimensions the Fermi contours in the zone, with the spin of the state <tau> = x along them
  /// (``Frame/spin(_:pseudoSpin:)``).
  public init(_ plot: BandPlot) {
    let hasContours = plot.model.dimension == 2
    // All in cm.
    let title = titleLines(
      plot.model.name,
      plot.parameters.map { "\($0.name) = \($0.value)" } + [
        "μ = \(significant(plot.mu, digits: 6))", "Γ = \(plot.broadening)",
      ], width: 48)
    let line = Size.line
    let (width, top, bands, gap) = (
      Size.column, 0.35 + line * Double(title.count), 5.0, 1.9
    )
    let (left, path, between, density) = (1.4, 4.5, 0.4, 2.0)
    let zone = 5.6
    let height = top + bands + (hasContours ? gap + zone : 0) + 1.2
    func margins(_ x: Double, _ w: Double, _ y: Double, _ h: Double) -> String {
      "set lmargin at screen \(significant(x / width))\nset rmargin at screen \(significant((x + w) / width))\n"
        + "set tmargin at screen \(significant(1 - y / height))\nset bmargin at screen \(significant(1 - (y + h) / height))\n"
    }
    let energy = Typeset.unit(plot.units.energy)
    let names: [(band: Band, ink: Ink)] = [(.bonding, .blue), (.antibonding, .vermilion)]
    var text = "set multiplot\nset tics scale 0.5\nunset key\n"
    for (n, words) in title.enumerated() {
      let y = significant(1 - (0.35 + line * Double(n)) / height)
      text +=
        "set label \(100 + n) \(Typeset.quoted(Typeset.literal(words))) at screen 0.5, screen \(y) center\n"
    }
    let values = plot.bands.points.flatMap { [$0.energies.bonding, $0.energies.antibonding] }
    let margin = 0.07 * (values.max()! - values.min()!)
    let (low, high) = (values.min()! - margin, values.max()! + margin)
    text += "set yrange [\(low):\(high)]\n"
    // The path.
    text += margins(left, path, top, bands)
    let end = plot.bands.corners.last!.distance
    text += "set xrange [0:\(end)]\nset ylabel \(Typeset.quoted("E (\(energy))")) offset 1,0\n"
    let ticks = plot.bands.corners.map {
      "\(Typeset.quoted(Typeset.literal($0.name))) \($0.distance)"
    }
    text += "set xtics nomirror (\(ticks.joined(separator: ", ")))\nset ytics nomirror\n"
    for (n, corner) in plot.bands.corners.enumerated() where n > 0 && corner.distance < end {
      text +=
        "set arrow \(n) from \(corner.distance), graph 0 to \(corner.distance), graph 1 nohead lw 0.5 lc rgb '\(Ink.mark)'\n"
    }
    text += Picture.data(
      "bands",
      plot.bands.points.map { [$0.distance, $0.energies.bonding, $0.energies.antibonding] })
    text +=
      "plot \(plot.mu) with lines dt 3 lc rgb '\(Ink.mark)', "
      + names.enumerated().map {
        "$bands using 1:\($0 + 2) with lines lw 1.5 lc rgb '\($1.ink.rawValue)'"
      }.joined(separator: ", ") + "\n"
    text += "unset label\nunset arrow\n"
    // The densities, in the same range of energies.
    text += margins(left + path + between, density, top, bands)
    let largest = plot.densities.map { $0.density.bonding + $0.density.antibonding }.max() ?? 1
    text +=
      "set xrange [0:\(1.08 * largest)]\nunset ylabel\nset format y ''\nset xtics nomirror autofreq\n"
    text +=
      "set xtics \(Picture.step(largest / 3))\nset xlabel \(Typeset.quoted("D (1/\(energy))")) offset 0,0.4\n"
    text += Picture.data("mu", [[0, plot.mu], [1.08 * largest, plot.mu]])
    text += Picture.data(
      "density",
      plot.densities.map {
        [
          $0.energy, $0.density.bonding, $0.density.antibonding,
          $0.density.bonding + $0.density.antibonding,
        ]
      })
    text +=
      "plot $density using 4:1 with lines lw 1 lc rgb '\(Ink.black.rawValue)', "
      + names.enumerated().map {
        "$density using \($0 + 2):1 with lines lw 1.5 lc rgb '\($1.ink.rawValue)'"
      }.joined(separator: ", ")
      + ", $mu using 1:2 with lines dt 3 lc rgb '\(Ink.mark)'\n"
    if hasContours {
      text += plot.zone(margins((width - zone) / 2 + 0.3, zone, top + bands + gap, zone))
    }
    self.init(script: text + "unset multiplot\n", size: Size(width: width, height: height))
  }

  /// A block of data; an empty row is a gap.
  static func data(_ name: String, _ rows: [[Double]]) -> String {
    "$\(name) << EOD\n"
      + rows.map { $0.map { "\($0)" }.joined(separator: " ") + "\n" }.joined() + "EOD\n"
  }
}

extension BandPlot {
  /// The zone with its named points, the contours repeated over what is shown, and the spins.
  fileprivate func zone(_ margins: String) -> String {
    let brillouin = BrillouinZone(model)
    let outline = brillouin.outline
    let reach = 1.25 * outline.flatMap { $0.map(abs) }.max()!
    let unit = Typeset.unit("\(units.length)^-1")
    var text = margins + "set xrange [\(-reach):\(reach)]\nset yrange [\(-reach):\(reach)]\n"
    text += "set format y '%g'\nset xtics nomirror autofreq\nset ytics nomirror autofreq\n"
    text += "set xlabel \(Typeset.quoted("k_x (\(unit))")) offset 0,0.4\n"
    text += "set ylabel \(Typeset.quoted("k_y (\(unit))")) offset 1,0\n"
    let caption =
      contours.isEmpty ? "no Fermi contour at μ" : "Fermi contours, arrows: spin (9) for τ = x"
    text += "set label 2 '\(caption)' at graph 0.5,1.06 center\n"
    text += Picture.data("outline", outline + [outline[0]])
    // Translations that bring a curve into view.
    let b = model.reciprocalVectors
    let translations = (-3...3).flatMap { n in
      (-3...3).map { m in (0..<2).map { Double(n) * b[0][$0] + Double(m) * b[1][$0] } }
    }
    var plots = ["$outline using 1:2 with lines lc rgb '\(Ink.mark)'"]
    for band in Band.allCases {
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
      let ink: Ink = band == .bonding ? .blue : .vermilion
      text += Picture.data("curve\(band.rawValue)", rows)
      text += Picture.data("spin\(band.rawValue)", spins)
      plots.append("$curve\(band.rawValue) using 1:2 with lines lw 1.5 lc rgb '\(ink.rawValue)'")
      plots.append(
        "$spin\(band.rawValue) using 1:2:3:4 with vectors head filled size screen 0.016,20 lw 1.2 lc rgb '\(Ink.black.rawValue)'"
      )
    }
    var named: Set<String> = []
    for (n, point) in brillouin.path.enumerated() where named.insert(point.name).inserted {
      // Names stand outside, so that those of neighbours keep apart.
      let length = (point.k[0] * point.k[0] + point.k[1] * point.k[1]).squareRoot()
      let away = length > 0 ? point.k.map { $0 / length } : [0.7, 0.7]
      text +=
        "set label \(n + 5) \(Typeset.quoted(Typeset.literal(point.name))) at \(point.k[0]),\(point.k[1]) center point pt 7 ps 0.3 offset \(significant(1.3 * away[0])),\(significant(0.9 * away[1])) front\n"
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
