// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

extension Picture {
  /// The picture of a table: a panel for each quantity and unit, real and imaginary part in two colours, the
  /// latter with open marks, each route (dressing, formula) with a dash of its own, error bounds as bands,
  /// nothing where cells are empty, a mark at omega = 2 J, and a triangle where a curve leaves its panel. Names, units,
  /// model and state come from the table's header.
  ///
  /// - Parameters:
  ///   - columns: names of columns, or of quantities with all their columns; nil for what a reader of
  ///     such a table looks at first.
  ///   - path: names the table in messages.
  /// - Throws: ``FileError`` for a table without anything to draw, and for an unknown column.
  public init(table: CSVFile, columns: [String]? = nil, path: String = "table") throws(FileError) {
    try self.init(tables: [(path, table)], columns: columns)
  }

  /// The same of several tables, each with a colour of its own, and named by what differs in their headers; imaginary parts still
  /// have open marks. Those of the table of a sweep are its ``CSVFile/curves(by:path:)``.
  /// - Parameters:
  ///   - tables: the tables, with what names them in messages.
  ///   - look: what a user says of the picture.
  /// - Throws: ``FileError``, also for tables that are all the same.
  public init(
    tables: [(path: String, table: CSVFile)], columns: [String]? = nil, look: PictureLook = .init()
  ) throws(FileError) {
    let (path, table) = tables[0]
    if table.columns.starts(with: ["contour", "s"]) {
      throw FileError(
        .setting, file: path, found: "a table of Fermi contours",
        expected: "a table of values against an axis; 'kubo bands' draws contours with --picture")
    }
    if !table.sweptNumbers.isEmpty {
      throw FileError(
        .setting, file: path, found: "a sweep of \(shortenedList(table.sweptNumbers))",
        expected: "--map with a column, or the table of a single run")
    }
    let names = try CSVFile.names(tables)
    var curves: [TableCurve] = []
    // Each curve with the table that it is of.
    var all: [(curve: TableCurve, n: Int)] = []
    for (n, (path, table)) in tables.enumerated() {
      guard table.columns[table.axisIndex] == tables[0].table.columns[tables[0].table.axisIndex]
      else {
        throw FileError(
          .setting, file: path, found: "the axis \(shortened(table.columns[table.axisIndex]))",
          expected:
            "that of the others, \(shortened(tables[0].table.columns[tables[0].table.axisIndex]))")
      }
      for curve in try table.curves(columns, path: path) {
        all.append((curve, n))
        if !curves.contains(where: { $0.column == curve.column }) { curves.append(curve) }
      }
    }
    // What has another unit has another panel.
    func content(_ curve: (curve: TableCurve, n: Int)) -> Content {
      Content(
        quantity: curve.curve.column.content,
        unit: tables[curve.n].table.unit(curve.curve.column))
    }
    let panels = all.map(content).unique
    guard !curves.isEmpty, panels.count <= Picture.panelLimit else {
      throw FileError(
        .setting, file: path, found: "\(panels.count) quantities to draw",
        expected: "1 to \(Picture.panelLimit), to be chosen by --columns")
    }
    if let fault = look.fault(panels: panels.count) {
      throw FileError(
        .setting, file: path, found: "--yrange with \(fault.found)", expected: fault.expected)
    }
    // A quantity without a route is told apart where it stands beside one with: of textures the field beside the rigid wall.
    let isMixed = panels.contains { panel in
      let own = all.filter { content($0) == panel }.map(\.curve.column.variant)
      return own.contains(Column()) && own.contains { $0 != Column() }
    }
    let variants = curves.map(\.column.variant).filter { $0 != Column() || isMixed }.unique
    guard variants.count <= Figure.Style.limit else {
      throw FileError(
        .setting, file: path,
        found: "\(variants.count) routes (\(shortenedList(variants.map(\.name)))) to tell apart",
        expected: "at most \(Figure.Style.limit), to be chosen by --columns")
    }
    let hasParts = curves.contains { $0.column.part?.symbol != nil }
    let isSingle = tables.count == 1
    // Without colours and greys each table has dashes and marks of its own for each of its routes.
    let isBare = look.style == .bw && !isSingle
    let routes = max(variants.count, 1)
    guard !isBare || tables.count * routes <= Figure.Style.limit else {
      throw FileError(
        .setting, file: path, found: "\(tables.count * routes) lines to tell apart with --style bw",
        expected: "at most \(Figure.Style.limit), or another style")
    }

    /// Tables have colours. Of a single one parts have colours and variants dashes; without parts variants have both.
    func style(_ column: Column, _ table: Int) -> Figure.Style {
      let n = variants.firstIndex(of: column.variant) ?? 0
      let inks: [Column.Part: Ink] = [.real: .blue, .imaginary: .vermilion]
      let ink = hasParts ? column.part.flatMap { inks[$0] } ?? .green : .number(n)
      return Figure.Style(
        Symbol.route(column.variant, isMixed: isMixed),
        color: isSingle ? ink.rawValue : Palette.step(table, of: tables.count),
        route: isBare ? table * routes + n : n, isImaginary: column.part == .imaginary)
    }

    let poles = tables.map(\.table.pole)
    var values: [[Figure.Point]] = []
    let drawn = panels.map { panel in
      let own = all.filter { content($0) == panel }
      var panel = Figure.Panel(
        label: tables[own[0].n].table.label(own[0].curve.column), curves: [])
      // Without the poles of closed forms, and whether they belong in the panel however large they are.
      var cores: [(curve: Figure.Curve, isCertain: Bool)] = []
      for (curve, n) in own {
        let (column, style, pole) = (curve.column, style(curve.column, n), poles[n])
        let runs = tables[n].table.runs(curve)
        values += runs
        var drawn = Figure.Curve(style: style, runs: look.shown(runs))
        drawn.name = [column.part?.symbol, style.name, isSingle ? nil : names.labels[n]]
          .compactMap(\.self).filter { !$0.isEmpty }.joined(separator: " ")
        drawn.title = isSingle ? column.name : "\(column.name) (\(shortened(tables[n].path)))"
        var core = drawn
        if column.hasPole, let pole {
          drawn.runs = drawn.runs.flatMap { $0.split(at: pole) }
          core.runs = core.runs.map { $0.aside(pole) }.filter { !$0.isEmpty }
        }
        panel.curves.append(drawn)
        if !core.runs.isEmpty {
          cores.append((core, !column.hasPole && column.route != .closedPrinted))
        }
      }
      panel.isLogarithmic = look.hasLogY
      panel.range = Picture.range(of: panel, cores)
      if panel.curves.allSatisfy({ $0.runs.isEmpty }) { panel.note = "no values" }
      if panel.isZero { panel.note = "0 within the error bounds" }
      return panel
    }
    try look.check(values, file: path)
    var key: [Figure.Style] = []
    for part in [Column.Part.real, .imaginary]
    where curves.contains(where: { $0.column.part == part }) {
      key.append(style(Column(part: part), 0))
      key[key.count - 1].name = part.symbol!
      if !isSingle { key[key.count - 1].color = Ink.black.rawValue }
    }
    if variants.count > 1, !isBare {
      for (n, variant) in variants.enumerated() {
        let ink = hasParts || !isSingle ? Ink.black : .number(n)
        key.append(.init(Symbol.route(variant, isMixed: isMixed), ink, route: n))
      }
    }
    if !isSingle {
      for (n, label) in names.labels.enumerated() {
        let color = Palette.step(n, of: tables.count)
        for m in 0..<(isBare ? routes : 1) {
          let route = isBare && routes > 1 ? ", " + Symbol.route(variants[m], isMixed: isMixed) : ""
          key.append(.init(label + route, color: color, route: isBare ? n * routes + m : 0))
        }
      }
    }
    let marks = Set(poles).count == 1 ? poles[0] : nil
    let isDynamic = panels.contains { table.isDynamic($0.quantity) }
    self.init(
      Figure(
        title: { signs in
          table.title(
            width: signs, without: Set(names.keys), and: isDynamic ? [Picture.dynamic] : [])
        },
        axis: table.axisLabel,
        panels: drawn,
        marks: marks.map { [Figure.Mark(x: $0, label: Picture.resonance)] } ?? [], key: key), look)
    notes = look.note(values)
  }

  /// What stands in one panel.
  private struct Content: Equatable {
    var quantity: Column
    var unit: String?
  }

  /// What Delta means before a response.
  static let dynamic = MathText("ΔK = K(\\omega) - K(0)").enhanced
  static let resonance = MathText("2J").enhanced

  /// From where to where a panel goes; nil if by its data. Neither the pole of a closed form nor one far beyond
  /// the others must set the scale, but what the closed forms say below their pole belongs in the picture.
  private static func range(
    of panel: Figure.Panel, _ cores: [(curve: Figure.Curve, isCertain: Bool)]
  ) -> (low: Double, high: Double)? {
    func extent(_ curves: [Figure.Curve]) -> (low: Double, high: Double) {
      Figure.Panel(label: "", curves: curves, isLogarithmic: panel.isLogarithmic).dataRange
    }
    var inside = cores.filter(\.isCertain).map(\.curve)
    if inside.isEmpty {
      inside = cores.map(\.curve)
    } else {
      let (low, high) = extent(inside)
      let reach = 3 * max(high - low, high, -low)
      inside += cores.filter { core in
        let own = extent([core.curve])
        return !core.isCertain && own.low > low - reach && own.high < high + reach
      }.map(\.curve)
    }
    guard !inside.isEmpty else { return nil }
    let ((low, high), all) = (extent(inside), extent(panel.curves))
    guard all.low < low || all.high > high else { return nil }
    if panel.isLogarithmic { return (max(low / 10, all.low), min(high * 10, all.high)) }
    return (max(low - 0.5 * (high - low), all.low), min(high + 0.5 * (high - low), all.high))
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
  /// The label of the axis.
  var axisLabel: String { symbol(columns[axisIndex]) }

  /// The symbol of an axis or of a number of the header, with its unit; that of a lifetime depends on its kind.
  func symbol(_ name: String) -> String {
    if HeaderKey(name).isLifetime, let text = self[header: HeaderKey(name)],
      let lifetime = Symbol.lifetime(text)
    {
      let energy = self[header: "units.energy"]
      return Symbol.labelled(
        lifetime.symbol, lifetime.power == 1 ? energy : energy.map { "\($0)^\(lifetime.power)" })
    }
    if name == "impurities", let energy = self[header: "units.energy"] {
      return Symbol.labelled(Symbol.state(name), "\(energy)^2")
    }
    // A model whose unit of energy is a parameter has it as 1; where it varies, as the number that it is.
    let unit = unit(named: name)
    return Symbol.labelled(
      Symbol.state(name), unit.flatMap { HeaderKey(name) == "parameter.\($0)" ? nil : $0 })
  }

  /// 2J, if the axis is a frequency, and the model has the parameter J of two sublattices, not one of that name.
  var pole: Double? {
    guard columns[axisIndex] == "omega", !isOfOrbitals else { return nil }
    return self[header: "parameter.J"].flatMap { CoreSchema.decimal($0) }.map { 2 * $0 }
  }

  /// Whether the model that the header holds has orbitals; those of two sublattices have a key of their own.
  private var isOfOrbitals: Bool {
    let text = header.filter { $0.key == "model_text" }.map(\.value)
    return !text.isEmpty
      && !text.contains { $0.hasPrefix("inter_sublattice:") || $0.contains("\ninter_sublattice:") }
  }

  /// The model and its state, and `last`, in lines of at most `width` signs.
  func title(width: Int, without: Set<HeaderKey> = [], and last: [String] = []) -> [String] {
    var words: [String] = []
    for (key, value) in header where !without.contains(key) {
      if key.family == .parameter || ["mu", "temperature", "impurities"].contains(key) {
        words.append(Symbol.equation(Symbol.state(key.description), value))
      } else if key.isLifetime {
        words.append(lifetimeText(value))
      } else if key == "direction" {
        words.append(
          Symbol.equation(
            MathText("ij").enhanced, String(value.prefix { $0 != " " }.prefix(8))))
      }
    }
    let subject = ["model", "texture"].first { !without.contains($0) && self[header: $0] != nil }
    return titleLines(subject.flatMap { self[header: $0] } ?? "", words + last, width: width)
  }
}

/// A lifetime for a title.
func lifetimeText(_ text: String) -> String {
  Symbol.lifetime(text).map { Symbol.equation($0.symbol, $0.number) }
    ?? Typeset.literal(shortened(text))
}

/// The name of a model and what belongs to it in the notation of ``Typeset``, in at most four lines of about
/// `width` signs.
func titleLines(_ name: String, _ words: [String], width: Int) -> [String] {
  var lines = [name.isEmpty ? "" : Typeset.literal(shortened(name)) + (words.isEmpty ? "" : ":")]
  for (n, word) in words.enumerated() {
    let text = n + 1 < words.count ? "\(word)," : word
    let length = Typeset.signs(lines.last!) + Typeset.signs(text)
    if length + 1 > width, lines.count < 4 {
      lines.append(text)
    } else if length < 2 * width {
      lines[lines.count - 1] += lines.last!.isEmpty ? text : MathText.space + text
    }
  }
  return lines.filter { !$0.isEmpty }
}
