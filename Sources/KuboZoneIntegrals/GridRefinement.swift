// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboWork
import RealModule

/// Sums over ever finer grids, until every quantity of every group meets its tolerance.
///
/// The error of a periodic sum with N points a direction falls as exp(-c N), so with the
/// differences d_m = |I_m - I_(m-1)| of successive grids the error of I_(m-1) is about d_m, and
/// that of I_m smaller by exp(-c (N_m - N_(m-1))). The rate c is measured, as the slowest over a group,
/// and only part of it is believed, and no more than what the strip of analyticity guarantees, c_0
/// (a small term of slow decay can hide below a large one of fast decay), on all lines of the zone (``GridDecay``):
///
///     error of I_m  <=  2 max{ d_m     (1 + 2 e^2) e,  e = exp(-min(c/2, c_0) (N_m - N_(m-1))),
///                              d_(m-1) exp(-min(3c/4, c_0) (N_m - N_(m-2))) } + rounding
///
/// for the real and the imaginary part each; the second term guards against a difference d_m that is
/// small by accident, and so does the factor 1 + 2 e^2 where d falls slowly. A quantity whose differences have sunk to rounding is not refined further; if
/// rounding exceeds its tolerance, it has not converged. All N are `GridSizes`: where a band edge sits on a point of
/// high symmetry, grids with and without it converge differently.
package struct GridRefinement: Sendable {
  /// 1/c_0: the inverse of the half-width of the strip of reduced wave vectors in which the summand
  /// is analytic, `Model.energySlope` over the width of the sharpest feature in energy. A grid
  /// with fewer points cannot see that feature and must not be trusted, so it is also the first.
  package var resolution: Double
  /// What grids there are.
  package var sizes: GridSizes
  /// The same for single groups that need finer grids, if not empty.
  package var resolutions: [Double] = []
  /// Of each group, where more is known, if not empty.
  package var decays: [GridDecay] = []
  /// The most points a grid may have.
  package var pointLimit: Int = 100_000_000
  /// What the groups are and what is summed, for `WorkProgress`.
  package var unit = "frequencies"
  package var name = "zone integral"

  package init(
    resolution: Double, sizes: GridSizes, resolutions: [Double] = [],
    decays: [GridDecay] = [], pointLimit: Int = 100_000_000,
    unit: String = "frequencies", name: String = "zone integral"
  ) {
    (self.resolution, self.resolutions, self.decays) = (resolution, resolutions, decays)
    (self.sizes, self.pointLimit) = (sizes, pointLimit)
    (self.unit, self.name) = (unit, name)
  }

  /// What one grid gives for the active groups, in their order: values and scales.
  package struct Level: Sendable {
    package var values: [[ComplexDouble]]
    /// The sum of the absolute contributions to each value.
    package var scales: [[Double]]
    /// A bound on the rounding error of each value.
    package var rounding: [[Double]]

    package init(values: [[ComplexDouble]], scales: [[Double]], rounding: [[Double]]) {
      (self.values, self.scales, self.rounding) = (values, scales, rounding)
    }

    /// What it gives for one of them.
    package struct Group: Sendable {
      package var values: [ComplexDouble] = []
      package var scales: [Double] = []
      package var rounding: [Double] = []

      package init() {}
    }
    package func group(_ position: Int) -> Group {
      var group = Group()
      (group.values, group.scales) = (values[position], scales[position])
      group.rounding = rounding[position]
      return group
    }
  }

  package struct Outcome: Sendable {
    package var values: [ComplexDouble]
    package var scales: [Double]
    /// What of the error bounds is rounding.
    package var rounding: [Double]
    /// Error bounds of the real and of the imaginary part.
    package var errors: [PartErrors]
    /// What was allowed.
    package var allowed: [PartErrors]
    package var divisions: Int

    package init(
      values: [ComplexDouble], scales: [Double], rounding: [Double] = [], errors: [PartErrors],
      allowed: [PartErrors], divisions: Int
    ) {
      self.values = values
      self.scales = scales
      self.rounding = rounding
      self.errors = errors
      self.allowed = allowed
      self.divisions = divisions
    }

    /// No values, after a grid of `divisions` points along each reciprocal vector.
    package static func failed(outputs: Int, divisions: Int) -> Outcome {
      let unknown = PartErrors(.infinity)
      return Outcome(
        values: Array(repeating: .zero, count: outputs),
        scales: Array(repeating: 0, count: outputs),
        errors: Array(repeating: unknown, count: outputs),
        allowed: Array(repeating: PartErrors(0), count: outputs),
        divisions: divisions)
    }

    /// The values with one bound for both parts.
    package var estimates: [Estimate] {
      zip(values, errors).map { Estimate(value: $0, error: max($1.real, $1.imaginary)) }
    }

    /// The first quantity that missed its tolerance.
    package var failure: Int? { values.indices.first { !hasConverged($0) } }

    package func hasConverged(_ q: Int) -> Bool {
      errors[q].isWithin(allowed[q])
    }

    /// Whether rounding alone exceeds what a quantity that missed its tolerance may err.
    package var isLostInRounding: Bool {
      values.indices.contains { q in
        !hasConverged(q)
          && !PartErrors(rounding[q]).isWithin(allowed[q])
      }
    }

    /// Estimate and allowance of the part that is worse off.
    package func worst(_ q: Int) -> (estimate: Double, allowed: Double) {
      errors[q].worst(allowed[q])
    }
  }

  /// What a group has seen so far.
  fileprivate struct History: Sendable {
    var values: [ComplexDouble] = []
    var scales: [Double] = []
    var rounding: [Double] = []
    /// The differences of successive grids, and the divisions of the coarser ones.
    var steps: [(divisions: Int, differences: [ComplexDouble])] = []
    /// The divisions of the last grid, 0 before the first, of the next it needs, and of the one that is expected to do.
    var divisions = 0
    var target: Int
    var expected = 0
    /// Whether the rest was counted by a ``CostForecast``.
    var isForecast = false
  }

  /// How far a refinement has come.
  package struct Progress: Sendable {
    fileprivate var histories: [History]
    /// No values for groups that never came to their first grid.
    package fileprivate(set) var outcomes: [Outcome]
  }

  /// Runs until each group has converged or the grid would exceed the limit.
  ///
  /// A first grid beyond the limit throws ``NonConvergence``.
  ///
  /// `evaluate(N, groups)` sums the grid for the groups named; `allowed(group, values, scales)`
  /// gives the largest errors each value may have.
  package func run(
    groups: Int,
    evaluate: (_ divisions: Int, _ groups: [Int]) async throws -> Level,
    allowed: (_ group: Int, _ values: [ComplexDouble], _ scales: [Double]) -> [PartErrors]
  ) async throws -> [Outcome] {
    var progress = start(groups: groups)
    try await resume(&progress, Array(0..<groups), evaluate: evaluate, allowed: allowed)
    return progress.outcomes
  }

  /// A refinement that has not begun.
  package func start(groups: Int) -> Progress {
    Progress(
      histories: (0..<groups).map { g in
        History(target: sizes.from(Int(min(1e9, resolution(g).rounded(.up)))))
      },
      outcomes: Array(
        repeating: Outcome(values: [], scales: [], errors: [], allowed: [], divisions: 0),
        count: groups))
  }

  /// ``run(groups:evaluate:allowed:)`` for some groups, from where they are, with other tolerances.
  package func resume(
    _ progress: inout Progress, _ groups: [Int],
    evaluate: (_ divisions: Int, _ groups: [Int]) async throws -> Level,
    allowed: (_ group: Int, _ values: [ComplexDouble], _ scales: [Double]) -> [PartErrors]
  ) async throws {
    try await WorkProgress.stage(name, unit: unit, of: groups.count) { stage in
      try await refine(&progress, groups, stage, evaluate: evaluate, allowed: allowed)
    }
  }

  private func refine(
    _ progress: inout Progress, _ groups: [Int], _ stage: WorkProgress.Stage?,
    evaluate: (_ divisions: Int, _ groups: [Int]) async throws -> Level,
    allowed: (_ group: Int, _ values: [ComplexDouble], _ scales: [Double]) -> [PartErrors]
  ) async throws {
    // The time for a point and a group.
    var cost = 0.0
    func assess(_ g: Int) {
      let history = progress.histories[g]
      guard !history.isForecast else { return }
      progress.outcomes[g] = outcome(
        g, &progress.histories[g], allowed(g, history.values, history.scales))
    }
    for g in groups where progress.histories[g].divisions > 0 { assess(g) }
    func isWithinLimit(_ n: Int) -> Bool { points(n) <= Double(pointLimit) }
    while true {
      let active = groups.filter {
        progress.histories[$0].target > progress.histories[$0].divisions
      }
      stage?.reach(groups.count - active.count)
      guard !active.isEmpty else { return }
      let n = shared(active.map { progress.histories[$0].target })
      guard isWithinLimit(n) else {
        if active.count == progress.histories.count,
          active.allSatisfy({ progress.histories[$0].divisions == 0 })
        {
          throw NonConvergence(
            label: "zone integral", estimate: .infinity, allowed: 0, divisions: n)
        }
        for g in active where progress.histories[g].divisions == 0 {
          progress.outcomes[g].divisions = n
        }
        return
      }
      let ready = active.filter { progress.histories[$0].target <= n }
      if let forecast = CostForecast.current, count(&progress, ready, n, cost, forecast) {
        continue
      }
      let start = ContinuousClock.now
      let level = try await evaluate(n, ready)
      cost = (start.duration(to: .now) / .seconds(1)) / (points(n) * Double(20 + ready.count))
      for (position, g) in ready.enumerated() {
        let (old, values) = (progress.histories[g], level.values[position])
        progress.histories[g].values = values
        progress.histories[g].scales = level.scales[position]
        progress.histories[g].rounding = level.rounding[position]
        progress.histories[g].divisions = n
        if old.divisions > 0 {
          progress.histories[g].steps.append(
            (old.divisions, zip(values, old.values).map { $0 - $1 }))
        }
        assess(g)
      }
    }
  }

  private var dimension: Int { sizes.dimension }

  private func points(_ divisions: Int) -> Double {
    (0..<dimension).reduce(1.0) { p, _ in p * Double(divisions) }
  }

  /// Counts a grid that would take long, with those after it, as done; or does nothing.
  private func count(
    _ progress: inout Progress, _ ready: [Int], _ n: Int, _ cost: Double, _ forecast: CostForecast
  ) -> Bool {
    let isRateKnown = ready.allSatisfy { progress.histories[$0].steps.count > 1 }
    func seconds(_ divisions: [Int]) -> Double {
      let each = divisions.map { min(points($0), Double(pointLimit)) }
      return cost * (20 * each.max()! + each.reduce(0, +))
    }
    guard
      seconds(ready.map { _ in n }) > CostForecast.longest(isRateKnown: isRateKnown)
    else { return false }
    let next = seconds(ready.map { _ in n })
    let last = ready.map { max(n, progress.histories[$0].expected) }
    forecast.add(least: next, most: last.max()! > n ? next + seconds(last) : next)
    WorkProgress.note(
      "\(name): grids up to \(last.max()!)^\(dimension) counted, \(significant(forecast.seconds.least)) to \(significant(forecast.seconds.most)) s so far"
    )
    for g in ready {
      progress.histories[g].divisions = n
      progress.histories[g].target = n
      progress.histories[g].isForecast = true
      let zero = PartErrors(0)
      progress.outcomes[g].errors = progress.outcomes[g].values.map { _ in zero }
      progress.outcomes[g].allowed = progress.outcomes[g].errors
    }
    return true
  }

  /// In one dimension few wave vectors k_0 decide, and the errors of successive grids may be small together by the phase
  /// N k_0; in more, surfaces of them average it out.
  private var caution: Double { dimension == 1 ? 3 : 1 }

  /// What is known of a group; and the next grid that it needs, the last one if it has converged.
  private func outcome(_ g: Int, _ history: inout History, _ limits: [PartErrors]) -> Outcome {
    let (values, rounding, n) = (history.values, history.rounding, history.divisions)
    guard history.steps.count > 1 else {
      let unknown = PartErrors(.infinity)
      history.target = sizes.near(
        n + (history.steps.isEmpty ? n / 2 : max(1, n / 5)))
      // Three grids are the least.
      history.expected = sizes.near(history.steps.isEmpty ? 2 * n : n + n / 5)
      return Outcome(
        values: values, scales: history.scales, rounding: rounding,
        errors: values.map { _ in unknown },
        allowed: limits, divisions: n)
    }
    let rate = slowestRate(history.steps, rounding)
    let (before, after) = (history.steps[history.steps.count - 2], history.steps.last!)
    let coarser = after.divisions
    // Where d falls slowly, its phase counts: it may be small where the error is not.
    let believed = min(rate / 2, certainRate(g, from: coarser, to: n))
    let decay = Double.exp(-believed * Double(n - coarser))
    let gain = caution * 2 * (1 + 2 * decay * decay) * decay
    let slow = min(0.75 * rate, certainRate(g, from: before.divisions, to: n))
    let guarded = caution * 2 * Double.exp(-slow * Double(n - before.divisions))
    let errors = values.indices.map { q in
      func bound(_ part: (ComplexDouble) -> Double) -> Double {
        max(
          abs(part(after.differences[q])) * gain, abs(part(before.differences[q])) * guarded)
      }
      return PartErrors(real: bound(\.real), imaginary: bound(\.imaginary))
    }
    let outcome = Outcome(
      values: values, scales: history.scales, rounding: rounding,
      errors: zip(errors, rounding).map {
        PartErrors(real: $0.real + $1, imaginary: $0.imaginary + $1)
      }, allowed: limits, divisions: n)
    let worst =
      values.indices.filter { !outcome.hasConverged($0) }.map { q in
        max(
          errors[q].real / max(limits[q].real - rounding[q], rounding[q]),
          errors[q].imaginary / max(limits[q].imaginary - rounding[q], rounding[q]))
      }.max() ?? 0
    guard worst > 1 else {
      history.target = n
      return outcome
    }
    // The next difference is the error of this grid, smaller than this one by exp(-c dN); see how
    // far its estimate must fall.
    let missing = Double.log(worst) - (rate - believed) * Double(n - coarser)
    let wanted = believed > 0 && missing.isFinite ? missing / believed : Double(n)
    // In three dimensions a grid that is finer than needed costs more than one that is too coarse.
    let longest = Double(dimension < 3 ? n : n / 2)
    history.target = sizes.near(
      n + max(max(1, n / 5), Int(min(wanted, longest).rounded(.up))))
    history.expected = sizes.near(n + Int(min(wanted, 1e6).rounded(.up)))
    return outcome
  }

  /// c_0 between grids of N and of M points.
  private func certainRate(_ group: Int, from n: Int, to m: Int) -> Double {
    decays.isEmpty ? 1 / resolution(group) : decays[group].rate(from: n, to: m)
  }

  /// 1/c_0 of a group.
  private func resolution(_ group: Int) -> Double {
    if !decays.isEmpty { return max(resolution, decays[group].resolution) }
    return resolutions.isEmpty ? resolution : max(resolution, resolutions[group])
  }

  /// The next grid for groups that need these divisions: some share one that is finer than they need,
  /// where that is the cheapest way to serve all. The points of a grid and what is the same for all
  /// groups cost as much as 20 groups.
  private func shared(_ targets: [Int]) -> Int {
    let sizes = Set(targets).sorted()
    // The least cost of all beyond the first so many sizes, and the largest of those served first.
    var least = [Double](repeating: 0, count: sizes.count + 1)
    var first = 0
    for start in sizes.indices.reversed() {
      least[start] = .infinity
      var groups = 20
      for end in start..<sizes.count {
        groups += targets.count { $0 == sizes[end] }
        let points = (0..<dimension).reduce(1.0) { n, _ in n * Double(sizes[end]) }
        let cost = points * Double(groups) + least[end + 1]
        if cost < least[start] { (least[start], first) = (cost, sizes[end]) }
      }
    }
    return first
  }

  /// The smallest c of a group with d = exp(-c N) for the last difference, each compared with the one
  /// before it that gives the largest c, since one of them may be small by accident; quantities at
  /// rounding do not count.
  private func slowestRate(
    _ steps: [(divisions: Int, differences: [ComplexDouble])], _ rounding: [Double]
  ) -> Double {
    let last = steps.last!
    var rate = 1.0
    for q in rounding.indices {
      let floor = rounding[q] / 10
      let after = max(last.differences[q].length, floor)
      let own = steps.dropLast().filter { $0.differences[q].length > 100 * floor }.map {
        Double.log($0.differences[q].length / after) / Double(last.divisions - $0.divisions)
      }.max()
      if let own { rate = min(rate, own) }
    }
    return max(0, rate)
  }
}
