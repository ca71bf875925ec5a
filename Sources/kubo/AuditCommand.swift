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
      For each misprint what is printed, what is right, and what explicit matrices and the loops give. \
      The derivations are in docs/misprints.md. With --output a Markdown file is written. Exit status 1 \
      if a corrected form disagrees with the loops, 80 if the loops are not known well enough to tell.

      EXAMPLE
        kubo audit chain

        For each formula its deviation from the matrices, lower / upper band; 2
        is a wrong sign:

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
          "\(n.name) at mu = \(significant(n.mu)): the error \(significant(n.loops.error)) of the loops exceeds a percent of their value \(significant(n.loops.value.real)) and proves nothing"
        )
      }
      if audit.isRefuted { throw ExitStatus.refuted }
      if !audit.undecided.isEmpty { throw ExitStatus.notConverged }
    }
  }
}
