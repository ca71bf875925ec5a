// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

extension CSVFile {
  /// The comparison: `omega`, then for each column of each part `KIND.R.D.re` and so on, as in
  /// `scba.X_na.ladder.re`, and for each curve the residual of spin continuity.
  public init(_ comparison: Comparison, provenance: Provenance) {
    let first = comparison.parts[0].request
    var header = provenance.header + first.header.filter { $0.key != "lifetime" }
    var names = ["omega"]
    for (request, spectrum) in comparison.parts {
      let kind = request.lifetime.order.impurities!.rawValue
      header.append(("lifetime.\(kind)", request.lifetime.description))
      header.append(
        ("grid.\(kind)", "\(spectrum.divisions) points along each reciprocal vector at most"))
      for column in spectrum.columns {
        let label = "\(kind).\(column.request.label)"
        header.append(("column.\(label)", column.request.summary))
        names += ["\(label).re", "\(label).im", "\(label).err", "\(label).static"]
      }
      header += spectrum.validity(request).map { ("validity.\(kind).\($0.label)", $0.text) }
    }
    let curves = comparison.curves
    header.append(
      ("column.*.continuity", "|2 J K_Sigma - i omega K_s| / max |2 J K_Sigma| of the full K"))
    names += curves.map { "\($0.impurities.rawValue).\($0.dressing.rawValue).continuity" }
    header.append(("note", comparison.explanation))
    header.append(provenance.footer)
    let omegas = comparison.parts[0].spectrum.omegas
    let rows = omegas.indices.map { n -> [Double?] in
      var row: [Double?] = [omegas[n]]
      for (_, spectrum) in comparison.parts {
        for column in spectrum.columns {
          let value = column.values[n]
          row += [
            value?.dynamic.real, value?.dynamic.imaginary, value?.error, column.staticPart?.real,
          ]
        }
      }
      for curve in curves {
        row.append(
          curve.omegas.firstIndex(of: omegas[n]).map { curve.continuityResiduals[$0] })
      }
      return row
    }
    self.init(header: header, columns: names, rows: rows)
  }
}

extension Comparison {
  /// What the low-frequency limits mean, in one sentence.
  public var explanation: String {
    "With site impurities the ladder restores spin continuity, 2 J K_Sigma = i omega K_s with K_s(0) = 0, and removes the torque of a direct current (K_Sigma/omega -> 0), which the bare bubble leaves finite; with the paper's scba impurities the static part K_s(0) of the projected loop survives, and with it a direct-current torque, bare and ladder alike."
  }

  /// The table for the terminal.
  public func summary() -> String {
    let request = parts[0].request
    func cells(_ texts: [String]) -> String {
      zip(texts, [13, 12, 12, 20, 14, 0]).map { text, width in
        text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
      }.joined()
    }
    var lines = [
      "\(request.model.name): mu = \(request.mu), T = \(request.temperature), \(parts.map { $0.request.lifetime.description }.joined(separator: " and ")), 2 J = \(significant(2 * request.model.exchange))",
      cells([
        "", "resonance", "width", "|K_Sigma/omega|", "continuity", "gauge",
      ]),
      cells([
        "", "at omega", "(FWHM)", "at the lowest omega", "residual", "residual",
      ]),
    ]
    for curve in curves {
      let peak = curve.resonance
      lines.append(
        cells([
          curve.name, peak.map { significant($0.position, digits: 4) } ?? "none",
          peak.map { $0.width == 0 ? "0 (pole)" : significant($0.width, digits: 2) } ?? "-",
          curve.perField.first.map { significant($0.length, digits: 4) } ?? "-",
          curve.continuityResiduals.max().map { significant($0, digits: 2) } ?? "-",
          curve.impurities == .site
            ? significant(curve.gaugeResidual, digits: 2)
            : "\(significant(curve.gaugeResidual, digits: 2)) (projected loops)",
        ]))
    }
    return lines.joined(separator: "\n") + "\n\(explanation)\n"
  }
}

/// A picture that gnuplot draws.
public struct Picture: Sendable {
  /// The kinds of pictures, by the file's ending.
  public enum Format: String, Sendable, CaseIterable {
    case svg, png, pdf
    /// The format of a path, by its ending.
    public init?(path: String) {
      guard let dot = path.lastIndex(of: ".") else { return nil }
      self.init(rawValue: path[path.index(after: dot)...].lowercased())
    }

    /// One column of a journal, 8.6 cm wide.
    var terminal: String {
      switch self {
      case .svg: "svg size 344,430 font 'Helvetica,11' background 'white'"
      case .png: "pngcairo size 1376,1720 font 'Helvetica,11' fontscale 4 linewidth 4"
      case .pdf: "pdfcairo size 8.6cm,10.75cm font 'Helvetica,8'"
      }
    }
  }

  /// gnuplot's commands, without the terminal and the output.
  let script: String

  /// The picture of a comparison: |K_Sigma/omega| against omega, `scba` above, `site` below.
  public init(_ comparison: Comparison, units: (energy: String, length: String)) {
    let request = comparison.parts[0].request
    let j = request.model.exchange
    let d = request.model.dimension
    let unit =
      d == 2
      ? "1/\(units.energy)" : "\(units.length)^{\(2 - d)}/\(units.energy)"
    var text = """
      set encoding utf8
      set multiplot layout 2,1 margins 0.19,0.96,0.11,0.97 spacing 0,0.03
      set logscale y
      set format y '10^{%T}'
      set xrange [0:\(request.omegas.max() ?? 1)]
      set ytics offset 0.4,0
      set ylabel \(quote("|K_{Σ}/ω| (\(unit))")) offset 1.2,0
      set key top left samplen 2 spacing 1.0
      set arrow 1 from \(2 * j), graph 0 to \(2 * j), graph 1 nohead dt 3 lc rgb '#888888'

      """
    for impurities in Impurities.allCases {
      let curves = comparison.curves.filter { $0.impurities == impurities }
      let isLast = impurities == .site
      text += isLast ? "set format x '%g'\n" : "set format x ''\n"
      text +=
        isLast ? "set xlabel \(quote("ħω (\(units.energy))")) offset 0,0.4\n" : "unset xlabel\n"
      let values = curves.flatMap { $0.perField.map(\.length) }.filter { $0 > 0 }.sorted()
      // The pole of the closed form must not set the scale.
      let damped = curves.filter { $0.dressing != .closed }.flatMap { $0.perField.map(\.length) }
      if let low = values.first, let high = damped.max() {
        text += "set yrange [\(low / 2):\(high * 30)]\n"
      }
      let title =
        impurities == .scba
        ? "scba: diagrams (a) + (d)" : "site: all diagrams"
      text += "set label 1 \(quote(title)) at graph 0.97,0.06 right\n"
      text += "set label 2 '2J' at \(2 * j), graph 0.93 offset 0.5,0 textcolor rgb '#666666'\n"
      var plots: [String] = []
      for (n, curve) in curves.enumerated() {
        text += "$c\(impurities.rawValue)\(n) << EOD\n"
        for (omega, value) in zip(curve.omegas, curve.perField) {
          // The lines of the closed form end at its pole.
          if curve.dressing == .closed, let last = plotted(curve, before: omega),
            last < 2 * j, omega > 2 * j
          {
            text += "\n"
          }
          text += "\(omega) \(value.length)\n"
        }
        text += "EOD\n"
        let style =
          switch curve.dressing {
          case .bare: "dt 2 lw 1.5 lc rgb '#0072b2' title 'bare bubble'"
          case .ladder: "dt 1 lw 2 lc rgb '#d55e00' title 'ladder'"
          default: "dt 4 lw 1.5 lc rgb '#009e73' title 'closed form'"
          }
        plots.append("$c\(impurities.rawValue)\(n) using 1:2 with lines \(style)")
      }
      text += plots.isEmpty ? "" : "plot " + plots.joined(separator: ", ") + "\n"
    }
    script = text + "unset multiplot\n"
  }

  /// Draws the picture and writes it as a whole or not at all.
  /// - Throws: ``OutputError``.
  public func write(to path: String, overwrite: Bool) throws(OutputError) {
    guard let format = Format(path: path) else {
      throw .cannotCreate(path: path, reason: "found another ending; expected .svg, .png or .pdf")
    }
    let bytes: Data
    do {
      bytes = try drawn(format)
    } catch let error as Trouble {
      throw .tool(path: path, reason: error.description)
    } catch {
      throw .tool(path: path, reason: error.localizedDescription)
    }
    try OutputFile(path: path, overwrite: overwrite).write(Array(bytes))
  }

  /// Finds out before a long computation whether ``write(to:overwrite:)`` would fail.
  /// - Throws: ``OutputError``.
  public static func checkWritable(path: String, overwrite: Bool) throws(OutputError) {
    guard Format(path: path) != nil else {
      throw .cannotCreate(path: path, reason: "found another ending; expected .svg, .png or .pdf")
    }
    guard gnuplot != nil else { throw .tool(path: path, reason: missing.description) }
    try OutputFile(path: path, overwrite: overwrite).check()
  }

  private struct Trouble: Error, CustomStringConvertible {
    let description: String
  }

  private static let missing = Trouble(
    description: "found no gnuplot in PATH; expected it there (Debian: gnuplot-nox)")

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

  /// The bytes that gnuplot makes.
  func drawn(_ format: Format) throws -> Data {
    guard let gnuplot = Picture.gnuplot else { throw Picture.missing }
    let files = FileManager.default
    let folder = files.temporaryDirectory.appending(path: "kubo-\(UUID().uuidString)")
    try Unfinished.step { state in
      guard mkdir(folder.path, 0o700) == 0 else {
        throw Trouble(
          description:
            "found \(String(cString: strerror(errno))) for \(files.temporaryDirectory.path); "
            + "expected a folder TMPDIR for temporary files")
      }
      state.folders.insert(folder.path)
    }
    defer {
      Unfinished.step { state in
        try? files.removeItem(at: folder)
        state.folders.remove(folder.path)
      }
    }
    let (commands, picture, messages) = (
      folder.appending(path: "commands"), folder.appending(path: "picture"),
      folder.appending(path: "messages")
    )
    try "set terminal \(format.terminal)\nset output 'picture'\n\(script)".write(
      to: commands, atomically: false, encoding: .utf8)
    _ = files.createFile(atPath: messages.path, contents: nil)
    let process = Process()
    process.executableURL = URL(filePath: gnuplot)
    // -d: whatever the user's own settings are, the picture is the same.
    process.arguments = ["-d", "commands"]
    process.currentDirectoryURL = folder
    process.standardError = try FileHandle(forWritingTo: messages)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    do {
      try Unfinished.step { state in
        try process.run()
        state.processes.insert(process.processIdentifier)
      }
    } catch {
      throw Trouble(description: "found \(gnuplot), which cannot be run; expected gnuplot")
    }
    process.waitUntilExit()
    Unfinished.step { state in _ = state.processes.remove(process.processIdentifier) }
    let bytes = (try? Data(contentsOf: picture)) ?? Data()
    guard process.terminationStatus == 0, !bytes.isEmpty else {
      let text = (try? String(contentsOf: messages, encoding: .utf8)) ?? ""
      throw Trouble(
        description: "found \(gnuplot) failing (\(firstLine(text))); expected a picture")
    }
    return bytes
  }

  private func firstLine(_ text: String) -> String {
    text.split(separator: "\n").first { !$0.allSatisfy { $0 == " " || $0 == "^" } }
      .map { shortened(String($0)) } ?? "no message"
  }
}

/// The frequency plotted before `omega`.
private func plotted(_ curve: Comparison.Curve, before omega: Double) -> Double? {
  curve.omegas.last { $0 < omega }
}

/// A string for gnuplot, in which a quote is doubled.
private func quote(_ text: String) -> String {
  "'" + oneLine(text).replacing("'", with: "''") + "'"
}
