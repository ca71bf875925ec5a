// SPDX-License-Identifier: GPL-3.0-or-later
import CGSL

/// An integral that GSL could not do.
public struct QuadratureError: Error, Sendable, Equatable, CustomStringConvertible {
  /// GSL's reason, the estimate reached and the error asked for.
  public let reason: String
  /// The error estimate where the integration stopped.
  public let estimate: Double
  /// The largest error that would have been accepted.
  public let allowed: Double

  package init(reason: String, estimate: Double, allowed: Double) {
    self.reason = reason
    self.estimate = estimate
    self.allowed = allowed
  }

  /// One line for a message.
  public var description: String {
    "quadrature: \(reason) (error estimate \(estimate), allowed \(allowed))"
  }
}

/// The value of an integral with GSL's error estimate.
public struct Integral: Sendable, Equatable {
  /// The value.
  public var value: Double
  /// GSL's estimate of the absolute error.
  public var error: Double

  static func + (a: Integral, b: Integral) -> Integral {
    Integral(value: a.value + b.value, error: a.error + b.error)
  }
}

/// GSL prints and aborts by default; every status is checked here instead.
let handlerIsOff: Bool = {
  gsl_set_error_handler_off()
  return true
}()

/// Adaptive Gauss-Kronrod integration of a real function by GSL's QAG, QAGIL and QAGIU.
///
/// One value owns one GSL workspace: use one per task.
public struct AdaptiveIntegrator: ~Copyable {
  private let workspace: UnsafeMutablePointer<gsl_integration_workspace>
  private let limit: Int

  /// A workspace for up to `limit` subintervals.
  public init(limit: Int = 4000) {
    precondition(handlerIsOff && limit > 0)
    self.limit = limit
    workspace = gsl_integration_workspace_alloc(limit)!
  }

  deinit { gsl_integration_workspace_free(workspace) }

  /// The integral of `f` from `a` to `b`, either of which may be infinite, split at `breaks`:
  ///
  ///     value = sum over pieces of int f(x) dx,   error = the sum of GSL's estimates
  ///
  /// in units of f times those of x. Break points outside the interval are ignored. Each piece is integrated to
  /// max(absolute, relative * |value|).
  /// - Throws: ``QuadratureError`` if a piece does not converge.
  public func integrate(
    from a: Double, to b: Double, breaks: [Double] = [], absolute: Double, relative: Double,
    _ f: (Double) -> Double
  ) throws -> Integral {
    precondition(a <= b)
    if a == b { return Integral(value: 0, error: 0) }
    var ends = [a] + Set(breaks.filter { $0 > a && $0 < b }).sorted() + [b]
    if ends.count == 2, a.isInfinite, b.isInfinite { ends.insert(0, at: 1) }
    var total = Integral(value: 0, error: 0)
    for (low, high) in zip(ends, ends.dropFirst()) {
      total = total + (try piece(low, high, absolute, relative, f))
    }
    return total
  }

  private func piece(
    _ a: Double, _ b: Double, _ absolute: Double, _ relative: Double, _ f: (Double) -> Double
  ) throws -> Integral {
    try withFunction(f) { function in
      var value = 0.0
      var error = 0.0
      let status =
        if a.isInfinite {
          gsl_integration_qagil(function, b, absolute, relative, limit, workspace, &value, &error)
        } else if b.isInfinite {
          gsl_integration_qagiu(function, a, absolute, relative, limit, workspace, &value, &error)
        } else {
          gsl_integration_qag(
            function, a, b, absolute, relative, limit, Int32(GSL_INTEG_GAUSS21), workspace, &value,
            &error)
        }
      // Roundoff is reported when the last digits stop improving; the estimate says how good
      // the value is, and decides.
      let allowed = max(absolute, relative * abs(value))
      guard value.isFinite, status == 0 || error <= 10 * allowed else {
        throw QuadratureError(
          reason: String(cString: gsl_strerror(status)), estimate: error, allowed: allowed)
      }
      return Integral(value: value, error: error)
    }
  }
}

/// Calls `body` with GSL's form of `f`, which holds no longer than the call.
func withFunction<Result>(
  _ f: (Double) -> Double, _ body: (UnsafeMutablePointer<gsl_function>) throws -> Result
) throws -> Result {
  try withoutActuallyEscaping(f) { escaping in
    var box = Integrand(call: escaping)
    return try withUnsafeMutablePointer(to: &box) { pointer in
      var function = gsl_function(
        function: { x, parameters in
          parameters!.assumingMemoryBound(to: Integrand.self).pointee.call(x)
        }, params: UnsafeMutableRawPointer(pointer))
      return try body(&function)
    }
  }
}

/// What GSL passes on to the function that it calls.
private struct Integrand {
  let call: (Double) -> Double
}
