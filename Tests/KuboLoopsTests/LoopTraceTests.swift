// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import KuboVerification
import KuboFiles
import Testing

/// The traces of every shipped diagram against explicit 4x4 products in the eigenstate frame.
///
@Suite struct LoopTraceTests {
  static let components: [(measured: SpinComponent, field: SpinComponent)] = [
    (.x, .x), (.x, .y), (.y, .x), (.y, .y),
  ]
  static let directions = [Directions(i: 0, j: 0), Directions(i: 0, j: 1)]

  static func shipped() throws -> [Diagram] {
    try DiagramLibrary.read(directories: ["\(repository)/diagrams"]).diagrams
  }

  /// The explicit loop of a diagram, and the scale of its rounding.
  static func traces(
    _ diagram: Diagram, _ measured: MeasuredOperator,
    _ spin: (measured: SpinComponent, field: SpinComponent), _ f: EigenstateFrame,
    _ directions: Directions
  ) -> (values: [Bubble: ComplexDouble], magnitude: Double) {
    let loop = ExplicitLoop(diagram, measured)
    return (loop.traces(spin, f, directions), loop.magnitude(spin, f, directions))
  }

  /// `LoopWeights` of several diagrams at once, each a sum of its own.
  static func engine(
    _ loops: [(Diagram, MeasuredOperator)], _ spin: (measured: SpinComponent, field: SpinComponent),
    _ frame: Frame, isPaired: Bool = false, weight: Double = 1
  ) -> [[Bubble: ComplexDouble]] {
    LoopWeights.traces(
      loops.map { .init(measured: $0.1, spin: spin, diagrams: [$0.0]) }, frame,
      isPaired: isPaired, weight: weight)
  }

  static func distance(_ a: [Bubble: ComplexDouble], _ b: [Bubble: ComplexDouble]) -> Double {
    a.distance(to: b)
  }

  /// Each diagram with every measured operator for which the trace over spin does not vanish, also
  /// those that its file does not list.
  static func loops(_ diagrams: [Diagram]) -> [(Diagram, MeasuredOperator)] {
    diagrams.flatMap { diagram in
      MeasuredOperator.allCases.filter { measured in
        let flips = diagram.vertices.filter {
          ($0.vertexOperator ?? measured.vertex).pauli != .unit
        }
        // Of loops of four, which take long, those that the file lists.
        return flips.count % 2 == 0
          && (diagram.vertices.count < 4 || diagram.measures.contains(measured))
      }.map { (diagram, $0) }
    }
  }

  /// Those that do not vanish: at q = 0 Sigma has no adiabatic part, (S4.3), (S4.4), nor has the torque, which
  /// has the same matrix, and j_sA no nonadiabatic one (S3.11).
  static func finiteLoops() throws -> [(Diagram, MeasuredOperator)] {
    loops(try shipped()).filter { diagram, measured in
      switch (measured, diagram.vertices[0].bands) {
      case (.staggeredSpin, .equal), (.exchangeTorque, .equal), (.anomalousSpinCurrent, .unequal):
        false
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
        // The file's sign and -0.75.
        let expected = (quarter.values[bubble] ?? 0).multiplied(
          by: diagram.sign == 1 ? 0.25 : 1.75)
        #expect((sum - expected).length <= 1e-12 * quarter.magnitude)
      }
    }
  }
}
