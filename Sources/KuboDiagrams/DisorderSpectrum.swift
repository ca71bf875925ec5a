// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDisorder
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import KuboZoneSums
import Quadrature
import RealModule
import Synchronization

extension SpectrumRequest {
  /// Zone averages at given complex energies -> ladder -> energy integral, for self-energies that
  /// depend on energy.
  package func zoneThenEnergy(_ impurities: Impurities, _ gamma: Double) async throws -> Spectrum {
    var result = Spectrum(unfilled: self)
    let loops = columns.indices.filter {
      columns[$0].dressing == .bare || columns[$0].dressing == .ladder
    }
    let closed = columns.indices.filter { columns[$0].dressing == .closed }
    // What fails leaves the other columns theirs.
    for (chosen, add) in [
      (loops, { try await addLoops(loops, impurities, gamma, to: &$0) }),
      (closed, { try await addClosedForms(closed, gamma, to: &$0) }),
    ] as [([Int], (inout Spectrum) async throws -> Void)] where !chosen.isEmpty {
      do {
        try await add(&result)
      } catch let error where error is NonConvergence || error is SelfEnergyFailure {
        result.failures += chosen.map {
          .init(column: columns[$0].label, omega: nil, reason: "\(error)")
        }
      }
    }
    return result
  }

  /// The loops of the columns `chosen`.
  private func pairLoops(_ chosen: [Int], _ impurities: Impurities, _ gamma: Double) -> PairLoops {
    let outputs = chosen.map { n in
      let column = columns[n]
      let all = diagrams.diagrams(of: column.response)
      return LoopOutput(
        response: column.response,
        diagrams: column.diagram.map { name in all.filter { $0.name == name } } ?? all,
        share: column.share, isDressed: column.dressing == .ladder)
    }
    switch impurities {
    case .scba:
      return .scba(
        BandLoops(
          model, directions: directions, gamma: gamma, outputs: outputs, form: ladderForm,
          rungs: rungs))
    case .site:
      return .site(
        SublatticeLoops(
          model, directions: directions, gamma: gamma, outputs: outputs, rungs: rungs))
    }
  }

  /// The loops of all columns, F and its reflection, at propagators with the given zeta of both bands
  /// at both energies (`site`: zeta and j), on one grid; `pointByPoint` by the scalar traces. For tests.
  package func loopValues(
    divisions: Int, _ zeta: [ComplexDouble], pointByPoint: Bool
  ) async throws -> [ComplexDouble] {
    guard case .zoneThenEnergy(let impurities, let gamma) = lifetime.order else { return [] }
    let loops = pairLoops(Array(columns.indices), impurities, gamma)
    let table = try await StarTable(
      model, impurities, BlochHamiltonian(model, directions: directions),
      symmetries: model.energySymmetries(), divisions: divisions,
      traces: pointByPoint ? loops.scalarTraces : loops.traces(model, directions), threads: threads)
    let pair = (
      DressedState(impurities, zeta[0], zeta[1]), DressedState(impurities, zeta[2], zeta[3])
    )
    let value = loops.values(table, [pair], withScales: false)[0]
    return value.direct + value.reflected
  }

  /// The same on contours; nil if there are none. For tests.
  package func contourLoopValues(
    divisions: Int, _ zeta: [ComplexDouble]
  ) async throws -> [ComplexDouble]? {
    guard case .zoneThenEnergy(let impurities, let gamma) = lifetime.order else { return nil }
    let loops = pairLoops(Array(columns.indices), impurities, gamma)
    guard
      let table = try await ContourTable(
        Band.allCases.map { BandContour.contour(of: $0, model) },
        symmetries: model.energySymmetries(), divisions: divisions,
        loops.traces(model, directions), threads: threads)
    else { return nil }
    let pair = (
      DressedState(impurities, zeta[0], zeta[1]), DressedState(impurities, zeta[2], zeta[3])
    )
    let value = loops.values(table, [pair], withScales: false)[0]
    return value.direct + value.reflected
  }

  /// c of the error exp(-c N) expected there; nil if the contours do not serve that pair. For tests.
  package func contourRate(_ zeta: [ComplexDouble]) -> Double? {
    guard case .zoneThenEnergy(let impurities, _) = lifetime.order else { return nil }
    let isSite = impurities == .site
    let width =
      isSite
      ? (zeta[0] - zeta[2]).imaginary - abs(zeta[1].imaginary) - abs(zeta[3].imaginary)
      : min((zeta[1] - zeta[2]).imaginary, (zeta[0] - zeta[3]).imaginary)
    let survey = ContourSurvey(
      Band.allCases.map { BandContour.contour(of: $0, model) }, broadening: width / 2)
    let pair = (
      DressedState(impurities, zeta[0], zeta[1]), DressedState(impurities, zeta[2], zeta[3])
    )
    if isSite { return survey.siteRate(pair.0, pair.1) }
    return survey.isValid(pair.0, pair.1) ? survey.rate(pair.0, pair.1) : nil
  }

  /// The crystal and the energy integrals of the columns `chosen`.
  func energyIntegral(_ chosen: [Int], _ impurities: Impurities, _ gamma: Double)
    async throws -> EnergyIntegral
  {
    let loops = pairLoops(chosen, impurities, gamma)
    var crystal = ImpurityCrystal(
      model, impurities, gamma, directions: directions, traces: loops.traces(model, directions),
      threads: self.threads)
    let thermalReach = EnergyIntegral.thermalReach(tolerance)
    let reach = (omegas.map(abs).max() ?? 0) + thermalReach * temperature
    var edges: [Double] = []
    if !omegas.isEmpty {
      edges = try await crystal.makeSurvey(from: mu - reach, to: mu + reach, threads: self.threads)
      edges += crystal.criticalEnergies(model, besides: edges)
      crystal.prepareContours(largestOmega: omegas.map(abs).max()!)
      WorkProgress.note("self-energies: \(edges.count) edges and critical energies in the window")
    }
    let state = try await crystal.approximate(ComplexDouble(mu))
    return EnergyIntegral(
      crystal: crystal, queue: PairQueue(crystal, loops, threads: threads), mu: mu,
      temperature: temperature,
      outputCount: chosen.count, edges: edges,
      smoothness: max(0, state.energies.map(\.imaginary).min()!),
      thermalReach: thermalReach)
  }

  private func addLoops(
    _ chosen: [Int], _ impurities: Impurities, _ gamma: Double, to result: inout Spectrum
  ) async throws {
    let integral = try await energyIntegral(chosen, impurities, gamma)
    // They go on side by side and end together: how many have ended tells nothing of the time left.
    let dynamics = try await WorkProgress.stage(
      "energy integrals", unit: "frequencies", of: omegas.count
    ) { stage in
      try await integral.queue.map(omegas.count) { n in
        defer { stage?.advance() }
        return try await attempt { try await dynamic(integral, omegas[n], chosen) }
      }
    }
    var largest = [Double](repeating: 0, count: chosen.count)
    for case .success(let dynamic) in dynamics {
      for o in chosen.indices { largest[o] = max(largest[o], dynamic.values[o].length) }
    }
    let references = largest
    let fixed = try await WorkProgress.stage("static part") { _ in
      try await attempt {
        try await refined(references: references) { try await integral.staticPart($0) }
      }
    }
    switch fixed {
    case .failure(let failure):
      result.failures += chosen.map {
        .init(column: columns[$0].label, omega: nil, reason: "static part: \(failure)")
      }
    case .success(let statics):
      let limits = allowances(statics.values, statics.scales, references: references)
      var divisions = statics.divisions
      for (o, c) in chosen.enumerated() {
        let label = columns[c].label
        if let reason = reason(statics.errors[o], limits[o]) {
          result.failures.append(.init(column: label, omega: nil, reason: "static part: " + reason))
          continue
        }
        result.columns[c].staticPart = statics.values[o]
        let own = max(statics.errors[o].real, statics.errors[o].imaginary)
        for (n, omega) in omegas.enumerated() {
          switch dynamics[n] {
          case .failure(let failure):
            result.failures.append(.init(column: label, omega: omega, reason: "\(failure)"))
          case .success(let dynamic):
            divisions = max(divisions, dynamic.divisions)
            let limit = allowances(dynamic.values, dynamic.scales, references: nil)[o]
            if let reason = reason(dynamic.errors[o], limit) {
              result.failures.append(.init(column: label, omega: omega, reason: reason))
            } else {
              result.columns[c].values[n] = Spectrum.Value(
                dynamic: dynamic.values[o],
                error: max(dynamic.errors[o].real, dynamic.errors[o].imaginary)
                  + (isPerField ? 0 : own),
                scale: dynamic.scales[o])
            }
          }
        }
      }
      result.divisions = max(result.divisions, divisions)
    }
  }

  /// The error that each part of each value may have; see ``Spectrum``.
  func allowances(_ values: [ComplexDouble], _ scales: [Double], references: [Double]?)
    -> [PartErrors]
  {
    // What a sum over energies of zone averages loses by rounding.
    values.indices.map {
      Tolerance(tolerance).allowed(
        values[$0], scale: scales[$0], rounding: 2.5e-14 * scales[$0], reference: references?[$0])
    }
  }

  private func reason(_ errors: PartErrors, _ allowed: PartErrors) -> String? {
    guard errors.real > allowed.real || errors.imaginary > allowed.imaginary else { return nil }
    let isReal = errors.real * allowed.imaginary > errors.imaginary * allowed.real
    return
      "did not converge: error estimate \(significant(isReal ? errors.real : errors.imaginary)), allowed "
      + "\(significant(isReal ? allowed.real : allowed.imaginary)) (tolerance \(significant(tolerance)))"
  }

  /// Why an integral was given up.
  package enum Failure: Error, CustomStringConvertible {
    case reason(String)
    package var description: String {
      switch self {
      case .reason(let text): text
      }
    }
  }

  /// The result, or the reason why there is none.
  package func attempt(_ work: () async throws -> EnergyIntegral.Result) async throws
    -> Swift.Result<
      EnergyIntegral.Result, Failure
    >
  {
    do {
      return .success(try await work())
    } catch let error as CancellationError {
      throw error
    } catch {
      return .failure(.reason("\(error)"))
    }
  }

  /// Runs an integral: a sketch tells the values, and with them what errors are allowed; if the
  /// final values are smaller than the sketch had them, once more.
  package func refined(
    references: [Double]? = nil,
    _ integral: (EnergyIntegral.Goal) async throws -> EnergyIntegral.Result
  ) async throws -> EnergyIntegral.Result {
    var result = try await integral(.sketch)
    for _ in 0..<4 {
      let goal = allowances(result.values, result.scales, references: references).map {
        PartErrors(real: 0.8 * $0.real, imaginary: 0.8 * $0.imaginary)
      }
      result = try await integral(.errors(goal))
      let limits = allowances(result.values, result.scales, references: references)
      if zip(result.errors, limits).allSatisfy({
        $0.real <= $1.real && $0.imaginary <= $1.imaginary
      }) {
        break
      }
    }
    return result
  }

  /// K(omega) - K(0), or per field as sigma(omega), of the columns `chosen`.
  private func dynamic(_ integral: EnergyIntegral, _ omega: Double, _ chosen: [Int]) async throws
    -> EnergyIntegral.Result
  {
    func quotients(_ omega: Double) async throws -> EnergyIntegral.Result {
      var result = try await refined { try await integral.dynamicPart(omega: omega, $0) }
      for (o, c) in chosen.enumerated() where isPerField(columns[c]) {
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
    guard chosen.contains(where: { isPerField(columns[$0]) }) else {
      return .init(
        values: chosen.map { _ in .zero },
        errors: chosen.map { _ in PartErrors(real: 0, imaginary: 0) },
        scales: chosen.map { _ in 0 },
        divisions: 0)
    }
    // The narrowest level at mu decides how fast it varies.
    let state = try await integral.crystal.exact(ComplexDouble(mu))
    let levels = state.x.levelWidths
    let widths = [levels.lowerBound, levels.upperBound].filter {
      $0 > 1e-5 * integral.crystal.width
    }
    let step =
      0.08
      * (widths.min().map { 2 * $0 }
        ?? max(integral.smoothness, .pi * temperature, 1e-3 * integral.crystal.width))
    var s: [EnergyIntegral.Result] = []
    for n in 0..<3 { s.append(try await quotients(step / Double(1 << n))) }
    var result = s[2]
    for (o, c) in chosen.enumerated() {
      let v = s.map { $0.values[o].real }
      let once = (4 * v[1] - v[0]) / 3
      let twice = (16 * ((4 * v[2] - v[1]) / 3) - once) / 15
      let isCurrent = isPerField(columns[c])
      result.values[o] = isCurrent ? ComplexDouble(twice) : .zero
      let error = abs(twice - (4 * v[2] - v[1]) / 3) + 2 * s.map { $0.errors[o].real }.max()!
      result.errors[o] = PartErrors(real: isCurrent ? error : 0, imaginary: 0)
    }
    return result
  }

  /// The closed forms with the lifetime of each band at mu, -1/(2 Im Sigma_s(mu)).
  private func addClosedForms(_ chosen: [Int], _ gamma: Double, to result: inout Spectrum)
    async throws
  {
    var request = self
    request.columns = chosen.map { columns[$0] }
    let crystal = ImpurityCrystal(
      model, .scba, gamma, directions: directions, traces: .energies(model, .scba),
      threads: threads)
    let state = try await crystal.exact(ComplexDouble(mu))
    var widths: [(band: Band, width: Double)] = []
    for s in Band.allCases {
      // In the gap -Im Sigma is rounding.
      if state.x.levelWidth(s) > 1e-9 * crystal.width {
        widths.append((s, state.x.levelWidth(s)))
        continue
      }
      let distance = try await crystal.distanceToBand(s, from: mu)
      guard temperature == 0 || distance > temperature * -Double.log(1e-3 * tolerance) else {
        widths = []
        break
      }
    }
    guard !widths.isEmpty else {
      result.failures += chosen.map {
        .init(
          column: columns[$0].label, omega: nil,
          reason:
            "mu = \(mu) lies in the gap of a band that counts: there is no lifetime -1/(2 Im Sigma(mu)) at the Fermi level; leave the closed form out or move mu"
        )
      }
      return
    }
    result.widths = widths
    var parts: [Spectrum] = []
    for (band, width) in widths {
      request.lifetime = .constant(width)
      request.onlyBand = band
      parts.append(try await request.spectrum())
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
      for w in omegas.indices {
        result.columns[c].values[w] = own.dropFirst().reduce(own[0].values[w]) { sum, column in
          guard let a = sum, let b = column.values[w] else { return nil }
          return Spectrum.Value(
            dynamic: a.dynamic + b.dynamic, error: a.error + b.error, scale: a.scale + b.scale)
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
