// SPDX-License-Identifier: GPL-3.0-or-later
import KuboLattice
import KuboLoops
import KuboWork

/// What the electrons are: a lattice, filled up to a chemical potential at a temperature, with a lifetime.
public struct Electrons: Sendable {
  /// The lattice model.
  public let model: Model
  /// The chemical potential and k_B T, in energy units.
  public let mu, temperature: Double
  /// The lifetime of the propagators.
  public let lifetime: Lifetime

  /// Electrons in a state.
  public init(model: Model, mu: Double, temperature: Double, lifetime: Lifetime) {
    (self.model, self.mu, self.temperature, self.lifetime) = (model, mu, temperature, lifetime)
  }

  /// The same lattice in another state.
  public func with(mu: Double? = nil, temperature: Double? = nil, lifetime: Lifetime? = nil)
    -> Electrons
  {
    Electrons(
      model: model, mu: mu ?? self.mu, temperature: temperature ?? self.temperature,
      lifetime: lifetime ?? self.lifetime)
  }

  /// Refuses a lifetime that nothing can be computed with.
  func check() throws(RequestError) {
    let strength =
      switch lifetime {
      case .constant(let gamma): gamma
      case .scba(let gamma), .site(let gamma): gamma.squareRoot()
      }
    try require(
      strength > 0 && strength < RequestError.largestEnergy(bands: model.energyBound), "lifetime",
      lifetime.description,
      "a number above 0: without it the loops have poles on the real axis")
    guard lifetime.impurities != nil else { return }
    let most = 1e6 * model.hoppingBound
    try require(
      model.exchange <= most, "J", significant(model.exchange),
      "at most \(significant(most)) with impurities, a million times the hopping: beyond that, rounding swamps the loops, which are of order (t/J)^2 of the terms"
    )
    try require(
      strength <= most, "lifetime", lifetime.description,
      "at most \(significant(most * most)), the square of a million times the hopping: beyond that, rounding swamps the loops, which are of order t^2/gamma of the terms"
    )
  }
}
