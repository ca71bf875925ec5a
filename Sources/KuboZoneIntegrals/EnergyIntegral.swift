// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboWork
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
  package let mu, temperature: Double
  package let outputCount: Int
  /// A length of the energy axis beyond which nothing happens.
  package let width: Double
  /// Energies from zero where a density of states begins or ends, square roots on the real axis, or
  /// has a van Hove singularity, broadened by the impurities.
  package let edges: [Double]
  /// Edges nearer to each other than this part of the width are one.
  package let edgeError: Double
  /// How far from mu on the imaginary axis the propagators are smooth: -Im Sigma at mu.
  package let smoothness: Double
  /// How far from mu the window reaches, in units of T. The Fermi function differs from a step by its
  /// exponential there, which counts as an error.
  package let thermalReach: Double
  /// The zone averages at points.
  private let sums: @Sendable ([EnergyPoint]) async throws -> [EnergySum]

  /// Values with their error bounds, the sums of their absolute contributions and what of the bounds is rounding.
  package struct Result: Sendable {
    package var values: [ComplexDouble]
    package var errors: [PartErrors]
    package var scales, rounding: [Double]
    package var divisions = 0

    package init(
      values: [ComplexDouble], errors: [PartErrors], scales: [Double], rounding: [Double],
      divisions: Int = 0
    ) {
      self.values = values
      self.errors = errors
      self.scales = scales
      self.rounding = rounding
      self.divisions = divisions
    }
  }

  package init(
    mu: Double, temperature: Double, outputCount: Int, width: Double, edges: [Double],
    edgeError: Double, smoothness: Double, thermalReach: Double,
    sums: @escaping @Sendable ([EnergyPoint]) async throws -> [EnergySum]
  ) {
    self.mu = mu
    self.temperature = temperature
    self.outputCount = outputCount
    self.width = width
    self.edges = edges
    self.edgeError = edgeError
    self.smoothness = smoothness
    self.thermalReach = thermalReach
    self.sums = sums
  }

  /// As far as that a tail is a twentieth of the smallest error that `tolerance` may ask for, 1e-6 of it of
  /// the scale; `Tolerance`.
  package static func thermalReach(_ tolerance: Double) -> Double {
    max(25, 3 - Double.log(1e-6 * tolerance))
  }

  /// K(0). `allowed` are the largest errors of each part of each value; without, two digits or so of the scales, to find
  /// out what the values are.
  package func staticPart(_ allowed: [PartErrors]?) async throws -> Result {
    try await integral(allowed) { y in
      let z = ComplexDouble(mu, y)
      return EnergyPoint(terms: [(EnergyPair(z1: z, z2: z), .one, .one)], hasStatics: true)
    }
  }

  /// An integral with errors as small as is `allowed` of its values: a sketch tells those; if the final ones are smaller than the
  /// sketch had them, once more. After some runs the last one as it is, with what was allowed.
  package static func refined(
    _ allowed: (Result) -> [PartErrors], _ integral: ([PartErrors]?) async throws -> Result
  ) async throws -> (result: Result, limits: [PartErrors]) {
    var result = try await integral(nil)
    var limits = allowed(result)
    for _ in 0..<4 {
      result = try await integral(limits.map { 0.8 * $0 })
      limits = allowed(result)
      if zip(result.errors, limits).allSatisfy({ $0.isWithin($1) }) { break }
    }
    return (result, limits)
  }

  /// K(omega) - K(0).
  package func dynamicPart(omega: Double, _ allowed: [PartErrors]?) async throws -> Result {
    try await integral(allowed, omega: omega) { y in
      let z = ComplexDouble(mu, y)
      return EnergyPoint(terms: [
        (EnergyPair(z1: z + ComplexDouble(omega), z2: z), .one, .zero),
        (EnergyPair(z1: z, z2: z - ComplexDouble(omega)), .zero, .one),
        (EnergyPair(z1: z, z2: z), -.one, -.one),
      ])
    }
  }

  /// K(i omega_l), omega_l = 2 pi l T: the direct sum.
  package func matsubara(index l: Int, _ allowed: [PartErrors]?) async throws -> Result {
    precondition(temperature > 0)
    let omega = 2 * Double.pi * temperature * Double(l)
    // Of the frequencies, l lie between: i eps_n + i omega_l above and i eps_n below the axis.
    let between = (0..<l).map { n in
      let y = Double.pi * temperature * Double(2 * n + 1)
      let pair = EnergyPair(
        z1: ComplexDouble(mu, omega - y), z2: ComplexDouble(mu, y), isAdvanced: true)
      return EnergyPoint(terms: [(pair, ComplexDouble(temperature), .zero)])
    }
    return try await integral(allowed, extra: between) { y in
      let low = ComplexDouble(mu, y)
      let high = ComplexDouble(mu, y + omega)
      return EnergyPoint(terms: [
        (EnergyPair(z1: high, z2: low), .one, .zero), (EnergyPair(z1: low, z2: high), .zero, .one),
      ])
    }
  }

  /// S of `onImaginaryAxis`, plus `extra`, plus the integral over the window with the weight
  /// f(eps + omega) - f(eps).
  private func integral(
    _ allowed: [PartErrors]?, omega: Double = 0, extra: [EnergyPoint] = [],
    onImaginaryAxis: @escaping @Sendable (_ y: Double) -> EnergyPoint
  ) async throws -> Result {
    // Half of the errors for the zone errors of the integral, a quarter for the Matsubara
    // frequencies one by one, and a quarter for the integration.
    let share = allowed.map { $0.map { min($0.real, $0.imaginary) / 2 } }
    let fixed = try await discretePart(extra, share, onImaginaryAxis)
    let path = EnergyPath(self, omega: omega, from: fixed.end)
    let divisions = Maximum(fixed.sum.divisions)
    @Sendable func point(_ u: Double) -> (point: EnergyPoint, measure: Double)? {
      guard let (place, measure) = path.place(u) else { return nil }
      var point: EnergyPoint
      switch place {
      case .window(let eps):
        let pair = EnergyPair(
          z1: ComplexDouble(mu + eps + omega), z2: ComplexDouble(mu + eps), isAdvanced: true)
        point = EnergyPoint(terms: [(pair, ComplexDouble(0, 1 / (2 * .pi)), .zero)])
      case .imaginaryAxis(let y): point = onImaginaryAxis(y)
      }
      let factor = path.share(u) / measure
      point.allowed = share?.map { $0 * factor }
      return (point, measure)
    }
    let outputs = 0..<outputCount
    let integral = try await WeightedIntegral(
      intervals: path.intervals, breaks: path.breaks,
      components: outputs.flatMap { o -> [WeightedIntegral.Component] in
        [.value(noise: 5 * o + 2), .value(noise: 5 * o + 2), .magnitude, .magnitude, .magnitude]
      },
      firstStage: allowed == nil ? 0 : 1, limit: 2000, weight: path.weight,
      allowed: { totals in
        outputs.flatMap { o -> [Double] in
          // The scales hold all parts of a value.
          let limit = 1e-2 * (totals[5 * o + 3] + fixed.sum.scales[o])
          let own = allowed.map { ($0[o].real / 4, $0[o].imaginary / 4) } ?? (limit, limit)
          return [own.0, own.1, .infinity, .infinity, .infinity]
        }
      },
      { us in
        let places = us.map(point)
        var sums = try await self.sums(places.compactMap { $0?.point })[...]
        return places.map { place in
          guard let place else { return Array(repeating: 0, count: 5 * outputCount) }
          let sum = sums.removeFirst()
          divisions.raise(to: sum.divisions)
          return outputs.flatMap { o in
            [
              sum.values[o].real, sum.values[o].imaginary, sum.errors[o], sum.scales[o],
              sum.rounding[o],
            ].map { $0 * place.measure }
          }
        }
      })
    let totals = integral.values
    let scales = outputs.map { fixed.sum.scales[$0] + abs(totals[5 * $0 + 3]) }
    return Result(
      values: outputs.map {
        fixed.sum.values[$0] + ComplexDouble(totals[5 * $0], totals[5 * $0 + 1])
      },
      errors: outputs.map { o in
        let tail =
          path.window.isEmpty || temperature == 0 ? 0 : Double.exp(-thermalReach) * scales[o]
        let common = fixed.sum.errors[o] + abs(totals[5 * o + 2]) + tail
        return PartErrors(
          real: integral.errors[5 * o] + common, imaginary: integral.errors[5 * o + 1] + common)
      }, scales: scales,
      rounding: outputs.map { fixed.sum.rounding[$0] + abs(totals[5 * $0 + 4]) },
      divisions: divisions.value)
  }

  /// `extra`, and at T > 0 the first Matsubara frequencies with the corrections that turn the sum
  /// over the others into an integral from `end`, where h changes slowly over the step H = 2 pi T
  /// (`EulerMaclaurin`). The terms left out are smaller than the last one by a factor of order 1/M^2, `end` = M H;
  /// 1/M is taken as the error.
  private func discretePart(
    _ extra: [EnergyPoint], _ share: [Double]?,
    _ onImaginaryAxis: @escaping @Sendable (_ y: Double) -> EnergyPoint
  ) async throws -> (sum: EnergySum, end: Double) {
    var points = extra
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
        var point = onImaginaryAxis(step * (Double(n) + 0.5))
        for t in point.terms.indices {
          point.terms[t].direct *= ComplexDouble(weight)
          point.terms[t].reflected *= ComplexDouble(weight)
        }
        points.append(point)
      }
    }
    for n in points.indices {
      points[n].allowed = share?.map { $0 / 2 / Double(points.count) }
    }
    let sums = try await sums(points)
    let none = [Double](repeating: 0, count: outputCount)
    var total = EnergySum(
      values: none.map { ComplexDouble($0) }, errors: none, scales: none, rounding: none,
      divisions: sums.map(\.divisions).max() ?? 0)
    for o in 0..<outputCount {
      for sum in sums {
        total.values[o] += sum.values[o]
        total.errors[o] += sum.errors[o]
        total.scales[o] += sum.scales[o]
        total.rounding[o] += sum.rounding[o]
      }
      if temperature > 0 {
        var term = ComplexDouble.zero
        for (p, sum) in sums.suffix(4).enumerated() {
          term += sum.values[o].multiplied(by: EulerMaclaurin.lastTerm[p] / last[p])
        }
        total.errors[o] += term.length * temperature / Double(count)
      }
    }
    return (total, step * Double(count))
  }
}
