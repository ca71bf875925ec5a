// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Testing

/// The commands about impurities and ladders, as a user runs them.
@Suite struct LadderProgramTests {
  /// A comparison that takes a second.
  static let quick = [
    "compare", "chain", "--gamma", "0.4", "--omega", "0.1,0.8,1.3", "--tolerance", "1e-2",
  ]

  /// Each ending gives a picture of its kind, and the table names what it shows.
  @Test(arguments: [("svg", "<?xml"), ("png", "\u{89}PNG"), ("pdf", "%PDF")])
  func comparison(_ ending: String, _ start: String) throws {
    let scratch = try ScratchDirectory()
    let picture = "\(scratch.path)/picture.\(ending)"
    let run = try ProgramTests.run(
      LadderProgramTests.quick + ["--output", "\(scratch.path)/out.csv", "--picture", picture])
    #expect(run.status == 0, "\(run.errors)")
    for word in ["scba ladder", "scba closed", "site bare", "site ladder", "gauge", "direct"] {
      #expect(run.output.contains(word), "\(word)")
    }
    let bytes = try Data(contentsOf: URL(filePath: picture))
    #expect(bytes.starts(with: start.unicodeScalars.map { UInt8($0.value) }))
    #expect(bytes.count > 2000)
    let lines = try String(contentsOfFile: "\(scratch.path)/out.csv", encoding: .utf8)
      .split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(lines.count == 4)
    for name in [
      "scba.X_na.ladder.re", "scba.Y_na.closed.err", "site.s_full.bare.static",
      "site.ladder.continuity",
    ] {
      #expect(lines[0].split(separator: ",").contains(Substring(name)))
    }
  }

  /// The low-frequency limit is told as theory, and that the axis shows it only where it does.
  @Test func lowestFrequency() throws {
    for (omega, shows) in [("0.01", true), ("0.8", false)] {
      let run = try ProgramTests.run(
        ["compare", "chain", "--gamma", "0.4", "--tolerance", "1e-2", "--omega", omega])
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("at the lowest omega = \(omega)"), "\(run.output)")
      #expect(run.output.contains("still far from that limit") != shows, "\(run.output)")
    }
  }

  /// `--estimate` tells a time, computes no more than a few frequencies and writes nothing.
  @Test(arguments: [
    ["spectrum", "chain", "--responses", "sigma", "--lifetime", "scba=0.4"],
    ["spectrum", "square", "--responses", "sigma"], ["compare", "chain", "--gamma", "0.4"],
  ])
  func estimate(_ command: [String]) throws {
    let scratch = try ScratchDirectory()
    let output = "\(scratch.path)/out.csv"
    let run = try ProgramTests.run(
      command + [
        "--omega", "0.1:1.1:41", "--tolerance", "1e-2", "--estimate", "--output", output,
      ])
    #expect(run.status == 0, "\(run.errors)")
    let line =
      /estimate: [\d.:]+ (s|\(min:s\))( to [\d.:]+ (s|\(min:s\)))?, to a factor of about 2, for 41 frequencies on \d+ threads; from up to \d+ of them in [\d.]+ s\n/
    #expect(run.output.wholeMatch(of: line) != nil, "\(run.output)")
    #expect(!FileManager.default.fileExists(atPath: output))
  }

  /// The default columns are those that exist for the lifetime, as the help text says.
  @Test(arguments: [
    (
      "scba=0.4",
      [
        "sigma.bare", "X.bare", "X.closed", "Y.bare", "Y.closed", "X_na.bare", "X_na.ladder",
        "X_na.closed", "Y_na.bare", "Y_na.ladder", "Y_na.closed", "X_na_all.bare",
        "X_na_all.ladder", "Y_na_all.bare", "Y_na_all.ladder", "s_full.bare", "Sigma_full.bare",
      ]
    ),
    (
      "site=0.4",
      [
        "sigma.bare", "sigma.ladder", "s_full.bare", "s_full.ladder", "Sigma_full.bare",
        "Sigma_full.ladder",
      ]
    ),
  ])
  func defaultColumns(_ lifetime: String, _ expected: [String]) throws {
    let run = try ProgramTests.run([
      "spectrum", "chain", "--omega", "0.5", "--tolerance", "1e-2", "--lifetime", lifetime,
    ])
    #expect(run.status == 0, "\(run.errors)")
    let header = run.output.split(separator: "\n").first { !$0.hasPrefix("#") }!
    let found = header.split(separator: ",").filter { $0.hasSuffix(".re") }.map { $0.dropLast(3) }
    #expect(found.map(String.init) == expected)
  }

  /// In the gap of the antibonding band the closed form counts the bonding band alone; where that
  /// band's tail matters, or mu lies in both gaps, it is refused with the reason.
  @Test func closedInTheGap() throws {
    let run = try ProgramTests.run([
      "spectrum", "narrow", "--mu", "-5", "--lifetime", "scba=0.2", "--omega", "0.5",
      "--responses", "X_na", "--dressing", "closed", "--tolerance", "1e-2",
    ])
    #expect(run.status == 80)
    #expect(run.errors.contains("lies in the gap"), "\(run.errors)")
  }

  /// The density of states holds two states a band and cell, and the residual is rounding.
  @Test(arguments: ["scba=0.3", "site=0.3"])
  func selfEnergy(_ lifetime: String) throws {
    let run = try ProgramTests.run([
      "selfenergy", "square", "--lifetime", lifetime, "--energy", "-7:7:281",
    ])
    #expect(run.status == 0, "\(run.errors)")
    let rows = run.output.split(separator: "\n").filter { !$0.hasPrefix("#") }.dropFirst()
      .map { $0.split(separator: ",").map { Double($0)! } }
    #expect(rows.count == 281)
    var states = [0.0, 0.0]
    for row in rows {
      #expect(row[2] <= 1e-12, "Im Sigma")
      #expect(row[6] <= 1e-13, "residual")
      states[0] += row[7] * 0.05
      states[1] += row[8] * 0.05
    }
    // A trapezoid over square-root edges and rounded van Hove peaks: a few parts in a thousand.
    for number in states { #expect(abs(number - 2) < 0.01, "\(number)") }
  }

  /// The Matsubara sum with the self-energies at i eps_n against the spectral representation.
  @Test func matsubara() throws {
    let run = try ProgramTests.run([
      "matsubara", "chain", "--count", "2", "--lifetime", "scba=0.5", "--temperature", "0.15",
      "--responses", "X_na,Y_na", "--tolerance", "1e-2",
    ])
    #expect(run.status == 0, "\(run.errors)")
    let rows = run.output.split(separator: "\n").filter { !$0.hasPrefix("#") }.dropFirst()
      .map { $0.split(separator: ",").map { Double($0)! } }
    #expect(rows.count == 2)
    for row in rows {
      for c in [2, 6] { #expect(abs(row[c] - row[c + 2]) <= row[c + 1] + row[c + 3]) }
    }
    #expect(abs(rows[1][2]) > 1e-3 && abs(rows[0][6]) > 1e-3)
  }
}
