// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import RealModule

/// The Matsubara sums of all bubbles with two or three propagators at once, at constant lifetime.
///
/// The same divided differences as ``ClosedFormBubble``, arranged so that the few values of l are
/// shared: with d_ac = x_a - x_c - omega - 2 i Gamma and the poles x_a - omega (retarded) and
/// x_c + omega (advanced), per (k, omega) four values of l and l', eight first differences, and one
/// division for each further propagator. K(omega) - K(0) is formed by subtraction once |omega|
/// exceeds 0.03 (|x| + R), where it costs about five of sixteen digits of the point's own
/// contribution; below, and at points where the bands all but touch, ``ClosedFormBubble`` takes over.
package struct FastBubbles: Sendable {
  /// The bubbles this type knows, in the order of its output: 4 with two propagators, then
  /// a bc (6) and ab c (6).
  package static let bubbles: [Bubble] = {
    var list: [Bubble] = []
    let s = Band.allCases
    for a in s { for c in s { list.append(Bubble(plus: [a], inner: [c])) } }
    for a in s { for p in pairs { list.append(Bubble(plus: [a], inner: [p.0, p.1])) } }
    for c in s { for p in pairs { list.append(Bubble(plus: [p.0, p.1], inner: [c])) } }
    return list
  }()
  private static let pairs: [(Band, Band)] = [
    (.bonding, .bonding), (.bonding, .antibonding), (.antibonding, .antibonding),
  ]
  package static let count = 16

  package let line: FermiLogarithm
  private let exact: ClosedFormBubble
  /// Those that the slow form leaves 0.
  private let isUnused: [Bool]

  /// All ``bubbles``, or those with the indices `used`: the others may come out as 0.
  package init(line: FermiLogarithm, used: [Int]? = nil) {
    self.line = line
    exact = ClosedFormBubble(line: line)
    isUnused = (0..<FastBubbles.count).map { used?.contains($0) == false }
  }

  /// What depends on k only.
  package struct Point {
    package var x: BandPair
    /// l and l' at the two poles.
    package var l: (ComplexDouble, ComplexDouble)
    var l1: (ComplexDouble, ComplexDouble)
    /// K(0) of every bubble.
    package var statics: InlineArray<16, Double>
    /// The frequency up to which the subtraction of K(0) would lose too many digits; infinite if the
    /// bands are too close for differences that divide by 2 Delta.
    package var smallest: Double
  }

  /// Prepares a k-point.
  package func point(_ x: BandPair) -> Point {
    let (lp, lp1) = line.valueAndDerivative(x.bonding)
    let (lm, lm1) = line.valueAndDerivative(x.antibonding)
    let close = abs(x.antibonding - x.bonding) <= line.neighbourhood(nearest(x))
    // K(0) depends on the bands only, not on which propagators carry the frequency.
    let counts = [[2, 0], [1, 1], [0, 2], [3, 0], [2, 1], [1, 2], [0, 3]]
    let values = counts.map { n in
      -line.dividedDifference(
        [Double](repeating: x.bonding, count: n[0])
          + [Double](repeating: x.antibonding, count: n[1])
      ).imaginary / .pi
    }
    var statics = InlineArray<16, Double>(repeating: 0)
    for (n, bubble) in FastBubbles.bubbles.enumerated() {
      let all = bubble.plus + bubble.inner
      let upper = all.filter { $0 == .antibonding }.count
      statics[n] = values[all.count == 2 ? upper : 3 + upper]
    }
    return Point(
      x: x, l: (lp, lm), l1: (lp1, lm1), statics: statics,
      smallest: close
        ? .infinity
        : 0.12 * line.neighbourhood(min(x.bonding.magnitude, x.antibonding.magnitude)))
  }

  private func nearest(_ x: BandPair) -> Double {
    x.bonding > 0 ? x.bonding : x.antibonding < 0 ? x.antibonding : 0
  }

  /// [K(omega) - K(0)]/omega of all ``bubbles`` into `out`; the derivative at omega = 0.
  @inline(__always)
  package func dynamicQuotients(
    _ point: borrowing Point, omega: Double, into out: UnsafeMutablePointer<ComplexDouble>
  ) {
    // Bands that all but touch leave no frequency to the fast form.
    if abs(omega) <= point.smallest {
      for (n, bubble) in FastBubbles.bubbles.enumerated() {
        out[n] = isUnused[n] ? .zero : exact.dynamicQuotient(bubble, point.x, omega: omega)
      }
      return
    }
    let x = point.x
    let xs = (x.bonding, x.antibonding)
    let (mp, mp1) = line.valueAndDerivative(xs.0 - omega)
    let (mm, mm1) = line.valueAndDerivative(xs.1 - omega)
    let (pp, pp1) = line.valueAndDerivative(xs.0 + omega)
    let (pm, pm1) = line.valueAndDerivative(xs.1 + omega)
    let gap = xs.1 - xs.0
    let inverseGap = 1 / gap
    let twoGamma = 2 * line.broadening
    // First differences for (a, c): retarded l[a - omega, c], advanced l[a, c + omega]*, mixed.
    // The order of pairs is ++, +-, -+, --.
    let bare = -1 / omega
    let offsetPM = -gap - omega  // x_+ - x_- - omega
    let offsetMP = gap - omega  // x_- - x_+ - omega
    let iPM = 1 / offsetPM
    let iMP = 1 / offsetMP
    let rPP = (mp - point.l.0).multiplied(by: bare)
    var rPM = (mp - point.l.1).multiplied(by: iPM)
    var rMP = (mm - point.l.0).multiplied(by: iMP)
    let rMM = (mm - point.l.1).multiplied(by: bare)
    let aPP = (point.l.0 - pp).multiplied(by: bare)
    var aPM = (point.l.0 - pm).multiplied(by: iPM)
    var aMP = (point.l.1 - pp).multiplied(by: iMP)
    let aMM = (point.l.1 - pm).multiplied(by: bare)
    // Second differences across the bands, with the inner or the g+ poles confluent.
    var rPMM = (rPM - point.l1.1).multiplied(by: iPM)
    var aPMM = (aPM - pm1).multiplied(by: iPM)
    var rPPM = (mp1 - rPM).multiplied(by: iPM)
    var aPPM = (point.l1.0 - aPM).multiplied(by: iPM)
    var rMPP = (rMP - point.l1.0).multiplied(by: iMP)
    var aMPP = (aMP - pp1).multiplied(by: iMP)
    var rMMP = (mm1 - rMP).multiplied(by: iMP)
    var aMMP = (point.l1.1 - aMP).multiplied(by: iMP)
    // At the interband resonance |omega| = 2 Delta the poles of two bands meet on one line.
    if abs(offsetMP) <= resonance(xs.0) {
      rMP = line.dividedDifference([xs.1 - omega, xs.0])
      aMP = line.dividedDifference([xs.1, xs.0 + omega])
      rMPP = line.dividedDifference([xs.1 - omega, xs.0, xs.0])
      aMPP = line.dividedDifference([xs.1, xs.0 + omega, xs.0 + omega])
      rMMP = line.dividedDifference([xs.1 - omega, xs.1 - omega, xs.0])
      aMMP = line.dividedDifference([xs.1, xs.1, xs.0 + omega])
    } else if abs(offsetPM) <= resonance(xs.0) {
      rPM = line.dividedDifference([xs.0 - omega, xs.1])
      aPM = line.dividedDifference([xs.0, xs.1 + omega])
      rPMM = line.dividedDifference([xs.0 - omega, xs.1, xs.1])
      aPMM = line.dividedDifference([xs.0, xs.1 + omega, xs.1 + omega])
      rPPM = line.dividedDifference([xs.0 - omega, xs.0 - omega, xs.1])
      aPPM = line.dividedDifference([xs.0, xs.0, xs.1 + omega])
    }
    // 1/d_ac by real arithmetic: the modulus is at least 2 Gamma, so it cannot vanish.
    let dS = reciprocal(-omega, twoGamma)
    let dPM = reciprocal(offsetPM, twoGamma)
    let dMP = reciprocal(offsetMP, twoGamma)
    let mixPP = (point.l.0 - mp + (point.l.0 - pp).conjugate) * dS
    let mixPM = (point.l.0 - mp + (point.l.1 - pm).conjugate) * dPM
    let mixMP = (point.l.1 - mm + (point.l.0 - pp).conjugate) * dMP
    let mixMM = (point.l.1 - mm + (point.l.1 - pm).conjugate) * dS

    let c = 1 / (2 * Double.pi)
    let inverseOmega = 1 / omega
    @inline(__always) func put(
      _ n: Int, _ retarded: ComplexDouble, _ advanced: ComplexDouble, _ mixed: ComplexDouble
    ) {
      // -1/(2 pi i) z = i z/(2 pi).
      let z = retarded - advanced.conjugate + mixed
      out[n] = ComplexDouble(
        (-z.imaginary * c - point.statics[n]) * inverseOmega, z.real * c * inverseOmega)
    }
    put(0, rPP, aPP, mixPP)
    put(1, rPM, aPM, mixPM)
    put(2, rMP, aMP, mixMP)
    put(3, rMM, aMM, mixMM)

    // g+_a g_b g_c: equal inner bands confluent, unequal ones by 1/(x_b - x_c).
    let slopeP = (point.l1.0 - pp1).conjugate
    let slopeM = (point.l1.1 - pm1).conjugate
    put(
      4, (rPP - point.l1.0).multiplied(by: bare), (aPP - pp1).multiplied(by: bare),
      (mixPP + slopeP) * dS)
    put(
      5, (rPM - rPP).multiplied(by: inverseGap), (aPM - aPP).multiplied(by: inverseGap),
      (mixPM - mixPP).multiplied(by: inverseGap))
    put(6, rPMM, aPMM, (mixPM + slopeM) * dPM)
    put(7, rMPP, aMPP, (mixMP + slopeP) * dMP)
    put(
      8, (rMM - rMP).multiplied(by: inverseGap), (aMM - aMP).multiplied(by: inverseGap),
      (mixMM - mixMP).multiplied(by: inverseGap))
    put(
      9, (rMM - point.l1.1).multiplied(by: bare), (aMM - pm1).multiplied(by: bare),
      (mixMM + slopeM) * dS)

    // g+_a g+_b g_c.
    let riseP = point.l1.0 - mp1
    let riseM = point.l1.1 - mm1
    put(
      10, (mp1 - rPP).multiplied(by: bare), (point.l1.0 - aPP).multiplied(by: bare),
      (riseP - mixPP) * dS)
    put(
      11, (rMP - rPP).multiplied(by: inverseGap), (aMP - aPP).multiplied(by: inverseGap),
      (mixMP - mixPP).multiplied(by: inverseGap))
    put(12, rMMP, aMMP, (riseM - mixMP) * dMP)
    put(13, rPPM, aPPM, (riseP - mixPM) * dPM)
    put(
      14, (rMM - rPM).multiplied(by: inverseGap), (aMM - aPM).multiplied(by: inverseGap),
      (mixMM - mixPM).multiplied(by: inverseGap))
    put(
      15, (mm1 - rMM).multiplied(by: bare), (point.l1.1 - aMM).multiplied(by: bare),
      (riseM - mixMM) * dS)
  }

  /// A bound on the rounding of the quotient of a bubble with n propagators.
  ///
  /// Here l is subtracted, and eps |l| is divided by the separation of the poles once for each
  /// propagator; mixed terms by |omega| once and by |omega| or 2 Gamma for the others. Where
  /// ``ClosedFormBubble`` takes over, derivatives of l, about 1/(|x| + R), stand in place of the
  /// differences. At T >> Gamma the mixed terms' rounding can exceed the bubble itself.
  package func rounding(_ point: borrowing Point, omega: Double, propagators n: Int) -> Double {
    let near = 4 * line.neighbourhood(min(point.x.bonding.magnitude, point.x.antibonding.magnitude))
    let isDerivative = abs(omega) <= point.smallest
    let same = isDerivative ? near : min(abs(omega), near)
    let mixed = max(abs(omega), 2 * line.broadening)
    var (own, joint) = (1 / same, 1 / same)
    for _ in 1..<n {
      own /= same
      joint /= mixed
    }
    return (isDerivative ? 2e-15 : 4e-16 * (1 + abs(Double.log(line.width)))) * (own + joint)
  }

  /// How near the resonance second differences are taken by the Taylor series: they lose at most
  /// the square of the neighbourhood over this, about two digits of sixteen.
  @inline(__always)
  private func resonance(_ x: Double) -> Double { 0.1 * line.neighbourhood(x) }

  /// 1/(x - i w).
  @inline(__always)
  private func reciprocal(_ x: Double, _ w: Double) -> ComplexDouble {
    let n = 1 / (x * x + w * w)
    return ComplexDouble(x * n, w * n)
  }
}
