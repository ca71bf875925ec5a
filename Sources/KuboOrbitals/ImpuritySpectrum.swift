// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import Quadrature
import RealModule

/// A response of a collinear magnet with impurities.
public enum ImpurityResponse: Hashable, Sendable {
  /// One that there is without impurities too; with the ladder, none on moments.
  case plain(CollinearResponse)
  /// By how much impurity spins break the continuity of spin; with the ladder only. x and y are the right sides of
  ///
  ///     2 K_Delta^xy + i omega K_s^xx = (i/2) sum_u Rel_u,    2 K_Delta^xx - i omega K_s^xy = Pi^z + (1/2) sum_u u Rel_u
  case relaxation(SpinComponent)
  /// X^xx = sum_u tr[Delta G+_u' Delta G_u], the exchange torque of an axis that turns in time.
  case damping

  /// What it is made of.
  package var terms: [(factor: ComplexDouble, loop: ImpurityLoop)] {
    switch self {
    case .plain(let response): response.terms.map { ($0.factor, .plain($0.loop)) }
    case .relaxation(let component):
      Spin.allCases.map { u in
        (component == .x ? ComplexDouble(0, 0.5) : ComplexDouble(u.sign / 2), .relaxation(u))
      }
    case .damping: Spin.allCases.map { (.one, .damping($0)) }
    }
  }

  fileprivate var label: String {
    switch self {
    case .plain(let response): response.label
    case .relaxation(let component): "relaxation.\(component)"
    case .damping: "damping"
    }
  }
}

/// Responses of a collinear magnet with ``OrbitalImpurities``: zone averages at given complex energies, then the ladder, then
/// the energy integral.
///
///     K(omega) of <O> = -q K A_r,i A^em_j
///
/// Source: docs/conventions.md and docs/energy-integrals.md in the general form; the ladder is that of ``DressedLoops``. Units:
/// e = hbar = 1, per volume (area, length) of the cell. Accuracy: `tolerance` of each part of [K(omega) - K(0)]/omega and of
/// K(0), with 1e-4 of its modulus (for K(0), of the largest K(omega) - K(0)) and 1e-6 of the sum of its absolute terms as
/// the floors; each comes with a bound, from two grids for the zone, from the last coefficients for the energy integral, and for
/// rounding.
public struct ImpuritySpectrum: Sendable {
  /// In the order of the responses; what did not converge is nil.
  public let columns: [CollinearSpectrum.Column]
  /// Why values are missing: of K(0), then of each frequency; nil where none is.
  public let reasons: [String?]
  /// The points along each reciprocal vector of the finest grid.
  public let divisions: Int

  /// Computes the responses, bare (all propagators dressed, no vertex) or with the ladder.
  /// - Throws: `RequestError` for what makes no sense; `NonConvergence` where no frequency can be computed;
  ///   `CancellationError`. Single frequencies that do not converge have ``reasons``.
  public init(
    _ model: OrbitalModel, _ impurities: OrbitalImpurities, mu: Double, temperature: Double,
    omegas: [Double], directions: Directions, responses: [ImpurityResponse], isDressed: Bool = true,
    tolerance: Double = 1e-6, threads: Int = 1
  ) async throws {
    try ImpuritySpectrum.check(
      model, impurities, mu, temperature, omegas, directions, responses, isDressed, tolerance)
    let own = Request(
      model, impurities, mu: mu, temperature: temperature, directions: directions,
      responses: responses, isDressed: isDressed, tolerance: tolerance, threads: threads)
    var errors: [NonConvergence?] = []
    func converging<Value>(_ compute: () async throws -> Value) async throws -> Value? {
      do {
        let result = try await compute()
        errors.append(nil)
        return result
      } catch let error as NonConvergence {
        errors.append(error)
        return nil
      }
    }
    // For all frequencies, or each for itself where one leads to levels that are too narrow.
    let farthest = omegas.map(abs).max() ?? 0
    let whole = try await converging { try await own.integral(upTo: farthest) }
    let wholeError = errors.removeLast()
    func integral(_ omega: Double) async throws -> EnergyIntegral {
      if let whole { return whole }
      if let wholeError, abs(omega) == farthest { throw wholeError }
      return try await own.integral(upTo: abs(omega))
    }
    var quotients: [EnergyIntegral.Result?] = []
    try await WorkProgress.stage("energy integrals", unit: "frequencies", of: omegas.count) {
      stage in
      for omega in omegas {
        quotients.append(
          try await converging { try await own.quotient(try await integral(omega), omega) })
        stage?.advance()
      }
    }
    let largest = responses.indices.map { r in
      zip(quotients, omegas).map { ($0?.values[r].length ?? 0) * abs($1) }.max() ?? 0
    }
    let fixed = try await converging {
      let integral = try await integral(0)
      return try await own.converged("omega = 0, static part", references: largest) {
        try await integral.staticPart($0)
      }
    }
    if let error = errors.compactMap(\.self).first, !errors.contains(nil) { throw error }
    // K(0) comes first.
    reasons =
      [errors[omegas.count]].map { $0?.description }
      + errors.prefix(omegas.count).map { $0?.description }
    func estimate(_ result: EnergyIntegral.Result?, _ r: Int) -> Estimate? {
      result.map {
        Estimate(value: $0.values[r], error: max($0.errors[r].real, $0.errors[r].imaginary))
      }
    }
    columns = responses.indices.map { r in
      CollinearSpectrum.Column(
        staticPart: estimate(fixed, r), quotients: quotients.map { estimate($0, r) }, values: [])
    }
    divisions = await own.averages.divisions
  }

  /// Loops F(z1, z2) averaged over a grid, which is a crystal of its own with exact statements of its own: the values, and what
  /// knows z2 only where z1 = z2, per cell.
  /// - Throws: `NonConvergence`.
  package static func loops(
    _ loops: [ImpurityLoop], _ model: OrbitalModel, _ impurities: OrbitalImpurities,
    directions: Directions, isDressed: Bool, divisions: Int,
    pairs: [(z1: ComplexDouble, z2: ComplexDouble, isAdvanced: Bool)]
  ) async throws -> [(values: [ComplexDouble], statics: [ComplexDouble], sizes: [Double])] {
    let averages = ImpurityAverages(
      model, impurities, directions: directions, loops: loops, isDressed: isDressed, columns: [],
      threads: 1)
    return try await averages.loops(
      pairs.map { EnergyPair(z1: $0.z1, z2: $0.z2, isAdvanced: $0.isAdvanced) },
      divisions: divisions
    ).map { ($0.values, $0.statics, $0.sizes) }
  }

  /// Refuses what cannot be computed.
  private static func check(
    _ model: OrbitalModel, _ impurities: OrbitalImpurities, _ mu: Double, _ temperature: Double,
    _ omegas: [Double], _ directions: Directions, _ responses: [ImpurityResponse],
    _ isDressed: Bool, _ tolerance: Double
  ) throws {
    let n = model.orbitals.count
    try impurities.checked(n)
    try model.checkState(mu, temperature, omegas, directions, tolerance)
    try require(!responses.isEmpty, "responses", "none", "at least one")
    for response in responses {
      switch response {
      case .plain(let own):
        if let p = own.weights {
          try require(
            p.count == n && p.allSatisfy(\.isFinite), "weights of orbitals", "\(p)",
            "\(n) finite numbers")
        }
        if case .electrons = own {
          throw RequestError(
            "responses", found: own.label, expected: "a response that has a frequency")
        }
        if isDressed, case .moment = own {
          throw RequestError(
            "responses", found: "\(own.label) with the ladder",
            expected: "torques on moments without it: their vertices have not been checked")
        }
      case .relaxation:
        try require(
          isDressed, "responses", "\(response.label) without the ladder",
          "the ladder: bare loops break the continuity of spin without impurity spins too")
      case .damping: break
      }
    }
  }
}

/// What is asked for, and the integrals that give it.
private struct Request: Sendable {
  let model: OrbitalModel
  let mu, temperature: Double
  let tolerance: Double
  let averages: ImpurityAverages
  let columns: [ImpurityAverages.Column]

  init(
    _ model: OrbitalModel, _ impurities: OrbitalImpurities, mu: Double, temperature: Double,
    directions: Directions, responses: [ImpurityResponse], isDressed: Bool, tolerance: Double,
    threads: Int
  ) {
    (self.model, self.mu, self.temperature) = (model, mu, temperature)
    self.tolerance = tolerance
    let loops = responses.flatMap(\.terms).map(\.loop).unique
    columns = responses.map { response in
      ImpurityAverages.Column(
        label: response.label,
        terms: response.terms.map { ($0.factor, loops.firstIndex(of: $0.loop)!) })
    }
    averages = ImpurityAverages(
      model, impurities, directions: directions, loops: loops, isDressed: isDressed,
      columns: columns, threads: threads)
  }

  /// How far from mu on the imaginary axis propagators there change little: the smallest denominator.
  private func levelWidth() async throws -> Double {
    1 / (try await averages.solution(ComplexDouble(mu)).norm)
  }

  /// The integrals at frequencies up to `largest`.
  func integral(upTo largest: Double) async throws -> EnergyIntegral {
    let smoothness = try await levelWidth()
    let thermalReach = EnergyIntegral.thermalReach(tolerance)
    let reach = max(largest, smoothness) + thermalReach * temperature
    // Edges are known to a millionth or so.
    return EnergyIntegral(
      mu: mu, temperature: temperature, outputCount: columns.count, width: averages.width,
      edges: try await averages.edges(from: mu - reach, to: mu + reach), edgeError: 1e-7,
      smoothness: smoothness, thermalReach: thermalReach
    ) { [averages] in try await averages.sums($0) }
  }

  /// The error that each part of each value may have.
  private func allowed(_ found: EnergyIntegral.Result, _ references: [Double]?) -> [PartErrors] {
    // What sums over energies lose besides.
    Tolerance(tolerance).allowed(
      found.values, scales: found.scales,
      rounding: zip(found.rounding, found.scales).map { $0 + 2.5e-14 * $1 },
      references: references)
  }

  /// An integral whose errors are as small as is allowed.
  func converged(
    _ label: String, references: [Double]? = nil,
    _ integral: ([PartErrors]?) async throws -> EnergyIntegral.Result
  ) async throws -> EnergyIntegral.Result {
    /// The integral, of whose errors each names the frequency.
    func attempt(_ allowed: [PartErrors]?) async throws -> EnergyIntegral.Result {
      do {
        return try await integral(allowed)
      } catch let error as QuadratureError {
        throw NonConvergence(
          label: "\(columns.map(\.label).joined(separator: "; ")) at \(label), energy integral",
          estimate: error.estimate, allowed: error.allowed, divisions: await averages.divisions)
      } catch let error as NonConvergence {
        throw NonConvergence(
          label: "\(error.label), for \(label)", estimate: error.estimate, allowed: error.allowed,
          divisions: error.divisions)
      }
    }
    // Sums are per cell.
    let references = references?.map { $0 * model.cellVolume }
    let (result, limits) = try await EnergyIntegral.refined(
      { allowed($0, references) }, attempt)
    guard
      let worst = result.errors.indices.first(where: { !result.errors[$0].isWithin(limits[$0]) })
    else { return perVolume(result) }
    let (estimate, limit) = result.errors[worst].worst(limits[worst])
    throw NonConvergence(
      label: "\(columns[worst].label) at \(label)", estimate: estimate, allowed: limit,
      divisions: await averages.divisions)
  }

  private func perVolume(_ result: EnergyIntegral.Result) -> EnergyIntegral.Result {
    let norm = 1 / model.cellVolume
    return EnergyIntegral.Result(
      values: result.values.map { $0.multiplied(by: norm) },
      errors: result.errors.map {
        norm * $0
      }, scales: result.scales.map { $0 * norm }, rounding: result.rounding.map { $0 * norm })
  }

  /// [K(omega) - K(0)]/omega.
  func quotient(_ integral: EnergyIntegral, _ omega: Double) async throws
    -> EnergyIntegral.Result
  {
    let width = try await levelWidth()
    func direct(_ omega: Double) async throws -> EnergyIntegral.Result {
      try await converged("omega = \(omega)") { try await integral.quotient(omega, $0) }
    }
    // Below, K(0) would be subtracted from what hardly differs.
    guard abs(omega) < 1e-3 * width else { return try await direct(omega) }
    // Im Q and Re Q/omega are even in omega: polynomials in omega^2 through ever smaller frequencies.
    var nodes: [Double] = []
    var rows: [EnergyIntegral.Result] = []
    var last: [ComplexDouble] = []
    while true {
      let node = 0.16 * width / Double(1 << nodes.count)
      nodes.append(node)
      rows.append(try await direct(node))
      // Lagrange's weights at omega^2.
      let weights = nodes.indices.map { n in
        nodes.indices.reduce(1.0) { w, m in
          m == n
            ? w
            : w * (omega * omega - nodes[m] * nodes[m])
              / (nodes[n] * nodes[n] - nodes[m] * nodes[m])
        }
      }
      var result = rows.last!
      for c in columns.indices {
        var value = ComplexDouble.zero
        var errors = PartErrors(0)
        for (n, row) in rows.enumerated() {
          let odd = omega / nodes[n]
          value += ComplexDouble(
            weights[n] * odd * row.values[c].real, weights[n] * row.values[c].imaginary)
          errors.real += abs(weights[n] * odd) * row.errors[c].real
          errors.imaginary += abs(weights[n]) * row.errors[c].imaginary
        }
        let change = last.isEmpty ? ComplexDouble(.infinity) : value - last[c]
        result.values[c] = value
        result.errors[c] = PartErrors(
          real: errors.real + (last.isEmpty ? .infinity : abs(change.real)),
          imaginary: errors.imaginary + (last.isEmpty ? .infinity : abs(change.imaginary)))
      }
      // Weights enlarge the errors of the nodes, which are within the tolerance each.
      let limits = allowed(result, nil)
      let open = columns.indices.filter { c in
        let (errors, limit) = (result.errors[c], limits[c])
        return !errors.isWithin(3 * limit)
      }
      if open.isEmpty { return result }
      guard nodes.count < 10 else {
        let (estimate, limit) = result.errors[open[0]].worst(limits[open[0]])
        throw NonConvergence(
          label: "\(columns[open[0]].label) at omega = \(omega), from larger ones",
          estimate: estimate, allowed: limit, divisions: await averages.divisions)
      }
      last = result.values
    }
  }
}

extension EnergyIntegral {
  /// [K(omega) - K(0)]/omega.
  fileprivate func quotient(_ omega: Double, _ allowed: [PartErrors]?) async throws -> Result {
    let size = abs(omega)
    var result = try await dynamicPart(
      omega: omega,
      allowed?.map { size * $0 })
    result.values = result.values.map { $0.multiplied(by: 1 / omega) }
    result.errors = result.errors.map {
      PartErrors(real: $0.real / size, imaginary: $0.imaginary / size)
    }
    result.scales = result.scales.map { $0 / size }
    result.rounding = result.rounding.map { $0 / size }
    return result
  }
}
