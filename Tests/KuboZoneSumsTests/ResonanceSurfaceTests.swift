// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import CZoneSums
import ComplexModule
import KuboDiagrams
import RealModule
import Testing

/// The surfaces for the retarded-retarded and advanced-advanced parts of two bands in resonance.
@Suite("Resonance surfaces")
struct ResonanceSurfaceTests {
  /// States drawn at random: where there are surfaces, their sums are those of the real zone on a grid
  /// that resolves the lifetime, and converge at no less than the rate stated.
  @Test(arguments: [
    ("chain", 2e-3, 24000, 60), ("square", 0.05, 960, areTestsLong ? 40 : 10),
    ("honeycomb", 0.05, 960, areTestsLong ? 40 : 20),
    ("cubic", 0.3, 192, areTestsLong ? 6 : 2),
  ])
  func sameAsRealZone(_ name: String, _ broadening: Double, _ divisions: Int, _ states: Int)
    async throws
  {
    var random = SeededGenerator(45)
    let diagrams = try shippedDiagrams()
    let sums = ["sigma", "X", "Y_na"].map { name in
      let response = Response(name)!
      return LoopWeights.Sum(
        measured: response.measured, spin: response.spin, diagrams: diagrams.diagrams(of: response))
    }
    var served = 0
    for n in 0..<states {
      let exchange = Double.random(in: 0.2...1, using: &random)
      let model = try shippedModel(name, ["J": exchange])
      let bound = model.energyBound
      let mu = Double.random(in: -0.9...0.3, using: &random) * bound
      let omega = Double.random(in: 2 * exchange...1.2 * bound, using: &random)
      let temperature = n % 2 == 0 ? 0 : 0.01
      guard
        let surfaces = ResonanceSurface.surfaces(
          model, omega: omega, mu: mu, temperature: temperature, broadening: broadening)
      else { continue }
      served += 1
      let zone = ZoneSum(
        model: model, directions: Directions(i: 0, j: 0), mu: mu, temperature: temperature,
        broadening: broadening, loops: sums, closedForms: [], threads: 2)
      let resonance = ResonanceSum(
        zone, poles: MatsubaraPoles(temperature: temperature, broadening: broadening))
      let channels = 2 * zone.outputCount
      let real = try await resonance(
        divisions: divisions, [ContourSum.Frequency(omega: omega, split: .allOneSided)],
        channels: channels)
      let resolution = surfaces.map(\.resolution).max()!
      // exp(-25), on a multiple of 12.
      let enough = (Int(25 * resolution) / 12 + 1) * 12
      let moved = try await resonance(
        divisions: enough, omega: omega, surfaces, channels: channels)
      for c in 0..<channels {
        let difference = (moved.quotients[0][c] - real.quotients[0][c]).length
        #expect(
          difference <= 1e-9 * (real.sizes[0][c] + moved.sizes[0][c]),
          "J = \(exchange), mu = \(mu), omega = \(omega), T = \(temperature), N = \(enough), channel \(c): \(moved.quotients[0][c]) for \(real.quotients[0][c])"
        )
      }
    }
    #expect(served >= states / 4)
    print("\(name): \(served) of \(states) states served")
  }

  /// One star whose energies have crossed to positive imaginary parts, on either side of the cut of the
  /// logarithm along the positive imaginary axis: [l(y - omega) - l(x)]/(y - x - omega)/omega at T = 0.
  @Test(arguments: [
    (ComplexDouble(-0.4, 0.3), ComplexDouble(0.7, 0.2)),
    (ComplexDouble(0.4, 0.3), ComplexDouble(0.1, 0.2)),
    (ComplexDouble(-0.4, -0.3), ComplexDouble(0.7, 0.2)),
    (ComplexDouble(0.2, -0.3), ComplexDouble(0.9, -0.3)),
  ])
  func cut(_ x: ComplexDouble, _ y: ComplexDouble) {
    let (omega, broadening) = (0.5, 0.01)
    let block = Int(ZONE_BLOCK)
    func filled(_ values: [Double]) -> [Double] {
      values.flatMap { [$0] + [Double](repeating: $0 == 0 ? 0 : 1, count: block - 1) }
    }
    let energy = filled([x.real, x.imaginary])
    let difference = filled([(y - x).real, (y - x).imaginary])
    // Only the first star counts.
    let slots = (0..<3).flatMap { part in
      (0..<block).map { $0 == 0 && part != 1 ? 1.0 : 0 }
    }
    var sums = [0.0, 0]
    var logarithm = MatsubaraPoles(temperature: 0, broadening: broadening).logarithm
    energy.withUnsafeBufferPointer { energy in
      difference.withUnsafeBufferPointer { difference in
        slots.withUnsafeBufferPointer { slots in
          // Channel and function are both 0.
          [Int32(0)].withUnsafeBufferPointer { zero in
            var contour = ZoneContour(
              blocks: 1, energy: energy.baseAddress, difference: difference.baseAddress,
              slots: slots.baseAddress, slot_count: 1, channel_count: 1,
              slot_channel: zero.baseAddress, slot_function: zero.baseAddress)
            zone_resonance(
              &contour, &logarithm, broadening, 1, [omega],
              [ZoneSplit(kind: ZONE_LEAVES_ONE_SIDED, width: 0)], ZONE_RETARDED, &sums, nil,
              nil)
          }
        }
      }
    }
    func l(_ energy: ComplexDouble) -> ComplexDouble {
      ComplexDouble.log((energy - ComplexDouble(0, broadening)) * .i) - ComplexDouble(0, .pi / 2)
    }
    let a = y - ComplexDouble(omega)
    let expected = (l(a) - l(x)) / (a - x) / ComplexDouble(omega)
    #expect((ComplexDouble(sums[0], sums[1]) - expected).length < 1e-13 * expected.length)
  }
}
