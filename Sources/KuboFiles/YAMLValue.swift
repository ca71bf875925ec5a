// SPDX-License-Identifier: GPL-3.0-or-later
import Yams

/// A value of a YAML file that knows its file, line and key, and refuses to be read as what it is
/// not.
///
/// Plain scalars are resolved by the core schema of YAML 1.2: `0.5` and `1e-3` are numbers, `true`
/// is a boolean, `~` is empty, the rest are strings; in quotes everything is a string.
struct YAMLValue: Sendable {
  enum Content: Sendable {
    case mapping([(key: String, keyLine: Int, value: YAMLValue)])
    case list([YAMLValue])
    case scalar(String, quoted: Bool)
  }

  let file: String
  let line: Int
  let content: Content
  private let place: Place

  /// The dotted path of the value, list items counted from 0.
  var key: String { place.description }

  /// Where a value stands. Each place refers to the one around it: a path of its own for each of
  /// many values would take as much memory as the file squared.
  private indirect enum Place: Sendable, CustomStringConvertible {
    case root
    case key(String, in: Place)
    case item(Int, in: Place)

    var description: String {
      switch self {
      case .root: ""
      case .key(let name, .root): shortened(name)
      case .key(let name, let outer): "\(outer).\(shortened(name))"
      case .item(let n, let outer): "\(outer)[\(n)]"
      }
    }
  }

  /// Parses a file that holds one YAML document.
  init(_ input: InputFile) throws(FileError) {
    let text = try input.text()
    try YAMLSyntax.check(text, file: input.path)
    let root: YAMLValue?
    do {
      let parser = try Yams.Parser(yaml: text, encoding: .utf8)
      // A node holds its anchor weakly and the parser strongly.
      root = try withExtendedLifetime(parser) {
        try parser.singleRoot().map { try YAMLValue($0, file: input.path, place: .root) }
      }
    } catch {
      throw YAMLValue.error(error, file: input.path)
    }
    guard let root else {
      throw FileError(
        .malformed, file: input.path, found: "an empty file", expected: "a YAML mapping")
    }
    self = root
  }

  private init(_ node: Node, file: String, place: Place) throws(FileError) {
    self.file = file
    self.place = place
    self.line = node.mark?.line ?? 1
    func refusal(_ found: String, _ expected: String) -> FileError {
      FileError(
        .malformed, file: file, line: node.mark?.line, key: place.description, found: found,
        expected: expected)
    }
    // YAMLSyntax has refused anchors and tags; this does not rely on it.
    guard node.anchor == nil else { throw refusal("an anchor (&)", "values written out") }
    switch node {
    case .alias: throw refusal("an alias (*)", "values written out")
    case .scalar(let scalar):
      content = .scalar(scalar.string, quoted: scalar.style != .plain && scalar.style != .any)
    case .sequence(let items):
      var list: [YAMLValue] = []
      for (n, item) in items.enumerated() {
        list.append(try YAMLValue(item, file: file, place: .item(n, in: place)))
      }
      content = .list(list)
    case .mapping(let pairs):
      var entries: [(key: String, keyLine: Int, value: YAMLValue)] = []
      var seen: Set<String> = []
      for (keyNode, valueNode) in pairs {
        let name = try YAMLValue(keyNode, file: file, place: place).string(expected: "a key")
        let path = Place.key(name, in: place)
        let keyLine = keyNode.mark?.line ?? line
        guard seen.insert(name).inserted else {
          throw FileError(
            .malformed, file: file, line: keyLine, key: path.description,
            found: "the key a second time",
            expected: "each key once")
        }
        let value = try YAMLValue(valueNode, file: file, place: path)
        entries.append((name, keyLine, value))
      }
      content = .mapping(entries)
    }
  }

  /// The parser's error with its line.
  private static func error(_ error: any Error, file: String) -> FileError {
    func syntax(_ line: Int?, _ problem: String, key: String? = nil) -> FileError {
      FileError(
        .malformed, file: file, line: line, key: key, found: problem, expected: "valid YAML")
    }
    switch error {
    case let error as FileError: return error
    case YamlError.scanner(_, let problem, let mark, _),
      YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _):
      return syntax(mark.line, "a syntax error (\(problem))")
    case YamlError.reader(let problem, _, _, _):
      return syntax(nil, "a syntax error (\(problem))")
    case YamlError.duplicatedKeysInMapping(let keys, let context):
      return FileError(
        .malformed, file: file, line: context.mark.line, key: keys.first,
        found: "the key more than once in one mapping", expected: "each key once")
    default: return syntax(nil, "a syntax error (\(error))")
    }
  }

  /// The error that this value is not what was expected.
  func refusal(_ expected: String, found: String? = nil) -> FileError {
    FileError(
      .malformed, file: file, line: line, key: key, found: found ?? self.found, expected: expected)
  }
}

// MARK: Reading

extension YAMLValue {
  /// The value in words, for messages.
  var found: String {
    switch content {
    case .mapping: "a mapping"
    case .list: "a list"
    case .scalar(let text, true): "the string \(quoted(text))"
    case .scalar(let text, false):
      switch CoreSchema.kind(of: text) {
      case .null: "an empty value"
      case .boolean: "the boolean \(text)"
      case .number: "the number \(shortened(text))"
      case .notFinite: "\(text)"
      case .otherBase: "the number \(shortened(text)), which is not decimal"
      case .string: "the string \(quoted(text))"
      }
    }
  }

  /// The values of a mapping with exactly these keys.
  func fields(_ known: String...) throws(FileError) -> [String: YAMLValue] {
    try fields(known, optional: [])
  }

  /// The values of a mapping with the keys `required`, perhaps those in `optional`, and no others.
  func fields(_ required: [String], optional: [String]) throws(FileError) -> [String: YAMLValue] {
    let known = required + optional
    let keys = known.joined(separator: ", ")
    let plural = known.count == 1 ? "the key" : "the keys"
    var fields: [String: YAMLValue] = [:]
    for (key, keyLine, value) in try entries(expected: "a mapping with \(plural) \(keys)") {
      guard known.contains(key) else {
        throw FileError(
          .malformed, file: file, line: keyLine, key: value.key, found: "an unknown key",
          expected: "\(plural) \(keys)")
      }
      fields[key] = value
    }
    let missing = required.filter { fields[$0] == nil }
    guard missing.isEmpty else {
      throw FileError(
        .malformed, file: file, line: line,
        key: missing.map { self.key.isEmpty ? $0 : "\(self.key).\($0)" }.joined(separator: ", "),
        found: missing.count == 1 ? "no such key" : "no such keys", expected: "\(plural) \(keys)")
    }
    return fields
  }

  /// The keys and values of a mapping in the order of the file.
  func entries(
    expected: String
  ) throws(FileError) -> [(key: String, keyLine: Int, value: YAMLValue)] {
    guard case .mapping(let entries) = content else { throw refusal(expected) }
    return entries
  }

  /// The items of a list.
  func list(expected: String = "a list") throws(FileError) -> [YAMLValue] {
    guard case .list(let items) = content else { throw refusal(expected) }
    return items
  }

  /// A string; a number or a boolean without quotes is none.
  func string(expected: String = "a string") throws(FileError) -> String {
    guard case .scalar(let text, let quoted) = content,
      quoted || CoreSchema.kind(of: text) == .string
    else { throw refusal(expected) }
    return text
  }

  /// Text for a reader, not empty, without control characters and without the invisible ones, which
  /// can make a terminal show another text.
  func prose(expected: String = "text") throws(FileError) -> String {
    var text = try string(expected: expected)
    // A block of text ends with a line feed unless it is written |- or >-.
    while text.last == "\n" { text.removeLast() }
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw refusal(expected, found: "no text")
    }
    guard !text.unicodeScalars.contains(where: { $0 != "\n" && $0.isInvisible }) else {
      throw refusal("text without control or invisible characters", found: quoted(text))
    }
    return text
  }

  /// Text for a reader, on one line.
  func phrase(expected: String = "text on one line") throws(FileError) -> String {
    let text = try prose(expected: expected)
    guard !text.contains("\n") else { throw refusal(expected, found: "several lines") }
    return text
  }

  /// A finite decimal number.
  func number(expected: String = "a finite number") throws(FileError) -> Double {
    guard case .scalar(let text, quoted: false) = content, CoreSchema.kind(of: text) == .number
    else { throw refusal(expected) }
    guard let value = CoreSchema.number(text) else {
      throw refusal(expected, found: "\(shortened(text)), which is beyond double precision")
    }
    return value
  }

  /// A decimal integer.
  func integer(expected: String = "an integer") throws(FileError) -> Int {
    guard case .scalar(let text, quoted: false) = content, CoreSchema.kind(of: text) == .number,
      let value = Int(text)
    else { throw refusal(expected) }
    return value
  }
}
