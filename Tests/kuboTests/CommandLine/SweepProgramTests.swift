// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboFiles
import KuboTestSupport
import Testing

/// Sweeps by the program: points as single runs give them, and nothing lost when it is killed.
@Suite(.serialized) struct SweepProgramTests {
  /// Each with its single runs at the points.
  static let sweeps: [(words: [String], points: [(values: [Double?], words: [String])])] = {
    let tail = ["--omega", "0,0.4", "--responses", "sigma,Y", "--tolerance", "1e-3"]
    func spectrum(_ mu: Double, _ more: [String]) -> [String] {
      ["spectrum", "chain", "--mu=\(mu)"] + more + tail
    }
    let gammas = [0.1, 0.1 * .pow(0.4 / 0.1, 0.5), 0.4]
    let constant = [-1.0, -0.5].flatMap { mu in
      gammas.map { ([mu, $0], spectrum(mu, ["--lifetime", "constant=\($0)"])) }
    }
    let zipped = zip([-1.0, -0.5], [0.2, 0.3]).map {
      ([$0, $1], spectrum($0, ["--set", "J=\($1)", "--lifetime", "constant=0.3"]))
    }
    let units = [0.05, 0.1].map {
      ([$0], spectrum(-1, ["--temperature", "\($0)", "--lifetime", "constant=0.3"]))
    }
    let torque = [
      "torque", "chain", "--current-density", "1e11", "--lattice-constant", "0.3",
      "--cross-section", "0.1", "--tolerance", "1e-2",
    ]
    return [
      (
        ["spectrum", "chain", "--mu", "-1,-0.5", "--lifetime", "constant=0.1:0.4:log:3"] + tail,
        constant
      ),
      (
        [
          "spectrum", "chain", "--mu=-1:-0.5:2", "--set", "J=0.2,0.3", "--zip", "--lifetime",
          "constant=0.3",
        ] + tail, zipped
      ),
      // t is 2 eV.
      (
        [
          "spectrum", "chain", "--mu=-1", "--temperature", "100meV:200meV:2", "--units",
          "eV=2,nm=0.4",
          "--lifetime", "constant=0.3",
        ] + tail,
        units.map { ($0.0, $0.1 + ["--units", "eV=2,nm=0.4"]) }
      ),
      (
        ["coefficients", "chain", "--mu=-1.2,0", "--set", "t_prime=0.1:0.2:2"],
        [0.1, 0.2].map { (t: Double) in
          ([t], ["coefficients", "chain", "--mu=-1.2,0", "--set", "t_prime=\(t)"])
        }
      ),
      (
        torque + ["--spin", "0.5,1"],
        [0.5, 1].map { (spin: Double) in
          ([spin], torque + ["--spin", "\(spin)", "--output", "-"])
        }
      ),
      (
        ["compare", "chain", "--gamma", "0.3,0.4", "--omega", "0.2,0.8", "--tolerance", "1e-2"],
        [0.3, 0.4].map { (gamma: Double) in
          (
            [gamma],
            [
              "compare", "chain", "--gamma", "\(gamma)", "--omega", "0.2,0.8", "--tolerance",
              "1e-2",
              "--output", "-",
            ]
          )
        }
      ),
    ]
  }()

  private static func table(_ words: [String]) throws -> CSVFile {
    let run = try ProgramTests.run(words)
    try #require(run.status == 0, "\(words): \(run.errors)")
    return try CSVFile.read(Array(run.output.utf8), path: "output")
  }

  private static func bits(_ rows: [[Double?]]) -> [[UInt64?]] {
    rows.map { $0.map { $0?.bitPattern } }
  }

  /// Each point has the bits of its single run, and the table can be computed again from its header.
  @Test(arguments: sweeps.indices) func points(_ n: Int) throws {
    let (words, points) = SweepProgramTests.sweeps[n]
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/a.csv"
    let run = try ProgramTests.run(words + ["--output", path])
    try #require(run.status == 0, "\(run.errors)")
    #expect(run.output == "\(points.count) of \(points.count) points\nwritten: \(path)\n")
    #expect(try scratch.names().sorted() == ["a.csv", "a.csv.sqlite"])
    let table = try CSVFile.read(path: path)
    var rows: [[Double?]] = []
    for (values, words) in points {
      let single = try SweepProgramTests.table(words)
      #expect(Array(table.columns.dropFirst(values.count)) == single.columns)
      rows += single.rows.map { values + $0 }
    }
    #expect(SweepProgramTests.bits(table.rows) == SweepProgramTests.bits(rows))
    let again = try ProgramTests.run(["rerun", path, "--threads", "1"])
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.output.contains("all numbers are the same to the bit"))
  }

  /// A sweep of some seconds, of 30 points.
  static let long = [
    "spectrum", "chain", "--mu=-1.5:-0.1:10", "--lifetime", "constant=0.02,0.05,0.1", "--omega",
    "0:3:31", "--tolerance", "1e-7",
  ]

  /// Killed at random times, the same command goes on, repeats no point that is done, and ends with the same numbers.
  @Test func kills() throws {
    let scratch = try ScratchDirectory()
    let whole = try SweepProgramTests.table(SweepProgramTests.long)
    var generator = InterruptionTests.Generator(state: 24)
    var left = areTestsLong ? 200 : 20
    var rounds = 0
    while left > 0 {
      rounds += 1
      let path = "\(scratch.path)/\(rounds).csv"
      var seen = 0
      while true {
        let run = try LiveRun(SweepProgramTests.long + ["--output", path])
        // Some within the first milliseconds, when the store is made.
        usleep(UInt32(1e6 * Double.random(in: 0...(left % 4 == 0 ? 0.05 : 0.5), using: &generator)))
        run.send(SIGKILL)
        let status = run.status
        if status == 0 { break }
        #expect(status == -SIGKILL, "after a kill")
        left -= 1
        // Between its last step and its end.
        if FileManager.default.fileExists(atPath: path) { break }
        guard left > 0 else { break }
        if seen > 0 || FileManager.default.fileExists(atPath: path + ".sqlite") {
          let export = try ProgramTests.run(["sweep", "--export", path + ".sqlite"])
          let done =
            export.status == 0
            ? try CSVFile.read(Array(export.output.utf8), path: "export").rows.count / 31 : 0
          #expect(done >= seen, "what is done stays")
          seen = done
        }
      }
      let last = try ProgramTests.run(SweepProgramTests.long + ["--output", path, "--force"])
      #expect(last.status == 0, "\(last.errors)")
      #expect(
        SweepProgramTests.bits(try CSVFile.read(path: path).rows)
          == SweepProgramTests.bits(whole.rows))
    }
  }

  /// A disk with room for a part of the points.
  @Test(
    .enabled(
      if: RefusalTests.succeeds("unshare -m mount -t tmpfs none tmp"),
      "no file system may be mounted"))
  func fullDisk() throws {
    let whole = try SweepProgramTests.table(SweepProgramTests.long)
    let scratch = try ScratchDirectory()
    for folder in ["tmp", "disk"] { _ = try scratch.directory(folder) }
    for kibibytes in stride(from: 20, through: 560, by: areTestsLong ? 60 : 135) {
      let run = try RefusalTests.shell(
        """
        unshare -m sh -c 'mount -t tmpfs -o size=\(kibibytes)k none disk
          "$kubo" "$@"; echo $? >&2
          mount -o remount,size=10m disk && "$kubo" "$@"; status=$?
          cat disk/a.csv; exit $status' sh "$@"
        """, SweepProgramTests.long + ["--quiet", "--force", "--output", "disk/a.csv"],
        in: scratch)
      #expect(run.status == 0, "\(kibibytes): \(run.errors)")
      #expect(kibibytes > 300 || run.errors.contains("\n74\n"), "\(kibibytes): \(run.errors)")
      let table = try CSVFile.read(Array(run.output.utf8), path: "output")
      #expect(SweepProgramTests.bits(table.rows) == SweepProgramTests.bits(whole.rows))
    }
  }

  /// A second process on the store is refused, and the table of what is there can be written meanwhile.
  @Test func twoProcesses() throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/a.csv"
    let first = try LiveRun(SweepProgramTests.long + ["--output", path])
    try first.waitUntil {
      (try? ProgramTests.run(["sweep", "--export", path + ".sqlite"]))?.status == 0
    }
    let second = try ProgramTests.run(SweepProgramTests.long + ["--output", path])
    #expect(second.status == 73)
    #expect(
      second.errors
        == "kubo: another process is writing '\(path).sqlite'\n")
    #expect(first.status == 0)
    #expect(try scratch.names().sorted() == ["a.csv", "a.csv.sqlite"])
  }

  /// A sweep takes what is told beforehand, to a factor of 2 or so; nothing is written.
  @Test func estimate() throws {
    let scratch = try ScratchDirectory()
    for words in [
      SweepProgramTests.long,
      [
        "coefficients", "square", "--mu=-1:-0.9:2", "--temperature", "0.05:0.1:20", "--tolerance",
        "1e-4",
      ],
    ] {
      let told = try ProgramTests.run(
        words + ["--estimate", "--output", "a.csv"], in: scratch.path)
      #expect(told.status == 0, "\(told.errors)")
      let line = try #require(
        told.output.wholeMatch(
          of:
            /estimate: ([\d.]+) s, .* for (\d+) points on \d+ threads; from up to \d+ of them in .* s\n/
        ), "\(told.output)")
      #expect(line.2 == (words[0] == "spectrum" ? "30" : "20"))
      #expect(try scratch.names() == [])
      let start = ContinuousClock.now
      #expect(try ProgramTests.run(words, in: scratch.path).status == 0)
      let time = start.duration(to: .now)
      print("estimate \(line.1) s, took \(time)")
      // Machines that run all tests at once take their time.
      let ratio = time / .seconds(try #require(Double(line.1)))
      #expect(ratio > 0.2 && ratio < 5, "\(ratio)")
    }
  }

  /// Points of which values are missing are in the table, are counted and told, and are not computed again.
  @Test func failures() throws {
    let scratch = try ScratchDirectory()
    // At -0.5 the chain without t' has a van Hove energy; a lifetime in gauges so narrow does not converge there.
    let words = [
      "spectrum", "chain", "--mu=-1.2,-0.5", "--set", "t_prime=0", "--temperature", "0",
      "--lifetime", "constant=1e-12", "--responses", "Y", "--dressing", "bare", "--omega", "0.3",
      "--output", "a.csv",
    ]
    let run = try ProgramTests.run(words, in: scratch.path)
    #expect(run.status == 80)
    #expect(run.output == "2 of 2 points\nwritten: a.csv\n")
    #expect(run.errors.hasPrefix("kubo: mu = -0.5: "), "\(run.errors)")
    let table = try CSVFile.read(path: "\(scratch.path)/a.csv")
    #expect(table[header: "points.with_failures"] == "1")
    #expect(table.rows.map { $0[0] } == [-1.2, -0.5])
    #expect(table.rows[0].allSatisfy { $0 != nil })
    #expect(table.rows[1][2] == nil)
    let again = try ProgramTests.run(words + ["--force"], in: scratch.path)
    #expect(again.status == 80)
    #expect(again.errors == run.errors)
  }

  /// Shards joined, run files, and points that fail.
  @Test func partsAndFiles() throws {
    let scratch = try ScratchDirectory()
    let words = Array(SweepProgramTests.sweeps[0].words)
    let whole = try SweepProgramTests.table(words)
    for n in 1...4 {
      let run = try ProgramTests.run(
        words + ["--output", "a.csv", "--shard", "\(n)/4"], in: scratch.path)
      #expect(
        run.output == "\(n < 3 ? 2 : 1) of 6 points\nwritten: a.csv.\(n)-of-4.sqlite\n",
        "\(run.errors)")
    }
    let stores = (1...4).map { "a.csv.\($0)-of-4.sqlite" }
    let merged = try ProgramTests.run(
      ["sweep", "--merge", "--output", "a.csv"] + stores, in: scratch.path)
    #expect(merged.output == "6 of 6 points\nwritten: a.csv\n", "\(merged.errors)")
    #expect(
      SweepProgramTests.bits(try CSVFile.read(path: "\(scratch.path)/a.csv").rows)
        == SweepProgramTests.bits(whole.rows))
    let written = try ProgramTests.run(words + ["--write-run", "run.yaml"], in: scratch.path)
    #expect(written.output == "written: run.yaml\n")
    let run = try ProgramTests.run(["sweep", "run.yaml"], in: scratch.path)
    let table = try CSVFile.read(Array(run.output.utf8), path: "output")
    #expect(table[header: "command"] == whole[header: "command"])
    #expect(
      SweepProgramTests.bits(table.rows) == SweepProgramTests.bits(whole.rows), "\(run.errors)")
  }

  /// The run files that are shipped: read, and in the long tests computed and drawn as their first lines say.
  @Test(arguments: [
    ("resonance", "X_na_all.bare.im"), ("coefficients", "P_n.corrected"),
    ("ladder", "Sigma_full.ladder.im"),
  ])
  func shippedRuns(_ name: String, _ column: String) throws {
    let scratch = try ScratchDirectory()
    let file = "\(repository)/data/runs/\(name).yaml"
    #expect(try String(contentsOfFile: file, encoding: .utf8).contains("--map \(column)\n"))
    // Refused when the file has been read.
    let read = try ProgramTests.run(["sweep", file, "--shard", "1/1"])
    #expect(read.errors.hasPrefix("kubo: --shard: found without --output"), "\(read.errors)")
    guard areTestsLong else { return }
    let run = try ProgramTests.run(["sweep", file, "--output", "a.csv"], in: scratch.path)
    #expect(run.status == 0, "\(run.errors)")
    let map = try ProgramTests.run(["plot", "a.csv", "--map", column], in: scratch.path)
    #expect(map.output == "drawn: a.svg\n", "\(map.errors)")
  }

  /// A map of a sweep is that of the tables of its single runs, also where a point has no values.
  @Test func maps() throws {
    let scratch = try ScratchDirectory()
    let tail = ["--omega", "0.2,0.5,0.8", "--responses", "Y", "--tolerance", "1e-3"]
    for gamma in ["0.1", "0.4"] {
      let run = try ProgramTests.run(
        ["spectrum", "chain", "--lifetime", "constant=\(gamma)", "--output", "\(gamma).csv"] + tail,
        in: scratch.path)
      #expect(run.status == 0)
    }
    let sweep = try ProgramTests.run(
      ["spectrum", "chain", "--lifetime", "constant=0.1,0.4", "--output", "sweep.csv"] + tail,
      in: scratch.path)
    #expect(sweep.status == 0)
    for (tables, output) in [(["0.1.csv", "0.4.csv"], "a.svg"), (["sweep.csv"], "b.svg")] {
      let map = try ProgramTests.run(
        ["plot"] + tables + ["--map", "Y.bare.im", "--output", output], in: scratch.path)
      #expect(map.status == 0, "\(map.errors)")
    }
    let pictures = try ["a.svg", "b.svg"].map {
      try String(contentsOfFile: "\(scratch.path)/\($0)", encoding: .utf8)
    }
    #expect(pictures[0] == pictures[1])
    var table = try CSVFile.read(path: "\(scratch.path)/sweep.csv")
    table.rows.append([0.7] + table.columns.dropFirst().map { _ in nil })
    try table.write(to: "\(scratch.path)/holes.csv", overwrite: false)
    let holes = try ProgramTests.run(
      ["plot", "holes.csv", "--map", "Y.bare.im"], in: scratch.path)
    #expect(holes.status == 0, "\(holes.errors)")
  }
}
