// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import KuboZoneSums
import Quadrature
import RealModule

/// K(i omega_l) of the bare loops by two routes that share nothing but the traces: the Matsubara
/// sum itself, and the spectral representation of the real-frequency closed form,
///
///     K(i omega_l) = (2/pi) int_0^infinity d omega  omega Im K(omega) / (omega^2 + omega_l^2),
///
/// which holds since K(omega) is analytic in the upper half-plane, vanishes at infinity and obeys
/// K(-omega) = K(omega)*. Source: docs/conventions.md section 3. For the conductivity K is Pi. Units: those
/// of ``Spectrum``; omega_l in energy units.
public struct MatsubaraSpectrum: Sendable {
  /// One response.
  public struct Column: Sendable {
    /// The response.
    public let response: Response
    /// K(i omega_l) by the direct sum, and from the spectral representation; real.
    public let direct, spectral: [Estimate]
    /// The sum of the absolute contributions.
    public let scale: [Double]
  }

  /// omega_l = 2 pi l T for l = 0 ..< count.
  public let frequencies: [Double]
  /// The responses, as requested.
  public let columns: [Column]
}

extension SpectrumRequest {
  /// Computes K(i omega_l), l = 0 ..< count, for the bare columns of the request; its omegas are
  /// not used.
  ///
  /// Accuracy: `tolerance` of the value, with a tenth of the sum of the absolute contributions as the
  /// floor.
  /// - Throws: `RequestError`, `NonConvergence`, `EmptyCell`, `QuadratureError`.
  public func matsubara(count: Int) async throws -> MatsubaraSpectrum {
    try check()
    try require(
      electrons.temperature > 0, "temperature", "0",
      "T > 0: at T = 0 the Matsubara frequencies are a continuum")
    try require(
      count > 0 && count <= 10_000, "count", "\(count)", "1 to 10000 Matsubara frequencies")
    return try await engine.matsubara(count: count)
  }
}

extension ConstantLifetimeEngine {
  func matsubara(count: Int) async throws -> MatsubaraSpectrum {
    let (columns, temperature, mu) = (request.columns, request.temperature, request.mu)
    let bound = model.energyBound + abs(mu) + gamma
    try require(
      bound / temperature < 1e5, "temperature", "\(temperature)",
      "at least \(significant(bound / 1e5)): below, the sum has more than 1e5 terms")
    try require(
      spectralPanels <= 2000, "lifetime", Lifetime.constant(gamma).description,
      "at least constant=\(significant(model.energyBound / 8000)): below, the spectral representation needs more than 2000 panels to see each level"
    )
    let zone = ZoneSum(
      model: model, directions: request.directions, mu: mu, temperature: temperature,
      broadening: gamma, loops: columns.map(loop), closedForms: [],
      threads: request.threads)
    let direct = try await directSums(zone, count)
    let step = 2 * Double.pi * temperature
    let frequencies = (0..<count).map { Double($0) * step }
    let spectral = try await WorkProgress.stage("spectral representation") { _ in
      try await spectralValues(
        zone, frequencies, divisions: direct.map(\.divisions).max()!, direct: direct)
    }
    return MatsubaraSpectrum(
      frequencies: frequencies,
      columns: columns.indices.map { c in
        MatsubaraSpectrum.Column(
          response: columns[c].response, direct: direct.map { $0.estimates[c] },
          spectral: spectral.map { $0[c] }, scale: direct.map { $0.scales[c] })
      })
  }

  private func allowance(_ value: Double, _ scale: Double) -> Double {
    request.tolerance * max(abs(value), 0.1 * scale)
  }

  private func directSums(_ zone: ZoneSum, _ count: Int) async throws -> [GridRefinement.Outcome] {
    let temperature = request.temperature
    let matsubara = MatsubaraSum(
      temperature: temperature, broadening: gamma, bound: model.energyBound + abs(request.mu),
      largest: count)
    let resolution = model.resolution(gamma + .pi * temperature)
    let outcomes = try await GridRefinement(
      resolution: resolution, sizes: model.gridSizes, unit: "Matsubara frequencies",
      name: "Matsubara sums"
    ).run(
      groups: count
    ) { divisions, groups in
      try await zone.matsubara(matsubara, divisions: divisions, indices: groups)
    } allowed: { _, values, scales in
      values.indices.map {
        PartErrors(allowance(values[$0].real, scales[$0]))
      }
    }
    for (l, outcome) in outcomes.enumerated() {
      _ = try outcome.converged(
        "\(request.columns[outcome.failure!].label) at Matsubara index \(l)")
    }
    return outcomes
  }

  /// On one grid Im K is a comb of poles 2 Gamma below the axis, up to the largest transition. In
  /// panels of 8 Gamma the shorter Gauss rule is off by 1e-4 and the longer one by 1e-7; in panels
  /// of 20 Gamma both are so wrong that their difference was seen below half of the error.
  private var spectralPanels: Double {
    (model.energyBound / (4 * gamma)).rounded(.up)
  }

  /// On one grid, which the direct sum has found fine enough: the representation holds for the
  /// grid sum as well as for the integral.
  private func spectralValues(
    _ zone: ZoneSum, _ frequencies: [Double], divisions: Int, direct: [GridRefinement.Outcome]
  ) async throws -> [[Estimate]] {
    let width = model.energyBound + gamma + Double.pi * request.temperature
    let cut = 4 * width
    // The integral reaches to omega = infinity: each batch of frequencies has the poles that it needs.
    let reach = 1e12 * (width + abs(request.mu))
    func grid(_ omegas: [Double], withScales: Bool) async throws -> ZoneSum.Result {
      try await BubbleSum(zone, reach: omegas.max()!)(
        divisions: divisions, omegas: omegas, withScales: withScales)
    }
    let columns = request.columns
    let count = columns.count
    // omega on [0, edge] and [edge, cut], then omega = cut/u with u on [0, 1].
    func weight(_ omega: Double, _ y: Double) -> Double {
      // Im K = omega Im q: K(0) is real.
      2 / Double.pi * omega * omega / (omega * omega + y * y)
    }
    func kernel(_ omegas: [Double], _ jacobian: [Double]) async throws -> [[Double]] {
      // A diagram with a wrong sign can leave a loop that does not vanish at infinity.
      guard omegas.max()! <= reach else {
        throw QuadratureError(
          reason: "the spectral representation does not converge at large omega",
          estimate: .infinity, allowed: 0)
      }
      let grid = try await grid(omegas, withScales: false)
      return omegas.indices.map { n in
        frequencies.flatMap { y -> [Double] in
          let w = weight(omegas[n], y) * jacobian[n]
          return grid.quotients[n].map { $0.imaginary * w }
        }
      }
    }
    func allowed(_ values: [Double]) -> [Double] {
      values.indices.map { allowance(values[$0], direct[$0 / count].scales[$0 % count]) / 2 }
    }
    let panels = spectralPanels
    let edge = 2 * model.energyBound
    var ends = stride(from: 0, through: panels, by: 1).map { edge * ($0 / panels) }
    // Beyond, Im K falls as powers of omega: of one panel up to a cut at 1e8 times the edge all
    // points would lie where nothing is left, and both rules agree on that.
    while 4 * ends.last! < cut { ends.append(4 * ends.last!) }
    ends.append(cut)
    // What rounding leaves, by a point of each panel and one beyond. At T >> Gamma all but a part
    // Gamma/T of what Im K(omega) is made of cancels.
    let parts =
      zip(ends, ends.dropFirst()).map { (omega: ($0 + $1) / 2, length: $1 - $0) }
      + [(omega: 2 * cut, length: 4 * cut)]
    let sample = try await grid(parts.map(\.omega), withScales: true)
    let rounding = frequencies.map { y in
      (0..<count).map { c in
        zip(parts, sample.rounding).reduce(0) { sum, part in
          sum + part.1[c] * weight(part.0.omega, y) * part.0.length
        }
      }
    }
    for (l, outcome) in direct.enumerated() {
      for (c, column) in columns.enumerated() {
        let limit = allowance(outcome.values[c].real, outcome.scales[c])
        guard rounding[l][c] <= limit else {
          throw EmptyCell(
            column: "\(column.response.name) at Matsubara index \(l)", omega: nil,
            reason: "rounding spoils the spectral representation: error estimate "
              + "\(significant(rounding[l][c])), allowed \(significant(limit)); try a smaller "
              + "temperature or a larger lifetime parameter")
        }
      }
    }
    let low = try await VectorIntegral(ends: ends, limit: 8000, allowed: allowed) {
      try await kernel($0, $0.map { _ in 1 })
    }
    let high = try await VectorIntegral(ends: [0, 1], allowed: allowed) { u in
      try await kernel(u.map { cut / $0 }, u.map { cut / ($0 * $0) })
    }
    return frequencies.indices.map { l in
      (0..<count).map { c in
        let n = l * count + c
        return Estimate(
          value: ComplexDouble(low.values[n] + high.values[n]),
          error: low.errors[n] + high.errors[n] + rounding[l][c]
            + direct[l].estimates[c].error)
      }
    }
  }
}

extension ZoneSum {
  /// The direct Matsubara sums at the indices `l`, real parts in units of the loops.
  package func matsubara(_ sum: MatsubaraSum, divisions: Int, indices: [Int]) async throws
    -> GridRefinement.Level
  {
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    let bubbleCount = weights.bubbles.count
    let kept = weights.keptBubbles
    let keptBubbles = kept.map { weights.bubbles[$0] }
    let errors = keptBubbles.map { sum.tailError(propagators: $0.plus.count + $0.inner.count) }
    let outputs = weights.sumCount
    struct Part: Sendable {
      var values: [ComplexDouble]
      var scales: [Double]
      var tails: [Double]
      var weights: [ComplexDouble]
      var magnitudes: [Double]
    }
    let empty = Part(
      values: Array(repeating: .zero, count: indices.count * outputs),
      scales: Array(repeating: 0, count: indices.count * outputs),
      tails: Array(repeating: 0, count: outputs),
      weights: Array(repeating: .zero, count: outputs * bubbleCount),
      magnitudes: Array(repeating: 0, count: outputs * bubbleCount))
    let parts = try await grid.accumulate(threads: threads, empty) { part, _, star in
      let x = traces(
        star, isPaired: true, into: &part.weights, &part.magnitudes)
      for output in 0..<outputs {
        for (b, error) in zip(kept, errors) {
          part.tails[output] += part.magnitudes[output * bubbleCount + b] * error
        }
      }
      for (position, l) in indices.enumerated() {
        let k = sum.values(keptBubbles, x, index: l)
        for output in 0..<outputs {
          let slot = position * outputs + output
          for (n, b) in kept.enumerated() {
            part.values[slot] += part.weights[output * bubbleCount + b] * k[n]
            part.scales[slot] += part.magnitudes[output * bubbleCount + b] * k[n].length
          }
        }
      }
    }
    let norm = 1 / (Double(grid.count) * model.cellVolume)
    var level = GridRefinement.Level(values: [], scales: [], rounding: [])
    for position in indices.indices {
      let range = (position * outputs)..<((position + 1) * outputs)
      level.values.append(
        range.map { n in parts.reduce(.zero) { $0 + $1.values[n] }.multiplied(by: norm) })
      level.scales.append(range.map { n in parts.reduce(0) { $0 + $1.scales[n] } * norm })
    }
    let tails = (0..<outputs).map { n in parts.reduce(0) { $0 + $1.tails[n] } * norm }
    level.rounding = indices.map { _ in tails }
    return level
  }
}
