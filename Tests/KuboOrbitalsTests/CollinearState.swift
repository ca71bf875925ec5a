// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboOrbitals
import KuboTestSupport
import RealModule

/// A state for ``CollinearCertificateTests``, drawn with its Hamiltonian: orbitals and hops, its condition, and what is asked of it.
struct CollinearState: Sendable, CustomStringConvertible {
  /// What is measured, for the engine and for the reference: component 0 is xx or up, 1 xy or down.
  struct Output: Sendable {
    enum Quantity: String { case s, T, moment, sigma }
    var quantity: Quantity
    var component: Int
    var weights: [Double]

    var response: CollinearResponse {
      let spin: SpinComponent = component == 0 ? .x : .y
      return switch quantity {
      case .s: .spin(spin, weights)
      case .T: .torque(spin, weights)
      case .moment: .moment(spin, weights)
      case .sigma: .conduction(component == 0 ? .up : .down)
      }
    }
  }

  var kind = ""
  var latticeVectors: [[Double]] = []
  var orbitals: [OrbitalModel.Orbital] = []
  var hops: [OrbitalModel.Hop] = []
  var mu = 0.0
  var temperature = 0.0
  var gamma = 0.1
  var omegas: [Double] = []
  var directions = Directions(i: 0, j: 0)
  var outputs: [Output] = []
  var tolerance = 1e-4
  var isNested = false
  var dimension: Int { latticeVectors.count }

  init() {}

  func model() throws -> OrbitalModel {
    try OrbitalModel(name: kind, latticeVectors: latticeVectors, orbitals: orbitals, hops: hops)
  }

  func request() throws -> CollinearRequest {
    CollinearRequest(
      model: try model(), mu: mu, temperature: temperature, broadening: gamma, omegas: omegas,
      directions: directions, responses: unnamed(outputs.map(\.response)), tolerance: tolerance)
  }

  /// A bound on |d E/d theta_a| along each reduced coordinate, theta from 0 to 2 pi, and on |E|.
  var slopes: [Double] {
    (0..<dimension).map { a in
      strength { abs(Double($0.cell[a])) }
    }
  }
  var energyBound: Double {
    orbitals.map { max($0.up.magnitude, $0.down.magnitude) }.max()! + strength { _ in 1 }
  }
  /// The largest sum of amplitudes with a weight that meet in one orbital.
  private func strength(_ weight: (OrbitalModel.Hop) -> Double) -> Double {
    var sums = orbitals.map { _ in 0.0 }
    for hop in hops {
      let size = weight(hop) * max(hop.up.length, hop.down.length)
      sums[hop.from] += size
      sums[hop.to] += size
    }
    return sums.max()!
  }
  /// Cells of the longest hop along each axis.
  var reach: [Int] { (0..<dimension).map { a in hops.map { abs($0.cell[a]) }.max() ?? 0 } }

  /// Seconds of a point of the reference, and how many frequencies it sums.
  private var cost: Double {
    let n = Double(orbitals.count)
    return (5 + 0.6 * n * n * n + 0.1 * Double(hops.count)) * 1e-6
  }
  private var frequencies: Double { omegas.reduce(1) { $0 + ($1 == 0 ? 10 : 1) } }

  /// The first grid of the reference: a few points on the scale of Gamma, and finer than the longest hop.
  func counts(_ factor: Double) -> [Int] {
    zip(slopes, reach).map { slope, reach in
      Int((factor * max([6, 6, 4][dimension - 1], slope / gamma)).rounded(.up)) + 3 * reach
    }
  }
  /// Seconds that such a grid takes.
  func seconds(_ counts: [Int]) -> Double {
    counts.reduce(cost * frequencies) { $0 * Double($1) }
  }

  /// State `number`; Gamma is so large that the reference can follow within about `budget` seconds a grid.
  init(number: Int, budget: Double) throws {
    var generator = SeededGenerator(UInt64(7_000_000 + number))
    func uniform(_ range: ClosedRange<Double>) -> Double {
      Double.random(in: range, using: &generator)
    }
    func logarithmic(_ a: Double, _ b: Double) -> Double {
      Double.exp(uniform(Double.log(a)...Double.log(b)))
    }
    func one<T>(_ list: [T]) -> T { list.randomElement(using: &generator)! }
    let d = [1, 2, 1, 2, 1, 3][number % 6]
    kind = one(["random", "real", "symmetric", "symmetric", "flat", "dirac", "far", "degenerate"])
    draw(d, mostOrbitals: budget < 0.1 ? [6, 3, 2][d - 1] : 6, using: &generator)
    let model = try self.model()
    // Levels at points of high symmetry, and others.
    let bands = OrbitalBands(model)
    var points = (0..<(1 << d)).map { code in (0..<d).map { code >> $0 & 1 == 0 ? 0 : 0.5 } }
    if d > 1 { points.append([1.0 / 3, 2.0 / 3] + [Double](repeating: 0, count: d - 2)) }
    points.append((0..<d).map { _ in uniform(0...1) })
    let levels = points.map { bands.levels(reduced: $0) }
    let all = levels.joined().joined()
    let (low, high) = (all.min()!, all.max()!)
    let near = one([1.0, -1]) * logarithmic(1e-6, 1e-2)
    switch one([0, 0, 0, 1, 1, 2, 3]) {
    case 0: mu = uniform(low...high)
    case 1: mu = one(Array(all))
    case 2: mu = one(Array(all)) + near
    default: mu = one([high + logarithmic(0.1, 20), low - logarithmic(0.1, 20)])
    }
    temperature = one([0, 0, 0, logarithmic(1e-3, 0.1), logarithmic(1e-3, 10)])
    gamma = logarithmic([1e-4, 1e-2, 0.1][d - 1], 1)
    let count = one([1, 2, 2, 3])
    while omegas.count < count {
      let pair = one(levels)
      // Between spins, or within one.
      let gap = abs(one(pair[0]) - one(one([pair[0], pair[1], pair[1]])))
      let omega =
        switch one([0, 1, 2, 3, 3, 4, 5]) {
        case 0: 0.0
        case 1: logarithmic(1e-5, 0.3)
        case 2: uniform(0...max(0.1, high - low))
        case 3: gap
        case 4: abs(gap + near)
        default: abs(one(Array(all)) - mu)
        }
      let signed = one([1, 1, 1, -1]) * omega
      if !omegas.contains(signed) { omegas.append(signed) }
    }
    directions = Directions(i: one(Array(0..<d)), j: one(Array(0..<d)))
    if Bool.random(using: &generator) {
      directions = Directions(i: directions.i, j: directions.i)
    }
    let n = orbitals.count
    func weights() -> [Double] {
      switch one([0, 0, 1, 2]) {
      case 0: Array(repeating: 1, count: n)
      case 1: (0..<n).map { _ in one([0.0, 1]) }
      default: (0..<n).map { _ in uniform(-1...1) }
      }
    }
    let quantities: [Output.Quantity] = [.s, .s, .T, .moment, .sigma]
    outputs = (0..<3).map { _ in
      Output(quantity: one(quantities), component: one([0, 1]), weights: weights())
    }
    tolerance = one(
      [
        [1e-2, 1e-3, 1e-4, 1e-6, 1e-6], [1e-2, 1e-3, 1e-4, 1e-6], [1e-2, 1e-3, 1e-4],
      ][d - 1])
    // Nested integrals of higher dimensions take long.
    let isLong = budget >= 0.1
    isNested = one([[true, false], [true, false, false], [false]][d - 1]) && (d == 1 || isLong)
    if isNested && d > 1 { tolerance = max(tolerance, 1e-3) }
    while gamma < 1, seconds(counts(5)) > budget { gamma *= 1.2 }
  }

  private mutating func draw(
    _ d: Int, mostOrbitals: Int, using generator: inout SeededGenerator
  ) {
    func uniform(_ range: ClosedRange<Double>) -> Double {
      Double.random(in: range, using: &generator)
    }
    func one<T>(_ list: [T]) -> T { list.randomElement(using: &generator)! }
    let unit = (0..<d).map { a in (0..<d).map { $0 == a ? 1.0 : 0 } }
    var n = one([[1, 1, 2, 2, 3, 4, 5, 6], [1, 1, 2, 2, 3, 4, 6], [1, 1, 2, 2, 3]][d - 1])
    n = min(n, mostOrbitals)
    latticeVectors = unit
    if kind != "symmetric", Bool.random(using: &generator) {
      latticeVectors = unit.map { $0.map { $0 + uniform(-0.3...0.3) } }
    }
    if kind == "dirac" {
      drawDirac(d, using: &generator)
      return
    }
    if kind == "degenerate" { n = max(2, n / 2 * 2) }
    let isShared = Bool.random(using: &generator)
    let site = (0..<d).map { _ in uniform(0...1) }
    for a in 0..<n {
      // Some at one place, some at points of high symmetry.
      var f = (0..<d).map { _ in one([0, 0.5, uniform(0...1)]) }
      if isShared || kind == "symmetric" { f = kind == "symmetric" ? unit[0].map { _ in 0 } : site }
      let position = (0..<d).map { x in
        zip(f, latticeVectors).reduce(0) { $0 + $1.0 * $1.1[x] }
      }
      orbitals.append(
        .init(
          name: "o\(a)", position: position, energy: uniform(-1...1),
          exchange: one([0, 0.5, uniform(-1...1)])))
    }
    let isComplex = kind == "random" || Bool.random(using: &generator) && kind != "real"
    let isSpinDependent = Bool.random(using: &generator)
    var found: [(cell: [Int], a: Int, b: Int, up: ComplexDouble, down: ComplexDouble)] = []
    func add(_ cell: [Int], _ a: Int, _ b: Int, _ size: Double) {
      func amplitude() -> ComplexDouble {
        ComplexDouble(size * uniform(-1...1), isComplex ? size * uniform(-1...1) : 0)
      }
      let home = cell.allSatisfy { $0 == 0 }
      let isReverse = cell.first { $0 != 0 }.map { $0 < 0 } ?? false
      guard !(home && a == b) else { return }
      let (cell, a, b) = isReverse || home && a > b ? (cell.map { -$0 }, b, a) : (cell, a, b)
      guard !found.contains(where: { $0.cell == cell && $0.a == a && $0.b == b }) else { return }
      let up = amplitude()
      found.append((cell, a, b, up, isSpinDependent ? amplitude() : up))
    }
    // So that a Gamma of 1 is not below what the reference can follow.
    let size = (kind == "flat" ? 0.01 : 1) * [1, 0.6, 0.35][d - 1]
    for a in 0..<n {
      for b in a..<n {
        for x in 0..<d where b == a || Bool.random(using: &generator) {
          add((0..<d).map { $0 == x ? 1 : 0 }, a, b, a == b ? size : 0.6 * size)
          if b != a { add((0..<d).map { $0 == x ? -1 : 0 }, a, b, 0.3 * size) }
        }
        if b != a { add(unit[0].map { _ in 0 }, a, b, 0.7) }
        if Bool.random(using: &generator) {
          add((0..<d).map { _ in one([-1, 0, 1, d == 1 ? 2 : 1]) }, a, b, 0.2 * size)
        }
      }
    }
    if kind == "far" {
      for _ in 0..<2 {
        let length = one([5, 12, 50]) / (d == 3 ? 5 : d == 2 ? 2 : 1)
        var cell = unit[0].map { _ in 0 }
        cell[one(Array(0..<d))] = length
        add(cell, one(Array(0..<n)), one(Array(0..<n)), one([0.3, 0.03, 1e-3]) / Double(length))
      }
    }
    if kind == "degenerate" {
      // Each even orbital again, with the same level and hops among its own.
      for a in stride(from: 0, to: n, by: 2) {
        (orbitals[a + 1].up, orbitals[a + 1].down) = (orbitals[a].up, orbitals[a].down)
        if Bool.random(using: &generator) { orbitals[a].down = orbitals[a].up }
      }
      let even = found.filter { $0.a % 2 == 0 && $0.b % 2 == 0 }
      found = even + even.map { ($0.cell, $0.a + 1, $0.b + 1, $0.up, $0.down) }
    }
    if kind == "symmetric" { found = symmetrised(found, d, using: &generator) }
    hops = found.map { .init(from: $0.a, to: $0.b, cell: $0.cell, up: $0.up, down: $0.down) }
  }

  /// The mean over reflections of each axis, under which every orbital has its parity, and sometimes over permutations of axes
  /// as well; all orbitals are at one place.
  private mutating func symmetrised(
    _ list: [(cell: [Int], a: Int, b: Int, up: ComplexDouble, down: ComplexDouble)], _ d: Int,
    using generator: inout SeededGenerator
  ) -> [(cell: [Int], a: Int, b: Int, up: ComplexDouble, down: ComplexDouble)] {
    let n = orbitals.count
    let isPermuted = Bool.random(using: &generator)
    let parities = (0..<n).map { _ in
      isPermuted
        ? [Double](repeating: [1.0, -1].randomElement(using: &generator)!, count: d)
        : (0..<d).map { _ in [1.0, -1].randomElement(using: &generator)! }
    }
    let orders: [[Int]] =
      !isPermuted || d == 1
      ? [Array(0..<d)]
      : d == 2
        ? [[0, 1], [1, 0]]
        : [[0, 1, 2], [1, 0, 2], [2, 1, 0], [0, 2, 1], [1, 2, 0], [2, 0, 1]]
    var sums: [[Int]: (up: ComplexDouble, down: ComplexDouble)] = [:]
    let norm = 1 / Double((1 << d) * orders.count)
    for (cell, a, b, up, down) in list {
      for order in orders {
        for code in 0..<(1 << d) {
          var (image, sign) = (order.map { cell[$0] }, 1.0)
          for x in 0..<d where code >> x & 1 == 1 {
            image[x] = -image[x]
            sign *= parities[a][x] * parities[b][x]
          }
          var key = image + [a, b]
          var (u, v) = (up.multiplied(by: norm * sign), down.multiplied(by: norm * sign))
          let isHome = image.allSatisfy { $0 == 0 }
          if image.first(where: { $0 != 0 }).map({ $0 < 0 }) ?? false || isHome && a > b {
            key = image.map { -$0 } + [b, a]
            (u, v) = (u.conjugate, v.conjugate)
          }
          let old = sums[key] ?? (.zero, .zero)
          sums[key] = (old.up + u, old.down + v)
        }
      }
    }
    // What cancels is exactly 0.
    return sums.filter { $0.value.up.length + $0.value.down.length > 1e-13 }
      .sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .map { (Array($0.key[..<d]), $0.key[d], $0.key[d + 1], $0.value.up, $0.value.down) }
  }

  /// Touching cones: a chain at its transition, graphene, or a stack of such; with or without a small mass and exchange.
  private mutating func drawDirac(_ d: Int, using generator: inout SeededGenerator) {
    func one<T>(_ list: [T]) -> T { list.randomElement(using: &generator)! }
    let mass = one([0, 0, 1e-4, 0.03])
    let exchange = one([0, 0.1, 0.7])
    let h = 3.0.squareRoot() / 2
    if d > 1 {
      latticeVectors = [[2 * h, 0], [h, 1.5]]
      if d == 3 { latticeVectors = latticeVectors.map { $0 + [0] } + [[0, 0, 1]] }
    }
    let tail = [Double](repeating: 0, count: max(0, d - 2))
    let second = d == 1 ? [0.5] : [h, 0.5] + tail
    let isStaggered = Bool.random(using: &generator)
    orbitals = [
      .init(
        name: "A", position: second.map { _ in 0 }, energy: mass, exchange: exchange),
      .init(
        name: "B", position: second, energy: -mass, exchange: isStaggered ? -exchange : exchange),
    ]
    let zero = [Int](repeating: 0, count: d)
    func cell(_ x: Int, _ step: Int) -> [Int] {
      var cell = zero
      cell[x] = step
      return cell
    }
    func hop(_ a: Int, _ b: Int, _ cell: [Int], _ t: Double) -> OrbitalModel.Hop {
      .init(from: a, to: b, cell: cell, up: ComplexDouble(t), down: ComplexDouble(t))
    }
    hops = [hop(0, 1, zero, -1), hop(0, 1, cell(0, -1), d == 1 ? 1 : -1)]
    if d > 1 { hops.append(hop(0, 1, cell(1, -1), -1)) }
    if d == 3 { hops += [hop(0, 0, cell(2, 1), -0.4), hop(1, 1, cell(2, 1), 0.4)] }
    let far = one([0, 0.1])
    if far > 0 { hops += [hop(0, 0, cell(0, 1), -far), hop(1, 1, cell(0, 1), -far)] }
  }

  /// All that is needed to ask again.
  var description: String {
    let sites = orbitals.map { "\($0.position) up \($0.up) down \($0.down)" }
    let steps = hops.map { "\($0.from)->\($0.to) \($0.cell) \($0.up) \($0.down)" }
    let asked = outputs.map { "\($0.quantity) \($0.component) \($0.weights)" }
    return "\(kind) vectors \(latticeVectors) orbitals \(sites) hops \(steps) mu \(mu) T "
      + "\(temperature) Gamma \(gamma) omegas \(omegas) \(directions) \(asked) tolerance "
      + "\(tolerance) nested \(isNested)"
  }
}
