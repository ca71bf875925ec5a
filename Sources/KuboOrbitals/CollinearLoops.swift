// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneIntegrals

/// What responses of a collinear magnet are made of; u is a spin, u' the other.
package enum CollinearLoop: Hashable, Sendable {
  /// An operator sigma^alpha O between u and u'.
  package enum Measured: Hashable, Sendable {
    /// O = p: the spin of orbitals with these weights.
    case spin([Double])
    /// O = {p, Delta_k}/2, the exchange torque on them, with Delta = (H^up - H^down)/2.
    case torque([Double])
  }

  /// A vertex B_i that carries no spin flip.
  package enum Vertex: Hashable, Sendable {
    /// w_i = d_i (H^up + H^down)/2.
    case gauge
    /// v^u_i = d_i H^u.
    case velocity
    /// {p, d_i Delta}/2.
    case torque([Double])
    /// i [p, d_i Delta].
    case precession([Double])
  }

  /// K_u[O] = tr[O G+_u' v^u'_j G_u' w_i G_u] + tr[O G+_u' w_i G+_u v^u_j G_u] + tr[O G+_u' N_ij G_u]
  ///        + tr[(d_j O) G_u' w_i G_u],   N_ij = d_i d_j (H^up + H^down)/2.
  case transverse(Spin, Measured)
  /// Pi_u[B] = tr B_i G+_u v^u_j G_u + tr (d_j B_i) G_u.
  case longitudinal(Spin, Vertex)
  /// tr p G_u, the electrons of one spin in orbitals of these weights; it has no frequency.
  case density(Spin, [Double])

  var spin: Spin {
    switch self {
    case .transverse(let u, _), .longitudinal(let u, _), .density(let u, _): u
    }
  }
}

/// Loops at one k in the bands of both spins: sum_ac O_ca M_ac, where M holds the vertices and the Matsubara sums of the
/// propagators in closed form.
package struct CollinearLoops: Sendable {
  package let loops: [CollinearLoop]
  /// Whether K(0) is whole: without, what has no frequency is left out.
  let hasStatic: Bool
  let omegas: [Double]
  let mu: Double
  let line: FermiLogarithm
  /// All frequencies by sums over triples of ``ClosedFormBubble``, the obvious form; it serves the smallest anyway.
  let byTriples: Bool

  package init(
    _ loops: [CollinearLoop], omegas: [Double], mu: Double, line: FermiLogarithm,
    hasStatic: Bool = true, byTriples: Bool = false
  ) {
    self.hasStatic = hasStatic
    (self.loops, self.omegas, self.mu, self.line) = (loops, omegas, mu, line)
    self.byTriples = byTriples
  }

  /// K(0) and [K(omega) - K(0)]/omega of each loop, [loop][row] with row 0 for K(0) and row m + 1 for omega m; the sums
  /// of their absolute terms, and bounds on their rounding besides that of levels.
  package struct Values: Sendable {
    package var values: [ComplexDouble]
    package var sizes, rounding: [Double]

    init(_ count: Int) {
      values = Array(repeating: .zero, count: count)
      (sizes, rounding) = (Array(repeating: 0, count: count), Array(repeating: 0, count: count))
    }

    mutating func add(_ other: Values, times norm: Double) {
      for n in values.indices {
        values[n] += other.values[n].multiplied(by: norm)
        sizes[n] += other.sizes[n] * norm
        rounding[n] += other.rounding[n] * norm
      }
    }
  }

  /// How many rows a loop has.
  package var rows: Int { omegas.count + 1 }
  package var noValues: Values { Values(loops.count * rows) }

  /// H, d_i H, d_j H and d_i d_j H of both spins, their mean and half their difference, and the bands.
  private struct Point {
    let matrices: BlochMatrices
    let blocks: UnsafeMutablePointer<ComplexDouble>
    let levels: (up: BandSums.Levels, down: BandSums.Levels)
    let states: (up: BandMatrix, down: BandMatrix)
    let scratch: ScratchPointer

    init(
      _ blocks: UnsafeMutablePointer<ComplexDouble>, _ matrices: BlochMatrices, mu: Double,
      _ line: FermiLogarithm, _ scratch: ScratchPointer
    ) {
      (self.matrices, self.blocks, self.scratch) = (matrices, blocks, scratch)
      let count = matrices.count
      func bands(_ u: Spin) -> (BandSums.Levels, BandMatrix) {
        let start = blocks + matrices.offset(u, .energy)
        let (values, states) = BandMatrix(count, start, scratch).levels()
        return (BandSums.Levels(count, values, line, shift: -mu, scratch), states)
      }
      let (up, down) = (bands(.up), bands(.down))
      (levels, states) = ((up.0, down.0), (up.1, down.1))
    }

    func levels(_ u: Spin) -> BandSums.Levels { u == .up ? levels.up : levels.down }
    func states(_ u: Spin) -> BandMatrix { u == .up ? states.up : states.down }

    func hamiltonian(_ u: Spin, _ part: BlochMatrices.Part) -> BandMatrix {
      BandMatrix(matrices.count, blocks + matrices.offset(u, part), scratch)
    }
    func mean(_ part: BlochMatrices.Part) -> BandMatrix {
      0.5 * (hamiltonian(.up, part) + hamiltonian(.down, part))
    }
    func exchange(_ part: BlochMatrices.Part) -> BandMatrix {
      0.5 * (hamiltonian(.up, part) - hamiltonian(.down, part))
    }
    /// Between the bands of `left` and those of `right`.
    func inBands(_ matrix: BandMatrix, _ left: Spin, _ right: Spin) -> BandMatrix {
      matrix.rotated(states(left), states(right))
    }
  }

  /// An operator O_ca of a loop between bands, with its absolute values.
  private struct Operator {
    let loop: Int
    let elements: BandMatrix
    let magnitudes: BandMatrix

    init(_ loop: Int, _ elements: BandMatrix) {
      (self.loop, self.elements, magnitudes) = (loop, elements, elements.magnitudes)
    }

    /// sum_ac |O_ca| m_ac.
    func weight(_ m: BandMatrix) -> Double {
      var sum = 0.0
      for c in 0..<m.count {
        for a in 0..<m.count { sum += magnitudes[c, a].real * m[a, c].real }
      }
      return sum
    }
  }

  /// Adds `weight` times the loops at the wave vector of a full sum over cells, whose blocks begin at `blocks`, and tells
  /// the levels of each spin, less mu.
  package func add(
    _ blocks: UnsafeMutablePointer<ComplexDouble>, _ matrices: BlochMatrices,
    times weight: Double = 1,
    to values: inout Values, _ memory: inout Memory,
    levels: ((_ spin: Spin, _ levels: UnsafeBufferPointer<Double>) -> Void)? = nil
  ) {
    withUnsafeMutablePointer(to: &memory.scratch) { scratch in
      scratch.pointee.returning { _ in
        let point = Point(blocks, matrices, mu: mu, line, scratch)
        for u in Spin.allCases {
          levels?(u, UnsafeBufferPointer(start: point.levels(u).x, count: matrices.count))
          addTransverse(point, u, weight, &values)
          addLongitudinal(point, u, weight, &values)
        }
      }
    }
  }

  /// Memory for one wave vector after the other; each thread needs its own.
  package struct Memory: ~Copyable {
    fileprivate var scratch: Scratch

    package init(_ loops: CollinearLoops, _ count: Int) {
      // What is too little is taken elsewhere, and slower.
      scratch = Scratch(capacity: count * (count + 2) * (240 + 8 * loops.loops.count) + 1000)
    }
  }

  private func addTransverse(
    _ point: Point, _ u: Spin, _ weight: Double, _ values: inout Values
  ) {
    let u2 = u.flipped
    var (operators, gradients): ([Operator], [Operator]) = ([], [])
    for (n, loop) in loops.enumerated() {
      guard case .transverse(u, let measured) = loop else { continue }
      switch measured {
      case .spin(let p):
        let o = BandMatrix(p.count, point.scratch) { a, b in ComplexDouble(a == b ? p[a] : 0) }
        operators.append(Operator(n, point.inBands(o, u, u2)))
      case .torque(let p):
        func torque(_ part: BlochMatrices.Part) -> BandMatrix {
          point.inBands(point.exchange(part).anticommuted(p), u, u2)
        }
        operators.append(Operator(n, torque(.energy)))
        if hasStatic { gradients.append(Operator(n, torque(.second))) }
      }
    }
    guard !operators.isEmpty else { return }
    let w = point.inBands(point.mean(.first), u2, u)
    let anomalous = point.inBands(point.mean(.mixed), u2, u)
    let mine = point.inBands(point.hamiltonian(u, .second), u, u)
    let other = point.inBands(point.hamiltonian(u2, .second), u2, u2)
    let (x, y) = (point.levels(u), point.levels(u2))
    let pairs = BandSums.staticPairs(y, x, line)
    let fixed =
      BandSums.staticTriples(other, w, y, y, x, line)
      + BandSums.staticTriples(w, mine, y, x, x, line) + anomalous.times(pairs)
    let rounding = BandSums.Rounding(line: line, levels: [x, y])
    // The absolute weights of three and of two propagators.
    let triple =
      BandMatrix.product(other.magnitudes, w.magnitudes)
      + BandMatrix.product(w.magnitudes, mine.magnitudes)
    let weights = operators.map { ($0.weight(triple), $0.weight(anomalous.magnitudes)) }
    func add(_ m: BandMatrix, to row: Int, _ bound: (Int) -> Double) {
      let bounds = (bound(3), bound(2))
      for (o, own) in zip(operators, weights) {
        self.add(o, m, bounds.0 * own.0 + bounds.1 * own.1, weight, to: row, &values)
      }
    }
    add(fixed, to: 0, rounding.still)
    for o in gradients {
      self.add(
        o, w.times(pairs), rounding.still(2) * o.weight(w.magnitudes), weight, to: 0, &values)
    }
    let smallest = BandSums.smallest(line, [x, y])
    for (m, omega) in omegas.enumerated() {
      point.scratch.pointee.returning { _ in
        if omega == 0, !byTriples {
          let sums = BandSums.Derivative(line: line, y: y, x: x)
          let derivative =
            sums.inner(other, w) + sums.plus(w, mine) + anomalous.times(sums.pairs())
          add(derivative, to: m + 1) { 2 * rounding.quotient(0, $0) }
        } else if byTriples || abs(omega) <= smallest {
          let triples = Triples(line: line, y: y, x: x, omega: omega)
          let quotient =
            triples.inner(other, w) + triples.plus(w, mine) + anomalous.times(triples.pairs())
          add(quotient, to: m + 1) { rounding.quotient(omega, $0) }
        } else {
          let sums = BandSums(y, x, line, omega: omega)
          let total =
            sums.innerTriples(other, w) + sums.plusTriples(w, mine) + anomalous.times(sums.pairs())
          add((1 / omega) * (total - fixed), to: m + 1) { rounding.difference(omega, $0) }
        }
      }
    }
  }

  private func addLongitudinal(
    _ point: Point, _ u: Spin, _ weight: Double, _ values: inout Values
  ) {
    func vertex(_ b: CollinearLoop.Vertex, _ part: BlochMatrices.Part) -> BandMatrix {
      let matrix =
        switch b {
        case .gauge: point.mean(part)
        case .velocity: point.hamiltonian(u, part)
        case .torque(let p): point.exchange(part).anticommuted(p)
        case .precession(let p): point.exchange(part).commuted(p)
        }
      return point.inBands(matrix, u, u)
    }
    var (operators, gradients): ([Operator], [Operator]) = ([], [])
    let isLongitudinal = loops.contains { if case .longitudinal(u, _) = $0 { true } else { false } }
    if hasStatic { addDensities(point, u, weight, &values) }
    guard isLongitudinal else { return }
    let velocity = point.inBands(point.hamiltonian(u, .second), u, u)
    for case (let n, .longitudinal(u, let b)) in loops.enumerated() {
      // Along the field it is the same matrix.
      let isSame =
        b == .velocity && point.matrices.offset(u, .first) == point.matrices.offset(u, .second)
      operators.append(Operator(n, isSame ? velocity : vertex(b, .first)))
      if hasStatic { gradients.append(Operator(n, vertex(b, .mixed))) }
    }
    let x = point.levels(u)
    let fixed = velocity.times(BandSums.staticPairs(x, x, line))
    let rounding = BandSums.Rounding(line: line, levels: [x])
    let weights = operators.map { $0.weight(velocity.magnitudes) }
    func add(_ m: BandMatrix, to row: Int, _ bound: Double) {
      for (o, own) in zip(operators, weights) {
        self.add(o, m, bound * own, weight, to: row, &values)
      }
    }
    add(fixed, to: 0, rounding.still(2))
    // <g> = -Im l/pi, on the diagonal.
    let occupations = BandMatrix(x.count, point.scratch) { a, b in
      a == b ? ComplexDouble(-x.l[a].imaginary / .pi) : .zero
    }
    let lost = BandMatrix(x.count, point.scratch) { a, b in
      ComplexDouble(a == b ? rounding.still(1) : 0)
    }
    for o in gradients { self.add(o, occupations, o.weight(lost), weight, to: 0, &values) }
    let smallest = BandSums.smallest(line, [x])
    for (m, omega) in omegas.enumerated() {
      point.scratch.pointee.returning { _ in
        if omega == 0, !byTriples {
          let pairs = BandSums.Derivative(line: line, y: x, x: x).pairs()
          add(velocity.times(pairs), to: m + 1, 2 * rounding.quotient(0, 2))
        } else if byTriples || abs(omega) <= smallest {
          let pairs = Triples(line: line, y: x, x: x, omega: omega).pairs()
          add(velocity.times(pairs), to: m + 1, rounding.quotient(omega, 2))
        } else {
          let total = velocity.times(BandSums(x, x, line, omega: omega).pairs())
          add((1 / omega) * (total - fixed), to: m + 1, rounding.difference(omega, 2))
        }
      }
    }
  }

  /// Adds sum_a <g_a> sum_m p_m |U_ma|^2.
  private func addDensities(
    _ point: Point, _ u: Spin, _ weight: Double, _ values: inout Values
  ) {
    let (x, states) = (point.levels(u), point.states(u))
    let lost = BandSums.Rounding(line: line, levels: [x]).still(1)
    for case (let n, .density(u, let p)) in loops.enumerated() {
      for a in 0..<x.count {
        // <g> = -Im l/pi.
        let occupation = -x.l[a].imaginary / .pi
        var (share, size) = (0.0, 0.0)
        for (m, p) in p.enumerated() {
          share += p * states[m, a].lengthSquared
          size += abs(p) * states[m, a].lengthSquared
        }
        values.values[n * rows] += ComplexDouble(weight * share * occupation)
        values.sizes[n * rows] += weight * size * abs(occupation)
        values.rounding[n * rows] += weight * size * lost
      }
    }
  }

  /// Adds sum_ac O_ca M_ac to a row of its loop.
  private func add(
    _ o: Operator, _ m: BandMatrix, _ rounding: Double, _ weight: Double, to row: Int,
    _ values: inout Values
  ) {
    var (value, size) = (ComplexDouble.zero, 0.0)
    for c in 0..<m.count {
      for a in 0..<m.count {
        let term = o.elements[c, a] * m[a, c]
        value += term
        size += term.length
      }
    }
    let n = o.loop * rows + row
    values.values[n] += value.multiplied(by: weight)
    values.sizes[n] += size * weight
    values.rounding[n] += rounding * weight
  }
}

/// The quotients [K(omega) - K(0)]/omega of ``BandSums`` by a sum over triples.
struct Triples {
  let line: FermiLogarithm
  let y, x: BandSums.Levels
  let omega: Double
  private var sums: ClosedFormBubble { ClosedFormBubble(line: line) }

  func inner(_ v: BandMatrix, _ w: BandMatrix) -> BandMatrix {
    BandMatrix(x.count, x.scratch) { a, c in
      (0..<x.count).reduce(ComplexDouble.zero) { sum, b in
        sum + v[a, b] * w[b, c]
          * sums.dynamicQuotient(
            plus: PoleList(y.x[a]), inner: PoleList(y.x[b], x.x[c]), omega: omega)
      }
    }
  }

  func plus(_ w: BandMatrix, _ v: BandMatrix) -> BandMatrix {
    BandMatrix(x.count, x.scratch) { a, c in
      (0..<x.count).reduce(ComplexDouble.zero) { sum, b in
        sum + w[a, b] * v[b, c]
          * sums.dynamicQuotient(
            plus: PoleList(y.x[a], x.x[b]), inner: PoleList(x.x[c]), omega: omega)
      }
    }
  }

  func pairs() -> BandMatrix {
    BandMatrix(x.count, x.scratch) { a, c in
      sums.dynamicQuotient(plus: PoleList(y.x[a]), inner: PoleList(x.x[c]), omega: omega)
    }
  }
}
