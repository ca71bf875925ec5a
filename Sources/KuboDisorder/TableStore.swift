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
  /// The bytes of each, and when it was last asked for.
  private var kept: [Key: (bytes: Int, time: Int)] = [:]
  private var time = 0
  /// The most bytes of tables kept besides the one in use.
  private static let limit = 250_000_000

  init(_ make: @escaping @Sendable (Key) async throws -> any ZoneTable) { self.make = make }

  func table(_ key: Key) async throws -> any ZoneTable {
    let task = tables[key] ?? Task { [make] in try await make(key) }
    tables[key] = task
    let table = try await task.value
    time += 1
    kept[key] = (table.bytes, time)
    while kept.reduce(0, { $0 + ($1.key == key ? 0 : $1.value.bytes) }) > TableStore.limit,
      let oldest = kept.filter({ $0.key != key }).min(by: { $0.value.time < $1.value.time })?.key
    {
      tables[oldest] = nil
      kept[oldest] = nil
    }
    return table
  }
}
