// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboTestSupport
import RealModule

extension CertificateTally {
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
    self.init(states: 1)
    let clock = ContinuousClock()
    let start = clock.now
    guard
      let spectrum = await result(
        label, "\(state)", seconds: seconds, isVerbose: isVerbose,
        { try await state.request().spectrum() })
    else { return }
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
          v, v0, w, w0, negligible: 1e-12 * max(v.scale, reference.scales[o]),
          tolerance: state.tolerance,
          rounding: state.rounding(state.omegas[n]) * v.scale,
          "\(label) \(columns[o].label) omega=\(state.omegas[n])", "\(state)")
      }
    }
    if isVerbose {
      print(
        "\(label) \(state.model.name) J=\(state.model.exchange) Gamma=\(state.gamma) T=\(state.temperature) tol=\(state.tolerance): engine \(taken), reference "
          + "\(clock.now - start - taken) change \(reference.change) work \(reference.work); \(cells) cells \(given) given \(decided) decided "
          + "\(refused.count) refused, median ratio \(ratio(0.5))")
      printFaults()
    }
  }

  /// One cell: v and its static part v0, and what is right, w and w0; a reference that errs by less than `negligible`
  /// decides.
  mutating func compare(
    _ v: Spectrum.Value, _ v0: ComplexDouble, _ w: UniformGridReference.Number,
    _ w0: UniformGridReference.Number, negligible: Double, tolerance: Double, rounding: Double,
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
      } else if !(difference + error <= v.error || error <= negligible) {
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
