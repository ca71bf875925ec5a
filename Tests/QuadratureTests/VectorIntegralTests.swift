// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Quadrature
import RealModule
import Testing

/// Integrals of vectors, by nested rules on adaptive intervals.
@Suite struct VectorIntegralTests {
  /// Sums of Lorentzians that the first nodes hardly resolve, at any tolerance: where both rules miss one they agree by accident, in
  /// one of 400 of these integrals by more than the error of the finer.
  @Test func bounds() async throws {
    var random = SeededGenerator(1)
    for _ in 0..<4000 {
      let peaks = (0..<Int.random(in: 1...3, using: &random)).map { _ in
        (
          x: Double.random(in: -0.2...1.2, using: &random),
          w: Double.exp(.random(in: -3...0.7, using: &random)),
          height: Double.random(in: -1...1, using: &random)
        )
      }
      let parts = peaks.map {
        $0.height * (Double.atan((1 - $0.x) / $0.w) + Double.atan($0.x / $0.w))
      }
      let exact = parts.reduce(0, +)
      let scale = parts.reduce(0) { $0 + abs($1) }
      let allowed = scale * Double.exp(.random(in: -18.4 ... -2.3, using: &random))
      let integral = try await VectorIntegral(ends: [0, 1], allowed: { _ in [allowed] }) {
        $0.map { x in
          [
            peaks.reduce(0.0) { sum, peak in
              sum + peak.height * peak.w / ((x - peak.x) * (x - peak.x) + peak.w * peak.w)
            }
          ]
        }
      }
      #expect(integral.errors[0] <= allowed)
      #expect(
        abs(integral.values[0] - exact) <= integral.errors[0] + 1e-13 * scale, "\(peaks)")
    }
  }
}
