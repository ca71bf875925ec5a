// SPDX-License-Identifier: GPL-3.0-or-later

/// A hopping amplitude of a model file: a number, or a parameter with a numeric factor.
enum Amplitude: Equatable {
  /// A number in the model's energy unit.
  case number(Double)
  /// factor times the parameter with this name.
  case parameter(name: String, factor: Double)

  /// Reads a number, `NAME`, `-NAME` or `FACTOR*NAME` with one of the parameters `known`.
  init(_ value: YAMLValue, known: [String]) throws(FileError) {
    let expected =
      "a number, or NAME, -NAME or FACTOR*NAME with NAME one of \(known.joined(separator: ", "))"
    guard case .scalar(let text, let quoted) = value.content, quoted || CoreSchema.isString(text)
    else {
      self = .number(try value.number(expected: expected))
      return
    }
    let factor: Double
    let name: Substring
    if let star = text.firstIndex(of: "*") {
      let number = text[..<star].trimmingSpaces
      guard let value = CoreSchema.decimal(number) else { throw value.refusal(expected) }
      factor = value
      name = text[text.index(after: star)...].trimmingSpaces
    } else if text.first == "-" {
      factor = -1
      name = text.dropFirst()
    } else {
      factor = 1
      name = text[...]
    }
    guard known.contains(String(name)) else { throw value.refusal(expected) }
    self = .parameter(name: String(name), factor: factor)
  }

  /// The amplitude in the model's energy unit.
  /// - Parameter values: the parameters; every name that an amplitude uses is among them.
  func value(_ values: [String: Double]) -> Double {
    switch self {
    case .number(let number): number
    case .parameter(let name, let factor): factor * (values[name] ?? .nan)
    }
  }
}

extension CoreSchema {
  /// Whether the plain scalar `text` is a string.
  static func isString(_ text: String) -> Bool { kind(of: text) == .string }
}

extension Substring {
  /// Without the spaces at its ends.
  fileprivate var trimmingSpaces: Substring {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}

/// Whether `text` is a name: a letter or underscore, then letters, digits, underscores, hyphens.
func isName(_ text: some StringProtocol) -> Bool {
  func isLetter(_ c: UInt8) -> Bool {
    switch Unicode.Scalar(c) {
    case "a"..."z", "A"..."Z", "_": true
    default: false
    }
  }
  // Bytes: a single character may have any number of them.
  guard let first = text.utf8.first, isLetter(first) else { return false }
  return text.utf8.allSatisfy { isLetter($0) || "-0123456789".utf8.contains($0) }
}
