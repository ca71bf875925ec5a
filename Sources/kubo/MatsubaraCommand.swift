// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles

/// `kubo matsubara`.
struct MatsubaraCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matsubara",
    abstract: "Bare responses at Matsubara frequencies, by two routes, as CSV.",
    discussion: """
      R.sum is the Matsubara sum K(i omega_l) itself, with its tail; R.spectral follows from \
      Im K(omega) at real frequencies. They must agree: that checks the analytic continuation.

      EXAMPLE
        kubo matsubara chain --count 2 --responses Y --temperature 0.1

        After the header, K(0) and K(i 2 pi T), each by both routes:

          l,omega_l,Y.sum,Y.sum.err,Y.spectral,Y.spectral.err
          0.0,0.0,-0.0901028,...
          1.0,0.62832,-0.0156783,...
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var response: ResponseArguments
  @Option(help: "How many Matsubara frequencies, from omega_0 = 0.")
  var count: String = "8"

  func validate() throws { _ = try integer(count, "--count", 1...10_000) }

  func run() async throws {
    try await reporting(arguments.verbosity) { log in
      let start = Date()
      try arguments.checkOutput()
      let columns = try response.chosen().map {
        SpectrumRequest.Column(response: $0, dressing: .bare)
      }
      let (request, file) = try response.request(
        arguments, omegas: [], columns: columns, log)
      let result = try await request.matsubara(
        count: integer(count, "--count", 1...10_000))
      try arguments.write(
        CSVFile(result, request: request, provenance: try arguments.provenance(file, since: start)))
    }
  }
}
