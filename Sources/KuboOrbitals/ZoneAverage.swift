// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboWork

/// H, d_i H, d_j H and d_i d_j H of both spins at several k, their mean and half their difference.
struct BlochBlock {
  let lanes: Int
  private let matrices: [[MatrixBlock]]

  /// Of the blocks of full sums.
  init(_ sums: [[ComplexDouble]], _ bloch: BlochMatrices) {
    lanes = sums.count
    matrices = Spin.allCases.map { u in
      BlochMatrices.Part.allCases.map { part in
        var block = MatrixBlock(bloch.count, lanes: sums.count)
        for (k, sum) in sums.enumerated() {
          sum.withUnsafeBufferPointer {
            block.set(k, $0.baseAddress! + bloch.offset(u, part))
          }
        }
        return block
      }
    }
  }

  func hamiltonian(_ u: Spin, _ part: BlochMatrices.Part) -> MatrixBlock {
    matrices[u.rawValue][part.rawValue]
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
  private var lanes: Int { max(1, min(32, 2048 / (matrices.count * matrices.count))) }

  /// The averages of `count` numbers, and the largest values of `extremes` others, which `add` adds or raises.
  func average(
    _ count: Int, extremes: Int = 0, divisions: Int,
    _ add:
      @escaping @Sendable (
        BlochBlock, UnsafeMutablePointer<ComplexDouble>, UnsafeMutablePointer<Double>
      ) -> Void
  ) async throws -> (sums: [ComplexDouble], largest: [Double]) {
    let points = (0..<dimension).reduce(1.0) { n, _ in n * Double(divisions) }
    let jobs = min(divisions, 64, max(2, Int(points) / lanes))
    let parts = try await parallelMap(jobs, threads: threads) { job in
      var sums = [ComplexDouble](repeating: .zero, count: count)
      var largest = [Double](repeating: 0, count: max(1, extremes))
      var waiting: [[ComplexDouble]] = []
      let grid = BlochMatrices.Sums(matrices, divisions: divisions)
      func flush() {
        let block = BlochBlock(waiting, matrices)
        waiting = []
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
        waiting.append(
          Array(UnsafeBufferPointer(start: blocks, count: matrices.blockSize)))
        if waiting.count == lanes { flush() }
      }
      for n in stride(from: job, to: divisions, by: jobs) {
        guard dimension > 1 else {
          grid.line(at: [n], wait)
          continue
        }
        grid.sum(0, at: n)
        visit(1)
      }
      if !waiting.isEmpty { flush() }
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
