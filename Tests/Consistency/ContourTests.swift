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
    let frequencies: [(omega: Double, strip: Double)] = [
      (0, 0), (0.003, 0), (0.4, 0), (0.4, .infinity), (0.4, 0.3), (1.7, .infinity), (1.7, 0.5),
      (2.9, 0.4), (0.4, ContourSum.Frequency.whole), (1.7, ContourSum.Frequency.whole),
    ]
    let zone = ZoneSum(
      model: model, directions: Directions(i: 0, j: 0), mu: -1.2, temperature: temperature,
      broadening: 0.3, loops: sums, closedForms: [(.adiabaticY, .corrected)], reach: 4, threads: 2)
    let poles = MatsubaraPoles(temperature: temperature, broadening: 0.3)
    let channels = 2 * zone.outputCount
    let omegas = frequencies.map(\.omega)
    let exact = try await zone(divisions: lattice.divisions, omegas: omegas, withScales: true)
    let own = frequencies.map { ContourSum.Frequency(omega: $0.omega, strip: $0.strip) }
    let resonance = try await ResonanceSum(zone, poles: poles)(
      divisions: lattice.divisions, own, channels: channels)
    for isDeformed in [false, true] {
      let contours = Band.allCases.map {
        isDeformed ? BandContour.contour(of: $0, model) : BandContour(model, $0, step: 0)
      }
      #expect(contours.allSatisfy { ($0.step > 0) == isDeformed })
      let contour = try await ContourSum(zone, contours: contours, poles: poles)(
        divisions: lattice.divisions,
        own, channels: channels)
      // Rounding of sums of terms of either sign, some 1/omega larger than the result.
      let limit = isDeformed ? lattice.error : 1e-13
      for q in 0..<zone.outputCount {
        let k0 = ComplexDouble(contour.statics[2 * q], contour.statics[2 * q + 1])
        #expect((k0 - exact.statics[q]).length <= limit * exact.staticScales[q])
        for (n, frequency) in frequencies.enumerated() {
          var z = contour.quotients[n][2 * q] + ComplexDouble.i * contour.quotients[n][2 * q + 1]
          if frequency.strip != 0 {
            z += resonance.quotients[n][2 * q]
            z += ComplexDouble.i * resonance.quotients[n][2 * q + 1]
          }
          let error = (z - exact.quotients[n][q]).length / exact.scales[n][q]
          #expect(error <= limit, "\(namedResponses.dropFirst(q).first ?? "closed"), \(frequency)")
        }
      }
    }
  }

  /// At -omega, for every single diagram: the two frequencies exchange their roles. Gamma is so small
  /// that the contours are the cheapest scheme.
  @Test func negativeFrequencies() async throws {
    let diagrams = try shippedDiagrams()
    let columns = ["Y_na_all", "X_na_all", "X", "Y"].flatMap { name in
      diagrams.diagrams(of: Response(name)!).map {
        SpectrumRequest.Column(response: Response(name)!, dressing: .bare, diagram: $0.name)
      }
    }
    let request = SpectrumRequest(
      model: try shippedModel("honeycomb"), mu: -1.2, temperature: 0, lifetime: .constant(0.04),
      omegas: [-0.3, -1.6], directions: .init(i: 0, j: 0), columns: columns, diagrams: diagrams,
      tolerance: 1e-7, threads: 2)
    let spectrum = try await request.spectrum()
    let zone = ZoneSum(
      model: request.model, directions: request.directions, mu: -1.2, temperature: 0,
      broadening: 0.04,
      loops: columns.map { column in
        LoopWeights.Sum(
          measured: column.response.measured, spin: column.response.spin,
          diagrams: diagrams.diagrams(of: column.response).filter { $0.name == column.diagram })
      }, closedForms: [], reach: 2, threads: 2)
    let exact = try await zone(
      divisions: 1800, omegas: request.omegas + request.omegas.map(-), withScales: true)
    var different = 0
    for (q, column) in spectrum.columns.enumerated() {
      for (n, omega) in request.omegas.enumerated() {
        let value = try #require(column.values[n])
        let expected = exact.quotients[n][q].multiplied(by: omega)
        // The real zone at 1800 points: 1e-10 of the absolute contributions.
        #expect(
          (value.dynamic - expected).length
            <= value.error + 1e-10 * abs(omega) * exact.scales[n][q], "\(column.request.label)")
        let mirrored = exact.quotients[n + 2][q].conjugate.multiplied(by: -omega)
        if (mirrored - expected).length > 1e-2 * expected.length { different += 1 }
      }
    }
    // A single diagram is not K(omega)* there: a mix-up would show.
    #expect(different >= 8)
  }
}
