// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

extension SpectrumRequest {
  /// Impurities of strength `gamma`: conservation laws of the `site` ladder, and causality of the
  /// loops, bare and with the ladder, of both kinds.
  func ladderStatements(_ gamma: Double) async throws -> [Verification.Statement] {
    let j = model.exchange
    func request(_ lifetime: Lifetime, _ names: [String], _ omegas: [Double]) -> SpectrumRequest {
      var request = self
      request.lifetime = lifetime
      request.columns = names.flatMap { name in
        [Dressing.bare, .ladder].map { .init(response: Response(name)!, dressing: $0) }
      }
      request.omegas = omegas
      request.tolerance = max(tolerance, 1e-4)
      return request
    }
    let positive = Self.verificationOmegas.prefix(2).map { $0 * j }
    let both = positive + positive.map { -$0 }
    let names = (scba: ["X_na", "Y_na"], site: ["Sigma_full", "s_full"])
    let site = request(.site(gamma), names.site, both)
    let scba = request(.scba(gamma), names.scba, both)
    let atSites = VerifiedSpectrum(spectrum: try await site.spectrum())
    let perBand = VerifiedSpectrum(spectrum: try await scba.spectrum())
    var statements: [Verification.Statement] = []
    func state(
      _ claim: String, _ source: String,
      _ compute: () async throws -> (residual: Double, tolerance: Double, place: String?)
    ) async throws {
      statements.append(try await statement(.ladder, claim, source, compute))
    }
    try await state("site: K_s(0) = 0, K_Sigma(0) = 0, bare and ladder", "physics.md 6.1") {
      worst(
        try [Dressing.bare, .ladder].flatMap { dressing in
          try names.site.map { name in
            let column = try atSites.column(name, dressing)
            let size = try names.site.map { try atSites.size($0, dressing) }.max()!
            return (
              column.staticPart!.length / size, column.values.map { $0!.error }.max()! / size, nil
            )
          }
        })
    }
    try await state("site: spin continuity 2 J K_Sigma = i omega K_s, ladder", "physics.md 6.2") {
      try atSites.compare("s_full", .ladder) { n in
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
    for (name, found, columns) in [
      ("site", atSites, site.columns), ("scba", perBand, scba.columns),
    ] {
      try await state("\(name): K(-omega) = K(omega)*, bare and ladder", "physics.md 6.3") {
        try realityInTime(found, columns)
      }
    }
    for (lifetime, names) in [(Lifetime.site(gamma), names.site), (.scba(gamma), names.scba)] {
      var thermal = request(lifetime, names, [])
      thermal.temperature = max(temperature, 0.05 * j)
      thermal.tolerance = max(tolerance, 1e-3)
      let fixed = thermal
      let kind = lifetime.order.impurities!.rawValue
      try await state(
        "\(kind): Matsubara sum = Kramers-Kronig of Im K, bare and ladder, at T = \(significant(fixed.temperature))",
        "physics.md 3, 6.3"
      ) {
        let result = try await fixed.matsubara(count: 2)
        return result.residual
      }
    }
    return statements
  }
}
