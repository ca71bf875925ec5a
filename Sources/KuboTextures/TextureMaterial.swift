// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// The energy and the damping of an antiferromagnet whose texture varies along x.
///
///     u = (A/2)(d_x n)^2 + (a/2) mu^2 - (K(x)/2) n_z^2 + (K_h/2) n_y^2 + D (n_z d_x n_x - n_x d_x n_z) - b.mu
///
/// per spin, with |n| = 1, the canting mu = (M/N) m and n.mu = 0. Units: meV, nm, ps; velocities in nm/ps = km/s. The numbers are
/// exact. Source: docs/texture.md.
public struct TextureMaterial: Sendable, Equatable {
  /// hbar in meV ps: exact by definition, cut at ten digits.
  public static let hbar = 0.6582119569

  /// A place where the anisotropy is smaller, K(x) = K [1 - depth sech^2((x - centre)/width)]; nm, the depth without unit.
  public struct Pin: Sendable, Equatable {
    /// Where, and how wide, in nm.
    public var centre, width: Double
    /// The part of K that lacks in the middle; below 1.
    public var depth: Double
    /// A place.
    public init(centre: Double, depth: Double, width: Double) {
      (self.centre, self.depth, self.width) = (centre, depth, width)
    }
  }

  /// The spin N of a site.
  public var spin: Double
  /// A in meV nm^2, and a in meV.
  public var stiffness, homogeneous: Double
  /// K along z, in meV.
  public var anisotropy: Double
  /// K_h against y, in meV.
  public var hardAxis = 0.0
  /// D in meV nm.
  public var dmi = 0.0
  /// b = g mu_B N B in meV; x, y, z.
  public var field = [0.0, 0.0, 0.0]
  /// alpha_n = alpha - alpha_c, of the damping within and between the sublattices.
  public var dampingN = 0.0
  /// alpha_m = alpha + alpha_c.
  public var dampingM = 0.0
  /// Where the anisotropy is smaller.
  public var pins: [Pin] = []

  /// A material with an easy axis, without damping.
  public init(spin: Double, stiffness: Double, homogeneous: Double, anisotropy: Double) {
    (self.spin, self.stiffness) = (spin, stiffness)
    (self.homogeneous, self.anisotropy) = (homogeneous, anisotropy)
  }

  /// The continuum of Heisenberg neighbours with energy J S.S' of spins on opposite sublattices:
  ///
  ///     a = 2 z J N^2 + K,  A = (J N^2/2) sum_delta delta_x^2
  ///
  /// of the z neighbours `offsets` = delta_x in nm; J and K in meV. Exact for a texture slow on the scale of delta.
  public static func heisenberg(
    spin: Double, exchange j: Double, offsets: [Double], anisotropy: Double
  ) -> TextureMaterial {
    let scale = j * spin * spin
    return TextureMaterial(
      spin: spin, stiffness: 0.5 * scale * offsets.map { $0 * $0 }.reduce(0, +),
      homogeneous: 2 * Double(offsets.count) * scale + anisotropy, anisotropy: anisotropy)
  }

  /// hbar N = 0.658 N in meV ps.
  public var hbarSpin: Double { TextureMaterial.hbar * spin }
  /// omega_a = a/(hbar N) in 1/ps.
  public var exchangeRate: Double { homogeneous / hbarSpin }
  /// c = sqrt(a A)/(hbar N), the velocity of magnons in nm/ps.
  public var magnonVelocity: Double { (homogeneous * stiffness).squareRoot() / hbarSpin }
  /// omega_0 = sqrt(a K)/(hbar N), the gap of magnons in 1/ps without damping.
  public var gap: Double { (homogeneous * anisotropy).squareRoot() / hbarSpin }
  /// lambda = sqrt(A/K), the width of a wall at rest in nm; infinite without anisotropy.
  public var wallWidth: Double { (stiffness / anisotropy).squareRoot() }
  /// Gamma = omega_a alpha_n, the rate at which momentum is lost, in 1/ps.
  public var relaxation: Double { exchangeRate * dampingN }
  /// E = 2 sqrt(A K), the energy of a wall at rest per spin and cross-section of one spin, in meV nm.
  public var wallEnergy: Double { 2 * (stiffness * anisotropy).squareRoot() }

  /// K(x) = K [1 - sum depth sech^2((x - centre)/width)] in meV.
  public func anisotropy(at x: Double) -> Double {
    pins.reduce(anisotropy) { k, pin in
      let c = Double.cosh((x - pin.centre) / pin.width)
      return k - anisotropy * pin.depth / (c * c)
    }
  }
}

/// A line of nodes at equal distances, its middle at x = 0; mirrored half a step beyond both ends, or closed to a ring.
///
///     x_j = (j - (nodes - 1)/2) spacing
///
/// Units: nm; exact; docs/texture.md.
public struct TextureLine: Sendable, Equatable {
  /// The number of nodes.
  public var nodes: Int
  /// Their distance in nm.
  public var spacing: Double
  /// Whether the line is a ring.
  public var isPeriodic: Bool

  /// A line.
  public init(nodes: Int, spacing: Double, isPeriodic: Bool = false) {
    (self.nodes, self.spacing, self.isPeriodic) = (nodes, spacing, isPeriodic)
  }

  /// L = nodes spacing, in nm.
  public var length: Double { Double(nodes) * spacing }
  /// x_j = (j - (nodes - 1)/2) spacing in nm.
  public func position(_ node: Int) -> Double { (Double(node) - 0.5 * Double(nodes - 1)) * spacing }
  /// The same length with half as many nodes.
  public var coarser: TextureLine {
    TextureLine(
      nodes: (nodes + 1) / 2, spacing: length / Double((nodes + 1) / 2), isPeriodic: isPeriodic)
  }
  /// The same with so much more at both ends, in nm; a ring as it is.
  func longer(by margin: Double) -> TextureLine {
    let more = isPeriodic ? 0 : 2 * Int((margin / spacing).rounded(.up))
    return TextureLine(nodes: nodes + more, spacing: spacing, isPeriodic: isPeriodic)
  }
}
