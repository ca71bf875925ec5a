// SPDX-License-Identifier: GPL-3.0-or-later

/// The formula of Euler and Maclaurin, which turns what is left of a sum over equal steps h into an integral:
///
///     h sum_(m >= 0) f(a + m h) = int_a f + (h/2) f(a) - sum_j h^2j B_2j/(2j)! f^(2j-1)(a)
///     h sum_(m >= 0) f(a + (m + 1/2) h) = int_a f + (h^2/24) f'(a) - (7 h^4/5760) f'''(a) + O(h^6 f^(5)(a))
package enum EulerMaclaurin {
  /// B_2, B_4, ..., B_20.
  package static let bernoulli: [Double] = [
    1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6, -3617.0 / 510,
    43867.0 / 798, -174611.0 / 330,
  ]

  /// w_p of the second formula, whose derivatives follow from the four midpoints next to a:
  ///
  ///     (h^2/24) f' - (7 h^4/5760) f''' = h sum_p w_p f(a + (p - 3/2) h),   p = 0 to 3
  ///
  /// with 24 h f' = f(-3/2) - 27 f(-1/2) + 27 f(1/2) - f(3/2) and h^3 f''' = -1, 3, -3, 1 times the same.
  package static let midpoints: [Double] = zip([1.0, -27, 27, -1], lastTerm).map {
    $0 / 576 - $1
  }

  /// The weights of (7 h^3/5760) f''': what is left out is smaller by a factor of order (h/a)^2 for powers of a.
  package static let lastTerm: [Double] = [-1.0, 3, -3, 1].map { $0 * 7 / 5760 }
}
