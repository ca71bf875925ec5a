// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// The part of a model with orbitals that an error is about.
public enum OrbitalPlace: Sendable, Equatable {
  /// The list of lattice vectors.
  case latticeVectors
  /// The orbital with this index.
  case orbital(Int)
  /// The hop with this index.
  case hop(Int)
  /// The matrices of the cell with this index.
  case cell(Int)
}

/// A model with orbitals that cannot be.
public typealias OrbitalError = DefinitionError<OrbitalPlace>

/// A collinear magnet without spin-orbit coupling: H_up and H_down in orbitals that both spins share.
///
///     H^u_ab(k) = sum_R <0 a|H^u|R b> exp(i k.(R + tau_b - tau_a))
///
/// in the frame whose z axis is the local axis of the magnetic order. Source: the general form of the paper's (2); an
/// antiferromagnet of two sublattices has H^up - H^down = -2 J rho_3. Energies and lengths in the model's units.
public struct OrbitalModel: Crystal, Equatable {
  /// A localised state.
  public struct Orbital: Sendable, Equatable {
    /// The name in columns.
    public var name: String
    /// tau, where the orbital samples the magnetic order and the vector potential; Cartesian.
    public var position: [Double]
    /// tau of the down spin; elsewhere than `position` only if the states of both spins are not the same, so that what
    /// joins them, as a transverse spin, has no meaning.
    public var downPosition: [Double]
    /// The levels of both spins.
    public var up, down: Double
    /// The name of several orbitals that responses may be asked for together, as those of an atom.
    public var group: String?
    /// Its sign in a staggered order, 1, -1 or 0.
    public var staggered: Double?

    /// An orbital with the levels up = `energy` - `exchange` and down = `energy` + `exchange`.
    public init(
      name: String, position: [Double], energy: Double = 0, exchange: Double = 0,
      group: String? = nil, staggered: Double? = nil
    ) {
      (self.name, self.position, downPosition) = (name, position, position)
      (self.group, self.staggered) = (group, staggered)
      (up, down) = (energy - exchange, energy + exchange)
    }
  }

  /// <0 from|H|cell to>; its Hermitian partner is implied.
  public struct Hop: Sendable, Equatable {
    /// Indices of orbitals.
    public var from, to: Int
    /// The cell of `to`, in lattice vectors.
    public var cell: [Int]
    /// The amplitudes of both spins.
    public var up, down: ComplexDouble

    /// A hop.
    public init(from: Int, to: Int, cell: [Int], up: ComplexDouble, down: ComplexDouble) {
      (self.from, self.to, self.cell, self.up, self.down) = (from, to, cell, up, down)
    }
  }

  /// The name in messages and outputs.
  public let name: String
  /// The magnetic unit cell.
  public let unitCell: UnitCell
  /// The orbitals of a cell.
  public let orbitals: [Orbital]
  /// The cells R that H connects with the first, sorted, with both of R and -R.
  public let cells: [[Int]]
  /// <0 a|H^u|R b>, [u][R][a + n b].
  package let elements: [[[ComplexDouble]]]

  /// Checks the hops and makes the model.
  /// - Throws: ``OrbitalError``.
  public init(name: String, latticeVectors: [[Double]], orbitals: [Orbital], hops: [Hop])
    throws(OrbitalError)
  {
    _ = try OrbitalModel.check(latticeVectors, orbitals)
    let (d, n) = (latticeVectors.count, orbitals.count)
    let home = [Int](repeating: 0, count: d)
    var found: [[Int]: [[ComplexDouble]]] = [:]
    let zero = [[ComplexDouble]](
      repeating: [ComplexDouble](repeating: .zero, count: n * n), count: 2)
    func add(_ cell: [Int], _ a: Int, _ b: Int, _ values: [ComplexDouble]) {
      for u in 0..<2 { found[cell, default: zero][u][a + n * b] += values[u] }
    }
    for (a, orbital) in orbitals.enumerated() {
      add(home, a, a, [ComplexDouble(orbital.up), ComplexDouble(orbital.down)])
    }
    var seen: [String: Int] = [:]
    for (index, hop) in hops.enumerated() {
      guard (0..<n).contains(hop.from), (0..<n).contains(hop.to) else {
        throw OrbitalError(
          .hop(index), found: "orbitals \(hop.from) and \(hop.to)", expected: "indices below \(n)")
      }
      try require(
        hop.cell.count == d && hop.cell.allSatisfy((-2000...2000).contains),
        OrbitalPlace.hop(index),
        "the cell \(hop.cell)",
        "\(d) integers of magnitude 2000 or less")
      try require(
        [hop.up, hop.down].allSatisfy({ $0.length < 1e100 }), OrbitalPlace.hop(index),
        "amplitudes \(hop.up) and \(hop.down)",
        "numbers of magnitude below 1e100")
      try require(
        hop.from != hop.to || hop.cell != home, OrbitalPlace.hop(index),
        "a hop from orbital \(orbitals[hop.from].name) to itself",
        "its level, `energy` of the orbital")
      let partner = hop.cell.map { -$0 }
      let (own, other) = (
        "\(hop.from) \(hop.to) \(hop.cell)", "\(hop.to) \(hop.from) \(partner)"
      )
      if let first = seen[own] ?? seen[other] {
        throw OrbitalError(
          .hop(index),
          found: seen[own] != nil
            ? "hop \(first) a second time" : "the Hermitian partner of hop \(first)",
          expected: "each hop once: its partner is implied")
      }
      seen[own] = index
      add(hop.cell, hop.from, hop.to, [hop.up, hop.down])
      add(partner, hop.to, hop.from, [hop.up.conjugate, hop.down.conjugate])
    }
    let cells = Array(found.keys)
    try self.init(
      name: name, latticeVectors: latticeVectors, orbitals: orbitals, cells: cells,
      up: cells.map { found[$0]![0] }, down: cells.map { found[$0]![1] })
  }

  /// A model of matrices, as Wannier functions give them.
  /// - Parameters:
  ///   - orbitals: their levels are those of the matrices, whatever they say.
  ///   - cells: R, each once, with both of R and -R.
  ///   - up, down: <0 a|H^u|R b> of each cell at a + n b; Hermitian, H(-R) = H(R)^dagger, to 1e-12 of the largest element.
  /// - Throws: ``OrbitalError``.
  public init(
    name: String, latticeVectors: [[Double]], orbitals: [Orbital], cells: [[Int]],
    up: [[ComplexDouble]], down: [[ComplexDouble]]
  ) throws(OrbitalError) {
    unitCell = try OrbitalModel.check(latticeVectors, orbitals)
    let (d, n) = (latticeVectors.count, orbitals.count)
    precondition(up.count == cells.count && down.count == cells.count)
    var index: [[Int]: Int] = [:]
    var largest = 0.0
    for (r, cell) in cells.enumerated() {
      try require(
        cell.count == d && cell.allSatisfy((-2000...2000).contains), OrbitalPlace.cell(r),
        "the cell \(cell)",
        "\(d) integers of magnitude 2000 or less")
      guard index.updateValue(r, forKey: cell) == nil else {
        throw OrbitalError(
          .cell(r), found: "the cell \(cell) a second time", expected: "each cell once")
      }
      for matrix in [up[r], down[r]] {
        try require(
          matrix.count == n * n && matrix.allSatisfy({ $0.length < 1e100 }), OrbitalPlace.cell(r),
          "\(matrix.count) elements, or too large ones",
          "\(n * n) of magnitude below 1e100")
        largest = matrix.reduce(largest) { max($0, $1.length) }
      }
    }
    let order = cells.indices.sorted { cells[$0].lexicographicallyPrecedes(cells[$1]) }
    var elements: [[[ComplexDouble]]] = []
    for spin in [up, down] {
      var matrices: [[ComplexDouble]] = []
      for r in order {
        guard let partner = index[cells[r].map { -$0 }] else {
          throw OrbitalError(
            .cell(r), found: "the cell \(cells[r]) without its negative", expected: "both")
        }
        let (own, other) = (spin[r], spin[partner])
        var matrix = own
        for b in 0..<n {
          for a in 0..<n {
            let (x, y) = (own[a + n * b], other[b + n * a].conjugate)
            try require(
              (x - y).length <= 1e-12 * largest, OrbitalPlace.cell(r),
              "\(x) from \(orbitals[a].name) to \(orbitals[b].name) in \(cells[r])",
              "\(y), the conjugate of the way back")
            matrix[a + n * b] = (x + y).divided(by: 2)
          }
        }
        matrices.append(matrix)
      }
      elements.append(matrices)
    }
    self.name = name
    (self.cells, self.elements) = (order.map { cells[$0] }, elements)
    let home = self.cells.firstIndex { $0.allSatisfy { $0 == 0 } }
    self.orbitals = orbitals.enumerated().map { a, orbital in
      var orbital = orbital
      orbital.up = home.map { elements[0][$0][a + n * a].real } ?? 0
      orbital.down = home.map { elements[1][$0][a + n * a].real } ?? 0
      return orbital
    }
  }

  /// An antiferromagnet of two sublattices: orbitals A at 0 and B where A's first hop leads, with exchange J and -J.
  public init(_ model: Model) {
    let zero = [Double](repeating: 0, count: model.dimension)
    let home = model.interSublattice.first?.vector ?? zero
    func cell(_ r: [Double]) -> [Int] { model.cell(r).map { Int($0) } }
    let inter = model.interSublattice.map { hop in
      let amplitude = ComplexDouble(-hop.amplitude)
      return Hop(
        from: 0, to: 1, cell: cell(zip(hop.vector, home).map { $0 - $1 }), up: amplitude,
        down: amplitude)
    }
    let intra = model.intraSublattice.flatMap { hop in
      [0, 1].map { a -> Hop in
        let amplitude = ComplexDouble(-hop.amplitude)
        return Hop(from: a, to: a, cell: cell(hop.vector), up: amplitude, down: amplitude)
      }
    }
    do {
      try self.init(
        name: model.name, latticeVectors: model.latticeVectors,
        orbitals: [
          Orbital(name: "A", position: zero, exchange: model.exchange, staggered: 1),
          Orbital(name: "B", position: home, exchange: -model.exchange, staggered: -1),
        ], hops: inter + intra)
    } catch {
      preconditionFailure("a model is one with orbitals: \(error)")
    }
  }

  private static func check(
    _ latticeVectors: [[Double]], _ orbitals: [Orbital]
  ) throws(OrbitalError) -> UnitCell {
    let unitCell = try UnitCell(latticeVectors, at: OrbitalPlace.latticeVectors)
    let d = latticeVectors.count
    try require(
      !orbitals.isEmpty, OrbitalPlace.orbital(0), "no orbital", "at least one")
    for (a, orbital) in orbitals.enumerated() {
      for position in [orbital.position, orbital.downPosition] {
        try require(
          position.count == d && position.allSatisfy({ $0.magnitude < 1e100 }),
          OrbitalPlace.orbital(a),
          "the position \(position)",
          "\(d) numbers of magnitude below 1e100")
      }
      try require(
        orbital.up.magnitude < 1e100 && orbital.down.magnitude < 1e100, OrbitalPlace.orbital(a),
        "levels \(orbital.up) and \(orbital.down)",
        "numbers of magnitude below 1e100")
    }
    return unitCell
  }

  /// J and the signs of a staggered order whose exchanges on the sites, J_a = (down - up)/2, add up to nothing, sum_a J_a = 0 to 1e-3 of
  /// their moduli, as in an antiferromagnet (the paper's (2)): J is the mean modulus of those that count, a twentieth of the largest or more. nil of other magnets.
  public var staggeredExchange: (exchange: Double, signs: [Double])? {
    let own = orbitals.map { ($0.down - $0.up) / 2 }
    let least = 0.05 * own.map(abs).max()!
    let signs = own.map { abs($0) < least || $0 == 0 ? 0 : $0 < 0 ? -1.0 : 1 }
    let sizes = own.map(abs).reduce(0, +)
    guard signs.contains(1), abs(own.reduce(0, +)) <= 1e-3 * sizes else { return nil }
    let counted = zip(own, signs).filter { $1 != 0 }.map { abs($0.0) }
    return (counted.reduce(0, +) / Double(counted.count), signs)
  }

  /// A bound on the norm of H^u(R), for each cell and the larger of both spins.
  private var norms: [Double] {
    let n = orbitals.count
    return cells.indices.map { r in
      elements.map { spin in
        let m = spin[r].map(\.length)
        let rows = (0..<n).map { a in (0..<n).reduce(0) { $0 + m[a + n * $1] } }
        let columns = (0..<n).map { b in (0..<n).reduce(0) { $0 + m[$1 + n * b] } }
        // The norm is at most the geometric mean of these.
        return rows.max()!.squareRoot() * columns.max()!.squareRoot()
      }.max()!
    }
  }

  /// |E| <= b = sum_R |H(R)|, docs/collinear.md, in the unit of energy.
  public var energyBound: Double { norms.reduce(0, +) }

  /// 1/d, where d is the half-width in 2 pi Im f of the strip of reduced wave vectors in which every level stays within
  /// `width` of one at real k,
  ///
  ///     |H(f + i d/2 pi) - H(f)| <= sum_R |H(R)| (exp(|R_a| d) - 1) <= width
  ///
  /// and the Hamiltonian and its derivatives have not grown, d <= 1/(2 ``Model/harmonics(_:displacement:)``): without the second
  /// grids too coarse for a small far hop, whose derivatives are not small, all show the same wrong sum. A resolvent
  /// (e - H +- i width)^-1 is bounded there at all real e, and a trace of such analytic, whether levels are
  /// degenerate or not.
  package func resolution(_ width: Double) -> Double {
    reach.map { hops -> Double in
      guard let longest = hops.map(\.cells).max() else { return 0 }
      var (low, high) = (0.0, 60 / longest)
      for _ in 0..<60 {
        let d = (low + high) / 2
        let change = hops.reduce(0) { $0 + $1.amplitude * Double.expMinusOne($1.cells * d) }
        if change > width { high = d } else { low = d }
      }
      return max(1 / low, 2 * Model.harmonics([hops]))
    }.max() ?? 0
  }

  /// How many periods of the Hamiltonian fit into the zone along a reciprocal vector, h = 1/d of docs/zone-integrals.md; dimensionless.
  public var harmonics: Double { Model.harmonics(reach) }

  /// The same along each reciprocal vector alone.
  package var axisHarmonics: [Double] { reach.map { Model.harmonics([$0]) } }

  /// What grids of this model may be.
  package var gridSizes: GridSizes { GridSizes(reach) }

  /// Of each axis |R_a| and a bound on |H(R)| of what oscillates along it.
  private var reach: [[Oscillation]] {
    let norms = norms
    return (0..<dimension).map { a in
      zip(cells, norms).map { Oscillation(cells: Double(abs($0[a])), amplitude: $1) }
        .filter { $0.cells * $0.amplitude > 0 }
    }
  }
}
