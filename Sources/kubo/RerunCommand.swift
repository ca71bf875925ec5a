// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import KuboNetCDF
import Logging

/// `kubo rerun`.
struct RerunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rerun",
    abstract: "Repeats the run that made a table, and compares.",
    discussion: """
      Repeats the command in the table's header and compares the numbers. The header holds the model and the \
      diagrams of --diagrams, so no other file is needed. rerun runs only kubo's own commands and writes no file: \
      it ignores --output, --density, --contours, --picture and --force of the stored command. It refuses a header \
      whose model or diagram is not the one that was read (their SHA-256 differs). Tables of earlier versions hold \
      no model; for these, rerun looks for the files from the current folder, and refuses a model file that has \
      changed since.

      The exit status is 0 if all numbers are equal within their error bounds, and 1 if not.

      EXAMPLE
        kubo spectrum chain --omega 0,0.5 --responses sigma --tolerance 1e-3 --output chain.csv
        kubo rerun chain.csv

        The second command prints

          2 rows, 5 columns
          all numbers are the same to the bit
          reproduced

        On another machine numbers may differ within their error bounds; then the
        output names the largest difference. With --quiet only the exit status
        tells the result.
      """)

  @Argument(help: "A table that kubo has written.")
  var file: String
  @Flag(help: "Use the model file that the command names, even if it has changed.")
  var allowChangedModel = false
  @OptionGroup var work: WorkArguments

  func run() async throws {
    try await reporting(work.verbosity) { log in
      var run = try RecordedRun(path: file, table: TableFile.read(path: file))
      if run.texture != nil { return try await repeatTexture(run, log) }
      if allowChangedModel { run.model = nil }
      var command = try Self.command(of: run)
      command.arguments.work.threads = work.threads
      if run.model == nil {
        let model = try Installation.readModel(command.arguments.model)
        if !allowChangedModel { try run.check(model) }
      } else if let model = try? Installation.readModel(command.arguments.model),
        model.sha256 != run.modelDigest
      {
        log.notice("note: \(model.path) has changed; rerun uses the model that \(file) holds")
      }
      if run.program != "kubo \(Kubo.version)" {
        log.notice("note: \(file): written by \(run.program); this is kubo \(Kubo.version)")
      }
      let again: CSVFile
      do {
        again = try await Installation.$recorded.withValue(run) { [command] in
          try await command.table(log, like: run.table)
        }
      } catch let error as ValidationError {
        throw run.refusal(found: "\(error)", expected: "a command that can be run")
      }
      if let digest = run.table[header: "shipped_diagrams_sha256"],
        digest != again[header: "shipped_diagrams_sha256"]
      {
        log.notice("note: \(Installation.diagrams.path): not the shipped diagrams of the table")
      }
      try tell(run, again, log)
    }
  }

  /// Says how near the numbers are.
  private func tell(_ run: RecordedRun, _ again: CSVFile, _ log: Logger) throws {
    let reproduction = Reproduction(stored: run.table, again: again)
    if !work.quiet {
      try standardOutput(
        "kubo \(shown(ShellWords.joined(run.command)))\n" + reproduction.summary(run.table))
    }
    guard reproduction.holds else {
      log.error("\(file): not reproduced")
      throw ExitStatus.refuted
    }
  }

  /// The same of a texture, which the header holds; other files that it names must be as they were.
  private func repeatTexture(_ run: RecordedRun, _ log: Logger) async throws {
    guard var command = try? Kubo.parsed(run.command) as? TextureCommand else {
      throw run.refusal(found: run.command.first ?? "nothing", expected: "texture")
    }
    guard run.table.columns.first == "t" else {
      throw run.refusal(found: "a state", expected: "the table of --output")
    }
    command.work.threads = work.threads
    if run.program != "kubo \(Kubo.version)" {
      log.notice("note: \(file): written by \(run.program); this is kubo \(Kubo.version)")
    }
    let again = try await Installation.$recorded.withValue(run) { [command] in
      try await command.result(log, keepsStates: false).table
    }
    for (stored, now) in zip(run.table.inputs, again.inputs)
    where stored != now && !allowChangedModel {
      throw FileError(
        .malformed, file: file, key: "input", found: now,
        expected: "\(stored), as when it was written; --allow-changed-model takes the file as it is"
      )
    }
    try tell(run, again, log)
  }

  /// The stored words as this program's own parser reads them.
  static func command(of run: RecordedRun) throws -> any TableCommand {
    let expected = "a command of kubo that makes a table, with its options"
    let parsed: any ParsableCommand
    do {
      parsed = try Kubo.parsed(run.command)
    } catch {
      // A request for help is no table either.
      let text =
        Kubo.exitCode(for: error) == .success ? "a request for help" : Kubo.message(for: error)
      throw run.refusal(found: text, expected: expected)
    }
    guard let command = parsed as? any TableCommand else {
      throw run.refusal(found: run.command.first ?? "nothing", expected: expected)
    }
    return command
  }
}
