// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import Foundation
import KuboDiagrams
import KuboFiles
import RealModule
import Testing

/// Self-energies and ladders against numbers that share no code with them: those of independent
/// programs, in data/reference, and a sum over a uniform grid written here.
@Suite struct LadderReferenceTests {
  struct State: Decodable {
    let lattice: String
    let t, t_prime, J, mu, gamma, temperature: Double
    let i, j: Int?
    let self_energy_at_mu: [String: [Double]]?
    let Sigma_0, Sigma_3: [Double]?
    let rows: [[String: ReferenceTests.Entry]]

    var omegas: [Double] {
      rows.map { row in
        guard case .number(let omega)? = row["omega"] else { preconditionFailure("no omega") }
        return omega
      }
    }

    func values(_ key: String) -> [ComplexDouble] {
      rows.map { row in
        guard case .complex(let z)? = row[key] else { preconditionFailure("no value") }
        return z
      }
    }

    func model() throws -> Model {
      try shippedModel(lattice, ["t": t, "t_prime": t_prime, "J": J])
    }
  }

  private func states(_ name: String) throws -> [State] {
    let path = "\(repository)/data/reference/\(name).json"
    return try JSONDecoder().decode([State].self, from: Data(contentsOf: URL(filePath: path)))
  }

  /// Sigma at mu within 1e-5: the file's grids changed it by 1.4e-6 or less, and the engine is asked
  /// for 1e-9.
  private func checkSelfEnergies(
    _ state: State, _ lifetime: Lifetime, _ expected: (first: [Double], second: [Double])
  ) async throws {
    let found = try await SelfEnergy.values(
      model: state.model(), lifetime: lifetime, energies: [ComplexDouble(state.mu)], threads: 2)[0]
    let pairs = [(found.values.first, expected.first), (found.values.second, expected.second)]
    for (sigma, numbers) in pairs {
      #expect((sigma - ComplexDouble(numbers[0], numbers[1])).length <= 1e-5, "\(sigma)")
    }
    #expect(found.error <= 1e-8)
  }

  /// The full K of the columns within 1e-4 of the largest value in the column, a hundred times the
  /// file's change from grid to grid; the engine's own error is a tolerance of 1e-4 of each part.
  private func check(
    _ state: State, _ lifetime: Lifetime, _ keys: [(key: String, response: String, Dressing)],
    form: LadderForm = .exact
  ) async throws {
    let spectrum = try await SpectrumRequest(
      model: state.model(), mu: state.mu, temperature: state.temperature, lifetime: lifetime,
      omegas: state.omegas, directions: Directions(i: state.i ?? 0, j: state.j ?? 0),
      columns: keys.map { .init(response: Response($0.response)!, dressing: $0.2) },
      diagrams: shippedDiagrams(), tolerance: 1e-4, threads: 2, ladderForm: form
    ).spectrum()
    try #require(spectrum.failures.isEmpty)
    for (key, response, dressing) in keys {
      let expected = state.values(key)
      let largest = expected.map(\.length).max()!
      for (n, omega) in state.omegas.enumerated() {
        let error = (spectrum.full(response, dressing, n) - expected[n]).length
        #expect(error <= 1e-4 * largest, "\(key) omega = \(omega): \(error / largest)")
      }
    }
  }

  @Test func scba() async throws {
    let all = try states("scba")
    #expect(all.count == 1)
    for state in all {
      #expect(state.omegas == [0.1, 0.4, 0.8, 1, 1.2, 2])
      let sigma = try #require(state.self_energy_at_mu)
      try await checkSelfEnergies(
        state, .scba(state.gamma), (sigma["bonding"]!, sigma["antibonding"]!))
      try await check(
        state, .scba(state.gamma),
        [
          ("X_na.bare", "X_na", .bare), ("X_na.ladder", "X_na", .ladder),
          ("Y_na.bare", "Y_na", .bare), ("Y_na.ladder.exact", "Y_na", .ladder),
        ])
      try await check(
        state, .scba(state.gamma),
        [("X_na.ladder", "X_na", .ladder), ("Y_na.ladder.paper", "Y_na", .ladder)], form: .paper)
    }
  }

  @Test func site() async throws {
    let all = try states("site")
    #expect(all.count == 1)
    for state in all {
      #expect(state.omegas == [0.12, 0.4, 1.6])
      try await checkSelfEnergies(
        state, .site(state.gamma), (#require(state.Sigma_0), #require(state.Sigma_3)))
      try await check(
        state, .site(state.gamma),
        [
          ("s_full.bare", "s_full", .bare), ("s_full.ladder", "s_full", .ladder),
          ("Sigma_full.bare", "Sigma_full", .bare), ("Sigma_full.ladder", "Sigma_full", .ladder),
        ])
    }
  }

  /// X_na of the chain, bare `scba`, along another road: a uniform grid of 2000 points, Sigma by
  /// iteration, all three terms of docs/conventions.md section 3 on the real axis, projectors as matrices.
  @Test func bruteForce() async throws {
    let (mu, temperature, gamma, omega) = (-1.2, 0.05, 0.4, 0.8)
    let chain = BruteForceChain(t: 1, tPrime: 0.2, exchange: 0.5, gamma: gamma)
    let fine = chain.nonadiabaticX(mu: mu, temperature: temperature, omega: omega, step: 2e-3)
    let coarse = chain.nonadiabaticX(mu: mu, temperature: temperature, omega: omega, step: 4e-3)
    let spectrum = try await SpectrumRequest(
      model: shippedModel("chain"), mu: mu, temperature: temperature, lifetime: .scba(gamma),
      omegas: [omega], columns: bareColumns(["X_na"]), diagrams: shippedDiagrams(),
      tolerance: 1e-6, threads: 2
    ).spectrum()
    let engine = spectrum.full("X_na", .bare, 0)
    // The rule's error comes from square roots at band edges and falls as step^1.5: what is left
    // of the finer rule's error is half of the change or less.
    #expect((fine - coarse).length <= 1e-5 * fine.length)
    #expect((fine - engine).length <= 1e-5 * fine.length)
  }
}
