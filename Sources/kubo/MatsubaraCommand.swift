// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import Logging

/// `kubo matsubara`.
struct MatsubaraCommand: TableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matsubara",
    abstract: "Bare responses at Matsubara frequencies, by two routes, as CSV.",
    discussion: """
      R.sum is the Matsubara sum K(i omega_l) itself, with its tail. R.spectral follows from Im K(omega) at real \
      frequencies. If the two agree, the analytic continuation is right.

      EXAMPLE
        kubo matsubara chain --count 2 --responses Y --temperature 0.1

        After the header, K(0) and K(i 2 pi T), each by both routes:

          l,omega_l,Y.sum,Y.sum.err,Y.spectral,Y.spectral.err
          0.0,0.0,-0.0901028,...
          1.0,0.62832,-0.0156783,...
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var response: ResponseArguments
  @Option(
    parsing: .unconditional,
    help: "How many Matsubara frequencies, from omega_0 = 0. Default: 8.",
    transform: integer(1...10_000))
  var count = 8

  func result(_ log: Logger) async throws -> TableResult {
    let start = Date()
    let columns = try response.chosen().map {
      SpectrumRequest.Column(response: $0, dressing: .bare)
    }
    let (request, inputs) = try await response.request(arguments, columns: columns, log)
    let result = try await request.matsubara(count: count)
    return TableResult(
      table: CSVFile(
        result, request: request, units: inputs.input.units,
        provenance: try arguments.provenance(inputs, since: start)))
  }
}
