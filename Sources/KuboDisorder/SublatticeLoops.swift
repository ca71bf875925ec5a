// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import RealModule

/// Loops with impurities on both sublattices, bare and with every vertex dressed.
///
/// With zeta = z - Sigma_0 and j = J - Sigma_3 the propagator is a polynomial over a denominator
/// that knows no spin,
///
///     G^u(z) = (zeta - u j rho_3 - h_k)/D,   h = T + Re eta rho_1 + Im eta rho_2,
///     D = (zeta - T)^2 - |eta|^2 - j^2,
///
/// so that the trace of a loop is a polynomial in zeta_1, j_1, zeta_2, j_2 whose coefficients belong
/// to k: the zone sum of coefficient/(D_1^p D_2^q) is done first, for all propagator spins at once
/// (the loop that starts with spin down is the one with spin up at -j).
///
/// A dressed vertex is V + gamma sum_X P_X avg[G_left V_dressed G_right] P_X with P_X on the sites
/// X = A, B. In the basis 1, rho_3 of what the sum adds:
///
///     V_dressed = V + sum_A delta_A A,    delta = (1 - Q)^(-1) v,   A, B in {1, rho_3}
///     Q_AB = (gamma/2) avg tr[A G_left B G_right],   v_A = (gamma/2) avg tr[A G_left V G_right]
///
/// Source: docs/ladder.md. In a loop of three vertices all three are dressed; in a loop of
/// two, one, since its ladder is the other's.
package final class SublatticeLoops: Sendable {
  private let gamma: Double
  private let rungs: Rungs
  private let outputCount: Int
  private let ladders: [Needs.Ladder]
  private let tracer: Tracer
  /// The candidates in the slots of the table: those that do not vanish, and of multiples of one
  /// another the first.
  private let stored: [Int]
  private let products: PropagatorProducts
  /// For each loop its coefficients: the sum of the plan and the factor, the slot and the product for
  /// the scale, and the monomial.
  private struct Coefficient: Sendable {
    let sum: Int
    let factor: Double
    let slot, product: Int
    let monomial: Monomial
  }
  private let coefficients: [[Coefficient]]
  /// What an output adds up, flat: a loop, its phases for either spin at the start, and which additions multiply it: the first or
  /// the second of a ladder, as twice the ladder's number, plus 1.
  private struct Summand: Sendable {
    let output, loop: Int
    let up, down: ComplexDouble
    let factor: Double
    let added: Range<Int>
  }
  private let summands: [Summand]
  private let added: [Int]

  package init(
    _ model: Model, directions: Directions, gamma: Double, outputs: [LoopOutput],
    rungs: Rungs = .all
  ) {
    self.gamma = gamma
    self.rungs = rungs
    var needs = Needs(outputs)
    // Most loops vanish by symmetry.
    let all = Tracer(needs.loops, operators: needs.operators)
    let candidates = activeSlots(model, directions: directions, count: all.count) {
      all.add($0, $1, to: $2, magnitudes: $3)
    }
    let new = needs.keep(Set(candidates.map { all.loop(of: $0.slot) }))
    let loops = needs.loops
    outputCount = needs.outputs.count
    ladders = needs.ladders
    var summands: [Summand] = []
    var added: [Int] = []
    for (o, terms) in needs.outputs.enumerated() {
      for term in terms {
        for choice in term.choices {
          let start = added.count
          added += choice.added.map { 2 * $0.ladder + $0.index }
          summands.append(
            Summand(
              output: o, loop: choice.loop, up: term.phase.up, down: term.phase.down,
              factor: term.factor / model.cellVolume, added: start..<added.count))
        }
      }
    }
    (self.summands, self.added) = (summands, added)
    let tracer = Tracer(loops, operators: needs.operators)
    self.tracer = tracer
    // p, q of each D_1^-p D_2^-q.
    var products: [(p: Int, q: Int)] = []
    var plan: [(slot: Int, product: Int)] = []
    var storage: [Int: (slot: Int, factor: Double)] = [:]
    var stored: [Int] = []
    var coefficients = [[Coefficient]](repeating: [], count: loops.count)
    for (old, first, factor) in candidates {
      guard let loop = new[all.loop(of: old)] else { continue }
      let offset = old - all.start[all.loop(of: old)]
      if storage[first] == nil {
        storage[first] = (stored.count, factor)
        stored.append(tracer.start[loop] + offset)
      }
      let own = storage[first]!
      let powers = (p: loops[loop].plus, q: loops[loop].corners.count - loops[loop].plus)
      let product = products.firstIndex { $0 == powers } ?? products.count
      if product == products.count { products.append(powers) }
      let entry = (slot: own.slot, product: product)
      let sum = plan.firstIndex { $0 == entry } ?? plan.count
      if sum == plan.count { plan.append(entry) }
      coefficients[loop].append(
        Coefficient(
          sum: sum, factor: factor / own.factor, slot: own.slot, product: product,
          monomial: tracer.monomials[loop][offset]))
    }
    self.stored = stored
    self.coefficients = coefficients
    self.products = PropagatorProducts(
      .site, products.map { Array(repeating: 0, count: $0.p) + Array(repeating: 2, count: $0.q) },
      plan: plan)
  }

  /// Whether each product has its partial fractions for the contours of both bands.
  var haveContours: Bool { !products.terms.isEmpty }

  /// What fills the slots.
  package func traces(_ model: Model, _ directions: Directions) -> StarTraces {
    let slot = Dictionary(uniqueKeysWithValues: stored.enumerated().map { ($1, $0) })
    return tracer.program(model, directions, slots: slot, slotCount: stored.count) ?? scalarTraces
  }

  /// The same point by point.
  package var scalarTraces: StarTraces {
    .frames(slotCount: stored.count) { [tracer, stored] frame, weight, target in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: tracer.count) { values in
        for n in 0..<tracer.count { values[n] = 0 }
        tracer.add(frame, weight, to: values.baseAddress!, magnitudes: nil)
        for n in stored.indices { target[n] += values[stored[n]] }
      }
    }
  }

  // MARK: Values

  func values(
    _ table: any ZoneTable, _ pairs: [(DressedState, DressedState)], withScales: Bool
  ) -> [PairValue] {
    zip(pairs, table.sums(products, pairs, withSquares: withScales)).map { pair, sums in
      assembled(table, pair.0, pair.1, sums.values, sums.squares)
    }
  }

  private func assembled(
    _ table: any ZoneTable, _ x1: DressedState, _ x2: DressedState, _ moments: [ComplexDouble],
    _ norms: [Double]?
  ) -> PairValue {
    let state = Moments(values: moments, table: table, x1: x1, x2: x2)
    let sizes = norms.map { norms in coefficients.indices.map { size(of: $0, state, norms) } }
    // The loops for spin up and down at the start, with i for the imaginary unit.
    let values = Spin.allCases.map { start in
      coefficients.indices.map { value(of: $0, state, start: start) }
    }
    var scales = [Double](repeating: 0, count: outputCount)
    func assembled(_ i: ComplexDouble) -> [ComplexDouble] {
      var totals = [ComplexDouble](repeating: .zero, count: outputCount)
      let loops = values.map { own in
        own.indices.map { tracer.isImaginary[$0] ? i * own[$0] : own[$0] }
      }
      for start in Spin.allCases {
        let (own, flipped) = (loops[start.rawValue], loops[start.flipped.rawValue])
        var deltas: [ComplexDouble] = []
        for ladder in ladders { deltas += additions(ladder, own, flipped, deltas) }
        for summand in summands {
          let phase = start == .up ? summand.up : summand.down
          // The phase is real or imaginary; i stands for the imaginary unit in it too.
          let turned = ComplexDouble(phase.real) + i.multiplied(by: phase.imaginary)
          var factor = turned.multiplied(by: summand.factor)
          for a in summand.added { factor *= deltas[added[a]] }
          totals[summand.output] += factor * own[summand.loop]
          if let sizes { scales[summand.output] += factor.length * sizes[summand.loop] / 2 }
        }
      }
      return totals
    }
    // Both visits add half of the scales.
    return PairValue(
      direct: assembled(.i), reflected: assembled(-.i), scales: norms == nil ? nil : scales)
  }

  /// The zone sums at one pair of energies.
  private struct Moments {
    let values: [ComplexDouble]
    let table: any ZoneTable
    let x1, x2: DressedState

    /// j with the sign of the spin at the start.
    func coefficient(_ m: Monomial, start: Spin) -> ComplexDouble {
      var product = ComplexDouble.one
      for _ in 0..<m.a1 { product *= x1.numbers.0 }
      for _ in 0..<m.b1 { product *= x1.numbers.1.multiplied(by: start.sign) }
      for _ in 0..<m.a2 { product *= x2.numbers.0 }
      for _ in 0..<m.b2 { product *= x2.numbers.1.multiplied(by: start.sign) }
      return product
    }
  }

  /// avg of the loop's trace; for parity -1, without the factor i.
  private func value(of loop: Int, _ s: Moments, start: Spin) -> ComplexDouble {
    coefficients[loop].reduce(.zero) {
      $0 + (s.values[$1.sum] * s.coefficient($1.monomial, start: start)).multiplied(by: $1.factor)
    }
  }

  /// A bound on the sum of the moduli of the loop's contributions.
  private func size(of loop: Int, _ s: Moments, _ norms: [Double]) -> Double {
    coefficients[loop].reduce(0) { total, entry in
      total + abs(entry.factor) * s.coefficient(entry.monomial, start: .up).length
        * (s.table.squares[entry.slot] * norms[entry.product]).squareRoot()
    }
  }

  /// delta_1, delta_rho3 of a ladder, for the term's loops that start with a spin, among its `own` loops and those that start with
  /// the other; `deltas` are those of the ladders before it.
  private func additions(
    _ ladder: Needs.Ladder, _ own: [ComplexDouble], _ flipped: [ComplexDouble],
    _ deltas: [ComplexDouble]
  ) -> [ComplexDouble] {
    // It vanishes, and so does what has it as a factor.
    if ladder.q.isEmpty { return [.infinity, .infinity] }
    let inside = ladder.isFlipped ? flipped : own
    let vertex = ladder.isVertexFlipped ? flipped : own
    func q(_ a: Int, _ b: Int) -> ComplexDouble { inside[ladder.q[a][b]].multiplied(by: gamma / 2) }
    var v = (
      vertex[ladder.v[0]].multiplied(by: gamma / 2), vertex[ladder.v[1]].multiplied(by: gamma / 2)
    )
    if let inner = ladder.inner, !ladders[inner.ladder].q.isEmpty {
      for b in 0..<2 {
        let delta = deltas[2 * inner.ladder + b]
        v.0 += (delta * vertex[inner.v[0][b]]).multiplied(by: gamma / 2)
        v.1 += (delta * vertex[inner.v[1][b]]).multiplied(by: gamma / 2)
      }
    }
    let (q00, q01, q10, q11) = (q(0, 0), q(0, 1), q(1, 0), q(1, 1))
    switch rungs {
    case .all:
      let det = (1 - q00) * (1 - q11) - q01 * q10
      return [((1 - q11) * v.0 + q01 * v.1) / det, ((1 - q00) * v.1 + q10 * v.0) / det]
    case .upTo(let n):
      var sum = (ComplexDouble.zero, ComplexDouble.zero)
      for _ in 0..<n {
        sum = (v.0 + q00 * sum.0 + q01 * sum.1, v.1 + q10 * sum.0 + q11 * sum.1)
      }
      return [sum.0, sum.1]
    }
  }
}
