// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import Testing

@Suite("Zone deformed into complex k")
struct ContourTests {
  /// At a lifetime short enough for the real zone to converge: the terms of the contours and of the
  /// resonance against the closed forms evaluated point by point, on the same grid. On the real zone
  /// (step 0) the two are the same sum, to rounding; deformed, the same integral. At omega = 0.4 both
  /// ways to treat a pair of bands hold.
  @Test(
    arguments: [
      ("chain", 192, 1e-12), ("square", 240, 1e-8), ("honeycomb", 144, 1e-10), ("cubic", 84, 5e-4),
    ], [0.0, 0.04])
  func sameAsRealZone(_ lattice: (name: String, divisions: Int, error: Double), temperature: Double)
    async throws
  {
    let model = try shippedModel(lattice.name)
    let diagrams = try shippedDiagrams()
    let sums = namedResponses.map { name in
      let response = Response(name)!
      return LoopWeights.Sum(
        measured: response.measured, spin: response.spin, diagrams: diagrams.diagrams(of: response))
    }
    let frequencies: [(omega: Double, isResonant: Bool)] = [
      (0, false), (0.003, false), (0.4, false), (0.4, true), (1.7, true), (2.9, true),
    ]
    let zone = ZoneSum(
      model: model, directions: Directions(i: 0, j: 0), mu: -1.2, temperature: temperature,
      broadening: 0.3, loops: sums, closedForms: [(.adiabaticY, .corrected)], reach: 4, threads: 2)
    let poles = MatsubaraPoles(temperature: temperature, broadening: 0.3)
    let channels = 2 * zone.outputCount
    let omegas = frequencies.map(\.omega)
    let exact = try await zone(divisions: lattice.divisions, omegas: omegas, withScales: true)
    let resonance = try await ResonanceSum(zone, poles: poles)(
      divisions: lattice.divisions, omegas, channels: channels)
    for isDeformed in [false, true] {
      let contours = Band.allCases.map {
        isDeformed ? BandContour.contour(of: $0, model) : BandContour(model, $0, step: 0)
      }
      #expect(contours.allSatisfy { ($0.step > 0) == isDeformed })
      let own = try await ContourSum(zone, contours: contours, poles: poles)(
        divisions: lattice.divisions,
        frequencies.map { .init(omega: $0.omega, isResonant: $0.isResonant) }, channels: channels)
      // Rounding of sums of terms of either sign, some 1/omega larger than the result.
      let limit = isDeformed ? lattice.error : 1e-13
      for q in 0..<zone.outputCount {
        let k0 = ComplexDouble(own.statics[2 * q], own.statics[2 * q + 1])
        #expect((k0 - exact.statics[q]).length <= limit * exact.staticScales[q])
        for (n, frequency) in frequencies.enumerated() {
          var z = own.quotients[n][2 * q] + ComplexDouble.i * own.quotients[n][2 * q + 1]
          if frequency.isResonant {
            z += resonance.quotients[n][2 * q]
            z += ComplexDouble.i * resonance.quotients[n][2 * q + 1]
          }
          let error = (z - exact.quotients[n][q]).length / exact.scales[n][q]
          #expect(error <= limit, "\(namedResponses.dropFirst(q).first ?? "closed"), \(frequency)")
        }
      }
    }
  }
}
