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
    if estimate == .infinity {
      return
        "\(label): the zone integral needs more than \(divisions) points along each reciprocal vector, "
        + "which is beyond the limit; a larger lifetime parameter, temperature or J would do"
    }
    return
      "\(label): the zone integral did not converge: error estimate \(significant(estimate)), allowed \(significant(allowed)), "
      + "with \(divisions) points along each reciprocal vector, the last grid within the limit"
  }
}

/// Sums over ever finer grids, until every quantity of every group meets its tolerance.
///
/// The error of a periodic sum with N points a direction falls as exp(-c N), so with the
/// differences d_m = |I_m - I_(m-1)| of successive grids the error of I_(m-1) is about d_m, and
/// that of I_m smaller by exp(-c (N_m - N_(m-1))). The rate c is measured twice, as the slowest over
/// a group in each of the last two steps, and only part of the smaller one is believed, and no more
/// than what the strip of analyticity guarantees, c_0 (a small term of slow decay can hide below a
/// large one of fast decay):
///
///     error of I_m  <=  2 max{ d_m     exp(-min(c/2, c_0) (N_m - N_(m-1))),
///                              d_(m-1) exp(-min(3c/4, c_0) (N_m - N_(m-2))) } + rounding
///
/// for the real and the imaginary part each. A quantity whose differences have sunk to rounding is
/// not refined further; if rounding exceeds its tolerance, it has not converged; the second term guards against a difference d_m that
/// is small by accident. All N are multiples of 12, so that every grid holds the same points of
/// high symmetry: where a band edge sits on one, grids with and without it converge differently.
package struct GridRefinement: Sendable {
  /// 1/c_0: the inverse of the half-width of the strip of reduced wave vectors in which the summand
  /// is analytic, ``Model/energySlope`` over the width of the sharpest feature in energy. A grid
  /// with fewer points cannot see that feature and must not be trusted, so it is also the first.
  var resolution: Double
  var dimension: Int
  /// The same for single groups that need finer grids, if not empty.
  var resolutions: [Double] = []
  /// The most points a grid may have.
  var pointLimit: Int = 100_000_000

  /// What one grid gives for the active groups, in their order: values and scales.
  struct Level: Sendable {
    var values: [[ComplexDouble]]
    /// The sum of the absolute contributions to each value.
    var scales: [[Double]]
    /// A bound on the rounding error of each value.
    var rounding: [[Double]]
  }

  struct Outcome: Sendable {
    var values: [ComplexDouble]
    var scales: [Double]
    /// Error bounds of the real and of the imaginary part.
    var errors: [PartErrors]
    /// What was allowed.
    var allowed: [PartErrors]
    var divisions: Int

    /// No values, after a grid of `divisions` points along each reciprocal vector.
    static func failed(outputs: Int, divisions: Int) -> Outcome {
      let unknown = PartErrors(real: .infinity, imaginary: .infinity)
      return Outcome(
        values: Array(repeating: .zero, count: outputs),
        scales: Array(repeating: 0, count: outputs),
        errors: Array(repeating: unknown, count: outputs),
        allowed: Array(repeating: PartErrors(real: 0, imaginary: 0), count: outputs),
        divisions: divisions)
    }

    /// The values with one bound for both parts.
    var estimates: [Estimate] {
      zip(values, errors).map { Estimate(value: $0, error: max($1.real, $1.imaginary)) }
    }

    /// The first quantity that missed its tolerance.
    var failure: Int? { values.indices.first { !hasConverged($0) } }

    func hasConverged(_ q: Int) -> Bool {
      errors[q].real <= allowed[q].real && errors[q].imaginary <= allowed[q].imaginary
    }

    /// Estimate and allowance of the part that is worse off.
    func worst(_ q: Int) -> (estimate: Double, allowed: Double) {
      errors[q].real * allowed[q].imaginary > errors[q].imaginary * allowed[q].real
        ? (errors[q].real, allowed[q].real) : (errors[q].imaginary, allowed[q].imaginary)
    }
  }

  private struct History {
    var values: [ComplexDouble] = []
    var differences: [ComplexDouble] = []
    var rate = 0.0
    /// The last two grids.
    var divisions: [Int] = []
  }

  /// Runs until each group has converged or the grid would exceed the limit.
  ///
  /// A first grid beyond the limit throws ``NonConvergence``.
  ///
  /// `evaluate(N, groups)` sums the grid for the groups named; `allowed(group, values, scales)`
  /// gives the largest errors each value may have.
  func run(
    groups: Int,
    evaluate: (_ divisions: Int, _ groups: [Int]) async throws -> Level,
    allowed: (_ group: Int, _ values: [ComplexDouble], _ scales: [Double]) -> [PartErrors]
  ) async throws -> [Outcome] {
    var histories = [History](repeating: History(), count: groups)
    var outcomes = [Outcome?](repeating: nil, count: groups)
    var active = Array(0..<groups)
    let first = (0..<groups).map { g in
      let own = resolutions.isEmpty ? resolution : max(resolution, resolutions[g])
      return GridRefinement.rounded(Int(min(1e9, own.rounded(.up))))
    }
    guard var n = first.min() else { return [] }
    func isWithinLimit(_ n: Int) -> Bool {
      (0..<dimension).reduce(1.0) { p, _ in p * Double(n) } <= Double(pointLimit)
    }
    guard isWithinLimit(n) else {
      throw NonConvergence(label: "zone integral", estimate: .infinity, allowed: 0, divisions: n)
    }
    while !active.isEmpty {
      let ready = active.filter { first[$0] <= n }
      let level = try await evaluate(n, ready)
      var next = n + max(1, n / 5)
      var still: [Int] = []
      for (position, g) in ready.enumerated() {
        let values = level.values[position]
        let scales = level.scales[position]
        let rounding = level.rounding[position]
        let old = histories[g]
        histories[g] = History(values: values, divisions: old.divisions.suffix(1) + [n])
        histories[g].differences = zip(values, old.values).map { $0 - $1 }
        let differences = histories[g].differences
        let limits = allowed(g, values, scales)
        guard !old.differences.isEmpty else {
          let unknown = PartErrors(real: .infinity, imaginary: .infinity)
          outcomes[g] = Outcome(
            values: values, scales: scales, errors: values.map { _ in unknown }, allowed: limits,
            divisions: n)
          still.append(g)
          next = max(next, n + n / 2)
          continue
        }
        let (n0, n1) = (old.divisions[0], old.divisions[1])
        let resolution = resolutions.isEmpty ? resolution : max(resolution, resolutions[g])
        histories[g].rate = slowestRate(
          old.differences, differences, rounding, over: n1 - n0)
        let rate = min(old.rate, histories[g].rate)
        let believed = min(rate / 2, 1 / resolution)
        let gain = 2 * Double.exp(-believed * Double(n - n1))
        let guarded = 2 * Double.exp(-min(0.75 * rate, 1 / resolution) * Double(n - n0))
        let errors = values.indices.map { q in
          func bound(_ part: (ComplexDouble) -> Double) -> Double {
            max(abs(part(differences[q])) * gain, abs(part(old.differences[q])) * guarded)
          }
          return PartErrors(real: bound(\.real), imaginary: bound(\.imaginary))
        }
        let total = zip(errors, rounding).map {
          PartErrors(real: $0.real + $1, imaginary: $0.imaginary + $1)
        }
        let outcome = Outcome(
          values: values, scales: scales, errors: total, allowed: limits, divisions: n)
        outcomes[g] = outcome
        let ratios = values.indices.filter { !outcome.hasConverged($0) }.map { q in
          max(
            errors[q].real / max(limits[q].real - rounding[q], rounding[q]),
            errors[q].imaginary / max(limits[q].imaginary - rounding[q], rounding[q]))
        }.filter { $0 > 1 }
        guard let worst = ratios.max() else { continue }
        still.append(g)
        // The next difference is the error of this grid, smaller than this one by exp(-c dN); see
        // how far its estimate must fall.
        let missing = Double.log(worst) - (rate - believed) * Double(n - n1)
        let wanted = believed > 0 && missing.isFinite ? missing / believed : Double(n)
        next = max(next, n + Int(min(wanted, Double(n)).rounded(.up)))
      }
      let waiting = active.filter { first[$0] > n }
      active = still + waiting
      if still.isEmpty, let soonest = waiting.map({ first[$0] }).min() { next = soonest }
      n = GridRefinement.rounded(next)
      guard isWithinLimit(n) else { break }
    }
    // Groups that never came to their first grid.
    return outcomes.map {
      $0 ?? Outcome(values: [], scales: [], errors: [], allowed: [], divisions: n)
    }
  }

  /// The multiple of 12 at or above `n`.
  private static func rounded(_ n: Int) -> Int { max(1, (n + 11) / 12) * 12 }

  /// The smallest c of a group with d_m/d_(m-1) = exp(-c dN); quantities at rounding do not count.
  private func slowestRate(
    _ before: [ComplexDouble], _ after: [ComplexDouble], _ rounding: [Double], over steps: Int
  ) -> Double {
    var rate = 1.0
    for q in before.indices {
      let floor = rounding[q] / 10
      guard before[q].length > 100 * floor else { continue }
      rate = min(rate, Double.log(before[q].length / max(after[q].length, floor)) / Double(steps))
    }
    return max(0, rate)
  }
}

/// Error bounds, or allowances, of the real and of the imaginary part of a number.
struct PartErrors: Sendable, Equatable {
  var real, imaginary: Double
}
