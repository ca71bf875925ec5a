// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneIntegrals

/// What impurity spins do to the torques of a direct current, as computed numbers, with all vertex corrections.
///
///     1/tau_s = 2 K_Delta^xy/K_s^xx,   beta = -K_Delta^xy/K_Delta^xx   at omega -> 0
///     P = (sigma_up - sigma_down)/sigma,   p = 2 i K_Delta^xx/(omega sigma),   p_na = -2 i K_Delta^xy/(omega sigma)
///
/// so that i omega tau_sd of an antiferromagnet becomes i omega tau_sd + zeta_s, zeta_s = -tau_sd/tau_s with tau_sd = 1/2J, and that a
/// current density j turns the spin S of a cell by d n/dt = -(v_c j/2 q S) (p d_i n + p_na n x d_i n), p_na = beta p; p is P where
/// spin is lost to nothing but the order. Source:
/// docs/conventions.md in the general form, the continuity of spin with its relaxation; for ferromagnets Kohno, Tatara, Shibata, J. Phys. Soc. Jpn. 75, 113706
/// (2006), to whose beta and alpha these go for weak isotropic spins. Units: e = hbar = 1, energies of the model, densities per
/// cell. Bare loops have a beta without any impurity spin, which is spurious: there is no such option.
public struct SpinRelaxation: Sendable {
  /// nu_a, the density of states of each orbital at mu, both spins.
  public let densities: [Double]
  /// 1/tau_a = 2 pi (gz + gp)_a nu_a.
  public let orbitalRates: [Double]
  /// 1/tau_s, a real number; nil where K_s^xx vanishes within its bound.
  public let rate: Estimate?
  /// sigma_up and sigma_down, real numbers, e^2/hbar times length to the power 2 - d.
  public let conductivities: [Estimate]
  /// P, real; nil where the conductivity vanishes within its bound.
  public let polarisation: Estimate?
  /// p and p_na, real, as P.
  public let adiabatic, nonadiabatic: Estimate?
  /// -2 i K_Delta^xx/(omega sigma) with the signs of a staggered order, 2 i J K_s^xx/(omega sigma) of two sublattices: the torque on
  /// n of an antiferromagnet; nil of other magnets.
  public let order: Estimate?
  /// beta, a real number, positive where it turns as the damping of a ferromagnet with up spins in the majority; nil where the
  /// adiabatic torque vanishes within its bound, as in an antiferromagnet.
  public let beta: Estimate?
  /// |Im d/d omega sum_u tr[Delta G+_u' Delta G_u]| at omega = 0 per cell: alpha times the spin of a cell, in units of hbar. The axes
  /// of impurity spins that are not isotropic stay where they are.
  public let damping: Estimate

  /// zeta_s = -1/(2 J tau_s) of an antiferromagnet with the exchange J, a real number below 0, dimensionless.
  public func zeta(exchange: Double) -> Estimate? {
    rate.map {
      Estimate(
        value: $0.value.multiplied(by: -1 / (2 * exchange)), error: $0.error / (2 * abs(exchange)))
    }
  }

  /// Computes the numbers.
  /// - Throws: `RequestError`, `NonConvergence`, `EmptyCell`.
  public init(
    _ model: OrbitalModel, _ impurities: OrbitalImpurities, mu: Double, temperature: Double,
    directions: Directions, tolerance: Double = 1e-5, threads: Int = 1
  ) async throws {
    let all = model.orbitals.map { _ in 1.0 }
    let staggered = model.staggeredExchange
    let spectrum = try await ImpuritySpectrum(
      model, impurities, mu: mu, temperature: temperature, omegas: [0], directions: directions,
      responses: [
        .plain(.spin(.x, all)), .plain(.torque(.x, all)), .plain(.torque(.y, all)), .damping,
        .plain(.conduction(.up)), .plain(.conduction(.down)), .plain(.conduction(nil)),
      ] + (staggered.map { [.plain(.torque(.x, $0.signs))] } ?? []), tolerance: tolerance,
      threads: threads)
    if let reason = spectrum.reasons.compactMap(\.self).first {
      throw EmptyCell(column: "spin relaxation", omega: 0, reason: reason)
    }
    let own = try await OrbitalSelfEnergies(
      model, impurities, at: ComplexDouble(mu), tolerance: 1e-3 * tolerance, threads: threads)
    densities = own.densities
    orbitalRates = own.densities.indices.map {
      2 * .pi * (impurities.longitudinal[$0] + impurities.transverse[$0]) * own.densities[$0]
    }
    // Quotients at omega = 0 are imaginary.
    let slopes = spectrum.columns.map { ($0.quotients[0]!.value.imaginary, $0.quotients[0]!.error) }
    func ratio(_ a: (Double, Double), _ b: (Double, Double), _ factor: Double) -> Estimate? {
      guard abs(b.0) > 2 * b.1 else { return nil }
      let value = a.0 / b.0
      let error = (a.1 + abs(value) * b.1) / (abs(b.0) - b.1)
      return Estimate(value: ComplexDouble(factor * value), error: abs(factor) * error)
    }
    rate = ratio(slopes[2], slopes[0], 2)
    beta = ratio(slopes[2], slopes[1], -1)
    // sigma = i times its quotient.
    conductivities = slopes[4...5].map { Estimate(value: ComplexDouble(-$0.0), error: $0.1) }
    let (up, down, sigma) = (slopes[4], slopes[5], slopes[6])
    polarisation = ratio((up.0 - down.0, up.1 + down.1), sigma, 1)
    adiabatic = ratio(slopes[1], sigma, 2)
    nonadiabatic = ratio(slopes[2], sigma, -2)
    order = staggered == nil ? nil : ratio(slopes[7], sigma, -2)
    damping = Estimate(
      value: ComplexDouble(abs(slopes[3].0) * model.cellVolume),
      error: slopes[3].1 * model.cellVolume)
  }
}
