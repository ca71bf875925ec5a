// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// |m_a| of a hop by m_a cells along an axis, and its |amplitude|.
package struct Oscillation: Sendable, Equatable {
  package let cells, amplitude: Double
}

/// How fine a grid must be to see what a Hamiltonian does: how steep its energies are, and how often they
/// oscillate.
///
/// A sum over N points of a zone is wrong by its Fourier coefficients F_n at the multiples n of N, and
/// |F_n| <= M(d) exp(-|n| d), M(d) the mean modulus of the summand at Im 2 pi f_a = d. M(d) is of the order of what is summed,
/// so that N d >> 1 is enough, if at all d' <= d
///
/// 1. no energy comes to a level whose width is to be resolved: ``energySlope`` d <= width, and
/// 2. the Hamiltonian and its derivatives have not grown: d <= 1/(2 ``harmonics``).
///
/// Without the second, grids too coarse for a hop of many cells all show the same wrong sum.
extension Model {
  /// How many grid points along each reciprocal vector see features of `width` in energy, the branch point
  /// Delta = 0 at complex k, which is J/|grad eta| away from the real zone, and the hops.
  package func resolution(_ width: Double) -> Double {
    resolutionOfBoth(min(width, exchange))
  }

  /// The same for sums over both bands, which do not know Delta.
  package func resolutionOfBoth(_ width: Double) -> Double {
    max(energySlope / width, 2 * harmonics)
  }

  /// How many periods of the Hamiltonian fit into the zone along a reciprocal vector, the largest over them:
  /// 1/d, where hops by m_a cells along a, weighted by what they give to the curvature of the energies, grow by e,
  ///
  ///     sum |amplitude| m_a^2 exp(|m_a| d) = e sum |amplitude| m_a^2
  ///
  /// 1 for hops to next cells, n for a hop of n cells that is not small; a small one counts as far as
  /// it is seen, exp(-n d). On a surface where |Im 2 pi f_a| is up to `displacement`, hops of m_a cells have grown
  /// by exp(|m_a| displacement) already: far ones count for more there.
  package static func harmonics(_ axes: [[Oscillation]], displacement: [Double] = [0, 0, 0])
    -> Double
  {
    zip(axes, displacement).map { hops, displacement -> Double in
      let used = hops.filter { $0.amplitude * $0.cells > 0 }
      guard let longest = used.map(\.cells).max() else { return 0 }
      let terms = used.map {
        (
          m: $0.cells,
          weight: $0.amplitude * $0.cells * $0.cells
            * Double.exp(($0.cells - longest) * displacement)
        )
      }
      let weight = terms.reduce(0) { $0 + $1.weight }
      // In units of 1/longest; the sum grows at least as fast as its shortest hop, at most as the longest.
      var (low, high) = (1.0, longest / terms.map(\.m).min()!)
      for _ in 0..<50 where high - low > 1e-6 * low {
        let d = (low + high) / 2
        let grown = terms.reduce(0) { $0 + $1.weight * Double.exp($1.m / longest * d - 1) }
        if grown > weight { high = d } else { low = d }
      }
      return longest / low
    }.max() ?? 0
  }

  /// ``harmonics`` along each reciprocal vector alone.
  package var axisHarmonics: [Double] { oscillations.map { Model.harmonics([$0]) } }

  /// ``harmonics`` where |Im 2 pi f_a| is up to `displacement`.
  package func harmonics(displacement: [Double]) -> Double {
    Model.harmonics(oscillations, displacement: displacement)
  }

  /// The largest |Im 2 pi f_a| of each axis, where k is moved by i times one of `shifts`.
  package func largestDisplacement(_ shifts: [SIMD3<Double>]) -> [Double] {
    latticeVectors.map { a in
      let a = packed(a)
      return shifts.reduce(0) { max($0, abs((a * $1).sum())) }
    }
  }

  /// What oscillates along each axis, of which sum |m_a amplitude| bounds |d E_s/d f_a|/2 pi: |eta| does not change when all
  /// hops between the sublattices are shifted, which are centred to bound them tightly.
  static func oscillations(
    _ inter: [(cells: [Double], amplitude: Double)],
    _ intra: [(cells: [Double], amplitude: Double)], dimension: Int
  ) -> [[Oscillation]] {
    (0..<dimension).map { a in
      let used = inter.filter { $0.amplitude != 0 }.map { $0.cells[a] }
      let middle = ((used.min() ?? 0) + (used.max() ?? 0)) / 2
      return inter.map {
        Oscillation(cells: abs($0.cells[a] - middle), amplitude: abs($0.amplitude))
      }
        + intra.map { Oscillation(cells: abs($0.cells[a]), amplitude: 2 * abs($0.amplitude)) }
    }
  }

  /// The divisions of a grid of points on which functions of the bands are looked at, a multiple of 12:
  /// `least` where hops lead to next cells, and as dense for each oscillation up to a factor of 2.
  package func divisions(_ least: Int) -> Int {
    Int((Double(least) * max(1, harmonics / 2) / 12).rounded(.up)) * 12
  }

  /// The smallest prime from `least` on with which no hop, nor the difference of two between the
  /// sublattices, comes back to where it began: on so many points none looks constant.
  package func primeDivisions(_ least: Int) -> Int {
    let first = interSublattice.first.map { coordinates($0.vector) } ?? []
    let cells =
      Set(
        interSublattice.flatMap {
          zip(coordinates($0.vector), first).map { Int(($0 - $1).rounded()) }
        })
    let inter = Array(cells)
    var shifts = Set(intraSublattice.flatMap { coordinates($0.vector).map { Int($0.rounded()) } })
    for (n, a) in inter.enumerated() { for b in inter[n...] { shifts.insert(a - b) } }
    shifts.remove(0)
    var p = least
    while !(2..<p).prefix(while: { $0 * $0 <= p }).allSatisfy({ p % $0 != 0 })
      || shifts.contains(where: { $0 % p == 0 })
    {
      p += 1
    }
    return p
  }
}

/// The numbers N of points along each reciprocal vector that grids may have: multiples of 12, so that every grid holds
/// the same points of high symmetry, and such that no two see a far hop in the same way.
///
/// What a hop of m cells adds to a sum has harmonics j m, of which N points see those that N divides, the first at the
/// least common multiple of m and N. With m = 48 it is 720 for N = 180, 360 and 720: three grids that agree and are
/// wrong. With N = 12 p and p prime to m/gcd(m, 12) it is N m/gcd(m, 12), which grows with N as it does for near hops.
package struct GridSizes: Sendable {
  package let dimension: Int
  /// m/gcd(m, 12) above 1 for the lengths of hops, and what the hops amount to.
  private let factors: [Int: Double]

  /// What oscillates along each axis.
  package init(_ axes: [[Oscillation]]) {
    dimension = axes.count
    var factors: [Int: Double] = [:]
    for hop in axes.joined() where hop.amplitude != 0 && hop.cells < 1e9 {
      let m = Int(hop.cells.rounded())
      let factor = m / GridSizes.divisor(m, 12)
      if factor > 1 { factors[factor, default: 0] += abs(hop.amplitude) * hop.cells * hop.cells }
    }
    self.factors = factors
  }

  /// The N at or above `n`, up to a tenth larger, that shares least with the hops.
  package func from(_ n: Int) -> Int {
    let first = max(1, (n + 11) / 12)
    if factors.isEmpty { return 12 * first }
    var best = first
    var least = Double.infinity
    for p in first...max(first + 1, 11 * first / 10) {
      let shared = factors.keys.sorted().reduce(0.0) {
        GridSizes.divisor(p, $1) > 1 ? $0 + factors[$1]! : $0
      }
      if shared < least { (best, least) = (p, shared) }
      if least == 0 { break }
    }
    return 12 * best
  }

  /// Such an N about as large as `n`.
  package func near(_ n: Int) -> Int { from(factors.isEmpty ? n : n - n / 20) }

  private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
}

extension Model {
  /// What grids of this model may be: |eta|^2 oscillates with the differences of hops between the sublattices.
  package var gridSizes: GridSizes {
    let inter = interSublattice.map { (cells: coordinates($0.vector), amplitude: $0.amplitude) }
    let intra = intraSublattice.map { (cells: coordinates($0.vector), amplitude: $0.amplitude) }
    let size = inter.reduce(exchange) { $0 + abs($1.amplitude) }
    return GridSizes(
      (0..<dimension).map { a in
        intra.map { Oscillation(cells: abs($0.cells[a]), amplitude: $0.amplitude) }
          + inter.indices.flatMap { n in
            inter[..<n].map {
              Oscillation(
                cells: abs($0.cells[a] - inter[n].cells[a]),
                amplitude: $0.amplitude * inter[n].amplitude / size
              )
            }
          }
      })
  }
}

extension Model {
  /// |E_s| <= b = max |T| + max Delta (7) over the zone, in the unit of energy.
  public var energyBound: Double {
    intraSublattice.reduce(0) { $0 + 2 * abs($1.amplitude) } + gapBound
  }

  /// A bound on Delta over the zone.
  package var gapBound: Double {
    Double.hypot(interSublattice.reduce(0) { $0 + abs($1.amplitude) }, exchange)
  }

  /// A bound on |T_k| + |eta_k| over the zone.
  package var hoppingBound: Double {
    interSublattice.reduce(0) { $0 + abs($1.amplitude) }
      + intraSublattice.reduce(0) { $0 + 2 * abs($1.amplitude) }
  }
}

extension Model {
  /// Bounds on the rounding of sums of absolute terms `scales`; `steepness` are those of each term over the distance
  /// in energy of its nearest singularity: a term to some power of that changes by its energies' rounding over it.
  /// Besides those of the bands `energy` is subtracted.
  package func rounding(_ scales: [Double], _ steepness: [Double], _ energy: Double) -> [Double] {
    let energies = energyBound + energySlope + abs(energy)
    // Phases of hops are rounded by 4e-16 for each cell.
    let phases = 1e-14 + 4e-16 * harmonics
    return zip(scales, steepness).map { phases * $0 + 2e-16 * energies * $1 }
  }
}
