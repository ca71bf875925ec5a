// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDisorder
import KuboLattice
import KuboLoops
import KuboWork
import RealModule

/// Bare bubble, ladder and closed form on one frequency axis, for both kinds of impurities.
///
/// With `scba` the responses of the paper, X^na and Y^na of diagrams (a) + (d), bare, with the ladder
/// (S7.14), and in closed form, (S7.21) and (S7.25) corrected. With `site`, the unprojected loops
/// K_Sigma and K_s, bare and with the ladder, for which gauge invariance K(0) = 0 and spin continuity
/// 2 J K_Sigma^xy = i omega K_s^xx hold with the ladder (docs/conventions.md section 4). Units: those of
/// ``Spectrum``.
public struct Comparison: Sendable {
  /// The requests and what they gave: `scba`, then `site`.
  public let parts: [(request: SpectrumRequest, spectrum: Spectrum)]

  /// One staggered-spin response with the spin response that belongs to it.
  public struct Curve: Sendable {
    /// As in `scba ladder`.
    public let name: String
    /// The impurities.
    public let impurities: Impurities
    /// Bare, ladder or closed.
    public let dressing: Dressing
    /// The frequencies, not 0, at which both are known.
    public let omegas: [Double]
    /// K_Sigma and K_s, dynamic plus static part.
    public let staggered, spin: [ComplexDouble]
    /// K_Sigma(0) and K_s(0).
    public let statics: (staggered: Double, spin: Double)
    /// J.
    package let exchange: Double
  }

  /// A peak of |K_Sigma/omega|.
  public struct Resonance: Sendable, Equatable {
    /// hbar omega of the peak, and the full width at half maximum of |K_Sigma/omega|^2.
    public let position, width: Double
  }

  /// Computes the comparison for impurities of strength `gamma`.
  ///
  /// `request` gives the model, its state and the axis; its lifetime and columns are not used.
  /// - Throws: `RequestError`, `CancellationError`.
  public init(_ request: SpectrumRequest, gamma: Double) async throws {
    let requests = Comparison.requests(request, gamma)
    parts = try await WorkProgress.stage("comparison", unit: "parts", of: 2) { stage in
      var parts: [(request: SpectrumRequest, spectrum: Spectrum)] = []
      for request in requests {
        parts.append((request, try await request.spectrum()))
        stage?.advance()
      }
      return parts
    }
  }

  /// One request for each kind of impurities.
  private static func requests(_ request: SpectrumRequest, _ gamma: Double) -> [SpectrumRequest] {
    [
      request.asking(
        .named(["X_na", "Y_na"], [.bare, .ladder, .closed]),
        of: request.electrons.with(lifetime: .scba(gamma))),
      request.asking(
        .named(["Sigma_full", "s_full"], [.bare, .ladder]),
        of: request.electrons.with(lifetime: .site(gamma))),
    ]
  }

  /// The time that ``init(_:gamma:)`` would take; see ``CostEstimate``.
  /// - Throws: `RequestError`, `CancellationError`.
  public static func cost(_ request: SpectrumRequest, gamma: Double) async throws -> CostEstimate {
    var costs: [CostEstimate] = []
    for part in requests(request, gamma) { costs.append(try await part.cost()) }
    return CostEstimate(costs)
  }

  /// The level width at mu with which every energy pair of a spectral integral is soon done,
  ///
  ///     -Im Sigma_s(mu)/J = 3 in three dimensions, 1/5 in one and two
  ///
  /// (docs/ladder.md); dimensionless. In three dimensions a band ends so softly that at a width of J there are pairs
  /// which need more than 432 points a direction, at 3 J 168.
  public static func verifiablePart(_ model: Model) -> Double {
    model.dimension == 3 ? 3 : usualPart
  }

  /// The level width in units of J, dimensionless, at which ladder and bare loop plainly differ and 2 J is still
  /// resolved (docs/ladder.md).
  public static let usualPart = 0.2

  /// The strength gamma for which the level width -Im Sigma_s(mu) of `scba` in the band at mu is
  /// `part` of J, to two digits; 0.2 J^2 where mu lies in a gap. In squared energy units; from
  ///
  ///     gamma -> gamma part J/(-Im Sigma_s(mu)),
  ///
  /// eight times, which is the linear growth of -Im Sigma_s with gamma (docs/ladder.md).
  public static func strength(
    _ model: Model, mu: Double, part: Double = Comparison.usualPart, threads: Int
  ) async throws -> Double {
    let j = model.exchange
    var gamma = 0.2 * j * j
    for _ in 0..<8 {
      let sigma = try await SelfEnergy.values(
        model: model, lifetime: .scba(gamma), energies: [ComplexDouble(mu)], tolerance: 1e-3,
        threads: threads)[0]
      let width = max(-sigma.values.first.imaginary, -sigma.values.second.imaginary)
      guard width > 1e-6 * j else { return 0.2 * j * j }
      gamma *= part * j / width
    }
    // The double nearest to the decimal number.
    let exponent = Int(Double.log10(gamma).rounded(.down)) - 1
    let digits = Int((gamma / Double.pow(10, exponent)).rounded())
    return Double("\(digits)e\(exponent)")!
  }

  /// An axis that shows the low-frequency limit and resolves a resonance a little above 2 J, in energy
  /// units: 0.005 J to 0.04 J in doublings, n J/12 up to 3 J, and from 1.9 J to 2.5 J
  ///
  ///     omega_n = 2 J (0.95 + 0.3 (n + 1/2)/40),   n = 0 ..< 40
  ///
  /// which leaves out the pole of the closed forms (S7.22), (S7.28).
  public static func axis(exchange j: Double) -> [Double] {
    let coarse = (1...36).map { Double($0) * j / 12 }
    let low = [0.005, 0.01, 0.02, 0.04].map { $0 * j }
    // 2 J itself, where the closed form has its pole, is left out.
    let fine = (0..<40).map { (n: Int) -> Double in 2 * j * (0.95 + 0.3 * (Double(n) + 0.5) / 40) }
    let ends = (fine.first!, fine.last!)
    return (low + coarse.filter { $0 < ends.0 || $0 > ends.1 } + fine).sorted()
  }

  /// What could not be computed, a line for each reason with the lifetime of its part.
  public var failureLines: [String] { lines(\.failureLines) }
  /// Where closed forms have their undamped pole, and no value.
  public var poleLines: [String] { lines(\.poleLines) }

  private func lines(_ of: (Spectrum) -> [String]) -> [String] {
    parts.flatMap { part in of(part.spectrum).map { "\(part.request.lifetime.description): \($0)" }
    }
  }

  /// The curves: `scba` bare, ladder, closed; `site` bare, ladder.
  public var curves: [Curve] {
    parts.flatMap { request, spectrum -> [Curve] in
      let impurities: Impurities = request.lifetime.impurities!.kind
      let names = impurities == .scba ? ("X_na", "Y_na") : ("Sigma_full", "s_full")
      return [Dressing.bare, .ladder, .closed].compactMap { dressing in
        func column(_ name: String) -> Spectrum.Column? {
          spectrum.columns.first {
            $0.request.response.name == name && $0.request.dressing == dressing
          }
        }
        guard let staggered = column(names.0), let spin = column(names.1),
          let a = staggered.staticPart, let b = spin.staticPart
        else { return nil }
        let known = spectrum.omegas.indices.filter {
          spectrum.omegas[$0] != 0 && staggered.values[$0] != nil && spin.values[$0] != nil
        }
        return Curve(
          name: "\(impurities.rawValue) \(dressing.rawValue)", impurities: impurities,
          dressing: dressing, omegas: known.map { spectrum.omegas[$0] },
          staggered: known.map { staggered.values[$0]!.dynamic + a },
          spin: known.map { spin.values[$0]!.dynamic + b }, statics: (a.real, b.real),
          exchange: request.model.exchange)
      }
    }
  }
}

extension Comparison.Curve {
  /// K_Sigma/omega, to which the staggered spin in an electric field E = i omega A is proportional,
  /// in units of ``Spectrum`` over energy.
  public var perField: [ComplexDouble] {
    zip(staggered, omegas).map { $0 * ComplexDouble(1 / $1) }
  }

  /// The residual of spin continuity, 2 J K_Sigma = i omega K_s (docs/conventions.md section 4):
  /// |2 J K_Sigma - i omega K_s| / max over omega of |2 J K_Sigma|, per frequency; dimensionless.
  public var continuityResiduals: [Double] {
    let largest = 2 * exchange * (staggered.map(\.length).max() ?? 0)
    return omegas.indices.map { n in
      let torque = staggered[n] * ComplexDouble(2 * exchange)
      return largest == 0
        ? 0 : (torque - spin[n] * ComplexDouble(0, omegas[n])).length / largest
    }
  }

  /// The residual of gauge invariance, K(0) = 0 (docs/conventions.md section 4):
  /// |K(0)| / max |K(omega)|, the larger of the two responses'; dimensionless.
  public var gaugeResidual: Double {
    func ratio(_ fixed: Double, _ values: [ComplexDouble]) -> Double {
      let largest = values.map(\.length).max() ?? 0
      return largest == 0 ? 0 : abs(fixed) / largest
    }
    return max(ratio(statics.staggered, staggered), ratio(statics.spin, spin))
  }

  /// The highest peak of |K_Sigma/omega| above J/2 inside the axis, nil if there is none; of the
  /// closed form, the pole at omega = 2 J itself (S7.22). In energy units.
  ///
  /// The peak is that of the parabola through 1/|K_Sigma/omega|^2 at the three points about it; the width
  /// is where |K_Sigma/omega|^2 falls below half of that, by interpolation.
  public var resonance: Comparison.Resonance? {
    if dressing == .closed { return .init(position: 2 * exchange, width: 0) }
    let y = perField.map { $0.length * $0.length }
    let inner = omegas.indices.dropFirst().dropLast().filter {
      omegas[$0] > exchange / 2 && y[$0] > y[$0 - 1] && y[$0] >= y[$0 + 1]
    }
    guard let n = inner.max(by: { y[$0] < y[$1] }) else { return nil }
    // A Lorentzian's inverse is a parabola: through the three points about the peak.
    let (x0, x1, x2) = (omegas[n - 1], omegas[n], omegas[n + 1])
    let (u0, u1, u2) = (1 / y[n - 1], 1 / y[n], 1 / y[n + 1])
    let slopes = ((u1 - u0) / (x1 - x0), (u2 - u1) / (x2 - x1))
    let curvature = (slopes.1 - slopes.0) / (x2 - x0)
    let position = (x0 + x1) / 2 - slopes.0 / (2 * curvature)
    let lowest =
      u1 + (position - x1) * (slopes.0 + curvature * (x1 - x0))
      + curvature * (position - x1) * (position - x1)
    // Where |K_Sigma/omega|^2 falls below half of it, by interpolation in its inverse.
    func crossing(_ step: Int) -> Double? {
      var m = n
      while omegas.indices.contains(m + step) {
        let (a, b) = (1 / y[m], 1 / y[m + step])
        if b >= 2 * lowest, a < 2 * lowest {
          return omegas[m] + (omegas[m + step] - omegas[m]) * (2 * lowest - a) / (b - a)
        }
        m += step
      }
      return nil
    }
    guard curvature > 0, lowest > 0, let low = crossing(-1), let high = crossing(1) else {
      return nil
    }
    return .init(position: position, width: high - low)
  }
}
