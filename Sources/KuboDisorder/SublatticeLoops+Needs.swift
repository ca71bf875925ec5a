// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops

extension SublatticeLoops {
  /// Which loops the outputs are made of, and the ladders at their vertices.
  struct Needs: Sendable {
    /// A diagram and the vertices that a ladder dresses.
    struct Term: Sendable {
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
    struct Ladder: Sendable {
      var q: [[Int]]
      var v: [Int]
      let isFlipped: Bool
    }

    private(set) var outputs: [[Term]]
    private(set) var ladders: [Ladder] = []
    private(set) var loops: [Loop] = []
    /// By their names.
    let operators: [String: VertexOperator]

    /// All that the assembly may ask for.
    init(_ outputs: [LoopOutput]) {
      var names: [String: VertexOperator] = [:]
      self.outputs = outputs.map { output in
        output.diagrams.map { diagram in
          let operators = diagram.vertices.map {
            $0.vertexOperator ?? output.response.measured.vertex
          }
          for o in operators { names[o.name] = o }
          return Term(
            factor: Double(diagram.sign) * diagram.prefactor, operators: operators,
            plus: diagram.propagators.filter { $0 == .innerPlusExternal }.count,
            dressed: output.isDressed
              ? (operators.count == 2 ? [0] : Array(operators.indices)) : [],
            phase: (
              LoopWeights.phase(operators, output.response.spin, .up),
              LoopWeights.phase(operators, output.response.spin, .down)
            ))
        }
      }
      operators = names
      var index: [Loop: Int] = [:]
      var ladderIndex: [String: Int] = [:]
      for o in self.outputs.indices {
        for t in self.outputs[o].indices { add(o, t, &index, &ladderIndex) }
      }
    }

    /// Adds the loops and ladders of a term.
    private mutating func add(
      _ o: Int, _ t: Int, _ index: inout [Loop: Int], _ ladderIndex: inout [String: Int]
    ) {
      func need(_ loop: Loop, _ loops: inout [Loop], _ index: inout [Loop: Int]) -> Int {
        if index[loop] == nil {
          index[loop] = loops.count
          loops.append(loop)
        }
        return index[loop]!
      }
      let term = outputs[o][t]
      var own: [Int?] = []
      for m in term.operators.indices {
        guard term.dressed.contains(m) else {
          own.append(nil)
          continue
        }
        let (key, isFlipped) = Needs.surroundings(term, m)
        if ladderIndex[key] == nil {
          let sources = (0..<2).map { a in
            Needs.sources(term, m, a).map { need($0, &loops, &index) }
          }
          ladderIndex[key] = ladders.count
          ladders.append(
            Ladder(
              q: sources.map { Array($0[..<2]) }, v: sources.map { $0[2] }, isFlipped: isFlipped))
        }
        own.append(ladderIndex[key]!)
      }
      for choice in Needs.choices(term) {
        let loop = need(Loop(corners: choice.map(\.corner), plus: term.plus), &loops, &index)
        let added = choice.indices.compactMap { m in
          choice[m].added.map { (ladder: own[m]!, index: $0) }
        }
        outputs[o][t].choices.append((loop, added))
      }
    }

    /// Leaves out all loops but those of `nonzero`, and ladders that add nothing; tells the new numbers of the old ones.
    mutating func keep(_ nonzero: Set<Int>) -> [Int: Int] {
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
      return new
    }

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
  }
}
