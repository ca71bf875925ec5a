// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule

extension OrbitalModel {
  /// Point symmetries of both spins under which every loop has the same value at k and at M k: orthogonal maps S with a
  /// translation that take each orbital to one of the same weights, with a sign,
  ///
  ///     H^u_{pi(a) pi(b)}(S r) = s_a s_b H^u_ab(r),    S e_i = +- e_i, S e_j = +- e_j with the same sign in the product,
  ///
  /// found from the Hamiltonian, exactly or not at all; the identity is among them. Exactly means within what rounding leaves of
  /// vectors, positions and elements: what is less alike by some digits would be so in no bound. Orbitals on one site keep their
  /// order, as the d orbitals of a cubic crystal under reflections and half turns.
  /// - Parameters:
  ///   - directions: i and j; nil for all symmetries of the bands of both spins that are found.
  ///   - weights: of orbitals, which symmetries must not change.
  package func symmetries(
    fixing directions: Directions?, _ weights: [[Double]] = []
  ) -> [ReciprocalOperation] {
    ReciprocalOperation.pointGroup(of: reciprocalVectors) { m in
      let s = cartesian(m)
      func sign(_ axis: Int) -> Double? {
        let image = s.map { $0[axis] }
        let own = image[axis] < 0 ? -1.0 : 1
        // All components: next to 1, that of the axis tells an angle by its square.
        let isAxis = image.indices.allSatisfy {
          abs(image[$0] - ($0 == axis ? own : 0)) < OrbitalModel.rounding
        }
        return isAxis ? own : nil
      }
      if let directions {
        guard let i = sign(directions.i), let j = sign(directions.j), i * j > 0 else {
          return false
        }
      }
      return isSymmetric(m, s, weights)
    }
  }

  /// What rounding leaves of numbers of the size 1 that vectors, positions or maps were multiplied to.
  private static let rounding = 1e-14

  /// Operations that leave the levels of both spins as they are: with real hops k and -k are alike.
  package func energySymmetries() -> [ReciprocalOperation] {
    let found = symmetries(fixing: nil)
    let isReal = elements.allSatisfy { $0.allSatisfy { $0.allSatisfy { $0.imaginary == 0 } } }
    return isReal ? found + found.map(-).filter { !found.contains($0) } : found
  }

  /// The Cartesian matrix of an operation on reduced wave vectors.
  private func cartesian(_ m: ReciprocalOperation) -> [[Double]] {
    let axes = 0..<dimension
    // k = sum_a f_a b_a, f_a = k . a_a/2 pi; S = sum_ac b_a M_ac a_c/2 pi.
    return axes.map { x in
      axes.map { y in
        axes.reduce(0) { sum, a in
          axes.reduce(sum) {
            $0 + inverse[a][x] * Double(m.rows[a][$1]) * latticeVectors[$1][y]
          }
        }
      }
    }
  }

  private func isSymmetric(
    _ m: ReciprocalOperation, _ s: [[Double]], _ weights: [[Double]]
  ) -> Bool {
    let n = orbitals.count
    guard orbitals.allSatisfy({ $0.position == $0.downPosition }) else { return m.isIdentity }
    // The lattice is taken into itself by an orthogonal map.
    let axes = 0..<dimension
    for x in axes {
      for y in axes {
        let product = axes.reduce(0) { $0 + s[$1][x] * s[$1][y] }
        guard abs(product - (x == y ? 1 : 0)) < OrbitalModel.rounding else { return false }
      }
    }
    /// The whole cell in which a vector ends, if it is one of the lattice.
    func cell(_ r: [Double]) -> [Int]? {
      let c = inverse.map { row in zip(row, r).reduce(0) { $0 + $1.0 * $1.1 } }
      let size = c.reduce(1) { max($0, $1.magnitude) }
      return c.allSatisfy { abs($0 - $0.rounded()) < OrbitalModel.rounding * size }
        ? c.map { Int($0.rounded()) } : nil
    }
    func turned(_ r: [Double]) -> [Double] {
      s.map { row in zip(row, r).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    let images = orbitals.map { turned($0.position) }
    let size = elements.flatMap { $0.flatMap { $0.map(\.length) } }.max() ?? 0
    let place = Dictionary(uniqueKeysWithValues: cells.enumerated().map { ($1, $0) })
    // Each choice of the image of the first orbital is a translation.
    return (0..<n).contains { first in
      let shift = zip(orbitals[first].position, images[0]).map { $0 - $1 }
      var target: [(orbital: Int, cell: [Int])] = []
      for a in 0..<n {
        let image = zip(images[a], shift).map { $0 + $1 }
        let free = (0..<n).first { b in
          !target.contains { $0.orbital == b }
            && cell(zip(image, orbitals[b].position).map { $0 - $1 }) != nil
        }
        guard let free else { return false }
        guard weights.allSatisfy({ $0[free] == $0[a] }) else { return false }
        target.append((free, cell(zip(image, orbitals[free].position).map { $0 - $1 })!))
      }
      /// H^u of the image of <0 a|H|R b>.
      func image(_ u: Int, _ r: Int, _ a: Int, _ b: Int) -> ComplexDouble {
        let whole = zip(cells[r], latticeVectors).reduce([Double](repeating: 0, count: dimension)) {
          sum, term in zip(sum, term.1).map { $0 + Double(term.0) * $1 }
        }
        guard let moved = cell(turned(whole)) else { return .zero }
        let cell = zip(zip(moved, target[b].cell), target[a].cell).map { $0.0 + $0.1 - $1 }
        guard let r = place[cell] else { return .zero }
        return elements[u][r][target[a].orbital + n * target[b].orbital]
      }
      // The signs, from one orbital along its hops to the next.
      var signs = [Double?](repeating: nil, count: n)
      for start in 0..<n where signs[start] == nil {
        signs[start] = 1
        var next = [start]
        while let a = next.popLast() {
          for u in 0..<2 {
            for r in cells.indices {
              for b in 0..<n {
                let (own, other) = (elements[u][r][a + n * b], image(u, r, a, b))
                let isEven = (own - other).length <= 1e-15 * size
                let isOdd = (own + other).length <= 1e-15 * size
                guard isEven || isOdd else { return false }
                guard isEven != isOdd else { continue }
                let sign = signs[a]! * (isEven ? 1 : -1)
                if let known = signs[b] {
                  if known != sign { return false }
                } else {
                  signs[b] = sign
                  next.append(b)
                }
              }
            }
          }
        }
      }
      return true
    }
  }
}
