// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboOrbitals
import Testing

/// Where both spins have centres of their own, each current has the velocities of its own.
@Suite struct SpinPositionTests {
  @Test func currents() async throws {
    func currents(_ up: Double, _ down: Double) async throws -> [ComplexDouble] {
      var orbitals = [
        OrbitalModel.Orbital(name: "A", position: [0], energy: 0.2, exchange: 0.3),
        OrbitalModel.Orbital(name: "B", position: [up], exchange: -0.3),
      ]
      orbitals[1].downPosition = [down]
      let model = try OrbitalModel(
        name: "m", latticeVectors: [[1]], orbitals: orbitals,
        hops: [
          .init(from: 0, to: 1, cell: [0], up: -1, down: ComplexDouble(-0.9)),
          .init(from: 1, to: 0, cell: [1], up: ComplexDouble(-0.5), down: ComplexDouble(-0.4)),
        ])
      let spectrum = try await CollinearRequest(
        model: model, mu: 0.1, temperature: 0, broadening: 0.4, omegas: [0.7],
        directions: Directions(i: 0, j: 0),
        responses: unnamed([.conduction(.up), .conduction(.down)]),
        tolerance: 1e-8
      ).spectrum()
      return spectrum.columns.map { $0.quotients[0]!.value }
    }
    let (near, far, both) = (
      try await currents(0.3, 0.3), try await currents(0.45, 0.45), try await currents(0.3, 0.45)
    )
    // Grids follow the positions of both spins; what is left is rounding.
    for (own, expected) in zip(both, [near[0], far[1]]) {
      #expect((own - expected).length < 1e-14)
    }
    #expect((near[1] - far[1]).length > 1e-3)
  }
}
