// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// det m of a real or complex matrix of one to three rows.
@inlinable
package func determinant<Scalar: AlgebraicField>(_ m: [[Scalar]]) -> Scalar {
  switch m.count {
  case 1: return m[0][0]
  case 2: return m[0][0] * m[1][1] - m[0][1] * m[1][0]
  default:
    let a = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
    let b = m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
    let c = m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    return a - b + c
  }
}

/// x with m x = b for one to three rows, by Cramer's rule; nil if m is singular: |det m| at most `tolerance` times
/// the product of the largest elements of the rows.
package func solution<Scalar: AlgebraicField>(
  _ m: [[Scalar]], _ b: [Scalar], tolerance: Double = 0
) -> [Scalar]? where Scalar.Magnitude == Double {
  let whole = determinant(m)
  let size = m.reduce(1) { $0 * $1.reduce(0) { max($0, $1.magnitude) } }
  guard whole.magnitude > tolerance * size else { return nil }
  return b.indices.map { c in
    var replaced = m
    for r in b.indices { replaced[r][c] = b[r] }
    return determinant(replaced) / whole
  }
}
