// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// How fast sums over N points along each reciprocal vector converge for sure: the error of a line falls as exp(-N d), d the half-width
/// of its strip of analyticity in 2 pi times reduced coordinates, and that of the zone as the mean over its lines,
///
///     E(N) = < exp(-N d) >,
///
/// since for each line the path can be displaced as far as its own strip allows. What is assumed is that the size of the
/// integrand on the displaced path does not go with d. Far out E falls with the narrowest strip.
package struct GridDecay: Sendable {
  /// d of the lines, the narrowest first.
  private let widths: [Double]

  /// Of 1/d of each line.
  package init(_ resolutions: [Double]) {
    widths = resolutions.map { 1 / $0 }.sorted()
  }

  /// 1/d of the narrowest strip.
  package var resolution: Double { 1 / widths[0] }

  /// -ln E(N)/E(M) / (N - M), N > M.
  package func rate(from m: Int, to n: Int) -> Double {
    // With exp(-N d_0) taken out nothing underflows.
    let least = widths[0]
    func sum(_ n: Int) -> Double { widths.reduce(0) { $0 + .exp(-Double(n) * ($1 - least)) } }
    return least + Double.log(sum(m) / sum(n)) / Double(n - m)
  }

  /// The points along each reciprocal vector, about, where E(N) is this small.
  package func divisions(_ e: Double) -> Double {
    func mean(_ n: Double) -> Double {
      widths.reduce(0) { $0 + .exp(-n * $1) } / Double(widths.count)
    }
    var (low, high) = (0.0, -Double.log(e) * resolution)
    while high - low > 0.01 * high {
      let n = (low + high) / 2
      if mean(n) > e { low = n } else { high = n }
    }
    return high
  }
}
