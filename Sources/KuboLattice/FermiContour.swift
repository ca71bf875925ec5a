// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// A connected part of the Fermi surface E_s(k) = mu of a two-dimensional model: a closed curve on the
/// torus of the zone.
///
/// The energies are taken at the corners of a periodic grid; where a side of a cell joins corners on both
/// sides of mu, the crossing is found by bisection, to the last bit of the wave vector, so that
/// |E - mu| is at most about 1e-14 of the bandwidth. Each crossing belongs to the two cells of its
/// side, and a cell has two crossings or four (which pair up by the energy in its middle), so that the
/// curves close. A pocket that lies between the points of a grid is found by the extremum
/// inside it, and the grid refined.
public struct FermiContour: Sendable {
  /// The band.
  public let band: Band
  /// Its points in order, Cartesian; not folded into a zone, so that neighbours are near each other.
  public let points: [[Double]]
  /// What the way around leads to: the last point is followed by the first plus this reciprocal lattice
  /// vector, zero if the curve is closed in k, as around a pocket.
  public let winding: [Double]

  /// All curves E_s(k) = mu, `mu` in energy units, k in inverse units of length; the distance of neighbours is at most sqrt(2) of a cell of the grid, which has
  /// `divisions` or more points along each reciprocal vector, so many for each period of hops that lead far.
  /// - Throws: ``RequestError`` unless the model has two dimensions, and for a pocket smaller than
  ///   1/1000 of the zone.
  public static func contours(_ model: Model, mu: Double, divisions: Int = 240)
    throws(RequestError) -> [FermiContour]
  {
    try require(
      model.dimension == 2, "Fermi contours", "\(model.dimension) dimensions", "two dimensions")
    // At a saddle the curves are there anyway.
    let hessian = model.hessianHamiltonians()
    let extrema = model.criticalPoints().filter { k, band in
      determinant(model.derivatives(hessian.map { $0.frame(at: WaveVector(k)) }, band).hessian) > 0
    }.map { k, band in
      (
        f: model.latticeVectors.map { a in zip(a, k).reduce(0) { $0 + $1.0 * $1.1 } / (2 * .pi) },
        band
      )
    }
    let first = model.divisions(divisions)
    var n = first
    while n <= max(1000, first) {
      let grids = Band.allCases.map { Grid(model, $0, mu: mu, divisions: n) }
      if extrema.allSatisfy({ grids[$0.1.rawValue].resolves($0.f) }) {
        return grids.flatMap { $0.contours() }
      }
      n *= 4
    }
    throw RequestError(
      "mu", found: "\(mu), so near a band edge that its pocket is smaller than 1/1000 of the zone",
      expected: "a larger distance from the edge")
  }

  /// The energies of a band on a periodic grid.
  private struct Grid {
    let model: Model
    let band: Band
    let mu: Double
    let n: Int
    let hamiltonian: BlochHamiltonian
    private let reciprocal: [SIMD3<Double>]
    private var isAbove: [Bool] = []

    init(_ model: Model, _ band: Band, mu: Double, divisions: Int) {
      (self.model, self.band, self.mu, n) = (model, band, mu, divisions)
      hamiltonian = BlochHamiltonian(model, directions: Directions(i: 0, j: 0))
      reciprocal = model.reciprocalVectors.map(packed)
      isAbove.reserveCapacity(n * n)
      for a in 0..<n {
        for b in 0..<n { isAbove.append(isAbove(at: SIMD2(Double(a), Double(b)))) }
      }
    }

    /// Whether E >= mu at a point in steps of the grid.
    private func isAbove(at p: SIMD2<Double>) -> Bool {
      let f = p / Double(n)
      let k = WaveVector(real: reciprocal[0] * f.x + reciprocal[1] * f.y)
      return hamiltonian.frame(at: k).energy(band).real >= mu
    }

    private func corner(_ a: Int, _ b: Int) -> Bool { isAbove[(a % n) * n + b % n] }

    /// Whether a corner of the cell of the reduced wave vector `f` is on its side of mu.
    func resolves(_ f: [Double]) -> Bool {
      let p = f.map { ($0 - $0.rounded(.down)) * Double(n) }
      let own = isAbove(at: SIMD2(p[0], p[1]))
      let (a, b) = (Int(p[0]), Int(p[1]))
      return [corner(a, b), corner(a + 1, b), corner(a, b + 1), corner(a + 1, b + 1)].contains(own)
    }

    /// A side of a cell, from the corner (a, b) along the first or the second vector.
    private struct Side: Hashable {
      var a, b: Int
      var isSecond: Bool
    }

    /// The sides of the cell (a, b) that the curve crosses, paired.
    private func pairs(_ a: Int, _ b: Int) -> [(Side, Side)] {
      let c = [corner(a, b), corner(a + 1, b), corner(a + 1, b + 1), corner(a, b + 1)]
      // Around the cell: side i joins corners i and i + 1.
      let sides = [
        Side(a: a, b: b, isSecond: false), Side(a: (a + 1) % n, b: b, isSecond: true),
        Side(a: a, b: (b + 1) % n, isSecond: false), Side(a: a, b: b, isSecond: true),
      ]
      let crossed = (0..<4).filter { c[$0] != c[($0 + 1) % 4] }
      switch crossed.count {
      case 0: return []
      case 2: return [(sides[crossed[0]], sides[crossed[1]])]
      default:
        // Corners 0 and 2 are joined if the middle is on their side: the curve cuts off 1 and 3.
        let isJoined = isAbove(at: SIMD2(Double(a) + 0.5, Double(b) + 0.5)) == c[0]
        return isJoined
          ? [(sides[0], sides[1]), (sides[2], sides[3])]
          : [(sides[3], sides[0]), (sides[1], sides[2])]
      }
    }

    /// The crossing on a side, in steps of the grid.
    private func crossing(_ side: Side) -> [Double] {
      let start = SIMD2(Double(side.a), Double(side.b))
      func at(_ x: Double) -> SIMD2<Double> {
        start + (side.isSecond ? SIMD2(0, x) : SIMD2(x, 0))
      }
      let first = corner(side.a, side.b)
      var (low, high) = (0.0, 1.0)
      for _ in 0..<60 {
        let middle = (low + high) / 2
        if isAbove(at: at(middle)) == first { low = middle } else { high = middle }
      }
      let p = at((low + high) / 2)
      return [p.x, p.y]
    }

    func contours() -> [FermiContour] {
      var neighbours: [Side: [Side]] = [:]
      for a in 0..<n {
        for b in 0..<n {
          for (s, t) in pairs(a, b) {
            neighbours[s, default: []].append(t)
            neighbours[t, default: []].append(s)
          }
        }
      }
      var seen: Set<Side> = []
      var contours: [FermiContour] = []
      let order = neighbours.keys.sorted {
        ($0.a, $0.b, $0.isSecond ? 1 : 0) < ($1.a, $1.b, $1.isSecond ? 1 : 0)
      }
      for start in order where !seen.contains(start) {
        var points = [crossing(start)]
        seen.insert(start)
        var (previous, side) = (start, neighbours[start]![0])
        while side != start {
          seen.insert(side)
          points.append(nearest(crossing(side), to: points.last!))
          let next = neighbours[side]!
          (previous, side) = (side, next[0] == previous ? next[1] : next[0])
        }
        let end = nearest(points[0], to: points.last!)
        func cartesian(_ p: [Double]) -> [Double] {
          model.waveVector(reduced: p.map { $0 / Double(n) })
        }
        contours.append(
          FermiContour(
            band: band, points: points.map(cartesian),
            winding: cartesian(
              zip(end, points[0]).map { (($0 - $1) / Double(n)).rounded() * Double(n) })))
      }
      return contours
    }

    /// The image of `p` under translations of the grid that is nearest to `other`.
    private func nearest(_ p: [Double], to other: [Double]) -> [Double] {
      zip(p, other).map { $0 - (($0 - $1) / Double(n)).rounded() * Double(n) }
    }
  }
}
