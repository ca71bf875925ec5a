// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import GRDB
import KuboFiles

/// The database of a sweep: each point that is done, at once and for good.
///
/// An SQLite file with the tables `settings` (what was asked for), `axes`, `columns`, `header` (the lines that the tables of
/// all points have in common), `points` (a row for each that is done: its number, the values of the axes, seconds, program, why values
/// are missing) and `numbers` (the rows of its table). Each point is one transaction; whoever kills the program between two
/// loses the point that was being computed.
public final class SweepStore {
  /// The path; for a store in memory a name for messages.
  public let path: String
  private let database: DatabaseQueue
  private var lock: StoreLock?
  /// What it is of.
  public let run: SweepRun
  /// The columns of the numbers, once there are any.
  private(set) var columns: [String]
  private(set) var header: Header

  /// Opens the store of a run, or makes it; without a path one in memory.
  /// - Throws: ``OutputError``, also where another process writes to it, and ``FileError`` for a file that is no store, and for
  ///   the store of another run, with what differs.
  public init(path: String?, run: SweepRun) throws {
    self.path = path ?? "memory"
    self.run = run
    lock = try path.map { try StoreLock($0) }
    // Before anything is written to it: it may be anybody's.
    if let path, FileManager.default.fileExists(atPath: path) {
      let reader = try SweepStore.reader(path)
      if try SweepStore.reporting(path, { try reader.read { try !SweepStore.isEmpty($0, path) } }) {
        try run.check(
          SweepStore.run(path, reader), of: path,
          advice: "as asked for now: another --output, or remove the store")
      }
      try reader.close()
    }
    database = try SweepStore.reporting(self.path) {
      guard let path else { return try DatabaseQueue() }
      var configuration = Configuration()
      configuration.journalMode = .wal
      return try DatabaseQueue(path: path, configuration: configuration)
    }
    (columns, header) = ([], [])
    try SweepStore.reporting(self.path) {
      try database.write { db in
        if try SweepStore.isEmpty(db, self.path) { try SweepStore.create(db, run) }
      }
    }
    try readColumns()
  }

  /// Opens a store to read what it holds.
  /// - Throws: ``FileError``.
  public init(reading path: String) throws {
    self.path = path
    lock = nil
    guard FileManager.default.fileExists(atPath: path) else {
      throw FileError(.noInput, file: path, found: "no such file", expected: "")
    }
    database = try SweepStore.reader(path)
    (columns, header) = ([], [])
    run = try SweepStore.run(path, database)
    try readColumns()
  }

  private static func reader(_ path: String) throws -> DatabaseQueue {
    var status = stat()
    guard stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(.noInput, file: path, found: "no file", expected: "the store of a sweep")
    }
    guard access(path, R_OK) == 0 else {
      throw FileError(.permission, file: path, found: "permission denied", expected: "")
    }
    return try reporting(path) {
      var configuration = Configuration()
      configuration.readonly = true
      return try DatabaseQueue(path: path, configuration: configuration)
    }
  }

  /// What a store is of.
  private static func run(_ path: String, _ database: DatabaseQueue) throws -> SweepRun {
    try reporting(path) {
      try database.read { db in
        guard try !isEmpty(db, path) else { throw noStore(path, "an empty file") }
        return SweepRun(
          settings: try Row.fetchAll(db, sql: "SELECT key, value FROM settings ORDER BY rowid")
            .map { .init($0[0], $0[1]) },
          axes: try Row.fetchAll(db, sql: "SELECT name, text, unit FROM axes ORDER BY axis")
            .map { .init(name: $0[0], text: $0[1], unit: $0[2], values: []) })
      }
    }
  }

  /// The numbers of the points that are done.
  public var finished: IndexSet {
    get throws {
      try read { db in
        var set = IndexSet()
        let cursor = try Int.fetchCursor(db, sql: "SELECT point FROM points ORDER BY point")
        while let point = try cursor.next() { set.insert(point) }
        return set
      }
    }
  }

  /// What points took that are done, of so many at most, from all over the sweep.
  public func times(limit: Int) throws -> [(point: Int, seconds: Double)] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: "SELECT point, seconds FROM points ORDER BY point * 2654435761 % 4294967296 LIMIT ?",
        arguments: [limit]
      ).map { ($0[0], $0[1]) }
    }
  }

  /// How much is there, for people.
  public var amount: String {
    get throws { "\(try finished.count) of \(run["points"] ?? "?") points" }
  }

  /// How many points have missing values, and of the first of them where they are and why.
  public func failures(
    limit: Int
  ) throws -> (count: Int, first: [(place: String, reason: String)]) {
    try read { db in
      let rows = try Row.fetchAll(
        db, sql: "SELECT * FROM points WHERE failures IS NOT NULL ORDER BY point LIMIT ?",
        arguments: [limit])
      let count = try Int.fetchOne(
        db, sql: "SELECT count(*) FROM points WHERE failures IS NOT NULL")
      return (
        count!,
        rows.map { row in
          (Sweep.name(run.axes, (3..<row.count).map { row[$0] }), row["failures"])
        }
      )
    }
  }

  /// What a point gave: its table, nil if it has none, and why values are missing.
  public struct Point: Sendable {
    /// Its number.
    public let number: Int
    /// The values of the axes.
    public let values: [Double]
    /// Its table.
    public let table: CSVFile?
    /// Why values are missing.
    public let failures: [String]
    /// How long it took.
    public let seconds: Double

    /// A point.
    public init(
      _ number: Int, _ values: [Double], table: CSVFile?, failures: [String] = [], seconds: Double
    ) {
      (self.number, self.values, self.table) = (number, values, table)
      (self.failures, self.seconds) = (failures, seconds)
    }
  }

  /// Keeps a point, in one transaction.
  public func write(_ point: Point) throws {
    var (common, names) = (header, columns)
    try SweepStore.reporting(path) {
      try database.write { db in
        if let table = point.table {
          if columns.isEmpty {
            names = table.columns
            common = table.header.filter { !SweepStore.ownKeys.contains($0.key) }
            try createNumbers(db, names)
          } else {
            try check(table)
            let own = Set(table.header.map { "\($0.key): \($0.value)" })
            common.removeAll { !own.contains("\($0.key): \($0.value)") }
          }
          if common.count != header.count { try SweepStore.write(db, header: common) }
          let insert = try db.cachedStatement(
            sql: "INSERT INTO numbers VALUES (\(SweepStore.marks(2 + names.count)))")
          for (n, row) in table.rows.enumerated() {
            try insert.execute(arguments: [point.number, n] + StatementArguments(row))
          }
        }
        let reason = point.failures.isEmpty ? nil : point.failures.joined(separator: "\n")
        try db.cachedStatement(
          sql: "INSERT INTO points VALUES (\(SweepStore.marks(3 + run.axes.count)))"
        ).execute(
          arguments: [point.number, point.seconds, reason] + StatementArguments(point.values))
      }
    }
    (header, columns) = (common, names)
  }

  /// The store at a path with the points of others of the same run.
  /// - Throws: ``FileError`` for those of different runs, with what differs.
  public static func merging(_ paths: [String], into path: String) throws -> SweepStore {
    let others = try paths.filter { !isSameFile($0, path) }.map { try SweepStore(reading: $0) }
    guard let first = others.first else {
      throw FileError(
        .setting, file: path, found: "the output's own store alone", expected: "stores to join")
    }
    for other in others {
      try first.run.check(other.run, of: other.path, advice: "as in \(first.path)")
    }
    let store = try SweepStore(path: path, run: first.run)
    for other in others { try store.merge(other) }
    return store
  }

  private func merge(_ other: SweepStore) throws {
    var (common, names) = (header, columns)
    try SweepStore.reporting(path) {
      try database.writeWithoutTransaction { db in
        try db.execute(sql: "ATTACH DATABASE ? AS other", arguments: [other.path])
        try db.inTransaction {
          if names.isEmpty, !other.columns.isEmpty {
            (common, names) = (other.header, other.columns)
            try createNumbers(db, names)
          } else if !other.columns.isEmpty {
            try check(CSVFile(header: other.header, columns: other.columns), of: other.path)
            common.removeAll { line in !other.header.contains { $0 == line } }
          }
          try SweepStore.write(db, header: common)
          try db.execute(sql: "INSERT OR IGNORE INTO points SELECT * FROM other.points")
          if !other.columns.isEmpty {
            try db.execute(sql: "INSERT OR IGNORE INTO numbers SELECT * FROM other.numbers")
          }
          return .commit
        }
        try db.execute(sql: "DETACH DATABASE other")
      }
    }
    (header, columns) = (common, names)
  }

  /// Closes the store after a fault; one without points is removed.
  public func abandon() {
    let isEmpty = (try? finished.isEmpty) == true
    try? close()
    if isEmpty { unlink(path) }
  }

  /// Closes the store, which is one file then.
  public func close() throws {
    try SweepStore.reporting(path) {
      // So that it can be read in a folder that may only be read; somebody may be reading it now.
      if lock != nil {
        try? database.writeWithoutTransaction {
          try $0.execute(sql: "PRAGMA journal_mode = DELETE")
        }
      }
      try database.close()
    }
    lock = nil
  }

  func read<Value>(_ work: (Database) throws -> Value) throws -> Value {
    try SweepStore.reporting(path) { try database.read(work) }
  }

  private func readColumns() throws {
    (columns, header) = try read { db in
      let names = try String.fetchAll(db, sql: "SELECT name FROM columns ORDER BY rowid")
      let lines = try Row.fetchAll(db, sql: "SELECT key, value FROM header ORDER BY rowid")
      return (names, lines.map { (HeaderKey($0[0]), $0[1]) })
    }
  }

  /// Refuses a table that does not belong to those before it: with other columns, or of files that have changed since.
  private func check(_ table: CSVFile, of file: String = "sweep") throws(FileError) {
    guard table.columns == columns else {
      throw FileError(
        .setting, file: file, found: "columns that differ from those of other points",
        expected: "a sweep whose points have the same columns")
    }
    for (key, value) in table.header where key.name.hasSuffix("_sha256") {
      if let old = header.first(where: { $0.key == key })?.value, old != value {
        throw FileError(
          .setting, file: path, key: key.description, found: old,
          expected: "\(value), as it is now: a file has changed"
        )
      }
    }
  }
}
