// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import Quadrature
import RealModule

/// The energy integral of a single pole, l(p) = int d eps f(eps) / (eps - p), on the line
/// p = x - i Gamma of all retarded poles at constant lifetime.
///
///     l(p) = log p                                              T = 0
///     l(p) = psi(1/2 + i p / 2 pi T) - i pi / 2 + log(2 pi T)   T > 0, Im p < 0
///
/// up to a constant that no divided difference sees; on the advanced line l(p*) = l(p)*.
/// Source: docs/conventions.md section 3. Poles p = x - i Gamma, x = E - mu, are measured from mu.
///
/// Goals, in order: divided differences that stay accurate when the poles are equal, nearly equal
/// or far apart; one rule for T = 0 and T > 0; speed, since this is the innermost loop.
///
/// All singularities of l lie at p = i pi T (2m + 1) (T = 0: on the half-line Im p >= 0 with tip
/// p = 0), so on the line the Taylor series at x has a radius of at least
/// (|x| + R)/sqrt(2), R = Gamma + pi T. Panels whose width is a sixteenth of a binade of |x| + R
/// therefore hold l to rounding with 13 terms, and with 26 terms also at neighbours as far as
/// (|x| + R)/6. The coefficients at a panel's centre c follow from the Matsubara poles
/// q_m = c - i pi T (2m + 1), with delta = -2 pi i T:
///
///     l^(k)(c)/k! = (-1)^(k+1) delta sum_m q_m^-(k+1)       k > 0
///
/// summed term by term while |q_m| < 40 |delta| and by the Euler-Maclaurin formula beyond; T = 0 is
/// the case delta = 0, where the sum becomes (-1)^(k+1)/(k c^k).
/// Units: T, Gamma and x in energy units; l is dimensionless, l[...] of n poles energy^(1-n).
/// Accuracy: 1e-15 relative for l and its derivatives; divided differences to 1e-13 of
/// |l^(n)|/n! at the tip p = -i Gamma.
public struct FermiLogarithm: Sendable {
  /// T and Gamma, in energy units.
  public let temperature, broadening: Double
  /// R = Gamma + pi T, the distance of the line from the nearest singularity.
  public let width: Double

  package static let terms = 26
  private static let valueTerms = 13
  private let firstPanel: Int
  private let panelCount: Int
  /// For each panel, sign + then sign -: centre, 1/scale, then the coefficients re, im.
  private let table: [Double]
  private static let panelSize = 2 + 2 * terms

  /// The function for |x| up to `reach`.
  ///
  /// - Precondition: Gamma > 0, T >= 0.
  public init(temperature: Double, broadening: Double, reach: Double) {
    precondition(temperature >= 0 && broadening > 0 && reach >= 0)
    self.temperature = temperature
    self.broadening = broadening
    width = broadening + .pi * temperature
    firstPanel = Int(width.bitPattern >> 48)
    panelCount = Int((reach * 1.01 + width).bitPattern >> 48) - firstPanel + 1
    var table: [Double] = []
    table.reserveCapacity(2 * panelCount * FermiLogarithm.panelSize)
    for panel in 0..<panelCount {
      let low = Double(bitPattern: UInt64(firstPanel + panel) << 48)
      let high = Double(bitPattern: UInt64(firstPanel + panel + 1) << 48)
      let middle = (low + high) / 2
      for sign in [1.0, -1.0] {
        let x = sign * (middle - width)
        table += [x, 1 / middle]
        for c in FermiLogarithm.taylor(x, scale: middle, temperature, broadening) {
          table += [c.real, c.imaginary]
        }
      }
    }
    self.table = table
  }

  /// l(x - i Gamma).
  @inline(__always)
  package func value(_ x: Double) -> ComplexDouble {
    table.withUnsafeBufferPointer { t in
      let p = t.baseAddress! + offset(x)
      let u = (x - p[0]) * p[1]
      var n = 2 + 2 * (FermiLogarithm.valueTerms - 1)
      var re = p[n]
      var im = p[n + 1]
      while n > 2 {
        n -= 2
        re = re * u + p[n]
        im = im * u + p[n + 1]
      }
      return ComplexDouble(re, im)
    }
  }

  /// How far apart poles near `x` may be for the Taylor series to serve them all.
  @inline(__always)
  package func neighbourhood(_ x: Double) -> Double { (x.magnitude + width) * 0.25 }

  /// The divided difference l[x_1 - i Gamma, ..., x_n - i Gamma] of any number of poles, equal or
  /// not, x in energy units:
  ///
  ///     l[p_1] = l(p_1),   l[p_1, ..., p_n] = (l[p_2, ..., p_n] - l[p_1, ..., p_(n-1)])/(p_n - p_1)
  ///
  /// and l^(n-1)(p)/(n-1)! where all are equal. Poles that all lie within a neighbourhood are served by the Taylor series; otherwise the
  /// recursion divides by the largest separation, which is then no smaller than a neighbourhood,
  /// so that neither way loses digits.
  public func dividedDifference(_ poles: [Double]) -> ComplexDouble {
    dividedDifference(PoleList(poles))
  }

  package func dividedDifference(_ poles: PoleList) -> ComplexDouble {
    var sorted = poles
    sorted.sort()
    return dividedDifference(sorted, from: 0, through: sorted.count - 1)
  }

  /// The same of two poles, in any order.
  @inline(__always)
  package func dividedDifference(_ x: Double, _ y: Double) -> ComplexDouble {
    let (low, high) = x < y ? (x, y) : (y, x)
    let nearest = low > 0 ? low : high < 0 ? high : 0
    guard high - low <= neighbourhood(nearest) else {
      return (value(high) - value(low)).divided(by: high - low)
    }
    return taylor(low, high) { c, inverseScale, terms, u, v in
      var (a, b) = (SIMD2<Double>.zero, SIMD2<Double>.zero)
      for n in stride(from: terms, through: 0, by: -1) {
        b = b * v + a
        a = a * u + SIMD2(c[2 * n], c[2 * n + 1])
      }
      return b * inverseScale
    }
  }

  /// The same of three poles, in any order.
  package func dividedDifference(_ x: Double, _ y: Double, _ z: Double) -> ComplexDouble {
    let (least, most) = (min(x, y, z), max(x, y, z))
    let middle = max(min(x, y), min(max(x, y), z))
    let nearest = least > 0 ? least : most < 0 ? most : 0
    guard most - least <= neighbourhood(nearest) else {
      return (dividedDifference(middle, most) - dividedDifference(least, middle))
        .divided(by: most - least)
    }
    return taylor(least, most) { c, inverseScale, terms, u, v in
      let w = (middle - c[-2]) * inverseScale
      var (a, b, d) = (SIMD2<Double>.zero, SIMD2<Double>.zero, SIMD2<Double>.zero)
      for n in stride(from: terms, through: 0, by: -1) {
        d = d * w + b
        b = b * v + a
        a = a * u + SIMD2(c[2 * n], c[2 * n + 1])
      }
      return d * (inverseScale * inverseScale)
    }
  }

  /// Coefficients, 1/scale, the last term that counts, and both ends in units of the scale: ends in the middle of their panel,
  /// within a twentieth of the distance to the singularities, need fewer terms.
  @inline(__always)
  private func taylor(
    _ low: Double, _ high: Double,
    _ sum: (
      _ c: UnsafePointer<Double>, _ inverseScale: Double, _ terms: Int, _ u: Double, _ v: Double
    ) -> SIMD2<Double>
  ) -> ComplexDouble {
    table.withUnsafeBufferPointer { table in
      let panel = table.baseAddress! + offset((low + high) / 2)
      let (u, v) = ((low - panel[0]) * panel[1], (high - panel[0]) * panel[1])
      let isNarrow = max(abs(u), abs(v)) < 0.04
      let result = sum(panel + 2, panel[1], isNarrow ? 16 : FermiLogarithm.terms - 1, u, v)
      return ComplexDouble(result.x, result.y)
    }
  }

  /// Over the poles with indices `first` to `last` of a sorted list.
  private func dividedDifference(_ x: PoleList, from first: Int, through last: Int) -> ComplexDouble
  {
    let (low, high) = (x[first], x[last])
    let nearest = low > 0 ? low : high < 0 ? high : 0
    if high - low <= neighbourhood(nearest) {
      return taylorDividedDifference(x, from: first, through: last)
    }
    if last == first + 1 { return (value(high) - value(low)).divided(by: high - low) }
    let upper = dividedDifference(x, from: first + 1, through: last)
    let lower = dividedDifference(x, from: first, through: last - 1)
    return (upper - lower).divided(by: high - low)
  }

  /// For f = sum_k c_k u^k, Horner's rule carried through the divided-difference table: with
  /// d_m the divided difference over the first m + 1 points, multiplication by u maps
  /// d_m -> u_m d_m + d_(m-1).
  private func taylorDividedDifference(_ x: PoleList, from first: Int, through last: Int)
    -> ComplexDouble
  {
    let base = offset((x[first] + x[last]) / 2)
    let inverseScale = table[base + 1]
    let center = table[base]
    let order = last - first
    return table.withUnsafeBufferPointer { table in
      var u = PoleList()
      for m in 0...order { u.append((x[first + m] - center) * inverseScale) }
      var re = InlineArray<8, Double>(repeating: 0)
      var im = InlineArray<8, Double>(repeating: 0)
      var n = base + 2 * FermiLogarithm.terms
      while n > base {
        for m in stride(from: order, to: 0, by: -1) {
          re[m] = re[m] * u[m] + re[m - 1]
          im[m] = im[m] * u[m] + im[m - 1]
        }
        re[0] = re[0] * u[0] + table[n]
        im[0] = im[0] * u[0] + table[n + 1]
        n -= 2
      }
      var scale = 1.0
      for _ in 0..<order { scale *= inverseScale }
      return ComplexDouble(re[order] * scale, im[order] * scale)
    }
  }

  @inline(__always)
  private func offset(_ x: Double) -> Int {
    let panel = Int((x.magnitude + width).bitPattern >> 48) - firstPanel
    precondition(panel < panelCount, "pole outside the range of the table")
    return (2 * panel + (x < 0 ? 1 : 0)) * FermiLogarithm.panelSize
  }

  /// l(p) at any p with Im p < 0, T = 0 included: -Im l(xi - i Gamma)/pi is the occupation of a level of
  /// width Gamma,
  ///
  ///     n(xi) = int d eps f(eps) (Gamma/pi)/((eps - xi)^2 + Gamma^2),   n(-infinity) = 1, n(infinity) = 0.
  ///
  /// The constant in l is part of that: with it l(p) -> log p for large p at all T, whose imaginary
  /// part is -pi for occupied levels and 0 for empty ones, so that no cut-off is needed.
  package static func value(at p: ComplexDouble, temperature: Double) -> ComplexDouble {
    // Rounding must not carry p over the cut.
    let below = ComplexDouble(p.real, min(p.imaginary, -Double.leastNormalMagnitude))
    if temperature == 0 { return ComplexDouble.log(below) }
    let delta = ComplexDouble(0, -2 * Double.pi * temperature)
    var q = below + delta.multiplied(by: 0.5)
    var sum = ComplexDouble.zero
    while q.length < 10 * delta.length {
      sum -= delta / q
      q += delta
    }
    return sum + tail(0, q, delta)
  }

  /// l'(p) at any p with Im p < 0, whose imaginary part over pi at p = x - i0 is -f'(x), at T = 0
  /// delta(x): sum_m delta/q_m^2 with q_m = p - i pi T (2m + 1), delta = -2 pi i T; 1/p at T = 0.
  package static func derivative(at p: ComplexDouble, temperature: Double) -> ComplexDouble {
    let delta = ComplexDouble(0, -2 * Double.pi * temperature)
    var q = p + delta.multiplied(by: 0.5)
    var sum = ComplexDouble.zero
    while q.length < 10 * delta.length {
      let inverse = 1 / q
      sum += delta * inverse * inverse
      q += delta
    }
    return sum + tail(1, q, delta)
  }

  /// What the poles from q on, q, q + delta, ..., leave of l^(k)/k!, by the formula of Euler and Maclaurin:
  ///
  ///     (-1)^(k+1) q^-k {1/k + r/2 + sum_j B_2j (k + 1) ... (k + 2j - 1)/(2j)! r^2j},   r = delta/q
  ///
  /// with -log q in place of 1/k at k = 0.
  private static func tail(_ k: Int, _ q: ComplexDouble, _ delta: ComplexDouble) -> ComplexDouble {
    let inverse = 1 / q
    let ratio = delta * inverse
    let square = ratio * ratio
    var sum = ratio.multiplied(by: 0.5)
    var even = square
    var factor = Double(k + 1) / 2
    for (j, b) in EulerMaclaurin.bernoulli.enumerated() {
      sum += even.multiplied(by: b * factor) as ComplexDouble
      let n = Double(2 * j + 2)
      factor *= (Double(k) + n) * (Double(k) + n + 1) / ((n + 1) * (n + 2))
      even *= square
    }
    if k == 0 { return ComplexDouble.log(q) - sum }
    sum += ComplexDouble(1 / Double(k))
    for _ in 0..<k { sum *= -inverse }
    return -sum
  }

  /// l^(k)(x - i Gamma) scale^k / k! for k = 0 ..< terms.
  private static func taylor(
    _ x: Double, scale: Double, _ temperature: Double, _ broadening: Double
  ) -> [ComplexDouble] {
    // All lengths in units of `scale`; q is q_0, q_1, ... in turn.
    let delta = ComplexDouble(0, -2 * Double.pi * temperature / scale)
    var q = ComplexDouble(x / scale, -(broadening + Double.pi * temperature) / scale)
    var sums = [ComplexDouble](repeating: .zero, count: terms)
    while q.length < 40 * delta.length {
      let inverse = 1 / q
      var power = delta * inverse
      sums[0] -= power
      for k in 1..<terms {
        power *= inverse
        if k % 2 == 1 { sums[k] += power } else { sums[k] -= power }
      }
      q += delta
    }
    for k in 0..<terms { sums[k] += tail(k, q, delta) }
    sums[0] += ComplexDouble(Double.log(scale))
    return sums
  }
}

extension Complex where RealType == Double {
  @inline(__always)
  package func divided(by x: Double) -> ComplexDouble { ComplexDouble(real / x, imaginary / x) }
}
