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
}
