// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboLattice
import KuboOrbitals
import KuboTestSupport
import KuboZoneIntegrals
import RealModule
import Testing
import UniformGrid

/// Error bounds of the general route are true: in states drawn at random with their Hamiltonians, responses by grids and by nested
/// integrals differ from sums over uniform grids by a program of its own, `Tests/Support/UniformGrid`, by no more than their bounds.
@Suite("Certificate of the error bounds of collinear magnets")
struct CollinearCertificateTests {
  static let count = areTestsLong ? 200 : 7
  /// Seconds of a coarse grid of the reference.
  static let budget = areTestsLong ? 0.3 : 0.012

  @Test func boundsAreTrue() async throws {
    // As in KUBO_COLLINEAR_CERTIFICATE=100:50[:1.0], states 100 to 149 of this budget, to look for what is wrong.
    let asked = ProcessInfo.processInfo.environment["KUBO_COLLINEAR_CERTIFICATE"]?
      .split(separator: ":").compactMap { Double($0) }
    let numbers =
      asked.map { Array(Int($0[0])..<Int($0[0] + $0[1])) }
      ?? Array(0..<CollinearCertificateTests.count)
    let budget = asked.flatMap { $0.count > 2 ? $0[2] : nil } ?? CollinearCertificateTests.budget
    var all = CertificateTally()
    let tallies = await CertificateTally.tallies(of: numbers) {
      await CertificateTally(number: $0, budget: budget, isVerbose: asked != nil)
    }
    for tally in tallies { all.add(tally) }
    print(all.summary)
    #expect(all.violations.isEmpty, "\(all.violations.joined(separator: "\n"))")
    guard asked == nil else { return }
    let cells = Double(all.cells)
    #expect(all.states == CollinearCertificateTests.count && all.nested > all.states / 5)
    #expect(all.cells > 8 * all.states)
    #expect(
      Double(all.decided) >= 0.9 * Double(all.given), "\(all.undecided.joined(separator: "\n"))")
    // Where Gamma is small the bound on rounding alone is often more than is allowed.
    let share = areTestsLong ? 0.15 : 0.05
    #expect(Double(all.refused.count) <= share * cells, "\(all.refused.joined(separator: "\n"))")
    #expect(all.unended.count <= all.states / 20, "\(all.unended.joined(separator: "\n"))")
    #expect(all.ratio(0.5) >= 1 && all.ratio(0.5) <= 1000)
  }
}

/// States whose bounds were once false.
@Suite struct CollinearSpecimenTests {
  /// Lattices and hops that a reflection takes almost into themselves: turned against the axes, sheared, and with two amplitudes that
  /// differ by 1e-12 of a deep level. Half of the zone does not stand for the other.
  @Test(arguments: (areTestsLong ? 0 : 1)..<3)
  func almostSymmetric(_ number: Int) async throws {
    let shears: [[[Double]]] = [
      [[1, 1e-5], [-1e-5, 1]], [[1, 0], [3e-10, 1]], [[1, 0], [0, 1]],
    ]
    let (deep, difference) = number == 2 ? (300.0, 2e-10) : (0, 0)
    var state = CollinearState()
    (state.kind, state.latticeVectors) = ("almost symmetric", shears[number])
    state.orbitals = [
      OrbitalModel.Orbital(name: "a", position: [0, 0], exchange: 0.5),
      OrbitalModel.Orbital(name: "b", position: [0, 0], energy: deep, exchange: 0.2),
    ]
    let hops: [([Int], Double)] = [
      ([1, 0], 1), ([0, 1], 0.6), ([1, 1], 0.3), ([1, -1], 0.3 + difference),
    ]
    state.hops = hops.map { cell, t in
      OrbitalModel.Hop(from: 0, to: 0, cell: cell, up: ComplexDouble(-t), down: ComplexDouble(-t))
    }
    (state.mu, state.temperature, state.gamma, state.tolerance) = (-0.7, 0.05, 1, 1e-8)
    state.omegas = [0.4]
    state.outputs = [
      CollinearState.Output(quantity: .s, component: 0, weights: [1, 1]),
      CollinearState.Output(quantity: .s, component: 1, weights: [1, 0]),
      CollinearState.Output(quantity: .sigma, component: 0, weights: [1, 1]),
    ]
    let tally = await CertificateTally(state, "specimen", budget: 0.02)
    #expect(tally.violations.isEmpty, "\(tally.violations.joined(separator: "\n"))")
    #expect(tally.decided == 6 && tally.refused.isEmpty)
  }
}

/// A cell is K(0) or [K(omega) - K(0)]/omega of one response.
extension CertificateTally {
  /// A drawn state.
  init(number: Int, budget: Double, isVerbose: Bool) async {
    self.init(states: 1)
    do {
      let state = try CollinearState(number: number, budget: budget)
      await compare(state, "\(number)", budget: budget, isVerbose: isVerbose)
    } catch {
      violations = ["\(number) cannot be drawn: \(error)"]
    }
  }

  /// A given state.
  init(_ state: CollinearState, _ label: String, budget: Double) async {
    self.init(states: 1)
    await compare(state, label, budget: budget, isVerbose: false)
  }

  private mutating func compare(
    _ state: CollinearState, _ label: String, budget: Double, isVerbose: Bool
  ) async {
    nested = state.isNested ? 1 : 0
    let clock = ContinuousClock()
    let start = clock.now
    guard
      let spectrum = await result(
        label, "\(state)", seconds: 600 * max(1, budget), isVerbose: isVerbose,
        { try await CollinearSpectrum(state.request(), isNested: state.isNested) })
    else { return }
    let taken = clock.now - start
    // K(0), then each frequency.
    let found = (0...state.omegas.count).map { row in
      spectrum.columns.map { row == 0 ? $0.staticPart : $0.quotients[row - 1] }
    }
    refused = spectrum.failures.map { "\(label) \($0) \(state)" }
    let reference = CollinearGridReference(
      state, goals: found.map { $0.map { 0.1 * ($0?.error ?? .infinity) } }, limit: 200 * budget)
    for (row, estimates) in found.enumerated() {
      for (o, estimate) in estimates.enumerated() {
        cells += 1
        guard let estimate else { continue }
        given += 1
        let (right, error) = reference.values[row][o]
        let off = max(
          abs((estimate.value - right).real), abs((estimate.value - right).imaginary))
        let output = state.outputs[o]
        let name = row == 0 ? "static" : "omega=\(state.omegas[row - 1])"
        let line =
          "\(label) \(output.quantity) \(output.component) \(name): off \(off), found \(estimate.value) +- \(estimate.error), "
          + "right \(right) +- \(error), S \(reference.scales[row][o]) \(state)"
        if off > estimate.error + error {
          violations.append(line)
          decided += 1
        } else if off + error <= estimate.error || error <= 1e-12 * reference.scales[row][o] {
          decided += 1
        } else {
          undecided.append(line)
        }
        let least = max(off, error, .leastNormalMagnitude)
        if estimate.error > 0 || off > 0 { ratios.append(estimate.error / least) }
      }
    }
    guard isVerbose else { return }
    print(
      "\(label) \(state.kind) d=\(state.dimension) n=\(state.orbitals.count) Gamma=\(state.gamma) T=\(state.temperature) "
        + "tol=\(state.tolerance) nested=\(state.isNested) divisions=\(spectrum.divisions): engine \(taken), reference "
        + "\(clock.now - start - taken) \(reference.counts); \(cells) cells \(decided) decided \(refused.count) refused; ratio "
        + "\(ratio(0)) \(ratio(0.5))")
    printFaults()
  }
}

/// Sums over uniform grids, each with another offset and 1.3 times as fine as the last, until the error is small enough.
///
/// It falls exponentially, as do the differences d of successive grids, relative to the scales; but how fast may depend on the
/// divisors of a grid's sizes, and one difference may be small by its phase where the others are not. So the largest of all is what the
/// finest grid may err, besides rounding.
struct CollinearGridReference {
  /// Of K(0) and of each quotient, [row][output], with what it may err.
  private(set) var values: [[(value: ComplexDouble, error: Double)]] = []
  /// Sums of moduli of contributions.
  private(set) var scales: [[Double]] = []
  private(set) var counts: [Int] = []

  /// `goals`: what errors may be; `limit`: how many seconds a grid may take, about.
  init(_ state: CollinearState, goals: [[Double]], limit: Double) {
    // Levels are rounded, and propagators change with them on the scale of Gamma.
    let rounding = 4e-16 * (state.energyBound + abs(state.mu)) / state.gamma + 2e-15
    var factor = 3.0
    var last: [[ComplexDouble]] = []
    var random = SeededGenerator(11)
    while true {
      counts = state.counts(factor).enumerated().map { $1 + $0 }
      let offsets = counts.map { _ in Double.random(in: 0...1, using: &random) }
      let (found, scales) = CollinearGridReference.sum(state, counts, offsets)
      self.scales = scales
      let changes = found.enumerated().map { row, numbers in
        numbers.enumerated().map { o, value in
          last.isEmpty
            ? Double.infinity : (value - last[row][o]).length / max(scales[row][o], 1e-300)
        }
      }
      let largest = changes.joined().max()!
      values = found.enumerated().map { row, numbers in
        numbers.enumerated().map { o, value in
          (value, (largest + rounding) * scales[row][o])
        }
      }
      let isGood = values.indices.allSatisfy { row in
        values[row].indices.allSatisfy { o in
          values[row][o].error <= max(goals[row][o], 2 * rounding * scales[row][o])
        }
      }
      last = found
      factor *= 1.3
      if isGood || state.seconds(state.counts(factor)) > limit { return }
    }
  }

  private static func sum(
    _ state: CollinearState, _ counts: [Int], _ offsets: [Double]
  ) -> (values: [[ComplexDouble]], scales: [[Double]]) {
    let (hops, rows, outputs) = (state.hops, state.omegas.count + 1, state.outputs.count)
    let cell = state.latticeVectors.flatMap { $0 }
    let positions = state.orbitals.flatMap(\.position)
    let levels = state.orbitals.map(\.up) + state.orbitals.map(\.down)
    let (from, to) = (hops.map { Int32($0.from) }, hops.map { Int32($0.to) })
    let cells = hops.flatMap { $0.cell.map { Int32($0) } }
    let amplitudes = hops.flatMap {
      [$0.up.real, $0.up.imaginary, $0.down.real, $0.down.imaginary]
    }
    let weights = state.outputs.flatMap(\.weights)
    var values = [Double](repeating: 0, count: 2 * rows * outputs)
    var scales = [Double](repeating: 0, count: rows * outputs)
    let quantities: [CollinearState.Output.Quantity: ug_magnet_operator] = [
      .s: UG_MAGNET_SPIN, .T: UG_MAGNET_TORQUE, .moment: UG_MAGNET_MOMENT,
      .sigma: UG_MAGNET_SIGMA,
    ]
    withPointers(cell, positions, levels, amplitudes, weights) { numbers in
      withPointers(from, to, cells) { indices in
        var magnet = ug_magnet(
          dimension: Int32(state.dimension), orbital_count: Int32(state.orbitals.count),
          hop_count: Int32(hops.count), cell: numbers[0], positions: numbers[1],
          levels: numbers[2], from: indices[0], to: indices[1], cells: indices[2],
          amplitudes: numbers[3], mu: state.mu, temperature: state.temperature,
          gamma: state.gamma, i: Int32(state.directions.i), j: Int32(state.directions.j))
        let list = state.outputs.enumerated().map { o, output in
          ug_magnet_output(
            measured: quantities[output.quantity]!, component: Int32(output.component),
            weights: numbers[4] + o * state.orbitals.count)
        }
        ug_magnet_loops(
          &magnet, counts.map { Int32($0) }, offsets, Int32(state.omegas.count), state.omegas,
          Int32(outputs), list, &values, &scales)
      }
    }
    return (
      (0..<rows).map { row in
        (0..<outputs).map { o in
          let n = row * outputs + o
          return ComplexDouble(values[2 * n], values[2 * n + 1])
        }
      }, (0..<rows).map { Array(scales[($0 * outputs)..<(($0 + 1) * outputs)]) }
    )
  }

  private static func withPointers<T>(
    _ lists: [T]..., body: ([UnsafePointer<T>]) -> Void
  ) {
    let buffers = lists.map { list in
      let buffer = UnsafeMutablePointer<T>.allocate(capacity: max(1, list.count))
      buffer.initialize(from: list, count: list.count)
      return buffer
    }
    body(buffers.map { UnsafePointer($0) })
    for buffer in buffers { buffer.deallocate() }
  }
}
