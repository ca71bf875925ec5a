// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import KuboOrbitals

/// The parts between commas, none left out.
func words(_ text: String) -> [Substring] {
  text.split(separator: ",", omittingEmptySubsequences: false)
}

/// The parts of a list as `read` takes them; of several the one that is refused is named.
func list<Value>(_ parts: [Substring], _ read: (Substring) throws -> Value) throws -> [Value] {
  try parts.map { part in
    do {
      return try read(part)
    } catch let error as ValidationError where parts.count > 1 {
      throw ValidationError("found '\(shown(String(part)))'; \(error.message)")
    }
  }
}

/// The time that stands for now in outputs which are to be the same to the byte each time, of
/// `SOURCE_DATE_EPOCH`; nil if it is not set.
func sourceDate() throws -> Date? {
  guard let text = ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"] else { return nil }
  do {
    // To the end of the year 9999.
    return Date(timeIntervalSince1970: Double(try integer(0...253_402_300_799)(text)))
  } catch let error as ValidationError {
    throw ValidationError("SOURCE_DATE_EPOCH: found '\(shown(text))'; \(error.message)")
  }
}

/// `NAME=VALUE`, a parameter of a model; those are energies.
struct Setting {
  let name: String
  let value: Energy

  init(_ text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else { throw ValidationError("expected NAME=VALUE") }
    name = String(parts[0])
    value = try Energy(parts[1])
  }
}

extension [Setting] {
  /// Refuses a parameter that is set twice.
  func check() throws {
    var names: Set<String> = []
    for setting in self where !names.insert(setting.name).inserted {
      throw ValidationError(
        "--set: found '\(shown(setting.name))' twice; expected each parameter once")
    }
  }

  func values(in scale: EnergyScale) throws -> [String: Double] {
    try Dictionary(
      map { ($0.name, try $0.value.value("--set \($0.name)", in: scale)) }, uniquingKeysWith: { $1 }
    )
  }
}

/// `constant=G`, `scba=G` or `site=G`; with orbitals `site=G,spin=G`, each G a strength or one for each orbital, as A:0.1+B:0.05.
struct LifetimeChoice: CustomStringConvertible {
  let description: String
  private let kind: Substring
  /// Of site, spin, spin_z, spin_xy, by orbitals or groups; nil for all.
  private var strengths: [(kind: Substring, orbital: String?, strength: Energy)] = []
  private static let spins: [Substring] = ["spin", "spin_z", "spin_xy"]

  var isConstant: Bool { kind == "constant" }
  /// Whether only models with orbitals have it.
  var needsOrbitals: Bool {
    strengths.contains { LifetimeChoice.spins.contains($0.kind) || $0.orbital != nil }
  }

  init(_ text: String) throws {
    description = text
    kind = text.prefix { $0 != "=" }
    let isSite = kind == "site" || LifetimeChoice.spins.contains(kind)
    for word in isSite ? words(text) : [text[...]] {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let known = isSite ? ["site"] + LifetimeChoice.spins : ["constant", "scba"]
      guard parts.count == 2, known.contains(parts[0]),
        !strengths.contains(where: { $0.kind == parts[0] })
      else { throw ValidationError("expected constant=GAMMA, scba=GAMMA or site=GAMMA") }
      // The strength of impurities is the square of an energy.
      let power = parts[0] == "constant" ? 1 : 2
      for share in parts[1].split(separator: "+", omittingEmptySubsequences: false) {
        let sides = share.split(separator: ":", omittingEmptySubsequences: false)
        guard isSite && sides.count == 2 || !share.contains(":") && parts[1] == share else {
          strengths.append((parts[0], nil, try Energy(parts[1], power: power)))
          break
        }
        let strength = try Energy(sides.last!, power: power)
        strengths.append((parts[0], sides.count == 2 ? String(sides[0]) : nil, strength))
      }
    }
    guard strengths.allSatisfy({ $0.strength.number > 0 }) else {
      throw ValidationError("expected a GAMMA above 0")
    }
  }

  /// One that `holds`, which `expected` says in words.
  private static func choice(
    _ text: String, _ expected: String, _ holds: (LifetimeChoice) -> Bool
  ) throws -> LifetimeChoice {
    let choice = try LifetimeChoice(text)
    guard holds(choice) else { throw ValidationError("expected \(expected)") }
    return choice
  }

  /// A constant lifetime alone.
  static func constant(_ text: String) throws -> LifetimeChoice {
    try choice(text, "constant=GAMMA, the level width of the bare loops", \.isConstant)
  }

  /// A constant lifetime or impurities on sites, with their spins.
  static func constantOrSite(_ text: String) throws -> LifetimeChoice {
    try choice(
      text,
      "constant=GAMMA, the level width of the bare loops, or impurities, as site=0.1,spin=0.02"
    ) { $0.kind != "scba" }
  }

  /// Impurities alone.
  static func impurities(_ text: String) throws -> LifetimeChoice {
    try choice(text, "scba=GAMMA or site=GAMMA") { !$0.isConstant }
  }

  func value(in scale: EnergyScale) throws -> Lifetime {
    guard !needsOrbitals else {
      throw ValidationError(
        "--lifetime: found '\(shown(description))'; expected constant=GAMMA, scba=GAMMA or site=GAMMA: spins of impurities and strengths by orbitals are for responses of models with orbitals"
      )
    }
    let gamma = try strengths[0].strength.value("--lifetime \(kind)", in: scale)
    return kind == "constant" ? .constant(gamma) : kind == "scba" ? .scba(gamma) : .site(gamma)
  }

  /// Impurities on the orbitals of a model.
  func impurities(_ model: OrbitalModel, in scale: EnergyScale) throws -> OrbitalImpurities {
    guard kind != "scba", kind != "constant" else {
      throw ValidationError(
        "--lifetime: found \(description) with \(model.name), which has orbitals; expected constant=GAMMA or site=GAMMA"
      )
    }
    func values(_ kinds: [Substring]) throws -> [Double] {
      var values = model.orbitals.map { _ in 0.0 }
      for (kind, orbital, strength) in strengths where kinds.contains(kind) {
        let own = model.orbitals.indices.filter { a in
          orbital.map { [model.orbitals[a].name, model.orbitals[a].group].contains($0) } ?? true
        }
        guard !own.isEmpty else {
          throw ValidationError(
            "--lifetime: found '\(shown(orbital!))'; expected orbitals or groups of \(model.name): \(model.orbitals.map(\.name).joined(separator: ", "))"
          )
        }
        for a in own { values[a] += try strength.value("--lifetime \(kind)", in: scale) }
      }
      return values
    }
    return OrbitalImpurities(
      scalar: try values(["site"]), longitudinal: try values(["spin", "spin_z"]),
      transverse: try values(["spin", "spin_xy"]))
  }
}

/// `eV=E` or `eV=E,nm=L`.
func physicalUnits(_ text: String) throws -> PhysicalUnits {
  var values: [Substring: Double] = [:]
  for part in words(text) {
    let sides = part.split(separator: "=", omittingEmptySubsequences: false)
    guard sides.count == 2, ["eV", "nm"].contains(sides[0]), values[sides[0]] == nil else {
      throw ValidationError("expected eV=E or eV=E,nm=L: the model's units of energy and length")
    }
    values[sides[0]] = try number("a number from 1e-9 to 1e9 behind \(sides[0])=") {
      1e-9...1e9 ~= $0
    }(String(sides[1]))
  }
  guard let energy = values["eV"] else { throw ValidationError("expected eV=E among them") }
  return PhysicalUnits(energy: energy, length: values["nm"])
}

/// Two of x, y, z.
func directions(_ text: String) throws -> Directions {
  let axes = text.compactMap { Array("xyz").firstIndex(of: $0) }
  guard text.count == 2, axes.count == 2 else {
    throw ValidationError(
      "expected two of x, y, z, as in xx or xy: texture gradient, then electric field")
  }
  return Directions(i: axes[0], j: axes[1])
}

/// Responses by their names, separated by commas.
func responses(_ text: String) throws -> [Response] {
  var found: [Response] = []
  return try list(words(text)) { name in
    guard let response = Response(String(name)) else {
      throw ValidationError(Response.expected(for: String(name)))
    }
    guard !found.contains(response) else { throw ValidationError("expected each response once") }
    found.append(response)
    return response
  }
}

/// The same as names: which there are depends on the kind of the model. Orbitals in brackets may have commas between them too,
/// which become +.
func responseNames(_ text: String) throws -> [String] {
  var (names, isInside) = ([""], false)
  for letter in text {
    if letter == "[" || letter == "]" { isInside = letter == "[" }
    if letter == ",", !isInside {
      names.append("")
    } else {
      names[names.count - 1].append(letter == "," ? "+" : letter)
    }
  }
  if let name = names.indices.first(where: { names[..<$0].contains(names[$0]) }) {
    throw ValidationError("found '\(shown(names[name]))'; expected each response once")
  }
  return names
}

extension Response {
  /// What could be meant by a name that is none, for refusals: the nearest one, or all that models of two sublattices have.
  static func expected(for name: String, or others: [String] = [], last: String = "") -> String {
    let names = aliases.map(\.alias)
    // s.xz.full is not meant as T.xx.full.
    let alike = (names + others).filter { $0.first?.lowercased() == name.first?.lowercased() }
    return suggestion(for: name, among: alike)
      ?? "expected "
      + (names + ["or operator.spin.projection as in s.xx.full"] + others).joined(separator: ", ")
      + last
  }
}

/// Dressings of `choices`, separated by commas.
func dressings(_ choices: [Dressing]) -> @Sendable (String) throws -> [Dressing] {
  { text in
    try list(words(text)) { name in
      guard let dressing = Dressing(rawValue: String(name)), choices.contains(dressing) else {
        throw ValidationError("expected \(choices.map(\.rawValue).joined(separator: ", "))")
      }
      return dressing
    }
  }
}

extension LadderForm: ExpressibleByArgument {}
