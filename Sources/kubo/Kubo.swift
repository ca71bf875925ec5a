// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import KuboTextures
import Logging
import Quadrature

/// The command `kubo`.
@main
struct Kubo: AsyncParsableCommand {
  /// Goes into the header of every output.
  static let version = "0.2.0"

  static let configuration = CommandConfiguration(
    commandName: "kubo",
    abstract:
      "Kubo-formula diagrams for antiferromagnets of two sublattices and other collinear magnets.",
    discussion: """
      Computes the conductivity, the spins and the torques that an electric field of frequency omega causes where the \
      magnetic order varies slowly in space. Each number has an error bound.

      EXAMPLE
        kubo spectrum square --omega 0:3:31 --responses sigma,Y --output square.csv

        The rows are in square.csv; the command prints

          column                static        largest |value| at omega  error bound
          sigma.bare            -0.8182       7.9069          0.0       ...
          Y.bare                -0.059182     0.065292        1.8       ...
          ...
          written: square.csv

        The conductivity is largest at omega = 0, where it is 7.9 e^2/hbar. 'kubo
        help SUBCOMMAND' has an example for each of the subcommands.

      ENVIRONMENT
        KUBO_HOME: the folder that holds data/models and diagrams. By default kubo looks for them in the folders above \
      the program, and in share/kubo there, then in the current folder. SOURCE_DATE_EPOCH: seconds since 1970 to use as the \
      present time, so that the same run writes the same bytes.

      EXIT STATUS
        0 done; 1 a statement of 'kubo verify' or 'kubo audit' does not hold, or 'kubo rerun' finds other numbers; 64 wrong usage; \
      65 wrong data in a file; 66 a file cannot be read; 69 gnuplot is missing or fails; \
      70 an internal fault; 73 an output cannot be created; 74 an output cannot be written; \
      77 permission denied; 80 some values did not converge (the rest is written); \
      129, 130, 143 ended by SIGHUP, Ctrl-C, SIGTERM (the output is the old file or the new one, whole); \
      141 nobody reads standard output any more, for example after "| head".
      """,
    version: "kubo \(version)",
    subcommands: [
      SpectrumCommand.self, CompareCommand.self, CoefficientsCommand.self, SelfEnergyCommand.self,
      MatsubaraCommand.self, RerunCommand.self, VerifyCommand.self, TorqueCommand.self,
      AuditCommand.self, PlotCommand.self, BandsCommand.self, ReportCommand.self,
      ModelsCommand.self, ImportCommand.self,
      DiagramsCommand.self, SweepCommand.self, TextureCommand.self,
    ])

  /// The command that these words call for.
  static func parsed(_ words: [String]) throws -> any ParsableCommand {
    try Subcommand.check(words)
    let swept = try SweptWords(words)
    let parsed = try parseAsRoot(swept?.first ?? words)
    // A request for help is none.
    guard var command = parsed as? any SweepableCommand else { return parsed }
    command.sweep.swept = swept
    return command
  }

  private static func run(_ arguments: [String]) async throws {
    var command = try parsed(arguments)
    if var command = command as? any AsyncParsableCommand {
      try await command.run()
    } else {
      try command.run()
    }
  }

  /// Parses the arguments and runs the command.
  ///
  /// Instead of the parser's own `main`, which takes a failed write of a help text for success.
  static func main() async {
    prepareProcess()
    let arguments = Array(CommandLine.arguments.dropFirst())
    let ranks = Launch.ranks(arguments)
    if let ranks, ranks.rank > 0 {
      // The first rank speaks for all.
      Console.shared.silence()
      return await Launch.work(ranks)
    }
    do {
      defer { if let ranks { Launch.end(ranks) } }
      try await Launch.$ranks.withValue(ranks) { try await run(arguments) }
    } catch {
      let status = exitCode(for: error)
      // The parser repeats arguments as they are; one with line breaks is one line.
      let text = arguments.filter { shown($0) != $0 }.reduce(fullMessage(for: error)) {
        $0.replacing($1, with: shown($1))
      }
      if status != .success {
        // As the program's own messages begin.
        let said = text.hasPrefix("Error: ") ? "kubo: " + text.dropFirst(7) : text
        if !said.isEmpty { Console.shared.write(said + "\n") }
        Foundation.exit(status.rawValue)
      }
      do {
        try standardOutput(text + "\n")
      } catch {
        Console.shared.say("\(error)")
        Foundation.exit(ExitStatus.of(error).rawValue)
      }
    }
  }
}

/// What the parser says of arguments that it refuses, nil if a command would run: for examples that
/// take too long to be run.
package func refusal(of arguments: [String]) -> String? {
  do {
    _ = try Kubo.parsed(arguments)
    return nil
  } catch {
    return Kubo.fullMessage(for: error)
  }
}

/// The exit statuses beside 0; the first ones are those of sysexits.h.
package enum ExitStatus {
  static let refuted = ExitCode(1)
  static let usage = ExitCode(64)
  static let data = ExitCode(65)
  static let noInput = ExitCode(66)
  static let unavailable = ExitCode(69)
  static let internalFault = ExitCode(70)
  static let cannotCreate = ExitCode(73)
  static let writeError = ExitCode(74)
  static let permission = ExitCode(77)
  static let notConverged = ExitCode(80)

  /// The status for an error that ended the program.
  package static func of(_ error: any Error) -> ExitCode {
    switch error {
    case let error as FileError:
      switch error.kind {
      case .noInput: noInput
      case .permission: permission
      case .malformed: data
      case .setting: usage
      }
    case let error as OutputError:
      switch error {
      case .exists, .cannotCreate, .inUse: cannotCreate
      case .permission: permission
      case .writeFailed: writeError
      case .tool: unavailable
      }
    case is RequestError: usage
    case let error as TextureError: error.isOfTheCurrent ? data : notConverged
    case is NonConvergence, is EmptyCell, is VanHove, is QuadratureError,
      is SelfEnergyFailure:
      notConverged
    default: internalFault
    }
  }
}

/// Runs a command's work; an error becomes one line on standard error and its exit status. Where it takes long, `advice` says
/// what would help.
func reporting(
  _ verbosity: Verbosity = .normal, advice: String = "",
  _ work: (_ log: Logger) async throws -> Void
) async throws {
  let log = verbosity.log
  do {
    try await verbosity.watching(log, advice: advice) { try await work(log) }
  } catch let error as ExitCode {
    throw error
  } catch let error as ValidationError {
    throw error
  } catch let error as SweepFault {
    log.error("\(error.text)")
    throw error.status
  } catch {
    log.error("\(error)")
    throw ExitStatus.of(error)
  }
}
