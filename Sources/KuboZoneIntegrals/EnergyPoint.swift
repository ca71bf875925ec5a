// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice

/// The energies z1 of g+ and z2 of g, from zero (not from mu), above or on the real axis; z2 stands for its conjugate, an
/// advanced propagator, if `isAdvanced`.
package struct EnergyPair: Hashable, Sendable {
  package var z1, z2: ComplexDouble
  package var isAdvanced = false

  package init(z1: ComplexDouble, z2: ComplexDouble, isAdvanced: Bool = false) {
    self.z1 = z1
    self.z2 = z2
    self.isAdvanced = isAdvanced
  }
}

/// One point of an energy integral: the sum over its terms of direct F(z1, z2) + reflected F(z1*, z2*), for each output F.
package struct EnergyPoint: Sendable {
  package var terms: [(pair: EnergyPair, direct: ComplexDouble, reflected: ComplexDouble)]
  /// Whether the parts that know one energy count.
  package var hasStatics = false
  /// The errors that the zone averages may have, for each output; if nil, 1e-2 of the scales.
  package var allowed: [Double]?
}

/// What a point gives: for each output its value, a bound on its error, the sum of its absolute terms, and what of the bound
/// is rounding.
package struct EnergySum: Sendable {
  package var values: [ComplexDouble]
  package var errors, scales, rounding: [Double]
  /// The points of the grid along each reciprocal vector.
  package var divisions: Int

  package init(
    values: [ComplexDouble], errors: [Double], scales: [Double], rounding: [Double], divisions: Int
  ) {
    self.values = values
    self.errors = errors
    self.scales = scales
    self.rounding = rounding
    self.divisions = divisions
  }
}
