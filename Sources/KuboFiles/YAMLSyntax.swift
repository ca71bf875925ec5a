// SPDX-License-Identifier: GPL-3.0-or-later

/// A pass over YAML text, before the parser sees it, that refuses what these files do not need and
/// what makes a small file expensive: anchors and aliases, tags, directives, explicit keys, deep
/// nesting, quoted text over several lines, control characters.
///
/// It must come first: the parser hashes the keys of each mapping, and a key made of nested aliases
/// has exponentially many nodes. Wherever a token may start the pass assumes that one does, also at
/// the start of a continued line of plain text, so that it may refuse more than YAML would, never
/// less. Its errors say how to write such text: in quotes, or as a block (`|`, `>`).
struct YAMLSyntax {
  /// The deepest nesting of `[` and `{`, and the largest column of a token that starts a block.
  static let flowLimit = 20
  static let columnLimit = 200

  private let file: String
  private let bytes: [UInt8]
  private var at = 0
  private var line = 1
  private var lineStart = 0
  private var flowDepth = 0

  /// Throws if `text` of `file` holds anything refused.
  static func check(_ text: String, file: String) throws(FileError) {
    var line = 1
    for scalar in text.unicodeScalars {
      if scalar == "\n" { line += 1 }
      let category = scalar.properties.generalCategory
      let breaks = category == .lineSeparator || category == .paragraphSeparator
      let isControl = category == .control && !"\n\r\t".unicodeScalars.contains(scalar)
      if breaks || isControl || scalar == "\u{FEFF}" {
        let code = String(scalar.value, radix: 16, uppercase: true)
        throw FileError(
          .malformed, file: file, line: line, found: "the control character U+\(code)",
          expected: "text without control characters")
      }
    }
    var syntax = YAMLSyntax(file: file, bytes: Array(text.utf8))
    while syntax.at < syntax.bytes.count {
      try syntax.scanLine()
      syntax.endLine()
    }
  }

  private init(file: String, bytes: [UInt8]) {
    self.file = file
    self.bytes = bytes
  }

  private func refuse(_ found: String, _ expected: String) -> FileError {
    FileError(.malformed, file: file, line: line, found: found, expected: expected)
  }

  private func byte(_ offset: Int = 0) -> UInt8? {
    at + offset < bytes.count ? bytes[at + offset] : nil
  }

  private func isBreak(_ c: UInt8?) -> Bool {
    c == nil || c == UInt8(ascii: "\n") || c == UInt8(ascii: "\r")
  }

  private func isBlank(_ c: UInt8?) -> Bool {
    isBreak(c) || c == UInt8(ascii: " ") || c == UInt8(ascii: "\t")
  }

  private mutating func skipToBreak() { while !isBreak(byte()) { at += 1 } }

  private mutating func endLine() {
    if byte() == UInt8(ascii: "\r"), byte(1) == UInt8(ascii: "\n") { at += 1 }
    at += 1
    line += 1
    lineStart = at
  }

  private mutating func scanLine() throws(FileError) {
    // The column of the last key or dash of this line: the text of a block is indented more.
    var blockColumn = 0
    var afterIndicator = false
    let documentMarks = ["---", "..."]
    if isBlank(byte(3)), documentMarks.contains(where: { bytes[at...].starts(with: $0.utf8) }) {
      at += 3
    }
    while true {
      while !isBreak(byte()), isBlank(byte()) { at += 1 }
      guard let c = byte(), !isBreak(c) else { return }
      let column = at - lineStart
      guard flowDepth > 0 || column <= YAMLSyntax.columnLimit else {
        throw refuse(
          "text that starts at column \(column + 1)", "at most \(YAMLSyntax.columnLimit)")
      }
      switch c {
      case UInt8(ascii: "#"): return skipToBreak()
      case UInt8(ascii: "&") where !isBlank(byte(1)), UInt8(ascii: "*") where !isBlank(byte(1)):
        throw refuse(
          c == UInt8(ascii: "&") ? "an anchor (&)" : "an alias (*)",
          "values written out, and quotes around text that starts with & or *")
      case UInt8(ascii: "!"):
        throw refuse("a tag (!)", "no tags, and quotes around text that starts with !")
      case UInt8(ascii: "%") where column == 0:
        throw refuse("a directive (%)", "no directives")
      case UInt8(ascii: "?") where flowDepth > 0 || isBlank(byte(1)):
        throw refuse("an explicit key (?)", "KEY: VALUE, and quotes around text that starts with ?")
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        flowDepth += 1
        guard flowDepth <= YAMLSyntax.flowLimit else {
          throw refuse(
            "more than \(YAMLSyntax.flowLimit) nested brackets",
            "at most \(YAMLSyntax.flowLimit)")
        }
        at += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        flowDepth = max(0, flowDepth - 1)
        at += 1
      case UInt8(ascii: ","):
        at += 1
      case UInt8(ascii: ":") where flowDepth > 0 || isBlank(byte(1)):
        afterIndicator = true
        at += 1
      case UInt8(ascii: "-") where isBlank(byte(1)):
        blockColumn = column
        afterIndicator = true
        at += 1
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        blockColumn = column
        try skipQuoted(c)
      case UInt8(ascii: "|") where flowDepth == 0, UInt8(ascii: ">") where flowDepth == 0:
        guard afterIndicator else {
          throw refuse("a block of text without its key", "| or > on the line of its key")
        }
        return try skipBlock(indentedMoreThan: blockColumn)
      default:
        blockColumn = column
        skipPlain()
      }
    }
  }

  /// Skips quoted text, which must end on its line.
  private mutating func skipQuoted(_ quote: UInt8) throws(FileError) {
    at += 1
    while !isBreak(byte()) {
      if quote == UInt8(ascii: "\""), byte() == UInt8(ascii: "\\"), !isBreak(byte(1)) {
        at += 2
      } else if byte() == quote {
        at += 1
        // '' stands for ' in single quotes.
        guard quote == UInt8(ascii: "'"), byte() == quote else { return }
        at += 1
      } else {
        at += 1
      }
    }
    throw refuse(
      "quoted text that does not end on its line",
      "the closing quote, or a block of text (| or >) for long text")
  }

  /// Skips plain text up to what may end it: `: `, ` #`, a break; in brackets also `,[]{}`.
  private mutating func skipPlain() {
    repeat {
      at += 1
      guard let c = byte() else { return }
      if c == UInt8(ascii: ":") && isBlank(byte(1)) { return }
      if c == UInt8(ascii: "#") && isBlank(bytes[at - 1]) { return }
      if flowDepth > 0 && ",[]{}?:".utf8.contains(c) { return }
    } while !isBreak(byte())
  }

  /// Skips the lines of a block of text: those indented as far as its first line that is not empty.
  private mutating func skipBlock(indentedMoreThan column: Int) throws(FileError) {
    at += 1
    while byte() == UInt8(ascii: "-") || byte() == UInt8(ascii: "+") { at += 1 }
    while !isBreak(byte()), isBlank(byte()) { at += 1 }
    guard isBreak(byte()) || byte() == UInt8(ascii: "#") else {
      throw refuse("text after | or >", "the text of a block on the lines below")
    }
    skipToBreak()
    var indentation: Int?
    while at < bytes.count {
      // Now at the break before a line: look at the line, and consume the break only if it is text.
      let here = self
      endLine()
      while byte() == UInt8(ascii: " ") { at += 1 }
      if isBreak(byte()) { continue }
      let spaces = at - lineStart
      if spaces <= column || spaces < indentation ?? 0 {
        self = here
        return
      }
      indentation = indentation ?? spaces
      skipToBreak()
    }
  }
}
