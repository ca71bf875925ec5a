// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import GRDB
import KuboFiles
import KuboSweeps
import KuboTestSupport
import Testing

/// What a store keeps, and whom it refuses.
@Suite struct SweepStoreTests {
  private static let axes = [
    SweepAxis(name: "parameter.j", text: "0:1:2", unit: "t", values: [0, 1]),
    SweepAxis(name: "parameter.J", text: "-1:1:2", unit: "t", values: [-1, 1]),
  ]
  private func run(_ settings: [SweepRun.Setting] = []) -> SweepRun {
    SweepRun(
      settings: [
        .init("program", "kubo 0"), .init("subcommand", "spectrum"), .init("points", "4"),
        .init("model", "chain"), .init("set", "j=0:1:2"), .init("set", "J=-1:1:2"),
      ] + settings, axes: SweepStoreTests.axes)
  }

  /// Point `n` as a command would give it; the last fails.
  private func point(_ n: Int) throws -> SweepStore.Point {
    let values = try Sweep(SweepStoreTests.axes)[n]
    if n == 3 {
      return .init(n, values, table: nil, failures: ["no convergence", "more"], seconds: 1)
    }
    return .init(
      n, values,
      table: CSVFile(
        header: [
          ("program", "kubo 0"), ("model", "chain"), ("grid", "\(n % 2)"), ("model_text", "a"),
          ("model_text", "a"),
        ], columns: ["omega", "s.re", "S.re"],
        rows: [[0, -0.0, nil], [0.1 + 0.2, .leastNonzeroMagnitude, Double(n)]]), seconds: 0.5)
  }

  private func text(_ store: SweepStore) throws -> String {
    try store.table(date: "today", withTime: true).text
  }

  private func message(_ work: () throws -> Void) -> String {
    do {
      try work()
      return ""
    } catch {
      return "\(error)"
    }
  }

  /// Each number has its bits, also where SQL knows no difference between names; what differs between points is not in the
  /// header.
  @Test func tables() throws {
    let store = try SweepStore(path: nil, run: run())
    for n in [2, 0, 3, 1] { try store.write(point(n)) }
    #expect(
      try text(store) == """
        # program: kubo 0
        # date: today
        # command: spectrum chain --set j=0:1:2 --set J=-1:1:2
        # model: chain
        # axis.parameter.j: 0:1:2
        # unit.parameter.j: t
        # axis.parameter.J: -1:1:2
        # unit.parameter.J: t
        # points: 4 of 4 points
        # points.with_failures: 1
        # wall_time_s: 2.5
        # model_text: a
        # model_text: a
        parameter.j,parameter.J,omega,s.re,S.re
        0.0,-1.0,0.0,-0.0,
        0.0,-1.0,0.30000000000000004,5e-324,0.0
        0.0,1.0,0.0,-0.0,
        0.0,1.0,0.30000000000000004,5e-324,1.0
        1.0,-1.0,0.0,-0.0,
        1.0,-1.0,0.30000000000000004,5e-324,2.0
        1.0,1.0,,,

        """)
    let failures = try store.failures(limit: 5)
    #expect(failures.count == 1)
    #expect(failures.first[0].place == "parameter.j = 1.0, parameter.J = 1.0")
    #expect(failures.first[0].reason == "no convergence\nmore")
  }

  /// In whatever order and however often it is interrupted, and in parts.
  @Test func reopeningAndMerging() throws {
    let scratch = try ScratchDirectory()
    let whole = try SweepStore(path: nil, run: run())
    for n in 0..<4 { try whole.write(point(n)) }
    let path = "\(scratch.path)/a.sqlite"
    for n in [3, 1, 0, 2] {
      let store = try SweepStore(path: path, run: run())
      #expect(try !store.finished.contains(n))
      try store.write(point(n))
      try store.close()
      #expect(try scratch.names() == ["a.sqlite"], "one file")
    }
    #expect(try text(SweepStore(reading: path)) == text(whole))
    let parts = [[0, 2], [3, 1]].enumerated().map { n, points in
      ("\(scratch.path)/part\(n).sqlite", points)
    }
    for (path, points) in parts {
      let store = try SweepStore(path: path, run: run())
      for n in points { try store.write(point(n)) }
      try store.close()
    }
    let merged = try SweepStore.merging(parts.map(\.0), into: "\(scratch.path)/merged.sqlite")
    #expect(try text(merged) == text(whole))
    let file = "\(scratch.path)/merged.csv"
    try merged.export(to: file, overwrite: false, date: "today", withTime: true)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == text(whole))
  }

  @Test func refusals() throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/a.sqlite"
    let store = try SweepStore(path: path, run: run())
    #expect(
      message { _ = try SweepStore(path: path, run: run()) }
        == "another process is writing '\(path)'")
    #expect(
      message { _ = try SweepStore(reading: path).table(date: "", withTime: false) }
        == "\(path): found no point that is done; expected a sweep with values")
    try store.write(point(0))
    #expect(throws: FileError.self, "other columns") {
      try store.write(.init(1, [0, 1], table: CSVFile(columns: ["omega"]), seconds: 0))
    }
    try store.close()
    #expect(
      message { _ = try SweepStore(path: path, run: run([.init("tolerance", "1e-3")])) }
        == "\(path): tolerance: found none; expected '1e-3', as asked for now: another --output, or remove the store"
    )
    let text = try scratch.file(
      "text",
      "no database, but as long as the head of one must be" + String(repeating: ".", count: 100))
    #expect(
      message { _ = try SweepStore(reading: text) }
        == "\(text): found no database (file is not a database); expected the store of a sweep")
    #expect(try String(contentsOfFile: text, encoding: .utf8).hasPrefix("no database"))
    let other = "\(scratch.path)/other.sqlite"
    try DatabaseQueue(path: other).write { try $0.execute(sql: "CREATE TABLE mine (x)") }
    for work in [
      { _ = try SweepStore(reading: other) }, { _ = try SweepStore(path: other, run: run()) },
    ] {
      #expect(
        message(work)
          == "\(other): found a database of another program; expected the store of a sweep")
    }
    #expect(try scratch.names().sorted() == ["a.sqlite", "other.sqlite", "text"])
  }

  /// A million points of one frequency and five columns: what the store takes, and that its table is written in little memory.
  @Test(.enabled(if: areTestsLong))
  func aMillionPoints() throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/a.sqlite"
    let axes = ["mu", "parameter.J"].map { name in
      SweepAxis(name: name, text: "", values: (0..<1000).map { Double($0) / 7 })
    }
    let sweep = try Sweep(axes)
    let store = try SweepStore(
      path: path,
      run: SweepRun(settings: [.init("points", "\(sweep.count)")], axes: axes))
    let clock = ContinuousClock()
    let writing = try clock.measure {
      for n in 0..<sweep.count {
        let values = (1...5).map { Double(n * $0) / 3 as Double? }
        try store.write(
          .init(
            n, sweep[n],
            table: CSVFile(
              header: [("model", "chain")],
              columns: ["omega", "a.re", "a.im", "a.err", "a.static"],
              rows: [values]), seconds: 0.1))
      }
    }
    try store.close()
    func size(_ name: String) throws -> Int {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(scratch.path)/\(name)")
      return attributes[.size] as? Int ?? 0
    }
    let export = try clock.measure {
      let reader = try SweepStore(reading: path)
      #expect(try reader.finished.count == sweep.count)
      try reader.export(
        to: "\(scratch.path)/a.csv", overwrite: false, date: "", withTime: false)
    }
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    print(
      "a million points: written in \(writing), \(try size("a.sqlite") / 1_000_000) MB; exported in \(export), \(try size("a.csv") / 1_000_000) MB; peak \(usage.ru_maxrss / 1000) MB"
    )
    #expect(usage.ru_maxrss < 500_000, "in kB")
  }
}
