// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals

/// What is asked of a collinear magnet with orbitals, at constant lifetime or with impurities.
///
///     g = 1/(eps - E + i Gamma),    K(omega) of <O> = -q K A_r,i A^em_j
///
/// Energies in the model's unit.
public struct CollinearRequest: Sendable {
  /// The magnet.
  public var model: OrbitalModel
  /// The chemical potential, k_B T, and Gamma.
  public var mu, temperature, broadening: Double
  /// Impurities, which give the levels their width in place of Gamma.
  public var impurities: OrbitalImpurities?
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

  /// Computes the responses by bare loops.
  /// - Throws: `RequestError` for what makes no sense; `NonConvergence`, at once where the grids would take hours;
  ///   `CancellationError`. Single values that do not converge are ``CollinearSpectrum/failures``.
  public func spectrum() async throws -> CollinearSpectrum {
    try await impurities == nil
      ? CollinearSpectrum(self) : CollinearSpectrum(self, withLadder: false)
  }

  /// The same with the ladder of the impurities at all vertices.
  /// - Throws: as ``spectrum()``, and `RequestError` without impurities.
  public func ladder() async throws -> CollinearSpectrum {
    try await CollinearSpectrum(self, withLadder: true)
  }

  /// The time that ``spectrum()`` would take, `isLadder` that of ``ladder()``; see `CostEstimate`. What is integrated coordinate
  /// by coordinate, and with impurities, is computed for one frequency, or for some where that is soon done.
  /// - Throws: `RequestError`, `CancellationError`, `NonConvergence`.
  public func cost(isLadder: Bool = false) async throws -> CostEstimate {
    // At constant lifetime a run with fine grids counted costs much the same for few frequencies.
    try await CostEstimate(omegas, factor: impurities == nil ? 8 : 4) { omegas in
      var own = self
      own.omegas = omegas
      _ = try await isLadder ? own.ladder() : own.spectrum()
    }
  }

  /// Refuses what cannot be computed.
  func check() throws(RequestError) {
    try model.checkState(mu, temperature, omegas, directions, tolerance)
    if impurities == nil {
      try require(
        broadening > 0 && broadening.isFinite, "broadening", "\(broadening)", "a number above 0")
      try RequestError.check("broadening", broadening, bands: model.energyBound)
    }
    try require(!responses.isEmpty, "responses", "none", "at least one")
    let isAligned = model.orbitals.allSatisfy { $0.position == $0.downPosition }
    for (name, response) in responses where response.isTransverse {
      try require(
        isAligned, "responses", "'\(name)'",
        "a response that does not join the spins: their orbitals stand at different places")
    }
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
/// K(0), with 1e-4 of its modulus, 1e-6 of the sum over k of its absolute terms and, for K(0), a quarter of the largest
/// |K(omega) - K(0)| as the floors; each comes with a bound.
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
  /// Why cells are empty.
  public let failures: [EmptyCell]
  /// A line for each frequency and reason, with all columns that it concerns.
  public var failureLines: [String] { EmptyCell.lines(failures) }
  /// The points along each reciprocal vector of the finest grid.
  public let divisions: Int

  /// Computes the responses of ``CollinearRequest/spectrum()``; by sums over grids or by nested integrals, as is told or as would take less.
  package init(_ request: CollinearRequest, isNested: Bool? = nil) async throws {
    try request.check()
    let responses = request.parts
    let integral = CollinearIntegral(request, responses)
    let outcomes = try await integral.outcomes(isNested: isNested)
    let omegas = request.omegas
    self.omegas = omegas
    divisions = outcomes.map(\.divisions).max()!
    /// Why a value of a group is missing.
    func reason(_ outcome: GridRefinement.Outcome, _ q: Int) -> String? {
      let isNested = outcome.divisions == 0
      if isNested, outcome.errors[q].real == .infinity {
        return
          "did not converge: the nested integral needs too many intervals; try a larger lifetime parameter"
      }
      let points =
        isNested
        ? "nested integrals" : "\(outcome.divisions) points along each reciprocal vector"
      // Three grids tell an error.
      if outcome.values.isEmpty || outcome.errors[q].real == .infinity {
        return "needs more than \(points); try a larger lifetime parameter"
      }
      return integral.tolerance.reason(outcome.errors[q], outcome.allowed[q]).map {
        "\($0), with \(points)"
      }
    }
    (columns, failures) = request.columns { part, group in
      let (outcome, q) = (outcomes[group], responses.firstIndex(of: part)!)
      return (outcome.estimates[q], reason(outcome, q))
    }
  }

  /// The same with impurities.
  fileprivate init(_ request: CollinearRequest, withLadder: Bool) async throws {
    try request.check()
    guard let impurities = request.impurities else {
      throw RequestError("lifetime", found: "a constant one", expected: "impurities, for a ladder")
    }
    let parts = request.parts
    let found = try await ImpuritySpectrum(
      request.model, impurities, mu: request.mu, temperature: request.temperature,
      omegas: request.omegas, directions: request.directions, responses: parts.map { .plain($0) },
      isDressed: withLadder, tolerance: request.tolerance, threads: request.threads)
    (columns, failures) = request.columns { part, group in
      let column = found.columns[parts.firstIndex(of: part)!]
      return (
        group == 0 ? column.staticPart : column.quotients[group - 1], found.reasons[group]
      )
    }
    (omegas, divisions) = (request.omegas, found.divisions)
  }
}

extension CollinearRequest {
  /// The responses that are computed, each once.
  fileprivate var parts: [CollinearResponse] {
    responses.flatMap(\.response.parts).unique
  }

  /// The columns from the values of each part, or the reason why one is missing: group 0 is K(0), group n + 1 the
  /// quotient of frequency n.
  fileprivate func columns(
    _ found: (_ part: CollinearResponse, _ group: Int) -> (value: Estimate?, reason: String?)
  ) -> (columns: [CollinearSpectrum.Column], failures: [EmptyCell]) {
    var failures: [EmptyCell] = []
    func fail(_ name: String, _ omega: Double?, _ reason: String) {
      let cell = EmptyCell(column: name, omega: omega, reason: reason)
      // A ratio has two parts.
      if !failures.contains(cell) { failures.append(cell) }
    }
    func value(_ name: String, _ part: CollinearResponse, _ group: Int) -> Estimate? {
      let (value, reason) = found(part, group)
      guard let reason else { return value }
      fail(name, group == 0 ? nil : omegas[group - 1], reason)
      return nil
    }
    let columns = responses.map { name, response -> CollinearSpectrum.Column in
      if response == .polarisation {
        let values = omegas.enumerated().map { n, omega -> Estimate? in
          let both = response.parts.compactMap { value(name, $0, n + 1) }
          guard both.count == 2 else { return nil }
          let ratio = CollinearRequest.polarisation(both[0], both[1])
          if ratio == nil {
            fail(name, omega, "the conductivity is 0 within its error bound")
          }
          return ratio
        }
        return .init(staticPart: nil, quotients: values.map { _ in nil }, values: values)
      }
      let fixed = value(name, response, 0)
      let quotients = omegas.indices.map { value(name, response, $0 + 1) }
      let values = zip(quotients, omegas).map { quotient, omega -> Estimate? in
        guard let quotient, let fixed else { return nil }
        let (factor, size) =
          response.isConductivity ? (ComplexDouble.i, 1) : (ComplexDouble(omega), abs(omega))
        return Estimate(
          value: factor * quotient.value, error: size * quotient.error + fixed.error)
      }
      return .init(staticPart: fixed, quotients: quotients, values: values)
    }
    return (columns, failures)
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
}
