// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import KuboDiagrams
import KuboFiles
import KuboNetCDF
import Logging

/// A command whose result is a table, which `rerun` can compute again.
protocol TableCommand: AsyncParsableCommand {
  var arguments: ModelArguments { get set }

  /// Computes all there is to write and say; writes no file and nothing to standard output. Values that could not be
  /// computed are empty cells.
  func result(_ log: Logger) async throws -> TableResult

  /// The table alone; of several the one that has the columns of `stored`.
  func table(_ log: Logger, like stored: CSVFile) async throws -> CSVFile

  /// What `--estimate` tells in place of computing; nil without it.
  func cost(_ log: Logger) async throws -> CostEstimate?

  /// Files to write besides the one of `--output`: tables with their options, and a picture.
  var files: (tables: [(option: String, path: String?)], picture: String?) { get }
  /// What would help where the work takes long.
  var advice: String { get }
}

/// What a command has computed.
struct TableResult {
  let table: CSVFile
  /// What is told where the table goes to a file, nil for nothing; and where it goes nowhere, if that `isSummaryEnough`.
  var summary: String?
  var isSummaryEnough = false
  var others: [(path: String, table: CSVFile)] = []
  var picture: (path: String, drawing: Picture)?
  var notes: [String] = []
  /// Why cells are empty; at poles of closed forms that is known beforehand.
  var failures: [String] = []
  var poles: [String] = []
}

extension TableCommand {
  var files: (tables: [(option: String, path: String?)], picture: String?) { ([], nil) }
  var advice: String { toleranceAdvice }

  func cost(_ log: Logger) async throws -> CostEstimate? { nil }

  func table(_ log: Logger, like stored: CSVFile) async throws -> CSVFile {
    try await result(log).table
  }

  func run() async throws { try await runOnce() }

  /// Computes, writes and tells.
  func runOnce() async throws {
    try await reporting(arguments.work.verbosity, advice: advice) { log in
      let files = files
      try arguments.checkOutput(files.tables, picture: files.picture)
      if let cost = try await cost(log) {
        return try standardOutput(cost.summary(threads: arguments.work.threadCount))
      }
      let result = try await result(log)
      for (path, table) in result.others {
        try TableFile(path: path, overwrite: arguments.force).write(table)
      }
      let isPrinted =
        arguments.output == "-" || arguments.output == nil && !result.isSummaryEnough
      if arguments.output != nil || isPrinted { try arguments.write(result.table) }
      if arguments.output == nil, !isPrinted { try standardOutput(result.summary ?? "") }
      // Last: whoever interrupts it, or has no gnuplot, keeps the numbers.
      if let (path, drawing) = result.picture {
        try await drawing.write(to: path, overwrite: arguments.force)
      }
      if let summary = result.summary { try arguments.tell(summary) }
      if !isPrinted, !arguments.work.quiet {
        for (path, _) in result.others { try standardOutput("written: \(path)\n") }
        if let (path, _) = result.picture { try standardOutput("drawn: \(path)\n") }
      }
      for note in result.notes + (result.picture?.drawing.notes ?? []) {
        log.notice("note: \(note)")
      }
      try tellEmptyCells(result.failures, poles: result.poles, log)
    }
  }
}

/// What makes a command that takes long take less.
let toleranceAdvice = "; a larger --tolerance is faster, --verbose shows details"
/// The same of a command that has `--estimate`.
let estimateAdvice = toleranceAdvice + "; --estimate predicts the time"

/// Tells why cells are empty. That a closed form has no value at its pole is known beforehand, and no failure.
func tellEmptyCells(_ failures: [String], poles: [String], _ log: Logger) throws {
  for pole in poles { log.notice("note: \(pole)") }
  for failure in failures { log.error("\(failure)") }
  if !failures.isEmpty { throw ExitStatus.notConverged }
}
