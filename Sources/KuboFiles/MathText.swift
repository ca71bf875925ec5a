// SPDX-License-Identifier: GPL-3.0-or-later

/// A short formula in a part of TeX: letters, digits, `^`, `_`, braces, `\mathrm`, `\frac` and the commands of
/// ``symbols``. TeX sets it as it is, gnuplot after ``enhanced``, a browser after ``markup``.
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

  /// What TeX reads as one.
  private indirect enum Piece {
    case space
    case letter(Character), symbol(String), number(String), sign(Character)
    /// What stands in braces.
    case group([Piece])
    /// Upright; and as it was written, without braces.
    case upright(Piece, tex: String)
    case fraction(Piece, Piece)
    /// Above or below what stands before it, by its mark.
    case script(Character, Piece)
  }

  private var pieces: [Piece] {
    var scan = tex[...]
    return MathText.pieces(&scan)
  }

  /// Everything up to a closing brace.
  private static func pieces(_ scan: inout Substring) -> [Piece] {
    var pieces: [Piece] = []
    while let sign = scan.first, sign != "}" {
      if sign == " " { scan.removeFirst() } else { pieces.append(piece(&scan)) }
    }
    return pieces
  }

  private static func piece(_ scan: inout Substring) -> Piece {
    func word(_ belongs: (Character) -> Bool) -> String {
      let word = scan.prefix(while: belongs)
      scan.removeFirst(word.count)
      return String(word)
    }
    let sign = scan.removeFirst()
    switch sign {
    case "^", "_": return .script(sign, piece(&scan))
    case "{":
      defer { scan = scan.dropFirst() }
      return .group(pieces(&scan))
    case "\\":
      switch word({ $0.isLetter || $0.isNumber }) {
      case "":
        scan.removeFirst()
        return .space
      case "mathrm":
        let tex = String(scan.dropFirst().prefix { $0 != "}" })
        return .upright(piece(&scan), tex: tex)
      case "frac": return .fraction(piece(&scan), piece(&scan))
      case let name: return .symbol(symbols[name]!)
      }
    case _ where sign.isNumber: return .number(String(sign) + word { $0.isNumber || $0 == "." })
    default: return sign.isLetter ? .letter(sign) : .sign(sign)
    }
  }

  // MARK: gnuplot

  /// The formula in gnuplot's enhanced text, letters slanted; it has no fractions.
  ///
  /// Only formulas of this module become one; a user's text is set by `Typeset.literal`.
  var enhanced: String { MathText.enhanced(pieces, isUpright: false) }

  /// How many signs are seen.
  var signs: Int { Typeset.signs(enhanced) }

  private static func enhanced(_ pieces: [Piece], isUpright: Bool) -> String {
    func inner(_ piece: Piece, isUpright: Bool) -> String {
      if case .group(let pieces) = piece { return enhanced(pieces, isUpright: isUpright) }
      return enhanced([piece], isUpright: isUpright)
    }
    return pieces.map { piece in
      switch piece {
      case .space: space
      case .letter(let letter): isUpright ? String(letter) : "{/:Italic \(letter)}"
      case .symbol(let text), .number(let text): text.map(spaced).joined()
      case .sign(let sign): spaced(sign)
      case .group: "{\(inner(piece, isUpright: isUpright))}"
      case .upright(let piece, _): "{\(inner(piece, isUpright: true))}"
      // The thin space keeps what follows off it, and a second script in the size of the first.
      case .script(let mark, let piece):
        "\(mark){\(inner(piece, isUpright: isUpright))}\(thinSpace)"
      case .fraction: preconditionFailure("a fraction in a picture")
      }
    }.joined()
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

  // MARK: MathML

  /// The formula in MathML.
  var markup: HTML { "<math>\(MathText.row(pieces))</math>" }

  private static func row(_ pieces: [Piece]) -> HTML {
    var rest = pieces[...]
    var row: [HTML] = []
    while let piece = rest.popFirst() {
      let base = atom(piece)
      var scripts: [Character: HTML] = [:]
      while case .script(let mark, let piece)? = rest.first {
        scripts[mark] = atom(piece)
        rest.removeFirst()
      }
      let set: HTML =
        switch (scripts["_"], scripts["^"]) {
        case (nil, nil): base
        case (let lower?, nil): "<msub>\(base)\(lower)</msub>"
        case (nil, let upper?): "<msup>\(base)\(upper)</msup>"
        case (let lower?, let upper?): "<msubsup>\(base)\(lower)\(upper)</msubsup>"
        }
      row.append(set)
    }
    return "<mrow>\(row)</mrow>"
  }

  private static func atom(_ piece: Piece) -> HTML {
    switch piece {
    case .space: "<mspace width=\"0.3em\"></mspace>"
    case .letter(let letter): "<mi>\(String(letter))</mi>"
    case .symbol(let text): "<mi>\(text)</mi>"
    case .number(let text): "<mn>\(text)</mn>"
    case .group(let pieces): row(pieces)
    case .upright(_, let tex): "<mi mathvariant=\"normal\">\(tex)</mi>"
    case .fraction(let above, let below): "<mfrac>\(atom(above))\(atom(below))</mfrac>"
    // Of nothing before it.
    case .script(_, let piece): atom(piece)
    case .sign("-"): "<mo>−</mo>"
    // What stands for itself keeps its size, and no room beside it.
    case .sign(let sign) where "|/()[]".contains(sign):
      "<mo stretchy=\"false\" lspace=\"0\" rspace=\"0\">\(String(sign))</mo>"
    case .sign(let sign): "<mo>\(String(sign))</mo>"
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
