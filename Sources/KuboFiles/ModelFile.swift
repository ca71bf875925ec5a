// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// A lattice model as a file declares it (`data/models/*.yaml`): geometry, hops with amplitudes in
/// terms of named parameters, and defaults of the physical conditions. Its lattice has one of two forms: two sublattices
/// with hops between and within them, or orbitals with hops of both spins.
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
  /// The parameters in the order of the file, in the energy unit; of two sublattices one is J = N J_sd.
  public let parameters: [(name: String, value: Double)]
  /// The conditions to start from.
  public let defaults: Defaults

  /// The lattice in one of its forms.
  private enum Geometry {
    case sublattices(SublatticeGeometry)
    case orbitals(OrbitalGeometry)
    case wannier(WannierModel)
  }

  private let geometry: Geometry
  /// The lines of the parameters and of their list.
  private let lines: [String: Int]

  /// Whether the file declares orbitals, or files of Wannier90, and no two sublattices.
  public var hasOrbitals: Bool {
    if case .sublattices = geometry { false } else { true }
  }

  /// Why transverse responses of the model would mean nothing (``WannierAlignment/faults``); none if they are right.
  public var transverseFaults: [String] { alignment?.faults ?? [] }

  /// Whether both spins have the same orbitals, where that is a question: of two files of Wannier90.
  public var alignment: WannierAlignment? {
    if case .wannier(let model) = geometry { model.alignment } else { nil }
  }

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

  /// The same; paths in it begin at the folder of `home`.
  static func read(_ input: InputFile, home: String? = nil) throws(FileError) -> ModelFile {
    let file = try ModelFile(input, home: home ?? input.path)
    if file.hasOrbitals { _ = try file.orbitalModel() } else { _ = try file.model() }
    return file
  }

  /// The most parameters and the most hops of each kind, so that a file of legal size cannot take
  /// hours to check.
  static let parameterLimit = 100
  static let hopLimit = 1000

  private init(_ input: InputFile, home: String) throws(FileError) {
    let content = try YAMLValue(input)
    var keys: Set<String> = []
    if case .mapping(let entries) = content.content { keys = Set(entries.map(\.key)) }
    let isWannier = keys.contains("wannier90")
    let hasOrbitals = isWannier || keys.contains("orbitals") || keys.contains("hops")
    let own =
      isWannier
      ? ["defaults", "wannier90"]
      : ["parameters", "defaults", "lattice"]
        + (hasOrbitals ? ["orbitals", "hops"] : ["inter_sublattice", "intra_sublattice"])
    let root = try content.fields(
      ["name", "description", "source", "units"] + own, optional: [])
    // The keys exist: `fields` has checked them.
    self.input = input
    sha256 = input.sha256
    name = try root["name"]!.name()
    description = try root["description"]!.prose()
    source = try root["source"]!.prose()
    let unitFields = try root["units"]!.fields("energy", "length")
    units = (
      try unitFields["energy"]!.unit(EnergyUnit.allCases.map(\.rawValue)),
      try unitFields["length"]!.unit(["nm", "angstrom"])
    )

    (parameters, lines) =
      try root["parameters"].map { value throws(FileError) in
        try ModelFile.parameters(value, needsExchange: !hasOrbitals)
      } ?? ([], [:])
    defaults = try ModelFile.defaults(root["defaults"]!)

    let names = parameters.map(\.name)
    if let value = root["wannier90"] {
      guard units == ("eV", "angstrom") else {
        throw root["units"]!.refusal(
          "{energy: eV, length: angstrom}, as in the files of Wannier90",
          found: "\(units.energy) and \(units.length)")
      }
      geometry = .wannier(
        try WannierModel(WannierSource(value, relativeTo: home), name: name))
    } else if hasOrbitals {
      geometry = .orbitals(try OrbitalGeometry(root, known: names))
    } else {
      geometry = .sublattices(try SublatticeGeometry(root, known: names))
    }
  }

  /// The parameters and their lines.
  private static func parameters(
    _ list: YAMLValue, needsExchange: Bool
  ) throws(FileError) -> ([(name: String, value: Double)], lines: [String: Int]) {
    var parameters: [(name: String, value: Double)] = []
    var lines: [String: Int] = ["parameters": list.line]
    let entries = try list.entries(expected: "a mapping from names to numbers")
    guard entries.count <= ModelFile.parameterLimit else {
      throw list.refusal(
        "at most \(ModelFile.parameterLimit)", found: "\(entries.count) parameters")
    }
    for (key, keyLine, value) in entries {
      guard isName(key) else {
        throw FileError(
          .malformed, file: list.file, line: keyLine, key: value.key,
          found: "the name \(quoted(key))",
          expected: nameRule)
      }
      guard key.utf8.count <= nameLimit else {
        throw FileError(
          .malformed, file: list.file, line: keyLine, key: "parameters",
          found: "the name \(quoted(key)) of \(key.utf8.count) characters",
          expected: "at most \(nameLimit)")
      }
      parameters.append((key, try value.number()))
      lines["parameters.\(key)"] = value.line
    }
    guard !needsExchange || parameters.contains(where: { $0.name == "J" }) else {
      throw FileError(
        .malformed, file: list.file, line: list.line, key: "parameters.J",
        found: "no such key", expected: "the exchange energy J = N J_sd among the parameters")
    }
    return (parameters, lines)
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

  // MARK: The model

  /// The model of two sublattices with the file's parameters, some of them replaced.
  /// - Parameter setting: new values for parameters, in the energy unit.
  /// - Throws: ``FileError`` of kind `setting` for an unknown name or a value that makes no model, and for a file with
  ///   orbitals.
  public func model(setting: [String: Double] = [:]) throws(FileError) -> Model {
    let values = try values(setting)
    guard case .sublattices(let geometry) = geometry else {
      throw FileError(
        .setting, file: path, found: "a model with orbitals",
        expected:
          "one with two sublattices, inter_sublattice and intra_sublattice; spectrum, verify, torque, models and bands take orbitals"
      )
    }
    do {
      return try geometry.model(name: name, values)
    } catch {
      let parameters = lines["parameters"]
      let (key, line): (String, Int?) =
        error.place == .exchange
        ? ("parameters.J", lines["parameters.J"] ?? parameters) : geometry.place(error.place)
      throw fileError(error, key, line, isSet: !setting.isEmpty)
    }
  }

  /// The model with orbitals, of either form of the file, with its parameters, some of them replaced.
  /// - Parameter setting: new values for parameters, in the energy unit.
  /// - Throws: ``FileError`` of kind `setting` for an unknown name or a value that makes no model.
  public func orbitalModel(setting: [String: Double] = [:]) throws(FileError) -> OrbitalModel {
    let values = try values(setting)
    switch geometry {
    case .sublattices: return OrbitalModel(try model(setting: setting))
    case .wannier(let wannier): return wannier.model
    case .orbitals(let geometry):
      do {
        return try geometry.model(name: name, values)
      } catch {
        let (key, line) = geometry.place(error.place)
        throw fileError(error, key, line, isSet: !setting.isEmpty)
      }
    }
  }

  /// The parameters, some of them replaced.
  private func values(_ setting: [String: Double]) throws(FileError) -> [String: Double] {
    var values: [String: Double] = [:]
    for (name, value) in parameters { values[name] = value }
    for (name, value) in setting.sorted(by: { $0.key < $1.key }) {
      guard values[name] != nil else {
        throw FileError(
          .setting, file: path, found: "no parameter \(quoted(name)) that could be set",
          expected: parameters.isEmpty
            ? "none, since the file has no parameters"
            : "one of \(parameters.map(\.name).joined(separator: ", "))")
      }
      guard value.isFinite, abs(value) < 1e100 else {
        throw FileError(
          .setting, file: path, key: "parameters.\(name)", found: "\(value) as its new value",
          expected: "a finite number of magnitude below 1e100")
      }
      values[name] = value
    }
    return values
  }

  /// The error with the line and key of its place; a file that was read is right with its own parameters.
  private func fileError<Place>(
    _ error: DefinitionError<Place>, _ key: String, _ line: Int?, isSet: Bool
  ) -> FileError {
    FileError(
      isSet ? .setting : .malformed, file: path, line: line, key: key,
      found: error.found + (isSet ? " with the parameters as set" : ""), expected: error.expected)
  }
}

/// Two sublattices as a file declares them.
struct SublatticeGeometry {
  private struct DeclaredHop {
    var line: Int
    var vector: [Double]
    var amplitude: Amplitude
  }

  private let latticeVectors: [[Double]]
  private let interSublattice, intraSublattice: [DeclaredHop]
  private let lines: (vectors: Int, inter: Int)

  /// Reads the keys `lattice`, `inter_sublattice` and `intra_sublattice`; amplitudes may hold the names `known`.
  init(_ root: [String: YAMLValue], known names: [String]) throws(FileError) {
    let vectors = try root["lattice"]!.fields("vectors")["vectors"]!
    latticeVectors = try vectors.rows(expected: "a list of vectors")
    func hops(_ key: String) throws(FileError) -> [DeclaredHop] {
      try root[key]!.hops().map { item throws(FileError) in
        let fields = try item.fields("vector", "amplitude")
        return DeclaredHop(
          line: fields["vector"]!.line, vector: try fields["vector"]!.numbers(),
          amplitude: try Amplitude(fields["amplitude"]!, known: names))
      }
    }
    interSublattice = try hops("inter_sublattice")
    intraSublattice = try hops("intra_sublattice")
    lines = (vectors.line, root["inter_sublattice"]!.line)
  }

  func model(name: String, _ values: [String: Double]) throws(ModelError) -> Model {
    func evaluated(_ hops: [DeclaredHop]) -> [Hop] {
      hops.map { Hop(vector: $0.vector, amplitude: $0.amplitude.value(values)) }
    }
    return try Model(
      name: name, latticeVectors: latticeVectors, interSublattice: evaluated(interSublattice),
      intraSublattice: evaluated(intraSublattice), exchange: values["J"] ?? .nan)
  }

  /// The key and the line of what an error is about.
  func place(_ place: ModelPlace) -> (key: String, line: Int?) {
    switch place {
    case .latticeVectors: ("lattice.vectors", lines.vectors)
    case .interSublattice(let n): ("inter_sublattice[\(n)]", interSublattice[n].line)
    case .intraSublattice(let n): ("intra_sublattice[\(n)]", intraSublattice[n].line)
    case .exchange: ("parameters.J", nil)
    case .hops: ("inter_sublattice", lines.inter)
    }
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
  /// that means something there but for those of indices. One of `known` in other letters, as ev, is a slip.
  func unit(_ known: [String]) throws(FileError) -> String {
    let text = try short(phrase())
    if let unit = known.first(where: { $0.lowercased() == text.lowercased() && $0 != text }) {
      throw refusal("\(unit), or a name of your own", found: quoted(text))
    }
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

  /// A list of hops, no longer than is sensible.
  func hops() throws(FileError) -> [YAMLValue] {
    let items = try list(expected: "a list of hops, [] for none")
    guard items.count <= ModelFile.hopLimit else {
      throw refusal("at most \(ModelFile.hopLimit)", found: "\(items.count) hops")
    }
    return items
  }

  /// A list of lists of numbers.
  func rows(expected: String) throws(FileError) -> [[Double]] {
    try list(expected: expected).map { item throws(FileError) in try item.numbers() }
  }
}
