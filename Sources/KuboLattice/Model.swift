// SPDX-License-Identifier: GPL-3.0-or-later

/// One hop of the tight-binding Hamiltonian: a vector and an amplitude.
public struct Hop: Sendable, Equatable {
  /// Where the electron hops, in the model's length unit; one component per dimension.
  public var vector: [Double]
  /// The amplitude, in the model's energy unit.
  public var amplitude: Double

  /// A hop by `vector` with `amplitude`.
  public init(vector: [Double], amplitude: Double) {
    self.vector = vector
    self.amplitude = amplitude
  }
}

/// A two-sublattice antiferromagnet on a lattice in one to three dimensions.
///
///     H_k = T_k - Re(eta_k) rho_1 - Im(eta_k) rho_2 - J rho_3 sigma_z
///     eta_k = sum_inter a exp(-i k.r),   T_k = -2 sum_intra a cos(k.r)
///
/// Source: the paper, text above (2). `rho` acts on the sublattices A and B, `sigma` on the spin
/// in the rotated frame, whose z axis is the local Néel vector. hbar = k_B = |e| = 1.
public struct Model: Crystal, Equatable {
  /// The name in messages and outputs.
  public let name: String
  /// The magnetic unit cell.
  public let unitCell: UnitCell
  /// The hops from sublattice to sublattice; they make eta_k.
  public let interSublattice: [Hop]
  /// The hops within a sublattice, one of each pair r, -r; they make T_k.
  public let intraSublattice: [Hop]
  /// J = N J_sd, the exchange energy of an electron with the Néel order; positive.
  public let exchange: Double

  /// Checks the geometry and makes the model.
  ///
  /// Lattice vectors are recognised within 1e-9 of their length. The hops must join all cells.
  /// - Throws: ``ModelError``, whose ``DefinitionError/place`` says which of the arguments is wrong.
  public init(
    name: String, latticeVectors: [[Double]], interSublattice: [Hop], intraSublattice: [Hop],
    exchange: Double
  ) throws(ModelError) {
    self.name = name
    let unitCell = try UnitCell(latticeVectors, at: ModelPlace.latticeVectors)
    self.unitCell = unitCell
    self.interSublattice = interSublattice
    self.intraSublattice = intraSublattice
    self.exchange = exchange
    func cells(_ hops: [Hop]) -> [(cells: [Double], amplitude: Double)] {
      hops.map { (unitCell.coordinates($0.vector), $0.amplitude) }
    }
    oscillations = Model.oscillations(
      cells(interSublattice), cells(intraSublattice), dimension: latticeVectors.count)
    energySlope = oscillations.map { $0.reduce(0) { $0 + $1.cells * $1.amplitude } }.max()!
    harmonics = Model.harmonics(oscillations)
    try checkNumbers()
    try checkHops()
    try checkConnected()
  }

  /// A bound on |d E_s / d f_a| / 2 pi over the zone, the largest over a: how steep the energies are in
  /// reduced coordinates.
  package let energySlope: Double
  /// How many periods of the Hamiltonian fit into the zone along a reciprocal vector, h = 1/d of docs/zone-integrals.md; dimensionless.
  public let harmonics: Double
  /// What oscillates along each axis.
  let oscillations: [[Oscillation]]

  private func checkNumbers() throws(ModelError) {
    try require(
      exchange.isFinite && exchange > 0 && exchange < 1e100, ModelPlace.exchange, "\(exchange)",
      "a positive energy J below 1e100")
    try require(
      exchange >= 1e-100, ModelPlace.exchange, "\(exchange)", "a J of at least 1e-100")
    for (place, hops) in [
      (ModelPlace.interSublattice, interSublattice), (ModelPlace.intraSublattice, intraSublattice),
    ] {
      for (n, hop) in hops.enumerated() {
        try require(
          hop.vector.count == dimension, place(n), "a vector of \(hop.vector.count) components",
          "\(dimension) components, as in the lattice vectors")
        try require(
          hop.vector.allSatisfy({ $0.isFinite && abs($0) < 1e100 }), place(n), "\(hop.vector)",
          "finite numbers of magnitude below 1e100")
        try require(
          hop.amplitude.isFinite && abs(hop.amplitude) < 1e100, place(n),
          "amplitude \(hop.amplitude)",
          "a finite number of magnitude below 1e100")
        try require(
          hop.amplitude == 0 || abs(hop.amplitude) >= 1e-100, place(n),
          "amplitude \(hop.amplitude)",
          "0 or a magnitude of at least 1e-100")
      }
    }
    guard (interSublattice + intraSublattice).contains(where: { $0.amplitude != 0 }) else {
      throw ModelError(
        .hops, found: "T_k and eta_k both zero", expected: "at least one hop that is not zero")
    }
  }

  private func checkHops() throws(ModelError) {
    // Sets: comparing all pairs of a thousand hops takes seconds.
    if let first = interSublattice.first {
      var seen: Set<[Double]> = []
      for (n, hop) in interSublattice.enumerated() {
        let difference = zip(hop.vector, first.vector).map { $0 - $1 }
        try require(
          isLatticeVector(difference), ModelPlace.interSublattice(n),
          "\(hop.vector), which differs from \(first.vector) by \(difference)",
          "a difference that is a lattice vector, so that all hops reach one sublattice")
        guard seen.insert(cell(difference)).inserted else {
          throw ModelError(
            .interSublattice(n), found: "\(hop.vector) listed twice", expected: "each hop once")
        }
        guard isNear(coordinates(hop.vector)) else { throw tooFar(.interSublattice(n), hop) }
      }
    }
    var seen: Set<[Double]> = []
    for (n, hop) in intraSublattice.enumerated() {
      try require(
        isLatticeVector(hop.vector) && cell(hop.vector).contains(where: { $0 != 0 }),
        ModelPlace.intraSublattice(n),
        "\(hop.vector)",
        "a lattice vector other than zero, so that the hop stays on its sublattice")
      guard seen.insert(cell(hop.vector)).inserted else {
        throw ModelError(
          .intraSublattice(n), found: "\(hop.vector) listed twice", expected: "each hop once")
      }
      try require(
        !seen.contains(cell(hop.vector.map { -$0 })), ModelPlace.intraSublattice(n),
        "\(hop.vector), the opposite of a hop already listed",
        "one of r and -r: T_k = -2 sum a cos(k.r) holds both")
      guard isNear(coordinates(hop.vector)) else { throw tooFar(.intraSublattice(n), hop) }
    }
  }

  /// The coordinates of the cell that a lattice vector leads to.
  package func cell(_ r: [Double]) -> [Double] { coordinates(r).map { $0.rounded() } }

  /// Not so far that no grid of wave vectors resolves the hop's phase.
  private func isNear(_ m: [Double]) -> Bool { m.allSatisfy { abs($0) <= 1000 } }

  private func tooFar(_ place: ModelPlace, _ hop: Hop) -> ModelError {
    ModelError(
      place, found: "\(hop.vector), more than 1000 cells away",
      expected: "a hop within 1000 cells along each lattice vector")
  }

  private func isLatticeVector(_ r: [Double]) -> Bool {
    let m = coordinates(r)
    return m.allSatisfy { abs($0 - $0.rounded()) <= 1e-9 * max(1, abs($0)) }
  }
}
