// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import KuboVerification
import Testing

/// The paper's operators in the eigenstate frame, sections S1-S3 and S5, against explicit 4x4
/// matrices V^dagger O V.
///
/// Everything is of order one. Products of a few 4x4 matrices round at 1e-15, so identities without
/// differences must hold to `exact`; those with one central difference to `differenced`, see
/// ``centralDifference(_:at:_:)``. A wrong sign shows as 1e-2 to 1.
@Suite struct OperatorIdentityTests {
  static let exact = 1e-13
  static let differenced = 1e-10

  static func frames(_ lattice: IdentityLattice, _ count: Int = 6) -> [EigenstateFrame] {
    lattice.waveVectors(count, seed: 11).map { EigenstateFrame(lattice.model, $0) }
  }

  /// The analytic derivatives that the other tests use, against differences.
  @Test(arguments: IdentityLattice.allCases) func helpers(_ lattice: IdentityLattice) {
    for f in Self.frames(lattice) {
      for i in 0..<lattice.model.dimension {
        func near(_ a: Double, _ b: Double) -> Bool { abs(a - b) < Self.differenced }
        #expect(near(f.hoppingD(i), f.difference(i, \.hopping)))
        #expect(near(f.deltaD(i), f.difference(i, \.delta)))
        #expect(near(f.thetaD(i), f.difference(i, \.theta)))
        #expect(near(f.phiD(i), f.difference(i, \.phi)))
        let numerical = f.difference(i, \.hamiltonian)
        #expect(f.hamiltonianD(i).distance(to: numerical) < Self.differenced)
        for j in 0..<lattice.model.dimension {
          let numerical = f.difference(j) { $0.hamiltonianD(i) }
          #expect(f.hamiltonianDD(i, j).distance(to: numerical) < Self.differenced)
        }
      }
    }
  }

  // MARK: S1, S2

  /// V is unitary, V^dagger H V = T - Delta rho_3 sigma_z (S1.4), and the rows of V in band s are
  /// the spinor (4).
  @Test(arguments: IdentityLattice.allCases) func diagonalisation(_ lattice: IdentityLattice) {
    for f in Self.frames(lattice) {
      let v = f.transformation
      #expect((v.dagger * v).distance(to: .one) < Self.exact)
      let diagonal = f.hopping * Matrix4.one - f.delta * Matrix4.rhoSigma(3, 3)
      #expect(f.inEigenstates(f.hamiltonian).distance(to: diagonal) < Self.exact)
      let (c, s) = (f.transformation[0, 0], f.transformation[0, 2].length)
      let forward = (f.eta / ComplexDouble(f.etaLength)).scaled(by: s)
      // (4): s (c c^A_s + s e^{-i phi} sin c^B_s, c c^B_{-s} + s e^{i phi} sin c^A_{-s}).
      let spinor = Matrix4([
        c, 0, forward.conjugate, 0,
        0, -c, 0, forward.conjugate,
        forward, 0, -c, 0,
        0, forward, 0, c,
      ])
      #expect(v.distance(to: spinor) < Self.exact)
    }
  }

  /// (S2.1)-(S2.5).
  @Test func projectors() {
    for s in [1, -1] {
      let p = Matrix4.bandProjector(s)
      let formula = 0.5 * (Matrix4.one + Double(s) * Matrix4.rhoSigma(3, 3))
      #expect(p.distance(to: formula) == 0)
      #expect((p * p).distance(to: p) == 0)
      #expect((p * Matrix4.bandProjector(-s)).magnitude == 0)
    }
    #expect(Matrix4.bothBands(Matrix4.bandProjector).distance(to: .one) == 0)
  }

  /// (S2.10a-d) and (S2.13a-d), all sixteen products for both bands; exact small integers.
  @Test func projectionFormulas() {
    for s in [1, -1] {
      let sign = Double(s)
      func expect(_ mu: Int, _ nu: Int, _ other: Int, _ right: Matrix4) {
        let left = Matrix4.bandProjector(s) * Matrix4.rhoSigma(mu, nu)
        #expect(left.distance(to: right) == 0, "s = \(s), rho_\(mu) sigma^\(nu)")
        // Commutative or not; text above (S2.6).
        let moved = Matrix4.rhoSigma(mu, nu) * Matrix4.bandProjector(other)
        #expect(left.distance(to: moved) == 0)
      }
      func tau(_ other: Int, _ mu: Int) -> Matrix4 { Matrix4.tau(s, other, mu) }
      for (mu, swapped) in [(0, 3), (3, 0)] {
        expect(mu, 0, s, tau(s, mu))
        expect(mu, 3, s, sign * tau(s, swapped))
        expect(mu, 1, -s, tau(-s, mu))
        expect(mu, 2, -s, ComplexDouble(0, -sign) * tau(-s, swapped))
      }
      for (mu, rotated) in [(1, -tau(s, 2)), (2, tau(s, 1))] {
        // z x tau = (-tau^y, tau^x) = i tau^z tau.
        expect(mu, 1, s, tau(s, mu))
        expect(mu, 2, s, -sign * rotated)
        expect(mu, 2, s, ComplexDouble(0, -sign) * (tau(s, 3) * tau(s, mu)))
      }
      for (mu, rotated) in [(1, -tau(-s, 2)), (2, tau(-s, 1))] {
        expect(mu, 0, -s, tau(-s, mu))
        expect(mu, 3, -s, ComplexDouble(0, -sign) * rotated)
        expect(mu, 3, -s, sign * (tau(s, 3) * tau(-s, mu)))
      }
    }
  }

  // MARK: Spin and gauge field

  /// (S3.2a-c): the spin, adiabatic part (8), (9) and nonadiabatic part (S3.5).
  @Test(arguments: IdentityLattice.allCases) func spin(_ lattice: IdentityLattice) {
    for f in Self.frames(lattice) {
      let cosine = f.exchange / f.delta
      for alpha in 1...3 {
        let spin = f.inEigenstates(.rhoSigma(0, alpha))
        let even = Matrix4.bothBands { Double($0) * f.spinOperator($0, alpha) }
        let odd = Matrix4.bothBands { s in
          switch alpha {
          case 1: -cosine * Matrix4.tau(s, -s, 0)
          case 2: ComplexDouble(0, Double(s) * cosine) * Matrix4.tau(s, -s, 3)
          default: .zero
          }
        }
        #expect(spin.adiabatic.distance(to: even) < Self.exact)
        #expect(spin.nonadiabatic.distance(to: odd) < Self.exact)
      }
    }
  }

  /// -i V^dagger d_i V = (A^z rho_3 sigma^0 + A . rho sigma^z)/2 with (12a), (12b).
  @Test(arguments: IdentityLattice.allCases) func gaugeField(_ lattice: IdentityLattice) {
    for f in Self.frames(lattice) {
      for i in 0..<lattice.model.dimension {
        let a = f.gaugeField(i)
        let field = -ComplexDouble.i * (f.transformation.dagger * f.difference(i, \.transformation))
        let perpendicular = a.x * Matrix4.rhoSigma(1, 3) + a.y * Matrix4.rhoSigma(2, 3)
        let along = f.gaugeFieldZ(i) * Matrix4.rhoSigma(3, 0)
        #expect(field.distance(to: 0.5 * (along + perpendicular)) < Self.differenced)
      }
    }
  }

  // MARK: Currents

  /// (S3.7)-(S3.9): adiabatic part (10) + (11), nonadiabatic part (S3.13) and the z component of
  /// (S3.12), whose second index is the other band.
  @Test(arguments: IdentityLattice.allCases) func spinCurrent(_ lattice: IdentityLattice) {
    for f in Self.frames(lattice) {
      for i in 0..<lattice.model.dimension {
        for alpha in 1...3 {
          let current = f.inEigenstates(f.hamiltonianD(i) * .rhoSigma(0, alpha))
          let ordinary = Matrix4.bothBands { s in
            Double(s) * f.velocity(s, i) * f.spinOperator(s, alpha)
          }
          let anomalous = f.exchange * Matrix4.bothBands { f.anomalousRow($0, alpha, i) }
          #expect(current.adiabatic.distance(to: ordinary + anomalous) < Self.exact)
          let odd = Matrix4.bothBands { nonadiabaticSpinCurrent(f, $0, alpha, i) }
          #expect(current.nonadiabatic.distance(to: odd) < Self.exact)
        }
      }
    }
  }

  /// (S5.4): d_iH in the eigenstate frame.
  @Test(arguments: IdentityLattice.allCases) func electricCurrent(_ lattice: IdentityLattice) {
    for f in Self.frames(lattice) {
      for i in 0..<lattice.model.dimension {
        let current = f.inEigenstates(f.hamiltonianD(i))
        let even = Matrix4.bothBands { f.velocity($0, i) * Matrix4.tau($0, $0, 0) }
        let odd = Matrix4.bothBands {
          -f.delta * Matrix4.tau($0, -$0, along: zCross(f.gaugeField(i)))
        }
        #expect(current.adiabatic.distance(to: even) < Self.exact)
        #expect(current.nonadiabatic.distance(to: odd) < Self.exact)
      }
    }
  }
}

/// The part of the spin current between band s (row) and the other one; (S3.13), and the z
/// component of (S3.12).
func nonadiabaticSpinCurrent(_ f: EigenstateFrame, _ s: Int, _ alpha: Int, _ i: Int) -> Matrix4 {
  let sign = Double(s)
  let field = f.gaugeField(i)
  if alpha == 3 {
    return ComplexDouble(0, sign * f.delta) * Matrix4.tau(s, -s, along: field)
  }
  // The velocity is that of band s, (S3.7); the gauge field brings in that of the other band.
  let (zero, z) = (Matrix4.tau(s, -s, 0), Matrix4.tau(s, -s, 3))
  let rows: [Matrix4] =
    alpha == 1
    ? [-zero, ComplexDouble(0, -sign) * z, sign * zero]
    : [ComplexDouble(0, sign) * z, -zero, -ComplexDouble.i * z]
  return f.velocity(s, i) * f.exchange / f.delta * rows[0]
    + f.etaLength * dot(field, f.direction) * rows[1]
    + f.etaLength * crossZ(field, f.direction) * rows[2]
}

extension EigenstateFrame {
  /// tau^alpha_{k,s}, alpha = 1, 2, 3; (9), (S3.4).
  func spinOperator(_ s: Int, _ alpha: Int) -> Matrix4 {
    switch alpha {
    case 1: Double.sin(theta) * Matrix4.tau(s, s, along: direction)
    case 2: Double(s) * Double.sin(theta) * Matrix4.tau(s, s, along: zCross(direction))
    default: Matrix4.tau(s, s, 3)
    }
  }
}

/// z . (a x b)
func crossZ(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { a.x * b.y - a.y * b.x }
