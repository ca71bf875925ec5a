// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboTestSupport
import RealModule
import UniformGrid

/// A state with impurities for ``ImpurityCertificateTests``, drawn with its Hamiltonian.
struct ImpurityState: Sendable, CustomStringConvertible {
  let isSite: Bool
  /// gamma = n_i u_i^2.
  let strength: Double
  /// Model, mu, temperature, frequencies and columns; its `gamma` is not used.
  let state: CertificateState

  /// State `number` of those of `dimension`, whichever others are drawn.
  init(isSite: Bool, dimension: Int, number: Int) throws {
    var generator = SeededGenerator(
      UInt64(5_000_000 * (isSite ? 2 : 1) + 100_000 * dimension + number))
    func uniform(_ range: ClosedRange<Double>) -> Double {
      Double.random(in: range, using: &generator)
    }
    func logarithmic(_ a: Double, _ b: Double) -> Double {
      Double.exp(uniform(Double.log(a)...Double.log(b)))
    }
    func one<T>(_ list: [T]) -> T { list.randomElement(using: &generator)! }
    var model: Model
    var ranges: [ClosedRange<Double>]
    repeat {
      model = try HamiltonianDraw(dimension: dimension).model(using: &generator)
      ranges =
        GridState(
          CertificateState(
            model: model, mu: 0, temperature: 0, gamma: 0.2, omegas: [], columns: [],
            tolerance: 1e-2)
        ).ranges
      // What a uniform grid can follow: neither flat bands, whose impurities widen them by more than they are wide
      // already when weak, nor far hops.
    } while !(0.05...5).contains(model.exchange)
      || HamiltonianDraw.reach(model).max()! > [12, 4, 2][dimension - 1]
      || ranges[..<2].contains { !(0.3...12).contains($0.upperBound - $0.lowerBound) }
    self.isSite = isSite
    // The width of levels is about gamma over that of a band.
    let bandwidth = ranges[..<2].map { $0.upperBound - $0.lowerBound }.max()!
    let part = logarithmic([0.03, 0.12, 0.25][dimension - 1], [0.25, 0.3, 0.4][dimension - 1])
    strength = part * part * bandwidth * bandwidth
    let band = ranges[Int.random(in: 0...1, using: &generator)]
    let mu =
      switch one([0, 0, 0, 0, 1, 2, 3]) {
      case 0: uniform(band)
      case 1: one([band.lowerBound, band.upperBound]) + one([1, -1]) * logarithmic(1e-3, 0.1)
      case 2: (ranges[0].upperBound + ranges[1].lowerBound) / 2
      default: one([ranges[0].lowerBound - uniform(0...1), ranges[1].upperBound + uniform(0...1)])
      }
    let temperature = one([0, 0, logarithmic(3e-3, 0.05), logarithmic(0.05, 1)])
    let width = ranges[1].upperBound - ranges[0].lowerBound
    let omegas = (0..<2).map { _ in
      switch one([0, 1, 2, 2, 3]) {
      case 0: logarithmic(0.01, 0.2)
      case 1: uniform(ranges[2])
      case 2: 2 * model.exchange * uniform(0.9...1.3)
      default: uniform(0.2...1.2) * width
      }
    }
    let names =
      (isSite ? ["s_full", "Sigma_full"] : ["X", "Y", "X_na", "Y_na", "X_na_all", "Y_na_all"])
      .shuffled(using: &generator).prefix(2)
    let columns = try ImpurityState.columns(names + ["sigma"], isSite: isSite)
    let axes = (0..<2).map { _ in Int.random(in: 0..<dimension, using: &generator) }
    state = CertificateState(
      model: model, mu: mu, temperature: temperature, gamma: 0.2,
      omegas: Array(Set(omegas)).sorted(),
      directions: Directions(i: axes[0], j: axes[1]), columns: columns,
      tolerance: one(
        [[1e-2, 1e-3, 1e-4, 1e-5], [1e-2, 1e-3, 1e-4], [1e-2, 1e-3]][dimension - 1]))
  }

  /// Bare, and with the ladder where there is one.
  private static func columns(_ names: [String], isSite: Bool) throws -> [SpectrumRequest.Column] {
    let diagrams = try shippedDiagrams()
    return names.flatMap { name in
      let response = Response(name)!
      return response.dressings(isSite ? .site(1) : .scba(1), diagrams).filter {
        [.bare, .ladder].contains($0)
      }.map {
        SpectrumRequest.Column(response: response, dressing: $0)
      }
    }
  }

  var lifetime: Lifetime { isSite ? .site(strength) : .scba(strength) }

  func request() throws -> SpectrumRequest {
    var request = try state.request()
    request.electrons = request.electrons.with(lifetime: lifetime)
    return request
  }

  var description: String {
    "\(isSite ? "site" : "scba")=\(strength), dressings bare,ladder, in \(state)"
  }
}
