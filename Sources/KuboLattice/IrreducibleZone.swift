// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// A convex part of the Brillouin zone whose images under the symmetries of the energies, inversion
/// among them, fill the zone once: all reduced wave vectors that are nearer to a point p without
/// symmetry than to any of its images.
package struct IrreducibleZone: Sendable {
  /// normal . f <= bound.
  private struct HalfSpace {
    var normal: [Double]
    var bound: Double
  }

  package let dimension: Int
  /// How many periods integrals over the coordinates after each have along it: those of the hops along it
  /// (``Model/harmonics``), and where the ends of the zone are oblique, of those along later ones.
  package let harmonics: [Double]
  /// One of each pair of operations M, -M, or with orbitals all.
  package let operations: [ReciprocalOperation]
  private let halfSpaces: [HalfSpace]

  /// The images are those of the symmetries and inversion.
  package init(_ model: Model, _ symmetries: [ReciprocalOperation]) {
    let half = ReciprocalOperation.withoutInversion(symmetries)
    self.init(
      model.latticeVectors, model.reciprocalVectors, model.axisHarmonics, half, half + half.map(-))
  }

  /// The images are those of the symmetries, with inversion among them or not.
  package init(_ model: OrbitalModel, _ symmetries: [ReciprocalOperation]) {
    self.init(
      model.latticeVectors, model.reciprocalVectors, model.axisHarmonics, symmetries, symmetries)
  }

  private init(
    _ lattice: [[Double]], _ reciprocal: [[Double]], _ harmonics: [Double],
    _ operations: [ReciprocalOperation], _ all: [ReciprocalOperation]
  ) {
    let d = lattice.count
    dimension = d
    self.harmonics = harmonics.indices.map { harmonics[$0...].max()! }
    self.operations = operations
    let metric = reciprocal.map { a in
      reciprocal.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    func product(_ x: [Double], _ y: [Double]) -> Double {
      var sum = 0.0
      for a in x.indices { for b in y.indices { sum += x[a] * metric[a][b] * y[b] } }
      return sum
    }
    func images(_ p: [Double], reach: Int) -> [[Double]] {
      let count = (0..<d).reduce(1) { n, _ in n * (2 * reach + 1) }
      return all.enumerated().flatMap { _, m in
        (0..<count).compactMap { code -> [Double]? in
          var rest = code
          var isZero = true
          let image = (0..<d).map { a in
            let shift = rest % (2 * reach + 1) - reach
            rest /= 2 * reach + 1
            if shift != 0 { isZero = false }
            return Double(shift) + zip(m.rows[a], p).reduce(0) { $0 + Double($1.0) * $1.1 }
          }
          return isZero && m.isIdentity ? nil : image
        }
      }
    }
    func separation(_ p: [Double]) -> Double {
      images(p, reach: 1).map { q in
        let step = zip(q, p).map { $0 - $1 }
        return product(step, step)
      }.min()!
    }
    // The most general of some points, so that no image is near.
    let ratios = [0.6180339887498949, 0.4142135623730951, 0.7320508075688772]
    let p = (1...60).map { n in
      (0..<d).map { a in (Double(n) * ratios[a]).truncatingRemainder(dividingBy: 1) - 0.5 }
    }.max { separation($0) < separation($1) }!
    var reach = 1
    while true {
      let bounds = images(p, reach: reach).map { q in
        HalfSpace(
          normal: (0..<d).map { a in
            2 * (0..<d).reduce(0) { $0 + metric[a][$1] * (q[$1] - p[$1]) }
          }, bound: product(q, q) - product(p, p))
      }
      // Only near images cut; an excess at p is minus the squared distance of p from the image.
      let sorted = bounds.sorted { IrreducibleZone.excess($0, p) > IrreducibleZone.excess($1, p) }
      var near = Array(sorted.prefix(24))
      while true {
        let vertices = IrreducibleZone.vertices(near)
        let outside = sorted.dropFirst(near.count).filter { plane in
          vertices.contains { IrreducibleZone.excess(plane, $0) > 1e-12 }
        }
        if outside.isEmpty { break }
        near.append(contentsOf: outside.prefix(8))
      }
      let vertices = IrreducibleZone.vertices(near)
      let radius = vertices.map { v -> Double in
        let step = zip(v, p).map { $0 - $1 }
        return product(step, step).squareRoot()
      }.max()!
      // Images farther than twice the radius cannot cut: |n_a| <= |a_a| (2 radius + 2 |p|)/2 pi.
      let farthest =
        lattice.map { a in
          zip(a, a).reduce(0) { $0 + $1.0 * $1.1 }.squareRoot()
        }.max()! * (2 * radius + 2 * product(p, p).squareRoot()) / (2 * .pi)
      if Double(reach + 1) > farthest {
        halfSpaces = near.filter { plane in
          vertices.contains { abs(IrreducibleZone.excess(plane, $0)) < 1e-9 }
        }
        return
      }
      reach += 1
    }
  }

  /// How far f lies outside: the difference of two squared distances.
  private static func excess(_ plane: HalfSpace, _ f: [Double]) -> Double {
    zip(plane.normal, f).reduce(-plane.bound) { $0 + $1.0 * $1.1 }
  }

  /// The corners of an intersection of half-spaces, in one to three dimensions.
  private static func vertices(_ planes: [HalfSpace]) -> [[Double]] {
    guard let d = planes.first?.normal.count else { return [] }
    var found: [[Double]] = []
    func visit(_ chosen: [HalfSpace], from start: Int) {
      if chosen.count == d {
        guard let point = solution(chosen.map(\.normal), chosen.map(\.bound), tolerance: 1e-12)
        else { return }
        if planes.allSatisfy({ excess($0, point) <= 1e-10 * $0.normal.map(abs).max()! }) {
          found.append(point)
        }
        return
      }
      for n in start..<planes.count { visit(chosen + [planes[n]], from: n + 1) }
    }
    visit([], from: 0)
    return found
  }

  /// The range of the next coordinate where those before it are `fixed`, with the corners in
  /// between where its cross-section has a kink; empty outside.
  package func ends(_ fixed: [Double]) -> [Double] {
    let rest = halfSpaces.map { plane in
      HalfSpace(
        normal: Array(plane.normal[fixed.count...]),
        bound: zip(plane.normal, fixed).reduce(plane.bound) { $0 - $1.0 * $1.1 })
    }.filter { plane in plane.normal.contains { abs($0) > 1e-12 } }
    var ends: [Double] = []
    for x in IrreducibleZone.vertices(rest).map({ $0[0] }).sorted()
    where x - (ends.last ?? -.infinity) > 1e-9 { ends.append(x) }
    return ends.count < 2 ? [] : ends
  }
}
