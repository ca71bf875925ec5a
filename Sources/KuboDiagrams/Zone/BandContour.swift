// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import RealModule

/// A zone of complex k, k -> k - i c sum_s h_s(E_s) grad E_s.
protocol DisplacedZone: Sendable {
  var model: Model { get }
  /// c and the functions h_s.
  var displacement: ZoneDisplacement { get }
  /// ``Model/latticeMetric``.
  var metric: [Double] { get }
}

extension Model {
  /// a_a . a_b of the lattice vectors, rows of three.
  var latticeMetric: [Double] {
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
  let model: Model
  package let band: Band
  /// c, in length squared over energy; 0 is the real zone.
  package let step: Double
  let metric: [Double]
  /// Pairs of directions that hold each direction once.
  private let pairs: [BlochHamiltonian]

  package init(_ model: Model, _ band: Band, step: Double) {
    self.model = model
    self.band = band
    self.step = step
    pairs = stride(from: 0, to: model.dimension, by: 2).map {
      BlochHamiltonian(model, directions: Directions(i: $0, j: min($0 + 1, model.dimension - 1)))
    }
    metric = model.latticeMetric
  }

  var displacement: ZoneDisplacement {
    ZoneDisplacement(
      step: step, weight: band == .bonding ? (1, 0) : (0, 1), center: (0, 0),
      inverse_width: (0, 0))
  }

  /// The point of the contour over a real k.
  func moved(_ k: WaveVector) -> WaveVector {
    var gradient = SIMD3<Double>.zero
    for (n, pair) in pairs.enumerated() {
      let frame = pair.frame(at: k)
      gradient[2 * n] = frame.velocityI(band).real
      if 2 * n + 1 < model.dimension { gradient[2 * n + 1] = frame.velocityJ(band).real }
    }
    return WaveVector(real: k.real, imaginary: gradient * -step)
  }

  /// The contour of a band with the largest step, of those that shrink from c_0 by factors of 1.25
  /// and, where twelve do not do, of 2, that keeps Im E_s <= 0 and
  /// Re Delta^2 >= 0.8 J^2 on the way, tried on a grid at a quarter, half, three quarters and all of it.
  package static func contour(of band: Band, _ model: Model) -> BandContour {
    var step = 1 / model.largestCurvature()
    let symmetries = model.energySymmetries()
    let grid = PeriodicGrid(
      model, divisions: [240, 48, 24][model.dimension - 1], symmetries: symmetries)
    let points = (0..<grid.count).filter { grid.star(of: $0) != nil }.map(grid.point)
    let hamiltonian = BlochHamiltonian(model, directions: Directions(i: 0, j: 0))
    let hessian = model.hessianHamiltonians()
    let gradients = points.map { k in
      packed(model.derivatives(hessian.map { $0.frame(at: k) }, band).gradient)
    }
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
