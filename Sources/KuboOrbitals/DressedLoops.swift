// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals

/// Loops F(z1, z2) averaged over one grid, bare or with the ladder of ``OrbitalImpurities``:
///
///     measured   Gamma_a = O_a + kappa_a avg[G^u(z2) Gamma G^u'(z1)]_aa,   kappa = g0 - gz
///     gauge      mu_a = kappa_a avg[G^u'(z) (w_i + mu) G^u(z)]_aa          (z = z2 in line 1, z1 in line 2)
///     electric   lam^u_a = (g0 + gz)_a Y^u_a + 2 gp_a Y^u'_a,   Y^u = avg[G^u(z1) (v^u_j + lam^u) G^u(z2)]_aa
///
/// A first pass over the grid gives these, which do not depend on k, a second one the loops with them.
struct DressedLoops: Sendable {
  private let zone: ZoneAverage
  /// Whether a symmetry changes the signs of d_i and d_j, so that averages with one of them vanish.
  private let isOdd: Bool
  let impurities: OrbitalImpurities
  let loops: [ImpurityLoop]
  let isDressed: Bool
  /// The rounding of levels and energies.
  let noise: Double
  /// The measured operators that occur.
  private let operators: [CollinearLoop.Measured]
  private let torque: CollinearLoop.Measured
  private var count: Int { impurities.scalar.count }
  /// How many points of a grid count as one.
  var symmetryCount: Int { zone.symmetries.count }
  private var hasFlips: Bool { !operators.isEmpty }

  init(
    _ loops: [ImpurityLoop], _ model: OrbitalModel, _ directions: Directions,
    _ impurities: OrbitalImpurities, isDressed: Bool, threads: Int, noise: Double
  ) {
    (self.loops, self.impurities) = (loops, impurities)
    (self.isDressed, self.noise) = (isDressed, noise)
    // Those that leave each orbital of each spin where it is; loops have d_i and d_j once each.
    let symmetries = model.magneticSymmetries(fixing: directions).filter {
      !$0.isExchanging && $0.sign > 0 && $0.images == Array($0.images.indices)
    }
    isOdd = symmetries.contains { $0.signs.x < 0 }
    zone = ZoneAverage(
      model: model, matrices: BlochMatrices(model, directions),
      symmetries: symmetries.map(\.map).unique, threads: threads)
    let ones = impurities.scalar.map { _ in 1.0 }
    torque = .torque(ones)
    operators =
      loops.compactMap { [torque] loop -> CollinearLoop.Measured? in
        switch loop {
        case .plain(.transverse(_, let measured)): measured
        case .plain(.longitudinal), .plain(.density): nil
        // Its operator is diagonal as 1 is.
        case .relaxation: .spin(ones)
        case .damping: torque
        }
      }.unique
  }

  /// Of each loop.
  struct Values: Sendable {
    /// F(z1, z2), and what knows only z2: the operator's own A^em, for z1 = z2.
    var values: [ComplexDouble] = []
    var statics: [ComplexDouble] = []
    /// Sums of the absolute terms, and bounds on the rounding.
    var sizes: [Double] = []
    var rounding: [Double] = []
  }

  /// What the ladder adds to a vertex, for each orbital, and the average that it closes: mu and W, lam and Y.
  private struct Vertex: Sendable {
    var added, closed: [ComplexDouble]
  }

  /// What the first pass gives; [spin] innermost but for the measured vertex.
  private struct Ladder: Sendable {
    /// For each energy.
    var gauge: [[Vertex]] = []
    /// For each pair.
    var electric: [[Vertex]] = []
    /// Gamma - O, for each pair, spin and operator.
    var measured: [[[[ComplexDouble]]]] = []
    /// (1 - kappa M)^-1 kappa M, which makes Gamma - O of a diagonal O, for each pair and spin.
    var closing: [[MatrixBlock]] = []
    /// How much each pair's vertices enlarge errors.
    var gain: [Double] = []
  }

  /// The loops at pairs of energies, whose self-energies are solved.
  func values(
    _ pairs: [EnergyPair], _ solutions: [ComplexDouble: OrbitalSelfEnergy.Solution], divisions: Int
  ) async throws -> [Values] {
    // Each propagator once.
    var known: [EnergyPair: Int] = [:]
    var own: [OrbitalSelfEnergy.Solution] = []
    func place(_ z: ComplexDouble, _ isAdvanced: Bool) -> Int {
      let key = EnergyPair(z1: z, z2: z, isAdvanced: isAdvanced)
      if let place = known[key] { return place }
      known[key] = own.count
      own.append(isAdvanced ? solutions[z]!.conjugate : solutions[z]!)
      return own.count - 1
    }
    let places = pairs.map { (first: place($0.z1, false), second: place($0.z2, $0.isAdvanced)) }
    let states = own.map(\.energy)
    let (ladder, sums) = try await WorkProgress.stage(
      "loops, \(divisions)^\(zone.model.dimension)", unit: "pairs", of: pairs.count
    ) { stage in
      defer { stage?.advance(by: pairs.count) }
      let ladder =
        isDressed
        ? try await self.ladder(places, states, divisions)
        : bareVertices(pairs.count, states.count)
      return (ladder, try await closed(places, states, ladder, divisions))
    }
    return pairs.indices.map { p in
      let (first, second) = (own[places[p].first], own[places[p].second])
      // Three propagators at each energy at most, each good to its rounding and that of its self-energy.
      let lost = [first, second].reduce(2e-14) { $0 + 3 * (noise + $1.error) * $1.norm }
      return total(
        Array(sums[p]), ladder, p, places[p], first, second, lost: lost * ladder.gain[p])
    }
  }

  private func bareVertices(_ pairs: Int, _ energies: Int) -> Ladder {
    let none = [ComplexDouble](repeating: .zero, count: count)
    let bare = [Vertex](repeating: Vertex(added: none, closed: none), count: 2)
    return Ladder(
      gauge: Array(repeating: bare, count: energies),
      electric: Array(repeating: bare, count: pairs),
      gain: Array(repeating: 1, count: pairs))
  }

  /// The dressed vertices.
  private func ladder(
    _ places: [(first: Int, second: Int)], _ states: [DressedEnergy], _ divisions: Int
  ) async throws -> Ladder {
    let n = count
    let gaugeBlock = n + n * n
    let pairBlock = n + 2 * n * n + n * operators.count
    let start = 2 * gaugeBlock * states.count
    let (sums, _) = try await zone.average(
      start + 2 * pairBlock * places.count, BlochMatrices.turns(divisions)
    ) { point, sums, _ in
      let g = states.map { point.propagators($0) }
      let w = point.mean(.first)
      let v = Spin.allCases.map { point.hamiltonian($0, .second) }
      let o = operators.map { ImpurityLoop.plain(.transverse(.up, $0)).operators(point).0 }
      var own = sums
      for e in states.indices {
        for u in 0..<2 {
          g[e][1 - u].addDiagonal(MatrixBlock.product(w, g[e][u]), to: own)
          g[e][1 - u].addReturn(g[e][u], to: own + n)
          own += gaugeBlock
        }
      }
      for (first, second) in places {
        for u in 0..<2 {
          let (left, right, other) = (g[first][u], g[second][u], g[first][1 - u])
          left.addDiagonal(MatrixBlock.product(v[u], right), to: own)
          left.addReturn(right, to: own + n)
          right.addReturn(other, to: own + n + n * n)
          for (m, o) in o.enumerated() {
            right.addDiagonal(MatrixBlock.product(o, other), to: own + n + 2 * n * n + n * m)
          }
          own += pairBlock
        }
      }
    }
    func numbers(_ first: Int, _ count: Int) -> [ComplexDouble] {
      Array(sums[first..<first + count])
    }
    /// Averages with d_i or d_j alone.
    func sources(_ first: Int) -> [ComplexDouble] {
      isOdd ? Array(repeating: .zero, count: n) : numbers(first, n)
    }
    let between = impurities.between
    /// (1 - kappa M)^-1 and kappa M.
    func flipping(_ first: Int) throws -> (inverse: MatrixBlock, kernel: MatrixBlock) {
      let kernel = MatrixBlock(n, numbers(first, n * n)).scaled { a, _ in between[a] }
      return (try inverse(kernel, divisions), kernel)
    }
    func scaled(_ x: [ComplexDouble]) -> [ComplexDouble] {
      zip(x, between).map { $0.multiplied(by: $1) }
    }
    func sum(_ x: [ComplexDouble], _ y: [ComplexDouble]) -> [ComplexDouble] {
      zip(x, y).map { $0 + $1 }
    }
    var result = Ladder()
    var gains: [Double] = []
    for e in states.indices {
      let parts = try (0..<2).map { u -> (Vertex, Double) in
        let first = (2 * e + u) * gaugeBlock
        let (inverse, _) = try flipping(first + n)
        let source = sources(first)
        let mu = inverse.times(scaled(source))
        let w = sum(source, MatrixBlock(n, numbers(first + n, n * n)).times(mu))
        return (Vertex(added: mu, closed: w), inverse.rowNorm)
      }
      result.gauge.append(parts.map(\.0))
      gains.append(parts.map(\.1).max()!)
    }
    for (p, place) in places.enumerated() {
      let starts = (0..<2).map { start + (2 * p + $0) * pairBlock }
      let m = starts.map { MatrixBlock(n, numbers($0 + n, n * n)) }
      let electricSources = starts.map(sources)
      let electric = try inverse(impurities.joined(m[0], m[1]), divisions)
      let lam = electric.times(impurities.joined(electricSources[0] + electricSources[1]))
      result.electric.append(
        (0..<2).map { u in
          let own = Array(lam[u * n..<(u + 1) * n])
          return Vertex(added: own, closed: sum(electricSources[u], m[u].times(own)))
        })
      let flips = try starts.map { try flipping($0 + n + n * n) }
      result.closing.append(flips.map { MatrixBlock.product($0.inverse, $0.kernel) })
      result.measured.append(
        (0..<2).map { u in
          operators.indices.map { o in
            flips[u].inverse.times(scaled(numbers(starts[u] + n + 2 * n * n + n * o, n)))
          }
        })
      result.gain.append(
        ([1, electric.rowNorm, gains[place.first], gains[place.second]]
          + flips.map { $0.inverse.rowNorm }).max()!)
    }
    return result
  }

  /// (1 - kernel)^-1.
  private func inverse(_ kernel: MatrixBlock, _ divisions: Int) throws -> MatrixBlock {
    guard let inverse = kernel.geometricSum else {
      throw NonConvergence(
        label: "a ladder that does not end", estimate: .greatestFiniteMagnitude, allowed: 0,
        divisions: divisions)
    }
    return inverse
  }

  /// Where the averages of a pair stand: for each spin X_aa and |X_aa| of the transverse loops and of the damping, then three
  /// numbers for each loop: the value, what is static, and its size and magnitude as one.
  private var spinBlock: Int { 4 * count }
  private var block: Int { 2 * spinBlock + 3 * loops.count }

  /// The averages with dressed vertices right of the measured one.
  private func closed(
    _ places: [(first: Int, second: Int)], _ states: [DressedEnergy], _ ladder: Ladder,
    _ divisions: Int
  ) async throws -> [ArraySlice<ComplexDouble>] {
    let (sums, _) = try await zone.average(places.count * block, BlochMatrices.turns(divisions)) {
      point, sums, _ in
      let g = states.map { point.propagators($0) }
      let w = point.mean(.first)
      let anomalous = point.mean(.mixed)
      let v = Spin.allCases.map { point.hamiltonian($0, .second) }
      let operators = loops.map { $0.operators(point) }
      // G_u' (w + mu) G_u at each energy.
      let gauged =
        !hasFlips
        ? []
        : g.indices.map { e in
          (0..<2).map { u in
            MatrixBlock.product(
              g[e][1 - u], MatrixBlock.product(w.plus(ladder.gauge[e][u].added), g[e][u]))
          }
        }
      for (p, (first, second)) in places.enumerated() {
        let dressed = (0..<2).map { v[$0].plus(ladder.electric[p][$0].added) }
        for spin in Spin.allCases {
          let (u, t) = (spin.rawValue, spin.flipped.rawValue)
          let right = MatrixBlock.product(dressed[u], g[second][u])
          let diagonals = sums + p * block + u * spinBlock
          var (x, current): (Line?, Line?)
          if hasFlips {
            let inner =
              MatrixBlock.product(dressed[t], gauged[second][u])
              + MatrixBlock.product(anomalous, g[second][u])
            let line = Line([(g[first][t], inner), (gauged[first][u], right)])
            line.addDiagonal(to: diagonals)
            x = line
          }
          for (l, loop) in loops.enumerated() where loop.spin == spin {
            let own = sums + p * block + 2 * spinBlock + 3 * l
            let (o, derivative) = operators[l]
            switch loop {
            case .plain(.transverse):
              x!.add(o, to: own)
              if first == second { derivative?.addTrace(gauged[second][u], to: own + 1) }
            case .plain(.longitudinal):
              current = current ?? Line([(g[first][u], right)])
              current!.add(o, to: own)
              if first == second { derivative?.addTrace(g[second][u], to: own + 1) }
            case .damping:
              let line = Line([(g[first][t], MatrixBlock.product(o, g[second][u]))])
              line.addDiagonal(to: diagonals + 2 * count)
              line.add(o, to: own)
            case .relaxation, .plain(.density): break
            }
          }
        }
      }
    }
    return places.indices.map { sums[$0 * block..<($0 + 1) * block] }
  }

  /// All vertices and propagators of a loop but the measured one.
  private struct Line {
    let matrix: MatrixBlock
    /// A bound on what rounding sees, for each lane.
    let sizes: [Double]

    /// The sum of products of left and right parts.
    init(_ parts: [(MatrixBlock, MatrixBlock)]) {
      let products = parts.map { MatrixBlock.product($0, $1) }
      matrix = products.dropFirst().reduce(products[0], +)
      var sizes = [Double](repeating: 0, count: matrix.lanes)
      for (left, right) in parts {
        for (k, (l, r)) in zip(left.norms, right.norms).enumerated() { sizes[k] += l * r }
      }
      self.sizes = sizes
    }

    func addDiagonal(to sums: UnsafeMutablePointer<ComplexDouble>) {
      matrix.addDiagonal(to: sums)
      matrix.addAbsoluteDiagonal(to: sums + matrix.count)
    }

    /// Adds tr O X, and the sums of its absolute terms.
    func add(_ o: MatrixBlock, to own: UnsafeMutablePointer<ComplexDouble>) {
      o.addTrace(matrix, to: own)
      own[2] += ComplexDouble(
        o.absoluteTrace(matrix), zip(o.norms, sizes).reduce(0) { $0 + $1.0 * $1.1 })
    }
  }

  /// A pair's averages with what the measured vertex adds.
  private func total(
    _ sums: [ComplexDouble], _ ladder: Ladder, _ p: Int, _ place: (first: Int, second: Int),
    _ first: OrbitalSelfEnergy.Solution, _ second: OrbitalSelfEnergy.Solution, lost: Double
  ) -> Values {
    let n = count
    var result = Values()
    for (l, loop) in loops.enumerated() {
      let own = 2 * spinBlock + 3 * l
      var value = sums[own]
      var (size, magnitude) = (sums[own + 2].real, sums[own + 2].imaginary)
      func add(_ term: ComplexDouble, _ absolute: Double) {
        value += term
        size += absolute
        magnitude += absolute
      }
      /// sum_a gamma_a X_aa.
      func close(_ gamma: [ComplexDouble], _ u: Spin, _ start: Int = 0) {
        let x = u.rawValue * spinBlock + start
        for a in 0..<n { add(gamma[a] * sums[x + a], gamma[a].length * sums[x + n + a].real) }
      }
      switch loop {
      case .plain(.transverse(let u, let measured)) where isDressed:
        close(ladder.measured[p][u.rawValue][operators.firstIndex(of: measured)!], u)
      case .damping(let u) where isDressed:
        close(ladder.measured[p][u.rawValue][operators.firstIndex(of: torque)!], u, 2 * n)
      case .relaxation(let spin):
        let (u, t) = (spin.rawValue, spin.flipped.rawValue)
        let (z, x) = (impurities.longitudinal, impurities.transverse)
        let (before, after) = (first.averages, second.averages)
        let r = (0..<n).map { a in
          (before[t * n + a] - after[u * n + a]).multiplied(by: 2 * z[a])
            + (before[u * n + a] - after[t * n + a]).multiplied(by: 2 * x[a])
        }
        close(r, spin)
        close(ladder.closing[p][u].times(r), spin)
        let y = ladder.electric[p].map(\.closed)
        for a in 0..<n {
          let one =
            (y[t][a].multiplied(by: 2 * z[a]) + y[u][a].multiplied(by: 2 * x[a]))
            * ladder.gauge[place.second][u].closed[a]
          let two =
            (y[u][a].multiplied(by: 2 * z[a]) + y[t][a].multiplied(by: 2 * x[a]))
            * ladder.gauge[place.first][u].closed[a]
          add(one - two, one.length + two.length)
        }
      default: break
      }
      result.values.append(value)
      result.statics.append(sums[own + 1])
      result.sizes.append(size + sums[own + 1].length)
      result.rounding.append(lost * (magnitude + sums[own + 1].length))
    }
    return result
  }
}
