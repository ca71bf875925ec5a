// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Testing

/// SIGINT, SIGTERM and SIGHUP at random times: the program ends within a second, and leaves the old
/// file or the new one, whole, and nothing else.
@Suite(.serialized) struct InterruptionTests {
  /// The second that is promised, and another for the scheduling of a machine that runs all tests at
  /// once.
  static let limit = Duration.seconds(2)

  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }

  static let statuses: [CInt: Int32] = [SIGHUP: 129, SIGINT: 130, SIGTERM: 143]

  /// Work of a minute or more, of each kind; C kernels on all threads in the first ones.
  static let work: [[String]] = [
    ["spectrum", "cubic", "--omega", "0:3:201", "--tolerance", "1e-5", "--no-interpolation"],
    [
      "spectrum", "square", "--lifetime", "scba=0.1", "--omega", "0:1.5:301", "--tolerance", "1e-5",
      "--no-interpolation",
    ],
    [
      "spectrum", "square", "--lifetime", "site=0.1", "--omega", "0:1.5:301", "--no-interpolation",
    ],
    ["selfenergy", "cubic", "--lifetime", "scba=0.02", "--energy", "-8:8:4001"],
    ["coefficients", "cubic", "--mu=-3:-1:101"],
    [
      "matsubara", "square", "--temperature", "0.01", "--lifetime", "constant=0.01", "--count",
      "100",
    ],
  ]

  private func pause(_ seconds: ClosedRange<Double>, _ generator: inout Generator) {
    usleep(UInt32(1e6 * Double.random(in: seconds, using: &generator)))
  }

  private func check(_ run: LiveRun, _ signal: CInt, _ time: Duration, _ what: String) throws {
    print("\(what): ended \(time) after signal \(signal)")
    #expect(time < InterruptionTests.limit, "\(what)")
    #expect(run.status == InterruptionTests.statuses[signal], "\(what)")
    #expect(try run.errors == "kubo: interrupted\n", "\(what)")
    #expect(try run.output == "", "\(what)")
  }

  @Test(arguments: work) func duringWork(_ arguments: [String]) throws {
    var generator = Generator(state: UInt64(arguments.joined().utf8.count))
    let signals = [SIGINT, SIGTERM, SIGINT, SIGHUP]
    for signal in areTestsLong ? signals : Array(signals[2...]) {
      let scratch = try ScratchDirectory()
      let old = try scratch.file("a.csv", "old")
      let run = try LiveRun(arguments + ["--force", "--output", old])
      try run.awaitReadiness()
      pause(0...1.5, &generator)
      let time = run.interrupt(signal)
      try check(run, signal, time, arguments.prefix(2).joined(separator: " "))
      #expect(try scratch.names() == ["a.csv"])
      #expect(try String(contentsOfFile: old, encoding: .utf8) == "old")
    }
  }

  /// A large file from little work.
  static let large = [
    "spectrum", "chain", "--lifetime", "constant=0.3", "--omega", "0:0.5:200000",
    "--no-interpolation",
    "--dressing",
    "closed_printed", "--responses", "X,Y",
  ]

  /// The lines of a file but its header, where the time stands.
  private func table(_ path: String) throws -> Substring {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    return text[(text.range(of: "\nomega,")?.lowerBound ?? text.startIndex)...]
  }

  @Test(arguments: [true, false]) func whileWriting(_ hasOld: Bool) throws {
    let reference = try ScratchDirectory()
    let whole = try ProgramTests.run(
      InterruptionTests.large + ["--output", reference.path + "/whole.csv"])
    #expect(whole.status == 0)
    let expected = try table(reference.path + "/whole.csv")
    #expect(expected.utf8.count > 10_000_000)
    var generator = Generator(state: hasOld ? 1 : 2)
    var n = 0
    for _ in 0..<40 where n < 8 {
      let scratch = try ScratchDirectory()
      let path = scratch.path + "/a.csv"
      if hasOld { _ = try scratch.file("a.csv", "old") }
      let run = try LiveRun(
        InterruptionTests.large + ["--quiet", "--output", path] + (hasOld ? ["--force"] : []))
      let isWriting = try run.isSeen {
        let names = (try? scratch.names()) ?? []
        return names.contains { name in
          var status = stat()
          return name.hasPrefix(".kubo-") && stat("\(scratch.path)/\(name)", &status) == 0
            && status.st_size > 0
        }
      }
      guard isWriting else {
        #expect(try run.status == 0 && table(path) == expected)
        continue
      }
      pause(0...0.1, &generator)
      let signal = n % 2 == 0 ? SIGINT : SIGTERM
      n += 1
      let time = run.interrupt(signal)
      print("while writing: ended \(time) after signal \(signal), status \(run.status)")
      #expect(time < InterruptionTests.limit)
      let names = try scratch.names()
      if run.status == 0 {
        #expect(names == ["a.csv"])
        #expect(try table(path) == expected)
      } else {
        #expect(run.status == InterruptionTests.statuses[signal])
        #expect(try run.errors == "kubo: interrupted\n")
        #expect(names == ["a.csv"] || names == [] && !hasOld)
        if names == ["a.csv"] {
          let found = try table(path)
          #expect(found == "old" && hasOld || found == expected)
        }
      }
    }
    #expect(n == 8)
  }

  /// gnuplot ends as well, and its folder goes.
  @Test func whileDrawing() throws {
    for signal in [SIGINT, SIGTERM] {
      let scratch = try ScratchDirectory()
      let programs = try scratch.directory("bin")
      let folder = try scratch.directory("tmp")
      let script = try scratch.file(
        "bin/gnuplot", "#!/bin/sh\necho $$ > \(scratch.path)/process\nexec sleep 100\n")
      chmod(script, 0o755)
      let run = try LiveRun(
        [
          "compare", "chain", "--gamma", "0.1", "--omega", "0.5", "--tolerance", "0.1", "--output",
          "a.csv", "--quiet", "--picture", "a.svg",
        ], in: scratch.directory("results"),
        environment: [
          "TMPDIR": folder,
          "PATH": programs + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"),
        ])
      var process: pid_t?
      try run.waitUntil {
        let text = (try? String(contentsOfFile: scratch.path + "/process", encoding: .utf8)) ?? ""
        process = text.hasSuffix("\n") ? pid_t(text.dropLast()) : nil
        return process != nil
      }
      let time = run.interrupt(signal)
      try check(run, signal, time, "gnuplot")
      // Its new parent has to take note of its end first.
      var isGone = false
      for _ in 0..<10_000 where !isGone {
        let state = try? String(contentsOfFile: "/proc/\(process!)/stat", encoding: .utf8)
        isGone = state.map { $0.contains(") Z ") || !$0.contains("(sleep)") } ?? true
        usleep(1000)
      }
      #expect(isGone)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/results")
          == ["a.csv"])
    }
  }

  /// As after nohup.
  @Test func anIgnoredSignal() throws {
    let run = try LiveRun(InterruptionTests.work[0], ignoresHangUp: true)
    try run.awaitReadiness()
    run.send(SIGHUP)
    usleep(500_000)
    #expect(run.isRunning)
    try check(run, SIGTERM, run.interrupt(SIGTERM), "after an ignored SIGHUP")
  }

  /// With Ctrl-S nothing can be written, and whoever writes hangs.
  @Test func aTerminalThatHangs() throws {
    let terminal = try Terminal(isStopped: true)
    let run = try LiveRun(ProgressTests.long + ["--verbose"], terminal: terminal)
    try run.awaitReadiness()
    usleep(2_000_000)
    let time = run.interrupt(SIGINT)
    print("a terminal that hangs: ended \(time) after signal 2")
    #expect(time < InterruptionTests.limit)
    #expect(run.status == 130)
  }

  /// More signals do not make it worse.
  @Test func manySignals() throws {
    let scratch = try ScratchDirectory()
    let old = try scratch.file("a.csv", "old")
    let run = try LiveRun(InterruptionTests.work[0] + ["--force", "--output", old])
    try run.awaitReadiness()
    let time = run.interrupt(SIGINT, SIGINT, SIGINT, SIGINT)
    try check(run, SIGINT, time, "four signals")
    #expect(try scratch.names() == ["a.csv"])
  }
}
