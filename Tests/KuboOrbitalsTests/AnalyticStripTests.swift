// SPDX-License-Identifier: GPL-3.0-or-later
import CLAPACK
import ComplexModule
import Foundation
import KuboFiles
import KuboLattice
import KuboOrbitals
import KuboTestSupport
import KuboZoneIntegrals
import RealModule
import Testing

/// The strip of wave vectors in which propagators have no poles, against levels of H(k) at complex k.
@Suite struct AnalyticStripTests {
  /// Levels E(k + i d e_a) of random Hamiltonians of 1 to 6 orbitals in 1 to 3 dimensions: inside the strip none whose real part is in the
  /// window rises above the width, on grids that are finer than that of the strip and elsewhere. Three times as far some do in
  /// most states: the strip is not much narrower than it could be.
  @Test func levels() async throws {
    var (sharp, count) = (0, 0)
    for number in 0..<(areTestsLong ? 120 : 24) {
      let state = try CollinearState(number: number, budget: 1)
      let model = try state.model()
      let window = abs(state.omegas[0])
      let resolution = try await AnalyticStrip(model, mu: state.mu, width: state.gamma)
        .decays([0, window], threads: 2).map(\.resolution)
      #expect(resolution[0] <= resolution[1])
      func highest(_ d: Double, _ points: [[Double]]) -> Double {
        points.flatMap { f in
          Spin.allCases.flatMap { u in
            (0..<model.dimension).flatMap { a in
              complexLevels(state, u, f, displaced: a, by: d).filter {
                abs($0.real - state.mu) <= window
              }.map(\.imaginary)
            }
          }
        }.max() ?? 0
      }
      let divisions = [160, 20, 8][model.dimension - 1]
      let points = (0..<(0..<model.dimension).reduce(1) { p, _ in p * divisions }).map { code in
        var rest = code
        return (0..<model.dimension).map { _ in
          defer { rest /= divisions }
          return Double(rest % divisions) / Double(divisions)
        }
      }
      let inside = highest(1 / resolution[1], points)
      #expect(inside <= state.gamma, "\(number) \(state.kind): \(inside) above \(state.gamma)")
      // What has no level in the window, or far hops, is limited by these.
      if resolution[1] > 2.01 * model.harmonics {
        count += 1
        if highest(3 / resolution[1], points) > state.gamma { sharp += 1 }
      }
    }
    #expect(count >= (areTestsLong ? 60 : 12))
    #expect(Double(sharp) >= 0.5 * Double(count), "\(sharp) of \(count)")
  }

  /// Levels far from mu do not count, however steep they are.
  @Test func farLevels() async throws {
    let model = try OrbitalModel(
      name: "two bands", latticeVectors: [[1]],
      orbitals: [.init(name: "a", position: [0]), .init(name: "b", position: [0], energy: 50)],
      hops: [
        .init(from: 0, to: 0, cell: [1], up: -1, down: -1),
        .init(from: 1, to: 1, cell: [1], up: -20, down: -20),
      ])
    let own = try await AnalyticStrip(model, mu: 0, width: 0.01).decays([0.1], threads: 1)[0]
      .resolution
    // The slope is 2.
    #expect(own > 199 && own < 1.25 * 200)
    #expect(model.resolution(0.01) > 3900)
  }

  /// Levels far narrower than what they move between two points where the strip looks, and mu anywhere: E = -2 sum_i cos k_i, whose
  /// slope at E = mu along an axis is up to 2 sin k, or 2 where mu - E of the other axes can be 0.
  @Test(arguments: 1...3) func narrowLevels(_ dimension: Int) async throws {
    let unit = (0..<dimension).map { a in (0..<dimension).map { $0 == a ? 1 : 0 } }
    let model = try OrbitalModel(
      name: "one band", latticeVectors: unit.map { $0.map(Double.init) },
      orbitals: [.init(name: "a", position: unit[0].map { _ in 0 })],
      hops: unit.map { .init(from: 0, to: 0, cell: $0, up: -1, down: -1) })
    for mu in [-1.9, -1.234, 0.1, 0.77, 1.41] {
      for width in [1e-1, 1e-3, 1e-6] {
        let slope = dimension == 1 ? (4 - mu * mu).squareRoot() : 2
        let own = try await AnalyticStrip(model, mu: mu, width: width)
          .decays([0], threads: 2)[0].resolution
        #expect(own >= slope / width, "\(mu), \(width): \(own)")
        #expect(own <= 1.4 * 2 / width)
      }
    }
  }

  /// Sums converge as the mean over the lines of the zone: with hops along one axis a hundred times as large as along the other, mu
  /// in the middle, only the lines along the first cross mu steeply, and all of these alike; which axis it is does not matter. Of
  /// hops by 30 cells along it, more lines are looked at along the other one, which count no more for that.
  @Test(arguments: [1, 30], [[0, 1], [1, 0]]) func linesOfTheZone(_ far: Int, _ order: [Int])
    async throws
  {
    let width = 0.05
    let model = try OrbitalModel(
      name: "chains", latticeVectors: [[1, 0], [0, 1]],
      orbitals: [.init(name: "a", position: [0, 0])],
      hops: [
        .init(from: 0, to: 0, cell: order.map { far * $0 }, up: -1, down: -1),
        .init(
          from: 0, to: 0, cell: order.map { 1 - $0 }, up: ComplexDouble(-0.01),
          down: ComplexDouble(-0.01)),
      ])
    let own = try await AnalyticStrip(model, mu: 0, width: width).decays([0], threads: 2)[0]
    let slope = 2 * Double(far)
    #expect(own.resolution > slope / width && own.resolution < 1.25 * slope / width)
    // Half of the lines, 400 points for each cell: exp(-400 d)/2.
    let d = 1 / own.resolution
    let n = 400 * far
    let expected = d + Double.log(2) / Double(n)
    #expect(abs(own.rate(from: 0, to: n) - expected) < 0.02 * d)
    #expect(abs(own.rate(from: n, to: n + 40 * far) - d) < 0.02 * d)
    let e = Double.exp(-Double(n) * d) / 2
    #expect(abs(own.divisions(e) - Double(n)) < 0.02 * Double(n))
  }

  /// Far out the narrowest strip is left, without underflow.
  @Test func farOut() {
    let mixed = GridDecay([[10, 20, 40]])
    #expect(abs(mixed.rate(from: 1_000_000, to: 1_100_000) - 1 / 40) < 1e-12)
    #expect(mixed.rate(from: 10, to: 11) > mixed.rate(from: 20, to: 21))
    let mean = (Double.exp(-0.1) + Double.exp(-0.05) + Double.exp(-0.025)) / 3
    #expect(abs(mixed.rate(from: 0, to: 1) + Double.log(mean)) < 1e-15)
  }

  /// H^u_ab(k + i d e_a) in the gauge of the cells, and its levels, from the hops.
  private func complexLevels(
    _ state: CollinearState, _ u: Spin, _ f: [Double], displaced axis: Int, by d: Double
  ) -> [ComplexDouble] {
    let n = state.orbitals.count
    var h = [ComplexDouble](repeating: .zero, count: n * n)
    for (a, orbital) in state.orbitals.enumerated() {
      h[a + n * a] = ComplexDouble(u == .up ? orbital.up : orbital.down)
    }
    for hop in state.hops {
      let amplitude = u == .up ? hop.up : hop.down
      let turn = 2 * .pi * zip(f, hop.cell).reduce(0) { $0 + $1.0 * Double($1.1) }
      let growth = Double.exp(-Double(hop.cell[axis]) * d)
      let phase = ComplexDouble(Double.cos(turn), Double.sin(turn))
      h[hop.from + n * hop.to] += amplitude * phase.multiplied(by: growth)
      h[hop.to + n * hop.from] += (amplitude * phase).conjugate.divided(by: growth)
    }
    var levels = [ComplexDouble](repeating: .zero, count: n)
    let status = h.withUnsafeMutableBufferPointer { h in
      levels.withUnsafeMutableBufferPointer {
        LAPACKE_zgeev(
          LAPACK_COL_MAJOR, CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "N")), Int32(n),
          OpaquePointer(h.baseAddress!), Int32(n), OpaquePointer($0.baseAddress!), nil, 1, nil, 1)
      }
    }
    #expect(status == 0)
    return levels
  }
}

/// Symmetries that save points, or a whole response.
@Suite struct MagneticSymmetryTests {
  private func spectrum(
    _ model: OrbitalModel, _ responses: [String], broadening: Double, tolerance: Double = 1e-6
  ) async throws -> CollinearSpectrum {
    try await CollinearRequest(
      model: model, mu: -1.2, temperature: 0.01, broadening: broadening, omegas: [0.3],
      responses: responses.map { ($0, try CollinearResponse($0, model)) }, tolerance: tolerance,
      threads: 2
    ).spectrum()
  }

  /// Along the field the torque of an altermagnet on x cancels between k and its image by the turn that exchanges the spins, however
  /// narrow the levels are.
  @Test func altermagnet() async throws {
    let model = try ModelFile.read(path: "\(repository)/data/models/altermagnet.yaml")
      .orbitalModel()
    let found = try await spectrum(model, ["T.xx.full", "s.xy.full"], broadening: 0.003)
    #expect(found.failures.isEmpty)
    for column in found.columns {
      #expect(column.values[0]!.value == .zero && column.values[0]!.error < 1e-6)
    }
    // Other weights on both sublattices leave no symmetry that exchanges them.
    let own = try await spectrum(
      model, ["T[\(model.orbitals[0].name)].xx.full"], broadening: 0.3, tolerance: 1e-4)
    #expect(own.columns[0].values[0]!.value.length > 1e-3)
  }

  /// Files of both spins exchanged: sigma is the same, the staggered spin has the other sign.
  @Test func exchanged() async throws {
    func model(_ sign: Double) throws -> OrbitalModel {
      func hop(_ a: Int, _ b: Int, _ cell: [Int], _ t: Double) -> OrbitalModel.Hop {
        .init(from: a, to: b, cell: cell, up: ComplexDouble(-t), down: ComplexDouble(-t))
      }
      return try OrbitalModel(
        name: "pair", latticeVectors: [[1, 0], [0, 1.3]],
        orbitals: [
          .init(name: "A", position: [0, 0], exchange: 0.6 * sign, staggered: 1),
          .init(name: "B", position: [0.5, 0], exchange: -0.6 * sign, staggered: -1),
        ],
        hops: [
          hop(0, 1, [0, 0], 1), hop(0, 1, [-1, 0], 0.8), hop(0, 0, [0, 1], 0.3),
          hop(1, 1, [0, 1], 0.3),
        ])
    }
    let names = ["sigma", "sigma.up", "Sigma.xx.full", "Sigma.xy.full"]
    let (one, other) = (
      try await spectrum(model(1), names, broadening: 0.2),
      try await spectrum(model(-1), names, broadening: 0.2)
    )
    for (r, sign) in [1.0, 1, -1, -1].enumerated() where names[r] != "sigma.up" {
      let (a, b) = (one.columns[r].values[0]!, other.columns[r].values[0]!)
      #expect((a.value - b.value.multiplied(by: sign)).length <= a.error + b.error, "\(names[r])")
    }
    #expect(one.columns[0].values[0]!.value.length > 1e-2)
    #expect(one.columns[3].values[0]!.value.length > 1e-3)
  }

  /// Real hops make k and -k alike. The same crystal with phases on its orbitals has complex hops, and all its points are summed.
  @Test func timeReversal() async throws {
    var random = SeededGenerator(3)
    var hops: [OrbitalModel.Hop] = []
    for cell in [[0, 0], [1, 0], [0, 1], [2, -1]] {
      for (a, b) in [(0, 1), (0, 0), (1, 1)] where a != b || cell != [0, 0] {
        let t = [0, 1].map { _ in ComplexDouble(Double.random(in: -1...1, using: &random)) }
        hops.append(.init(from: a, to: b, cell: cell, up: t[0], down: t[1]))
      }
    }
    func model(_ phase: Double) throws -> OrbitalModel {
      let turn = ComplexDouble(length: 1, phase: phase)
      return try OrbitalModel(
        name: "real", latticeVectors: [[1, 0], [0.2, 1]],
        orbitals: [.init(name: "a", position: [0, 0]), .init(name: "b", position: [0.3, 0.4])],
        hops: hops.map { hop in
          guard hop.from != hop.to else { return hop }
          return .init(
            from: hop.from, to: hop.to, cell: hop.cell, up: hop.up * turn, down: hop.down * turn)
        })
    }
    #expect(try model(0).isReal && !model(1).isReal)
    let names = ["sigma.up", "sigma.down"]
    let (real, complex) = (
      try await spectrum(model(0), names, broadening: 0.3),
      try await spectrum(model(1), names, broadening: 0.3)
    )
    for (a, b) in zip(real.columns, complex.columns) {
      #expect(a.values[0]!.value.length > 1e-2)
      #expect(
        (a.values[0]!.value - b.values[0]!.value).length
          <= a.values[0]!.error + b.values[0]!.error)
    }
  }
}

/// A crystal as Wannier functions give it: many hops that fall off slowly, complex, without symmetry.
@Suite struct WannierLikeTests {
  @Test func bounds() async throws {
    var random = SeededGenerator(17)
    func uniform(_ size: Double) -> Double { Double.random(in: -size...size, using: &random) }
    var state = CollinearState()
    (state.kind, state.latticeVectors) = ("wannier", [[1, 0], [0.3, 0.9]])
    state.orbitals = (0..<3).map {
      .init(
        name: "o\($0)", position: [uniform(0.1), uniform(0.1)], energy: [0, 1, 12][$0],
        exchange: [0.6, 0.5, 0.1][$0])
    }
    for code in 25..<49 {
      let cell = [code % 7 - 3, code / 7 - 3]
      let size = 0.5 * Double.exp(-0.9 * Double(cell.reduce(0) { $0 + abs($1) }))
      for a in 0..<3 {
        for b in 0..<3 {
          let s = size * (a == 2 && b == 2 ? 3 : 0.3)
          let mean = ComplexDouble(uniform(s), uniform(s))
          let split = ComplexDouble(uniform(0.1 * s), uniform(0.1 * s))
          state.hops.append(
            .init(from: a, to: b, cell: cell, up: mean + split, down: mean - split))
        }
      }
    }
    (state.mu, state.temperature, state.gamma, state.tolerance) = (0.3, 0.01, 0.2, 1e-4)
    state.omegas = [0.5]
    state.outputs = [
      .init(quantity: .sigma, component: 0, weights: [1, 1, 1]),
      .init(quantity: .sigma, component: 1, weights: [1, 1, 1]),
      .init(quantity: .T, component: 0, weights: [1, 1, 1]),
    ]
    let tally = await CertificateTally(state, "wannier", budget: 0.3)
    #expect(tally.violations.isEmpty, "\(tally.violations.joined(separator: "\n"))")
    #expect(tally.decided == 6 && tally.refused.isEmpty)
  }
}
