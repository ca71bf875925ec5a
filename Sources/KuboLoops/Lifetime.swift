// SPDX-License-Identifier: GPL-3.0-or-later

/// How an electron loses its phase: the self-energy of the propagators (docs/ladder.md).
public enum Lifetime: Sendable, Equatable {
  /// g^R = 1/(eps - xi + i Gamma), tau = 1/(2 Gamma); Gamma in energy units.
  case constant(Double)
  /// The paper's impurities: one self-energy per band, Sigma_s(z) = gamma avg g_s(k, z), with
  /// gamma = n_i u_i^2 in squared energy units; self-consistent.
  case scba(Double)
  /// Spin-independent impurities on both sublattices: Sigma = gamma times the site- and
  /// spin-diagonal part of avg G = Sigma_0 + Sigma_3 rho_3 sigma_z; self-consistent.
  case site(Double)

  /// The impurities and their strength gamma = n_i u_i^2, in squared energy units; nil for a constant lifetime.
  ///
  /// A constant lifetime allows the energy integral in closed form at each k, before the zone average. A self-energy
  /// that depends on energy, and a ladder, which is a function of zone averages at given complex energies, do not.
  public var impurities: (kind: Impurities, gamma: Double)? {
    switch self {
    case .constant: nil
    case .scba(let gamma): (.scba, gamma)
    case .site(let gamma): (.site, gamma)
    }
  }

  /// As in `constant=0.05`.
  public var description: String {
    switch self {
    case .constant(let gamma): "constant=\(gamma)"
    case .scba(let gamma): "scba=\(gamma)"
    case .site(let gamma): "site=\(gamma)"
    }
  }
}

/// The impurities that a self-energy and a ladder are made of.
public enum Impurities: String, Sendable, CaseIterable {
  /// One self-energy per band; the ladder dresses the measured vertex between unequal bands.
  case scba
  /// Impurities on the sites; the ladder dresses every vertex.
  case site
}
