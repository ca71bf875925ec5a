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
  /// d of the lines, the narrowest first, and how much each counts.
  private let lines: [(width: Double, weight: Double)]

  /// Of 1/d of each line along each axis; all lines of an axis count as much as those of another.
  package init(_ resolutions: [[Double]]) {
    let all = resolutions.flatMap { axis -> [(width: Double, weight: Double)] in
      let weight = 1 / Double(axis.count * resolutions.count)
      return axis.map { (width: 1 / $0, weight: weight) }
    }
    lines = all.sorted { $0.width < $1.width }
  }

  /// 1/d of the narrowest strip.
  package var resolution: Double { 1 / lines[0].width }

  /// -ln E(N)/E(M) / (N - M), N > M.
  package func rate(from m: Int, to n: Int) -> Double {
    // With exp(-N d_0) taken out nothing underflows.
    let least = lines[0].width
    func sum(_ n: Int) -> Double {
      lines.reduce(0) { $0 + $1.weight * .exp(-Double(n) * ($1.width - least)) }
    }
    return least + Double.log(sum(m) / sum(n)) / Double(n - m)
  }

  /// The points along each reciprocal vector, about, where E(N) is this small.
  package func divisions(_ e: Double) -> Double {
    func mean(_ n: Double) -> Double {
      lines.reduce(0) { $0 + $1.weight * .exp(-n * $1.width) }
    }
    var (low, high) = (0.0, -Double.log(e) * resolution)
    while high - low > 0.01 * high {
      let n = (low + high) / 2
      if mean(n) > e { low = n } else { high = n }
    }
    return high
  }
}
