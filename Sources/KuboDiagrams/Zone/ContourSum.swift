// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import RealModule

/// The zone average of loops at constant lifetime, each band's terms on its own ``BandContour``.
///
/// Partial fractions make every term singular at one band's energy only, retarded or advanced. The
/// retarded terms of band s are summed where Im E_s < 0; the advanced ones on the conjugate
/// surface, where they are the conjugates of retarded functions, since all weights are
/// real-analytic. docs/zone-integrals.md derives the terms.
///
/// At a frequency omega that two bands can resonate with, the retarded-retarded and
/// advanced-advanced parts of that pair come apart only away from D = 2 Delta - omega = 0: times
/// 1 - exp(-(D/strip)^2), which makes 1/D and 1/D^2 entire. The rest, in a strip, is left to
/// ``ResonanceSum``.
package struct ContourSum: Sendable {
  let model: Model
  let mu, broadening: Double
  /// The contours of the bonding and the antibonding band.
  let contours: [BandContour]
  private let symmetries: [ReciprocalOperation]
  private let hamiltonian: BlochHamiltonian
  private let programs: [TraceProgram]
  private let closedForms: [(form: ClosedForm, version: Version)]
  private let loopCount: Int
  private let bands: [Band]
  private let poles: MatsubaraPoles
  private let threads: Int

  /// With `isReversed`, each channel's result at omega is the complex conjugate of that at -omega.
  package init(
    _ sum: ZoneSum, contours: [BandContour], poles: MatsubaraPoles, isReversed: Bool = false
  ) {
    model = sum.model
    mu = sum.mu
    broadening = sum.bubbles.line.broadening
    self.contours = contours
    symmetries = sum.symmetries
    hamiltonian = sum.hamiltonian
    closedForms = sum.closedForms
    loopCount = sum.weights.sumCount
    bands = sum.bands
    self.poles = poles
    threads = sum.threads
    programs = Band.allCases.map { s in
      let other: Band = s == .bonding ? .antibonding : .bonding
      let functions = [(s, s), (s, other), (other, s)].flatMap { a, c in
        BubbleFunction.Kind.allCases.map { BubbleFunction(a: a, c: c, kind: $0) }
      }
      let others =
        sum.bands.contains(s)
        ? sum.closedForms.indices.map {
          TraceProgram.Slot(channel: 2 * (sum.weights.sumCount + $0), function: 0)
        } : []
      return TraceProgram(
        sum.weights, model: sum.model, directions: sum.directions,
        functions: isReversed ? functions.map(\.reversed) : functions,
        others: others)
    }
  }

  /// A frequency to sum.
  package struct Frequency: Sendable {
    /// |omega|.
    let omega: Double
    /// 0 where the bands cannot resonate; otherwise the width of the strip around 2 Delta = omega
    /// whose retarded-retarded and advanced-advanced terms are left to ``ResonanceSum``, infinity for
    /// all of them.
    let strip: Double

    package init(omega: Double, strip: Double) {
      self.omega = omega
      self.strip = strip
    }
  }

  /// Sums over one grid of all channels.
  package struct Result: Sendable {
    /// K(0) of each channel.
    package var statics: [Double]
    /// [K(omega) - K(0)]/omega, [frequency][channel], less what ``ResonanceSum`` adds.
    package var quotients: [[ComplexDouble]]
    /// The sums of the absolute terms.
    var staticSizes: [Double]
    var sizes: [[Double]]
  }

  private struct Part: Sendable {
    var buffer = StarBuffer()
    /// The weights of the closed forms for each star waiting, and their absolute sums.
    var closed: [ComplexDouble] = []
    var closedSizes: [Double] = []
    var sums, statics, sizes, staticSizes: [Double]
  }

  /// Sums the grid with `divisions` points along each reciprocal vector.
  ///
  /// Without `withSizes` the sizes come back as 0; they cost as much as the rest.
  package func callAsFunction(
    divisions: Int, _ frequencies: [Frequency], channels: Int, withSizes: Bool = true
  ) async throws -> Result {
    var total = Part(
      sums: Array(repeating: 0, count: frequencies.count * 2 * channels),
      statics: Array(repeating: 0, count: 2 * channels),
      sizes: Array(repeating: 0, count: frequencies.count * channels),
      staticSizes: Array(repeating: 0, count: channels))
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    let empty = total
    let jobs = max(1, min(128, grid.count / (symmetries.count * 256)))
    for s in Band.allCases {
      let parts = try await grid.accumulate(threads: threads, jobs: jobs, empty) { part in
        flush(s, frequencies, channels, withSizes, &part)
      } _: { part, index, star in
        let moved = contours[s.rawValue].displacement(grid.point(index))
        if bands.contains(s) { addClosed(s, star, moved, &part) }
        part.buffer.add(
          star, displacement: moved.reduced, factor: moved.jacobian, symmetries: symmetries)
        if part.buffer.count == 512 { flush(s, frequencies, channels, withSizes, &part) }
      }
      for part in parts {
        for n in part.sums.indices { total.sums[n] += part.sums[n] }
        for n in part.statics.indices { total.statics[n] += part.statics[n] }
        for n in part.sizes.indices { total.sizes[n] += part.sizes[n] }
        for n in part.staticSizes.indices { total.staticSizes[n] += part.staticSizes[n] }
      }
    }
    // K = i z/2 pi.
    let norm = 1 / (Double(grid.count) * model.cellVolume * 2 * .pi)
    return Result(
      statics: (0..<channels).map { -norm * total.statics[2 * $0 + 1] },
      quotients: frequencies.indices.map { n in
        (0..<channels).map { c in
          let at = 2 * (n * channels + c)
          return ComplexDouble(-norm * total.sums[at + 1], norm * total.sums[at])
        }
      },
      staticSizes: total.staticSizes.map { $0 * norm },
      sizes: frequencies.indices.map { n in
        (0..<channels).map { total.sizes[n * channels + $0] * norm }
      })
  }

  private func addClosed(
    _ s: Band, _ star: [PeriodicGrid.StarPoint],
    _ moved: (reduced: SIMD3<Double>, jacobian: ComplexDouble), _ part: inout Part
  ) {
    guard !closedForms.isEmpty else { return }
    var sums = [ComplexDouble](repeating: .zero, count: closedForms.count)
    var sizes = [Double](repeating: 0, count: closedForms.count)
    let reciprocal = model.reciprocalVectors.map(packed)
    for point in star {
      let rows = symmetries[point.operation].rows
      var shift = SIMD3<Double>.zero
      for a in rows.indices {
        shift +=
          reciprocal[a]
          * rows[a].indices.reduce(0.0) { $0 + Double(rows[a][$1]) * moved.reduced[$1] }
      }
      let frame = hamiltonian.frame(at: WaveVector(real: point.k.real, imaginary: shift))
      for (c, closed) in closedForms.enumerated() {
        let value = (moved.jacobian * closed.form.weight(frame, s, closed.version))
          .multiplied(by: point.weight)
        sums[c] += value
        sizes[c] += value.length
      }
    }
    part.closed += sums
    part.closedSizes += sizes
  }

  private func flush(
    _ s: Band, _ frequencies: [Frequency], _ channels: Int, _ withSizes: Bool, _ part: inout Part
  ) {
    guard part.buffer.count > 0 else { return }
    let program = programs[s.rawValue]
    let stars = part.buffer.count
    var table = part.buffer.flush(program, dimension: model.dimension)
    let block = Int(ZONE_BLOCK)
    if !part.closed.isEmpty {
      for c in closedForms.indices {
        let slot = program.slots.firstIndex(
          of: TraceProgram.Slot(channel: 2 * (loopCount + c), function: 0))!
        for n in 0..<stars {
          let value = part.closed[n * closedForms.count + c]
          let at = (n / block * program.slots.count + slot) * 3 * block + n % block
          table.slots[at] += value.real
          table.slots[at + block] += value.imaginary
          table.slots[at + 2 * block] += part.closedSizes[n * closedForms.count + c]
        }
      }
      part.closed = []
      part.closedSizes = []
    }
    // x_s = T -+ Delta - mu; x_s - x_o = -+ 2 Delta.
    let sign = -s.sign
    let count = table.stars
    var energy = [Double](repeating: 0, count: 2 * count)
    for n in 0..<count {
      energy[n] = table.hopping[n] + sign * table.gap[n] - mu
      energy[count + n] = table.hopping[count + n] + sign * table.gap[count + n]
      table.gap[n] *= 2 * sign
      table.gap[count + n] *= 2 * sign
    }
    let omegas = frequencies.map(\.omega)
    let strips = frequencies.map(\.strip)
    var logarithm = poles.logarithm
    energy.withUnsafeBufferPointer { energy in
      table.gap.withUnsafeBufferPointer { gap in
        table.slots.withUnsafeBufferPointer { slots in
          program.slotChannels.withUnsafeBufferPointer { slotChannels in
            program.slotFunctions.withUnsafeBufferPointer { slotFunctions in
              var contour = ZoneContour(
                blocks: table.blocks, energy: energy.baseAddress, difference: gap.baseAddress,
                slots: slots.baseAddress, slot_count: Int32(program.slots.count),
                channel_count: Int32(channels), slot_channel: slotChannels.baseAddress,
                slot_function: slotFunctions.baseAddress)
              part.sizes.withUnsafeMutableBufferPointer { sizes in
                part.staticSizes.withUnsafeMutableBufferPointer { staticSizes in
                  zone_contour(
                    &contour, &logarithm, broadening, s == .antibonding ? 1 : 0,
                    Int32(omegas.count), omegas, strips, &part.sums, &part.statics,
                    withSizes ? sizes.baseAddress : nil, withSizes ? staticSizes.baseAddress : nil)
                }
              }
            }
          }
        }
      }
    }
  }
}
