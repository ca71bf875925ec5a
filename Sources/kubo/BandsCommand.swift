// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import KuboOrbitals
import Logging

/// `kubo bands`.
struct BandsCommand: TableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bands",
    abstract:
      "Energies along a path through the Brillouin zone, density of states, Fermi contours.",
    discussion: """
      The path connects the centre of the zone, its faces, edges and corners, one of each kind. Each level counts \
      in the density of states as a Lorentzian of half-width GAMMA. In two dimensions the picture also shows the \
      Fermi contours, with the spin (9) of the eigenstates of pseudo-spin x; this spin turns with k where eta_k is \
      complex. For models with orbitals there are the levels and densities of both spins.

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
      valueName: "k:k:..."), transform: corners)
  var path: [[Double]]?
  @Option(
    parsing: .unconditional, help: "Points along the path. Default: 400.",
    transform: integer(2...100_000))
  var points = 400
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
  @OptionGroup(title: "Look of the picture") var look: PictureArguments

  func validate() throws {
    try look.check(picture: picture)
    try look.checkBands()
  }

  /// Reduced coordinates.
  private static func corners(_ text: String) throws -> [[Double]] {
    let list = try list(text.split(separator: ":", omittingEmptySubsequences: false)) {
      try words(String($0)).map(number)
    }
    guard 2...100 ~= list.count, list.allSatisfy({ $0.count == list[0].count }) else {
      throw ValidationError("expected 2 to 100 points, one coordinate for each dimension")
    }
    return list
  }

  var files: (tables: [(option: String, path: String?)], picture: String?) {
    ([("--density", density), ("--contours", contours)], picture)
  }

  func result(_ log: Logger) async throws -> TableResult {
    let zone = try await zone(log)
    var result = TableResult(table: try zone.path(), summary: "")
    let densities = density == nil && picture == nil ? [] : try await zone.densities()
    if let density { result.others.append((density, try zone.table(densities))) }
    if let contours {
      let fermi = try zone.contours()
      result.others.append((contours, try zone.table(fermi)))
      if fermi.isEmpty { result.notes = ["no Fermi contour at mu = \(zone.mu)"] }
    }
    if let picture {
      let drawing = Picture(
        bands: result.table, states: try zone.states(densities), look: look.look)
      result.picture = (picture, drawing)
    }
    return result
  }

  /// What the picture shows beside the path.
  func states(_ log: Logger) async throws -> BandStates {
    let zone = try await zone(log)
    return try zone.states(try await zone.densities())
  }

  func table(_ log: Logger, like stored: CSVFile) async throws -> CSVFile {
    let zone = try await zone(log)
    return switch stored.columns.first {
    case "energy": try zone.table(try await zone.densities())
    case "contour" where zone.model != nil: try zone.table(try zone.contours())
    default: try zone.path()
    }
  }

  /// What the options ask for.
  private func zone(_ log: Logger) async throws -> Zone {
    try Installation.readModel(arguments.model).hasOrbitals
      ? try await orbitals(log) : try await sublattices(log)
  }

  private func orbitals(_ log: Logger) async throws -> Zone {
    let start = Date()
    let (request, input, filling) = try await state.orbitalRequest(arguments, log)
    let (model, gamma) = (input.model, request.broadening)
    try refuseWithOrbitals(model.name, [("--contours", contours != nil)])
    return Zone(
      bands: try BandStructure(
        model, path: pathCorners(BrillouinZone(model), model), count: points),
      mu: request.mu, broadening: gamma, tolerance: request.tolerance, model: nil
    ) {
      try await DensityOfStates.values(
        model, energies: DensityOfStates.axis(model, broadening: gamma), broadening: gamma,
        tolerance: request.tolerance, threads: request.threads)
    } provenance: {
      try arguments.provenance(input, filling: filling, since: start)
    }
  }

  private func sublattices(_ log: Logger) async throws -> Zone {
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
    return Zone(
      bands: try BandStructure(
        model, path: pathCorners(BrillouinZone(model), model), count: points),
      mu: request.mu, broadening: gamma, tolerance: request.tolerance, model: model
    ) {
      try await DensityOfStates.values(
        model, energies: DensityOfStates.axis(model, broadening: gamma), broadening: gamma,
        tolerance: request.tolerance, threads: request.threads)
    } provenance: {
      try arguments.provenance(inputs, since: start)
    }
  }

  /// The path's corners, those of `--path` or of the zone.
  private func pathCorners(
    _ zone: BrillouinZone, _ crystal: some Crystal
  ) throws -> [(name: String, k: [Double])] {
    try path?.map { f in
      guard f.count == crystal.dimension else {
        throw ValidationError(
          "--path: found \(f.count) coordinates; expected \(crystal.dimension), one for each reciprocal vector"
        )
      }
      return (zone.name(reduced: f), crystal.waveVector(reduced: f))
    } ?? zone.path.map { ($0.name, $0.k) }
  }

  /// A state, what is computed of it, and tables of that.
  private struct Zone {
    let bands: BandStructure
    let mu, broadening, tolerance: Double
    /// Of two sublattices, whose contours there are.
    let model: Model?
    let densities: () async throws -> [DensityOfStates]
    let provenance: () throws -> Provenance

    func contours() throws -> [FermiContour] { try FermiContour.contours(model!, mu: mu) }

    func states(_ densities: [DensityOfStates]) throws -> BandStates {
      BandStates(densities, of: model, contours: model?.dimension == 2 ? try contours() : [])
    }

    func path() throws -> CSVFile {
      CSVFile(bands, mu: mu, broadening: broadening, provenance: try provenance())
    }

    func table(_ densities: [DensityOfStates]) throws -> CSVFile {
      CSVFile(
        densities, broadening: broadening, tolerance: tolerance, provenance: try provenance())
    }

    func table(_ contours: [FermiContour]) throws -> CSVFile {
      CSVFile(contours, model: model!, mu: mu, provenance: try provenance())
    }
  }
}
