// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneSums

/// One periodic grid of the real zone as a table of its stars: energies, weights, and the traces
/// summed over each star.
package final class StarTable: ZoneTable {
  /// Stars per block; the slots of a block fit the processor's cache.
  package static let blockSize = Int(ZONE_BLOCK)

  package let divisions: Int
  /// 1/N^d; the weights and slots below are to be multiplied with it.
  private let norm: Double
  let slotCount: Int
  package let squares: [Double]
  private let impurities: Impurities
  /// In as many pieces as they were made in, which saves copying them.
  private let pieces: [Part]
  package var bytes: Int { pieces.reduce(0) { $0 + 8 * $1.weight.count * (3 + slotCount) } }

  /// Stars in blocks, some of them filled up with stars of weight 0.
  private struct Part: Sendable {
    /// The numbers of points of the stars.
    var weight: [Double] = []
    /// The energies of the bonding and the antibonding band for `scba`, T_k and |eta_k|^2 for `site`.
    var first: [Double] = []
    var second: [Double] = []
    /// Traces summed over the star: [block][slot][star].
    var slots: [Double] = []
    /// sum over stars of slot^2/weight.
    var squares: [Double]
  }

  /// Star by star, [star][slot].
  private struct Rows: Sendable {
    var weight: [Double] = []
    var first: [Double] = []
    var second: [Double] = []
    var slots: [[Double]] = []
  }

  /// The table of `model` on `divisions` points along each reciprocal vector.
  package init(
    _ model: Model, _ impurities: Impurities, _ hamiltonian: BlochHamiltonian,
    symmetries: [ReciprocalOperation], divisions: Int, traces: StarTraces, threads: Int
  ) async throws {
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    let slotCount = traces.slotCount
    let empty = Part(squares: Array(repeating: 0, count: slotCount))
    let parts: [Part]
    switch traces {
    case .frames(_, let add):
      // Star by star first.
      parts = try await grid.accumulate(threads: threads, Rows()) { part, _, star in
        let frame = hamiltonian.frame(at: star[0].k)
        part.weight.append(star.reduce(0) { $0 + $1.weight })
        switch impurities {
        case .scba:
          part.first.append(frame.energy(.bonding).real)
          part.second.append(frame.energy(.antibonding).real)
        case .site:
          part.first.append(frame.hopping.real)
          part.second.append((frame.eta * frame.etabar).real)
        }
        if slotCount == 0 { return }
        var slots = [Double](repeating: 0, count: slotCount)
        slots.withUnsafeMutableBufferPointer {
          for point in star {
            add(hamiltonian.frame(at: point.k), point.weight, $0.baseAddress!)
          }
        }
        part.slots.append(slots)
      }.filter { !$0.weight.isEmpty }.map { rows in
        let size = StarTable.blockSize
        let blocks = (rows.weight.count + size - 1) / size
        var slots = [Double](repeating: 0, count: blocks * size * slotCount)
        for n in rows.weight.indices {
          let (block, position) = n.quotientAndRemainder(dividingBy: size)
          for slot in 0..<slotCount {
            slots[(block * slotCount + slot) * size + position] = rows.slots[n][slot]
          }
        }
        var part = empty
        StarTable.append(
          to: &part, weight: rows.weight, first: rows.first, second: rows.second, slots)
        return part
      }
    case .bands, .polynomials:
      parts = try await grid.inBlocks(threads: threads, empty) {
        StarTable.add($0, to: &$1, traces, model.exchange)
      }
    }
    self.divisions = divisions
    self.impurities = impurities
    self.slotCount = slotCount
    let norm = 1 / Double(grid.count)
    self.norm = norm
    pieces = parts.filter { !$0.weight.isEmpty }
    squares = (0..<slotCount).map { s in parts.reduce(0) { $0 + $1.squares[s] } * norm }
  }

  /// Adds stars and their slots, whole blocks of them.
  private static func append(
    to part: inout Part, weight: [Double], first: [Double], second: [Double], _ slots: [Double]
  ) {
    let blocks = (weight.count + blockSize - 1) / blockSize
    let missing = blocks * blockSize - weight.count
    part.weight += weight + Array(repeating: 0, count: missing)
    part.first += first + Array(repeating: first[0], count: missing)
    part.second += second + Array(repeating: second[0], count: missing)
    part.slots += slots
    let slotCount = part.squares.count
    slots.withUnsafeBufferPointer { slots in
      for block in 0..<blocks {
        let count = min(blockSize, weight.count - block * blockSize)
        for slot in 0..<slotCount {
          let start = (block * slotCount + slot) * blockSize
          var sum = 0.0
          for n in 0..<count {
            sum += slots[start + n] * slots[start + n] / weight[block * blockSize + n]
          }
          part.squares[slot] += sum
        }
      }
    }
  }

  /// Moves the stars of the buffer to the blocks.
  private static func add(
    _ buffer: StarBuffer, to part: inout Part, _ traces: StarTraces, _ exchange: Double
  ) {
    let (count, sizes) = (buffer.count, buffer.sizes)
    switch traces {
    case .frames: preconditionFailure("not collected")
    case .bands(let program, let contour, let stored):
      let table = buffer.table(program, contour)
      var slots: [Double] = []
      slots.reserveCapacity(table.blocks * blockSize * (stored.count + 2))
      for block in 0..<(stored.isEmpty ? 0 : table.blocks) {
        for slot in stored {
          let at = (block * program.slots.count + slot) * 3 * blockSize
          slots += table.slots[at..<(at + blockSize)]
        }
        let stars = (block * blockSize)..<((block + 1) * blockSize)
        let ones = stars.map { $0 < count ? sizes[$0] : 0 }
        let cosines = stars.map { $0 < count ? sizes[$0] * exchange / table.gap[$0] : 0 }
        slots += ones + cosines
      }
      append(
        to: &part, weight: sizes, first: (0..<count).map { table.hopping[$0] - table.gap[$0] },
        second: (0..<count).map { table.hopping[$0] + table.gap[$0] }, slots)
    case .polynomials(let program, let contour):
      let table = program.table(buffer, contour)
      var slots: [Double] = []
      slots.reserveCapacity(table.slots.count / 2)
      for slot in 0..<(table.blocks * program.slotCount) {
        slots += table.slots[(2 * slot * blockSize)..<((2 * slot + 1) * blockSize)]
      }
      append(
        to: &part, weight: sizes, first: Array(table.hopping[..<count]),
        second: Array(table.square[..<count]), slots)
    }
  }

  private func withStars(_ piece: Part, _ body: (ZoneStars) -> Void) {
    piece.weight.withUnsafeBufferPointer { w in
      piece.first.withUnsafeBufferPointer { a in
        piece.second.withUnsafeBufferPointer { b in
          body(
            ZoneStars(
              weight: w.baseAddress, first: a.baseAddress, second: b.baseAddress,
              blocks: piece.weight.count / StarTable.blockSize))
        }
      }
    }
  }

  package func moments(_ x: DressedState) -> [ComplexDouble] {
    var sums = [ComplexDouble](repeating: .zero, count: 6)
    var own = [ZoneComplex](repeating: ZoneComplex(re: 0, im: 0), count: 6)
    for piece in pieces {
      withStars(piece) {
        zone_moments(impurities.kind, $0, x.numbers.0.zone, x.numbers.1.zone, &own)
      }
      for m in 0..<6 { sums[m] += ComplexDouble(own[m].re, own[m].im) }
    }
    return sums.map { $0.multiplied(by: norm) }
  }

  package func stability(_ gamma: Double, _ x: DressedState) -> Double {
    var m = [0.0, 0, 0]
    var own = m
    for piece in pieces {
      withStars(piece) {
        zone_squares(impurities.kind, $0, x.numbers.0.zone, x.numbers.1.zone, &own)
      }
      for n in 0..<3 { m[n] += own[n] }
    }
    switch impurities {
    case .scba: return gamma * norm * max(m[0], m[1])
    case .site: return gamma * norm * largestEigenvalue(m)
    }
  }

  package func sums(
    _ products: PropagatorProducts, _ pairs: [(DressedState, DressedState)], withSquares: Bool
  ) -> [(values: [ComplexDouble], squares: [Double]?)] {
    products.sums(over: pieces, pairs, withSquares: withSquares, norm: norm) {
      piece, zonePairs, plan, values, norms in
      withStars(piece) {
        zone_loop_sums(
          impurities.kind, $0, zonePairs, Int32(zonePairs.count), products.left, products.right,
          Int32(products.left.count), piece.slots, Int32(slotCount), plan,
          Int32(products.plan.count), values, norms)
      }
    }
  }
}

extension Impurities {
  fileprivate var kind: ZoneKind { self == .scba ? ZONE_SCBA : ZONE_SITE }
}

extension ComplexDouble {
  /// The same for C.
  package var zone: ZoneComplex { ZoneComplex(re: real, im: imaginary) }
}
