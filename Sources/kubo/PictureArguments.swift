// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboFiles

extension PictureLook.Style: ExpressibleByArgument {}

/// How a picture of curves looks, and which part of them it shows.
struct PictureArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "screen: letters of 7.1 points; paper: of 8 points, in colours that differ in grey too; bw: of 8 points, in black and greys, with dashes and marks. Default: screen.",
      valueName: "style"))
  var style: PictureLook.Style?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The width of the picture, as 86mm, 8.6cm or 3.4in; letters keep their size. Default: 86mm, with more than five panels 178mm.",
      valueName: "length"), transform: length)
  var width: Double?
  @Option(
    help: ArgumentHelp(
      "The title, in place of the model and its state; '' for none.", valueName: "text"))
  var title: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The range of the horizontal axis.", valueName: "low:high"),
    transform: range)
  var xrange: ClosedRange<Double>?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The range of the vertical axis; of several panels one for each, from above, as 0:1,:,-2:2, where a colon alone leaves it to the data.",
      valueName: "low:high"), transform: ranges)
  var yrange: [ClosedRange<Double>?]?
  @Option(
    help: ArgumentHelp(
      "Logarithmic axes: x, y or xy. What is not above 0 is left out, and a note says how much that is.",
      valueName: "axes"))
  var log: LogAxes?

  enum LogAxes: String, ExpressibleByArgument, CaseIterable { case x, y, xy }

  /// LOW:HIGH.
  static func range(_ text: String) throws -> ClosedRange<Double> {
    let ends = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    func read(_ text: String) throws -> Double { try number(text) }
    guard ends.count == 2, case let (low, high) = (try read(ends[0]), try read(ends[1])), low < high
    else { throw ValidationError("expected LOW:HIGH, two numbers, the first below the second") }
    return low...high
  }

  private static func ranges(_ text: String) throws -> [ClosedRange<Double>?] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map {
      $0 == ":" ? nil : try range(String($0))
    }
  }

  /// A width in cm.
  static func length(_ text: String) throws -> Double {
    for (unit, size) in [("mm", 0.1), ("cm", 1), ("in", 2.54)] where text.hasSuffix(unit) {
      let width = try number(text.dropLast(2)) * size
      if width >= 6, width <= 100 { return width }
    }
    throw ValidationError("expected a length from 60mm to 1000mm, as 86mm, 8.6cm or 3.4in")
  }

  func validate() throws {
    for (axis, option, ranges) in [
      ("x", "--xrange", [xrange]), ("y", "--yrange", yrange ?? []),
    ] where log?.rawValue.contains(axis) == true {
      for range in ranges {
        if let range, range.lowerBound <= 0 {
          throw ValidationError(
            "\(option): found \(range.lowerBound) with --log \(log!.rawValue); expected numbers above 0"
          )
        }
      }
    }
  }

  /// What was given, by the names of the options.
  private var given: [String] {
    [
      ("--style", style != nil), ("--width", width != nil), ("--title", title != nil),
      ("--xrange", xrange != nil), ("--yrange", yrange != nil), ("--log", log != nil),
    ].filter(\.1).map(\.0)
  }

  /// Refuses options of `names`, or all, where nothing would come of them.
  func refuse(_ names: [String]? = nil, found: String, expected: String) throws {
    if let option = given.first(where: { names?.contains($0) ?? true }) {
      throw ValidationError("\(option): found \(found); expected \(expected)")
    }
  }

  /// Refuses all without a picture.
  func check(picture: String?) throws {
    if picture == nil { try refuse(found: "without --picture", expected: "a picture") }
  }

  /// Refuses ranges for other than `count` panels.
  func check(panels count: Int) throws {
    if let fault = look.fault(panels: count) {
      throw ValidationError("--yrange: found \(fault.found); expected \(fault.expected)")
    }
  }

  /// Refuses what a picture of bands has not.
  func checkBands() throws {
    try refuse(
      ["--xrange", "--log"], found: "with a picture of bands",
      expected: "--yrange, the range of energies")
    try check(panels: 1)
  }

  var look: PictureLook {
    var look = PictureLook()
    look.style = style ?? .screen
    (look.width, look.title, look.xRange) = (width, title, xrange)
    look.yRanges = yrange ?? []
    look.hasLogX = log?.rawValue.contains("x") == true
    look.hasLogY = log?.rawValue.contains("y") == true
    return look
  }
}
