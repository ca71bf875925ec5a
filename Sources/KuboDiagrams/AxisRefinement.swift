// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboZoneIntegrals

extension SpectrumRequest {
  /// The spectrum at the frequencies asked for and at others between them, where the curves bend.
  ///
  /// A straight line between neighbours a distance h apart misses a curve by |f''| h^2/8. Wherever that is more than 1 % of
  /// the height of its column, the interval is halved, those that miss most first; f'' is taken from the values themselves at
  /// three neighbours, so that fewer than three frequencies stay as they are. The curves are the real and the imaginary part of
  /// K(omega) - K(0), or of sigma, of each bare and dressed column, those of single diagrams and bands too, and the height is
  /// that of both parts together. Closed forms, whose poles no line can follow, are only asked if there is nothing else. At a
  /// jump the halving ends with an interval of 1e-12 of the largest |omega|: at smaller ones the rounding of omega would be seen
  /// in the slopes. Every value has the accuracy of ``Spectrum``.
  ///
  /// - Parameter limit: the most frequencies in all; not below those asked for.
  /// - Returns: a spectrum whose ``Spectrum/omegas`` ascend.
  /// - Throws: as ``spectrum()``.
  public func refinedSpectrum(limit: Int) async throws -> Spectrum {
    try check()
    let asked = Set(omegas).sorted()
    let batch = try await asking(columns, omegas: asked).engine.batches()
    var refinement = AxisRefinement(asked, try await batch(asked))
    while case let new = refinement.proposals(limit: limit), !new.isEmpty {
      refinement.add(new, try await batch(new))
    }
    var spectrum = refinement.spectrum(self)
    spectrum.refinement = asked.count
    return spectrum
  }
}

/// Values at frequencies of which ever more are computed.
package struct AxisRefinement {
  /// What a straight line may miss, over the height of a curve.
  private static let flatness = 0.01
  /// The narrowest interval that is halved, over the largest |omega|: the rounding of omega is 1e-4 of it.
  private static let narrowest = 1e-12

  private typealias Place = (omega: Double, part: Int, number: Int)

  private var parts: [Spectrum]
  /// Ascending; where each is in the parts.
  private var places: [Place]

  package init(_ omegas: [Double], _ first: Spectrum) {
    parts = [first]
    places = omegas.enumerated().map { ($1, 0, $0) }
  }

  package mutating func add(_ omegas: [Double], _ part: Spectrum) {
    places += omegas.enumerated().map { ($1, parts.count, $0) }
    places.sort { $0.omega < $1.omega }
    parts.append(part)
  }

  /// The middles of the intervals in which some curve bends too much.
  package func proposals(limit: Int) -> [Double] {
    guard places.count > 2, places.count < limit else { return [] }
    var misses = [Double](repeating: 0, count: places.count - 1)
    for c in judges {
      for part in [\ComplexDouble.real, \.imaginary] {
        for (n, miss) in self.misses(c, part).enumerated() { misses[n] = max(misses[n], miss) }
      }
    }
    let largest = max(abs(places.first!.omega), abs(places.last!.omega))
    let width = AxisRefinement.narrowest * largest
    return misses.indices.filter {
      misses[$0] > AxisRefinement.flatness && places[$0 + 1].omega - places[$0].omega > width
    }
    .sorted { (misses[$1], $0) < (misses[$0], $1) }.prefix(limit - places.count)
    .map {
      let middle = (places[$0].omega + places[$0 + 1].omega) / 2
      // Of intervals about 0 what rounding leaves of it.
      return abs(middle) < 1e-2 * width ? 0 : middle
    }.sorted()
  }

  /// The columns that say where to refine.
  private var judges: [Int] {
    let columns = parts[0].columns
    let loops = columns.indices.filter { [.bare, .ladder].contains(columns[$0].request.dressing) }
    return loops.isEmpty ? Array(columns.indices) : loops
  }

  private func value(_ c: Int, _ n: Int) -> ComplexDouble? {
    parts[places[n].part].columns[c].values[places[n].number]?.dynamic
  }

  /// What the line in each interval misses of a part of a column, over the height of both parts.
  private func misses(_ c: Int, _ part: KeyPath<ComplexDouble, Double>) -> [Double] {
    let known = places.indices.compactMap { n in value(c, n).map { (n, places[n].omega, $0) } }
    let all = known.flatMap { [$0.2.real, $0.2.imaginary] }
    var misses = [Double](repeating: 0, count: places.count - 1)
    guard let low = all.min(), let high = all.max(), high > low else { return misses }
    for (i, next) in known.indices.dropFirst().dropLast().enumerated() {
      let (a, b, d) = (known[i], known[next], known[next + 1])
      // Neighbours on the axis: what is empty is a gap.
      guard a.0 + 1 == b.0, b.0 + 1 == d.0 else { continue }
      let (left, right) = (b.1 - a.1, d.1 - b.1)
      let slopes = (
        (b.2[keyPath: part] - a.2[keyPath: part]) / left,
        (d.2[keyPath: part] - b.2[keyPath: part]) / right
      )
      let bend = abs(2 * (slopes.1 - slopes.0) / (left + right)) / (8 * (high - low))
      misses[a.0] = max(misses[a.0], bend * left * left)
      misses[b.0] = max(misses[b.0], bend * right * right)
    }
    return misses
  }

  /// All values; K(0) is that of the first part, whichever of its errors is larger.
  package func spectrum(_ request: SpectrumRequest) -> Spectrum {
    var spectrum = Spectrum(unfilled: request.asking(request.columns, omegas: places.map(\.omega)))
    let columns = Array(request.columns.indices)
    let fixed = parts[0].columns.map { column in
      column.values.compactMap { $0.map { $0.error - $0.errors.largest } }.max() ?? 0
    }
    for (p, part) in parts.enumerated() {
      var part = part
      // What fails at all frequencies has been told.
      if p > 0 { part.failures.removeAll { $0.omega == nil } }
      for c in columns {
        for n in part.columns[c].values.indices {
          guard let value = part.columns[c].values[n] else { continue }
          part.columns[c].values[n]!.error = max(value.error, value.errors.largest + fixed[c])
        }
      }
      let own = places.indices.filter { places[$0].part == p }
        .sorted { places[$0].number < places[$1].number }
      spectrum.take(part, columns: columns, own)
    }
    return spectrum
  }
}
