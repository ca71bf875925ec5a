// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboFiles
import Testing

/// `kubo rerun`: what a table's header says is computed again, and nothing else is done.
@Suite struct RerunTests {
  /// Tables of all kinds that take a second at most.
  static let jobs: [[String]] = [
    ProgramTests.quick + ["--omega", "0:0.9:4", "--responses", "sigma,Y,X_na", "--per-diagram"],
    ProgramTests.quick + [
      "--omega", "0.3,0.9", "--responses", "sigma,s_full", "--per-band", "--units", "eV=1,nm=0.3",
      "--filling", "1.3",
    ],
    ["coefficients", "chain", "--mu=-1.5,-1,0.1", "--temperature", "0"],
    ["selfenergy", "chain", "--lifetime", "scba=0.3", "--energy", "-1:1:5", "--tolerance", "1e-4"],
    [
      "matsubara", "chain", "--count", "2", "--responses", "Y", "--temperature", "0.1",
      "--lifetime", "constant=0.3", "--tolerance", "1e-4",
    ],
    [
      "torque", "chain", "--current-density", "1e11", "--lattice-constant", "0.3",
      "--cross-section", "0.1", "--spin", "1", "--lifetime", "constant=0.3",
    ],
    ["compare", "chain", "--omega", "0.3,0.7", "--gamma", "0.4"],
    ["bands", "chain", "--points", "9"],
    ProgramTests.quick + [
      "--omega", "0THz:50THz:3", "--responses", "Y", "--units", "eV=0.3", "--temperature", "300K",
      "--mu=-0.4eV", "--set", "J=150meV",
    ],
  ]

  /// `bands` writes three tables at once; each is found again.
  @Test(arguments: ["bands", "density", "contours"]) func severalTables(_ name: String) throws {
    let scratch = try ScratchDirectory()
    let files = ["bands", "density", "contours"].map { "\(scratch.path)/\($0).csv" }
    let first = try ProgramTests.run([
      "bands", "square", "--points", "9", "--lifetime", "constant=0.5", "--tolerance", "1e-2",
      "--output", files[0], "--density", files[1], "--contours", files[2],
    ])
    try #require(first.status == 0, "\(first.errors)")
    let file = "\(scratch.path)/\(name).csv"
    let again = try ProgramTests.run(["rerun", file])
    #expect(again.status == 0, "\(again.errors)")
    let table = try CSVFile.read(path: file)
    #expect(again.output.contains("\n\(table.rows.count) rows, \(table.columns.count) columns\n"))
    // A number that has been changed is seen.
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let lines = text.split(separator: "\n").map(String.init)
    var cells = lines.last!.split(separator: ",").map(String.init)
    cells[3] = "\(Double(cells[3])! + 0.5)"
    let changed = (lines.dropLast() + [cells.joined(separator: ",")]).joined(separator: "\n") + "\n"
    try changed.write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try ProgramTests.run(["rerun", file]).status == 1)
  }

  /// The same program on the same machine finds the same bits, whatever the number of threads.
  @Test(arguments: jobs) func reproduces(_ job: [String]) throws {
    let scratch = try ScratchDirectory()
    let file = "\(scratch.path)/a b's.csv"
    let first = try ProgramTests.run(job + ["--output", file, "--threads", "2"])
    try #require(first.status == 0, "\(first.errors)")
    let again = try ProgramTests.run(["rerun", file, "--threads", "1"])
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.output.contains("\nall numbers are the same to the bit\nreproduced\n"))
    #expect(again.output.hasPrefix("kubo \(job[0]) chain "))
    #expect(try scratch.names() == ["a b's.csv"])
  }

  /// A stored number that differs by more than the error bounds is found and named; by less, it is
  /// reproduced within them.
  @Test func differences() throws {
    let scratch = try ScratchDirectory()
    let run = try ProgramTests.run(
      ProgramTests.quick + ["--omega", "0.3,0.8", "--responses", "Y", "--dressing", "bare"])
    try #require(run.status == 0)
    var lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    let last = lines.count - 2
    let row = lines[last].split(separator: ",").map(String.init)
    let (value, error) = (Double(row[1])!, Double(row[3])!)
    func rerun(_ cells: [String]) throws -> ProgramTests.Run {
      lines[last] = cells.joined(separator: ",")
      let file = try scratch.file("a.csv", lines.joined(separator: "\n"))
      return try ProgramTests.run(["rerun", file])
    }
    // The bounds of both count: two error bounds are allowed.
    var cells = row
    cells[1] = "\(value + 1.5 * error)"
    let near = try rerun(cells)
    #expect(near.status == 0)
    #expect(
      near.output.contains(
        "largest difference: 0.75 of the error bounds of both, Y.bare.re at omega = 0.8:"))
    #expect(near.output.hasSuffix("\nreproduced within the error bounds\n"))
    cells[1] = "\(value + 3 * error)"
    let far = try rerun(cells)
    #expect(far.status == 1)
    #expect(
      far.output.contains(
        "largest difference: 1.5 of the error bounds of both, Y.bare.re at omega = 0.8:"))
    #expect(far.output.hasSuffix("\nNOT reproduced\n"))
    #expect(far.errors == "kubo: \(scratch.path)/a.csv: not reproduced\n")
    // A doctored bound is no licence, neither for the number nor by itself.
    cells[3] = "1e99"
    #expect(try rerun(cells).status == 1)
    cells[1] = row[1]
    let bound = try rerun(cells)
    #expect(bound.status == 1 && bound.output.contains("differs: Y.bare.err at omega = 0.8"))
    cells = row
    cells[1] = ""
    let empty = try rerun(cells)
    #expect(empty.status == 1)
    #expect(empty.output.contains("differs: Y.bare.re at omega = 0.8: empty in the stored table"))
    #expect(try rerun(row).status == 0)
    // A setting that is not that of the command.
    let text = lines.joined(separator: "\n").replacing("\n# mu: -1.2\n", with: "\n# mu: -1.1\n")
    let other = try ProgramTests.run(["rerun", scratch.file("b.csv", text)])
    #expect(other.status == 1)
    #expect(other.output.contains("differs: mu: stored \"-1.1\", now \"-1.2\""))
  }

  /// A number without a bound has to be the same, but for rounding.
  @Test func unbounded() throws {
    let scratch = try ScratchDirectory()
    let run = try ProgramTests.run(["coefficients", "chain"])
    try #require(run.status == 0)
    var lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    let names = lines[lines.count - 3].split(separator: ",").map(String.init)
    let c = try #require(names.firstIndex(of: "Delta_over_J.mean"))
    var cells = lines[lines.count - 2].split(separator: ",").map(String.init)
    let value = Double(cells[c])!
    for (factor, status) in [(1 + 1e-9, 0), (1 + 1e-4, 1)] {
      cells[c] = "\(value * factor)"
      lines[lines.count - 2] = cells.joined(separator: ",")
      let file = try scratch.file("c.csv", lines.joined(separator: "\n"))
      #expect(try ProgramTests.run(["rerun", file]).status == status)
    }
  }

  /// The lines of a table, without the files that its header holds: as kubo 0.2 wrote it.
  static func withoutTexts(_ table: String) -> String {
    table.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { line in !["model_text", "diagram_"].contains { line.hasPrefix("# \($0)") } }
      .joined(separator: "\n")
  }

  /// In a table without texts the model file is found by the command's path, and must be the same to the byte.
  @Test func changedModel() throws {
    let scratch = try ScratchDirectory()
    let model = try String(contentsOfFile: "\(repository)/data/models/chain.yaml", encoding: .utf8)
    _ = try scratch.file("it's \"my\" $HOME.yaml", model)
    let job =
      ["spectrum", "it's \"my\" $HOME.yaml"] + ProgramTests.quick.dropFirst(2)
      + ["--omega", "0.4", "--responses", "Y", "--output", "a.csv"]
    #expect(try ProgramTests.run(job, in: scratch.path).status == 0)
    let table = try String(contentsOfFile: "\(scratch.path)/a.csv", encoding: .utf8)
    _ = try scratch.file("a.csv", RerunTests.withoutTexts(table))
    let same = try ProgramTests.run(["rerun", "a.csv"], in: scratch.path)
    #expect(same.status == 0, "\(same.errors)")
    _ = try scratch.file("it's \"my\" $HOME.yaml", model + "# a comment\n")
    let changed = try ProgramTests.run(["rerun", "a.csv"], in: scratch.path)
    #expect(changed.status == 65)
    #expect(
      changed.errors.contains(
        "as when a.csv was written; --allow-changed-model takes the file as it is"))
    #expect(changed.output == "")
    let allowed = try ProgramTests.run(
      ["rerun", "a.csv", "--allow-changed-model"], in: scratch.path)
    #expect(allowed.status == 0, "\(allowed.errors)")
    // With the text it is the model of the table that counts, and the difference is told.
    _ = try scratch.file("a.csv", table)
    _ = try scratch.file("it's \"my\" $HOME.yaml", model.replacing("J: 0.5", with: "J: 0.6"))
    let held = try ProgramTests.run(["rerun", "a.csv"], in: scratch.path)
    #expect(held.status == 0, "\(held.errors)")
    #expect(
      held.errors
        == "kubo: note: it's \"my\" $HOME.yaml has changed; rerun uses the model that a.csv holds\n"
    )
    let other = try ProgramTests.run(["rerun", "a.csv", "--allow-changed-model"], in: scratch.path)
    #expect(other.status == 1 && other.output.contains("differs: parameter.J: stored \"0.5\""))
  }

  /// No file that the header names is made, changed or drawn, and no shell sees the command.
  @Test func writesNothing() throws {
    let scratch = try ScratchDirectory()
    let run = try ProgramTests.run(
      ["compare", "chain", "--omega", "0.3,0.7", "--gamma", "0.4", "--output", "-"])
    try #require(run.status == 0)
    let command = "compare chain --omega 0.3,0.7 --gamma 0.4 --output"
    #expect(run.output.contains("# command: \(command) -\n"))
    let victim = try scratch.file("victim.csv", "mine\n")
    let text = run.output.replacing(
      "# command: \(command) -\n",
      with: "# command: \(command) victim.csv --force --picture picture.svg\n")
    _ = try scratch.file("a.csv", text)
    let again = try ProgramTests.run(["rerun", "a.csv"], in: scratch.path)
    #expect(again.status == 0, "\(again.errors)")
    #expect(try String(contentsOfFile: victim, encoding: .utf8) == "mine\n")
    #expect(try scratch.names() == ["a.csv", "victim.csv"])
    let substitution = run.output.replacing(
      "# command: \(command) -\n",
      with: "# command: compare '$(touch made)' --omega 0.3,0.7 --gamma 0.4\n")
    for (text, status) in [(RerunTests.withoutTexts(substitution), 66), (substitution, 0)] {
      _ = try scratch.file("b.csv", text)
      #expect(try ProgramTests.run(["rerun", "b.csv"], in: scratch.path).status == status)
      #expect(try scratch.names() == ["a.csv", "b.csv", "victim.csv"])
    }
  }

  /// Words survive quoting and splitting, and a shell reads them as they were.
  @Test func shellWords() throws {
    var generator = SeededGenerator(7)
    let alphabet = Array("ab0=,./-_ '\"\\$`;&|<>*?~#!(){}[]\n\té\u{301}😀")
    var words = ["", "'", "\"", "a b", "-", "it's", "\\", "$(id)", "'\"'\"'"]
    for _ in 0..<300 {
      words.append(
        String(
          (0..<Int.random(in: 1...6, using: &generator)).map { _ in
            alphabet.randomElement(using: &generator)!
          }))
    }
    let text = ShellWords.joined(words)
    #expect(ShellWords.split(text) == words)
    for word in words { #expect(ShellWords.split(ShellWords.joined([word])) == [word]) }
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = ["-c", "printf '%s\\0' " + text]
    let pipe = Pipe()
    shell.standardOutput = pipe
    try shell.run()
    let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
    shell.waitUntilExit()
    #expect(
      bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
        .map { String(decoding: $0, as: UTF8.self) } == words)
    for wrong in [
      "", " ", "a ", " a", "a  b", "a\tb", "'a", "a'", "\"a\"", "a\\ b", "$x", "`x`", "a;b", "'a'",
      "a'b c'd", "*", "~", "a#", "'a b'\"c\"",
    ] {
      #expect(ShellWords.split(wrong) == nil, "\(wrong)")
    }
  }

  /// Which column bounds the error of which.
  @Test func bounds() throws {
    var stored = CSVFile(
      columns: ["energy", "Sigma_0.re", "dos_A_up", "err", "residual", "dos.err"],
      rows: [[0, 1, 2, 0.1, 5, 0.5]])
    let again = stored
    #expect(Reproduction(stored: stored, again: again).isIdentical)
    stored.rows[0] = [0, 1.1, 2.5, 0.1, 6, 0.5]
    let found = Reproduction(stored: stored, again: again)
    #expect(found.holds && !found.isIdentical)
    #expect(abs(found.largest!.ratio - 0.5) < 1e-12)
    #expect(found.largestUnbounded?.place == "residual at energy = 0.0")
    stored.rows[0][2] = 3.5
    #expect(!Reproduction(stored: stored, again: again).holds)
    stored = again
    stored.columns[1] = "other"
    #expect(!Reproduction(stored: stored, again: again).holds)
    stored = again
    stored.rows.append(stored.rows[0])
    #expect(!Reproduction(stored: stored, again: again).holds)
    stored = again
    stored.rows[0][0] = 0.1
    #expect(!Reproduction(stored: stored, again: again).holds)
  }
}
