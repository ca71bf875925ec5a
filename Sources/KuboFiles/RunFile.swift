// SPDX-License-Identifier: GPL-3.0-or-later

/// A run as a file declares it: a subcommand and its options, by their names on the command line.
///
///     command: spectrum
///     model: square
///     mu: -1:0:11
///     set: {J: 0.5:1:3}
///     omega: [0, 0.5, 1]
///     zip: true
public struct RunFile: Sendable {
  /// An option with its value as the command line has it; empty for a flag.
  public struct Entry: Sendable {
    /// The name of the option, or `model`.
    public let key: String
    /// Its value; empty for a flag.
    public let value: String
    fileprivate let line: Int
  }

  private let path: String
  /// The subcommand.
  public let command: String
  /// The options, in the order of the file.
  public let entries: [Entry]

  /// Reads a run file.
  /// - Parameters:
  ///   - commands: the subcommands that there may be.
  ///   - isRepeated: for each option of a subcommand whether it may be given several times.
  /// - Throws: ``FileError``, with line and key.
  public init(
    path: String, commands: [String], options isRepeated: (_ command: String) -> [String: Bool]
  ) throws(FileError) {
    let root = try YAMLValue(InputFile(path: path))
    let all = try root.entries(expected: "a mapping with the keys command, model and options")
    guard let first = all.first(where: { $0.key == "command" }) else {
      throw root.refusal("the key command", found: "none")
    }
    command = try first.value.choice(of: commands.map { ($0, $0) })
    guard all.contains(where: { $0.key == "model" }) else {
      throw root.refusal("the key model", found: "none")
    }
    let known = isRepeated(command)
    var entries: [Entry] = []
    for (key, line, value) in all where key != "command" {
      guard key == "model" || known[key] != nil else {
        throw FileError(
          .malformed, file: path, line: line, key: value.key, found: "an unknown key",
          expected: "command, model, \(known.keys.sorted().joined(separator: ", "))")
      }
      let texts = try RunFile.texts(value)
      let isFlag = value.isTrue
      let words = isFlag ? [""] : known[key] == true ? texts : [texts.joined(separator: ",")]
      if value.isFalse { continue }
      entries += words.map { Entry(key: key, value: $0, line: value.line) }
    }
    (self.path, self.entries) = (path, entries)
  }

  /// The texts of a value: itself, the items of a list, or `NAME=VALUE` of a mapping.
  private static func texts(_ value: YAMLValue) throws(FileError) -> [String] {
    var texts: [String] = []
    switch value.content {
    case .scalar: texts = [try value.plainText()]
    case .list(let items): for item in items { texts.append(try item.plainText()) }
    case .mapping(let entries):
      for (key, _, value) in entries {
        var parts: [String] = []
        if case .list(let items) = value.content {
          for item in items { parts.append(try item.plainText()) }
        } else {
          parts = [try value.plainText()]
        }
        texts.append("\(key)=\(parts.joined(separator: ","))")
      }
    }
    guard !texts.isEmpty else { throw value.refusal("a value") }
    return texts
  }

  /// What the parser of the command line says of the file, at the key that it means: the one without which it says something
  /// else.
  /// - Parameter message: what it says of these entries, nil if nothing.
  public func fault(_ message: ([Entry]) -> String?) -> FileError? {
    guard let text = message(entries) else { return nil }
    let guilty = entries.indices.first { n in
      entries[n].key != "model"
        && message(entries.enumerated().filter { $0.offset != n }.map(\.element)) != text
    }
    return FileError(
      .malformed, file: path, line: guilty.map { entries[$0].line },
      key: guilty.map { entries[$0].key },
      found: guilty.map { quoted(entries[$0].value) } ?? command,
      expected: "what the command line takes: \(text)")
  }

  /// The text of the file for a command line.
  public static func text(_ command: String, _ entries: [(key: String, value: String)]) -> String {
    func scalar(_ text: String) -> String {
      let isPlain =
        text.unicodeScalars.allSatisfy {
          $0.isASCII
            && ($0.properties.isAlphabetic || "0123456789_./:=+-^".unicodeScalars.contains($0))
        } && CoreSchema.kind(of: text) != .boolean && !text.hasSuffix(":") && text != "-"
      return isPlain && !text.isEmpty ? text : "'\(text.replacing("'", with: "''"))'"
    }
    var lines = ["command: \(command)"]
    var seen: Set<String> = []
    for (key, value) in entries where seen.insert(key).inserted {
      let values = entries.filter { $0.key == key }.map(\.value)
      if values.count > 1 {
        lines += ["\(key):"] + values.map { "  - \(scalar($0))" }
      } else {
        lines.append("\(key): \(value.isEmpty ? "true" : scalar(value))")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension YAMLValue {
  fileprivate var isTrue: Bool { isBoolean("true") }
  fileprivate var isFalse: Bool { isBoolean("false") }

  private func isBoolean(_ text: String) -> Bool {
    if case .scalar(let own, quoted: false) = content { return own == text }
    return false
  }

  /// A string or a number as it is written.
  fileprivate func plainText() throws(FileError) -> String {
    guard case .scalar(let text, let quoted) = content,
      quoted || ![.null, .otherBase, .notFinite].contains(CoreSchema.kind(of: text)), !text.isEmpty
    else { throw refusal("a number or a string") }
    return text
  }
}
