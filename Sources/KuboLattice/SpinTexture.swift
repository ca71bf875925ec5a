// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule

extension Frame {
  /// <sigma>, the spin of an eigenstate at real k, in the rotated frame whose z axis is the Néel
  /// vector; (8), (9).
  ///
  /// The two degenerate states of a band are the columns of V_k (S1.2) with the angles (5), (6), in the
  /// basis A up, A down, B up, B down; each is one spin, mostly on the sublattice that this spin
  /// prefers:
  ///
  ///     s = +1:  |1> = (cos(theta/2), 0, e^(i phi) sin(theta/2), 0)
  ///              |2> = (0, e^(-i phi) sin(theta/2), 0, cos(theta/2))
  ///     s = -1:  |1> = (0, -cos(theta/2), 0, e^(i phi) sin(theta/2))
  ///              |2> = (e^(-i phi) sin(theta/2), 0, -cos(theta/2), 0)
  ///
  /// H = T - Re eta rho_1 - Im eta rho_2 - J rho_3 sigma_z with eta = |eta| e^(i phi) has them at E_s:
  /// the row B of H|1>, s = +1, is -|eta| e^(i phi) cos(theta/2) + J e^(i phi) sin(theta/2)
  /// = -Delta e^(i phi) sin(theta/2). With sigma_+ = |up><down|
  ///
  ///     s = +1:  <1|sigma_+|2> = 2 cos(theta/2) sin(theta/2) e^(-i phi) =  sin(theta) e^(-i phi)
  ///     s = -1:  <1|sigma_-|2> =                                        -sin(theta) e^(-i phi)
  ///
  /// so that in the state of pseudo-spin <tau>, with sin(theta) e^(i phi) = eta/Delta,
  ///
  ///     <sigma_x> = s (Re eta tau_x + Im eta tau_y)/Delta
  ///     <sigma_y> =   (Re eta tau_y - Im eta tau_x)/Delta
  ///     <sigma_z> = s tau_z
  ///
  /// which is s tau^alpha_{k,s} of (8) with (9). At fixed tau the transverse spin turns with phi, the
  /// phase of eta: spin-momentum locking. If eta is real, as in the square lattice, it keeps its
  /// direction and only its length depends on k.
  ///
  /// phi is that of eta with the sites' true positions as the model's hops give them; another origin of
  /// the B sites turns all spins by a k-dependent angle, and the same k in another zone by a fixed one.
  ///
  /// - Parameters:
  ///   - s: the band.
  ///   - tau: the pseudo-spin <tau> of the state, of length 1 or less.
  public func spin(_ s: Band, pseudoSpin tau: SIMD3<Double>) -> SIMD3<Double> {
    let e = eta.multiplied(by: 1 / delta.real)
    return SIMD3(
      s.sign * (e.real * tau.x + e.imaginary * tau.y), e.real * tau.y - e.imaginary * tau.x,
      s.sign * tau.z)
  }
}
