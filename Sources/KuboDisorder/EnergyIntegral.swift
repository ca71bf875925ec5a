// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboWork
import KuboZoneIntegrals
import Quadrature
import RealModule

/// The energy integrals of loops F(z1, z2) whose self-energies depend on energy.
///
/// The terms of docs/conventions.md section 3 with both propagators retarded are turned from the real axis
/// to the imaginary one, eps = i y, where they are smooth, and become with
///
///     S[h] = (1/2 pi) int_0^infinity dy h(y)  at T = 0,     T sum_{n >= 0} h(eps_n)  at T > 0
///
///     K(0) = S[F(iy, iy) + F(-iy, -iy)]
///     K(omega) - K(0) = S[F(iy + omega, iy) - F(iy, iy) + F(-iy, -iy - omega) - F(-iy, -iy)]
///         + (i/2 pi) int d eps [f(eps + omega) - f(eps)] F(eps + omega + i0, eps - i0)
///
/// and the last term, the window, stays on the real axis. K(i omega_l) is S over all Matsubara
/// frequencies. Energies are measured from mu in these formulas.
package struct EnergyIntegral: Sendable {
  package let crystal: ImpurityCrystal
  package let queue: PairQueue
  package let mu, temperature: Double
  package let outputCount: Int
  /// Energies from zero where a density of states begins or ends, square roots on the real axis, or
  /// has a van Hove singularity, broadened by the impurities.
  package let edges: [Double]
  /// How far from mu on the imaginary axis the propagators are smooth: -Im Sigma at mu.
  package let smoothness: Double

  /// A value with its error bound and the sum of its absolute contributions, per output.
  package struct Result: Sendable {
    package var values: [ComplexDouble]
    package var errors: [PartErrors]
    package var scales: [Double]
    package var divisions: Int

    package init(values: [ComplexDouble], errors: [PartErrors], scales: [Double], divisions: Int) {
      self.values = values
      self.errors = errors
      self.scales = scales
      self.divisions = divisions
    }
  }

  /// What is asked of an integral.
  package enum Goal: Sendable {
    /// Two digits or so of the scales, to find out what the values are.
    case sketch
    /// The largest error of each part of each value.
    case errors([PartErrors])
  }

  /// How far from mu the window reaches, in units of T. The Fermi function differs from a step by its
  /// exponential there, which counts as an error.
  package let thermalReach: Double

  package init(
    crystal: ImpurityCrystal, queue: PairQueue, mu: Double, temperature: Double, outputCount: Int,
    edges: [Double], smoothness: Double, thermalReach: Double
  ) {
    self.crystal = crystal
    self.queue = queue
    self.mu = mu
    self.temperature = temperature
    self.outputCount = outputCount
    self.edges = edges
    self.smoothness = smoothness
    self.thermalReach = thermalReach
  }

  /// As far as that a tail is a twentieth of the smallest error that `tolerance` may ask for, 1e-6 of it of
  /// the scale; `Tolerance`.
  package static func thermalReach(_ tolerance: Double) -> Double {
    max(25, 3 - Double.log(1e-6 * tolerance))
  }

  /// K(0).
  package func staticPart(_ goal: Goal) async throws -> Result {
    try await integral(goal) { y in
      let z = ComplexDouble(mu, y)
      return [EnergyPair(z1: z, z2: z, direct: .one, reflected: .one)]
    }
  }

  /// K(omega) - K(0).
  package func dynamicPart(omega: Double, _ goal: Goal) async throws -> Result {
    try await integral(goal, omega: omega) { y in
      let z = ComplexDouble(mu, y)
      return [
        EnergyPair(z1: z + ComplexDouble(omega), z2: z, direct: .one, reflected: .zero),
        EnergyPair(z1: z, z2: z - ComplexDouble(omega), direct: .zero, reflected: .one),
        EnergyPair(z1: z, z2: z, direct: -.one, reflected: -.one),
      ]
    }
  }

  /// K(i omega_l), omega_l = 2 pi l T: the direct sum.
  package func matsubara(index l: Int, _ goal: Goal) async throws -> Result {
    precondition(temperature > 0)
    let omega = 2 * Double.pi * temperature * Double(l)
    // Of the frequencies, l lie between: i eps_n + i omega_l above and i eps_n below the axis.
    let between = (0..<l).map { n in
      let y = Double.pi * temperature * Double(2 * n + 1)
      return EnergyPair(
        z1: ComplexDouble(mu, omega - y), z2: ComplexDouble(mu, y), isAdvanced: true,
        direct: ComplexDouble(temperature), reflected: .zero)
    }
    return try await integral(goal, extra: between) { y in
      let low = ComplexDouble(mu, y)
      let high = ComplexDouble(mu, y + omega)
      return [
        EnergyPair(z1: high, z2: low, direct: .one, reflected: .zero),
        EnergyPair(z1: low, z2: high, direct: .zero, reflected: .one),
      ]
    }
  }

  /// A piece of the window, with energies from mu as functions of a variable s from 0 to 1 in which
  /// square roots at band edges are smooth.
  private struct WindowPiece: Sendable {
    let a, b: Double
    /// Whether the piece ends at a band edge seen by either propagator.
    let isEdge: (a: Bool, b: Bool)

    /// eps and d eps/ds.
    func energy(_ s: Double) -> (eps: Double, measure: Double) {
      let length = b - a
      switch isEdge {
      case (false, false): return (a + length * s, length)
      case (true, false): return (a + length * s * s, 2 * length * s)
      case (false, true): return (b - length * (1 - s) * (1 - s), 2 * length * (1 - s))
      case (true, true):
        return (
          (a + b) / 2 - length / 2 * Double.cos(.pi * s),
          s == 1 ? 0 : length / 2 * .pi * Double.sin(.pi * s)
        )
      }
    }

    /// s at eps.
    func parameter(_ eps: Double) -> Double {
      let t = (eps - a) / (b - a)
      switch isEdge {
      case (false, false): return t
      case (true, false): return t.squareRoot()
      case (false, true): return 1 - (1 - t).squareRoot()
      case (true, true): return Double.acos(1 - 2 * t) / .pi
      }
    }
  }

  /// The pieces of the window between the band edges.
  private func window(_ omega: Double) -> [WindowPiece] {
    if omega == 0 { return [] }
    let reach = thermalReach * temperature
    let (low, high) = (min(0, -omega) - reach, max(0, -omega) + reach)
    // Pieces shorter than rounding would have no points inside.
    let least = 1e-9 * crystal.width
    var inner: [Double] = []
    for edge in edges { inner += [edge - mu, edge - mu - omega] }
    inner = inner.filter { $0 > low - least && $0 < high + least }.sorted()
    var ends: [(eps: Double, isEdge: Bool)] = []
    // Far out in the thermal tails little accuracy is needed.
    let tail = 0.6 * reach
    var candidates = [(low, false), (low + tail, false), (high - tail, false), (high, false)]
    candidates += inner.map { ($0, true) }
    candidates.sort { $0.0 < $1.0 }
    for end in candidates {
      if let last = ends.last, end.0 - last.eps <= least {
        ends[ends.count - 1].isEdge = last.isEdge || end.1
      } else {
        ends.append(end)
      }
    }
    return zip(ends, ends.dropFirst()).map {
      WindowPiece(a: $0.eps, b: $1.eps, isEdge: ($0.isEdge, $1.isEdge))
    }
  }

  /// f(eps + omega) - f(eps) without cancellation.
  private func fermiDifference(_ eps: Double, _ omega: Double) -> Double {
    if temperature == 0 {
      let inside = eps > min(0, -omega) && eps < max(0, -omega)
      return inside ? (omega > 0 ? -1 : 1) : 0
    }
    func f(_ x: Double) -> Double { 1 / (1 + Double.exp(x / temperature)) }
    // f(a) - f(b) = f(a) f(-b) (1 - exp((a - b)/T)), used for a < b.
    let (a, b) = omega > 0 ? (eps, eps + omega) : (eps + omega, eps)
    let difference = -f(a) * f(-b) * Double.expMinusOne((a - b) / temperature)
    return omega > 0 ? -difference : difference
  }

  /// S of `onImaginaryAxis`, plus `extra`, plus the integral over the window with the weight
  /// f(eps + omega) - f(eps).
  private func integral(
    _ goal: Goal, omega: Double = 0, extra: [EnergyPair] = [],
    onImaginaryAxis: @escaping @Sendable (_ y: Double) -> [EnergyPair]
  ) async throws -> Result {
    let window = window(omega)
    // Half of the errors for the zone errors of the integral, a quarter for the Matsubara
    // frequencies one by one, and a quarter for the integration.
    let share: [Double]?
    switch goal {
    case .sketch: share = nil
    case .errors(let limits): share = limits.map { min($0.real, $0.imaginary) / 2 }
    }
    let fixed = try await discretePart(extra, share, onImaginaryAxis)
    // One parameter u runs over all pieces: [0, 1] is the imaginary axis beyond `fixed.end`, and
    // [2 n, 2 n + 1] piece n of the window, from n = 1 on.
    let start = fixed.end
    let unit = crystal.width / 4
    let divisions = Maximum(fixed.sum.divisions)
    @Sendable func place(_ u: Double) -> (piece: WindowPiece, s: Double)? {
      let n = Int(u) / 2
      return n == 0 ? nil : (window[n - 1], u - Double(2 * n))
    }
    @Sendable func weight(_ u: Double) -> Double {
      guard let (piece, s) = place(u) else { return 1 }
      return fermiDifference(piece.energy(s).eps, omega)
    }
    let reach = thermalReach * temperature
    let steps = [0, -omega].flatMap { [$0 - reach, $0, $0 + reach] }
    var intervals = [(a: 0.0, b: 1.0)]
    var breaks: [Double] = []
    for piece in window {
      let origin = Double(2 * intervals.count)
      intervals.append((origin, origin + 1))
      for step in steps where step > piece.a && step < piece.b {
        breaks.append(origin + piece.parameter(step))
      }
    }
    // For each interval int |weight| du, and half as much again for the weights of single points, times
    // the number of intervals.
    let shares = intervals.map { interval in
      var total = 1e-12
      for n in 0..<64 { total += 1.5 * abs(weight(interval.a + (Double(n) + 0.5) / 64)) / 64 }
      return 1 / (total * Double(intervals.count))
    }
    @Sendable func point(_ u: Double) -> (point: EnergyPoint, measure: Double)? {
      let pairs: [EnergyPair]
      let measure: Double
      if let (piece, s) = place(u) {
        let (eps, slope) = piece.energy(s)
        pairs = [
          EnergyPair(
            z1: ComplexDouble(mu + eps + omega), z2: ComplexDouble(mu + eps), isAdvanced: true,
            direct: ComplexDouble(0, 1 / (2 * .pi)), reflected: .zero)
        ]
        measure = slope
      } else if u == 0 || u == 1 {
        return nil
      } else {
        // y = start + b (u/(1 - u))^2 spans the scales from Gamma to the bandwidth; at both ends the
        // integrand vanishes.
        let r = u / (1 - u)
        pairs = onImaginaryAxis(start + unit * r * r)
        measure = unit * 2 * r / ((1 - u) * (1 - u)) / (2 * .pi)
      }
      // At a band edge the integrand in s vanishes.
      if measure == 0 { return nil }
      let factor = shares[Int(u) / 2] / measure
      return (EnergyPoint(pairs: pairs, allowed: share?.map { $0 * factor }), measure)
    }
    let isSketch = share == nil
    let integral = try await WeightedIntegral(
      intervals: intervals, breaks: breaks,
      components: (0..<outputCount).flatMap { o in
        [.value(noise: 4 * o + 2), .value(noise: 4 * o + 2), .magnitude, .magnitude]
      },
      firstStage: isSketch ? 0 : 1, limit: 2000, weight: weight,
      allowed: { totals in
        switch goal {
        case .sketch:
          // The scales hold all parts of a value.
          return (0..<outputCount).flatMap { o in
            let limit = 1e-2 * (totals[4 * o + 3] + fixed.sum.scales[o])
            return [limit, limit, .infinity, .infinity]
          }
        case .errors(let limits):
          return limits.flatMap { [$0.real / 4, $0.imaginary / 4, .infinity, .infinity] }
        }
      },
      { us in
        let places = us.map(point)
        let points = places.compactMap { $0?.point }
        let sums = try await queue.sums(points)
        var next = 0
        return places.map { place in
          guard let place else { return Array(repeating: 0, count: 4 * outputCount) }
          defer { next += 1 }
          divisions.raise(to: sums[next].divisions)
          return pack(sums[next], place.measure)
        }
      })
    let (values, scales, zoneErrors) = unpack(integral.values, fixed.sum)
    return Result(
      values: values,
      errors: (0..<outputCount).map { o in
        let tail = window.isEmpty ? 0 : Double.exp(-thermalReach) * scales[o]
        let common = zoneErrors[o] + fixed.errors[o] + tail
        return PartErrors(
          real: integral.errors[4 * o] + common, imaginary: integral.errors[4 * o + 1] + common)
      }, scales: scales, divisions: divisions.value)
  }

  private func pack(_ sum: PairSum, _ measure: Double) -> [Double] {
    (0..<outputCount).flatMap { o in
      [
        sum.values[o].real * measure, sum.values[o].imaginary * measure,
        sum.errors[o] * measure, sum.scales[o] * measure,
      ]
    }
  }

  private func unpack(_ totals: [Double], _ fixed: PairSum) -> (
    values: [ComplexDouble], scales: [Double], errors: [Double]
  ) {
    let n = 0..<outputCount
    return (
      n.map { fixed.values[$0] + ComplexDouble(totals[4 * $0], totals[4 * $0 + 1]) },
      n.map { fixed.scales[$0] + abs(totals[4 * $0 + 3]) },
      n.map { fixed.errors[$0] + abs(totals[4 * $0 + 2]) }
    )
  }

  /// `extra`, and at T > 0 the first Matsubara frequencies with the corrections that turn the sum
  /// over the others into an integral from `end`, where h changes slowly over the step H = 2 pi T
  /// (`EulerMaclaurin`). The terms left out are smaller than the last one by a factor of order 1/M^2, `end` = M H;
  /// 1/M is taken as the error.
  private func discretePart(
    _ extra: [EnergyPair], _ share: [Double]?,
    _ onImaginaryAxis: @escaping @Sendable (_ y: Double) -> [EnergyPair]
  ) async throws -> (sum: PairSum, errors: [Double], end: Double) {
    var groups = extra.map { [$0] }
    var last: [Double] = []
    let step = 2 * Double.pi * temperature
    let count = temperature == 0 ? 0 : max(4, 48 - Int(min(44, smoothness / step)))
    if temperature > 0 {
      // Beyond a = M H stand the first two of the stencil's four frequencies.
      for n in 0..<(count + 2) {
        // Weights of h(eps_n): T for those summed, and the stencil.
        var weight = n < count ? temperature : 0
        if n >= count - 2 {
          weight += EulerMaclaurin.midpoints[n - (count - 2)] * temperature
          last.append(weight)
        }
        groups.append(
          onImaginaryAxis(step * (Double(n) + 0.5)).map { pair in
            var weighted = pair
            weighted.direct *= ComplexDouble(weight)
            weighted.reflected *= ComplexDouble(weight)
            return weighted
          })
      }
    }
    let allowed = share.map { $0.map { $0 / 2 / Double(max(1, groups.count)) } }
    let sums = try await queue.sums(groups.map { EnergyPoint(pairs: $0, allowed: allowed) })
    var total = PairSum(
      values: Array(repeating: .zero, count: outputCount),
      errors: Array(repeating: 0, count: outputCount),
      scales: Array(repeating: 0, count: outputCount), divisions: 0)
    var errors = [Double](repeating: 0, count: outputCount)
    for sum in sums {
      total.divisions = max(total.divisions, sum.divisions)
      for o in 0..<outputCount {
        total.values[o] += sum.values[o]
        total.errors[o] += sum.errors[o]
        total.scales[o] += sum.scales[o]
      }
    }
    if temperature > 0 {
      for o in 0..<outputCount {
        var term = ComplexDouble.zero
        for (p, sum) in sums.suffix(4).enumerated() {
          term += sum.values[o].multiplied(by: EulerMaclaurin.lastTerm[p] / last[p])
        }
        errors[o] = term.length * temperature / Double(count)
      }
    }
    return (total, errors, step * Double(count))
  }
}
