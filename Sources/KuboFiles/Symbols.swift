// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// What stands in pictures for the names of columns, of lines of the header and of parameters: one table, in
/// the notation of ``Typeset``. A name that is not in it is a user's own and is set as it stands.
enum Symbol {
  /// Axes and numbers of the header.
  private static let states: [String: MathText] = [
    "omega": "\\hbar\\omega", "omega_l": "\\hbar\\omega_l", "omega_THz": "\\nu",
    "omega_l_THz": "\\nu_l", "mu": "\\mu", "energy": "E", "temperature": "k_{\\mathrm{B}}T",
    "temperature_K": "T", "distance": "\\mathrm{path\\ in}\\ k", "lifetime": "\\Gamma",
    "lifetime.scba": "\\gamma", "lifetime.site": "\\gamma", "impurities": "\\gamma",
    "filling": "\\mathrm{electrons\\ per\\ cell}", "relaxation": "\\zeta_s", "spin": "N",
    "current_density_A_per_m2": "j", "lattice_constant_nm": "a",
    "thickness_nm": "\\mathrm{thickness}", "cross_section_nm2": "\\mathrm{cross\\ section}",
  ]
  /// Parameters of the shipped models.
  private static let parameters: [String: MathText] = ["t": "t", "t_prime": "t′", "J": "J"]
  private static let quantities: [String: MathText] = [
    "sigma": "\\sigma", "Pi": "\\Pi", "j.conductivity": "\\sigma", "X": "X", "Y": "Y",
    "X_na": "X^{\\mathrm{na}}", "Y_na": "Y^{\\mathrm{na}}",
    "X_na_all": "X^{\\mathrm{na,all}}", "Y_na_all": "Y^{\\mathrm{na,all}}",
    "s": "s", "j_sA": "j_{s\\mathrm{A}}", "s_full": "s_{\\mathrm{full}}",
    "Sigma_full": "\\Sigma_{\\mathrm{full}}", "Sigma": "\\Sigma", "dos": "D", "states": "N",
    "E": "E", "k_x": "k_x", "k_y": "k_y", "k_z": "k_z", "Delta_over_J": "\\Delta_k/J",
    "sigma_c_over_tau": "\\sigma_c/\\tau", "tau_m": "\\tau_m", "tau_n": "\\tau_n",
    "tau_m_na": "\\tau_m^{\\mathrm{na}}", "tau_n_na": "\\tau_n^{\\mathrm{na}}", "P_m": "P_m",
    "P_n": "P_n", "P_m_na": "P_m^{\\mathrm{na}}", "P_n_na": "P_n^{\\mathrm{na}}",
  ]
  private static let routes = [
    "bare": "bare", "ladder": "ladder", "closed": "closed form",
    "closed_printed": "closed form, printed", "printed": "as printed", "corrected": "corrected",
    "sum": "Matsubara sum", "spectral": "from the spectrum", "constant": "constant Γ",
    "A_up": "A up, B down", "B_up": "B up, A down",
  ]
  /// Units of numbers whose names say them.
  static let units = [
    "omega_THz": "THz", "omega_l_THz": "THz", "temperature_K": "K",
    "current_density_A_per_m2": "A/m^2", "lattice_constant_nm": "nm", "thickness_nm": "nm",
    "cross_section_nm2": "nm^2", "S": "S", "S_m": "S m", "S_per_m": "S/m",
  ]

  /// An axis, or a number of the header; nil where the name has no symbol.
  static func known(_ name: String) -> String? { states[name]?.enhanced }

  /// The same, or the name.
  static func state(_ name: String) -> String {
    name.hasPrefix("parameter.")
      ? parameter(String(name.dropFirst(10))) : known(name) ?? Typeset.literal(shortened(name))
  }

  /// A parameter of a model.
  static func parameter(_ name: String) -> String {
    parameters[name]?.enhanced ?? Typeset.literal(shortened(name))
  }

  /// A quantity as in `scba.X_na`, `s.xy.full` or `Y.static`; with a Delta if it is without its value at
  /// omega = 0.
  static func quantity(_ name: String, isDynamic: Bool = false) -> String {
    var parts = name.split(separator: ".").map(String.init)
    var prefix = isDynamic ? "Δ" : ""
    if parts.count > 1, ["scba", "site"].contains(parts[0]) {
      prefix = "\(parts.removeFirst()): \(prefix)"
    }
    var suffix = ""
    switch parts.count > 1 ? parts.last : nil {
    case "static": suffix = "(0)"
    case "static_im": (prefix, suffix) = ("\(prefix)Im ", "(0)")
    case "product": suffix = MathText("\\ \\sigma_c/\\tau").enhanced
    case let last? where TableCurve.companions.contains(last): suffix = ", \(last)"
    default: break
    }
    if !suffix.isEmpty { parts.removeLast() }
    let base = parts.joined(separator: ".")
    if let symbol = quantities[base] ?? states[base] { return prefix + symbol.enhanced + suffix }
    if parts.count == 3, let symbol = quantities[parts[0]] {
      let (spins, projection) = (Typeset.literal(parts[1]), Typeset.literal(parts[2]))
      return "\(prefix)\(symbol.enhanced)^{\(spins)}_{\(projection)}\(suffix)"
    }
    return prefix + Typeset.literal(shortened(base)) + suffix
  }

  /// A route as in `closed_printed`, `constant.bare` or `bare.bonding`.
  static func route(_ name: String) -> String {
    if let component = ["0": "\\Sigma_0", "3": "\\Sigma_3"][name] {
      return MathText(stringLiteral: component).enhanced
    }
    var parts = name.split(separator: ".").map(String.init)
    // The kind of lifetime says least.
    if parts.count == 2, ["constant", "scba", "site"].contains(parts[0]) { parts.swapAt(0, 1) }
    let known = parts.prefix { routes[$0] != nil }.map { routes[$0]! }
    let rest = parts.dropFirst(known.count).joined(separator: ".")
    return (known + (rest.isEmpty ? [] : [Typeset.literal(shortened(rest))])).joined(
      separator: ", ")
  }

  /// A symbol with its unit.
  static func labelled(_ symbol: String, _ unit: String?) -> String {
    unit.map { "\(symbol)\(MathText.space)(\(Typeset.unit($0)))" } ?? symbol
  }

  /// What a symbol stands for.
  static func equation(_ symbol: String, _ value: String) -> String {
    "\(symbol)\(MathText.space)=\(MathText.space)\(number(value))"
  }

  /// A number: a user's text, if it is none.
  private static func number(_ text: String) -> String {
    guard let value = Double(text) else { return Typeset.literal(shortened(text)) }
    let short = significant(value, digits: 6)
    return short.hasSuffix(".0") ? String(short.dropLast(2)) : short
  }

  /// A lifetime as in `constant=0.1`: its symbol, its number, and the power of its unit of energy.
  static func lifetime(_ text: String) -> (symbol: String, number: String, power: Int)? {
    let kinds = [("constant", "Γ", 1), ("scba", "γ", 2), ("site", "γ", 2)]
    for (kind, symbol, power) in kinds where text.hasPrefix("\(kind)=") {
      return (
        kind == "constant" ? symbol : "\(kind) \(symbol)", String(text.dropFirst(kind.count + 1)),
        power
      )
    }
    return nil
  }
}
