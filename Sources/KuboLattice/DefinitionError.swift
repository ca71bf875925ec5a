// SPDX-License-Identifier: GPL-3.0-or-later
import KuboWork

/// The part of a model that an error is about; a file reader turns it into a line and a key.
public enum ModelPlace: Sendable, Equatable {
  /// The list of lattice vectors.
  case latticeVectors
  /// The hop with this index in the inter-sublattice list.
  case interSublattice(Int)
  /// The hop with this index in the intra-sublattice list.
  case intraSublattice(Int)
  /// The exchange energy J.
  case exchange
  /// The two lists of hops together.
  case hops
}

/// A model that cannot be.
public typealias ModelError = DefinitionError<ModelPlace>

/// A model or a diagram that cannot be: what was found at which place, and what was expected.
public struct DefinitionError<Place: Sendable & Equatable>: Error, Sendable, Equatable,
  CustomStringConvertible
{
  /// Which part is wrong.
  public let place: Place
  /// What stands there.
  public let found: String
  /// What should stand there.
  public let expected: String

  package init(_ place: Place, found: String, expected: String) {
    self.place = place
    self.found = found
    self.expected = expected
  }

  /// One line for a message.
  public var description: String { "found \(found); expected \(expected)" }
}

/// A request that cannot be answered: what was found and what was expected.
public struct RequestError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What the message is about, what was found, and what was expected.
  public let subject, found, expected: String

  package init(_ subject: String, found: String, expected: String) {
    self.subject = subject
    self.found = found
    self.expected = expected
  }

  /// One line for a message.
  public var description: String { "\(subject): found \(found); expected \(expected)" }

  /// Where products of energies leave the range of doubles, for levels up to `bands`.
  package static func largestEnergy(bands: Double) -> Double { 1e30 * max(bands, 1) }

  /// Refuses an energy beyond.
  package static func check(_ name: String, _ value: Double, bands: Double) throws(RequestError) {
    let largest = largestEnergy(bands: bands)
    try require(
      value.magnitude < largest, name, "\(value)",
      "a finite energy of magnitude below \(significant(largest))")
  }
}

/// Refuses what does not hold.
package func require(
  _ holds: Bool, _ subject: String, _ found: @autoclosure () -> String,
  _ expected: @autoclosure () -> String
) throws(RequestError) {
  guard holds else { throw RequestError(subject, found: found(), expected: expected()) }
}

/// The same of a part of a model or diagram.
package func require<Place>(
  _ holds: Bool, _ place: Place, _ found: @autoclosure () -> String,
  _ expected: @autoclosure () -> String
) throws(DefinitionError<Place>) {
  guard holds else { throw DefinitionError(place, found: found(), expected: expected()) }
}
