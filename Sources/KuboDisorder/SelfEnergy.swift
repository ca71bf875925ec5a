// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import KuboZoneSums
import RealModule

/// The self-energy of a model with impurities at one energy, and the density of states.
///
///     scba: Sigma_s(z) = gamma avg 1/(z - E_s - Sigma_s(z))
///     site: Sigma(z) = gamma avg G(z), its part diagonal in site and spin, Sigma_0 + Sigma_3 rho_3 sigma_z
///
/// avg is the average over the zone, gamma = n_i u_i^2. Source: docs/ladder.md; the impurities of the
/// paper's V_imp below (7). Units: self-energies in energy units, densities per cell and energy unit.
public struct SelfEnergy: Sendable {
  /// The complex energy, from zero.
  public let energy: ComplexDouble
  /// `scba`: Sigma_s of the bonding and the antibonding band; `site`: Sigma_0 and Sigma_3.
  public let values: (first: ComplexDouble, second: ComplexDouble)
  /// Bounds on the errors of the values: the change from the last coarser grid.
  public let error: Double
  /// How well the equation is solved, |Sigma - gamma avg G|, on the finest grid.
  public let residual: Double
  /// -(1/pi) Im avg tr G per unit cell and energy; `scba`: of the two degenerate bonding states and
  /// of the antibonding ones; `site`: of all states on A with spin up (and on B with spin down), and
  /// of those on B with spin up (and A, down), both spins counted.
  public let density: (first: Double, second: Double)
  /// A bound on the error of the densities.
  public let densityError: Double
  /// Points along each reciprocal vector of the finest grid.
  public let divisions: Int

  /// The names of the two values and of the two densities.
  public static func names(_ impurities: Impurities) -> (
    values: (String, String), densities: (String, String)
  ) {
    switch impurities {
    case .scba: (("Sigma_bonding", "Sigma_antibonding"), ("dos_bonding", "dos_antibonding"))
    case .site: (("Sigma_0", "Sigma_3"), ("dos_A_up", "dos_B_up"))
    }
  }

  /// Why there is no value at an energy.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    /// One line for a message.
    public let description: String
  }

  /// 201 real energies over all bands and the tails that impurities give them, in energy units:
  ///
  ///     E_n = n/100 (bound of |E_s| + 2 sqrt(gamma)),   n = -100 ... 100
  ///
  /// A self-energy of strength gamma moves no edge by more than 2 sqrt(gamma); docs/ladder.md.
  public static func axis(_ model: Model, _ lifetime: Lifetime) -> [Double] {
    guard let (_, gamma) = lifetime.impurities else { return [] }
    let reach = model.energyBound + 2 * gamma.squareRoot()
    return (-100...100).map { reach * Double($0) / 100 }
  }

  /// The self-energies at `energies`, Im >= 0, in energy units; each value within `tolerance` times the largest
  /// |Sigma| that impurities of this strength can make, 2 sqrt(gamma).
  /// - Throws: `RequestError`, `NonConvergence`, ``SelfEnergyFailure``.
  public static func values(
    model: Model, lifetime: Lifetime, energies: [ComplexDouble], tolerance: Double = 1e-9,
    threads: Int = 1
  ) async throws -> [SelfEnergy] {
    guard energies.allSatisfy({ $0.isFinite && $0.imaginary >= 0 }) else {
      throw RequestError("energy", found: "Im z < 0", expected: "finite energies with Im z >= 0")
    }
    let crystal = try crystal(model, lifetime, threads)
    return try await parallelMap(energies.count, threads: threads) {
      try await crystal.selfEnergy(energies[$0], tolerance: tolerance)
    }
  }

  /// The self-energies at real `energies`, or why there is none.
  /// - Throws: `RequestError`, `CancellationError`.
  public static func attempts(
    model: Model, lifetime: Lifetime, energies: [Double], tolerance: Double, threads: Int
  ) async throws -> [Result<SelfEnergy, Failure>] {
    let crystal = try crystal(model, lifetime, threads)
    return try await WorkProgress.stage(
      "self-energies", unit: "energies", of: energies.count
    ) { stage in
      try await parallelMap(energies.count, threads: threads) { n in
        defer { stage?.advance() }
        do {
          return .success(
            try await crystal.selfEnergy(ComplexDouble(energies[n]), tolerance: tolerance))
        } catch let error as CancellationError {
          throw error
        } catch {
          return .failure(Failure(description: "\(error)"))
        }
      }
    }
  }

  private static func crystal(_ model: Model, _ lifetime: Lifetime, _ threads: Int) throws
    -> ImpurityCrystal
  {
    guard let (impurities, gamma) = lifetime.impurities else {
      throw RequestError(
        "lifetime", found: lifetime.description, expected: "scba=GAMMA or site=GAMMA")
    }
    guard gamma > 0, gamma.isFinite else {
      throw RequestError("lifetime", found: lifetime.description, expected: "a number above 0")
    }
    return ImpurityCrystal(
      model, impurities, gamma, directions: Directions(i: 0, j: 0),
      traces: .energies(model, impurities), threads: threads)
  }
}

extension ImpurityCrystal {
  package func selfEnergy(_ z: ComplexDouble, tolerance: Double) async throws -> SelfEnergy {
    let found = try await converged(z, tolerance: tolerance)
    let density = densities(found.averages)
    let before = densities(found.averagesBefore)
    return SelfEnergy(
      energy: z, values: equation.selfEnergies(found.x, z), error: found.change + found.residual,
      residual: found.residual, density: density,
      densityError: max(abs(density.0 - before.0), abs(density.1 - before.1)),
      divisions: found.divisions)
  }

  /// The state at z to about 1e-9 of the bandwidth.
  package func exact(_ z: ComplexDouble) async throws -> (x: DressedState, divisions: Int) {
    let result = try await converged(z, tolerance: 1e-9)
    return (result.x, result.divisions)
  }

  /// avg tr G of all four states of the cell, and a bound on its error: the change from the last coarser grid.
  package func trace(_ z: ComplexDouble, tolerance: Double) async throws -> (
    value: ComplexDouble, error: Double, divisions: Int
  ) {
    let found = try await converged(z, tolerance: tolerance)
    func sum(_ g: Averages) -> ComplexDouble {
      // Each band twice; with Sigma_3 the second parts have opposite signs on A and B.
      equation.impurities == .scba
        ? (g.first + g.second).multiplied(by: 2) : g.first.multiplied(by: 4)
    }
    let value = sum(found.averages)
    return (value, (value - sum(found.averagesBefore)).length, found.divisions)
  }

  /// `scba`: avg g_s of both bands; `site`: the parts of avg G with 1 and with rho_3 sigma_z.
  private typealias Averages = (first: ComplexDouble, second: ComplexDouble)

  private func converged(_ z: ComplexDouble, tolerance: Double) async throws -> (
    x: DressedState, residual: Double, change: Double, averages: Averages,
    averagesBefore: Averages, divisions: Int
  ) {
    var start = try await approximate(z)
    var grid = try await grid(start, nats: -Double.log(tolerance))
    var last: (x: DressedState, averages: Averages)?
    // Five levels are a factor of two in the grid.
    let end = min(lastLevel(grid.zone, hasSlots: false), grid.level + 5)
    while grid.level <= end {
      let table = try await table(grid, hasSlots: false)
      if let (x, residual) = polished(start, z: z, on: table) {
        let averages = equation.averages(table, x)
        if let last {
          let change = x.distance(to: last.x)
          if change <= tolerance * 2 * equation.gamma.squareRoot() {
            return (x, residual, change, averages, last.averages, table.divisions)
          }
        }
        last = (x, averages)
        start = x
      } else {
        last = nil
      }
      grid.level += 1
    }
    throw NonConvergence(
      label: "self-energy at z = \(z.real) + \(z.imaginary) i", estimate: .infinity,
      allowed: tolerance, divisions: levels[end])
  }

  private func densities(_ g: Averages) -> (Double, Double) {
    let (a, b) = g
    switch equation.impurities {
    case .scba: return (-2 * a.imaginary / .pi, -2 * b.imaginary / .pi)
    case .site:
      return (-2 * (a + b).imaginary / .pi, -2 * (a - b).imaginary / .pi)
    }
  }

  /// Solves the equation at evenly spaced real energies between `low` and `high`, for later starts,
  /// and finds the edges: energies where one of the self-energies begins or ceases to have an
  /// imaginary part. Near an edge it grows as a square root, and its square is a straight line.
  package mutating func makeSurvey(from low: Double, to high: Double, threads: Int) async throws
    -> [Double]
  {
    let (a, b) = (max(low, -width), min(high, width))
    guard a < b else { return [] }
    let count = 400
    let plain = self
    survey = try await WorkProgress.stage(
      "survey of self-energies", unit: "energies", of: count + 1
    ) { stage in
      try await parallelMap(count + 1, threads: threads) { n in
        defer { stage?.advance() }
        let e = a + (b - a) * Double(n) / Double(count)
        let state = try await plain.approximate(ComplexDouble(e))
        return (e, state, try? await plain.grid(state, nats: 7))
      }
    }
    func squares(_ x: DressedState) -> [Double] {
      x.energies.map { max(0, $0.imaginary) * max(0, $0.imaginary) }
    }
    let least = 1e-16 * width * width
    var found: [Double] = []
    for n in 1...count {
      let (last, next) = (squares(survey[n - 1].state), squares(survey[n].state))
      for c in next.indices where (last[c] > least) != (next[c] > least) {
        let isRising = next[c] > least
        // `inside` has an imaginary part, `outside` none.
        var inside = survey[isRising ? n : n - 1].energy
        var outside = survey[isRising ? n - 1 : n].energy
        for _ in 0..<8 {
          let middle = (inside + outside) / 2
          let x = try await plain.approximate(ComplexDouble(middle))
          if squares(x)[c] > least { inside = middle } else { outside = middle }
        }
        found.append(try await plain.edge(near: outside, isRising: isRising) { squares($0)[c] })
      }
    }
    return found.sorted()
  }

  /// Where `square`, (Im Sigma)^2 of what has an edge close to `start`, begins or ends: a parabola
  /// through three points inside, twice, the second time closer.
  private func edge(
    near start: Double, isRising: Bool, _ square: (DressedState) -> Double
  ) async throws -> Double {
    var edge = start
    for distance in [1e-3 * width, 2e-4 * width] {
      let step = isRising ? distance : -distance
      var y: [Double] = []
      for n in 1...3 {
        let z = ComplexDouble(edge + step * Double(n))
        guard let near = try? await approximate(z),
          let grid = try? await grid(near, nats: 12),
          let state = refined(
            near, z: z, on: try await table(grid, hasSlots: false))
        else { return edge }
        y.append(square(state))
      }
      // In units of the step from the last edge: zero of a + b t + c t^2.
      let c = (y[2] - 2 * y[1] + y[0]) / 2
      let b = y[1] - y[0] - 3 * c
      let a = y[0] - b - c
      guard b > 0, b * b > 4 * a * c else { return edge }
      let t = -2 * a / (b + (b * b - 4 * a * c).squareRoot())
      guard abs(t) < 3 else { return edge }
      edge += step * t
    }
    return edge
  }

  /// Real energies of the survey where the propagators are at a critical point of a band, so that
  /// the averages change within the width of a level: Re(zeta_s - E_s) = 0 there, and for `site`
  /// Re[zeta - T -+ (|eta|^2 + j^2)^(1/2)] = 0.
  package func criticalEnergies(_ model: Model, besides edges: [Double]) -> [Double] {
    var found: [Double] = []
    let hamiltonian = BlochHamiltonian(model, directions: Directions(i: 0, j: 0))
    for (k, s) in model.criticalPoints() {
      let frame = hamiltonian.frame(at: WaveVector(k))
      func distance(_ x: DressedState) -> Double {
        x.distance(
          to: s, hopping: frame.hopping, square: frame.eta * frame.etabar, exchange: model.exchange
        ).real
      }
      for (last, next) in zip(survey, survey.dropFirst()) {
        let (a, b) = (distance(last.state), distance(next.state))
        guard (a < 0) != (b < 0) else { continue }
        let energy = last.energy + (next.energy - last.energy) * a / (a - b)
        let width = next.state.levelWidth(s)
        // One is enough where levels overlap, and where a band begins with a square root.
        if (found + edges).allSatisfy({ abs($0 - energy) > width }) { found.append(energy) }
      }
    }
    return found.sorted()
  }

  /// How far the band s, impurities included, is from the energy `mu` in its gap.
  package func distanceToBand(_ s: Band, from mu: Double) async throws -> Double {
    let count = 400
    var nearest = Double.infinity
    for n in 0...count {
      let e = -width + 2 * width * Double(n) / Double(count)
      // Where no solution is found, next to an edge, there may be a level.
      let isInside: Bool
      do {
        isInside = try await approximate(ComplexDouble(e)).levelWidth(s) > 1e-8 * width
      } catch is SelfEnergyFailure {
        isInside = true
      }
      if isInside { nearest = min(nearest, abs(e - mu)) }
    }
    return max(0, nearest - 2 * width / Double(count))
  }
}
