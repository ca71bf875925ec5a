// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboTestSupport
import Testing

/// What a user sees of a cell that is not the magnetic one, and of a hop that was forgotten.
@Suite struct MagneticCellTests {
  /// The square lattice in its chemical cell, whose conductivity was twice that of the cell that the message names.
  @Test func chemicalCell() throws {
    let scratch = try ScratchDirectory()
    let text = try String(contentsOfFile: "\(repository)/data/models/square.yaml", encoding: .utf8)
    func conductivity(_ vectors: String) throws -> ProgramTests.Run {
      _ = try scratch.file("m.yaml", text.replacing("[[1, 1], [1, -1]]", with: vectors))
      return try ProgramTests.run(
        [
          "spectrum", "m.yaml", "--lifetime", "constant=0.3", "--omega", "0", "--responses",
          "sigma",
        ], in: scratch.path)
    }
    let wrong = try conductivity("[[1, 0], [0, 1]]")
    #expect(wrong.status == 65 && wrong.output.isEmpty)
    #expect(
      wrong.errors.hasPrefix("kubo: m.yaml:12: lattice.vectors: found a cell 2 times too small"))
    let named = try #require(wrong.errors.firstRange(of: "the vectors ")).upperBound
    let right = try conductivity(String(wrong.errors[named...].dropLast()))
    #expect(right.status == 0 && right.errors.isEmpty)
    #expect(right.output.contains("\n0.0,1.30611"))
  }

  /// What is shown of a hop that was forgotten.
  @Test func forgottenHop() throws {
    let scratch = try ScratchDirectory()
    let text = try String(contentsOfFile: "\(repository)/data/models/square.yaml", encoding: .utf8)
    _ = try scratch.file(
      "m.yaml", text.replacing("  - {vector: [0, -1], amplitude: t}\n", with: ""))
    let note =
      "note: hops between the sublattices lack a mirror image that most have: [0.0, 1.0] without [0.0, -1.0]; that is right if none was forgotten\n"
    #expect(try ProgramTests.run(["models", "m.yaml"], in: scratch.path).output.contains(note))
    let job = ["spectrum", "m.yaml"] + ProgramTests.quick.dropFirst(2)
    #expect(
      try ProgramTests.run(job + ["--omega", "0", "--responses", "Y"], in: scratch.path).errors
        .hasPrefix("kubo: \(note)"))
    #expect(
      try ProgramTests.run(job + ["--omega", "0", "--responses", "Y", "--quiet"], in: scratch.path)
        .errors.isEmpty)
  }
}
