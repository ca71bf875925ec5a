// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboFiles
import KuboTestSupport
import Testing

/// What a user says of a picture: style, width, title, ranges, logarithms.
@Suite struct PictureOptionTests {
  /// Columns of Y with values of omega, in steps of 0.1 from 0 to 3.
  private func table(
    _ columns: [String], header: Header = [], _ value: (Int, Double) -> Double?
  ) -> CSVFile {
    CSVFile(
      header: [("model", "m"), ("mu", "-1.5")] + header, columns: ["omega"] + columns,
      rows: (0...30).map { n in
        let x = Double(n) / 10
        return [x] + columns.indices.map { value($0, x) }
      })
  }

  private func look(_ change: (inout PictureLook) -> Void) -> PictureLook {
    var look = PictureLook()
    change(&look)
    return look
  }

  private func picture(_ table: CSVFile, _ look: PictureLook) throws -> Picture {
    try Picture(tables: [("t.csv", table)], look: look)
  }

  private func svg(_ picture: Picture) async throws -> (text: String, words: [String]) {
    let bytes = try await picture.drawn(.svg)
    let words = try #require(SVGDocument(Data(bytes))).words.map(\.text)
    return (String(decoding: bytes, as: UTF8.self), words)
  }

  /// The ends of ranges of `axis` that gnuplot is given.
  private func ranges(_ picture: Picture, _ axis: String) throws -> [ClosedRange<Double>] {
    try picture.script.matches(of: Regex("set \(axis)range \\[([-0-9.e+]+):([-0-9.e+]+)\\]")).map {
      let ends = $0.output.dropFirst().map { Double($0.substring!)! }
      return try #require(ends.first)...(try #require(ends.last))
    }
  }

  // MARK: Sizes

  /// Letters have the same size on paper in all formats, whatever the width.
  @Test(arguments: [PictureLook.Style.screen, .paper, .bw], [nil, 12.0])
  func sizes(_ style: PictureLook.Style, _ width: Double?) async throws {
    let picture = try picture(
      table(["Y.bare.re"]) { $1 },
      look {
        $0.style = style
        $0.width = width
      })
    let points = style == .screen ? 7.09 : 8
    let page = 10 * (width ?? 8.6)
    let text = try await svg(picture).text
    let size = try #require(
      text.firstMatch(of: /width="([\d.]+)mm" height="([\d.]+)mm"\s+viewBox="0 0 (\d+) (\d+)"/))
    let parts = [size.1, size.2, size.3, size.4].map { Double($0)! }
    #expect(abs(parts[0] - page) < 0.1)
    #expect(abs(parts[0] / parts[2] - parts[1] / parts[3]) < 2e-3)
    // Letters of 10 units.
    #expect(text.contains("font-size=\"10.00\""))
    #expect(abs(10 * parts[0] / parts[2] / 25.4 * 72 - points) < 0.05)
    let png = try await picture.drawn(.png)
    func number(_ place: Int) -> Int { png[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
    let scale = try #require(
      (0..<png.count - 4).first { Array(png[$0..<$0 + 4]) == Array("pHYs".utf8) })
    #expect(png[scale + 12] == 1)
    #expect(abs(Double(number(16)) / Double(number(scale + 4)) * 1000 - page) < 0.2)
  }

  /// A block that a reader of PNG accepts: its checksum is right.
  @Test func blockOfAPNG() async throws {
    let png = try await picture(table(["Y.bare.re"]) { $1 }, .init()).drawn(.png)
    var place = 8
    var kinds: [String] = []
    while place < png.count {
      let count = png[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      kinds.append(String(decoding: png[place + 4..<place + 8], as: UTF8.self))
      var sum: UInt32 = 0xFFFF_FFFF
      for byte in png[place + 4..<place + 8 + count] {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
      }
      let stored = png[place + 8 + count..<place + 12 + count].reduce(0) { $0 << 8 | UInt32($1) }
      #expect(stored == ~sum, "\(kinds.last!)")
      place += 12 + count
    }
    #expect(kinds.count { $0 == "pHYs" } == 1 && kinds.last == "IEND", "\(kinds)")
  }

  // MARK: Styles

  private func colors(_ text: String) -> Set<[Double]> {
    Set(
      text.matches(of: /<path stroke='rgb\( *(\d+), *(\d+), *(\d+)\)'/).map {
        [Double($0.1)!, Double($0.2)!, Double($0.3)!]
      })
  }

  /// L* of CIELAB.
  private func lightness(_ color: [Double]) -> Double {
    let linear = color.map { value in
      let c = value / 255
      return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4)
    }
    let y = zip([0.2126, 0.7152, 0.0722], linear).map(*).reduce(0, +)
    return y > 0.008856 ? 116 * cbrt(y) - 16 : 903.3 * y
  }

  /// For paper each colour has a lightness of its own; in black and grey there is none.
  @Test func colorsInGrey() async throws {
    let own = table((0..<7).map { "Y.bare.r\($0)" }) { Double($0) + $1 }
    func lights(_ style: PictureLook.Style) async throws -> (colors: Set<[Double]>, light: [Double])
    {
      let found = colors(try await svg(picture(own, look { $0.style = style })).text)
        .filter { $0 != [128, 128, 128] }
      return (found, found.map(lightness).sorted())
    }
    let paper = try await lights(.paper).light
    #expect(paper.count == 7, "\(paper)")
    for (a, b) in zip(paper, paper.dropFirst()) { #expect(b - a > 7.5, "\(paper)") }
    let bw = try await lights(.bw).colors
    #expect(bw.allSatisfy { Set($0).count == 1 }, "\(bw)")
    #expect(try await lights(.screen).light.count == 7)
  }

  /// Without colours tables and routes have dashes and marks of their own, each named in the key; more are refused.
  @Test func tablesWithoutColors() async throws {
    let tables = (1...4).map { n in
      (
        path: "\(n).csv",
        table: table(["Y.bare.re", "Y.ladder.re"], header: [("temperature", "\(n)")]) {
          Double($0) + Double(n) * $1
        }
      )
    }
    let bw = look { $0.style = .bw }
    let (_, words) = try await svg(Picture(tables: tables, look: bw))
    for n in 1...4 {
      for route in ["bare", "ladder"] {
        #expect(words.count { $0 == "kBT = \(n), \(route)" } == 1, "\(words)")
      }
    }
    let many = (0..<8).map { n in
      (
        path: "\(n)",
        table: table(["Y.bare.re", "Y.ladder.re"], header: [("mu", "\(n)")]) { _, _ in 1 }
      )
    }
    #expect(throws: FileError.self) { try Picture(tables: many, look: bw) }
    _ = try Picture(tables: many)
  }

  /// Programs that show an SVG name its curves as the table does.
  @Test func titlesOfCurves() async throws {
    let text = try await svg(
      picture(table(["X_na.bare.re", "a^b{c}"]) { $1 + Double($0) }, .init())
    ).text
    #expect(text.contains("<title>X_na.bare.re</title>") && text.contains("<title>a^b{c}</title>"))
    #expect(!text.contains("<title>gnuplot") && !text.contains("<title>Gnuplot"))
  }

  /// A title stands as it is in place of the usual one, and an empty one leaves room to the panels.
  @Test func titles() async throws {
    let own = table(["Y.bare.re"]) { $1 }
    let usual = try await svg(picture(own, .init()))
    #expect(usual.words.contains { $0.contains("m: μ = −1.5") }, "\(usual.words)")
    let named = try await svg(picture(own, look { $0.title = "a_b^c {mine}" })).words
    #expect(named.contains("a_b^c {mine}") && !named.contains { $0.contains("μ =") }, "\(named)")
    func height(_ text: String) throws -> Int {
      Int(try #require(text.firstMatch(of: /viewBox="0 0 \d+ (\d+)"/)).1)!
    }
    let bare = try await svg(picture(own, look { $0.title = "" }))
    #expect(try height(bare.text) < height(usual.text))
  }

  /// What users type, in titles and in names, stands in the picture sign for sign.
  @Test(arguments: [
    "\\", "\\\\", "\\U+2212", "\\134 \\n", "{}", "a^b_{c}", "@&~",
    "it's \"so\"", "`date`", "'", "<%d%> &amp;", "Σ ωτ", "{/:Bold x}", "]]>",
  ]) func wordsAsTyped(_ text: String) async throws {
    let own = CSVFile(
      header: [("model", text), ("parameter.\(text)", "1"), ("temperature", text)],
      columns: ["omega", "Y.bare.re"], rows: [[0, 1], [1, 2]])
    let named = try await svg(picture(own, look { $0.title = text })).words
    #expect(named.contains(text), "\(named)")
    let usual = try await svg(picture(own, .init())).words
    #expect(usual.contains { $0.hasPrefix("\(text): \(text) = 1, kBT = \(text)") }, "\(usual)")
    let tables = try await svg(Picture(tables: [(text, own), ("b", own)])).words
    #expect(tables.contains(text), "\(tables)")
  }

  // MARK: Letters and signs

  /// Several panels have letters, one has none; numbers have true minus signs.
  @Test func lettersOfPanels() async throws {
    let two = try await svg(
      picture(table(["X.bare.re", "Y.bare.re"]) { $1 - 1.5 + Double($0) }, .init()))
    #expect(two.words.count { $0 == "(a)" } == 1 && two.words.count { $0 == "(b)" } == 1)
    #expect(two.words.contains("−1") && !two.words.contains { $0.contains("-") }, "\(two.words)")
    let one = try await svg(picture(table(["Y.bare.re"]) { 1e-7 * ($1 - 1.5) }, .init())).words
    #expect(!one.contains("(a)"))
    #expect(one.contains("−1×10−7"), "\(one)")
  }

  /// What has no line takes two lines of a panel at most.
  @Test func absences() async throws {
    let own = table(["Y.bare.re", "Y.ladder.re", "Y.closed.re", "Y.closed_printed.re"]) {
      $0 == 0 ? $1 : 99
    }
    let words = try await svg(picture(own, look { $0.yRanges = [0...3] })).words
    let notes = Set(words.filter { $0.hasPrefix("beyond the panel: ") })
    #expect(notes == ["beyond the panel: Re ladder", "beyond the panel: 2 more"], "\(notes)")
    // Where there is no room for names.
    let narrow = try await svg(
      picture(
        table(["Y.bare.re", "Y.closed_printed.re"]) { $0 == 0 ? $1 : 99 },
        look {
          $0.yRanges = [0...3]
          $0.width = 6
        })
    ).words
    #expect(narrow.contains("beyond the panel: 1"), "\(narrow)")
  }

  // MARK: Ranges

  /// What is beyond a range of the axis neither is drawn nor sets the scale; lines go on to the ends.
  @Test func rangeOfTheAxis() throws {
    let own = table(["Y.bare.re"]) { $1 < 1 ? 100 : $1 }
    let cut = try picture(own, look { $0.xRange = 1.25...2.05 })
    #expect(try ranges(cut, "x") == [1.25...2.05])
    let y = try #require(try ranges(cut, "y").first)
    #expect(y.lowerBound > 1 && y.upperBound < 2.5, "\(y)")
    let data = try #require(cut.script.firstMatch(of: /\$line0 << EOD\n([^E]*)EOD/)).1
    let rows = data.split(separator: "\n").map { $0.split(separator: " ").map { Double($0)! } }
    let (first, last) = (try #require(rows.first), try #require(rows.last))
    #expect(first[0] == 1.25 && abs(first[1] - 1.25) < 1e-12)
    #expect(last[0] == 2.05 && abs(last[1] - 2.05) < 1e-12)
    #expect(throws: FileError.self) { try picture(own, look { $0.xRange = 5...6 }) }
  }

  /// Where a line is cut there is no dot: dots are values of the table.
  @Test(arguments: [(1.25...2.05, 8), (1.22...1.28, 0), (1.2...1.3, 2)])
  func dotsOfARange(_ range: ClosedRange<Double>, _ count: Int) async throws {
    func drawn(_ column: String) throws -> Picture {
      try picture(table([column]) { $1 }, look { $0.xRange = range })
    }
    let text = try await svg(drawn("Y.bare.re")).text
    #expect(text.matches(of: /xlink:href='#gpPt6'/).count == count, "\(text)")
    // The open marks of an imaginary part.
    let rows = try drawn("Y.bare.im").script.matches(of: /\$mark0 << EOD\n([^E]*)EOD/)
      .flatMap { $0.1.split(separator: "\n") }
    #expect(rows.isEmpty == (count == 0))
    for row in rows {
      let x = 10 * Double(row.prefix { $0 != " " })!
      #expect(abs(x - x.rounded()) < 1e-9, "\(row)")
    }
  }

  /// Each panel has its range, or none.
  @Test func rangesOfPanels() throws {
    let own = table(["X.bare.re", "Y.bare.re"]) { $1 + Double($0) }
    let drawn = try picture(own, look { $0.yRanges = [nil, -1...7] })
    let found = try ranges(drawn, "y")
    #expect(found.count == 2 && found[1] == -1...7 && found[0] != found[1], "\(found)")
    for count in [1, 3] {
      do {
        _ = try picture(own, look { $0.yRanges = Array(repeating: 0...1, count: count) })
        Issue.record("\(count) ranges for two panels")
      } catch let error as FileError {
        #expect(error.description.contains("for 2 panels"), "\(error)")
      }
    }
  }

  /// A map has the cells within both ranges.
  @Test func rangesOfMaps() throws {
    let tables = (1...5).map { n in
      (
        path: "\(n)",
        table: table(["Y.bare.re"], header: [("parameter.J", "\(n)")]) { Double(n) + $1 }
      )
    }
    let map = try Picture(
      map: "Y.bare.re", of: tables,
      look: look {
        $0.xRange = 0.95...2.05
        $0.yRanges = [1.5...4.5]
      })
    let (x, y) = (
      try #require(try ranges(map, "x").first), try #require(try ranges(map, "y").first)
    )
    // Half a cell beyond the middles.
    #expect(abs(x.lowerBound - 0.95) < 1e-9 && abs(x.upperBound - 2.05) < 1e-9, "\(x)")
    #expect(abs(y.lowerBound - 1.5) < 1e-9 && abs(y.upperBound - 4.5) < 1e-9, "\(y)")
    #expect(throws: FileError.self) {
      try Picture(map: "Y.bare.re", of: tables, look: look { $0.xRange = 7...8 })
    }
  }

  // MARK: Logarithms

  /// What is not above 0 is left out of logarithmic axes, with a note; where nothing is left, that is an error.
  @Test func logarithms() async throws {
    let own = table(["Y.bare.re"]) { $1 < 1.05 ? -1 : pow(10, 2 * $1) }
    let drawn = try picture(
      own,
      look {
        $0.hasLogX = true
        $0.hasLogY = true
      })
    #expect(
      drawn.notes == [
        "--log x leaves out 1 of 31 values, which are not above 0 in x",
        "--log y leaves out 11 of 31 values, which are not above 0 in y",
      ])
    #expect(drawn.script.contains("set logscale x") && drawn.script.contains("set logscale y"))
    let y = try #require(try ranges(drawn, "y").first)
    #expect(y.lowerBound > 50 && y.lowerBound < 159 && y.upperBound > 1e6 && y.upperBound < 5e6)
    let words = try await svg(drawn).words
    #expect(words.contains("103") && words.contains("106") && words.contains("2"), "\(words)")
    #expect(try picture(own, .init()).notes == [])
    let negative = table(["Y.bare.re"]) { -1 - $1 }
    #expect(throws: FileError.self) { try picture(negative, look { $0.hasLogY = true }) }
    // Less than a factor of two has numbers too.
    let narrow = try await svg(
      picture(table(["Y.bare.re"]) { 1.1 + 0.01 * $1 }, look { $0.hasLogY = true })
    ).words
    #expect(narrow.count { Double($0).map { 1.1...1.13 ~= $0 } ?? false } >= 2, "\(narrow)")
  }

  /// A curve of a power is straight where both axes are logarithmic, up to its bound that reaches below 0.
  @Test func boundsOnLogarithms() throws {
    let own = table(["Y.bare.re", "Y.bare.err"]) { $0 == 0 ? $1 * $1 : 0.5 }
    let drawn = try picture(own, look { $0.hasLogY = true })
    let low = try #require(try ranges(drawn, "y").first).lowerBound
    let data = try #require(drawn.script.firstMatch(of: /\$line0 << EOD\n([^E]*)EOD/)).1
    for row in data.split(separator: "\n") {
      let cells = row.split(separator: " ").map { Double($0)! }
      #expect(cells[2] >= low && cells[2] <= cells[1] && cells[3] >= cells[1], "\(row)")
    }
  }

  // MARK: Symbols

  /// Parameters that are called as letters are have these; other names stand as they are.
  @Test func parameters() async throws {
    let names = [
      ("Gamma", "Γ"), ("gamma", "γ"), ("kappa", "κ"), ("t_prime_2", "t′2"), ("lambda_R", "λR"),
      ("V_AB", "VAB"), ("eps", "ε"), ("delta_prime", "δ′"), ("hopping", "hopping"),
      ("t_my_own", "t_my_own"), ("Xx", "Xx"),
    ]
    let words = try await svg(
      picture(
        table(
          ["sigma.up.bare.re", "sigma.down.bare.re"],
          header: names.map { ("parameter.\($0.0)", "2") }
        ) {
          $1 + Double($0)
        }, look { $0.width = 17 })
    ).words
    let title = words.joined(separator: " ")
    for (_, symbol) in names { #expect(title.contains("\(symbol) = 2"), "\(symbol): \(title)") }
    #expect(words.contains("σ↑") && words.contains("σ↓"), "\(words)")
  }
}
