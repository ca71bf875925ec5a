// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import RealModule
import Testing

/// States whose bounds were false once, found by random Hamiltonians: each value is within its bound of a
/// reference by uniform grids, or refused within a second with a reason.
@Suite("Bounds that were false once") struct HuntTests {
  struct Specimen: Sendable, CustomStringConvertible {
    let description: String
    let state: CertificateState
    /// Right values of the first column by another program: at the last frequency, and the static part.
    let right: (dynamic: ComplexDouble?, statics: Double?)
  }

  private static func state(
    cell: Double, inter: [(Double, Double)], intra: [(Double, Double)], exchange: Double,
    mu: Double, temperature: Double, gamma: Double, omegas: [Double], names: [String],
    tolerance: Double, work: Double = 2e5
  ) -> CertificateState {
    func hops(_ list: [(Double, Double)]) -> [Hop] {
      list.map { Hop(vector: [$0.0], amplitude: $0.1) }
    }
    var state = CertificateState(
      model: try! Model(
        name: "specimen", latticeVectors: [[cell]], interSublattice: hops(inter),
        intraSublattice: hops(intra), exchange: exchange), mu: mu, temperature: temperature,
      gamma: gamma, omegas: omegas, columns: bareColumns(names), tolerance: tolerance)
    state.work = work
    return state
  }

  static let specimens: [Specimen] = {
    let neighbours = [(1.0, 1.0), (-1.0, 1.0)]
    var slow = neighbours
    for n in 2...100 {
      for sign in [1.0, -1] { slow.append((sign * Double(2 * n - 1), 0.1 / Double(n * n))) }
    }
    return [
      // One hop of 14 cells: a grid that does not resolve it gave sigma(0) = -0.72.
      Specimen(
        description: "far14",
        state: state(
          cell: 2, inter: neighbours, intra: [(2, 0.2), (28, 0.017)], exchange: 1.97, mu: 3.33,
          temperature: 0.02, gamma: 0.017, omegas: [1.5, 0], names: ["sigma"], tolerance: 1e-3),
        right: (ComplexDouble(7.2108e-5), -0.0068775)),
      // One of 72 cells.
      Specimen(
        description: "far",
        state: state(
          cell: 2, inter: neighbours, intra: [(2, 0.2), (144, 0.04)], exchange: 1.9, mu: 3.6,
          temperature: 0.3, gamma: 0.1, omegas: [0, 3.94, 1.5], names: ["sigma"], tolerance: 1e-6),
        right: (ComplexDouble(1.2476246, 2.9684183), -5.0247818)),
      // Hops as 1/r^2 to 100 cells.
      Specimen(
        description: "lr14",
        state: state(
          cell: 2,
          inter: slow, intra: [(2, 0.2)], exchange: 0.694497, mu: -0.294497, temperature: 0.0429823,
          gamma: 0.0181886, omegas: [0.0083282, 1.4863686281122994, 0],
          names: ["sigma", "Y", "X_na_all"], tolerance: 0.01),
        right: (ComplexDouble(6.92446), nil)),
      Specimen(
        description: "lr6",
        state: state(
          cell: 2, inter: neighbours,
          intra: [(2, 0.2), (244, -0.0788049), (166, -0.0204371), (254, -0.0254534)],
          exchange: 2.32198, mu: -3.21518, temperature: 0.0166148, gamma: 0.406971,
          omegas: [0, 0.10439386724172739], names: ["sigma", "Sigma.xy.adiabatic", "Y_na"],
          tolerance: 0.01), right: (nil, -318.92)),
      // J far below the level width.
      Specimen(
        description: "sj2_46",
        state: state(
          cell: 2.74447, inter: [(-2.55861, 1), (0.18586, 1), (2.93033, 1)], intra: [],
          exchange: 0.000218336, mu: 1.0000000238353042, temperature: 0, gamma: 0.171773,
          omegas: [2.44156],
          names: ["X_na_all"], tolerance: 1e-4, work: 1e6),
        right: (ComplexDouble(3.93397e-4, 8.25212e-4), nil)),
      Specimen(
        description: "m5254",
        state: state(
          cell: 1, inter: [(-0.165172, 1), (0.834828, 1), (1.834828, 1), (2.834828, 1)],
          intra: [(1, 0.266269)], exchange: 0.112791, mu: -3.41031184881202, temperature: 0,
          gamma: 0.182876, omegas: [0], names: ["sigma"], tolerance: 0.001),
        right: (ComplexDouble(5.50331), nil)),
    ]
  }()

  @Test(arguments: specimens) func bounds(_ specimen: Specimen) async throws {
    let state = specimen.state
    // The reference is right to the digits known.
    let reference = UniformGridReference(
      state, state.columns, goals: state.omegas.map { _ in state.columns.map { _ in 1e-9 } },
      limit: 1e6)
    if let right = specimen.right.dynamic {
      let found = reference.dynamics.last![0].value
      #expect((found - right).length <= 1e-5 * right.length, "\(found)")
    }
    if let right = specimen.right.statics {
      let found = reference.statics[0].value
      #expect((found - ComplexDouble(right)).length <= 2e-5 * abs(right), "\(found)")
    }
    let clock = ContinuousClock()
    let start = clock.now
    let tally = await CertificateTally(
      state, specimen.description, seconds: 600, isVerbose: false)
    #expect(tally.violations.isEmpty, "\(tally.violations.joined(separator: "\n"))")
    #expect(tally.unended.isEmpty && tally.undecided.isEmpty, "\(tally.undecided)")
    #expect(tally.refused.isEmpty || clock.now - start < .seconds(5))
    #expect(tally.refused.allSatisfy { $0.count > 40 })
  }
}
