// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import KuboDiagrams
import KuboFiles
import RealModule

/// A number of the command line: decimal, finite, of a magnitude that calculations bear.
///
/// Refusals of this file say what was expected; the parser adds the option and what was found.
package func number(_ text: some StringProtocol) throws -> Double {
  guard CoreSchema.kind(of: String(text)) == .number, let value = Double(text) else {
    throw ValidationError("expected a finite number of magnitude below 1e100")
  }
  // What is too small for a double would be read as zero.
  return try checked(value, isLost: value == 0 && CoreSchema.number(String(text)) == nil)
}

private func checked(_ value: Double, isLost: Bool = false) throws -> Double {
  guard value.magnitude < 1e100 else {
    throw ValidationError("expected a finite number of magnitude below 1e100")
  }
  guard value.magnitude >= 1e-100 || value == 0 && !isLost else {
    throw ValidationError("expected 0, or a magnitude of at least 1e-100")
  }
  return value
}

/// A number within limits, which `expected` names.
func number(_ expected: String, _ holds: @escaping @Sendable (Double) -> Bool)
  -> @Sendable (String) throws -> Double
{
  { text in
    let value = try number(text)
    guard holds(value) else { throw ValidationError("expected \(expected)") }
    return value
  }
}

/// A number above 0.
let positive = number("a number above 0") { $0 > 0 }
/// A relative error.
let tolerance = number("a number between 0 and 1") { $0 > 0 && $0 < 1 }

/// An integer in a range.
func integer(_ range: ClosedRange<Int>) -> @Sendable (String) throws -> Int {
  { text in
    guard let value = Int(text), range.contains(value) else {
      throw ValidationError("expected \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }
}

/// An energy, or the square of one, as it was written, perhaps with a unit, as in `-0.4eV`, `300K`, `20meV^2`: what it is in
/// units of the model's is known only with the model.
package struct Energy: CustomStringConvertible {
  package let description: String
  /// The number in front of the unit; zero and the sign are those of the energy.
  package let number: Double
  package let unit: EnergyUnit?
  let power: Int

  /// Reads one; strengths of impurities are squares.
  package init(_ text: some StringProtocol, power: Int = 1) throws {
    (description, self.power) = (String(text), power)
    // Of squares only those in use.
    let units: [EnergyUnit] =
      power == 1 ? EnergyUnit.allCases : [.electronvolt, .millielectronvolt]
    let names = units.map { $0.rawValue + (power == 1 ? "" : "^\(power)") }
    for (unit, name) in zip(units, names) where text.hasSuffix(name) {
      let digits = text.dropLast(name.count)
      let trimmed = digits.last == " " ? digits.dropLast() : digits
      if CoreSchema.kind(of: String(trimmed)) == .number {
        (number, self.unit) = (try kubo.number(trimmed), unit)
        return
      }
    }
    // A number with something behind it that may have been meant as a unit.
    let start = text.prefix { "+-.0123456789".contains($0) }
    let rest = text.dropFirst(start.count)
    if CoreSchema.kind(of: String(start)) == .number, CoreSchema.kind(of: description) != .number,
      rest.contains(where: \.isLetter), rest.first != "x", rest.first != "X"
    {
      throw ValidationError(
        "expected a number without a unit, or with one of \(names.joined(separator: ", "))"
          + (power == 1 ? "" : ": gamma = n_i u_i^2 is the square of an energy"))
    }
    (number, unit) = (try kubo.number(text), nil)
  }

  /// The strength of impurities gamma, above 0.
  static func strength(_ text: String) throws -> Energy {
    let energy = try Energy(text, power: 2)
    guard energy.number > 0 else { throw ValidationError("expected a number above 0") }
    return energy
  }

  /// A temperature, 0 or more.
  static func temperature(_ text: String) throws -> Energy {
    let energy = try Energy(text)
    guard energy.number >= 0 else { throw ValidationError("expected 0 or more") }
    return energy
  }

  /// In units of the model's; `option` names it in a refusal.
  package func value(_ option: String, in scale: EnergyScale) throws -> Double {
    guard let unit else { return number }
    func refusal(_ expected: String) -> ValidationError {
      ValidationError("\(option): found '\(shown(description))'; \(expected)")
    }
    guard let model = scale.electronvolts else {
      throw refusal(
        "expected a number in \(power == 1 ? "units" : "squares") of the model's energy \(scale.name), or --units eV=E, which says what \(scale.name) is"
      )
    }
    let factor = unit.electronvolts / model
    do {
      return try checked(number * factor * (power == 1 ? 1 : factor))
    } catch let error as ValidationError {
      throw refusal(error.message)
    }
  }
}

/// Energies or strengths, `START:STOP:COUNT`, `START:STOP:log:COUNT` or `a,b,c`.
package struct Axis: CustomStringConvertible {
  package let description: String
  private let energies: [Energy]
  /// Of equal steps, or equal ratios, between two ends; nil where all energies are given.
  private let count: Int?
  private let isLogarithmic: Bool

  package init(_ text: String) throws { try self.init(text, power: 1) }

  /// The same of squares of energies.
  package init(_ text: String, power: Int) throws {
    description = text
    var parts = text.split(separator: ":", omittingEmptySubsequences: false)
    isLogarithmic = parts.count == 4 && parts[2] == "log"
    if isLogarithmic { parts.remove(at: 2) }
    count = parts.count == 3 ? Int(parts[2]) : nil
    guard parts.count == 1 || 1...1_000_000 ~= count ?? 0 else {
      throw ValidationError(
        "expected START:STOP:COUNT or START:STOP:log:COUNT with COUNT from 1 to 1000000, or a,b,c")
    }
    energies = try list(
      parts.count == 1 ? words(text) : Array(parts.prefix(2))
    ) { try Energy($0, power: power) }
    if isLogarithmic, !(energies[0].number * energies[1].number > 0) {
      throw ValidationError("expected two ends above 0, or two below it, with log")
    }
    if count == 1, energies[0].number != energies[1].number || energies[0].unit != energies[1].unit
    {
      throw ValidationError("expected a COUNT of 2 or more for two ends")
    }
    // A unit at one end alone may be meant for both.
    guard Set(energies.filter { $0.number != 0 }.map { $0.unit == nil }).count < 2 else {
      throw ValidationError("expected a unit at each of the numbers, or at none")
    }
  }

  /// Whether nothing but zero is asked for.
  var isZero: Bool { energies.allSatisfy { $0.number == 0 } }
  /// The first as it was written.
  var first: String { energies[0].description }

  /// In units of the model's.
  package func values(_ option: String, in scale: EnergyScale) throws -> [Double] {
    let values = try energies.map { try $0.value(option, in: scale) }
    guard let count else { return values }
    let (start, stop) = (values[0], values[1])
    guard count > 1 else { return [start] }
    // From both ends, so that the last value is STOP to the bit.
    return (0..<count).map { n in
      let part = Double(n) / Double(count - 1)
      if n == count - 1 { return stop }
      if isLogarithmic { return start * .pow(stop / start, part) }
      let value = start + (stop - start) * part
      // Between the ends, what rounding leaves of 0.
      return n > 0 && abs(value) < 1e-15 * max(abs(start), abs(stop)) ? 0 : value
    }
  }
}

/// What the model's unit of energy is in the laboratory.
package struct EnergyScale {
  /// Its name in the model file.
  package let name: String
  /// Its value in eV; nil if nobody has said it.
  package let electronvolts: Double?

  /// A unit of this name and value.
  package init(name: String, electronvolts: Double?) {
    (self.name, self.electronvolts) = (name, electronvolts)
  }
}
