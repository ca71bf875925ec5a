// SPDX-License-Identifier: GPL-3.0-or-later
import Synchronization

/// Counts the time of grids instead of summing them, while the cost of a computation is estimated.
///
/// A ``GridRefinement`` sums coarse grids, which tell its rate of convergence, and with that the grid that will do, and the
/// time for a point; the fine grids take most of the time. With kappa the time for a point and a group, measured on the last
/// grid, N_g the divisions that group g needs and 20 groups for what is the same for all,
///
///     seconds = kappa (20 max_g N_g^d + sum_g N_g^d).
package final class CostForecast: Sendable {
  /// That of the task; nil where results are wanted.
  @TaskLocal package static var current: CostForecast?

  private let total = Mutex((least: 0.0, most: 0.0))

  /// Nothing is counted yet.
  package init() {}

  /// The seconds of what was counted.
  ///
  /// At least that of the next grid, and at most that of all up to the one which the rate so far asks for: coarse grids
  /// often see a rate that is too small.
  package var seconds: (least: Double, most: Double) { total.withLock { $0 } }

  package func add(least: Double, most: Double) {
    total.withLock {
      $0.least += least
      $0.most += most
    }
  }

  /// A grid that takes so many seconds is counted; a longer one is summed where the rate is not known yet.
  package static func longest(isRateKnown: Bool) -> Double { isRateKnown ? 0.05 : 0.5 }
}
