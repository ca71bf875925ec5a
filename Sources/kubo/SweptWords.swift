// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import KuboDiagrams
import KuboFiles
import KuboSweeps

/// A command line with axes where an ordinary run has numbers.
///
///     spectrum square --mu -1:0:11 --set J=0.5,1 --lifetime constant=0.01:0.1:log:3
struct SweptWords: Sendable {
  /// A number of the command line that a sweep varies.
  private struct Slot {
    /// As the header of an ordinary run has it.
    let name: String
    /// For messages, as `--set J`.
    let option: String
    /// The power of energy that it is; 0 for a number with a unit of its own or none.
    let power: Int
    let axis: Axis
  }

  private enum Part {
    case text(String)
    case slot(Int)
  }

  /// The subcommand.
  let command: String
  /// The command line as it was written.
  let words: [String]
  private var slots: [Slot] = []
  private var template: [[Part]] = []

  /// What can be an axis: the option, the header's key, the power of energy. Frequencies, and mu of coefficients, are axes of
  /// each single run.
  private static let options: [String: (name: String, power: Int)] = [
    "--mu": ("mu", 1), "--temperature": ("temperature", 1), "--gamma": ("impurities", 2),
    "--filling": ("filling", 0), "--tolerance": ("tolerance", 0), "--spin": ("spin", 0),
    "--current-density": ("current_density_A_per_m2", 0), "--relaxation": ("relaxation", 0),
    "--lattice-constant": ("lattice_constant_nm", 0), "--thickness": ("thickness_nm", 0),
    "--cross-section": ("cross_section_nm2", 0),
  ]

  /// - Returns: nil for a command line without an axis.
  init?(_ words: [String]) throws {
    guard let command = words.first, SweptWords.commands.contains(command) else { return nil }
    (self.command, self.words) = (command, words)
    var n = 0
    while n < words.count {
      let parts = words[n].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let option = String(parts[0])
      let isKnown = SweptWords.options[option] != nil || ["--set", "--lifetime"].contains(option)
      if isKnown, option != "--mu" || command != "coefficients",
        let value = parts.count == 2 ? String(parts[1]) : n + 1 < words.count ? words[n + 1] : nil,
        let found = try read(option, value)
      {
        template.append([.text("\(option)=")] + found)
        n += parts.count == 2 ? 1 : 2
      } else {
        template.append([.text(words[n])])
        n += 1
      }
    }
    if slots.isEmpty { return nil }
  }

  private static var commands: [String] {
    Kubo.configuration.subcommands.filter { $0 is any SweepableCommand.Type }
      .compactMap { $0.configuration.commandName }
  }

  /// The value of an option with its axes; nil if it has none.
  private mutating func read(_ option: String, _ value: String) throws -> [Part]? {
    if let (name, power) = SweptWords.options[option] {
      guard value.contains(where: { ":,".contains($0) }) else { return nil }
      return [try slot(name, option, power, value)]
    }
    let sides = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard sides.count == 2 else { return nil }
    if option == "--set" {
      guard sides[1].contains(where: { ":,".contains($0) }) else { return nil }
      let name = String(sides[0])
      return [
        .text("\(name)="), try slot("parameter.\(name)", "--set \(name)", 1, String(sides[1])),
      ]
    }
    // Commas separate the kinds of impurities, and the numbers of a list.
    var kinds: [(kind: String, value: String)] = []
    for word in value.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if sides.count == 2 {
        kinds.append((String(sides[0]), String(sides[1])))
      } else if kinds.isEmpty {
        return nil
      } else {
        kinds[kinds.count - 1].value += ",\(word)"
      }
    }
    var parts: [Part] = []
    var isSwept = false
    for (n, (kind, value)) in kinds.enumerated() {
      parts.append(.text("\(n > 0 ? "," : "")\(kind)="))
      let power = kind == "constant" ? 1 : 2
      // Strengths by orbitals, as A:0.1+B:0.05, have a name in front.
      let start = String(value.prefix { !":,".contains($0) })
      if start.count < value.count, (try? Energy(start, power: power)) != nil {
        parts.append(try slot("lifetime.\(kind)", "--lifetime \(kind)", power, value))
        isSwept = true
      } else {
        parts.append(.text(value))
      }
    }
    return isSwept ? parts : nil
  }

  private mutating func slot(_ name: String, _ option: String, _ power: Int, _ text: String) throws
    -> Part
  {
    do {
      slots.append(
        Slot(
          name: name, option: option, power: power, axis: try Axis(text, power: max(1, power))))
    } catch let error as ValidationError {
      throw ValidationError("\(option): found '\(shown(text))'; \(error.message)")
    }
    return .slot(slots.count - 1)
  }

  /// The ordinary command line with the first of each axis, as it was written.
  var first: [String] { words(slots.map(\.axis.first)) }

  /// The ordinary command line of a point.
  func words(_ values: [Double]) -> [String] { words(values.map { "\($0)" }) }

  private func words(_ values: [String]) -> [String] {
    template.map { parts in
      parts.map {
        switch $0 {
        case .text(let text): text
        case .slot(let n): values[n]
        }
      }.joined()
    }
  }

  /// The axes in the model's units.
  func axes(_ scale: EnergyScale) throws -> [SweepAxis] {
    try slots.map { slot in
      SweepAxis(
        name: slot.name, text: slot.axis.description,
        unit: slot.power == 0
          ? nil : slot.power == 1 ? scale.name : "\(scale.name)^\(slot.power)",
        values: try slot.axis.values(slot.option, in: scale))
    }
  }
}
