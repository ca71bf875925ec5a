// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Testing
import Yams

/// `kubo diagrams draw`: what a file declares is in the picture and in the source for LaTeX.
@Suite struct DiagramDrawingTests {
  /// A diagram file, read without the program.
  struct Declaration {
    let name: String
    let operators, rules, frequencies: [String]
    let ladder, measures: [String]
    let source: String

    init(_ text: String) throws {
      let root = try #require(try Yams.load(yaml: text) as? [String: Any])
      name = try #require(root["diagram"] as? String)
      source = try #require(root["source"] as? String)
      measures = try #require(root["measures"] as? [String])
      ladder = (root["dressing"] as? [String: [String]])?["ladder"] ?? []
      let loop = try #require(root["loop"] as? [[String: [String: String]]])
      operators = loop.compactMap { $0["vertex"]?["operator"] }
      rules = loop.compactMap { $0["vertex"]?["bands"] }
      frequencies = loop.compactMap { $0["propagator"]?["frequency"] }
    }

    /// Counted from the measured vertex: `scba` has one ladder there, `site` one at each but gradients.
    var shaded: [Int] {
      ladder.contains("site")
        ? rules.indices.filter { !operators[$0].hasSuffix("gradient") }
        : ladder.contains("scba") ? [0] : []
    }
  }

  /// A box that no shipped file has: four vertices, two cantings.
  static let box = """
    diagram: mine.box
    summary: the canting twice
    measures: [Sigma]
    contributes_to: [mine]
    loop:
      - vertex: {operator: measured, bands: unequal}
      - propagator: {frequency: internal + external}
      - vertex: {operator: canting, bands: any}
      - propagator: {frequency: internal + external}
      - vertex: {operator: anomalous_current, bands: equal}
      - propagator: {frequency: internal}
      - vertex: {operator: canting, bands: unequal}
      - propagator: {frequency: internal}
    sign: -1
    prefactor: 0.5
    dressing: {ladder: [scba]}
    equation: K = 0
    source: a test

    """

  /// The texts of all shipped files, and the box.
  static let files: [String] = {
    let folder = "\(repository)/diagrams"
    let names = try! FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    return names.map { try! String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) } + [box]
  }()

  /// Draws a diagram from a folder of its own and returns the file.
  private func drawn(
    _ text: String, _ name: String, ending: String, options: [String] = []
  ) throws -> Data {
    let scratch = try ScratchDirectory()
    _ = try scratch.directory("own")
    _ = try scratch.file("own/d.yaml", text)
    let run = try ProgramTests.run(
      ["diagrams", "draw", name, "--diagrams", "own", "--output", "picture.\(ending)"]
        + options,
      in: scratch.path)
    #expect(run.status == 0, "\(run.errors)")
    return try Data(contentsOf: URL(filePath: "\(scratch.path)/picture.\(ending)"))
  }

  /// A page is as wide as asked for, with the same letters, and no word begins or ends beyond it.
  @Test(arguments: ["nonadiabatic.a", "full.gauge_first"], [88.0, 178])
  func widths(_ name: String, _ width: Double) throws {
    let text = try #require(DiagramDrawingTests.files.first { $0.contains("diagram: \(name)\n") })
    func picture(_ options: [String]) throws -> (text: String, document: SVGDocument) {
      let data = try drawn(text, name, ending: "svg", options: options)
      return (String(decoding: data, as: UTF8.self), try #require(SVGDocument(data)))
    }
    let usual = try picture([])
    let wide = try picture(["--width", "\(width)mm"])
    #expect(wide.text.contains("width=\"\(width)mm\""), "\(wide.text.prefix(200))")
    func letters(_ text: String) -> Set<String> {
      Set(text.matches(of: /font-size="([\d.]+)"/).map { String($0.1) })
    }
    #expect(letters(wide.text) == letters(usual.text))
    #expect(
      Set(wide.document.texts.filter { $0.contains("ε") })
        == Set(usual.document.texts.filter { $0.contains("ε") }))
    #expect(wide.document.words.allSatisfy { (0...4 * width).contains($0.x) })
  }

  @Test func thereAreAll() { #expect(DiagramDrawingTests.files.count == 28) }

  @Test(arguments: files) func picture(_ text: String) throws {
    let file = try Declaration(text)
    let svg = try #require(SVGDocument(try drawn(text, file.name, ending: "svg")))
    let labels = svg.texts.map { text in text.filter { !$0.isWhitespace } }
    let count = file.rules.count
    let bands = count == 2 ? ["a", "c"] : Array(["a", "b", "c", "d"].prefix(count))

    // Each propagator with its band and frequency, once.
    for (band, frequency) in zip(bands, file.frequencies) {
      let argument = frequency == "internal" ? "iεn" : "iεn+iωλ"
      #expect(labels.filter { $0 == "g\(band)(\(argument))" }.count == 1, "\(band)")
    }
    #expect(labels.filter { $0.hasPrefix("g") && $0.contains("ε") }.count == count)

    // Each vertex with the bands it joins and the lines that end there.
    let constraints = (0..<count).map { n in
      let pair = [bands[(n + count - 1) % count], bands[n]].sorted()
      return pair.joined(separator: ["any": ",", "equal": "=", "unequal": "≠"][file.rules[n]]!)
        + (file.rules[n] == "any" ? "any" : "")
    }
    for text in Set(constraints) {
      #expect(
        labels.filter { $0 == text }.count == constraints.filter { $0 == text }.count, "\(text)")
    }
    let fields = [
      "electric": ["Ajem"], "gauge": ["Ar,iβ"], "anomalous_current": ["Ajem", "Ar,iβ"],
      "canting": ["(M/N)mβ"], "gradient": ["gradient"], "electric_gradient": ["Ajem"],
      "measured": [
        file.measures.map { measured in
          [
            "s": "sα", "Sigma": "Σα", "j_sA": "jsA,iα", "j_s": "js,iα", "torque": "τα", "j": "ji",
          ][measured]!
        }.joined(separator: ",")
      ],
    ]
    let lines = file.operators.flatMap { fields[$0]! }
    for line in Set(lines) {
      // A single measured operator stands at its vertex too.
      let drawn = labels.filter { $0 == line }.count
      #expect(drawn >= lines.filter { $0 == line }.count, "\(line)")
    }

    // The round shapes are the vertices; those that a ladder dresses are shaded. Pictures have
    // their left end at the measured vertex and run clockwise, with y downwards.
    let discs = svg.shapes.filter { $0.points.count > 20 }
    #expect(discs.count == count)
    let left = try #require(discs.map(\.middle).min { $0.x < $1.x })
    let radius = 1.9 * 40.0
    for n in 0..<count {
      let angle = Double.pi + 2 * Double.pi * Double(n) / Double(count)
      let (x, y) = (left.x + radius + radius * cos(angle), left.y + radius * sin(angle))
      // Half a dot for the rounding of circles.
      let disc = discs.filter { hypot($0.middle.x - x, $0.middle.y - y) < 0.5 }
      #expect(disc.count == 1, "vertex \(n)")
      #expect(
        disc.map(\.fill) == [file.shaded.contains(n) ? "rgb(184,184,184)" : "rgb(0,0,0)"],
        "vertex \(n)")
    }

    // Arrows half way point as the electron runs, counter-clockwise, with y downwards.
    let arrows = svg.shapes.filter { Set($0.points.map { "\($0.x) \($0.y)" }).count == 3 }
    #expect(arrows.count == count)
    for n in 0..<count {
      let angle = Double.pi - 2 * Double.pi * (Double(n) + 0.5) / Double(count)
      let (x, y) = (left.x + radius + radius * cos(angle), left.y - radius * sin(angle))
      let arrow = try #require(
        arrows.min {
          hypot($0.middle.x - x, $0.middle.y - y) < hypot($1.middle.x - x, $1.middle.y - y)
        })
      let corners = arrow.points.prefix(3)
      let centre = (x: corners.map(\.x).reduce(0, +) / 3, y: corners.map(\.y).reduce(0, +) / 3)
      let tip = try #require(
        corners.max {
          hypot($0.x - centre.x, $0.y - centre.y) < hypot($1.x - centre.x, $1.y - centre.y)
        })
      let length = hypot(tip.x - centre.x, tip.y - centre.y)
      let along = ((tip.x - centre.x) * -sin(angle) + (tip.y - centre.y) * -cos(angle)) / length
      #expect(along > 0.99, "arrow \(n): \(along)")
    }

    // The caption.
    #expect(svg.texts.contains(file.name))
    let caption = svg.texts.joined(separator: " ")
    #expect(caption.contains(text.contains("sign: -1") ? "sign -1" : "sign +1"))
    #expect(caption.contains(file.source.replacing("\n", with: " ").prefix(120)))
  }

  /// Without a caption there is no name; in black and grey there are no colours.
  @Test(arguments: ["svg", "tex"]) func withoutCaption(_ ending: String) throws {
    let scratch = try ScratchDirectory()
    func drawn(_ more: [String]) throws -> String {
      let run = try ProgramTests.run(
        ["diagrams", "draw", "nonadiabatic.a", "--output", "a.\(ending)", "--force"] + more,
        in: scratch.path)
      #expect(run.status == 0, "\(run.errors)")
      return try String(contentsOfFile: "\(scratch.path)/a.\(ending)", encoding: .utf8)
    }
    #expect(try drawn([]).contains("nonadiabatic.a"))
    #expect(try !drawn(["--no-caption"]).contains("nonadiabatic.a"))
    guard ending == "svg" else { return }
    let colored = try drawn([]).matches(of: /rgb\( *(\d+), *(\d+), *(\d+)\)/)
    #expect(colored.contains { $0.1 != $0.2 })
    let grey = try drawn(["--style", "bw"]).matches(of: /rgb\( *(\d+), *(\d+), *(\d+)\)/)
    #expect(grey.allSatisfy { $0.1 == $0.2 && $0.2 == $0.3 })
  }

  @Test(arguments: files) func latex(_ text: String) throws {
    let file = try Declaration(text)
    let source = String(decoding: try drawn(text, file.name, ending: "tex"), as: UTF8.self)
    #expect(source.ranges(of: "[fermion,").count == file.rules.count)
    for (n, frequency) in file.frequencies.enumerated() {
      let argument =
        frequency == "internal" ? "i\\varepsilon_{n}" : "i\\varepsilon_{n}+i\\omega_{\\lambda}"
      let line = source.split(separator: "\n").first {
        $0.hasSuffix("(v\(n + 1)),") && $0.contains("fermion")
      }
      #expect(line?.contains("(\(argument))") == true)
    }
    for n in file.rules.indices {
      let style = file.shaded.contains(n) ? "small, blob" : "dot"
      #expect(source.contains("\\vertex [\(style)] (v\(n + 1))"))
    }
    #expect(source.ranges(of: "[photon]").count == 1)
    let gauge = file.operators.filter { ["gauge", "anomalous_current"].contains($0) }.count
    #expect(source.ranges(of: "[gluon]").count == gauge)
    #expect(source.ranges(of: "[ghost]").count == file.operators.filter { $0 == "canting" }.count)
    #expect(source.contains("\\textbf{\(file.name.replacing("_", with: "\\_"))}"))
  }

  /// The text of a stranger's file is text in the picture and for TeX.
  @Test(arguments: HostileFileTests.attempts) func hostileText(_ attempt: String) throws {
    guard !attempt.unicodeScalars.contains(where: { $0 < " " || $0 == "\u{202e}" }) else { return }
    let quoted = "'" + attempt.replacing("'", with: "''") + "'"
    let text = DiagramDrawingTests.box
      .replacing("summary: the canting twice", with: "summary: \(quoted)")
      .replacing("source: a test", with: "source: \(quoted)")
    let svg = try #require(SVGDocument(try drawn(text, "mine.box", ending: "svg")))
    #expect(!svg.names.contains("script"))
    let seen = attempt.split(separator: " ").joined(separator: " ")
    #expect(svg.texts.filter { $0 == seen }.count == 2)
    let source = String(decoding: try drawn(text, "mine.box", ending: "tex"), as: UTF8.self)
    // Below the drawing stand four paragraphs; in those of the user no sign means anything.
    let caption = try #require(source.split(separator: "\\raggedright\\footnotesize\n").last)
    let paragraphs = caption.split(separator: "\\par\n")
    #expect(paragraphs.count == 4)
    var own = String(paragraphs[1])
    #expect(own.ranges(of: "\\textbackslash{}").count == attempt.count { $0 == "\\" })
    for name in [
      "textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar",
      "textasciigrave", "textquotesingle",
    ] { own = own.replacing("\\\(name){}", with: "") }
    for sign in ["$", "&", "#", "%", "_", "{", "}"] { own = own.replacing("\\\(sign)", with: "") }
    #expect(!own.contains { "\\$&#%_{}^~".contains($0) }, "\(own)")
  }

  /// LaTeX itself, where it is installed: the drawing with every kind of line, and every attempt.
  @Test(
    .enabled(if: hasLaTeX, "no LaTeX with tikz-feynman here"), arguments: ["lualatex", "pdflatex"])
  func compiles(_ engine: String) throws {
    let hostile = HostileFileTests.attempts.filter { attempt in
      attempt.unicodeScalars.allSatisfy { (" "..."~").contains($0) }
    }.joined(separator: " ")
    let scratch = try ScratchDirectory()
    _ = try scratch.directory("own")
    let source = "'" + hostile.replacing("'", with: "''") + "'"
    _ = try scratch.file(
      "own/d.yaml", DiagramDrawingTests.box.replacing("source: a test", with: "source: \(source)"))
    let drawn = try ProgramTests.run(
      ["diagrams", "draw", "mine.box", "--diagrams", "own", "--output", "a.tex"], in: scratch.path)
    #expect(drawn.status == 0, "\(drawn.errors)")
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      engine, "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "a.tex",
    ]
    process.currentDirectoryURL = URL(filePath: scratch.path)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(try Set(scratch.names()) == ["a.aux", "a.log", "a.pdf", "a.tex", "own"])
  }

  static let hasLaTeX = RefusalTests.succeeds(
    "command -v lualatex pdflatex && kpsewhich tikz-feynman.sty standalone.cls")
}
