// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams
import KuboFiles
import KuboTestSupport
import Testing

/// Files of Wannier90 that are wrong are refused with file and line.
@Suite struct WannierRefusalTests {
  struct Change: Sendable, CustomTestStringConvertible {
    let file: String
    /// The line, from 1, and what stands there in place of it; nil: nothing after it.
    let line: Int
    let text: String?
    let message: String
    var testDescription: String { "\(file) \(line): \(text ?? "cut")" }

    init(_ file: String, _ line: Int, _ text: String?, _ message: String) {
      (self.file, self.line, self.text, self.message) = (file, line, text, message)
    }
  }

  static let right = {
    let (up, down) = (WannierTests.up, WannierTests.down)
    let none: ([Int], Int, Int) -> [[Int]] = { _, _, _ in [[0, 0, 0]] }
    return [
      "up_hr.dat": up.hr, "up.win": up.win, "up_centres.xyz": up.xyz,
      "up_wsvec.dat": up.wsvec(none),
      "down_tb.dat": down.tb(), "down_wsvec.dat": down.wsvec(none),
    ]
  }()

  /// The message for changed files, `none` if they are read.
  static func message(_ files: [String: String]) throws -> String {
    do {
      _ = try WannierTests.model(files, up: "up_hr.dat")
      return "none"
    } catch let error as FileError {
      #expect(error.kind == .malformed)
      // Without the folder of the test.
      return error.description.replacing(/[^ ]*\/kubo-test-[^\/]*\//, with: "")
    }
  }

  @Test func isRight() throws { #expect(try WannierRefusalTests.message(Self.right) == "none") }

  @Test(arguments: [
    Change(
      "up_hr.dat", 2, "  two",
      "up_hr.dat:2: found \"two\"; expected the number of Wannier functions, 1 to 1000"),
    Change(
      "up_hr.dat", 2, "  1 2",
      "up_hr.dat:2: found \"1 2\"; expected the number of Wannier functions of a _hr.dat, or a lattice vector of a _tb.dat"
    ),
    Change(
      "up_hr.dat", 2, "0",
      "up_hr.dat:2: found \"0\"; expected the number of Wannier functions, 1 to 1000"),
    Change(
      "up_hr.dat", 2, "  900",
      "up_hr.dat:3: found 27 cells of 900 x 900 elements in 5590 bytes; expected a file long enough to hold them"
    ),
    Change(
      "up_hr.dat", 3, "99999999999999999999",
      "up_hr.dat:3: found \"99999999999999999999\"; expected the number of cells, 1 to 100000"),
    Change(
      "up_hr.dat", 4, "    2    1    2    1    1    1    2    1    2    1    1    1    1    1",
      "up_hr.dat:6: found \"-1   -1   -1    1    1   -0.053035   -0.040512\"; expected 27 degeneracies, 1 more, 1 to 10000"
    ),
    Change(
      "up_hr.dat", 4,
      "    2    1    2    1    1    1    2    1    2    1    1    1    1    1    1    1",
      "up_hr.dat:5: found 28 degeneracies or more; expected 27, one for each cell"),
    Change(
      "up_hr.dat", 4, "    0    1    2    1    1    1    2    1    2    1    1    1    1    1    1",
      "up_hr.dat:4: found \"0    1    2    1    1    1    2    1    2    1    1    1    ...\"; expected 27 degeneracies, 27 more, 1 to 10000"
    ),
    Change(
      "up_hr.dat", 4, "    1    1    2    1    1    1    2    1    2    1    1    1    1    1    1",
      "up_hr.dat:6: found <0 1|H|(-1, -1, -1) 1> = (-0.053035, -0.040512); expected (-0.0265175, -0.020256), the conjugate of line 110, to 1.0e-6"
    ),
    Change(
      "up_hr.dat", 9, "   -1   -1   -1    2    2    ************    0.000000",
      "up_hr.dat:9: found \"************    0.000000\"; expected a number"),
    Change(
      "up_hr.dat", 9, "   -1   -1   -1    2    2    NaN    0.000000",
      "up_hr.dat:9: found \"NaN    0.000000\"; expected a number"),
    Change(
      "up_hr.dat", 9, "   -1   -1   -1    2    2    0.1e999    0.000000",
      "up_hr.dat:9: found \"0.1e999    0.000000\"; expected a number"),
    Change(
      "up_hr.dat", 9, "   -1   -1   -1    2    2    0.1",
      "up_hr.dat:9: found the end of the line; expected a number"),
    Change(
      "up_hr.dat", 9, "   -1   -1   -1    2    2    0.1 0.2 0.3",
      "up_hr.dat:9: found \"0.3\"; expected the end of the line after the element"),
    Change(
      "up_hr.dat", 7, "   -1   -1   -1    1    2    0.1 0.2",
      "up_hr.dat:7: found \"1    2    0.1 0.2\"; expected orbitals 2 and 1, the first one running fastest"
    ),
    Change(
      "up_hr.dat", 7, "   -1   -1    0    2    1    0.1 0.2",
      "up_hr.dat:7: found the cell (-1, -1, 0); expected 2 x 2 elements of the cell (-1, -1, -1)"),
    Change(
      "up_hr.dat", 7, "   -1   -1   -1    2    1    0.1 0.2",
      "up_hr.dat:7: found <0 2|H|(-1, -1, -1) 1> = (0.05, 0.1); expected (-0.014043, 0.0093195), the conjugate of line 112, to 1.0e-6"
    ),
    Change(
      "up_hr.dat", 100, nil,
      "up_hr.dat:100: found the end of the file; expected 27 cells of 2 x 2 elements"),
    Change(
      "up_hr.dat", 114, "1\nmore",
      "up_hr.dat:114: found \"1\"; expected the end of the file"),
    Change(
      "down_tb.dat", 3, " 1.0 2.0",
      "down_tb.dat:3: found the end of the line; expected a lattice vector in Angstrom"),
    Change(
      "down_tb.dat", 5, "  3",
      "down_tb.dat:13: found \"1    2    0.96502147E-01 -0.10890949E-01 \"; expected orbitals 3 and 1, the first one running fastest"
    ),
    Change(
      "down_tb.dat", 10, "   -1   -1",
      "down_tb.dat:10: found the end of the line; expected three integers of a cell"),
    Change(
      "down_tb.dat", 10, "   -1   -1    -3001",
      "down_tb.dat:10: found \"-1   -1    -3001\"; expected a cell of coordinates up to 2000"),
    Change(
      "down_tb.dat", 200, nil,
      "down_tb.dat:200: found the end of the file; expected the positions of 27 cells"),
    Change(
      "down_tb.dat", 175, "9 9 9",
      "down_tb.dat:175: found \"9 9 9\"; expected orbitals 1 and 2, the first one running fastest"),
    Change(
      "down_tb.dat", 2, "   3.2 0.2 0.0",
      "down_tb.dat:2: found the lattice vectors [[3.2, 0.2, 0.0], [-0.3, 2.9, 0.1], [0.0, 0.4, 4.2]]; expected [[3.1, 0.2, 0.0], [-0.3, 2.9, 0.09999999999999998], [0.0, 0.4, 4.2]], as in up.win"
    ),
    Change(
      "up.win", 4, "begin unit_cell",
      "up.win:9: found \"END unit_cell_cart\"; expected 'end unit_cell'"),
    Change(
      "up.win", 5, "furlong",
      "up.win:5: found \"furlong\"; expected ang or bohr, or numbers"),
    Change(
      "up.win", 6, "1 2",
      "up.win:6: found the end of the line; expected three numbers"),
    Change(
      "up.win", 9, "end units",
      "up.win:9: found \"end units\"; expected 'end unit_cell_cart'"),
    Change(
      "up.win", 1, "translate_home_cell = .true.",
      "up.win:1: found translate_home_cell, which moves the centres and not the Hamiltonian; expected a run without it, or a _tb.dat"
    ),
    Change(
      "up.win", 2, "fermi_energy = high",
      "up.win:2: found \"fermi_energy = high\"; expected fermi_energy with a number"),
    Change(
      "up.win", 8, nil,
      "up.win:4: found the end of the file; expected a line 'end unit_cell_cart'"),
    Change(
      "up_centres.xyz", 1, "5",
      "up_centres.xyz:6: found 4 lines; expected 5, as the first one says"),
    Change(
      "up_centres.xyz", 1, "3",
      "up_centres.xyz:6: found \"O  1.4 1.3 2.2\"; expected 3 lines, as the first one says"),
    Change(
      "up_centres.xyz", 3, "Y 0 0 0",
      "up_centres.xyz:6: found 1 centres; expected 2, one X for each Wannier function"),
    Change(
      "up_centres.xyz", 3, "X 0 0",
      "up_centres.xyz:3: found the end of the line; expected X or an atom, and three numbers in Angstrom"
    ),
    Change(
      "up_wsvec.dat", 2, "   -1   -1   -2    1    1",
      "up_wsvec.dat:2: found the cell (-1, -1, -2); expected a cell of up_hr.dat"),
    Change(
      "up_wsvec.dat", 2, "   -1   -1   -1    1    3",
      "up_wsvec.dat:2: found \"3\"; expected an orbital, 1 to 2"),
    Change(
      "up_wsvec.dat", 5, "   -1   -1   -1    1    1",
      "up_wsvec.dat:5: found the cell (-1, -1, -1) and orbitals 1 and 1 a second time; expected each entry once; it stands at line 2"
    ),
    Change(
      "up_wsvec.dat", 3, "    0",
      "up_wsvec.dat:3: found \"0\"; expected the number of shifts, 1 to 64"),
    Change(
      "up_wsvec.dat", 4, "    3    0    0",
      "up_wsvec.dat:2: found shifts (3, 0, 0); expected the negatives of those of line 314"),
    Change(
      "up_wsvec.dat", 3, "    2\n    0    0    0",
      "up_wsvec.dat:5: found (0, 0, 0) a second time; expected each shift once"),
    Change(
      "up_wsvec.dat", 300, nil,
      "up_wsvec.dat:300: found the end of the file; expected as many lines as shifts"),
    Change(
      "up_wsvec.dat", 325, "    0    0    0\n1",
      "up_wsvec.dat:326: found \"1\"; expected the end of the file"),
  ]) func isRefused(_ change: Change) throws {
    var files = Self.right
    var lines = files[change.file]!.split(separator: "\n", omittingEmptySubsequences: false)
    if let text = change.text {
      lines[change.line - 1] = text[...]
    } else {
      lines = Array(lines[..<change.line]) + [""]
    }
    files[change.file] = lines.joined(separator: "\n")
    let message = try WannierRefusalTests.message(files)
    #expect(message == change.message)
  }

  /// What files say together.
  @Test func together() throws {
    let (up, down) = (WannierTests.up, WannierTests.down)
    var files = Self.right
    files["down_wsvec.dat"] = nil
    #expect(
      try WannierRefusalTests.message(files)
        == "down_tb.dat: found no _wsvec.dat for this spin; expected one for each spin, or none")
    files["up_wsvec.dat"] = nil
    #expect(try WannierRefusalTests.message(files) == "none")
    files["up.win"] = nil
    #expect(
      try WannierRefusalTests.message(files)
        == "up_hr.dat: found no lattice vectors, as in all _hr.dat, and no .win; expected a .win beside it or given, or a _tb.dat"
    )
    var three = down
    three.centres.append([2, 0, 0])
    three.matrices = down.cells.map { _ in [ComplexDouble](repeating: .zero, count: 9) }
    files["up.win"] = up.win
    files["down_tb.dat"] = three.tb()
    #expect(
      try WannierRefusalTests.message(files)
        == "down_tb.dat:5: found 3 Wannier functions; expected 2, as for the other spin")
    var other = down
    other.latticeVectors[2][2] = 4.3
    files["down_tb.dat"] = other.tb()
    #expect(try WannierRefusalTests.message(files).hasPrefix("down_tb.dat:2: found the lattice"))
    #expect(
      throws: FileError.self,
      performing: {
        try WannierTests.model(
          ["up_tb.dat": up.tb(), "down_tb.dat": up.tb()])
      })
    #expect(throws: FileError.self) {
      try WannierTests.model(["up_tb.dat": up.tb()], down: nil, exchange: ["Fe": 1])
    }
  }

  /// Cut, shuffled and random files are refused, or right but for what does not count, and never end the program.
  @Test func hostile() throws {
    var generator = SeededGenerator(3)
    var refused = 0
    for round in 0..<120 {
      var files = Self.right
      let name = files.keys.sorted()[Int.random(in: 0..<files.count, using: &generator)]
      var bytes = Array(files[name]!.utf8)
      switch round % 4 {
      case 0: bytes = Array(bytes[..<Int.random(in: 0..<bytes.count - 2, using: &generator)])
      case 1:
        var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
        lines.shuffle(using: &generator)
        bytes = Array(lines.joined(separator: [10]))
      case 2:
        bytes = (0..<2000).map { _ in UInt8.random(in: 0...255, using: &generator) }
      default:
        for _ in 0..<3 {
          let n = Int.random(in: 0..<bytes.count, using: &generator)
          bytes[n] = "0123456789+-.eEdD \n\r\t*".utf8.randomElement(using: &generator)!
        }
      }
      let scratch = try ScratchDirectory()
      files[name] = nil
      for (other, text) in files { _ = try scratch.file(other, text) }
      _ = try scratch.file(name, bytes)
      var source = WannierSource(
        up: .init(besides: "\(scratch.path)/up_hr.dat"),
        down: .init(besides: "\(scratch.path)/down_tb.dat"))
      source.input = "\(scratch.path)/up.win"
      do throws(FileError) {
        let read = try WannierModel(source, name: "m")
        #expect(read.model.elements.joined().joined().allSatisfy { $0.length.isFinite })
      } catch {
        #expect(error.kind == .malformed && error.file.hasPrefix(scratch.path))
        #expect(!error.found.isEmpty && !error.expected.isEmpty)
        refused += 1
      }
    }
    #expect(refused > 90)
  }
}
