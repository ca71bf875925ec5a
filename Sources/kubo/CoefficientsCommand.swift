// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import Logging

/// `kubo coefficients`.
struct CoefficientsCommand: SweepableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coefficients",
    abstract:
      "sigma_c/tau and P_m, P_n, P_m_na, P_n_na, corrected and printed, against mu, as CSV.",
    discussion: """
      In the gap nothing conducts, and the P's are empty; the columns P.product = P sigma_c/tau always have \
      values. If mu is a van Hove energy at T = 0, the row is empty and the exit status is 80.

      EXAMPLE
        kubo coefficients chain --mu -1.2,0 --temperature 0

        After the header, a row for each chemical potential:

          mu,sigma_c_over_tau,P_m.corrected,P_m.printed,P_n.corrected,...
          -1.2,0.71393,0.060266,0.060266,0.053404,0.041303,...
          ...

        At mu = -1.2, in the lower band, the printed P_m is right and the printed
        P_n is not (see 'kubo audit'). mu = 0 lies in the gap: there are no P's.
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup(title: "Sweeps") var sweep: SweepArguments
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Chemical potentials, START:STOP:COUNT or a,b,c. Default: the model's.", valueName: "axis"),
    transform: Axis.init)
  var mu: Axis?
  @Option(
    parsing: .unconditional,
    help: "Relative error of each average over the Fermi surface. Default: 1e-9.",
    transform: kubo.tolerance)
  var tolerance = 1e-9

  @Flag(help: CostEstimate.sweepHelp)
  var estimate = false
  static let hasCost = false

  func result(_ log: Logger) async throws -> TableResult {
    let start = Date()
    let input = try arguments.read(log)
    var rows: [(mu: Double, coefficients: Coefficients?)] = []
    var failures: [String] = []
    let energies = try mu?.values("--mu", in: input.scale) ?? [input.file.defaults.mu]
    try await WorkProgress.stage(
      "coefficients", unit: "mu", of: energies.count, isEven: true
    ) { stage in
      for mu in energies {
        defer { stage?.advance() }
        do {
          let coefficients = try await Coefficients(
            model: input.model, mu: mu, temperature: input.temperature,
            directions: arguments.direction, tolerance: tolerance,
            threads: arguments.work.threadCount)
          rows.append((mu, coefficients))
        } catch let error where error is NonConvergence || error is VanHove {
          failures.append("\(error)")
          rows.append((mu, nil))
        }
      }
    }
    return TableResult(
      table: CSVFile(
        rows, temperature: input.temperature, dimension: input.model.dimension,
        directions: arguments.direction,
        tolerance: tolerance,
        provenance: try arguments.provenance(Inputs(input), since: start)),
      failures: failures)
  }
}
