// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

extension CSVFile {
  /// The comparison: `omega`, then for each column of each part `KIND.R.D.re` and so on, as in
  /// `scba.X_na.ladder.re`, and for each curve the residual of spin continuity.
  public init(_ comparison: Comparison, provenance: Provenance) {
    let first = comparison.parts[0].request
    var header = provenance.header + first.header.filter { $0.key != "lifetime" }
    let omegas = comparison.parts[0].spectrum.omegas
    var columns = [(column: Column("omega"), values: omegas.map(Optional.init))]
    for (request, spectrum) in comparison.parts {
      let impurities = request.lifetime.impurities!.kind
      let kind = impurities.rawValue
      header.append(("lifetime.\(kind)", request.lifetime.description))
      header.append(
        ("grid.\(kind)", "\(spectrum.divisions) points along each reciprocal vector at most"))
      for column in spectrum.columns {
        let name = Column(column.request, impurities)
        header.append(("column.\(name.name)", column.request.summary))
        columns += column.numbers(name)
      }
      header += request.units(provenance.model.units, prefix: "\(kind).")
      header += spectrum.validity(request).map { ("validity.\(kind).\($0.label)", $0.text) }
    }
    header.append(
      ("column.*.continuity", "|2 J K_Sigma - i omega K_s| / max |2 J K_Sigma| of the full K"))
    for curve in comparison.curves {
      columns.append(
        (
          Column(
            lifetime: .init(curve.impurities), route: .init(curve.dressing), part: .continuity),
          omegas.map { curve.omegas.firstIndex(of: $0).map { curve.continuityResiduals[$0] } }
        ))
    }
    header.append(("note", comparison.explanation))
    self.init(header: header + provenance.footer, columns)
  }
}

extension Comparison {
  /// What the low-frequency limits mean, and whether the lowest frequency shows it.
  public var explanation: String {
    let theory =
      "As omega -> 0, with site impurities, the ladder restores spin continuity, 2 J K_Sigma = i omega K_s with K_s(0) = 0, and removes the torque of a direct current (K_Sigma/omega -> 0), which the bare bubble leaves finite; with the paper's scba impurities the static part K_s(0) of the projected loop survives, and with it a direct-current torque, bare and ladder alike."
    let lowest = [Dressing.bare, .ladder].compactMap { dressing in
      curves.first { $0.impurities == .site && $0.dressing == dressing }.flatMap { curve in
        zip(curve.omegas, curve.perField).min { abs($0.0) < abs($1.0) }
      }
    }
    guard lowest.count == 2, lowest[0].0 == lowest[1].0, lowest[0].1 != .zero else {
      return theory
    }
    let ratio = lowest[1].1.length / lowest[0].1.length
    return theory
      + " Here, at the lowest omega = \(significant(lowest[0].0)), site's |K_Sigma/omega| with the ladder is \(significant(ratio, digits: 2)) of the bare one"
      + (ratio < 0.5 ? "." : ": still far from that limit, which lower frequencies would show.")
  }

  /// The table for the terminal.
  public func summary() -> String {
    let request = parts[0].request
    return """
      \(request.model.name): mu = \(request.mu), T = \(request.temperature), \(parts.map { $0.request.lifetime.description }.joined(separator: " and ")), 2 J = \(significant(2 * request.model.exchange))
      \(resonanceTable.text(widths: [13, 12, 12, 20, 14, 0]))
      \(explanation)

      """
  }

  /// One row for each curve.
  var resonanceTable: Table {
    Table(
      columns: [
        "", "resonance\nat omega", "width\n(FWHM)", "|K_Sigma/omega|\nat the lowest omega",
        "continuity\nresidual", "gauge\nresidual",
      ],
      rows: curves.map { curve in
        let peak = curve.resonance
        let gauge = significant(curve.gaugeResidual, digits: 2)
        return [
          curve.name, peak.map { significant($0.position, digits: 4) } ?? "none",
          peak.map { $0.width == 0 ? "0 (pole)" : significant($0.width, digits: 2) } ?? "-",
          curve.perField.first.map { significant($0.length, digits: 4) } ?? "-",
          curve.continuityResiduals.max().map { significant($0, digits: 2) } ?? "-",
          curve.impurities == .site ? gauge : "\(gauge) (projected loops)",
        ]
      })
  }
}

extension Picture {
  /// The picture of a comparison: |K_Sigma/omega| against omega, `scba` above, `site` below.
  /// - Throws: ``FileError`` if `look` leaves no value to draw.
  public init(
    _ comparison: Comparison, units: (energy: String, length: String),
    parameters: [(name: String, value: Double)], look: PictureLook = .init()
  ) throws(FileError) {
    let request = comparison.parts[0].request
    let pole = 2 * request.model.exchange
    let perField = unit("1/\(units.energy)", units.length, to: 2 - request.model.dimension)
    let styles: [(dressing: Dressing, style: Figure.Style)] = [
      (.bare, .init("bare bubble", .blue, route: 1)),
      (.ladder, .init("ladder", .vermilion, route: 0)),
      (.closed, .init("closed form", .green, route: 3)),
    ]
    var panels: [Figure.Panel] = []
    var values: [[Figure.Point]] = []
    for impurities in Impurities.allCases {
      let curves = comparison.curves.filter { $0.impurities == impurities }
      let lows = curves.flatMap { curve in
        zip(curve.omegas, curve.perField).filter { look.xRange.contains($0.0) }.map(\.1.length)
      }.filter { $0 > 0 }
      // The pole of the closed form must not set the scale, but what it says at low frequencies is to be seen.
      let highs = curves.flatMap { curve in
        zip(curve.omegas, curve.perField).filter { look.xRange.contains($0.0) }
          .map { Figure.Point(x: $0, y: $1.length) }
          .aside(curve.dressing == .closed ? pole : 0).map(\.y)
      }
      panels.append(
        Figure.Panel(
          label: "|K_{Σ}/ω| (\(Typeset.unit(perField)))",
          note: impurities == .scba ? "scba: diagrams (a) + (d)" : "site: all diagrams",
          curves: styles.flatMap { dressing, style in
            curves.filter { $0.dressing == dressing }.map { curve in
              let points = zip(curve.omegas, curve.perField).map {
                Figure.Point(x: $0, y: $1.length)
              }
              values.append(points)
              var curve = Figure.Curve(
                style: style,
                runs: look.shown(dressing == .closed ? points.split(at: pole) : [points]))
              curve.title = "\(impurities.rawValue) \(dressing.rawValue)"
              return curve
            }
          },
          range: lows.min().map { low in
            (low / 2, 3 * (highs.filter { $0 > 0 }.max() ?? lows.max()!))
          },
          // Where there is nothing but zeros, these are drawn.
          isLogarithmic: !lows.isEmpty))
    }
    try look.check(values, file: "comparison")
    let words =
      (parameters.map { ("parameter.\($0.name)", $0.value) }
      + [("mu", request.mu), ("temperature", request.temperature)])
      .map { Symbol.equation(Symbol.state($0), "\($1)") }
      + comparison.parts.map { lifetimeText($0.request.lifetime.description) }
    self.init(
      Figure(
        title: { titleLines(request.model.name, words, width: $0) },
        axis: "\(Symbol.state("omega")) (\(Typeset.unit(units.energy)))", panels: panels,
        marks: [.init(x: pole, label: Picture.resonance)], key: styles.map(\.style),
        panelHeight: 4.4,
        start: 0), look)
    notes = look.note(values)
  }
}
