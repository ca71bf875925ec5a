// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import RealModule

extension ExactStatements {
  /// The request with impurities, bare and with the ladder.
  private func withImpurities(
    _ lifetime: Lifetime, temperature: Double? = nil, _ omegas: [Double], tolerance: Double
  ) -> SpectrumRequest {
    let names =
      lifetime.impurities?.kind == .scba ? ["X_na", "Y_na"] : ["Sigma_full", "s_full"]
    return request.asking(
      .named(names, [.bare, .ladder]),
      of: request.electrons.with(temperature: temperature, lifetime: lifetime), omegas: omegas,
      tolerance: tolerance)
  }

  /// Impurities of strength `gamma`: conservation laws of the `site` ladder, and K(-omega) = K(omega)*
  /// for both kinds.
  package func conservationStatements(_ gamma: Double) async throws -> [Verification.Statement] {
    let j = model.exchange
    let positive = omegas.prefix(2)
    let both = positive + positive.map { -$0 }
    let names = ["Sigma_full", "s_full"]
    let site = withImpurities(.site(gamma), Array(both), tolerance: Verification.loosestTolerance)
    let scba = withImpurities(.scba(gamma), Array(both), tolerance: Verification.loosestTolerance)
    // A spectrum without self-energies fails each statement about it.
    let siteResult = try await attempt { VerifiedSpectrum(spectrum: try await site.spectrum()) }
    let scbaResult = try await attempt { VerifiedSpectrum(spectrum: try await scba.spectrum()) }
    var statements: [Verification.Statement] = []
    func state(
      _ claim: String, _ source: String,
      _ compute: () async throws -> Residual
    ) async throws {
      statements.append(try await statement(.ladder, claim, source, compute))
    }
    try await state("site: K_s(0) = 0, K_Sigma(0) = 0, bare and ladder", "docs/conventions.md 4.1")
    {
      let atSites = try siteResult.get()
      return worst(
        try [Dressing.bare, .ladder].map { dressing in
          let size = try names.map { try atSites.size($0, dressing) }.max()!
          return try atSites.vanishingStatics(names, dressing) { _ in size }
        })
    }
    try await state(
      "site: spin continuity 2 J K_Sigma = i omega K_s, ladder", "docs/conventions.md 4.2"
    ) {
      let atSites = try siteResult.get()
      return try atSites.compare("s_full", .ladder) { n in
        let factor = ComplexDouble(0, atSites.spectrum.omegas[n])
        let (a, b) = (
          try atSites.value("Sigma_full", n, .ladder), try atSites.value("s_full", n, .ladder)
        )
        return (
          [
            Estimate(
              value: a.value.multiplied(by: 2 * j / factor.imaginary),
              error: a.error * 2 * j / abs(factor.imaginary))
          ],
          [Estimate(value: b.value * .i, error: b.error)]
        )
      }
    }
    // Loops of four propagators take the real zone: minutes in three dimensions.
    if model.dimension < 3 { statements += try await cantingStatements(gamma) }
    for (name, result, columns) in [
      ("site", siteResult, site.columns), ("scba", scbaResult, scba.columns),
    ] {
      try await state("\(name): K(-omega) = K(omega)*, bare and ladder", "docs/conventions.md 4.3")
      {
        try realityInTime(result.get(), columns)
      }
    }
    return statements
  }

  /// The response to a canting that varies, to first order in its wave vector q, with `site` impurities of strength
  /// `gamma`: gauge invariance, and the continuity of the spin,
  ///
  ///     omega s' + i j_s - i torque' = 0,   ' = -i d/dq,
  ///
  /// with j_s at q = 0, whose contact term cancels K(0); docs/conventions.md 4.5.
  package func cantingStatements(_ gamma: Double) async throws -> [Verification.Statement] {
    let (names, current) = (["s_canting_full", "X_full"], "j_s.xx.canting_uniform")
    let complement = ["s.xy.canting_gradient", "torque.xy.canting_gradient"]
    let isKnown = (names + [current]).allSatisfy {
      !request.diagrams.diagrams(of: Response($0)!).isEmpty
    }
    guard isKnown else { return [] }
    let asked = request.asking(
      .named(names + [current], [.bare, .ladder]) + .named(complement),
      of: request.electrons.with(lifetime: .site(gamma)), omegas: Array(omegas.prefix(2)),
      tolerance: Verification.loosestTolerance)
    let result = try await attempt { VerifiedSpectrum(spectrum: try await asked.spectrum()) }
    return [
      try await statement(
        .ladder, "site: K'(q, 0) = 0 of a canting, bare and ladder", "docs/conventions.md 4.5"
      ) {
        let found = try result.get()
        return worst(
          try [Dressing.bare, .ladder].map { dressing in
            try found.vanishingStatics(names, dressing) { try found.size($0, dressing) }
          })
      },
      try await statement(
        .ladder, "site: spin continuity omega s' + i j_s = i torque' of a canting, ladder",
        "docs/conventions.md 4.5"
      ) {
        let found = try result.get()
        return try found.compare(names[0], .ladder) { n in
          let omega = found.spectrum.omegas[n]
          let (s, torque) = (
            try found.value(names[0], n, .ladder), try found.value(names[1], n, .ladder)
          )
          let j = try found.column(current, .ladder).values[n]!
          func estimate(_ value: ComplexDouble, _ error: Double) -> Estimate {
            Estimate(value: value.multiplied(by: 1 / omega), error: error / omega)
          }
          return (
            [s, estimate(.i * j.dynamic, j.error)], [estimate(.i * torque.value, torque.error)]
          )
        }
      },
      try await statement(
        .ladder, "site: s'^xy = 0, torque'^xy = 0 of a canting, bare", "docs/conventions.md 4.5"
      ) {
        let found = try result.get()
        return worst(
          try zip(complement, names).map { name, other in
            let size = try found.size(other)
            return worst(
              try found.spectrum.omegas.indices.map { n in
                let value = try found.value(name, n)
                return (value.value.length / size, value.error / size, nil)
              })
          })
      },
    ]
  }

  /// Causality of the loops with impurities of strength `gamma`, bare and with the ladder: the Matsubara
  /// sum with the self-energies at i eps_n against the spectral representation.
  package func ladderRouteStatements(_ gamma: Double) async throws -> [Verification.Statement] {
    var statements: [Verification.Statement] = []
    let temperature = max(
      request.temperature, (model.dimension == 3 ? 0.3 : 0.05) * model.exchange)
    for lifetime in [Lifetime.site(gamma), .scba(gamma)] {
      let thermal = withImpurities(lifetime, temperature: temperature, [], tolerance: 3e-3)
      let kind = lifetime.impurities!.kind.rawValue
      statements.append(
        try await statement(
          .ladder,
          "\(kind): Matsubara sum = Kramers-Kronig of Im K, at T = \(significant(temperature))",
          "docs/conventions.md 3, 4.3"
        ) { try await thermal.matsubara(count: 2).residual })
    }
    return statements
  }
}
