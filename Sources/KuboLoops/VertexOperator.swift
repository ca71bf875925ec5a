// SPDX-License-Identifier: GPL-3.0-or-later
import KuboLattice

/// What stands at a vertex of a diagram: a 2x2 matrix in sublattice space times a Pauli matrix.
///
/// A new operator is one more static member here, listed in ``all``.
public struct VertexOperator: Sendable, Equatable {
  /// Which Pauli matrix multiplies the sublattice matrix.
  public enum Pauli: Sendable {
    /// sigma^0.
    case unit
    /// sigma^alpha, alpha the component of the measured operator.
    case measured
    /// (sigma x z)^alpha: sigma^y for alpha = x, -sigma^x for y.
    case measuredTurned
    /// sigma^beta, beta the component of the perturbing field.
    case field
  }

  /// The name in diagram files.
  public let name: String
  /// The equation, for the list of operators.
  public let equation: String
  /// Its spin part.
  public let pauli: Pauli
  /// Whether the external frequency enters here.
  public let carriesElectricField: Bool
  /// +1 if the matrix at -k is the complex conjugate of that at k, -1 if minus that: the parity of
  /// its number of k-derivatives.
  package let parity: Int
  /// The matrix in sublattice space, up to ``factor``.
  package let form: Form
  /// The factor in front, in units of J to the power 1 if ``isTimesExchange``.
  package var factor: Double
  var isTimesExchange = false
  /// A factor -i, which the trace has besides those of the Pauli matrices: the operator is per gradient d_i of
  /// a field exp(i q x), and stands for -i d/dq.
  package var isPerGradient = false

  /// The matrices that occur.
  package enum Form: Int32 {
    /// rho_0.
    case unit
    /// rho_3.
    case staggered
    /// d_i H.
    case currentI
    /// d_j H.
    case currentJ
    /// d_i d_j H.
    case curvature
    /// sum_s P_s (d_i H - d_i E_s) P_s.
    case anomalous
  }

  /// The matrix in sublattice space at k, between spin `left` and spin `right`.
  package func matrix(_ frame: Frame, _ left: Spin, _ right: Spin) -> Matrix2 {
    let scale = isTimesExchange ? factor * frame.exchange : factor
    switch form {
    case .unit: return scale * Matrix2.one
    case .staggered: return scale * Matrix2.rho3
    case .currentI: return scale * frame.currentI
    case .currentJ: return scale * frame.currentJ
    case .curvature: return scale * frame.curvature
    case .anomalous:
      var sum = Matrix2(0, 0, 0, 0)
      for s in Band.allCases {
        let inner = frame.currentI - frame.velocityI(s) * Matrix2.one
        sum = sum + frame.projector(left, s) * inner * frame.projector(right, s)
      }
      return scale * sum
    }
  }

  /// What tells it from all others, one with a wrong sign too.
  package var key: String { "\(name) \(factor)" }

  /// The powers of energy and length in the operator's unit.
  package var dimensions: (energy: Int, length: Int) {
    let own =
      switch form {
      case .unit, .staggered: (0, 0)
      case .currentI, .currentJ, .anomalous: (1, 1)
      case .curvature: (1, 2)
      }
    return (own.0 + (isTimesExchange ? 1 : 0), own.1)
  }

  /// Operators are told apart by their names, and one with a wrong sign from the right one.
  public static func == (a: VertexOperator, b: VertexOperator) -> Bool {
    a.name == b.name && a.factor == b.factor
  }

  /// The electron's spin, s^alpha = rho_0 sigma^alpha; (S3.1).
  package static let spin = VertexOperator(
    name: "s", equation: "s^alpha = rho_0 sigma^alpha (S3.1)", pauli: .measured,
    carriesElectricField: false, parity: 1, form: .unit, factor: 1)

  /// The staggered spin, Sigma^alpha = rho_3 sigma^alpha; above (S4.3).
  package static let staggeredSpin = VertexOperator(
    name: "Sigma", equation: "Sigma^alpha = rho_3 sigma^alpha (above S4.3)", pauli: .measured,
    carriesElectricField: false, parity: 1, form: .staggered, factor: 1)

  /// The charge current along i with e = 1, d_i H; (S5.2).
  package static let chargeCurrent = VertexOperator(
    name: "j", equation: "j_i = d_i H (S5.2)", pauli: .unit, carriesElectricField: false,
    parity: -1, form: .currentI, factor: 1)

  /// The anomalous spin current along i, the adiabatic part of d_i H sigma^alpha less that of the
  /// ordinary spin current (10): sum_s P_s (d_i H - d_i E_s) P_s sigma^alpha; (11), (S3.11).
  package static let anomalousSpinCurrent = VertexOperator(
    name: "j_sA",
    equation: "j_sA,i^alpha = sum_s P_s (d_i H - d_i E_s) P_s sigma^alpha (11), (S3.11)",
    pauli: .measured, carriesElectricField: false, parity: -1, form: .anomalous, factor: 1)

  /// The spin current along i, d_i H sigma^alpha, of spins +-1; (10) with its anomalous part.
  package static let spinCurrent = VertexOperator(
    name: "j_s", equation: "j_s,i^alpha = d_i H sigma^alpha (10), (11)", pauli: .measured,
    carriesElectricField: false, parity: -1, form: .currentI, factor: 1)

  /// The torque of the exchange on the electrons' spin, i [H_sd, sigma^alpha] with H_sd = -J rho_3 sigma^z.
  package static let exchangeTorque = VertexOperator(
    name: "torque", equation: "i [H_sd, sigma^alpha] = 2 J rho_3 (sigma x z)^alpha (S4.2)",
    pauli: .measuredTurned, carriesElectricField: false, parity: 1, form: .staggered, factor: 2,
    isTimesExchange: true)

  /// The coupling to the electric field along j: d_j H; (S5.1), (S5.2) with e = 1.
  package static let electric = VertexOperator(
    name: "electric", equation: "d_j H (S5.2)", pauli: .unit, carriesElectricField: true,
    parity: -1, form: .currentJ, factor: 1)

  /// The coupling to the spin gauge field A^beta_{r,i}: d_i H sigma^beta / 2; (2), (S3.6).
  package static let gauge = VertexOperator(
    name: "gauge", equation: "(1/2) d_i H sigma^beta (2), (S3.6)", pauli: .field,
    carriesElectricField: false, parity: -1, form: .currentI, factor: 0.5)

  /// The coupling to both fields at once, the anomalous current: d_i d_j H sigma^beta / 2; (S5.3).
  package static let anomalousCurrent = VertexOperator(
    name: "anomalous_current", equation: "(1/2) d_i d_j H sigma^beta (S5.3)", pauli: .field,
    carriesElectricField: true, parity: 1, form: .curvature, factor: 0.5)

  /// The coupling to the canting per (M/N) m^beta: -J sigma^beta; (3).
  package static let canting = VertexOperator(
    name: "canting", equation: "-J sigma^beta, per (M/N) m (3)", pauli: .field,
    carriesElectricField: false, parity: 1, form: .unit, factor: -1, isTimesExchange: true)

  /// What a canting exp(i q x) with q along i adds at first order in q where a propagator of the flipped spin, at
  /// k + q/2, is expanded: -(i/2) d_i H per gradient of the canting. Those at k - q/2 have the opposite sign.
  package static let gradient = VertexOperator(
    name: "gradient", equation: "-(i/2) d_i H, per gradient d_i of the canting", pauli: .unit,
    carriesElectricField: false, parity: -1, form: .currentI, factor: 0.5, isPerGradient: true)

  /// The same where the electric vertex is expanded: -(i/2) d_i d_j H.
  package static let electricGradient = VertexOperator(
    name: "electric_gradient", equation: "-(i/2) d_i d_j H, per gradient d_i of the canting",
    pauli: .unit, carriesElectricField: true, parity: 1, form: .curvature, factor: 0.5,
    isPerGradient: true)

  /// The operators that a vertex of a diagram file may name, besides the measured one.
  public static let all: [VertexOperator] = [
    .electric, .gauge, .anomalousCurrent, .canting, .gradient, .electricGradient,
  ]
}

/// An operator whose response is asked for.
public enum MeasuredOperator: String, Sendable, CaseIterable {
  /// The spin s^alpha.
  case spin = "s"
  /// The staggered spin Sigma^alpha.
  case staggeredSpin = "Sigma"
  /// The anomalous spin current j_sA.
  case anomalousSpinCurrent = "j_sA"
  /// The spin current j_s.
  case spinCurrent = "j_s"
  /// The torque of the exchange on the electrons' spin.
  case exchangeTorque = "torque"
  /// The charge current.
  case chargeCurrent = "j"

  /// The name in diagram files and responses.
  public var name: String { rawValue }

  /// The operator that stands at the first vertex.
  public var vertex: VertexOperator {
    switch self {
    case .spin: .spin
    case .staggeredSpin: .staggeredSpin
    case .anomalousSpinCurrent: .anomalousSpinCurrent
    case .spinCurrent: .spinCurrent
    case .exchangeTorque: .exchangeTorque
    case .chargeCurrent: .chargeCurrent
    }
  }
}
