// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import Logging

/// Reads a finite number, or says what was found.
func number(_ text: String, _ what: String) throws -> Double {
  guard let value = Double(text), value.isFinite, value.magnitude < 1e100 else {
    throw ValidationError(
      "\(what): found '\(shown(text))'; expected a finite number of magnitude below 1e100")
  }
  // What is too small for a double would be read as zero.
  guard value.magnitude >= 1e-100 || value == 0 && !text.contains(where: { "1"..."9" ~= $0 })
  else {
    throw ValidationError(
      "\(what): found '\(shown(text))'; expected 0, or a magnitude of at least 1e-100")
  }
  return value
}

/// Reads an integer in `range`.
func integer(_ text: String, _ what: String, _ range: ClosedRange<Int>) throws -> Int {
  guard let value = Int(text), range.contains(value) else {
    throw ValidationError(
      "\(what): found '\(shown(text))'; expected \(range.lowerBound) to \(range.upperBound)")
  }
  return value
}

/// Refuses a `--tolerance` that is not between 0 and 1.
func checkTolerance(_ text: String) throws {
  let t = try number(text, "--tolerance")
  guard t > 0, t < 1 else {
    throw ValidationError("--tolerance: found '\(shown(text))'; expected a number between 0 and 1")
  }
}

/// Reads `START:STOP:COUNT` or `a,b,c`.
func axis(_ text: String, _ what: String) throws -> [Double] {
  let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
  if parts.count == 1 {
    return try text.split(separator: ",", omittingEmptySubsequences: false).map {
      try number(String($0), what)
    }
  }
  guard parts.count == 3, let count = Int(parts[2]), count >= 1, count <= 1_000_000 else {
    throw ValidationError(
      "\(what): found '\(shown(text))'; expected START:STOP:COUNT with COUNT from 1 to 1000000, or a,b,c"
    )
  }
  let start = try number(parts[0], what)
  let stop = try number(parts[1], what)
  if count == 1 {
    guard start == stop else {
      throw ValidationError(
        "\(what): found '\(shown(text))'; expected a COUNT of 2 or more for two ends")
    }
    return [start]
  }
  // From both ends, so that the last value is STOP to the bit.
  return (0..<count).map { n in
    n == count - 1 ? stop : start + (stop - start) * (Double(n) / Double(count - 1))
  }
}

/// Reads `NAME=VALUE` pairs.
func settings(_ texts: [String]) throws -> [String: Double] {
  var result: [String: Double] = [:]
  for text in texts {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else {
      throw ValidationError("--set: found '\(shown(text))'; expected NAME=VALUE")
    }
    let name = String(parts[0])
    guard result[name] == nil else {
      throw ValidationError("--set: found '\(shown(name))' twice; expected each parameter once")
    }
    result[name] = try number(String(parts[1]), "--set \(name)")
  }
  return result
}

/// Reads `constant=G`, `scba=G` or `site=G`.
func lifetime(_ text: String) throws -> Lifetime {
  let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
  let kinds: [(name: String, make: (Double) -> Lifetime)] = [
    ("constant", Lifetime.constant), ("scba", Lifetime.scba), ("site", Lifetime.site),
  ]
  guard parts.count == 2, let kind = kinds.first(where: { $0.name == parts[0] }) else {
    throw ValidationError(
      "--lifetime: found '\(shown(text))'; expected constant=GAMMA, scba=GAMMA or site=GAMMA")
  }
  let gamma = try number(String(parts[1]), "--lifetime \(kind.name)")
  guard gamma > 0 else {
    throw ValidationError("--lifetime: found '\(shown(text))'; expected a GAMMA above 0")
  }
  return kind.make(gamma)
}

/// Reads `eV=E` or `eV=E,nm=L`.
func physicalUnits(_ text: String) throws -> PhysicalUnits {
  var values: [String: Double] = [:]
  for part in text.split(separator: ",", omittingEmptySubsequences: false) {
    let words = part.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
    guard words.count == 2, ["eV", "nm"].contains(words[0]), values[words[0]] == nil else {
      throw ValidationError(
        "--units: found '\(shown(text))'; expected eV=E or eV=E,nm=L: the model's units of energy and length"
      )
    }
    let value = try number(words[1], "--units \(words[0])")
    guard value >= 1e-9, value <= 1e9 else {
      throw ValidationError(
        "--units \(words[0]): found '\(shown(words[1]))'; expected a number from 1e-9 to 1e9")
    }
    values[words[0]] = value
  }
  guard let energy = values["eV"] else {
    throw ValidationError("--units: found '\(shown(text))'; expected eV=E among them")
  }
  return PhysicalUnits(energy: energy, length: values["nm"])
}

/// Reads two of x, y, z.
func directions(_ text: String) throws -> Directions {
  let axes = text.compactMap { "xyz".firstIndex(of: $0) }.map {
    "xyz".distance(from: "xyz".startIndex, to: $0)
  }
  guard text.count == 2, axes.count == 2 else {
    throw ValidationError(
      "--direction: found '\(shown(text))'; expected two of x, y, z, as in xx or xy: texture gradient, then electric field"
    )
  }
  return Directions(i: axes[0], j: axes[1])
}

/// The responses of `--responses`, or the named ones.
func chosenResponses(_ responses: String?) throws -> [Response] {
  guard let responses else { return Response.aliases.map { Response($0.alias)! } }
  var list: [Response] = []
  for name in responses.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
    guard let response = Response(name) else {
      throw ValidationError(
        "--responses: found '\(shown(name))'; expected \(Response.aliases.map(\.alias).joined(separator: ", ")), or operator.spin.projection as in s.xx.full"
      )
    }
    guard !list.contains(response) else {
      throw ValidationError(
        "--responses: found '\(shown(name))' twice; expected each response once")
    }
    list.append(response)
  }
  return list
}

/// The shipped diagrams and those of `directories`.
func diagramSet(_ directories: [String], _ log: Logger) throws -> DiagramSet {
  let library = try DiagramLibrary.read(directories: [Installation.diagrams.path] + directories)
  for name in library.replaced { log.notice("note: diagram \(name) replaces the shipped one") }
  return DiagramSet(library.diagrams)
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
  @Option(help: "Threads; the results do not depend on it. Default: all processors.")
  var threads: String?
  @Option(
    help: ArgumentHelp("The file to write; - is standard output.", valueName: "file"),
    completion: .file())
  var output: String?
  @Flag(help: "Replace an existing output file.")
  var force = false
  @Flag(help: "No messages but errors, no progress, and no summary of what --output holds.")
  var quiet = false
  @Flag(help: "Tell on standard error how the work is done, and how long each stage takes.")
  var verbose = false

  func validate() throws {
    if quiet, verbose {
      throw ValidationError("--quiet: found with --verbose; expected one of them")
    }
    if let threads { _ = try integer(threads, "--threads", 1...1024) }
    if let temperature, try number(temperature, "--temperature") < 0 {
      throw ValidationError("--temperature: found '\(shown(temperature))'; expected 0 or more")
    }
    _ = try settings(set)
    _ = try directions(direction)
  }

  var verbosity: Verbosity { Verbosity(quiet: quiet, verbose: verbose) }

  var threadCount: Int {
    threads.flatMap { Int($0) } ?? ProcessInfo.processInfo.activeProcessorCount
  }

  /// Reads the model file and applies `--set`.
  func read() throws -> (file: ModelFile, model: Model, temperature: Double) {
    let file = try Installation.readModel(model)
    let model = try file.model(setting: settings(set))
    let t = try temperature.map { try number($0, "--temperature") } ?? file.defaults.temperature
    return (file, model, t)
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

  func provenance(_ file: ModelFile, filling: Filling? = nil, since start: Date) throws
    -> Provenance
  {
    Provenance(
      program: "kubo \(Kubo.version)",
      command: ShellWords.joined(CommandLine.arguments.dropFirst()),
      model: file, settings: try settings(set), filling: filling,
      wallTime: Date().timeIntervalSince(start))
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
  @Option(help: "Relative error of each part of each value.")
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
    _ arguments: ModelArguments, omegas: [Double], diagrams: DiagramSet, _ log: Logger
  ) async throws -> (request: SpectrumRequest, file: ModelFile, filling: Filling?) {
    let (file, model, temperature) = try arguments.read()
    let lifetime = try lifetime.map { try kubo.lifetime($0) } ?? file.defaults.lifetime
    let (mu, filling) = try await potential.value(
      file, model, temperature: temperature, lifetime: lifetime, threads: arguments.threadCount,
      log)
    return (
      SpectrumRequest(
        model: model, mu: mu, temperature: temperature, lifetime: lifetime, omegas: omegas,
        directions: try directions(arguments.direction), columns: [],
        diagrams: diagrams, tolerance: try number(tolerance, "--tolerance"),
        threads: arguments.threadCount), file, filling
    )
  }
}
