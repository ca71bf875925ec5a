// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams

/// Orbitals with the hops of both spins as a file declares them (docs/collinear.md).
struct OrbitalGeometry {
  private struct DeclaredOrbital {
    var line: Int
    var name: String
    var position: [Double]
    var energy, exchange: Amplitude
    var group: String?
    var staggered: Double?
  }

  private struct DeclaredHop {
    var line: Int
    var from, to: Int
    var cell: [Int]
    var up, down: ComplexAmplitude
  }

  private let latticeVectors: [[Double]]
  private let orbitals: [DeclaredOrbital]
  private let hops: [DeclaredHop]
  private let vectorsLine: Int

  /// The most orbitals of a cell.
  static let orbitalLimit = 64

  /// Reads the keys `lattice`, `orbitals` and `hops`; energies and amplitudes may hold the names `known`.
  init(_ root: [String: YAMLValue], known: [String]) throws(FileError) {
    let vectors = try root["lattice"]!.fields("vectors")["vectors"]!
    vectorsLine = vectors.line
    latticeVectors = try vectors.rows(expected: "a list of vectors")
    let items = try root["orbitals"]!.list(expected: "a list of orbitals")
    guard 1...OrbitalGeometry.orbitalLimit ~= items.count else {
      throw root["orbitals"]!.refusal(
        "1 to \(OrbitalGeometry.orbitalLimit)", found: "\(items.count) orbitals")
    }
    var orbitals: [DeclaredOrbital] = []
    for item in items {
      let orbital = try OrbitalGeometry.orbital(item, known)
      if let first = orbitals.firstIndex(where: { $0.name == orbital.name }) {
        throw item.refusal(
          "each name once", found: "the name \(quoted(orbital.name)) of orbital \(first) again")
      }
      orbitals.append(orbital)
    }
    for (item, orbital) in zip(items, orbitals) {
      guard let group = orbital.group, orbitals.contains(where: { $0.name == group }) else {
        continue
      }
      throw item.refusal(
        "a group with a name of its own", found: "the group \(quoted(group)), an orbital's name")
    }
    let names = orbitals.map(\.name)
    self.orbitals = orbitals
    hops = try root["hops"]!.hops().map { item throws(FileError) in
      try OrbitalGeometry.hop(item, names, known)
    }
  }

  private static func orbital(
    _ item: YAMLValue, _ known: [String]
  ) throws(FileError) -> DeclaredOrbital {
    let fields = try item.fields(
      ["name", "position"], optional: ["energy", "exchange", "group", "staggered"])
    func energy(_ key: String) throws(FileError) -> Amplitude {
      guard let value = fields[key] else { return .number(0) }
      return try Amplitude(value, known: known)
    }
    var staggered: Double?
    if let value = fields["staggered"] {
      let sign = try value.number(expected: "1, -1 or 0")
      guard [1, -1, 0].contains(sign) else { throw value.refusal("1, -1 or 0") }
      staggered = sign
    }
    var group: String?
    if let value = fields["group"] { group = try value.name() }
    return DeclaredOrbital(
      line: item.line, name: try fields["name"]!.name(),
      position: try fields["position"]!.numbers(),
      energy: try energy("energy"), exchange: try energy("exchange"), group: group,
      staggered: staggered)
  }

  private static func hop(
    _ item: YAMLValue, _ orbitals: [String], _ known: [String]
  ) throws(FileError) -> DeclaredHop {
    let fields = try item.fields(["from", "to", "cell"], optional: ["amplitude", "up", "down"])
    func orbital(_ key: String) throws(FileError) -> Int {
      let expected = "an orbital, one of \(orbitals.joined(separator: ", "))"
      guard let n = orbitals.firstIndex(of: try fields[key]!.string(expected: expected)) else {
        throw fields[key]!.refusal(expected)
      }
      return n
    }
    let cell = try fields["cell"]!.list(expected: "a list of integers").map { n throws(FileError) in
      try n.integer()
    }
    let up, down: ComplexAmplitude
    switch (fields["amplitude"], fields["up"], fields["down"]) {
    case (let both?, nil, nil):
      up = try ComplexAmplitude(both, known: known)
      down = up
    case (nil, let first?, let second?):
      up = try ComplexAmplitude(first, known: known)
      down = try ComplexAmplitude(second, known: known)
    default:
      let found = ["amplitude", "up", "down"].filter { fields[$0] != nil }
      throw item.refusal(
        "amplitude, for both spins, or up and down",
        found: found.isEmpty ? "no amplitude" : "the keys \(found.joined(separator: ", "))")
    }
    return DeclaredHop(
      line: item.line, from: try orbital("from"), to: try orbital("to"), cell: cell, up: up,
      down: down)
  }

  func model(name: String, _ values: [String: Double]) throws(OrbitalError) -> OrbitalModel {
    let model = try OrbitalModel(
      name: name, latticeVectors: latticeVectors,
      orbitals: orbitals.map { orbital in
        OrbitalModel.Orbital(
          name: orbital.name, position: orbital.position, energy: orbital.energy.value(values),
          exchange: orbital.exchange.value(values), group: orbital.group,
          staggered: orbital.staggered)
      },
      hops: hops.map {
        OrbitalModel.Hop(
          from: $0.from, to: $0.to, cell: $0.cell, up: $0.up.value(values),
          down: $0.down.value(values))
      })
    try model.checkPositions()
    return model
  }

  /// The key and the line of what an error is about.
  func place(_ place: OrbitalPlace) -> (key: String, line: Int?) {
    switch place {
    case .latticeVectors: ("lattice.vectors", vectorsLine)
    case .orbital(let n): ("orbitals[\(n)]", orbitals[n].line)
    case .hop(let n): ("hops[\(n)]", hops[n].line)
    case .cell: ("hops", nil)
    }
  }
}

/// An amplitude, or a list of its real and its imaginary part.
private struct ComplexAmplitude {
  private let real, imaginary: Amplitude

  init(_ value: YAMLValue, known: [String]) throws(FileError) {
    guard case .list(let parts) = value.content else {
      (real, imaginary) = (try Amplitude(value, known: known), .number(0))
      return
    }
    guard parts.count == 2 else {
      throw value.refusal("the real and the imaginary part", found: "a list of \(parts.count)")
    }
    real = try Amplitude(parts[0], known: known)
    imaginary = try Amplitude(parts[1], known: known)
  }

  func value(_ values: [String: Double]) -> ComplexDouble {
    ComplexDouble(real.value(values), imaginary.value(values))
  }
}
