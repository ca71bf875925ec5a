// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import Logging

/// The shipped diagrams alone.
func shippedDiagrams() throws -> DiagramLibrary {
  try DiagramLibrary.read(directories: [Installation.diagrams.path])
}

/// The files that a command has read, and the chemical potential that it has found.
struct Inputs {
  let input: ModelInput
  let diagrams: DiagramLibrary?
  let filling: Filling?

  init(_ input: ModelInput, diagrams: DiagramLibrary? = nil, filling: Filling? = nil) {
    (self.input, self.diagrams, self.filling) = (input, diagrams, filling)
  }
}

/// How the work is done, and what is told about it.
struct WorkArguments: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Threads; the results do not depend on it. Default: all processors.")
  var threads: String?
  @Flag(help: "No messages but errors, no progress, and no summary of what was written to a file.")
  var quiet = false
  @Flag(help: "Tell on standard error how the work is done, and how long each stage takes.")
  var verbose = false

  func validate() throws {
    if quiet, verbose {
      throw ValidationError("--quiet: found with --verbose; expected one of them")
    }
    if let threads { _ = try integer(threads, "--threads", 1...1024) }
  }

  var verbosity: Verbosity { Verbosity(quiet: quiet, verbose: verbose) }

  var threadCount: Int {
    threads.flatMap { Int($0) } ?? ProcessInfo.processInfo.activeProcessorCount
  }
}

/// A folder of diagrams beside the shipped ones.
struct DiagramFolders: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A folder with more diagram files; one of a shipped name replaces the shipped one.",
      valueName: "dir"), completion: .directory)
  var diagrams: [String] = []

  func library() throws -> DiagramLibrary {
    let shipped = Installation.diagrams.path
    if !diagrams.isEmpty, let library = try Installation.recorded?.library(shipped: shipped) {
      return library
    }
    return try DiagramLibrary.read(directories: [shipped] + diagrams)
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
      "The impurities' strength gamma = n_i u_i^2, in squared energy units, or as 400meV^2. Default: a level width of J/5 at mu (verify and report in three dimensions: 3 J)."
  )
  var gamma: Quantity?

  func validate() throws { _ = try gamma.map { try strength($0, in: .unread) } }

  /// gamma, or that of a level width of `part` of J.
  func value(_ request: SpectrumRequest, part: Double, in scale: EnergyScale) async throws
    -> Double
  {
    if let gamma { return try strength(gamma, in: scale) }
    return try await Comparison.strength(
      request.model, mu: request.mu, part: part, threads: request.threads)
  }
}

/// The frequencies at which bare and dressed loops are compared.
struct ComparisonAxis: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Frequencies, START:STOP:COUNT or a,b,c. Default: 0 to 3 J, finer about 2 J.",
      valueName: "axis"))
  var omega: String?

  func validate() throws {
    if let omega, try axis(omega, "--omega", in: .unread).allSatisfy({ $0 == 0 }) {
      throw ValidationError("--omega: found '\(shown(omega))'; expected a frequency other than 0")
    }
  }

  func values(_ input: ModelInput) throws -> [Double] {
    try omega.map { try axis($0, "--omega", in: input.scale) }
      ?? Comparison.axis(exchange: input.model.exchange)
  }
}

/// gamma of impurities, in squared units of the model's energy.
func strength(_ gamma: Quantity, in scale: EnergyScale) throws -> Double {
  let value = try gamma.energy("--gamma", in: scale, power: 2)
  guard value > 0 else {
    throw ValidationError("--gamma: found '\(shown(gamma.text))'; expected a number above 0")
  }
  return value
}

/// A model as the arguments set it.
struct ModelInput {
  let file: ModelFile
  let settings: [String: Double]
  let model: Model
  let temperature: Double
  let scale: EnergyScale
  let units: PhysicalUnits?
}

/// The model and its state.
struct ModelArguments: ParsableArguments {
  @Argument(
    help: "A shipped model (see 'kubo models') or the path of a model file.", completion: .model)
  var model: String
  @Option(help: ArgumentHelp("Replace a parameter of the model.", valueName: "name=value"))
  var set: [String] = []
  @OptionGroup var units: UnitArguments
  @Option(
    parsing: .unconditional,
    help:
      "The temperature k_B T, 0 or more, in the model's unit of energy; with --units as 300K too.")
  var temperature: Quantity?
  @Option(
    help: ArgumentHelp(
      "Directions of the texture gradient and of the electric field.", valueName: "ij"))
  var direction: String = "xx"
  @Option(
    help: ArgumentHelp("The file to write; - is standard output.", valueName: "file"),
    completion: .file())
  var output: String?
  @Flag(help: "Replace an existing output file.")
  var force = false
  @OptionGroup var work: WorkArguments

  func validate() throws {
    if let temperature, try temperature.energy("--temperature", in: .unread) < 0 {
      throw ValidationError(
        "--temperature: found '\(shown(temperature.text))'; expected 0 or more")
    }
    _ = try settings(set, in: .unread)
    _ = try directions(direction)
    _ = try sourceDate()
  }

  /// Reads the model file and applies `--set`; `withLengths` if results may be in units of length.
  func read(_ log: Logger, withLengths: Bool = false) throws -> ModelInput {
    let file = try Installation.readModel(model)
    let (scale, physical) = (try units.scale(file), try units.physical())
    if !withLengths, physical?.length != nil {
      throw ValidationError(
        "--units: found '\(shown(units.units!))'; expected eV=E alone: spectra and Matsubara sums take nm=L"
      )
    }
    let settings = try settings(set, in: scale)
    let model = try file.model(setting: settings)
    let t =
      try temperature.map { try $0.energy("--temperature", in: scale) } ?? file.defaults.temperature
    if t > 2 * model.energyBound {
      let kelvins = scale.electronvolts.map {
        " = \(significant(PhysicalUnits(energy: $0).temperature(t))) K"
      }
      log.notice(
        "note: temperature: k_B T = \(significant(t)) \(scale.name)\(kelvins ?? "") is above the width of all bands, \(significant(2 * model.energyBound)) \(scale.name) at most; kelvins are written as in 300K\(kelvins == nil ? " with --units eV=E" : "")"
      )
    }
    return ModelInput(
      file: file, settings: settings, model: model, temperature: t, scale: scale, units: physical)
  }

  /// A request without columns. What is wrong with the model is told before what is wrong with diagrams.
  func request(
    _ potential: ChemicalPotential, lifetime: String?, omega: String?,
    diagrams: @autoclosure () throws -> DiagramLibrary?, tolerance: Quantity,
    withLengths: Bool = false, _ log: Logger
  ) async throws -> (request: SpectrumRequest, inputs: Inputs) {
    let input = try read(log, withLengths: withLengths)
    if let note = input.model.mirrorNote { log.notice("note: \(note)") }
    let lifetime =
      try lifetime.map { try kubo.lifetime($0, in: input.scale) } ?? input.file.defaults.lifetime
    let omegas = try omega.map { try axis($0, "--omega", in: input.scale) } ?? []
    let diagrams = try diagrams()
    let (mu, filling) = try await potential.value(
      input, lifetime: lifetime, threads: work.threadCount, log)
    return (
      SpectrumRequest(
        model: input.model, mu: mu, temperature: input.temperature, lifetime: lifetime,
        omegas: omegas, directions: try directions(direction), columns: [],
        diagrams: DiagramSet(diagrams?.diagrams ?? []),
        tolerance: try tolerance.number("--tolerance"), threads: work.threadCount),
      Inputs(input, diagrams: diagrams, filling: filling)
    )
  }

  /// Refuses an output that cannot be written, before the work.
  func checkOutput() throws {
    guard let output, output != "-" else { return }
    guard !isSameFile(output, Installation.modelPath(model)) else {
      throw ValidationError(
        "--output: found '\(shown(output))', the model file; expected another path")
    }
    try CSVFile.checkWritable(path: output, overwrite: force)
  }

  /// Writes the table where `--output` says; without it, to standard output.
  func write(_ table: CSVFile) throws { try write(table.text) }

  /// Writes the text where `--output` says; without it, to standard output.
  func write(_ text: String) throws {
    guard let output, output != "-" else {
      try standardOutput(text)
      return
    }
    try TextFile(text).write(to: output, overwrite: force)
  }

  func provenance(_ inputs: Inputs, since start: Date) throws -> Provenance {
    let fixed = try sourceDate()
    let input = inputs.input
    return Provenance(
      program: "kubo \(Kubo.version)", date: (fixed ?? start).formatted(.iso8601),
      command: ShellWords.joined(CommandLine.arguments.dropFirst()),
      model: input.file, settings: input.settings, units: input.units, diagrams: inputs.diagrams,
      filling: inputs.filling, wallTime: fixed == nil ? Date().timeIntervalSince(start) : nil)
  }
}

/// The chemical potential, as such or by the number of electrons.
struct ChemicalPotential: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help:
      "The chemical potential, in the model's unit of energy; with --units as -0.4eV too. Default: the model's."
  )
  var mu: Quantity?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Electrons per unit cell in place of --mu, above 0 and below 4; 2 is half filling.",
      valueName: "electrons"))
  var filling: Quantity?

  func validate() throws {
    if let mu {
      _ = try mu.energy("--mu", in: .unread)
      if filling != nil {
        throw ValidationError("--filling: found with --mu; expected one of them")
      }
    }
    if let filling {
      let electrons = try filling.number("--filling")
      guard electrons > 0, electrons < 4 else {
        throw ValidationError(
          "--filling: found '\(shown(filling.text))'; expected electrons per unit cell, above 0 and below 4; 2 is half filling"
        )
      }
    }
  }

  /// mu, and where it comes from if that is a filling: of levels with this lifetime, or of the clean bands.
  func value(
    _ input: ModelInput, lifetime: Lifetime?, threads: Int, _ log: Logger
  ) async throws -> (mu: Double, filling: Filling?) {
    guard let filling else {
      return (
        try mu.map { try $0.energy("--mu", in: input.scale) } ?? input.file.defaults.mu, nil
      )
    }
    let found = try await Filling(
      electrons: filling.number("--filling"), model: input.model, temperature: input.temperature,
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
      "constant=GAMMA of the bare loops. Default: the model's.", valueName: "kind=value"))
  var lifetime: String?
  @Option(parsing: .unconditional, help: "Relative error of each part of each value.")
  var tolerance: Quantity = "1e-4"

  func validate() throws {
    if let lifetime {
      guard case .constant = try kubo.lifetime(lifetime, in: .unread) else {
        throw ValidationError(
          "--lifetime: found '\(shown(lifetime))'; expected constant=GAMMA, the level width of the bare loops"
        )
      }
    }
    try checkTolerance(tolerance)
  }

  /// A request without columns.
  func request(
    _ arguments: ModelArguments, omega: String? = nil,
    diagrams: @autoclosure () throws -> DiagramLibrary?, _ log: Logger
  ) async throws -> (request: SpectrumRequest, inputs: Inputs) {
    try await arguments.request(
      potential, lifetime: lifetime, omega: omega, diagrams: try diagrams(), tolerance: tolerance,
      log)
  }
}
