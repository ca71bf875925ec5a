// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import KuboVerification
import Testing

/// The weights w_s(k) of the closed forms against 4x4 traces, point by point.
///
/// The adiabatic loops of a band are v_j B {(g+)^2 g + g+ g^2} + C g+ g = B d_j(g+ g) + C g+ g
/// (S6.17), with B the trace of the measured operator and the field's vertex, C that with the
/// anomalous current; by parts w_s = C - d_j B. Here i is the direction of the gradient and j that
/// of the electric field, which (S6.30)-(S6.54) exchange.
///
/// Misprints, asserted below: the missing band signs in (S6.11)-(S6.24) and (S6.36)-(S6.52)
/// together with the first term of (S6.47), and in (S7.21)-(S7.30).
@Suite struct ClosedFormWeightTests {
  /// One central difference of B, of order one.
  static let tolerance = OperatorIdentityTests.differenced

  /// tr[O_s V_s] in band s, alpha and beta of the two Pauli matrices.
  private func trace(_ a: Matrix4, _ b: Matrix4, _ s: Int) -> Double {
    let p = Matrix4.bandProjector(s)
    return (a * p * b * p).trace.real
  }

  private func forEach(
    _ lattice: IdentityLattice, _ body: (EigenstateFrame, Frame, Directions, Band) -> Void
  ) {
    for f in OperatorIdentityTests.frames(lattice, 4) {
      for pair in lattice.directions {
        let frame = Frame(lattice.model, at: WaveVector(f.k), directions: pair)
        for s in Band.allCases { body(f, frame, pair, s) }
      }
    }
  }

  private func near(_ a: ComplexDouble, _ b: Double) -> Bool {
    (a - ComplexDouble(b)).length < Self.tolerance
  }

  /// X: B = tr[j_sA^alpha (-J sigma^beta)] in band s.
  ///
  /// xx is 2 J^2 s d_i d_j cos(theta), (S6.19) with the band sign that (S6.11) lacks. xy is the
  /// weight of Phi', -2 J^2 z . d_j(x cross d_i x): that sign cancels the one printed in (S6.20),
  /// and (S6.18) must have +Phi', since epsilon^{alpha beta z} m^beta = (m cross z)^alpha.
  @Test(arguments: IdentityLattice.allCases) func canting(_ lattice: IdentityLattice) {
    var (first, second, third) = (0.0, 0.0, 0.0)
    forEach(lattice) { f, frame, pair, s in
      let sign = Int(s.sign)
      func weight(_ alpha: Int, _ beta: Int) -> Double {
        -f.difference(pair.j) { f in
          let current = f.exchange * f.anomalousRow(sign, alpha, pair.i)
          return self.trace(current, f.inEigenstates(-f.exchange * .rhoSigma(0, beta)), sign)
        }
      }
      let along = weight(1, 1)
      #expect(near(ClosedForm.cantingX.weight(frame, s, .corrected), along))
      #expect(abs(weight(2, 2) - along) < Self.tolerance)
      let twist = f.difference(pair.j) { f in
        // z . (x cross d_i x) = -|eta|/Delta (A . e); (S6.16), tested by itself.
        -f.etaLength / f.delta * dot(f.gaugeField(pair.i), f.direction)
      }
      let across = -2 * f.exchange * f.exchange * twist
      #expect(abs(weight(1, 2) - across) < Self.tolerance)
      #expect(abs(weight(2, 1) + across) < Self.tolerance)
      // Printed: no band sign in Phi, one in Phi'.
      let printed = ClosedForm.cantingX.weight(frame, s, .printed)
      first = max(first, (printed - ComplexDouble(along)).length)
      if s == .antibonding { second = max(second, abs(weight(1, 2) - s.sign * across)) }
      third = max(third, abs(weight(1, 2) + across))
    }
    #expect(first > 1e-2, "the missing band sign in (S6.11), (S6.19) shows")
    if lattice != .square {
      #expect(second > 1e-2, "the surplus band sign in (S6.20) shows")
      #expect(third > 1e-2, "the sign in front of Phi' in (S6.18) shows")
    }
  }

  /// Y: B = tr[s^alpha (1/2) d_iH sigma^beta], C = tr[s^alpha (1/2) d_i d_j H sigma^beta] in band
  /// s.
  ///
  /// xx is e_{s,ij} and xy is f_{s,ij}: (S6.45), (S6.46) with s times the last terms, since (S6.36)
  /// lacks the band sign of the spin.
  @Test(arguments: IdentityLattice.allCases) func adiabaticSpin(_ lattice: IdentityLattice) {
    var (first, second) = (0.0, 0.0)
    forEach(lattice) { f, frame, pair, s in
      let sign = Int(s.sign)
      let (i, j) = (pair.i, pair.j)
      func weight(_ alpha: Int, _ beta: Int) -> Double {
        let spin = f.inEigenstates(.rhoSigma(0, alpha))
        let current = f.inEigenstates(0.5 * f.hamiltonianDD(i, j) * .rhoSigma(0, beta))
        let slope = f.difference(j) { f in
          let vertex = f.inEigenstates(0.5 * f.hamiltonianD(i) * .rhoSigma(0, beta))
          return self.trace(f.inEigenstates(.rhoSigma(0, alpha)), vertex, sign)
        }
        return trace(spin, current, sign) - slope
      }
      let along = weight(1, 1)
      #expect(abs(weight(2, 2) - along) < Self.tolerance)
      // By parts d_iT d_jDelta comes out; the closed form may have d_jT d_iDelta as well, see
      // ``theOrderOfTAndDeltaDoesNotMatter(_:)``: compare the part symmetric in i, j.
      let jacobian = f.hoppingD(i) * f.deltaD(j) - f.hoppingD(j) * f.deltaD(i)
      let symmetric = along + f.exchange * f.exchange / (f.delta * f.delta * f.delta) * jacobian
      let turned = Frame(lattice.model, at: WaveVector(f.k), directions: .init(i: j, j: i))
      func closed(_ version: Version) -> ComplexDouble {
        let sum =
          ClosedForm.adiabaticY.weight(frame, s, version)
          + ClosedForm.adiabaticY.weight(turned, s, version)
        return sum.multiplied(by: 0.5)
      }
      #expect(near(closed(.corrected), symmetric))
      first = max(first, (closed(.printed) - ComplexDouble(symmetric)).length)

      // (S6.46) with A.e and P x e by (S6.16), (S6.48); i and j exchanged.
      let (xi, xj) = (f.difference(i, \.x), f.difference(j, \.x))
      let xij = f.difference(j) { $0.difference(i, \.x) }
      let gauge = -f.exchange * f.difference(j) { crossZ($0.x, $0.difference(i, \.x)) }
      let curved =
        f.exchange / f.delta
        * (f.delta * crossZ(f.x, xij) + f.deltaD(i) * crossZ(f.x, xj)
          + f.deltaD(j) * crossZ(f.x, xi))
      // Differences of differences: see ``AnomalousCurrentTests``.
      #expect(abs(weight(1, 2) - gauge - curved) < 1e-9)
      #expect(abs(weight(2, 1) + gauge + curved) < 1e-9)
      second = max(second, abs(weight(1, 2) - gauge - s.sign * curved))
    }
    #expect(first > 1e-2, "(S6.36), (S6.47), (S6.49): the misprints show")
    if lattice != .square { #expect(second > 1e-2, "the band sign in (S6.46), (S6.50) shows") }
  }

  /// d_iT d_jDelta - d_jT d_iDelta is the Jacobian of (T, Delta): times any function of the two, as
  /// J^2/Delta^3 and Q(E_s) are, it integrates to zero over the zone.
  @Test(arguments: [IdentityLattice.square, .honeycomb, .oblique])
  func theOrderOfTAndDeltaDoesNotMatter(_ lattice: IdentityLattice) {
    let model = lattice.model
    // Periodic and analytic: the uniform sum converges exponentially, to rounding at 64 points.
    let size = 64
    var (sum, scale) = (0.0, 0.0)
    for a in 0..<size {
      for b in 0..<size {
        let reduced = [Double(a) / Double(size), Double(b) / Double(size)]
        let k = WaveVector(model.waveVector(reduced: reduced))
        let f = Frame(model, at: k, directions: .init(i: 0, j: 1))
        let jacobian = f.hoppingI * f.deltaJ - f.hoppingJ * f.deltaI
        let energy = f.energy(.bonding).real
        let weight = jacobian.real * f.cosTheta.real * f.cosTheta.real / (1 + energy * energy)
        sum += weight
        scale += abs(weight)
      }
    }
    #expect(abs(sum) < 1e-10 * max(scale, 1))
    #expect(scale > 1 || lattice != .oblique, "and not because it vanishes point by point")
  }

  /// X^na and Y^na: the first terms of (S7.10) with (S7.17),
  ///
  ///     (1/2) sum_s tr_s (v_s Q_s - v_-s Q_-s)/(omega - 2 s J),
  ///
  /// tr_s the trace of the measured operator from s to -s and the spin current back. The bracket is
  /// antisymmetric in s, so the coefficient of Q_s has the band sign s that (S7.18) loses.
  @Test(arguments: IdentityLattice.allCases, [(3, 2), (0, 1)])
  func nonadiabatic(_ lattice: IdentityLattice, _ operators: (rho: Int, beta: Int)) {
    let omega = 0.3
    var largest = 0.0
    forEach(lattice) { f, frame, pair, s in
      let j = f.exchange
      let current = f.inEigenstates(f.hamiltonianD(pair.i) * .rhoSigma(0, operators.beta))
      let measured = f.inEigenstates(.rhoSigma(operators.rho, 1))
      func coefficient(_ bracket: (Int) -> Double) -> ComplexDouble {
        [1, -1].reduce(.zero) { sum, band in
          let (here, there) = (Matrix4.bandProjector(band), Matrix4.bandProjector(-band))
          let trace = (here * measured * there * current).trace
          let factor = bracket(band) * f.velocity(Int(s.sign), pair.j)
          return sum + trace.scaled(by: 0.5 * factor / (omega - 2 * Double(band) * j))
        }
      }
      let isStaggered = operators.rho == 3
      let form: ClosedForm = isStaggered ? .nonadiabaticX : .nonadiabaticY
      let square = omega * omega - 4 * j * j
      // (S7.22), (S7.28).
      let resonance =
        isStaggered ? ComplexDouble(0, 2 * omega / square) : ComplexDouble(4 * j / square)
      let corrected = resonance * form.weight(frame, s, .corrected)
      let printed = resonance * form.weight(frame, s, .printed)
      let right = coefficient { Double($0) * s.sign }
      #expect((right - corrected).length < Self.tolerance)
      #expect((coefficient { _ in 1 } - right).length > 0.1 * right.length - 1e-9)
      if s == .antibonding { largest = max(largest, (right - printed).length) }
    }
    #expect(largest > 1e-2, "the missing band sign shows")
  }
}
