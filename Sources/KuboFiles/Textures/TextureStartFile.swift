// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import KuboTextures

extension TextureFile {
  /// How a texture begins: one key, the kind, with its numbers.
  static func start(
    _ value: YAMLValue, _ material: TextureMaterial, _ line: TextureLine
  ) throws(FileError) -> Start {
    let kinds = ["wall", "walls360", "uniform", "spiral", "wave", "state"]
    let fields = try value.fields([], optional: kinds)
    guard fields.count == 1, let (kind, part) = fields.first else {
      throw value.refusal(
        "one of \(kinds.joined(separator: ", "))", found: "\(fields.count) of them")
    }
    if ["wall", "walls360"].contains(kind) {
      guard material.anisotropy > 0 else {
        throw part.refusal("a material with anisotropy above 0", found: "walls without a width")
      }
      guard !line.isPeriodic else {
        throw part.refusal("a line that is no ring", found: "walls on a ring")
      }
    }
    switch kind {
    case "wall": return .configuration(try wall(part, material, line))
    case "walls360":
      let fields = try part.fields(["separation"], optional: ["position"])
      let separation = try fields["separation"]!.positive("a length in nm")
      let position = try fields["position"]?.number() ?? 0
      try checkEnds(part, abs(position) + separation / 2, material, line)
      return .configuration(.doubleWall(position: position, separation: separation))
    case "uniform":
      return .configuration(.uniform(tilt: try part.fields("tilt")["tilt"]!.number()))
    case "spiral":
      let turns = try part.fields("turns")["turns"]!
      guard line.isPeriodic else {
        throw part.refusal("a line with ring: true", found: "a spiral on a line with ends")
      }
      let count = try turns.integer()
      guard abs(count) * 20 <= line.nodes else {
        throw turns.refusal("at most \(line.nodes / 20): twenty nodes in each turn")
      }
      return .configuration(.spiral(turns: count))
    case "wave": return .configuration(try wave(part, line))
    default: return .state(path: try part.string(expected: "the path of a file of states"))
    }
  }

  private static func wall(
    _ value: YAMLValue, _ material: TextureMaterial, _ line: TextureLine
  ) throws(FileError) -> TextureStart {
    let fields = try value.fields(
      [], optional: ["position", "charge", "angle", "velocity", "rotation"])
    let position = try fields["position"]?.number() ?? 0
    let charge = try fields["charge"]?.integer() ?? 1
    guard abs(charge) == 1 else { throw fields["charge"]!.refusal("1 or -1") }
    let velocity = try fields["velocity"]?.number()
    let c = material.magnonVelocity
    if let velocity, abs(velocity) >= c {
      throw fields["velocity"]!.refusal(
        "below the magnon velocity c = \(significant(c, digits: 4)) nm/ps")
    }
    let rotation = try fields["rotation"]?.number() ?? 0
    if abs(rotation) >= material.gap {
      throw fields["rotation"]!.refusal(
        "below the gap omega_0 = \(significant(material.gap, digits: 4)) 1/ps")
    }
    try checkEnds(value, abs(position), material, line)
    return .wall(
      position: position, charge: charge, angle: try fields["angle"]?.number() ?? 0,
      velocity: velocity, rotation: rotation)
  }

  private static func wave(
    _ value: YAMLValue, _ line: TextureLine
  ) throws(FileError) -> TextureStart {
    let fields = try value.fields(
      ["amplitude", "wave_number"], optional: ["centre", "width", "frequency"])
    let amplitude = try fields["amplitude"]!.positive("an amplitude of n")
    guard amplitude <= 1 else { throw fields["amplitude"]!.refusal("at most 1") }
    let k = try fields["wave_number"]!.number()
    guard abs(k) * line.spacing <= 0.5 else {
      throw fields["wave_number"]!.refusal(
        "at most \(significant(0.5 / line.spacing)) 1/nm: a dozen nodes in a wave")
    }
    let width = try fields["width"]?.positive("a length in nm") ?? 0
    guard width > 0 || line.isPeriodic else {
      throw value.refusal("a width, or a line with ring: true", found: "a wave without ends")
    }
    var isPositive = true
    if let value = fields["frequency"] {
      isPositive = try value.choice(of: [("positive", true), ("negative", false)])
    }
    return .wave(
      amplitude: amplitude, k: k, centre: try fields["centre"]?.number() ?? 0, width: width,
      isPositive: isPositive)
  }

  /// Refuses a wall at this distance from the middle that is too near to an end.
  private static func checkEnds(
    _ value: YAMLValue, _ distance: Double, _ material: TextureMaterial, _ line: TextureLine
  ) throws(FileError) {
    let rest = line.length / 2 - distance
    let needed = TextureError.widthsToEnd * material.wallWidth
    guard rest >= needed else {
      throw value.refusal(
        "\(Int(TextureError.widthsToEnd)) widths, \(significant(needed, digits: 4)) nm, or more",
        found: "a wall \(significant(rest, digits: 4)) nm from an end of the line")
    }
  }
}
