// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboOrbitals
import KuboTestSupport
import Testing

/// Spin relaxation by impurity spins, against the theory of weak ones.
@Suite struct SpinRelaxationTests {
  /// Both spins of a chain at mu, Delta = -0.5: H^up is lower.
  private func chain() throws -> OrbitalModel {
    try OrbitalModel(
      name: "chain", latticeVectors: [[1]],
      orbitals: [.init(name: "a", position: [0], exchange: 0.5)],
      hops: [
        .init(from: 0, to: 0, cell: [1], up: -1, down: -1),
        .init(from: 0, to: 0, cell: [2], up: ComplexDouble(-0.3), down: ComplexDouble(-0.3)),
      ])
  }

  private func relaxation(
    _ strength: Double, spins: Double, tolerance: Double = 1e-4
  ) async throws -> SpinRelaxation {
    try await SpinRelaxation(
      chain(), OrbitalImpurities(scalar: [strength], isotropic: [spins * strength]), mu: -0.6,
      temperature: 0, directions: Directions(i: 0, j: 0), tolerance: tolerance, threads: 2)
  }

  /// beta = 0 without impurity spins, exactly, though bare loops have one.
  @Test func noSpins() async throws {
    let own = try await relaxation(0.3, spins: 0)
    let (beta, rate) = (try #require(own.beta), try #require(own.rate))
    #expect(beta.value.length <= beta.error && beta.error < 1e-3)
    #expect(rate.value.length <= rate.error && rate.error < 1e-3)
    #expect(own.damping.value.length <= own.damping.error)
    #expect(own.orbitalRates == [0])
    // What keeps its spin turns the order by P j; at this mu electrons of spin down are faster.
    let (p, all) = (try #require(own.adiabatic), try #require(own.polarisation))
    #expect((p.value - all.value).length <= p.error + all.error && all.value.real < -0.05)
    #expect(own.conductivities.allSatisfy { $0.value.real > 10 * $0.error })
    let bare = try await ImpuritySpectrum(
      chain(), OrbitalImpurities(scalar: [0.3], isotropic: [0]), mu: -0.6, temperature: 0,
      omegas: [0], directions: Directions(i: 0, j: 0),
      responses: [.plain(.torque(.x, [1])), .plain(.torque(.y, [1]))], isDressed: false,
      tolerance: 1e-3)
    let spurious = bare.columns.map { $0.quotients[0]!.value.imaginary }
    #expect(abs(spurious[1] / spurious[0]) > 0.1)
  }

  /// Isotropic spins, gamma_s = 0.2 g0, against Kohno, Tatara and Shibata, nu of both spins, |Delta| = 0.5: with one orbital
  /// beta = 2 pi gamma_s nu/|Delta| at any strength, and alpha S/(pi gamma_s nu^2) is 0.97399 at g0 = 0.2, 0.99603 at 0.05.
  @Test func ferromagnet() async throws {
    var off: [(beta: Double, alpha: Double)] = []
    for strength in [0.2, 0.05] {
      let own = try await relaxation(strength, spins: 0.2)
      let (nu, spins) = (own.densities[0], 0.2 * strength)
      let beta = try #require(own.beta)
      #expect(beta.error <= 1e-4 * beta.value.length)
      #expect(own.damping.error <= 1e-3 * own.damping.value.real)
      // One orbital with constant Delta = -0.5: 1/tau_s = -2 Delta beta.
      #expect((own.rate!.value - beta.value).length <= own.rate!.error + beta.error)
      let (p, na) = (try #require(own.adiabatic), try #require(own.nonadiabatic))
      let rest = (na.value - beta.value * p.value).length
      let allowed: Double = na.error + beta.error * p.value.length + p.error
      #expect(rest <= allowed && beta.value.real > 0)
      off.append(
        (
          abs(beta.value.real / (2 * .pi * spins * nu / 0.5) - 1),
          abs(own.damping.value.real / (.pi * spins * nu * nu) - 1)
        ))
    }
    #expect(off.allSatisfy { $0.beta < 1e-4 })
    #expect(off[0].alpha < 0.03 && off[1].alpha < off[0].alpha / 4)
  }

  /// The antiferromagnetic chain of the reference: 1/tau_s is the rate of its orbitals, up to what is higher in the strength
  /// (0.10772 and 0.10744); and zeta_s = -tau_sd/tau_s, whatever its sign in print.
  @Test func antiferromagnet() async throws {
    let reference = LadderCase.all[3]
    let own = try await SpinRelaxation(
      reference.model.model(), reference.impurities, mu: reference.mu, temperature: reference.T,
      directions: Directions(i: 0, j: 0), tolerance: 1e-4, threads: 2)
    let rate = try #require(own.rate)
    #expect(own.orbitalRates.allSatisfy { abs(rate.value.real / $0 - 1) < 0.005 })
    #expect(rate.error < 1e-3 * rate.value.real)
    // tau_sd = 1/2J = 1.
    #expect(own.zeta(exchange: 0.5)!.value == -rate.value)
    #expect(own.beta == nil)
    let (order, na) = (try #require(own.order), try #require(own.nonadiabatic))
    // 2 J = 1.
    let rest = (na.value + rate.value * order.value).length
    let allowed: Double =
      na.error + rate.error * order.value.length + rate.value.length * order.error
    #expect(rest <= allowed)
    #expect(own.polarisation!.value.length <= own.polarisation!.error)
  }
}
