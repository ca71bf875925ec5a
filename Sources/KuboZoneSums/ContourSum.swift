// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops
import RealModule

/// The zone average of loops at constant lifetime, each band's terms on its own `BandContour`.
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
  private let sum: ZoneSum
  /// The contours of the bonding and the antibonding band.
  package let contours: [BandContour]
  private let programs: [TraceProgram]
  private let poles: MatsubaraPoles

  /// With `isReversed`, each channel's result at omega is the complex conjugate of that at -omega.
  package init(
    _ sum: ZoneSum, contours: [BandContour], poles: MatsubaraPoles, isReversed: Bool = false
  ) {
    self.sum = sum
    self.contours = contours
    self.poles = poles
    let operations = ReciprocalOperation.withoutInversion(sum.symmetries)
    programs = Band.allCases.map { s in
      let other: Band = s == .bonding ? .antibonding : .bonding
      let functions = [(s, s), (s, other), (other, s)].flatMap { a, c in
        BubbleFunction.Kind.allCases.map { BubbleFunction(a: a, c: c, kind: $0) }
      }
      return TraceProgram(
        sum.weights, model: sum.model, directions: sum.directions, operations: operations,
        parts: TraceProgram.parts(of: isReversed ? functions.map(\.reversed) : functions),
        others: sum.closedSlots([(s, 0)]))
    }
  }

  /// What of a pair of bands in resonance is left to ``ResonanceSum``.
  package enum Split: Sendable, Equatable {
    /// Nothing: the bands cannot resonate.
    case none
    /// The retarded-retarded and advanced-advanced terms within about this width of 2 Delta = omega.
    case strip(Double)
    /// All of these terms.
    case allOneSided
    /// The retarded-advanced ones too.
    case everything

    /// As the C loops take it.
    var left: ZoneSplit {
      switch self {
      case .none: ZoneSplit(kind: ZONE_LEAVES_NOTHING, width: 0)
      case .strip(let width): ZoneSplit(kind: ZONE_LEAVES_STRIP, width: width)
      case .allOneSided: ZoneSplit(kind: ZONE_LEAVES_ONE_SIDED, width: 0)
      case .everything: ZoneSplit(kind: ZONE_LEAVES_EVERYTHING, width: 0)
      }
    }
  }

  /// A frequency to sum.
  package struct Frequency: Sendable {
    /// |omega|.
    package let omega: Double
    /// What is left out.
    package let split: Split

    package init(omega: Double, split: Split) {
      self.omega = omega
      self.split = split
    }
  }

  /// Sums over one grid of all channels.
  package struct Result: Sendable {
    /// K(0) of each channel.
    package var statics: [Double]
    /// [K(omega) - K(0)]/omega, [frequency][channel], less what ``ResonanceSum`` adds.
    package var quotients: [[ComplexDouble]]
    /// The sums of the absolute terms.
    package var staticSizes: [Double]
    package var sizes: [[Double]]
    /// The same of each over the distance in energy of its nearest singularity.
    package var staticRoundings: [Double]
    package var roundings: [[Double]]
  }

  private struct Part: Sendable {
    var sums, statics, sizes, staticSizes, roundings, staticRoundings: [Double]
  }

  /// Sums the grid with `divisions` points along each reciprocal vector.
  ///
  /// Without `withSizes` the sizes and roundings come back as 0; they cost as much as the rest.
  package func callAsFunction(
    divisions: Int, _ frequencies: [Frequency], channels: Int, withSizes: Bool = true
  ) async throws -> Result {
    let zero = Part(
      sums: Array(repeating: 0, count: frequencies.count * 2 * channels),
      statics: Array(repeating: 0, count: 2 * channels),
      sizes: Array(repeating: 0, count: frequencies.count * channels),
      staticSizes: Array(repeating: 0, count: channels),
      roundings: Array(repeating: 0, count: frequencies.count * channels),
      staticRoundings: Array(repeating: 0, count: channels))
    let grid = PeriodicGrid(sum.model, divisions: divisions, symmetries: sum.symmetries)
    // Both contours lie over the same real points.
    let total = try await grid.inBlocks(threads: sum.threads, zero) { buffer, part in
      for s in Band.allCases { add(s, buffer, frequencies, channels, withSizes, &part) }
    }.added([\.sums, \.statics, \.sizes, \.staticSizes, \.roundings, \.staticRoundings])
    let norm = 1 / (Double(grid.count) * sum.model.cellVolume * 2 * .pi)
    return Result(
      statics: total.statics.quotients(channels, norm)[0].map(\.real),
      quotients: total.sums.quotients(channels, norm),
      staticSizes: total.staticSizes.map { $0 * norm }, sizes: total.sizes.rows(channels, norm),
      staticRoundings: total.staticRoundings.map { $0 * norm },
      roundings: total.roundings.rows(channels, norm))
  }

  private func add(
    _ s: Band, _ buffer: StarBuffer, _ frequencies: [Frequency], _ channels: Int,
    _ withSizes: Bool, _ part: inout Part
  ) {
    let program = programs[s.rawValue]
    var table = buffer.table(program, contours[s.rawValue])
    sum.addClosed([(s, 0)], program, to: &table)
    // x_s = T -+ Delta - mu; x_s - x_o = -+ 2 Delta.
    let sign = -s.sign
    let count = table.stars
    var energy = [Double](repeating: 0, count: 2 * count)
    for n in 0..<count {
      energy[n] = table.hopping[n] + sign * table.gap[n] - sum.mu
      energy[count + n] = table.hopping[count + n] + sign * table.gap[count + n]
      table.gap[n] *= 2 * sign
      table.gap[count + n] *= 2 * sign
    }
    let omegas = frequencies.map(\.omega)
    let splits = frequencies.map(\.split.left)
    let difference = table.gap
    var logarithm = poles.logarithm
    table.withContour(program, energy: energy, difference: difference, channels: channels) {
      contour in
      part.sizes.withUnsafeMutableBufferPointer { sizes in
        zone_contour(
          &contour, &logarithm, sum.broadening, s == .antibonding ? 1 : 0, Int32(omegas.count),
          omegas, splits, &part.sums, &part.statics, withSizes ? sizes.baseAddress : nil,
          &part.staticSizes, &part.roundings, &part.staticRoundings)
      }
    }
  }
}

/// Averages of what the C loops add up, [frequency][channel].
extension [Double] {
  func rows(_ channels: Int, _ norm: Double) -> [[Double]] {
    stride(from: 0, to: count, by: channels).map { self[$0..<($0 + channels)].map { $0 * norm } }
  }

  /// K = i z/2 pi of sums z, re and im each; `norm` has the 1/2 pi.
  func quotients(_ channels: Int, _ norm: Double) -> [[ComplexDouble]] {
    rows(2 * channels, norm).map { z in
      (0..<channels).map { ComplexDouble(-z[2 * $0 + 1], z[2 * $0]) }
    }
  }
}
