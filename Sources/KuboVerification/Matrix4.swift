// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice

/// What a central difference needs of a value.
package protocol LinearSpace {
  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
  func scaled(by x: Double) -> Self
}

extension Double: LinearSpace {
  package func scaled(by x: Double) -> Double { self * x }
}

extension SIMD3<Double>: LinearSpace {
  package func scaled(by x: Double) -> SIMD3<Double> { self * x }
}

extension ComplexDouble: LinearSpace {
  package func scaled(by x: Double) -> ComplexDouble { multiplied(by: x) }
}

/// An explicit 4x4 matrix in the basis A up, A down, B up, B down = rho (x) sigma, row by row.
///
/// The arithmetic of ``Verification``: nothing of the engine's 2x2 blocks, spin flips or phases is in it.
package struct Matrix4: LinearSpace {
  package var elements: [ComplexDouble]

  package init(_ elements: [ComplexDouble]) {
    precondition(elements.count == 16)
    self.elements = elements
  }

  package static let zero = Matrix4(Array(repeating: 0, count: 16))

  package subscript(row: Int, column: Int) -> ComplexDouble {
    get { elements[4 * row + column] }
    set { elements[4 * row + column] = newValue }
  }

  package static func + (a: Matrix4, b: Matrix4) -> Matrix4 {
    Matrix4(zip(a.elements, b.elements).map { $0 + $1 })
  }

  package static func - (a: Matrix4, b: Matrix4) -> Matrix4 {
    Matrix4(zip(a.elements, b.elements).map { $0 - $1 })
  }

  package static prefix func - (a: Matrix4) -> Matrix4 { a.scaled(by: -1) }

  package static func * (z: ComplexDouble, m: Matrix4) -> Matrix4 {
    Matrix4(m.elements.map { z * $0 })
  }

  package static func * (x: Double, m: Matrix4) -> Matrix4 { m.scaled(by: x) }

  package func scaled(by x: Double) -> Matrix4 { Matrix4(elements.map { $0.multiplied(by: x) }) }

  package static func * (a: Matrix4, b: Matrix4) -> Matrix4 {
    var product = Matrix4.zero
    for row in 0..<4 {
      for column in 0..<4 {
        for n in 0..<4 { product[row, column] += a[row, n] * b[n, column] }
      }
    }
    return product
  }

  /// The conjugate transpose.
  package var dagger: Matrix4 {
    var result = Matrix4.zero
    for row in 0..<4 {
      for column in 0..<4 { result[row, column] = self[column, row].conjugate }
    }
    return result
  }

  package var trace: ComplexDouble { self[0, 0] + self[1, 1] + self[2, 2] + self[3, 3] }

  /// The Frobenius norm, the same in every frame.
  package var norm: Double { elements.reduce(0) { $0 + $1.lengthSquared }.squareRoot() }

  /// The largest modulus of an element.
  package var magnitude: Double { elements.map(\.length).max()! }

  /// The largest modulus of an element of the difference.
  package func distance(to other: Matrix4) -> Double { (self - other).magnitude }

  // MARK: Pauli matrices

  /// sigma^0, sigma^x, sigma^y, sigma^z, row by row.
  package static let pauli: [[ComplexDouble]] = [
    [1, 0, 0, 1], [0, 1, 1, 0], [0, ComplexDouble(0, -1), ComplexDouble(0, 1), 0], [1, 0, 0, -1],
  ]

  /// rho_mu sigma^nu.
  package static func rhoSigma(_ mu: Int, _ nu: Int) -> Matrix4 {
    var result = Matrix4.zero
    for row in 0..<4 {
      for column in 0..<4 {
        result[row, column] =
          pauli[mu][2 * (row / 2) + column / 2] * pauli[nu][2 * (row % 2) + column % 2]
      }
    }
    return result
  }

  package static let one = rhoSigma(0, 0)

  // MARK: The eigenstate frame

  /// The indices of a band in the eigenstate frame: outer for s = +1, inner for s = -1; (S2.2).
  package static func indices(_ s: Int) -> [Int] { s == 1 ? [0, 3] : [1, 2] }

  /// P_s = (rho_0 sigma^0 + s rho_3 sigma^z)/2, written as the diagonal (S2.2).
  package static func bandProjector(_ s: Int) -> Matrix4 {
    var result = Matrix4.zero
    for n in indices(s) { result[n, n] = 1 }
    return result
  }

  /// tau^mu_{s s'}: the Pauli matrix mu with its rows in band s and its columns in band s';
  /// (S2.8), (S2.9), (S2.11), (S2.12).
  package static func tau(_ s: Int, _ other: Int, _ mu: Int) -> Matrix4 {
    var result = Matrix4.zero
    for (m, row) in indices(s).enumerated() {
      for (n, column) in indices(other).enumerated() {
        result[row, column] = pauli[mu][2 * m + n]
      }
    }
    return result
  }

  /// v . tau_{s s'}, transverse components only.
  package static func tau(_ s: Int, _ other: Int, along v: SIMD3<Double>) -> Matrix4 {
    v.x * tau(s, other, 1) + v.y * tau(s, other, 2)
  }

  /// The part that joins equal bands.
  package var adiabatic: Matrix4 {
    Matrix4.bothBands { Matrix4.bandProjector($0) * self * Matrix4.bandProjector($0) }
  }

  /// The part that joins unequal bands.
  package var nonadiabatic: Matrix4 { self - adiabatic }

  /// The sum of `term` over s = +1, -1.
  package static func bothBands(_ term: (Int) -> Matrix4) -> Matrix4 { term(1) + term(-1) }
}

/// z x v.
package func zCross(_ v: SIMD3<Double>) -> SIMD3<Double> { [-v.y, v.x, 0] }

/// a . b
package func dot(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { (a * b).sum() }

/// d f / d k_i at `k` by the central difference of order 8.
///
/// With the step h = 0.005 the truncation error, h^8 f^(9)/630, is below 1e-12 where |eta| >= 0.4
/// (angles have their nearest singularity at a distance of about |eta|/|d eta|), and rounding gives
/// a few 1e-16/h = 1e-13 times the size of f; in a difference of differences 1e-13/h = 1e-11.
package func centralDifference<T: LinearSpace>(
  _ i: Int, at k: [Double], step: Double = 0.005, _ f: ([Double]) -> T
) -> T {
  let coefficients = [4.0 / 5, -1.0 / 5, 4.0 / 105, -1.0 / 280]
  func term(_ n: Int) -> T {
    var (right, left) = (k, k)
    right[i] += Double(n) * step
    left[i] -= Double(n) * step
    return (f(right) - f(left)).scaled(by: coefficients[n - 1] / step)
  }
  return term(1) + term(2) + term(3) + term(4)
}
