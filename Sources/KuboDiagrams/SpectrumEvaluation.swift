// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import KuboZoneSums
import RealModule

extension SpectrumRequest {
  /// Computes the spectrum.
  ///
  /// - Throws: `RequestError` for a request that makes no sense, `CancellationError`. Cells that
  ///   do not converge, or that hit a pole, are empty and listed in ``Spectrum/failures``.
  public func spectrum() async throws -> Spectrum {
    try check()
    switch lifetime.order {
    case .energyThenZone: return try await energyThenZone()
    case .zoneThenEnergy(let impurities, let gamma):
      return try await zoneThenEnergy(impurities, gamma)
    }
  }

  /// Refuses impurities that cannot be computed, before other work.
  package func check(impurities gamma: Double?) throws {
    guard let gamma else { return }
    var request = self
    request.lifetime = .scba(gamma)
    request.columns = []
    try request.check()
  }

  /// Refuses what cannot be computed.
  package func check() throws {
    // Beyond these magnitudes products of energies leave the range of doubles.
    let largest = 1e30 * max(model.energyBound, 1)
    for (name, value) in [("mu", mu), ("temperature", temperature)] + omegas.map({ ("omega", $0) })
    {
      guard value.magnitude < largest else {
        throw RequestError(
          name, found: "\(value)",
          expected: "a finite energy of magnitude below \(significant(largest))")
      }
    }
    guard temperature >= 0, temperature.isFinite else {
      throw RequestError("temperature", found: "\(temperature)", expected: "a number, 0 or more")
    }
    let strength =
      switch lifetime {
      case .constant(let gamma): gamma
      case .scba(let gamma), .site(let gamma): gamma.squareRoot()
      }
    guard strength > 0, strength < largest else {
      throw RequestError(
        "lifetime", found: lifetime.description,
        expected: "a number above 0: without it the loops have poles on the real axis")
    }
    if case .zoneThenEnergy = lifetime.order {
      let most = 1e6 * model.hoppingBound
      guard model.exchange <= most else {
        throw RequestError(
          "J", found: significant(model.exchange),
          expected:
            "at most \(significant(most)) with impurities, a million times the hopping: beyond, the loops, of order (t/J)^2 of what is summed, are lost to rounding"
        )
      }
      guard strength <= most else {
        throw RequestError(
          "lifetime", found: lifetime.description,
          expected:
            "at most \(significant(most * most)), the square of a million times the hopping: beyond, the loops, of order t^2/gamma of what is summed, are lost to rounding"
        )
      }
    }
    guard tolerance > 0, tolerance < 1 else {
      throw RequestError("tolerance", found: "\(tolerance)", expected: "a number between 0 and 1")
    }
    let d = model.dimension
    guard (0..<d).contains(directions.i), (0..<d).contains(directions.j) else {
      throw RequestError(
        "direction", found: directions.description,
        expected:
          "two of \(Array("xyz")[..<d].map(String.init).joined(separator: ", ")), for a model in \(d) dimensions"
      )
    }
    for column in columns {
      let found = diagrams.diagrams(of: column.response)
      guard !found.isEmpty else {
        throw RequestError(
          "response", found: column.response.name,
          expected:
            "an alias (\(Response.aliases.map(\.alias).joined(separator: ", "))) or one of \(diagrams.available.joined(separator: ", "))"
        )
      }
      if let name = column.diagram, !found.contains(where: { $0.name == name }) {
        throw RequestError(
          "diagram", found: name, expected: found.map(\.name).joined(separator: ", "))
      }
      if let share = column.share {
        guard column.dressing == .bare, lifetime.order.impurities != .site else {
          throw RequestError(
            "band", found: "\(column.label) with lifetime \(lifetime.description)",
            expected: "bare loops of propagators that each belong to a band")
        }
        let shares = diagrams.shares(of: column.response)
        guard shares.contains(share) else {
          throw RequestError(
            "band", found: column.label, expected: shares.map(\.rawValue).joined(separator: ", "))
        }
      }
      let dressings = column.response.dressings(lifetime, diagrams)
      guard dressings.contains(column.dressing) else {
        throw RequestError(
          "dressing",
          found:
            "\(column.dressing.rawValue) for \(column.response.name) with lifetime \(lifetime.description)",
          expected: dressings.isEmpty
            ? "an unprojected response, as sigma, s_full or Sigma_full: impurities on the sites mix the bands"
            : dressings.map(\.rawValue).joined(separator: ", "))
      }
    }
  }

  /// The numbers that come from the zone integral: bare loops and closed forms with Q_s(omega).
  private func zoneSum(_ chosen: [Int]) -> (sum: ZoneSum, outputs: [Int]) {
    guard case .constant(let gamma) = lifetime else { preconditionFailure("checked by the order") }
    let bare = chosen.filter { columns[$0].dressing == .bare }
    let closed = chosen.filter { columns[$0].dressing == .closed }
    let sums = bare.map { n in
      let column = columns[n]
      let all = diagrams.diagrams(of: column.response)
      var sum = LoopWeights.Sum(
        measured: column.response.measured, spin: column.response.spin,
        diagrams: column.diagram.map { name in all.filter { $0.name == name } } ?? all)
      sum.share = column.share
      return sum
    }
    return (
      ZoneSum(
        model: model, directions: directions, mu: mu, temperature: temperature, broadening: gamma,
        loops: sums, closedForms: closed.map { (columns[$0].response.closedForm!, .corrected) },
        bands: onlyBand.map { [$0] } ?? Band.allCases,
        threads: threads), bare + closed
    )
  }

  /// Whether sums over both bands are cheaper than contours of single ones, which resolve J.
  private func isGapBelowWidth(_ gamma: Double) -> Bool {
    model.exchange < 2 * (gamma + .pi * temperature)
  }

  /// Whether contours of single bands are worth their survey: not where they would need to resolve a J far
  /// below what is summed or the hopping, nor, in three dimensions, where the real zone is done before.
  private func usesContours(_ sum: ZoneSum, _ gamma: Double) -> Bool {
    guard TraceProgram.canEvaluate(sum.weights, model, sum.symmetries) else { return false }
    if sum.isBandFree, isGapBelowWidth(gamma) {
      // With three propagators a frequency costs three times as much on the real zone.
      let hasTriples = sum.weights.keptBubbles.contains {
        sum.weights.bubbles[$0].plus.count + sum.weights.bubbles[$0].inner.count > 2
      }
      if !hasTriples || omegas.count < 10 || model.exchange < gamma + .pi * temperature {
        return false
      }
    }
    let d = model.dimension
    if model.resolution(.infinity) > [1000, 300, 100][d - 1] { return false }
    if d < 3 { return true }
    func points(_ n: Double) -> Double { n * n * n }
    // In microseconds for each star: traces at its images and sums; geometry of two bands and its checks.
    let images = Double(sum.symmetries.count) / 2
    let each = 2 + 0.5 * images + 0.3 * Double(omegas.count * sum.outputCount)
    let direct = realZoneResolution(sum, gamma)
    return each * points(15 * direct) > 15 * points(Double(ContourSurvey.divisions(model)))
  }

  private func energyThenZone() async throws -> Spectrum {
    guard case .constant(let gamma) = lifetime else { preconditionFailure("checked by the order") }
    var result = Spectrum(unfilled: self)
    // Where J is small, what needs to resolve it must not hold up what does not.
    var parts = [Array(columns.indices)]
    if isGapBelowWidth(gamma) {
      let free = columns.indices.filter { zoneSum([$0]).sum.isBandFree }
      parts = [free, columns.indices.filter { !free.contains($0) }]
    }
    for chosen in parts {
      let (sum, outputs) = zoneSum(chosen)
      guard !outputs.isEmpty else { continue }
      do {
        let outcomes = try await outcomes(sum, outputs, gamma)
        fill(&result, outcomes, outputs)
      } catch let error as NonConvergence {
        result.failures += outputs.map {
          Spectrum.Failure(
            column: columns[$0].label, omega: nil, reason: "did not converge: \(error)")
        }
      }
    }
    try await addPrinted(to: &result, gamma: gamma)
    return result
  }

  /// Group 0 holds the static parts, group n + 1 the dynamic parts at omega n: from deformed zones
  /// if they can serve, otherwise from the real zone.
  private func outcomes(_ sum: ZoneSum, _ outputs: [Int], _ gamma: Double) async throws
    -> [GridRefinement.Outcome]
  {
    var found = [GridRefinement.Outcome?](repeating: nil, count: omegas.count + 1)
    if usesContours(sum, gamma) {
      found = try await ContourEvaluation(
        zone: sum, omegas: omegas, temperature: temperature,
        tolerance: tolerance, reported: reported(outputs)
      ).outcomes()
    }
    let left = found.indices.filter { found[$0] == nil || found[$0]!.failure != nil }
    guard !left.isEmpty else { return found.map { $0! } }
    WorkProgress.note("the real zone serves \(left.count) of \(found.count) functions")
    for (g, other) in try await realZone(sum, outputs, gamma, left) {
      // What has not converged here either is no better.
      if found[g] == nil || other.failure == nil { found[g] = other }
    }
    return found.map { $0! }
  }

  private func fill(
    _ result: inout Spectrum, _ outcomes: [GridRefinement.Outcome], _ outputs: [Int]
  ) {
    result.divisions = outcomes.map(\.divisions).max() ?? 0
    let reported = reported(outputs)
    for (o, column) in outputs.enumerated() {
      let label = columns[column].label
      let own = outcomes[0].estimates[o]
      if let reason = reason(outcomes[0], o) {
        result.failures.append(.init(column: label, omega: nil, reason: "static part: " + reason))
        continue
      }
      result.columns[column].staticPart = own.value
      for (n, omega) in omegas.enumerated() {
        let outcome = outcomes[n + 1]
        if reported[o].resonance(omega) == nil {
          result.poles.append(.pole(label, omega))
        } else if let reason = reason(outcome, o) {
          result.failures.append(.init(column: label, omega: omega, reason: reason))
        } else {
          result.columns[column].values[n] = Spectrum.Value(
            dynamic: outcome.estimates[o].value,
            error: outcome.estimates[o].error + (isPerField ? 0 : own.error),
            scale: outcome.scales[o])
        }
      }
    }
  }

  /// Why quantity `q` is not good enough, if so.
  private func reason(_ outcome: GridRefinement.Outcome, _ q: Int) -> String? {
    if outcome.hasConverged(q) { return nil }
    let (estimate, allowed) = outcome.worst(q)
    guard estimate < .infinity else {
      let error = NonConvergence(
        label: "zone integral", estimate: estimate, allowed: 0, divisions: outcome.divisions)
      return "did not converge: \(error)"
    }
    return "the zone integral did not converge: error estimate \(significant(estimate)), allowed "
      + "\(significant(allowed)) (tolerance \(significant(tolerance))), with \(outcome.divisions) points along "
      + "each reciprocal vector; a larger lifetime parameter or tolerance would do"
  }

  /// What is reported of each of `outputs`.
  func reported(_ outputs: [Int]) -> [ReportedNumber] {
    outputs.map {
      let column = columns[$0]
      return ReportedNumber(
        isPerField: isPerField(column),
        closed: column.dressing == .closed ? column.response.closedForm : nil,
        exchange: model.exchange)
    }
  }
}
