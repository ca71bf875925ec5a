// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import KuboTextures

/// What every table of a texture says about where its numbers come from.
public struct TextureProvenance: Sendable {
  /// The program and its version, when the run began, and the command line that was given.
  public var program, date, command: String
  /// The texture.
  public var file: TextureFile
  /// Other files that were read: what they are, their paths and contents' SHA-256.
  public var inputs: [(what: String, path: String, sha256: String)]
  /// Seconds from start to finish; nil for an output that is to be the same to the byte each time.
  public var wallTime: Double?

  /// The provenance of a table.
  public init(
    program: String, date: String, command: String, file: TextureFile,
    inputs: [(what: String, path: String, sha256: String)], wallTime: Double?
  ) {
    (self.program, self.date, self.command, self.file) = (program, date, command, file)
    (self.inputs, self.wallTime) = (inputs, wallTime)
  }

  /// The first lines: what was run.
  fileprivate var header: Header {
    let own: Header = [
      ("program", program), ("date", date), ("command", command), ("texture", file.name),
      ("texture_file", file.path), ("texture_sha256", file.sha256),
    ]
    return own + inputs.map { ("input", "\($0.what) \($0.sha256) \($0.path)") }
  }

  /// The last lines: the texture file itself, so that the table alone can be computed again.
  fileprivate var footer: Header {
    var lines: Header = []
    if let wallTime { lines.append(("wall_time_s", "\((wallTime * 1000).rounded() / 1000)")) }
    return lines
      + file.input.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { ("texture_text", String(decoding: $0, as: UTF8.self)) }
  }
}

extension CSVFile {
  /// The observables of a trajectory: `t`, then for each ``TextureQuantity`` its value and `.err`, of `X`, `width` and `Phi` of a
  /// wall `.closed` too, and what the balances of energy and momentum leave, `.residual`.
  public init(
    _ rows: [TextureTrajectory.Row], request: TextureRequest, provenance: TextureProvenance
  ) {
    var columns: [(column: Column, values: [Double?])] = [(Column("t"), rows.map(\.time))]
    for quantity in TextureQuantity.allCases {
      let values = rows.map { $0.values[quantity] }
      guard values.contains(where: { $0 != nil }) else { continue }
      let column = Column(quantity.rawValue)
      columns += [
        (column, values.map { $0?.value }), (column.with(.error), values.map { $0?.error }),
      ]
      let closed: ((TextureTrajectory.Row) -> Double?)? =
        switch quantity {
        case .position: { $0.collective?.position }
        case .width: { $0.collective?.width }
        case .angle: { $0.collective?.angle }
        default: nil
        }
      if let closed, rows.contains(where: { $0.collective != nil }) {
        columns.append((Column(quantity.rawValue, route: .closed), rows.map(closed)))
      }
    }
    columns.append(
      (Column(TextureQuantity.energy.rawValue, part: .residual), rows.map(\.energyResidual)))
    columns.append(
      (Column(TextureQuantity.momentum.rawValue, part: .residual), rows.map(\.momentumResidual)))
    var header = provenance.header + request.header
    header += [
      ("unit.t", "ps"),
      ("column.*.err", "bound on what grid, steps and ends of the line make it err"),
      ("column.X.err", "with what the bounds of the torques can do, by linear response; V.err too"),
      ("column.*.closed", "rigid wall"),
      ("column.energy.residual", "what the work of damping and torques leaves"),
      ("column.P.residual", "what the law of momentum leaves"),
    ]
    for quantity in TextureQuantity.allCases {
      header.append(("unit.\(quantity.rawValue)", quantity.unit))
    }
    self.init(header: header + provenance.footer, columns)
  }

  /// A state: `x` and n and mu at the nodes, and those of the other two trajectories that bounds come from (`half.*`,
  /// `strict.*`); from such a file a run goes on to the same bits.
  public init(
    _ checkpoint: TextureCheckpoint, request: TextureRequest, provenance: TextureProvenance
  ) {
    let (line, states) = (request.line, checkpoint.states)
    let count = states.map(\.nodes).max()!
    func cells(_ values: some Collection<Double>) -> [Double?] {
      values.map { $0 } + [Double?](repeating: nil, count: count - values.count)
    }
    var columns = [
      (column: Column("x"), values: cells((0..<line.nodes).map { line.position($0) }))
    ]
    var header = provenance.header + request.header
    header += [
      ("time_ps", "\(states[0].time)"), ("unit.x", "nm"), ("nodes", "\(line.nodes)"),
      ("length_nm", "\(line.length)"), ("ring", "\(line.isPeriodic)"),
      ("collective", checkpoint.collective.map(\.description).joined(separator: " ")),
    ]
    for (quantity, difference) in zip(TextureQuantity.allCases, checkpoint.differences) {
      header.append(("difference.\(quantity.rawValue)", "\(difference[0]) \(difference[1])"))
    }
    for (name, state) in zip(CSVFile.grids, states) {
      let end = state.values.count
      header.append(
        (
          HeaderKey("state.\(name)"),
          "\(state.nodes) \(state.step) \(state.values[end - 2]) \(state.values[end - 1])"
            + (state.angle.map { " \($0)" } ?? "")
        ))
      for (c, component) in CSVFile.components.enumerated() {
        columns.append(
          (Column(parsing: CSVFile.stateColumn(name, component)), cells(state[c])))
      }
    }
    self.init(header: header + provenance.footer, columns)
  }

  /// Other files that a texture's run has read, each `WHAT SHA-256 PATH`.
  public var inputs: [String] { header.filter { $0.key == "input" }.map(\.value) }

  fileprivate static let grids = ["main", "half", "strict"]
  fileprivate static let components = ["n_x", "n_y", "n_z", "mu_x", "mu_y", "mu_z"]

  fileprivate static func stateColumn(_ grid: String, _ component: String) -> String {
    grid == "main" ? component : "\(grid).\(component)"
  }
}

extension TextureQuantity {
  /// Its unit in tables.
  fileprivate var unit: String {
    switch self {
    case .position, .width, .cantingX, .cantingY, .cantingZ: "nm"
    case .angle: "rad"
    case .velocity: "nm/ps"
    case .energy: "meV nm"
    case .momentum: "1/ps"
    case .size: "1/nm"
    }
  }
}

extension TextureRequest {
  /// What was computed, and what follows from the material.
  fileprivate var header: Header {
    var lines: Header = [
      ("tolerance", "\(tolerance)"),
      ("wall_width_nm", material.anisotropy > 0 ? "\(material.wallWidth)" : "none"),
      ("magnon_velocity_nm_per_ps", "\(material.magnonVelocity)"),
      ("gap_per_ps", "\(material.gap)"), ("relaxation_per_ps", "\(material.relaxation)"),
    ]
    for (term, bound) in zip(drive.terms, drive.bounds).prefix(20) {
      func text(_ v: Complex<Double>, _ error: Double) -> String {
        "\(v.real + 0)\(v.imaginary == 0 ? "" : " + \(v.imaginary) i") +- \(error)"
      }
      lines.append(
        (
          "velocities",
          "omega = \(term.omega)/ps: v_n = \(text(term.n, bound.n)), v_m = \(text(term.m, bound.m)), "
            + "v_na = \(text(term.na, bound.na)) nm/ps"
        ))
    }
    if drive.terms.count > 20 { lines.append(("velocities", "and \(drive.terms.count - 20) more")) }
    return lines
  }
}

// MARK: States

extension TextureCheckpoint {
  /// Reads a file of states.
  /// - Throws: ``FileError`` for any other file, and for the state of another line.
  public static func read(
    path: String, for line: TextureLine
  ) throws(FileError) -> (checkpoint: TextureCheckpoint, sha256: String) {
    let input = try InputFile(path: path, limit: CSVFile.sizeLimit)
    let table = try CSVFile.read(input.bytes, path: path)
    func refusal(_ key: String, _ found: String, _ expected: String) -> FileError {
      FileError(.malformed, file: path, key: key, found: found, expected: expected)
    }
    func text(_ key: HeaderKey) throws(FileError) -> String {
      guard let text = table[header: key] else {
        throw refusal(key.description, "none", "one, as in a state that kubo texture has written")
      }
      return text
    }
    func numbers(_ key: HeaderKey, _ counts: ClosedRange<Int>) throws(FileError) -> [Double] {
      let words = try text(key).split(separator: " ")
      let numbers = words.compactMap { CoreSchema.decimal($0) }
      guard numbers.count == words.count, counts.contains(numbers.count) else {
        throw refusal(
          key.description, quoted(words.joined(separator: " ")), "\(counts.upperBound) numbers")
      }
      return numbers
    }
    for (key, own) in [
      ("nodes", "\(line.nodes)"), ("length_nm", "\(line.length)"), ("ring", "\(line.isPeriodic)"),
    ] as [(HeaderKey, String)] {
      let found = try text(key)
      guard found == own else {
        throw refusal(key.description, found, "\(own), as the texture has")
      }
    }
    let time = try numbers("time_ps", 1...1)[0]
    var states: [TextureState] = []
    for grid in CSVFile.grids {
      let key = HeaderKey("state.\(grid)")
      let own = try numbers(key, 4...5)
      guard let nodes = Int(exactly: own[0]), 4...table.rows.count ~= nodes else {
        throw refusal(key.description, "\(own[0]) nodes", "at most \(table.rows.count)")
      }
      var values: [Double] = []
      values.reserveCapacity(6 * nodes + 2)
      for component in CSVFile.components {
        let name = CSVFile.stateColumn(grid, component)
        guard let column = table.columns.firstIndex(of: name) else {
          throw refusal(name, "no such column", "one")
        }
        for row in 0..<nodes {
          guard let value = table.rows[row][column], abs(value) < 1e6 else {
            throw refusal(name, "an empty or huge cell in row \(row + 1)", "a component of n or mu")
          }
          values.append(value)
        }
      }
      values += [own[2], own[3]]
      states.append(
        TextureState(
          time: time, step: own[1], values: values, angle: own.count == 5 ? own[4] : nil))
    }
    guard states[0].nodes == line.nodes else {
      throw refusal("state.main", "\(states[0].nodes) nodes", "\(line.nodes)")
    }
    for (n, state) in states.enumerated() {
      for j in 0..<state.nodes {
        let size = (0..<3).map { state.values[$0 * state.nodes + j] }.reduce(0) { $0 + $1 * $1 }
        guard abs(size - 1) < 1e-9, state.step > 0 else {
          throw refusal(
            "state.\(CSVFile.grids[n])", "|n|^2 = \(size) in row \(j + 1)", "1, and a step above 0")
        }
      }
    }
    var differences: [[Double]] = []
    for quantity in TextureQuantity.allCases {
      differences.append(try numbers("difference.\(quantity.rawValue)", 2...2))
    }
    let isRigid = try !text("collective").isEmpty
    return (
      TextureCheckpoint(
        states: states, collective: isRigid ? try numbers("collective", 4...4) : [],
        differences: differences), input.sha256
    )
  }
}

extension TextureTrajectory {
  /// A few lines for the terminal: the first, the last and the largest of each observable, with the bound.
  public func summary(_ request: TextureRequest) -> String {
    let widths = [10, 16, 16, 16, 14, 8]
    var lines = [
      "\(rows.count) times to \(significant(rows.last!.time, digits: 6)) ps, \(request.line.nodes) nodes, \(steps) steps",
      Table.line(["", "first", "last", "largest", "error bound", "unit"], widths),
    ]
    /// What is below its bound is 0 here.
    func text(_ value: TextureValue) -> String {
      abs(value.value) < value.error ? "0.0" : significant(value.value, digits: 7)
    }
    for quantity in TextureQuantity.allCases {
      let values = rows.compactMap { $0.values[quantity] }
      guard let first = values.first, let last = values.last else { continue }
      let largest = values.max { abs($0.value) < abs($1.value) }!
      lines.append(
        Table.line(
          [quantity.rawValue] + [first, last, largest].map(text)
            + [significant(values.map(\.error).max()!, digits: 1, .up), quantity.unit], widths))
    }
    if let wall = rows.last!.collective {
      lines.append(
        Table.line(
          ["X.closed", "", significant(wall.position + 0, digits: 7), "", "", "nm"], widths))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
