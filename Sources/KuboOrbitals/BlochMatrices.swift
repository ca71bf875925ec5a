// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import RealModule

/// H^u(k) and its derivatives d_i, d_j and d_i d_j in the gauge whose phases hold the positions:
///
///     d_i H_ab = sum_R i (R + tau_b - tau_a)_i H_ab(R) exp(i k.(R + tau_b - tau_a))
///
/// up to the phases exp(i k.(tau_b - tau_a)), a change of basis that no trace sees. Wave vectors are given by
/// reduced coordinates, one after the other: the sum over the cells along an axis is done once for all points that
/// share its coordinate, and that along the last axis for the points of a line together. All matrices are Hermitian, so that the sum S over one
/// of each pair of cells R, -R and half of R = 0 does: S + S^dagger.
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
  /// How many matrices each spin has, and which of them each part is.
  private let kinds: Int
  private let places: [Int]
  private let axes: [Axis]
  private let blocks: [ComplexDouble]
  var blockSize: Int { 2 * kinds * count * count }

  /// The parts up to a derivative of this order; the others are not to be asked for.
  package init(_ model: OrbitalModel, _ directions: Directions, order: Int = 2) {
    let (i, j) = (directions.i, directions.j)
    var factors: [([Double]) -> ComplexDouble] = [{ _ in .one }]
    if order > 0 { factors.append { ComplexDouble(0, $0[i]) } }
    if order > 0, i != j { factors.append { ComplexDouble(0, $0[j]) } }
    let second = factors.count - 1
    if order > 1 { factors.append { ComplexDouble(-$0[i] * $0[j]) } }
    self.init(model, factors, places: [0, min(1, second), second, factors.count - 1])
  }

  /// sum_R f(r) H_ab(R) exp(i k.r), r = R + tau_b - tau_a, of each factor f, for which f(-r) = f(r)*.
  init(
    _ model: OrbitalModel, _ factors: [(_ r: [Double]) -> ComplexDouble], places: [Int] = []
  ) {
    let n = model.orbitals.count
    (count, kinds, self.places) = (n, factors.count, places)
    // Cells that agree in all but the first coordinates stand together.
    let order = model.cells.indices.filter {
      !model.cells[$0].reversed().lexicographicallyPrecedes(model.cells[$0].map { _ in 0 })
    }.sorted {
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
      let share = model.cells[r].allSatisfy { $0 == 0 } ? 0.5 : 1
      for u in 0..<2 {
        let positions = model.orbitals.map { u == 0 ? $0.position : $0.downPosition }
        for factor in factors {
          for b in 0..<n {
            for a in 0..<n {
              let x = shift.indices.map { shift[$0] + positions[b][$0] - positions[a][$0] }
              blocks.append(model.elements[u][r][a + n * b].multiplied(by: share) * factor(x))
            }
          }
        }
      }
    }
    self.blocks = blocks
  }

  /// Where the matrix of a part begins in the blocks of a full sum.
  func offset(_ spin: Spin, _ part: Part) -> Int { offset(spin, places[part.rawValue]) }
  /// The same of a factor.
  func offset(_ spin: Spin, _ factor: Int) -> Int {
    (spin.rawValue * kinds + factor) * count * count
  }

  /// exp(2 pi i n/N) for the N = `divisions` points of an axis, of which ``Sums`` on that grid are made: once for all threads.
  package static func turns(_ divisions: Int) -> [ComplexDouble] {
    (0..<divisions).map {
      let turn = Double($0) / Double(divisions)
      return ComplexDouble(Double.cos(2 * .pi * turn), Double.sin(2 * .pi * turn))
    }
  }

  /// Sums along one axis after the other, each for the grid of `turns`; the results of each stay until its next.
  package struct Sums: ~Copyable {
    private let matrices: BlochMatrices
    private let turns: [ComplexDouble]
    private let phases: UnsafeMutablePointer<ComplexDouble>
    /// The blocks after the sum along each axis, of the last for some points of a line.
    private let results: [UnsafeMutablePointer<ComplexDouble>]
    /// So many points of a line at once.
    private static let width = 16

    package init(_ matrices: BlochMatrices, turns: [ComplexDouble] = []) {
      (self.matrices, self.turns) = (matrices, turns)
      phases = .allocate(capacity: matrices.axes.map(\.cells.count).max()! * Sums.width)
      let last = matrices.axes.count - 1
      results = matrices.axes.enumerated().map { axis, own in
        .allocate(
          capacity: own.groups.count * matrices.blockSize * (axis == last ? Sums.width : 1))
      }
    }

    deinit {
      phases.deallocate()
      for result in results { result.deallocate() }
    }

    /// Sums along an axis but the last, at the reduced coordinate n/divisions, what the axes before it have left.
    package func sum(_ axis: Int, at n: Int) {
      for (r, cell) in matrices.axes[axis].cells.enumerated() {
        phases[r] = Sums.phase(n, cell, turns)
      }
      sum(axis)
    }

    /// The same at any reduced coordinate, whatever the grid.
    package func sum(_ axis: Int, atReduced f: Double) {
      for (r, cell) in matrices.axes[axis].cells.enumerated() { phases[r] = Sums.phase(f, cell) }
      sum(axis)
    }

    /// Sums along the last axis at the coordinates n/divisions.
    /// - Parameter body: is given the index of each and its blocks.
    package func line(
      at points: [Int],
      _ body: (_ index: Int, _ blocks: UnsafeMutablePointer<ComplexDouble>) -> Void
    ) {
      let turns = turns
      line(points, { Sums.phase($0, $1, turns) }, body)
    }

    /// The same at any reduced coordinates.
    package func line(
      atReduced points: [Double],
      _ body: (_ index: Int, _ blocks: UnsafeMutablePointer<ComplexDouble>) -> Void
    ) {
      line(points, { Sums.phase($0, $1) }, body)
    }

    private static func phase(_ n: Int, _ cell: Int, _ turns: [ComplexDouble]) -> ComplexDouble {
      let turn = (n * cell) % turns.count
      return turns[turn < 0 ? turn + turns.count : turn]
    }

    private static func phase(_ f: Double, _ cell: Int) -> ComplexDouble {
      let turn = Double(cell) * f
      return ComplexDouble(length: 1, phase: 2 * .pi * (turn - turn.rounded()))
    }

    private func line<Point>(
      _ points: [Point], _ phase: (Point, Int) -> ComplexDouble,
      _ body: (Int, UnsafeMutablePointer<ComplexDouble>) -> Void
    ) {
      let (axis, size) = (matrices.axes.count - 1, matrices.blockSize)
      let cells = matrices.axes[axis].cells
      for start in stride(from: 0, to: points.count, by: Sums.width) {
        let own = points[start..<min(start + Sums.width, points.count)]
        for (m, point) in own.enumerated() {
          for (r, cell) in cells.enumerated() { phases[m * cells.count + r] = phase(point, cell) }
        }
        withSource(axis) {
          multiply($0, phases, into: results[axis], size, own.count, cells.count)
        }
        for m in own.indices {
          let blocks = results[axis] + (m - start) * size
          complete(blocks)
          body(m, blocks)
        }
      }
    }

    /// S + S^dagger of each matrix.
    private func complete(_ blocks: UnsafeMutablePointer<ComplexDouble>) {
      let n = matrices.count
      for start in stride(from: 0, to: matrices.blockSize, by: n * n) {
        let s = blocks + start
        for b in 0..<n {
          s[b + n * b] = ComplexDouble(2 * s[b + n * b].real)
          for a in 0..<b {
            s[a + n * b] += s[b + n * a].conjugate
            s[b + n * a] = s[a + n * b].conjugate
          }
        }
      }
    }

    private func withSource(_ axis: Int, _ body: (UnsafePointer<ComplexDouble>) -> Void) {
      matrices.blocks.withUnsafeBufferPointer {
        body(axis == 0 ? $0.baseAddress! : UnsafePointer(results[axis - 1]))
      }
    }

    private func sum(_ axis: Int) {
      let (own, size) = (matrices.axes[axis], matrices.blockSize)
      withSource(axis) { source in
        for (g, group) in own.groups.enumerated() {
          multiply(
            source + group.lowerBound * size, phases + group.lowerBound,
            into: results[axis] + g * size, size, 1, group.count)
        }
      }
    }
  }
}
