// SPDX-License-Identifier: GPL-3.0-or-later

/// One periodic grid as a table of its stars: energies, weights, and the traces summed over each
/// star, ready to be multiplied with propagators at any complex energies.
///
/// A zone average at (z1, z2) is a sum over the table. With a self-energy that solves its equation
/// on the same grid, the table is a crystal of its own, with all exact statements that do not
/// need the continuum; what it lacks is found by comparing two grids.
final class StarTable: Sendable {
  /// Lanes of stars per block; the slots of a block fit the processor's cache.
  static let blockSize = 16

  /// Points along each reciprocal vector.
  let divisions: Int
  /// Blocks of ``blockSize`` times four stars; the last one is filled up with stars of weight 0.
  let blocks: Int
  /// Shares of the zone, which add up to 1, T_k and |eta_k|^2.
  let weight, hopping, gap: [Lanes]
  /// Traces summed over the star, times 1/N^d: [block][slot][lane].
  let slots: [Lanes]
  let slotCount: Int
  /// sum over stars of slot^2/weight, by which Schwarz's inequality bounds a sum of moduli.
  let squares: [Double]

  private struct Part: Sendable {
    var weight: [Double] = []
    var hopping: [Double] = []
    var gap: [Double] = []
    var slots: [Double] = []
  }

  /// The table of `model` on `divisions` points along each reciprocal vector.
  ///
  /// `fill(frame, weight, isPaired, slots)` adds a point's traces times `weight` to the star's slots.
  init(
    _ model: Model, _ hamiltonian: BlochHamiltonian, symmetries: [ReciprocalOperation],
    divisions: Int, slotCount: Int, threads: Int,
    fill: @escaping @Sendable (
      _ frame: Frame, _ weight: Double, _ slots: UnsafeMutablePointer<Double>
    ) -> Void
  ) async throws {
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    let parts = try await grid.accumulate(threads: threads, Part()) { part, _, star in
      let start = part.slots.count
      part.slots.append(contentsOf: repeatElement(0, count: slotCount))
      var total = 0.0
      for (n, point) in star.enumerated() {
        let frame = hamiltonian.frame(at: point.k)
        if n == 0 {
          part.hopping.append(frame.hopping.real)
          part.gap.append((frame.eta * frame.etabar).real)
        }
        total += point.weight
        if slotCount > 0 {
          part.slots.withUnsafeMutableBufferPointer {
            fill(frame, point.weight, $0.baseAddress! + start)
          }
        }
      }
      part.weight.append(total)
    }
    let count = parts.reduce(0) { $0 + $1.weight.count }
    let norm = 1 / Double(grid.count)
    let perBlock = 4 * StarTable.blockSize
    blocks = (count + perBlock - 1) / perBlock
    self.divisions = divisions
    self.slotCount = slotCount
    var weight = [Lanes](repeating: .zero, count: blocks * StarTable.blockSize)
    var hopping = [Lanes](
      repeating: Lanes(repeating: parts[0].hopping[0]), count: blocks * StarTable.blockSize)
    var gap = [Lanes](
      repeating: Lanes(repeating: parts[0].gap[0]), count: blocks * StarTable.blockSize)
    var slots = [Lanes](repeating: .zero, count: blocks * StarTable.blockSize * slotCount)
    var squares = [Double](repeating: 0, count: slotCount)
    var star = 0
    for part in parts {
      for n in part.weight.indices {
        let (lanes, lane) = star.quotientAndRemainder(dividingBy: 4)
        let (block, position) = lanes.quotientAndRemainder(dividingBy: StarTable.blockSize)
        weight[lanes][lane] = part.weight[n] * norm
        hopping[lanes][lane] = part.hopping[n]
        gap[lanes][lane] = part.gap[n]
        for s in 0..<slotCount {
          let value = part.slots[n * slotCount + s] * norm
          slots[(block * slotCount + s) * StarTable.blockSize + position][lane] = value
          squares[s] += value * value / (part.weight[n] * norm)
        }
        star += 1
      }
    }
    self.weight = weight
    self.hopping = hopping
    self.gap = gap
    self.slots = slots
    self.squares = squares
  }

  /// Calls `body` for each group of four stars.
  @inline(__always)
  func forEach(_ body: (_ weight: Lanes, _ hopping: Lanes, _ gap: Lanes) -> Void) {
    weight.withUnsafeBufferPointer { w in
      hopping.withUnsafeBufferPointer { t in
        gap.withUnsafeBufferPointer { g in
          for n in 0..<w.count { body(w[n], t[n], g[n]) }
        }
      }
    }
  }

  /// The sums over all stars of slot times product, for `plan`, a list of (slot, product), where
  /// `products(block lanes, into)` computes the products of a block, [product][lane].
  ///
  /// Also the sums of weight * |product|^2.
  func sums(
    of plan: [Int], productCount: Int,
    products: (
      _ hopping: UnsafePointer<Lanes>, _ gap: UnsafePointer<Lanes>,
      _ into: UnsafeMutablePointer<ComplexLanes>
    ) -> Void
  ) -> (values: [ComplexDouble], squares: [Double]) {
    let size = StarTable.blockSize
    var values = [ComplexDouble](repeating: .zero, count: slotCount)
    var squares = [Double](repeating: 0, count: productCount)
    withUnsafeTemporaryAllocation(of: ComplexLanes.self, capacity: productCount * size + slotCount)
    { scratch in
      withUnsafeTemporaryAllocation(of: Lanes.self, capacity: productCount) { norms in
        let buffer = scratch.baseAddress!
        let sums = buffer + productCount * size
        for s in 0..<slotCount { sums[s] = .zero }
        for p in 0..<productCount { norms[p] = .zero }
        weight.withUnsafeBufferPointer { w in
          hopping.withUnsafeBufferPointer { t in
            gap.withUnsafeBufferPointer { g in
              slots.withUnsafeBufferPointer { slots in
                plan.withUnsafeBufferPointer { plan in
                  for block in 0..<blocks {
                    let first = block * size
                    products(t.baseAddress! + first, g.baseAddress! + first, buffer)
                    for p in 0..<productCount {
                      var norm = norms[p]
                      let product = buffer + p * size
                      for n in 0..<size { norm += w[first + n] * product[n].square }
                      norms[p] = norm
                    }
                    var slot = slots.baseAddress! + block * slotCount * size
                    for s in 0..<slotCount {
                      let product = buffer + plan[s] * size
                      var sum = sums[s]
                      for n in 0..<size { sum.add(slot[n], product[n]) }
                      sums[s] = sum
                      slot += size
                    }
                  }
                }
              }
            }
          }
        }
        for s in 0..<slotCount { values[s] = sums[s].total }
        for p in 0..<productCount { squares[p] = norms[p].sum4 }
      }
    }
    return (values, squares)
  }
}
