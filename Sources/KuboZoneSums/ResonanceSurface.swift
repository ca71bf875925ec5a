// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import RealModule

/// The zone deformed for functions that are singular where E_s - level_s meets i Gamma, of both bands s:
///
///     k -> k - i c sum_s h_s grad E_s,   h_s = exp(-((E_s - level_s)/width)^2)
///
/// Next to E_s = level_s the imaginary part of E_s is negative. The bands need not have velocities of
/// like direction, as on a `BandContour`, as long as the two levels are not met at points near to each
/// other: this serves the retarded-retarded parts of a pair of bands in resonance, as they stand,
/// without partial fractions.
package struct ResonanceSurface: DisplacedZone {
  package let model: Model
  /// mu or mu +- omega, for the bonding and for the antibonding band.
  package let levels: SIMD2<Double>
  package let width, step: Double
  /// 1/c_0 of `GridRefinement`.
  package let resolution: Double

  package var metric: [Double] { model.latticeMetric }

  package var displacement: ZoneDisplacement {
    ZoneDisplacement(
      step: step,
      (0..<2).map {
        ZoneWindow(band: Int32($0), weight: 1, center: levels[$0], inverse_width: 1 / width)
      })
  }

  /// ``ContourSurvey/resonanceSurfaces(_:mu:temperature:)`` of a model.
  package static func surfaces(
    _ model: Model, omega: Double, mu: Double, temperature: Double, broadening: Double
  ) -> [ResonanceSurface]? {
    ContourSurvey(
      Band.allCases.map { BandContour.contour(of: $0, model) }, broadening: broadening
    ).resonanceSurfaces(omega, mu: mu, temperature: temperature)
  }
}

extension ContourSurvey {
  /// The surfaces for the retarded-retarded part of the bands at |omega|, with the levels mu and mu + omega, and
  /// for what the advanced-advanced one is the complex conjugate of, with mu - omega and mu; nil where there
  /// are none.
  package func resonanceSurfaces(_ omega: Double, mu: Double, temperature: Double)
    -> [ResonanceSurface]?
  {
    let w = abs(omega)
    var surfaces: [ResonanceSurface] = []
    for levels in [SIMD2(mu, mu + w), SIMD2(mu - w, mu)] {
      guard let own = resonanceSurface(levels, depth: broadening + .pi * temperature) else {
        return nil
      }
      surfaces.append(own)
    }
    return surfaces
  }

  private func resonanceSurface(_ levels: SIMD2<Double>, depth: Double) -> ResonanceSurface? {
    let model = contours[0].model
    let distances = coarsePoints.map { point in
      SIMD2(abs(point.energies[0] - levels[0]), abs(point.energies[1] - levels[1]))
    }
    let separation = distances.map { $0.sum() }.min()!
    let range = coarsePoints.map(\.energies[1]).max()! - coarsePoints.map(\.energies[0]).min()!
    let width = min(0.9 * separation, range / 4)
    guard width > 1e-3 * range else { return nil }
    // Where a level is near, the windows change the displacement by step grad^2/width.
    var steepest = 0.0
    for (point, distance) in zip(coarsePoints, distances) {
      for s in 0..<2 where distance[s] < 2 * width {
        steepest = max(steepest, point.speeds[s] * point.speeds[s])
      }
    }
    var step = min(contours[0].step, contours[1].step, 0.8 * width / max(steepest, 1e-300))
    for _ in 0..<3 {
      if let resolution = resolution(levels, width: width, step: step, depth: depth) {
        return ResonanceSurface(
          model: model, levels: levels, width: width, step: step, resolution: resolution)
      }
      step /= 2
    }
    return nil
  }

  /// 1/c_0 on such a surface; nil if a singularity may have been met on the way to it.
  private func resolution(
    _ levels: SIMD2<Double>, width: Double, step: Double, depth: Double
  ) -> Double? {
    let model = contours[0].model
    let path = DisplacementPath(model, levels, width: width, step: step, depth: depth)
    let size = 1 / Double(ContourSurvey.divisions(model))
    let shifts = coarsePoints.map { path.shift($0.gradients, $0.energies, part: 1) }
    var nearest = 1 / model.harmonics(displacement: model.largestDisplacement(shifts))
    for point in coarsePoints {
      let u = (point.energies - levels) / width
      if (u * u).min() > 9 {
        // Not displaced.
        for s in 0..<2 {
          Self.note(
            ComplexDouble(point.energies[s] - levels[s], -depth), point.slopes[s],
            point.curvatures[s], 1, 2 * point.cell, 0, &nearest)
        }
        continue
      }
      guard path.isClear(point.k, point.gradients, point.energies, size: size) else { return nil }
      var stretch = 0.0
      for s in 0..<2 {
        stretch +=
          step * Double.exp(-u[s] * u[s])
          * (point.hessians[s] + 2 * abs(u[s]) / width * point.speeds[s] * point.speeds[s])
      }
      stretch = Double.hypot(1, stretch)
      let frame = path.frame(point.k, point.gradients, point.energies, part: 1)
      for band in Band.allCases {
        let s = band.rawValue
        Self.note(
          frame.energy(band) - ComplexDouble(levels[s], depth), point.slopes[s],
          point.curvatures[s], stretch, 2 * point.cell, 0, &nearest)
        // The windows grow in the complex plane.
        if point.slopes[s] > 0 { nearest = min(nearest, width / point.slopes[s]) }
      }
      let delta = frame.delta.length
      Self.note(
        frame.delta * frame.delta, delta * point.gapSlope,
        delta * point.gapCurvature / 2 + point.gapSlope * point.gapSlope / 4, stretch, 0, 0,
        &nearest)
    }
    return 2 / nearest
  }
}

/// The way from the real zone to a ``ResonanceSurface``.
private struct DisplacementPath {
  let levels: SIMD2<Double>
  let width, step, depth: Double
  private let smallest, rounding: Double
  private let hessian: [BlochHamiltonian]
  private let model: Model
  private let reciprocal: [SIMD3<Double>]

  init(_ model: Model, _ levels: SIMD2<Double>, width: Double, step: Double, depth: Double) {
    self.model = model
    self.levels = levels
    self.width = width
    self.step = step
    self.depth = depth
    smallest = 0.8 * model.exchange * model.exchange
    rounding = 1e-12 * model.energyBound
    hessian = model.hessianHamiltonians()
    reciprocal = model.reciprocalVectors.map(packed)
  }

  /// Im k of the surface over a point.
  func shift(
    _ gradients: (SIMD3<Double>, SIMD3<Double>), _ energies: SIMD2<Double>, part: Double
  ) -> SIMD3<Double> {
    var shift = SIMD3<Double>.zero
    for s in 0..<2 {
      let u = (energies[s] - levels[s]) / width
      shift += (s == 0 ? gradients.0 : gradients.1) * (-step * part * Double.exp(-u * u))
    }
    return shift
  }

  func frame(
    _ k: WaveVector, _ gradients: (SIMD3<Double>, SIMD3<Double>), _ energies: SIMD2<Double>,
    part: Double
  ) -> Frame {
    hessian[0].frame(
      at: WaveVector(real: k.real, imaginary: shift(gradients, energies, part: part)))
  }

  /// Whether no singularity has been met over a cell of half-width `size` in reduced coordinates: Im E_s has
  /// not come above half of Gamma + pi T where E_s may be at its level; nor Delta^2 near 0. Between its
  /// middle and its faces an energy is taken to change by at most twice what its gradient says; cells that
  /// cannot be decided are divided.
  func isClear(
    _ k: WaveVector, _ gradients: (SIMD3<Double>, SIMD3<Double>), _ energies: SIMD2<Double>,
    size: Double,
    depth level: Int = 0
  ) -> Bool {
    for part in [0.5, 1] {
      let frame = frame(k, gradients, energies, part: part)
      guard (frame.delta * frame.delta).real >= smallest else { return false }
      for band in Band.allCases {
        let s = band.rawValue
        let energy = frame.energy(band) - ComplexDouble(levels[s])
        let change = reciprocal.reduce(0.0) { sum, b in
          sum + 2 * size * abs((b * (s == 0 ? gradients.0 : gradients.1)).sum())
        }
        if energy.imaginary > max(0.5 * depth, rounding),
          energy.imaginary > 0.5 * (energy.real.magnitude - change)
        {
          return level < 5 && isClear(partsOf: k, size: size / 2, depth: level + 1)
        }
      }
    }
    return true
  }

  private func isClear(partsOf k: WaveVector, size: Double, depth: Int) -> Bool {
    (0..<(1 << reciprocal.count)).allSatisfy { code in
      var shift = k.real
      for (a, b) in reciprocal.enumerated() { shift += b * ((code >> a & 1 == 0 ? -1 : 1) * size) }
      let k = WaveVector(real: shift)
      let frames = hessian.map { $0.frame(at: k) }
      let gradients = Band.allCases.map { packed(model.derivatives(frames, $0).gradient) }
      return isClear(
        k, (gradients[0], gradients[1]),
        SIMD2(Band.allCases.map { frames[0].energy($0).real }), size: size, depth: depth)
    }
  }
}
