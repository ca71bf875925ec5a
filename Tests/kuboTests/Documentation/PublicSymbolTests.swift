// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import Testing

/// Every public symbol that computes something states its equation, source and units.
///
/// *Computes something*: a function, an initialiser or a property with a getter alone, of
/// `SymbolGraph.modules`, whose result holds numbers (`SymbolGraph.computing`). Initialisers that store what they
/// are given, and stored properties, do not compute.
///
/// *States*: its own comment, or that of the type of its result, has an equation (a sign = or ->); these or
/// the comments of the types around it have a source (a number of the paper, a page of `docs`, GSL) and units
/// (a unit by name, or the word unit or dimensionless). Whether they are right no test can tell.
@Suite struct PublicSymbolTests {
  @Test func statements() throws {
    let graph = try SymbolGraph.ofLibraries()
    let computing = graph.computing()
    // Fewer would mean that they were not found.
    #expect(computing.count >= 50)
    for symbol in computing {
      let missing = PublicSymbolTests.missing(symbol.comment, symbol.surroundings)
      #expect(missing.isEmpty, "\(symbol.name) lacks \(missing.joined(separator: ", "))")
    }
  }

  static func missing(_ comment: String, _ surroundings: String) -> [String] {
    let all = comment + "\n" + surroundings
    var missing: [String] = []
    if !comment.contains(/(^|[^<>=!])=([^=]|$)|->/) { missing.append("equation") }
    if !all.contains(/\(S?\d+(\.\d+)?[ab]?\)|\bdocs\/[a-z-]+\.md|GSL/) {
      missing.append("source")
    }
    if !all.contains(/\b[Uu]nits?\b|\bdimensionless\b|\bm\/s\b/) { missing.append("units") }
    return missing
  }

  /// What is missing is noticed.
  @Test(arguments: [
    ("E_s = T - s Delta; (7), in energy units.", []),
    ("The energy; (7), in energy units.", ["equation"]),
    ("E_s = T - s Delta, in energy units.", ["source"]), ("E_s = T - s Delta; (7).", ["units"]),
    ("Whether E_s >= 0 (7); dimensionless.", ["equation"]), ("", ["equation", "source", "units"]),
  ]) func judgement(_ comment: String, _ expected: [String]) {
    #expect(PublicSymbolTests.missing(comment, "") == expected)
  }
}
