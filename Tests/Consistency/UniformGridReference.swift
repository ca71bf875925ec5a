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
/// differences where c N is large.
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

    /// Per grid: K at all frequencies of the state, the first 0, and the quotients [K - K(0)]/omega.
    func values(_ counts: [Int]) -> (values: [[ComplexDouble]], scales: [[Double]]) {
      work += Double(frequencies.count * counts.reduce(1, *))
      let (found, scales) = grid.loops(counts, frequencies, outputs)
      var next = 1
      var result = [found[0]]
      var sizes = [scales[0]]
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
          result.append(
            zip(found[next], found[0]).map { ($0 - $1).divided(by: omega) })
          sizes.append(scales[next].map { $0 / abs(omega) })
          next += 1
          continue
        }
        result.append(
          columns.indices.map { o in
            (1...12).reduce(ComplexDouble.zero) { sum, m in
              let coefficient = zip(circle, circleValues).reduce(ComplexDouble.zero) {
                $0 + ($1.1![o] - found[0][o]) / ComplexDouble.pow($1.0, m)
              }
              return sum
                + coefficient.multiplied(by: Double.pow(omega, m - 1) / 16)
            }
          })
        sizes.append(scales[0].map { $0 / radius })
      }
      return (result, sizes)
    }

    var exponent = 16.0
    var last = columns.map { _ in Double.infinity }
    var coarse: (values: [[ComplexDouble]], scales: [[Double]])?
    while true {
      let first = grid.counts(exponent, state)
      let second = grid.counts(1.3 * exponent, state, coprimeTo: first)
      let cost = Double(frequencies.count) * Double(second.reduce(1, *))
      if coarse != nil && work + 2.7 * cost > limit { break }
      let a = values(first)
      // Errors oscillate, so that those of two grids may agree; hardly of three.
      let between = values(grid.counts(1.15 * exponent, state, coprimeTo: second))
      let b = values(second)
      func difference(_ n: Int, _ o: Int) -> Double {
        max(
          (a.values[n][o] - b.values[n][o]).length,
          (between.values[n][o] - b.values[n][o]).length)
      }
      coarse = a
      // One frequency may be right by accident, not all.
      let changes = columns.indices.map { o in
        a.values.indices.map { n in
          b.scales[n][o] > 0 ? difference(n, o) / b.scales[n][o] : 0
        }.max()!
      }
      change = changes.max()!
      // Rounding does not fall with the number of points.
      let isRounding = zip(changes, last).map { $0 < 1e-6 && $0 > 0.3 * $1 }
      // What the finer grid may err over the difference, if the error falls as exp(-x N) with two thirds of
      // the x known: much, where next to zeros of eta a small J is not resolved.
      let left = 1 / Double.expMinusOne(0.2 * grid.resolution(first, state))
      let pooled = zip(changes, isRounding).map {
        $0 * ($1 || $0 < 1e-10 ? 0.3 : min(1, max(left, 3 * Double.pow($0, 0.3))))
      }
      func number(_ row: Int, _ o: Int) -> Number {
        let k = UniformGridReference.factor(columns[o])
        return Number(
          value: b.values[row][o] * k,
          error: 2 * max(1, left) * difference(row, o)
            + (pooled[o] + 1e-15) * b.scales[row][o])
      }
      statics = columns.indices.map { number(0, $0) }
      scales = b.scales[0]
      dynamics = state.omegas.enumerated().map { row, omega in
        columns.indices.map { o in
          let q = number(row + 1, o)
          return columns[o].response.isConductivity
            ? Number(value: ComplexDouble.i * q.value, error: q.error)
            : Number(value: q.value.multiplied(by: omega), error: q.error * abs(omega))
        }
      }
      // By how much the worst is too large.
      let excess = columns.indices.map { o in
        isRounding[o]
          ? 0
          : zip(dynamics, goals).map { found, goals in
            max(found[o].error / goals[o], statics[o].error / max(goals[o], 5e-13 * scales[o]))
          }.max()!
      }.max()!
      if excess <= 1 || work > limit { break }
      last = changes
      exponent = min(2.5 * exponent, max(1.3 * exponent, exponent + Double.log(excess) / 1.3))
    }
  }
}

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
    let counts = s.reach.map { Int32([400, 40, 12][m.dimension - 1] + 6 * $0) } + [1, 1]
    var found = [Double](repeating: 0, count: 3)
    var extrema = [Double](repeating: 0, count: 6)
    ug_survey(&state, counts, &found, &extrema)
    slopes = found
    ranges = (0..<3).map { extrema[2 * $0]...extrema[2 * $0 + 1] }
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
      n = max(n, 5 + (others == nil ? 3 : 4) * reach[m])
      func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
      while n % 2 == 0 || others.map({ divisor(n, $0[m]) > 1 }) ?? false { n += 1 }
      return n
    }
  }

  /// The exponent that these points reach, with the branch point Delta = 0 too.
  func resolution(_ counts: [Int], _ s: CertificateState) -> Double {
    let width = min(width(s), 0.5 * ranges[2].lowerBound)
    return counts.enumerated().map { m, n in
      Double(m == 0 ? 2 * n : n) * width / max(slopes[m], 1e-300)
    }.min()!
  }

  /// The sums and their moduli, [frequency][output].
  func loops(_ counts: [Int], _ frequencies: [ComplexDouble], _ outputs: [ug_output]) -> (
    values: [[ComplexDouble]], scales: [[Double]]
  ) {
    let size = frequencies.count * outputs.count
    var values = [Double](repeating: 0, count: 2 * size)
    var scales = [Double](repeating: 0, count: size)
    ug_loops(
      &state, counts.map { Int32($0) } + [1, 1], Int32(frequencies.count),
      frequencies.flatMap { [$0.real, $0.imaginary] }, Int32(outputs.count), outputs, &values,
      &scales)
    func row<T>(_ n: Int, _ f: (Int) -> T) -> [T] {
      outputs.indices.map { f(n * outputs.count + $0) }
    }
    return (
      frequencies.indices.map { row($0) { ComplexDouble(values[2 * $0], values[2 * $0 + 1]) } },
      frequencies.indices.map { row($0) { scales[$0] } }
    )
  }
}
