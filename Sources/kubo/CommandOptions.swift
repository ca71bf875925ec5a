// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboSweeps

/// The options of a subcommand, as the parser itself knows them, and command lines by keys and values.
struct CommandOptions {
  struct Option: Decodable {
    struct Name: Decodable { let name: String }
    let kind: String
    let names: [Name]?
    let isRepeating: Bool
  }

  private let all: [Option]

  /// What does not belong to what is computed.
  static let ofWork: Set<String> = [
    "output", "force", "threads", "quiet", "verbose", "estimate", "shard", "write-run", "version",
    "help", "h", "picture", "style", "width", "title", "xrange", "yrange", "log",
  ]

  init(_ command: any ParsableCommand.Type) throws {
    struct Tool: Decodable {
      struct Command: Decodable { let arguments: [Option] }
      let command: Command
    }
    all = try JSONDecoder().decode(Tool.self, from: Data(command._dumpHelp().utf8)).command
      .arguments
  }

  subscript(name: String) -> Option? {
    all.first { $0.names?.contains { $0.name == name } == true }
  }

  /// Those that a run file may hold, with whether each may be given several times.
  var repeats: [String: Bool] {
    let pairs = all.flatMap { option in (option.names ?? []).map { ($0.name, option.isRepeating) } }
    return Dictionary(uniqueKeysWithValues: pairs.filter { !CommandOptions.ofWork.contains($0.0) })
  }

  /// What a command line asks for: `model`, then options by their names, flags with an empty value.
  func settings(_ words: [String]) -> [SweepRun.Setting] {
    var settings: [SweepRun.Setting] = []
    var n = 1
    while n < words.count {
      let sides = words[n].dropFirst(2).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(sides.first ?? "")
      n += 1
      guard words[n - 1].hasPrefix("--"), let option = self[name] else {
        if words[n - 1] != "--" { settings.append(.init("model", words[n - 1])) }
        continue
      }
      var value = sides.count == 2 ? String(sides[1]) : ""
      if option.kind == "option", sides.count == 1, n < words.count {
        value = words[n]
        n += 1
      }
      if !CommandOptions.ofWork.contains(name) { settings.append(.init(name, value)) }
    }
    return settings
  }
}
