// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboDiagrams
import KuboFiles
import Quadrature
import Testing
import kubo

/// The exit status of each sort of error, the one of a fault of the program among them: no input is
/// known to lead there, so errors that no command expects stand for such a fault.
@Suite struct ExitStatusTests {
  private struct Unforeseen: Error {}

  @Test func faults() {
    for error: any Error in [Unforeseen(), CancellationError(), CocoaError(.fileNoSuchFile)] {
      #expect(ExitStatus.of(error).rawValue == 70, "\(error)")
    }
  }

  /// A model or diagram that is wrong is the user's where a file says it, and a fault elsewhere.
  @Test func modelsWithoutFile() throws {
    let error = #expect(throws: ModelError.self) {
      try Model(
        name: "none", latticeVectors: [[1]], interSublattice: [], intraSublattice: [], exchange: 0)
    }
    #expect(ExitStatus.of(try #require(error)).rawValue == 70)
  }

  @Test func outputs() {
    let table: [(OutputError, Int32)] = [
      (.exists(path: "a"), 73), (.cannotCreate(path: "a", reason: "b"), 73),
      (.writeFailed(path: "a", reason: "b"), 74), (.permission(path: "a"), 77),
      (.tool(path: "a", reason: "b"), 69),
    ]
    for (error, status) in table { #expect(ExitStatus.of(error).rawValue == status, "\(error)") }
  }

  @Test func inputs() throws {
    func status(_ body: () throws -> Void) throws -> Int32 {
      let error = #expect(throws: FileError.self) { try body() }
      return ExitStatus.of(try #require(error)).rawValue
    }
    #expect(try status { _ = try ModelFile.read(path: "/nowhere/none.yaml") } == 66)
    #expect(try status { _ = try shippedModel("chain", ["K": 1]) } == 64)
    let scratch = try ScratchDirectory()
    let path = try scratch.file("m.yaml", "name: [")
    #expect(try status { _ = try ModelFile.read(path: path) } == 65)
  }

  /// What a request finds when it is asked too much, or when numbers do not converge.
  @Test func requests() async throws {
    func status(_ body: () async throws -> Void) async throws -> Int32 {
      do { try await body() } catch { return ExitStatus.of(error).rawValue }
      return 0
    }
    let model = try shippedModel("chain", ["t_prime": 0])
    func request(_ lifetime: Lifetime, temperature: Double) throws -> SpectrumRequest {
      SpectrumRequest(
        model: model, mu: -0.5, temperature: temperature, lifetime: lifetime, omegas: [0.1],
        columns: [], diagrams: try shippedDiagrams())
    }
    #expect(
      try await status { _ = try await request(.constant(0), temperature: 0).spectrum() } == 64)
    #expect(
      try await status {
        _ = try await request(.constant(0.1), temperature: 0).torque(impurities: nil, relaxation: 0)
      } == 80, "a van Hove energy")
    #expect(
      ExitStatus.of(QuadratureError(reason: "a", estimate: 1, allowed: 0)).rawValue == 80)
  }
}
