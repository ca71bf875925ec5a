// SPDX-License-Identifier: GPL-3.0-or-later

extension CSVFile {
  /// The numbers that a sweep varies, which are the first columns of its table; none of other tables.
  var sweptNumbers: [String] {
    header.filter { $0.key.family == .axis }.map(\.key.name)
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
          header: line + header, columns: Array(columns.dropFirst()),
          rows: isEmpty ? empty : rows)
      )
    }
  }
}
