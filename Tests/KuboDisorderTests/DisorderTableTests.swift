// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import KuboFiles
import RealModule
import Testing

/// The loops of all columns of a request, F and its reflection, at propagators with the given zeta of both bands at both
/// energies (`site`: zeta and j).
private struct LoopsAtEnergies {
  let model: Model
  let directions: Directions
  let impurities: Impurities
  let loops: PairLoops
  let pair: (DressedState, DressedState)
  private var contours: [BandContour] { Band.allCases.map { BandContour.contour(of: $0, model) } }

  init(_ request: SpectrumRequest, _ zeta: [ComplexDouble]) {
    (model, directions) = (request.model, request.directions)
    let gamma: Double
    (impurities, gamma) = request.lifetime.impurities!
    loops = ImpurityEngine(request, impurities, gamma: gamma).pairLoops(
      Array(request.columns.indices))
    pair = (
      DressedState(impurities, zeta[0], zeta[1]), DressedState(impurities, zeta[2], zeta[3])
    )
  }

  private func values(_ table: any ZoneTable) -> [ComplexDouble] {
    let value = loops.values(table, [pair], withScales: false)[0]
    return value.direct + value.reflected
  }

  /// On a grid of the real zone; `pointByPoint` by the scalar traces.
  func onRealZone(divisions: Int, pointByPoint: Bool = false) async throws -> [ComplexDouble] {
    values(try await realTable(divisions, pointByPoint: pointByPoint))
  }

  func realTable(_ divisions: Int, pointByPoint: Bool = false) async throws -> StarTable {
    try await StarTable(
      model, impurities, BlochHamiltonian(model, directions: directions),
      symmetries: model.energySymmetries(), divisions: divisions,
      traces: pointByPoint ? loops.scalarTraces : loops.traces(model, directions), threads: 2)
  }

  func contourTable(_ divisions: Int) async throws -> any ZoneTable {
    try #require(
      try await ContourTable(
        contours, symmetries: model.energySymmetries(), divisions: divisions,
        loops.traces(model, directions), threads: 2))
  }

  func onContours(divisions: Int) async throws -> [ComplexDouble] {
    values(try await contourTable(divisions))
  }

  /// The surface around the levels of the pair, and c of the error exp(-c N) that is expected there; nil if there is none.
  var levelSurface: (survey: LevelSurvey, rate: Double)? {
    let states = [pair.0, pair.1.conjugate]
    let levels = states.enumerated().map { n, state in
      LevelSurface.Level(
        energy: state.energies.reduce(0) { $0 + $1.real } / Double(state.energies.count),
        isAdvanced: n == 1)
    }
    let separation = abs(levels[0].energy - levels[1].energy)
    guard
      let survey = ContourSurvey(contours, broadening: .infinity).levelSurface(
        levels, separation: separation, states: states)
    else { return nil }
    return survey.rate(states, isAdvanced: [false, true]).map { (survey, $0) }
  }

  func surfaceTable(_ survey: LevelSurvey, _ divisions: Int) async throws -> any ZoneTable {
    try #require(
      try await SurfaceTable(
        survey.surface, symmetries: model.energySymmetries(), divisions: divisions,
        loops.traces(model, directions), threads: 2))
  }

  func onSurface(_ survey: LevelSurvey, divisions: Int) async throws -> [ComplexDouble] {
    values(try await surfaceTable(survey, divisions))
  }

  /// The largest error of the sums on a grid, in units of what the sums on it and on the next coarser one say it is at most,
  /// as `ImpurityCrystal` has it, against a grid that is converged to rounding; and how many sums there are.
  func largestError(
    rate: Double, nats: Double, _ table: (Int) async throws -> any ZoneTable
  ) async throws -> (ratio: Double, count: Int) {
    func size(_ nats: Double) -> Int { (Int(nats / rate) / 12 + 1) * 12 }
    let exact = values(try await table(size(36)))
    let last = try await table(size(nats))
    let next = try await table(max(size(1.32 * nats), size(nats) + 12))
    let (coarse, fine) = (values(last), values(next))
    let scales = loops.values(last, [pair], withScales: true)[0].scales!
    let largest = exact.map(\.length).max()!
    let own = exact.indices.filter { exact[$0].length > 1e-6 * largest }
    let ratios = own.map { n in
      let bound =
        ImpurityCrystal.zoneError(
          (fine[n] - coarse[n]).length, scale: scales[n % scales.count], rate: rate,
          next.divisions, after: last.divisions, dimension: model.dimension, isDisplaced: true)
        + 1e-13 * largest
      return (fine[n] - exact[n]).length / bound
    }
    return (ratios.max() ?? 0, own.count)
  }

  /// c of the error exp(-c N) that is expected on contours; nil if they do not serve that pair.
  var contourRate: Double? {
    let survey = ContourSurvey(contours, broadening: .infinity)
    if impurities == .site { return survey.siteRate(pair.0, pair.1) }
    return survey.isValid(pair.0, pair.1) ? survey.rate(pair.0, pair.1) : nil
  }
}

/// The tables of stars that disorder lifetimes use.
@Suite struct DisorderTableTests {
  /// All named responses of a shipped model, bare and with ladders.
  private func everything(
    _ name: String, _ lifetime: Lifetime, _ parameters: [String: Double] = [:]
  ) throws -> SpectrumRequest {
    var request = SpectrumRequest(
      model: try shippedModel(name, parameters), mu: -1, temperature: 0.1, lifetime: lifetime,
      omegas: [0.3],
      columns: [], diagrams: try shippedDiagrams(), tolerance: 1e-4, threads: 2)
    request.columns = Response.standard.flatMap { response in
      response.dressings(lifetime, request.diagrams).filter { $0 == .bare || $0 == .ladder }.map {
        .init(response: response, dressing: $0)
      }
    }
    return request
  }

  /// The traces of eight stars at once against those of one point after the other, through all loops
  /// and ladders at general energies.
  @Test(arguments: ["chain", "square", "honeycomb", "cubic"], [Lifetime.scba(0.3), .site(0.3)])
  func traces(_ name: String, _ lifetime: Lifetime) async throws {
    let request = try everything(name, lifetime)
    #expect(request.columns.count >= 6)
    let zeta: [ComplexDouble] =
      lifetime == .scba(0.3)
      ? [.init(-0.7, 0.2), .init(-0.6, 0.15), .init(-1.1, -0.25), .init(-1.2, -0.2)]
      : [.init(-0.7, 0.2), .init(0.5, 0.05), .init(-1.1, -0.25), .init(0.45, -0.07)]
    // Another grid than the one that finds which traces vanish.
    let divisions = [60, 36, 20][request.model.dimension - 1]
    let loops = LoopsAtEnergies(request, zeta)
    let fast = try await loops.onRealZone(divisions: divisions)
    let slow = try await loops.onRealZone(divisions: divisions, pointByPoint: true)
    let largest = slow.map(\.length).max()!
    #expect(largest > 0.01)
    for (a, b) in zip(fast, slow) { #expect((a - b).length < 1e-12 * largest) }
  }

  /// The same loops on the contours, through partial fractions, and where the bands are in resonance on a surface around the levels,
  /// against a fine grid of the real zone; and the rate at which they converge.
  @Test(
    arguments: ["chain", "square", "honeycomb"],
    [(Lifetime.scba(0.3), 0.6), (.scba(0.3), 1.9), (.site(0.3), 0.6), (.site(0.3), 1.9)])
  func contours(_ name: String, _ state: (lifetime: Lifetime, omega: Double)) async throws {
    let request = try everything(name, state.lifetime)
    let omega = state.omega
    let zeta: [ComplexDouble] =
      state.lifetime == .scba(0.3)
      ? [.init(-1.1 + omega, 0.2), .init(-1 + omega, 0.15), .init(-1.1, -0.25), .init(-1.2, -0.2)]
      : [.init(-1.1 + omega, 0.2), .init(0.5, 0.05), .init(-1.1, -0.25), .init(0.45, -0.07)]
    let loops = LoopsAtEnergies(request, zeta)
    let exact = try await loops.onRealZone(divisions: [1200, 480][request.model.dimension - 1])
    let largest = exact.map(\.length).max()!
    #expect(largest > 0.01)
    let isResonant = omega > 2 * request.model.exchange
    let surface = isResonant ? try #require(loops.levelSurface) : nil
    func error(_ divisions: Int) async throws -> Double {
      let values =
        if let surface {
          try await loops.onSurface(surface.survey, divisions: divisions)
        } else {
          try await loops.onContours(divisions: divisions)
        }
      return zip(values, exact).map { ($0 - $1).length }.max()! / largest
    }
    #expect((loops.contourRate == nil) == isResonant)
    let rate = try #require(surface?.rate ?? loops.contourRate)
    let (coarse, fine) = (try await error(48), try await error(96))
    #expect(coarse < 0.01)
    #expect(fine < coarse * Double.exp(-0.7 * rate * 48))
    #expect(try await error(300) < 1e-12)
  }

  /// The largest eigenvalue of gamma avg |G|^2, by which the physical self-energy is told from others: on contours and surfaces as
  /// on the real zone outside of the bands, next to an edge, and inside no less than there.
  @Test(arguments: ["chain", "square"], [Lifetime.scba(0.3), .site(0.3)])
  func stability(_ name: String, _ lifetime: Lifetime) async throws {
    let request = try everything(name, lifetime, ["t_prime": 0.05])
    let isBands = lifetime == .scba(0.3)
    func eigenvalues(_ width: Double) async throws -> [Double] {
      let own: [ComplexDouble] =
        isBands
        ? [.init(-0.05, width), .init(0.05, width)]
        : [.init(-0.045, width), .init(0.472, 0.8 * width)]
      let loops = LoopsAtEnergies(
        request, own + [.init(-1.2, -0.1), .init(isBands ? -1.2 : 0.48, -0.05)])
      let state = loops.pair.0
      let survey = try #require(loops.levelSurface).survey
      let divisions = [2400, 1200][request.model.dimension - 1]
      return [
        try await loops.realTable(divisions).stability(1, state),
        try await loops.contourTable(divisions / 2).stability(1, state),
        try await loops.surfaceTable(survey, divisions / 2).stability(1, state),
      ]
    }
    let outside = try await eigenvalues(0)
    #expect(abs(outside[1] - outside[0]) < 1e-7 * outside[0])
    #expect(abs(outside[2] - outside[0]) < 1e-7 * outside[0])
    let inside = try await eigenvalues(0.02)
    #expect(abs(inside[1] - inside[0]) < 1e-7 * inside[0])
    #expect(inside[2] > (1 - 1e-7) * inside[0])
  }

  /// Wherever contours and surfaces around levels are said to serve, they give what the real zone gives: states drawn at
  /// random, with strong hops within the sublattices, which make the bands' velocities differ, and narrow levels.
  @Test(
    arguments: [("chain", areTestsLong ? 300 : 100), ("honeycomb", 12)]
      + (areTestsLong ? [("square", 12)] : []),
    [Lifetime.scba(0.3), .site(0.3)])
  func contoursServe(_ kind: (name: String, count: Int), _ lifetime: Lifetime) async throws {
    var random = SeededGenerator(20)
    var served = 0
    var resonant = 0
    var onSurfaces = 0
    for _ in 0..<kind.count {
      let exchange = Double.random(in: 0.15...1.2, using: &random)
      var request = try everything(
        kind.name, lifetime,
        ["t_prime": Double.random(in: -0.4...0.4, using: &random), "J": exchange])
      request.columns = request.columns.filter {
        $0.response.isConductivity || $0.dressing == .ladder
      }
      let smallest = request.model.dimension == 1 ? 0.003 : 0.08
      func width() -> Double {
        smallest * Double.exp(Double.random(in: 0...2, using: &random))
      }
      let low = Double.random(in: -2.5...1.5, using: &random)
      // Below the gap, from omega = 2 J on, and anywhere.
      let high =
        low
        + [
          2 * exchange * Double.random(in: 0.05...0.9, using: &random),
          2 * exchange * Double.random(in: 0.98...2, using: &random),
          Double.random(in: 0.05...3, using: &random),
        ][Int.random(in: 0..<3, using: &random)]
      // The real parts of the self-energies; sometimes larger than J.
      let size = exchange * (Double.random(in: 0...1, using: &random) < 0.2 ? 2.5 : 0.1)
      func shift() -> Double { Double.random(in: -size...size, using: &random) }
      let zeta: [ComplexDouble]
      if lifetime == .scba(0.3) {
        zeta = [
          .init(high + shift(), width()), .init(high + shift(), width()),
          .init(low + shift(), -width()), .init(low + shift(), -width()),
        ]
      } else {
        let widths = (width(), width())
        func part() -> Double { Double.random(in: -0.8...0.8, using: &random) }
        zeta = [
          .init(high, widths.0), .init(exchange + shift(), part() * widths.0),
          .init(low, -widths.1), .init(exchange + shift(), part() * widths.1),
        ]
      }
      let loops = LoopsAtEnergies(request, zeta)
      let contour = loops.contourRate.flatMap { $0 > 0.02 ? $0 : nil }
      let surface = loops.levelSurface.flatMap { $0.rate > 0.05 ? $0 : nil }
      if contour == nil, surface == nil { continue }
      let exact = try await loops.onRealZone(
        divisions: request.model.dimension == 1 ? 24_000 : 840)
      let largest = exact.map(\.length).max()!
      func check(_ values: [ComplexDouble], _ zone: String, _ rate: Double) {
        let error = zip(values, exact).map { ($0 - $1).length }.max()! / largest
        #expect(
          error < 1e-9, "\(zone) \(request.model.intraSublattice) \(exchange) \(zeta) \(rate)")
      }
      func divisions(_ rate: Double) -> Int { Int(30 / (0.7 * rate)) / 12 * 12 + 12 }
      if let contour {
        served += 1
        check(try await loops.onContours(divisions: divisions(contour)), "contours", contour)
      }
      if let surface {
        onSurfaces += 1
        resonant += high - low > 2 * exchange ? 1 : 0
        check(
          try await loops.onSurface(surface.survey, divisions: divisions(surface.rate)),
          "surface \(surface.survey.surface.width) \(surface.survey.surface.step)", surface.rate)
      }
    }
    #expect(onSurfaces > kind.count / 3)
    #expect(served > kind.count / 6)
    #expect(resonant > onSurfaces / 5)
  }

  /// What two grids on contours or on a surface tell of the error of the finer one: narrow levels, in resonance and not.
  @Test(
    arguments: [("chain", 200), ("honeycomb", 30)] + (areTestsLong ? [("square", 40)] : []),
    areTestsLong ? [Lifetime.scba(0.3), .site(0.3)] : [.site(0.3)])
  func errorsOfGrids(_ kind: (name: String, count: Int), _ lifetime: Lifetime) async throws {
    var random = SeededGenerator(21)
    var checked = 0
    for _ in 0..<kind.count {
      let exchange = Double.random(in: 0.2...1.2, using: &random)
      var request = try everything(
        kind.name, lifetime,
        ["t_prime": Double.random(in: -0.4...0.4, using: &random), "J": exchange])
      request.columns = request.columns.filter { $0.dressing == .bare }
      func width() -> Double { 0.002 * Double.exp(Double.random(in: 0...3, using: &random)) }
      let low = Double.random(in: -3...1.5, using: &random)
      let high = low + Double.random(in: 0.3...3, using: &random)
      func shift() -> Double { 0.05 * Double.random(in: -1...1, using: &random) }
      let zeta: [ComplexDouble] =
        lifetime == .scba(0.3)
        ? [
          .init(high + shift(), width()), .init(high + shift(), width()),
          .init(low + shift(), -width()), .init(low + shift(), -width()),
        ]
        : [
          .init(high, width()), .init(exchange + shift(), 0.001), .init(low, -width()),
          .init(exchange + shift(), -0.001),
        ]
      let loops = LoopsAtEnergies(request, zeta)
      let nats = Double.random(in: 6...14, using: &random)
      var found: [(ratio: Double, count: Int)] = []
      if let (survey, rate) = loops.levelSurface, rate > 0.08 {
        found.append(
          try await loops.largestError(rate: ImpurityCrystal.believed * rate, nats: nats) {
            try await loops.surfaceTable(survey, $0)
          })
      }
      if let rate = loops.contourRate, rate > 0.08 {
        found.append(
          try await loops.largestError(rate: ImpurityCrystal.believed * rate, nats: nats) {
            try await loops.contourTable($0)
          })
      }
      for one in found {
        #expect(one.ratio < 1, "\(zeta) \(exchange) \(request.model.intraSublattice)")
        checked += one.count
      }
    }
    #expect(checked > 4 * kind.count)
  }

  /// Contours of single bands must not be used in resonance, where they may cross the pole between the bands; the
  /// surfaces around the levels serve there, and do without room between the levels, at small omega, no longer.
  @Test func resonance() throws {
    let request = try everything("square", .scba(0.3))
    func loops(_ omega: Double, _ width: Double) -> LoopsAtEnergies {
      LoopsAtEnergies(
        request,
        [
          .init(-1.18 + omega, width), .init(-1.18 + omega, width), .init(-1.18, -width),
          .init(-1.18, -width),
        ])
    }
    #expect(loops(1.3, 0.1).contourRate == nil)
    #expect(loops(0.5, 1e-3).contourRate != nil)
    for width in [0.1, 1e-3] { #expect(loops(1.3, width).levelSurface?.rate ?? 0 > 0.03) }
    #expect(loops(0.02, 1e-3).levelSurface?.rate ?? 0 < 0.03)
  }
}
