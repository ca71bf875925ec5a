// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import Foundation
import KuboDiagrams
import RealModule
import Testing
import UniformGrid

/// The references of ``CertificateTests`` and ``ImpurityCertificateTests`` themselves, against the numbers of other
/// programs and Matsubara sums term by term.
@Suite("References by uniform grids") struct UniformGridTests {
  /// The first have the finest grids; the engine is held against all six (``ReferenceTests``).
  @Test(arguments: (areTestsLong ? 0 : 4)..<6) func loops(_ index: Int) throws {
    let entry = ReferenceTests.loops[index]
    let keys = entry.rows[0].keys.filter { $0 != "omega" }.sorted()
    func complex(_ row: Int, _ key: String) -> ComplexDouble {
      switch entry.rows[row][key]! {
      case .number(let x): ComplexDouble(x)
      case .complex(let z): z
      }
    }
    let state = CertificateState(
      model: try shippedModel(entry.lattice, entry.parameters), mu: entry.mu,
      temperature: entry.temperature, gamma: entry.Gamma,
      omegas: entry.rows.indices.map { complex($0, "omega").real },
      directions: Directions(i: entry.i, j: entry.j), columns: bareColumns(keys), tolerance: 1e-6)
    let reference = UniformGridReference(
      state, state.columns, goals: state.omegas.map { _ in keys.map { _ in 1e-8 } }, limit: 4e6)
    for n in state.omegas.indices {
      for (o, key) in keys.enumerated() {
        let (dynamic, still) = (reference.dynamics[n][o], reference.statics[o])
        // loops.json is good to 1e-9 or better, of numbers up to 1.
        #expect((dynamic.value + still.value - complex(n, key)).length <= 1e-8, "\(key)")
        #expect(dynamic.error + still.error <= 1e-6)
      }
    }
  }

  /// [K(omega) - K(0)]/omega of full bands at omega = 0, a difference of large numbers: the bound holds its
  /// rounding. The gap is the same at all k, so that the quotient over K(0) is that of one integral over k, by mpmath.
  @Test func rounding() throws {
    let model = try Model(
      name: "flat gap", latticeVectors: [[2]],
      interSublattice: [Hop(vector: [0.8730848108440787], amplitude: 1)],
      intraSublattice: [
        Hop(vector: [-4], amplitude: 0.098206706158608),
        Hop(vector: [-2], amplitude: 0.19729615987092278),
      ], exchange: 0.002406070333955903)
    let state = CertificateState(
      model: model, mu: 3.807397614862173, temperature: 0, gamma: 0.00010558254186064439,
      omegas: [0],
      columns: [
        .init(response: Response("sigma")!, dressing: .bare, share: .interband)
      ], tolerance: 1e-2)
    let reference = UniformGridReference(state, state.columns, goals: [[1e-13]], limit: 1e6)
    let found = reference.dynamics[0][0]
    let right = reference.statics[0].value.multiplied(by: -8.20040307323e-6)
    #expect((found.value - right).length <= found.error && found.error < 1e-11)
  }

  /// Parts graded towards the zone's edge, where a gap of 1e-5 is, and longer numbers give what a fine uniform grid
  /// does; K(0) of the upper band's canting by mpmath. 1/a of this cell is no double.
  @Test func partsAndLongerNumbers() throws {
    let a = 1.7958858038964807
    for (exchange, right) in [(1.1682081180125755e-05, -5.97434114303e-14), (0.7, nil)] {
      let model = try Model(
        name: "edge", latticeVectors: [[a]],
        interSublattice: [1, -1].map { Hop(vector: [$0 * a / 2], amplitude: 1) },
        intraSublattice: [Hop(vector: [a], amplitude: 0.09406293732737298)], exchange: exchange)
      let state = CertificateState(
        model: model, mu: -1.0115934181571111, temperature: 0.008223647945663071,
        gamma: 0.0013217133928589992, omegas: [0.3],
        columns: [
          .init(response: Response("X")!, dressing: .bare, share: .antibonding),
          .init(response: Response("sigma")!, dressing: .bare),
        ], tolerance: 1e-6)
      let grid = GridState(state)
      let parts = grid.points(30, state)
      #expect(!parts.ends.isEmpty)
      let uniform = GridState.Points(state: grid, counts: [40_001], resolution: 30)
      let outputs = state.columns.map(UniformGridReference.output)
      let found = (right == nil ? [parts, uniform] : [parts]).flatMap { points in
        [false, true].map { points.loops([.zero, ComplexDouble(0.3)], outputs, isLong: $0) }
      }
      for (values, scales) in found {
        for n in 0..<2 {
          for o in 0..<2 {
            let difference = (values[n][o] - found[1].values[n][o]).length
            #expect(difference <= 1e-12 * scales[n][o])
          }
        }
        if let right {
          #expect((values[0][0] - ComplexDouble(right)).length <= 1e-12 * scales[0][0])
        }
      }
    }
  }

  /// The closed forms at omega = 0, of which those of other frequencies are the continuation.
  @Test func sums() {
    let (temperature, gamma, levels) = (0.3, 0.2, [-0.4, 0.9])
    var sums = [Double](repeating: 0, count: 32)
    ug_sums(levels, temperature, gamma, 0, 0, &sums)
    func propagators(_ n: Int) -> [ComplexDouble] {
      levels.map { 1 / ComplexDouble(-$0, Double(2 * n + 1) * .pi * temperature + gamma) }
    }
    var direct = [Double](repeating: 0, count: 16)
    for n in 0..<200_000 {
      let g = propagators(n)
      for a in 0..<2 {
        for c in 0..<2 {
          direct[2 * a + c] += 2 * temperature * (g[a] * g[c]).real
          // b = c, and b = a.
          direct[4 + 3 * a + 2 * c] += 2 * temperature * (g[a] * g[c] * g[c]).real
          direct[10 + 4 * a + c] += 2 * temperature * (g[a] * g[a] * g[c]).real
        }
      }
    }
    for n in [0, 1, 2, 3, 4, 6, 7, 9, 10, 11, 14, 15] {
      #expect(abs(sums[2 * n] - direct[n]) < 1e-5, "\(n)")
      #expect(abs(sums[2 * n + 1]) < 1e-14)
    }
  }
}
