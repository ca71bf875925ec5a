// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles

/// `kubo rerun`.
struct RerunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rerun",
    abstract: "Repeats the run that made a table, and compares.",
    discussion: """
      The command of the table's header is computed again, on the model file that it names, and compared with \
      the stored numbers. Nothing but kubo's own commands is run, and no file is written: --output, --density, \
      --contours, --picture and --force of the stored command are not followed. A model file that has changed since is refused. Paths \
      are taken from the current folder. Exit status 0 if all numbers are equal within their error bounds, 1 if not.

      EXAMPLE
        kubo spectrum chain --omega 0,0.5 --responses sigma --tolerance 1e-3 --output chain.csv
        kubo rerun chain.csv

        The second command prints

          2 rows, 5 columns
          all numbers are the same to the bit
          reproduced

        On another machine numbers may differ within their error bounds, and the
        largest difference is named; beyond them the exit status is 1. With --quiet
        only the exit status tells.
      """)

  @Argument(help: "A table that kubo has written.")
  var file: String
  @Flag(help: "Take the model file as it is now.")
  var allowChangedModel = false
  @OptionGroup var work: WorkArguments

  func run() async throws {
    try await reporting(work.verbosity) { log in
      let run = try RecordedRun(path: file)
      var command = try command(of: run)
      command.arguments.work.threads = work.threads
      let model = try Installation.readModel(command.arguments.model)
      if !allowChangedModel { try run.check(model) }
      if run.program != "kubo \(Kubo.version)" {
        log.notice("note: \(file): written by \(run.program); this is kubo \(Kubo.version)")
      }
      let again: CSVFile
      do {
        again = try await command.table(log, like: run.table)
      } catch let error as ValidationError {
        throw run.refusal(found: "\(error)", expected: "a command that can be run")
      }
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
  }

  /// The stored words as this program's own parser reads them.
  private func command(of run: RecordedRun) throws -> any TableCommand {
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
