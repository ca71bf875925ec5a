// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule

/// One periodic grid as a table of its stars: energies, weights, and the traces summed over each
/// star, ready to be multiplied with propagators at any complex energies.
///
/// A zone average at (z1, z2) is a sum over the table. With a self-energy that solves its equation
/// on the same grid, the table is a crystal of its own, with all exact statements that do not
/// need the continuum; what it lacks is found by comparing two grids.
final class StarTable: Sendable {
  /// Stars per block; the slots of a block fit the processor's cache.
  static let blockSize = Int(ZONE_BLOCK)

  /// Points along each reciprocal vector.
  let divisions: Int
  /// Blocks of stars, some of them filled up with stars of weight 0.
  let blocks: Int
  /// 1/N^d; the weights and slots below are to be multiplied with it.
  private let norm: Double
  /// The numbers of points of the stars.
  private let weight: [Double]
  /// The energies of the bonding and the antibonding band for `scba`, T_k and |eta_k|^2 for `site`.
  private let first, second: [Double]
  /// Traces summed over the star: [block][slot][star].
  private let slots: [Double]
  let slotCount: Int
  /// sum over stars of slot^2/weight, by which Schwarz's inequality bounds a sum of moduli.
  let squares: [Double]
  /// The memory it takes.
  var bytes: Int { 8 * weight.count * (3 + slotCount) }

  /// Stars in blocks, as in the table.
  private struct Part: Sendable {
    var buffer = StarBuffer()
    var weight: [Double] = []
    var first: [Double] = []
    var second: [Double] = []
    /// In pieces, which do not move as more come.
    var slots: [[Double]] = []
    var squares: [Double]
  }

  /// The table of `model` on `divisions` points along each reciprocal vector.
  init(
    _ model: Model, _ impurities: Impurities, _ hamiltonian: BlochHamiltonian,
    symmetries: [ReciprocalOperation], divisions: Int, traces: StarTraces, threads: Int
  ) async throws {
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    let slotCount = traces.slotCount
    let empty = Part(squares: Array(repeating: 0, count: slotCount))
    var parts: [Part]
    switch traces {
    case .frames(_, let add):
      // Star by star first.
      parts = try await grid.accumulate(threads: threads, empty) { part, _, star in
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
      parts = try await grid.accumulateFirst(threads: threads, empty) { part in
        StarTable.flush(&part, traces, model.exchange)
      } _: { part, f, size in
        part.buffer.add(f, size: size)
        if part.buffer.count == 512 { StarTable.flush(&part, traces, model.exchange) }
      }
    }
    self.divisions = divisions
    self.slotCount = slotCount
    norm = 1 / Double(grid.count)
    weight = Array(parts.map(\.weight).joined())
    first = Array(parts.map(\.first).joined())
    second = Array(parts.map(\.second).joined())
    blocks = weight.count / StarTable.blockSize
    var slots: [Double] = []
    slots.reserveCapacity(weight.count * slotCount)
    for n in parts.indices {
      for piece in parts[n].slots { slots += piece }
      // Not to have all of them twice.
      parts[n].slots = []
    }
    self.slots = slots
    squares = (0..<slotCount).map { [norm, parts] s in parts.reduce(0) { $0 + $1.squares[s] } * norm
    }
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
    part.slots.append(slots)
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
  private static func flush(_ part: inout Part, _ traces: StarTraces, _ exchange: Double) {
    let count = part.buffer.count
    if count == 0 { return }
    let sizes = part.buffer.sizes
    switch traces {
    case .frames: preconditionFailure("not collected")
    case .bands(let program, let contour, let stored):
      let table = part.buffer.table(program, contour)
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
    case .polynomials(let program):
      let table = program.table(part.buffer)
      append(
        to: &part, weight: sizes, first: Array(table.hopping[..<count]),
        second: Array(table.square[..<count]), table.slots)
    }
    part.buffer = StarBuffer()
  }

  private func withStars<R>(_ body: (ZoneStars) -> R) -> R {
    weight.withUnsafeBufferPointer { w in
      first.withUnsafeBufferPointer { a in
        second.withUnsafeBufferPointer { b in
          body(
            ZoneStars(
              weight: w.baseAddress, first: a.baseAddress, second: b.baseAddress, blocks: blocks))
        }
      }
    }
  }

  /// `scba`: avg g, g^2, g^3 of the bonding, then of the antibonding band; `site`: avg a/D, 1/D,
  /// a^2/D^2, a/D^2, 1/D^2 with a = zeta - T.
  func moments(_ impurities: Impurities, _ x: DressedEnergy) -> [ComplexDouble] {
    var moments = [ZoneComplex](repeating: ZoneComplex(re: 0, im: 0), count: 6)
    withStars { zone_moments(impurities.kind, $0, x.first.zone, x.second.zone, &moments) }
    return moments.map { ComplexDouble($0.re * norm, $0.im * norm) }
  }

  /// `scba`: avg |g|^2 of the two bands, and 0; `site`: avg |a - j|^2/|D|^2, |a + j|^2/|D|^2,
  /// |eta|^2/|D|^2.
  func squareModuli(_ impurities: Impurities, _ x: DressedEnergy) -> [Double] {
    var squares = [0.0, 0, 0]
    withStars { zone_squares(impurities.kind, $0, x.first.zone, x.second.zone, &squares) }
    return squares.map { $0 * norm }
  }

  /// The products of propagators that slots are multiplied with, each made from two before it; 0 and
  /// 1 are the first and the second propagator of x1, 2 and 3 of x2, `site` has 0 and 2 alone.
  struct Products: Sendable {
    fileprivate let left, right: [Int32]
    /// The slot and the product of each sum.
    fileprivate let plan: [Int32]
    /// The number of each of the products asked for.
    let numbers: [Int]

    /// `products` are lists of propagators, ascending; `plan` tells which slot is multiplied with which
    /// of them.
    init(_ products: [[Int]], plan: [(slot: Int, product: Int)]) {
      var known: [[Int]: Int] = [[0]: 0, [1]: 1, [2]: 2, [3]: 3]
      var pairs: [(Int, Int)] = []
      func number(_ factors: [Int]) -> Int {
        if let n = known[factors] { return n }
        // The propagators at z1 first, then those at z2: many products share either part.
        let first = factors.filter { $0 < 2 }
        let cut = first.isEmpty || first.count == factors.count ? factors.count - 1 : first.count
        pairs.append((number(Array(factors[..<cut])), number(Array(factors[cut...]))))
        known[factors] = 3 + pairs.count
        return known[factors]!
      }
      numbers = products.map(number)
      left = pairs.map { Int32($0.0) }
      right = pairs.map { Int32($0.1) }
      self.plan = plan.flatMap { [numbers] in [Int32($0.slot), Int32(numbers[$0.product])] }
    }
  }

  /// For each pair of energies: the sums over all stars that are planned, of slot times product, and
  /// for each product asked for the average of its squared modulus, if wanted.
  func sums(
    _ impurities: Impurities, _ products: Products, _ pairs: [(DressedEnergy, DressedEnergy)],
    withSquares: Bool
  ) -> [(values: [ComplexDouble], squares: [Double]?)] {
    let count = products.left.count
    let planCount = products.plan.count / 2
    var values = [ZoneComplex](
      repeating: ZoneComplex(re: 0, im: 0), count: pairs.count * planCount)
    var norms = [Double](repeating: 0, count: withSquares ? pairs.count * count : 0)
    let zonePairs = pairs.map {
      ZonePair(
        first1: $0.0.first.zone, second1: $0.0.second.zone, first2: $0.1.first.zone,
        second2: $0.1.second.zone)
    }
    norms.withUnsafeMutableBufferPointer { norms in
      withStars { stars in
        zone_loop_sums(
          impurities.kind, stars, zonePairs, Int32(pairs.count), products.left, products.right,
          Int32(count), slots, Int32(slotCount), products.plan, Int32(planCount), &values,
          withSquares ? norms.baseAddress : nil)
      }
    }
    return pairs.indices.map { n in
      (
        values[(n * planCount)..<((n + 1) * planCount)].map {
          ComplexDouble($0.re * norm, $0.im * norm)
        },
        withSquares ? products.numbers.map { norms[n * count + $0 - 4] * norm } : nil
      )
    }
  }
}

extension Impurities {
  fileprivate var kind: ZoneKind { self == .scba ? ZONE_SCBA : ZONE_SITE }
}

extension ComplexDouble {
  fileprivate var zone: ZoneComplex { ZoneComplex(re: real, im: imaginary) }
}
