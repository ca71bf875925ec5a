// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

/// How a picture looks and which part of the data it shows, as far as a user says so.
public struct PictureLook: Sendable {
  /// For what a picture is made: its letters and colours.
  public enum Style: String, Sendable, CaseIterable {
    /// Letters of 7.1 points, colours that the colour-blind tell apart.
    case screen
    /// Letters of 8 points, colours of which each has a lightness of its own, so that a print in grey shows them too.
    case paper
    /// Letters of 8 points, black and greys: curves differ by dashes and marks alone.
    case bw
  }

  /// Letters and colours.
  public var style = Style.screen
  /// The width of the page in cm; nil for a column of a journal, or two of them where there are many panels.
  public var width: Double?
  /// What stands above, in place of the model and its state; nothing if empty.
  public var title: String?
  /// From where to where the axis goes, above 0 if that is logarithmic; nil by the data.
  public var xRange: ClosedRange<Double>?
  /// The same of the vertical axis of each panel, from above; empty if all go by the data.
  public var yRanges: [ClosedRange<Double>?] = []
  /// Whether the axis is logarithmic.
  public var hasLogX = false
  /// Whether the vertical axes of all panels are.
  public var hasLogY = false

  /// The look of a picture of which nothing was said.
  public init() {}

  /// What all that is drawn is enlarged by: the letters of a page have 7.1 points.
  var scale: Double { style == .screen ? 1 : 8 / 7.087 }

  /// The width in cm of the page before it is enlarged.
  func pageWidth(_ usual: Double = Picture.Size.column) -> Double { (width ?? usual) / scale }

  /// A colour of this style for one of ``Ink`` or of a palette.
  func color(_ color: String) -> String {
    guard let ink = Ink(rawValue: color) else { return style == .bw ? "#000000" : color }
    return switch style {
    case .screen: color
    case .paper: ink.printed
    case .bw: "#000000"
    }
  }

  /// The lines above a picture on a page of a width in cm, of which `usual` gives those with at most so many signs.
  func titleLines(on page: Double, _ usual: (_ signs: Int) -> [String]) -> [String] {
    let signs = Int((5.6 * page).rounded())
    guard let title else { return usual(signs) }
    return wrapped(visible(title), width: signs, limit: 3).map(Typeset.literal)
  }

  /// The range of the n-th panel.
  func yRange(_ n: Int) -> (low: Double, high: Double)? {
    guard yRanges.indices.contains(n), let range = yRanges[n] else { return nil }
    return (range.lowerBound, range.upperBound)
  }

  /// Why the ranges do not fit to so many panels; nil if they do.
  public func fault(panels count: Int) -> (found: String, expected: String)? {
    guard !yRanges.isEmpty, yRanges.count != count else { return nil }
    let ranges = yRanges.count == 1 ? "one range" : "\(yRanges.count) ranges"
    if count == 1 { return ("\(ranges) for one panel", "LOW:HIGH") }
    return (
      "\(ranges) for \(count) panels",
      "one for each from above, as in 0:1\(String(repeating: ",:", count: count - 1)) where a colon alone leaves it to the data"
    )
  }

  /// The part of a curve that can be seen: within the range of the axis, and above 0 on logarithmic ones.
  func shown(_ runs: [[Figure.Point]]) -> [[Figure.Point]] {
    var runs = runs
    if hasLogX { runs = runs.map { $0.filter { $0.x > 0 } } }
    if hasLogY {
      runs = runs.flatMap { run in run.split { $0.y <= 0 }.map { Array($0) } }
    }
    if let xRange { runs = runs.map { clipped($0, to: xRange) } }
    return runs.filter { !$0.isEmpty }
  }

  /// Refuses curves over an axis that ``xRange`` and ``hasLogX`` leave nothing of, before they are computed.
  /// - Throws: ``FileError``.
  public func check(axis: [Double], file: String) throws(FileError) {
    try check([axis.sorted().map { Figure.Point(x: $0, y: 1) }], file: file)
  }

  /// Refuses numbers of which gnuplot cannot draw one: margins and ratios must be numbers too.
  static func check(
    _ values: some Sequence<Double>, in name: String, isLogarithmic: Bool = false, file: String
  ) throws(FileError) {
    guard let value = values.first(where: { abs($0) > 1e250 || isLogarithmic && $0 < 1e-250 })
    else { return }
    throw FileError(
      .setting, file: file, found: "\(value) in \(name)\(isLogarithmic ? " with --log" : "")",
      expected: "magnitudes \(isLogarithmic ? "from 1e-250 " : "")to 1e250, which gnuplot can draw")
  }

  /// Refuses curves of which nothing can be seen, or not all.
  func check(_ runs: [[Figure.Point]], file: String) throws(FileError) {
    let points = shown(runs).joined()
    try PictureLook.check(points.map(\.x), in: "x", isLogarithmic: hasLogX, file: file)
    try PictureLook.check(points.map(\.y), in: "y", isLogarithmic: hasLogY, file: file)
    guard !runs.isEmpty, points.isEmpty else { return }
    let logs = [hasLogX ? "x" : nil, hasLogY ? "y" : nil].compactMap(\.self)
    let limits = [
      xRange == nil ? nil : "within --xrange",
      logs.isEmpty ? nil : "above 0 in \(logs.joined(separator: " and ")), as --log shows",
    ].compactMap(\.self)
    throw FileError(
      .setting, file: file, found: "no value \(limits.joined(separator: " and "))",
      expected: "some to draw")
  }

  /// A note on what logarithmic axes cannot show of `all`.
  func note(_ all: [[Figure.Point]]) -> [String] {
    let points = all.joined()
    var notes: [String] = []
    for (axis, isLog, count) in [
      ("x", hasLogX, points.count { $0.x <= 0 }), ("y", hasLogY, points.count { $0.y <= 0 }),
    ] where isLog && count > 0 {
      notes.append(
        "--log \(axis) leaves out \(count) of \(points.count) values, which are not above 0 in \(axis)"
      )
    }
    return notes
  }

  /// The points within a range, and where the lines between points cross its ends.
  private func clipped(_ run: [Figure.Point], to range: ClosedRange<Double>) -> [Figure.Point] {
    func place(_ x: Double) -> Double { hasLogX ? log10(x) : x }
    func crossing(_ edge: Double) -> Figure.Point? {
      guard let (a, b) = zip(run, run.dropFirst()).first(where: { $0.x < edge && edge < $1.x })
      else { return nil }
      let part = (place(edge) - place(a.x)) / (place(b.x) - place(a.x))
      func between(_ a: Double, _ b: Double) -> Double {
        hasLogY && a > 0 && b > 0 ? a * pow(b / a, part) : a + part * (b - a)
      }
      let error = a.error.flatMap { low in b.error.map { low + part * ($0 - low) } }
      return Figure.Point(x: edge, y: between(a.y, b.y), error: error, isComputed: false)
    }
    return [crossing(range.lowerBound)].compactMap(\.self) + run.filter { range.contains($0.x) }
      + [crossing(range.upperBound)].compactMap(\.self)
  }
}

extension Ink {
  /// For prints: from black to sky each is lighter by 8 or more in CIELAB's L*.
  fileprivate var printed: String {
    switch self {
    case .black: "#000000"
    case .blue: "#0b3c8c"
    case .purple: "#86408f"
    case .vermilion: "#d1481a"
    case .green: "#47a866"
    case .orange: "#e3a224"
    case .sky: "#8fcbf2"
    }
  }
}
