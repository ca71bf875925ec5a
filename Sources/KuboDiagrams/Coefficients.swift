// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneIntegrals
import KuboZoneSums
import RealModule

/// sigma_c/tau and the dimensionless coefficients P_m, P_n, P_m^na, P_n^na of the paper.
///
///     sigma_c/tau = (1/V) sum_k sum_s (d_jE_s)^2 delta(mu - E_s)                        (S6.23)
///     P sigma_c/tau = c (1/V) sum_k sum_s w_s delta(mu - E_s)          (S6.24), (S6.52), (S7.23), (S7.30)
///
/// with delta -> -f' at T > 0 and the weights of `ClosedForm`. The paper's sigma_c counts one of
/// the two degenerate states; the measured conductivity is twice it. For ij other than the paper's
/// xx, the P's are the ij component divided by sigma_c along j. P is dimensionless, sigma_c/tau
/// has the unit energy length^(2-d), with e = 1.
public struct Coefficients: Sendable {
  /// One coefficient in one version.
  public struct Entry: Sendable {
    /// Which coefficient.
    public let form: ClosedForm
    /// Printed or corrected.
    public let version: Version
    /// P; nil if mu lies in the gap.
    public let value: Estimate?
    /// P sigma_c/tau, always there.
    public let product: Estimate

    /// As in `P_m.corrected`.
    public var name: String { "\(form.coefficientName).\(version.rawValue)" }
  }

  /// The chemical potential.
  public let mu: Double
  /// sigma_c/tau.
  public let conductivity: Estimate
  /// The coefficients, for each closed form corrected, then printed.
  public let entries: [Entry]
  /// Mean and standard deviation of Delta_k/J on the Fermi surface, where it exists.
  public let gapRatio: (mean: Double, spread: Double)?
  /// sum_s s (d_jE_s)^2 delta / sum_s (d_jE_s)^2 delta: +1 where the current flows in the bonding
  /// band, -1 in the antibonding one; nil in the gap.
  public let polarisation: Estimate?

  /// The entry of `form` in `version`.
  public func entry(_ form: ClosedForm, _ version: Version) -> Entry {
    entries.first { $0.form == form && $0.version == version }!
  }

  /// Evaluates at `mu`.
  ///
  /// Accuracy: each average to `tolerance` of itself, with a floor of 1e-6 of its absolute
  /// contributions.
  /// - Throws: `NonConvergence`; `VanHove` at T = 0.
  public init(
    model: Model, mu: Double, temperature: Double,
    directions: Directions = Directions(i: 0, j: 0), tolerance: Double = 1e-9, threads: Int = 1
  ) async throws {
    self.mu = mu
    let kinds = ClosedForm.allCases.flatMap { form in Version.allCases.map { (form, $0) } }
    var weights: [FermiSurface.Weight] = [
      { frame, s in frame.velocityJ(s) * frame.velocityJ(s) },
      { _, _ in .one },
      { frame, _ in frame.delta },
      { frame, _ in frame.delta * frame.delta },
      { frame, s in (frame.velocityJ(s) * frame.velocityJ(s)).multiplied(by: s.sign) },
    ]
    let first = weights.count
    for (form, version) in kinds {
      let factor = form.coefficientFactor(exchange: model.exchange)
      weights.append { frame, s in form.weight(frame, s, version).multiplied(by: factor) }
    }
    let surface = FermiSurface(
      model: model, directions: directions, temperature: temperature, weights: weights,
      tolerance: tolerance, threads: threads)
    let averages = try await surface.averages(mu: mu)
    let sigma = averages[0]
    conductivity = sigma
    // sigma_c is a sum of positive terms: below its own error it is zero, and mu is in the gap.
    let hasSurface = sigma.value.real > 2 * sigma.error
    if hasSurface {
      let mean = averages[2].value.real / averages[1].value.real
      let square = averages[3].value.real / averages[1].value.real
      let j = model.exchange
      gapRatio = (mean / j, max(0, square - mean * mean).squareRoot() / j)
    } else {
      gapRatio = nil
    }
    polarisation = hasSurface ? averages[4].divided(by: sigma) : nil
    entries = kinds.enumerated().map { n, kind in
      let product = averages[first + n]
      let ratio = product.divided(by: sigma)
      return Entry(
        form: kind.0, version: kind.1, value: hasSurface ? ratio : nil, product: product)
    }
  }
}

extension Estimate {
  /// The quotient of two real averages, the divisor above its error; what bounds the error is
  /// |a'/b' - a/b| = |(a' - a) - (a/b)(b' - b)|/|b'|.
  package func divided(by other: Estimate) -> Estimate {
    let quotient = value.divided(by: other.value.real)
    return Estimate(
      value: quotient,
      error: (error + quotient.length * other.error) / (other.value.real - other.error))
  }
}
