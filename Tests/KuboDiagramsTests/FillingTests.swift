// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import Foundation
import KuboDiagrams
import Quadrature
import RealModule
import Testing

/// The chemical potential of a filling.
@Suite struct FillingTests {
  private func filling(
    _ n: Double, _ model: Model, temperature: Double = 0, broadening: Double = 0
  ) async throws -> Filling {
    try await Filling(
      electrons: n, model: model, temperature: temperature,
      lifetime: broadening == 0 ? nil : .constant(broadening), threads: 2)
  }

  /// The occupation of one level, -Im l/pi, against the integral of f(eps) times the Lorentzian by GSL,
  /// and its limits: 1 and 0 without a cut-off, approached as Gamma/(pi |xi|).
  @Test func occupationOfALevel() throws {
    let integrator = AdaptiveIntegrator()
    for (gamma, temperature) in [(0.05, 0.0), (0.05, 0.02), (0.3, 0.01), (0.002, 0.5), (1, 3)] {
      for xi in [-40, -1.3, -0.02, 0, 0.01, 0.7, 25] {
        let l = FermiLogarithm.value(at: ComplexDouble(xi, -gamma), temperature: temperature)
        func lorentzian(_ e: Double) -> Double {
          gamma / .pi / ((e - xi) * (e - xi) + gamma * gamma)
        }
        let reach = 40 * temperature
        // Below -40 T the Fermi function is 1 to 1e-17.
        let below = 0.5 + Double.atan2(y: -reach - xi, x: gamma) / .pi
        let window = try integrator.integrate(
          from: -reach, to: reach, breaks: [xi, 0], absolute: 1e-13, relative: 1e-12
        ) { lorentzian($0) / (1 + Double.exp($0 / max(temperature, 1e-300))) }
        let occupation = -l.imaginary / .pi
        #expect(abs(occupation - below - window.value) < 1e-11, "\(gamma) \(temperature) \(xi)")
      }
      let far = 1e5 * (gamma + temperature)
      for sign in [1.0, -1] {
        let l = FermiLogarithm.value(
          at: ComplexDouble(sign * far, -gamma), temperature: temperature)
        let rest = sign > 0 ? -l.imaginary / .pi : 1 + l.imaginary / .pi
        // The next order is (T/xi)^2 of it.
        #expect(abs(rest * .pi * far / gamma - 1) < 1e-5)
      }
    }
  }

  /// Without t' the bands are symmetric about 0: half filling is mu = 0, and n -> 4 - n is mu -> -mu, at every
  /// T and Gamma.
  @Test(arguments: ["chain", "square", "honeycomb"] + (areTestsLong ? ["cubic"] : []))
  func particlesAndHoles(_ name: String) async throws {
    let model = try shippedModel(name, ["t_prime": 0])
    // In three dimensions narrow levels at T = 0 take long.
    let states =
      name == "cubic" && !areTestsLong
      ? [(0, 0.5), (0.3, 0.02), (0.4, 0)]
      : [(0.0, 0.1), (0.3, 0.02), (0.05, 0.5), (0.0, 0.01), (0.4, 0)]
    for (temperature, broadening) in states {
      let half = try await filling(2, model, temperature: temperature, broadening: broadening)
      // mu is sought to 1e-10 of the bandwidth.
      #expect(abs(half.mu) <= half.error && half.error < 1e-8, "\(half)")
      let some = try await filling(1.4, model, temperature: temperature, broadening: broadening)
      let other = try await filling(2.6, model, temperature: temperature, broadening: broadening)
      #expect(abs(some.mu + other.mu) <= some.error + other.error)
      #expect(some.mu < -0.1)
    }
  }

  /// The clean chain without t' at T = 0: all |k| < k_F are filled, n = 4 k_F/pi, and
  /// mu = -(J^2 + 4 t^2 cos^2 k_F)^(1/2), in the upper band the opposite.
  @Test(arguments: [0.03, 0.4, 1, 1.7, 1.99]) func cleanChain(_ n: Double) async throws {
    let model = try shippedModel("chain", ["t_prime": 0, "t": 1, "J": 0.5])
    let cosine = 2 * Double.cos(.pi * n / 4)
    let exact = -(0.25 + cosine * cosine).squareRoot()
    let lower = try await filling(n, model)
    #expect(abs(lower.mu - exact) <= lower.error + 1e-14, "\(lower) \(exact)")
    #expect(lower.error < 1e-8)
    let upper = try await filling(4 - n, model)
    #expect(abs(upper.mu + exact) <= upper.error + 1e-14, "\(upper)")
  }

  /// n(mu(n)) = n, with n from a uniform grid on the real zone and 1/2 + arctan/pi for each level.
  @Test(arguments: [0.02, 0.9, 2, 3.2, 3.999]) func roundTrip(_ n: Double) async throws {
    let model = try shippedModel("square", ["t_prime": 0.15])
    let gamma = 0.2
    let found = try await filling(n, model, broadening: gamma)
    #expect(found.electrons == n && found.levels.contains("constant=\(gamma)"))
    // The levels' poles are gamma/slope from the real zone: exp(-2 pi 200 gamma/slope) is below 1e-13.
    let divisions = 400
    let hamiltonian = BlochHamiltonian(model, directions: Directions(i: 0, j: 0))
    var sum = 0.0
    for a in 0..<divisions {
      for b in 0..<divisions {
        let f = [Double(a) / Double(divisions), Double(b) / Double(divisions)]
        let frame = hamiltonian.frame(at: WaveVector(model.waveVector(reduced: f)))
        for s in Band.allCases {
          let xi = frame.energy(s).real - found.mu
          sum += 2 * (0.5 - Double.atan2(y: xi, x: gamma) / .pi)
        }
      }
    }
    let again = sum / Double(divisions * divisions)
    // dn/dmu is at most 4/(pi gamma).
    #expect(abs(again - n) <= 4 / (.pi * gamma) * found.error + 1e-12, "\(again) \(found)")
    #expect(found.error < 1e-8 * max(1, abs(found.mu)))
  }

  /// In a gap of the clean bands the middle is taken, at T = 0 and where T is too small for n to tell;
  /// with a lifetime or a temperature mu is where n says.
  @Test func middleOfTheGap() async throws {
    let model = try shippedModel("chain", ["t_prime": 0.05, "t": 1, "J": 0.5])
    // E = -0.1 cos 2k -+ (1/4 + 4 cos^2 k)^(1/2): both edges at k = pi/2, -0.5 + 0.1 and 0.5 + 0.1.
    for temperature in [0, 0.005] {
      let found = try await filling(2, model, temperature: temperature)
      #expect(found.isMiddleOfGap && abs(found.mu - 0.1) < 1e-9, "\(found)")
    }
    let warm = try await filling(2, model, temperature: 0.3)
    #expect(!warm.isMiddleOfGap && abs(warm.mu - 0.1) > 1e-3 && warm.error < 1e-8)
    let broad = try await filling(2, model, broadening: 0.05)
    #expect(!broad.isMiddleOfGap && abs(broad.mu - 0.1) < 0.4)
    // Bands that overlap have none.
    let metal = try await filling(
      2, try shippedModel("chain", ["t_prime": 0.9, "t": 0.5, "J": 0.2]))
    #expect(!metal.isMiddleOfGap)
  }

  /// With impurities, whose n is summed on the imaginary axis: the integral of the density of states on the real
  /// axis times the Fermi function gives the same n.
  @Test(arguments: [Lifetime.scba(0.1), .site(0.1)], [0.1, 0.02])
  func impuritiesOnTheRealAxis(_ lifetime: Lifetime, _ temperature: Double) async throws {
    let model = try shippedModel("chain")
    let n = 1.3
    let found = try await Filling(
      electrons: n, model: model, temperature: temperature, lifetime: lifetime, threads: 2)
    #expect(found.error < 1e-7)
    let reach = model.energyBound + 2 * 0.1.squareRoot()
    let integral = try await VectorIntegral(
      ends: stride(from: -reach, through: reach, by: reach / 64).map { $0 },
      allowed: { _ in [1e-6] }
    ) { energies in
      try await SelfEnergy.values(
        model: model, lifetime: lifetime, energies: energies.map { ComplexDouble($0) },
        tolerance: 1e-7, threads: 2
      ).map {
        let x = ($0.energy.real - found.mu) / temperature
        return [($0.density.first + $0.density.second) / (1 + Double.exp(x))]
      }
    }
    #expect(
      abs(integral.values[0] - n) < 1e-5 + 3 * found.error, "\(integral.values[0]) \(found)")
  }

  /// Impurities keep the symmetry of particles and holes without t'; weak ones leave mu that of the clean bands up
  /// to terms linear in gamma; at the edges of the bands mu is beyond those of the clean ones.
  @Test(arguments: [Impurities.scba] + (areTestsLong ? [.site] : [])) func impuritiesAndSymmetry(
    _ kind: Impurities
  )
    async throws
  {
    func lifetime(_ gamma: Double) -> Lifetime { kind == .scba ? .scba(gamma) : .site(gamma) }
    let chain = try shippedModel("chain", ["t_prime": 0])
    for temperature in [0, 0.05] {
      func mu(_ n: Double) async throws -> Filling {
        try await Filling(
          electrons: n, model: chain, temperature: temperature, lifetime: lifetime(0.2), threads: 2)
      }
      let (some, other) = (try await mu(1.4), try await mu(2.6))
      #expect(abs(some.mu + other.mu) <= some.error + other.error && some.mu < -0.1)
    }
    let square = try shippedModel("square")
    let clean = try await filling(1.2, square)
    for gamma in [1e-3, 1e-4] {
      let weak = try await Filling(
        electrons: 1.2, model: square, temperature: 0, lifetime: lifetime(gamma), threads: 2)
      #expect(weak.mu != clean.mu && abs(weak.mu - clean.mu) < gamma, "\(weak) \(clean)")
    }
    let few = try await Filling(
      electrons: 0.003, model: chain, temperature: 0, lifetime: lifetime(0.2), threads: 2)
    // The lowest energy of the clean bands.
    #expect(few.mu < -(4 + chain.exchange * chain.exchange).squareRoot())
  }

  /// In a gap that impurities leave open every mu has the filling 2, which is no value.
  @Test func impuritiesInAGap() async throws {
    let model = try shippedModel("chain", ["t_prime": 0, "J": 1])
    await #expect(throws: NonConvergence.self) {
      try await Filling(
        electrons: 2, model: model, temperature: 0, lifetime: .scba(0.01), threads: 2)
    }
  }

  @Test(arguments: [0, 4, -1, 4.5]) func impossible(_ n: Double) async throws {
    let model = try shippedModel("chain")
    await #expect(throws: RequestError.self) {
      try await filling(n, model, broadening: 0.1)
    }
  }

  /// Brent's method by GSL encloses what it finds.
  @Test func bracketedRoot() throws {
    let root = try BracketedRoot(from: 1, to: 2, absolute: 1e-12) { Double.cos($0) }
    #expect(abs(root.value - .pi / 2) <= root.error && root.error <= 1e-12)
    // A root at an end, and a step.
    #expect(try BracketedRoot(from: 0, to: 1, absolute: 0) { $0 }.value == 0)
    let step = try BracketedRoot(from: -3, to: 5, absolute: 1e-9) { $0 < 0.7 ? -1 : 2 }
    #expect(abs(step.value - 0.7) <= 1e-9)
    #expect(throws: QuadratureError.self) {
      try BracketedRoot(from: 0, to: 1, absolute: 1e-9) { _ in .nan }
    }
  }
}
