// SPDX-License-Identifier: GPL-3.0-or-later
import KuboWork
import Testing

@Suite struct WorkTests {
  /// The observer hears of the stages, and what they count adds up.
  @Test func stages() async {
    let progress = WorkProgress()
    await progress.watch {
      await WorkProgress.stage("outer", unit: "jobs", of: 2, isLeaf: true) { outer in
        outer?.advance()
        await WorkProgress.stage("hidden") { inner in
          #expect(inner == nil)
          #expect(progress.levels.map(\.name) == ["outer"])
        }
        outer?.advance()
        #expect(progress.levels.map(\.done) == [2])
      }
      #expect(progress.levels.isEmpty)
    }
    await WorkProgress.stage("unobserved") { #expect($0 == nil) }
  }

  /// Results are in the order of the indices for any number of threads, and the first error ends the work.
  @Test(arguments: [1, 2, 7]) func parallel(_ threads: Int) async throws {
    let squares = try await parallelMap(100, threads: threads) { $0 * $0 }
    #expect(squares == (0..<100).map { $0 * $0 })
    #expect(try await parallelMap(0, threads: threads) { $0 } == [])
    struct Fault: Error {}
    await #expect(throws: Fault.self) {
      try await parallelMap(100, threads: threads) { n in if n == 50 { throw Fault() } }
    }
    let largest = Maximum(3)
    _ = try await parallelMap(100, threads: threads) { largest.raise(to: 7 * $0 % 100) }
    #expect(largest.value == 99)
  }

  /// Digits, powers of ten at which they carry, and what is no number.
  @Test func significantDigits() {
    let texts: [(Double, Int, String)] = [
      (1234.5, 3, "1230.0"), (0.012345, 3, "0.0123"), (9.996, 3, "10.0"), (9.994, 3, "9.99"),
      (-1.5e-7, 2, "-1.5e-7"), (123_456_789, 3, "1.23e8"), (0, 3, "0.0"), (.infinity, 3, "inf"),
      (.nan, 3, "nan"), (1e-320, 3, "1e-320"), (-1.23456e300, 3, "-1.23e300"),
    ]
    for (x, digits, text) in texts { #expect(significant(x, digits: digits) == text) }
    #expect(significant(4.332e-11, digits: 1, .up) == "5.0e-11")
    #expect(significant(9.1e-11, digits: 1, .up) == "1.0e-10")
  }
}
