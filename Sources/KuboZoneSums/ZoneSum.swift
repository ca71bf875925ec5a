// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneIntegrals
import RealModule

/// The zone average of loops at constant lifetime over one periodic grid: the sum over k of traces
/// times the closed-form Matsubara sums, for many frequencies at once.
///
/// Traces are summed over a star of points with equal energies before they meet the Matsubara
/// sums, which depend on the energies and omega only.
package struct ZoneSum: Sendable {
  package let model: Model
  package let directions: Directions
  package let hamiltonian: BlochHamiltonian
  package let symmetries: [ReciprocalOperation]
  package let mu: Double
  package let weights: LoopWeights
  /// One-band closed forms, appended after the sums of `weights`.
  package let closedForms: [(form: ClosedForm, version: Version)]
  /// The bands that the closed forms count.
  package let bands: [Band]
  package let bubbles: FastBubbles
  package let threads: Int
  /// In steps of the grid; a shift gives up the symmetry, for tests.
  package var origin: [Double]? = nil

  /// The sum of `loops` and `closedForms` for a model in the state (mu, T, Gamma), for |omega| up to
  /// `reach`.
  package init(
    model: Model, directions: Directions, mu: Double, temperature: Double, broadening: Double,
    loops: [LoopWeights.Sum], closedForms: [(form: ClosedForm, version: Version)],
    bands: [Band] = Band.allCases, reach: Double, threads: Int
  ) {
    self.model = model
    self.directions = directions
    hamiltonian = BlochHamiltonian(model, directions: directions)
    symmetries = model.energySymmetries()
    self.mu = mu
    weights = LoopWeights(loops, known: FastBubbles.bubbles)
    self.closedForms = closedForms
    self.bands = bands
    bubbles = FastBubbles(
      line: FermiLogarithm(
        temperature: temperature, broadening: broadening,
        reach: model.energyBound + abs(mu) + reach),
      // A closed form has the bubbles of one band.
      used: weights.keptBubbles + (closedForms.isEmpty ? [] : [0, 3]))
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
    /// Bounds on the rounding of K(0), besides that of energies, and of the quotients, [omega][output].
    package var staticRounding: [Double]
    package var rounding: [[Double]]
  }

  /// Sums the grid with `divisions` points along each reciprocal vector.
  package func callAsFunction(divisions: Int, omegas: [Double], withScales: Bool) async throws
    -> Result
  {
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries, origin: origin)
    let empty = Accumulator(
      outputs: outputCount, bubbles: weights.bubbles.count, omegas: omegas)
    let parts = try await grid.accumulate(threads: threads, empty) { part, _, star in
      let energies = traces(
        star, isPaired: grid.hasInversion, into: &part.weights, &part.magnitudes,
        withMagnitudes: withScales)
      multiply(energies, &part, withScales)
    }
    return collect(parts, norm: 1 / (Double(grid.count) * model.cellVolume), withScales)
  }

  /// What each of `points` (reduced wave vectors) and its images under all symmetries contribute, as if
  /// the zone had volume 1, for `NestedIntegral`: K(0) of each output, then
  /// [K(omega) - K(0)]/omega, [omega][output], real and imaginary part each; and the levels whose
  /// zeros are singular.
  ///
  /// No deformation and no partial fractions by bands: a reference. With `isExact`, all bubbles are
  /// `ClosedFormBubble`s, which subtract nothing.
  package func values(_ points: [SIMD3<Double>], omegas: [Double], isExact: Bool)
    -> NestedIntegral.Values
  {
    let reciprocal = model.reciprocalVectors.map(packed)
    let images = ReciprocalOperation.withoutInversion(symmetries)
    let sizes = Set(omegas.map(abs)).subtracting([0]).sorted()
    let shifts = [0] + sizes + sizes.map { -$0 }
    let (count, bubbleCount) = (outputCount, weights.bubbles.count)
    var components = [[Double]](
      repeating: [Double](repeating: 0, count: points.count), count: 2 * count * (1 + omegas.count))
    var levels = [[Double]](
      repeating: [Double](repeating: 0, count: points.count), count: 2 * shifts.count + sizes.count)
    let exact = ClosedFormBubble(line: bubbles.line)
    var traces = [ComplexDouble](repeating: .zero, count: count * bubbleCount)
    var magnitudes = [Double](repeating: 0, count: traces.count)
    var values = [ComplexDouble](repeating: .zero, count: bubbleCount)
    for (n, f) in points.enumerated() {
      let star = images.enumerated().map { number, operation in
        var k = SIMD3<Double>.zero
        for (a, b) in reciprocal.enumerated() {
          for (c, entry) in operation.rows[a].enumerated() { k += b * (Double(entry) * f[c]) }
        }
        return PeriodicGrid.StarPoint(
          k: WaveVector(real: k), weight: 2 / model.cellVolume, operation: number)
      }
      let x = self.traces(
        star, isPaired: true, into: &traces, &magnitudes, withMagnitudes: false)
      let used = (0..<bubbleCount).filter { b in
        (0..<count).contains { traces[$0 * bubbleCount + b] != .zero }
      }
      let point = bubbles.point(x)
      for part in 0...omegas.count {
        if part > 0, !isExact {
          values.withUnsafeMutableBufferPointer {
            bubbles.dynamicQuotients(point, omega: omegas[part - 1], into: $0.baseAddress!)
          }
        }
        for b in used where isExact || part == 0 || b >= FastBubbles.count {
          let bubble = weights.bubbles[b]
          values[b] =
            part == 0
            ? ComplexDouble(exact.staticPart(bubble, x))
            : exact.dynamicQuotient(bubble, x, omega: omegas[part - 1])
        }
        for output in 0..<count {
          let own = used.reduce(ComplexDouble.zero) {
            $0 + traces[output * bubbleCount + $1] * values[$1]
          }
          components[2 * (part * count + output)][n] = own.real
          components[2 * (part * count + output) + 1][n] = own.imaginary
        }
      }
      for (m, shift) in shifts.enumerated() {
        levels[2 * m][n] = x.bonding + shift
        levels[2 * m + 1][n] = x.antibonding + shift
      }
      for (m, size) in sizes.enumerated() {
        levels[2 * shifts.count + m][n] = x.antibonding - x.bonding - size
      }
    }
    return .init(components: components, levels: levels)
  }

  private struct Accumulator: Sendable {
    let omegas: [Double]
    var statics: [ComplexDouble]
    var quotients: [ComplexDouble]  // [omega][output]
    var staticScales: [Double]
    var scales: [Double]
    var weights: [ComplexDouble]  // [output][bubble]
    var magnitudes: [Double]
    var rounding: [Double]

    init(outputs: Int, bubbles: Int, omegas: [Double]) {
      self.omegas = omegas
      statics = Array(repeating: .zero, count: outputs)
      quotients = Array(repeating: .zero, count: outputs * omegas.count)
      staticScales = Array(repeating: 0, count: outputs)
      scales = Array(repeating: 0, count: outputs * omegas.count)
      weights = Array(repeating: .zero, count: outputs * bubbles)
      magnitudes = Array(repeating: 0, count: outputs * bubbles)
      rounding = scales
    }
  }

  /// The traces of all outputs summed over a star, [output][bubble], and the star's energies.
  package func traces(
    _ star: [PeriodicGrid.StarPoint], isPaired: Bool, into sums: inout [ComplexDouble],
    _ magnitudes: inout [Double], withMagnitudes: Bool
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
            magnitudes: withMagnitudes ? m.baseAddress! : nil)
          for (c, closed) in closedForms.enumerated() {
            for s in bands {
              let value = point.weight * closed.form.weight(frame, s, closed.version).real
              let slot = (weights.sumCount + c) * count + (s == .bonding ? 0 : 3)
              w[slot] += ComplexDouble(value)
              m[slot] += abs(value)
            }
          }
        }
      }
    }
    return energies
  }

  /// Multiplies the traces of a star with the Matsubara sums at its energies.
  private func multiply(_ x: BandPair, _ sum: inout Accumulator, _ withScales: Bool) {
    let count = weights.bubbles.count
    let outputs = outputCount
    let known = FastBubbles.count
    let point = bubbles.point(x)
    let exact = ClosedFormBubble(line: bubbles.line)
    let rest = weights.bubbles[known...]
    let propagators = weights.bubbles.map { $0.plus.count + $0.inner.count }
    // The weights of an output are real or imaginary; skip the parts that vanish.
    var channels: [(output: Int, isImaginary: Bool)] = []
    for output in 0..<outputs {
      let own = sum.weights[(output * count)..<((output + 1) * count)]
      if own.contains(where: { $0.real != 0 }) { channels.append((output, false)) }
      if own.contains(where: { $0.imaginary != 0 }) { channels.append((output, true)) }
    }
    let width = channels.count
    var flat = [Double](repeating: 0, count: width * count)  // [bubble][channel]
    for (c, channel) in channels.enumerated() {
      for b in 0..<count {
        let w = sum.weights[channel.output * count + b]
        flat[b * width + c] = channel.isImaginary ? w.imaginary : w.real
      }
    }
    var statics = [Double](repeating: 0, count: count)
    for b in 0..<known { statics[b] = point.statics[b] }
    for (n, bubble) in rest.enumerated() { statics[known + n] = exact.staticPart(bubble, x) }
    for (c, channel) in channels.enumerated() {
      let total = (0..<count).reduce(0) { $0 + flat[$1 * width + c] * statics[$1] }
      sum.statics[channel.output] +=
        channel.isImaginary ? ComplexDouble(0, total) : ComplexDouble(total)
    }
    if withScales {
      for output in 0..<outputs {
        for b in 0..<count {
          sum.staticScales[output] += sum.magnitudes[output * count + b] * abs(statics[b])
        }
      }
    }
    withUnsafeTemporaryAllocation(of: ComplexDouble.self, capacity: count) { values in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * width) { totals in
        let v = values.baseAddress!
        let re = totals.baseAddress!
        let im = re + width
        for (n, omega) in sum.omegas.enumerated() {
          bubbles.dynamicQuotients(point, omega: omega, into: v)
          for (m, bubble) in rest.enumerated() {
            v[known + m] = exact.dynamicQuotient(bubble, x, omega: omega)
          }
          flat.withUnsafeBufferPointer { flat in
            for c in 0..<width {
              re[c] = 0
              im[c] = 0
            }
            for b in 0..<count {
              let (x, y) = (v[b].real, v[b].imaginary)
              let w = flat.baseAddress! + b * width
              for c in 0..<width {
                re[c] += w[c] * x
                im[c] += w[c] * y
              }
            }
          }
          for (c, channel) in channels.enumerated() {
            sum.quotients[n * outputs + channel.output] +=
              channel.isImaginary ? ComplexDouble(-im[c], re[c]) : ComplexDouble(re[c], im[c])
          }
          if withScales {
            for b in 0..<count {
              let size = v[b].length
              let rounding = bubbles.rounding(point, omega: omega, propagators: propagators[b])
              for output in 0..<outputs {
                let weight = sum.magnitudes[output * count + b]
                sum.scales[n * outputs + output] += weight * size
                sum.rounding[n * outputs + output] += weight * rounding
              }
            }
          }
        }
      }
    }
  }

  private func collect(_ parts: [Accumulator], norm: Double, _ withScales: Bool) -> Result {
    var total = parts[0]
    for part in parts.dropFirst() {
      for n in total.statics.indices {
        total.statics[n] += part.statics[n]
        total.staticScales[n] += part.staticScales[n]
      }
      for n in total.quotients.indices {
        total.quotients[n] += part.quotients[n]
        total.scales[n] += part.scales[n]
        total.rounding[n] += part.rounding[n]
      }
    }
    let outputs = outputCount
    return Result(
      statics: total.statics.map { $0.multiplied(by: norm) },
      quotients: total.omegas.indices.map { n in
        (0..<outputs).map { total.quotients[n * outputs + $0].multiplied(by: norm) }
      },
      staticScales: total.staticScales.map { $0 * norm },
      scales: total.omegas.indices.map { n in
        (0..<outputs).map { total.scales[n * outputs + $0] * norm }
      },
      staticRounding: Array(repeating: 0, count: outputs),
      rounding: total.omegas.indices.map { n in
        (0..<outputs).map { total.rounding[n * outputs + $0] * norm }
      })
  }
}
