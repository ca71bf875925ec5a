// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// Cells for people: for the terminal in columns of fixed width, or for a page.
struct Table: Sendable {
  /// The names of the columns; a line feed starts a second line.
  var columns: [String]
  /// Each with one cell per column.
  var rows: [[String]]

  /// Lines with columns of these widths, or wider where a cell asks for it.
  func text(widths: [Int]) -> String {
    let heads = columns.map { $0.split(separator: "\n", omittingEmptySubsequences: false) }
    let height = heads.map(\.count).max() ?? 0
    let titles = (0..<height).map { n -> [String] in
      heads.map { n < $0.count ? String($0[n]) : "" }
    }
    return (titles + rows).map { Table.line($0, widths) }.joined(separator: "\n")
  }

  /// Cells in columns of these widths.
  static func line(_ cells: [String], _ widths: [Int]) -> String {
    zip(cells, widths).enumerated().map { n, cell in
      let gap = max(n == cells.count - 1 ? 0 : 1, cell.1 - cell.0.count)
      return cell.0 + String(repeating: " ", count: gap)
    }.joined()
  }
}
