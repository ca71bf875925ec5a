// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import RealModule

/// Where the terms of ``ContourSum`` are singular, seen from its contours: which frequencies they
/// serve, and how fine a grid must be.
package struct ContourSurvey: Sendable {
  /// What a point of a contour knows: E_s, x_- - x_+ = 2 Delta, and the sizes of their first and
  /// second derivatives in reduced coordinates, over 2 pi and (2 pi)^2.
  package struct Node {
    package let energy, gap: ComplexDouble
    package let slope, gapSlope, curvature, gapCurvature: Double
    /// A bound on |dk'/dk| of the displacement k' = k - i c grad E.
    let stretch: Double
    /// The energies of both bands at the real k.
    package let real: SIMD2<Double>
    /// ``Base/cell``.
    package let cell: Double
  }

  /// What a point of the real zone knows, for the two bands and for the gap.
  struct Base {
    package let k: WaveVector
    package let gradients: (SIMD3<Double>, SIMD3<Double>)
    package let energies, slopes, curvatures: SIMD2<Double>
    /// |grad E_s|.
    let speeds: SIMD2<Double>
    let gapSlope, gapCurvature: Double
    /// The sizes of the second derivatives of E_s, in Cartesian coordinates.
    let hessians: SIMD2<Double>
    let isCoarse: Bool
    /// How far from the point a level may be that no other point is nearer to, as the sum over the axes of 2 pi
    /// times reduced coordinates: half of the distance between points in one dimension; less in two and three, where
    /// a surface passes many of them at all distances; 0 for critical points.
    package let cell: Double

    package func gradient(_ s: Int) -> SIMD3<Double> { s == 0 ? gradients.0 : gradients.1 }
  }

  package let contours: [BandContour]
  package let broadening: Double
  let points: [Base]
  /// Those of a grid with half as many points along each reciprocal vector, and critical points.
  let coarsePoints: [Base]
  package let nodes: [[Node]]
  /// |omega| at which the pole at 2 Delta = |omega| + 2 i Gamma may have been crossed on the way.
  package private(set) var crossings: [ClosedRange<Double>] = []
  /// The smallest and the largest Re 2 Delta.
  package let gaps: ClosedRange<Double>
  /// The same of Re E_s on the contours.
  package let energies: [ClosedRange<Double>]
  /// How near the branch point Delta^2 = 0 comes.
  private var branchDistance = Double.infinity
  /// How far, in 2 pi Im f_a from the contours, the Hamiltonian has not grown: 1/`Model.harmonics(displacement:)`.
  let growthDistance: Double
  /// The only |omega|, ascending, at which crossings will be asked for; nil for any.
  private let frequencies: [Double]?

  /// A survey; with `omegas`, whether a frequency is valid may be asked for these only.
  package init(_ contours: [BandContour], broadening: Double, omegas: [Double]? = nil) {
    let model = contours[0].model
    let divisions = ContourSurvey.divisions(model)
    let grid = PeriodicGrid(
      model, divisions: divisions, symmetries: model.energySymmetries())
    let hessian = model.hessianHamiltonians()
    let reciprocal = model.reciprocalVectors
    func sizes(_ gradient: [Double], _ hessian: [[Double]]) -> (slope: Double, curvature: Double) {
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
    let first = (0..<grid.count).filter { grid.star(of: $0) != nil }
    // The displacement vanishes at critical points, so that singularities come nearest there.
    let cell = [1, 0.25, 0][model.dimension - 1] * .pi / Double(divisions)
    let all =
      first.map { (k: grid.point($0), isCoarse: grid.components($0) % 2 == .zero, cell: cell) }
      + model.criticalPoints(andOfGap: true).map { (k: WaveVector($0.k), isCoarse: true, cell: 0) }
    let points = all.map { k, isCoarse, cell in
      let frames = hessian.map { $0.frame(at: k) }
      let derivatives = Band.allCases.map { model.derivatives(frames, $0) }
      let own = derivatives.map { sizes($0.gradient, $0.hessian) }
      let gap = sizes(
        zip(derivatives[1].gradient, derivatives[0].gradient).map { $0 - $1 },
        zip(derivatives[1].hessian, derivatives[0].hessian).map { zip($0, $1).map { $0 - $1 } })
      return Base(
        k: k, gradients: (packed(derivatives[0].gradient), packed(derivatives[1].gradient)),
        energies: SIMD2(Band.allCases.map { frames[0].energy($0).real }),
        slopes: SIMD2(own.map(\.slope)), curvatures: SIMD2(own.map(\.curvature)),
        speeds: SIMD2(
          derivatives.map {
            $0.gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
          }),
        gapSlope: gap.slope, gapCurvature: gap.curvature,
        hessians: SIMD2(
          derivatives.map {
            $0.hessian.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
          }), isCoarse: isCoarse, cell: cell)
    }
    self.init(contours, points, broadening, omegas?.map(abs).sorted())
  }

  package static func divisions(_ model: Model) -> Int {
    model.divisions([480, 96, 36][model.dimension - 1])
  }

  private init(
    _ contours: [BandContour], _ points: [Base], _ broadening: Double, _ frequencies: [Double]?
  ) {
    self.contours = contours
    self.frequencies = frequencies
    self.points = points
    coarsePoints = points.filter(\.isCoarse)
    self.broadening = broadening
    let hamiltonian = BlochHamiltonian(contours[0].model, directions: Directions(i: 0, j: 0))
    nodes = contours.map { contour in
      let s = contour.band.rawValue
      return points.map { base in
        let frame = hamiltonian.frame(
          at: WaveVector(real: base.k.real, imaginary: base.gradient(s) * -contour.step))
        return Node(
          energy: frame.energy(contour.band), gap: frame.delta.multiplied(by: 2),
          slope: base.slopes[s], gapSlope: base.gapSlope, curvature: base.curvatures[s],
          gapCurvature: base.gapCurvature,
          stretch: Double.hypot(1, contour.step * base.hessians[s]), real: base.energies,
          cell: base.cell)
      }
    }
    let real = points.map { $0.energies[1] - $0.energies[0] } + nodes.joined().map(\.gap.real)
    gaps = real.min()!...real.max()!
    energies = nodes.map { own in
      own.map(\.energy.real).min()!...own.map(\.energy.real).max()!
    }
    let model = contours[0].model
    growthDistance =
      1
      / contours.map { contour in
        let shifts = points.map { $0.gradient(contour.band.rawValue) * contour.step }
        return model.harmonics(displacement: model.largestDisplacement(shifts))
      }.max()!
    for node in nodes.joined() {
      let delta = 0.5 * node.gap.length
      Self.note(
        (node.gap * node.gap).multiplied(by: 0.25), delta * node.gapSlope,
        delta * node.gapCurvature + node.gapSlope * node.gapSlope / 2, node.stretch, 0, 0,
        &branchDistance)
    }
    // Who asks for pairs of energies has no Gamma.
    if broadening == .infinity { return }
    var crossed = RangeUnion()
    for contour in contours {
      var search = CrossingSearch(
        contour, broadening: broadening, frequencies: frequencies, found: crossed)
      for base in points { search.visit(base.k) }
      crossed = search.found
    }
    crossings = crossed.ranges
  }

  /// The same with steps `part` times as large.
  package func scaled(by part: Double) -> ContourSurvey {
    ContourSurvey(
      contours.map { BandContour($0.model, $0.band, step: part * $0.step) }, points, broadening,
      frequencies)
  }

  /// How near the two surfaces at which the retarded-retarded part of a pair of bands is singular,
  /// E_+ = mu and E_- = mu + |omega|, or those of the advanced-advanced part, E_- = mu and
  /// E_+ = mu - |omega|, come to each other, as the smallest sum of the two distances in energy; 0
  /// where they cross.
  package func separation(_ omega: Double, mu: Double) -> Double {
    let w = abs(omega)
    return points.map { point in
      let (lower, upper) = (point.energies[0] - mu, point.energies[1] - mu)
      return min(abs(lower) + abs(upper - w), abs(upper) + abs(lower + w))
    }.min()!
  }

  /// The same for terms of propagators with these energies, x1 retarded and x2, if any, advanced:
  /// c of the error exp(-c N) of a grid sum.
  package func rate(_ x1: DressedState, _ x2: DressedState? = nil) -> Double {
    let y = x2?.conjugate
    var nearest = startDistance
    for band in Band.allCases {
      let (own1, own2) = (x1.energies[band.rawValue], y?.energies[band.rawValue])
      // zeta_s = E_s, and zeta_s(z_1) - zeta_o(z_2) = E_s - E_o, and at one energy.
      let poles = gapPoles(band, x1, y).map { ($0, gaps.distance(to: $0.real)) }
      let range = energies[band.rawValue]
      let (farFromX, farFromY) = (
        range.distance(to: own1.real), range.distance(to: own2?.real ?? 0)
      )
      nodes[band.rawValue].withUnsafeBufferPointer { own in
        for node in own {
          let (g, h) = (node.slope, node.curvature)
          Self.note(node.energy - own1, g, h, node.stretch, node.cell, farFromX, &nearest)
          if let own2 {
            Self.note(node.energy - own2, g, h, node.stretch, node.cell, farFromY, &nearest)
          }
          for (pole, far) in poles {
            Self.note(
              node.gap - pole, node.gapSlope, node.gapCurvature, node.stretch, node.cell, far,
              &nearest)
          }
        }
      }
    }
    return nearest
  }

  /// The values of 2 Delta at which the terms of a band are singular, but those far from all there are.
  private func gapPoles(_ s: Band, _ x1: DressedState, _ y: DressedState?) -> [ComplexDouble] {
    guard let other = y?.numbers else { return [] }
    let x = x1.numbers
    let all =
      (s == .antibonding
        ? [x.1 - other.0.conjugate, other.1 - x.0.conjugate]
        : [other.1.conjugate - x.0, x.1.conjugate - other.0])
      + [x.1 - x.0, other.1 - other.0]
    return all.filter { $0.real > 0.3 * gaps.lowerBound }
  }

  /// Whether the contours serve a pair of energies, the first retarded, the second advanced: the poles at
  /// 2 Delta = zeta_+(z_1) - zeta_-(z_2) and at zeta_+ - zeta_- of one energy are outside of what 2 Delta is.
  package func isValid(_ x1: DressedState, _ x2: DressedState) -> Bool {
    let (x, y) = (x1.numbers, x2.conjugate.numbers)
    return [x, y].allSatisfy { ($0.1 - $0.0).length < 0.5 * gaps.lowerBound }
      && [x.1 - y.0, y.1 - x.0].allSatisfy { isOutside($0.real, margin: 0) }
  }

  /// Whether no 2 Delta is within `margin` of a real part.
  func isOutside(_ gap: Double, margin: Double) -> Bool {
    gap + margin < 0.98 * gaps.lowerBound || gap - margin > 1.02 * gaps.upperBound
  }

  /// Takes the distance d in k from the nearest zero of a function that is S at a point of the contour
  /// into account: g d + h d^2/2 = |S|, g the slope and h the curvature. Within `cell` of it Re S may come nearer
  /// to 0 by what the two tell, but not nearer than `least`, or a narrow level between two points is missed.
  @inline(__always)
  package static func note(
    _ value: ComplexDouble, _ g: Double, _ h: Double, _ stretch: Double, _ cell: Double,
    _ least: Double, _ nearest: inout Double
  ) {
    let re =
      cell == 0 ? value.real : max(least, abs(value.real) - cell * (g + 0.5 * h * cell))
    let square = re * re + value.imaginary * value.imaginary
    let d = nearest * stretch
    let change = d * (g + 0.5 * h * d)
    if square >= change * change { return }
    let s = square.squareRoot()
    nearest = 2 * s / (g + (g * g + 2 * h * s).squareRoot()) / stretch
  }

  /// The distance to the nearest branch point, and as far as the Hamiltonian has not grown.
  var startDistance: Double { min(branchDistance, growthDistance) }

  /// The largest |Im 2 Delta| on the contours.
  package var gapDepth: Double { nodes.joined().map { abs($0.gap.imaginary) }.max()! }

  /// Whether the pole at 2 Delta = |omega| + 2 i Gamma stays on its side of both contours.
  package func isValid(_ omega: Double) -> Bool {
    !crossings.contains { $0.contains(abs(omega)) }
  }

  /// 1/c_0 of `GridRefinement` for the terms at frequency omega: the inverse of the distance, in
  /// reduced wave vectors times 2 pi, from the contours to the nearest singularity.
  ///
  /// With |S| the distance in energy, g the slope and h the curvature, S has no zero within d/stretch,
  /// g d + curvature h d^2/2 = |S|. The pole at 2 Delta = omega +- 2 i Gamma counts if
  /// `hasPole`, that at 2 Delta = omega if all terms are split.
  ///
  /// With `width` in place of Gamma, for a survey that need not know its crossings.
  package func resolution(
    _ omega: Double?, mu: Double, temperature: Double, width: Double? = nil, hasPole: Bool,
    isSplit: Bool
  ) -> Double {
    let depth = (width ?? broadening) + .pi * temperature
    let w = abs(omega ?? 0)
    let shifts = omega == nil || w == 0 ? [0] : [0, w, -w]
    var nearest = startDistance
    let far = energies.map { range in shifts.map { range.distance(to: mu - $0) } }
    let farFromGap = gaps.distance(to: w)
    for (s, own) in nodes.enumerated() {
      let sign = s == Band.antibonding.rawValue ? 1.0 : -1.0
      for node in own {
        for (shift, least) in zip(shifts, far[s]) {
          Self.note(
            node.energy - ComplexDouble(mu - shift, depth), node.slope, node.curvature,
            node.stretch, node.cell, least, &nearest)
        }
        if w > 0, hasPole {
          Self.note(
            node.gap - ComplexDouble(w, 2 * sign * broadening), node.gapSlope,
            node.gapCurvature, node.stretch, node.cell, farFromGap, &nearest)
        }
        if w > 0, isSplit {
          Self.note(
            node.gap - ComplexDouble(w), node.gapSlope, node.gapCurvature, node.stretch, node.cell,
            farFromGap, &nearest)
        }
      }
    }
    // Third derivatives, and the displacement's own at complex k, can halve it (measured where J is
    // small), and what is believed of a measured rate must not exceed it.
    return 2 / nearest
  }
}

extension ClosedRange<Double> {
  /// How far a number lies outside.
  @inline(__always)
  package func distance(to x: Double) -> Double { Swift.max(0, lowerBound - x, x - upperBound) }
}
