// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import RealModule

/// A state for ``CertificateTests``, drawn with its Hamiltonian: a model, its condition, and what is asked of it.
struct CertificateState: Sendable, CustomStringConvertible {
  var model: Model
  var mu = 0.0
  var temperature = 0.0
  var gamma = 0.1
  var omegas: [Double] = []
  var directions = Directions(i: 0, j: 0)
  var columns: [SpectrumRequest.Column] = []
  var tolerance = 1e-4
  /// Wave vectors times frequencies, about what a coarse grid of the reference takes.
  var work = 2e5

  /// State `number` of those of `dimension`, whichever others are drawn.
  ///
  /// The lifetime is so short that the reference needs at most ``work`` wave vectors times frequencies.
  init(dimension: Int, number: Int) throws {
    var generator = SeededGenerator(UInt64(1_000_000 * dimension + number))
    model = try HamiltonianDraw(dimension: dimension).model(using: &generator)
    func uniform(_ range: ClosedRange<Double>) -> Double {
      Double.random(in: range, using: &generator)
    }
    func logarithmic(_ a: Double, _ b: Double) -> Double {
      Double.exp(uniform(Double.log(a)...Double.log(b)))
    }
    func one<T>(_ list: [T]) -> T { list.randomElement(using: &generator)! }
    let special = CertificateState.specialEnergies(model)
    let near = one([1.0, -1]) * logarithmic(1e-6, 1e-2)
    let (low, high) = (special.range.lowerBound, special.range.upperBound)
    switch one([0, 0, 0, 1, 2, 2, 3, 3, 4]) {
    case 0: mu = uniform(one(special.bands))
    case 1: mu = (special.bands[0].upperBound + special.bands[1].lowerBound) / 2
    case 2: mu = one(special.energies)
    case 3: mu = one(special.energies) + near
    default: mu = one([high + logarithmic(0.1, 20), low - logarithmic(0.1, 20)])
    }
    temperature = one([0, 0, 0, logarithmic(1e-3, 0.1), logarithmic(1e-3, 10)])
    gamma = logarithmic([1e-5, 0.01, 0.1][dimension - 1], 1)
    let count = one([1, 2, 3])
    while omegas.count < count {
      let omega: Double
      switch one([0, 1, 2, 2, 3, 4, 5, 5, 6, 7]) {
      case 0: omega = 0
      case 1: omega = logarithmic(1e-5, 0.3)
      case 2: omega = uniform(0...(high - low))
      case 3: omega = 2 * model.exchange + one([0, near])
      case 4: omega = abs(one(special.energies) - mu)
      case 5: omega = one(special.gaps)
      case 6: omega = abs(one(special.gaps) + near)
      default: omega = (high - low) * uniform(1...3)
      }
      let signed = one([1, 1, 1, -1]) * omega
      if !omegas.contains(signed) { omegas.append(signed) }
    }
    directions = Directions(
      i: Int(uniform(0...0.999) * Double(dimension)), j: Int(uniform(0...0.999) * Double(dimension))
    )
    columns = try CertificateState.columns(using: &generator)
    tolerance = one(
      [
        [1e-2, 1e-3, 1e-4, 1e-6, 1e-6, 1e-8], [1e-2, 1e-3, 1e-4, 1e-4, 1e-6], [1e-2, 1e-3, 1e-4],
      ][dimension - 1])
    // The reference must be able to follow.
    work = [2e5, 2e5, 3e5][dimension - 1] * one([1, 1, 1, 1, 1, 1, 1, 1, 1, 8])
    while gamma < 1 {
      let points = Double(GridState(self).points(18, self).number)
      if points * Double(omegas.count + 1) <= work { break }
      gamma *= 1.3
    }
  }

  /// A state with all given.
  init(
    model: Model, mu: Double, temperature: Double, gamma: Double, omegas: [Double],
    directions: Directions = Directions(i: 0, j: 0), columns: [SpectrumRequest.Column],
    tolerance: Double
  ) {
    self.model = model
    self.mu = mu
    self.temperature = temperature
    self.gamma = gamma
    self.omegas = omegas
    self.directions = directions
    self.columns = columns
    self.tolerance = tolerance
  }

  /// Two or three responses, named ones or others, sometimes with their shares by bands.
  private static func columns(using generator: inout SeededGenerator) throws
    -> [SpectrumRequest.Column]
  {
    let forms = ["s", "Sigma"].flatMap { o in
      ["xx", "xy", "yx", "yy"].flatMap { spin in
        ["full", "adiabatic", "O_adiabatic", "O_nonadiabatic", "O_nonadiabatic_main"].map {
          "\(o).\(spin).\($0)"
        }
      }
    }
    let diagrams = try shippedDiagrams()
    var names = ["sigma"] + namedResponses.shuffled(using: &generator)
    if Bool.random(using: &generator) {
      names.insert(forms.randomElement(using: &generator)!, at: 1)
    }
    var chosen: [String] = []
    for name in names where !chosen.contains(name) && chosen.count < 3 { chosen.append(name) }
    let hasShares = Double.random(in: 0...1, using: &generator) < 0.25
    return chosen.flatMap { name in
      let response = Response(name)!
      let shares: [BandShare?] = hasShares ? diagrams.shares(of: response) : []
      return ([nil] + shares).map {
        SpectrumRequest.Column(response: response, dressing: .bare, share: $0)
      }
    }
  }

  /// What rounding leaves of a value, relative to S: energies are rounded by 2e-16 of their size, and propagators
  /// vary within the level width.
  func rounding(_ omega: Double) -> Double {
    max(
      1e-14,
      2e-16 * (model.energyBound + abs(mu) + abs(omega)) / (gamma + .pi * temperature))
  }

  /// The request that asks this.
  func request(threads: Int = 1) throws -> SpectrumRequest {
    SpectrumRequest(
      model: model, mu: mu, temperature: temperature, lifetime: .constant(gamma), omegas: omegas,
      directions: directions, columns: columns, diagrams: try shippedDiagrams(),
      tolerance: tolerance, threads: threads)
  }

  /// All that is needed to ask again: the file, on one line, and the command.
  var description: String {
    func hops(_ list: [Hop]) -> String {
      "["
        + list.map { "{vector: \($0.vector), amplitude: \($0.amplitude)}" }.joined(separator: ", ")
        + "]"
    }
    var names: [String] = []
    for column in columns where !names.contains(column.response.name) {
      names.append(column.response.name)
    }
    return """
      {name: \(model.name), description: x, source: x, units: {energy: t, length: a}, parameters: {J: \(model.exchange)}, \
      defaults: {mu: 0, temperature: 0, lifetime: {constant: 0.1}}, lattice: {vectors: \(model.latticeVectors)}, \
      inter_sublattice: \(hops(model.interSublattice)), intra_sublattice: \(hops(model.intraSublattice))}
      kubo spectrum m.yaml --mu=\(mu) --temperature=\(temperature) --lifetime constant=\(gamma) \
      --omega=\(omegas.map { "\($0)" }.joined(separator: ",")) --direction \(directions.description) \
      --responses \(names.joined(separator: ",")) --tolerance \(tolerance) --dressing bare\
      \(columns.contains { $0.share != nil } ? " --per-band" : "")
      """
  }

  /// Cells of the farthest hop along each lattice vector.
  var reach: [Int] { HamiltonianDraw.reach(model) }

  /// Critical energies of the bands and of 2 Delta: those of the wave vectors k = -k, those of the
  /// corners of a hexagon, and local extrema.
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
    let corners = (0..<(1 << d)).map { code in (0..<d).map { code >> $0 & 1 == 0 ? 0 : 0.5 } }
    var found = corners.map(pair)
    // The extrema: from the best of a grid by ever smaller steps.
    let n = [480, 36, 12][d - 1]
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
        while step > 1e-9 {
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
