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

  var spin: Spin {
    switch self {
    case .transverse(let u, _), .longitudinal(let u, _): u
    }
  }
}

/// Loops at one k in the bands of both spins: sum_ac O_ca M_ac, where M holds the vertices and the Matsubara sums of the
/// propagators in closed form.
package struct CollinearLoops: Sendable {
  package let loops: [CollinearLoop]
  let omegas: [Double]
  let mu: Double
  let line: FermiLogarithm
  /// All frequencies by sums over triples of ``ClosedFormBubble``, the obvious form; it serves the smallest anyway.
  let byTriples: Bool

  package init(
    _ loops: [CollinearLoop], omegas: [Double], mu: Double, line: FermiLogarithm,
    byTriples: Bool = false
  ) {
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
    let matrices: [[Matrix]]
    let levels: [BandSums.Levels]
    let states: [Matrix]

    init(_ sum: BlochMatrices.Sum, _ count: Int, mu: Double, _ line: FermiLogarithm) {
      let own = Spin.allCases.map { u in
        BlochMatrices.Part.allCases.map { sum.matrix(u, $0, count) }
      }
      matrices = own
      let bands = own.map { $0[0].levels() }
      levels = bands.map { BandSums.Levels($0.values.map { $0 - mu }, line) }
      states = bands.map(\.states)
    }

    func hamiltonian(_ u: Spin, _ part: BlochMatrices.Part) -> Matrix {
      matrices[u.rawValue][part.rawValue]
    }
    func mean(_ part: BlochMatrices.Part) -> Matrix {
      0.5 * (hamiltonian(.up, part) + hamiltonian(.down, part))
    }
    func exchange(_ part: BlochMatrices.Part) -> Matrix {
      0.5 * (hamiltonian(.up, part) - hamiltonian(.down, part))
    }
    /// Between the bands of `left` and those of `right`.
    func inBands(_ matrix: Matrix, _ left: Spin, _ right: Spin) -> Matrix {
      matrix.rotated(states[left.rawValue], states[right.rawValue])
    }
  }

  /// Adds the loops at the wave vector of a full sum over cells.
  package func add(_ sum: BlochMatrices.Sum, _ count: Int, to values: inout Values) {
    let point = Point(sum, count, mu: mu, line)
    for u in Spin.allCases {
      let own = loops.indices.filter { loops[$0].spin == u }
      addTransverse(point, u, own, &values)
      addLongitudinal(point, u, own, &values)
    }
  }

  private func addTransverse(_ point: Point, _ u: Spin, _ own: [Int], _ values: inout Values) {
    let u2 = u.flipped
    var (operators, gradients): ([(loop: Int, o: Matrix)], [(loop: Int, o: Matrix)]) = ([], [])
    for n in own {
      guard case .transverse(_, let measured) = loops[n] else { continue }
      switch measured {
      case .spin(let p):
        let o = Matrix(p.count) { a, b in ComplexDouble(a == b ? p[a] : 0) }
        operators.append((n, point.inBands(o, u, u2)))
      case .torque(let p):
        func torque(_ part: BlochMatrices.Part) -> Matrix {
          point.inBands(point.exchange(part).anticommuted(p), u, u2)
        }
        operators.append((n, torque(.energy)))
        gradients.append((n, torque(.second)))
      }
    }
    guard !operators.isEmpty else { return }
    let w = point.inBands(point.mean(.first), u2, u)
    let anomalous = point.inBands(point.mean(.mixed), u2, u)
    let mine = point.inBands(point.hamiltonian(u, .second), u, u)
    let other = point.inBands(point.hamiltonian(u2, .second), u2, u2)
    let (x, y) = (point.levels[u.rawValue], point.levels[u2.rawValue])
    let pairs = BandSums.staticPairs(y, x, line)
    let fixed =
      BandSums.staticTriples(other, w, y, y, x, line)
      + BandSums.staticTriples(w, mine, y, x, x, line) + anomalous.times(pairs)
    let weights =
      Matrix.product(other.magnitudes, w.magnitudes)
      + Matrix.product(w.magnitudes, mine.magnitudes)
    let rounding = BandSums.Rounding(line: line, levels: x.x + y.x)
    func lost(_ bound: (Int) -> Double) -> Matrix {
      bound(3) * weights + bound(2) * anomalous.magnitudes
    }
    add(operators, fixed, lost(rounding.still), to: 0, &values)
    add(gradients, w.times(pairs), rounding.still(2) * w.magnitudes, to: 0, &values)
    let smallest = BandSums.smallest(line, x.x + y.x)
    for (m, omega) in omegas.enumerated() {
      if byTriples || abs(omega) <= smallest {
        let triples = Triples(line: line, y: y.x, x: x.x, omega: omega)
        let quotient =
          triples.inner(other, w) + triples.plus(w, mine) + anomalous.times(triples.pairs())
        add(operators, quotient, lost { rounding.quotient(omega, $0) }, to: m + 1, &values)
      } else {
        let sums = BandSums(y, x, line, omega: omega)
        let total =
          sums.innerTriples(other, w) + sums.plusTriples(w, mine) + anomalous.times(sums.pairs())
        add(
          operators, (1 / omega) * (total - fixed), lost { rounding.difference(omega, $0) },
          to: m + 1, &values)
      }
    }
  }

  private func addLongitudinal(_ point: Point, _ u: Spin, _ own: [Int], _ values: inout Values) {
    func vertex(_ b: CollinearLoop.Vertex, _ part: BlochMatrices.Part) -> Matrix {
      let matrix =
        switch b {
        case .gauge: point.mean(part)
        case .velocity: point.hamiltonian(u, part)
        case .torque(let p): point.exchange(part).anticommuted(p)
        case .precession(let p): point.exchange(part).commuted(p)
        }
      return point.inBands(matrix, u, u)
    }
    var (operators, gradients): ([(loop: Int, o: Matrix)], [(loop: Int, o: Matrix)]) = ([], [])
    for n in own {
      guard case .longitudinal(_, let b) = loops[n] else { continue }
      operators.append((n, vertex(b, .first)))
      gradients.append((n, vertex(b, .mixed)))
    }
    guard !operators.isEmpty else { return }
    let velocity = point.inBands(point.hamiltonian(u, .second), u, u)
    let x = point.levels[u.rawValue]
    let fixed = velocity.times(BandSums.staticPairs(x, x, line))
    let rounding = BandSums.Rounding(line: line, levels: x.x)
    add(operators, fixed, rounding.still(2) * velocity.magnitudes, to: 0, &values)
    // <g> = -Im l/pi, on the diagonal.
    let occupations = Matrix(x.x.count) { a, b in
      a == b ? ComplexDouble(-x.l[a].imaginary / .pi) : .zero
    }
    let lost = Matrix(x.x.count) { a, b in ComplexDouble(a == b ? rounding.still(1) : 0) }
    add(gradients, occupations, lost, to: 0, &values)
    let smallest = BandSums.smallest(line, x.x)
    for (m, omega) in omegas.enumerated() {
      if byTriples || abs(omega) <= smallest {
        let pairs = Triples(line: line, y: x.x, x: x.x, omega: omega).pairs()
        add(
          operators, velocity.times(pairs), rounding.quotient(omega, 2) * velocity.magnitudes,
          to: m + 1, &values)
      } else {
        let total = velocity.times(BandSums(x, x, line, omega: omega).pairs())
        add(
          operators, (1 / omega) * (total - fixed),
          rounding.difference(omega, 2) * velocity.magnitudes, to: m + 1, &values)
      }
    }
  }

  /// Adds sum_ac O_ca M_ac to a row of each loop.
  private func add(
    _ operators: [(loop: Int, o: Matrix)], _ m: Matrix, _ rounding: Matrix, to row: Int,
    _ values: inout Values
  ) {
    for (loop, o) in operators {
      let n = loop * rows + row
      for c in 0..<m.count {
        for a in 0..<m.count {
          let term = o[c, a] * m[a, c]
          values.values[n] += term
          values.sizes[n] += term.length
          values.rounding[n] += o[c, a].length * rounding[a, c].real
        }
      }
    }
  }
}

/// The quotients [K(omega) - K(0)]/omega of ``BandSums`` by a sum over triples.
struct Triples {
  let line: FermiLogarithm
  let y, x: [Double]
  let omega: Double
  private var sums: ClosedFormBubble { ClosedFormBubble(line: line) }

  func inner(_ v: Matrix, _ w: Matrix) -> Matrix {
    Matrix(x.count) { a, c in
      x.indices.reduce(ComplexDouble.zero) { sum, b in
        sum + v[a, b] * w[b, c]
          * sums.dynamicQuotient(
            plus: PoleList([y[a]]), inner: PoleList([y[b], x[c]]), omega: omega)
      }
    }
  }

  func plus(_ w: Matrix, _ v: Matrix) -> Matrix {
    Matrix(x.count) { a, c in
      x.indices.reduce(ComplexDouble.zero) { sum, b in
        sum + w[a, b] * v[b, c]
          * sums.dynamicQuotient(
            plus: PoleList([y[a], x[b]]), inner: PoleList([x[c]]), omega: omega)
      }
    }
  }

  func pairs() -> Matrix {
    Matrix(x.count) { a, c in
      sums.dynamicQuotient(plus: PoleList([y[a]]), inner: PoleList([x[c]]), omega: omega)
    }
  }
}
