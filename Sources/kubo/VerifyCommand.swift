// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import KuboOrbitals
import KuboVerification
import Logging

/// `kubo verify`.
struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks the exact statements of the theory on a model, as a table.",
    discussion: """
      Checks bare loops at constant lifetime, then impurities with their ladder: traces against explicit 4x4 \
      matrices in the eigenstate frame, Matsubara sums against integrals by GSL, gauge invariance, spin \
      continuity, causality, sum rules, and symmetries. For models with orbitals it checks the loops against a \
      spiral of finite pitch in explicit 2n x 2n matrices, gauge invariance, spin continuity in its general form, \
      the Kramers-Kronig relations and the f-sum rule; with impurities, a tenth of which are spins, spin \
      continuity with its relaxation; and for Wannier90's files whether both spins have the same orbitals. The \
      exit status is 1 if a statement fails.

      EXAMPLE
        kubo verify chain --dressing bare

        Each statement has a line with its residual, the residual allowed, and
        'pass' or 'FAIL':

          vertices and traces ...
          ...
          gauge invariance: K_s(0) = 0, K_Sigma(0) = 0 ...
          ...
          34 of 34 statements hold

        With '--diagrams DIR' the command names a diagram file of your own that
        has a wrong sign.
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var state: ConstantLifetimeArguments
  @OptionGroup var strength: ImpurityStrength
  @Option(
    help: "bare, ladder, or bare,ladder. Default: both.", transform: dressings([.bare, .ladder]))
  var dressing: [Dressing] = [.bare, .ladder]
  @OptionGroup var folders: DiagramFolders

  func run() async throws {
    try await reporting(arguments.work.verbosity, advice: toleranceAdvice) { log in
      try arguments.checkOutput()
      if try Installation.readModel(arguments.model).hasOrbitals { return try await orbitals(log) }
      let (request, inputs) = try await state.request(
        arguments, diagrams: folders.library(log), log)
      let gamma =
        !dressing.contains(.ladder)
        ? nil
        : try await strength.value(
          request, part: Comparison.verifiablePart(request.model), in: inputs.input.scale)
      let verification = try await request.verification(
        bare: dressing.contains(.bare), impurities: gamma)
      try tell(verification, verification.summary(request, impurities: gamma), log)
    }
  }

  /// Prints the table, and what fails.
  private func tell(_ verification: Verification, _ summary: String, _ log: Logger) throws {
    try arguments.write(summary)
    try tellFailures(verification, log)
  }

  /// A model with orbitals.
  private func orbitals(_ log: Logger) async throws {
    try refuseWithOrbitals(arguments.model, [("--diagrams", !folders.diagrams.isEmpty)])
    let (request, input, _) = try await state.orbitalRequest(arguments, log)
    var impurities: OrbitalImpurities?
    var gamma: Double?
    if dressing.contains(.ladder) {
      let own =
        try strength.gamma?.value("--gamma", in: input.scale)
        ?? CollinearRequest.verifiableStrength(input.model)
      let each = input.model.orbitals.map { _ in own }
      (impurities, gamma) = (OrbitalImpurities(scalar: each, isotropic: each.map { $0 / 10 }), own)
    }
    let alignment = input.file.alignment
    let found = try await request.verification(
      bare: dressing.contains(.bare), impurities: impurities,
      isAligned: alignment?.faults.isEmpty != false)
    let verification = Verification(statements: found.statements + (alignment?.statements ?? []))
    try tell(verification, verification.summary(request, impurities: gamma), log)
  }
}

/// Tells which statements fail.
func tellFailures(_ verification: Verification, _ log: Logger) throws {
  let failed = verification.statements.filter { !$0.holds }
  for statement in failed { log.error("\(statement.claim): \(statement.reason)") }
  if !failed.isEmpty { throw ExitStatus.refuted }
}
