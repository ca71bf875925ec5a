// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles

/// `kubo import`.
struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Make a model file of Wannier90's files.",
    discussion: """
      Reads the _tb.dat or _hr.dat of both spins, or that of a nonmagnetic run with an exchange for each orbital. \
      kubo finds the other files beside them, under the same name: _wsvec.dat, and for _hr.dat also the .win with \
      the cell and _centres.xyz. The model file names all of them, with their SHA-256.

      The command prints the orbitals with their centres and levels, and whether both spins have the same \
      orbitals. If they do not, transverse responses (spin, torques) mean nothing; docs/wannier.md says what to \
      do.

      EXAMPLE
        kubo import --up pair_up_tb.dat --down pair_down_tb.dat --output pair.yaml

        The model is in pair.yaml; the output shows the orbitals and how alike the
        spins are:

          pair: 2 orbitals, 7 cells, 2 dimensions
          orbital   centre, angstrom  up, eV    down, eV  exchange, eV
          ...
          transverse responses: both spins have the same orbitals
          ...
          written: pair.yaml
      """)

  @Option(
    help: ArgumentHelp("_tb.dat or _hr.dat of the up spin.", valueName: "file"),
    completion: .file())
  var up: String
  @Option(
    help: ArgumentHelp("The same of the down spin.", valueName: "file"), completion: .file())
  var down: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      In place of --down: exchange energies of orbitals or atoms, as in Mn1=0.5,Mn2=-500meV; up has the level \
      less, down plus the exchange.
      """, valueName: "name=energy,..."), transform: exchangeEnergies)
  var exchange: [Setting]?
  @Option(
    help: ArgumentHelp("The .win. Default: the one beside --up or --down.", valueName: "file"),
    completion: .file())
  var win: String?
  @Option(
    help: ArgumentHelp(
      "A _centres.xyz for both spins. Default: for _hr.dat those beside them.", valueName: "file"),
    completion: .file())
  var centres: String?
  @Option(help: "The model's name. Default: that of the output.", transform: checkedName)
  var name: String?
  @Option(
    parsing: .unconditional,
    help:
      "The chemical potential in eV, or as 300meV. Default: fermi_energy of the .win, or 0.",
    transform: { try Energy($0) })
  var mu: Energy?
  @Option(
    parsing: .unconditional, help: "The temperature k_B T, in eV or as 300K. Default: 0.025.",
    transform: Energy.temperature)
  var temperature: Energy?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The level width. Default: constant=0.05.", valueName: "constant=gamma"),
    transform: LifetimeChoice.constant)
  var lifetime: LifetimeChoice?
  @Option(
    help: ArgumentHelp("The model file. Default: none is written.", valueName: "file"),
    completion: .file())
  var output: String?
  @Flag(help: "Replace an existing output file.")
  var force = false

  private static func checkedName(_ text: String) throws -> String {
    guard WannierSource.isModelName(text) else {
      throw ValidationError("expected \(WannierSource.modelNameRule)")
    }
    return text
  }

  private static func exchangeEnergies(_ text: String) throws -> [Setting] {
    let settings = try list(words(text)) { try Setting(String($0)) }
    guard Set(settings.map(\.name)).count == settings.count else {
      throw ValidationError("expected each name once")
    }
    return settings
  }

  func validate() throws {
    guard (down == nil) != (exchange == nil) else {
      throw ValidationError(
        "--down: found \(down == nil ? "neither it nor" : "it and") --exchange; expected one of them"
      )
    }
    for path in [up, down, win, centres].compactMap({ $0 }) where shown(path) != path {
      throw ValidationError("found '\(shown(path))'; expected a path without control characters")
    }
  }

  func run() async throws {
    try await reporting { log in
      if let output { try CSVFile.checkWritable(path: output, overwrite: force) }
      let scale = EnergyScale(name: "eV", electronvolts: 1)
      func files(_ path: String) -> WannierSource.Files {
        var files = WannierSource.Files(besides: path)
        if let centres { files.centres = centres }
        return files
      }
      var source = WannierSource(up: files(up), down: down.map(files))
      source.input = win ?? WannierSource.input(besides: source.up, source.down)
      source.exchange = try exchange.map { settings in
        try Dictionary(
          uniqueKeysWithValues: settings.map {
            ($0.name, try $0.value.value("--exchange \($0.name)", in: scale))
          })
      }
      let model = try WannierModel(source, name: try ownName())
      if let output, let own = model.files.first(where: { isSameFile($0.path, output) }) {
        throw ValidationError(
          "--output: found '\(shown(own.path))', a file of Wannier90; expected another path")
      }
      let temperature = try temperature?.value("--temperature", in: scale) ?? 0.025
      let mu = try mu?.value("--mu", in: scale)
      let defaults = ModelFile.Defaults(
        mu: mu ?? model.fermiEnergy ?? 0, temperature: temperature,
        lifetime: try lifetime?.value(in: scale) ?? .constant(0.05))
      let text = output.map {
        TextFile(model, of: source, defaults: defaults, for: $0)
      }
      try standardOutput(model.summary)
      if let output, let text {
        try text.write(to: output, overwrite: force)
        try standardOutput("written: \(shown(output))\n")
      }
      if mu == nil {
        log.notice(
          "note: mu = \(defaults.mu)\(model.fermiEnergy == nil ? ": no --mu and no fermi_energy in a .win" : ", fermi_energy of the .win")"
        )
      }
    }
  }

  /// `--name`, or the output's without its ending.
  private func ownName() throws -> String {
    if let name { return name }
    let own = output.map { URL(filePath: $0).deletingPathExtension().lastPathComponent } ?? "model"
    guard WannierSource.isModelName(own) else {
      throw ValidationError(
        "--name: found none, and '\(shown(own))' of --output; expected \(WannierSource.modelNameRule)"
      )
    }
    return own
  }
}
