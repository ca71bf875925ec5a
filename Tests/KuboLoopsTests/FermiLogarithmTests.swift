// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import CGSL
import ComplexModule
import KuboDiagrams
import RealModule
import Testing

@Suite struct FermiLogarithmTests {
  /// psi(1/2 + i p/2 pi T) - i pi/2 + log(2 pi T) by GSL's complex digamma function.
  private func reference(_ x: Double, _ temperature: Double, _ broadening: Double) -> ComplexDouble
  {
    if temperature == 0 { return .log(ComplexDouble(x, -broadening)) }
    // z = 1/2 + i (x - i Gamma)/(2 pi T).
    let b = 1 / (2 * Double.pi * temperature)
    var re = gsl_sf_result()
    var im = gsl_sf_result()
    #expect(gsl_sf_complex_psi_e(0.5 + broadening * b, x * b, &re, &im) == 0)
    return ComplexDouble(re.val - Double.log(b), im.val - Double.pi / 2)
  }

  @Test(arguments: [(0.0, 0.05), (0.02, 0.05), (0.3, 1e-4), (1e-4, 0.02), (0.0, 1e-6), (1.0, 2.0)])
  func valueIsTheDigammaFunction(_ temperature: Double, _ broadening: Double) {
    let line = FermiLogarithm(temperature: temperature, broadening: broadening, reach: 20)
    var generator = SeededGenerator(1)
    for _ in 0..<2000 {
      let magnitude = Double.pow(10, Double.random(in: -7...1.2, using: &generator))
      let x = Bool.random(using: &generator) ? magnitude : -magnitude
      let exact = reference(x, temperature, broadening)
      let found = line.dividedDifference([x])
      // GSL states 1e-14 or so for its digamma function; l is of order one to ten.
      #expect((found - exact).length <= 4e-14 * max(1, exact.length), "x = \(x)")
    }
  }

  /// Divided differences from 40-digit arithmetic (mpmath 1.3): recursion on psi or log for
  /// distinct poles, derivatives for equal ones.
  @Test(arguments: DividedDifferenceReference.all)
  func dividedDifferencesMatchHighPrecision(_ reference: DividedDifferenceReference) {
    let line = FermiLogarithm(
      temperature: reference.temperature, broadening: reference.broadening, reach: 20)
    let found = line.dividedDifference(reference.poles)
    // The scale of rounding is |l^(n)|/n! at the tip, at most 1/(n R^n), R = Gamma + pi T.
    let order = reference.poles.count - 1
    let tip = 1 / (Double(order) * Double.pow(line.width, order))
    #expect(
      (found - reference.value).length <= 2e-13 * min(tip, 1e3 * reference.value.length + tip))
    #expect((found - reference.value).length <= 1e-9 * reference.value.length)
    // Two and three poles have forms of their own.
    let p = reference.poles
    let own: ComplexDouble? =
      p.count == 2
      ? line.dividedDifference(p[1], p[0])
      : p.count == 3 ? line.dividedDifference(p[2], p[0], p[1]) : nil
    if let own {
      #expect(
        (own - reference.value).length <= 2e-13 * min(tip, 1e3 * reference.value.length + tip))
    }
  }

  /// The table does not depend on how far it reaches.
  @Test func reachDoesNotMatter() {
    let short = FermiLogarithm(temperature: 0.02, broadening: 0.05, reach: 3)
    let long = FermiLogarithm(temperature: 0.02, broadening: 0.05, reach: 1e12)
    for x in [-2.9, -0.1, 0, 1e-9, 0.3, 2.7] {
      #expect(short.dividedDifference([x, x, x + 0.1]) == long.dividedDifference([x, x, x + 0.1]))
    }
  }
}
