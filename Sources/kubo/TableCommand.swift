// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import KuboFiles
import Logging

/// A command whose result is a table, which `rerun` can compute again.
protocol TableCommand: AsyncParsableCommand {
  var arguments: ModelArguments { get set }

  /// Computes the table; writes no file and nothing to standard output. Values that could not be
  /// computed are empty cells.
  func table(_ log: Logger) async throws -> CSVFile

  /// The same for the one of several tables that has the columns of `stored`.
  func table(_ log: Logger, like stored: CSVFile) async throws -> CSVFile
}

extension TableCommand {
  func table(_ log: Logger, like stored: CSVFile) async throws -> CSVFile {
    try await table(log)
  }

  /// Writes the table that `attempt` computes, and reports why some of its cells are empty.
  func write(
    _ attempt: (Logger) async throws -> (table: CSVFile, failures: [String])
  ) async throws {
    try await reporting(arguments.work.verbosity, advice: toleranceAdvice) { log in
      try arguments.checkOutput()
      let (table, failures) = try await attempt(log)
      try arguments.write(table)
      try tellEmptyCells(failures, poles: [], log)
    }
  }
}

/// What makes a command that takes long take less.
let toleranceAdvice = "; a larger --tolerance takes less, --verbose tells more"

/// Tells why cells are empty. That a closed form has no value at its pole is known beforehand, and no failure.
func tellEmptyCells(_ failures: [String], poles: [String], _ log: Logger) throws {
  for pole in poles { log.notice("note: \(pole)") }
  for failure in failures { log.error("\(failure)") }
  if !failures.isEmpty { throw ExitStatus.notConverged }
}
