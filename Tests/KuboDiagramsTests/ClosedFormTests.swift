// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import KuboFiles
import RealModule
import Testing

/// The paper's closed forms against the loops, corrected and printed (docs/misprints.md).
@Suite struct ClosedFormTests {
  static let states: [(String, Double)] = [
    ("square", -1.2), ("square", 1.2), ("honeycomb", -1.0), ("honeycomb", 1.0), ("chain", -1.2),
    ("chain", 1.2),
  ]

  /// W of X and of Y from the adiabatic loops: [K(omega) - K(0)]/(-i omega tau) as omega tau -> 0 and
  /// Gamma -> 0, by one step of Richardson's extrapolation in Gamma.
  private func limits(_ name: String, _ mu: Double) async throws -> [Double] {
    let diagrams = try shippedDiagrams()
    var values: [[Double]] = []
    for gamma in [2e-4, 1e-4] {
      // Adiabatic loops do not get sharper as Gamma -> 0 at T > 0: a fixed grid serves.
      let zone = ZoneSum(
        model: try shippedModel(name), directions: Directions(i: 0, j: 0), mu: mu,
        temperature: 0.05, broadening: gamma,
        loops: [Response("X")!, Response("Y")!].map {
          .init(measured: $0.measured, spin: $0.spin, diagrams: diagrams.diagrams(of: $0))
        }, closedForms: [], threads: 2)
      let sum = try await zone(divisions: 400, omegas: [0], withScales: false)
      // q = dK/d omega = -i tau W, tau = 1/(2 Gamma).
      values.append(sum.quotients[0].map { -$0.imaginary * 2 * gamma })
    }
    return zip(values[0], values[1]).map { 2 * $1 - $0 }
  }

  /// The corrected P_m and P_n are the limits of the loops X and Y, on three models and both bands.
  @Test(arguments: areTestsLong ? states : Array(states.dropFirst()))
  func correctedIsTheLimitOfTheLoops(_ state: (String, Double))
    async throws
  {
    let model = try shippedModel(state.0)
    let found = try await Coefficients(model: model, mu: state.1, temperature: 0.05, threads: 2)
    let limits = try await limits(state.0, state.1)
    for (n, form) in [ClosedForm.cantingX, .adiabaticY].enumerated() {
      // P_m sigma_c/tau = W/2 (S6.21), P_n sigma_c/tau = J W (S6.51).
      let factor = form == .cantingX ? 0.5 : model.exchange
      let loop = factor * limits[n]
      let corrected = found.entry(form, .corrected).product.value.real
      let printed = found.entry(form, .printed).product.value.real
      // The extrapolation leaves O(Gamma^2) = 1e-8 of terms of order one.
      #expect(abs(loop - corrected) <= 1e-6 * abs(corrected), "\(form) \(loop) \(corrected)")
      // Section 8: P_m printed is right in the lower band only, P_n printed in neither.
      if form == .cantingX && state.1 < 0 {
        #expect(abs(printed - corrected) <= 1e-3 * abs(corrected))
      } else {
        #expect(abs(printed - corrected) > 1e-3 * abs(corrected), "\(form) \(printed)")
      }
    }
  }

  /// P_m^na and P_n^na printed have the opposite sign in the upper band; and the spectra with the
  /// full Q_s meet the printed form, with that sign, as omega tau -> 0 and Gamma -> 0.
  @Test(arguments: states) func nonadiabatic(_ state: (String, Double)) async throws {
    let model = try shippedModel(state.0)
    let found = try await Coefficients(model: model, mu: state.1, temperature: 0.05, threads: 2)
    let gamma = 1e-4
    let omega = 1e-7
    let zone = ZoneSum(
      model: model, directions: Directions(i: 0, j: 0), mu: state.1, temperature: 0.05,
      broadening: gamma, loops: [],
      closedForms: [(.nonadiabaticX, .corrected), (.nonadiabaticY, .corrected)],
      threads: 2)
    let sum = try await zone(divisions: 400, omegas: [omega], withScales: false)
    for (n, form) in [ClosedForm.nonadiabaticX, .nonadiabaticY].enumerated() {
      let corrected = found.entry(form, .corrected).product.value.real
      let printed = found.entry(form, .printed).product.value.real
      let sign = state.1 < 0 ? 1.0 : -1.0
      // The thermal tail of the other band is exp(-(0.6 to 1)/0.05) or less.
      #expect(abs(printed - sign * corrected) <= 1e-4 * abs(corrected))
      let loop = -sum.quotients[0][n].imaginary * 2 * gamma
      #expect(abs(loop - corrected) <= 1e-3 * abs(corrected))
    }
  }

  /// (S7.22), (S7.28) as printed: resonance factors, and the ratio X/Y = i omega tau_sd P_m/P_n.
  @Test func printedSpectra() async throws {
    let (omega, gamma, j) = (0.3, 0.05, 0.5)
    let columns = ["X", "Y", "X_na", "Y_na"].map {
      SpectrumRequest.Column(response: Response($0)!, dressing: .closedPrinted)
    }
    let model = try shippedModel("square")
    let spectrum = try await SpectrumRequest(
      model: model, mu: -1.2, temperature: 0.05, lifetime: .constant(gamma), omegas: [omega],
      columns: columns, diagrams: shippedDiagrams(), threads: 2
    ).spectrum()
    // sigma_c/tau and the printed P's of data/reference/coefficients.json.
    let sigma = 0.39491723894173136 / (2 * gamma)
    let (pm, pn) = (0.08780043852663201, 0.06446759454916572)
    let (pmna, pnna) = (0.07322029028785008, 0.027941993657612275)
    let denominator = omega * omega - 4 * j * j
    let i = ComplexDouble.i
    let expected: [(String, ComplexDouble)] = [
      ("X", -i.multiplied(by: omega * 2 * pm * sigma)),
      ("Y", -i.multiplied(by: omega * pn / j * sigma)),
      ("X_na", -i.multiplied(by: omega) * i.multiplied(by: 2 * omega / denominator * pmna * sigma)),
      ("Y_na", -i.multiplied(by: omega * 4 * j / denominator * pnna * sigma)),
    ]
    for (name, value) in expected {
      let column = spectrum.column(name, .closedPrinted)
      #expect(column.staticPart == .zero)
      #expect((column.values[0]!.dynamic - value).length <= 1e-9 * value.length, "\(name)")
    }
  }

  /// At omega = 2 J the closed nonadiabatic forms have their pole: empty cells with the reason,
  /// everything else is there.
  @Test func poleHitExactly() async throws {
    let columns = ["X_na", "Y_na"].flatMap { name in
      [Dressing.bare, .closed, .closedPrinted].map {
        SpectrumRequest.Column(response: Response(name)!, dressing: $0)
      }
    }
    let spectrum = try await SpectrumRequest(
      model: try shippedModel("square"), mu: -1.2, temperature: 0.05, lifetime: .constant(0.1),
      omegas: [0.9, 1.0, -1.0], columns: columns, diagrams: try shippedDiagrams(), tolerance: 1e-4,
      threads: 2
    ).spectrum()
    // Known beforehand, they are no failures.
    #expect(spectrum.failures.isEmpty)
    #expect(spectrum.poles.count == 8)
    for failure in spectrum.poles {
      #expect(abs(failure.omega!) == 1)
      #expect(failure.reason.contains("pole at omega = 2 J"))
    }
    for column in spectrum.columns {
      #expect(column.values[0] != nil)
      #expect((column.values[1] != nil) == (column.request.dressing == .bare))
    }
  }
}
