// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneIntegrals
import RealModule

/// Averages over the Fermi surface, (1/V) sum_k sum_s w_s(k) delta(mu - E_s), with
/// delta -> -f'(E - mu) at T > 0.
///
/// -f'(x) is the imaginary part of l'(x - i0)/pi (`FermiLogarithm`), which is analytic for
/// Im x < 0, and the zone is deformed, k -> kappa = k - i c grad E_s, which makes
/// Im E(kappa) about -c |grad E|^2 < 0: no singularity is left near the path and the periodic grid
/// converges exponentially, at T = 0 as well and whatever the shape of the surface,
///
///     W = (1/pi) Im (1/V) sum_k det(1 - i c d_a d_b E) w(kappa) l'(E(kappa) - mu).
///
/// It fails where grad E = 0 on the surface at T = 0, a van Hove energy, where W itself is singular.
/// The result does not depend on c, which is checked with a second c.
package struct FermiSurface: Sendable {
  /// A weight on the bands: analytic in k and even, so that k and -k count alike.
  package typealias Weight = @Sendable (_ frame: Frame, _ s: Band) -> ComplexDouble

  package let model: Model
  package let directions: Directions
  package let temperature: Double
  package let weights: [Weight]
  package let tolerance: Double
  package let threads: Int

  package init(
    model: Model, directions: Directions, temperature: Double, weights: [Weight], tolerance: Double,
    threads: Int
  ) {
    self.model = model
    self.directions = directions
    self.temperature = temperature
    self.weights = weights
    self.tolerance = tolerance
    self.threads = threads
  }

  /// The averages of all weights at `mu`, each to `tolerance` of its own value, with 1e-6 of the sum
  /// of its absolute contributions as the floor.
  /// - Throws: `NonConvergence` or `VanHove`.
  package func averages(mu: Double) async throws -> [Estimate] {
    if temperature == 0, let point = model.vanHove(at: mu) { throw point }
    let step = 0.5 / model.largestCurvature()
    let first = try await deformed(mu: mu, step: step)
    let second = try await deformed(mu: mu, step: 0.7 * step)
    return zip(first, second).map {
      Estimate(value: $0.value, error: max($0.error, ($0.value - $1.value).length))
    }
  }

  private func deformed(mu: Double, step: Double) async throws -> [Estimate] {
    // The deformation moves the singularities off by about c v^2; v is at most the slope.
    let slope = model.energySlope
    let width = .pi * temperature + step * slope * slope / 2
    let refinement = GridRefinement(
      resolution: max(slope / width, model.resolution(.infinity)), sizes: model.gridSizes,
      pointLimit: [1_000_000, 4_000_000, 100_000_000][model.dimension - 1], unit: "",
      name: "Fermi surface")
    var rounding: [Double] = []
    let outcome = try await refinement.run(groups: 1) { divisions, _ in
      let level = try await sum(mu: mu, step: step, divisions: divisions)
      rounding = model.rounding(level.scales, level.steepness, mu)
      return .init(values: [level.values], scales: [level.scales], rounding: [rounding])
    } allowed: { _, values, scales in
      values.indices.map {
        Tolerance(tolerance).allowed(
          values[$0], scale: scales[$0], rounding: rounding[$0])
      }
    }[0]
    return try outcome.converged("mu = \(mu)").estimates
  }

  /// The mean over one grid per cell volume.
  private func sum(mu: Double, step: Double, divisions: Int) async throws
    -> (values: [ComplexDouble], scales: [Double], steepness: [Double])
  {
    let symmetries = model.energySymmetries()
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    let hessian = model.hessianHamiltonians()
    let hamiltonian = BlochHamiltonian(model, directions: directions)
    let reciprocal = model.reciprocalVectors.map(packed)
    struct Part: Sendable {
      var values: [ComplexDouble]
      var scales, steepness: [Double]
    }
    let empty = Part(
      values: Array(repeating: .zero, count: weights.count),
      scales: Array(repeating: 0, count: weights.count),
      steepness: Array(repeating: 0, count: weights.count))
    let parts = try await grid.accumulate(threads: threads, empty) { part, index, star in
      let k = grid.point(index)
      let frames = hessian.map { $0.frame(at: k) }
      for s in Band.allCases {
        let (gradient, curvature) = model.derivatives(frames, s)
        // The displacement -c grad E in reduced coordinates, which symmetries map like f.
        let y = gradient.map { -step * $0 }
        let g = model.latticeVectors.map { a in
          zip(a, y).reduce(0) { $0 + $1.0 * $1.1 } / (2 * .pi)
        }
        let jacobian = curvature.indices.map { a in
          curvature.indices.map { b in ComplexDouble(a == b ? 1 : 0, -step * curvature[a][b]) }
        }
        let kappa = WaveVector(real: k.real, imaginary: packed(y))
        let pole = hamiltonian.frame(at: kappa).energy(s) - ComplexDouble(mu)
        // l is singular on the imaginary axis from i pi T on.
        let distance = Double.hypot(pole.real, min(0, pole.imaginary) - .pi * temperature)
        let delta =
          determinant(jacobian)
          * FermiLogarithm.derivative(at: pole, temperature: temperature)
        for point in star {
          let rows = symmetries[point.operation].rows
          var shift = SIMD3<Double>.zero
          for a in rows.indices {
            shift +=
              reciprocal[a] * rows[a].indices.reduce(0.0) { $0 + Double(rows[a][$1]) * g[$1] }
          }
          let frame = hamiltonian.frame(at: WaveVector(real: point.k.real, imaginary: shift))
          for (q, weight) in weights.enumerated() {
            let term = (delta * weight(frame, s)).multiplied(by: point.weight / .pi)
            part.values[q] += ComplexDouble(term.imaginary)
            part.scales[q] += abs(term.imaginary)
            part.steepness[q] += term.length / distance
          }
        }
      }
    }
    let norm = 1 / (Double(grid.count) * model.cellVolume)
    return (
      weights.indices.map { q in parts.reduce(.zero) { $0 + $1.values[q] }.multiplied(by: norm) },
      weights.indices.map { q in parts.reduce(0) { $0 + $1.scales[q] } * norm },
      weights.indices.map { q in parts.reduce(0) { $0 + $1.steepness[q] } * norm }
    )
  }
}
