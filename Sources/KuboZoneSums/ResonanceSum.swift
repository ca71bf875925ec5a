// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops
import RealModule
import Synchronization

/// The terms that ``ContourSum`` leaves out at a frequency in resonance with the bands: the
/// retarded-retarded and advanced-advanced parts of (upper|lower) times
/// exp(-((2 Delta - omega)/strip)^2), on the real zone.
///
/// They are singular where E_- = omega and where E_+ = 0, with velocities that are all but
/// opposite, so that no deformation serves both: `NestedIntegral` integrates them where a grid
/// would have to be too fine.
package struct ResonanceSum: Sendable {
  private let sum: ZoneSum
  /// The real zone.
  private let contour: BandContour
  private let program: TraceProgram
  private let poles: MatsubaraPoles
  private let stars = StarLists()

  /// With `isReversed`, each channel's result at omega is the complex conjugate of that at -omega.
  package init(_ sum: ZoneSum, poles: MatsubaraPoles, isReversed: Bool = false) {
    self.sum = sum
    contour = BandContour.realZone(sum.model)
    self.poles = poles
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
    /// The sums of the absolute terms, and of these over the distance in energy of the nearest singularity.
    package var sizes, roundings: [[Double]]
  }

  private struct Part: Sendable {
    var sums, sizes, roundings: [Double]
  }

  /// Sums the grid with `divisions` points along each reciprocal vector, at omega > 0.
  package func callAsFunction(
    divisions: Int, _ frequencies: [ContourSum.Frequency], channels: Int, withSizes: Bool = true
  ) async throws -> Result {
    let omegas = frequencies.map(\.omega)
    let splits = frequencies.map(\.split)
    let grid = PeriodicGrid(sum.model, divisions: divisions, symmetries: sum.symmetries)
    let total = try await grid.inBlocks(threads: sum.threads, part(omegas: omegas.count, channels))
    {
      add(contour, $0, omegas, splits, ZONE_BOTH, channels, withSizes, &$1)
    }.added([\.sums, \.sizes, \.roundings])
    return result(total, grid, channels)
  }

  /// The same for one frequency with its ``ContourSurvey/resonanceSurfaces(_:mu:temperature:)``.
  package func callAsFunction(
    divisions: Int, omega: Double, _ surfaces: [ResonanceSurface], channels: Int,
    withSizes: Bool = true
  ) async throws -> Result {
    let grid = PeriodicGrid(sum.model, divisions: divisions, symmetries: sum.symmetries)
    var total = part(omegas: 1, channels)
    for buffer in try await stars.buffers(grid) {
      for (surface, parts) in zip(surfaces, [ZONE_RETARDED, ZONE_ADVANCED]) {
        add(surface, buffer, [omega], [.allOneSided], parts, channels, withSizes, &total)
      }
    }
    return result(total, grid, channels)
  }

  private func part(omegas: Int, _ channels: Int) -> Part {
    Part(
      sums: Array(repeating: 0, count: omegas * 2 * channels),
      sizes: Array(repeating: 0, count: omegas * channels),
      roundings: Array(repeating: 0, count: omegas * channels))
  }

  private func result(_ total: Part, _ grid: PeriodicGrid, _ channels: Int) -> Result {
    let norm = 1 / (Double(grid.count) * sum.model.cellVolume * 2 * .pi)
    return Result(
      quotients: total.sums.quotients(channels, norm), sizes: total.sizes.rows(channels, norm),
      roundings: total.roundings.rows(channels, norm))
  }

  /// The share of each of `points` and its images under all symmetries in [K(omega) - K(0)]/omega, as
  /// if the zone had volume 1, [channel][re, im][point]; and the levels whose zeros are singular.
  package func values(
    _ points: [SIMD3<Double>], _ frequency: ContourSum.Frequency, channels: Int
  ) -> (values: [Double], stride: Int, levels: [[Double]]) {
    var buffer = StarBuffer()
    for f in points { buffer.add(f, size: Double(sum.symmetries.count)) }
    let (table, energy, difference) = table(buffer, contour)
    let count = table.stars
    var sums = [Double](repeating: 0, count: 2 * channels * count)
    var logarithm = poles.logarithm
    table.withContour(program, energy: energy, difference: difference, channels: channels) {
      zone_resonance_values(
        &$0, &logarithm, sum.broadening, frequency.omega, frequency.split.left, &sums)
    }
    // K = i z/2 pi.
    let norm = 1 / (sum.model.cellVolume * 2 * .pi)
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
  private func table(_ buffer: StarBuffer, _ surface: some DisplacedZone) -> (
    table: StarBuffer.Table, energy: [Double], difference: [Double]
  ) {
    let table = buffer.table(program, surface)
    var energy = table.hopping
    for n in energy.indices { energy[n] -= table.gap[n] }
    for n in 0..<table.stars { energy[n] -= sum.mu }
    return (table, energy, table.gap.map { 2 * $0 })
  }

  private func add(
    _ surface: some DisplacedZone, _ buffer: StarBuffer, _ omegas: [Double],
    _ splits: [ContourSum.Split],
    _ parts: ZoneParts, _ channels: Int, _ withSizes: Bool, _ part: inout Part
  ) {
    let (table, energy, difference) = table(buffer, surface)
    var logarithm = poles.logarithm
    table.withContour(program, energy: energy, difference: difference, channels: channels) {
      zone in
      part.sizes.withUnsafeMutableBufferPointer { sizes in
        zone_resonance(
          &zone, &logarithm, sum.broadening, Int32(omegas.count), omegas, splits.map(\.left), parts,
          &part.sums,
          withSizes ? sizes.baseAddress : nil, &part.roundings)
      }
    }
  }
}

/// The stars of grids that many frequencies sum one after the other.
private final class StarLists: Sendable {
  private let lists = Mutex<[Int: [StarBuffer]]>([:])

  /// The stars of a grid, 512 to a buffer.
  func buffers(_ grid: PeriodicGrid) async throws -> [StarBuffer] {
    if let known = lists.withLock({ $0[grid.divisions] }) { return known }
    let found = Array(
      try await grid.inBlocks(threads: 1, [StarBuffer]()) { $1.append($0) }.joined())
    // Some megabytes.
    lists.withLock {
      let kept = $0.values.joined().count
      if kept + found.count < 400 { $0[grid.divisions] = found }
    }
    return found
  }
}
