// SPDX-License-Identifier: GPL-3.0-or-later
import CLAPACK
import ComplexModule
import KuboLattice
import RealModule

/// A small square matrix at several wave vectors, its lanes: each element at all of them in a row, so that products, for which a
/// library has to be called once for each, run over rows, and one piece of memory does for all. It outlives a ``Scratch``; averages over the
/// zone are such of one lane.
struct MatrixBlock: Sendable {
  let count, lanes: Int
  private var real, imaginary: [Double]

  init(_ count: Int, lanes: Int) {
    (self.count, self.lanes) = (count, lanes)
    real = Array(repeating: 0, count: count * count * lanes)
    imaginary = real
  }

  /// One lane, of the elements column by column.
  init(_ count: Int, _ elements: [ComplexDouble]) {
    precondition(elements.count == count * count)
    (self.count, lanes) = (count, 1)
    (real, imaginary) = (elements.map(\.real), elements.map(\.imaginary))
  }

  /// One lane, of the elements `element(a, b)`.
  init(_ count: Int, _ element: (Int, Int) -> ComplexDouble) {
    self.init(count, (0..<count * count).map { element($0 % count, $0 / count) })
  }

  /// An element of the first lane.
  subscript(a: Int, b: Int) -> ComplexDouble {
    let m = (a + count * b) * lanes
    return ComplexDouble(real[m], imaginary[m])
  }

  /// Rows of an element: of the real and of the imaginary part.
  private typealias Row = (real: UnsafePointer<Double>, imaginary: UnsafePointer<Double>)
  private typealias MutableRow = (
    real: UnsafeMutablePointer<Double>, imaginary: UnsafeMutablePointer<Double>
  )

  /// The rows of all elements, column by column.
  private func read<Value>(_ body: ((Int) -> Row) -> Value) -> Value {
    real.withUnsafeBufferPointer { x in
      imaginary.withUnsafeBufferPointer { y in
        body { (x.baseAddress! + $0 * lanes, y.baseAddress! + $0 * lanes) }
      }
    }
  }
  private mutating func write(_ body: ((Int) -> MutableRow) -> Void) {
    let lanes = lanes
    real.withUnsafeMutableBufferPointer { x in
      imaginary.withUnsafeMutableBufferPointer { y in
        body { (x.baseAddress! + $0 * lanes, y.baseAddress! + $0 * lanes) }
      }
    }
  }

  /// Sets one lane.
  mutating func set(_ lane: Int, _ elements: UnsafePointer<ComplexDouble>) {
    for m in 0..<count * count {
      real[m * lanes + lane] = elements[m].real
      imaginary[m * lanes + lane] = elements[m].imaginary
    }
  }

  /// x y.
  static func product(_ x: MatrixBlock, _ y: MatrixBlock) -> MatrixBlock {
    let (n, lanes) = (x.count, x.lanes)
    var result = MatrixBlock(n, lanes: lanes)
    result.write { result in
      x.read { x in
        y.read { y in
          for c in 0..<n {
            for b in 0..<n {
              let right = y(b + n * c)
              for a in 0..<n {
                let (left, sum) = (x(a + n * b), result(a + n * c))
                for k in 0..<lanes {
                  sum.real[k] +=
                    left.real[k] * right.real[k] - left.imaginary[k] * right.imaginary[k]
                  sum.imaginary[k] +=
                    left.real[k] * right.imaginary[k] + left.imaginary[k] * right.real[k]
                }
              }
            }
          }
        }
      }
    }
    return result
  }

  static func + (x: MatrixBlock, y: MatrixBlock) -> MatrixBlock { x.combined(y, 1, 1) }

  /// s x + t y.
  func combined(_ y: MatrixBlock, _ s: Double, _ t: Double) -> MatrixBlock {
    var result = MatrixBlock(count, lanes: lanes)
    for m in real.indices {
      result.real[m] = s * real[m] + t * y.real[m]
      result.imaginary[m] = s * imaginary[m] + t * y.imaginary[m]
    }
    return result
  }

  /// Each element times a real number of its row a and column b.
  func scaled(_ factor: (_ a: Int, _ b: Int) -> Double) -> MatrixBlock {
    var result = self
    for b in 0..<count {
      for a in 0..<count {
        let f = factor(a, b)
        for m in (a + count * b) * lanes..<(a + count * b + 1) * lanes {
          result.real[m] *= f
          result.imaginary[m] *= f
        }
      }
    }
    return result
  }

  /// {p, self}/2 of a diagonal p.
  func anticommuted(_ p: [Double]) -> MatrixBlock { scaled { (p[$0] + p[$1]) / 2 } }

  /// i [p, self] of a diagonal p.
  func commuted(_ p: [Double]) -> MatrixBlock {
    var result = scaled { p[$0] - p[$1] }
    (result.real, result.imaginary) = (result.imaginary.map { -$0 }, result.real)
    return result
  }

  /// self + diag(x), the same at all wave vectors.
  func plus(_ x: [ComplexDouble]) -> MatrixBlock {
    var result = self
    for (a, x) in x.enumerated() {
      for m in a * (count + 1) * lanes..<(a * (count + 1) + 1) * lanes {
        result.real[m] += x.real
        result.imaginary[m] += x.imaginary
      }
    }
    return result
  }

  /// (diag(x) - self)^-1; of what cannot be inverted 1e200, which never converges.
  func resolvent(_ x: [ComplexDouble]) -> MatrixBlock {
    var result = MatrixBlock(count, lanes: lanes)
    switch count {
    case 1: result.write { out in read { MatrixBlock.invert($0(0), x[0], into: out(0), lanes) } }
    case 2: result.write { out in read { MatrixBlock.invert($0, x, into: out, lanes) } }
    default:
      let n = count
      var left = [ComplexDouble](repeating: .zero, count: n * n)
      var right = left
      var pivots = [Int32](repeating: 0, count: n)
      for k in 0..<lanes {
        for m in 0..<n * n {
          left[m] = ComplexDouble(-real[m * lanes + k], -imaginary[m * lanes + k])
        }
        for a in 0..<n { left[a * (n + 1)] += x[a] }
        let isRegular = MatrixBlock.invert(&left, into: &right, &pivots)
        for m in 0..<n * n {
          result.real[m * lanes + k] = isRegular ? right[m].real : .infinity
          result.imaginary[m * lanes + k] = right[m].imaginary
        }
      }
    }
    for m in result.real.indices
    where !(result.real[m].isFinite && result.imaginary[m].isFinite) {
      (result.real[m], result.imaginary[m]) = (1e200, 0)
    }
    return result
  }

  /// 1/(x - h).
  private static func invert(
    _ h: Row, _ x: ComplexDouble, into out: MutableRow, _ lanes: Int
  ) {
    for k in 0..<lanes {
      let (re, im) = (x.real - h.real[k], x.imaginary - h.imaginary[k])
      let square = re * re + im * im
      out.real[k] = re / square
      out.imaginary[k] = -im / square
    }
  }

  /// (diag(x) - h)^-1 of two rows and columns.
  private static func invert(
    _ h: (Int) -> Row, _ x: [ComplexDouble], into out: (Int) -> MutableRow, _ lanes: Int
  ) {
    let (h, out, x) = ((h(0), h(1), h(2), h(3)), (out(0), out(1), out(2), out(3)), (x[0], x[1]))
    for k in 0..<lanes {
      let a = ComplexDouble(x.0.real - h.0.real[k], x.0.imaginary - h.0.imaginary[k])
      let c = ComplexDouble(h.1.real[k], h.1.imaginary[k])
      let b = ComplexDouble(h.2.real[k], h.2.imaginary[k])
      let d = ComplexDouble(x.1.real - h.3.real[k], x.1.imaginary - h.3.imaginary[k])
      let determinant = a * d - b * c
      let square = determinant.lengthSquared
      let inverse = ComplexDouble(determinant.real / square, -determinant.imaginary / square)
      for (row, element) in [(out.0, d), (out.1, c), (out.2, b), (out.3, a)] {
        let value = element * inverse
        row.real[k] = value.real
        row.imaginary[k] = value.imaginary
      }
    }
  }

  /// The inverse of a matrix, which is overwritten, by LAPACK; false of a singular one.
  private static func invert(
    _ left: inout [ComplexDouble], into right: inout [ComplexDouble], _ pivots: inout [Int32]
  ) -> Bool {
    let n = pivots.count
    for m in right.indices { right[m] = m % (n + 1) == 0 ? .one : .zero }
    return left.withUnsafeMutableBytes { a in
      right.withUnsafeMutableBytes { b in
        LAPACKE_zgesv_work(
          LAPACK_COL_MAJOR, Int32(n), Int32(n), OpaquePointer(a.baseAddress!), Int32(n), &pivots,
          OpaquePointer(b.baseAddress!), Int32(n))
      }
    } == 0
  }

  /// For each lane the root of the sum of squared moduli.
  var norms: [Double] {
    var sums = [Double](repeating: 0, count: lanes)
    sums.withUnsafeMutableBufferPointer { sums in
      read { row in
        for m in 0..<count * count {
          let row = row(m)
          for k in 0..<lanes {
            sums[k] += row.real[k] * row.real[k] + row.imaginary[k] * row.imaginary[k]
          }
        }
      }
      for k in 0..<lanes { sums[k].formSquareRoot() }
    }
    return sums
  }

  /// The sums over the lanes of self_ab other_ba, each added to `place(a, b)`.
  private func add(
    _ other: MatrixBlock, to out: UnsafeMutablePointer<ComplexDouble>, _ place: (Int, Int) -> Int
  ) {
    read { x in
      other.read { y in
        for b in 0..<count {
          for a in 0..<count {
            let (left, right) = (x(a + count * b), y(b + count * a))
            var (re, im) = (0.0, 0.0)
            for k in 0..<lanes {
              re += left.real[k] * right.real[k] - left.imaginary[k] * right.imaginary[k]
              im += left.real[k] * right.imaginary[k] + left.imaginary[k] * right.real[k]
            }
            out[place(a, b)] += ComplexDouble(re, im)
          }
        }
      }
    }
  }

  /// Adds self_ab other_ba, column by column.
  func addReturn(_ other: MatrixBlock, to sums: UnsafeMutablePointer<ComplexDouble>) {
    add(other, to: sums) { a, b in a + count * b }
  }

  /// Adds (self other)_aa.
  func addDiagonal(_ other: MatrixBlock, to sums: UnsafeMutablePointer<ComplexDouble>) {
    add(other, to: sums) { a, _ in a }
  }

  /// Adds tr self other.
  func addTrace(_ other: MatrixBlock, to sum: UnsafeMutablePointer<ComplexDouble>) {
    add(other, to: sum) { _, _ in 0 }
  }

  /// Adds self_aa.
  func addDiagonal(to sums: UnsafeMutablePointer<ComplexDouble>) {
    for a in 0..<count {
      for m in a * (count + 1) * lanes..<(a * (count + 1) + 1) * lanes {
        sums[a] += ComplexDouble(real[m], imaginary[m])
      }
    }
  }

  /// Adds |self_aa|.
  func addAbsoluteDiagonal(to sums: UnsafeMutablePointer<ComplexDouble>) {
    for a in 0..<count {
      for m in a * (count + 1) * lanes..<(a * (count + 1) + 1) * lanes {
        sums[a] += ComplexDouble((real[m] * real[m] + imaginary[m] * imaginary[m]).squareRoot())
      }
    }
  }

  /// Adds |self_ab|^2, column by column.
  func addSquares(to sums: UnsafeMutablePointer<ComplexDouble>) {
    for m in 0..<count * count {
      var sum = 0.0
      for k in m * lanes..<(m + 1) * lanes {
        sum += real[k] * real[k] + imaginary[k] * imaginary[k]
      }
      sums[m] += ComplexDouble(sum)
    }
  }

  /// The sum over the lanes of |self_ab other_ba|.
  func absoluteTrace(_ other: MatrixBlock) -> Double {
    var sum = 0.0
    read { x in
      other.read { y in
        for b in 0..<count {
          for a in 0..<count {
            let (left, right) = (x(a + count * b), y(b + count * a))
            for k in 0..<lanes {
              let one = left.real[k] * left.real[k] + left.imaginary[k] * left.imaginary[k]
              let two = right.real[k] * right.real[k] + right.imaginary[k] * right.imaginary[k]
              sum += (one * two).squareRoot()
            }
          }
        }
      }
    }
    return sum
  }
}

/// Of one lane, as averages over the zone are.
extension MatrixBlock {
  /// (1 - self)^-1, or nil where that is singular.
  var geometricSum: MatrixBlock? {
    var left = real.indices.map {
      ComplexDouble($0 % (count + 1) == 0 ? 1 : 0) - ComplexDouble(real[$0], imaginary[$0])
    }
    var (right, pivots) = (left, [Int32](repeating: 0, count: count))
    guard MatrixBlock.invert(&left, into: &right, &pivots), right.allSatisfy(\.isFinite) else {
      return nil
    }
    return MatrixBlock(count, right)
  }

  /// self x.
  func times(_ x: [ComplexDouble]) -> [ComplexDouble] {
    (0..<count).map { a in
      (0..<count).reduce(ComplexDouble.zero) { $0 + self[a, $1] * x[$1] }
    }
  }

  /// The largest sum of moduli along a row, which bounds how much errors grow.
  var rowNorm: Double {
    (0..<count).map { a in (0..<count).reduce(0) { $0 + self[a, $1].length } }.max()!
  }

  /// The largest modulus of an eigenvalue of the real parts.
  var spectralRadius: Double {
    var m = real
    let n = Int32(count)
    var (x, y) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
    let status = LAPACKE_dgeev(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "N")), n, &m, n, &x, &y, nil,
      1, nil, 1)
    return status == 0 ? zip(x, y).map { Double.hypot($0, $1) }.max()! : .infinity
  }
}
