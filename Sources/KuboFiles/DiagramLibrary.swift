// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

/// The diagrams of one or more directories.
public struct DiagramLibrary: Sendable {
  /// A diagram and the file that declares it.
  public struct Entry: Sendable {
    /// The diagram.
    public let diagram: Diagram
    /// Its file, as directory and name.
    public var path: String { input.path }
    /// The file's content.
    let input: InputFile
    /// Whether it comes from the first directory, that of the installation.
    let isShipped: Bool
  }

  /// The diagrams with their files, in the order of the directories and of the names of the files;
  /// one that replaces another stands in its place.
  public private(set) var entries: [Entry] = []
  /// The names of the diagrams of an earlier directory that a later one replaced, in that order.
  public private(set) var replaced: [String] = []

  /// One SHA-256 for all files of the first directory, that of the installation, with the names of the diagrams.
  public private(set) var shippedDigest = ""
  /// The diagrams of the other directories, the user's.
  var own: [Entry] { entries.filter { !$0.isShipped } }

  /// The diagrams without their files.
  public var diagrams: [Diagram] { entries.map(\.diagram) }

  /// Reads all files `*.yaml` of each directory, hidden ones excepted.
  ///
  /// A diagram of a later directory replaces the one of the same name of an earlier directory.
  /// - Throws: ``FileError`` of a directory that is missing or holds no such file, of a file that
  ///   is wrong, or of two diagrams with one name in one directory.
  public static func read(directories: [String]) throws(FileError) -> DiagramLibrary {
    var library = DiagramLibrary()
    for (n, directory) in directories.enumerated() {
      try library.add(directory, isShipped: n == 0)
    }
    return library
  }

  /// The diagrams of a directory, that of the installation, and of files that have been read.
  static func read(shipped: String, and files: [InputFile]) throws(FileError) -> DiagramLibrary {
    var library = try read(directories: [shipped])
    for file in files {
      library.add(
        Entry(diagram: try DiagramFile.parse(file).diagram, input: file, isShipped: false))
    }
    return library
  }

  private mutating func add(_ directory: String, isShipped: Bool) throws(FileError) {
    var own: [String: String] = [:]
    var digests = ""
    for path in try yamlFiles(in: directory, expected: "a directory of diagram files") {
      let input = try InputFile(path: path)
      let (diagram, line) = try DiagramFile.parse(input)
      if let other = own[diagram.name] {
        throw FileError(
          .malformed, file: path, line: line, key: "diagram",
          found: "the name \(diagram.name), which \(other) has too",
          expected: "each diagram of a directory with a name of its own")
      }
      own[diagram.name] = path
      digests += "\(diagram.name) \(input.sha256)\n"
      add(Entry(diagram: diagram, input: input, isShipped: isShipped))
    }
    if isShipped {
      shippedDigest = try InputFile(path: directory, bytes: Array(digests.utf8)).sha256
    }
  }

  private mutating func add(_ entry: Entry) {
    if let n = entries.firstIndex(where: { $0.diagram.name == entry.diagram.name }) {
      entries[n] = entry
      replaced.append(entry.diagram.name)
    } else {
      entries.append(entry)
    }
  }
}

/// The files `*.yaml` in `directory`, hidden ones excepted, sorted by their bytes, which no locale
/// changes.
package func yamlFiles(
  in directory: String, expected: String
) throws(FileError) -> [String] {
  guard let stream = opendir(directory) else {
    throw .unreadable(directory, errno)
  }
  defer { closedir(stream) }
  var names: [String] = []
  while let item = readdir(stream) {
    let name = withUnsafeBytes(of: &item.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name.hasSuffix(".yaml") && !name.hasPrefix(".") { names.append(name) }
  }
  guard !names.isEmpty else {
    throw FileError(
      .noInput, file: directory, found: "no file *.yaml", expected: expected)
  }
  guard names.count <= 1000 else {
    throw FileError(
      .malformed, file: directory, found: "\(names.count) files *.yaml", expected: "at most 1000")
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    .map { directory.hasSuffix("/") ? directory + $0 : "\(directory)/\($0)" }
}
