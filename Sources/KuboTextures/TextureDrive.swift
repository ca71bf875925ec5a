// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import CTextures
import RealModule

/// A current density along x, j(t) = Re sum_h j_h exp(-i omega_h t), in A/m^2; omega in 1/ps. Positive j is against the electrons.
/// Units: A/m^2, ps; docs/texture.md.
public struct TextureCurrent: Sendable, Equatable {
  /// One term.
  public struct Harmonic: Sendable, Equatable {
    /// omega in 1/ps; 0 or more.
    public var omega: Double
    /// j in A/m^2.
    public var density: Complex<Double>
    /// A term.
    public init(omega: Double, density: Complex<Double>) {
      (self.omega, self.density) = (omega, density)
    }
  }

  /// The terms.
  public var harmonics: [Harmonic]
  /// Above 0: term h has the frequency h times this, and the sum stands for a pulse within one period.
  public var fundamental = 0.0

  /// The sum of harmonics, j(t) = Re sum_h j_h exp(-i omega_h t).
  public init(_ harmonics: [Harmonic]) { self.harmonics = harmonics }

  /// The same current at all times, j(t) = j.
  public static func direct(_ density: Double) -> TextureCurrent {
    TextureCurrent([Harmonic(omega: 0, density: Complex(density))])
  }

  /// A pulse that begins and ends between `start` <= 0 and `start` + `window`, in ps, as its Fourier series on that window:
  ///
  ///     j_h = (2 - delta_h0) (1/T) int_0^T j(t) exp(i omega_h t) dt,  omega_h = 2 pi h/T
  ///
  /// by the trapezoidal rule, which converges exponentially for smooth pulses. Terms below 1e-15 of the largest at the end are
  /// left out.
  /// - Parameter resolution: a time in ps in which the density hardly changes; coarser points might not see what is between them.
  /// - Returns: nil if 2^14 points do not resolve it to 1e-12, as of a pulse that is cut off.
  public static func pulse(
    from start: Double, window: Double, resolution: Double, _ density: (Double) -> Double
  ) -> TextureCurrent? {
    precondition(start <= 0 && start + window > 0 && resolution > 0)
    var points = 64
    while Double(points) * resolution < window, points <= 1 << 14 { points *= 2 }
    while points <= 1 << 14 {
      let values = (0..<points).map { n in
        let t = window * Double(n) / Double(points)
        return density(t < start + window ? t : t - window)
      }
      let terms = coefficients(values)
      let largest = terms.map(\.length).max()!
      guard largest > 0 else { return nil }
      // The upper half of the spectrum shows what the points do not resolve.
      if terms.suffix(terms.count / 2).allSatisfy({ $0.length <= 1e-12 * largest }) {
        let count = (terms.lastIndex { $0.length > 1e-15 * largest } ?? 0) + 1
        var current = TextureCurrent(
          terms.prefix(count).enumerated().map {
            Harmonic(omega: 2 * .pi * Double($0.offset) / window, density: $0.element)
          })
        current.fundamental = 2 * .pi / window
        return current
      }
      points *= 2
    }
    return nil
  }

  /// The Fourier coefficients of a real periodic function from its values, h = 0 to a quarter of the points.
  private static func coefficients(_ values: [Double]) -> [Complex<Double>] {
    let count = values.count
    let roots = (0..<count).map {
      Complex(length: 1, phase: 2 * .pi * Double($0) / Double(count))
    }
    return (0...count / 4).map { h in
      var sum = Complex<Double>.zero
      for (n, value) in values.enumerated() where value != 0 {
        sum += roots[n * h % count] * Complex(value)
      }
      return sum * Complex((h == 0 ? 1 : 2) / Double(count))
    }
  }
}

/// The torques of a current at one frequency as ratios r = v/v_0, without unit, with bounds on their errors; real at omega = 0.
public struct TorqueRatios: Sendable {
  /// Of v_n, v_m and v_na.
  public var n, m, na: Complex<Double>
  /// Bounds on the errors of their moduli.
  public var errors: (n: Double, m: Double, na: Double)

  /// Ratios.
  public init(
    n: Complex<Double>, m: Complex<Double>, na: Complex<Double>,
    errors: (n: Double, m: Double, na: Double) = (0, 0, 0)
  ) {
    (self.n, self.m, self.na, self.errors) = (n, m, na, errors)
  }
}

/// The velocities that a current drives: v(t) = Re sum_h r(omega_h) v_0(j_h) exp(-i omega_h t), each of v_n, v_m, v_na, in nm/ps;
/// d_x n is taken at the same time, since a texture is slow against electrons. Units: nm/ps, 1/ps; docs/texture.md.
public struct TextureDrive: Sendable {
  var harmonics: [TextureHarmonic]
  var fundamental = 0.0
  /// Bounds on the velocities' errors for each term, bound = |v_0| (error of r), in nm/ps.
  public private(set) var bounds: [(n: Double, m: Double, na: Double)]

  /// Without a current, v = 0.
  public init() { (harmonics, bounds) = ([], []) }

  /// Velocities at frequencies, v(t) = Re sum_h v_h exp(-i omega_h t), nm/ps and 1/ps.
  public init(
    _ terms: [(omega: Double, n: Complex<Double>, m: Complex<Double>, na: Complex<Double>)]
  ) {
    harmonics = terms.map {
      TextureHarmonic(
        omega: $0.omega, n_re: $0.n.real, n_im: $0.n.imaginary, m_re: $0.m.real,
        m_im: $0.m.imaginary, na_re: $0.na.real, na_im: $0.na.imaginary)
    }
    bounds = terms.map { _ in (0, 0, 0) }
  }

  /// The drive of a current, v_h = r(omega_h) v_0(j_h).
  /// - Parameters:
  ///   - velocity: v_0/j in nm/ps per A/m^2, negative: ``velocity(cell:spin:)``.
  ///   - ratios: those of each term.
  public init(_ current: TextureCurrent, velocity: Double, ratios: [TorqueRatios]) {
    precondition(ratios.count == current.harmonics.count)
    self.init(
      zip(current.harmonics, ratios).map { term, r in
        let v = term.density * Complex(velocity)
        return (term.omega, r.n * v, r.m * v, r.na * v)
      })
    fundamental = current.fundamental
    bounds = zip(current.harmonics, ratios).map { term, r in
      let v = abs(velocity) * term.density.length
      return (v * r.errors.n, v * r.errors.m, v * r.errors.na)
    }
  }

  /// v_0/j = v_c/(4 q N), q = -|e|, in nm/ps per A/m^2, of a cell of `cell` nm^3 with two spins N.
  public static func velocity(cell: Double, spin: Double) -> Double {
    // 1 m/s = 1e-3 nm/ps.
    cell * 1e-27 / (4 * -1.602176634e-19 * spin) * 1e-3
  }

  /// v(t) = Re sum_h v_h exp(-i omega_h t): v_n, v_m, v_na, and dv_n/dt, in nm/ps and nm/ps^2.
  public func velocities(at t: Double) -> (n: Double, m: Double, na: Double, nRate: Double) {
    var result = [0.0, 0.0, 0.0, 0.0, 0.0]
    withEquations { texture_drive(&$0, t, &result) }
    return (result[0], result[1], result[2], result[3])
  }

  /// Equations that hold the drive alone.
  func withEquations<Value>(_ body: (inout TextureEquations) -> Value) -> Value {
    harmonics.withUnsafeBufferPointer { terms in
      var equations = TextureEquations()
      equations.harmonics = terms.baseAddress
      equations.harmonic_count = terms.count
      equations.fundamental = fundamental
      return body(&equations)
    }
  }

  /// The terms v_h of v(t) = Re sum_h v_h exp(-i omega_h t): omega in 1/ps, the velocities in nm/ps.
  public var terms: [(omega: Double, n: Complex<Double>, m: Complex<Double>, na: Complex<Double>)] {
    harmonics.map {
      (
        $0.omega, Complex($0.n_re, $0.n_im), Complex($0.m_re, $0.m_im),
        Complex($0.na_re, $0.na_im)
      )
    }
  }

  /// What does not change in time: the terms with omega = 0, in nm/ps.
  public var direct: (n: Double, m: Double, na: Double) {
    let terms = harmonics.filter { $0.omega == 0 && fundamental == 0 }
    return (
      terms.map(\.n_re).reduce(0, +), terms.map(\.m_re).reduce(0, +),
      terms.map(\.na_re).reduce(0, +)
    )
  }
}
