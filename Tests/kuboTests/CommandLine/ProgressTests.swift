// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboDiagrams
import Testing
import kubo

/// What the program tells while it works, on a terminal and elsewhere.
@Suite struct ProgressTests {
  static let long = [
    "spectrum", "cubic", "--omega", "0:3:201", "--tolerance", "1e-5", "--no-interpolation",
  ]

  /// The line appears, fits, and is gone before the last message.
  @Test(arguments: [UInt16(80), 30]) func line(_ columns: UInt16) throws {
    let terminal = try Terminal(columns: columns)
    let run = try LiveRun(ProgressTests.long, terminal: terminal)
    try run.waitUntil { terminal.drawn.count > 2 }
    _ = run.interrupt(SIGINT)
    #expect(run.status == 130)
    #expect(terminal.remaining == ["kubo: interrupted"])
    for line in terminal.drawn {
      #expect(line.count < Int(columns))
      #expect(line.hasPrefix("kubo 0:"))
      #expect(line.unicodeScalars.allSatisfy { $0.isASCII && $0.value >= 32 }, "\(line)")
    }
  }

  /// After the end no line is left, whether or not the work took long enough for one.
  @Test func end() throws {
    let terminal = try Terminal()
    let run = try LiveRun(
      [
        "spectrum", "square", "--omega", "0:3:301", "--tolerance", "1e-6", "--no-interpolation",
      ], terminal: terminal)
    #expect(run.status == 0)
    let remaining = terminal.remaining
    #expect(!remaining.isEmpty)
    #expect(remaining.allSatisfy { $0.hasPrefix("kubo: ") }, "\(remaining)")
  }

  /// Elsewhere than on a terminal that can erase, nothing; with --quiet nothing anywhere.
  @Test func silence() throws {
    let terminals = try [(["--quiet"], [:]), ([], ["TERM": "dumb"])].map {
      (arguments, environment) in
      let terminal = try Terminal()
      return (
        terminal,
        try LiveRun(ProgressTests.long + arguments, environment: environment, terminal: terminal)
      )
    }
    let file = try LiveRun(ProgressTests.long)
    let runs = terminals.map(\.1) + [file]
    for run in runs { try run.awaitReadiness() }
    usleep(2_500_000)
    #expect(try file.errors == "")
    for run in runs { _ = run.interrupt(SIGINT) }
    for (terminal, _) in terminals {
      #expect(terminal.remaining == ["kubo: interrupted"])
      #expect(terminal.drawn.isEmpty)
    }
  }

  /// Work that takes longer than ten seconds says so once where there is no terminal, unless it is to be quiet.
  @Test func longWork() throws {
    let long = ProgressTests.long + ["--threads", "1"]
    // All at once, and not long enough for an end.
    let runs = try [
      (long, "--tolerance is faster, --verbose shows details; --estimate predicts"),
      (
        ["matsubara", "square", "--lifetime", "scba=0.1", "--threads", "1"],
        "--tolerance is faster, --verbose shows details\n"
      ),
      (long + ["--quiet"], ""),
    ].map { (arguments, advice) in (try LiveRun(arguments), advice) }
    for (run, _) in runs { try run.awaitReadiness() }
    usleep(500_000)
    // They need not compute until the time has come.
    for (run, _) in runs { run.send(SIGSTOP) }
    usleep(9_000_000)
    for (run, _) in runs { run.send(SIGCONT) }
    usleep(3_000_000)
    for (run, advice) in runs {
      let errors = try run.errors
      _ = run.interrupt(SIGINT)
      if advice.isEmpty {
        #expect(errors == "")
        continue
      }
      #expect(errors.hasPrefix("kubo: note: running for 0:10, now at "))
      #expect(errors.contains(advice), "\(errors)")
      #expect(errors.split(separator: "\n").count == 1)
    }
  }

  /// Notes, but not errors, go with --quiet.
  @Test func quiet() throws {
    let scratch = try ScratchDirectory()
    let poor =
      ProgramTests.quick + [
        "--omega", "0.9", "--responses", "Y_na", "--output", scratch.path + "/a.csv", "--force",
      ]
    let loud = try ProgramTests.run(poor)
    #expect(
      loud.errors.hasPrefix(
        "kubo: note: Y_na.closed is unreliable here: it assumes Delta_k = J, but"))
    #expect(loud.output.contains("written: "))
    let quiet = try ProgramTests.run(poor + ["--quiet"])
    #expect(quiet.status == 0 && quiet.errors == "" && quiet.output == "")
    #expect(try scratch.names() == ["a.csv"])
    let pole = try ProgramTests.run(
      ProgramTests.quick + ["--omega", "1", "--responses", "X_na", "--quiet"])
    #expect(pole.status == 0 && pole.errors == "")
    #expect(pole.output.contains("omega,X_na.bare.re"))
    let failing = try ProgramTests.run([
      "coefficients", "chain", "--set", "t_prime=0", "--mu=-0.5", "--temperature", "0", "--quiet",
    ])
    #expect(failing.status == 80 && failing.errors.hasPrefix("kubo: mu = -0.5: a van Hove energy"))
    #expect(failing.output.contains("mu,sigma_c_over_tau"))
    let refused = try ProgramTests.run(["spectrum", "no_such_model", "--quiet"])
    #expect(refused.status == 66 && refused.errors.contains("no_such_model"))
  }

  @Test(arguments: [
    (
      [
        "spectrum", "chain", "--omega", "0.4", "--lifetime", "constant=0.001", "--temperature", "0",
      ],
      ["contours: grid ", "info: contours for 2 functions"]
    ),
    (
      ["spectrum", "chain", "--omega", "0.4", "--set", "J=0.01", "--responses", "sigma"],
      ["real zone: grid ", "info: the real zone serves 2 of 2 functions"]
    ),
    (
      ["spectrum", "chain", "--lifetime", "scba=0.2", "--omega", "0.4", "--tolerance", "1e-3"],
      ["survey of self-energies: 401/401 energies in ", "energy integrals: loops on "]
    ),
    (["selfenergy", "chain", "--lifetime", "site=0.2", "--energy", "0"], ["self-energies: grid "]),
    (["coefficients", "chain", "--mu=-1.5"], ["coefficients: Fermi surface: grid "]),
    (["matsubara", "chain", "--temperature", "0.1", "--count", "1"], ["Matsubara sums: grid "]),
    (
      ["compare", "chain", "--gamma", "0.1", "--omega", "0.5", "--tolerance", "0.1"],
      ["comparison: survey of self-energies"]
    ),
    (["verify", "chain", "--dressing", "bare"], ["debug: vertices in ", "f-sum rule"]),
  ]) func verbose(_ arguments: [String], _ texts: [String]) throws {
    let run = try ProgramTests.run(arguments + ["--verbose"])
    #expect(run.status == 0, "\(run.errors)")
    for text in texts { #expect(run.errors.contains(text), "\(text) in \(run.errors)") }
    #expect(run.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("kubo: ") })
    #expect(run.errors.contains("kubo: debug: "))
    // The results are the same bits.
    let silent = try ProgramTests.run(arguments)
    func rows(_ text: String) -> [Substring] {
      text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    }
    #expect(rows(run.output) == rows(silent.output))
    let both = try ProgramTests.run(arguments + ["--verbose", "--quiet"])
    #expect(both.status == 64)
    #expect(both.errors.contains("--quiet: found with --verbose; expected one of them"))
  }

  private func level(
    _ name: String, _ done: Int, _ total: Int?, isEven: Bool = true, _ seconds: Int
  ) -> WorkProgress.Level {
    .init(
      name: name, unit: "points", done: done, total: total, isEven: isEven,
      elapsed: .seconds(seconds))
  }

  @Test func textOfTheLine() {
    let outer = level("contours", 3, 7, isEven: false, 50)
    let inner = level("grid 12^2", 36, 144, 10)
    func text(_ levels: [WorkProgress.Level], _ width: Int = 120) -> String {
      ProgressLine.text(levels, elapsed: .seconds(3661), width: width)
    }
    #expect(
      text([outer, inner])
        == "kubo 1:01:01 contours: 3/7 points; grid 12^2: 36/144 points, 0:30 left for it, 3.6/s")
    #expect(
      text([outer, inner], 70) == "kubo 1:01:01 grid 12^2: 36/144 points, 0:30 left for it, 3.6/s")
    #expect(text([outer, inner], 20) == "kubo 1:01:01 grid 1")
    // No time left without a total, at the beginning, or where the rest may take longer.
    #expect(
      ProgressLine.note([level("a", 4, nil, 2)], elapsed: .seconds(10), advice: "; b")
        == "note: running for 0:10, now at a: 4 points, 2/s; b")
    #expect(text([level("a", 4, nil, 2)]) == "kubo 1:01:01 a: 4 points, 2/s")
    #expect(text([level("a", 0, 9, 2)]) == "kubo 1:01:01 a: 0/9 points")
    #expect(text([level("a", 4, 9, isEven: false, 2)]) == "kubo 1:01:01 a: 4/9 points, 2/s")
    #expect(text([level("a\u{1b}[2J\r\n", 4, nil, 2)]).allSatisfy { $0.isASCII && !$0.isNewline })
    #expect(!text([level("a\u{1b}[2J", 4, nil, 2)]).contains("\u{1b}"))
    for (done, rate) in [(999, "999"), (7484, "7.48k"), (999_999, "1000k"), (12_100_000, "12.1M")] {
      #expect(text([level("a", done, nil, 1)]).hasSuffix(", \(rate)/s"))
    }
    for width in 0..<100 {
      #expect(text([outer, inner], width).count <= max(0, width - 1))
    }
  }
}
