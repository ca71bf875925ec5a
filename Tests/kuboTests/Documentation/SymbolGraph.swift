// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation

/// The public symbols of modules with their comments, as the compiler tells them.
struct SymbolGraph: Decodable {
  struct Fragment: Decodable {
    let kind, spelling: String
    let preciseIdentifier: String?
  }

  struct Symbol: Decodable {
    struct Kind: Decodable { let identifier: String }
    struct Identifier: Decodable { let precise: String }
    struct Names: Decodable { let title: String }
    struct Line: Decodable { let text: String }
    struct Comment: Decodable { let lines: [Line] }
    struct Signature: Decodable { let returns: [Fragment]? }

    let kind: Kind
    let identifier: Identifier
    let names: Names
    let pathComponents: [String]
    let docComment: Comment?
    let declarationFragments: [Fragment]?
    let functionSignature: Signature?

    var comment: String { (docComment?.lines ?? []).map(\.text).joined(separator: "\n") }
  }

  struct Relationship: Decodable { let kind, source, target: String }

  private(set) var symbols: [Symbol]
  private(set) var relationships: [Relationship]

  /// The layers of the physics, each a module.
  static let modules = [
    "Quadrature", "KuboWork", "KuboLattice", "KuboZoneIntegrals", "KuboLoops", "KuboZoneSums",
    "KuboOrbitals", "KuboDisorder", "KuboDiagrams", "KuboVerification", "KuboTextures",
  ]

  /// The graphs of ``modules`` as one.
  static func ofLibraries() throws -> SymbolGraph {
    var whole = SymbolGraph(symbols: [], relationships: [])
    for module in modules {
      let one = try of(module)
      whole.symbols += one.symbols
      whole.relationships += one.relationships
    }
    return whole
  }

  /// Where the modules are that the tests are linked with, and those of C that they import, for the compiler.
  static let modulePaths: [String] = {
    let build = ProgramTests.program.deletingLastPathComponent().resolvingSymlinksInPath()
    let checkouts = build.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "checkouts").path
    let folders =
      ["\(build.path)/Modules"]
      + ["CGSL", "CLAPACK", "CMessageDigest"].map { "\(repository)/Sources/\($0)" }
      + [
        "swift-numerics/Sources/_NumericsShims", "swift-system/Sources/CSystem",
        "swift-subprocess/Sources/_SubprocessCShims", "Yams/Sources/CYaml",
      ].map { "\(checkouts)/\($0)/include" }
    return folders.flatMap { ["-I", $0] }
      + ["CZoneSums", "CTextures"].flatMap {
        ["-Xcc", "-fmodule-map-file=\(build.path)/\($0).build/module.modulemap"]
      }
  }()

  /// The graph of a module as the tests are linked with it.
  static func of(_ module: String) throws -> SymbolGraph {
    let build = ProgramTests.program.deletingLastPathComponent().resolvingSymlinksInPath()
    let scratch = try ScratchDirectory()
    // The folder's name is the target, as in x86_64-unknown-linux-gnu/release.
    let target = build.deletingLastPathComponent().lastPathComponent
    let run = try ProgramTests.run(
      URL(filePath: "/usr/bin/env"),
      ["swift", "symbolgraph-extract", "-module-name", module, "-target", target] + modulePaths
        + ["-minimum-access-level", "public", "-output-dir", scratch.path])
    guard run.status == 0 else { throw Failure(message: run.errors) }
    let data = try Data(
      contentsOf: URL(filePath: "\(scratch.path)/\(module).symbols.json"))
    return try JSONDecoder().decode(SymbolGraph.self, from: data)
  }

  /// The compiler's complaint.
  struct Failure: Error {
    let message: String
  }

  /// A symbol that returns numbers: its comment with that of its result's type, and the comments of the
  /// types around it.
  struct Computing {
    let name, comment, surroundings: String
  }

  func computing() -> [Computing] {
    let parents = parents
    let byIdentifier = Dictionary(symbols.map { ($0.identifier.precise, $0) }) { a, _ in a }
    let (numeric, given) = numericAndGiven()
    return symbols.compactMap { symbol in
      let identifier = symbol.identifier.precise
      let result: Set<String>
      switch symbol.kind.identifier {
      case "swift.method", "swift.type.method", "swift.func", "swift.func.op":
        result = types(symbol.functionSignature?.returns)
      case "swift.init":
        guard let parent = parents[identifier], !given.contains(parent) else { return nil }
        result = [parent]
      case "swift.property", "swift.type.property":
        let declaration = (symbol.declarationFragments ?? []).map(\.spelling).joined()
        guard declaration.hasSuffix("{ get }") else { return nil }
        result = types(symbol.declarationFragments)
      default: return nil
      }
      // What the standard library adds is not ours.
      guard !identifier.contains("::SYNTHESIZED::"), !result.isDisjoint(with: numeric) else {
        return nil
      }
      var around: [String] = []
      var outer = parents[identifier]
      while let here = outer {
        around.append(byIdentifier[here]?.comment ?? "")
        outer = parents[here]
      }
      return Computing(
        name: symbol.pathComponents.joined(separator: "."),
        comment: ([symbol.comment] + result.sorted().map { byIdentifier[$0]?.comment ?? "" })
          .joined(separator: "\n"), surroundings: around.joined(separator: "\n"))
    }
  }

  private var parents: [String: String] {
    Dictionary(
      relationships.filter { $0.kind == "memberOf" }.map { ($0.source, $0.target) }
    ) { a, _ in a }
  }

  private func types(_ fragments: [Fragment]?) -> Set<String> {
    Set((fragments ?? []).filter { $0.kind == "typeIdentifier" }.compactMap(\.preciseIdentifier))
  }

  /// The types that hold numbers: Double, Complex, matrices and wave vectors, and results made of them,
  /// which are structures with a property of such a type, errors excepted; and the types that are given by
  /// whoever uses the library, which have an initialiser for just what they store.
  private func numericAndGiven() -> (numeric: Set<String>, given: Set<String>) {
    let parents = parents
    var properties: [String: [String: Set<String>]] = [:]
    for symbol in symbols where symbol.kind.identifier == "swift.property" {
      guard let parent = parents[symbol.identifier.precise] else { continue }
      properties[parent, default: [:]][symbol.names.title] = types(symbol.declarationFragments)
    }
    var given: Set<String> = []
    for symbol in symbols where symbol.kind.identifier == "swift.init" {
      guard let parent = parents[symbol.identifier.precise] else { continue }
      let labels = symbol.names.title.matches(of: /(\w+):/).map { String($0.1) }
      if !labels.isEmpty, labels.allSatisfy({ properties[parent]?[$0] != nil }) {
        given.insert(parent)
      }
    }
    let errors = Set(
      relationships.filter { $0.kind == "conformsTo" && $0.target == "s:s5ErrorP" }.map(\.source))
    let structures = symbols.filter { $0.kind.identifier == "swift.struct" }
      .map(\.identifier.precise)
    // Swift.Double; its own types by their names.
    var numeric: Set<String> = ["s:Sd"]
    for symbol in symbols
    where ["ComplexDouble", "Matrix2", "WaveVector"].contains(symbol.names.title) {
      numeric.insert(symbol.identifier.precise)
    }
    while true {
      let more = structures.filter { name in
        !numeric.contains(name) && !errors.contains(name) && !given.contains(name)
          && (properties[name] ?? [:]).values.contains { !$0.isDisjoint(with: numeric) }
      }
      if more.isEmpty { return (numeric, given) }
      numeric.formUnion(more)
    }
  }
}
