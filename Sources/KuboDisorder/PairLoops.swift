// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import RealModule

/// The loops at one pair of complex energies, z1 of the propagators g+ and z2 of g.
package struct PairValue: Sendable {
  /// F(z1, z2) of each output.
  package var direct: [ComplexDouble]
  /// The complex conjugate of F(z1*, z2*). It equals F where the weights are real, and -F where
  /// they are imaginary.
  package var reflected: [ComplexDouble]
  /// Bounds on the sums of the absolute contributions, if wanted.
  package var scales: [Double]?
}

/// What a column asks of the loops.
package struct LoopOutput: Sendable {
  package var response: Response
  package var diagrams: [Diagram]
  package var share: BandShare?
  package var isDressed: Bool

  package init(response: Response, diagrams: [Diagram], share: BandShare? = nil, isDressed: Bool) {
    self.response = response
    self.diagrams = diagrams
    self.share = share
    self.isDressed = isDressed
  }
}

/// How the ladder stands in for cos(theta_k) at the vertex of s (docs/ladder.md).
public enum LadderForm: String, Sendable, CaseIterable {
  /// cos(theta_k) + gamma avg[cos(theta) g+_a g_c] Lambda.
  case exact
  /// cos(theta_k) Lambda, as the paper writes it.
  case paper
}

/// How many rungs a ladder has.
package enum Rungs: Sendable, Equatable {
  case all
  /// The ladder broken off: for tests of the sum.
  case upTo(Int)

  /// What is left after `n` rungs; nil if fewer were allowed.
  package func without(_ n: Int) -> Rungs? {
    switch self {
    case .all: .all
    case .upTo(let m): m >= n ? .upTo(m - n) : nil
    }
  }

  /// 1 + x + x^2 + ... with the rungs allowed.
  func geometricSum(_ x: ComplexDouble) -> ComplexDouble {
    switch self {
    case .all: return 1 / (1 - x)
    case .upTo(let n):
      var sum = ComplexDouble.one
      for _ in 0..<n { sum = 1 + x * sum }
      return sum
    }
  }
}

/// The loops of a set of outputs as functions of the propagators at z1 and z2.
package enum PairLoops: Sendable {
  case scba(BandLoops)
  case site(SublatticeLoops)

  /// What fills the slots.
  package func traces(_ model: Model, _ directions: Directions) -> StarTraces {
    switch self {
    case .scba(let loops): loops.traces(model, directions)
    case .site(let loops): loops.traces(model, directions)
    }
  }

  /// The same point by point.
  package var scalarTraces: StarTraces {
    switch self {
    case .scba(let loops): loops.scalarTraces
    case .site(let loops): loops.scalarTraces
    }
  }

  /// Whether contours serve; loops of four propagators are summed over the real zone.
  var haveContours: Bool {
    switch self {
    case .scba: true
    case .site(let loops): loops.haveContours
    }
  }

  /// F(z1, z2) of all outputs on one grid, for many pairs.
  package func values(
    _ table: any ZoneTable, _ pairs: [(DressedState, DressedState)], withScales: Bool
  ) -> [PairValue] {
    switch self {
    case .scba(let loops): loops.values(table, pairs, withScales: withScales)
    case .site(let loops): loops.values(table, pairs, withScales: withScales)
    }
  }
}

/// Which of many candidate slots ever differ from zero, found on a coarse grid: by symmetry most
/// of them vanish when summed over a star. For each the first one that it is a multiple of throughout.
func activeSlots(
  _ model: Model, directions: Directions, count: Int,
  fill: (Frame, Double, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>) -> Void
) -> [(slot: Int, first: Int, factor: Double)] {
  let grid = PeriodicGrid(
    model, divisions: model.primeDivisions([101, 37, 19][model.dimension - 1]),
    symmetries: model.energySymmetries())
  let hamiltonian = BlochHamiltonian(model, directions: directions)
  var values = [[Double]](repeating: [], count: count)
  var largest = [Double](repeating: 0, count: count)
  var magnitude = [Double](repeating: 0, count: count)
  for index in 0..<grid.count {
    guard let star = grid.star(of: index) else { continue }
    var sums = [Double](repeating: 0, count: count)
    var moduli = sums
    for point in star {
      sums.withUnsafeMutableBufferPointer { s in
        moduli.withUnsafeMutableBufferPointer { m in
          fill(hamiltonian.frame(at: point.k), point.weight, s.baseAddress!, m.baseAddress!)
        }
      }
    }
    for n in 0..<count {
      values[n].append(sums[n])
      largest[n] = max(largest[n], abs(sums[n]))
      magnitude[n] = max(magnitude[n], moduli[n])
    }
  }
  // A trace that vanishes by symmetry leaves rounding, 1e-16 of its terms or little more.
  var firsts: [(slot: Int, peak: Int)] = []
  return (0..<count).filter { largest[$0] > 1e-13 * magnitude[$0] }.map { n in
    for (first, peak) in firsts {
      let factor = values[n][peak] / values[first][peak]
      let rounding = 1e-13 * (magnitude[n] + abs(factor) * magnitude[first])
      if factor != 0,
        zip(values[n], values[first]).allSatisfy({ abs($0 - factor * $1) <= rounding })
      {
        return (n, first, factor)
      }
    }
    firsts.append((n, values[n].indices.max { abs(values[n][$0]) < abs(values[n][$1]) }!))
    return (n, n, 1)
  }
}
