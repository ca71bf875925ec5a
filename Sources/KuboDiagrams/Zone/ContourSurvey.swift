// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// Where the terms of ``ContourSum`` are singular, seen from its contours: which frequencies they
/// serve, and how fine a grid must be.
struct ContourSurvey: Sendable {
  /// What a point of a contour knows: E_s, x_- - x_+ = 2 Delta, and the sizes of their first and
  /// second derivatives in reduced coordinates, over 2 pi and (2 pi)^2.
  private struct Node {
    let energy, gap: ComplexDouble
    let slope, gapSlope, curvature, gapCurvature: Double
  }

  let contours: [BandContour]
  private let nodes: [[Node]]
  /// The smallest and the largest Re 2 Delta.
  let gaps: ClosedRange<Double>

  init(_ contours: [BandContour]) {
    self.contours = contours
    let model = contours[0].model
    let grid = PeriodicGrid(
      model, divisions: [480, 96, 36][model.dimension - 1], symmetries: model.energySymmetries())
    let points = (0..<grid.count).filter { grid.star(of: $0) != nil }.map(grid.point)
    let hessian = model.hessianHamiltonians()
    let hamiltonian = BlochHamiltonian(model, directions: Directions(i: 0, j: 0))
    let reciprocal = model.reciprocalVectors
    let frames = points.map { k in hessian.map { $0.frame(at: k) } }
    let derivatives = Band.allCases.map { s in frames.map { model.derivatives($0, s) } }
    func sizes(_ gradient: [Double], _ hessian: [[Double]]) -> (Double, Double) {
      var slope = 0.0
      var curvature = 0.0
      for b in reciprocal {
        slope = max(slope, abs(zip(b, gradient).reduce(0) { $0 + $1.0 * $1.1 }) / (2 * .pi))
        var row = 0.0
        for c in reciprocal {
          var sum = 0.0
          for x in b.indices { for y in c.indices { sum += b[x] * hessian[x][y] * c[y] } }
          row += abs(sum)
        }
        curvature = max(curvature, row / (4 * .pi * .pi))
      }
      return (slope, curvature)
    }
    nodes = contours.map { contour in
      points.indices.map { n in
        let (gradient, hessian) = derivatives[contour.band.rawValue][n]
        let lower = derivatives[0][n]
        let upper = derivatives[1][n]
        let (slope, curvature) = sizes(gradient, hessian)
        let (gapSlope, gapCurvature) = sizes(
          zip(upper.gradient, lower.gradient).map { $0 - $1 },
          zip(upper.hessian, lower.hessian).map { zip($0, $1).map { $0 - $1 } })
        let frame = hamiltonian.frame(
          at: WaveVector(real: points[n].real, imaginary: packed(gradient) * -contour.step))
        return Node(
          energy: frame.energy(contour.band), gap: frame.delta.multiplied(by: 2), slope: slope,
          gapSlope: gapSlope, curvature: curvature, gapCurvature: gapCurvature)
      }
    }
    let real = frames.map { 2 * $0[0].delta.real } + nodes.joined().map(\.gap.real)
    gaps = real.min()!...real.max()!
  }

  /// Whether the pole at 2 Delta = |omega| + 2 i Gamma stays on its side of both contours.
  func isValid(_ omega: Double, broadening: Double) -> Bool {
    let w = abs(omega)
    return contours.indices.allSatisfy { s in
      nodes[s].allSatisfy { node in
        // On the contour of the upper band 2 Delta moves down, on that of the lower up; 2 Gamma is left.
        let wrong = s == Band.antibonding.rawValue ? node.gap.imaginary : -node.gap.imaginary
        return wrong <= broadening || abs(node.gap.real - w) > 20 * wrong
      }
    }
  }

  /// How far the pole of the gap moves to the wrong side.
  var largestViolation: Double {
    max(
      nodes[Band.antibonding.rawValue].map(\.gap.imaginary).max()!,
      -nodes[Band.bonding.rawValue].map(\.gap.imaginary).min()!)
  }

  /// 1/c_0 of ``GridRefinement`` for the terms at frequency omega: the inverse of the distance, in
  /// reduced wave vectors times 2 pi, from the contours to the nearest singularity.
  ///
  /// With |S| the distance in energy, g the slope and h the curvature, S has no zero within d,
  /// g d + h d^2/2 = |S|.
  func resolution(_ omega: Double?, mu: Double, temperature: Double, broadening: Double) -> Double {
    let depth = broadening + .pi * temperature
    let w = abs(omega ?? 0)
    let shifts = omega == nil || w == 0 ? [0] : [0, w, -w]
    var nearest = Double.infinity
    func note(_ re: Double, _ im: Double, _ g: Double, _ h: Double) {
      let s = (re * re + im * im).squareRoot()
      nearest = min(nearest, 2 * s / (g + (g * g + 2 * h * s).squareRoot()))
    }
    for (s, own) in nodes.enumerated() {
      let sign = s == Band.antibonding.rawValue ? 1.0 : -1.0
      for node in own {
        for shift in shifts {
          note(
            node.energy.real - mu + shift, node.energy.imaginary - depth, node.slope, node.curvature
          )
        }
        if w > 0 {
          note(
            node.gap.real - w, sign * node.gap.imaginary - 2 * broadening, node.gapSlope,
            node.gapCurvature)
        }
      }
    }
    return 1 / nearest
  }
}
