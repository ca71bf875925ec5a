// SPDX-License-Identifier: GPL-3.0-or-later
import CLAPACK
import ComplexModule
import KuboLattice

/// A square matrix, column by column; products by BLAS.
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

  /// a b, or a^dagger b.
  static func product(_ a: Matrix, _ b: Matrix, isAdjoint: Bool = false) -> Matrix {
    precondition(a.count == b.count)
    let n = a.count
    var result = [ComplexDouble](repeating: .zero, count: a.elements.count)
    a.elements.withUnsafeBufferPointer { x in
      b.elements.withUnsafeBufferPointer { y in
        result.withUnsafeMutableBufferPointer {
          multiply(x.baseAddress!, y.baseAddress!, into: $0.baseAddress!, n, n, n, isAdjoint)
        }
      }
    }
    return Matrix(a.count, result)
  }

  /// f of each element and its row and column.
  func map(_ f: (ComplexDouble, Int, Int) -> ComplexDouble) -> Matrix {
    Matrix(count, elements.enumerated().map { f($1, $0 % count, $0 / count) })
  }

  static func + (x: Matrix, y: Matrix) -> Matrix {
    Matrix(x.count, zip(x.elements, y.elements).map { $0 + $1 })
  }

  static func - (x: Matrix, y: Matrix) -> Matrix {
    Matrix(x.count, zip(x.elements, y.elements).map { $0 - $1 })
  }
}
