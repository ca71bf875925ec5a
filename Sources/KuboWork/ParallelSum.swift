// SPDX-License-Identifier: GPL-3.0-or-later
import Synchronization

/// A counter that many threads draw indices from.
private final class Counter: Sendable {
  private let value = Atomic<Int>(0)
  func next() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
}

/// Runs `count` jobs on at most `threads` threads and returns their results in index order.
///
/// A job knows only its index, so the results, and any sum over them in order, are the same bits
/// for every number of threads.
package func parallelMap<Result: Sendable>(
  _ count: Int, threads: Int, _ job: @escaping @Sendable (Int) async throws -> Result
) async throws -> [Result] {
  let counter = Counter()
  return try await withThrowingTaskGroup(of: [(Int, Result)].self) { group in
    for _ in 0..<max(1, min(threads, count)) {
      group.addTask {
        var mine: [(Int, Result)] = []
        while true {
          let index = counter.next()
          guard index < count else { return mine }
          try Task.checkCancellation()
          mine.append((index, try await job(index)))
        }
      }
    }
    var results = [Result?](repeating: nil, count: count)
    for try await part in group {
      for (index, result) in part { results[index] = result }
    }
    return results.map { $0! }
  }
}

/// The largest of the numbers that many threads report.
package final class Maximum: Sendable {
  private let largest: Mutex<Int>
  package init(_ value: Int) { largest = Mutex(value) }
  package func raise(to value: Int) { largest.withLock { $0 = max($0, value) } }
  package var value: Int { largest.withLock { $0 } }
}
