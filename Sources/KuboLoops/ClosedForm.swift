// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import RealModule

/// Printed in the paper, or corrected as docs/misprints.md says.
public enum Version: String, Sendable, CaseIterable {
  /// With the band signs and terms that the loops require.
  case corrected
  /// As in the paper.
  case printed
}

/// The responses for which the paper gives a closed form: one-band bubbles times a weight and, for
/// the nonadiabatic ones, the resonance.
///
///     K(omega) = R(omega) (1/V) sum_k sum_s w_s(k) Q_s(omega),  Q_s = (1/beta) sum_n g+_s g_s
///
/// with Q_s -> -i omega tau delta(mu - E_s) at omega tau << 1 (S6.44), which gives the printed
/// form K = -i omega tau R(omega) W with W = (1/V) sum_k sum_s w_s delta(mu - E_s).
public enum ClosedForm: Sendable, CaseIterable {
  /// X, (S6.19), (S6.21): w_s = 2 J^2 s d_i d_j cos(theta). The printed (S6.24) lacks s.
  case cantingX
  /// Y, (S6.42), (S6.51): w_s = e_{s,ij}, (S6.49).
  case adiabaticY
  /// X^na, (S7.21), (S7.22): w_s = s cos(theta) d_iT d_jE_s. The printed sum lacks s.
  case nonadiabaticX
  /// Y^na, (S7.25), (S7.28): w_s = s cos^2(theta) d_iT d_jE_s. The printed sum lacks s.
  case nonadiabaticY

  /// The weight w_s(k) of K = R (1/V) sum_k sum_s w_s Q_s, analytic in k; each case tells it corrected,
  /// and the printed forms follow (S6.24), (S6.52), (S7.23), (S7.30).
  ///
  /// Units: energy length^2, and energy^2 length^2 for the nonadiabatic ones, whose R has the unit
  /// 1/energy.
  public func weight(_ frame: Frame, _ s: Band, _ version: Version) -> ComplexDouble {
    let j = frame.exchange
    let sign = version == .corrected ? s.sign : 1
    switch self {
    case .cantingX:
      return frame.cosThetaIJ.multiplied(by: 2 * j * j * sign)
    case .adiabaticY:
      let mixed =
        (frame.hoppingI * frame.deltaJ * frame.inverseDelta * frame.cosTheta * frame.cosTheta)
        .multiplied(by: -2)
      switch version {
      case .corrected:
        // s Delta d_i x . d_j x - 2 (J^2/Delta^3) d_iT d_jDelta: the paper has i and j the other way
        // round here, which changes w_s but not its sum over k.
        return (frame.delta * frame.metricIJ).multiplied(by: s.sign) + mixed
      case .printed:
        // (S6.52): s (J^2/Delta^2) d_i d_j Delta + the same + (s |eta|^2 + J^2)/Delta d_i x . d_j x.
        let curvature = frame.cosTheta * frame.cosTheta * frame.deltaIJ
        let length = (frame.eta * frame.etabar).multiplied(by: s.sign) + ComplexDouble(j * j)
        return curvature.multiplied(by: s.sign) + mixed
          + length * frame.inverseDelta * frame.metricIJ
      }
    case .nonadiabaticX:
      return (frame.cosTheta * frame.hoppingI * frame.velocityJ(s)).multiplied(by: sign)
    case .nonadiabaticY:
      return (frame.cosTheta * frame.cosTheta * frame.hoppingI * frame.velocityJ(s))
        .multiplied(by: sign)
    }
  }

  /// R(omega), with Delta_k -> J in the denominator; nil at the pole omega = 2 J.
  ///
  /// X^na: i 2 omega/(omega^2 - 4 J^2), so that -i omega R is the bracket of (S7.22);
  /// Y^na: 4 J/(omega^2 - 4 J^2), (S7.28).
  package func resonance(omega: Double, exchange j: Double) -> ComplexDouble? {
    let denominator = (omega - 2 * j) * (omega + 2 * j)
    switch self {
    case .cantingX, .adiabaticY: return .one
    case .nonadiabaticX:
      return denominator == 0 ? nil : ComplexDouble(0, 2 * omega / denominator)
    case .nonadiabaticY:
      return denominator == 0 ? nil : ComplexDouble(4 * j / denominator)
    }
  }

  /// R(omega) - R(0), without cancellation.
  package func resonanceChange(omega: Double, exchange j: Double) -> ComplexDouble? {
    switch self {
    case .cantingX, .adiabaticY: return .zero
    case .nonadiabaticX: return resonance(omega: omega, exchange: j)
    case .nonadiabaticY:
      // 4 J/(omega^2 - 4 J^2) + 1/J = omega^2/(J (omega^2 - 4 J^2)).
      let denominator = j * (omega - 2 * j) * (omega + 2 * j)
      return denominator == 0 ? nil : ComplexDouble(omega * omega / denominator)
    }
  }

  /// The factor c in P sigma_c = c W tau of the paper's dimensionless coefficient.
  ///
  /// P_m: Phi = -2 i omega P_m sigma_c (S6.21), so 1/2; P_n: Y = -i omega P_n sigma_c/J (S6.51),
  /// so J; P_m^na, P_n^na: 1, (S7.23), (S7.30).
  package func coefficientFactor(exchange j: Double) -> Double {
    switch self {
    case .cantingX: 0.5
    case .adiabaticY: j
    case .nonadiabaticX, .nonadiabaticY: 1
    }
  }

  /// Whether a resonance with Delta_k -> J multiplies the one-band bubbles.
  public var isNonadiabatic: Bool { self == .nonadiabaticX || self == .nonadiabaticY }

  /// The name of the coefficient, as in `P_m`.
  public var coefficientName: String {
    switch self {
    case .cantingX: "P_m"
    case .adiabaticY: "P_n"
    case .nonadiabaticX: "P_m_na"
    case .nonadiabaticY: "P_n_na"
    }
  }
}
