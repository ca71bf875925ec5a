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
package struct SublatticeLoops: Sendable {
  /// A diagram and the vertices that a ladder dresses.
  private struct Term: Sendable {
    let factor: Double
    let operators: [VertexOperator]
    let plus: Int
    let dressed: [Int]
    let phase: (up: ComplexDouble, down: ComplexDouble)
    /// The loops with each choice of corners that do not vanish, and which addition of which
    /// ladder multiplies each.
    var choices: [(loop: Int, added: [(ladder: Int, index: Int)])] = []
  }

  /// A dressed vertex: the loops of Q_AB and v_A, and whether they start with the other spin.
  private struct Ladder: Sendable {
    var q: [[Int]]
    var v: [Int]
    let isFlipped: Bool
  }

  private let gamma: Double
  private let rungs: Rungs
  private let volume: Double
  private let outputs: [[Term]]
  private let ladders: [Ladder]
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

  package init(
    _ model: Model, directions: Directions, gamma: Double, outputs: [LoopOutput],
    rungs: Rungs = .all
  ) {
    self.gamma = gamma
    self.rungs = rungs
    volume = model.cellVolume
    var names: [String: VertexOperator] = [:]
    var outputs = outputs.map { output in
      output.diagrams.map { diagram in
        let operators = diagram.vertices.map {
          $0.vertexOperator ?? output.response.measured.vertex
        }
        for o in operators { names[o.name] = o }
        return Term(
          factor: Double(diagram.sign) * diagram.prefactor, operators: operators,
          plus: diagram.propagators.filter { $0 == .innerPlusExternal }.count,
          dressed: output.isDressed ? (operators.count == 2 ? [0] : Array(operators.indices)) : [],
          phase: (
            LoopWeights.phase(operators, output.response.spin, .up),
            LoopWeights.phase(operators, output.response.spin, .down)
          ))
      }
    }
    // All the loops that the assembly will ask for.
    var loops: [Loop] = []
    var index: [Loop: Int] = [:]
    func need(_ loop: Loop) -> Int {
      if index[loop] == nil {
        index[loop] = loops.count
        loops.append(loop)
      }
      return index[loop]!
    }
    var ladders: [Ladder] = []
    var ladderIndex: [String: Int] = [:]
    for o in outputs.indices {
      for t in outputs[o].indices {
        let term = outputs[o][t]
        let own = term.operators.indices.map { m -> Int? in
          guard term.dressed.contains(m) else { return nil }
          let (key, isFlipped) = SublatticeLoops.surroundings(term, m)
          if let known = ladderIndex[key] { return known }
          let sources = (0..<2).map { a in SublatticeLoops.sources(term, m, a).map(need) }
          ladderIndex[key] = ladders.count
          ladders.append(
            Ladder(
              q: sources.map { Array($0[..<2]) }, v: sources.map { $0[2] }, isFlipped: isFlipped))
          return ladders.count - 1
        }
        for choice in SublatticeLoops.choices(term) {
          let loop = need(Loop(corners: choice.map(\.corner), plus: term.plus))
          let added = choice.indices.compactMap { m in
            choice[m].added.map { (ladder: own[m]!, index: $0) }
          }
          outputs[o][t].choices.append((loop, added))
        }
      }
    }
    // Most of them vanish by symmetry: leave those out, and ladders that add nothing.
    let all = Tracer(loops, operators: names)
    let candidates = activeSlots(model, directions: directions, count: all.count) {
      all.add($0, $1, to: $2, magnitudes: $3)
    }
    let nonzero = Set(candidates.map { all.loop(of: $0.slot) })
    for n in ladders.indices where nonzero.isDisjoint(with: ladders[n].v) { ladders[n].q = [] }
    var kept: Set<Int> = []
    for o in outputs.indices {
      for t in outputs[o].indices {
        outputs[o][t].choices.removeAll { choice in
          !nonzero.contains(choice.loop) || choice.added.contains { ladders[$0.ladder].q.isEmpty }
        }
        kept.formUnion(outputs[o][t].choices.map(\.loop))
      }
    }
    for ladder in ladders where !ladder.q.isEmpty {
      kept.formUnion(ladder.q.flatMap { $0 } + ladder.v)
    }
    let order = kept.sorted()
    let new = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    loops = order.map { loops[$0] }
    for o in outputs.indices {
      for t in outputs[o].indices {
        for c in outputs[o][t].choices.indices {
          outputs[o][t].choices[c].loop = new[outputs[o][t].choices[c].loop]!
        }
      }
    }
    for n in ladders.indices where !ladders[n].q.isEmpty {
      ladders[n].q = ladders[n].q.map { $0.map { new[$0]! } }
      ladders[n].v = ladders[n].v.map { new[$0]! }
    }
    self.outputs = outputs
    self.ladders = ladders
    let tracer = Tracer(loops, operators: names)
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

  /// What fills the slots.
  package func traces(_ model: Model, _ directions: Directions) -> StarTraces {
    let slot = Dictionary(uniqueKeysWithValues: stored.enumerated().map { ($1, $0) })
    return tracer.program(model, directions, slots: slot, slotCount: stored.count) ?? scalarTraces
  }

  /// The same point by point.
  package var scalarTraces: StarTraces {
    .frames(slotCount: stored.count) { frame, weight, target in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: tracer.count) { values in
        for n in 0..<tracer.count { values[n] = 0 }
        tracer.add(frame, weight, to: values.baseAddress!, magnitudes: nil)
        for n in stored.indices { target[n] += values[stored[n]] }
      }
    }
  }

  // MARK: Which loops

  /// Every corner as it is and, where a ladder dresses it, as 1 or rho_3 as well; `added` is the
  /// index of the addition, or nil.
  private static func choices(_ term: Term) -> [[(corner: Corner, added: Int?)]] {
    var list: [[(corner: Corner, added: Int?)]] = [[]]
    for (m, o) in term.operators.enumerated() {
      var options: [(corner: Corner, added: Int?)] = [(.bare(o.name), nil)]
      if term.dressed.contains(m) {
        for a in 0..<2 { options.append((.added(a, flips: o.pauli != .unit), a)) }
      }
      list = list.flatMap { start in options.map { start + [$0] } }
    }
    return list
  }

  /// tr[A G_left B G_right] for B = 1, rho_3 and V, as loops.
  private static func sources(_ term: Term, _ m: Int, _ a: Int) -> [Loop] {
    let flips = term.operators[m].pauli != .unit
    let inserted: [Corner] = [
      .one(flips: flips), .rho3(flips: flips), .bare(term.operators[m].name),
    ]
    let (left, right) = neighbours(term, m)
    return inserted.map { b in
      let added = Corner.added(a, flips: flips)
      // The propagator at z1 comes first: tr[A G(1) B G(2)] or tr[B G(1) A G(2)].
      return !left && right
        ? Loop(corners: [b, added], plus: 1)
        : Loop(corners: [added, b], plus: (left ? 1 : 0) + (right ? 1 : 0))
    }
  }

  /// Whether the propagators left and right of vertex `m` are at z1.
  private static func neighbours(_ term: Term, _ m: Int) -> (left: Bool, right: Bool) {
    let n = term.operators.count
    return ((m + n - 1) % n < term.plus, m < term.plus)
  }

  /// What tells the ladder of vertex `m` from others, and whether its loops start with the spin
  /// opposite to the term's.
  private static func surroundings(_ term: Term, _ m: Int) -> (key: String, isFlipped: Bool) {
    // The spin right of each vertex, as in the trace: V_1 stands right of the last propagator.
    var spin = Spin.up
    let spins = term.operators.map { o -> Spin in
      if o.pauli != .unit { spin = spin.flipped }
      return spin
    }
    let left = spins[(m + spins.count - 1) % spins.count]
    let right = spins[m]
    let (isLeftPlus, isRightPlus) = neighbours(term, m)
    // In tr[B G(1) A G(2)] the spin left of the first vertex is that of G(2), the left one.
    let start = !isLeftPlus && isRightPlus ? left : right
    return (
      "\(term.operators[m].name) \(left) \(right) \(isLeftPlus) \(isRightPlus)", start == .down
    )
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
    var scales = [Double](repeating: 0, count: outputs.count)
    func assembled(_ i: ComplexDouble) -> [ComplexDouble] {
      var totals = [ComplexDouble](repeating: .zero, count: outputs.count)
      func loop(_ n: Int, _ start: Spin) -> ComplexDouble {
        tracer.isImaginary[n] ? i * values[start.rawValue][n] : values[start.rawValue][n]
      }
      for start in Spin.allCases {
        let deltas = ladders.map { ladder in
          ladder.q.isEmpty
            ? [] : additions(ladder, start: ladder.isFlipped ? start.flipped : start, loop)
        }
        for (o, terms) in outputs.enumerated() {
          for term in terms {
            let phase = start == .up ? term.phase.up : term.phase.down
            // The phase is real or imaginary; i stands for the imaginary unit in it too.
            let turned = ComplexDouble(phase.real) + i.multiplied(by: phase.imaginary)
            for choice in term.choices {
              var factor = turned.multiplied(by: term.factor / volume)
              for a in choice.added { factor *= deltas[a.ladder][a.index] }
              totals[o] += factor * loop(choice.loop, start)
              if let sizes { scales[o] += factor.length * sizes[choice.loop] / 2 }
            }
          }
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

  /// delta_1, delta_rho3 of a ladder.
  private func additions(
    _ ladder: Ladder, start: Spin, _ loop: (Int, Spin) -> ComplexDouble
  ) -> [ComplexDouble] {
    let q = ladder.q.map { row in row.map { loop($0, start).multiplied(by: gamma / 2) } }
    let v = ladder.v.map { loop($0, start).multiplied(by: gamma / 2) }
    switch rungs {
    case .all:
      let det = (1 - q[0][0]) * (1 - q[1][1]) - q[0][1] * q[1][0]
      return [
        ((1 - q[1][1]) * v[0] + q[0][1] * v[1]) / det,
        ((1 - q[0][0]) * v[1] + q[1][0] * v[0]) / det,
      ]
    case .upTo(let n):
      var sum = [ComplexDouble.zero, .zero]
      for _ in 0..<n {
        sum = (0..<2).map { v[$0] + q[$0][0] * sum[0] + q[$0][1] * sum[1] }
      }
      return sum
    }
  }
}
