// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneSums

/// A grid of stars, ready to be multiplied with propagators at any complex energies.
///
/// With a self-energy that solves its equation on the same grid, it is a crystal of its own, with all
/// exact statements that do not need the continuum; what it lacks is found by comparing two grids.
package protocol ZoneTable: Sendable {
  /// Points along each reciprocal vector.
  var divisions: Int { get }
  /// The memory it takes.
  var bytes: Int { get }
  /// sum over stars of |slot|^2/weight, by which Schwarz's inequality bounds a sum of moduli.
  var squares: [Double] { get }

  /// `scba`: avg g, g^2, g^3 of the bonding, then of the antibonding band; `site`: avg a/D, 1/D,
  /// a^2/D^2, a/D^2, 1/D^2 with a = zeta - T.
  func moments(_ x: DressedState) -> [ComplexDouble]

  /// How much a rung of the retarded-advanced ladder multiplies: at most 1 for the physical
  /// solution, and 1 on the real axis within a band.
  func stability(_ gamma: Double, _ x: DressedState) -> Double

  /// For each pair of energies: the sums over all stars that are planned, of slot times product, and
  /// for each product asked for the average of its squared modulus, if wanted.
  func sums(
    _ products: PropagatorProducts, _ pairs: [(DressedState, DressedState)], withSquares: Bool
  ) -> [(values: [ComplexDouble], squares: [Double]?)]
}

/// The larger eigenvalue of [[m_0, m_2], [m_2, m_1]].
func largestEigenvalue(_ m: [Double]) -> Double {
  let half = (m[0] - m[1]) / 2
  return (m[0] + m[1]) / 2 + (half * half + m[2] * m[2]).squareRoot()
}

/// avg |G_AA|^2, |G_BB|^2 and |G_AB|^2 where propagators are real, of the moments m and Sigma_3 in j: (a -+ j)^2/D^2 and
/// |eta|^2/D^2 = (a^2 - j^2 - D)/D^2.
func outsideSquares(_ m: [ComplexDouble], _ j: ComplexDouble) -> [Double] {
  let both = m[2] + j * j * m[4]
  let odd = j.multiplied(by: 2) * m[3]
  return [(both - odd).real, (both + odd).real, (m[2] - j * j * m[4] - m[1]).real]
}

/// The two bands on their `BandContour`s, with the traces that multiply propagators there: for pairs
/// of a retarded and an advanced energy, and for averages at one energy.
///
/// By partial fractions each term is singular at one band's energy only, zeta_s = E_s, retarded or
/// advanced, so that a grid does with a number of points that hardly depends on the lifetime
/// (docs/zone-integrals.md). Which pairs it serves is for `ContourSurvey` to say.
package final class ContourTable: ZoneTable {
  package let divisions: Int
  package let squares: [Double]
  private let norm: Double
  private let slotCount: Int
  private let kind: ZoneKind

  /// In as many pieces as they were made in, which saves copying them: [piece][band].
  private let pieces: [[DisplacedStars]]

  package var bytes: Int {
    pieces.joined().reduce(0) { $0 + $1.bytes }
  }

  private struct Part: Sendable {
    var bands = [DisplacedStars(), DisplacedStars()]
    var squares: [Double]
  }

  /// The table of `contours`, of the bonding and the antibonding band, with `divisions` points along each
  /// reciprocal vector; nil if `traces` come point by point.
  package init?(
    _ contours: [BandContour], symmetries: [ReciprocalOperation], divisions: Int,
    _ traces: StarTraces, threads: Int
  ) async throws {
    guard let kind = traces.kind else { return nil }
    self.kind = kind
    let grid = PeriodicGrid(contours[0].model, divisions: divisions, symmetries: symmetries)
    let slotCount = traces.slotCount
    let empty = Part(squares: Array(repeating: 0, count: slotCount))
    let parts = try await grid.inBlocks(threads: threads, empty) {
      ContourTable.add($0, to: &$1, contours, traces)
    }
    self.divisions = divisions
    self.slotCount = slotCount
    let norm = 1 / Double(grid.count)
    self.norm = norm
    pieces = parts.map(\.bands).filter { $0[0].blocks > 0 }.map { $0.map(\.compacted) }
    squares = (0..<slotCount).map { slot in parts.reduce(0) { $0 + $1.squares[slot] } * norm }
  }

  private static func add(
    _ buffer: StarBuffer, to part: inout Part, _ contours: [BandContour], _ traces: StarTraces
  ) {
    for contour in contours {
      part.bands[contour.band.rawValue].add(
        buffer, contour, band: contour.band, traces, squares: &part.squares)
    }
  }

  /// Visits the stars of a band, piece by piece.
  private func forEachPiece(_ s: Band, _ body: (inout ZoneBand) -> Void) {
    for piece in pieces {
      piece[s.rawValue].withZoneBand(kind, isUpper: s == .antibonding, slotCount, body)
    }
  }

  /// The share of a band in the moments.
  private func moments(_ s: Band, _ own: ComplexDouble, _ other: ComplexDouble) -> [ComplexDouble] {
    let count = kind == ZONE_SCBA ? 3 : 5
    var sums = [ComplexDouble](repeating: .zero, count: count)
    var part = [ZoneComplex](repeating: ZoneComplex(re: 0, im: 0), count: count)
    forEachPiece(s) {
      zone_band_moments(&$0, own.zone, other.zone, &part)
      for m in 0..<count { sums[m] += ComplexDouble(part[m].re, part[m].im) }
    }
    return sums.map { $0.multiplied(by: norm) }
  }

  package func moments(_ x: DressedState) -> [ComplexDouble] {
    let (a, b) = x.numbers
    switch x {
    case .bands: return moments(.bonding, a, .zero) + moments(.antibonding, b, .zero)
    case .sublattices:
      return zip(moments(.bonding, a, b), moments(.antibonding, a, b)).map { $0 + $1 }
    }
  }

  package func stability(_ gamma: Double, _ x: DressedState) -> Double {
    let m = moments(x)
    // On the real axis outside of the bands |g|^2 = g^2, and 1/(z_2 - z_1) is infinite.
    func isReal(_ zeta: ComplexDouble) -> Bool { zeta.imaginary < 1e-7 * zeta.length }
    guard case .sublattices(let zeta, let j) = x else {
      // |g|^2 = -Im g/Im zeta.
      return gamma
        * x.energies.enumerated().map { s, zeta in
          isReal(zeta) ? abs(m[3 * s + 1].real) : -m[3 * s].imaginary / zeta.imaginary
        }.max()!
    }
    var squares = [0.0, 0, 0]
    if isReal(zeta) {
      squares = outsideSquares(m, j)
    } else {
      var part = squares
      for s in Band.allCases {
        forEachPiece(s) {
          zone_band_squares(&$0, zeta.zone, j.zone, &part)
          for n in 0..<3 { squares[n] += part[n] * norm }
        }
      }
    }
    return gamma * largestEigenvalue(squares)
  }

  package func sums(
    _ products: PropagatorProducts, _ pairs: [(DressedState, DressedState)], withSquares: Bool
  ) -> [(values: [ComplexDouble], squares: [Double]?)] {
    let count = products.numbers.count
    let planCount = products.plan.count
    var totals = [ComplexDouble](repeating: .zero, count: pairs.count * planCount)
    var norms = [Double](repeating: 0, count: pairs.count * count)
    for s in Band.allCases {
      let zonePairs = pairs.map { x, y in
        // With `scba` each band has its own energy first.
        let (a, b) = (x.numbers, y.numbers)
        return kind == ZONE_SCBA && s == .antibonding
          ? ZoneBandPair(own1: a.1.zone, other1: a.0.zone, own2: b.1.zone, other2: b.0.zone)
          : ZoneBandPair(own1: a.0.zone, other1: a.1.zone, own2: b.0.zone, other2: b.1.zone)
      }
      let (retarded, advanced) = products.terms[s.rawValue]
      let own = products.plan.indices.filter {
        let product = products.plan[$0].product
        return retarded[product] >= 0 || advanced[product] >= 0
      }
      let plan = own.flatMap { [Int32(products.plan[$0].slot), Int32(products.plan[$0].product)] }
      var values = [ZoneComplex](
        repeating: ZoneComplex(re: 0, im: 0), count: pairs.count * own.count)
      var squares = [Double](repeating: 0, count: norms.count)
      forEachPiece(s) { stars in
        squares.withUnsafeMutableBufferPointer { squares in
          zone_band_sums(
            &stars, zonePairs, Int32(pairs.count), retarded, advanced, Int32(count), plan,
            Int32(own.count), &values, withSquares ? squares.baseAddress : nil)
        }
        for n in pairs.indices {
          for (position, entry) in own.enumerated() {
            let value = values[n * own.count + position]
            totals[n * planCount + entry] += ComplexDouble(value.re, value.im)
          }
        }
        if withSquares { for n in norms.indices { norms[n] += squares[n] } }
      }
    }
    return pairs.indices.map { n in
      (
        totals[(n * planCount)..<((n + 1) * planCount)].map { $0.multiplied(by: norm) },
        withSquares ? norms[(n * count)..<((n + 1) * count)].map { $0 * norm } : nil
      )
    }
  }
}
