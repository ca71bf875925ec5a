// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops

/// Stars on their way to the C loops: their first points are collected and evaluated together, with
/// all their images.
package struct StarBuffer: Sendable {
  /// Reduced wave vectors of the first points, and the sizes of their stars.
  package private(set) var points: [SIMD3<Double>] = []
  package private(set) var sizes: [Double] = []

  package init(points: [SIMD3<Double>] = [], sizes: [Double] = []) {
    self.points = points
    self.sizes = sizes
  }
  /// The number of stars waiting.
  package var count: Int { points.count }
  /// With those that fill up the last block.
  var stars: Int { blocks * Int(ZONE_BLOCK) }
  private var blocks: Int { (count + Int(ZONE_BLOCK) - 1) / Int(ZONE_BLOCK) }

  /// The stars in blocks of 64, the last one filled up with stars of weight 0.
  package struct Table {
    package let blocks: Int
    /// T and Delta of each star, [re, im][star].
    package var hopping, gap: [Double]
    /// [block][slot][re, im, size][64].
    package var slots: [Double]
    /// The first points, [axis][re, im][star], and their weights times the Jacobian, [re, im][star].
    package let points, weights: [Double]
    package var stars: Int { blocks * Int(ZONE_BLOCK) }

    /// The table as the C loops take it, with `energy` and `difference` of each star, [re, im][star].
    func withContour<R>(
      _ program: TraceProgram, energy: [Double], difference: [Double], channels: Int,
      _ body: (inout ZoneContour) -> R
    ) -> R {
      energy.withUnsafeBufferPointer { energy in
        difference.withUnsafeBufferPointer { difference in
          slots.withUnsafeBufferPointer { slots in
            program.slotChannels.withUnsafeBufferPointer { slotChannels in
              program.slotFunctions.withUnsafeBufferPointer { slotFunctions in
                var contour = ZoneContour(
                  blocks: blocks, energy: energy.baseAddress, difference: difference.baseAddress,
                  slots: slots.baseAddress, slot_count: Int32(program.slots.count),
                  channel_count: Int32(channels), slot_channel: slotChannels.baseAddress,
                  slot_function: slotFunctions.baseAddress)
                return body(&contour)
              }
            }
          }
        }
      }
    }
  }

  /// Adds the star of a point, of `size` points.
  package mutating func add(_ f: SIMD3<Double>, size: Double) {
    points.append(f)
    sizes.append(size)
  }

  /// The first points displaced by a contour, [axis][re, im][star], and their weights times the
  /// Jacobian, [re, im][star], for C loops that sum over the images of `crystal`.
  package func displaced(_ crystal: TraceProgram, _ contour: some DisplacedZone) -> (
    blocks: Int, points: [Double], weights: [Double]
  ) {
    let dimension = contour.model.dimension
    var f = [Double](repeating: 0, count: 2 * dimension * stars)
    var weights = [Double](repeating: 0, count: 2 * stars)
    for (n, point) in points.enumerated() {
      for a in 0..<dimension { f[2 * a * stars + n] = point[a] }
    }
    var jacobian = [Double](repeating: 1, count: stars) + [Double](repeating: 0, count: stars)
    var displacement = contour.displacement
    if displacement.step != 0 {
      withUnsafePointer(to: crystal.program) { program in
        zone_displacements(program, blocks, contour.metric, &displacement, &f, &jacobian)
      }
    }
    let share = 1 / Double(crystal.operationCount)
    for (n, size) in sizes.enumerated() {
      weights[n] = jacobian[n] * size * share
      weights[stars + n] = jacobian[stars + n] * size * share
    }
    return (blocks, f, weights)
  }

  /// The table of the stars, the points displaced by a contour.
  package func table(_ traces: TraceProgram, _ contour: some DisplacedZone) -> Table {
    let (blocks, f, weights) = displaced(traces, contour)
    var hopping = [Double](repeating: 0, count: 2 * stars)
    var gap = hopping
    var slots = [Double](repeating: 0, count: stars * traces.slots.count * 3)
    withUnsafePointer(to: traces.program) {
      zone_traces($0, blocks, f, weights, &slots, &hopping, &gap)
    }
    return Table(
      blocks: blocks, hopping: hopping, gap: gap, slots: slots, points: f, weights: weights)
  }
}

extension PeriodicGrid {
  /// Hands the stars of the grid on in blocks of at most 512: each job starts from `zero` and adds its blocks, and
  /// the parts come back in an order that does not depend on the number of threads.
  package func inBlocks<Part: Sendable>(
    threads: Int, _ zero: Part,
    _ add: @escaping @Sendable (_ buffer: StarBuffer, _ part: inout Part) -> Void
  ) async throws -> [Part] {
    @Sendable func flush(_ both: inout (buffer: StarBuffer, part: Part)) {
      if both.buffer.count > 0 { add(both.buffer, &both.part) }
      both.buffer = StarBuffer()
    }
    return try await accumulateFirst(
      threads: threads, (buffer: StarBuffer(), part: zero), finish: { flush(&$0) }
    ) { both, f, size in
      both.buffer.add(f, size: size)
      if both.buffer.count == 512 { flush(&both) }
    }.map(\.part)
  }
}

extension Array where Element: Sendable {
  /// The parts of a sum in one, the arrays of `sums` added element by element, in order.
  func added(_ sums: [WritableKeyPath<Element, [Double]>]) -> Element {
    dropFirst().reduce(into: self[0]) { total, part in
      for path in sums {
        for (n, x) in part[keyPath: path].enumerated() { total[keyPath: path][n] += x }
      }
    }
  }
}
