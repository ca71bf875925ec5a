// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import RealModule

/// The terms that ``ContourSum`` leaves out at a frequency in resonance with the bands: the
/// retarded-retarded and advanced-advanced parts of (upper|lower), on the real zone.
///
/// They are singular where E_- = omega and where E_+ = 0, with velocities that are all but
/// opposite, so that no deformation serves both; but only as a logarithm, cut off at Gamma.
package struct ResonanceSum: Sendable {
  let model: Model
  private let mu, broadening: Double
  private let symmetries: [ReciprocalOperation]
  private let program: TraceProgram
  private let poles: MatsubaraPoles
  private let threads: Int

  package init(_ sum: ZoneSum, poles: MatsubaraPoles) {
    model = sum.model
    mu = sum.mu
    broadening = sum.bubbles.line.broadening
    symmetries = sum.symmetries
    self.poles = poles
    threads = sum.threads
    program = TraceProgram(
      sum.weights, model: sum.model, directions: sum.directions,
      functions: BubbleFunction.Kind.allCases.map {
        BubbleFunction(a: .antibonding, c: .bonding, kind: $0)
      }, others: [])
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
  package func callAsFunction(divisions: Int, _ omegas: [Double], channels: Int) async throws
    -> Result
  {
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    var total = Part(
      sums: Array(repeating: 0, count: omegas.count * 2 * channels),
      sizes: Array(repeating: 0, count: omegas.count * channels))
    let jobs = max(1, min(128, grid.count / (symmetries.count * 256)))
    let parts = try await grid.accumulate(threads: threads, jobs: jobs, total) { part in
      flush(omegas, channels, &part)
    } _: { part, _, star in
      part.buffer.add(star, displacement: .zero, factor: .one, symmetries: symmetries)
      if part.buffer.count == 512 { flush(omegas, channels, &part) }
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

  private func flush(_ omegas: [Double], _ channels: Int, _ part: inout Part) {
    guard part.buffer.count > 0 else { return }
    var table = part.buffer.flush(program, dimension: model.dimension)
    let count = table.stars
    for n in 0..<count {
      table.hopping[n] -= table.gap[n] + mu
      table.gap[n] *= 2
    }
    var logarithm = poles.logarithm
    table.hopping.withUnsafeBufferPointer { energy in
      table.gap.withUnsafeBufferPointer { gap in
        table.slots.withUnsafeBufferPointer { slots in
          program.slotChannels.withUnsafeBufferPointer { slotChannels in
            program.slotFunctions.withUnsafeBufferPointer { slotFunctions in
              var zone = ZoneContour(
                blocks: table.blocks, energy: energy.baseAddress, difference: gap.baseAddress,
                slots: slots.baseAddress, slot_count: Int32(program.slots.count),
                channel_count: Int32(channels), slot_channel: slotChannels.baseAddress,
                slot_function: slotFunctions.baseAddress)
              zone_resonance(
                &zone, &logarithm, broadening, Int32(omegas.count), omegas, &part.sums,
                &part.sizes)
            }
          }
        }
      }
    }
  }
}
