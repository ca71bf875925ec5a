// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboTestSupport
import KuboZoneIntegrals
import RealModule
import Testing

/// Axes that are finer where the curves bend.
@Suite struct AxisRefinementTests {
  private func request(
    _ model: String, _ lifetime: Lifetime, omegas: [Double], _ columns: [SpectrumRequest.Column],
    threads: Int = 2
  ) throws -> SpectrumRequest {
    SpectrumRequest(
      model: try shippedModel(model), mu: -1.2, temperature: 0.02, lifetime: lifetime,
      omegas: omegas, columns: columns, diagrams: try shippedDiagrams(), tolerance: 1e-4,
      threads: threads)
  }

  private func axis(_ start: Double, _ stop: Double, _ count: Int) -> [Double] {
    (0..<count).map { start + (stop - start) * Double($0) / Double(count - 1) }
  }

  /// A Drude peak of a fortieth of the axis, whose polygon of 21 frequencies has corners: between neighbours the curve itself
  /// is within 1.5 % of its height of the straight line, 1 % and what second differences do not see.
  @Test func drudePeak() async throws {
    let asked = try request("chain", .constant(0.02), omegas: axis(0, 1.6, 21), .named(["sigma"]))
    let spectrum = try await asked.refinedSpectrum(limit: 400)
    let omegas = spectrum.omegas
    #expect(omegas.count > 30 && omegas.count < 120, "\(omegas.count)")
    #expect(omegas == omegas.sorted() && Set(asked.omegas).isSubset(of: omegas))
    #expect(spectrum.refinement == 21 && spectrum.failures.isEmpty)
    let dense = axis(0, 1.6, 1601)
    let curve = try await request("chain", .constant(0.02), omegas: dense, .named(["sigma"]))
      .spectrum().columns[0].values.map { $0!.dynamic }
    let points = spectrum.columns[0].values.map { $0!.dynamic }
    func worst(_ axis: [Double], _ values: [ComplexDouble]) -> Double {
      let miss = zip(dense, curve).map { omega, value in
        let n = min(max(axis.firstIndex { $0 >= omega } ?? 1, 1), axis.count - 1)
        let part = (omega - axis[n - 1]) / (axis[n] - axis[n - 1])
        let line = values[n - 1] + ComplexDouble(part) * (values[n] - values[n - 1])
        return max(abs(line.real - value.real), abs(line.imaginary - value.imaginary))
      }
      let all = curve.flatMap { [$0.real, $0.imaginary] }
      return miss.max()! / (all.max()! - all.min()!)
    }
    #expect(worst(omegas, points) < 0.015)
    let plain = try await asked.spectrum().columns[0].values.map { $0!.dynamic }
    #expect(worst(asked.omegas, plain) > 0.1)
  }

  /// The same bits for any number of threads; with impurities too the values are those of the plain spectrum within both bounds,
  /// and there are no more than allowed.
  @Test func valuesAndLimits() async throws {
    for lifetime in [Lifetime.constant(0.05), .scba(0.3)] {
      func refined(_ threads: Int, _ limit: Int) async throws -> Spectrum {
        try await request(
          "chain", lifetime, omegas: axis(0, 1.2, 7), .named(["sigma"]), threads: threads
        ).refinedSpectrum(limit: limit)
      }
      let (one, two) = (try await refined(1, 40), try await refined(2, 40))
      #expect(one.omegas == two.omegas && one.columns[0].values == two.columns[0].values)
      let few = try await refined(2, 9)
      #expect(few.omegas.count == 9)
      let plain = try await request("chain", lifetime, omegas: one.omegas, .named(["sigma"]))
        .spectrum()
      for (a, b) in zip(one.columns[0].values, plain.columns[0].values) {
        let (a, b) = (try #require(a), try #require(b))
        #expect((a.dynamic - b.dynamic).length <= 2 * (a.error + b.error))
      }
    }
  }

  /// Steps, as of a Fermi function at T = 0: the halving ends above the rounding of omega, and 0 is 0.
  @Test(
    arguments: [[0.0, 0.7, 1], [-0.3, 0.1, 0.2], [999.5, 1000.2, 1000.5]], [0.0, 0.15, 0.3])
  func steps(_ omegas: [Double], _ place: Double) throws {
    let request = try request("chain", .constant(0.02), omegas: omegas, .named(["sigma"]))
    let jump = omegas[0] + place
    func part(_ omegas: [Double]) -> Spectrum {
      var part = Spectrum(unfilled: request.asking(request.columns, omegas: omegas))
      part.fill(0, fixed: .value(.zero, PartErrors(0), scale: 1)) {
        .value(ComplexDouble(omegas[$0] > jump ? 1 : 0), PartErrors(0), scale: 1)
      }
      return part
    }
    var refinement = AxisRefinement(omegas, part(omegas))
    while case let new = refinement.proposals(limit: 1000), !new.isEmpty {
      refinement.add(new, part(new))
    }
    let found = refinement.spectrum(request).omegas
    let largest = omegas.map(abs).max()!
    let narrowest = zip(found, found.dropFirst()).map { $1 - $0 }.min()!
    #expect(found.count < 130 && Set(found).count == found.count, "\(found.count)")
    #expect(narrowest > 0.4e-12 * largest && narrowest < 2e-12 * largest, "\(narrowest)")
    #expect(found.allSatisfy { $0 == 0 || abs($0) > 1e-13 * largest })
  }
}
