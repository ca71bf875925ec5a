// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import RealModule
import Testing

/// Resolutions know the hops, small gaps and narrow levels; numbers from elsewhere.
@Suite struct ResolutionTests {
  private static func chain(
    inter: [(Double, Double)] = [(1, 1), (-1, 1)], intra: [(Double, Double)], exchange: Double = 0.5
  ) throws -> Model {
    func hops(_ list: [(Double, Double)]) -> [Hop] {
      list.map { Hop(vector: [$0.0], amplitude: $0.1) }
    }
    return try Model(
      name: "chain", latticeVectors: [[2]], interSublattice: hops(inter),
      intraSublattice: hops(intra), exchange: exchange)
  }

  @Test func harmonics() throws {
    // Alone, a hop of n cells oscillates n times; those listed with 0 join the lattice.
    for n in [2.0, 7, 100] {
      let model = try ResolutionTests.chain(inter: [(1, 1)], intra: [(2 * n, 0.3), (2, 0)])
      #expect(abs(model.harmonics - n) < 1e-5 * n)
      #expect(model.divisions(480) >= Int(480 * max(1, n / 2)))
    }
    // Beside shorter ones it counts by what it adds to the curvature: e^d + w e^(m d) = e (1 + w).
    let mixed = try ResolutionTests.chain(
      inter: [(1, 1)], intra: [(2, 0.5), (24, 0.5e-3)])
    let (d, w) = (1 / mixed.harmonics, 0.144)
    #expect(abs(Double.exp(d) + w * Double.exp(12 * d) - Double.exp(1) * (1 + w)) < 1e-4)
    // One that is not there counts nothing, one of 1e-9 little.
    #expect(
      try ResolutionTests.chain(inter: [(1, 1)], intra: [(2, 1), (400, 0)]).harmonics < 1.001)
    let tiny = try ResolutionTests.chain(inter: [(1, 1)], intra: [(2, 1), (2000, 1e-9)]).harmonics
    #expect(tiny > 50 && tiny < 200)
    // The shipped lattices have hops to next cells only.
    for name in ["chain", "square", "honeycomb", "cubic", "narrow"] {
      #expect(try shippedModel(name).harmonics <= 1.001)
    }
  }

  /// Where k is displaced by i d, hops have grown by e^(m d): e^x + w e^(m x) = e (1 + w) with w grown too.
  @Test func harmonicsOfDisplacedZones() throws {
    let model = try ResolutionTests.chain(inter: [(1, 1)], intra: [(2, 0.5), (24, 0.5e-3)])
    for displacement in [0, 0.1, 0.3, 1.0, 20] {
      let harmonics = model.harmonics(displacement: [displacement])
      let (d, w) = (1 / harmonics, 0.144 * Double.exp(11 * min(60, displacement)))
      let grown = (Double.exp(d) / w + Double.exp(12 * d)) / (1 / w + 1)
      #expect(abs(grown - Double.exp(1)) < 1e-4)
      #expect(harmonics >= model.harmonics && harmonics < 12.001)
    }
  }

  /// No two grids see a far hop in the same way: what it adds is seen from the least common multiple of N and its cells
  /// on, which is larger for the larger grid.
  @Test func gridSizes() throws {
    func multiple(_ a: Int, _ b: Int) -> Int {
      (1...b).first { a * $0 % b == 0 }! * a
    }
    for cells in [8, 9, 14, 48, 100, 480] {
      let sizes = try ResolutionTests.chain(
        inter: [(1, 1)], intra: [(2, 0.5), (2 * Double(cells), 0.1)]
      ).gridSizes
      let grids = (1...300).map { sizes.from(7 * $0) }
      // No grid is coarser than two points for each oscillation.
      for (coarse, fine) in zip(grids, grids.dropFirst()) where fine > coarse && coarse >= 2 * cells
      {
        #expect(multiple(fine, cells) > multiple(coarse, cells), "\(coarse), \(fine), \(cells)")
      }
      for (n, grid) in zip(1...300, grids) {
        #expect(grid % 12 == 0 && grid >= 7 * n && Double(grid) < 1.2 * Double(7 * n) + 24)
      }
    }
    // Hops to next cells take every multiple of 12.
    for name in ["chain", "honeycomb", "cubic"] {
      let sizes = try shippedModel(name).gridSizes
      #expect((1...9).map { sizes.from(12 * $0) } == (1...9).map { 12 * $0 })
    }
  }

  /// No hop looks constant on so many points, as one of 101 cells does on 101.
  @Test func primes() throws {
    #expect(try shippedModel("chain").primeDivisions(101) == 101)
    #expect(
      try ResolutionTests.chain(inter: [(1, 1)], intra: [(2, 1), (202, 0.1)]).primeDivisions(101)
        == 103)
  }

  /// Impurities whose level width, 0.017, is far below the spacing in energy of the points where the strip of
  /// analyticity is judged, 0.3. At T = 0 sigma(0) = (F^RA - Re F^RR)/2 pi at mu; the self-consistent equation
  /// iterated on 20,000 and 60,000 points by another program: 646.4549497500.
  @Test func narrowLevels() async throws {
    let model = try ResolutionTests.chain(
      inter: [(-1, 1)], intra: [(-2, 4.42649)], exchange: 0.208087)
    for tolerance in [1e-2, 1e-3] {
      let spectrum = try await SpectrumRequest(
        model: model, mu: 0, temperature: 0, lifetime: .site(0.152311), omegas: [0],
        columns: bareColumns(["sigma"]), diagrams: try shippedDiagrams(), tolerance: tolerance,
        threads: 2
      ).spectrum()
      let value = try #require(spectrum.columns[0].values[0], "\(spectrum.failures)")
      #expect(abs(value.dynamic.real - 646.45494975) <= value.error)
      #expect(value.error <= tolerance * 646.5)
    }
  }

  /// i K/omega of sigma at omega = 0.3, a grid of the whole zone that resolves Gamma = 0.02 fifteen times.
  private static let smallGapOnAGrid = Task {
    let sigma = Response("sigma")!
    let sum = ZoneSum(
      model: try shippedModel("honeycomb", ["J": 1e-6, "t_prime": 0]),
      directions: Directions(i: 0, j: 0), mu: 0, temperature: 0, broadening: 0.02,
      loops: [
        .init(
          measured: sigma.measured, spin: sigma.spin,
          diagrams: try shippedDiagrams().diagrams(of: sigma))
      ], closedForms: [], threads: 2)
    let grid = try await sum(divisions: 1800, omegas: [0.3], withScales: false)
    return ComplexDouble.i * grid.quotients[0][0]
  }

  /// J far below the level width: right at J = 1e-6, and no other for smaller J, since loops of all bands are even
  /// in J and analytic on the scale of Gamma.
  @Test(arguments: [1e-3, 1e-6, 1e-12]) func smallGap(_ exchange: Double) async throws {
    let spectrum = try await SpectrumRequest(
      model: try shippedModel("honeycomb", ["J": exchange, "t_prime": 0]), mu: 0, temperature: 0,
      lifetime: .constant(0.02), omegas: [0, 0.3], columns: bareColumns(["sigma", "s_full"]),
      diagrams: try shippedDiagrams(), tolerance: 1e-4, threads: 2
    ).spectrum()
    #expect(spectrum.failures.isEmpty)
    let sigma = spectrum.column("sigma").values.map { $0! }
    // (1e-3/Gamma)^2 = 0.0025.
    let reach = exchange > 1e-4 ? 6e-4 : 6e-6
    #expect(abs(sigma[0].dynamic.real - 0.20277) <= reach + sigma[0].error)
    let value = sigma[1].dynamic
    let right = try await ResolutionTests.smallGapOnAGrid.value
    #expect((value - right).length <= sigma[1].error + reach * right.length)
  }

  /// With the default tolerance the window of impurities at T > 0 reaches far enough: it stopped at 25 T, whose
  /// tail no tolerance below 1.4e-5 allows.
  @Test func thermalWindow() async throws {
    let spectrum = try await SpectrumRequest(
      model: try shippedModel("chain"), mu: -1.5, temperature: 0.05, lifetime: .site(0.14),
      omegas: [0.3, 1.2, 2.7], columns: bareColumns(["sigma", "s_full", "Sigma_full"]),
      diagrams: try shippedDiagrams(), tolerance: 1e-6, threads: 2
    ).spectrum()
    #expect(spectrum.failures.isEmpty, "\(spectrum.failures)")
  }

  /// Weak impurities: the loops find no self-energy next to the edge of a band at -0.497, which the closed form,
  /// with its lifetime at mu, does not need. Each failure is of its own column.
  @Test func failedLoops() async throws {
    let response = Response("Y")!
    let spectrum = try await SpectrumRequest(
      model: try shippedModel("square"), mu: -1.2, temperature: 0.02, lifetime: .scba(1e-6),
      omegas: [0.7],
      columns: [Dressing.bare, .closed].map { .init(response: response, dressing: $0) },
      diagrams: try shippedDiagrams(), tolerance: 1e-5, threads: 2
    ).spectrum()
    #expect(spectrum.columns[0].values == [nil])
    #expect(spectrum.failures.map(\.column) == ["Y.bare"], "\(spectrum.failures)")
    let closed = try #require(spectrum.columns[1].values[0])
    #expect(closed.error < 1e-5 * closed.scale)
  }
}
