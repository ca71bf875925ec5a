// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import RealModule

/// What a state, or many, gave. A cell is one column at one omega.
struct CertificateTally: Sendable {
  var states = 0
  var cells = 0
  /// Cells with a value.
  var given = 0
  /// Those of which the reference tells whether the bound holds.
  var decided = 0
  /// The error is above the bound, beyond what the reference may err.
  var violations: [String] = []
  /// Whether it is depends on how the reference errs.
  var undecided: [String] = []
  /// Parts beyond the tolerance.
  var missed: [String] = []
  var refused: [String] = []
  /// States that did not end in time.
  var unended: [String] = []
  /// Bound over true error, or over rounding where that is larger.
  var ratios: [Double] = []

  mutating func add(_ other: CertificateTally) {
    states += other.states
    cells += other.cells
    given += other.given
    decided += other.decided
    violations += other.violations
    undecided += other.undecided
    missed += other.missed
    refused += other.refused
    unended += other.unended
    ratios += other.ratios
  }

  /// Of the ratios, the one that this part of them is below.
  func ratio(_ part: Double) -> Double {
    ratios.isEmpty ? 0 : ratios.sorted()[Int(part * Double(ratios.count - 1))]
  }

  var summary: String {
    "\(states) states, \(cells) cells, \(given) with values: \(violations.count) parts above the bound, "
      + "\(decided) decided, "
      + "\(missed.count) parts beyond the tolerance, \(refused.count) refused; \(unended.count) states not "
      + "ended; bounds are \(ratio(0)), \(ratio(0.01)), \(ratio(0.1)), \(ratio(0.5)), \(ratio(0.9)) times the "
      + "error (smallest, 1 %, 10 %, median, 90 %)"
  }

  init() {}

  /// A drawn state.
  init(dimension: Int, number: Int, seconds: Double, isVerbose: Bool) async {
    do {
      let state = try CertificateState(dimension: dimension, number: number)
      if isVerbose { print("\(dimension):\(number) begins: \(state)") }
      await self.init(state, "\(dimension):\(number)", seconds: seconds, isVerbose: isVerbose)
    } catch {
      self.init()
      violations = ["\(dimension):\(number) cannot be drawn: \(error)"]
    }
  }

  /// Compares `state` with its reference.
  init(_ state: CertificateState, _ label: String, seconds: Double, isVerbose: Bool) async {
    states = 1
    let clock = ContinuousClock()
    let start = clock.now
    let spectrum: Spectrum
    do {
      spectrum = try await limited(seconds: seconds) { try await state.request().spectrum() }
    } catch is CancellationError {
      unended = ["\(label) after \(clock.now - start): \(state)"]
      if isVerbose { print("UNENDED \(unended[0])") }
      return
    } catch {
      refused = ["\(label) as a whole: \(error) \(state)"]
      if isVerbose { print("REFUSED \(refused[0])") }
      return
    }
    let taken = clock.now - start
    let columns = state.columns
    refused = spectrum.failures.map { "\(label) \($0) \(state)" }
    // The reference may err by a fifth of a bound.
    let goals = state.omegas.indices.map { n in
      spectrum.columns.map { column in
        column.values[n].map { max(0.2 * $0.error, 0.5e-12 * $0.scale) } ?? .infinity
      }
    }
    let reference = UniformGridReference(
      state, columns, goals: goals, limit: [8, 16, 32][state.model.dimension - 1] * state.work)
    for (o, column) in spectrum.columns.enumerated() {
      for n in state.omegas.indices {
        cells += 1
        guard let v = column.values[n], let v0 = column.staticPart else { continue }
        given += 1
        let (w, w0) = (reference.dynamics[n][o], reference.statics[o])
        compare(
          v, v0, w, w0, scale: max(v.scale, reference.scales[o]), tolerance: state.tolerance,
          rounding: state.rounding(state.omegas[n]) * v.scale,
          "\(label) \(columns[o].label) omega=\(state.omegas[n])", "\(state)")
      }
    }
    if isVerbose {
      print(
        "\(label) \(state.model.name) J=\(state.model.exchange) Gamma=\(state.gamma) T=\(state.temperature) tol=\(state.tolerance): engine \(taken), reference "
          + "\(clock.now - start - taken) change \(reference.change) work \(reference.work); \(cells) cells \(given) given \(decided) decided "
          + "\(refused.count) refused, median ratio \(ratio(0.5))")
      for line in violations { print("VIOLATION \(line)") }
      for line in missed { print("MISSED \(line)") }
      for line in undecided { print("UNDECIDED \(line)") }
      if let line = refused.first { print("REFUSED \(line)") }
    }
  }

  private mutating func compare(
    _ v: Spectrum.Value, _ v0: ComplexDouble, _ w: UniformGridReference.Number,
    _ w0: UniformGridReference.Number, scale: Double, tolerance: Double, rounding: Double,
    _ label: String, _ state: String
  ) {
    let full = (v.dynamic + v0) - (w.value + w0.value)
    let differences = [
      ("Re", abs(v.dynamic.real - w.value.real), w.error),
      ("Im", abs(v.dynamic.imaginary - w.value.imaginary), w.error),
      ("static Re", abs(v0.real - w0.value.real), w0.error),
      ("static Im", abs(v0.imaginary - w0.value.imaginary), w0.error),
      ("sum Re", abs(full.real), w.error + w0.error),
      ("sum Im", abs(full.imaginary), w.error + w0.error),
    ]
    let found =
      "found \(v.dynamic) static \(v0) +- \(v.error), right \(w.value) static \(w0.value) +- \(w.error), \(w0.error), S \(v.scale)"
    var isDecided = true
    for (part, difference, error) in differences {
      if difference > v.error + error {
        violations.append("\(label) \(part): off \(difference); \(found) \(state)")
      } else if !(difference + error <= v.error || error <= 1e-12 * scale) {
        isDecided = false
      }
    }
    if isDecided { decided += 1 } else { undecided.append("\(label): \(found) \(state)") }
    for (value, (part, difference, error)) in zip([w.value.real, w.value.imaginary], differences) {
      let allowed = tolerance * max(abs(value), 1e-4 * w.value.length, 1e-6 * v.scale)
      if difference - error > allowed + 1e-9 * v.scale {
        missed.append("\(label) \(part): off \(difference), allowed \(allowed); \(found) \(state)")
      }
    }
    let error = differences.map { max($0.1, $0.2) }.max()!
    ratios.append(v.error / max(error, rounding, .leastNormalMagnitude))
  }
}

/// Cancels what takes longer than `seconds`, of processor while two such work.
func limited<T: Sendable>(
  seconds: Double, _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
  let task = Task { try await body() }
  // Not a task, which would wait for the threads that work.
  let timer = DispatchSource.makeTimerSource(queue: .global())
  let start = clock()
  timer.schedule(deadline: .now() + 0.2, repeating: 0.2)
  timer.setEventHandler {
    if Double(clock() - start) > 2e6 * seconds { task.cancel() }
  }
  timer.resume()
  defer { timer.cancel() }
  return try await task.value
}
