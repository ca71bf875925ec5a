// SPDX-License-Identifier: GPL-3.0-or-later

/// An interval of an adaptive integral of a function with many components.
protocol IntegrationPiece {
  var a: Double { get }
  /// The integrals over the interval and their error estimates.
  var values: [Double] { get }
  var errors: [Double] { get }
  /// What is added to the errors in the end, though more points would not lower it.
  var hidden: [Double] { get }
  /// The points where the function is wanted next.
  func points() -> [Double]
  /// Takes the function there, [point][component].
  mutating func take(_ new: ArraySlice<[Double]>)
  /// What goes on in place of this interval, whose errors of the `open` components are above `shares`:
  /// itself with more points, or parts of it.
  func refined(_ open: [Int], _ shares: [Double]) -> [Self]
}

/// The sums over `pieces`, refined until their errors are as small as `allowed(values)`.
///
/// All intervals with more than half of their share of an error that is too large are refined at once,
/// and `f` is asked for all points at once.
/// - Throws: ``QuadratureError`` after `limit` intervals, and whatever `f` throws.
func integrated<Piece: IntegrationPiece>(
  _ pieces: [Piece], limit: Int, allowed: ([Double]) -> [Double],
  _ f: ([Double]) async throws -> [[Double]]
) async throws -> (values: [Double], errors: [Double]) {
  var pieces = pieces
  var kept: [Piece] = []
  while true {
    let points = pieces.map { $0.points() }
    let y = try await f(points.flatMap { $0 })
    var next = 0
    for n in pieces.indices {
      pieces[n].take(y[next..<(next + points[n].count)])
      next += points[n].count
    }
    let all = (kept + pieces).sorted { $0.a < $1.a }
    let components = all[0].values.indices
    let totals = components.map { c in all.reduce(0) { $0 + $1.values[c] } }
    let errors = components.map { c in all.reduce(0) { $0 + $1.errors[c] } }
    let limits = allowed(totals)
    let open = components.filter { errors[$0] > limits[$0] }
    if open.isEmpty {
      return (totals, components.map { c in errors[c] + all.reduce(0) { $0 + $1.hidden[c] } })
    }
    guard all.count < limit else {
      throw QuadratureError(
        reason: "too many subintervals", estimate: errors[open[0]], allowed: limits[open[0]])
    }
    let shares = limits.map { 0.5 * $0 / Double(all.count) }
    kept = []
    pieces = []
    for piece in all {
      if open.contains(where: { piece.errors[$0] > shares[$0] }) {
        pieces += piece.refined(open, shares)
      } else {
        kept.append(piece)
      }
    }
  }
}
