// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboWork
import Quadrature
import RealModule

/// The number of electrons per unit cell with impurities.
///
/// With h(y) = Re avg tr G(mu + i y), all C states of the cell, and H = 2 pi T,
///
///     n = C/2 + (1/pi) int_0^infinity dy h(y) at T = 0,   n = C/2 + 2 T sum_{m >= 0} h(H (m + 1/2)) at T > 0
///
/// since f(E - mu) = 1/2 + T sum_m Re 1/(mu + i eps_m - E) over all Matsubara frequencies. Beyond a = M H the sum is
/// (1/pi) int_a h with the corrections of `EulerMaclaurin`.
package struct ImpurityOccupation: Sendable {
  /// avg tr G at energies, bounds on its errors, and the grids.
  package typealias Traces =
    @Sendable ([ComplexDouble]) async throws -> [(
      value: ComplexDouble, error: Double, divisions: Int
    )]
  /// C.
  private let capacity: Int
  /// A length of the energy axis beyond which nothing happens.
  private let width: Double
  private let temperature: Double
  private let trace: Traces
  /// The finest grid so far.
  private let divisions = Maximum(0)

  package init(capacity: Int, width: Double, temperature: Double, trace: @escaping Traces) {
    (self.capacity, self.width, self.temperature) = (capacity, width, temperature)
    self.trace = trace
  }

  /// h(y) and bounds on its errors.
  private func traces(_ mu: Double, _ ys: [Double]) async throws -> [(
    value: Double, error: Double
  )] {
    let found = try await trace(ys.map { ComplexDouble(mu, $0) })
    divisions.raise(to: found.map(\.divisions).max() ?? 0)
    return found.map { ($0.value.real, $0.error) }
  }

  /// dn/dmu = -(1/pi) Im avg tr G(mu) at T = 0, here 1e-6 of the width above; and about that of a temperature.
  private func slope(_ mu: Double) async throws -> Double {
    let y = max(1e-6 * width, .pi * temperature)
    return max(0, -(try await trace([ComplexDouble(mu, y)]))[0].value.imaginary / .pi)
  }

  /// n and a bound on its error.
  func electrons(mu: Double) async throws -> (value: Double, error: Double) {
    let step = 2 * Double.pi * temperature
    let count = temperature == 0 ? 0 : 24
    var (n, bound) = (Double(capacity) / 2, 0.0)
    if temperature > 0 {
      let h = try await traces(mu, (0..<(count + 2)).map { step * (Double($0) + 0.5) })
      for (value, error) in h.prefix(count) {
        n += 2 * temperature * value
        bound += 2 * temperature * error
      }
      var last = 0.0
      for (p, (value, error)) in h.suffix(4).enumerated() {
        n += 2 * temperature * EulerMaclaurin.midpoints[p] * value
        bound += 2 * temperature * abs(EulerMaclaurin.midpoints[p]) * error
        last += 2 * temperature * EulerMaclaurin.lastTerm[p] * value
      }
      // The terms left out are smaller by 1/M^2 or so; 1/M is taken.
      bound += abs(last) / Double(count)
    }
    // y = a + b (u/(1 - u))^2 spans all scales.
    let start = step * Double(count)
    let unit = width / 4
    let integral = try await VectorIntegral(
      ends: [0, 0.5, 1], allowed: { _ in [1e-9, .infinity] }
    ) { us in
      let ratios = us.map { $0 / (1 - $0) }
      let h = try await traces(mu, ratios.map { start + unit * $0 * $0 })
      return us.indices.map { n in
        let measure = unit * 2 * ratios[n] / ((1 - us[n]) * (1 - us[n])) / .pi
        return [h[n].value * measure, h[n].error * measure]
      }
    }
    return (n + integral.values[0], bound + integral.errors[0] + abs(integral.values[1]))
  }

  /// mu for so many electrons per cell, with a bound on its error.
  /// - Throws: `RequestError`, `NonConvergence`, as in a gap or an almost empty or full cell, and what `trace` throws.
  package func chemicalPotential(_ electrons: Double) async throws -> (mu: Double, error: Double) {
    try FillingRoot.check(electrons, capacity: capacity)
    func excess(_ mu: Double) async throws -> (mu: Double, value: Double, error: Double) {
      let n = try await self.electrons(mu: mu)
      return (mu, n.value - electrons, n.error)
    }
    var point = try await excess(0)
    var slope = try await slope(0)
    // n is certainly too small at `low` and too large at `high`.
    var (low, high, reach) = (-Double.infinity, Double.infinity, 0.05 * width)
    // Closer than twice the error there is no telling.
    for _ in 0..<200 where abs(point.value) > 2 * point.error && high - low > 1e-10 * width {
      if point.value < 0 { low = point.mu } else { high = point.mu }
      // Newton's step, or that of the chord, within the bracket or `reach`.
      var mu = point.mu - point.value / slope
      if low.isFinite && high.isFinite {
        if !(mu > low && mu < high) { mu = (low + high) / 2 }
      } else {
        mu = min(max(mu, point.mu - reach), point.mu + reach)
        reach *= 4
        guard reach < 1e18 * width else { break }
      }
      let last = point
      point = try await excess(mu)
      // A step that does not halve the distance is followed by a bisection.
      slope =
        abs(point.value) > abs(last.value) / 2 && low.isFinite && high.isFinite
        ? 0
        : temperature == 0
          ? try await self.slope(mu)
          // Rounding may tell a slope below 0 where n is flat.
          : max(0, (point.value - last.value) / (mu - last.mu))
    }
    // Two points at which n is certainly too small and too large enclose mu.
    let mu = point.mu
    var (below, above) = (Double.infinity, Double.infinity)
    var step = min(1e-7, max(1e-11, 4 * point.error / max(slope, 1e-3) / width)) * width
    while below + above == .infinity, step < width {
      if below == .infinity {
        let n = try await excess(mu - step)
        if n.value < -n.error { below = step }
      }
      if above == .infinity {
        let n = try await excess(mu + step)
        if n.value > n.error { above = step }
      }
      step *= 8
    }
    let error = max(below, above)
    let largest = 1e-6 * max(width, abs(mu))
    guard error <= largest else {
      throw NonConvergence(
        label: "mu of the filling \(electrons)", estimate: min(error, width), allowed: largest,
        divisions: divisions.value,
        cause:
          "the number of electrons hardly changes with mu, as in a gap or in an almost empty or full cell, so give mu"
      )
    }
    return (mu, error)
  }
}
