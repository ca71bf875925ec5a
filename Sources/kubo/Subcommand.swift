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
          + (suggestion(for: word, among: names) ?? "expected \(names.joined(separator: ", "))"))
    }
  }
}

/// "did you mean 'name'?", of the name that begins with the word, or differs in a third of its letters at most.
func suggestion(for word: String, among names: [String]) -> String? {
  guard word.count > 1 else { return nil }
  let near = names.map { (name: $0, distance: distance(word, $0)) }
    .min { $0.distance < $1.distance }
  let name =
    names.first { $0.hasPrefix(word) }
    ?? near.flatMap { $0.distance <= max(1, $0.name.count / 3) ? $0.name : nil }
  return name.map { "did you mean '\($0)'?" }
}

/// How many letters have to be put in, left out or replaced, or neighbours exchanged.
private func distance(_ first: String, _ second: String) -> Int {
  let (a, b) = (Array(first), Array(second))
  var (before, row) = ([Int](), Array(0...b.count))
  for n in a.indices {
    var next = [n + 1]
    for m in b.indices {
      next.append(min(row[m] + (a[n] == b[m] ? 0 : 1), row[m + 1] + 1, next[m] + 1))
      if n > 0, m > 0, a[n] == b[m - 1], a[n - 1] == b[m] {
        next[m + 1] = min(next[m + 1], before[m - 1] + 1)
      }
    }
    (before, row) = (row, next)
  }
  return row.last!
}
