// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDisorder
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import KuboZoneSums
import Quadrature
import RealModule

/// The chemical potential at which the unit cell holds a given number of electrons.
///
///     n(mu, T, Gamma) = (v_c/V) sum_k 2 sum_s int d eps f(eps) (Gamma/pi)/((eps - E_s)^2 + Gamma^2)
///
/// with the Fermi function f (docs/conventions.md), between 0 and 4: two bands, each doubly degenerate; 2 is half filling. It is the density of the
/// propagators with the lifetime of the loops, so that the f-sum rule holds with it. n grows strictly with mu where
/// T > 0 or Gamma > 0: in a gap the tails of the levels above and below decide, and give a mu that
/// depends little on Gamma. For the clean bands, Gamma = 0, at half filling every mu near the middle of a gap has
/// this n to 1e-7 where T is below 1/36 of the gap, and the middle is taken.
///
/// With impurities n is that of the dressed propagators, -(1/pi) int d eps f(eps) Im avg tr G (`SelfEnergy`).
public struct Filling: Sendable, Equatable {
  /// n, in electrons per unit cell.
  public let electrons: Double
  /// mu and a bound on its error, in energy units.
  public let mu, error: Double
  /// What is filled: the clean bands, levels of a lifetime, or the propagators with impurities.
  public let levels: String
  /// The electrons of a full cell, 4 for two sublattices.
  public let capacity: Int
  /// Whether mu is the middle of the gap by choice.
  public let isMiddleOfGap: Bool

  /// What is filled, for a header.
  public var meaning: String {
    "electrons per unit cell, 0 to \(capacity), of \(levels)"
      + (isMiddleOfGap ? "; every mu in the gap has this filling, the middle is taken" : "")
  }

  /// One line for a message.
  public var summary: String {
    "filling \(electrons): mu = \(mu) with an error of at most \(significant(error, digits: 1, .up)); \(meaning)"
  }

  /// Finds mu for `electrons` per unit cell.
  ///
  /// Accuracy: to 1e-9 of the bandwidth, or what rounding of n allows, 1e-6 of the bandwidth at the worst.
  /// - Throws: `RequestError` for `electrons` not between 0 and 4; `NonConvergence`, as where mu is within
  ///   rounding of a van Hove energy at T = 0, or with impurities in a gap; `SelfEnergyFailure`; `CancellationError`.
  public init(
    electrons: Double, model: Model, temperature: Double, lifetime: Lifetime?, threads: Int = 1
  ) async throws {
    try FillingRoot.check(electrons, capacity: 4)
    precondition(temperature >= 0)
    func impurities(_ kind: Impurities, _ gamma: Double) async throws -> (mu: Double, error: Double)
    {
      let crystal = ImpurityCrystal(
        model, kind, gamma, directions: Directions(i: 0, j: 0), traces: .energies(model, kind),
        threads: threads)
      return try await ImpurityOccupation(
        capacity: 4, width: crystal.width, temperature: temperature
      ) { energies in
        try await parallelMap(energies.count, threads: threads) {
          try await crystal.trace(energies[$0], tolerance: 1e-10)
        }
      }.chemicalPotential(electrons)
    }
    switch lifetime {
    case .scba(let gamma):
      let root = try await impurities(.scba, gamma)
      self.init(electrons: electrons, root, impurities: lifetime!.description, capacity: 4)
    case .site(let gamma):
      let root = try await impurities(.site, gamma)
      self.init(electrons: electrons, root, impurities: lifetime!.description, capacity: 4)
    case .constant(let gamma):
      try await self.init(electrons, model, temperature, broadening: gamma, threads)
    case nil: try await self.init(electrons, model, temperature, broadening: 0, threads)
    }
  }

  /// What another route has found for levels of the width Gamma in cells of `capacity` electrons when full.
  public init(electrons: Double, mu: Double, error: Double, broadening: Double, capacity: Int) {
    (self.electrons, self.mu, self.error, self.capacity) = (electrons, mu, error, capacity)
    (levels, isMiddleOfGap) = (Filling.levels(broadening), false)
  }

  /// The same of another route with impurities, mu and a bound on its error, in energy units: n(mu) = `electrons` of the dressed
  /// propagators, whose impurities `impurities` names for headers, as `site=0.1`.
  public init(
    electrons: Double, _ root: (mu: Double, error: Double), impurities: String, capacity: Int
  ) {
    (self.electrons, self.capacity, mu, error) = (electrons, capacity, root.mu, root.error)
    (levels, isMiddleOfGap) = ("the propagators with impurities, \(impurities)", false)
  }

  private static func levels(_ broadening: Double) -> String {
    broadening == 0
      ? "the clean bands"
      : "levels of the lifetime \(Lifetime.constant(broadening).description), Lorentzian tails included"
  }

  private init(
    _ electrons: Double, _ model: Model, _ temperature: Double, broadening: Double, _ threads: Int
  ) async throws {
    (self.electrons, capacity) = (electrons, 4)
    levels = Filling.levels(broadening)
    let bound = model.energyBound
    // exp(-18): electrons above and holes below the gap are fewer than 1e-7 for every mu near its middle.
    if broadening == 0, electrons == 2, let gap = model.gap,
      gap.upperBound - gap.lowerBound > 36 * temperature
    {
      (mu, error, isMiddleOfGap) = ((gap.lowerBound + gap.upperBound) / 2, 1e-10 * bound, true)
      return
    }
    let occupation = Occupation(
      model: model, directions: Directions(i: 0, j: 0), temperature: temperature,
      broadening: broadening, threads: threads)
    /// The root on one grid.
    func root(_ divisions: Int, _ start: (mu: Double, width: Double)) async throws -> (
      mu: Double, error: Double
    ) {
      let table = try await occupation.table(divisions: divisions)
      return try FillingRoot(from: start.mu, width: start.width, bound: bound) {
        table.sum(mu: $0).value * model.cellVolume - electrons
      } accuracy: {
        (
          1e-14 * table.sum(mu: $0).scale * model.cellVolume,
          table.slope(mu: $0) * model.cellVolume
        )
      }.values
    }
    // Which grid is needed depends on mu, which a grid too coarse may put at a band's edge.
    var divisions = ContourSurvey.divisions(model) / 2
    var last = (mu: 0.0, width: bound)
    while true {
      last = (try await root(divisions, last).mu, 1e-2 * bound)
      let isFine = 3 * occupation.resolution(mu: last.mu) < Double(divisions)
      divisions *= 2
      let points = (0..<model.dimension).reduce(1) { n, _ in n * divisions }
      if isFine || points > 3_000_000 { break }
    }
    let outcome = try await FillingRoot.refined(
      occupation.refinement(mu: last.mu, name: "filling"), from: last, bound: bound, root)
    let (value, estimate) = (
      outcome.values.first?.real ?? 0, outcome.errors.first?.real ?? .infinity
    )
    let largest = 1e-6 * max(bound, abs(value))
    if estimate <= largest {
      (mu, error, isMiddleOfGap) = (value, estimate, false)
    } else {
      throw NonConvergence(
        label: "mu of the filling \(electrons)", estimate: estimate, allowed: largest,
        divisions: outcome.divisions)
    }
  }
}
