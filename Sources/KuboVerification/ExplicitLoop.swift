// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops

/// A loop tr[V_1 P_a V_2 P_b ...] at one k with explicit 4x4 matrices in the eigenstate frame, sorted
/// by bubble.
///
/// The engine multiplies 2x2 projectors, flips the spin along the loop and multiplies by Pauli matrix
/// elements (`LoopWeights`). Here every vertex is V_k^dagger O V_k, the projectors are the diagonals
/// of (S2.2), and the anomalous spin current is (11) with the gauge field (12a).
package struct ExplicitLoop {
  /// A factor of the loop in front of which stands the vertex: its operator's name, the frequency of
  /// the propagator that follows.
  package typealias Line = (vertex: String, frequency: PropagatorFrequency)

  /// The vertices, each with the propagator after it.
  package var lines: [Line]
  /// Which band labels count; s = +1 or -1 for each propagator.
  package var keeps: ([Int]) -> Bool
  /// A factor.
  package var factor = 1.0

  package init(lines: [Line], factor: Double = 1, keeps: @escaping ([Int]) -> Bool) {
    self.lines = lines
    self.factor = factor
    self.keeps = keeps
  }

  /// What a diagram declares, for `measured`.
  package init(_ diagram: Diagram, _ measured: MeasuredOperator) {
    lines = zip(diagram.vertices, diagram.propagators).map {
      ($0.vertexOperator?.name ?? measured.name, $1)
    }
    factor = Double(diagram.sign) * diagram.prefactor
    let rules = diagram.vertices.map(\.bands)
    keeps = { labels in
      rules.indices.allSatisfy { m in
        let before = labels[(m + labels.count - 1) % labels.count]
        return switch rules[m] {
        case .any: true
        case .equal: before == labels[m]
        case .unequal: before != labels[m]
        }
      }
    }
  }

  /// The loops of a projection as docs/conventions.md section 2 defines them; they know nothing of diagram
  /// files. Nil for a projection that it does not name.
  ///
  /// With the labels a, b, c of tr[P_c O P_a ... P_b ... P_c]: the electric vertex first, g+_a g_b
  /// g_c; the gauge vertex first, g+_a g+_b g_c; the anomalous current, g+_a g_c.
  package static func definition(of projection: String, _ measured: MeasuredOperator)
    -> [ExplicitLoop]?
  {
    let o = measured.name
    let (g, gPlus) = (PropagatorFrequency.inner, PropagatorFrequency.innerPlusExternal)
    func three(_ field: String, _ keeps: @escaping (_ line: Int, _ l: [Int]) -> Bool)
      -> [ExplicitLoop]
    {
      [
        .init(lines: [(o, gPlus), ("electric", g), (field, g)]) { keeps(1, $0) },
        .init(lines: [(o, gPlus), (field, gPlus), ("electric", g)]) { keeps(2, $0) },
      ]
    }
    func all(_ keeps: @escaping ([Int]) -> Bool) -> [ExplicitLoop] {
      three("gauge") { keeps($1) } + [
        .init(lines: [(o, gPlus), ("anomalous_current", g)], keeps: keeps)
      ]
    }
    switch projection {
    case "full": return all { _ in true }
    case "adiabatic": return all { l in l.allSatisfy { $0 == l[0] } }
    case "O_adiabatic": return all { $0.first == $0.last }
    case "O_nonadiabatic": return all { $0.first != $0.last }
    case "O_nonadiabatic_main":
      return three("gauge") { line, l in
        l[0] != l[2] && (line == 1 ? l[0] == l[1] : l[1] == l[2])
      }
    case "canting": return three("canting") { _, l in l.allSatisfy { $0 == l[0] } }
    case "canting_uniform": return three("canting") { _, _ in true }
    case "canting_gradient":
      let bases: [ExplicitLoop] = three("canting") { _, _ in true }
      return bases.flatMap { $0.gradient() }
    case "conductivity":
      return [.init(lines: [(o, gPlus), ("electric", g)]) { _ in true }]
    default: return nil
    }
  }

  /// -i d/dq of the loop of O, electric vertex and canting in any order by the product rule, where electrons have
  /// the wave vector k + q/2 before the canting and k - q/2 after it: d G = +-(1/2) G (d_i H) G, and of the electric
  /// vertex +-(1/2) d_i d_j H. The -i is in the matrices.
  private func gradient() -> [ExplicitLoop] {
    let canting = lines.firstIndex { $0.vertex == "canting" }!
    return lines.indices.flatMap { n -> [ExplicitLoop] in
      let sign: Double = n < canting ? 1 : -1
      var doubled = lines
      doubled.insert(("gradient", lines[n].frequency), at: n + 1)
      var changed = [ExplicitLoop(lines: doubled, factor: factor * sign, keeps: { _ in true })]
      if lines[n].vertex == "electric" {
        var loop = lines
        loop[n].vertex = "electric_gradient"
        changed.append(ExplicitLoop(lines: loop, factor: factor * sign, keeps: { _ in true }))
      }
      return changed
    }
  }

  /// The sum over band labels, sorted by bubble.
  package func traces(
    _ spin: (measured: SpinComponent, field: SpinComponent), _ f: EigenstateFrame,
    _ directions: Directions
  ) -> [Bubble: ComplexDouble] {
    let vertices = lines.map { Self.matrix($0.vertex, f, directions, spin) }
    var values: [Bubble: ComplexDouble] = [:]
    for labels in Self.bandLabels(lines.count) where keeps(labels) {
      var product = Matrix4.one
      var (plus, inner): ([Band], [Band]) = ([], [])
      for (m, label) in labels.enumerated() {
        product = product * vertices[m] * Matrix4.bandProjector(label)
        let band: Band = label == 1 ? .bonding : .antibonding
        if lines[m].frequency == .inner { inner.append(band) } else { plus.append(band) }
      }
      values[Bubble(plus: plus, inner: inner), default: 0] += product.trace.scaled(by: factor)
    }
    return values
  }

  /// The product of the vertices' Frobenius norms, which bounds each trace in any frame and is the
  /// scale of its rounding, also where the trace vanishes.
  package func magnitude(
    _ spin: (measured: SpinComponent, field: SpinComponent), _ f: EigenstateFrame,
    _ directions: Directions
  ) -> Double {
    lines.reduce(abs(factor)) { $0 * Self.matrix($1.vertex, f, directions, spin).norm }
  }

  /// V^dagger O V of a vertex, by the operator's name.
  package static func matrix(
    _ name: String, _ f: EigenstateFrame, _ directions: Directions,
    _ spin: (measured: SpinComponent, field: SpinComponent)
  ) -> Matrix4 {
    func index(_ component: SpinComponent) -> Int { component == .x ? 1 : 2 }
    let measured = index(spin.measured)
    let field = Matrix4.rhoSigma(0, index(spin.field))
    let (i, j) = (directions.i, directions.j)
    switch name {
    case "s": return f.inEigenstates(.rhoSigma(0, measured))
    case "Sigma": return f.inEigenstates(.rhoSigma(3, measured))
    case "j": return f.inEigenstates(f.hamiltonianD(i))
    case "j_sA": return f.exchange * Matrix4.bothBands { f.anomalousRow($0, measured, i) }
    case "electric": return f.inEigenstates(f.hamiltonianD(j))
    case "gauge": return f.inEigenstates(0.5 * f.hamiltonianD(i) * field)
    case "anomalous_current": return f.inEigenstates(0.5 * f.hamiltonianDD(i, j) * field)
    case "canting": return f.inEigenstates(-f.exchange * field)
    case "j_s": return f.inEigenstates(f.hamiltonianD(i) * .rhoSigma(0, measured))
    case "torque":
      let (h, s) = (-f.exchange * Matrix4.rhoSigma(3, 3), Matrix4.rhoSigma(0, measured))
      return f.inEigenstates(ComplexDouble.i * (h * s - s * h))
    case "gradient": return f.inEigenstates(ComplexDouble(0, -0.5) * f.hamiltonianD(i))
    case "electric_gradient":
      return f.inEigenstates(ComplexDouble(0, -0.5) * f.hamiltonianDD(i, j))
    default: preconditionFailure("an operator without an explicit matrix: \(name)")
    }
  }

  /// All lists of `count` band labels.
  package static func bandLabels(_ count: Int) -> [[Int]] {
    count == 0 ? [[]] : bandLabels(count - 1).flatMap { [$0 + [1], $0 + [-1]] }
  }
}

extension [Bubble: ComplexDouble] {
  /// The largest difference over all bubbles that either of them has.
  package func distance(to other: Self) -> Double {
    Set(keys).union(other.keys).map { ((self[$0] ?? 0) - (other[$0] ?? 0)).length }.max() ?? 0
  }
}

extension LoopWeights {
  /// The traces of each of `sums` at one k, sorted by bubble.
  package static func traces(
    _ sums: [Sum], _ frame: Frame, isPaired: Bool = false, weight: Double = 1
  ) -> [[Bubble: ComplexDouble]] {
    let weights = LoopWeights(sums, known: [])
    let size = weights.bubbles.count
    var values = [ComplexDouble](repeating: .zero, count: sums.count * size)
    values.withUnsafeMutableBufferPointer {
      weights.add(
        frame, weight: weight, isPaired: isPaired, to: $0.baseAddress!, magnitudes: nil)
    }
    return sums.indices.map { n in
      Dictionary(
        uniqueKeysWithValues: weights.bubbles.indices.map {
          (weights.bubbles[$0], values[n * size + $0])
        })
    }
  }
}
