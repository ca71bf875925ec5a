// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import RealModule

extension DensityOfStates {
  /// Energies over all bands, and Gamma times 4 beyond, in the model's unit: E_n = E_0 + n dE, dE at most Gamma/2, at least 201 and at
  /// most 4001.
  public static func axis(_ model: Model, broadening: Double) -> [Double] {
    let edges = model.criticalPoints().map { k, band in
      Frame(model, at: WaveVector(k), directions: Directions(i: 0, j: 0)).energy(band).real
    }
    return axis(from: edges.min()!, to: edges.max()!, broadening: broadening)
  }

  /// The densities of each band, both degenerate states counted, at `energies`, for Gamma > 0:
  ///
  ///     D_s(E) = -(2/pi) Im avg_k 1/(E + i Gamma - E_s(k))
  ///     N_s(E) = integral_-infinity^E D_s = -(2/pi) Im avg_k log(E_s(k) - i Gamma - E)
  ///
  /// with avg 1 = 1, so that N_s(infinity) = 2. The zone is deformed into complex k (`BandContour`), where Im E_s <= 0 and neither
  /// function is singular, and the periodic grid is refined until
  ///
  ///     |error of D| <= tolerance * max(D, avg |1/(E + i Gamma - E_s)|),    |error of N| <= tolerance.
  /// - Throws: `NonConvergence`, `CancellationError`.
  public static func values(
    _ model: Model, energies: [Double], broadening: Double, tolerance: Double = 1e-4,
    threads: Int = 1
  ) async throws -> [DensityOfStates] {
    precondition(broadening > 0)
    let contours = Band.allCases.map { BandContour.contour(of: $0, model) }
    let survey = await WorkProgress.stage("survey of contours") { _ in
      ContourSurvey(contours, broadening: .infinity)
    }
    let resolutions = energies.map {
      let z = ComplexDouble($0, broadening)
      // As ContourSurvey.resolution: what the contours' own derivatives can take from the distance.
      return 2 / survey.rate(.bands(bonding: z, antibonding: z))
    }
    return try await refined(
      model.gridSizes, resolution: 1, resolutions: resolutions, LevelKind.bands, energies,
      allowed: { q, value, scale in tolerance * (q < 2 ? max(abs(value), scale) : 1) }
    ) { divisions, groups in
      try await level(
        contours, divisions, groups.map { ComplexDouble(energies[$0], broadening) }, threads)
    }
  }

  private struct Part: Sendable {
    var values, scales, steepness: [Double]
  }

  /// D_s and N_s of one grid.
  private static func level(
    _ contours: [BandContour], _ divisions: Int, _ energies: [ComplexDouble], _ threads: Int
  ) async throws -> GridRefinement.Level {
    let model = contours[0].model
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: model.energySymmetries())
    let hessian = model.hessianHamiltonians()
    let zero = [Double](repeating: 0, count: 4 * energies.count)
    let parts = try await grid.accumulateFirst(
      threads: threads, Part(values: zero, scales: zero, steepness: zero)
    ) { _ in
    } _: { part, f, size in
      let k = WaveVector(model.waveVector(reduced: (0..<model.dimension).map { f[$0] }))
      let frames = hessian.map { $0.frame(at: k) }
      for contour in contours {
        let b = contour.band.rawValue
        let (gradient, curvature) = model.derivatives(frames, contour.band)
        // det dkappa/dk of kappa = k - i c grad E.
        let jacobian = determinant(
          curvature.indices.map { a in
            curvature.indices.map {
              ComplexDouble(a == $0 ? 1 : 0, -contour.step * curvature[a][$0])
            }
          })
        let kappa = WaveVector(real: k.real, imaginary: packed(gradient) * -contour.step)
        let energy = hessian[0].frame(at: kappa).energy(contour.band)
        let weight = jacobian.multiplied(by: -2 / .pi * size)
        let size = weight.length
        for (n, z) in energies.enumerated() {
          let inverse = 1 / (z - energy)
          let logarithm = ComplexDouble.log(energy - z)
          part.values[4 * n + b] += (weight * inverse).imaginary
          part.scales[4 * n + b] += size * inverse.length
          part.values[4 * n + 2 + b] += (weight * logarithm).imaginary
          part.scales[4 * n + 2 + b] += size * logarithm.length
          part.steepness[4 * n + b] += size * inverse.lengthSquared
          part.steepness[4 * n + 2 + b] += size * inverse.length
        }
      }
    }
    let norm = 1 / Double(grid.count)
    func total(_ values: KeyPath<Part, [Double]>) -> [[Double]] {
      energies.indices.map { n in
        (4 * n..<4 * n + 4).map { q in parts.reduce(0) { $0 + $1[keyPath: values][q] } * norm }
      }
    }
    let (scales, steepness) = (total(\.scales), total(\.steepness))
    return GridRefinement.Level(
      values: total(\.values).map { $0.map { ComplexDouble($0) } }, scales: scales,
      rounding: energies.indices.map {
        model.rounding(scales[$0], steepness[$0], energies[$0].real)
      })
  }
}
