// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import KuboOrbitals

/// The header lines that say what was asked for.
func header(
  mu: Double, temperature: Double, _ lifetime: String, _ directions: Directions,
  tolerance: Double
) -> Header {
  let axes = directions.description
  return [
    ("mu", "\(mu)"), ("temperature", "\(temperature)"), ("lifetime", lifetime),
    ("direction", "\(axes) (\(axes.first!) texture gradient, \(axes.last!) electric field)"),
    ("tolerance", "\(tolerance)"),
  ]
}

extension SpectrumRequest {
  /// The header lines that say what was asked for.
  var header: Header {
    KuboFiles.header(
      mu: electrons.mu, temperature: electrons.temperature, electrons.lifetime.description,
      directions,
      tolerance: tolerance)
  }

  /// The model and its state, on a line.
  var title: String {
    "\(electrons.model.name): mu = \(electrons.mu), T = \(electrons.temperature), \(electrons.lifetime.description)"
  }

  /// The units of the responses: those of their loops, of sigma e^2/hbar in place of the energy; and of
  /// Pi(i omega_l), which stands for sigma at Matsubara frequencies.
  func units(
    _ units: (energy: String, length: String), isConductivity: Bool = true, prefix: String = ""
  )
    -> Header
  {
    var lines: Header = []
    for response in columns.map(\.response).unique {
      // A response without diagrams is refused before.
      guard let loop = diagrams.diagrams(of: response).first?.dimensions(response.measured) else {
        continue
      }
      let power = loop.length - electrons.model.dimension
      let energy = loop.energy == 0 ? nil : powered(units.energy, loop.energy)
      let name = "unit.\(prefix)\(response.name)"
      let isSigma = isConductivity && response.isConductivity
      lines.append(("\(name)", unit(isSigma ? "e^2/hbar" : energy, units.length, to: power)))
      if isSigma { lines.append(("\(name).static", unit(energy, units.length, to: power))) }
    }
    return lines
  }
}

/// As in `nm^-1`.
private func powered(_ unit: String, _ power: Int) -> String {
  power == 1 ? unit : "\(unit)^\(power)"
}

/// The name of the unit `factor` length^power.
func unit(_ factor: String?, _ length: String, to power: Int) -> String {
  let lengths = power == 0 ? nil : powered(length, power)
  let unit = [factor, lengths].compactMap { $0 }.joined(separator: " ")
  return unit.isEmpty ? "1" : unit
}

extension CSVFile {
  /// A spectrum: `omega`, then `R.D.re`, `R.D.im`, `R.D.err`, `R.D.static` for each column.
  ///
  /// re, im: K(omega) - K(0), or sigma(omega); static: K(0), or Pi(0); err: a bound on the error of
  /// each and of their sum. A column of a single diagram, whose K(0) may be complex, has
  /// `static_im` too. With interpolated values the last column is `interpolated`, 1 or 0. With `units` there are `omega_THz` and, for conductivities, `R.D.S.re`, `.im`, `.err` in S,
  /// S/m or S m.
  public init(
    _ spectrum: Spectrum, request: SpectrumRequest, units: PhysicalUnits? = nil,
    provenance: Provenance
  ) {
    self.init(
      omegas: spectrum.omegas,
      spectrum.columns.map { column in
        let name = Column(column.request)
        return ResponseColumn(
          name: name.name, meaning: column.request.summary,
          isConductivity: column.request.response.isConductivity, numbers: column.numbers(name))
      }, interpolation: spectrum.interpolation, dimension: request.model.dimension,
      divisions: spectrum.divisions, temperature: request.temperature, units: units,
      header: provenance.header + request.header
        + (spectrum.refinement.map { asked in
          [
            (
              "refinement",
              "\(asked) frequencies asked for, \(spectrum.omegas.count - asked) more where the curves bend"
            )
          ]
        } ?? []),
      footer: request.units(provenance.model.units)
        + spectrum.validity(request).map { ("validity.\($0.label)", $0.text) }
        + provenance.footer)
  }

  /// Spectra of a collinear magnet with orbitals, bare or with the ladder, as those of two sublattices; `lifetime` is its
  /// description.
  public init(
    _ spectra: [(dressing: Dressing, spectrum: CollinearSpectrum)], request: CollinearRequest,
    lifetime: String, units: PhysicalUnits? = nil, provenance: Provenance
  ) {
    let (energy, length) = provenance.model.units
    let columns = request.responses.enumerated().flatMap { r, asked in
      spectra.map { dressing, spectrum -> ResponseColumn in
        let name = Column(asked.name, route: .init(dressing))
        let column = spectrum.columns[r]
        var numbers: [(column: Column, values: [Double?])] = [
          (name.with(.real), column.values.map { $0?.value.real }),
          (name.with(.imaginary), column.values.map { $0?.value.imaginary }),
          (name.with(.error), column.values.map { $0?.error }),
        ]
        if asked.response != .polarisation {
          let fixed = column.staticPart?.value.real
          numbers.append((name.with(.fixed), column.values.map { _ in fixed }))
        }
        return ResponseColumn(
          name: name.name,
          meaning: CollinearResponse.meaning(asked.name)
            + (dressing == .ladder
              ? ": with the impurity ladder at its vertices" : ": bare loops"),
          isConductivity: asked.response.isConductivity, numbers: numbers)
      }
    }
    let dimension = request.model.dimension
    let responseUnits: Header = request.responses.filter { $0.response != .polarisation }.map {
      (
        key: "unit.\($0.name)",
        value: KuboFiles.unit(
          $0.response.isConductivity ? "e^2/hbar" : $0.response.isEnergy ? energy : nil, length,
          to: 2 - dimension)
      )
    }
    self.init(
      omegas: request.omegas, columns, dimension: dimension,
      divisions: spectra.map(\.spectrum.divisions).max() ?? 0, temperature: request.temperature,
      units: units,
      header: provenance.header
        + KuboFiles.header(
          mu: request.mu, temperature: request.temperature, lifetime, request.directions,
          tolerance: request.tolerance), footer: responseUnits + provenance.footer)
  }

  /// What a table holds of a response.
  private struct ResponseColumn {
    let name: String
    let meaning: String
    let isConductivity: Bool
    /// re, im, err come first.
    let numbers: [(column: Column, values: [Double?])]
  }

  /// Columns against omega; with `units` in THz too, and conductivities in SI units.
  private init(
    omegas: [Double], _ responses: [ResponseColumn],
    interpolation: (isInterpolated: [Bool], nodes: Int)? = nil, dimension: Int, divisions: Int,
    temperature: Double, units: PhysicalUnits?, header: Header, footer: Header
  ) {
    var header = header
    var columns = [(column: Column("omega"), values: omegas.map(Optional.init))]
    let unit = Column.SIUnit(dimension: dimension)
    if let units {
      header += units.header(temperature: temperature)
      header.append(("column.omega_THz", "frequency nu = hbar omega/h; omega = 2 pi nu"))
      header.append(("unit.omega_THz", "THz"))
      columns.append((Column("omega_THz"), omegas.map(units.frequency)))
    }
    let conductivity = units.flatMap { $0.conductivity(dimension: dimension) }
    if conductivity != nil, responses.contains(where: \.isConductivity) {
      let body = [", of a chain", ", of a layer", ""][dimension - 1]
      header.append(("column.*.\(unit.rawValue)", "conductivity in \(unit.symbol)\(body)"))
      header.append(("unit.*.\(unit.rawValue)", unit.symbol))
    }
    header.append(("grid", "\(divisions) points along each reciprocal vector at most"))
    for response in responses {
      header.append(("column.\(response.name)", response.meaning))
      columns += response.numbers
      if let conductivity, response.isConductivity {
        columns += response.numbers.prefix(3).map { number in
          var copy = number.column
          copy.unit = unit
          return (copy, number.values.map { $0.map { $0 * conductivity } })
        }
      }
    }
    if let (isInterpolated, nodes) = interpolation {
      let count = isInterpolated.count { $0 }
      header.append(
        (
          "column.interpolated",
          "1 where the values are interpolated: \(count) of \(omegas.count) frequencies, from \(nodes) computed ones"
        ))
      columns.append((Column("interpolated"), isInterpolated.map { $0 ? 1 : 0 }))
    }
    self.init(header: header + footer, columns)
  }

  /// K(i omega_l): `l`, `omega_l`, then `R.sum`, `R.sum.err`, `R.spectral`, `R.spectral.err`.
  ///
  /// With `units` the third column is `omega_l_THz`.
  public init(
    _ spectrum: MatsubaraSpectrum, request: SpectrumRequest, units: PhysicalUnits? = nil,
    provenance: Provenance
  ) {
    var header = provenance.header + request.header
    var columns: [(column: Column, values: [Double?])] = [
      (Column("l"), spectrum.frequencies.indices.map(Double.init)),
      (Column("omega_l"), spectrum.frequencies),
    ]
    if let units {
      header += units.header(temperature: request.temperature)
      header.append(("column.omega_l_THz", "hbar omega_l/h"))
      header.append(("unit.omega_l_THz", "THz"))
      columns.append((Column("omega_l_THz"), spectrum.frequencies.map(units.frequency)))
    }
    header += [
      ("column.R.sum", "K(i omega_l), the Matsubara sum itself; for sigma, K is Pi"),
      (
        "column.R.spectral",
        "(2/pi) int_0^infinity omega Im K(omega)/(omega^2 + omega_l^2), from the closed form"
      ),
    ]
    header += request.units(provenance.model.units, isConductivity: false)
    for column in spectrum.columns {
      for (route, values) in [(Column.Route.sum, column.direct), (.spectral, column.spectral)] {
        let name = Column(column.response.name, route: route)
        columns.append((name, values.map(\.value.real)))
        columns.append((name.with(.error), values.map(\.error)))
      }
    }
    self.init(header: header + provenance.footer, columns)
  }

  /// The coefficients against mu; nil rows are values that could not be computed.
  public init(
    _ rows: [(mu: Double, coefficients: Coefficients?)], temperature: Double,
    dimension: Int, directions: Directions, tolerance: Double, provenance: Provenance
  ) {
    let conductivity = KuboFiles.unit(
      "e^2/hbar^2 \(provenance.model.units.energy)", provenance.model.units.length,
      to: 2 - dimension)
    let header =
      provenance.header + [
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
        ("unit.sigma_c_over_tau", conductivity), ("unit.*.product", conductivity),
      ] + provenance.footer
    func column(_ name: Column, _ value: (Coefficients) -> Double?) -> (Column, [Double?]) {
      (name, rows.map { $0.coefficients.flatMap(value) })
    }
    let sigma = Column("sigma_c_over_tau")
    var columns: [(column: Column, values: [Double?])] = [
      (Column("mu"), rows.map(\.mu)), column(sigma) { $0.conductivity.value.real },
    ]
    var rest = [column(sigma.with(.error)) { $0.conductivity.error }]
    for form in ClosedForm.allCases {
      for version in Version.allCases {
        let name = Column(form.coefficientName, route: .init(rawValue: version.rawValue))
        columns.append(column(name) { $0.entry(form, version).value?.value.real })
        rest += [
          column(name.with(.error)) { $0.entry(form, version).value?.error },
          column(name.with(.product)) { $0.entry(form, version).product.value.real },
          column(name.with(.productError)) { $0.entry(form, version).product.error },
        ]
      }
    }
    let ratio = Column("Delta_over_J")
    rest += [
      column(ratio.with(.mean)) { $0.gapRatio?.mean },
      column(ratio.with(.spread)) { $0.gapRatio?.spread },
    ]
    self.init(header: header, columns + rest)
  }

  /// Sigma(energy): `energy`, the two self-energies with their error and residual, and the
  /// densities of states; nil rows could not be computed.
  public init(
    _ rows: [(energy: Double, value: SelfEnergy?)], lifetime: Lifetime, tolerance: Double,
    provenance: Provenance
  ) {
    let energy = provenance.model.units.energy
    let isBands = lifetime.impurities?.kind == .scba
    let header =
      provenance.header + [
        ("lifetime", lifetime.description), ("tolerance", "\(tolerance)"),
        ("column.energy", "from zero, as mu"),
        ("column.err", "a bound on the errors of the self-energies"),
        ("column.residual", "|Sigma - gamma avg G| on the finest grid"),
        (
          "column.dos",
          isBands
            ? "-(1/pi) Im avg tr G per unit cell, both degenerate states of the band"
            : "-(1/pi) Im avg G per unit cell, of A up and B down together, and of B up and A down"
        ), ("unit.Sigma", energy), ("unit.residual", energy), ("unit.dos", "1/\(energy)"),
      ] + provenance.footer
    func column(_ name: Column, _ value: (SelfEnergy) -> Double?) -> (Column, [Double?]) {
      (name, rows.map { $0.value.flatMap(value) })
    }
    let first = Column("Sigma", isBands ? .bonding : .scalar)
    let second = Column("Sigma", isBands ? .antibonding : .staggered)
    self.init(
      header: header,
      [
        (Column("energy"), rows.map(\.energy)),
        column(first.with(.real)) { $0.values.first.real },
        column(first.with(.imaginary)) { $0.values.first.imaginary },
        column(second.with(.real)) { $0.values.second.real },
        column(second.with(.imaginary)) { $0.values.second.imaginary },
        column(Column(part: .error)) { $0.error },
        column(Column(part: .residual)) { $0.residual },
        column(Column("dos", isBands ? .bonding : .aUp)) { $0.density.first },
        column(Column("dos", isBands ? .antibonding : .bUp)) { $0.density.second },
        column(Column("dos", part: .error)) { $0.densityError },
      ])
  }
}

extension Spectrum.Column {
  /// Its numbers under a name: re, im, err and static, for a single diagram static_im too.
  func numbers(_ name: Column) -> [(column: Column, values: [Double?])] {
    var parts: [(Column.Part, [Double?])] = [
      (.real, values.map { $0?.dynamic.real }), (.imaginary, values.map { $0?.dynamic.imaginary }),
      (.error, values.map { $0?.error }), (.fixed, values.map { _ in staticPart?.real }),
    ]
    if request.diagram != nil {
      parts.append((.fixedImaginary, values.map { _ in staticPart?.imaginary }))
    }
    return parts.map { (name.with($0), $1) }
  }
}

extension PhysicalUnits {
  /// The header lines of a table that holds numbers in them.
  func header(temperature: Double) -> Header {
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
