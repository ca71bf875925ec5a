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
      /// The pairs of a dressed vertex that flips the spin and a gradient beside it, by the first of the two: the
      /// gradient of the ladder itself.
      let pairs: [Int]
      /// The loops with each choice of corners that do not vanish, and which addition of which
      /// ladder multiplies each.
      var choices: [(loop: Int, added: [(ladder: Int, index: Int)])] = []
    }

    /// A dressed vertex: the loops of Q_AB and v_A, and whether those of each start with the other spin.
    struct Ladder: Sendable {
      var q: [[Int]]
      var v: [Int]
      let isFlipped: Bool
      /// Of a vertex with a gradient beside it, whose v_A has the dressed vertex in it: its ladder, and for each A
      /// the loops with 1 and rho_3 in the vertex's place.
      var inner: (ladder: Int, v: [[Int]])?
      var isVertexFlipped = false
    }

    private(set) var outputs: [[Term]]
    private(set) var ladders: [Ladder] = []
    private(set) var loops: [Loop] = []
    /// By their keys.
    let operators: [String: VertexOperator]

    /// All that the assembly may ask for.
    init(_ outputs: [LoopOutput]) {
      var names: [String: VertexOperator] = [:]
      self.outputs = outputs.map { output in
        output.diagrams.map { diagram in
          let operators = diagram.vertices.map {
            $0.vertexOperator ?? output.response.measured.vertex
          }
          for o in operators { names[o.key] = o }
          let isDressed = output.isDressed && operators.count > 2
          let pairs = operators.indices.filter { m in
            let two = [operators[m], operators[(m + 1) % operators.count]]
            return isDressed && two.contains { $0.pauli != .unit }
              && two.contains { $0.isPerGradient && !$0.carriesElectricField }
          }
          return Term(
            factor: Double(diagram.sign) * diagram.prefactor, operators: operators,
            plus: diagram.propagators.filter { $0 == .innerPlusExternal }.count,
            // The gradient of a dressed vertex is that of its own and of its ladder.
            dressed: isDressed
              ? operators.indices.filter { !operators[$0].isPerGradient }
              : output.isDressed ? [0] : [],
            phase: (
              LoopWeights.phase(operators, output.response.spin, .up),
              LoopWeights.phase(operators, output.response.spin, .down)
            ), pairs: pairs)
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
      let term = outputs[o][t]
      var own: [Int: Int] = [:]
      for m in term.dressed { own[m] = ladder(Span(term, m, 1), nil, &index, &ladderIndex) }
      for choice in Needs.choices(term, replacing: nil) {
        append(choice, plus: term.plus, own, o, t, &index)
      }
      for first in term.pairs {
        let span = Span(term, first, 2)
        let vertex = span.vertices.first { !term.operators[$0].isPerGradient }!
        let both = ladder(span, own[vertex], &index, &ladderIndex)
        own[vertex] = both
        for choice in Needs.choices(term, replacing: span) {
          append(choice, plus: term.plus - (first < term.plus ? 1 : 0), own, o, t, &index)
        }
        own[vertex] = ladders[both].inner!.ladder
      }
    }

    private mutating func need(_ loop: Loop, _ index: inout [Loop: Int]) -> Int {
      if index[loop] == nil {
        index[loop] = loops.count
        loops.append(loop)
      }
      return index[loop]!
    }

    /// Adds a loop of a term with some corners in place of its vertices.
    private mutating func append(
      _ choice: [Choice], plus: Int, _ own: [Int: Int], _ o: Int, _ t: Int,
      _ index: inout [Loop: Int]
    ) {
      let loop = need(Loop(corners: choice.map(\.corner), plus: plus), &index)
      let added = choice.compactMap { c in c.added.map { (ladder: own[c.vertex]!, index: $0) } }
      outputs[o][t].choices.append((loop, added))
    }

    /// The number of the ladder around a vertex, or around one and a gradient beside it, with the ladder `inner` of
    /// the vertex alone.
    private mutating func ladder(
      _ span: Span, _ inner: Int?, _ index: inout [Loop: Int], _ ladderIndex: inout [String: Int]
    ) -> Int {
      if let known = ladderIndex[span.key] { return known }
      func loops(_ inside: [Corner]) -> [Int] {
        (0..<2).map { need(span.loop($0, inside), &index) }
      }
      let v = loops(span.corners(nil))
      if let inner {
        let own = ladders[inner]
        let parts = (0..<2).map { loops(span.corners($0)) }
        ladders.append(
          Ladder(
            q: own.q, v: v, isFlipped: own.isFlipped,
            inner: (inner, (0..<2).map { a in parts.map { $0[a] } }),
            isVertexFlipped: span.isFlipped))
      } else {
        let rungs = (0..<2).map { loops([.added($0, flips: span.flips)]) }
        ladders.append(
          Ladder(
            q: (0..<2).map { a in rungs.map { $0[a] } }, v: v, isFlipped: span.isFlipped,
            isVertexFlipped: span.isFlipped))
      }
      ladderIndex[span.key] = ladders.count - 1
      return ladders.count - 1
    }

    /// Leaves out all loops but those of `nonzero`, and ladders that add nothing; tells the new numbers of the old ones.
    mutating func keep(_ nonzero: Set<Int>) -> [Int: Int] {
      for n in ladders.indices where nonzero.isDisjoint(with: ladders[n].v) {
        let isFed = ladders[n].inner.map { inner in
          !ladders[inner.ladder].q.isEmpty && !nonzero.isDisjoint(with: inner.v.joined())
        }
        if isFed != true { ladders[n].q = [] }
      }
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
        kept.formUnion(ladder.q.flatMap { $0 } + ladder.v + (ladder.inner?.v ?? []).joined())
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
        if let inner = ladders[n].inner {
          ladders[n].inner = (inner.ladder, inner.v.map { $0.map { new[$0]! } })
        }
      }
      return new
    }

    typealias Choice = (vertex: Int, corner: Corner, added: Int?)

    /// Every corner as it is and, where a ladder dresses it, as 1 or rho_3 as well; `added` is the
    /// index of the addition, or nil. The vertices of `span` are replaced by what the ladder around both adds.
    private static func choices(_ term: Term, replacing span: Span?) -> [[Choice]] {
      var list: [[Choice]] = [[]]
      for (m, o) in term.operators.enumerated() {
        let isReplaced = span?.vertices.contains(m) == true
        if isReplaced && o.isPerGradient { continue }
        var options: [Choice] = isReplaced ? [] : [(m, .bare(o.key), nil)]
        if term.dressed.contains(m) {
          for a in 0..<2 { options.append((m, .added(a, flips: o.pauli != .unit), a)) }
        }
        list = list.flatMap { start in options.map { start + [$0] } }
      }
      return list
    }
  }

  /// Vertices of a term, one after another, with a ladder around them.
  struct Span {
    let term: Needs.Term
    let vertices: [Int]
    /// The propagator left of the vertices, those between them, and the one right of them.
    private let propagators: [Int]

    init(_ term: Needs.Term, _ first: Int, _ count: Int) {
      let n = term.operators.count
      self.term = term
      vertices = (0..<count).map { (first + $0) % n }
      propagators = [(first + n - 1) % n] + vertices
    }

    /// Whether the spins left and right of the vertices differ.
    var flips: Bool { vertices.filter { term.operators[$0].pauli != .unit }.count % 2 == 1 }

    /// The operators, or `added` in place of the one that is dressed by itself.
    func corners(_ added: Int?) -> [Corner] {
      vertices.map { m in
        let o = term.operators[m]
        return added.map { o.isPerGradient ? nil : .added($0, flips: o.pauli != .unit) }
          .flatMap { $0 } ?? .bare(o.key)
      }
    }

    /// tr[A G_left ... G_right] with `inside` between the two, and the propagators at z1 first. With one
    /// corner inside, the propagators between the vertices are left out.
    func loop(_ a: Int, _ inside: [Corner]) -> Loop {
      let corners = [Corner.added(a, flips: flips)] + inside
      let (order, plus) = order(inside.count)
      return Loop(corners: order.map { corners[$0] }, plus: plus)
    }

    /// Whether the loops of the span's own vertices start with the spin opposite to the term's.
    var isFlipped: Bool {
      let last = order(vertices.count).order.last!
      return spin(propagators[last]) == .down
    }

    /// What tells the ladder from others.
    var key: String {
      let names = vertices.map { term.operators[$0].key }
      let ends = [propagators.first!, propagators.last!]
      return (names + ends.map { "\(spin($0)) \($0 < term.plus)" }).joined(separator: " ")
    }

    /// The order of A and `count` corners after it in which the propagators after them at z1 come first, and how many
    /// these are.
    private func order(_ count: Int) -> (order: [Int], plus: Int) {
      let used = count == 1 ? [propagators.first!, propagators.last!] : propagators
      let isPlus = used.map { $0 < term.plus }
      let n = used.count
      let start = (0..<n).first { isPlus[$0] && !isPlus[($0 + n - 1) % n] } ?? 0
      return ((0..<n).map { (start + $0) % n }, isPlus.filter { $0 }.count)
    }

    /// The spin of a propagator in the trace that starts with spin up: V_1 stands right of the last propagator.
    private func spin(_ propagator: Int) -> Spin {
      term.operators[...propagator].filter { $0.pauli != .unit }.count % 2 == 0 ? .up : .down
    }
  }
}
