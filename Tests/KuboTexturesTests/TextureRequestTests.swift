// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboTestSupport
import KuboTextures
import RealModule
import Testing

/// Trajectories with their bounds, checkpoints, refusals; currents and drives.
@Suite struct TextureRequestTests {
  /// Exact results of the continuum lie within the bounds, and not because the bounds are large: static, moving and turning walls.
  @Test(arguments: [10.0, 16, 30]) func exactResultsAreWithinBounds(_ nodes: Double) async throws {
    var damped = soft
    damped.dampingN = 0.005
    let motion = WallMotion(soft)
    let turning = motion.width(rotation: 0.6)
    let steady = motion.width(velocity: 6, n: 0.02, m: -0.013)
    typealias Exact = (TextureQuantity, (Double) -> Double)
    let cases: [(TextureMaterial, TextureDrive, TextureStart, [Exact])] = [
      (
        soft, TextureDrive(), restingWall,
        [
          (.position, { _ in 0 }), (.width, { _ in soft.wallWidth }),
          (.energy, { _ in soft.wallEnergy }),
        ]
      ),
      (
        damped, direct(n: 0.02, m: -0.013, na: -0.03),
        .wall(position: -60, charge: 1, angle: 0, velocity: 6, rotation: 0),
        [(.position, { -60 + 6 * $0 }), (.velocity, { _ in 6 }), (.width, { _ in steady })]
      ),
      (
        soft, TextureDrive(), .wall(position: 0, charge: 1, angle: 0, velocity: nil, rotation: 0.6),
        [
          (.angle, { 0.6 * $0 }), (.width, { _ in turning }),
          (.cantingZ, { _ in 2 * turning * 0.6 / soft.exchangeRate }),
          (.energy, { _ in soft.wallEnergy * turning / soft.wallWidth }),
        ]
      ),
    ]
    for (material, drive, start, exact) in cases {
      let request = TextureRequest(
        material: material, line: line(material, nodesPerWidth: nodes * 1.2, widths: 36),
        drive: drive, times: (0...6).map { 2 * Double($0) })
      for row in try await request.run(request.begin(start)) {
        for (quantity, value) in exact {
          let found = row.values[quantity]!
          #expect(
            abs(found.value - value(row.time)) <= found.error,
            "\(quantity.rawValue) at \(row.time): \(found), exact \(value(row.time))")
          #expect(found.error < 2 * 1.5e-3 * Double.pow(10 / nodes, 4) * max(1, abs(found.value)))
        }
      }
    }
  }

  /// The bounds of the torques move a wall as far as velocities that differ by them do.
  @Test func boundsOfTorquesAreCarried() throws {
    var material = soft
    material.dampingN = 0.005
    let current = TextureCurrent([
      .init(omega: 0, density: 1), .init(omega: 0.3, density: Complex(0.5, 0.2)),
    ])
    func drive(_ n: Double, _ na: Double, _ error: Double) -> TextureDrive {
      TextureDrive(
        current, velocity: 1,
        ratios: current.harmonics.map { _ in
          TorqueRatios(
            n: Complex(n), m: .zero, na: Complex(na), errors: (0.01 * error, 0, 1e-4 * error))
        })
    }
    let motion = WallMotion(material)
    for time in [1.0, 5, 20, 80] {
      let bound = motion.bounds(drive(0.1, -0.002, 1), at: time)
      /// X and its derivative.
      func motions(_ drive: TextureDrive) -> [Double] {
        let h = 1e-4
        let x = [time, time - h, time + h].map { motion.displacement(drive, at: $0) }
        return [x[0], (x[2] - x[1]) / (2 * h)]
      }
      let middle = motions(drive(0.1, -0.002, 0))
      var moves = [0.0, 0]
      for (a, b) in [(1.0, 1.0), (1, -1), (-1, 1), (-1, -1)] {
        let other = motions(drive(0.1 + 0.01 * a, -0.002 + 1e-4 * b, 0))
        for k in 0...1 { moves[k] = max(moves[k], abs(other[k] - middle[k])) }
      }
      #expect(moves[0] <= bound.position && bound.position < 10 * moves[0])
      #expect(moves[1] <= bound.velocity && bound.velocity < 10 * moves[1])
    }
    #expect(motion.bounds(drive(0.1, -0.002, 0), at: 5) == (0, 0))
  }

  /// A trajectory that goes on from a checkpoint, and any number of threads: the same bits.
  @Test func resumedBits() async throws {
    var material = soft
    material.dampingN = 0.0002
    material.pins = [.init(centre: 3, depth: 0.1, width: 10)]
    let drive = TextureDrive([(0.6, Complex(0.2, 0.1), Complex(0.1), Complex(-0.002, 0.003))])
    func request(_ times: [Double], _ threads: Int) -> TextureRequest {
      TextureRequest(
        material: material, line: line(material, nodesPerWidth: 12), drive: drive, times: times,
        threads: threads)
    }
    let start = try request([], 1).begin(
      .wall(position: 0, charge: -1, angle: 0.3, velocity: nil, rotation: 0.4))
    let whole = try await request([0, 3, 6, 9, 20], 3).trajectory(from: start)
    let half = try await request([0, 3, 6], 1).trajectory(from: start)
    let rest = try await request([9, 20], 2).trajectory(from: half.end)
    #expect(whole.end == rest.end)
    #expect(whole.rows.prefix(3).map { $0.values } == half.rows.map { $0.values })
    #expect(whole.rows.suffix(2).map { $0.values } == rest.rows.map { $0.values })
    #expect(whole.rows[4].collective! == rest.rows[1].collective!)
    #expect(whole.rows[4].energyResidual == rest.rows[1].energyResidual)
    // The angle goes on beyond pi.
    #expect(whole.rows.last!.values[.angle]!.value > 3.2)
  }

  @Test func refusals() async throws {
    let few = TextureRequest(
      material: soft, line: line(soft, nodesPerWidth: 9), drive: TextureDrive(), times: [1])
    var error = await #expect(throws: TextureError.self) {
      try await few.run(few.begin(restingWall))
    }
    #expect(
      error?.description
        == "t = 1.0 ps: found a wall of width 10.61 nm on nodes 1.179 nm apart, 9.0 of them; expected 10.0 or more"
    )
    var material = soft
    material.dampingN = 0.005
    let leaving = TextureRequest(
      material: material, line: line(soft, nodesPerWidth: 12), drive: direct(na: -0.03),
      times: [0, 5, 50])
    error = await #expect(throws: TextureError.self) {
      try await leaving.run(leaving.begin(restingWall))
    }
    guard case .left(let time) = error, 20 < time, time < 30 else {
      Issue.record("\(String(describing: error))")
      return
    }
    let near = TextureRequest(
      material: material, line: leaving.line, drive: leaving.drive, times: [0, 5, 12])
    error = await #expect(throws: TextureError.self) { try await near.run(near.begin(restingWall)) }
    guard case .nearEnd(let distance, let width, 12) = error, distance < 8 * width else {
      Issue.record("\(String(describing: error))")
      return
    }
    // A wall that shrinks below ten nodes on its way.
    material.dampingN = 0.05
    let shrinking = TextureRequest(
      material: material, line: line(soft, nodesPerWidth: 11, widths: 40),
      drive: direct(na: -0.05 * 8), times: [0, 5])
    error = await #expect(throws: TextureError.self) {
      try await shrinking.run(shrinking.begin(restingWall))
    }
    guard case .coarse(_, _, let time) = error, time == 5 else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// A pulse as a series is the pulse; one that is cut off is none.
  @Test func pulses() throws {
    func density(_ t: Double) -> Double {
      .exp(-(t - 10) * (t - 10) / 8) * .cos(2 * t + 0.01 * t * t)
    }
    let current = TextureCurrent.pulse(from: -20, window: 80, resolution: 0.2, density)!
    let drive = TextureDrive(
      current, velocity: 1,
      ratios: current.harmonics.map { _ in TorqueRatios(n: 1, m: .zero, na: .zero) })
    for t in [0.0, 3, 9.5, 10, 14, 30, 55] {
      let v = drive.velocities(at: t)
      #expect(abs(v.n - density(t)) < 1e-12)
      #expect(abs(v.nRate - (density(t + 1e-4) - density(t - 1e-4)) / 2e-4) < 1e-7)
    }
    #expect(TextureCurrent.pulse(from: 0, window: 80, resolution: 0.2, density) == nil)
    // One that falls between the points, and one whose points a carrier passes in step: neither is a current of another kind.
    let narrow = { (t: Double) in Double.exp(-(t - 10.3) * (t - 10.3) / 2e-8) }
    #expect(TextureCurrent.pulse(from: -20, window: 80, resolution: 5e-5, narrow) == nil)
    let omega = 2 * .pi * 64 / 80.0
    let carried = TextureCurrent.pulse(from: -20, window: 80, resolution: 0.1) { t in
      .exp(-(t - 10) * (t - 10) / 8) * .cos(omega * t)
    }!
    #expect(
      abs(carried.harmonics.max { $0.density.length < $1.density.length }!.omega - omega) < 0.1)
  }

  /// v_0 = v_c j/(4 q N), against the electrons' charge: 1 nm^3, N = 1 and 1e12 A/m^2 drive -1.56 m/s.
  @Test func velocityOfACurrent() {
    let v = 1e12 * TextureDrive.velocity(cell: 1, spin: 1)
    #expect(abs(v + 1e-15 / (4 * 1.602176634e-19) * 1e-3) < 1e-15)
    #expect(v < 0)
  }

  /// Heisenberg neighbours: the gap is that of two sublattices, sqrt(w_an (2 w_ex + w_an)).
  @Test func heisenbergNeighbours() {
    let material = TextureMaterial.heisenberg(
      spin: 2.5, exchange: 0.8, offsets: [0.4, -0.4, 0, 0], anisotropy: 0.02)
    let (an, ex) = (0.02 / material.hbarSpin, 2 * 4 * 0.8 * 2.5 / TextureMaterial.hbar)
    #expect(abs(material.gap / (an * (ex + an)).squareRoot() - 1) < 1e-14)
    #expect(abs(material.stiffness - 0.5 * 0.8 * 6.25 * 0.32) < 1e-14)
  }

  /// A walking spiral, a 360-degree wall and a packet keep their energy and the balance.
  @Test func otherStarts() async throws {
    let ring = TextureLine(nodes: 240, spacing: 1, isPeriodic: true)
    var free = soft
    free.anisotropy = 0
    let spiral = TextureRequest(
      material: free, line: ring, drive: direct(n: 0.05, m: 0.05), times: [0, 10])
    var rows = try await spiral.run(spiral.begin(.spiral(turns: 2)))
    let k = 2 * .pi * 2 / 240.0
    // A/2 k^2 on 240 nm.
    let energy = rows[0].values[.energy]!
    #expect(abs(energy.value - 0.5 * 2.25 * k * k * 240) <= energy.error)
    let line = line(soft, nodesPerWidth: 10, widths: 40)
    for start in [
      TextureStart.doubleWall(position: 3, separation: 100),
      .wave(amplitude: 0.01, k: 0.2, centre: -50, width: 50, isPositive: true),
    ] {
      let request = TextureRequest(
        material: soft, line: line, drive: TextureDrive(), times: [0, 4, 8])
      rows = try await request.run(request.begin(start))
      for row in rows { #expect(abs(row.energyResidual) < 1e-10) }
    }
    // The packet of positive k and frequency goes along +x with the group velocity.
    let omega = SpinWaves(soft).frequencies(0.2)[0].real
    let group = soft.magnonVelocity * soft.magnonVelocity * 0.2 / omega
    let moved = rows[2].values[.position]!.value - rows[0].values[.position]!.value
    #expect(abs(moved / 8 / group - 1) < 0.02)
  }
}
