// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import Logging

/// `kubo bands`.
struct BandsCommand: TableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bands",
    abstract:
      "Energies along a path through the Brillouin zone, density of states, Fermi contours.",
    discussion: """
      The path goes through the centre of the zone and its faces, edges and corners, one of each kind. The \
      density of states is that of levels with the half-width GAMMA. In two dimensions the picture shows \
      the Fermi contours with the spin (9) of the eigenstates of pseudo-spin x: it turns with k where \
      eta_k is complex.

      EXAMPLE
        kubo bands honeycomb --output bands.csv --density dos.csv --picture bands.svg

        bands.svg shows the gap 2 J at K, the van Hove peaks of the density of
        states, and the spin that turns along the Fermi contour:

          written: bands.csv
          written: dos.csv
          drawn: bands.svg
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var state: ConstantLifetimeArguments
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Points of the path in reduced coordinates, as in 0,0:0.5,0:0,0. Default: see above.",
      valueName: "k:k:..."))
  var path: String?
  @Option(parsing: .unconditional, help: "Points along the path.")
  var points: String = "400"
  @Option(help: ArgumentHelp("Write the density of states, as CSV.", valueName: "file"))
  var density: String?
  @Option(
    help: ArgumentHelp(
      "Write the Fermi contours of two dimensions and the spin along them, as CSV.",
      valueName: "file"))
  var contours: String?
  @Option(
    help: ArgumentHelp("The picture to draw, by its ending: .svg, .png or .pdf.", valueName: "file")
  )
  var picture: String?

  func validate() throws {
    if let path { _ = try corners(path) }
    _ = try integer(points, "--points", 2...100_000)
  }

  /// Reduced coordinates.
  private func corners(_ text: String) throws -> [[Double]] {
    let list = try text.split(separator: ":", omittingEmptySubsequences: false).map {
      try $0.split(separator: ",", omittingEmptySubsequences: false).map {
        try Quantity($0).number("--path")
      }
    }
    guard list.count > 1, list.count <= 100, list.allSatisfy({ $0.count == list[0].count }) else {
      throw ValidationError(
        "--path: found '\(shown(text))'; expected 2 to 100 points, one coordinate for each dimension"
      )
    }
    return list
  }

  func run() async throws {
    try await reporting(arguments.work.verbosity, advice: toleranceAdvice) { log in
      try checkFiles()
      let work = try await work(log)
      let states = density == nil ? nil : try await work.densityTable()
      if contours != nil, work.fermi.isEmpty {
        log.notice("note: no Fermi contour at mu = \(work.request.mu)")
      }
      if let density { try states!.write(to: density, overwrite: arguments.force) }
      if let contours {
        try work.contourTable().write(to: contours, overwrite: arguments.force)
      }
      try arguments.write(try work.bandTable())
      // Last: whoever interrupts it, or has no gnuplot, keeps the numbers.
      if let picture {
        try await Picture(bands: work.bandTable(), states: work.states()).write(
          to: picture, overwrite: arguments.force)
      }
      if arguments.output != nil, arguments.output != "-", !arguments.work.quiet {
        for (name, what) in [
          (arguments.output, "written"), (density, "written"), (contours, "written"),
          (picture, "drawn"),
        ] {
          if let name { try standardOutput("\(what): \(name)\n") }
        }
      }
    }
  }

  func table(_ log: Logger) async throws -> CSVFile {
    try await work(log).bandTable()
  }

  /// What the picture shows beside the path.
  func states(_ log: Logger) async throws -> BandStates {
    try await work(log, isDrawn: true).states()
  }

  func table(_ log: Logger, like stored: CSVFile) async throws -> CSVFile {
    let work = try await work(log)
    return switch stored.columns.first {
    case "energy": try await work.densityTable()
    case "contour": try work.contourTable()
    default: try work.bandTable()
    }
  }

  /// What the options ask for, with the bands and the contours.
  private func work(_ log: Logger, isDrawn: Bool = false) async throws -> Work {
    let start = Date()
    let (request, inputs) = try await state.request(arguments, diagrams: nil, log)
    let model = request.model
    guard case .constant(let gamma) = request.lifetime, gamma > 0 else {
      throw ValidationError(
        "--lifetime: found \(request.lifetime.description); expected a GAMMA above 0")
    }
    if contours != nil, model.dimension != 2 {
      throw ValidationError(
        "--contours: found with \(model.name) of dimension \(model.dimension); expected a model in two dimensions"
      )
    }
    let zone = BrillouinZone(model)
    var corners = zone.path.map { (name: $0.name, k: $0.k) }
    if let path {
      corners = try self.corners(path).map { f in
        guard f.count == model.dimension else {
          throw ValidationError(
            "--path: found \(f.count) coordinates; expected \(model.dimension), one for each reciprocal vector"
          )
        }
        return (zone.name(reduced: f, model), model.waveVector(reduced: f))
      }
    }
    let needsContours = model.dimension == 2 && (contours != nil || picture != nil || isDrawn)
    return Work(
      request: request, broadening: gamma,
      bands: try BandStructure(
        model, path: corners, count: integer(points, "--points", 2...100_000)),
      fermi: needsContours ? try FermiContour.contours(model, mu: request.mu) : [],
      units: inputs.input.file.units,
      provenance: { try arguments.provenance(inputs, since: start) })
  }

  /// The bands and the contours, and what makes tables and the picture of them.
  private final class Work {
    let request: SpectrumRequest
    let broadening: Double
    let bands: BandStructure
    let fermi: [FermiContour]
    let units: (energy: String, length: String)
    let provenance: () throws -> Provenance
    private var densities: [DensityOfStates]?

    init(
      request: SpectrumRequest, broadening: Double, bands: BandStructure, fermi: [FermiContour],
      units: (energy: String, length: String), provenance: @escaping () throws -> Provenance
    ) {
      (self.request, self.broadening, self.bands) = (request, broadening, bands)
      (self.fermi, self.units, self.provenance) = (fermi, units, provenance)
    }

    /// Computed once.
    private func density() async throws -> [DensityOfStates] {
      if let densities { return densities }
      let found = try await DensityOfStates.values(
        model: request.model,
        energies: DensityOfStates.axis(request.model, broadening: broadening),
        broadening: broadening, tolerance: request.tolerance, threads: request.threads)
      densities = found
      return found
    }

    func bandTable() throws -> CSVFile {
      CSVFile(
        bands, mu: request.mu, broadening: broadening, units: units, provenance: try provenance())
    }

    func densityTable() async throws -> CSVFile {
      CSVFile(
        try await density(), broadening: broadening, tolerance: request.tolerance, units: units,
        provenance: try provenance())
    }

    func contourTable() throws -> CSVFile {
      CSVFile(
        fermi, model: request.model, mu: request.mu, units: units, provenance: try provenance())
    }

    func states() async throws -> BandStates {
      BandStates(model: request.model, densities: try await density(), contours: fermi)
    }
  }

  /// Refuses outputs that cannot be written, before the work.
  private func checkFiles() throws {
    try arguments.checkOutput()
    var taken: [(path: String?, what: String)] = [
      (Installation.modelPath(arguments.model), "the model file"),
      (arguments.output, "the path of --output"),
    ]
    for (option, path) in [
      ("--density", density), ("--contours", contours), ("--picture", picture),
    ] {
      for (other, what) in taken
      where path.flatMap({ p in other.map { isSameFile($0, p) } }) == true {
        throw ValidationError("\(option): found '\(shown(path!))', \(what); expected another path")
      }
      if path == "-" {
        throw ValidationError(
          "\(option): found '-'; expected a path: standard output is for the bands")
      }
      taken.append((path, "the path of \(option)"))
    }
    for path in [density, contours] {
      if let path { try CSVFile.checkWritable(path: path, overwrite: arguments.force) }
    }
    if let picture { try Picture.checkWritable(path: picture, overwrite: arguments.force) }
  }
}
