// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import RealModule

/// At which energies the pole at 2 Delta = omega + 2 i Gamma may have been crossed on the way from the
/// real zone to a contour.
///
/// The contour of the upper band may lower Im 2 Delta as far as it likes but raise it to Gamma only,
/// half way to the pole; that of the lower band the other way round. Cells of the zone that cannot be
/// decided are divided, unless all they could add counts as crossed already or is not asked for.
package struct CrossingSearch {
  private let contour: BandContour
  private let broadening: Double
  /// The only energies that matter, ascending; nil for all.
  private let frequencies: [Double]?
  /// What has been found.
  private(set) var found: RangeUnion
  private let hamiltonian: BlochHamiltonian
  private let sign: Double
  /// From the middle of a cell of ``ContourSurvey/divisions(_:)`` to its corners; the opposite of corner
  /// n is the n-th from the end.
  private let corners: [SIMD3<Double>]

  init(
    _ contour: BandContour, broadening: Double, frequencies: [Double]?,
    found: RangeUnion = RangeUnion()
  ) {
    self.contour = contour
    self.broadening = broadening
    self.frequencies = frequencies
    self.found = found
    hamiltonian = BlochHamiltonian(contour.model, directions: Directions(i: 0, j: 0))
    sign = contour.band == .antibonding ? 1 : -1
    let half = 0.5 / Double(ContourSurvey.divisions(contour.model))
    let reciprocal = contour.model.reciprocalVectors.map { packed($0) * half }
    corners = (0..<(1 << reciprocal.count)).map { code in
      reciprocal.enumerated().reduce(.zero) { sum, b in
        code >> b.offset & 1 == 0 ? sum - b.element : sum + b.element
      }
    }
  }

  /// What a survey of both contours of `model` counts as crossed. For tests.
  package static func crossed(_ model: Model, broadening: Double, omegas: [Double]? = nil)
    -> [ClosedRange<Double>]
  {
    ContourSurvey(
      Band.allCases.map { BandContour.contour(of: $0, model) }, broadening: broadening,
      omegas: omegas
    ).crossings
  }

  /// Adds what the cell of ``ContourSurvey/divisions(_:)`` around `k` crosses.
  package mutating func visit(_ k: WaveVector) { visit(k, size: 1, depth: 0) }

  private func gap(_ k: SIMD3<Double>) -> ComplexDouble {
    2 * hamiltonian.frame(at: contour.moved(WaveVector(real: k))).delta
  }

  private mutating func visit(_ k: WaveVector, size: Double, depth: Int) {
    let middle = gap(k.real)
    // To second order: the linear part of Im 2 Delta from differences of opposite corners, twice the
    // quadratic one from their means; Re 2 Delta may change twice as much as towards the corners.
    var (linear, quadratic, change) = (0.0, 0.0, 0.0)
    for n in 0..<corners.count / 2 {
      let shift = corners[n] * size
      let (a, b) = (gap(k.real + shift), gap(k.real - shift))
      linear = max(linear, 0.5 * abs(a.imaginary - b.imaginary))
      quadratic = max(quadratic, 0.5 * abs(a.imaginary + b.imaginary - 2 * middle.imaginary))
      change = max(change, 2 * abs(a.real - middle.real), 2 * abs(b.real - middle.real))
    }
    let wrong = sign * middle.imaginary
    let uncertainty = linear + 2 * quadratic
    // Where Re 2 Delta varies by as much as half of itself, a zero of eta may hide between these points.
    if wrong + uncertainty <= broadening, change <= 0.5 * middle.real { return }
    // Re 2 Delta on the way from the real zone, with half its length at both ends.
    let start = 2 * hamiltonian.frame(at: k).delta.real
    let way = abs(middle.real - start)
    let low = min(start, middle.real) - change - 0.5 * way
    let high = max(start, middle.real) + change + 0.5 * way
    let range = low...high
    if !matters(range) { return }
    // Smaller cells take off the change only. Where Gamma is tiny, cells along a flat gap stay undecided
    // however small they are; a range as narrow as this may as well count as crossed.
    if wrong - uncertainty <= broadening, depth < 7, change > max(2e-3 * middle.real, 0.125 * way) {
      for corner in corners {
        visit(WaveVector(real: k.real + corner * (0.5 * size)), size: 0.5 * size, depth: depth + 1)
      }
    } else {
      found.add(range)
    }
  }

  /// Whether adding `range` would change anything that is asked for.
  private func matters(_ range: ClosedRange<Double>) -> Bool {
    guard let frequencies else { return !found.contains(range) }
    var n = frequencies.partitioningIndex { $0 >= range.lowerBound }
    while n < frequencies.count, frequencies[n] <= range.upperBound {
      if !found.contains(frequencies[n]...frequencies[n]) { return true }
      n += 1
    }
    return false
  }
}

/// A set of numbers, as few ranges as possible.
struct RangeUnion: Sendable {
  /// Disjoint, ascending.
  package private(set) var ranges: [ClosedRange<Double>] = []

  package func contains(_ range: ClosedRange<Double>) -> Bool {
    let n = ranges.partitioningIndex { $0.upperBound >= range.lowerBound }
    return n < ranges.count && ranges[n].lowerBound <= range.lowerBound
      && range.upperBound <= ranges[n].upperBound
  }

  package mutating func add(_ range: ClosedRange<Double>) {
    let first = ranges.partitioningIndex { $0.upperBound >= range.lowerBound }
    var end = first
    var (low, high) = (range.lowerBound, range.upperBound)
    while end < ranges.count, ranges[end].lowerBound <= high {
      low = min(low, ranges[end].lowerBound)
      high = max(high, ranges[end].upperBound)
      end += 1
    }
    ranges.replaceSubrange(first..<end, with: [low...high])
  }
}

extension Array {
  /// The first index at which `condition` holds, which it does from there on.
  fileprivate func partitioningIndex(_ condition: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
