// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops
import RealModule

/// The zone deformed around the levels of a few propagators, retarded and advanced ones, of both bands s:
///
///     k -> k - i c sum over levels and s of +-h_s grad E_s,   h_s = exp(-((E_s - level)/width)^2)
///
/// with + for retarded levels, next to which Im E_s < 0, and - for advanced ones. A product of the propagators is summed as it
/// stands, without partial fractions, so that nothing is singular but the levels themselves; where the bands meet in
/// resonance, E_+ - E_- = omega, both are avoided at once as long as their velocities differ. Levels of unlike sign that are omega
/// apart leave room for windows of about omega only, so that grids grow as 1/omega.
package struct LevelSurface: DisplacedZone {
  /// The energy of a propagator without its self-energy, and its side.
  package struct Level: Hashable, Comparable, Sendable {
    package let energy: Double
    package let isAdvanced: Bool

    package init(energy: Double, isAdvanced: Bool) {
      self.energy = energy
      self.isAdvanced = isAdvanced
    }

    package static func < (a: Level, b: Level) -> Bool {
      (a.energy, a.isAdvanced ? 1 : 0) < (b.energy, b.isAdvanced ? 1 : 0)
    }
  }

  /// How many levels there may be.
  package static let largestCount = Int(ZONE_WINDOWS) / 2

  package let model: Model
  package let levels: [Level]
  package let width, step: Double

  package var metric: [Double] { model.latticeMetric }

  package var displacement: ZoneDisplacement {
    ZoneDisplacement(
      step: step,
      levels.flatMap { level in
        (0..<2).map {
          ZoneWindow(
            band: Int32($0), weight: level.isAdvanced ? -1 : 1, center: level.energy,
            inverse_width: 1 / width)
        }
      })
  }
}

/// What a ``LevelSurface`` serves, and how fine its grids must be.
package struct LevelSurvey: Sendable {
  /// T and |eta|^2 at real k, half way to the surface and on it.
  private struct Node {
    let hopping, square: [ComplexDouble]
    let slopes, curvatures: SIMD2<Double>
    let stretch, cell: Double
  }

  package let surface: LevelSurface
  private let nodes: [Node]
  private let energies: [ClosedRange<Double>]
  /// How near what all propagators share comes: the windows, the hops.
  private let start: Double
  /// How near the branch points Delta^2 = 0 of the bands come, which polynomials over D do not have.
  private let branch: Double

  /// Nil where Delta^2 comes near its branch point on the way, on which projectors depend.
  fileprivate init?(
    _ surface: LevelSurface, _ points: [ContourSurvey.Base], _ hamiltonian: BlochHamiltonian
  ) {
    let model = surface.model
    let square = model.exchange * model.exchange
    var nearest = Double.infinity
    var branch = Double.infinity
    var shifts: [SIMD3<Double>] = []
    var nodes: [Node] = []
    for point in points {
      var shift = SIMD3<Double>.zero
      var bend = 0.0
      var isNear = false
      for level in surface.levels {
        for s in 0..<2 {
          let u = (point.energies[s] - level.energy) / surface.width
          let h = surface.step * Double.exp(-u * u)
          shift -= point.gradient(s) * (level.isAdvanced ? -h : h)
          let speed = point.speeds[s] * point.speeds[s]
          bend += h * (point.hessians[s] + 2 * abs(u) / surface.width * speed)
          // Up to half way to the next point.
          if abs(u) - 2 * point.cell * point.slopes[s] / surface.width < 3 {
            isNear = true
            // The windows grow in the complex plane.
            if point.slopes[s] > 0 { nearest = min(nearest, surface.width / point.slopes[s]) }
          }
        }
      }
      shifts.append(shift)
      // Slopes at complex k are larger than at real k.
      let stretch = Double.hypot(1, bend) * Double.cosh(model.largestDisplacement([shift]).max()!)
      let frames = [0, 0.5, 1].map {
        hamiltonian.frame(at: WaveVector(real: point.k.real, imaginary: shift * $0))
      }
      func noteBranch(_ frame: Frame, _ stretch: Double, _ nearest: inout Double) {
        let size = frame.delta.length
        ContourSurvey.note(
          frame.delta * frame.delta, size * point.gapSlope,
          size * point.gapCurvature + point.gapSlope * point.gapSlope / 2, stretch, 0, 0,
          &nearest)
      }
      for frame in frames {
        guard (frame.delta * frame.delta).real >= 0.8 * square else { return nil }
      }
      // The windows depend on the bands at real k.
      if isNear { noteBranch(frames[0], 1, &nearest) }
      noteBranch(frames[2], stretch, &branch)
      nodes.append(
        Node(
          hopping: frames.map(\.hopping), square: frames.map { $0.eta * $0.etabar },
          slopes: point.slopes, curvatures: point.curvatures, stretch: stretch,
          cell: 2 * point.cell))
    }
    self.surface = surface
    self.nodes = nodes
    energies = (0..<2).map { s in
      points.map { $0.energies[s] }.min()!...points.map { $0.energies[s] }.max()!
    }
    start = min(
      nearest, 1 / model.harmonics(displacement: model.largestDisplacement(shifts)))
    self.branch = branch
  }

  /// c of the error exp(-c N) of grid sums of propagators of these states, all as retarded ones, those of `isAdvanced` as their
  /// conjugates; nil where a level may have been crossed on the way from the real zone: at each node
  /// Im(zeta - E_s) keeps half of what it has at real k, or the way is too short to come to a zero.
  package func rate(_ states: [DressedState], isAdvanced: [Bool]) -> Double? {
    var nearest = start
    let exchange = surface.model.exchange
    for (state, isAdvanced) in zip(states, isAdvanced) {
      let (first, second) = state.numbers
      // E_s as the state sees it: its own j with `site`.
      let squared: ComplexDouble
      let centers: [ComplexDouble]
      switch state {
      case .bands:
        nearest = min(nearest, branch)
        (squared, centers) = (ComplexDouble(exchange * exchange), [first, second])
      case .sublattices:
        (squared, centers) = (second * second, [first, first])
      }
      let shift = (root(squared) - ComplexDouble(exchange)).length
      // The slopes are those with J.
      guard shift < 0.5 * exchange else { return nil }
      let far = (0..<2).map { max(0, energies[$0].distance(to: centers[$0].real) - shift) }
      for node in nodes {
        func distances(_ part: Int) -> (ComplexDouble, ComplexDouble) {
          let (t, q) =
            isAdvanced
            ? (node.hopping[part].conjugate, node.square[part].conjugate)
            : (node.hopping[part], node.square[part])
          let delta = root(q + squared)
          return (centers[0] - t + delta, centers[1] - t - delta)
        }
        let (real, middle, end) = (distances(0), distances(1), distances(2))
        func isFree(_ u: ComplexDouble, _ real: ComplexDouble) -> Bool {
          u.imaginary >= 0.5 * real.imaginary || (u - real).length < 0.5 * real.length
        }
        guard isFree(middle.0, real.0), isFree(middle.1, real.1), isFree(end.0, real.0),
          isFree(end.1, real.1)
        else { return nil }
        ContourSurvey.note(
          end.0, node.slopes[0], node.curvatures[0], node.stretch, node.cell, far[0], &nearest)
        ContourSurvey.note(
          end.1, node.slopes[1], node.curvatures[1], node.stretch, node.cell, far[1], &nearest)
      }
    }
    return nearest
  }
}

extension ContourSurvey {
  /// The surface for propagators at `levels`, of those tried the one whose grids may be coarsest; nil if
  /// there is none. `separation` is the distance of levels of unlike sign, if there are any.
  package func levelSurface(
    _ levels: [LevelSurface.Level], separation: Double?, states: [DressedState]
  ) -> LevelSurvey? {
    let model = contours[0].model
    let range = coarsePoints.map(\.energies[1]).max()! - coarsePoints.map(\.energies[0]).min()!
    let hamiltonian = BlochHamiltonian(model, directions: Directions(i: 0, j: 0))
    let largest = min(contours[0].step, contours[1].step)
    var best: (survey: LevelSurvey, rate: Double)?
    for part in [1.2, 0.7, 0.4] {
      let width = min(part * (separation ?? 0.3 * range), 0.4 * range)
      // Where a level is near, the windows change the displacement by step grad^2/width.
      var steepest = 0.0
      for point in coarsePoints {
        for s in 0..<2
        where levels.contains(where: { abs(point.energies[s] - $0.energy) < 2 * width }) {
          steepest = max(steepest, point.speeds[s] * point.speeds[s])
        }
      }
      for share in [1, 0.5, 0.25] {
        let step = share * min(largest, 0.8 * width / max(steepest, 1e-300))
        let surface = LevelSurface(model: model, levels: levels, width: width, step: step)
        guard let survey = LevelSurvey(surface, coarsePoints, hamiltonian),
          let rate = survey.rate(states, isAdvanced: levels.map(\.isAdvanced)),
          rate > best?.rate ?? 0
        else { continue }
        best = (survey, rate)
      }
    }
    return best?.survey
  }
}
