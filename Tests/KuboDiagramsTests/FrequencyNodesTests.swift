// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboTestSupport
import RealModule
import Testing

/// Long axes interpolated between nodes, against what is computed.
@Suite struct FrequencyNodesTests {
  private func request(
    _ model: String, _ parameters: [String: Double] = [:], mu: Double, temperature: Double,
    _ lifetime: Lifetime, omegas: [Double], _ columns: [SpectrumRequest.Column], tolerance: Double
  ) throws -> SpectrumRequest {
    var request = SpectrumRequest(
      model: try shippedModel(model, parameters), mu: mu, temperature: temperature,
      lifetime: lifetime, omegas: omegas, columns: columns, diagrams: try shippedDiagrams(),
      tolerance: tolerance, threads: 2)
    request.isInterpolated = true
    return request
  }

  private func axis(_ start: Double, _ stop: Double, _ count: Int) -> [Double] {
    (0..<count).map { start + (stop - start) * Double($0) / Double(count - 1) }
  }

  /// The places of interpolated values.
  private func places(_ spectrum: Spectrum) -> [Int] {
    let isInterpolated = spectrum.interpolation?.isInterpolated ?? []
    return isInterpolated.indices.filter { isInterpolated[$0] }
  }

  /// At random frequencies the values lie within the sum of both bounds of those computed to a tenth of the tolerance, and the
  /// bounds within the tolerance, for smooth responses, sharp thresholds and closed forms with their pole.
  @Test(
    arguments: [
      ("honeycomb", 0.5, -1.0, 0.02, Lifetime.constant(0.02)),
      ("chain", 0.5, -0.9, 0.02, .scba(0.1)),
    ]
      + (areTestsLong
        ? [
          ("honeycomb", 0.5, -1, 0, .constant(5e-3)), ("square", 0.05, -1.2, 0, .constant(0.02)),
          ("chain", 0.5, -0.9, 0.02, .site(0.1)),
        ] : [])
  )
  func againstDirectEvaluation(
    _ state: (model: String, j: Double, mu: Double, temperature: Double, lifetime: Lifetime)
  ) async throws {
    let columns: [SpectrumRequest.Column] =
      switch state.lifetime {
      case .constant:
        .named(["sigma", "X", "s_full"]) + .named(["X_na", "Y_na"], [.bare, .closed])
      case .scba: .named(["X_na", "Y_na"], [.bare, .ladder])
      case .site: .named(["sigma", "s_full"], [.bare, .ladder])
      }
    let hasImpurities = columns.contains { $0.dressing == .ladder }
    let asked = try request(
      state.model, ["J": state.j], mu: state.mu, temperature: state.temperature, state.lifetime,
      omegas: axis(0, 2.4, hasImpurities ? 241 : 601), columns, tolerance: 1e-3)
    let found = try await asked.spectrum()
    let interpolated = places(found)
    #expect(interpolated.count > asked.omegas.count / 2, "\(state)")
    var generator = SeededGenerator(7)
    let tried = interpolated.shuffled(using: &generator).prefix(hasImpurities ? 8 : 40).sorted()
    var direct = asked
    direct.isInterpolated = false
    direct.omegas = tried.map { asked.omegas[$0] }
    direct.tolerance = asked.tolerance / 10
    let exact = try await direct.spectrum()
    for (own, other) in zip(found.columns, exact.columns) {
      for (n, place) in tried.enumerated() {
        guard let a = own.values[place], let b = other.values[n] else { continue }
        let d = a.dynamic - b.dynamic
        let error = max(abs(d.real), abs(d.imaginary))
        #expect(error <= a.error + b.error, "\(state) \(own.request.label) \(asked.omegas[place])")
        // A bound on the larger part too; 1e-6 S is the floor of the tolerance.
        #expect(
          a.error <= 2.1 * asked.tolerance
            * max(a.dynamic.length, own.staticPart!.length, 1e-6 * a.scale),
          "\(state) \(own.request.label) \(asked.omegas[place])")
      }
    }
  }

  /// Frequencies of both signs, repeated, unsorted: the same values as those of a sorted axis, and the same bits for any number
  /// of threads. Empty cells stay so.
  @Test func anyOrderAndThreads() async throws {
    // -1.625 to 1.625, as differences of doubles exactly.
    let omegas = (-416...416).map { Double($0) / 256 }
    var asked = try request(
      "honeycomb", mu: -1, temperature: 0.02, .constant(0.02),
      omegas: omegas.reversed() + [0.3, 0.3],
      .named(["sigma", "Y_na"]) + .named(["Y_na"], [.closed]), tolerance: 1e-3)
    let one = try await asked.spectrum()
    asked.threads = 1
    let other = try await asked.spectrum()
    #expect(places(one) == places(other))
    #expect(places(one).count > 300)
    for (a, b) in zip(one.columns, other.columns) { #expect(a.values == b.values) }
    for column in one.columns {
      #expect(column.values[833] == column.values[834])
      for n in 0..<416 {
        #expect(column.values[n]?.dynamic == column.values[832 - n]?.dynamic.conjugate)
      }
    }
    // omega = 1 = 2 J is the pole of the closed form.
    #expect(
      one.poles.contains { $0.omega.map { abs(abs($0) - 1) < 1e-12 } == true }
        || !omegas.contains(1))
    asked.isInterpolated = false
    #expect(try await asked.spectrum().interpolation == nil)
  }

  /// A function with a pole of width Gamma, 20 times narrower than the distance of the nodes, of any strength and place: what is
  /// interpolated is within its bound, with noise at the nodes too.
  @Test func narrowFeatures() async throws {
    var generator = SeededGenerator(11)
    var (served, cells) = (0, 0)
    for n in areTestsLong ? 0..<30 : 1..<2 {
      var place = Double.random(in: 0.05...2.9, using: &generator)
      var strength = Double.pow(10, -Double.random(in: 0...9, using: &generator))
      // This one was once off by 1.2 bounds.
      if n < 2 { (place, strength) = (0.3497253011624526, 3.636302783775075e-05) }
      let width = 2e-3
      let noise = n % 3 == 0 ? 1e-6 : 0
      func pole(_ omega: Double, _ p: ComplexDouble, _ r: ComplexDouble) -> ComplexDouble {
        ComplexDouble.i
          * (r / (ComplexDouble(omega) - p) + r.conjugate / (ComplexDouble(omega) + p.conjugate))
      }
      func exact(_ omega: Double) -> ComplexDouble {
        pole(omega, ComplexDouble(0, -0.3), ComplexDouble(0.5))
          + pole(omega, ComplexDouble(1.2, -0.4), ComplexDouble(0.3, 0.1))
          + pole(omega, ComplexDouble(place, -width), ComplexDouble(strength * width))
      }
      let asked = try request(
        "chain", mu: -1, temperature: 0.02, .constant(width), omegas: axis(0.001, 3, 1500),
        .named(["sigma"]), tolerance: 1e-4)
      var nodes = FrequencyNodes(asked) { omegas in
        var found = Spectrum(unfilled: asked.asking(asked.columns, omegas: omegas))
        found.fill(0, fixed: .value(.zero, PartErrors(0), scale: 0)) { m in
          let k = exact(omegas[m])
          let error = 1e-5 * min(abs(k.real), abs(k.imaginary))
          let off = ComplexDouble(
            .random(in: -1...1, using: &generator), .random(in: -1...1, using: &generator))
          return .value(
            k + off.multiplied(by: min(error, noise)), PartErrors(max(error, 1e-9)), scale: k.length
          )
        }
        return found
      }
      try await nodes.refine()
      let places = places(nodes.spectrum)
      served += places.isEmpty ? 0 : 1
      cells += places.count
      for n in places {
        let value = nodes.spectrum.columns[0].values[n]!
        let d = value.dynamic - exact(asked.omegas[n])
        if max(abs(d.real), abs(d.imaginary)) > value.error {
          Issue.record("\(place) \(strength) \(asked.omegas[n]): \(d), bound \(value.error)")
        }
      }
    }
    #expect(served >= 1)
    #expect(cells > 100)
  }
}
