// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboFiles
import KuboLattice
import KuboOrbitals
import KuboTestSupport
import KuboVerification
import Testing

/// What `kubo verify` says of magnets with orbitals: statements hold on the shipped ones, and what is wrong is seen.
@Suite struct CollinearVerificationTests {
  private func statements(
    _ name: String, broadening: Double = 0.5, directions: Directions = Directions(i: 0, j: 0)
  ) throws -> CollinearStatements {
    let path = "\(repository)/data/models/\(name).yaml"
    return statements(
      try ModelFile.read(path: path).orbitalModel(), broadening: broadening, directions: directions)
  }

  private func statements(
    _ model: OrbitalModel, broadening: Double = 0.5, directions: Directions = Directions(i: 0, j: 0)
  ) -> CollinearStatements {
    CollinearStatements(
      CollinearRequest(
        model: model, mu: -0.7, temperature: 0.02, broadening: broadening, omegas: [],
        directions: directions, responses: [], tolerance: 1e-4, threads: 2))
  }

  private func failing(_ statements: [Verification.Statement]) -> [String] {
    statements.filter { !$0.holds }.map { "\($0.claim): \($0.residual), \($0.reason)" }
  }

  /// Loops at single wave vectors are those of the spiral, to what finite differences leave.
  @Test(
    arguments: ["ferromagnet", "ferrimagnet", "altermagnet", "lieb", "kagome", "bcc", "chain"],
    [0, 1])
  func vertices(_ name: String, _ j: Int) async throws {
    if name == "chain", j > 0 { return }
    let found = try await statements(name, broadening: 0.1, directions: Directions(i: 0, j: j))
      .vertexStatements()
    #expect(found.count == 6 && failing(found) == [])
    #expect(found.allSatisfy { $0.residual < 1e-9 })
  }

  /// The same where nothing vanishes by symmetry; and a spiral of another magnet is seen.
  @Test func mutationsOfTheSpiral() async throws {
    let model = try lopsidedChain()
    var own = statements(model, broadening: 0.1)
    #expect(failing(try await own.vertexStatements()) == [])
    // A sign of one hop of one spin, a position, an exchange.
    let home = try #require(model.cells.firstIndex(of: [0]))
    var down = model.elements[1]
    for e in [2, 1] { down[home][e] = -down[home][e] }
    var moved = model.orbitals
    moved[1].position = [0.45]
    moved[1].downPosition = [0.45]
    for (orbitals, down) in [(model.orbitals, down), (moved, model.elements[1])] {
      own.reference = try OrbitalModel(
        name: "other", latticeVectors: model.latticeVectors, orbitals: orbitals,
        cells: model.cells, up: model.elements[0], down: down)
      let found = try await own.vertexStatements()
      #expect(failing(found).count == found.count)
      #expect(found.allSatisfy { $0.residual > 1e-3 })
    }
  }

  /// After the sum over the zone, and over frequencies.
  @Test(arguments: ["ferromagnet"] + (areTestsLong ? ["altermagnet", "lieb"] : []))
  func bare(_ name: String) async throws {
    let own = try statements(name, broadening: 0.6)
    let found = try await own.identityStatements() + own.causalityStatements()
    #expect(found.count == 7 && failing(found) == [])
  }

  @Test func mutationsOfBareStatements() async throws {
    var own = statements(try lopsidedChain())
    let right = try await own.identityStatements() + own.causalityStatements()
    #expect(right.count == 7 && failing(right) == [])
    own.mutation = .causality
    let causality = try await own.causalityStatements()
    #expect(causality.map(\.holds) == [false, true])
    own.mutation = .cell
    #expect(try await own.identityStatements().filter { !$0.holds }.map(\.claim.first) == ["a"])
    own.mutation = nil
    // The weight of another magnet.
    own.reference = try OrbitalModel(
      name: "other", latticeVectors: [[1.3]], orbitals: own.request.model.orbitals,
      hops: [.init(from: 0, to: 1, cell: [0], up: -1, down: -1)])
    #expect(try await own.causalityStatements().map(\.holds) == [true, false])
  }

  /// With impurities and their spins.
  @Test func ladder() async throws {
    var own = statements(try lopsidedChain())
    let impurities = OrbitalImpurities(scalar: [0.4, 0.3], isotropic: [0.06, 0.03])
    let found = try await own.ladderStatements(impurities)
    #expect(found.count == 5 && failing(found) == [])
    own.mutation = .relaxation
    let wrong = try await own.ladderStatements(impurities)
    #expect(wrong.map(\.holds) == [false, true, false, false, true])
  }

  /// On one grid in two and three dimensions too.
  @Test func alignment() throws {
    #expect(
      !Verification.Statement(
        subject: .alignment, claim: "", source: "", residual: 0.3, tolerance: 0.2, place: nil
      ).holds)
    #expect(
      Verification.Statement(
        subject: .alignment, claim: "", source: "", residual: 0.1, tolerance: 0.2, place: nil
      ).holds)
  }
}
