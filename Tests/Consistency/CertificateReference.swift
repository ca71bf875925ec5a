// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import Quadrature
import RealModule

/// Responses by another scheme than that of ``Spectrum``: the whole integrand on the real zone, traces
/// times closed-form Matsubara sums, as a nested adaptive integral; in three dimensions on a grid.
struct CertificateReference: Sendable {
  /// A number with the errors of its parts.
  struct Number: Sendable {
    var value = ComplexDouble.zero
    var real = 0.0
    var imaginary = 0.0
  }

  /// K(0) of each response, and K(omega) - K(0) or sigma, [omega][response].
  let statics: [Number]
  let dynamics: [[Number]]

  static func zoneSum(_ state: CertificateState) throws -> ZoneSum {
    let diagrams = try shippedDiagrams()
    return ZoneSum(
      model: state.model, directions: state.directions, mu: state.mu,
      temperature: state.temperature, broadening: state.gamma,
      loops: state.responses.map { name in
        let response = Response(name)!
        return LoopWeights.Sum(
          measured: response.measured, spin: response.spin,
          diagrams: diagrams.diagrams(of: response))
      }, closedForms: [], reach: state.omegas.map(abs).max()!, threads: 1)
  }

  /// The reference with errors of about `statics` and `dynamics`; looser if that is beyond reach.
  init(_ state: CertificateState, statics: [Double], dynamics: [[Double]]) async throws {
    let sum = try CertificateReference.zoneSum(state)
    if state.model.dimension == 3 {
      self = try await CertificateReference.onGrids(state, sum, [96, 144])
      return
    }
    let zone = IrreducibleZone(state.model, state.model.energySymmetries())
    let integral = NestedIntegral(zone: zone, threads: 1, width: state.gamma) {
      sum.values($0, omegas: state.omegas, isExact: state.model.dimension == 1)
    }
    // The reported value is the quotient times this in modulus.
    let factors = state.omegas.map { omega in
      state.responses.map { Response($0)!.isConductivity ? 1 : abs(omega) }
    }
    var allowed = statics.flatMap { [$0, $0] }
    for (own, factor) in zip(dynamics, factors) {
      allowed += zip(own, factor).flatMap { x, f in
        let limit = f == 0 ? .infinity : x / f
        return [limit, limit]
      }
    }
    var found: (values: [Double], errors: [Double])?
    var attempts = 0
    while found == nil {
      do {
        found = try await integral(allowed: allowed)
      } catch let error as QuadratureError {
        attempts += 1
        if attempts == 5 { throw error }
        allowed = allowed.map { 10 * $0 }
      }
    }
    let (values, errors) = found!
    func number(_ m: Int) -> Number {
      Number(
        value: ComplexDouble(values[2 * m], values[2 * m + 1]), real: errors[2 * m],
        imaginary: errors[2 * m + 1])
    }
    let count = state.responses.count
    self.statics = (0..<count).map(number)
    self.dynamics = state.omegas.indices.map { n in
      (0..<count).map {
        CertificateReference.reported(
          number(count * (n + 1) + $0), state.responses[$0], state.omegas[n])
      }
    }
  }

  private init(statics: [Number], dynamics: [[Number]]) {
    self.statics = statics
    self.dynamics = dynamics
  }

  /// K(omega) - K(0), or sigma, from the quotient.
  private static func reported(_ q: Number, _ response: String, _ omega: Double) -> Number {
    if Response(response)!.isConductivity {
      return Number(value: ComplexDouble.i * q.value, real: q.imaginary, imaginary: q.real)
    }
    return Number(
      value: q.value.multiplied(by: omega), real: q.real * abs(omega),
      imaginary: q.imaginary * abs(omega))
  }

  /// From two grids, with their difference as the error of the finer.
  static func onGrids(_ state: CertificateState, _ sum: ZoneSum, _ divisions: [Int]) async throws
    -> CertificateReference
  {
    var grids: [ZoneSum.Result] = []
    for n in divisions {
      grids.append(try await sum(divisions: n, omegas: state.omegas, withScales: false))
    }
    func number(_ a: ComplexDouble, _ b: ComplexDouble) -> Number {
      Number(value: b, real: abs(a.real - b.real), imaginary: abs(a.imaginary - b.imaginary))
    }
    return CertificateReference(
      statics: zip(grids[0].statics, grids[1].statics).map(number),
      dynamics: state.omegas.indices.map { n in
        state.responses.indices.map {
          reported(
            number(grids[0].quotients[n][$0], grids[1].quotients[n][$0]), state.responses[$0],
            state.omegas[n])
        }
      })
  }
}
