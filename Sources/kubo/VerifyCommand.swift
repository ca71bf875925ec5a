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
        kubo verify square
        kubo verify square --diagrams mine --dressing bare
      """)

  @OptionGroup var arguments: ModelArguments
  @Option(parsing: .unconditional, help: "The chemical potential. Default: the model's.")
  var mu: String?
  @Option(
    help: ArgumentHelp(
      "constant=GAMMA of the bare loops. Default: the model's.", valueName: "kind=value"))
  var lifetime: String?
  @Option(
    help:
      "The impurities' strength gamma = n_i u_i^2, in squared energy units. Default: a level width of J/5 at mu."
  )
  var gamma: String?
  @Option(help: "bare, ladder, or bare,ladder.")
  var dressing: String = "bare,ladder"
  @Option(
    help: ArgumentHelp(
      "A folder with more diagram files; one of a shipped name replaces the shipped one.",
      valueName: "dir"))
  var diagrams: [String] = []
  @Option(help: "Relative error of each part of each value.")
  var tolerance: String = "1e-4"

  func validate() throws {
    if let mu { _ = try number(mu, "--mu") }
    if let lifetime, case .constant = try kubo.lifetime(lifetime) {
    } else if let lifetime {
      throw ValidationError(
        "--lifetime: found '\(shown(lifetime))'; expected constant=GAMMA; --gamma is the strength of impurities"
      )
    }
    if let gamma, try number(gamma, "--gamma") <= 0 {
      throw ValidationError("--gamma: found '\(shown(gamma))'; expected a number above 0")
    }
    guard ["bare", "ladder", "bare,ladder"].contains(dressing) else {
      throw ValidationError(
        "--dressing: found '\(shown(dressing))'; expected bare, ladder or bare,ladder")
    }
    try checkTolerance(tolerance)
  }

  func run() async throws {
    try await reporting(arguments.verbosity) { log in
      try arguments.checkOutput()
      let (file, model, temperature) = try arguments.read()
      let request = SpectrumRequest(
        model: model, mu: try mu.map { try number($0, "--mu") } ?? file.defaults.mu,
        temperature: temperature,
        lifetime: try lifetime.map { try kubo.lifetime($0) } ?? file.defaults.lifetime, omegas: [],
        directions: try directions(arguments.direction), columns: [],
        diagrams: try diagramSet(diagrams, log), tolerance: try number(tolerance, "--tolerance"),
        threads: arguments.threadCount)
      var strength: Double?
      if dressing != "bare" {
        strength = try gamma.map { try number($0, "--gamma") }
        if strength == nil {
          strength = try await Comparison.strength(
            model, mu: request.mu, threads: arguments.threadCount)
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
