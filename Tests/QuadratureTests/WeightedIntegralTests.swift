// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import Quadrature
import Testing

/// Integrals with a weight, by Chebyshev interpolation.
@Suite struct WeightedIntegralTests {
  private struct Outcome {
    let value, error: Double
    let points: Int
  }

  /// The integral of g over intervals that lie apart, with the weight.
  private func integral(
    _ intervals: [(a: Double, b: Double)], tolerance: Double, breaks: [Double] = [],
    weight: @escaping (Double) -> Double = { _ in 1 }, noise: Double = 0, isNoisy: Bool = true,
    _ g: (Double) -> Double
  ) async throws -> Outcome {
    var points = 0
    let result = try await WeightedIntegral(
      intervals: intervals, breaks: breaks, components: [.value(noise: 1), .magnitude],
      weight: weight, allowed: { _ in [tolerance, .infinity] }
    ) { x in
      points += x.count
      return x.enumerated().map { n, x in
        [g(x) + (isNoisy ? noise * cos(1e6 * Double(n) + 1e5 * x) : 0), noise]
      }
    }
    return Outcome(value: result.values[0], error: result.errors[0], points: points)
  }

  /// Values within their estimates, smooth or not.
  @Test(arguments: [1e-4, 1e-7, 1e-10]) func estimatesAreTrue(_ tolerance: Double) async throws {
    func check(_ exact: Double, _ a: Double, _ b: Double, _ g: (Double) -> Double) async throws {
      let found = try await integral([(a, b)], tolerance: tolerance, g)
      #expect(abs(found.value - exact) <= found.error + 1e-15, "\(exact)")
      #expect(found.error <= tolerance)
    }
    try await check(exp(1.0) - 1, 0, 1) { exp($0) }
    try await check(2 * atan(50), -1, 1) { 0.02 / ($0 * $0 + 0.0004) }
    try await check(sin(80) / 20, -2, 2) { cos(40 * $0) }
    // Not smooth: a branch point, a kink, and a step.
    try await check(2.0 / 3, 0, 1) { $0.squareRoot() }
    try await check(0.09 / 2 + 0.49 / 2, 0, 1) { abs($0 - 0.3) }
    try await check(1 / 1.5 * (pow(0.63, 1.5) + pow(0.37, 1.5)), 0, 1) {
      abs($0 - 0.37).squareRoot()
    }
  }

  /// A weight that varies on a scale of 1e-3 costs no points.
  @Test func sharpWeight() async throws {
    let width = 1e-3
    func weight(_ x: Double) -> Double { 1 / (1 + exp((x - 0.4) / width)) }
    let g: (Double) -> Double = { x in exp(-x) * cos(3 * x) }
    let found = try await integral(
      [(0, 1)], tolerance: 1e-10, breaks: [0.4 - 25 * width, 0.4, 0.4 + 25 * width], weight: weight,
      g)
    // The antiderivative and Sommerfeld's expansion.
    func whole(_ x: Double) -> Double { exp(-x) * (3 * sin(3 * x) - cos(3 * x)) / 10 }
    func slope(_ x: Double) -> Double { -exp(-x) * (cos(3 * x) + 3 * sin(3 * x)) }
    let exact = whole(0.4) - whole(0) + Double.pi * Double.pi / 6 * width * width * slope(0.4)
    #expect(abs(found.value - exact) < 1e-10)
    #expect(found.points <= 33)
  }

  /// Known errors of the points do not make it refine, and are not hidden either.
  @Test func noise() async throws {
    let found = try await integral([(0, 1), (3, 4)], tolerance: 1e-12, noise: 1e-6) { exp($0) }
    #expect(found.points <= 2 * 33)
    #expect(abs(found.value - (exp(1.0) - 1 + exp(4.0) - exp(3.0))) < 2e-6)
    #expect(abs(found.value - (exp(1.0) - 1 + exp(4.0) - exp(3.0))) > 1e-12)
  }

  /// Bounds on errors that are not there must not hide what the function itself does.
  @Test(arguments: [1e-3, 1e-4, 1e-5]) func boundWithoutNoise(_ noise: Double) async throws {
    for kink in [0.3, 0.37, 0.42] {
      let found = try await integral([(0, 1)], tolerance: 1e-6, noise: noise, isNoisy: false) {
        abs($0 - kink)
      }
      let exact = (kink * kink + (1 - kink) * (1 - kink)) / 2
      #expect(abs(found.value - exact) <= found.error + noise)
      #expect(found.error > 0)
    }
  }

  /// What cannot be integrated is an error.
  @Test func divergence() async throws {
    await #expect(throws: QuadratureError.self) {
      try await integral([(0, 1)], tolerance: 1e-6) { 1 / abs($0 - 0.337) }
    }
  }
}
