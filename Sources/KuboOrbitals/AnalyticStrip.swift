// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboWork
import KuboZoneIntegrals
import RealModule

/// How far from real wave vectors sums over bands stay analytic, which says how fine a grid must be; ``OrbitalModel/resolution(_:)``
/// asks the same of levels at all energies and bounds hops by their norms, which for Wannier functions is ten times too much.
///
/// At constant Gamma a loop is an integral over energies z of traces of G = (z + i Gamma - H)^-1, its adjoint and vertices, which
/// are polynomials in exp(i k.R). The path of z can be chosen so that it keeps Im z >= 0 in products of retarded
/// propagators alone: from mu and mu +- omega straight up, for both shift along; only where retarded and advanced ones meet is z real, and there
/// f(z) - f(z + omega) restricts it to W = [mu - |omega|, mu + |omega|], and some T beyond, where it falls as
/// exp(-x/T). So the summand is analytic at k + i d e_a as long as z + i Gamma - H(k + i d e_a) can be inverted for all z in W and
/// above. At real k let delta = [Gamma^2 + dist(E, W)^2]^(1/2) of each level E; then |z + i Gamma - E| >= delta, and with
/// X = H(k + i d e_a) - H(k), in the bands,
///
///     |delta^(-1/2) X delta^(-1/2)| < 1
///
/// is enough, since z + i Gamma - H - X = D^(1/2) (u - D^(-1/2) X D^(-1/2)) D^(1/2) with D = |z + i Gamma - E| and u unitary. Steep
/// levels far from W do not count, degenerate ones need no care, and what joins near to far levels counts as it should. X is
/// taken as i d V + d^2 H'', V and H'' the derivatives, twice the second term for those beyond: hops that grow by e are kept out by
/// 2 ``OrbitalModel/harmonics``.
///
/// What is assumed: along a line, between the points where this norm is looked at, with levels as near to W as they come on the
/// way to the next point, it is at most a fifth larger than on the steepest of them, and between the lines too. It is smooth on the
/// scale of the zone over the longest hops, for which the points are dense enough, and they share no period with them. The strips
/// bound how fast ``GridRefinement`` believes sums to converge, which it measures besides.
package struct AnalyticStrip: Sendable {
  private let model: OrbitalModel
  private let matrices: BlochMatrices
  private let mu, width: Double
  private var dimension: Int { model.dimension }
  /// Points along each reciprocal vector, as dense for each oscillation along it as they are for hops to next cells.
  private let divisions: [Int]
  static let margin = 1.2

  package init(_ model: OrbitalModel, mu: Double, width: Double) {
    (self.model, self.mu, self.width) = (model, mu, width)
    let least = Double([240, 32, 12][model.dimension - 1])
    divisions = model.axisHarmonics.map { Int(least * max(1, $0 / 2)) }
    let reciprocal = model.reciprocalVectors
    let axes = reciprocal.map { b in
      { (r: [Double]) -> Double in zip(r, b).reduce(0) { $0 + $1.0 * $1.1 } / (2 * .pi) }
    }
    matrices = BlochMatrices(
      model,
      [{ _ in .one }] + axes.map { x in { ComplexDouble(0, x($0)) } }
        + axes.map { x in { ComplexDouble(-x($0) * x($0)) } })
  }

  /// The strips of lines along each axis that serve windows W of these half-widths, d in 2 pi times reduced coordinates; at most
  /// five are looked at, and others use the next wider one.
  package func decays(_ windows: [Double], threads: Int) async throws -> [GridDecay] {
    let sorted = Set(windows).sorted()
    let step = max(1, (sorted.count + 3) / 4)
    let chosen = sorted.indices.filter { $0 == 0 || ($0 - sorted.count + 1) % step == 0 }.map {
      sorted[$0]
    }
    let lines = divisions.dropLast().reduce(1, *)
    let found = try await WorkProgress.stage(
      "strips of analyticity", unit: "lines", of: lines, isEven: true
    ) { stage in
      try await parallelMap(lines, threads: threads) { line in
        defer { stage?.advance() }
        return slopes(line, chosen)
      }
    }
    let decays = chosen.indices.map { m in
      GridDecay((0..<dimension).map { axis in steepest(found.map { $0[m][axis] }, axis) })
    }
    return windows.map { w in decays[chosen.firstIndex { $0 >= w }!] }
  }

  /// The largest 1/d on each line along an axis, of those at all points, by lines along the last axis.
  private func steepest(_ points: [[Double]], _ axis: Int) -> [Double] {
    let stride = divisions[..<axis].reduce(1, *)
    let lines =
      axis == dimension - 1
      ? points.map { $0.max()! }
      : points.indices.filter { $0 / stride % divisions[axis] == 0 }.flatMap { line in
        points[line].indices.map { n in
          (0..<divisions[axis]).reduce(0) { max($0, points[line + $1 * stride][n]) }
        }
      }
    let floor = 2 * model.harmonics
    return lines.map { max(floor, AnalyticStrip.margin * $0) }
  }

  /// 1/d of each window and along each axis at the points of a line along the last coordinate.
  private func slopes(_ line: Int, _ windows: [Double]) -> [[[Double]]] {
    let n = model.orbitals.count
    let sums = BlochMatrices.Sums(matrices)
    func coordinate(_ axis: Int, _ m: Int) -> Double {
      (Double(m) + [0.381966, 0.290574, 0.569840][axis]) / Double(divisions[axis])
    }
    var rest = line
    for axis in 0..<dimension - 1 {
      sums.sum(axis, atReduced: coordinate(axis, rest % divisions[axis]))
      rest /= divisions[axis]
    }
    var scratch = Scratch(capacity: (8 + 2 * dimension) * (n + 2) * (n + 2))
    let places = divisions[dimension - 1]
    let none = [Double](repeating: 0, count: places)
    var slopes = windows.map { _ in (0..<dimension).map { _ in none } }
    sums.line(atReduced: (0..<places).map { coordinate(dimension - 1, $0) }) { place, blocks in
      withUnsafeMutablePointer(to: &scratch) { scratch in
        for u in Spin.allCases {
          scratch.pointee.returning { _ in
            func matrix(_ factor: Int) -> BandMatrix {
              BandMatrix(n, blocks + matrices.offset(u, factor), scratch)
            }
            let (levels, states) = matrix(0).levels()
            let derivatives = (1...2 * dimension).map { matrix($0).rotated(states, states) }
            for axis in 0..<dimension {
              let (first, second) = (derivatives[axis], derivatives[dimension + axis])
              // How far levels move from here halfway to the next point of the line: one that is narrow may be at W there.
              let cell = Double.pi / Double(divisions[axis])
              let moves = (0..<n).map { a in
                cell * first[a, a].length + cell * cell / 2 * second[a, a].length
              }
              for (m, window) in windows.enumerated() {
                let scales = (0..<n).map { a in
                  1
                    / Double.hypot(width, max(0, abs(levels[a] - mu) - window - moves[a]))
                    .squareRoot()
                }
                func norm(_ derivative: BandMatrix) -> Double {
                  scratch.pointee.returning { _ in
                    derivative.map { z, a, b in z.multiplied(by: scales[a] * scales[b]) }.norm
                  }
                }
                let (v, w) = (norm(first), norm(second))
                // d v + d^2 w = 1.
                let own = (v + (v * v + 4 * w).squareRoot()) / 2
                slopes[m][axis][place] = max(slopes[m][axis][place], own)
              }
            }
          }
        }
      }
    }
    return slopes
  }
}
