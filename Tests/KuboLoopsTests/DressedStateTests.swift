// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import Testing

/// What a dressed state says of its levels, against the poles themselves.
@Suite struct DressedStateTests {
  /// The poles zeta = T -+ (|eta|^2 + j^2)^(1/2) of `site`, moved to where they are: their half-widths lie
  /// between the bounds, whatever the sign of Im j, which is none of a level.
  @Test(arguments: [-0.03, -1e-3, 0, 1e-3, 0.03]) func sublatticeLevels(_ depth: Double) {
    let (zeta, j) = (ComplexDouble(0.2, 0.05), ComplexDouble(0.8, depth))
    let state = DressedState.sublattices(energy: zeta, exchange: j)
    #expect(state.levelWidths.lowerBound == 0.05 - abs(depth))
    #expect(state.levelWidths.upperBound == 0.05 + abs(depth))
    for square in [0.0, 0.1, 1, 16] {
      for s in Band.allCases {
        let z = state.distance(
          to: s, hopping: ComplexDouble(0.3), square: ComplexDouble(square), exchange: 1)
        #expect(z.imaginary >= state.levelWidths.lowerBound - 1e-15)
        #expect(z.imaginary <= state.levelWidths.upperBound + 1e-15)
      }
    }
    // Where |eta| = 0 a level of each band is at one of the bounds.
    let ends = Band.allCases.map {
      state.distance(to: $0, hopping: .zero, square: .zero, exchange: 1).imaginary
    }
    #expect(abs(ends.min()! - state.levelWidths.lowerBound) < 1e-15)
    #expect(abs(ends.max()! - state.levelWidths.upperBound) < 1e-15)
  }

  @Test func bandLevels() {
    let state = DressedState.bands(
      bonding: ComplexDouble(0.1, 0.02), antibonding: ComplexDouble(0.1, 0.5))
    #expect(state.levelWidths == 0.02...0.5)
    #expect(state.levelWidth(.bonding) == 0.02)
    #expect(state.levelWidth(.antibonding) == 0.5)
  }
}
