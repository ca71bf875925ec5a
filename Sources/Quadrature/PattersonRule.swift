// SPDX-License-Identifier: GPL-3.0-or-later
import CGSL

/// The nested Gauss-Kronrod-Patterson rules of 10, 21, 43 and 87 points, each with all the points of
/// the one before.
///
/// GSL keeps their tables to itself, in `gsl_integration_qng`. The nodes are where it asks for the
/// integrand; the rules are interpolatory, so that the weights follow from the nodes: the integrals
/// of the Lagrange polynomials, done exactly by a Gauss rule.
package struct PattersonRule: Sendable {
  /// Stage 0 has 21 points (of which 10 make the rule it is compared with), then 43 and 87.
  static let stages = 3
  package static let shared = PattersonRule()

  /// The 87 nodes on [-1, 1], in the order of the stages.
  private let nodes: [Double]
  /// The weights of the rules of 10, 21, 43, 87 points.
  private let weights: [[Double]]
  private static let counts = [10, 21, 43, 87]
  /// The weights by stage, in the order of the nodes, of Legendre's coefficients (2 n + 1)/2 int P_n(t) y(t) dt of n = 14 and 15, 30
  /// and 31, 62 and 63.
  private let tails: [[SIMD2<Double>]]

  private struct Recorder {
    var asked: [Double] = []
  }

  private init() {
    var recorder = Recorder()
    var value = 0.0
    var error = 0.0
    var evaluations = 0
    withUnsafeMutablePointer(to: &recorder) { pointer in
      var function = gsl_function(
        function: { x, parameters in
          let recorder = parameters!.assumingMemoryBound(to: Recorder.self)
          recorder.pointee.asked.append(x)
          // Nothing that a polynomial fits, so that GSL goes on to the last rule.
          return x.bitPattern & 64 == 0 ? 1 : -1
        }, params: UnsafeMutableRawPointer(pointer))
      _ = handlerIsOff
      gsl_integration_qng(&function, -1, 1, 1e-300, 1e-14, &value, &error, &evaluations)
    }
    precondition(recorder.asked.count == 87, "gsl_integration_qng asked \(recorder.asked.count)")
    // GSL asks for the midpoint first, which belongs to the rule of 21 points.
    let gauss = GaussRule(10).pairs.map(\.x)
    let first = recorder.asked[..<21]
    let ten = first.filter { x in gauss.contains { abs($0 - x) < 1e-9 } }
    precondition(ten.count == 10)
    nodes = ten + first.filter { !ten.contains($0) } + recorder.asked[21...]
    weights = PattersonRule.counts.map { [nodes] count in
      PattersonRule.interpolatoryWeights(Array(nodes[..<count]))
    }
    tails = (0..<PattersonRule.stages).map { [nodes, weights] stage in
      zip(nodes, weights[stage + 1]).map { t, weight in
        let n = SIMD2(16 << stage - 2, 16 << stage - 1)
        let p = SIMD2(gsl_sf_legendre_Pl(CInt(n[0]), t), gsl_sf_legendre_Pl(CInt(n[1]), t))
        return (SIMD2(Double(n[0]), Double(n[1])) + 0.5) * p * weight
      }
    }
  }

  /// int_{-1}^{1} L_i(x) dx for the Lagrange polynomials of `nodes`.
  private static func interpolatoryWeights(_ nodes: [Double]) -> [Double] {
    // Exact for polynomials up to degree 2 n - 1 > 86; GSL has this rule in a table, while those that
    // it computes are good to 1e-10 only.
    let rule = GaussRule(64).pairs
    return nodes.indices.map { i in
      rule.reduce(0) { sum, node in
        // Products in pairs stay near 1.
        let value = nodes.indices.reduce(1.0) { product, j in
          j == i ? product : product * ((node.x - nodes[j]) / (nodes[i] - nodes[j]))
        }
        return sum + node.w * value
      }
    }
  }

  /// The rule of 21 points on [-1, 1] with its error.
  package struct Short: Sendable {
    /// The nodes, ascending.
    package let nodes: [Double]
    let fine, coarse: [Double]
    let tail: [SIMD2<Double>]

    /// The integral of y, given at the nodes, and the bound of ``PattersonRule/bound(_:_:_:)``.
    package func integral(_ y: UnsafeBufferPointer<Double>) -> (value: Double, error: Double) {
      var (value, rough, last) = (0.0, 0.0, SIMD2<Double>.zero)
      for m in nodes.indices {
        value += fine[m] * y[m]
        rough += coarse[m] * y[m]
        last += tail[m] * y[m]
      }
      var spread = 0.0
      for m in nodes.indices { spread += fine[m] * abs(y[m] - value / 2) }
      return (value, PattersonRule.bound(value - rough, last, spread))
    }
  }

  /// A bound on the error of the finer of two rules:
  ///
  ///     max(|I_21 - I_10|/4, 10 (c_14^2 + c_15^2)/int |y - mean|)
  ///
  /// and so on for more points. The rule of 10 points integrates polynomials up to degree 19, that of 21 points up to 31. Where
  /// Legendre's coefficients c_n fall as q^n, the difference falls as q^20, the error as q^32, the square of the coefficients as q^30:
  /// their bound is rarely the larger one, but it holds where two rules that do not resolve y agree by accident.
  static func bound(_ difference: Double, _ tail: SIMD2<Double>, _ spread: Double) -> Double {
    spread > 0
      ? max(abs(difference) / 4, 10 * (tail * tail).sum() / spread) : abs(difference) / 4
  }

  /// The rule of 21 points.
  package var short: Short {
    let order = (0..<21).sorted { nodes[$0] < nodes[$1] }
    return Short(
      nodes: order.map { nodes[$0] }, fine: order.map { weights[1][$0] },
      coarse: order.map { $0 < 10 ? weights[0][$0] : 0 }, tail: order.map { tails[0][$0] })
  }

  /// The points that `stage` adds, on [a, b].
  func points(_ stage: Int, _ a: Double, _ b: Double) -> [Double] {
    let from = stage == 0 ? 0 : PattersonRule.counts[stage]
    return nodes[from..<PattersonRule.counts[stage + 1]].map { (a + b) / 2 + $0 * (b - a) / 2 }
  }

  /// The integral by the rule of `stage` with its error; `y` holds all values up to it, [node][component].
  func integral(_ stage: Int, _ y: [[Double]], _ a: Double, _ b: Double) -> (
    values: [Double], errors: [Double]
  ) {
    let (fine, coarse, tails) = (weights[stage + 1], weights[stage], tails[stage])
    var values: [Double] = []
    var errors: [Double] = []
    for c in y[0].indices {
      var (value, rough, tail) = (0.0, 0.0, SIMD2<Double>.zero)
      for m in y.indices {
        value += fine[m] * y[m][c]
        if m < coarse.count { rough += coarse[m] * y[m][c] }
        tail += tails[m] * y[m][c]
      }
      var spread = 0.0
      for m in y.indices { spread += abs(fine[m] * (y[m][c] - value / 2)) }
      values.append(value * (b - a) / 2)
      errors.append(PattersonRule.bound(value - rough, tail, spread) * (b - a) / 2)
    }
    return (values, errors)
  }
}
