// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import KuboVerification
import Testing

/// The comparison of ``LoopTraceTests`` fails when something in a loop is changed: each change must
/// show as more than 1e-3 of the scale of the trace, nine orders above the tolerance.
@Suite struct LoopMutationTests {
  /// The lattice without symmetry and i, j = x, y, so that nothing vanishes or agrees by accident.
  static let lattice = IdentityLattice.oblique
  static let directions = Directions(i: 0, j: 1)
  static let threshold = 1e-3

  /// Some change at some of the points, for spin xx or xy, exceeds the threshold.
  private func shows(
    _ diagram: Diagram, _ changed: Diagram, _ measured: MeasuredOperator
  ) -> Bool {
    Self.lattice.waveVectors(3, seed: 8).contains { k in
      let f = EigenstateFrame(Self.lattice.model, k)
      let frame = Frame(Self.lattice.model, at: WaveVector(k), directions: Self.directions)
      return LoopTraceTests.components.contains { spin in
        let expected = LoopTraceTests.traces(diagram, measured, spin, f, Self.directions)
        let found = LoopTraceTests.engine([(changed, measured)], spin, frame)[0]
        return LoopTraceTests.distance(found, expected.values)
          > Self.threshold * expected.magnitude
      }
    }
  }

  @Test func anUnchangedDiagramDoesNot() throws {
    for (diagram, measured) in try LoopTraceTests.finiteLoops() {
      #expect(!shows(diagram, diagram, measured), "\(diagram.name)")
    }
  }

  @Test func theSign() throws {
    for (diagram, measured) in try LoopTraceTests.finiteLoops() {
      var changed = diagram
      changed.sign = -diagram.sign
      #expect(shows(diagram, changed, measured), "\(diagram.name) \(measured)")
    }
  }

  /// Every other band rule at every vertex, unless it keeps the same band labels or all that it
  /// adds vanishes.
  @Test func theBandRules() throws {
    var count = 0
    for (diagram, measured) in try LoopTraceTests.finiteLoops() {
      for m in diagram.vertices.indices {
        for rule in BandRule.allCases where rule != diagram.vertices[m].bands {
          var changed = diagram
          changed.vertices[m].bands = rule
          if labels(changed, measured) == labels(diagram, measured) { continue }
          #expect(shows(diagram, changed, measured), "\(diagram.name) \(measured) \(m) \(rule)")
          count += 1
        }
      }
    }
    #expect(count > 60)
  }

  /// The band labels that the vertices allow and the measured operator has: Sigma, and the torque with the same
  /// matrix, joins unequal bands only (S4.7), j_sA equal ones.
  private func labels(_ diagram: Diagram, _ measured: MeasuredOperator) -> Set<[Int]> {
    let size = diagram.vertices.count
    return Set(
      (0..<(1 << size)).map { code in (0..<size).map { code >> $0 & 1 } }.filter { bands in
        if [.staggeredSpin, .exchangeTorque].contains(measured), bands[size - 1] == bands[0] {
          return false
        }
        if measured == .anomalousSpinCurrent, bands[size - 1] != bands[0] { return false }
        return diagram.vertices.indices.allSatisfy { m in
          let equal = bands[(m + size - 1) % size] == bands[m]
          return switch diagram.vertices[m].bands {
          case .any: true
          case .equal: equal
          case .unequal: !equal
          }
        }
      })
  }

  /// Another operator at a vertex, with the frequencies as they are.
  @Test func theOperators() throws {
    let canting = try #require(VertexOperator.all.first { $0.name == "canting" })
    let gauge = try #require(VertexOperator.all.first { $0.name == "gauge" })
    for (diagram, measured) in try LoopTraceTests.finiteLoops() {
      for m in diagram.vertices.indices.dropFirst() {
        let operators = [gauge.name: canting, canting.name: gauge]
        guard let old = diagram.vertices[m].vertexOperator, let new = operators[old.name] else {
          continue
        }
        var changed = diagram
        changed.vertices[m].vertexOperator = new
        #expect(shows(diagram, changed, measured), "\(diagram.name) \(measured) \(m)")
      }
      let others = MeasuredOperator.allCases.filter { other in
        other != measured && (other == .chargeCurrent) == (measured == .chargeCurrent)
      }
      for other in others {
        let k = Self.lattice.waveVectors(1, seed: 8)[0]
        let f = EigenstateFrame(Self.lattice.model, k)
        let frame = Frame(Self.lattice.model, at: WaveVector(k), directions: Self.directions)
        let expected = LoopTraceTests.traces(diagram, measured, (.x, .x), f, Self.directions)
        let found = LoopTraceTests.engine([(diagram, other)], (.x, .x), frame)[0]
        #expect(
          LoopTraceTests.distance(found, expected.values) > Self.threshold * expected.magnitude,
          "\(diagram.name): \(other) for \(measured)")
      }
    }
  }

  /// The order of the vertices, the components and the directions.
  @Test func theOrder() throws {
    let k = Self.lattice.waveVectors(1, seed: 8)[0]
    let f = EigenstateFrame(Self.lattice.model, k)
    let frame = Frame(Self.lattice.model, at: WaveVector(k), directions: Self.directions)
    let turned = Frame(
      Self.lattice.model, at: WaveVector(k),
      directions: .init(i: Self.directions.j, j: Self.directions.i))
    for (diagram, measured) in try LoopTraceTests.finiteLoops()
    where diagram.vertices.count == 3 {
      func differs(
        _ changed: Diagram, _ spin: (measured: SpinComponent, field: SpinComponent),
        _ other: (measured: SpinComponent, field: SpinComponent), _ frame: Frame
      ) -> Bool {
        let expected = LoopTraceTests.traces(diagram, measured, spin, f, Self.directions)
        let found = LoopTraceTests.engine([(changed, measured)], other, frame)[0]
        return LoopTraceTests.distance(found, expected.values)
          > Self.threshold * expected.magnitude
      }
      let name = "\(diagram.name) \(measured)"
      // tr[tau^x_{k,s} tau^y_{k,s}] = 0 (S6.38): the spin against the canting has no xy part.
      if diagram.measures.contains(measured) {
        #expect(differs(diagram, (.x, .y), (.y, .x), frame), "\(name): xy for yx")
      }
      // d_i d_j H alone is symmetric.
      let isSymmetric =
        diagram.vertices.contains { $0.vertexOperator?.name == "electric_gradient" }
        && ![.spinCurrent, .anomalousSpinCurrent].contains(measured)
      #expect(
        differs(diagram, (.x, .x), (.x, .x), turned) != isSymmetric, "\(name): ji for ij")
      var changed = diagram
      changed.propagators = diagram.propagators.map {
        $0 == .inner ? .innerPlusExternal : .inner
      }
      changed.propagators.sort { a, _ in a == .innerPlusExternal }
      #expect(differs(changed, (.x, .x), (.x, .x), frame), "\(name): frequencies")
    }
  }
}
