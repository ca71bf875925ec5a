// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import KuboVerification

/// The lattices of the identity tests.
package enum IdentityLattice: String, CaseIterable, Sendable {
  case square, honeycomb
  /// An oblique cell whose hops all differ: no symmetry but k -> -k.
  case oblique
  /// A chain with two distances and two amplitudes.
  case dimerised
  /// A triclinic crystal.
  case triclinic

  package var model: Model {
    func hops(_ list: [([Double], Double)]) -> [Hop] {
      list.map { Hop(vector: $0.0, amplitude: $0.1) }
    }
    func model(
      _ vectors: [[Double]], _ inter: [([Double], Double)], _ intra: [([Double], Double)],
      _ exchange: Double
    ) -> Model {
      try! Model(
        name: rawValue, latticeVectors: vectors, interSublattice: hops(inter),
        intraSublattice: hops(intra), exchange: exchange)
    }
    let h = 3.0.squareRoot() / 2
    switch self {
    case .square:
      return model(
        [[1, 1], [1, -1]], [([1, 0], 1), ([-1, 0], 1), ([0, 1], 1), ([0, -1], 1)],
        [([1, 1], 0.2), ([1, -1], 0.2)], 0.5)
    case .honeycomb:
      return model(
        [[2 * h, 0], [h, 1.5]], [([0, 1], 1), ([h, -0.5], 1), ([-h, -0.5], 1)],
        [([2 * h, 0], 0.1), ([-h, 1.5], 0.1), ([-h, -1.5], 0.1)], 0.5)
    case .oblique:
      return model(
        [[1, 0], [-0.4, 1.2]],
        [([0.3, 0.4], 0.9), ([1.3, 0.4], -0.35), ([-0.1, 1.6], 0.55), ([-0.7, 0.4], 0.2)],
        [([1, 0], 0.17), ([0.4, -1.2], -0.11), ([0.6, 1.2], 0.23)], 0.7)
    case .dimerised:
      return model([[1.7]], [([0.6], 1), ([-1.1], 0.45)], [([1.7], 0.2), ([3.4], -0.07)], 0.6)
    case .triclinic:
      return model(
        [[1, 0.1, 0], [0.2, 1.1, 0.3], [-0.1, 0.25, 0.9]],
        [
          ([0.4, 0.3, 0.2], 0.8), ([-0.6, 0.2, 0.2], -0.5), ([0.2, -0.8, -0.1], 0.35),
          ([0.3, 0.55, 1.1], 0.45),
        ],
        [([1, 0.1, 0], 0.15), ([0.2, 1.1, 0.3], -0.1), ([1.1, -0.15, -0.9], 0.07)], 0.55)
    }
  }

  /// Every pair of Cartesian directions.
  package var directions: [Directions] {
    let d = model.dimension
    return (0..<d).flatMap { i in (0..<d).map { Directions(i: i, j: $0) } }
  }

  /// `count` random wave vectors with |eta| >= 0.4, where the angle phi is smooth on the scale of
  /// the differences' step.
  package func waveVectors(_ count: Int, seed: UInt64) -> [[Double]] {
    let model = self.model
    var numbers = SeededGenerator(seed)
    var found: [[Double]] = []
    while found.count < count {
      let k = (0..<model.dimension).map { _ in Double.random(in: -3...3, using: &numbers) }
      if EigenstateFrame(model, k).etaLength >= 0.4 { found.append(k) }
    }
    return found
  }
}
