// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneIntegrals
import RealModule

/// A ``ZoneSum`` on the real zone by `zone_bubbles`, eight stars at once: the Matsubara sums as
/// products of propagators, summed over poles, which need no distance between the bands nor from
/// omega = 0. What `zone_traces` cannot evaluate, as loops of four propagators, is left to the ``ZoneSum`` itself.
package struct BubbleSum: Sendable {
  package let sum: ZoneSum
  private enum Route: Sendable {
    case stars(TraceProgram, MatsubaraPoles)
    case points(ClosedFormBubble)
  }
  private let route: Route
  private let contour: BandContour
  private var channels: Int { 2 * sum.outputCount }

  /// The bubbles of closed forms, by their place in `Bubble.known`.
  private static let closedForms = Band.allCases.map { s in
    (band: s, number: Bubble.known.firstIndex(of: Bubble(plus: [s], inner: [s]))!)
  }

  /// The sum for |omega| up to `reach`.
  package init(_ sum: ZoneSum, reach: Double) {
    self.sum = sum
    contour = BandContour.realZone(sum.model)
    let poles = MatsubaraPoles(
      temperature: sum.temperature, broadening: sum.broadening,
      reach: sum.model.energyBound + abs(sum.mu) + reach)
    guard poles.logarithm.count <= ZONE_LARGEST_RATIONAL,
      TraceProgram.canEvaluate(sum.weights, sum.model, sum.symmetries)
    else {
      route = .points(sum.closedFormBubbles(reach: reach))
      return
    }
    route = .stars(
      TraceProgram(
        sum.weights, model: sum.model, directions: sum.directions,
        operations: ReciprocalOperation.withoutInversion(sum.symmetries),
        parts: { [.init(function: Bubble.known.firstIndex(of: $0)!, sign: 1)] },
        others: sum.closedSlots(BubbleSum.closedForms)), poles)
  }

  /// ``ZoneSum/callAsFunction(divisions:omegas:withScales:)``.
  package func callAsFunction(divisions: Int, omegas: [Double], withScales: Bool) async throws
    -> ZoneSum.Result
  {
    guard case .stars(let program, let poles) = route else {
      return try await sum(divisions: divisions, omegas: omegas, withScales: withScales)
    }
    let grid = PeriodicGrid(sum.model, divisions: divisions, symmetries: sum.symmetries)
    // Where what `ZoneBubbleSums` names begins.
    let (one, all) = (channels, omegas.count * channels)
    let (staticSizes, staticRounding, sums) = (one, 2 * one, 3 * one)
    let (sizes, rounding) = (sums + 2 * all, sums + 3 * all)
    let zeros = [Double](repeating: 0, count: sums + 4 * all)
    let total = try await grid.inBlocks(threads: sum.threads, zeros) { buffer, part in
      part.withUnsafeMutableBufferPointer {
        let to = $0.baseAddress!
        _ = add(
          program, poles, buffer, omegas,
          ZoneBubbleSums(
            statics: to, sums: to + sums, static_sizes: withScales ? to + staticSizes : nil,
            sizes: withScales ? to + sizes : nil,
            static_rounding: withScales ? to + staticRounding : nil,
            rounding: withScales ? to + rounding : nil))
      }
    }.added([\.self])
    let norm = 1 / (Double(grid.count) * sum.model.cellVolume)
    // The channels of an output are its real and its imaginary part at real k.
    func both(_ from: Int, _ row: Int = 0, _ factor: Double = 1) -> [Double] {
      (0..<sum.outputCount).map {
        let at = from + row * channels + 2 * $0
        return factor * norm * (total[at] + total[at + 1])
      }
    }
    // Of the sums of moduli Gauss's rule for the poles leaves 3e-14 (`MatsubaraPoles`), and rounding less than that.
    return ZoneSum.Result(
      statics: (0..<sum.outputCount).map {
        ComplexDouble(norm * total[2 * $0], norm * total[2 * $0 + 1])
      },
      quotients: omegas.indices.map { n in
        (0..<sum.outputCount).map { o in
          let at = sums + 2 * (n * channels + 2 * o)
          return ComplexDouble(
            norm * (total[at] - total[at + 3]), norm * (total[at + 1] + total[at + 2]))
        }
      }, staticScales: both(staticSizes), scales: omegas.indices.map { both(sizes, $0) },
      staticRounding: both(staticRounding, 0, 5e-14),
      rounding: omegas.indices.map { both(rounding, $0, 5e-14) })
  }

  /// ``ZoneSum/values(_:omegas:_:)``.
  package func values(_ points: [SIMD3<Double>], omegas: [Double]) -> NestedIntegral.Values {
    let (program, poles): (TraceProgram, MatsubaraPoles)
    switch route {
    case .stars(let a, let b): (program, poles) = (a, b)
    case .points(let bubbles): return sum.values(points, omegas: omegas, bubbles)
    }
    var buffer = StarBuffer()
    for f in points { buffer.add(f, size: Double(sum.symmetries.count)) }
    let stars = buffer.stars
    var statics = [Double](repeating: 0, count: channels * stars)
    var values = [Double](repeating: 0, count: 2 * omegas.count * channels * stars)
    let (lower, difference) = statics.withUnsafeMutableBufferPointer { statics in
      values.withUnsafeMutableBufferPointer { values in
        add(
          program, poles, buffer, omegas,
          ZoneBubbleSums(
            statics: statics.baseAddress, sums: values.baseAddress, static_sizes: nil, sizes: nil,
            static_rounding: nil, rounding: nil), isApart: true)
      }
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
    return .init(
      components: components,
      levels: ZoneSum.levels(
        Array(lower[..<points.count]), Array(difference[..<points.count]), omegas))
  }

  /// Adds the stars of a buffer, or with `isApart` each to its own place, and returns E_+ - mu and 2 Delta.
  private func add(
    _ program: TraceProgram, _ poles: MatsubaraPoles, _ buffer: StarBuffer, _ omegas: [Double],
    _ target: ZoneBubbleSums, isApart: Bool = false
  ) -> (lower: [Double], difference: [Double]) {
    var table = buffer.table(program, contour)
    sum.addClosed(BubbleSum.closedForms, program, to: &table)
    let lower = (0..<table.stars).map { table.hopping[$0] - table.gap[$0] - sum.mu }
    let difference = (0..<table.stars).map { 2 * table.gap[$0] }
    var (logarithm, target) = (poles.logarithm, target)
    table.withContour(program, energy: lower, difference: difference, channels: channels) {
      zone_bubbles(
        &$0, buffer.count, &logarithm, sum.broadening, Int32(omegas.count), omegas,
        isApart ? 1 : 0, &target)
    }
    return (lower, difference)
  }
}
