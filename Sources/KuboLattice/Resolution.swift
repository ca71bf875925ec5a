// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

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
  /// it is seen, exp(-n d).
  package static func harmonics(
    _ hops: [(slope: Double, hops: [(cells: Double, amplitude: Double)])]
  )
    -> Double
  {
    hops.map { axis -> Double in
      let terms = axis.hops.map { (m: $0.cells, weight: $0.amplitude * $0.cells * $0.cells) }
        .filter { $0.weight > 0 }
      guard let longest = terms.map(\.m).max() else { return 0 }
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

  /// Of each axis, a bound on |d E_s/d f_a|/2 pi, and |m_a| and |amplitude| of what oscillates along it: |eta| does not change when all
  /// hops between the sublattices are shifted, which are centred to bound them tightly.
  static func hopReach(
    _ inter: [(cells: [Double], amplitude: Double)],
    _ intra: [(cells: [Double], amplitude: Double)], dimension: Int
  ) -> [(slope: Double, hops: [(cells: Double, amplitude: Double)])] {
    (0..<dimension).map { a in
      let used = inter.filter { $0.amplitude != 0 }.map { $0.cells[a] }
      let middle = ((used.min() ?? 0) + (used.max() ?? 0)) / 2
      let hops =
        inter.map { (cells: abs($0.cells[a] - middle), amplitude: abs($0.amplitude)) }
        + intra.map { (cells: abs($0.cells[a]), amplitude: 2 * abs($0.amplitude)) }
      return (hops.reduce(0) { $0 + $1.cells * $1.amplitude }, hops)
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

extension Model {
  /// A bound on |E_s| over the zone.
  package var energyBound: Double {
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
