// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import Foundation
import KuboDiagrams
import KuboFiles
import RealModule
import Testing

/// Error estimates are true: the value at a loose tolerance lies within its bound of the value at a
/// tight one, in every case drawn, and the tolerance is met.
@Suite struct ErrorEstimateTests {
  @Test func estimatesAreTrue() async throws {
    let cases = areTestsLong ? 120 : 16
    var generator = SeededGenerator(5)
    var values = 0
    var parts = 0
    var missed = 0
    let diagrams = try shippedDiagrams()
    for _ in 0..<cases {
      let name = ["square", "honeycomb", "chain", "narrow"].randomElement(using: &generator)!
      let j = Double.random(in: 0.3...1, using: &generator)
      let tPrime = Double.random(in: 0...0.3, using: &generator)
      let model = try shippedModel(name, ["J": j, "t_prime": tPrime])
      // The gap, the bands, and van Hove energies (-J + T at the zone boundary).
      let mu =
        Bool.random(using: &generator)
        ? Double.random(in: -2.5...2.5, using: &generator)
        : [-j, 0, j].randomElement(using: &generator)!
      let temperature = [0, 0, 0.02, 0.1].randomElement(using: &generator)!
      let least = name == "chain" ? -5.0 : -1.5
      let gamma = Double.pow(10, Double.random(in: least ... -0.3, using: &generator))
      let omegas =
        [0, 1e-3, 2 * j] + (0..<3).map { _ in Double.random(in: 0...4, using: &generator) }
      var request = SpectrumRequest(
        model: model, mu: mu, temperature: temperature, lifetime: .constant(gamma), omegas: omegas,
        columns: bareColumns(namedResponses), diagrams: diagrams, tolerance: 1e-9, threads: 2)
      let exact = try await request.spectrum()
      for tolerance in [1e-2, 1e-4] {
        request.tolerance = tolerance
        let loose = try await request.spectrum()
        #expect(loose.failures.isEmpty && exact.failures.isEmpty)
        for (a, b) in zip(loose.columns, exact.columns) {
          for n in omegas.indices {
            let (v, w) = (a.values[n]!, b.values[n]!)
            values += 1
            let dynamic = v.dynamic - w.dynamic
            let still = a.staticPart! - b.staticPart!
            let label =
              "\(name) J=\(j) t'=\(tPrime) mu=\(mu) T=\(temperature) Gamma=\(gamma) omega=\(omegas[n]) \(a.request.label) tolerance \(tolerance)"
            for error in [dynamic, still, dynamic + still] {
              #expect(abs(error.real) <= v.error + w.error, "\(label)")
              #expect(abs(error.imaginary) <= v.error + w.error, "\(label)")
            }
            let floor = max(1e-4 * w.dynamic.length, 1e-6 * w.scale)
            for (part, error) in [
              (w.dynamic.real, dynamic.real), (w.dynamic.imaginary, dynamic.imaginary),
            ] {
              parts += 1
              if abs(error) > tolerance * max(abs(part), floor) + w.error { missed += 1 }
            }
          }
        }
      }
    }
    #expect(values == cases * 2 * 6 * 9)
    // The true error within the tolerance in at least 99.9 % of the parts.
    #expect(Double(missed) <= 1e-3 * Double(parts), "\(missed) of \(parts)")
  }

  /// Rounding is part of the bound: at T >> Gamma, T^3 K of s_full tends to a constant, with
  /// corrections of order 1/T^2 that are below the bound from T = 1e3 on; and small frequencies in
  /// the gap, where every pole is far away, neither lose digits nor refine for ever.
  @Test func rounding() async throws {
    func request(_ mu: Double, _ t: Double, _ gamma: Double, _ omegas: [Double], _ name: String)
      throws
      -> SpectrumRequest
    {
      SpectrumRequest(
        model: try shippedModel("chain"), mu: mu, temperature: t, lifetime: .constant(gamma),
        omegas: omegas, columns: bareColumns([name]), diagrams: try shippedDiagrams())
    }
    var scaled: [Double] = []
    for t in [1e3, 1e4, 1e5] {
      let value = try await request(0, t, 0.05, [1], "s_full").spectrum().columns[0].values[0]
      let found = try #require(value)
      scaled.append(found.dynamic.real * t * t * t)
      #expect(abs(scaled.last! - scaled[0]) <= found.error * t * t * t + 1e-5 * abs(scaled[0]))
    }
    #expect(abs(scaled[0] - 0.0639) < 1e-4)
    let gap = try await request(0, 0, 1e-3, [4.9e-5, 5.1e-5, 2e-4, 0.01, 0.1], "sigma").spectrum()
    #expect(gap.failures.isEmpty)
    #expect(gap.divisions < 10_000)
    // Re sigma is flat and Im sigma linear far below the gap.
    let values = gap.columns[0].values.map { $0! }
    for (v, omega) in zip(values[..<3], gap.omegas) {
      #expect(abs(v.dynamic.real / values[0].dynamic.real - 1) < 1e-5)
      #expect(
        abs(v.dynamic.imaginary / omega / (values[0].dynamic.imaginary / gap.omegas[0]) - 1) < 1e-5)
    }
  }

  /// A lifetime that no grid within the limit resolves, at a band edge, where no deformation helps, is
  /// an error that says so, not a number.
  @Test func nonConvergence() async throws {
    let spectrum = try await SpectrumRequest(
      model: try shippedModel("square", ["t_prime": 0]), mu: -0.5, temperature: 0,
      lifetime: .constant(1e-12), omegas: [0.5], columns: bareColumns(["Y"]),
      diagrams: try shippedDiagrams(), threads: 2
    ).spectrum()
    #expect(spectrum.columns[0].values == [nil])
    let failure = try #require(
      spectrum.failures.first { $0.omega == 0.5 } ?? spectrum.failures.first)
    #expect(failure.reason.contains("did not converge"))
    #expect(failure.reason.contains("points along each reciprocal vector"))
  }

  /// Cases that estimates once missed, at a loose tolerance against a tight one: advanced-advanced
  /// singularities inside of a strip held for smooth; a pole of width Gamma at the end of an interval;
  /// a rate of convergence that oscillation made large; a strip narrower than the levels, on a grid
  /// for these.
  @Test func estimatesOnceMissed() async throws {
    let diagrams = try shippedDiagrams()
    func check(
      _ model: Model, mu: Double, temperature: Double, gamma: Double, omega: Double,
      _ response: String, _ loose: Double
    ) async throws {
      var request = SpectrumRequest(
        model: model, mu: mu, temperature: temperature, lifetime: .constant(gamma),
        omegas: [omega], columns: bareColumns([response]), diagrams: diagrams, tolerance: loose,
        threads: 2)
      let found = try #require(try await request.spectrum().columns[0].values[0])
      request.tolerance = 1e-6
      let exact = try #require(try await request.spectrum().columns[0].values[0])
      for part in [\ComplexDouble.real, \ComplexDouble.imaginary] {
        let off = abs(found.dynamic[keyPath: part] - exact.dynamic[keyPath: part])
        #expect(off <= found.error + exact.error, "mu = \(mu), \(response)")
      }
    }
    func chain(_ j: Double) throws -> Model { try shippedModel("chain", ["J": j, "t_prime": 0]) }
    try await check(
      chain(0.638), mu: 0.349, temperature: 0, gamma: 5.076e-4, omega: -1.276, "X_na_all", 1e-2)
    try await check(
      shippedModel("square", ["J": 0.2, "t_prime": 0]), mu: 0.3, temperature: 0, gamma: 5e-4,
      omega: 0.6, "X_na_all", 1e-2)
    try await check(
      chain(0.7759300058454923), mu: 1.619529169365606, temperature: 0, gamma: 8.620416e-5,
      omega: 1.5518600116909846, "X_na_all", 1e-2)
    try await check(
      chain(0.22464946873003133), mu: -1.2147198318329797, temperature: 0.003, gamma: 3.49656e-5,
      omega: 0.06622621118125062, "X_na_all", 1e-2)
    try await check(
      chain(0.2184779198727036), mu: -0.13214088195731288, temperature: 0,
      gamma: 0.2879247993754583,
      omega: -0.993291481150345, "X_na_all", 1e-2)
    try await check(
      chain(0.17688363065969803), mu: 1.558047451415626, temperature: 0.1, gamma: 5.25505e-5,
      omega: 0, "sigma", 1e-4)
  }
}
