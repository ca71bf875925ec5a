// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// A column of numbers that can be drawn, as its name in a table says.
///
///     QUANTITY.VARIANT.PART    Y.bare.re, scba.X_na.ladder.im, tau_n.constant.bare.re
///     QUANTITY.VARIANT         P_m.corrected, Y.spectral
///     QUANTITY.VARIANT.WHAT    Y.bare.static, P_m.corrected.product: another quantity, QUANTITY.WHAT
///     QUANTITY.VARIANT.UNIT.PART  sigma.bare.S.re: the same in SI units
///     QUANTITY_VARIANT[.PART]  dos_bonding, E_bonding, Sigma_0.re
///
/// Its error bound is in the column NAME.err without PART, and for self-energies in `err`.
struct TableCurve: Sendable, Equatable {
  enum Part: String, Sendable {
    case real = "re"
    case imaginary = "im"

    /// In a key.
    var symbol: String { self == .real ? "Re" : "Im" }
  }

  /// The name and the index of the column, and the index of its errors.
  let name: String
  let index: Int
  let errorIndex: Int?
  /// What is drawn, by which route, and which part.
  private(set) var quantity, variant: String
  let part: Part?
  /// The SI unit in its name, which makes it a copy of another column.
  let scale: String?
  /// Whether it is drawn unless the user chooses otherwise.
  let isMain: Bool

  /// The parts of names from which on they tell a route.
  private static let routes: Set<String> = [
    "bare", "ladder", "closed", "closed_printed", "sum", "spectral", "printed", "corrected",
  ]
  /// The last parts of names that belong to the values of others.
  static let companions: Set<String> = [
    "static", "static_im", "product", "continuity", "residual", "mean", "spread",
  ]
  /// What the names of columns call units of conductivities.
  private static let scales = Set((1...3).map(PhysicalUnits.conductivityUnit))
  /// The axis in other units.
  private static let derivedAxes: Set<String> = ["omega_THz", "omega_l_THz", "temperature_K"]

  init(_ name: String, in table: CSVFile, at index: Int) {
    self.name = name
    self.index = index
    var parts = name.split(separator: ".").map(String.init)
    part = parts.last.flatMap(Part.init(rawValue:))
    if part != nil { parts.removeLast() }
    let label = parts.joined(separator: ".")
    scale = parts.count > 1 ? parts.last.flatMap { TableCurve.scales.contains($0) ? $0 : nil } : nil
    if scale != nil { parts.removeLast() }
    isMain =
      scale == nil && !parts.contains(where: TableCurve.companions.contains)
      && !name.hasPrefix("k_") && !TableCurve.derivedAxes.contains(name)
    let underscore = parts.first?.firstIndex(of: "_")
    if parts.first?.hasPrefix("tau_") == true, parts.count > 1 {
      (quantity, variant) = (parts[0], parts.dropFirst().joined(separator: "."))
    } else if let n = parts.firstIndex(where: TableCurve.routes.contains), n > 0 {
      (quantity, variant) = (
        parts[..<n].joined(separator: "."), parts[n...].joined(separator: ".")
      )
    } else if let underscore, ["dos", "states", "Sigma", "E"].contains(parts[0][..<underscore]) {
      quantity = String(label[..<underscore])
      variant = String(label[label.index(after: underscore)...])
    } else {
      (quantity, variant) = (label, "")
    }
    // K(0) is another quantity than K(omega) - K(0), and P sigma_c/tau another than P.
    if let last = parts.last, TableCurve.companions.contains(last), variant.hasSuffix(".\(last)") {
      quantity += ".\(last)"
      variant = String(variant.dropLast(last.count + 1))
    }
    let candidates = ["\(label).err", "\(quantity).err"] + (quantity == "Sigma" ? ["err"] : [])
    errorIndex =
      isMain || scale != nil
      ? candidates.lazy.compactMap { table.columns.firstIndex(of: $0) }.first : nil
  }

  /// Whether the user means this column: by its name, with or without its part, or its quantity.
  func answers(_ choice: String) -> Bool {
    name == choice || part.map { name == "\(choice).\($0.rawValue)" } == true
      || isMain && quantity == choice
  }
}

extension CSVFile {
  /// The column of the axis: the first, or the frequency after the number of a Matsubara frequency.
  var axisIndex: Int { columns.starts(with: ["l", "omega_l"]) ? 1 : 0 }

  /// The columns to draw: those chosen, or all of the main ones.
  func curves(_ choices: [String]?, path: String) throws(FileError) -> [TableCurve] {
    guard rows.count > 0, columns.count > 1 + axisIndex else {
      throw FileError(
        .malformed, file: path, found: "\(rows.count) rows, \(columns.count) columns",
        expected: "a table with rows and columns to draw")
    }
    let known = columns.indices.filter { $0 > axisIndex }.map {
      TableCurve(columns[$0], in: self, at: $0)
    }.filter { !$0.name.hasSuffix(".err") && $0.name != "err" }
    guard let choices else { return known.filter(\.isMain) }
    var chosen: [TableCurve] = []
    for choice in choices {
      let answers = known.filter { $0.answers(choice) }
      guard !answers.isEmpty else {
        throw FileError(
          .setting, file: path, found: "no column \(quoted(choice))",
          expected: "some of \(shortenedList(known.map(\.name)))")
      }
      chosen += answers.filter { !chosen.contains($0) }
    }
    return chosen
  }

  /// The unit of an axis, of a number of the header or of a curve, as the header says it, or its name: the one
  /// place where pictures take units from; nil for 1 and where nothing says it.
  func unit(named name: String) -> String? {
    let energies = ["omega", "omega_l", "mu", "energy", "temperature"]
    let isEnergy = energies.contains(name) || name.hasPrefix("parameter.")
    let found =
      self[header: "unit.\(name)"] ?? Symbol.units[name]
      ?? (isEnergy ? self[header: "units.energy"] : nil)
    return found == "1" ? nil : found
  }

  /// The unit of a curve.
  func unit(_ curve: TableCurve) -> String? {
    if let scale = curve.scale { return unit(named: "*.\(scale)") ?? unit(named: scale) }
    let parts = curve.quantity.split(separator: ".")
    guard parts.count > 1, let last = parts.last.map(String.init),
      TableCurve.companions.contains(last)
    else { return unit(named: curve.quantity) }
    // That of K(0) is that of K, but Pi(0) has not the unit of a conductivity.
    let whole = parts.dropLast().joined(separator: ".")
    return unit(named: curve.quantity) ?? unit(named: "*.\(last)")
      ?? (last.hasPrefix("static") && !isConductivity(whole) ? unit(named: whole) : nil)
  }

  /// Whether a quantity is a conductivity, beside which K(0) is Pi(0).
  func isConductivity(_ quantity: String) -> Bool {
    header.contains {
      $0.key.hasPrefix("column.\(quantity).") && $0.value.hasPrefix("charge conductivity")
    }
  }

  /// Whether K(omega) - K(0) is drawn: K(0) stands in columns of its own.
  func isDynamic(_ quantity: String) -> Bool {
    !isConductivity(quantity)
      && columns.contains { $0.hasPrefix("\(quantity).") && $0.hasSuffix(".static") }
  }

  /// The symbol of what a curve shows, without route and part.
  func symbol(_ curve: TableCurve) -> String {
    var name = curve.quantity
    // Matsubara sums of sigma are of Pi, and its static part is.
    let whole = name.replacing(".static_im", with: "").replacing(".static", with: "")
    if axisIndex == 1 && name == "sigma" || whole != name && isConductivity(whole) {
      name = "Pi" + name.dropFirst(whole.count)
    }
    return Symbol.quantity(name, isDynamic: isDynamic(curve.quantity))
  }

  /// The points of a curve, in runs between empty cells, in the order of the axis.
  func runs(_ curve: TableCurve) -> [[Figure.Point]] {
    var runs: [[Figure.Point]] = [[]]
    let x = axisIndex
    for row in rows.filter({ $0[x] != nil }).sorted(by: { $0[x]! < $1[x]! }) {
      if let y = row[curve.index] {
        let error = curve.errorIndex.flatMap { row[$0] }
        runs[runs.count - 1].append(.init(x: row[x]!, y: y, error: error))
      } else if !runs.last!.isEmpty {
        runs.append([])
      }
    }
    return runs.filter { !$0.isEmpty }
  }
}

/// Names for a message, not too many.
func shortenedList(_ names: [String]) -> String {
  let list = names.prefix(12).map { shortened($0) }.joined(separator: ", ")
  return names.count > 12 ? "\(list), ..." : list
}
