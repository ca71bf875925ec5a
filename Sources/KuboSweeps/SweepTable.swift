// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import GRDB
import KuboFiles
import KuboNetCDF

extension SweepStore {
  /// The command line that computes the whole again.
  private var command: String {
    let own: Set<String> = ["program", "subcommand", "points", "model_sha256"]
    let settings = run.settings.filter { !own.contains($0.key) }
    return ShellWords.joined(SweepRun(settings: settings, axes: []).words(run["subcommand"] ?? ""))
  }

  /// The header and the names of the columns of the table of a sweep: what its points have in common, the axes, and how much
  /// there is.
  /// - Throws: ``FileError`` if no point has a table.
  private func head(date: String, withTime: Bool) throws -> CSVFile {
    let failures = try failures(limit: 1)
    guard !columns.isEmpty else {
      throw FileError(
        .setting, file: path,
        found: failures.first.first.map { "no point with values: \($0.reason)" }
          ?? "no point that is done", expected: "a sweep with values")
    }
    var lines: Header = [
      ("program", run["program"] ?? ""), ("date", date), ("command", command),
    ]
    lines += header.filter { $0.key != "model_text" }
    for axis in run.axes {
      lines.append(("axis.\(axis.name)", axis.text))
      if let unit = axis.unit { lines.append(("unit.\(axis.name)", unit)) }
    }
    lines.append(("points", try amount))
    if failures.count > 0 { lines.append(("points.with_failures", "\(failures.count)")) }
    if withTime {
      let seconds = try read { try Double.fetchOne($0, sql: "SELECT total(seconds) FROM points")! }
      lines.append(("wall_time_s", "\((seconds * 1000).rounded() / 1000)"))
    }
    lines += header.filter { $0.key == "model_text" }
    return CSVFile(header: lines, columns: run.axes.map(\.name) + columns)
  }

  /// Writes the points that are done on the axes of the sweep, as netCDF.
  private func exportGrid(_ head: CSVFile, to file: TableFile) throws {
    try read { db in
      let texts = try String.fetchAll(db, sql: "SELECT \"values\" FROM axes ORDER BY axis")
      let axes = try zip(run.axes, texts).map { axis, text in
        GridTable.Axis(
          name: axis.name, values: try JSONDecoder().decode([Double].self, from: Data(text.utf8)))
      }
      let names = SweepStore.identifiers(columns)
      let own = CSVFile(columns: columns).axisIndex
      let some = try Row.fetchAll(
        db,
        sql: """
          SELECT \(names.joined(separator: ", ")) FROM numbers WHERE point =
            (SELECT point FROM numbers WHERE \(names[own]) IS NOT NULL ORDER BY point LIMIT 1) ORDER BY row
          """)
      let grid = GridTable(
        head: head, axes: axes, isZipped: run["zip"] != nil, first: some.map(SweepStore.numbers))
      let cursor = try Row.fetchCursor(
        db,
        sql: """
          SELECT points.point, failures, row\(names.map { ", numbers.\($0)" }.joined())
          FROM points LEFT JOIN numbers USING (point) ORDER BY points.point, row
          """)
      var held: GridTable.Point?
      try file.write(grid) {
        while let row = try cursor.next() {
          let (number, failures): (Int, String?) = (row[0], row[1])
          let isDone = held.map { $0.number != number } ?? false
          let finished = held
          if isDone || held == nil {
            held = .init(
              number: number, rows: [], status: failures == nil ? .complete : .missingValues,
              reason: failures)
          }
          // A point without a table has no rows.
          if row[2] as Int? != nil { held?.rows.append((3..<row.count).map { row[$0] }) }
          if isDone { return finished }
        }
        defer { held = nil }
        return held
      }
    }
  }

  /// The rows, in the order of the points: the values of the axes, then those of the table of the point; of a point without
  /// a table only the former.
  private func rows(_ db: Database) throws -> RowCursor {
    let own = SweepStore.identifiers(run.axes.map(\.name)).map { "points.\($0)" }
    let names = own + SweepStore.identifiers(columns).map { "numbers.\($0)" }
    return try Row.fetchCursor(
      db,
      sql:
        "SELECT \(names.joined(separator: ", ")) FROM points LEFT JOIN numbers USING (point) ORDER BY points.point, row"
    )
  }

  private static func numbers(_ row: Row) -> [Double?] { (0..<row.count).map { row[$0] } }

  /// Writes the table of the points that are done, as a whole or not at all, in little memory; each value has the same bits
  /// however often the sweep was interrupted.
  /// - Parameters:
  ///   - date: when, for the header.
  ///   - withTime: whether the header says how long the points took together.
  public func export(to path: String, overwrite: Bool, date: String, withTime: Bool) throws {
    let whole = try head(date: date, withTime: withTime)
    let file = TableFile(path: path, overwrite: overwrite)
    if file.isNetCDF { return try exportGrid(whole, to: file) }
    let head = whole.text
    try read { db in
      let cursor = try rows(db)
      var isBegun = false
      try OutputFile(path: path, overwrite: overwrite).write { () throws(OutputError) in
        var text = isBegun ? "" : head
        isBegun = true
        do {
          while text.utf8.count < 1 << 20, let row = try cursor.next() {
            text += CSVFile.line(SweepStore.numbers(row))
          }
        } catch {
          throw .writeFailed(path: path, reason: "\(self.path): \(error)")
        }
        return text.isEmpty ? nil : Array(text.utf8)[...]
      }
    }
  }

  /// The same table in memory.
  public func table(date: String, withTime: Bool) throws -> CSVFile {
    var table = try head(date: date, withTime: withTime)
    table.rows = try read { db in
      var found: [[Double?]] = []
      let cursor = try rows(db)
      while let row = try cursor.next() { found.append(SweepStore.numbers(row)) }
      return found
    }
    return table
  }
}
