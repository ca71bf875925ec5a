// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Testing

/// The program as a user runs it: the built binary, its exit statuses and what it leaves behind.
@Suite struct ProgramTests {
  struct Run {
    let status: Int32
    let output, errors: String
  }

  static let program: URL = {
    // The test bundle and the program share the build folder.
    var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    while folder.path != "/" {
      let candidate = folder.appending(path: "kubo")
      if FileManager.default.isExecutableFile(atPath: candidate.path),
        (try? candidate.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true
      {
        return candidate
      }
      folder.deleteLastPathComponent()
    }
    return URL(filePath: "\(repository)/.build/release/kubo")
  }()

  static func run(_ arguments: [String], in directory: String? = nil) throws -> Run {
    try run(program, arguments, in: directory, environment: ["KUBO_HOME": repository])
  }

  /// Runs any program, with changes to the environment; nil removes a variable.
  static func run(
    _ program: URL, _ arguments: [String], in directory: String? = nil,
    environment changes: [String: String?] = [:]
  ) throws -> Run {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      changes.compactMapValues { $0 }
    ) { $1 }.filter { changes[$0.key] != .some(nil) }
    if let directory { process.currentDirectoryURL = URL(filePath: directory) }
    // Files rather than pipes: no reader is needed, whatever the amount.
    let scratch = try ScratchDirectory()
    let out = try scratch.file("out", "")
    let err = try scratch.file("err", "")
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: out))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: err))
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return Run(
      status: process.terminationStatus,
      output: try String(contentsOfFile: out, encoding: .utf8),
      errors: try String(contentsOfFile: err, encoding: .utf8))
  }

  /// A spectrum that takes milliseconds.
  static let quick = ["spectrum", "chain", "--lifetime", "constant=0.3", "--tolerance", "1e-3"]

  /// What is printed of a lattice shows a hop that was forgotten: fewer neighbours, fewer symmetries.
  @Test func modelSummary() throws {
    let whole = try Self.run(["models", "square"])
    #expect(whole.status == 0, "\(whole.errors)")
    for text in [
      "between the sublattices: 4 neighbours of each site\n  4 at distance 1.0\n",
      "within a sublattice: 4 neighbours of each site\n  4 at distance 1.41421\n",
      "+-(1.0, -1.0)  amplitude 0.2\n", "the energies have 8 point symmetries\n",
    ] {
      #expect(whole.output.contains(text), "\(text)")
    }
    let scratch = try ScratchDirectory()
    let file = try String(contentsOfFile: "\(repository)/data/models/square.yaml", encoding: .utf8)
    let hop = "  - {vector: [1, -1], amplitude: t_prime}\n"
    try #require(file.contains(hop))
    let path = try scratch.file("m.yaml", file.replacing(hop, with: ""))
    let forgotten = try Self.run(["models", path, "--set", "t=3"])
    #expect(forgotten.output.contains("within a sublattice: 2 neighbours of each site\n"))
    #expect(forgotten.output.contains("the energies have 4 point symmetries\n"))
    #expect(forgotten.output.contains("(0.0, -1.0)  amplitude 3.0\n"))
  }

  @Test func spectrumOnStandardOutput() throws {
    let run = try ProgramTests.run(
      ProgramTests.quick + ["--omega", "0:1:3", "--responses", "sigma,s.xx.full", "--output", "-"])
    #expect(run.status == 0, "\(run.errors)")
    let lines = run.output.split(separator: "\n").map(String.init)
    let header = lines.prefix { $0.hasPrefix("# ") }
    for key in [
      "program: kubo ", "model: chain", "model_file: ", "model_sha256: ", "parameter.t: 1.0",
      "parameter.t_prime: ", "parameter.J: ", "units.energy: t", "units.length: a", "mu: ",
      "temperature: ", "lifetime: constant=0.3", "direction: xx", "tolerance: 0.001",
      "wall_time_s: ", "command: spectrum chain",
    ] {
      #expect(header.contains { $0.hasPrefix("# " + key) }, "\(key)")
    }
    #expect(
      lines[header.count]
        == "omega,sigma.bare.re,sigma.bare.im,sigma.bare.err,sigma.bare.static,"
        + "s.xx.full.bare.re,s.xx.full.bare.im,s.xx.full.bare.err,s.xx.full.bare.static")
    let rows = lines.dropFirst(header.count + 1)
    #expect(rows.count == 3)
    for (row, omega) in zip(rows, ["0.0", "0.5", "1.0"]) {
      let cells = row.split(separator: ",", omittingEmptySubsequences: false)
      #expect(cells.count == 9)
      #expect(cells[0] == omega)
      #expect(cells.allSatisfy { Double($0) != nil })
    }
    // The dynamic part of a loop is exactly 0 at omega = 0.
    #expect(rows.first!.split(separator: ",")[5] == "0.0")
    // The hash is that of the file, by another program.
    let hash = try #require(header.first { $0.hasPrefix("# model_sha256: ") }).suffix(64)
    let sum = Process()
    sum.executableURL = URL(filePath: "/usr/bin/sha256sum")
    sum.arguments = ["\(repository)/data/models/chain.yaml"]
    let pipe = Pipe()
    sum.standardOutput = pipe
    try sum.run()
    sum.waitUntilExit()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(text.hasPrefix(hash))
  }

  /// `--set`, `--mu`, `--temperature` and the rest arrive; defaults leave out what does not exist.
  @Test func options() throws {
    let run = try ProgramTests.run(
      ProgramTests.quick + [
        "--omega", "0.2,0.7", "--set", "t_prime=0.1", "--set", "J=0.8", "--mu=-1.5",
        "--temperature",
        "0.1", "--threads", "1",
      ])
    #expect(run.status == 0, "\(run.errors)")
    for line in [
      "# parameter.t_prime: 0.1", "# parameter.J: 0.8", "# mu: -1.5", "# temperature: 0.1",
    ] {
      #expect(run.output.contains(line + "\n"))
    }
    let names = run.output.split(separator: "\n").first { $0.hasPrefix("omega,") }!
    for name in ["X.closed.re", "Y.closed_printed.re", "X_na.closed.err", "Sigma_full.bare.static"]
    {
      #expect(names.split(separator: ",").contains(Substring(name)))
    }
    #expect(!names.contains("sigma.closed"))
    #expect(run.output.contains("# validity.X_na.closed: unreliable here: it assumes Delta_k = J"))
    #expect(run.errors.contains("is unreliable here: it assumes"))
  }

  /// `--filling`, `--units` and `--per-band` reach the table.
  @Test func fillingUnitsAndBands() throws {
    let run = try ProgramTests.run(
      ProgramTests.quick + [
        "--omega", "0.5", "--set", "t_prime=0", "--filling", "2", "--units", "eV=0.5,nm=0.4",
        "--temperature", "0.02", "--responses", "sigma,Y", "--dressing", "bare", "--per-band",
      ])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.hasPrefix("kubo: note: filling 2.0: mu = "))
    let lines = run.output.split(separator: "\n").map(String.init)
    func header(_ key: String) throws -> Substring {
      try #require(lines.first { $0.hasPrefix("# \(key): ") }).dropFirst(key.count + 4)
    }
    #expect(try header("filling") == "2.0")
    #expect(try header("mu") == header("filling.mu"))
    let (mu, error) = (Double(try header("mu"))!, Double(try header("filling.mu_error"))!)
    // Particles and holes are symmetric.
    #expect(abs(mu) <= error && error < 1e-8)
    #expect(try header("units.energy_eV") == "0.5" && header("units.length_nm") == "0.4")
    // 0.01 eV/k_B.
    #expect(abs(Double(try header("temperature_K"))! - 116.04518) < 1e-4)
    let names = lines[lines.count - 2].split(separator: ",").map(String.init)
    let cells = lines[lines.count - 1].split(separator: ",").map { Double($0)! }
    func cell(_ name: String) throws -> Double { cells[try #require(names.firstIndex(of: name))] }
    #expect(names[1] == "omega_THz")
    #expect(abs(try cell("omega_THz") - 60.44973) < 1e-4)
    // e^2/hbar times 0.4 nm.
    let unit = 2.43413480e-4 * 0.4e-9
    for part in ["re", "im", "err"] {
      let (own, other) = (try cell("sigma.bare.\(part)"), try cell("sigma.bare.S_m.\(part)"))
      #expect(abs(other / (own * unit) - 1) < 1e-8)
    }
    for name in ["sigma.bare", "Y.bare"] {
      let shares = ["bonding", "antibonding", "interband"].filter {
        names.contains("\(name).\($0).re")
      }
      #expect(shares.count == (name == "Y.bare" ? 2 : 3))
      let sum = try shares.reduce(0) { $0 + (try cell("\(name).\($1).re")) }
      #expect(abs(sum - (try cell("\(name).re"))) < 1e-3)
    }
  }

  @Test func perDiagram() throws {
    let run = try ProgramTests.run(
      ProgramTests.quick + ["--omega", "0.4", "--responses", "Y_na_all", "--per-diagram"])
    #expect(run.status == 0)
    let lines = run.output.split(separator: "\n").filter { !$0.hasPrefix("#") }
    let names = lines[0].split(separator: ",").map(String.init)
    let values = lines[1].split(separator: ",").map { Double($0)! }
    func value(_ name: String) throws -> Double { values[try #require(names.firstIndex(of: name))] }
    let parts = try ["a", "b", "c", "d", "ef"].map {
      try value("Y_na_all.bare.nonadiabatic.\($0).re")
    }
    #expect(abs(parts.reduce(0, +) - (try value("Y_na_all.bare.re"))) < 1e-4)
    #expect(names.contains("Y_na_all.bare.nonadiabatic.a.static_im"))
  }

  /// A diagram of the user's own, in another folder: half of Y's first term under a new name.
  @Test func userDiagram() throws {
    let scratch = try ScratchDirectory()
    let shipped = try String(
      contentsOfFile: "\(repository)/diagrams/adiabatic.electric_first.yaml", encoding: .utf8)
    let own = shipped.replacing("diagram: adiabatic.electric_first", with: "diagram: mine")
      .replacing("contributes_to: [adiabatic]", with: "contributes_to: [half]")
      .replacing("prefactor: 1", with: "prefactor: 0.5")
    _ = try scratch.file("mine.yaml", own)
    let run = try ProgramTests.run(
      ProgramTests.quick + [
        "--omega", "0.4", "--diagrams", scratch.path, "--responses", "s.xx.half,Y", "--per-diagram",
        "--dressing", "bare",
      ])
    #expect(run.status == 0, "\(run.errors)")
    let lines = run.output.split(separator: "\n").filter { !$0.hasPrefix("#") }
    let names = lines[0].split(separator: ",").map(String.init)
    let values = lines[1].split(separator: ",").map { Double($0)! }
    func value(_ name: String) throws -> Double { values[try #require(names.firstIndex(of: name))] }
    let half = try value("s.xx.half.bare.re")
    let whole = try value("Y.bare.adiabatic.electric_first.re")
    #expect(abs(half - whole / 2) <= 1e-12 && abs(half) > 1e-6)
  }

  /// An existing output is not touched without --force, and is replaced with it.
  @Test func existingOutput() throws {
    let scratch = try ScratchDirectory()
    let file = try scratch.file("a.csv", "mine\n")
    let arguments = ProgramTests.quick + ["--omega", "0.5", "--responses", "Y", "--output", file]
    let refused = try ProgramTests.run(arguments)
    #expect(refused.status == 73)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine\n")
    let forced = try ProgramTests.run(arguments + ["--force"])
    #expect(forced.status == 0)
    #expect(forced.output.hasSuffix("written: \(file)\n"))
    #expect(try String(contentsOfFile: file, encoding: .utf8).hasPrefix("# program: kubo"))
    #expect(try scratch.names() == ["a.csv"])
  }

  /// The error bound of a summary is one for each value of its column.
  @Test func summaryBounds() throws {
    let scratch = try ScratchDirectory()
    let run = try ProgramTests.run(
      ProgramTests.quick + [
        "--omega", "0.1:2.1:9", "--responses", "sigma,X,Y,X_na", "--dressing", "bare",
        "--output", "\(scratch.path)/a.csv",
      ])
    #expect(run.status == 0, "\(run.errors)")
    let rows = try String(contentsOfFile: "\(scratch.path)/a.csv", encoding: .utf8)
      .split(separator: "\n").filter { !$0.hasPrefix("#") }
      .map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    for name in ["sigma.bare", "X.bare", "Y.bare", "X_na.bare"] {
      let error = try #require(rows[0].firstIndex { $0 == "\(name).err" })
      let largest = try #require(rows.dropFirst().compactMap { Double($0[error]) }.max())
      let line = try #require(run.output.split(separator: "\n").first { $0.hasPrefix(name) })
      let shown = try #require(line.split(separator: " ").last.flatMap { Double($0) })
      #expect(shown >= largest && shown <= 2 * largest, "\(name): \(shown), \(largest)")
    }
  }

  /// A value that cannot be computed is an empty cell; the rest of its row is there.
  @Test func emptyCells() throws {
    let run = try ProgramTests.run(
      ProgramTests.quick + ["--omega", "0.9,1.0", "--responses", "Y_na"])
    #expect(run.status == 0)
    let rows = run.output.split(separator: "\n").filter { !$0.hasPrefix("#") }.dropFirst()
    let cells = rows.map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    #expect(cells[0].allSatisfy { !$0.isEmpty })
    // omega, bare x 4, closed x 4, closed_printed x 4.
    #expect(
      cells[1].map(\.isEmpty) == [false] + [false, false, false, false] + [true, true, true, false]
        + [true, true, true, false])
  }

  @Test func coefficientsTable() throws {
    let run = try ProgramTests.run([
      "coefficients", "chain", "--mu=-1.5,-1,0.1", "--temperature", "0",
    ])
    #expect(run.status == 0, "\(run.errors)")
    let lines = run.output.split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(
      lines[0].hasPrefix(
        "mu,sigma_c_over_tau,P_m.corrected,P_m.printed,P_n.corrected,P_n.printed,"
          + "P_m_na.corrected,P_m_na.printed,P_n_na.corrected,P_n_na.printed,"))
    let names = lines[0].split(separator: ",").map(String.init)
    for row in lines.dropFirst() {
      let cells = row.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      #expect(cells.count == names.count)
      let isGap = cells[0] == "0.1"
      #expect(cells[2...9].allSatisfy { $0.isEmpty == isGap })
      #expect(!cells[names.firstIndex(of: "P_m.corrected.product")!].isEmpty)
    }
  }

  @Test func lists() throws {
    let models = try ProgramTests.run(["models"])
    #expect(models.status == 0)
    #expect(models.output.split(separator: "\n").count == 11)
    for name in ["square", "honeycomb", "chain", "cubic", "narrow"] {
      #expect(models.output.contains("\n\(name) ") || models.output.hasPrefix("\(name) "))
    }
    let diagrams = try ProgramTests.run(["diagrams"])
    #expect(diagrams.status == 0)
    #expect(diagrams.output.split(separator: "\n").count == 27)
    #expect(diagrams.output.contains("nonadiabatic.ef"))
  }

  /// The help lists every alias, and the dressings of each lifetime; which they are is tested in
  /// `LadderProgramTests`.
  @Test func help() throws {
    let run = try ProgramTests.run(["spectrum", "--help"])
    #expect(run.status == 0)
    let text = run.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(
      text.contains(
        "X_na staggered spin, diagrams (a)+(d) of Fig. S1 = Sigma.xy.O_nonadiabatic_main"))
    #expect(text.contains("all four bands = j.conductivity"))
    #expect(
      text.contains("constant=GAMMA: bare; closed, closed_printed for X, Y, X_na, Y_na"))
    #expect(text.contains("ladder for X_na, Y_na, X_na_all, Y_na_all; closed for X, Y, X_na, Y_na"))
  }
  /// A diagram file with a wrong sign is named, by its traces and by an identity, with status 1.
  @Test func verificationOfABrokenDiagram() throws {
    let scratch = try ScratchDirectory()
    let folder = try scratch.directory("mine")
    let text = try String(
      contentsOfFile: "\(repository)/diagrams/nonadiabatic.c.yaml", encoding: .utf8)
    #expect(text.contains("\nsign: +1\n"))
    _ = try scratch.file("mine/c.yaml", text.replacing("\nsign: +1\n", with: "\nsign: -1\n"))
    let command = [
      "verify", "chain", "--dressing", "bare", "--lifetime", "constant=0.2", "--tolerance", "1e-4",
    ]
    let right = try ProgramTests.run(command)
    #expect(right.status == 0, "\(right.errors)")
    #expect(right.output.contains("\n34 of 34 statements hold\n"))
    let wrong = try ProgramTests.run(command + ["--diagrams", folder])
    #expect(wrong.status == 1)
    #expect(wrong.output.contains("FAIL  wrong: nonadiabatic.c\n"))
    #expect(wrong.errors.contains("O adiabatic + O nonadiabatic = full: residual above tolerance"))
  }

  /// The ladder alone leaves the bare loops out.
  @Test func verificationOfTheLadder() throws {
    let run = try ProgramTests.run([
      "verify", "chain", "--dressing", "ladder", "--gamma", "1",
    ])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("\nladder ") && !run.output.contains("\nbare loops "))
    #expect(run.output.contains("\n30 of 30 statements hold\n"))
  }

  /// The torques as a table in m/s, with the scale and the sign of the charge in the header.
  @Test func torqueTable() throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/t.csv"
    let run = try ProgramTests.run([
      "torque", "chain", "--lifetime", "constant=0.1", "--tolerance", "1e-3", "--omega", "0,0.3",
      "--current-density", "1e12", "--lattice-constant", "0.25", "--cross-section", "0.09",
      "--spin", "2.5", "--output", path,
    ])
    #expect(run.status == 0, "\(run.errors)")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    // 2 a x cross-section x j/(4 q N).
    let v = -0.5 * 0.09 * 1e-27 * 1e12 / (4 * 1.602176634e-19 * 2.5)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("# v_0_m_per_s: ") })
    #expect(abs(Double(line.split(separator: " ")[2])! / v - 1) < 1e-12)
    #expect(text.contains("# charge: q = -|e|"))
    let rows = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(rows.count == 3)
    #expect(rows[0].hasPrefix("omega,tau_m.closed.re,tau_m.closed.im,tau_m.closed.err,"))
    #expect(rows[0].contains("tau_n_na.constant.bare.re"))
  }

  /// The audit writes Markdown and says that what is corrected holds.
  @Test func auditReport() throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/audit.md"
    let run = try ProgramTests.run(["audit", "chain", "--output", path])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("every corrected form agrees with the matrices"))
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.hasPrefix("# The paper against the loops\n"))
    #expect(text.contains("| (S7.18), (S7.21), (S7.23) |"))
    #expect(text.contains("| P_m_na | upper |"))
  }
}
