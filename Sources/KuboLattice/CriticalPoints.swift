// SPDX-License-Identifier: GPL-3.0-or-later
import KuboWork

/// The chemical potential lies at a van Hove energy, where averages over the Fermi surface at T = 0
/// are singular.
public struct VanHove: Error, Sendable, Equatable, CustomStringConvertible {
  /// The chemical potential, the energy of the critical point, and the wave vector.
  public let mu, energy: Double
  /// The critical wave vector, Cartesian.
  public let k: [Double]

  /// One line for a message.
  public var description: String {
    "mu = \(mu): a van Hove energy (a band is flat at k = (\(k.map { significant($0) }.joined(separator: ", "))), E = \(energy)), where the "
      + "average over the Fermi surface is singular at T = 0; use a temperature above 0 or another mu"
  }
}

extension Model {
  /// The Hamiltonian prepared for each pair of directions a <= b, in that order.
  package func hessianHamiltonians() -> [BlochHamiltonian] {
    (0..<dimension).flatMap { a in
      (a..<dimension).map { BlochHamiltonian(self, directions: Directions(i: a, j: $0)) }
    }
  }

  /// Gradient and Hessian of E_s at real k, Cartesian, from the frames of
  /// ``hessianHamiltonians()``.
  package func derivatives(_ frames: [Frame], _ s: Band) -> (
    gradient: [Double], hessian: [[Double]]
  ) {
    let d = dimension
    var gradient = [Double](repeating: 0, count: d)
    var hessian = [[Double]](repeating: gradient, count: d)
    var pair = 0
    for a in 0..<d {
      for b in a..<d {
        hessian[a][b] = frames[pair].massInverse(s).real
        hessian[b][a] = hessian[a][b]
        if a == b { gradient[a] = frames[pair].velocityI(s).real }
        pair += 1
      }
    }
    return (gradient, hessian)
  }

  /// One point of each star, which have equal energies, of a grid that shows every oscillation.
  private func coarseGrid(_ body: (_ k: WaveVector, _ frames: [Frame]) -> Void) {
    let n = divisions([96, 24, 12][dimension - 1])
    let hamiltonians = hessianHamiltonians()
    let grid = PeriodicGrid(self, divisions: n, symmetries: energySymmetries())
    for index in 0..<grid.count where grid.star(of: index) != nil {
      let k = grid.point(index)
      body(k, hamiltonians.map { $0.frame(at: k) })
    }
  }

  /// The largest row sum of |d_a d_b E_s| at a wave vector, from the frames of ``hessianHamiltonians()``.
  package func curvature(_ frames: [Frame], _ s: Band) -> Double {
    derivatives(frames, s).hessian.map { row in row.reduce(0) { $0 + abs($1) } }.max()!
  }

  /// The largest ``curvature(_:_:)`` over a coarse grid: a bound on the bands' curvature.
  package func largestCurvature() -> Double {
    var largest = 1e-300
    coarseGrid { _, frames in
      for s in Band.allCases { largest = max(largest, curvature(frames, s)) }
    }
    return largest
  }

  /// A critical point of a band whose energy is `mu` within 1e-9 of the bandwidth.
  package func vanHove(at mu: Double) -> VanHove? {
    for (k, s) in criticalPoints() {
      let energy = hessianHamiltonians()[0].frame(at: WaveVector(k)).energy(s).real
      if abs(energy - mu) < 1e-9 * energyBound { return VanHove(mu: mu, energy: energy, k: k) }
    }
    return nil
  }

  /// Critical points of the bands, grad E_s = 0, found by Newton's method from a coarse grid, with
  /// `andOfGap` also those of Delta, as the upper band's; of those with the same energy one.
  package func criticalPoints(andOfGap: Bool = false) -> [(k: [Double], band: Band)] {
    let hamiltonians = hessianHamiltonians()
    var found: [(k: [Double], band: Band)] = []
    var energies: [[Double]] = [[], [], []]
    coarseGrid { start, first in
      for which in 0..<(andOfGap ? 3 : 2) {
        let s = which == 0 ? Band.bonding : .antibonding
        var k = start.real
        var frames = first
        for _ in 0..<30 {
          var (gradient, hessian) = derivatives(frames, s)
          var energy = frames[0].energy(s).real
          if which == 2 {
            let (other, own) = derivatives(frames, .bonding)
            gradient = zip(gradient, other).map { $0 - $1 }
            hessian = zip(hessian, own).map { zip($0, $1).map { $0 - $1 } }
            energy -= frames[0].energy(.bonding).real
          }
          if gradient.reduce(0, { $0 + abs($1) }) < 1e-11 * energyBound {
            if !energies[which].contains(where: { abs($0 - energy) < 1e-10 * energyBound }) {
              energies[which].append(energy)
              found.append(((0..<dimension).map { k[$0] }, s))
            }
            break
          }
          guard let step = solution(hessian, gradient), step.allSatisfy(\.isFinite) else { break }
          k -= packed(step)
          frames = hamiltonians.map { $0.frame(at: WaveVector(real: k)) }
        }
      }
    }
    return found
  }

  /// The energies between the top of the bonding and the bottom of the antibonding band; nil if they
  /// overlap.
  package var gap: ClosedRange<Double>? {
    var (top, bottom) = (-Double.infinity, Double.infinity)
    func see(_ frame: Frame) {
      top = max(top, frame.energy(.bonding).real)
      bottom = min(bottom, frame.energy(.antibonding).real)
    }
    // Where a band is flat along a line, Newton's method may find nothing, but the grid does.
    coarseGrid { _, frames in see(frames[0]) }
    let hamiltonian = hessianHamiltonians()[0]
    for (k, _) in criticalPoints() { see(hamiltonian.frame(at: WaveVector(k))) }
    return top < bottom ? top...bottom : nil
  }
}
