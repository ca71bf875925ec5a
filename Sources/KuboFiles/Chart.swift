// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

/// What a page must know of a picture to show its values under the pointer: where the panels are and what they hold.
struct Chart: Sendable, Encodable {
  struct Panel: Sendable, Encodable {
    /// Left, upper, right and lower end, as parts of the page.
    let box: [Double]
    /// The ends of the axis.
    let range: [Double]
    let curves: [Curve]
  }

  struct Curve: Sendable, Encodable {
    /// As in the titles of the SVG.
    let name: String
    /// x, y and the bound on its error, if there is one.
    let points: [[Double]]
  }

  var panels: [Panel] = []

  mutating func add(
    _ panel: Figure.Panel, box: [Double], range: (low: Double, high: Double)
  ) {
    func short(_ x: Double) -> Double { Double(significant(x, digits: 6))! }
    let curves = panel.curves.filter { !$0.title.isEmpty }.map { curve in
      Curve(
        name: curve.title,
        points: curve.runs.joined().filter(\.isComputed).map {
          ([$0.x, $0.y] + ($0.error.map { [$0] } ?? [])).map(short)
        }
      )
    }
    panels.append(
      Panel(box: box.map { short($0) }, range: [range.low, range.high], curves: curves))
  }

  /// For an attribute or a script.
  var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try! encoder.encode(self), as: UTF8.self)
  }
}
