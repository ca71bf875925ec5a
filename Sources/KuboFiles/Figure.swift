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

    package init(x: Double, y: Double, error: Double? = nil) {
      (self.x, self.y, self.error) = (x, y, error)
    }
  }

  /// How a curve looks, and its name in the key.
  struct Style: Sendable, Equatable {
    var name: String
    var color: String
    /// gnuplot's dash type.
    var dash: Int

    init(_ name: String, _ ink: Ink, dash: Int) { self.init(name, color: ink.rawValue, dash: dash) }

    init(_ name: String, color: String, dash: Int) {
      self.name = name
      self.color = color
      self.dash = dash
    }

    var line: String { "lc rgb '\(color)' dt \(dash)" }
  }

  /// A curve; nothing is drawn between its runs.
  struct Curve: Sendable {
    var style: Style
    var runs: [[Point]]
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
  }

  /// A line across all panels.
  struct Mark: Sendable {
    var x: Double
    /// In the notation of ``Typeset``.
    var label: String
  }

  /// Lines above the panels, as they stand.
  var title: [String]
  /// The label of the axis, in the notation of ``Typeset``.
  var axis: String
  var panels: [Panel]
  var marks: [Mark] = []
  var key: [Style] = []
  /// In cm.
  var panelHeight: Double?
  /// The left end of the axis, if not by the data.
  var start: Double?

  /// Removes what stands above the panels, after the first.
  fileprivate var withoutHead: String {
    (title.indices.map { $0 + 1 } + key.indices.map { $0 + 101 })
      .map { "unset label \($0)\n" }.joined()
      + key.indices.map { "unset arrow \($0 + 101)\n" }.joined()
  }

  /// Removes the names of the marks, after the first row.
  fileprivate var withoutNames: String {
    marks.indices.map { "unset label \($0 + 11)\n" }.joined()
  }
}

extension [Figure.Point] {
  /// In two runs, if the curve has a pole at `x`.
  func split(at x: Double) -> [[Figure.Point]] {
    [filter { $0.x < x }, filter { $0.x > x }].filter { !$0.isEmpty }
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
  /// The picture of a figure.
  init(_ figure: Figure) {
    let columns = figure.panels.count > 5 ? 2 : 1
    let rows = (figure.panels.count + columns - 1) / columns
    let panelHeight = figure.panelHeight ?? (rows == 1 ? 5 : 3)
    let width = columns == 1 ? Size.column : Size.page
    // All in cm.
    let (line, gap, bottom, left, right) = (Size.line, 0.25, 1.2, 1.75, 0.3)
    let xs = figure.panels.flatMap { $0.curves.flatMap { $0.runs.joined().map(\.x) } }
    let start = figure.start ?? xs.min() ?? 0
    let end = xs.max() ?? 1
    // Their names stand above the panels, in a line of their own, where no curve runs.
    let marks = figure.marks.filter { $0.x > start && $0.x < end }
    // gnuplot's own key has the width of a panel at most.
    let entry = 1.2 + 0.17 * Double(figure.key.map(\.name.count).max() ?? 0)
    let perLine = max(1, min(figure.key.count, Int((width - 0.4) / entry)))
    let keyLines = (figure.key.count + perLine - 1) / perLine
    let top = 0.25 + line * Double(figure.title.count + keyLines + (marks.isEmpty ? 0 : 1))
    let height = top + bottom + Double(rows) * panelHeight + Double(rows - 1) * gap
    func screen(_ x: Double, _ y: Double) -> String {
      "screen \(significant(x / width)), screen \(significant(1 - y / height))"
    }

    var text = "set multiplot\nset xzeroaxis lc rgb '\(Ink.mark)' lw 0.5\nset tics scale 0.5\n"
    for (n, title) in figure.title.enumerated() {
      text +=
        "set label \(n + 1) \(Typeset.quoted(Typeset.literal(title))) at \(screen(width / 2, 0.3 + line * Double(n))) center\n"
    }
    for (n, style) in figure.key.enumerated() {
      let x = (width - entry * Double(perLine)) / 2 + entry * Double(n % perLine)
      let y = 0.35 + line * Double(figure.title.count + n / perLine)
      // gnuplot's SVG gives lines of one width in a row the dashes of the first.
      let width = 1.5 + 0.01 * Double(n)
      text +=
        "set arrow \(n + 101) from \(screen(x, y)) to \(screen(x + 0.8, y)) nohead \(style.line) lw \(width)\n"
      text +=
        "set label \(n + 101) \(Typeset.quoted(Typeset.literal(style.name))) at \(screen(x + 0.9, y)) left\n"
    }
    text += "unset key\nset xtics nomirror\n"
    text += "set xrange [\(start):\(end > start ? end : start + 1)]\n"
    for (n, mark) in marks.enumerated() {
      text +=
        "set arrow \(n + 1) from \(mark.x), graph 0 to \(mark.x), graph 1 nohead dt 3 lc rgb '\(Ink.mark)'\n"
      text +=
        "set label \(n + 11) \(Typeset.quoted(mark.label)) at \(mark.x), graph 1 center offset 0,0.5 textcolor rgb '\(Ink.mark)'\n"
    }
    for (n, panel) in figure.panels.enumerated() {
      let (row, column) = (n / columns, n % columns)
      let panelWidth = (width - Double(columns) * (left + right)) / Double(columns)
      let x = left + Double(column) * (panelWidth + left + right)
      let y = top + Double(row) * (panelHeight + gap)
      text += "set lmargin at screen \(significant(x / width))\n"
      text += "set rmargin at screen \(significant((x + panelWidth) / width))\n"
      text += "set tmargin at screen \(significant(1 - y / height))\n"
      text += "set bmargin at screen \(significant(1 - (y + panelHeight) / height))\n"
      let isLast = n + columns >= figure.panels.count
      text += isLast ? "set format x '%g'\n" : "set format x ''\n"
      text += isLast ? "set xlabel \(Typeset.quoted(figure.axis)) offset 0,0.4\n" : "unset xlabel\n"
      // At one place, however wide the numbers are.
      text +=
        "set label 31 \(Typeset.quoted(panel.label)) at \(screen(x - 1.45, y + panelHeight / 2)) center rotate\n"
      let exits = panel.exits
      text += panel.commands(exits)
      text += "plot \(panel.plots(exits).joined(separator: ", "))\n"
      // Once is enough.
      if n == 0 { text += figure.withoutHead }
      if n == columns - 1 { text += figure.withoutNames }
    }
    self.init(script: text + "unset multiplot\n", size: Size(width: width, height: height))
  }
}

extension Picture {
  /// The largest of 1, 2, 5 times a power of ten, at or below twice `distance`, for ticks.
  static func step(_ distance: Double) -> Double {
    guard distance.isFinite, distance > 1e-300 else { return 1 }
    let power = pow(10, log10(distance).rounded(.down))
    return [10, 5, 2, 1].map { $0 * power }.first { $0 <= 2 * distance }!
  }
}

extension Figure.Panel {
  /// A mark where a curve leaves the panel.
  fileprivate struct Exit {
    let x, y: Double
    let isUpward: Bool
  }

  /// gnuplot's commands before the plot: the scale, the note, and the data.
  fileprivate func commands(_ exits: [[Exit]]) -> String {
    var text =
      isLogarithmic
      ? "set logscale y\nset format y '10^{%T}'\n" : "unset logscale y\nset format y '%g'\n"
    let (low, high) = range ?? dataRange
    text += "set yrange [\(low):\(high)]\nset ytics nomirror autofreq\n"
    if !isLogarithmic { text += "set ytics \(Picture.step((high - low) / 6))\n" }
    text +=
      note.map { "set label 30 \(Typeset.quoted($0)) at graph 0.03,0.9 left\n" }
      ?? "unset label 30\n"
    for (n, curve) in curves.enumerated() {
      text += "$line\(n) << EOD\n"
      for run in curve.runs {
        for p in run.thinned() {
          text += "\(p.x) \(p.y) \(p.y - (p.error ?? 0)) \(p.y + (p.error ?? 0))\n"
        }
        text += "\n"
      }
      text += "EOD\n"
      if !exits[n].isEmpty {
        text += "$exit\(n) << EOD\n"
        // Triangles of gnuplot that point upward and downward.
        text += exits[n].map { "\($0.x) \($0.y) \($0.isUpward ? 9 : 11)\n" }.joined() + "EOD\n"
      }
    }
    return text
  }

  /// Where each curve leaves the panel's range, a little inside of the edge; of a run that is all outside
  /// the middle. Of marks that would lie on each other the first.
  fileprivate var exits: [[Exit]] {
    guard let range else { return curves.map { _ in [] } }
    // Lines are straight on the scale of the panel; a logarithmic one has nothing at zero and below.
    func height(_ y: Double) -> Double {
      isLogarithmic ? log10(max(y, .leastNormalMagnitude)) : y
    }
    let (low, high) = (height(range.low), height(range.high))
    let inset = 0.05 * (high - low)
    return curves.map { curve in
      let runs = curve.runs.filter { !$0.isEmpty }.map { $0.thinned() }
      let xs = runs.joined().map(\.x)
      let distance = xs.isEmpty ? 0 : (xs.max()! - xs.min()!) / 60
      return [true, false].flatMap { isUpward in
        let edge = isUpward ? high : low
        let y = edge - (isUpward ? inset : -inset)
        func excess(_ p: Figure.Point) -> Double { (height(p.y) - edge) * (isUpward ? 1 : -1) }
        var places: [Double] = []
        for run in runs {
          let excesses = run.map(excess)
          if excesses.allSatisfy({ $0 > 0 }) { places.append((run.first!.x + run.last!.x) / 2) }
          for n in excesses.indices.dropFirst() where (excesses[n] > 0) != (excesses[n - 1] > 0) {
            let part = excesses[n - 1] / (excesses[n - 1] - excesses[n])
            places.append(run[n - 1].x + part * (run[n].x - run[n - 1].x))
          }
        }
        var exits: [Exit] = []
        for x in places.sorted() where exits.last.map({ x - $0.x > distance }) ?? true {
          exits.append(Exit(x: x, y: isLogarithmic ? pow(10, y) : y, isUpward: isUpward))
        }
        return exits
      }
    }
  }

  fileprivate func plots(_ exits: [[Exit]]) -> [String] {
    var plots: [String] = []
    for (n, curve) in curves.enumerated() where curve.runs.contains(where: { !$0.isEmpty }) {
      let points = curve.runs.joined()
      if points.contains(where: { ($0.error ?? 0) > 0 }) {
        plots.append(
          "$line\(n) using 1:3:4 with filledcurves fc rgb '\(curve.style.color)' fs transparent solid 0.25 noborder notitle"
        )
      }
      // A point between two gaps has no line.
      let style =
        points.count <= 25 || curve.runs.contains { $0.count == 1 }
        ? "linespoints pt 7 ps 0.25" : "lines"
      plots.append("$line\(n) using 1:2 with \(style) \(curve.style.line) lw 1.5 notitle")
      if !exits[n].isEmpty {
        plots.append(
          "$exit\(n) using 1:2:3 with points pt variable ps 0.9 lc rgb '\(curve.style.color)' notitle"
        )
      }
    }
    // gnuplot draws no axes without a plot.
    return plots.isEmpty ? ["NaN notitle"] : plots
  }

  /// All values with their errors, and a margin.
  var dataRange: (low: Double, high: Double) {
    let points = curves.flatMap { $0.runs.joined() }
    let low = points.map { $0.y - ($0.error ?? 0) }.min() ?? -1
    let high = points.map { $0.y + ($0.error ?? 0) }.max() ?? 1
    let margin = high > low ? 0.07 * (high - low) : low == 0 ? 1 : 0.1 * abs(low)
    return (low - margin, high + margin)
  }
}
