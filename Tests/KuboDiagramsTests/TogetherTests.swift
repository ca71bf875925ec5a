// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import Foundation
import KuboDiagrams
import Testing

/// Which responses are asked for together, and in which order, changes a value only within its bound.
@Suite("Responses together and alone") struct TogetherTests {

  @Test(arguments: [(1, areTestsLong ? 100 : 8), (2, areTestsLong ? 20 : 2)])
  func order(_ kind: (dimension: Int, count: Int)) async throws {
    var compared = 0
    // Others than those of the certificate.
    for number in 5000..<5000 + kind.count {
      var state = try CertificateState(dimension: kind.dimension, number: number)
      state.tolerance = max(state.tolerance, 1e-4)
      let request = try state.request(threads: 2)
      func spectrum(_ columns: [SpectrumRequest.Column]) async throws -> Spectrum? {
        var other = request
        other.columns = columns
        let asked = other
        do {
          return try await limited(seconds: 300) { try await asked.spectrum() }
        } catch is CancellationError { return nil }
      }
      let all = request.columns
      guard let together = try await spectrum(all) else { continue }
      for columns in [Array(all[..<1]), all.reversed()] {
        guard let other = try await spectrum(columns) else { continue }
        for (o, column) in columns.enumerated() {
          let first = together.columns[all.firstIndex(of: column)!]
          let second = other.columns[o]
          for n in state.omegas.indices {
            guard let a = first.values[n], let b = second.values[n], let a0 = first.staticPart,
              let b0 = second.staticPart
            else { continue }
            compared += 1
            let bound = a.error + b.error
            let parts = [a.dynamic - b.dynamic, a0 - b0, a.dynamic + a0 - b.dynamic - b0]
            #expect(
              parts.allSatisfy { abs($0.real) <= bound && abs($0.imaginary) <= bound },
              "\(column.label) at \(state.omegas[n]): \(a) \(a0) and \(b) \(b0), \(kind.dimension):\(number) \(state)"
            )
          }
        }
      }
    }
    #expect(compared >= 3 * kind.count)
  }
}
