// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import KuboDiagrams
import KuboFiles

/// A number of the command line as it was written: decimal and finite, where an energy is meant perhaps with a unit, as in
/// `-0.4eV`, `300K`, `20meV^2`.
///
/// The parser takes every text, since only with the option's name the refusal can say what is wrong; and energies are known
/// only with the model.
package struct Quantity: ExpressibleByArgument, ExpressibleByStringLiteral {
  package let text: String

  package init(argument: String) { text = argument }
  package init(stringLiteral: String) { text = stringLiteral }
  package init(_ text: some StringProtocol) { self.text = String(text) }

  package var defaultValueDescription: String { text }

  /// A finite number without a unit, or what was found.
  package func number(_ what: String) throws -> Double { try number(text, what) }

  private func number(_ digits: String, _ what: String) throws -> Double {
    guard CoreSchema.kind(of: digits) == .number, let value = Double(digits) else {
      throw refusal(what, "a finite number of magnitude below 1e100")
    }
    // What is too small for a double would be read as zero.
    return try checked(value, isLost: value == 0 && CoreSchema.number(digits) == nil, what)
  }

  /// The same, above 0.
  func positive(_ what: String) throws -> Double {
    let value = try number(what)
    guard value > 0 else { throw refusal(what, "a number above 0") }
    return value
  }

  /// An energy, or the square of one, in units of the model's.
  package func energy(_ what: String, in scale: EnergyScale, power: Int = 1) throws -> Double {
    guard let (digits, unit) = try parts(what, power) else { return try number(what) }
    let value = try number(String(digits), what)
    guard let model = scale.electronvolts else {
      let squares = power == 1 ? "in units" : "in squares"
      throw refusal(
        what,
        "a number \(squares) of the model's energy \(scale.name), or --units eV=E, which says what \(scale.name) is"
      )
    }
    let factor = unit.electronvolts / model
    return try checked(value * factor * (power == 1 ? 1 : factor), isLost: false, what)
  }

  /// Whether the text ends in a unit; zero is the same in all.
  func hasUnit(_ what: String) throws -> Bool { try parts(what, 1) != nil }

  /// The number and its unit; nil where there is no unit, whether or not the rest is a number.
  private func parts(_ what: String, _ power: Int) throws -> (digits: Substring, unit: EnergyUnit)?
  {
    // Of squares only those in use.
    let units: [EnergyUnit] =
      power == 1 ? EnergyUnit.allCases : [.electronvolt, .millielectronvolt]
    let names = units.map { $0.rawValue + (power == 1 ? "" : "^\(power)") }
    for (unit, name) in zip(units, names) where text.hasSuffix(name) {
      let digits = text.dropLast(name.count)
      let trimmed = digits.last == " " ? digits.dropLast() : digits
      if CoreSchema.kind(of: String(trimmed)) == .number { return (trimmed, unit) }
    }
    // A number with something behind it that may have been meant as a unit.
    let start = text.prefix { "+-.0123456789".contains($0) }
    let rest = text.dropFirst(start.count)
    guard CoreSchema.kind(of: String(start)) == .number, CoreSchema.kind(of: text) != .number,
      rest.contains(where: \.isLetter), rest.first != "x", rest.first != "X"
    else { return nil }
    throw refusal(
      what,
      "a number without a unit, or with one of \(names.joined(separator: ", "))"
        + (power == 1 ? "" : ": gamma = n_i u_i^2 is the square of an energy"))
  }

  private func checked(_ value: Double, isLost: Bool, _ what: String) throws -> Double {
    guard value.magnitude < 1e100 else {
      throw refusal(what, "a finite number of magnitude below 1e100")
    }
    guard value.magnitude >= 1e-100 || value == 0 && !isLost else {
      throw refusal(what, "0, or a magnitude of at least 1e-100")
    }
    return value
  }

  private func refusal(_ what: String, _ expected: String) -> ValidationError {
    ValidationError("\(what): found '\(shown(text))'; expected \(expected)")
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

  /// For what can be checked of a text before the model is read; zero and the sign of an energy are right.
  package static let unread = EnergyScale(name: "", electronvolts: 1)
}

/// What the model's units are.
struct UnitArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model's unit of energy in eV, as eV=0.3: energies may then be given with a unit, as in 300K, -0.4eV, 20meV, 2THz (h nu), 500GHz, 16cm^-1, and strengths gamma in eV^2 or meV^2. Spectra and Matsubara sums get the temperature in K and frequencies in THz beside the model's own numbers, and with nm=L for the unit of length, as eV=0.3,nm=0.4, sigma in S (two dimensions, without nm too), S/m or S m (three, one).",
      valueName: "units"))
  var units: String?

  func validate() throws { _ = try physical() }

  /// The units of `--units`.
  func physical() throws -> PhysicalUnits? { try units.map(physicalUnits) }

  /// The unit of energy of `--units`, or the model's own if that is one.
  func scale(_ file: ModelFile) throws -> EnergyScale {
    let name = file.units.energy
    // K may be any constant of a model.
    let own = EnergyUnit(rawValue: name).flatMap { $0 == .kelvin ? nil : $0.electronvolts }
    let given = try physical()?.energy
    if let own, let given, abs(given / own - 1) > 1e-9 {
      throw ValidationError(
        "--units: found '\(shown(units!))'; expected eV=\(own), since the model's unit of energy is \(name)"
      )
    }
    return EnergyScale(name: name, electronvolts: given ?? own)
  }
}
