// SPDX-License-Identifier: GPL-3.0-or-later

/// Cells for people: for the terminal in columns of fixed width, or for a page.
struct Table: Sendable {
  /// The names of the columns; a line feed starts a second line.
  var columns: [String]
  /// Each with one cell per column.
  var rows: [[String]]

  /// Lines with columns of these widths, or wider where a cell asks for it.
  func text(widths: [Int]) -> String {
    func line(_ cells: [String]) -> String {
      zip(cells, widths).enumerated().map { n, cell in
        let (text, width) = cell
        let isLast = n == cells.count - 1
        return text
          + String(repeating: " ", count: max(isLast ? 0 : 1, width - text.count))
      }.joined()
    }
    let heads = columns.map { $0.split(separator: "\n", omittingEmptySubsequences: false) }
    let height = heads.map(\.count).max() ?? 0
    let titles = (0..<height).map { n in
      line(heads.map { n < $0.count ? String($0[n]) : "" })
    }
    return (titles + rows.map(line)).joined(separator: "\n")
  }
}
