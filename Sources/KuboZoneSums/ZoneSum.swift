// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneIntegrals
import RealModule

/// The zone average of loops at constant lifetime: what is summed, for ``BubbleSum``, ``ContourSum`` and
/// ``ResonanceSum``; and the sum over a periodic grid in its obvious form, traces of 2x2 matrices times
/// `ClosedFormBubble`s, which serves all loops and which the others are held against.
///
/// Traces are summed over a star of points with equal energies before they meet the Matsubara
/// sums, which depend on the energies and omega only.
package struct ZoneSum: Sendable {
  package let model: Model
  package let directions: Directions
  package let hamiltonian: BlochHamiltonian
  package let symmetries: [ReciprocalOperation]
  package let mu, temperature, broadening: Double
  package let weights: LoopWeights
  /// One-band closed forms, appended after the sums of `weights`.
  package let closedForms: [(form: ClosedForm, version: Version)]
  /// The bands that the closed forms count.
  package let bands: [Band]
  package let threads: Int
  /// In steps of the grid; a shift gives up the symmetry.
  package var origin: [Double]? = nil

  /// The sum of `loops` and `closedForms` for a model in the state (mu, T, Gamma).
  package init(
    model: Model, directions: Directions, mu: Double, temperature: Double, broadening: Double,
    loops: [LoopWeights.Sum], closedForms: [(form: ClosedForm, version: Version)],
    bands: [Band] = Band.allCases, threads: Int
  ) {
    self.model = model
    self.directions = directions
    hamiltonian = BlochHamiltonian(model, directions: directions)
    symmetries = model.energySymmetries()
    (self.mu, self.temperature, self.broadening) = (mu, temperature, broadening)
    // The bubbles of closed forms are those of one band.
    weights = LoopWeights(
      loops,
      known: closedForms.isEmpty ? [] : Band.allCases.map { Bubble(plus: [$0], inner: [$0]) })
    self.closedForms = closedForms
    self.bands = bands
    self.threads = threads
  }

  /// Whether all outputs are sums over both bands; `LoopWeights.isBandFree`.
  package var isBandFree: Bool { closedForms.isEmpty && weights.isBandFree }

  /// The number of sums: loops, then closed forms.
  package var outputCount: Int { weights.sumCount + closedForms.count }

  /// What one grid gives.
  package struct Result: Sendable {
    /// K(0) of each output.
    package var statics: [ComplexDouble]
    /// [K(omega) - K(0)]/omega of each output, [omega][output].
    package var quotients: [[ComplexDouble]]
    /// Sums of the absolute contributions to K(0) and to the quotients.
    package var staticScales: [Double]
    package var scales: [[Double]]
    /// Bounds on the rounding of K(0) and of the quotients, [omega][output], besides that of energies.
    package var staticRounding: [Double]
    package var rounding: [[Double]]
  }

  /// K(0), then the quotients at each omega, [row][output]: re and im, sums of moduli and bounds on rounding.
  private struct Part: Sendable {
    var values, scales, rounding: [Double]

    init(count: Int) {
      values = Array(repeating: 0, count: 2 * count)
      scales = Array(repeating: 0, count: count)
      rounding = scales
    }
  }

  /// The bubbles for |omega| up to `reach`.
  package func closedFormBubbles(reach: Double) -> ClosedFormBubble {
    ClosedFormBubble(
      line: FermiLogarithm(
        temperature: temperature, broadening: broadening,
        reach: model.energyBound + abs(mu) + reach))
  }

  /// Sums the grid with `divisions` points along each reciprocal vector.
  package func callAsFunction(divisions: Int, omegas: [Double], withScales: Bool) async throws
    -> Result
  {
    let bubbles = closedFormBubbles(reach: omegas.map(abs).max() ?? 0)
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries, origin: origin)
    let count = outputCount
    let total = try await grid.accumulate(
      threads: threads, Part(count: (1 + omegas.count) * count)
    ) { part, _, star in
      _ = add(star, isPaired: grid.hasInversion, bubbles, omegas, withScales, &part)
    }.added([\.values, \.scales, \.rounding])
    let norm = 1 / (Double(grid.count) * model.cellVolume)
    func rows(_ x: [Double]) -> [[Double]] {
      (0...omegas.count).map { n in (0..<count).map { norm * x[n * count + $0] } }
    }
    let values = (0...omegas.count).map { n in
      (n * count..<(n + 1) * count).map {
        ComplexDouble(norm * total.values[2 * $0], norm * total.values[2 * $0 + 1])
      }
    }
    let (scales, rounding) = (rows(total.scales), rows(total.rounding))
    return Result(
      statics: values[0], quotients: Array(values[1...]), staticScales: scales[0],
      scales: Array(scales[1...]), staticRounding: rounding[0], rounding: Array(rounding[1...]))
  }

  /// What each of `points` (reduced wave vectors) and its images under all symmetries contribute, as if
  /// the zone had volume 1, for `NestedIntegral`: K(0) of each output, then
  /// [K(omega) - K(0)]/omega, [omega][output], real and imaginary part each; and the levels whose
  /// zeros are singular.
  package func values(_ points: [SIMD3<Double>], omegas: [Double], _ bubbles: ClosedFormBubble)
    -> NestedIntegral.Values
  {
    let images = ReciprocalOperation.withoutInversion(symmetries)
    let count = (1 + omegas.count) * outputCount
    var components = [[Double]](repeating: [], count: 2 * count)
    var energies: [BandPair] = []
    for f in points {
      let star = images.enumerated().map { number, operation in
        PeriodicGrid.StarPoint(
          k: image(operation, f), weight: 2 / model.cellVolume, operation: number)
      }
      var part = Part(count: count)
      energies.append(add(star, isPaired: true, bubbles, omegas, false, &part))
      for (n, value) in part.values.enumerated() { components[n].append(value) }
    }
    return .init(
      components: components,
      levels: ZoneSum.levels(
        energies.map(\.bonding), energies.map { $0.antibonding - $0.bonding }, omegas))
  }

  /// The functions of k whose zeros are singular in a `NestedIntegral`: both levels, x_+ and x_+ + 2 Delta,
  /// also less omega and -omega, and 2 Delta - |omega|.
  static func levels(_ lower: [Double], _ difference: [Double], _ omegas: [Double]) -> [[Double]] {
    let sizes = Set(omegas.map(abs)).subtracting([0]).sorted()
    let shifts: [Double] = [0] + sizes + sizes.map { -$0 }
    let upper = zip(lower, difference).map { $0 + $1 }
    return shifts.flatMap { shift in [lower, upper].map { $0.map { $0 + shift } } }
      + sizes.map { size in difference.map { $0 - size } }
  }

  /// The traces of all outputs summed over a star, [output][bubble], and the star's energies.
  package func traces(
    _ star: [PeriodicGrid.StarPoint], isPaired: Bool, into sums: inout [ComplexDouble],
    _ magnitudes: inout [Double]
  ) -> BandPair {
    let count = weights.bubbles.count
    for n in sums.indices {
      sums[n] = .zero
      magnitudes[n] = 0
    }
    var energies = BandPair(bonding: 0, antibonding: 0)
    for (n, point) in star.enumerated() {
      let frame = hamiltonian.frame(at: point.k)
      if n == 0 {
        energies = BandPair(
          bonding: frame.energy(.bonding).real - mu,
          antibonding: frame.energy(.antibonding).real - mu)
      }
      sums.withUnsafeMutableBufferPointer { w in
        magnitudes.withUnsafeMutableBufferPointer { m in
          weights.add(
            frame, weight: point.weight, isPaired: isPaired, to: w.baseAddress!,
            magnitudes: m.baseAddress!)
          for (c, closed) in closedForms.enumerated() {
            for s in bands {
              let value = point.weight * closed.form.weight(frame, s, closed.version).real
              let slot = (weights.sumCount + c) * count + s.rawValue
              w[slot] += ComplexDouble(value)
              m[slot] += abs(value)
            }
          }
        }
      }
    }
    return energies
  }

  /// Adds the share of a star, whose energies are returned.
  private func add(
    _ star: [PeriodicGrid.StarPoint], isPaired: Bool, _ bubbles: ClosedFormBubble,
    _ omegas: [Double], _ withScales: Bool, _ part: inout Part
  ) -> BandPair {
    let (count, outputs) = (weights.bubbles.count, outputCount)
    var traces = [ComplexDouble](repeating: .zero, count: outputs * count)
    var magnitudes = [Double](repeating: 0, count: outputs * count)
    let x = self.traces(star, isPaired: isPaired, into: &traces, &magnitudes)
    for (b, bubble) in weights.bubbles.enumerated() {
      let used = (0..<outputs).map { $0 * count + b }.filter {
        traces[$0] != .zero || withScales && magnitudes[$0] != 0
      }
      guard !used.isEmpty else { continue }
      for row in 0...omegas.count {
        let value =
          row == 0
          ? ComplexDouble(bubbles.staticPart(bubble, x))
          : bubbles.dynamicQuotient(bubble, x, omega: omegas[row - 1])
        let rounding =
          withScales ? bubbles.rounding(bubble, x, omega: row == 0 ? nil : omegas[row - 1]) : 0
        for slot in used {
          let (own, at) = (traces[slot] * value, row * outputs + slot / count)
          part.values[2 * at] += own.real
          part.values[2 * at + 1] += own.imaginary
          part.scales[at] += magnitudes[slot] * value.length
          part.rounding[at] += magnitudes[slot] * rounding
        }
      }
    }
    return x
  }
}
