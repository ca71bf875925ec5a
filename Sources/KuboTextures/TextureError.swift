// SPDX-License-Identifier: GPL-3.0-or-later
import KuboWork

/// Why a texture has no trajectory; each names the number that is to blame.
public enum TextureError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A wall of this width in nm has too few nodes; the time in ps.
  case coarse(width: Double, spacing: Double, time: Double)
  /// A wall of this width is too near to an end of the line; nm, ps.
  case nearEnd(distance: Double, width: Double, time: Double)
  /// A wall reaches an end of the line, or walls have vanished, at this time in ps.
  case left(time: Double)
  /// The direct current makes magnons of wave number k grow at this rate; 1/ps, 1/nm.
  case unstable(
    growth: Double, waveNumber: Double, torque: Double, damping: Double, velocity: Double)
  /// GSL gave up at this time in ps.
  case integration(reason: String, time: Double)
  /// No memory for so many nodes.
  case memory(nodes: Int)

  /// Walls have at least so many nodes in their width.
  public static let nodesPerWidth = 10.0
  /// Walls keep so many widths from the ends.
  public static let widthsToEnd = 8.0

  /// Whether another current would do, and no other line.
  public var isOfTheCurrent: Bool {
    if case .unstable = self { true } else { false }
  }

  /// One line for a message.
  public var description: String {
    func ps(_ x: Double) -> String { "\(significant(x, digits: 4)) ps" }
    func nm(_ x: Double) -> String { "\(significant(x, digits: 4)) nm" }
    switch self {
    case .coarse(let width, let spacing, let time):
      return
        "t = \(ps(time)): found a wall of width \(nm(width)) on nodes \(nm(spacing)) apart, "
        + "\(significant(width / spacing)) of them; expected "
        + "\(significant(TextureError.nodesPerWidth)) or more"
    case .nearEnd(let distance, let width, let time):
      return
        "t = \(ps(time)): found a wall of width \(nm(width)) at \(nm(distance)) from an end of the line; "
        + "expected \(significant(TextureError.widthsToEnd)) widths, "
        + "\(nm(TextureError.widthsToEnd * width)), or more: take a longer line or a shorter time"
    case .left(let time):
      return
        "t = \(ps(time)): found a wall at an end of the line, or one less than before; "
        + "expected walls that stay: take a longer line or a shorter time"
    case .unstable(let growth, let k, let torque, let damping, let velocity):
      let found =
        damping > 0
        ? "found |v_na|/alpha_n = \(significant(abs(torque) / damping)) nm/ps; "
          + "expected less than the magnon velocity \(significant(velocity)) nm/ps"
        : "found v_na = \(significant(torque)) nm/ps without damping; expected damping, or no v_na"
      return
        "the direct current makes the uniform state unstable: magnons of wave number "
        + "\(significant(k)) nm^-1 grow at \(significant(growth)) ps^-1; \(found)"
    case .integration(let reason, let time):
      return "t = \(ps(time)): the integration failed: \(reason)"
    case .memory(let nodes): return "no memory for \(nodes) nodes"
    }
  }
}
