// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
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
  /// For ``zone_strip``.
  private let rows: [Double]
  private let bands: [ClosedRange<Double>]
  private let exchange: Double
  private let branch: Double

  init(_ model: Model, impurities: Impurities) {
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
    /// T, |eta|^2, and of each band the speed, the curvature, and how far the energies come from the sample's within the
    /// cell that it stands for.
    func sample(_ star: [WaveVector], cell: Double) -> [Double] {
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
      let own = Band.allCases.flatMap { s -> [Double] in
        let speed = frames.map { at -> Double in
          let gradient = model.derivatives(at, s).gradient
          return reciprocal.map { b -> Double in
            abs(zip(gradient, b).reduce(0.0) { $0 + $1.0 * $1.1 })
          }.max()!
        }.max()!
        let curvature = (around + frames.prefix(1)).map { model.curvature($0, s) }.max()! * square
        return [speed, curvature, cell * (speed + 0.5 * cell * curvature)]
      }
      return [frames[0][0].hopping.real, (frames[0][0].eta * frames[0][0].etabar).real] + own
    }
    var samples =
      (0..<grid.count).compactMap { grid.star(of: $0).map { sample($0.map(\.k), cell: cell) } }
      + model.criticalPoints().map { sample([WaveVector($0.k)], cell: 0) }
    while samples.count % 8 != 0 { samples.append(samples.last!) }
    rows = stride(from: 0, to: samples.count, by: 8).flatMap { block in
      (0..<Int(ZONE_SAMPLE_ROWS)).flatMap { row in samples[block..<block + 8].map { $0[row] } }
    }
    bands = [-1.0, 1].map { [samples, exchange] sign in
      let energies = samples.map {
        $0[0] + sign * ($0[1] + exchange * exchange).squareRoot()
      }
      return energies.min()!...energies.max()!
    }
  }

  /// c of the error exp(-c N) of grid sums of products of propagators.
  func rate(_ factors: ImpurityCrystal.Factors) -> Double {
    factors.states.reduce(Double.infinity) { min($0, rate($1)) }
  }

  /// 2 pi times the half-width of the strip.
  package func rate(_ x: DressedState) -> Double {
    let (first, second) = x.numbers
    let far: [Double]
    let (upper, j): (ComplexDouble, ComplexDouble)
    switch x {
    case .bands:
      far = [bands[0].distance(to: first.real), bands[1].distance(to: second.real)]
      (upper, j) = (second, ComplexDouble(exchange))
    case .sublattices:
      // Outside of a band; with j(z) it lies within |j - J| of where it is with J.
      let shift = (second - ComplexDouble(exchange)).length
      far = bands.map { max(0, $0.distance(to: first.real) - shift) }
      (upper, j) = (first, second)
    }
    let narrowest = rows.withUnsafeBufferPointer {
      zone_strip(
        ZoneSamples(rows: $0.baseAddress, blocks: $0.count / (8 * Int(ZONE_SAMPLE_ROWS))),
        first.zone, upper.zone, j.zone, far)
    }
    return min(2 * Double.pi * narrowest, branch)
  }
}
