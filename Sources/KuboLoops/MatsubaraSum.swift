// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import Quadrature
import RealModule

/// The Matsubara sum of a bubble itself, (1/beta) sum_n F(i eps_n + i omega_l, i eps_n), with
/// g(i eps) = 1/(i eps - xi + i Gamma sign eps).
///
/// The frequencies |eps_n| < a are summed one by one; beyond, where F is smooth, the sum is the
/// integral int d eps/(2 pi) by a Gauss rule in 1/eps, corrected by `EulerMaclaurin`, h = 2 pi T. With a at least
/// 120 h and twice every energy, the tail is good to 5e-12 of itself or better. At
/// T >> Gamma, l > 0, all but a part Gamma/T of it cancels: see ``tailError(propagators:)``.
/// Source: docs/conventions.md section 3, the first of the three routes to K.
package struct MatsubaraSum: Sendable {
  package let temperature, broadening: Double
  /// Frequencies below this many steps are summed one by one.
  private let count: Int
  private let tail: [(t: Double, w: Double)]

  /// The sum for energies up to `bound` from mu and Matsubara indices up to `largest`.
  package init(temperature: Double, broadening: Double, bound: Double, largest: Int) {
    precondition(temperature > 0)
    self.temperature = temperature
    self.broadening = broadening
    let step = 2 * Double.pi * temperature
    count = max(120, Int(min(1e9, 2 * (bound + broadening) / step))) + largest
    tail = GaussRule.unitInterval(20)
  }

  /// A bound on the error of the tails of a bubble with n propagators, 5e-12 of
  /// 2 int_a d eps/(2 pi) eps^-n and half as much again; more than rounding leaves of all terms.
  package func tailError(propagators n: Int) -> Double {
    5e-12 * Double.pow(Double(count) * 2 * Double.pi * temperature, 1 - n)
  }

  /// The sums of all `bubbles` at i omega_l, real or complex as F makes them.
  package func values(_ bubbles: [Bubble], _ x: BandPair, index l: Int) -> [ComplexDouble] {
    let step = 2 * Double.pi * temperature
    let omega = step * Double(l)
    var sums = [ComplexDouble](repeating: .zero, count: bubbles.count)
    // For each bubble its propagators: 0, 1 are g+ bonding and antibonding, 2, 3 are g.
    let factors = bubbles.map { $0.plus.map(\.rawValue) + $0.inner.map { 2 + $0.rawValue } }
    let ends = factors.reduce(into: [0]) { $0.append($0.last! + $1.count) }
    let flat = factors.flatMap { $0 }
    // eps_n = (n + 1/2) h, n from -count - l to count - 1: symmetric about -omega/2.
    for n in (-count - l)..<count {
      add(flat, ends, x, eps: (Double(n) + 0.5) * step, omega, weight: temperature, to: &sums)
    }
    // The tails: eps > a, and eps + omega < -a.
    let a = Double(count) * step
    for (edge, direction) in [(a, 1.0), (-a - omega, -1.0)] {
      // eps = edge + direction (a/t - a), t from 0 to 1: d eps = a dt/t^2.
      for (t, w) in tail {
        let eps = edge + direction * (a / t - a)
        add(flat, ends, x, eps: eps, omega, weight: w * a / (t * t) / (2 * Double.pi), to: &sums)
      }
      for (p, weight) in EulerMaclaurin.midpoints.enumerated() {
        let eps = edge + direction * (Double(p) - 1.5) * step
        add(flat, ends, x, eps: eps, omega, weight: weight * temperature, to: &sums)
      }
    }
    return sums
  }

  @inline(__always)
  private func add(
    _ flat: [Int], _ ends: [Int], _ x: BandPair, eps: Double, _ omega: Double, weight: Double,
    to sums: inout [ComplexDouble]
  ) {
    let g: InlineArray<4, ComplexDouble> = [
      propagator(eps + omega, x.bonding), propagator(eps + omega, x.antibonding),
      propagator(eps, x.bonding), propagator(eps, x.antibonding),
    ]
    for b in sums.indices {
      var f = ComplexDouble(weight)
      for n in ends[b]..<ends[b + 1] { f *= g[flat[n]] }
      sums[b] += f
    }
  }

  /// 1/(i eps - xi + i Gamma sign eps).
  @inline(__always)
  private func propagator(_ eps: Double, _ xi: Double) -> ComplexDouble {
    let width = eps + (eps > 0 ? broadening : -broadening)
    let n = 1 / (xi * xi + width * width)
    return ComplexDouble(-xi * n, -width * n)
  }
}
