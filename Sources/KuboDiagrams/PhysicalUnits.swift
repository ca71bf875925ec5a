// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// The constants of the International System of Units that this program needs; exact by definition
/// (CODATA 2018, SI Brochure, 9th edition).
public enum SI {
  /// |e| in C.
  public static let elementaryCharge = 1.602176634e-19
  /// h in J s.
  public static let planckConstant = 6.62607015e-34
  /// k_B in J/K.
  public static let boltzmannConstant = 1.380649e-23
  /// hbar = h/2 pi in J s (docs/conventions.md).
  public static var reducedPlanckConstant: Double { planckConstant / (2 * .pi) }
  /// c in m/s.
  public static let lightSpeed = 299_792_458.0
  /// 1 nm in m.
  public static let nanometre = 1e-9
  /// 1 nm^3 in m^3.
  public static let cubicNanometre = 1e-27
}

/// A unit of the laboratory in which an energy may be given, by the name that stands behind the number.
///
///     k_B T = 1 K x k_B      hbar omega = h nu = 1 THz x h      hbar omega = h c/lambda = 1 cm^-1 x h c
///
/// Source: the exact constants of ``SI``.
public enum EnergyUnit: String, Sendable, CaseIterable {
  case electronvolt = "eV"
  case millielectronvolt = "meV"
  case kelvin = "K"
  case terahertz = "THz"
  case gigahertz = "GHz"
  case wavenumber = "cm^-1"

  /// The unit in units of eV, 1 K = k_B/e, 1 THz = 1e12 h/e, 1 cm^-1 = 100 h c/e (docs/conventions.md section 1); to rounding.
  public var electronvolts: Double {
    switch self {
    case .electronvolt: 1
    case .millielectronvolt: 1e-3
    case .kelvin: SI.boltzmannConstant / SI.elementaryCharge
    case .terahertz: 1e12 * SI.planckConstant / SI.elementaryCharge
    case .gigahertz: 1e9 * SI.planckConstant / SI.elementaryCharge
    case .wavenumber: 100 * SI.planckConstant * SI.lightSpeed / SI.elementaryCharge
    }
  }
}

/// What the model's units of energy and length are, for a laboratory's numbers beside the model's own,
/// where hbar = k_B = |e| = 1.
///
///     nu = hbar omega/h      T = k_B T/k_B      sigma = (e^2/hbar) sigma' length^(2-d)
///
/// with sigma' the number in the model's units (docs/conventions.md): in S/m for d = 3, in S for a layer (its conductance per
/// square, d = 2), in S m for a chain. The K of spins stay in the model's units: they are per gauge field.
public struct PhysicalUnits: Sendable, Equatable {
  /// The unit of energy in eV.
  public let energy: Double
  /// The unit of length in nm; needed for conductivities unless d = 2.
  public let length: Double?

  /// Units of `energy` eV and `length` nm.
  public init(energy: Double, length: Double? = nil) {
    self.energy = energy
    self.length = length
  }

  /// The frequency nu = hbar omega/h in THz of an energy; omega = 2 pi nu.
  public func frequency(_ energy: Double) -> Double {
    energy * self.energy * (SI.elementaryCharge / SI.planckConstant * 1e-12)
  }

  /// The temperature in K of an energy: T = (k_B T)/k_B.
  public func temperature(_ energy: Double) -> Double {
    energy * self.energy * (SI.elementaryCharge / SI.boltzmannConstant)
  }

  /// The conductivity for sigma' = 1, that is e^2/hbar length^(2-d), in S m, S or S/m; nil without the
  /// length where it is needed.
  public func conductivity(dimension: Int) -> Double? {
    let quantum = SI.elementaryCharge * SI.elementaryCharge / SI.reducedPlanckConstant
    if dimension == 2 { return quantum }
    return length.map { quantum * Double.pow($0 * SI.nanometre, 2 - dimension) }
  }
}
