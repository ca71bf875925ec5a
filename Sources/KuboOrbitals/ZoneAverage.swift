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

/// Averages over uniform grids of N points along each reciprocal vector, dealt to the threads by rows and summed block by block
/// in the same order for any number of threads.
struct ZoneAverage: Sendable {
  let matrices: BlochMatrices
  let dimension, threads: Int
  /// As many wave vectors at a time as fill a row without filling the cache.
  private var lanes: Int { max(1, min(128, 2048 / (matrices.count * matrices.count))) }

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
    let points = (0..<dimension).reduce(1.0) { n, _ in n * Double(divisions) }
    let jobs = min(divisions, 64, max(2, Int(points) / lanes))
    let parts = try await parallelMap(jobs, threads: threads) { job in
      var sums = [ComplexDouble](repeating: .zero, count: count)
      var largest = [Double](repeating: 0, count: max(1, extremes))
      var waiting = [ComplexDouble](repeating: .zero, count: lanes * matrices.blockSize)
      var filled = 0
      let grid = BlochMatrices.Sums(matrices, turns: turns)
      func flush() {
        let block = BlochBlock(waiting[..<filled], matrices)
        filled = 0
        sums.withUnsafeMutableBufferPointer { sums in
          largest.withUnsafeMutableBufferPointer { add(block, sums.baseAddress!, $0.baseAddress!) }
        }
      }
      func visit(_ axis: Int) {
        guard axis + 1 < dimension else {
          grid.line(at: Array(0..<divisions), wait)
          return
        }
        for n in 0..<divisions {
          grid.sum(axis, at: n)
          visit(axis + 1)
        }
      }
      func wait(_: Int, _ blocks: UnsafeMutablePointer<ComplexDouble>) {
        waiting.withUnsafeMutableBufferPointer {
          ($0.baseAddress! + filled).update(from: blocks, count: matrices.blockSize)
        }
        filled += matrices.blockSize
        if filled == waiting.count { flush() }
      }
      for n in stride(from: job, to: divisions, by: jobs) {
        guard dimension > 1 else {
          grid.line(at: [n], wait)
          continue
        }
        grid.sum(0, at: n)
        visit(1)
      }
      if filled > 0 { flush() }
      return (sums, largest)
    }
    var total = (
      sums: [ComplexDouble](repeating: .zero, count: count),
      largest: [Double](repeating: 0, count: max(1, extremes))
    )
    for (sums, largest) in parts {
      for m in sums.indices { total.sums[m] += sums[m].multiplied(by: 1 / points) }
      for m in largest.indices { total.largest[m] = max(total.largest[m], largest[m]) }
    }
    return total
  }
}
