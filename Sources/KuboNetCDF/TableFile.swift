// SPDX-License-Identifier: GPL-3.0-or-later
import KuboFiles

/// A file for a table: netCDF-4 where its name ends in `.nc`, comma-separated values otherwise.
public struct TableFile: Sendable {
  /// Where.
  public let path: String
  let file: OutputFile

  /// A file to be written.
  /// - Parameter overwrite: whether an existing file may be replaced.
  public init(path: String, overwrite: Bool) {
    self.path = path
    file = OutputFile(path: path, overwrite: overwrite)
  }

  /// Whether its name asks for netCDF.
  public var isNetCDF: Bool { path.hasSuffix(".nc") }

  /// Finds out before a long computation whether it can be written.
  /// - Throws: ``OutputError``, and ``FileError`` where this build has no netCDF.
  public func check() throws {
    if isNetCDF { try TableFile.checkTrait(path) }
    try file.check()
  }

  /// Writes a table, as a whole or not at all.
  /// - Throws: ``OutputError``, and ``FileError`` for what netCDF does not take.
  public func write(_ table: CSVFile) throws {
    guard isNetCDF else { return try file.write(Array(table.text.utf8)) }
    var head = table
    head.rows = []
    var rest = [GridTable.Point(number: 0, rows: table.rows, status: .complete)]
    try write(GridTable(head: head, axes: [], isZipped: false, first: table.rows)) {
      rest.popLast()
    }
  }

  /// Writes a table on a grid as netCDF.
  /// - Parameter next: the points that there are, one after the other; nil at the end.
  public func write(_ table: GridTable, _ next: () throws -> GridTable.Point?) throws {
    try TableFile.checkTrait(path)
    #if NetCDF
      try NetCDFWriter(table, name: path).write(to: file, next)
    #endif
  }

  /// Reads a table of either kind that this program has written.
  /// - Throws: ``FileError``.
  public static func read(path: String) throws(FileError) -> CSVFile {
    guard path.hasSuffix(".nc") else { return try CSVFile.read(path: path) }
    try checkTrait(path)
    #if NetCDF
      return try NetCDFReader(path: path).table()
    #else
      preconditionFailure("what is not built is refused")
    #endif
  }

  private static func checkTrait(_ path: String) throws(FileError) {
    #if !NetCDF
      throw FileError(
        .setting, file: path, found: "the ending .nc in a build without netCDF",
        expected: "another ending, or a build with 'swift build --traits NetCDF'")
    #endif
  }
}

/// A table whose rows are those of points on axes.
public struct GridTable: Sendable {
  /// An axis.
  public struct Axis: Sendable {
    /// The name of its column.
    public let name: String
    /// Its values.
    public let values: [Double]

    /// An axis.
    public init(name: String, values: [Double]) { (self.name, self.values) = (name, values) }
  }

  /// How much of a point there is.
  public enum Status: Int8, Sendable, CaseIterable {
    case complete, missingValues, notComputed

    /// As a word of `flag_meanings`.
    var meaning: String {
      switch self {
      case .complete: "complete"
      case .missingValues: "missing_values"
      case .notComputed: "not_computed"
      }
    }
  }

  /// A point.
  public struct Point: Sendable {
    /// Which, the last axis fastest.
    public let number: Int
    /// The rows of its table without the columns of the axes; none if there is none.
    public var rows: [[Double?]]
    /// How much of it there is.
    public let status: Status
    /// Why values are missing.
    public let reason: String?

    /// A point.
    public init(number: Int, rows: [[Double?]], status: Status, reason: String? = nil) {
      (self.number, self.rows, self.status, self.reason) = (number, rows, status, reason)
    }
  }

  /// The header and the names of the columns, those of the axes first.
  let head: CSVFile
  /// The axes, and whether they go in step.
  let axes: [Axis]
  let isZipped: Bool
  /// The rows of a point, which has the axis of each.
  let first: [[Double?]]

  /// A table.
  /// - Parameters:
  ///   - head: the header and the names of the columns, those of the axes first.
  ///   - axes: the axes, slowest first.
  ///   - isZipped: whether they go in step.
  ///   - first: the rows of some point with values.
  public init(head: CSVFile, axes: [Axis], isZipped: Bool, first: [[Double?]]) {
    (self.head, self.axes, self.isZipped, self.first) = (head, axes, isZipped, first)
  }
}
