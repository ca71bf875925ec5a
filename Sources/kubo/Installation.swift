// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboFiles
import Synchronization

/// Where the shipped models and diagrams are.
enum Installation {
  /// The folder that holds `data/models` and `diagrams`: `KUBO_HOME`, or the nearest folder above
  /// the program that has both, or the current folder.
  static let home: URL = {
    let files = FileManager.default
    func holdsData(_ folder: URL) -> Bool {
      ["data/models", "diagrams"].allSatisfy {
        files.fileExists(atPath: folder.appending(path: $0).path)
      }
    }
    if let path = ProcessInfo.processInfo.environment["KUBO_HOME"] { return URL(filePath: path) }
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    var folder = program.deletingLastPathComponent()
    while folder.path != "/" {
      for candidate in [folder, folder.appending(path: "share/kubo")] where holdsData(candidate) {
        return candidate
      }
      folder.deleteLastPathComponent()
    }
    return URL(filePath: files.currentDirectoryPath)
  }()

  /// What the points of a sweep have read, nil for other commands.
  @TaskLocal static var held: HeldFiles?

  /// The table whose run is repeated: what its header holds stands for the files that its command names.
  @TaskLocal static var recorded: RecordedRun?

  static var models: URL { home.appending(path: "data/models") }
  static var diagrams: URL { home.appending(path: "diagrams") }

  /// The names of the shipped models; none where the folder cannot be read.
  static var shippedModels: [String] { names(in: models) }

  /// The names of the YAML files of a folder; none where it cannot be read.
  private static func names(in folder: URL) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
      .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
  }

  /// Whether it is a path, and not the name of what is shipped.
  static func isPath(_ name: String) -> Bool {
    name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml")
  }

  /// A path as given, or the shipped model of that name.
  static func modelPath(_ name: String) -> String {
    isPath(name) ? name : models.appending(path: name + ".yaml").path
  }

  /// Reads the model of a path or of a shipped name.
  /// - Throws: ``FileError``, for an unknown name with those that there are.
  static func readModel(_ name: String) throws -> ModelFile {
    if let model = recorded?.model { return model }
    let read = { try readModel(name, shipped: shippedModels) }
    return try held?.model(name, read) ?? read()
  }

  static var textures: URL { home.appending(path: "data/textures") }

  /// A path as given, or the shipped texture of that name.
  static func texturePath(_ name: String) -> String {
    isPath(name) ? name : textures.appending(path: name + ".yaml").path
  }

  /// Reads the texture of a path or of a shipped name.
  /// - Throws: ``FileError``, for an unknown name with those that there are.
  static func readTexture(_ name: String) throws -> TextureFile {
    if let texture = recorded?.texture { return texture }
    let path = texturePath(name)
    let shipped = names(in: textures)
    if path != name, !shipped.contains(name) {
      throw FileError(
        .noInput, file: "texture", found: "'\(shown(name))'",
        expected: "\(shipped.joined(separator: ", ")), or the path of a texture file")
    }
    return try TextureFile.read(path: path)
  }

  private static func readModel(_ name: String, shipped: [String]) throws -> ModelFile {
    let path = modelPath(name)
    if path != name, !shipped.isEmpty, !shipped.contains(name) {
      let own = ["\(name).yaml", "\(name).yml", name].first {
        !$0.isEmpty && FileManager.default.fileExists(atPath: $0)
      }
      throw FileError(
        .noInput, file: "model", found: "'\(shown(name))'",
        expected: own.map { "a shipped model, or ./\($0) for the file in this folder" }
          ?? "\(shipped.joined(separator: ", ")), or the path of a model file")
    }
    return try ModelFile.read(path: path)
  }
}

/// Files that are read once, so that all points of a sweep have the same and none waits for them.
final class HeldFiles: Sendable {
  private let models = Mutex<[String: ModelFile]>([:])
  private let libraries = Mutex<[[String]: DiagramLibrary]>([:])

  func model(_ name: String, _ read: () throws -> ModelFile) rethrows -> ModelFile {
    try HeldFiles.value(models, name, read)
  }

  func library(_ folders: [String], _ read: () throws -> DiagramLibrary) rethrows -> DiagramLibrary
  {
    try HeldFiles.value(libraries, folders, read)
  }

  private static func value<Key: Hashable & Sendable, Value: Sendable>(
    _ store: borrowing Mutex<[Key: Value]>, _ key: Key, _ read: () throws -> Value
  ) rethrows -> Value {
    if let value = store.withLock({ $0[key] }) { return value }
    let value = try read()
    store.withLock { $0[key] = value }
    return value
  }
}
