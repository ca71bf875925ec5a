// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboFiles

/// What the argument parser tells of a command; the keys are those of its JSON.
struct CommandHelp: Decodable {
  struct Argument: Decodable {
    struct Name: Decodable {
      let kind, name: String

      /// As an argument of the mdoc macro `Fl`, which writes the first hyphen.
      var flag: String { kind == "long" ? "-\(name)" : name }
    }
    let kind: String
    let shouldDisplay, isOptional, isRepeating: Bool
    let names: [Name]?
    let preferredName: Name?
    let valueName, abstract, discussion, defaultValue: String?
  }

  let commandName: String
  let superCommands: [String]?
  let abstract, discussion: String?
  let subcommands: [CommandHelp]?
  let arguments: [Argument]?

  /// Decodes what `--experimental-dump-help` prints.
  static func decode(_ json: String) throws -> CommandHelp {
    struct Root: Decodable { let command: CommandHelp }
    return try JSONDecoder().decode(Root.self, from: Data(json.utf8)).command
  }

  /// The words that call it, as in `kubo diagrams draw`.
  var words: [String] { (superCommands ?? []) + [commandName] }
  /// The name of its manual page, as in `kubo-diagrams-draw`.
  var page: String { words.joined(separator: "-") }
  /// Itself and all below it, but for the parser's own `help`.
  var all: [CommandHelp] {
    commandName == "help" ? [] : [self] + (subcommands ?? []).flatMap(\.all)
  }
}

/// A manual page in the language mdoc, from the help of a command.
struct ManualPage {
  let command: CommandHelp
  /// The pages of the commands above and next below.
  let related: [String]
  let version: String
  let date: Date

  /// The text.
  var text: String {
    var lines = [
      ".Dd \(day)", ".Dt \(command.page.uppercased()) 1", ".Os kubo \(version)", ".Sh NAME",
      ".Nm \(argument(command.page))",
      ".Nd \(filled(command.abstract ?? "").joined(separator: " ").trimming("."))", ".Sh SYNOPSIS",
      ".Nm \(argument(command.words.joined(separator: " ")))",
    ]
    let arguments = (command.arguments ?? []).filter(\.shouldDisplay)
    lines += arguments.map { $0.isOptional ? ".Op \(form($0))" : ".\(form($0))" }
    if command.subcommands?.isEmpty == false { lines += [".Ar subcommand", ".Op Ar ..."] }
    var sections = sections(command.discussion ?? "")
    lines += [".Sh DESCRIPTION"] + filled(command.abstract ?? "")
    if let first = sections.first, first.title.isEmpty {
      lines += [".Pp"] + first.lines
      sections.removeFirst()
    }
    let below = (command.subcommands ?? []).filter { $0.commandName != "help" }
    if !below.isEmpty {
      let items = below.map { (title: "Cm \(argument($0.commandName))", text: $0.abstract ?? "") }
      lines += [".Sh SUBCOMMANDS"] + list(items)
    }
    if !arguments.isEmpty {
      lines += [".Sh OPTIONS"] + list(arguments.map { (form($0, all: true), explanation($0)) })
    }
    // The conventional order of sections; those with titles of their own come before.
    let last = ["ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES"]
    if command.superCommands?.isEmpty == false, !sections.contains(where: { $0.title == last[2] }) {
      sections.append((last[2], ["See", ".Xr kubo 1 ."]))
    }
    lines +=
      (sections.filter { !last.contains($0.title) }
      + last.flatMap { title in sections.filter { $0.title == title } })
      .flatMap { [".Sh \($0.title)"] + $0.lines }
    if !related.isEmpty {
      lines +=
        [".Sh SEE ALSO"]
        + related.enumerated().map { ".Xr \($1) 1\($0 + 1 < related.count ? " ," : "")" }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var day: String {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let parts = calendar.dateComponents([.year, .month, .day], from: date)
    let months = [
      "January", "February", "March", "April", "May", "June", "July", "August", "September",
      "October", "November", "December",
    ]
    return "\(months[parts.month! - 1]) \(parts.day!), \(parts.year!)"
  }

  /// As in `Fl -omega Ar axis`.
  private func form(_ a: CommandHelp.Argument, all: Bool = false) -> String {
    let value = "Ar \(argument(a.valueName ?? "value"))"
    if a.kind == "positional" { return value + (a.isRepeating ? " ..." : "") }
    let names = all ? a.names ?? [] : a.preferredName.map { [$0] } ?? []
    let flags = names.map { "Fl \(argument($0.flag))" }.joined(separator: " , ")
    return a.kind == "flag" ? flags : "\(flags) \(value)"
  }

  private func explanation(_ a: CommandHelp.Argument) -> String {
    let usual = a.defaultValue.map { " Default: \($0)." } ?? ""
    return [a.abstract, a.discussion].compactMap { $0 }.joined(separator: " ") + usual
  }

  private func list(_ items: [(title: String, text: String)]) -> [String] {
    [".Bl -tag -width Ds"] + items.flatMap { [".It \($0.title)"] + filled($0.text) } + [".El"]
  }

  /// The parts of a discussion: a line in capital letters begins one with that title.
  private func sections(_ discussion: String) -> [(title: String, lines: [String])] {
    var result: [(title: String, paragraphs: [[Substring]])] = [("", [[]])]
    for line in discussion.split(separator: "\n", omittingEmptySubsequences: false) {
      let n = result.count - 1
      if line.first?.isUppercase == true, line.allSatisfy({ $0.isUppercase || $0 == " " }) {
        // The conventional title.
        result.append((line == "EXAMPLE" ? "EXAMPLES" : String(line), [[]]))
      } else if line.isEmpty {
        result[n].paragraphs.append([])
      } else {
        result[n].paragraphs[result[n].paragraphs.count - 1].append(line)
      }
    }
    return result.compactMap { title, paragraphs in
      let texts = paragraphs.filter { !$0.isEmpty }.map(display)
      // A display begins a paragraph by itself.
      let lines = texts.enumerated().flatMap {
        $0 == 0 || $1[0] == ".Bd -literal" ? $1 : [".Pp"] + $1
      }
      return texts.isEmpty ? nil : (title, lines)
    }
  }

  /// Commands, tables and outputs, which are indented, are shown as they are; the rest is filled, also
  /// where it is one line that is indented.
  private func display(_ paragraph: [Substring]) -> [String] {
    let isShown =
      paragraph.allSatisfy { $0.hasPrefix("  ") }
      && (paragraph.count > 1 || paragraph[0].hasPrefix("  kubo ")
        || paragraph[0].hasPrefix("    "))
    guard isShown else { return filled(paragraph.joined(separator: " ")) }
    return [".Bd -literal"] + paragraph.map { escaped($0.dropFirst(2)) } + [".Ed"]
  }

  /// Running text, each sentence on a line of its own, as the language wants.
  private func filled(_ text: String) -> [String] {
    text.replacing(/\s+/, with: " ").replacing(/\.\s(?=[A-Z])/, with: ".\n")
      .split(separator: "\n").map { escaped($0.drop { $0 == " " }) }
  }

  /// An argument of a macro: never itself a macro, and one word.
  private func argument(_ text: String) -> String { "\"\\&\(escaped(text[...]))\"" }

  private func escaped(_ text: Substring) -> String {
    // A point at the start of a line would be a macro.
    (text.hasPrefix(".") ? "\\&" : "")
      + text.replacingScalars {
        switch $0 {
        case "\\": "\\e"
        case "\"": "\\(dq"
        // What typesetting would replace; commands are to be copied.
        case "-": "\\-"
        case "^": "\\(ha"
        case "~": "\\(ti"
        case "`": "\\(ga"
        case "'": "\\(aq"
        default: $0.isASCII ? nil : "\\[u" + String(format: "%04X", $0.value) + "]"
        }
      }
  }
}

extension String {
  /// Without one `suffix`.
  fileprivate func trimming(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
