// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import RealModule

/// The two bands, s = +1 bonding (lower) and s = -1 antibonding (upper), each doubly degenerate.
public enum Band: Int, Sendable, CaseIterable {
  /// s = +1, E = T - Delta.
  case bonding = 0
  /// s = -1, E = T + Delta.
  case antibonding = 1

  /// The sign s of the paper, E_s = T - s Delta (7): s = +1 bonding, s = -1 antibonding; dimensionless.
  @inline(__always)
  public var sign: Double { self == .bonding ? 1 : -1 }
}

/// The spin in the rotated frame, along or against the local Néel vector.
public enum Spin: Int, Sendable, CaseIterable {
  /// sigma_z = +1.
  case up = 0
  /// sigma_z = -1.
  case down = 1

  /// The eigenvalue of sigma_z.
  package var sign: Double { self == .up ? 1 : -1 }
  /// The other spin.
  @inline(__always)
  package var flipped: Spin { self == .up ? .down : .up }
}

/// A wave vector, real or complex, with Cartesian components in inverse length units.
///
/// Components beyond the model's dimension are zero.
public struct WaveVector: Sendable, Equatable {
  package var real: SIMD3<Double>
  package var imaginary: SIMD3<Double>

  /// The wave vector k = real + i imaginary, in inverse length units; docs/zone-integrals.md tells
  /// what complex ones are for.
  public init(_ real: [Double], imaginary: [Double] = []) {
    self.real = packed(real)
    self.imaginary = packed(imaginary)
  }

  package init(real: SIMD3<Double>, imaginary: SIMD3<Double> = .zero) {
    self.real = real
    self.imaginary = imaginary
  }
}

package func packed(_ v: [Double]) -> SIMD3<Double> {
  var p = SIMD3<Double>.zero
  for (n, x) in v.enumerated() { p[n] = x }
  return p
}

/// The directions of a response: `i` of the texture gradient (gauge field), `j` of the electric
/// field; 0, 1, 2 for x, y, z.
public struct Directions: Sendable, Equatable {
  /// The direction of the texture gradient.
  public let i: Int
  /// The direction of the electric field.
  public let j: Int
  /// The pair `ij`.
  public init(i: Int, j: Int) {
    self.i = i
    self.j = j
  }
  /// As in `xy`.
  public var description: String { "\(Array("xyz")[i])\(Array("xyz")[j])" }
}

/// All that the diagrams need at one wave vector: energies, projectors and vertices, gauge-free.
///
/// Every quantity is an analytic function of k: etabar(k) = sum a exp(+i k.r) stands for the
/// complex conjugate of eta(k) = sum a exp(-i k.r), and Delta = sqrt(eta etabar + J^2).
/// Source: docs/conventions.md section 2. Units: energies in the model's energy unit, one length unit
/// for each derivative d_i, d_j; projectors, cos(theta) and x are dimensionless.
public struct Frame: Sendable {
  /// J, in energy units.
  public let exchange: Double
  /// T_k.
  public let hopping: ComplexDouble
  /// d_i T, d_j T, d_i d_j T.
  public let hoppingI, hoppingJ, hoppingIJ: ComplexDouble
  /// eta and its derivatives along i, j and both.
  public let eta, etaI, etaJ, etaIJ: ComplexDouble
  /// etabar and its derivatives along i, j and both.
  public let etabar, etabarI, etabarJ, etabarIJ: ComplexDouble
  /// Delta_k = sqrt(eta etabar + J^2).
  public let delta: ComplexDouble
  /// 1 / Delta_k.
  package let inverseDelta: ComplexDouble

  /// The frame of `model` at `k` for the directions `ij`.
  ///
  /// One-off convenience; loops over k use ``BlochHamiltonian/frame(at:)``.
  public init(_ model: Model, at k: WaveVector, directions: Directions) {
    self = BlochHamiltonian(model, directions: directions).frame(at: k)
  }

  package init(
    exchange: Double, hopping: DerivativeJet, eta: DerivativeJet, etabar: DerivativeJet,
    isReal: Bool
  ) {
    self.exchange = exchange
    self.hopping = hopping.value
    hoppingI = hopping.i
    hoppingJ = hopping.j
    hoppingIJ = hopping.ij
    self.eta = eta.value
    etaI = eta.i
    etaJ = eta.j
    etaIJ = eta.ij
    self.etabar = etabar.value
    etabarI = etabar.i
    etabarJ = etabar.j
    etabarIJ = etabar.ij
    let square = eta.value * etabar.value + ComplexDouble(exchange * exchange)
    delta = isReal ? ComplexDouble(square.real.squareRoot()) : ComplexDouble.sqrt(square)
    inverseDelta = isReal ? ComplexDouble(1 / delta.real) : 1 / delta
  }

  /// E_s = T - s Delta; (7).
  @inline(__always)
  public func energy(_ s: Band) -> ComplexDouble {
    hopping - delta.multiplied(by: s.sign)
  }

  /// P^u_s = (1 + s x_u . rho)/2 with x_u = (Re eta, Im eta, u J)/Delta.
  @inline(__always)
  public func projector(_ u: Spin, _ s: Band) -> Matrix2 {
    let h = inverseDelta.multiplied(by: 0.5 * s.sign)
    let z = h.multiplied(by: u.sign * exchange)
    let half = ComplexDouble(0.5)
    return Matrix2(half + z, h * etabar, h * eta, half - z)
  }

  /// H^u_k = T - Re eta rho_1 - Im eta rho_2 - u J rho_3 in sublattice space.
  public func hamiltonian(_ u: Spin) -> Matrix2 {
    let z = ComplexDouble(u.sign * exchange)
    return Matrix2(hopping - z, -etabar, -eta, hopping + z)
  }

  /// d_i H = d_i T - Re d_i eta rho_1 - Im d_i eta rho_2, the same for both spins; (S5.2).
  public var currentI: Matrix2 { Matrix2(hoppingI, -etabarI, -etaI, hoppingI) }
  /// d_j H = d_j T - Re d_j eta rho_1 - Im d_j eta rho_2; (S5.2).
  public var currentJ: Matrix2 { Matrix2(hoppingJ, -etabarJ, -etaJ, hoppingJ) }
  /// d_i d_j H = d_i d_j T - Re d_i d_j eta rho_1 - Im d_i d_j eta rho_2; (S5.3).
  public var curvature: Matrix2 { Matrix2(hoppingIJ, -etabarIJ, -etaIJ, hoppingIJ) }

  /// d_i Delta = d_i(eta etabar) / (2 Delta).
  public var deltaI: ComplexDouble {
    (etaI * etabar + eta * etabarI) * inverseDelta.multiplied(by: 0.5)
  }
  /// d_j Delta = d_j(eta etabar) / (2 Delta).
  public var deltaJ: ComplexDouble {
    (etaJ * etabar + eta * etabarJ) * inverseDelta.multiplied(by: 0.5)
  }
  /// d_i d_j Delta = [d_i d_j(eta etabar)/2 - d_i Delta d_j Delta] / Delta.
  public var deltaIJ: ComplexDouble {
    let half = (etaIJ * etabar + etaI * etabarJ + etaJ * etabarI + eta * etabarIJ)
      .multiplied(by: 0.5)
    return (half - deltaI * deltaJ) * inverseDelta
  }
  /// d_i E_s = d_i T - s d_i Delta.
  public func velocityI(_ s: Band) -> ComplexDouble { hoppingI - deltaI.multiplied(by: s.sign) }
  /// d_j E_s = d_j T - s d_j Delta.
  public func velocityJ(_ s: Band) -> ComplexDouble { hoppingJ - deltaJ.multiplied(by: s.sign) }
  /// d_i d_j E_s = d_i d_j T - s d_i d_j Delta.
  public func massInverse(_ s: Band) -> ComplexDouble { hoppingIJ - deltaIJ.multiplied(by: s.sign) }

  /// cos(theta) = J / Delta; (5).
  public var cosTheta: ComplexDouble { inverseDelta.multiplied(by: exchange) }
  /// d_i d_j cos(theta) = 2 J d_iDelta d_jDelta / Delta^3 - J d_i d_j Delta / Delta^2.
  public var cosThetaIJ: ComplexDouble {
    let square = inverseDelta * inverseDelta
    return (deltaI * deltaJ * inverseDelta).multiplied(by: 2 * exchange) * square
      - (deltaIJ * square).multiplied(by: exchange)
  }
  /// d_i x . d_j x = [Re(d_i eta d_j etabar) - d_i Delta d_j Delta]/Delta^2 with
  /// x = (Re eta, Im eta, J)/Delta; (S6.14).
  public var metricIJ: ComplexDouble {
    let flat = (etaI * etabarJ + etaJ * etabarI).multiplied(by: 0.5)
    return (flat - deltaI * deltaJ) * inverseDelta * inverseDelta
  }
}

/// A function of k with its derivatives along i, j and both.
package struct DerivativeJet {
  package var value = ComplexDouble.zero
  package var i = ComplexDouble.zero
  package var j = ComplexDouble.zero
  package var ij = ComplexDouble.zero
}

/// The Bloch Hamiltonian of a model, prepared for many wave vectors.
public struct BlochHamiltonian: Sendable {
  /// A hop with its components along i and j taken out.
  private struct Term {
    let r: SIMD3<Double>
    let amplitude, ri, rj: Double
  }

  private let inter: [Term]
  private let intra: [Term]
  private let exchange: Double

  /// The Hamiltonian of `model` with derivatives along `directions`.
  public init(_ model: Model, directions: Directions) {
    func terms(_ hops: [Hop]) -> [Term] {
      hops.map { hop in
        let r = packed(hop.vector)
        return Term(r: r, amplitude: hop.amplitude, ri: r[directions.i], rj: r[directions.j])
      }
    }
    inter = terms(model.interSublattice)
    intra = terms(model.intraSublattice)
    exchange = model.exchange
  }

  /// Energies, projectors and vertices at `k`.
  public func frame(at k: WaveVector) -> Frame {
    let isReal = k.imaginary == .zero
    var eta = DerivativeJet()
    var etabar = DerivativeJet()
    var hopping = DerivativeJet()
    for term in inter {
      let (forward, backward) = phases(k, term, isReal)
      // d_i exp(-i k.r) = -i r_i exp(-i k.r).
      add(&eta, forward, term.amplitude, ComplexDouble(0, -term.ri), ComplexDouble(0, -term.rj))
      add(&etabar, backward, term.amplitude, ComplexDouble(0, term.ri), ComplexDouble(0, term.rj))
    }
    for term in intra {
      let (forward, backward) = phases(k, term, isReal)
      add(
        &hopping, forward, -term.amplitude, ComplexDouble(0, -term.ri), ComplexDouble(0, -term.rj))
      add(&hopping, backward, -term.amplitude, ComplexDouble(0, term.ri), ComplexDouble(0, term.rj))
    }
    return Frame(exchange: exchange, hopping: hopping, eta: eta, etabar: etabar, isReal: isReal)
  }

  @inline(__always)
  private func phases(_ k: WaveVector, _ term: Term, _ isReal: Bool)
    -> (forward: ComplexDouble, backward: ComplexDouble)
  {
    let phase = (k.real * term.r).sum()
    let (c, s) = (Double.cos(phase), Double.sin(phase))
    if isReal { return (ComplexDouble(c, -s), ComplexDouble(c, s)) }
    let growth = Double.exp((k.imaginary * term.r).sum())
    return (
      ComplexDouble(c, -s).multiplied(by: growth), ComplexDouble(c, s).multiplied(by: 1 / growth)
    )
  }

  @inline(__always)
  private func add(
    _ jet: inout DerivativeJet, _ phase: ComplexDouble, _ amplitude: Double, _ di: ComplexDouble,
    _ dj: ComplexDouble
  ) {
    let value = phase.multiplied(by: amplitude)
    jet.value += value
    jet.i += value * di
    jet.j += value * dj
    jet.ij += value * (di * dj)
  }
}
