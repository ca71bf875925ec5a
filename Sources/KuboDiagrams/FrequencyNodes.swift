// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import RealModule

/// A spectrum over a long axis: computed at nodes, frequencies of the axis chosen where successive ``RationalInterpolant``s
/// differ most, and interpolated at the others; docs/errors.md, "Long axes".
///
/// All differences are in units of what a part of a value may err.
package struct FrequencyNodes {
  /// The part of the tolerance that nodes are computed to.
  private static let nodeTolerance = 0.125
  /// What a fit may be off at nodes, and successive fits and values that a fit has not seen from each other.
  private static let goal = 0.02
  private static let quiet = 0.1
  /// The least bound on the error of a fit over the largest difference seen.
  private static let caution = 3.0

  /// What was computed at a frequency.
  private struct Node {
    var sample: RationalInterpolant.Sample
    var values: [Spectrum.Value]
  }

  /// A value that a fit gives, and what it may err.
  private typealias Fitted = RationalInterpolant.Sample

  private let request: SpectrumRequest
  private let batch: ([Double]) async throws -> Spectrum
  /// The numbers of the frequencies with different |omega|, in the order of that.
  private let axis: [Int]
  private let sizes: [Double]
  /// The spectrum as far as it is known.
  package private(set) var spectrum: Spectrum
  /// The columns that the nodes have values of.
  private var columns: [Int] = []
  /// The errors of their static parts, which those of all values contain.
  private var fixedErrors: [Double] = []
  /// The places on ``axis`` that were computed, with nil where a cell is empty.
  private var nodes: [Int: Node?] = [:]
  private var generator: SplitMix

  /// Whether the axis is so long that nodes may be cheaper than all frequencies, and K(-omega) = K(omega)* for all columns.
  static func canServe(_ request: SpectrumRequest) -> Bool {
    // Both ways take the same time at about 110 frequencies with impurities, at a constant lifetime at 350 to 550.
    let least = request.electrons.lifetime.impurities == nil ? 400 : 150
    return Set(request.omegas.map(abs)).count >= least
      && request.columns.allSatisfy { $0.diagram == nil }
  }

  /// The nodes of `request`; `batch` computes the columns at some frequencies, to a part of the tolerance.
  package init(
    _ request: SpectrumRequest, _ batch: @escaping ([Double]) async throws -> Spectrum
  ) {
    (self.request, self.batch) = (request, batch)
    var (axis, sizes): ([Int], [Double]) = ([], [])
    let omegas = request.omegas
    for n in omegas.indices.sorted(by: { (abs(omegas[$0]), $0) < (abs(omegas[$1]), $1) })
    where sizes.last != abs(omegas[n]) {
      axis.append(n)
      sizes.append(abs(omegas[n]))
    }
    (self.axis, self.sizes) = (axis, sizes)
    spectrum = Spectrum(unfilled: request)
    generator = SplitMix(state: omegas.reduce(UInt64(omegas.count)) { $0 &* 31 &+ $1.bitPattern })
  }

  /// The whole spectrum of a request that they can serve.
  static func spectrum(_ request: SpectrumRequest) async throws -> Spectrum {
    let tolerance = nodeTolerance * request.tolerance
    let asked = request.asking(request.columns, tolerance: tolerance)
    var nodes = FrequencyNodes(request, try await asked.engine.batches())
    try await nodes.refine()
    try await nodes.complete()
    return nodes.spectrum
  }

  /// Computes nodes and interpolates between them, unless half of all frequencies would have to be nodes.
  package mutating func refine() async throws {
    try await compute(firstPlaces)
    var known = goodPlaces
    guard 2 * known.count > nodes.count, !columns.isEmpty else { return }
    var fit = interpolant(known)
    var previous = fitted(interpolant(known.enumerated().filter { $0.0 % 2 == 0 }.map(\.1)))
    var (quietRounds, level) = (0, 0.0)
    for _ in 0..<40 {
      let current = fitted(fit)
      let weights = weights()
      var differences = current.indices.map { p in
        nodes[p] == nil ? weights[p] * current[p].deviation(previous[p].values) : 0
      }
      let largest = differences.max()!
      var new = proposals(differences, fit, current)
      // At last values that no fit has seen, in plenty.
      let isLast = quietRounds == 1 && largest < FrequencyNodes.quiet
      if isLast { new += random(max(8, nodes.count / 4), besides: new) }
      if 2 * (nodes.count + new.count) > axis.count { return }
      try await compute(new)
      let seen =
        new.compactMap { p in
          nodes[p]!.map { weights[p] * $0.sample.deviation(current[p].values) }
        }.max() ?? 0
      let isQuiet = max(largest, seen) < FrequencyNodes.quiet
      level = max(isQuiet && quietRounds > 0 ? level : 0, largest, seen, fit.residual)
      quietRounds = isQuiet ? quietRounds + 1 : 0
      if quietRounds == 2 {
        for p in differences.indices {
          differences[p] = max(differences[p], level, FrequencyNodes.goal * weights[p])
        }
        return interpolate(current, differences)
      }
      known = goodPlaces
      if 4 * known.count < 3 * nodes.count { return }
      (fit, previous) = (interpolant(known), current)
    }
  }

  // MARK: Nodes

  /// The ends, frequencies as those of Chebyshev between them, and ever smaller ones.
  private var firstPlaces: [Int] {
    let (low, high) = (sizes.first!, sizes.last!)
    let even: [Double] = (0...10).map { n in (1 - Double.cos(.pi * Double(n) / 10)) / 2 }
    let parts: [Double] = even + (1...6).map { n in Double.pow(4, -Double(n)) }
    return parts.map { part -> Int in
      let target = low + part * (high - low)
      return sizes.indices.min { abs(sizes[$0] - target) < abs(sizes[$1] - target) }!
    }
  }

  private var goodPlaces: [Int] { nodes.filter { $0.value != nil }.keys.sorted() }

  /// Computes the places that are not nodes yet.
  private mutating func compute(_ places: [Int]) async throws {
    let new = Set(places).subtracting(nodes.keys).sorted()
    let part = try await batch(new.map { request.omegas[axis[$0]] })
    if nodes.isEmpty {
      columns = part.columns.indices.filter { part.columns[$0].staticPart != nil }
      var first = part
      (first.failures, first.poles) = ([], [])
      spectrum.take(first, columns: Array(part.columns.indices), [])
      fixedErrors = columns.map { c in
        part.columns[c].values.map { $0.map { $0.error - $0.errors.largest } ?? 0 }.max()!
      }
    }
    spectrum.divisions = max(spectrum.divisions, part.divisions)
    for (n, p) in new.enumerated() {
      var values = columns.compactMap { part.columns[$0].values[n] }
      if values.count == columns.count {
        for c in values.indices { values[c].error = values[c].errors.largest + fixedErrors[c] }
      }
      nodes.updateValue(values.count == columns.count ? node(p, values) : nil, forKey: p)
    }
  }

  /// `columns.closed` has a pole at omega = 2 J, which is known: (omega^2 - 4 J^2) K is interpolated.
  private func factor(_ c: Int, _ omega: Double) -> Double {
    let column = request.columns[c]
    let isClosed = column.dressing == .closed || column.dressing == .closedPrinted
    guard isClosed, column.response.closedForm?.isNonadiabatic == true else { return 1 }
    let j = request.electrons.model.exchange
    return (omega - 2 * j) * (omega + 2 * j)
  }

  private func node(_ p: Int, _ values: [Spectrum.Value]) -> Node {
    let omega = request.omegas[axis[p]]
    let tolerance = Tolerance(request.tolerance)
    var sample = RationalInterpolant.Sample(omega: sizes[p], values: [], allowed: [])
    for (c, value) in zip(columns, values) {
      let factor = factor(c, omega)
      let k = omega < 0 ? value.dynamic.conjugate : value.dynamic
      sample.values.append(k.multiplied(by: factor))
      // What rounding exceeds a tolerance by lets the fit exceed it as well.
      let allowed = tolerance.allowed(value.dynamic, scale: value.scale, rounding: 0)
        .atLeast(4 * value.errors)
      sample.allowed.append((abs(factor) * allowed).atLeast(PartErrors(.leastNormalMagnitude)))
    }
    return Node(sample: sample, values: values)
  }

  private func interpolant(_ places: [Int]) -> RationalInterpolant {
    RationalInterpolant(places.map { nodes[$0]!!.sample }, goal: FrequencyNodes.goal)
  }

  /// New nodes: where the differences are largest between two nodes, at poles near the real axis, which may be no more than
  /// noise, and a random one.
  private mutating func proposals(
    _ differences: [Double], _ fit: RationalInterpolant, _ current: [Fitted]
  ) -> [Int] {
    let places = nodes.keys.sorted()
    let gaps = zip(places, places.dropFirst()).map { $0 + 1..<$1 }.filter { !$0.isEmpty }
    let peaks = gaps.map { gap in gap.max { differences[$0] < differences[$1] }! }
      .sorted { (differences[$1], $0) < (differences[$0], $1) }
    let largest = peaks.first.map { differences[$0] } ?? 0
    let isQuiet = largest < FrequencyNodes.quiet
    let count = isQuiet ? 3 : max(4, nodes.count / (largest > 1 ? 3 : 8))
    var new = peaks.prefix(count).filter {
      isQuiet || differences[$0] > FrequencyNodes.quiet / 2
    }
    for (pole, residues) in fit.poles() {
      guard let gap = gaps.first(where: { pole.real <= sizes[$0.upperBound] }),
        pole.real >= sizes[gap.lowerBound - 1],
        abs(pole.imaginary) < 0.1 * (sizes[gap.upperBound] - sizes[gap.lowerBound - 1]),
        let nearest = gap.min(by: { abs(sizes[$0] - pole.real) < abs(sizes[$1] - pole.real) })
      else { continue }
      let distance = (ComplexDouble(sizes[nearest]) - pole).length
      let allowed = current[nearest].allowed
      let isVisible = residues.indices.contains {
        residues[$0].length
          > FrequencyNodes.quiet * distance * min(allowed[$0].real, allowed[$0].imaginary)
      }
      if isVisible { new.append(nearest) }
    }
    return new + random(1, besides: new)
  }

  private mutating func random(_ count: Int, besides new: [Int]) -> [Int] {
    let taken = Set(new).union(nodes.keys)
    return Array(
      sizes.indices.filter { !taken.contains($0) }.shuffled(using: &generator).prefix(count))
  }

  // MARK: Values

  /// What a fit gives at all places between nodes that have values, and at these.
  private func fitted(_ fit: RationalInterpolant) -> [Fitted] {
    let tolerance = Tolerance(request.tolerance)
    let known = goodPlaces
    var right = 0
    return sizes.indices.map { p in
      while right < known.count - 1, known[right] < p { right += 1 }
      let (a, b) = (nodes[known[max(0, right - 1)]]!!, nodes[known[right]]!!)
      let span = b.sample.omega - a.sample.omega
      let part = span == 0 ? 0 : min(max((sizes[p] - a.sample.omega) / span, 0), 1)
      let values = fit.values(at: sizes[p])
      let allowed = columns.enumerated().map { c, column in
        let scale = a.values[c].scale + part * (b.values[c].scale - a.values[c].scale)
        let factor = factor(column, sizes[p])
        let own = tolerance.allowed(
          values[c].divided(by: factor), scale: scale, rounding: 0)
        let (x, y) = (a.values[c].errors, b.values[c].errors)
        let rounded = PartErrors(
          real: 4 * min(x.real, y.real), imaginary: 4 * min(x.imaginary, y.imaginary))
        return (abs(factor) * own.atLeast(rounded)).atLeast(PartErrors(.leastNormalMagnitude))
      }
      return Fitted(omega: sizes[p], values: values, allowed: allowed)
    }
  }

  /// What differences count for at each place, of a node or between two: no feature of K is narrower than Gamma, and one as narrow
  /// as that which hides between two nodes is seen at these as Gamma over their distance of its height. With impurities
  /// the narrowest width is not known.
  private func weights() -> [Double] {
    var weights = [Double](repeating: 1, count: sizes.count)
    guard case .constant(let gamma) = request.electrons.lifetime else {
      return weights.map { _ in 10 / FrequencyNodes.caution }
    }
    let known = goodPlaces
    for (left, right) in zip(known, known.dropFirst()) {
      let weight = (sizes[right] - sizes[left]) / gamma / FrequencyNodes.caution
      for p in left + 1..<right { weights[p] = max(1, weight) }
    }
    return weights
  }

  /// Fills what is no node, if the bound is within the tolerance: the error of the fit, that of its nodes, and K(0)'s.
  private mutating func interpolate(_ current: [Fitted], _ differences: [Double]) {
    let known = goodPlaces
    var isInterpolated = request.omegas.map { _ in false }
    for (left, right) in zip(known, known.dropFirst()) {
      let ends = [nodes[left]!!, nodes[right]!!]
      for p in left + 1..<right where nodes[p] == nil {
        let omega = request.omegas[axis[p]]
        let cells = columns.indices.map { c -> Spectrum.Value? in
          let factor = factor(columns[c], omega)
          guard factor != 0 else { return nil }
          // Errors that the nodes have in common are those of the fit; what varies from node to node is among the differences.
          let nodes = ends.map { end in
            let (allowed, own) = (end.sample.allowed[c], end.values[c].errors)
            let scaled = abs(self.factor(columns[c], end.sample.omega)) * own
            return max(scaled.real / allowed.real, scaled.imaginary / allowed.imaginary)
          }.max()!
          let part = FrequencyNodes.caution * differences[p] + nodes
          guard part <= 1 else { return nil }
          let errors = (part / abs(factor)) * current[p].allowed[c]
          let k = current[p].values[c].divided(by: factor)
          return Spectrum.Value(
            dynamic: omega < 0 ? k.conjugate : k, error: errors.largest + fixedErrors[c],
            scale: max(ends[0].values[c].scale, ends[1].values[c].scale), errors: errors)
        }
        guard !cells.contains(where: { $0 == nil }) else { continue }
        isInterpolated[axis[p]] = true
        for (c, cell) in zip(columns, cells) { spectrum.columns[c].values[axis[p]] = cell }
      }
    }
    spectrum.interpolation = (isInterpolated, known.count)
  }

  /// Computes what is left to the tolerance itself: cells that are empty at nodes, or whose bounds are too wide, and columns
  /// without a static part.
  private mutating func complete() async throws {
    for (p, node) in nodes.sorted(by: { $0.key < $1.key }) {
      for (k, c) in columns.enumerated() { spectrum.columns[c].values[axis[p]] = node?.values[k] }
    }
    let others = request.columns.indices.filter { !columns.contains($0) }
    let left = axis.filter { n in columns.contains { spectrum.columns[$0].values[n] == nil } }
    for (asked, numbers) in [(columns, left), (others, axis)]
    where !asked.isEmpty && !numbers.isEmpty {
      let part = try await request.asking(
        asked.map { request.columns[$0] }, omegas: numbers.map { request.omegas[$0] }
      ).engine.spectrum()
      spectrum.take(part, columns: asked, numbers)
    }
    // K(0) is that of the nodes, whichever of its errors is larger.
    for (k, c) in columns.enumerated() {
      for n in left {
        guard let value = spectrum.columns[c].values[n] else { continue }
        spectrum.columns[c].values[n]!.error = max(
          value.error, value.errors.largest + fixedErrors[k])
      }
    }
    // The mirror images of frequencies that are there.
    let places = Dictionary(uniqueKeysWithValues: zip(sizes, axis))
    for (n, omega) in request.omegas.enumerated() {
      let own = places[abs(omega)]!
      guard own != n else { continue }
      if let isInterpolated = spectrum.interpolation?.isInterpolated[own] {
        spectrum.interpolation!.isInterpolated[n] = isInterpolated
      }
      for c in spectrum.columns.indices {
        var value = spectrum.columns[c].values[own]
        if request.omegas[own] != omega, let k = value?.dynamic { value!.dynamic = k.conjugate }
        spectrum.columns[c].values[n] = value
      }
    }
  }
}

/// The same random numbers for the same axis.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
