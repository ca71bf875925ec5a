// SPDX-License-Identifier: GPL-3.0-or-later

/// The wall time that a spectrum will take, extrapolated from a few of its frequencies.
///
/// With t(n) the time for n frequencies spread over the axis, the first of two runs takes one of
/// them and the second up to five, and
///
///     t(N) = t(1) + (N - 1) [t(5) - t(1)]/4,
///
/// the part t(1) - [t(5) - t(1)]/4 being what all frequencies share. Units: seconds. Source: this project.
/// Accuracy: tables of many frequencies are shared, so that the true time is rather shorter: in seven
/// cases with other work beside it was 0.45 to 2.8 times the estimate. It costs as much as five frequencies, with
/// impurities up to as much as the whole of a short spectrum.
public struct CostEstimate: Sendable, Equatable {
  /// Seconds that the whole would take on as many threads, and seconds that the estimate took.
  public let seconds, spent: Double
  /// How many frequencies were computed, and how many there are.
  public let tried, count: Int

  /// The extrapolation from runs of `one` and `several` seconds for 1 and `tried` frequencies.
  package init(one: Double, several: Double, tried: Int, count: Int) {
    let each = tried > 1 ? max(0, several - one) / Double(tried - 1) : 0
    seconds = max(several, one + each * Double(count - 1))
    spent = one + (tried > 1 ? several : 0)
    (self.tried, self.count) = (tried, count)
  }

  /// Spectra on one axis, one after the other.
  package init(_ parts: [CostEstimate]) {
    seconds = parts.reduce(0) { $0 + $1.seconds }
    spent = parts.reduce(0) { $0 + $1.spent }
    tried = parts.map(\.tried).min() ?? 0
    count = parts.map(\.count).min() ?? 0
  }
}

extension SpectrumRequest {
  /// The time that ``spectrum()`` would take, by computing a few of the frequencies; see ``CostEstimate``.
  /// - Throws: ``RequestError``, `CancellationError`.
  public func cost() async throws -> CostEstimate {
    let count = omegas.count
    // In the middle of equal parts, whose costs may differ.
    func sample(_ n: Int) -> [Double] { (0..<n).map { omegas[(2 * $0 + 1) * count / (2 * n)] } }
    func time(_ n: Int) async throws -> Double {
      var request = self
      request.omegas = sample(n)
      let clock = ContinuousClock()
      return try await clock.measure { _ = try await request.spectrum() } / .seconds(1)
    }
    guard count > 0 else { return CostEstimate(one: 0, several: 0, tried: 0, count: 0) }
    let several = min(5, count)
    let one = try await time(1)
    return CostEstimate(
      one: one, several: several > 1 ? try await time(several) : one, tried: several, count: count)
  }
}
