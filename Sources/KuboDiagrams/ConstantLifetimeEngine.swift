// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import KuboZoneSums
import RealModule

/// Responses with the constant lifetime 1/(2 Gamma): the energy integral in closed form at each k, then the zone
/// integral.
struct ConstantLifetimeEngine: SpectrumEngine {
  /// What is asked; its lifetime is not used.
  let request: SpectrumRequest
  /// Gamma, in energy units.
  let gamma: Double
  /// The bands that closed forms count.
  let bands: [Band]
  var model: Model { request.electrons.model }

  init(_ request: SpectrumRequest, gamma: Double, bands: [Band] = Band.allCases) {
    (self.request, self.gamma, self.bands) = (request, gamma, bands)
  }

  func spectrum() async throws -> Spectrum {
    var result = Spectrum(unfilled: request)
    // Where J is small, what needs to resolve it must not hold up what does not.
    let all = request.columns.indices
    var parts = [Array(all)]
    if isGapBelowWidth {
      let free = all.filter { zoneSum(outputs([$0])).isBandFree }
      parts = [free, all.filter { !free.contains($0) }]
    }
    for outputs in parts.map(outputs) where !outputs.isEmpty {
      do {
        try await fill(&result, outputs)
      } catch let error as NonConvergence {
        result.failures += outputs.map {
          EmptyCell(
            column: request.columns[$0].label, omega: nil, reason: "did not converge: \(error)")
        }
      }
    }
    try await addPrinted(to: &result)
    return result
  }

  func batches() -> ([Double]) async throws -> Spectrum {
    { try await request.asking(request.columns, omegas: $0).engine.spectrum() }
  }

  /// The loop of a column.
  func loop(_ column: SpectrumRequest.Column) -> LoopWeights.Sum {
    var sum = LoopWeights.Sum(
      measured: column.response.measured, spin: column.response.spin,
      diagrams: request.diagrams(of: column))
    sum.share = column.share
    return sum
  }

  /// Of the columns `chosen` those that come from the zone integral: bare loops, then closed forms with Q_s(omega).
  private func outputs(_ chosen: [Int]) -> [Int] {
    [.bare, .closed].flatMap { (dressing: Dressing) in
      chosen.filter { request.columns[$0].dressing == dressing }
    }
  }

  private func zoneSum(_ outputs: [Int]) -> ZoneSum {
    let columns = outputs.map { request.columns[$0] }
    return ZoneSum(
      model: model, directions: request.directions, mu: request.mu,
      temperature: request.temperature, broadening: gamma,
      loops: columns.filter { $0.dressing == .bare }.map(loop),
      closedForms: columns.filter { $0.dressing == .closed }.map {
        ($0.response.closedForm!, .corrected)
      }, bands: bands, threads: request.threads)
  }

  /// Whether sums over both bands are cheaper than contours of single ones, which resolve J.
  private var isGapBelowWidth: Bool {
    model.exchange < 2 * (gamma + .pi * request.temperature)
  }

  /// Whether contours of single bands are worth their survey: not where they would need to resolve a J far
  /// below what is summed or the hopping, nor, in three dimensions, where the real zone is done before.
  private func usesContours(_ sum: ZoneSum, _ direct: Double) -> Bool {
    guard TraceProgram.canEvaluate(sum.weights, model, sum.symmetries) else { return false }
    if sum.isBandFree, isGapBelowWidth {
      // With three propagators a frequency costs three times as much on the real zone.
      let hasTriples = sum.weights.keptBubbles.contains {
        sum.weights.bubbles[$0].plus.count + sum.weights.bubbles[$0].inner.count > 2
      }
      if !hasTriples || request.omegas.count < 10
        || model.exchange < gamma + .pi * request.temperature
      {
        return false
      }
    }
    let d = model.dimension
    if model.resolution(.infinity) > [1000, 300, 100][d - 1] { return false }
    if d < 3 { return true }
    func points(_ n: Double) -> Double { n * n * n }
    // In microseconds for each star: traces at its images and sums; geometry of two bands and its checks.
    let images = Double(sum.symmetries.count) / 2
    let each = 2 + 0.5 * images + 0.3 * Double(request.omegas.count * sum.outputCount)
    return each * points(15 * direct) > 15 * points(Double(ContourSurvey.divisions(model)))
  }

  /// Group 0 holds the static parts, group n + 1 the dynamic parts at omega n: from deformed zones
  /// if they can serve, otherwise from the real zone.
  private func fill(_ result: inout Spectrum, _ outputs: [Int]) async throws {
    let (sum, omegas) = (zoneSum(outputs), request.omegas)
    let tolerance = Tolerance(request.tolerance)
    let numbers = outputs.map { ReportedNumber(request.columns[$0], exchange: model.exchange) }
    let realZone = RealZoneEvaluation(
      zone: sum, gamma: gamma, omegas: omegas, temperature: request.temperature,
      tolerance: tolerance, reported: numbers)
    var found = [GridRefinement.Outcome?](repeating: nil, count: omegas.count + 1)
    if usesContours(sum, realZone.resolution) {
      found = try await ContourEvaluation(
        zone: sum, omegas: omegas, temperature: request.temperature, tolerance: tolerance,
        reported: numbers
      ).outcomes()
    }
    let left = found.indices.filter { found[$0] == nil || found[$0]!.failure != nil }
    if !left.isEmpty {
      WorkProgress.note("the real zone serves \(left.count) of \(found.count) functions")
      for (g, other) in try await realZone.outcomes(left) {
        // What has not converged here either is no better.
        if found[g] == nil || other.failure == nil { found[g] = other }
      }
    }
    let outcomes = found.map { $0! }
    result.divisions = max(result.divisions, outcomes.map(\.divisions).max()!)
    for (o, column) in outputs.enumerated() {
      func cell(_ outcome: GridRefinement.Outcome) -> Spectrum.Cell {
        if let reason = reason(outcome, o) { return .failure(reason) }
        return .value(outcome.estimates[o].value, outcome.errors[o], scale: outcome.scales[o])
      }
      result.fill(column, fixed: cell(outcomes[0])) { n in
        numbers[o].resonance(omegas[n]) == nil ? .pole : cell(outcomes[n + 1])
      }
    }
  }

  /// Why quantity `q` is not good enough, if so.
  private func reason(_ outcome: GridRefinement.Outcome, _ q: Int) -> String? {
    let tolerance = Tolerance(request.tolerance)
    guard let reason = tolerance.reason(outcome.errors[q], outcome.allowed[q]) else { return nil }
    let estimate = outcome.worst(q).estimate
    guard estimate < .infinity else {
      let error = NonConvergence(
        label: "zone integral", estimate: estimate, allowed: 0, divisions: outcome.divisions)
      return "did not converge: \(error.reason)"
    }
    let points =
      outcome.divisions == 0
      ? "by nested integrals" : "with \(outcome.divisions) points along each reciprocal vector"
    return
      "the zone integral \(reason), \(points); try a larger lifetime parameter or tolerance"
  }

  /// Fills the columns `closed_printed`: -i omega tau R(omega) W at omega tau << 1, without a static
  /// part; (S6.21), (S6.51), (S7.22), (S7.28).
  private func addPrinted(to spectrum: inout Spectrum) async throws {
    let columns = request.columns
    let printed = columns.indices.filter { columns[$0].dressing == .closedPrinted }
    guard columns.contains(where: { $0.dressing != .bare }) else { return }
    let coefficients: Coefficients
    do {
      coefficients = try await Coefficients(
        model: model, mu: request.mu, temperature: request.temperature,
        directions: request.directions,
        tolerance: printed.isEmpty ? 1e-3 : min(request.tolerance, 1e-6), threads: request.threads)
      spectrum.gapRatio = coefficients.gapRatio
    } catch let error where error is NonConvergence || error is VanHove {
      spectrum.gapRatioFailure = "\(error)"
      spectrum.failures += printed.map {
        .init(column: columns[$0].label, omega: nil, reason: "\(error)")
      }
      return
    }
    let tau = 1 / (2 * gamma)
    for n in printed {
      let form = columns[n].response.closedForm!
      let product = coefficients.entry(form, .printed).product
      let w = product.value.divided(by: form.coefficientFactor(exchange: model.exchange))
      let error = product.error / form.coefficientFactor(exchange: model.exchange)
      spectrum.fill(n, fixed: .value(.zero, PartErrors(0), scale: 0)) { m in
        let omega = request.omegas[m]
        guard let r = form.resonance(omega: omega, exchange: model.exchange) else { return .pole }
        let factor = ComplexDouble(0, -omega * tau) * r
        return .value(
          factor * w, PartErrors(factor.length * error), scale: factor.length * w.length)
      }
    }
  }
}
