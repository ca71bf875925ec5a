// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import Quadrature
import RealModule

/// K(0) and [K(omega) - K(0)]/omega of responses, as sums over uniform grids or, where those would have to be fine, as nested
/// adaptive integrals of each frequency alone.
struct CollinearIntegral: Sendable {
  let request: CollinearRequest
  let responses: [CollinearResponse]
  let tolerance: Tolerance
  private let terms: [[(factor: ComplexDouble, loop: CollinearLoop)]]
  private let loops: [CollinearLoop]
  private let line: FermiLogarithm
  /// All of them, and those that loops with a frequency need.
  private let matrices, dynamicMatrices: BlochMatrices
  /// Whether nothing but levels and states is needed.
  private let isDensity: Bool
  private let symmetries: [ReciprocalOperation]
  /// Which responses are 0 by a symmetry: what stands at k cancels what stands at an image.
  private let vanishing: [Bool]
  /// What rounding of levels leaves of sums of each group, over their absolute terms: levels are rounded by some 1e-16 of
  /// the largest, sums change with them on the scale of Gamma.
  private let noise: [Double]
  private var model: OrbitalModel { request.model }
  private var dimension: Int { model.dimension }

  init(_ request: CollinearRequest, _ responses: [CollinearResponse]) {
    (self.request, self.responses) = (request, responses)
    tolerance = Tolerance(request.tolerance)
    terms = responses.map(\.terms)
    let loops = terms.joined().map(\.loop).unique
    self.loops = loops
    let (model, gamma) = (request.model, request.broadening)
    let size = model.energyBound + abs(request.mu)
    line = FermiLogarithm(
      temperature: request.temperature, broadening: gamma,
      reach: size + (request.omegas.map(abs).max() ?? 0))
    let isTransverse = responses.contains(where: \.isTransverse)
    isDensity = loops.allSatisfy { if case .density = $0 { true } else { false } }
    matrices = BlochMatrices(model, request.directions, order: isDensity ? 0 : 2)
    dynamicMatrices =
      isTransverse ? matrices : BlochMatrices(model, request.directions, order: isDensity ? 0 : 1)
    (symmetries, vanishing) = model.symmetries(of: responses, request.directions)
    noise = ([0] + request.omegas.map(abs)).map {
      2e-14 + 4e-16 * model.harmonics + 4e-15 * (size + $0) / gamma
    }
  }

  /// Seconds of one processor beyond which nothing is begun.
  private static let limit = 14_400.0

  /// About the seconds of a wave vector, with so many frequencies: two Hermitian eigenproblems and the vertices, then products of
  /// matrices and differences of two or three poles.
  private func seconds(_ frequencies: Int) -> Double {
    let (n, rows) = (Double(model.orbitals.count), Double(frequencies + 1))
    let isTransverse = responses.contains(where: \.isTransverse)
    return 1e-6
      * (2 + 0.2 * n * n + 0.01 * n * n * n
        + rows
        * (isTransverse
          ? 1.5 * n * n + 0.04 * n * n * n : isDensity ? 0 : 0.06 * n * n + 0.003 * n * n * n))
  }

  /// About the points along each reciprocal vector that do.
  private func divisions(_ decays: [GridDecay]) -> Double {
    let e = Double.exp(-max(3, 0.55 * Double.log(1 / request.tolerance)))
    return decays.map { $0.divisions(e) }.max()!
  }

  /// About the seconds of all grids.
  private func gridSeconds(_ divisions: Double) -> Double {
    let points = (0..<dimension).reduce(1.8) { n, _ in n * divisions }
    return points / Double(symmetries.count) * seconds(request.omegas.count)
  }

  /// About the seconds of nested integrals, each frequency alone, with what they add to the cost of a point; bcc takes 89 s
  /// for sigma at one frequency at Gamma = 0.01, 140 s at 0.001. Each band has its own surfaces.
  private func nestedSeconds(_ resolution: Double) -> Double {
    let scales = Double.log(resolution + 2) / 6
    let points = [2e4, 2e5, 2e7 * scales * scales][dimension - 1]
    // Each period of a far hop has as many.
    let periods = IrreducibleZone(model, symmetries).harmonics.reduce(1) { $0 * max(1, $1) }
    return points * periods * Double(model.orbitals.count * noise.count) * seconds(1)
  }

  /// The points along each reciprocal vector of a first grid that costs next to nothing, half a second: it leaves errors far below
  /// their bounds.
  private var leastDivisions: Double {
    let points = 0.5 * Double(symmetries.count) / seconds(request.omegas.count)
    return max(12, min([96, 48, 24][dimension - 1], .pow(points, 1 / Double(dimension))))
  }

  /// The most points of a grid.
  private var pointLimit: Int {
    let points =
      dimension < 3 ? 1e7 : CollinearIntegral.limit / seconds(request.omegas.count)
    return Int(points * Double(symmetries.count))
  }

  /// Of K(0), then of each frequency.
  /// - Throws: `NonConvergence`, `CancellationError`.
  func outcomes(isNested: Bool?) async throws -> [GridRefinement.Outcome] {
    // Energies beyond mu +- omega count as exp(-x/T).
    let thermal = request.temperature * (4 + Double.log(1 / request.tolerance))
    let decays = try await AnalyticStrip(model, mu: request.mu, width: request.broadening)
      .decays(([0] + request.omegas).map { abs($0) + thermal }, threads: request.threads)
    let divisions = divisions(decays)
    let grids = gridSeconds(divisions)
    let nested = nestedSeconds(decays.map(\.resolution).max()!)
    guard isNested != nil || min(grids, nested) < CollinearIntegral.limit else {
      throw NonConvergence(
        label: "\(model.name)", estimate: .infinity, allowed: 0,
        divisions: Int(min(1e9, divisions)),
        remedy:
          "lifetime parameter (this one takes about \(significant(min(grids, nested) / 3600)) hours of one processor)"
      )
    }
    if isNested ?? (nested < grids) { return try await self.nested() }
    let refinement = GridRefinement(
      resolution: leastDivisions, sizes: model.gridSizes, decays: decays,
      pointLimit: pointLimit,
      name: "zone of orbitals")
    var found = [GridRefinement.Level.Group](repeating: .init(), count: noise.count)
    return try await refinement.run(groups: noise.count) { divisions, groups in
      let level = try await level(divisions, groups)
      for (position, g) in groups.enumerated() { found[g] = level.group(position) }
      return level
    } allowed: { g, _, _ in
      limits(g, found[g], found.dropFirst().map(\.values))
    }.map(exact)
  }

  /// The errors that values may have: of K(0) a quarter of those of the largest K(omega) - K(0), or of the quotient if that is smaller, and any where a symmetry
  /// says 0.
  private func limits(
    _ group: Int, _ own: GridRefinement.Level.Group, _ quotients: [[ComplexDouble]]
  ) -> [PartErrors] {
    own.values.indices.map { r in
      guard !vanishing[r] else { return PartErrors(real: .infinity, imaginary: .infinity) }
      let limit = tolerance.allowed(own.values[r], scale: own.scales[r], rounding: own.rounding[r])
      guard group == 0 else { return limit }
      let least =
        0.25 * request.tolerance
        * (zip(request.omegas, quotients).map { min(1, abs($0)) * ($1.isEmpty ? 0 : $1[r].length) }
          .max() ?? 0)
      return PartErrors(real: max(limit.real, least), imaginary: max(limit.imaginary, least))
    }
  }

  /// Zeros of a symmetry have the error that rounding leaves.
  private func exact(_ outcome: GridRefinement.Outcome) -> GridRefinement.Outcome {
    guard !outcome.values.isEmpty else { return outcome }
    var outcome = outcome
    for r in vanishing.indices where vanishing[r] {
      outcome.errors[r] = PartErrors(real: outcome.rounding[r], imaginary: outcome.rounding[r])
    }
    return outcome
  }

  private func loops(_ groups: [Int]) -> CollinearLoops {
    CollinearLoops(
      loops, omegas: groups.filter { $0 > 0 }.map { request.omegas[$0 - 1] }, mu: request.mu,
      line: line, hasStatic: groups.contains(0))
  }

  /// The responses of one group from the sums of loops, whose row `row` is the group's.
  private func numbers(
    _ sum: CollinearLoops.Values, _ group: Int, row: Int, rows: Int
  ) -> (values: [ComplexDouble], scales: [Double], rounding: [Double]) {
    let norm = 1 / model.cellVolume
    var numbers: ([ComplexDouble], [Double], [Double]) = ([], [], [])
    for (r, terms) in terms.enumerated() {
      var (value, size, lost) = (ComplexDouble.zero, 0.0, 0.0)
      for (factor, loop) in terms {
        let n = loops.firstIndex(of: loop)! * rows + row
        value += factor * sum.values[n]
        size += factor.length * sum.sizes[n]
        lost += factor.length * sum.rounding[n]
      }
      numbers.0.append(vanishing[r] ? .zero : value.multiplied(by: norm))
      numbers.1.append(size * norm)
      numbers.2.append((noise[group] * size + lost) * norm)
    }
    return numbers
  }

  /// Sums over a grid.
  private func level(_ divisions: Int, _ groups: [Int]) async throws -> GridRefinement.Level {
    let dynamic = groups.filter { $0 > 0 }
    let own = loops(groups)
    let sum = try await sum(own, divisions)
    var level = GridRefinement.Level(values: [], scales: [], rounding: [])
    for g in groups {
      let row = g == 0 ? 0 : dynamic.firstIndex(of: g)! + 1
      let numbers = numbers(sum, g, row: row, rows: own.rows)
      level.values.append(numbers.values)
      level.scales.append(numbers.scales)
      level.rounding.append(numbers.rounding)
    }
    return level
  }

  /// The mean over the grid; rows of it are dealt to the threads, and added in order. Of points that `symmetries` join one
  /// stands for all.
  private func sum(
    _ loops: CollinearLoops, _ divisions: Int
  ) async throws -> CollinearLoops.Values {
    let matrices = loops.hasStatic ? matrices : dynamicMatrices
    let jobs = min(divisions, 64)
    let turns = BlochMatrices.turns(divisions)
    let parts = try await WorkProgress.stage(
      "grid \(divisions)^\(dimension)", unit: "rows", of: divisions, isEven: true
    ) { stage in
      try await parallelMap(jobs, threads: request.threads) { job in
        var values = loops.noValues
        let sums = BlochMatrices.Sums(matrices, turns: turns)
        var memory = CollinearLoops.Memory(loops, matrices.count)
        var stars = Stars(symmetries, divisions: divisions)
        func visit(_ axis: Int, _ points: some Sequence<Int>) {
          var line: [(n: Int, weight: Int)] = []
          for n in points {
            stars.point[axis] = n
            if axis + 1 < dimension {
              sums.sum(axis, at: n)
              visit(axis + 1, 0..<divisions)
            } else if case let weight = stars.weight, weight > 0 {
              line.append((n, weight))
            }
          }
          sums.line(at: line.map(\.n)) {
            loops.add($1, matrices, times: Double(line[$0].weight), to: &values, &memory)
          }
        }
        for n in stride(from: job, to: divisions, by: jobs) {
          visit(0, [n])
          stage?.advance()
        }
        return values
      }
    }
    let norm = (0..<dimension).reduce(1.0) { n, _ in n / Double(divisions) }
    var total = loops.noValues
    for part in parts { total.add(part, times: norm) }
    return total
  }

  // MARK: Nested integrals

  /// Each group alone.
  private func nested() async throws -> [GridRefinement.Outcome] {
    let groups = Array(noise.indices)
    // The scales, and with them a first idea of the values.
    let rough = try await level([400, 48, 16][dimension - 1], groups)
    let inner = max(1, request.threads / groups.count)
    return try await WorkProgress.stage(
      "nested integrals", unit: "frequencies", of: groups.count, isEven: true, isLeaf: true
    ) { stage in
      try await parallelMap(groups.count, threads: request.threads) { g in
        defer { stage?.advance() }
        return try await nested(g, rough, threads: inner)
      }
    }
  }

  /// One group; where not all responses converge together, each alone.
  private func nested(
    _ group: Int, _ rough: GridRefinement.Level, threads: Int
  ) async throws -> GridRefinement.Outcome {
    let all = try await together(group, rough, threads: threads)
    if all.failure == nil || responses.count == 1 { return all }
    var single: [GridRefinement.Outcome] = []
    for r in responses.indices {
      let own = CollinearIntegral(request, [responses[r]])
      let level = GridRefinement.Level(
        values: rough.values.map { [$0[r]] }, scales: rough.scales.map { [$0[r]] },
        rounding: rough.rounding.map { [$0[r]] })
      single.append(try await own.together(group, level, threads: threads))
    }
    return GridRefinement.Outcome(
      values: single.map { $0.values[0] }, scales: single.map { $0.scales[0] },
      errors: single.map { $0.errors[0] }, allowed: single.map { $0.allowed[0] }, divisions: 0)
  }

  private func together(
    _ group: Int, _ rough: GridRefinement.Level, threads: Int
  ) async throws -> GridRefinement.Outcome {
    let loops = loops([group])
    // What the rough grid says of the sizes, before the integral knows them: it may have seen next to nothing of what is
    // narrow.
    var own = rough.group(group)
    let quotients = Array(rough.values.dropFirst())
    let integral = NestedIntegral(
      zone: IrreducibleZone(model, symmetries), threads: threads, width: request.broadening
    ) { self.values(loops, group, $0) }
    var outcome = GridRefinement.Outcome.failed(outputs: own.values.count, divisions: 0)
    // The tolerance follows the value, which is known better each time.
    for _ in 0..<4 {
      let goal = zip(limits(group, own, quotients), own.rounding).flatMap { allowed, rounding in
        [allowed.real - rounding, allowed.imaginary - rounding].map { max(0, $0) }
      }
      let count = responses.count
      let result: (values: [Double], errors: [Double])
      do {
        result = try await integral(
          allowed: goal + [Double](repeating: .infinity, count: 2 * count))
      } catch is QuadratureError {
        return outcome
      }
      own.values = responses.indices.map {
        ComplexDouble(result.values[2 * $0], result.values[2 * $0 + 1])
      }
      for r in responses.indices {
        own.scales[r] = max(rough.scales[group][r], result.values[2 * count + r])
        own.rounding[r] = max(rough.rounding[group][r], result.values[3 * count + r])
      }
      outcome = exact(
        GridRefinement.Outcome(
          values: own.values, scales: own.scales, rounding: own.rounding,
          errors: responses.indices.map {
            PartErrors(
              real: result.errors[2 * $0] + own.rounding[$0],
              imaginary: result.errors[2 * $0 + 1] + own.rounding[$0])
          }, allowed: limits(group, own, quotients), divisions: 0))
      if outcome.failure == nil { break }
    }
    return outcome
  }

  /// Real and imaginary parts at points of a line along the last coordinate, times the number of images of each, then the sizes of
  /// all responses and their rounding, and the functions of k whose zeros are singular: levels less mu, less mu +- omega, and differences of levels that absorb omega.
  private func values(
    _ loops: CollinearLoops, _ group: Int, _ points: [SIMD3<Double>]
  ) -> NestedIntegral.Values {
    let (n, last) = (model.orbitals.count, dimension - 1)
    let omega = group == 0 ? 0 : request.omegas[group - 1]
    let matrices = loops.hasStatic ? matrices : dynamicMatrices
    let sums = BlochMatrices.Sums(matrices)
    var memory = CollinearLoops.Memory(loops, n)
    let isTransverse = self.loops.contains { if case .transverse = $0 { true } else { false } }
    let isLongitudinal = self.loops.contains { if case .longitudinal = $0 { true } else { false } }
    var components = [[Double]](repeating: [], count: 4 * responses.count)
    var levels: [[Double]] = []
    let factor = Double(symmetries.count)
    // All lie on one line.
    for axis in 0..<last { sums.sum(axis, atReduced: points[0][axis]) }
    sums.line(atReduced: points.map { $0[last] }) { _, blocks in
      var values = loops.noValues
      var found: [[Double]] = [[], []]
      loops.add(blocks, matrices, to: &values, &memory) {
        found[$0.rawValue] = Array($1)
      }
      let numbers = numbers(values, group, row: group == 0 ? 0 : 1, rows: loops.rows)
      for (r, value) in numbers.values.enumerated() {
        components[2 * r].append(factor * value.real)
        components[2 * r + 1].append(factor * value.imaginary)
        components[2 * responses.count + r].append(factor * numbers.scales[r])
        components[3 * responses.count + r].append(factor * numbers.rounding[r])
      }
      var own = found[0] + found[1]
      if omega != 0 {
        own += own.map { $0 - omega } + own.map { $0 + omega }
        if isTransverse {
          for x in found[0] { for y in found[1] { own += [x - y - omega, x - y + omega] } }
        }
        if isLongitudinal {
          for spin in found {
            for a in 0..<n { for b in 0..<a { own.append(spin[a] - spin[b] - abs(omega)) } }
          }
        }
      }
      if levels.isEmpty { levels = own.map { _ in [] } }
      for (l, x) in own.enumerated() { levels[l].append(x) }
    }
    return .init(components: components, levels: levels)
  }
}
