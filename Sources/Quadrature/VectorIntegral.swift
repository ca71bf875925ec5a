// SPDX-License-Identifier: GPL-3.0-or-later

/// Adaptive integration of a function with many components that is costly to evaluate.
///
/// GSL's adaptive routines take scalars and would evaluate the function once per component. Here an
/// interval is integrated with GSL's nested rules of 10 and 21 points in one go; the difference is
/// the error estimate of each component, far larger than the error of the finer value. Intervals
/// whose error is too large go on to the rules of 43 and 87 points, which keep all the points so
/// far and converge fast where the function is smooth, and are then halved.
public struct VectorIntegral: Sendable {
  /// The integrals.
  public let values: [Double]
  /// The error estimates.
  public let errors: [Double]

  private struct Piece {
    let a, b: Double
    var stage = 0
    /// The function at the points so far.
    var y: [[Double]] = []
    var values: [Double] = []
    var errors: [Double] = []

    mutating func take(_ new: ArraySlice<[Double]>) {
      y += new
      let (fine, coarse) = PattersonRule.shared.sums(stage, y, a, b)
      values = fine
      errors = zip(fine, coarse).map { abs($0 - $1) }
    }
  }

  /// The integral of `f` over the intervals between neighbouring `ends`.
  ///
  /// `f` is given many points at once. `allowed(values)` gives the largest error of each component.
  /// - Throws: ``QuadratureError`` after `limit` intervals, and whatever `f` throws.
  public init(
    ends: [Double], limit: Int = 400, allowed: ([Double]) -> [Double],
    _ f: ([Double]) async throws -> [[Double]]
  ) async throws {
    let rule = PattersonRule.shared
    var pieces: [Piece] = []
    var pending = zip(ends, ends.dropFirst()).map { Piece(a: $0, b: $1) }
    while true {
      let points = pending.map { rule.points($0.stage, $0.a, $0.b) }
      let y = try await f(points.flatMap { $0 })
      var next = 0
      for n in pending.indices {
        pending[n].take(y[next..<(next + points[n].count)])
        next += points[n].count
      }
      pieces = (pieces + pending).sorted { $0.a < $1.a }
      pending = []
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
      // All pieces with more than their share of an error that is too large, at once.
      let share = 0.5 / Double(pieces.count)
      var kept: [Piece] = []
      for piece in pieces {
        if !open.contains(where: { piece.errors[$0] > share * limits[$0] }) {
          kept.append(piece)
        } else if piece.stage + 1 < PattersonRule.stages {
          var longer = piece
          longer.stage += 1
          pending.append(longer)
        } else {
          let middle = (piece.a + piece.b) / 2
          pending += [Piece(a: piece.a, b: middle), Piece(a: middle, b: piece.b)]
        }
      }
      pieces = kept
    }
  }
}
