// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDisorder
import KuboLattice
import KuboLoops

/// What to compute: responses of electrons at some frequencies.
@dynamicMemberLookup public struct SpectrumRequest: Sendable {
  /// What the electrons are.
  public var electrons: Electrons
  /// The frequencies hbar omega, in energy units; any sign.
  public var omegas: [Double]
  /// The directions of the texture gradient and of the electric field.
  public var directions: Directions
  /// The columns, in order.
  public var columns: [Column]
  /// The diagrams that the columns draw on.
  public var diagrams: DiagramSet
  /// The relative tolerance of ``Spectrum``.
  public var tolerance: Double
  /// How many threads may work; the results do not depend on it.
  public var threads: Int
  /// The ladder of s with `scba`.
  public var ladderForm: LadderForm
  /// Whether a long axis may be interpolated between frequencies that are computed; docs/errors.md, "Long axes".
  public var isInterpolated = false

  /// One response with one dressing, or one of its diagrams.
  public struct Column: Sendable, Equatable {
    /// The response.
    public var response: Response
    /// The dressing.
    public var dressing: Dressing
    /// The name of a single diagram, or nil for the sum.
    public var diagram: String?
    /// The bands of the propagators that count, or nil for all.
    public var share: BandShare?
    /// Whether the values are (i/omega) [K(omega) - K(0)] of any response, and their errors those of that alone.
    var isPerField = false

    /// A column.
    public init(
      response: Response, dressing: Dressing, diagram: String? = nil, share: BandShare? = nil
    ) {
      self.response = response
      self.dressing = dressing
      self.diagram = diagram
      self.share = share
    }

    /// The prefix of the column names, as in `Y.bare`, `Y.bare.adiabatic.electric_first` or
    /// `Y.bare.bonding`.
    public var label: String {
      "\(response.name).\(dressing.rawValue)" + (diagram.map { ".\($0)" } ?? "")
        + (share.map { ".\($0.rawValue)" } ?? "")
    }

    /// Whether the values are (i/omega) [K(omega) - K(0)], at omega = 0 the limit, and not K(omega) - K(0).
    var isQuotient: Bool { isPerField || response.isConductivity }
  }

  /// A request to ``electrons`` = (model, mu, temperature, lifetime), in energy units; docs/conventions.md.
  public init(
    model: Model, mu: Double, temperature: Double, lifetime: Lifetime, omegas: [Double],
    directions: Directions = Directions(i: 0, j: 0), columns: [Column], diagrams: DiagramSet,
    tolerance: Double = 1e-6, threads: Int = 1, ladderForm: LadderForm = .exact
  ) {
    electrons = Electrons(model: model, mu: mu, temperature: temperature, lifetime: lifetime)
    self.omegas = omegas
    self.directions = directions
    self.columns = columns
    self.diagrams = diagrams
    self.tolerance = tolerance
    self.threads = threads
    self.ladderForm = ladderForm
  }

  /// What the electrons are, as in `request.mu`.
  public subscript<Value>(dynamicMember property: KeyPath<Electrons, Value>) -> Value {
    electrons[keyPath: property]
  }

  /// Other columns, perhaps of other electrons.
  package func asking(
    _ columns: [Column], of electrons: Electrons? = nil, omegas: [Double]? = nil,
    tolerance: Double? = nil
  ) -> SpectrumRequest {
    var request = self
    request.columns = columns
    request.electrons = electrons ?? self.electrons
    request.omegas = omegas ?? self.omegas
    request.tolerance = tolerance ?? self.tolerance
    return request
  }

  /// The diagrams of a column.
  func diagrams(of column: Column) -> [Diagram] {
    let all = diagrams.diagrams(of: column.response)
    return column.diagram.map { name in all.filter { $0.name == name } } ?? all
  }

  /// Computes the spectrum.
  ///
  /// - Throws: `RequestError` for a request that makes no sense, `CancellationError`. Cells that
  ///   do not converge, or that hit a pole, are empty and listed in ``Spectrum/failures``.
  public func spectrum() async throws -> Spectrum {
    try check()
    return try await isInterpolated && FrequencyNodes.canServe(self)
      ? FrequencyNodes.spectrum(self) : engine.spectrum()
  }

  /// The engine of the lifetime.
  var engine: any SpectrumEngine {
    switch electrons.lifetime {
    case .constant(let gamma): ConstantLifetimeEngine(self, gamma: gamma)
    case .scba(let gamma): ImpurityEngine(self, .scba, gamma: gamma)
    case .site(let gamma): ImpurityEngine(self, .site, gamma: gamma)
    }
  }

  /// Refuses what cannot be computed.
  package func check() throws(RequestError) {
    try electrons.model.checkState(
      electrons.mu, electrons.temperature, omegas, directions, tolerance)
    try electrons.check()
    for column in columns { try check(column) }
  }

  private func check(_ column: Column) throws(RequestError) {
    let lifetime = electrons.lifetime
    let found = diagrams.diagrams(of: column.response)
    try require(
      !found.isEmpty, "response", column.response.name,
      "an alias (\(Response.aliases.map(\.alias).joined(separator: ", "))) or one of \(diagrams.available.joined(separator: ", "))"
    )
    if let name = column.diagram, !found.contains(where: { $0.name == name }) {
      throw RequestError(
        "diagram", found: name, expected: found.map(\.name).joined(separator: ", "))
    }
    if let share = column.share {
      try require(
        column.dressing == .bare && lifetime.impurities?.kind != .site, "band",
        "\(column.label) with lifetime \(lifetime.description)",
        "bare loops of propagators that each belong to a band")
      let shares = diagrams.shares(of: column.response)
      try require(
        shares.contains(share), "band", column.label,
        shares.map(\.rawValue).joined(separator: ", "))
    }
    let dressings = column.response.dressings(lifetime, diagrams)
    try require(
      dressings.contains(column.dressing), "dressing",
      "\(column.dressing.rawValue) for \(column.response.name) with lifetime \(lifetime.description)",
      dressings.isEmpty
        ? "an unprojected response, as sigma, s_full or Sigma_full: impurities on the sites mix the bands"
        : dressings.map(\.rawValue).joined(separator: ", "))
  }
}

extension [SpectrumRequest.Column] {
  /// The named responses, each with all of `dressings`.
  package static func named(_ names: [String], _ dressings: [Dressing] = [.bare]) -> Self {
    names.flatMap { name in dressings.map { .init(response: Response(name)!, dressing: $0) } }
  }
}

/// One for each kind of lifetime, of requests that were checked.
protocol SpectrumEngine: Sendable {
  func spectrum() async throws -> Spectrum
  /// What gives the columns at some of the frequencies, and does once what these share.
  func batches() async throws -> ([Double]) async throws -> Spectrum
  /// K(i omega_l) of the columns, l = 0 ..< count, at a temperature above 0.
  func matsubara(count: Int) async throws -> MatsubaraSpectrum
}
