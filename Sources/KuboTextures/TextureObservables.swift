// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// What a table of a texture holds at each time.
public enum TextureQuantity: String, Sendable, CaseIterable {
  /// (q/2) int n_z of a wall with q = 1 or -1, in nm; of other textures the centre of 1 - n_z^2.
  case position = "X"
  /// dX/dt of a wall, in nm/ps.
  case velocity = "V"
  /// (1/2) int (1 - n_z^2) in nm.
  case width
  /// arg int (n_x + i n_y) of a wall, without jumps of 2 pi.
  case angle = "Phi"
  /// int u, relative to the uniform state, per spin and cross-section of a spin, in meV nm.
  case energy
  /// int mu in nm; 2 N/(length of a cell) of it is the spin per cross-section of a cell.
  case cantingX = "mu_x"
  case cantingY = "mu_y"
  case cantingZ = "mu_z"
  /// P = -int d_x n . d_t n in 1/ps.
  case momentum = "P"
  /// I = int (d_x n)^2 in 1/nm.
  case size = "I"
}

/// The observables of a state, of ``TextureQuantity``, with sums over the nodes as integrals; nil where there is none.
///
/// They err by what the grid and the ends of the line leave; ``TextureTrajectory`` has bounds. Units: nm, ps, meV; docs/texture.md.
public struct TextureObservables: Sendable {
  private var values: [Double?]
  /// q = [n_z(left) - n_z(right)]/2, 1 or -1 of a wall.
  public let charge: Int
  /// Where n_z vanishes, in nm.
  public let crossings: [Double]
  /// -omega_a int mu.(n x d_x n) - v_n I in 1/ps, whose balance is exact with all kinds of damping and fields; P without them.
  public let canonicalMomentum: Double
  /// dX/dt and dPhi/dt, nm/ps and 1/ps.
  private(set) var velocity = 0.0
  private(set) var rotation = 0.0

  /// An observable.
  public subscript(quantity: TextureQuantity) -> Double? {
    values[TextureQuantity.allCases.firstIndex(of: quantity)!]
  }

  private mutating func set(_ quantity: TextureQuantity, _ value: Double?) {
    values[TextureQuantity.allCases.firstIndex(of: quantity)!] = value
  }

  /// The observables of a state, as X = (q/2) int n_z, with the rates of its values, and v_n in nm/ps.
  public init(
    _ state: TextureState, rates: [Double], _ material: TextureMaterial, _ line: TextureLine,
    n: Double
  ) {
    values = TextureQuantity.allCases.map { _ in nil }
    let (nodes, dx) = (line.nodes, line.spacing)
    let v = state.values
    var sums = Sums()
    var crossings: [Double] = []
    for j in 0..<nodes {
      let stencil = line.stencil(j)
      let fields = Fields(v, rates, nodes, j)
      sums.add(fields, Slopes(v, nodes, stencil, dx), material, at: line.position(j))
      if j + 1 < nodes {
        let (a, b) = (v[2 * nodes + j], v[2 * nodes + j + 1])
        if (a < 0) != (b < 0) { crossings.append(line.position(j) + dx * a / (a - b)) }
      }
    }
    self.crossings = crossings
    let (left, right) = (v[2 * nodes], v[3 * nodes - 1])
    charge = line.isPeriodic ? 0 : Int((0.5 * (left - right)).rounded())
    let isWall = abs(charge) == 1 && crossings.count == 1
    canonicalMomentum = -(material.exchangeRate * sums.canonical + n * sums.size) * dx
    let q = Double(charge)
    set(.width, 0.5 * sums.across * dx)
    if isWall {
      set(.position, 0.5 * q * sums.n[2] * dx)
      let phase = Double.atan2(y: sums.n[1], x: sums.n[0])
      let turns = state.angle.map { ((phase - $0) / (2 * .pi)).rounded() } ?? 0
      set(.angle, phase - 2 * .pi * turns)
    } else if sums.across * dx > 1e-9 * line.length {
      set(.position, sums.moment / sums.across)
    }
    velocity = isWall ? 0.5 * q * sums.rate[2] * dx : 0
    if isWall { set(.velocity, velocity) }
    let inPlane = sums.n[0] * sums.n[0] + sums.n[1] * sums.n[1]
    rotation =
      isWall && inPlane > 0 ? (sums.n[0] * sums.rate[1] - sums.n[1] * sums.rate[0]) / inPlane : 0
    set(.energy, sums.energy * dx)
    for (c, quantity) in [TextureQuantity.cantingX, .cantingY, .cantingZ].enumerated() {
      set(quantity, sums.mu[c] * dx)
    }
    set(.momentum, -sums.momentum * dx)
    set(.size, sums.size * dx)
  }
}

/// n, mu and dn/dt at a node.
private struct Fields {
  let n, mu, rate: SIMD3<Double>

  init(_ v: [Double], _ rates: [Double], _ nodes: Int, _ j: Int) {
    n = SIMD3(v[j], v[nodes + j], v[2 * nodes + j])
    mu = SIMD3(v[3 * nodes + j], v[4 * nodes + j], v[5 * nodes + j])
    rate = SIMD3(rates[j], rates[nodes + j], rates[2 * nodes + j])
  }
}

/// The first and second derivative of n at a node, by central differences of 4th order.
private struct Slopes {
  let first, second: SIMD3<Double>

  init(_ v: [Double], _ nodes: Int, _ stencil: [Int], _ dx: Double) {
    let f = stencil.map { SIMD3(v[$0], v[nodes + $0], v[2 * nodes + $0]) }
    first = (f[0] - f[4] + 8 * (f[3] - f[1])) / (12 * dx)
    second = (16 * (f[1] + f[3]) - (f[0] + f[4]) - 30 * f[2]) / (12 * dx * dx)
  }
}

private struct Sums {
  var n = SIMD3<Double>.zero
  var mu = SIMD3<Double>.zero
  var rate = SIMD3<Double>.zero
  var (across, moment, energy, momentum, size, canonical) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

  mutating func add(_ f: Fields, _ d: Slopes, _ material: TextureMaterial, at x: Double) {
    n += f.n
    mu += f.mu
    rate += f.rate
    let perpendicular = f.n.x * f.n.x + f.n.y * f.n.y
    across += perpendicular
    moment += x * perpendicular
    // As the equations have it: int (d_x n)^2 = -int n.d_x^2 n.
    let bending = -(f.n * d.second).sum()
    size += bending
    momentum += (d.first * f.rate).sum()
    let turned = SIMD3(
      f.n.y * d.first.z - f.n.z * d.first.y, f.n.z * d.first.x - f.n.x * d.first.z,
      f.n.x * d.first.y - f.n.y * d.first.x)
    canonical += (f.mu * turned).sum()
    let b = SIMD3(material.field[0], material.field[1], material.field[2])
    energy +=
      0.5
      * (material.stiffness * bending + material.homogeneous * (f.mu * f.mu).sum()
        + material.anisotropy(at: x) * perpendicular + material.hardAxis * f.n.y * f.n.y)
      + material.dmi * (f.n.z * d.first.x - f.n.x * d.first.z) - (b * f.mu).sum()
  }
}

extension TextureLine {
  /// The five nodes about a node.
  fileprivate func stencil(_ j: Int) -> [Int] {
    (-2...2).map { offset in
      let k = j + offset
      if isPeriodic { return (k + nodes) % nodes }
      return k < 0 ? -1 - k : k >= nodes ? 2 * nodes - 1 - k : k
    }
  }
}
