// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboFiles
import Testing

/// The traces of every shipped diagram against explicit 4x4 products in the eigenstate frame.
///
/// `LoopWeights` multiplies 2x2 projectors, flips the spin along the loop and multiplies by Pauli
/// matrix elements. Here the loop is tr[V_1 P_a V_2 P_b ...] with 4x4 matrices V^dagger O V and the
/// diagonal projectors (S2.2); the anomalous spin current is (11), with the gauge field (12a).
@Suite struct LoopTraceTests {
  static let components: [(measured: SpinComponent, field: SpinComponent)] = [
    (.x, .x), (.x, .y), (.y, .x), (.y, .y),
  ]
  static let directions = [Directions(i: 0, j: 0), Directions(i: 0, j: 1)]

  static func shipped() throws -> [Diagram] {
    try DiagramLibrary.read(directories: ["\(repository)/diagrams"]).diagrams
  }

  // MARK: The explicit evaluation

  /// V^dagger O V of a vertex, by the operator's name.
  static func matrix(
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
    default: preconditionFailure("an operator that this test does not know: \(name)")
    }
  }

  /// The sum over band labels, sorted by bubble, and the product of the vertices' Frobenius norms,
  /// which bounds each trace in any frame and is the scale of rounding, also of a trace that
  /// vanishes.
  static func traces(
    _ diagram: Diagram, _ measured: MeasuredOperator,
    _ spin: (measured: SpinComponent, field: SpinComponent), _ f: EigenstateFrame,
    _ directions: Directions
  ) -> (values: [Bubble: ComplexDouble], magnitude: Double) {
    let vertices = diagram.vertices.map {
      matrix($0.vertexOperator?.name ?? measured.rawValue, f, directions, spin)
    }
    let factor = Double(diagram.sign) * diagram.prefactor
    var values: [Bubble: ComplexDouble] = [:]
    let magnitude = vertices.reduce(abs(factor)) { $0 * $1.norm }
    for labels in bandLabels(vertices.count) {
      let allowed = diagram.vertices.indices.allSatisfy { m in
        let before = labels[(m + labels.count - 1) % labels.count]
        return switch diagram.vertices[m].bands {
        case .any: true
        case .equal: before == labels[m]
        case .unequal: before != labels[m]
        }
      }
      guard allowed else { continue }
      var product = Matrix4.one
      var (plus, inner): ([Band], [Band]) = ([], [])
      for (m, label) in labels.enumerated() {
        let projector = Matrix4.bandProjector(label)
        product = product * vertices[m] * projector
        let band: Band = label == 1 ? .bonding : .antibonding
        if diagram.propagators[m] == .inner { inner.append(band) } else { plus.append(band) }
      }
      values[Bubble(plus: plus, inner: inner), default: 0] += product.trace.scaled(by: factor)
    }
    return (values, magnitude)
  }

  private static func bandLabels(_ count: Int) -> [[Int]] {
    count == 0 ? [[]] : bandLabels(count - 1).flatMap { [$0 + [1], $0 + [-1]] }
  }

  // MARK: The engine

  /// `LoopWeights` of several diagrams at once, each a sum of its own.
  static func engine(
    _ loops: [(Diagram, MeasuredOperator)], _ spin: (measured: SpinComponent, field: SpinComponent),
    _ frame: Frame, isPaired: Bool = false, weight: Double = 1
  ) -> [[Bubble: ComplexDouble]] {
    let weights = LoopWeights(
      loops.map { .init(measured: $0.1, spin: spin, diagrams: [$0.0]) }, known: [])
    let size = weights.bubbles.count
    var sums = [ComplexDouble](repeating: .zero, count: loops.count * size)
    sums.withUnsafeMutableBufferPointer {
      weights.add(
        frame, weight: weight, isPaired: isPaired, to: $0.baseAddress!, magnitudes: nil)
    }
    return loops.indices.map { n in
      Dictionary(
        uniqueKeysWithValues: weights.bubbles.indices.map {
          (weights.bubbles[$0], sums[n * size + $0])
        })
    }
  }

  /// The largest difference over all bubbles that either of them has.
  static func distance(_ a: [Bubble: ComplexDouble], _ b: [Bubble: ComplexDouble]) -> Double {
    Set(a.keys).union(b.keys).map { ((a[$0] ?? 0) - (b[$0] ?? 0)).length }.max()!
  }

  /// Each diagram with every measured operator for which the trace over spin does not vanish, also
  /// those that its file does not list.
  static func loops(_ diagrams: [Diagram]) -> [(Diagram, MeasuredOperator)] {
    diagrams.flatMap { diagram in
      MeasuredOperator.allCases.filter { measured in
        let flips = diagram.vertices.filter {
          ($0.vertexOperator ?? measured.vertex).pauli != .unit
        }
        return flips.count % 2 == 0
      }.map { (diagram, $0) }
    }
  }

  /// Those that do not vanish: at q = 0 Sigma has no adiabatic part, (S4.3), (S4.4), and j_sA no
  /// nonadiabatic one (S3.11).
  static func finiteLoops() throws -> [(Diagram, MeasuredOperator)] {
    loops(try shipped()).filter { diagram, measured in
      switch (measured, diagram.vertices[0].bands) {
      case (.staggeredSpin, .equal), (.anomalousSpinCurrent, .unequal): false
      default: true
      }
    }
  }

  // MARK: Comparisons

  /// Every diagram, measured operator, pair of components and pair of directions.
  ///
  /// Each side sums products of up to three matrices and rounds at a few 1e-16 of the product of
  /// their norms.
  @Test(arguments: IdentityLattice.allCases) func everyShippedDiagram(_ lattice: IdentityLattice)
    throws
  {
    let loops = Self.loops(try Self.shipped())
    let listed = try Self.shipped().reduce(0) { $0 + $1.measures.count }
    #expect(loops.count > listed, "s, Sigma and j_sA for all but the conductivity")
    var seen = Set<String>()
    for k in lattice.waveVectors(3, seed: 5) {
      let f = EigenstateFrame(lattice.model, k)
      let opposite = EigenstateFrame(lattice.model, k.map { -$0 })
      for pair in Self.directions where pair.j < lattice.model.dimension {
        let frame = Frame(lattice.model, at: WaveVector(k), directions: pair)
        for spin in Self.components {
          let found = Self.engine(loops, spin, frame, weight: 1)
          let paired = Self.engine(loops, spin, frame, isPaired: true, weight: 1)
          for (n, (diagram, measured)) in loops.enumerated() {
            let expected = Self.traces(diagram, measured, spin, f, pair)
            let name = "\(diagram.name) \(measured) \(spin) \(pair.description)"
            let tolerance = 1e-12 * expected.magnitude
            #expect(Self.distance(found[n], expected.values) <= tolerance, "\(name)")
            // With k and -k in one, the mean of the two.
            let mirrored = Self.traces(diagram, measured, spin, opposite, pair).values
            let mean = expected.values.merging(mirrored) { ($0 + $1).multiplied(by: 0.5) }
            #expect(Self.distance(paired[n], mean) <= tolerance, "\(name), paired")
            if expected.values.values.contains(where: { $0.length > 1e-3 * expected.magnitude }) {
              seen.insert("\(diagram.name) \(measured)")
            }
          }
        }
      }
    }
    let finite = try Self.finiteLoops().map { "\($0.0.name) \($0.1)" }
    #expect(seen == Set(finite), "these differ from zero somewhere, the others nowhere")
  }

  /// Signs, prefactors and the weight of a k point are factors, and diagrams of a sum add up.
  @Test func factorsAndSums() throws {
    let model = IdentityLattice.oblique.model
    let k = IdentityLattice.oblique.waveVectors(1, seed: 6)[0]
    let frame = Frame(model, at: WaveVector(k), directions: .init(i: 0, j: 1))
    let f = EigenstateFrame(model, k)
    for diagram in try Self.shipped() where diagram.measures.contains(.staggeredSpin) {
      var changed = diagram
      changed.sign = -1
      changed.prefactor = 0.75
      let expected = Self.traces(changed, .staggeredSpin, (.x, .y), f, .init(i: 0, j: 1))
      let found = Self.engine([(changed, .staggeredSpin)], (.x, .y), frame, weight: 1.5)[0]
      let scaled = expected.values.mapValues { $0.multiplied(by: 1.5) }
      #expect(Self.distance(found, scaled) <= 1e-12 * expected.magnitude, "\(diagram.name)")
      let together = LoopWeights(
        [.init(measured: .staggeredSpin, spin: (.x, .y), diagrams: [diagram, changed])], known: [])
      var sums = [ComplexDouble](repeating: .zero, count: together.bubbles.count)
      sums.withUnsafeMutableBufferPointer {
        together.add(frame, weight: 1, isPaired: false, to: $0.baseAddress!, magnitudes: nil)
      }
      let quarter = Self.traces(diagram, .staggeredSpin, (.x, .y), f, .init(i: 0, j: 1))
      for (bubble, sum) in zip(together.bubbles, sums) {
        let expected = (quarter.values[bubble] ?? 0).multiplied(by: 0.25)
        #expect((sum - expected).length <= 1e-12 * quarter.magnitude)
      }
    }
  }
}
