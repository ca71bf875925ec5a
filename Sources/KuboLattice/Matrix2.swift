// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// The scalars of the engine.
public typealias ComplexDouble = Complex<Double>

/// A 2x2 complex matrix in sublattice space, rows and columns A, B.
public struct Matrix2: Sendable, Equatable {
  var aa: ComplexDouble
  package var ab: ComplexDouble
  var ba: ComplexDouble
  var bb: ComplexDouble

  /// The matrix M = [[aa, ab], [ba, bb]], M_AB = ab, in the units of its elements; the basis is that
  /// of docs/conventions.md section 1.
  @inline(__always)
  public init(_ aa: ComplexDouble, _ ab: ComplexDouble, _ ba: ComplexDouble, _ bb: ComplexDouble) {
    self.aa = aa
    self.ab = ab
    self.ba = ba
    self.bb = bb
  }

  /// rho_0.
  package static let one = Matrix2(1, 0, 0, 1)
  /// rho_3.
  package static let rho3 = Matrix2(1, 0, 0, -1)

  /// The element in row `row`, column `column`; 0 is A, 1 is B.
  public subscript(row: Int, column: Int) -> ComplexDouble {
    switch (row, column) {
    case (0, 0): aa
    case (0, 1): ab
    case (1, 0): ba
    default: bb
    }
  }

  @inline(__always)
  package static func * (l: Matrix2, r: Matrix2) -> Matrix2 {
    Matrix2(
      l.aa * r.aa + l.ab * r.ba, l.aa * r.ab + l.ab * r.bb,
      l.ba * r.aa + l.bb * r.ba, l.ba * r.ab + l.bb * r.bb)
  }

  @inline(__always)
  package static func + (l: Matrix2, r: Matrix2) -> Matrix2 {
    Matrix2(l.aa + r.aa, l.ab + r.ab, l.ba + r.ba, l.bb + r.bb)
  }

  @inline(__always)
  package static func - (l: Matrix2, r: Matrix2) -> Matrix2 {
    Matrix2(l.aa - r.aa, l.ab - r.ab, l.ba - r.ba, l.bb - r.bb)
  }

  @inline(__always)
  package static func * (s: ComplexDouble, m: Matrix2) -> Matrix2 {
    Matrix2(s * m.aa, s * m.ab, s * m.ba, s * m.bb)
  }

  @inline(__always)
  package static func * (s: Double, m: Matrix2) -> Matrix2 {
    Matrix2(
      m.aa.multiplied(by: s), m.ab.multiplied(by: s), m.ba.multiplied(by: s), m.bb.multiplied(by: s)
    )
  }

  /// tr[l r].
  @inline(__always)
  package static func trace(_ l: Matrix2, _ r: Matrix2) -> ComplexDouble {
    l.aa * r.aa + l.ab * r.ba + l.ba * r.ab + l.bb * r.bb
  }

  /// The sum of the moduli of the terms of tr[l r]: what the trace would be without cancellation.
  @inline(__always)
  package static func traceMagnitude(_ l: Matrix2, _ r: Matrix2) -> Double {
    (l.aa * r.aa).length + (l.ab * r.ba).length + (l.ba * r.ab).length + (l.bb * r.bb).length
  }
}
