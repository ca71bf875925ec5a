// SPDX-License-Identifier: GPL-3.0-or-later

/// The diagrams that an evaluation may draw on.
public struct DiagramSet: Sendable {
  /// The diagrams, with unique names.
  public let diagrams: [Diagram]

  /// The set of `diagrams`.
  public init(_ diagrams: [Diagram]) { self.diagrams = diagrams }

  /// The diagrams whose sum is `response`.
  public func diagrams(of response: Response) -> [Diagram] {
    diagrams.filter {
      $0.measures.contains(response.measured) && $0.contributesTo.contains(response.projection)
    }
  }

  /// All responses that the set can answer, by full name without spin components.
  public var available: [String] {
    var names: [String] = []
    for measured in MeasuredOperator.allCases {
      for diagram in diagrams where diagram.measures.contains(measured) {
        for projection in diagram.contributesTo {
          let spin = measured == .chargeCurrent ? "" : ".xx|xy|yx|yy"
          let name = "\(measured.name)\(spin).\(projection)"
          if !names.contains(name) { names.append(name) }
        }
      }
    }
    return names
  }
}
