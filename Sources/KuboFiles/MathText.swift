// SPDX-License-Identifier: GPL-3.0-or-later

/// A short formula in a part of TeX: letters, digits, `^`, `_`, braces, `\mathrm` and the commands of
/// ``symbols``. TeX sets it as it is, gnuplot after ``enhanced``.
struct MathText: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  /// The formula for TeX, without the signs around it.
  let tex: String

  init(stringLiteral tex: String) { self.tex = tex }

  /// The letters of Greek that Latin has not, by their names.
  static let greek: Set<String> = Set(letters.keys)

  private static let letters = [
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ",
    "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
  ]
  /// What each command draws.
  private static let symbols = letters.merging([
    "hbar": "ħ", "partial": "∂", "neq": "≠", "tfrac12": "½", "sum": "Σ", "to": "→",
  ]) { $1 }

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

extension MathText {
  /// The formula in MathML; `\\frac{a}{b}` is a fraction.
  var markup: HTML {
    var scan = tex[...]
    return "<math>\(MathText.row(&scan))</math>"
  }

  /// Everything up to a closing brace.
  private static func row(_ scan: inout Substring) -> HTML {
    var pieces: [HTML] = []
    while let sign = scan.first, sign != "}" {
      if sign == " " {
        scan.removeFirst()
        continue
      }
      let base = atom(&scan)
      var (lower, upper): (HTML?, HTML?) = (nil, nil)
      while let mark = scan.first, mark == "^" || mark == "_" {
        scan.removeFirst()
        let script = atom(&scan)
        if mark == "^" { upper = script } else { lower = script }
      }
      let piece: HTML =
        switch (lower, upper) {
        case (nil, nil): base
        case (let lower?, nil): "<msub>\(base)\(lower)</msub>"
        case (nil, let upper?): "<msup>\(base)\(upper)</msup>"
        case (let lower?, let upper?): "<msubsup>\(base)\(lower)\(upper)</msubsup>"
        }
      pieces.append(piece)
    }
    return "<mrow>\(pieces)</mrow>"
  }

  /// A sign, a command with what belongs to it, or what stands in braces.
  private static func atom(_ scan: inout Substring) -> HTML {
    let sign = scan.removeFirst()
    func word(_ belongs: (Character) -> Bool) -> String {
      let word = scan.prefix(while: belongs)
      scan.removeFirst(word.count)
      return String(word)
    }
    switch sign {
    case "{":
      let inner = row(&scan)
      scan = scan.dropFirst()
      return inner
    case "\\":
      switch word({ $0.isLetter || $0.isNumber }) {
      case "":
        scan.removeFirst()
        return "<mspace width=\"0.3em\"></mspace>"
      case "mathrm":
        scan.removeFirst()
        let text = word { $0 != "}" }
        scan.removeFirst()
        return "<mi mathvariant=\"normal\">\(text)</mi>"
      case "frac":
        let (above, below) = (atom(&scan), atom(&scan))
        return "<mfrac>\(above)\(below)</mfrac>"
      case let name: return "<mi>\(symbols[name]!)</mi>"
      }
    case _ where sign.isLetter: return "<mi>\(String(sign))</mi>"
    case _ where sign.isNumber:
      return "<mn>\(String(sign) + word { $0.isNumber || $0 == "." })</mn>"
    // What stands for itself keeps its size, and no room beside it.
    case _ where "|/()[]".contains(sign):
      return "<mo stretchy=\"false\" lspace=\"0\" rspace=\"0\">\(String(sign))</mo>"
    default: return "<mo>\(sign == "-" ? "−" : String(sign))</mo>"
    }
  }
}

/// Text for TeX in which every sign stands for itself.
func texEscaped(_ text: String) -> String {
  visible(text).replacingScalars {
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
