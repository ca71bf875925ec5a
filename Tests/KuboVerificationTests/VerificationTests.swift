// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboDiagrams
import KuboVerification
import KuboFiles
import Testing

/// What `kubo verify` sees: every wrong sign, in a diagram file or in a vertex, is caught by an identity
/// or by the explicit matrices in the eigenstate frame, and nothing else is.
@Suite struct VerificationTests {
  /// A state where nothing vanishes by symmetry, and one where zone integrals are cheap.
  private func request(_ diagrams: [Diagram], _ lattice: IdentityLattice) -> SpectrumRequest {
    SpectrumRequest(
      model: lattice.model, mu: -1.2, temperature: 0.05, lifetime: .constant(0.1), omegas: [],
      directions: Directions(i: 0, j: lattice.model.dimension > 1 ? 1 : 0), columns: [],
      diagrams: DiagramSet(diagrams), tolerance: 1e-6, threads: 2)
  }

  private func statements(_ diagrams: [Diagram], _ lattice: IdentityLattice) -> ExactStatements {
    ExactStatements(request(diagrams, lattice), gamma: 0.1)
  }

  /// The statements that fail with these diagrams.
  private func failures(_ diagrams: [Diagram]) async throws -> [Verification.Statement] {
    try await
      (statements(diagrams, .oblique).traceStatements()
      + statements(diagrams, .dimerised).identityStatements()).filter { !$0.holds }
  }

  /// The statements about traces of `diagrams` that fail, of the projections of `one` alone.
  private func failingTraces(_ diagrams: [Diagram], of one: Diagram) -> [Verification.Statement] {
    let own = diagrams.filter { !Set($0.contributesTo).isDisjoint(with: one.contributesTo) }
    return statements(own, .oblique).traceStatements().filter { !$0.holds }
  }

  private func shipped() throws -> [Diagram] { try shippedDiagrams().diagrams }

  @Test func nothingFailsAsShipped() async throws {
    #expect(try await failures(shipped()).map(\.claim) == [])
  }

  /// What statements cite is there for a reader: numbers of the paper, or sections of the guide.
  @Test func sources() async throws {
    let guide = try String(contentsOfFile: "\(repository)/docs/conventions.md", encoding: .utf8)
    let request = SpectrumRequest(
      model: try shippedModel("chain"), mu: -1.2, temperature: 0.1, lifetime: .constant(0.3),
      omegas: [], columns: [], diagrams: try shippedDiagrams(), tolerance: 1e-4, threads: 2)
    let own = ExactStatements(request, gamma: 0.3)
    var statements =
      try await request.verification(impurities: nil).statements + own.conservationStatements(0.4)
    #expect(Set(statements.map(\.subject)).count == 3)
    // Causality of the ladder takes long; the program's tests hold that it does not fail.
    if areTestsLong { statements += try await own.ladderRouteStatements(0.4) }
    for source in Set(statements.map(\.source)) {
      if source == "as the files declare" { continue }
      let rest = source.trimmingPrefix("docs/conventions.md ")
      if rest == source[...] {
        #expect(source.wholeMatch(of: /\(S?[\d.ab]+\)(,? .*)?|Fig. S1|GSL.*/) != nil, "\(source)")
        continue
      }
      for match in rest.replacing("Fig. S1", with: "").matches(of: /(\d)(\.(\d))?/) {
        let section = try #require(guide.range(of: "\n## \(match.1). "), "\(source)")
        let text = guide[section.upperBound...]
        let end = text.range(of: "\n## ")?.lowerBound ?? text.endIndex
        if let item = match.3 { #expect(text[..<end].contains("\n\(item). "), "\(source)") }
      }
    }
  }

  /// The sign of each file, the sign of each vertex of each file, and each band rule.
  @Test func everyMutationOfAFile() async throws {
    let shipped = try shipped()
    var report: [String] = []
    for n in shipped.indices {
      var mutations: [(name: String, diagram: Diagram)] = []
      var changed = shipped[n]
      changed.sign = -changed.sign
      mutations.append(("sign", changed))
      for m in shipped[n].vertices.indices.dropFirst() {
        var changed = shipped[n]
        let old = shipped[n].vertices[m].vertexOperator!
        var wrong = old
        wrong.factor = -old.factor
        changed.vertices[m].vertexOperator = wrong
        mutations.append(("sign of \(old.name)", changed))
      }
      let name = shipped[n].name
      let isCanting = name.hasPrefix("canting_")
      var residuals: [Double] = []
      for (what, mutation) in mutations {
        var diagrams = shipped
        diagrams[n] = mutation
        let traces = statements(diagrams, .oblique).traceStatements().filter { !$0.holds }
        // The traces say which file is wrong; of four propagators two files have the same bubbles.
        let places = traces.compactMap(\.place).map {
          $0.trimmingPrefix("wrong: ").components(separatedBy: " or ")
        }
        #expect(
          places.contains { $0.contains(name) && $0.count <= (isCanting ? 2 : 1) },
          "\(name), \(what): \(places)")
        // A vertex of the other sign gives the loop of the other sign.
        if what == "sign" { residuals = traces.map(\.residual) }
        #expect(traces.map(\.residual) == residuals, "\(name), \(what)")
        // The same loops: those of the file's sign are enough.
        if what != "sign", !areTestsLong { continue }
        let own = statements(diagrams, .dimerised)
        let identities =
          try await (isCanting ? own.cantingStatements(0.3) : own.identityStatements())
          .filter { !$0.holds }.map(\.claim)
        #expect(!identities.isEmpty, "\(name), \(what)")
        report.append(
          "\(name) | \(what) | \(traces.count) traces | " + identities.joined(separator: "; "))
      }
    }
    print(report.joined(separator: "\n"))
    #expect(report.count >= (areTestsLong ? 41 : shipped.count))
  }

  /// A band rule that lets other bands pass, unless it comes to the same.
  @Test func bandRules() throws {
    let shipped = try shipped()
    var count = 0
    for n in shipped.indices {
      for m in shipped[n].vertices.indices {
        for rule in BandRule.allCases where rule != shipped[n].vertices[m].bands {
          var changed = shipped
          changed[n].vertices[m].bands = rule
          let keeps = [shipped[n], changed[n]].map { d in
            let loop = ExplicitLoop(d, d.measures[0])
            return ExplicitLoop.bandLabels(d.vertices.count).map(loop.keeps)
          }
          if keeps[0] == keeps[1] { continue }
          let seen = failingTraces(changed, of: shipped[n])
          #expect(!seen.isEmpty, "\(shipped[n].name): \(rule.rawValue) at vertex \(m)")
          count += 1
        }
      }
    }
    #expect(count > 40)
  }

  /// A file that is left out, and one that is there twice.
  @Test func missingAndDoubled() throws {
    let shipped = try shipped()
    for n in shipped.indices {
      var less = shipped
      less.remove(at: n)
      // A projection of a single diagram is gone with it, and asking for it is an error.
      let alone = shipped[n].contributesTo.allSatisfy { name in
        less.allSatisfy { !$0.contributesTo.contains(name) }
      }
      if !alone {
        let seen = failingTraces(less, of: shipped[n])
        #expect(seen.contains { $0.place!.contains("missing") }, "\(shipped[n].name)")
      }
      let seen = failingTraces(shipped + [shipped[n]], of: shipped[n])
      #expect(!seen.isEmpty, "\(shipped[n].name)")
    }
  }

  /// What is wrong is a statement that fails and names a diagram, not the end of all: a letter that no
  /// longer measures the spin, and a sign that leaves loops which do not vanish at infinity.
  @Test func whatCannotBeComputed() async throws {
    let shipped = try shipped()
    func failures(_ name: String, _ change: (inout Diagram) -> Void) async throws
      -> [Verification.Statement]
    {
      var diagrams = shipped
      change(&diagrams[try #require(shipped.firstIndex { $0.name == name })])
      let request = SpectrumRequest(
        model: try shippedModel("chain"), mu: -1.2, temperature: 0.02, lifetime: .constant(0.05),
        omegas: [], columns: [], diagrams: DiagramSet(diagrams), tolerance: 1e-4, threads: 2)
      return try await request.verification(impurities: nil).statements.filter { !$0.holds }
    }
    let missing = try await failures("nonadiabatic.b") { $0.measures = [.staggeredSpin] }
    #expect(
      missing.contains {
        $0.claim == "(a) + ... + (f) = O nonadiabatic" && $0.reason.contains("nonadiabatic.b")
      }, "\(missing)")
    let wrong = try await failures("full.electric_first") { $0.sign = -1 }
    #expect(wrong.contains { $0.reason.contains("full.electric_first") })
    #expect(
      wrong.contains { $0.claim.hasPrefix("causality") && $0.reason.contains("large omega") },
      "\(wrong)")
  }

  /// The signs of the measured operators: s against Sigma in spin continuity.
  @Test func theSignOfSigma() async throws {
    var diagrams: [Diagram] = []
    for diagram in try shipped() where diagram.measures.contains(.staggeredSpin) {
      var (spin, staggered) = (diagram, diagram)
      spin.measures = [.spin]
      spin.name += ".s"
      staggered.measures = [.staggeredSpin]
      staggered.sign = -1
      diagrams += [spin, staggered]
    }
    func failures(_ diagrams: [Diagram]) async throws -> [Verification.Statement] {
      try await statements(diagrams, .dimerised).conservationStatements(0.3).filter { !$0.holds }
    }
    let seen = try await failures(diagrams)
    #expect(seen.contains { $0.claim.contains("spin continuity") })
    #expect(try await failures(shipped()).map(\.claim) == [])
  }

  /// A tolerance that proves nothing does not pass, nor does a residual that is no number.
  @Test func whatPasses() {
    func statement(_ residual: Double, _ tolerance: Double, _ place: String? = nil) -> Bool {
      Verification.Statement(
        subject: .bare, claim: "", source: "", residual: residual, tolerance: tolerance,
        place: place
      ).holds
    }
    #expect(statement(1e-3, 2e-3))
    #expect(!statement(3e-3, 2e-3))
    #expect(!statement(1e-3, 0.02))
    #expect(!statement(.nan, 2e-3))
    #expect(!statement(0, 0, "did not converge"))
    #expect(!statement(.infinity, .infinity))
  }

  /// A loose tolerance, as that of a quick report, does not make statements fail that hold.
  @Test func looseTolerance() async throws {
    let request = SpectrumRequest(
      model: try shippedModel("chain"), mu: -1.2, temperature: 0.02, lifetime: .constant(0.3),
      omegas: [], columns: [], diagrams: try shippedDiagrams(), tolerance: 0.5, threads: 2)
    let verification = try await request.verification(impurities: nil)
    #expect(verification.statements.count > 20)
    let failing = verification.statements.filter { !$0.holds }
    #expect(failing.isEmpty, "\(failing.map { "\($0.claim): \($0.reason)" })")
  }
}
