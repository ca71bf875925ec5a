// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

extension Picture {
  /// The picture of a table: a panel for each quantity, real and imaginary part in two colours, each
  /// route (dressing, formula) with a dash of its own, error bounds as bands, nothing where cells are
  /// empty, a mark at omega = 2 J, and a triangle where a closed form leaves its panel. Names, units,
  /// model and state come from the table's header.
  ///
  /// - Parameters:
  ///   - columns: names of columns, or of quantities with all their columns; nil for what a reader of
  ///     such a table looks at first.
  ///   - path: names the table in messages.
  /// - Throws: ``FileError`` for a table without anything to draw, and for an unknown column.
  public init(table: CSVFile, columns: [String]? = nil, path: String = "table") throws(FileError) {
    if table.columns.starts(with: ["contour", "s"]) {
      throw FileError(
        .setting, file: path, found: "a table of Fermi contours",
        expected: "a table of values against an axis; 'kubo bands' draws contours with --picture")
    }
    let curves = try table.curves(columns, path: path)
    var quantities: [String] = []
    for curve in curves where !quantities.contains(curve.quantity) {
      quantities.append(curve.quantity)
    }
    guard !curves.isEmpty, quantities.count <= Picture.panelLimit else {
      throw FileError(
        .setting, file: path, found: "\(quantities.count) quantities to draw",
        expected: "1 to \(Picture.panelLimit), to be chosen by --columns")
    }
    var variants: [String] = []
    for curve in curves where !variants.contains(curve.variant) { variants.append(curve.variant) }
    let hasParts = curves.contains { $0.part != nil }

    /// Parts have colours and variants dashes; without parts variants have both.
    func style(_ curve: TableCurve) -> Figure.Style {
      let n = variants.firstIndex(of: curve.variant)!
      let ink: Ink =
        !hasParts
        ? .number(n) : curve.part == nil ? .green : curve.part == .real ? .blue : .vermilion
      return Figure.Style(curve.variant, ink, dash: dash(n, of: variants.count))
    }
    func dash(_ n: Int, of count: Int) -> Int { n % 5 + 1 }

    let pole = table.pole
    let panels = quantities.map { quantity in
      var panel = Figure.Panel(label: table.label(quantity), curves: [])
      var inside: [Figure.Curve] = []
      for curve in curves where curve.quantity == quantity {
        var drawn = Figure.Curve(style: style(curve), runs: table.runs(curve))
        let hasPole = quantity.contains("_na") && curve.variant.hasPrefix("closed")
        if hasPole, let pole { drawn.runs = drawn.runs.flatMap { $0.split(at: pole) } }
        if !hasPole, curve.variant != "closed_printed" { inside.append(drawn) }
        panel.curves.append(drawn)
      }
      // What the paper prints belongs in the picture unless it is far off.
      if !inside.isEmpty {
        let (low, high) = Figure.Panel(label: "", curves: inside).dataRange
        let reach = 3 * max(high - low, high, -low)
        inside += panel.curves.filter { drawn in
          guard drawn.style.name == "closed_printed", !quantity.contains("_na"), !drawn.runs.isEmpty
          else { return false }
          let own = Figure.Panel(label: "", curves: [drawn]).dataRange
          return own.low > low - reach && own.high < high + reach
        }
      }
      // Neither the pole of a closed form nor one far beyond its range must set the scale.
      if !inside.isEmpty, inside.count < panel.curves.count {
        let (low, high) = Figure.Panel(label: "", curves: inside).dataRange
        panel.range = (low - 0.5 * (high - low), high + 0.5 * (high - low))
      }
      if panel.curves.allSatisfy({ $0.runs.isEmpty }) { panel.note = "no values" }
      if panel.isZero { panel.note = "0 within the error bounds" }
      return panel
    }
    var key: [Figure.Style] = []
    if hasParts {
      for (part, name, ink) in [
        (TableCurve.Part.real, "Re", Ink.blue), (.imaginary, "Im", .vermilion),
      ]
      where curves.contains(where: { $0.part == part }) {
        key.append(.init(name, ink, dash: 1))
      }
    }
    if variants.count > 1 {
      for (n, variant) in variants.enumerated() where !variant.isEmpty {
        key.append(
          .init(
            variant, hasParts ? .black : .number(n), dash: dash(n, of: variants.count)))
      }
    }
    self.init(
      Figure(
        title: table.title(
          width: quantities.count > 5 ? 100 : 48,
          and: quantities.contains(where: table.isDynamic) ? ["ΔK = K(ω) - K(0)"] : []),
        axis: table.axisLabel,
        panels: panels,
        marks: pole.map { [Figure.Mark(x: $0, label: "2J")] } ?? [], key: key))
  }

  /// The most panels of a picture: two columns of eight fill a page.
  static let panelLimit = 16
}

extension Figure.Panel {
  /// Whether no value differs from zero by more than its error.
  fileprivate var isZero: Bool {
    let points = curves.flatMap { $0.runs.joined() }
    return !points.isEmpty && points.allSatisfy { abs($0.y) <= ($0.error ?? 0) }
  }
}

extension CSVFile {
  /// The name of a quantity with its unit, if the header gives one; with a Delta if its value at omega =
  /// 0 is taken off.
  package func label(_ quantity: String) -> String {
    let symbols = ["sigma_c_over_tau": "σ_c/τ"]
    var parts = quantity.split(separator: ".").map {
      symbols[String($0)] ?? Typeset.literal(String($0))
    }
    if isDynamic(quantity), let last = parts.popLast() { parts.append("Δ\(last)") }
    let name = parts.joined(separator: ".")
    // That of K(0), but Pi(0) has not the unit of a conductivity.
    let whole =
      quantity.firstRange(of: ".static").map { String(quantity[..<$0.lowerBound]) } ?? quantity
    guard
      let unit = self[header: "unit.\(whole == quantity || isDynamic(whole) ? whole : quantity)"],
      unit != "1"
    else { return name }
    return "\(name) (\(Typeset.unit(unit)))"
  }

  /// Whether K(omega) - K(0) is drawn: K(0) stands in columns of its own, but beside a conductivity it
  /// is Pi(0).
  fileprivate func isDynamic(_ quantity: String) -> Bool {
    columns.contains { $0.hasPrefix("\(quantity).") && $0.hasSuffix(".static") }
      && !header.contains {
        $0.key.hasPrefix("column.\(quantity).") && $0.value.hasPrefix("charge conductivity")
      }
  }

  /// The label of the axis.
  var axisLabel: String { symbol(columns[axisIndex]) }

  /// The symbol of an axis or of a number of the header, with its unit.
  func symbol(_ name: String) -> String {
    let symbols = [
      "omega": "ħω", "omega_l": "ħω_l", "mu": "μ", "energy": "energy", "temperature": "k_{B}T",
    ]
    let isEnergy = symbols[name] != nil || name.hasPrefix("parameter.")
    let unit = self[header: "unit.\(name)"] ?? (isEnergy ? self[header: "units.energy"] : nil)
    let plain = name.hasPrefix("parameter.") ? String(name.dropFirst(10)) : name
    let symbol = symbols[name] ?? Typeset.literal(plain)
    return unit.map { "\(symbol) (\(Typeset.unit($0)))" } ?? symbol
  }

  /// 2J, if the axis is a frequency.
  var pole: Double? {
    guard columns[axisIndex] == "omega" else { return nil }
    return self[header: "parameter.J"].flatMap { CoreSchema.decimal($0) }.map { 2 * $0 }
  }

  /// The model and its state, and `last`, in lines of at most `width` signs.
  func title(width: Int, without: Set<String> = [], and last: [String] = []) -> [String] {
    let symbols = ["mu": "μ", "temperature": "T"]
    var words: [String] = []
    for (key, value) in header where !without.contains(key) {
      if key.hasPrefix("parameter.") {
        words.append("\(shortened(String(key.dropFirst(10)))) = \(shortened(value))")
      } else if let symbol = symbols[key] {
        words.append(
          "\(symbol) = \(CoreSchema.decimal(value).map { significant($0, digits: 6) } ?? shortened(value))"
        )
      } else if key == "lifetime" || key.hasPrefix("lifetime.") {
        words.append(lifetimeText(shortened(value)))
      } else if key == "direction" {
        words.append(String(value.prefix { $0 != " " }.prefix(8)))
      }
    }
    return titleLines(
      self[header: "model"].map { shortened($0) } ?? "", words + last, width: width)
  }
}

/// A lifetime for a title.
func lifetimeText(_ text: String) -> String {
  let kinds = ["constant=": "Γ = ", "scba=": "scba γ = ", "site=": "site γ = "]
  for (kind, symbol) in kinds where text.hasPrefix(kind) {
    return symbol + text.dropFirst(kind.count)
  }
  return text
}

/// A name and what belongs to it, in at most four lines of about `width` signs.
func titleLines(_ name: String, _ words: [String], width: Int) -> [String] {
  var lines = [name.isEmpty ? "" : "\(name):"]
  for (n, word) in words.enumerated() {
    let text = n + 1 < words.count ? "\(word)," : word
    if lines.last!.count + text.count + 1 > width, lines.count < 4 {
      lines.append(text)
    } else if lines.last!.count + text.count < 2 * width {
      lines[lines.count - 1] += lines.last!.isEmpty ? text : " \(text)"
    }
  }
  return lines.filter { !$0.isEmpty }
}
