// SPDX-License-Identifier: GPL-3.0-or-later
import KuboLattice
import Quadrature

/// The chemical potential of a number of electrons on one grid.
package struct FillingRoot {
  /// - Throws: `RequestError` for a filling that is not between those of an empty and of a full cell.
  package static func check(_ electrons: Double, capacity: Int) throws(RequestError) {
    try require(
      electrons > 0 && electrons < Double(capacity), "filling", "\(electrons)",
      "electrons per unit cell, above 0 and below \(capacity); \(capacity / 2) is half filling")
  }

  /// mu and a bound on its error, infinite where none is found.
  package let values: (mu: Double, error: Double)

  /// Sought from `start` at first steps of `width`; `bound` is one on the levels. `excess` gives how many electrons there are too
  /// many, `accuracy` the rounding of that and its derivative.
  /// - Throws: `QuadratureError`.
  package init(
    from start: Double, width: Double, bound: Double, excess: (_ mu: Double) -> Double,
    accuracy: (_ mu: Double) -> (rounding: Double, slope: Double)
  ) throws {
    // Tails are as long as Gamma, or T times some logarithm, and almost empty or full bands need far ones.
    var (low, high, reach) = (start, start, width)
    let isBelow = excess(start) < 0
    while reach < 1e18 * bound {
      if isBelow { (low, high) = (high, high + reach) } else { (low, high) = (low - reach, low) }
      if isBelow ? excess(high) >= 0 : excess(low) <= 0 { break }
      reach *= 4
    }
    guard excess(low) <= 0, excess(high) >= 0 else {
      values = (start, .infinity)
      return
    }
    let found = try BracketedRoot(from: low, to: high, absolute: 1e-13 * bound, excess)
    let (rounding, slope) = accuracy(found.value)
    values = (found.value, found.error + rounding / max(slope, 1e-300))
  }

  /// mu on ever finer grids, to 1e-9 of `bound`: on the first `root` seeks it from `start`, on each other one next to where the
  /// last had it.
  /// - Throws: what `root` throws.
  package static func refined(
    _ refinement: GridRefinement, from start: (mu: Double, width: Double), bound: Double,
    _ root: (_ divisions: Int, _ start: (mu: Double, width: Double)) async throws -> (
      mu: Double, error: Double
    )
  ) async throws -> GridRefinement.Outcome {
    var last = start
    return try await refinement.run(groups: 1) { divisions, _ in
      let found = try await root(divisions, last)
      last = (found.mu, max(abs(found.mu - last.mu), 1e-9 * bound))
      return .init(
        values: [[ComplexDouble(found.mu)]], scales: [[bound]], rounding: [[found.error]])
    } allowed: { _, values, _ in
      [PartErrors(1e-9 * max(bound, abs(values[0].real)))]
    }[0]
  }
}
