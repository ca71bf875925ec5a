// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Testing
import kubo

/// Each command's help has an example that runs, and says what one sees.
@Suite struct HelpTests {
  /// A command of the program, as it tells of itself.
  struct Command: Sendable, CustomTestStringConvertible {
    let words: [String]
    let discussion: String
    var testDescription: String { words.joined(separator: " ") }

    /// The lines of the section EXAMPLE.
    var example: [String] {
      let lines = discussion.split(separator: "\n", omittingEmptySubsequences: false)
      guard let start = lines.firstIndex(of: "EXAMPLE") else { return [] }
      let section = lines[(start + 1)...].prefix { $0.isEmpty || $0.hasPrefix(" ") }
      // A backslash at the end of a line continues it.
      return section.joined(separator: "\n").replacing(/\s\\\n\s+/, with: " ")
        .split(separator: "\n").map(String.init)
    }
  }

  /// `kubo` and all subcommands, but for the parser's own `help`.
  static let commands: [Command] = {
    struct Info: Decodable {
      let commandName: String
      let superCommands: [String]?
      let discussion: String?
      let subcommands: [Info]?

      var all: [Command] {
        if commandName == "help" { return [] }
        let own = Command(
          words: (superCommands ?? []) + [commandName], discussion: discussion ?? "")
        return [own] + (subcommands ?? []).flatMap(\.all)
      }
    }
    struct Root: Decodable { let command: Info }
    do {
      let run = try ProgramTests.run(["--experimental-dump-help"])
      return try JSONDecoder().decode(Root.self, from: Data(run.output.utf8)).command.all
    } catch {
      fatalError("kubo --experimental-dump-help: \(error)")
    }
  }()

  @Test(arguments: HelpTests.commands) func example(_ command: Command) throws {
    let lines = command.example
    #expect(
      calls(lines).contains { $0.0.words.starts(with: command.words) },
      "no example of \(command.words)")
    #expect(
      lines.contains { $0.contains(/^ {1,2}\S/) && !$0.hasPrefix("  kubo ") },
      "the example does not say what one sees")
    let folder = try ExampleFolder()
    for (example, shown) in calls(lines) {
      let message = refusal(of: Array(example.words.dropFirst()))
      #expect(message == nil, "\(example): \(message ?? "")")
      if example.isLong, !areTestsLong { continue }
      let run = try folder.run(example)
      #expect(run.status == 0, "\(example): \(run.errors)")
      #expect(shown.missing(in: run.output) == nil, "\(example): \(run.output)")
    }
  }

  /// The commands, indented by two, with what is shown of their output, indented by four or more.
  private func calls(_ lines: [String]) -> [(ShellCommand, ShownOutput)] {
    var result: [(command: ShellCommand, shown: [String])] = []
    for line in lines {
      if line.hasPrefix("  kubo ") {
        result.append((ShellCommand(text: String(line.dropFirst(2))), []))
      } else if line.hasPrefix("    "), !result.isEmpty {
        result[result.count - 1].shown.append(line)
      }
    }
    return result.map { ($0.command, ShownOutput($0.shown.joined(separator: "\n"))) }
  }

  /// There is a manual page of each command, with a line for apropos and its example, and none makes a formatter complain.
  @Test func manualPages() throws {
    let scratch = try ScratchDirectory()
    let made = try ProgramTests.run(
      URL(filePath: "\(repository)/scripts/manual"), [ProgramTests.program.path, scratch.path])
    #expect(made.status == 0 && made.errors.isEmpty, "\(made.errors)")
    #expect(
      try scratch.names()
        == HelpTests.commands.map { $0.words.joined(separator: "-") + ".1" }.sorted())
    for command in HelpTests.commands {
      let name = command.words.joined(separator: "-")
      let file = "\(scratch.path)/\(name).1"
      let text = try String(contentsOfFile: file, encoding: .utf8)
      #expect(text.contains(".SH NAME\n\(name.replacing("-", with: "\\-")) \\- "), "\(text)")
      #expect(text.contains(".SH EXAMPLE\n") && text.contains(".SH OPTIONS\n"))
      for line in command.example where line.hasPrefix("  kubo ") {
        #expect(text.replacing("\\-", with: "-").contains(line.prefix(50)), "\(line)")
      }
      for check in HelpTests.formatters {
        let run = try ProgramTests.run(URL(filePath: "/usr/bin/env"), check + [file])
        #expect(
          run.status == 0 && run.errors.isEmpty, "\(check): \(run.errors)\(run.output.suffix(500))")
      }
    }
  }

  /// The formatters that are there, told to warn of everything.
  private static let formatters: [[String]] = [
    ["groff", "-ww", "-man", "-Tutf8"], ["mandoc", "-T", "lint", "-W", "warning"],
  ].filter { check in
    ["/usr/bin", "/usr/local/bin"].contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/\(check[0])")
    }
  }
}
