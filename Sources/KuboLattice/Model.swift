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
public struct Model: Sendable, Equatable {
  /// The name in messages and outputs.
  public let name: String
  /// The primitive vectors of the magnetic unit cell, d vectors of d components.
  public let latticeVectors: [[Double]]
  /// The hops from sublattice to sublattice; they make eta_k.
  public let interSublattice: [Hop]
  /// The hops within a sublattice, one of each pair r, -r; they make T_k.
  public let intraSublattice: [Hop]
  /// J = N J_sd, the exchange energy of an electron with the Néel order; positive.
  public let exchange: Double

  /// 1, 2 or 3.
  public var dimension: Int { latticeVectors.count }

  /// Checks the geometry and makes the model.
  ///
  /// Lattice vectors are recognised within 1e-9 of their length. The hops must join all cells.
  /// - Throws: ``ModelError``, whose ``DefinitionError/place`` says which of the arguments is wrong.
  public init(
    name: String, latticeVectors: [[Double]], interSublattice: [Hop], intraSublattice: [Hop],
    exchange: Double
  ) throws(ModelError) {
    self.name = name
    self.latticeVectors = latticeVectors
    self.interSublattice = interSublattice
    self.intraSublattice = intraSublattice
    self.exchange = exchange
    let dual = try Model.inverseCell(latticeVectors)
    inverse = dual
    self.cellVolume = abs(determinant(latticeVectors))
    func cells(_ hops: [Hop]) -> [(cells: [Double], amplitude: Double)] {
      hops.map { hop in
        (dual.map { row in zip(row, hop.vector).reduce(0) { $0 + $1.0 * $1.1 } }, hop.amplitude)
      }
    }
    oscillations = Model.oscillations(
      cells(interSublattice), cells(intraSublattice), dimension: latticeVectors.count)
    energySlope = oscillations.map { $0.reduce(0) { $0 + $1.cells * $1.amplitude } }.max()!
    harmonics = Model.harmonics(oscillations)
    try checkNumbers()
    try checkHops()
    try checkConnected()
  }

  /// The volume (area, length) of the unit cell, in the length unit to the power d.
  public let cellVolume: Double

  /// A bound on |d E_s / d f_a| / 2 pi over the zone, the largest over a: how steep the energies are in
  /// reduced coordinates.
  package let energySlope: Double
  /// How many periods of the Hamiltonian fit into the zone along a reciprocal vector;
  /// ``harmonics(_:displacement:)``.
  package let harmonics: Double
  /// What oscillates along each axis.
  let oscillations: [[Oscillation]]

  /// Row a holds the dual vector b_a / 2 pi: the coordinates of r are m_a = sum_i inverse[a][i] r_i.
  package let inverse: [[Double]]

  /// The reciprocal vectors b_a with b_a . a_c = 2 pi delta_ac, in inverse length units.
  public var reciprocalVectors: [[Double]] { inverse.map { $0.map { 2 * .pi * $0 } } }

  /// The wave vector with the reduced coordinates `f`: k = sum_a f_a b_a, in inverse length units.
  public func waveVector(reduced f: [Double]) -> [Double] {
    let b = reciprocalVectors
    return (0..<dimension).map { i in (0..<dimension).reduce(0) { $0 + f[$1] * b[$1][i] } }
  }

  /// The coordinates of `r` in the lattice vectors.
  package func coordinates(_ r: [Double]) -> [Double] {
    inverse.map { row in zip(row, r).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  package static func inverseCell(_ vectors: [[Double]]) throws(ModelError) -> [[Double]] {
    let d = vectors.count
    guard (1...3).contains(d) else {
      throw ModelError(.latticeVectors, found: "\(d) vectors", expected: "1, 2 or 3 vectors")
    }
    for v in vectors where v.count != d {
      throw ModelError(
        .latticeVectors, found: "a vector of \(v.count) components",
        expected: "\(d) vectors of \(d) components each")
    }
    for v in vectors where !v.allSatisfy({ $0.isFinite && abs($0) < 1e100 }) {
      throw ModelError(
        .latticeVectors, found: "\(v)", expected: "finite numbers of magnitude below 1e100")
    }
    let lengths = vectors.map { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    // Their squares would vanish.
    for v in vectors where v.contains(where: { $0 != 0 }) && v.allSatisfy({ abs($0) < 1e-100 }) {
      throw ModelError(
        .latticeVectors, found: "\(v)", expected: "vectors with a component of at least 1e-100")
    }
    let volume = determinant(vectors)
    guard abs(volume) > 1e-9 * lengths.reduce(1, *), volume.isFinite, volume != 0 else {
      throw ModelError(
        .latticeVectors, found: "a cell of zero volume", expected: "independent lattice vectors")
    }
    // The inverse transpose by cofactors; d <= 3.
    switch d {
    case 1: return [[1 / vectors[0][0]]]
    case 2:
      let (a, b) = (vectors[0], vectors[1])
      return [[b[1] / volume, -b[0] / volume], [-a[1] / volume, a[0] / volume]]
    default:
      return (0..<3).map { a in
        let (u, v) = (vectors[(a + 1) % 3], vectors[(a + 2) % 3])
        return (0..<3).map { i in
          let (j, k) = ((i + 1) % 3, (i + 2) % 3)
          return (u[j] * v[k] - u[k] * v[j]) / volume
        }
      }
    }
  }

  private func checkNumbers() throws(ModelError) {
    guard exchange.isFinite, exchange > 0, exchange < 1e100 else {
      throw ModelError(
        .exchange, found: "\(exchange)", expected: "a positive energy J below 1e100")
    }
    guard exchange >= 1e-100 else {
      throw ModelError(.exchange, found: "\(exchange)", expected: "a J of at least 1e-100")
    }
    for (place, hops) in [
      (ModelPlace.interSublattice, interSublattice), (ModelPlace.intraSublattice, intraSublattice),
    ] {
      for (n, hop) in hops.enumerated() {
        guard hop.vector.count == dimension else {
          throw ModelError(
            place(n), found: "a vector of \(hop.vector.count) components",
            expected: "\(dimension) components, as in the lattice vectors")
        }
        guard hop.vector.allSatisfy({ $0.isFinite && abs($0) < 1e100 }) else {
          throw ModelError(
            place(n), found: "\(hop.vector)", expected: "finite numbers of magnitude below 1e100")
        }
        guard hop.amplitude.isFinite, abs(hop.amplitude) < 1e100 else {
          throw ModelError(
            place(n), found: "amplitude \(hop.amplitude)",
            expected: "a finite number of magnitude below 1e100")
        }
        guard hop.amplitude == 0 || abs(hop.amplitude) >= 1e-100 else {
          throw ModelError(
            place(n), found: "amplitude \(hop.amplitude)",
            expected: "0 or a magnitude of at least 1e-100")
        }
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
        guard isLatticeVector(difference) else {
          throw ModelError(
            .interSublattice(n),
            found: "\(hop.vector), which differs from \(first.vector) by \(difference)",
            expected: "a difference that is a lattice vector, so that all hops reach one sublattice"
          )
        }
        guard seen.insert(cell(difference)).inserted else {
          throw ModelError(
            .interSublattice(n), found: "\(hop.vector) listed twice", expected: "each hop once")
        }
        guard isNear(coordinates(hop.vector)) else { throw tooFar(.interSublattice(n), hop) }
      }
    }
    var seen: Set<[Double]> = []
    for (n, hop) in intraSublattice.enumerated() {
      guard isLatticeVector(hop.vector), cell(hop.vector).contains(where: { $0 != 0 }) else {
        throw ModelError(
          .intraSublattice(n), found: "\(hop.vector)",
          expected: "a lattice vector other than zero, so that the hop stays on its sublattice")
      }
      guard seen.insert(cell(hop.vector)).inserted else {
        throw ModelError(
          .intraSublattice(n), found: "\(hop.vector) listed twice", expected: "each hop once")
      }
      guard !seen.contains(cell(hop.vector.map { -$0 })) else {
        throw ModelError(
          .intraSublattice(n), found: "\(hop.vector), the opposite of a hop already listed",
          expected: "one of r and -r: T_k = -2 sum a cos(k.r) holds both")
      }
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
