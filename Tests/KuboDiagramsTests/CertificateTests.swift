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
  /// How many states, in one, two and three dimensions, and how long the engine may take for one.
  static let counts = areTestsLong ? [1640, 300, 60] : [44, 13, 3]
  static let seconds = areTestsLong ? 60.0 : 300

  @Test func boundsAreTrue() async throws {
    // As in KUBO_CERTIFICATE=2:100:50, states 100 to 149 in two dimensions, to look for what is wrong.
    let asked = ProcessInfo.processInfo.environment["KUBO_CERTIFICATE"]?.split(separator: ":")
      .compactMap { Int($0) }
    // What takes longest comes first.
    let states =
      asked.map { a in (a[1]..<a[1] + a[2]).map { (dimension: a[0], number: $0) } }
      ?? [3, 2, 1].flatMap { d in (0..<CertificateTests.counts[d - 1]).map { (d, $0) } }
    let found = await CertificateTally.tallies(of: states) {
      await CertificateTally(
        dimension: $0.dimension, number: $0.number, seconds: CertificateTests.seconds,
        isVerbose: asked != nil)
    }
    var tallies = [CertificateTally](repeating: CertificateTally(), count: 3)
    for (state, tally) in zip(states, found) { tallies[state.dimension - 1].add(tally) }
    var all = CertificateTally()
    for (d, tally) in tallies.enumerated() where tally.states > 0 {
      print("\(d + 1)D: \(tally.summary)")
      all.add(tally)
    }
    #expect(all.violations.isEmpty, "\(all.violations.joined(separator: "\n"))")
    guard asked == nil else { return }
    print(all.summary)
    let (cells, given) = (Double(all.cells), Double(all.given))
    #expect(Double(all.missed.count) <= 1e-3 * cells, "\(all.missed.joined(separator: "\n"))")
    #expect(Double(all.decided) >= 0.97 * given, "\(all.undecided.joined(separator: "\n"))")
    #expect(tallies.allSatisfy { Double($0.decided) >= 0.9 * Double($0.given) })
    #expect(given >= 0.95 * cells, "\(all.refused.joined(separator: "\n"))")
    #expect(all.refused.allSatisfy { $0.count > 40 })
    #expect(
      all.unended.count <= all.states / 20, "\(all.unended.joined(separator: "\n"))")
    #expect(all.ratio(0.5) <= 30)
  }
}
