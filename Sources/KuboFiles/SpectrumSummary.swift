// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

extension Spectrum {
  /// A short table for the terminal: for each column the value at the lowest frequency, the largest
  /// value and where it is, and the largest error bound.
  public func summary(_ request: SpectrumRequest) -> String {
    """
    \(request.title), direction \(request.directions.description)
    \(omegas.count) frequencies from \(omegas.min() ?? 0) to \(omegas.max() ?? 0), grid up to \(divisions) points along each reciprocal vector
    \(summaryTable.text(widths: [22, 14, 16, 10, 0]))
    """
  }

  /// One row for each column.
  var summaryTable: Table {
    Table(
      columns: ["column", "static", "largest |value|", "at omega", "error bound"],
      rows: columns.map { column in
        let known = omegas.indices.compactMap { n in column.values[n].map { (omegas[n], $0) } }
        let peak = known.max { $0.1.dynamic.length < $1.1.dynamic.length }
        return [
          column.request.label, column.staticPart.map { significant($0.real, digits: 5) } ?? "-",
          peak.map { significant($0.1.dynamic.length, digits: 5) } ?? "-",
          peak.map { significant($0.0, digits: 5) } ?? "-",
          known.map(\.1.error).max().map { significant($0, digits: 1) } ?? "-",
        ]
      })
  }
}
