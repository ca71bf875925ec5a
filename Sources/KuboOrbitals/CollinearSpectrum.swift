// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals

/// What is asked of a collinear magnet with orbitals at constant lifetime.
///
///     g = 1/(eps - E + i Gamma),    K(omega) of <O> = -q K A_r,i A^em_j
///
/// Energies in the model's unit.
public struct CollinearRequest: Sendable {
  /// The magnet.
  public var model: OrbitalModel
  /// The chemical potential, k_B T, and Gamma.
  public var mu, temperature, broadening: Double
  /// hbar omega.
  public var omegas: [Double]
  /// Texture gradient i and electric field j.
  public var directions: Directions
  /// What is computed, with the name of each in messages and tables.
  public var responses: [(name: String, response: CollinearResponse)]
  /// The relative error of each part of each value.
  public var tolerance: Double
  /// How many threads; no bit of the results depends on it.
  public var threads: Int

  /// A request.
  public init(
    model: OrbitalModel, mu: Double, temperature: Double, broadening: Double, omegas: [Double],
    directions: Directions = Directions(i: 0, j: 0),
    responses: [(name: String, response: CollinearResponse)], tolerance: Double = 1e-6,
    threads: Int = 1
  ) {
    (self.model, self.mu, self.temperature) = (model, mu, temperature)
    (self.broadening, self.omegas, self.directions) = (broadening, omegas, directions)
    (self.responses, self.tolerance, self.threads) = (responses, tolerance, threads)
  }

  /// Computes the responses.
  /// - Throws: `RequestError` for what makes no sense; `NonConvergence`, at once where the grids would take hours;
  ///   `CancellationError`. Single values that do not converge are ``CollinearSpectrum/failures``.
  public func spectrum() async throws -> CollinearSpectrum { try await CollinearSpectrum(self) }

  /// Refuses what cannot be computed.
  func check() throws(RequestError) {
    func require(
      _ holds: Bool, _ subject: String, _ found: String, _ expected: String
    ) throws(RequestError) {
      guard holds else { throw RequestError(subject, found: found, expected: expected) }
    }
    let bound = model.energyBound
    for (name, value) in [("mu", mu), ("temperature", temperature)] + omegas.map({ ("omega", $0) })
    {
      try RequestError.check(name, value, bands: bound)
    }
    try require(temperature >= 0, "temperature", "\(temperature)", "a number, 0 or more")
    try require(
      broadening > 0 && broadening.isFinite, "broadening", "\(broadening)", "a number above 0")
    try RequestError.check("broadening", broadening, bands: bound)
    try require(
      tolerance > 0 && tolerance < 1, "tolerance", "\(tolerance)", "a number between 0 and 1")
    let axes = 0..<model.dimension
    try require(
      axes.contains(directions.i) && axes.contains(directions.j), "direction",
      directions.description, "axes of a model in \(model.dimension) dimensions")
    try require(!responses.isEmpty, "responses", "none", "at least one")
    for p in responses.compactMap(\.response.weights) {
      try require(
        p.count == model.orbitals.count && p.allSatisfy(\.isFinite), "weights of orbitals", "\(p)",
        "\(model.orbitals.count) finite numbers")
    }
  }
}

/// Responses of a collinear magnet with orbitals at constant lifetime, by sums over real wave vectors.
///
///     K(omega) of <O> = -q K A_r,i A^em_j
///
/// `full` loops of docs/collinear.md: both spins in their own bands, no word on sublattices. Units: e = hbar = 1,
/// per volume (area, length) of the cell. Accuracy: `tolerance` of each part of [K(omega) - K(0)]/omega and of
/// K(0), with 1e-4 of its modulus and 1e-6 of the sum over k of its absolute terms as the floors; each comes with a
/// bound.
public struct CollinearSpectrum: Sendable {
  /// One response.
  public struct Column: Sendable {
    /// K(0), or for conductivities Pi(0); nil for a ratio, and where it did not converge.
    public let staticPart: Estimate?
    /// [K(omega) - K(0)]/omega, at omega = 0 the derivative; nil where it did not converge.
    public let quotients: [Estimate?]
    /// K(omega) - K(0), for conductivities (i/omega) [Pi(omega) - Pi(0)], and ratios of these. The error bounds that
    /// of the static part too, and that of their sum; nil where either did not converge.
    public let values: [Estimate?]
  }

  /// The frequencies, as requested.
  public let omegas: [Double]
  /// In the order of the responses.
  public let columns: [Column]
  /// Why cells are empty that have a value.
  public let failures: [EmptyCell]
  /// Ratios that have none, where the conductivity is 0 within its bound.
  public let undefined: [EmptyCell]
  /// A line for each frequency and reason, with all columns that it concerns.
  public var failureLines: [String] { EmptyCell.lines(failures) }
  /// The same for ratios that have no value.
  public var undefinedLines: [String] { EmptyCell.lines(undefined) }
  /// The points along each reciprocal vector of the finest grid.
  public let divisions: Int

  init(_ request: CollinearRequest) async throws {
    try request.check()
    let (model, mu, omegas) = (request.model, request.mu, request.omegas)
    var responses: [CollinearResponse] = []
    for part in request.responses.flatMap(\.response.parts) where !responses.contains(part) {
      responses.append(part)
    }
    let terms = responses.map(\.terms)
    var loops: [CollinearLoop] = []
    for (_, loop) in terms.joined() where !loops.contains(loop) { loops.append(loop) }
    let bound = model.energyBound
    let reach = omegas.map(abs).max() ?? 0
    let line = FermiLogarithm(
      temperature: request.temperature, broadening: request.broadening,
      reach: bound + abs(mu) + reach)
    let matrices = BlochMatrices(model, request.directions)
    let symmetries = model.symmetries(
      fixing: request.directions, responses.compactMap(\.weights))
    // Levels are rounded by some 1e-16 of the largest, sums change with them on the scale of Gamma.
    let noise = ([0] + omegas.map(abs)).map {
      2e-14 + 4e-16 * model.harmonics + 4e-15 * (bound + abs(mu) + $0) / request.broadening
    }
    // What takes some minutes.
    let refinement = GridRefinement(
      resolution: model.resolution(request.broadening), dimension: model.dimension,
      pointLimit: 10_000_000, name: "zone of orbitals")
    // Ten times as fine is what a few digits take; without that there is nothing to hope for.
    let needed = 10 * refinement.resolution
    guard (0..<model.dimension).reduce(1.0, { n, _ in n * needed }) <= Double(refinement.pointLimit)
    else {
      throw NonConvergence(
        label: "\(model.name)", estimate: .infinity, allowed: 0, divisions: Int(min(1e9, needed)),
        remedy: "lifetime parameter")
    }
    let tolerance = Tolerance(request.tolerance)
    var roundings = [[Double]](repeating: [], count: omegas.count + 1)
    let outcomes = try await refinement.run(groups: omegas.count + 1) { divisions, groups in
      let dynamic = groups.filter { $0 > 0 }
      let own = CollinearLoops(loops, omegas: dynamic.map { omegas[$0 - 1] }, mu: mu, line: line)
      let sum = try await CollinearSpectrum.sum(
        matrices, own, symmetries, divisions, threads: request.threads)
      let norm = 1 / model.cellVolume
      var level = GridRefinement.Level(values: [], scales: [], rounding: [])
      for g in groups {
        var values: [ComplexDouble] = []
        var (scales, rounding): ([Double], [Double]) = ([], [])
        for terms in terms {
          var (value, size, lost) = (ComplexDouble.zero, 0.0, 0.0)
          for (factor, loop) in terms {
            let row = g == 0 ? 0 : dynamic.firstIndex(of: g)! + 1
            let n = loops.firstIndex(of: loop)! * own.rows + row
            value += factor * sum.values[n]
            size += factor.length * sum.sizes[n]
            lost += factor.length * sum.rounding[n]
          }
          values.append(value.multiplied(by: norm))
          scales.append(size * norm)
          rounding.append((noise[g] * size + lost) * norm)
        }
        level.values.append(values)
        level.scales.append(scales)
        level.rounding.append(rounding)
        roundings[g] = rounding
      }
      return level
    } allowed: { g, values, scales in
      values.indices.map {
        tolerance.allowed(
          values[$0], scale: scales[$0], rounding: roundings[g][$0])
      }
    }
    self.omegas = omegas
    divisions = outcomes.map(\.divisions).max()!
    /// Why a value of a group is missing.
    func reason(_ outcome: GridRefinement.Outcome, _ q: Int) -> String? {
      let points = "\(outcome.divisions) points along each reciprocal vector"
      if outcome.values.isEmpty { return "needs more than \(points)" }
      return tolerance.reason(outcome.errors[q], outcome.allowed[q]).map { "\($0), with \(points)" }
    }
    var (failures, undefined): ([EmptyCell], [EmptyCell]) = ([], [])
    columns = request.responses.map { name, response in
      func value(_ group: Int, _ omega: Double?, _ part: CollinearResponse) -> Estimate? {
        let (outcome, q) = (outcomes[group], responses.firstIndex(of: part)!)
        guard let reason = reason(outcome, q) else { return outcome.estimates[q] }
        failures.append(EmptyCell(column: name, omega: omega, reason: reason))
        return nil
      }
      if response == .polarisation {
        let values = omegas.enumerated().map { n, omega -> Estimate? in
          let both = response.parts.compactMap { value(n + 1, omega, $0) }
          guard both.count == 2 else { return nil }
          let ratio = CollinearSpectrum.polarisation(both[0], both[1])
          if ratio == nil {
            undefined.append(
              EmptyCell(
                column: name, omega: omega, reason: "the conductivity is 0 within its error bound"))
          }
          return ratio
        }
        return Column(staticPart: nil, quotients: values.map { _ in nil }, values: values)
      }
      let fixed = value(0, nil, response)
      let quotients = omegas.enumerated().map { n, omega in value(n + 1, omega, response) }
      let values = zip(quotients, omegas).map { quotient, omega -> Estimate? in
        guard let quotient, let fixed else { return nil }
        let (factor, size) =
          response.isConductivity ? (ComplexDouble.i, 1) : (ComplexDouble(omega), abs(omega))
        return Estimate(
          value: factor * quotient.value, error: size * quotient.error + fixed.error)
      }
      return Column(staticPart: fixed, quotients: quotients, values: values)
    }
    (self.failures, self.undefined) = (failures, undefined)
  }

  /// P of the conductivities up and down, i times the quotients; nil where their sum is 0 within its bound. Exact values
  /// a + alpha, b + beta change P by 2 (b alpha - a beta)/[(a + b)(a + alpha + b + beta)].
  private static func polarisation(_ up: Estimate, _ down: Estimate) -> Estimate? {
    let (a, b, sum) = (up.value, down.value, up.value + down.value)
    let least = sum.length - up.error - down.error
    guard least > 0 else { return nil }
    return Estimate(
      value: (a - b) / sum,
      error: 2 * (b.length * up.error + a.length * down.error) / (sum.length * least) + 1e-15)
  }

  /// The mean over the grid; rows of it are dealt to the threads, and added in order. Of points that `symmetries` join one
  /// stands for all.
  private static func sum(
    _ matrices: BlochMatrices, _ loops: CollinearLoops, _ symmetries: [ReciprocalOperation],
    _ divisions: Int, threads: Int
  ) async throws -> CollinearLoops.Values {
    let dimension = symmetries[0].rows.count
    let jobs = min(divisions, 64)
    let parts = try await WorkProgress.stage(
      "grid \(divisions)^\(dimension)", unit: "rows", of: divisions, isEven: true
    ) { stage in
      try await parallelMap(jobs, threads: threads) { job in
        var values = loops.noValues
        let sums = BlochMatrices.Sums(matrices, divisions: divisions)
        var memory = CollinearLoops.Memory(loops, matrices.count)
        var stars = Stars(symmetries, divisions: divisions)
        func visit(_ axis: Int) {
          for n in 0..<divisions {
            stars.point[axis] = n
            guard axis + 1 < dimension else {
              let weight = stars.weight
              guard weight > 0 else { continue }
              loops.add(
                sums.sum(axis, at: n), matrices.count, times: Double(weight), to: &values, &memory)
              continue
            }
            sums.sum(axis, at: n)
            visit(axis + 1)
          }
        }
        for n in stride(from: job, to: divisions, by: jobs) {
          stars.point[0] = n
          if dimension > 1 {
            sums.sum(0, at: n)
            visit(1)
          } else if case let weight = stars.weight, weight > 0 {
            loops.add(
              sums.sum(0, at: n), matrices.count, times: Double(weight), to: &values, &memory)
          }
          stage?.advance()
        }
        return values
      }
    }
    let norm = (0..<dimension).reduce(1.0) { n, _ in n / Double(divisions) }
    var total = loops.noValues
    for part in parts { total.add(part, times: norm) }
    return total
  }
}

/// The points of a uniform grid, n/divisions, that symmetries take into each other.
private struct Stars {
  let symmetries: [ReciprocalOperation]
  let divisions: Int
  /// n.
  var point: [Int]

  init(_ symmetries: [ReciprocalOperation], divisions: Int) {
    (self.symmetries, self.divisions) = (symmetries, divisions)
    point = symmetries[0].rows.map { _ in 0 }
  }

  /// How many points its star has, or 0 unless it is the first of them.
  var weight: Int {
    var same = 0
    for operation in symmetries {
      var order = 0
      for (own, row) in zip(point, operation.rows) {
        let image = zip(row, point).reduce(0) { $0 + $1.0 * $1.1 } % divisions
        order = (image < 0 ? image + divisions : image) - own
        if order != 0 { break }
      }
      if order < 0 { return 0 }
      if order == 0 { same += 1 }
    }
    return symmetries.count / same
  }
}
