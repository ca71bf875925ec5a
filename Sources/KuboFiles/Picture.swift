// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams
import Subprocess
import SystemPackage

/// A picture that gnuplot draws.
///
///     let picture = try Picture(table: CSVFile(spectrum, request: request, provenance: provenance))
///     let svg = try await picture.drawn(.svg)
public struct Picture: Sendable {
  /// The kinds of pictures, by the file's ending.
  public enum Format: String, Sendable, CaseIterable {
    case svg, png, pdf
    /// The format of a path, by its ending.
    public init?(path: String) {
      guard let dot = path.lastIndex(of: ".") else { return nil }
      self.init(rawValue: path[path.index(after: dot)...].lowercased())
    }

    /// Letters of 7.1 points, and lines, dashes and marks to match, whatever the size, and all that enlarged: 40 dots of an
    /// SVG, 160 of a PNG are 1 cm. A letter of size 10 is 10 dots high in an SVG; in the others, of 96 points in an inch, it
    /// is 4/3 times that, which the scales make up for; the other scales were measured (gnuplot 5.4).
    func terminal(_ size: Size) -> String {
      let scale = size.scale
      func dots(_ perCentimetre: Double) -> String {
        "\(Int(size.width * perCentimetre)),\(Int(size.height * perCentimetre))"
      }
      return switch self {
      case .svg: "svg size \(dots(40)) font 'Helvetica,10' background 'white'"
      case .png:
        "pngcairo size \(dots(160 * scale)) font 'Helvetica,10' fontscale \(3 * scale) linewidth \(4 * scale) dashlength 2 pointscale \(5.3 * scale)"
      case .pdf:
        "pdfcairo size \(size.width * scale)cm,\(size.height * scale)cm font 'Helvetica,10' fontscale \(0.5315 * scale) linewidth \(1.417 * scale) dashlength 2 pointscale \(scale)"
      }
    }

    /// What gnuplot has drawn, with the size on paper that it leaves out, and without the names that it gives itself.
    func measured(_ bytes: [UInt8], _ size: Size) -> [UInt8] {
      switch self {
      case .pdf: return bytes
      case .png:
        // A block pHYs, 16000 dots a metre, behind the block IHDR, which ends at byte 33; its last four bytes are its CRC.
        let block: [UInt8] = [
          0, 0, 0, 9, 0x70, 0x48, 0x59, 0x73, 0, 0, 0x3E, 0x80, 0, 0, 0x3E, 0x80, 1,
          0x19, 0xFF, 0x8C, 0xA2,
        ]
        return bytes.prefix(33) + block + bytes.dropFirst(33)
      case .svg:
        let text = String(decoding: bytes, as: UTF8.self).replacing(
          /<title>(Gnuplot|gnuplot_plot_[0-9a-z]+)<\/title>/, with: "")
        let (width, height) = (10 * size.scale * size.width, 10 * size.scale * size.height)
        guard let dots = text.firstRange(of: /width="[0-9]+" height="[0-9]+"/) else { return bytes }
        func length(_ x: Double) -> String { "\"\(significant(x, digits: 4))mm\"" }
        return Array(
          text.replacingCharacters(
            in: dots, with: "width=\(length(width)) height=\(length(height))"
          ).utf8)
      }
    }
  }

  /// Width and height in cm.
  struct Size: Sendable {
    var width: Double
    var height: Double
    /// What all is enlarged by on paper.
    var scale: Double
    /// One column and two columns of a journal.
    static let column = 8.6
    static let page = 17.8
    /// From one line of a title or key to the next: the underscore of one stays off the letters below.
    static let line = 0.48
  }

  /// gnuplot's commands, without the terminal and the output.
  package let script: String
  let size: Size
  /// What the picture leaves out, for those who asked for it.
  public internal(set) var notes: [String] = []

  /// What a page must know to show the values; nil of pictures other than curves.
  var chart: Chart?

  init(_ script: Script) { (self.script, size) = (script.text, script.size) }

  // MARK: Files

  /// Draws the picture and writes it as a whole or not at all.
  /// - Throws: ``OutputError``.
  public func write(to path: String, overwrite: Bool) async throws(OutputError) {
    let format = try Picture.format(path)
    try OutputFile(path: path, overwrite: overwrite).write(await drawn(format, path: path))
  }

  /// Finds out before a long computation whether ``write(to:overwrite:)`` would fail.
  /// - Throws: ``OutputError``.
  public static func checkWritable(path: String, overwrite: Bool) throws(OutputError) {
    _ = try format(path)
    try checkProgram(path: path)
    try OutputFile(path: path, overwrite: overwrite).check()
  }

  /// Finds out whether there is a gnuplot; `path` names the output in messages.
  /// - Throws: ``OutputError/tool(path:reason:)``.
  public static func checkProgram(path: String) throws(OutputError) {
    guard gnuplot != nil else { throw .tool(path: path, reason: missing) }
  }

  private static func format(_ path: String) throws(OutputError) -> Format {
    guard let format = Format(path: path) else {
      throw .cannotCreate(path: path, reason: "the ending must be .svg, .png or .pdf")
    }
    return format
  }

  // MARK: gnuplot

  /// The bytes of the picture; `path` names it in messages.
  /// - Throws: ``OutputError/tool(path:reason:)`` if gnuplot is missing or fails.
  public func drawn(_ format: Format, path: String = "picture") async throws(OutputError)
    -> [UInt8]
  {
    guard let gnuplot = Picture.gnuplot else { throw .tool(path: path, reason: Picture.missing) }
    var id: pid_t?
    // A file without a name: a pipe that gnuplot does not read to its end would end this program too (swift-subprocess 1.0.2).
    let file = tmpfile()
    defer {
      if let file { fclose(file) }
      Unfinished.step { state in
        if let id { state.processes.remove(id) } else { state.starting -= 1 }
      }
    }
    Unfinished.step { $0.starting += 1 }
    do {
      guard let file else { throw Errno(rawValue: errno) }
      let commands = fileno(file)
      let text = "set terminal \(format.terminal(size))\n\(script)"
      if let code = writeAll(Array(text.utf8)[...], to: commands) { throw Errno(rawValue: code) }
      lseek(commands, 0, SEEK_SET)
      // -d: whatever the user's own settings are, the picture is the same.
      let result = try await Subprocess.run(
        .path(FilePath(gnuplot)), arguments: ["-d", "-"], workingDirectory: "/",
        input: .fileDescriptor(
          FileDescriptor(rawValue: commands), closeAfterSpawningProcess: false),
        output: .bytes(limit: 1 << 28), error: .string(limit: 1 << 24)
      ) { process in
        let own = process.processIdentifier.value
        Unfinished.step {
          $0.starting -= 1
          $0.processes.insert(own)
        }
        id = own
      }
      if result.terminationStatus.isSuccess, !result.standardOutput.isEmpty {
        return format.measured(result.standardOutput, size)
      }
      let message = result.standardError.split(separator: "\n").first {
        !$0.allSatisfy { $0 == " " || $0 == "^" }
      }
      throw Trouble(description: message.map { shortened(String($0)) } ?? "no message")
    } catch {
      throw .tool(
        path: path,
        reason: error is SubprocessError && id == nil
          ? "\(gnuplot) cannot be run" : "\(gnuplot) failed: \(error)")
    }
  }

  /// What gnuplot said.
  private struct Trouble: Error, CustomStringConvertible {
    let description: String
  }

  private static let missing =
    "there is no gnuplot in PATH (Debian and Ubuntu: install gnuplot-nox)"

  /// The program in an absolute folder of PATH: one in the current folder may be a stranger's.
  private static var gnuplot: String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
      .filter { $0.hasPrefix("/") }.map { "\($0)/gnuplot" }
      .first { path in
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
          && access(path, X_OK) == 0
      }
  }
}

// MARK: Text and colours

/// Text of a picture in gnuplot's notation for indices, in which ``literal(_:)`` is what a user or
/// a file says and everything else is this program's own.
enum Typeset {
  /// One that ends no string; in braces, so that no digit follows.
  private static let apostrophe = "{\\U+0027}"

  /// `text` as it stands, none of whose signs means anything to gnuplot.
  static func literal(_ text: String) -> String {
    visible(text).replacingScalars {
      switch $0 {
      // In braces: without them gnuplot 5.4 reads \\U+2212 as a minus sign in an SVG, and draws both of \\x in a PDF.
      case "\\": "{\\\\}"
      case "'": apostrophe
      case "{", "}", "^", "_", "@", "&", "~": "\\\($0)"
      default: nil
      }
    }
  }

  /// How many signs of a text in this notation are seen.
  static func signs(_ text: String) -> Int {
    var scan = text.replacing("{/:Italic ", with: "{").replacing(apostrophe, with: "'")[...]
    var count = 0
    while let sign = scan.popFirst() {
      if sign == "\\" { scan = scan.dropFirst() } else if "{}^_".contains(sign) { continue }
      count += "\u{2060}\u{200a}".contains(sign) ? 0 : 1
    }
    return count
  }

  /// A unit: ^ with a number, in braces or not, is a power, and hbar is ħ; the rest is literal.
  static func unit(_ text: String) -> String {
    var result = ""
    var rest = text.replacing("hbar", with: "ħ")[...]
    while let caret = rest.firstIndex(of: "^") {
      result += literal(String(rest[..<caret]))
      rest = rest[rest.index(after: caret)...]
      let isBraced = rest.first == "{"
      let inner = isBraced ? rest.dropFirst() : rest
      let power = inner.prefix { "+-0123456789".contains($0) }
      let end = inner[power.endIndex...]
      guard !power.isEmpty, !isBraced || end.first == "}" else {
        result += literal("^")
        continue
      }
      result += "^{\(power.replacing("-", with: "−"))}"
      rest = isBraced ? end.dropFirst() : end
    }
    return result + literal(String(rest))
  }

  /// A string of gnuplot. Single quotes: it expands no commands and no variables in them. An apostrophe
  /// becomes a typographic one: doubled, as the manual has it, it ends a string that begins with it
  /// (gnuplot 5.4), and what follows is a command. And gnuplot leaves ]]> as it is, which may not be in an
  /// SVG: a mark without width keeps it apart.
  static func quoted(_ text: String) -> String {
    "'"
      + text.replacing("'", with: "\u{2019}").replacing("]]>", with: "]]\u{2060}>") + "'"
  }
}

/// The colours of curves, told apart by the colour-blind: Okabe and Ito, *Color universal design*.
enum Ink: String, CaseIterable {
  case blue = "#0072b2"
  case vermilion = "#d55e00"
  case green = "#009e73"
  case purple = "#cc79a7"
  case orange = "#e69f00"
  case sky = "#56b4e9"
  case black = "#000000"

  /// Marks that are not data.
  static let mark = "#808080"

  /// The n-th colour, over and over.
  static func number(_ n: Int) -> Ink { allCases[n % allCases.count] }
}

/// The colours of maps, in which lightness is linear in the number, so that steps look alike.
enum Palette {
  /// Viridis of van der Walt and Smith, which the colour-blind see as well.
  private static let sequential = [
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30",
    "#fde725",
  ]
  /// Straight lines in CIELAB from (L, C, h) = (40, 45, 275) to (96, 0, 0) to (40, 62, 35).
  private static let diverging = [
    "#0061a8", "#5d82bb", "#92a6ce", "#c3cce1", "#f3f3f3", "#eac3bc", "#db9487", "#c76455",
    "#af2f27",
  ]

  /// The colours of curves that follow each other, from dark to bright: in grey they differ too.
  static func step(_ n: Int, of count: Int) -> String {
    // The brightest ones are hard to see on white.
    sequential[n * (sequential.count - (count < 8 ? 3 : 2)) / max(1, count - 1)]
  }

  /// From dark to bright, on which black lines are seen.
  static let greys = "0 '#505050', 1 '#ffffff'"

  /// gnuplot's list.
  static func stops(_ isSigned: Bool) -> String {
    (isSigned ? diverging : sequential).enumerated().map { "\($0) '\($1)'" }
      .joined(separator: ", ")
  }
}
