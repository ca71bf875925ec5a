// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboFiles
import Testing

/// Whether a picture can be read: units, symbols, what tells curves apart, sizes.
@Suite struct PictureLookTests {
  private func words(_ picture: Picture) async throws -> [String] {
    try #require(SVGDocument(Data(try await picture.drawn(.svg)))).words.map(\.text)
  }

  private func panels(_ picture: Picture) async throws -> Int {
    // A border goes round and ends where it began.
    let svg = String(decoding: try await picture.drawn(.svg), as: UTF8.self)
    return Set(
      svg.matches(of: /'M([\d.]+),([\d.]+) L[^']* L\1,\2 Z/).map { "\($0.1) \($0.2)" }
    ).count
  }

  // MARK: Units

  /// Columns in SI units have that unit and panels of their own, and neither they nor the axis in THz are drawn
  /// unless asked for.
  @Test func physicalUnits() async throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/s.csv"
    let run = try ProgramTests.run([
      "spectrum", "square", "--lifetime", "constant=0.4", "--tolerance", "1e-2", "--omega",
      "0:1:3", "--responses", "sigma,Y", "--units", "eV=1,nm=0.3", "--output", path,
    ])
    try #require(run.status == 0, "\(run.errors)")
    let table = try CSVFile.read(path: path)
    #expect(table.header.contains { $0.key == "unit.*.S" && $0.value == "S" })
    let plain = try Picture(table: table)
    let texts = try await words(plain)
    #expect(texts.contains("σ (e2/ħ)") && !texts.contains { $0.contains("(S)") }, "\(texts)")
    #expect(!texts.contains { $0.contains("THz") || $0 == "ν" })
    #expect(try await panels(plain) == 2)
    let physical = try await words(Picture(table: table, columns: ["sigma.bare.S"]))
    #expect(physical.contains("σ (S)") && !physical.contains { $0.contains("ħ)") }, "\(physical)")
    let both = try Picture(table: table, columns: ["sigma.bare", "sigma.bare.S", "omega_THz"])
    #expect(try await panels(both) == 3)
    #expect(try await words(both).contains("ν (THz)"))
  }

  @Test(arguments: [("S_per_m", "σ (S/m)"), ("S_m", "σ (S m)"), ("S", "σ (S)")])
  func unitsOfConductivities(_ name: String, _ label: String) async throws {
    let table = CSVFile(
      header: [("model", "m"), ("unit.sigma", "e^2/hbar")],
      columns: ["omega", "sigma.bare.re", "sigma.bare.\(name).re"],
      rows: [[0, 1, 2], [1, 2, 3]])
    #expect(try await words(Picture(table: table, columns: ["sigma.bare.\(name)"])).contains(label))
  }

  /// P and P sigma_c/tau have different units.
  @Test func products() async throws {
    let table = CSVFile(
      header: [("model", "m"), ("unit.*.product", "t")],
      columns: ["mu", "P_m.corrected", "P_m.corrected.product"], rows: [[0, 1, 2], [1, 2, 3]])
    let picture = try Picture(table: table, columns: ["P_m.corrected", "P_m.corrected.product"])
    #expect(try await panels(picture) == 2)
    let texts = try await words(picture)
    #expect(texts.contains("Pm") && texts.contains("Pm σc/τ (t)"), "\(texts)")
  }

  /// A map over lifetimes has their unit, that of impurities the square of an energy.
  @Test(arguments: [
    ("lifetime", "constant=", "Γ (t)"), ("lifetime", "scba=", "scba γ (t2)"),
    ("impurities", "", "γ (t2)"), ("temperature", "", "kBT (t)"),
  ])
  func axesOfMaps(_ key: String, _ prefix: String, _ label: String) async throws {
    let tables = [0.1, 0.2].map { (value: Double) in
      (
        path: "\(value).csv",
        table: CSVFile(
          header: [("model", "m"), ("units.energy", "t"), (HeaderKey(key), "\(prefix)\(value)")],
          columns: ["omega", "Y.bare.re"], rows: [[0, value], [1, 2]])
      )
    }
    let texts = try await words(Picture(map: "Y.bare.re", of: tables))
    #expect(texts.contains(label) && texts.contains("Re Y, bare"), "\(texts)")
  }

  /// What follows from other numbers of the header is none in which tables differ.
  @Test func mapOfTorques() async throws {
    let scratch = try ScratchDirectory()
    let tables = try ["-1.2", "-1"].map { mu in
      let path = "\(scratch.path)/\(mu).csv"
      let run = try ProgramTests.run([
        "torque", "chain", "--current-density", "1e11", "--lattice-constant", "0.3",
        "--cross-section", "0.1", "--spin", "1", "--omega", "0,0.3", "--tolerance", "1e-2", "--mu",
        mu, "--output", path, "--quiet",
      ])
      try #require(run.status == 0, "\(run.errors)")
      return (path: path, table: try CSVFile.read(path: path))
    }
    #expect(tables[0].table.header.contains { $0.key == "ferromagnet_m_per_s" })
    let texts = try await words(Picture(map: "tau_n.closed.re", of: tables))
    #expect(texts.contains("μ (t)") && texts.contains("Re τn, closed form (m/s)"), "\(texts)")
  }

  /// Numbers that differ by little are drawn less one that the label names, and none is as long as the label's place.
  @Test(arguments: [1.0, -1]) func smallDifferences(_ sign: Double) async throws {
    let table = CSVFile(
      header: [("model", "m"), ("unit.Y", "a")], columns: ["omega", "Y.bare.re", "Y.bare.err"],
      rows: (0...8).map { [Double($0), sign * 0.99796 + 1e-6 * Double($0), 1e-7] })
    let texts = try await words(Picture(table: table))
    let label = sign > 0 ? "Y − 0.99795 (a)" : "Y + 0.99797 (a)"
    #expect(texts.contains(label), "\(texts)")
    #expect(texts.allSatisfy { Double($0) == nil || $0.count < 8 }, "\(texts)")
  }

  // MARK: Symbols

  /// Shipped names have symbols; a user's own stand as they are.
  @Test func symbols() async throws {
    let names = [
      ("X_na_all.bare.re", "Xna, all"), ("tau_m_na.closed.re", "τmna"), ("s_full.bare.re", "sfull"),
      ("s.xy.O_mine.bare.re", "sxyO_mine"), ("scba.Y_na.bare.re", "scba: Yna"),
      ("my_own^2.bare.re", "my_own^2"), ("sigma_c_over_tau", "σc/τ"), ("X_full.bare.re", "Xfull"),
    ]
    let table = CSVFile(
      header: [
        ("model", "my_model"), ("parameter.t_prime", "0.20"), ("parameter.t_2{x}", "3"),
        ("parameter.t_1", "0.5"), ("parameter.J_A", "0.7"), ("parameter.eps", "0.4"),
        ("mu", "-1.0"), ("temperature", "0.1"), ("lifetime", "constant=0.5"),
      ], columns: ["omega"] + names.map(\.0),
      rows: [[0] + names.map { _ in 1 }, [1] + names.map { _ in 2 }])
    let texts = try await words(Picture(table: table)).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    for (_, label) in names { #expect(texts.contains(label), "\(label) \(texts)") }
    let title = texts.joined(separator: " ")
    for text in [
      "my_model:", "t′ = 0.2,", "t_2{x} = 3,", "t1 = 0.5,", "JA = 0.7,", "ε = 0.4,", "μ = −1,",
      "kBT = 0.1,", "Γ = 0.5",
    ] {
      #expect(title.contains(text), "\(text) \(title)")
    }
  }

  // MARK: Curves

  /// How the lines of the key look without their colours, from the top: dashes, width and the mark in the middle.
  private func looks(_ svg: String) -> [String] {
    let marks = svg.matches(
      of: /xlink:href='#gpPt(\d+)' transform='translate\(([\d.]+),([\d.]+)\)[^']*' color='([^']*)/
    ).filter { $0.4 != "rgb(255, 255, 255)" }
    var width = ""
    var looks: [String] = []
    for part in svg.split(separator: "<") {
      if let found = part.firstMatch(of: /stroke-width="([\d.]+)"/) { width = String(found.1) }
      guard part.hasPrefix("path "),
        let d = part.firstMatch(of: /d='M([\d.]+),([\d.]+) L([\d.]+),([\d.]+)  '/), d.2 == d.4,
        (34...38).contains(Double(d.3)! - Double(d.1)!)
      else { continue }
      let middle = (Double(d.1)! + Double(d.3)!) / 2
      let mark = marks.last {
        abs(Double($0.2)! - middle) < 1 && abs(Double($0.3)! - Double(d.2)!) < 1
      }
      let dash = part.firstMatch(of: /dasharray='([^']*)'/).map { String($0.1) } ?? "solid"
      looks.append("\(dash) \(width) \(mark.map { String($0.1) } ?? "none")")
    }
    return looks
  }

  /// Without colours too, fifteen routes and both parts are told apart; more are refused.
  @Test func routesDiffer() async throws {
    func table(_ count: Int) -> CSVFile {
      CSVFile(
        header: [("model", "m")],
        columns: ["omega"]
          + (0..<count).flatMap { ["Y.bare.r\($0).re", "Y.bare.r\($0).im"] },
        rows: (0..<9).map { n in [Double(n)] + (0..<2 * count).map { Double(n * $0) } })
    }
    let svg = String(decoding: try await Picture(table: table(15)).drawn(.svg), as: UTF8.self)
    let looks = looks(svg)
    // Re and Im, and the routes, of which the first looks as Re.
    try #require(looks.count == 17, "\(looks)")
    #expect(Set(looks[2...]).count == 15 && looks[0] != looks[1], "\(looks)")
    #expect(looks[0] == looks[2] && !looks[2...].contains(looks[1]))
    // Marks of curves: the imaginary parts of all, and the real parts from the sixth on.
    let marks = svg.matches(of: /xlink:href='#gpPt(\d+)' transform/).map { String($0.1) }
    #expect(Set(["3", "4", "5", "11", "12"]).isSubset(of: marks), "\(Set(marks))")
    do {
      _ = try Picture(table: table(16))
      Issue.record("sixteen routes are drawn")
    } catch {
      #expect(error.description.contains("16 routes") && error.description.contains("--columns"))
    }
  }

  /// The triangles of a curve that is cut are explained; without one there is no such word.
  @Test func trianglesAreExplained() async throws {
    func texts(_ closed: (Double) -> Double) async throws -> [String] {
      try await words(
        Picture(
          table: CSVFile(
            header: [("model", "m"), ("parameter.J", "1")],
            columns: ["omega", "Y_na.bare.re", "Y_na.closed.re"],
            rows: (0...30).map { [0.1 * Double($0), Double($0), closed(0.1 * Double($0))] })))
    }
    #expect(try await texts { 10 / (1.999 - $0) }.contains("goes on beyond the panel"))
    #expect(try await !texts { $0 }.contains { $0.contains("beyond") })
    // What has no line is named, each in a line of its own, since panels are narrow.
    let table = CSVFile(
      header: [("model", "m")],
      columns: ["omega", "Y.bare.im", "Y.closed_printed.re", "Y.closed_printed.im"],
      rows: [[0, 0, 99, 99], [1, 1, 98, 98]])
    // gnuplot draws a text with a box below and above it.
    let notes = Set(
      try await words(Picture(table: table)).filter { $0.hasPrefix("beyond the panel:") })
    #expect(
      notes == Set(["Re", "Im"].map { "beyond the panel: \($0) closed form, printed" }),
      "\(notes)")
  }

  /// Below the pole at 2 J a closed form is in its panel, as far as it is from the loops.
  @Test func lowFrequencies() throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/c.svg"
    let run = try ProgramTests.run([
      "compare", "chain", "--gamma", "0.4", "--tolerance", "1e-2", "--omega", "0.01:0.4:6",
      "--picture", path, "--quiet",
    ])
    try #require(run.status == 0, "\(run.errors)")
    let svg = try String(contentsOfFile: path, encoding: .utf8)
    // The closed form is eight times the ladder there.
    #expect(!svg.contains("beyond the panel") && PictureTests.triangles(svg, upward: true).isEmpty)
  }

  // MARK: Sizes

  /// Letters of a PDF are 7 points high, for paper 8, on a page 86 mm wide.
  @Test(arguments: [(PictureLook.Style.screen, 7...7.2), (.paper, 7.9...8.1), (.bw, 7.9...8.1)])
  func lettersOfAPDF(_ style: PictureLook.Style, _ size: ClosedRange<Double>) async throws {
    let scratch = try ScratchDirectory()
    let table = CSVFile(
      header: [("model", "m")], columns: ["omega", "Y.bare.re"], rows: [[0, 1], [1, 2]])
    let pdf = "\(scratch.path)/p.pdf"
    var look = PictureLook()
    look.style = style
    try await Picture(tables: [("t.csv", table)], look: look).write(to: pdf, overwrite: false)
    let script = """
      import re, sys, zlib
      data = open(sys.argv[1], 'rb').read()
      for part in re.findall(rb'stream\\r?\\n(.*?)endstream', data, re.S):
          try: text = zlib.decompress(part)
          except zlib.error: continue
          for size in re.findall(rb'([0-9.]+) 0 0 -[0-9.]+ [0-9.]+ [0-9.]+ Tm', text): print(float(size))
      """
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script, pdf]
    process.standardOutput = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let sizes = output.split(separator: "\n").compactMap { Double($0) }
    #expect(!sizes.isEmpty && sizes.allSatisfy(size.contains), "\(sizes)")
    let text = String(decoding: try Data(contentsOf: URL(filePath: pdf)), as: UTF8.self)
    let box = try #require(text.firstMatch(of: /MediaBox \[ *0 0 ([\d.]+)/))
    #expect(abs(Double(box.1)! / 72 * 25.4 - 86) < 1)
  }

  // MARK: Bands

  /// `plot` draws of a table of bands what `bands --picture` draws; without the model its path and mu.
  @Test func bands() throws {
    let scratch = try ScratchDirectory()
    let text = try String(
      contentsOfFile: "\(repository)/data/models/honeycomb.yaml", encoding: .utf8)
    let model = try scratch.file("m.yaml", text)
    let (table, drawn, again) = (
      "\(scratch.path)/b.csv", "\(scratch.path)/b.svg", "\(scratch.path)/again.svg"
    )
    let run = try ProgramTests.run([
      "bands", model, "--mu", "-0.9", "--points", "20", "--output", table, "--picture", drawn,
    ])
    try #require(run.status == 0, "\(run.errors)")
    let plot = ["plot", table, "--output", again, "--force"]
    #expect(try ProgramTests.run(plot).status == 0)
    let bytes = try Data(contentsOf: URL(filePath: drawn))
    #expect(try Data(contentsOf: URL(filePath: again)) == bytes)
    let words = try #require(SVGDocument(bytes)).words.map(\.text)
    for word in ["Γ", "M", "K", "μ", "D (1/t)", "sum", "kx (a−1)"] {
      #expect(words.contains(word), "\(word) \(words)")
    }
    #expect(words.joined().contains("μ = −0.9"))
    // Another model of that name would give other densities; the table holds its own.
    try text.replacing("J: 0.5", with: "J: 0.6").write(
      toFile: model, atomically: true, encoding: .utf8)
    #expect(try ProgramTests.run(plot).status == 0)
    #expect(try Data(contentsOf: URL(filePath: again)) == bytes)
    let lines = try String(contentsOfFile: table, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    try lines.filter { !$0.hasPrefix("# model_text") }.joined(separator: "\n").write(
      toFile: table, atomically: true, encoding: .utf8)
    let alone = try ProgramTests.run(plot)
    #expect(alone.status == 0 && alone.errors.contains("the bands alone"), "\(alone.errors)")
    let rest = try #require(SVGDocument(Data(contentsOf: URL(filePath: again)))).words.map(\.text)
    for word in ["Γ", "M", "K", "μ"] { #expect(rest.contains(word), "\(word) \(rest)") }
    #expect(!rest.contains { $0.hasPrefix("D ") })
  }
}
