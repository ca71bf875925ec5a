// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
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
public struct Filling: Sendable, Equatable {
  /// n, in electrons per unit cell.
  public let electrons: Double
  /// mu and a bound on its error, in energy units.
  public let mu, error: Double
  /// Gamma of the levels; 0 for the clean bands.
  public let broadening: Double
  /// Whether mu is the middle of the gap by choice.
  public let isMiddleOfGap: Bool

  /// What is filled, for a header.
  public var meaning: String {
    let levels =
      broadening == 0
      ? "the clean bands"
      : "levels of the lifetime constant=\(broadening), Lorentzian tails included"
    return "electrons per unit cell, 0 to 4, of \(levels)"
      + (isMiddleOfGap ? "; every mu in the gap has this filling, the middle is taken" : "")
  }

  /// One line for a message.
  public var summary: String {
    "filling \(electrons): mu = \(mu) with an error of at most \(significant(error, digits: 1)); \(meaning)"
  }

  /// Finds mu for `electrons` per unit cell.
  ///
  /// Accuracy: to 1e-9 of the bandwidth, or what rounding of n allows, 1e-6 of the bandwidth at the worst.
  /// - Throws: ``RequestError`` for `electrons` not between 0 and 4; ``NonConvergence``, as where mu is within
  ///   rounding of a van Hove energy at T = 0; `CancellationError`.
  public init(
    electrons: Double, model: Model, temperature: Double, broadening: Double, threads: Int = 1
  ) async throws {
    guard electrons > 0, electrons < 4 else {
      throw RequestError(
        "filling", found: "\(electrons)",
        expected: "electrons per unit cell, above 0 and below 4; 2 is half filling")
    }
    precondition(temperature >= 0 && broadening >= 0)
    self.electrons = electrons
    self.broadening = broadening
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
    /// The root on one grid, sought from `start` at first steps of `width`.
    func root(_ table: Occupation.Table, from start: Double, _ width: Double) throws -> (
      mu: Double, error: Double
    ) {
      func excess(_ mu: Double) -> Double {
        table.sum(mu: mu).value * model.cellVolume - electrons
      }
      // Tails are as long as Gamma, or T times some logarithm, and almost empty or full bands need far ones.
      var (low, high, reach) = (start, start, width)
      let isBelow = excess(start) < 0
      while reach < 1e18 * bound {
        if isBelow { (low, high) = (high, high + reach) } else { (low, high) = (low - reach, low) }
        if isBelow ? excess(high) >= 0 : excess(low) <= 0 { break }
        reach *= 4
      }
      guard excess(low) <= 0, excess(high) >= 0 else { return (start, .infinity) }
      let found = try BracketedRoot(from: low, to: high, absolute: 1e-13 * bound, excess)
      let scale = table.sum(mu: found.value).scale * model.cellVolume
      let slope = table.slope(mu: found.value) * model.cellVolume
      let rounding = 1e-14 * scale / max(slope, 1e-300)
      return (found.value, found.error + rounding)
    }
    // Which grid is needed depends on mu, which a grid too coarse may put at a band's edge.
    var divisions = ContourSurvey.divisions(model) / 2
    var last = (mu: 0.0, width: bound)
    while true {
      let found = try root(await occupation.table(divisions: divisions), from: last.mu, last.width)
      last = (found.mu, 1e-2 * bound)
      let isFine = 3 * occupation.resolution(mu: found.mu) < Double(divisions)
      divisions *= 2
      let points = (0..<model.dimension).reduce(1) { n, _ in n * divisions }
      if isFine || points > 3_000_000 { break }
    }
    let outcome = try await occupation.refinement(mu: last.mu, name: "filling").run(groups: 1) {
      divisions, _ in
      let found = try root(
        await occupation.table(divisions: divisions), from: last.mu, last.width)
      last = (found.mu, max(abs(found.mu - last.mu), 1e-9 * bound))
      return .init(
        values: [[ComplexDouble(found.mu)]], scales: [[bound]], rounding: [[found.error]])
    } allowed: { _, values, _ in
      let allowed = 1e-9 * max(bound, abs(values[0].real))
      return [PartErrors(real: allowed, imaginary: allowed)]
    }[0]
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
