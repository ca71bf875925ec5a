// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import KuboFiles
import RealModule
import Testing

/// Averages over the Fermi surface that are known in closed form, and T -> 0.
@Suite struct FermiSurfaceTests {
  /// The chain at T = 0: two Fermi points, sigma_c/tau = |v|/pi, with t' = 0
  /// E = -+ sqrt(4 t^2 cos^2 k + J^2) and |v| = 4 t^2 |cos k sin k|/|E|.
  @Test(arguments: [-1.2, 1.2, -0.6, 1.9]) func chain(_ mu: Double) async throws {
    let j = 0.5
    let model = try shippedModel("chain", ["t_prime": 0])
    let found = try await Coefficients(model: model, mu: mu, temperature: 0)
    let cosine = (mu * mu - j * j).squareRoot() / 2
    let velocity = 4 * cosine * (1 - cosine * cosine).squareRoot() / abs(mu)
    #expect(abs(found.conductivity.value.real - velocity / .pi) <= 1e-9)
    #expect(abs(found.conductivity.value.real - velocity / .pi) <= found.conductivity.error + 1e-15)
  }

  /// T_k = 0 and a site inversion: P_n = -sign(mu) J^3/(|mu| (mu^2 - J^2)), the corrected (S6.53),
  /// exactly; the printed (S6.52) lacks the symmetry between particles and holes.
  @Test(
    arguments: [("square", -1.2), ("chain", 0.9)]
      + (areTestsLong ? [("square", 1.2), ("square", -2.5)] : []))
  func particleHoleSymmetry(_ state: (String, Double)) async throws {
    let (mu, j) = (state.1, 0.5)
    let model = try shippedModel(state.0, ["t_prime": 0])
    let found = try await Coefficients(model: model, mu: mu, temperature: 0, threads: 2)
    let expected = -(mu < 0 ? -1 : 1) * j * j * j / (abs(mu) * (mu * mu - j * j))
    let corrected = try #require(found.entry(.adiabaticY, .corrected).value)
    #expect(abs(corrected.value.real - expected) <= 1e-8 * abs(expected))
    // T_k = 0: no nonadiabatic torque.
    #expect(found.entry(.nonadiabaticX, .corrected).product.value.real == 0)
    // P_m corrected is odd in mu, printed even.
    let mirrored = try await Coefficients(model: model, mu: -mu, temperature: 0, threads: 2)
    let pairs = [(Version.corrected, -1.0), (.printed, 1.0)]
    for (version, sign) in pairs {
      let a = found.entry(.cantingX, version).product.value.real
      let b = mirrored.entry(.cantingX, version).product.value.real
      #expect(abs(a - sign * b) <= 1e-9 * abs(a))
    }
    let printed = found.entry(.adiabaticY, .printed).value!.value.real
    let other = mirrored.entry(.adiabaticY, .printed).value!.value.real
    #expect(abs(abs(printed) - abs(other)) > 1e-3 * abs(printed))
  }

  /// T = 0 by the deformed zone against T -> 0 of -f', a scheme that shares nothing with it:
  /// Richardson's extrapolation of the Sommerfeld series leaves a term of order T^4.
  @Test(arguments: [("square", -1.2), ("honeycomb", 1.0)])
  func zeroTemperature(_ state: (String, Double)) async throws {
    let model = try shippedModel(state.0)
    let sharp = try await Coefficients(model: model, mu: state.1, temperature: 0, threads: 2)
    let warm = try await Coefficients(
      model: model, mu: state.1, temperature: 0.016, tolerance: 1e-8, threads: 2)
    let cool = try await Coefficients(
      model: model, mu: state.1, temperature: 0.008, tolerance: 1e-8, threads: 2)
    func extrapolated(_ a: Double, _ b: Double) -> Double { (4 * b - a) / 3 }
    let sigma = extrapolated(warm.conductivity.value.real, cool.conductivity.value.real)
    #expect(abs(sharp.conductivity.value.real - sigma) <= 1e-4 * sigma)
    for n in sharp.entries.indices {
      let value = extrapolated(
        warm.entries[n].product.value.real, cool.entries[n].product.value.real)
      let exact = sharp.entries[n].product.value.real
      #expect(abs(exact - value) <= 2e-3 * abs(exact), "\(sharp.entries[n].name)")
    }
  }

  /// mu in the gap: sigma_c is zero within its error, the P's are empty, the products are given.
  @Test(arguments: [0.0, 0.01]) func gap(_ temperature: Double) async throws {
    let model = try shippedModel("square", ["t_prime": 0])
    let found = try await Coefficients(model: model, mu: 0, temperature: temperature)
    #expect(abs(found.conductivity.value.real) <= max(found.conductivity.error, 1e-15))
    #expect(found.entries.allSatisfy { $0.value == nil })
    #expect(found.gapRatio == nil)
  }

  /// A van Hove energy at T = 0 is an error that says so; at T > 0 it is not.
  @Test func vanHove() async throws {
    // Square lattice, t' = 0: band edges at J and sqrt(16 t^2 + J^2), for both bands.
    let model = try shippedModel("square", ["t_prime": 0])
    for mu in [-0.5, 0.5, -(16.25).squareRoot()] {
      let error = await #expect(throws: VanHove.self) {
        try await Coefficients(model: model, mu: mu, temperature: 0)
      }
      #expect(error?.mu == mu)
      #expect("\(try #require(error))".contains("van Hove"))
    }
    // With t' the saddle is at k = (pi/2, pi/2) and (pi, 0): E = T - J there.
    let saddle = try shippedModel("square")
    await #expect(throws: VanHove.self) {
      try await Coefficients(model: saddle, mu: 0.8 - 0.5, temperature: 0)
    }
    let warm = try await Coefficients(model: model, mu: -0.5, temperature: 0.05, tolerance: 1e-6)
    #expect(warm.conductivity.value.real > 0)
  }
}
