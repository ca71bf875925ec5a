// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import RealModule

/// A zone of complex k, k -> k - i c sum over windows of h(E_s) grad E_s.
package protocol DisplacedZone: Sendable {
  var model: Model { get }
  /// c and the functions h.
  var displacement: ZoneDisplacement { get }
  /// ``Model/latticeMetric``.
  var metric: [Double] { get }
}

extension ZoneDisplacement {
  /// At most `ZONE_WINDOWS` windows.
  package init(step: Double, _ windows: [ZoneWindow]) {
    self.init()
    self.step = step
    count = Int32(windows.count)
    withUnsafeMutableBytes(of: &self.windows) { target in
      windows.withUnsafeBytes { target.copyMemory(from: $0) }
    }
  }
}

extension Model {
  /// a_a . a_b of the lattice vectors, rows of three.
  package var latticeMetric: [Double] {
    (0..<9).map { n in
      let (a, b) = (n / 3, n % 3)
      guard a < dimension, b < dimension else { return 0 }
      return zip(latticeVectors[a], latticeVectors[b]).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }
}

/// The zone deformed into complex k, k -> k - i c grad E_s, where Im E_s is about -c |grad E_s|^2 < 0.
///
/// Whatever is singular only where E_s - i Gamma meets a real energy has no singularity near this
/// surface, so that a periodic grid converges exponentially at a rate that does not depend on
/// Gamma; only at the critical points of the band, where the gradient vanishes, the surface stays
/// on the real zone. The surfaces between (0 <= c' <= c) carry the integral over if no singularity
/// is met on the way: Im E_s <= 0 on all of them, and Re Delta^2 > 0, since Delta has a branch point
/// where Delta^2 = 0. ``contour(of:)`` finds the largest step for which that holds.
package struct BandContour: DisplacedZone {
  package let model: Model
  package let band: Band
  /// c, in length squared over energy; 0 is the real zone.
  package let step: Double
  package let metric: [Double]
  /// ``Model/pairsOfDirections()``.
  private let pairs: [BlochHamiltonian]

  package init(_ model: Model, _ band: Band, step: Double) {
    self.model = model
    self.band = band
    self.step = step
    pairs = model.pairsOfDirections()
    metric = model.latticeMetric
  }

  package var displacement: ZoneDisplacement {
    ZoneDisplacement(
      step: step,
      [ZoneWindow(band: Int32(band.rawValue), weight: 1, center: 0, inverse_width: 0)])
  }

  /// The point of the contour over a real k.
  package func moved(_ k: WaveVector) -> WaveVector {
    WaveVector(real: k.real, imaginary: gradient(k) * -step)
  }

  /// grad E_s at a real k.
  private func gradient(_ k: WaveVector) -> SIMD3<Double> {
    var gradient = SIMD3<Double>.zero
    for (n, pair) in pairs.enumerated() {
      let frame = pair.frame(at: k)
      gradient[2 * n] = frame.velocityI(band).real
      if 2 * n + 1 < model.dimension { gradient[2 * n + 1] = frame.velocityJ(band).real }
    }
    return gradient
  }

  /// The zone as it is, the same for both bands.
  package static func realZone(_ model: Model) -> BandContour {
    BandContour(model, .bonding, step: 0)
  }

  /// The contour of a band with the largest step, of those that shrink from c_0 by factors of 1.25
  /// and, where twelve do not do, of 2, that keeps Im E_s <= 0 and
  /// Re Delta^2 >= 0.8 J^2 on the way, tried on a grid and around the zeros of eta_k at a quarter, half, three
  /// quarters and all of it.
  package static func contour(of band: Band, _ model: Model) -> BandContour {
    var step = 1 / model.largestCurvature()
    let symmetries = model.energySymmetries()
    let grid = PeriodicGrid(
      model, divisions: model.divisions([240, 48, 24][model.dimension - 1]), symmetries: symmetries)
    let coarse = (0..<grid.count).filter { grid.star(of: $0) != nil }.map(grid.point)
    let points =
      coarse
      + model.pointsOfSmallGap(
        near: coarse,
        spacing: model.reciprocalVectors.reduce(0) {
          $0 + ($1.reduce(0) { $0 + $1 * $1 }).squareRoot()
        } / Double(grid.divisions))
    let hamiltonian = BlochHamiltonian(model, directions: Directions(i: 0, j: 0))
    let undisplaced = BandContour(model, band, step: 0)
    let gradients = points.map(undisplaced.gradient)
    let rounding = 1e-12 * model.energyBound
    let smallest = 0.8 * model.exchange * model.exchange
    func isValid(_ step: Double) -> Bool {
      zip(points, gradients).allSatisfy { k, gradient in
        [0.25, 0.5, 0.75, 1].allSatisfy { part in
          let frame = hamiltonian.frame(
            at: WaveVector(real: k.real, imaginary: gradient * (-part * step)))
          return frame.energy(band).imaginary <= rounding
            && (frame.delta * frame.delta).real >= smallest
        }
      }
    }
    for _ in 0..<12 {
      if isValid(step) { return BandContour(model, band, step: step) }
      step /= 1.25
    }
    for _ in 0..<12 {
      if isValid(step) { return BandContour(model, band, step: step) }
      step /= 2
    }
    return BandContour(model, band, step: 0)
  }
}

extension Model {
  /// The Hamiltonian prepared for pairs of directions that hold each direction once: 0 and 1, and 2.
  package func pairsOfDirections() -> [BlochHamiltonian] {
    stride(from: 0, to: dimension, by: 2).map {
      BlochHamiltonian(self, directions: Directions(i: $0, j: min($0 + 1, dimension - 1)))
    }
  }

  /// Wave vectors at and around the places where |eta_k| is smallest, a part of J or some J in |eta| away.
  ///
  /// Delta_k varies there over J/|grad eta|, which a grid may not resolve. From each of `points` Newton's method
  /// goes to the nearest zero of eta, if there is one within about `spacing`.
  fileprivate func pointsOfSmallGap(near points: [WaveVector], spacing: Double) -> [WaveVector] {
    let d = dimension
    let pairs = pairsOfDirections()
    /// eta, and the real and imaginary parts of its gradient.
    func eta(_ k: SIMD3<Double>) -> (
      value: ComplexDouble, real: SIMD3<Double>, imaginary: SIMD3<Double>
    ) {
      var (value, real, imaginary) = (ComplexDouble.zero, SIMD3<Double>.zero, SIMD3<Double>.zero)
      for (n, pair) in pairs.enumerated() {
        let frame = pair.frame(at: WaveVector(real: k))
        value = frame.eta
        (real[2 * n], imaginary[2 * n]) = (frame.etaI.real, frame.etaI.imaginary)
        if 2 * n + 1 < d {
          (real[2 * n + 1], imaginary[2 * n + 1]) = (frame.etaJ.real, frame.etaJ.imaginary)
        }
      }
      return (value, real, imaginary)
    }
    var found: [WaveVector] = []
    for start in points {
      var k = start.real
      var here = eta(k)
      func slope() -> Double {
        ((here.real * here.real).sum() + (here.imaginary * here.imaginary).sum()).squareRoot()
      }
      // Others are nearer to what is farther away.
      guard here.value.length <= 2 * slope() * spacing else { continue }
      for _ in 0..<12 where here.value.length > 1e-3 * exchange {
        // The shortest step to the zero of the linear eta; damped where only one of its parts varies.
        let (a, b) = (here.real, here.imaginary)
        let (aa, bb, ab) = ((a * a).sum(), (b * b).sum(), (a * b).sum())
        let damping = 1e-10 * (aa + bb)
        guard
          let step = solution(
            [[aa + damping, ab], [ab, bb + damping]], [here.value.real, here.value.imaginary])
        else { break }
        k -= a * step[0] + b * step[1]
        guard (0..<3).allSatisfy({ k[$0].isFinite }) else { break }
        here = eta(k)
      }
      guard here.value.length < 4 * exchange else { continue }
      found.append(WaveVector(real: k))
      let slope = slope()
      guard slope > 0 else { continue }
      for axis in 0..<d {
        for part in [-2, -1, -0.5, -0.25, 0.25, 0.5, 1, 2] {
          var near = k
          near[axis] += part * exchange / slope
          found.append(WaveVector(real: near))
        }
      }
    }
    return found
  }
}
