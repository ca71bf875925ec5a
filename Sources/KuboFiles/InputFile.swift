// SPDX-License-Identifier: GPL-3.0-or-later
import CMessageDigest
import Foundation

/// The bytes of an input file, read once, so that the digest belongs to what was parsed.
package struct InputFile: Sendable {
  /// The path as the user gave it.
  let path: String
  /// The content.
  package let bytes: [UInt8]

  /// The content of a file that somebody else has read.
  init(path: String, bytes: [UInt8], limit: Int = sizeLimit) throws(FileError) {
    self.path = path
    self.bytes = bytes
    try InputFile.checkSize(bytes.count, limit, path)
  }

  /// The largest file that is read, in bytes, unless one allows for more; model and diagram files
  /// have a few kilobytes.
  package static let sizeLimit = 1 << 20

  /// Reads a regular file of at most `limit` bytes.
  package init(path: String, limit: Int = sizeLimit) throws(FileError) {
    self.path = path
    // O_NONBLOCK: opening a named pipe must not wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError.unreadable(path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError.unreadable(path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw FileError(
        .noInput, file: path, found: isFolder ? "it is a folder" : "it is a device, pipe or socket",
        expected: "")
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    // The size is counted while reading: the file may grow, and some report a size of 0.
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw FileError.unreadable(path, errno) }
      if count == 0 { break }
      bytes += buffer[..<count]
      try InputFile.checkSize(bytes.count, limit, path)
    }
    self.bytes = bytes
  }

  private static func checkSize(_ count: Int, _ limit: Int, _ path: String) throws(FileError) {
    guard count <= limit else {
      throw FileError(
        .malformed, file: path, found: "more than \(limit) bytes",
        expected: "a file of at most \(limit) bytes")
    }
  }

  /// The SHA-256 of the content, 64 hexadecimal digits.
  var sha256: String {
    var text = [CChar](repeating: 0, count: 2 * Int(SHA256_DIGEST_LENGTH) + 1)
    SHA256Data(bytes, bytes.count, &text)
    return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The content as text without a byte order mark.
  func text() throws(FileError) -> String {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let content = bytes.starts(with: mark) ? bytes[3...] : bytes[...]
    if let text = String(validating: content, as: UTF8.self) { return text }
    // A line feed byte is never part of a longer UTF-8 sequence, so that lines decode one by one.
    let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }
    throw FileError(
      .malformed, file: path, line: line.map { $0 + 1 }, found: "bytes that are not UTF-8",
      expected: "UTF-8 text")
  }
}
