// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// A pair of energies and how its loops count in an integrand:
/// direct F(z1, z2) + reflected F(z1*, z2*), with F at an advanced z2 if `isAdvanced`.
struct EnergyPair: Sendable {
  /// Energies above or on the real axis, from zero (not from mu).
  var z1, z2: ComplexDouble
  /// Whether z2 stands for its complex conjugate, g for the advanced propagator.
  var isAdvanced = false
  var direct, reflected: ComplexDouble
}

/// A combination of loops at some energies, one point of an energy integral.
struct EnergyPoint: Sendable {
  var pairs: [EnergyPair]
  /// The errors that the zone averages may have, per output; if nil, 1e-2 of the scales.
  var allowed: [Double]?
}

/// The value of an ``EnergyPoint`` with a bound on its zone error, per output.
struct PairSum: Sendable {
  var values: [ComplexDouble]
  var errors: [Double]
  var scales: [Double]
  var divisions: Int
}

extension ImpurityCrystal {
  /// A point on its way to finer grids.
  private struct Progress {
    let index: Int
    let point: EnergyPoint
    /// The energies that occur, and the propagators there on the last grid.
    let energies: [ComplexDouble]
    var states: [DressedEnergy]
    var level: Int
    var last: PairSum?
    var scales: [Double]?
    /// The energies at which a grid did not have the physical self-energy.
    var failures: [ComplexDouble] = []

    init(_ index: Int, _ point: EnergyPoint, _ crystal: ImpurityCrystal) async throws {
      self.index = index
      self.point = point
      var energies: [ComplexDouble] = []
      for pair in point.pairs {
        for z in [pair.z1, pair.z2] where !energies.contains(z) { energies.append(z) }
      }
      self.energies = energies
      states = []
      for z in energies { states.append(try await crystal.approximate(z)) }
      level = try crystal.level(states, nats: 6)
    }

    /// The pairs of propagators, in order.
    var pairs: [(DressedEnergy, DressedEnergy)] {
      point.pairs.map { pair in
        let x2 = states[energies.firstIndex(of: pair.z2)!]
        return (states[energies.firstIndex(of: pair.z1)!], pair.isAdvanced ? x2.conjugate : x2)
      }
    }

    mutating func total(_ values: ArraySlice<PairValue>, _ divisions: Int) -> PairSum {
      let count = values.first!.direct.count
      var total = PairSum(
        values: Array(repeating: .zero, count: count), errors: [],
        scales: Array(repeating: 0, count: count), divisions: divisions)
      for (pair, value) in zip(point.pairs, values) {
        let size = max(pair.direct.length, pair.reflected.length)
        for o in 0..<count {
          total.values[o] += pair.direct * value.direct[o]
          total.values[o] += pair.reflected * value.reflected[o].conjugate
          if scales == nil { total.scales[o] += size * value.scales![o] }
        }
      }
      if let scales { total.scales = scales } else { scales = total.scales }
      return total
    }
  }

  /// The values of `points`, each on ever finer grids until the zone errors are as small as allowed
  /// or 1e-13 of the scales.
  ///
  /// On each grid the self-energies are solved anew, so that the difference d of two grids of N_1 < N_2
  /// points a direction holds that of the self-energy too. The sums converge at least as exp(-c N),
  /// with c from the strip of complex k in which the propagators are analytic, and the error of the
  /// finer grid is stated as 2 d exp(-c (N_2 - N_1)).
  /// - Throws: ``NonConvergence``, ``SelfEnergyFailure``.
  func sums(_ points: [EnergyPoint], _ loops: PairLoops) async throws -> [PairSum] {
    var results = [PairSum?](repeating: nil, count: points.count)
    var active: [Progress] = []
    for (n, point) in points.enumerated() { active.append(try await Progress(n, point, self)) }
    // As many pairs at a time as keep their sums in the processor's cache.
    let batch = 8
    while let level = active.map(\.level).min() {
      guard level <= lastLevel else {
        throw NonConvergence(
          label:
            "zone average at z = \(active[0].energies.map { "\(significant($0.real)) + \(significant($0.imaginary)) i" }.joined(separator: ", "))",
          estimate: .infinity, allowed: 0, divisions: GridLevels.divisions[lastLevel])
      }
      let table = try await tables.table(level)
      var chosen = active.indices.filter { active[$0].level == level }
      chosen.removeAll { n in
        for (m, z) in active[n].energies.enumerated() {
          guard let refined = refined(active[n].states[m], z: z, on: table) else {
            active[n].level += 1
            active[n].last = nil
            active[n].failures.append(z)
            return true
          }
          active[n].states[m] = refined
        }
        return false
      }
      for progress in active where progress.failures.count > 4 {
        throw SelfEnergyFailure(
          energy: progress.failures.last!,
          reason: "not found on grids up to \(table.divisions) points along each reciprocal vector")
      }
      let pairs = chosen.flatMap { active[$0].pairs }
      var values: [PairValue] = []
      // The scales hardly depend on the grid: the first one gives them.
      let withScales = chosen.contains { active[$0].scales == nil }
      for start in stride(from: 0, to: pairs.count, by: batch) {
        values += loops.values(
          table, Array(pairs[start..<min(pairs.count, start + batch)]), withScales: withScales)
      }
      var next = 0
      for n in chosen {
        let count = active[n].point.pairs.count
        let total = active[n].total(values[next..<(next + count)], table.divisions)
        next += count
        if let done = advance(&active[n], total) { results[active[n].index] = done }
      }
      active.removeAll { results[$0.index] != nil }
    }
    return results.map { $0! }
  }

  /// Takes the sum on a further grid into account; returns it if it is good enough, and chooses the
  /// next grid otherwise.
  private func advance(_ progress: inout Progress, _ total: PairSum) -> PairSum? {
    let allowed = total.scales.indices.map {
      max(progress.point.allowed?[$0] ?? 1e-2 * total.scales[$0], 1e-13 * total.scales[$0])
    }
    let rate = progress.states.reduce(Double.infinity) { min($0, self.rate($1)) }
    var missing: Double
    if let coarse = progress.last {
      let gain = 2 * Double.exp(-rate * Double(total.divisions - coarse.divisions))
      var result = total
      result.errors = total.values.indices.map {
        (total.values[$0] - coarse.values[$0]).length * gain + 1e-15 * total.scales[$0]
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
    progress.level =
      GridLevels.divisions.firstIndex { Double($0) >= wanted && $0 > total.divisions }
      ?? lastLevel + 1
    return nil
  }
}
