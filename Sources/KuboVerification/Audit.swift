// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboLattice
import KuboLoops
import KuboZoneIntegrals
import KuboZoneSums
import RealModule

/// The paper against the engine: for each printed formula and coefficient that fails, what is printed,
/// what is right, and what the loops say, in both bands (docs/misprints.md).
///
///     deviation = max |formula - matrices| / max |matrices|,   over wave vectors and components
///
/// Units: deviations and the P's are dimensionless.
public struct Audit: Sendable {
  /// A printed formula, compared with explicit 4x4 matrices at single wave vectors.
  public struct Formula: Sendable {
    /// The equation's number.
    public let equation: String
    /// What is wrong, and what is right instead.
    public let printed, corrected: String
    /// The largest deviation of the printed form from the matrices, relative to the largest value,
    /// in the bonding and in the antibonding band.
    public let printedDeviation: (bonding: Double, antibonding: Double)
    /// The same for the corrected form.
    public let correctedDeviation: (bonding: Double, antibonding: Double)
  }

  /// A number, in one band.
  public struct Number: Sendable {
    /// As in `P_m`.
    public let name: String
    /// Where mu lies; nil for a number that belongs to no band.
    public let band: Band?
    /// The chemical potential.
    public let mu: Double
    /// As printed, corrected, and from the loops.
    public let printed, corrected, loops: Estimate
    /// How the loops give it.
    public let route: String

    /// Whether the loops are known well enough to prove anything: to a percent, or to 1e-5 for a
    /// number that vanishes.
    public var isDecided: Bool { loops.error <= 1e-2 * max(loops.value.length, 1e-3) }
    /// Whether the loops agree with the corrected value within the errors.
    public var correctedHolds: Bool {
      (corrected.value - loops.value).length <= corrected.error + loops.error
    }
    /// Whether they agree with the printed one.
    public var printedHolds: Bool {
      (printed.value - loops.value).length <= printed.error + loops.error
    }
  }

  /// The formulas.
  public let formulas: [Formula]
  /// The numbers.
  public let numbers: [Number]

  /// Whether a corrected form disagrees with the matrices or with loops that are known well enough.
  public var isRefuted: Bool {
    numbers.contains { $0.isDecided && !$0.correctedHolds }
      || !formulas.allSatisfy {
        $0.correctedDeviation.bonding <= 1e-9 && $0.correctedDeviation.antibonding <= 1e-9
      }
  }
  /// The numbers whose loops are not known well enough to prove anything.
  public var undecided: [Number] { numbers.filter { !$0.isDecided } }
  /// Whether every corrected form agrees with the matrices and the loops, and each could have failed.
  public var holds: Bool { !isRefuted && undecided.isEmpty }
}

extension SpectrumRequest {
  /// Audits the paper on the model of the request, at its temperature; one chemical potential in each
  /// band, that of the request where it serves. Columns, omegas and lifetime are not used.
  ///
  /// - Throws: `RequestError` for unequal directions or a model with no energy at which only one band lies, `VanHove`,
  ///   `NonConvergence`, `CancellationError`.
  public func audit() async throws -> Audit {
    try directions.checkAlongTheCurrent()
    var numbers: [Audit.Number] = []
    for band in Band.allCases {
      numbers += try await AuditNumbers(self, in: band).numbers()
    }
    return Audit(
      formulas: AuditFormulas(model: electrons.model, directions: directions).formulas(),
      numbers: numbers)
  }
}

/// The paper's numbers at a chemical potential in one band.
private struct AuditNumbers {
  let request: SpectrumRequest
  let band: Band
  let mu: Double
  var model: Model { request.electrons.model }

  /// mu is the request's if it lies in `band` only, or one 40 % into the energies where only `band` is.
  init(_ request: SpectrumRequest, in band: Band) throws {
    (self.request, self.band) = (request, band)
    let model = request.electrons.model
    let hamiltonian = BlochHamiltonian(model, directions: request.directions)
    let grid = PeriodicGrid(
      model, divisions: model.divisions([408, 60, 24][model.dimension - 1]), symmetries: [])
    var ranges = Band.allCases.map { _ in (low: Double.infinity, high: -Double.infinity) }
    for index in 0..<grid.count {
      let frame = hamiltonian.frame(at: grid.point(index))
      for s in Band.allCases {
        let e = frame.energy(s).real
        ranges[s.rawValue].low = min(ranges[s.rawValue].low, e)
        ranges[s.rawValue].high = max(ranges[s.rawValue].high, e)
      }
    }
    let (lower, upper) = (ranges[0], ranges[1])
    let only =
      band == .bonding
      ? (low: lower.low, high: min(lower.high, upper.low))
      : (low: max(upper.low, lower.high), high: upper.high)
    try require(
      only.low < only.high, "model", "\(model.name), whose bands overlap throughout",
      "energies at which only one band lies")
    let margin = 0.1 * (only.high - only.low)
    mu =
      request.mu > only.low + margin && request.mu < only.high - margin
      ? request.mu : only.low + 0.4 * (only.high - only.low)
  }

  /// The coefficients and sigma_c.
  func numbers() async throws -> [Audit.Number] {
    let coefficients = try await Coefficients(
      model: model, mu: mu, temperature: request.temperature, directions: request.directions,
      threads: request.threads)
    let sigma = coefficients.conductivity
    let slopes = try await loopSlopes(["sigma", "X", "Y", "Y_na"])
    let surface = FermiSurface(
      model: model, directions: request.directions, temperature: request.temperature,
      weights: auditWeights(), tolerance: 1e-9, threads: request.threads)
    let averages = try await surface.averages(mu: mu).map { $0.divided(by: sigma) }
    func number(
      _ name: String, _ printed: Estimate, _ corrected: Estimate, _ loops: Estimate, _ route: String
    ) -> Audit.Number {
      .init(
        name: name, band: band, mu: mu, printed: printed, corrected: corrected, loops: loops,
        route: route)
    }
    func coefficient(_ form: ClosedForm, _ loops: Estimate, _ route: String) -> Audit.Number {
      number(
        form.coefficientName, coefficients.entry(form, .printed).value!,
        coefficients.entry(form, .corrected).value!, loops, route)
    }
    // K = -i omega tau W: the slopes are W, and P sigma_c/tau = c W.
    func scaled(_ slope: Estimate, _ factor: Double) -> Estimate {
      (factor * slope).divided(by: sigma)
    }
    let j = model.exchange
    let slope = "K(omega)/(-i omega tau), omega -> 0, Gamma -> 0"
    let one = Estimate(value: .one, error: 1e-12)
    return [
      number(
        "sigma/sigma_c", one, Estimate(value: ComplexDouble(2), error: 1e-12),
        scaled(slopes[0], 1), "sigma(omega)/tau, omega -> 0, Gamma -> 0"),
      coefficient(.cantingX, scaled(slopes[1], 0.5), slope),
      coefficient(.adiabaticY, scaled(slopes[2], j), slope),
      coefficient(.nonadiabaticX, averages[0], "traces of (a) + (d) with (S7.17)"),
      coefficient(.nonadiabaticY, averages[1], "traces of (a) + (d) with (S7.17)"),
      number(
        "P_n_na, true Delta_k", coefficients.entry(.nonadiabaticY, .printed).value!, averages[2],
        // Y_na = -i omega tau (-1/J) W.
        scaled(slopes[3], -j), slope),
    ]
  }

  /// lim K(omega)/(-i omega tau) as omega -> 0, and then Gamma -> 0 by Richardson's extrapolation;
  /// for the conductivity sigma(omega)/tau.
  private func loopSlopes(_ names: [String]) async throws -> [Estimate] {
    let j = model.exchange
    var values: [[Estimate]] = []
    for gamma in [4e-5, 2e-5, 1e-5].map({ $0 * j }) {
      let request = request.asking(
        .named(names), of: request.electrons.with(mu: mu, lifetime: .constant(gamma)),
        omegas: [1e-3 * gamma], tolerance: 1e-7)
      let found = VerifiedSpectrum(spectrum: try await request.spectrum())
      values.append(
        try names.map { name in
          let value = try found.column(name).values[0]!
          let factor =
            Response(name)!.isConductivity
            ? ComplexDouble(2 * gamma) : ComplexDouble(0, 2 * gamma / request.omegas[0])
          // The real part is even in omega: (omega tau)^2 is left.
          let slope = (value.dynamic * factor).real
          return Estimate(
            value: ComplexDouble(slope), error: value.error * factor.length + 1e-6 * abs(slope))
        })
    }
    // W(Gamma) = W + a Gamma + b Gamma^2 + ...; what the last step changes bounds what is left.
    return names.indices.map { n in
      let w = values.map { $0[n].value }
      let coarse = w[1].multiplied(by: 2) - w[0]
      let fine = w[2].multiplied(by: 2) - w[1]
      return Estimate(
        value: fine,
        error: (fine - coarse).length + 2 * values[2][n].error + values[1][n].error)
    }
  }

  /// The coefficients of Q_s in the diagrams (a) + (d), from their traces, for Sigma and for s, and the
  /// latter's closed weight with the true Delta_k in the denominator of the resonance.
  ///
  /// With g+_a g_c -> (g_c - g+_a)/(omega - 2 s_c J), (S7.17), g+_a g_a g_c contributes -t/(omega - 2
  /// s_c J) to Q_a and g+_a g+_c g_c contributes t/(omega - 2 s_c J) to Q_c; divided by R(omega) this is
  /// the weight w_s, at any omega.
  private func auditWeights() -> [FermiSurface.Weight] {
    let j = model.exchange
    let omega = 0.3 * j
    let set = request.diagrams
    let traced = [("X_na", ClosedForm.nonadiabaticX), ("Y_na", .nonadiabaticY)].map {
      name, form -> FermiSurface.Weight in
      let response = Response(name)!
      let sum = LoopWeights.Sum(
        measured: response.measured, spin: response.spin, diagrams: set.diagrams(of: response))
      let resonance = form.resonance(omega: omega, exchange: j)!
      return { frame, s in
        let traces = LoopWeights.traces([sum], frame)[0]
        let other: Band = s == .bonding ? .antibonding : .bonding
        let first = traces[Bubble(plus: [s], inner: [s, other])] ?? 0
        let second = traces[Bubble(plus: [s, other], inner: [s])] ?? 0
        // Rounding of a trace that vanishes is no weight: relative to the norms of both currents.
        let norm =
          (frame.hoppingI.length + frame.etaI.length + frame.etabarI.length)
          * (frame.hoppingJ.length + frame.etaJ.length + frame.etabarJ.length)
        if max(first.length, second.length) <= 1e-14 * norm { return .zero }
        let coefficient =
          second.divided(by: omega - 2 * s.sign * j) - first.divided(by: omega + 2 * s.sign * j)
        return coefficient / resonance
      }
    }
    return traced + [
      { frame, s in
        (ClosedForm.nonadiabaticY.weight(frame, s, .corrected) * frame.inverseDelta)
          .multiplied(by: j)
      }
    ]
  }
}
