// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import KuboVerification
import KuboFiles
import RealModule
import Testing

/// The torques (15), (16): units, signs, limits.
@Suite struct TorqueTests {
  private func request(
    _ model: Model, mu: Double, temperature: Double = 0.02, gamma: Double = 0.02,
    omegas: [Double] = [0]
  ) throws -> SpectrumRequest {
    SpectrumRequest(
      model: model, mu: mu, temperature: temperature, lifetime: .constant(gamma), omegas: omegas,
      columns: [], diagrams: try shippedDiagrams(), tolerance: 1e-6, threads: 2)
  }

  private func value(_ torque: Torque, _ kind: TorqueKind, _ route: String, _ n: Int = 0) throws
    -> Estimate
  {
    try #require(torque.columns.first { $0.kind == kind && $0.route == route }?.values[n])
  }

  /// v_0 = v_c j/(4 q N): 1e12 A/m^2 in a cell of 0.1 nm^3 with N = 1 gives 156 m/s against j.
  @Test func units() throws {
    let cubic = try shippedModel("cubic")
    #expect(abs(cubic.cellVolume - 2) < 1e-12)
    let side = Double.pow(0.05, 1.0 / 3)
    let v = TorqueScale(currentDensity: 1e12, lengthUnit: side, transverse: 1, spin: 1).velocity(
      cubic)
    #expect(abs(v + 1e-28 * 1e12 / (4 * 1.602176634e-19)) < 1e-9 * abs(v))
    let square = try shippedModel("square")
    let layer = TorqueScale(currentDensity: -3e11, lengthUnit: 0.4, transverse: 2.5, spin: 2)
    // 2 a^2 times the thickness.
    #expect(
      abs(layer.velocity(square) - 2 * 0.16 * 2.5e-27 * 3e11 / (8 * 1.602176634e-19)) < 1e-9)
  }

  /// Without hopping between the sublattices each is a ferromagnet: the torque on n is the
  /// ferromagnet's, carried by the nonadiabatic diagrams, and the spins drift with the electrons,
  /// d/dt n = -(u . grad) n with u = j/q times v_c/(4 N); minority electrons drive them back.
  @Test(arguments: [(-1.5, 1.0), (1.5, -1.0)])
  func twoDecoupledFerromagnets(_ state: (mu: Double, sign: Double)) async throws {
    // t' = 0.2 J: the bands lie at -J and J, 1.6 J wide.
    var deviations: [[Double]] = []
    for t in [0.02, 0.01] {
      let model = try shippedModel("square", ["t": t, "t_prime": 0.2, "J": 1])
      let torque = try await request(model, mu: state.mu, gamma: 0.01).torque(
        impurities: nil, relaxation: 0)
      let ferromagnet = try #require(torque.ferromagnet)
      #expect(abs(ferromagnet.value.real + state.sign) < 1e-9)
      deviations.append([])
      for route in ["closed", "constant.bare"] {
        // cos^2(theta) = 1 - |eta|^2/J^2, |eta|^2 up to 16 t^2; the loops have 1/Delta_k as well.
        let all = try value(torque, .nNonadiabatic, route).value.real + state.sign
        #expect(abs(all) < 32 * t * t, "\(route) \(all)")
        deviations[deviations.count - 1] += [abs(all)]
        for kind in [TorqueKind.m, .n] {
          deviations[deviations.count - 1] += [try value(torque, kind, route).value.length]
        }
      }
    }
    // All in proportion to t^2; the next order is |eta|^4.
    for (large, small) in zip(deviations[0], deviations[1]) {
      #expect(abs(large / small - 4) < 0.1, "\(deviations)")
    }
    // Against the current for electrons of the lower band: v_0 < 0, so d/dt n = +|v_0| d_i n, a
    // pattern that moves towards -i while j points to +i.
    let v = TorqueScale(currentDensity: 1e12, lengthUnit: 0.3, transverse: 1, spin: 1).velocity(
      try shippedModel("square"))
    #expect(v < 0)
  }

  /// The closed forms of m and n are the limits of the loops at omega tau << 1; in the lower band the
  /// adiabatic torque on n is opposite to the ferromagnet's.
  @Test(arguments: [("square", -1.2), ("honeycomb", 1.0), ("chain", -1.2)])
  func adiabatic(_ state: (String, Double)) async throws {
    let torque = try await request(
      try shippedModel(state.0), mu: state.1, temperature: 0.05, gamma: 2e-3
    ).torque(impurities: nil, relaxation: 0)
    for kind in [TorqueKind.m, .n] {
      let closed = try value(torque, kind, "closed").value
      let loops = try value(torque, kind, "constant.bare").value
      #expect(closed.imaginary == 0 && loops.imaginary == 0)
      // What is left is O(Gamma/J).
      #expect((closed - loops).length < 0.02 * closed.length, "\(closed) \(loops)")
    }
    let adiabatic = try value(torque, .n, "closed").value.real
    let ferromagnet = try #require(torque.ferromagnet).value.real
    #expect(adiabatic * ferromagnet < 0)
  }

  /// At omega = 0 the limit itself, as sharp as elsewhere: its bound is what was asked for, and a
  /// difference quotient at omega tau = 1e-3, which is off by (omega tau)^2, agrees.
  @Test(arguments: [("square", -1.2), ("honeycomb", 1.0)])
  func directCurrent(_ state: (String, Double)) async throws {
    let gamma = 0.02
    let near = 2e-3 * gamma
    let torque = try await request(
      try shippedModel(state.0), mu: state.1, gamma: gamma, omegas: [0, near]
    ).torque(impurities: nil, relaxation: 0)
    for kind in [TorqueKind.m, .n, .nNonadiabatic] {
      let limit = try value(torque, kind, "constant.bare")
      let next = try value(torque, kind, "constant.bare", 1)
      // Of both K and sigma, the estimate and sqrt 2 for the modulus: a few times 1e-6.
      #expect(limit.error < 1e-5 * limit.value.length, "\(kind) \(limit)")
      #expect(
        abs(limit.value.real - next.value.real)
          <= limit.error + next.error + 4e-6 * limit.value.length, "\(kind) \(limit) \(next)")
    }
  }

  /// Relaxation is the complex frequency omega + i/tau_sf in v_m_na/v_n_na, and drives a wall the way the
  /// electrons go: -v_m_na/alpha has the sign of -v_n_na.
  ///
  /// The spins of both sublattices turn about the exchange fields +-J of the sublattices, relax, and are
  /// fed by electrons that drift through the texture, those of A and B with opposite spins. With s = s_A + s_B and
  /// Sigma = s_A - s_B as complex numbers x + i y
  ///
  ///     (-i omega + 1/tau_sf) s = -2 i J Sigma,   (-i omega + 1/tau_sf) Sigma = -2 i J s + source.
  ///
  /// n x multiplies by i, so that v_n d n = i s and i v_m d n = i Sigma, in units of J: v_m/v_n = -i Sigma/s.
  @Test func relaxation() async throws {
    let model = try shippedModel("narrow", ["t": 1e-3])
    let (zeta, j) = (0.07, model.exchange)
    let omegas = [0, 0.1, 0.5]
    let torque = try await request(model, mu: -1.8, omegas: omegas).torque(
      impurities: nil, relaxation: zeta)
    for (n, omega) in omegas.enumerated() {
      let m = try value(torque, .mNonadiabatic, "closed", n).value
      let nn = try value(torque, .nNonadiabatic, "closed", n).value
      let rate = ComplexDouble(2 * j * zeta, -omega)
      // Cramer's rule for (rate, 2iJ; 2iJ, rate) (s, Sigma) = (0, 1).
      let (s, sigma) = (ComplexDouble(0, -2 * j), rate)
      let ratio = sigma / s * ComplexDouble(0, -1)
      // P_m^na and P_n^na differ by t^2/J^2.
      #expect((m / nn - ratio).length < 1e-5 * ratio.length, "\(m / nn) \(ratio)")
      if omega == 0 { #expect(m.real * nn.real > 0 && m.imaginary == 0) }
    }
  }

  /// (S7.24), (S7.29): the resonance, the relaxation and the direct current.
  @Test func resonance() async throws {
    let model = try shippedModel("narrow")
    let zeta = 0.07
    let torque = try await request(model, mu: -1.8, omegas: [0, 0.5, 1.5, 2]).torque(
      impurities: nil, relaxation: zeta)
    let p = torque.coefficients
    let pm = p.entry(.nonadiabaticX, .corrected).value!.value.real
    let pn = p.entry(.nonadiabaticY, .corrected).value!.value.real
    for (n, omega) in torque.omegas.enumerated() where omega != 2 {
      let x = omega / 2
      let m = try value(torque, .mNonadiabatic, "closed", n).value
      let expected = ComplexDouble(-zeta, x).multiplied(by: pm / (1 - x * x))
      #expect((m - expected).length < 1e-14)
      // The paper prints the other sign.
      let printed = try value(torque, .mNonadiabatic, "closed_printed", n).value
      let factor = p.entry(.nonadiabaticX, .printed).value!.value.real / (1 - x * x)
      #expect((printed - ComplexDouble(zeta, x).multiplied(by: factor)).length < 1e-14)
      let nn = try value(torque, .nNonadiabatic, "closed", n).value
      #expect((nn - ComplexDouble(-pn / (1 - x * x))).length < 1e-14)
    }
    // omega = 2 J is the pole.
    let columns = torque.columns.filter { $0.route == "closed" }
    #expect(columns.filter { $0.values[3] == nil }.map(\.kind) == [.mNonadiabatic, .nNonadiabatic])
    #expect(torque.failures.isEmpty)
    #expect(
      torque.poles
        == ["tau_m_na", "tau_n_na"].map {
          "\($0).closed at omega = 2.0: undamped pole at omega = 2 J; choose another omega"
        })
  }

  /// Spin continuity 2 J K_Sigma = i omega K_s of the `site` ladder, in torques:
  /// tau_m_na = -i omega tau_sd tau_n, as (S7.24) to (S7.29); a check of signs that knows no closed form.
  @Test func continuity() async throws {
    let omega = 0.4
    var request = try request(try shippedModel("chain"), mu: -1.2, omegas: [omega])
    request.tolerance = 1e-4
    let torque = try await request.torque(impurities: 0.2, relaxation: 0)
    let m = try value(torque, .mNonadiabatic, "site.ladder")
    let n = try value(torque, .n, "site.ladder")
    // tau_sd = 1/2J = 1.
    let expected = n.value * ComplexDouble(0, -omega)
    #expect((m.value - expected).length <= m.error + omega * n.error)
    #expect(m.error + omega * n.error < 0.01 * expected.length)
    // The coefficients of the closed forms have that sign of each other in either band.
    let closed = try value(torque, .mNonadiabatic, "closed").value
    let along = try value(torque, .nNonadiabatic, "closed").value
    #expect((closed / along * ComplexDouble(0, 1)).real > 0)
  }

  /// In the gap there is no Fermi surface, and each closed torque says so.
  @Test func inTheGap() async throws {
    let torque = try await request(try shippedModel("chain"), mu: 0, temperature: 0).torque(
      impurities: nil, relaxation: 0)
    #expect(torque.ferromagnet == nil)
    #expect(torque.failures.filter { $0.contains("mu is in the gap") }.count == 4)
  }

  /// `site` impurities at omega -> 0: the ladder takes the direct-current torque on m away, the bare
  /// loop does not (docs/ladder.md); and the closed forms know the corrected signs of `audit`.
  @Test func directCurrentTorque() async throws {
    var coarse = try request(try shippedModel("chain"), mu: -1.2)
    coarse.tolerance = 1e-4
    let torque = try await coarse.torque(impurities: 0.1, relaxation: 0)
    #expect(torque.failures == [])
    let bare = try value(torque, .mNonadiabatic, "site.bare")
    let ladder = try value(torque, .mNonadiabatic, "site.ladder")
    let n = try value(torque, .n, "site.ladder")
    #expect(ladder.value.length <= ladder.error, "\(ladder)")
    #expect(ladder.error < 1e-3 * n.value.length, "\(ladder) \(n)")
    #expect(bare.value.length > 100 * bare.error && bare.value.length > 10 * ladder.error)
    let audit = try await request(try shippedModel("chain"), mu: -1.2).audit()
    for (name, kind, sign) in [
      ("P_m", TorqueKind.m, -1.0), ("P_n", .n, 1), ("P_n_na", .nNonadiabatic, -1),
    ] {
      let number = try #require(audit.numbers.first { $0.name == name && $0.band == .bonding })
      let closed = try value(torque, kind, "closed").value.real
      #expect(abs(closed - sign * number.corrected.value.real) < 1e-6)
    }
  }

  /// The audit: corrected forms hold in both bands; what is printed fails where docs/misprints.md says.
  @Test(arguments: ["chain"] + (areTestsLong ? ["square", "honeycomb"] : [])) func audit(
    _ name: String
  ) async throws {
    let audit = try await request(try shippedModel(name), mu: -1.2, temperature: 0.05).audit()
    #expect(audit.holds)
    let failing = audit.numbers.filter { !$0.printedHolds }.map {
      "\($0.name) \($0.band == .bonding ? "lower" : "upper")"
    }
    #expect(
      Set(failing) == [
        "sigma/sigma_c lower", "P_n lower", "P_n_na, true Delta_k lower", "sigma/sigma_c upper",
        "P_m upper", "P_n upper", "P_m_na upper", "P_n_na upper", "P_n_na, true Delta_k upper",
      ])
    for number in audit.numbers {
      // The comparison says something.
      #expect(number.loops.error < 1e-2 * number.loops.value.length, "\(number)")
    }
    for formula in audit.formulas {
      #expect(
        max(formula.printedDeviation.bonding, formula.printedDeviation.antibonding) > 0.01,
        "\(formula.equation)")
    }
  }
}
