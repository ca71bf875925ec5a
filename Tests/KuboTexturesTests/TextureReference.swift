// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboTestSupport
import KuboTextures
import RealModule

/// A case of `data/reference/texture.json`, whose numbers come from a program of its own.
struct TextureReference: @unchecked Sendable, CustomStringConvertible {
  let name, kind: String
  var description: String { name }
  let parameters, numerics, drive, closed, simulated, deviation: [String: Any]

  static let all: [TextureReference] = {
    let path = "\(repository)/data/reference/texture.json"
    let root =
      try! JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path)))
      as! [String: Any]
    return (root["cases"] as! [[String: Any]]).map { item in
      func part(_ key: String) -> [String: Any] { item[key] as? [String: Any] ?? [:] }
      return TextureReference(
        name: item["name"] as! String, kind: item["kind"] as! String,
        parameters: part("parameters"), numerics: part("numerics"), drive: part("drive"),
        closed: part("closed"), simulated: part("simulated"), deviation: part("relative_deviation"))
    }
  }()

  static func of(_ kind: String) -> [TextureReference] { all.filter { $0.kind == kind } }

  func number(_ part: [String: Any], _ key: String) -> Double { part[key] as? Double ?? 0 }
  func complex(_ part: [String: Any], _ key: String) -> Complex<Double> {
    let pair = part[key] as! [Double]
    return Complex(pair[0], pair[1])
  }

  /// The material of the case; a field along z.
  var material: TextureMaterial {
    func number(_ key: String) -> Double { self.number(parameters, key) }
    var material = TextureMaterial(
      spin: number("N"), stiffness: number("A"), homogeneous: number("a"), anisotropy: number("K"))
    (material.hardAxis, material.dmi) = (number("Kh"), number("D"))
    (material.dampingN, material.dampingM) = (number("alpha_n"), number("alpha_m"))
    material.field = [0, 0, number("b_z")]
    if let depth = parameters["pin_depth"] as? Double {
      material.pins = [
        .init(centre: 0, depth: depth, width: number("pin_width_over_lambda") * material.wallWidth)
      ]
    }
    return material
  }

  /// A line of the case's length, whose nodes are `finer` times as many: a little more than one, so that the results are at
  /// least as good as those of the reference, whose grid errors are part of its deviations.
  func line(finer: Double = 1.15, isPeriodic: Bool = false) -> TextureLine {
    let length = number(numerics, "L")
    let nodes = Int((finer * length / number(numerics, "dx")).rounded(.up))
    return TextureLine(
      nodes: nodes, spacing: length / Double(nodes), isPeriodic: isPeriodic)
  }

  /// The drive of velocities that do not change in time.
  var steady: TextureDrive {
    TextureDrive([
      (
        0, Complex(number(drive, "v_n")), Complex(number(drive, "v_m")),
        Complex(number(drive, "v_na"))
      )
    ])
  }

  /// The drive of lists of harmonics.
  var harmonics: TextureDrive {
    var terms: [Double: [String: Complex<Double>]] = [:]
    for key in ["v_n", "v_m", "v_na"] {
      for item in drive[key] as? [[Any]] ?? [] {
        let pair = item[1] as! [Double]
        terms[item[0] as! Double, default: [:]][key] = Complex(pair[0], pair[1])
      }
    }
    return TextureDrive(
      terms.sorted { $0.key < $1.key }.map { omega, v in
        (omega, v["v_n"] ?? .zero, v["v_m"] ?? .zero, v["v_na"] ?? .zero)
      })
  }
}

/// A trajectory with its observables.
extension TextureState {
  /// A wall that turns, at `position`, and a packet n_x += amplitude exp(-((x - centre)/width)^2) cos(k x) beside it.
  static func wallAndPacket(
    _ material: TextureMaterial, _ line: TextureLine, position: Double, angle: Double,
    rotation: Double, amplitude: Double, k: Double, centre: Double, width: Double
  ) -> TextureState {
    let wall = TextureStart.wall(
      position: position, charge: 1, angle: angle, velocity: nil, rotation: rotation)
    var state = wall.state(material, line, drive: (0, 0))
    for j in 0..<line.nodes {
      func vector(_ c: Int) -> SIMD3<Double> {
        SIMD3((c..<c + 3).map { state.values[$0 * line.nodes + j] })
      }
      let x = line.position(j)
      let u = (x - centre) / width
      var n = vector(0)
      n.x += amplitude * .exp(-u * u) * .cos(k * x)
      n /= (n * n).sum().squareRoot()
      // Also what mu has along the new n.
      let mu = vector(3) - n * (n * vector(3)).sum()
      for c in 0..<3 {
        state.values[c * line.nodes + j] = n[c]
        state.values[(c + 3) * line.nodes + j] = mu[c]
      }
    }
    return state
  }
}

struct Look {
  let material: TextureMaterial
  let line: TextureLine
  let flow: TextureFlow

  init(
    _ material: TextureMaterial, _ line: TextureLine, _ drive: TextureDrive, _ start: TextureStart,
    tolerance: Double = 1e-10
  ) throws {
    let v = drive.velocities(at: 0)
    try self.init(
      material, line, drive, state: start.state(material, line, drive: (v.n, v.m)),
      tolerance: tolerance)
  }

  init(
    _ material: TextureMaterial, _ line: TextureLine, _ drive: TextureDrive, state: TextureState,
    tolerance: Double = 1e-10
  ) throws {
    (self.material, self.line) = (material, line)
    flow = try TextureFlow(material, line, drive, from: state, tolerance: tolerance)
  }

  func observables() -> TextureObservables {
    flow.observables()
  }

  func at(_ time: Double) throws -> TextureObservables {
    try flow.advance(to: time)
    return observables()
  }
}

/// The exponents s of y(t) = sum of two exp(s t), from samples at equal distances: y_(k+1) = a y_k + b y_(k-1) by least squares.
func exponents(_ y: [Complex<Double>], step: Double) -> [Complex<Double>] {
  var (aa, ab, bb) = (Complex<Double>.zero, Complex<Double>.zero, Complex<Double>.zero)
  var (ay, by) = (Complex<Double>.zero, Complex<Double>.zero)
  for k in 1..<y.count - 1 {
    let (u, v, w) = (y[k], y[k - 1], y[k + 1])
    aa += u.conjugate * u
    ab += u.conjugate * v
    bb += v.conjugate * v
    ay += u.conjugate * w
    by += v.conjugate * w
  }
  let det = aa * bb - ab * ab.conjugate
  let a = (bb * ay - ab * by) / det
  let b = (aa * by - ab.conjugate * ay) / det
  let root = Complex.sqrt(a * a + Complex(4) * b)
  return [root, -root].map { Complex.log((a + $0) / Complex(2)) / Complex(step) }
}

func exponents(_ y: [Double], step: Double) -> [Complex<Double>] {
  exponents(y.map { Complex($0) }, step: step)
}
