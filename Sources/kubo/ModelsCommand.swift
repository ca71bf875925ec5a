// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import KuboOrbitals
import Logging

/// `kubo models`.
struct ModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "List the shipped models, or what a model file says.",
    discussion: """
      With a model, the command prints everything that kubo reads of its lattice: each hop with its length and \
      amplitude, the number of neighbours of a site at each distance, the symmetries of the energies, and the \
      bands. If a hop is missing, a number of neighbours is too small or a symmetry is lacking. For models with \
      orbitals it prints their centres and levels, the symmetries, and the electrons and moments at the file's mu \
      and level width.

      EXAMPLE
        kubo models square

        After name, parameters and lattice:

          between the sublattices: 4 neighbours of each site
            4 at distance 1.0 ...
          ...
          the energies have 8 point symmetries
      """)

  @Argument(
    help: "A shipped model or the path of a model file. Default: a list of the shipped ones.",
    completion: .model)
  var model: String?
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("Change a parameter of the model.", valueName: "name=value"),
    transform: Setting.init)
  var set: [Setting] = []
  @OptionGroup var units: UnitArguments

  func validate() throws {
    if model == nil, !set.isEmpty {
      throw ValidationError("--set: found without a model; expected a model")
    }
    try set.check()
  }

  func run() async throws {
    try await reporting { log in
      guard let model else {
        try standardOutput(list())
        return
      }
      let file = try Installation.readModel(model)
      let settings = try set.values(in: units.scale(file))
      if file.hasOrbitals {
        return try await orbitals(file, settings, log)
      }
      try standardOutput(file.summary(of: try file.model(setting: settings), settings))
    }
  }

  /// A model with orbitals and its state by default.
  private func orbitals(
    _ file: ModelFile, _ settings: [String: Double], _ log: Logger
  ) async throws {
    let model = try file.orbitalModel(setting: settings)
    let defaults = file.defaults
    guard case .constant(let gamma) = defaults.lifetime, gamma > 0 else {
      throw ValidationError(
        "\(file.path): defaults.lifetime: found \(defaults.lifetime.description); expected a GAMMA above 0"
      )
    }
    try standardOutput(file.summary(of: model, settings))
    // A few digits: what a material takes is long enough.
    let state: OrbitalState
    do {
      state = try await OrbitalState(
        model, mu: defaults.mu, temperature: defaults.temperature, broadening: gamma,
        tolerance: 1e-4, threads: ProcessInfo.processInfo.activeProcessorCount)
    } catch let error where error is NonConvergence || error is EmptyCell {
      log.notice(
        "note: there are no electrons and moments for the level width of the file: \(error)")
      return
    }
    try standardOutput(file.summary(of: model, state, mu: defaults.mu, broadening: gamma))
  }

  /// The shipped models.
  private func list() throws -> String {
    try yamlFiles(in: Installation.models.path, expected: "a directory of model files").map {
      let file = try ModelFile.read(path: $0)
      let parameters = file.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
      return "\(pad(file.name, 12)) \(firstSentence(file.description)) (\(parameters))\n"
    }.joined()
  }
}

func pad(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

func firstSentence(_ text: String) -> String {
  let line = text.replacing("\n", with: " ")
  return line.range(of: ". ").map { String(line[..<$0.lowerBound]) } ?? line
}
