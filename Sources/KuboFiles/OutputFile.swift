// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation

/// An output that could not be written.
public enum OutputError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file exists, and overwriting was not allowed.
  case exists(path: String)
  /// The file cannot be made there.
  case cannotCreate(path: String, reason: String)
  /// The file system does not permit it.
  case permission(path: String)
  /// Writing failed halfway; nothing is left behind.
  case writeFailed(path: String, reason: String)
  /// Another process writes to the file.
  case inUse(path: String)
  /// The program that makes the file is missing or fails.
  case tool(path: String, reason: String)

  /// The path that stands for standard output.
  package static let standardOutput = "-"

  /// One line for a message.
  public var description: String {
    switch self {
    case .exists(let path):
      oneLine("'\(path)' exists already; choose another path, or --force to replace it")
    case .cannotCreate(let path, let reason): oneLine("cannot create '\(path)': \(reason)")
    case .permission(let path): oneLine("cannot write '\(path)': permission denied")
    case .writeFailed(OutputError.standardOutput, let reason):
      "cannot write to standard output: \(reason)"
    case .writeFailed(let path, let reason): oneLine("cannot write '\(path)': \(reason)")
    case .inUse(let path): oneLine("another process is writing '\(path)'")
    case .tool(let path, let reason): oneLine("cannot draw '\(path)': \(reason)")
    }
  }

  /// Why a file cannot be made, by the number of the system's error.
  package static func creation(_ path: String, _ code: CInt) -> OutputError {
    switch code {
    case EACCES, EPERM, EROFS: .permission(path: path)
    default: .cannotCreate(path: path, reason: systemReason(code))
    }
  }
}

/// A file that appears under its path complete or not at all: it is written under a temporary name
/// in the same directory, flushed to the disk, and then renamed. See ``Unfinished`` for interruptions.
package struct OutputFile {
  let path: String
  let overwrite: Bool

  /// A file to be written.
  package init(path: String, overwrite: Bool) { (self.path, self.overwrite) = (path, overwrite) }

  /// Throws what can be known before writing.
  package func check() throws(OutputError) {
    let (descriptor, temporary, _) = try begin()
    close(descriptor)
    discard(temporary)
  }

  /// Writes `bytes`.
  package func write(_ bytes: [UInt8]) throws(OutputError) {
    var rest: ArraySlice<UInt8>? = bytes[...]
    try write { () throws(OutputError) in
      defer { rest = nil }
      return rest
    }
  }

  /// Writes what `next` gives until that is nil.
  package func write(
    _ next: () throws(OutputError) -> ArraySlice<UInt8>?
  ) throws(OutputError) {
    let (descriptor, temporary, target) = try begin()
    var isOpen = true
    var isTemporary = true
    defer {
      if isOpen { close(descriptor) }
      if isTemporary { discard(temporary) }
    }
    while var rest = try next() {
      while !rest.isEmpty {
        let piece = rest.prefix(OutputFile.pieceSize)
        if let code = writeAll(piece, to: descriptor) { throw failure(code) }
        guard fsync(descriptor) == 0 else { throw failure(errno) }
        rest = rest.dropFirst(piece.count)
      }
    }
    isOpen = false
    // Some file systems report a full disk only here.
    guard close(descriptor) == 0 else { throw failure(errno) }
    isTemporary = try Unfinished.step { state throws(OutputError) in
      if overwrite {
        guard rename(temporary, target) == 0 else { throw failure(errno) }
      } else if try !publish(temporary, as: target) {
        return true
      }
      state.files.remove(temporary)
      return false
    }
  }

  /// A process that waits for the disk cannot end: so much is flushed at a time.
  private static let pieceSize = 4_000_000

  private func discard(_ temporary: String) {
    Unfinished.step { state in
      unlink(temporary)
      state.files.remove(temporary)
    }
  }

  /// Gives the temporary file its name unless another program has taken the name meanwhile.
  /// - Returns: whether the temporary name is gone.
  private func publish(_ temporary: String, as target: String) throws(OutputError) -> Bool {
    if link(temporary, target) == 0 { return false }
    switch errno {
    case EEXIST: throw .exists(path: path)
    case EPERM, EOPNOTSUPP, ENOSYS, EMLINK:
      // A file system without hard links: take the name with an empty file, then rename over it.
      let own = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      guard own >= 0 else {
        throw errno == EEXIST ? .exists(path: path) : failure(errno)
      }
      close(own)
      guard rename(temporary, target) == 0 else {
        let code = errno
        unlink(target)
        throw failure(code)
      }
      return true
    default: throw failure(errno)
    }
  }

  /// Checks the path and opens a new temporary file beside it.
  private func begin() throws(OutputError) -> (descriptor: CInt, temporary: String, target: String)
  {
    guard !path.isEmpty, !path.hasSuffix("/"), !path.utf8.contains(0) else {
      throw .cannotCreate(path: path, reason: "this is not the name of a file")
    }
    let target = try target()
    let directory = target.lastIndex(of: "/").map { String(target[...$0]) } ?? "./"
    // The name is short, so that it fits wherever the target's own name does.
    for _ in 0..<100 {
      let mark = String(UInt32.random(in: .min ... .max), radix: 36)
      let temporary = "\(directory).kubo-\(mark).tmp"
      let (descriptor, code) = Unfinished.step { state in
        let descriptor = open(
          temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o666)
        let code = errno
        if descriptor >= 0 { state.files.insert(temporary) }
        return (descriptor, code)
      }
      if descriptor >= 0 { return (descriptor, temporary, target) }
      if code != EEXIST { throw creationFailure(code) }
    }
    throw .cannotCreate(path: path, reason: "there is no free temporary name in \(directory)")
  }

  /// The file to be made or replaced; the end of a symbolic link, so that the link stays one.
  private func target() throws(OutputError) -> String {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return path }
      throw creationFailure(errno)
    }
    guard overwrite else {
      if status.st_mode & S_IFMT == S_IFDIR { throw creationFailure(EISDIR) }
      throw .exists(path: path)
    }
    guard let resolved = realpath(path, nil) else { throw creationFailure(errno) }
    defer { free(resolved) }
    guard stat(resolved, &status) == 0 else { throw creationFailure(errno) }
    // Renaming over a device would replace it: `--output /dev/null` must not destroy /dev/null.
    guard status.st_mode & S_IFMT == S_IFREG else {
      let isDirectory = status.st_mode & S_IFMT == S_IFDIR
      throw isDirectory
        ? creationFailure(EISDIR)
        : .cannotCreate(path: path, reason: "it is a device, pipe or socket")
    }
    guard access(resolved, W_OK) == 0 else { throw creationFailure(errno) }
    return String(cString: resolved)
  }

  private func creationFailure(_ code: CInt) -> OutputError { .creation(path, code) }

  private func failure(_ code: CInt) -> OutputError {
    .writeFailed(path: path, reason: systemReason(code))
  }
}

/// Writes all of `bytes`; waits where a pipe is full.
/// - Returns: the number of the error, nil for success.
package func writeAll(_ bytes: ArraySlice<UInt8>, to descriptor: CInt) -> CInt? {
  var done = bytes.startIndex
  while done < bytes.endIndex {
    let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && errno == EINTR { continue }
    if count < 0 && errno == EAGAIN {
      var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      poll(&request, 1, -1)
      continue
    }
    guard count > 0 else { return count < 0 ? errno : ENOSPC }
    done += count
  }
  return nil
}

/// Whether two paths name one file, which need not exist yet.
package func isSameFile(_ a: String, _ b: String) -> Bool {
  func resolved(_ path: String) -> String {
    func real(_ path: String) -> String? {
      guard let resolved = realpath(path, nil) else { return nil }
      defer { free(resolved) }
      return String(cString: resolved)
    }
    if let file = real(path) { return file }
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? "."
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    return "\(real(folder) ?? folder)/\(name)"
  }
  return resolved(a) == resolved(b)
}
