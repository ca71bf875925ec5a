// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles

/// `kubo report`.
struct ReportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "A run on one page: spectra, bare against ladder, diagrams, verification, as HTML.",
    discussion: """
      The page holds its pictures and needs no network; it can be sent and opened from disk. It says with \
      which model file, program and command it was made. Spectra have a constant lifetime; impurities \
      enter the comparison and the verification.

      EXAMPLE
        kubo report narrow --output narrow.html # some minutes

        The page, to be opened in any browser:

          written: narrow.html
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var state: ConstantLifetimeArguments
  @Option(
    help:
      "The impurities' strength gamma = n_i u_i^2, in squared energy units. Default: a level width of J/5 at mu, in three dimensions of 3 J."
  )
  var gamma: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Frequencies, START:STOP:COUNT or a,b,c. Default: 0 to 3 J, finer about 2 J.",
      valueName: "axis"))
  var omega: String?
  @Option(help: "Names, separated by commas, as of 'kubo spectrum'. Default: all named ones.")
  var responses: String?
  @Option(
    help: ArgumentHelp(
      "A folder with more diagram files; one of a shipped name replaces the shipped one.",
      valueName: "dir"), completion: .directory)
  var diagrams: [String] = []
  @Flag(inversion: .prefixedNo, help: "Check the exact statements on the model, as 'kubo verify'.")
  var verify = true

  func validate() throws {
    if let gamma, try number(gamma, "--gamma") <= 0 {
      throw ValidationError("--gamma: found '\(shown(gamma))'; expected a number above 0")
    }
    if let omega, try axis(omega, "--omega").allSatisfy({ $0 == 0 }) {
      throw ValidationError("--omega: found '\(shown(omega))'; expected a frequency other than 0")
    }
    _ = try chosenResponses(responses)
  }

  func run() async throws {
    try await reporting(arguments.verbosity) { log in
      let start = Date()
      try arguments.checkOutput()
      try Picture.checkProgram(path: arguments.output ?? "-")
      var (request, file, filling) = try await state.request(
        arguments, omegas: [], diagrams: diagramSet(diagrams, log), log)
      request.omegas =
        try omega.map { try axis($0, "--omega") }
        ?? Comparison.axis(exchange: request.model.exchange)
      request.columns = try chosenResponses(responses).flatMap { response in
        response.dressings(request.lifetime, request.diagrams)
          .filter { $0 != .closedPrinted }.map { .init(response: response, dressing: $0) }
      }
      let spectrum = try await request.spectrum()
      var strength = try gamma.map { try number($0, "--gamma") } ?? 0
      if gamma == nil {
        strength = try await Comparison.strength(
          request.model, mu: request.mu, part: Comparison.verifiablePart(request.model),
          threads: arguments.threadCount)
      }
      // The energy integrals of impurities are numerical: their errors cost more.
      var dressed = request
      dressed.tolerance = min(0.5, 10 * request.tolerance)
      let comparison = try await Comparison(dressed, gamma: strength)
      let verification =
        verify ? try await request.verification(impurities: strength) : nil
      let report = Report(
        request: request, spectrum: spectrum, comparison: comparison, impurities: strength,
        verification: verification,
        provenance: try arguments.provenance(file, filling: filling, since: start))
      try arguments.write(report.page(path: arguments.output ?? "-").text)
      if let output = arguments.output, output != "-", !arguments.quiet {
        try standardOutput("written: \(output)\n")
      }
      for failure in report.failures { log.error("\(failure)") }
      let refuted = verification?.statements.filter { !$0.holds } ?? []
      for statement in refuted { log.error("\(statement.claim): \(statement.reason)") }
      if !refuted.isEmpty { throw ExitStatus.refuted }
      if !report.failures.isEmpty { throw ExitStatus.notConverged }
    }
  }
}
