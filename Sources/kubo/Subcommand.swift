// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser

/// The words of a command line that name subcommands.
enum Subcommand {
  /// Refuses a word that stands where a subcommand must and is none, and says which one is meant if one is near: the parser
  /// itself calls it an unexpected argument, and shows the help of what is above it.
  static func check(_ words: [String]) throws {
    let isHelp = words.first == "help"
    var command: any ParsableCommand.Type = Kubo.self
    for word in words.dropFirst(isHelp ? 1 : 0) {
      let (known, fallback) = (
        command.configuration.subcommands, command.configuration.defaultSubcommand
      )
      if known.isEmpty || word.hasPrefix("-") || word == "help" { return }
      if let next = known.first(where: { $0.configuration.commandName == word }) {
        command = next
        continue
      }
      // Its argument then.
      if fallback != nil, !isHelp { return }
      let names = known.compactMap { $0.configuration.commandName }
      throw ValidationError(
        "subcommand: found '\(shown(word))'; "
          + (nearest(to: word, names).map { "did you mean '\($0)'?" }
            ?? "expected \(names.joined(separator: ", "))"))
    }
  }

  /// The name that begins so, or differs in a third of its letters at most.
  private static func nearest(to word: String, _ names: [String]) -> String? {
    if word.count > 1, let longer = names.first(where: { $0.hasPrefix(word) }) { return longer }
    let near = names.map { (name: $0, distance: distance(word, $0)) }
      .min { $0.distance < $1.distance }
    return near.flatMap { $0.distance <= max(1, $0.name.count / 3) ? $0.name : nil }
  }

  /// How many letters have to be put in, left out or replaced.
  private static func distance(_ a: String, _ b: String) -> Int {
    var row = Array(0...b.count)
    for (n, x) in a.enumerated() {
      var next = [n + 1]
      for (m, y) in b.enumerated() {
        next.append(min(row[m] + (x == y ? 0 : 1), row[m + 1] + 1, next[m] + 1))
      }
      row = next
    }
    return row.last!
  }
}
