// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboVerification

extension Report {
  /// What was asked for, three numbers that matter, and whether the checks hold.
  var summary: HTML {
    let names = request.columns.map(\.response.name).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    let omegas = spectrum.omegas
    let rows = summaryNumbers.map { "<li><strong>\($0.value)</strong> \($0.meaning)</li>" as HTML }
    let checks: HTML =
      if let verification {
        verification.statements.allSatisfy(\.holds)
          ? "\(verification.verdict)."
          : "<strong class=\"failed\">\(verification.verdict).</strong>"
      } else {
        "The exact statements were not checked (--no-verify)."
      }
    let cells: HTML =
      failures.isEmpty
      ? "Every value was computed to its tolerance."
      : "<strong class=\"failed\">\(failures.count == 1 ? "Values are" : "\(failures.count) kinds of values are") missing; the reasons stand below.</strong>"
    return """
      <p>Asked: \(names.joined(separator: ", ")) of \(request.model.name) at \(omegas.count) frequencies from
      \(significant(omegas.min() ?? 0)) to \(significant(omegas.max() ?? 0)) \(units.energy), with
      \(lifetime), \(formula("\\mu={\(significant(request.mu))}")),
      \(formula("k_{\\mathrm{B}}T=\(significant(request.temperature))")); and the same state with impurities of strength
      \(formula("\\gamma=\(significant(impurities))")), bare and with the ladder.</p>
      <ul class="numbers">
      \(rows)
      </ul>
      <p>\(checks) \(cells)</p>
      """
  }

  private var lifetime: HTML {
    guard case .constant(let gamma) = request.lifetime else {
      return "\(request.lifetime.description)"
    }
    return formula("\\Gamma=\(significant(gamma))")
  }

  /// The resonance of the ladder, what it leaves of the torque of a direct current, and the first response at its largest.
  private var summaryNumbers: [(value: HTML, meaning: HTML)] {
    var numbers: [(value: HTML, meaning: HTML)] = []
    let site = comparison.curves.filter { $0.impurities == .site }
    let curves = [Dressing.bare, .ladder].compactMap { kind in site.first { $0.dressing == kind } }
    if let ladder = curves.last, ladder.dressing == .ladder {
      let double = formula("2J=\(significant(2 * request.model.exchange))")
      numbers.append(
        ladder.resonance.map { peak in
          (
            "\(significant(peak.position, digits: 4)) \(units.energy)",
            "resonance of the staggered spin with the ladder, \(significant(peak.width, digits: 2)) wide; \(double)"
          )
        } ?? (
          "none",
          "no resonance of the staggered spin with the ladder at these frequencies; \(double)"
        ))
    }
    let lowest = curves.compactMap { curve in
      zip(curve.omegas, curve.perField).min { abs($0.0) < abs($1.0) }
    }
    if lowest.count == 2, lowest[0].0 == lowest[1].0, lowest[0].1.length > 0 {
      numbers.append(
        (
          "\(significant(lowest[1].1.length / lowest[0].1.length, digits: 2))",
          "of the bare \(formula("|K_{\\Sigma}/\\omega|")) is left with the ladder at \(formula("\\hbar\\omega=\(significant(lowest[0].0))")); as \(formula("\\omega\\to 0")) nothing is, since impurities on the sites conserve spin"
        ))
    }
    if let column = spectrum.columns.first {
      let found = zip(spectrum.omegas, column.values).compactMap { omega, value in
        value.map { (omega, $0) }
      }.max { $0.1.dynamic.length < $1.1.dynamic.length }
      if let (omega, value) = found {
        let unit = CSVFile(spectrum, request: request, provenance: provenance)
          .unit(named: column.request.response.name)
        numbers.append(
          (
            "\(significant(value.dynamic.length, digits: 4)) \(HTML.unit(unit ?? ""))",
            "largest \(column.request.label), at \(formula("\\hbar\\omega=\(significant(omega))")); error bound \(significant(value.error, digits: 2, .up))"
          ))
      }
    }
    return numbers
  }
}
