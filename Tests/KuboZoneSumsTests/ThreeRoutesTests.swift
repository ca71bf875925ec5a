// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import KuboFiles
import RealModule
import Testing

/// The Matsubara sum itself, the real-axis integral by GSL, and the closed form.
@Suite struct ThreeRoutesTests {
  /// mu in the lower and in the upper band of each model.
  static let states: [(String, Double)] = [
    ("square", -1.2), ("square", 1.2), ("honeycomb", -1.0), ("honeycomb", 1.0),
  ]

  /// Bubble by bubble at random energies, to 1e-9.
  @Test(arguments: [0.0, 0.02, 0.2]) func closedFormIsTheRealAxisIntegral(_ temperature: Double)
    throws
  {
    let broadening = 0.05
    let line = FermiLogarithm(temperature: temperature, broadening: broadening, reach: 20)
    let exact = ClosedFormBubble(line: line)
    let axis = RealAxisBubble(temperature: temperature, broadening: broadening)
    var generator = SeededGenerator(3)
    let four = Bubble(plus: [.bonding, .antibonding], inner: [.bonding, .bonding])
    for _ in 0..<4 {
      let middle = Double.random(in: -1.5...1.5, using: &generator)
      let half = Double.random(in: 0.1...1.5, using: &generator)
      let x = BandPair(bonding: middle - half, antibonding: middle + half)
      for omega in [0, Double.random(in: 0.01...3, using: &generator), -0.7, 2 * half] {
        for bubble in Bubble.known + [four] {
          let closed =
            exact.dynamicQuotient(bubble, x, omega: omega).multiplied(by: omega)
            + ComplexDouble(exact.staticPart(bubble, x))
          let integral = try axis.value(bubble, x, omega: omega)
          // Three propagators near a pole reach 1/(2 Gamma)^2 = 100.
          #expect(
            (closed - integral).length <= 1e-9 * max(1, closed.length),
            "\(bubble) x = \(x) omega = \(omega)")
        }
      }
    }
  }

  /// Whole responses, summed over the same stars: closed form against real-axis integral, to 1e-9
  /// of the scale.
  @Test(arguments: states, [0.0, 0.02]) func responsesOnTheRealAxis(
    _ state: (String, Double), _ temperature: Double
  ) async throws {
    let model = try shippedModel(state.0)
    let diagrams = try shippedDiagrams()
    let broadening = 0.05
    let loops = namedResponses.map { name in
      let response = Response(name)!
      return LoopWeights.Sum(
        measured: response.measured, spin: response.spin, diagrams: diagrams.diagrams(of: response))
    }
    let omegas = [0.3, 1.1]
    let grid = 5
    let directions = Directions(i: 0, j: 0)
    let zone = ZoneSum(
      model: model, directions: directions, mu: state.1, temperature: temperature,
      broadening: broadening, loops: loops, closedForms: [], threads: 2)
    let closed = try await zone(divisions: grid, omegas: omegas, withScales: true)
    // The same grid without symmetry, each trace times its own integral.
    let weights = LoopWeights(loops, known: [])
    let axis = RealAxisBubble(temperature: temperature, broadening: broadening)
    let hamiltonian = BlochHamiltonian(model, directions: directions)
    let count = weights.bubbles.count
    var integrals = [[ComplexDouble]](
      repeating: Array(repeating: .zero, count: loops.count), count: omegas.count)
    for index in 0..<(grid * grid) {
      let f = [Double(index / grid) / Double(grid), Double(index % grid) / Double(grid)]
      let frame = hamiltonian.frame(at: WaveVector(model.waveVector(reduced: f)))
      var w = [ComplexDouble](repeating: .zero, count: loops.count * count)
      weights.add(frame, weight: 1, isPaired: false, to: &w, magnitudes: nil)
      let x = BandPair(
        bonding: frame.energy(.bonding).real - state.1,
        antibonding: frame.energy(.antibonding).real - state.1)
      for (n, omega) in omegas.enumerated() {
        for (b, bubble) in weights.bubbles.enumerated() {
          let k = try axis.value(bubble, x, omega: omega)
          for o in loops.indices { integrals[n][o] += w[o * count + b] * k }
        }
      }
    }
    let norm = 1 / (Double(grid * grid) * model.cellVolume)
    for (n, omega) in omegas.enumerated() {
      for o in loops.indices {
        let value = closed.quotients[n][o].multiplied(by: omega) + closed.statics[o]
        let scale = closed.scales[n][o] * omega + closed.staticScales[o]
        let integral = integrals[n][o].multiplied(by: norm)
        #expect(
          (value - integral).length <= 1e-9 * scale, "\(namedResponses[o]) omega = \(omega)")
      }
    }
  }

  /// The direct Matsubara sum against the spectral representation of the closed form, to 1e-6 of
  /// the scale, and within the stated errors.
  @Test(arguments: areTestsLong ? states : Array(states.dropFirst(2)))
  func matsubaraSum(_ state: (String, Double)) async throws {
    let request = SpectrumRequest(
      model: try shippedModel(state.0), mu: state.1, temperature: 0.05, lifetime: .constant(0.05),
      omegas: [], columns: bareColumns(namedResponses), diagrams: try shippedDiagrams(),
      tolerance: 1e-7, threads: 2)
    let result = try await request.matsubara(count: 4)
    #expect(result.frequencies[3] == 6 * Double.pi * 0.05)
    for column in result.columns {
      for l in 0..<4 {
        let (a, b) = (column.direct[l], column.spectral[l])
        #expect(
          (a.value - b.value).length <= 1e-6 * column.scale[l], "\(column.response.name) l = \(l)")
        #expect(
          (a.value - b.value).length <= a.error + b.error, "\(column.response.name) l = \(l)")
        // Responses that do not vanish by symmetry are not compared as zeros.
        #expect(a.value.length > 1e-5 * column.scale[l] || l == 0, "\(column.response.name)")
      }
    }
  }

  /// Far above the bands, where most of the spectral integral's range is empty: the weight that falls
  /// as 1/omega^2 beyond the largest transition, some 5 % here, must not be missed. At l = 1 all but
  /// Gamma/T of the direct sum cancels, and its tail must know.
  @Test(arguments: [(1e2, 1e-6, 2), (1e6, 1e-4, 2), (1e8, 1e-6, 1)])
  func matsubaraSumOfHotElectrons(_ state: (temperature: Double, tolerance: Double, count: Int))
    async throws
  {
    let request = SpectrumRequest(
      model: try shippedModel("chain"), mu: -1.2, temperature: state.temperature,
      lifetime: .constant(0.3), omegas: [], columns: bareColumns(["sigma", "Y"]),
      diagrams: try shippedDiagrams(), tolerance: state.tolerance, threads: 2)
    let result = try await request.matsubara(count: state.count)
    for column in result.columns {
      for (l, (a, b)) in zip(column.direct, column.spectral).enumerated() {
        #expect(
          (a.value - b.value).length <= a.error + b.error, "\(column.response.name) \(a) \(b)")
        let size = max(a.value.length, 0.1 * column.scale[l])
        #expect(a.error + b.error <= 4 * state.tolerance * size)
      }
    }
  }

  /// One bubble: the Matsubara sum with its tail against the closed form continued by the spectral
  /// representation is covered above; here the tail: twice as many terms change nothing.
  @Test func tailOfTheMatsubaraSum() {
    let x = BandPair(bonding: -0.8, antibonding: 0.9)
    let short = MatsubaraSum(temperature: 0.05, broadening: 0.05, bound: 1, largest: 0)
    let long = MatsubaraSum(temperature: 0.05, broadening: 0.05, bound: 5, largest: 300)
    for l in [0, 1, 7] {
      let a = short.values(Bubble.known, x, index: l)
      let b = long.values(Bubble.known, x, index: l)
      for n in a.indices { #expect((a[n] - b[n]).length <= 1e-10, "\(Bubble.known[n])") }
    }
    // l = 0 is K(0) of the closed form.
    let exact = ClosedFormBubble(
      line: FermiLogarithm(temperature: 0.05, broadening: 0.05, reach: 10))
    for (bubble, value) in zip(Bubble.known, long.values(Bubble.known, x, index: 0)) {
      #expect((value - ComplexDouble(exact.staticPart(bubble, x))).length <= 1e-9)
    }
  }
}
