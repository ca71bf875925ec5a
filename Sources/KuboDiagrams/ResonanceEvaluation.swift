// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import KuboZoneSums
import Quadrature
import RealModule

extension ContourEvaluation {
  /// The resonance at `groups`, those on a grid and those as nested integrals.
  func resonancePart(
    _ groups: [Int], _ contour: [Int: GridRefinement.Outcome], _ plans: [Plan],
    _ poles: MatsubaraPoles
  ) async throws -> [Int: GridRefinement.Outcome] {
    guard !groups.isEmpty else { return [:] }
    let sum = ResonanceSum(zone, poles: poles, isReversed: plans[groups[0]].isReversed)
    var (onGrids, onSurfaces, nested): ([Int], [Int], [Int]) = ([], [], [])
    for g in groups {
      switch plans[g].resonance {
      case .none: break
      case .grid: onGrids.append(g)
      case .surfaces: onSurfaces.append(g)
      case .nested: nested.append(g)
      }
    }
    var found = try await grids(sum, onGrids, contour, plans)
    // Each has surfaces of its own, so that no grid is shared.
    let single = try await WorkProgress.stage(
      "resonance surfaces", unit: "frequencies", of: onSurfaces.count, isEven: true, isLeaf: true
    ) { [onSurfaces] stage in
      try await parallelMap(onSurfaces.count, threads: zone.threads) { n in
        defer { stage?.advance() }
        return try await grids(sum, [onSurfaces[n]], contour, plans)
      }
    }
    for outcome in single { found.merge(outcome) { $1 } }
    let inner = max(1, zone.threads / max(1, nested.count))
    let irreducible = IrreducibleZone(zone.model, zone.symmetries)
    let outcomes = try await WorkProgress.stage(
      "nested integrals", unit: "frequencies", of: nested.count, isEven: true, isLeaf: true
    ) { [nested] stage in
      try await parallelMap(nested.count, threads: zone.threads) { n in
        defer { stage?.advance() }
        let g = nested[n]
        return try await self.nested(
          sum, irreducible, .init(omega: abs(omegas[g - 1]), split: plans[g].resonance.split),
          omegas[g - 1], contour[g]!, threads: inner)
      }
    }
    for (g, outcome) in zip(nested, outcomes) { found[g] = outcome }
    return found
  }

  /// The largest errors of a resonant part, a quarter of those of the sum.
  private func allowed(
    _ contour: GridRefinement.Outcome, _ values: [ComplexDouble], _ scales: [Double],
    _ rounding: [Double]
  ) -> [PartErrors] {
    values.indices.map { o in
      let full = tolerance.allowed(
        contour.values[o] + values[o], scale: contour.scales[o] + scales[o],
        rounding: contour.rounding[o] + rounding[o])
      // Twice the rounding, as far as the sum may err by that.
      let rounded: Double = 0.5 * min(min(full.real, full.imaginary), 4 * rounding[o])
      return PartErrors(
        real: max(full.real / 4, rounded), imaginary: max(full.imaginary / 4, rounded))
    }
  }

  /// The reported values that quotients contribute.
  private func dynamic(_ channel: [ComplexDouble], _ omega: Double) -> [ComplexDouble] {
    // Closed forms have no resonance between bands.
    reported.enumerated().map { o, number in
      number.closed != nil ? .zero : number.dynamic(omega, combined(channel, o, omega), .zero)
    }
  }

  private func scales(_ sizes: [Double], _ omega: Double) -> [Double] {
    reported.enumerated().map { o, number in
      number.closed != nil ? 0 : number.scale(omega, max(sizes[2 * o], sizes[2 * o + 1]), 0)
    }
  }

  private func grids(
    _ sum: ResonanceSum, _ groups: [Int], _ contour: [Int: GridRefinement.Outcome],
    _ plans: [Plan]
  ) async throws -> [Int: GridRefinement.Outcome] {
    guard !groups.isEmpty else { return [:] }
    let refinement = GridRefinement(
      resolution: zone.model.resolution(.infinity), sizes: zone.model.gridSizes,
      resolutions: groups.map { plans[$0].resonance.resolution! }, pointLimit: pointLimit,
      name: "resonance")
    var seen = [Int](repeating: 0, count: groups.count)
    var known = [[Double]](repeating: [], count: groups.count)
    var roundings = known
    do {
      let outcomes = try await refinement.run(groups: groups.count) { divisions, active in
        let withSizes = active.contains { seen[$0] < 2 }
        let grid =
          if case .surfaces(let surfaces) = plans[groups[0]].resonance {
            try await sum(
              divisions: divisions, omega: abs(omegas[groups[0] - 1]), surfaces,
              channels: channels, withSizes: withSizes)
          } else {
            try await sum(
              divisions: divisions,
              active.map {
                .init(
                  omega: abs(omegas[groups[$0] - 1]), split: plans[groups[$0]].resonance.split)
              }, channels: channels, withSizes: withSizes)
          }
        var level = GridRefinement.Level(values: [], scales: [], rounding: [])
        for (n, g) in active.enumerated() {
          let omega = omegas[groups[g] - 1]
          if seen[g] < 2 {
            known[g] = scales(grid.sizes[n], omega)
            roundings[g] = rounding(known[g], scales(grid.roundings[n], omega), omega)
          }
          seen[g] += 1
          level.values.append(dynamic(grid.quotients[n], omega))
          level.scales.append(known[g])
          level.rounding.append(roundings[g])
        }
        return level
      } allowed: { g, values, scales in
        allowed(contour[groups[g]]!, values, scales, roundings[g])
      }
      return Dictionary(
        uniqueKeysWithValues: zip(groups, outcomes).filter { !$1.values.isEmpty })
    } catch is NonConvergence {
      return [:]
    }
  }

  /// A nested integral of the resonant terms; nil if it does not converge.
  private func nested(
    _ sum: ResonanceSum, _ irreducible: IrreducibleZone, _ frequency: ContourSum.Frequency,
    _ omega: Double, _ contour: GridRefinement.Outcome, threads: Int
  ) async throws -> GridRefinement.Outcome? {
    let (channels, outputs) = (channels, outputs)
    // The reported parts are linear in the parts of the two channels of their output.
    let map = (0..<4).map { unit in
      let part = unit % 2 == 0 ? ComplexDouble.one : .i
      return dynamic(
        (0..<channels).map { $0 % 2 == unit / 2 ? part : .zero }, omega)
    }
    let integral = NestedIntegral(
      zone: irreducible, threads: threads, width: broadening, gapsOf: zone.model
    ) { points in
      let (values, stride, levels) = sum.values(
        points, frequency, channels: channels)
      var components: [[Double]] = []
      for o in 0..<outputs {
        for part in 0..<2 {
          let weights = (0..<4).map { part == 0 ? map[$0][o].real : map[$0][o].imaginary }
          var own = [Double](repeating: 0, count: points.count)
          for unit in 0..<4 where weights[unit] != 0 {
            let from = (4 * o + unit) * stride
            for n in points.indices { own[n] += weights[unit] * values[from + n] }
          }
          components.append(own)
        }
      }
      // After the values their moduli.
      return .init(components: components + components.map { $0.map(abs) }, levels: levels)
    }
    // The scale, and with it a first idea of the values, from a coarse grid.
    let divisions = ContourSurvey.divisions(zone.model)
    let rough = try await sum(divisions: divisions, [frequency], channels: channels)
    let roughScales = scales(rough.sizes[0], omega)
    var scales = roughScales
    // What that grid does not resolve is as narrow as this.
    let own: Double =
      switch frequency.split {
      case .strip(let width): width
      case .everything: 2 * broadening
      case .none, .allOneSided: .infinity
      }
    let least: Double = min(broadening + Double.pi * temperature, own)
    var rounding: [Double] = self.rounding(scales, scales.map { $0 / least }, omega)
    var values = dynamic(rough.quotients[0], omega)
    var best: GridRefinement.Outcome?
    for _ in 0..<4 {
      let goal = allowed(contour, values, scales, rounding)
      let result: (values: [Double], errors: [Double])
      do {
        let limits = (0..<2 * outputs).map { n -> Double in
          let part: Double = n % 2 == 0 ? goal[n / 2].real : goal[n / 2].imaginary
          return 0.8 * max(0.0, part - rounding[n / 2])
        }
        result = try await integral(allowed: limits + limits.map { _ in .infinity })
      } catch is QuadratureError {
        return best
      }
      scales = (0..<outputs).map { o in
        let moduli = result.values[(2 * (outputs + o))...].prefix(2)
        return max(roughScales[o], moduli.max()!)
      }
      rounding = self.rounding(scales, scales.map { $0 / least }, omega)
      values = (0..<outputs).map {
        ComplexDouble(result.values[2 * $0], result.values[2 * $0 + 1])
      }
      let outcome = GridRefinement.Outcome(
        values: values, scales: scales, rounding: rounding,
        errors: (0..<outputs).map {
          PartErrors(
            real: result.errors[2 * $0] + rounding[$0],
            imaginary: result.errors[2 * $0 + 1] + rounding[$0])
        }, allowed: allowed(contour, values, scales, rounding), divisions: 0)
      if outcome.failure == nil { return outcome }
      best = outcome
    }
    return best
  }
}
