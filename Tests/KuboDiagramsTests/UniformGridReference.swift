// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import RealModule
import UniformGrid

/// Responses with constant lifetimes by sums over uniform grids, `Tests/Support/UniformGrid`, which share
/// nothing with the program but the hops of a model.
///
/// Three grids with coprime numbers of points, 1, 1.15 and 1.3 times as fine in each direction and finer than
/// the longest hop, tell the error: it falls as exp(-c N), so that the finest grid's is far below the
/// differences where c N is large. In one dimension, where that takes fewer points or the gap is much narrower than the
/// levels, Gauss's rule on parts as short as singularities are near stands in their place; in more, what single bands
/// give is not known before the gap is resolved. Rounding is seen at some points with longer numbers, in which all is
/// summed where it is too large.
struct UniformGridReference: Sendable {
  /// A number with a bound on the error of each part.
  struct Number: Sendable {
    var value = ComplexDouble.zero
    var error = 0.0
  }

  /// K(0) of each column, and K(omega) - K(0) or sigma, [omega][column].
  private(set) var statics: [Number] = []
  private(set) var dynamics: [[Number]] = []
  /// Sums of the moduli of all contributions to K(0), [column].
  private(set) var scales: [Double] = []
  /// Difference of the grids over the sum of the moduli, the largest.
  private(set) var change = Double.infinity
  /// Wave vectors times frequencies.
  private(set) var work = 0.0

  /// How much longer numbers cost.
  private static let longCost = 8.0

  /// One column.
  typealias Column = SpectrumRequest.Column

  static func output(_ column: Column) -> ug_output {
    let operators: [MeasuredOperator: ug_operator] = [
      .spin: UG_SPIN, .staggeredSpin: UG_STAGGERED, .anomalousSpinCurrent: UG_CANTING,
      .chargeCurrent: UG_CONDUCTIVITY,
    ]
    let projections = [
      "full": UG_FULL, "conductivity": UG_FULL, "canting": UG_FULL, "adiabatic": UG_ADIABATIC,
      "O_adiabatic": UG_O_ADIABATIC, "O_nonadiabatic": UG_O_NONADIABATIC,
      "O_nonadiabatic_main": UG_MAIN,
    ]
    let shares: [BandShare: ug_share] = [
      .bonding: UG_BONDING, .antibonding: UG_ANTIBONDING, .interband: UG_INTERBAND,
    ]
    let response = column.response
    return ug_output(
      measured: operators[response.measured]!, projection: projections[response.projection]!,
      share: column.share.map { shares[$0]! } ?? UG_ALL,
      is_difference: response.spin.measured == response.spin.field ? 0 : 1)
  }

  /// K of a column over its real sum: K^xy = i (K_up - K_down)/2 = -K^yx.
  static func factor(_ column: Column) -> ComplexDouble {
    let spin = column.response.spin
    return spin.measured == spin.field
      ? 1 : ComplexDouble(0, spin.measured == .x ? 1 : -1)
  }

  /// `goals`: what errors of K(omega) - K(0) and of K(0) may be, [omega][column]; `limit`: how much work may
  /// be done.
  init(_ state: CertificateState, _ columns: [Column], goals: [[Double]], limit: Double) {
    let grid = GridState(state)
    let outputs = columns.map(UniformGridReference.output)
    // Near 0, from the Taylor series about 0 through a circle inside the nearest singularity, |omega| = Gamma.
    let radius = state.gamma / 8
    let isSmall = state.omegas.map { abs($0) <= radius / 2 }
    let circle = (0..<16).map { ComplexDouble(length: radius, phase: (Double($0) + 0.5) * .pi / 8) }
    let half = isSmall.contains(true) ? circle.filter { $0.real > 0 } : []
    let direct = zip(state.omegas, isSmall).filter { !$0.1 }.map { ComplexDouble($0.0) }
    let frequencies = [.zero] + direct + half

    /// K(0), and the quotients [K - K(0)]/omega, from K(0) and K - K(0) at all frequencies.
    func quotients(_ found: [[ComplexDouble]]) -> [[ComplexDouble]] {
      var next = 1
      var result = [found[0]]
      let circleValues = circle.map { z -> [ComplexDouble]? in
        // K(-z*) = K(z)*, of which the sums have the factor i left out.
        let n = half.firstIndex {
          ($0 - ComplexDouble(abs(z.real), z.imaginary)).length < 1e-9 * radius
        }
        return n.map { n in
          zip(found[1 + direct.count + n], outputs).map {
            z.real > 0 ? $0 : $1.is_difference == 0 ? $0.conjugate : -$0.conjugate
          }
        }
      }
      for (n, omega) in state.omegas.enumerated() {
        if !isSmall[n] {
          result.append(found[next].map { $0.divided(by: omega) })
          next += 1
          continue
        }
        result.append(
          columns.indices.map { o in
            (1...12).reduce(ComplexDouble.zero) { sum, m in
              let coefficient = zip(circle, circleValues).reduce(ComplexDouble.zero) {
                $0 + $1.1![o] / ComplexDouble.pow($1.0, m)
              }
              return sum
                + coefficient.multiplied(by: Double.pow(omega, m - 1) / 16)
            }
          })
      }
      return result
    }
    var isLong = false
    /// Per grid, with sums of moduli.
    func values(_ grid: GridState.Points) -> (values: [[ComplexDouble]], scales: [[Double]]) {
      work += Double(frequencies.count * grid.number) * (isLong ? UniformGridReference.longCost : 1)
      let (found, scales) = grid.loops(frequencies, outputs, isLong: isLong)
      var next = 0
      let sizes = zip(state.omegas, isSmall).map { omega, isSmall -> [Double] in
        if isSmall { return scales[0].map { $0 / radius } }
        next += 1
        return scales[next].map { $0 / abs(omega) }
      }
      return (quotients(found), [scales[0]] + sizes)
    }

    let roundings = grid.roundings(state, frequencies, outputs, quotients)
    let isBandFree = outputs.map {
      $0.projection == UG_FULL && $0.share == UG_ALL && $0.measured != UG_CANTING
    }
    // Parts grow slowly in number.
    var exponent = grid.points(16, state).ends.isEmpty ? 16.0 : 26
    var last = columns.map { _ in Double.infinity }
    var isFirst = true
    while true {
      let first = grid.points(exponent, state)
      let second = grid.points(1.3 * exponent, state, coprimeTo: first)
      let cost = Double(frequencies.count) * Double(second.number)
      if !isFirst,
        work + 2.7 * cost * (isLong ? UniformGridReference.longCost : 1) > (isLong ? 5 : 1) * limit
      {
        break
      }
      isFirst = false
      let a = values(first)
      // Errors oscillate, so that those of two grids may agree; hardly of three.
      let between = values(grid.points(1.15 * exponent, state, coprimeTo: second))
      let b = values(second)
      func difference(_ n: Int, _ o: Int) -> Double {
        max(
          (a.values[n][o] - b.values[n][o]).length,
          (between.values[n][o] - b.values[n][o]).length)
      }
      func rounding(_ n: Int, _ o: Int) -> Double {
        (roundings[n][o] + 1e-15 * b.scales[n][o]) * (isLong ? 1e-3 : 1)
          + 2e-16 * b.values[n][o].length
      }
      /// What is more than rounding of two sums.
      func excess(_ n: Int, _ o: Int) -> Double { max(0, difference(n, o) - 2 * rounding(n, o)) }
      // One frequency may be right by accident, not all.
      let changes = columns.indices.map { o in
        a.values.indices.map { n in
          b.scales[n][o] > 0 ? excess(n, o) / b.scales[n][o] : 0
        }.max()!
      }
      change = changes.max()!
      // Rounding does not fall with the number of points.
      let isRounding = zip(changes, last).map { !isLong && $0 < 1e-6 && $0 > 0.3 * $1 }
      // What the finer grid may err over the difference, if the error falls as exp(-x N) with two thirds of
      // the x known: much, where next to zeros of eta a small J is not resolved.
      let left = 1 / Double.expMinusOne(0.2 * first.resolution)
      let pooled = zip(changes, isRounding).map {
        $0 * ($1 || $0 < 1e-10 ? 0.3 : min(1, max(left, 3 * Double.pow($0, 0.3))))
      }
      func number(_ row: Int, _ o: Int) -> Number {
        let k = UniformGridReference.factor(columns[o])
        return Number(
          value: b.values[row][o] * k,
          error: second.resolution < 10 && !isBandFree[o]
            ? .infinity
            : 2 * max(1, left) * difference(row, o) + pooled[o] * b.scales[row][o]
              + rounding(row, o))
      }
      statics = columns.indices.map { number(0, $0) }
      scales = b.scales[0]
      dynamics = state.omegas.enumerated().map { row, omega in
        columns.indices.map { o in
          let q = number(row + 1, o)
          return columns[o].response.isConductivity
            ? Number(value: ComplexDouble.i * q.value, error: q.error)
            : Number(
              value: q.value.multiplied(by: omega), error: omega == 0 ? 0 : q.error * abs(omega))
        }
      }
      // By how much the worst is too large.
      let worst = columns.indices.map { o in
        zip(dynamics, goals).map { found, goals in
          max(found[o].error / goals[o], statics[o].error / max(goals[o], 5e-13 * scales[o]))
        }.max()!
      }
      let open = columns.indices.filter { worst[$0] > 1 }
      if open.isEmpty { break }
      // More points, or longer numbers.
      let coarse = open.filter { !isRounding[$0] && changes[$0] > 0 || worst[$0] == .infinity }
      if coarse.isEmpty {
        if isLong { break }
        isLong = true
        last = columns.map { _ in Double.infinity }
        continue
      }
      last = changes
      exponent = min(
        2.5 * exponent,
        max(1.3 * exponent, exponent + Double.log(coarse.map { worst[$0] }.max()!) / 1.3))
    }
  }
}
