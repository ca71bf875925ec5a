// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule

/// A grid of stars, ready to be multiplied with propagators at any complex energies.
///
/// With a self-energy that solves its equation on the same grid, it is a crystal of its own, with all
/// exact statements that do not need the continuum; what it lacks is found by comparing two grids.
protocol ZoneTable: Sendable {
  /// Points along each reciprocal vector.
  var divisions: Int { get }
  /// The memory it takes.
  var bytes: Int { get }
  /// sum over stars of |slot|^2/weight, by which Schwarz's inequality bounds a sum of moduli.
  var squares: [Double] { get }

  /// `scba`: avg g, g^2, g^3 of the bonding, then of the antibonding band; `site`: avg a/D, 1/D,
  /// a^2/D^2, a/D^2, 1/D^2 with a = zeta - T.
  func moments(_ x: DressedEnergy) -> [ComplexDouble]

  /// How much a rung of the retarded-advanced ladder multiplies: at most 1 for the physical
  /// solution, and 1 on the real axis within a band.
  func stability(_ gamma: Double, _ x: DressedEnergy) -> Double

  /// For each pair of energies: the sums over all stars that are planned, of slot times product, and
  /// for each product asked for the average of its squared modulus, if wanted.
  func sums(
    _ products: PropagatorProducts, _ pairs: [(DressedEnergy, DressedEnergy)], withSquares: Bool
  ) -> [(values: [ComplexDouble], squares: [Double]?)]
}

/// The two bands on their ``BandContour``s, with the traces that multiply propagators there: for pairs
/// of a retarded and an advanced energy, and for averages at one energy.
///
/// By partial fractions each term is singular at one band's energy only, zeta_s = E_s, retarded or
/// advanced, so that a grid does with a number of points that hardly depends on the lifetime
/// (docs/zone-integrals.md). Which pairs it serves is for ``ContourSurvey`` to say.
final class ContourTable: ZoneTable {
  let divisions: Int
  let squares: [Double]
  private let norm: Double
  private let slotCount: Int

  /// Stars of one band in blocks, as in zone_sums.h.
  private struct Stars: Sendable {
    var blocks = 0
    /// E_s, E_s - E_o and weights, [block][re, im][star].
    var energy: [Double] = []
    var difference: [Double] = []
    var weight: [Double] = []
    /// [block][slot][re, im][star].
    var slots: [Double] = []
  }
  /// In as many pieces as they were made in, which saves copying them: [piece][band].
  private let pieces: [[Stars]]

  var bytes: Int {
    pieces.joined().reduce(0) { $0 + 8 * ($1.slots.count + 3 * $1.weight.count) }
  }

  private struct Part: Sendable {
    var buffer = StarBuffer()
    var bands = [Stars(), Stars()]
    var squares: [Double]
  }

  /// The table of `contours`, of the bonding and the antibonding band, with `divisions` points along each
  /// reciprocal vector; `stored` slots of `program`, then 1 and cos(theta) if there are any.
  init(
    _ contours: [BandContour], symmetries: [ReciprocalOperation], divisions: Int,
    _ program: TraceProgram, stored: [Int], threads: Int
  ) async throws {
    let model = contours[0].model
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    let slotCount = stored.isEmpty ? 0 : stored.count + 2
    let empty = Part(squares: Array(repeating: 0, count: slotCount))
    let parts = try await grid.accumulateFirst(threads: threads, empty) { part in
      ContourTable.flush(&part, contours, program, stored)
    } _: { part, f, size in
      part.buffer.add(f, size: size)
      if part.buffer.count == 512 { ContourTable.flush(&part, contours, program, stored) }
    }
    self.divisions = divisions
    self.slotCount = slotCount
    let norm = 1 / Double(grid.count)
    self.norm = norm
    pieces = parts.map(\.bands).filter { $0[0].blocks > 0 }
    squares = (0..<slotCount).map { slot in parts.reduce(0) { $0 + $1.squares[slot] } * norm }
  }

  /// Moves the stars of the buffer to the blocks.
  private static func flush(
    _ part: inout Part, _ contours: [BandContour], _ program: TraceProgram, _ stored: [Int]
  ) {
    if part.buffer.count == 0 { return }
    let size = StarTable.blockSize
    for (s, contour) in contours.enumerated() {
      let table = part.buffer.table(program, contour)
      let count = table.stars
      // E_s = T -+ Delta.
      let sign = -contour.band.sign
      part.bands[s].blocks += table.blocks
      part.bands[s].slots.reserveCapacity(
        part.bands[s].slots.count + 2 * table.stars * part.squares.count)
      for block in 0..<table.blocks {
        let halves = [0, count].map { ($0 + block * size)..<($0 + (block + 1) * size) }
        for half in halves {
          part.bands[s].energy += half.map { table.hopping[$0] + sign * table.gap[$0] }
          part.bands[s].difference += half.map { 2 * sign * table.gap[$0] }
          // The traces are sums over all operations.
          part.bands[s].weight += half.map { table.weights[$0] * Double(program.operationCount) }
        }
        if stored.isEmpty { continue }
        let start = part.bands[s].slots.count
        for slot in stored {
          let at = (block * program.slots.count + slot) * 3 * size
          part.bands[s].slots += table.slots[at..<(at + 2 * size)]
        }
        let weight = part.bands[s].weight.suffix(2 * size)
        let w = zip(weight.prefix(size), weight.suffix(size)).map { ComplexDouble($0, $1) }
        let cosines = zip(zip(halves[0], halves[1]), w).map {
          $1.multiplied(by: contour.model.exchange)
            / ComplexDouble(table.gap[$0.0], table.gap[$0.1])
        }
        for values in [w, cosines] {
          part.bands[s].slots += values.map(\.real) + values.map(\.imaginary)
        }
        for slot in part.squares.indices {
          let at = start + 2 * slot * size
          for n in 0..<size where w[n] != .zero {
            let (re, im) = (part.bands[s].slots[at + n], part.bands[s].slots[at + size + n])
            part.squares[slot] += (re * re + im * im) / w[n].length
          }
        }
      }
    }
    part.buffer = StarBuffer()
  }

  /// Visits the stars of a band, piece by piece.
  private func forEachPiece(_ s: Band, _ body: (inout ZoneBand) -> Void) {
    for piece in pieces {
      let stars = piece[s.rawValue]
      stars.energy.withUnsafeBufferPointer { energy in
        stars.difference.withUnsafeBufferPointer { difference in
          stars.weight.withUnsafeBufferPointer { weight in
            stars.slots.withUnsafeBufferPointer { slots in
              var band = ZoneBand(
                energy: energy.baseAddress, difference: difference.baseAddress,
                weight: weight.baseAddress, slots: slots.baseAddress, blocks: stars.blocks,
                slot_count: Int32(slotCount))
              body(&band)
            }
          }
        }
      }
    }
  }

  func moments(_ x: DressedEnergy) -> [ComplexDouble] {
    Band.allCases.flatMap { s in
      var sums = [ComplexDouble](repeating: .zero, count: 3)
      var own = [ZoneComplex](repeating: ZoneComplex(re: 0, im: 0), count: 3)
      forEachPiece(s) {
        zone_band_moments(&$0, x[s].zone, &own)
        for m in 0..<3 { sums[m] += ComplexDouble(own[m].re, own[m].im) }
      }
      return sums.map { $0.multiplied(by: norm) }
    }
  }

  func stability(_ gamma: Double, _ x: DressedEnergy) -> Double {
    // |g|^2 = -Im g/Im zeta, and g^2 where both vanish.
    let m = moments(x)
    return gamma
      * Band.allCases.map { s in
        x[s].imaginary > 1e-7 * x[s].length
          ? -m[3 * s.rawValue].imaginary / x[s].imaginary : abs(m[3 * s.rawValue + 1].real)
      }.max()!
  }

  func sums(
    _ products: PropagatorProducts, _ pairs: [(DressedEnergy, DressedEnergy)], withSquares: Bool
  ) -> [(values: [ComplexDouble], squares: [Double]?)] {
    let count = products.numbers.count
    let planCount = products.plan.count
    var totals = [ComplexDouble](repeating: .zero, count: pairs.count * planCount)
    var norms = [Double](repeating: 0, count: pairs.count * count)
    for s in Band.allCases {
      let o: Band = s == .bonding ? .antibonding : .bonding
      let zonePairs = pairs.map { x, y in
        ZoneBandPair(own1: x[s].zone, other1: x[o].zone, own2: y[s].zone, other2: y[o].zone)
      }
      let (retarded, advanced) = products.terms[s.rawValue]
      let own = products.plan.indices.filter {
        let product = products.plan[$0].product
        return retarded[product] >= 0 || advanced[product] >= 0
      }
      let plan = own.flatMap { [Int32(products.plan[$0].slot), Int32(products.plan[$0].product)] }
      var values = [ZoneComplex](
        repeating: ZoneComplex(re: 0, im: 0), count: pairs.count * own.count)
      var squares = [Double](repeating: 0, count: norms.count)
      forEachPiece(s) { stars in
        squares.withUnsafeMutableBufferPointer { squares in
          zone_band_sums(
            &stars, zonePairs, Int32(pairs.count), retarded, advanced, Int32(count), plan,
            Int32(own.count), &values, withSquares ? squares.baseAddress : nil)
        }
        for n in pairs.indices {
          for (position, entry) in own.enumerated() {
            let value = values[n * own.count + position]
            totals[n * planCount + entry] += ComplexDouble(value.re, value.im)
          }
        }
        if withSquares { for n in norms.indices { norms[n] += squares[n] } }
      }
    }
    return pairs.indices.map { n in
      (
        totals[(n * planCount)..<((n + 1) * planCount)].map { $0.multiplied(by: norm) },
        withSquares ? norms[(n * count)..<((n + 1) * count)].map { $0 * norm } : nil
      )
    }
  }
}
