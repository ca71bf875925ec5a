// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import RealModule
import Testing

@Suite("Nested integrals of loops")
struct NestedLoopTests {
  /// The terms of two bands in resonance at a lifetime for which a grid does: all of them, those in a
  /// strip, and without the retarded-advanced ones.
  @Test(arguments: ["chain", "square", "honeycomb"], [0.0, 0.02])
  func sameAsGrid(_ name: String, _ temperature: Double) async throws {
    let model = try shippedModel(name)
    let diagrams = try shippedDiagrams()
    let sums = ["sigma", "X", "Y_na"].map { name in
      let response = Response(name)!
      return LoopWeights.Sum(
        measured: response.measured, spin: response.spin, diagrams: diagrams.diagrams(of: response))
    }
    let zone = ZoneSum(
      model: model, directions: Directions(i: 0, j: 0), mu: -0.9, temperature: temperature,
      broadening: 0.2, loops: sums, closedForms: [], threads: 2)
    let resonance = ResonanceSum(
      zone, poles: MatsubaraPoles(temperature: temperature, broadening: 0.2))
    let channels = 2 * zone.outputCount
    let irreducible = IrreducibleZone(model, model.energySymmetries())
    for split in [ContourSum.Split.everything, .strip(0.4), .allOneSided] {
      let frequency = ContourSum.Frequency(omega: 1.9, split: split)
      let grid = try await resonance(divisions: 360, [frequency], channels: channels)
      let integral = NestedIntegral(zone: irreducible, threads: 2, width: 0.2) { points in
        let found = resonance.values(points, frequency, channels: channels)
        return .init(
          components: (0..<(2 * channels)).map {
            Array(found.values[($0 * found.stride)..<($0 * found.stride + points.count)])
          }, levels: found.levels)
      }
      let result = try await integral(
        allowed: [Double](repeating: 1e-9, count: 2 * channels))
      for c in 0..<channels {
        let found = ComplexDouble(result.values[2 * c], result.values[2 * c + 1])
        let error = result.errors[2 * c] + result.errors[2 * c + 1]
        #expect(
          (found - grid.quotients[0][c]).length <= error + 1e-11, "\(split), channel \(c)")
        #expect(error < 3e-9)
      }
    }
  }

  /// What single wave vectors contribute, by C and by the obvious form.
  @Test(arguments: ["chain", "honeycomb", "cubic"]) func singlePoints(_ name: String) throws {
    let diagrams = try shippedDiagrams()
    let zone = ZoneSum(
      model: try shippedModel(name), directions: Directions(i: 0, j: 0), mu: -0.9,
      temperature: 0.02, broadening: 0.1,
      loops: ["sigma", "X", "Y_na"].map { name in
        let response = Response(name)!
        return .init(
          measured: response.measured, spin: response.spin,
          diagrams: diagrams.diagrams(of: response))
      }, closedForms: [(.adiabaticY, .corrected)], threads: 1)
    var random = SeededGenerator(12)
    let points = (0..<70).map { _ in
      SIMD3<Double>(
        .random(in: 0..<1, using: &random), .random(in: 0..<1, using: &random),
        .random(in: 0..<1, using: &random))
    }
    let omegas = [0.7, -0.2]
    let fast = BubbleSum(zone, reach: 1).values(points, omegas: omegas)
    let slow = zone.values(points, omegas: omegas, zone.closedFormBubbles(reach: 1))
    #expect(fast.levels.count == slow.levels.count)
    for (a, b) in zip(fast.levels, slow.levels) {
      for (x, y) in zip(a, b) { #expect(abs(x - y) <= 1e-13) }
    }
    #expect(fast.components.count == slow.components.count)
    for (c, (a, b)) in zip(fast.components, slow.components).enumerated() {
      // Of either sign; the components of some points are far smaller than those of others.
      let size = b.reduce(0) { max($0, abs($1)) }
      for (x, y) in zip(a, b) { #expect(abs(x - y) <= 1e-11 * size + 1e-14, "component \(c)") }
    }
  }
}
