// SPDX-License-Identifier: GPL-3.0-or-later
import CGSL

/// The Gauss-Legendre rule with a given number of points, from GSL.
public struct GaussRule: Sendable {
  private let nodes: [(x: Double, w: Double)]
  /// Nodes and weights on the interval from -1 to 1.
  var pairs: [(x: Double, w: Double)] { nodes }

  init(_ count: Int) {
    let table = gsl_integration_glfixed_table_alloc(count)!
    defer { gsl_integration_glfixed_table_free(table) }
    nodes = (0..<count).map { n in
      var x = 0.0
      var w = 0.0
      gsl_integration_glfixed_point(-1, 1, n, &x, &w, table)
      return (x, w)
    }
  }

  /// Nodes t_m and weights w_m on the interval from 0 to 1, dimensionless:
  ///
  ///     int_0^1 f(t) dt = sum_m w_m f(t_m)
  ///
  /// for polynomials of degree 2 count - 1 or less, with GSL's tables.
  public static func unitInterval(_ count: Int) -> [(t: Double, w: Double)] {
    GaussRule(count).nodes.map { ((1 + $0.x) / 2, $0.w / 2) }
  }
}
