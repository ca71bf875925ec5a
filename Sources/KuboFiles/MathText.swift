// SPDX-License-Identifier: GPL-3.0-or-later

/// A short formula in a part of TeX: letters, digits, `^`, `_`, braces, `\mathrm` and the commands of
/// ``symbols``. TeX sets it as it is, gnuplot after ``enhanced``.
struct MathText: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  /// The formula for TeX, without the signs around it.
  let tex: String

  init(stringLiteral tex: String) { self.tex = tex }

  /// What each command draws.
  private static let symbols = [
    "alpha": "α", "beta": "β", "gamma": "γ", "Gamma": "Γ", "Delta": "Δ", "varepsilon": "ε",
    "zeta": "ζ", "hbar": "ħ", "lambda": "λ", "mu": "μ", "nu": "ν", "omega": "ω", "Pi": "Π",
    "rho": "ρ", "Phi": "Φ",
    "sigma": "σ", "Sigma": "Σ", "tau": "τ", "partial": "∂", "neq": "≠", "tfrac12": "½", "sum": "Σ",
  ]

  /// The formula in gnuplot's enhanced text, letters slanted.
  ///
  /// Only formulas of this module become one; a user's text is set with `noenhanced`.
  var enhanced: String {
    var scan = tex[...]
    return MathText.enhanced(&scan, isUpright: false)
  }

  /// How many signs are seen.
  var signs: Int { Typeset.signs(enhanced) }

  /// Everything up to a closing brace.
  private static func enhanced(_ scan: inout Substring, isUpright: Bool) -> String {
    var result = ""
    while let c = scan.first, c != "}" {
      switch c {
      case "\\":
        scan.removeFirst()
        let name = scan.prefix { $0.isLetter || $0.isNumber }
        scan.removeFirst(name.count)
        if name == "mathrm" {
          result += "{" + group(&scan, isUpright: true) + "}"
        } else if name.isEmpty {
          // A space, as in `\ `.
          result += space
          scan = scan.dropFirst()
        } else {
          result += symbols[String(name)]!.map(spaced).joined()
        }
      case "^", "_":
        scan.removeFirst()
        // The thin space keeps what follows off it, and a second script in the size of the first.
        result += "\(c){" + group(&scan, isUpright: isUpright) + "}\(thinSpace)"
      case "{": result += "{" + group(&scan, isUpright: isUpright) + "}"
      case " ": scan.removeFirst()
      default:
        let letters = scan.prefix { $0.isLetter }
        if letters.isEmpty || isUpright {
          result += spaced(scan.removeFirst())
        } else {
          scan.removeFirst(letters.count)
          result += "{/:Italic \(letters)}"
        }
      }
    }
    return result
  }

  /// Spaces. Some programs that draw SVG drop those at the ends of its pieces, if nothing without a
  /// width keeps them inside.
  static let (space, thinSpace) = (
    "\u{2060}\u{a0}\u{2060}", "\u{2060}\u{200a}\u{2060}"
  )

  /// A sign with the room about it.
  private static func spaced(_ sign: Character) -> String {
    switch sign {
    case "=", "≠", "+": "\(space)\(sign)\(space)"
    case ",": ",\(space)"
    case "-": "−"
    case "′": thinSpace + "′"
    default: String(sign)
    }
  }

  /// What stands in braces, or one sign.
  private static func group(_ scan: inout Substring, isUpright: Bool) -> String {
    guard scan.first == "{" else {
      var one = scan.prefix(1)
      if one == "\\" { one = scan.prefix(1) + scan.dropFirst().prefix { $0.isLetter } }
      scan.removeFirst(one.count)
      return enhanced(&one, isUpright: isUpright)
    }
    scan.removeFirst()
    defer { scan = scan.dropFirst() }
    return enhanced(&scan, isUpright: isUpright)
  }
}

/// Text for TeX in which every sign stands for itself.
func texEscaped(_ text: String) -> String {
  oneLine(text).replacingScalars {
    switch $0 {
    case "\\": "\\textbackslash{}"
    case "^": "\\textasciicircum{}"
    case "~": "\\textasciitilde{}"
    case "<": "\\textless{}"
    case ">": "\\textgreater{}"
    case "|": "\\textbar{}"
    case "`": "\\textasciigrave{}"
    case "'": "\\textquotesingle{}"
    case "$", "&", "#", "%", "_", "{", "}": "\\\($0)"
    default: nil
    }
  }
}
