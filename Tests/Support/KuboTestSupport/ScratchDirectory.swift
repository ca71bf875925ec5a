// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation

/// A directory for one test, removed with its content at the end.
package final class ScratchDirectory {
  package let path: String

  package init() throws {
    path = FileManager.default.temporaryDirectory.path + "/kubo-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The names in the directory, hidden ones included, sorted.
  package func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  /// Writes a file of the directory and returns its path.
  package func file(_ name: String, _ text: String) throws -> String {
    try file(name, Array(text.utf8))
  }

  /// Writes a file of the directory and returns its path.
  package func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    return "\(path)/\(name)"
  }

  /// Makes a directory in the directory and returns its path.
  package func directory(_ name: String) throws -> String {
    try FileManager.default.createDirectory(
      atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    return "\(path)/\(name)"
  }
}

/// The repository, from the place of this file in it.
package let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// Whether `./test --long` runs.
package let areTestsLong = ProcessInfo.processInfo.environment["KUBO_LONG_TESTS"] != nil
