// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// Whose levels they are: of two sublattices the bands, both spins alike, of other magnets the spins.
public enum LevelKind: String, Sendable, CaseIterable {
  case bonding, antibonding, up, down

  package static let bands: [LevelKind] = [.bonding, .antibonding]
  package static let spins: [LevelKind] = [.up, .down]
}

/// Levels along straight lines through the Brillouin zone, k = a + x (b - a), in the model's units.
public struct BandStructure: Sendable {
  /// A point with a name, and where on the path it is.
  public struct Corner: Sendable, Equatable {
    /// As in ``BrillouinZone/Point/name``, or reduced coordinates.
    public let name: String
    /// Cartesian components, in inverse lengths.
    public let k: [Double]
    /// The length of the path up to it.
    public let distance: Double
  }

  /// The corners of the path.
  public let corners: [Corner]
  /// Its points, with all corners among them: wave vector, and length of the path so far.
  public let points: [(k: [Double], distance: Double)]

  /// Bands or spins.
  public let kinds: [LevelKind]
  /// At each point the levels of each kind, ascending, from zero as mu.
  public let levels: [[[Double]]]

  /// `levels` at the lines through the corners of `path`, docs/lattices.md, Cartesian in inverse units of length; `count` points or a
  /// few more, evenly spread, each segment with its ends; as many as show all oscillations, where hops lead far.
  package init(
    _ crystal: some Crystal, _ path: [(name: String, k: [Double])], count: Int,
    _ kinds: [LevelKind], _ levels: (_ k: [Double]) -> [[Double]]
  ) throws(RequestError) {
    func length(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }
    let lengths = zip(path, path.dropFirst()).map { length($0.k, $1.k) }
    let total = lengths.reduce(0, +)
    try require(
      path.count > 1 && lengths.allSatisfy({ $0 > 0 && $0.isFinite }) && total.isFinite, "path",
      path.map(\.name).joined(separator: " - "),
      "two points or more, each other than the one before it")
    // 24 for each period of the longest hops.
    let periods =
      crystal.harmonics
      * zip(path, path.dropFirst()).reduce(0) { sum, ends in
        sum + crystal.latticeVectors.map { a in
          abs(zip(a, zip(ends.0.k, ends.1.k)).reduce(0) { $0 + $1.0 * ($1.1.1 - $1.1.0) })
        }.max()! / (2 * .pi)
      }
    let count = max(count, Int(24 * min(1e4, periods)))
    var corners = [Corner(name: path[0].name, k: path[0].k, distance: 0)]
    var points = [(k: path[0].k, distance: 0.0)]
    for (n, length) in lengths.enumerated() {
      let steps = max(1, Int((Double(count) * length / total).rounded()))
      let (a, b) = (path[n].k, path[n + 1].k)
      let start = corners[n].distance
      for step in 1...steps {
        let x = Double(step) / Double(steps)
        points.append(
          (step == steps ? b : zip(a, b).map { $0 + x * ($1 - $0) }, start + x * length))
      }
      corners.append(Corner(name: path[n + 1].name, k: b, distance: start + length))
    }
    (self.corners, self.points, self.kinds) = (corners, points, kinds)
    self.levels = points.map { levels($0.k) }
  }

  /// E_s = T - s Delta (7) through `path`, Cartesian in inverse units of length, with `count` points or a few more.
  /// - Throws: ``RequestError`` for a path without length.
  public init(_ model: Model, path: [(name: String, k: [Double])], count: Int = 400)
    throws(RequestError)
  {
    let hamiltonian = BlochHamiltonian(model, directions: Directions(i: 0, j: 0))
    try self.init(model, path, count: count, LevelKind.bands) { k in
      let frame = hamiltonian.frame(at: WaveVector(k))
      return [Band.bonding, .antibonding].map { [frame.energy($0).real] }
    }
  }
}
