// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboOrbitals

extension Spectrum {
  /// A short table for the terminal: for each column the value at the lowest frequency, the largest
  /// value and where it is, and the largest error bound.
  public func summary(_ request: SpectrumRequest) -> String {
    KuboFiles.summary(
      request.title, request.directions, omegas, divisions: divisions, summaryTable)
  }

  /// One row for each column.
  var summaryTable: Table {
    Table(
      columns.map { column in
        (
          column.request.label, column.staticPart?.real,
          column.values.map { $0.map { ($0.dynamic, $0.error) } }
        )
      }, omegas)
  }
}

extension CollinearRequest {
  /// The model and its state, on a line; `lifetime` is its description.
  func title(_ lifetime: String) -> String {
    "\(model.name): mu = \(mu), T = \(temperature), \(lifetime)"
  }

  /// The same for a magnet with orbitals; `lifetime` is its description.
  public func summary(
    _ spectra: [(dressing: Dressing, spectrum: CollinearSpectrum)], lifetime: String
  ) -> String {
    KuboFiles.summary(
      title(lifetime), directions, omegas,
      divisions: spectra.map(\.spectrum.divisions).max() ?? 0,
      Table(
        responses.enumerated().flatMap { r, asked in
          spectra.map { dressing, spectrum in
            let column = spectrum.columns[r]
            return (
              "\(asked.name).\(dressing.rawValue)", column.staticPart?.value.real,
              column.values.map { $0.map { ($0.value, $0.error) } }
            )
          }
        }, omegas))
  }
}

private func summary(
  _ title: String, _ directions: Directions, _ omegas: [Double], divisions: Int, _ table: Table
) -> String {
  let axis =
    omegas.count == 1
    ? "omega = \(omegas[0])"
    : "\(omegas.count) frequencies from \(omegas.min() ?? 0) to \(omegas.max() ?? 0)"
  return """
    \(title), direction \(directions.description)
    \(axis), grid up to \(divisions) points along each reciprocal vector
    \(table.text(widths: [22, 14, 16, 10, 0]))
    """
}

extension Table {
  fileprivate init(
    _ columns: [(label: String, fixed: Double?, values: [(value: ComplexDouble, error: Double)?])],
    _ omegas: [Double]
  ) {
    self.init(
      columns: ["column", "static", "largest |value|", "at omega", "error bound"],
      rows: columns.map { column in
        let known = zip(omegas, column.values).compactMap { omega, value in
          value.map { (omega, $0.value.length, $0.error) }
        }
        let peak = known.max { $0.1 < $1.1 }
        return [
          column.label, column.fixed.map { significant($0, digits: 5) } ?? "-",
          peak.map { significant($0.1, digits: 5) } ?? "-",
          peak.map { significant($0.0, digits: 5) } ?? "-",
          known.map(\.2).max().map { significant($0, digits: 1, .up) } ?? "-",
        ]
      })
  }
}
