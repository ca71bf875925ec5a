// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation

/// `kubo manual`.
struct ManualCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual", abstract: "Print a manual page, for the program man.",
    discussion: """
      The text is that of 'kubo help', as mdoc. './install' puts all pages where man finds them. Its \
      date is that of SOURCE_DATE_EPOCH, or today's.

      EXAMPLE
        kubo manual spectrum > kubo-spectrum.1

        man ./kubo-spectrum.1 then shows what 'kubo help spectrum' says.
      """)

  @Argument(help: ArgumentHelp("The subcommand; none is kubo itself.", valueName: "subcommand"))
  var command: [String] = []
  @Flag(help: "List the commands that have a page.")
  var list = false

  func validate() throws {
    if list, let word = command.first {
      throw ValidationError("--list: found with '\(shown(word))'; expected one of them")
    }
  }

  func run() async throws {
    try await reporting { _ in
      let root = try CommandHelp.decode(Kubo._dumpHelp())
      if list {
        try standardOutput(root.all.map { $0.words.joined(separator: " ") + "\n" }.joined())
        return
      }
      try Subcommand.check(["help"] + command)
      guard let found = root.all.first(where: { $0.words == ["kubo"] + command }) else {
        throw ValidationError(
          "subcommand: found '\(shown(command.joined(separator: " ")))'; expected a line of 'kubo manual --list' without kubo"
        )
      }
      let above = found.superCommands.map { $0.isEmpty ? [] : [$0.joined(separator: "-")] } ?? []
      let below = found.all.filter { $0.words.count == found.words.count + 1 }.map(\.page)
      let page = ManualPage(
        command: found, related: above + below.sorted(), version: Kubo.version, date: try date())
      try standardOutput(page.text)
    }
  }

  private func date() throws -> Date {
    guard let text = ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"] else { return Date() }
    // Up to the end of the year 9999.
    let seconds = try integer(text, "SOURCE_DATE_EPOCH", 0...253_402_300_799)
    return Date(timeIntervalSince1970: Double(seconds))
  }
}
