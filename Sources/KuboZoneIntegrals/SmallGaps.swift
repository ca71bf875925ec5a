// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import Quadrature
import RealModule

/// Where the gap 2 Delta is smallest along the lines of a ``NestedIntegral``: what belongs to one band, as a
/// projector, varies there over J/|grad eta|, which nodes that do not know of it miss.
///
/// |eta|^2 is a smooth function of k however small J is, so that its minima are zeros of its derivative,
/// found on points that show all its oscillations and by Brent's method between them. The same for the
/// lowest |eta|^2 of a line or a plane as a function of where that is.
struct SmallGaps: Sendable {
  package let model: Model
  package let zone: IrreducibleZone
  private let pairs: [BlochHamiltonian]
  private let reciprocal: [SIMD3<Double>]
  private let count: Int
  /// Energies nearer to each other than this need not be told apart.
  private let least: Double

  init(_ model: Model, _ zone: IrreducibleZone, least: Double) {
    self.model = model
    self.zone = zone
    self.least = least
    pairs = model.pairsOfDirections()
    reciprocal = model.reciprocalVectors.map(packed)
    count = max(16, Int((16 * model.harmonics).rounded(.up)))
  }

  /// The minima of |eta|^2, the lowest over the coordinates that are left, as a function of the one that
  /// comes after `fixed`, and how far from there in that coordinate Delta^2 is twice as large, or ``least`` is reached.
  func minima(_ fixed: [Double]) -> [(x: Double, distance: Double)] {
    let ends = zone.ends(fixed)
    // A wide gap varies no faster than the hops.
    guard let first = ends.first, let last = ends.last, model.exchange < 2 * model.energySlope
    else { return [] }
    let axis = fixed.count
    func slope(_ x: Double) -> Double { lowest(fixed + [x], slopeAlong: axis).slope }
    func distance(_ x: Double) -> Double {
      let step = 1e-3 * (last - first)
      let (a, b) = (max(first, x - step), min(last, x + step))
      // |eta|^2 ~ v^2 (x - x_0)^2.
      let square = (slope(b) - slope(a)) / (b - a) / 2
      let gap =
        lowest(fixed + [x], slopeAlong: axis).value + model.exchange * model.exchange
        + least * least
      return square > 0 ? (gap / square).squareRoot() : .infinity
    }
    return stationary(first, last, slope).map { ($0, distance($0)) }
  }

  /// The ends and the zeros between them at which `slope` rises.
  private func stationary(_ first: Double, _ last: Double, _ slope: (Double) -> Double) -> [Double]
  {
    let xs = (0...count).map { first + (last - first) * Double($0) / Double(count) }
    let slopes = xs.map(slope)
    var found = [first]
    for n in 0..<count where slopes[n] < 0 && slopes[n + 1] >= 0 {
      if let root = try? BracketedRoot(from: xs[n], to: xs[n + 1], absolute: 0, slope) {
        found.append(root.value)
      }
    }
    return found + [last]
  }

  /// The lowest |eta|^2 over the coordinates after `fixed`, and its derivative by the one with the number
  /// `axis` where that is.
  private func lowest(_ fixed: [Double], slopeAlong axis: Int) -> (value: Double, slope: Double) {
    if fixed.count == model.dimension { return square(fixed, axis) }
    let ends = zone.ends(fixed)
    guard let first = ends.first, let last = ends.last else { return (.infinity, 0) }
    let own = fixed.count
    return stationary(first, last) { lowest(fixed + [$0], slopeAlong: own).slope }.map {
      lowest(fixed + [$0], slopeAlong: axis)
    }.min { $0.value < $1.value }!
  }

  /// |eta|^2 at reduced coordinates, and its derivative by one of them.
  private func square(_ f: [Double], _ axis: Int) -> (value: Double, slope: Double) {
    var k = SIMD3<Double>.zero
    for (a, b) in reciprocal.enumerated() { k += b * f[a] }
    var (value, gradient) = (0.0, SIMD3<Double>.zero)
    for (n, pair) in pairs.enumerated() {
      let frame = pair.frame(at: WaveVector(real: k))
      value = frame.eta.lengthSquared
      gradient[2 * n] = 2 * (frame.eta.conjugate * frame.etaI).real
      if 2 * n + 1 < model.dimension {
        gradient[2 * n + 1] = 2 * (frame.eta.conjugate * frame.etaJ).real
      }
    }
    return (value, (gradient * reciprocal[axis]).sum())
  }
}
