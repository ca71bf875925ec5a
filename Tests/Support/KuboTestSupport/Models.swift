// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboFiles

/// A shipped model with some parameters replaced.
package func shippedModel(_ name: String, _ parameters: [String: Double] = [:]) throws -> Model {
  try ModelFile.read(path: "\(repository)/data/models/\(name).yaml").model(setting: parameters)
}

/// The shipped diagrams.
package func shippedDiagrams() throws -> DiagramSet { try readDiagrams.get() }

/// Read once: many tests ask for them in their innermost loops.
private let readDiagrams: Result<DiagramSet, any Error> = Result {
  DiagramSet(try DiagramLibrary.read(directories: ["\(repository)/diagrams"]).diagrams)
}

/// The columns of bare responses.
package func bareColumns(_ names: [String]) -> [SpectrumRequest.Column] {
  names.map { .init(response: Response($0)!, dressing: .bare) }
}

/// The named responses.
package let namedResponses = Response.standard.map(\.name)

extension Spectrum {
  /// The column of a response and dressing.
  package func column(_ name: String, _ dressing: Dressing = .bare, diagram: String? = nil)
    -> Column
  {
    columns.first {
      $0.request.response.name == name && $0.request.dressing == dressing
        && $0.request.diagram == diagram
    }!
  }

  /// K(omega), dynamic plus static part.
  package func full(_ name: String, _ n: Int) -> ComplexDouble { full(name, .bare, n) }

  /// The same of one dressing.
  package func full(_ name: String, _ dressing: Dressing, _ n: Int) -> ComplexDouble {
    let column = column(name, dressing)
    return column.values[n]!.dynamic + column.staticPart!
  }
}

/// A chain of two orbitals without inversion or real hops, whose exchange sits on bonds too; `isFar` with a hop to the second next cell.
package func lopsidedChain(isFar: Bool = false) throws -> OrbitalModel {
  let far = OrbitalModel.Hop(
    from: 1, to: 1, cell: [2], up: ComplexDouble(0, -0.1), down: ComplexDouble(0, -0.1))
  return try OrbitalModel(
    name: "chain", latticeVectors: [[1.3]],
    orbitals: [
      .init(name: "a", position: [0], energy: 0.2, exchange: 0.6),
      .init(name: "b", position: [0.4], energy: -0.3, exchange: -0.25),
    ],
    hops: [
      .init(
        from: 0, to: 1, cell: [0], up: ComplexDouble(-1, 0.2), down: ComplexDouble(-0.9, 0.3)),
      .init(from: 1, to: 0, cell: [1], up: ComplexDouble(-0.7), down: ComplexDouble(-0.7, 0.1)),
      .init(
        from: 0, to: 0, cell: [1], up: ComplexDouble(0.15, 0.1), down: ComplexDouble(0.05, 0.1)),
    ] + (isFar ? [far] : []))
}
