// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLoops

/// What is reported of an output, made of its static part K(0) and of its quotient q = [K(omega) - K(0)]/omega.
struct ReportedNumber: Sendable {
  /// Whether (i/omega) [K(omega) - K(0)] is reported, as of the conductivity, and not K(omega) - K(0).
  let isQuotient: Bool
  /// A closed form in place of loops: K = R(omega) times that of one band.
  let closed: ClosedForm?
  let exchange: Double

  init(_ column: SpectrumRequest.Column, exchange: Double) {
    isQuotient = column.isQuotient
    closed = column.dressing == .closed ? column.response.closedForm : nil
    self.exchange = exchange
  }

  /// R(omega); nil at its pole.
  func resonance(_ omega: Double) -> ComplexDouble? {
    closed.map { $0.resonance(omega: omega, exchange: exchange) } ?? .one
  }

  /// K(0).
  func staticPart(_ k0: ComplexDouble) -> ComplexDouble { k0 * (resonance(0) ?? .zero) }

  /// K(omega) - K(0) = R(omega) omega q + [R(omega) - R(0)] K_loop(0); per field, as sigma, i q of a
  /// loop.
  func dynamic(_ omega: Double, _ quotient: ComplexDouble, _ k0: ComplexDouble) -> ComplexDouble {
    if isQuotient {
      // dK/d omega at omega = 0 is imaginary, since K(-omega) = K(omega)*.
      return omega == 0 ? ComplexDouble(-quotient.imaginary) : .i * quotient
    }
    // No sign of a zero.
    if omega == 0 { return .zero }
    let dynamic = quotient.multiplied(by: omega)
    guard let closed else { return dynamic }
    guard let r = closed.resonance(omega: omega, exchange: exchange),
      let change = closed.resonanceChange(omega: omega, exchange: exchange)
    else { return .zero }
    return r * dynamic + change * k0
  }

  /// The sum of the absolute contributions to ``dynamic(_:_:_:)``, from those to the quotient and to K(0).
  func scale(_ omega: Double, _ quotient: Double, _ k0: Double) -> Double {
    if isQuotient { return quotient }
    return (quotient * abs(omega) + k0) * (resonance(omega)?.length ?? 0)
  }

  /// A bound on the rounding of ``dynamic(_:_:_:)``, from that of the quotient.
  func rounding(_ omega: Double, _ quotient: Double) -> Double { scale(omega, quotient, 0) }
}

extension [ReportedNumber] {
  /// The dynamic parts of all outputs at omega, without it the static parts.
  func values(_ omega: Double?, _ quotients: [ComplexDouble], _ k0: [ComplexDouble])
    -> [ComplexDouble]
  {
    guard let omega else { return zip(self, k0).map { $0.staticPart($1) } }
    return indices.map { self[$0].dynamic(omega, quotients[$0], k0[$0]) }
  }
}
