// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import Logging

/// `kubo compare`.
struct CompareCommand: SweepableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Bare bubble, ladder and closed form on one frequency axis: table, CSV and picture.",
    discussion: """
      Compares the staggered spin K_Sigma and the spin K_s for both kinds of impurities: scba (the paper's, with \
      the diagrams (a)+(d): X_na, Y_na) and site (all diagrams). The summary shows the resonance, the limit of low \
      frequency, and how well spin continuity, 2 J K_Sigma = i omega K_s, and gauge invariance, K(0) = 0, hold. \
      --filling counts the electrons of the clean bands.

      EXAMPLE
        kubo compare chain --omega 0.02,0.8 --gamma 0.4

        In the last rows, for impurities on the sites,

          site bare    none        -           0.05279             0.46 ...
          site ladder  none        -           0.01222 ...

        spin continuity fails by 0.46 without the ladder; with it, it holds to
        2e-7.

        kubo compare narrow --gamma 0.2 --picture narrow.svg  # a minute

        The picture shows the resonance at 2 J: sharp with the ladder, nearly
        gone without it.
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup(title: "Sweeps") var sweep: SweepArguments
  @OptionGroup var potential: ChemicalPotential
  @OptionGroup var strength: ImpurityStrength
  @OptionGroup var axis: ComparisonAxis
  @Option(
    help: ArgumentHelp(
      "The picture to draw, by its ending: .svg, .png or .pdf.", valueName: "file"),
    completion: .file(extensions: ["svg", "png", "pdf"]))
  var picture: String?
  @OptionGroup(title: "Look of the picture") var look: PictureArguments
  @Option(
    parsing: .unconditional, help: "Relative error of each part of each value. Default: 1e-3.",
    transform: kubo.tolerance)
  var tolerance = 1e-3
  @Flag(help: CostEstimate.help)
  var estimate = false

  func validate() throws {
    try look.check(picture: picture)
    try look.check(panels: Impurities.allCases.count)
  }

  var advice: String { estimate ? toleranceAdvice : estimateAdvice }
  var files: (tables: [(option: String, path: String?)], picture: String?) { ([], picture) }

  func cost(_ log: Logger) async throws -> CostEstimate? {
    guard estimate else { return nil }
    let (request, strength, _) = try await request(log)
    return try await Comparison.cost(request, gamma: strength)
  }

  func result(_ log: Logger) async throws -> TableResult {
    let start = Date()
    let (request, strength, inputs) = try await request(log)
    if picture != nil { try look.look.check(axis: request.omegas, file: "--omega") }
    let comparison = try await Comparison(request, gamma: strength)
    let provenance = try arguments.provenance(inputs, since: start)
    let drawing = try Picture(
      comparison, units: provenance.model.units, parameters: provenance.parameters,
      look: look.look)
    return TableResult(
      table: CSVFile(comparison, provenance: provenance), summary: comparison.summary(),
      isSummaryEnough: true, picture: picture.map { ($0, drawing) },
      failures: comparison.failureLines, poles: comparison.poleLines)
  }

  private func request(_ log: Logger) async throws -> (
    request: SpectrumRequest, gamma: Double, inputs: Inputs
  ) {
    // Two kinds of impurities, one mu: that of the clean bands.
    var (request, inputs) = try await arguments.request(
      potential, diagrams: shippedDiagrams(), tolerance: tolerance, ofCleanBands: true, log)
    request.omegas = try axis.values(inputs.input)
    let gamma = try await strength.value(
      request, part: Comparison.usualPart, in: inputs.input.scale)
    return (request, gamma, inputs)
  }
}
