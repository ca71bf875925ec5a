// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import RealModule

/// The chain of data/models with `scba` impurities, in the plainest way.
package struct BruteForceChain {
  let t, tPrime, exchange, gamma: Double
  let points = 2000

  package init(t: Double, tPrime: Double, exchange: Double, gamma: Double) {
    (self.t, self.tPrime, self.exchange, self.gamma) = (t, tPrime, exchange, gamma)
  }

  /// One wave vector: E_s, and the traces of the two lines of X_na (a = b; b = c) for (a, c) =
  /// (bonding, antibonding), (antibonding, bonding).
  private struct Point {
    var energies: [Double]
    var electricFirst, gaugeFirst: [Double]
  }

  private struct Real2 {
    var a, b, c, d: Double
    static func * (l: Real2, r: Real2) -> Real2 {
      Real2(
        a: l.a * r.a + l.b * r.c, b: l.a * r.b + l.b * r.d, c: l.c * r.a + l.d * r.c,
        d: l.c * r.b + l.d * r.d)
    }
    var trace: Double { a + d }
  }

  /// K^xy = i (K_up - K_down)/2 of docs/conventions.md section 2; eta = 2 t cos k and everything is real.
  private func point(_ k: Double) -> Point {
    let eta = 2 * t * Double.cos(k)
    let delta = (eta * eta + exchange * exchange).squareRoot()
    let hopping = -2 * tPrime * Double.cos(2 * k)
    let slope = 4 * tPrime * Double.sin(2 * k)
    let etaSlope = -2 * t * Double.sin(k)
    let velocity = Real2(a: slope, b: -etaSlope, c: -etaSlope, d: slope)
    let rho3 = Real2(a: 1, b: 0, c: 0, d: -1)
    func projector(_ s: Double, _ spin: Double) -> Real2 {
      let (x, z) = (s * eta / delta, s * spin * exchange / delta)
      return Real2(a: (1 + z) / 2, b: x / 2, c: x / 2, d: (1 - z) / 2)
    }
    var result = Point(
      energies: [hopping - delta, hopping + delta], electricFirst: [0, 0], gaugeFirst: [0, 0])
    for (n, (a, c)) in [(1.0, -1.0), (-1.0, 1.0)].enumerated() {
      for spin in [1.0, -1.0] {
        let (pc, pa) = (projector(c, spin), projector(a, -spin))
        // Electric vertex first: tr[P^u_c O P^u'_a dH P^u'_b dH], b = a.
        let first = pc * rho3 * pa * velocity * projector(a, -spin) * velocity
        // Gauge vertex first: tr[P^u_c O P^u'_a dH P^u_b dH], b = c.
        let second = pc * rho3 * pa * velocity * projector(c, spin) * velocity
        result.electricFirst[n] += spin * first.trace / 2
        result.gaugeFirst[n] += spin * second.trace / 2
      }
    }
    return result
  }

  /// Sigma_s on `zone` at the real energy e.
  private func selfEnergy(_ e: Double, _ energies: [Double], _ start: ComplexDouble)
    -> ComplexDouble
  {
    func averages(_ sigma: ComplexDouble) -> (g: ComplexDouble, square: ComplexDouble) {
      var (g, square) = (ComplexDouble.zero, ComplexDouble.zero)
      for energy in energies {
        let inverse = 1 / (ComplexDouble(e - energy) - sigma)
        g += inverse
        square += inverse * inverse
      }
      let weight = gamma / Double(energies.count)
      return (g.multiplied(by: weight), square.multiplied(by: weight))
    }
    var sigma = start - ComplexDouble(0, 0.05)
    for _ in 0..<20 { sigma = (sigma + averages(sigma).g).multiplied(by: 0.5) }
    // Newton's method ends what iteration began; where it leaves the physical sheet, iterate on.
    var newton = sigma
    for _ in 0..<15 {
      let (g, square) = averages(newton)
      let step = (g - newton) / (1 - square)
      newton += step
      if step.length < 1e-13 { break }
    }
    if newton.imaginary <= 1e-12, (averages(newton).g - newton).length < 1e-11,
      averages(newton).square.length < 1 || newton.imaginary < -1e-3
    {
      return newton
    }
    for _ in 0..<2000 {
      let next = (sigma + averages(sigma).g).multiplied(by: 0.5)
      let step = (next - sigma).length
      sigma = next
      if step < 1e-12 { break }
    }
    return sigma
  }

  package func nonadiabaticX(
    mu: Double, temperature: Double, omega: Double, step: Double
  ) -> ComplexDouble {
    let zone = (0..<points).map { point(.pi * (Double($0) + 0.5) / Double(points)) }
    // E(-k) = E(k): half of the zone has all energies.
    let energies = (0..<2).map { s in zone[..<(points / 2)].map { $0.energies[s] } }
    // From below the bands, where R and A are the same, to where f = 1e-13.
    let shift = Int((omega / step).rounded())
    let low = -2.9 - 2 * gamma.squareRoot()
    let count = Int(((mu + 30 * temperature - low + omega) / step).rounded())
    let start = low - omega
    var sigmas: [[ComplexDouble]] = []
    for n in 0..<(count + shift) {
      let e = start + step * Double(n)
      let last = sigmas.last ?? [.zero, .zero]
      sigmas.append((0..<2).map { selfEnergy(e, energies[$0], last[$0]) })
    }
    func f(_ e: Double) -> Double { 1 / (1 + Double.exp((e - mu) / temperature)) }
    /// F with g+ at eps + omega and g at eps.
    func loop(_ n: Int, plus: [ComplexDouble], _ inner: [ComplexDouble]) -> ComplexDouble {
      let e = start + step * Double(n)
      var sum = ComplexDouble.zero
      for point in zone {
        let gPlus = (0..<2).map { 1 / (ComplexDouble(e + omega - point.energies[$0]) - plus[$0]) }
        let g = (0..<2).map { 1 / (ComplexDouble(e - point.energies[$0]) - inner[$0]) }
        for (n, (a, c)) in [(0, 1), (1, 0)].enumerated() {
          sum += (gPlus[a] * g[a] * g[c]).multiplied(by: point.electricFirst[n])
          sum += (gPlus[a] * gPlus[c] * g[c]).multiplied(by: point.gaugeFirst[n])
        }
      }
      return sum
    }
    var total = ComplexDouble.zero
    for n in 0..<count {
      let e = start + step * Double(n)
      let (r, rPlus) = (sigmas[n], sigmas[n + shift])
      let (a, aPlus) = (r.map(\.conjugate), rPlus.map(\.conjugate))
      total += loop(n, plus: rPlus, r).multiplied(by: f(e))
      total -= loop(n, plus: aPlus, a).multiplied(by: f(e + omega))
      total += loop(n, plus: rPlus, a).multiplied(by: f(e + omega) - f(e))
    }
    // (1/V) sum_k = the average over the cell volume, 2; -1/(2 pi i) = i/(2 pi); K^xy has one i.
    let measure = step / Double(points) / 2 / (2 * .pi)
    return total * .i * .i.multiplied(by: measure)
  }
}
