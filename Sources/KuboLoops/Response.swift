// SPDX-License-Identifier: GPL-3.0-or-later

/// A transverse component of a spin or of the spin gauge field.
public enum SpinComponent: String, Sendable, CaseIterable {
  /// x of the rotated frame.
  case x
  /// y of the rotated frame.
  case y
}

/// A response that can be asked for by name.
///
///     operator.spin.projection     as in s.xx.full or Sigma.xy.O_nonadiabatic
///
/// and the aliases of ``aliases``. `spin` holds the component of the measured operator and that of
/// the field. K(omega) is the response per A_r A^em with e = 1 (docs/conventions.md section 1): K_s stands
/// for the paper's Y, K_Sigma for X^na, and X is Phi_ij per (M/N) m. The projections `canting_uniform` and
/// `canting_gradient` are per A^em and (M/N) m or its gradient d_i (M/N) m.
public struct Response: Sendable, Hashable {
  /// The name that was asked for, and that the columns carry.
  public let name: String
  /// The measured operator.
  public let measured: MeasuredOperator
  /// Components of the measured operator and of the field; x, x where the operator has none.
  public let spin: (measured: SpinComponent, field: SpinComponent)
  /// Which diagrams are summed: those that contribute to this projection.
  public let projection: String

  /// Responses are told apart by their names.
  public static func == (a: Response, b: Response) -> Bool { a.name == b.name }
  /// By name.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }

  /// The short names, what each stands for, and what it is; in the default order.
  public static let aliases: [(alias: String, name: String, meaning: String)] = [
    ("sigma", "j.conductivity", "charge conductivity (i/omega)[Pi(omega) - Pi(0)], all four bands"),
    ("X", "j_sA.xx.canting", "anomalous spin current per canting, Phi_ij per (M/N) m (S6.19)"),
    ("Y", "s.xx.adiabatic", "spin, adiabatic terms (S6.34-36)"),
    ("X_na", "Sigma.xy.O_nonadiabatic_main", "staggered spin, diagrams (a)+(d) of Fig. S1"),
    ("Y_na", "s.xx.O_nonadiabatic_main", "spin, diagrams (a)+(d)"),
    ("X_na_all", "Sigma.xy.O_nonadiabatic", "staggered spin, all nonadiabatic diagrams (a)-(f)"),
    ("Y_na_all", "s.xx.O_nonadiabatic", "spin, all nonadiabatic diagrams (a)-(f)"),
    ("s_full", "s.xx.full", "spin, unprojected and gauge invariant"),
    ("Sigma_full", "Sigma.xy.full", "staggered spin, unprojected and gauge invariant"),
    (
      "X_full", "torque.xx.canting_gradient",
      "torque on the spin per gradient of the canting, Phi with all bands, gauge invariant"
    ),
    ("s_canting_full", "s.xx.canting_gradient", "spin per gradient of the canting, all bands"),
  ]

  /// The aliases that are computed if nothing is asked for: those of the paper and their unprojected forms.
  public static let standard: [Response] = aliases.map { Response($0.alias)! }.filter {
    !$0.projection.hasPrefix("canting_")
  }

  /// Reads a name; nil if it does not have the form of one.
  ///
  /// Whether the diagrams of the projection exist is for ``DiagramSet`` to say.
  public init?(_ name: String) {
    self.name = name
    let full = Response.aliases.first { $0.alias == name }?.name ?? name
    let parts = full.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard let first = parts.first, let measured = MeasuredOperator(rawValue: first) else {
      return nil
    }
    self.measured = measured
    if measured == .chargeCurrent {
      guard parts.count == 2, !parts[1].isEmpty else { return nil }
      spin = (.x, .x)
      projection = parts[1]
      return
    }
    guard parts.count == 3, parts[1].count == 2, !parts[2].isEmpty,
      let a = SpinComponent(rawValue: String(parts[1].first!)),
      let b = SpinComponent(rawValue: String(parts[1].last!))
    else { return nil }
    spin = (a, b)
    projection = parts[2]
  }

  /// Whether the number reported is (i/omega)[K(omega) - K(0)], a conductivity.
  public var isConductivity: Bool { measured == .chargeCurrent }

  /// The closed form of this response, if the paper gives one.
  public var closedForm: ClosedForm? {
    switch (measured, spin.measured, spin.field, projection) {
    case (.anomalousSpinCurrent, .x, .x, "canting"): .cantingX
    case (.spin, .x, .x, "adiabatic"): .adiabaticY
    case (.staggeredSpin, .x, .y, "O_nonadiabatic_main"): .nonadiabaticX
    case (.spin, .x, .x, "O_nonadiabatic_main"): .nonadiabaticY
    default: nil
    }
  }

  /// The one table of which dressing exists for which response and lifetime: what the diagram
  /// files declare, and the closed forms.
  public func dressings(_ lifetime: Lifetime, _ set: DiagramSet) -> [Dressing] {
    let diagrams = set.diagrams(of: self)
    func ladder(_ impurities: Impurities) -> [Dressing] {
      diagrams.allSatisfy { $0.ladder.contains(impurities) } ? [.ladder] : []
    }
    switch lifetime {
    case .constant: return closedForm == nil ? [.bare] : [.bare, .closed, .closedPrinted]
    case .scba: return [.bare] + ladder(.scba) + (closedForm == nil ? [] : [.closed])
    case .site:
      // The self-energy mixes the bands: only loops without band labels are defined.
      return diagrams.allSatisfy(\.isUnprojected) ? [.bare] + ladder(.site) : []
    }
  }
}
