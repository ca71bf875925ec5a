// SPDX-License-Identifier: GPL-3.0-or-later
import CLAPACK
import ComplexModule
import KuboLattice

/// Memory for the matrices of one wave vector, taken piece by piece and given back all at once: they are so small and many that
/// the system's memory would take most of the time. Each thread has its own.
struct Scratch: ~Copyable {
  private let base: UnsafeMutablePointer<ComplexDouble>
  private let capacity: Int
  private var used = 0
  /// What did not fit.
  private var others: [UnsafeMutablePointer<ComplexDouble>] = []

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  deinit {
    base.deallocate()
    for other in others { other.deallocate() }
  }

  /// Room for some numbers, whose values are left from former use.
  mutating func take(_ count: Int) -> UnsafeMutablePointer<ComplexDouble> {
    guard used + count <= capacity else {
      others.append(.allocate(capacity: count))
      return others.last!
    }
    defer { used += count }
    return base + used
  }

  /// Runs `work` and takes back what it took.
  mutating func returning<Result>(_ work: (inout Scratch) -> Result) -> Result {
    let (before, first) = (used, others.count)
    defer {
      used = before
      for other in others[first...] { other.deallocate() }
      others.removeSubrange(first...)
    }
    return work(&self)
  }
}

typealias ScratchPointer = UnsafeMutablePointer<Scratch>

/// c = a b, or a^dagger b, column by column, by the reference BLAS: a has `rows` rows (columns) and b `columns` columns.
func multiply(
  _ a: UnsafePointer<ComplexDouble>, _ b: UnsafePointer<ComplexDouble>,
  into c: UnsafeMutablePointer<ComplexDouble>, _ rows: Int, _ columns: Int, _ inner: Int,
  _ isAdjoint: Bool = false
) {
  var (m, n, k) = (Int32(rows), Int32(columns), Int32(inner))
  var (one, zero) = (ComplexDouble.one, ComplexDouble.zero)
  var (left, right) = (CChar(UInt8(ascii: isAdjoint ? "C" : "N")), CChar(UInt8(ascii: "N")))
  var (lda, ldb, ldc) = (isAdjoint ? k : m, k, m)
  zgemm_(&left, &right, &m, &n, &k, &one, a, &lda, b, &ldb, &zero, c, &ldc)
}

/// A square matrix in a ``Scratch``, column by column, valid until that takes it back: a product of two orbitals takes 17 ns, and 70
/// with memory of its own from the system.
struct BandMatrix {
  let count: Int
  let elements: UnsafeMutablePointer<ComplexDouble>
  let scratch: ScratchPointer

  /// Elements that stand somewhere.
  init(_ count: Int, _ elements: UnsafeMutablePointer<ComplexDouble>, _ scratch: ScratchPointer) {
    (self.count, self.elements, self.scratch) = (count, elements, scratch)
  }

  /// Elements to be set.
  @inline(__always)
  init(_ count: Int, _ scratch: ScratchPointer) {
    self.init(count, scratch.pointee.take(count * count), scratch)
  }

  /// Of the elements `element(a, b)`.
  @inline(__always)
  init(_ count: Int, _ scratch: ScratchPointer, _ element: (Int, Int) -> ComplexDouble) {
    self.init(count, scratch)
    for b in 0..<count { for a in 0..<count { elements[a + count * b] = element(a, b) } }
  }

  @inline(__always)
  subscript(a: Int, b: Int) -> ComplexDouble { elements[a + count * b] }

  /// f of each element and its row and column.
  @inline(__always)
  func map(_ f: (ComplexDouble, Int, Int) -> ComplexDouble) -> BandMatrix {
    BandMatrix(count, scratch) { a, b in f(elements[a + count * b], a, b) }
  }

  /// f of each element and that of another matrix.
  @inline(__always)
  private func with(
    _ other: BandMatrix, _ f: (ComplexDouble, ComplexDouble) -> ComplexDouble
  ) -> BandMatrix {
    let result = BandMatrix(count, scratch)
    for n in 0..<count * count { result.elements[n] = f(elements[n], other.elements[n]) }
    return result
  }

  static func + (x: BandMatrix, y: BandMatrix) -> BandMatrix { x.with(y) { $0 + $1 } }
  static func - (x: BandMatrix, y: BandMatrix) -> BandMatrix { x.with(y) { $0 - $1 } }
  /// The product of elements.
  func times(_ other: BandMatrix) -> BandMatrix { with(other) { $0 * $1 } }
  static func * (x: Double, y: BandMatrix) -> BandMatrix {
    y.map { z, _, _ in z.multiplied(by: x) }
  }

  /// Of the absolute elements.
  var magnitudes: BandMatrix { map { z, _, _ in ComplexDouble(z.length) } }
  /// The columns as rows.
  var transposed: BandMatrix { BandMatrix(count, scratch) { a, b in elements[b + count * a] } }
  /// Of the conjugate elements.
  var conjugate: BandMatrix { map { z, _, _ in z.conjugate } }

  /// {p, self}/2 of a diagonal p.
  func anticommuted(_ p: [Double]) -> BandMatrix {
    map { z, a, b in z.multiplied(by: (p[a] + p[b]) / 2) }
  }

  /// i [p, self] of a diagonal p.
  func commuted(_ p: [Double]) -> BandMatrix {
    map { z, a, b in ComplexDouble(-z.imaginary, z.real).multiplied(by: p[a] - p[b]) }
  }

  /// left^dagger self right.
  func rotated(_ left: BandMatrix, _ right: BandMatrix) -> BandMatrix {
    BandMatrix.product(left, BandMatrix.product(self, right), isAdjoint: true)
  }

  /// Up to this size a call of BLAS takes longer than the product.
  private static let smallest = 6

  /// a b, or a^dagger b.
  static func product(_ a: BandMatrix, _ b: BandMatrix, isAdjoint: Bool = false) -> BandMatrix {
    let n = a.count
    let result = BandMatrix(n, a.scratch)
    guard n > smallest else {
      for c in 0..<n {
        for r in 0..<n {
          var sum = ComplexDouble.zero
          for m in 0..<n {
            let x = isAdjoint ? a.elements[m + n * r].conjugate : a.elements[r + n * m]
            sum += x * b.elements[m + n * c]
          }
          result.elements[r + n * c] = sum
        }
      }
      return result
    }
    multiply(a.elements, b.elements, into: result.elements, n, n, n, isAdjoint)
    return result
  }

  /// The largest absolute level of a Hermitian matrix.
  var norm: Double {
    let levels = levels(withStates: false).values
    return max(abs(levels[0]), abs(levels[count - 1]))
  }

  /// The levels, ascending, and their states, of a Hermitian matrix.
  func levels(
    withStates: Bool = true
  ) -> (values: UnsafeMutablePointer<Double>, states: BandMatrix) {
    let states = map { z, _, _ in z }
    let (n, m) = (Int32(count), count)
    func doubles(_ count: Int) -> UnsafeMutablePointer<Double> {
      UnsafeMutableRawPointer(scratch.pointee.take((count + 1) / 2))
        .assumingMemoryBound(to: Double.self)
    }
    let values = doubles(m)
    // Sizes by the manual of zheevd.
    let (work, real) = (scratch.pointee.take(m * m + 2 * m), doubles(1 + 5 * m + 2 * m * m))
    let whole = UnsafeMutableRawPointer(scratch.pointee.take(2 * m + 1))
      .assumingMemoryBound(to: Int32.self)
    let status = LAPACKE_zheevd_work(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: withStates ? "V" : "N")), CChar(UInt8(ascii: "U")), n,
      OpaquePointer(states.elements), n, values, OpaquePointer(work), Int32(m * m + 2 * m), real,
      Int32(1 + 5 * m + 2 * m * m), whole, Int32(3 + 5 * m))
    // Only what is not finite does not converge; models are, and far from the range of doubles.
    precondition(status == 0, "LAPACK's zheevd returned \(status)")
    return (values, states)
  }
}
