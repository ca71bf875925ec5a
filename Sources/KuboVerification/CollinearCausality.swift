// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboLattice
import KuboLoops
import KuboOrbitals
import KuboWork
import KuboZoneIntegrals
import Quadrature
import RealModule

extension CollinearStatements {
  /// Kramers and Kronig, and the sum rule of the conductivity, from one integral over real frequencies. At a large enough Gamma,
  /// where that is soon done.
  ///
  /// q(omega) = [K(omega) - K(0)]/omega has no singularity above the real axis if K is causal, and q(-omega) = -q(omega)*, so that
  ///
  ///     int_0^infinity d omega [omega Re q + y Im q]/(omega^2 + y^2) = 0
  ///     int_0^infinity d omega Re sigma(omega) = (pi/2) (1/V) sum_k sum_u <tr d_i d_j H^u G_u>
  package func causalityStatements() async throws -> [Verification.Statement] {
    let ones = model.orbitals.map { _ in 1.0 }
    let width = model.energyBound
    var own = asking(
      (isAligned
        ? [.spin(.x, ones), .spin(.y, ones), .torque(.x, ones), .torque(.y, ones)] : [])
        + [.conduction(.up), .conduction(.down)], [])
    own.broadening = largeBroadening
    own.tolerance = 1e-5
    let request = own
    let count = request.responses.count
    let sign = mutation == .causality ? -1.0 : 1
    let heights = [0.1, 0.4].map { $0 * width }
    /// For each response and height [omega Re q + y Im q]/(omega^2 + y^2), its modulus and error; then those of Re sigma.
    func components(_ column: CollinearSpectrum.Column, _ n: Int, _ omega: Double) -> [Double] {
      let q = column.quotients[n]!
      return heights.flatMap { y -> [Double] in
        let norm = 1 / (omega * omega + y * y)
        let (a, b) = (omega * q.value.real * norm, sign * y * q.value.imaginary * norm)
        return [a + b, abs(a) + abs(b), (omega + y) * norm * q.error]
      } + [-q.value.imaginary, abs(q.value.imaginary), q.error]
    }
    func values(_ omegas: [Double]) async throws -> [[Double]] {
      var batch = request
      batch.omegas = omegas
      let found = try await spectrum(batch)
      return omegas.indices.map { n in
        found.columns.flatMap { components($0, n, omegas[n]) }
      }
    }
    let each = 3 * (heights.count + 1)
    /// The modulus of the same for the larger of both components, or spins: one of them may vanish by symmetry.
    func size(_ values: [Double], _ n: Int) -> Double {
      let other = n / each % 2 == 0 ? n + each : n - each
      return max(values[n + 1], values[other + 1])
    }
    func allowed(_ values: [Double]) -> [Double] {
      values.indices.map { $0 % 3 == 0 ? 3e-5 * size(values, $0) : .infinity }
    }
    let edge = 2 * width
    let panels = (edge / (8 * request.broadening)).rounded(.up)
    let ends = (0...Int(panels)).map { edge * Double($0) / panels } + [2 * edge]
    let integrals = try await attempt {
      () async throws -> [(value: Double, size: Double, error: Double)] in
      let low = try await VectorIntegral(ends: ends, limit: 2000, allowed: allowed, values)
      let high = try await VectorIntegral(
        ends: [0, 1], limit: 2000,
        allowed: { values in
          allowed(zip(values, low.values).map { $0 + $1 })
        }
      ) { us in
        zip(us, try await values(us.map { ends.last! / $0 })).map { u, values in
          values.map { $0 * ends.last! / (u * u) }
        }
      }
      let sums = zip(low.values, high.values).map { $0 + $1 }
      return stride(from: 0, to: sums.count, by: 3).map { n in
        (sums[n], size(sums, n), sums[n + 2] + low.errors[n] + high.errors[n])
      }
    }
    let state = "at Gamma = \(significant(request.broadening))"
    return [
      try await statement(
        .bare, "causality: Kramers-Kronig of K(omega), \(state)", "docs/collinear.md"
      ) {
        let integrals = try integrals.get()
        return worst(
          (0..<count).flatMap { r in
            heights.indices.map { h in
              let (value, size, error) = integrals[r * each / 3 + h]
              return (abs(value) / size, error / size, nil)
            }
          })
      },
      try await statement(
        .bare, "f-sum rule: int Re sigma = (pi/2) <tr d_i d_j H G>, \(state)", "docs/collinear.md"
      ) {
        let integrals = try integrals.get()
        return worst(
          try await zip(Spin.allCases, weights(request)).enumerated().map { n, weight in
            let (value, size, error) = integrals[(count - 2 + n) * each / 3 + heights.count]
            let right = weight.1
            return (
              abs(value - .pi / 2 * right.value.real) / size,
              (error + .pi / 2 * right.error) / size,
              nil
            )
          })
      },
    ]
  }

  /// (1/V) sum_k <tr d_i d_j H^u G_u> of both spins, of explicit matrices.
  private func weights(_ request: CollinearRequest) async throws -> [Estimate] {
    let line = FermiLogarithm(
      temperature: request.temperature, broadening: request.broadening,
      reach: model.energyBound + abs(request.mu))
    let refinement = GridRefinement(
      resolution: model.resolution(request.broadening), sizes: model.gridSizes,
      pointLimit: 10_000_000, name: "f-sum rule")
    let outcome = try await refinement.run(groups: 1) { divisions, _ in
      let points = (0..<model.dimension).reduce(1) { n, _ in n * divisions }
      let parts = try await parallelMap(divisions, threads: request.threads) { first in
        var sums = [(0.0, 0.0), (0.0, 0.0)]
        for rest in 0..<points / divisions {
          var code = rest
          let f = (0..<model.dimension).map { axis in
            if axis == 0 { return Double(first) / Double(divisions) }
            defer { code /= divisions }
            return Double(code % divisions) / Double(divisions)
          }
          for u in Spin.allCases {
            for (level, curvature) in CurvedBands(reference, u, f, request.directions).levels {
              let term = -line.value(level - request.mu).imaginary / .pi * curvature
              sums[u.rawValue].0 += term
              sums[u.rawValue].1 += abs(term)
            }
          }
        }
        return sums
      }
      let norm = 1 / (Double(points) * model.cellVolume)
      let values = (0..<2).map { u in parts.reduce(0) { $0 + $1[u].0 } * norm }
      let scales = (0..<2).map { u in parts.reduce(0) { $0 + $1[u].1 } * norm }
      return .init(
        values: [values.map { ComplexDouble($0) }], scales: [scales],
        rounding: [scales.map { 1e-14 * $0 }])
    } allowed: { _, _, scales in
      scales.map { PartErrors(1e-6 * $0) }
    }[0]
    return try outcome.converged("f-sum rule").estimates
  }
}
