// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// What the `.win` of a Wannier90 run says of the crystal.
struct WannierInput {
  /// In Angstrom.
  private(set) var latticeVectors: [[Double]] = []
  /// Labels and places in Angstrom; empty if it has none.
  private(set) var atoms: [(label: String, position: [Double])] = []
  /// In eV.
  private(set) var fermiEnergy: Double?
  /// The line that moves the centres to the home cell, while the Hamiltonian stays.
  private(set) var translation: Int?

  /// The largest file that is read, in bytes, and the most atoms; wave vectors take most of it.
  static let sizeLimit = 1 << 25
  fileprivate static let atomLimit = 2000

  /// One bohr in Angstrom, CODATA 2018.
  private static let bohr = 0.529177210903

  /// Reads keywords and blocks in any case, with ! and # for comments; of what it does not need only the blocks' ends matter.
  init(_ input: InputFile) throws(FileError) {
    var reader = FortranReader(input, hasComments: true)
    var fractions: [(label: String, position: [Double])] = []
    while reader.advanceToText() {
      let start = reader
      let words = reader.rest.lowercased().split { " \t=:".contains($0) }.map(String.init)
      guard words.first == "begin", let block = words.dropFirst().first else {
        try readKeyword(words, reader)
        continue
      }
      // Units may stand on the first line.
      var (unit, rows): (Double, [(label: String, position: [Double])]) = (1, [])
      let hasLabels = block.hasPrefix("atoms_")
      let isRead = ["unit_cell_cart", "atoms_cart", "atoms_frac"].contains(block)
      while true {
        guard reader.advanceToText() else {
          throw start.refusal("a line 'end \(shortened(block))'", found: "the end of the file")
        }
        var line = reader
        if line.word().lowercased() == "end" {
          guard line.word().lowercased() == block else {
            throw reader.refusal("'end \(shortened(block))'")
          }
          break
        }
        guard isRead else { continue }
        let words = reader.rest.lowercased().split { $0 == " " || $0 == "\t" }
        if words.count == 1, rows.isEmpty {
          guard ["bohr", "ang", "angstrom"].contains(words[0]) else {
            throw reader.refusal("ang or bohr, or numbers")
          }
          unit = words[0] == "bohr" ? WannierInput.bohr : 1
          continue
        }
        let label = hasLabels ? reader.word() : ""
        let position = try reader.vectorLine("three numbers")
        rows.append((label, position.map { $0 * unit }))
        guard rows.count <= WannierInput.atomLimit else {
          throw reader.refusal("at most \(WannierInput.atomLimit) atoms")
        }
      }
      switch block {
      case "unit_cell_cart":
        guard rows.count == 3, latticeVectors.isEmpty else {
          throw reader.refusal(
            "three lattice vectors, once",
            found: latticeVectors.isEmpty ? "\(rows.count) vectors" : "a second cell")
        }
        latticeVectors = rows.map(\.position)
      case "atoms_cart": atoms = rows
      case "atoms_frac": fractions = rows
      default: break
      }
    }
    guard !latticeVectors.isEmpty else {
      throw reader.refusal(
        "a .win of Wannier90 with the block unit_cell_cart", found: "no such block")
    }
    for (label, f) in fractions {
      let position = (0..<3).map { i in (0..<3).reduce(0) { $0 + f[$1] * latticeVectors[$1][i] } }
      atoms.append((label, position))
    }
  }

  private mutating func readKeyword(
    _ words: [String], _ reader: FortranReader
  ) throws(FileError) {
    guard words.count > 1 else { return }
    switch words[0] {
    case "fermi_energy":
      guard let energy = CoreSchema.decimal(words[1].replacing("d", with: "e")) else {
        throw reader.refusal("fermi_energy with a number")
      }
      fermiEnergy = energy
    case "translate_home_cell":
      if ["t", ".true.", "true"].contains(words[1]) { translation = reader.line }
    default: break
    }
  }
}

/// A `_centres.xyz` of Wannier90, or one written by hand: lines `X x y z`, one for each Wannier function, and atoms.
struct WannierCentres {
  /// In Angstrom.
  private(set) var centres: [[Double]] = []
  /// Labels and places in Angstrom.
  private(set) var atoms: [(label: String, position: [Double])] = []

  /// Reads the centres of `count` functions.
  init(_ input: InputFile, count: Int) throws(FileError) {
    var reader = FortranReader(input)
    try reader.expectLine("the number of centres and atoms")
    let total = try reader.count(
      "the number of centres and atoms", upTo: count + WannierInput.atomLimit)
    try reader.finishLine("the number of centres and atoms")
    try reader.expectLine("a line of text")
    while reader.advanceToText() {
      let start = reader
      let label = reader.word()
      let position = try reader.vectorLine("X or an atom, and three numbers in Angstrom")
      guard centres.count + atoms.count < total else {
        throw start.refusal("\(total) lines, as the first one says")
      }
      if label == "X" { centres.append(position) } else { atoms.append((label, position)) }
    }
    guard centres.count + atoms.count == total else {
      throw reader.refusal(
        "\(total), as the first one says", found: "\(centres.count + atoms.count) lines")
    }
    guard centres.count == count else {
      throw reader.refusal(
        "\(count), one X for each Wannier function", found: "\(centres.count) centres")
    }
  }
}
