// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import KuboFiles
import Testing

/// The exact statements of docs/conventions.md section 4 that a bare loop at constant lifetime obeys.
@Suite struct SumRuleTests {
  private func request(
    _ name: String, _ parameters: [String: Double] = [:], mu: Double, temperature: Double,
    omegas: [Double], columns: [SpectrumRequest.Column], directions: Directions = .init(i: 0, j: 0)
  ) throws -> SpectrumRequest {
    SpectrumRequest(
      model: try shippedModel(name, parameters), mu: mu, temperature: temperature,
      lifetime: .constant(0.1), omegas: omegas, directions: directions, columns: columns,
      diagrams: try shippedDiagrams(), threads: 2)
  }

  /// 4.1: the unprojected loops vanish at omega = 0; the projected ones do not.
  @Test(arguments: [("square", -1.2), ("honeycomb", 1.0), ("chain", -1.2)], [0.0, 0.02])
  func gaugeInvariance(_ state: (String, Double), _ temperature: Double) async throws {
    let spectrum = try await request(
      state.0, mu: state.1, temperature: temperature, omegas: [1],
      columns: bareColumns(["s_full", "Sigma_full", "Y"])
    ).spectrum()
    for name in ["s_full", "Sigma_full"] {
      let column = spectrum.column(name)
      #expect(column.staticPart!.length <= column.values[0]!.error)
      #expect(column.values[0]!.error <= 1e-5 * column.values[0]!.dynamic.length)
    }
    #expect(spectrum.column("Y").staticPart!.length > 1e-3)
  }

  /// 4.3: K(-omega) = K(omega)*, and sigma(0) is real.
  @Test func realityInTime() async throws {
    let positive = [0.05, 0.7, 2.0]
    let spectrum = try await request(
      "honeycomb", mu: -1, temperature: 0.02, omegas: positive + positive.map { -$0 } + [0],
      columns: bareColumns(namedResponses)
    ).spectrum()
    for column in spectrum.columns {
      for n in positive.indices {
        let (a, b) = (column.values[n]!, column.values[n + 3]!)
        #expect((a.dynamic - b.dynamic.conjugate).length <= a.error + b.error)
      }
      let zero = column.values[6]!
      if column.request.response.isConductivity {
        #expect(abs(zero.dynamic.imaginary) <= zero.error)
        #expect(zero.dynamic.real > 1)
      } else {
        #expect(zero.dynamic == .zero)
      }
      #expect(abs(column.staticPart!.imaginary) <= zero.error)
    }
  }

  /// 4.3: (a) + ... + (f) = O nonadiabatic, O adiabatic + O nonadiabatic = full, term by term.
  @Test(arguments: ["s.xx", "Sigma.xy", "s.yy", "Sigma.yx"]) func bandLabelSums(_ loop: String)
    async throws
  {
    let whole = ["full", "O_adiabatic", "O_nonadiabatic", "O_nonadiabatic_main"].map {
      "\(loop).\($0)"
    }
    let parts = ["a", "b", "c", "d", "ef"].map { "nonadiabatic.\($0)" }
    let columns =
      bareColumns(whole)
      + parts.map {
        SpectrumRequest.Column(response: Response(whole[2])!, dressing: .bare, diagram: $0)
      }
    let omegas = [0.3, 1.7]
    let spectrum = try await request(
      "square", mu: 1.5, temperature: 0, omegas: omegas, columns: columns
    ).spectrum()
    for n in omegas.indices {
      let full = spectrum.full(whole[0], n)
      let error = spectrum.columns.reduce(0) { $0 + $1.values[n]!.error }
      #expect((full - spectrum.full(whole[1], n) - spectrum.full(whole[2], n)).length <= error)
      let letters = parts.map { part in
        let column = spectrum.column(whole[2], diagram: part)
        return column.values[n]!.dynamic + column.staticPart!
      }
      #expect((letters.reduce(.zero, +) - spectrum.full(whole[2], n)).length <= error)
      #expect((letters[0] + letters[3] - spectrum.full(whole[3], n)).length <= error)
      #expect(error <= 1e-5 * full.length)
      #expect(letters.allSatisfy { $0.length > 1e-6 })
    }
  }

  /// xx and yy, xy and -yx are the same response: rotation about the Néel vector.
  @Test func rotationAboutTheNeelVector() async throws {
    let names = ["s.xx.full", "s.yy.full", "Sigma.xy.full", "Sigma.yx.full"]
    let spectrum = try await request(
      "honeycomb", mu: 1, temperature: 0, omegas: [0.8], columns: bareColumns(names)
    ).spectrum()
    let k = names.map { spectrum.full($0, 0) }
    #expect((k[0] - k[1]).length <= 1e-12 * k[0].length)
    #expect((k[2] + k[3]).length <= 1e-12 * k[2].length)
  }

  /// Y closed, e_ij Q_s (S6.42), and X closed, Phi_ij (S6.19), are the loops integrated by parts:
  /// equal at every omega, on the diagonal and off it.
  @Test(arguments: [
    ("square", -1.2, 0, 0), ("honeycomb", 1.0, 0, 0), ("chain", -1.2, 0, 0),
    ("oblique", -0.8, 0, 1),
  ])
  func integrationByParts(_ state: (String, Double, Int, Int)) async throws {
    let model = state.0 == "oblique" ? try oblique() : try shippedModel(state.0)
    let columns = ["X", "Y"].flatMap { name in
      [Dressing.bare, .closed].map {
        SpectrumRequest.Column(response: Response(name)!, dressing: $0)
      }
    }
    let spectrum = try await SpectrumRequest(
      model: model, mu: state.1, temperature: 0.02, lifetime: .constant(0.1),
      omegas: [0, 0.05, 0.9, 2.2], directions: Directions(i: state.2, j: state.3),
      columns: columns, diagrams: shippedDiagrams(), threads: 2
    ).spectrum()
    for name in ["X", "Y"] {
      let (bare, closed) = (spectrum.column(name), spectrum.column(name, .closed))
      for n in spectrum.omegas.indices {
        let (a, b) = (bare.values[n]!, closed.values[n]!)
        #expect((a.dynamic - b.dynamic).length <= a.error + b.error)
        #expect((bare.staticPart! - closed.staticPart!).length <= a.error + b.error)
        #expect(n == 0 || a.error < 1e-4 * a.dynamic.length, "\(name) \(a)")
      }
    }
  }

  /// Phi'_ij and the other components vanish by symmetry, also on the honeycomb lattice: (S6.26),
  /// (S6.27), tested and not assumed.
  @Test func vanishingComponents() async throws {
    let names = [
      "j_sA.xy.canting", "s.xy.full", "s.xy.adiabatic", "Sigma.xx.full", "Sigma.xy.adiabatic",
    ]
    let spectrum = try await request(
      "honeycomb", mu: -1, temperature: 0.02, omegas: [0.3, 1.4], columns: bareColumns(names)
    ).spectrum()
    for column in spectrum.columns {
      for value in column.values {
        #expect(value!.dynamic.length <= value!.error)
        #expect(value!.error <= 1e-10 * value!.scale)
        #expect(value!.scale > 1e-3)
      }
    }
  }

  /// The f-sum rule: the weight (2/pi) int Re sigma = -Pi(0) is the zone average of the diamagnetic
  /// term, (1/V) sum_k T sum_n tr[d_i d_j H G]; and Re sigma >= 0.
  @Test func conductivityIsPositive() async throws {
    let spectrum = try await request(
      "square", mu: -1.2, temperature: 0.02, omegas: (0..<40).map { 0.1 * Double($0) },
      columns: bareColumns(["sigma"])
    ).spectrum()
    let column = spectrum.column("sigma")
    #expect(column.values.allSatisfy { $0!.dynamic.real > $0!.error })
    #expect(column.staticPart!.real < 0)
  }

  private func oblique() throws -> Model {
    // No symmetry but k -> -k: unequal hops on an oblique lattice.
    try Model(
      name: "oblique", latticeVectors: [[1.7, 0.2], [0.4, 1.9]],
      interSublattice: [
        Hop(vector: [0.3, 0.5], amplitude: 1), Hop(vector: [-1.4, 0.3], amplitude: 0.6),
        Hop(vector: [-0.1, -1.4], amplitude: 0.8),
      ],
      intraSublattice: [
        Hop(vector: [1.7, 0.2], amplitude: 0.15), Hop(vector: [0.4, 1.9], amplitude: 0.05),
        Hop(vector: [2.1, 2.1], amplitude: 0.1),
      ], exchange: 0.7)
  }
}
