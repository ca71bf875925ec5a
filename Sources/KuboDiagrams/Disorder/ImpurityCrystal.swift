// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// The grids that zone averages may use: multiples of 12, each about 15 % finer than the last, so that
/// all tables take about four times the memory of the finest.
enum GridLevels {
  static let divisions: [Int] = {
    var list = [24]
    while list.last! < 20_000 { list.append((list.last! * 23 / 20 + 11) / 12 * 12) }
    return list
  }()
}

/// Makes each table when it is first needed, and keeps the smaller ones.
actor StarTables {
  private let make: @Sendable (Int) async throws -> StarTable
  private var tables: [Int: Task<StarTable, any Error>] = [:]
  private var sizes: [Int: Int] = [:]
  /// The most bytes of tables kept besides the one in use.
  private static let limit = 200_000_000

  init(_ make: @escaping @Sendable (Int) async throws -> StarTable) { self.make = make }

  func table(_ level: Int) async throws -> StarTable {
    let task = tables[level] ?? Task { [make] in try await make(GridLevels.divisions[level]) }
    tables[level] = task
    let table = try await task.value
    sizes[level] = table.bytes
    // Levels are gone through from coarse to fine, again and again: the finest goes first.
    while sizes.reduce(0, { $0 + ($1.key == level ? 0 : $1.value) }) > StarTables.limit,
      let finest = sizes.keys.filter({ $0 != level }).max()
    {
      tables[finest] = nil
      sizes[finest] = nil
    }
    return table
  }
}

/// A model with impurities: its self-energy at any complex energy, and the grids that zone averages
/// at given energies need.
struct ImpurityCrystal: Sendable {
  let equation: SelfEnergyEquation
  /// The tables without slots, for self-energies, and those with the slots of whoever made them.
  let energies, tables: StarTables
  /// The finest level allowed.
  let lastLevel: Int
  private let strips: ZoneStrips
  /// Solutions at evenly spaced real energies, to start from.
  var survey: [(energy: Double, state: DressedEnergy)] = []
  /// A length of the energy axis beyond which nothing happens: bandwidth and self-energies.
  let width: Double

  init(
    _ model: Model, _ equation: SelfEnergyEquation, lastLevel: Int, energies: StarTables,
    tables: StarTables
  ) {
    self.energies = energies
    self.equation = equation
    self.tables = tables
    self.lastLevel = lastLevel
    strips = ZoneStrips(model, impurities: equation.impurities)
    width = model.energyBound + 2 * equation.gamma.squareRoot()
  }

  /// The coarsest level whose grid sums at all of `states` are good to exp(-nats) by the width of
  /// the strip of complex k in which they are analytic.
  func level(_ states: [DressedEnergy], nats: Double) throws -> Int {
    let rate = states.reduce(Double.infinity) { min($0, self.rate($1)) }
    let needed = nats / rate
    guard let level = GridLevels.divisions.firstIndex(where: { Double($0) >= needed }),
      level < lastLevel
    else {
      throw NonConvergence(
        label: "zone average", estimate: .infinity, allowed: 0,
        divisions: GridLevels.divisions[lastLevel])
    }
    return level
  }

  /// c of the error exp(-c N) of grid sums of the propagators `x`.
  func rate(_ x: DressedEnergy) -> Double { strips.rate(x) }

  /// The propagators at z, Im z >= 0, good to about 1e-3 of the width of the features: a start for
  /// ``refined(_:z:on:)``.
  ///
  /// From far above the real axis, where the equation is solved by its bare propagators, z comes
  /// down step by step; as soon as a step right to the end succeeds, it is taken.
  func approximate(_ z: ComplexDouble) async throws -> DressedEnergy {
    if z.imaginary == 0, survey.count > 1 {
      let step = survey[1].energy - survey[0].energy
      let position = (z.real - survey[0].energy) / step
      if position >= 0, position <= Double(survey.count - 1) {
        let n = min(Int(position), survey.count - 2)
        let t = position - Double(n)
        let (a, b) = (survey[n].state, survey[n + 1].state)
        let start = DressedEnergy(
          first: a.first.multiplied(by: 1 - t) + b.first.multiplied(by: t),
          second: a.second.multiplied(by: 1 - t) + b.second.multiplied(by: t))
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
  private func solved(_ start: DressedEnergy, z: ComplexDouble, from distance: Double) async throws
    -> DressedEnergy?
  {
    var x = start
    // Without impurities the propagators move with z.
    for keyPath in [\DressedEnergy.first, \.second]
    where equation.impurities == .scba || keyPath == \.first {
      x[keyPath: keyPath].imaginary = max(
        x[keyPath: keyPath].imaginary - distance, x[keyPath: keyPath].imaginary / 2)
    }
    // The grid never becomes coarser on the way, or it could alternate with the next one.
    var finest = 0
    for _ in 0..<12 {
      guard let needed = try? level([x], nats: 7) else { return nil }
      finest = max(finest, needed)
      let table = try await energies.table(finest)
      let (step, _, _) = equation.newton(table, x, z)
      x.first += step.first
      x.second += step.second
      let change = max(step.first.length, step.second.length)
      guard change.isFinite, change < 4 * width else { return nil }
      if change < 1e-6 * width {
        return isPhysical(x) && equation.stability(table, x) < 1.01 ? x : nil
      }
    }
    return nil
  }

  /// Whether the self-energies have the sign of a decay.
  private func isPhysical(_ x: DressedEnergy) -> Bool {
    let margin = -1e-9 * width
    switch equation.impurities {
    case .scba: return x.first.imaginary > margin && x.second.imaginary > margin
    case .site:
      // Sigma_0 +- Sigma_3 are those of the two sublattices.
      return x.first.imaginary - abs(x.second.imaginary) > margin
    }
  }

  /// The solution at z on the grid of `table` by Newton's method from a physical one nearby; nil if
  /// the grid is too coarse to have one there.
  func refined(_ start: DressedEnergy, z: ComplexDouble, on table: StarTable) -> DressedEnergy? {
    if let x = descended(start, z: z, on: table) {
      // A solution close to a physical one is on the same branch; others must show that they are.
      let distance = max((x.first - start.first).length, (x.second - start.second).length)
      if distance < 1e-5 * width || equation.stability(table, x) < 1 + 1e-6 { return x }
    }
    // Next to a band edge a coarser grid may have had z in the gap: from a real start Newton's
    // method never leaves the real axis, so it gets one above it.
    for lift in [1e-5, 1e-4, 1e-3, 1e-2] {
      var lifted = start
      lifted.first.imaginary = max(lifted.first.imaginary, lift * width)
      if equation.impurities == .scba {
        lifted.second.imaginary = max(lifted.second.imaginary, lift * width)
      }
      if let x = descended(lifted, z: z, on: table), equation.stability(table, x) < 1 + 1e-6 {
        return x
      }
    }
    return nil
  }

  private func descended(_ start: DressedEnergy, z: ComplexDouble, on table: StarTable)
    -> DressedEnergy?
  {
    var x = start
    var last = Double.infinity
    for _ in 0..<60 {
      let (step, _, left) = equation.newton(table, x, z)
      x.first += step.first
      x.second += step.second
      let change = max(step.first.length, step.second.length)
      guard change < 0.1 * width else { return nil }
      // Newton's steps shrink quadratically but next to a band edge, where they halve.
      let rest = min(left ?? .infinity, last.isFinite ? change * (change / last) : .infinity)
      if rest < 1e-11 * width || change < 1e-13 * width { return isPhysical(x) ? x : nil }
      last = change
    }
    return nil
  }

  /// The same to rounding, with |residual|, and with a check of the retarded-advanced ladder.
  func polished(_ start: DressedEnergy, z: ComplexDouble, on table: StarTable)
    -> (x: DressedEnergy, residual: Double)?
  {
    guard let near = refined(start, z: z, on: table) else { return nil }
    let (step, _, _) = equation.newton(table, near, z)
    let x = DressedEnergy(first: near.first + step.first, second: near.second + step.second)
    let residual = equation.newton(table, x, z).residual
    return equation.stability(table, x) < 1 + 1e-6 ? (x, residual) : nil
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

/// How far grid sums of propagators are analytic in complex k, from a sample of the zone.
///
/// With f the reduced wave vector and v = dE/df at a sample, a propagator 1/(zeta - E) has no pole
/// for |Im f| < kappa with v kappa + M kappa^2/2 = |zeta - E|, M a bound on the curvature. The sum
/// over N points a direction is then good to exp(-2 pi kappa N).
private struct ZoneStrips: Sendable {
  private struct Sample {
    let hopping, gap: Double
    let speed: (bonding: Double, antibonding: Double)
  }
  private let samples: [Sample]
  private let curvature: Double
  private let exchange: Double
  private let impurities: Impurities
  private let branch: Double

  init(_ model: Model, impurities: Impurities) {
    self.impurities = impurities
    exchange = model.exchange
    // The branch point Delta_k = 0 of the projectors at complex k.
    branch = impurities == .scba ? 1 / model.resolution(.infinity) : .infinity
    let reciprocal = model.reciprocalVectors
    curvature =
      model.largestCurvature()
      * reciprocal.map { $0.reduce(0) { $0 + $1 * $1 } }.max()!
    let grid = PeriodicGrid(
      model, divisions: [192, 48, 24][model.dimension - 1], symmetries: model.energySymmetries())
    let hamiltonians = (0..<model.dimension).map {
      BlochHamiltonian(model, directions: Directions(i: $0, j: $0))
    }
    samples = (0..<grid.count).compactMap { index in
      guard let star = grid.star(of: index) else { return nil }
      var speeds = [0.0, 0.0]
      var first: Frame?
      for point in star {
        let frames = hamiltonians.map { $0.frame(at: point.k) }
        first = first ?? frames[0]
        for s in Band.allCases {
          for b in reciprocal {
            let v = zip(frames, b).reduce(0) { $0 + $1.0.velocityI(s).real * $1.1 }
            speeds[s.rawValue] = max(speeds[s.rawValue], abs(v))
          }
        }
      }
      return Sample(
        hopping: first!.hopping.real, gap: (first!.eta * first!.etabar).real,
        speed: (speeds[0], speeds[1]))
    }
  }

  /// 2 pi times the half-width of the strip.
  func rate(_ x: DressedEnergy) -> Double {
    var narrowest = Double.infinity
    let square = x.second * x.second
    for sample in samples {
      let b: Double
      let a: Double
      switch impurities {
      case .scba:
        let delta = (sample.gap + exchange * exchange).squareRoot()
        b = (x.first - ComplexDouble(sample.hopping - delta)).length
        a = (x.second - ComplexDouble(sample.hopping + delta)).length
      case .site:
        let delta = ComplexDouble.sqrt(ComplexDouble(sample.gap) + square)
        let from = x.first - ComplexDouble(sample.hopping)
        b = (from + delta).length
        a = (from - delta).length
      }
      narrowest = min(narrowest, width(b, sample.speed.bonding))
      narrowest = min(narrowest, width(a, sample.speed.antibonding))
    }
    return min(2 * Double.pi * narrowest, branch)
  }

  /// kappa with v kappa + M kappa^2/2 = distance.
  @inline(__always)
  private func width(_ distance: Double, _ speed: Double) -> Double {
    2 * distance / ((speed * speed + 2 * curvature * distance).squareRoot() + speed)
  }
}
