// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// A diagram as a file declares it (`diagrams/*.yaml`).
///
///     diagram: nonadiabatic.a
///     summary: ...
///     measures: [s, Sigma]                  # names of MeasuredOperator
///     contributes_to: [O_nonadiabatic]      # names of projections
///     loop:                                 # in the order of the matrix product
///       - vertex: {operator: measured, bands: unequal}
///       - propagator: {frequency: internal + external}
///       - ...
///     sign: +1
///     prefactor: 1
///     dressing: {ladder: [scba]}            # may be left out: no ladder dresses the loop
///     equation: ...
///     source: ...
public enum DiagramFile {
  /// Reads and checks a diagram file.
  /// - Throws: ``FileError`` of kind `noInput`, `permission` or `malformed`, with line and key.
  public static func read(path: String) throws(FileError) -> Diagram {
    try parse(InputFile(path: path)).diagram
  }

  /// The same for the content of a file; `path` names it in messages.
  public static func read(_ bytes: [UInt8], path: String) throws(FileError) -> Diagram {
    try parse(InputFile(path: path, bytes: bytes)).diagram
  }

  /// The diagram and the line of its name.
  static func parse(_ input: InputFile) throws(FileError) -> (diagram: Diagram, line: Int) {
    let value = try YAMLValue(input)
    let root = try value.fields(
      [
        "diagram", "summary", "measures", "contributes_to", "loop", "sign", "prefactor", "equation",
        "source",
      ], optional: ["dressing"])
    // The other keys exist: `fields` has checked them.
    let measures = try root["measures"]!.choices(
      of: MeasuredOperator.allCases.map { ($0.name, $0) })
    let contributesTo = try root["contributes_to"]!.distinctNames()
    let items = try root["loop"]!.list(expected: "a list of vertices and propagators in turn")
    var vertices: [Diagram.Vertex] = []
    var propagators: [PropagatorFrequency] = []
    for (n, item) in items.enumerated() {
      let due = n % 2 == 0 ? "vertex" : "propagator"
      if case .mapping(let entries) = item.content, entries.count == 1,
        ["vertex", "propagator"].contains(entries[0].key), entries[0].key != due
      {
        throw item.refusal(
          "a \(due): vertices and propagators in turn, a vertex first",
          found: "a \(entries[0].key)")
      }
      let body = try item.fields(due)[due]!
      if due == "vertex" {
        vertices.append(try vertex(body))
      } else {
        propagators.append(
          try body.fields("frequency")["frequency"]!.choice(
            of: PropagatorFrequency.allCases.map { ($0.rawValue, $0) }))
      }
    }
    let name = try root["diagram"]!.dottedName()
    let summary = try root["summary"]!.phrase()
    let sign = try root["sign"]!.integer(expected: "+1 or -1")
    let prefactor = try root["prefactor"]!.number()
    let ladder = try root["dressing"]?.fields("ladder")["ladder"]!
    let impurities = try ladder?.choices(of: Impurities.allCases.map { ($0.rawValue, $0) }) ?? []
    let equation = try root["equation"]!.prose()
    let source = try root["source"]!.prose()
    do {
      let diagram = try Diagram(
        name: name, summary: summary, measures: measures, contributesTo: contributesTo,
        vertices: vertices, propagators: propagators, sign: sign, prefactor: prefactor,
        ladder: impurities, equation: equation, source: source)
      return (diagram, root["diagram"]!.line)
    } catch {
      let place: YAMLValue =
        switch error.place {
        case .loop: root["loop"]!
        case .vertex(let n): items[2 * n]
        case .propagator(let n): items[2 * n + 1]
        case .sign: root["sign"]!
        case .prefactor: root["prefactor"]!
        case .measures: root["measures"]!
        case .ladder: ladder!
        }
      throw place.refusal(error.expected, found: error.found)
    }
  }

  private static func vertex(_ value: YAMLValue) throws(FileError) -> Diagram.Vertex {
    let fields = try value.fields("operator", "bands")
    let operators: [(String, VertexOperator?)] =
      [("measured", nil)] + VertexOperator.all.map { ($0.name, $0) }
    return Diagram.Vertex(
      try fields["operator"]!.choice(of: operators),
      bands: try fields["bands"]!.choice(of: BandRule.allCases.map { ($0.rawValue, $0) }))
  }
}

extension YAMLValue {
  /// The one of `options` that a string names.
  func choice<T>(of options: [(String, T)]) throws(FileError) -> T {
    let expected = "one of \(options.map(\.0).joined(separator: ", "))"
    let text = try string(expected: expected)
    guard let option = options.first(where: { $0.0 == text }) else { throw refusal(expected) }
    return option.1
  }

  /// Those of `options` that a list names, at least one and each once.
  fileprivate func choices<T>(of options: [(String, T)]) throws(FileError) -> [T] {
    try distinctItems().map { item throws(FileError) in try item.choice(of: options) }
  }

  /// A list of names, at least one and each once.
  fileprivate func distinctNames() throws(FileError) -> [String] {
    try distinctItems().map { item throws(FileError) in try item.name() }
  }

  private func distinctItems() throws(FileError) -> [YAMLValue] {
    let items = try list(expected: "a list of names")
    guard !items.isEmpty else { throw refusal("at least one name", found: "an empty list") }
    guard items.count <= 100 else { throw refusal("at most 100", found: "\(items.count) names") }
    var seen: Set<String> = []
    for item in items {
      let name = try item.string(expected: "a name")
      guard seen.insert(name).inserted else {
        throw item.refusal("each name once", found: "\(quoted(name)) a second time")
      }
    }
    return items
  }

  /// Names joined by dots, as in `nonadiabatic.a`.
  fileprivate func dottedName() throws(FileError) -> String {
    let expected = "names joined by dots, each of letters, digits, _ and -, as in family.member"
    let text = try string(expected: expected)
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ isName($0) }) else { throw refusal(expected) }
    return try short(text)
  }
}
