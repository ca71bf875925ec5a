// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// A pair of energies and how its loops count in an integrand:
/// direct F(z1, z2) + reflected F(z1*, z2*), with F at an advanced z2 if `isAdvanced`.
struct EnergyPair: Sendable {
  /// Energies above or on the real axis, from zero (not from mu).
  var z1, z2: ComplexDouble
  /// Whether z2 stands for its complex conjugate, g for the advanced propagator.
  var isAdvanced = false
  var direct, reflected: ComplexDouble
}

/// A combination of loops with the bound on its zone error, per output.
struct PairSum: Sendable {
  var values: [ComplexDouble]
  var errors: [Double]
  var scales: [Double]
  var divisions: Int
}

extension ImpurityCrystal {
  /// The sum over `pairs`, on ever finer grids until two in a row agree within
  /// max(relative, 1e-13) times the scale of each output.
  ///
  /// On each grid the self-energies are solved anew, so that the difference of two grids, which is
  /// the error stated, holds that of the self-energy too; the finer of the two is far better.
  /// - Throws: ``NonConvergence``, ``SelfEnergyFailure``.
  func sum(_ pairs: [EnergyPair], _ loops: PairLoops, relative: Double) async throws -> PairSum {
    var energies: [ComplexDouble] = []
    for z in pairs.flatMap({ [$0.z1, $0.z2] }) where !energies.contains(z) { energies.append(z) }
    var states: [DressedEnergy] = []
    for z in energies { states.append(try await approximate(z)) }
    var level = try level(states, nats: -Double.log(relative))
    var last: PairSum?
    while true {
      let table = try await tables.table(level)
      if let values = sum(pairs, loops, table, energies, &states) {
        if let coarse = last {
          let errors = zip(values.values, coarse.values).map { ($0 - $1).length }
          let allowed = max(relative, 1e-13)
          if zip(errors, values.scales).allSatisfy({ $0 <= allowed * $1 }) {
            var result = values
            // Rounding of a sum of many terms.
            result.errors = zip(errors, values.scales).map { $0 + 1e-15 * $1 }
            return result
          }
        }
        last = values
      } else {
        last = nil
      }
      level += 1
      guard level <= lastLevel else {
        throw NonConvergence(
          label: "zone average at z = \(energies.map { "\(significant($0.real)) + \(significant($0.imaginary)) i" }.joined(separator: ", "))",
          estimate: .infinity, allowed: relative, divisions: table.divisions)
      }
    }
  }

  private func sum(
    _ pairs: [EnergyPair], _ loops: PairLoops, _ table: StarTable, _ energies: [ComplexDouble],
    _ states: inout [DressedEnergy]
  ) -> PairSum? {
    for n in energies.indices {
      guard let refined = refined(states[n], z: energies[n], on: table) else { return nil }
      states[n] = refined.x
    }
    var result: PairSum?
    for pair in pairs {
      let x1 = states[energies.firstIndex(of: pair.z1)!]
      let x2 = states[energies.firstIndex(of: pair.z2)!]
      let value = loops.values(table, x1, pair.isAdvanced ? x2.conjugate : x2)
      var total =
        result
        ?? PairSum(
          values: value.direct.map { _ in .zero }, errors: [],
          scales: value.scales.map { _ in 0 }, divisions: table.divisions)
      let size = max(pair.direct.length, pair.reflected.length)
      for o in value.direct.indices {
        total.values[o] += pair.direct * value.direct[o]
        total.values[o] += pair.reflected * value.reflected[o].conjugate
        total.scales[o] += size * value.scales[o]
      }
      result = total
    }
    return result
  }
}
