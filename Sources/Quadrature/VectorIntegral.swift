// SPDX-License-Identifier: GPL-3.0-or-later

/// Adaptive integration of a function with many components that is costly to evaluate.
///
/// GSL's adaptive routines take scalars and would evaluate the function once per component. Here an
/// interval is integrated with GSL's nested rules of 10 and 21 points in one go; their difference and the
/// coefficients of Legendre's polynomials bound the error of each component. Intervals
/// whose error is too large go on to the rules of 43 and 87 points, which keep all the points so
/// far and converge fast where the function is smooth, and are then halved.
public struct VectorIntegral: Sendable {
  /// The integrals.
  public let values: [Double]
  /// The error estimates.
  public let errors: [Double]

  private struct Piece: IntegrationPiece {
    let a, b: Double
    var stage = 0
    /// The function at the points so far.
    var y: [[Double]] = []
    var values: [Double] = []
    var errors: [Double] = []
    var hidden: [Double] { Array(repeating: 0, count: errors.count) }

    func points() -> [Double] { PattersonRule.shared.points(stage, a, b) }

    func refined(_ open: [Int], _ shares: [Double]) -> [Piece] {
      if stage + 1 < PattersonRule.stages {
        var longer = self
        longer.stage += 1
        return [longer]
      }
      let middle = (a + b) / 2
      return [Piece(a: a, b: middle), Piece(a: middle, b: b)]
    }

    mutating func take(_ new: ArraySlice<[Double]>) {
      y += new
      (values, errors) = PattersonRule.shared.integral(stage, y, a, b)
    }
  }

  /// The integral of `f` over the intervals between neighbouring `ends`:
  ///
  ///     values[c] = int f_c(x) dx,   errors[c] = sum over intervals of max(|I - I'|/4, 10 (c_n^2 + c_(n+1)^2)/int |f_c - mean|)
  ///
  /// with the finer and the coarser rule I, I' and Legendre's coefficients c_n of f_c, n = 14, 30 or 62, in units of f times those of x.
  /// `f` is given many points at once. `allowed(values)` gives the largest error of each component.
  /// - Throws: ``QuadratureError`` after `limit` intervals, and whatever `f` throws.
  public init(
    ends: [Double], limit: Int = 400, allowed: ([Double]) -> [Double],
    _ f: ([Double]) async throws -> [[Double]]
  ) async throws {
    (values, errors) = try await integrated(
      zip(ends, ends.dropFirst()).map { Piece(a: $0, b: $1) }, limit: limit, allowed: allowed, f)
  }
}
