// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboFiles
import Testing

/// A table holds the files that its numbers come from, and is computed again from itself alone.
@Suite struct RecordedFilesTests {
  /// A model of one's own, whose text tries to leave the header, with any line ends and without a last one.
  static func model() throws -> String {
    try String(contentsOfFile: "\(repository)/data/models/chain.yaml", encoding: .utf8)
      .replacing("J: 0.5", with: "J: 0.45").replacing("\nparameters", with: "\r\nparameters")
      + "# \\n \"quoted\", é\u{301}\u{202e}\n\n#\tend: of the model"
  }

  /// A folder with a model and a diagram of one's own; of the latter half of the shipped one.
  static func folder() throws -> ScratchDirectory {
    let scratch = try ScratchDirectory()
    for name in ["own", "other/elsewhere"] { _ = try scratch.directory(name) }
    _ = try scratch.file("m.yaml", "\u{feff}" + model())
    let diagram = try String(
      contentsOfFile: "\(repository)/diagrams/full.gauge_first.yaml", encoding: .utf8)
    try #require(diagram.contains("\nprefactor: 1\n"))
    _ = try scratch.file(
      "own/d.yaml", diagram.replacing("\nprefactor: 1\n", with: "\nprefactor: 0.5\n"))
    return scratch
  }

  static let job =
    ["spectrum", "m.yaml"] + ProgramTests.quick.dropFirst(2)
    + ["--omega", "0.4,0.8", "--responses", "s_full,sigma", "--diagrams", "own", "--quiet"]

  @Test func aloneAndElsewhere() throws {
    let scratch = try RecordedFilesTests.folder()
    let first = try ProgramTests.run(
      RecordedFilesTests.job + ["--output", "a.csv"], in: scratch.path)
    try #require(first.status == 0, "\(first.errors)")
    let text = try String(contentsOfFile: "\(scratch.path)/a.csv", encoding: .utf8)
    // Every line but the names and the rows is a comment for those who read no header.
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"))
    #expect(lines.count { $0.first != UInt8(ascii: "#") } == 3)
    #expect(!text.unicodeScalars.contains { ["\r", "\u{2028}", "\u{85}", "\t"].contains($0) })
    #expect(text.contains("\n# diagram_text: prefactor: 0.5\n"))
    // The files as they were, to the byte.
    let header = try CSVFile.read(path: "\(scratch.path)/a.csv").header
    for (key, name): (HeaderKey, String) in [
      ("model_text", "m.yaml"), ("diagram_text", "own/d.yaml"),
    ] {
      let held = header.filter { $0.key == key }.map(\.value).joined(separator: "\n")
      #expect(
        Data(held.utf8) == (try Data(contentsOf: URL(filePath: "\(scratch.path)/\(name)"))))
    }

    let files = FileManager.default
    let there = "\(scratch.path)/other/elsewhere"
    try files.moveItem(atPath: "\(scratch.path)/a.csv", toPath: "\(there)/b.csv")
    for name in ["m.yaml", "own"] { try files.removeItem(atPath: "\(scratch.path)/\(name)") }
    let again = try ProgramTests.run(["rerun", "b.csv"], in: there)
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.output.contains("\nall numbers are the same to the bit\nreproduced\n"))
    #expect(again.errors == "kubo: note: diagram full.gauge_first replaces the shipped one\n")
    // Without the diagram the numbers are others: it was taken.
    _ = try scratch.file(
      "other/elsewhere/c.csv", text.replacing(" --diagrams own", with: ""))
    #expect(try ProgramTests.run(["rerun", "c.csv"], in: there).status == 1)
    // As old tables do, one without texts needs the files.
    _ = try scratch.file("other/elsewhere/d.csv", RerunTests.withoutTexts(text))
    #expect(try ProgramTests.run(["rerun", "d.csv"], in: there).status == 66)
  }

  /// A text that is not the one whose digest the header gives is refused.
  @Test(arguments: [
    ("# model_text: parameters: {t: 1.0", "# model_text: parameters: {t: 1.1", "model_text"),
    ("# diagram_text: prefactor: 0.5", "# diagram_text: prefactor: 0.6", "diagram_text"),
    ("# model_text: #\\tend: of the model\n", "", "model_text"),
  ]) func doctored(_ old: String, _ new: String, _ key: String) throws {
    let scratch = try RecordedFilesTests.folder()
    let first = try ProgramTests.run(RecordedFilesTests.job, in: scratch.path)
    try #require(first.output.ranges(of: old).count == 1)
    _ = try scratch.file("a.csv", first.output.replacing(old, with: new))
    let run = try ProgramTests.run(["rerun", "a.csv"], in: scratch.path)
    #expect(run.status == 65 && run.output.isEmpty)
    #expect(run.errors.hasPrefix("kubo: a.csv: \(key): found a text with the SHA-256 "))
  }

  /// All that the texts need to say, and their lines, in their order.
  @Test func disordered() throws {
    let scratch = try RecordedFilesTests.folder()
    let first = try ProgramTests.run(RecordedFilesTests.job, in: scratch.path)
    for key in ["diagram_file", "diagram_sha256"] {
      let lines = first.output.split(separator: "\n", omittingEmptySubsequences: false)
      let without = lines.filter { !$0.hasPrefix("# \(key): ") }.joined(separator: "\n")
      _ = try scratch.file("a.csv", without)
      let run = try ProgramTests.run(["rerun", "a.csv"], in: scratch.path)
      #expect(run.status == 65 && run.errors.contains("expected diagram_file, diagram_sha256 and"))
    }
  }

  /// An installation whose model and diagrams have changed since.
  @Test func changedInstallation() throws {
    let scratch = try ScratchDirectory()
    for name in ["data", "diagrams"] {
      try FileManager.default.copyItem(
        atPath: "\(repository)/\(name)", toPath: "\(scratch.path)/\(name)")
    }
    func run(_ arguments: [String]) throws -> ProgramTests.Run {
      try ProgramTests.run(
        ProgramTests.program, arguments, in: scratch.path, environment: ["KUBO_HOME": scratch.path])
    }
    let first = try run(
      ProgramTests.quick + ["--omega", "0.4", "--responses", "Y", "--output", "a.csv"])
    try #require(first.status == 0, "\(first.errors)")
    let path = "\(scratch.path)/data/models/chain.yaml"
    let model = try String(contentsOfFile: path, encoding: .utf8)
    try model.replacing("J: 0.5", with: "J: 0.7").write(
      toFile: path, atomically: true, encoding: .utf8)
    let again = try run(["rerun", "a.csv"])
    #expect(again.status == 0, "\(again.errors)")
    #expect(
      again.errors == "kubo: note: \(path) has changed; rerun uses the model that a.csv holds\n")
    try FileManager.default.removeItem(
      atPath: "\(scratch.path)/diagrams/full.gauge_first.yaml")
    let other = try run(["rerun", "a.csv", "--quiet"])
    #expect(other.status == 0 && other.errors.isEmpty)
    #expect(
      try run(["rerun", "a.csv"]).errors.hasSuffix(
        "kubo: note: \(scratch.path)/diagrams: not the shipped diagrams of the table\n"))
  }

  /// The date of a run in UTC; with SOURCE_DATE_EPOCH tables are the same to the byte.
  @Test func dates() throws {
    let job = ProgramTests.quick + ["--omega", "0.4", "--responses", "Y"]
    let now = Date()
    let run = try ProgramTests.run(job)
    let line = try #require(
      run.output.split(separator: "\n").first { $0.hasPrefix("# date: ") })
    let date = try Date(String(line.dropFirst(8)), strategy: .iso8601)
    #expect(abs(date.timeIntervalSince(now)) < 60 && line.hasSuffix("Z"))
    func fixed(_ date: String) throws -> ProgramTests.Run {
      try ProgramTests.run(
        ProgramTests.program, job,
        environment: [
          "KUBO_HOME": repository, "SOURCE_DATE_EPOCH": date, "TZ": "Asia/Tokyo", "LC_ALL": "ar_EG",
        ])
    }
    let first = try fixed("1700000000")
    #expect(first.output.contains("\n# date: 2023-11-14T22:13:20Z\n"))
    #expect(!first.output.contains("wall_time"))
    #expect(try fixed("1700000000").output == first.output)
    for wrong in ["", "x", "-1", "1e9", "253402300800"] {
      let run = try fixed(wrong)
      #expect(run.status == 64 && run.output.isEmpty)
      #expect(
        run.errors.contains("SOURCE_DATE_EPOCH: found '\(wrong)'; expected 0 to 253402300799"))
    }
  }

  /// A model of very many lines has them on one, so that the table can be read.
  @Test func manyLines() throws {
    let scratch = try ScratchDirectory()
    let model = try String(contentsOfFile: "\(repository)/data/models/chain.yaml", encoding: .utf8)
    _ = try scratch.file("m.yaml", model + String(repeating: "\n", count: 1_000_000))
    let job = ["spectrum", "m.yaml"] + ProgramTests.quick.dropFirst(2)
    let first = try ProgramTests.run(
      job + ["--omega", "0.4", "--responses", "Y", "--output", "a.csv"], in: scratch.path)
    try #require(first.status == 0, "\(first.errors)")
    try FileManager.default.removeItem(atPath: "\(scratch.path)/m.yaml")
    #expect(try CSVFile.read(path: "\(scratch.path)/a.csv").header.count < 100)
    #expect(try ProgramTests.run(["rerun", "a.csv"], in: scratch.path).status == 0)
  }
}
