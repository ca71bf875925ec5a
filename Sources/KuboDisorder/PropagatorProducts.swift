// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops

/// Products of propagators at two energies, g+ at the first and g at the second one, and which slots of
/// a ``ZoneTable`` are multiplied with them.
package struct PropagatorProducts: Sendable {
  /// The slot and the product of each sum.
  package let plan: [(slot: Int, product: Int)]
  /// Each product made from two before it; 0 and 1 are the first and the second propagator at z_1, 2 and 3
  /// those at z_2, `site` has 0 and 2 alone.
  package let left, right: [Int32]
  /// The number of each of the products asked for.
  package let numbers: [Int]
  /// For the contours of both bands: which of the terms of `zone_band_sums` each product has, or -1;
  /// empty if one has others.
  package let terms: [(retarded: [Int32], advanced: [Int32])]

  /// `products` are lists of propagators, ascending; `plan` tells which slot is multiplied with which
  /// of them.
  init(_ impurities: Impurities, _ products: [[Int]], plan: [(slot: Int, product: Int)]) {
    self.plan = plan
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
    let all = [0, 1].map { s in
      [true, false].map { isRetarded in
        products.map { factors in
          let own = factors.filter { ($0 < 2) == isRetarded }.map { $0 % 2 }
          let others = factors.filter { ($0 < 2) != isRetarded }.map { $0 % 2 }
          return impurities == .scba
            ? PropagatorProducts.term(of: s, own, others)
            : PropagatorProducts.term(own.count, others.count)
        }
      }
    }
    let isComplete = all.allSatisfy { $0.allSatisfy { $0.allSatisfy { $0 != nil } } }
    terms = isComplete ? all.map { ($0[0].map { $0! }, $0[1].map { $0! }) } : []
  }

  /// The sums of the plan for each pair of energies, and of the squared moduli of the products if wanted, times `norm`: `add` is given
  /// what the C loops take, and gives those of each of `pieces`.
  func sums<Piece>(
    over pieces: [Piece], _ pairs: [(DressedState, DressedState)], withSquares: Bool, norm: Double,
    _ add: (
      Piece, _ pairs: [ZonePair], _ plan: [Int32], _ values: UnsafeMutablePointer<ZoneComplex>,
      _ norms: UnsafeMutablePointer<Double>?
    ) -> Void
  ) -> [(values: [ComplexDouble], squares: [Double]?)] {
    let count = left.count
    let zonePlan = plan.flatMap { [Int32($0.slot), Int32(numbers[$0.product])] }
    let zonePairs = pairs.map {
      ZonePair(
        first1: $0.0.numbers.0.zone, second1: $0.0.numbers.1.zone, first2: $0.1.numbers.0.zone,
        second2: $0.1.numbers.1.zone)
    }
    var totals = [ComplexDouble](repeating: .zero, count: pairs.count * plan.count)
    var values = [ZoneComplex](repeating: ZoneComplex(re: 0, im: 0), count: totals.count)
    var norms = [Double](repeating: 0, count: withSquares ? pairs.count * count : 0)
    var own = norms
    for piece in pieces {
      own.withUnsafeMutableBufferPointer {
        add(piece, zonePairs, zonePlan, &values, withSquares ? $0.baseAddress : nil)
      }
      for n in totals.indices { totals[n] += ComplexDouble(values[n].re, values[n].im) }
      for n in norms.indices { norms[n] += own[n] }
    }
    return pairs.indices.map { n in
      (
        totals[(n * plan.count)..<((n + 1) * plan.count)].map { $0.multiplied(by: norm) },
        withSquares ? numbers.map { norms[n * count + $0 - 4] * norm } : nil
      )
    }
  }

  /// The number in zone_sums.h of the term of band `s` in the product of g of the bands `own`, at the
  /// energy whose poles count, and `others`; -1 if it has none.
  private static func term(of s: Int, _ own: [Int], _ others: [Int]) -> Int32? {
    let (ownCount, otherCount) = (own.filter { $0 == s }.count, others.filter { $0 == s }.count)
    switch (own.count, ownCount, others.count, otherCount) {
    case (1, 0, 1...2, _), (2, 0, 1, _): return -1
    case (1, _, 1, let c): return c == 1 ? 0 : 1
    case (2, 2, 1, let c): return c == 1 ? 2 : 3
    case (2, 1, 1, let c): return c == 1 ? 4 : 5
    case (1, _, 2, let c): return [8, 7, 6][c]
    default: return nil
    }
  }

  /// The same for `site`, in 1/(D^own D'^others).
  private static func term(_ own: Int, _ others: Int) -> Int32? {
    switch (own, others) {
    case (0, _): -1
    case (1, 1): 0
    case (1, 2): 1
    case (2, 1): 2
    case (2, 0): 3
    default: nil
    }
  }
}
