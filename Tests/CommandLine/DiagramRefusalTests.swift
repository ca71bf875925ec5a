// SPDX-License-Identifier: GPL-3.0-or-later
import KuboFiles
import Testing

/// Every wrong diagram file is refused with its line, key, what was found and what was expected.
@Suite struct DiagramRefusals {
  /// The right file; each case replaces one text of it.
  static let whole = """
    diagram: family.member
    summary: a diagram
    measures: [s, Sigma]
    contributes_to: [O_nonadiabatic]
    loop:
      - vertex: {operator: measured, bands: unequal}
      - propagator: {frequency: internal + external}
      - vertex: {operator: electric, bands: equal}
      - propagator: {frequency: internal}
      - vertex: {operator: gauge, bands: any}
      - propagator: {frequency: internal}
    sign: +1
    prefactor: 1
    equation: K = 0
    source: a test

    """

  static let loop = String(
    whole[
      (whole.firstRange(of: "loop:")?.lowerBound ?? whole.startIndex)..<(whole.firstRange(
        of: "sign:")?.lowerBound ?? whole.endIndex)])
  static let rootKeys =
    "the keys diagram, summary, measures, contributes_to, loop, sign, prefactor, equation, source, dressing"
  static let name = "a name of letters, digits, _ and -, that begins with a letter or _"
  static let dottedName =
    "names joined by dots, each of letters, digits, _ and -, as in family.member"
  static let writtenOut = "values written out, and quotes around text that starts with & or *"
  static let oneField = "one (electric, anomalous_current): the response is linear in the field"
  static let whereItEnters =
    "since the external frequency enters at the electric field's vertex and leaves at the measured "
    + "one"
  typealias Case = RefusalCase
  static let cases: [Case] = [
    Case("diagram: family.member\n", "", ":1: diagram", "no such key", rootKeys),
    Case(
      "summary: a diagram", "summary: a diagram\nsumary: a diagram", ":3: sumary", "an unknown key",
      rootKeys),
    Case("sign: +1\n", "", ":1: sign", "no such key", rootKeys),
    Case(
      "sign: +1", "sign: +1\nsign: +1", ":12: sign", "the key more than once in one mapping",
      "each key once"),
    Case(
      "measured, bands: unequal}", "measured}", ":6: loop[0].vertex.bands", "no such key",
      "the keys operator, bands"),
    Case(
      "measured, bands: unequal}", "measured, bands: unequal, spin: up}", ":6: loop[0].vertex.spin",
      "an unknown key", "the keys operator, bands"),
    Case("diagram: family.member", "diagram: 7", ":1: diagram", "the number 7", dottedName),
    Case(
      "diagram: family.member", "diagram: family..member", ":1: diagram",
      "the string \"family..member\"", dottedName),
    Case(
      "diagram: family.member", "diagram: family member", ":1: diagram",
      "the string \"family member\"", dottedName),
    Case(
      "summary: a diagram", "summary: |\n  a\n  diagram", ":2: summary", "several lines",
      "text on one line"),
    Case(
      "summary: a diagram", "summary: null", ":2: summary", "an empty value", "text on one line"),
    Case("[s, Sigma]", "s", ":3: measures", "the string \"s\"", "a list of names"),
    Case("[s, Sigma]", "[]", ":3: measures", "an empty list", "at least one name"),
    Case(
      "[s, Sigma]", "[s, sigma]", ":3: measures[1]", "the string \"sigma\"",
      "one of s, Sigma, j_sA, j"),
    Case("[s, Sigma]", "[s, s]", ":3: measures[1]", "\"s\" a second time", "each name once"),
    Case(
      "[s, Sigma]", "[j]", ":3: measures", "j with 1 transverse spin operators in the loop",
      "an even number, or the trace over spin vanishes"),
    Case(
      "[O_nonadiabatic]", "[O nonadiabatic]", ":4: contributes_to[0]",
      "the string \"O nonadiabatic\"", name),
    Case(
      "[O_nonadiabatic]", "[full, full]", ":4: contributes_to[1]", "\"full\" a second time",
      "each name once"),
    Case("[O_nonadiabatic]", "[]", ":4: contributes_to", "an empty list", "at least one name"),
    Case(
      "operator: gauge", "operator: gage", ":10: loop[4].vertex.operator", "the string \"gage\"",
      "one of measured, electric, gauge, anomalous_current, canting"),
    Case(
      "operator: gauge", "operator: measured", ":10: loop[4]", "operator: measured",
      "the measured operator only once, first"),
    Case(
      "operator: measured", "operator: canting", ":6: loop[0]", "operator canting",
      "operator: measured in the first vertex"),
    Case(
      "operator: gauge", "operator: electric", ":6: loop", "2 vertices of the electric field",
      oneField),
    Case(
      "operator: electric", "operator: canting", ":6: loop", "0 vertices of the electric field",
      oneField),
    Case(
      "bands: any", "bands: all", ":10: loop[4].vertex.bands", "the string \"all\"",
      "one of any, equal, unequal"),
    Case(
      "bands: any", "bands: true", ":10: loop[4].vertex.bands", "the boolean true",
      "one of any, equal, unequal"),
    Case(
      "frequency: internal + external", "frequency: external", ":7: loop[1].propagator.frequency",
      "the string \"external\"", "one of internal, internal + external"),
    Case(
      "frequency: internal + external", "frequency: internal", ":7: loop[1]", "frequency: internal",
      "frequency: internal + external, \(whereItEnters)"),
    Case(
      "  - propagator: {frequency: internal}\n  - vertex: {operator: gauge",
      "  - propagator: {frequency: internal + external}\n  - vertex: {operator: gauge",
      ":9: loop[3]", "frequency: internal + external", "frequency: internal, \(whereItEnters)"),
    Case(
      "  - propagator: {frequency: internal + external}\n", "", ":7: loop[1]", "a vertex",
      "a propagator: vertices and propagators in turn, a vertex first"),
    Case(
      "  - vertex: {operator: gauge, bands: any}\n  - propagator: {frequency: internal}\n",
      "  - vertex: {operator: gauge, bands: any}\n", ":6: loop", "3 vertices and 2 propagators",
      "as many propagators as vertices, in turn"),
    Case(
      "  - propagator: {frequency: internal + external}",
      "  - propagator: {frequency: internal + external}\n    vertex: {operator: gauge, bands: any}",
      ":8: loop[1].vertex", "an unknown key", "the key propagator"),
    Case(
      "  - propagator: {frequency: internal + external}",
      "  - loop: {frequency: internal + external}", ":7: loop[1].loop", "an unknown key",
      "the key propagator"),
    Case(loop, "loop: []\n", ":5: loop", "0 vertices", "2, 3 or 4 vertices"),
    Case(
      loop,
      "loop:\n  - vertex: {operator: measured, bands: any}\n"
        + "  - propagator: {frequency: internal}\n",
      ":6: loop", "1 vertices", "2, 3 or 4 vertices"),
    Case("sign: +1", "sign: 2", ":12: sign", "2", "+1 or -1"),
    Case("sign: +1", "sign: 0", ":12: sign", "0", "+1 or -1"),
    Case("sign: +1", "sign: 1.0", ":12: sign", "the number 1.0", "+1 or -1"),
    Case("sign: +1", "sign: plus", ":12: sign", "the string \"plus\"", "+1 or -1"),
    Case("sign: +1", "sign: \"+1\"", ":12: sign", "the string \"+1\"", "+1 or -1"),
    Case(
      "sign: +1", "sign: 99999999999999999999", ":12: sign", "the number 99999999999999999999",
      "+1 or -1"),
    Case("prefactor: 1", "prefactor: .nan", ":13: prefactor", ".nan", "a finite number"),
    Case(
      "prefactor: 1", "prefactor: 1/2", ":13: prefactor", "the string \"1/2\"", "a finite number"),
    Case(
      "prefactor: 1", "prefactor: 1e150", ":13: prefactor", "1e+150",
      "a finite number of magnitude below 1e100"),
    Case("equation: K = 0", "equation: {K: 0}", ":14: equation", "a mapping", "text"),
    Case("equation: K = 0", "equation:", ":14: equation", "an empty value", "text"),
    Case("source: a test", "source: &a test", ":15", "an anchor (&)", writtenOut),
    Case("source: a test", "source: *a", ":15", "an alias (*)", writtenOut),
    Case(
      "prefactor: 1", "prefactor: 1\ndressing: {ladder: [born]}", ":14: dressing.ladder[0]",
      "the string \"born\"", "one of scba, site"),
    Case(
      "prefactor: 1", "prefactor: 1\ndressing: {ladder: []}", ":14: dressing.ladder",
      "an empty list", "at least one name"),
    Case(
      "prefactor: 1", "prefactor: 1\ndressing: {rungs: 2}", ":14: dressing.rungs",
      "an unknown key", "the key ladder"),
    Case(
      "prefactor: 1", "prefactor: 1\ndressing: {ladder: [site]}", ":14: dressing.ladder",
      "site where a vertex has bands other than any",
      "bands: any at every vertex, since impurities on the sites mix the bands"),
    Case(whole, "", "", "an empty file", "a YAML mapping"),
    Case(whole, "[]", ":1", "a list", "a mapping with \(rootKeys)"),
    Case(
      whole, String(repeating: "- ", count: 150), ":1", "text that starts at column 203",
      "at most 200"),
  ]

  @Test func theFileItselfIsRight() throws {
    let scratch = try ScratchDirectory()
    _ = try DiagramFile.read(path: scratch.file("right.yaml", Self.whole))
  }

  @Test(arguments: cases)
  func isRefused(_ wrong: RefusalCase) throws {
    #expect(Self.whole.ranges(of: wrong.text).count == 1, "the case must change one place")
    let scratch = try ScratchDirectory()
    let path = try scratch.file("wrong.yaml", Self.whole.replacing(wrong.text, with: wrong.wrong))
    let error = #expect(throws: FileError.self) { _ = try DiagramFile.read(path: path) }
    #expect(
      error?.description
        == "\(path)\(wrong.place): found \(wrong.found); expected \(wrong.expected)")
    #expect(error?.kind == .malformed)
  }
}
