// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboFiles
import Testing

/// Energies in units of the laboratory on the command line.
@Suite struct PhysicalInputTests {
  /// Each command with energies in units of the laboratory, and with the same numbers in the model's unit of 0.5 eV.
  @Test(arguments: [
    (
      "spectrum chain --responses Y --tolerance 1e-3 --mu -0.6eV --lifetime constant=50meV --omega 0meV:500meV:3 --set J=300meV",
      "--mu -1.2 --lifetime constant=0.1 --omega 0:1:3 --set J=0.6"
    ),
    (
      "matsubara chain --count 2 --responses Y --tolerance 1e-3 --temperature 0.1eV",
      "--temperature 0.2"
    ),
    ("coefficients chain --mu -0.75eV,-0.5eV", "--mu -1.5,-1"),
    (
      "selfenergy chain --tolerance 1e-4 --lifetime scba=0.1eV^2 --energy -500meV:500meV:3",
      "--lifetime scba=0.4 --energy -1:1:3"
    ),
    ("compare chain --gamma 0.1eV^2 --omega 0.15eV,0.35eV", "--gamma 0.4 --omega 0.3,0.7"),
    (
      "torque chain --current-density 1e11 --lattice-constant 0.3 --cross-section 0.1 --spin 1 --omega 0.25eV",
      "--omega 0.5"
    ),
    ("bands chain --points 9 --mu -0.5eV", "--mu -1"),
  ]) func physicalInput(_ physical: String, _ plain: String) throws {
    let words = physical.split(separator: " ").map(String.init)
    let scratch = try ScratchDirectory()
    let file = "\(scratch.path)/a.csv"
    let run = try ProgramTests.run(words + ["--units", "eV=0.5", "--output", file])
    #expect(run.status == 0, "\(run.errors)")
    let first = try CSVFile.read(path: file)
    // As given, quoted for a shell.
    let command = try #require(ShellWords.split(first[header: "command"] ?? ""))
    #expect(Array(command.prefix(words.count)) == words)
    #expect(first[header: "units.energy_eV"] == "0.5")
    // Later options of the same name are not allowed: replaced in place.
    var other = words
    let pairs = plain.split(separator: " ").map(String.init)
    for n in stride(from: 0, to: pairs.count, by: 2) {
      other[try #require(other.firstIndex(of: pairs[n])) + 1] = pairs[n + 1]
    }
    let again = try ProgramTests.run(other + ["--output", file, "--force"])
    #expect(again.status == 0, "\(again.errors)")
    let second = try CSVFile.read(path: file)
    for key: HeaderKey in ["mu", "temperature", "lifetime", "parameter.J", "impurities"] {
      #expect(first[header: key] == second[header: key], "\(key)")
    }
    // The bits of the conversion are those of the numbers: halves and doubles.
    let shared = second.columns.map { first.columns.firstIndex(of: $0)! }
    #expect(first.rows.map { row in shared.map { row[$0] } } == second.rows)
  }

  /// In the unit of a model that has one, --units is not needed; in kelvins and THz all is as with the numbers of the header.
  @Test func unitsOfTheModel() throws {
    let scratch = try ScratchDirectory()
    let text = try String(contentsOfFile: "\(repository)/data/models/chain.yaml", encoding: .utf8)
    _ = try scratch.file("m.yaml", text.replacing("energy: t", with: "energy: eV"))
    let words = ["spectrum", "m.yaml", "--responses", "Y", "--tolerance", "1e-3"]
    let run = try ProgramTests.run(
      words + ["--temperature", "300K", "--omega", "0:100THz:3", "--output", "a.csv"],
      in: scratch.path)
    #expect(run.status == 0, "\(run.errors)")
    let table = try CSVFile.read(path: "\(scratch.path)/a.csv")
    let t = try #require(table[header: "temperature"])
    #expect(abs(Double(t)! - 0.025851999786) < 1e-12)
    let omega = table.rows.map { $0[0]! }
    #expect(omega[0] == 0 && abs(omega[2] - 0.4135667696) < 1e-10)
    let again = try ProgramTests.run(
      words + ["--temperature", t, "--omega", "0:\(omega[2]):3", "--output", "b.csv"],
      in: scratch.path)
    #expect(again.status == 0, "\(again.errors)")
    #expect(try CSVFile.read(path: "\(scratch.path)/b.csv").rows == table.rows)
    #expect(try ProgramTests.run(["rerun", "a.csv"], in: scratch.path).status == 0)
  }

  /// A temperature above all bands may have been meant in kelvins.
  @Test func temperatureAboveTheBands() throws {
    let words = ProgramTests.quick + ["--responses", "Y", "--omega", "0.3", "--dressing", "bare"]
    for (units, kelvins) in [([], ""), (["--units", "eV=0.3"], " = 1.04e6 K")] {
      let run = try ProgramTests.run(words + units + ["--temperature", "300"])
      #expect(run.status == 0)
      #expect(
        run.errors.hasPrefix(
          "kubo: note: temperature: k_B T = 300.0 t\(kelvins) is above the width of all bands, 4.92 t at most; kelvins are written as in 300K"
        ))
    }
    let right = ["--units", "eV=0.3", "--temperature", "300K"]
    #expect(try ProgramTests.run(words + right).errors == "")
  }
}
