// SPDX-License-Identifier: GPL-3.0-or-later

extension CSVFile {
  /// The largest table that is read, in bytes, and the most columns and lines it may have.
  static let sizeLimit = 1 << 25
  static let columnLimit = 10_000
  static let lineLimit = 1_000_000

  /// Reads a table as this program writes it: header lines `# key: value`, the names of the columns,
  /// rows of finite decimal numbers or empty cells.
  /// - Throws: ``FileError``, with the line and the column of what is anything else.
  public static func read(path: String) throws(FileError) -> CSVFile {
    try read(InputFile(path: path, limit: sizeLimit))
  }

  /// The same, with the SHA-256 of the file.
  public static func readWithDigest(
    path: String
  ) throws(FileError) -> (table: CSVFile, sha256: String) {
    let input = try InputFile(path: path, limit: sizeLimit)
    return (try read(input), input.sha256)
  }

  /// The same for the content of a file; `path` names it in messages.
  public static func read(_ bytes: [UInt8], path: String) throws(FileError) -> CSVFile {
    try read(InputFile(path: path, bytes: bytes, limit: sizeLimit))
  }

  private static func read(_ input: InputFile) throws(FileError) -> CSVFile {
    let lineCount = input.bytes.count { $0 == UInt8(ascii: "\n") }
    guard lineCount <= lineLimit else {
      throw FileError(
        .malformed, file: input.path, found: "\(lineCount) lines",
        expected: "at most \(lineLimit)")
    }
    // Lines end as on any system; a carriage return elsewhere is no part of any cell.
    let lines = try input.text().utf8.split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
    ).map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
    func refusal(_ line: Int, _ key: String?, _ found: String, _ expected: String) -> FileError {
      FileError(
        .malformed, file: input.path, line: line + 1, key: key, found: found, expected: expected)
    }

    var table = CSVFile(columns: [])
    var n = 0
    while n < lines.count, lines[n].first == UInt8(ascii: "#") {
      let line = String(Substring(lines[n]))
      guard line.hasPrefix("# "), let colon = line.firstRange(of: ": "),
        let key = unescaped(line[..<colon.lowerBound].dropFirst(2)), !key.isEmpty,
        let value = unescaped(line[colon.upperBound...])
      else { throw refusal(n, nil, quoted(line), "# key: value") }
      table.header.append((HeaderKey(key), value))
      n += 1
    }

    guard n < lines.count, !lines[n].isEmpty else {
      throw refusal(n, nil, "no names of columns", "a line of names, separated by commas")
    }
    guard let names = names(Substring(lines[n])) else {
      throw refusal(
        n, nil, quoted(String(Substring(lines[n]))),
        "names of columns, separated by commas, quoted where they hold one")
    }
    guard names.count <= columnLimit else {
      throw refusal(n, nil, "\(names.count) columns", "at most \(columnLimit)")
    }
    var seen: Set<String> = []
    for (c, name) in names.enumerated() {
      guard !name.isEmpty, oneLine(name) == name.replacing("\\", with: "\\\\"), !name.contains("#")
      else {
        throw refusal(
          n, "column \(c + 1)", quoted(name), "a name without control characters and #")
      }
      guard seen.insert(name).inserted else {
        throw refusal(n, "column \(c + 1)", "\(quoted(name)) twice", "each name once")
      }
    }
    table.columns = names
    n += 1

    // The last line ends with a line feed, after which there is nothing.
    let end = lines.last!.isEmpty ? lines.count - 1 : lines.count
    table.rows.reserveCapacity(max(0, end - n))
    while n < end {
      let cells = lines[n].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      guard cells.count == names.count else {
        throw refusal(
          n, nil, cells.count == 1 && cells[0].isEmpty ? "an empty line" : "\(cells.count) cells",
          "\(names.count), one for each column")
      }
      var row: [Double?] = []
      row.reserveCapacity(names.count)
      for (c, cell) in cells.enumerated() {
        guard let value = number(cell) else {
          throw refusal(
            n, "column \(shortened(names[c]))", quoted(String(Substring(cell))),
            "a finite decimal number, or nothing")
        }
        row.append(value)
      }
      table.rows.append(row)
      n += 1
    }
    return table
  }

  /// The number of a cell: `.some(nil)` if it is empty, nil if it is none.
  private static func number(_ cell: Substring.UTF8View) -> Double?? {
    if cell.isEmpty { return .some(nil) }
    guard let value = CoreSchema.decimal(Substring(cell)) else { return nil }
    return .some(value)
  }

  /// Cells of text: as they are, or in quotation marks that are doubled inside.
  private static func names(_ line: Substring) -> [String]? {
    var names: [String] = []
    var rest = line
    while true {
      var name = ""
      if rest.first == "\"" {
        rest = rest.dropFirst()
        while let mark = rest.firstIndex(of: "\"") {
          name += rest[..<mark]
          rest = rest[rest.index(after: mark)...]
          guard rest.first == "\"" else { break }
          name += "\""
          rest = rest.dropFirst()
          if !rest.contains("\"") { return nil }
        }
      } else {
        name = String(rest.prefix { $0 != "," })
        rest = rest.dropFirst(name.count)
        if name.contains("\"") { return nil }
      }
      guard let plain = unescaped(name[...]) else { return nil }
      names.append(plain)
      if rest.isEmpty { return names }
      guard rest.first == "," else { return nil }
      rest = rest.dropFirst()
    }
  }

  /// The inverse of ``oneLine(_:)``; nil if a backslash begins nothing that it writes.
  private static func unescaped(_ text: Substring) -> String? {
    var result = ""
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "\\" else {
        guard scalar.properties.generalCategory != .control else { return nil }
        result.unicodeScalars.append(scalar)
        continue
      }
      switch rest.popFirst() {
      case "\\": result += "\\"
      case "n": result += "\n"
      case "r": result += "\r"
      case "t": result += "\t"
      case "u":
        guard rest.popFirst() == "{", let brace = rest.firstIndex(of: "}"),
          let code = UInt32(String(rest[..<brace]), radix: 16), let value = Unicode.Scalar(code)
        else { return nil }
        result.unicodeScalars.append(value)
        rest = rest[rest.index(after: brace)...]
      default: return nil
      }
    }
    return result
  }

  /// The value of a header line.
  public subscript(header key: HeaderKey) -> String? { header.first { $0.key == key }?.value }
}
