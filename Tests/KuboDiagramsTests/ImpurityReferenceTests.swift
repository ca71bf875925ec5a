// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import Foundation
import KuboDiagrams
import RealModule
import Testing
import UniformGrid

/// Bounds with impurities are true: self-energies, loops, ladders and energy integrals by the program of
/// `Tests/Support/UniformGrid`, over random Hamiltonians with level widths that a uniform grid resolves.
@Suite("Bounds with impurities") struct ImpurityReferenceTests {

  struct Case: Sendable, CustomStringConvertible {
    let dimension, number: Int
    let isSite: Bool
    var description: String { "\(isSite ? "site" : "scba") \(dimension):\(number)" }
  }

  static let cases: [Case] = [false, true].flatMap { isSite in
    (0..<(areTestsLong ? 30 : isSite ? 3 : 4)).map {
      Case(dimension: 1, number: $0, isSite: isSite)
    }
      + (0..<(areTestsLong ? 3 : 0)).map { Case(dimension: 2, number: $0, isSite: isSite) }
  }

  /// A state of moderate energies.
  private static func state(_ one: Case) throws -> (state: CertificateState, strength: Double) {
    var generator = SeededGenerator(UInt64(7000 + 100 * one.dimension + one.number))
    func uniform(_ range: ClosedRange<Double>) -> Double {
      Double.random(in: range, using: &generator)
    }
    while true {
      let model = try HamiltonianDraw(dimension: one.dimension).model(using: &generator)
      var state = CertificateState(
        model: model, mu: 0, temperature: [0, 0.05, 0.4].randomElement(using: &generator)!,
        gamma: 0.2, omegas: [], columns: [], tolerance: 1e-2)
      let ranges = GridState(state).ranges
      let width = ranges[1].upperBound - ranges[0].lowerBound
      guard (0.15...2).contains(model.exchange), (1...10).contains(width),
        ranges[..<2].allSatisfy({ $0.upperBound - $0.lowerBound > 1 }), state.reach.max()! <= 8,
        model.name != "flat"
      else { continue }
      state.mu = uniform(ranges[Int.random(in: 0...1, using: &generator)])
      state.omegas = [uniform(0.2...1), 2 * model.exchange * uniform(0.9...1.3)]
      state.tolerance = [1e-2, 1e-3].randomElement(using: &generator)!
      return (state, uniform(0.1...0.4) * (one.dimension == 1 ? 1 : 1.5))
    }
  }

  @Test(arguments: cases) func bounds(_ one: Case) async throws {
    let (state, strength) = try ImpurityReferenceTests.state(one)
    let names = one.isSite ? ["s_full", "Sigma_full", "sigma"] : ["X_na", "Y_na", "Y_na_all"]
    var request = try state.request(threads: 2)
    request.electrons = request.electrons.with(
      lifetime: one.isSite ? .site(strength) : .scba(strength))
    request.columns = names.flatMap { name in
      [Dressing.bare, .ladder].map { .init(response: Response(name)!, dressing: $0) }
    }
    if !one.isSite { request.columns.append(.init(response: Response("sigma")!, dressing: .bare)) }
    let spectrum = try await request.spectrum()
    let grid = GridState(state)
    let frequencies = [0] + state.omegas
    let values = [(300, 3), (421, 4)].map { n, panels -> [[ComplexDouble]] in
      let base = state.model.dimension == 1 ? n : n / 8
      let counts = state.reach.enumerated().map { m, reach in base * (1 + reach / 3) + 2 * m }
      return grid.impurities(
        counts, panels: panels, isSite: one.isSite, strength: strength, frequencies,
        request.columns)
    }
    var decided = 0
    for (o, column) in spectrum.columns.enumerated() {
      let isSigma = column.request.response.isConductivity
      for (n, omega) in state.omegas.enumerated() {
        guard let found = column.values[n], let still = column.staticPart else {
          #expect(spectrum.failures.contains { $0.column == column.request.label })
          continue
        }
        /// K(omega) - K(0) or sigma, and K(0), of both settings.
        let pairs = values.map { v in
          let difference = v[n + 1][o] - v[0][o]
          return [
            isSigma
              ? difference * ComplexDouble(0, 1 / omega) : difference, v[0][o],
          ]
        }
        let exact = pairs[1]
        let errors = zip(pairs[0], pairs[1]).map { 2 * ($0 - $1).length + 1e-6 * $1.length + 1e-9 }
        let label =
          "\(one) \(column.request.label) omega = \(omega): \(found) \(still), right \(exact) +- \(errors); gamma = \(strength), \(state)"
        let differences = [
          (found.dynamic - exact[0], errors[0]), (still - exact[1], errors[1]),
          (found.dynamic + still - exact[0] - exact[1], errors[0] + errors[1]),
        ]
        for (difference, error) in differences {
          #expect(abs(difference.real) <= found.error + error, "\(label)")
          #expect(abs(difference.imaginary) <= found.error + error, "\(label)")
        }
        // Either the bound is told, or a relative error of 1e-3 would be.
        if errors[0] <= max(found.error, 1e-3 * exact[0].length) { decided += 1 }
      }
    }
    // Next to narrow bands of scba the grids of the reference converge slowly.
    #expect(decided >= spectrum.columns.count * state.omegas.count * 2 / 5)
  }
}

extension GridState {
  /// K at real frequencies with impurities, [frequency][column].
  func impurities(
    _ counts: [Int], panels: Int, isSite: Bool, strength: Double, _ frequencies: [Double],
    _ columns: [SpectrumRequest.Column]
  ) -> [[ComplexDouble]] {
    let outputs = columns.map(UniformGridReference.output)
    var values = [Double](repeating: 0, count: 2 * frequencies.count * outputs.count)
    ug_impurities(
      &state, isSite ? 1 : 0, strength, counts.map { Int32($0) } + [1, 1], Int32(panels),
      Int32(frequencies.count), frequencies, Int32(outputs.count), outputs,
      columns.map { $0.dressing == .ladder ? 1 : 0 }, &values)
    return frequencies.indices.map { n in
      columns.enumerated().map { o, column in
        let m = 2 * (n * outputs.count + o)
        return ComplexDouble(values[m], values[m + 1]) * UniformGridReference.factor(column)
      }
    }
  }
}
