// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboVerification
import KuboFiles

/// `kubo audit`.
struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "The paper's formulas and coefficients against the loops, in both bands.",
    discussion: """
      For each misprint of the paper, audit prints the formula as printed, the corrected formula, and what \
      explicit matrices and the loops give. docs/misprints.md has the derivations. --output writes a Markdown \
      file. The exit status is 1 if a corrected formula disagrees with the loops, and 80 if the loops are not \
      known well enough to decide.

      EXAMPLE
        kubo audit chain

        The deviation of each formula from the matrices, lower / upper band; a
        deviation of 2 is a wrong sign:

          (S6.11), (S6.19), (S6.24) ...
          ...
          every corrected form agrees with the matrices, every coefficient ...
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var potential: ChemicalPotential

  func run() async throws {
    try await reporting(arguments.work.verbosity) { log in
      let start = Date()
      try arguments.checkOutput()
      let (request, inputs) = try await arguments.request(
        potential, diagrams: shippedDiagrams(), log)
      let audit = try await request.audit()
      if let output = arguments.output, output != "-" {
        try arguments.write(
          audit.markdown(
            request,
            command: try arguments.provenance(inputs, since: start)))
      }
      if !arguments.work.quiet || (arguments.output ?? "-") == "-" {
        try standardOutput(audit.summary(request))
      }
      for n in audit.undecided {
        log.error(
          "\(n.name) at mu = \(significant(n.mu)): the loops give \(significant(n.loops.value.real)) +- \(significant(n.loops.error, .up)), which is not accurate enough to prove anything"
        )
      }
      if audit.isRefuted { throw ExitStatus.refuted }
      if !audit.undecided.isEmpty { throw ExitStatus.notConverged }
    }
  }
}
