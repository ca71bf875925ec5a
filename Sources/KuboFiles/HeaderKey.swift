// SPDX-License-Identifier: GPL-3.0-or-later

/// The lines above a table.
public typealias Header = [(key: HeaderKey, value: String)]

/// The key of a line above a table: tables write their headers by it, and whoever reads one asks it.
///
///     [FAMILY.]NAME    parameter.J  unit.dos  column.Y.bare  corner.2  lifetime  lifetime.site  mu  units.energy
public struct HeaderKey: Hashable, Sendable, CustomStringConvertible,
  ExpressibleByStringInterpolation
{
  /// What there are several lines of.
  package enum Family: String, Sendable {
    case parameter, unit, column, corner, lifetime, axis
  }

  package let family: Family?
  /// What of the family, or all of the key; of the lifetime of a whole table empty.
  package let name: String

  /// Reads a key.
  public init(_ text: String) {
    let words = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    family = words.last!.isEmpty ? nil : Family(rawValue: String(words[0]))
    name = family == nil ? text : words.count == 1 ? "" : String(words[1])
  }

  /// A key that the program writes.
  public init(stringLiteral text: String) { self.init(text) }

  /// As it stands in a table.
  public var description: String {
    [family?.rawValue, family != nil && name.isEmpty ? nil : name].compactMap(\.self)
      .joined(separator: ".")
  }

  /// Whether it says how long electrons live.
  var isLifetime: Bool { family == .lifetime }
}
