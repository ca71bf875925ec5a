// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule

/// Stars of a grid on their way to the C loops: points are collected, their traces evaluated
/// together, and added up star by star.
struct StarBuffer: Sendable {
  private var reduced: [SIMD3<Double>] = []
  private var displacement: [SIMD3<Double>] = []
  private var weights: [ComplexDouble] = []
  private var stars: [Int32] = []
  private var first: [Int] = []
  /// The number of stars waiting.
  var count: Int { first.count }

  /// The stars of a flushed buffer, in blocks of 64.
  struct Table {
    let blocks: Int
    /// T and Delta at the first point of each star, [re, im][star].
    var hopping, gap: [Double]
    /// [block][slot][re, im, size][64].
    var slots: [Double]
    var stars: Int { blocks * Int(ZONE_BLOCK) }
  }

  /// Adds a star whose points lie at the images of `displacement` and count `factor` times their
  /// weights.
  mutating func add(
    _ star: [PeriodicGrid.StarPoint], displacement g: SIMD3<Double>, factor: ComplexDouble,
    symmetries: [ReciprocalOperation]
  ) {
    for (n, point) in star.enumerated() {
      if n == 0 { first.append(stars.count) }
      reduced.append(point.reduced)
      var image = SIMD3<Double>.zero
      if g != .zero {
        let rows = symmetries[point.operation].rows
        for a in rows.indices {
          image[a] = rows[a].indices.reduce(0.0) { $0 + Double(rows[a][$1]) * g[$1] }
        }
      }
      displacement.append(image)
      weights.append(factor.multiplied(by: point.weight))
      stars.append(Int32(first.count - 1))
    }
  }

  /// Empties the buffer into a table.
  mutating func flush(_ traces: TraceProgram, dimension: Int) -> Table {
    let points = (stars.count + 7) / 8 * 8
    let blocks = (first.count + Int(ZONE_BLOCK) - 1) / Int(ZONE_BLOCK)
    var f = [Double](repeating: 0, count: 2 * dimension * points)
    var w = [Double](repeating: 0, count: 2 * points)
    for n in stars.indices {
      for a in 0..<dimension {
        f[2 * a * points + n] = reduced[n][a]
        f[(2 * a + 1) * points + n] = displacement[n][a]
      }
      w[n] = weights[n].real
      w[points + n] = weights[n].imaginary
    }
    let own = stars + [Int32](repeating: 0, count: points - stars.count)
    var hopping = [Double](repeating: 0, count: 2 * points)
    var gap = hopping
    var slots = [Double](
      repeating: 0, count: blocks * traces.slots.count * 3 * Int(ZONE_BLOCK))
    withUnsafePointer(to: traces.program) { program in
      zone_traces(program, points, f, w, own, &slots, &hopping, &gap)
    }
    let count = blocks * Int(ZONE_BLOCK)
    // Stars that fill up the last block: any real energies, weight 0.
    var table = Table(
      blocks: blocks, hopping: [Double](repeating: 0, count: 2 * count),
      gap: [Double](repeating: 1, count: count) + [Double](repeating: 0, count: count),
      slots: slots)
    for (n, point) in first.enumerated() {
      table.hopping[n] = hopping[point]
      table.hopping[count + n] = hopping[points + point]
      table.gap[n] = gap[point]
      table.gap[count + n] = gap[points + point]
    }
    self = StarBuffer()
    return table
  }
}
