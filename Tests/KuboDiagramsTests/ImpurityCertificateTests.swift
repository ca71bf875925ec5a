// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import KuboTestSupport
import RealModule
import Testing
import UniformGrid

/// Bounds with impurities are true: self-energies, loops, ladders and energy integrals by the program of
/// `Tests/Support/UniformGrid`, in states drawn at random with their Hamiltonians.
@Suite("Certificate of the error bounds with impurities") struct ImpurityCertificateTests {
  /// How many states of `scba` and as many of `site`, in one, two and three dimensions.
  static let counts = [130, 18, 4]
  /// Those whose reference takes a second.
  static let quick = [(1, 3, false), (1, 8, false), (1, 6, true)]

  @Test func boundsAreTrue() async throws {
    // As in KUBO_CERTIFICATE=2:10:5, states 10 to 14 of both kinds in two dimensions.
    let asked = ProcessInfo.processInfo.environment["KUBO_CERTIFICATE"]?.split(separator: ":")
      .compactMap { Int($0) }
    let parts =
      asked.map { a in (a[1]..<a[1] + a[2]).map { (a[0], $0) } }
      ?? [3, 2, 1].flatMap { d in (0..<ImpurityCertificateTests.counts[d - 1]).map { (d, $0) } }
    let states =
      asked == nil && !areTestsLong
      ? ImpurityCertificateTests.quick : parts.flatMap { d, n in [(d, n, false), (d, n, true)] }
    let found = await CertificateTally.tallies(of: states) { dimension, number, isSite in
      await CertificateTally(
        isSite: isSite, dimension: dimension, number: number, isVerbose: asked != nil)
    }
    var all = CertificateTally()
    for tally in found { all.add(tally) }
    print(all.summary)
    #expect(all.violations.isEmpty, "\(all.violations.joined(separator: "\n"))")
    guard asked == nil else { return }
    let (cells, given) = (Double(all.cells), Double(all.given))
    #expect(Double(all.missed.count) <= 1e-3 * cells, "\(all.missed.joined(separator: "\n"))")
    // Grids of the short test are coarse.
    #expect(
      Double(all.decided) >= (areTestsLong ? 0.7 : 0.3) * given,
      "\(all.undecided.joined(separator: "\n"))")
    #expect(given >= 0.95 * cells, "\(all.refused.joined(separator: "\n"))")
  }
}

extension CertificateTally {
  /// Compares a drawn state with its reference.
  init(isSite: Bool, dimension: Int, number: Int, isVerbose: Bool) async {
    let label = "\(isSite ? "site" : "scba") \(dimension):\(number)"
    self.init(states: 1)
    let drawn: ImpurityState
    do { drawn = try ImpurityState(isSite: isSite, dimension: dimension, number: number) } catch {
      violations = ["\(label) cannot be drawn: \(error)"]
      return
    }
    if isVerbose { print("\(label) begins: \(drawn)") }
    let start = ContinuousClock.now
    guard
      let spectrum = await result(
        label, "\(drawn)", seconds: areTestsLong ? 120 : 300, isVerbose: isVerbose,
        { try await drawn.request().spectrum() })
    else { return }
    let taken = start.duration(to: .now)
    let state = drawn.state
    refused = spectrum.failures.map { "\(label) \($0) \(drawn)" }
    // What vanishes by symmetry has no scale of its own.
    let largest = spectrum.columns.flatMap { $0.values.compactMap { $0?.scale } }.max() ?? 0
    let floors = spectrum.columns.map { column in
      ImpurityReference.accuracy
        * max(1e-3 * largest, column.values.compactMap { $0?.scale }.max() ?? 0)
    }
    let goals = state.omegas.indices.map { n in
      spectrum.columns.enumerated().map { o, column in
        column.values[n].map {
          max(0.3 * $0.error, 3 * floors[o], 0.1 * state.tolerance * $0.dynamic.length)
        } ?? .infinity
      }
    }
    let reference = ImpurityReference(drawn, goals: goals, floors: floors)
    for (o, column) in spectrum.columns.enumerated() {
      for n in state.omegas.indices {
        cells += 1
        guard let v = column.values[n], let v0 = column.staticPart else { continue }
        given += 1
        compare(
          v, v0, reference.dynamics[n][o], reference.statics[o],
          negligible: max(5 * floors[o], 0.3 * state.tolerance * v.dynamic.length),
          tolerance: state.tolerance, rounding: 1e-13 * v.scale,
          "\(label) \(column.request.label) omega=\(state.omegas[n])", "\(drawn)")
      }
    }
    if isVerbose {
      print(
        "\(label) \(state.model.name) J=\(state.model.exchange) gamma=\(drawn.strength) T=\(state.temperature) tol=\(state.tolerance): "
          + "engine \(taken), reference \(start.duration(to: .now) - taken) grids \(reference.grids) work \(reference.work); "
          + "\(cells) cells \(given) given \(decided) decided \(refused.count) refused, median ratio \(ratio(0.5))"
      )
      printFaults()
    }
  }
}

/// Responses with impurities by sums over uniform grids and Matsubara frequencies, `Tests/Support/UniformGrid`, with
/// ever more points and parts of the energies until two settings differ by less than the goals.
struct ImpurityReference: Sendable {
  /// K(0) of each column, and K(omega) - K(0) or sigma, [omega][column].
  private(set) var statics: [UniformGridReference.Number] = []
  private(set) var dynamics: [[UniformGridReference.Number]] = []
  private(set) var work = 0.0
  private(set) var grids: [Int] = []
  /// Of each row of numbers and column what the last two settings but one differed by, [row][column].
  private var before: [[Double]] = []

  /// Of sums over energies, relative to the sum of moduli.
  static let accuracy = 1e-9

  /// `goals`: what errors of the dynamic and static parts may be, [omega][column]; `floors`: what is added to errors.
  init(_ drawn: ImpurityState, goals: [[Double]], floors: [Double]) {
    let state = drawn.state
    let grid = GridState(state)
    let d = state.model.dimension
    let limit = areTestsLong ? 1e8 : 2e6
    var points = [160.0, 30, 14][d - 1]
    var last: [[ComplexDouble]]?
    for panels in 3... {
      let counts = state.reach.enumerated().map { m, reach in
        Int(points * (1 + Double(reach) / 3)) + 2 * m
      }
      let start = work
      let (values, spent) = grid.impurities(drawn, counts, panels: panels)
      work += spent
      grids.append(counts[0])
      if let last {
        take(last, values, state, floors.map { max($0, energyError(panels, values)) })
        let isDone = goals.indices.allSatisfy { n in
          goals[n].indices.allSatisfy {
            max(dynamics[n][$0].error, statics[$0].error) <= goals[n][$0]
          }
        }
        if isDone { break }
      }
      last = values
      // Half as many again along each direction.
      points *= [1.6, 1.4, 1.25][d - 1]
      if grids.count > 1, work + 2.5 * (work - start) > limit { break }
    }
  }

  /// Windows of the energy are halved until they are good to 10^-(3 + panels) of the largest K.
  private func energyError(_ panels: Int, _ values: [[ComplexDouble]]) -> Double {
    10 * Double.pow(10, -3 - panels) * values.joined().map(\.length).max()!
  }

  /// The finer of two settings, with what they differ by.
  private mutating func take(
    _ coarse: [[ComplexDouble]], _ fine: [[ComplexDouble]], _ state: CertificateState,
    _ floors: [Double]
  ) {
    let columns = state.columns.indices
    func rows(_ v: [[ComplexDouble]]) -> [[ComplexDouble]] {
      [v[0]]
        + state.omegas.enumerated().map { n, omega in
          columns.map { o in
            let difference = v[n + 1][o] - v[0][o]
            return state.columns[o].response.isConductivity
              ? difference * ComplexDouble(0, 1 / omega) : difference
          }
        }
    }
    let (a, b) = (rows(coarse), rows(fine))
    let differences = b.indices.map { n in columns.map { (a[n][$0] - b[n][$0]).length } }
    let numbers = b.indices.map { n in
      columns.map { o in
        // One frequency may be right by accident, not all; and grids that do not resolve the levels may agree.
        let all = differences.map { $0[o] }.max()!
        let isConverging = !before.isEmpty && all < 0.3 * before.map { $0[o] }.max()!
        let error = 3 * differences[n][o] + 0.2 * all
        return UniformGridReference.Number(
          value: b[n][o], error: (isConverging ? error : 30 * error) + floors[o])
      }
    }
    before = differences
    statics = numbers[0]
    dynamics = Array(numbers.dropFirst())
  }
}

extension GridState {
  /// K at omega = 0 and the frequencies of the state, [frequency][column], and wave vectors times pairs of energies.
  func impurities(_ drawn: ImpurityState, _ counts: [Int], panels: Int) -> (
    values: [[ComplexDouble]], work: Double
  ) {
    let columns = drawn.state.columns
    let frequencies = [0] + drawn.state.omegas
    let outputs = columns.map(UniformGridReference.output)
    var values = [Double](repeating: 0, count: 2 * frequencies.count * outputs.count)
    let work = ug_impurities(
      &state, drawn.isSite ? 1 : 0, drawn.strength, counts.map { Int32($0) } + [1, 1],
      Int32(panels), Int32(frequencies.count), frequencies, Int32(outputs.count), outputs,
      columns.map { $0.dressing == .ladder ? 1 : 0 }, &values)
    let rows = frequencies.indices.map { n in
      columns.enumerated().map { o, column in
        let m = 2 * (n * outputs.count + o)
        return ComplexDouble(values[m], values[m + 1]) * UniformGridReference.factor(column)
      }
    }
    return (rows, work)
  }
}
