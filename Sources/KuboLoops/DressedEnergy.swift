// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice

/// What the propagators at one complex energy z need to know of the self-energy.
///
/// `scba`: zeta_s = z - Sigma_s(z) of the bonding and the antibonding band, g_s = 1/(zeta_s - E_s).
/// `site`: zeta = z - Sigma_0(z) and the exchange j = J - Sigma_3(z),
/// G^u = (zeta - T - Re eta rho_1 - Im eta rho_2 - u j rho_3)/((zeta - T)^2 - |eta|^2 - j^2).
package struct DressedEnergy: Sendable, Equatable {
  package var first, second: ComplexDouble

  package init(first: ComplexDouble, second: ComplexDouble) {
    self.first = first
    self.second = second
  }

  /// The propagators at the complex conjugate energy.
  package var conjugate: DressedEnergy {
    DressedEnergy(first: first.conjugate, second: second.conjugate)
  }

  @inline(__always)
  package subscript(_ s: Band) -> ComplexDouble { s == .bonding ? first : second }
}
