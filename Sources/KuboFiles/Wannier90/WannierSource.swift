// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation

/// Where a model comes from: the files of one run of Wannier90 for each spin, or of a nonmagnetic one and an exchange energy for each
/// orbital.
public struct WannierSource: Sendable, Equatable {
  /// The files of one spin, with paths as the user gave them.
  public struct Files: Sendable, Equatable {
    /// A `_hr.dat` or `_tb.dat`.
    public var hamiltonian: String
    /// A `_wsvec.dat`: where the distance of two functions is smallest.
    public var shifts: String?
    /// A `_centres.xyz`; in place of what a `_tb.dat` says.
    public var centres: String?

    /// These files.
    public init(hamiltonian: String, shifts: String? = nil, centres: String? = nil) {
      (self.hamiltonian, self.shifts, self.centres) = (hamiltonian, shifts, centres)
    }

    /// A Hamiltonian `X_hr.dat` or `X_tb.dat` with the `X_wsvec.dat` that stands beside it, and for the first the
    /// `X_centres.xyz`.
    public init(besides hamiltonian: String) {
      self.init(
        hamiltonian: hamiltonian, shifts: Files.beside(hamiltonian, "_wsvec.dat"),
        centres: hamiltonian.hasSuffix("_hr.dat")
          ? Files.beside(hamiltonian, "_centres.xyz") : nil)
    }

    /// The file beside `X_hr.dat` or `X_tb.dat` that has another ending, if there is one.
    static func beside(_ path: String, _ ending: String) -> String? {
      guard let own = ["_hr.dat", "_tb.dat"].first(where: path.hasSuffix) else { return nil }
      let other = path.dropLast(own.count) + ending
      return FileManager.default.fileExists(atPath: String(other)) ? String(other) : nil
    }
  }

  /// Those of the up spin, or of both.
  public var up: Files
  /// Those of the down spin, if there is no exchange.
  public var down: Files?
  /// The `.win`, which has the cell of a `_hr.dat`.
  public var input: String?
  /// Exchange energies J by orbitals or atoms, -J for up and J for down, in eV.
  public var exchange: [String: Double]?
  /// The names of the orbitals, in the files' order; those of the atoms if nil.
  public var names: [String]?
  /// The SHA-256 of each file by its path; other files, or others of the same name, are refused. nil for any.
  public var digests: [String: String]?

  /// Files of both spins, or of a nonmagnetic run and the exchange.
  public init(
    up: Files, down: Files?, input: String? = nil, exchange: [String: Double]? = nil,
    names: [String]? = nil
  ) {
    (self.up, self.down, self.input) = (up, down, input)
    (self.exchange, self.names) = (exchange, names)
  }

  /// The `.win` beside one of the Hamiltonians.
  public static func input(besides files: Files?...) -> String? {
    files.lazy.compactMap { $0 }.compactMap { Files.beside($0.hamiltonian, ".win") }.first
  }
}

extension WannierSource {
  /// What a model may be called, and whether a text is that.
  package static let modelNameRule = "\(nameRule), of at most \(nameLimit) characters"
  package static func isModelName(_ text: String) -> Bool {
    isName(text) && text.utf8.count <= nameLimit
  }
}

// MARK: YAML

extension WannierSource {
  /// Reads the key `wannier90` of a model file, whose paths begin where the file is:
  ///
  ///     up: F                                        # X_hr.dat or X_tb.dat with what stands beside it, or
  ///     down: {file: F, shifts: F, centres: F}       # these files and no others
  ///     win: F
  ///     exchange: {NAME: number}                     # in place of down
  ///     names: [NAME, ...]
  ///     sha256: {F: digest}                          # of all files
  init(_ value: YAMLValue, relativeTo path: String) throws(FileError) {
    let fields = try value.fields(
      ["up"], optional: ["down", "win", "exchange", "names", "sha256"])
    func resolved(_ name: String) -> String {
      guard !name.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return name }
      return path[...slash] + name
    }
    func file(_ value: YAMLValue) throws(FileError) -> String {
      resolved(try value.phrase(expected: "the path of a file"))
    }
    func files(_ value: YAMLValue) throws(FileError) -> Files {
      guard case .mapping = value.content else { return Files(besides: try file(value)) }
      let fields = try value.fields(["file"], optional: ["shifts", "centres"])
      var files = Files(hamiltonian: try file(fields["file"]!))
      if let value = fields["shifts"] { files.shifts = try file(value) }
      if let value = fields["centres"] { files.centres = try file(value) }
      return files
    }
    up = try files(fields["up"]!)
    if let value = fields["down"] { down = try files(value) }
    guard (down == nil) != (fields["exchange"] == nil) else {
      throw value.refusal(
        "down, or exchange for a nonmagnetic up", found: down == nil ? "neither" : "both")
    }
    input = try fields["win"].map(file) ?? WannierSource.input(besides: up, down)
    if let value = fields["exchange"] {
      var energies: [String: Double] = [:]
      for (name, _, value) in try value.entries(expected: "energies by orbitals or atoms") {
        energies[name] = try value.number()
      }
      exchange = energies
    }
    if let value = fields["names"] {
      var own: [String] = []
      for item in try value.list(expected: "a list of names") {
        let name = try item.name()
        guard !own.contains(name) else { throw item.refusal("each name once") }
        own.append(name)
      }
      names = own
    }
    if let value = fields["sha256"] {
      var own: [String: String] = [:]
      for (name, _, value) in try value.entries(expected: "digests by paths") {
        own[resolved(name)] = try value.string(expected: "64 hexadecimal digits in quotes")
      }
      digests = own
    }
  }

  /// Of the content of a model file.
  package static func read(_ bytes: [UInt8], path: String) throws(FileError) -> WannierSource {
    let root = try YAMLValue(InputFile(path: path, bytes: bytes))
    for (key, _, value) in try root.entries(expected: "a model file") where key == "wannier90" {
      return try WannierSource(value, relativeTo: path)
    }
    throw root.refusal("the key wannier90", found: "no such key")
  }

  /// The text of the key `wannier90` for a model file at `path`.
  func yaml(for path: String) -> String {
    func name(_ file: String) -> String { quotedYAML(relative(file, to: path)) }
    func files(_ files: Files) -> String {
      "{file: \(name(files.hamiltonian))"
        + (files.shifts.map { ", shifts: \(name($0))" } ?? "")
        + (files.centres.map { ", centres: \(name($0))" } ?? "") + "}"
    }
    var lines = ["wannier90:", "  up: \(files(up))"]
    if let down { lines.append("  down: \(files(down))") }
    if let input { lines.append("  win: \(name(input))") }
    if let exchange {
      let all = exchange.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
      lines.append("  exchange: {\(all.joined(separator: ", "))}")
    }
    if let names { lines.append("  names: [\(names.joined(separator: ", "))]") }
    if let digests {
      lines.append("  sha256:")
      lines += digests.sorted { $0.key < $1.key }.map { "    \(name($0.key)): \"\($0.value)\"" }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The way to `file` from the folder of `path`.
  private func relative(_ file: String, to path: String) -> String {
    func parts(_ path: String) -> [String] {
      URL(filePath: path).standardizedFileURL.pathComponents
    }
    let (from, to) = (parts(path).dropLast(), parts(file))
    let common = zip(from, to).prefix { $0 == $1 }.count
    let steps = Array(repeating: "..", count: from.count - common) + to.dropFirst(common)
    return steps.joined(separator: "/")
  }
}

/// A string of YAML in quotation marks.
func quotedYAML(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
