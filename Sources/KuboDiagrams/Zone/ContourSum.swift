// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import RealModule

/// The zone average of loops at constant lifetime, each band's terms on its own ``BandContour``.
///
/// Partial fractions make every term singular at one band's energy only, retarded or advanced. The
/// retarded terms of band s are summed where Im E_s < 0; the advanced ones on the conjugate
/// surface, where they are the conjugates of retarded functions, since all weights are
/// real-analytic. The guide CONTOURS.md derives the terms.
///
/// At a frequency that two bands can resonate with, the retarded-retarded and advanced-advanced
/// parts of that pair do not come apart: they are left to ``ResonanceSum``.
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

  package init(_ sum: ZoneSum, contours: [BandContour], poles: MatsubaraPoles) {
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
        sum.weights, model: sum.model, directions: sum.directions, functions: functions,
        others: others)
    }
  }

  /// The frequencies to sum: |omega|, and whether the bands can resonate.
  package struct Frequency: Sendable {
    let omega: Double
    let isResonant: Bool

    package init(omega: Double, isResonant: Bool) {
      self.omega = omega
      self.isResonant = isResonant
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
    var closed: [ComplexDouble] = []
    var sums, statics, sizes, staticSizes: [Double]
  }

  /// Sums the grid with `divisions` points along each reciprocal vector.
  package func callAsFunction(divisions: Int, _ frequencies: [Frequency], channels: Int)
    async throws
    -> Result
  {
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
        flush(s, frequencies, channels, &part)
      } _: { part, index, star in
        let moved = contours[s.rawValue].displacement(grid.point(index))
        if bands.contains(s) { addClosed(s, star, moved, &part) }
        part.buffer.add(
          star, displacement: moved.reduced, factor: moved.jacobian, symmetries: symmetries)
        if part.buffer.count == 512 { flush(s, frequencies, channels, &part) }
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
    _ moved: (reduced: SIMD3<Double>, jacobian: ComplexDouble, slope: Double), _ part: inout Part
  ) {
    guard !closedForms.isEmpty else { return }
    var sums = [ComplexDouble](repeating: .zero, count: closedForms.count)
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
        sums[c] +=
          (moved.jacobian * closed.form.weight(frame, s, closed.version))
          .multiplied(by: point.weight)
      }
    }
    part.closed += sums
  }

  private func flush(_ s: Band, _ frequencies: [Frequency], _ channels: Int, _ part: inout Part) {
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
          let at = (n / block * program.slots.count + slot) * 2 * block + n % block
          table.slots[at] += value.real
          table.slots[at + block] += value.imaginary
        }
      }
      part.closed = []
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
    let resonant: [Int32] = frequencies.map { $0.isResonant ? 1 : 0 }
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
              zone_contour(
                &contour, &logarithm, broadening, s == .antibonding ? 1 : 0,
                Int32(omegas.count), omegas, resonant, &part.sums, &part.statics, &part.sizes,
                &part.staticSizes)
            }
          }
        }
      }
    }
  }
}
