// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import RealModule

/// Which torque, and what its velocity multiplies in the equations of motion of n and of the canting
/// (M/N) m, for a texture that varies along i.
public enum TorqueKind: String, Sendable, CaseIterable {
  /// (15a): d/dt (M/N) m = ... + v d_i (M/N) m.
  case m
  /// The same of all bands, without the projection of (S4.3)-(S4.7).
  case mFull = "m_full"
  /// Not in the paper: d/dt n = ... + v n x d_i (M/N) m.
  case nCanting = "nm"
  /// (15b): d/dt n = ... + v d_i n.
  case n
  /// (16a): d/dt (M/N) m = ... + v n x d_i n.
  case mNonadiabatic = "m_na"
  /// (16b): d/dt n = ... + v d_i n.
  case nNonadiabatic = "n_na"

  /// The paper's coefficient and closed form; none of what is not in the paper.
  public var closedForm: ClosedForm? {
    switch self {
    case .m: .cantingX
    case .mFull, .nCanting: nil
    case .n: .adiabaticY
    case .mNonadiabatic: .nonadiabaticX
    case .nNonadiabatic: .nonadiabaticY
    }
  }

  /// What the velocity multiplies.
  public var gradient: String {
    switch self {
    case .m, .mFull: "d_i m"
    case .nCanting: "n x d_i m"
    case .n, .nNonadiabatic: "d_i n"
    case .mNonadiabatic: "n x d_i n"
    }
  }

  /// v/v_0 of the loop K(omega) of this torque, per (i/omega) [K(omega) - K(0)]/sigma(omega):
  ///
  ///     n, n_na:  2 i J K_s/(omega sigma)
  ///     m_na:    -2 i J K_Sigma^xy/(omega sigma)
  ///     m, m_full: -i Phi/(omega sigma)
  ///     nm:      2 i J K_s/(omega sigma), K_s per gradient of the canting
  ///
  /// from <O> = i q (K/omega) A_r E (docs/conventions.md section 5), tau = (J_sd/hbar) z x <s> for n and
  /// (J/hbar) z x <Sigma> for m (S4.1), (S4.2), R (z x A_r,i) = d_i n, so that R A_r,i = -n x d_i n,
  /// and z x Sigma = -(i q_i/2J) j_sA,i in the adiabatic part: (S4.6) with its last sign corrected,
  /// so (14a) has the opposite sign.
  package func amplitude(exchange j: Double) -> Double {
    switch self {
    case .m, .mFull: -1
    case .n, .nNonadiabatic, .nCanting: 2 * j
    case .mNonadiabatic: -2 * j
    }
  }

  /// v/v_0 of the closed form with the coefficient P:
  ///
  ///     m: -P_m    n: P_n    m_na: (i omega tau_sd - zeta_s)/(1 - omega^2 tau_sd^2) P_m^na
  ///     n_na: -P_n^na/(1 - omega^2 tau_sd^2)
  ///
  /// (15), (S7.24), (S7.29); the sign of m as in ``amplitude(exchange:)``; nil at the pole
  /// omega = 2 J. zeta_s = tau_sd/tau_sf stands for the relaxation of the spin: in the equation of motion
  /// -i omega becomes -i omega + 1/tau_sf, and with it i omega tau_sd becomes i omega tau_sd - zeta_s. The main text
  /// prints i omega tau_sd + zeta_s, and (15a) without the minus.
  package func factor(
    _ version: Version, omega: Double, exchange j: Double, relaxation zeta: Double
  )
    -> ComplexDouble?
  {
    let x = omega / (2 * j)
    let denominator = (1 - x) * (1 + x)
    let isPrinted = version == .printed
    switch self {
    case .m: return ComplexDouble(isPrinted ? 1 : -1)
    case .mFull, .nCanting: return nil
    case .n: return .one
    case .mNonadiabatic:
      return denominator == 0
        ? nil : ComplexDouble(isPrinted ? zeta : -zeta, x).divided(by: denominator)
    case .nNonadiabatic: return denominator == 0 ? nil : ComplexDouble(-1 / denominator)
    }
  }
}

/// What turns the dimensionless coefficients into velocities.
///
///     v_0 = v_c j/(4 q N),  q = -|e|
///
/// the velocity of a fully polarised ferromagnet with one spin N per v_c/2: the spins drift with the
/// electrons, against the current. Source: docs/conventions.md section 5.
public struct TorqueScale: Sendable {
  /// The current density, A/m^2.
  public var currentDensity: Double
  /// The model's unit of length, nm.
  public var lengthUnit: Double
  /// What a cell has in the directions that the model lacks: the thickness of a layer in nm, or the
  /// cross-section of a chain in nm^2; 1 for three dimensions.
  public var transverse: Double
  /// The spin N of a site.
  public var spin: Double

  /// A scale.
  public init(currentDensity: Double, lengthUnit: Double, transverse: Double, spin: Double) {
    self.currentDensity = currentDensity
    self.lengthUnit = lengthUnit
    self.transverse = transverse
    self.spin = spin
  }

  /// v_0 = v_c j/(4 q N) in m/s, with the sign of the electron's charge, of a crystal whose cell has the spin 2 N.
  public func velocity(_ crystal: some Crystal) -> Double {
    let volume =
      crystal.cellVolume * Double.pow(lengthUnit, crystal.dimension) * transverse
      * SI.cubicNanometre
    return volume * currentDensity / (4 * -SI.elementaryCharge * spin)
  }
}

/// The torques (15), (16) on one frequency axis, as v/v_0, from the closed forms and from the loops;
/// dimensionless, omega in energy units. The equations are those of docs/conventions.md section 5.
public struct Torque: Sendable {
  /// One torque by one route.
  public struct Column: Sendable {
    /// Which torque; with `site`, where bands mix, `n` is the whole torque on n and `m_na` that on m.
    public let kind: TorqueKind
    /// As in `closed`, `constant.bare`, `scba.ladder`, `site.ladder`.
    public let route: String
    /// v/v_0 and its error for each frequency; nil where it could not be computed.
    public let values: [Estimate?]

    /// As in `tau_n_na.closed`.
    public var label: String { "tau_\(kind.rawValue).\(route)" }
  }

  /// The frequencies hbar omega.
  public let omegas: [Double]
  /// The torques, v/v_0 = c K/(omega sigma) of the loops and those of the closed forms.
  public private(set) var columns: [Column]
  /// -(majority - minority)/(majority + minority) of sigma_c: v/v_0 of a ferromagnet whose spin bands
  /// have the Fermi surfaces of the bonding (majority) and antibonding (minority) band.
  public let ferromagnet: Estimate?
  /// The coefficients behind the closed forms.
  public let coefficients: Coefficients
  /// The torques that are there, in the order of ``TorqueKind``.
  public var kinds: [TorqueKind] {
    TorqueKind.allCases.filter { kind in columns.contains { $0.kind == kind } }
  }
  /// What could not be computed.
  public private(set) var failures: [String]
  /// Where a closed form has its undamped pole, and no value.
  public private(set) var poles: [String]
}

extension SpectrumRequest {
  /// The torques of (15), (16), v/v_0 = c K/(omega sigma) of the loops and the closed forms with the P's, for
  /// the model of the request in its state; its columns are not used. The lifetime must
  /// be constant; `impurities` adds `scba` and `site` of that strength, with their ladders; `withCanting`
  /// the torques of a canting that varies, from the loops at first order in its wave vector q. Everywhere
  /// q -> 0 comes before omega -> 0.
  ///
  /// K/omega and sigma at omega = 0 are limits: with a constant lifetime from the energy integral's own
  /// derivative, with impurities as sigma(0) of a spectrum.
  /// - Throws: `RequestError`, `VanHove`, `NonConvergence` of the coefficients, `CancellationError`.
  public func torque(
    impurities gamma: Double?, relaxation zeta: Double, withCanting: Bool = false
  ) async throws -> Torque {
    let lifetime = electrons.lifetime
    guard case .constant = lifetime else {
      throw RequestError(
        "lifetime", found: lifetime.description,
        expected: "constant=GAMMA; impurities have a strength of their own")
    }
    try directions.checkAlongTheCurrent()
    if let gamma { try asking([], of: electrons.with(lifetime: .scba(gamma))).check() }
    var torque = Torque(
      omegas: omegas,
      coefficients: try await Coefficients(
        model: electrons.model, mu: electrons.mu, temperature: electrons.temperature,
        directions: directions, tolerance: min(tolerance, 1e-6), threads: threads))
    torque.addClosedForms(exchange: electrons.model.exchange, relaxation: zeta)
    let projected: [(TorqueKind, String)] = [
      (.m, "X"), (.n, "Y"), (.mNonadiabatic, "X_na"), (.nNonadiabatic, "Y_na"),
    ]
    let canting: [(TorqueKind, String)] =
      withCanting ? [(.mFull, "X_full"), (.nCanting, "s_canting_full")] : []
    try await torque.addLoops(self, lifetime, projected + canting, [.bare])
    if let gamma {
      try await torque.addLoops(self, .scba(gamma), projected, [.bare, .ladder])
      // Impurities on the sites mix the bands: all diagrams together.
      try await torque.addLoops(
        self, .site(gamma), [(.mNonadiabatic, "Sigma_full"), (.n, "s_full")] + canting,
        [.bare, .ladder])
    }
    return torque
  }
}

extension Torque {
  fileprivate init(omegas: [Double], coefficients: Coefficients) {
    (self.omegas, self.coefficients) = (omegas, coefficients)
    ferromagnet = coefficients.polarisation.map { Estimate(value: -$0.value, error: $0.error) }
    (columns, failures, poles) = ([], [], [])
  }

  /// v/v_0 of the closed forms with the P's.
  fileprivate mutating func addClosedForms(exchange j: Double, relaxation zeta: Double) {
    for kind in TorqueKind.allCases {
      guard let form = kind.closedForm else { continue }
      func factor(_ version: Version, _ omega: Double) -> ComplexDouble? {
        kind.factor(version, omega: omega, exchange: j, relaxation: zeta)
      }
      for version in Version.allCases {
        let p = coefficients.entry(form, version).value
        columns.append(
          Column(
            kind: kind, route: version == .corrected ? "closed" : "closed_printed",
            values: omegas.map { omega in
              guard let p, let r = factor(version, omega) else { return nil }
              return Estimate(value: r * p.value, error: r.length * p.error)
            }))
      }
      // Once for both versions.
      for omega in omegas {
        let place = "tau_\(kind.rawValue).closed at omega = \(omega): "
        if coefficients.entry(form, .corrected).value == nil {
          failures.append(place + "no Fermi surface, mu is in the gap")
        } else if factor(.corrected, omega) == nil {
          poles.append(place + "undamped pole at omega = 2 J; choose another omega")
        }
      }
    }
  }

  /// v/v_0 of the loops whose responses stand for `kinds`.
  fileprivate mutating func addLoops(
    _ request: SpectrumRequest, _ lifetime: Lifetime, _ kinds: [(kind: TorqueKind, name: String)],
    _ dressings: [Dressing]
  ) async throws {
    let isSite = lifetime.impurities?.kind == .site
    var asked: [SpectrumRequest.Column] = .named(["sigma"], isSite ? [.bare, .ladder] : [.bare])
    for dressing in dressings {
      for response in kinds.map({ Response($0.name)! })
      where response.dressings(lifetime, request.diagrams).contains(dressing) {
        asked.append(.init(response: response, dressing: dressing))
      }
    }
    for n in asked.indices { asked[n].isPerField = true }
    let spectrum = try await request.asking(
      asked, of: request.electrons.with(lifetime: lifetime)
    ).spectrum()
    failures += spectrum.failureLines.map { "\(lifetime.description): \($0)" }
    for column in spectrum.columns where column.request.response.name != "sigma" {
      let kind = kinds.first { $0.name == column.request.response.name }!.kind
      let dressing = column.request.dressing
      let sigma = spectrum.columns.first {
        $0.request.response.name == "sigma" && $0.request.dressing == (isSite ? dressing : .bare)
      }!
      let name = lifetime.impurities?.kind.rawValue ?? "constant"
      let values = omegas.indices.map { n -> Estimate? in
        guard let k = column.values[n], let s = sigma.values[n] else { return nil }
        return ratio(k, s, kind, n, lifetime, exchange: request.model.exchange)
      }
      columns.append(Column(kind: kind, route: "\(name).\(dressing.rawValue)", values: values))
    }
  }

  /// v/v_0 of a loop and sigma at a frequency.
  private mutating func ratio(
    _ k: Spectrum.Value, _ s: Spectrum.Value, _ kind: TorqueKind, _ n: Int, _ lifetime: Lifetime,
    exchange j: Double
  ) -> Estimate? {
    // Errors bound each part, and their moduli by sqrt 2.
    let (kError, sError) = (2.0.squareRoot() * k.error, 2.0.squareRoot() * s.error)
    guard sError < 0.5 * s.dynamic.length else {
      failures.append(
        "tau_\(kind.rawValue) with \(lifetime.description) at omega = \(omegas[n]): sigma = \(significant(s.dynamic.length)) with the error \(significant(s.error, .up)) cannot divide"
      )
      return nil
    }
    let factor = kind.amplitude(exchange: j)
    var value = (k.dynamic / s.dynamic).multiplied(by: factor)
    let error = (abs(factor) * kError + value.length * sError) / (s.dynamic.length - sError)
    // There both are real.
    if omegas[n] == 0 { value = ComplexDouble(value.real) }
    return Estimate(value: value, error: error)
  }
}

extension Directions {
  /// The paper's coefficients are per conductivity along the gradient.
  package func checkAlongTheCurrent() throws(RequestError) {
    try require(
      i == j, "direction", description,
      "equal directions, as xx: the texture varies along the current")
  }
}
