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
      The path goes through the centre of the zone and its faces, edges and corners, one of each kind. The \
      density of states is that of levels with the half-width GAMMA. In two dimensions the picture shows \
      the Fermi contours with the spin (9) of the eigenstates of pseudo-spin x: it turns with k where \
      eta_k is complex. Of models with orbitals there are the levels and densities of both spins.

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
    if try Installation.readModel(arguments.model).hasOrbitals { return try await orbitals(log) }
    let zone = try await zone(log)
    var result = TableResult(table: try table(zone), summary: "")
    let densities = density == nil && picture == nil ? [] : try await zone.densities()
    if let density { result.others.append((density, try zone.table(densities))) }
    if let contours {
      let fermi = try zone.contours()
      result.others.append((contours, try zone.table(fermi)))
      if fermi.isEmpty { result.notes = ["no Fermi contour at mu = \(zone.request.mu)"] }
    }
    if let picture {
      let drawing = Picture(bands: result.table, states: try zone.states(densities))
      result.picture = (picture, drawing)
    }
    return result
  }

  /// Levels of a model with orbitals along the path, and what stands beside them.
  private struct OrbitalZone {
    let request: CollinearRequest
    let path: CSVFile
    let units: (energy: String, length: String)
    let provenance: Provenance

    func densities() async throws -> [OrbitalDensity] {
      try await OrbitalDensity.values(
        request.model,
        energies: OrbitalDensity.axis(request.model, broadening: request.broadening),
        broadening: request.broadening, tolerance: request.tolerance, threads: request.threads)
    }

    func table(_ densities: [OrbitalDensity]) -> CSVFile {
      CSVFile(
        densities, broadening: request.broadening, tolerance: request.tolerance, units: units,
        provenance: provenance)
    }
  }

  private func orbitalZone(_ log: Logger) async throws -> OrbitalZone {
    let start = Date()
    let (request, input, filling) = try await state.orbitalRequest(arguments, log)
    if contours != nil {
      throw ValidationError(
        "--contours: found with \(input.model.name), which has orbitals; expected a model of two sublattices, or no --contours"
      )
    }
    let model = input.model
    let zone = BrillouinZone(model)
    let corners = try namedCorners(
      zone, dimension: model.dimension, model.waveVector, zone.path.map { ($0.name, $0.k) })
    let line = try BandPath(model, corners, count: points)
    let bands = OrbitalBands(model)
    let levels = line.points.map { point in
      bands.levels(
        reduced: model.latticeVectors.map { a in
          zip(a, point.k).reduce(0) { $0 + $1.0 * $1.1 } / (2 * .pi)
        })
    }
    let provenance = try arguments.provenance(input, filling: filling, since: start)
    return OrbitalZone(
      request: request,
      path: CSVFile(
        line, levels, mu: request.mu, broadening: request.broadening, units: input.file.units,
        provenance: provenance), units: input.file.units, provenance: provenance)
  }

  private func orbitals(_ log: Logger) async throws -> TableResult {
    let zone = try await orbitalZone(log)
    var result = TableResult(table: zone.path, summary: "")
    let densities = density == nil && picture == nil ? [] : try await zone.densities()
    if let density { result.others.append((density, zone.table(densities))) }
    if let picture {
      result.picture = (
        picture, Picture(bands: zone.path, states: BandStates(densities: densities))
      )
    }
    return result
  }

  /// The path's corners, those of `--path` or of the zone.
  private func namedCorners(
    _ zone: BrillouinZone, dimension: Int, _ waveVector: ([Double]) -> [Double],
    _ usual: [(name: String, k: [Double])]
  ) throws -> [(name: String, k: [Double])] {
    try path?.map { f in
      guard f.count == dimension else {
        throw ValidationError(
          "--path: found \(f.count) coordinates; expected \(dimension), one for each reciprocal vector"
        )
      }
      return (zone.name(reduced: f), waveVector(f))
    } ?? usual
  }

  private func table(_ zone: Zone) throws -> CSVFile {
    try zone.table(pathCorners(zone.request.model), points)
  }

  /// What the picture shows beside the path.
  func states(_ log: Logger) async throws -> BandStates {
    if try Installation.readModel(arguments.model).hasOrbitals {
      return BandStates(densities: try await orbitalZone(log).densities())
    }
    let zone = try await zone(log)
    return try zone.states(try await zone.densities())
  }

  func table(_ log: Logger, like stored: CSVFile) async throws -> CSVFile {
    if try Installation.readModel(arguments.model).hasOrbitals {
      let zone = try await orbitalZone(log)
      return stored.columns.first == "energy" ? zone.table(try await zone.densities()) : zone.path
    }
    let zone = try await zone(log)
    return switch stored.columns.first {
    case "energy": try zone.table(try await zone.densities())
    case "contour": try zone.table(try zone.contours())
    default: try table(zone)
    }
  }

  private func pathCorners(_ model: Model) throws -> [(name: String, k: [Double])] {
    let zone = BrillouinZone(model)
    return try namedCorners(
      zone, dimension: model.dimension, model.waveVector, zone.path.map { ($0.name, $0.k) })
  }

  /// What the options ask for.
  private func zone(_ log: Logger) async throws -> Zone {
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
      request: request, broadening: gamma, units: inputs.input.file.units,
      provenance: { try arguments.provenance(inputs, since: start) })
  }

  /// A state, what is computed of it, and tables of that.
  private struct Zone {
    let request: SpectrumRequest
    let broadening: Double
    let units: (energy: String, length: String)
    let provenance: () throws -> Provenance

    func densities() async throws -> [DensityOfStates] {
      try await DensityOfStates.values(
        model: request.model,
        energies: DensityOfStates.axis(request.model, broadening: broadening),
        broadening: broadening, tolerance: request.tolerance, threads: request.threads)
    }

    func contours() throws -> [FermiContour] {
      try FermiContour.contours(request.model, mu: request.mu)
    }

    func states(_ densities: [DensityOfStates]) throws -> BandStates {
      BandStates(
        model: request.model, densities: densities,
        contours: request.model.dimension == 2 ? try contours() : [])
    }

    func table(_ path: [(name: String, k: [Double])], _ points: Int) throws -> CSVFile {
      CSVFile(
        try BandStructure(request.model, path: path, count: points), mu: request.mu,
        broadening: broadening, units: units, provenance: try provenance())
    }

    func table(_ densities: [DensityOfStates]) throws -> CSVFile {
      CSVFile(
        densities, broadening: broadening, tolerance: request.tolerance, units: units,
        provenance: try provenance())
    }

    func table(_ contours: [FermiContour]) throws -> CSVFile {
      CSVFile(
        contours, model: request.model, mu: request.mu, units: units, provenance: try provenance())
    }
  }
}
