// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

extension CSVFile {
  /// The path: `distance`, the components of k, then `E_bonding`, `E_antibonding` or the levels of both spins, `E_up_1`, ...,
  /// `E_down_1`, ..., ascending; its corners, and mu and Gamma of what its picture shows beside it, are in the header.
  public init(
    _ bands: BandStructure, mu: Double, broadening: Double, provenance: Provenance
  ) {
    let units = provenance.model.units
    let isOfBands = bands.kinds == LevelKind.bands
    var header =
      provenance.header + [
        ("mu", "\(mu)"), ("lifetime", Lifetime.constant(broadening).description),
      ]
    for (n, corner) in bands.corners.enumerated() {
      let k = corner.k.map { "\($0)" }.joined(separator: ", ")
      header.append(("corner.\(n + 1)", "\(corner.name) at \(corner.distance), k = (\(k))"))
    }
    var columns = [(column: Column("distance"), values: bands.points.map { Optional($0.distance) })]
    for i in bands.corners[0].k.indices {
      columns.append((Column("k_\(Array("xyz")[i])"), bands.points.map { $0.k[i] }))
    }
    for (column, _) in columns { header.append(("unit.\(column.name)", "\(units.length)^-1")) }
    header += [
      ("unit.E", units.energy),
      (
        "column.E_*",
        isOfBands
          ? "T -+ Delta (7), from zero, as mu" : "levels of H of each spin, from zero, as mu"
      ),
    ]
    for (u, kind) in bands.kinds.enumerated() {
      for n in bands.levels[0][u].indices {
        let column = Column("E", .init(kind), number: isOfBands ? nil : n + 1)
        columns.append((column, bands.levels.map { $0[u][n] }))
      }
    }
    self.init(header: header + provenance.footer, columns)
  }

  /// The density of states against energy, and the number of states below each.
  public init(
    _ densities: [DensityOfStates], broadening: Double, tolerance: Double, provenance: Provenance
  ) {
    let kinds = densities[0].kinds
    func columns(
      _ name: String, _ values: KeyPath<DensityOfStates, [Estimate]>
    ) -> [(column: Column, values: [Double?])] {
      let all = densities.map { $0[keyPath: values] }
      return kinds.enumerated().map { n, kind in
        (Column(name, .init(kind)), all.map { $0[n].value.real })
      } + [(Column(name, part: .error), all.map { $0.map(\.error).max()! })]
    }
    self.init(
      header: provenance.header + [
        ("lifetime", Lifetime.constant(broadening).description), ("tolerance", "\(tolerance)"),
        (
          "column.dos",
          kinds == LevelKind.bands
            ? "-(2/pi) Im avg 1/(E + i Gamma - E_k) per unit cell, both degenerate states of the band"
            : "-(1/pi) Im avg tr 1/(E + i Gamma - H) per unit cell, of each spin"
        ), ("column.states", "the integral of dos up to the energy"),
        ("unit.dos", "1/\(provenance.model.units.energy)"),
      ] + provenance.footer,
      [(Column("energy"), densities.map(\.energy))] + columns("dos", \.density)
        + columns("states", \.states))
  }
}

extension CSVFile {
  /// Fermi contours of a model in two dimensions, point by point: `contour` counts the curves, `s` is 1 in the
  /// bonding and -1 in the antibonding band (7), `k_x` and `k_y` go on from point to point, and `spin_x`, `spin_y` are the
  /// spin (9) of the eigenstate with pseudo-spin x, from -1 to 1 (``Frame/spin(_:pseudoSpin:)``).
  public init(
    _ contours: [FermiContour], model: Model, mu: Double, provenance: Provenance
  ) {
    var header = provenance.header + [("mu", "\(mu)")]
    for (n, contour) in contours.enumerated() {
      let winding = contour.winding.map { "\($0)" }.joined(separator: ", ")
      header.append(
        ("contour.\(n)", "\(contour.band) band; the way around leads to k + (\(winding))"))
    }
    header += ["k_x", "k_y"].map { ("unit.\($0)", "\(provenance.model.units.length)^-1") }
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
