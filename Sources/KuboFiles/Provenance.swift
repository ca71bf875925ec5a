// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// What every output says about where its numbers come from.
public struct Provenance: Sendable {
  /// The program and its version, when the run began, as in `2026-01-31T12:00:00Z`, and the command line that was given.
  public var program, date, command: String
  /// The model file, and the parameters that replaced its own.
  public var model: ModelFile
  /// Parameters set on the command line.
  public var settings: [String: Double]
  /// What the model's units are, if that was given.
  public var units: PhysicalUnits?
  /// The diagrams of the installation and the user's own, if loops were evaluated.
  public var diagrams: DiagramLibrary?
  /// Where the chemical potential comes from, if that is a filling.
  public var filling: Filling?
  /// Seconds from start to finish; nil for an output that is to be the same to the byte each time.
  public var wallTime: Double?

  /// The provenance of an output.
  public init(
    program: String, date: String, command: String, model: ModelFile, settings: [String: Double],
    units: PhysicalUnits? = nil, diagrams: DiagramLibrary? = nil, filling: Filling? = nil,
    wallTime: Double?
  ) {
    (self.program, self.date, self.command, self.model) = (program, date, command, model)
    (self.settings, self.units, self.diagrams) = (settings, units, diagrams)
    (self.filling, self.wallTime) = (filling, wallTime)
  }

  /// The values of the model's parameters.
  public var parameters: [(name: String, value: Double)] {
    model.parameters.map { ($0.name, settings[$0.name] ?? $0.value) }
  }

  /// The first header lines of every CSV.
  var header: Header {
    var lines: Header = [
      ("program", program), ("date", date), ("command", command), ("model", model.name),
      ("model_file", model.path), ("model_sha256", model.sha256),
    ]
    lines += parameters.map { ("parameter.\($0.name)", "\($0.value)") }
    lines.append(("units.energy", model.units.energy))
    lines.append(("units.length", model.units.length))
    lines.append(("units", "hbar = k_B = |e| = 1"))
    if let units { lines.append(("units.energy_eV", "\(units.energy)")) }
    if let length = units?.length { lines.append(("units.length_nm", "\(length)")) }
    if let filling {
      lines += [
        ("filling", "\(filling.electrons)"), ("filling.mu", "\(filling.mu)"),
        ("filling.mu_error", "\(filling.error)"), ("filling.of", filling.meaning),
      ]
    }
    return lines
  }

  /// The last header lines of every CSV: the wall time, and the files that were read, so that the table alone
  /// can be computed again. Of the shipped diagrams, which belong to the program, there is a digest.
  var footer: Header {
    var lines: Header = []
    if let wallTime { lines.append(("wall_time_s", "\((wallTime * 1000).rounded() / 1000)")) }
    if let diagrams { lines.append(("shipped_diagrams_sha256", diagrams.shippedDigest)) }
    let own = (diagrams?.own ?? []).map(\.input)
    // A table that holds more could not be read again: such a run needs its files.
    guard own.reduce(model.input.bytes.count, { $0 + $1.bytes.count }) <= 1 << 21 else {
      return lines
    }
    lines += Provenance.lines("model_text", model.input)
    for file in own {
      lines += [("diagram_file", file.path), ("diagram_sha256", file.sha256)]
      lines += Provenance.lines("diagram_text", file)
    }
    return lines
  }

  /// A header line for each line of the file, or one with all of them if they are very many.
  private static func lines(_ key: HeaderKey, _ file: InputFile) -> Header {
    let lines = file.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return (lines.count <= 10_000 ? lines : [file.bytes[...]]).map {
      (key, String(decoding: $0, as: UTF8.self))
    }
  }
}
