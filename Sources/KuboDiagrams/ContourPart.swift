// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneIntegrals
import KuboZoneSums

/// The contours' part of some groups of a ``ContourEvaluation``.
struct ContourPart {
  private let evaluation: ContourEvaluation
  private let groups: [Int]
  private let plans: [ContourEvaluation.Plan]
  private let sum: ContourSum
  private let refinement: GridRefinement
  private var progress: GridRefinement.Progress
  /// Scales and rounding, from the first two grids of each group.
  private var scales, roundings: [[Double]]
  private var seen: [Int]

  init(
    _ evaluation: ContourEvaluation, _ groups: [Int], _ survey: ContourSurvey,
    _ plans: [ContourEvaluation.Plan], _ poles: MatsubaraPoles
  ) {
    self.evaluation = evaluation
    self.groups = groups
    self.plans = plans
    sum = ContourSum(
      evaluation.zone, contours: survey.contours, poles: poles,
      isReversed: plans[groups[0]].isReversed)
    let model = evaluation.zone.model
    refinement = GridRefinement(
      resolution: model.resolution(.infinity), sizes: model.gridSizes,
      resolutions: groups.map {
        evaluation.resolution($0 == 0 ? nil : evaluation.omegas[$0 - 1], plans[$0], survey)
      }, pointLimit: evaluation.pointLimit, name: "contours")
    progress = refinement.start(groups: groups.count)
    scales = [[Double]](repeating: [], count: groups.count)
    roundings = scales
    seen = [Int](repeating: 0, count: groups.count)
  }

  /// Refines `open`, some of the groups, until they err by no more than `left`; or, for those that are
  /// not in it, than what is allowed, half of it where a resonance is to be added. `largest` holds the
  /// largest value of each output so far.
  package mutating func refine(
    _ open: [Int], _ left: [Int: [PartErrors]], _ largest: inout [Double]
  ) async throws -> [Int: GridRefinement.Outcome] {
    let evaluation = evaluation
    let outputs = evaluation.outputs
    var (reference, scales, roundings, seen) = (largest, scales, roundings, seen)
    do {
      try await refinement.resume(&progress, open.map { groups.firstIndex(of: $0)! }) {
        divisions, active in
        let dynamic = active.filter { groups[$0] > 0 }
        let grid = try await sum(
          divisions: divisions,
          dynamic.map {
            .init(
              omega: abs(evaluation.omegas[groups[$0] - 1]),
              split: plans[groups[$0]].resonance.split)
          }, channels: evaluation.channels, withSizes: active.contains { seen[$0] < 2 })
        let statics = (0..<outputs).map {
          ComplexDouble(grid.statics[2 * $0], grid.statics[2 * $0 + 1])
        }
        /// Of each output the larger of its two channels.
        func larger(_ channels: [Double]) -> [Double] {
          (0..<outputs).map { max(channels[2 * $0], channels[2 * $0 + 1]) }
        }
        let (staticSizes, staticSteepness) = (
          larger(grid.staticSizes), larger(grid.staticRoundings)
        )
        var level = GridRefinement.Level(values: [], scales: [], rounding: [])
        for g in active {
          if groups[g] == 0 {
            level.values.append(evaluation.reported.values(nil, [], statics))
            if seen[g] < 2 {
              scales[g] = staticSizes
              roundings[g] = evaluation.rounding(staticSizes, staticSteepness, 0)
            }
          } else {
            let n = dynamic.firstIndex(of: g)!
            let omega = evaluation.omegas[groups[g] - 1]
            let quotients = (0..<outputs).map {
              evaluation.combined(grid.quotients[n], $0, omega)
            }
            let values = evaluation.reported.values(omega, quotients, statics)
            if seen[g] < 2 {
              func reported(_ quotients: [Double], _ statics: [Double]) -> [Double] {
                (0..<outputs).map {
                  evaluation.reported[$0].scale(omega, quotients[$0], statics[$0])
                }
              }
              scales[g] = reported(larger(grid.sizes[n]), staticSizes)
              roundings[g] = evaluation.rounding(
                scales[g], reported(larger(grid.roundings[n]), staticSteepness), omega)
            }
            for o in 0..<outputs { reference[o] = max(reference[o], values[o].length) }
            level.values.append(values)
          }
          seen[g] += 1
          level.scales.append(scales[g])
          level.rounding.append(roundings[g])
        }
        return level
      } allowed: { g, values, scales in
        left[groups[g]]
          ?? evaluation.tolerance.allowed(
            values, scales: scales, rounding: roundings[g],
            references: groups[g] == 0 ? reference : nil
          ).map { full in
            let part = plans[groups[g]].resonance.split != .none ? 0.5 : 1
            return part * full
          }
      }
    } catch is NonConvergence {
      return [:]
    }
    (largest, self.scales, self.roundings, self.seen) = (reference, scales, roundings, seen)
    return Dictionary(
      uniqueKeysWithValues: open.map { ($0, progress.outcomes[groups.firstIndex(of: $0)!]) })
  }
}
