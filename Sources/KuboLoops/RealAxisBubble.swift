// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import Quadrature
import RealModule

/// The Matsubara sum of a bubble by the real-axis integral, done numerically by GSL.
///
///     K(omega) = - int d eps/(2 pi i) { f(eps) F^RR(eps + omega, eps) - f(eps + omega) F^AA(eps + omega, eps)
///                                       + [f(eps + omega) - f(eps)] F^RA(eps + omega, eps) }
///
/// Source: docs/conventions.md section 3. This is the second of the three routes to K; it knows nothing of
/// partial fractions and divided differences, which it checks, and works for any propagator.
package struct RealAxisBubble {
  /// T and Gamma, in energy units.
  package let temperature, broadening: Double

  package init(temperature: Double, broadening: Double) {
    self.temperature = temperature
    self.broadening = broadening
  }

  /// K(omega) for the energies `x`, measured from mu, to about 1e-11 absolute.
  /// - Throws: `QuadratureError`.
  package func value(_ bubble: Bubble, _ x: BandPair, omega: Double) throws -> ComplexDouble {
    let integrator = AdaptiveIntegrator()
    // F with the signs of the two imaginary parts, +1 retarded and -1 advanced.
    func product(_ plus: Double, _ inner: Double, _ eps: Double) -> ComplexDouble {
      var f = ComplexDouble.one
      for s in bubble.plus { f /= ComplexDouble(eps + omega - x[s], plus * broadening) }
      for s in bubble.inner { f /= ComplexDouble(eps - x[s], inner * broadening) }
      return f
    }
    func integrand(_ eps: Double) -> ComplexDouble {
      let f = fermi(eps)
      let shifted = fermi(eps + omega)
      var sum = product(1, 1, eps).multiplied(by: f)
      sum -= product(-1, -1, eps).multiplied(by: shifted)
      sum += product(1, -1, eps).multiplied(by: shifted - f)
      return sum
    }
    var breaks = [0, -omega]
    for s in Band.allCases { breaks += [x[s], x[s] - omega] }
    for edge in [breaks.min()! - 1, breaks.max()! + 1] { breaks.append(edge) }
    func integral(_ part: @escaping (ComplexDouble) -> Double) throws -> Double {
      // At T = 0 the integrand vanishes above both Fermi levels.
      try integrator.integrate(
        from: -.infinity, to: temperature == 0 ? max(0, -omega) : .infinity, breaks: breaks,
        absolute: 1e-12, relative: 1e-12
      ) { part(integrand($0)) }.value
    }
    let sum = ComplexDouble(try integral(\.real), try integral(\.imaginary))
    // -1/(2 pi i) = i/(2 pi).
    return sum * ComplexDouble(0, 1 / (2 * Double.pi))
  }

  /// f(eps), eps measured from mu.
  private func fermi(_ eps: Double) -> Double {
    if temperature == 0 { return eps < 0 ? 1 : eps > 0 ? 0 : 0.5 }
    return 1 / (1 + Double.exp(eps / temperature))
  }
}
