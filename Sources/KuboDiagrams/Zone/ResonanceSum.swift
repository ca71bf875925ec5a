// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import RealModule

/// The terms that ``ContourSum`` leaves out at a frequency in resonance with the bands: the
/// retarded-retarded and advanced-advanced parts of (upper|lower) times
/// exp(-((2 Delta - omega)/strip)^2), on the real zone.
///
/// They are singular where E_- = omega and where E_+ = 0, with velocities that are all but
/// opposite, so that no deformation serves both: ``NestedIntegral`` integrates them where a grid
/// would have to be too fine.
package struct ResonanceSum: Sendable {
  let model: Model
  private let mu, broadening: Double
  private let symmetries: [ReciprocalOperation]
  /// The real zone.
  private let contour: BandContour
  private let program: TraceProgram
  private let poles: MatsubaraPoles
  private let threads: Int

  /// With `isReversed`, each channel's result at omega is the complex conjugate of that at -omega.
  package init(_ sum: ZoneSum, poles: MatsubaraPoles, isReversed: Bool = false) {
    model = sum.model
    mu = sum.mu
    broadening = sum.bubbles.line.broadening
    symmetries = sum.symmetries
    contour = BandContour(sum.model, .bonding, step: 0)
    self.poles = poles
    threads = sum.threads
    program = TraceProgram(
      sum.weights, model: sum.model, directions: sum.directions,
      operations: ReciprocalOperation.withoutInversion(sum.symmetries),
      parts: TraceProgram.parts(
        of: BubbleFunction.Kind.allCases.map {
          let function = BubbleFunction(a: .antibonding, c: .bonding, kind: $0)
          return isReversed ? function.reversed : function
        }))
  }

  /// What a grid gives.
  package struct Result: Sendable {
    /// The share of [K(omega) - K(0)]/omega, [frequency][channel].
    package var quotients: [[ComplexDouble]]
    /// The sums of the absolute terms.
    var sizes: [[Double]]
  }

  private struct Part: Sendable {
    var buffer = StarBuffer()
    var sums, sizes: [Double]
  }

  /// Sums the grid with `divisions` points along each reciprocal vector, at omega > 0.
  package func callAsFunction(
    divisions: Int, _ frequencies: [ContourSum.Frequency], channels: Int, withSizes: Bool = true
  ) async throws -> Result {
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    let omegas = frequencies.map(\.omega)
    let strips = frequencies.map(\.strip)
    var total = Part(
      sums: Array(repeating: 0, count: omegas.count * 2 * channels),
      sizes: Array(repeating: 0, count: omegas.count * channels))
    let parts = try await grid.accumulateFirst(threads: threads, total) { part in
      flush(omegas, strips, channels, withSizes, &part)
    } _: { part, f, size in
      part.buffer.add(f, size: size)
      if part.buffer.count == 512 { flush(omegas, strips, channels, withSizes, &part) }
    }
    for part in parts {
      for n in part.sums.indices { total.sums[n] += part.sums[n] }
      for n in part.sizes.indices { total.sizes[n] += part.sizes[n] }
    }
    let norm = 1 / (Double(grid.count) * model.cellVolume * 2 * .pi)
    return Result(
      quotients: omegas.indices.map { n in
        (0..<channels).map { c in
          let at = 2 * (n * channels + c)
          return ComplexDouble(-norm * total.sums[at + 1], norm * total.sums[at])
        }
      },
      sizes: omegas.indices.map { n in
        (0..<channels).map { total.sizes[n * channels + $0] * norm }
      })
  }

  /// The share of each of `points` and its images under all symmetries in [K(omega) - K(0)]/omega, as
  /// if the zone had volume 1, [channel][re, im][point]; and the levels whose zeros are singular.
  package func values(
    _ points: [SIMD3<Double>], _ frequency: ContourSum.Frequency, channels: Int
  ) -> (values: [Double], stride: Int, levels: [[Double]]) {
    var buffer = StarBuffer()
    for f in points { buffer.add(f, size: Double(symmetries.count)) }
    let (table, energy, difference) = table(buffer)
    let count = table.stars
    var sums = [Double](repeating: 0, count: 2 * channels * count)
    var logarithm = poles.logarithm
    table.withContour(program, energy: energy, difference: difference, channels: channels) {
      zone_resonance_values(
        &$0, &logarithm, broadening, frequency.omega, frequency.strip, &sums)
    }
    // K = i z/2 pi.
    let norm = 1 / (model.cellVolume * 2 * .pi)
    for c in 0..<channels {
      for n in 0..<points.count {
        let at = 2 * c * count + n
        (sums[at], sums[at + count]) = (-norm * sums[at + count], norm * sums[at])
      }
    }
    let lower = Array(energy[..<points.count])
    let upper = points.indices.map { lower[$0] + difference[$0] }
    return (
      sums, count,
      [
        lower, lower.map { $0 + frequency.omega }, upper, upper.map { $0 - frequency.omega },
        difference[..<points.count].map { $0 - frequency.omega },
      ]
    )
  }

  /// The table with E_+ - mu and 2 Delta.
  private func table(_ buffer: StarBuffer) -> (
    table: StarBuffer.Table, energy: [Double], difference: [Double]
  ) {
    let table = buffer.table(program, contour)
    var energy = table.hopping
    var difference = table.gap
    for n in 0..<table.stars {
      energy[n] -= table.gap[n] + mu
      difference[n] *= 2
    }
    return (table, energy, difference)
  }

  private func flush(
    _ omegas: [Double], _ strips: [Double], _ channels: Int, _ withSizes: Bool, _ part: inout Part
  ) {
    guard part.buffer.count > 0 else { return }
    let (table, energy, difference) = table(part.buffer)
    part.buffer = StarBuffer()
    var logarithm = poles.logarithm
    table.withContour(program, energy: energy, difference: difference, channels: channels) {
      zone in
      part.sizes.withUnsafeMutableBufferPointer { sizes in
        zone_resonance(
          &zone, &logarithm, broadening, Int32(omegas.count), omegas, strips, &part.sums,
          withSizes ? sizes.baseAddress : nil)
      }
    }
  }
}
