// SPDX-License-Identifier: GPL-3.0-or-later
/// Adaptive integration of a function with many components that is costly to evaluate.
///
/// GSL's adaptive routines take scalars and would evaluate the function once per component. Here
/// an interval is integrated with GSL's nested rules of 10 and 21 points in one go; the difference
/// is the error estimate of each component, far larger than the error of the 21-point value, and
/// the interval with the worst component, measured in units of what is allowed, is halved until all
/// components meet their tolerance.
public struct VectorIntegral: Sendable {
  /// The integrals.
  public let values: [Double]
  /// The error estimates.
  public let errors: [Double]

  /// The integral of `f` over the intervals between neighbouring `ends`.
  ///
  /// `f` is given many points at once. `allowed(values)` gives the largest error
  /// of each component.
  /// - Throws: ``QuadratureError`` after `limit` intervals, and whatever `f` throws.
  public init(
    ends: [Double], limit: Int = 400, allowed: ([Double]) -> [Double],
    _ f: ([Double]) async throws -> [[Double]]
  ) async throws {
    let rule = GaussKronrodRule.rule21
    struct Piece {
      let a, b: Double
      let values, errors: [Double]
    }
    func integrated(_ ends: [Double]) async throws -> [Piece] {
      let spans = Array(zip(ends, ends.dropFirst()))
      let y = try await f(spans.flatMap { rule.points($0, $1) })
      return spans.enumerated().map { n, span in
        let own = y[(n * rule.nodes.count)..<((n + 1) * rule.nodes.count)]
        let (high, low) = rule.sums(own, span.0, span.1)
        return Piece(
          a: span.0, b: span.1, values: high, errors: zip(low, high).map { abs($0 - $1) })
      }
    }
    var pieces = try await integrated(ends)
    while true {
      let count = pieces[0].values.count
      let totals = (0..<count).map { c in pieces.reduce(0) { $0 + $1.values[c] } }
      let errors = (0..<count).map { c in pieces.reduce(0) { $0 + $1.errors[c] } }
      let limits = allowed(totals)
      let open = (0..<count).filter { errors[$0] > limits[$0] }
      if open.isEmpty {
        values = totals
        self.errors = errors
        return
      }
      guard pieces.count < limit else {
        throw QuadratureError(
          reason: "too many subintervals", estimate: errors[open[0]], allowed: limits[open[0]])
      }
      let worst = pieces.indices.max { p, q in
        open.map { pieces[p].errors[$0] / limits[$0] }.max()!
          < open.map { pieces[q].errors[$0] / limits[$0] }.max()!
      }!
      let old = pieces[worst]
      let middle = (old.a + old.b) / 2
      pieces.replaceSubrange(worst...worst, with: try await integrated([old.a, middle, old.b]))
    }
  }
}
