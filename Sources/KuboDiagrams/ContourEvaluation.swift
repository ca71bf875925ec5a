// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboWork
import KuboZoneIntegrals
import KuboZoneSums
import RealModule

/// Values, with the group structure of `GridRefinement`: group 0 holds the static parts, group
/// n + 1 the dynamic parts at omega n.
///
/// The main scheme for constant lifetimes: `ContourSum`, whose cost does not depend on Gamma, with
/// `ResonanceSum` where two bands can be in resonance, on a grid or, where that would have to be too
/// fine, as a `NestedIntegral`. A frequency whose pole at 2 Delta = omega would be crossed gets
/// contours with a smaller step, at last all of the pair of bands as a nested integral.
struct ContourEvaluation: Sendable {
  package let zone: ZoneSum
  package let omegas: [Double]
  package let temperature: Double
  let tolerance: Tolerance
  /// What is reported of each output.
  let reported: [ReportedNumber]

  package var outputs: Int { reported.count }
  package var broadening: Double { zone.broadening }
  package var channels: Int { 2 * outputs }
  /// So many points that a grid takes a minute or so.
  package var pointLimit: Int { max(100_000_000, 20_000_000 * zone.symmetries.count) }

  /// How the terms of two bands in resonance are done that contours cannot serve.
  enum Resonance: Sendable {
    /// There are none.
    case none
    /// Within a strip of this width, on a grid with `resolution` points along each reciprocal vector.
    case grid(width: Double, resolution: Double)
    /// All one-sided terms, on surfaces of their own.
    case surfaces([ResonanceSurface])
    /// What `split` says, as a nested integral.
    case nested(ContourSum.Split)

    var split: ContourSum.Split {
      switch self {
      case .none: .none
      case .grid(let width, _): .strip(width)
      case .surfaces: .allOneSided
      case .nested(let split): split
      }
    }

    /// What a grid needs; nil without one.
    var resolution: Double? {
      switch self {
      case .grid(_, let resolution): resolution
      case .surfaces(let surfaces): surfaces.map(\.resolution).max()!
      case .none, .nested: nil
      }
    }
  }

  /// How a frequency is done.
  struct Plan: Sendable {
    /// The part of the full step, a power of 1/2.
    package var part = 1.0
    package var resonance = Resonance.none
    /// omega < 0.
    package var isReversed = false

    /// How many functions of frequency are done in which way.
    package static func summary(_ plans: [Plan]) -> String {
      var (surfaces, grids, nested) = (0, 0, 0)
      for plan in plans {
        switch plan.resonance {
        case .none: break
        case .surfaces: surfaces += 1
        case .grid: grids += 1
        case .nested: nested += 1
        }
      }
      return
        "contours for \(plans.count) functions, \(plans.count { $0.part != 1 }) with a smaller step; "
        + "resonances of bands: \(surfaces) on surfaces of their own, \(grids) on grids, "
        + "\(nested) as nested integrals"
    }
  }

  /// The outcomes, nil for groups that this scheme cannot serve.
  package func outcomes() async throws -> [GridRefinement.Outcome?] {
    let model = zone.model
    let poles = MatsubaraPoles(temperature: temperature, broadening: broadening)
    let full = await WorkProgress.stage("survey of contours") { _ in
      ContourSurvey(
        Band.allCases.map { BandContour.contour(of: $0, model) }, broadening: broadening,
        omegas: omegas)
    }
    var surveys: [Double: ContourSurvey] = [1: full]
    func survey(_ part: Double) -> ContourSurvey {
      if surveys[part] == nil { surveys[part] = full.scaled(by: part) }
      return surveys[part]!
    }
    var plans = await WorkProgress.stage(
      "choice of contours", unit: "frequencies", of: omegas.count
    ) { stage in
      [Plan()]
        + omegas.map { omega in
          defer { stage?.advance() }
          return plan(omega, survey)
        }
    }
    for n in omegas.indices { plans[n + 1].isReversed = omegas[n] < 0 }
    WorkProgress.note(Plan.summary(plans))
    var result = [GridRefinement.Outcome?](repeating: nil, count: omegas.count + 1)
    var largest = [Double](repeating: 0, count: outputs)
    // The static part belongs to the largest contours; its tolerance to the largest response.
    for part in Set(plans.map(\.part)).sorted() {
      for isReversed in [true, false] {
        let own = plans.indices.filter {
          plans[$0].part == part && plans[$0].isReversed == isReversed
        }
        guard !own.isEmpty else { continue }
        try await evaluate(own, survey(part), plans, poles, &largest, &result)
      }
    }
    return result
  }

  /// Which contours and strip serve a frequency: what is predicted to cost least of
  ///
  /// - the widest strip that contours, full or with a smaller step, allow, as a nested integral or on a
  ///   grid that resolves the lifetime,
  /// - a strip so narrow that chi is negligible where the bands meet mu, on a grid for its width; the
  ///   contours must not move 2 Delta by much more than that, where 1 - chi grows,
  /// - the strip infinite, its terms on surfaces of their own,
  /// - all of the pair of bands as a nested integral.
  private func plan(_ omega: Double, _ survey: (Double) -> ContourSurvey) -> Plan {
    let w = abs(omega)
    let model = zone.model
    let full = survey(1)
    let gaps = full.gaps
    guard w > 0.7 * gaps.lowerBound, w < 1.3 * gaps.upperBound else { return Plan() }
    let isResonant = w > 0.98 * gaps.lowerBound && w < 1.02 * gaps.upperBound
    // In microseconds, to many digits; see GridRefinement. The traces of a star, and then the terms of one
    // frequency, shared ones on the contours and in the strip, as measured on the machine of docs/benchmarks.md.
    func cost(_ resolution: Double, perStar: Double) -> Double {
      (0..<model.dimension).reduce(perStar / Double(zone.symmetries.count)) { n, _ in
        n * 15 * resolution
      }
    }
    let size = Double(outputs)
    let (traces, onContours, inStrip) = (0.6 + 0.16 * size, 0.05 + 0.04 * size, 0.1 + 0.05 * size)
    let nested = [2e3, 1e5, 1e8][model.dimension - 1] * traces
    func contours(_ plan: Plan) -> Double {
      if plan.resonance.split != .everything, !survey(plan.part).isValid(omega) {
        return .infinity
      }
      return cost(resolution(omega, plan, survey(plan.part)), perStar: onContours)
    }
    var best = isResonant ? Plan(resonance: .nested(.everything)) : Plan()
    var least = contours(best) + (isResonant ? nested : 0)
    // Surveys of contours are not free; what costs too much without them needs none.
    func consider(_ plan: Plan, _ cost: Double) {
      guard cost < least else { return }
      let sum = cost + contours(plan)
      if sum < least { (best, least) = (plan, sum) }
    }
    let widest = full.gapDepth / 1.5
    let wanted = full.separation(omega, mu: zone.mu) / 6
    let direct = model.resolution(broadening + .pi * temperature)
    let surfaces = full.resonanceSurfaces(omega, mu: zone.mu, temperature: temperature)
    func considerGrid(_ part: Double, _ resonance: Resonance, perStar: Double) {
      consider(
        Plan(part: part, resonance: resonance), cost(resonance.resolution!, perStar: perStar))
    }
    // Next to the resonance 1/D is large.
    if !isResonant, let surfaces { considerGrid(1, .surfaces(surfaces), perStar: traces) }
    guard isResonant else { return best }
    consider(Plan(resonance: .nested(.strip(widest))), nested)
    for part in [1, 0.5, 0.25] {
      let width = part * widest
      considerGrid(
        part, .grid(width: width, resolution: max(direct, model.resolution(width / 2))),
        perStar: inStrip)
      if let surfaces { considerGrid(part, .surfaces(surfaces), perStar: traces) }
    }
    if wanted > 0, wanted < widest {
      let part = Double.exp2((Double.log2(wanted / widest)).rounded(.down))
      let width = part * widest
      considerGrid(
        part, .grid(width: width, resolution: model.resolution(width / 2)), perStar: inStrip)
    }
    return best
  }

  /// 1/c_0 of `GridRefinement` for the contours of a frequency: their own, and the width of the strip.
  package func resolution(_ omega: Double?, _ plan: Plan, _ survey: ContourSurvey) -> Double {
    let split = plan.resonance.split
    let own = survey.resolution(
      omega, mu: zone.mu, temperature: temperature, hasPole: split != .everything,
      isSplit: split == .none)
    switch split {
    case .none, .everything: return own
    case .strip(let width): return max(own, zone.model.resolution(width / 2))
    case .allOneSided: return max(own, zone.model.resolution(.infinity))
    }
  }

  /// Evaluates the groups named; where the contours err by more than what a resonance leaves of what
  /// the sum may err, on to that.
  private func evaluate(
    _ groups: [Int], _ survey: ContourSurvey, _ plans: [Plan], _ poles: MatsubaraPoles,
    _ largest: inout [Double], _ result: inout [GridRefinement.Outcome?]
  ) async throws {
    var open = groups
    var left: [Int: [PartErrors]] = [:]
    var resonance: [Int: GridRefinement.Outcome] = [:]
    var part = ContourPart(self, groups, survey, plans, poles)
    for round in 0..<3 {
      let contour = try await part.refine(open, left, &largest)
      if round == 0 {
        resonance = try await resonancePart(
          open.filter {
            plans[$0].resonance.split != .none && contour[$0]?.values.isEmpty == false
          }, contour,
          plans,
          poles)
      }
      for g in open {
        guard let own = contour[g], !own.values.isEmpty else { continue }
        var sum = own
        if plans[g].resonance.split != .none {
          guard let other = resonance[g] else { continue }
          for o in 0..<outputs {
            sum.values[o] += other.values[o]
            sum.scales[o] += other.scales[o]
            sum.rounding[o] += other.rounding[o]
            sum.errors[o].real += other.errors[o].real
            sum.errors[o].imaginary += other.errors[o].imaginary
          }
          sum.divisions = max(own.divisions, other.divisions)
        }
        sum.allowed = tolerance.allowed(
          sum.values, scales: sum.scales, rounding: sum.rounding, references: g == 0 ? largest : nil
        )
        result[g] = sum
      }
      open = open.filter { g in
        guard let sum = result[g], sum.failure != nil, let other = resonance[g] else {
          return false
        }
        // The value may still change a little.
        left[g] = zip(sum.allowed, other.errors).map {
          PartErrors(
            real: 0.9 * ($0.real - $1.real), imaginary: 0.9 * ($0.imaginary - $1.imaginary))
        }
        return left[g]!.allSatisfy { $0.real > 0 && $0.imaginary > 0 }
      }
      if open.isEmpty { return }
    }
  }

  /// `Model.rounding` at mu and omega.
  func rounding(_ scales: [Double], _ steepness: [Double], _ omega: Double) -> [Double] {
    zone.model.rounding(scales, steepness, abs(zone.mu) + abs(omega))
  }

  /// [K(omega) - K(0)]/omega of an output from its two channels; at omega < 0 from the conjugates of
  /// the reversed functions at -omega.
  package func combined(_ channel: [ComplexDouble], _ o: Int, _ omega: Double) -> ComplexDouble {
    var (re, im) = (channel[2 * o], channel[2 * o + 1])
    if omega < 0 { (re, im) = (-re.conjugate, -im.conjugate) }
    return re + ComplexDouble.i * im
  }
}
