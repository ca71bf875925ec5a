// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboTestSupport
import KuboTextures
import RealModule
import Testing

/// All 22 cases of `data/reference/texture.json`: the field against closed results, at least as near as the reference's own
/// program came, whose deviations are the tolerances. What is exact has errors of the grid alone; linear formulas of walls err
/// by the square of the velocity, the same for both programs: those may differ by a fiftieth more.
@Suite struct TextureReferenceTests {
  static let nonlinear = 1.02

  @Test func allKindsAreCovered() {
    let kinds = Set(TextureReference.all.map(\.kind))
    #expect(
      kinds == [
        "static_wall", "ring_down", "spin_wave", "moving_wall", "wall_drive", "pinned_wall",
        "conservation", "wall_angle", "rotating_wall", "pulse",
      ])
    #expect(TextureReference.all.count == 22)
  }

  /// From 0.9 lambda, with damping alpha_n so that Gamma = omega_0.
  @Test(arguments: TextureReference.of("static_wall"))
  func staticWall(_ reference: TextureReference) throws {
    var material = reference.material
    let (line, rest) = (reference.line(), material)
    material.anisotropy /= 0.81
    let start = TextureStart.wall(
      position: 0, charge: 1, angle: 0, velocity: nil, rotation: 0
    ).state(material, line, drive: (0, 0))
    material = rest
    material.dampingN = 2 * material.gap / material.exchangeRate
    let look = try Look(material, line, TextureDrive(), state: start)
    let seen = try look.at(40 / material.gap)
    let width = reference.number(reference.closed, "width")
    let energy = reference.number(reference.closed, "energy")
    #expect(abs(material.wallWidth - width) < 1e-12 * width)
    #expect(abs(material.wallEnergy - energy) < 1e-12 * energy)
    #expect(abs(seen[.width]! / width - 1) <= reference.number(reference.deviation, "width"))
    #expect(abs(seen[.energy]! / energy - 1) <= reference.number(reference.deviation, "energy"))
  }

  @Test(arguments: TextureReference.of("ring_down"))
  func gap(_ reference: TextureReference) throws {
    let material = reference.material
    let line = TextureLine(nodes: 8, spacing: material.wallWidth / 10, isPeriodic: true)
    // Of the reference's deviation all is the square of its tilt, 1e-3.
    let look = try Look(material, line, TextureDrive(), .uniform(tilt: 1e-4), tolerance: 1e-12)
    let end = reference.numerics["t_end"] as! Double
    let samples = try (0...200).map { n in
      try look.flow.advance(to: end * Double(n) / 200)
      return look.flow.state[0].first!
    }
    let found = exponents(samples, step: end / 200).max { $0.imaginary < $1.imaginary }!
    let omega = reference.number(reference.closed, "omega")
    let rate = reference.number(reference.closed, "rate")
    let closed = SpinWaves(material).frequencies(0)[0]
    #expect(abs(closed.real - omega) < 1e-12 * omega)
    #expect(abs(closed.imaginary + rate) < 1e-12 * omega)
    #expect(abs(material.gap / reference.number(reference.closed, "omega_0") - 1) < 1e-12)
    #expect(abs(found.imaginary / omega - 1) <= reference.number(reference.deviation, "omega"))
    #expect(abs(-found.real / rate - 1) <= reference.number(reference.deviation, "rate"))
  }

  @Test(arguments: TextureReference.of("spin_wave"))
  func spinWave(_ reference: TextureReference) throws {
    let (material, line) = (reference.material, reference.line(isPeriodic: true))
    let k = reference.number(reference.numerics, "k")
    let drive = reference.steady
    let v = drive.direct
    let closed = SpinWaves(material, n: v.n, m: v.m, na: v.na).frequencies(k)
    // Both waves at once: mu of neither.
    let waves = [true, false].map {
      TextureStart.wave(amplitude: 1e-4, k: k, centre: 0, width: 0, isPositive: $0)
        .state(material, line, drive: (0, 0))
    }
    var start = waves[0]
    for j in 3 * line.nodes..<6 * line.nodes {
      start.values[j] = 0.7 * waves[0].values[j] + 0.3 * waves[1].values[j]
    }
    let look = try Look(material, line, drive, state: start, tolerance: 1e-12)
    let step = 0.1 / closed[0].real
    let samples = try (0...200).map { n in
      try look.flow.advance(to: step * Double(n))
      let state = look.flow.state
      return (0..<line.nodes).reduce(Complex<Double>.zero) { sum, j in
        sum + Complex(state[0][j], state.values[line.nodes + j])
          * Complex(length: 1, phase: -k * line.position(j))
      }
    }
    let found = exponents(samples, step: step).map { Complex.i * $0 }.sorted { $0.real > $1.real }
    for (n, name) in ["positive", "negative"].enumerated() {
      let exact = reference.complex(reference.closed, name)
      #expect((closed[n] - exact).length < 1e-12 * exact.length)
      let deviation = (found[n] - exact).length / exact.length
      #expect(deviation <= reference.number(reference.deviation, name), "\(name)")
    }
  }

  @Test(arguments: TextureReference.of("moving_wall"))
  func movingWall(_ reference: TextureReference) throws {
    let (material, line, drive) = (reference.material, reference.line(), reference.steady)
    let (v, motion) = (drive.direct, WallMotion(material))
    let velocity = motion.velocity(na: v.na)!
    #expect(abs(velocity / reference.number(reference.closed, "V") - 1) < 1e-12)
    let width = motion.width(velocity: velocity, n: v.n, m: v.m)
    #expect(abs(width / reference.number(reference.closed, "width") - 1) < 1e-12)
    let look = try Look(
      material, line, drive,
      .wall(
        position: reference.number(reference.numerics, "X0"), charge: 1, angle: 0,
        velocity: velocity, rotation: 0))
    let end = reference.number(reference.numerics, "t_end")
    let middle = try look.at(end / 2)
    let seen = try look.at(end)
    let found = (seen[.position]! - middle[.position]!) / (end / 2)
    #expect(abs(found / velocity - 1) <= reference.number(reference.deviation, "V"))
    #expect(abs(seen[.width]! / width - 1) <= reference.number(reference.deviation, "width"))
  }

  @Test(arguments: TextureReference.of("wall_drive"))
  func drivenWall(_ reference: TextureReference) throws {
    let (material, line, drive) = (reference.material, reference.line(), reference.harmonics)
    let motion = WallMotion(material)
    let look = try Look(
      material, line, drive, .wall(position: 0, charge: 1, angle: 0, velocity: nil, rotation: 0))
    let closed = reference.closed["X"] as! [Double]
    let end = reference.number(reference.numerics, "t_end")
    let scale = closed.map(abs).max()!
    var worst = 0.0
    for (n, exact) in closed.enumerated() {
      let time = end * Double(n) / Double(closed.count - 1)
      #expect(abs(motion.displacement(drive, at: time) - exact) < 1e-11 * scale)
      worst = max(worst, try abs(look.at(time)[.position]! - exact))
    }
    #expect(worst / scale <= Self.nonlinear * reference.number(reference.deviation, "X"))
    guard reference.closed["X_omega"] != nil else { return }
    // One period after the transient, exp(-0.6 t).
    let omega = drive.harmonicOmega
    let (period, count) = (2 * .pi / omega, 64)
    let begin = max(end, 40)
    var sum = Complex<Double>.zero
    for n in 0..<count {
      let time = begin + period * Double(n) / Double(count)
      sum += Complex(length: try look.at(time)[.position]!, phase: omega * time)
    }
    let found = sum * Complex(2 / Double(count))
    let exact = reference.complex(reference.closed, "X_omega")
    let deviation = (found - exact).length / exact.length
    #expect(deviation <= Self.nonlinear * reference.number(reference.deviation, "X_omega"))
  }
}

extension TextureDrive {
  /// The frequency of the only term.
  var harmonicOmega: Double { terms[0].omega }
}
