// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// The way of an ``EnergyIntegral``: one parameter u runs over all of it, [0, 1] is the imaginary axis beyond `start`, and
/// [2 n, 2 n + 1] piece n of the window on the real axis, from n = 1 on.
struct EnergyPath: Sendable {
  /// A piece of the window, with energies from mu as functions of a variable s from 0 to 1 in which
  /// square roots at band edges are smooth.
  struct Piece: Sendable {
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

  /// Where a parameter leads: an energy from mu, or y.
  enum Place {
    case window(Double)
    case imaginaryAxis(Double)
  }

  let window: [Piece]
  let intervals: [(a: Double, b: Double)]
  /// Where the weight is not smooth.
  let breaks: [Double]
  private let omega, temperature, start, unit: Double
  /// For each interval one over int |weight| du, and half as much again for the weights of single points, times
  /// the number of intervals.
  private var shares: [Double] = []

  init(_ integral: EnergyIntegral, omega: Double, from start: Double) {
    let window = EnergyPath.window(integral, omega)
    (self.window, self.omega, self.start) = (window, omega, start)
    (temperature, unit) = (integral.temperature, integral.width / 4)
    let reach = integral.thermalReach * temperature
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
    (self.intervals, self.breaks) = (intervals, breaks)
    shares = intervals.map { interval in
      var total = 1e-12
      for n in 0..<64 { total += 1.5 * abs(weight(interval.a + (Double(n) + 0.5) / 64)) / 64 }
      return 1 / (total * Double(intervals.count))
    }
  }

  /// The pieces of the window between the band edges.
  private static func window(_ integral: EnergyIntegral, _ omega: Double) -> [Piece] {
    if omega == 0 { return [] }
    let reach = integral.thermalReach * integral.temperature
    let (low, high) = (min(0, -omega) - reach, max(0, -omega) + reach)
    let least = integral.edgeError * integral.width
    var inner: [Double] = []
    for edge in integral.edges { inner += [edge - integral.mu, edge - integral.mu - omega] }
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
      Piece(a: $0.eps, b: $1.eps, isEdge: ($0.isEdge, $1.isEdge))
    }
  }

  /// Where u leads in the window.
  private func piece(_ u: Double) -> (piece: Piece, s: Double)? {
    let n = Int(u) / 2
    return n == 0 ? nil : (window[n - 1], u - Double(2 * n))
  }

  /// f(eps + omega) - f(eps) in the window, 1 on the imaginary axis.
  func weight(_ u: Double) -> Double {
    piece(u).map { fermiDifference($0.energy($1).eps) } ?? 1
  }

  /// What part of all errors the integrand at u may have.
  func share(_ u: Double) -> Double { shares[Int(u) / 2] }

  /// Where u leads, and by what the integrand is to be multiplied; nil where it vanishes, as at a band edge.
  func place(_ u: Double) -> (place: Place, measure: Double)? {
    if let (piece, s) = piece(u) {
      let (eps, slope) = piece.energy(s)
      return slope == 0 ? nil : (.window(eps), slope)
    }
    if u == 0 || u == 1 { return nil }
    // y = start + b (u/(1 - u))^2 spans the scales from Gamma to the bandwidth; at both ends the
    // integrand vanishes.
    let r = u / (1 - u)
    let measure = unit * 2 * r / ((1 - u) * (1 - u)) / (2 * .pi)
    return measure == 0 ? nil : (.imaginaryAxis(start + unit * r * r), measure)
  }

  /// f(eps + omega) - f(eps) without cancellation.
  private func fermiDifference(_ eps: Double) -> Double {
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
}
