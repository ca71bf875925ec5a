// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import KuboZoneSums
import RealModule

/// A model with impurities: its self-energy at any complex energy, and the grids that zone averages
/// at given energies need.
package struct ImpurityCrystal: Sendable {
  /// Where zone averages are taken: the real zone or contours.
  package struct Surface: Sendable {
    /// The finest levels allowed: of tables with slots, and of those for self-energies.
    let lastLevel, lastEnergyLevel: Int
    /// What a star costs.
    package let cost: Double
    /// Nil for the real zone.
    package var contours: ContourSurvey?
  }

  /// One of the grids of a surface.
  package struct Grid: Hashable, Comparable, Sendable {
    package var surface, level: Int
    package static func < (a: Grid, b: Grid) -> Bool {
      (a.surface, a.level) < (b.surface, b.level)
    }
  }

  let equation: SelfEnergyEquation
  /// The real zone first.
  var surfaces: [Surface]
  private let store: TableStore
  package let dimension: Int
  /// The divisions of each level.
  let levels: [Int]
  private let strips: ZoneStrips
  /// Solutions at evenly spaced real energies, to start from.
  package var survey: [(energy: Double, state: DressedState)] = []
  /// A length of the energy axis beyond which nothing happens: bandwidth and self-energies.
  package let width: Double

  package init(
    _ model: Model, _ equation: SelfEnergyEquation, surfaces: [Surface],
    _ table: @escaping @Sendable (TableStore.Key) async throws -> any ZoneTable
  ) {
    self.equation = equation
    self.surfaces = surfaces
    store = TableStore(table)
    dimension = model.dimension
    levels = model.gridSizes.levels
    strips = ZoneStrips(model, impurities: equation.impurities)
    width = model.energyBound + 2 * equation.gamma.squareRoot()
  }

  /// The table of a grid: with the slots of whoever made the crystal, or without any, for self-energies.
  func table(_ grid: Grid, hasSlots: Bool) async throws -> any ZoneTable {
    try await store.table(.init(grid: grid, hasSlots: hasSlots))
  }

  /// c of the error exp(-c N) of grid sums of the propagators `states`, and of `pairs` of them; nil on
  /// contours that do not serve them.
  package func rate(
    _ surface: Int, _ states: [DressedState], pairs: [(DressedState, DressedState)] = []
  ) -> Double? {
    guard let contours = surfaces[surface].contours else {
      return states.reduce(Double.infinity) { min($0, strips.rate($1)) }
    }
    // Against fine grids rates of 0.72 to 1.5 times the prediction were measured.
    let believed = 0.7
    var nearest = Double.infinity
    for (x, y) in pairs.isEmpty ? states.map({ ($0, nil) }) : pairs.map({ ($0, Optional($1)) }) {
      let rate: Double?
      switch equation.impurities {
      case .scba:
        rate = y.map { contours.isValid(x, $0) } ?? true ? contours.rate(x, y) : nil
      case .site: rate = contours.siteRate(x, y)
      }
      guard let rate else { return nil }
      nearest = min(nearest, rate)
    }
    return believed * nearest
  }

  /// The cheapest grid whose sums at all of `states`, and of `pairs` of them, are good to exp(-nats)
  /// by the width of the strip of complex k in which they are analytic, and the rate there. Contours
  /// are for real energies, and for pairs of a retarded and an advanced one.
  package func grid(
    _ states: [DressedState], pairs: [(DressedState, DressedState)] = [], nats: Double,
    onContours: Bool, contourNats: Double? = nil
  ) throws -> (grid: Grid, rate: Double) {
    var best: (grid: Grid, rate: Double)?
    var least = Double.infinity
    // Smaller steps are for pairs in resonance.
    let count = onContours ? (pairs.isEmpty ? min(2, surfaces.count) : surfaces.count) : 1
    for (n, surface) in surfaces.prefix(count).enumerated() {
      let nats = surface.contours == nil ? nats : contourNats ?? nats
      guard let rate = rate(n, states, pairs: pairs),
        let level = levels.firstIndex(where: { Double($0) >= nats / rate }),
        level < (pairs.isEmpty ? surface.lastEnergyLevel : surface.lastLevel)
      else { continue }
      var cost = (0..<dimension).reduce(surface.cost) { c, _ in c * nats / rate }
      // What a pair needs in the end is four times as many digits or so.
      if !pairs.isEmpty, Double(levels[surface.lastLevel]) < 4 * nats / rate {
        cost *= 100
      }
      if cost < least { (best, least) = ((Grid(surface: n, level: level), rate), cost) }
      // The smaller steps are for pairs that the larger ones do not serve.
      if surface.contours != nil { break }
    }
    guard let best else {
      throw NonConvergence(
        label: "zone average", estimate: .infinity, allowed: 0,
        divisions: levels[surfaces.map(\.lastEnergyLevel).max()!])
    }
    return best
  }

  /// Finds out, once the survey is there, where the contours serve pairs of bands in resonance.
  package mutating func prepareContours(largestOmega: Double) {
    let widths = survey.flatMap { energy in
      Band.allCases.map { max(0, energy.state.levelWidth($0)) }
    }
    let average = widths.reduce(0, +) / Double(max(1, widths.count))
    for n in surfaces.indices {
      guard let contours = surfaces[n].contours, contours.gaps.lowerBound < largestOmega else {
        continue
      }
      for part in [0.8, 0.4, 0.2] { surfaces[n].contours?.addCrossings(part * average) }
    }
  }

  /// The propagators at z, Im z >= 0, good to about 1e-3 of the width of the features: a start for
  /// ``refined(_:z:on:)``.
  ///
  /// From far above the real axis, where the equation is solved by its bare propagators, z comes
  /// down step by step; as soon as a step right to the end succeeds, it is taken.
  package func approximate(_ z: ComplexDouble) async throws -> DressedState {
    if z.imaginary == 0, survey.count > 1 {
      let step = survey[1].energy - survey[0].energy
      let position = (z.real - survey[0].energy) / step
      if position >= 0, position <= Double(survey.count - 1) {
        let n = min(Int(position), survey.count - 2)
        let t = position - Double(n)
        let (a, b) = (survey[n].state, survey[n + 1].state)
        let change = b.map { $0.multiplied(by: t) }
        let start = a.map { $0.multiplied(by: 1 - t) }.moved(by: change.numbers)
        if let x = try await solved(start, z: z, from: 0) { return x }
      }
    }
    var height = 2 * width
    var x = equation.bare(z + ComplexDouble(0, height))
    var ratio = 8.0
    while true {
      // At height, x solves the equation or starts it; try the end, then a step down.
      if height < width || z.imaginary > width,
        let end = try await solved(x, z: z, from: height)
      {
        return end
      }
      let next = height / ratio
      if let lower = try await solved(x, z: z + ComplexDouble(0, next), from: height - next) {
        x = lower
        height = next
        ratio = min(8, ratio * 2)
      } else {
        ratio = ratio.squareRoot()
      }
      guard ratio > 1.001, height > 1e-13 * width else {
        throw SelfEnergyFailure(
          energy: z, reason: "the way down from large Im z ends at Im z = \(significant(height))")
      }
    }
  }

  /// The solution at z from a state `distance` above, if Newton's method finds the physical one.
  private func solved(_ start: DressedState, z: ComplexDouble, from distance: Double) async throws
    -> DressedState?
  {
    // Without impurities the propagators move with z.
    var x = start.withEnergies { max($0 - distance, $0 / 2) }
    // The grid never becomes coarser on the way, nor goes back to the real zone, or it could alternate
    // with the next one.
    var finest: Grid?
    var last: DressedState?
    for _ in 0..<12 {
      // After small steps the same one will do.
      if last.map({ x.distance(to: $0) > 0.1 * x.levelWidths.lowerBound })
        ?? true
      {
        // On contours 7 will do where the rate is as predicted, and 20 elsewhere.
        guard
          let needed = [20.0, 12, 7].lazy.compactMap({
            try? grid([x], nats: 7, onContours: true, contourNats: $0).grid
          }).first
        else { return nil }
        finest = finest.map { max($0, needed) } ?? needed
      }
      last = x
      let table = try await table(finest!, hasSlots: false)
      let (step, _, _) = equation.newton(table, x, z)
      x = x.moved(by: step)
      let change = max(step.0.length, step.1.length)
      guard change.isFinite, change < 4 * width else { return nil }
      if change < 1e-6 * width {
        return isPhysical(x, table) && table.stability(equation.gamma, x) < 1.01 ? x : nil
      }
    }
    return nil
  }

  /// Whether the self-energies have the sign of a decay.
  private func isPhysical(_ x: DressedState, _ table: any ZoneTable) -> Bool {
    // Outside of a band grids on contours leave an imaginary part as large as their errors.
    let margin = table is ContourTable ? -1e-2 * equation.gamma.squareRoot() : -1e-9 * width
    // Sigma_0 +- Sigma_3 are those of the two sublattices.
    return x.levelWidths.lowerBound > margin
  }

  /// The solution at z on the grid of `table` by Newton's method from a physical one nearby; nil if
  /// the grid is too coarse to have one there.
  func refined(_ start: DressedState, z: ComplexDouble, on table: any ZoneTable) -> DressedState? {
    if let x = descended(start, z: z, on: table) {
      // A solution close to a physical one is on the same branch; others must show that they are.
      if x.distance(to: start) < 1e-5 * width || table.stability(equation.gamma, x) < 1 + 1e-6 {
        return x
      }
    }
    // Next to a band edge a coarser grid may have had z in the gap: from a real start Newton's
    // method never leaves the real axis, so it gets one above it.
    for lift in [1e-5, 1e-4, 1e-3, 1e-2] {
      let lifted = start.withEnergies { max($0, lift * width) }
      if let x = descended(lifted, z: z, on: table), table.stability(equation.gamma, x) < 1 + 1e-6 {
        return x
      }
    }
    return nil
  }

  private func descended(_ start: DressedState, z: ComplexDouble, on table: any ZoneTable)
    -> DressedState?
  {
    var x = start
    var last = Double.infinity
    for _ in 0..<60 {
      let (step, _, left) = equation.newton(table, x, z)
      x = x.moved(by: step)
      let change = max(step.0.length, step.1.length)
      guard change < 0.1 * width else { return nil }
      // Newton's steps shrink quadratically but next to a band edge, where they halve.
      let rest = min(left ?? .infinity, last.isFinite ? change * (change / last) : .infinity)
      if rest < 1e-11 * width || change < 1e-13 * width { return isPhysical(x, table) ? x : nil }
      last = change
    }
    return nil
  }

  /// The same to rounding, with |residual|, and with a check of the retarded-advanced ladder.
  func polished(_ start: DressedState, z: ComplexDouble, on table: any ZoneTable)
    -> (x: DressedState, residual: Double)?
  {
    guard let near = refined(start, z: z, on: table) else { return nil }
    let (step, _, _) = equation.newton(table, near, z)
    let x = near.moved(by: step)
    let residual = equation.newton(table, x, z).residual
    return table.stability(equation.gamma, x) < 1 + 1e-6 ? (x, residual) : nil
  }
}

/// A self-energy that was not found.
public struct SelfEnergyFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The complex energy, from zero.
  public let energy: ComplexDouble
  /// How far the search came.
  public let reason: String

  /// One line for a message.
  public var description: String {
    "self-energy at z = \(energy.real) + \(energy.imaginary) i: no physical solution found: \(reason)"
  }
}
