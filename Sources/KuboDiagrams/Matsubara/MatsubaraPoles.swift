// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import RealModule

/// l(p) of ``FermiLogarithm`` for any complex p with Im p <= -Gamma, as a logarithm and simple poles:
///
///     l(p) = log q - sum_(m < M) delta/(p - i pi T (2m + 1)) + sum_i c_i delta^2/(q^2 + tau_i^2 delta^2)
///     q = p - 2 pi i T M,   delta = -2 pi i T
///
/// The Matsubara poles from m = M on are summed by the midpoint rule of Euler and Maclaurin, log q +
/// r^2/24 - 7 r^4/960 + 31 r^6/8064 - 127 r^8/30720 + ... with r = delta/q; two simple poles at each
/// of +- i tau_i delta have the same expansion to r^8. M is such that |r| <= 1/20, where the rest is
/// below 1e-15. At T = 0 only log p is left.
package final class MatsubaraPoles: @unchecked Sendable {
  private(set) var logarithm: ZoneLogarithm
  private let storage: UnsafeMutablePointer<Double>

  package init(temperature: Double, broadening: Double) {
    var offsets: [ComplexDouble] = []
    var weights: [ComplexDouble] = []
    var shift = ComplexDouble.zero
    if temperature > 0 {
      let spacing = 2 * Double.pi * temperature
      let delta = ComplexDouble(0, -spacing)
      let count = max(0, Int((20 - min(20, broadening / spacing)).rounded(.up)))
      shift = ComplexDouble(0, -spacing * Double(count))
      for m in 0..<count {
        offsets.append(ComplexDouble(0, -spacing * (Double(m) + 0.5)))
        weights.append(delta)
      }
      // The moments of sum_i c_i delta(x - tau_i^2), and its two nodes.
      let moments = [1.0 / 24, 7.0 / 960, 31.0 / 8064, 127.0 / 30720]
      let determinant = moments[1] * moments[1] - moments[0] * moments[2]
      let sum = (moments[1] * moments[2] - moments[0] * moments[3]) / determinant
      let product = (moments[2] * moments[2] - moments[1] * moments[3]) / determinant
      let root = (sum * sum / 4 - product).squareRoot()
      let nodes = [sum / 2 - root, sum / 2 + root]
      for (n, x) in nodes.enumerated() {
        let c = (moments[1] - nodes[1 - n] * moments[0]) / (x - nodes[1 - n])
        let tau = x.squareRoot()
        // i tau delta is real.
        let place = tau * spacing
        let weight = ComplexDouble(0, -c / (2 * tau)) * delta
        offsets += [shift - ComplexDouble(place), shift + ComplexDouble(place)]
        weights += [-weight, weight]
      }
    }
    let n = offsets.count
    storage = .allocate(capacity: max(1, 4 * n))
    let all =
      offsets.map(\.real) + offsets.map(\.imaginary) + weights.map(\.real)
      + weights.map(\.imaginary)
    storage.initialize(from: all, count: 4 * n)
    let p = UnsafePointer(storage)
    logarithm = ZoneLogarithm(
      shift_re: shift.real, shift_im: shift.imaginary, count: Int32(n), offset_re: p,
      offset_im: p + n, weight_re: p + 2 * n, weight_im: p + 3 * n)
  }

  deinit { storage.deallocate() }
}
