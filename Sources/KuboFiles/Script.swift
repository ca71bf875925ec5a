// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// The commands of gnuplot for one page, piece by piece. Places on the page are in cm from its upper left corner; words are
/// in the notation of ``Typeset``.
struct Script {
  var size: Picture.Size
  private(set) var text = "set encoding utf8\nset minussign\n"

  /// A page of a size in cm, which is drawn enlarged.
  init(width: Double = 0, height: Double = 0, scale: Double) {
    size = Picture.Size(width: width, height: height, scale: scale)
  }

  /// Lines of commands as they are.
  mutating func add(_ commands: String...) { for command in commands { text += command + "\n" } }

  /// A place on the page.
  func place(_ x: Double, _ y: Double) -> String {
    "screen \(significant(x / size.width)), screen \(significant(1 - y / size.height))"
  }

  /// Words at a place.
  mutating func label(_ words: String, number: Int? = nil, at place: String, _ look: String) {
    let number = number.map { "\($0) " } ?? ""
    add("set label \(number)\(Typeset.quoted(words)) at \(place) \(look)")
  }

  /// What stands at the axis `x`, `y` or `cb`.
  mutating func axis(_ name: String, _ words: String, offset: String) {
    add("set \(name)label \(Typeset.quoted(words)) offset \(offset)")
  }

  /// A line without a head.
  mutating func line(from start: String, to end: String, _ look: String) {
    add("set arrow from \(start) to \(end) nohead \(look)")
  }

  /// Lines in the middle of the page, one below the other from `y` on.
  mutating func title(_ lines: [String], from y: Double) {
    for (n, words) in lines.enumerated() {
      label(words, at: place(size.width / 2, y + Picture.Size.line * Double(n)), "center")
    }
  }

  /// The n-th letter, in parentheses, by which a text speaks of a panel.
  mutating func letter(_ n: Int, _ x: Double, _ y: Double) {
    label("(\(UnicodeScalar(UInt8(97 + n))))", at: place(x, y), "left")
  }

  /// The numbers of an axis, one each `step`; a logarithmic one has powers of ten, and of few their two- and fivefold.
  /// - Returns: how gnuplot writes them.
  mutating func ticks(
    _ axis: String, _ low: Double, _ high: Double, isLogarithmic: Bool, step: Double
  ) -> String {
    add("\(isLogarithmic ? "set" : "unset") logscale \(axis)")
    guard isLogarithmic else {
      add("set \(axis)tics \(step)")
      return "%h"
    }
    if high >= 100 * low {
      add("set \(axis)tics autofreq")
      return "10^{%T}"
    }
    var places = ColorScale.decades(low, high)
    if places.count < 2 { places = Picture.places(from: low, to: high, by: step) }
    add("set \(axis)tics (\(places.map { "\($0)" }.joined(separator: ", ")))")
    return "%h"
  }

  /// Where the next plot has its left upper corner, and its size.
  mutating func panel(_ x: Double, _ y: Double, width: Double, height: Double) {
    add(
      "set lmargin at screen \(significant(x / size.width))",
      "set rmargin at screen \(significant((x + width) / size.width))",
      "set tmargin at screen \(significant(1 - y / size.height))",
      "set bmargin at screen \(significant(1 - (y + height) / size.height))")
  }

  /// From where to where an axis goes.
  mutating func range(_ axis: String, _ low: Double, _ high: Double) {
    add("set \(axis)range [\(low):\(high)]")
  }

  /// A block of data; an empty row is a gap, and an empty cell is not drawn.
  mutating func data(_ name: String, _ rows: [[Double?]]) {
    let lines = rows.map { $0.map { $0.map { "\($0)" } ?? "NaN" }.joined(separator: " ") + "\n" }
    text += "$\(name) << EOD\n\(lines.joined())EOD\n"
  }

  /// Curves in one plot, with commands such as `plot`.
  mutating func draw(_ curves: [String], by command: String = "plot") {
    add("\(command) \(curves.joined(separator: ", "))")
  }
}
