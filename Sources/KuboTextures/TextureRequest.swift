// SPDX-License-Identifier: GPL-3.0-or-later
import KuboWork
import RealModule

/// A number of a trajectory with a bound on its error.
public struct TextureValue: Sendable, Equatable {
  /// The number, and the bound.
  public var value, error: Double
}

/// Where a trajectory can go on with the same bits: the states on the line, on one with half the nodes, and on a longer one with
/// a stricter tolerance; the collective coordinates; and the largest differences so far.
public struct TextureCheckpoint: Sendable, Equatable {
  /// The states: the line itself, half the nodes, half the nodes of a longer line with a stricter tolerance.
  public var states: [TextureState]
  /// X, X', Phi, Phi' of the rigid wall, in nm and ps; empty of other textures.
  public var collective: [Double]
  /// For each ``TextureQuantity`` the largest difference of the grids and of the tolerances so far.
  public var differences: [[Double]]

  /// A place to go on from.
  public init(states: [TextureState], collective: [Double], differences: [[Double]]) {
    (self.states, self.collective, self.differences) = (states, collective, differences)
  }
}

/// A texture with its numbers at some times.
public struct TextureTrajectory: Sendable {
  /// One time.
  public struct Row: Sendable {
    /// The time in ps.
    public var time: Double
    /// Of each ``TextureQuantity``; nil where there is none.
    public var values: [TextureQuantity: TextureValue]
    /// X, width and Phi of the rigid wall (``WallMotion``); nil of other textures.
    public var collective: (position: Double, width: Double, angle: Double)?
    /// What the balance of energy leaves, in meV nm.
    public var energyResidual: Double
    /// What that of momentum leaves, in 1/ps.
    public var momentumResidual: Double
    /// How much of that grid, steps and ends explain, in 1/ps; as the bounds of the values.
    public var momentumBound = 0.0
  }

  /// The times asked for.
  public var rows: [Row]
  /// Where it ends.
  public var end: TextureCheckpoint
  /// Steps of the main integration.
  public var steps: Int
}

/// A texture, its drive, and the times at which to look.
///
/// Each number has a bound for what the grid and the steps make it err, of the continuum's equations (13):
///
///     error = (2/15) max |O(dx) - O(2 dx)| + (3/2) max |O(2 dx) - O'(2 dx)| + 1e-12
///
/// with the maxima over all times so far: Richardson's estimate of a method of 4th order, doubled; and what a hundredth of the
/// tolerance does (O'), on the coarser grid, whose steps are the longer ones, and of walls two widths more of line at both
/// ends, by which what the ends do is seen to 0.87. 1e-12 stands for rounding, in units of the observable. `X`
/// and `V` have also what the bounds of the torques can do, by the linear response of ``WallMotion/bounds(_:at:)``.
public struct TextureRequest: Sendable {
  /// The material.
  public var material: TextureMaterial
  /// The line.
  public var line: TextureLine
  /// The drive.
  public var drive: TextureDrive
  /// When to look, in ps, ascending; the first may be where the trajectory begins.
  public var times: [Double]
  /// The error of a step, of n.
  public var tolerance: Double
  /// How many trajectories may run at once; no number depends on it.
  public var threads: Int

  /// A request.
  public init(
    material: TextureMaterial, line: TextureLine, drive: TextureDrive, times: [Double],
    tolerance: Double = 1e-8, threads: Int = 1
  ) {
    (self.material, self.line, self.drive, self.times) = (material, line, drive, times)
    (self.tolerance, self.threads) = (tolerance, threads)
  }

  /// Refuses what no grid can do: walls with too few nodes, unstable currents.
  /// - Throws: `TextureError`.
  public func check() throws(TextureError) {
    if material.anisotropy > 0, material.wallWidth < TextureError.nodesPerWidth * line.spacing {
      throw .coarse(width: material.wallWidth, spacing: line.spacing, time: times.first ?? 0)
    }
    let direct = drive.direct
    try SpinWaves(material, n: direct.n, m: direct.m, na: direct.na).check(spacing: line.spacing)
  }

  /// The lines of the three trajectories; the last one has two widths more where walls are.
  private func grids(_ hasWalls: Bool) -> [TextureLine] {
    let margin = hasWalls && material.anisotropy > 0 ? 2 * material.wallWidth : 0
    return [line, line.coarser, line.coarser.longer(by: margin)]
  }

  /// Where a trajectory begins.
  public func begin(_ start: TextureStart) throws(TextureError) -> TextureCheckpoint {
    let v = drive.velocities(at: 0)
    var collective: [Double] = []
    var states: [TextureState] = []
    for (n, line) in grids(start.hasWalls).enumerated() {
      let state = start.state(material, line, drive: (v.n, v.m))
      let flow = try TextureFlow(material, line, drive, from: state, tolerance: tolerance)
      let seen = flow.observables()
      flow.begin(energy: seen[.energy]!, momentum: seen.canonicalMomentum)
      if n == 0, let x = seen[.position], let phi = seen[.angle] {
        collective = [x, seen.velocity, phi, seen.rotation]
      }
      states.append(flow.state)
    }
    return TextureCheckpoint(
      states: states, collective: collective,
      differences: TextureQuantity.allCases.map { _ in [0, 0] })
  }

  /// Runs from a checkpoint; each number with its bound, error = (2/15) max |O(dx) - O(2 dx)| + ..., in nm, ps, meV.
  /// - Parameter look: is given each row as it is reached, and makes a checkpoint of it where asked to.
  /// - Throws: `TextureError`, and what `look` throws.
  public func trajectory(
    from checkpoint: TextureCheckpoint,
    look: (TextureTrajectory.Row, () -> TextureCheckpoint) throws -> Void = { _, _ in }
  ) async throws -> TextureTrajectory {
    try check()
    let grids = grids(checkpoint.states[2].nodes != checkpoint.states[1].nodes)
    let tolerances = [tolerance, tolerance, 1e-2 * tolerance]
    let runs = try grids.indices.map { n in
      try GridRun(
        TextureFlow(
          material, grids[n], drive, from: checkpoint.states[n], tolerance: tolerances[n]))
    }
    let walls = runs[0].seen.crossings.count
    var place = checkpoint
    var rows: [TextureTrajectory.Row] = []
    try await WorkProgress.stage(
      "texture of \(line.nodes) nodes", unit: "times", of: times.count, isEven: true, isLeaf: true
    ) { stage in
      for time in times {
        let outcomes = try await parallelMap(3, threads: threads) { n in
          try await attempt { try runs[n].advance(to: time) }
        }
        // The first that fails is told, whichever of them failed first.
        for outcome in outcomes { try outcome.get() }
        guard runs[0].seen.crossings.count == walls || line.isPeriodic else {
          throw TextureError.left(time: time)
        }
        try checkWalls(runs[0].seen, time)
        let row = try row(runs, &place, time)
        rows.append(row)
        try look(row) { [place] in
          var place = place
          place.states = runs.map(\.flow.state)
          return place
        }
        stage?.advance()
      }
    }
    place.states = runs.map(\.flow.state)
    return TextureTrajectory(rows: rows, end: place, steps: runs[0].flow.steps)
  }

  /// Refuses walls that have become too narrow, or have come too near to an end.
  private func checkWalls(_ seen: TextureObservables, _ time: Double) throws(TextureError) {
    guard !line.isPeriodic, material.anisotropy > 0, !seen.crossings.isEmpty else { return }
    let width = seen[.width]! / Double(seen.crossings.count)
    // One percent for what the grid takes from a width.
    guard width >= 0.99 * TextureError.nodesPerWidth * line.spacing else {
      throw .coarse(width: width, spacing: line.spacing, time: time)
    }
    let distance = seen.crossings.map { 0.5 * line.length - abs($0) }.min()!
    guard distance >= TextureError.widthsToEnd * width else {
      throw .nearEnd(distance: distance, width: width, time: time)
    }
  }

  /// A row at a time, to which the coordinates and differences of `place` move.
  private func row(
    _ runs: [GridRun], _ place: inout TextureCheckpoint, _ time: Double
  ) throws(TextureError) -> TextureTrajectory.Row {
    let motion = WallMotion(material)
    var row = TextureTrajectory.Row(
      time: time, values: [:], energyResidual: runs[0].residuals.energy,
      momentumResidual: runs[0].residuals.momentum)
    let left = runs.map(\.residuals.momentum)
    row.momentumBound = 2.0 / 15 * abs(left[0] - left[1]) + 1.5 * abs(left[1] - left[2])
    for (c, quantity) in TextureQuantity.allCases.enumerated() {
      guard let value = runs[0].seen[quantity], let coarse = runs[1].seen[quantity],
        let strict = runs[2].seen[quantity]
      else { continue }
      var largest = place.differences[c]
      largest[0] = max(largest[0], abs(value - coarse))
      largest[1] = max(largest[1], abs(coarse - strict))
      place.differences[c] = largest
      var error = 2.0 / 15 * largest[0] + 1.5 * largest[1] + 1e-12 * unit(quantity)
      let torques = motion.bounds(drive, at: time)
      if quantity == .position { error += torques.position }
      if quantity == .velocity { error += torques.velocity }
      row.values[quantity] = TextureValue(value: value, error: error)
    }
    if !place.collective.isEmpty {
      let charge = runs[0].seen.charge
      place.collective = try motion.trajectory(
        drive, charge: charge, from: place.collective, startTime: runs[0].before, at: [time])[0]
      let (v, c) = (drive.velocities(at: time), place.collective)
      let width =
        motion.width(velocity: c[1], n: v.n, m: v.m) * motion.width(rotation: c[3])
        / material.wallWidth
      row.collective = (c[0], width, c[2])
    }
    return row
  }

  /// The size of an observable of a wall, for rounding.
  private func unit(_ quantity: TextureQuantity) -> Double {
    let width = material.anisotropy > 0 ? material.wallWidth : line.length
    return switch quantity {
    case .position: line.length
    case .velocity: width * material.gap
    case .width: width
    case .angle: 1
    case .energy: material.stiffness / width
    case .cantingX, .cantingY, .cantingZ: width * material.gap / material.exchangeRate
    case .momentum: material.gap
    case .size: 1 / width
    }
  }
}

/// One of the trajectories of a request, of one task at a time.
private final class GridRun: @unchecked Sendable {
  let flow: TextureFlow
  /// What was seen last, what the balances left then, and the time before.
  private(set) var seen: TextureObservables
  private(set) var residuals = (energy: 0.0, momentum: 0.0)
  private(set) var before: Double

  init(_ flow: TextureFlow) {
    self.flow = flow
    seen = flow.observables()
    before = flow.state.time
  }

  func advance(to time: Double) throws {
    before = flow.state.time
    if time > before { try flow.advance(to: time) }
    seen = flow.observables()
    flow.keep(angle: seen[.angle])
    let end = flow.state.values.count
    residuals = (
      seen[.energy]! - flow.state.values[end - 2],
      seen.canonicalMomentum - flow.state.values[end - 1]
    )
  }
}
