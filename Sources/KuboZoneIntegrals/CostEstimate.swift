// SPDX-License-Identifier: GPL-3.0-or-later
import KuboWork

/// The wall time that a spectrum will take, from runs with a few of its frequencies in which fine grids are not summed
/// but counted (`CostForecast`).
///
/// With t(n) the time for n frequencies spread over the axis, measured and counted, for n = 1, 8, 64, ... (with impurities 1, 4, 16, ...)
/// as long as that takes a second, and m < n the last two,
///
///     t(N) = t(n) + (N - n) [t(n) - t(m)]/(n - m).
///
/// Units: seconds. Accuracy: a factor of about 2 beyond either end (docs/benchmarks.md). It costs a second or so; with impurities at small tolerances, where one frequency takes longer, as much as five of them.
public struct CostEstimate: Sendable, Equatable {
  /// Seconds that the whole would take on as many threads, at least and at most but for a factor of 2 or so, and seconds that
  /// the estimate took. The two differ where fine grids are needed, as in three dimensions.
  public let least, most, spent: Double
  /// How many frequencies the last run had, and how many there are.
  public let tried, count: Int

  /// The extrapolation to `count` frequencies from `runs`, of n frequencies in so many seconds at least and at most.
  package init(runs: [(n: Int, least: Double, most: Double)], spent: Double, count: Int) {
    let last = runs.last ?? (0, 0, 0)
    let before = runs.dropLast().last ?? (0, 0, 0)
    func whole(_ a: Double, _ b: Double) -> Double {
      let each = last.n > before.n ? max(0, b - a) / Double(last.n - before.n) : 0
      return b + each * Double(max(0, count - last.n))
    }
    least = whole(before.least, last.least)
    most = max(least, whole(before.most, last.most))
    self.spent = spent
    (tried, self.count) = (last.n, count)
  }

  /// Spectra on one axis, one after the other.
  package init(_ parts: [CostEstimate]) {
    least = parts.reduce(0) { $0 + $1.least }
    most = parts.reduce(0) { $0 + $1.most }
    spent = parts.reduce(0) { $0 + $1.spent }
    tried = parts.map(\.tried).min() ?? 0
    count = parts.map(\.count).min() ?? 0
  }
}

extension CostEstimate {
  /// The estimate for `omegas`, at each of more runs `factor` times as many of which are given to `run`.
  /// - Throws: what `run` throws.
  package init(
    _ omegas: [Double], factor: Int, _ run: (_ omegas: [Double]) async throws -> Void
  ) async throws {
    let count = omegas.count
    let clock = ContinuousClock()
    // In the middle of equal parts, whose costs may differ.
    func sample(_ n: Int) -> [Double] { (0..<n).map { omegas[(2 * $0 + 1) * count / (2 * n)] } }
    /// Seconds of a run with n frequencies, and of those what it took itself.
    func time(_ n: Int) async throws -> (least: Double, most: Double, own: Double) {
      let forecast = CostForecast()
      let own =
        try await clock.measure {
          try await CostForecast.$current.withValue(forecast) { try await run(sample(n)) }
        } / .seconds(1)
      return (own + forecast.seconds.least, own + forecast.seconds.most, own)
    }
    var runs: [(n: Int, least: Double, most: Double)] = []
    var (n, spent) = (1, 0.0)
    while n <= count, count > 0 {
      var run = try await time(n)
      spent += run.own
      if runs.isEmpty, run.own < 0.3 {
        // What is done once in the life of a program does not count.
        let again = try await time(n)
        spent += again.own
        if again.own < run.own { run = again }
      }
      runs.append((n, run.least, run.most))
      WorkProgress.note(
        "estimate: \(n) frequencies in \(significant(run.least)) to \(significant(run.most)) s, \(significant(run.own)) s of which were spent"
      )
      if n == count || runs.count > 1 && spent + 2 * run.own > 1 { break }
      n = min(count, factor * n)
    }
    self.init(runs: runs, spent: spent, count: count)
  }
}
