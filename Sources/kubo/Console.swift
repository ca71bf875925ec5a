// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams
import KuboFiles
import Logging
import Synchronization

/// What goes to standard error: messages, and on a terminal a line that tells how the work goes on.
final class Console: Sendable {
  static let shared = Console()

  private struct State {
    var hasLine = false
    var isSilent = false
    /// Since when work goes on whose progress is to be shown.
    var start: ContinuousClock.Instant?
  }

  private let state = Mutex(State())

  /// Writes a line, in place of the progress.
  func say(_ text: String) {
    state.withLock {
      Console.erase(&$0)
      Console.write("kubo: \(shown(text))\n")
    }
  }

  /// Writes lines as they are, in place of the progress.
  func write(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    state.withLock {
      Console.erase(&$0)
      Console.write(lines.map { shown(String($0)) }.joined(separator: "\n"))
    }
  }

  /// Removes the progress for good.
  func endProgress() {
    state.withLock {
      Console.erase(&$0)
      $0.start = nil
    }
  }

  /// The last words of a program that must end within a second: whoever holds the lock may hang, and
  /// so may a terminal.
  func sayLast(_ text: String) {
    for _ in 0..<10 {
      let isDone: Void? = state.withLockIfAvailable { state in
        guard !state.isSilent, Console.isWritable(within: 100) else { return }
        Console.erase(&state)
        Console.write("kubo: \(text)\n")
        // No progress may follow.
        state.start = nil
      }
      if isDone != nil { return }
      usleep(10_000)
    }
  }

  /// Says nothing at the end.
  func silence() { state.withLock { $0.isSilent = true } }

  /// Runs `work` and shows what `progress` tells, after the first second.
  func showing<Value>(_ progress: WorkProgress, _ work: () async throws -> Value) async rethrows
    -> Value
  {
    state.withLock { $0.start = .now }
    // A queue of its own: the threads of tasks are all busy.
    let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "kubo.progress"))
    timer.schedule(deadline: .now() + 1, repeating: .milliseconds(200))
    timer.setEventHandler { Console.shared.draw(progress) }
    timer.resume()
    defer {
      timer.cancel()
      endProgress()
    }
    return try await work()
  }

  /// Runs `work` and says once, where no line can be drawn, that it takes longer than ten seconds, at what it is, and what
  /// would help.
  func noting<Value>(_ progress: WorkProgress, advice: String, _ work: () async throws -> Value)
    async rethrows -> Value
  {
    let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "kubo.progress"))
    timer.schedule(deadline: .now() + 10)
    timer.setEventHandler {
      Console.shared.say(ProgressLine.note(progress.levels, elapsed: .seconds(10), advice: advice))
    }
    timer.resume()
    defer { timer.cancel() }
    return try await work()
  }

  private func draw(_ progress: WorkProgress) {
    let levels = progress.levels
    state.withLock {
      guard let start = $0.start, Console.isWritable(within: 0) else { return }
      let text = ProgressLine.text(
        levels, elapsed: start.duration(to: .now), width: Console.width)
      Console.write("\r\u{1b}[K\(text)")
      $0.hasLine = true
    }
  }

  private static func erase(_ state: inout State) {
    if state.hasLine { write("\r\u{1b}[K") }
    state.hasLine = false
  }

  private static func write(_ text: String) {
    // A closed standard error must not end a run whose results are fine.
    _ = writeAll(Array(text.utf8)[...], to: STDERR_FILENO)
  }

  private static func isWritable(within milliseconds: CInt) -> Bool {
    var file = pollfd(fd: STDERR_FILENO, events: CShort(POLLOUT), revents: 0)
    return poll(&file, 1, milliseconds) == 1
  }

  /// Whether standard error is a terminal that understands how to erase a line.
  static var isTerminal: Bool {
    let kind = ProcessInfo.processInfo.environment["TERM"] ?? ""
    return isatty(STDERR_FILENO) == 1 && !kind.isEmpty && kind != "dumb"
  }

  private static var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}

/// Messages as lines of standard error; those that only `--verbose` shows with their level.
private struct ConsoleLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.notice

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let level = event.level < .notice ? "\(event.level): " : ""
    Console.shared.say("\(level)\(event.message)")
  }
}

/// How much a command tells.
enum Verbosity {
  case quiet, normal, verbose

  /// What the flags of a command ask for.
  init(quiet: Bool, verbose: Bool) { self = quiet ? .quiet : verbose ? .verbose : .normal }

  private var level: Logger.Level {
    switch self {
    case .quiet: .error
    case .normal: .notice
    case .verbose: .debug
    }
  }

  /// The log of a command.
  var log: Logger {
    var log = Logger(label: "kubo") { _ in ConsoleLog() }
    log.logLevel = level
    return log
  }

  /// Runs `work` and tells how it goes on: by the log, and on a terminal by a line, elsewhere by one that says that it
  /// takes long and what would help.
  func watching(_ log: Logger, advice: String, _ work: () async throws -> Void) async throws {
    guard self != .quiet else { return try await work() }
    var observe: (@Sendable (WorkProgress.Event) -> Void)?
    if self == .verbose {
      observe = { event in
        switch event {
        case .note(let text): log.info("\(text)")
        case .end(let levels): log.debug("\(ProgressLine.summary(levels))")
        }
      }
    }
    let progress = WorkProgress(observe: observe)
    try await progress.watch { () async throws -> Void in
      if Console.isTerminal {
        try await Console.shared.showing(progress, work)
      } else {
        try await Console.shared.noting(progress, advice: advice, work)
      }
    }
  }
}
