// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneSums

/// A grid on a ``LevelSurface``, with the traces that multiply propagators there: products of propagators are summed as they
/// stand. Which states it serves is for ``LevelSurvey`` to say.
package final class SurfaceTable: ZoneTable {
  package let divisions: Int
  package let squares: [Double]
  private let norm: Double
  private let slotCount: Int
  private let kind: ZoneKind
  /// Whether ``moments(_:)`` are those of the advanced propagators of a state, as the complex conjugates.
  private let isAdvanced: Bool
  /// In as many pieces as they were made in, which saves copying them.
  private let pieces: [DisplacedStars]

  package var bytes: Int { pieces.reduce(0) { $0 + $1.bytes } }

  private struct Part: Sendable {
    var stars = DisplacedStars()
    var squares: [Double]
  }

  /// The table with `divisions` points along each reciprocal vector; nil if `traces` come point by point.
  package init?(
    _ surface: LevelSurface, symmetries: [ReciprocalOperation], divisions: Int,
    _ traces: StarTraces, threads: Int
  ) async throws {
    guard let kind = traces.kind else { return nil }
    self.kind = kind
    let grid = PeriodicGrid(surface.model, divisions: divisions, symmetries: symmetries)
    let slotCount = traces.slotCount
    let empty = Part(squares: Array(repeating: 0, count: slotCount))
    let parts = try await grid.inBlocks(threads: threads, empty) {
      $1.stars.add($0, surface, band: nil, traces, squares: &$1.squares)
    }
    self.divisions = divisions
    self.slotCount = slotCount
    let norm = 1 / Double(grid.count)
    self.norm = norm
    isAdvanced = false
    pieces = parts.map(\.stars).filter { $0.blocks > 0 }.map(\.compacted)
    squares = (0..<slotCount).map { slot in parts.reduce(0) { $0 + $1.squares[slot] } * norm }
  }

  private init(_ other: SurfaceTable, isAdvanced: Bool) {
    (divisions, squares, norm) = (other.divisions, other.squares, other.norm)
    (slotCount, kind, pieces) = (other.slotCount, other.kind, other.pieces)
    self.isAdvanced = isAdvanced
  }

  /// The same for averages at energies whose propagators are advanced ones on this surface.
  var advanced: SurfaceTable { SurfaceTable(self, isAdvanced: true) }

  package func moments(_ x: DressedState) -> [ComplexDouble] {
    let (first, second) = (isAdvanced ? x.conjugate : x).numbers
    var sums = [ComplexDouble](repeating: .zero, count: 6)
    var part = [ZoneComplex](repeating: ZoneComplex(re: 0, im: 0), count: 6)
    for piece in pieces {
      piece.withZoneBand(kind, slotCount) {
        zone_surface_moments(&$0, first.zone, second.zone, &part)
      }
      for m in 0..<6 { sums[m] += ComplexDouble(part[m].re, part[m].im) }
    }
    return sums.map { (isAdvanced ? $0.conjugate : $0).multiplied(by: norm) }
  }

  /// Outside of the bands |G|^2 = G^2. Inside a bound: with the widths v = Im zeta of bands or sublattices the ladder M of
  /// |G|^2 multiplies v to -gamma Im avg G, and as no element of M is negative its largest eigenvalue is at most the largest
  /// (M v)_X/v_X (Collatz and Wielandt).
  package func stability(_ gamma: Double, _ x: DressedState) -> Double {
    let m = moments(x)
    let size = x.numbers.0.length + x.numbers.1.length
    func isReal(_ width: Double) -> Bool { width < 1e-7 * size }
    func bound(_ width: Double, _ average: ComplexDouble) -> Double {
      (-gamma * average.imaginary - 1e-9 * size) / width
    }
    switch x {
    case .bands(let a, let b):
      return [(a, 0), (b, 3)].map { zeta, n in
        isReal(zeta.imaginary) ? gamma * m[n + 1].real : bound(zeta.imaginary, m[n])
      }.max()!
    case .sublattices(let zeta, let j):
      // G_AA = (a - j)/D, whose inverse has zeta + j on A.
      let widths = ((zeta + j).imaginary, (zeta - j).imaginary)
      if isReal(max(widths.0, widths.1)) { return gamma * largestEigenvalue(outsideSquares(m, j)) }
      return max(bound(widths.0, m[0] - j * m[1]), bound(widths.1, m[0] + j * m[1]))
    }
  }

  package func sums(
    _ products: PropagatorProducts, _ pairs: [(DressedState, DressedState)], withSquares: Bool
  ) -> [(values: [ComplexDouble], squares: [Double]?)] {
    precondition(!isAdvanced)
    return products.sums(over: pieces, pairs, withSquares: withSquares, norm: norm) {
      piece, zonePairs, plan, values, norms in
      piece.withZoneBand(kind, slotCount) {
        zone_surface_sums(
          &$0, zonePairs, Int32(zonePairs.count), products.left, products.right,
          Int32(products.left.count), plan, Int32(products.plan.count), values, norms)
      }
    }
  }
}
