// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboDiagrams
import KuboFiles
import Testing

/// The model and diagram files of the repository.
@Suite struct ShippedFiles {
  struct Expected: Sendable {
    let name: String
    let vectors: [[Double]]
    let inter: [[Double]]
    let intra: [[Double]]
    let parameters: [String: Double]
    let mu: Double
  }

  static let h = 3.0.squareRoot() / 2
  static let squareHops: [[Double]] = [[1, 0], [-1, 0], [0, 1], [0, -1]]
  static let diagonals: [[Double]] = [[1, 1], [1, -1]]
  static let models = [
    Expected(
      name: "square", vectors: diagonals, inter: squareHops, intra: diagonals,
      parameters: ["t": 1, "t_prime": 0.2, "J": 0.5], mu: -1.2),
    Expected(
      name: "honeycomb", vectors: [[2 * h, 0], [h, 1.5]],
      inter: [[0, 1], [h, -0.5], [-h, -0.5]], intra: [[2 * h, 0], [-h, 1.5], [-h, -1.5]],
      parameters: ["t": 1, "t_prime": 0.1, "J": 0.5], mu: -1),
    Expected(
      name: "chain", vectors: [[2]], inter: [[1], [-1]], intra: [[2]],
      parameters: ["t": 1, "t_prime": 0.2, "J": 0.5], mu: -1.2),
    Expected(
      name: "cubic", vectors: [[1, 1, 0], [1, 0, 1], [0, 1, 1]],
      inter: [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]],
      intra: [[1, 1, 0], [1, -1, 0], [1, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1]],
      parameters: ["t": 1, "t_prime": 0.1, "J": 0.5], mu: -3),
    Expected(
      name: "narrow", vectors: diagonals, inter: squareHops, intra: diagonals,
      parameters: ["t": 0.1, "t_prime": 0.5, "J": 1], mu: -1.8),
  ]

  /// Models with orbitals: how many, and into how many other cells hops lead.
  static let magnets: [(name: String, orbitals: Int, cells: Int)] = [
    ("ferromagnet", 1, 4), ("ferrimagnet", 2, 6), ("altermagnet", 2, 6),
    ("lieb", 3, 6), ("kagome", 3, 6), ("bcc", 1, 14),
  ]

  @Test(arguments: magnets) func modelsWithOrbitals(
    _ magnet: (name: String, orbitals: Int, cells: Int)
  ) throws {
    let file = try ModelFile.read(path: "\(repository)/data/models/\(magnet.name).yaml")
    #expect(file.name == magnet.name && file.hasOrbitals)
    let model = try file.orbitalModel()
    #expect(model.orbitals.count == magnet.orbitals && model.cells.count == magnet.cells + 1)
    #expect(model.connectionNotes.isEmpty)
  }

  @Test func noOtherModels() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(repository)/data/models")
    let known = Self.models.map(\.name) + Self.magnets.map(\.name)
    #expect(names.sorted() == known.map { "\($0).yaml" }.sorted())
  }

  @Test(arguments: models.indices)
  func modelsAreAsTheReferenceNumbersNeedThem(_ n: Int) throws {
    let expected = Self.models[n]
    let file = try ModelFile.read(path: "\(repository)/data/models/\(expected.name).yaml")
    #expect(file.name == expected.name)
    let model = try file.model()
    #expect(model.latticeVectors == expected.vectors)
    #expect(model.interSublattice.map(\.vector) == expected.inter)
    #expect(model.intraSublattice.map(\.vector) == expected.intra)
    #expect(model.interSublattice.allSatisfy { $0.amplitude == expected.parameters["t"] })
    #expect(model.intraSublattice.allSatisfy { $0.amplitude == expected.parameters["t_prime"] })
    #expect(model.exchange == expected.parameters["J"])
    #expect(file.parameters.map(\.name) == ["t", "t_prime", "J"])
    for (name, value) in file.parameters { #expect(value == expected.parameters[name]) }
    #expect(
      file.defaults
        == ModelFile.Defaults(mu: expected.mu, temperature: 0.02, lifetime: .constant(0.05)))
    #expect(file.units.length == "a")
    #expect(file.units.energy == (expected.name == "narrow" ? "J" : "t"))
  }

  // MARK: Diagrams

  /// Operator and band rule of each vertex, as in `measured unequal, electric equal, gauge any`.
  private func loop(_ diagram: Diagram) -> String {
    diagram.vertices.map { "\($0.vertexOperator?.name ?? "measured") \($0.bands.rawValue)" }
      .joined(separator: ", ")
  }

  static let loops: [String: (String, contributesTo: [String], measures: [String])] = [
    "full.electric_first": ("measured any, electric any, gauge any", ["full"], ["s", "Sigma"]),
    "full.gauge_first": ("measured any, gauge any, electric any", ["full"], ["s", "Sigma"]),
    "full.anomalous_current": ("measured any, anomalous_current any", ["full"], ["s", "Sigma"]),
    "adiabatic.electric_first": (
      "measured equal, electric equal, gauge equal", ["adiabatic"], ["s", "Sigma"]
    ),
    "adiabatic.gauge_first": (
      "measured equal, gauge equal, electric equal", ["adiabatic"], ["s", "Sigma"]
    ),
    "adiabatic.anomalous_current": (
      "measured equal, anomalous_current equal", ["adiabatic"], ["s", "Sigma"]
    ),
    "O_adiabatic.electric_first": (
      "measured equal, electric any, gauge any", ["O_adiabatic"], ["s", "Sigma"]
    ),
    "O_adiabatic.gauge_first": (
      "measured equal, gauge any, electric any", ["O_adiabatic"], ["s", "Sigma"]
    ),
    "O_adiabatic.anomalous_current": (
      "measured equal, anomalous_current any", ["O_adiabatic"], ["s", "Sigma"]
    ),
    "nonadiabatic.a": (
      "measured unequal, electric equal, gauge any", ["O_nonadiabatic", "O_nonadiabatic_main"],
      ["s", "Sigma"]
    ),
    "nonadiabatic.b": (
      "measured unequal, electric unequal, gauge equal", ["O_nonadiabatic"], ["s", "Sigma"]
    ),
    "nonadiabatic.c": (
      "measured unequal, gauge equal, electric any", ["O_nonadiabatic"], ["s", "Sigma"]
    ),
    "nonadiabatic.d": (
      "measured unequal, gauge any, electric equal", ["O_nonadiabatic", "O_nonadiabatic_main"],
      ["s", "Sigma"]
    ),
    "nonadiabatic.ef": (
      "measured unequal, anomalous_current any", ["O_nonadiabatic"], ["s", "Sigma"]
    ),
    "conductivity.bubble": ("measured any, electric any", ["conductivity"], ["j"]),
    "canting.electric_first": (
      "measured equal, electric equal, canting equal", ["canting"], ["j_sA"]
    ),
    "canting.canting_first": (
      "measured equal, canting equal, electric equal", ["canting"], ["j_sA"]
    ),
    "canting_uniform.electric_first": (
      "measured any, electric any, canting any", ["canting_uniform"],
      ["s", "Sigma", "j_s", "torque"]
    ),
    "canting_uniform.canting_first": (
      "measured any, canting any, electric any", ["canting_uniform"],
      ["s", "Sigma", "j_s", "torque"]
    ),
  ].merging(gradients) { own, _ in own }

  /// A canting that varies: every order of electric vertex, canting and gradient, and electric vertex and gradient in one.
  private static let gradients = Dictionary(
    uniqueKeysWithValues: [
      "gradient_electric_canting", "electric_gradient_canting", "electric_canting_gradient",
      "both_canting", "gradient_canting_electric", "canting_gradient_electric",
      "canting_electric_gradient", "canting_both",
    ].map { name in
      let vertices = name.split(separator: "_").map { $0 == "both" ? "electric_gradient" : $0 }
      return (
        "canting_gradient.\(name)",
        (
          (["measured"] + vertices).map { "\($0) any" }.joined(separator: ", "),
          contributesTo: ["canting_gradient"], measures: ["s", "Sigma", "torque"]
        )
      )
    })

  @Test func diagramsAreTheLoopsOfThePaper() throws {
    let library = try DiagramLibrary.read(directories: ["\(repository)/diagrams"])
    #expect(Set(library.diagrams.map(\.name)) == Set(Self.loops.keys))
    #expect(library.replaced == [])
    for (diagram, path) in library.entries.map({ ($0.diagram, $0.path) }) {
      #expect(path == "\(repository)/diagrams/\(diagram.name).yaml")
      let expected = try #require(Self.loops[diagram.name])
      #expect(loop(diagram) == expected.0, "\(diagram.name)")
      #expect(diagram.contributesTo == expected.contributesTo, "\(diagram.name)")
      #expect(diagram.measures.map(\.name) == expected.measures, "\(diagram.name)")
      // -i d/dq of what has the wave vector k - q/2, after the canting, has a minus.
      let names = diagram.vertices.map { $0.vertexOperator?.name }
      let canting = names.firstIndex(of: "canting") ?? names.count
      let gradient =
        names.firstIndex { $0 == "gradient" || $0 == "electric_gradient" } ?? 0
      #expect(diagram.sign == (gradient > canting ? -1 : 1) && diagram.prefactor == 1)
    }
  }

  /// Which band labels (a, b, c), each +1 or -1, the vertices of a diagram of three allow.
  private func labels(_ diagram: Diagram) -> Set<[Int]> {
    var allowed: Set<[Int]> = []
    for a in [1, -1] {
      for b in diagram.propagators.count == 3 ? [1, -1] : [a] {
        for c in [1, -1] {
          let bands = diagram.propagators.count == 3 ? [a, b, c] : [a, c]
          let fits = diagram.vertices.indices.allSatisfy { n in
            let equal = bands[(n + bands.count - 1) % bands.count] == bands[n]
            return switch diagram.vertices[n].bands {
            case .any: true
            case .equal: equal
            case .unequal: !equal
            }
          }
          if fits { allowed.insert(bands) }
        }
      }
    }
    return allowed
  }

  @Test(arguments: ["electric", "gauge", "anomalous_current"])
  func partsOfTheMeasuredOperatorShareTheBandLabelsOfTheFullLoop(_ second: String) throws {
    let library = try DiagramLibrary.read(directories: ["\(repository)/diagrams"])
    func all(_ projection: String) -> [[Int]] {
      library.diagrams.filter {
        $0.contributesTo.contains(projection) && $0.vertices[1].vertexOperator?.name == second
      }.flatMap { labels($0) }
    }
    let (full, parts) = (all("full"), all("O_adiabatic") + all("O_nonadiabatic"))
    #expect(full.count == (second == "anomalous_current" ? 4 : 8))
    #expect(parts.count == full.count, "no combination twice")
    #expect(Set(parts) == Set(full))
    #expect(all("adiabatic").allSatisfy { Set($0).count == 1 })
    #expect(all("adiabatic").count == 2)
  }

  // MARK: Libraries

  @Test func laterDirectoriesReplace() throws {
    let scratch = try ScratchDirectory()
    let (first, second) = (try scratch.directory("1"), try scratch.directory("2"))
    let text = try Refusal.base("diagram.yaml")
    let other = text.replacing("family.member", with: "family.other")
    _ = try scratch.file("1/a.yaml", text)
    _ = try scratch.file("1/b.yaml", other)
    _ = try scratch.file("1/notes.txt", "not a diagram")
    _ = try scratch.file("1/.hidden.yaml", "not a diagram")
    _ = try scratch.file("2/z.yaml", text.replacing("a diagram", with: "a better diagram"))
    let library = try DiagramLibrary.read(directories: [first, second])
    #expect(library.diagrams.map(\.name) == ["family.member", "family.other"])
    #expect(library.diagrams.map(\.summary) == ["a better diagram", "a diagram"])
    #expect(library.entries.map(\.path) == ["\(second)/z.yaml", "\(first)/b.yaml"])
    #expect(library.replaced == ["family.member"])
  }

  @Test func twoOfOneNameInADirectoryAreRefused() throws {
    let scratch = try ScratchDirectory()
    _ = try scratch.file("a.yaml", Refusal.base("diagram.yaml"))
    _ = try scratch.file("b.yaml", Refusal.base("diagram.yaml"))
    let error = #expect(throws: FileError.self) {
      _ = try DiagramLibrary.read(directories: [scratch.path])
    }
    #expect(
      error?.description
        == "\(scratch.path)/b.yaml:1: diagram: found the name family.member, which "
        + "\(scratch.path)/a.yaml has too; "
        + "expected each diagram of a directory with a name of its own")
  }
}
