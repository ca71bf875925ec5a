// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import KuboOrbitals

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
    "t": "t", "x": "x", "time_ps": "t",
  ]
  private static let quantities: [String: MathText] = [
    "sigma": "\\sigma", "Pi": "\\Pi", "j.conductivity": "\\sigma", "X": "X", "Y": "Y",
    "X_na": "X^{\\mathrm{na}}", "Y_na": "Y^{\\mathrm{na}}",
    "X_na_all": "X^{\\mathrm{na,all}}", "Y_na_all": "Y^{\\mathrm{na,all}}",
    "s": "s", "j_sA": "j_{s\\mathrm{A}}", "s_full": "s_{\\mathrm{full}}",
    "Sigma_full": "\\Sigma_{\\mathrm{full}}", "Sigma": "\\Sigma", "dos": "D", "states": "N",
    "E": "E", "k_x": "k_x", "k_y": "k_y", "k_z": "k_z", "Delta_over_J": "\\Delta_k/J",
    "sigma_c_over_tau": "\\sigma_c/\\tau", "tau_m": "\\tau_m", "tau_n": "\\tau_n",
    "X_full": "X_{\\mathrm{full}}", "s_canting_full": "s_{\\mathrm{canting}}",
    "tau_m_full": "\\tau_m^{\\mathrm{full}}", "tau_nm": "\\tau_{nm}",
    "tau_m_na": "\\tau_m^{\\mathrm{na}}", "tau_n_na": "\\tau_n^{\\mathrm{na}}", "P_m": "P_m",
    "T": "T", "moment": "h", "P": "P", "rate": "1/\\tau_s", "beta": "\\beta", "zeta_s": "\\zeta_s",
    "alpha": "\\alpha", "tau": "\\tau", "tau_na": "\\tau^{\\mathrm{na}}", "tau_P": "\\tau_P",
    "n_x": "n_x", "n_y": "n_y", "n_z": "n_z", "mu_x": "\\mu_x", "mu_y": "\\mu_y",
    "mu_z": "\\mu_z", "Phi": "\\Phi", "V": "V", "I": "I", "width": "\\mathrm{width}",
    "P_n": "P_n", "P_m_na": "P_m^{\\mathrm{na}}", "P_n_na": "P_n^{\\mathrm{na}}",
  ]
  private static let routes: [Column.Route: String] = [
    .closed: "closed form", .closedPrinted: "closed form, printed", .printed: "as printed",
    .sum: "Matsubara sum", .spectral: "from the spectrum",
  ]
  private static let levels: [Column.Level: String] = [
    .scalar: MathText("\\Sigma_0").enhanced, .staggered: MathText("\\Sigma_3").enhanced,
    .aUp: "A up, B down", .bUp: "B up, A down",
  ]
  /// Units of numbers whose names say them.
  static let units = [
    "omega_THz": "THz", "omega_l_THz": "THz", "temperature_K": "K",
    "current_density_A_per_m2": "A/m^2", "lattice_constant_nm": "nm", "thickness_nm": "nm",
    "cross_section_nm2": "nm^2", "time_ps": "ps",
  ]

  /// An axis, or a number of the header, by its name.
  static func state(_ name: String) -> String {
    let key = HeaderKey(name)
    let isParameter = key.family == .parameter
    return (isParameter ? parameter(key.name) : states[name])?.enhanced
      ?? Typeset.literal(shortened(isParameter ? key.name : name))
  }

  /// A parameter that is called as a letter is, with a prime and an index or without, as in `t_prime`, `Gamma`, `J_A` or `t2`.
  private static func parameter(_ name: String) -> MathText? {
    let form = /([A-Za-z]|[A-Za-z][a-z]+?)(_prime)?(?:([0-9]{1,3})|_([A-Za-z0-9]{1,6}))?/
    guard let parts = name.wholeMatch(of: form) else { return nil }
    let letter = parts.1 == "eps" ? "varepsilon" : String(parts.1)
    guard letter.count == 1 || MathText.greek.contains(letter) else { return nil }
    let index = (parts.3 ?? parts.4).map { "_{\\mathrm{\($0)}}" } ?? ""
    let command = letter.count == 1 ? letter : "\\\(letter)"
    return MathText(stringLiteral: command + (parts.2 == nil ? "" : "′") + index)
  }

  /// A named response as a formula; nil if it has none.
  static func formula(_ response: String) -> MathText? { quantities[response] }

  /// A quantity, without route; with a Delta if it is without its value at omega = 0.
  static func quantity(_ column: Column, isDynamic: Bool = false) -> String {
    let content = column.content
    let name = column.isPolarisation ? "Pi" : content.quantity
    var symbol = Typeset.literal(shortened(name))
    let words = name.split(separator: ".").map(String.init)
    if let known = quantities[name] ?? states[name] {
      symbol = known.enhanced
    } else if Response(name) != nil, words.count == 3, let known = quantities[words[0]] {
      symbol =
        "\(known.enhanced)^{\(Typeset.literal(words[1]))}_{\(Typeset.literal(words[2]))}"
    } else if CollinearResponse.isName(name) {
      symbol = general(name)
    }
    if isDynamic { symbol = "Δ\(symbol)" }
    switch content.part {
    case nil: break
    case let part? where name.isEmpty: symbol = part.rawValue
    case .fixed: symbol += "(0)"
    case .fixedImaginary: symbol = "Im \(symbol)(0)"
    case .product: symbol += MathText("\\ \\sigma_c/\\tau").enhanced
    case let part?: symbol += ", \(part.rawValue)"
    }
    return content.lifetime.map { "\($0.rawValue): \(symbol)" } ?? symbol
  }

  /// A response of models with orbitals, as `sigma.up` or `T[A+B].xy.full`: those of which it is stand below.
  private static func general(_ name: String) -> String {
    let (head, rest) = (
      name.prefix { $0 != "." && $0 != "[" },
      name.drop { $0 != "[" }.prefix { $0 != "]" }.dropFirst()
    )
    let words = name[(name.lastIndex(of: "]") ?? name.startIndex)...].split(separator: ".")
      .dropFirst()
    let known = quantities[String(head)]?.enhanced ?? Typeset.literal(String(head))
    if words.count == 1 {
      let spin = ["up": "↑", "down": "↓"][words.last!] ?? Typeset.literal(String(words.last!))
      return "\(known)_{\(spin)}"
    }
    let below = rest.isEmpty ? String(words.last!) : String(rest)
    return
      "\(known)^{\(Typeset.literal(String(words.first!)))}_{\(Typeset.literal(shortened(below)))}"
  }

  /// The route of a column, as in `bare, constant Γ`; none is the field where there is a closed form beside it.
  static func route(_ variant: Column, isMixed: Bool = false) -> String {
    if isMixed, variant == Column() { return "field" }
    // The kind of lifetime says least.
    let lifetime = variant.lifetime.map { $0 == .constant ? "constant Γ" : $0.rawValue }
    return [
      variant.route.map { routes[$0] ?? $0.rawValue },
      variant.share.map { Typeset.literal(shortened($0)) },
      variant.level.map { levels[$0] ?? $0.rawValue }, lifetime,
    ].compactMap(\.self).joined(separator: ", ")
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
    return (short.hasSuffix(".0") ? String(short.dropLast(2)) : short)
      .replacing("-", with: "−")
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
