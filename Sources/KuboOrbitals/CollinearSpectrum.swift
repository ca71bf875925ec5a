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
  /// The torque on the moments, with the gauge field of exchange that sits on bonds:
  ///
  ///     K^xx[{p, Delta}/2] + (1/2) sum_u Pi_u[{p, d_i Delta}/2]
  ///     K^xy[{p, Delta}/2] + (1/4) sum_u u Pi_u[i [p, d_i Delta]]
  case moment(SpinComponent, [Double])
  /// Pi_u[w_i]: the current of one spin along i, with the velocity that both spins share.
  case current(Spin)
  /// Pi_u[v^u_i], whose conductivity is i [Pi(omega) - Pi(0)]/omega.
  case conduction(Spin)

  /// The weights of orbitals, if there are.
  var weights: [Double]? {
    switch self {
    case .spin(_, let p), .torque(_, let p), .moment(_, let p): p
    case .current, .conduction: nil
    }
  }

  /// As in `torque.xy of A, B` or `current.up`, for messages.
  func label(_ model: OrbitalModel) -> String {
    func label(_ name: String, _ component: SpinComponent, _ p: [Double]) -> String {
      let own = zip(model.orbitals, p).filter { $0.1 != 0 }.map {
        ($0.1 == 1 ? "" : "\(significant($0.1)) ") + $0.0.name
      }
      return "\(name).x\(component.rawValue) of \(own.joined(separator: ", "))"
    }
    switch self {
    case .spin(let component, let p): return label("spin", component, p)
    case .torque(let component, let p): return label("torque", component, p)
    case .moment(let component, let p): return label("moment", component, p)
    case .current(let u): return "current.\(u)"
    case .conduction(let u): return "conduction.\(u)"
    }
  }

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
/// per volume (area, length) of the cell. Accuracy: `tolerance` of each part of [K(omega) - K(0)]/omega and of
/// K(0), with 1e-4 of its modulus and 1e-6 of the sum over k of its absolute terms as the floors; each comes with a
/// bound.
public struct CollinearSpectrum: Sendable {
  /// K(0) and [K(omega) - K(0)]/omega of one response.
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
  /// - Throws: `RequestError` for what makes no sense; `NonConvergence`, at once where the grids would take hours, which
  ///   names the response and omega; `CancellationError`.
  public init(
    _ model: OrbitalModel, mu: Double, temperature: Double, broadening: Double, omegas: [Double],
    directions: Directions, responses: [CollinearResponse], tolerance: Double = 1e-6,
    threads: Int = 1
  ) async throws {
    try CollinearSpectrum.check(
      model, mu, temperature, broadening, omegas, directions, responses, tolerance)
    let terms = responses.map(\.terms)
    var loops: [CollinearLoop] = []
    for (_, loop) in terms.joined() where !loops.contains(loop) { loops.append(loop) }
    let bound = model.energyBound
    let reach = omegas.map(abs).max() ?? 0
    let line = FermiLogarithm(
      temperature: temperature, broadening: broadening, reach: bound + abs(mu) + reach)
    let matrices = BlochMatrices(model, directions)
    // Levels are rounded by some 1e-16 of the largest, sums change with them on the scale of Gamma.
    let noise = ([0] + omegas.map(abs)).map {
      2e-14 + 4e-16 * model.harmonics + 4e-15 * (bound + abs(mu) + $0) / broadening
    }
    // What takes some minutes.
    let refinement = GridRefinement(
      resolution: model.resolution(broadening), dimension: model.dimension,
      pointLimit: 10_000_000, name: "zone of orbitals")
    // Ten times as fine is what a few digits take; without that there is nothing to hope for.
    let needed = 10 * refinement.resolution
    guard (0..<model.dimension).reduce(1.0, { n, _ in n * needed }) <= Double(refinement.pointLimit)
    else {
      throw NonConvergence(
        label: "\(model.name)", estimate: .infinity, allowed: 0, divisions: Int(min(1e9, needed)))
    }
    var roundings = [[Double]](repeating: [], count: omegas.count + 1)
    let outcomes = try await refinement.run(groups: omegas.count + 1) { divisions, groups in
      let dynamic = groups.filter { $0 > 0 }
      let own = CollinearLoops(loops, omegas: dynamic.map { omegas[$0 - 1] }, mu: mu, line: line)
      let sum = try await CollinearSpectrum.sum(
        matrices, own, model.dimension, divisions, threads: threads)
      let norm = 1 / model.cellVolume
      var level = GridRefinement.Level(values: [], scales: [], rounding: [])
      for g in groups {
        var values: [ComplexDouble] = []
        var (scales, rounding): ([Double], [Double]) = ([], [])
        for terms in terms {
          var (value, size, lost) = (ComplexDouble.zero, 0.0, 0.0)
          for (factor, loop) in terms {
            let row = g == 0 ? 0 : dynamic.firstIndex(of: g)! + 1
            let n = loops.firstIndex(of: loop)! * own.rows + row
            value += factor * sum.values[n]
            size += factor.length * sum.sizes[n]
            lost += factor.length * sum.rounding[n]
          }
          values.append(value.multiplied(by: norm))
          scales.append(size * norm)
          rounding.append((noise[g] * size + lost) * norm)
        }
        level.values.append(values)
        level.scales.append(scales)
        level.rounding.append(rounding)
        roundings[g] = rounding
      }
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
          label: "\(responses[failure].label(model)) at "
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

  /// Refuses what cannot be computed.
  private static func check(
    _ model: OrbitalModel, _ mu: Double, _ temperature: Double, _ broadening: Double,
    _ omegas: [Double], _ directions: Directions, _ responses: [CollinearResponse],
    _ tolerance: Double
  ) throws {
    func require(_ holds: Bool, _ subject: String, _ found: String, _ expected: String) throws {
      guard holds else { throw RequestError(subject, found: found, expected: expected) }
    }
    let bound = model.energyBound
    for (name, value) in [("mu", mu), ("temperature", temperature)] + omegas.map({ ("omega", $0) })
    {
      try RequestError.check(name, value, bands: bound)
    }
    try require(temperature >= 0, "temperature", "\(temperature)", "a number, 0 or more")
    try require(
      broadening > 0 && broadening.isFinite, "broadening", "\(broadening)", "a number above 0")
    try RequestError.check("broadening", broadening, bands: bound)
    try require(
      tolerance > 0 && tolerance < 1, "tolerance", "\(tolerance)", "a number between 0 and 1")
    let axes = 0..<model.dimension
    try require(
      axes.contains(directions.i) && axes.contains(directions.j), "direction",
      directions.description, "axes of a model in \(model.dimension) dimensions")
    try require(!responses.isEmpty, "responses", "none", "at least one")
    for p in responses.compactMap(\.weights) {
      try require(
        p.count == model.orbitals.count && p.allSatisfy(\.isFinite), "weights of orbitals", "\(p)",
        "\(model.orbitals.count) finite numbers")
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
        points(matrices.sum(sum, at: n, of: divisions), left - 1, &values)
      }
    }
    let parts = try await WorkProgress.stage(
      "grid \(divisions)^\(dimension)", unit: "rows", of: divisions, isEven: true
    ) { stage in
      try await parallelMap(jobs, threads: threads) { job in
        var values = loops.noValues
        for n in stride(from: job, to: divisions, by: jobs) {
          let row = matrices.sum(matrices.unsummed, at: n, of: divisions)
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
