// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import RealModule
import UniformGrid

/// A state in C.
final class GridState: @unchecked Sendable {
  var state: ug_state
  private var buffers: [UnsafeMutableBufferPointer<Double>] = []
  /// The largest |dE/d theta| of the bands along each coordinate.
  let slopes: [Double]
  /// The cells of the farthest hop along each coordinate.
  let reach: [Int]
  /// The lower level, the upper one, and 2 Delta.
  let ranges: [ClosedRange<Double>]
  /// Of each hop its cells along coordinate 0, and its amplitude.
  private let inter: [(cells: Double, amplitude: Double)]
  private let intra: [(cells: Double, amplitude: Double)]
  /// The minima of Delta on 0 ... pi in one dimension, which points of a survey may miss.
  private var minima: [(theta: Double, delta: Double)] = []
  private var gap: Double {
    min(ranges[2].lowerBound, 2 * (minima.map(\.delta).min() ?? .infinity))
  }

  init(_ s: CertificateState) {
    var held: [UnsafeMutableBufferPointer<Double>] = []
    func pointer(_ list: [Double]) -> UnsafePointer<Double> {
      let buffer = UnsafeMutableBufferPointer<Double>.allocate(capacity: max(1, list.count))
      _ = buffer.initialize(from: list + (list.isEmpty ? [0] : []))
      held.append(buffer)
      return UnsafePointer(buffer.baseAddress!)
    }
    let m = s.model
    state = ug_state(
      dimension: Int32(m.dimension), cell: pointer(m.latticeVectors.flatMap { $0 }),
      inter_count: Int32(m.interSublattice.count), intra_count: Int32(m.intraSublattice.count),
      inter_vectors: pointer(m.interSublattice.flatMap(\.vector)),
      inter_amplitudes: pointer(m.interSublattice.map(\.amplitude)),
      intra_vectors: pointer(m.intraSublattice.flatMap(\.vector)),
      intra_amplitudes: pointer(m.intraSublattice.map(\.amplitude)), exchange: m.exchange,
      mu: s.mu, temperature: s.temperature, gamma: s.gamma, i: Int32(s.directions.i),
      j: Int32(s.directions.j))
    buffers = held
    reach = s.reach
    func along(_ hops: [Hop]) -> [(cells: Double, amplitude: Double)] {
      hops.map { (m.reciprocalVectors[0][0] * $0.vector[0] / (2 * .pi), $0.amplitude) }
    }
    (inter, intra) = (along(m.interSublattice), along(m.intraSublattice))
    let counts = s.reach.map { Int32([400, 40, 12][m.dimension - 1] + 6 * $0) } + [1, 1]
    var found = [Double](repeating: 0, count: 3)
    var extrema = [Double](repeating: 0, count: 6)
    ug_survey(&state, counts, &found, &extrema)
    slopes = found
    ranges = (0..<3).map { extrema[2 * $0]...extrema[2 * $0 + 1] }
    if m.dimension == 1 { minima = gapMinima(s) }
  }

  deinit { for buffer in buffers { buffer.deallocate() } }

  /// How far bands are followed into complex energies: to the first pole.
  private func width(_ s: CertificateState) -> Double {
    // Where bands are in resonance, 1/(2 Delta - omega - 2 i Gamma) is singular however warm it is.
    let isResonant = s.omegas.contains {
      (ranges[2].lowerBound - s.gamma...ranges[2].upperBound + s.gamma).contains(abs($0))
    }
    return s.gamma + (isResonant ? 0 : .pi * s.temperature)
  }

  /// So many points that the error is about exp(-exponent), and those at -k left out.
  func counts(_ exponent: Double, _ s: CertificateState, coprimeTo others: [Int]? = nil) -> [Int] {
    let width = min(width(s), max(ranges[2].lowerBound, s.gamma))
    return (0..<s.model.dimension).map { m in
      var n = Int(
        (exponent * max(slopes[m] / width, 0.3) * (m == 0 ? 0.5 : 1)).rounded(.up))
      n = max(n, 5 + Int(exponent / 5 * Double(reach[m])))
      func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
      while n % 2 == 0 || others.map({ divisor(n, $0[m]) > 1 }) ?? false { n += 1 }
      return n
    }
  }

  /// The exponent that these points reach, with the branch point Delta = 0 too.
  private func resolution(_ counts: [Int], _ s: CertificateState) -> Double {
    let width = min(width(s), 0.5 * gap)
    return counts.enumerated().map { m, n in
      Double(m == 0 ? 2 * n : n) * width / max(slopes[m], 1e-300)
    }.min()!
  }

  /// A uniform grid, or parts of half a line with the ends 0 ... pi.
  struct Points {
    let state: GridState
    var counts: [Int] = []
    var ends: [Double] = []
    let resolution: Double
    var number: Int { ends.isEmpty ? counts.reduce(1, *) : 16 * (ends.count - 1) }

    /// K at the first of `frequencies` and its differences at the others, and sums of moduli, [frequency][output];
    /// `isLong`: in longer numbers.
    func loops(_ frequencies: [ComplexDouble], _ outputs: [ug_output], isLong: Bool) -> (
      values: [[ComplexDouble]], scales: [[Double]]
    ) {
      let size = frequencies.count * outputs.count
      var values = [Double](repeating: 0, count: 2 * size)
      var scales = [Double](repeating: 0, count: size)
      (isLong ? ug_loops_long : ug_loops)(
        &state.state, counts.map { Int32($0) } + [1, 1, 1], Int32(max(0, ends.count - 1)),
        ends.map { $0 / (2 * .pi) }, Int32(frequencies.count),
        frequencies.flatMap { [$0.real, $0.imaginary] }, Int32(outputs.count), outputs, &values,
        &scales)
      return (
        GridState.rows(values, outputs.count),
        frequencies.indices.map { n in
          outputs.indices.map { scales[n * outputs.count + $0] }
        }
      )
    }
  }

  /// [frequency][output].
  private static func rows(_ values: [Double], _ outputs: Int) -> [[ComplexDouble]] {
    (0..<values.count / (2 * outputs)).map { n in
      (0..<outputs).map {
        let at = 2 * (n * outputs + $0)
        return ComplexDouble(values[at], values[at + 1])
      }
    }
  }

  /// Points by which the error is about exp(-exponent): in one dimension in parts, where these are fewer.
  func points(_ exponent: Double, _ s: CertificateState, coprimeTo others: Points? = nil) -> Points
  {
    let parts =
      s.model.dimension == 1
      ? Points(state: self, ends: parts(exponent, s), resolution: exponent) : nil
    if let parts, gap < 0.5 * width(s) || others?.counts.isEmpty ?? false { return parts }
    let counts = counts(exponent, s, coprimeTo: others?.counts)
    let uniform = Points(state: self, counts: counts, resolution: resolution(counts, s))
    if let parts, others == nil, parts.number < uniform.number { return parts }
    return uniform
  }

  /// Parts of 0 ... pi as long as the integrand's singularities are far: levels at mu, with and without omega, by
  /// their width, bands in resonance by twice the lifetime's, and Delta = 0 next to each minimum of Delta.
  private func parts(_ exponent: Double, _ s: CertificateState) -> [Double] {
    let slope = max(slopes[0], 1e-300)
    let shifts = [0] + s.omegas + s.omegas.map { -$0 }
    let thermal = s.gamma + .pi * s.temperature
    func distance(_ theta: Double) -> Double {
      let delta = Double.hypot(eta(theta).value.length, s.model.exchange)
      let base = intra.reduce(-s.mu) { $0 - 2 * $1.amplitude * Double.cos($1.cells * theta) }
      var nearest = Double.infinity
      for shift in shifts {
        for level in [base - delta, base + delta] {
          nearest = min(nearest, Double.hypot(level - shift, thermal))
        }
        nearest = min(nearest, Double.hypot(delta - abs(shift) / 2, s.gamma))
      }
      return minima.map { Double.hypot(theta - $0.theta, $0.delta / slope) }.reduce(
        min(nearest / slope, 3.0 / Double(max(1, reach[0]))), min)
    }
    // Of Gauss's rule of 16 points on |x| < h with a pole at x + i y: exp(-32 arsinh(y/h)), or better.
    let part = 2 / Double.cosh(exponent / 32)
    var ends = [0.0]
    // Beyond so many, more than any work allowed, lengths soon are below the rounding of places.
    while ends.last! < .pi, ends.count < 2_500_000 {
      let from = ends.last!
      // Distances grow by no more than the way.
      var length = min(
        .pi - from, part < 1 ? 2 * part * distance(from) : part * distance(from) + 0.1)
      while length > part * distance(from + length / 2) { length *= 0.9 }
      ends.append(from + length > .pi - 1e-12 ? .pi : from + length)
    }
    return ends
  }

  private func eta(_ theta: Double) -> (value: ComplexDouble, slope: ComplexDouble) {
    inter.reduce((.zero, .zero)) { sum, hop in
      let z = ComplexDouble(length: hop.amplitude, phase: -hop.cells * theta)
      return (sum.0 + z, sum.1 + ComplexDouble(z.imaginary, -z.real).multiplied(by: hop.cells))
    }
  }

  /// Where d|eta|^2/d theta = 0, by bisection.
  private func gapMinima(_ s: CertificateState) -> [(theta: Double, delta: Double)] {
    func rise(_ theta: Double) -> Double {
      let (value, slope) = eta(theta)
      return (value.conjugate * slope).real
    }
    let n = 200 + 16 * reach[0]
    let step = .pi / Double(n)
    return (-1...n).compactMap { m in
      // Points of symmetry lie inside.
      var (low, high) = ((Double(m) + 0.37) * step, (Double(m) + 1.37) * step)
      guard rise(low) < 0, rise(high) >= 0 else { return nil }
      for _ in 0..<60 {
        let middle = (low + high) / 2
        if rise(middle) < 0 { low = middle } else { high = middle }
      }
      return (low, Double.hypot(eta(low).value.length, s.model.exchange))
    }
  }

  /// What rounding leaves of sums that `map` makes of those at `frequencies`, from some points: its mean and three
  /// times how much that may err.
  func roundings(
    _ s: CertificateState, _ frequencies: [ComplexDouble], _ outputs: [ug_output],
    _ map: ([[ComplexDouble]]) -> [[ComplexDouble]]
  ) -> [[Double]] {
    let count = 256
    let grid = points(16, s)
    let d = s.model.dimension
    var weights: [Double] = []
    let places = (0..<count).flatMap { n -> [Double] in
      // Irrational parts of the coordinates.
      var f = [0.6180339887, 0.7548776662, 0.5698402910].enumerated().map { m, x in
        let y = x * Double(n + 1)
        return m < d ? y - y.rounded(.down) : 0
      }
      weights.append(1)
      if !grid.ends.isEmpty {
        // In parts, each as often.
        let x = f[0] * Double(grid.ends.count - 1)
        let part = Int(x)
        let length = grid.ends[part + 1] - grid.ends[part]
        f[0] = (grid.ends[part] + (x - Double(part)) * length) / (2 * .pi)
        weights[n] = length / .pi * Double(grid.ends.count - 1)
      }
      return f
    }
    let size = 2 * frequencies.count * outputs.count
    var short = [Double](repeating: 0, count: size * count)
    var long = short
    let list = frequencies.flatMap { [$0.real, $0.imaginary] }
    let (q, o) = (Int32(frequencies.count), Int32(outputs.count))
    ug_points(&state, Int32(count), places, q, list, o, outputs, &short)
    ug_points_long(&state, Int32(count), places, q, list, o, outputs, &long)
    var sums: [[ComplexDouble]] = []
    var squares: [[Double]] = []
    for n in 0..<count {
      let own = (n * size..<(n + 1) * size).map { weights[n] * (short[$0] - long[$0]) }
      let found = map(GridState.rows(own, outputs.count))
      if n == 0 {
        sums = found.map { $0.map { _ in .zero } }
        squares = found.map { $0.map { _ in 0 } }
      }
      for r in found.indices {
        for c in found[r].indices {
          sums[r][c] += found[r][c]
          squares[r][c] += found[r][c].lengthSquared
        }
      }
    }
    return zip(sums, squares).map {
      zip($0, $1).map { ($0.length + 3 * $1.squareRoot()) / Double(count) }
    }
  }
}
