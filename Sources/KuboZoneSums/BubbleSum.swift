// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneIntegrals
import RealModule

/// A ``ZoneSum`` of loops on the real zone by `zone_bubbles`, eight stars at once: the Matsubara sums as
/// products of propagators, summed over poles, which need no distance between the bands nor from
/// omega = 0. What `zone_traces` cannot evaluate is left to the ``ZoneSum`` itself.
package struct BubbleSum: Sendable {
  package let sum: ZoneSum
  private let program: TraceProgram?
  private let poles: MatsubaraPoles
  private let contour: BandContour
  private var broadening: Double { sum.bubbles.line.broadening }
  private var channels: Int { 2 * sum.outputCount }

  /// The sum for |omega| up to `reach`.
  package init(_ sum: ZoneSum, reach: Double) {
    self.sum = sum
    contour = BandContour.realZone(sum.model)
    poles = MatsubaraPoles(
      temperature: sum.bubbles.line.temperature, broadening: sum.bubbles.line.broadening,
      reach: sum.model.energyBound + abs(sum.mu) + reach)
    let canEvaluate =
      sum.closedForms.isEmpty && poles.logarithm.count <= ZONE_LARGEST_RATIONAL
      && TraceProgram.canEvaluate(sum.weights, sum.model, sum.symmetries)
    program =
      canEvaluate
      ? TraceProgram(
        sum.weights, model: sum.model, directions: sum.directions,
        operations: ReciprocalOperation.withoutInversion(sum.symmetries),
        parts: { [.init(function: FastBubbles.bubbles.firstIndex(of: $0)!, sign: 1)] }) : nil
  }

  private struct Part: Sendable {
    var statics, sums, staticSizes, sizes, staticRounding, rounding: [Double]
  }

  /// ``ZoneSum/callAsFunction(divisions:omegas:withScales:)``.
  package func callAsFunction(divisions: Int, omegas: [Double], withScales: Bool) async throws
    -> ZoneSum.Result
  {
    guard let program else {
      return try await sum(divisions: divisions, omegas: omegas, withScales: withScales)
    }
    let grid = PeriodicGrid(sum.model, divisions: divisions, symmetries: sum.symmetries)
    let (channels, zeros) = (channels, [Double](repeating: 0, count: omegas.count * channels))
    let zero = Part(
      statics: Array(repeating: 0, count: channels), sums: zeros + zeros,
      staticSizes: Array(repeating: 0, count: channels), sizes: zeros,
      staticRounding: Array(repeating: 0, count: channels), rounding: zeros)
    let total = try await grid.inBlocks(threads: sum.threads, zero) {
      add(program, $0, omegas, withScales, &$1)
    }.added([\.statics, \.sums, \.staticSizes, \.sizes, \.staticRounding, \.rounding])
    let norm = 1 / (Double(grid.count) * sum.model.cellVolume)
    // The channels of an output are its real and its imaginary part at real k.
    func both(_ x: [Double], _ row: Int, _ factor: Double = 1) -> [Double] {
      (0..<sum.outputCount).map {
        factor * norm * (x[row * channels + 2 * $0] + x[row * channels + 2 * $0 + 1])
      }
    }
    // Of the sums of moduli Gauss's rule for the poles leaves 3e-14 (`MatsubaraPoles`), and rounding less than that.
    return ZoneSum.Result(
      statics: (0..<sum.outputCount).map {
        ComplexDouble(norm * total.statics[2 * $0], norm * total.statics[2 * $0 + 1])
      },
      quotients: omegas.indices.map { n in
        (0..<sum.outputCount).map { o in
          let (re, im) = (2 * n * channels + 2 * o, (2 * n + 1) * channels + 2 * o)
          return ComplexDouble(
            norm * (total.sums[re] - total.sums[im + 1]),
            norm * (total.sums[im] + total.sums[re + 1]))
        }
      }, staticScales: both(total.staticSizes, 0),
      scales: omegas.indices.map { both(total.sizes, $0) },
      staticRounding: both(total.staticRounding, 0, 5e-14),
      rounding: omegas.indices.map { both(total.rounding, $0, 5e-14) })
  }

  /// ``ZoneSum/values(_:omegas:isExact:)``.
  package func values(_ points: [SIMD3<Double>], omegas: [Double]) -> NestedIntegral.Values {
    guard let program else { return sum.values(points, omegas: omegas, isExact: false) }
    var buffer = StarBuffer()
    for f in points { buffer.add(f, size: Double(sum.symmetries.count)) }
    let (table, energy, difference) = table(program, buffer)
    let (stars, channels) = (table.stars, channels)
    var statics = [Double](repeating: 0, count: channels * stars)
    var values = [Double](repeating: 0, count: 2 * omegas.count * channels * stars)
    var logarithm = poles.logarithm
    table.withContour(program, energy: energy, difference: difference, channels: channels) {
      zone_bubble_values(
        &$0, points.count, &logarithm, broadening, Int32(omegas.count), omegas, &statics, &values)
    }
    let norm = 1 / sum.model.cellVolume
    func row(_ x: [Double], _ n: Int) -> Slice<[Double]> {
      Slice(base: x, bounds: (n * stars)..<(n * stars + points.count))
    }
    var components = (0..<channels).map { row(statics, $0).map { norm * $0 } }
    for n in omegas.indices {
      for o in 0..<sum.outputCount {
        let at = 2 * (n * channels + 2 * o)
        components.append(zip(row(values, at), row(values, at + 3)).map { norm * ($0 - $1) })
        components.append(zip(row(values, at + 1), row(values, at + 2)).map { norm * ($0 + $1) })
      }
    }
    let sizes = Set(omegas.map(abs)).subtracting([0]).sorted()
    let lower = Array(energy[..<points.count])
    let upper = points.indices.map { lower[$0] + difference[$0] }
    let shifts: [Double] = [0] + sizes + sizes.map { -$0 }
    var levels = shifts.flatMap { shift in [lower, upper].map { $0.map { $0 + shift } } }
    for size in sizes { levels.append(difference[..<points.count].map { $0 - size }) }
    return .init(components: components, levels: levels)
  }

  /// The table of stars with E_+ - mu and 2 Delta.
  private func table(_ program: TraceProgram, _ buffer: StarBuffer) -> (
    table: StarBuffer.Table, energy: [Double], difference: [Double]
  ) {
    let table = buffer.table(program, contour)
    let stars = table.stars
    return (
      table, (0..<stars).map { table.hopping[$0] - table.gap[$0] - sum.mu },
      (0..<stars).map { 2 * table.gap[$0] }
    )
  }

  private func add(
    _ program: TraceProgram, _ buffer: StarBuffer, _ omegas: [Double], _ withScales: Bool,
    _ part: inout Part
  ) {
    let (table, energy, difference) = table(program, buffer)
    var logarithm = poles.logarithm
    let stars = buffer.count
    part.statics.withUnsafeMutableBufferPointer { statics in
      part.sums.withUnsafeMutableBufferPointer { sums in
        part.staticSizes.withUnsafeMutableBufferPointer { staticSizes in
          part.sizes.withUnsafeMutableBufferPointer { sizes in
            part.staticRounding.withUnsafeMutableBufferPointer { staticRounding in
              part.rounding.withUnsafeMutableBufferPointer { rounding in
                var target = ZoneBubbleSums(
                  statics: statics.baseAddress, sums: sums.baseAddress,
                  static_sizes: withScales ? staticSizes.baseAddress : nil,
                  sizes: withScales ? sizes.baseAddress : nil,
                  static_rounding: withScales ? staticRounding.baseAddress : nil,
                  rounding: withScales ? rounding.baseAddress : nil)
                table.withContour(
                  program, energy: energy, difference: difference, channels: channels
                ) {
                  zone_bubbles(
                    &$0, stars, &logarithm, broadening, Int32(omegas.count), omegas, &target)
                }
              }
            }
          }
        }
      }
    }
  }
}
