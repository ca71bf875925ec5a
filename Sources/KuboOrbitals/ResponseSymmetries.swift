// SPDX-License-Identifier: GPL-3.0-or-later
import KuboLattice

extension OrbitalModel {
  /// The symmetries under which all responses have the same terms, and which responses vanish by one, for their terms change the
  /// sign.
  func symmetries(
    of responses: [CollinearResponse], _ directions: Directions
  ) -> (operations: [ReciprocalOperation], vanishing: [Bool]) {
    let weights = responses.compactMap(\.weights)
    let found = magneticSymmetries(fixing: directions, weights)
    let parities = found.map { operation in
      var signs = operation.weightSigns[...]
      return responses.map {
        $0.parity(operation, weights: $0.weights == nil ? 1 : signs.removeFirst())
      }
    }
    let vanishing = responses.indices.map { r in parities.contains { $0[r] == -1 } }
    let same = zip(found, parities).filter { _, parities in
      zip(parities, vanishing).allSatisfy { $0 == 1 || $0 != nil && $1 }
    }
    var maps = Set(same.map(\.0.map))
    if isReal, responses.allSatisfy({ $0.isSameReversed(directions) }) {
      maps.formUnion(maps.map(-))
    }
    return (ReciprocalOperation.sorted(Array(maps)), vanishing)
  }
}

/// The points of a uniform grid, n/divisions, that symmetries take into each other.
struct Stars {
  private let symmetries: [ReciprocalOperation]
  private let divisions: Int
  /// n.
  var point: [Int]

  init(_ symmetries: [ReciprocalOperation], divisions: Int) {
    (self.symmetries, self.divisions) = (symmetries, divisions)
    point = symmetries[0].rows.map { _ in 0 }
  }

  /// How many points its star has, or 0 unless it is the first of them.
  var weight: Int {
    var same = 0
    for operation in symmetries {
      var order = 0
      for (own, row) in zip(point, operation.rows) {
        let image = zip(row, point).reduce(0) { $0 + $1.0 * $1.1 } % divisions
        order = (image < 0 ? image + divisions : image) - own
        if order != 0 { break }
      }
      if order < 0 { return 0 }
      if order == 0 { same += 1 }
    }
    return symmetries.count / same
  }
}
