// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import RealModule

/// The self-consistency equation of docs/ladder.md on one grid, in the variables of
/// `DressedState`:
///
///     scba   zeta_s + gamma avg 1/(zeta_s - E_s) - z = 0,                 s = +1, -1
///     site   zeta + gamma avg (zeta - T)/D - z = 0,   j - gamma j avg 1/D - J = 0
///            D = (zeta - T)^2 - |eta|^2 - j^2
///
/// For Im z > 0 it has one solution with Im Sigma <= 0, the physical one; on the real axis the
/// physical one is its limit, where the ladder of |G|^2 does not grow: gamma avg |g|^2 <= 1 (for
/// `site`, the largest eigenvalue of gamma avg |G_XY|^2). A grid too coarse has others.
package struct SelfEnergyEquation: Sendable {
  package let impurities: Impurities
  /// In squared energy units.
  package let gamma: Double
  package let exchange: Double

  /// The solution without impurities.
  package func bare(_ z: ComplexDouble) -> DressedState {
    DressedState(impurities, z, impurities == .scba ? z : ComplexDouble(exchange))
  }

  /// (Sigma_bonding, Sigma_antibonding) or (Sigma_0, Sigma_3).
  func selfEnergies(_ x: DressedState, _ z: ComplexDouble) -> (ComplexDouble, ComplexDouble) {
    switch x {
    case .bands(let a, let b): (z - a, z - b)
    case .sublattices(let zeta, let j): (z - zeta, ComplexDouble(exchange) - j)
    }
  }

  /// avg g of the bonding and the antibonding band, or avg (zeta - T)/D and -j avg 1/D: the
  /// coefficients of 1 and of u rho_3 in avg G^u.
  func averages(_ table: any ZoneTable, _ x: DressedState) -> (ComplexDouble, ComplexDouble) {
    let sums = table.moments(x)
    switch x {
    case .bands: return (sums[0], sums[3])
    case .sublattices(_, let j): return (sums[0], -j * sums[1])
    }
  }

  /// The change of `x` by one step of Newton's method (for `scba` of Halley's, of third order), the
  /// residual |f| before it, and what is left after the step, as far as one step can tell.
  func newton(_ table: any ZoneTable, _ x: DressedState, _ z: ComplexDouble)
    -> (step: (ComplexDouble, ComplexDouble), residual: Double, left: Double?)
  {
    let s = table.moments(x)
    switch x {
    case .bands(let first, let second):
      // moments: avg g, g^2, g^3 for each band; the bands are apart, and a step of Halley's costs
      // hardly more: f' = 1 - gamma avg g^2, f'' = 2 gamma avg g^3.
      func solve(_ zeta: ComplexDouble, _ n: Int) -> (
        f: ComplexDouble, step: ComplexDouble, left: Double
      ) {
        let f = zeta + s[n].multiplied(by: gamma) - z
        let newton = -f / (1 - s[n + 1].multiplied(by: gamma))
        // f'' step/(2 f'): near a band edge, where two solutions meet, it is not small, and
        // Newton's step is the safer one.
        let bend =
          newton * s[n + 2].multiplied(by: gamma) / (1 - s[n + 1].multiplied(by: gamma))
        guard bend.length < 0.2 else { return (f, newton, newton.length) }
        return (f, newton / (1 + bend), newton.length * bend.length * bend.length)
      }
      let (bonding, antibonding) = (solve(first, 0), solve(second, 3))
      return (
        (bonding.step, antibonding.step),
        max(bonding.f.length, antibonding.f.length), max(bonding.left, antibonding.left)
      )
    case .sublattices(let zeta, let j):
      // moments: avg a/D, 1/D, a^2/D^2, a/D^2, 1/D^2 with a = zeta - T.
      let g = gamma
      let f0 = zeta + s[0].multiplied(by: g) - z
      let f3 = j - (j * s[1]).multiplied(by: g) - ComplexDouble(exchange)
      let m00 = 1 + (s[1] - s[2].multiplied(by: 2)).multiplied(by: g)
      let m03 = (j * s[3]).multiplied(by: 2 * g)
      let m30 = (j * s[3]).multiplied(by: 2 * g)
      let m33 = 1 - (s[1] + (j * j * s[4]).multiplied(by: 2)).multiplied(by: g)
      let det = m00 * m33 - m03 * m30
      return (
        (-(m33 * f0 - m03 * f3) / det, -(m00 * f3 - m30 * f0) / det),
        max(f0.length, f3.length), nil
      )
    }
  }
}
