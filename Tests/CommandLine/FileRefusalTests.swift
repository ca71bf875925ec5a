// SPDX-License-Identifier: GPL-3.0-or-later
import KuboFiles
import Testing

/// Every wrong model file is refused with its line, key, what was found and what was expected.
@Suite struct ModelRefusals {
  /// The right file; each case replaces one text of it.
  static let whole = """
    name: square
    description: a model
    source: a test
    units: {energy: t, length: a}
    parameters: {t: 1.0, t_prime: 0.2, J: 0.5}
    defaults: {mu: -1.2, temperature: 0.02, lifetime: {constant: 0.05}}
    lattice: {vectors: [[1, 1], [1, -1]]}
    inter_sublattice:
      - {vector: [1, 0], amplitude: t}
      - {vector: [-1, 0], amplitude: 1.0*t}
      - {vector: [0, 1], amplitude: 1}
      - {vector: [0, -1], amplitude: -1e0}
    intra_sublattice:
      - {vector: [1, 1], amplitude: t_prime}
      - {vector: [1, -1], amplitude: -t_prime}

    """

  static let hops = String(
    whole[(whole.firstRange(of: "inter_sub")?.lowerBound ?? whole.endIndex)...])
  static let rootKeys =
    "the keys name, description, source, units, parameters, defaults, lattice, inter_sublattice, "
    + "intra_sublattice"
  static let name = "a name of letters, digits, _ and -, that begins with a letter or _"
  static let amplitude = "a number, or NAME, -NAME or FACTOR*NAME with NAME one of t, t_prime, J"
  static let writtenOut = "values written out, and quotes around text that starts with & or *"
  static let latticeVector =
    "a lattice vector other than zero, so that the hop stays on its sublattice"
  static let sameSublattice =
    "a difference that is a lattice vector, so that all hops reach one sublattice"
  typealias Case = RefusalCase
  static let cases: [Case] = [
    Case("name: square\n", "", ":1: name", "no such key", rootKeys),
    Case(
      "source: a test\n", "source: a test\ncolour: red\n", ":4: colour", "an unknown key",
      rootKeys),
    Case(
      "units: {energy: t, length: a}", "units: {energy: t}", ":4: units.length", "no such key",
      "the keys energy, length"),
    Case(
      "length: a}", "length: a, time: s}", ":4: units.time", "an unknown key",
      "the keys energy, length"),
    Case(
      ", J: 0.5}", "}", ":5: parameters.J", "no such key",
      "the exchange energy J = N J_sd among the parameters"),
    Case(
      "defaults: {mu: -1.2, ", "defaults: {", ":6: defaults.mu", "no such key",
      "the keys mu, temperature, lifetime"),
    Case(
      "{constant: 0.05}", "{scba: 0.05}", ":6: defaults.lifetime.scba", "an unknown key",
      "the key constant"),
    Case(
      "lattice: {vectors:", "lattice: {cell:", ":7: lattice.cell", "an unknown key",
      "the key vectors"),
    Case(
      "{vector: [1, 0], amplitude: t}", "{vector: [1, 0]}", ":9: inter_sublattice[0].amplitude",
      "no such key", "the keys vector, amplitude"),
    Case(
      "intra_sublattice:", "intra_sublatice:", ":13: intra_sublatice", "an unknown key", rootKeys),
    Case(
      "source: a test", "source: a test\nname: square", ":1: name",
      "the key more than once in one mapping", "each key once"),
    Case(
      "t: 1.0, t_prime", "t: 1.0, t: 1.0, t_prime", ":5: t",
      "the key more than once in one mapping", "each key once"),
    Case("name: square", "name: 4", ":1: name", "the number 4", name),
    Case("name: square", "name: true", ":1: name", "the boolean true", name),
    Case("name: square", "name: my square", ":1: name", "the string \"my square\"", name),
    Case("name: square", "name:", ":1: name", "an empty value", name),
    Case("description: a model", "description: [a, model]", ":2: description", "a list", "text"),
    Case("description: a model", "description: \"\"", ":2: description", "no text", "text"),
    Case(
      "description: a model", "description: \"\\e[31m\"", ":2: description", "\"\\u{1b}[31m\"",
      "text without control characters"),
    Case(
      "units: {energy: t, length: a}", "units: t", ":4: units", "the string \"t\"",
      "a mapping with the keys energy, length"),
    Case("energy: t", "energy: 1", ":4: units.energy", "the number 1", "text on one line"),
    Case(
      "parameters: {t: 1.0,", "parameters: {t: \"1.0\",", ":5: parameters.t", "the string \"1.0\"",
      "a finite number"),
    Case(
      "parameters: {t: 1.0,", "parameters: {t: one,", ":5: parameters.t", "the string \"one\"",
      "a finite number"),
    Case(
      "parameters: {t: 1.0,", "parameters: {t: yes,", ":5: parameters.t", "the string \"yes\"",
      "a finite number"),
    Case(
      "parameters: {t: 1.0,", "parameters: {2t: 1.0,", ":5: parameters.2t", "the name \"2t\"",
      name),
    Case("parameters: {t: 1.0,", "parameters: {1: 1.0,", ":5: parameters", "the number 1", "a key"),
    Case(
      "parameters: {t: 1.0, t_prime: 0.2, J: 0.5}", "parameters: [1.0, 0.2, 0.5]", ":5: parameters",
      "a list", "a mapping from names to numbers"),
    Case("mu: -1.2", "mu: {value: -1.2}", ":6: defaults.mu", "a mapping", "a finite number"),
    Case(
      "lifetime: {constant: 0.05}", "lifetime: 0.05", ":6: defaults.lifetime", "the number 0.05",
      "a mapping with the key constant"),
    Case(
      "[[1, 1], [1, -1]]", "[1, 1]", ":7: lattice.vectors[0]", "the number 1", "a list of numbers"),
    Case(
      "[[1, 1], [1, -1]]", "[[1, 1], [1, x]]", ":7: lattice.vectors[1][1]", "the string \"x\"",
      "a finite number"),
    Case(
      "intra_sublattice:\n", "intra_sublattice: {}\nrest:\n", ":14: rest", "an unknown key",
      rootKeys),
    Case(
      "  - {vector: [1, 0], amplitude: t}", "  - [1, 0]", ":9: inter_sublattice[0]", "a list",
      "a mapping with the keys vector, amplitude"),
    Case("t: 1.0,", "t: .nan,", ":5: parameters.t", ".nan", "a finite number"),
    Case("mu: -1.2", "mu: -.inf", ":6: defaults.mu", "-.inf", "a finite number"),
    Case(
      "t: 1.0,", "t: 1e999,", ":5: parameters.t", "1e999, which is beyond double precision",
      "a finite number"),
    Case(
      "t: 1.0,", "t: 1e-999,", ":5: parameters.t", "1e-999, which is beyond double precision",
      "a finite number"),
    Case(
      "t: 1.0,", "t: 0x10,", ":5: parameters.t", "the number 0x10, which is not decimal",
      "a finite number"),
    Case("t: 1.0,", "t: 1_000,", ":5: parameters.t", "the string \"1_000\"", "a finite number"),
    Case(
      "temperature: 0.02", "temperature: -0.02", ":6: defaults.temperature", "the number -0.02",
      "a temperature, at least 0"),
    Case(
      "constant: 0.05", "constant: -0.05", ":6: defaults.lifetime.constant", "the number -0.05",
      "a level width Gamma, at least 0"),
    Case("J: 0.5", "J: 0", ":5: parameters.J", "0.0", "a positive energy J"),
    Case("J: 0.5", "J: -0.5", ":5: parameters.J", "-0.5", "a positive energy J"),
    Case("J: 0.5", "J: 1e200", ":5: parameters.J", "1e+200", "a positive energy J"),
    Case(
      "amplitude: 1.0*t}", "amplitude: t_second}", ":10: inter_sublattice[1].amplitude",
      "the string \"t_second\"", amplitude),
    Case(
      "amplitude: 1.0*t}", "amplitude: 2 t}", ":10: inter_sublattice[1].amplitude",
      "the string \"2 t\"", amplitude),
    Case(
      "amplitude: 1.0*t}", "amplitude: t*2}", ":10: inter_sublattice[1].amplitude",
      "the string \"t*2\"", amplitude),
    Case(
      "amplitude: 1.0*t}", "amplitude: 1/2*t}", ":10: inter_sublattice[1].amplitude",
      "the string \"1/2*t\"", amplitude),
    Case(
      "amplitude: 1.0*t}", "amplitude: .inf}", ":10: inter_sublattice[1].amplitude", ".inf",
      amplitude),
    Case(
      "amplitude: 1.0*t}", "amplitude: inf*t}", ":10: inter_sublattice[1].amplitude",
      "the string \"inf*t\"", amplitude),
    Case(
      "amplitude: 1.0*t}", "amplitude: 1e99*t}\n  - {vector: [3, 0], amplitude: 1e100}",
      ":11: inter_sublattice[2]", "amplitude 1e+100", "a finite number of magnitude below 1e100"),
    Case(
      "amplitude: 1.0*t}", "amplitude: \"1.0\"}", ":10: inter_sublattice[1].amplitude",
      "the string \"1.0\"", amplitude),
    Case(
      "[[1, 1], [1, -1]]", "[[1, 1], [2, 2]]", ":7: lattice.vectors", "a cell of zero volume",
      "independent lattice vectors"),
    Case("[[1, 1], [1, -1]]", "[]", ":7: lattice.vectors", "0 vectors", "1, 2 or 3 vectors"),
    Case(
      "[[1, 1], [1, -1]]", "[[1, 1, 0], [1, -1, 0]]", ":7: lattice.vectors",
      "a vector of 3 components", "2 vectors of 2 components each"),
    Case(
      "[[1, 1], [1, -1]]", "[[1, 1], [1, -1], [0, 1], [2, 0]]", ":7: lattice.vectors", "4 vectors",
      "1, 2 or 3 vectors"),
    Case(
      "vector: [-1, 0]", "vector: [-2, 0]", ":10: inter_sublattice[1]",
      "[-2.0, 0.0], which differs from [1.0, 0.0] by [-3.0, 0.0]", sameSublattice),
    Case(
      "vector: [-1, 0]", "vector: [-1, 0, 0]", ":10: inter_sublattice[1]",
      "a vector of 3 components", "2 components, as in the lattice vectors"),
    Case(
      "vector: [-1, 0]", "vector: [1, 0]", ":10: inter_sublattice[1]", "[1.0, 0.0] listed twice",
      "each hop once"),
    Case(
      "vector: [1, -1], amplitude: -", "vector: [1, 0], amplitude: -", ":15: intra_sublattice[1]",
      "[1.0, 0.0]", latticeVector),
    Case(
      "vector: [1, -1], amplitude: -", "vector: [-1, -1], amplitude: -", ":15: intra_sublattice[1]",
      "[-1.0, -1.0], the opposite of a hop already listed",
      "one of r and -r: T_k = -2 sum a cos(k.r) holds both"),
    Case(
      "vector: [1, -1], amplitude: -", "vector: [0, 0], amplitude: -", ":15: intra_sublattice[1]",
      "[0.0, 0.0]", latticeVector),
    Case(
      hops, "inter_sublattice: []\nintra_sublattice: []\n", ":8: inter_sublattice",
      "T_k and eta_k both zero", "at least one hop that is not zero"),
    Case("description: a model", "description: &text a model", ":2", "an anchor (&)", writtenOut),
    Case("source: a test", "source: *text", ":3", "an alias (*)", writtenOut),
    Case(
      "source: a test", "source: !text a test", ":3", "a tag (!)",
      "no tags, and quotes around text that starts with !"),
    Case("name: square", "%YAML 1.1\n---\nname: square", ":1", "a directive (%)", "no directives"),
    Case(
      "source: a test", "? source\n: a test", ":3", "an explicit key (?)",
      "KEY: VALUE, and quotes around text that starts with ?"),
    Case(
      "source: a test", "source: \"a\n  test\"", ":3", "quoted text that does not end on its line",
      "the closing quote, or a block of text (| or >) for long text"),
    Case(
      "source: a test", "source: [a", ":4", "a syntax error (did not find expected ',' or ']')",
      "valid YAML"),
    Case(
      "source: a test", "source: a\u{7}test", ":3", "the control character U+7",
      "text without control characters"),
    Case(
      "source: a test", "source: a: test", ":3",
      "a syntax error (mapping values are not allowed in this context)", "valid YAML"),
    Case(
      "name: square", "\tname: square", ":1",
      "a syntax error (found character that cannot start any token)", "valid YAML"),
    Case(
      "source: a test\n", "source: a test\n---\n", ":4",
      "a syntax error (but found another document)", "valid YAML"),
    Case(
      "source: a test", "source: " + String(repeating: "[", count: 30), ":3",
      "more than 20 nested brackets", "at most 20"),
    Case(
      "source: a test", "source: a test\n\"source\": a test", ":3: source",
      "the key more than once in one mapping", "each key once"),
    Case(
      "source: a test", "source: a test\nsource2: |\n  &fine *text\n  ? !\n &no", ":7",
      "an anchor (&)", writtenOut),
    Case(whole, "", "", "an empty file", "a YAML mapping"),
    Case(whole, "# nothing\n", "", "an empty file", "a YAML mapping"),
    Case(whole, "- name: square\n", ":1", "a list", "a mapping with \(rootKeys)"),
    Case(whole, "square", ":1", "the string \"square\"", "a mapping with \(rootKeys)"),
  ]

  @Test func theFileItselfIsRight() throws {
    let scratch = try ScratchDirectory()
    _ = try ModelFile.read(path: scratch.file("right.yaml", Self.whole))
  }

  @Test(arguments: cases)
  func isRefused(_ wrong: RefusalCase) throws {
    #expect(Self.whole.ranges(of: wrong.text).count == 1, "the case must change one place")
    let scratch = try ScratchDirectory()
    let path = try scratch.file("wrong.yaml", Self.whole.replacing(wrong.text, with: wrong.wrong))
    let error = #expect(throws: FileError.self) { _ = try ModelFile.read(path: path) }
    #expect(
      error?.description
        == "\(path)\(wrong.place): found \(wrong.found); expected \(wrong.expected)")
    #expect(error?.kind == .malformed)
  }
}
