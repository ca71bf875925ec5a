// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
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
/// of physics.md section 3, each integral shifted so that the Fermi function stands at eps.
///
/// K(0) = -(1/pi) Im l[R+, R], since retarded-advanced terms cancel. The change with omega is
/// written with one pole more, by replacing the shifted poles one at a time:
///
///     [l[a - omega, ...] - l[a, ...]] / omega = -l[a - omega, a, ...]
///
/// so [K(omega) - K(0)]/omega is as accurate at omega = 0, where it is the derivative, as
/// elsewhere. This is the obvious form; ``FastBubbles`` is the fast one, checked against it.
public struct ClosedFormBubble: Sendable {
  let line: FermiLogarithm

  /// The sums with the lifetime and temperature of `line`.
  public init(line: FermiLogarithm) { self.line = line }

  /// K(0), real.
  package func staticPart(_ bubble: Bubble, _ x: BandPair) -> Double {
    let poles = x.poles(bubble.plus) + x.poles(bubble.inner)
    return -line.dividedDifference(poles).imaginary / .pi
  }

  /// [K(omega) - K(0)] / omega; the derivative of K at omega = 0.
  package func dynamicQuotient(_ bubble: Bubble, _ x: BandPair, omega: Double) -> ComplexDouble {
    let a = x.poles(bubble.plus)
    let c = x.poles(bubble.inner)
    var sum = ComplexDouble.zero
    for j in 0..<a.count {
      let shifted = a.replaced(through: j, by: -omega)
      sum -= line.dividedDifference(shifted + c)
      sum += mixedDividedDifference(retarded: shifted, advanced: c)
    }
    for j in 0..<c.count {
      let shifted = c.replaced(through: j, by: omega)
      sum -= line.dividedDifference(a + shifted).conjugate
      sum += mixedDividedDifference(retarded: a, advanced: shifted)
    }
    // -1/(2 pi i) = i/(2 pi).
    return sum * ComplexDouble(0, 1 / (2 * Double.pi))
  }

  /// l[r_1 - i Gamma, ..., a_1 + i Gamma, ...]: every step of the recursion that joins the two
  /// lines divides by at least 2 Gamma.
  private func mixedDividedDifference(retarded r: PoleList, advanced a: PoleList) -> ComplexDouble {
    var row = InlineArray<9, ComplexDouble>(repeating: .zero)
    for n in 1...a.count { row[n] = line.dividedDifference(a.prefix(n)).conjugate }
    for m in 1...r.count {
      row[0] = line.dividedDifference(r.prefix(m))
      for n in 1...a.count {
        let separation = ComplexDouble(a[n - 1] - r[m - 1], 2 * line.broadening)
        let change: ComplexDouble = row[n] - row[n - 1]
        row[n] = change / separation
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
