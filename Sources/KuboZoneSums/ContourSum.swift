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
  package let model: Model
  package let mu, broadening: Double
  /// The contours of the bonding and the antibonding band.
  package let contours: [BandContour]
  private let symmetries: [ReciprocalOperation]
  /// One of each pair M, -M of them.
  private let operations: [ReciprocalOperation]
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
    let operations = ReciprocalOperation.withoutInversion(sum.symmetries)
    self.operations = operations
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
        sum.weights, model: sum.model, directions: sum.directions, operations: operations,
        parts: TraceProgram.parts(of: isReversed ? functions.map(\.reversed) : functions),
        others: others)
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
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    // Both contours lie over the same real points.
    let total = try await grid.inBlocks(threads: threads, zero) { buffer, part in
      for s in Band.allCases { add(s, buffer, frequencies, channels, withSizes, &part) }
    }.added([\.sums, \.statics, \.sizes, \.staticSizes, \.roundings, \.staticRoundings])
    // K = i z/2 pi.
    let norm = 1 / (Double(grid.count) * model.cellVolume * 2 * .pi)
    func rows(_ sums: [Double]) -> [[Double]] {
      frequencies.indices.map { n in
        (0..<channels).map { sums[n * channels + $0] * norm }
      }
    }
    return Result(
      statics: (0..<channels).map { -norm * total.statics[2 * $0 + 1] },
      quotients: frequencies.indices.map { n in
        (0..<channels).map { c in
          let at = 2 * (n * channels + c)
          return ComplexDouble(-norm * total.sums[at + 1], norm * total.sums[at])
        }
      },
      staticSizes: total.staticSizes.map { $0 * norm }, sizes: rows(total.sizes),
      staticRoundings: total.staticRoundings.map { $0 * norm }, roundings: rows(total.roundings))
  }

  /// Adds the weights of the closed forms to their slots.
  private func addClosed(_ s: Band, _ program: TraceProgram, _ table: inout StarBuffer.Table) {
    let stars = table.stars
    let block = Int(ZONE_BLOCK)
    let slots = closedForms.indices.map { c in
      program.slots.firstIndex(
        of: TraceProgram.Slot(channel: 2 * (loopCount + c), function: 0))!
    }
    for n in 0..<stars {
      let jacobian = ComplexDouble(table.weights[n], table.weights[stars + n])
      guard jacobian != .zero else { continue }
      for operation in operations {
        let k = image(operation, table.points, n, stars)
        let frame = hamiltonian.frame(at: k)
        for (c, closed) in closedForms.enumerated() {
          let value = jacobian * closed.form.weight(frame, s, closed.version)
          let at = (n / block * program.slots.count + slots[c]) * 3 * block + n % block
          table.slots[at] += value.real
          table.slots[at + block] += value.imaginary
          table.slots[at + 2 * block] += value.length
        }
      }
    }
  }

  /// The image of point n of a table.
  private func image(_ m: ReciprocalOperation, _ f: [Double], _ n: Int, _ stars: Int) -> WaveVector
  {
    var re = SIMD3<Double>.zero
    var im = SIMD3<Double>.zero
    for (a, b) in model.reciprocalVectors.map(packed).enumerated() {
      for c in m.rows[a].indices {
        re += b * (Double(m.rows[a][c]) * f[2 * c * stars + n])
        im += b * (Double(m.rows[a][c]) * f[(2 * c + 1) * stars + n])
      }
    }
    return WaveVector(real: re, imaginary: im)
  }

  private func add(
    _ s: Band, _ buffer: StarBuffer, _ frequencies: [Frequency], _ channels: Int,
    _ withSizes: Bool, _ part: inout Part
  ) {
    let program = programs[s.rawValue]
    var table = buffer.table(program, contours[s.rawValue])
    if bands.contains(s), !closedForms.isEmpty { addClosed(s, program, &table) }
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
    let splits = frequencies.map(\.split.left)
    let difference = table.gap
    var logarithm = poles.logarithm
    table.withContour(program, energy: energy, difference: difference, channels: channels) {
      contour in
      part.sizes.withUnsafeMutableBufferPointer { sizes in
        zone_contour(
          &contour, &logarithm, broadening, s == .antibonding ? 1 : 0, Int32(omegas.count),
          omegas, splits, &part.sums, &part.statics, withSizes ? sizes.baseAddress : nil,
          &part.staticSizes, &part.roundings, &part.staticRoundings)
      }
    }
  }
}
