// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import KuboLattice
import KuboLoops
import KuboOrbitals
import KuboTestSupport
import Testing

/// Eight magnets with impurities of `data/reference/collinear_ladder.json`, whose loops come from a program of its own.
struct LadderCase: Decodable, Sendable, CustomTestStringConvertible {
  let model: CollinearCase.Magnet
  let mu, T: Double
  let g0, gz, gp, omega: [Double]
  let direction_ij: [Int]
  let bare, ladder: [String: [[Double]]]
  let grid_error, energy_error: Double

  var testDescription: String { "\(model.name), gz \(gz)" }

  static let all: [LadderCase] = {
    struct File: Decodable { let cases: [LadderCase] }
    let path = "\(repository)/data/reference/collinear_ladder.json"
    return try! JSONDecoder().decode(File.self, from: Data(contentsOf: URL(filePath: path))).cases
  }()

  var impurities: OrbitalImpurities {
    OrbitalImpurities(scalar: g0, longitudinal: gz, transverse: gp)
  }

  /// As in `torque.orbital1.xy`.
  func response(_ key: String) -> ImpurityResponse {
    let words = key.split(separator: ".").map(String.init)
    let n = model.positions.count
    if words[0] == "Pi" { return .plain(.current(words[1] == "up" ? .up : .down)) }
    var p = [Double](repeating: 1, count: n)
    if words.count == 3 {
      let own = Int(words[1].dropFirst("orbital".count))!
      p = (0..<n).map { $0 == own ? 1 : 0 }
    }
    let component: SpinComponent = words.last == "xx" ? .x : .y
    return .plain(words[0] == "spin" ? .spin(component, p) : .torque(component, p))
  }

  func spectrum(
    _ responses: [ImpurityResponse], isDressed: Bool = true, omegas: [Double]? = nil,
    tolerance: Double = 1e-6, threads: Int = 2
  ) async throws -> ImpuritySpectrum {
    try await ImpuritySpectrum(
      model.model(), impurities, mu: mu, temperature: T, omegas: omegas ?? omega,
      directions: Directions(i: direction_ij[0], j: direction_ij[1]), responses: responses,
      isDressed: isDressed, tolerance: tolerance, threads: threads)
  }
}

@Suite struct CollinearLadderTests {
  /// Chains take seconds, planes minutes.
  static let cases = LadderCase.all.filter { areTestsLong || $0.model.cell.count == 1 }

  /// Bare loops know impurities by their self-energy alone, in which spins count as the rest does.
  static let casesAndDressings: [(LadderCase, isDressed: Bool)] = cases.flatMap { own in
    let hasSpins = own.gz != own.gz.map { _ in 0 }
    return (hasSpins || areTestsLong ? [false, true] : [true]).map { (own, $0) }
  }

  /// Each value within 1e-6 of the largest of its loop and its own bound, besides what the reference leaves: its grid's and its
  /// energy integral's error.
  @Test(arguments: casesAndDressings)
  func loops(_ reference: LadderCase, isDressed: Bool) async throws {
    let loops = isDressed ? reference.ladder : reference.bare
    let keys = loops.keys.filter { !$0.hasPrefix("relaxation") }.sorted()
    var responses = keys.map(reference.response)
    if isDressed { responses += [.relaxation(.x), .relaxation(.y)] }
    let spectrum = try await reference.spectrum(responses, isDressed: isDressed)
    let left = reference.grid_error + reference.energy_error
    func value(_ n: Int, _ w: Int) -> (ComplexDouble, Double) {
      let (fixed, own) = (spectrum.columns[n].staticPart!, spectrum.columns[n].quotients[w]!)
      let omega = reference.omega[w]
      return (fixed.value + own.value.multiplied(by: omega), fixed.error + own.error * omega)
    }
    for (w, omega) in reference.omega.enumerated() {
      func compare(_ key: String, _ found: ComplexDouble, _ bound: Double) {
        let right = loops[key]!.map { ComplexDouble($0[0], $0[1]) }
        let largest = right.map(\.length).max()!
        let off = (found - right[w]).length
        #expect(off <= 1e-6 * largest + left + 1e-14, "\(key) \(omega): \(off) of \(largest)")
        #expect(off <= 1.5 * bound + left + 1e-14, "\(key) \(omega): \(off), bound \(bound)")
      }
      for (n, key) in keys.enumerated() {
        let (found, bound) = value(n, w)
        compare(key, found, bound)
      }
      guard isDressed else { continue }
      // R^x = (i/2)(Rel_+ + Rel_-), R^y = (Rel_+ - Rel_-)/2.
      let (x, y) = (value(keys.count, w), value(keys.count + 1, w))
      let sum = x.0 * ComplexDouble(0, -1)
      compare("relaxation.up", sum + y.0, x.1 + y.1)
      compare("relaxation.down", sum - y.0, x.1 + y.1)
    }
    // No response to a static uniform field, to bounds that say something.
    for column in spectrum.columns {
      #expect(column.staticPart!.value.length <= column.staticPart!.error)
      #expect(column.staticPart!.error <= 1e-7)
    }
  }
}

/// What holds exactly on every grid and at every pair of energies, whatever they are.
@Suite struct LadderIdentityTests {
  /// The rest r(z1, z2) of the continuity of spin in averages F at two energies,
  ///
  ///     r = (z1 - z2) F_u[1] + 2u F_u[Delta] - Pi_u + Pi_u' - Rel_u
  ///
  /// is a number that z2 gives less one that z1 gives, which the energy integral removes: r(a, b) + r(c, d) = r(a, d) + r(c, b).
  /// With what is static, at z1 = z2, it vanishes.
  @Test(arguments: LadderCase.all, [1.0, 0])
  func continuity(_ reference: LadderCase, spins: Double) async throws {
    let model = try reference.model.model()
    let n = model.orbitals.count
    // Other strengths on each orbital.
    let impurities = OrbitalImpurities(
      scalar: (0..<n).map { 0.3 + 0.1 * Double($0) },
      longitudinal: (0..<n).map { spins * (0.05 + 0.02 * Double($0)) },
      transverse: (0..<n).map { spins * (0.08 - 0.03 * Double($0)) })
    let ones = [Double](repeating: 1, count: n)
    let loops: [ImpurityLoop] = Spin.allCases.flatMap { u in
      [
        .plain(.transverse(u, .spin(ones))), .plain(.transverse(u, .torque(ones))),
        .plain(.longitudinal(u, .gauge)), .relaxation(u),
      ]
    }
    let upper = [ComplexDouble(-0.7, 0.4), ComplexDouble(-0.3, 0.9)]
    let real = [0, 0.3].map { ComplexDouble(reference.mu + $0) }
    let quartets: [[(z1: ComplexDouble, z2: ComplexDouble, isAdvanced: Bool)]] = [
      upper.flatMap { a in [0.1, 1].map { (a, ComplexDouble(0, $0), false) } },
      // At z1 = z2* charge does not decay.
      real.flatMap { a in [0.1, 0.45].map { (a, ComplexDouble(reference.mu + $0), true) } },
    ]
    let static1 = (upper + real).map { (z1: $0, z2: $0, isAdvanced: false) }
    let pairs = quartets.joined() + static1
    let found = try await ImpuritySpectrum.loops(
      loops, model, impurities,
      directions: Directions(i: reference.direction_ij[0], j: reference.direction_ij[1]),
      isDressed: true, divisions: model.dimension == 1 ? 240 : 48, pairs: pairs)
    for u in 0..<2 {
      func size(_ m: Int) -> Double { (0..<3).reduce(0) { $0 + found[m].sizes[4 * u + $1] } }
      func rest(_ m: Int, hasStatics: Bool) -> ComplexDouble {
        let values = zip(found[m].values, found[m].statics).map { hasStatics ? $0 + $1 : $0 }
        let pair = pairs[m]
        let z2 = pair.isAdvanced ? pair.z2.conjugate : pair.z2
        return (pair.z1 - z2) * values[4 * u]
          + values[4 * u + 1].multiplied(by: u == 0 ? 2 : -2)
          - values[4 * u + 2] + values[4 * (1 - u) + 2] - values[4 * u + 3]
      }
      for start in [0, 4] {
        let r = (start..<start + 4).map { rest($0, hasStatics: false) }
        let off = (r[0] + r[3] - r[1] - r[2]).length
        let size = (start..<start + 4).reduce(0) { $0 + size($1) }
        #expect(off <= 2e-14 * size, "quartet \(start), \(u): \(off) of \(size)")
        #expect(r.contains { $0.length > 1e-3 })
      }
      for m in 8..<12 {
        let off = rest(m, hasStatics: true).length
        #expect(off <= 2e-14 * size(m), "\(pairs[m].z1), \(u): \(off) of \(size(m))")
      }
      #expect((0..<8).contains { found[$0].values[4 * u + 3].length > 1e-3 } == (spins > 0))
      // A field that is uniform and static is a gauge: the sums over the zone vanish, once the grid is fine enough.
      for m in 8..<10 where model.dimension == 1 {
        for l in 0..<3 {
          let total = found[m].values[4 * u + l] + found[m].statics[4 * u + l]
          #expect(total.length <= 1e-12 * size(m), "\(pairs[m].z1), loop \(l): \(total)")
        }
      }
    }
  }

  /// Any number of threads gives the same bits.
  @Test func threads() async throws {
    let reference = LadderCase.all[5]
    func spectrum(_ threads: Int) async throws -> ImpuritySpectrum {
      try await reference.spectrum(
        [.plain(.torque(.y, [1, 0, 1])), .relaxation(.x)], omegas: [0.25], tolerance: 1e-2,
        threads: threads)
    }
    let (one, two) = (try await spectrum(1), try await spectrum(2))
    #expect(one.columns.map(\.quotients) == two.columns.map(\.quotients))
  }
}

/// The general route against the one for two sublattices, which shares no self-energy, trace or grid with it.
@Suite struct SiteTests {
  @Test(
    arguments: [("chain", 0.3, 0.02, -1.2)] + (areTestsLong ? [("square", 0.5, 0, -1.2)] : []),
    [Dressing.bare, .ladder])
  func agree(
    _ state: (name: String, gamma: Double, temperature: Double, mu: Double), dressing: Dressing
  ) async throws {
    let model = try shippedModel(state.name)
    let omegas = model.dimension == 1 ? [0, 0.3, 1.3] : [0.3]
    let tolerance = model.dimension == 1 ? 1e-5 : 1e-4
    let names = ["s_full", "Sigma_full", "sigma"]
    let fast = try await SpectrumRequest(
      model: model, mu: state.mu, temperature: state.temperature, lifetime: .site(state.gamma),
      omegas: omegas,
      columns: names.map { .init(response: Response($0)!, dressing: dressing) },
      diagrams: try shippedDiagrams(), tolerance: tolerance, threads: 2
    ).spectrum()
    #expect(fast.failures.isEmpty)
    let general = try await ImpuritySpectrum(
      OrbitalModel(model),
      OrbitalImpurities(scalar: [state.gamma, state.gamma], isotropic: [0, 0]), mu: state.mu,
      temperature: state.temperature, omegas: omegas, directions: Directions(i: 0, j: 0),
      responses: [
        .plain(.spin(.x, [1, 1])), .plain(.torque(.y, [1, 1])), .plain(.conduction(.up)),
        .plain(.conduction(.down)),
      ], isDressed: dressing == .ladder, tolerance: tolerance, threads: 2)
    for (n, omega) in omegas.enumerated() {
      // s_full is s.xx, Sigma_full Sigma.xy; Delta = -J rho_3.
      for (o, factor) in [1, -model.exchange].enumerated() {
        let (a, b) = (fast.columns[o].values[n]!, general.columns[o].quotients[n]!)
        let off = a.dynamic.multiplied(by: factor) - b.value.multiplied(by: omega)
        let allowed = abs(factor) * a.error + b.error * abs(omega)
        #expect(off.length <= 1.5 * allowed, "\(names[o]) \(omega): \(off) \(allowed)")
        #expect(allowed <= 1e-4 * max(a.scale, 1))
        if omega != 0 { #expect(a.dynamic.length > 100 * allowed, "\(names[o]) \(omega)") }
      }
      let sigma = fast.columns[2].values[n]!
      let (up, down) = (general.columns[2].quotients[n]!, general.columns[3].quotients[n]!)
      let off = sigma.dynamic - ComplexDouble.i * (up.value + down.value)
      let allowed = sigma.error + up.error + down.error
      #expect(off.length <= 1.5 * allowed, "sigma \(omega): \(off) \(allowed)")
      #expect(sigma.dynamic.length > 1000 * allowed)
    }
  }
}

/// States with edges of bands in the window of energies.
@Suite struct LadderStateTests {
  /// The continuity of spin with its relaxation after the energy integral, within the bounds, which are a few millionths, and
  /// Hermitian: K(-omega) = K(omega)*.
  @Test(arguments: areTestsLong ? [0.03, 0] : [0]) func continuity(_ temperature: Double)
    async throws
  {
    let ones = [1.0, 1]
    let omegas = [0.35, -0.35, 1.1]
    let spectrum = try await ImpuritySpectrum(
      lopsidedChain(isFar: true),
      OrbitalImpurities(scalar: [0.25, 0], longitudinal: [0.06, 0.02], transverse: [0.01, 0.05]),
      mu: -0.4, temperature: temperature, omegas: omegas, directions: Directions(i: 0, j: 0),
      responses: [
        .plain(.spin(.x, ones)), .plain(.spin(.y, ones)), .plain(.torque(.x, ones)),
        .plain(.torque(.y, ones)), .plain(.current(.up)), .plain(.current(.down)), .relaxation(.x),
        .relaxation(.y),
      ], tolerance: 1e-5, threads: 2)
    for (w, omega) in omegas.enumerated() {
      let k = spectrum.columns.map { $0.quotients[w]! }
      let turned = ComplexDouble(0, omega)
      func bound(_ factors: [(Double, Int)]) -> Double {
        factors.reduce(0) { $0 + abs($1.0) * k[$1.1].error }
      }
      let x = k[3].value.multiplied(by: 2) + turned * k[0].value - k[6].value
      let ownX = bound([(2, 3), (omega, 0), (1, 6)])
      #expect(x.length <= ownX && ownX < 1e-4 * k[6].value.length, "\(omega): \(x) \(ownX)")
      let currents = k[4].value - k[5].value
      let y = k[2].value.multiplied(by: 2) - turned * k[1].value - currents - k[7].value
      let ownY = bound([(2, 2), (omega, 1), (1, 4), (1, 5), (1, 7)])
      #expect(y.length <= ownY && ownY < 1e-4 * currents.length, "\(omega): \(y) \(ownY)")
    }
    for column in spectrum.columns {
      let (plus, minus) = (column.quotients[0]!, column.quotients[1]!)
      #expect((plus.value + minus.value.conjugate).length <= plus.error + minus.error)
      #expect(column.staticPart!.value.length <= column.staticPart!.error)
    }
  }
}

/// What is refused, at once and with what was expected.
@Suite struct LadderRefusalTests {
  private func refusal(
    _ impurities: OrbitalImpurities = OrbitalImpurities(scalar: [0.3], isotropic: [0]),
    _ response: ImpurityResponse = .plain(.current(.up)), isDressed: Bool = true,
    temperature: Double = 0
  ) async throws -> String {
    do {
      _ = try await ImpuritySpectrum(
        LadderCase.all[0].model.model(), impurities, mu: -0.6, temperature: temperature,
        omegas: [0.3], directions: Directions(i: 0, j: 0), responses: [response],
        isDressed: isDressed, tolerance: 1e-2)
      return ""
    } catch { return "\(error)" }
  }

  @Test func requests() async throws {
    #expect(try await refusal() == "")
    #expect(
      try await refusal(OrbitalImpurities(scalar: [0], isotropic: [0]))
        == "strengths of impurities: found [[0.0], [0.0], [0.0]]; expected 1 numbers each, 0 or more, not all 0"
    )
    #expect(
      try await refusal(OrbitalImpurities(scalar: [-1], isotropic: [2]))
        .hasPrefix("strengths of impurities: found [[-1.0]"))
    #expect(
      try await refusal(OrbitalImpurities(scalar: [1, 1], isotropic: [0, 0]))
        .hasPrefix("strengths of impurities"))
    #expect(
      try await refusal(.init(scalar: [0.3], isotropic: [0]), .plain(.moment(.x, [1])))
        == "responses: found moment.xx of [1.0] with the ladder; expected torques on moments without it: their vertices have not been checked"
    )
    #expect(
      try await refusal(
        .init(scalar: [0.3], isotropic: [0]), .plain(.moment(.x, [1])), isDressed: false) == "")
    #expect(
      try await refusal(
        .init(scalar: [0.3], isotropic: [0.1]), .relaxation(.x), isDressed: false
      ).hasPrefix("responses: found relaxation.x without the ladder"))
    #expect(
      try await refusal(temperature: -1) == "temperature: found -1.0; expected a number, 0 or more")
    // Levels far narrower than any grid within the limit, which are sought for twenty seconds.
    guard areTestsLong else { return }
    let narrow = try await refusal(.init(scalar: [1e-9], isotropic: [0]))
    #expect(narrow.contains("self-energy at z = -0.6"), "\(narrow)")
  }
}

/// What fails at one frequency.
@Suite struct LadderFailureTests {
  /// Levels of the second orbital, far above mu, have hardly any width: where a frequency leads there nothing converges, and the
  /// others have their values.
  @Test(.enabled(if: areTestsLong)) func oneFrequency() async throws {
    let model = try OrbitalModel(
      name: "chain", latticeVectors: [[1]],
      orbitals: [
        .init(name: "a", position: [0], exchange: 0.3), .init(name: "b", position: [0], energy: 9),
      ],
      hops: [
        .init(from: 0, to: 0, cell: [1], up: -1, down: -1),
        .init(from: 1, to: 1, cell: [1], up: ComplexDouble(-0.4), down: ComplexDouble(-0.4)),
      ])
    var request = CollinearRequest(
      model: model, mu: -0.6, temperature: 0, broadening: 0, omegas: [0.3, 9],
      responses: [("s", .spin(.x, [1, 0])), ("P", .polarisation)], tolerance: 1e-2, threads: 2)
    request.impurities = OrbitalImpurities(scalar: [0.5, 1e-13], isotropic: [0, 0])
    let found = try await request.ladder()
    for column in found.columns {
      #expect(column.values.map { $0 == nil } == [false, true])
    }
    #expect(found.failures.map(\.column) == ["s", "P"])
    #expect(found.failures.allSatisfy { $0.omega == 9 && $0.reason.contains("zone integral") })
    #expect(found.failureLines.count == 1)
  }
}

/// Self-energies alone.
@Suite struct OrbitalSelfEnergyTests {
  /// Wide strips of Sigma = g0 avg G: far from the bands Sigma = g/z, and inside Dyson's equation holds with Im Sigma < 0.
  @Test func equation() async throws {
    for reference in LadderCase.all.prefix(6) {
      let model = try reference.model.model()
      let n = model.orbitals.count
      let impurities = reference.impurities
      let far = try await OrbitalSelfEnergies(model, impurities, at: ComplexDouble(0, 1e5))
      for a in 0..<n {
        let g = reference.g0[a] + reference.gz[a] + 2 * reference.gp[a]
        // The next terms are smaller by a level over z.
        #expect((far.up[a] - ComplexDouble(0, -g / 1e5)).length < 1e-4 * g / 1e5)
      }
      let own = try await OrbitalSelfEnergies(model, impurities, at: ComplexDouble(reference.mu))
      #expect(own.residual < 1e-12 && own.error < 1e-8)
      #expect((own.up + own.down).allSatisfy { $0.imaginary < -1e-3 })
      // Im Sigma = -pi g nu, both spins together.
      for a in 0..<n {
        let sum = (own.up[a] + own.down[a]).imaginary
        let g = reference.g0[a] + reference.gz[a] + 2 * reference.gp[a]
        #expect(abs(sum + .pi * g * own.densities[a]) < 1e-10)
      }
    }
  }
}
