// SPDX-License-Identifier: GPL-3.0-or-later

/// The key above the panels of a figure, in lines that are as full as they can be: gnuplot's own has the width
/// of a panel at most.
struct Key {
  /// A style, or nil for the triangles where a curve is cut; and from where to where, in cm.
  private struct Entry {
    var style: Figure.Style?
    var name: String
    var start = 0.0
    var width: Double { 1.5 + 0.13 * Double(Typeset.signs(name)) }
  }

  private(set) var lineCount = 0
  private var entries: [(entry: Entry, line: Int)] = []

  /// The names of `styles`, and what triangles mean if a curve `isCut`, in a `width` in cm.
  init(_ styles: [Figure.Style], isCut: Bool, width: Double) {
    var all = styles.map { Entry(style: $0, name: $0.name) }
    if isCut { all.append(Entry(style: nil, name: "goes on beyond the panel")) }
    var lines: [[Entry]] = []
    for var entry in all {
      let end = lines.last?.last.map { $0.start + $0.width } ?? 0
      if lines.isEmpty || end + entry.width > width { lines.append([]) }
      entry.start = lines.last!.last.map { $0.start + $0.width } ?? 0
      lines[lines.count - 1].append(entry)
    }
    lineCount = lines.count
    for (n, line) in lines.enumerated() {
      // In the middle, without the room behind the last.
      let shift = max(0, (width - line.last!.start - line.last!.width + 0.4) / 2)
      for var entry in line {
        entry.start += shift
        entries.append((entry, n))
      }
    }
  }

  /// Draws it with its upper left corner at a place.
  func draw(in script: inout Script, _ x: Double, _ y: Double) {
    for (entry, line) in entries {
      func place(_ shift: Double) -> String {
        script.place(x + entry.start + shift, y + Picture.Size.line * Double(line))
      }
      func point(_ shift: Double, _ look: String) {
        script.label("", at: place(shift), "point \(look) front")
      }
      script.label(entry.name, at: place(1), "left")
      if let style = entry.style {
        script.line(from: place(0), to: place(0.9), style.line)
        for mark in style.marks { point(0.45, mark) }
      } else {
        point(0.3, "pt 9 ps 0.7")
        point(0.6, "pt 11 ps 0.7")
      }
    }
  }
}
