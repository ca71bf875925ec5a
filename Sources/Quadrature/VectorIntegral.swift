// SPDX-License-Identifier: GPL-3.0-or-later
/// Adaptive integration of a function with many components that is costly to evaluate.
///
/// GSL's adaptive routines take scalars and would evaluate the function once per component. Here
/// an interval is integrated with GSL's Gauss-Legendre rules of 10 and of 21 points in one go; the
/// difference is the error estimate of each component, far larger than the error of the 21-point
/// value, and the interval with the worst component, measured in units of what is allowed, is
/// halved until all components meet their tolerance.
public struct VectorIntegral: Sendable {
  /// The integrals.
  public let values: [Double]
  /// The error estimates.
  public let errors: [Double]

  /// The integral of `f` over the intervals between neighbouring `ends`.
  ///
  /// `f` is given all the points of an interval at once. `allowed(values)` gives the largest error
  /// of each component.
  /// - Throws: ``QuadratureError`` after `limit` intervals, and whatever `f` throws.
  public init(
    ends: [Double], limit: Int = 400, allowed: ([Double]) -> [Double],
    _ f: ([Double]) async throws -> [[Double]]
  ) async throws {
    let coarse = GaussRule(10)
    let fine = GaussRule(21)
    struct Piece {
      let a, b: Double
      let values, errors: [Double]
    }
    func piece(_ a: Double, _ b: Double) async throws -> Piece {
      let x = coarse.points(a, b) + fine.points(a, b)
      let y = try await f(x)
      let low = coarse.sum(Array(y[..<coarse.count]), a, b)
      let high = fine.sum(Array(y[coarse.count...]), a, b)
      return Piece(a: a, b: b, values: high, errors: zip(low, high).map { abs($0 - $1) })
    }
    var pieces: [Piece] = []
    for (a, b) in zip(ends, ends.dropFirst()) { pieces.append(try await piece(a, b)) }
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
      pieces[worst] = try await piece(old.a, middle)
      pieces.insert(try await piece(middle, old.b), at: worst + 1)
    }
  }
}
