// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboLattice
import KuboLoops
import RealModule

/// Reduced wave vectors without symmetry: an additive recurrence of irrational steps.
func verificationPoints(dimension: Int) -> [[Double]] {
  let steps = [0.754_877_666_246_693, 0.569_840_290_998_053, 0.430_159_709_001_947]
  return (1...4).map { n in
    (0..<dimension).map { a in
      let x = 0.137 + Double(n) * steps[a]
      return x - x.rounded(.down)
    }
  }
}

extension Model {
  /// Wave vectors without symmetry.
  var verificationWaveVectors: [[Double]] {
    verificationPoints(dimension: dimension).map(waveVector)
  }
}

extension ExactStatements {
  /// The engine's frames, traces and Matsubara sums at single wave vectors against explicit 4x4
  /// matrices V_k^dagger O V_k and against integrals by GSL.
  ///
  /// Rounding is a few 1e-16 of the product of the norms of the vertices.
  func vertexStatements() -> [Verification.Statement] {
    [bandStatement()] + traceStatements() + [bubbleStatement()]
  }

  private func bandStatement() -> Verification.Statement {
    var residual = 0.0
    for k in model.verificationWaveVectors {
      let frame = Frame(model, at: WaveVector(k), directions: directions)
      let f = EigenstateFrame(model, k)
      let expected = Matrix4.bothBands {
        frame.energy($0 == 1 ? .bonding : .antibonding).real * Matrix4.bandProjector($0)
      }
      let found = f.inEigenstates(f.hamiltonian)
      residual = larger(residual, found.distance(to: expected) / f.hamiltonian.norm)
    }
    return .init(
      subject: .vertices, claim: "V_k+ H_k V_k is diagonal and holds E_s", source: "(S1.2), (7)",
      residual: residual, tolerance: 1e-13, place: nil)
  }

  /// For each projection and measured operator, the diagrams' sum against the definition of the
  /// projection; for a projection of the user's own, against what its files declare.
  package func traceStatements() -> [Verification.Statement] {
    request.diagrams.diagrams.flatMap(\.contributesTo).unique.flatMap { name in
      MeasuredOperator.allCases.compactMap { measured in
        let members = request.diagrams.diagrams.filter {
          $0.contributesTo.contains(name) && $0.measures.contains(measured)
        }
        return members.isEmpty ? nil : projectionStatement(name, measured, members)
      }
    }
  }

  private func projectionStatement(
    _ projection: String, _ measured: MeasuredOperator, _ members: [Diagram]
  ) -> Verification.Statement {
    let definition = ExplicitLoop.definition(of: projection, measured)
    let loops = definition ?? members.map { ExplicitLoop($0, measured) }
    let components = SpinComponent.allCases.flatMap { a in SpinComponent.allCases.map { (a, $0) } }
    let tolerance = 1e-12
    var residual = 0.0
    var wrong = Set<Bubble>()
    let others = (0..<model.dimension).map { Directions(i: $0, j: directions.j) }
    let pairs = ([directions] + others).unique
    for k in model.verificationWaveVectors {
      let f = EigenstateFrame(model, k)
      for pair in pairs {
        let frame = Frame(model, at: WaveVector(k), directions: pair)
        for spin in components {
          let found = LoopWeights.traces(
            [.init(measured: measured, spin: spin, diagrams: members)], frame)[0]
          let scale = loops.map { $0.magnitude(spin, f, pair) }.max()!
          var expected: [Bubble: ComplexDouble] = [:]
          for loop in loops { expected.merge(loop.traces(spin, f, pair), uniquingKeysWith: +) }
          for bubble in Set(found.keys).union(expected.keys) {
            let difference = ((found[bubble] ?? 0) - (expected[bubble] ?? 0)).length
            // A scale of zero is a vertex that vanishes, as d_i H of flat bands.
            let relative = difference == 0 ? 0 : difference / scale
            residual = larger(residual, relative)
            if !(relative <= tolerance) { wrong.insert(bubble) }
          }
        }
      }
    }
    return .init(
      subject: .vertices,
      claim: "\(measured.name).\(projection): traces = 4x4 matrices in the eigenstate frame",
      source: definition == nil ? "as the files declare" : "docs/conventions.md 2",
      residual: residual, tolerance: tolerance,
      place: wrong.isEmpty
        ? nil
        : members.count < definition?.count ?? 0
          ? "wrong: a diagram is missing" : suspects(members, wrong))
  }

  /// The diagrams that have one of the bubbles that are wrong.
  private func suspects(_ members: [Diagram], _ wrong: Set<Bubble>) -> String {
    let found = members.filter { diagram in
      let keeps = ExplicitLoop(diagram, diagram.measures[0]).keeps
      return ExplicitLoop.bandLabels(diagram.vertices.count).filter(keeps).contains { labels in
        let bands = labels.map { $0 == 1 ? Band.bonding : .antibonding }
        let split = diagram.propagators.filter { $0 == .innerPlusExternal }.count
        return wrong.contains(
          Bubble(plus: Array(bands[..<split]), inner: Array(bands[split...])))
      }
    }
    return "wrong: "
      + (found.isEmpty ? "a diagram is missing" : found.map(\.name).joined(separator: " or "))
  }

  /// Each product of propagators under the Matsubara sum, in closed form, against the real-axis
  /// integral by GSL; in units of J, at the lifetime of the request, but no less than 0.01 J, where
  /// the integral is no longer sure of ten digits.
  private func bubbleStatement() -> Verification.Statement {
    let j = model.exchange
    let broadening = max(gamma / j, 0.01)
    let bound = (model.energyBound + abs(request.mu)) / j
    let closed = ClosedFormBubble(
      line: FermiLogarithm(
        temperature: request.temperature / j, broadening: broadening, reach: bound + 4))
    let axis = RealAxisBubble(temperature: request.temperature / j, broadening: broadening)
    var residual = 0.0
    var place: String?
    for (n, k) in model.verificationWaveVectors.prefix(2).enumerated() {
      let frame = Frame(model, at: WaveVector(k), directions: directions)
      let x = BandPair(
        bonding: (frame.energy(.bonding).real - request.mu) / j,
        antibonding: (frame.energy(.antibonding).real - request.mu) / j)
      let omega = [0.7, 2.3][n]
      for bubble in Bubble.known {
        do {
          let integral = try axis.value(bubble, x, omega: omega)
          let sum =
            ComplexDouble(closed.staticPart(bubble, x))
            + closed.dynamicQuotient(bubble, x, omega: omega).multiplied(by: omega)
          residual = larger(residual, (sum - integral).length / max(1, integral.length))
        } catch {
          place = "\(bubble): \(error)"
        }
      }
    }
    return .init(
      subject: .vertices, claim: "Matsubara sums: closed form = real-axis integral by GSL",
      source: "docs/conventions.md 3", residual: residual, tolerance: 1e-9, place: place)
  }
}
