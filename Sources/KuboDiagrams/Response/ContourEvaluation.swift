// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// Values, with the group structure of ``GridRefinement``: group 0 holds the static parts, group
/// n + 1 the dynamic parts at omega n.
///
/// The main scheme for constant lifetimes: ``ContourSum``, whose cost does not depend on Gamma, with
/// ``ResonanceSum`` where two bands can be in resonance. A frequency whose pole at 2 Delta = omega
/// would be crossed gets contours with a smaller step, at last the real zone itself.
struct ContourEvaluation: Sendable {
  let zone: ZoneSum
  let omegas: [Double]
  let outputs: Int
  let temperature, tolerance: Double
  /// Which outputs are closed forms, which have no resonance between bands.
  let isClosed: [Bool]
  /// K(omega) - K(0) or sigma as reported, from the quotients and the static parts.
  let finish:
    @Sendable (
      _ o: Int, _ omega: Double, _ quotients: [ComplexDouble],
      _ statics: [ComplexDouble]
    ) -> ComplexDouble
  let finishStatic: @Sendable (_ o: Int, _ statics: [ComplexDouble]) -> ComplexDouble
  /// What multiplies a quotient in `finish`.
  let factor: @Sendable (_ o: Int, _ omega: Double) -> Double
  /// The scale of a reported value, from those of the quotient and of the static part.
  let scale: @Sendable (_ o: Int, _ omega: Double, _ quotient: Double, _ statics: Double) -> Double

  private var broadening: Double { zone.bubbles.line.broadening }
  private var channels: Int { 2 * outputs }

  /// The outcomes, nil for groups that this scheme cannot serve.
  func outcomes() async throws -> [GridRefinement.Outcome?] {
    let model = zone.model
    let poles = MatsubaraPoles(temperature: temperature, broadening: broadening)
    let first = Band.allCases.map { BandContour.contour(of: $0, model) }
    var survey = ContourSurvey(first)
    var result = [GridRefinement.Outcome?](repeating: nil, count: omegas.count + 1)
    // The frequencies that are left, from contours with ever smaller steps; the static part first.
    var left = Array(0...omegas.count)
    var part = 1.0
    var largest = [Double](repeating: 0, count: outputs)
    while !left.isEmpty {
      let own = left.filter {
        $0 == 0 || part == 0 || !isResonant($0, survey)
          || survey.isValid(omegas[$0 - 1], broadening: broadening)
      }
      left.removeAll { own.contains($0) }
      if !own.isEmpty {
        try await evaluate(own, survey, poles, &largest, &result)
      }
      guard !left.isEmpty else { break }
      part *= 0.5 * min(1, broadening / max(broadening, survey.largestViolation))
      if part < 1.0 / 32 { part = 0 }
      survey = ContourSurvey(first.map { BandContour(model, $0.band, step: part * $0.step) })
    }
    return result
  }

  private func isResonant(_ group: Int, _ survey: ContourSurvey) -> Bool {
    guard group > 0 else { return false }
    let w = abs(omegas[group - 1])
    return w > 0.98 * survey.gaps.lowerBound && w < 1.02 * survey.gaps.upperBound
  }

  /// Evaluates the groups named; where the sum of contour and resonance misses its allowance, once
  /// more with a smaller share for each.
  private func evaluate(
    _ groups: [Int], _ survey: ContourSurvey, _ poles: MatsubaraPoles, _ largest: inout [Double],
    _ result: inout [GridRefinement.Outcome?]
  ) async throws {
    var share = 0.5
    var open = groups
    for _ in 0..<3 {
      let resonant = open.filter { isResonant($0, survey) }
      let contour = try await contourPart(open, survey, poles, share, &largest)
      let resonance = try await resonancePart(resonant, contour, poles)
      for g in open {
        guard let own = contour[g], !own.values.isEmpty else { continue }
        var sum = own
        if isResonant(g, survey) {
          guard let other = resonance[g], !other.values.isEmpty else { continue }
          for o in 0..<outputs {
            sum.values[o] += other.values[o]
            sum.scales[o] += other.scales[o]
            sum.errors[o].real += other.errors[o].real
            sum.errors[o].imaginary += other.errors[o].imaginary
          }
          sum.divisions = max(own.divisions, other.divisions)
        }
        sum.allowed = (0..<outputs).map { o in
          allowance(sum.values[o], sum.scales[o], g == 0 ? largest[o] : nil)
        }
        result[g] = sum
      }
      open = open.filter { result[$0]?.failure != nil && isResonant($0, survey) }
      if open.isEmpty { return }
      share *= 0.05
    }
  }

  /// The largest error that a part may have; the reference of a static part is the largest dynamic
  /// one.
  private func allowance(_ value: ComplexDouble, _ scale: Double, _ reference: Double?)
    -> PartErrors
  {
    let floor = max(1e-4 * (reference ?? value.length), 1e-6 * scale)
    func allowed(_ part: Double) -> Double {
      max(tolerance * max(abs(part), floor), 2e-14 * scale)
    }
    return PartErrors(real: allowed(value.real), imaginary: allowed(value.imaginary))
  }

  private func contourPart(
    _ groups: [Int], _ survey: ContourSurvey, _ poles: MatsubaraPoles, _ share: Double,
    _ largest: inout [Double]
  ) async throws -> [Int: GridRefinement.Outcome] {
    let sum = ContourSum(zone, contours: survey.contours, poles: poles)
    let resolutions = groups.map {
      survey.resolution(
        $0 == 0 ? nil : omegas[$0 - 1], mu: zone.mu, temperature: temperature,
        broadening: broadening)
    }
    let refinement = GridRefinement(
      resolution: zone.model.resolution(.infinity), dimension: zone.model.dimension,
      resolutions: resolutions)
    var reference = largest
    let outcomes = try await refinement.run(groups: groups.count) { divisions, active in
      let dynamic = active.filter { groups[$0] > 0 }
      let grid = try await sum(
        divisions: divisions,
        dynamic.map {
          .init(
            omega: abs(omegas[groups[$0] - 1]), isResonant: isResonant(groups[$0], survey))
        }, channels: channels)
      let statics = (0..<outputs).map {
        ComplexDouble(grid.statics[2 * $0], grid.statics[2 * $0 + 1])
      }
      let staticSizes = (0..<outputs).map {
        max(grid.staticSizes[2 * $0], grid.staticSizes[2 * $0 + 1])
      }
      var level = GridRefinement.Level(values: [], scales: [], rounding: [])
      for g in active {
        guard groups[g] > 0 else {
          level.values.append((0..<outputs).map { finishStatic($0, statics) })
          level.scales.append(staticSizes)
          level.rounding.append(staticSizes.map { 1e-14 * $0 })
          continue
        }
        let n = dynamic.firstIndex(of: g)!
        let omega = omegas[groups[g] - 1]
        let quotients = (0..<outputs).map { combined(grid.quotients[n], $0, omega) }
        let values = (0..<outputs).map { finish($0, omega, quotients, statics) }
        let scales = (0..<outputs).map {
          scale(
            $0, omega, max(grid.sizes[n][2 * $0], grid.sizes[n][2 * $0 + 1]), staticSizes[$0])
        }
        for o in 0..<outputs { reference[o] = max(reference[o], values[o].length) }
        level.values.append(values)
        level.scales.append(scales)
        level.rounding.append(scales.map { 1e-14 * $0 })
      }
      return level
    } allowed: { g, values, scales in
      values.indices.map { o in
        let full = allowance(values[o], scales[o], groups[g] == 0 ? reference[o] : nil)
        let part = groups[g] > 0 && isResonant(groups[g], survey) ? share : 1
        return PartErrors(real: part * full.real, imaginary: part * full.imaginary)
      }
    }
    largest = reference
    return Dictionary(uniqueKeysWithValues: zip(groups, outcomes))
  }

  private func resonancePart(
    _ groups: [Int], _ contour: [Int: GridRefinement.Outcome], _ poles: MatsubaraPoles
  ) async throws -> [Int: GridRefinement.Outcome] {
    let groups = groups.filter { contour[$0]?.values.isEmpty == false }
    guard !groups.isEmpty else { return [:] }
    let sum = ResonanceSum(zone, poles: poles)
    let refinement = GridRefinement(
      resolution: zone.model.resolution(broadening + .pi * temperature),
      dimension: zone.model.dimension)
    let outcomes: [GridRefinement.Outcome]
    do {
      outcomes = try await refinement.run(groups: groups.count) { divisions, active in
        let grid = try await sum(
          divisions: divisions, active.map { abs(omegas[groups[$0] - 1]) }, channels: channels)
        var level = GridRefinement.Level(values: [], scales: [], rounding: [])
        for (n, g) in active.enumerated() {
          let omega = omegas[groups[g] - 1]
          let values = (0..<outputs).map { o -> ComplexDouble in
            if isClosed[o] { return .zero }
            let quotient = combined(grid.quotients[n], o, omega)
            return finish(o, omega, replaced(o, quotient), replaced(o, .zero))
          }
          let scales = (0..<outputs).map { o in
            isClosed[o]
              ? 0
              : max(grid.sizes[n][2 * o], grid.sizes[n][2 * o + 1]) * factor(o, omega)
          }
          level.values.append(values)
          level.scales.append(scales)
          level.rounding.append(scales.map { 1e-14 * $0 })
        }
        return level
      } allowed: { g, values, scales in
        let own = contour[groups[g]]!
        return values.indices.map { o in
          let full = allowance(own.values[o] + values[o], own.scales[o] + scales[o], nil)
          return PartErrors(real: full.real / 2, imaginary: full.imaginary / 2)
        }
      }
    } catch is NonConvergence {
      return [:]
    }
    return Dictionary(uniqueKeysWithValues: zip(groups, outcomes))
  }

  private func replaced(_ o: Int, _ value: ComplexDouble) -> [ComplexDouble] {
    var list = [ComplexDouble](repeating: .zero, count: outputs)
    list[o] = value
    return list
  }

  /// [K(omega) - K(0)]/omega of an output from its two channels, which are each conjugate-symmetric
  /// in omega.
  private func combined(_ channel: [ComplexDouble], _ o: Int, _ omega: Double) -> ComplexDouble {
    var (re, im) = (channel[2 * o], channel[2 * o + 1])
    if omega < 0 { (re, im) = (-re.conjugate, -im.conjugate) }
    return re + ComplexDouble.i * im
  }
}
