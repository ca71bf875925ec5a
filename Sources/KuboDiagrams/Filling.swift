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
  /// What gives the levels their width; nil for the clean bands.
  public let lifetime: Lifetime?
  /// The electrons of a full cell, 4 for two sublattices.
  public let capacity: Int
  /// Whether mu is the middle of the gap by choice.
  public let isMiddleOfGap: Bool

  /// What is filled, for a header.
  public var meaning: String {
    let levels =
      switch lifetime {
      case nil: "the clean bands"
      case .constant: "levels of the lifetime \(lifetime!.description), Lorentzian tails included"
      case .scba, .site: "the propagators with impurities, \(lifetime!.description)"
      }
    return "electrons per unit cell, 0 to \(capacity), of \(levels)"
      + (isMiddleOfGap ? "; every mu in the gap has this filling, the middle is taken" : "")
  }

  /// One line for a message.
  public var summary: String {
    "filling \(electrons): mu = \(mu) with an error of at most \(significant(error, digits: 1)); \(meaning)"
  }

  /// Finds mu for `electrons` per unit cell.
  ///
  /// Accuracy: to 1e-9 of the bandwidth, or what rounding of n allows, 1e-6 of the bandwidth at the worst.
  /// - Throws: `RequestError` for `electrons` not between 0 and 4; `NonConvergence`, as where mu is within
  ///   rounding of a van Hove energy at T = 0, or with impurities in a gap; `SelfEnergyFailure`; `CancellationError`.
  public init(
    electrons: Double, model: Model, temperature: Double, lifetime: Lifetime?, threads: Int = 1
  ) async throws {
    try require(
      electrons > 0 && electrons < 4, "filling", "\(electrons)",
      "electrons per unit cell, above 0 and below 4; 2 is half filling")
    precondition(temperature >= 0)
    switch lifetime {
    case .scba(let gamma):
      try await self.init(electrons, model, temperature, .scba, gamma, threads)
    case .site(let gamma):
      try await self.init(electrons, model, temperature, .site, gamma, threads)
    case .constant(let gamma):
      try await self.init(electrons, model, temperature, broadening: gamma, threads)
    case nil: try await self.init(electrons, model, temperature, broadening: 0, threads)
    }
  }

  /// What another route has found for levels of the width Gamma in cells of `capacity` electrons when full.
  public init(electrons: Double, mu: Double, error: Double, broadening: Double, capacity: Int) {
    (self.electrons, self.mu, self.error, self.capacity) = (electrons, mu, error, capacity)
    (lifetime, isMiddleOfGap) = (.constant(broadening), false)
  }

  private init(
    _ electrons: Double, _ model: Model, _ temperature: Double, broadening: Double, _ threads: Int
  ) async throws {
    (self.electrons, capacity) = (electrons, 4)
    lifetime = broadening == 0 ? nil : .constant(broadening)
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

  private init(
    _ electrons: Double, _ model: Model, _ temperature: Double, _ impurities: Impurities,
    _ gamma: Double, _ threads: Int
  ) async throws {
    (self.electrons, capacity) = (electrons, 4)
    lifetime = impurities == .scba ? .scba(gamma) : .site(gamma)
    isMiddleOfGap = false
    let occupation = ImpurityOccupation(model, impurities, gamma, temperature, threads: threads)
    let width = model.energyBound + 2 * gamma.squareRoot()
    func excess(_ mu: Double) async throws -> (mu: Double, value: Double, error: Double) {
      let n = try await occupation.electrons(mu: mu)
      return (mu, n.value - electrons, n.error)
    }
    let start = try await excess(0)
    var (low, high, reach) = (start, start, 0.05 * width)
    while low.value > 0 || high.value < 0, reach < 1e18 * width {
      if start.value < 0 {
        (low, high) = (high, try await excess(high.mu + reach))
      } else {
        (low, high) = (try await excess(low.mu - reach), low)
      }
      reach *= 4
    }
    // Illinois' rule: the chord, with an end that stays counted by half.
    var (a, b) = (low.value, high.value)
    var last = 0
    var nearest = start
    for _ in 0..<100 where a < 0 && b > 0 && high.mu - low.mu > 1e-10 * width {
      let mu = min(max((low.mu * b - high.mu * a) / (b - a), low.mu), high.mu)
      nearest = try await excess(mu)
      // Closer there is no telling.
      if abs(nearest.value) <= 2 * nearest.error { break }
      if nearest.value < 0 {
        (low, a) = (nearest, nearest.value)
        if last < 0 { b /= 2 }
        last = -1
      } else {
        (high, b) = (nearest, nearest.value)
        if last > 0 { a /= 2 }
        last = 1
      }
    }
    // Two points at which n is certainly too small and too large enclose mu.
    mu = nearest.mu
    var (below, above) = (Double.infinity, Double.infinity)
    var step = 1e-9 * width
    while below + above == .infinity, step < width {
      if below == .infinity {
        let n = try await excess(mu - step)
        if n.value < -n.error { below = step }
      }
      if above == .infinity {
        let n = try await excess(mu + step)
        if n.value > n.error { above = step }
      }
      step *= 8
    }
    error = max(below, above)
    let largest = 1e-6 * max(width, abs(mu))
    guard error <= largest else {
      throw NonConvergence(
        label: "mu of the filling \(electrons), perhaps in a gap", estimate: min(error, width),
        allowed: largest, divisions: occupation.divisions.value)
    }
  }
}

/// The number of electrons per unit cell with impurities.
///
/// With h(y) = Re avg tr G(mu + i y), all four states of the cell, and H = 2 pi T,
///
///     n = 2 + (1/pi) int_0^infinity dy h(y) at T = 0,   n = 2 + 2 T sum_{m >= 0} h(H (m + 1/2)) at T > 0
///
/// since f(E - mu) = 1/2 + T sum_m Re 1/(mu + i eps_m - E) over all Matsubara frequencies. Beyond a = M H the sum is
/// (1/pi) int_a h with the corrections of `EulerMaclaurin`.
private struct ImpurityOccupation: Sendable {
  private let crystal: ImpurityCrystal
  private let temperature: Double
  private let threads: Int
  /// The finest grid so far.
  let divisions = Maximum(0)

  init(
    _ model: Model, _ impurities: Impurities, _ gamma: Double, _ temperature: Double, threads: Int
  ) {
    crystal = ImpurityCrystal(
      model, impurities, gamma, directions: Directions(i: 0, j: 0),
      traces: .energies(model, impurities), threads: threads)
    (self.temperature, self.threads) = (temperature, threads)
  }

  /// h(y) and bounds on its errors.
  private func traces(
    _ mu: Double, _ ys: [Double]
  ) async throws -> [(value: Double, error: Double)] {
    try await parallelMap(ys.count, threads: threads) { n in
      let found = try await crystal.trace(ComplexDouble(mu, ys[n]), tolerance: 1e-10)
      divisions.raise(to: found.divisions)
      return (found.value.real, found.error)
    }
  }

  /// n and a bound on its error.
  func electrons(mu: Double) async throws -> (value: Double, error: Double) {
    let step = 2 * Double.pi * temperature
    let count = temperature == 0 ? 0 : 24
    var (n, bound) = (2.0, 0.0)
    if temperature > 0 {
      let h = try await traces(mu, (0..<(count + 2)).map { step * (Double($0) + 0.5) })
      for (value, error) in h.prefix(count) {
        n += 2 * temperature * value
        bound += 2 * temperature * error
      }
      var last = 0.0
      for (p, (value, error)) in h.suffix(4).enumerated() {
        n += 2 * temperature * EulerMaclaurin.midpoints[p] * value
        bound += 2 * temperature * abs(EulerMaclaurin.midpoints[p]) * error
        last += 2 * temperature * EulerMaclaurin.lastTerm[p] * value
      }
      // The terms left out are smaller by 1/M^2 or so; 1/M is taken.
      bound += abs(last) / Double(count)
    }
    // y = a + b (u/(1 - u))^2 spans all scales.
    let start = step * Double(count)
    let unit = crystal.width / 4
    let integral = try await VectorIntegral(
      ends: [0, 0.5, 1], allowed: { _ in [1e-9, .infinity] }
    ) { us in
      let ratios = us.map { $0 / (1 - $0) }
      let h = try await traces(mu, ratios.map { start + unit * $0 * $0 })
      return us.indices.map { n in
        let measure = unit * 2 * ratios[n] / ((1 - us[n]) * (1 - us[n])) / .pi
        return [h[n].value * measure, h[n].error * measure]
      }
    }
    return (n + integral.values[0], bound + integral.errors[0] + abs(integral.values[1]))
  }
}
