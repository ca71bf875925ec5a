// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Synchronization
import Testing

/// The program while it runs.
final class LiveRun {
  private let process = Process()
  private let scratch: ScratchDirectory
  private let terminal: Terminal?
  private let expected: [CInt]

  /// Starts the program with standard error on a file, or on a terminal; whoever starts it may have it
  /// ignore SIGHUP.
  init(
    _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:],
    terminal: Terminal? = nil, ignoresHangUp: Bool = false
  ) throws {
    self.terminal = terminal
    expected = [SIGINT, SIGTERM] + (ignoresHangUp ? [] : [SIGHUP])
    scratch = try ScratchDirectory()
    // Whoever runs the tests may ignore signals, and children inherit that.
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments =
      ["--default-signal=INT,TERM,HUP"] + (ignoresHangUp ? ["--ignore-signal=HUP"] : [])
      + [ProgramTests.program.path] + arguments
    process.environment = ProcessInfo.processInfo.environment
      .merging(["KUBO_HOME": repository, "TERM": "xterm"]) { $1 }.merging(environment) { $1 }
    if let directory { process.currentDirectoryURL = URL(filePath: directory) }
    process.standardOutput = try FileHandle(
      forWritingTo: URL(filePath: scratch.file("out", "")))
    let errors = try FileHandle(forWritingTo: URL(filePath: scratch.file("err", "")))
    process.standardError = terminal?.end ?? errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    terminal?.closeEnd()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  var isRunning: Bool { process.isRunning }

  /// Waits until the program is ready for signals, which is so from the first millisecond of its work on.
  func awaitReadiness() throws {
    try waitUntil {
      let text =
        (try? String(
          contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
      let line = text.split(separator: "\n").first { $0.hasPrefix("SigCgt:") } ?? ""
      let caught = UInt64(line.drop { $0 != "\t" }.dropFirst(), radix: 16) ?? 0
      return expected.allSatisfy { caught >> UInt64($0 - 1) & 1 == 1 }
    }
  }

  /// Waits for a condition while the program runs; a minute must do.
  func waitUntil(_ condition: () -> Bool) throws {
    try #require(try isSeen(condition), "ended too early")
  }

  /// Waits for a condition, which may have come and gone on a busy machine: false if the program ended.
  func isSeen(_ condition: () -> Bool) throws -> Bool {
    let start = ContinuousClock.now
    while !condition() {
      guard process.isRunning else { return false }
      try #require(start.duration(to: .now) < .seconds(60))
      usleep(1000)
    }
    return true
  }

  /// Sends a signal.
  func send(_ signal: CInt) { kill(process.processIdentifier, signal) }

  /// Sends signals and waits for the end: how long that took.
  func interrupt(_ signals: CInt...) -> Duration {
    let start = ContinuousClock.now
    for signal in signals { send(signal) }
    while process.isRunning, start.duration(to: .now) < .seconds(30) { usleep(500) }
    return start.duration(to: .now)
  }

  /// The exit status, or minus the signal that ended the program; waits for the end.
  var status: Int32 {
    process.waitUntilExit()
    return process.terminationReason == .exit
      ? process.terminationStatus : -process.terminationStatus
  }

  /// What was written so far.
  var output: String {
    get throws { try String(contentsOfFile: scratch.path + "/out", encoding: .utf8) }
  }
  var errors: String {
    get throws {
      if let terminal { return terminal.text }
      return try String(contentsOfFile: scratch.path + "/err", encoding: .utf8)
    }
  }
}

/// A pseudo-terminal that keeps all that is written to it.
final class Terminal: Sendable {
  private let master: CInt
  private let received = Mutex(Data())
  private let isClosed = Mutex(false)
  /// The end for the program.
  let end: FileHandle

  /// A terminal, perhaps one that Ctrl-S has stopped.
  init(columns: UInt16 = 80, isStopped: Bool = false) throws {
    var ends: (master: CInt, slave: CInt) = (-1, -1)
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    try #require(openpty(&ends.master, &ends.slave, nil, nil, &size) == 0)
    // Another test's program must not keep the terminal open.
    for end in [ends.master, ends.slave] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    master = ends.master
    end = FileHandle(fileDescriptor: ends.slave, closeOnDealloc: true)
    if isStopped { try #require(tcflow(ends.slave, TCOOFF) == 0) }
    Thread.detachNewThread { [self] in
      var bytes = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(master, &bytes, bytes.count)
        if count < 0 && errno == EINTR { continue }
        // EIO: no program has the terminal any more.
        guard count > 0 else { break }
        received.withLock { $0.append(contentsOf: bytes[..<count]) }
      }
      close(master)
      isClosed.withLock { $0 = true }
    }
  }

  fileprivate func closeEnd() { try? end.close() }

  /// All that was written so far.
  var text: String { received.withLock { String(decoding: $0, as: UTF8.self) } }

  /// All that was written, once the program has gone.
  var all: String {
    while !isClosed.withLock({ $0 }) { usleep(1000) }
    return text
  }

  /// What a reader of the terminal is left with: what was erased is gone.
  var remaining: [String] {
    all.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.components(separatedBy: "\r\u{1b}[K").last! }.filter { !$0.isEmpty }
  }

  /// The lines that were drawn in place.
  var drawn: [String] {
    text.components(separatedBy: "\r\u{1b}[K").dropFirst()
      .map { $0.components(separatedBy: "\r\n")[0] }.filter { $0.hasPrefix("kubo ") }
  }
}
