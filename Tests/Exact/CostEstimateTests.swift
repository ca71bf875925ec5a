// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import Testing

/// How long a spectrum takes.
@Suite struct CostEstimateTests {
  /// 2 s and 0.5 s for each frequency: 2.5 s for one, 4.5 s for five, 102 s for 200.
  @Test func extrapolation() {
    let cost = CostEstimate(one: 2.5, several: 4.5, tried: 5, count: 200)
    #expect(cost.seconds == 102 && cost.spent == 7)
    // No less than what five took, and no negative slope.
    let odd = CostEstimate(one: 4, several: 3, tried: 5, count: 200)
    #expect(odd.seconds == 4)
    let single = CostEstimate(one: 3, several: 3, tried: 1, count: 1)
    #expect(single.seconds == 3 && single.spent == 3)
    let both = CostEstimate([cost, odd])
    #expect(both.seconds == 106 && both.spent == 14 && both.tried == 5 && both.count == 200)
  }

  /// Frequencies are taken over the whole axis, and none of a request without any.
  @Test func request() async throws {
    var request = SpectrumRequest(
      model: try shippedModel("chain"), mu: 0.3, temperature: 0.1, lifetime: .constant(0.2),
      omegas: [], directions: Directions(i: 0, j: 0),
      columns: [.init(response: Response("sigma")!, dressing: .bare)],
      diagrams: try shippedDiagrams(), tolerance: 1e-2, threads: 1)
    #expect(try await request.cost().seconds == 0)
    request.omegas = [0.1, 0.2, 0.3]
    let cost = try await request.cost()
    #expect(cost.tried == 3 && cost.count == 3 && cost.seconds > 0 && cost.seconds <= cost.spent)
    // What makes no sense is refused.
    request.tolerance = 2
    await #expect(throws: RequestError.self) { try await request.cost() }
  }
}
