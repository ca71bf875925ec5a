// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice

/// What the propagators at one complex energy z need to know of the self-energy (docs/ladder.md), in energy units.
package enum DressedState: Sendable, Equatable {
  /// `scba`: zeta_s = z - Sigma_s(z) of the two bands, g_s = 1/(zeta_s - E_s).
  case bands(bonding: ComplexDouble, antibonding: ComplexDouble)
  /// `site`: zeta = z - Sigma_0(z) and the exchange j = J - Sigma_3(z),
  /// G^u = (zeta - T - Re eta rho_1 - Im eta rho_2 - u j rho_3)/((zeta - T)^2 - |eta|^2 - j^2).
  case sublattices(energy: ComplexDouble, exchange: ComplexDouble)

  /// The state of `impurities` with these two numbers, in the order of its case.
  package init(_ impurities: Impurities, _ first: ComplexDouble, _ second: ComplexDouble) {
    switch impurities {
    case .scba: self = .bands(bonding: first, antibonding: second)
    case .site: self = .sublattices(energy: first, exchange: second)
    }
  }

  /// The two numbers in order, as the C loops take them.
  package var numbers: (ComplexDouble, ComplexDouble) {
    switch self {
    case .bands(let a, let b): (a, b)
    case .sublattices(let a, let b): (a, b)
    }
  }

  /// The same kind of state with both numbers mapped.
  package func map(_ change: (ComplexDouble) -> ComplexDouble) -> DressedState {
    switch self {
    case .bands(let a, let b): .bands(bonding: change(a), antibonding: change(b))
    case .sublattices(let a, let b): .sublattices(energy: change(a), exchange: change(b))
    }
  }

  /// zeta_s of both bands, or zeta: what moves with z.
  package var energies: [ComplexDouble] {
    switch self {
    case .bands(let a, let b): [a, b]
    case .sublattices(let zeta, _): [zeta]
    }
  }

  /// The state with the imaginary parts of its ``energies`` changed.
  package func withEnergies(_ change: (Double) -> Double) -> DressedState {
    func moved(_ z: ComplexDouble) -> ComplexDouble { ComplexDouble(z.real, change(z.imaginary)) }
    switch self {
    case .bands(let a, let b): return .bands(bonding: moved(a), antibonding: moved(b))
    case .sublattices(let zeta, let j): return .sublattices(energy: moved(zeta), exchange: j)
    }
  }

  /// The propagators at the complex conjugate energy.
  package var conjugate: DressedState { map(\.conjugate) }

  /// The state with `step` added to its numbers.
  package func moved(by step: (ComplexDouble, ComplexDouble)) -> DressedState {
    switch self {
    case .bands(let a, let b): .bands(bonding: a + step.0, antibonding: b + step.1)
    case .sublattices(let a, let b): .sublattices(energy: a + step.0, exchange: b + step.1)
    }
  }

  /// The larger change of the two numbers between states of one kind.
  package func distance(to other: DressedState) -> Double {
    let (a, b) = (numbers, other.numbers)
    return max((a.0 - b.0).length, (a.1 - b.1).length)
  }

  /// Bounds on the half-widths -Im of the poles in energy, over all wave vectors: Im zeta_s; or
  /// Im zeta -+ |Im j|, since |Im (|eta|^2 + j^2)^(1/2)| <= |Im j|.
  package var levelWidths: ClosedRange<Double> {
    switch self {
    case .bands(let a, let b):
      min(a.imaginary, b.imaginary)...max(a.imaginary, b.imaginary)
    case .sublattices(let zeta, let j):
      zeta.imaginary - abs(j.imaginary)...zeta.imaginary + abs(j.imaginary)
    }
  }

  /// Half the width of the levels of a band, or about that of both where the impurities mix them.
  package func levelWidth(_ s: Band) -> Double {
    switch self {
    case .bands(let a, let b): (s == .bonding ? a : b).imaginary
    case .sublattices(let zeta, _): zeta.imaginary
    }
  }

  /// zeta_s - E_s, whose zero is a level: E_s = T - s (|eta|^2 + j^2)^(1/2).
  package func distance(to s: Band, hopping: ComplexDouble, square: ComplexDouble, exchange: Double)
    -> ComplexDouble
  {
    switch self {
    case .bands(let a, let b):
      (s == .bonding ? a : b) - hopping
        + ComplexDouble.sqrt(square + ComplexDouble(exchange * exchange)).multiplied(by: s.sign)
    case .sublattices(let zeta, let j):
      zeta - hopping + ComplexDouble.sqrt(square + j * j).multiplied(by: s.sign)
    }
  }
}
