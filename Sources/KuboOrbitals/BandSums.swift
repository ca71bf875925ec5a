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
    let count: Int
    let x: UnsafeMutablePointer<Double>
    let l: UnsafeMutablePointer<ComplexDouble>
    let scratch: ScratchPointer

    init(
      _ count: Int, _ levels: UnsafeMutablePointer<Double>, _ line: FermiLogarithm, shift: Double,
      _ scratch: ScratchPointer
    ) {
      (self.count, self.scratch) = (count, scratch)
      x = UnsafeMutableRawPointer(scratch.pointee.take((count + 1) / 2))
        .assumingMemoryBound(to: Double.self)
      l = scratch.pointee.take(count)
      for n in 0..<count {
        x[n] = levels[n] + shift
        l[n] = line.value(x[n])
      }
    }

    /// All levels higher or lower.
    func shifted(_ shift: Double, _ line: FermiLogarithm) -> Levels {
      Levels(count, x, line, shift: shift, scratch)
    }

    /// Their distances from mu.
    private var distances: UnsafeMutableBufferPointer<Double> { .init(start: x, count: count) }
    /// The smallest and the largest distance from mu.
    var nearest: Double { distances.reduce(.infinity) { min($0, $1.magnitude) } }
    var farthest: Double { distances.reduce(0) { max($0, $1.magnitude) } }
    /// The smallest distance from mu and mu +- omega.
    func nearest(_ omega: Double) -> Double {
      distances.reduce(.infinity) { min($0, $1.magnitude, abs($1 - omega), abs($1 + omega)) }
    }
  }

  let line: FermiLogarithm
  /// u' and u, and the same less and plus omega.
  let y, x, yBelow, xBelow, yAbove, xAbove: Levels
  let omega: Double

  init(_ y: Levels, _ x: Levels, _ line: FermiLogarithm, omega: Double) {
    (self.line, self.y, self.x, self.omega) = (line, y, x, omega)
    (yBelow, xBelow) = (y.shifted(-omega, line), x.shifted(-omega, line))
    (yAbove, xAbove) = (y.shifted(omega, line), x.shifted(omega, line))
  }

  /// Below this frequency the subtraction of K(0) would cost digits: ``ClosedFormBubble`` serves.
  static func smallest(_ line: FermiLogarithm, _ levels: [Levels]) -> Double {
    0.03 * (levels.reduce(.infinity) { min($0, $1.nearest) } + line.width)
  }

  /// l[p_a, q_b] on the retarded line.
  private func same(_ p: Levels, _ q: Levels) -> BandMatrix {
    BandSums.same(p, q, line)
  }

  private static func same(_ p: Levels, _ q: Levels, _ line: FermiLogarithm) -> BandMatrix {
    BandMatrix(p.count, p.scratch) { a, b in
      let separation = q.x[b] - p.x[a]
      let nearest = min(p.x[a].magnitude, q.x[b].magnitude)
      return abs(separation) <= line.neighbourhood(nearest)
        ? line.dividedDifference(p.x[a], q.x[b])
        : (q.l[b] - p.l[a]).divided(by: separation)
    }
  }

  /// l[p_a, q_b*]: p retarded, q advanced.
  private func mixed(_ p: Levels, _ q: Levels) -> BandMatrix {
    BandMatrix(p.count, p.scratch) { a, b in
      (q.l[b].conjugate - p.l[a])
        / ComplexDouble(q.x[b] - p.x[a], 2 * line.broadening)
    }
  }

  /// ([v o pq] w - v [w o qr])_ac / (p_a - r_c), where `direct` says nil, else that.
  private static func joined(
    _ v: BandMatrix, _ w: BandMatrix, _ pq: BandMatrix, _ qr: BandMatrix,
    _ separation: (Int, Int) -> ComplexDouble,
    direct: (Int, Int) -> ComplexDouble?
  ) -> BandMatrix {
    let difference = BandMatrix.product(v.times(pq), w) - BandMatrix.product(v, w.times(qr))
    return difference.map { z, a, c in direct(a, c) ?? z / separation(a, c) }
  }

  /// The retarded less the advanced sum over b, with poles p + shift, q, r of one half-plane each.
  private static func oneSided(
    _ v: BandMatrix, _ w: BandMatrix, _ line: FermiLogarithm, retarded: (Levels, Levels, Levels),
    advanced: (Levels, Levels, Levels), pq: BandMatrix, qr: BandMatrix
  ) -> BandMatrix {
    let (p, q, r) = retarded
    let (s, t, u) = advanced
    return joined(v, w, pq, qr) { a, c in
      ComplexDouble(p.x[a] - r.x[c])
    } direct: { a, c in
      let near = min(p.x[a].magnitude, r.x[c].magnitude, s.x[a].magnitude, u.x[c].magnitude)
      guard abs(p.x[a] - r.x[c]) <= line.neighbourhood(near) else { return nil }
      return (0..<q.count).reduce(ComplexDouble.zero) { sum, b in
        let retarded = line.dividedDifference(p.x[a], q.x[b], r.x[c])
        let advanced = line.dividedDifference(s.x[a], t.x[b], u.x[c]).conjugate
        return sum + v[a, b] * w[b, c] * (retarded - advanced)
      }
    }
  }

  /// i z/(2 pi), element by element.
  private static func normed(_ m: BandMatrix) -> BandMatrix {
    m.map { z, _, _ in
      ComplexDouble(-z.imaginary / (2 * .pi), z.real / (2 * .pi))
    }
  }

  /// sum_b v_ab w_bc <g+_a g_b g_c> at omega; a and b are levels of u'.
  func innerTriples(_ v: BandMatrix, _ w: BandMatrix) -> BandMatrix {
    let lower = same(y, x)
    let upper = same(yAbove, xAbove)
    let one = BandSums.oneSided(
      v, w, line, retarded: (yBelow, y, x), advanced: (y, yAbove, xAbove),
      pq: same(yBelow, y) - same(y, yAbove).conjugate, qr: lower - upper.conjugate)
    let two = BandSums.crossed(
      v, w, mixed(y, yAbove) - mixed(yBelow, y), (upper - lower).conjugate, yBelow, x, line)
    return BandSums.normed(one + two)
  }

  /// sum_b w_ab v_bc <g+_a g+_b g_c> at omega; b and c are levels of u.
  func plusTriples(_ w: BandMatrix, _ v: BandMatrix) -> BandMatrix {
    let upper = same(y, x)
    let lower = same(yBelow, xBelow)
    let one = BandSums.oneSided(
      w, v, line, retarded: (yBelow, xBelow, x), advanced: (y, x, xAbove),
      pq: lower - upper.conjugate, qr: same(xBelow, x) - same(x, xAbove).conjugate)
    let two = BandSums.crossed(
      w, v, upper - lower, mixed(x, xAbove) - mixed(xBelow, x), yBelow, x, line)
    return BandSums.normed(one + two)
  }

  /// The part of a sum of three whose poles p and r are in both half-planes, 2 Gamma and more apart.
  private static func crossed(
    _ v: BandMatrix, _ w: BandMatrix, _ pq: BandMatrix, _ qr: BandMatrix, _ p: Levels, _ r: Levels,
    _ line: FermiLogarithm
  ) -> BandMatrix {
    joined(v, w, pq, qr) { a, c in
      ComplexDouble(p.x[a] - r.x[c], -2 * line.broadening)
    } direct: { _, _ in
      nil
    }
  }

  /// <g+_a g_c> at omega.
  func pairs() -> BandMatrix {
    BandSums.normed(
      same(yBelow, x) - same(y, xAbove).conjugate + mixed(y, xAbove) - mixed(yBelow, x))
  }

  /// sum_b v_ab w_bc <g_a g_b g_c> at omega = 0, whoever carries the frequency; b is one of `q`.
  static func staticTriples(
    _ v: BandMatrix, _ w: BandMatrix, _ p: Levels, _ q: Levels, _ r: Levels, _ line: FermiLogarithm
  ) -> BandMatrix {
    let (pq, qr) = (same(p, q, line), same(q, r, line))
    return normed(
      oneSided(
        v, w, line, retarded: (p, q, r), advanced: (p, q, r), pq: pq - pq.conjugate,
        qr: qr - qr.conjugate))
  }

  /// <g_a g_c> at omega = 0, real.
  static func staticPairs(_ p: Levels, _ q: Levels, _ line: FermiLogarithm) -> BandMatrix {
    same(p, q, line).map { z, _, _ in ComplexDouble(-z.imaginary / .pi) }
  }

  /// d/d omega of the same sums at omega = 0, by differences of three poles, two of them equal:
  ///
  ///     d/dp l[p, q] = l[p, p, q],    (d/dp + d/dr) 1/(p_a - r_c) = 0
  ///
  /// so that each derivative of the quotient above is again one, of derivatives of its parts and of itself.
  struct Derivative {
    let line: FermiLogarithm
    let y, x: Levels

    /// l[p_a, p_a, q_b].
    private func firstTwice(_ p: Levels, _ q: Levels) -> BandMatrix {
      BandMatrix(p.count, p.scratch) { a, b in line.dividedDifference(p.x[a], p.x[a], q.x[b]) }
    }

    /// The derivative of l[p_a, q_b*] where both poles move.
    private func mixed(_ p: Levels, _ q: Levels) -> BandMatrix {
      BandMatrix(p.count, p.scratch) { a, b in
        (line.dividedDifference(q.x[b], q.x[b]).conjugate
          - line.dividedDifference(p.x[a], p.x[a]))
          / ComplexDouble(q.x[b] - p.x[a], 2 * line.broadening)
      }
    }

    /// ([v o pq] w - v [w o qr] + E)_ac / (p_a - r_c), with E the static sum; `direct` for poles that are near.
    private func joined(
      _ v: BandMatrix, _ w: BandMatrix, _ pq: BandMatrix, _ qr: BandMatrix, _ p: Levels,
      _ q: Levels, _ r: Levels, direct: (_ p: Double, _ q: Double, _ r: Double) -> ComplexDouble
    ) -> BandMatrix {
      let (one, two) = (BandSums.same(p, q, line), BandSums.same(q, r, line))
      let still =
        BandMatrix.product(v.times(one - one.conjugate), w)
        - BandMatrix.product(v, w.times(two - two.conjugate))
      let moved = BandMatrix.product(v.times(pq), w) - BandMatrix.product(v, w.times(qr))
      return moved.map { z, a, c in
        let separation = p.x[a] - r.x[c]
        let near = min(p.x[a].magnitude, r.x[c].magnitude)
        guard abs(separation) <= line.neighbourhood(near) else {
          return (z + still[a, c].divided(by: separation)).divided(by: separation)
        }
        return (0..<q.count).reduce(ComplexDouble.zero) { sum, b in
          sum + v[a, b] * w[b, c] * direct(p.x[a], q.x[b], r.x[c])
        }
      }
    }

    private func four(_ a: Double, _ b: Double, _ c: Double, _ d: Double) -> ComplexDouble {
      var poles = PoleList(a, b, c)
      poles.append(d)
      return line.dividedDifference(poles)
    }

    /// Of sum_b v_ab w_bc <g+_a g_b g_c>.
    func inner(_ v: BandMatrix, _ w: BandMatrix) -> BandMatrix {
      let (yy, yx, xy) = (firstTwice(y, y), firstTwice(y, x), firstTwice(x, y))
      let both = (yx + xy.transposed).conjugate
      let one = joined(v, w, -1 * (yy + yy.transposed.conjugate), -1 * both, y, y, x) { p, q, r in
        -four(p, p, q, r) - (four(p, q, q, r) + four(p, q, r, r)).conjugate
      }
      return BandSums.normed(one + BandSums.crossed(v, w, mixed(y, y), both, y, x, line))
    }

    /// Of sum_b w_ab v_bc <g+_a g+_b g_c>.
    func plus(_ w: BandMatrix, _ v: BandMatrix) -> BandMatrix {
      let (yx, xy, xx) = (firstTwice(y, x), firstTwice(x, y), firstTwice(x, x))
      let both = yx + xy.transposed
      let one = joined(w, v, -1 * both, -1 * (xx + xx.transposed.conjugate), y, x, x) { p, q, r in
        -four(p, p, q, r) - four(p, q, q, r) - four(p, q, r, r).conjugate
      }
      return BandSums.normed(one + BandSums.crossed(w, v, both, mixed(x, x), y, x, line))
    }

    /// Of <g+_a g_c>.
    func pairs() -> BandMatrix {
      BandSums.normed(
        mixed(y, x) - (firstTwice(y, x) + firstTwice(x, y).transposed.conjugate))
    }
  }

  /// Bounds on the rounding of sums of n propagators over the sum of their absolute weights, besides that of levels. l is
  /// rounded, and divided for each propagator but one by a neighbourhood of the level that is `nearest` to mu, shifted by
  /// omega or not, or by 2 Gamma between the half-planes. The factors in front are several times what was seen.
  struct Rounding {
    let line: FermiLogarithm
    let levels: [Levels]

    private func nearest(_ omega: Double) -> Double {
      levels.reduce(.infinity) { min($0, $1.nearest(omega)) }
    }

    private func powers(_ omega: Double, _ n: Int) -> Double {
      let (near, wide) = (1 / line.neighbourhood(nearest(omega)), 1 / (2 * line.broadening))
      return (1..<n).reduce(1) { power, _ in power * near }
        + (1..<n).reduce(1) { power, _ in power * wide }
    }

    /// Of [K(omega) - K(0)]/omega by subtraction.
    func difference(_ omega: Double, _ n: Int) -> Double {
      let largest = levels.reduce(0) { max($0, $1.farthest) } + abs(omega) + line.width
      let size = 4 + max(abs(Double.log(line.width)), abs(Double.log(largest)))
      return 2e-15 * size * powers(omega, n) / abs(omega)
    }

    /// Of the same by ``ClosedFormBubble``.
    func quotient(_ omega: Double, _ n: Int) -> Double {
      5e-16 / line.neighbourhood(nearest(omega)) * powers(omega, n)
    }

    /// Of K(0).
    func still(_ n: Int) -> Double {
      let near = 1 / line.neighbourhood(nearest(0))
      return 2e-15 * (1..<n).reduce(1) { power, _ in power * near }
    }
  }
}
