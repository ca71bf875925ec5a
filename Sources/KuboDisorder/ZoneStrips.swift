// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import RealModule

/// How far grid sums of propagators are analytic in complex k, from a sample of the zone.
///
/// With f the reduced wave vector and v = dE/df at a sample, a propagator 1/(zeta - E) has no pole
/// for |Im f| < kappa with v kappa + M kappa^2/2 = |zeta - E|, M a bound on the curvature around the
/// sample; |zeta - E| the least in the cell for which the sample stands, or a level narrower than the cell is missed. The sum over N points a direction is then good to exp(-2 pi kappa N).
///
/// The critical points of the bands are among the samples, since next to a band edge, where zeta is
/// just outside of the band, kappa = (2 |zeta - E|/M)^(1/2) there decides.
package struct ZoneStrips: Sendable {
  private struct Sample {
    let hopping, gap: Double
    /// Of the bonding and the antibonding band.
    let speed, curvature: SIMD2<Double>
    /// How far the energies come from the sample's within the cell that it stands for.
    let reach: SIMD2<Double>
  }
  private let samples: [Sample]
  private let bands: [ClosedRange<Double>]
  private let exchange: Double
  private let impurities: Impurities
  private let branch: Double

  init(_ model: Model, impurities: Impurities) {
    self.impurities = impurities
    exchange = model.exchange
    // The branch point Delta_k = 0 of the projectors at complex k; and the hops.
    branch = 1 / (impurities == .scba ? model.resolution(.infinity) : 2 * model.harmonics)
    let reciprocal = model.reciprocalVectors
    let square = reciprocal.map { $0.reduce(0) { $0 + $1 * $1 } }.max()!
    let divisions = model.divisions([192, 48, 24][model.dimension - 1])
    let grid = PeriodicGrid(
      model, divisions: divisions, symmetries: model.energySymmetries())
    let hessian = model.hessianHamiltonians()
    // How far in reduced coordinates a level may be that no other sample is nearer to; see
    // ContourSurvey.Base.
    let cell = [0.5, 0.25, 0][model.dimension - 1] / Double(divisions)
    func sample(_ star: [WaveVector], cell: Double) -> Sample {
      let frames = star.map { k in hessian.map { $0.frame(at: k) } }
      // As far as the next sample.
      let around = [WaveVector](star.prefix(1)).flatMap { k in
        reciprocal.flatMap { b in
          [-1.0, 1].map { sign in
            WaveVector(
              real: k.real + packed(b) * (sign / Double(divisions)), imaginary: k.imaginary)
          }
        }
      }.map { k in hessian.map { $0.frame(at: k) } }
      let speed = SIMD2(
        Band.allCases.map { s in
          frames.map { at in
            let gradient = model.derivatives(at, s).gradient
            return reciprocal.map { b in abs(zip(gradient, b).reduce(0) { $0 + $1.0 * $1.1 }) }
              .max()!
          }.max()!
        })
      let curvature = SIMD2(
        Band.allCases.map { s in
          (around + frames.prefix(1)).map { model.curvature($0, s) }.max()! * square
        })
      return Sample(
        hopping: frames[0][0].hopping.real, gap: (frames[0][0].eta * frames[0][0].etabar).real,
        speed: speed, curvature: curvature, reach: cell * (speed + 0.5 * cell * curvature))
    }
    samples =
      (0..<grid.count).compactMap { grid.star(of: $0).map { sample($0.map(\.k), cell: cell) } }
      + model.criticalPoints().map { sample([WaveVector($0.k)], cell: 0) }
    bands = [-1.0, 1].map { [samples, exchange] sign in
      let energies = samples.map {
        $0.hopping + sign * ($0.gap + exchange * exchange).squareRoot()
      }
      return energies.min()!...energies.max()!
    }
  }

  /// 2 pi times the half-width of the strip.
  package func rate(_ x: DressedState) -> Double {
    var narrowest = Double.infinity
    let (first, second) = x.numbers
    let far: [Double]
    switch x {
    case .bands: far = [bands[0].distance(to: first.real), bands[1].distance(to: second.real)]
    case .sublattices:
      // Outside of a band; with j(z) it lies within |j - J| of where it is with J.
      let shift = (second - ComplexDouble(exchange)).length
      far = bands.map { max(0, $0.distance(to: first.real) - shift) }
    }
    for sample in samples {
      let b: Double
      let a: Double
      switch x {
      case .bands:
        let delta = (sample.gap + exchange * exchange).squareRoot()
        b = distance(first - ComplexDouble(sample.hopping - delta), sample.reach[0], far[0])
        a = distance(second - ComplexDouble(sample.hopping + delta), sample.reach[1], far[1])
      case .sublattices:
        let delta = ComplexDouble.sqrt(ComplexDouble(sample.gap) + second * second)
        let from = first - ComplexDouble(sample.hopping)
        b = distance(from + delta, sample.reach[0], far[0])
        a = distance(from - delta, sample.reach[1], far[1])
      }
      narrowest = min(narrowest, width(b, sample, .bonding), width(a, sample, .antibonding))
    }
    return min(2 * Double.pi * narrowest, branch)
  }

  /// |z| where Re z may be nearer to 0 by `reach`, but not nearer than `far`.
  @inline(__always)
  private func distance(_ z: ComplexDouble, _ reach: Double, _ far: Double) -> Double {
    let re = reach == 0 ? z.real : max(far, abs(z.real) - reach)
    return (re * re + z.imaginary * z.imaginary).squareRoot()
  }

  /// kappa with v kappa + M kappa^2/2 = distance.
  @inline(__always)
  private func width(_ distance: Double, _ sample: Sample, _ s: Band) -> Double {
    let (v, m) = (sample.speed[s.rawValue], sample.curvature[s.rawValue])
    return 2 * distance / ((v * v + 2 * m * distance).squareRoot() + v)
  }
}
