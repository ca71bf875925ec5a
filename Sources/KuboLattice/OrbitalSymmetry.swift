// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule

/// A symmetry of a collinear magnet, with what it does to loops.
package struct MagneticOperation: Hashable, Sendable {
  /// k -> M k.
  package var map: ReciprocalOperation
  /// Whether it exchanges the spins: Delta changes its sign.
  package var isExchanging: Bool
  /// Those of the axes i and j.
  package var signs: SIMD2<Int>
  /// Those of the weights of orbitals.
  package var weightSigns: [Int]
  /// pi(a) of each orbital a.
  package var images: [Int]

  /// That of the product of the axes i and j.
  package var sign: Int { signs.x * signs.y }

  /// What they are sorted by.
  fileprivate var order: [Int] { map.rows.joined() + [isExchanging ? 1 : 0] + images }

  static func * (a: MagneticOperation, b: MagneticOperation) -> MagneticOperation {
    MagneticOperation(
      map: a.map * b.map, isExchanging: a.isExchanging != b.isExchanging,
      signs: a.signs &* b.signs,
      weightSigns: zip(a.weightSigns, b.weightSigns).map { $0 * $1 },
      images: b.images.map { a.images[$0] })
  }
}

extension OrbitalModel {
  /// Point symmetries under which loops have the same values at k and at M k up to signs: orthogonal maps S with a translation
  /// that take each orbital to one whose weights are the same up to a common sign, with signs s, and both spins to themselves or to each other,
  ///
  ///     H^v_{pi(a) pi(b)}(S r) = s_a s_b H^u_ab(r),  v = u or -u,    S e_i = +- e_i, S e_j = +- e_j
  ///
  /// found from the Hamiltonian, exactly or not at all; the identity is among them. Exactly means within what rounding leaves of
  /// vectors, positions and elements: what is less alike by some digits would be so in no bound. Orbitals on one site keep their
  /// order, as the d orbitals of a cubic crystal under reflections and half turns.
  /// - Parameters:
  ///   - directions: i and j; nil for all symmetries of the bands of both spins that are found.
  ///   - weights: of orbitals.
  package func magneticSymmetries(
    fixing directions: Directions?, _ weights: [[Double]] = []
  ) -> [MagneticOperation] {
    let place = Dictionary(uniqueKeysWithValues: cells.enumerated().map { ($1, $0) })
    let size = elements.joined().joined().reduce(0) { max($0, $1.length) }
    var found: Set<MagneticOperation> = []
    for m in ReciprocalOperation.pointGroup(of: reciprocalVectors, where: { _ in true }) {
      let s = cartesian(m)
      func sign(_ axis: Int) -> Int? {
        let image = s.map { $0[axis] }
        let own = image[axis] < 0 ? -1 : 1
        // All components: next to 1, that of the axis tells an angle by its square.
        let isAxis = image.indices.allSatisfy {
          abs(image[$0] - ($0 == axis ? Double(own) : 0)) < OrbitalModel.rounding
        }
        return isAxis ? own : nil
      }
      guard let i = directions.map({ sign($0.i) }) ?? 1, let j = directions.map({ sign($0.j) }) ?? 1
      else { continue }
      for isExchanging in [false, true] {
        guard let (signs, images) = images(m, s, weights, isExchanging, place, size) else {
          continue
        }
        found.insert(
          MagneticOperation(
            map: m, isExchanging: isExchanging, signs: [i, j], weightSigns: signs, images: images))
      }
    }
    return Array(ReciprocalOperation.closed(found) { $0 * $1 }).sorted {
      $0.order.lexicographicallyPrecedes($1.order)
    }
  }

  /// Those under which every loop of both spins is the same, sorted.
  package func symmetries(
    fixing directions: Directions?, _ weights: [[Double]] = []
  ) -> [ReciprocalOperation] {
    let found = magneticSymmetries(fixing: directions, weights).filter {
      !$0.isExchanging && $0.sign > 0 && $0.weightSigns.allSatisfy { $0 > 0 }
    }
    return ReciprocalOperation.sorted(found.map(\.map).unique)
  }

  /// What rounding leaves of numbers of the size 1 that vectors, positions or maps were multiplied to.
  private static let rounding = 1e-14

  /// Operations that leave the levels of both spins as they are: with real hops k and -k are alike.
  package func energySymmetries() -> [ReciprocalOperation] {
    let found = symmetries(fixing: nil)
    return isReal ? found + found.map(-).filter { !found.contains($0) } : found
  }

  /// Whether all hops are real, so that H(-k) = H(k)*.
  package var isReal: Bool {
    elements.allSatisfy { $0.allSatisfy { $0.allSatisfy { $0.imaginary == 0 } } }
  }

  /// The Cartesian matrix of an operation on reduced wave vectors.
  private func cartesian(_ m: ReciprocalOperation) -> [[Double]] {
    let axes = 0..<dimension
    // k = sum_a f_a b_a, f_a = k . a_a/2 pi; S = sum_ac b_a M_ac a_c/2 pi.
    return axes.map { x in
      axes.map { y in
        axes.reduce(0) { sum, a in
          axes.reduce(sum) {
            $0 + unitCell.inverse[a][x] * Double(m.rows[a][$1]) * latticeVectors[$1][y]
          }
        }
      }
    }
  }

  /// The signs that weights take under a symmetry, and the images of orbitals, nil if it is none.
  private func images(
    _ m: ReciprocalOperation, _ s: [[Double]], _ weights: [[Double]], _ isExchanging: Bool,
    _ place: [[Int]: Int], _ size: Double
  ) -> (signs: [Int], images: [Int])? {
    let n = orbitals.count
    let even = weights.map { _ in 1 }
    if m.isIdentity, !isExchanging { return (even, Array(0..<n)) }
    guard orbitals.allSatisfy({ $0.position == $0.downPosition }) else { return nil }
    // The lattice is taken into itself by an orthogonal map.
    let axes = 0..<dimension
    for x in axes {
      for y in axes {
        let product = axes.reduce(0) { $0 + s[$1][x] * s[$1][y] }
        guard abs(product - (x == y ? 1 : 0)) < OrbitalModel.rounding else { return nil }
      }
    }
    /// The whole cell in which a vector ends, if it is one of the lattice.
    func cell(_ r: [Double]) -> [Int]? {
      let c = coordinates(r)
      let size = c.reduce(1) { max($0, $1.magnitude) }
      return c.allSatisfy { abs($0 - $0.rounded()) < OrbitalModel.rounding * size }
        ? c.map { Int($0.rounded()) } : nil
    }
    func turned(_ r: [Double]) -> [Double] {
      s.map { row in zip(row, r).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    let images = orbitals.map { turned($0.position) }
    // Each choice of the image of the first orbital is a translation.
    for first in 0..<n {
      let shift = zip(orbitals[first].position, images[0]).map { $0 - $1 }
      var target: [(orbital: Int, cell: [Int])] = []
      var own: [Int?] = weights.map { _ in nil }
      for a in 0..<n {
        let image = zip(images[a], shift).map { $0 + $1 }
        let free = (0..<n).first { b in
          !target.contains { $0.orbital == b }
            && cell(zip(image, orbitals[b].position).map { $0 - $1 }) != nil
        }
        guard let free else { break }
        let isAlike = weights.indices.allSatisfy { w in
          let (p, q) = (weights[w][a], weights[w][free])
          guard p != 0 || q != 0 else { return true }
          let sign = q == p ? 1 : q == -p ? -1 : 0
          defer { own[w] = sign }
          return sign != 0 && own[w] ?? sign == sign
        }
        guard isAlike else { break }
        target.append((free, cell(zip(image, orbitals[free].position).map { $0 - $1 })!))
      }
      guard target.count == n else { continue }
      /// H^v of the image of <0 a|H|R b>.
      func image(_ u: Int, _ r: Int, _ a: Int, _ b: Int) -> ComplexDouble {
        let whole = zip(cells[r], latticeVectors).reduce([Double](repeating: 0, count: dimension)) {
          sum, term in zip(sum, term.1).map { $0 + Double(term.0) * $1 }
        }
        guard let moved = cell(turned(whole)) else { return .zero }
        let cell = zip(zip(moved, target[b].cell), target[a].cell).map { $0.0 + $0.1 - $1 }
        guard let r = place[cell] else { return .zero }
        return elements[isExchanging ? 1 - u : u][r][target[a].orbital + n * target[b].orbital]
      }
      if isMap(image, within: 1e-15 * size) {
        return (own.map { $0 ?? 1 }, target.map(\.orbital))
      }
    }
    return nil
  }

  /// Whether the images of all elements are the elements, up to signs of orbitals.
  private func isMap(
    _ image: (_ u: Int, _ r: Int, _ a: Int, _ b: Int) -> ComplexDouble, within rounding: Double
  ) -> Bool {
    let n = orbitals.count
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
              let isEven = (own - other).length <= rounding
              let isOdd = (own + other).length <= rounding
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
