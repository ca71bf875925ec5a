// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// Averages over the Fermi surface, (1/V) sum_k sum_s w_s(k) delta(mu - E_s), with
/// delta -> -f'(E - mu) at T > 0.
///
/// T > 0: the periodic grid, which converges as exp(-c N T).
/// T = 0: the delta function is -(1/pi) Im 1/(mu + i0 - E), and the zone is deformed,
/// k -> kappa = k - i c grad E_s, which makes Im E(kappa) about -c |grad E|^2 < 0: no pole is left
/// near the path and the grid converges exponentially, whatever the shape of the surface,
///
///     W = -(1/pi) Im (1/V) sum_k det(1 - i c d_a d_b E) w(kappa) / (mu - E(kappa)).
///
/// It fails where grad E = 0 on the surface, a van Hove energy, where W itself is singular.
/// The result does not depend on c, which is checked with a second c.
struct FermiSurface: Sendable {
  /// A weight on the bands, analytic in k.
  typealias Weight = @Sendable (_ frame: Frame, _ s: Band) -> ComplexDouble

  let model: Model
  let directions: Directions
  let temperature: Double
  let weights: [Weight]
  let tolerance: Double
  let threads: Int

  /// The averages of all weights at `mu`, each to `tolerance` of its own value, with 1e-6 of its
  /// scale (the average of |w|) as the floor.
  /// - Throws: ``NonConvergence`` or ``VanHove``.
  func averages(mu: Double) async throws -> [Estimate] {
    temperature > 0 ? try await thermal(mu: mu) : try await sharp(mu: mu)
  }

  private func thermal(mu: Double) async throws -> [Estimate] {
    let symmetries = model.energySymmetries()
    let resolution = model.energySlope / (.pi * temperature)
    return try await refine(resolution: resolution, label: "mu = \(mu)") { divisions in
      let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
      let hamiltonian = BlochHamiltonian(model, directions: directions)
      let t = temperature
      return try await sum(grid) { star, values, scales in
        for point in star {
          let frame = hamiltonian.frame(at: point.k)
          for s in Band.allCases {
            // -f'(x) = 1/(4 T cosh^2(x/2T)), from exp(-|x|/T) so that it cannot overflow.
            let e = Double.exp(-abs(frame.energy(s).real - mu) / t)
            let delta = e / (t * (1 + e) * (1 + e))
            if e == 0 { continue }
            for (q, weight) in weights.enumerated() {
              let value = point.weight * delta * weight(frame, s).real
              values[q] += ComplexDouble(value)
              scales[q] += abs(value)
            }
          }
        }
      }
    }
  }

  private func sharp(mu: Double) async throws -> [Estimate] {
    if let point = model.vanHove(at: mu) { throw point }
    let full = 0.5 / model.largestCurvature()
    // The pole is moved off by about c v^2, which is the width of the feature; v is at most the slope.
    let resolution = 2 / (full * model.energySlope)
    let label = "mu = \(mu)"
    let first = try await deformed(mu: mu, step: full, resolution: resolution, label: label)
    let second = try await deformed(mu: mu, step: 0.7 * full, resolution: resolution, label: label)
    return zip(first, second).map {
      Estimate(value: $0.value, error: max($0.error, ($0.value - $1.value).length))
    }
  }

  private func deformed(mu: Double, step: Double, resolution: Double, label: String) async throws
    -> [Estimate]
  {
    let gradients = model.hessianHamiltonians()
    let own = BlochHamiltonian(model, directions: directions)
    let d = model.dimension
    return try await refine(resolution: resolution, label: label) { divisions in
      let grid = PeriodicGrid(model, divisions: divisions, symmetries: model.inversionGroup)
      return try await sum(grid) { star, values, scales in
        for point in star {
          let frames = gradients.map { $0.frame(at: point.k) }
          for s in Band.allCases {
            var shift = SIMD3<Double>.zero
            var jacobian = [[ComplexDouble]](
              repeating: [ComplexDouble](repeating: .zero, count: d), count: d)
            var pair = 0
            for a in 0..<d {
              for b in a..<d {
                let curvature = frames[pair].massInverse(s).real
                jacobian[a][b] = ComplexDouble(a == b ? 1 : 0, -step * curvature)
                jacobian[b][a] = jacobian[a][b]
                if a == b { shift[a] = -step * frames[pair].velocityI(s).real }
                pair += 1
              }
            }
            let kappa = WaveVector(real: point.k.real, imaginary: shift)
            let frame = own.frame(at: kappa)
            let pole = complexDeterminant(jacobian) / (ComplexDouble(mu) - frame.energy(s))
            for (q, weight) in weights.enumerated() {
              let value = (pole * weight(frame, s)).imaginary * point.weight / -.pi
              values[q] += ComplexDouble(value)
              scales[q] += abs(value)
            }
          }
        }
      }
    }
  }

  private func refine(
    resolution: Double, label: String,
    _ evaluate: @escaping (Int) async throws -> (values: [ComplexDouble], scales: [Double])
  ) async throws -> [Estimate] {
    let refinement = GridRefinement(
      resolution: resolution, dimension: model.dimension, pointLimit: 30_000_000)
    let outcome = try await refinement.run(groups: 1) { divisions, _ in
      let level = try await evaluate(divisions)
      return .init(values: [level.values], scales: [level.scales])
    } allowed: { _, values, scales in
      values.indices.map {
        let limit = max(
          tolerance * max(abs(values[$0].real), 1e-6 * scales[$0]), 2e-14 * scales[$0])
        return PartErrors(real: limit, imaginary: limit)
      }
    }[0]
    if let failure = outcome.failure {
      throw NonConvergence(
        label: label, estimate: outcome.worst(failure).estimate,
        allowed: outcome.worst(failure).allowed, divisions: outcome.divisions)
    }
    return outcome.estimates
  }

  /// The mean over the grid per cell volume.
  private func sum(
    _ grid: PeriodicGrid,
    _ add:
      @escaping @Sendable (
        _ star: [PeriodicGrid.StarPoint], _ values: inout [ComplexDouble], _ scales: inout [Double]
      ) -> Void
  ) async throws -> (values: [ComplexDouble], scales: [Double]) {
    let blockSize = 64
    let blocks = (grid.count + blockSize - 1) / blockSize
    let jobs = min(128, blocks)
    let count = weights.count
    let parts = try await parallelMap(jobs, threads: threads) { job in
      var values = [ComplexDouble](repeating: .zero, count: count)
      var scales = [Double](repeating: 0, count: count)
      for block in stride(from: job, to: blocks, by: jobs) {
        for index in (block * blockSize)..<min(grid.count, (block + 1) * blockSize) {
          if let star = grid.star(of: index) { add(star, &values, &scales) }
        }
      }
      return (values, scales)
    }
    let norm = 1 / (Double(grid.count) * model.cellVolume)
    return (
      (0..<count).map { q in parts.reduce(.zero) { $0 + $1.0[q] }.multiplied(by: norm) },
      (0..<count).map { q in parts.reduce(0) { $0 + $1.1[q] } * norm }
    )
  }
}

func complexDeterminant(_ m: [[ComplexDouble]]) -> ComplexDouble {
  switch m.count {
  case 1: return m[0][0]
  case 2: return m[0][0] * m[1][1] - m[0][1] * m[1][0]
  default:
    let a = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
    let b = m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
    let c = m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    return a - b + c
  }
}
