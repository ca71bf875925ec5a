// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import Logging

/// What `spectrum` and `matsubara` have in common.
struct ResponseArguments: ParsableArguments {
  @Option(
    parsing: .unconditional, help: "The chemical potential. Default: the model's.")
  var mu: String?
  @Option(
    help: ArgumentHelp(
      "constant=GAMMA: g = 1/(eps - E + i Gamma), tau = 1/(2 Gamma); scba=GAMMA, site=GAMMA: impurities of strength gamma = n_i u_i^2, self-consistent, one self-energy per band or impurities on the sites.",
      valueName: "kind=value"))
  var lifetime: String?
  @Option(
    help: ArgumentHelp(
      "The ladder of s with scba: exact, with the true cos(theta_k) under its sum, or paper.",
      valueName: "form"))
  var ladderForm: String = "exact"
  @Option(help: "Names, separated by commas; see the list below.")
  var responses: String?
  @Option(
    help: ArgumentHelp(
      "A folder with more diagram files; one of a shipped name replaces the shipped one.",
      valueName: "dir"), completion: .directory)
  var diagrams: [String] = []
  @Option(help: "Relative error of each part of each value.")
  var tolerance: String = "1e-6"

  func validate() throws {
    if let mu { _ = try number(mu, "--mu") }
    if let lifetime { _ = try kubo.lifetime(lifetime) }
    try checkTolerance(tolerance)
    _ = try chosen()
    guard LadderForm(rawValue: ladderForm) != nil else {
      throw ValidationError(
        "--ladder-form: found '\(shown(ladderForm))'; expected \(LadderForm.allCases.map(\.rawValue).joined(separator: ", "))"
      )
    }
  }

  /// The responses asked for, or the named ones.
  func chosen() throws -> [Response] {
    guard let responses else { return Response.aliases.map { Response($0.alias)! } }
    var list: [Response] = []
    for name in responses.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
      guard let response = Response(name) else {
        throw ValidationError(
          "--responses: found '\(shown(name))'; expected \(Response.aliases.map(\.alias).joined(separator: ", ")), or operator.spin.projection as in s.xx.full"
        )
      }
      guard !list.contains(response) else {
        throw ValidationError(
          "--responses: found '\(shown(name))' twice; expected each response once")
      }
      list.append(response)
    }
    return list
  }

  func request(
    _ arguments: ModelArguments, omegas: [Double], columns: [SpectrumRequest.Column], _ log: Logger
  ) throws -> (request: SpectrumRequest, file: ModelFile) {
    let (file, model, temperature) = try arguments.read()
    return (
      SpectrumRequest(
        model: model, mu: try mu.map { try number($0, "--mu") } ?? file.defaults.mu,
        temperature: temperature,
        lifetime: try lifetime.map { try kubo.lifetime($0) } ?? file.defaults.lifetime,
        omegas: omegas, directions: try directions(arguments.direction), columns: columns,
        diagrams: try diagramSet(diagrams, log), tolerance: try number(tolerance, "--tolerance"),
        threads: arguments.threadCount, ladderForm: LadderForm(rawValue: ladderForm)!), file
    )
  }
}

/// The table of responses for the help texts.
let responseTable = """
  RESPONSES
  \(Response.aliases.map { alias in
    "  \(alias.alias.padding(toLength: 11, withPad: " ", startingAt: 0)) \(alias.meaning) = \(alias.name)"
  }.joined(separator: "\n"))
    any other operator.spin.projection of the diagrams, as in s.xy.full or Sigma.xx.O_adiabatic

  DRESSINGS
    constant=GAMMA: bare; closed, closed_printed for X, Y, X_na, Y_na
    scba=GAMMA:     bare; ladder for X_na, Y_na, X_na_all, Y_na_all; closed for X, Y, X_na, Y_na
    site=GAMMA:     bare and ladder for sigma, s_full, Sigma_full and other unprojected responses
  """

/// `kubo spectrum`.
struct SpectrumCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spectrum",
    abstract: "Responses against frequency, as CSV.",
    discussion: """
      For each response R and dressing D the columns R.D.re, R.D.im hold K(omega) - K(0) (for sigma, \
      sigma itself), R.D.static holds K(0), R.D.err bounds the error of each and of their sum.

      EXAMPLE
        kubo spectrum chain --omega 0,0.5 --responses sigma --tolerance 1e-3

        After the header, a row for each frequency:

          omega,sigma.bare.re,sigma.bare.im,sigma.bare.err,sigma.bare.static
          0.0,14.26,0.0,...
          0.5,0.537,2.743,...

        The Drude peak has fallen from 14.3 to 0.54 e^2 a/hbar at omega = 0.5,
        which is 10 Gamma. With '--output FILE' the rows go to the file, and a
        summary is printed.

      \(responseTable)
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var response: ResponseArguments
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Frequencies, START:STOP:COUNT or a,b,c.", valueName: "axis"))
  var omega: String = "0:3:200"
  @Option(
    help: "bare, ladder, closed, closed_printed, separated by commas. Default: all that exist.")
  var dressing: String?
  @Flag(help: "Add a column for each diagram of each bare response.")
  var perDiagram = false

  func validate() throws {
    _ = try axis(omega, "--omega")
    _ = try dressings()
  }

  private func dressings() throws -> [Dressing]? {
    try dressing?.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let dressing = Dressing(rawValue: String($0)) else {
        throw ValidationError(
          "--dressing: found '\(shown(String($0)))'; expected \(Dressing.allCases.map(\.rawValue).joined(separator: ", "))"
        )
      }
      return dressing
    }
  }

  func run() async throws {
    try await reporting(arguments.verbosity) { log in
      let start = Date()
      try arguments.checkOutput()
      var (request, file) = try response.request(
        arguments, omegas: axis(omega, "--omega"), columns: [], log)
      request.columns = try columns(request)
      let spectrum = try await request.spectrum()
      let table = CSVFile(
        spectrum, request: request, provenance: try arguments.provenance(file, since: start))
      try arguments.write(table)
      if let output = arguments.output, output != "-", !arguments.quiet {
        try standardOutput(spectrum.summary(request) + "\nwritten: \(output)\n")
      }
      for validity in spectrum.validity(request) where validity.isPoor {
        log.notice("note: \(validity.label): \(validity.text)")
      }
      for line in spectrum.failureLines { log.error("\(line)") }
      if !spectrum.failures.isEmpty { throw ExitStatus.notConverged }
    }
  }

  /// Every pair asked for; without `--dressing`, every pair that exists, and with `--responses`
  /// and `--dressing` both given, a pair that does not exist is refused.
  private func columns(_ request: SpectrumRequest) throws -> [SpectrumRequest.Column] {
    let asked = try dressings()
    var columns: [SpectrumRequest.Column] = []
    for r in try response.chosen() {
      let known = r.dressings(request.lifetime, request.diagrams)
      let wanted = asked.map { list in
        response.responses == nil ? list.filter(known.contains) : list
      }
      for dressing in wanted ?? known {
        columns.append(.init(response: r, dressing: dressing))
        if perDiagram, dressing == .bare {
          columns += request.diagrams.diagrams(of: r).map {
            .init(response: r, dressing: .bare, diagram: $0.name)
          }
        }
      }
    }
    guard !columns.isEmpty else {
      throw ValidationError(
        "dressing: found \(dressing ?? "none") with lifetime \(request.lifetime.description); expected one that some response has"
      )
    }
    return columns
  }
}
