// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboWork

extension OrbitalModel {
  /// Refuses orbitals that are more than a cell apart: positions are Cartesian, and such are rather in other units.
  /// - Throws: ``OrbitalError``.
  package func checkPositions() throws(OrbitalError) {
    for (n, orbital) in orbitals.enumerated() {
      let offset = zip(orbital.position, orbitals[0].position).map { $0 - $1 }
      let reduced = coordinates(offset)
      try require(
        reduced.allSatisfy({ $0.magnitude < 1 + 1e-9 }), OrbitalPlace.orbital(n),
        "\(reduced.map { significant($0) }.joined(separator: ", ")) cells from the first orbital",
        "at most one cell, with Cartesian positions in the unit of length")
    }
  }

  /// Notes on hops that do not join everything, which is right but rare: orbitals that no hop joins, and cells.
  public var connectionNotes: [String] {
    // A walk along hops reaches each orbital of a part in some cell; closed walks lead along lattice vectors.
    var (parts, notes): ([[String]], [String]) = ([], [])
    var cellOf = [[Int]?](repeating: nil, count: orbitals.count)
    let n = orbitals.count
    func isHop(_ r: Int, _ a: Int, _ b: Int) -> Bool {
      elements.contains { $0[r][a + n * b] != .zero }
    }
    for start in orbitals.indices where cellOf[start] == nil {
      cellOf[start] = [Int](repeating: 0, count: dimension)
      var (members, next) = ([start], 0)
      var walks = ClosedWalks(dimension: dimension)
      while next < members.count {
        let a = members[next]
        next += 1
        for (r, cell) in cells.enumerated() {
          for b in orbitals.indices where isHop(r, a, b) {
            let reached = zip(cellOf[a]!, cell).map { $0 + $1 }
            if let known = cellOf[b] {
              walks.insert(zip(reached, known).map { $0 - $1 })
            } else {
              cellOf[b] = reached
              members.append(b)
            }
          }
        }
      }
      parts.append(members.map { orbitals[$0].name })
      let names = parts.last!.joined(separator: ", ")
      switch walks.index {
      case 1: break
      case let index?:
        notes.append(
          "the hops of \(names) make \(index) lattices that never meet; the cell may be too small")
      case nil:
        notes.append(
          "the hops of \(names) lead along \(walks.basis.count) of \(dimension) lattice directions")
      }
    }
    if parts.count > 1 {
      notes.insert(
        "no hops join the orbitals "
          + parts.map { $0.joined(separator: ", ") }.joined(separator: " and "), at: 0)
    }
    return notes
  }
}
