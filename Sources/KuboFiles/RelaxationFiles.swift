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
    let spin = 2 * scale.spin
    func scaled(_ x: Estimate?, _ factor: Double) -> Estimate? {
      x.map { Estimate(scaled: $0, factor) }
    }
    let sigma = unit("e^2/hbar", units.length, to: 2 - model.dimension)
    var rows = [
      Row(
        name: "sigma.up", meaning: "conductivity of spin up", unit: sigma,
        value: found.conductivities[0]),
      Row(
        name: "sigma.down", meaning: "conductivity of spin down", unit: sigma,
        value: found.conductivities[1]),
      Row(
        name: "P", meaning: "polarisation of the current, (sigma.up - sigma.down)/sigma", unit: "1",
        value: found.polarisation),
      Row(
        name: "rate", meaning: "1/tau_s, by which the electrons lose spin to the impurities",
        unit: units.energy, value: found.rate),
    ]
    if let (j, _) = model.staggeredExchange {
      rows += [
        Row(
          name: "zeta_s",
          meaning: "-tau_sd/tau_s, in i omega tau_sd + zeta_s, tau_sd = 1/2J, J the mean exchange",
          unit: "1", value: found.zeta(exchange: j)),
        Row(
          name: "tau_n", meaning: "velocity: d n/dt = tau_n d_i n", unit: "m/s",
          value: scaled(found.order, v)),
        Row(
          name: "tau_m_na", meaning: "velocity: d/dt (M/N) m = tau_m_na n x d_i n", unit: "m/s",
          value: scaled(found.nonadiabatic, -v)),
      ]
    } else {
      rows += [
        Row(
          name: "beta", meaning: "nonadiabatic torque over the adiabatic one", unit: "1",
          value: found.beta),
        Row(
          name: "tau", meaning: "velocity: d n/dt = tau d_i n + tau_na n x d_i n", unit: "m/s",
          value: scaled(found.adiabatic, -v)),
        Row(
          name: "tau_na", meaning: "velocity of n x d_i n, beta tau", unit: "m/s",
          value: scaled(found.nonadiabatic, -v)),
        Row(
          name: "tau_P",
          meaning: "P v_c j/(2 |e| S), the velocity of a current that keeps its spin",
          unit: "m/s", value: scaled(found.polarisation, -v)),
      ]
    }
    rows.append(
      Row(
        name: "alpha", meaning: "damping by the impurity spins, for the spin S of a cell",
        unit: "1",
        value: scaled(found.damping, 1 / spin)))
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
      return "\(significant(value, digits: 5)) ±\(significant(x.error, digits: 1))"
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

extension Estimate {
  fileprivate init(scaled x: Estimate, _ factor: Double) {
    self = x
    value = x.value.multiplied(by: factor)
    error = x.error * abs(factor)
  }
}
