// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import KuboFiles
import RealModule
import Testing

/// Self-energies and ladders where simpler forms take over: weak impurities, small hopping.
@Suite struct LadderLimitTests {
  /// gamma -> 0: sigma of `scba` at omega = 0 tends to that of the constant Gamma = -Im Sigma(mu).
  @Test func weakImpurities() async throws {
    let model = try shippedModel("chain")
    var deviations: [Double] = []
    for gamma in [0.1, 0.05, 0.025] {
      let sigma = try await SelfEnergy.values(
        model: model, lifetime: .scba(gamma), energies: [ComplexDouble(-1.2)], threads: 2)[0]
      let width = -sigma.values.first.imaginary
      var conductivities: [Double] = []
      for lifetime in [Lifetime.scba(gamma), .constant(width)] {
        let spectrum = try await ladderRequest(
          model, mu: -1.2, temperature: 0, lifetime, [0], ["sigma"], [.bare]
        ).spectrum()
        try #require(spectrum.failures.isEmpty)
        conductivities.append(spectrum.columns[0].values[0]!.dynamic.real)
      }
      deviations.append(abs(conductivities[0] / conductivities[1] - 1))
    }
    // What is left is of first order in gamma, Gamma over the distance to the band edges.
    #expect(deviations[1] < 0.7 * deviations[0] && deviations[2] < 0.7 * deviations[1])
  }

  /// sigma at omega = 0, which is extrapolated, is that at a frequency far below the level width; also where
  /// this is much smaller than T.
  @Test(arguments: [Lifetime.scba(0.007), .site(0.05)])
  func smallFrequency(_ lifetime: Lifetime) async throws {
    let spectrum = try await ladderRequest(
      shippedModel("square"), mu: -1.2, temperature: 0.02, lifetime, [0, 2e-6], ["sigma"], [.bare]
    ).spectrum()
    try #require(spectrum.failures.isEmpty)
    let values = spectrum.columns[0].values.map { $0! }
    #expect(
      abs(values[0].dynamic.real - values[1].dynamic.real)
        < values[0].error + values[1].error + 1e-6 * values[0].dynamic.real)
  }

  /// t/J -> 0: X_na = i omega tau_sd Y_na, static parts included, with corrections of t^2/J^2.
  @Test func narrowGap() async throws {
    let omegas = [0.5, 1.2]
    var rows: [[Double]] = []
    for t in [0.1, 0.05, 0.025, 0.0125] {
      let spectrum = try await ladderRequest(
        shippedModel("square", ["t": t, "t_prime": 0.5, "J": 1]), mu: -1.8, temperature: 0,
        .scba(0.2), omegas, ["X_na", "Y_na"], [.ladder]
      ).spectrum()
      try #require(spectrum.failures.isEmpty)
      var row: [Double] = []
      for n in omegas.indices {
        let x = spectrum.full("X_na", .ladder, n)
        let y = spectrum.full("Y_na", .ladder, n) * ComplexDouble(0, omegas[n] / 2)
        row.append((x - y).length / x.length)
      }
      rows.append(row)
    }
    for n in omegas.indices {
      for m in 1..<rows.count {
        // Terms of fourth order, (4 t/J)^4, are still felt at t = 0.1: ratios of 3.6 to 4.1 were found.
        let ratio = rows[m - 1][n] / rows[m][n]
        #expect(ratio > 3 && ratio < 5, "omega = \(omegas[n]): \(ratio)")
      }
    }
  }

  /// t/J -> 0 and gamma -> 0 at fixed omega/gamma: the ladder tends to the closed form, which takes
  /// Sigma at mu for all energies. (At fixed omega it does not: there both K vanish as gamma, with
  /// different averages of Sigma over the window of width omega.)
  @Test func closedFormIsTheNarrowLimit() async throws {
    var last: [Double]?
    for gamma in [0.2, 0.1, 0.05] {
      let spectrum = try await ladderRequest(
        shippedModel("square", ["t": 0.0125, "t_prime": 0.5, "J": 1]), mu: -1.8, temperature: 0,
        .scba(gamma), [0.2 * gamma, gamma], ["X_na", "Y_na"], [.ladder, .closed]
      ).spectrum()
      try #require(spectrum.failures.isEmpty)
      let row = ["X_na", "Y_na"].flatMap { name in
        (0..<2).map { n in
          let (a, b) = (spectrum.full(name, .ladder, n), spectrum.full(name, .closed, n))
          return (a - b).length / a.length
        }
      }
      // Linear in gamma: ratios of 0.48 to 0.52 were found.
      if let last { #expect(zip(row, last).allSatisfy { $0 < 0.7 * $1 }, "\(row) \(last)") }
      last = row
    }
  }
}
