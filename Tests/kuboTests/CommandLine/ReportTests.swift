// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboFiles
import Testing

/// `kubo report`: the page in a browser at the width of a desk and of a telephone.
@Suite struct ReportTests {
  /// A few seconds of work, with all parts of the page but the verification.
  static let arguments = [
    "report", "chain", "--lifetime", "constant=0.3", "--gamma", "0.4", "--tolerance", "1e-2",
    "--no-verify", "--omega", "0.1,0.3,0.5,0.7,0.9,1.05,1.1,1.2,1.4",
  ]

  /// The page of these arguments, made once.
  static let page: Result<String, any Error> = Result { try made(arguments) }

  /// Runs the program with an output of its own and returns the page.
  static func made(_ arguments: [String], model: String? = nil) throws -> String {
    let scratch = try ScratchDirectory()
    if let model { _ = try scratch.file("m.yaml", model) }
    let run = try ProgramTests.run(arguments + ["--output", "r.html"], in: scratch.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "written: r.html\n")
    #expect(try scratch.names() == (model == nil ? [] : ["m.yaml"]) + ["r.html"])
    return try String(contentsOfFile: "\(scratch.path)/r.html", encoding: .utf8)
  }

  static let sections = [
    "Summary", "Model and state", "Bands and density of states", "Spectra at constant lifetime",
    "Bare bubble against ladder", "Diagrams", "Verification", "Provenance", "Data",
  ]
  /// The kinds of elements that the page is made of.
  static let elements: Set = [
    "html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "h1",
    "h2",
    "p", "ul", "li", "a", "div", "figure", "figcaption", "img", "strong", "sub", "sup", "table",
    "thead", "tbody", "tr", "th", "td", "pre", "code",
    // The script, and what it adds.
    "script", "label", "input",
    // Pictures that the script shows the values of, and formulas.
    "svg", "g", "path", "rect", "circle", "polygon", "use", "defs", "text", "tspan", "desc",
    "filter",
    "feflood", "fecomposite",
    "math", "mrow", "mi", "mn", "mo", "msub", "msup", "msubsup", "mfrac", "mspace",
  ]

  /// At both widths everything is seen and nothing overlaps; screenshots stay in .build/screenshots.
  @Test func inABrowser() throws {
    let page = try ReportTests.page.get()
    let (layouts, console) = try Browser.layouts(of: page)
    #expect(console == [])
    #expect(layouts.map(\.width) == [1280, 400])
    let folder = "\(repository)/.build/screenshots"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (layout, width) in zip(layouts, Browser.widths) {
      #expect(layout.problems == [], "\(width)")
      #expect(layout.requests == [])
      #expect(layout.sections == ReportTests.sections)
      // Nine responses and the comparison; the bands and 14 diagrams.
      #expect(layout.plots == 10 && layout.images == 15)
      #expect(Set(layout.elements).isSubset(of: ReportTests.elements))
      #expect(layout.handlers == [])
      let path = "\(folder)/report-\(width).png"
      try Browser.photograph(page, width: width, height: min(16000, layout.height + 20), to: path)
      let bytes = try Data(contentsOf: URL(filePath: path))
      #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
      // Width and height in the header of a PNG.
      let size = [16, 20].map { n in bytes[n..<n + 4].reduce(0) { $0 << 8 | Int($1) } }
      #expect(size[0] == width)
      print("screenshot: \(path) of \(size[0]) x \(size[1])")
    }
  }

  /// What the measurement is for is noticed.
  @Test(
    arguments: [
      ("</style>", "h2 { margin-top: -90px; }</style>", "over"),
      ("</style>", ".wide { overflow: visible; } table { width: 1400px; }</style>", "wide"),
      ("figure img { display: block;", "figure img { display: none;", "no picture"),
      ("<section ", "<img src=\"https://example.com/a.png\" alt=\"\"><section ", "CONSOLE"),
    ]
      + (areTestsLong
        ? [
          ("</style>", "figure { margin-right: -60px; }</style>", "over"),
          ("</style>", "nav { width: 1400px; }</style>", "wide"),
          ("data:image/svg+xml;base64,PD94", "data:image/svg+xml;base64,AD94", "no picture"),
          ("<section ", "<script>document.title = 1</script><section ", "CONSOLE"),
        ] : []))
  func isNoticed(_ change: (from: String, to: String, what: String)) throws {
    let page = try ReportTests.page.get()
    let range = try #require(page.range(of: change.from))
    let (layouts, console) = try Browser.layouts(
      of: page.replacingCharacters(in: range, with: change.to))
    let found = layouts.flatMap(\.problems) + console
    #expect(found.contains { $0.contains(change.what) }, "\(found)")
  }

  /// The numbers of the page are those of the tables.
  @Test func content() throws {
    let page = try ReportTests.page.get()
    let text = try #require(try Browser.layouts(of: page).layouts.first).text
    let hash = try ProgramTests.run(["coefficients", "chain", "--tolerance", "1e-2"]).output
      .split(separator: "\n").first { $0.hasPrefix("# model_sha256: ") }!.suffix(64)
    #expect(text.contains(hash))
    #expect(text.contains("kubo report chain --lifetime constant=0.3 --gamma 0.4"))
    #expect(text.contains("Left out of this run"))
    // The comparison on its own gives the same resonances.
    let comparison = try ProgramTests.run([
      "compare", "chain", "--gamma", "0.4", "--tolerance", "0.1", "--omega",
      ReportTests.arguments.last!,
    ])
    #expect(comparison.status == 0)
    let rows = comparison.output.split(separator: "\n").filter {
      $0.hasPrefix("scba ") || $0.hasPrefix("site ")
    }
    #expect(rows.count == 5)
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for row in rows {
      let cells = row.split(separator: "  ", omittingEmptySubsequences: true)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      for cell in cells { #expect(words.contains(cell), "\(row)") }
    }
    // Nothing is loaded from elsewhere: the only links lead within the page.
    #expect(
      page.ranges(of: "src=\"").count == page.ranges(of: "src=\"data:image/svg+xml;base64,").count)
    #expect(
      page.ranges(of: "href=\"").count == page.ranges(of: "href=\"#").count
        + page.ranges(of: "href=\"data:text/csv;base64,").count)
    #expect(page.ranges(of: "url(").count == page.ranges(of: "url(#").count)
    #expect(!page.contains("@import") && page.ranges(of: "<script").count == 1)
  }

  /// The script shows the values of the nearest frequency, and the tables that the page holds are those of the program.
  @Test func valuesAndFiles() throws {
    let page = try ReportTests.page.get()
    let layout = try #require(try Browser.layouts(of: page).layouts.first)
    #expect(Set(layout.files.keys) == ["spectra.csv", "comparison.csv", "bands.csv"])
    func file(_ name: String) throws -> CSVFile {
      let link = try #require(layout.files[name]?.split(separator: ",").last)
      return try CSVFile.read(Array(try #require(Data(base64Encoded: String(link)))), path: name)
    }
    let spectra = try file("spectra.csv")
    #expect(spectra.columns[1...3] == ["sigma.bare.re", "sigma.bare.im", "sigma.bare.err"])
    let run = try ProgramTests.run([
      "spectrum", "chain", "--lifetime", "constant=0.3", "--tolerance", "1e-2", "--omega",
      ReportTests.arguments.last!, "--responses", "sigma",
    ])
    // Fewer columns are computed on another grid.
    let table = try CSVFile.read(Array(run.output.utf8), path: "sigma.csv")
    #expect(spectra.rows.count == table.rows.count)
    for (own, other) in zip(spectra.rows, table.rows) {
      #expect(own[0] == other[0])
      for n in 1...2 { #expect(abs(own[n]! - other[n]!) <= 2 * (own[3]! + other[3]!)) }
    }
    #expect(try file("bands.csv").columns.first == "distance")
    #expect(try file("comparison.csv").rows.count == table.rows.count)
    let lines = layout.values.split(separator: "\n").map(String.init)
    try #require(lines.count == 3, "\(lines)")
    let omega = try #require(Double(lines[0].replacing("ħω (t) = ", with: "")))
    #expect(abs(omega - 0.8) < 0.2, "what the pointer is at")
    let row = try #require(spectra.rows.first { $0[0] == omega })
    for (line, n) in zip(lines.dropFirst(), 1...2) {
      let parts = line.split(separator: " ")
      #expect(parts[0] == "\(spectra.columns[n]):")
      #expect(abs(try #require(Double(parts[1])) - row[n]!) <= 1e-5 * abs(row[n]!), "\(line)")
    }
    // Both parts of nine bare responses and of four closed forms, and five curves of the comparison.
    #expect(layout.switches == 2 * (9 + 4) + 5)
    // The three numbers of the summary, and what was asked for.
    let words = layout.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("Asked: sigma, X, Y,") && words.contains("of chain at 9 frequencies"))
    #expect(words.contains("The exact statements were not checked"))
    #expect(page.ranges(of: "<li><strong>").count == 3)
  }

  /// With the verification, which takes a minute.
  @Test(.enabled(if: areTestsLong))
  func verification() throws {
    let page = try ReportTests.made(ReportTests.arguments.filter { $0 != "--no-verify" })
    let (layouts, console) = try Browser.layouts(of: page)
    #expect(console == [])
    for layout in layouts {
      #expect(layout.problems == [])
      for subject in ["vertices and traces", "bare loops", "ladder"] {
        #expect(layout.text.contains(subject))
      }
      #expect(layout.text.contains("statements hold") && !layout.text.contains("FAIL"))
    }
  }

  /// A stranger's model: what it says is text, and a command line with every sign can be repeated.
  @Test func hostileModel() throws {
    let attempts =
      HostileFileTests.attempts.filter { attempt in
        !attempt.unicodeScalars.contains { $0 < " " || $0 == "\u{202e}" }
      } + [
        "</style><script>document.title='canary'</script>", "<img src=x onerror=alert(1)>",
        "--></main>",
      ]
    let quoted = "'" + attempts.joined(separator: " ").replacing("'", with: "''") + "'"
    let chain = try String(
      contentsOfFile: "\(repository)/data/models/chain.yaml", encoding: .utf8)
    let prose = try #require(chain.range(of: "description:")?.lowerBound)
    let rest = try #require(chain.range(of: "units:")?.lowerBound)
    let model = chain.replacingCharacters(
      in: prose..<rest, with: "description: \(quoted)\nsource: \(quoted)\n")
    let scratch = try ScratchDirectory()
    let name = "a'b $(touch canary) <b>&\"\n.yaml"
    _ = try scratch.file(name, model)
    // With a date that is given there is no wall time, and pages are the same to the byte.
    let environment = ["KUBO_HOME": repository, "SOURCE_DATE_EPOCH": "1700000000"]
    let run = try ProgramTests.run(
      ProgramTests.program,
      [
        "report", "./\(name)", "--gamma", "0.4", "--lifetime", "constant=0.3", "--omega", "0.1,0.8",
        "--tolerance", "1e-2", "--responses", "Y", "--no-verify", "--output", "r.html",
      ], in: scratch.path, environment: environment)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try scratch.names() == [name, "r.html"])
    let page = try String(contentsOfFile: "\(scratch.path)/r.html", encoding: .utf8)
    let (layouts, console) = try Browser.layouts(of: page)
    #expect(console == [])
    for layout in layouts {
      #expect(layout.problems == [])
      #expect(Set(layout.elements).isSubset(of: ReportTests.elements))
      #expect(layout.handlers == [] && layout.requests == [])
      #expect(layout.sections == ReportTests.sections)
      for attempt in attempts { #expect(layout.text.contains(attempt), "\(attempt)") }
    }
    // The command of the page, run by a shell, makes the same page.
    let command = try #require(layouts.first).example
    try #require(command.hasPrefix("kubo report "))
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/bash")
    shell.arguments = ["-c", "kubo() { \"$program\" \"$@\"; }\nmv r.html old.html\n\(command)"]
    shell.environment = ProcessInfo.processInfo.environment.merging(
      environment.merging(["program": ProgramTests.program.path]) { $1 }
    ) { $1 }
    shell.currentDirectoryURL = URL(filePath: scratch.path)
    shell.standardOutput = FileHandle.nullDevice
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 0)
    let second = try String(contentsOfFile: "\(scratch.path)/r.html", encoding: .utf8)
    let isSame = second == page
    #expect(isSame)
  }
}
