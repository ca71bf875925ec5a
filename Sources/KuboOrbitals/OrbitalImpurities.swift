// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice

/// Impurities on the orbitals of a collinear magnet, independent on every orbital of every cell: potentials and quenched
/// spins S.sigma about the local axis of the order.
///
///     Sigma^u_a = (g0 + gz)_a g^u_a + 2 gp_a g^u'_a,   g^u_a = avg G^u_aa
///
/// u is a spin, u' the other, avg the average over the zone, avg 1 = 1. Source: the self-consistent Born approximation of the
/// paper's V_imp, below (7), for every orbital and with spins. All strengths in squared energy units, 0 or more.
public struct OrbitalImpurities: Sendable, Equatable {
  /// g0: n_i u_i^2 of potentials that both spins share, for each orbital.
  public let scalar: [Double]
  /// gz: n_i <S_z^2> of impurity spins along the axis.
  public let longitudinal: [Double]
  /// gp: n_i <S_x^2> = n_i <S_y^2> across it.
  public let transverse: [Double]

  /// Impurities with these strengths for each orbital.
  public init(scalar: [Double], longitudinal: [Double], transverse: [Double]) {
    (self.scalar, self.longitudinal, self.transverse) = (scalar, longitudinal, transverse)
  }

  /// Potentials and spins that point anywhere, gz = gp.
  public init(scalar: [Double], isotropic: [Double]) {
    self.init(scalar: scalar, longitudinal: isotropic, transverse: isotropic)
  }

  /// g0 + gz: what a spin gets from itself.
  var same: [Double] { zip(scalar, longitudinal).map { $0 + $1 } }
  /// 2 gp: what it gets from the other.
  var other: [Double] { transverse.map { 2 * $0 } }
  /// g0 - gz: what stands between spins that are turned over; the x and y terms of gp cancel there.
  var between: [Double] { zip(scalar, longitudinal).map { $0 - $1 } }

  func checked(_ count: Int) throws(RequestError) {
    let all = [scalar, longitudinal, transverse]
    guard all.allSatisfy({ $0.count == count && $0.allSatisfy { $0 >= 0 && $0 < 1e100 } }),
      all.joined().contains(where: { $0 > 0 })
    else {
      throw RequestError(
        "strengths of impurities", found: "\(all)",
        expected: "\(count) numbers each, 0 or more, not all 0")
    }
  }

  /// same x^u + other x^u' of numbers for each orbital, those of up first.
  func joined(_ x: [ComplexDouble]) -> [ComplexDouble] {
    let n = scalar.count
    let (same, other) = (same, other)
    return x.indices.map { m in
      x[m].multiplied(by: same[m % n]) + x[(m + n) % (2 * n)].multiplied(by: other[m % n])
    }
  }

  /// The same of matrices M^u_ab, as one of 2n rows.
  func joined(_ up: MatrixBlock, _ down: MatrixBlock) -> MatrixBlock {
    let n = up.count
    let (same, other) = (same, other)
    return MatrixBlock(2 * n) { row, column in
      let (a, b) = (row % n, column % n)
      let m = column < n ? up[a, b] : down[a, b]
      return m.multiplied(by: (row < n) == (column < n) ? same[a] : other[a])
    }
  }
}
