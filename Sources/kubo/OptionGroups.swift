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
  var model: ModelFile
  var diagrams: DiagramLibrary?
  var filling: Filling?
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
      "The impurities' strength gamma = n_i u_i^2, in squared energy units. Default: a level width of J/5 at mu (verify and report in three dimensions: 3 J)."
  )
  var gamma: String?

  func validate() throws {
    if let gamma, try number(gamma, "--gamma") <= 0 {
      throw ValidationError("--gamma: found '\(shown(gamma))'; expected a number above 0")
    }
  }

  /// gamma, or that of a level width of `part` of J.
  func value(_ request: SpectrumRequest, part: Double) async throws -> Double {
    if let gamma { return try number(gamma, "--gamma") }
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
    if let omega, try axis(omega, "--omega").allSatisfy({ $0 == 0 }) {
      throw ValidationError("--omega: found '\(shown(omega))'; expected a frequency other than 0")
    }
  }

  func values(_ model: Model) throws -> [Double] {
    try omega.map { try axis($0, "--omega") } ?? Comparison.axis(exchange: model.exchange)
  }
}

/// The model and its state.
struct ModelArguments: ParsableArguments {
  @Argument(
    help: "A shipped model (see 'kubo models') or the path of a model file.", completion: .model)
  var model: String
  @Option(help: ArgumentHelp("Replace a parameter of the model.", valueName: "name=value"))
  var set: [String] = []
  @Option(parsing: .unconditional, help: "The temperature k_B T, 0 or more.")
  var temperature: String?
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
    if let temperature, try number(temperature, "--temperature") < 0 {
      throw ValidationError("--temperature: found '\(shown(temperature))'; expected 0 or more")
    }
    _ = try settings(set)
    _ = try directions(direction)
    _ = try sourceDate()
  }

  /// Reads the model file and applies `--set`.
  func read() throws -> (file: ModelFile, model: Model, temperature: Double) {
    let file = try Installation.readModel(model)
    let model = try file.model(setting: settings(set))
    let t = try temperature.map { try number($0, "--temperature") } ?? file.defaults.temperature
    return (file, model, t)
  }

  /// A request without columns. What is wrong with the model is told before what is wrong with diagrams.
  func request(
    _ potential: ChemicalPotential, lifetime: String?, omegas: [Double],
    diagrams: @autoclosure () throws -> DiagramLibrary?, tolerance: String, _ log: Logger
  ) async throws -> (request: SpectrumRequest, inputs: Inputs) {
    let (file, model, temperature) = try read()
    if let note = model.mirrorNote { log.notice("note: \(note)") }
    let lifetime = try lifetime.map { try kubo.lifetime($0) } ?? file.defaults.lifetime
    let diagrams = try diagrams()
    let (mu, filling) = try await potential.value(
      file, model, temperature: temperature, lifetime: lifetime, threads: work.threadCount, log)
    return (
      SpectrumRequest(
        model: model, mu: mu, temperature: temperature, lifetime: lifetime, omegas: omegas,
        directions: try directions(direction), columns: [],
        diagrams: DiagramSet(diagrams?.diagrams ?? []),
        tolerance: try number(tolerance, "--tolerance"), threads: work.threadCount),
      Inputs(model: file, diagrams: diagrams, filling: filling)
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
    return Provenance(
      program: "kubo \(Kubo.version)", date: (fixed ?? start).formatted(.iso8601),
      command: ShellWords.joined(CommandLine.arguments.dropFirst()),
      model: inputs.model, settings: try settings(set), diagrams: inputs.diagrams,
      filling: inputs.filling, wallTime: fixed == nil ? Date().timeIntervalSince(start) : nil)
  }
}

/// The chemical potential, as such or by the number of electrons.
struct ChemicalPotential: ParsableArguments {
  @Option(parsing: .unconditional, help: "The chemical potential. Default: the model's.")
  var mu: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Electrons per unit cell in place of --mu, above 0 and below 4; 2 is half filling.",
      valueName: "electrons"))
  var filling: String?

  func validate() throws {
    if let mu {
      _ = try number(mu, "--mu")
      if filling != nil {
        throw ValidationError("--filling: found with --mu; expected one of them")
      }
    }
    if let filling {
      let electrons = try number(filling, "--filling")
      guard electrons > 0, electrons < 4 else {
        throw ValidationError(
          "--filling: found '\(shown(filling))'; expected electrons per unit cell, above 0 and below 4; 2 is half filling"
        )
      }
    }
  }

  /// mu, and where it comes from if that is a filling: of levels with this lifetime, or of the clean bands.
  func value(
    _ file: ModelFile, _ model: Model, temperature: Double, lifetime: Lifetime?, threads: Int,
    _ log: Logger
  ) async throws -> (mu: Double, filling: Filling?) {
    guard let filling else {
      return (try mu.map { try number($0, "--mu") } ?? file.defaults.mu, nil)
    }
    let found = try await Filling(
      electrons: number(filling, "--filling"), model: model, temperature: temperature,
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
  var tolerance: String = "1e-4"

  func validate() throws {
    if let lifetime {
      guard case .constant = try kubo.lifetime(lifetime) else {
        throw ValidationError(
          "--lifetime: found '\(shown(lifetime))'; expected constant=GAMMA, the level width of the bare loops"
        )
      }
    }
    try checkTolerance(tolerance)
  }

  /// A request without columns.
  func request(
    _ arguments: ModelArguments, omegas: [Double],
    diagrams: @autoclosure () throws -> DiagramLibrary?, _ log: Logger
  ) async throws -> (request: SpectrumRequest, inputs: Inputs) {
    try await arguments.request(
      potential, lifetime: lifetime, omegas: omegas, diagrams: try diagrams(), tolerance: tolerance,
      log)
  }
}
