// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboOrbitals

/// The torques of a direct current in a collinear magnet with impurities, and what its impurity spins do to them, for a table and
/// for people.
public struct RelaxationTable: Sendable {
  /// A number, its unit, and what it is.
  public struct Row: Sendable {
    let name: String
    let meaning: String
    let unit: String
    /// nil where it has none.
    let value: Estimate?

    fileprivate init(_ name: String, _ meaning: String, _ unit: String, _ value: Estimate?) {
      (self.name, self.meaning, self.unit, self.value) = (name, meaning, unit, value)
    }
  }

  /// What `kubo torque` prints.
  public let rows: [Row]
  /// Why rows are empty.
  public var failures: [String] {
    rows.filter { $0.value == nil }.map {
      "\($0.name): \($0.meaning): what it is divided by is 0 within its error bound"
    }
  }

  private let scale: TorqueScale
  private let model: OrbitalModel
  /// v_c j/(2 q S).
  private let velocity: Double

  /// - Parameters:
  ///   - scale: of a cell with the spin 2 N.
  ///   - units: the model's.
  public init(
    _ found: SpinRelaxation, _ model: OrbitalModel, scale: TorqueScale,
    units: (energy: String, length: String)
  ) {
    (self.scale, self.model) = (scale, model)
    let v = scale.velocity(model)
    velocity = v
    let sigma = unit("e^2/hbar", units.length, to: 2 - model.dimension)
    var rows = [
      Row("sigma.up", "conductivity of spin up", sigma, found.conductivities[0]),
      Row("sigma.down", "conductivity of spin down", sigma, found.conductivities[1]),
      Row(
        "P", "polarisation of the current, (sigma.up - sigma.down)/sigma", "1",
        found.polarisation),
      Row(
        "rate", "1/tau_s, by which the electrons lose spin to the impurities", units.energy,
        found.rate),
    ]
    if let (j, _) = model.staggeredExchange {
      rows += [
        Row(
          "zeta_s", "-tau_sd/tau_s, in i omega tau_sd + zeta_s, tau_sd = 1/2J, J the mean exchange",
          "1", found.zeta(exchange: j)),
        Row("tau_n", "velocity: d n/dt = tau_n d_i n", "m/s", found.order.map { v * $0 }),
        Row(
          "tau_m_na", "velocity: d/dt (M/N) m = tau_m_na n x d_i n", "m/s",
          found.nonadiabatic.map { -v * $0 }),
      ]
    } else {
      rows += [
        Row("beta", "nonadiabatic torque over the adiabatic one", "1", found.beta),
        Row(
          "tau", "velocity: d n/dt = tau d_i n + tau_na n x d_i n", "m/s",
          found.adiabatic.map { -v * $0 }),
        Row(
          "tau_na", "velocity of n x d_i n, beta tau", "m/s", found.nonadiabatic.map { -v * $0 }),
        Row(
          "tau_P", "P v_c j/(2 |e| S), the velocity of a current that keeps its spin", "m/s",
          found.polarisation.map { -v * $0 }),
      ]
    }
    rows.append(
      Row(
        "alpha", "damping by the impurity spins, for the spin S of a cell", "1",
        1 / (2 * scale.spin) * found.damping))
    self.rows = rows
  }

  /// The lines that say what was asked for.
  private func lines(_ lifetime: String) -> [String] {
    let v = significant(velocity, digits: 5)
    return [
      "j = \(scale.currentDensity) A/m^2, S = \(2 * scale.spin) a cell, q = -|e|: v_c j/(2 q S) = \(v) m/s",
      "direct current, all vertex corrections; \(lifetime)", "",
    ]
  }

  /// For the terminal.
  public func summary(_ request: CollinearRequest, lifetime: String) -> String {
    func number(_ x: Estimate) -> String {
      // Plus zero, so that no minus sign stands before it.
      let value = x.value.length <= x.error ? 0 : x.value.real + 0
      return "\(significant(value, digits: 5)) ±\(significant(x.error, digits: 1, .up))"
    }
    let table = Table(
      columns: ["quantity", "value", "unit", "meaning"],
      rows: rows.map { [$0.name, $0.value.map(number) ?? "-", $0.unit, $0.meaning] })
    return request.title(lifetime) + ", direction \(request.directions.description)\n"
      + lines(lifetime).map { $0 + "\n" }.joined() + table.text(widths: [12, 24, 14, 0]) + "\n"
  }

  /// A row: each number with a bound on its error.
  public func table(
    _ request: CollinearRequest, lifetime: String, provenance: Provenance
  ) -> CSVFile {
    var header =
      provenance.header
      + KuboFiles.header(
        mu: request.mu, temperature: request.temperature, lifetime, request.directions,
        tolerance: request.tolerance) + scale.header(dimension: model.dimension)
    header.append(("spin_of_cell", "\(2 * scale.spin)"))
    header.append(("v_c_j_over_2qS_m_per_s", "\(velocity)"))
    for row in rows {
      header.append(("column.\(row.name)", row.meaning))
      header.append(("unit.\(row.name)", row.unit))
    }
    var columns: [(column: Column, values: [Double?])] = [(Column("omega"), [0])]
    for row in rows {
      columns.append((Column(row.name), [row.value?.value.real]))
      columns.append((Column(row.name, part: .error), [row.value?.error]))
    }
    return CSVFile(header: header + provenance.footer, columns)
  }
}
