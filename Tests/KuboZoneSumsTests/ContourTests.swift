// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
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
      ("chain", 192, 1e-12), ("square", 240, 1e-8), ("honeycomb", 144, 1e-10),
    ] + (areTestsLong ? [("cubic", 84, 5e-4)] : []), [0.0, 0.04])
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
    let frequencies: [(omega: Double, split: ContourSum.Split)] = [
      (0, .none), (0.003, .none), (0.4, .none), (0.4, .allOneSided), (0.4, .strip(0.3)),
      (1.7, .allOneSided), (1.7, .strip(0.5)), (2.9, .strip(0.4)), (0.4, .everything),
      (1.7, .everything),
    ]
    let zone = ZoneSum(
      model: model, directions: Directions(i: 0, j: 0), mu: -1.2, temperature: temperature,
      broadening: 0.3, loops: sums, closedForms: [(.adiabaticY, .corrected)], threads: 2)
    let poles = MatsubaraPoles(temperature: temperature, broadening: 0.3)
    let channels = 2 * zone.outputCount
    let omegas = frequencies.map(\.omega)
    let exact = try await zone(divisions: lattice.divisions, omegas: omegas, withScales: true)
    let own = frequencies.map { ContourSum.Frequency(omega: $0.omega, split: $0.split) }
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
          if frequency.split != .none {
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
      }, closedForms: [], threads: 2)
    let exact = try await BubbleSum(zone, reach: 2)(
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

  /// What the survey says of the pole at 2 Delta = omega + 2 i Gamma against the way of single points to
  /// the contour: wherever one raises Im 2 Delta to Gamma on the wrong side, Re 2 Delta counts as crossed.
  /// Asked for some frequencies only, it says the same of these.
  @Test(
    arguments: ["chain", "square", "honeycomb"] + (areTestsLong ? ["cubic"] : []),
    areTestsLong ? [1e-20, 1e-3, 0.02] : [1e-3])
  func crossings(_ name: String, broadening: Double) throws {
    let model = try shippedModel(name)
    let contours = Band.allCases.map { BandContour.contour(of: $0, model) }
    let crossed = CrossingSearch.crossed(model, broadening: broadening)
    var random = SeededGenerator(71)
    var gaps: [Double] = []
    var missed: [ComplexDouble] = []
    for _ in 0..<20000 {
      let k = model.waveVector(
        reduced: (0..<model.dimension).map { _ in .random(in: 0..<1, using: &random) })
      for contour in contours {
        let gradient = (0..<model.dimension).map {
          Frame(model, at: WaveVector(k), directions: Directions(i: $0, j: $0))
            .velocityI(contour.band).real
        }
        for part in 1...8 {
          let way = -contour.step * Double(part) / 8
          let frame = Frame(
            model, at: WaveVector(k, imaginary: gradient.map { way * $0 }),
            directions: Directions(i: 0, j: 0))
          let gap = 2 * frame.delta
          gaps.append(gap.real)
          if (contour.band == .antibonding ? 1 : -1) * gap.imaginary >= broadening {
            if !crossed.contains(where: { $0.contains(gap.real) }) { missed.append(gap) }
          }
        }
      }
    }
    #expect(missed.isEmpty, "\(missed.count), as \(missed.prefix(3))")
    let low = gaps.min()! - 0.1
    let high = gaps.max()! + 0.1
    let omegas = (0...40).map { low + (high - low) * Double($0) / 40 }
    let some = CrossingSearch.crossed(model, broadening: broadening, omegas: omegas)
    for omega in omegas {
      #expect(
        some.contains { $0.contains(omega) } == crossed.contains { $0.contains(omega) },
        "omega = \(omega)")
    }
    // Not all is crossed, and at this broadening nothing on the chain only.
    let count = gaps.count { gap in crossed.contains { $0.contains(gap) } }
    #expect(count < gaps.count)
    if broadening == 1e-3 { #expect((count > 0) == (name != "chain")) }
  }

  /// Where J is far below what a grid resolves, as near the Dirac points of a strained honeycomb, Delta^2 keeps
  /// its branch point off the way to the contour all the same, and the crossed pole is noticed.
  @Test(arguments: [0.1, 0.02, 0.005]) func smallGap(exchange: Double) throws {
    let honeycomb = try shippedModel("honeycomb")
    let model = try Model(
      name: "strained", latticeVectors: honeycomb.latticeVectors,
      interSublattice: zip(honeycomb.interSublattice, [1.2, 1, 0.9]).map {
        Hop(vector: $0.vector, amplitude: $1)
      },
      intraSublattice: zip(honeycomb.intraSublattice, [0.3, 0.1, 0.2]).map {
        Hop(vector: $0.vector, amplitude: $1)
      }, exchange: exchange)
    func frame(_ k: [Double], _ imaginary: [Double] = [0, 0]) -> Frame {
      Frame(model, at: WaveVector(k, imaginary: imaginary), directions: Directions(i: 0, j: 1))
    }
    // The Dirac point: the smallest |eta| of a grid, and Newton's method from there.
    var dirac = [0.0, 0.0]
    var smallest = Double.infinity
    for n in 0..<200 {
      for m in 0..<200 {
        let k = model.waveVector(reduced: [Double(n) / 200, Double(m) / 200])
        let size: Double = frame(k).eta.length
        if size < smallest { (dirac, smallest) = (k, size) }
      }
    }
    for _ in 0..<20 {
      let here = frame(dirac)
      let determinant = (here.etaI.conjugate * here.etaJ).imaginary
      dirac[0] -= (here.eta.conjugate * here.etaJ).imaginary / determinant
      dirac[1] -= (here.etaI.conjugate * here.eta).imaginary / determinant
    }
    try #require(frame(dirac).eta.length < 1e-12)
    let slope = frame(dirac).etaI.length
    let gamma = 1e-3 * exchange
    let crossed = CrossingSearch.crossed(model, broadening: gamma)
    var random = SeededGenerator(5)
    var (wrong, missed) = (0, 0)
    // Re Delta^2/J^2, and Im E_s.
    var (least, highest) = (Double.infinity, -Double.infinity)
    for band in Band.allCases {
      let contour = BandContour.contour(of: band, model)
      #expect(contour.step > 0)
      for _ in 0..<4000 {
        let reach = 3 * exchange / slope
        let k = dirac.map { (x: Double) -> Double in
          x + Double.random(in: -reach...reach, using: &random)
        }
        let real = frame(k)
        let gradient: [Double] = [real.velocityI(band).real, real.velocityJ(band).real]
        for part in 1...4 {
          let way: Double = -contour.step * Double(part) / 4
          let here = frame(k, gradient.map { $0 * way })
          let square = (here.delta * here.delta).real
          least = min(least, square / (exchange * exchange))
          highest = max(highest, here.energy(band).imaginary)
          let gap = 2 * here.delta
          if (band == .antibonding ? 1 : -1) * gap.imaginary >= gamma {
            wrong += 1
            if !crossed.contains(where: { $0.contains(gap.real) }) { missed += 1 }
          }
        }
      }
    }
    #expect(least > 0.5 && highest <= 1e-12)
    #expect(wrong > 0 && missed == 0)
  }
}
