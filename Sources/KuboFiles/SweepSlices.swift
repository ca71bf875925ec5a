// SPDX-License-Identifier: GPL-3.0-or-later

extension CSVFile {
  /// The most tables that curves of one picture may be of.
  static let tableLimit = 8

  /// The table of a sweep of one number as one for each value, for curves.
  /// - Parameter name: the number, as `J`, `mu` or `lifetime.constant`.
  /// - Throws: ``FileError`` for another table, and another number.
  public func curves(by name: String, path: String) throws(FileError) -> [(
    path: String, table: CSVFile
  )] {
    let swept = sweptNumbers
    guard !swept.isEmpty, swept.contains(name) || swept.contains("parameter.\(name)") else {
      throw FileError(
        .setting, file: path,
        found: swept.isEmpty ? "no sweep" : "a sweep of \(shortenedList(swept))",
        expected: "one of \(shortened(name)), as --by says")
    }
    return try slices(path: path)
  }

  /// What tables are called that are drawn together: what differs in their headers, or their names.
  /// - Throws: ``FileError`` for too many.
  static func names(_ tables: [(path: String, table: CSVFile)]) throws(FileError) -> (
    labels: [String], keys: [HeaderKey]
  ) {
    guard tables.count <= tableLimit else {
      throw FileError(
        .setting, file: tables[0].path, found: "\(tables.count) tables to tell apart",
        expected: "at most \(tableLimit), or a map")
    }
    // What follows from the others, or is too long to be read.
    let keys = differences(tables.map(\.table))
      .filter { !["model_sha256", "texture_sha256"].contains($0) }
    guard tables.count > 1, !keys.isEmpty else {
      return (tables.map { Typeset.literal(shortened($0.path)) }, [])
    }
    let labels = tables.map { _, table in
      keys.map { key in
        let text = table[header: key] ?? "none"
        if key.isLifetime { return lifetimeText(text) }
        return ["model", "texture"].contains(key)
          ? Typeset.literal(shortened(text))
          : Symbol.equation(Symbol.state(key.description), text)
      }.joined(separator: ", ")
    }
    return (labels, keys)
  }

  /// The numbers that a sweep varies, which are the first columns of its table; none of other tables.
  var sweptNumbers: [String] {
    header.filter { $0.key.family == .axis }.map(\.key.name)
  }

  /// The lines of headers that say what was computed and in which tables differ from the first one.
  static func differences(_ tables: [CSVFile]) -> [HeaderKey] {
    guard let first = tables.first else { return [] }
    return tables.dropFirst().flatMap { table in
      // All else in headers follows from these, or tells how and when.
      let settings = Set(
        first.settings + table.settings
          + ["model_sha256", "units.energy_eV", "units.length_nm"])
      return (first.header + table.header).map(\.key).filter {
        settings.contains($0) && first[header: $0] != table[header: $0]
      }
    }.unique
  }

  /// The table of a sweep of one number as one for each of its values, with it in the header as a single run has it; points
  /// without values have empty cells.
  /// - Throws: ``FileError`` for a sweep of several numbers.
  func slices(path: String) throws(FileError) -> [(path: String, table: CSVFile)] {
    let swept = sweptNumbers
    guard swept.count == 1 else {
      throw FileError(
        .setting, file: path, found: "a sweep of \(shortenedList(swept))",
        expected: "one of one number, which a map has upward")
    }
    // A lifetime is one text of its kind and its number.
    let key = HeaderKey(swept[0])
    let isOfLifetime = key.isLifetime && !key.name.isEmpty
    var groups: [(value: Double, rows: [[Double?]])] = []
    for row in rows {
      guard let value = row[0] else { continue }
      if groups.last?.value != value { groups.append((value, [])) }
      groups[groups.count - 1].rows.append(Array(row.dropFirst()))
    }
    let inner = CSVFile(columns: Array(columns.dropFirst())).axisIndex
    let whole = groups.first { $0.rows.contains { $0[inner] != nil } }?.rows ?? []
    let empty = whole.map { row in row.indices.map { $0 == inner ? row[$0] : nil } }
    return groups.map { value, rows in
      let line: Header = [
        isOfLifetime ? ("lifetime", "\(key.name)=\(value)") : (key, "\(value)")
      ]
      let isEmpty = !rows.contains { $0[inner] != nil }
      return (
        "\(path), \(swept[0]) = \(value)",
        CSVFile(
          header: line + header.filter { $0.key.family != .axis },
          columns: Array(columns.dropFirst()),
          rows: isEmpty ? empty : rows)
      )
    }
  }
}
