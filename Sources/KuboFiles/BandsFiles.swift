// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import KuboOrbitals

extension CSVFile {
  /// The path with the levels of both spins: `distance`, the components of k, `E_up_1`, ..., `E_down_1`, ..., ascending.
  public init(
    _ path: BandPath, _ levels: [[[Double]]], mu: Double, broadening: Double,
    units: (energy: String, length: String), provenance: Provenance
  ) {
    var columns = [(column: Column("distance"), values: path.points.map { Optional($0.distance) })]
    for i in path.points[0].k.indices {
      columns.append((Column("k_\(Array("xyz")[i])"), path.points.map { $0.k[i] }))
    }
    for (u, spin) in ["up", "down"].enumerated() {
      for n in levels[0][u].indices {
        columns.append((Column("E_\(spin)_\(n + 1)"), levels.map { $0[u][n] }))
      }
    }
    self.init(
      header: CSVFile.header(
        path.corners, mu: mu, broadening: broadening, units,
        "levels of H of each spin, from zero, as mu",
        provenance), columns)
  }

  private static func header(
    _ corners: [BandPath.Corner], mu: Double, broadening: Double,
    _ units: (energy: String, length: String), _ meaning: String, _ provenance: Provenance
  ) -> [(key: String, value: String)] {
    var header = provenance.header
    header += [("mu", "\(mu)"), ("lifetime", Lifetime.constant(broadening).description)]
    for (n, corner) in corners.enumerated() {
      let k = corner.k.map { "\($0)" }.joined(separator: ", ")
      header.append(("corner.\(n + 1)", "\(corner.name) at \(corner.distance), k = (\(k))"))
    }
    let axes = corners[0].k.indices.map { "k_\(Array("xyz")[$0])" }
    for name in ["distance"] + axes { header.append(("unit.\(name)", "\(units.length)^-1")) }
    header += [("unit.E", units.energy), ("column.E_*", meaning)]
    return header + provenance.footer
  }

  /// The path: `distance`, the components of k, `E_bonding`, `E_antibonding`; its corners, and mu and Gamma of
  /// what its picture shows beside it, are in the header.
  public init(
    _ bands: BandStructure, mu: Double, broadening: Double,
    units: (energy: String, length: String), provenance: Provenance
  ) {
    let axes = (0..<bands.points[0].k.count).map { "k_\(Array("xyz")[$0])" }
    let header = CSVFile.header(
      bands.corners, mu: mu, broadening: broadening, units, "T -+ Delta (7), from zero, as mu",
      provenance)
    self.init(
      header: header,
      [(Column("distance"), bands.points.map(\.distance))]
        + axes.enumerated().map { n, axis in (Column(axis), bands.points.map { $0.k[n] }) } + [
          (Column("E", .bonding), bands.points.map(\.energies.bonding)),
          (Column("E", .antibonding), bands.points.map(\.energies.antibonding)),
        ])
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
      [
        (Column("energy"), densities.map(\.energy)),
        (Column("dos", .bonding), densities.map(\.density.bonding)),
        (Column("dos", .antibonding), densities.map(\.density.antibonding)),
        (Column("dos", part: .error), densities.map(\.densityError)),
        (Column("states", .bonding), densities.map(\.states.bonding)),
        (Column("states", .antibonding), densities.map(\.states.antibonding)),
        (Column("states", part: .error), densities.map(\.statesError)),
      ])
  }
}

extension CSVFile {
  /// The density of states of both spins against energy, and the number of states below each.
  public init(
    _ densities: [OrbitalDensity], broadening: Double, tolerance: Double,
    units: (energy: String, length: String), provenance: Provenance
  ) {
    func columns(
      _ name: String, _ values: KeyPath<OrbitalDensity, [Estimate]>
    ) -> [(column: Column, values: [Double?])] {
      let all = densities.map { $0[keyPath: values] }
      return [
        (Column(name, .up), all.map { $0[0].value.real }),
        (Column(name, .down), all.map { $0[1].value.real }),
        (Column(name, part: .error), all.map { max($0[0].error, $0[1].error) }),
      ]
    }
    self.init(
      header: provenance.header + [
        ("lifetime", Lifetime.constant(broadening).description), ("tolerance", "\(tolerance)"),
        ("column.dos", "-(1/pi) Im avg tr 1/(E + i Gamma - H) per unit cell, of each spin"),
        ("column.states", "the integral of dos up to the energy"),
        ("unit.dos", "1/\(units.energy)"),
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
