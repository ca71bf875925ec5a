// SPDX-License-Identifier: GPL-3.0-or-later
import KuboLattice
import KuboWork

/// A number with its error estimate.
public struct Estimate: Sendable, Equatable {
  /// The value.
  public var value: ComplexDouble
  /// A bound on |exact - value|.
  public var error: Double

  package init(value: ComplexDouble, error: Double) {
    self.value = value
    self.error = error
  }

  package static func * (factor: Double, x: Estimate) -> Estimate {
    Estimate(value: x.value.multiplied(by: factor), error: x.error * abs(factor))
  }

  package static func + (x: Estimate, y: Estimate) -> Estimate {
    Estimate(value: x.value + y.value, error: x.error + y.error)
  }
}

/// Why an integral was given up.
public struct NonConvergence: Error, Sendable, Equatable, CustomStringConvertible {
  /// The frequency, or whatever labels the integral, as in `omega = 0.3`.
  public let label: String
  /// The estimate reached, the tolerance asked for, and the grid divisions tried last.
  public let estimate, allowed: Double
  /// Grid points along each reciprocal vector in the last grid.
  public let divisions: Int
  /// What would need fewer points if it were larger.
  private let remedy: String
  package static let usualRemedy = "lifetime parameter, temperature or J"
  /// Why no grid would do, in place of what the last grid had.
  private let cause: String?

  package init(
    label: String, estimate: Double, allowed: Double, divisions: Int,
    remedy: String = usualRemedy, cause: String? = nil
  ) {
    self.label = label
    self.estimate = estimate
    self.allowed = allowed
    self.divisions = divisions
    self.remedy = remedy
    self.cause = cause
  }

  /// One line for a message.
  public var description: String { "\(label): \(reason)" }

  /// The same without the label.
  package var reason: String {
    if estimate == .infinity {
      return
        "the zone integral needs more than \(divisions) points along each reciprocal vector, which is beyond the limit; "
        + "try a larger \(remedy)"
    }
    let errors = "error estimate \(significant(estimate)), allowed \(significant(allowed))"
    if let cause { return "\(cause): \(errors)" }
    return
      "the zone integral did not converge: \(errors), with \(divisions) points along each reciprocal vector, the finest grid within the limit"
  }
}

extension GridRefinement.Outcome {
  /// Itself, unless a quantity has missed its tolerance.
  package func converged(
    _ label: @autoclosure () -> String, remedy: String = NonConvergence.usualRemedy
  ) throws(NonConvergence) -> GridRefinement.Outcome {
    guard let failure else { return self }
    throw NonConvergence(
      label: label(), estimate: worst(failure).estimate, allowed: worst(failure).allowed,
      divisions: divisions, remedy: remedy)
  }
}

/// Error bounds, or allowances, of the real and of the imaginary part of a number.
package struct PartErrors: Sendable, Equatable {
  package var real, imaginary: Double

  package init(real: Double, imaginary: Double) {
    self.real = real
    self.imaginary = imaginary
  }

  /// The same of both parts.
  package init(_ both: Double) { (real, imaginary) = (both, both) }

  package static func * (factor: Double, errors: PartErrors) -> PartErrors {
    PartErrors(real: factor * errors.real, imaginary: factor * errors.imaginary)
  }

  package static func + (a: PartErrors, b: PartErrors) -> PartErrors {
    PartErrors(real: a.real + b.real, imaginary: a.imaginary + b.imaginary)
  }

  /// The larger of each part.
  package func atLeast(_ other: PartErrors) -> PartErrors {
    PartErrors(real: max(real, other.real), imaginary: max(imaginary, other.imaginary))
  }

  /// That of the part that is worse off in absolute terms.
  package var largest: Double { max(real, imaginary) }

  /// Whether neither part exceeds what is allowed.
  package func isWithin(_ allowed: PartErrors) -> Bool {
    real <= allowed.real && imaginary <= allowed.imaginary
  }

  /// Error and allowance of the part that is worse off.
  package func worst(_ allowed: PartErrors) -> (estimate: Double, allowed: Double) {
    real * allowed.imaginary > imaginary * allowed.real
      ? (real, allowed.real) : (imaginary, allowed.imaginary)
  }
}
