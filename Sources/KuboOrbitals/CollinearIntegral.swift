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
  private let matrices: BlochMatrices
  private let symmetries: [ReciprocalOperation]
  /// What rounding of levels leaves of sums of each group, over their absolute terms: levels are rounded by some 1e-16 of
  /// the largest, sums change with them on the scale of Gamma.
  private let noise: [Double]
  private let resolution: Double
  private var model: OrbitalModel { request.model }
  private var dimension: Int { model.dimension }

  init(_ request: CollinearRequest, _ responses: [CollinearResponse]) {
    (self.request, self.responses) = (request, responses)
    tolerance = Tolerance(request.tolerance)
    terms = responses.map(\.terms)
    var loops: [CollinearLoop] = []
    for (_, loop) in terms.joined() where !loops.contains(loop) { loops.append(loop) }
    self.loops = loops
    let (model, gamma) = (request.model, request.broadening)
    let size = model.energyBound + abs(request.mu)
    line = FermiLogarithm(
      temperature: request.temperature, broadening: gamma,
      reach: size + (request.omegas.map(abs).max() ?? 0))
    matrices = BlochMatrices(model, request.directions)
    symmetries = model.symmetries(
      fixing: request.directions, responses.compactMap(\.weights))
    noise = ([0] + request.omegas.map(abs)).map {
      2e-14 + 4e-16 * model.harmonics + 4e-15 * (size + $0) / gamma
    }
    resolution = model.resolution(gamma)
  }

  /// What takes some minutes.
  private static let pointLimit = 10_000_000

  /// How many points of a grid would do, by the strip that is certain: the error falls by e for each of its widths.
  private var predictedPoints: Double {
    let divisions = resolution * max(3, 0.6 * Double.log(1 / request.tolerance))
    return (0..<dimension).reduce(1) { n, _ in n * divisions } / Double(symmetries.count)
  }

  /// How many points nested integrals take, times what they add to the cost of one.
  private var nestedPoints: Double { [2e4, 2e5, 2e7][dimension - 1] }

  /// Of K(0), then of each frequency.
  /// - Throws: `NonConvergence`, `CancellationError`.
  func outcomes(isNested: Bool?) async throws -> [GridRefinement.Outcome] {
    if isNested ?? (predictedPoints > nestedPoints) {
      guard dimension < 3 || predictedPoints < 1e11 else {
        throw NonConvergence(
          label: "\(model.name)", estimate: .infinity, allowed: 0,
          divisions: Int(min(1e9, 10 * resolution)), remedy: "lifetime parameter")
      }
      return try await nested()
    }
    let refinement = GridRefinement(
      resolution: resolution, sizes: model.gridSizes,
      pointLimit: CollinearIntegral.pointLimit * symmetries.count,
      name: "zone of orbitals")
    var roundings = [[Double]](repeating: [], count: noise.count)
    return try await refinement.run(groups: noise.count) { divisions, groups in
      let level = try await level(divisions, groups)
      for (position, g) in groups.enumerated() { roundings[g] = level.rounding[position] }
      return level
    } allowed: { g, values, scales in
      values.indices.map {
        tolerance.allowed(values[$0], scale: scales[$0], rounding: roundings[g][$0])
      }
    }
  }

  private func loops(_ groups: [Int]) -> CollinearLoops {
    CollinearLoops(
      loops, omegas: groups.filter { $0 > 0 }.map { request.omegas[$0 - 1] }, mu: request.mu,
      line: line)
  }

  /// The responses of one group from the sums of loops, whose row `row` is the group's.
  private func numbers(
    _ sum: CollinearLoops.Values, _ group: Int, row: Int, rows: Int
  ) -> (values: [ComplexDouble], scales: [Double], rounding: [Double]) {
    let norm = 1 / model.cellVolume
    var numbers: ([ComplexDouble], [Double], [Double]) = ([], [], [])
    for terms in terms {
      var (value, size, lost) = (ComplexDouble.zero, 0.0, 0.0)
      for (factor, loop) in terms {
        let n = loops.firstIndex(of: loop)! * rows + row
        value += factor * sum.values[n]
        size += factor.length * sum.sizes[n]
        lost += factor.length * sum.rounding[n]
      }
      numbers.0.append(value.multiplied(by: norm))
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
    let jobs = min(divisions, 64)
    let parts = try await WorkProgress.stage(
      "grid \(divisions)^\(dimension)", unit: "rows", of: divisions, isEven: true
    ) { stage in
      try await parallelMap(jobs, threads: request.threads) { job in
        var values = loops.noValues
        let sums = BlochMatrices.Sums(matrices, divisions: divisions)
        var memory = CollinearLoops.Memory(loops, matrices.count)
        var stars = Stars(symmetries, divisions: divisions)
        func visit(_ axis: Int) {
          for n in 0..<divisions {
            stars.point[axis] = n
            guard axis + 1 < dimension else {
              let weight = stars.weight
              guard weight > 0 else { continue }
              loops.add(
                sums.sum(axis, at: n), matrices.count, times: Double(weight), to: &values, &memory)
              continue
            }
            sums.sum(axis, at: n)
            visit(axis + 1)
          }
        }
        for n in stride(from: job, to: divisions, by: jobs) {
          stars.point[0] = n
          if dimension > 1 {
            sums.sum(0, at: n)
            visit(1)
          } else if case let weight = stars.weight, weight > 0 {
            loops.add(
              sums.sum(0, at: n), matrices.count, times: Double(weight), to: &values, &memory)
          }
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
    let own = loops([group])
    // What the rough grid says of the sizes, before the integral knows them: it may have seen next to nothing of what is
    // narrow.
    var (scales, rounding) = (rough.scales[group], rough.rounding[group])
    let integral = NestedIntegral(
      zone: IrreducibleZone(model, symmetries), threads: threads, width: request.broadening
    ) { self.values(own, group, $0) }
    var values = rough.values[group]
    func allowed(_ values: [ComplexDouble]) -> [PartErrors] {
      tolerance.allowed(values, scales: scales, rounding: rounding)
    }
    var outcome = GridRefinement.Outcome.failed(outputs: values.count, divisions: 0)
    // The tolerance follows the value, which is known better each time.
    for _ in 0..<4 {
      let goal = zip(allowed(values), rounding).flatMap { allowed, rounding in
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
      values = responses.indices.map {
        ComplexDouble(result.values[2 * $0], result.values[2 * $0 + 1])
      }
      for r in responses.indices {
        scales[r] = max(rough.scales[group][r], result.values[2 * count + r])
        rounding[r] = max(rough.rounding[group][r], result.values[3 * count + r])
      }
      outcome = GridRefinement.Outcome(
        values: values, scales: scales, rounding: rounding,
        errors: responses.indices.map {
          PartErrors(
            real: result.errors[2 * $0] + rounding[$0],
            imaginary: result.errors[2 * $0 + 1] + rounding[$0])
        }, allowed: allowed(values), divisions: 0)
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
    let sums = BlochMatrices.Sums(matrices)
    var memory = CollinearLoops.Memory(loops, n)
    let isTransverse = self.loops.contains { if case .transverse = $0 { true } else { false } }
    let isLongitudinal = self.loops.contains { if case .longitudinal = $0 { true } else { false } }
    var components = [[Double]](repeating: [], count: 4 * responses.count)
    var levels: [[Double]] = []
    let factor = Double(symmetries.count)
    for (m, f) in points.enumerated() {
      for axis in 0..<last where m == 0 || f[axis] != points[m - 1][axis] {
        for a in axis..<last { sums.sum(a, atReduced: f[a]) }
        break
      }
      var values = loops.noValues
      var found: [[Double]] = [[], []]
      loops.add(sums.sum(last, atReduced: f[last]), n, to: &values, &memory) {
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

/// The points of a uniform grid, n/divisions, that symmetries take into each other.
private struct Stars {
  let symmetries: [ReciprocalOperation]
  let divisions: Int
  /// n.
  var point: [Int]

  init(_ symmetries: [ReciprocalOperation], divisions: Int) {
    (self.symmetries, self.divisions) = (symmetries, divisions)
    point = symmetries[0].rows.map { _ in 0 }
  }

  /// How many points its star has, or 0 unless it is the first of them.
  var weight: Int {
    var same = 0
    for operation in symmetries {
      var order = 0
      for (own, row) in zip(point, operation.rows) {
        let image = zip(row, point).reduce(0) { $0 + $1.0 * $1.1 } % divisions
        order = (image < 0 ? image + divisions : image) - own
        if order != 0 { break }
      }
      if order < 0 { return 0 }
      if order == 0 { same += 1 }
    }
    return symmetries.count / same
  }
}
