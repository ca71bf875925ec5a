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
  /// Where zone averages are taken.
  package enum Zone: Hashable, Comparable, Sendable {
    case real
    /// One contour for each band, for pairs of a retarded and an advanced energy, and for single energies.
    case contours
    /// A ``LevelSurface``, for pairs.
    case levels(Tile)
  }

  /// A few propagators, their energies to a fraction of what separates them: those of one tile share a surface.
  package struct Tile: Hashable, Comparable, Sendable {
    /// n of the unit width 1.5^-n of energy; and the energies in fifths of it, with 1 for advanced ones.
    let size: Int
    let positions: [SIMD2<Int>]

    package static func < (a: Tile, b: Tile) -> Bool {
      a.size == b.size
        ? a.positions.lexicographicallyPrecedes(b.positions) { ($0.x, $0.y) < ($1.x, $1.y) }
        : a.size < b.size
    }
  }

  /// One of the grids of a zone.
  package struct Grid: Hashable, Comparable, Sendable {
    package var zone: Zone
    package var level: Int
    package static func < (a: Grid, b: Grid) -> Bool {
      (a.zone, a.level) < (b.zone, b.level)
    }
  }

  let equation: SelfEnergyEquation
  /// Nil where traces come point by point, which cannot be continued to complex k.
  let contours: ContourSurvey?
  let surveys = SurveyStore()
  let symmetries: [ReciprocalOperation]
  let threads: Int
  /// No slots, for self-energies.
  let energies: StarTraces
  /// Numbers that a star has besides its energies and weight.
  private let slotCount: Int
  private let store: TableStore
  package let dimension: Int
  /// The divisions of each level.
  let levels: [Int]
  private let strips: ZoneStrips
  /// Solutions at evenly spaced real energies, to start from, and the grids for them.
  package var survey: [(energy: Double, state: DressedState, grid: Grid?)] = []
  /// A length of the energy axis beyond which nothing happens: bandwidth and self-energies.
  package let width: Double

  package init(
    _ model: Model, _ impurities: Impurities, _ gamma: Double, directions: Directions,
    traces: StarTraces, threads: Int
  ) {
    let symmetries = model.energySymmetries()
    let hamiltonian = BlochHamiltonian(model, directions: directions)
    let energies = StarTraces.energies(model, impurities)
    equation = SelfEnergyEquation(impurities: impurities, gamma: gamma, exchange: model.exchange)
    let contours =
      traces.kind != nil
      ? ContourSurvey(
        Band.allCases.map { BandContour.contour(of: $0, model) }, broadening: .infinity)
      : nil
    self.contours = contours
    (self.symmetries, self.threads, self.energies) = (symmetries, threads, energies)
    slotCount = traces.slotCount
    dimension = model.dimension
    let levels = model.gridSizes.levels
    self.levels = levels
    strips = ZoneStrips(model, impurities: impurities)
    width = model.energyBound + 2 * gamma.squareRoot()
    store = TableStore { [surveys] key in
      let traces = key.hasSlots ? traces : energies
      let divisions = levels[key.grid.level]
      switch key.grid.zone {
      case .real:
        return try await StarTable(
          model, impurities, hamiltonian, symmetries: symmetries, divisions: divisions,
          traces: traces, threads: threads)
      case .contours:
        return try await ContourTable(
          contours!.contours, symmetries: symmetries, divisions: divisions, traces,
          threads: threads)!
      case .levels(let tile):
        return try await SurfaceTable(
          surveys.known(tile)!.surface, symmetries: symmetries, divisions: divisions, traces,
          threads: threads)!
      }
    }
  }

  /// The table of a grid: with the slots of whoever made the crystal, or without any, for self-energies.
  func table(_ grid: Grid, hasSlots: Bool) async throws -> any ZoneTable {
    try await store.table(.init(grid: grid, hasSlots: hasSlots))
  }

  /// The finest level of a zone, with slots or for self-energies: at most 1e8 points, and 600 megabytes for a table.
  func lastLevel(_ zone: Zone, hasSlots: Bool) -> Int {
    let copies = zone == .real ? 1 : zone == .contours ? 4 : 2
    let numbers = copies * (3 + (hasSlots ? slotCount : energies.slotCount))
    let bytesPerPoint = 8 * Double(numbers) / Double(max(1, symmetries.count))
    return levels.lastIndex { n in
      let points = (0..<dimension).reduce(1.0) { p, _ in p * Double(n) }
      return points <= 1e8 && points * bytesPerPoint <= 6e8
    } ?? 1
  }

  /// The first level of a zone with `divisions` points and more than `last`; those of the many surfaces around levels are twice as
  /// far apart, so that pairs share them.
  func level(_ zone: Zone, _ divisions: Double, after last: Int = 0) -> Int? {
    let step = if case .levels = zone { 2 } else { 1 }
    return stride(from: 0, to: levels.count, by: step).first {
      Double(levels[$0]) >= divisions && levels[$0] > last
    }
  }

  /// Propagators that an average is of, as retarded ones.
  package struct Factors: Sendable {
    var states: [DressedState]
    var isAdvanced: [Bool]
    /// Those of one retarded and one advanced propagator.
    var pairs: [(DressedState, DressedState)]
  }

  /// What grids are chosen by: against fine ones most rates were 0.72 to 1.5 times the prediction, few as little as 0.5.
  package static let believed = 0.7

  /// c of the error exp(-c N) of grid sums on a zone; nil where it does not serve.
  private func rate(_ zone: Zone, _ factors: Factors) async throws -> Double? {
    switch zone {
    case .real: return strips.rate(factors)
    case .contours:
      guard let contours else { return nil }
      var nearest = Double.infinity
      let pairs =
        factors.pairs.isEmpty
        ? factors.states.map { ($0, nil) } : factors.pairs.map { ($0, Optional($1)) }
      for (x, y) in pairs {
        let rate: Double?
        switch equation.impurities {
        case .scba:
          rate = y.map { contours.isValid(x, $0) } ?? true ? contours.rate(x, y) : nil
        case .site: rate = contours.siteRate(x, y)
        }
        guard let rate else { return nil }
        nearest = min(nearest, rate)
      }
      return ImpurityCrystal.believed * nearest
    case .levels(let tile):
      guard contours != nil, let survey = try await survey(tile) else { return nil }
      return survey.rate(factors.states, isAdvanced: factors.isAdvanced).map {
        ImpurityCrystal.believed * $0
      }
    }
  }

  /// The cheapest grid of `zones`, of which the real zone is the first, whose sums are good to exp(-nats) by the width of the
  /// strip of complex k in which the propagators are analytic, and the rate there.
  func grid(
    _ factors: Factors, nats: Double, contourNats: Double? = nil, _ zones: () -> [Zone]
  ) async throws -> (grid: Grid, rate: Double) {
    // Other zones are not looked at where that takes longer than all sums on the real one, of 500 stars or less: what a
    // pair needs in the end is four times as many digits or so.
    let strip = strips.rate(factors)
    let isSum = !factors.pairs.isEmpty
    let stars =
      Double.pow((isSum ? 4 : 1) * nats / strip, dimension) / Double(max(1, symmetries.count))
    if stars < 500, let level = level(.real, nats / strip) {
      return (Grid(zone: .real, level: level), strip)
    }
    var best: (grid: Grid, rate: Double)?
    var least = Double.infinity
    for zone in zones() {
      let nats = zone == .real ? nats : contourNats ?? nats
      let last = lastLevel(zone, hasSlots: isSum)
      guard let rate = zone == .real ? strip : try await rate(zone, factors),
        let level = level(zone, nats / rate), level < last
      else { continue }
      // What a star costs.
      let star =
        switch zone {
        case .real: 1.0
        case .contours: equation.impurities == .scba ? 4.0 : 6.0
        // Between retarded and advanced levels a surface and its tables are for few pairs.
        case .levels(let tile): Set(tile.positions.map(\.y)).count == 2 ? 5.0 : 2.5
        }
      var cost = (0..<dimension).reduce(star) { c, _ in c * nats / rate }
      if isSum, Double(levels[last]) < 4 * nats / rate { cost *= 100 }
      if cost < least { (best, least) = ((Grid(zone: zone, level: level), rate), cost) }
    }
    guard let best else {
      throw NonConvergence(
        label: "zone average", estimate: .infinity, allowed: 0,
        divisions: levels[lastLevel(.real, hasSlots: false)])
    }
    return best
  }

  /// The same for averages of one propagator.
  func grid(_ state: DressedState, nats: Double, contourNats: Double? = nil) async throws -> Grid {
    try await grid(
      Factors(states: [state], isAdvanced: [false], pairs: []),
      nats: nats, contourNats: contourNats
    ) { contours == nil ? [.real] : [.real, .contours] }.grid
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
        let grids = [survey[n].grid, survey[n + 1].grid].compactMap { $0 }
        if let x = try await solved(start, z: z, from: 0, on: grids.max()) { return x }
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
  private func solved(
    _ start: DressedState, z: ComplexDouble, from distance: Double, on grid: Grid? = nil
  ) async throws -> DressedState? {
    // Without impurities the propagators move with z.
    var x = start.withEnergies { max($0 - distance, $0 / 2) }
    // The grid never becomes coarser on the way, nor goes back to the real zone, or it could alternate
    // with the next one.
    var finest = grid
    var last: DressedState?
    for _ in 0..<12 {
      // After small steps the same one will do.
      if last.map({ x.distance(to: $0) > 0.1 * x.levelWidths.lowerBound }) ?? (grid == nil) {
        // On contours 7 will do where the rate is as predicted, and 20 elsewhere.
        var needed: Grid?
        for nats in [20.0, 12, 7] where needed == nil {
          needed = try? await self.grid(x, nats: 7, contourNats: nats)
        }
        guard let needed else { return nil }
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
    let margin = table is StarTable ? -1e-9 * width : -1e-2 * equation.gamma.squareRoot()
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
