// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneSums

/// Stars of a displaced zone in blocks, as in zone_sums.h, everything complex.
struct DisplacedStars: Sendable {
  private(set) var blocks = 0
  /// Of one band E_s and E_s - E_o, of both E_- and E_+; for `site` T and eta etabar; and weights: [block][re, im][star].
  private var first: [Double] = []
  private var second: [Double] = []
  private var weight: [Double] = []
  /// [block][slot][re, im][star].
  private var slots: [Double] = []

  private static let size = StarTable.blockSize

  var bytes: Int { 8 * (slots.count + 3 * weight.count) }

  /// Adds the stars of the buffer on a zone, with the energies of `band` or of both; and to `squares`
  /// |slot|^2/|weight| of each slot.
  mutating func add(
    _ buffer: StarBuffer, _ zone: some DisplacedZone, band: Band?, _ traces: StarTraces,
    squares: inout [Double]
  ) {
    let old = blocks
    switch traces {
    case .frames: preconditionFailure("not collected")
    case .bands(let program, _, let stored):
      let table = buffer.table(program, zone)
      // E_s = T - s Delta.
      let sign = band?.sign ?? 1
      let second =
        band == nil
        ? zip(table.hopping, table.gap).map { $0 + $1 } : table.gap.map { -2 * sign * $0 }
      append(
        table.blocks, first: zip(table.hopping, table.gap).map { $0 - sign * $1 }, second: second,
        weight: table.weights.map { $0 * Double(program.operationCount) })
      if !stored.isEmpty { appendSlots(table, program, stored, zone.model.exchange) }
    case .polynomials(let program, _):
      let table = program.table(buffer, zone)
      append(
        table.blocks, first: table.hopping, second: table.square,
        weight: table.weights.map { $0 * Double(program.operationCount) })
      slots += table.slots
    }
    addSquares(from: old, &squares)
  }

  /// Adds numbers that stand as [re, im][star].
  private mutating func append(
    _ count: Int, first: [Double], second: [Double], weight: [Double]
  ) {
    let size = DisplacedStars.size
    blocks += count
    for block in 0..<count {
      for start in [0, count * size] {
        let half = (start + block * size)..<(start + (block + 1) * size)
        self.first += first[half]
        self.second += second[half]
        self.weight += weight[half]
      }
    }
  }

  /// Adds the stored slots of a program, 1 and cos(theta).
  private mutating func appendSlots(
    _ table: StarBuffer.Table, _ program: TraceProgram, _ stored: [Int], _ exchange: Double
  ) {
    let size = DisplacedStars.size
    for block in 0..<table.blocks {
      for slot in stored {
        let at = (block * program.slots.count + slot) * 3 * size
        slots += table.slots[at..<(at + 2 * size)]
      }
      let own = (block * size)..<((block + 1) * size)
      // The traces are sums over all operations.
      let weights = own.map {
        ComplexDouble(table.weights[$0], table.weights[table.stars + $0])
          .multiplied(by: Double(program.operationCount))
      }
      let cosines = zip(own, weights).map {
        $1.multiplied(by: exchange)
          / ComplexDouble(table.gap[$0], table.gap[table.stars + $0])
      }
      for values in [weights, cosines] {
        slots += values.map(\.real) + values.map(\.imaginary)
      }
    }
  }

  private func addSquares(from first: Int, _ squares: inout [Double]) {
    let size = DisplacedStars.size
    for block in first..<blocks {
      for n in 0..<size {
        let at = 2 * block * size + n
        let weight = ComplexDouble(self.weight[at], self.weight[at + size]).length
        if weight == 0 { continue }
        for slot in squares.indices {
          let at = (block * squares.count + slot) * 2 * size + n
          let (re, im) = (slots[at], slots[at + size])
          squares[slot] += (re * re + im * im) / weight
        }
      }
    }
  }

  /// The same without the room that arrays keep to grow.
  var compacted: DisplacedStars {
    func exact(_ numbers: [Double]) -> [Double] { numbers.withUnsafeBufferPointer { Array($0) } }
    var stars = self
    (stars.first, stars.second) = (exact(first), exact(second))
    (stars.weight, stars.slots) = (exact(weight), exact(slots))
    return stars
  }

  /// The stars as the C loops take them.
  func withZoneBand(
    _ kind: ZoneKind, isUpper: Bool = false, _ slotCount: Int, _ body: (inout ZoneBand) -> Void
  ) {
    first.withUnsafeBufferPointer { first in
      second.withUnsafeBufferPointer { second in
        weight.withUnsafeBufferPointer { weight in
          slots.withUnsafeBufferPointer { slots in
            var band = ZoneBand(
              kind: kind, is_upper: isUpper ? 1 : 0, first: first.baseAddress,
              second: second.baseAddress, weight: weight.baseAddress, slots: slots.baseAddress,
              blocks: blocks, slot_count: Int32(slotCount))
            body(&band)
          }
        }
      }
    }
  }
}
