// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import KuboVerification
import Testing

/// The anomalous current, (S5.7)-(S5.9), and the trace formulas of sections S6 and S7.
///
/// Misprints, asserted below: the first term of (S6.47); the first line of (S7.27), two signs.
@Suite struct AnomalousCurrentTests {
  static let exact = OperatorIdentityTests.exact
  static let differenced = OperatorIdentityTests.differenced

  /// P_ij; (S5.9).
  private func p(_ f: EigenstateFrame, _ i: Int, _ j: Int) -> SIMD3<Double> {
    let (first, second) = (f.gaugeField(i), f.gaugeField(j))
    let slopes = f.difference(j) { $0.gaugeField(i) } + f.difference(i) { $0.gaugeField(j) }
    let rotated = zCross(f.deltaD(j) * first + f.deltaD(i) * second + 0.5 * f.delta * slopes)
    return rotated + 0.5 * f.delta * (f.gaugeFieldZ(j) * first + f.gaugeFieldZ(i) * second)
  }

  /// The row alpha of (S5.8) without cos(theta): D_ij tau_ss of (S6.37).
  private func row(_ p: SIMD3<Double>, _ s: Int, _ alpha: Int) -> Matrix4 {
    switch alpha {
    case 1: Matrix4.tau(s, s, along: p)
    case 2: Double(s) * Matrix4.tau(s, s, along: zCross(p))
    default: .zero
    }
  }

  private func forEachPair(
    _ lattice: IdentityLattice, _ body: (EigenstateFrame, Int, Int) -> Void
  ) {
    for f in OperatorIdentityTests.frames(lattice) {
      for pair in lattice.directions { body(f, pair.i, pair.j) }
    }
  }

  /// The adiabatic part of V^dagger (d_i d_j H) sigma^alpha V is (S5.7) + (S5.8) as printed.
  @Test(arguments: IdentityLattice.allCases) func anomalousCurrent(_ lattice: IdentityLattice) {
    forEachPair(lattice) { f, i, j in
      let vector = p(f, i, j)
      let metric = f.delta * dot(f.gaugeField(i), f.gaugeField(j))
      for alpha in 1...3 {
        let printed = Matrix4.bothBands { s in
          let mass = f.difference(j) { $0.velocity(s, i) }
          return (Double(s) * mass + metric) * f.spinOperator(s, alpha)
            + f.exchange / f.delta * row(vector, s, alpha)
        }
        let current = f.inEigenstates(f.hamiltonianDD(i, j) * .rhoSigma(0, alpha)).adiabatic
        #expect(current.distance(to: printed) < Self.differenced)
        // The metric term is not negligible: without it the comparison fails.
        if alpha == 1, lattice == .oblique {
          let without = printed - metric * Matrix4.bothBands { f.spinOperator($0, 1) }
          #expect(current.distance(to: without) > 0.1 * abs(metric) * f.etaLength / f.delta - 1e-9)
        }
      }
    }
  }

  // MARK: S6

  /// (S6.15), (S6.16), and the rotation R = 2 chi chi - 1 that turns z into x.
  @Test(arguments: IdentityLattice.allCases) func rotations(_ lattice: IdentityLattice) {
    forEachPair(lattice) { f, i, j in
      let sine = f.etaLength / f.delta
      let (xi, xj) = (f.difference(i, \.x), f.difference(j, \.x))
      let field = f.gaugeField(i)
      #expect(abs(sine * crossZ(field, f.direction) - xi.z) < Self.differenced)
      #expect(abs(sine * dot(field, f.direction) + crossZ(f.x, xi)) < Self.differenced)
      #expect(abs(dot(field, f.gaugeField(j)) - dot(xi, xj)) < Self.differenced)
      let chi: SIMD3<Double> = [
        f.transformation[0, 2].real, -f.transformation[0, 2].imaginary, f.transformation[0, 0].real,
      ]
      let z: SIMD3<Double> = [0, 0, 1]
      let turned = 2 * chi.z * chi - z
      #expect(dot(turned - f.x, turned - f.x).squareRoot() < Self.exact)
    }
  }

  /// (S6.13), (S6.38)-(S6.40): alpha, beta = x, y with delta and epsilon.
  @Test(arguments: IdentityLattice.allCases) func tracesOfTheSpin(_ lattice: IdentityLattice) {
    forEachPair(lattice) { f, i, j in
      let sine = f.etaLength / f.delta
      let (field, vector) = (f.gaugeField(i), p(f, i, j))
      for s in [1, -1] {
        let sign = Double(s)
        for alpha in 1...2 {
          for beta in 1...2 {
            let (equal, odd) = (alpha == beta ? 1.0 : 0, Double(beta - alpha))
            func expect(_ product: Matrix4, _ formula: Double) {
              #expect((product.trace - ComplexDouble(formula)).length < Self.exact)
            }
            let tau = f.spinOperator(s, alpha)
            let along = 2 * sine * dot(field, f.direction) * sign * odd
            let across = 2 * sine * crossZ(field, f.direction) * equal
            expect(tau * f.spinOperator(s, beta), 2 * sine * sine * equal)
            expect(f.anomalousRow(s, alpha, i) * f.spinOperator(s, beta), across + along)
            expect(tau * f.anomalousRow(s, beta, i), across - along)
            expect(
              tau * row(vector, s, beta),
              2 * sine
                * (dot(vector, f.direction) * equal + crossZ(vector, f.direction) * sign * odd))
          }
        }
      }
    }
  }

  /// (S6.47) without its first term, which is printed but should not be there, and (S6.48).
  @Test(arguments: IdentityLattice.allCases) func contractionsOfP(_ lattice: IdentityLattice) {
    var largest = 0.0
    forEachPair(lattice) { f, i, j in
      let sine = f.etaLength / f.delta
      let vector = p(f, i, j)
      let (xi, xj) = (f.difference(i, \.x), f.difference(j, \.x))
      let xij = f.difference(i) { $0.difference(j, \.x) }
      let curvature = f.difference(i) { $0.deltaD(j) }
      let along = sine * dot(vector, f.direction)
      let corrected = f.exchange * (dot(xi, xj) - curvature / f.delta)
      let surplus = f.exchange / (f.delta * f.delta) * f.deltaD(i) * f.deltaD(j)
      #expect(abs(along - corrected) < Self.differenced)
      #expect(abs(along - corrected - surplus) > 0.9 * abs(surplus) - 1e-9)
      largest = max(largest, abs(surplus))
      let across =
        f.delta * crossZ(f.x, xij) + f.deltaD(i) * crossZ(f.x, xj) + f.deltaD(j) * crossZ(f.x, xi)
      // A difference of a difference.
      #expect(abs(sine * crossZ(vector, f.direction) - across) < 1e-9)
    }
    #expect(largest > 1e-2, "the misprint shows")
  }

  // MARK: S7

  /// (S7.19) for Sigma, and the first line of (S7.27) for s, which is printed with the wrong sign
  /// of the epsilon term and without the band sign in the last one; the second lines are (S7.20)
  /// and the last line of (S7.27).
  ///
  /// The traces are those of the 4x4 operators themselves: the measured operator from band s to the
  /// other one, the spin current back.
  @Test(arguments: IdentityLattice.allCases) func nonadiabaticTraces(_ lattice: IdentityLattice) {
    var (first, second) = (0.0, 0.0)
    forEachPair(lattice) { f, i, _ in
      let cosine = f.exchange / f.delta
      let field = f.gaugeField(i)
      let along = 2 * f.etaLength * dot(field, f.direction)
      let across = 2 * f.etaLength * crossZ(field, f.direction)
      for s in [1, -1] {
        let sign = Double(s)
        let (here, there) = (Matrix4.bandProjector(s), Matrix4.bandProjector(-s))
        let velocity = 2 * cosine * f.velocity(-s, i)
        let hopping = 2 * cosine * f.hoppingD(i)
        for alpha in 1...2 {
          for beta in 1...2 {
            let (equal, odd) = (alpha == beta ? 1.0 : 0, Double(beta - alpha))
            let current = f.inEigenstates(f.hamiltonianD(i) * .rhoSigma(0, beta))
            func trace(_ rho: Int) -> ComplexDouble {
              (here * f.inEigenstates(.rhoSigma(rho, alpha)) * there * current).trace
            }
            func distance(_ a: ComplexDouble, _ b: ComplexDouble) -> Double { (a - b).length }
            let staggered = sign * (velocity * odd - along * equal) + across * odd
            #expect(distance(trace(3), ComplexDouble(0, staggered)) < Self.exact)
            let spin = cosine * (velocity * equal + along * odd + sign * across * equal)
            #expect(distance(trace(0), ComplexDouble(spin)) < Self.exact)
            let printed = cosine * (velocity * equal - along * odd + across * equal)
            let wrong = distance(trace(0), ComplexDouble(printed))
            if alpha == beta {
              #expect(distance(trace(0), ComplexDouble(cosine * hopping)) < Self.exact)
              if s == -1 { first = max(first, wrong) }
            } else {
              #expect(distance(trace(3), ComplexDouble(0, sign * hopping * odd)) < Self.exact)
              second = max(second, wrong)
            }
          }
        }
      }
    }
    #expect(first > 1e-2, "the missing band sign in (S7.27) shows")
    // On the square lattice eta is real and the epsilon term vanishes.
    if lattice != .square { #expect(second > 1e-2, "the sign of epsilon in (S7.27) shows") }
  }
}
