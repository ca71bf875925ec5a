// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import KuboNetCDF
import KuboSweeps

/// `kubo sweep`.
struct SweepCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Run a run file; write the table of a store; join stores.",
    discussion: """
      A number of spectrum, coefficients, torque or compare may be an axis: START:STOP:COUNT, START:STOP:log:COUNT \
      or a,b,c. Several axes make all combinations, or pairs with --zip. The output is one table with a column for \
      each axis. kubo keeps each finished point at once in a store beside the output, OUTPUT.sqlite; after an \
      interruption the same command continues where it stopped. docs/sweeps.md has the details.

      An output that ends in .nc is a netCDF file, in builds with the trait NetCDF. In builds with the trait MPI, \
      'mpirun -n N kubo sweep run.yaml' computes the points on N processes.

      A run file holds the same as a command line: the keys command and model, and the options by their names. \
      --write-run writes one.

      EXAMPLE
        kubo spectrum chain --mu -1:0:3 --omega 0.5 --responses sigma --tolerance 1e-3 --write-run run.yaml
        kubo sweep run.yaml --output map.csv

        The second command prints

          3 of 3 points
          written: map.csv

        'kubo sweep --export map.csv.sqlite --output again.csv' writes the same
        table again, at any time.
      """)

  @Argument(
    help: ArgumentHelp(
      "A run file; or a store with --export, stores with --merge.", valueName: "file"))
  var files: [String]
  @Flag(help: "Write the table of the points that a store holds.")
  var export = false
  @Flag(
    help:
      "Join stores, such as those of --shard, in a store beside the output, and write its table.")
  var merge = false
  @OptionGroup var destination: OutputArguments
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Compute only the points I, I + N, I + 2 N, ..., as with the subcommands.", valueName: "i/n"),
    transform: SweepArguments.Shard.init)
  var shard: SweepArguments.Shard?
  @Flag(help: CostEstimate.sweepHelp)
  var estimate = false
  @OptionGroup var work: WorkArguments

  private var output: String? { destination.output }
  private var force: Bool { destination.force }

  func validate() throws {
    if export, merge { throw ValidationError("--export: found with --merge; expected one of them") }
    if merge, output == nil || output == "-" {
      throw ValidationError("--merge: found without --output; expected the path of a table")
    }
    guard merge || files.count == 1 else {
      throw ValidationError(
        "file: found \(files.count); expected one, or stores with --merge")
    }
    for (option, isGiven) in [("--shard", shard != nil), ("--estimate", estimate)]
    where isGiven && (export || merge) {
      throw ValidationError("\(option): found with a store; expected a run file")
    }
  }

  func run() async throws {
    if !export, !merge { return try await runFile() }
    try await reporting(work.verbosity) { log in
      let output = output == "-" ? nil : output
      if let output { try TableFile(path: output, overwrite: force).check() }
      var store = try SweepStore(reading: files[0])
      if merge, let output { store = try .merging(files, into: "\(output).sqlite") }
      try store.tell(output, overwrite: force, quiet: work.quiet, log)
    }
  }

  private func runFile() async throws {
    var command: (any SweepableCommand)?
    try await reporting(work.verbosity) { _ in
      command = try SweepCommand.command(files[0])
    }
    guard var command else { preconditionFailure("what fails is thrown") }
    command.arguments.destination = destination
    command.arguments.work = work
    (command.sweep.shard, command.estimate) = (shard, estimate)
    try await command.run()
  }

  /// The command that a run file means.
  private static func command(_ path: String) throws -> any SweepableCommand {
    let types = Kubo.configuration.subcommands.filter { $0 is any SweepableCommand.Type }
    let names = types.map { $0.configuration.commandName! }
    var options: [String: CommandOptions] = [:]
    for (name, type) in zip(names, types) { options[name] = try CommandOptions(type) }
    let file = try RunFile(path: path, commands: names) { options[$0]!.repeats }
    func parsed(_ entries: [RunFile.Entry]) throws -> any ParsableCommand {
      try Kubo.parsed(
        SweepRun(settings: entries.map { .init($0.key, $0.value) }, axes: []).words(file.command))
    }
    if let fault = file.fault({ entries in
      do {
        _ = try parsed(entries)
        return nil
      } catch {
        return Kubo.message(for: error)
      }
    }) {
      throw fault
    }
    guard let command = try parsed(file.entries) as? any SweepableCommand else {
      preconditionFailure("a subcommand with axes")
    }
    return command
  }
}
