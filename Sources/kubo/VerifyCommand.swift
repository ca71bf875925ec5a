// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles

/// `kubo verify`.
struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks the exact statements of the theory on a model, as a table.",
    discussion: """
      Traces against explicit 4x4 matrices in the eigenstate frame, Matsubara sums against integrals by \
      GSL, gauge invariance, spin continuity, causality, sum rules, symmetries; bare loops at constant \
      lifetime, then impurities with their ladder. Exit status 1 if a statement does not hold.

      EXAMPLE
        kubo verify chain --dressing bare

        A line for each statement, with its residual, what is allowed, and 'pass'
        or 'FAIL':

          vertices and traces ...
          ...
          gauge invariance: K_s(0) = 0, K_Sigma(0) = 0 ...
          ...
          27 of 27 statements hold

        With '--diagrams DIR' a file of one's own that has a wrong sign is named.
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var state: ConstantLifetimeArguments
  @Option(
    help:
      "The impurities' strength gamma = n_i u_i^2, in squared energy units. Default: a level width of J/5 at mu, in three dimensions of 3 J."
  )
  var gamma: String?
  @Option(help: "bare, ladder, or bare,ladder.")
  var dressing: String = "bare,ladder"
  @Option(
    help: ArgumentHelp(
      "A folder with more diagram files; one of a shipped name replaces the shipped one.",
      valueName: "dir"), completion: .directory)
  var diagrams: [String] = []

  func validate() throws {
    if let gamma, try number(gamma, "--gamma") <= 0 {
      throw ValidationError("--gamma: found '\(shown(gamma))'; expected a number above 0")
    }
    guard ["bare", "ladder", "bare,ladder"].contains(dressing) else {
      throw ValidationError(
        "--dressing: found '\(shown(dressing))'; expected bare, ladder or bare,ladder")
    }
  }

  func run() async throws {
    try await reporting(arguments.verbosity) { log in
      try arguments.checkOutput()
      let (request, _, _) = try await state.request(
        arguments, omegas: [], diagrams: diagramSet(diagrams, log), log)
      var strength: Double?
      if dressing != "bare" {
        strength = try gamma.map { try number($0, "--gamma") }
        if strength == nil {
          strength = try await Comparison.strength(
            request.model, mu: request.mu, part: Comparison.verifiablePart(request.model),
            threads: arguments.threadCount)
        }
      }
      let verification = try await request.verification(
        bare: dressing != "ladder", impurities: strength)
      try arguments.write(verification.summary(request, impurities: strength))
      let failed = verification.statements.filter { !$0.holds }
      for statement in failed {
        log.error("\(statement.claim): \(statement.reason)")
      }
      if !failed.isEmpty { throw ExitStatus.refuted }
    }
  }
}
