// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboTestSupport
import KuboTextures
import RealModule
import Testing

private typealias Vector = SIMD3<Double>

private func cross(_ a: Vector, _ b: Vector) -> Vector {
  Vector(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}

/// The equations (13) as they stand in docs/texture.md, with the derivatives on both sides: what the field's rates, which are
/// solved for, leave of them; for large mu, and every term of the size of 1.
@Suite struct TextureEquationTests {
  private let material: TextureMaterial = {
    var material = TextureMaterial(spin: 1.3, stiffness: 1.1, homogeneous: 1.7, anisotropy: 0.9)
    (material.hardAxis, material.dmi) = (0.6, 0.8)
    (material.dampingN, material.dampingM) = (0.7, 0.9)
    material.field = [0.5, -0.8, 0.4]
    return material
  }()
  private let vn = 0.6, vm = -0.9, vna = 0.7

  @Test(arguments: [true, false]) func ratesSolveTheEquations(_ isPeriodic: Bool) throws {
    let line = TextureLine(nodes: 12, spacing: 0.8, isPeriodic: isPeriodic)
    var generator = SeededGenerator(25)
    func random() -> Vector {
      Vector(
        .random(in: -1...1, using: &generator), .random(in: -1...1, using: &generator),
        .random(in: -1...1, using: &generator))
    }
    let n = (0..<12).map { _ in
      let v = random()
      return v / (v * v).sum().squareRoot()
    }
    let mu = n.map { n in
      let v = random()
      return v - n * (n * v).sum()
    }
    var values = [Double](repeating: 0, count: 6 * 12 + 2)
    for j in 0..<12 {
      for c in 0..<3 { (values[12 * c + j], values[12 * (c + 3) + j]) = (n[j][c], mu[j][c]) }
    }
    let flow = try TextureFlow(
      material, line, direct(n: vn, m: vm, na: vna),
      from: TextureState(time: 0, step: 1, values: values), tolerance: 1e-8)
    let rates = flow.rates()
    func rate(_ c: Int, _ j: Int) -> Vector {
      Vector(rates[12 * c + j], rates[12 * (c + 1) + j], rates[12 * (c + 2) + j])
    }
    for j in 0..<12 {
      let left = equations(n, mu, rate(0, j), rate(3, j), j, line)
      for part in [left.n, left.mu] { #expect((part * part).sum().squareRoot() < 1e-13) }
      #expect(abs((n[j] * rate(0, j)).sum()) < 1e-14)
      #expect(abs((n[j] * rate(3, j)).sum() + (mu[j] * rate(0, j)).sum()) < 1e-14)
    }
  }

  /// Left minus right sides of both equations at a node, across n.
  private func equations(
    _ n: [Vector], _ mu: [Vector], _ nRate: Vector, _ muRate: Vector, _ j: Int, _ line: TextureLine
  ) -> (n: Vector, mu: Vector) {
    func at(_ field: [Vector], _ k: Int) -> Vector {
      let count = field.count
      if line.isPeriodic { return field[(k + count) % count] }
      return field[k < 0 ? -1 - k : k >= count ? 2 * count - 1 - k : k]
    }
    func slope(_ f: [Vector]) -> Vector {
      (at(f, j - 2) - 8 * at(f, j - 1) + 8 * at(f, j + 1) - at(f, j + 2)) / (12 * line.spacing)
    }
    let ends = at(n, j - 2) + at(n, j + 2)
    let bend =
      (16 * (at(n, j - 1) + at(n, j + 1)) - ends - 30 * n[j]) / (12 * line.spacing * line.spacing)
    let (s, b) = (slope(n), Vector(material.field[0], material.field[1], material.field[2]))
    let onN =
      -material.stiffness * bend
      + Vector(
        -2 * material.dmi * s.z, material.hardAxis * n[j].y,
        -material.anisotropy * n[j].z + 2 * material.dmi * s.x)
    let onMu = material.homogeneous * mu[j] - b
    let (an, am) = (material.dampingN, material.dampingM)
    func across(_ v: Vector) -> Vector { v - n[j] * (n[j] * v).sum() }
    let first =
      nRate + cross(n[j], onMu) / material.hbarSpin + am * cross(n[j], muRate) - across(vn * s)
    let second =
      muRate + (cross(n[j], onN) + cross(mu[j], onMu)) / material.hbarSpin
      + an * cross(n[j], nRate) + am * cross(mu[j], muRate)
      - (vm * slope(mu) + vna * cross(n[j], s))
    return (across(first), across(second))
  }
}
