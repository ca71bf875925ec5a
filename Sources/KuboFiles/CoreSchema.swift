// SPDX-License-Identifier: GPL-3.0-or-later

/// What a plain scalar means: YAML 1.2, section 10.3.2.
package enum CoreSchema {
  package enum Kind {
    case null, boolean, number, notFinite, otherBase, string
  }

  /// The kind of the plain scalar `text`.
  package static func kind(of text: String) -> Kind {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE", "false", "False", "FALSE": return .boolean
    default: break
    }
    let unsigned = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
    if [".inf", ".Inf", ".INF"].contains(unsigned) { return .notFinite }
    if [".nan", ".NaN", ".NAN"].contains(text) { return .notFinite }
    if text.hasPrefix("0o"), text.count > 2, text.dropFirst(2).allSatisfy({ "0"..."7" ~= $0 }) {
      return .otherBase
    }
    if text.hasPrefix("0x"), text.count > 2,
      text.dropFirst(2).allSatisfy({ $0.isASCII && $0.isHexDigit })
    {
      return .otherBase
    }
    return isDecimal(unsigned) ? .number : .string
  }

  /// The value of a decimal number with or without a sign; `nil` for all else that is read as a number elsewhere, as
  /// `0x10`, `1e400`, `nan` or `infinity`.
  package static func decimal(_ text: some StringProtocol) -> Double? {
    let unsigned = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
    return isDecimal(unsigned) ? number(text) : nil
  }

  /// The value of a decimal number, or `nil` if it overflows, or underflows to zero.
  package static func number(_ text: some StringProtocol) -> Double? {
    guard let value = Double(text), value.isFinite else { return nil }
    let significand = text.prefix { $0 != "e" && $0 != "E" }
    if value == 0, significand.contains(where: { "1"..."9" ~= $0 }) { return nil }
    return value
  }

  /// (\. digits | digits (\. digits?)?) ([eE] [-+]? digits)?
  static func isDecimal(_ text: some StringProtocol) -> Bool {
    var rest = text.utf8[...]
    func digits() -> Int {
      let count = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }.count
      rest = rest.dropFirst(count)
      return count
    }
    let whole = digits()
    var fraction = 0
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      fraction = digits()
    }
    guard whole + fraction > 0 else { return false }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
        rest = rest.dropFirst()
      }
      guard digits() > 0 else { return false }
    }
    return rest.isEmpty
  }
}
