// SPDX-License-Identifier: GPL-3.0-or-later
import CGSL

/// The nested Gauss-Kronrod rule of 10 and 21 points, as nodes and weights.
///
/// GSL offers the rule as a function that integrates; its value is linear in the integrand, so that
/// integrating an impulse at each node gives the weight, and the nodes are where it asks.
struct GaussKronrodRule: Sendable {
  /// On the interval from -1 to 1; `gauss` is 0 at the nodes of the Kronrod rule alone.
  let nodes: [(x: Double, kronrod: Double, gauss: Double)]

  static let rule21 = GaussKronrodRule()

  private struct Recorder {
    var asked: [Double] = []
    var impulse: Int
  }

  private init() {
    func run(impulse: Int) -> (points: [Double], value: Double) {
      var recorder = Recorder(impulse: impulse)
      var value = 0.0
      withUnsafeMutablePointer(to: &recorder) { pointer in
        var function = gsl_function(
          function: { x, parameters in
            let recorder = parameters!.assumingMemoryBound(to: Recorder.self)
            recorder.pointee.asked.append(x)
            return recorder.pointee.asked.count - 1 == recorder.pointee.impulse ? 1 : 0
          }, params: UnsafeMutableRawPointer(pointer))
        var (error, absolute, deviation) = (0.0, 0.0, 0.0)
        gsl_integration_qk21(&function, -1, 1, &value, &error, &absolute, &deviation)
      }
      return (recorder.asked, value)
    }
    let points = run(impulse: -1).points
    let gauss = GaussRule(10).pairs
    nodes = points.indices.map { n in
      // The nodes of the two rules are at least 0.01 apart.
      let own = gauss.first { abs($0.x - points[n]) < 1e-9 }
      return (points[n], run(impulse: n).value, own?.w ?? 0)
    }
  }

  func points(_ a: Double, _ b: Double) -> [Double] {
    nodes.map { (a + b) / 2 + $0.x * (b - a) / 2 }
  }

  /// The two values of the integral of `y`, [node][component].
  func sums(_ y: ArraySlice<[Double]>, _ a: Double, _ b: Double) -> (
    kronrod: [Double], gauss: [Double]
  ) {
    var kronrod = [Double](repeating: 0, count: y.first!.count)
    var gauss = kronrod
    for (node, values) in zip(nodes, y) {
      for c in values.indices {
        kronrod[c] += node.kronrod * (b - a) / 2 * values[c]
        gauss[c] += node.gauss * (b - a) / 2 * values[c]
      }
    }
    return (kronrod, gauss)
  }
}
