// SPDX-License-Identifier: GPL-3.0-or-later
import CTextures
import ComplexModule
import RealModule

/// The closed results for a wall n_z = -q tanh((x - X)/lambda), the second route beside the field. Lengths in nm, times in ps.
///
///     q' X'' + Gamma X' = -d(v_n + alpha_m v_na)/dt - omega_a v_na + F(X),  q' = 1 + alpha_n alpha_m
///     q' Phi'' + Gamma Phi' + (omega_h^2/2) sin 2 Phi - q omega_D^2 sin Phi = 0
///
/// The formulas below are those of alpha_m = 0, to alpha_m omega/omega_a. Units: nm, ps;
/// with omega_h^2 = a K_h/(hbar N)^2, omega_D^2 = pi a D/(2 lambda (hbar N)^2). Linear: they err by about 0.13 (V/c)^2, and to
/// first order in K_h/K, D/sqrt(A K) and the depth of pins. Source: docs/texture.md section 2.
public struct WallMotion: Sendable {
  private let material: TextureMaterial

  /// The wall of a material with an easy axis.
  public init(_ material: TextureMaterial) { self.material = material }

  /// V = -v_na/alpha_n in nm/ps, exact up to (V + v_n)(V + v_m) = c^2; nil without damping, unless v_na = 0.
  public func velocity(na: Double) -> Double? {
    material.dampingN > 0 ? -na / material.dampingN : na == 0 ? 0 : nil
  }

  /// lambda_V = lambda sqrt(1 - (V + v_n)(V + v_m)/c^2) in nm, exact for a steady wall; lambda at rest.
  public func width(velocity: Double?, n: Double = 0, m: Double = 0) -> Double {
    guard let velocity else { return material.wallWidth }
    let c = material.magnonVelocity
    let rest = 1 - (velocity + n) * (velocity + m) / (c * c)
    return material.wallWidth * max(0, rest).squareRoot()
  }

  /// lambda_Phi = lambda/sqrt(1 - Phi'^2/omega_0^2) in nm, exact without damping and K_h.
  public func width(rotation: Double) -> Double {
    let ratio = rotation / material.gap
    return material.wallWidth / max(1e-300, 1 - ratio * ratio).squareRoot()
  }

  /// X_omega = (omega_a v_na - i omega v_n)/(omega^2 - omega_p^2 + i omega Gamma) in nm, of a linear wall, free or pinned with the
  /// frequency omega_p; omega above 0.
  public func amplitude(
    omega: Double, n: Complex<Double>, na: Complex<Double>, pinned: Double = 0
  ) -> Complex<Double> {
    (Complex(material.exchangeRate) * na - Complex(0, omega) * n)
      / Complex(omega * omega - pinned * pinned, omega * material.relaxation)
  }

  /// X(t) - X(0) in nm of a free linear wall from rest, mu = 0, with the current on since t = 0. Per term:
  ///
  ///     Re [X_omega (exp(-i omega t) - 1)] + (y/Gamma)(exp(-Gamma t) - 1),  y = Re (v_n - i omega X_omega)
  ///     omega = 0: V t + ((V + v_n)/Gamma)(exp(-Gamma t) - 1)
  ///
  /// Needs damping.
  public func displacement(_ drive: TextureDrive, at t: Double) -> Double {
    precondition(material.relaxation > 0)
    let gamma = material.relaxation
    let decay = Double.expMinusOne(-gamma * t) / gamma
    return drive.harmonics.reduce(0) { sum, term in
      if term.omega == 0 {
        let v = -term.na_re / material.dampingN
        return sum + v * t + (v + term.n_re) * decay
      }
      let n = Complex(term.n_re, term.n_im)
      let x = amplitude(omega: term.omega, n: n, na: Complex(term.na_re, term.na_im))
      let y = (n - Complex(0, term.omega) * x).real
      return sum + (x * (Complex(length: 1, phase: -term.omega * t) - 1)).real + y * decay
    }
  }

  /// X(infinity) - X(0) = -(1/alpha_n) int v_na dt in nm after a pulse: its series on a window has v_na(0) as the mean.
  public func displacementAfter(_ pulse: TextureDrive) -> Double {
    precondition(material.dampingN > 0 && pulse.fundamental > 0)
    return -pulse.harmonics[0].na_re * 2 * .pi / pulse.fundamental / material.dampingN
  }

  /// How far the bounds of the drive's velocities can move a free linear wall by the time t, in nm, and change its velocity, in
  /// nm/ps:
  ///
  ///     sum |dX/dv| bound(v),  sum |dX'/dv| bound(v)
  ///
  /// over the terms of ``displacement(_:at:)``; dX/dv_na = omega_a (t - (1 - exp(-Gamma t))/Gamma)/Gamma at omega = 0.
  public func bounds(
    _ drive: TextureDrive, at t: Double
  ) -> (position: Double, velocity: Double) {
    var (position, velocity) = (0.0, 0.0)
    let gamma = material.relaxation
    let left = Double.exp(-gamma * t)
    let decay = gamma > 0 ? -Double.expMinusOne(-gamma * t) / gamma : t
    for (term, bound) in zip(drive.harmonics, drive.bounds) where bound.n > 0 || bound.na > 0 {
      let w = term.omega
      if w == 0 {
        // Also as Gamma -> 0.
        let lag = gamma > 0 ? (t - decay) / gamma : t * t / 2
        position += material.exchangeRate * bound.na * lag + bound.n * decay
        velocity += material.exchangeRate * bound.na * decay + bound.n * left
        continue
      }
      let x =
        (material.exchangeRate * bound.na + w * bound.n) / (w * w + gamma * gamma).squareRoot() / w
      position += 2 * x + (bound.n + w * x) * decay
      velocity += w * x + (bound.n + w * x) * left
    }
    return (position, velocity)
  }

  /// The frequency of small oscillations about the middle of a pin, to first order in its depth, 1/ps: omega_p^2 = -dF/dX, which is
  /// (4/15) depth omega_0^2 where the pin is as wide as the wall.
  public func pinnedFrequency(_ pin: TextureMaterial.Pin) -> Double {
    var own = material
    own.pins = [pin]
    let h = 1e-3 * material.wallWidth
    let force = [-2.0, -1, 1, 2].map { WallMotion(own).pinForce(pin.centre + $0 * h) }
    let slope = (8 * (force[2] - force[1]) - (force[3] - force[0])) / (12 * h)
    return max(0, -slope).squareRoot()
  }

  /// F(X) of all pins in nm/ps^2, to first order in their depth:
  ///
  ///     F = sum (omega_0^2 lambda depth/2) int sech^2((X - centre + lambda u)/width) sech^2 u tanh u du
  public func pinForce(_ x: Double) -> Double {
    withCollective(charge: 1) { collective in
      var collective = collective
      return texture_pin_force(&collective, x)
    }
  }

  private func withCollective<Value>(charge: Int, _ body: (TextureCollective) -> Value) -> Value {
    let perEnergy = material.homogeneous / (material.hbarSpin * material.hbarSpin)
    var collective = TextureCollective()
    collective.relaxation = material.relaxation
    collective.omega_a = material.exchangeRate
    (collective.alpha_m, collective.inertia) = (
      material.dampingM, 1 + material.dampingN * material.dampingM
    )
    collective.hard2 = perEnergy * material.hardAxis
    collective.dmi2 =
      Double(charge) * .pi * perEnergy * material.dmi / (2 * material.wallWidth)
    collective.lambda = material.wallWidth
    collective.gap2 = material.gap * material.gap
    let pins = material.pins.map {
      TexturePin(centre: $0.centre, width: $0.width, depth: $0.depth)
    }
    return pins.withUnsafeBufferPointer { pins in
      collective.pins = pins.baseAddress
      collective.pin_count = pins.count
      return body(collective)
    }
  }

  /// X, X', Phi, Phi' of the equations above, q' X'' = ..., at times, nm and ps, from those at `start`; integrated by GSL to 1e-10.
  /// - Parameter charge: q.
  /// - Throws: `TextureError.integration`.
  public func trajectory(
    _ drive: TextureDrive, charge: Int, from start: [Double], startTime: Double, at times: [Double]
  ) throws(TextureError) -> [[Double]] {
    var (t, state, rows) = (startTime, start, [[Double]]())
    for time in times {
      let status = withCollective(charge: charge) { collective in
        drive.withEquations { equations in
          texture_collective_advance(collective, &equations, 1e-10, &t, time, &state)
        }
      }
      guard status == 0 else {
        throw .integration(reason: "collective coordinates, GSL status \(status)", time: t)
      }
      rows.append(state)
    }
    return rows
  }
}
