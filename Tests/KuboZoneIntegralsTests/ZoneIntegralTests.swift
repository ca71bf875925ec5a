// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboTestSupport
import KuboZoneIntegrals
import RealModule
import Testing

/// Integrals over the zone of functions that are known in closed form.
@Suite struct ZoneIntegralTests {
  /// The irreducible zone and its images fill the zone once: its volume is one over the order of the
  /// group, and the integral of a function over it, summed over the images, is the mean over a grid.
  @Test(arguments: ["chain", "square", "honeycomb", "cubic"])
  func irreducibleZone(_ name: String) async throws {
    let model = try shippedModel(name)
    let symmetries = model.energySymmetries()
    let zone = IrreducibleZone(model, symmetries)
    #expect(zone.operations.count * 2 == symmetries.count)
    // Any smooth function without symmetry: exp(cos 2 pi f.m + ...).
    @Sendable func function(_ f: SIMD3<Double>) -> Double {
      Double.exp(
        Double.cos(2 * .pi * (f[0] + 0.1)) + 0.7 * Double.sin(2 * .pi * (f[1] - f[0]))
          + 0.3 * Double.cos(2 * .pi * (f[2] + 0.3)))
    }
    let d = model.dimension
    let integral = NestedIntegral(zone: zone, threads: 2, width: 1) { points in
      let sums = points.map { f in
        zone.operations.reduce(0.0) { sum, m in
          var image = SIMD3<Double>.zero
          for a in 0..<d {
            image[a] = m.rows[a].indices.reduce(0) { $0 + Double(m.rows[a][$1]) * f[$1] }
          }
          return sum + function(image) + function(-image)
        }
      }
      return .init(components: [sums, points.map { _ in 1 }], levels: [])
    }
    let result = try await integral(allowed: [1e-8, 1e-10])
    #expect(abs(result.values[1] * Double(symmetries.count) - 1) < 1e-13)
    let n = 24
    var mean = 0.0
    let count = (0..<d).reduce(1) { p, _ in p * n }
    for code in 0..<count {
      var rest = code
      var f = SIMD3<Double>.zero
      for a in 0..<d {
        f[a] = Double(rest % n) / Double(n)
        rest /= n
      }
      mean += function(f) / Double(count)
    }
    #expect(abs(result.values[0] - mean) <= result.errors[0] + 1e-13)
    #expect(result.errors[0] <= 1.3e-8)
  }

  /// Narrow levels where intervals meet: (x - c)^2 - h^2 vanishes half way between its vertex and the zero of x - c + 2 h. Their
  /// Lorentzians have closed integrals: Im (1/2b) ln((x - c - b)/(x - c + b)) with b^2 = h^2 + i w, and an arc tangent.
  @Test(arguments: [0.004, 0.008, 0.016]) func levelsHalfWay(_ h: Double) async throws {
    let model = try shippedModel("chain")
    let zone = IrreducibleZone(model, model.energySymmetries())
    let w = 1e-10
    let (low, high) = (zone.ends([]).first!, zone.ends([]).last!)
    for n in 1..<60 {
      let c = low + (high - low) * (0.2 + 0.01 * Double(n))
      let integral = NestedIntegral(zone: zone, threads: 1, width: w) { points in
        let levels = [
          points.map { $0[0] - c + 2 * h }, points.map { ($0[0] - c) * ($0[0] - c) - h * h },
        ]
        let sum = points.indices.map { m in
          levels.reduce(0) { $0 + w / ($1[m] * $1[m] + w * w) }
        }
        return .init(components: [sum], levels: levels)
      }
      let result = try await integral(allowed: [0.1])
      let b = Complex.sqrt(Complex(h * h, w))
      let exact = [(low, -1.0), (high, 1.0)].reduce(0) { sum, end in
        let x = Complex(end.0 - c)
        let pair = (Complex.log(x - b) - Complex.log(x + b)) / (2 * b)
        return sum + end.1 * (Double.atan((end.0 - c + 2 * h) / w) + pair.imaginary)
      }
      #expect(abs(result.values[0] - exact) <= result.errors[0] + 1e-6, "c = \(c)")
    }
  }

  /// Levels that touch zero, as a band at its edge: (x - c)^2, 1e-6 to 0.03 wide, among others that are farther from c than it is wide.
  /// Seen from an interval that is spread about another level its minimum lies between two nodes, or beyond the last but one. Closed
  /// integrals as above, with b^2 = i w.
  @Test func levelsThatTouch() async throws {
    let model = try shippedModel("chain")
    let zone = IrreducibleZone(model, model.energySymmetries())
    let (low, high) = (zone.ends([]).first!, zone.ends([]).last!)
    var random = SeededGenerator(5)
    for _ in 0..<4000 {
      let w = Double.exp(.random(in: -27.6 ... -6.9, using: &random))
      let c = low + (high - low) * Double.random(in: 0.1...0.9, using: &random)
      // Zeros at c +- h, and at x of slope m.
      let h = [0.004, 0.008, 0.02, 0.1].randomElement(using: &random)!
      let x = c + [-2, -1, 0.5, 1, 2].randomElement(using: &random)! * h
      let m = Double.exp(.random(in: -2.3...2.3, using: &random))
      let hasPair = Bool.random(using: &random)
      let integral = NestedIntegral(zone: zone, threads: 1, width: w) { points in
        let levels = [
          points.map { ($0[0] - c) * ($0[0] - c) }, points.map { m * ($0[0] - x) },
          points.map { hasPair ? ($0[0] - c) * ($0[0] - c) - h * h : 1 },
        ]
        let sum = points.indices.map { n in
          levels.reduce(0.0) { $0 + w / ($1[n] * $1[n] + w * w) }
        }
        return .init(components: [sum], levels: levels)
      }
      func primitive(_ end: Double) -> Double {
        func pair(_ square: Double) -> Double {
          let b = Complex.sqrt(Complex(square, w))
          let y = Complex(end - c)
          let ratio = Complex.log(y - b) - Complex.log(y + b)
          return (ratio / (2 * b)).imaginary
        }
        let line = Double.atan(m * (end - x) / w) / m
        let last = hasPair ? pair(h * h) : w / (1 + w * w) * end
        return pair(0) + line + last
      }
      let exact = primitive(high) - primitive(low)
      let relative = Double.exp(.random(in: -13.8 ... -4.6, using: &random))
      let result = try await integral(allowed: [relative * exact])
      // Positions of zeros are rounded.
      let rounding = exact * (1e-10 + 3e-16 / w)
      #expect(
        abs(result.values[0] - exact) <= result.errors[0] + rounding,
        "c = \(c), h = \(h), x = \(x), m = \(m), w = \(w), \(hasPair), \(relative)")
    }
  }

  /// The mean of 1/(a - cos 2 pi f) is 1/sqrt(a^2 - 1): 1/c_0 is 1/arcosh a, and the error is below its bound, which is below
  /// what is allowed.
  @Test(arguments: [1.5, 1.01, 1.0001]) func gridRefinement(_ a: Double) async throws {
    let refinement = GridRefinement(
      resolution: 1 / Double.acosh(a), sizes: GridSizes([[]]))
    let exact = 1 / (a * a - 1).squareRoot()
    for allowed in [1e-3, 1e-6, 1e-9].map({ $0 * exact }) {
      let outcome = try await refinement.run(groups: 1) { n, _ in
        var mean = 0.0
        for m in 0..<n {
          let angle = 2 * Double.pi * Double(m) / Double(n)
          mean += 1 / (a - Double.cos(angle)) / Double(n)
        }
        return .init(values: [[ComplexDouble(mean)]], scales: [[mean]], rounding: [[1e-14 * mean]])
      } allowed: { _, _, _ in
        [PartErrors(allowed)]
      }[0].converged("1/(a - cos)")
      let found = outcome.estimates[0]
      #expect(abs(found.value.real - exact) <= found.error && found.error <= allowed)
    }
  }

  /// What does not come near enough within the points that a grid may have is told with its bound.
  @Test func beyondTheLimit() async throws {
    let refinement = GridRefinement(
      resolution: 12, sizes: GridSizes([[]]), pointLimit: 100)
    let outcome = try await refinement.run(groups: 1) { n, _ in
      .init(values: [[ComplexDouble(1 / Double(n))]], scales: [[1]], rounding: [[1e-14]])
    } allowed: { _, _, _ in
      [PartErrors(1e-6)]
    }[0]
    #expect(throws: NonConvergence.self) { try outcome.converged("slow") }
  }

  /// tanh(mu - 3) from far away on either side.
  @Test(arguments: [-50.0, 0, 50]) func fillingRoot(_ start: Double) throws {
    let (mu, error) = try FillingRoot(from: start, width: 1, bound: 1) {
      Double.tanh($0 - 3)
    } accuracy: { _ in
      (1e-14, 1)
    }.values
    #expect(abs(mu - 3) <= error && error < 1e-12)
  }
}

/// How long a spectrum takes, from some of its frequencies.
@Suite struct CostExtrapolationTests {
  /// 2 s and 0.5 s for each frequency: 4 s for four, 10 s for 16, 102 s for 200.
  @Test func extrapolation() {
    let cost = CostEstimate(runs: [(1, 1, 2), (4, 4, 8), (16, 10, 20)], spent: 7, count: 200)
    #expect(cost.least == 102 && cost.most == 204 && cost.spent == 7 && cost.tried == 16)
    // No negative slope.
    let odd = CostEstimate(runs: [(1, 4, 4), (4, 3, 3)], spent: 7, count: 200)
    #expect(odd.least == 3 && odd.most == 3)
    let single = CostEstimate(runs: [(1, 3, 3)], spent: 3, count: 1)
    #expect(single.least == 3 && single.spent == 3)
    let both = CostEstimate([cost, odd])
    #expect(
      both.least == 105 && both.most == 207 && both.spent == 14 && both.tried == 4
        && both.count == 200)
  }
}
