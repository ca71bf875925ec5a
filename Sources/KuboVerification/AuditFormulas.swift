// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboLattice
import KuboLoops
import RealModule

/// The printed formulas, at single wave vectors.
struct AuditFormulas {
  let model: Model
  let directions: Directions

  /// The printed formulas of docs/misprints.md that can be judged at a single k, each against 4x4
  /// matrices V_k^dagger O V_k. Derivatives of products are differences of order 8, good to 1e-12.
  func formulas() -> [Audit.Formula] {
    let (i, j) = (directions.i, directions.j)
    /// d f/dk_direction.
    func slope(_ f: EigenstateFrame, _ direction: Int, _ g: (EigenstateFrame) -> Double) -> Double {
      f.difference(direction, step: differenceStep, g)
    }
    func band(_ s: Int) -> Band { s == 1 ? .bonding : .antibonding }
    func frame(_ f: EigenstateFrame) -> Frame {
      Frame(model, at: WaveVector(f.k), directions: directions)
    }
    /// tr_s[A B] within band s.
    func trace(_ a: Matrix4, _ b: Matrix4, _ s: Int) -> Double {
      let p = Matrix4.bandProjector(s)
      return (p * a * p * b).trace.real
    }
    func spin(_ f: EigenstateFrame) -> Matrix4 { f.inEigenstates(.rhoSigma(0, 1)) }
    func half(_ f: EigenstateFrame, _ h: Matrix4) -> Matrix4 {
      f.inEigenstates(0.5 * h * .rhoSigma(0, 1))
    }
    /// P_ij . e sin(theta), (S5.9).
    func curved(_ f: EigenstateFrame) -> Double {
      let (a, b) = (f.gaugeField(i), f.gaugeField(j))
      func gaugeSlope(_ direction: Int, _ of: Int) -> SIMD3<Double> {
        f.difference(direction, step: differenceStep) { $0.gaugeField(of) }
      }
      let slopes = gaugeSlope(j, i) + gaugeSlope(i, j)
      let p =
        zCross(f.deltaD(j) * a + f.deltaD(i) * b + 0.5 * f.delta * slopes)
        + 0.5 * f.delta * (f.gaugeFieldZ(j) * a + f.gaugeFieldZ(i) * b)
      return f.etaLength / f.delta * dot(p, f.direction)
    }
    /// (S6.35) + (S6.36) with hbar = 1, with or without the band sign in the latter.
    func current(_ f: EigenstateFrame, _ s: Int, sign: Double) -> Double {
      let sine = f.etaLength / f.delta
      let mass = slope(f, j) { $0.velocity(s, i) }
      let metric = f.delta * dot(f.gaugeField(i), f.gaugeField(j))
      return Double(s) * (Double(s) * mass + metric) * sine * sine
        + sign * f.exchange / f.delta * curved(f)
    }
    /// What the adiabatic spin's loops leave after integration by parts: C - d_j B.
    func adiabatic(_ f: EigenstateFrame, _ s: Int) -> Double {
      trace(spin(f), half(f, f.hamiltonianDD(i, j)), s)
        - slope(f, j) { trace(spin($0), half($0, $0.hamiltonianD(i)), s) }
    }
    /// The part of (S6.49) symmetric in i and j; the rest has no zone average.
    func adiabaticForm(_ f: EigenstateFrame, _ s: Int, _ version: Version) -> Double {
      let turned = Frame(
        model, at: WaveVector(f.k), directions: .init(i: directions.j, j: directions.i))
      let sum =
        ClosedForm.adiabaticY.weight(frame(f), band(s), version)
        + ClosedForm.adiabaticY.weight(turned, band(s), version)
      let jacobian = f.hoppingD(i) * f.deltaD(j) - f.hoppingD(j) * f.deltaD(i)
      let delta = f.delta
      return 0.5 * sum.real - f.exchange * f.exchange / (delta * delta * delta) * jacobian
    }
    /// The coefficient of Q_s in (a) + (d) with (S7.17) at omega = 0.3 J, over R(omega).
    func nonadiabatic(_ f: EigenstateFrame, _ s: Int, _ form: ClosedForm) -> Double {
      let isStaggered = form == .nonadiabaticX
      let omega = 0.3 * f.exchange
      let measured = f.inEigenstates(.rhoSigma(isStaggered ? 3 : 0, 1))
      let gauge = f.inEigenstates(
        0.5 * f.hamiltonianD(i) * .rhoSigma(0, isStaggered ? 2 : 1))
      let sum = [1, -1].reduce(ComplexDouble.zero) { sum, c in
        let (here, there) = (Matrix4.bandProjector(c), Matrix4.bandProjector(-c))
        // v_c Q_c - v_-c Q_-c, (S7.18) first line.
        let bracket = Double(c * s) * f.velocity(s, j) / (omega - 2 * Double(c) * f.exchange)
        return sum + (here * measured * there * gauge).trace.scaled(by: bracket)
      }
      return (sum / form.resonance(omega: omega, exchange: f.exchange)!).real
    }
    func resonant(_ form: ClosedForm, _ equations: String, _ cosine: String) -> Audit.Formula {
      formula(
        equations, "the bracket loses its antisymmetry in s",
        "s \(cosine) d_iT d_jE_s: the upper band changes sign"
      ) { f, s in
        nonadiabatic(f, s, form)
      } printed: { f, s in
        form.weight(frame(f), band(s), .printed).real
      } corrected: { f, s in
        form.weight(frame(f), band(s), .corrected).real
      }
    }
    let jj = model.exchange * model.exchange
    return [
      formula(
        "(S6.11), (S6.19), (S6.24)", "no band sign in the vertex of the canting",
        "the spin vertex carries s: 2 J^2 s d_i d_j cos(theta)"
      ) { f, s in
        trace(
          f.exchange * f.anomalousRow(s, 1, i), f.inEigenstates(-f.exchange * .rhoSigma(0, 1)), s)
      } printed: { f, s in
        2 * jj * f.etaLength / f.delta * f.thetaD(i)
      } corrected: { f, s in
        2 * jj * Double(s) * f.etaLength / f.delta * f.thetaD(i)
      },
      formula(
        "(S6.36)", "no band sign in the anomalous current's second part",
        "times s, as the spin's own tau_s^alpha"
      ) { f, s in
        trace(spin(f), half(f, f.hamiltonianDD(i, j)), s)
      } printed: { f, s in
        current(f, s, sign: 1)
      } corrected: { f, s in
        current(f, s, sign: Double(s))
      },
      formula(
        "(S6.47)", "a first term (J/Delta^2) d_iDelta d_jDelta",
        "-(J/Delta) d_i d_j Delta + J d_ix . d_jx"
      ) { f, s in
        curved(f)
      } printed: { f, s in
        curvedForm(f, i, j) + f.exchange / (f.delta * f.delta) * f.deltaD(i) * f.deltaD(j)
      } corrected: { f, s in
        curvedForm(f, i, j)
      },
      formula(
        "(S6.49), (S6.52)", "what (S6.36) and (S6.47) lead to",
        "s Delta d_ix . d_jx - 2 (J^2/Delta^3) d_jT d_iDelta"
      ) { f, s in
        adiabatic(f, s)
      } printed: { f, s in
        adiabaticForm(f, s, .printed)
      } corrected: { f, s in
        adiabaticForm(f, s, .corrected)
      },
      resonant(.nonadiabaticX, "(S7.18), (S7.21), (S7.23)", "cos(theta)"),
      resonant(.nonadiabaticY, "(S7.25), (S7.28), (S7.30)", "cos^2(theta)"),
      formula(
        "(S4.6), (14a)", "J z x Sigma = +(i q_i/2) j_sA,i",
        "-(i q_i/2) j_sA,i: tau_m of (15a) changes sign"
      ) { f, s in
        // x component of J z x Sigma/i, between states of band s at k - q/2 and k + q/2.
        f.exchange * -staggeredSlope(f, i)[s == 1 ? 0 : 1, s == 1 ? 3 : 2].imaginary
      } printed: { f, s in
        0.5 * (f.exchange * f.anomalousRow(s, 1, i))[s == 1 ? 0 : 1, s == 1 ? 3 : 2].real
      } corrected: { f, s in
        -0.5 * (f.exchange * f.anomalousRow(s, 1, i))[s == 1 ? 0 : 1, s == 1 ? 3 : 2].real
      } scale: { f in
        f.exchange * f.etaD(i).length / f.delta
      },
      formula(
        "after (16)", "i omega tau_sd + zeta_s",
        "i omega tau_sd - zeta_s, zeta_s = tau_sd/tau_sf > 0"
      ) { f, s in
        relaxation(f)
      } printed: { f, s in
        relaxationForm(.printed)
      } corrected: { f, s in
        relaxationForm(.corrected)
      } scale: { _ in
        relaxationRate
      },
    ]
  }

  /// zeta_s, at the frequency omega = 0.3 J of the audit.
  private var relaxationRate: Double { 0.1 }

  /// Re v_m_na/v_n_na from the equation of motion of the spin, relaxation included:
  ///
  ///     (-i omega + 1/tau_sf) <s^x> = <i [H, s^x]> = c <Sigma^y>
  ///
  /// for v_m_na/v_n_na is a K_Sigma^xy/(b K_s^xx), with the factors a, b of the loops, and K^xy = -K^yx.
  private func relaxation(_ f: EigenstateFrame) -> Double {
    let (h, s) = (f.hamiltonian, Matrix4.rhoSigma(0, 1))
    let motion = ComplexDouble.i * (h * s - s * h)
    let c = (motion * .rhoSigma(3, 2)).trace.real / 4
    let rate = 2 * f.exchange * relaxationRate
    let ratio =
      TorqueKind.mNonadiabatic.amplitude(exchange: f.exchange)
      / TorqueKind.nNonadiabatic.amplitude(exchange: f.exchange)
    return -ratio * rate / c
  }

  /// The same of the closed forms with P_m^na = P_n^na, which cos(theta) = 1 makes equal.
  private func relaxationForm(_ version: Version) -> Double {
    func factor(_ kind: TorqueKind) -> ComplexDouble {
      kind.factor(
        version, omega: 0.3 * model.exchange, exchange: model.exchange, relaxation: relaxationRate)!
    }
    return (factor(.mNonadiabatic) / factor(.nNonadiabatic)).real
  }

  /// -(J/Delta) d_i d_j Delta + J d_ix . d_jx.
  private func curvedForm(_ f: EigenstateFrame, _ i: Int, _ j: Int) -> Double {
    let frame = Frame(
      model, at: WaveVector(f.k), directions: .init(i: i, j: j))
    return f.exchange * (frame.metricIJ.real - frame.deltaIJ.real / f.delta)
  }

  /// d/dq_i at q = 0 of V^dagger_{k-q/2} Sigma^y V_{k+q/2}.
  private func staggeredSlope(_ f: EigenstateFrame, _ i: Int) -> Matrix4 {
    let slope = f.difference(i, step: differenceStep, \.transformation)
    let sigma = Matrix4.rhoSigma(3, 2)
    return 0.5
      * (f.transformation.dagger * sigma * slope - slope.dagger * sigma * f.transformation)
  }

  /// A step on which exp(i k.r) of the longest hop turns by 0.01.
  private var differenceStep: Double {
    let hops = model.interSublattice + model.intraSublattice
    let longest = hops.map { $0.vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }.max()!
    return 0.01 / longest
  }

  /// The deviations of `printed` and `corrected` from `exact` at wave vectors where phi is smooth.
  private func formula(
    _ equation: String, _ printedText: String, _ correctedText: String,
    _ exact: (EigenstateFrame, Int) -> Double, printed: (EigenstateFrame, Int) -> Double,
    corrected: (EigenstateFrame, Int) -> Double, scale: ((EigenstateFrame) -> Double)? = nil
  ) -> Audit.Formula {
    let (i, j) = (directions.i, directions.j)
    // |d_i H| |d_j H|/Delta, the size of the weights.
    let scale =
      scale ?? { f in
        (abs(f.hoppingD(i)) + f.etaD(i).length) * (abs(f.hoppingD(j)) + f.etaD(j).length) / f.delta
      }
    let frames = model.verificationWaveVectors.map { EigenstateFrame(model, $0) }.sorted {
      $0.etaLength > $1.etaLength
    }.prefix(3)
    func deviations(_ form: (EigenstateFrame, Int) -> Double) -> (Double, Double) {
      let found = [1, -1].map { s in
        let values = frames.map { (exact($0, s), form($0, s)) }
        // Rounding where the formula vanishes, as without hops within the sublattices, is no size.
        let size = max(values.map { abs($0.0) }.max()!, 1e-3 * frames.map(scale).max()!)
        let largest = values.map { abs($0.0 - $0.1) }.reduce(0, larger)
        return largest == 0 ? 0 : largest / size
      }
      return (found[0], found[1])
    }
    let (p, c) = (deviations(printed), deviations(corrected))
    return .init(
      equation: equation, printed: printedText, corrected: correctedText,
      printedDeviation: (p.0, p.1), correctedDeviation: (c.0, c.1))
  }
}
