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
    public let path: String
  }

  /// The diagrams with their files, in the order of the directories and of the names of the files;
  /// one that replaces another stands in its place.
  public private(set) var entries: [Entry] = []
  /// The names of the diagrams of an earlier directory that a later one replaced, in that order.
  public private(set) var replaced: [String] = []

  /// The diagrams without their files.
  public var diagrams: [Diagram] { entries.map(\.diagram) }

  /// Reads all files `*.yaml` of each directory, hidden ones excepted.
  ///
  /// A diagram of a later directory replaces the one of the same name of an earlier directory.
  /// - Throws: ``FileError`` of a directory that is missing or holds no such file, of a file that
  ///   is wrong, or of two diagrams with one name in one directory.
  public static func read(directories: [String]) throws(FileError) -> DiagramLibrary {
    var library = DiagramLibrary()
    for directory in directories { try library.add(directory) }
    return library
  }

  private mutating func add(_ directory: String) throws(FileError) {
    var own: [String: String] = [:]
    for path in try yamlFiles(in: directory, expected: "a directory of diagram files") {
      let (diagram, line) = try DiagramFile.parse(InputFile(path: path))
      if let other = own[diagram.name] {
        throw FileError(
          .malformed, file: path, line: line, key: "diagram",
          found: "the name \(diagram.name), which \(other) has too",
          expected: "each diagram of a directory with a name of its own")
      }
      own[diagram.name] = path
      let entry = Entry(diagram: diagram, path: path)
      if let n = entries.firstIndex(where: { $0.diagram.name == diagram.name }) {
        entries[n] = entry
        replaced.append(diagram.name)
      } else {
        entries.append(entry)
      }
    }
  }

}

/// The files `*.yaml` in `directory`, hidden ones excepted, sorted by their bytes, which no locale
/// changes.
package func yamlFiles(
  in directory: String, expected: String
) throws(FileError) -> [String] {
  guard let stream = opendir(directory) else {
    let code = errno
    let kind: FileError.Kind = code == EACCES || code == EPERM ? .permission : .noInput
    throw FileError(
      kind, file: directory, found: String(cString: strerror(code)), expected: expected)
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
