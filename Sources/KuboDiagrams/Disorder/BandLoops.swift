// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
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
struct BandLoops: Sendable {
  private struct Slot: Sendable {
    /// The sum of ``LoopWeights``, or of the averages after them.
    let sum: Int
    let bubble: Int
    let isImaginary: Bool
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
  /// J^2.
  private let exchangeSquare: Double
  private let outputs: [Assembly]
  private let slots: [Slot]
  /// The bubble of each slot; the last four are avg g+_a g_c and avg cos(theta) g+_a g_c for the
  /// two pairs, whose bubbles are the first two.
  private let plan: [Int]
  /// The bands of each bubble.
  private let products: [(plus: [Int], inner: [Int])]

  /// a != c.
  private static let pairs: [(a: Band, c: Band)] = [
    (.bonding, .antibonding), (.antibonding, .bonding),
  ]

  init(
    _ model: Model, directions: Directions, gamma: Double, outputs: [LoopOutput], form: LadderForm,
    rungs: Rungs = .all
  ) {
    self.gamma = gamma
    self.form = form
    self.rungs = rungs
    volume = model.cellVolume
    exchangeSquare = model.exchange * model.exchange
    var sums: [LoopWeights.Sum] = []
    var assemblies: [Assembly] = []
    for output in outputs {
      func add(_ ends: (a: Band, c: Band)?, unit: Bool) -> Int {
        var sum = LoopWeights.Sum(
          measured: output.response.measured, spin: output.response.spin, diagrams: output.diagrams)
        sum.ends = ends
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
    slots = active.map {
      Slot(
        sum: $0 / 2 / bubbles.count, bubble: $0 / 2 % bubbles.count, isImaginary: $0 % 2 == 1)
    }
    plan = slots.map(\.bubble) + [0, 1, 0, 1]
    products = bubbles.map { ($0.plus.map(\.rawValue), $0.inner.map(\.rawValue)) }
  }

  var slotCount: Int { plan.count }

  func fill(_ frame: Frame, _ weight: Double, _ target: UnsafeMutablePointer<Double>) {
    let count = weights.sumCount * weights.bubbles.count
    withUnsafeTemporaryAllocation(of: ComplexDouble.self, capacity: count) { values in
      for n in 0..<count { values[n] = .zero }
      weights.add(
        frame, weight: weight, isPaired: true, to: values.baseAddress!, magnitudes: nil)
      for n in slots.indices {
        let value = values[slots[n].sum * weights.bubbles.count + slots[n].bubble]
        target[n] += slots[n].isImaginary ? value.imaginary : value.real
      }
      let cosine = frame.cosTheta.real
      for n in 0..<2 {
        target[slots.count + n] += weight
        target[slots.count + 2 + n] += weight * cosine
      }
    }
  }

  func values(_ table: StarTable, _ x1: DressedEnergy, _ x2: DressedEnergy) -> PairValue {
    let count = products.count
    let size = StarTable.blockSize
    let exchange = exchangeSquare
    let (moments, squares) = table.sums(of: plan, productCount: count) { hopping, gap, target in
      for n in 0..<size {
        let delta = (gap[n] + exchange).squareRoot()
        let lower = hopping[n] - delta
        let upper = hopping[n] + delta
        let plus = (propagator(x1.first, lower), propagator(x1.second, upper))
        let inner = (propagator(x2.first, lower), propagator(x2.second, upper))
        for p in 0..<count {
          var product = ComplexLanes.one
          for s in products[p].plus.indices {
            product = product * (products[p].plus[s] == 0 ? plus.0 : plus.1)
          }
          for s in products[p].inner.indices {
            product = product * (products[p].inner[s] == 0 ? inner.0 : inner.1)
          }
          target[p * size + n] = product
        }
      }
    }
    // Schwarz: sum |w| |B| <= sqrt(sum w^2/m) sqrt(sum m |B|^2).
    var scales = [Double](repeating: 0, count: weights.sumCount)
    for (n, slot) in slots.enumerated() {
      scales[slot.sum] += (table.squares[n] * squares[slot.bubble]).squareRoot() / volume
    }
    func assembled(_ i: ComplexDouble) -> [ComplexDouble] {
      var sums = [ComplexDouble](repeating: .zero, count: weights.sumCount)
      for (n, slot) in slots.enumerated() {
        let value = moments[n].multiplied(by: 1 / volume)
        sums[slot.sum] += slot.isImaginary ? i * value : value
      }
      return outputs.map { output in
        switch output {
        case .bare(let terms): return terms.reduce(.zero) { $0 + sums[$1] }
        case .ladder(let terms):
          return terms.reduce(.zero) { total, term in
            let average = moments[slots.count + term.pair].multiplied(by: gamma)
            let ladder = rungs.geometricSum(average)
            guard term.unit != term.loop else { return total + sums[term.loop] * ladder }
            let cosine = moments[slots.count + 2 + term.pair].multiplied(by: gamma)
            // The average over cos(theta) is a rung itself.
            let inner = rungs.without(1).map { $0.geometricSum(average) } ?? .zero
            return total + sums[term.loop] + cosine * inner * sums[term.unit]
          }
        }
      }
    }
    return PairValue(
      direct: assembled(.i), reflected: assembled(-.i),
      scales: outputs.map { output in
        switch output {
        case .bare(let terms): terms.reduce(0) { $0 + scales[$1] }
        case .ladder(let terms): terms.reduce(0) { $0 + scales[$1.loop] + scales[$1.unit] }
        }
      })
  }

  @inline(__always)
  private func propagator(_ zeta: ComplexDouble, _ energy: Lanes) -> ComplexLanes {
    ComplexLanes(zeta.real - energy, Lanes(repeating: zeta.imaginary)).reciprocal
  }
}
