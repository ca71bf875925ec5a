// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams

/// The lattices of the identity tests.
enum IdentityLattice: String, CaseIterable, Sendable {
  case square, honeycomb
  /// An oblique cell whose hops all differ: no symmetry but k -> -k.
  case oblique
  /// A chain with two distances and two amplitudes.
  case dimerised
  /// A triclinic crystal.
  case triclinic

  var model: Model {
    func hops(_ list: [([Double], Double)]) -> [Hop] {
      list.map { Hop(vector: $0.0, amplitude: $0.1) }
    }
    func model(
      _ vectors: [[Double]], _ inter: [([Double], Double)], _ intra: [([Double], Double)],
      _ exchange: Double
    ) -> Model {
      try! Model(
        name: rawValue, latticeVectors: vectors, interSublattice: hops(inter),
        intraSublattice: hops(intra), exchange: exchange)
    }
    let h = 3.0.squareRoot() / 2
    switch self {
    case .square:
      return model(
        [[1, 1], [1, -1]], [([1, 0], 1), ([-1, 0], 1), ([0, 1], 1), ([0, -1], 1)],
        [([1, 1], 0.2), ([1, -1], 0.2)], 0.5)
    case .honeycomb:
      return model(
        [[2 * h, 0], [h, 1.5]], [([0, 1], 1), ([h, -0.5], 1), ([-h, -0.5], 1)],
        [([2 * h, 0], 0.1), ([-h, 1.5], 0.1), ([-h, -1.5], 0.1)], 0.5)
    case .oblique:
      return model(
        [[1, 0], [-0.4, 1.2]],
        [([0.3, 0.4], 0.9), ([1.3, 0.4], -0.35), ([-0.1, 1.6], 0.55), ([-0.7, 0.4], 0.2)],
        [([1, 0], 0.17), ([0.4, -1.2], -0.11), ([0.6, 1.2], 0.23)], 0.7)
    case .dimerised:
      return model([[1.7]], [([0.6], 1), ([-1.1], 0.45)], [([1.7], 0.2), ([3.4], -0.07)], 0.6)
    case .triclinic:
      return model(
        [[1, 0.1, 0], [0.2, 1.1, 0.3], [-0.1, 0.25, 0.9]],
        [
          ([0.4, 0.3, 0.2], 0.8), ([-0.6, 0.2, 0.2], -0.5), ([0.2, -0.8, -0.1], 0.35),
          ([0.3, 0.55, 1.1], 0.45),
        ],
        [([1, 0.1, 0], 0.15), ([0.2, 1.1, 0.3], -0.1), ([1.1, -0.15, -0.9], 0.07)], 0.55)
    }
  }

  /// Every pair of Cartesian directions.
  var directions: [Directions] {
    let d = model.dimension
    return (0..<d).flatMap { i in (0..<d).map { Directions(i: i, j: $0) } }
  }

  /// `count` random wave vectors with |eta| >= 0.4, where the angle phi is smooth on the scale of
  /// the differences' step.
  func waveVectors(_ count: Int, seed: UInt64) -> [[Double]] {
    let model = self.model
    var numbers = SeededGenerator(seed)
    var found: [[Double]] = []
    while found.count < count {
      let k = (0..<model.dimension).map { _ in Double.random(in: -3...3, using: &numbers) }
      if EigenstateFrame(model, k).etaLength >= 0.4 { found.append(k) }
    }
    return found
  }
}

/// The paper's angles, energies, diagonalising matrix and gauge fields at one k, written down from
/// the model's hops and the paper's definitions; independent of the engine's `Frame`.
struct EigenstateFrame {
  let model: Model
  let k: [Double]
  /// phi is continuous along a straight path from the wave vector with this eta.
  private let origin: ComplexDouble
  let eta: ComplexDouble

  init(_ model: Model, _ k: [Double], origin: ComplexDouble? = nil) {
    self.model = model
    self.k = k
    eta = EigenstateFrame.eta(model, k)
    self.origin = origin ?? eta
  }

  /// The frame at a wave vector nearby, on the same branch of phi.
  func moved(to other: [Double]) -> EigenstateFrame {
    EigenstateFrame(model, other, origin: origin)
  }

  /// d_i of a property, by central differences.
  func difference<T: LinearSpace>(_ i: Int, _ property: (EigenstateFrame) -> T) -> T {
    centralDifference(i, at: k) { property(moved(to: $0)) }
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
      let term = ComplexDouble(cos(angle), -sin(angle)).scaled(by: hop.amplitude)
      return sum + derivatives.reduce(term) { $0 * ComplexDouble(0, -hop.vector[$1]) }
    }
  }

  // MARK: Energies and angles

  /// J.
  var exchange: Double { model.exchange }
  /// T_k = -2 sum a cos(k.r).
  var hopping: Double {
    -2 * model.intraSublattice.reduce(0) { $0 + $1.amplitude * cos(Self.phase(k, $1)) }
  }
  var etaLength: Double { eta.length }
  /// Delta_k.
  var delta: Double { hypot(etaLength, exchange) }
  /// E_s = T - s Delta; (7).
  func energy(_ s: Int) -> Double { hopping - Double(s) * delta }
  /// tan(theta) = |eta|/J; (5).
  var theta: Double { atan2(etaLength, exchange) }
  /// tan(phi) = Im eta/Re eta; (6).
  var phi: Double { origin.phase + (eta / origin).phase }
  /// (cos(phi), sin(phi), 0).
  var direction: SIMD3<Double> { [cos(phi), sin(phi), 0] }
  /// x_k; (S6.14).
  var x: SIMD3<Double> { [sin(theta) * cos(phi), sin(theta) * sin(phi), cos(theta)] }

  // MARK: First derivatives, analytic

  func hoppingD(_ i: Int) -> Double {
    2
      * model.intraSublattice.reduce(0) {
        $0 + $1.amplitude * $1.vector[i] * sin(Self.phase(k, $1))
      }
  }
  func etaD(_ i: Int) -> ComplexDouble { Self.eta(model, k, [i]) }
  /// d_i Delta = Re(eta* d_i eta)/Delta.
  func deltaD(_ i: Int) -> Double { (eta.conjugate * etaD(i)).real / delta }
  func velocity(_ s: Int, _ i: Int) -> Double { hoppingD(i) - Double(s) * deltaD(i) }
  /// d_i theta = J d_i|eta| / Delta^2.
  func thetaD(_ i: Int) -> Double {
    exchange * (eta.conjugate * etaD(i)).real / (etaLength * delta * delta)
  }
  /// d_i phi = Im(eta* d_i eta)/|eta|^2.
  func phiD(_ i: Int) -> Double { (eta.conjugate * etaD(i)).imaginary / (etaLength * etaLength) }

  /// The transverse gauge field (12a).
  func gaugeField(_ i: Int) -> SIMD3<Double> {
    thetaD(i) * zCross(direction) - phiD(i) * sin(theta) * direction
  }
  /// Its z component (12b).
  func gaugeFieldZ(_ i: Int) -> Double { phiD(i) * (1 - cos(theta)) }

  // MARK: Matrices

  /// V_k = chi . rho; (S1.2), (S1.3).
  var transformation: Matrix4 {
    sin(theta / 2)
      * (cos(phi) * Matrix4.rhoSigma(1, 0) + sin(phi) * Matrix4.rhoSigma(2, 0))
      + cos(theta / 2) * Matrix4.rhoSigma(3, 3)
  }

  /// T rho_0 - Re(eta) rho_1 - Im(eta) rho_2 - J rho_3 sigma_z.
  var hamiltonian: Matrix4 { Self.matrix(hopping, eta, exchange) }

  func hamiltonianD(_ i: Int) -> Matrix4 { Self.matrix(hoppingD(i), etaD(i), 0) }

  func hamiltonianDD(_ i: Int, _ j: Int) -> Matrix4 {
    let curvature = model.intraSublattice.reduce(0) {
      $0 + 2 * $1.amplitude * $1.vector[i] * $1.vector[j] * cos(Self.phase(k, $1))
    }
    return Self.matrix(curvature, Self.eta(model, k, [i, j]), 0)
  }

  private static func matrix(_ t: Double, _ eta: ComplexDouble, _ j: Double) -> Matrix4 {
    t * Matrix4.one - eta.real * Matrix4.rhoSigma(1, 0) - eta.imaginary * Matrix4.rhoSigma(2, 0)
      - j * Matrix4.rhoSigma(3, 3)
  }

  /// V^dagger O V.
  func inEigenstates(_ matrix: Matrix4) -> Matrix4 {
    transformation.dagger * matrix * transformation
  }

  // MARK: Operators of the paper

  /// tau^alpha_{k,s}, alpha = 1, 2, 3; (9), (S3.4).
  func spinOperator(_ s: Int, _ alpha: Int) -> Matrix4 {
    switch alpha {
    case 1: sin(theta) * Matrix4.tau(s, s, along: direction)
    case 2: Double(s) * sin(theta) * Matrix4.tau(s, s, along: zCross(direction))
    default: Matrix4.tau(s, s, 3)
    }
  }

  /// C^{alpha gamma}_{k,i,s} tau^gamma_ss, the row of the anomalous spin current without J;
  /// (11), (S6.12).
  func anomalousRow(_ s: Int, _ alpha: Int, _ i: Int) -> Matrix4 {
    switch alpha {
    case 1: Matrix4.tau(s, s, along: zCross(gaugeField(i)))
    case 2: -Double(s) * Matrix4.tau(s, s, along: gaugeField(i))
    default: .zero
    }
  }
}
