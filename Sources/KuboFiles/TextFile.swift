// SPDX-License-Identifier: GPL-3.0-or-later

/// A text to be written as a whole or not at all, as a table for people.
public struct TextFile: Sendable {
  /// The text.
  public let text: String

  /// A file with this text.
  public init(_ text: String) { self.text = text }

  /// Writes the file.
  /// - Parameters:
  ///   - path: where.
  ///   - overwrite: whether an existing file may be replaced.
  /// - Throws: ``OutputError``.
  public func write(to path: String, overwrite: Bool) throws(OutputError) {
    try OutputFile(path: path, overwrite: overwrite).write(Array(text.utf8))
  }
}
