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

  /// A bound: with the widths v = Im zeta of bands or sublattices the ladder M of |G|^2 multiplies v to -gamma Im avg G, and
  /// as no element of M is negative its largest eigenvalue is at most the largest (M v)_X/v_X (Collatz and Wielandt).
  package func stability(_ gamma: Double, _ x: DressedState) -> Double {
    let m = moments(x)
    let parts: [(width: Double, average: ComplexDouble, square: Double)]
    switch x {
    case .bands(let a, let b):
      parts = [(a.imaginary, m[0], m[1].real), (b.imaginary, m[3], m[4].real)]
    case .sublattices(let zeta, let j):
      // G_AA = (a - j)/D, whose inverse has zeta + j on A.
      let both = (m[2] + j * j * m[4]).real
      let (odd, mixed) = ((j * m[3]).real, (m[2] - j * j * m[4] - m[1]).real)
      parts = [
        ((zeta + j).imaginary, m[0] - j * m[1], both - 2 * odd + mixed),
        ((zeta - j).imaginary, m[0] + j * m[1], both + 2 * odd + mixed),
      ]
    }
    let size = x.numbers.0.length + x.numbers.1.length
    return parts.map { part in
      // Outside of the bands |G|^2 = G^2; then v = 1 does.
      if part.width < 1e-7 * size { return gamma * part.square }
      return (-gamma * part.average.imaginary - 1e-9 * size) / part.width
    }.max()!
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
