// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboFiles
import KuboSweeps

/// What the run of a point gave, as it goes from rank to rank: its table as CSV, which has all bits.
struct PointOutcome: Codable {
  let number: Int
  var seconds = 0.0
  var table: String?
  var failures: [String] = []
  /// Why it must not go on: at the first point a fault of the usage, which all points share, at any point others.
  var fault: Fault?

  struct Fault: Codable {
    let text: String
    let status: Int32
    /// Whether it is said with how the command is used.
    let isUsage: Bool
    /// Whether only the first point must not have it.
    let isOfFirst: Bool
  }

  /// Runs a command at a point.
  static func of(_ number: Int, _ run: () async throws -> TableResult) async -> (
    outcome: PointOutcome, table: CSVFile?
  ) {
    var outcome = PointOutcome(number: number)
    var table: CSVFile?
    let start = Date()
    do {
      let result = try await run()
      (table, outcome.failures) = (result.table, result.failures)
    } catch {
      let status = error is ValidationError ? ExitStatus.usage : ExitStatus.of(error)
      let reason = (error as? ValidationError)?.message ?? "\(error)"
      outcome.failures = [reason]
      if status != ExitStatus.notConverged {
        outcome.fault = Fault(
          text: reason, status: status.rawValue, isUsage: error is ValidationError,
          isOfFirst: status == ExitStatus.usage)
      }
    }
    outcome.seconds = Date().timeIntervalSince(start)
    return (outcome, table)
  }
}

/// Where the points of a sweep are handed out and come back, from several threads.
final class PointDesk: @unchecked Sendable {
  private let lock = NSLock()
  private let sweep: Sweep
  private let store: SweepStore
  private var schedule: SweepSchedule
  /// The point whose faults are those of all, if none was done before.
  private let first: Int?
  private let advance: (_ isFailure: Bool) -> Void
  private var fault: (any Error)?

  init(
    _ sweep: Sweep, _ points: [Int], into store: SweepStore, isNew: Bool,
    advance: @escaping (_ isFailure: Bool) -> Void
  ) throws {
    (self.sweep, self.store, self.advance) = (sweep, store, advance)
    first = isNew ? points.first : nil
    schedule = SweepSchedule(sweep, points: points, known: try store.times(limit: 256))
  }

  /// The next point; nil when there is none, or nothing more can be done.
  func next() -> Int? {
    lock.withLock { fault == nil ? schedule.next() : nil }
  }

  /// Keeps what a point gave.
  func finish(_ outcome: PointOutcome, _ table: CSVFile?) {
    lock.withLock {
      guard fault == nil else { return }
      do {
        try store.keep(outcome, table, at: sweep, isFirst: outcome.number == first)
        schedule.note(outcome.number, seconds: outcome.seconds)
        advance(!outcome.failures.isEmpty)
      } catch {
        fault = error
      }
    }
  }

  func end() throws { try lock.withLock { if let fault { throw fault } } }
}

/// A fault that ends a sweep, with its own exit status.
struct SweepFault: Error {
  let text: String
  let status: ExitCode
}

extension SweepStore {
  /// Keeps a point, or throws what ends the sweep.
  func keep(_ outcome: PointOutcome, _ table: CSVFile?, at sweep: Sweep, isFirst: Bool) throws {
    let values = sweep[outcome.number]
    if let fault = outcome.fault, !fault.isOfFirst || isFirst {
      let text = "\(Sweep.name(sweep.axes, values)): \(fault.text)"
      if fault.isUsage { throw ValidationError(text) }
      throw SweepFault(text: text, status: ExitCode(fault.status))
    }
    try write(
      .init(
        outcome.number, values, table: table, failures: outcome.failures, seconds: outcome.seconds))
  }
}
