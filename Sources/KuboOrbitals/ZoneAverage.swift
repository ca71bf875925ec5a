// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboWork

/// H, d_i H, d_j H and d_i d_j H of both spins at several k, as far as a sum holds them, their mean and half their difference.
struct BlochBlock {
  private let bloch: BlochMatrices
  private let matrices: [MatrixBlock]
  var lanes: Int { matrices[0].lanes }

  /// Of the blocks of full sums, one after the other.
  init(_ sums: ArraySlice<ComplexDouble>, _ bloch: BlochMatrices) {
    self.bloch = bloch
    let size = bloch.count * bloch.count
    matrices = sums.withUnsafeBufferPointer { sums in
      stride(from: 0, to: bloch.blockSize, by: size).map { offset in
        var block = MatrixBlock(bloch.count, lanes: sums.count / bloch.blockSize)
        for k in 0..<block.lanes {
          block.set(k, sums.baseAddress! + k * bloch.blockSize + offset)
        }
        return block
      }
    }
  }

  func hamiltonian(_ u: Spin, _ part: BlochMatrices.Part) -> MatrixBlock {
    matrices[bloch.offset(u, part) / (bloch.count * bloch.count)]
  }
  func mean(_ part: BlochMatrices.Part) -> MatrixBlock {
    hamiltonian(.up, part).combined(hamiltonian(.down, part), 0.5, 0.5)
  }
  func exchange(_ part: BlochMatrices.Part) -> MatrixBlock {
    hamiltonian(.up, part).combined(hamiltonian(.down, part), 0.5, -0.5)
  }

  /// (z - Sigma - H)^-1 of both spins. Where a level is met without any width it is large and never converges.
  func propagators(_ energy: DressedEnergy) -> [MatrixBlock] {
    Spin.allCases.map { u in
      let h = hamiltonian(u, .energy)
      let own = energy.selfEnergies[u.rawValue * h.count..<(u.rawValue + 1) * h.count]
      return h.resolvent(own.map { energy.z - $0 })
    }
  }
}

/// An energy with the self-energies of all orbitals there, those of up first: of an advanced one the conjugates.
struct DressedEnergy: Sendable {
  var z: ComplexDouble
  var selfEnergies: [ComplexDouble]

  var conjugate: DressedEnergy {
    DressedEnergy(z: z.conjugate, selfEnergies: selfEnergies.map(\.conjugate))
  }
}

/// Averages over uniform grids of N points along each reciprocal vector, of the first point of each star as often as the star has
/// points. Lines are dealt to jobs, whose sums are added in order, so that the number of threads does not matter.
struct ZoneAverage: Sendable {
  let model: OrbitalModel
  let matrices: BlochMatrices
  /// Maps that averages do not see, a group.
  let symmetries: [ReciprocalOperation]
  let threads: Int

  /// As many wave vectors at a time as fill a row without filling the cache.
  private var lanes: Int { max(1, min(128, 2048 / (matrices.count * matrices.count))) }

  /// Blocks of points of stars of one size that wait for each other, and their sums so far.
  private struct Waiting {
    var blocks: [ComplexDouble]
    var filled = 0
    var sums: [ComplexDouble]
  }

  /// The averages of `count` numbers, and the largest values of `extremes` others, which `add` adds or raises, over the grid of
  /// ``BlochMatrices/turns(_:)``.
  func average(
    _ count: Int, extremes: Int = 0, _ turns: [ComplexDouble],
    _ add:
      @escaping @Sendable (
        BlochBlock, UnsafeMutablePointer<ComplexDouble>, UnsafeMutablePointer<Double>
      ) -> Void
  ) async throws -> (sums: [ComplexDouble], largest: [Double]) {
    let divisions = turns.count
    let dimension = model.dimension
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    // Pieces of lines along the last axis.
    let size = min(divisions, 1024)
    let pieces = (divisions + size - 1) / size
    let count = max(1, count)
    let jobs = min(grid.count / divisions * pieces, 64)
    let parts = try await parallelMap(jobs, threads: threads) { job in
      var waiting: [Int32: Waiting] = [:]
      var largest = [Double](repeating: 0, count: max(1, extremes))
      let empty = Waiting(
        blocks: Array(repeating: .zero, count: lanes * matrices.blockSize),
        sums: Array(repeating: .zero, count: count))
      let sums = BlochMatrices.Sums(matrices, turns: turns)
      func flush(_ own: inout Waiting) {
        let block = BlochBlock(own.blocks[..<own.filled], matrices)
        own.filled = 0
        own.sums.withUnsafeMutableBufferPointer { sums in
          largest.withUnsafeMutableBufferPointer { add(block, sums.baseAddress!, $0.baseAddress!) }
        }
      }
      var (offsets, weights) = (
        [Int32](repeating: 0, count: size), [Int32](repeating: 0, count: size)
      )
      for piece in stride(from: job, to: grid.count / divisions * pieces, by: jobs) {
        let first = piece % pieces * size
        let start = piece / pieces * divisions + first
        let found = grid.firstPoints(
          from: start, min(size, divisions - first), &offsets, &weights)
        if found == 0 { continue }
        let point = grid.components(start)
        for axis in 0..<dimension - 1 { sums.sum(axis, at: point[axis]) }
        sums.line(at: (0..<found).map { first + Int(offsets[$0]) }) { m, blocks in
          let size = matrices.blockSize
          func wait(_ own: inout Waiting) {
            own.blocks.withUnsafeMutableBufferPointer {
              ($0.baseAddress! + own.filled).update(from: blocks, count: size)
            }
            own.filled += size
            if own.filled == own.blocks.count { flush(&own) }
          }
          wait(&waiting[weights[m], default: empty])
        }
      }
      var total = [ComplexDouble](repeating: .zero, count: count)
      for weight in waiting.keys.sorted() {
        if waiting[weight]!.filled > 0 { flush(&waiting[weight]!) }
        for (m, sum) in waiting[weight]!.sums.enumerated() {
          total[m] += sum.multiplied(by: Double(weight))
        }
      }
      return (total, largest)
    }
    var total = (
      sums: [ComplexDouble](repeating: .zero, count: count),
      largest: [Double](repeating: 0, count: max(1, extremes))
    )
    for (sums, largest) in parts {
      for m in sums.indices { total.sums[m] += sums[m].multiplied(by: 1 / Double(grid.count)) }
      for m in largest.indices { total.largest[m] = max(total.largest[m], largest[m]) }
    }
    return total
  }
}
