// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import RealModule

/// Loops with one self-energy per band, bare and with the paper's ladder (S7.14).
///
/// Each output is a sum over band labels of a trace, summed over the zone with a product of
/// g+_a = 1/(zeta_a(z1) - E_a) and g_c = 1/(zeta_c(z2) - E_c). For the ladder the labels a, c at the
/// measured vertex are kept apart, and
///
///     F_ladder = sum over a != c of  F_ac + gamma avg[phi g+_a g_c] Lambda_ac F^unit_ac
///     Lambda_ac = 1/(1 - gamma avg g+_a g_c)
///
/// with phi = 1 for Sigma, cos(theta) for s, and F^unit the loop with 1 in place of phi.
package struct BandLoops: Sendable {
  private struct Slot: Sendable {
    /// The sum of `LoopWeights`, or of the averages after them.
    let sum: Int
    let bubble: Int
    let isImaginary: Bool
    /// The slot of the table that it is a multiple of, and the factor.
    let stored: Int
    let factor: Double
    /// Its place in the plan of ``PropagatorProducts``.
    let position: Int
  }

  /// How an output is put together.
  private enum Assembly: Sendable {
    case bare([Int])
    /// For each pair of unequal bands: the loop, and the loop with a unit vertex.
    case ladder([(pair: Int, loop: Int, unit: Int)])
  }

  private let weights: LoopWeights
  private let gamma: Double
  private let form: LadderForm
  private let rungs: Rungs
  private let volume: Double
  private let outputs: [Assembly]
  private let slots: [Slot]
  /// The weights of `LoopWeights` that the table holds.
  private let stored: [(weight: Int, isImaginary: Bool)]
  /// The last four sums are avg g+_a g_c and avg cos(theta) g+_a g_c for the two pairs, whose
  /// bubbles are the first two.
  private let products: PropagatorProducts
  private let sumCount: Int

  /// a != c.
  private static let pairs: [(a: Band, c: Band)] = [
    (.bonding, .antibonding), (.antibonding, .bonding),
  ]

  package init(
    _ model: Model, directions: Directions, gamma: Double, outputs: [LoopOutput], form: LadderForm,
    rungs: Rungs = .all
  ) {
    self.gamma = gamma
    self.form = form
    self.rungs = rungs
    volume = model.cellVolume
    var sums: [LoopWeights.Sum] = []
    var assemblies: [Assembly] = []
    for output in outputs {
      func add(_ ends: (a: Band, c: Band)?, unit: Bool) -> Int {
        var sum = LoopWeights.Sum(
          measured: output.response.measured, spin: output.response.spin, diagrams: output.diagrams)
        sum.ends = ends
        sum.share = output.share
        sum.hasUnitVertex = unit
        sums.append(sum)
        return sums.count - 1
      }
      if output.isDressed {
        let isSpin = output.response.measured == .spin
        assemblies.append(
          .ladder(
            BandLoops.pairs.enumerated().map { n, ends in
              let loop = add(ends, unit: false)
              return (n, loop, isSpin && form == .exact ? add(ends, unit: true) : loop)
            }))
      } else {
        assemblies.append(.bare([add(nil, unit: false)]))
      }
    }
    let known = BandLoops.pairs.map { Bubble(plus: [$0.a], inner: [$0.c]) }
    let weights = LoopWeights(sums, known: known)
    self.weights = weights
    self.outputs = assemblies
    let bubbles = weights.bubbles
    let count = weights.sumCount * bubbles.count
    // Candidates: real and imaginary parts of each weight.
    let active = activeSlots(model, directions: directions, count: 2 * count) {
      frame, weight, sums, moduli in
      var values = [ComplexDouble](repeating: .zero, count: count)
      var magnitudes = [Double](repeating: 0, count: count)
      values.withUnsafeMutableBufferPointer { v in
        magnitudes.withUnsafeMutableBufferPointer { m in
          weights.add(
            frame, weight: weight, isPaired: true, to: v.baseAddress!, magnitudes: m.baseAddress!)
        }
      }
      for n in 0..<count {
        sums[2 * n] += values[n].real
        sums[2 * n + 1] += values[n].imaginary
        moduli[2 * n] += magnitudes[n]
        moduli[2 * n + 1] += magnitudes[n]
      }
    }
    // Traces that are multiples of one another share a slot, and with the same bubble a sum.
    var storage: [Int: (stored: Int, factor: Double)] = [:]
    var stored: [Int] = []
    var plan: [(slot: Int, product: Int)] = []
    slots = active.map { candidate, first, factor in
      let bubble = candidate / 2 % bubbles.count
      if storage[first] == nil {
        storage[first] = (stored.count, factor)
        stored.append(candidate)
      }
      let own = storage[first]!
      let entry = (slot: own.stored, product: bubble)
      let position = plan.firstIndex { $0 == entry } ?? plan.count
      if position == plan.count { plan.append(entry) }
      return Slot(
        sum: candidate / 2 / bubbles.count, bubble: bubble, isImaginary: candidate % 2 == 1,
        stored: own.stored, factor: factor / own.factor, position: position)
    }
    self.stored = stored.map { (weight: $0 / 2, isImaginary: $0 % 2 == 1) }
    sumCount = plan.count
    for slot in [stored.count, stored.count + 1] { plan += [(slot, 0), (slot, 1)] }
    products = PropagatorProducts(
      .scba,
      bubbles.map { $0.plus.map(\.rawValue) + $0.inner.map { 2 + $0.rawValue } }, plan: plan)
  }

  /// What fills the slots.
  package func traces(_ model: Model, _ directions: Directions) -> StarTraces {
    let operations = ReciprocalOperation.withoutInversion(model.energySymmetries())
    guard TraceProgram.canEvaluate(weights, model, operations) else { return scalarTraces }
    let index = Dictionary(uniqueKeysWithValues: weights.bubbles.enumerated().map { ($1, $0) })
    let wanted = stored.map {
      let (sum, bubble) = $0.weight.quotientAndRemainder(dividingBy: weights.bubbles.count)
      return TraceProgram.Slot(channel: 2 * sum + ($0.isImaginary ? 1 : 0), function: bubble)
    }
    let program = TraceProgram(
      weights, model: model, directions: directions, operations: operations,
      parts: { [.init(function: index[$0]!, sign: 1)] }, isWanted: Set(wanted).contains)
    let position = Dictionary(uniqueKeysWithValues: program.slots.enumerated().map { ($1, $0) })
    return .bands(
      program, .realZone(model), stored: wanted.map { position[$0]! })
  }

  /// The same point by point.
  package var scalarTraces: StarTraces {
    .frames(slotCount: stored.count + 2) { frame, weight, target in fill(frame, weight, target) }
  }

  private func fill(_ frame: Frame, _ weight: Double, _ target: UnsafeMutablePointer<Double>) {
    let count = weights.sumCount * weights.bubbles.count
    withUnsafeTemporaryAllocation(of: ComplexDouble.self, capacity: count) { values in
      for n in 0..<count { values[n] = .zero }
      weights.add(
        frame, weight: weight, isPaired: true, to: values.baseAddress!, magnitudes: nil)
      for n in stored.indices {
        let value = values[stored[n].weight]
        target[n] += stored[n].isImaginary ? value.imaginary : value.real
      }
      target[stored.count] += weight
      target[stored.count + 1] += weight * frame.cosTheta.real
    }
  }

  func values(
    _ table: any ZoneTable, _ pairs: [(DressedState, DressedState)], withScales: Bool
  ) -> [PairValue] {
    zip(pairs, table.sums(products, pairs, withSquares: withScales)).map { pair, sums in
      assembled(table, sums.values, sums.squares)
    }
  }

  private func assembled(
    _ table: any ZoneTable, _ moments: [ComplexDouble], _ squares: [Double]?
  ) -> PairValue {
    // Schwarz: sum |w| |B| <= sqrt(sum w^2/m) sqrt(sum m |B|^2).
    var scales = [Double](repeating: 0, count: weights.sumCount)
    if let squares {
      for slot in slots {
        scales[slot.sum] +=
          abs(slot.factor) * (table.squares[slot.stored] * squares[slot.bubble]).squareRoot()
          / volume
      }
    }
    func assembled(_ i: ComplexDouble) -> [ComplexDouble] {
      var sums = [ComplexDouble](repeating: .zero, count: weights.sumCount)
      for slot in slots {
        let value = moments[slot.position].multiplied(by: slot.factor / volume)
        sums[slot.sum] += slot.isImaginary ? i * value : value
      }
      return outputs.map { output in
        switch output {
        case .bare(let terms): return terms.reduce(.zero) { $0 + sums[$1] }
        case .ladder(let terms):
          return terms.reduce(.zero) { total, term in
            let average = moments[sumCount + term.pair].multiplied(by: gamma)
            let ladder = rungs.geometricSum(average)
            guard term.unit != term.loop else { return total + sums[term.loop] * ladder }
            let cosine = moments[sumCount + 2 + term.pair].multiplied(by: gamma)
            // The average over cos(theta) is a rung itself.
            let inner = rungs.without(1).map { $0.geometricSum(average) } ?? .zero
            return total + sums[term.loop] + cosine * inner * sums[term.unit]
          }
        }
      }
    }
    return PairValue(
      direct: assembled(.i), reflected: assembled(-.i),
      scales: squares == nil
        ? nil
        : outputs.map { output in
          switch output {
          case .bare(let terms): terms.reduce(0) { $0 + scales[$1] }
          case .ladder(let terms): terms.reduce(0) { $0 + scales[$1.loop] + scales[$1.unit] }
          }
        })
  }
}
