// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import KuboZoneSums
import RealModule

extension ExactStatements {
  /// 4.4: what must not change the results. Symmetry on one grid; another unit cell; other units of
  /// energy and length.
  func invarianceStatements() async throws -> [Verification.Statement] {
    let names = ["sigma", "X", "s_full", "Sigma_full"]
    let omegas = Array(omegas.prefix(2))
    let d = model.dimension
    let vectors = model.latticeVectors
    let cell =
      d == 1
      ? [[-vectors[0][0]]]
      : (0..<d).map { a in
        a + 1 < d ? zip(vectors[a], vectors[a + 1]).map { $0 + $1 } : vectors[a]
      }
    let (energy, length) = (2.5, 3.0)
    var original: VerifiedSpectrum?
    func transformed(_ model: Model, energy: Double) async throws -> VerifiedSpectrum {
      let electrons = Electrons(
        model: model, mu: request.mu * energy, temperature: request.temperature * energy,
        lifetime: .constant(gamma * energy))
      return VerifiedSpectrum(
        spectrum: try await request.asking(
          .named(names), of: electrons, omegas: omegas.map { $0 * energy }
        ).spectrum())
    }
    func compare(_ other: VerifiedSpectrum, energy: Double, length: Double) throws -> Residual {
      let original = original!
      return worst(
        try names.map { name in
          // K of a spin and sigma: length^(2-d); X: energy length^(2-d).
          let factor =
            Double.pow(length, 2 - d)
            * (Response(name)!.measured == .anomalousSpinCurrent ? energy : 1)
          return try original.compare(name) { n in
            let a = try original.value(name, n)
            let b = try other.value(name, n)
            return (
              [a], [Estimate(value: b.value.divided(by: factor), error: b.error / factor)]
            )
          }
        })
    }
    func scaled(_ hops: [Hop], _ energy: Double, _ length: Double) -> [Hop] {
      hops.map {
        Hop(vector: $0.vector.map { $0 * length }, amplitude: $0.amplitude * energy)
      }
    }
    func copy(_ vectors: [[Double]], energy: Double = 1, length: Double = 1) throws -> Model {
      try Model(
        name: model.name, latticeVectors: vectors.map { $0.map { $0 * length } },
        interSublattice: scaled(model.interSublattice, energy, length),
        intraSublattice: scaled(model.intraSublattice, energy, length),
        exchange: model.exchange * energy)
    }
    original = try await transformed(model, energy: 1)
    return [
      try await statement(
        .bare, "symmetries found: reduced sum = sum of the whole grid", "docs/conventions.md 4.4"
      ) {
        try await symmetryResidual(names, omegas)
      },
      try await statement(
        .bare, "another unit cell, and thus another grid", "docs/conventions.md 4.4"
      ) {
        try compare(try await transformed(copy(cell), energy: 1), energy: 1, length: 1)
      },
      try await statement(.bare, "units of energy x 2.5, of length x 3", "docs/conventions.md 4.4")
      {
        try compare(
          try await transformed(copy(vectors, energy: energy, length: length), energy: energy),
          energy: energy, length: length)
      },
    ]
  }

  /// One grid with and without the symmetries of the energies.
  private func symmetryResidual(_ names: [String], _ omegas: [Double]) async throws -> Residual {
    var zone = ZoneSum(
      model: model, directions: directions, mu: request.mu, temperature: request.temperature,
      broadening: gamma,
      loops: names.map {
        let response = Response($0)!
        return .init(
          measured: response.measured, spin: response.spin,
          diagrams: request.diagrams.diagrams(of: response))
      }, closedForms: ClosedForm.allCases.map { (form: $0, version: .corrected) },
      threads: request.threads)
    let divisions = [200, 36, 12][model.dimension - 1]
    let reduced = try await zone(divisions: divisions, omegas: omegas, withScales: true)
    zone.origin = [Double](repeating: 0, count: model.dimension)
    let whole = try await zone(divisions: divisions, omegas: omegas, withScales: true)
    var residual = 0.0
    for n in omegas.indices {
      for o in whole.scales[n].indices {
        let difference = (reduced.quotients[n][o] - whole.quotients[n][o]).length
        residual = larger(residual, difference == 0 ? 0 : difference / whole.scales[n][o])
      }
    }
    return (residual, 1e-11, nil)
  }

  /// The Matsubara sum itself against the spectral representation of K(omega), which holds if K is
  /// causal (Kramers and Kronig), and the f-sum rule. At T and Gamma of 0.05 J or more, in three
  /// dimensions 0.3 J, where a uniform grid and a sum over frequencies are soon done.
  func routeStatements() async throws -> [Verification.Statement] {
    // The spectral representation sees no levels much narrower than 1/8000 of the bands.
    let least = max(
      (model.dimension == 3 ? 0.3 : 0.05) * model.exchange, model.energyBound / 4000)
    let broadening = max(gamma, least)
    let fixed = request.asking(
      .named(["sigma", "X", "Y", "X_na", "Y_na", "s_full", "Sigma_full"]),
      of: request.electrons.with(
        temperature: max(request.temperature, least), lifetime: .constant(broadening)),
      omegas: [], tolerance: Verification.loosestTolerance)
    let state =
      "at T = \(significant(fixed.temperature)), Gamma = \(significant(broadening))"
    return [
      try await statement(
        .bare, "causality: Matsubara sum = Kramers-Kronig of Im K, \(state)",
        "docs/conventions.md 3, 4.3"
      ) {
        let result = try await fixed.matsubara(count: 3)
        return result.residual
      },
      try await statement(
        .bare, "f-sum rule: -Pi(0) = T sum tr[d_i d_j H G], \(state)", "docs/conventions.md 4.3"
      ) {
        let optical = fixed.asking(
          .named(["sigma"]), omegas: [model.exchange], tolerance: 1e-6)
        let column = try VerifiedSpectrum(spectrum: await optical.spectrum()).column("sigma")
        let (weight, scale) = try await ExactStatements(fixed, gamma: broadening)
          .diamagneticWeight()
        // Off the diagonal both may vanish by symmetry.
        let size = max(weight.value.length, 1e-6 * scale)
        return (
          (column.staticPart! + weight.value).length / size,
          (weight.error + column.values[0]!.error) / size, nil
        )
      },
    ]
  }

  /// (1/V) sum_k (1/beta) sum_n tr[d_i d_j H G], with the occupations for the sum over n; what they leave
  /// out vanishes since d_i d_j H has no zone average.
  private func diamagneticWeight() async throws -> (Estimate, scale: Double) {
    let occupation = Occupation(
      model: model, directions: directions, temperature: request.temperature, broadening: gamma,
      threads: request.threads
    ) { frame, s in
      Spin.allCases.reduce(.zero) { $0 + Matrix2.trace(frame.curvature, frame.projector($1, s)) }
    }
    let mu = request.mu
    let outcome = try await occupation.refinement(mu: mu, name: "f-sum rule").run(groups: 1) {
      divisions, _ in
      let (value, scale) = try await occupation.table(divisions: divisions).sum(mu: mu)
      return .init(
        values: [[ComplexDouble(value)]], scales: [[scale]], rounding: [[1e-14 * scale]])
    } allowed: { _, values, scales in
      [PartErrors(1e-7 * scales[0])]
    }[0].converged("f-sum rule")
    return (outcome.estimates[0], outcome.scales[0])
  }
}

extension MatsubaraSpectrum {
  /// The largest difference of the direct and the spectral route, relative to the response, or to a
  /// hundredth of its absolute contributions where it is smaller.
  package var residual: Residual {
    var parts: [Residual] = []
    for column in columns {
      let sizes = zip(column.direct, column.scale).map { max($0.value.length, 1e-2 * $1) }
      let size = sizes.max()!
      for (a, b) in zip(column.direct, column.spectral) {
        let difference = (a.value - b.value).length
        parts.append((difference / size, (a.error + b.error) / size, nil))
      }
    }
    return worst(parts)
  }
}
