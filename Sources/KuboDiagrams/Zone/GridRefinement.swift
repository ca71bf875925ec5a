// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// A number with its error estimate.
public struct Estimate: Sendable, Equatable {
  /// The value.
  public var value: ComplexDouble
  /// A bound on |exact - value|.
  public var error: Double
}

/// Why an integral was given up.
public struct NonConvergence: Error, Sendable, Equatable, CustomStringConvertible {
  /// The frequency, or whatever labels the integral, as in `omega = 0.3`.
  public let label: String
  /// The estimate reached, the tolerance asked for, and the grid divisions tried last.
  public let estimate, allowed: Double
  /// Grid points along each reciprocal vector in the last grid.
  public let divisions: Int

  /// One line for a message.
  public var description: String {
    "\(label): the zone integral did not converge: error estimate \(short(estimate)), allowed \(short(allowed)), "
      + "with \(divisions) points along each reciprocal vector, the last grid within the limit"
  }
}

func short(_ x: Double) -> String {
  guard x.isFinite, x != 0 else { return "\(x)" }
  let exponent = Int(Double.log10(abs(x)).rounded(.down))
  let mantissa = (x / Double.pow(10, exponent) * 100).rounded() / 100
  return exponent >= -3 && exponent < 4 ? "\(mantissa * Double.pow(10, exponent))" : "\(mantissa)e\(exponent)"
}

/// Sums over ever finer grids, until every quantity of every group meets its tolerance.
///
/// The error of a periodic sum with N points a direction falls as exp(-c N), so with the
/// differences d_m = |I_m - I_(m-1)| of successive grids the error of I_(m-1) is about d_m, and
/// that of I_m smaller by exp(-c (N_m - N_(m-1))). The rate c is measured, as the slowest over a
/// group, and *half* of it is believed. A difference that vanishes by accident is guarded against
/// by the difference before it: I_m is never trusted beyond d_(m-1)^2 / scale, which is what two
/// grids whose N grows by less than a factor of two can reach.
struct GridRefinement: Sendable {
  /// The first grid; large enough to see the sharpest feature (see ``Model/energySlope``).
  var start: Int
  var dimension: Int
  /// The most points a grid may have.
  var pointLimit: Int = 4_000_000

  /// What one grid gives for the active groups, in their order: values and scales.
  struct Level: Sendable {
    var values: [[ComplexDouble]]
    /// The sum of the absolute contributions to each value.
    var scales: [[Double]]
  }

  struct Outcome: Sendable {
    var estimates: [Estimate]
    var scales: [Double]
    /// Set if a quantity missed its tolerance: the worst one.
    var failure: (quantity: Int, allowed: Double)?
    var divisions: Int
  }

  /// Runs until each group has converged or the grid would exceed the limit.
  ///
  /// `evaluate(N, groups)` sums the grid for the groups named; `allowed(group, values, scales)`
  /// gives the largest error each value may have.
  func run(
    groups: Int,
    evaluate: (_ divisions: Int, _ groups: [Int]) async throws -> Level,
    allowed: (_ group: Int, _ values: [ComplexDouble], _ scales: [Double]) -> [Double]
  ) async throws -> [Outcome] {
    struct History {
      var values: [ComplexDouble] = []
      var differences: [Double] = []
      var estimates: [Double] = []
    }
    var histories = [History](repeating: History(), count: groups)
    var outcomes = [Outcome?](repeating: nil, count: groups)
    var active = Array(0..<groups)
    var n = max(4, start)
    var steps: [Int] = []  // the divisions so far
    while !active.isEmpty {
      let level = try await evaluate(n, active)
      steps.append(n)
      var next = n + max(1, n / 5)
      var still: [Int] = []
      for (position, g) in active.enumerated() {
        let values = level.values[position]
        let scales = level.scales[position]
        let old = histories[g]
        var new = History(values: values)
        var missing = 0.0  // ln of the worst ratio of expected error to allowance
        if !old.values.isEmpty {
          new.differences = values.indices.map { (values[$0] - old.values[$0]).length }
        }
        guard !old.differences.isEmpty else {
          histories[g] = new
          still.append(g)
          next = max(next, n + n / 2)
          continue
        }
        let (n0, n1) = (steps[steps.count - 3], steps[steps.count - 2])
        // The slowest rate over the group, in units of each quantity's scale.
        var rate = Double.infinity
        for q in values.indices where scales[q] > 0 {
          let floor = 1e-15 * scales[q]
          let (before, after) = (old.differences[q], new.differences[q])
          if before > 100 * floor {
            rate = min(rate, Double.log(before / max(after, floor)) / Double(n1 - n0))
          }
        }
        rate = max(0, rate == .infinity ? 1 : rate)
        let gain = Double.exp(-rate * Double(n - n1) / 2)
        new.estimates = values.indices.map { q in
          let s = scales[q]
          let guarded = s > 0 ? min(old.differences[q], old.differences[q] * old.differences[q] / s) : 0
          return max(new.differences[q] * gain, guarded) + 1e-14 * s
        }
        let limits = allowed(g, values, scales)
        var worst = (ratio: 0.0, quantity: 0)
        for q in values.indices where new.estimates[q] != 0 {
          let ratio = new.estimates[q] / limits[q]
          if !(ratio <= worst.ratio) { worst = (ratio, q) }
        }
        outcomes[g] = Outcome(
          estimates: values.indices.map { Estimate(value: values[$0], error: new.estimates[$0]) },
          scales: scales, failure: worst.ratio <= 1 ? nil : (worst.quantity, limits[worst.quantity]),
          divisions: n)
        histories[g] = new
        if worst.ratio > 1 || worst.ratio.isNaN {
          still.append(g)
          missing = max(missing, Double.log(worst.ratio) - rate * Double(n - n1) / 2)
          let wanted = rate > 0 && missing.isFinite ? 2 * missing / rate : Double(n)
          next = max(next, n + Int(min(wanted, Double(n)).rounded(.up)))
        }
      }
      active = still
      let points = (0..<dimension).reduce(1.0) { p, _ in p * Double(next) }
      if points > Double(pointLimit) { break }
      n = next
    }
    return outcomes.enumerated().map { g, outcome in
      outcome
        ?? Outcome(
          estimates: histories[g].values.map { Estimate(value: $0, error: .infinity) },
          scales: [], failure: (0, 0), divisions: n)
    }
  }
}
