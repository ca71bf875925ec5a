// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import Testing

/// How long a spectrum takes.
@Suite struct CostEstimateTests {
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
