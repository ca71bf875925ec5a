// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

extension Figure.Panel {
  /// A mark where a curve leaves the panel.
  struct Exit {
    let x, y: Double
    let isUpward: Bool
  }

  /// The same less a round number, which its label names, where values differ by so little that they would need many digits.
  var relative: Figure.Panel {
    let (low, high) = range ?? dataRange
    guard !isLogarithmic, high > low, min(abs(low), abs(high)) > 500 * (high - low) else {
      return self
    }
    let step = pow(10, log10(high - low).rounded(.up))
    let base = (low / step).rounded(.down) * step
    let (space, number) = (MathText.space, String(format: "%.12g", abs(base)))
    var own = self
    let unit = label.range(of: "\(space)(", options: .backwards)?.lowerBound ?? label.endIndex
    own.label.insert(contentsOf: "\(space)\(base < 0 ? "+" : "−")\(space)\(number)", at: unit)
    own.range = range.map { ($0.low - base, $0.high - base) }
    for n in own.curves.indices {
      for m in own.curves[n].runs.indices {
        for k in own.curves[n].runs[m].indices { own.curves[n].runs[m][k].y -= base }
      }
    }
    return own
  }

  /// Draws its curves: the scale, the note, the data and the plot.
  func draw(in script: inout Script, _ exits: [[Exit]], width: Double) {
    let (low, high) = range ?? dataRange
    script.range("y", low, high)
    script.add("set ytics mirror autofreq")
    let format = script.ticks(
      "y", low, high, isLogarithmic: isLogarithmic, step: Picture.step((high - low) / 6))
    script.add("set format y '\(format)'")
    // Where fewer lines are.
    let points = curves.flatMap { $0.runs.joined().map(\.y) }
    func count(_ from: Double, _ to: Double) -> Int {
      points.count { from...to ~= ($0 - low) / (high - low) }
    }
    let isAbove = isLogarithmic || count(0.75, 1) <= count(0, 0.25)
    for (n, words) in ((note.map { [$0] } ?? []) + absences(width: width)).enumerated() {
      let y = isAbove ? 0.9 - 0.12 * Double(n) : 0.1 + 0.12 * Double(n)
      script.label(words, number: 30 + n, at: "graph 0.03,\(significant(y))", "left front boxed")
    }
    for (n, curve) in curves.enumerated() {
      script.data(
        "line\(n)",
        curve.runs.flatMap { run in
          run.thinned().map { point in
            let error = point.error ?? 0
            // Where gnuplot cuts a band off it fills what it should not.
            func inside(_ y: Double) -> Double { min(max(y, low), high) }
            return [
              point.x, point.y, inside(point.y - error), inside(point.y + error),
              point.isComputed ? point.y : nil,
            ]
          } + [[]]
        })
      let marked = marked(n)
      if !marked.isEmpty { script.data("mark\(n)", marked.map { [$0.x, $0.y] }) }
      // Triangles of gnuplot that point upward and downward.
      if !exits[n].isEmpty {
        script.data("exit\(n)", exits[n].map { [$0.x, $0.y, $0.isUpward ? 9 : 11] })
      }
    }
    script.draw(plots(exits))
  }

  /// Which curves have no line where they have values, or not in all of their pieces: two lines at most, or their number where
  /// a panel of a width in cm has no room for names.
  private func absences(width: Double) -> [String] {
    guard let range else { return [] }
    var names: [String] = []
    for curve in curves
    where curve.runs.contains(where: { run in
      run.count > 1
        && (run.allSatisfy { $0.y > range.high } || run.allSatisfy { $0.y < range.low })
    }) {
      let name = curve.name ?? curve.style.name
      if !name.isEmpty, !names.contains(name) { names.append(name) }
    }
    let rest = names.count > 2 ? ["\(names.count - 1) more"] : []
    let lines = (rest.isEmpty ? names : names.prefix(1) + rest).map { "beyond the panel: \($0)" }
    let isNarrow = lines.contains { 0.125 * Double(Typeset.signs($0)) > width }
    return isNarrow ? ["beyond the panel: \(names.count)"] : lines
  }

  /// Where the line of each curve is cut at an end of the panel's range, a little inside of the edge. Of marks
  /// that would lie on each other the first.
  var exits: [[Exit]] {
    guard let range else { return curves.map { _ in [] } }
    // Lines are straight on the scale of the panel; a logarithmic one has nothing at zero and below.
    func height(_ y: Double) -> Double {
      isLogarithmic ? log10(max(y, .leastNormalMagnitude)) : y
    }
    let (low, high) = (height(range.low), height(range.high))
    let inset = 0.05 * (high - low)
    return curves.map { curve in
      let runs = curve.runs.filter { !$0.isEmpty }.map { $0.thinned() }
      let xs = runs.joined().map { place($0.x) }
      let distance = xs.isEmpty ? 0 : (xs.max()! - xs.min()!) / 60
      return [true, false].flatMap { isUpward in
        let edge = isUpward ? high : low
        let y = edge - (isUpward ? inset : -inset)
        func excess(_ p: Figure.Point) -> Double { (height(p.y) - edge) * (isUpward ? 1 : -1) }
        var places: [Double] = []
        for run in runs {
          let excesses = run.map(excess)
          for n in excesses.indices.dropFirst() where (excesses[n] > 0) != (excesses[n - 1] > 0) {
            let part = excesses[n - 1] / (excesses[n - 1] - excesses[n])
            let (a, b) = (place(run[n - 1].x), place(run[n].x))
            places.append(a + part * (b - a))
          }
        }
        var exits: [Exit] = []
        for x in places.sorted() where exits.last.map({ x - $0.x > distance }) ?? true {
          exits.append(Exit(x: x, y: isLogarithmic ? pow(10, y) : y, isUpward: isUpward))
        }
        return exits.map { Exit(x: hasLogX ? pow(10, $0.x) : $0.x, y: $0.y, isUpward: isUpward) }
      }
    }
  }

  /// The place on the axis of x.
  private func place(_ x: Double) -> Double { hasLogX ? log10(x) : x }

  /// The points of a curve that have marks: few, and elsewhere than those of other curves.
  private func marked(_ n: Int) -> [Figure.Point] {
    guard !curves[n].style.marks.isEmpty else { return [] }
    let (low, high) = range ?? dataRange
    let points = curves[n].runs.joined().filter { $0.isComputed && $0.y >= low && $0.y <= high }
    let xs = curves.flatMap { $0.runs.joined().map { place($0.x) } }
    guard let start = xs.min(), let end = xs.max(), end > start else { return points }
    let spacing = (end - start) / 5
    let offset = (0.2 + 0.38 * Double(n)).truncatingRemainder(dividingBy: 1)
    var marked: [Figure.Point] = []
    for step in 0...5 {
      let x = start + (Double(step) + offset) * spacing
      if let point = points.min(by: { abs(place($0.x) - x) < abs(place($1.x) - x) }),
        abs(place(point.x) - x) <= spacing / 2, marked.last?.x != point.x
      {
        marked.append(point)
      }
    }
    return marked.isEmpty ? Array(points.prefix(1)) : marked
  }

  private func plots(_ exits: [[Exit]]) -> [String] {
    var plots: [String] = []
    let (low, high) = range ?? dataRange
    func narrowest(_ y: Double) -> Double { 1e-3 * (isLogarithmic ? abs(y) : high - low) }
    func named(_ curve: Figure.Curve) -> String {
      curve.title.isEmpty ? "notitle" : "title \(Typeset.quoted(visible(curve.title)))"
    }
    for (n, curve) in curves.enumerated() where curve.runs.contains(where: { !$0.isEmpty }) {
      let points = curve.runs.joined()
      // Narrower bands cannot be seen.
      if points.contains(where: { ($0.error ?? 0) > narrowest($0.y) }) {
        plots.append(
          "$line\(n) using 1:3:4 with filledcurves fc rgb '\(curve.style.color)' fs transparent solid 0.25 noborder \(named(curve))"
        )
      }
      plots.append("$line\(n) using 1:2 with lines \(curve.style.line) \(named(curve))")
      // A point between two gaps has no line.
      if points.count <= 25 && curve.style.isSolid || curve.runs.contains(where: { $0.count == 1 })
      {
        plots.append(
          "$line\(n) using 1:5 with points pt 7 ps 0.25 lc rgb '\(curve.style.color)' \(named(curve))"
        )
      }
      if !exits[n].isEmpty {
        plots.append(
          "$exit\(n) using 1:2:3 with points pt variable ps 0.7 lc rgb '\(curve.style.color)' \(named(curve))"
        )
      }
    }
    // Above all lines.
    for (n, curve) in curves.enumerated() where !marked(n).isEmpty {
      plots += curve.style.marks.map { "$mark\(n) using 1:2 with points \($0) \(named(curve))" }
    }
    // gnuplot draws no axes without a plot.
    return plots.isEmpty ? ["NaN notitle"] : plots
  }

  /// All values with their errors, and a margin.
  var dataRange: (low: Double, high: Double) {
    let points = curves.flatMap { $0.runs.joined() }
    if isLogarithmic {
      let (low, high) = (points.map(\.y).min() ?? 1, points.map(\.y).max() ?? 10)
      let margin = high > low ? pow(high / low, 0.07) : 2
      return (low / margin, high * margin)
    }
    let low = points.map { $0.y - ($0.error ?? 0) }.min() ?? -1
    let high = points.map { $0.y + ($0.error ?? 0) }.max() ?? 1
    let margin = high > low ? 0.07 * (high - low) : low == 0 ? 1 : 0.1 * abs(low)
    return (low - margin, high + margin)
  }
}
