// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import Foundation
import KuboDiagrams
import KuboFiles
import RealModule
import Testing

/// A request of all `names` with all `dressings`, at tolerance 1e-4.
func ladderRequest(
  _ model: Model, mu: Double, temperature: Double, _ lifetime: Lifetime, _ omegas: [Double],
  _ names: [String], _ dressings: [Dressing]
) throws -> SpectrumRequest {
  SpectrumRequest(
    model: model, mu: mu, temperature: temperature, lifetime: lifetime, omegas: omegas,
    columns: names.flatMap { name in
      dressings.map { .init(response: Response(name)!, dressing: $0) }
    }, diagrams: try shippedDiagrams(), tolerance: 1e-4, threads: 2)
}

/// What must hold with self-energies and ladders, whatever the numbers (docs/conventions.md section 4).
@Suite struct LadderTests {

  /// Inter-sublattice hops of two strengths: no inversion centre on a site.
  private func dimerised() throws -> Model {
    try Model(
      name: "dimerised", latticeVectors: [[2]],
      interSublattice: [Hop(vector: [1], amplitude: 1), Hop(vector: [-1], amplitude: 0.6)],
      intraSublattice: [Hop(vector: [2], amplitude: 0.2)], exchange: 0.5)
  }

  struct State: Sendable, CustomStringConvertible {
    let name: String
    let mu, temperature, gamma: Double
    var description: String { "\(name) mu = \(mu) T = \(temperature) gamma = \(gamma)" }
  }

  static let states =
    [
      State(name: "square", mu: -1.2, temperature: 0, gamma: 0.5),
      State(name: "honeycomb", mu: 1, temperature: 0.05, gamma: 0.5),
      // A band edge, 0.2644, lies in the thermal tail.
      State(name: "chain", mu: -1.2, temperature: 0.05, gamma: 0.3),
      State(name: "chain", mu: -1.2, temperature: 0.02, gamma: 0.4),
      State(name: "chain", mu: 1.2, temperature: 0, gamma: 0.3),
      State(name: "dimerised", mu: -1.2, temperature: 0, gamma: 0.3),
      State(name: "dimerised", mu: 1.2, temperature: 0.05, gamma: 0.3),
    ]
    + (areTestsLong
      ? [
        State(name: "square", mu: 1.2, temperature: 0.05, gamma: 0.3),
        State(name: "honeycomb", mu: -1, temperature: 0, gamma: 0.3),
        State(name: "cubic", mu: -3, temperature: 0, gamma: 2),
      ] : [])

  /// |K(0)| of the full loops, and the residual of 2 J K_Sigma^xy = i omega K_s^xx, relative.
  private func residuals(_ spectrum: Spectrum, exchange: Double, _ dressing: Dressing) -> (
    statics: Double, continuity: [Double]
  ) {
    let omegas = spectrum.omegas
    let names = ["s_full", "Sigma_full"]
    let largest = names.flatMap { name in
      omegas.indices.map { spectrum.full(name, dressing, $0).length }
    }.max()!
    let statics = names.map { spectrum.column($0, dressing).staticPart!.length / largest }.max()!
    return (
      statics,
      omegas.indices.map { n in
        let left = spectrum.full("Sigma_full", dressing, n).multiplied(by: 2 * exchange)
        let right = spectrum.full("s_full", dressing, n) * ComplexDouble(0, omegas[n])
        return (left - right).length / right.length
      }
    )
  }

  /// `site` with ladder keeps gauge invariance and spin continuity, on lattices without inversion
  /// centres on the sites too (there the ladder dresses the electric and gauge vertices as well).
  @Test(arguments: states) func siteLadderIsConserving(_ state: State) async throws {
    let model = try state.name == "dimerised" ? dimerised() : shippedModel(state.name)
    let spectrum = try await ladderRequest(
      model, mu: state.mu, temperature: state.temperature, .site(state.gamma), [0.3, 1.3],
      ["s_full", "Sigma_full"], [.bare, .ladder]
    ).spectrum()
    try #require(spectrum.failures.isEmpty)
    let bare = residuals(spectrum, exchange: model.exchange, .bare)
    let ladder = residuals(spectrum, exchange: model.exchange, .ladder)
    // K(0) is asked for within 1e-8 of the largest K.
    #expect(ladder.statics <= 1e-6)
    // Each part is asked for within 1e-4, but the error estimates are ten times the errors or more
    // and both responses are summed over the same nodes: what was found is 1.1e-6 or less.
    #expect(ladder.continuity.allSatisfy { $0 <= 1e-5 }, "\(ladder.continuity)")
    // Both keep gauge invariance; bare bubbles violate continuity by O(Gamma), here a sixth or more.
    #expect(bare.statics <= 1e-6)
    #expect(bare.continuity.allSatisfy { $0 >= 0.1 }, "\(bare.continuity)")
  }

  /// On the dimerised chain the ladder adds to the electric vertex, (gamma/2) avg tr[A G dH G] for
  /// A = 1 or rho_3, which vanishes on the shipped chain: the dimerised states above test it.
  @Test func dimerisedVertexCorrections() async throws {
    var corrections: [Double] = []
    for model in [try shippedModel("chain"), try dimerised()] {
      let gamma = 0.3
      let sigmas = try await SelfEnergy.values(
        model: model, lifetime: .site(gamma), energies: [-0.4, -1.2].map { ComplexDouble($0) },
        threads: 2)
      var sums = [ComplexDouble.zero, .zero]
      let points = 1000
      for n in 0..<points {
        let k = Double.pi * (Double(n) + 0.5) / Double(points)
        var (eta, slope) = (ComplexDouble.zero, ComplexDouble.zero)
        for hop in model.interSublattice {
          let r = hop.vector[0]
          let term = ComplexDouble(length: hop.amplitude, phase: -k * r)
          eta += term
          slope += term * ComplexDouble(0, -r)
        }
        let t = -0.4 * Double.cos(2 * k)
        let v = ComplexDouble(0.8 * Double.sin(2 * k))
        // [[AA, AB], [BA, BB]] of z - H - Sigma; H_AB = -eta*, by the sign of rho_2.
        let g = sigmas.enumerated().map { m, s in
          let a = s.energy - ComplexDouble(t) - s.values.first
          let j = ComplexDouble(0.5) - s.values.second
          let zeta = m == 0 ? (a, j) : (a.conjugate, j.conjugate)
          let det = zeta.0 * zeta.0 - zeta.1 * zeta.1 - eta * eta.conjugate
          return [
            [(zeta.0 - zeta.1) / det, -eta.conjugate / det],
            [-eta / det, (zeta.0 + zeta.1) / det],
          ]
        }
        let h = [[v, -slope.conjugate], [-slope, v]]
        for x in 0..<2 {
          for a in 0..<2 {
            for b in 0..<2 { sums[x] += g[0][x][a] * h[a][b] * g[1][b][x] }
          }
        }
      }
      corrections.append(
        sums.map { $0.length * gamma / Double(points) }.max()! / model.interSublattice[0].amplitude)
    }
    // Odd in k to rounding, and percents.
    #expect(corrections[0] <= 1e-12)
    #expect(corrections[1] >= 1e-2)
  }

  /// The bare residual grows with the strength of the impurities.
  @Test func bareResidualGrows() async throws {
    var last = 0.0
    for gamma in [0.1, 0.2, 0.4] {
      let spectrum = try await ladderRequest(
        shippedModel("chain"), mu: -1.2, temperature: 0.05, .site(gamma), [0.3],
        ["s_full", "Sigma_full"], [.bare]
      ).spectrum()
      let residual = residuals(spectrum, exchange: 0.5, .bare).continuity[0]
      #expect(residual > 1.5 * last)
      last = residual
    }
    #expect(last > 0.05)
  }

  /// The ladder summed rung by rung tends to the closed sum.
  @Test(arguments: ["scba chain", "site dimerised"]) func rungs(_ name: String) async throws {
    let isSite = name.hasPrefix("site")
    let names = isSite ? ["s_full", "Sigma_full"] : ["X_na", "Y_na"]
    let request = try ladderRequest(
      isSite ? dimerised() : shippedModel("chain"), mu: -1.2, temperature: 0.05,
      isSite ? .site(0.3) : .scba(0.3), [0.8], names, [.bare, .ladder])
    let closed = try await request.spectrum()
    var differences = names.map { _ in [Double]() }
    for n in [0, 1, 2, 4, 8, 16] {
      let spectrum = try await ImpurityEngine(
        request, isSite ? .site : .scba, gamma: 0.3, rungs: .upTo(n)
      ).spectrum()
      try #require(spectrum.failures.isEmpty)
      for (o, name) in names.enumerated() {
        // Without rungs the ladder is the bare loop, to rounding.
        let (bare, sum) = (spectrum.full(name, .bare, 0), spectrum.full(name, .ladder, 0))
        #expect(n > 0 || (bare - sum).length <= 1e-12 * bare.length)
        let whole = closed.full(name, .ladder, 0)
        differences[o].append((spectrum.full(name, .ladder, 0) - whole).length / whole.length)
      }
    }
    for list in differences {
      // Every doubling of the rungs brings the sum closer. Those left out after n are x^n with
      // |x| < 1, here |x| < 0.6: 16 of them leave less than 1e-4 of the first difference.
      #expect(zip(list, list.dropFirst()).allSatisfy { $1 < $0 }, "\(list)")
      #expect(list[0] > 0.05 && list.last! < 1e-4 * list[0], "\(list)")
    }
  }

  /// K(-omega) = K(omega)*, sigma included.
  @Test(arguments: ["scba", "site"]) func negativeFrequencies(_ impurities: String) async throws {
    let isSite = impurities == "site"
    let names = isSite ? ["s_full", "Sigma_full", "sigma"] : ["X_na", "Y_na"]
    let spectrum = try await ladderRequest(
      dimerised(), mu: -1.2, temperature: 0.05, isSite ? .site(0.4) : .scba(0.4),
      [0.7, -0.7], names, [.bare, .ladder]
    ).spectrum()
    try #require(spectrum.failures.isEmpty)
    for column in spectrum.columns {
      let (a, b) = (column.values[0]!, column.values[1]!)
      let difference = (a.dynamic - b.dynamic.conjugate).length
      #expect(difference <= a.error + b.error, "\(column.request.label)")
      #expect(a.error <= 2e-4 * a.dynamic.length)
    }
  }

  /// Error estimates are true: loose against tight values, all columns and frequencies.
  @Test(arguments: ["scba chain", "site chain", "site square"])
  func estimatesAreTrue(_ name: String) async throws {
    let isSite = name.hasPrefix("site")
    var request = try ladderRequest(
      shippedModel(name.hasSuffix("chain") ? "chain" : "square"), mu: -1.2, temperature: 0.05,
      isSite ? .site(0.5) : .scba(0.5), [0, 0.3, 1, 2.2],
      isSite ? ["s_full", "Sigma_full"] : ["X_na", "Y_na"], [.bare, .ladder])
    request.tolerance = 1e-6
    let tight = try await request.spectrum()
    request.tolerance = 1e-3
    let loose = try await request.spectrum()
    try #require(tight.failures.isEmpty && loose.failures.isEmpty)
    for (a, b) in zip(loose.columns, tight.columns) {
      for n in request.omegas.indices {
        let (v, w) = (a.values[n]!, b.values[n]!)
        let still = a.staticPart! - b.staticPart!
        let dynamic = v.dynamic - w.dynamic
        for error in [dynamic, still, dynamic + still] {
          let bound = v.error + w.error
          #expect(abs(error.real) <= bound, "\(a.request.label) omega = \(request.omegas[n])")
          #expect(abs(error.imaginary) <= bound, "\(a.request.label) omega = \(request.omegas[n])")
        }
      }
    }
  }

  /// The number of threads changes no bit.
  @Test(arguments: ["scba", "site"]) func threads(_ impurities: String) async throws {
    let isSite = impurities == "site"
    var request = try ladderRequest(
      shippedModel("chain"), mu: -1.2, temperature: 0.05, isSite ? .site(0.4) : .scba(0.4),
      [0.4, 1.1, 2], isSite ? ["s_full", "Sigma_full", "sigma"] : ["X_na", "Y_na"],
      [.bare, .ladder])
    let two = try await request.spectrum()
    request.threads = 1
    let one = try await request.spectrum()
    try #require(one.failures.isEmpty && two.failures.isEmpty)
    for (a, b) in zip(one.columns, two.columns) {
      #expect(a.staticPart == b.staticPart && a.values == b.values, "\(a.request.label)")
    }
  }
}
