// SPDX-License-Identifier: GPL-3.0-or-later
import CLAPACK
import ComplexModule
import KuboLattice

/// A square matrix, column by column; products by BLAS, levels by LAPACK.
struct Matrix: Sendable {
  let count: Int
  var elements: [ComplexDouble]

  init(_ count: Int, _ elements: [ComplexDouble]) {
    precondition(elements.count == count * count)
    (self.count, self.elements) = (count, elements)
  }

  /// Of the elements `element(a, b)`.
  init(_ count: Int, _ element: (Int, Int) -> ComplexDouble) {
    self.count = count
    elements = []
    elements.reserveCapacity(count * count)
    for b in 0..<count { for a in 0..<count { elements.append(element(a, b)) } }
  }

  subscript(a: Int, b: Int) -> ComplexDouble { elements[a + count * b] }

  /// left^dagger self right.
  func rotated(_ left: Matrix, _ right: Matrix) -> Matrix {
    Matrix.product(left, Matrix.product(self, right), isAdjoint: true)
  }

  /// a b, or a^dagger b.
  static func product(_ a: Matrix, _ b: Matrix, isAdjoint: Bool = false) -> Matrix {
    precondition(a.count == b.count)
    let n = Int32(a.count)
    var result = [ComplexDouble](repeating: .zero, count: a.elements.count)
    var (one, zero) = (ComplexDouble.one, ComplexDouble.zero)
    a.elements.withUnsafeBufferPointer { x in
      b.elements.withUnsafeBufferPointer { y in
        result.withUnsafeMutableBufferPointer {
          cblas_zgemm(
            CblasColMajor, isAdjoint ? CblasConjTrans : CblasNoTrans, CblasNoTrans, n, n, n, &one,
            x.baseAddress, n, y.baseAddress, n, &zero, $0.baseAddress, n)
        }
      }
    }
    return Matrix(a.count, result)
  }

  /// f of each element and its row and column.
  func map(_ f: (ComplexDouble, Int, Int) -> ComplexDouble) -> Matrix {
    Matrix(count, elements.enumerated().map { f($1, $0 % count, $0 / count) })
  }

  /// The product of elements.
  func times(_ other: Matrix) -> Matrix {
    Matrix(count, zip(elements, other.elements).map { $0 * $1 })
  }

  /// Of the absolute elements.
  var magnitudes: Matrix { Matrix(count, elements.map { ComplexDouble($0.length) }) }

  /// Of the conjugate elements.
  var conjugate: Matrix { Matrix(count, elements.map(\.conjugate)) }

  static func + (x: Matrix, y: Matrix) -> Matrix {
    Matrix(x.count, zip(x.elements, y.elements).map { $0 + $1 })
  }

  static func - (x: Matrix, y: Matrix) -> Matrix {
    Matrix(x.count, zip(x.elements, y.elements).map { $0 - $1 })
  }

  static func * (x: Double, y: Matrix) -> Matrix {
    Matrix(y.count, y.elements.map { $0.multiplied(by: x) })
  }

  /// {p, self}/2 of a diagonal p.
  func anticommuted(_ p: [Double]) -> Matrix {
    map { z, a, b in z.multiplied(by: (p[a] + p[b]) / 2) }
  }

  /// i [p, self] of a diagonal p.
  func commuted(_ p: [Double]) -> Matrix {
    map { z, a, b in ComplexDouble(-z.imaginary, z.real).multiplied(by: p[a] - p[b]) }
  }

  /// The levels, ascending, and their states, of a Hermitian matrix.
  func levels() -> (values: [Double], states: Matrix) {
    var values = [Double](repeating: 0, count: count)
    var states = elements
    let status = states.withUnsafeMutableBytes {
      LAPACKE_zheevd(
        LAPACK_COL_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "U")), Int32(count),
        OpaquePointer($0.baseAddress!), Int32(count), &values)
    }
    // Only what is not finite does not converge; models are, and far from the range of doubles.
    precondition(status == 0, "LAPACK's zheevd returned \(status)")
    return (values, Matrix(count, states))
  }
}
