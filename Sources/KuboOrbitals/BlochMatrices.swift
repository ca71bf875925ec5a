// SPDX-License-Identifier: GPL-3.0-or-later
import CLAPACK
import ComplexModule
import KuboLattice
import RealModule

/// H^u(k) and its derivatives d_i, d_j and d_i d_j in the gauge whose phases hold the positions:
///
///     d_i H_ab = sum_R i (R + tau_b - tau_a)_i H_ab(R) exp(i k.(R + tau_b - tau_a))
///
/// up to the phases exp(i k.(tau_b - tau_a)), a change of basis that no trace sees. Wave vectors are given by
/// reduced coordinates, one after the other: the sum over the cells along an axis is done once for all points that
/// share its coordinate.
package struct BlochMatrices: Sendable {
  /// What stands in a block, for each spin.
  enum Part: Int, CaseIterable {
    case energy, first, second, mixed
  }

  /// How the blocks that are left after some axes are joined when the next is summed.
  private struct Axis: Sendable {
    /// Blocks of one group stand together; they differ in the cell along this axis alone.
    var groups: [Range<Int>]
    var cells: [Int]
  }

  package let count: Int
  private let axes: [Axis]
  private let blocks: [ComplexDouble]
  var blockSize: Int { 2 * Part.allCases.count * count * count }

  package init(_ model: OrbitalModel, _ directions: Directions) {
    let n = model.orbitals.count
    count = n
    // Cells that agree in all but the first coordinates stand together.
    let order = model.cells.indices.sorted {
      model.cells[$0].reversed().lexicographicallyPrecedes(model.cells[$1].reversed())
    }
    var left = order.map { model.cells[$0] }
    var axes: [Axis] = []
    for _ in 0..<model.dimension {
      var groups: [Range<Int>] = []
      for (r, cell) in left.enumerated() {
        if let last = groups.last, left[last.lowerBound].dropFirst() == cell.dropFirst() {
          groups[groups.count - 1] = last.lowerBound..<(r + 1)
        } else {
          groups.append(r..<(r + 1))
        }
      }
      axes.append(Axis(groups: groups, cells: left.map { $0[0] }))
      left = groups.map { Array(left[$0.lowerBound].dropFirst()) }
    }
    self.axes = axes
    var blocks: [ComplexDouble] = []
    for r in order {
      let shift = (0..<model.dimension).map { i in
        zip(model.cells[r], model.latticeVectors).reduce(0) { $0 + Double($1.0) * $1.1[i] }
      }
      for u in 0..<2 {
        let positions = model.orbitals.map { u == 0 ? $0.position : $0.downPosition }
        func x(_ i: Int, _ a: Int, _ b: Int) -> Double {
          shift[i] + positions[b][i] - positions[a][i]
        }
        for part in Part.allCases {
          for b in 0..<n {
            for a in 0..<n {
              let h = model.elements[u][r][a + n * b]
              let (xi, xj) = (x(directions.i, a, b), x(directions.j, a, b))
              let value: ComplexDouble =
                switch part {
                case .energy: h
                case .first: ComplexDouble(-h.imaginary * xi, h.real * xi)
                case .second: ComplexDouble(-h.imaginary * xj, h.real * xj)
                case .mixed: h.multiplied(by: -xi * xj)
                }
              blocks.append(value)
            }
          }
        }
      }
    }
    self.blocks = blocks
  }

  /// Where the matrix of a part begins in the blocks of a full sum.
  static func offset(_ spin: Spin, _ part: Part, _ count: Int) -> Int {
    (spin.rawValue * Part.allCases.count + part.rawValue) * count * count
  }

  /// Sums along one axis after the other, each for a grid of `divisions` points; the results of each stay until its next.
  package struct Sums: ~Copyable {
    private let matrices: BlochMatrices
    private let divisions: Int
    /// exp(2 pi i n/divisions).
    private let turns: [ComplexDouble]
    private let phases: UnsafeMutablePointer<ComplexDouble>
    /// The blocks after the sum along each axis.
    private let results: [UnsafeMutablePointer<ComplexDouble>]

    package init(_ matrices: BlochMatrices, divisions: Int = 1) {
      (self.matrices, self.divisions) = (matrices, divisions)
      turns = (0..<divisions).map {
        let turn = Double($0) / Double(divisions)
        return ComplexDouble(Double.cos(2 * .pi * turn), Double.sin(2 * .pi * turn))
      }
      phases = .allocate(capacity: matrices.axes.map(\.cells.count).max()!)
      results = matrices.axes.map { .allocate(capacity: $0.groups.count * matrices.blockSize) }
    }

    deinit {
      phases.deallocate()
      for result in results { result.deallocate() }
    }

    /// Sums along the axis at the reduced coordinate n/divisions what the axes before it have left.
    /// - Returns: the blocks.
    @discardableResult
    package func sum(_ axis: Int, at n: Int) -> UnsafeMutablePointer<ComplexDouble> {
      let own = matrices.axes[axis]
      for (r, cell) in own.cells.enumerated() {
        let turn = (n * cell) % divisions
        phases[r] = turns[turn < 0 ? turn + divisions : turn]
      }
      return sum(axis)
    }

    /// The same at any reduced coordinate, whatever the grid.
    @discardableResult
    package func sum(
      _ axis: Int, atReduced f: Double
    ) -> UnsafeMutablePointer<ComplexDouble> {
      for (r, cell) in matrices.axes[axis].cells.enumerated() {
        let turn = Double(cell) * f
        phases[r] = ComplexDouble(length: 1, phase: 2 * .pi * (turn - turn.rounded()))
      }
      return sum(axis)
    }

    private func sum(_ axis: Int) -> UnsafeMutablePointer<ComplexDouble> {
      matrices.blocks.withUnsafeBufferPointer { blocks in
        let source = axis == 0 ? blocks.baseAddress! : UnsafePointer(results[axis - 1])
        let (own, size) = (matrices.axes[axis], Int32(matrices.blockSize))
        var (one, zero) = (ComplexDouble.one, ComplexDouble.zero)
        for (g, group) in own.groups.enumerated() {
          cblas_zgemv(
            CblasColMajor, CblasNoTrans, size, Int32(group.count), &one,
            source + group.lowerBound * Int(size), size, phases + group.lowerBound, 1, &zero,
            results[axis] + g * Int(size), 1)
        }
      }
      return results[axis]
    }
  }
}
