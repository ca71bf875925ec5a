// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import RealModule

/// A product of propagators under the Matsubara sum,
/// <g+_a ... g_c ...> = (1/beta) sum_n g+_a(i eps_n + i omega) ... g_c(i eps_n) ...,
/// told apart by how many carry i eps_n + i omega and how many i eps_n, for each band.
public struct Bubble: Hashable, Sendable {
  /// The bands of the propagators g+, bonding first.
  public let plus: [Band]
  /// The bands of the propagators g, bonding first.
  public let inner: [Band]

  /// The product with these bands, in any order.
  public init(plus: [Band], inner: [Band]) {
    self.plus = plus.sorted { $0.rawValue < $1.rawValue }
    self.inner = inner.sorted { $0.rawValue < $1.rawValue }
  }

  /// Those that `zone_bubbles` knows, in its order: (a|c), then (a|bc), then (ab|c).
  package static let known: [Bubble] = {
    let s = Band.allCases
    let pairs: [[Band]] = [
      [.bonding, .bonding], [.bonding, .antibonding], [.antibonding, .antibonding],
    ]
    return s.flatMap { a in s.map { Bubble(plus: [a], inner: [$0]) } }
      + s.flatMap { a in pairs.map { Bubble(plus: [a], inner: $0) } }
      + s.flatMap { c in pairs.map { Bubble(plus: $0, inner: [c]) } }
  }()
}

/// The two band energies at one k, measured from mu; real, since k is.
package struct BandPair: Sendable {
  package var bonding: Double
  package var antibonding: Double

  package init(bonding: Double, antibonding: Double) {
    self.bonding = bonding
    self.antibonding = antibonding
  }

  @inline(__always)
  package subscript(_ s: Band) -> Double { s == .bonding ? bonding : antibonding }
}

/// The Matsubara sum of a bubble at constant lifetime, in closed form.
///
///     K(omega) = -1/(2 pi i) { l[R+ - omega, R] - l[A+, A + omega]
///                              + l[R+, A + omega] - l[R+ - omega, A] }
///
/// where R+, A+ are the retarded and advanced poles of the propagators g+, R, A those of g, and
/// l[...] is the divided difference over all of them: partial fractions of the real-axis integral
/// of docs/conventions.md section 3, each integral shifted so that the Fermi function stands at eps.
///
/// K(0) = -(1/pi) Im l[R+, R], since retarded-advanced terms cancel. The change with omega is
/// written with one pole more, by replacing the shifted poles one at a time:
///
///     [l[a - omega, ...] - l[a, ...]] / omega = -l[a - omega, a, ...]
///
/// so [K(omega) - K(0)]/omega is as accurate at omega = 0, where it is the derivative, as
/// elsewhere. Rounding: eps/R^n on one line, eps/(R (2 Gamma)^(n-1)) between the two, for n
/// propagators and R = Gamma + pi T; at T >> Gamma the latter exceeds the bubble itself. This is the obvious form,
/// for all loops; `zone_bubbles` is the faster one, checked against it.
public struct ClosedFormBubble: Sendable {
  package let line: FermiLogarithm

  /// The sums with the lifetime and temperature of `line`.
  public init(line: FermiLogarithm) { self.line = line }

  /// K(0), real.
  package func staticPart(_ bubble: Bubble, _ x: BandPair) -> Double {
    staticPart(x.poles(bubble.plus) + x.poles(bubble.inner))
  }

  /// The same of propagators at these energies, whoever carries the frequency.
  package func staticPart(_ poles: PoleList) -> Double {
    -line.dividedDifference(poles).imaginary / .pi
  }

  /// [K(omega) - K(0)] / omega; the derivative of K at omega = 0.
  package func dynamicQuotient(_ bubble: Bubble, _ x: BandPair, omega: Double) -> ComplexDouble {
    dynamicQuotient(plus: x.poles(bubble.plus), inner: x.poles(bubble.inner), omega: omega)
  }

  /// The same of propagators g+ at the energies `a` and g at `c`.
  package func dynamicQuotient(plus a: PoleList, inner c: PoleList, omega: Double) -> ComplexDouble
  {
    var sum = mixedQuotient(retarded: a, advanced: c, omega: omega)
    for j in 0..<a.count { sum -= line.dividedDifference(a.replaced(through: j, by: -omega) + c) }
    for j in 0..<c.count {
      sum -= line.dividedDifference(a + c.replaced(through: j, by: omega)).conjugate
    }
    // -1/(2 pi i) = i/(2 pi).
    return sum * ComplexDouble(0, 1 / (2 * Double.pi))
  }

  /// A bound on the rounding of the quotient, or without omega of K(0), besides that of energies: derivatives of l
  /// are about powers of 1/(|x| + R) at the level nearest to mu, and each step of the recursion divides by the
  /// separation of two poles, a neighbourhood or more on one line, what they have between the two. The factor in
  /// front is several times what was seen.
  package func rounding(_ bubble: Bubble, _ x: BandPair, omega: Double?) -> Double {
    let count = bubble.plus.count + bubble.inner.count
    let near = line.neighbourhood(min(x.bonding.magnitude, x.antibonding.magnitude))
    guard let omega else { return 2e-15 * Double.pow(near, 1 - count) }
    var least = near
    for a in bubble.plus {
      for c in bubble.inner {
        least = min(least, Double.hypot(x[c] + omega - x[a], 2 * line.broadening))
      }
    }
    return 5e-16 / near * (Double.pow(near, 1 - count) + Double.pow(least, 1 - count))
  }

  /// {l[R+, A + omega] - l[R+ - omega, A]} / omega: the divided difference of
  /// h(p) = [l(p) - l(p - omega)]/omega over the poles R+ and A + omega, since the two sets differ by
  /// a shift. h is small where both bands are full or empty, so nothing large cancels. Every step
  /// of the recursion that joins the two lines divides by at least 2 Gamma.
  private func mixedQuotient(retarded r: PoleList, advanced a: PoleList, omega: Double)
    -> ComplexDouble
  {
    /// h over the first `n` poles, shifted by `shift` one at a time.
    func change(_ poles: PoleList, _ n: Int, by shift: Double) -> ComplexDouble {
      let first = poles.prefix(n)
      var sum = ComplexDouble.zero
      for j in 0..<n { sum += line.dividedDifference(first.replaced(through: j, by: shift)) }
      return sum
    }
    var row = InlineArray<5, ComplexDouble>(repeating: .zero)
    for n in 1...a.count { row[n] = change(a, n, by: omega).conjugate }
    for m in 1...r.count {
      row[0] = change(r, m, by: -omega)
      for n in 1...a.count {
        let separation = ComplexDouble(a[n - 1] + omega - r[m - 1], 2 * line.broadening)
        let difference: ComplexDouble = row[n] - row[n - 1]
        row[n] = difference / separation
      }
    }
    return row[a.count]
  }
}

extension BandPair {
  /// The energies of `bands`, as poles.
  func poles(_ bands: [Band]) -> PoleList {
    var list = PoleList()
    for s in bands { list.append(self[s]) }
    return list
  }
}
