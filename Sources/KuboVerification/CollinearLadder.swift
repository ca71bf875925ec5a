// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboLattice
import KuboLoops
import KuboOrbitals
import KuboWork
import KuboZoneIntegrals
import RealModule

extension CollinearStatements {
  /// Impurities: the continuity of spin with its relaxation at pairs of energies, on one grid, which is a crystal of its own; and
  /// after the energy integral, with gauge invariance and K(-omega) = K(omega)*.
  package func ladderStatements(
    _ impurities: OrbitalImpurities
  ) async throws -> [Verification.Statement] {
    guard isAligned else { return [] }
    let guide = "docs/collinear.md"
    var statements = [
      try await statement(
        .ladder, "spin continuity with its relaxation, at pairs of energies on one grid", guide
      ) { try await pairs(impurities) }
    ]
    let ones = model.orbitals.map { _ in 1.0 }
    let omega = omegas[0]
    let both = [omega, -omega]
    let responses: [ImpurityResponse] = [
      .plain(.spin(.x, ones)), .plain(.spin(.y, ones)), .plain(.torque(.x, ones)),
      .plain(.torque(.y, ones)), .plain(.current(.up)), .plain(.current(.down)), .relaxation(.x),
      .relaxation(.y),
    ]
    let found = try await attempt { () async throws -> ImpuritySpectrum in
      let spectrum = try await ImpuritySpectrum(
        model, impurities, mu: request.mu, temperature: request.temperature, omegas: both,
        directions: request.directions, responses: responses, tolerance: 1e-3,
        threads: request.threads)
      if let reason = spectrum.reasons.compactMap(\.self).first {
        throw EmptyCell(column: "ladder", omega: nil, reason: reason)
      }
      return spectrum
    }
    func state(
      _ claim: String,
      _ compute: (ImpuritySpectrum) throws -> Residual
    ) async throws {
      statements.append(
        try await statement(.ladder, claim, guide) { try compute(try found.get()) })
    }
    try await state("gauge invariance: K_s(0) = 0, K_T(0) = 0, Pi(0) = 0, ladder") { spectrum in
      worst(
        (0..<6).map { n in
          let (fixed, size) = (spectrum.columns[n].staticPart!, size(spectrum.columns, n, both))
          return (fixed.value.length / size, fixed.error / size, nil)
        })
    }
    func i(_ x: Double) -> ComplexDouble { ComplexDouble(0, x) }
    func vanishes(
      _ spectrum: ImpuritySpectrum, _ terms: (_ omega: Double) -> [(ComplexDouble, Int)]
    ) -> Residual {
      worst(
        both.enumerated().map { w, omega in
          let parts = terms(omega).map { factor, n -> (ComplexDouble, Double) in
            let q = spectrum.columns[n].quotients[w]!
            return (factor * q.value, factor.length * q.error)
          }
          let size = parts.map(\.0.length).max()!
          let sum = parts.reduce(ComplexDouble.zero) { $0 + $1.0 }
          return (sum.length / size, parts.reduce(0) { $0 + $1.1 } / size, nil)
        })
    }
    try await state("spin continuity: 2 K_T^xy + i omega K_s^xx = (i/2) sum_u Rel_u, ladder") {
      vanishes($0) { [(2, 3), (i($0), 0), (-relaxation, 6)] }
    }
    try await state(
      "spin continuity: 2 K_T^xx - i omega K_s^xy = Pi^z + (1/2) sum_u u Rel_u, ladder"
    ) {
      vanishes($0) { [(2, 2), (-i($0), 1), (-1, 4), (1, 5), (-relaxation, 7)] }
    }
    try await state("K(-omega) = K(omega)*, ladder") { spectrum in
      worst(
        spectrum.columns.indices.map { n in
          let column = spectrum.columns[n]
          let (x, y) = (column.quotients[0]!, column.quotients[1]!)
          let size = size(spectrum.columns, n, both) / omega
          return ((x.value + y.value.conjugate).length / size, (x.error + y.error) / size, nil)
        })
    }
    return statements
  }

  private var relaxation: ComplexDouble { mutation == .relaxation ? -1 : 1 }

  /// The rest r(z1, z2) of the continuity of spin in averages F at two energies,
  ///
  ///     r = (z1 - z2) F_u[1] + 2u F_u[Delta] - Pi_u + Pi_u' - Rel_u
  ///
  /// is a number that z2 gives less one that z1 gives, which the energy integral removes: r(a, b) + r(c, d) = r(a, d) + r(c, b).
  private func pairs(
    _ impurities: OrbitalImpurities
  ) async throws -> Residual {
    let ones = model.orbitals.map { _ in 1.0 }
    let loops: [ImpurityLoop] = Spin.allCases.flatMap { u in
      [
        .plain(.transverse(u, .spin(ones))), .plain(.transverse(u, .torque(ones))),
        .plain(.longitudinal(u, .gauge)), .relaxation(u),
      ]
    }
    let width = model.energyBound
    let (mu, step) = (request.mu, 0.05 * width)
    // Both above the real axis; and the first on it, the second below.
    let (first, second) = (
      [ComplexDouble(mu, step), ComplexDouble(mu + step, 2 * step)], [0.5, 3]
    )
    let quartets: [[(z1: ComplexDouble, z2: ComplexDouble, isAdvanced: Bool)]] = [
      first.flatMap { a in second.map { (a, ComplexDouble(mu, $0 * step), false) } },
      first.flatMap { a in second.map { (a, ComplexDouble(mu - step, $0 * step), true) } },
    ]
    let pairs = Array(quartets.joined())
    let found = try await ImpuritySpectrum.loops(
      loops, model, impurities, directions: request.directions, isDressed: true,
      divisions: [96, 24, 12][model.dimension - 1], pairs: pairs)
    return worst(
      Spin.allCases.flatMap { u in
        [0, 4].map { start in
          var (sum, size) = (ComplexDouble.zero, 0.0)
          for (m, sign) in zip(start..<start + 4, [1.0, -1, -1, 1]) {
            let z2 = pairs[m].isAdvanced ? pairs[m].z2.conjugate : pairs[m].z2
            let (own, other) = (4 * u.rawValue, 4 * u.flipped.rawValue)
            let values = found[m].values
            let terms = [
              (pairs[m].z1 - z2) * values[own], values[own + 1].multiplied(by: 2 * u.sign),
              -values[own + 2], values[other + 2], -relaxation * values[own + 3],
            ]
            sum += terms.reduce(.zero, +).multiplied(by: sign)
            size += terms.map(\.length).max()!
          }
          return (sum.length / size, 1e-11, nil)
        }
      })
  }
}
