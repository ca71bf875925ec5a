// SPDX-License-Identifier: GPL-3.0-or-later
import CGSL

/// A zero of a real function between two points where its signs differ.
public struct BracketedRoot: Sendable, Equatable {
  /// Where the zero is.
  public var value: Double
  /// How far it may be from there: the bracket's ends enclose it.
  public var error: Double

  /// The zero f(x) = 0 of the continuous function `f` between `a` and `b` by Brent's method (GSL), enclosed
  /// to `absolute` or to rounding of the ends; all in the unit of x.
  /// - Precondition: f(a) and f(b) are not of the same sign.
  /// - Throws: ``QuadratureError`` if the bracket does not shrink, or a value is not finite.
  public init(from a: Double, to b: Double, absolute: Double, _ f: (Double) -> Double) throws {
    precondition(handlerIsOff && a <= b && absolute >= 0)
    let solver = gsl_root_fsolver_alloc(kubo_root_brent())!
    defer { gsl_root_fsolver_free(solver) }
    self = try withFunction(f) { function in
      var status = gsl_root_fsolver_set(solver, function, a, b)
      // Bisection alone would need 2100 steps for all of the doubles.
      for _ in 0..<2200 {
        guard status == 0 else { break }
        let (low, high) = (gsl_root_fsolver_x_lower(solver), gsl_root_fsolver_x_upper(solver))
        let root = gsl_root_fsolver_root(solver)
        let rounding = 4 * max(low.magnitude, high.magnitude).ulp
        if high - low <= max(absolute, rounding) {
          return BracketedRoot(value: root, error: max(root - low, high - root))
        }
        status = gsl_root_fsolver_iterate(solver)
      }
      throw QuadratureError(
        reason: status == 0
          ? "the bracket of a root does not shrink" : String(cString: gsl_strerror(status)),
        estimate: b - a, allowed: absolute)
    }
  }

  private init(value: Double, error: Double) {
    self.value = value
    self.error = error
  }
}
