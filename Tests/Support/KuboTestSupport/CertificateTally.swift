// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation

/// What a state whose error bounds were compared with a reference, or many, gave. A cell is a number with a bound.
package struct CertificateTally: Sendable {
  package var states = 0
  /// States by nested integrals, where there is a choice.
  package var nested = 0
  package var cells = 0
  /// Cells with a value.
  package var given = 0
  /// Those of which the reference tells whether the bound holds.
  package var decided = 0
  /// The error is above the bound, beyond what the reference may err.
  package var violations: [String] = []
  /// Whether it is depends on how the reference errs.
  package var undecided: [String] = []
  /// Parts beyond the tolerance.
  package var missed: [String] = []
  package var refused: [String] = []
  /// States that did not end in time.
  package var unended: [String] = []
  /// Bound over true error, or over what rounding or the reference may err where that is larger.
  package var ratios: [Double] = []

  /// Of so many states.
  package init(states: Int = 0) { self.states = states }

  /// Of all `states`, two at a time, in their order; each 50 that are done are told.
  package static func tallies<State: Sendable>(
    of states: [State], _ tally: @escaping @Sendable (State) async -> CertificateTally
  ) async -> [CertificateTally] {
    await withTaskGroup(of: (Int, CertificateTally).self) { group in
      var tallies = states.map { _ in CertificateTally() }
      var done = CertificateTally()
      func take(_ m: Int, _ tally: CertificateTally) {
        tallies[m] = tally
        done.add(tally)
        guard done.states % 50 == 0 else { return }
        print(done.progress)
        fflush(nil)
      }
      for (n, state) in states.enumerated() {
        if n > 1, let (m, tally) = await group.next() { take(m, tally) }
        group.addTask { (n, await tally(state)) }
      }
      for await (m, tally) in group { take(m, tally) }
      return tallies
    }
  }

  package mutating func add(_ other: CertificateTally) {
    states += other.states
    nested += other.nested
    cells += other.cells
    given += other.given
    decided += other.decided
    violations += other.violations
    undecided += other.undecided
    missed += other.missed
    refused += other.refused
    unended += other.unended
    ratios += other.ratios
  }

  /// Of the ratios, the one that this part of them is below.
  package func ratio(_ part: Double) -> Double {
    ratios.isEmpty ? .infinity : ratios.sorted()[Int(part * Double(ratios.count - 1))]
  }

  package var summary: String {
    "\(states) states, \(nested) by nested integrals, \(cells) cells, \(given) with values: "
      + "\(violations.count) parts above the bound, \(decided) decided, "
      + "\(missed.count) parts beyond the tolerance, \(refused.count) refused; \(unended.count) states not "
      + "ended; bounds are \(ratio(0)), \(ratio(0.01)), \(ratio(0.1)), \(ratio(0.5)), \(ratio(0.9)) times the "
      + "error (smallest, 1 %, 10 %, median, 90 %)\nof the ratios \(counts)"
  }

  /// How many ratios are below a few limits: what summaries of parts add up to, and a median with them.
  private var counts: String {
    [1, 1.5, 2, 3, 5, 10, 20, 30, 50, 100, 1000, .infinity].map { limit in
      "\(ratios.count { $0 < limit }) below \(limit)"
    }.joined(separator: ", ")
  }

  private var progress: String {
    "\(states) states: \(decided) of \(given) cells decided, \(violations.count) parts above the bound, "
      + "\(unended.count) not ended; bounds are \(ratio(0)) times the error at least, median \(ratio(0.5))"
  }

  /// What `compute` gives within so many seconds; nil where the state did not end or was refused, which is noted.
  package mutating func result<Value: Sendable>(
    _ label: String, _ state: String, seconds: Double, isVerbose: Bool,
    _ compute: @escaping @Sendable () async throws -> Value
  ) async -> Value? {
    let start = ContinuousClock.now
    do {
      return try await limited(seconds: seconds, compute)
    } catch is CancellationError {
      unended = ["\(label) after \(start.duration(to: .now)): \(state)"]
      if isVerbose { print("UNENDED \(unended[0])") }
    } catch {
      refused = ["\(label) as a whole: \(error) \(state)"]
      if isVerbose { print("REFUSED \(refused[0])") }
    }
    return nil
  }

  /// What is wrong, line by line.
  package func printFaults() {
    for line in violations { print("VIOLATION \(line)") }
    for line in missed { print("MISSED \(line)") }
    for line in undecided { print("UNDECIDED \(line)") }
    if let line = refused.first { print("REFUSED \(line)") }
  }
}

/// Cancels what takes longer than `seconds`, of processor while two such work.
package func limited<T: Sendable>(
  seconds: Double, _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
  let task = Task { try await body() }
  // Not a task, which would wait for the threads that work.
  let timer = DispatchSource.makeTimerSource(queue: .global())
  let start = clock()
  timer.schedule(deadline: .now() + 0.2, repeating: 0.2)
  timer.setEventHandler {
    if Double(clock() - start) > 2e6 * seconds { task.cancel() }
  }
  timer.resume()
  defer { timer.cancel() }
  return try await task.value
}
