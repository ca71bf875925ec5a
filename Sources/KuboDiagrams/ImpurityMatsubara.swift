// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDisorder
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import Quadrature
import RealModule

extension ImpurityEngine {
  /// Bare or with the ladder: the sum over Matsubara frequencies with the self-energies there, and the spectral
  /// representation of K(omega) at real frequencies.
  package func matsubara(count: Int) async throws -> MatsubaraSpectrum {
    let (columns, temperature) = (request.columns, request.temperature)
    let highest = 2 * (model.energyBound + 2 * gamma.squareRoot())
    try require(
      temperature <= highest, "temperature", "\(temperature)",
      "at most \(significant(highest)) with impurities, twice the bands and their tails: above that, the spectral representation is a small difference of large terms"
    )
    // The survey of real energies must reach as far as the spectral integral.
    let (crystal, queue, integral) = try await energyIntegral(
      Array(columns.indices), upTo: 4 * model.energyBound)
    let step = 2 * Double.pi * temperature
    func limits(_ values: [ComplexDouble], _ scales: [Double]) -> [PartErrors] {
      values.indices.map {
        PartErrors(request.tolerance * max(values[$0].length, 1e-2 * scales[$0]))
      }
    }
    let direct = try await WorkProgress.stage(
      "Matsubara sums", unit: "Matsubara frequencies", of: count
    ) { stage in
      var direct: [EnergyIntegral.Result] = []
      for l in 0..<count {
        let sketch = try await integral.matsubara(index: l, nil)
        direct.append(
          try await integral.matsubara(index: l, limits(sketch.values, sketch.scales)))
        stage?.advance()
      }
      return direct
    }
    let frequencies = (0..<count).map { Double($0) * step }
    let allowed = direct.map { limits($0.values, $0.scales) }
    // omega on [0, cut], then omega = cut/u with u on [0, 1].
    let cut = 2 * (model.energyBound + crystal.width)
    let outputs = columns.count
    func kernel(_ omegas: [Double], _ jacobian: [Double]) async throws -> [[Double]] {
      try await queue.map(omegas.count) { n in
        let omega = omegas[n]
        let goal = allowed[0].map { limit in
          0.25 * limit
        }
        let values = try await integral.dynamicPart(omega: omega, goal)
        return frequencies.flatMap { y -> [Double] in
          let w = 2 / Double.pi * omega / (omega * omega + y * y) * jacobian[n]
          return values.values.map { $0.imaginary * w }
        }
      }
    }
    func quadrature(_ values: [Double]) -> [Double] {
      values.indices.map { allowed[$0 / outputs][$0 % outputs].real / 4 }
    }
    let (low, high) = try await WorkProgress.stage("spectral representation") { _ in
      (
        try await VectorIntegral(ends: [0, cut / 8, cut], allowed: quadrature) {
          try await kernel($0, $0.map { _ in 1 })
        },
        try await VectorIntegral(ends: [0, 1], allowed: quadrature) { u in
          try await kernel(u.map { cut / $0 }, u.map { cut / ($0 * $0) })
        }
      )
    }
    return MatsubaraSpectrum(
      frequencies: frequencies,
      columns: columns.indices.map { c in
        MatsubaraSpectrum.Column(
          response: columns[c].response,
          direct: direct.map {
            Estimate(value: $0.values[c], error: max($0.errors[c].real, $0.errors[c].imaginary))
          },
          spectral: (0..<count).map { l in
            let n = l * outputs + c
            // Each value under the integral is good to a quarter of what is allowed.
            return Estimate(
              value: ComplexDouble(low.values[n] + high.values[n]),
              error: low.errors[n] + high.errors[n] + allowed[l][c].real)
          }, scale: direct.map { $0.scales[c] })
      })
  }
}
