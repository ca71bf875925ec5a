// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboFiles
import KuboTestSupport
import Testing

/// The program with models that have orbitals.
@Suite struct OrbitalProgramTests {
  /// A name in brackets may have commas, which are + in columns; P that is 0/0 is an error and leaves its cell empty.
  @Test func responses() throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/a.csv"
    let arguments = [
      "spectrum", "altermagnet", "--lifetime", "constant=0.5", "--tolerance", "1e-2", "--omega",
      "0.5", "--output", path,
    ]
    let run = try ProgramTests.run(arguments + ["--responses", "s[A,B].xx.full,T.xx.full"])
    #expect(run.status == 0, "\(run.errors)")
    let table = try CSVFile.read(path: path)
    #expect(table.columns.contains("s[A+B].xx.full.bare.re"))
    // No spin conducts along xy where mirrors forbid it.
    let empty = try ProgramTests.run([
      "spectrum", "ferromagnet", "--direction", "xy", "--lifetime", "constant=0.5", "--tolerance",
      "1e-2", "--omega", "0.5", "--responses", "P",
    ])
    #expect(empty.status == 80)
    #expect(empty.errors.contains("P at omega = 0.5: "))
    #expect(empty.output.hasSuffix("\n0.5,,,\n"))
  }

  /// A filling, densities of states that hold the electrons, the picture of bands, and what their tables say again.
  @Test func bands() throws {
    let scratch = try ScratchDirectory()
    let run = try ProgramTests.run(
      [
        "bands", "lieb", "--filling", "2.2", "--lifetime", "constant=0.3", "--points", "50",
        "--tolerance", "1e-3", "--output", "bands.csv", "--density", "dos.csv",
      ], in: scratch.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.hasPrefix("kubo: note: filling 2.2: mu = "))
    let bands = try CSVFile.read(path: "\(scratch.path)/bands.csv")
    #expect(bands.isBandTable && bands.columns.filter { $0.hasPrefix("E_up_") }.count == 3)
    let mu = try #require(bands[header: "mu"].flatMap(Double.init))
    let densities = try CSVFile.read(path: "\(scratch.path)/dos.csv")
    #expect(densities.columns[1...3] == ["dos_up", "dos_down", "dos.err"])
    // T = 0.02 is far below Gamma.
    let below = try #require(densities.rows.last { $0[0]! < mu })
    #expect(abs(below[4]! + below[5]! - 2.2) < 0.2)
    for name in ["bands.csv", "dos.csv"] {
      let again = try ProgramTests.run(["rerun", name], in: scratch.path)
      #expect(again.status == 0 && again.output.hasSuffix("reproduced\n"), "\(again.errors)")
    }
  }

  /// Symbols of responses, and no mark at 2J of a parameter that has only its name.
  @Test func picture() throws {
    let scratch = try ScratchDirectory()
    func text(_ arguments: [String]) throws -> String {
      let run = try ProgramTests.run(
        ["spectrum"] + arguments + [
          "--lifetime", "constant=0.5", "--tolerance", "1e-2", "--omega", "0:3:4", "--output",
          "a.csv", "--force",
        ], in: scratch.path)
      try #require(run.status == 0, "\(run.errors)")
      let drawn = try ProgramTests.run(["plot", "a.csv", "--force"], in: scratch.path)
      try #require(drawn.status == 0, "\(drawn.errors)")
      let svg = try Data(contentsOf: URL(filePath: "\(scratch.path)/a.svg"))
      return try #require(SVGDocument(svg)).words.map(\.text).joined(separator: " ")
    }
    let own = try text([
      "ferromagnet", "--responses", "sigma.up,P,s[A].xx.full,T.xx.full,moment.xx.full",
    ])
    #expect(!own.contains("2J") && !own.contains("moment") && !own.contains("sigma"))
    #expect(!own.contains("up.bare"))
    #expect(try text(["chain", "--responses", "s_full"]).contains("2"))
  }

  /// The torques of a current in a wire: beta of its impurity spins, and none without.
  @Test func torque() throws {
    let scratch = try ScratchDirectory()
    let model = try scratch.file(
      "wire.yaml",
      """
      name: wire
      description: A ferromagnetic chain of one orbital.
      source: A test.
      units: {energy: t, length: a}
      parameters: {t: 1.0, J: 0.5}
      defaults: {mu: -0.6, temperature: 0, lifetime: {constant: 0.3}}
      lattice: {vectors: [[1]]}
      orbitals:
        - {name: A, position: [0], exchange: J}
      hops:
        - {from: A, to: A, cell: [1], amplitude: -t}
        - {from: A, to: A, cell: [2], amplitude: -0.3*t}

      """)
    func table(_ lifetime: String) throws -> CSVFile {
      let path = "\(scratch.path)/torque.csv"
      let run = try ProgramTests.run([
        "torque", model, "--lifetime", lifetime, "--spin", "0.5", "--current-density", "1e11",
        "--lattice-constant", "0.3", "--cross-section", "0.1", "--output", path, "--force",
      ])
      #expect(run.status == 0, "\(run.errors)")
      return try CSVFile.read(path: path)
    }
    func value(_ table: CSVFile, _ name: String) throws -> Double {
      let column = try #require(table.columns.firstIndex(of: name))
      return try #require(table.rows[0][column])
    }
    let none = try table("site=0.2")
    #expect(try abs(value(none, "beta")) <= value(none, "beta.err"))
    #expect(
      try abs(value(none, "tau") - value(none, "tau_P"))
        <= value(none, "tau.err") + value(none, "tau_P.err"))
    let spins = try table("site=0.2,spin=0.04")
    let (beta, tau, na) = try (value(spins, "beta"), value(spins, "tau"), value(spins, "tau_na"))
    #expect(beta > 0.1 && abs(na - beta * tau) < 1e-3 * abs(na))
    #expect(try value(spins, "alpha") > 10 * value(spins, "alpha.err"))
    // v_c j/(2 q S) with v_c = 0.03 nm^3.
    let v = try #require(spins[header: "v_c_j_over_2qS_m_per_s"].flatMap(Double.init))
    #expect(abs(v + 0.03e-27 * 1e11 / 1.602176634e-19) < 1e-9)
    #expect(try abs(value(spins, "tau_P") + value(spins, "P") * v) < 1e-9)
  }
}
