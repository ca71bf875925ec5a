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
    /// What that of momentum leaves, in 1/ps; nil where its law does not hold, with alpha_m or b.
    public var momentumResidual: Double?
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
/// ends, by which what the ends do is seen to 0.87. 1e-12 stands for rounding, in units of the observable. `X` has
/// also what the bounds of the torques can do, by the linear response of ``WallMotion/displacementBound(_:at:)``.
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
      let seen = TextureObservables(flow.state, rates: flow.rates(), material, line)
      flow.begin(energy: seen[.energy]!, momentum: seen[.momentum]!)
      if n == 0, let x = seen[.position], let phi = seen[.angle] {
        collective = [x, seen.velocity, phi, seen.rotation]
      }
      states.append(flow.state)
    }
    return TextureCheckpoint(
      states: states, collective: collective,
      differences: TextureQuantity.allCases.map { _ in [0, 0] })
  }

  /// Runs from a checkpoint.
  /// - Parameter look: is given the state at each time as it is reached.
  /// - Throws: `TextureError`, and what `look` throws.
  public func trajectory(
    from checkpoint: TextureCheckpoint,
    look: @escaping @Sendable (_ n: Int, TextureState) throws -> Void = { _, _ in }
  ) async throws -> TextureTrajectory {
    try check()
    let grids = grids(checkpoint.states[2].nodes != checkpoint.states[1].nodes)
    let tolerances = [tolerance, tolerance, 1e-2 * tolerance]
    let runs = try await WorkProgress.stage(
      "texture of \(line.nodes) nodes", unit: "times", of: times.count, isEven: true, isLeaf: true
    ) { stage in
      try await parallelMap(3, threads: threads) { n in
        try run(checkpoint.states[n], grids[n], tolerances[n], isChecked: n == 0) { row, state in
          guard n == 0 else { return }
          stage?.advance()
          try look(row, state)
        }
      }
    }
    return try joined(runs, checkpoint)
  }

  /// What is seen of one grid.
  private struct Run: Sendable {
    var seen: [TextureObservables] = []
    var energies: [Double] = []
    var momenta: [Double] = []
    var end: TextureState
    var steps = 0
  }

  private func run(
    _ state: TextureState, _ line: TextureLine, _ tolerance: Double, isChecked: Bool,
    _ look: (Int, TextureState) throws -> Void
  ) throws -> Run {
    let flow = try TextureFlow(material, line, drive, from: state, tolerance: tolerance)
    var run = Run(end: state)
    let walls = TextureObservables(state, rates: flow.rates(), material, line).crossings.count
    for (row, time) in times.enumerated() {
      if time > flow.state.time { try flow.advance(to: time) }
      let seen = TextureObservables(flow.state, rates: flow.rates(), material, line)
      flow.keep(angle: seen[.angle])
      if isChecked {
        guard seen.crossings.count == walls || line.isPeriodic else {
          throw TextureError.left(time: time)
        }
        try checkWalls(seen, time)
      }
      run.seen.append(seen)
      let end = flow.state.values.count
      run.energies.append(seen[.energy]! - flow.state.values[end - 2])
      run.momenta.append(seen[.momentum]! - flow.state.values[end - 1])
      try look(row, flow.state)
    }
    (run.end, run.steps) = (flow.state, flow.steps)
    return run
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

  private func joined(_ runs: [Run], _ checkpoint: TextureCheckpoint) throws -> TextureTrajectory {
    let motion = WallMotion(material)
    let start = checkpoint.states[0].time
    var rigid: [[Double]] = []
    if !checkpoint.collective.isEmpty {
      rigid = try motion.trajectory(
        drive, charge: runs[0].seen[0].charge, from: checkpoint.collective, startTime: start,
        at: times)
    }
    var differences = checkpoint.differences
    let hasLaw = material.dampingM == 0 && material.field.allSatisfy { $0 == 0 }
    let rows = times.indices.map { n in
      let seen = runs.map { $0.seen[n] }
      var row = TextureTrajectory.Row(
        time: times[n], values: [:], energyResidual: runs[0].energies[n],
        momentumResidual: hasLaw ? runs[0].momenta[n] : nil)
      for (c, quantity) in TextureQuantity.allCases.enumerated() {
        guard let value = seen[0][quantity], let coarse = seen[1][quantity],
          let strict = seen[2][quantity]
        else { continue }
        differences[c][0] = max(differences[c][0], abs(value - coarse))
        differences[c][1] = max(differences[c][1], abs(coarse - strict))
        var error =
          2.0 / 15 * differences[c][0] + 1.5 * differences[c][1] + 1e-12 * unit(quantity)
        if quantity == .position { error += motion.displacementBound(drive, at: times[n]) }
        row.values[quantity] = TextureValue(value: value, error: error)
      }
      if n < rigid.count {
        let v = drive.velocities(at: times[n])
        let width =
          motion.width(velocity: rigid[n][1], n: v.n, m: v.m)
          * motion.width(rotation: rigid[n][3]) / material.wallWidth
        row.collective = (rigid[n][0], width, rigid[n][2])
      }
      return row
    }
    return TextureTrajectory(
      rows: rows,
      end: TextureCheckpoint(
        states: runs.map(\.end), collective: rigid.last ?? [], differences: differences),
      steps: runs[0].steps)
  }

  /// The size of an observable of a wall, for rounding.
  private func unit(_ quantity: TextureQuantity) -> Double {
    let width = material.anisotropy > 0 ? material.wallWidth : line.length
    return switch quantity {
    case .position: line.length
    case .width: width
    case .angle: 1
    case .energy: material.stiffness / width
    case .cantingX, .cantingY, .cantingZ: width * material.gap / material.exchangeRate
    case .momentum: material.gap
    case .size: 1 / width
    }
  }
}
