// SPDX-License-Identifier: GPL-3.0-or-later
import KuboLattice
import KuboWork
import Quadrature
import RealModule

/// The mean over the Brillouin zone of functions with sharp features, coordinate by coordinate:
/// the integral over the last reduced coordinate is a function of those before it, and is integrated
/// over them in turn, each adaptively. Its cost grows with log(1/Gamma) to the power d.
///
/// Next to the innermost lines the functions are singular near the zeros of given *levels*, as far from
/// the line as corresponds to a level of i `width`; integrals over lines where a zero appears or
/// leaves: where the lowest or highest level of the line, or that at one of its ends, is 0. Intervals
/// are cut there, and x = x_0 + delta sinh p, with delta the distance, spreads the scales between it and
/// the zone; so they are where the gap is smallest (``SmallGaps``). No interval counts whose nodes could not see such a
/// point, and none is longer at first than a period of the longest hop. The error of an interval is that of `PattersonRule.Short`.
/// Errors of inner integrals are integrated with them.
package struct NestedIntegral: Sendable {
  /// Values at many points: [component][point], and functions whose zeros are singular points,
  /// [function][point].
  package struct Values: Sendable {
    package var components: [[Double]]
    package var levels: [[Double]]

    package init(components: [[Double]], levels: [[Double]]) {
      self.components = components
      self.levels = levels
    }
  }

  package let zone: IrreducibleZone
  package let threads: Int
  package let width: Double
  /// Where functions of single bands vary fast, and levels of both meet.
  var gaps: SmallGaps?
  /// The sum over the images of each of the points.
  package let evaluate: @Sendable (_ points: [SIMD3<Double>]) -> Values

  /// `isBandFree`: sums over both bands, which vary on the scale of `width` however small the gap is.
  package init(
    zone: IrreducibleZone, threads: Int, width: Double, gapsOf model: Model? = nil,
    isBandFree: Bool = false,
    evaluate: @escaping @Sendable (_ points: [SIMD3<Double>]) -> Values
  ) {
    self.zone = zone
    self.threads = threads
    self.width = width
    gaps = model.map { SmallGaps($0, zone, least: isBandFree ? width : 0) }
    self.evaluate = evaluate
  }

  /// The most intervals of one line for each period of the longest hop, besides those it begins with, with those that were cut.
  private static let limit = 1200.0

  /// The longest interval of p: other levels next to a singular point are as wide as 1 there, and 21 nodes must see them.
  private static let longest = 8.0

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
      return try await adaptive(fixed.count, ends, allowed, gaps?.minima(fixed) ?? []) { points in
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
      fixed.count, ends, allowed.map { 0.8 * $0 } + [Double](repeating: .infinity, count: count),
      gaps?.minima(fixed) ?? []
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

  /// An interval of x, or of p if there is a scale.
  private struct Piece {
    let a, b: Double
    var center = 0.0
    var scale = 0.0
    var values: [Double] = []
    var errors: [Double] = []
    /// The pieces that replace it where it is not good enough.
    var parts: [Piece] = []
    /// Whether its nodes can see all singular points that are known.
    var isResolved = false

    /// The point at t, -1 <= t <= 1, and dx/dt.
    func point(_ t: Double) -> (x: Double, measure: Double) {
      let p = (a + b) / 2 + t * (b - a) / 2
      if scale == 0 { return (p, (b - a) / 2) }
      return (center + scale * Double.sinh(p), (b - a) / 2 * scale * Double.cosh(p))
    }
    /// The range of each level, and its values next to a and b.
    var ranges: [ClosedRange<Double>] = []
    var edges: [(a: Double, b: Double)] = []
  }

  private func adaptive(
    _ axis: Int, _ ends: [Double], _ allowed: [Double], _ known: [Singular],
    _ evaluate: ([Double]) async throws -> Values
  ) async throws -> Sum {
    let count = allowed.count
    let rule = NestedIntegral.rule
    let nodes = rule.nodes.count
    var y = [Double](repeating: 0, count: nodes)
    var pieces: [Piece] = []
    var pending = zip(ends, ends.dropFirst()).flatMap { a, b in
      let parts = max(1, ((b - a) * zone.harmonics[axis]).rounded(.up))
      return stride(from: 0, to: parts, by: 1).map {
        Piece(a: a + (b - a) * $0 / parts, b: a + (b - a) * ($0 + 1) / parts)
      }
    }
    let limit = Int(NestedIntegral.limit * max(1, zone.harmonics[axis])) + pending.count
    var tried = 0
    while true {
      try Task.checkCancellation()
      tried += pending.count
      let points = pending.map { piece in rule.nodes.map { piece.point($0) } }
      let found = try await evaluate(points.flatMap { $0.map(\.x) })
      for n in pending.indices {
        for c in 0..<count {
          found.components[c].withUnsafeBufferPointer { values in
            for m in 0..<nodes { y[m] = points[n][m].measure * values[n * nodes + m] }
          }
          let (value, error) = y.withUnsafeBufferPointer { rule.integral($0) }
          pending[n].values.append(value)
          pending[n].errors.append(error)
        }
        let levels = found.levels.map { Array($0[(n * nodes)..<((n + 1) * nodes)]) }
        (pending[n].parts, pending[n].isResolved) = spread(
          pending[n], points[n].map(\.x), levels, known)
        for level in levels {
          pending[n].ranges.append(level.min()!...level.max()!)
          pending[n].edges.append((level.first!, level.last!))
        }
      }
      pieces += pending
      pending = []
      let errors = (0..<count).map { c in pieces.reduce(0) { $0 + $1.errors[c] } }
      let open = (0..<count).filter { errors[$0] > allowed[$0] }
      let isResolved = pieces.allSatisfy(\.isResolved)
      if open.isEmpty && isResolved {
        pieces.sort { $0.point(0).x < $1.point(0).x }
        // Where lines are empty, levels are not known.
        let known = pieces.map(\.ranges.count).min()!
        return Sum(
          values: (0..<count).map { c in pieces.reduce(0) { $0 + $1.values[c] } }, errors: errors,
          levels: (0..<known).flatMap { c in
            [
              pieces.map { $0.ranges[c].lowerBound }.min()!,
              pieces.map { $0.ranges[c].upperBound }.max()!,
              pieces.first!.edges[c].a, pieces.last!.edges[c].b,
            ]
          })
      }
      guard tried < limit else {
        let c = open.first ?? 0
        throw QuadratureError(
          reason: "too many subintervals", estimate: errors[c], allowed: allowed[c])
      }
      let share = 0.5 / Double(pieces.count)
      var kept: [Piece] = []
      for piece in pieces {
        if !piece.isResolved || open.contains(where: { piece.errors[$0] > share * allowed[$0] }) {
          pending += piece.parts
        } else {
          kept.append(piece)
        }
      }
      pieces = kept
    }
  }

  /// A zero of a level, or where it comes nearest to one, and how far from the line it is singular.
  private typealias Singular = (x: Double, distance: Double)

  /// The singular points of one level, given at the nodes x, between them and just beyond.
  private func singular(_ x: [Double], _ level: [Double]) -> [Singular] {
    var found: [Singular] = []
    let last = x.count - 1
    for m in 0..<last {
      let (p, q) = (level[m], level[m + 1])
      if p * q <= 0, p != q {
        // Newton on the cubic through four nodes.
        let from = min(max(m - 1, 0), last - 3)
        var t = x[m] + (x[m + 1] - x[m]) * p / (p - q)
        var slope = 0.0
        for _ in 0..<4 {
          var value = 0.0
          slope = 0
          for i in from...(from + 3) {
            var product = level[i]
            var derivative = 0.0
            for j in from...(from + 3) where j != i {
              derivative = (derivative * (t - x[j]) + product) / (x[i] - x[j])
              product *= (t - x[j]) / (x[i] - x[j])
            }
            value += product
            slope += derivative
          }
          if slope != 0 { t = min(max(t - value / slope, x[m]), x[m + 1]) }
        }
        found.append((t, width / max(abs(slope), .leastNormalMagnitude)))
      } else if m > 0, p * level[m - 1] > 0, abs(p) <= abs(level[m - 1]), abs(p) <= abs(q) {
        found += extremum(x, level, m, x[m - 1]...x[m + 1])
      }
    }
    let reach = 0.1 * (x[last] - x[0])
    for (m, next, after) in [(0, 1, 2), (last, last - 1, last - 2)] {
      let falls = abs(level[m]) < abs(level[next])
      if falls, level[m] * level[next] > 0, level[next] * level[after] > 0 {
        let range = m == 0 ? x[0] - reach...x[1] : x[next]...x[m] + reach
        found += extremum(x, level, m == 0 ? 1 : next, range)
      }
      let slope = (level[next] - level[m]) / (x[next] - x[m])
      guard slope != 0 else { continue }
      let beyond = (m == 0 ? -1 : 1) * -level[m] / slope
      if beyond > 0, beyond < reach { found.append((x[m] - level[m] / slope, width / abs(slope))) }
    }
    return found
  }

  /// Where the parabola through three nodes comes nearest to zero, in a range of x, or its zeros.
  private func extremum(
    _ x: [Double], _ level: [Double], _ m: Int, _ range: ClosedRange<Double>
  ) -> [Singular] {
    let left = (level[m] - level[m - 1]) / (x[m] - x[m - 1])
    let right = (level[m + 1] - level[m]) / (x[m + 1] - x[m])
    let curvature = (right - left) / ((x[m + 1] - x[m - 1]) / 2)
    guard curvature * level[m] > 0 else { return [] }
    let t = (x[m - 1] + x[m]) / 2 - left / curvature
    guard range.contains(t) else { return [] }
    // The nearest node may be far above it.
    let value = level[m] - curvature / 2 * (x[m] - t) * (x[m] - t)
    if value * level[m] >= 0 || abs(value) < width {
      return [(t, ((abs(value) + width) * 2 / abs(curvature)).squareRoot())]
    }
    let half = (-2 * value / curvature).squareRoot()
    return [-half, half].map { (t + $0, width / (abs(curvature) * half)) }
  }

  /// Cut at the singular points and half way between them, spread next to them.
  private func spread(
    _ piece: Piece, _ x: [Double], _ levels: [[Double]], _ known: [Singular]
  ) -> (parts: [Piece], isResolved: Bool) {
    let (low, high) = (piece.point(-1).x, piece.point(1).x)
    let size = high - low
    var points: [Singular] = []
    let inside = known.filter { $0.x >= low - 1e-12 * size && $0.x <= high + 1e-12 * size }
    for new in (levels.flatMap { singular(x, $0) } + inside).sorted(by: { $0.x < $1.x })
    where new.distance < 0.3 * size {
      if let old = points.last, new.x - old.x < max(old.distance, new.distance) {
        if new.distance < old.distance { points[points.count - 1] = new }
      } else {
        points.append(new)
      }
    }
    // What is spread already is spread anew only at points that its nodes in p do not see, inside or as near to an end as its
    // outermost nodes, which cannot tell on which side: a point at an end must not be left to the other interval by both.
    // The point about which it is spread does not count.
    let isNew =
      piece.scale == 0
      ? !points.isEmpty
      : points.contains {
        let x = $0.x - piece.center
        let p = Double.asinh(x / piece.scale)
        let distance = $0.distance / Double.hypot(piece.scale, x)
        let size = piece.b - piece.a
        return distance < 0.3 * size && abs(p) > max(distance, 1e-9)
          && min(p - piece.a, piece.b - p) > -0.005 * size
      }
    if !isNew {
      let middle = (piece.a + piece.b) / 2
      let halves = [(piece.a, middle), (middle, piece.b)].map {
        Piece(a: $0, b: $1, center: piece.center, scale: piece.scale)
      }
      return (halves, true)
    }
    var parts: [Piece] = []
    for (n, point) in points.enumerated() {
      let from = n == 0 ? low : min(max((points[n - 1].x + point.x) / 2, low), high)
      let to = n == points.count - 1 ? high : min(max((point.x + points[n + 1].x) / 2, low), high)
      let middle = min(max(point.x, from), to)
      for (a, b) in [(from, middle), (middle, to)] where b - a > 1e-14 * size {
        let p = [a, b].map { Double.asinh(($0 - point.x) / point.distance) }
        let length = p[1] - p[0]
        let count = max(1, (length / NestedIntegral.longest).rounded(.up))
        for i in stride(from: 0, to: count, by: 1) {
          parts.append(
            Piece(
              a: p[0] + length * i / count, b: p[0] + length * (i + 1) / count, center: point.x,
              scale: point.distance))
        }
      }
    }
    return (parts, false)
  }
}
