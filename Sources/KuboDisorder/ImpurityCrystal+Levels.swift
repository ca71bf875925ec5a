// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneSums
import RealModule

extension ImpurityCrystal.Zone {
  /// For messages.
  var name: String {
    switch self {
    case .real: "the real zone"
    case .contours: "contours"
    case .levels: "surfaces around levels"
    }
  }
}

/// Makes the survey of each tile when it is first needed.
actor SurveyStore {
  private var surveys: [ImpurityCrystal.Tile: Task<LevelSurvey?, any Error>] = [:]
  private var found: [ImpurityCrystal.Tile: LevelSurvey] = [:]

  func survey(
    _ tile: ImpurityCrystal.Tile, _ make: @escaping @Sendable () async throws -> LevelSurvey?
  ) async throws -> LevelSurvey? {
    let task = surveys[tile] ?? Task { try await make() }
    surveys[tile] = task
    let survey = try await task.value
    found[tile] = survey
    return survey
  }

  func known(_ tile: ImpurityCrystal.Tile) -> LevelSurvey? { found[tile] }
}

extension ImpurityCrystal {
  /// The tile of propagators; nil where there are too many, or no room between retarded and advanced ones.
  func tile(_ factors: Factors) -> Tile? {
    let energies = factors.states.map { state in
      let own = state.energies.map(\.real)
      return own.reduce(0, +) / Double(own.count)
    }
    let (retarded, advanced) = (
      energies.indices.filter { !factors.isAdvanced[$0] },
      energies.indices.filter { factors.isAdvanced[$0] }
    )
    let separation =
      retarded.flatMap { r in advanced.map { abs(energies[r] - energies[$0]) } }.min()
      ?? width
    guard separation > 1e-2 * width else { return nil }
    let size = max(0, Int(Double.log(width / separation) / Double.log(1.5)))
    let unit = quantum(size)
    let positions = energies.indices.map {
      SIMD2(Int((energies[$0] / unit).rounded()), factors.isAdvanced[$0] ? 1 : 0)
    }
    let unique = Set(positions).sorted { ($0.x, $0.y) < ($1.x, $1.y) }
    guard unique.count <= LevelSurface.largestCount else { return nil }
    return Tile(size: size, positions: unique)
  }

  /// The energy unit of the positions of a tile.
  private func quantum(_ size: Int) -> Double { 0.3 * separation(size) }

  /// The largest distance of retarded and advanced levels of a tile.
  private func separation(_ size: Int) -> Double { width * Double.pow(1.5, -Double(size)) }

  /// The surface of a tile, if there is one that gives the same averages as the contours of the bands do at each of its levels:
  /// what it had crossed would show there.
  func survey(_ tile: Tile) async throws -> LevelSurvey? {
    try await surveys.survey(tile) {
      // Where a level has no self-energy, other zones may do without.
      do { return try await made(tile) } catch is SelfEnergyFailure { return nil }
    }
  }

  private func made(_ tile: Tile) async throws -> LevelSurvey? {
    let unit = quantum(tile.size)
    let own = tile.positions.map {
      LevelSurface.Level(energy: unit * Double($0.x), isAdvanced: $0.y == 1)
    }
    var states: [DressedState] = []
    for level in own {
      states.append(try await approximate(ComplexDouble(level.energy)))
    }
    let hasBoth = Set(own.map(\.isAdvanced)).count == 2
    guard
      let survey = contours!.levelSurface(
        own, separation: hasBoth ? separation(tile.size) / 1.4 : nil, states: states)
    else { return nil }
    for level in own where try await !serves(survey, level, unit) {
      WorkProgress.note("a surface around \(own.map(\.energy)) does not serve")
      return nil
    }
    return survey
  }

  /// Whether averages at a level are those on the contours of the bands; at the lowest energy above it where both need
  /// moderate grids.
  private func serves(_ survey: LevelSurvey, _ level: LevelSurface.Level, _ unit: Double)
    async throws -> Bool
  {
    let (nats, largest) = (12.0, 700.0)
    for height in [0, 0.01, 0.03, 0.1, 0.3] {
      let state = try await approximate(ComplexDouble(level.energy, height * unit))
      guard let rate = survey.rate([state], isAdvanced: [level.isAdvanced]), nats / rate < largest,
        let known = try? await grid(state, nats: nats), Double(levels[known.level]) < largest,
        let divisions = levels.first(where: { Double($0) >= nats / (0.7 * rate) })
      else { continue }
      let table = try await SurfaceTable(
        survey.surface, symmetries: symmetries, divisions: divisions, energies, threads: threads)!
      let moments = (level.isAdvanced ? table.advanced : table).moments(state)
      let expected = try await self.table(known, hasSlots: false).moments(state)
      return (equation.impurities == .scba ? [0, 3] : [0, 1]).allSatisfy { n in
        (moments[n] - expected[n]).length < 1e-4 * expected[n].length
      }
    }
    return false
  }
}
