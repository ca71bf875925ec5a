// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import RealModule
import Testing

/// J far below the level width: sums over both bands, which do not know it.
@Suite("Small J") struct SmallExchangeTests {
  private static let names = ["sigma", "s_full", "Sigma_full"]

  /// J = 1e-12 and J = 1e-6 give the same, which is that of uniform grids; mu at the crossing of the bands and
  /// elsewhere.
  @Test(arguments: ["chain", "square", "honeycomb", "narrow", "cubic"], [0, nil] as [Double?])
  func uniformGrid(_ name: String, _ mu: Double?) async throws {
    let gamma = name == "cubic" ? 1.2 : 0.1
    let defaults = ["square": -1.2, "honeycomb": -1, "chain": -1.2, "narrow": -1.8, "cubic": -3]
    func state(_ exchange: Double) throws -> CertificateState {
      CertificateState(
        model: try shippedModel(name, ["J": exchange]), mu: mu ?? defaults[name]!, temperature: 0,
        gamma: gamma, omegas: [0.3, 0.7], columns: bareColumns(SmallExchangeTests.names),
        tolerance: 1e-6)
    }
    let states = [try state(1e-12), try state(1e-6)]
    var found: [Spectrum] = []
    for state in states {
      found.append(
        try await SpectrumRequest(
          model: state.model, mu: state.mu, temperature: 0, lifetime: .constant(gamma),
          omegas: state.omegas, columns: state.columns, diagrams: try shippedDiagrams(),
          tolerance: state.tolerance, threads: 2
        ).spectrum())
      #expect(found.last!.failures.isEmpty)
    }
    // Three grids, once: the finest is far better than what they differ by.
    let reference = UniformGridReference(
      states[0], states[0].columns, goals: [[1, 1, 1], [1, 1, 1]], limit: 1)
    #expect(reference.change < 1e-4)
    for c in SmallExchangeTests.names.indices {
      for n in states[0].omegas.indices {
        let (a, b) = (
          try #require(found[0].columns[c].values[n]), try #require(found[1].columns[c].values[n])
        )
        let label = "\(SmallExchangeTests.names[c]) at \(states[0].omegas[n])"
        // Even responses change by about (J/Gamma)^2, odd ones by J/Gamma.
        let change = (c < 2 ? 1e-12 / (gamma * gamma) : 1e-6 / gamma) * max(a.scale, b.scale)
        let between = a.dynamic - b.dynamic
        #expect(
          max(abs(between.real), abs(between.imaginary)) <= a.error + b.error + 10 * change,
          "\(label)")
        let off = a.dynamic - reference.dynamics[n][c].value
        #expect(
          max(abs(off.real), abs(off.imaginary)) <= a.error + reference.change * a.scale,
          "\(label): \(a) \(reference.dynamics[n][c].value)")
      }
    }
  }

  /// The largest grid is that of all columns, not of those alone that know J, here nested integrals without a grid.
  @Test func largestGrid() async throws {
    func divisions(_ names: [String]) async throws -> Int {
      try await SpectrumRequest(
        model: try shippedModel("honeycomb", ["J": 1e-7]), mu: -1, temperature: 0.02,
        lifetime: .constant(0.2), omegas: [0.3], columns: bareColumns(names),
        diagrams: try shippedDiagrams(), tolerance: 1e-3, threads: 2
      ).spectrum().divisions
    }
    let alone = try await divisions(["sigma"])
    #expect(alone > 0)
    #expect(try await divisions(["sigma", "X_na"]) >= alone)
  }

  /// Three dimensions at small level width, once refused.
  @Test func cubic() async throws {
    var found: [Spectrum.Value] = []
    for exchange in [1e-12, 1e-4] {
      let spectrum = try await SpectrumRequest(
        model: try shippedModel("cubic", ["J": exchange]), mu: -3, temperature: 0.02,
        lifetime: .constant(0.05), omegas: [0.3], columns: bareColumns(["sigma"]),
        diagrams: try shippedDiagrams(), tolerance: 1e-4, threads: 2
      ).spectrum()
      #expect(spectrum.failures.isEmpty)
      found.append(try #require(spectrum.columns[0].values[0]))
    }
    // The response changes by about (J/Gamma)^2 of itself.
    let off = (found[0].dynamic - found[1].dynamic).length
    #expect(off <= 2 * (found[0].error + found[1].error) + 1e-4 * found[0].dynamic.length)
  }

  /// The sums of both bands by C, against the closed forms of every bubble at every wave vector of the grid:
  /// warm and cold, at omega = 0 and next to it, in resonance, and where the bands all but touch.
  @Test(arguments: ["chain", "honeycomb", "cubic"], [0, 0.02, 0.7])
  func sameAsClosedForms(_ name: String, _ temperature: Double) async throws {
    let diagrams = try shippedDiagrams()
    let sums = namedResponses.map { name in
      let response = Response(name)!
      return LoopWeights.Sum(
        measured: response.measured, spin: response.spin, diagrams: diagrams.diagrams(of: response))
    }
    let omegas = [0, 1e-9, -1e-3, 0.3, -0.7, 1, 2.4]
    for exchange in [1e-12, 0.5] {
      let zone = ZoneSum(
        model: try shippedModel(name, ["J": exchange]), directions: Directions(i: 0, j: 0),
        mu: -0.3, temperature: temperature, broadening: 0.03, loops: sums,
        closedForms: ClosedForm.allCases.map { ($0, .corrected) }, threads: 2)
      let divisions = name == "chain" ? 240 : 12
      let slow = try await zone(divisions: divisions, omegas: omegas, withScales: true)
      let fast = try await BubbleSum(zone, reach: 3)(
        divisions: divisions, omegas: omegas, withScales: true)
      // Projections next to zeros of eta are as uncertain as eta over J.
      let names = namedResponses + ClosedForm.allCases.map { "\($0)" }
      for o in names.indices
      where exchange > 0.1 || names[o].contains("full") || names[o] == "sigma" {
        #expect(
          (slow.statics[o] - fast.statics[o]).length <= 1e-14 * slow.staticScales[o]
            + slow.staticRounding[o] + fast.staticRounding[o] + 1e-300,
          "\(names[o]), J = \(exchange)")
        for n in omegas.indices {
          let off = (slow.quotients[n][o] - fast.quotients[n][o]).length
          let label = "\(names[o]), J = \(exchange), omega = \(omegas[n])"
          #expect(off <= slow.rounding[n][o] + fast.rounding[n][o] + 1e-300, "\(label)")
        }
      }
    }
  }
}
