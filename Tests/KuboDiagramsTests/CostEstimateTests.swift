// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import Testing

/// How long a spectrum takes.
@Suite struct CostEstimateTests {
  /// 2 s and 0.5 s for each frequency: 4 s for four, 10 s for 16, 102 s for 200.
  @Test func extrapolation() {
    let cost = CostEstimate(runs: [(1, 1, 2), (4, 4, 8), (16, 10, 20)], spent: 7, count: 200)
    #expect(cost.least == 102 && cost.most == 204 && cost.spent == 7 && cost.tried == 16)
    // No negative slope.
    let odd = CostEstimate(runs: [(1, 4, 4), (4, 3, 3)], spent: 7, count: 200)
    #expect(odd.least == 3 && odd.most == 3)
    let single = CostEstimate(runs: [(1, 3, 3)], spent: 3, count: 1)
    #expect(single.least == 3 && single.spent == 3)
    let both = CostEstimate([cost, odd])
    #expect(
      both.least == 105 && both.most == 207 && both.spent == 14 && both.tried == 4
        && both.count == 200)
  }

  /// Fine grids are counted, not summed, and what was counted would have taken long.
  @Test func fineGrids() async throws {
    let request = SpectrumRequest(
      model: try shippedModel("cubic"), mu: -3, temperature: 0.02, lifetime: .constant(0.05),
      omegas: [0.1, 0.7, 1.9],
      columns: [.init(response: Response("sigma")!, dressing: .bare)],
      diagrams: try shippedDiagrams(), tolerance: 1e-5, threads: 2)
    let forecast = CostForecast()
    let sketch = try await CostForecast.$current.withValue(forecast) {
      try await request.spectrum()
    }
    let whole = try await request.spectrum()
    #expect(
      forecast.seconds.least > 0 && forecast.seconds.most >= forecast.seconds.least
        && sketch.divisions < whole.divisions)
    #expect(whole.failures.isEmpty)
    #expect(sketch.failures.isEmpty)
  }

  /// Frequencies are taken over the whole axis, and none of a request without any.
  @Test func request() async throws {
    var request = SpectrumRequest(
      model: try shippedModel("chain"), mu: 0.3, temperature: 0.1, lifetime: .constant(0.2),
      omegas: [], directions: Directions(i: 0, j: 0),
      columns: [.init(response: Response("sigma")!, dressing: .bare)],
      diagrams: try shippedDiagrams(), tolerance: 1e-2, threads: 1)
    #expect(try await request.cost().most == 0)
    request.omegas = [0.1, 0.2, 0.3]
    let cost = try await request.cost()
    #expect(
      (2...3).contains(cost.tried) && cost.count == 3 && cost.least > 0)
    // What makes no sense is refused.
    request.tolerance = 2
    await #expect(throws: RequestError.self) { try await request.cost() }
  }
}
