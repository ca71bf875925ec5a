// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// A column of numbers that can be drawn, with its place and that of its error bound in a table.
struct TableCurve: Sendable, Equatable {
  let column: Column
  let index: Int
  let errorIndex: Int?

  /// Whether the user means this column: by its name, with or without its part, or its quantity.
  func answers(_ choice: String) -> Bool {
    column.name == choice || column.part?.symbol != nil && column.with(nil).name == choice
      || column.isMain && column.content.name == choice
  }
}

extension CSVFile {
  /// The column of the axis: the first, or the frequency after the number of a Matsubara frequency.
  package var axisIndex: Int { columns.starts(with: ["l", "omega_l"]) ? 1 : 0 }

  /// The columns to draw: those chosen, or all of the main ones.
  func curves(_ choices: [String]?, path: String) throws(FileError) -> [TableCurve] {
    guard rows.count > 0, columns.count > 1 + axisIndex else {
      throw FileError(
        .malformed, file: path, found: "\(rows.count) rows, \(columns.count) columns",
        expected: "a table with rows and columns to draw")
    }
    let known = columns.indices.dropFirst(axisIndex + 1).compactMap { n -> TableCurve? in
      let column = Column(parsing: columns[n])
      if column.part?.isError == true { return nil }
      // Bands about values that belong to others say nothing.
      let isBounded = column.isMain || column.unit != nil
      return TableCurve(
        column: column, index: n, errorIndex: isBounded ? column.bound(in: columns) : nil)
    }
    guard let choices else { return known.filter(\.column.isMain) }
    var chosen: [TableCurve] = []
    for choice in choices {
      let answers = known.filter { $0.answers(choice) }
      guard !answers.isEmpty else {
        throw FileError(
          .setting, file: path, found: "no column \(quoted(choice))",
          expected: "some of \(shortenedList(known.map(\.column.name)))")
      }
      chosen += answers.filter { !chosen.contains($0) }
    }
    return chosen
  }

  /// The unit of an axis, of a number of the header or of a curve, as the header says it, or its name: the one
  /// place where pictures take units from; nil for 1 and where nothing says it.
  func unit(named name: String) -> String? {
    let energies = ["omega", "omega_l", "mu", "energy", "temperature"]
    let isEnergy = energies.contains(name) || HeaderKey(name).family == .parameter
    let found =
      self[header: "unit.\(name)"] ?? Symbol.units[name]
      ?? (isEnergy ? self[header: "units.energy"] : nil)
    return found == "1" ? nil : found
  }

  /// The unit of a column.
  func unit(_ column: Column) -> String? {
    if let unit = column.unit { return self.unit(named: "*.\(unit.rawValue)") ?? unit.symbol }
    let content = column.content
    guard let part = content.part else { return self.unit(named: content.name) }
    let own = self.unit(named: content.name) ?? self.unit(named: "*.\(part.rawValue)")
    // That of K(0) is that of K, but Pi(0) has not the unit of a conductivity.
    let isStatic = (part == .fixed || part == .fixedImaginary) && !column.isPolarisation
    return own ?? (isStatic ? self.unit(named: content.with(nil).name) : nil)
  }

  /// The unit of a column of values or of an axis, as files state it.
  package func statedUnit(_ column: Column) -> String? {
    // Bounds have that of what they bound.
    let own = column.part?.isError == true ? column.with(column.bounded) : column
    return unit(own) ?? unit(named: own.name)
  }

  /// What a column holds, as the header says it.
  package func meaning(_ column: Column) -> String? {
    if let text = self[header: "column.\(column.name)"] { return text }
    if column.part?.isError == true, !column.quantity.isEmpty {
      return "bound on the error of \(column.with(column.bounded).name)"
    }
    let words = column.with(nil).name.split(separator: ".").map(String.init)
    // That of P stands for P_m and the others.
    let names =
      words.indices.reversed().map { words[...$0].joined(separator: ".") }
      + words.prefix(1).map { String($0.prefix { $0 != "_" }) }
    return names.lazy.compactMap { self[header: "column.\($0)"] }.first
  }

  /// Whether K(omega) - K(0) is drawn: K(0) stands in columns of its own.
  func isDynamic(_ column: Column) -> Bool {
    !column.isConductivity && column.content.part == nil
      && columns.contains {
        let other = Column(parsing: $0)
        return other.part == .fixed && other.content.with(nil) == column.content
      }
  }

  /// The symbol of what a column holds, without route and part.
  package func symbol(_ column: Column) -> String {
    Symbol.quantity(column, isDynamic: isDynamic(column))
  }

  /// The same with its unit.
  func label(_ column: Column) -> String { Symbol.labelled(symbol(column), unit(column)) }

  /// The points of a curve, in runs between empty cells, in the order of the axis.
  func runs(_ curve: TableCurve) -> [[Figure.Point]] {
    var runs: [[Figure.Point]] = [[]]
    let x = axisIndex
    for row in rows.filter({ $0[x] != nil }).sorted(by: { $0[x]! < $1[x]! }) {
      if let y = row[curve.index] {
        let error = curve.errorIndex.flatMap { row[$0] }
        runs[runs.count - 1].append(.init(x: row[x]!, y: y, error: error))
      } else if !runs.last!.isEmpty {
        runs.append([])
      }
    }
    return runs.filter { !$0.isEmpty }
  }
}

/// Names for a message, not too many.
func shortenedList(_ names: [String]) -> String {
  let list = names.prefix(12).map { shortened($0) }.joined(separator: ", ")
  return names.count > 12 ? "\(list), ..." : list
}
