// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import RealModule

/// The terms that ``ContourSum`` leaves out at a frequency in resonance with the bands: the
/// retarded-retarded and advanced-advanced parts of (upper|lower) times
/// exp(-((2 Delta - omega)/strip)^2), on the real zone.
///
/// They are singular where E_- = omega and where E_+ = 0, with velocities that are all but
/// opposite, so that no deformation serves both. Their zone average, though, is an analytic function
/// of the complex chemical potential mu + i Gamma in the upper half-plane, whose singularities lie at
/// the few real mu where one of the surfaces, or the contact of the two, has a critical point. So it
/// is continued from a larger width, `depth`, where a coarse grid is enough, by its Taylor
/// polynomial in i (Gamma - depth): every term of l(p) is replaced by its own. The polynomial
/// converges like (depth/r)^order, r the distance from mu + i depth to the nearest singularity; the
/// sums at a third, two thirds and all of the orders show how fast.
package struct ResonanceSum: Sendable {
  let model: Model
  private let mu, broadening: Double
  private let symmetries: [ReciprocalOperation]
  private let program: TraceProgram
  private let poles: MatsubaraPoles
  private let threads: Int

  /// With `isReversed`, each channel's result at omega is the complex conjugate of that at -omega.
  package init(_ sum: ZoneSum, poles: MatsubaraPoles, isReversed: Bool = false) {
    model = sum.model
    mu = sum.mu
    broadening = sum.bubbles.line.broadening
    symmetries = sum.symmetries
    self.poles = poles
    threads = sum.threads
    program = TraceProgram(
      sum.weights, model: sum.model, directions: sum.directions,
      functions: BubbleFunction.Kind.allCases.map {
        let function = BubbleFunction(a: .antibonding, c: .bonding, kind: $0)
        return isReversed ? function.reversed : function
      }, others: [])
  }

  /// What a grid gives.
  package struct Result: Sendable {
    /// The share of [K(omega) - K(0)]/omega, [frequency][channel].
    package var quotients: [[ComplexDouble]]
    /// The same at two thirds and at a third of the orders; empty at order 0.
    var lower: [[[ComplexDouble]]]
    /// The sums of the absolute terms.
    var sizes: [[Double]]
  }

  private struct Part: Sendable {
    var buffer = StarBuffer()
    var sums, sizes: [Double]
  }

  /// Sums the grid with `divisions` points along each reciprocal vector, at omega > 0; `order` is 0
  /// or a multiple of 3.
  package func callAsFunction(
    divisions: Int, _ frequencies: [ContourSum.Frequency], channels: Int, depth: Double = 0,
    order: Int = 0, withSizes: Bool = true
  ) async throws -> Result {
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    let omegas = frequencies.map(\.omega)
    let strips = frequencies.map(\.strip)
    var total = Part(
      sums: Array(repeating: 0, count: (order > 0 ? 3 : 1) * omegas.count * 2 * channels),
      sizes: Array(repeating: 0, count: omegas.count * channels))
    let jobs = max(1, min(128, grid.count / (symmetries.count * 256)))
    let parts = try await grid.accumulate(threads: threads, jobs: jobs, total) { part in
      flush(omegas, strips, channels, depth, order, withSizes, &part)
    } _: { part, _, star in
      part.buffer.add(star, displacement: .zero, factor: .one, symmetries: symmetries)
      if part.buffer.count == 512 {
        flush(omegas, strips, channels, depth, order, withSizes, &part)
      }
    }
    for part in parts {
      for n in part.sums.indices { total.sums[n] += part.sums[n] }
      for n in part.sizes.indices { total.sizes[n] += part.sizes[n] }
    }
    let norm = 1 / (Double(grid.count) * model.cellVolume * 2 * .pi)
    let sums = total.sums
    let orders = (0..<(order > 0 ? 3 : 1)).map { k in
      omegas.indices.map { n in
        (0..<channels).map { c in
          let at = 2 * ((k * omegas.count + n) * channels + c)
          return ComplexDouble(-norm * sums[at + 1], norm * sums[at])
        }
      }
    }
    return Result(
      quotients: orders.last!, lower: orders.dropLast().reversed(),
      sizes: omegas.indices.map { n in
        (0..<channels).map { total.sizes[n * channels + $0] * norm }
      })
  }

  private func flush(
    _ omegas: [Double], _ strips: [Double], _ channels: Int, _ depth: Double, _ order: Int,
    _ withSizes: Bool, _ part: inout Part
  ) {
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
              part.sizes.withUnsafeMutableBufferPointer { sizes in
                zone_resonance(
                  &zone, &logarithm, broadening, depth, Int32(order), Int32(omegas.count), omegas,
                  strips, &part.sums, withSizes ? sizes.baseAddress : nil)
              }
            }
          }
        }
      }
    }
  }
}
