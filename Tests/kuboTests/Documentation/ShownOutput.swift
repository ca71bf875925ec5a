// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import Testing

/// What a document shows of an output: lines of it in order, numbers to the digits printed.
struct ShownOutput {
  let lines: [String]

  init(_ text: String) {
    lines = text.split(separator: "\n").map { String($0) }
  }

  /// The first line that the output lacks after those before it; nil if all are there.
  ///
  /// A line that is `...` stands for any lines, and one that ends in it for the beginning of a line.
  func missing(in output: String) -> String? {
    var rest = output.split(separator: "\n").map(String.init)[...]
    for line in lines where line.trimmingPrefix(/\s+/) != "..." {
      guard let n = rest.firstIndex(where: { ShownOutput.fits(line, $0) }) else { return line }
      rest = rest[(n + 1)...]
    }
    return nil
  }

  private enum Token: Equatable {
    case word(String)
    case number(String)
  }

  private static func tokens(_ line: String) -> [Token] {
    var tokens: [Token] = []
    let text = line.replacing(/\s+/, with: " ").trimmingCharacters(in: .whitespaces)
    var start = text.startIndex
    for match in text.matches(of: /[-+]?\d+(\.\d+)?([eE][-+]?\d+)?/) {
      tokens.append(.word(String(text[start..<match.range.lowerBound])))
      tokens.append(.number(String(match.0)))
      start = match.range.upperBound
    }
    return tokens + [.word(String(text[start...]))]
  }

  static func fits(_ shown: String, _ actual: String) -> Bool {
    if shown.hasSuffix("...") {
      let (a, b) = (tokens(String(shown.dropLast(3))), tokens(actual))
      guard a.count <= b.count, case .word(let end) = a.last!, case .word(let next) = b[a.count - 1]
      else { return false }
      return next.hasPrefix(end) && zip(a.dropLast(), b).allSatisfy(fits)
    }
    let (a, b) = (tokens(shown), tokens(actual))
    return a.count == b.count && zip(a, b).allSatisfy(fits)
  }

  private static func fits(_ shown: Token, _ actual: Token) -> Bool {
    guard case .number(let a) = shown, case .number(let b) = actual, a != b else {
      return shown == actual
    }
    // One unit of the last digit that is shown; whole numbers are exact.
    let parts = a.lowercased().split(separator: "e")
    guard let point = parts[0].firstIndex(of: "."), let x = Double(a), let y = Double(b) else {
      return false
    }
    let decimals = parts[0].distance(from: point, to: parts[0].endIndex) - 1
    let exponent = parts.count > 1 ? Int(parts[1])! : 0
    return abs(x - y) <= 1.000_001 * pow(10, Double(exponent - decimals))
  }
}

@Suite struct ShownOutputTests {
  /// What fits and what does not.
  @Test(arguments: [
    ("a 0.12", "a   0.123456", true), ("a 0.12", "a 0.14", false), ("a 3", "a 4", false),
    ("1.5e-3,x", "0.00151,x", true), ("-0.5", "0.5", false), ("K = 1.0, ...", "K = 1.04, 7", true),
    ("K = 1.0, ...", "L = 1.04, 7", false), ("a", "a b", false), ("0,0.5,1", "0,0.5", false),
  ])
  func fits(_ shown: String, _ actual: String, _ expected: Bool) {
    #expect(ShownOutput.fits(shown, actual) == expected)
  }

  /// Lines must come in order.
  @Test func order() {
    #expect(ShownOutput("a\n...\nc").missing(in: "a\nb\nc\n") == nil)
    #expect(ShownOutput("c\na").missing(in: "a\nb\nc\n") == "a")
  }
}
