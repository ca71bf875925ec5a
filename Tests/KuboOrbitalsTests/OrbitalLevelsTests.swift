// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboFiles
import KuboLattice
import KuboOrbitals
import KuboTestSupport
import KuboZoneIntegrals
import Testing

/// Chemical potentials and densities of states of models with orbitals.
@Suite struct OrbitalLevelsTests {
  private func model(_ name: String) throws -> OrbitalModel {
    try ModelFile.read(path: "\(repository)/data/models/\(name).yaml").orbitalModel()
  }

  /// At the mu that is found a cell holds as many electrons, as the loops count them.
  @Test(arguments: [("kagome", 1.3, 0.0), ("lieb", 3, 0.05), ("ferrimagnet", 0.4, 0.1)])
  func filling(_ name: String, _ electrons: Double, _ temperature: Double) async throws {
    let model = try model(name)
    let (mu, error) = try await model.chemicalPotential(
      electrons: electrons, temperature: temperature, broadening: 0.3, threads: 2)
    #expect(error < 1e-8 * model.energyBound)
    let state = try await OrbitalState(
      model, mu: mu, temperature: temperature, broadening: 0.3, tolerance: 1e-8, threads: 2)
    let all = state.up + state.down
    let count = all.reduce(0) { $0 + $1.value.real }
    #expect(abs(count - electrons) <= all.reduce(1e-9) { $0 + $1.error })
  }

  /// Of a chain with one orbital and site impurities avg G^u = ((z + u J - Sigma)^2 - 4 t^2)^(-1/2): n = 0.7 at T = 0 by this, in
  /// Python, with Sigma = gamma avg G by iteration and Gauss's rule along Im z.
  @Test func fillingWithImpurities() async throws {
    let model = try OrbitalModel(
      name: "chain", latticeVectors: [[1]],
      orbitals: [.init(name: "a", position: [0], energy: 0, exchange: 0.5)],
      hops: [.init(from: 0, to: 0, cell: [1], up: ComplexDouble(-1), down: ComplexDouble(-1))])
    for (gamma, right) in [(0.1, -0.8724287832897154), (0.01, -0.8715168756895226)] {
      let found = try await model.chemicalPotential(
        electrons: 0.7, temperature: 0,
        impurities: OrbitalImpurities(scalar: [gamma], isotropic: [0]), threads: 2)
      #expect(abs(found.mu - right) <= found.error + 1e-11 && found.error < 1e-8, "\(found)")
      if !areTestsLong { break }
    }
  }

  /// The same mu and densities as those of two sublattices by their own route, on displaced zones.
  @Test func twoSublattices() async throws {
    let model = try shippedModel("chain")
    let own = OrbitalModel(model)
    let fast = try await Filling(
      electrons: 1.3, model: model, temperature: 0.02, lifetime: .constant(0.2), threads: 2)
    let found = try await own.chemicalPotential(
      electrons: 1.3, temperature: 0.02, broadening: 0.2, threads: 2)
    #expect(abs(found.mu - fast.mu) <= found.error + fast.error)
    let energies = [-2.6, -1.2, -0.4, 0, 1.7]
    let left = try await DensityOfStates.values(
      model, energies: energies, broadening: 0.2, tolerance: 1e-7, threads: 2)
    let right = try await DensityOfStates.values(
      own, energies: energies, broadening: 0.2, tolerance: 1e-7, threads: 2)
    for (a, b) in zip(left, right) {
      for (left, right) in [(a.density, b.density), (a.states, b.states)] {
        let off = (left + right.map { Estimate(value: -$0.value, error: $0.error) })
          .reduce((0.0, 1e-12)) { ($0.0 + $1.value.real, $0.1 + $1.error) }
        #expect(abs(off.0) <= off.1)
      }
      // Both spins alike.
      #expect((b.density[0].value - b.density[1].value).length <= 2 * b.density[0].error + 1e-12)
    }
  }

  /// What a cell cannot hold is refused.
  @Test func refusals() async throws {
    let model = try model("kagome")
    for electrons in [0, -1, 6, 7.5] {
      await #expect(throws: RequestError.self) {
        try await model.chemicalPotential(electrons: electrons, temperature: 0, broadening: 0.1)
      }
    }
  }

  /// J and signs of what has no net exchange.
  @Test func staggeredExchange() throws {
    for (model, signs) in [
      (try model("altermagnet"), [1.0, -1]), (try model("lieb"), [0, 1, -1]),
      (OrbitalModel(try shippedModel("chain")), [1, -1]),
    ] {
      let found = try #require(model.staggeredExchange)
      #expect(found.exchange == 0.5 && found.signs == signs)
    }
    for name in ["ferromagnet", "ferrimagnet", "kagome", "bcc"] {
      #expect(try model(name).staggeredExchange == nil)
    }
  }
}
