// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import RealModule

/// Averages over the zone at pairs of energies, on grids as fine as each needs, with bounds on their errors. On each grid the
/// self-energies are solved anew, so that it is a crystal of its own, with exact statements of its own.
///
/// C(z1*, z2*) = C(z2, z1)*, for what is measured and applied is Hermitian, and tr[...] of propagators turns round; so the
/// reflected term of an `EnergyPoint` is the conjugate of C(z1, z2) with its energies exchanged, and loops below the real axis
/// are not needed.
actor ImpurityAverages {
  /// What is averaged: sum_l factor_l F_l.
  struct Column: Sendable {
    let label: String
    let terms: [(factor: ComplexDouble, loop: Int)]
  }

  private struct Start {
    /// On a grid of so many divisions.
    let solution: OrbitalSelfEnergy.Solution
    let divisions: Int
    var resolution: Double
    /// How many grids had no solution.
    var failures = 0
  }

  /// A grid that has no self-energy at an energy, which has been told to use finer ones.
  private struct TooCoarse: Error {}

  private let model: OrbitalModel
  private let selfEnergy: OrbitalSelfEnergy
  private let loops: DressedLoops
  private let columns: [Column]
  /// What takes some minutes, of points of which symmetries leave one of so many.
  private nonisolated func pointLimit(_ symmetries: Int) -> Int {
    (model.dimension == 1 ? 300_000 : 4_000_000) * symmetries
  }
  /// For each energy a state on a grid that resolves it, and 1/c_0 of ``GridRefinement``.
  private var starts: [ComplexDouble: Start] = [:]
  private var solutions: [Int: [ComplexDouble: OrbitalSelfEnergy.Solution]] = [:]
  private var known: [Int: [EnergyPair: DressedLoops.Values]] = [:]
  /// The finest grid so far.
  private(set) var divisions = 0

  init(
    _ model: OrbitalModel, _ impurities: OrbitalImpurities, directions: Directions,
    loops: [ImpurityLoop], isDressed: Bool, columns: [Column], threads: Int
  ) {
    // Self-energies of strength g move no edge by more than 2 sqrt(g).
    let strength = zip(impurities.same, impurities.other).map { $0 + $1 }.max()!
    let width = model.energyBound + 2 * strength.squareRoot()
    selfEnergy = OrbitalSelfEnergy(model, impurities, width: width, threads: threads)
    self.loops = DressedLoops(
      loops, model, directions, impurities, isDressed: isDressed, threads: threads,
      noise: (1e-15 + 2e-16 * model.harmonics) * width)
    (self.model, self.columns) = (model, columns)
  }

  /// A length of the energy axis beyond which nothing happens.
  nonisolated var width: Double { selfEnergy.width }

  /// The self-energies at z, Im z >= 0, on a grid that resolves them.
  func solution(_ z: ComplexDouble) async throws -> OrbitalSelfEnergy.Solution {
    try await resolve([z])
    return starts[z]!.solution
  }

  /// The self-energies at z good to `tolerance` of the width, and a bound on their error: the change from the last coarser grid.
  func converged(_ z: ComplexDouble, tolerance: Double) async throws -> (
    solution: OrbitalSelfEnergy.Solution, error: Double, divisions: Int
  ) {
    try await converged([z]) {
      ($0.energy.selfEnergies, $0.error, tolerance * selfEnergy.width)
    }[0]
  }

  /// avg tr G of all states of the cell good to 1e-10 of what it is far away, or to rounding, with bounds on its errors.
  func traces(_ energies: [ComplexDouble]) async throws -> [(
    value: ComplexDouble, error: Double, divisions: Int
  )] {
    let count = Double(2 * model.orbitals.count)
    func sum(_ solution: OrbitalSelfEnergy.Solution) -> ComplexDouble {
      solution.averages.reduce(.zero, +)
    }
    try await follow(energies)
    return try await converged(energies) { solution in
      // d tr G = tr G dSigma G, and sum_b |G_ab|^2 (Im z - Im Sigma_b) = -Im G_aa.
      let z = solution.energy.z
      let width = solution.energy.selfEnergies.map { z.imaginary - $0.imaginary }.min()!
      let density = abs(sum(solution).imaginary)
      let squares = min(
        count * solution.norm * solution.norm, width > 0 ? density / width : .infinity)
      let rounding = squares * solution.error
      return ([sum(solution)], rounding, 1e-10 * count / max(selfEnergy.width, z.length) + rounding)
    }.map { (sum($0.solution), $0.error, $0.divisions) }
  }

  /// The solutions on grids on which some values, with rounding, are as good as allowed: they change by less from the last
  /// coarser grid. Many at once cost less each.
  private func converged(
    _ energies: [ComplexDouble],
    _ measure: (OrbitalSelfEnergy.Solution) -> (
      values: [ComplexDouble], rounding: Double, allowed: Double
    )
  ) async throws -> [(solution: OrbitalSelfEnergy.Solution, error: Double, divisions: Int)] {
    try await resolve(energies)
    func finer(_ n: Int) -> Int { model.gridSizes.from(n + n / 3) }
    var last = energies.map { starts[$0]!.solution }
    // Not the grid of the start again, which would not differ.
    var grids = energies.map { finer(starts[$0]!.divisions) }
    var found = energies.map { _ in
      (solution: OrbitalSelfEnergy.Solution, error: Double, divisions: Int)?.none
    }
    while let n = grids.indices.filter({ found[$0] == nil }).map({ grids[$0] }).min() {
      let due = grids.indices.filter { found[$0] == nil && grids[$0] == n }
      try checkLimit(n, energies[due[0]])
      let next = try await selfEnergy.solve(due.map { last[$0].energy }, means: 0, divisions: n)
      for (m, solution) in zip(due, next) {
        grids[m] = finer(n)
        guard let solution else { continue }
        let (values, rounding, allowed) = measure(solution)
        let error =
          zip(values, measure(last[m]).values).map { ($0 - $1).length }.max()! + rounding
        if error <= allowed { found[m] = (solution, error, n) }
        last[m] = solution
      }
    }
    return found.map { $0! }
  }

  /// Begins searches where those at energies nearby ended, on their grids; what these do not resolve is left out.
  private func follow(_ energies: [ComplexDouble]) async throws {
    let known = starts.sorted { ($0.key.real, $0.key.imaginary) < ($1.key.real, $1.key.imaginary) }
    guard !known.isEmpty else { return }
    let searches = energies.unique.filter { starts[$0] == nil }.map { z in
      let start = known.min { ($0.key - z).length < ($1.key - z).length }!.value
      return (
        start.divisions, DressedEnergy(z: z, selfEnergies: start.solution.energy.selfEnergies)
      )
    }
    for n in searches.map(\.0).unique {
      let own = searches.filter { $0.0 == n }.map(\.1)
      for solution in try await selfEnergy.solve(own, means: 1, divisions: n) {
        guard let solution else { continue }
        let resolution = model.resolution(1 / solution.norm)
        if resolution < Double(n) / 4 {
          starts[solution.energy.z] = Start(
            solution: solution, divisions: n, resolution: resolution)
        }
      }
    }
  }

  /// Finds grids that resolve the propagators: those on which the largest norm says so, for a level between two points of a grid
  /// that is too coarse is a quarter of the spacing away or more; or on which the self-energies are what they were on the last
  /// one, as next to edges, where bands are flat: those of single levels change from grid to grid by as much as they are.
  private func resolve(_ energies: [ComplexDouble]) async throws {
    var left = Array(Set(energies.filter { starts[$0] == nil })).sorted {
      ($0.real, $0.imaginary) < ($1.real, $1.imaginary)
    }
    var n = model.gridSizes.from(max(24, Int(min(1e9, 4 * model.harmonics))))
    var last: [ComplexDouble: [ComplexDouble]] = [:]
    while !left.isEmpty {
      try checkLimit(n, left[0])
      let begun = left.map { z in
        last[z].map { DressedEnergy(z: z, selfEnergies: $0) } ?? selfEnergy.start(z)
      }
      let found = try await selfEnergy.solve(begun, means: last.isEmpty ? 8 : 2, divisions: n)
      var next: [ComplexDouble] = []
      for (z, solution) in zip(left, found) {
        if let solution {
          let resolution = min(model.resolution(1 / solution.norm), Double(n) / 4)
          let own = solution.energy.selfEnergies
          let change = last[z].map { zip($0, own).map { ($0 - $1).length }.max()! }
          let size = min(1e-3 * own.map(\.length).max()!, 1e-2 / solution.norm)
          last[z] = own
          if resolution < Double(n) / 4 || (change ?? .infinity) <= size {
            starts[z] = Start(solution: solution, divisions: n, resolution: resolution)
            continue
          }
        }
        next.append(z)
      }
      left = next
      n = model.gridSizes.from(n + n / 2)
    }
  }

  /// Energies between `low` and `high` where the density of states of an orbital begins or ends as a square root, among 64
  /// steps: by bisection, and then as the zeros of parabolas through squares of the density inside the band.
  func edges(from low: Double, to high: Double) async throws -> [Double] {
    let (a, b) = (max(low, -width), min(high, width))
    guard a < b else { return [] }
    let count = 64
    let energies = (0...count).map { a + (b - a) * Double($0) / Double(count) }
    try await resolve(energies.map { ComplexDouble($0) })
    let resolution = energies.map { starts[ComplexDouble($0)]!.resolution }.max()!
    let n = model.gridSizes.from(Int((model.dimension == 1 ? 8 : 4) * resolution))
    func densities(_ solution: OrbitalSelfEnergy.Solution?) -> [Double] {
      (solution?.averages ?? []).map { max(0, -$0.imaginary) }
    }
    func densities(_ energies: [Double]) async throws -> [[Double]] {
      try await selfEnergy.solve(
        energies.map { selfEnergy.start(ComplexDouble($0)) }, means: 8, divisions: n
      ).map(densities)
    }
    func isInside(_ density: Double) -> Bool { density > 1e-7 / width }
    let known = energies.map { densities(starts[ComplexDouble($0)]!.solution) }
    var edges: [(inside: Double, outside: Double, component: Int)] = []
    for (m, (one, two)) in zip(known, known.dropFirst()).enumerated() {
      for c in one.indices where isInside(one[c]) != isInside(two[c]) {
        let isFalling = isInside(one[c])
        edges.append(
          (energies[isFalling ? m : m + 1], energies[isFalling ? m + 1 : m], c))
      }
    }
    guard !edges.isEmpty else { return [] }
    let step = 3e-4 * width
    while let widest = edges.map({ abs($0.outside - $0.inside) }).max(), widest > step {
      let middles = edges.map { ($0.inside + $0.outside) / 2 }
      for (m, found) in try await densities(middles).enumerated() {
        // Where nothing is found the edge is next to it.
        if !found.isEmpty && isInside(found[edges[m].component]) {
          edges[m].inside = middles[m]
        } else {
          edges[m].outside = middles[m]
        }
      }
    }
    for distance in [step, step / 5] {
      let points = edges.flatMap { edge in
        let inward = edge.inside > edge.outside ? distance : -distance
        return (1...3).map { edge.outside + inward * Double($0) }
      }
      let found = try await densities(points)
      for m in edges.indices {
        let own = found[3 * m..<3 * m + 3]
        guard own.allSatisfy({ !$0.isEmpty }) else { continue }
        let y = own.map { $0[edges[m].component] * $0[edges[m].component] }
        // In units of the distance from the last estimate: the zero of a + b t + c t^2.
        let c = (y[2] - 2 * y[1] + y[0]) / 2
        let b = y[1] - y[0] - 3 * c
        let a = y[0] - b - c
        guard b > 0, b * b > 4 * a * c else { continue }
        let t = -2 * a / (b + (b * b - 4 * a * c).squareRoot())
        guard abs(t) < 3 else { continue }
        let inward = edges[m].inside > edges[m].outside ? distance : -distance
        edges[m].outside += inward * t
      }
    }
    return edges.map(\.outside).sorted()
  }

  /// 1/c_0 of each point.
  private func resolutions(_ points: [EnergyPoint]) async throws -> [Double] {
    let energies = points.map { $0.terms.flatMap { [$0.pair.z1, $0.pair.z2] } }
    try await resolve(energies.flatMap { $0 })
    return energies.map { $0.map { starts[$0]!.resolution }.max()! }
  }

  private func checkLimit(_ n: Int, _ z: ComplexDouble) throws {
    guard
      (0..<model.dimension).reduce(1.0, { p, _ in p * Double(n) })
        <= Double(pointLimit(selfEnergy.symmetryCount))
    else {
      throw NonConvergence(
        label: "self-energy at z = \(z.real) + \(z.imaginary) i", estimate: .infinity, allowed: 0,
        divisions: n)
    }
  }

  /// The loops at pairs on one grid.
  private func values(_ pairs: [EnergyPair], divisions n: Int) async throws
    -> [EnergyPair: DressedLoops.Values]
  {
    divisions = max(divisions, n)
    let new = pairs.filter { known[n]?[$0] == nil }
    let left = new.flatMap { [$0.z1, $0.z2] }.filter { solutions[n]?[$0] == nil }.unique
    let found = try await selfEnergy.solve(
      left.map { starts[$0]!.solution.energy }, means: 0, divisions: n)
    for (z, solution) in zip(left, found) {
      guard let solution else {
        // Next to an edge of a band a coarser grid may have a gap, or a level, where the crystal has none.
        starts[z]!.resolution = Double(n + 1)
        starts[z]!.failures += 1
        guard starts[z]!.failures < 6 else {
          throw NonConvergence(
            label: "self-energy at z = \(z.real) + \(z.imaginary) i",
            estimate: .greatestFiniteMagnitude, allowed: selfEnergy.width * 1e-13, divisions: n)
        }
        throw TooCoarse()
      }
      solutions[n, default: [:]][z] = solution
    }
    let pairs = new.unique
    if !pairs.isEmpty {
      let values = try await loops.values(pairs, solutions[n]!, divisions: n)
      for (pair, value) in zip(pairs, values) { known[n, default: [:]][pair] = value }
    }
    return known[n]!
  }

  /// The loops at pairs on one grid, in order.
  func loops(_ pairs: [EnergyPair], divisions: Int) async throws -> [DressedLoops.Values] {
    try await resolve(pairs.flatMap { [$0.z1, $0.z2] })
    let values = try await values(pairs, divisions: divisions)
    return pairs.map { values[$0]! }
  }

  /// The columns of a point on one grid.
  private nonisolated func sum(_ point: EnergyPoint, _ values: [EnergyPair: DressedLoops.Values])
    -> EnergySum
  {
    var sum = EnergySum(values: [], errors: [], scales: [], rounding: [], divisions: 0)
    for column in columns {
      var (value, scale, rounding) = (ComplexDouble.zero, 0.0, 0.0)
      func add(_ weight: ComplexDouble, _ pair: EnergyPair, isConjugate: Bool) {
        if weight == .zero { return }
        let own = values[pair]!
        var c = ComplexDouble.zero
        for (factor, l) in column.terms {
          c += factor * own.values[l]
          if point.hasStatics { c += factor * own.statics[l] }
          let size = factor.length * weight.length
          scale += size * own.sizes[l]
          rounding += size * own.rounding[l]
        }
        value += weight * (isConjugate ? c.conjugate : c)
      }
      for term in point.terms {
        add(term.direct, term.pair, isConjugate: false)
        add(term.reflected, term.pair.exchanged, isConjugate: true)
      }
      sum.values.append(value)
      sum.scales.append(scale)
      sum.rounding.append(rounding)
    }
    return sum
  }

  /// The columns at points, each on ever finer grids until their errors are as small as allowed or as rounding leaves them.
  nonisolated func sums(_ points: [EnergyPoint]) async throws -> [EnergySum] {
    while true {
      do { return try await refined(points) } catch is TooCoarse { continue }
    }
  }

  private nonisolated func refined(_ points: [EnergyPoint]) async throws -> [EnergySum] {
    let refinement = GridRefinement(
      resolution: 12, sizes: model.gridSizes, resolutions: try await resolutions(points),
      pointLimit: pointLimit(loops.symmetryCount), unit: "energies",
      name: "loops at pairs of energies")
    let outcomes = try await refinement.run(groups: points.count) { n, groups in
      let pairs = groups.flatMap { points[$0].pairs }
      let values = try await values(pairs, divisions: n)
      let sums = groups.map { sum(points[$0], values) }
      return GridRefinement.Level(
        values: sums.map(\.values), scales: sums.map(\.scales), rounding: sums.map(\.rounding))
    } allowed: { g, values, scales in
      values.indices.map {
        PartErrors(points[g].allowed?[$0] ?? 1e-2 * scales[$0])
      }
    }
    return try zip(points, outcomes).map { point, outcome in
      let errors = outcome.errors.map { max($0.real, $0.imaginary) }
      if let lost = errors.firstIndex(where: { !$0.isFinite }) {
        let pair = point.terms[0].pair
        throw NonConvergence(
          label: "\(columns[lost].label) at z = \(pair.z1), \(pair.z2)", estimate: errors[lost],
          allowed: outcome.worst(lost).allowed, divisions: outcome.divisions)
      }
      return EnergySum(
        values: outcome.values, errors: errors, scales: outcome.scales,
        rounding: outcome.rounding, divisions: outcome.divisions)
    }
  }
}

extension EnergyPair {
  /// The pair at which C(z1*, z2*)* is C.
  fileprivate var exchanged: EnergyPair { EnergyPair(z1: z2, z2: z1, isAdvanced: isAdvanced) }
}

extension EnergyPoint {
  /// The pairs at which loops are needed.
  fileprivate var pairs: [EnergyPair] {
    terms.flatMap { pair, direct, reflected in
      (direct == .zero ? [] : [pair]) + (reflected == .zero ? [] : [pair.exchanged])
    }
  }
}
