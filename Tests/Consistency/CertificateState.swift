// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import RealModule

/// A state drawn for ``CertificateTests``: a model, its condition, and what is asked of it.
struct CertificateState: Sendable, CustomStringConvertible {
  let model: Model
  let mu, temperature, gamma: Double
  let omegas: [Double]
  let directions: Directions
  let responses: [String]
  let tolerances: [Double]

  /// All that is needed to ask again.
  var description: String {
    func hops(_ list: [Hop]) -> String {
      list.map { "\($0.vector) \($0.amplitude)" }.joined(separator: "; ")
    }
    return "\(model.name) [inter \(hops(model.interSublattice)) | intra "
      + "\(hops(model.intraSublattice))] J=\(model.exchange) \(directions.description) mu=\(mu) "
      + "T=\(temperature) Gamma=\(gamma) omegas=\(omegas) \(responses)"
  }

  /// Draws a state in `dimension` dimensions.
  init(dimension: Int, using generator: inout SeededGenerator) throws {
    func uniform(_ range: ClosedRange<Double>) -> Double {
      Double.random(in: range, using: &generator)
    }
    func one<T>(_ list: [T]) -> T { list.randomElement(using: &generator)! }
    func sign() -> Double { one([1, -1]) }
    // Down to gaps that no grid resolves.
    let j = Double.pow(10, uniform(-2...0))
    switch dimension {
    case 1:
      model =
        try one([true, true, false])
        ? shippedModel("chain", ["J": j, "t_prime": one([0, uniform(-0.4...0.4)])])
        : Model(
          name: "own_chain", latticeVectors: [[2]],
          interSublattice: [
            Hop(vector: [1], amplitude: 1),
            Hop(vector: [-1], amplitude: one([1, uniform(0.2...1)])),
            Hop(vector: [3], amplitude: uniform(-0.4...0.4)),
          ],
          intraSublattice: [
            Hop(vector: [2], amplitude: uniform(-0.4...0.4)),
            Hop(vector: [4], amplitude: one([0, uniform(-0.2...0.2)])),
          ], exchange: j)
    case 2:
      switch one(["square", "square", "honeycomb", "honeycomb", "narrow", "own", "own"]) {
      case "square":
        model = try shippedModel("square", ["J": j, "t_prime": one([0, uniform(-0.4...0.4)])])
      case "honeycomb":
        model = try shippedModel("honeycomb", ["J": j, "t_prime": one([0, uniform(-0.3...0.3)])])
      case "narrow": model = try shippedModel("narrow", ["t_prime": uniform(0.1...0.6)])
      default:
        let along = uniform(0.3...1.2)
        let isBipartite = one([true, false])
        model = try Model(
          name: "own_square", latticeVectors: [[1, 1], [1, -1]],
          interSublattice: [
            Hop(vector: [1, 0], amplitude: 1),
            Hop(vector: [-1, 0], amplitude: isBipartite ? 1 : uniform(0.3...1)),
            Hop(vector: [0, 1], amplitude: along), Hop(vector: [0, -1], amplitude: along),
          ],
          intraSublattice: [
            Hop(vector: [1, 1], amplitude: uniform(-0.3...0.3)),
            Hop(vector: [1, -1], amplitude: uniform(-0.3...0.3)),
            Hop(vector: [2, 0], amplitude: one([0, uniform(-0.2...0.2)])),
          ], exchange: j)
      }
    default: model = try shippedModel("cubic", ["J": j, "t_prime": uniform(0...0.2)])
    }
    let special = CertificateState.specialEnergies(model)
    let near = sign() * Double.pow(10, uniform(-6 ... -3))
    switch one([0, 0, 1, 2, 2, 3, 4]) {
    case 0: mu = uniform(special.range)
    case 1:
      mu = uniform(
        special.bands[0].upperBound...max(special.bands[0].upperBound, special.bands[1].lowerBound))
    case 2: mu = one(special.energies)
    case 3: mu = one(special.energies) + near
    default: mu = uniform(one(special.bands))
    }
    temperature = one([0, 0, 0.003, 0.02, 0.1])
    // In one dimension the reference on the real axis loses digits as eps W/Gamma; smaller Gamma are
    // left to ErrorEstimateTests.
    gamma =
      dimension == 3
      ? uniform(0.2...0.3) : Double.pow(10, uniform((dimension == 1 ? -3.5 : -5) ... -0.3))
    var omegas: [Double] = []
    while omegas.count < 3 {
      let omega: Double
      switch one([0, 1, 2, 2, 3, 3, 4, 5, 6, 7]) {
      case 0: omega = 0
      case 1: omega = Double.pow(10, uniform(-5 ... -0.5))
      case 2: omega = uniform(0...4)
      case 3: omega = 2 * model.exchange
      case 4: omega = 2 * model.exchange + near
      case 5: omega = one(special.gaps)
      case 6: omega = abs(one(special.energies) - mu)
      default: omega = abs(one(special.gaps) + 10 * near)
      }
      let signed = one([1, 1, 1, -1]) * omega
      if !omegas.contains(signed) { omegas.append(signed) }
    }
    self.omegas = omegas
    directions =
      dimension == 1
      ? Directions(i: 0, j: 0)
      : one([.init(i: 0, j: 0), .init(i: 0, j: 0), .init(i: 0, j: 1), .init(i: 1, j: 1)])
    responses = Array(namedResponses.shuffled(using: &generator)[..<4])
    tolerances =
      switch dimension {
      case 1: [1e-2, 1e-4, 1e-6]
      case 2: one([[1e-2], [1e-2, 1e-3], [1e-4]])
      default: [1e-2, 1e-4]
      }
  }

  /// Critical energies of the bands and of 2 Delta: those of the wave vectors k = -k, those of the
  /// corners of the hexagon, and the edges.
  private static func specialEnergies(_ model: Model) -> (
    energies: [Double], gaps: [Double], bands: [ClosedRange<Double>], range: ClosedRange<Double>
  ) {
    let d = model.dimension
    let hamiltonian = BlochHamiltonian(model, directions: Directions(i: 0, j: 0))
    func pair(_ f: [Double]) -> [Double] {
      let frame = hamiltonian.frame(at: WaveVector(model.waveVector(reduced: f)))
      let (lower, upper) = (frame.energy(.bonding).real, frame.energy(.antibonding).real)
      return [lower, upper, upper - lower]
    }
    var points = (0..<(1 << d)).map { code in (0..<d).map { code >> $0 & 1 == 0 ? 0 : 0.5 } }
    if model.name == "honeycomb" { points.append([1.0 / 3, 2.0 / 3]) }
    var found = points.map(pair)
    // The extrema: from the best of a grid by ever smaller steps.
    let n = [240, 48, 24][d - 1]
    let count = (0..<d).reduce(1) { p, _ in p * n }
    let grid = (0..<count).map { code in
      var rest = code
      return (0..<d).map { _ in
        defer { rest /= n }
        return Double(rest % n) / Double(n)
      }
    }
    let values = grid.map(pair)
    for which in 0..<3 {
      for sign in [1.0, -1.0] {
        let best = values.indices.max { sign * values[$0][which] < sign * values[$1][which] }!
        var f = grid[best]
        var value = values[best][which]
        var step = 1 / Double(n)
        while step > 1e-10 {
          var isBetter = false
          for a in 0..<d {
            for direction in [step, -step] {
              var other = f
              other[a] += direction
              let new = pair(other)[which]
              if sign * new > sign * value { (f, value, isBetter) = (other, new, true) }
            }
          }
          if !isBetter { step /= 2 }
        }
        found.append(pair(f))
      }
    }
    let bands = (0..<2).map { s in found.map { $0[s] }.min()!...found.map { $0[s] }.max()! }
    return (
      found.flatMap { [$0[0], $0[1]] }, found.map { $0[2] }, bands,
      bands[0].lowerBound...bands[1].upperBound
    )
  }
}
