// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

extension CSVFile {
  /// The torques: `omega`, then `LABEL.re`, `LABEL.im`, `LABEL.err` in m/s for each column.
  public init(
    _ torque: Torque, scale: TorqueScale, request: SpectrumRequest, impurities gamma: Double?,
    relaxation zeta: Double, provenance: Provenance
  ) {
    let v = scale.velocity(request.model)
    var header = provenance.header + request.header
    if let gamma { header.append(("impurities", "\(gamma)")) }
    header += scale.header(dimension: request.model.dimension)
    header += [
      ("spin", "\(scale.spin)"), ("relaxation", "\(zeta)"),
      ("v_0_m_per_s", "\(v)"),
      (
        "column.*.re,im,err", "velocity in m/s, v = (v/v_0) v_c j/(4 q N), and a bound on its error"
      ),
    ]
    for kind in torque.kinds {
      header.append(("column.\(kind.quantity)", "multiplies \(kind.gradient)"))
      header.append(("unit.\(kind.quantity)", "m/s"))
    }
    if let ferromagnet = torque.ferromagnet {
      header.append(("ferromagnet_m_per_s", "\(ferromagnet.value.real * v)"))
    }
    var columns = [(column: Column("omega"), values: torque.omegas.map(Optional.init))]
    for column in torque.columns {
      let name = Column(parsing: column.label)
      columns += [
        (name.with(.real), column.values.map { $0.map { $0.value.real * v } }),
        (name.with(.imaginary), column.values.map { $0.map { $0.value.imaginary * v } }),
        (name.with(.error), column.values.map { $0.map { $0.error * abs(v) } }),
      ]
    }
    self.init(header: header + provenance.footer, columns)
  }
}

extension TorqueScale {
  /// The header lines of what is measured in.
  func header(dimension: Int) -> Header {
    [
      ("current_density_A_per_m2", "\(currentDensity)"),
      ("lattice_constant_nm", "\(lengthUnit)"),
      (["", "cross_section_nm2", "thickness_nm", "transverse"][dimension], "\(transverse)"),
      ("charge", "q = -|e| = \(-SI.elementaryCharge) C"),
    ]
  }
}

extension Torque {
  /// The table for the terminal: velocities at each frequency.
  public func summary(_ request: SpectrumRequest, scale: TorqueScale, impurities gamma: Double?)
    -> String
  {
    let v = scale.velocity(request.model)
    func cells(_ texts: [String]) -> String { Table.line(texts, [28, 28, 28, 28, 28]) }
    func text(_ value: Estimate?) -> String {
      guard let value else { return "-" }
      // Plus zero, so that no minus sign stands before it.
      let (re, im) = (value.value.real * v + 0, value.value.imaginary * v + 0)
      let sum =
        im == 0
        ? significant(re, digits: 5)
        : "\(significant(re, digits: 5)) \(im < 0 ? "-" : "+") \(significant(abs(im), digits: 5)) i"
      return "\(sum) ±\(significant(value.error * abs(v), digits: 1, .up))"
    }
    let withCanting = kinds.contains(.nCanting)
    var lines = [
      request.title + (gamma.map { ", impurities gamma = \($0)" } ?? ""),
      "j = \(scale.currentDensity) A/m^2, N = \(scale.spin), q = -|e|: v_0 = v_c j/(4 q N) = \(significant(v, digits: 5)) m/s"
        + (v < 0 ? " (along the electrons, against the current)" : ""),
      "d/dt (M/N) m = tau_m d_i (M/N) m + tau_m_na n x d_i n,  d/dt n = (tau_n + tau_n_na) d_i n"
        + (withCanting ? " + tau_nm n x d_i (M/N) m" : ""),
    ]
    if withCanting {
      lines += [
        "tau_m keeps one band at each vertex, tau_m_full all: they differ by virtual transitions between the bands, and both",
        "depend on how electrons are scattered; q -> 0 comes before omega -> 0",
      ]
    }
    lines.append("")
    // Those of a canting's gradient, then those of n's.
    let groups =
      withCanting
      ? [true, false].map { isCanting in kinds.filter { $0.gradient.hasSuffix("m") == isCanting } }
      : [kinds]
    for (n, omega) in omegas.enumerated() {
      lines.append("hbar omega = \(omega), velocities in m/s")
      for group in groups {
        lines.append(cells([""] + group.map(\.quantity)))
        for route in columns.filter({ group.contains($0.kind) }).map(\.route).unique {
          lines.append(
            cells(
              [route]
                + group.map { kind in
                  columns.first { $0.kind == kind && $0.route == route }.map {
                    text($0.values[n])
                  } ?? ""
                }))
        }
      }
      lines.append(
        cells(["ferromagnet"] + groups.last!.map { $0 == .n ? text(ferromagnet) : "" })
          + (ferromagnet == nil ? " no Fermi surface" : ""))
      lines.append("")
    }
    return lines.joined(separator: "\n")
  }
}
