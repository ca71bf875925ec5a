// SPDX-License-Identifier: GPL-3.0-or-later
import KuboLattice

/// The density of states of both bands, or both spins, and the number of states below an energy, per unit cell, at constant lifetime:
///
///     D(E) = (v_c/V) sum_k,n (Gamma/pi)/((E - E_n)^2 + Gamma^2),   N(E) = integral_-infinity^E D
///
/// Levels are Lorentzians of half-width Gamma, those of g = 1/(eps - E + i Gamma) (docs/conventions.md): the density that a spectrum
/// at this lifetime sees. Units: energies of the model, D in their inverse.
public struct DensityOfStates: Sendable {
  /// Bands or spins.
  public let kinds: [LevelKind]
  /// E, from zero as mu.
  public let energy: Double
  /// D of each kind, in the inverse of the model's energy, with bounds.
  public let density: [Estimate]
  /// N of each kind.
  public let states: [Estimate]

  /// Energies from 4 Gamma below the lowest level to as much above the highest.
  package static func axis(from low: Double, to high: Double, broadening: Double) -> [Double] {
    let (low, high) = (low - 4 * broadening, high + 4 * broadening)
    let count = max(200, min(4000, Int((2 * (high - low) / broadening).rounded(.up))))
    return (0...count).map { low + (high - low) * Double($0) / Double(count) }
  }

  /// The densities at `energies` on ever finer grids, each of which gives D of both kinds, then N: `allowed` is what a value may err.
  package static func refined(
    _ sizes: GridSizes, resolution: Double, resolutions: [Double] = [], _ kinds: [LevelKind],
    _ energies: [Double], allowed: (_ q: Int, _ value: Double, _ scale: Double) -> Double,
    remedy: String = NonConvergence.usualRemedy,
    _ level: (_ divisions: Int, _ groups: [Int]) async throws -> GridRefinement.Level
  ) async throws -> [DensityOfStates] {
    let outcomes = try await GridRefinement(
      resolution: resolution, sizes: sizes, resolutions: resolutions, unit: "energies",
      name: "density of states"
    ).run(groups: energies.count, evaluate: level) { _, values, scales in
      values.indices.map { PartErrors(allowed($0, values[$0].real, scales[$0])) }
    }
    return try zip(energies, outcomes).map { energy, outcome in
      let all = try outcome.converged("density of states at \(energy)", remedy: remedy).estimates
      return DensityOfStates(
        kinds: kinds, energy: energy, density: Array(all[..<2]), states: Array(all[2...]))
    }
  }
}
