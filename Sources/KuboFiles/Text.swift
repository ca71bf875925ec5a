// SPDX-License-Identifier: GPL-3.0-or-later

extension Unicode.Scalar {
  /// A control character, a line separator, or an invisible one that can reorder text: a terminal or a
  /// browser would obey it.
  package var isInvisible: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}

extension StringProtocol {
  /// The text with each scalar replaced for which `replacement` is not nil.
  package func replacingScalars(_ replacement: (Unicode.Scalar) -> String?) -> String {
    var result = ""
    for scalar in unicodeScalars {
      if let text = replacement(scalar) {
        result += text
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

/// ``visible(_:)`` with backslashes doubled before, so that it can be read back.
func oneLine(_ text: String) -> String {
  visible(text.replacingScalars { $0 == "\\" ? "\\\\" : nil })
}

/// `text` on one line: control characters, line separators and the invisible characters that reorder text are written as
/// `\n`, `\t`, `\r` or `\u{...}`.
func visible(_ text: String) -> String {
  text.replacingScalars {
    switch $0 {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    default: $0.isInvisible ? "\\u{\(String($0.value, radix: 16))}" : nil
    }
  }
}
