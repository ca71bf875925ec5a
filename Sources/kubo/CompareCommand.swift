// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import Logging

/// `kubo compare`.
struct CompareCommand: TableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Bare bubble, ladder and closed form on one frequency axis: table, CSV and picture.",
    discussion: """
      Staggered spin K_Sigma and spin K_s with both kinds of impurities: scba (the paper's, diagrams \
      (a)+(d): X_na, Y_na) and site (all diagrams). --filling is that of the clean bands. The table shows the resonance, the low-frequency \
      limit, and how well spin continuity 2 J K_Sigma = i omega K_s and gauge invariance K(0) = 0 hold.

      EXAMPLE
        kubo compare chain --omega 0.02,0.8 --gamma 0.4

        In the last rows, for impurities on the sites,

          site bare    none        -           0.05279             0.46 ...
          site ladder  none        -           0.01222 ...

        spin continuity fails by 0.46 without the ladder and holds with it, to
        2e-7.

        kubo compare narrow --gamma 0.2 --picture narrow.svg  # a minute

        The picture shows the resonance at 2 J: sharp with the ladder, nearly
        gone without it.
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var potential: ChemicalPotential
  @OptionGroup var strength: ImpurityStrength
  @OptionGroup var axis: ComparisonAxis
  @Option(
    help: ArgumentHelp(
      "The picture to draw, by its ending: .svg, .png or .pdf.", valueName: "file"),
    completion: .file(extensions: ["svg", "png", "pdf"]))
  var picture: String?
  @Option(parsing: .unconditional, help: "Relative error of each part of each value.")
  var tolerance: Quantity = "1e-3"
  @Flag(help: CostEstimate.help)
  var estimate = false

  func validate() throws {
    try checkTolerance(tolerance)
  }

  func run() async throws {
    try await reporting(
      arguments.work.verbosity,
      advice: toleranceAdvice + (estimate ? "" : "; --estimate tells beforehand how long it takes")
    ) { log in
      try arguments.checkOutput()
      if let picture {
        for (other, what) in [
          (arguments.output, "the path of --output"),
          (Installation.modelPath(arguments.model), "the model file"),
        ] where other.map({ isSameFile($0, picture) }) == true {
          throw ValidationError(
            "--picture: found '\(shown(picture))', \(what); expected another path")
        }
        try Picture.checkWritable(path: picture, overwrite: arguments.force)
      }
      if estimate {
        let (request, strength, _) = try await request(log)
        let cost = try await Comparison.cost(request, gamma: strength)
        try standardOutput(cost.summary(threads: request.threads))
        return
      }
      let (comparison, provenance) = try await compute(log)
      let table = CSVFile(comparison, provenance: provenance)
      if let output = arguments.output {
        try arguments.write(table)
        if output != "-", !arguments.work.quiet {
          try standardOutput(comparison.summary() + "written: \(output)\n")
        }
      } else {
        try standardOutput(comparison.summary())
      }
      if let picture {
        try await Picture(comparison, units: provenance.model.units, parameters: provenance.parameters)
          .write(
            to: picture, overwrite: arguments.force)
        if arguments.output != "-", !arguments.work.quiet {
          try standardOutput("drawn: \(picture)\n")
        }
      }
      try tellEmptyCells(comparison.failureLines, poles: comparison.poleLines, log)
    }
  }

  func table(_ log: Logger) async throws -> CSVFile {
    let (comparison, provenance) = try await compute(log)
    return CSVFile(comparison, provenance: provenance)
  }

  private func compute(_ log: Logger) async throws -> (
    comparison: Comparison, provenance: Provenance
  ) {
    let start = Date()
    let (request, strength, inputs) = try await request(log)
    let comparison = try await Comparison(request, gamma: strength)
    return (comparison, try arguments.provenance(inputs, since: start))
  }

  private func request(_ log: Logger) async throws -> (
    request: SpectrumRequest, gamma: Double, inputs: Inputs
  ) {
    let input = try arguments.read(log)
    // Two kinds of impurities, one mu: that of the clean bands.
    let (mu, filling) = try await potential.value(
      input, lifetime: nil, threads: arguments.work.threadCount, log)
    let diagrams = try shippedDiagrams()
    let request = SpectrumRequest(
      model: input.model, mu: mu,
      temperature: input.temperature, lifetime: input.file.defaults.lifetime,
      omegas: try axis.values(input),
      directions: try directions(arguments.direction), columns: [],
      diagrams: DiagramSet(diagrams.diagrams),
      tolerance: try tolerance.number("--tolerance"), threads: arguments.work.threadCount)
    return (
      request, try await strength.value(request, part: Comparison.usualPart, in: input.scale),
      Inputs(input, diagrams: diagrams, filling: filling)
    )
  }
}
