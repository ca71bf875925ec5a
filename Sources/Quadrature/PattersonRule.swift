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

  /// Nodes on [-1, 1] and weights of the rule of 21 points, ascending, and the weights there of the
  /// rule of 10 points.
  package var short: (nodes: [Double], fine: [Double], coarse: [Double]) {
    let order = (0..<21).sorted { nodes[$0] < nodes[$1] }
    return (
      order.map { nodes[$0] }, order.map { weights[1][$0] },
      order.map { $0 < 10 ? weights[0][$0] : 0 }
    )
  }

  /// The points that `stage` adds, on [a, b].
  func points(_ stage: Int, _ a: Double, _ b: Double) -> [Double] {
    let from = stage == 0 ? 0 : PattersonRule.counts[stage]
    return nodes[from..<PattersonRule.counts[stage + 1]].map { (a + b) / 2 + $0 * (b - a) / 2 }
  }

  /// The integral by the rule of `stage` and by the one before it; `y` holds all values up to it,
  /// [node][component].
  func sums(_ stage: Int, _ y: [[Double]], _ a: Double, _ b: Double) -> (
    fine: [Double], coarse: [Double]
  ) {
    func sum(_ weights: [Double]) -> [Double] {
      var total = [Double](repeating: 0, count: y[0].count)
      for (weight, values) in zip(weights, y) {
        for c in values.indices { total[c] += weight * (b - a) / 2 * values[c] }
      }
      return total
    }
    return (sum(weights[stage + 1]), sum(weights[stage]))
  }
}
