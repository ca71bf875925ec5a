// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboZoneIntegrals
import Quadrature
import RealModule

/// The energy integrals of columns C(z1, z2) whose self-energies depend on energy, by the sum of docs/energy-integrals.md: terms with
/// both propagators on one side of the real axis are turned to the imaginary one, and with
///
///     S[h] = (1/2 pi) int_0^infinity dy h(y)  at T = 0,     T sum_{n >= 0} h(eps_n)  at T > 0
///
///     K(0) = 2 Re S[C(iy, iy)]
///     K(omega) - K(0) = S[C(iy + omega, iy) - C(iy, iy) + {C(iy - omega, iy) - C(iy, iy)}*]
///         + (i/2 pi) int d eps [f(eps + omega) - f(eps)] C(eps + omega + i0, eps - i0)
///
/// with energies from mu. The last integral, the window, stays on the real axis.
struct ImpurityIntegral: Sendable {
  let averages: ImpurityAverages
  let columns: Int
  let mu, temperature: Double
  /// A length of the energy axis beyond which nothing happens.
  let width: Double
  /// How far from mu on the imaginary axis propagators change little.
  let smoothness: Double
  /// Energies from zero where the density of states of an orbital begins or ends.
  let edges: [Double]
  /// How far from mu the window reaches, in units of T; what is left out is its exponential, and counts as an error.
  let thermalReach: Double

  /// Values with their error bounds, the sums of their absolute terms, and what of the bounds is rounding.
  struct Result: Sendable {
    var values: [ComplexDouble]
    var errors: [PartErrors]
    var scales, rounding: [Double]
  }

  /// K(0). `allowed` are the largest errors of each part of each value; without, two digits or so of the scales, to find out what
  /// the values are.
  func staticPart(_ allowed: [PartErrors]?) async throws -> Result {
    try await integral(allowed) { y in
      let z = ComplexDouble(mu, y)
      return EnergyPoint(
        terms: [(EnergyPair(z1: z, z2: z), .one, .one)], hasStatics: true)
    }
  }

  /// [K(omega) - K(0)]/omega.
  func quotient(_ omega: Double, _ allowed: [PartErrors]?) async throws -> Result {
    let one = ComplexDouble(1 / omega)
    return try await integral(allowed, omega: omega) { y in
      let z = ComplexDouble(mu, y)
      let shift = ComplexDouble(omega)
      return EnergyPoint(terms: [
        (EnergyPair(z1: z + shift, z2: z), one, .zero),
        (EnergyPair(z1: z - shift, z2: z), .zero, one),
        (EnergyPair(z1: z, z2: z), -one, -one),
      ])
    }
  }

  /// [f(eps + omega) - f(eps)]/omega without cancellation.
  private func weight(_ eps: Double, _ omega: Double) -> Double {
    if temperature == 0 { return -1 / abs(omega) }
    func f(_ x: Double) -> Double { 1 / (1 + Double.exp(x / temperature)) }
    // f(a) - f(b) = f(a) f(-b) (1 - exp((a - b)/T)), used for a < b.
    let (a, b) = (min(eps, eps + omega), max(eps, eps + omega))
    return f(a) * f(-b) * Double.expMinusOne((a - b) / temperature) / abs(omega)
  }

  /// A piece of the window, with energies from mu as functions of s from 0 to 1 in which square roots at edges are smooth.
  private struct WindowPiece {
    let a, b: Double
    /// Whether the piece ends at an edge seen by either propagator.
    let isEdge: (a: Bool, b: Bool)

    /// eps and d eps/ds.
    func energy(_ s: Double) -> (eps: Double, slope: Double) {
      let length = b - a
      switch isEdge {
      case (false, false): return (a + length * s, length)
      case (true, false): return (a + length * s * s, 2 * length * s)
      case (false, true): return (b - length * (1 - s) * (1 - s), 2 * length * (1 - s))
      case (true, true):
        return (
          (a + b) / 2 - length / 2 * Double.cos(.pi * s),
          s == 0 || s == 1 ? 0 : length / 2 * .pi * Double.sin(.pi * s)
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

  /// The pieces of the window between edges, the far thermal tails for themselves.
  private func window(_ omega: Double) -> [WindowPiece] {
    if omega == 0 { return [] }
    let reach = thermalReach * temperature
    let (low, high) = (min(0, -omega) - reach, max(0, -omega) + reach)
    // Edges are known to a millionth or so.
    let least = 1e-7 * width
    var ends: [(eps: Double, isEdge: Bool)] = [
      (low, false), (low + 0.6 * reach, false), (high - 0.6 * reach, false), (high, false),
    ]
    let seen = edges.flatMap { [$0 - mu, $0 - mu - omega] }
    ends += seen.filter { $0 > low - least && $0 < high + least }.map { ($0, true) }
    ends.sort { $0.eps < $1.eps }
    var cuts: [(eps: Double, isEdge: Bool)] = []
    for end in ends {
      if let last = cuts.last, end.eps - last.eps <= least {
        cuts[cuts.count - 1].isEdge = last.isEdge || end.isEdge
      } else {
        cuts.append(end)
      }
    }
    return zip(cuts, cuts.dropFirst()).map {
      WindowPiece(a: $0.eps, b: $1.eps, isEdge: ($0.isEdge, $1.isEdge))
    }
  }

  /// S of `onImaginaryAxis` for u in [0, 1], and the window, its piece n in [2 n + 2, 2 n + 3].
  private func integral(
    _ allowed: [PartErrors]?, omega: Double = 0,
    onImaginaryAxis: @escaping @Sendable (_ y: Double) -> EnergyPoint
  ) async throws -> Result {
    // Half of the errors for the zone averages, a quarter for Matsubara frequencies, a quarter for the integral.
    let share = allowed.map { $0.map { min($0.real, $0.imaginary) / 2 } }
    let fixed = try await discretePart(share, onImaginaryAxis)
    // Where the weight is small the errors may be large: pieces share no point.
    let window = window(omega)
    var intervals = [(a: 0.0, b: 1.0)]
    for n in window.indices { intervals.append((Double(2 * n + 2), Double(2 * n + 3))) }
    let reach = thermalReach * temperature
    var breaks: [Double] = []
    for (n, piece) in window.enumerated() {
      for step in [-reach, 0, reach, -omega - reach, -omega, -omega + reach]
      where step > piece.a && step < piece.b {
        breaks.append(Double(2 * n + 2) + piece.parameter(step))
      }
    }
    /// The piece of the window and the place there.
    func place(_ u: Double) -> (piece: WindowPiece, s: Double) {
      let n = Int(u) / 2
      return (window[n - 1], u - Double(2 * n))
    }
    func weight(_ u: Double) -> Double {
      guard u > 1 else { return 1 }
      let (piece, s) = place(u)
      return self.weight(piece.energy(s).eps, omega)
    }
    // For each interval 1/int |weight| du, half as much again for the weights of single points.
    let shares = intervals.map { interval -> Double in
      let length = interval.b - interval.a
      var total = 1e-12
      for n in 0..<64 {
        total += 1.5 * length / 64 * abs(weight(interval.a + length * (Double(n) + 0.5) / 64))
      }
      return 1 / (total * Double(intervals.count))
    }
    let unit = width / 4
    func point(_ u: Double) -> (point: EnergyPoint, measure: Double)? {
      var point: EnergyPoint
      let measure: Double
      if u > 1 {
        let (piece, s) = place(u)
        let (eps, slope) = piece.energy(s)
        // At an edge the integrand in s vanishes.
        if slope == 0 { return nil }
        point = EnergyPoint(terms: [
          (
            EnergyPair(
              z1: ComplexDouble(mu + eps + omega), z2: ComplexDouble(mu + eps), isAdvanced: true),
            ComplexDouble(0, 1 / (2 * .pi)), .zero
          )
        ])
        measure = slope
      } else if u == 0 || u == 1 {
        // The integrand vanishes.
        return nil
      } else {
        // y = start + unit (u/(1 - u))^2 spans the scales from Gamma to the bandwidth.
        let r = u / (1 - u)
        point = onImaginaryAxis(fixed.end + unit * r * r)
        measure = unit * 2 * r / ((1 - u) * (1 - u)) / (2 * .pi)
      }
      point.allowed = share?.map { $0 * shares[Int(u) / 2] / measure }
      return (point, measure)
    }
    let o = 0..<columns
    let integral = try await WeightedIntegral(
      intervals: intervals, breaks: breaks,
      components: o.flatMap { o -> [WeightedIntegral.Component] in
        [.value(noise: 5 * o + 2), .value(noise: 5 * o + 2), .magnitude, .magnitude, .magnitude]
      },
      firstStage: allowed == nil ? 0 : 1, limit: 2000, weight: weight,
      allowed: { totals in
        o.flatMap { o -> [Double] in
          let limit = 1e-2 * (totals[5 * o + 3] + fixed.sum.scales[o])
          let own = allowed.map { ($0[o].real / 4, $0[o].imaginary / 4) } ?? (limit, limit)
          return [own.0, own.1, .infinity, .infinity, .infinity]
        }
      },
      { us in
        let places = us.map(point)
        var sums = try await averages.sums(places.compactMap { $0?.point })[...]
        return places.map { place in
          guard let place else { return [Double](repeating: 0, count: 5 * columns) }
          let sum = sums.removeFirst()
          return o.flatMap { o in
            [
              sum.values[o].real, sum.values[o].imaginary, sum.errors[o], sum.scales[o],
              sum.rounding[o],
            ].map { $0 * place.measure }
          }
        }
      })
    let totals = integral.values
    let scales = o.map { fixed.sum.scales[$0] + totals[5 * $0 + 3] }
    return Result(
      values: o.map { fixed.sum.values[$0] + ComplexDouble(totals[5 * $0], totals[5 * $0 + 1]) },
      errors: o.map { o in
        let tail = omega == 0 || temperature == 0 ? 0 : Double.exp(-thermalReach) * scales[o]
        let common = totals[5 * o + 2] + fixed.sum.errors[o] + tail
        return PartErrors(
          real: integral.errors[5 * o] + common, imaginary: integral.errors[5 * o + 1] + common)
      }, scales: scales, rounding: o.map { fixed.sum.rounding[$0] + totals[5 * $0 + 4] })
  }

  /// At T > 0 the first Matsubara frequencies, with the corrections that turn the sum over the others into an integral from
  /// `end` (`EulerMaclaurin`): the terms left out are smaller than the last one by a factor of order 1/M^2, `end` = 2 pi T M;
  /// 1/M is taken.
  private func discretePart(
    _ share: [Double]?, _ onImaginaryAxis: (_ y: Double) -> EnergyPoint
  ) async throws -> (sum: ImpurityAverages.Sum, end: Double) {
    let none = [Double](repeating: 0, count: columns)
    var total = ImpurityAverages.Sum(
      values: none.map { ComplexDouble($0) }, errors: none, scales: none, rounding: none)
    guard temperature > 0 else { return (total, 0) }
    let step = 2 * Double.pi * temperature
    let count = max(4, 48 - Int(min(44, smoothness / step)))
    // Beyond a = M H stand the first two of the stencil's four frequencies.
    let weights = (0..<(count + 2)).map { n in
      temperature
        * ((n < count ? 1 : 0) + (n < count - 2 ? 0 : EulerMaclaurin.midpoints[n - count + 2]))
    }
    let points = weights.indices.map { n in
      var point = onImaginaryAxis(step * (Double(n) + 0.5))
      point.allowed = share?.map { $0 / 2 / (Double(weights.count) * abs(weights[n])) }
      return point
    }
    let sums = try await averages.sums(points)
    for o in 0..<columns {
      for (weight, sum) in zip(weights, sums) {
        total.values[o] += sum.values[o].multiplied(by: weight)
        total.errors[o] += sum.errors[o] * abs(weight)
        total.scales[o] += sum.scales[o] * abs(weight)
        total.rounding[o] += sum.rounding[o] * abs(weight)
      }
      let term = zip(sums.suffix(4), EulerMaclaurin.lastTerm).reduce(ComplexDouble.zero) {
        $0 + $1.0.values[o].multiplied(by: $1.1)
      }
      total.errors[o] += term.length * temperature / Double(count)
    }
    return (total, step * Double(count))
  }
}
