// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// Small waves about n = +z under direct currents, n_x + i n_y = psi exp(i k x + s t), mu_x + i mu_y likewise:
///
///     psi' + i alpha_m mu' = (i k v_n - i B) psi - i omega_a mu
///     mu' + i alpha_n psi' = -[i (K + A k^2)/(hbar N) + k v_na] psi + (i k v_m - i B) mu,     B = b_z/(hbar N)
///
/// two waves for each k: s^2 (1 + alpha_n alpha_m) + ... = 0. Rates in 1/ps, k in 1/nm; exact to rounding, for K_h = 0.
/// Units: nm, ps; docs/texture.md.
/// Without damping and field (omega + v_n k)(omega + v_m k) = omega_0^2 + c^2 k^2 - i k omega_a v_na.
public struct SpinWaves: Sendable {
  private let material: TextureMaterial
  private let n, m, na: Double

  /// The waves under the velocities v_n, v_m, v_na of a direct current, nm/ps.
  public init(_ material: TextureMaterial, n: Double = 0, m: Double = 0, na: Double = 0) {
    (self.material, self.n, self.m, self.na) = (material, n, m, na)
  }

  /// omega = i s of both waves, that with the larger real part first.
  public func frequencies(_ k: Double, aboutMinus: Bool = false) -> [Complex<Double>] {
    let i = Complex<Double>.i
    let b = (aboutMinus ? -1 : 1) * material.field[2] / material.hbarSpin
    let (an, am) = (material.dampingN, material.dampingM)
    let omegaK = (material.anisotropy + material.stiffness * k * k) / material.hbarSpin
    let k11 = i * Complex(k * n - b)
    let k12 = -i * Complex(material.exchangeRate)
    let k21 = Complex(-k * na, -omegaK)
    let k22 = i * Complex(k * m - b)
    let p = Complex(1 + an * am)
    let q = -(k11 + k22) + i * (Complex(an) * k12 + Complex(am) * k21)
    let r = k11 * k22 - k12 * k21
    let root = Complex.sqrt(q * q - Complex(4) * p * r)
    return [root, -root].map { i * (-q + $0) / (Complex(2) * p) }.sorted { $0.real > $1.real }
  }

  /// The fastest growth of a wave that `spacing` can hold, in 1/ps, and its k: rate = Im omega; negative if all decay.
  public func growth(spacing: Double) -> (rate: Double, k: Double) {
    var worst = (rate: -Double.infinity, k: 0.0)
    let count = 4096
    for step in -count...count {
      let k = .pi / spacing * Double(step) / Double(count)
      for sign in [false, true] {
        for omega in frequencies(k, aboutMinus: sign) where omega.imaginary > worst.rate {
          worst = (omega.imaginary, k)
        }
      }
    }
    return worst
  }

  /// Refuses a current under which the uniform state is unstable.
  /// - Throws: `TextureError.unstable`.
  public func check(spacing: Double) throws(TextureError) {
    let (rate, k) = growth(spacing: spacing)
    // Without damping and v_na all rates are rounding.
    let frequency = frequencies(k).map(\.length).max()!
    guard rate <= 1e-12 * frequency else {
      throw .unstable(
        growth: rate, waveNumber: k, torque: na, damping: material.dampingN,
        velocity: material.magnonVelocity)
    }
  }
}
