// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation

/// An input that cannot be used: where it is wrong, what was found there, what was expected.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The sort of fault, from which the command line chooses its exit status.
  public enum Kind: Sendable, Equatable {
    /// There is no such file, or it cannot be read as one.
    case noInput
    /// The file system does not permit reading.
    case permission
    /// The file's content is wrong.
    case malformed
    /// The file is right, but a parameter value that the user set is not.
    case setting
  }

  /// The sort of fault.
  public let kind: Kind
  /// The path as the user gave it.
  public let file: String
  /// The line, counted from 1; `nil` if the fault is not at one line.
  public let line: Int?
  /// The dotted path of the key, list items counted from 0, as in `inter_sublattice[2].vector`.
  public let key: String?
  /// What stands there; of a file that cannot be read why.
  public let found: String
  /// What should stand there; empty for a file that cannot be read.
  public let expected: String

  package init(
    _ kind: Kind, file: String, line: Int? = nil, key: String? = nil, found: String,
    expected: String
  ) {
    (self.kind, self.file, self.line) = (kind, file, line)
    (self.key, self.found, self.expected) = (key.flatMap { $0.isEmpty ? nil : $0 }, found, expected)
  }

  /// One line for a message: `square.yaml:12: lattice.vectors: found ...; expected ...`.
  ///
  /// Control characters from the file are escaped, so that a file cannot write to the terminal.
  public var description: String {
    if expected.isEmpty { return oneLine("cannot read '\(file)': \(found)") }
    var text = file
    if let line { text += ":\(line)" }
    if let key { text += ": \(key)" }
    return oneLine("\(text): found \(found); expected \(expected)")
  }
}

extension FileError {
  /// The error for a system call on `path` that failed with `code`.
  static func unreadable(_ path: String, _ code: CInt) -> FileError {
    FileError(
      code == EACCES || code == EPERM ? .permission : .noInput, file: path,
      found: systemReason(code, missing: "no such file"), expected: "")
  }
}

/// What the system says of an error, as the end of a sentence.
package func systemReason(_ code: CInt, missing: String = "no such file or folder") -> String {
  switch code {
  case ENOENT: return missing
  case EISDIR: return "it is a folder"
  case ENOTDIR: return "not a folder"
  default:
    let text = String(cString: strerror(code))
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}

/// `text` in quotation marks for a message, cut after 60 characters.
func quoted(_ text: String) -> String { "\"\(shortened(text))\"" }

/// `text` cut after 60 code points: one character may have any number of them.
func shortened(_ text: String) -> String {
  let scalars = text.unicodeScalars
  guard let end = scalars.index(scalars.startIndex, offsetBy: 60, limitedBy: scalars.endIndex),
    end < scalars.endIndex
  else { return text }
  return String(scalars[..<end]) + "..."
}
