// SPDX-License-Identifier: GPL-3.0-or-later

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

/// A model that cannot be: what was found at which place, and what was expected.
public struct ModelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Which part of the model is wrong.
  public let place: ModelPlace
  /// What stands there.
  public let found: String
  /// What should stand there.
  public let expected: String

  init(_ place: ModelPlace, found: String, expected: String) {
    self.place = place
    self.found = found
    self.expected = expected
  }

  /// One line for a message.
  public var description: String { "found \(found); expected \(expected)" }
}
