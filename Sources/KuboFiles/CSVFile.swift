// SPDX-License-Identifier: GPL-3.0-or-later

/// A table with a header, as comma-separated values:
///
///     # key: value
///     omega,Y.bare.re,Y.bare.im
///     0.1,-0.25,
///
/// `pandas.read_csv(f, comment='#')` reads it. Numbers are the shortest decimals that give the same
/// double; an empty cell is a value that could not be computed.
public struct CSVFile: Sendable {
  /// The lines `# key: value` above the table.
  public var header: Header
  /// The names of the columns, without `#`.
  public var columns: [String]
  /// The rows, each with one value per column; every number finite.
  public var rows: [[Double?]]

  /// A table with these header lines, columns and rows.
  public init(
    header: Header = [], columns: [String], rows: [[Double?]] = []
  ) {
    self.header = header
    self.columns = columns
    self.rows = rows
  }

  /// A table of columns of equal length.
  init(
    header: Header, _ columns: [(column: Column, values: [Double?])]
  ) {
    self.init(
      header: header, columns: columns.map(\.column.name),
      rows: columns[0].values.indices.map { n in columns.map { $0.values[n] } })
  }

  /// The text of the file. Line breaks and control characters of the header are escaped.
  /// - Precondition: each row has one value per column, and no value is infinite or NaN.
  public var text: String {
    var text = ""
    for (key, value) in header { text += "# \(oneLine(key.description)): \(oneLine(value))\n" }
    text += columns.map(CSVFile.cell).joined(separator: ",") + "\n"
    for row in rows {
      precondition(row.count == columns.count, "a row of \(row.count), not \(columns.count) values")
      text += CSVFile.line(row)
    }
    return text
  }

  /// A row as a line of the text.
  package static func line(_ row: [Double?]) -> String {
    row.map(CSVFile.cell).joined(separator: ",") + "\n"
  }

  private static func cell(_ value: Double?) -> String {
    guard let value else { return "" }
    precondition(value.isFinite, "a value that could not be computed is an empty cell")
    return value.description
  }

  private static func cell(_ column: String) -> String {
    precondition(!column.contains("#"), "# would begin a comment in \(column)")
    let name = oneLine(column)
    guard name.contains(",") || name.contains("\"") else { return name }
    return "\"" + name.replacing("\"", with: "\"\"") + "\""
  }

  /// Writes the file as a whole or not at all.
  /// - Parameters:
  ///   - path: where.
  ///   - overwrite: whether an existing file may be replaced.
  /// - Throws: ``OutputError``.
  public func write(to path: String, overwrite: Bool) throws(OutputError) {
    try OutputFile(path: path, overwrite: overwrite).write(Array(text.utf8))
  }

  /// Finds out before a long computation whether ``write(to:overwrite:)`` would fail.
  /// - Throws: ``OutputError``.
  public static func checkWritable(path: String, overwrite: Bool) throws(OutputError) {
    try OutputFile(path: path, overwrite: overwrite).check()
  }
}
