// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import ComplexModule
import Foundation
import KuboDiagrams
import KuboFiles
import Logging

/// `kubo selfenergy`.
struct SelfEnergyCommand: TableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selfenergy",
    abstract: "The self-consistent self-energy and the density of states against energy, as CSV.",
    discussion: """
      Energies have the same zero as mu. scba=GAMMA gives Sigma_s = gamma avg g_s of the bonding and of the \
      antibonding band; site=GAMMA gives Sigma_0 and Sigma_3 of Sigma = Sigma_0 + Sigma_3 rho_3 sigma_z.

      EXAMPLE
        kubo selfenergy square --lifetime scba=0.3 --energy -2,0

        After the header, a row for each energy:

          energy,Sigma_bonding.re,Sigma_bonding.im,Sigma_antibonding.re,...
          -2.0,-0.05247,-0.16666,-0.08478,...
          0.0,0.14825,-0.22820,-0.27463,...

        At -2 an electron of the lower band lives for 1/(2 x 0.16666); the upper
        band has no states there.
      """)

  @OptionGroup var arguments: ModelArguments
  @Option(
    help: ArgumentHelp("scba=GAMMA or site=GAMMA.", valueName: "kind=value"),
    transform: LifetimeChoice.impurities)
  var lifetime: LifetimeChoice
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Energies, START:STOP:COUNT or a,b,c. Default: 201 energies over all bands.",
      valueName: "axis"),
    transform: Axis.init)
  var energy: Axis?
  @Option(
    parsing: .unconditional, help: "The error of Sigma, in units of 2 sqrt(gamma). Default: 1e-7.",
    transform: kubo.tolerance)
  var tolerance = 1e-7

  func result(_ log: Logger) async throws -> TableResult {
    let start = Date()
    let input = try arguments.read(log)
    let lifetime = try lifetime.value(in: input.scale)
    let energies =
      try energy?.values("--energy", in: input.scale)
      ?? SelfEnergy.axis(input.model, lifetime)
    let values = try await SelfEnergy.attempts(
      model: input.model, lifetime: lifetime, energies: energies,
      tolerance: tolerance, threads: arguments.work.threadCount)
    let rows = zip(energies, values).map { (energy: $0, value: try? $1.get()) }
    return TableResult(
      table: CSVFile(
        rows, lifetime: lifetime, tolerance: tolerance,
        provenance: try arguments.provenance(Inputs(input), since: start)),
      failures: values.compactMap {
        if case .failure(let failure) = $0 { "\(failure)" } else { nil }
      })
  }
}
