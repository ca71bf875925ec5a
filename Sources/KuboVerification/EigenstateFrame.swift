// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import RealModule

/// The paper's angles, energies, diagonalising matrix and gauge fields at one k, written down from
/// the model's hops and the paper's definitions; independent of the engine's `Frame`.
///
/// Where eta = 0, theta = 0 and phi is arbitrary: it is taken as 0, and so are the gauge fields.
package struct EigenstateFrame {
  package let model: Model
  package let k: [Double]
  /// phi is continuous along a straight path from the wave vector with this eta.
  private let origin: ComplexDouble
  package let eta: ComplexDouble

  package init(_ model: Model, _ k: [Double], origin: ComplexDouble? = nil) {
    self.model = model
    self.k = k
    eta = EigenstateFrame.eta(model, k)
    self.origin = origin ?? eta
  }

  /// The frame at a wave vector nearby, on the same branch of phi.
  package func moved(to other: [Double]) -> EigenstateFrame {
    EigenstateFrame(model, other, origin: origin)
  }

  /// d_i of a property, by central differences.
  package func difference<T: LinearSpace>(
    _ i: Int, step: Double = 0.005, _ property: (EigenstateFrame) -> T
  ) -> T {
    centralDifference(i, at: k, step: step) { property(moved(to: $0)) }
  }

  private static func phase(_ k: [Double], _ hop: Hop) -> Double {
    zip(k, hop.vector).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The sum of a (-i r_i) (-i r_j) ... exp(-i k.r) over the hops between sublattices.
  private static func eta(_ model: Model, _ k: [Double], _ derivatives: [Int] = [])
    -> ComplexDouble
  {
    model.interSublattice.reduce(.zero) { sum, hop in
      let angle = phase(k, hop)
      let term = ComplexDouble(Double.cos(angle), -Double.sin(angle)).scaled(by: hop.amplitude)
      return sum + derivatives.reduce(term) { $0 * ComplexDouble(0, -hop.vector[$1]) }
    }
  }

  // MARK: Energies and angles

  /// J.
  package var exchange: Double { model.exchange }
  /// T_k = -2 sum a cos(k.r).
  package var hopping: Double {
    -2 * model.intraSublattice.reduce(0) { $0 + $1.amplitude * Double.cos(Self.phase(k, $1)) }
  }
  package var etaLength: Double { eta.length }
  /// Delta_k.
  package var delta: Double { Double.hypot(etaLength, exchange) }
  /// E_s = T - s Delta; (7).
  package func energy(_ s: Int) -> Double { hopping - Double(s) * delta }
  /// tan(theta) = |eta|/J; (5).
  package var theta: Double { Double.atan2(y: etaLength, x: exchange) }
  /// tan(phi) = Im eta/Re eta; (6).
  package var phi: Double { eta == .zero ? 0 : origin.phase + (eta / origin).phase }
  /// (cos(phi), sin(phi), 0).
  package var direction: SIMD3<Double> { [Double.cos(phi), Double.sin(phi), 0] }
  /// x_k; (S6.14).
  package var x: SIMD3<Double> {
    [Double.sin(theta) * Double.cos(phi), Double.sin(theta) * Double.sin(phi), Double.cos(theta)]
  }

  // MARK: First derivatives, analytic

  package func hoppingD(_ i: Int) -> Double {
    2
      * model.intraSublattice.reduce(0) {
        $0 + $1.amplitude * $1.vector[i] * Double.sin(Self.phase(k, $1))
      }
  }
  package func etaD(_ i: Int) -> ComplexDouble { Self.eta(model, k, [i]) }
  /// d_i Delta = Re(eta* d_i eta)/Delta.
  package func deltaD(_ i: Int) -> Double { (eta.conjugate * etaD(i)).real / delta }
  package func velocity(_ s: Int, _ i: Int) -> Double { hoppingD(i) - Double(s) * deltaD(i) }
  /// d_i theta = J d_i|eta| / Delta^2.
  package func thetaD(_ i: Int) -> Double {
    eta == .zero
      ? 0 : exchange * (eta.conjugate * etaD(i)).real / (etaLength * delta * delta)
  }
  /// d_i phi = Im(eta* d_i eta)/|eta|^2.
  package func phiD(_ i: Int) -> Double {
    eta == .zero ? 0 : (eta.conjugate * etaD(i)).imaginary / (etaLength * etaLength)
  }

  /// The transverse gauge field (12a).
  package func gaugeField(_ i: Int) -> SIMD3<Double> {
    thetaD(i) * zCross(direction) - phiD(i) * Double.sin(theta) * direction
  }
  /// Its z component (12b).
  package func gaugeFieldZ(_ i: Int) -> Double { phiD(i) * (1 - Double.cos(theta)) }

  // MARK: Matrices

  /// V_k = chi . rho; (S1.2), (S1.3).
  package var transformation: Matrix4 {
    Double.sin(theta / 2)
      * (Double.cos(phi) * Matrix4.rhoSigma(1, 0) + Double.sin(phi) * Matrix4.rhoSigma(2, 0))
      + Double.cos(theta / 2) * Matrix4.rhoSigma(3, 3)
  }

  /// T rho_0 - Re(eta) rho_1 - Im(eta) rho_2 - J rho_3 sigma_z.
  package var hamiltonian: Matrix4 { Self.matrix(hopping, eta, exchange) }

  package func hamiltonianD(_ i: Int) -> Matrix4 { Self.matrix(hoppingD(i), etaD(i), 0) }

  package func hamiltonianDD(_ i: Int, _ j: Int) -> Matrix4 {
    let curvature = model.intraSublattice.reduce(0) {
      $0 + 2 * $1.amplitude * $1.vector[i] * $1.vector[j] * Double.cos(Self.phase(k, $1))
    }
    return Self.matrix(curvature, Self.eta(model, k, [i, j]), 0)
  }

  private static func matrix(_ t: Double, _ eta: ComplexDouble, _ j: Double) -> Matrix4 {
    t * Matrix4.one - eta.real * Matrix4.rhoSigma(1, 0) - eta.imaginary * Matrix4.rhoSigma(2, 0)
      - j * Matrix4.rhoSigma(3, 3)
  }

  /// V^dagger O V.
  package func inEigenstates(_ matrix: Matrix4) -> Matrix4 {
    transformation.dagger * matrix * transformation
  }

  // MARK: Operators of the paper

  /// C^{alpha gamma}_{k,i,s} tau^gamma_ss, the row of the anomalous spin current without J;
  /// (11), (S6.12).
  package func anomalousRow(_ s: Int, _ alpha: Int, _ i: Int) -> Matrix4 {
    switch alpha {
    case 1: Matrix4.tau(s, s, along: zCross(gaugeField(i)))
    case 2: -Double(s) * Matrix4.tau(s, s, along: gaugeField(i))
    default: .zero
    }
  }
}
