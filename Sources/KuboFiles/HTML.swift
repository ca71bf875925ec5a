// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation

/// A piece of HTML. What is interpolated into it is text, and shown as it stands, unless it is HTML
/// itself; so nothing that a user or a file says becomes markup.
///
///     let row: HTML = "<td>\(model.name)</td>"
struct HTML: Sendable, ExpressibleByStringInterpolation {
  /// The markup.
  private(set) var markup: String

  init(stringLiteral markup: String) { self.markup = markup }
  init(stringInterpolation: Interpolation) { markup = stringInterpolation.markup }

  struct Interpolation: StringInterpolationProtocol {
    fileprivate var markup = ""

    init(literalCapacity: Int, interpolationCount: Int) {}
    mutating func appendLiteral(_ literal: String) { markup += literal }
    mutating func appendInterpolation(_ html: HTML) { markup += html.markup }
    mutating func appendInterpolation(_ pieces: [HTML]) {
      markup += pieces.map(\.markup).joined(separator: "\n")
    }
    mutating func appendInterpolation(_ number: Int) { markup += "\(number)" }

    /// Text, in an element or in the value of an attribute in quotes. Control and invisible
    /// characters are shown by their codes; no other parser may see them as they are.
    mutating func appendInterpolation(_ text: String) {
      markup += text.replacingScalars {
        switch $0 {
        case "&": "&amp;"
        case "<": "&lt;"
        case ">": "&gt;"
        case "\"": "&quot;"
        case "'": "&#39;"
        case "\n": nil
        default: $0.isInvisible ? $0.escaped(asASCII: true) : nil
        }
      }
    }
  }

  static func += (left: inout HTML, right: HTML) { left.markup += right.markup }

  /// A picture within the page. As a document of its own its ids cannot meet those of another.
  static func image(svg: [UInt8], description: String) -> HTML {
    let data = HTML(stringLiteral: Data(svg).base64EncodedString())
    return "<img src=\"data:image/svg+xml;base64,\(data)\" alt=\"\(description)\">"
  }

  /// A unit, with powers as such.
  static func unit(_ text: String) -> HTML {
    let escaped: HTML = "\(Typeset.unit(text))"
    return HTML(
      stringLiteral: escaped.markup.replacing(/\^\{([−+0-9]+)\}/) { "<sup>\($0.1)</sup>" }
        .replacing(/\\(.)/) { $0.1 })
  }

  /// A picture of curves as part of the page, whose script shows its values; `name` keeps its ids from those of others.
  static func plot(svg: [UInt8], chart: Chart?, axis: String, name: String, description: String)
    -> HTML
  {
    var text = String(decoding: svg, as: UTF8.self)
    if let start = text.firstRange(of: "<svg")?.lowerBound { text = String(text[start...]) }
    text = text.replacing(/(id=['"]|#)(gp[A-Z]|gnuplot_|textbox|greybox)/) {
      "\($0.1)\(name)-\($0.2)"
    }
    return """
      <div class="plot" role="img" aria-label="\(description)" data-axis="\(axis)" data-chart="\(chart?.text ?? "")">
      \(HTML(stringLiteral: text))
      </div>
      """
  }

  /// A link to a file that the page holds.
  static func download(_ file: CSVFile, as name: String) -> HTML {
    let data = HTML(stringLiteral: Data(file.text.utf8).base64EncodedString())
    return "<a download=\"\(name)\" href=\"data:text/csv;base64,\(data)\">\(name)</a>"
  }

  /// A table with its caption, in a box of its own, which scrolls where the page is narrow. The
  /// first cell of each row is its heading; columns from the one numbered `first` on hold numbers.
  static func table(_ table: Table, caption: HTML, numbersFrom first: Int = 1) -> HTML {
    func kind(_ n: Int) -> HTML { n >= first ? " class=\"number\"" : "" }
    let heads = table.columns.enumerated().map { n, name -> HTML in
      "<th scope=\"col\"\(kind(n))>\(name.replacing("\n", with: " "))</th>"
    }
    let rows = table.rows.map { row -> HTML in
      let cells = row.enumerated().map { n, cell -> HTML in
        n == 0 ? "<th scope=\"row\">\(cell)</th>" : "<td\(kind(n))>\(cell)</td>"
      }
      return "<tr>\(cells)</tr>"
    }
    return """
      <figure class="table">
      <figcaption>\(caption)</figcaption>
      <div class="wide" role="region" tabindex="0" aria-label="table">
      <table>
      <thead><tr>\(heads)</tr></thead>
      <tbody>
      \(rows)
      </tbody>
      </table>
      </div>
      </figure>

      """
  }
}
