// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboVerification
import KuboFiles

/// `kubo report`.
struct ReportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract:
      "A run on one page: summary, bands, spectra, bare against ladder, diagrams, verification, as HTML.",
    discussion: """
      The page holds its pictures and tables and needs no network: you can send it, or open it from disk. In a browser \
      it shows the values under the pointer, switches curves on and off, and saves its tables. It names the model file, the program and the command that made it. Its spectra have a constant lifetime; the comparison and the \
      verification have impurities.

      EXAMPLE
        kubo report narrow --output narrow.html # some minutes

        Open the page in any browser:

          written: narrow.html
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var state: ConstantLifetimeArguments
  @OptionGroup var strength: ImpurityStrength
  @OptionGroup var axis: ComparisonAxis
  @Option(
    help: "Responses, as in 'kubo spectrum', separated by commas. Default: all named ones.",
    transform: kubo.responses)
  var responses: [Response]?
  @OptionGroup var folders: DiagramFolders
  @Flag(
    inversion: .prefixedNo, help: "Check the exact statements on the model, as 'kubo verify' does.")
  var verify = true

  func run() async throws {
    try await reporting(arguments.work.verbosity, advice: toleranceAdvice) { log in
      let start = Date()
      try arguments.checkOutput()
      try Picture.checkProgram(path: arguments.output ?? "-")
      var (request, inputs) = try await state.request(
        arguments, diagrams: folders.library(log), log)
      request.omegas = try axis.values(inputs.input)
      request.columns = (responses ?? Response.standard).flatMap { response in
        response.dressings(request.lifetime, request.diagrams)
          .filter { $0 != .closedPrinted }.map { .init(response: response, dressing: $0) }
      }
      let spectrum = try await request.spectrum()
      let gamma = try await strength.value(
        request, part: Comparison.verifiablePart(request.model), in: inputs.input.scale)
      // The energy integrals of impurities are numerical: their errors cost more.
      var dressed = request
      dressed.tolerance = min(0.5, 10 * request.tolerance)
      let comparison = try await Comparison(dressed, gamma: gamma)
      let provenance = try arguments.provenance(inputs, since: start)
      let bands = try await bands(request, provenance)
      let verification =
        verify ? try await request.verification(impurities: gamma) : nil
      let report = Report(
        request: request, spectrum: spectrum, comparison: comparison, impurities: gamma,
        bands: bands, verification: verification, provenance: provenance)
      try await arguments.write(report.page(path: arguments.output ?? "-").text)
      try arguments.tell()
      let refuted = verification?.statements.filter { !$0.holds } ?? []
      for statement in refuted { log.error("\(statement.claim): \(statement.reason)") }
      do {
        try tellEmptyCells(report.failures, poles: report.poles, log)
      } catch  where !refuted.isEmpty {}
      if !refuted.isEmpty { throw ExitStatus.refuted }
    }
  }

  /// What 'kubo bands' would draw, at the half-width of the lifetime.
  private func bands(
    _ request: SpectrumRequest, _ provenance: Provenance
  ) async throws -> (table: CSVFile, states: BandStates) {
    guard case .constant(let gamma) = request.lifetime else {
      preconditionFailure("a lifetime of bare loops")
    }
    let model = request.model
    let path = BrillouinZone(model).path.map { ($0.name, $0.k) }
    let structure = try BandStructure(model, path: path, count: 400)
    // A picture shows a hundredth at best.
    let densities = try await DensityOfStates.values(
      model, energies: DensityOfStates.axis(model, broadening: gamma), broadening: gamma,
      tolerance: max(request.tolerance, 1e-3), threads: request.threads)
    let contours = model.dimension == 2 ? try FermiContour.contours(model, mu: request.mu) : []
    return (
      CSVFile(structure, mu: request.mu, broadening: gamma, provenance: provenance),
      BandStates(densities, of: model, contours: contours)
    )
  }
}
