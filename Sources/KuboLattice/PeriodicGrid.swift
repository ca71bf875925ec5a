// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import KuboWork

/// The uniform grid k = sum_a ((n_a + o_a)/N) b_a over one Brillouin zone, grouped into stars of
/// points with equal energies.
///
/// The mean of a periodic analytic function over the grid converges exponentially with N.
package struct PeriodicGrid: Sendable {
  package let divisions: Int
  package let dimension: Int
  private let reciprocal: [SIMD3<Double>]
  private let origin: [Double]
  /// Rows of the operations, flat; empty if the origin is shifted.
  private let operations: [SIMD3<Int>]
  private let operationCount: Int
  /// The entries of the operations, row by row.
  private let rows: [Int32]
  /// Whether -k belongs to the grid and to every star.
  package let hasInversion: Bool

  /// A point of a star, how often it counts, and which symmetry maps the first point on it.
  package struct StarPoint {
    package let k: WaveVector
    package let weight: Double
    package let operation: Int

    package init(k: WaveVector, weight: Double, operation: Int) {
      self.k = k
      self.weight = weight
      self.operation = operation
    }
  }

  /// The grid with `divisions` points along each reciprocal vector.
  ///
  /// A shifted `origin` (in steps of the grid) gives up the symmetry; it serves tests.
  package init(
    _ crystal: some Crystal, divisions: Int, symmetries: [ReciprocalOperation],
    origin: [Double]? = nil
  ) {
    self.divisions = divisions
    dimension = crystal.dimension
    reciprocal = crystal.reciprocalVectors.map(packed)
    self.origin = origin ?? [Double](repeating: 0, count: dimension)
    let used = origin == nil ? symmetries : []
    hasInversion = origin == nil
    operations = used.flatMap { m in m.rows.map { packedIntegers($0) } }
    operationCount = used.count
    rows = used.flatMap { $0.rows.joined().map { Int32($0) } }
  }

  /// The number of points of the whole grid.
  package var count: Int { (0..<dimension).reduce(1) { n, _ in n * divisions } }

  /// If the point with this linear index is the first of its star, the points of the star,
  /// one of each pair k, -k; otherwise nil.
  package func star(of index: Int) -> [StarPoint]? {
    let n = components(index)
    if operationCount == 0 {
      return [StarPoint(k: waveVector(n), weight: 1, operation: 0)]
    }
    for m in 0..<operationCount where linear(image(n, m)) < index { return nil }
    var members: [(index: Int, operation: Int)] = []
    for m in 0..<operationCount {
      let other = linear(image(n, m))
      if !members.contains(where: { $0.index == other }) { members.append((other, m)) }
    }
    return members.compactMap { member in
      let p = components(member.index)
      let opposite = linear(wrapped(SIMD3<Int>.zero &- p))
      if opposite < member.index { return nil }
      return StarPoint(
        k: waveVector(p), weight: opposite == member.index ? 1 : 2,
        operation: member.operation)
    }
  }

  /// Adds up all stars: each job starts from `initial` and adds its share, and the parts come back
  /// in an order that does not depend on the number of threads.
  ///
  /// `add` is given the sum so far, the index of the first point and its star.
  package func accumulate<Part: Sendable>(
    threads: Int, _ initial: Part,
    _ add: @escaping @Sendable (_ part: inout Part, _ index: Int, _ star: [StarPoint]) -> Void
  ) async throws -> [Part] {
    try await visit(threads: threads, jobs: 128, initial) { _ in
    } _: { part, index, _ in
      if let star = star(of: index) { add(&part, index, star) }
    }
  }

  /// Adds up the first points of all stars, given as reduced wave vectors, and the sizes of the
  /// stars; `finish` ends a job.
  package func accumulateFirst<Part: Sendable>(
    threads: Int, _ initial: Part, finish: @escaping @Sendable (_ part: inout Part) -> Void,
    _ add:
      @escaping @Sendable (_ part: inout Part, _ f: SIMD3<Double>, _ size: Double) -> Void
  ) async throws -> [Part] {
    let jobs = max(1, min(128, count / (max(1, operationCount) * 256)))
    return try await visit(threads: threads, jobs: jobs, initial, finish) { part, index, size in
      add(&part, reduced(components(index)), Double(size))
    }
  }

  private func visit<Part: Sendable>(
    threads: Int, jobs wanted: Int, _ initial: Part,
    _ finish: @escaping @Sendable (_ part: inout Part) -> Void,
    _ add: @escaping @Sendable (_ part: inout Part, _ index: Int, _ size: Int) -> Void
  ) async throws -> [Part] {
    // Rows are dealt in turn, since the first points of stars crowd at low indices; in one dimension
    // pieces of the only one.
    let blockSize = dimension == 1 ? min(divisions, 4096) : divisions
    let blocks = (count + blockSize - 1) / blockSize
    let jobs = min(wanted, blocks)
    return try await WorkProgress.stage(
      "grid \(divisions)^\(dimension)", unit: "points", of: count, isEven: true
    ) { stage in
      try await parallelMap(jobs, threads: threads) { job in
        var part = initial
        var offsets = [Int32](repeating: 0, count: blockSize)
        var sizes = offsets
        var seen = 0
        for block in stride(from: job, to: blocks, by: jobs) {
          let start = block * blockSize
          let size = min(count - start, blockSize)
          let found = firstPoints(from: start, size, &offsets, &sizes)
          for n in 0..<found { add(&part, start + Int(offsets[n]), Int(sizes[n])) }
          seen += size
        }
        finish(&part)
        stage?.advance(by: seen)
        return part
      }
    }
  }

  /// How many of `count` points from the linear index `start` on are the first ones of their stars, their offsets from it
  /// and the sizes of their stars.
  package func firstPoints(
    from start: Int, _ count: Int, _ offsets: inout [Int32], _ sizes: inout [Int32]
  ) -> Int {
    Int(
      zone_first_points(
        Int32(dimension), Int32(divisions), Int32(operationCount), rows, start, Int32(count),
        &offsets, &sizes))
  }

  /// The point with this linear index.
  package func point(_ index: Int) -> WaveVector { waveVector(components(index)) }

  package func components(_ index: Int) -> SIMD3<Int> {
    var rest = index
    var n = SIMD3<Int>.zero
    for a in stride(from: dimension - 1, through: 0, by: -1) {
      n[a] = rest % divisions
      rest /= divisions
    }
    return n
  }

  @inline(__always)
  private func linear(_ n: SIMD3<Int>) -> Int {
    var index = n[0]
    for a in 1..<max(1, dimension) { index = index * divisions + n[a] }
    return index
  }

  @inline(__always)
  private func wrapped(_ n: SIMD3<Int>) -> SIMD3<Int> {
    // The entries of the operations are small, and remainders slow.
    var w = n
    for a in 0..<dimension {
      while w[a] < 0 { w[a] += divisions }
      while w[a] >= divisions { w[a] -= divisions }
    }
    return w
  }

  @inline(__always)
  private func image(_ n: SIMD3<Int>, _ m: Int) -> SIMD3<Int> {
    var p = SIMD3<Int>.zero
    for a in 0..<dimension { p[a] = (operations[m * dimension + a] &* n).wrappedSum() }
    return wrapped(p)
  }

  private func reduced(_ n: SIMD3<Int>) -> SIMD3<Double> {
    var f = SIMD3<Double>.zero
    for a in 0..<dimension { f[a] = (Double(n[a]) + origin[a]) / Double(divisions) }
    return f
  }

  private func waveVector(_ n: SIMD3<Int>) -> WaveVector {
    let f = reduced(n)
    var k = SIMD3<Double>.zero
    for a in 0..<dimension { k += reciprocal[a] * f[a] }
    return WaveVector(real: k)
  }
}

private func packedIntegers(_ v: [Int]) -> SIMD3<Int> {
  var p = SIMD3<Int>.zero
  for (n, x) in v.enumerated() { p[n] = x }
  return p
}
