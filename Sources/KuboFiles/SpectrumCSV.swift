// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

extension SpectrumRequest {
  /// The header lines that say what was asked for.
  var header: [(key: String, value: String)] {
    [
      ("mu", "\(mu)"), ("temperature", "\(temperature)"), ("lifetime", lifetime.description),
      (
        "direction",
        "\(directions.description) (\(directions.description.first!) texture gradient, \(directions.description.last!) electric field)"
      ), ("tolerance", "\(tolerance)"),
    ]
  }
}

extension SpectrumRequest {
  /// The units of the responses: length^(2-d), of sigma times e^2/hbar, of X times an energy; and of
  /// Pi(i omega_l), which stands for sigma at Matsubara frequencies, times an energy too.
  func units(
    _ units: (energy: String, length: String), isConductivity: Bool = true, prefix: String = ""
  )
    -> [(key: String, value: String)]
  {
    var lines: [(key: String, value: String)] = []
    for response in columns.map(\.response)
    where !lines.contains(where: { $0.key.hasSuffix(".\(response.name)") }) {
      let factor: String? =
        switch response.measured {
        case .chargeCurrent: isConductivity ? "e^2/hbar" : units.energy
        case .anomalousSpinCurrent: units.energy
        case .spin, .staggeredSpin: nil
        }
      lines.append(
        ("unit.\(prefix)\(response.name)", unit(factor, units.length, to: 2 - model.dimension)))
      if isConductivity, response.isConductivity {
        lines.append(
          (
            "unit.\(prefix)\(response.name).static",
            unit(units.energy, units.length, to: 2 - model.dimension)
          ))
      }
    }
    return lines
  }
}

/// The name of the unit `factor` length^power.
func unit(_ factor: String?, _ length: String, to power: Int) -> String {
  let lengths = power == 0 ? nil : power == 1 ? length : "\(length)^\(power)"
  let unit = [factor, lengths].compactMap { $0 }.joined(separator: " ")
  return unit.isEmpty ? "1" : unit
}

extension CSVFile {
  /// A spectrum: `omega`, then `R.D.re`, `R.D.im`, `R.D.err`, `R.D.static` for each column.
  ///
  /// re, im: K(omega) - K(0), or sigma(omega); static: K(0), or Pi(0); err: a bound on the error of
  /// each and of their sum. A column of a single diagram, whose K(0) may be complex, has
  /// `static_im` too. With `units` there are `omega_THz` and, for conductivities, `R.D.S.re`, `.im`, `.err` in S,
  /// S/m or S m.
  public init(
    _ spectrum: Spectrum, request: SpectrumRequest, units: PhysicalUnits? = nil,
    provenance: Provenance
  ) {
    var header = provenance.header + request.header
    let dimension = request.model.dimension
    let unit = PhysicalUnits.conductivityUnit(dimension: dimension)
    /// What a column is to be multiplied by for another three in SI units.
    func factor(_ column: Spectrum.Column) -> Double? {
      column.request.response.isConductivity
        ? units.flatMap { $0.conductivity(dimension: dimension) } : nil
    }
    if let units {
      header += units.header(temperature: request.temperature)
      header.append(("column.omega_THz", "frequency nu = hbar omega/h; omega = 2 pi nu"))
      header.append(("unit.omega_THz", "THz"))
      if spectrum.columns.contains(where: { factor($0) != nil }) {
        let text = ["S m, of a chain", "S, of a layer", "S/m"][dimension - 1]
        header.append(("column.*.\(unit)", "conductivity in \(text)"))
        header.append(("unit.*.\(unit)", String(text.prefix { $0 != "," })))
      }
    }
    header.append(("grid", "\(spectrum.divisions) points along each reciprocal vector at most"))
    for column in spectrum.columns {
      header.append(("column.\(column.request.label)", column.request.summary))
    }
    header += request.units(provenance.model.units)
    header += spectrum.validity(request).map { ("validity.\($0.label)", $0.text) }
    header += provenance.footer
    var names = ["omega"] + (units == nil ? [] : ["omega_THz"])
    for column in spectrum.columns {
      let label = column.request.label
      names += ["\(label).re", "\(label).im", "\(label).err", "\(label).static"]
      if column.request.diagram != nil { names.append("\(label).static_im") }
      if factor(column) != nil { names += ["re", "im", "err"].map { "\(label).\(unit).\($0)" } }
    }
    let rows = spectrum.omegas.indices.map { n -> [Double?] in
      var row: [Double?] = [spectrum.omegas[n]]
      if let units { row.append(units.frequency(spectrum.omegas[n])) }
      for column in spectrum.columns {
        let value = column.values[n]
        row += [
          value?.dynamic.real, value?.dynamic.imaginary, value?.error,
          column.staticPart?.real,
        ]
        if column.request.diagram != nil { row.append(column.staticPart?.imaginary) }
        if let f = factor(column) {
          row += [
            value.map { $0.dynamic.real * f }, value.map { $0.dynamic.imaginary * f },
            value.map { $0.error * f },
          ]
        }
      }
      return row
    }
    self.init(header: header, columns: names, rows: rows)
  }

  /// K(i omega_l): `l`, `omega_l`, then `R.sum`, `R.sum.err`, `R.spectral`, `R.spectral.err`.
  ///
  /// With `units` the second column is `omega_l_THz`.
  public init(
    _ spectrum: MatsubaraSpectrum, request: SpectrumRequest, units: PhysicalUnits? = nil,
    provenance: Provenance
  ) {
    var header = provenance.header + request.header
    if let units {
      header += units.header(temperature: request.temperature)
      header.append(("column.omega_l_THz", "hbar omega_l/h"))
      header.append(("unit.omega_l_THz", "THz"))
    }
    header.append(
      ("column.R.sum", "K(i omega_l), the Matsubara sum itself; for sigma, K is Pi"))
    header.append(
      (
        "column.R.spectral",
        "(2/pi) int_0^infinity omega Im K(omega)/(omega^2 + omega_l^2), from the closed form"
      ))
    header += request.units(provenance.model.units, isConductivity: false)
    header += provenance.footer
    var names = ["l", "omega_l"] + (units == nil ? [] : ["omega_l_THz"])
    for column in spectrum.columns {
      let r = column.response.name
      names += ["\(r).sum", "\(r).sum.err", "\(r).spectral", "\(r).spectral.err"]
    }
    let rows = spectrum.frequencies.indices.map { l -> [Double?] in
      var row: [Double?] = [Double(l), spectrum.frequencies[l]]
      if let units { row.append(units.frequency(spectrum.frequencies[l])) }
      for column in spectrum.columns {
        row += [column.direct[l].value.real, column.direct[l].error]
        row += [column.spectral[l].value.real, column.spectral[l].error]
      }
      return row
    }
    self.init(header: header, columns: names, rows: rows)
  }

  /// The coefficients against mu; nil rows are values that could not be computed.
  public init(
    _ rows: [(mu: Double, coefficients: Coefficients?)], temperature: Double,
    dimension: Int, directions: Directions, tolerance: Double, provenance: Provenance
  ) {
    var header = provenance.header
    header += [
      ("temperature", "\(temperature)"), ("direction", directions.description),
      ("tolerance", "\(tolerance)"),
      (
        "column.sigma_c_over_tau",
        "(S6.23), one of the two degenerate states: the measured conductivity is twice it"
      ),
      ("column.P", "dimensionless; empty where mu lies in the gap or the value did not converge"),
      ("column.*.product", "P sigma_c/tau, given in the gap too"),
      (
        "column.printed",
        "as the paper prints it; corrected: with the signs and terms the loops require"
      ),
      ("column.Delta_over_J", "mean and standard deviation of Delta_k/J on the Fermi surface"),
    ]
    let conductivity = KuboFiles.unit(
      "e^2/hbar^2 \(provenance.model.units.energy)", provenance.model.units.length,
      to: 2 - dimension)
    header +=
      [
        ("unit.sigma_c_over_tau", conductivity), ("unit.*.product", conductivity),
      ] + provenance.footer
    let kinds = ClosedForm.allCases.flatMap { form in
      Version.allCases.map { (form, $0, "\(form.coefficientName).\($0.rawValue)") }
    }
    var names = ["mu", "sigma_c_over_tau"] + kinds.map(\.2) + ["sigma_c_over_tau.err"]
    for kind in kinds { names += ["\(kind.2).err", "\(kind.2).product", "\(kind.2).product.err"] }
    names += ["Delta_over_J.mean", "Delta_over_J.spread"]
    self.init(
      header: header, columns: names,
      rows: rows.map { mu, c in
        let entries = kinds.map { kind in c?.entry(kind.0, kind.1) }
        var row: [Double?] = [mu, c?.conductivity.value.real]
        row += entries.map { $0?.value?.value.real }
        row.append(c?.conductivity.error)
        for e in entries { row += [e?.value?.error, e?.product.value.real, e?.product.error] }
        return row + [c?.gapRatio?.mean, c?.gapRatio?.spread]
      })
  }
}

extension CSVFile {
  /// Sigma(energy): `energy`, the two self-energies with their error and residual, and the
  /// densities of states; nil rows could not be computed.
  public init(
    _ rows: [(energy: Double, value: SelfEnergy?)], lifetime: Lifetime, tolerance: String,
    provenance: Provenance
  ) {
    let impurities = lifetime.order.impurities!
    let names = SelfEnergy.names(impurities)
    let (a, b) = names.values
    var header = provenance.header
    header +=
      [
        ("lifetime", lifetime.description), ("tolerance", tolerance),
        ("column.energy", "from zero, as mu"),
        ("column.err", "a bound on the errors of the self-energies"),
        ("column.residual", "|Sigma - gamma avg G| on the finest grid"),
        (
          "column.dos",
          impurities == .scba
            ? "-(1/pi) Im avg tr G per unit cell, both degenerate states of the band"
            : "-(1/pi) Im avg G per unit cell, of A up and B down together, and of B up and A down"
        ), ("unit.Sigma", provenance.model.units.energy),
        ("unit.residual", provenance.model.units.energy),
        ("unit.dos", "1/\(provenance.model.units.energy)"),
      ] + provenance.footer
    self.init(
      header: header,
      columns: [
        "energy", "\(a).re", "\(a).im", "\(b).re", "\(b).im", "err", "residual",
        names.densities.0, names.densities.1, "dos.err",
      ],
      rows: rows.map { energy, v in
        [
          energy, v?.values.first.real, v?.values.first.imaginary, v?.values.second.real,
          v?.values.second.imaginary, v?.error, v?.residual, v?.density.first, v?.density.second,
          v?.densityError,
        ]
      })
  }
}

extension PhysicalUnits {
  /// The header lines of a table that holds numbers in them.
  func header(temperature: Double) -> [(key: String, value: String)] {
    [
      ("temperature_K", "\(self.temperature(temperature))"),
      ("units.columns", "those named with a unit are in it; all others in the model's units"),
    ]
  }
}

extension SpectrumRequest.Column {
  /// One line on what the column holds.
  public var summary: String {
    let what =
      Response.aliases.first { $0.alias == response.name }?.meaning ?? "response \(response.name)"
    let how =
      switch dressing {
      case .bare: diagram.map { "bare loop, diagram \($0) alone" } ?? "bare loops"
      case .ladder: "with the impurity ladder at its vertices"
      case .closed:
        "closed form, corrected, with the full one-band bubble Q_s(omega)"
          + (response.closedForm?.isNonadiabatic == true
            ? " and Delta_k -> J in the resonance" : "")
      case .closedPrinted: "closed form as the paper prints it, for omega tau << 1"
      }
    let bands =
      switch share {
      case nil: ""
      case .interband: ", propagators in both bands"
      case .bonding: ", all propagators in the lower band"
      case .antibonding: ", all propagators in the upper band"
      }
    return "\(what): \(how)\(bands)"
  }
}
