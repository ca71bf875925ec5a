// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import KuboFiles

/// A shipped model with some parameters replaced.
package func shippedModel(_ name: String, _ parameters: [String: Double] = [:]) throws -> Model {
  try ModelFile.read(path: "\(repository)/data/models/\(name).yaml").model(setting: parameters)
}

/// The shipped diagrams.
package func shippedDiagrams() throws -> DiagramSet {
  DiagramSet(try DiagramLibrary.read(directories: ["\(repository)/diagrams"]).diagrams)
}

/// The columns of bare responses.
package func bareColumns(_ names: [String]) -> [SpectrumRequest.Column] {
  names.map { .init(response: Response($0)!, dressing: .bare) }
}

/// The named responses.
package let namedResponses = Response.aliases.map(\.alias)

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
