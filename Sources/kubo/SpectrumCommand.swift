// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import KuboOrbitals
import Logging

/// What `spectrum` and `matsubara` have in common.
struct ResponseArguments: ParsableArguments {
  @OptionGroup var potential: ChemicalPotential
  @Option(
    help: ArgumentHelp(
      "constant=GAMMA: g = 1/(eps - E + i Gamma), tau = 1/(2 Gamma); with --units also as constant=20meV. scba=GAMMA, site=GAMMA: impurities of strength gamma = n_i u_i^2, self-consistent, with one self-energy for each band (scba) or impurities on the sites (site). For models with orbitals site=GAMMA, spin=GAMMA (quenched spins), spin_z, spin_xy, several with commas, and site=A:GAMMA+B:GAMMA for single orbitals.",
      valueName: "kind=value"), transform: LifetimeChoice.init)
  var lifetime: LifetimeChoice?
  @Option(
    help: ArgumentHelp(
      "The ladder of s with scba: exact keeps cos(theta_k) under the sum; paper takes it out, as the paper does.",
      valueName: "form"))
  var ladderForm = LadderForm.exact
  @Option(
    help: "Names of responses, separated by commas; see the list above.", transform: responseNames)
  var responses: [String]?
  @OptionGroup var folders: DiagramFolders
  @Option(
    parsing: .unconditional, help: "Relative error of each part of each value. Default: 1e-6.",
    transform: kubo.tolerance)
  var tolerance = 1e-6

  /// The responses asked for, or the named ones.
  func chosen() throws -> [Response] {
    try responses?.map { name in
      guard let response = Response(name) else {
        throw ValidationError(
          "--responses: found '\(shown(name))'; \(Response.expected(for: name))"
        )
      }
      return response
    } ?? Response.standard
  }

  /// Whether the general route serves: the model has orbitals, or only that route knows what is asked for.
  func isGeneral(_ arguments: ModelArguments) throws -> Bool {
    if try Installation.readModel(arguments.model).hasOrbitals || lifetime?.needsOrbitals == true {
      return true
    }
    let others = responses?.filter { Response($0) == nil } ?? []
    if let name = others.first(where: { !CollinearResponse.isName($0) }) {
      let general = CollinearResponse.names.map(\.name).filter { Response($0) == nil }
      let expected = Response.expected(
        for: name, or: general, last: ", or s, T and moment of one sublattice as s[A].xx.full")
      throw ValidationError("--responses: found '\(shown(name))'; \(expected)")
    }
    return !others.isEmpty
  }

  /// The units of `--units`; refuses those that lack what a conductivity of the request needs.
  func physicalUnits(
    _ arguments: ModelArguments, _ crystal: some Crystal, isConductivity: Bool
  ) throws -> PhysicalUnits? {
    let dimension = crystal.dimension
    guard let result = arguments.units.units?.value else { return nil }
    if isConductivity, result.conductivity(dimension: dimension) == nil {
      throw ValidationError(
        "--units: found '\(arguments.units.units!)'; expected nm=L too, since \(crystal.name) has dimension \(dimension) and sigma the unit of length to the power \(2 - dimension)"
      )
    }
    return result
  }

  func request(
    _ arguments: ModelArguments, omega: Axis? = nil, columns: [SpectrumRequest.Column],
    _ log: Logger
  ) async throws -> (request: SpectrumRequest, inputs: Inputs) {
    var result = try await arguments.request(
      potential, lifetime: lifetime, omega: omega, diagrams: folders.library(log),
      tolerance: tolerance, withLengths: true, log)
    result.request.columns = columns
    result.request.ladderForm = ladderForm
    return result
  }
}

/// The table of responses for the help texts.
let responseTable = """
  RESPONSES
  \(Response.aliases.map { alias in
    "  \(alias.alias.padding(toLength: 15, withPad: " ", startingAt: 0)) \(alias.meaning) = \(alias.name)"
  }.joined(separator: "\n"))
    any other operator.spin.projection of the diagrams, such as s.xy.full or Sigma.xx.O_adiabatic

  RESPONSES OF MODELS WITH ORBITALS
  \(CollinearResponse.names.map { "  \($0.name.padding(toLength: 15, withPad: " ", startingAt: 0)) \($0.meaning)" }.joined(separator: "\n"))
    s, T and moment also of some orbitals or groups, such as s[A].xx.full or T[A+B].xy.full

  DRESSINGS
    constant=GAMMA: bare; closed, closed_printed for X, Y, X_na, Y_na
    scba=GAMMA:     bare; ladder for X_na, Y_na, X_na_all, Y_na_all; closed for X, Y, X_na, Y_na
    site=GAMMA:     bare and ladder for sigma, s_full, Sigma_full and other unprojected responses
  """

/// `kubo spectrum`.
struct SpectrumCommand: SweepableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spectrum",
    abstract: "Responses against frequency, as CSV.",
    discussion: """
      For each response R and dressing D the columns R.D.re and R.D.im hold K(omega) - K(0) (for sigma, sigma itself), \
      R.D.static holds K(0), and R.D.err bounds the error of each and of their sum.

      EXAMPLE
        kubo spectrum chain --omega 0,0.5 --responses sigma --tolerance 1e-3

        After the header, a row for each frequency:

          omega,sigma.bare.re,sigma.bare.im,sigma.bare.err,sigma.bare.static
          0.0,14.26,0.0,...
          0.5,0.537,2.743,...

        The Drude peak has fallen from 14.3 to 0.54 e^2 a/hbar at omega = 0.5,
        which is 10 Gamma. '--output FILE' writes the rows to a file and prints a
        summary.

      \(responseTable)
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup(title: "Sweeps") var sweep: SweepArguments
  @OptionGroup var response: ResponseArguments
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Frequencies hbar omega, START:STOP:COUNT or a,b,c; with --units also as 0THz:100THz:51, where nu = omega/2 pi. Default: 0:3:200.",
      valueName: "axis"), transform: Axis.init)
  var omega = try! Axis("0:3:200")
  @Option(
    help:
      "bare, ladder, closed, closed_printed, separated by commas. Default: all that the lifetime allows.",
    transform: dressings(Dressing.allCases))
  var dressing: [Dressing]?
  @Flag(help: "Add a column for each diagram of each bare response.")
  var perDiagram = false
  @Flag(
    help:
      "Add columns bonding, antibonding and interband for each bare response: all propagators in the lower band, all in the upper band, or in both. They add up to the whole. Not for responses that are purely interband (X_na, Y_na, X_na_all, Y_na_all), and not with site=GAMMA, which mixes the bands."
  )
  var perBand = false
  @Flag(
    help:
      "Compute every frequency. Otherwise those of long axes are interpolated between some that are computed, where that holds to the tolerance: the column interpolated says which (1), err bounds their errors, too. No sweep interpolates, nor do models with orbitals or --per-diagram."
  )
  var noInterpolation = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Compute further frequencies where the curves bend, up to so many in all, until straight lines between neighbours follow the curves to 1 % of their height. Then no frequency is interpolated. Not for sweeps or models with orbitals.",
      valueName: "count"), transform: integer(3...100_000))
  var refine: Int?
  @Flag(help: CostEstimate.help)
  var estimate = false

  var advice: String {
    estimate ? toleranceAdvice : estimateAdvice
  }

  // The points of a sweep all have the same rows.
  var ofSingleRuns: String? { refine == nil ? nil : "--refine" }

  func cost(_ log: Logger) async throws -> CostEstimate? {
    guard estimate else { return nil }
    if try response.isGeneral(arguments) {
      let request = try await collinearRequest(log).request
      var parts: [CostEstimate] = []
      for dressing in chosenDressings(request) {
        parts.append(try await request.cost(isLadder: dressing == .ladder))
      }
      return CostEstimate(parts)
    }
    let request = try await request(log).request
    try checkRefinement(of: request.omegas)
    if let refine {
      let count = Set(request.omegas).count
      log.notice(
        "note: the estimate is for the \(count) frequencies given; --refine adds up to \(refine - count), each of which takes about as long as one of them"
      )
    }
    return try await request.cost()
  }

  func result(_ log: Logger) async throws -> TableResult {
    let start = Date()
    if try response.isGeneral(arguments) { return try await collinear(log, since: start) }
    var (request, inputs) = try await request(log)
    request.isInterpolated = !noInterpolation && !sweep.isPoint
    try checkRefinement(of: request.omegas)
    let units = try response.physicalUnits(
      arguments, request.model,
      isConductivity: request.columns.contains { $0.response.isConductivity })
    let spectrum =
      if let refine {
        try await request.refinedSpectrum(limit: refine)
      } else {
        try await request.spectrum()
      }
    return TableResult(
      table: CSVFile(
        spectrum, request: request, units: units,
        provenance: try arguments.provenance(inputs, since: start)),
      summary: spectrum.summary(request) + "\n",
      notes: spectrum.validity(request).filter(\.isPoor).map { "\($0.label) is \($0.text)" },
      failures: spectrum.failureLines, poles: spectrum.poleLines)
  }

  /// Refuses `--refine` where it could add nothing.
  private func checkRefinement(of omegas: [Double]) throws {
    guard let refine else { return }
    let count = Set(omegas).count
    guard count > 2, refine > count else {
      throw ValidationError(
        "--refine: found \(refine) with \(count) frequencies; expected 3 frequencies or more, and more in all"
      )
    }
  }

  /// Responses of a magnet with orbitals.
  private func collinear(_ log: Logger, since start: Date) async throws -> TableResult {
    let (request, lifetime, input, filling) = try await collinearRequest(log)
    let units = try response.physicalUnits(
      arguments, request.model,
      isConductivity: request.responses.contains { $0.response.isConductivity })
    var spectra: [(dressing: Dressing, spectrum: CollinearSpectrum)] = []
    for dressing in chosenDressings(request) {
      let isLadder = dressing == .ladder
      spectra.append(
        (dressing, try await isLadder ? request.ladder() : request.spectrum()))
    }
    return TableResult(
      table: CSVFile(
        spectra, request: request, lifetime: lifetime, units: units,
        provenance: try arguments.provenance(input, filling: filling, since: start)),
      summary: request.summary(spectra, lifetime: lifetime) + "\n",
      failures: spectra.flatMap(\.spectrum.failureLines))
  }

  private func chosenDressings(_ request: CollinearRequest) -> [Dressing] {
    dressing ?? (request.impurities == nil ? [.bare] : [.bare, .ladder])
  }

  private func collinearRequest(
    _ log: Logger
  ) async throws -> (
    request: CollinearRequest, lifetime: String, input: ModelInput<OrbitalModel>, filling: Filling?
  ) {
    let input = try arguments.readOrbitals(log, withLengths: true)
    try refuseWithOrbitals(
      input.model.name,
      [
        ("--per-diagram", perDiagram), ("--per-band", perBand), ("--refine", refine != nil),
        ("--dressing", dressing?.contains { $0 != .bare && $0 != .ladder } == true),
      ])
    var impurities: OrbitalImpurities?
    var gamma = 0.0
    let chosen = response.lifetime
    if let chosen, !chosen.isConstant {
      impurities = try chosen.impurities(input.model, in: input.scale)
    } else {
      let lifetime = try chosen?.value(in: input.scale) ?? input.file.defaults.lifetime
      if case .constant(let value) = lifetime { gamma = value }
    }
    let lifetime =
      impurities == nil ? Lifetime.constant(gamma).description : chosen!.description
    if impurities == nil, dressing?.contains(.ladder) == true {
      throw ValidationError(
        "--dressing: found ladder with lifetime \(lifetime); expected bare, or impurities, as --lifetime site=0.1"
      )
    }
    var names =
      response.responses
      ?? CollinearResponse.names.map(\.name).filter { name in
        // Those that every model has.
        (try? CollinearResponse(name, input.model)) != nil
      }
    let transverse = names.filter { CollinearResponse.isTransverse($0) }
    if response.responses != nil, let name = transverse.first,
      let fault = input.file.transverseFaults.first
    {
      throw ValidationError(
        "--responses: found '\(shown(name))', a transverse response, where both spins do not have the same orbitals: \(fault); expected sigma, or other files: \(WannierAlignment.advice)"
      )
    }
    if !input.file.transverseFaults.isEmpty {
      log.notice(
        "note: the two spins do not have the same orbitals, so there are no transverse responses ('kubo models' says more)"
      )
      names.removeAll { transverse.contains($0) }
    }
    if impurities != nil, dressing != [.bare] {
      // The ladder of their vertices has not been checked against anything.
      if response.responses != nil, let name = names.first(where: { $0.hasPrefix("moment") }) {
        throw ValidationError(
          "--responses: found '\(shown(name))' with the ladder; expected --dressing bare for torques on moments"
        )
      }
      names.removeAll { $0.hasPrefix("moment") }
    }
    let (mu, filling) = try await response.potential.value(
      input, broadening: gamma, impurities: impurities.map { ($0, lifetime) },
      threads: arguments.work.threadCount, log)
    var request = CollinearRequest(
      model: input.model, mu: mu,
      temperature: input.temperature, broadening: gamma,
      omegas: try omega.values("--omega", in: input.scale), directions: arguments.direction,
      responses: try names.map { ($0, try CollinearResponse($0, input.model)) },
      tolerance: response.tolerance, threads: arguments.work.threadCount)
    request.impurities = impurities
    return (request, lifetime, input, filling)
  }

  private func request(_ log: Logger) async throws -> (request: SpectrumRequest, inputs: Inputs) {
    var (request, inputs) = try await response.request(
      arguments, omega: omega, columns: [], log)
    request.columns = try columns(request)
    return (request, inputs)
  }

  /// Every pair asked for; without `--dressing`, every pair that exists, and with `--responses`
  /// and `--dressing` both given, a pair that does not exist is refused.
  private func columns(_ request: SpectrumRequest) throws -> [SpectrumRequest.Column] {
    if perBand, request.lifetime.impurities?.kind == .site {
      throw ValidationError(
        "--per-band: found with --lifetime \(request.lifetime.description); expected constant=GAMMA or scba=GAMMA: impurities on the sites mix the bands"
      )
    }
    var columns: [SpectrumRequest.Column] = []
    for r in try response.chosen() {
      let known = r.dressings(request.lifetime, request.diagrams)
      let wanted = dressing.map { list in
        response.responses == nil ? list.filter(known.contains) : list
      }
      // A response that is named and has none is refused with the reason (``SpectrumRequest``).
      let all = response.responses != nil && known.isEmpty ? [.bare] : known
      for dressing in wanted ?? all {
        columns.append(.init(response: r, dressing: dressing))
        if perDiagram, dressing == .bare {
          columns += request.diagrams.diagrams(of: r).map {
            .init(response: r, dressing: .bare, diagram: $0.name)
          }
        }
        if perBand, dressing == .bare {
          let shares = request.diagrams.shares(of: r)
          if shares.count > 1 {
            columns += shares.map { .init(response: r, dressing: .bare, share: $0) }
          }
        }
      }
    }
    if perBand, !columns.contains(where: { $0.share != nil }) {
      throw ValidationError(
        "--per-band: found no bare response with a share of one band; expected one, as sigma, X or Y"
      )
    }
    guard !columns.isEmpty else {
      throw ValidationError(
        "dressing: found \(dressing?.map(\.rawValue).joined(separator: ",") ?? "none") with lifetime \(request.lifetime.description); expected one that some response has"
      )
    }
    return columns
  }
}
