// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import Foundation
import KuboDiagrams
import RealModule
import Testing

/// Error bounds are true: in states drawn at random with their Hamiltonians, a response differs from sums over
/// uniform grids by a program of its own (``UniformGridReference``) by no more than its bound.
@Suite("Certificate of the error bounds")
struct CertificateTests {
  /// How many states, in one, two and three dimensions, and how long one may take; and all, in minutes, after
  /// which none is begun.
  static let counts = areTestsLong ? [1500, 420, 80] : [44, 13, 3]
  static let seconds = areTestsLong ? 120.0 : 300
  static let minutes = areTestsLong ? 48.0 : .infinity

  /// Dimension and number of each. Wherever it ends, all dimensions have been looked at.
  private static var drawn: [(Int, Int)] {
    var places: [(place: Double, dimension: Int, number: Int)] = []
    for (d, count) in counts.enumerated() {
      for n in 0..<count { places.append(((Double(n) + 0.5) / Double(count), d + 1, n)) }
    }
    return places.sorted { $0.place < $1.place }.map { ($0.dimension, $0.number) }
  }

  @Test func boundsAreTrue() async throws {
    // As in KUBO_CERTIFICATE=2:100:50, states 100 to 149 in two dimensions, to look for what is wrong.
    let asked = ProcessInfo.processInfo.environment["KUBO_CERTIFICATE"]?.split(separator: ":")
      .compactMap { Int($0) }
    let states =
      asked.map { a in (a[1]..<a[1] + a[2]).map { (a[0], $0) } } ?? CertificateTests.drawn
    let begun = ContinuousClock.now
    let all = await withTaskGroup(of: CertificateTally.self) { group in
      var total = CertificateTally()
      var next = 0
      func start(_ group: inout TaskGroup<CertificateTally>) {
        let minutes = begun.duration(to: .now) / .seconds(60)
        guard next < states.count, minutes < CertificateTests.minutes else { return }
        let (dimension, number) = states[next]
        next += 1
        group.addTask {
          await CertificateTally(
            dimension: dimension, number: number, seconds: CertificateTests.seconds,
            isVerbose: asked != nil)
        }
      }
      for _ in 0..<2 { start(&group) }
      while let tally = await group.next() {
        total.add(tally)
        start(&group)
      }
      return total
    }
    print(all.summary)
    #expect(all.violations.isEmpty, "\(all.violations.joined(separator: "\n"))")
    guard asked == nil else { return }
    let cells = Double(all.cells)
    #expect(Double(all.missed.count) <= 1e-3 * cells, "\(all.missed.joined(separator: "\n"))")
    #expect(Double(all.decided) >= 0.9 * cells, "\(all.undecided.joined(separator: "\n"))")
    #expect(Double(all.refused.count) <= 0.05 * cells, "\(all.refused.joined(separator: "\n"))")
    #expect(all.refused.allSatisfy { $0.count > 40 })
    #expect(
      all.unended.count <= all.states / 20, "\(all.unended.joined(separator: "\n"))")
    #expect(all.ratio(0.5) <= 30)
  }
}
