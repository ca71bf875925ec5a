// SPDX-License-Identifier: GPL-3.0-or-later
import Quadrature
import RealModule

/// The mean over the Brillouin zone of functions with sharp features, coordinate by coordinate:
/// the integral over the last reduced coordinate is a function of those before it, and is integrated
/// over them in turn, each adaptively. Its cost grows with log(1/Gamma) to the power d.
///
/// Along the innermost lines intervals are cut where the functions are known to be singular next to
/// the line, and graded towards such points; the estimate of an interval is the difference of the
/// rules of 10 and 21 points, far more than the error of the latter. Errors of inner integrals are
/// integrated with them.
package struct NestedIntegral: Sendable {
  /// Values at many points: [component][point], and functions whose zeros are singular points,
  /// [function][point].
  package struct Values: Sendable {
    var components: [[Double]]
    var levels: [[Double]]

    package init(components: [[Double]], levels: [[Double]]) {
      self.components = components
      self.levels = levels
    }
  }

  let zone: IrreducibleZone
  let threads: Int
  /// The sum over the images of each of the points.
  let evaluate: @Sendable (_ points: [SIMD3<Double>]) -> Values

  package init(
    zone: IrreducibleZone, threads: Int,
    evaluate: @escaping @Sendable (_ points: [SIMD3<Double>]) -> Values
  ) {
    self.zone = zone
    self.threads = threads
    self.evaluate = evaluate
  }

  /// The most intervals of one line.
  private static let limit = 600

  private static let rule = PattersonRule.shared.short

  /// The integral over the irreducible zone, with an error of each component of at most `allowed`.
  /// - Throws: ``QuadratureError``, `CancellationError`.
  package func callAsFunction(allowed: [Double]) async throws -> (
    values: [Double], errors: [Double]
  ) {
    try await integral([], allowed: allowed, threads: threads)
  }

  private func integral(_ fixed: [Double], allowed: [Double], threads: Int) async throws -> (
    values: [Double], errors: [Double]
  ) {
    let count = allowed.count
    let ends = zone.ends(fixed)
    guard let first = ends.first, let last = ends.last else {
      return ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
    }
    if fixed.count == zone.dimension - 1 { return try line(fixed, ends, allowed) }
    // Of the error a fifth is left to the integrals inside.
    let inner = allowed.map { 0.2 * $0 / (last - first) }
    let result = try await VectorIntegral(
      ends: ends, limit: NestedIntegral.limit, isSmooth: false
    ) { _ in
      allowed.map { 0.8 * $0 } + [Double](repeating: .infinity, count: count)
    } _: { points in
      try await parallelMap(points.count, threads: threads) { n in
        let own = try await integral(fixed + [points[n]], allowed: inner, threads: 1)
        return own.values + own.errors
      }
    }
    return (
      Array(result.values[..<count]),
      (0..<count).map { result.errors[$0] + result.values[count + $0] + result.errors[count + $0] }
    )
  }

  private struct Piece {
    let a, b: Double
    var values: [Double] = []
    var errors: [Double] = []
    /// Where to cut.
    var cut = 0.0
  }

  private func line(_ fixed: [Double], _ ends: [Double], _ allowed: [Double]) throws -> (
    values: [Double], errors: [Double]
  ) {
    let count = allowed.count
    let rule = NestedIntegral.rule
    let nodes = rule.nodes.count
    var base = SIMD3<Double>.zero
    for (a, x) in fixed.enumerated() { base[a] = x }
    var pieces: [Piece] = []
    var pending = zip(ends, ends.dropFirst()).map { Piece(a: $0, b: $1) }
    while true {
      try Task.checkCancellation()
      var points: [SIMD3<Double>] = []
      points.reserveCapacity(pending.count * nodes)
      for piece in pending {
        for x in rule.nodes {
          base[fixed.count] = (piece.a + piece.b) / 2 + x * (piece.b - piece.a) / 2
          points.append(base)
        }
      }
      let found = evaluate(points)
      for n in pending.indices {
        let half = (pending[n].b - pending[n].a) / 2
        for c in 0..<count {
          var fine = 0.0
          var coarse = 0.0
          found.components[c].withUnsafeBufferPointer { y in
            for m in 0..<nodes {
              fine += rule.fine[m] * y[n * nodes + m]
              coarse += rule.coarse[m] * y[n * nodes + m]
            }
          }
          pending[n].values.append(half * fine)
          pending[n].errors.append(half * abs(fine - coarse))
        }
        pending[n].cut = cut(pending[n], found.levels, n * nodes)
      }
      pieces += pending
      pending = []
      let errors = (0..<count).map { c in pieces.reduce(0) { $0 + $1.errors[c] } }
      let open = (0..<count).filter { errors[$0] > allowed[$0] }
      if open.isEmpty {
        pieces.sort { $0.a < $1.a }
        return ((0..<count).map { c in pieces.reduce(0) { $0 + $1.values[c] } }, errors)
      }
      guard pieces.count < NestedIntegral.limit else {
        throw QuadratureError(
          reason: "too many subintervals", estimate: errors[open[0]], allowed: allowed[open[0]])
      }
      let share = 0.5 / Double(pieces.count)
      var kept: [Piece] = []
      for piece in pieces {
        if open.contains(where: { piece.errors[$0] > share * allowed[$0] }) {
          pending += [Piece(a: piece.a, b: piece.cut), Piece(a: piece.cut, b: piece.b)]
        } else {
          kept.append(piece)
        }
      }
      pieces = kept
    }
  }

  /// Where to cut a piece: at the singular point farthest from its ends; a fifth of the way from an
  /// end that is one; or in the middle.
  private func cut(_ piece: Piece, _ levels: [[Double]], _ from: Int) -> Double {
    let x = NestedIntegral.rule.nodes
    var inside: Double?
    var atStart = false
    var atEnd = false
    func note(_ t: Double) {
      if abs(t) < 0.95 {
        if abs(t) < abs(inside ?? 1) { inside = t }
      } else if abs(t) < 1.1 {
        if t < 0 { atStart = true } else { atEnd = true }
      }
    }
    for level in levels {
      for m in 0..<(x.count - 1) {
        let (p, q) = (level[from + m], level[from + m + 1])
        if p * q <= 0, p != q {
          note(x[m] + (x[m + 1] - x[m]) * p / (p - q))
        } else if m > 0 {
          // A minimum of |level|: the vertex of the parabola through three nodes.
          let o = level[from + m - 1]
          guard abs(p) <= abs(o), abs(p) <= abs(q) else { continue }
          let left = (p - o) / (x[m] - x[m - 1])
          let right = (q - p) / (x[m + 1] - x[m])
          let middle = (x[m - 1] + x[m]) / 2
          if left != right {
            note(middle - left * (x[m + 1] - x[m - 1]) / 2 / (right - left))
          }
        }
      }
      // Just beyond the ends.
      for (m, next) in [(0, 1), (x.count - 1, x.count - 2)] {
        let slope = (level[from + next] - level[from + m]) / (x[next] - x[m])
        if slope != 0 {
          let t = x[m] - level[from + m] / slope
          if abs(t) > 0.95, abs(t) < 1.1 { note(t) }
        }
      }
    }
    let half = (piece.b - piece.a) / 2
    if let inside { return piece.a + half * (1 + inside) }
    if atStart != atEnd { return atStart ? piece.a + 0.4 * half : piece.b - 0.4 * half }
    return piece.a + half
  }
}
