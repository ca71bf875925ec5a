// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import RealModule

/// The Matsubara sums of two and three propagators between all bands of two spins, for one k and one omega, without sums over
/// triples where levels are far apart:
///
///     sum_b v_ab w_bc l[p_a, q_b, r_c] = ([(v o l[p, q]) w]_ac - [v (w o l[q, r])]_ac)/(p_a - r_c)
///
/// with the divided differences l[...] of ``FermiLogarithm`` and o the product of elements. Poles of two half-planes are at
/// least 2 Gamma apart; p_a and r_c of one half-plane that are too near for the division are summed directly. The sums
/// K = i/(2 pi) (RR - AA + RA1 - RA2) and their static parts are those of ``ClosedFormBubble``.
struct BandSums {
  /// Levels less mu, perhaps shifted by omega, and l on the retarded line there.
  struct Levels {
    let x: [Double]
    let l: [ComplexDouble]

    init(_ x: [Double], _ line: FermiLogarithm, shift: Double = 0) {
      self.x = shift == 0 ? x : x.map { $0 + shift }
      l = self.x.map(line.value)
    }
  }

  let line: FermiLogarithm
  /// u' and u, and the same less and plus omega.
  let y, x, yBelow, xBelow, yAbove, xAbove: Levels
  let omega: Double

  init(_ y: Levels, _ x: Levels, _ line: FermiLogarithm, omega: Double) {
    (self.line, self.y, self.x, self.omega) = (line, y, x, omega)
    (yBelow, xBelow) = (Levels(y.x, line, shift: -omega), Levels(x.x, line, shift: -omega))
    (yAbove, xAbove) = (Levels(y.x, line, shift: omega), Levels(x.x, line, shift: omega))
  }

  /// Below this frequency the subtraction of K(0) would cost digits: ``ClosedFormBubble`` serves.
  static func smallest(_ line: FermiLogarithm, _ levels: [Double]) -> Double {
    0.03 * ((levels.map(\.magnitude).min() ?? 0) + line.width)
  }

  /// l[p_a, q_b] on the retarded line.
  private func same(_ p: Levels, _ q: Levels) -> Matrix {
    BandSums.same(p, q, line)
  }

  private static func same(_ p: Levels, _ q: Levels, _ line: FermiLogarithm) -> Matrix {
    Matrix(p.x.count) { a, b in
      let separation = q.x[b] - p.x[a]
      let nearest = min(p.x[a].magnitude, q.x[b].magnitude)
      return abs(separation) <= line.neighbourhood(nearest)
        ? line.dividedDifference(PoleList([p.x[a], q.x[b]]))
        : (q.l[b] - p.l[a]).divided(by: separation)
    }
  }

  /// l[p_a, q_b*]: p retarded, q advanced.
  private func mixed(_ p: Levels, _ q: Levels) -> Matrix {
    Matrix(p.x.count) { a, b in
      (q.l[b].conjugate - p.l[a])
        / ComplexDouble(q.x[b] - p.x[a], 2 * line.broadening)
    }
  }

  /// ([v o pq] w - v [w o qr])_ac / (p_a - r_c), where `direct` says nil, else that.
  private static func joined(
    _ v: Matrix, _ w: Matrix, _ pq: Matrix, _ qr: Matrix, _ separation: (Int, Int) -> ComplexDouble,
    direct: (Int, Int) -> ComplexDouble?
  ) -> Matrix {
    let difference = Matrix.product(v.times(pq), w) - Matrix.product(v, w.times(qr))
    return difference.map { z, a, c in direct(a, c) ?? z / separation(a, c) }
  }

  /// The retarded less the advanced sum over b, with poles p + shift, q, r of one half-plane each.
  private static func oneSided(
    _ v: Matrix, _ w: Matrix, _ line: FermiLogarithm, retarded: (Levels, Levels, Levels),
    advanced: (Levels, Levels, Levels), pq: Matrix, qr: Matrix
  ) -> Matrix {
    let (p, q, r) = retarded
    let (s, t, u) = advanced
    return joined(v, w, pq, qr) { a, c in
      ComplexDouble(p.x[a] - r.x[c])
    } direct: { a, c in
      let near = min(p.x[a].magnitude, r.x[c].magnitude, s.x[a].magnitude, u.x[c].magnitude)
      guard abs(p.x[a] - r.x[c]) <= line.neighbourhood(near) else { return nil }
      return q.x.indices.reduce(ComplexDouble.zero) { sum, b in
        let retarded = line.dividedDifference(PoleList([p.x[a], q.x[b], r.x[c]]))
        let advanced = line.dividedDifference(PoleList([s.x[a], t.x[b], u.x[c]])).conjugate
        return sum + v[a, b] * w[b, c] * (retarded - advanced)
      }
    }
  }

  /// i z/(2 pi), element by element.
  private static func normed(_ m: Matrix) -> Matrix {
    m.map { z, _, _ in
      ComplexDouble(-z.imaginary / (2 * .pi), z.real / (2 * .pi))
    }
  }

  /// sum_b v_ab w_bc <g+_a g_b g_c> at omega; a and b are levels of u'.
  func innerTriples(_ v: Matrix, _ w: Matrix) -> Matrix {
    let lower = same(y, x)
    let upper = same(yAbove, xAbove)
    let one = BandSums.oneSided(
      v, w, line, retarded: (yBelow, y, x), advanced: (y, yAbove, xAbove),
      pq: same(yBelow, y) - same(y, yAbove).conjugate, qr: lower - upper.conjugate)
    let two = BandSums.joined(
      v, w, mixed(y, yAbove) - mixed(yBelow, y), (upper - lower).conjugate
    ) { a, c in
      ComplexDouble(yBelow.x[a] - x.x[c], -2 * line.broadening)
    } direct: { _, _ in
      nil
    }
    return BandSums.normed(one + two)
  }

  /// sum_b w_ab v_bc <g+_a g+_b g_c> at omega; b and c are levels of u.
  func plusTriples(_ w: Matrix, _ v: Matrix) -> Matrix {
    let upper = same(y, x)
    let lower = same(yBelow, xBelow)
    let one = BandSums.oneSided(
      w, v, line, retarded: (yBelow, xBelow, x), advanced: (y, x, xAbove),
      pq: lower - upper.conjugate, qr: same(xBelow, x) - same(x, xAbove).conjugate)
    let two = BandSums.joined(
      w, v, upper - lower, mixed(x, xAbove) - mixed(xBelow, x)
    ) { a, c in
      ComplexDouble(yBelow.x[a] - x.x[c], -2 * line.broadening)
    } direct: { _, _ in
      nil
    }
    return BandSums.normed(one + two)
  }

  /// <g+_a g_c> at omega.
  func pairs() -> Matrix {
    BandSums.normed(
      same(yBelow, x) - same(y, xAbove).conjugate + mixed(y, xAbove) - mixed(yBelow, x))
  }

  /// sum_b v_ab w_bc <g_a g_b g_c> at omega = 0, whoever carries the frequency; b is one of `q`.
  static func staticTriples(
    _ v: Matrix, _ w: Matrix, _ p: Levels, _ q: Levels, _ r: Levels, _ line: FermiLogarithm
  ) -> Matrix {
    let (pq, qr) = (same(p, q, line), same(q, r, line))
    return normed(
      oneSided(
        v, w, line, retarded: (p, q, r), advanced: (p, q, r), pq: pq - pq.conjugate,
        qr: qr - qr.conjugate))
  }

  /// <g_a g_c> at omega = 0, real.
  static func staticPairs(_ p: Levels, _ q: Levels, _ line: FermiLogarithm) -> Matrix {
    same(p, q, line).map { z, _, _ in ComplexDouble(-z.imaginary / .pi) }
  }

  /// Bounds on the rounding of sums of n propagators over the sum of their absolute weights, besides that of levels. l is
  /// rounded, and divided for each propagator but one by a neighbourhood of the level that is `nearest` to mu, shifted by
  /// omega or not, or by 2 Gamma between the half-planes. The factors in front are several times what was seen.
  struct Rounding {
    let line: FermiLogarithm
    let levels: [Double]

    private func nearest(_ omega: Double) -> Double {
      levels.map { min($0.magnitude, abs($0 - omega), abs($0 + omega)) }.min() ?? 0
    }

    private func powers(_ omega: Double, _ n: Int) -> Double {
      Double.pow(line.neighbourhood(nearest(omega)), Double(1 - n))
        + Double.pow(2 * line.broadening, Double(1 - n))
    }

    /// Of [K(omega) - K(0)]/omega by subtraction.
    func difference(_ omega: Double, _ n: Int) -> Double {
      let largest = (levels.map(\.magnitude).max() ?? 0) + abs(omega) + line.width
      let size = 4 + max(abs(Double.log(line.width)), abs(Double.log(largest)))
      return 2e-15 * size * powers(omega, n) / abs(omega)
    }

    /// Of the same by ``ClosedFormBubble``.
    func quotient(_ omega: Double, _ n: Int) -> Double {
      5e-16 / line.neighbourhood(nearest(omega)) * powers(omega, n)
    }

    /// Of K(0).
    func still(_ n: Int) -> Double {
      2e-15 * Double.pow(line.neighbourhood(nearest(0)), Double(1 - n))
    }
  }
}
