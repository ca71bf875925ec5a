// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDisorder
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import RealModule

/// Responses with impurities: zone averages at given complex energies, then the ladder, then the energy integral, for
/// self-energies that depend on energy.
package struct ImpurityEngine: SpectrumEngine {
  /// What is asked; its lifetime is not used.
  let request: SpectrumRequest
  let impurities: Impurities
  /// Their strength, in squared energy units.
  let gamma: Double
  let rungs: Rungs
  var model: Model { request.electrons.model }

  /// The engine; with `rungs` the ladder is broken off, for tests of its sum.
  package init(
    _ request: SpectrumRequest, _ impurities: Impurities, gamma: Double, rungs: Rungs = .all
  ) {
    (self.request, self.impurities, self.gamma, self.rungs) = (request, impurities, gamma, rungs)
  }

  package func spectrum() async throws -> Spectrum { try await batches()(request.omegas) }

  func batches() async throws -> ([Double]) async throws -> Spectrum {
    let columns = request.columns
    let closed = columns.indices.filter { columns[$0].dressing == .closed }
    let loops = columns.indices.filter { !closed.contains($0) }
    let shared = try await attempt {
      try await loops.isEmpty
        ? nil : energyIntegral(loops, upTo: request.omegas.map(abs).max())
    }
    return { omegas in
      let asked = ImpurityEngine(
        request.asking(columns, omegas: omegas), impurities, gamma: gamma, rungs: rungs)
      var result = Spectrum(unfilled: asked.request)
      // What fails leaves the other columns theirs.
      for chosen in [loops, closed] where !chosen.isEmpty {
        do {
          if chosen == closed {
            try await asked.addClosedForms(chosen, to: &result)
          } else if let shared = try shared.get() {
            try await asked.addLoops(chosen, shared, to: &result)
          }
        } catch let error where error is NonConvergence || error is SelfEnergyFailure {
          result.failures += chosen.map {
            .init(column: columns[$0].label, omega: nil, reason: "\(error)")
          }
        }
      }
      return result
    }
  }

  /// The loops of the columns `chosen`.
  package func pairLoops(_ chosen: [Int]) -> PairLoops {
    let outputs = chosen.map { n in
      let column = request.columns[n]
      return LoopOutput(
        response: column.response, diagrams: request.diagrams(of: column), share: column.share,
        isDressed: column.dressing == .ladder)
    }
    switch impurities {
    case .scba:
      return .scba(
        BandLoops(
          model, directions: request.directions, gamma: gamma, outputs: outputs,
          form: request.ladderForm, rungs: rungs))
    case .site:
      return .site(
        SublatticeLoops(
          model, directions: request.directions, gamma: gamma, outputs: outputs, rungs: rungs))
    }
  }

  typealias Energies = (crystal: ImpurityCrystal, queue: PairQueue, integral: EnergyIntegral)

  /// The crystal and the energy integrals of the columns `chosen`, on the real axis up to omega = `largest`.
  func energyIntegral(_ chosen: [Int], upTo largest: Double?) async throws -> Energies {
    let (mu, threads) = (request.mu, request.threads)
    let loops = pairLoops(chosen)
    var crystal = ImpurityCrystal(
      model, impurities, gamma, directions: request.directions,
      traces: loops.traces(model, request.directions), threads: threads)
    let thermalReach = EnergyIntegral.thermalReach(request.tolerance)
    var edges: [Double] = []
    if let largest {
      let reach = largest + thermalReach * request.temperature
      edges = try await crystal.makeSurvey(from: mu - reach, to: mu + reach, threads: threads)
      edges += crystal.criticalEnergies(model, besides: edges)
      WorkProgress.note("self-energies: \(edges.count) edges and critical energies in the window")
    }
    let state = try await crystal.approximate(ComplexDouble(mu))
    let queue = PairQueue(crystal, loops, threads: threads)
    // Pieces of the window shorter than rounding would have no points inside.
    let integral = EnergyIntegral(
      mu: mu, temperature: request.temperature, outputCount: chosen.count, width: crystal.width,
      edges: edges, edgeError: 1e-9, smoothness: max(0, state.energies.map(\.imaginary).min()!),
      thermalReach: thermalReach
    ) { try await queue.sums($0) }
    return (crystal, queue, integral)
  }

  private func addLoops(_ chosen: [Int], _ energies: Energies, to result: inout Spectrum)
    async throws
  {
    let omegas = request.omegas
    let (crystal, queue, integral) = energies
    // They go on side by side and end together: how many have ended tells nothing of the time left.
    let dynamics = try await WorkProgress.stage(
      "energy integrals", unit: "frequencies", of: omegas.count
    ) { stage in
      try await queue.map(omegas.count) { n in
        defer { stage?.advance() }
        return try await attempt { try await dynamic(integral, crystal, omegas[n], chosen) }
      }
    }
    let known = dynamics.compactMap { try? $0.get() }
    let largest = chosen.indices.map { o in known.map { $0.values[o].length }.max() ?? 0 }
    let fixed = try await WorkProgress.stage("static part") { _ in
      try await attempt {
        try await refined(references: largest) { try await integral.staticPart($0) }
      }
    }
    for (o, c) in chosen.enumerated() {
      func cell(
        _ result: Result<EnergyIntegral.Result, any Error>, _ references: [Double]?
      ) -> Spectrum.Cell {
        switch result {
        case .failure(let error): return .failure("\(error)")
        case .success(let found):
          let errors = found.errors[o]
          let limit = allowed(found, references)[o]
          if let reason = tolerance.reason(errors, limit) { return .failure(reason) }
          return .value(found.values[o], errors, scale: found.scales[o])
        }
      }
      result.fill(c, fixed: cell(fixed, largest)) { cell(dynamics[$0], nil) }
    }
    if case .success(let fixed) = fixed {
      result.divisions = ([fixed] + known).map(\.divisions).max()!
    }
  }

  private var tolerance: Tolerance { Tolerance(request.tolerance) }

  /// The error that each part of each value may have; see ``Spectrum``.
  private func allowed(_ found: EnergyIntegral.Result, _ references: [Double]?) -> [PartErrors] {
    // What a sum over energies of zone averages loses by rounding.
    tolerance.allowed(
      found.values, scales: found.scales, rounding: found.scales.map { 2.5e-14 * $0 },
      references: references)
  }

  /// An integral whose errors are as small as is allowed, or nearly so.
  private func refined(
    references: [Double]? = nil,
    _ integral: ([PartErrors]?) async throws -> EnergyIntegral.Result
  ) async throws -> EnergyIntegral.Result {
    try await EnergyIntegral.refined({ allowed($0, references) }, integral).result
  }

  /// K(omega) - K(0), or per field as sigma(omega), of the columns `chosen`.
  private func dynamic(
    _ integral: EnergyIntegral, _ crystal: ImpurityCrystal, _ omega: Double, _ chosen: [Int]
  ) async throws -> EnergyIntegral.Result {
    func quotients(_ omega: Double) async throws -> EnergyIntegral.Result {
      var result = try await refined { try await integral.dynamicPart(omega: omega, $0) }
      for (o, c) in chosen.enumerated() where request.columns[c].isQuotient {
        // As sigma = (i/omega) [Pi(omega) - Pi(0)].
        result.values[o] *= ComplexDouble(0, 1 / omega)
        result.errors[o] = PartErrors(
          real: result.errors[o].imaginary / abs(omega),
          imaginary: result.errors[o].real / abs(omega))
        result.scales[o] /= abs(omega)
      }
      return result
    }
    if omega != 0 { return try await quotients(omega) }
    // At omega = 0 every K(omega) - K(0) vanishes, and what is per field is real: that part is even in
    // omega.
    guard chosen.contains(where: { request.columns[$0].isQuotient }) else {
      return .init(
        values: chosen.map { _ in .zero },
        errors: chosen.map { _ in PartErrors(0) },
        scales: chosen.map { _ in 0 }, rounding: chosen.map { _ in 0 })
    }
    // The narrowest level at mu decides how fast it varies.
    let state = try await crystal.exact(ComplexDouble(request.mu))
    let levels = state.x.levelWidths
    let widths = [levels.lowerBound, levels.upperBound].filter {
      $0 > 1e-5 * crystal.width
    }
    let step =
      0.08
      * (widths.min().map { 2 * $0 }
        ?? max(integral.smoothness, .pi * request.temperature, 1e-3 * crystal.width))
    var s: [EnergyIntegral.Result] = []
    for n in 0..<4 { s.append(try await quotients(2 * step / Double(1 << n))) }
    var result = s[3]
    for (o, c) in chosen.enumerated() {
      // Without the terms of omega^2, omega^4 and omega^6 (Richardson).
      func extrapolated(_ v: [Double], _ factor: Double) -> [Double] {
        zip(v, v.dropFirst()).map { (factor * $1 - $0) / (factor - 1) }
      }
      let once = extrapolated(s.map { $0.values[o].real }, 4)
      let twice = extrapolated(once, 16)
      let limit = (64 * twice[1] - twice[0]) / 63
      let isCurrent = request.columns[c].isQuotient
      result.values[o] = isCurrent ? ComplexDouble(limit) : .zero
      let error = abs(limit - twice[1]) + 2 * s.map { $0.errors[o].real }.max()!
      result.errors[o] = PartErrors(real: isCurrent ? error : 0, imaginary: 0)
    }
    return result
  }

  /// The closed forms with the lifetime of each band at mu, -1/(2 Im Sigma_s(mu)).
  private func addClosedForms(_ chosen: [Int], to result: inout Spectrum) async throws {
    let (mu, temperature) = (request.mu, request.temperature)
    let crystal = ImpurityCrystal(
      model, .scba, gamma, directions: request.directions, traces: .energies(model, .scba),
      threads: request.threads)
    let state = try await crystal.exact(ComplexDouble(mu))
    var widths: [(band: Band, width: Double)] = []
    for s in Band.allCases {
      // In the gap -Im Sigma is rounding.
      if state.x.levelWidth(s) > 1e-9 * crystal.width {
        widths.append((s, state.x.levelWidth(s)))
        continue
      }
      let distance = try await crystal.distanceToBand(s, from: mu)
      guard temperature == 0 || distance > temperature * -Double.log(1e-3 * request.tolerance)
      else {
        widths = []
        break
      }
    }
    guard !widths.isEmpty else {
      result.failures += chosen.map {
        .init(
          column: request.columns[$0].label, omega: nil,
          reason:
            "mu = \(mu) lies in the gap of a band that counts, so that there is no lifetime -1/(2 Im Sigma(mu)) at the Fermi level; leave the closed form out, or choose another mu"
        )
      }
      return
    }
    result.widths = widths
    let closed = request.asking(chosen.map { request.columns[$0] })
    var parts: [Spectrum] = []
    for (band, width) in widths {
      parts.append(
        try await ConstantLifetimeEngine(closed, gamma: width, bands: [band]).spectrum())
    }
    for part in parts {
      result.failures += part.failures.filter { !result.failures.contains($0) }
      result.poles += part.poles.filter { !result.poles.contains($0) }
    }
    for (n, c) in chosen.enumerated() {
      let own = parts.map { $0.columns[n] }
      result.columns[c].staticPart = own.reduce(ComplexDouble.zero) { sum, column in
        sum.flatMap { s in column.staticPart.map { s + $0 } }
      }
      for w in request.omegas.indices {
        result.columns[c].values[w] = own.dropFirst().reduce(own[0].values[w]) { sum, column in
          guard let a = sum, let b = column.values[w] else { return nil }
          return Spectrum.Value(
            dynamic: a.dynamic + b.dynamic, error: a.error + b.error, scale: a.scale + b.scale,
            errors: a.errors + b.errors)
        }
      }
    }
    result.divisions = max(result.divisions, parts.map(\.divisions).max()!)
    for part in parts {
      result.gapRatio = result.gapRatio ?? part.gapRatio
      result.gapRatioFailure = result.gapRatioFailure ?? part.gapRatioFailure
    }
  }
}
