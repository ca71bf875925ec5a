// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import KuboSweeps
import Logging

/// What a sweep takes besides its axes.
struct SweepArguments: ParsableArguments {
  @Flag(help: "Pair the values of the axes, in place of all their combinations.")
  var zip = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Compute only the points I, I + N, I + 2 N, ... of a sweep, into a store of their own; 'kubo sweep --merge' joins the N stores.",
      valueName: "i/n"), transform: Shard.init)
  var shard: Shard?
  @Option(
    help: ArgumentHelp(
      "Write the command line as a run file for 'kubo sweep', and compute nothing.",
      valueName: "file"), completion: .file(extensions: ["yaml"]))
  var writeRun: String?
  /// The axes, once the command line has been read.
  var swept: SweptWords?
  /// Whether the command is one point of a sweep: the tables of all have the same columns.
  var isPoint = false

  private enum CodingKeys: CodingKey { case zip, shard, writeRun }

  /// A part of the points.
  struct Shard: Decodable {
    let number, count: Int

    init(_ text: String) throws {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
      guard parts.count == 2, let number = parts[0], let count = parts[1], count <= 1_000_000,
        number >= 1, number <= count
      else { throw ValidationError("expected I/N with I from 1 to N, as in 3/8") }
      (self.number, self.count) = (number, count)
    }
  }
}

/// A command whose numbers may be axes: then its table has the rows of all points, a column for each axis before them.
protocol SweepableCommand: TableCommand {
  var sweep: SweepArguments { get set }
  var estimate: Bool { get set }
  /// Whether it can tell what a single run takes.
  static var hasCost: Bool { get }
  /// An option that was given and that no sweep has.
  var ofSingleRuns: String? { get }
}

extension SweepableCommand {
  static var hasCost: Bool { true }
  var ofSingleRuns: String? { nil }

  func run() async throws {
    if let path = sweep.writeRun { return try await writeRun(path) }
    guard let swept = sweep.swept else {
      for (option, isGiven) in [
        ("--zip", sweep.zip), ("--shard", sweep.shard != nil),
        ("--estimate", estimate && !Self.hasCost),
      ] where isGiven {
        throw ValidationError(
          "\(option): found without an axis; expected one, as in --mu -1:0:11")
      }
      return try await runOnce()
    }
    try await reporting(arguments.work.verbosity) { log in
      try await Installation.$held.withValue(HeldFiles()) { try await run(swept, log) }
    }
  }

  func table(_ log: Logger, like stored: CSVFile) async throws -> CSVFile {
    guard let swept = sweep.swept else { return try await result(log).table }
    let (points, run) = try points(swept)
    let store = try SweepStore(path: nil, run: run)
    try await Installation.$held.withValue(HeldFiles()) {
      try await compute(points, swept, into: store, log)
    }
    return try store.table(date: "", withTime: false)
  }

  private func writeRun(_ path: String) async throws {
    try await reporting(arguments.work.verbosity) { _ in
      let words = sweep.swept?.words ?? Array(CommandLine.arguments.dropFirst())
      let settings = try CommandOptions(Self.self).settings(words)
      let text = RunFile.text(words[0], settings.map { ($0.key, $0.value) })
      try TextFile(text).write(to: path, overwrite: arguments.force)
      if !arguments.work.quiet { try standardOutput("written: \(path)\n") }
    }
  }

  /// The points, and what the store is of. The ends of each axis are tried by the parser, to which numbers are good up to a
  /// limit: no point must fail by it after hours.
  private func points(_ swept: SweptWords) throws -> (Sweep, SweepRun) {
    let model = try Installation.readModel(arguments.model)
    let points = try Sweep(swept.axes(arguments.units.scale(model)), isZipped: sweep.zip)
    for (n, axis) in points.axes.enumerated() {
      var values = points[0]
      for value in [axis.values.min()!, axis.values.max()!] {
        values[n] = value
        _ = try command(swept.words(values))
      }
    }
    let settings =
      try [
        .init("program", "kubo \(Kubo.version)"), .init("subcommand", swept.command),
        .init("points", "\(points.count)"), .init("model_sha256", model.sha256),
      ] + CommandOptions(Self.self).settings(swept.words)
    return (points, SweepRun(settings: settings, axes: points.axes))
  }

  private func command(_ words: [String]) throws -> Self {
    do {
      var command = try Self.parse(Array(words.dropFirst()))
      command.sweep.isPoint = true
      command.arguments.work.threads = arguments.work.threads ?? Launch.ranks?.threads
      return command
    } catch {
      throw ValidationError(Kubo.message(for: error))
    }
  }

  private func run(_ swept: SweptWords, _ log: Logger) async throws {
    if let picture = files.picture {
      throw ValidationError(
        "--picture: found '\(shown(picture))' with an axis; expected none: 'kubo plot' draws maps")
    }
    if let option = ofSingleRuns {
      throw ValidationError("\(option): found with an axis; expected a single run")
    }
    let output = arguments.output == "-" ? nil : arguments.output
    if sweep.shard != nil, output == nil {
      throw ValidationError(
        "--shard: found without --output; expected both: the points go into a store beside the output"
      )
    }
    try arguments.checkOutput()
    try Launch.check(isPart: sweep.shard != nil)
    let (points, run) = try points(swept)
    if estimate { return try await estimate(points, swept) }
    let part = sweep.shard.map { ".\($0.number)-of-\($0.count)" } ?? ""
    let store = try SweepStore(path: output.map { "\($0)\(part).sqlite" }, run: run)
    do {
      try await compute(points, swept, into: store, log)
    } catch {
      store.abandon()
      throw error
    }
    try store.tell(
      output, overwrite: arguments.force, quiet: arguments.work.quiet,
      isPart: sweep.shard != nil, log)
  }

  /// The points of the shard, or all.
  private func numbers(_ sweep: Sweep) -> StrideTo<Int> {
    let (first, step) = self.sweep.shard.map { ($0.number - 1, $0.count) } ?? (0, 1)
    return stride(from: first, to: sweep.count, by: step)
  }

  /// Tells how long the points would take, from those in the middle of ever smaller parts: of cheap ones the time is
  /// measured, others are estimated as single runs.
  private func estimate(_ sweep: Sweep, _ swept: SweptWords) async throws {
    let points = Array(numbers(sweep))
    let start = ContinuousClock.now
    var spent: Double { start.duration(to: .now) / .seconds(1) }
    var (least, most, tried) = (0.0, 0.0, 0)
    var fault: (any Error)?
    for k in 0..<min(points.count, 100) where spent < 2 || tried == 0 && k < 10 {
      // The golden section: each is far from those before it.
      let place = (0.5 + 0.618_033_988_75 * Double(k)).truncatingRemainder(dividingBy: 1)
      let words = swept.words(sweep[points[Int(place * Double(points.count))]])
      do {
        var command = try command(words)
        command.estimate = true
        let cost = Self.hasCost ? try await command.cost(Verbosity.quiet.log) : nil
        if let cost, cost.most > 0.5 {
          (least, most) = (least + cost.least, most + cost.most)
        } else {
          let start = spent
          _ = try await self.command(words).result(Verbosity.quiet.log)
          (least, most) = (least + spent - start, most + spent - start)
        }
        tried += 1
      } catch {
        fault = error
      }
    }
    if tried == 0, let fault { throw fault }
    let cost = CostEstimate(
      runs: [(n: tried, least: least, most: most)], spent: spent, count: points.count)
    try standardOutput(cost.summary(threads: arguments.work.threadCount, of: "points"))
  }

  /// Computes the points that the store does not hold.
  private func compute(
    _ sweep: Sweep, _ swept: SweptWords, into store: SweepStore, _ log: Logger
  ) async throws {
    let done = try store.finished
    let points = numbers(sweep).filter { !done.contains($0) }
    if !done.isEmpty, !points.isEmpty {
      log.notice("note: \(store.path): \(done.count) points are done; \(points.count) to go")
    }
    try await WorkProgress.stage("sweep", unit: "points", of: points.count, isEven: true) { stage in
      func advance(_ isFailure: Bool) {
        if isFailure { stage?.countFailure() }
        stage?.advance()
      }
      func outcome(_ number: Int) async -> (outcome: PointOutcome, table: CSVFile?) {
        await PointOutcome.of(number) {
          try await command(swept.words(sweep[number])).result(Verbosity.quiet.log)
        }
      }
      guard let ranks = Launch.ranks else {
        for number in points {
          let (outcome, table) = await outcome(number)
          try store.keep(outcome, table, at: sweep, isFirst: done.isEmpty && number == points[0])
          advance(!outcome.failures.isEmpty)
        }
        return
      }
      Interruption.say(
        "as all ranks are when one ends; what is done is in \(store.path), and the same command goes on"
      )
      let desk = try PointDesk(sweep, points, into: store, isNew: done.isEmpty, advance: advance)
      let threads = arguments.work.threads
      async let others: Void = Launch.serve(ranks, desk, threads: threads) {
        swept.words(sweep[$0])
      }
      while let number = desk.next() {
        let (outcome, table) = await outcome(number)
        desk.finish(outcome, table)
      }
      await others
      try desk.end()
    }
  }
}

extension SweepStore {
  /// Writes the table of the points that are done, a part of a sweep none, or without `output` prints it; says of which
  /// points values are missing, and closes the store.
  func tell(
    _ output: String?, overwrite: Bool, quiet: Bool, isPart: Bool = false, _ log: Logger
  ) throws {
    let fixed = try sourceDate()
    let date = (fixed ?? Date()).formatted(.iso8601)
    if let output {
      if !isPart {
        try export(to: output, overwrite: overwrite, date: date, withTime: fixed == nil)
      }
      if !quiet { try standardOutput("\(amount)\nwritten: \(isPart ? path : output)\n") }
    } else {
      try standardOutput(table(date: date, withTime: fixed == nil).text)
    }
    let (count, first) = try failures(limit: 10)
    try close()
    for (place, reason) in first {
      log.error("\(place): \(reason.split(separator: "\n").first ?? "")")
    }
    if count > first.count {
      log.error("and \(count - first.count) more points; the store holds all reasons")
    }
    if count > 0 { throw ExitStatus.notConverged }
  }
}
