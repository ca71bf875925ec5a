// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import FoundationXML

/// What an independent parser finds in an SVG: elements, texts and filled shapes.
final class SVGDocument: NSObject, XMLParserDelegate {
  /// A filled polygon.
  struct Shape {
    let fill: String
    let points: [(x: Double, y: Double)]
    /// The middle of its box.
    var middle: (x: Double, y: Double) {
      let (xs, ys) = (points.map(\.x), points.map(\.y))
      return ((xs.min()! + xs.max()!) / 2, (ys.min()! + ys.max()!) / 2)
    }
  }

  private(set) var names: Set<String> = []
  /// The content of each element `text`, its pieces joined, without the marks that have no width.
  private(set) var texts: [String] = []
  private(set) var shapes: [Shape] = []
  /// Where each of ``texts`` is.
  private var places: [(x: Double, y: Double)] = []
  private var place = (x: 0.0, y: 0.0)
  private var isText = false

  /// The texts with their places, spaces that break no line as plain ones, and without thin ones.
  var words: [(text: String, x: Double, y: Double)] {
    zip(texts, places).map {
      ($0.replacing("\u{a0}", with: " ").replacing("\u{200a}", with: ""), $1.x, $1.y)
    }
  }

  /// Nil if the document is not well-formed.
  init?(_ document: Data) {
    super.init()
    let parser = XMLParser(data: document)
    parser.delegate = self
    guard parser.parse() else { return nil }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    names.insert(name)
    if let move = attributes["transform"]?.prefixMatch(of: /translate\(([-\d.]+),([-\d.]+)\)/) {
      place = (Double(move.1)!, Double(move.2)!)
    }
    if name == "text" {
      isText = true
      texts.append("")
      places.append(place)
    }
    if name == "polygon", let points = attributes["points"] {
      let numbers = points.split { $0 == " " || $0 == "," }.map { Double($0)! }
      shapes.append(
        Shape(
          fill: attributes["fill"]?.replacing(" ", with: "") ?? "",
          points: stride(from: 0, to: numbers.count - 1, by: 2).map {
            (numbers[$0], numbers[$0 + 1])
          }))
    }
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    if name == "text" { isText = false }
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if isText {
      // As `Typeset.quoted` keeps them from gnuplot.
      texts[texts.count - 1] += text.replacing("\u{2060}", with: "")
    }
  }
}
