// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import GRDB
import KuboFiles

/// The tables of a store, and what its faults are called.
extension SweepStore {
  /// The form of the tables.
  private static let version = 2

  /// Whether nothing is in the database yet: it is new, or whoever made it was killed at once.
  /// - Throws: ``FileError`` for one that is none of ours.
  static func isEmpty(_ db: Database, _ path: String) throws -> Bool {
    let version = try Int.fetchOne(db, sql: "PRAGMA user_version")
    let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema")
    guard version == SweepStore.version || version == 0 && count == 0 else {
      throw noStore(path, "a database of another program")
    }
    return version == 0
  }

  static func noStore(_ path: String, _ found: String) -> FileError {
    FileError(.malformed, file: path, found: found, expected: "the store of a sweep")
  }

  static func create(_ db: Database, _ run: SweepRun) throws {
    let axes = run.axes
    try db.execute(
      sql: """
        CREATE TABLE settings (key TEXT NOT NULL, value TEXT NOT NULL);
        CREATE TABLE axes (axis INTEGER PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL, unit TEXT, "values" TEXT NOT NULL);
        CREATE TABLE header (key TEXT NOT NULL, value TEXT NOT NULL);
        CREATE TABLE points (
          point INTEGER PRIMARY KEY, seconds REAL NOT NULL, failures TEXT
          \(identifiers(axes.map(\.name)).map { ", \($0)" }.joined()));
        CREATE TABLE columns (name TEXT NOT NULL);
        PRAGMA user_version = \(version);
        """)
    for setting in run.settings {
      try db.execute(
        sql: "INSERT INTO settings VALUES (?, ?)", arguments: [setting.key, setting.value])
    }
    for (n, axis) in axes.enumerated() {
      try db.execute(
        sql: "INSERT INTO axes VALUES (?, ?, ?, ?, ?)",
        // Shortest decimals, for SQL's json_each.
        arguments: [
          n, axis.name, axis.text, axis.unit,
          "[\(axis.values.map(\.description).joined(separator: ","))]",
        ]
      )
    }
  }

  /// The table of the numbers. Its columns have no type: one of type REAL would keep -0.0 as 0.
  func createNumbers(_ db: Database, _ names: [String]) throws {
    guard names.count <= SweepStore.columnLimit else {
      throw FileError(
        .setting, file: "sweep", found: "\(names.count) columns",
        expected: "at most \(SweepStore.columnLimit), by --responses")
    }
    try db.execute(
      sql: """
        CREATE TABLE numbers (
          point INTEGER NOT NULL, row INTEGER NOT NULL
          \(SweepStore.identifiers(names).map { ", \($0)" }.joined()), PRIMARY KEY (point, row)
        ) WITHOUT ROWID
        """)
    for name in names {
      try db.execute(sql: "INSERT INTO columns VALUES (?)", arguments: [name])
    }
  }

  /// What columns are called in SQL, which takes `parameter.j` and `parameter.J` for the same: the second has its place behind.
  static func identifiers(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.enumerated().map { n, name in
      (seen.insert(name.lowercased()).inserted ? name : "\(name) \(n)").quotedDatabaseIdentifier
    }
  }

  /// SQLite has 2000.
  private static let columnLimit = 1990

  static func write(_ db: Database, header: Header) throws {
    try db.execute(sql: "DELETE FROM header")
    for (key, value) in header {
      try db.execute(sql: "INSERT INTO header VALUES (?, ?)", arguments: [key.description, value])
    }
  }

  /// The keys of a table's header that are of one run and not of a sweep.
  static let ownKeys: Set<HeaderKey> = ["program", "date", "command", "wall_time_s"]

  static func marks(_ count: Int) -> String {
    repeatElement("?", count: count).joined(separator: ", ")
  }

  /// The faults of SQLite as those of files.
  static func reporting<Value>(_ path: String, _ work: () throws -> Value) throws -> Value {
    do {
      return try work()
    } catch let error as DatabaseError {
      let reason = error.message ?? "\(error.resultCode)"
      throw switch error.resultCode {
      case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_ERROR:
        noStore(path, "no database (\(reason))") as any Error
      case .SQLITE_BUSY, .SQLITE_LOCKED: OutputError.inUse(path: path)
      case .SQLITE_READONLY, .SQLITE_PERM: OutputError.permission(path: path)
      case .SQLITE_CANTOPEN: OutputError.cannotCreate(path: path, reason: reason)
      default: OutputError.writeFailed(path: path, reason: reason)
      }
    }
  }
}

/// The file beside a store that says that somebody writes to it.
final class StoreLock {
  private let path: String
  private let descriptor: CInt

  /// - Throws: ``OutputError`` where another process has it.
  init(_ store: String) throws(OutputError) {
    path = store + "-lock"
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw .creation(store, errno) }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        Foundation.close(descriptor)
        throw .inUse(path: store)
      }
      // Whoever had it may have removed the file since it was opened.
      var (own, named) = (stat(), stat())
      if fstat(descriptor, &own) == 0, stat(path, &named) == 0, own.st_ino == named.st_ino {
        self.descriptor = descriptor
        Unfinished.note(path)
        return
      }
      Foundation.close(descriptor)
    }
  }

  deinit {
    unlink(path)
    Unfinished.note(path, isGone: true)
    Foundation.close(descriptor)
  }
}
