// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneIntegrals
import RealModule

/// The levels of both spins on a uniform grid, one wave vector of each star.
private struct OrbitalLevels {
  /// Of each spin.
  let levels: [[Double]]
  /// 1 for all of a spin together, over the orbitals of a cell.
  let weights: [Double]

  init(_ model: OrbitalModel, divisions: Int, threads: Int) async throws {
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: model.energySymmetries())
    let (bands, n, norm) = (OrbitalBands(model), model.orbitals.count, 1 / Double(grid.count))
    let empty = (levels: [[Double](), []], weights: [Double]())
    let parts = try await grid.accumulateFirst(threads: threads, empty) { _ in
    } _: { part, f, size in
      let own = bands.levels(reduced: (0..<model.dimension).map { f[$0] })
      for u in 0..<2 { part.levels[u] += own[u] }
      part.weights += [Double](repeating: size * norm, count: n)
    }
    levels = (0..<2).map { u in parts.flatMap { $0.levels[u] } }
    weights = parts.flatMap(\.weights)
  }

  /// sum_k f(E) of one spin, per cell.
  func sum(_ u: Int, _ f: (Double) -> Double) -> Double {
    zip(levels[u], weights).reduce(0) { $0 + $1.1 * f($1.0) }
  }
}

extension OrbitalModel {
  /// The chemical potential at which a cell holds `electrons`,
  ///
  ///     n(mu) = (v_c/V) sum_k sum_u,n int d eps f(eps) (Gamma/pi)/((eps - E^u_n)^2 + Gamma^2)
  ///
  /// of levels with the half-width Gamma, with their Lorentzian tails, as those of the loops and of ``OrbitalState``. Source: the
  /// propagators of the paper's (2) for both spins. Units: energies of the model. Accuracy: to 1e-9 of what bounds the levels; `error` is a bound.
  /// - Throws: `RequestError` for a number that a cell cannot hold; `NonConvergence`, `CancellationError`.
  public func chemicalPotential(
    electrons: Double, temperature: Double, broadening: Double, threads: Int = 1
  ) async throws -> (mu: Double, error: Double) {
    let most = Double(2 * orbitals.count)
    try FillingRoot.check(electrons, capacity: 2 * orbitals.count)
    try require(broadening > 0, "broadening", "\(broadening)", "a number above 0")
    let bound = energyBound
    // The nearest singularity of the occupation is Gamma + pi T away.
    let refinement = GridRefinement(
      resolution: resolution(broadening + .pi * temperature), sizes: gridSizes,
      pointLimit: 20_000_000, unit: "", name: "filling")
    let outcome = try await FillingRoot.refined(refinement, from: (0, bound), bound: bound) {
      divisions, start in
      let table = try await OrbitalLevels(self, divisions: divisions, threads: threads)
      func sum(_ term: (ComplexDouble) -> Double, _ mu: Double) -> Double {
        (0..<2).reduce(0) { $0 + table.sum($1) { term(ComplexDouble($0 - mu, -broadening)) } }
      }
      return try FillingRoot(from: start.mu, width: start.width, bound: bound) { mu in
        sum({ -FermiLogarithm.value(at: $0, temperature: temperature).imaginary / .pi }, mu)
          - electrons
      } accuracy: { mu in
        (
          1e-14 * most,
          sum({ FermiLogarithm.derivative(at: $0, temperature: temperature).imaginary / .pi }, mu)
        )
      }.values
    }.converged("mu of the filling \(electrons)", remedy: "lifetime parameter or temperature")
    return (outcome.values[0].real, outcome.errors[0].real)
  }
}

extension DensityOfStates {
  /// Energies over all bands, and Gamma times 4 beyond, in the model's unit: E_n = E_0 + n dE, dE at most Gamma/2, at least 201 and at
  /// most 4001.
  public static func axis(_ model: OrbitalModel, broadening: Double) async throws -> [Double] {
    let table = try await OrbitalLevels(
      model, divisions: [240, 48, 24][model.dimension - 1], threads: 1)
    let all = table.levels.joined()
    return axis(from: all.min()!, to: all.max()!, broadening: broadening)
  }

  /// The densities of each spin at `energies`, in the model's unit, Gamma > 0, by grids of real k that are refined until
  ///
  ///     |error of D| <= tolerance D,    |error of N| <= tolerance.
  /// - Throws: `NonConvergence`, `CancellationError`.
  public static func values(
    _ model: OrbitalModel, energies: [Double], broadening: Double, tolerance: Double = 1e-4,
    threads: Int = 1
  ) async throws -> [DensityOfStates] {
    precondition(broadening > 0)
    return try await refined(
      model.gridSizes, resolution: model.resolution(broadening), LevelKind.spins, energies,
      allowed: { q, value, _ in tolerance * (q < 2 ? abs(value) : 1) },
      remedy: "lifetime parameter"
    ) { divisions, groups in
      let table = try await OrbitalLevels(model, divisions: divisions, threads: threads)
      let values = groups.map { g in
        (0..<4).map { q -> ComplexDouble in
          let (u, e) = (q % 2, energies[g])
          return ComplexDouble(
            table.sum(u) { level in
              let x = (e - level) / broadening
              return q < 2
                ? 1 / (.pi * broadening * (1 + x * x)) : 0.5 + Double.atan(x) / .pi
            })
        }
      }
      // Rounding of levels moves a Lorentzian by its slope.
      let lost = 1e-14 + 4e-15 * (1 + model.harmonics) * model.energyBound / broadening
      return .init(
        values: values, scales: values.map { $0.map(\.length) },
        rounding: values.map { $0.map { lost * $0.length } })
    }
  }
}

extension OrbitalModel {
  /// The chemical potential at which a cell holds `electrons`, above 0 and below 2 for each orbital, with impurities,
  ///
  ///     n(mu) = -(1/pi) int d eps f(eps - mu) Im avg tr G(eps + i0)
  ///
  /// over both spins, with the self-consistent propagators of ``CollinearRequest/ladder()``. Units: energies of the model. Accuracy:
  /// `error` is a bound, at most 1e-6 of the width of the levels.
  /// - Throws: `RequestError` for another number of electrons; `NonConvergence`, as in a gap or an almost empty or full cell;
  ///   `CancellationError`.
  public func chemicalPotential(
    electrons: Double, temperature: Double, impurities: OrbitalImpurities, threads: Int = 1
  ) async throws -> (mu: Double, error: Double) {
    try impurities.checked(orbitals.count)
    let averages = ImpurityAverages(
      self, impurities, directions: Directions(i: 0, j: 0), loops: [], isDressed: false,
      columns: [], threads: threads)
    return try await ImpurityOccupation(
      capacity: 2 * orbitals.count, width: averages.width, temperature: temperature
    ) { try await averages.traces($0) }.chemicalPotential(electrons)
  }
}
