// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import RealModule
import Testing

@Suite struct BubbleTests {
  /// The fast sums against the obvious ones, at random energies and at the awkward places: equal
  /// and nearly equal bands, omega = 0, tiny, at the interband resonance and next to it.
  @Test(arguments: [(0.0, 0.05), (0.02, 0.05), (0.0, 1e-4), (0.2, 1e-5), (0.01, 0.5)])
  func fastEqualsObvious(_ temperature: Double, _ broadening: Double) {
    let line = FermiLogarithm(temperature: temperature, broadening: broadening, reach: 30)
    let fast = FastBubbles(line: line)
    let exact = ClosedFormBubble(line: line)
    var generator = SeededGenerator(2)
    var out = [ComplexDouble](repeating: .zero, count: FastBubbles.count)
    for n in 0..<600 {
      let middle = Double.random(in: -3...3, using: &generator)
      let half =
        n % 7 == 0
        ? Double.pow(10, Double.random(in: -12 ... -1, using: &generator))
        : Double.random(in: 0.05...3, using: &generator)
      let x = BandPair(bonding: middle - half, antibonding: middle + half)
      let sign = Bool.random(using: &generator) ? 1.0 : -1.0
      let omega =
        switch n % 5 {
        case 0: sign * 2 * half
        case 1:
          sign * 2 * half * (1 + Double.pow(10, Double.random(in: -14 ... -1, using: &generator)))
        case 2:
          n % 2 == 0 ? 0 : sign * Double.pow(10, Double.random(in: -12...0, using: &generator))
        default: Double.random(in: -6...6, using: &generator)
        }
      let point = fast.point(x)
      fast.dynamicQuotients(point, omega: omega, into: &out)
      // The obvious form adds retarded-advanced terms of size 1/(2 Gamma)^(n-1) that cancel when
      // both bands are full or empty, and a pole x - omega, rounded, moves them by eps |x|/(2 Gamma).
      let poles = abs(x.bonding) + abs(x.antibonding) + abs(omega)
      // The fast form divides up to three times by separations of a twentieth of R or more.
      let rounding = 4e-12 + 2e-15 * poles / broadening
      for (b, bubble) in FastBubbles.bubbles.enumerated() {
        let count = bubble.plus.count + bubble.inner.count
        let size = 1 / (Double.pow(2 * broadening, count - 1) * max(abs(omega), 2 * broadening))
        let quotient = exact.dynamicQuotient(bubble, x, omega: omega)
        #expect(
          (out[b] - quotient).length <= rounding * size + 1e-11 * quotient.length,
          "\(bubble) x = \(x) omega = \(omega)")
        let still = exact.staticPart(bubble, x)
        #expect(abs(point.statics[b] - still) <= 1e-12 * size + 1e-12 * abs(still))
      }
    }
  }

  /// K(-omega) for a bubble is K(omega)* of the bubble with g+ and g exchanged.
  @Test func exchangeOfFrequencies() {
    let exact = ClosedFormBubble(
      line: FermiLogarithm(temperature: 0.03, broadening: 0.07, reach: 20))
    let x = BandPair(bonding: -0.7, antibonding: 0.4)
    for bubble in FastBubbles.bubbles {
      let exchanged = Bubble(plus: bubble.inner, inner: bubble.plus)
      for omega in [0.0, 1e-6, 0.2, 1.1, 2.5] {
        // The quotients change sign with omega.
        let a = exact.dynamicQuotient(bubble, x, omega: omega)
        let b = exact.dynamicQuotient(exchanged, x, omega: -omega)
        #expect((a + b.conjugate).length <= 1e-12 * (1 + a.length))
      }
    }
  }
}
