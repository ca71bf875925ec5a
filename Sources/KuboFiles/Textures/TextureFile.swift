// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import KuboTextures

/// A texture as a file declares it (`data/textures/*.yaml`): the line, the material, how it begins, the current, the torques, and
/// when to look. Lengths in nm, times in ps, energies in meV, current densities in A/m^2.
public struct TextureFile: Sendable {
  /// How the texture begins.
  public enum Start: Sendable {
    /// As a configuration at t = 0.
    case configuration(TextureStart)
    /// As in a file of states; the path is relative to the texture file.
    case state(path: String)
  }

  /// The file's content, with the path as the user gave it.
  let input: InputFile
  /// The path as the user gave it, from which paths in the file begin.
  public let path: String
  /// The SHA-256 of the file's content, 64 hexadecimal digits.
  public let sha256: String
  /// The name of the texture, an identifier.
  public let name: String
  /// What it is, for a reader.
  public let description: String
  /// The line.
  public let line: TextureLine
  /// The material.
  public let material: TextureMaterial
  /// How it begins.
  public let start: Start
  /// The end, the distance of rows, and that of snapshots, in ps.
  public let schedule: (end: Double, step: Double, snapshot: Double)
  /// The current; none is one without terms.
  public let current: TextureCurrent
  /// Where its torques come from; nil without a current.
  public let torque: TextureTorque?

  /// The most rows of a table, and the most nodes of a line.
  static let rowLimit = 100_000
  static let nodeLimit = 1_000_000

  /// Reads and checks a texture file.
  /// - Throws: ``FileError``, with line and key.
  public static func read(path: String) throws(FileError) -> TextureFile {
    try TextureFile(InputFile(path: path))
  }

  /// The same for the content of a file; `path` names it in messages.
  public static func read(_ bytes: [UInt8], path: String) throws(FileError) -> TextureFile {
    try TextureFile(InputFile(path: path, bytes: bytes))
  }

  /// Reads the content of a file, which stood at another path.
  init(_ input: InputFile, at path: String? = nil) throws(FileError) {
    self.path = path ?? input.path
    let content = try YAMLValue(input)
    let root = try content.fields(
      ["name", "description", "line", "material", "start", "time"],
      optional: ["damping", "pins", "current", "torque"])
    (self.input, sha256) = (input, input.sha256)
    name = try root["name"]!.name()
    description = try root["description"]!.prose()
    line = try TextureFile.line(root["line"]!)
    var material = try TextureFile.material(root["material"]!)
    if let damping = root["damping"] { try TextureFile.damp(&material, damping) }
    material.pins = try root["pins"]?.pins() ?? []
    self.material = material
    let schedule = try TextureFile.schedule(root["time"]!)
    self.schedule = schedule
    start = try TextureFile.start(root["start"]!, material, line)
    current =
      try root["current"].map { value throws(FileError) in
        try TextureFile.current(value, end: schedule.end)
      } ?? TextureCurrent([])
    torque = try root["torque"].map { value throws(FileError) in try TextureTorque(value) }
    if let value = root["current"], torque == nil {
      throw value.refusal("the key torque beside it", found: "a current without torques")
    }
    if let value = root["torque"], root["current"] == nil {
      throw value.refusal("the key current beside it", found: "torques without a current")
    }
    if material.anisotropy > 0, material.wallWidth < TextureError.nodesPerWidth * line.spacing {
      let value = root["line"]!
      throw value.refusal(
        "\(Int(TextureError.nodesPerWidth)) nodes or more in the width of a wall",
        found:
          "\(significant(material.wallWidth / line.spacing)) nodes in the width sqrt(A/K) = "
          + "\(significant(material.wallWidth, digits: 4)) nm"
      )
    }
  }

  /// When there are rows: at the multiples of the step from the time of a state to the end.
  public func times(from start: Double) -> [Double] {
    let (end, step) = (schedule.end, schedule.step)
    let first = Int((start / step - 1e-9).rounded(.up))
    let last = Int((end / step + 1e-9).rounded(.down))
    return first > last ? [] : (first...last).map { Double($0) * step }
  }

  /// Whether there is a snapshot at a time of the rows.
  public func hasSnapshot(at time: Double) -> Bool {
    let count = time / schedule.snapshot
    return abs(count - count.rounded()) < 1e-6
  }

  // MARK: Parts

  private static func line(_ value: YAMLValue) throws(FileError) -> TextureLine {
    let fields = try value.fields(["length", "nodes"], optional: ["ring"])
    let nodes = try fields["nodes"]!.integer(expected: "a number of nodes, 8 to \(nodeLimit)")
    guard 8...nodeLimit ~= nodes else {
      throw fields["nodes"]!.refusal("a number of nodes, 8 to \(nodeLimit)")
    }
    return TextureLine(
      nodes: nodes, spacing: try fields["length"]!.positive("a length in nm") / Double(nodes),
      isPeriodic: try fields["ring"]?.boolean() ?? false)
  }

  private static func material(_ value: YAMLValue) throws(FileError) -> TextureMaterial {
    let own = ["stiffness", "homogeneous"]
    let fields = try value.fields(
      ["spin", "anisotropy"], optional: own + ["exchange", "hard_axis", "dmi", "field"])
    let spin = try fields["spin"]!.positive("a spin N")
    let k = try fields["anisotropy"]!.atLeastZero("an energy K in meV")
    var material: TextureMaterial
    if let exchange = fields["exchange"] {
      if let other = own.compactMap({ fields[$0] }).first {
        throw other.refusal("exchange, or stiffness and homogeneous", found: "both")
      }
      let parts = try exchange.fields("J", "neighbours")
      let offsets = try parts["neighbours"]!.numbers()
      guard offsets.contains(where: { $0 != 0 }), offsets.count <= 1000 else {
        throw parts["neighbours"]!.refusal(
          "the distances along x of the neighbours in nm, not all 0, at most 1000")
      }
      material = .heisenberg(
        spin: spin, exchange: try parts["J"]!.positive("an energy J in meV"), offsets: offsets,
        anisotropy: k)
    } else {
      guard let stiffness = fields["stiffness"], let homogeneous = fields["homogeneous"] else {
        throw value.refusal("exchange, or stiffness and homogeneous", found: "neither")
      }
      material = TextureMaterial(
        spin: spin, stiffness: try stiffness.positive("A in meV nm^2"),
        homogeneous: try homogeneous.positive("an energy a in meV"), anisotropy: k)
    }
    material.hardAxis = try fields["hard_axis"]?.number() ?? 0
    material.dmi = try fields["dmi"]?.number() ?? 0
    if let field = fields["field"] {
      material.field = try field.numbers()
      guard material.field.count == 3 else { throw field.refusal("three energies in meV") }
    }
    return material
  }

  private static func damp(
    _ material: inout TextureMaterial, _ value: YAMLValue
  ) throws(FileError) {
    let fields = try value.fields(["alpha"], optional: ["alpha_c"])
    let alpha = try fields["alpha"]!.atLeastZero("a damping")
    let between = try fields["alpha_c"]?.number() ?? 0
    guard abs(between) <= alpha else {
      throw fields["alpha_c"]!.refusal("at most alpha = \(alpha) in magnitude")
    }
    (material.dampingN, material.dampingM) = (alpha - between, alpha + between)
  }

  private static func schedule(
    _ value: YAMLValue
  ) throws(FileError) -> (end: Double, step: Double, snapshot: Double) {
    let fields = try value.fields(["end", "step"], optional: ["snapshot"])
    let end = try fields["end"]!.positive("a time in ps")
    let step = try fields["step"]!.positive("a time in ps")
    guard step <= end, end / step <= Double(rowLimit) else {
      throw fields["step"]!.refusal(
        "from \(significant(end / Double(rowLimit))) to \(significant(end)) ps, the end")
    }
    guard let value = fields["snapshot"] else { return (end, step, 10 * step) }
    let snapshot = try value.positive("a time in ps")
    let ratio = snapshot / step
    guard ratio > 0.5, abs(ratio - ratio.rounded()) < 1e-9 * ratio else {
      throw value.refusal("a multiple of the step \(significant(step, digits: 6)) ps")
    }
    return (end, step, snapshot)
  }

  private static func current(
    _ value: YAMLValue, end: Double
  ) throws(FileError) -> TextureCurrent {
    let fields = try value.fields([], optional: ["direct", "harmonics", "pulse"])
    if let pulse = fields["pulse"] {
      if let other = fields["direct"] ?? fields["harmonics"] {
        throw other.refusal("pulse alone", found: "a current beside a pulse")
      }
      return try self.pulse(pulse, end: end)
    }
    var terms: [TextureCurrent.Harmonic] = []
    if let direct = fields["direct"] {
      terms.append(.init(omega: 0, density: Complex(try direct.number())))
    }
    for item in try fields["harmonics"]?.list() ?? [] {
      let parts = try item.fields(["omega", "density"], optional: ["phase"])
      let omega = try parts["omega"]!.positive("a frequency in 1/ps")
      guard !terms.contains(where: { $0.omega == omega }) else {
        throw parts["omega"]!.refusal("each frequency once")
      }
      terms.append(
        .init(
          omega: omega,
          density: Complex(
            length: try parts["density"]!.positive("a current density in A/m^2"),
            phase: try parts["phase"]?.number() ?? 0)))
    }
    guard !terms.isEmpty, terms.count <= 100 else {
      throw value.refusal(
        "direct, harmonics or pulse, of 1 to 100 terms", found: "\(terms.count) terms")
    }
    return TextureCurrent(terms)
  }

  /// j exp(-(t - centre)^2/2 width^2) cos(omega (t - centre) + chirp (t - centre)^2), periodic beyond the run.
  private static func pulse(_ value: YAMLValue, end: Double) throws(FileError) -> TextureCurrent {
    let fields = try value.fields(["density", "centre", "width"], optional: ["omega", "chirp"])
    let density = try fields["density"]!.positive("a current density in A/m^2")
    let centre = try fields["centre"]!.atLeastZero("a time in ps")
    let width = try fields["width"]!.positive("a time in ps")
    let omega = try fields["omega"]?.atLeastZero("a frequency in 1/ps") ?? 0
    let chirp = try fields["chirp"]?.number() ?? 0
    // exp(-40) = 4e-18; and 10 ps for electrons to forget it.
    let begin = min(0, centre - 9 * width)
    let window = max(end, centre + 9 * width) + 9 * width + 10 - begin
    // Half a standard deviation, and half the inverse of the highest frequency.
    let resolution = 0.5 * min(width, 1 / (omega + 18 * abs(chirp) * width + 1 / width))
    let current = TextureCurrent.pulse(
      from: begin, window: window, resolution: resolution
    ) { t in
      let u = t - centre
      return density * exp(-u * u / (2 * width * width)) * cos(omega * u + chirp * u * u)
    }
    guard let current else {
      throw value.refusal(
        "a pulse that 16384 points in \(significant(window)) ps resolve: a longer width, a lower frequency or a shorter time"
      )
    }
    return current
  }
}

extension YAMLValue {
  /// A number above 0.
  func positive(_ what: String) throws(FileError) -> Double {
    let value = try number(expected: "\(what), above 0")
    guard value > 0, value < 1e100 else { throw refusal("\(what), above 0") }
    return value
  }

  /// A number that is not negative.
  func atLeastZero(_ what: String) throws(FileError) -> Double {
    let value = try number(expected: "\(what), 0 or more")
    guard value >= 0, value < 1e100 else { throw refusal("\(what), 0 or more") }
    return value
  }

  /// true or false.
  func boolean() throws(FileError) -> Bool {
    guard case .scalar(let text, quoted: false) = content, ["true", "false"].contains(text) else {
      throw refusal("true or false")
    }
    return text == "true"
  }

  /// Places where the anisotropy is smaller.
  fileprivate func pins() throws(FileError) -> [TextureMaterial.Pin] {
    let items = try list(expected: "a list of pins")
    guard items.count <= 1000 else {
      throw refusal("at most 1000", found: "\(items.count) pins")
    }
    return try items.map { item throws(FileError) in
      let fields = try item.fields("centre", "depth", "width")
      let depth = try fields["depth"]!.number()
      guard depth < 1 else { throw fields["depth"]!.refusal("a part of K, below 1") }
      return .init(
        centre: try fields["centre"]!.number(), depth: depth,
        width: try fields["width"]!.positive("a length in nm"))
    }
  }
}
