// SPDX-License-Identifier: GPL-3.0-or-later

/// A linear map of reduced wave vectors, f -> M f, with integer entries.
package struct ReciprocalOperation: Hashable, Sendable {
  package var rows: [[Int]]

  package static func * (a: ReciprocalOperation, b: ReciprocalOperation) -> ReciprocalOperation {
    let d = a.rows.count
    return ReciprocalOperation(
      rows: (0..<d).map { r in
        (0..<d).map { c in (0..<d).reduce(0) { $0 + a.rows[r][$1] * b.rows[$1][c] } }
      })
  }

  package static prefix func - (a: ReciprocalOperation) -> ReciprocalOperation {
    ReciprocalOperation(rows: a.rows.map { $0.map { -$0 } })
  }

  var isIdentity: Bool {
    rows.indices.allSatisfy { r in rows.indices.allSatisfy { rows[r][$0] == (r == $0 ? 1 : 0) } }
  }

  /// One of each pair M, -M of a group that inversion belongs to, the identity first.
  package static func withoutInversion(_ group: [ReciprocalOperation]) -> [ReciprocalOperation] {
    var half = group.filter(\.isIdentity)
    for m in group where !half.contains(m) && !half.contains(-m) { half.append(m) }
    return half
  }

  /// M transposed times m: how the map acts on the integer vector of a Fourier coefficient.
  package func transposed(_ m: [Int]) -> [Int] {
    m.indices.map { c in m.indices.reduce(0) { $0 + rows[$1][c] * m[$1] } }
  }
}

extension ReciprocalOperation {
  /// The orthogonal maps of the lattice of `vectors` on itself for which `isSymmetry` holds, sorted, the identity among
  /// them.
  static func pointGroup(
    of vectors: [[Double]], where isSymmetry: (ReciprocalOperation) -> Bool
  ) -> [ReciprocalOperation] {
    let d = vectors.count
    let metric = vectors.map { a in vectors.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } } }
    let size = metric.flatMap { $0 }.map(abs).max()!
    var found: Set<ReciprocalOperation> = []
    for code in 0..<(0..<d * d).reduce(1, { p, _ in 3 * p }) {
      var rest = code
      var rows = [[Int]](repeating: [Int](repeating: 0, count: d), count: d)
      for r in 0..<d {
        for c in 0..<d {
          rows[r][c] = rest % 3 - 1
          rest /= 3
        }
      }
      let m = ReciprocalOperation(rows: rows)
      if m.preserves(metric, 1e-9 * size), isSymmetry(m) { found.insert(m) }
    }
    // In case a cell that is not reduced puts some members outside the entries -1, 0, 1.
    return sorted(Array(closed(found) { $0 * $1 }))
  }

  /// By their entries.
  package static func sorted(_ operations: [ReciprocalOperation]) -> [ReciprocalOperation] {
    operations.sorted { $0.rows.flatMap { $0 }.lexicographicallyPrecedes($1.rows.flatMap { $0 }) }
  }

  /// All products of members of a finite group.
  static func closed<Member: Hashable>(
    _ members: Set<Member>, _ product: (Member, Member) -> Member
  ) -> Set<Member> {
    var found = members
    var frontier = Array(found)
    while let m = frontier.popLast() {
      for other in Array(found) {
        for new in [product(m, other), product(other, m)] where found.insert(new).inserted {
          frontier.append(new)
        }
      }
    }
    return found
  }

  private func preserves(_ g: [[Double]], _ tolerance: Double) -> Bool {
    let d = rows.count
    // k = sum_a f_a b_a and f' = M f: the metric of the images is M^T g M.
    for a in 0..<d {
      for b in 0..<d {
        var sum = 0.0
        for x in 0..<d {
          for y in 0..<d { sum += Double(rows[x][a] * rows[y][b]) * g[x][y] }
        }
        if abs(sum - g[a][b]) > tolerance { return false }
      }
    }
    return true
  }
}

extension Model {
  /// The point group of the energies: every orthogonal map of the reciprocal lattice on itself
  /// that leaves T_k and |eta_k|^2 unchanged, found from the Fourier coefficients of the two.
  ///
  /// Energies are equal at all points of a star; traces are not, and are summed over the star
  /// explicitly, so nothing is assumed about how a vertex transforms.
  package func energySymmetries() -> [ReciprocalOperation] {
    let hopping = fourierHopping()
    let gap = fourierGap()
    return ReciprocalOperation.pointGroup(of: reciprocalVectors) {
      invariant(hopping, $0) && invariant(gap, $0)
    }
  }

  private func invariant(_ f: [[Int]: Double], _ m: ReciprocalOperation) -> Bool {
    let scale = f.values.map(abs).max() ?? 0
    return f.allSatisfy { abs((f[m.transposed($0.key)] ?? 0) - $0.value) <= 1e-12 * scale }
  }

  /// T_k as sum_m c_m exp(2 pi i f.m).
  private func fourierHopping() -> [[Int]: Double] {
    var f: [[Int]: Double] = [:]
    for hop in intraSublattice {
      let m = coordinates(hop.vector).map { Int($0.rounded()) }
      f[m, default: 0] -= hop.amplitude
      f[m.map { -$0 }, default: 0] -= hop.amplitude
    }
    return f
  }

  /// |eta_k|^2 as sum_m c_m exp(2 pi i f.m).
  private func fourierGap() -> [[Int]: Double] {
    var f: [[Int]: Double] = [:]
    for a in interSublattice {
      for b in interSublattice {
        let m = coordinates(zip(a.vector, b.vector).map { $0 - $1 }).map { Int($0.rounded()) }
        f[m, default: 0] += a.amplitude * b.amplitude
      }
    }
    return f
  }
}
