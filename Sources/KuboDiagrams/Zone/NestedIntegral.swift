// SPDX-License-Identifier: GPL-3.0-or-later
import Quadrature
import RealModule

/// The mean over the Brillouin zone of functions with sharp features, coordinate by coordinate:
/// the integral over the last reduced coordinate is a function of those before it, and is integrated
/// over them in turn, each adaptively. Its cost grows with log(1/Gamma) to the power d.
///
/// Intervals are cut where the functions are known to be singular, and graded towards such points.
/// Next to the innermost lines they are the zeros of given *levels*; of the integrals over lines, where
/// a zero appears or leaves: where the lowest or highest level of the line, or that at one of its ends,
/// is 0. The estimate of an interval is the difference of the rules of 10 and 21 points, far more than
/// the error of the latter. Errors of inner integrals are integrated with them.
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
    let sum = try await integral([], allowed: allowed, threads: threads)
    return (sum.values, sum.errors)
  }

  /// The integral over one coordinate.
  private struct Sum: Sendable {
    var values, errors: [Double]
    /// The levels of the integral over the next coordinate.
    var levels: [Double] = []
  }

  private func integral(_ fixed: [Double], allowed: [Double], threads: Int) async throws -> Sum {
    let count = allowed.count
    let ends = zone.ends(fixed)
    guard let first = ends.first, let last = ends.last else {
      let zeros = [Double](repeating: 0, count: count)
      return Sum(values: zeros, errors: zeros)
    }
    if fixed.count == zone.dimension - 1 {
      var base = SIMD3<Double>.zero
      for (a, x) in fixed.enumerated() { base[a] = x }
      return try await adaptive(ends, allowed) { points in
        evaluate(
          points.map { x in
            var f = base
            f[fixed.count] = x
            return f
          })
      }
    }
    // Of the error a fifth is left to the integrals inside.
    let inner = allowed.map { 0.2 * $0 / (last - first) }
    let sum = try await adaptive(
      ends, allowed.map { 0.8 * $0 } + [Double](repeating: .infinity, count: count)
    ) { points in
      let lines = try await parallelMap(points.count, threads: threads) { n in
        try await integral(fixed + [points[n]], allowed: inner, threads: 1)
      }
      // Lines in the thin ends of the zone may be empty.
      let levels = lines.map(\.levels.count).min()!
      return Values(
        components: (0..<count).map { c in lines.map { $0.values[c] } }
          + (0..<count).map { c in lines.map { $0.errors[c] } },
        levels: (0..<levels).map { c in lines.map { $0.levels[c] } })
    }
    return Sum(
      values: Array(sum.values[..<count]),
      errors: (0..<count).map { sum.errors[$0] + sum.values[count + $0] + sum.errors[count + $0] },
      levels: sum.levels)
  }

  private struct Piece {
    let a, b: Double
    var values: [Double] = []
    var errors: [Double] = []
    /// Where to cut.
    var cut = 0.0
    /// The range of each level, and its values next to a and b.
    var ranges: [ClosedRange<Double>] = []
    var edges: [(a: Double, b: Double)] = []
  }

  private func adaptive(
    _ ends: [Double], _ allowed: [Double], _ evaluate: ([Double]) async throws -> Values
  ) async throws -> Sum {
    let count = allowed.count
    let rule = NestedIntegral.rule
    let nodes = rule.nodes.count
    var pieces: [Piece] = []
    var pending = zip(ends, ends.dropFirst()).map { Piece(a: $0, b: $1) }
    while true {
      try Task.checkCancellation()
      let found = try await evaluate(
        pending.flatMap { piece in
          rule.nodes.map { (piece.a + piece.b) / 2 + $0 * (piece.b - piece.a) / 2 }
        })
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
        for level in found.levels {
          let own = level[(n * nodes)..<((n + 1) * nodes)]
          pending[n].ranges.append(own.min()!...own.max()!)
          pending[n].edges.append((own.first!, own.last!))
        }
      }
      pieces += pending
      pending = []
      let errors = (0..<count).map { c in pieces.reduce(0) { $0 + $1.errors[c] } }
      let open = (0..<count).filter { errors[$0] > allowed[$0] }
      if open.isEmpty {
        pieces.sort { $0.a < $1.a }
        return Sum(
          values: (0..<count).map { c in pieces.reduce(0) { $0 + $1.values[c] } }, errors: errors,
          levels: pieces[0].ranges.indices.flatMap { c in
            [
              pieces.map { $0.ranges[c].lowerBound }.min()!,
              pieces.map { $0.ranges[c].upperBound }.max()!,
              pieces.first!.edges[c].a, pieces.last!.edges[c].b,
            ]
          })
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
