// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import Quadrature
import RealModule

/// l(p) of ``FermiLogarithm`` for any complex p with Im p <= -Gamma, as a logarithm and simple poles:
///
///     l(p) = log q - sum_(m < M) delta/(p - i pi T (2m + 1)) + sum_i c_i delta^2/(q^2 + tau_i^2 delta^2)
///     q = p - 2 pi i T M,   delta = -2 pi i T
///
/// The Matsubara poles from m = M on are summed by the midpoint rule of Euler and Maclaurin, log q +
/// r^2/24 - 7 r^4/960 + 31 r^6/8064 - ... with r = delta/q; three simple poles at each of +- i tau_i delta
/// have the same expansion to r^12. M is such that |r| <= 1/9, where the rest is below 1e-15. At T = 0
/// only log p is left.
package final class MatsubaraPoles: @unchecked Sendable {
  package private(set) var logarithm: ZoneLogarithm
  private let storage: UnsafeMutablePointer<Double>

  package convenience init(temperature: Double, broadening: Double) {
    let (poles, shift) = MatsubaraPoles.simple(temperature, broadening)
    self.init(poles, shift: shift)
  }

  /// The same with simple poles in place of the logarithm too, for |Re p| up to `reach`: divided differences of
  /// them are products, which lose no digits however close the points are. Up to a constant
  ///
  ///     log q = i int_0^infinity dy/(q - i y),   q = x - i R
  ///
  /// with Gauss's rule for log(y + R), in which the integrand is analytic within pi/2 of the real line, up
  /// to y + R = 2 (reach + R), and for 1/(y + R) beyond. Relative to integrals of moduli that leaves 3e-14.
  package convenience init(temperature: Double, broadening: Double, reach: Double) {
    var (poles, shift) = MatsubaraPoles.simple(temperature, broadening)
    let nearest = broadening - shift.imaginary
    let farthest = 2 * (reach + nearest)
    func add(_ distance: Double, _ weight: Double) {
      poles.append((shift - ComplexDouble(0, distance - nearest), ComplexDouble(0, -weight)))
    }
    let panels = (Double.log(farthest / nearest) / 2.6).rounded(.up)
    let length = Double.log(farthest / nearest) / panels
    for panel in 0..<Int(panels) {
      for (t, w) in GaussRule.unitInterval(Int((20 / Double.asinh(.pi / length)).rounded(.up))) {
        let distance = nearest * Double.exp(length * (Double(panel) + t))
        add(distance, w * length * distance)
      }
    }
    for (t, w) in GaussRule.unitInterval(9) { add(farthest / t, w * farthest / (t * t)) }
    self.init(poles, shift: shift)
  }

  /// The simple poles, as offsets and weights, and 2 pi i T M.
  private static func simple(_ temperature: Double, _ broadening: Double) -> (
    poles: [(offset: ComplexDouble, weight: ComplexDouble)], shift: ComplexDouble
  ) {
    guard temperature > 0 else { return ([], .zero) }
    let spacing = 2 * Double.pi * temperature
    let delta = ComplexDouble(0, -spacing)
    let count = max(0, Int((9 - min(9, broadening / spacing)).rounded(.up)))
    let shift = ComplexDouble(0, -spacing * Double(count))
    var poles = (0..<count).map { m in
      (offset: ComplexDouble(0, -spacing * (Double(m) + 0.5)), weight: delta)
    }
    for (x, c) in MatsubaraPoles.nodes {
      let tau = x.squareRoot()
      // i tau delta is real.
      let place = tau * spacing
      let weight = ComplexDouble(0, -c / (2 * tau)) * delta
      poles += [(shift - ComplexDouble(place), -weight), (shift + ComplexDouble(place), weight)]
    }
    return (poles, shift)
  }

  private init(_ poles: [(offset: ComplexDouble, weight: ComplexDouble)], shift: ComplexDouble) {
    let n = poles.count
    storage = .allocate(capacity: max(1, 4 * n))
    let all =
      poles.map(\.offset.real) + poles.map(\.offset.imaginary) + poles.map(\.weight.real)
      + poles.map(\.weight.imaginary)
    storage.initialize(from: all, count: 4 * n)
    let p = UnsafePointer(storage)
    logarithm = ZoneLogarithm(
      shift_re: shift.real, shift_im: shift.imaginary, count: Int32(n), offset_re: p,
      offset_im: p + n, weight_re: p + 2 * n, weight_im: p + 3 * n)
  }

  /// x_i = tau_i^2 and c_i with sum_i c_i x_i^(k-1) = (1 - 2^(1-2k)) |B_2k|/2k for k = 1 to 6: the zeros of
  /// x^3 + p_2 x^2 + p_1 x + p_0, orthogonal to 1, x, x^2.
  private static let nodes: [(x: Double, c: Double)] = {
    let m = EulerMaclaurin.bernoulli.prefix(6).enumerated().map { k, b in
      (1 - Double.exp2(-Double(2 * k + 1))) * abs(b) / Double(2 * k + 2)
    }
    let p = solution((0..<3).map { Array(m[$0..<($0 + 3)]) }, m[3...].map(-))!
    // Three real zeros, by the cosine of a third of an angle.
    let third = p[2] / 3
    let (a, b) = (third * third - p[1] / 3, third * (p[1] / 2 - third * third) - p[0] / 2)
    let angle = Double.acos(b / (a * a.squareRoot())) / 3
    let x = (0..<3).map {
      2 * a.squareRoot() * Double.cos(angle - 2 * .pi * Double($0) / 3) - third
    }
    return x.indices.map { i in
      let (y, z) = (x[(i + 1) % 3], x[(i + 2) % 3])
      return (x[i], (m[2] - (y + z) * m[1] + y * z * m[0]) / ((x[i] - y) * (x[i] - z)))
    }
  }()

  deinit { storage.deallocate() }
}
