// SPDX-License-Identifier: GPL-3.0-or-later

/// How an electron loses its phase: the self-energy of the propagators.
public enum Lifetime: Sendable, Equatable {
  /// g^R = 1/(eps - xi + i Gamma), tau = 1/(2 Gamma); Gamma in energy units.
  case constant(Double)

  /// Whether the energy integral can be done at each k before the zone average.
  ///
  /// A constant lifetime allows it, in closed form. A self-energy that depends on energy, and a
  /// ladder, which is a function of zone averages at given complex energies, do not.
  public var order: EvaluationOrder {
    switch self {
    case .constant: .energyThenZone
    }
  }

  /// As in `constant=0.05`.
  public var description: String {
    switch self {
    case .constant(let gamma): "constant=\(gamma)"
    }
  }
}

/// In which order the integrals of a diagram are done.
public enum EvaluationOrder: Sendable {
  /// Traces at k -> energy integral in closed form -> zone integral -> dressing by a factor of
  /// omega alone.
  case energyThenZone
}
