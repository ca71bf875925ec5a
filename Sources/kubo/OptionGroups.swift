// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import KuboNetCDF
import KuboOrbitals
import Logging

/// The shipped diagrams alone.
func shippedDiagrams() throws -> DiagramLibrary {
  try diagrams(in: [Installation.diagrams.path])
}

/// The diagrams of folders, which the points of a sweep read once.
private func diagrams(in folders: [String]) throws -> DiagramLibrary {
  let read = { try DiagramLibrary.read(directories: folders) }
  return try Installation.held?.library(folders, read) ?? read()
}

/// The files that a command has read, and the chemical potential that it has found.
struct Inputs {
  let input: ModelInput<Model>
  let diagrams: DiagramLibrary?
  let filling: Filling?

  init(_ input: ModelInput<Model>, diagrams: DiagramLibrary? = nil, filling: Filling? = nil) {
    (self.input, self.diagrams, self.filling) = (input, diagrams, filling)
  }
}

/// How the work is done, and what is told about it.
struct WorkArguments: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Number of threads; the results do not depend on it. Default: all processors.",
    transform: integer(1...1024))
  var threads: Int?
  @Flag(
    help: "Print errors only: no notes, no progress, no summary of a table that goes to a file.")
  var quiet = false
  @Flag(help: "Log on standard error how the work is done, and how long each stage takes.")
  var verbose = false

  func validate() throws {
    if quiet, verbose {
      throw ValidationError("--quiet: found with --verbose; expected one of them")
    }
  }

  var verbosity: Verbosity { Verbosity(quiet: quiet, verbose: verbose) }

  var threadCount: Int {
    threads ?? ProcessInfo.processInfo.activeProcessorCount
  }
}

/// Where the output goes.
struct OutputArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("The file to write; - is standard output.", valueName: "file"),
    completion: .file())
  var output: String?
  @Flag(help: "Replace an existing output file.")
  var force = false
}

/// A folder of diagrams beside the shipped ones.
struct DiagramFolders: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A folder with more diagram files; a file with the name of a shipped diagram replaces it.",
      valueName: "dir"), completion: .directory)
  var diagrams: [String] = []

  func library() throws -> DiagramLibrary {
    let shipped = Installation.diagrams.path
    if !diagrams.isEmpty, let library = try Installation.recorded?.library(shipped: shipped) {
      return library
    }
    return try kubo.diagrams(in: [shipped] + diagrams)
  }

  func library(_ log: Logger) throws -> DiagramLibrary {
    let library = try library()
    for name in library.replaced { log.notice("note: diagram \(name) replaces the shipped one") }
    return library
  }
}

/// The strength of impurities, for commands to which they are a choice beside the bare loops.
struct ImpurityStrength: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help:
      "The strength gamma = n_i u_i^2 of the impurities, in squared energy units, or as 400meV^2. Default: a level width of J/5 at mu (verify and report in three dimensions: 3 J).",
    transform: Energy.strength)
  var gamma: Energy?

  /// gamma, or that of a level width of `part` of J.
  func value(_ request: SpectrumRequest, part: Double, in scale: EnergyScale) async throws
    -> Double
  {
    if let gamma { return try gamma.value("--gamma", in: scale) }
    return try await Comparison.strength(
      request.model, mu: request.mu, part: part, threads: request.threads)
  }
}

/// The frequencies at which bare and dressed loops are compared.
struct ComparisonAxis: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Frequencies, START:STOP:COUNT or a,b,c. Default: 0 to 3 J, finer near 2 J.",
      valueName: "axis"), transform: frequencies)
  var omega: Axis?

  private static func frequencies(_ text: String) throws -> Axis {
    let axis = try Axis(text)
    if axis.isZero { throw ValidationError("expected a frequency other than 0") }
    return axis
  }

  func values(_ input: ModelInput<Model>) throws -> [Double] {
    try omega?.values("--omega", in: input.scale)
      ?? Comparison.axis(exchange: input.model.exchange)
  }
}

/// A model as the arguments set it, of two sublattices or with orbitals.
struct ModelInput<Lattice> {
  let file: ModelFile
  let settings: [String: Double]
  let model: Lattice
  let temperature: Double
  let scale: EnergyScale
  let units: PhysicalUnits?
}

/// The model and its state.
struct ModelArguments: ParsableArguments {
  @Argument(
    help: "A shipped model (see 'kubo models') or the path of a model file.", completion: .model)
  var model: String
  @Option(
    help: ArgumentHelp("Change a parameter of the model.", valueName: "name=value"),
    transform: Setting.init)
  var set: [Setting] = []
  @OptionGroup var units: UnitArguments
  @Option(
    parsing: .unconditional,
    help:
      "The temperature k_B T, 0 or more, in the model's unit of energy; with --units also as 300K.",
    transform: Energy.temperature)
  var temperature: Energy?
  @Option(
    help: ArgumentHelp(
      "Directions of the texture's gradient and of the electric field. Default: xx.",
      valueName: "ij"),
    transform: directions)
  var direction = Directions(i: 0, j: 0)
  @OptionGroup var destination: OutputArguments
  @OptionGroup var work: WorkArguments

  var output: String? {
    get { destination.output }
    set { destination.output = newValue }
  }
  var force: Bool {
    get { destination.force }
    set { destination.force = newValue }
  }

  func validate() throws {
    try set.check()
    _ = try sourceDate()
  }

  /// Reads a model of two sublattices and applies `--set`; `withLengths` if results may be in units of length.
  func read(_ log: Logger, withLengths: Bool = false) throws -> ModelInput<Model> {
    try read(log, withLengths: withLengths, bound: \.energyBound) { try $0.model(setting: $1) }
  }

  /// The same with orbitals, of either form of the file.
  func readOrbitals(_ log: Logger, withLengths: Bool = false) throws -> ModelInput<OrbitalModel> {
    let input = try read(log, withLengths: withLengths, bound: \.energyBound) {
      try $0.orbitalModel(setting: $1)
    }
    for note in input.model.connectionNotes { log.notice("note: \(note)") }
    return input
  }

  private func read<Lattice>(
    _ log: Logger, withLengths: Bool, bound: (Lattice) -> Double,
    _ make: (ModelFile, [String: Double]) throws -> Lattice
  ) throws -> ModelInput<Lattice> {
    let file = try Installation.readModel(model)
    let (scale, physical) = (try units.scale(file), units.units?.value)
    if !withLengths, physical?.length != nil {
      throw ValidationError(
        "--units: found '\(units.units!)'; expected eV=E alone: spectra and Matsubara sums take nm=L"
      )
    }
    let settings = try set.values(in: scale)
    let model = try make(file, settings)
    let t =
      try temperature?.value("--temperature", in: scale) ?? file.defaults.temperature
    let width = 2 * bound(model)
    if t > width {
      let kelvins = scale.electronvolts.map {
        " = \(significant(PhysicalUnits(energy: $0).temperature(t))) K"
      }
      log.notice(
        "note: temperature: k_B T = \(significant(t)) \(scale.name)\(kelvins ?? "") is above the width of all bands, \(significant(width)) \(scale.name) at most; kelvins are written as in 300K\(kelvins == nil ? " with --units eV=E" : "")"
      )
    }
    return ModelInput(
      file: file, settings: settings, model: model, temperature: t, scale: scale, units: physical)
  }

  /// A request without columns; mu of a filling is that of the clean bands, if asked for. What is wrong with the model is
  /// told before what is wrong with diagrams.
  func request(
    _ potential: ChemicalPotential, lifetime: LifetimeChoice? = nil, omega: Axis? = nil,
    diagrams: @autoclosure () throws -> DiagramLibrary?, tolerance: Double? = nil,
    withLengths: Bool = false, ofCleanBands isClean: Bool = false, _ log: Logger
  ) async throws -> (request: SpectrumRequest, inputs: Inputs) {
    let input = try read(log, withLengths: withLengths)
    if let note = input.model.mirrorNote { log.notice("note: \(note)") }
    let lifetime = try lifetime?.value(in: input.scale) ?? input.file.defaults.lifetime
    let omegas = try omega?.values("--omega", in: input.scale) ?? []
    let diagrams = try diagrams()
    let (mu, filling) = try await potential.value(
      input, lifetime: isClean ? nil : lifetime, threads: work.threadCount, log)
    var request = SpectrumRequest(
      model: input.model, mu: mu, temperature: input.temperature, lifetime: lifetime,
      omegas: omegas, directions: direction, columns: [],
      diagrams: DiagramSet(diagrams?.diagrams ?? []), threads: work.threadCount)
    if let tolerance { request.tolerance = tolerance }
    return (request, Inputs(input, diagrams: diagrams, filling: filling))
  }

  /// Refuses outputs that cannot be written or would replace another, before the work: the table, further tables, a picture.
  func checkOutput(_ tables: [(option: String, path: String?)] = [], picture: String? = nil) throws
  {
    var taken = [(path: Installation.modelPath(model), what: "the model file")]
    for (option, path) in [("--output", output)] + tables + [("--picture", picture)] {
      guard let path, (option, path) != ("--output", "-") else { continue }
      if let (_, what) = taken.first(where: { isSameFile($0.path, path) }) {
        throw ValidationError("\(option): found '\(shown(path))', \(what); expected another path")
      }
      if path == "-" {
        throw ValidationError(
          "\(option): found '-'; expected a path: standard output is for the table")
      }
      taken.append((path, "the path of \(option)"))
      if option == "--picture" {
        try Picture.checkWritable(path: path, overwrite: force)
      } else if Picture.Format(path: path) != nil {
        throw ValidationError(
          "\(option): found '\(shown(path))', a picture's name; expected a table's, as a.csv, which 'kubo plot' draws"
        )
      } else {
        try TableFile(path: path, overwrite: force).check()
      }
    }
  }

  /// Writes the text where `--output` says; without it, to standard output.
  func write(_ text: String) throws {
    guard let output, output != "-" else { return try standardOutput(text) }
    try TextFile(text).write(to: output, overwrite: force)
  }

  /// Writes the table where `--output` says; without it, to standard output.
  func write(_ table: CSVFile) throws {
    guard let output, output != "-" else { return try standardOutput(table.text) }
    try TableFile(path: output, overwrite: force).write(table)
  }

  /// Prints what there is to say of an output in a file, and its name.
  func tell(_ summary: String = "") throws {
    guard let output, output != "-", !work.quiet else { return }
    try standardOutput("\(summary)written: \(output)\n")
  }

  func provenance(_ inputs: Inputs, since start: Date) throws -> Provenance {
    try provenance(
      inputs.input, diagrams: inputs.diagrams, filling: inputs.filling, since: start)
  }

  func provenance<Lattice>(
    _ input: ModelInput<Lattice>, diagrams: DiagramLibrary? = nil, filling: Filling? = nil,
    since start: Date
  ) throws -> Provenance {
    let fixed = try sourceDate()
    return Provenance(
      program: "kubo \(Kubo.version)", date: (fixed ?? start).formatted(.iso8601),
      command: ShellWords.joined(CommandLine.arguments.dropFirst()),
      model: input.file, settings: input.settings, units: input.units, diagrams: diagrams,
      filling: filling, wallTime: fixed == nil ? Date().timeIntervalSince(start) : nil)
  }
}

/// The chemical potential, as such or by the number of electrons.
struct ChemicalPotential: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help:
      "The chemical potential, in the model's unit of energy; with --units also as -0.4eV. Default: the model's.",
    transform: { try Energy($0) })
  var mu: Energy?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Electrons per unit cell, in place of --mu: above 0 and below what a full cell has, 4 with two sublattices, 2 for each orbital of other models; half of that is half filling.",
      valueName: "electrons"), transform: number("electrons per unit cell, above 0") { $0 > 0 })
  var filling: Double?

  func validate() throws {
    if mu != nil, filling != nil {
      throw ValidationError("--filling: found with --mu; expected one of them")
    }
  }

  /// mu, and where it comes from if that is a filling: of levels with this lifetime, or of the clean bands.
  func value(
    _ input: ModelInput<Model>, lifetime: Lifetime?, threads: Int, _ log: Logger
  ) async throws -> (mu: Double, filling: Filling?) {
    guard let filling else {
      return (
        try mu?.value("--mu", in: input.scale) ?? input.file.defaults.mu, nil
      )
    }
    let found = try await Filling(
      electrons: filling, model: input.model, temperature: input.temperature,
      lifetime: lifetime, threads: threads)
    log.notice("note: \(found.summary)")
    return (found.mu, found)
  }
}

/// The state of bare loops at constant lifetime, for commands to which impurities are a choice of their own.
struct ConstantLifetimeArguments: ParsableArguments {
  @OptionGroup var potential: ChemicalPotential
  @Option(
    help: ArgumentHelp(
      "constant=GAMMA, the level width of the bare loops. Default: the model's.",
      valueName: "kind=value"),
    transform: LifetimeChoice.constant)
  var lifetime: LifetimeChoice?
  @Option(
    parsing: .unconditional, help: "Relative error of each part of each value. Default: 1e-4.",
    transform: kubo.tolerance)
  var tolerance = 1e-4

  /// A request without columns.
  func request(
    _ arguments: ModelArguments, omega: Axis? = nil,
    diagrams: @autoclosure () throws -> DiagramLibrary?, _ log: Logger
  ) async throws -> (request: SpectrumRequest, inputs: Inputs) {
    try await arguments.request(
      potential, lifetime: lifetime, omega: omega, diagrams: try diagrams(), tolerance: tolerance,
      log)
  }
}

/// What the model's units are.
struct UnitArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model's unit of energy in eV, as in eV=0.3. Then energies may have a unit, as in 300K, -0.4eV, 20meV, 2THz (h nu), 500GHz, 16cm^-1, and strengths gamma eV^2 or meV^2. Spectra and Matsubara sums get the temperature in K and frequencies in THz beside the model's own numbers; with nm=L for the unit of length, as in eV=0.3,nm=0.4, they also get sigma in S (two dimensions, where nm may be left out), S/m or S m (three, one).",
      valueName: "units"), transform: Units.init)
  var units: Units?

  /// The units as they were written.
  struct Units: CustomStringConvertible {
    let description: String
    let value: PhysicalUnits

    init(_ text: String) throws { (description, value) = (text, try physicalUnits(text)) }
  }

  /// The unit of energy of `--units`, or the model's own if that is one.
  func scale(_ file: ModelFile) throws -> EnergyScale {
    let name = file.units.energy
    // K may be any constant of a model.
    let own = EnergyUnit(rawValue: name).flatMap { $0 == .kelvin ? nil : $0.electronvolts }
    if let own, let units, abs(units.value.energy / own - 1) > 1e-9 {
      throw ValidationError(
        "--units: found '\(units)'; expected eV=\(own), since the model's unit of energy is \(name)"
      )
    }
    return EnergyScale(name: name, electronvolts: units?.value.energy ?? own)
  }
}
