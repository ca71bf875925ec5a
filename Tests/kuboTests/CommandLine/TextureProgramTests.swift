// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboFiles
import KuboTestSupport
import Testing

/// `kubo texture` as a user runs it.
@Suite struct TextureProgramTests {
  private func table(_ arguments: [String], in folder: ScratchDirectory) throws -> CSVFile {
    let path = "\(folder.path)/\(UUID().uuidString).csv"
    let run = try ProgramTests.run(["texture"] + arguments + ["--output", path], in: folder.path)
    try #require(run.status == 0, "\(run.errors)")
    return try CSVFile.read(path: path)
  }

  private func column(_ table: CSVFile, _ name: String) throws -> [Double] {
    let index = try #require(table.columns.firstIndex(of: name))
    return try table.rows.map { try #require($0[index]) }
  }

  /// The same direct current moves a wall with torques of bare loops, and with their ladder does not: the paper's open question.
  @Test func ladderStopsTheWall() throws {
    let scratch = try ScratchDirectory()
    let (bare, ladder) = (
      try table(["direct-bare"], in: scratch), try table(["direct-ladder"], in: scratch)
    )
    for table in [bare, ladder] {
      let (x, error, closed) = (
        try column(table, "X"), try column(table, "X.err"), try column(table, "X.closed")
      )
      // (V/c)^2 is 2e-5 of the way.
      for n in x.indices { #expect(abs(x[n] - closed[n]) <= error[n] + 1e-5 * abs(closed[n])) }
    }
    let moved = try column(bare, "X")
    // V = -193 m/s once the start is forgotten, exp(-17): 1.93 nm in 10 ps.
    #expect(abs(moved[40] - moved[20] + 1.926) < 0.001)
    // Both velocities, with bounds that include those of the torques: -193 m/s, and 0 within 4 mm/s.
    let (v, bound) = (
      try [bare, ladder].map { try column($0, "V")[40] },
      try [bare, ladder].map { try column($0, "V.err")[40] }
    )
    #expect(abs(v[0] + 0.19255) < 1e-5 && bound[0] < 1e-4)
    #expect(abs(v[1]) <= bound[1] && 3e-6 < bound[1] && bound[1] < 1e-5)
    let (x, error) = (try column(ladder, "X"), try column(ladder, "X.err"))
    #expect(abs(x[40] - x[20]) <= error[40])
    #expect(error[40] < 1e-4)
    // The bound has what the torques may err: V within 4 mm/s, 7e-5 nm in 20 ps.
    #expect(error[40] > 6e-5)
  }

  /// A table of `kubo torque` and the engine give the same torques.
  @Test func tableAndEngineAgree() throws {
    let scratch = try ScratchDirectory()
    let omega = 5.0
    let command = [
      "torque", "narrow", "--gamma", "0.26", "--omega", "\(omega * 0.6582119569 / 300)",
      "--current-density", "2e11", "--lattice-constant", "0.3", "--thickness", "0.42", "--spin",
      "1", "--output", "\(scratch.path)/torque.csv",
    ]
    let run = try ProgramTests.run(command)
    try #require(run.status == 0, "\(run.errors)")
    let text = try String(
      contentsOfFile: "\(repository)/data/textures/alternating-ladder.yaml", encoding: .utf8)
    let start = try #require(text.firstRange(of: "torque:\n")).lowerBound
    let end = try #require(text.firstRange(of: "time:")).lowerBound
    let other =
      text[..<start] + "torque: {table: torque.csv, route: site.ladder, eV: 0.3, v_m: 0}\n"
      + text[end...]
    _ = try scratch.file("t.yaml", String(other))
    let (first, second) = (
      try table(["alternating-ladder"], in: scratch), try table(["./t.yaml"], in: scratch)
    )
    let (a, b) = (try column(first, "X"), try column(second, "X"))
    let size = a.map(abs).max()!
    #expect(size > 1e-3)
    for n in a.indices { #expect(abs(a[n] - b[n]) < 1e-6 * size) }

    // Without v_m it is tau_m_full, which hardly moves a wall: of a table that has it.
    _ = try scratch.file("m.yaml", String(other.replacing(", v_m: 0", with: "")))
    let none = try ProgramTests.run(["texture", "./m.yaml"], in: scratch.path)
    #expect(none.status == 65 && none.errors.contains("or a table of kubo torque --canting"))
    let again = try ProgramTests.run(command + ["--canting", "--force"])
    try #require(again.status == 0, "\(again.errors)")
    let c = try column(table(["./m.yaml"], in: scratch), "X")
    #expect(zip(a, c).contains { $0 != $1 })
    for n in a.indices { #expect(abs(a[n] - c[n]) < 1e-3 * size) }
  }

  /// Killed at any moment, all states are whole, and the last one goes on to the same bits.
  @Test func killedAndResumed() throws {
    let scratch = try ScratchDirectory()
    _ = try scratch.file(
      "t.yaml",
      Refusal.base("texture.yaml").replacing(
        "time: {end: 1, step: 0.5}", with: "time: {end: 40, step: 0.5, snapshot: 1}"))
    let whole = try table(["./t.yaml", "--states", "whole"], in: scratch)
    let live = try LiveRun(["texture", "./t.yaml", "--states", "cut"], in: scratch.path)
    let files = FileManager.default
    func states() -> [String] {
      ((try? files.contentsOfDirectory(atPath: "\(scratch.path)/cut")) ?? [])
        .filter { $0.hasSuffix(".csv") }.sorted()
    }
    try live.waitUntil { states().count >= 4 }
    _ = live.interrupt(SIGKILL)
    let kept = states()
    for name in kept {
      let (own, other) = try (
        CSVFile.read(path: "\(scratch.path)/cut/\(name)"),
        CSVFile.read(path: "\(scratch.path)/whole/\(name)")
      )
      #expect(own.rows == other.rows, "\(name)")
    }
    let rest = try table(
      ["./t.yaml", "--resume", "cut/\(kept.last!)", "--states", "rest"], in: scratch)
    #expect(rest.rows == Array(whole.rows.suffix(rest.rows.count)) && rest.rows.count > 2)
    let ends = try ["whole", "rest"].map {
      try CSVFile.read(path: "\(scratch.path)/\($0)/000040.csv").rows
    }
    #expect(ends[0] == ends[1])
  }

  /// What must hold of the shipped textures does.
  @Test(arguments: ["alternating-bare", "direct-ladder", "pulse"])
  func shippedTexturesVerify(_ name: String) throws {
    let run = try ProgramTests.run(["texture", name, "--verify"])
    #expect(run.status == 0, "\(run.output)\(run.errors)")
    #expect(run.output.hasSuffix("4 of 4 statements hold\n"))
  }
}
