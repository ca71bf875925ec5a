// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals

/// A response of a collinear magnet with orbitals; p are weights of its orbitals, 1 for those that count.
public enum CollinearResponse: Hashable, Sendable {
  /// The spin density, O = p: K^xx with the field's component x, K^xy with y.
  case spin(SpinComponent, [Double])
  /// The exchange torque i[H_ex, s] without its z x: O = {p, Delta_k}/2.
  case torque(SpinComponent, [Double])
  /// The torque on the moments, with the gauge field of exchange that sits on bonds.
  case moment(SpinComponent, [Double])
  /// Pi_u[w_i]: the current of one spin along i, with the velocity that both spins share.
  case current(Spin)
  /// Pi_u[v^u_i], whose conductivity is i [Pi(omega) - Pi(0)]/omega.
  case conduction(Spin)

  /// What it is made of.
  package var terms: [(factor: ComplexDouble, loop: CollinearLoop)] {
    func both(_ component: SpinComponent, _ measured: CollinearLoop.Measured) -> [(
      ComplexDouble, CollinearLoop
    )] {
      // K^xx = (K_+ + K_-)/2, K^xy = i (K_+ - K_-)/2.
      Spin.allCases.map { u in
        (
          component == .x ? ComplexDouble(0.5) : ComplexDouble(0, u.sign / 2),
          .transverse(u, measured)
        )
      }
    }
    switch self {
    case .spin(let component, let p): return both(component, .spin(p))
    case .torque(let component, let p): return both(component, .torque(p))
    case .moment(let component, let p):
      let own: [(ComplexDouble, CollinearLoop)] = Spin.allCases.map { u in
        component == .x
          ? (ComplexDouble(0.5), .longitudinal(u, .torque(p)))
          : (ComplexDouble(u.sign / 4), .longitudinal(u, .precession(p)))
      }
      return both(component, .torque(p)) + own
    case .current(let u): return [(1, .longitudinal(u, .gauge))]
    case .conduction(let u): return [(1, .longitudinal(u, .velocity))]
    }
  }
}

/// Responses of a collinear magnet with orbitals at constant lifetime, by sums over real wave vectors.
///
///     K(omega) of <O> = -q K A_r,i A^em_j
///
/// `full` loops of docs/conventions.md, general form: both spins in their own bands, no word on sublattices. Units: e = hbar = 1,
/// per volume (area, length) of the cell. Accuracy: `tolerance` of each part of K(omega) - K(0) and K(0), with
/// the floors of ``Spectrum``; each comes with a bound.
public struct CollinearSpectrum: Sendable {
  /// K(0) and K(omega) - K(0) of one response.
  public struct Column: Sendable {
    /// K(0).
    public let staticPart: Estimate
    /// [K(omega) - K(0)]/omega, at omega = 0 the derivative.
    public let quotients: [Estimate]
  }

  /// In the order of the responses.
  public let columns: [Column]
  /// The points along each reciprocal vector of the finest grid.
  public let divisions: Int

  /// Computes the responses.
  /// - Throws: `NonConvergence`, which names the response and omega; `CancellationError`.
  public init(
    _ model: OrbitalModel, mu: Double, temperature: Double, broadening: Double, omegas: [Double],
    directions: Directions, responses: [CollinearResponse], tolerance: Double = 1e-6,
    threads: Int = 1
  ) async throws {
    let terms = responses.map(\.terms)
    var loops: [CollinearLoop] = []
    for (_, loop) in terms.joined() where !loops.contains(loop) { loops.append(loop) }
    let bound = model.energyBound
    let reach = omegas.map(abs).max() ?? 0
    let own = CollinearLoops(
      loops, omegas: omegas, mu: mu,
      line: FermiLogarithm(
        temperature: temperature, broadening: broadening, reach: bound + abs(mu) + reach))
    let matrices = BlochMatrices(model, directions)
    // Levels are rounded by some 1e-16 of the largest, sums change with them on the scale of Gamma.
    let noise = 2e-14 + 4e-15 * (bound + abs(mu) + reach) / broadening
    let refinement = GridRefinement(
      resolution: model.resolution(broadening), dimension: model.dimension, name: "zone of orbitals"
    )
    var roundings = [[Double]](repeating: [], count: omegas.count + 1)
    let outcomes = try await refinement.run(groups: omegas.count + 1) { divisions, groups in
      let sum = try await CollinearSpectrum.sum(
        matrices, own, model.dimension, divisions, threads: threads)
      let norm = 1 / model.cellVolume
      let all = groups.map { g in
        terms.map { terms in
          terms.reduce(into: (value: ComplexDouble.zero, size: 0.0, rounding: 0.0)) { total, term in
            let n = loops.firstIndex(of: term.loop)!
            let at = n * omegas.count + g - 1
            total.value +=
              term.factor * (g == 0 ? sum.statics[n] : sum.quotients[at]).multiplied(by: norm)
            total.size +=
              term.factor.length * (g == 0 ? sum.staticSizes[n] : sum.sizes[at]) * norm
            if g > 0 { total.rounding += term.factor.length * sum.rounding[at] * norm }
          }
        }
      }
      let level = GridRefinement.Level(
        values: all.map { $0.map(\.value) }, scales: all.map { $0.map(\.size) },
        rounding: all.map { $0.map { noise * $0.size + $0.rounding } })
      for (g, rounding) in zip(groups, level.rounding) { roundings[g] = rounding }
      return level
    } allowed: { g, values, scales in
      values.indices.map {
        Tolerance(tolerance).allowed(
          values[$0], scale: scales[$0], rounding: roundings[g][$0])
      }
    }
    for (g, outcome) in outcomes.enumerated() {
      if let failure = outcome.failure {
        throw NonConvergence(
          label: "\(responses[failure]) at "
            + (g == 0 ? "omega = 0, static part" : "omega = \(omegas[g - 1])"),
          estimate: outcome.worst(failure).estimate, allowed: outcome.worst(failure).allowed,
          divisions: outcome.divisions)
      }
    }
    divisions = outcomes.map(\.divisions).max()!
    columns = responses.indices.map { r in
      Column(
        staticPart: outcomes[0].estimates[r],
        quotients: outcomes.dropFirst().map { $0.estimates[r] })
    }
  }

  /// The mean over the grid; rows of it are dealt to the threads, and added in order.
  private static func sum(
    _ matrices: BlochMatrices, _ loops: CollinearLoops, _ dimension: Int, _ divisions: Int,
    threads: Int
  ) async throws -> CollinearLoops.Values {
    let jobs = min(divisions, 64)
    @Sendable func points(
      _ sum: BlochMatrices.Sum, _ left: Int, _ values: inout CollinearLoops.Values
    ) {
      guard left > 0 else { return loops.add(sum, matrices.count, to: &values) }
      for n in 0..<divisions {
        points(matrices.sum(sum, at: Double(n) / Double(divisions)), left - 1, &values)
      }
    }
    let parts = try await WorkProgress.stage(
      "grid \(divisions)^\(dimension)", unit: "rows", of: divisions, isEven: true
    ) { stage in
      try await parallelMap(jobs, threads: threads) { job in
        var values = loops.noValues
        for n in stride(from: job, to: divisions, by: jobs) {
          let row = matrices.sum(matrices.unsummed, at: Double(n) / Double(divisions))
          points(row, dimension - 1, &values)
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
}
