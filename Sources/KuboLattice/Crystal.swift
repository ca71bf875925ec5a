// SPDX-License-Identifier: GPL-3.0-or-later

/// What models of all kinds have in common (docs/lattices.md), in the model's units of energy and length.
public protocol Crystal: Sendable {
  /// The name in messages and outputs.
  var name: String { get }
  /// The cell that repeats, of the volume V = |det(a_1, ..., a_d)| (docs/lattices.md), in the unit of length.
  var unitCell: UnitCell { get }
  /// How many periods of the Hamiltonian fit into the zone along a reciprocal vector, the largest over them: h = 1/d of
  /// docs/zone-integrals.md, where hops are weighted by what they give to the curvature of the energies; dimensionless.
  var harmonics: Double { get }
  /// A bound on the levels, |E| <= b = sum_R |H(R)| or less (docs/collinear.md), in the unit of energy.
  var energyBound: Double { get }
}

extension Crystal {
  /// The primitive vectors of the magnetic unit cell, d vectors of d components, a_a . b_c = 2 pi delta_ac.
  public var latticeVectors: [[Double]] { unitCell.vectors }
  /// d = 1, 2 or 3.
  public var dimension: Int { unitCell.vectors.count }
  /// The volume (area, length) of the unit cell, V = |det(a_1, ..., a_d)|, in the length unit to the power d.
  public var cellVolume: Double { unitCell.volume }
  /// The reciprocal vectors b_a with b_a . a_c = 2 pi delta_ac, in inverse length units.
  public var reciprocalVectors: [[Double]] { unitCell.inverse.map { $0.map { 2 * .pi * $0 } } }

  /// The wave vector with the reduced coordinates `f`: k = sum_a f_a b_a, in inverse length units.
  public func waveVector(reduced f: [Double]) -> [Double] {
    let b = reciprocalVectors
    return (0..<dimension).map { i in (0..<dimension).reduce(0) { $0 + f[$1] * b[$1][i] } }
  }

  /// The coordinates of `r` in the lattice vectors.
  package func coordinates(_ r: [Double]) -> [Double] { unitCell.coordinates(r) }
}

extension Crystal {
  /// Refuses a state, frequencies, directions or a tolerance that nothing can be computed with.
  package func checkState(
    _ mu: Double, _ temperature: Double, _ omegas: [Double], _ directions: Directions,
    _ tolerance: Double
  ) throws(RequestError) {
    let bound = energyBound
    for (name, value) in [("mu", mu), ("temperature", temperature)] + omegas.map({ ("omega", $0) })
    {
      try RequestError.check(name, value, bands: bound)
    }
    try require(temperature >= 0, "temperature", "\(temperature)", "a number, 0 or more")
    try require(
      tolerance > 0 && tolerance < 1, "tolerance", "\(tolerance)", "a number between 0 and 1")
    let axes = Array("xyz")[..<dimension].map(String.init).joined(separator: ", ")
    try require(
      [directions.i, directions.j].allSatisfy((0..<dimension).contains), "direction",
      directions.description,
      "two of \(axes), for a model in \(dimension) dimensions")
  }
}

/// A cell of one to three dimensions that repeats.
public struct UnitCell: Sendable, Equatable {
  /// The lattice vectors a_1, ..., a_d, of d components.
  public let vectors: [[Double]]
  /// V = |det(a_1, ..., a_d)|, in the length unit to the power d.
  public let volume: Double
  /// Row a holds the dual vector b_a / 2 pi: the coordinates of r are m_a = sum_i inverse[a][i] r_i.
  package let inverse: [[Double]]

  /// Checks the vectors, which errors name as `place`.
  package init<Place>(
    _ vectors: [[Double]], at place: Place
  ) throws(DefinitionError<Place>) {
    let d = vectors.count
    try require(
      (1...3).contains(d), place, "\(d) vectors", "1, 2 or 3 vectors")
    for v in vectors where v.count != d {
      throw DefinitionError(
        place, found: "a vector of \(v.count) components",
        expected: "\(d) vectors of \(d) components each")
    }
    for v in vectors where !v.allSatisfy({ $0.isFinite && abs($0) < 1e100 }) {
      throw DefinitionError(
        place, found: "\(v)", expected: "finite numbers of magnitude below 1e100")
    }
    let lengths = vectors.map { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    // Their squares would vanish.
    for v in vectors where v.contains(where: { $0 != 0 }) && v.allSatisfy({ abs($0) < 1e-100 }) {
      throw DefinitionError(
        place, found: "\(v)", expected: "vectors with a component of at least 1e-100")
    }
    let volume = determinant(vectors)
    guard abs(volume) > 1e-9 * lengths.reduce(1, *), volume.isFinite, volume != 0 else {
      throw DefinitionError(
        place, found: "a cell of zero volume", expected: "independent lattice vectors")
    }
    self.vectors = vectors
    self.volume = abs(volume)
    // The inverse transpose by cofactors; d <= 3.
    switch d {
    case 1: inverse = [[1 / vectors[0][0]]]
    case 2:
      let (a, b) = (vectors[0], vectors[1])
      inverse = [[b[1] / volume, -b[0] / volume], [-a[1] / volume, a[0] / volume]]
    default:
      inverse = (0..<3).map { a in
        let (u, v) = (vectors[(a + 1) % 3], vectors[(a + 2) % 3])
        return (0..<3).map { i in
          let (j, k) = ((i + 1) % 3, (i + 2) % 3)
          return (u[j] * v[k] - u[k] * v[j]) / volume
        }
      }
    }
  }

  /// The coordinates of `r` in the vectors.
  package func coordinates(_ r: [Double]) -> [Double] {
    inverse.map { row in zip(row, r).reduce(0) { $0 + $1.0 * $1.1 } }
  }
}
