// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation

/// One column of several tables that differ in one number, against the axis of the tables and that number.
struct TableMap: Sendable {
  /// The header's key of the number, and its values, ascending.
  let key: HeaderKey
  let parameters: [Double]
  /// The axis of the tables, ascending.
  let axis: [Double]
  /// For each parameter the values at the axis; nil where the table's cell is empty.
  let values: [[Double?]]
  /// The first table, for names, units and title; and the column.
  let table: CSVFile
  let column: Column
  /// Where cells are, those too that the look leaves out.
  let places: [[Figure.Point]]

  /// - Throws: ``FileError`` for tables that do not belong together, naming what differs.
  init(
    _ tables: [(path: String, table: CSVFile)], column: String, _ look: PictureLook
  ) throws(FileError) {
    let isSweep = tables.count == 1 && !tables[0].table.sweptNumbers.isEmpty
    let tables = isSweep ? try tables[0].table.slices(path: tables[0].path) : tables
    guard let (path, first) = tables.first else {
      throw FileError(
        .malformed, file: "table", found: "no rows", expected: "a sweep with values")
    }
    func refusal(_ file: String, _ found: String, _ expected: String) -> FileError {
      FileError(.setting, file: file, found: found, expected: expected)
    }
    guard tables.count > 1 else {
      throw refusal(
        path, "one table",
        "two tables or more for a map, that differ in one number, or the table of a sweep")
    }
    for (other, table) in tables.dropFirst() {
      guard table.columns == first.columns else {
        throw refusal(
          other, "other columns than those of \(shortened(path))", "tables with the same columns")
      }
      let axis = first.axisIndex
      guard table.rows.map({ $0[axis] }) == first.rows.map({ $0[axis] }) else {
        throw refusal(
          other, "other values of \(shortened(first.columns[axis])) than in \(shortened(path))",
          "tables with the same axis")
      }
    }
    let differing = CSVFile.differences(tables.map(\.table))
    guard differing.count == 1, let key = differing.first else {
      throw refusal(
        path,
        differing.isEmpty
          ? "tables with the same state"
          : "tables that differ in \(shortenedList(differing.map(\.description)))",
        "tables that differ in one number of the header")
    }
    var rows: [(parameter: Double, table: CSVFile)] = []
    for (other, table) in tables {
      guard let parameter = TableMap.number(table[header: key], like: first[header: key]) else {
        throw refusal(
          other, "\(shortened(key.description)) \(quoted(table[header: key] ?? ""))",
          "a number in which the tables differ")
      }
      guard !rows.contains(where: { $0.parameter == parameter }) else {
        throw refusal(
          other, "\(shortened(key.description)) = \(parameter) twice", "each value once")
      }
      rows.append((parameter, table))
    }
    rows.sort { $0.parameter < $1.parameter }
    places = rows.map { row in
      first.rows.compactMap { $0[first.axisIndex] }.map { .init(x: $0, y: row.parameter) }
    }
    rows.removeAll {
      !(look.yRanges.first ?? nil).contains($0.parameter) || look.hasLogY && $0.parameter <= 0
    }
    let curves = try first.curves([column], path: path)
    guard curves.count == 1 else {
      throw refusal(
        path, "\(shortenedList(curves.map(\.column.name))) for --map",
        "one column, by its full name")
    }
    let axis = first.axisIndex
    let order = first.rows.indices
      .filter { n in
        first.rows[n][axis].map { look.xRange.contains($0) && !(look.hasLogX && $0 <= 0) } ?? false
      }
      .sorted { first.rows[$0][axis]! < first.rows[$1][axis]! }
    guard !rows.isEmpty, !order.isEmpty else {
      let limits = look.hasLogX || look.hasLogY ? " and above 0, as --log shows" : ""
      throw refusal(path, "no cell within --xrange and --yrange\(limits)", "some to draw")
    }
    self.key = key
    parameters = rows.map(\.parameter)
    self.axis = order.map { first.rows[$0][axis]! }
    let index = curves[0].index
    values = rows.map { row in order.map { row.table.rows[$0][index] } }
    table = first
    self.column = curves[0].column
  }

  /// A number, or the one behind the same name and =, as in constant=0.1.
  private static func number(_ text: String?, like other: String?) -> Double? {
    guard let text, let other else { return nil }
    if let value = CoreSchema.decimal(text) { return value }
    let (own, its) = (text.split(separator: "="), other.split(separator: "="))
    guard own.count == 2, its.count == 2, own[0] == its[0] else { return nil }
    return CoreSchema.decimal(own[1])
  }
}

extension ClosedRange<Double>? {
  /// Whether a number is within the range, if there is one.
  func contains(_ x: Double) -> Bool { self.map { $0.contains(x) } ?? true }
}

extension Picture {
  /// The map of a column of several tables, their axis to the right and the number in which they differ
  /// upward, each value a cell in colour, empty cells left out; 2J as a line.
  ///
  /// Numbers of one sign are coloured from dark to bright, others symmetrically around zero, in blue and
  /// red; lightness is linear in the number. Of more than 400 neighbouring cells those of largest
  /// magnitude stand for the others.
  /// - Throws: ``FileError`` unless the tables have the same columns and axis and differ in one number.
  public init(
    map column: String, of tables: [(path: String, table: CSVFile)], scale: ColorScale = .init(),
    look: PictureLook = .init()
  ) throws(FileError) {
    if let fault = look.fault(panels: 1) {
      throw FileError(
        .setting, file: tables[0].path, found: "--yrange with \(fault.found)",
        expected: fault.expected)
    }
    let map = try TableMap(tables, column: column, look)
    let count = min(map.axis.count, 400)
    let ends = (0...count).map { map.axis.count * $0 / count }
    let bins = zip(ends, ends.dropFirst()).map { $0..<$1 }
    let known = map.values.joined().compactMap { $0 }
    guard let low = known.min(), let high = known.max() else {
      throw FileError(
        .setting, file: tables[0].path, found: "no values in \(quoted(column))",
        expected: "a column with numbers")
    }
    for (values, isLog) in [
      (map.axis, look.hasLogX), (map.parameters, look.hasLogY), (known, false),
    ] {
      try PictureLook.check(values, in: "the map", isLogarithmic: isLog, file: tables[0].path)
    }
    var colors = scale.bar(low, high, smallest: known.map(abs).filter { $0 > 0 }.min())
    colors.isGrey = look.style == .bw
    guard !scale.hasContours || map.axis.count > 1 && map.parameters.count > 1 else {
      throw FileError(
        .setting, file: tables[0].path, found: "one row of cells with --contours",
        expected: "a map of two values or more along both axes")
    }
    let width = look.pageWidth()
    let title = look.titleLines(on: width) { signs in
      map.table.title(
        width: signs, without: [map.key],
        and: map.table.isDynamic(map.column.content) ? [Picture.dynamic] : [])
    }
    let middles = bins.map {
      middle(map.axis[$0.lowerBound], map.axis[$0.upperBound - 1], look.hasLogX)
    }
    let (xs, ys) = (edges(middles, look.hasLogX), edges(map.parameters, look.hasLogY))
    // Cells: gnuplot colours a quadrangle by its first corner.
    let rows = zip(ys, map.values + [map.values.last!]).flatMap { y, values in
      xs.enumerated().map { n, x -> [Double?] in
        [x, y, bins[min(n, count - 1)].compactMap { values[$0] }.max { abs($0) < abs($1) }]
      } + [[]]
    }
    let symbol = [map.column.part?.symbol, map.table.symbol(map.column)].compactMap(\.self)
    let label = Symbol.labelled(
      [symbol.joined(separator: " "), Symbol.route(map.column.variant)].filter { !$0.isEmpty }
        .joined(separator: ", "), map.table.unit(map.column))
    // 2 J of each table, if the axis is a frequency.
    let poles: [[Double]] =
      map.table.pole.map { pole in
        map.parameters.map { [map.key == "parameter.J" ? 2 * $0 : pole, $0, 0.0] }
      } ?? []
    let visible = poles.filter { $0[0] > xs.first! && $0[0] < xs.last! }
    // The line's name stands above the map, where no colour is, unless the line leaves at a side.
    let isNamedAbove = !visible.isEmpty && visible.last == poles.last
    let (line, bottom, left, right) = (Size.line, 1.5, 1.55, 2.55)
    guard width >= 6.5 else {
      func length(_ page: Double) -> String { "\(Int((10 * look.scale * page).rounded(.up))) mm" }
      throw FileError(
        .setting, file: tables[0].path, found: "a width of \(length(width - 1e-9))",
        expected: "\(length(6.5)) or more for a map of this style")
    }
    let panel = min(max(6 * width / Size.column, 4), 9)
    let top = 0.25 + line * Double(title.count + (isNamedAbove ? 1 : 0))
    var script = Script(width: width, height: top + panel + bottom, scale: look.scale)
    script.data("cells", rows)
    script.title(title, from: 0.3)
    script.panel(left, top, width: width - left - right, height: panel)
    colors.draw(in: &script)
    script.range("x", xs.first!, xs.last!)
    script.range("y", ys.first!, ys.last!)
    // Not more numbers than have room.
    let signs = Int(7.6 * (width - left - right))
    script.add("set xtics \(Picture.step(from: xs.first!, to: xs.last!, signs: signs))")
    for (axis, ends, isLog) in [("x", xs, look.hasLogX), ("y", ys, look.hasLogY)] where isLog {
      let (low, high) = (ends.first!, ends.last!)
      let format = script.ticks(
        axis, low, high, isLogarithmic: true, step: Picture.step(from: low, to: high, signs: signs))
      script.add("set format \(axis) '\(format)'")
    }
    script.axis("x", map.table.axisLabel, offset: "0,0.9")
    script.axis(
      "y", map.table.symbol(map.key.description), offset: look.hasLogY ? "-0.4,0" : "0.3,0")
    script.axis("cb", label, offset: "0.5,0")
    script.add(
      "set tics scale 0.5 front out nomirror", "set xtics mirror offset 0,0.7", "set ytics mirror",
      "set view map", "set pm3d map corners2color c1",
      // Without borders of their own colour a PDF has seams between cells.
      "set pm3d border retrace lw 0.3",
      "unset key")
    var plots = ["$cells using 1:2:(0):3 with pm3d nocontour"]
    if scale.hasContours {
      script.data(
        "middles",
        zip(map.parameters, map.values).flatMap { y, values in
          zip(middles, bins).map { x, bin in
            [x, y, bin.compactMap { values[$0] }.max { abs($0) < abs($1) }]
          } + [[]]
        })
      colors.drawContours(in: &script)
      plots.append("$middles using 1:2:3 with lines nosurface lw 0.8 lc rgb '\(colors.contourInk)'")
    }
    if let first = poles.first, let last = poles.last {
      script.data("pole", [[first[0], ys.first!, 0]] + poles + [[last[0], ys.last!, 0]])
      let ink = colors.contourInk
      plots.append("$pole using 1:2:3 with lines dt 3 lw 1.5 lc rgb '\(ink)' nocontour")
      if isNamedAbove {
        script.label(
          Picture.resonance, number: 11, at: "first \(last[0]), graph 1", "center offset 0,0.85")
      } else if let place = visible.last {
        script.label(
          Picture.resonance, number: 11, at: "first \(place[0]), first \(place[1])",
          "right offset -0.5,0 front textcolor rgb '\(ink)'")
      }
    }
    script.draw(plots, by: "splot")
    self.init(script)
    notes = look.note(map.places)
  }
}

/// Half way between two numbers, on a logarithmic scale their geometric mean.
private func middle(_ a: Double, _ b: Double, _ isLogarithmic: Bool) -> Double {
  isLogarithmic ? a.squareRoot() * b.squareRoot() : (a + b) / 2
}

/// The ends of cells around ascending numbers: half way between neighbours.
private func edges(_ centres: [Double], _ isLogarithmic: Bool) -> [Double] {
  if isLogarithmic { return edges(centres.map { log10($0) }, false).map { pow(10, $0) } }
  guard centres.count > 1 else { return [centres[0] - 0.5, centres[0] + 0.5] }
  let middles = zip(centres, centres.dropFirst()).map { middle($0, $1, false) }
  let (first, last) = (centres.first!, centres.last!)
  return [2 * first - middles.first!] + middles + [2 * last - middles.last!]
}
