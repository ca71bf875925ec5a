// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboWork

/// How large the error of a value may be, for its real and its imaginary part each:
///
///     |error| <= max{ relative * max(|part|, 1e-4 |reference|, 1e-6 S),  min(4 rounding, 1e-9 S) }
///
/// S is the sum of the absolute contributions, and the reference the value itself or, for a static part, the largest
/// dynamic one. The second term lets what rounding alone exceeds a tolerance by stand, with its true bound.
package struct Tolerance: Sendable {
  package let relative: Double

  package init(_ relative: Double) { self.relative = relative }

  /// The allowed errors of `value`, whose error bound holds `rounding`.
  package func allowed(
    _ value: ComplexDouble, scale: Double, rounding: Double, reference: Double? = nil
  ) -> PartErrors {
    let floor = max(1e-4 * (reference ?? value.length), 1e-6 * scale)
    let rounded = min(4 * rounding, 1e-9 * scale)
    func limit(_ part: Double) -> Double { max(relative * max(abs(part), floor), rounded) }
    return PartErrors(real: limit(value.real), imaginary: limit(value.imaginary))
  }

  /// The same of many values.
  package func allowed(
    _ values: [ComplexDouble], scales: [Double], rounding: [Double], references: [Double]? = nil
  ) -> [PartErrors] {
    values.indices.map {
      allowed(
        values[$0], scale: scales[$0], rounding: rounding[$0], reference: references?[$0])
    }
  }

  /// Why a value is not good enough, if it errs by more than is allowed.
  package func reason(_ errors: PartErrors, _ allowed: PartErrors) -> String? {
    if errors.isWithin(allowed) { return nil }
    let (estimate, limit) = errors.worst(allowed)
    return "did not converge: error estimate \(significant(estimate)), allowed "
      + "\(significant(limit)) (tolerance \(significant(relative)))"
  }
}
