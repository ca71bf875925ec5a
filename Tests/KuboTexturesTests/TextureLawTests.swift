// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboTestSupport
import KuboTextures
import RealModule
import Testing

/// Two materials, soft and stiff, of `data/reference/texture.json`.
let soft = TextureMaterial(spin: 2.5, stiffness: 2.25, homogeneous: 200, anisotropy: 0.02)
let stiff = TextureMaterial(spin: 1, stiffness: 4, homogeneous: 120, anisotropy: 0.3)
let restingWall = TextureStart.wall(
  position: 0, charge: 1, angle: 0, velocity: nil, rotation: 0)

func line(_ material: TextureMaterial, nodesPerWidth: Double, widths: Double = 24) -> TextureLine {
  TextureLine(
    nodes: Int(widths * nodesPerWidth), spacing: material.wallWidth / nodesPerWidth)
}

func direct(n: Double = 0, m: Double = 0, na: Double = 0) -> TextureDrive {
  TextureDrive([(0, Complex(n), Complex(m), Complex(na))])
}

/// What holds of every texture: conservation, balances, orders, signs.
@Suite struct TextureLawTests {
  /// Without damping and drive energy and spin along z stay, here over 1,000 steps, in long tests over 100,000, in which a pin keeps
  /// the wall from being carried away by the waves.
  @Test func conservation() throws {
    let line = line(soft, nodesPerWidth: 10, widths: 30)
    let width = soft.wallWidth
    var material = soft
    material.pins = [.init(centre: -5 * width, depth: 0.3, width: width)]
    let look = try Look(
      material, line, TextureDrive(),
      state: .wallAndPacket(
        material, line, position: -5 * width, angle: 0.3, rotation: 0.3, amplitude: 0.05,
        k: 1.5 / width,
        centre: 6 * width, width: 2 * width))
    let first = look.observables()
    var time = 0.0
    let steps = areTestsLong ? 100_000 : 1_000
    while look.flow.steps < steps {
      time += 20
      let seen = try look.at(time)
      for quantity in [TextureQuantity.energy, .cantingZ] {
        #expect(abs(seen[quantity]! / first[quantity]! - 1) < 1e-10)
      }
    }
  }

  /// All terms of the energy, both kinds of damping and all torques: what the energy becomes is what the work says, and with a
  /// sign of any term wrong it is not.
  @Test func energyBalance() async throws {
    var material = soft
    (material.hardAxis, material.dmi) = (0.003, 0.004)
    (material.dampingN, material.dampingM) = (0.01, 0.03)
    material.field = [0.02, -0.03, 0.05]
    material.pins = [.init(centre: 4, depth: 0.2, width: 12)]
    let line = line(material, nodesPerWidth: 12)
    let drive = TextureDrive([
      (0, Complex(0.03), Complex(0.02), Complex(-0.03)),
      (0.7, Complex(0.2, 0.1), Complex(0.3, -0.2), Complex(0.02, 0.01)),
    ])
    let request = TextureRequest(
      material: material, line: line, drive: drive, times: [0, 5, 10, 15], tolerance: 1e-10)
    let start = try request.begin(
      .wall(position: 0, charge: 1, angle: 0.7, velocity: 0.3, rotation: 0.2))
    let rows = try await request.run(start)
    let change = abs(rows[3].values[.energy]!.value - rows[0].values[.energy]!.value)
    #expect(change > 1e-3)
    for row in rows { #expect(abs(row.energyResidual) < 1e-10 * change) }
  }

  /// dP/dt = -Gamma P - (dv_n/dt + omega_a v_na) I - (1/2)(v_n + v_m) dI/dt, and a pin's force, and its general form with alpha_m
  /// and a field; to the grid's 4th order, while no waves reach the ends. P changes by far more than the law leaves.
  @Test(arguments: [(0, 0), (0.05, 0), (0, 0.3)])
  func momentumLaw(_ damping: Double, _ field: Double) async throws {
    var material = soft
    (material.dampingN, material.hardAxis, material.dmi) = (0.004, 0.0004, 0.0003)
    (material.dampingM, material.field) = (damping, [0, 0, field])
    material.pins = [.init(centre: 6, depth: 0.1, width: 10)]
    let drive = TextureDrive([
      (0, Complex(0.3), Complex(-0.4), Complex(-0.01)),
      (0.5, Complex(0.5, 0.1), Complex(0.9, -0.2), Complex(0.01, 0.01)),
    ])
    var residuals: [Double] = []
    for nodes in [14.0, 28] {
      let request = TextureRequest(
        material: material, line: line(material, nodesPerWidth: nodes, widths: 40), drive: drive,
        times: [0, 4, 8, 12], tolerance: 1e-10)
      let rows = try await request.run(
        request.begin(.wall(position: 0, charge: 1, angle: 0.5, velocity: 2, rotation: 0.3)))
      #expect(abs(rows[3].values[.momentum]!.value - rows[0].values[.momentum]!.value) > 0.1)
      residuals.append(rows.map { abs($0.momentumResidual) }.max()!)
    }
    #expect(residuals[0] < 1e-3)
    // What the balance is about is P itself.
    if damping == 0, field == 0 {
      let look = try Look(
        material, line(material, nodesPerWidth: 28), drive,
        .wall(position: 0, charge: 1, angle: 0.5, velocity: 2, rotation: 0.3))
      let seen = try look.at(7)
      #expect(abs(seen.canonicalMomentum - seen[.momentum]!) < 2e-5 * abs(seen[.momentum]!))
    }
    #expect(14 < residuals[0] / residuals[1] && residuals[0] / residuals[1] < 18)
  }

  /// The position at a time errs by the 4th power of the distance of nodes.
  @Test func orderOfTheGrid() throws {
    var material = stiff
    material.dampingN = 0.004
    let drive = TextureDrive([(0.8, Complex(0.2, 0.1), Complex(0.1), Complex(-0.002, 0.003))])
    let found = try [8.0, 16, 32].map { nodes in
      let look = try Look(material, line(material, nodesPerWidth: nodes), drive, restingWall)
      return try look.at(6)[.position]!
    }
    let ratio = (found[0] - found[1]) / (found[1] - found[2])
    #expect(14.5 < ratio && ratio < 17.5)
  }

  /// A stricter tolerance errs less, by at most what it says of steps whose errors add up.
  @Test func toleranceOfSteps() throws {
    var material = soft
    material.dampingN = 0.004
    let drive = TextureDrive([(0.6, Complex(0.2, 0.1), Complex(0.1), Complex(-0.002, 0.003))])
    func position(_ tolerance: Double) throws -> Double {
      // Few nodes in a width: long steps.
      let look = try Look(
        material, line(material, nodesPerWidth: 4), drive, restingWall, tolerance: tolerance)
      return try look.at(30)[.position]!
    }
    let exact = try position(1e-13)
    var last = Double.infinity
    for tolerance in [1e-4, 1e-6, 1e-8] {
      let error = try abs(position(tolerance) - exact)
      #expect(error < 10 * tolerance)
      #expect(error < last)
      last = error
    }
  }

  /// V = -v_na/alpha_n for both signs of v_na and of q; v_n and v_m alone do not move a wall for good.
  @Test(arguments: [1, -1], [0.004, -0.004])
  func signOfTheVelocity(_ charge: Int, _ na: Double) throws {
    var material = soft
    material.dampingN = 0.01
    let start = TextureStart.wall(
      position: 1, charge: charge, angle: 0.4, velocity: nil, rotation: 0)
    let line = line(material, nodesPerWidth: 10)
    let look = try Look(material, line, direct(n: 0.03, m: -0.02, na: na), start)
    let (first, last) = (try look.at(20)[.position]!, try look.at(24)[.position]!)
    // exp(-Gamma t) = 3e-11; errors of the grid 4e-5.
    #expect(abs((last - first) / 4 / (-na / 0.01) - 1) < 1e-4)
    let still = try Look(material, line, direct(n: 0.03, m: -0.02), start)
    let (rest, later) = (try still.at(20)[.position]!, try still.at(24)[.position]!)
    #expect(abs(later - rest) < 1e-8)
    // X'' + Gamma X' = 0 from X' = -v_n.
    #expect(abs((rest - 1) / (-0.03 / material.relaxation) - 1) < 1e-3)
  }

  /// Damping of both kinds loses energy; a wall that turns comes to rest.
  @Test(arguments: [(0.01, 0.0), (0.0, 0.3)])
  func dampingLosesEnergy(_ damping: (n: Double, m: Double)) throws {
    var material = soft
    (material.dampingN, material.dampingM) = damping
    let look = try Look(
      material, line(material, nodesPerWidth: 10), TextureDrive(),
      .wall(position: 0, charge: 1, angle: 0, velocity: 3, rotation: 0.3))
    var last = look.observables()[.energy]!
    for n in 1...10 {
      let energy = try look.at(Double(n))[.energy]!
      #expect(energy < last)
      last = energy
    }
  }

  /// The uniform state is unstable where the closed condition |v_na|/alpha_n > c says so, and that is seen in the field.
  @Test func instability() throws {
    var material = stiff
    material.dampingN = 0.002
    let limit = material.dampingN * material.magnonVelocity
    try SpinWaves(material, na: 0.999 * limit).check(spacing: 0.05)
    for na in [1.01 * limit, -1.01 * limit] {
      let error = #expect(throws: TextureError.self) {
        try SpinWaves(material, na: na).check(spacing: 0.05)
      }
      #expect(error?.description.contains("expected less than the magnon velocity 33.") == true)
    }
    // Without damping any v_na is too much, and none is not.
    material.dampingN = 0
    try SpinWaves(material, n: 0.1, m: 0.2).check(spacing: 0.05)
    #expect(throws: TextureError.self) { try SpinWaves(material, na: 1e-6).check(spacing: 0.05) }
  }
}

extension TextureRequest {
  /// The rows alone.
  func run(_ start: TextureCheckpoint) async throws -> [TextureTrajectory.Row] {
    try await trajectory(from: start).rows
  }
}
