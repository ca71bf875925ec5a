// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboDiagrams
import KuboFiles
import Testing

/// Tables read back, and pictures of them.
@Suite struct PictureTests {
  // MARK: Reading

  @Test func aTableIsReadBack() throws {
    let table = CSVFile(
      header: [
        ("program", "kubo"), ("note", "two\nlines\u{1b}[0m \\ and: a colon"), ("empty", ""),
      ],
      columns: ["omega", "Y.bare.re", "a \"b\", \\c"],
      rows: [[0.1, nil, -0.0], [1e-300, .leastNonzeroMagnitude, .greatestFiniteMagnitude]])
    let back = try CSVFile.read(Array(table.text.utf8), path: "t.csv")
    #expect(back.text == table.text)
    #expect(back.header.map(\.value) == table.header.map(\.value))
    #expect(back.columns == table.columns && back.rows == table.rows)
  }

  @Test func whatTheProgramWritesIsRead() async throws {
    let scratch = try ScratchDirectory()
    for (n, arguments) in [
      [
        "spectrum", "chain", "--lifetime", "constant=0.3", "--tolerance", "1e-2", "--omega",
        "0:3:7",
      ],
      ["coefficients", "chain", "--mu", "-2:0.3:5", "--temperature", "0.1", "--tolerance", "1e-3"],
      [
        "selfenergy", "chain", "--lifetime", "scba=0.3", "--energy", "-3:3:5", "--tolerance",
        "1e-3",
      ],
      [
        "matsubara", "chain", "--count", "3", "--responses", "Y", "--lifetime", "constant=0.3",
        "--tolerance", "1e-3",
      ],
      ["bands", "chain", "--points", "20"],
      [
        "torque", "chain", "--current-density", "1e11", "--lattice-constant", "0.3",
        "--cross-section", "0.1", "--spin", "1", "--omega", "0,0.3", "--tolerance", "1e-2",
      ],
    ].enumerated() {
      let path = "\(scratch.path)/\(n).csv"
      let run = try ProgramTests.run(arguments + ["--output", path, "--quiet"])
      // 80: empty cells, which are read and drawn too.
      #expect([0, 80].contains(run.status), "\(run.errors)")
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let table = try CSVFile.read(path: path)
      #expect(table.text == text)
      let picture = String(decoding: try await Picture(table: table).drawn(.svg), as: UTF8.self)
      #expect(picture.hasPrefix("<?xml") && picture.contains("chain"), "\(arguments)")
    }
  }

  /// The lines of the key have the dashes of their curves, in SVG too.
  @Test func dashesOfTheKey() async throws {
    let names = ["bare", "ladder", "closed"]
    let table = CSVFile(
      header: [("model", "m")], columns: ["omega"] + names.map { "Y.\($0).re" },
      rows: (0..<9).map { n -> [Double] in [n, n, 2 * n, 3 * n].map(Double.init) })
    let svg = String(decoding: try await Picture(table: table).drawn(.svg), as: UTF8.self)
    // In the key are the level pieces alone in their path, of 8 mm; before the path's data stand color and dashes.
    var styles: Set<String> = []
    for path in svg.components(separatedBy: "<path ").dropFirst() {
      let parts = path.components(separatedBy: " d='M")
      guard parts.count == 2,
        let d = parts[1].prefixMatch(of: /([\d.]+),([\d.]+) L([\d.]+),([\d.]+)  '/),
        d.2 == d.4, (25...40).contains(Double(d.3)! - Double(d.1)!)
      else { continue }
      styles.insert(parts[0])
    }
    // Re in blue, and three kinds in black.
    #expect(styles.count == 4 && styles.count { $0.contains("dasharray") } == 2, "\(styles)")
  }

  /// The name of the mark at 2J stands once, above the panels and below the key, where no curve runs.
  @Test func nameOfTheMark() async throws {
    let table = CSVFile(
      header: [("model", "m"), ("parameter.J", "2.0")],
      columns: ["omega", "Y.bare.re", "Y.ladder.re", "sigma.bare.re"],
      rows: (0...8).map(Double.init).map { (x: Double) in [x, 1 / (0.1 + abs(x - 4)), 1, 2] })
    let bytes = try await Picture(table: table).drawn(.svg)
    let svg = String(decoding: bytes, as: UTF8.self)
    let words = try #require(SVGDocument(Data(bytes))).words
    func baselines(_ text: String) -> [Double] { words.filter { $0.text == text }.map(\.y) }
    // A border goes round and ends where it began.
    let borders = svg.matches(of: /'M([\d.]+),([\d.]+) L[^']* L\1,\2 Z/).map { Double($0.2)! }
    let (name, key, top) = (baselines("2J"), baselines("ladder"), try #require(borders.min()))
    try #require(name.count == 1 && key.count == 1, "\(name) \(key)")
    #expect(key[0] + 10 < name[0] && name[0] < top, "\(key) \(name) \(borders)")
  }

  /// What is drawn of a response is K(omega) - K(0), and its label says so; a conductivity is drawn as it is.
  @Test func labels() async throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/s.csv"
    let run = try ProgramTests.run(
      ProgramTests.quick + ["--omega", "0:1:5", "--responses", "sigma,Y", "--output", path])
    try #require(run.status == 0, "\(run.errors)")
    let table = try CSVFile.read(path: path)
    func texts(_ columns: [String]? = nil) async throws -> [String] {
      let svg = try await Picture(table: table, columns: columns).drawn(.svg)
      return try #require(SVGDocument(Data(svg))).words.map(\.text)
    }
    let all = try await texts()
    #expect(all.contains("ΔY (a)") && all.contains("σ (e2/ħ a)"), "\(all)")
    #expect(all.contains { $0.contains("ΔK = K(ω)") }, "\(all)")
    // K(0), if it is drawn, is called so, with the unit of K; beside sigma it is Pi(0), with another than sigma.
    let fixed = try await texts(["Y.bare.static", "sigma.bare.static"])
    #expect(fixed.contains("Y(0) (a)") && fixed.contains("Π(0) (t a)"), "\(fixed)")
    #expect(!fixed.contains { $0.contains("Δ") })
  }

  /// The printed closed form stays in the panel where it differs by its sign, and does not set the scale where
  /// it is far off.
  @Test(arguments: [(-1.0, true), (20, false)])
  func printedForm(_ printed: Double, isShown: Bool) async throws {
    let table = CSVFile(
      header: [("model", "m")], columns: ["omega", "tau_m.closed.re", "tau_m.closed_printed.re"],
      rows: (0...4).map { [Double($0), 1 - 0.1 * Double($0), printed] })
    let picture = try Picture(table: table)
    let range = try #require(picture.script.firstMatch(of: /set yrange \[([-\d.e]+):([-\d.e]+)\]/))
    let (low, high) = (Double(range.1)!, Double(range.2)!)
    #expect((low < printed && printed < high) == isShown, "\(low) \(high)")
    #expect(low < 0.6 && high > 1 && high - low < 5)
    let svg = String(decoding: try await picture.drawn(.svg), as: UTF8.self)
    // No line is cut; a note says where the other is.
    #expect(PictureTests.triangles(svg, upward: true).isEmpty)
    #expect(svg.contains("beyond the panel") != isShown)
  }

  /// Where a closed form leaves its panel, at its pole or for good, a triangle says so, on the side on which it
  /// leaves.
  @Test func exitsAreMarked() async throws {
    let axis = (0...30).map { 0.1 * Double($0) + 0.05 }
    let table = CSVFile(
      header: [("model", "m"), ("parameter.J", "1")],
      columns: ["omega", "Y_na.bare.re", "Y_na.closed.re", "Y_na.closed_printed.re"],
      rows: axis.map { [$0, 0.1 * $0, 0.1 / (1 - 0.25 * $0 * $0), -20] })
    let svg = String(decoding: try await Picture(table: table).drawn(.svg), as: UTF8.self)
    let (up, down) = (
      PictureTests.triangles(svg, upward: true), PictureTests.triangles(svg, upward: false)
    )
    // The resonance upward below 2 J and downward above; the other form is below in both pieces, without a line,
    // which a note says.
    try #require(up.count == 1 && down.count == 1, "\(up) \(down)")
    #expect(svg.contains("goes on beyond the panel"))
    #expect(svg.contains("beyond the panel: Re closed form, printed"))
    #expect(!svg.contains("beyond the panel: Re closed form<"))
    // From -0.319 to 0.548: the range of the bare loop and of the closed form beyond 3 J with its margin, and half
    // of that beyond.
    let border = try #require(svg.firstMatch(of: /'M([\d.]+),([\d.]+) L([^']*) Z/))
    let corners = border.3.matches(of: /([\d.]+),([\d.]+)/).map { Double($0.1)! }
    let (left, right) = (try #require(corners.min()), try #require(corners.max()))
    func place(_ value: Double) -> Double {
      let omega = (4 * (1 - 0.1 / value)).squareRoot()
      return left + (right - left) * (omega - axis.first!) / (axis.last! - axis.first!)
    }
    let (least, most) = (0.1 / (1 - 0.25 * 3.05 * 3.05), 0.305)
    let (middle, range) = ((least + most) / 2, 1.14 * (most - least))
    let (high, low) = (middle + range, middle - range)
    #expect(abs(up[0].x - place(high)) < 4, "\(up) \(place(high))")
    #expect(abs(down[0].x - place(low)) < 4, "\(down) \(place(low))")
    #expect(down.allSatisfy { up[0].y < $0.y }, "\(up) \(down)")
  }

  /// On the logarithmic scale of a comparison the closed form leaves where its line is cut, just below the edge.
  @Test func exitsOfAComparison() throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/c.svg"
    let run = try ProgramTests.run([
      "compare", "chain", "--omega", "0.2,0.4,0.999,1.0001,1.9", "--picture", path, "--quiet",
    ])
    try #require(run.status == 0, "\(run.errors)")
    let svg = try String(contentsOfFile: path, encoding: .utf8)
    let marks = PictureTests.triangles(svg, upward: true)
    // The first panel alone has a closed form, which is cut on both sides of 2 J, and not at low frequencies.
    try #require(marks.count == 2, "\(marks)")
    let border = try #require(svg.firstMatch(of: /'M([\d.]+),([\d.]+) L([^']*) Z/))
    let corners = border.3.matches(of: /([\d.]+),([\d.]+)/).map { (Double($0.1)!, Double($0.2)!) }
    let (top, bottom) = (corners.map(\.1).min()!, corners.map(\.1).max()!)
    let right = corners.map(\.0).max()!
    // Not the corners of the panel.
    let cuts = svg.matches(of: /([\d.]+),([\d.]+)/).map { (Double($0.1)!, Double($0.2)!) }
      .filter { abs($0.1 - top) < 0.15 && abs($0.0 - right) > 1 }
    for mark in marks {
      #expect(abs((mark.y - top) / (bottom - top) - 0.05) < 0.01, "\(mark) \(top) \(bottom)")
    }
    for mark in marks {
      #expect(cuts.contains { abs($0.0 - mark.x) < 1 }, "\(mark) \(cuts)")
    }
  }

  /// A comparison without a value other than zero is drawn.
  @Test func comparisonOfZeros() throws {
    let scratch = try ScratchDirectory()
    let run = try ProgramTests.run([
      "compare", "chain", "--mu", "0", "--temperature", "0", "--set", "t_prime=0", "--omega",
      "0.5,1.5", "--picture", "\(scratch.path)/c.svg", "--quiet",
    ])
    // 80: mu lies in the gap, where the closed form has no lifetime.
    #expect(run.status == 80, "\(run.errors)")
    #expect(try scratch.names() == ["c.svg"])
  }

  /// In a map against J the line at 2 J has its name, also where it leaves at the side; there is none where the
  /// axis is no frequency.
  @Test(arguments: [
    ("omega", 2.0, true), ("omega", 1.2, true), ("omega", 0.4, false), ("mu", 2, false),
  ])
  func poleOfAMap(_ axis: String, _ end: Double, isShown: Bool) async throws {
    let tables = [0.3, 0.5, 0.7].map { j in
      (
        path: "\(j).csv",
        table: CSVFile(
          header: [("model", "m"), ("parameter.J", "\(j)")], columns: [axis, "Y.bare.re"],
          rows: (0...20).map { [end * Double($0) / 20, j + Double($0)] })
      )
    }
    let svg = try #require(
      SVGDocument(Data(try await Picture(map: "Y.bare.re", of: tables).drawn(.svg))))
    #expect(
      svg.texts.count { $0.trimmingCharacters(in: .whitespaces) == "2J" } == (isShown ? 1 : 0))
  }

  /// Where gnuplot's triangles are that point upward or downward, without the black ones of the key.
  static func triangles(_ svg: String, upward: Bool) -> [(x: Double, y: Double)] {
    svg.matches(
      of: /xlink:href='#gpPt(\d+)' transform='translate\(([\d.]+),([\d.]+)\)[^']*' color='([^']*)/
    )
    .filter { $0.1 == (upward ? "8" : "10") && $0.4 != "black" }
    .map { (Double($0.2)!, Double($0.3)!) }
  }

  /// Every point of the table of Fermi contours lies on E_s = mu (7), and its spin has the length |eta|/Delta and no z.
  @Test func contourTable() throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/contours.csv"
    let run = try ProgramTests.run([
      "bands", "honeycomb", "--points", "2", "--output", "\(scratch.path)/bands.csv",
      "--contours", path,
    ])
    #expect(run.status == 0 && run.output.contains("written: \(path)"), "\(run.errors)")
    let table = try CSVFile.read(path: path)
    #expect(table.columns == ["contour", "s", "k_x", "k_y", "spin_x", "spin_y", "spin_z"])
    #expect(table.rows.count > 100)
    let model = try shippedModel("honeycomb")
    let mu = Double(table.header.first { $0.key == "mu" }!.value)!
    for row in table.rows {
      let values = row.map { $0! }
      let (s, k) = (values[1], [values[2], values[3]])
      func phase(_ hop: Hop) -> Double { zip(k, hop.vector).reduce(0) { $0 + $1.0 * $1.1 } }
      let (re, im) = model.interSublattice.reduce((0.0, 0.0)) { sum, hop in
        (
          sum.0 + hop.amplitude * cos(phase(hop)), sum.1 - hop.amplitude * sin(phase(hop))
        )
      }
      let hopping = model.intraSublattice.reduce(0) { $0 - 2 * $1.amplitude * cos(phase($1)) }
      let delta = (re * re + im * im + model.exchange * model.exchange).squareRoot()
      #expect(abs(hopping - s * delta - mu) < 1e-12)
      #expect(abs(values[4] - s * re / delta) < 1e-12 && abs(values[5] + im / delta) < 1e-12)
      #expect(values[6] == 0)
    }
  }

  // MARK: Drawing

  /// A stranger's text is drawn as it stands: it runs nothing, and means nothing to gnuplot or XML.
  @Test func hostileNames() throws {
    let scratch = try ScratchDirectory()
    let hostile = [
      "'; system('touch canary'); '", "''.system('touch canary').''", "`touch canary`",
      "$(touch canary)", "@canary",
      "<script>alert(1)</script>", "{/=99 big}", "a_b^c&d~e{f}", "\"; !touch canary; \"", "%s%n",
      "\\", "EOD",
    ]
    let table = CSVFile(
      header: [
        ("model", "'.system('touch canary').'"), ("parameter.J", "0.5"),
        ("parameter.`touch canary`", "`touch canary`"), ("units.energy", "'`touch canary`<b>'"),
        ("unit.EOD", "'; !touch canary"), ("mu", "$(touch canary)"), ("lifetime", "@canary"),
      ],
      columns: ["omega"] + hostile,
      rows: (0..<5).map { n in [Double(n)] + hostile.map { _ in Double(n * n) } })
    let path = try scratch.file("t.csv", table.text)
    for ending in ["svg", "png", "pdf"] {
      let run = try ProgramTests.run(
        ["plot", path, "--output", "p.\(ending)"], in: scratch.path)
      #expect(run.status == 0, "\(run.errors)")
    }
    #expect(try scratch.names() == ["p.pdf", "p.png", "p.svg", "t.csv"])
    let svg = try String(contentsOfFile: "\(scratch.path)/p.svg", encoding: .utf8)
    #expect(!svg.contains("<script") && !svg.contains("<b>"))
    for text in [
      "@canary", "{/=99 big}", "a_b^c&amp;d~e{f}", "&lt;script>alert(1)&lt;/script>",
    ] {
      #expect(svg.contains(text), "\(text)")
    }
  }

  @Test func thinningKeepsExtremes() {
    var generator = SeededGenerator(11)
    var points = (0..<100_000).map {
      Figure.Point(x: Double($0), y: Double.random(in: -1...1, using: &generator), error: 0.1)
    }
    for (n, y) in [(777, 50.0), (31_234, -40), (99_998, 60)] { points[n].y = y }
    points[5000].error = 9
    let thinned = points.thinned()
    #expect(thinned.count <= 2500)
    #expect(thinned.first == points.first && thinned.last == points.last)
    #expect(zip(thinned, thinned.dropFirst()).allSatisfy { $0.x < $1.x })
    for n in [777, 31_234, 99_998, 5000] { #expect(thinned.contains(points[n]), "\(n)") }
    // Each piece of 200 keeps its own extremes.
    for start in stride(from: 0, to: 100_000, by: 200) {
      let piece = points[start..<start + 200]
      let kept = thinned.filter { $0.x >= Double(start) && $0.x < Double(start + 200) }
      #expect(piece.map(\.y).max() == kept.map(\.y).max())
      #expect(piece.map(\.y).min() == kept.map(\.y).min())
    }
    #expect(Array(points.prefix(2500)).thinned() == Array(points.prefix(2500)))
  }

  /// A large table is drawn in a time and to a size that do not grow with it.
  @Test func aLargeTable() async throws {
    let rows = (0..<100_000).map { n -> [Double?] in
      let x = Double(n) / 1000
      return [x, n % 10_000 == 5000 ? nil : sin(x), 0.01]
    }
    let table = CSVFile(columns: ["omega", "Y.bare.re", "Y.bare.err"], rows: rows)
    let svg = try await Picture(table: table).drawn(.svg)
    #expect(svg.count < 2_000_000)
    // A closed form that jumps out of its panel and back all the time has as many triangles as one can see.
    let restless = CSVFile(
      columns: ["omega", "Y_na.bare.re", "Y_na.closed.re"],
      rows: (0..<100_000).map { n -> [Double?] in
        let closed: Double = n % 2 == 0 ? 100 : -100
        return [Double(n), Double(n % 7), closed]
      })
    let marked = String(decoding: try await Picture(table: restless).drawn(.svg), as: UTF8.self)
    let count = PictureTests.triangles(marked, upward: true).count
    #expect(count > 10 && count <= 60, "\(count)")
  }

  @Test func choices() throws {
    let table = CSVFile(
      columns: ["omega", "Y.bare.re", "Y.bare.im", "Y.bare.err", "Y.bare.static", "X.bare.re"],
      rows: [[0, 1, 2, 0.1, 5, 3], [1, 1, 2, 0.1, 5, 3]])
    for columns in [["Y"], ["Y.bare"], ["Y.bare.im", "X.bare.re"], ["Y.bare.static"]] {
      #expect(throws: Never.self) { try Picture(table: table, columns: columns) }
    }
    for columns in [["Z"], ["Y.bare.err"], [""], ["omega"]] {
      #expect(throws: FileError.self) { try Picture(table: table, columns: columns) }
    }
  }
}
