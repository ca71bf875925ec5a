// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import KuboFiles
import KuboTestSupport
import Testing

/// The unprojected response to a canting of `data/reference/canting.json`, whose loops come from a program of its own.
@Suite struct CantingReferenceTests {
  struct File: Decodable {
    let cases: [Case]
  }

  struct Case: Decodable {
    let model: String
    let J, mu, Gamma, temperature, grid_error: Double
    let inter: [[Numbers]]
    let intra: [[Numbers]]
    let cell: [[Double]]
    let i, j: Int
    let rows: [[String: Numbers]]

    func crystal() throws -> Model {
      func hops(_ list: [[Numbers]]) -> [Hop] {
        list.map { Hop(vector: $0[0].list, amplitude: $0[1].list[0]) }
      }
      return try Model(
        name: model, latticeVectors: cell, interSublattice: hops(inter),
        intraSublattice: hops(intra), exchange: J)
    }
  }

  /// A number, or several.
  struct Numbers: Decodable {
    let list: [Double]
    var complex: ComplexDouble { ComplexDouble(list[0], list[1]) }

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      list = try (try? [container.decode(Double.self)]) ?? container.decode([Double].self)
    }
  }

  static let cases = try! JSONDecoder().decode(
    File.self,
    from: Data(contentsOf: URL(filePath: "\(repository)/data/reference/canting.json"))
  ).cases

  /// The response of the engine for each key of the file. js has a contact term that does not depend on omega and
  /// makes it vanish at omega = 0: it is the dynamic part.
  static let responses: [(key: String, name: String, isDynamic: Bool)] = [
    ("Phi.full", "X_full", false), ("s'.xx", "s_canting_full", false),
    ("Sigma'.xy", "Sigma.xy.canting_gradient", false),
    ("Sigma'.xx", "Sigma.xx.canting_gradient", false),
    ("s'.xy", "s.xy.canting_gradient", false), ("js.xx", "j_s.xx.canting_uniform", true),
    ("q0.Sigma.xx", "Sigma.xx.canting_uniform", false),
    ("q0.s.xy", "s.xy.canting_uniform", false), ("Phi.adiabatic", "X", false),
  ]

  /// The first three, both bands of the square lattice and the lower one of the honeycomb lattice, take longest.
  @Test(arguments: (areTestsLong ? 0 : 3)..<6) func loops(_ index: Int) async throws {
    let entry = Self.cases[index]
    let omegas = entry.rows.map { $0["omega"]!.list[0] }
    let names = Self.responses.map(\.name)
    let spectrum = try await SpectrumRequest(
      model: entry.crystal(), mu: entry.mu, temperature: entry.temperature,
      lifetime: .constant(entry.Gamma), omegas: omegas,
      directions: Directions(i: entry.i, j: entry.j), columns: bareColumns(names),
      diagrams: shippedDiagrams(), tolerance: 1e-5, threads: 2
    ).spectrum()
    #expect(spectrum.failures.isEmpty)
    for (key, name, isDynamic) in Self.responses {
      let values = entry.rows.map { $0[key]!.complex }
      let column = spectrum.column(name)
      for n in omegas.indices {
        let value = column.values[n]!
        let found = isDynamic ? value.dynamic : spectrum.full(name, n)
        // The grid's error is relative; where all vanishes by symmetry the contributions are the scale.
        let largest = values.map(\.length).max()!
        let scale = largest > 1e-9 * value.scale ? largest : value.scale
        #expect(
          (found - values[n]).length <= value.error + (entry.grid_error + 1e-12) * scale,
          "\(key) omega = \(omegas[n])")
      }
    }
    // Gauge invariance: nothing without a field, at q = 0 and at first order in q.
    for name in names where name != "X" && !name.hasPrefix("j_s") {
      let column = spectrum.column(name)
      #expect(abs(column.staticPart!.real) <= column.values[0]!.error, "\(name)")
    }
    // Continuity of spin at first order in q; its retarded-advanced part, which a constant lifetime does not
    // conserve, is the file's.
    for n in omegas.indices {
      let i = ComplexDouble.i
      let s = spectrum.full("s_canting_full", n)
      let current = spectrum.column("j_s.xx.canting_uniform").values[n]!.dynamic
      let sigma = spectrum.full("Sigma.xy.canting_gradient", n)
      let lost = (i * entry.rows[n]["s'.xx.RA"]!.complex).multiplied(by: 2 * entry.Gamma)
      let flows = s.multiplied(by: omegas[n]) + lost
      let rest = flows + i * current + (i * sigma).multiplied(by: 2 * entry.J)
      let error = zip(
        ["s_canting_full", "j_s.xx.canting_uniform", "Sigma.xy.canting_gradient"],
        [omegas[n], 1, 2 * entry.J]
      ).reduce(0) { $0 + $1.1 * spectrum.column($1.0).values[n]!.error }
      #expect(rest.length <= 2 * error + 1e-8 * flows.length, "omega = \(omegas[n])")
      #expect(error < 1e-3 * max(flows.length, 1e-3))
    }
  }

  /// With impurities on the sites and the whole ladder, the gradient of its rungs included, the spin is conserved on
  /// a polar lattice too; bare loops lose it. On the honeycomb lattice other loops would take contours.
  @Test(arguments: [(5, 0, 0.3), (4, 1, 0.3)] + (areTestsLong ? [(4, 0, 0.3), (2, 0, 0.14)] : []))
  func ladderConservesSpin(_ state: (index: Int, j: Int, gamma: Double)) async throws {
    let entry = Self.cases[state.index]
    let names = ["s_canting_full", "X_full", "j_s.xx.canting_uniform"]
    let omega = 0.3
    let spectrum = try await SpectrumRequest(
      model: entry.crystal(), mu: entry.mu, temperature: entry.temperature,
      lifetime: .site(state.gamma),
      omegas: [omega], directions: Directions(i: 0, j: state.j),
      columns: [Dressing.bare, .ladder].flatMap { dressing in
        names.map { .init(response: Response($0)!, dressing: dressing) }
      }, diagrams: shippedDiagrams(), tolerance: 1e-3, threads: 2
    ).spectrum()
    #expect(spectrum.failures.isEmpty)
    for dressing in [Dressing.bare, .ladder] {
      let columns = names.map { spectrum.column($0, dressing) }
      let s = spectrum.full(names[0], dressing, 0).multiplied(by: omega)
      let torque = spectrum.full(names[1], dressing, 0)
      let current = columns[2].values[0]!.dynamic
      let rest = (s + .i * current - .i * torque).length
      let error = zip([omega, 1, 1], columns).reduce(0) { $0 + $1.0 * $1.1.values[0]!.error }
      if dressing == .ladder {
        #expect(rest <= 2 * error && error < 1e-3 * s.length, "\(rest) \(error) \(s)")
      } else {
        #expect(rest > 0.5 * s.length)
      }
      for column in columns.prefix(2) {
        #expect(column.staticPart!.length <= column.values[0]!.error, "gauge invariance")
      }
    }
  }

  /// v_m/v_0 = 2 i J K'_Sigma^xy/(omega sigma) of all bands and v_nm/v_0 = 2 i J K'_s^xx/(omega sigma), with the
  /// file's loops.
  @Test func torques() async throws {
    let entry = Self.cases[5]
    let rows = entry.rows.filter { $0["omega"]!.list[0] > 0 }
    let request = try SpectrumRequest(
      model: entry.crystal(), mu: entry.mu, temperature: entry.temperature,
      lifetime: .constant(entry.Gamma), omegas: rows.map { $0["omega"]!.list[0] },
      directions: Directions(i: 0, j: 0), columns: bareColumns(["sigma"]),
      diagrams: shippedDiagrams(), tolerance: 1e-6, threads: 2)
    let sigma = try await request.spectrum().column("sigma")
    let torque = try await request.torque(impurities: nil, relaxation: 0, withCanting: true)
    for (kind, key) in [(TorqueKind.mFull, "Sigma'.xy"), (.nCanting, "s'.xx")] {
      let column = try #require(
        torque.columns.first { $0.kind == kind && $0.route == "constant.bare" })
      for (n, row) in rows.enumerated() {
        let found = try #require(column.values[n])
        let loop: ComplexDouble = .i * row[key]!.complex
        let factor = 2 * entry.J / request.omegas[n]
        let expected = loop.multiplied(by: factor) / sigma.values[n]!.dynamic
        #expect((found.value - expected).length <= found.error + 1e-9, "\(kind) \(n)")
        #expect(found.error < 1e-4 * expected.length)
      }
    }
  }
}
