// SPDX-License-Identifier: GPL-3.0-or-later

/// Numbers as a Fortran program writes them, line by line: with D or without a letter before the exponent, and run together,
/// as in `-0.1234-0.5678`.
struct FortranReader {
  let path: String
  private let bytes: [UInt8]
  /// Whether ! and # begin a comment.
  private let hasComments: Bool
  /// The number of the current line, from 1; 0 before the first.
  private(set) var line = 0
  /// The rest of the current line, and where the next one begins.
  private var position = 0
  private var end = 0
  private var next = 0
  /// The largest decimal exponent of the last digit of what `real` has read.
  private var coarsest = Int.min

  init(_ input: InputFile, hasComments: Bool = false) {
    (path, bytes, self.hasComments) = (input.path, input.bytes, hasComments)
  }

  /// Goes on to the next line.
  /// - Returns: whether there is one.
  mutating func advance() -> Bool {
    position = next
    guard next < bytes.count else {
      end = next
      return false
    }
    line += 1
    end = next
    while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
    next = min(end + 1, bytes.count)
    if end > position, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    if hasComments {
      end = bytes[position..<end].firstIndex { "!#".utf8.contains($0) } ?? end
    }
    return true
  }

  /// Goes on to the next line, which must be there.
  mutating func expectLine(_ expected: @autoclosure () -> String) throws(FileError) {
    guard advance() else { throw refusal(expected(), found: "the end of the file") }
  }

  /// Goes on to the next line that is not blank.
  /// - Returns: whether there is one.
  mutating func advanceToText() -> Bool {
    while advance() {
      skipBlanks()
      if position < end { return true }
    }
    return false
  }

  /// What is left of the current line.
  var rest: String { String(decoding: bytes[position..<end], as: UTF8.self) }
  /// Whether nothing is left of the current line.
  var isLineRead: Bool { bytes[position..<end].allSatisfy(FortranReader.isBlank) }

  /// The next word of the line; empty at its end.
  mutating func word() -> String {
    skipBlanks()
    let start = position
    while position < end, !FortranReader.isBlank(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Refuses what is left of the line.
  mutating func finishLine(_ expected: @autoclosure () -> String) throws(FileError) {
    skipBlanks()
    guard position == end else { throw refusal(expected()) }
  }

  mutating func integer(_ expected: @autoclosure () -> String) throws(FileError) -> Int {
    skipBlanks()
    var p = position
    let isNegative = takesSign(&p)
    let first = p
    var value = 0
    while p < end, let digit = FortranReader.digit(bytes[p]), p - first < 10 {
      value = 10 * value + digit
      p += 1
    }
    guard p > first, isEnd(p) else { throw refusal(expected()) }
    position = p
    return isNegative ? -value : value
  }

  mutating func real(_ expected: @autoclosure () -> String) throws(FileError) -> Double {
    skipBlanks()
    let start = position
    var p = start
    let isNegative = takesSign(&p)
    var (mantissa, exponent, count) = (UInt64(0), 0, 0)
    var isExact = true
    func take(_ digit: Int) {
      count += 1
      if mantissa < 1 << 53 / 10 {
        mantissa = 10 * mantissa + UInt64(digit)
      } else {
        isExact = false
      }
    }
    while p < end, let digit = FortranReader.digit(bytes[p]) {
      take(digit)
      p += 1
    }
    var hasPoint = false
    if p < end, bytes[p] == UInt8(ascii: ".") {
      hasPoint = true
      p += 1
      while p < end, let digit = FortranReader.digit(bytes[p]) {
        take(digit)
        exponent -= 1
        p += 1
      }
    }
    let significand = p
    var (digits, power) = (p..<p, 0)
    let letter = p < end ? bytes[p] | 0x20 : 0
    if letter == UInt8(ascii: "e") || letter == UInt8(ascii: "d") {
      var q = p + 1
      let isSmall = takesSign(&q)
      digits = q..<digitsEnd(q)
      power = FortranReader.value(bytes[digits]) * (isSmall ? -1 : 1)
      guard (1...3).contains(digits.count) else { throw refusal(expected()) }
    } else if hasPoint, p < end, FortranReader.isSign(bytes[p]), digitsEnd(p + 1) == p + 4,
      isEnd(p + 4)
    {
      // Three digits of an exponent leave no place for its letter.
      digits = p + 1..<p + 4
      power = FortranReader.value(bytes[digits]) * (bytes[p] == UInt8(ascii: "-") ? -1 : 1)
    }
    if !digits.isEmpty { p = digits.upperBound }
    guard count > 0, isEnd(p) else { throw refusal(expected()) }
    exponent += power
    coarsest = max(coarsest, exponent)
    var value: Double
    if isExact, (-22...22).contains(exponent) {
      // Both are exact, so that the quotient or product is rounded once.
      let scale = FortranReader.powers[abs(exponent)]
      value = exponent < 0 ? Double(mantissa) / scale : Double(mantissa) * scale
      if isNegative { value = -value }
    } else {
      let text = String(decoding: bytes[start..<significand], as: UTF8.self)
      value = Double("\(text)e\(power)") ?? .nan
    }
    guard value.magnitude < 1e100 else { throw refusal(expected()) }
    position = p
    return value
  }

  /// The error that the current line goes on otherwise.
  func refusal(_ expected: String, found: String? = nil) -> FileError {
    let rest = rest.drop { $0 == " " || $0 == "\t" }
    return FileError(
      .malformed, file: path, line: max(line, 1),
      found: found ?? (rest.isEmpty ? "the end of the line" : quoted(String(rest))),
      expected: expected)
  }

  /// What the last digit of all real numbers since the last call is worth, from 1e-9, since sums are not exact, to 1e-6:
  /// numbers of fewer digits are what somebody wrote, not rounded.
  mutating func takeUnit() -> Double {
    defer { coarsest = .min }
    return 1 / FortranReader.powers[min(9, max(6, -max(coarsest, -9)))]
  }

  // MARK: Letters

  private static let powers: [Double] = (0...22).map { n in (0..<n).reduce(1) { x, _ in 10 * x } }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  private static func isSign(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
  }

  private static func digit(_ byte: UInt8) -> Int? {
    let digit = Int(byte) - 48
    return 0...9 ~= digit ? digit : nil
  }

  private static func value(_ digits: ArraySlice<UInt8>) -> Int {
    digits.prefix(4).reduce(0) { 10 * $0 + Int($1) - 48 }
  }

  private mutating func skipBlanks() {
    while position < end, FortranReader.isBlank(bytes[position]) { position += 1 }
  }

  /// Passes a sign.
  /// - Returns: whether it is a minus.
  private func takesSign(_ p: inout Int) -> Bool {
    guard p < end, FortranReader.isSign(bytes[p]) else { return false }
    p += 1
    return bytes[p - 1] == UInt8(ascii: "-")
  }

  private func digitsEnd(_ start: Int) -> Int {
    var p = start
    while p < end, FortranReader.digit(bytes[p]) != nil { p += 1 }
    return p
  }

  /// Whether a number may end before this letter: the sign of the next may follow at once.
  private func isEnd(_ p: Int) -> Bool {
    p >= end || FortranReader.isBlank(bytes[p]) || FortranReader.isSign(bytes[p])
  }
}
