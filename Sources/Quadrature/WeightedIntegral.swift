// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// Adaptive integration of weight(x) g(x) for a vector g that is smooth but costly, and a cheap
/// weight that may vary much faster.
///
/// On each interval g is interpolated by Chebyshev polynomials through n = 9, 17, 33, 65 extrema,
/// each set with all points of the one before, and the polynomials are integrated with the weight by
/// Gauss rules,
///
///     g(x) ~ sum_k c_k T_k(t),    int weight g dx = sum_k c_k m_k,    m_k = int weight T_k dx
///
/// What is left out is smaller than the last coefficients. The error estimate is
/// int |weight| dx times the sum of the moduli of the last quarter of them; should the step before
/// have shown its own estimate to be too small by some factor, that factor is applied. Coefficients
/// that known errors of g explain do not make it refine, and only the largest counts.
/// Intervals that do not converge are halved.
public struct WeightedIntegral: Sendable {
  /// The integrals. Of components that are magnitudes, int |weight| |g| dx.
  public let values: [Double]
  /// The error estimates; 0 for magnitudes.
  public let errors: [Double]

  /// What a component of g is.
  public enum Component: Sendable {
    /// To be interpolated. The magnitude with the number `noise` bounds its errors, whose effect on the
    /// integral is that magnitude's integral.
    case value(noise: Int?)
    /// Not interpolated, but summed with |weight|, such as an error bound.
    case magnitude
  }

  private static let sizes = [9, 17, 33, 65]

  /// What all intervals share.
  private struct Problem {
    let components: [Component]
    let firstStage: Int
    let weight: (Double) -> Double
    let breaks: [Double]
  }

  private struct Piece: IntegrationPiece {
    let problem: Problem
    let a, b: Double
    var stage: Int
    /// The weights m_k up to the largest size, and int |weight| dx.
    let moments: [Double]
    let total: Double
    /// g at the extrema, ascending.
    var y: [[Double]] = []
    var values: [Double] = []
    var errors: [Double] = []
    var hidden: [Double] = []
    /// The estimates with half as many points.
    var before: [Double]?

    init(_ problem: Problem, _ a: Double, _ b: Double) {
      self.problem = problem
      self.a = a
      self.b = b
      stage = problem.firstStage
      (moments, total) = WeightedIntegral.moments(problem.weight, a, b, problem.breaks)
    }

    private var size: Int { WeightedIntegral.sizes[stage] }

    /// The points that the stage adds.
    func points() -> [Double] {
      (0..<size).filter { y.isEmpty || $0 % 2 == 1 }.map { position($0) }
    }

    private func position(_ n: Int) -> Double {
      // The ends exactly.
      if n == 0 { return a }
      if n == size - 1 { return b }
      return (a + b) / 2 - (b - a) / 2 * Double.cos(.pi * Double(n) / Double(size - 1))
    }

    mutating func take(_ new: ArraySlice<[Double]>) {
      if y.isEmpty {
        y = Array(new)
      } else {
        var merged: [[Double]] = []
        for (old, next) in zip(y, new) { merged += [old, next] }
        y = merged + [y.last!]
      }
      let (last, estimates) = (values, errors)
      (values, errors, hidden) = sums(size)
      // The estimates from every other point, if the integral begins here.
      let (old, claimed, _) = last.isEmpty ? sums((size + 1) / 2) : (last, estimates, [])
      for c in values.indices {
        guard case .value(let noise) = problem.components[c] else { continue }
        let known = claimed[c] + (noise.map { values[$0] + old[$0] } ?? 0)
        if known > 0 { errors[c] *= max(1, abs(values[c] - old[c]) / known) }
      }
      before = claimed
    }

    func refined(_ open: [Int], _ shares: [Double]) -> [Piece] {
      if convergesSoon(open, shares) {
        var longer = self
        longer.stage += 1
        return [longer]
      }
      let middle = (a + b) / 2
      return [Piece(problem, a, middle), Piece(problem, middle, b)]
    }

    /// Whether the next stage, with the same gain in digits per point as the last one, or one more
    /// stage is enough.
    private func convergesSoon(_ open: [Int], _ shares: [Double]) -> Bool {
      guard stage + 1 < WeightedIntegral.sizes.count else { return false }
      guard stage > 0, let coarse = before else { return true }
      return open.allSatisfy { c in
        let gain = min(1, errors[c] / coarse[c])
        return errors[c] * gain * gain <= shares[c] || errors[c] <= shares[c]
      }
    }

    /// The integrals and error estimates from `count` of the values.
    private func sums(_ count: Int) -> (values: [Double], errors: [Double], hidden: [Double]) {
      let n = count - 1
      let stride = (size - 1) / n
      // c_k = (2/n) sum'' y_j T_k(t_j), t_j = -cos(pi j/n), the first and last term halved.
      let cosines = (0..<(2 * n)).map { Double.cos(.pi * Double($0) / Double(n)) }
      var values = [Double](repeating: 0, count: y[0].count)
      var (errors, hidden) = (values, values)
      // The weight of each point: sum_k m_k dc_k/dy_j.
      var weights = [Double](repeating: 0, count: count)
      for j in 0...n {
        for k in 0...n {
          let t = cosines[(n - j) * k % (2 * n)]
          weights[j] += moments[k] * t * (k == 0 || k == n ? 0.5 : 1)
        }
        weights[j] *= 2 / Double(n) * (j == 0 || j == n ? 0.5 : 1)
      }
      for c in values.indices {
        guard case .value(let noise) = problem.components[c] else {
          for j in 0...n { values[c] += abs(weights[j] * y[j * stride][c]) }
          continue
        }
        // How large a coefficient the errors of the points can make.
        var floor = 0.0
        if let noise {
          for j in 0...n { floor += abs(y[j * stride][noise]) * (j == 0 || j == n ? 0.5 : 1) }
          floor *= 2 / Double(n)
        }
        for j in 0...n { values[c] += weights[j] * y[j * stride][c] }
        // What g itself may have below that: the largest of them stands for the rest of its series.
        // More points would not tell.
        var largest = 0.0
        for k in (n - n / 4 + 1)...n {
          var coefficient = 0.0
          for j in 0...n {
            coefficient +=
              cosines[(n - j) * k % (2 * n)] * y[j * stride][c] * (j == 0 || j == n ? 0.5 : 1)
          }
          let size = abs(coefficient) * 2 / Double(n) * (k == n ? 0.5 : 1)
          errors[c] += max(0, size - floor)
          largest = max(largest, min(size, floor))
        }
        errors[c] *= total
        hidden[c] = largest * total
      }
      return (values, errors, hidden)
    }
  }

  /// The integral over the `intervals`, which share no points, each begun with 9 points at
  /// `firstStage` 0, 17 at 1, ....
  ///
  ///     values[c] = int w(x) g_c(x) dx
  ///
  /// in units of w, g and x multiplied; g by Chebyshev interpolation, w by Gauss rules, see
  /// docs/energy-integrals.md. `weight` is smooth between `breaks`. `g` is given many points at once, all ends among them.
  /// `allowed(values)` gives the largest error of each component.
  /// - Throws: ``QuadratureError`` after `limit` intervals, and whatever `g` throws.
  public init(
    intervals: [(a: Double, b: Double)], breaks: [Double] = [], components: [Component],
    firstStage: Int = 1, limit: Int = 400, weight: @escaping (Double) -> Double,
    allowed: ([Double]) -> [Double],
    _ g: ([Double]) async throws -> [[Double]]
  ) async throws {
    let problem = Problem(
      components: components, firstStage: firstStage, weight: weight, breaks: breaks)
    (values, errors) = try await integrated(
      intervals.map { Piece(problem, $0.a, $0.b) }, limit: limit, allowed: allowed, g)
  }

  /// m_k and int |weight| dx on [a, b]: a Gauss rule of 64 points, exact for all T_k, between breaks.
  private static func moments(
    _ weight: (Double) -> Double, _ a: Double, _ b: Double, _ breaks: [Double]
  ) -> ([Double], Double) {
    var moments = [Double](repeating: 0, count: sizes.last!)
    var total = 0.0
    let cuts = [a] + breaks.filter { $0 > a && $0 < b }.sorted() + [b]
    for (low, high) in zip(cuts, cuts.dropFirst()) {
      for node in rule {
        let x = low + (high - low) * node.t
        let w = weight(x) * node.w * (high - low)
        total += abs(w)
        let t = (2 * x - a - b) / (b - a)
        var (last, now) = (1.0, t)
        moments[0] += w
        for k in 1..<moments.count {
          moments[k] += w * now
          (last, now) = (now, 2 * t * now - last)
        }
      }
    }
    return (moments, total)
  }

  // GSL has this rule in a table; those that it computes are good to 1e-10 only.
  private static let rule = GaussRule.unitInterval(64)
}
