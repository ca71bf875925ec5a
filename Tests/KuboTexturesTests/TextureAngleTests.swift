// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboTestSupport
import KuboTextures
import RealModule
import Testing

/// The rest of the 22 cases: pins, angles, turning walls, pulses, conservation.
@Suite struct TextureReferenceAngleTests {
  @Test(arguments: TextureReference.of("wall_angle"))
  func angle(_ reference: TextureReference) throws {
    let (material, line) = (reference.material, reference.line())
    let phi = reference.number(reference.drive, "phi0")
    let closed = reference.closed["phi"] as! [Double]
    let end = reference.number(reference.numerics, "t_end")
    let times = closed.indices.map { end * Double($0) / Double(closed.count - 1) }
    let rigid = try WallMotion(material).trajectory(
      TextureDrive(), charge: 1, from: [0, 0, phi, 0], startTime: 0, at: times)
    let look = try Look(
      material, line, TextureDrive(),
      .wall(position: 0, charge: 1, angle: phi, velocity: nil, rotation: 0))
    var worst = 0.0
    for (n, exact) in closed.enumerated() {
      // The reference integrates to 1e-9.
      #expect(abs(rigid[n][2] - exact) < 1e-8)
      worst = max(worst, try abs(look.at(times[n])[.angle]! - exact))
    }
    #expect(
      worst / phi
        <= TextureReferenceTests.nonlinear * reference.number(reference.deviation, "phi"))
  }

  @Test(arguments: TextureReference.of("rotating_wall"))
  func rotation(_ reference: TextureReference) throws {
    // It breathes about the width that belongs to the grid; the reference saw it at a moment when it was near the closed one. With
    // more nodes all moments are.
    let (material, line) = (reference.material, reference.line(finer: 2.3))
    let rotation = reference.number(reference.drive, "phi_dot")
    let look = try Look(
      material, line, TextureDrive(),
      .wall(position: 0, charge: 1, angle: 0, velocity: nil, rotation: rotation))
    let end = reference.number(reference.numerics, "t_end")
    var turned = [0.0]
    var seen = look.observables()
    var widths = 0.0
    for n in 1...40 {
      seen = try look.at(end * Double(n) / 40)
      widths += seen[.width]! / 40
      let step = (seen[.angle]! - turned.last!).remainder(dividingBy: 2 * .pi)
      turned.append(turned.last! + step)
    }
    let width = reference.number(reference.closed, "width")
    #expect(abs(WallMotion(material).width(rotation: rotation) / width - 1) < 1e-12)
    let found: [(String, Double)] = [
      ("phi_dot", turned.last! / end), ("width", widths), ("spin_z", seen[.cantingZ]!),
      ("energy", seen[.energy]!),
    ]
    for (name, value) in found {
      let exact = reference.number(reference.closed, name)
      // Spin is kept to rounding from the start on, where it errs by what the sum over the nodes does.
      let allowed = max(reference.number(reference.deviation, name), 1e-10)
      #expect(abs(value / exact - 1) <= allowed, "\(name)")
    }
  }

  @Test(arguments: TextureReference.of("pinned_wall"))
  func pinnedWall(_ reference: TextureReference) throws {
    let (material, line) = (reference.material, reference.line())
    let motion = WallMotion(material)
    let omegaP = reference.number(reference.closed, "omega_p")
    let first = motion.pinnedFrequency(material.pins[0])
    let expected = reference.number(reference.closed, "omega_p_first_order")
    #expect(abs(first / expected - 1) < 1e-9)
    // A wall at rest under a direct current rings when that is gone; also magnons of omega_0 and above do, of which means over
    // periods of omega_0 are free.
    var held = material
    held.dampingN = 2 * omegaP / material.exchangeRate
    let v = Complex(-1e-3 * omegaP * omegaP / material.exchangeRate)
    let pull = try Look(
      held, line, TextureDrive([(0, .zero, .zero, v)]),
      .wall(position: 1e-3, charge: 1, angle: 0, velocity: nil, rotation: 0), tolerance: 1e-12)
    // To 1e-9 of the displacement, which is -omega_a v_na/omega_p^2.
    #expect(abs(try pull.at(160)[.position]! - 1e-3) < 1e-8)
    var start = pull.flow.state
    (start.time, start.angle) = (0, nil)
    let look = try Look(material, line, TextureDrive(), state: start, tolerance: 1e-12)
    let step = 2 * .pi / material.gap / 16
    var samples = try (0...400).map { try look.at(step * Double($0))[.position]! }
    for _ in 0..<6 {
      samples = (0...samples.count - 16).map { samples[$0..<$0 + 16].reduce(0, +) / 16 }
    }
    let found = exponents(samples, step: step).max { $0.imaginary < $1.imaginary }!
    let (ring, rate) = (
      reference.number(reference.closed, "ring"), reference.number(reference.closed, "rate")
    )
    #expect(abs(found.imaginary / ring - 1) <= reference.number(reference.deviation, "ring"))
    #expect(abs(-found.real / rate - 1) <= reference.number(reference.deviation, "rate"))
  }

  /// Rows of omega and X_omega; each at least as near to the closed one as the reference's. The wall is driven by a tenth of
  /// its velocities, since a pin is linear to (X/lambda)^2.
  @Test(arguments: TextureReference.of("pinned_wall"), [0, 1, 2])
  func pinnedResponse(_ reference: TextureReference, _ row: Int) throws {
    let (material, line, motion) = (
      reference.material, reference.line(), WallMotion(reference.material)
    )
    let part = Complex(0.1)
    let n = part * reference.complex(reference.drive, "v_n")
    let na = part * reference.complex(reference.drive, "v_na")
    let closed = (reference.closed["response"] as! [[Double]])[row]
    let simulated = (reference.simulated["response"] as! [[Double]])[row]
    let omega = closed[0]
    let exact = motion.amplitude(
      omega: omega, n: n, na: na, pinned: reference.number(reference.closed, "omega_p"))
    let expected = part * Complex(closed[1], closed[2])
    #expect((exact - expected).length < 1e-10 * exact.length)
    let look = try Look(
      material, line, TextureDrive([(omega, n, .zero, na)]),
      .wall(
        position: exact.real, charge: 1, angle: 0, velocity: (Complex(0, -omega) * exact).real,
        rotation: 0))
    // What the start lacks decays by exp(-0.03 t), to 1e-4 of itself.
    let (period, count) = (2 * .pi / omega, 32)
    var sum = Complex<Double>.zero
    for n in 0..<count {
      let time = 300 + period * Double(n) / Double(count)
      sum += Complex(length: try look.at(time)[.position]!, phase: omega * time)
    }
    let deviation = (sum * Complex(2 / Double(count)) - exact).length
    let theirs = (Complex(simulated[1], simulated[2]) - Complex(closed[1], closed[2])).length
    #expect(deviation <= part.real * theirs)
  }

  @Test(arguments: TextureReference.of("pulse"))
  func pulse(_ reference: TextureReference) throws {
    let (material, line) = (reference.material, reference.line())
    func number(_ key: String) -> Double { reference.number(reference.drive, key) }
    let end = reference.number(reference.numerics, "t_end")
    let current = TextureCurrent.pulse(from: -20, window: end + 25, resolution: 0.5) { t in
      let u = (t - number("t0")) / number("w")
      return .exp(-u * u / 2)
    }!
    let drive = TextureDrive(
      current, velocity: 1,
      ratios: current.harmonics.map {
        TorqueRatios(
          n: Complex(number("v1")), m: Complex(number("v1") / 2),
          na: Complex(number("v2"), $0.omega * number("v3")))
      })
    let motion = WallMotion(material)
    let look = try Look(
      material, line, drive, .wall(position: 0, charge: 1, angle: 0, velocity: nil, rotation: 0))
    let closed = reference.closed["X"] as! [Double]
    let scale = closed.map(abs).max()!
    var (worst, last) = (0.0, 0.0)
    for (n, exact) in closed.enumerated() {
      let time = end * Double(n) / Double(closed.count - 1)
      // The reference's closed numbers are an integral on points of its own.
      #expect(abs(motion.displacement(drive, at: time) - exact) < 1e-5 * scale)
      last = try look.at(time)[.position]!
      worst = max(worst, abs(last - exact))
    }
    #expect(
      worst / scale
        <= TextureReferenceTests.nonlinear * reference.number(reference.deviation, "X"))
    let final = reference.number(reference.closed, "X_final")
    #expect(abs(motion.displacementAfter(drive) - final) < 1e-5)
    #expect(
      abs(last - final)
        <= TextureReferenceTests.nonlinear * reference.number(reference.deviation, "X_final")
        * max(abs(final), 1))
  }

  @Test(arguments: TextureReference.of("conservation"))
  func conservation(_ reference: TextureReference) throws {
    let material = reference.material
    let (line, width) = (reference.line(finer: 1), material.wallWidth)
    let look = try Look(
      material, line, TextureDrive(),
      state: .wallAndPacket(
        material, line, position: -5 * width, angle: 0.3,
        rotation: reference.number(reference.drive, "phi_dot"),
        amplitude: 0.05, k: 1.5 / width, centre: 6 * width, width: 2 * width))
    let end = reference.number(reference.numerics, "t_end")
    let first = look.observables()
    let positions = reference.simulated["X"] as! [Double]
    let angles = reference.simulated["phi"] as! [Double]
    for n in positions.indices {
      let time = end * Double(n) / Double(positions.count - 1)
      let seen = try look.at(time)
      for quantity in [TextureQuantity.energy, .cantingZ] {
        #expect(abs(seen[quantity]! / first[quantity]! - 1) < 1e-12)
      }
      // Two programs on other nodes: errors of the grid, 1e-5 of lambda.
      #expect(abs(seen[.position]! - positions[n]) < 2e-4)
      #expect(abs((seen[.angle]! - angles[n]).remainder(dividingBy: 2 * .pi)) < 2e-4)
    }
    #expect(abs(first[.energy]! - reference.number(reference.simulated, "energy")) < 1e-6)
    #expect(abs(first[.cantingZ]! - reference.number(reference.simulated, "spin_z")) < 1e-8)
    let v = look.flow.state
    for j in 0..<line.nodes {
      let n = (0..<3).map { v.values[$0 * line.nodes + j] }
      let mu = (3..<6).map { v.values[$0 * line.nodes + j] }
      #expect(abs(n.map { $0 * $0 }.reduce(0, +) - 1) < 1e-15)
      #expect(abs(zip(n, mu).map { $0 * $1 }.reduce(0, +)) < 1e-17)
    }
  }
}
