// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboFiles
import KuboTestSupport
import RealModule
import Testing

/// Pictures of sweeps and of several tables: colours by the logarithm, contours, curves told apart by what differs.
@Suite struct SweepPictureTests {
  /// A sweep of J, whose column is `value` at omega and J.
  private func sweep(
    _ axis: [Double], _ js: [Double], header: Header = [], _ value: (Double, Double) -> Double?
  ) -> CSVFile {
    CSVFile(
      header: [("model", "m"), ("units.energy", "t"), ("axis.parameter.J", "")] + header,
      columns: ["parameter.J", "omega", "Y.bare.im"],
      rows: js.flatMap { j in axis.map { [j, $0, value($0, j)] } })
  }

  private func drawn(_ picture: Picture) async throws -> (document: SVGDocument, text: String) {
    let svg = try await picture.drawn(.svg)
    return (try #require(SVGDocument(Data(svg))), String(decoding: svg, as: UTF8.self))
  }

  private func map(_ table: CSVFile, _ scale: ColorScale) throws -> Picture {
    try Picture(map: "Y.bare.im", of: [("a.csv", table)], scale: scale)
  }

  /// Those of five cells of the lowest row, at equal distances.
  private func colors(_ document: SVGDocument) -> Set<String?> {
    Set([0, 0.25, 0.5, 0.75, 1].map { color(document, $0, 0) })
  }

  /// The fill of the cell that is nearest to a part of the map's width and height, from below.
  private func color(_ document: SVGDocument, _ x: Double, _ y: Double) -> String? {
    // The bar of colours stands to the right of the map.
    let cells = document.shapes.filter { $0.middle.x < 0.7 * 344 }
    let (xs, ys) = (cells.map(\.middle.x), cells.map(\.middle.y))
    guard let left = xs.min(), let right = xs.max(), let top = ys.min(), let bottom = ys.max()
    else { return nil }
    let (px, py) = (left + x * (right - left), bottom - y * (bottom - top))
    return cells.min {
      hypot($0.middle.x - px, $0.middle.y - py) < hypot($1.middle.x - px, $1.middle.y - py)
    }?
    .fill
  }

  private let axis = [1.0, 2, 3, 4, 5]

  /// With a logarithm equal ratios are equal steps: of 1e-4 to 1 the middle of the palette is 0.01, which is at its end else.
  @Test func logarithms() async throws {
    let table = sweep(axis, [1, 2]) { x, _ in Double.pow(10, x - 5) }
    let linear = try await drawn(map(table, .init())).document
    let (log, _) = try await drawn(map(table, .init(isLogarithmic: true)))
    #expect(color(linear, 0, 0) == color(linear, 0.25, 0), "hardly told apart")
    #expect(colors(log).count == 5)
    // The middle of viridis.
    let middle = try #require(color(log, 0.5, 0))
    #expect(middle.contains("33,145,140") || middle.lowercased().contains("21918c"), "\(middle)")
    let labels = log.words.map(\.text)
    for label in ["10−4", "10−3", "0.01", "0.1", "1"] {
      #expect(labels.contains(label), "\(labels)")
    }
    // All below zero: the largest magnitude is darkest.
    let negative = try await drawn(
      map(sweep(axis, [1, 2]) { x, _ in -Double.pow(10, x - 5) }, .init(isLogarithmic: true)))
    #expect(colors(negative.document).count == 5)
    #expect(negative.document.words.map(\.text).contains("−10−4"))
  }

  /// With both signs the middle of the palette is zero, and a thousandth of the largest is told from it.
  @Test func bothSigns() async throws {
    let values: [Double] = [-1, -0.001, 0, 0.001, 1]
    let table = sweep(axis, [1, 2]) { x, _ in values[Int(x) - 1] }
    let (log, _) = try await drawn(map(table, .init(isLogarithmic: true)))
    let (linear, _) = try await drawn(map(table, .init()))
    #expect(colors(log).count == 5)
    #expect(color(linear, 0.25, 0) == color(linear, 0.5, 0))
    let labels = log.words.map(\.text)
    for label in ["−1", "−0.1", "0", "0.1", "1"] { #expect(labels.contains(label), "\(labels)") }
  }

  /// On logarithmic axes cells at equal ratios are equally large, and what is not above 0 is left out and told.
  @Test func logarithmicAxes() async throws {
    var look = PictureLook()
    (look.hasLogX, look.hasLogY) = (true, true)
    let table = sweep([-1, 0, 0.01, 0.1, 1, 10], [0, 1, 10, 100]) { x, j in x + j }
    let picture = try Picture(map: "Y.bare.im", of: [("a.csv", table)], look: look)
    #expect(
      picture.notes == [
        "--log x leaves out 8 of 24 values, which are not above 0 in x",
        "--log y leaves out 6 of 24 values, which are not above 0 in y",
      ])
    let document = try await drawn(picture).document
    let cells = document.shapes.filter { $0.middle.x < 0.7 * 344 }
    #expect(cells.count == 12)
    for sizes in [
      cells.map { $0.points.map(\.x).max()! - $0.points.map(\.x).min()! },
      cells.map { $0.points.map(\.y).max()! - $0.points.map(\.y).min()! },
    ] {
      let (small, large) = (try #require(sizes.min()), try #require(sizes.max()))
      #expect(small > 20 && large - small < 0.3, "\(sizes)")
    }
    let labels = document.words.map(\.text)
    for label in ["10−2", "100", "102"] { #expect(labels.contains(label), "\(labels)") }
  }

  /// What is beyond a range has the colour of its end.
  @Test func ranges() async throws {
    let table = sweep(axis, [1, 2]) { x, _ in x }
    let (document, _) = try await drawn(map(table, .init(range: 2...4)))
    #expect(color(document, 0, 0) == color(document, 0.25, 0))
    #expect(color(document, 0.75, 0) == color(document, 1, 0))
    #expect(color(document, 0.25, 0) != color(document, 0.5, 0))
  }

  /// The contour of omega = 3, where the map has that number, is a straight line in the middle; with a hole it has a gap.
  @Test func contours() async throws {
    let scale = ColorScale(hasContours: true, range: 2.5...3.5)
    func paths(_ text: String) -> [[(x: Double, y: Double)]] {
      text.matches(
        of:
          /stroke='white'[^>]*d='([^']*)'|d='([^']*)'[^>]*stroke='white'|<path stroke='rgb\(255, 255, 255\)'\s+d='([^']*)'/
      )
      .map { match in
        let path = match.1 ?? match.2 ?? match.3 ?? ""
        return path.matches(of: /([\d.]+),([\d.]+)/).map { (Double($0.1)!, Double($0.2)!) }
      }
    }
    let (_, text) = try await drawn(map(sweep(axis, [1, 2, 3]) { x, _ in x }, scale))
    let points = paths(text).joined()
    try #require(!points.isEmpty, "\(text.suffix(3000))")
    let border = try #require(text.firstMatch(of: /'M([\d.]+),([\d.]+) L[^']* L\1,\2 Z/))
    let xs = border.0.matches(of: /([\d.]+),([\d.]+)/).map { Double($0.1)! }
    let middle = (xs.min()! + xs.max()!) / 2
    let nearest = points.map { abs($0.x - middle) }.min()!
    #expect(nearest < 1)
    let holes = try await drawn(map(sweep(axis, [1, 2, 3]) { x, j in j == 2 ? nil : x }, scale))
    #expect(holes.document.shapes.count > 0)
    #expect(throws: FileError.self) { try map(sweep([1], [1, 2]) { x, _ in x }, scale) }
  }

  /// A parameter that is the unit of energy has none, and numbers at an axis do not lie on each other.
  @Test func axes() async throws {
    let table = sweep([-2.9, -2, -1.1], [1, 2], header: [("units.energy", "J")]) { x, j in x * j }
    var own = table
    own.header.removeAll { $0.key == "units.energy" && $0.value == "t" }
    let words = try await drawn(map(own, .init())).document.words
    #expect(words.contains { $0.text == "J" } && !words.contains { $0.text == "J (J)" })
    let line = words.filter { Double($0.text.replacing("−", with: "-")) != nil && $0.x < 240 }
    let below = Dictionary(grouping: line, by: \.y).values.max { $0.count < $1.count }!
      .sorted { $0.x < $1.x }
    #expect(below.count >= 3)
    // A sign is some 5.5 dots wide.
    for (a, b) in zip(below, below.dropFirst()) {
      #expect(b.x - a.x > 5.5 * Double(a.text.count + b.text.count) / 2, "\(a.text) \(b.text)")
    }
  }

  /// Curves of several tables have what differs in the key and not in the title; those of a sweep too.
  @Test func severalTables() async throws {
    let tables = [0.1, 0.2].map { (gamma: Double) in
      (
        path: "\(gamma).csv",
        table: CSVFile(
          header: [("model", "m"), ("mu", "-1"), ("lifetime", "constant=\(gamma)")],
          columns: ["omega", "Y.bare.re", "Y.bare.im"], rows: [[0, gamma, 1], [1, 2, gamma]])
      )
    }
    let words = try await drawn(Picture(tables: tables)).document.words.map(\.text)
    for label in ["Γ = 0.1", "Γ = 0.2", "Re", "Im"] {
      #expect(words.count { $0 == label } == 1, "\(words)")
    }
    #expect(words.contains { $0.contains("μ = −1") } && !words.contains { $0.contains("Γ = 0.1,") })
    let named = try await drawn(Picture(tables: [tables[0], ("b.csv", tables[0].table)]))
    #expect(named.document.words.map(\.text).contains("b.csv"))
    let table = sweep(axis, [1, 2, 3]) { x, j in x * j }
    let curves = try table.curves(by: "J", path: "a.csv")
    let byJ = try await drawn(Picture(tables: curves)).document.words.map(\.text)
    for j in 1...3 { #expect(byJ.contains("J = \(j)"), "\(byJ)") }
    #expect(throws: FileError.self) { try table.curves(by: "mu", path: "a.csv") }
    let many = try sweep(axis, (1...9).map(Double.init)) { x, j in x * j }.curves(by: "J", path: "")
    #expect(throws: FileError.self) { try Picture(tables: many) }
  }
}
