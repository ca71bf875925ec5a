// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import RealModule

extension ImpurityCrystal {
  /// A point on its way to finer grids.
  private struct Progress {
    let index, request: Int
    let point: EnergyPoint
    /// The energies that occur, and the propagators there on the last grid.
    let energies: [ComplexDouble]
    var states: [DressedState]
    /// Which of them are advanced in the products.
    let isAdvanced: [Bool]
    var grid: Grid
    /// c of the error exp(-c N) on that surface.
    let rate: Double
    var last: EnergySum?
    var scales: [Double]?
    /// The energies at which a grid did not have the physical self-energy.
    var failures: [ComplexDouble] = []

    init(
      _ index: Int, _ request: Int, _ point: EnergyPoint, _ crystal: ImpurityCrystal,
      haveContours: Bool
    ) async throws {
      self.index = index
      self.request = request
      self.point = point
      var energies: [ComplexDouble] = []
      for (pair, _, _) in point.terms {
        for z in [pair.z1, pair.z2] where !energies.contains(z) { energies.append(z) }
      }
      self.energies = energies
      states = []
      for z in energies { states.append(try await crystal.approximate(z)) }
      let isAdvanced = energies.map { z in
        point.terms.contains { $0.pair.isAdvanced && $0.pair.z2 == z }
      }
      self.isAdvanced = isAdvanced
      let factors = Factors(
        states: states, isAdvanced: isAdvanced,
        pairs: Progress.pairs(point, energies, states))
      (grid, rate) = try await crystal.grid(factors, nats: 6) {
        var zones = [Zone.real]
        guard crystal.contours != nil else { return zones }
        if haveContours, point.terms.allSatisfy(\.pair.isAdvanced) { zones.append(.contours) }
        // An energy on both sides leaves no room between them.
        if let tile = crystal.tile(factors),
          point.terms.allSatisfy({ $0.pair.z1 != $0.pair.z2 || !$0.pair.isAdvanced })
        {
          zones.append(.levels(tile))
        }
        return zones
      }
    }

    private static func pairs(
      _ point: EnergyPoint, _ energies: [ComplexDouble], _ states: [DressedState]
    ) -> [(DressedState, DressedState)] {
      point.terms.map { pair, _, _ in
        let x2 = states[energies.firstIndex(of: pair.z2)!]
        return (states[energies.firstIndex(of: pair.z1)!], pair.isAdvanced ? x2.conjugate : x2)
      }
    }

    /// The propagators with the self-energies of a grid; nil, and the energy, where it has not the physical one.
    func solved(_ crystal: ImpurityCrystal, _ table: any ZoneTable) -> (
      states: [DressedState]?, failure: ComplexDouble?
    ) {
      var found: [DressedState] = []
      for (m, z) in energies.enumerated() {
        let own = isAdvanced[m] ? (table as? SurfaceTable)?.advanced ?? table : table
        guard let refined = crystal.refined(states[m], z: z, on: own) else { return (nil, z) }
        found.append(refined)
      }
      return (found, nil)
    }

    /// That there is no finer grid.
    func nonConvergence(_ crystal: ImpurityCrystal) -> NonConvergence {
      let z = energies.map { "\(significant($0.real)) + \(significant($0.imaginary)) i" }
      return NonConvergence(
        label: "zone average at z = \(z.joined(separator: ", "))", estimate: .infinity, allowed: 0,
        divisions: crystal.levels[crystal.lastLevel(grid.zone, hasSlots: true)])
    }

    /// The pairs of propagators, in order.
    var pairs: [(DressedState, DressedState)] {
      Progress.pairs(point, energies, states)
    }

    mutating func total(_ values: ArraySlice<PairValue>, _ divisions: Int) -> EnergySum {
      let count = values.first!.direct.count
      var total = EnergySum(
        values: Array(repeating: .zero, count: count), errors: [],
        scales: Array(repeating: 0, count: count), rounding: Array(repeating: 0, count: count),
        divisions: divisions)
      for (term, value) in zip(point.terms, values) {
        let size = max(term.direct.length, term.reflected.length)
        for o in 0..<count {
          total.values[o] += term.direct * value.direct[o]
          total.values[o] += term.reflected * value.reflected[o].conjugate
          if scales == nil { total.scales[o] += size * value.scales![o] }
        }
      }
      if let scales { total.scales = scales } else { scales = total.scales }
      return total
    }
  }

  /// The values of the points of each request, or the error of one of them: `NonConvergence` or
  /// ``SelfEnergyFailure``. Each point is summed on ever finer grids until the zone errors are as small as allowed
  /// or 1e-13 of the scales.
  ///
  /// On each grid the self-energies are solved anew, so that the difference d of two grids of N_1 < N_2
  /// points a direction holds that of the self-energy too. The sums converge at least as exp(-c N),
  /// with c from the strip of complex k in which the propagators are analytic, and the error of the
  /// finer grid is stated as ``zoneError(_:scale:rate:_:after:dimension:)``.
  ///
  /// A value does not depend on the other points, but many at once cost less each: a table is read
  /// once for several pairs.
  func sums(_ requests: [[EnergyPoint]], _ loops: PairLoops, threads: Int) async throws
    -> [Result<[EnergySum], any Error>]
  {
    let points = requests.enumerated().flatMap { request, points in
      points.map { (request: request, point: $0) }
    }
    var results = [EnergySum?](repeating: nil, count: points.count)
    var errors = [(any Error)?](repeating: nil, count: requests.count)
    let starts = try await parallelMap(points.count, threads: threads) { n in
      try await caught {
        try await Progress(
          n, points[n].request, points[n].point, self, haveContours: loops.haveContours)
      }
    }
    // A request is lost with one of its points.
    for (start, (request, _)) in zip(starts, points) {
      if case .failure(let error) = start { errors[request] = errors[request] ?? error }
    }
    let begun = starts.compactMap { try? $0.get() }.filter { errors[$0.request] == nil }
    // Zones do not depend on each other.
    let zones = Dictionary(grouping: begun, by: \.grid.zone)
      .sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map(\.value)
    let found = try await parallelMap(zones.count, threads: threads) { n in
      try await sums(zones[n], loops, threads: threads)
    }
    for part in found {
      for (index, sum) in part.sums { results[index] = sum }
      for (request, error) in part.errors { errors[request] = errors[request] ?? error }
    }
    var rest = results[...]
    return requests.indices.map { n in
      let own = rest.prefix(requests[n].count)
      rest = rest.dropFirst(requests[n].count)
      return errors[n].map { .failure($0) } ?? .success(own.map { $0! })
    }
  }

  /// The sums of points of one zone by their index, and the first error of each request that has one.
  private func sums(_ begun: [Progress], _ loops: PairLoops, threads: Int) async throws -> (
    sums: [(index: Int, sum: EnergySum)], errors: [Int: any Error]
  ) {
    let zone = begun[0].grid.zone
    let last = lastLevel(zone, hasSlots: true)
    var points = begun
    var sums: [(index: Int, sum: EnergySum)] = []
    var errors: [Int: any Error] = [:]
    var active = Array(points.indices)
    // As many pairs at a time as keep their sums in the processor's cache.
    let batch = 8
    while true {
      for n in active where points[n].grid.level > last && errors[points[n].request] == nil {
        errors[points[n].request] = points[n].nonConvergence(self)
      }
      active.removeAll { errors[points[$0].request] != nil }
      guard let level = active.map({ points[$0].grid.level }).min() else {
        return (sums, errors)
      }
      let table = try await table(Grid(zone: zone, level: level), hasSlots: true)
      let due = active.filter { points[$0].grid.level == level }
      active.removeAll { points[$0].grid.level == level }
      let solved = try await parallelMap(due.count, threads: threads) { [points] n in
        points[due[n]].solved(self, table)
      }
      var chosen: [Int] = []
      for (n, (states, failure)) in zip(due, solved) {
        if let states {
          points[n].states = states
          chosen.append(n)
          continue
        }
        // The next grid is due.
        points[n].grid.level = self.level(zone, 0, after: table.divisions) ?? levels.count
        points[n].last = nil
        points[n].failures.append(failure!)
        active.append(n)
        if points[n].failures.count > 4 {
          errors[points[n].request] = SelfEnergyFailure(
            energy: failure!,
            reason:
              "not found on grids up to \(table.divisions) points along each reciprocal vector")
        }
      }
      let pairs = chosen.flatMap { points[$0].pairs }
      // The scales hardly depend on the grid: the first one gives them.
      let withScales = chosen.contains { points[$0].scales == nil }
      let values = try await WorkProgress.stage(
        "loops on \(zone.name), \(table.divisions)^\(dimension)",
        unit: "pairs", of: pairs.count, isEven: true
      ) { stage in
        try await parallelMap((pairs.count + batch - 1) / batch, threads: threads) { n in
          let own = pairs[(n * batch)..<min(pairs.count, (n + 1) * batch)]
          defer { stage?.advance(by: own.count) }
          return loops.values(table, Array(own), withScales: withScales)
        }.flatMap { $0 }
      }
      var next = 0
      for n in chosen {
        let count = points[n].point.terms.count
        let total = points[n].total(values[next..<(next + count)], table.divisions)
        next += count
        if let done = advance(&points[n], total) {
          sums.append((points[n].index, done))
        } else {
          active.append(n)
        }
      }
    }
  }

  /// What a sum on a grid of N points may err that differs by d from one of N_1 points a direction, where sums are predicted to
  /// converge as exp(-c N): 2 d exp(-c (N - N_1)) on the real zone, where c is a lower bound. On displaced zones c is ``believed``
  /// times a distance in k, which the displacement's own singularities at complex k were seen to halve
  /// (`ContourSurvey.resolution`): there it is 4 d exp(-c' (N - N_1)), c' from half of that distance. Of 3,000 random pairs
  /// of energies with 58,000 sums the largest error was 0.83 of it.
  ///
  /// In one dimension the errors have the phase N k_0 of few poles k_0, and d may be small by accident, at all
  /// energies of a window at once: there the error is no less than (S/3) (1 + c N) exp(-c N), or (S/2) and c', of the size of
  /// the Fourier coefficient of a double pole, S the sum of the moduli.
  package static func zoneError(
    _ difference: Double, scale: Double, rate: Double, _ divisions: Int, after coarse: Int,
    dimension: Int, isDisplaced: Bool
  ) -> Double {
    let rate = isDisplaced ? rate * 0.5 / believed : rate
    let nats = rate * Double(divisions)
    let least = dimension == 1 ? (1 + nats) * Double.exp(-nats) / (isDisplaced ? 2 : 3) : 0
    let gain = (isDisplaced ? 4 : 2) * Double.exp(-rate * Double(divisions - coarse))
    return max(gain * difference, least * scale)
  }

  /// Takes the sum on a further grid into account; returns it if it is good enough, and chooses the
  /// next grid otherwise.
  private func advance(_ progress: inout Progress, _ total: EnergySum) -> EnergySum? {
    let allowed = total.scales.indices.map {
      max(progress.point.allowed?[$0] ?? 1e-2 * total.scales[$0], 1e-13 * total.scales[$0])
    }
    let rate = progress.rate
    var missing: Double
    if let coarse = progress.last {
      var result = total
      result.errors = total.values.indices.map {
        ImpurityCrystal.zoneError(
          (total.values[$0] - coarse.values[$0]).length, scale: total.scales[$0], rate: rate,
          total.divisions, after: coarse.divisions, dimension: dimension,
          isDisplaced: progress.grid.zone != .real) + 1e-15 * total.scales[$0]
      }
      missing = zip(result.errors, allowed).map { $0 > $1 ? Double.log($0 / $1) : 0 }.max()!
      if missing == 0 { return result }
    } else {
      // The error of a sum is below its scale times exp(-c N); by experience a tenth of it or less.
      missing = zip(total.scales, allowed).map { $0 > 0 ? Double.log(0.1 * $0 / $1) : 0 }.max()!
      missing -= rate * Double(total.divisions)
    }
    progress.last = total
    let wanted = Double(total.divisions) + max(0, missing) / rate
    progress.grid.level =
      level(progress.grid.zone, wanted, after: total.divisions) ?? levels.count
    return nil
  }
}

/// The result of `work`, or its error unless that is a cancellation.
private func caught<Value: Sendable>(_ work: () async throws -> Value) async throws
  -> Result<Value, any Error>
{
  do {
    return .success(try await work())
  } catch let error as CancellationError {
    throw error
  } catch {
    return .failure(error)
  }
}

/// Evaluates the points of many energy integrals that go on side by side: as soon as all of them wait,
/// what they ask for is done at once.
package actor PairQueue {
  private let crystal: ImpurityCrystal
  private let loops: PairLoops
  private let threads: Int
  private var participants = 0
  private var waiting:
    [(points: [EnergyPoint], reply: CheckedContinuation<[EnergySum], any Error>)] =
      []

  package init(_ crystal: ImpurityCrystal, _ loops: PairLoops, threads: Int) {
    self.crystal = crystal
    self.loops = loops
    self.threads = threads
  }

  /// Runs `count` jobs side by side and returns their results in index order.
  package func map<Value: Sendable>(
    _ count: Int, _ job: @escaping @Sendable (Int) async throws -> Value
  ) async throws -> [Value] {
    participants += count
    return try await withThrowingTaskGroup(of: (Int, Value).self) { group in
      for n in 0..<count {
        group.addTask {
          let result: Value
          do {
            result = try await job(n)
          } catch {
            await self.leave()
            throw error
          }
          await self.leave()
          return (n, result)
        }
      }
      var results = [Value?](repeating: nil, count: count)
      for try await (n, result) in group { results[n] = result }
      return results.map { $0! }
    }
  }

  /// The values of `points`; a job has one call at a time.
  /// - Throws: `NonConvergence`, ``SelfEnergyFailure``.
  package func sums(_ points: [EnergyPoint]) async throws -> [EnergySum] {
    if points.isEmpty { return [] }
    return try await withCheckedThrowingContinuation { reply in
      waiting.append((points, reply))
      evaluateIfAllWait()
    }
  }

  private func leave() {
    participants -= 1
    evaluateIfAllWait()
  }

  private func evaluateIfAllWait() {
    guard !waiting.isEmpty, waiting.count >= participants else { return }
    let requests = waiting
    waiting = []
    // On the actor, so that no job is answered before it waits: ThreadSanitizer does not see how the
    // runtime orders the two.
    Task {
      do {
        let results = try await self.crystal.sums(
          requests.map(\.points), self.loops, threads: self.threads)
        for (result, (_, reply)) in zip(results, requests) { reply.resume(with: result) }
      } catch {
        for (_, reply) in requests { reply.resume(throwing: error) }
      }
    }
  }
}
