// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// What the propagators at one complex energy z need to know of the self-energy.
///
/// `scba`: zeta_s = z - Sigma_s(z) of the bonding and the antibonding band, g_s = 1/(zeta_s - E_s).
/// `site`: zeta = z - Sigma_0(z) and the exchange j = J - Sigma_3(z),
/// G^u = (zeta - T - Re eta rho_1 - Im eta rho_2 - u j rho_3)/((zeta - T)^2 - |eta|^2 - j^2).
struct DressedEnergy: Sendable, Equatable {
  var first, second: ComplexDouble
  /// The propagators at the complex conjugate energy.
  var conjugate: DressedEnergy { DressedEnergy(first: first.conjugate, second: second.conjugate) }

  @inline(__always)
  subscript(_ s: Band) -> ComplexDouble { s == .bonding ? first : second }
}

/// The self-consistency equation of physics.md section 4 on one grid, in the variables of
/// ``DressedEnergy``:
///
///     scba   zeta_s + gamma avg 1/(zeta_s - E_s) - z = 0,                 s = +1, -1
///     site   zeta + gamma avg (zeta - T)/D - z = 0,   j - gamma j avg 1/D - J = 0
///            D = (zeta - T)^2 - |eta|^2 - j^2
///
/// For Im z > 0 it has one solution with Im Sigma <= 0, the physical one; on the real axis the
/// physical one is its limit, where the ladder of |G|^2 does not grow: gamma avg |g|^2 <= 1 (for
/// `site`, the largest eigenvalue of gamma avg |G_XY|^2). A grid too coarse has others.
struct SelfEnergyEquation: Sendable {
  let impurities: Impurities
  /// In squared energy units.
  let gamma: Double
  let exchange: Double

  /// The solution without impurities.
  func bare(_ z: ComplexDouble) -> DressedEnergy {
    impurities == .scba
      ? DressedEnergy(first: z, second: z)
      : DressedEnergy(first: z, second: ComplexDouble(exchange))
  }

  /// (Sigma_bonding, Sigma_antibonding) or (Sigma_0, Sigma_3).
  func selfEnergies(_ x: DressedEnergy, _ z: ComplexDouble) -> (ComplexDouble, ComplexDouble) {
    impurities == .scba
      ? (z - x.first, z - x.second) : (z - x.first, ComplexDouble(exchange) - x.second)
  }

  /// avg g of the bonding and the antibonding band, or avg (zeta - T)/D and -j avg 1/D: the
  /// coefficients of 1 and of u rho_3 in avg G^u.
  func averages(_ table: StarTable, _ x: DressedEnergy) -> (ComplexDouble, ComplexDouble) {
    let sums = moments(table, x)
    return impurities == .scba ? (sums[0], sums[2]) : (sums[0], -x.second * sums[1])
  }

  /// The change of `x` by one step of Newton's method, the residual |f| before it, and dx/dz.
  func newton(_ table: StarTable, _ x: DressedEnergy, _ z: ComplexDouble)
    -> (step: DressedEnergy, residual: Double, slope: DressedEnergy)
  {
    let s = moments(table, x)
    switch impurities {
    case .scba:
      // moments: avg g, avg g^2 for each band.
      let f = (
        x.first + s[0].multiplied(by: gamma) - z, x.second + s[2].multiplied(by: gamma) - z
      )
      let slopes = (
        1 / (1 - s[1].multiplied(by: gamma)), 1 / (1 - s[3].multiplied(by: gamma))
      )
      return (
        DressedEnergy(first: -f.0 * slopes.0, second: -f.1 * slopes.1), max(f.0.length, f.1.length),
        DressedEnergy(first: slopes.0, second: slopes.1)
      )
    case .site:
      // moments: avg a/D, 1/D, a^2/D^2, a/D^2, 1/D^2 with a = zeta - T.
      let j = x.second
      let g = gamma
      let f0 = x.first + s[0].multiplied(by: g) - z
      let f3 = j - (j * s[1]).multiplied(by: g) - ComplexDouble(exchange)
      let m00 = 1 + (s[1] - s[2].multiplied(by: 2)).multiplied(by: g)
      let m03 = (j * s[3]).multiplied(by: 2 * g)
      let m30 = (j * s[3]).multiplied(by: 2 * g)
      let m33 = 1 - (s[1] + (j * j * s[4]).multiplied(by: 2)).multiplied(by: g)
      let det = m00 * m33 - m03 * m30
      return (
        DressedEnergy(
          first: -(m33 * f0 - m03 * f3) / det, second: -(m00 * f3 - m30 * f0) / det),
        max(f0.length, f3.length),
        DressedEnergy(first: m33 / det, second: -m30 / det)
      )
    }
  }

  private func moments(_ table: StarTable, _ x: DressedEnergy) -> [ComplexDouble] {
    let first = ComplexLanes(x.first)
    let second = ComplexLanes(x.second)
    switch impurities {
    case .scba:
      let square = exchange * exchange
      var s0 = ComplexLanes.zero
      var s1 = s0
      var s2 = s0
      var s3 = s0
      table.forEach { w, t, gap in
        let delta = (gap + square).squareRoot()
        let b = ComplexLanes(first.re - (t - delta), first.im).reciprocal
        let a = ComplexLanes(second.re - (t + delta), second.im).reciprocal
        s0.add(w, b)
        s1.add(w, b * b)
        s2.add(w, a)
        s3.add(w, a * a)
      }
      return [s0.total, s1.total, s2.total, s3.total]
    case .site:
      let square = second * second
      var s0 = ComplexLanes.zero
      var s1 = s0
      var s2 = s0
      var s3 = s0
      var s4 = s0
      table.forEach { w, t, gap in
        let a = ComplexLanes(first.re - t, first.im)
        let aa = a * a
        let r = ComplexLanes(aa.re - gap - square.re, aa.im - square.im).reciprocal
        let ar = a * r
        s0.add(w, ar)
        s1.add(w, r)
        s2.add(w, ar * ar)
        s3.add(w, ar * r)
        s4.add(w, r * r)
      }
      return [s0.total, s1.total, s2.total, s3.total, s4.total]
    }
  }

  /// How much a rung of the retarded-advanced ladder multiplies: at most 1 for the physical
  /// solution, and 1 on the real axis within a band.
  func stability(_ table: StarTable, _ x: DressedEnergy) -> Double {
    var own = Lanes.zero
    var other = Lanes.zero
    var exchanged = Lanes.zero
    let first = ComplexLanes(x.first)
    let second = ComplexLanes(x.second)
    switch impurities {
    case .scba:
      let square = exchange * exchange
      table.forEach { w, t, gap in
        let delta = (gap + square).squareRoot()
        own += w / ComplexLanes(first.re - (t - delta), first.im).square
        other += w / ComplexLanes(second.re - (t + delta), second.im).square
      }
      return gamma * max(own.sum4, other.sum4)
    case .site:
      let square = second * second
      table.forEach { w, t, gap in
        let a = ComplexLanes(first.re - t, first.im)
        let aa = a * a
        let d = w / ComplexLanes(aa.re - gap - square.re, aa.im - square.im).square
        own += d * ComplexLanes(a.re - second.re, a.im - second.im).square
        other += d * ComplexLanes(a.re + second.re, a.im + second.im).square
        exchanged += d * gap
      }
      // The largest eigenvalue of [[own, exchanged], [exchanged, other]].
      let (p, q, r) = (own.sum4, other.sum4, exchanged.sum4)
      return gamma * ((p + q) / 2 + (((p - q) / 2) * ((p - q) / 2) + r * r).squareRoot())
    }
  }
}
