// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams
import KuboVerification

/// A run on one page: a summary, parameters, bands, spectra, bare bubble against ladder, diagrams, verification, where the
/// numbers come from, and the tables themselves. It needs no other file and no network; its own script shows values under the
/// pointer.
public struct Report: Sendable {
  /// What was asked for at constant lifetime.
  public var request: SpectrumRequest
  /// What it gave.
  public var spectrum: Spectrum
  /// The same state with impurities.
  public var comparison: Comparison
  /// The impurities' strength, in squared energy units.
  public var impurities: Double
  /// The energies along a path, and what belongs beside it.
  public var bands: (table: CSVFile, states: BandStates)
  /// Nil if it was left out.
  public var verification: Verification?
  /// Where the numbers come from.
  public var provenance: Provenance

  /// A report of these results.
  public init(
    request: SpectrumRequest, spectrum: Spectrum, comparison: Comparison, impurities: Double,
    bands: (table: CSVFile, states: BandStates), verification: Verification?, provenance: Provenance
  ) {
    (self.request, self.spectrum, self.comparison) = (request, spectrum, comparison)
    self.bands = bands
    (self.impurities, self.verification) = (impurities, verification)
    self.provenance = provenance
  }

  /// What could not be computed, a line for each reason.
  public var failures: [String] { spectrum.failureLines + comparison.failureLines }
  /// Where closed forms have their undamped pole, and no value.
  public var poles: [String] { spectrum.poleLines + comparison.poleLines }

  /// The page, as HTML.
  /// - Parameter path: where it will stand, for messages.
  /// - Throws: ``OutputError/tool(path:reason:)`` if gnuplot is missing or fails.
  public func page(path: String) async throws(OutputError) -> TextFile {
    let table = CSVFile(spectrum, request: request, provenance: provenance)
    let sections: [(id: String, title: String, body: HTML)] = [
      ("summary", "Summary", summary),
      ("model", "Model and state", state(table)),
      ("bands", "Bands and density of states", try await bandStructure(path)),
      ("spectra", "Spectra at constant lifetime", try await spectra(table, path)),
      ("ladder", "Bare bubble against ladder", try await ladder(path)),
      ("diagrams", "Diagrams", try await diagrams(path)),
      ("verification", "Verification", checks),
      ("provenance", "Provenance", origin(table)),
      ("data", "Data", data(table)),
    ]
    let links = sections.map { "<li><a href=\"#\($0.id)\">\($0.title)</a></li>" as HTML }
    let bodies = sections.map { section -> HTML in
      """
      <section aria-labelledby="\(section.id)">
      <h2 id="\(section.id)">\(section.title)</h2>
      \(section.body)
      </section>
      """
    }
    let page: HTML = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src \(HTML(stringLiteral: Report.scriptSource)); style-src 'unsafe-inline'; img-src data:">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>kubo: \(request.model.name)</title>
      <style>
      \(Report.style)
      </style>
      </head>
      <body>
      <header>
      <h1>\(request.model.name)</h1>
      <p>\(provenance.model.description)</p>
      <p class="source">\(provenance.date) by \(provenance.program)</p>
      </header>
      <nav aria-label="sections"><ul>
      \(links)
      </ul></nav>
      <main>
      \(bodies)
      </main>
      <script>
      \(HTML(stringLiteral: Report.script))
      </script>
      </body>
      </html>

      """
    return TextFile(page.markup)
  }

  // MARK: Sections

  var units: (energy: String, length: String) { provenance.model.units }

  private func state(_ table: CSVFile) -> HTML {
    let strength: Header = [("impurities gamma", "\(impurities)")]
    var rows: [[String]] = []
    for (key, value) in table.header + strength {
      let isParameter = key.family == .parameter
      let name = isParameter ? key.name : key.description
      switch key {
      case "mu", "temperature", "lifetime": rows.append([name, value, units.energy])
      case "direction", "tolerance": rows.append([name, value, ""])
      case strength[0].key: rows.append([name, value, "(\(units.energy))^2"])
      case _ where isParameter:
        let isSet = provenance.settings[name] != nil
        rows.append([name, value, units.energy + (isSet ? ", set for this run" : "")])
      default: break
      }
    }
    let list = Table(columns: ["quantity", "value", "unit"], rows: rows)
    let caption: HTML = "Parameters of the model, and the state in which it is computed."
    return """
      \(HTML.table(list, caption: caption, numbersFrom: 3))
      <p>\(formula("\\hbar=k_{\\mathrm{B}}=|e|=1")); energies in \(units.energy), lengths in \(units.length). Fields vary as
      \(formula("\\mathrm{e}^{-i\\omega t}")). \(formula("K(\\omega)")) is the response to the spin gauge field and the electric vector
      potential, with the factor \(formula("\\hbar/2")) included. A constant lifetime is
      \(formula("g=\\frac{1}{\\varepsilon-E+i\\Gamma}")), \(formula("\\tau=\\frac{1}{2\\Gamma}")).</p>
      <p class="source">\(provenance.model.source)</p>
      """
  }

  private func spectra(_ table: CSVFile, _ path: String) async throws(OutputError) -> HTML {
    var responses: [Response] = []
    for column in spectrum.columns where !responses.contains(column.request.response) {
      responses.append(column.request.response)
    }
    let validity = spectrum.validity(request)
    var figures: [HTML] = []
    for (n, response) in responses.enumerated() {
      let columns = spectrum.columns.filter { $0.request.response == response }
      let lines = columns.map { column -> HTML in
        let label = column.request.label
        let trust: HTML = validity.first { $0.label == label }.map { " (\($0.text))" } ?? ""
        return "<li>\(column.request.dressing.rawValue): \(column.request.summary)\(trust)</li>"
      }
      let fixed = columns.first?.staticPart.map { significant($0.real, digits: 5) } ?? "unknown"
      let bound = columns.flatMap(\.values).compactMap { $0?.error }.max() ?? 0
      let unit = table.unit(named: response.name) ?? "1"
      let drawn = try await picture(table, response, number: n, path)
      let caption: HTML =
        response.isConductivity
        ? "\(formula("\\sigma(\\omega)=\\frac{i}{\\omega}[\\Pi(\\omega)-\\Pi(0)]")) in \(HTML.unit(unit)); \(formula("\\Pi(0)={\(fixed)}"))."
        : "\(formula("K(\\omega)-K(0)")) in \(HTML.unit(unit)); \(formula("K(0)={\(fixed)}"))."
      let symbol: HTML =
        if let formula = Symbol.formula(response.name), formula.tex != response.name {
          "\(formula.markup) "
        } else {
          ""
        }
      figures.append(
        """
        <figure>
        \(drawn)
        <figcaption>\(symbol)<strong>\(response.name)</strong>: \(caption) Largest error bound
        \(significant(bound, digits: 2, .up)).
        <ul>\(lines)</ul></figcaption>
        </figure>
        """)
    }
    let summary = HTML.table(
      spectrum.summaryTable,
      caption:
        "Each column of the spectra: K(0), the largest value (\(spectrum.omegas.count) frequencies) and where it is, the largest error bound. Frequencies ħω in \(units.energy)."
    )
    return """
      <p>Real parts blue, imaginary parts vermilion with open marks; each curve in a band as wide as the bound on its error,
      which may be too narrow to be seen. \(formula("\\hbar\\omega")) in \(units.energy); dotted:
      \(formula("\\hbar\\omega=2J")), where the exchange gap resonates.</p>
      <div class="figures">
      \(figures)
      </div>
      \(summary)\(failureList)
      """
  }

  /// A picture of curves, with its values for the script of the page.
  private func plot(
    _ picture: @autoclosure () throws -> Picture, _ name: String, _ description: String,
    _ path: String
  ) async throws(OutputError) -> HTML {
    do {
      let picture = try picture()
      return HTML.plot(
        svg: try await picture.drawn(.svg, path: path), chart: picture.chart,
        axis: "ħω (\(units.energy))", name: name, description: description)
    } catch let error as OutputError {
      throw error
    } catch {
      throw .tool(path: path, reason: "\(error)")
    }
  }

  private func picture(
    _ table: CSVFile, _ response: Response, number: Int, _ path: String
  ) async throws(OutputError) -> HTML {
    try await plot(
      Picture(table: table, columns: [response.name]), "plot\(number)",
      "\(response.name) against frequency", path)
  }

  private func bandStructure(_ path: String) async throws(OutputError) -> HTML {
    let drawn = try await Picture(bands: bands.table, states: bands.states).drawn(.svg, path: path)
    return """
      <div class="figures">
      <figure>
      \(HTML.image(svg: drawn, description: "energies along a path through the Brillouin zone, and density of states"))
      <figcaption>Energies along a path through the Brillouin zone and, on the same axis, the density of states at half-width
      \(formula("\\Gamma"))\(request.model.dimension == 2 ? "; below, the Fermi contours" : "").</figcaption>
      </figure>
      </div>
      """
  }

  private func data(_ table: CSVFile) -> HTML {
    let files = [
      (table, "spectra.csv"), (CSVFile(comparison, provenance: provenance), "comparison.csv"),
      (bands.table, "bands.csv"),
    ].map { "<li>\(HTML.download($0, as: $1))</li>" as HTML }
    return """
      <p>The tables behind the pictures, with all digits and error bounds, as kubo writes them:</p>
      <ul>
      \(files)
      </ul>
      """
  }

  /// A formula of this page.
  func formula(_ tex: String) -> HTML { MathText(stringLiteral: tex).markup }

  private var failureList: HTML {
    if failures.isEmpty, poles.isEmpty { return "" }
    let items = (failures + poles).map { "<li>\($0)</li>" as HTML }
    return "<p class=\"failed\">Not computed:</p><ul>\(items)</ul>"
  }

  private func ladder(_ path: String) async throws(OutputError) -> HTML {
    let drawn = try await plot(
      Picture(comparison, units: units, parameters: provenance.parameters), "comparison",
      "staggered spin per field: bare bubble, ladder, closed form", path)
    let found = comparison.curves.filter { $0.dressing != .closed }.map { curve in
      guard let peak = curve.resonance else { return "\(curve.name): no resonance" }
      return
        "\(curve.name): resonance at ħω = \(significant(peak.position, digits: 4)), \(significant(peak.width, digits: 2)) wide"
    }
    let gamma = "\(impurities)"
    let table = HTML.table(
      comparison.resonanceTable,
      caption: """
        Resonances of \(formula("|K_{\\Sigma}/\\omega|")), position and full width at half maximum of its square in \
        \(units.energy); continuity: \(formula("|2JK_{\\Sigma}-i\\omega K_{s}|")) over its largest \
        \(formula("2JK_{\\Sigma}")); gauge: \(formula("|K(0)|")) over the largest \(formula("|K|")). Both vanish for the full \
        loops with the ladder.
        """)
    return """
      <p>Staggered spin per field with impurities of strength \(formula("\\gamma=n_{\\mathrm{i}}u_{\\mathrm{i}}^{2}=\(gamma)"))
      (\(units.energy))<sup>2</sup>, self-consistent.</p>
      <div class="figures">
      <figure>
      \(drawn)
      <figcaption>\(formula("|K_{\\Sigma}/\\omega|")) against frequency. \(found.joined(separator: "; ")). All in
      \(units.energy); 2J = \(significant(2 * request.model.exchange)).</figcaption>
      </figure>
      </div>
      \(table)
      <p>\(comparison.explanation)</p>
      """
  }

  private func diagrams(_ path: String) async throws(OutputError) -> HTML {
    var shown: [Diagram] = []
    for column in request.columns {
      for diagram in request.diagrams.diagrams(of: column.response) where !shown.contains(diagram) {
        shown.append(diagram)
      }
    }
    var figures: [HTML] = []
    for diagram in shown {
      let drawn = try await Picture(diagram, hasCaption: false).drawn(.svg, path: path)
      let lines = diagram.caption.dropFirst().map { "<li>\($0)</li>" as HTML }
      figures.append(
        """
        <figure>
        \(HTML.image(svg: drawn, description: "Feynman diagram \(diagram.name): \(diagram.summary)"))
        <figcaption><strong>\(diagram.name)</strong>
        <ul>\(lines)</ul></figcaption>
        </figure>
        """)
    }
    return """
      <p>Those that the responses above are sums of. Electrons run against the order of the matrix product;
      wavy: the electric field, coiled: the spin gauge field, dotted: the canting, dashed: what is measured;
      shaded vertices are dressed by the ladder.</p>
      <div class="figures">
      \(figures)
      </div>
      """
  }

  private var checks: HTML {
    guard let verification else { return "<p>Left out of this run (--no-verify).</p>" }
    let failed = verification.statements.filter { !$0.holds }
    var body: HTML = """
      <p\(failed.isEmpty ? "" : " class=\"failed\"" as HTML)>\(verification.verdict). Exact statements of the
      theory on this model, each with its residual relative to the size of the quantity, and what rounding
      and error estimates allow; no unit.</p>

      """
    for subject in Verification.Subject.allCases {
      let table = verification.table(subject)
      if !table.rows.isEmpty {
        body += HTML.table(table, caption: "\(subject.rawValue)", numbersFrom: 5)
      }
    }
    return body
  }

  private func origin(_ table: CSVFile) -> HTML {
    let keys: [HeaderKey] = [
      "program", "date", "model", "model_file", "model_sha256", "units", "grid", "wall_time_s",
    ]
    let rows = table.header.filter { keys.contains($0.key) }.map { [$0.key.description, $0.value] }
    let list = HTML.table(
      Table(columns: ["key", "value"], rows: rows),
      caption: "As in the header of every table that kubo writes.", numbersFrom: 2)
    return """
      \(list)
      <p>To repeat it:</p>
      <pre tabindex="0"><code>kubo \(provenance.command)</code></pre>
      """
  }
}
