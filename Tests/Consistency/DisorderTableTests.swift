// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboFiles
import Testing

/// The tables of stars that disorder lifetimes use.
@Suite struct DisorderTableTests {
  /// The traces of eight stars at once against those of one point after the other, through all loops
  /// and ladders at general energies.
  @Test(arguments: ["chain", "square", "honeycomb", "cubic"], [Lifetime.scba(0.3), .site(0.3)])
  func traces(_ name: String, _ lifetime: Lifetime) async throws {
    let model = try shippedModel(name)
    var request = SpectrumRequest(
      model: model, mu: -1, temperature: 0.1, lifetime: lifetime, omegas: [0.3], columns: [],
      diagrams: try shippedDiagrams(), tolerance: 1e-4, threads: 2)
    request.columns = Response.aliases.map { Response($0.alias)! }.flatMap { response in
      response.dressings(lifetime, request.diagrams).filter { $0 == .bare || $0 == .ladder }.map {
        .init(response: response, dressing: $0)
      }
    }
    #expect(request.columns.count >= 6)
    let zeta: [ComplexDouble] =
      lifetime == .scba(0.3)
      ? [.init(-0.7, 0.2), .init(-0.6, 0.15), .init(-1.1, -0.25), .init(-1.2, -0.2)]
      : [.init(-0.7, 0.2), .init(0.5, 0.05), .init(-1.1, -0.25), .init(0.45, -0.07)]
    // Another grid than the one that finds which traces vanish.
    let divisions = [60, 36, 20][model.dimension - 1]
    let fast = try await request.loopValues(divisions: divisions, zeta, pointByPoint: false)
    let slow = try await request.loopValues(divisions: divisions, zeta, pointByPoint: true)
    let largest = slow.map(\.length).max()!
    #expect(largest > 0.01)
    for (a, b) in zip(fast, slow) { #expect((a - b).length < 1e-12 * largest) }
  }
}
