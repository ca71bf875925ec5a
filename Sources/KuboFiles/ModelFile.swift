// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// A lattice model as a file declares it (`data/models/*.yaml`): geometry, hops with amplitudes in
/// terms of named parameters, and defaults of the physical conditions.
public struct ModelFile: Sendable {
  /// The conditions under which a model is computed unless the user sets others.
  public struct Defaults: Sendable, Equatable {
    /// The chemical potential, in the energy unit.
    public var mu: Double
    /// k_B T, in the energy unit; not negative.
    public var temperature: Double
    /// The lifetime of the bands; its energies in the energy unit.
    public var lifetime: Lifetime

    /// Conditions with these values.
    public init(mu: Double, temperature: Double, lifetime: Lifetime) {
      (self.mu, self.temperature, self.lifetime) = (mu, temperature, lifetime)
    }
  }

  /// The file's content, with the path as the user gave it.
  let input: InputFile
  /// The path as the user gave it.
  public var path: String { input.path }
  /// The SHA-256 of the file's content, 64 hexadecimal digits.
  public let sha256: String
  /// The name of the model, an identifier.
  public let name: String
  /// What the model is, for a reader; it may have several lines.
  public let description: String
  /// Where the model comes from, for a reader.
  public let source: String
  /// The names of the units of energy and length.
  public let units: (energy: String, length: String)
  /// The parameters in the order of the file, in the energy unit; one of them is J = N J_sd.
  public let parameters: [(name: String, value: Double)]
  /// The conditions to start from.
  public let defaults: Defaults

  private struct DeclaredHop {
    var line: Int
    var vector: [Double]
    var amplitude: Amplitude
  }

  private let latticeVectors: [[Double]]
  private let interSublattice: [DeclaredHop]
  private let intraSublattice: [DeclaredHop]
  /// The lines of the keys that a ``ModelError`` may be about.
  private let lines: [String: Int]

  /// Reads and checks a model file; the geometry is checked with the file's own parameters.
  /// - Parameter path: the file, YAML with the keys that `data/models/square.yaml` shows.
  /// - Throws: ``FileError`` of kind `noInput`, `permission` or `malformed`, with line and key.
  public static func read(path: String) throws(FileError) -> ModelFile {
    try read(InputFile(path: path))
  }

  /// The same for the content of a file; `path` names it in messages.
  public static func read(_ bytes: [UInt8], path: String) throws(FileError) -> ModelFile {
    try read(InputFile(path: path, bytes: bytes))
  }

  static func read(_ input: InputFile) throws(FileError) -> ModelFile {
    let file = try ModelFile(input)
    _ = try file.model()
    return file
  }

  /// The most parameters and the most hops of each kind, so that a file of legal size cannot take
  /// hours to check.
  static let parameterLimit = 100
  static let hopLimit = 1000

  private init(_ input: InputFile) throws(FileError) {
    let root = try YAMLValue(input).fields(
      "name", "description", "source", "units", "parameters", "defaults", "lattice",
      "inter_sublattice", "intra_sublattice")
    // The keys exist: `fields` has checked them.
    self.input = input
    sha256 = input.sha256
    name = try root["name"]!.name()
    description = try root["description"]!.prose()
    source = try root["source"]!.prose()
    let unitFields = try root["units"]!.fields("energy", "length")
    units = (try unitFields["energy"]!.unit(), try unitFields["length"]!.unit())

    var parameters: [(name: String, value: Double)] = []
    var lines: [String: Int] = ["parameters": root["parameters"]!.line]
    let entries = try root["parameters"]!.entries(expected: "a mapping from names to numbers")
    guard entries.count <= ModelFile.parameterLimit else {
      throw root["parameters"]!.refusal(
        "at most \(ModelFile.parameterLimit)", found: "\(entries.count) parameters")
    }
    for (key, keyLine, value) in entries {
      guard isName(key) else {
        throw FileError(
          .malformed, file: input.path, line: keyLine, key: value.key,
          found: "the name \(quoted(key))",
          expected: nameRule)
      }
      guard key.utf8.count <= nameLimit else {
        throw FileError(
          .malformed, file: input.path, line: keyLine, key: "parameters",
          found: "the name \(quoted(key)) of \(key.utf8.count) characters",
          expected: "at most \(nameLimit)")
      }
      parameters.append((key, try value.number()))
      lines["parameters.\(key)"] = value.line
    }
    guard parameters.contains(where: { $0.name == "J" }) else {
      throw FileError(
        .malformed, file: input.path, line: root["parameters"]!.line, key: "parameters.J",
        found: "no such key", expected: "the exchange energy J = N J_sd among the parameters")
    }
    self.parameters = parameters
    defaults = try ModelFile.defaults(root["defaults"]!)

    let vectors = try root["lattice"]!.fields("vectors")["vectors"]!
    lines["lattice.vectors"] = vectors.line
    latticeVectors = try vectors.rows(expected: "a list of vectors")
    let names = parameters.map(\.name)
    interSublattice = try ModelFile.hops(root["inter_sublattice"]!, known: names)
    intraSublattice = try ModelFile.hops(root["intra_sublattice"]!, known: names)
    lines["inter_sublattice"] = root["inter_sublattice"]!.line
    self.lines = lines
  }

  private static func defaults(_ value: YAMLValue) throws(FileError) -> Defaults {
    let fields = try value.fields("mu", "temperature", "lifetime")
    let lifetime = try fields["lifetime"]!.fields("constant")["constant"]!
    func energy(_ value: YAMLValue) throws(FileError) -> Double {
      let number = try value.number()
      guard number.magnitude < 1e100 else {
        throw value.refusal("a finite number of magnitude below 1e100")
      }
      return number
    }
    func atLeastZero(_ value: YAMLValue, _ what: String) throws(FileError) -> Double {
      let number = try energy(value)
      guard number >= 0 else { throw value.refusal("\(what), at least 0") }
      return number
    }
    return Defaults(
      mu: try energy(fields["mu"]!),
      temperature: try atLeastZero(fields["temperature"]!, "a temperature"),
      lifetime: .constant(try atLeastZero(lifetime, "a level width Gamma")))
  }

  private static func hops(
    _ value: YAMLValue, known: [String]
  ) throws(FileError) -> [DeclaredHop] {
    let items = try value.list(expected: "a list of hops, [] for none")
    guard items.count <= hopLimit else {
      throw value.refusal("at most \(hopLimit)", found: "\(items.count) hops")
    }
    return try items.map { item throws(FileError) in
      let fields = try item.fields("vector", "amplitude")
      return DeclaredHop(
        line: fields["vector"]!.line, vector: try fields["vector"]!.numbers(),
        amplitude: try Amplitude(fields["amplitude"]!, known: known))
    }
  }

  // MARK: The model

  /// The model with the file's parameters, some of them replaced.
  /// - Parameter setting: new values for parameters, in the energy unit.
  /// - Throws: ``FileError`` of kind `setting` for an unknown name or a value that makes no model.
  public func model(setting: [String: Double] = [:]) throws(FileError) -> Model {
    var values: [String: Double] = [:]
    for (name, value) in parameters { values[name] = value }
    for (name, value) in setting.sorted(by: { $0.key < $1.key }) {
      guard values[name] != nil else {
        throw FileError(
          .setting, file: path, found: "no parameter \(quoted(name)) that could be set",
          expected: "one of \(parameters.map(\.name).joined(separator: ", "))")
      }
      guard value.isFinite, abs(value) < 1e100 else {
        throw FileError(
          .setting, file: path, key: "parameters.\(name)", found: "\(value) as its new value",
          expected: "a finite number of magnitude below 1e100")
      }
      values[name] = value
    }
    func evaluated(_ hops: [DeclaredHop]) -> [Hop] {
      hops.map { Hop(vector: $0.vector, amplitude: $0.amplitude.value(values)) }
    }
    do {
      return try Model(
        name: name, latticeVectors: latticeVectors, interSublattice: evaluated(interSublattice),
        intraSublattice: evaluated(intraSublattice), exchange: values["J"] ?? .nan)
    } catch {
      throw fileError(error, setting: setting)
    }
  }

  /// The error with the line and key of its place.
  private func fileError(_ error: ModelError, setting: [String: Double]) -> FileError {
    let (key, line): (String, Int?) =
      switch error.place {
      case .latticeVectors: ("lattice.vectors", lines["lattice.vectors"])
      case .interSublattice(let n): ("inter_sublattice[\(n)]", interSublattice[n].line)
      case .intraSublattice(let n): ("intra_sublattice[\(n)]", intraSublattice[n].line)
      case .exchange: ("parameters.J", lines["parameters.J"])
      case .hops: ("inter_sublattice", lines["inter_sublattice"])
      }
    // A file that was read is right with its own parameters.
    guard !setting.isEmpty else {
      return FileError(
        .malformed, file: path, line: line, key: key, found: error.found, expected: error.expected)
    }
    return FileError(
      .setting, file: path, line: line, key: key,
      found: "\(error.found) with the parameters as set", expected: error.expected)
  }
}

/// What ``isName(_:)`` accepts, for messages.
let nameRule = "a name of letters, digits, _ and -, that begins with a letter or _"
/// The longest name of a model, a parameter or a diagram, and the longest unit: they become parts of
/// column names and of the pictures' labels.
let nameLimit = 64

extension YAMLValue {
  /// An identifier.
  func name() throws(FileError) -> String {
    let text = try string(expected: nameRule)
    guard isName(text) else { throw refusal(nameRule) }
    return try short(text)
  }

  /// The name of a unit, which becomes part of gnuplot's commands and of an SVG: it holds no sign
  /// that means something there but for those of indices.
  func unit() throws(FileError) -> String {
    let text = try short(phrase())
    let isUnit = text.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || $0.properties.numericType != nil
        || " ^_{}()/*.+-".unicodeScalars.contains($0)
    }
    guard isUnit else {
      throw refusal(
        "a unit of letters, digits, spaces and ^ _ { } ( ) / * . + -", found: quoted(text))
    }
    return text
  }

  /// `text`, the value, if it is short.
  func short(_ text: String) throws(FileError) -> String {
    let count = text.unicodeScalars.count
    guard count <= nameLimit else {
      throw refusal("at most \(nameLimit)", found: "\(count) characters")
    }
    return text
  }

  /// A list of numbers.
  func numbers() throws(FileError) -> [Double] {
    try list(expected: "a list of numbers").map { item throws(FileError) in try item.number() }
  }

  /// A list of lists of numbers.
  func rows(expected: String) throws(FileError) -> [[Double]] {
    try list(expected: expected).map { item throws(FileError) in try item.numbers() }
  }
}
