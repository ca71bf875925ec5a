// SPDX-License-Identifier: GPL-3.0-or-later
import KuboLattice

extension GridSizes {
  /// The grids that zone averages may use: each about 15 % finer than the last, from 600 on, where tables cost more than
  /// what is done with them, 30 %.
  var levels: [Int] {
    var list = [from(24)]
    while let last = list.last, last < 20_000 {
      list.append(from(last * (last < 600 ? 23 : 26) / 20))
    }
    return list
  }
}

/// Makes each table when it is first needed, and keeps the smaller ones.
package actor TableStore {
  /// Which tables: those of a surface, with slots or without.
  package struct Key: Hashable, Sendable {
    package let grid: ImpurityCrystal.Grid
    package let hasSlots: Bool
  }

  private let make: @Sendable (Key) async throws -> any ZoneTable
  private var tables: [Key: Task<any ZoneTable, any Error>] = [:]
  private var sizes: [Key: Int] = [:]
  /// The most bytes of tables kept besides the one in use: next to the edges of a band in three dimensions
  /// all levels up to 432^3 are asked for in turn, and a table costs more than what is done with it.
  private static let limit = 2_000_000_000

  init(_ make: @escaping @Sendable (Key) async throws -> any ZoneTable) { self.make = make }

  func table(_ key: Key) async throws -> any ZoneTable {
    let task = tables[key] ?? Task { [make] in try await make(key) }
    tables[key] = task
    let table = try await task.value
    sizes[key] = table.bytes
    // Levels are gone through from coarse to fine, again and again: the finest goes first.
    while sizes.reduce(0, { $0 + ($1.key == key ? 0 : $1.value) }) > TableStore.limit,
      let finest = sizes.keys.filter({ $0 != key }).max(by: { $0.grid.level < $1.grid.level })
    {
      tables[finest] = nil
      sizes[finest] = nil
    }
    return table
  }
}
