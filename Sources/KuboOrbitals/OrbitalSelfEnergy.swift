// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboWork
import KuboZoneIntegrals
import RealModule

/// The self-energies of ``OrbitalImpurities`` on one grid at a time.
///
/// For Im z > 0 the equation has one solution with Im Sigma <= 0, and the mean of Sigma and what the equation makes of it
/// comes to it from any start (Helton, Rashidi Far, Speicher, 2007); on the real axis the physical solution is its limit, where the ladder of |G|^2,
///
///     (g0 + gz)_a avg |G^u_ab|^2 x^u_b + 2 gp_a avg |G^u'_ab|^2 x^u'_b,
///
/// does not grow. Newton's method does the rest, as long as it stays in the half-plane.
struct OrbitalSelfEnergy: Sendable {
  private let zone: ZoneAverage
  private let symmetries: [OrbitalMap]
  let impurities: OrbitalImpurities
  /// A length of the energy axis beyond which nothing happens: bands and self-energies.
  let width: Double

  /// How many points of a grid count as one.
  var symmetryCount: Int { symmetries.count }

  init(_ model: OrbitalModel, _ impurities: OrbitalImpurities, width: Double, threads: Int) {
    (self.impurities, self.width) = (impurities, width)
    symmetries = OrbitalMap.group(model, impurities)
    zone = ZoneAverage(
      model: model, matrices: BlochMatrices(model, Directions(i: 0, j: 0), order: 0),
      symmetries: symmetries.map(\.map), threads: threads)
  }

  /// A solution on a grid.
  struct Solution: Sendable {
    var energy: DressedEnergy
    /// avg G^u_aa, those of up first.
    var averages: [ComplexDouble]
    /// The largest norm of G over the grid, both spins.
    var norm: Double
    /// |Sigma - what the equation makes of it|, and a bound on the error of Sigma on this grid.
    var residual, error: Double

    /// The same for the advanced propagator.
    var conjugate: Solution {
      Solution(
        energy: energy.conjugate, averages: averages.map(\.conjugate), norm: norm,
        residual: residual, error: error)
    }
  }

  private struct Search {
    let target: ComplexDouble
    var state: DressedEnergy
    /// How many means are still to be taken.
    var means: Int
    /// How far the energy still is above its target, and how often the search began anew from above.
    var lift = 0.0
    var attempt = 0
    /// Steps since.
    var steps = 0
    var solution: Solution?
    var isLost = false
  }

  /// Where a search begins if nothing is known.
  func start(_ z: ComplexDouble) -> DressedEnergy {
    let sum = zip(impurities.same, impurities.other).map {
      ComplexDouble(0, -($0 + $1).squareRoot())
    }
    return DressedEnergy(z: z, selfEnergies: sum + sum)
  }

  /// The solutions at energies above or on the real axis from starts, rough ones if `means` > 0; nil where none is found.
  func solve(_ starts: [DressedEnergy], means: Int, divisions: Int) async throws -> [Solution?] {
    try await WorkProgress.stage(
      "self-energies, \(divisions)^\(zone.model.dimension)", unit: "energies", of: starts.count
    ) { stage in
      let n = impurities.scalar.count
      let turns = BlochMatrices.turns(divisions)
      var searches = starts.map { Search(target: $0.z, state: $0, means: means) }
      // Of averages over stars Newton's method knows symmetric changes alone: rounding must not become others, which would grow.
      func project(_ s: Int) {
        searches[s].state.selfEnergies = OrbitalMap.mean(
          symmetries, searches[s].state.selfEnergies)
      }
      searches.indices.forEach(project)
      while true {
        let active = searches.indices.filter {
          searches[$0].solution == nil && !searches[$0].isLost
        }
        if active.isEmpty { return searches.map(\.solution) }
        let states = active.map { searches[$0].state }
        let block = 2 * n + 4 * n * n
        let (sums, norms) = try await zone.average(
          active.count * block, extremes: active.count, turns
        ) { point, sums, norms in
          for (m, state) in states.enumerated() {
            var own = sums + m * block
            for g in point.propagators(state) {
              g.addDiagonal(to: own)
              g.addReturn(g, to: own + n)
              g.addSquares(to: own + n + n * n)
              norms[m] = max(norms[m], g.norms.max()!)
              own += n + 2 * n * n
            }
          }
        }
        for (m, s) in active.enumerated() {
          advance(
            &searches[s],
            OrbitalMap.mean(symmetries, n, Array(sums[m * block..<(m + 1) * block])), norms[m])
          project(s)
          if searches[s].solution != nil || searches[s].isLost { stage?.advance() }
        }
      }
    }
  }

  /// One step of a search with the averages at its state.
  private func advance(_ search: inout Search, _ sums: [ComplexDouble], _ norm: Double) {
    let n = impurities.scalar.count
    func part(_ u: Int, _ start: Int, _ size: Int) -> [ComplexDouble] {
      let first = u * (n + 2 * n * n) + start
      return Array(sums[first..<first + size])
    }
    func kernel(_ start: Int) -> MatrixBlock {
      impurities.joined(
        MatrixBlock(n, part(0, start, n * n)), MatrixBlock(n, part(1, start, n * n)))
    }
    let averages = part(0, 0, n) + part(1, 0, n)
    let own = search.state.selfEnergies
    let residual = zip(own, impurities.joined(averages)).map { $0 - $1 }
    let mean = zip(own, residual).map { $0 - $1.multiplied(by: 0.5) }
    // Next to an edge two real solutions nearly meet. Above the real axis only one has Im Sigma < 0; it is followed down.
    func restart() {
      search.attempt += 1
      search.steps = 0
      search.isLost = search.attempt > 3
      (search.lift, search.means) = (width / 8, 8)
      search.state = start(search.target + ComplexDouble(0, search.lift))
    }
    search.steps += 1
    guard search.steps <= (search.attempt == 0 ? 50 : 200) else { return restart() }
    guard residual.allSatisfy(\.isFinite), search.means == 0,
      let inverse = kernel(n).geometricSum
    else {
      search.means = max(search.means - 1, 0)
      if mean.allSatisfy(\.isFinite) { search.state.selfEnergies = mean } else { restart() }
      return
    }
    let step = inverse.times(residual)
    let size = step.map(\.length).max()!
    let largest = own.map(\.length).max()!
    // What rounding of the averages leaves open, much where two solutions meet.
    let rounding = 4e-16 * inverse.rowNorm * (largest + Double.ulpOfOne * width)
    if size <= 1e-13 * width + rounding {
      let margin = 1e-10 * width + size + rounding
      guard own.allSatisfy({ $0.imaginary <= margin }) else { return restart() }
      if search.lift > 0 {
        let lower = search.lift / [1, 16, 4, 2][search.attempt]
        search.lift = lower > 1e-13 * width ? lower : 0
        search.state.z = search.target + ComplexDouble(0, search.lift)
        return
      }
      // Im Sigma < 0 inside of a band makes the largest eigenvalue 1.
      guard search.target.imaginary > 0 || kernel(n + n * n).spectralRadius < 1 + 1e-6 else {
        return restart()
      }
      search.solution = Solution(
        energy: search.state, averages: averages, norm: norm,
        residual: residual.map(\.length).max()!, error: size + rounding)
      return
    }
    let next = zip(own, step).map { $0 - $1 }
    let isInside = next.allSatisfy { $0.imaginary <= 1e-12 * width }
    if isInside && size < width {
      search.state.selfEnergies = next
    } else {
      (search.state.selfEnergies, search.means) = (mean, 3)
    }
  }
}

/// A symmetry of bands and impurities, k -> M k: what it does to the propagators of both spins,
///
///     G^v_{pi(a) pi(b)}(M k) = s_a s_b G^u_ab(k),  v = u or -u,   or of real hops at -M k the transposed
private struct OrbitalMap: Sendable {
  let map: ReciprocalOperation
  let isExchanging, isTransposing: Bool
  let images: [Int]

  /// Sorted, one for each M, the identity alone at the least.
  static func group(_ model: OrbitalModel, _ impurities: OrbitalImpurities) -> [OrbitalMap] {
    let found = model.magneticSymmetries(
      fixing: nil, [impurities.scalar, impurities.longitudinal, impurities.transverse]
    ).filter { $0.weightSigns.allSatisfy { $0 > 0 } }
    let all = (model.isReal ? [false, true] : [false]).flatMap { isTransposing in
      found.map {
        OrbitalMap(
          map: isTransposing ? -$0.map : $0.map, isExchanging: $0.isExchanging,
          isTransposing: isTransposing, images: $0.images)
      }
    }
    return all.map(\.map).unique.map { m in all.first { $0.map == m }! }
  }

  /// The mean of numbers x^u_a, those of up first, over what the group makes of them.
  static func mean(_ group: [OrbitalMap], _ x: [ComplexDouble]) -> [ComplexDouble] {
    if group.count == 1 { return x }
    let n = x.count / 2
    var result = [ComplexDouble](repeating: .zero, count: x.count)
    for g in group {
      for u in 0..<2 {
        let to = (g.isExchanging ? 1 - u : u) * n
        for a in 0..<n { result[to + g.images[a]] += x[u * n + a] }
      }
    }
    return result.map { $0.multiplied(by: 1 / Double(group.count)) }
  }

  /// The averages over the zone of G^u_aa, G^u_ab G^u_ba and |G^u_ab|^2, for each spin, of those over first points of stars.
  static func mean(_ group: [OrbitalMap], _ n: Int, _ sums: [ComplexDouble]) -> [ComplexDouble] {
    if group.count == 1 { return sums }
    var result = [ComplexDouble](repeating: .zero, count: sums.count)
    for g in group {
      for u in 0..<2 {
        let from = u * (n + 2 * n * n)
        let to = (g.isExchanging ? 1 - u : u) * (n + 2 * n * n)
        for a in 0..<n {
          result[to + g.images[a]] += sums[from + a]
          for b in 0..<n {
            let (p, q) = (g.images[a], g.images[b])
            result[to + n + p + n * q] += sums[from + n + a + n * b]
            result[to + n + n * n + (g.isTransposing ? q + n * p : p + n * q)] +=
              sums[from + n + n * n + a + n * b]
          }
        }
      }
    }
    return result.map { $0.multiplied(by: 1 / Double(group.count)) }
  }
}

/// Self-energies of a collinear magnet with ``OrbitalImpurities`` at one energy, and densities of states.
///
///     Sigma^u_a = (g0 + gz)_a g^u_a + 2 gp_a g^u'_a,   nu_a = -(1/pi) Im sum_u g^u_a
///
/// Source: docs/ladder.md, for every orbital. Units: energies of the model; densities per cell and energy.
public struct OrbitalSelfEnergies: Sendable {
  /// Sigma^u_a of up and of down.
  public let up, down: [ComplexDouble]
  /// A bound on their errors: the change from the last coarser grid.
  public let error: Double
  /// How well the equation is solved on the finest grid.
  public let residual: Double
  /// nu_a of both spins.
  public let densities: [Double]
  /// The points along each reciprocal vector of the finest grid.
  public let divisions: Int

  /// The self-energies at z, Im z >= 0, to `tolerance` of what bands and impurities span.
  /// - Throws: `RequestError`, `NonConvergence`.
  public init(
    _ model: OrbitalModel, _ impurities: OrbitalImpurities, at z: ComplexDouble,
    tolerance: Double = 1e-10, threads: Int = 1
  ) async throws {
    try impurities.checked(model.orbitals.count)
    try require(
      z.isFinite && z.imaginary >= 0, "energy", "\(z)", "a finite one with Im z >= 0")
    let averages = ImpurityAverages(
      model, impurities, directions: Directions(i: 0, j: 0), loops: [], isDressed: false,
      columns: [], threads: threads)
    let found = try await averages.converged(z, tolerance: tolerance)
    let n = model.orbitals.count
    let (own, g) = (found.solution.energy.selfEnergies, found.solution.averages)
    (up, down) = (Array(own.prefix(n)), Array(own.suffix(n)))
    (error, residual, divisions) = (found.error, found.solution.residual, found.divisions)
    densities = (0..<n).map { -(g[$0] + g[n + $0]).imaginary / .pi }
  }
}
