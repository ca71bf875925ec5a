// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboWork
import KuboZoneIntegrals
import KuboZoneSums
import Quadrature
import RealModule

/// Values, with the group structure of `ContourEvaluation`, from the real zone, traces times Matsubara sums of both
/// bands at once: what contours cannot serve, and sums over both bands where the gap is smaller than the level width.
struct RealZoneEvaluation: Sendable {
  let zone: ZoneSum
  /// Gamma.
  let gamma: Double
  let omegas: [Double]
  let temperature: Double
  let tolerance: Tolerance
  /// What is reported of each output.
  let reported: [ReportedNumber]
  private var model: Model { zone.model }

  /// The narrowest feature in energy of sums over both bands: levels have Gamma + pi T. However warm it is,
  /// 1/(2 Delta -+ omega - 2 i Gamma) has as much as its denominator may change, |2 Delta -+ omega - 2 i Gamma|, of which
  /// 2 Delta varies twice as fast.
  private var width: Double {
    let gaps = 2 * model.exchange...2 * model.gapBound
    return omegas.reduce(gamma + .pi * temperature) {
      min($0, Double.hypot(gaps.distance(to: abs($1)), 2 * gamma) / 2)
    }
  }

  /// 1/c_0 of `GridRefinement`.
  var resolution: Double {
    zone.isBandFree ? model.resolutionOfBoth(width) : model.resolution(width)
  }

  /// What the rounding of energies leaves of a sum, relative to its absolute contributions: propagators vary on
  /// the scale of the level width.
  private var noise: Double { 1e-14 + 1e-15 * (model.energyBound + abs(zone.mu)) / width }

  /// The outcomes of `groups`: 0 holds the static parts, n + 1 the dynamic parts at omega n.
  func outcomes(_ groups: [Int]) async throws -> [Int: GridRefinement.Outcome] {
    let sum = BubbleSum(zone, reach: omegas.map(abs).max() ?? 0)
    // In three dimensions what takes some minutes.
    let refinement = GridRefinement(
      resolution: resolution, sizes: model.gridSizes,
      pointLimit: model.dimension == 3 && zone.isBandFree
        ? 500_000_000 * zone.symmetries.count : 100_000_000,
      name: "real zone")
    // Ten times as fine is what a few digits take; without that there is nothing to hope for.
    let needed = 10 * refinement.resolution
    let points = (0..<model.dimension).reduce(1.0) { n, _ in n * needed }
    let stars = points / Double(zone.symmetries.count)
    var found: [Int: GridRefinement.Outcome] = [:]
    // Intervals that know where the integrand is sharp cost as much as some hundred thousand stars.
    let most = model.dimension == 1 ? 1e4 : 3e5
    if model.dimension < 3, stars > most {
      found = try await nested(sum, groups)
    }
    // Where rounding alone is too much, grids do not help.
    let left = groups.filter { found[$0].map { $0.failure != nil && !$0.isLostInRounding } ?? true }
    guard points < Double(refinement.pointLimit) else {
      for g in groups where found[g]?.isLostInRounding ?? true {
        found[g] = .failed(outputs: reported.count, divisions: Int(min(1e9, needed)))
      }
      return found
    }
    guard !left.isEmpty else { return found }
    do {
      let omegas = left.filter { $0 > 0 }.map { self.omegas[$0 - 1] }
      let others = try await onGrids(sum, refinement, omegas)
      if left.contains(0) { found[0] = others[0] }
      for (n, g) in left.filter({ $0 > 0 }).enumerated() { found[g] = others[n + 1] }
    } catch let error as NonConvergence {
      for g in left where found[g] == nil {
        found[g] = .failed(outputs: reported.count, divisions: error.divisions)
      }
    }
    return found
  }

  /// Group 0 holds the static parts, group n + 1 the dynamic parts at omega n, on the real zone.
  private func onGrids(
    _ sum: BubbleSum, _ refinement: GridRefinement, _ omegas: [Double]
  ) async throws -> [GridRefinement.Outcome] {
    let (noise, numbers, outputs) = (noise, reported, reported.indices)
    var (staticScales, staticRounding): ([Double], [Double]) = ([], [])
    var scales: [[Double]?] = Array(repeating: nil, count: omegas.count)
    var largest = [Double](repeating: 0, count: outputs.count)
    var levels = 0
    var roundings: [[Double]?] = Array(repeating: nil, count: omegas.count)
    return try await refinement.run(groups: omegas.count + 1) { divisions, groups in
      let active = groups.filter { $0 > 0 }.map { $0 - 1 }
      levels += 1
      let grid = try await sum(
        divisions: divisions, omegas: active.map { omegas[$0] }, withScales: levels <= 2)
      if levels <= 2 {
        staticScales = grid.staticScales
        staticRounding = zip(grid.staticRounding, staticScales).map { $0 + noise * $1 }
      }
      var level = GridRefinement.Level(values: [], scales: [], rounding: [])
      if groups.first == 0 {
        level.values.append(numbers.values(nil, [], grid.statics))
        level.scales.append(staticScales)
        level.rounding.append(staticRounding)
      }
      for (position, n) in active.enumerated() {
        if levels <= 2 {
          scales[n] = outputs.map {
            numbers[$0].scale(omegas[n], grid.scales[position][$0], staticScales[$0])
          }
          roundings[n] = outputs.map {
            numbers[$0].rounding(omegas[n], grid.rounding[position][$0]) + noise * scales[n]![$0]
          }
        }
        let values = numbers.values(omegas[n], grid.quotients[position], grid.statics)
        for o in outputs { largest[o] = max(largest[o], values[o].length) }
        level.values.append(values)
        level.scales.append(scales[n]!)
        level.rounding.append(roundings[n]!)
      }
      return level
    } allowed: { group, values, scales in
      tolerance.allowed(
        values, scales: scales, rounding: group == 0 ? staticRounding : roundings[group - 1]!,
        references: group == 0 ? largest : nil)
    }
  }

  /// The groups as nested integrals; those that come to an end.
  private func nested(_ sum: BubbleSum, _ groups: [Int]) async throws
    -> [Int: GridRefinement.Outcome]
  {
    let irreducible = IrreducibleZone(model, zone.symmetries)
    // The scales, and with them a first idea of the values.
    let rough = try await sum(
      divisions: ContourSurvey.divisions(model), omegas: omegas, withScales: true)
    let all = omegas.indices.map {
      reported.values(omegas[$0], rough.quotients[$0], rough.statics)
    }
    let largest = reported.indices.map { o in all.map { $0[o].length }.max() ?? 0 }
    let ordered = groups.sorted()
    let inner = max(1, zone.threads / max(1, ordered.count))
    let outcomes = try await WorkProgress.stage(
      "nested integrals", unit: "frequencies", of: ordered.count, isEven: true, isLeaf: true
    ) { stage in
      try await parallelMap(ordered.count, threads: zone.threads) { n in
        defer { stage?.advance() }
        return try await nested(sum, ordered[n], irreducible, rough, largest, threads: inner)
      }
    }
    return Dictionary(
      uniqueKeysWithValues: zip(ordered, outcomes).compactMap { g, o in o.map { (g, $0) } })
  }

  private func nested(
    _ sum: BubbleSum, _ group: Int, _ irreducible: IrreducibleZone, _ rough: ZoneSum.Result,
    _ largest: [Double], threads: Int
  ) async throws -> GridRefinement.Outcome? {
    let (numbers, outputs) = (reported, reported.indices)
    let omega = group == 0 ? nil : omegas[group - 1]
    let parts = ReportedParts(numbers, omega)
    // After the values their moduli.
    let integral = NestedIntegral(
      zone: irreducible, threads: threads, width: gamma, gapsOf: model, isBandFree: zone.isBandFree
    ) { points in
      var found = sum.values(points, omegas: omega.map { [$0] } ?? [])
      found.components += found.components.map { $0.map(abs) }
      return found
    }
    // What the rough grid says of the sizes, before the integral knows them.
    let roughSizes = outputs.map { o in
      omega == nil
        ? rough.staticScales[o]
        : numbers[o].scale(omega!, rough.scales[group - 1][o], rough.staticScales[o])
    }
    let products = outputs.map { o in
      omega.map { numbers[o].rounding($0, rough.rounding[group - 1][o]) }
        ?? rough.staticRounding[o]
    }
    var scales = roughSizes
    var rounding = zip(products, scales).map { $0 + noise * $1 }
    func allowed(_ values: [ComplexDouble]) -> [PartErrors] {
      tolerance.allowed(
        values, scales: scales, rounding: rounding, references: group == 0 ? largest : nil)
    }
    var values = numbers.values(
      omega, omega == nil ? [] : rough.quotients[group - 1], rough.statics)
    var best: GridRefinement.Outcome?
    /// Whether it tells the sizes alone.
    var isSketch = false
    for _ in 0..<4 {
      let limits = parts.limits(allowed(values), rounding: rounding)
      let result: (values: [Double], errors: [Double])
      let anything = limits.map { _ in Double.infinity }
      do {
        do {
          result = try await integral(allowed: limits + anything)
          isSketch = false
        } catch is QuadratureError where best == nil && model.dimension == 1 {
          // What is asked may be less than rounding leaves of what that grid did not see: first the sizes, which take no time
          // on a line.
          result = try await integral(allowed: anything + anything)
          isSketch = true
        }
      } catch is QuadratureError {
        return isSketch && best?.isLostInRounding == false ? nil : best
      }
      // That grid may have seen next to nothing of what is narrow.
      let moduli = parts.sizes(result.values[limits.count...])
      for o in outputs {
        scales[o] = max(roughSizes[o], moduli[o])
        rounding[o] =
          products[o] * scales[o] / max(roughSizes[o], .leastNormalMagnitude) + noise * scales[o]
      }
      values = parts.values(result.values)
      let outcome = GridRefinement.Outcome(
        values: values, scales: scales, rounding: rounding,
        errors: parts.errors(result.errors[..<limits.count], rounding: rounding),
        allowed: allowed(values), divisions: 0)
      if outcome.failure == nil { return outcome }
      best = outcome
    }
    return best
  }
}

/// How what is reported at a frequency follows from integrals: K(0) of each output and, at a frequency, the quotients, real and imaginary
/// parts each.
private struct ReportedParts {
  let numbers: [ReportedNumber]
  let omega: Double?
  /// What of each number a unit of each integral makes.
  private var units: [[ComplexDouble]] = []

  init(_ numbers: [ReportedNumber], _ omega: Double?) {
    (self.numbers, self.omega) = (numbers, omega)
    let count = (omega == nil ? 2 : 4) * numbers.count
    units = (0..<count).map { n in values((0..<count).map { $0 == n ? 1 : 0 }) }
  }

  /// The numbers of the integrals `x`.
  func values(_ x: [Double]) -> [ComplexDouble] {
    let count = numbers.count
    func pairs(_ from: Int) -> [ComplexDouble] {
      (0..<count).map { ComplexDouble(x[2 * (from + $0)], x[2 * (from + $0) + 1]) }
    }
    return numbers.values(omega, omega == nil ? [] : pairs(count), pairs(0))
  }

  /// What they take over of the moduli `x`.
  func sizes(_ x: ArraySlice<Double>) -> [Double] {
    numbers.indices.map { o in
      zip(units, x).reduce(0) { $0 + max(abs($1.0[o].real), abs($1.0[o].imaginary)) * $1.1 }
    }
  }

  /// What they take over of the errors `x`, with their rounding.
  func errors(_ x: ArraySlice<Double>, rounding: [Double]) -> [PartErrors] {
    numbers.indices.map { o in
      var sum = PartErrors(rounding[o])
      for (n, error) in x.enumerated() {
        sum.real += abs(units[n][o].real) * error
        sum.imaginary += abs(units[n][o].imaginary) * error
      }
      return sum
    }
  }

  /// What each integral may err: a quarter of what the numbers that it enters may; of what rounding leaves there is
  /// nothing to be gained.
  func limits(_ goal: [PartErrors], rounding: [Double]) -> [Double] {
    units.map { unit in
      var least = Double.infinity
      for o in numbers.indices {
        let (real, imaginary) = (abs(unit[o].real), abs(unit[o].imaginary))
        let floor = rounding[o] / 4
        if real > 0 { least = min(least, max(floor, goal[o].real - rounding[o]) / real) }
        if imaginary > 0 {
          least = min(least, max(floor, goal[o].imaginary - rounding[o]) / imaginary)
        }
      }
      return least / 4
    }
  }
}
