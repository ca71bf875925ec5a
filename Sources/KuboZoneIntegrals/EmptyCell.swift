// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a cell of a table is empty.
public struct EmptyCell: Error, Sendable, Equatable, CustomStringConvertible {
  /// The column's label.
  public let column: String
  /// The frequency, or nil if the whole column is concerned.
  public let omega: Double?
  /// The reason, with estimate and tolerance.
  public let reason: String

  package init(column: String, omega: Double?, reason: String) {
    self.column = column
    self.omega = omega
    self.reason = reason
  }

  /// One line for a message.
  public var description: String {
    column + (omega.map { " at omega = \($0)" } ?? "") + ": " + reason
  }

  /// A line for each frequency and reason, with all columns that it concerns.
  package static func lines(_ cells: [EmptyCell]) -> [String] {
    var groups: [(omega: Double?, reason: String, columns: [String])] = []
    for cell in cells {
      if let n = groups.firstIndex(where: { $0.omega == cell.omega && $0.reason == cell.reason }) {
        groups[n].columns.append(cell.column)
      } else {
        groups.append((cell.omega, cell.reason, [cell.column]))
      }
    }
    return groups.map { group in
      EmptyCell(
        column: group.columns.joined(separator: ", "), omega: group.omega, reason: group.reason
      ).description
    }
  }
}
