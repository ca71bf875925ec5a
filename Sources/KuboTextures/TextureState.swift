// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// n and mu at the nodes of a line at a time, with |n| = 1 and n.mu = 0, and the step with which the integration goes on. A
/// trajectory that begins with a state has the same bits as one that went through it.
public struct TextureState: Sendable, Equatable {
  /// The time in ps, and the next step in ps.
  public var time, step: Double
  /// n_x, n_y, n_z, mu_x, mu_y, mu_z, each at all nodes, no unit; then what the balances of energy and momentum say that those
  /// are, in meV nm and 1/ps.
  public var values: [Double]
  /// The last angle Phi, without jumps of 2 pi.
  public var angle: Double?

  /// A state.
  public init(time: Double, step: Double, values: [Double], angle: Double? = nil) {
    (self.time, self.step, self.values, self.angle) = (time, step, values, angle)
  }

  /// The number of nodes.
  public var nodes: Int { values.count / 6 }

  /// A component at all nodes: 0 to 2 of n, 3 to 5 of mu.
  public subscript(component: Int) -> ArraySlice<Double> {
    values[component * nodes..<(component + 1) * nodes]
  }
}

/// How a texture begins, at t = 0. Lengths in nm, times in ps, angles in radians.
public enum TextureStart: Sendable, Equatable {
  /// n_z = -q tanh((x - X)/w), at the angle phi against x; at rest with mu = 0, or moving and turning as a steady wall:
  ///
  ///     w = lambda sqrt{[1 - (V + v_n)(V + v_m)/c^2]/(1 - Phi'^2/omega_0^2)},  mu = (1/omega_a) n x (Phi' z x n - (V + v_n) d_x n)
  case wall(position: Double, charge: Int, angle: Double, velocity: Double?, rotation: Double)
  /// Two walls `separation` apart, in which n turns by 360 degrees in the plane of z and x; mu = 0.
  case doubleWall(position: Double, separation: Double)
  /// n = (sin tilt, 0, cos tilt); mu = 0.
  case uniform(tilt: Double)
  /// n = (sin k x, 0, cos k x) with `turns` turns on a ring; mu = 0.
  case spiral(turns: Int)
  /// n_x + i n_y = amplitude exp(-((x - centre)/width)^2 + i k x), with mu of the wave of positive or of negative frequency. A
  /// width of 0 is none: k is then rounded to the ring.
  case wave(amplitude: Double, k: Double, centre: Double, width: Double, isPositive: Bool)

  /// Whether there are walls between uniform parts, so that a longer line would not matter.
  var hasWalls: Bool {
    switch self {
    case .wall, .doubleWall: true
    case .uniform, .spiral, .wave: false
    }
  }

  private typealias Vector = SIMD3<Double>

  /// The state at t = 0; exact for the walls and waves that the cases state.
  /// - Parameter drive: v_n, v_m, v_na at t = 0 of a wall that moves, nm/ps.
  public func state(
    _ material: TextureMaterial, _ line: TextureLine, drive: (n: Double, m: Double)
  ) -> TextureState {
    let omegaA = material.exchangeRate
    var values = [Double](repeating: 0, count: 6 * line.nodes + 2)
    for j in 0..<line.nodes {
      var (n, mu) = field(material, line, line.position(j), drive)
      n /= (n * n).sum().squareRoot()
      mu -= n * (n * mu).sum()
      for c in 0..<3 {
        values[c * line.nodes + j] = n[c]
        values[(c + 3) * line.nodes + j] = mu[c]
      }
    }
    // A tenth of what the fastest wave of the line allows, omega_max = 2.31 c/dx; the controller finds the rest.
    let fastest = 2.31 * material.magnonVelocity / line.spacing + material.gap + omegaA * 1e-6
    return TextureState(time: 0, step: 0.4 / fastest, values: values)
  }

  private func field(
    _ material: TextureMaterial, _ line: TextureLine, _ x: Double, _ drive: (n: Double, m: Double)
  ) -> (n: Vector, mu: Vector) {
    switch self {
    case .wall(let position, let charge, let angle, let velocity, let rotation):
      return Self.wall(
        material, x - position, Double(charge), angle, velocity, rotation, drive)
    case .doubleWall(let position, let separation):
      let theta = [-0.5, 0.5].map {
        2 * Double.atan(.exp((x - position + $0 * separation) / material.wallWidth))
      }.reduce(0, +)
      return (Vector(.sin(theta), 0, .cos(theta)), .zero)
    case .uniform(let tilt): return (Vector(.sin(tilt), 0, .cos(tilt)), .zero)
    case .spiral(let turns):
      let phase = 2 * .pi * Double(turns) * x / line.length
      return (Vector(.sin(phase), 0, .cos(phase)), .zero)
    case .wave(let amplitude, let k, let centre, let width, let isPositive):
      return Self.wave(material, line, x, amplitude, k, centre, width, isPositive)
    }
  }

  private static func cross(_ a: Vector, _ b: Vector) -> Vector {
    Vector(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
  }

  private static func wall(
    _ material: TextureMaterial, _ x: Double, _ charge: Double, _ angle: Double,
    _ velocity: Double?, _ rotation: Double, _ drive: (n: Double, m: Double)
  ) -> (n: Vector, mu: Vector) {
    let closed = WallMotion(material)
    let width =
      closed.width(velocity: velocity, n: drive.n, m: drive.m)
      * closed.width(rotation: rotation) / material.wallWidth
    let (nz, across) = (-charge * Double.tanh(x / width), 1 / Double.cosh(x / width))
    let n = Vector(across * .cos(angle), across * .sin(angle), nz)
    // d_x n = (sech/width)(-tanh cos phi, -tanh sin phi, -q sech).
    let slope =
      Vector(
        -Double.tanh(x / width) * .cos(angle), -Double.tanh(x / width) * .sin(angle),
        -charge * across) * (across / width)
    let turn = rotation * Vector(-n.y, n.x, 0)
    let rate = velocity.map { turn - ($0 + drive.n) * slope } ?? turn
    return (n, cross(n, rate) / material.exchangeRate)
  }

  private static func wave(
    _ material: TextureMaterial, _ line: TextureLine, _ x: Double, _ amplitude: Double, _ k: Double,
    _ centre: Double, _ width: Double, _ isPositive: Bool
  ) -> (n: Vector, mu: Vector) {
    let unit = 2 * .pi / line.length
    let k = width > 0 ? k : (k / unit).rounded() * unit
    let u = width > 0 ? (x - centre) / width : 0
    let size = amplitude * .exp(-u * u)
    // psi' = -i omega psi = -i omega_a mu.
    let omega = SpinWaves(material).frequencies(k)[isPositive ? 0 : 1].real
    let (c, s) = (Double.cos(k * x), Double.sin(k * x))
    let ratio = omega / material.exchangeRate
    return (Vector(size * c, size * s, 1), ratio * Vector(size * c, size * s, 0))
  }
}
