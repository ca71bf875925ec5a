// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice

/// What is averaged over the zone at two energies; u is a spin, u' the other.
package enum ImpurityLoop: Hashable, Sendable {
  /// Loops that there are without impurities too.
  case plain(CollinearLoop)
  /// Rel_u, by which impurity spins break continuity; with the ladder.
  case relaxation(Spin)
  /// tr[Delta G+_u' Delta G_u], the torque of an axis that turns in time.
  case damping(Spin)

  var spin: Spin {
    switch self {
    case .plain(let loop): loop.spin
    case .relaxation(let u), .damping(let u): u
    }
  }

  /// What is measured, and its derivative d_j if it has a part that knows one energy.
  func operators(_ point: BlochBlock) -> (MatrixBlock, MatrixBlock?) {
    switch self {
    case .plain(.transverse(_, .spin(let p))), .plain(.density(_, let p)):
      (MatrixBlock(p.count, lanes: point.lanes).plus(p.map { ComplexDouble($0) }), nil)
    case .plain(.transverse(_, .torque(let p))):
      (point.exchange(.energy).anticommuted(p), point.exchange(.second).anticommuted(p))
    case .plain(.longitudinal(let u, let vertex)):
      (vertex.matrix(point, u, .first), vertex.matrix(point, u, .mixed))
    case .relaxation, .damping: (point.exchange(.energy), nil)
    }
  }
}

extension CollinearLoop.Vertex {
  /// The vertex B_i at k, or its derivative d_j.
  func matrix(_ point: BlochBlock, _ u: Spin, _ part: BlochMatrices.Part) -> MatrixBlock {
    switch self {
    case .gauge: point.mean(part)
    case .velocity: point.hamiltonian(u, part)
    case .torque(let p): point.exchange(part).anticommuted(p)
    case .precession(let p): point.exchange(part).commuted(p)
    }
  }
}
