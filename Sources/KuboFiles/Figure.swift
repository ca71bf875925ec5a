// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

/// Panels of curves over one axis, above each other; one column of a journal wide, or two columns
/// side by side where there are many.
package struct Figure: Sendable {
  package struct Point: Sendable, Equatable {
    package var x, y: Double
    /// A bound on the error of y.
    package var error: Double?
    /// Whether it is a value, and not where a line between values leaves a range.
    var isComputed = true

    package init(x: Double, y: Double, error: Double? = nil, isComputed: Bool = true) {
      (self.x, self.y, self.error, self.isComputed) = (x, y, error, isComputed)
    }
  }

  /// How a curve looks, and its name in the key, in the notation of ``Typeset``.
  ///
  /// Without colours routes differ by dashes, and beyond five of them by marks too; of a route the imaginary
  /// part has open marks, and the real part filled ones or none.
  struct Style: Sendable, Equatable {
    var name: String
    var color: String
    /// Which of the routes.
    var route: Int
    var isImaginary = false

    init(_ name: String, _ ink: Ink, route: Int, isImaginary: Bool = false) {
      self.init(name, color: ink.rawValue, route: route, isImaginary: isImaginary)
    }

    init(_ name: String, color: String, route: Int, isImaginary: Bool = false) {
      (self.name, self.color) = (name, color)
      (self.route, self.isImaginary) = (route, isImaginary)
    }

    /// gnuplot's dashes and widths: dashes are wider than a line that they lie on, so that both are seen.
    private static let lines: [(dash: String, width: Double)] = [
      ("solid", 1.2), ("(7,5)", 2.0), ("(1.2,3)", 2.4), ("(9,3,2,3)", 1.6),
      ("(14,3,2,3,2,3)", 1.8),
    ]
    /// gnuplot's marks, filled and open.
    private static let marks: [(filled: Int, open: Int)] = [(7, 6), (5, 4), (13, 12)]
    /// How many routes look different.
    static let limit = lines.count * marks.count

    var line: String {
      let (dash, width) = Style.lines[route % Style.lines.count]
      return "lc rgb '\(color)' dt \(dash) lw \(width)"
    }
    var isSolid: Bool { route % Style.lines.count == 0 }
    /// Marks from below to above.
    var marks: [String] {
      let kinds = Style.marks[route / Style.lines.count % Style.marks.count]
      if isImaginary {
        return [
          "pt \(kinds.filled) ps 0.5 lc rgb '#ffffff'", "pt \(kinds.open) ps 0.5 lc rgb '\(color)'",
        ]
      }
      return route < Style.lines.count ? [] : ["pt \(kinds.filled) ps 0.5 lc rgb '\(color)'"]
    }
  }

  /// A curve; nothing is drawn between its runs.
  struct Curve: Sendable {
    var style: Style
    var runs: [[Point]]
    /// What it is called in a note, if not as its style in the key.
    var name: String?
    /// The same as plain text, for programs that show an SVG; empty if nobody asks for it.
    var title = ""
  }

  struct Panel: Sendable {
    /// In the notation of ``Typeset``.
    var label: String
    /// What stands in the panel, in that notation.
    var note: String?
    var curves: [Curve]
    /// From where to where, if not by the data.
    var range: (low: Double, high: Double)?
    var isLogarithmic = false
    var hasLogX = false
  }

  /// A line across all panels.
  struct Mark: Sendable {
    var x: Double
    /// In the notation of ``Typeset``.
    var label: String
  }

  /// Lines above the panels of so many signs each, in the notation of ``Typeset``.
  var title: @Sendable (_ signs: Int) -> [String]
  /// The label of the axis, in the notation of ``Typeset``.
  var axis: String
  var panels: [Panel]
  var marks: [Mark] = []
  var key: [Style] = []
  /// In cm, on a page of the usual width.
  var panelHeight: Double?
  /// The left end of the axis, if not by the data.
  var start: Double?
}

extension [Figure.Point] {
  /// In two runs, if the curve has a pole at `x`.
  func split(at x: Double) -> [[Figure.Point]] {
    [filter { $0.x < x }, filter { $0.x > x }].filter { !$0.isEmpty }
  }

  /// Without the surroundings of a pole at `x` > 0, within which a curve is a half larger than at 0 or more.
  func aside(_ x: Double) -> [Figure.Point] {
    filter { abs($0.x - x) >= x / 2 }
  }

  /// The points of a curve that a picture can show: of each of `count` successive pieces the ends, the
  /// lowest, the highest and the one with the largest error, so that no peak is lost.
  package func thinned(to count: Int = 500) -> [Figure.Point] {
    guard self.count > 5 * count else { return self }
    var kept: [Figure.Point] = []
    for n in 0..<count {
      let piece = self.count * n / count..<self.count * (n + 1) / count
      var chosen: Set<Int> = [piece.lowerBound, piece.upperBound - 1]
      chosen.insert(piece.min { self[$0].y < self[$1].y }!)
      chosen.insert(piece.max { self[$0].y < self[$1].y }!)
      chosen.insert(piece.max { (self[$0].error ?? 0) < (self[$1].error ?? 0) }!)
      kept += chosen.sorted().map { self[$0] }
    }
    return kept
  }
}

extension Picture {
  /// The picture of a figure; of more than five panels two stand side by side, if the page is wide enough.
  init(_ figure: Figure, _ look: PictureLook = .init()) {
    let figure = figure.seen(look)
    let isMany = figure.panels.count > 5
    let width = look.pageWidth(isMany ? Size.page : Size.column)
    let columns = isMany && width > 14 ? 2 : 1
    let rows = (figure.panels.count + columns - 1) / columns
    let shape = width / (columns == 1 ? Size.column : Size.page)
    let panelHeight = (figure.panelHeight ?? (rows == 1 ? 5 : 3)) * min(max(shape, 0.7), 1.6)
    // All in cm.
    let (line, gap, bottom, left, right) = (Size.line, 0.25, 1.2, 1.75, 0.3)
    let panelWidth = (width - Double(columns) * (left + right)) / Double(columns)
    let xs = figure.panels.flatMap { $0.curves.flatMap { $0.runs.joined().map(\.x) } }
    let start = look.xRange?.lowerBound ?? (look.hasLogX ? nil : figure.start) ?? xs.min() ?? 0
    let end = look.xRange?.upperBound ?? xs.max() ?? 1
    let last = end > start ? end : look.hasLogX ? 10 * start : start + 1
    // Their names stand above the panels, in a line of their own, where no curve runs.
    let marks = figure.marks.filter { $0.x > start && $0.x < last }
    let panels = figure.panels.map(\.relative)
    let exits = panels.map(\.exits)
    let title = look.titleLines(on: width, figure.title)
    let key = Key(
      figure.key, isCut: exits.joined().contains { !$0.isEmpty }, width: width - 0.4)
    let top = 0.25 + line * Double(title.count + key.lineCount + (marks.isEmpty ? 0 : 1))
    var script = Script(
      width: width,
      height: top + bottom + Double(rows) * panelHeight + Double(rows - 1) * gap,
      scale: look.scale)
    script.add(
      "set multiplot", "set xzeroaxis lc rgb '\(Ink.mark)' lw 0.5", "set tics scale 0.5",
      "set style textbox opaque noborder margins 0.5,0.5", "set xtics mirror",
      // There is none, but the titles of curves are to stand as they are.
      "set key noenhanced", "unset key")
    script.title(title, from: 0.3)
    key.draw(in: &script, 0.2, 0.35 + line * Double(title.count))
    script.range("x", start, last)
    let format = script.ticks(
      "x", start, last, isLogarithmic: look.hasLogX,
      step: Picture.step(from: start, to: last, signs: Int(6 * panelWidth)))
    var chart = Chart()
    for (n, panel) in panels.enumerated() {
      let (row, column) = (n / columns, n % columns)
      let x = left + Double(column) * (panelWidth + left + right)
      let y = top + Double(row) * (panelHeight + gap)
      script.panel(x, y, width: panelWidth, height: panelHeight)
      chart.add(
        figure.panels[n],
        box: [
          x / width, y / script.size.height, (x + panelWidth) / width,
          (y + panelHeight) / script.size.height,
        ], range: (start, last))
      let isLast = n + columns >= figure.panels.count
      script.add("set format x '\(isLast ? format : "")'")
      if isLast {
        script.axis("x", figure.axis, offset: "0,0.4")
      } else {
        script.add("unset xlabel")
      }
      // What stands above the panels is drawn once, and names of marks above the first row.
      if n > 0 { script.add("unset label", "unset arrow") }
      for mark in marks {
        script.line(
          from: "\(mark.x), graph 0", to: "\(mark.x), graph 1",
          "dt 3 lc rgb '\(Ink.mark)' front")
        if row == 0 {
          script.label(
            mark.label, at: "\(mark.x), graph 1",
            "center offset 0,0.6 textcolor rgb '\(Ink.mark)'")
        }
      }
      // At one place, however wide the numbers are.
      script.label(
        panel.label, number: 41, at: script.place(x - 1.45, y + panelHeight / 2), "center rotate")
      if panels.count > 1 { script.letter(n, x - 1.65, y + 0.1) }
      panel.draw(in: &script, exits[n], width: panelWidth)
    }
    script.add("unset multiplot")
    self.init(script)
    self.chart = chart
  }
}

extension Figure {
  /// The figure in the colours and on the scales of a look, of curves that were cut to what can be seen.
  fileprivate func seen(_ look: PictureLook) -> Figure {
    var figure = self
    for n in panels.indices {
      for m in panels[n].curves.indices {
        figure.panels[n].curves[m].style.color = look.color(panels[n].curves[m].style.color)
      }
      figure.panels[n].range = look.yRange(n) ?? panels[n].range
      if look.hasLogY { figure.panels[n].isLogarithmic = true }
      figure.panels[n].hasLogX = look.hasLogX
    }
    for n in key.indices { figure.key[n].color = look.color(key[n].color) }
    return figure
  }
}

extension Picture {
  /// The smallest step, 1, 2 or 5 times a power of ten, whose numbers have room where so many signs have.
  static func step(from low: Double, to high: Double, signs: Int) -> Double {
    for parts in (2...10).reversed() {
      let step = Picture.step((high - low) / Double(parts))
      // No steps can be seen between such numbers.
      guard max(abs(low), abs(high)) < 1e12 * step else { return step }
      let places = places(from: low, to: high, by: step)
      let width = places.map { String(format: "%g", $0).count + 1 }.reduce(0, +)
      if width <= signs { return step }
    }
    return Picture.step((high - low) / 2)
  }

  /// The multiples of a step within a range.
  static func places(from low: Double, to high: Double, by step: Double) -> [Double] {
    stride(from: (low / step).rounded(.up), through: (high / step).rounded(.down), by: 1)
      .map { $0 * step }
  }

  /// The largest of 1, 2, 5 times a power of ten, at or below twice `distance`, for ticks.
  static func step(_ distance: Double) -> Double {
    guard distance.isFinite, distance > 1e-300 else { return 1 }
    let power = pow(10, log10(distance).rounded(.down))
    return [10, 5, 2, 1].map { $0 * power }.first { $0 <= 2 * distance }!
  }
}
