// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// A table with what its header says about the run that made it.
public struct RecordedRun: Sendable {
  /// The path of the table, for messages.
  public let path: String
  /// The table.
  public let table: CSVFile
  /// The program, as in `kubo 0.2.0`.
  public let program: String
  /// The words of the command line, without the program's name.
  public let command: [String]
  /// The SHA-256 of the model file, 64 hexadecimal digits.
  public let modelDigest: String
  /// The model as the header holds it; nil in a table without it, of an earlier version, and
  /// to take the file that the command names.
  public var model: ModelFile?
  /// The texture as the header holds it, of a run of `kubo texture`.
  public let texture: TextureFile?
  /// The user's diagram files as the header holds them.
  private let diagrams: [InputFile]

  /// Reads a table that this program has written.
  /// - Throws: ``FileError`` for any other file.
  public init(path: String) throws(FileError) {
    try self.init(path: path, table: CSVFile.read(path: path))
  }

  /// The run of a table that has been read.
  public init(path: String, table: CSVFile) throws(FileError) {
    self.path = path
    self.table = table
    func only(_ key: HeaderKey) throws(FileError) -> String {
      let values = table.header.filter { $0.key == key }.map(\.value)
      guard values.count == 1 else {
        throw FileError(
          .malformed, file: path, key: key.description,
          found: values.isEmpty ? "none" : "\(values.count)",
          expected: "one, as in the header of a table that kubo has written")
      }
      return values[0]
    }
    program = try only("program")
    guard program.hasPrefix("kubo ") else {
      throw FileError(
        .malformed, file: path, key: "program", found: quoted(program), expected: "kubo VERSION")
    }
    let line = try only("command")
    guard let words = ShellWords.split(line) else {
      throw FileError(
        .malformed, file: path, key: "command", found: quoted(line),
        expected: "words separated by single spaces, quoted as kubo quotes them")
    }
    command = words
    // A texture's table has no model of its own.
    let what = table[header: "texture_sha256"] == nil ? "model" : "texture"
    modelDigest = try only(HeaderKey("\(what)_sha256"))
    guard modelDigest.utf8.count == 64,
      modelDigest.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) })
    else {
      throw FileError(
        .malformed, file: path, key: "\(what)_sha256", found: quoted(modelDigest),
        expected: "64 hexadecimal digits")
    }

    /// The file whose lines the header holds, if it is the one that was read.
    func file(_ what: String, _ lines: [String], _ digest: String) throws(FileError) -> InputFile {
      let input = try InputFile(
        path: "\(path) (\(what)_text)", bytes: Array(lines.joined(separator: "\n").utf8))
      guard input.sha256 == digest else {
        throw FileError(
          .malformed, file: path, key: "\(what)_text",
          found: "a text with the SHA-256 \(input.sha256)",
          expected: "\(digest.utf8.count == 64 ? digest : quoted(digest)), as \(what)_sha256 says")
      }
      return input
    }
    let lines = table.header.filter { $0.key == HeaderKey("\(what)_text") }.map(\.value)
    if what == "texture" {
      texture = try TextureFile(file(what, lines, modelDigest), at: table[header: "texture_file"])
    } else {
      texture = nil
    }
    model =
      lines.isEmpty || what == "texture"
      ? nil : try .read(file("model", lines, modelDigest), home: table[header: "model_file"])
    var diagrams: [InputFile] = []
    let keys: [HeaderKey] = ["diagram_file", "diagram_sha256", "diagram_text"]
    var rest = table.header.filter { keys.contains($0.key) }[...]
    while let (key, _) = rest.popFirst() {
      let digest = rest.popFirst()
      let lines = rest.prefix { $0.key == "diagram_text" }.map(\.value)
      rest = rest.dropFirst(lines.count)
      guard key == keys[0], let digest, digest.key == keys[1] else {
        throw FileError(
          .malformed, file: path, key: key.description, found: "a line out of order",
          expected: "diagram_file, diagram_sha256 and the lines diagram_text of each diagram")
      }
      diagrams.append(try file("diagram", lines, digest.value))
    }
    self.diagrams = diagrams
  }

  /// The shipped diagrams, in the folder `shipped`, and those that the header holds; nil if it holds none.
  /// - Throws: ``FileError``.
  public func library(shipped: String) throws(FileError) -> DiagramLibrary? {
    diagrams.isEmpty ? nil : try .read(shipped: shipped, and: diagrams)
  }

  /// Why the command cannot be repeated.
  public func refusal(found: String, expected: String) -> FileError {
    FileError(.malformed, file: path, key: "command", found: found, expected: expected)
  }

  /// Refuses a model file that is not the one of the run.
  /// - Throws: ``FileError``.
  public func check(_ model: ModelFile) throws(FileError) {
    guard model.sha256 == modelDigest else {
      throw FileError(
        .malformed, file: model.path, found: "the SHA-256 \(model.sha256)",
        expected:
          "\(modelDigest), as when \(path) was written; --allow-changed-model takes the file as it is"
      )
    }
  }
}

/// A table beside the same computed again.
public struct Reproduction: Sendable {
  /// The largest difference of a cell.
  public struct Difference: Sendable {
    /// The column and the row, as in `Y.bare.re at omega = 0.3`.
    public let place: String
    /// Both values.
    public let stored, again: Double
    /// |again - stored| over what is allowed: the sum of both error bounds, of the stored one no more
    /// than 100 times the one now; without a bound, over the larger magnitude.
    public let ratio: Double
  }

  /// Whether all numbers are the same to the bit.
  public private(set) var isIdentical = true
  /// The largest difference in units of the error bounds; nil if no column has one.
  public private(set) var largest: Difference?
  /// The largest relative difference of columns that have no error bound, such as residuals.
  public private(set) var largestUnbounded: Difference?
  /// What differs besides: settings, columns, cells that are empty in one table only, numbers without a bound by more
  /// than 1e-6 of themselves, and stored bounds and residuals above 1000 times those now.
  public private(set) var mismatches: [String] = []

  /// Whether every number is the same within its error bounds, and nothing else differs.
  public var holds: Bool { mismatches.isEmpty && (largest?.ratio ?? 0) <= 1 }

  /// Lines of the header that say what was computed, besides the parameters; all others follow from them.
  fileprivate static let settings: [HeaderKey] = [
    "model", "temperature", "lifetime", "lifetime.scba", "lifetime.site", "direction", "tolerance",
    "impurities", "filling", "units.energy", "units.length", "units.energy_eV", "units.length_nm",
    "current_density_A_per_m2", "texture", "texture_sha256", "time_ps",
    "lattice_constant_nm", "thickness_nm", "cross_section_nm2", "spin", "relaxation",
  ]

  /// Compares two tables.
  public init(stored: CSVFile, again: CSVFile) {
    for key in again.settings {
      let (a, b) = (stored[header: key], again[header: key])
      // Numbers may be written in other ways.
      let numbers = [a, b].map { $0.flatMap { CoreSchema.decimal($0) } }
      if a != b, numbers[0] == nil || numbers[0] != numbers[1] {
        mismatches.append(
          "\(key): stored \(a.map(quoted) ?? "none"), now \(b.map(quoted) ?? "none")")
      }
    }
    guard stored.columns == again.columns else {
      let odd = Set(stored.columns).symmetricDifference(again.columns).sorted()
      mismatches.append(
        odd.isEmpty
          ? "columns in another order"
          : "columns in one table only: \(shortened(odd.joined(separator: ", ")))")
      isIdentical = false
      return
    }
    guard stored.rows.count == again.rows.count else {
      mismatches.append("rows: stored \(stored.rows.count), now \(again.rows.count)")
      isIdentical = false
      return
    }
    let schema = stored.columns.map(Column.init(parsing:))
    let bounds = schema.map { $0.bound(in: stored.columns) }
    for (old, new) in zip(stored.rows, again.rows) {
      let row = old.first.flatMap(\.self).map { " at \(stored.columns[0]) = \($0)" } ?? ""
      for (c, name) in stored.columns.enumerated() {
        if old[c]?.bitPattern == new[c]?.bitPattern { continue }
        isIdentical = false
        let place = shortened(name) + row
        guard let a = old[c], let b = new[c] else {
          mismatches.append(
            "\(place): \(old[c] == nil ? "empty in the stored table" : "empty now")")
          continue
        }
        // Numbers may be as large as doubles are.
        let difference = abs(a / 2 - b / 2)
        if c == 0 {
          // Rounding of other hardware or libraries.
          if difference > 1e-12 * abs(a) { mismatches.append("\(name): stored \(a), now \(b)") }
        } else if let bound = bounds[c], let e = old[bound], let f = new[bound] {
          // A stored bound far above the one now is no licence.
          let allowed = (f == 0 ? abs(e) : min(abs(e), 100 * abs(f))) / 2 + abs(f) / 2
          let ratio = difference == 0 ? 0 : difference / allowed
          if ratio > largest?.ratio ?? -1 {
            largest = Difference(place: place, stored: a, again: b, ratio: ratio)
          }
        } else if bounds[c] == nil {
          let ratio = difference == 0 ? 0 : difference / max(abs(a / 2), abs(b / 2))
          if ratio > largestUnbounded?.ratio ?? -1 {
            largestUnbounded = Difference(place: place, stored: a, again: b, ratio: ratio)
          }
          // Bounds and residuals are rounding themselves; all else may have that of other hardware.
          let part = schema[c].part
          let isRounding = part?.isError == true || part == .residual || part == .continuity
          if isRounding ? abs(a) > 1000 * abs(b) && b != 0 : ratio > 1e-6 {
            mismatches.append("\(place): stored \(a), now \(b)")
          }
        }
      }
    }
  }

  /// A few lines for the terminal.
  public func summary(_ stored: CSVFile) -> String {
    func text(_ d: Difference) -> String { "\(d.place): stored \(d.stored), now \(d.again)" }
    var lines = ["\(stored.rows.count) rows, \(stored.columns.count) columns"]
    if isIdentical { lines.append("all numbers are the same to the bit") }
    if let largest {
      lines.append(
        "largest difference: \(significant(largest.ratio)) of the error bounds of both, \(text(largest))"
      )
    } else if !isIdentical {
      lines.append("no number that has an error bound differs")
    }
    if let d = largestUnbounded {
      lines.append(
        "largest relative difference without a bound: \(significant(d.ratio)), \(text(d))")
    }
    lines += mismatches.prefix(10).map { "differs: \($0)" }
    if mismatches.count > 10 { lines.append("and \(mismatches.count - 10) more differences") }
    lines.append(
      isIdentical && holds
        ? "reproduced" : holds ? "reproduced within the error bounds" : "NOT reproduced")
    return lines.joined(separator: "\n") + "\n"
  }
}

extension CSVFile {
  /// The keys of those lines of the header that say what was computed.
  var settings: [HeaderKey] {
    let parameters = header.map(\.key).filter { $0.family == .parameter }
    // With a filling mu is a result, whose effect the columns show.
    let mu: [HeaderKey] = header.contains { $0.key == "filling" } ? [] : ["mu"]
    return Reproduction.settings + parameters + mu
  }
}
