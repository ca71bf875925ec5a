// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboOrbitals
import KuboTestSupport
import Testing

/// Antiferromagnets of two sublattices by both routes, which share grids and Matsubara sums, but no trace.
@Suite struct TwoSublatticeTests {
  /// s, Sigma and sigma, at frequencies on both sides of 2 J and at 0, each within both bounds.
  @Test(
    arguments: [("chain", 0.1, 0.02, -1.2)]
      + (areTestsLong ? [("square", 0.3, 0, -1.2)] : []) + [("honeycomb", 0.4, 0.05, 0)])
  func agree(_ name: String, broadening: Double, temperature: Double, mu: Double) async throws {
    let model = try shippedModel(name)
    let omegas = model.dimension == 1 || areTestsLong ? [0, 0.3, 1.4] : [1.4]
    let fast = try await SpectrumRequest(
      model: model, mu: mu, temperature: temperature, lifetime: .constant(broadening),
      omegas: omegas,
      columns: bareColumns([
        "s.xx.full", "s.xy.full", "Sigma.xx.full", "Sigma.xy.full", "sigma",
      ]), diagrams: try shippedDiagrams(), tolerance: 1e-6, threads: 2
    ).spectrum()
    let general = try await CollinearRequest(
      model: OrbitalModel(model), mu: mu, temperature: temperature, broadening: broadening,
      omegas: omegas, directions: Directions(i: 0, j: 0),
      responses: unnamed([
        .spin(.x, [1, 1]), .spin(.y, [1, 1]), .torque(.x, [1, 1]), .torque(.y, [1, 1]),
        .conduction(.up), .conduction(.down),
      ]), tolerance: 1e-6, threads: 2
    ).spectrum()
    #expect(fast.failures.isEmpty)
    for (n, omega) in omegas.enumerated() {
      // Delta = -J rho_3, so that the torque is -J Sigma; sigma = (i/omega) [Pi(omega) - Pi(0)].
      for (o, factor) in [1, 1, -model.exchange, -model.exchange].enumerated() {
        let (a, b) = (fast.columns[o].values[n]!, general.columns[o].quotients[n]!)
        let off = a.dynamic.multiplied(by: factor) - b.value.multiplied(by: omega)
        let allowed = abs(factor) * a.error + b.error * omega
        #expect(off.length <= 1.5 * allowed, "\(fast.columns[o].request.label) \(omega)")
        #expect(allowed <= 1e-5 * max(a.scale, 1))
      }
      let sigma = fast.columns[4].values[n]!
      let (up, down) = (general.columns[4].quotients[n]!, general.columns[5].quotients[n]!)
      let off = sigma.dynamic - ComplexDouble.i * (up.value + down.value)
      #expect(off.length <= 1.5 * (sigma.error + up.error + down.error), "sigma \(omega)")
      #expect(sigma.dynamic.length > 0.01)
    }
  }

  /// mu of a filling with impurities on both sublattices, from avg tr G by both routes, cold and warm.
  @Test(
    arguments: [("chain", 0.3, 0.0, 1.3), ("chain", 0.3, 0.05, 2.2)]
      + (areTestsLong ? [("honeycomb", 0.6, 0.05, 1.6)] : []))
  func filling(_ name: String, gamma: Double, temperature: Double, electrons: Double) async throws {
    let model = try shippedModel(name)
    let fast = try await Filling(
      electrons: electrons, model: model, temperature: temperature, lifetime: .site(gamma),
      threads: 2)
    let own = [gamma, gamma]
    let general = try await OrbitalModel(model).chemicalPotential(
      electrons: electrons, temperature: temperature,
      impurities: OrbitalImpurities(scalar: own, isotropic: [0, 0]), threads: 2)
    #expect(abs(fast.mu - general.mu) <= fast.error + general.error, "\(fast) \(general)")
    #expect(max(fast.error, general.error) <= 1e-6)
    // Impurities move it.
    let clean = try await Filling(
      electrons: electrons, model: model, temperature: temperature, lifetime: nil, threads: 2)
    #expect(abs(clean.mu - general.mu) > 1e-3)
  }

  /// The five shipped models to 1e-9 of each response, by grids, traces and energy integrals of their own.
  @Test(
    arguments: [("chain", 0.1, 0.02, -1.2), ("narrow", 0.3, 0.02, -1.2)]
      + (areTestsLong
        ? [("square", 0.3, 0, -1.2), ("honeycomb", 0.4, 0.05, -0.4), ("cubic", 0.8, 0.2, -1)] : []))
  func tight(_ name: String, broadening: Double, temperature: Double, mu: Double) async throws {
    let model = try shippedModel(name)
    let omegas = [0.35, 1.3]
    let names = ["s.xx.full", "s.xy.full", "Sigma.xx.full", "Sigma.xy.full", "sigma"]
    let fast = try await SpectrumRequest(
      model: model, mu: mu, temperature: temperature, lifetime: .constant(broadening),
      omegas: omegas, columns: bareColumns(names), diagrams: try shippedDiagrams(),
      tolerance: 1e-10, threads: 2
    ).spectrum()
    let general = try await CollinearRequest(
      model: OrbitalModel(model), mu: mu, temperature: temperature, broadening: broadening,
      omegas: omegas, directions: Directions(i: 0, j: 0),
      responses: unnamed([
        .spin(.x, [1, 1]), .spin(.y, [1, 1]), .spin(.x, [1, -1]), .spin(.y, [1, -1]),
        .conduction(nil),
      ]), tolerance: 1e-10, threads: 2
    ).spectrum()
    #expect(fast.failures.isEmpty && general.failures.isEmpty)
    for (c, name) in names.enumerated() {
      let values = omegas.indices.map { n in
        (fast.columns[c].values[n]!.dynamic, general.columns[c].values[n]!.value)
      }
      // What vanishes by symmetry is measured by its partner.
      let partner = c < 4 ? fast.columns[c / 2 * 2..<c / 2 * 2 + 2] : fast.columns[4..<5]
      let size = partner.flatMap(\.values).map { $0!.dynamic.length }.max()!
      for (a, b) in values { #expect((a - b).length <= 1e-9 * size, "\(name): \(a), \(b)") }
    }
  }
}
