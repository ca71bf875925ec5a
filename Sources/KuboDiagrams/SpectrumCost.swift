// SPDX-License-Identifier: GPL-3.0-or-later
import KuboZoneIntegrals

extension SpectrumRequest {
  /// The time that ``spectrum()`` would take; see `CostEstimate`.
  /// - Throws: `RequestError`, `CancellationError`.
  public func cost() async throws -> CostEstimate {
    // At constant lifetime a run with fine grids counted costs much the same for few frequencies.
    try await CostEstimate(omegas, factor: electrons.lifetime.impurities == nil ? 8 : 4) {
      _ = try await asking(columns, omegas: $0).spectrum()
    }
  }
}
