// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles

/// Reads an integer in `range`.
func integer(_ text: String, _ what: String, _ range: ClosedRange<Int>) throws -> Int {
  guard let value = Int(text), range.contains(value) else {
    throw ValidationError(
      "\(what): found '\(shown(text))'; expected \(range.lowerBound) to \(range.upperBound)")
  }
  return value
}

/// Refuses a `--tolerance` that is not between 0 and 1.
func checkTolerance(_ tolerance: Quantity) throws {
  let t = try tolerance.number("--tolerance")
  guard t > 0, t < 1 else {
    throw ValidationError(
      "--tolerance: found '\(shown(tolerance.text))'; expected a number between 0 and 1")
  }
}

/// Reads energies, `START:STOP:COUNT` or `a,b,c`.
func axis(_ text: String, _ what: String, in scale: EnergyScale) throws -> [Double] {
  func energies(_ parts: [Substring]) throws -> [Double] {
    let quantities = parts.map { Quantity($0) }
    let values = try quantities.map { try $0.energy(what, in: scale) }
    // A unit at one end alone may be meant for both.
    let units = try zip(quantities, values).compactMap { try $1 == 0 ? nil : $0.hasUnit(what) }
    guard Set(units).count < 2 else {
      throw ValidationError(
        "\(what): found '\(shown(text))'; expected a unit at each of the numbers, or at none")
    }
    return values
  }
  let parts = text.split(separator: ":", omittingEmptySubsequences: false)
  if parts.count == 1 {
    return try energies(text.split(separator: ",", omittingEmptySubsequences: false))
  }
  guard parts.count == 3, let count = Int(parts[2]), count >= 1, count <= 1_000_000 else {
    throw ValidationError(
      "\(what): found '\(shown(text))'; expected START:STOP:COUNT with COUNT from 1 to 1000000, or a,b,c"
    )
  }
  let ends = try energies([parts[0], parts[1]])
  let (start, stop) = (ends[0], ends[1])
  if count == 1 {
    guard start == stop else {
      throw ValidationError(
        "\(what): found '\(shown(text))'; expected a COUNT of 2 or more for two ends")
    }
    return [start]
  }
  // From both ends, so that the last value is STOP to the bit.
  return (0..<count).map { n in
    n == count - 1 ? stop : start + (stop - start) * (Double(n) / Double(count - 1))
  }
}

/// The time that stands for now in outputs which are to be the same to the byte each time, of
/// `SOURCE_DATE_EPOCH`; nil if it is not set.
func sourceDate() throws -> Date? {
  guard let text = ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"] else { return nil }
  // To the end of the year 9999.
  return Date(
    timeIntervalSince1970: Double(try integer(text, "SOURCE_DATE_EPOCH", 0...253_402_300_799)))
}

/// Reads `NAME=VALUE` pairs; parameters of a model are energies.
func settings(_ texts: [String], in scale: EnergyScale) throws -> [String: Double] {
  var result: [String: Double] = [:]
  for text in texts {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else {
      throw ValidationError("--set: found '\(shown(text))'; expected NAME=VALUE")
    }
    let name = String(parts[0])
    guard result[name] == nil else {
      throw ValidationError("--set: found '\(shown(name))' twice; expected each parameter once")
    }
    result[name] = try Quantity(parts[1]).energy("--set \(name)", in: scale)
  }
  return result
}

/// Reads `constant=G`, `scba=G` or `site=G`.
func lifetime(_ text: String, in scale: EnergyScale) throws -> Lifetime {
  let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
  let kinds: [(name: String, make: (Double) -> Lifetime)] = [
    ("constant", Lifetime.constant), ("scba", Lifetime.scba), ("site", Lifetime.site),
  ]
  guard parts.count == 2, let kind = kinds.first(where: { $0.name == parts[0] }) else {
    throw ValidationError(
      "--lifetime: found '\(shown(text))'; expected constant=GAMMA, scba=GAMMA or site=GAMMA")
  }
  // The strength of impurities is the square of an energy.
  let gamma = try Quantity(parts[1]).energy(
    "--lifetime \(kind.name)", in: scale, power: kind.name == "constant" ? 1 : 2)
  guard gamma > 0 else {
    throw ValidationError("--lifetime: found '\(shown(text))'; expected a GAMMA above 0")
  }
  return kind.make(gamma)
}

/// Reads `eV=E` or `eV=E,nm=L`.
func physicalUnits(_ text: String) throws -> PhysicalUnits {
  var values: [String: Double] = [:]
  for part in text.split(separator: ",", omittingEmptySubsequences: false) {
    let words = part.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
    guard words.count == 2, ["eV", "nm"].contains(words[0]), values[words[0]] == nil else {
      throw ValidationError(
        "--units: found '\(shown(text))'; expected eV=E or eV=E,nm=L: the model's units of energy and length"
      )
    }
    let value = try Quantity(words[1]).number("--units \(words[0])")
    guard value >= 1e-9, value <= 1e9 else {
      throw ValidationError(
        "--units \(words[0]): found '\(shown(words[1]))'; expected a number from 1e-9 to 1e9")
    }
    values[words[0]] = value
  }
  guard let energy = values["eV"] else {
    throw ValidationError("--units: found '\(shown(text))'; expected eV=E among them")
  }
  return PhysicalUnits(energy: energy, length: values["nm"])
}

/// Reads two of x, y, z.
func directions(_ text: String) throws -> Directions {
  let axes = text.compactMap { "xyz".firstIndex(of: $0) }.map {
    "xyz".distance(from: "xyz".startIndex, to: $0)
  }
  guard text.count == 2, axes.count == 2 else {
    throw ValidationError(
      "--direction: found '\(shown(text))'; expected two of x, y, z, as in xx or xy: texture gradient, then electric field"
    )
  }
  return Directions(i: axes[0], j: axes[1])
}

/// The responses of `--responses`, or the named ones.
func chosenResponses(_ responses: String?) throws -> [Response] {
  guard let responses else { return Response.aliases.map { Response($0.alias)! } }
  var list: [Response] = []
  for name in responses.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
    guard let response = Response(name) else {
      throw ValidationError(
        "--responses: found '\(shown(name))'; expected \(Response.aliases.map(\.alias).joined(separator: ", ")), or operator.spin.projection as in s.xx.full"
      )
    }
    guard !list.contains(response) else {
      throw ValidationError(
        "--responses: found '\(shown(name))' twice; expected each response once")
    }
    list.append(response)
  }
  return list
}
