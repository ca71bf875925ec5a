// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import RealModule

/// Hamiltonians at random: oblique cells, hops near and far, strong and weak, with and without inversion
/// centres on the sites, flat bands among them.
struct HamiltonianDraw {
  let dimension: Int

  private enum Kind: String {
    case near, slow, alone, flat, strong
  }

  /// A model whose hops connect all cells; others are refused, and drawn again.
  func model(using generator: inout SeededGenerator) throws -> Model {
    while true {
      do {
        return try any(using: &generator)
      } catch let error as ModelError where error.place == .latticeVectors || error.place == .hops {
        continue
      }
    }
  }

  private func any(using generator: inout SeededGenerator) throws -> Model {
    func uniform(_ range: ClosedRange<Double>) -> Double {
      Double.random(in: range, using: &generator)
    }
    func logarithmic(_ a: Double, _ b: Double) -> Double {
      Double.exp(uniform(Double.log(a)...Double.log(b)))
    }
    func one<T>(_ list: [T]) -> T { list.randomElement(using: &generator)! }
    let d = dimension
    var cell = (0..<d).map { m in
      (0..<d).map { $0 == m ? uniform(0.8...2) : uniform(-0.6...0.6) }
    }
    if one([true, false, false]) { cell = (0..<d).map { m in (0..<d).map { $0 == m ? 2 : 0 } } }
    let hasCentre = one([true, false])
    let offset = (0..<d).map { _ in hasCentre ? 0.5 : uniform(-0.9...0.9) }
    func vector(_ c: [Double]) -> [Double] {
      (0..<d).map { x in (0..<d).reduce(0) { $0 + c[$1] * cell[$1][x] } }
    }
    var inter: [([Int], Double)] = []
    var intra: [([Int], Double)] = []
    func add(_ list: inout [([Int], Double)], _ c: [Int], _ a: Double) {
      let isTaken = list.contains { $0.0 == c }
      if a != 0 && !isTaken { list.append((c, a)) }
    }
    /// With its image through the centre of the bond, if that is one of inversion.
    func addInter(_ c: [Int], _ a: Double) {
      add(&inter, c, a)
      if hasCentre { add(&inter, c.map { -$0 - 1 }, a) }
    }
    func addIntra(_ c: [Int], _ a: Double) {
      guard c.contains(where: { $0 != 0 }), !intra.contains(where: { $0.0 == c.map { -$0 } }) else {
        return
      }
      add(&intra, c, a)
    }
    func cells(_ r: Int) -> [Int] { (0..<d).map { _ in Int.random(in: -r...r, using: &generator) } }
    func axis(_ m: Int, _ n: Int) -> [Int] { (0..<d).map { $0 == m ? n : 0 } }

    let kind: Kind = one(
      d == 1
        ? [.near, .near, .near, .slow, .slow, .alone, .alone, .flat, .strong]
        : [.near, .near, .near, .slow, .alone, .flat, .strong])
    let farthest = [100, 8, 3][d - 1]
    let near = [2, 1, 1][d - 1]
    addInter(cells(0), 1)
    switch kind {
    case .flat:
      for m in 0..<d { addIntra(axis(m, 1), one([1e-3, 0.02, 0.1]) * uniform(-1...1)) }
      if d > 1 || one([true, false]) { addInter(cells(1), one([0, 1e-3, 0.05])) }
    case .slow:
      // As 1/r^2 or 1/r^3 along the axes.
      let power = one([2, 3])
      let last = Int(logarithmic(3, Double(farthest)))
      let weight = uniform(-0.5...0.5)
      for m in 0..<d {
        for n in 1...last { addIntra(axis(m, n), weight / Double.pow(Double(n), power)) }
        let inverse = 1 / Double.pow(Double(2), power)
        addInter(axis(m, 1), uniform(0.2...1) * inverse)
        if one([true, false]) {
          for n in 2...last { addInter(axis(m, n), inverse / Double.pow(Double(n), power)) }
        }
      }
    case .near, .alone, .strong:
      for _ in 0..<one([d, d, d + 1, d + 2]) { addInter(cells(near), one([1, uniform(-1...1)])) }
      let strength = kind == .strong ? logarithmic(1, 10) : 0.4
      for _ in 0..<one(kind == .strong ? [1, 2] : [0, 1, 2]) {
        addIntra(cells(near), strength * uniform(-1...1))
      }
      guard kind == .alone else { break }
      for _ in 0..<one([1, 1, 2, 3]) {
        let far = cells(Int(logarithmic(Double(min(4, farthest)), Double(farthest))))
        let amplitude = one([1, -1]) * logarithmic(1e-3, 0.2)
        if one([true, false]) { addIntra(far, amplitude) } else { addInter(far, amplitude) }
      }
    }
    var exchange = logarithmic(1e-5, 100)
    if d > 1 && exchange < 0.1 {
      // A zero of eta as narrow as J is beyond a grid of more than one dimension.
      let others = inter.dropFirst().reduce(0) { $0 + abs($1.1) }
      if one([true, false]) && !hasCentre {
        inter = inter.enumerated().map { ($1.0, $0 == 0 ? 1 : $1.1 * uniform(0.2...0.8) / others) }
      } else {
        exchange = logarithmic(0.1, 100)
      }
    }
    return try Model(
      name: kind.rawValue, latticeVectors: cell,
      interSublattice: inter.map { c, a in
        Hop(vector: vector(zip(c, offset).map { Double($0) + $1 }), amplitude: a)
      },
      intraSublattice: intra.map { c, a in Hop(vector: vector(c.map(Double.init)), amplitude: a) },
      exchange: exchange)
  }

  /// The coordinates of a vector in lattice vectors.
  private static func coordinates(_ r: [Double], _ model: Model) -> [Double] {
    model.reciprocalVectors.map { b in zip(b, r).reduce(0) { $0 + $1.0 * $1.1 } / (2 * .pi) }
  }

  /// Cells of the farthest hop along each lattice vector.
  static func reach(_ model: Model) -> [Int] {
    let all = (model.interSublattice + model.intraSublattice).map { coordinates($0.vector, model) }
    return (0..<model.dimension).map { m in Int(all.map { abs($0[m]) }.max()!.rounded(.up)) }
  }
}
