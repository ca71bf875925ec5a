// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboFiles
import KuboLattice
import KuboOrbitals
import KuboTestSupport
import Testing

/// Bounds where a grid or rounding could be mistaken.
@Suite struct CollinearBoundTests {
  /// A one-orbital ferromagnet with t = 1, exchange 0.5, and a hop of some cells.
  private func chain(_ cells: Int = 2, _ amplitude: Double = 0) throws -> OrbitalModel {
    let far = OrbitalModel.Hop(
      from: 0, to: 0, cell: [cells], up: ComplexDouble(amplitude), down: ComplexDouble(amplitude))
    return try OrbitalModel(
      name: "chain", latticeVectors: [[1]],
      orbitals: [.init(name: "a", position: [0], exchange: 0.5)],
      hops: [.init(from: 0, to: 0, cell: [1], up: -1, down: -1), far])
  }

  /// Small far hops, whose second derivatives are not small: grids of 60, 96 and 120 points agreed to 1e-13 on K(0) = -5.3.
  @Test(arguments: [(480, 8e-5), (72, 3e-4), (36, 0.002)])
  func farHops(_ cells: Int, amplitude: Double) async throws {
    let spectrum = try await CollinearRequest(
      model: chain(cells, amplitude), mu: -0.7, temperature: 0, broadening: 1, omegas: [0.3],
      directions: Directions(i: 0, j: 0), responses: unnamed([.spin(.x, [1]), .current(.up)]),
      tolerance: 1e-6
    ).spectrum()
    #expect(spectrum.columns.allSatisfy { $0.staticPart!.value.length <= $0.staticPart!.error })
    #expect(spectrum.columns.allSatisfy { $0.staticPart!.error < 1e-8 })
    if cells == 480 {
      // Uniform grids of 4801 and 20000 points.
      let off = spectrum.columns[0].quotients[0]!.value - ComplexDouble(-0.00507, 0.01307)
      #expect(off.length < 1e-4)
    }
  }

  /// Narrow levels: what rounding leaves is no reason to refuse, and K(0) = 0 within its bound.
  @Test func narrowLevels() async throws {
    let spectrum = try await CollinearRequest(
      model: chain(), mu: -0.7, temperature: 0, broadening: 0.01, omegas: [0.05, 0.3, 1.7],
      directions: Directions(i: 0, j: 0), responses: unnamed([.spin(.x, [1]), .spin(.y, [1])]),
      tolerance: 1e-6
    ).spectrum()
    #expect(spectrum.columns.allSatisfy { $0.staticPart!.value.length <= $0.staticPart!.error })
  }
}

/// Nested adaptive integrals, which serve small Gamma, against sums over grids.
@Suite struct CollinearNestedTests {
  @Test(
    arguments: [("lieb", 0.1, 0)]
      + (areTestsLong
        ? [
          ("altermagnet", 0.4, 1), ("kagome", 0.2, 0), ("bcc", 0.5, 0), ("lieb", 0.03, 1),
          ("ferrimagnet", 0.05, 0),
        ] : []))
  func agree(_ name: String, broadening: Double, j: Int) async throws {
    let model = try ModelFile.read(path: "\(repository)/data/models/\(name).yaml").orbitalModel()
    let names = [
      "sigma.up", "sigma.down", "s.xx.full", "s.xy.full", "T[A].xy.full", "moment.xx.full",
    ]
    let request = CollinearRequest(
      model: model, mu: -1.2, temperature: 0.01, broadening: broadening, omegas: [0, 0.9],
      directions: Directions(i: 0, j: j),
      responses: try names.map { ($0, try CollinearResponse($0, model)) }, tolerance: 1e-4,
      threads: 2)
    let grid = try await CollinearSpectrum(request, isNested: false)
    let nested = try await CollinearSpectrum(request, isNested: true)
    #expect(grid.failures.isEmpty && nested.failures.isEmpty)
    #expect(nested.divisions == 0 && grid.divisions > 0)
    for (r, name) in names.enumerated() {
      let (a, b) = (grid.columns[r], nested.columns[r])
      for (x, y) in zip([a.staticPart] + a.quotients, [b.staticPart] + b.quotients) {
        let off = (x!.value - y!.value).length
        #expect(off <= 1.5 * (x!.error + y!.error), "\(name): \(off)")
        #expect(x!.error + y!.error <= 1e-3 * max(1, x!.value.length))
      }
    }
  }
}

/// What is refused, at once and with what was expected.
@Suite struct CollinearRefusalTests {
  private func refusal(
    broadening: Double = 0.1, temperature: Double = 0, omegas: [Double] = [0.1],
    direction: Int = 0, responses: [CollinearResponse] = [.current(.up)], tolerance: Double = 1e-3
  ) async throws -> String {
    let model = try CollinearCase.all[0].model.model()
    do {
      _ = try await CollinearRequest(
        model: model, mu: 0, temperature: temperature, broadening: broadening, omegas: omegas,
        directions: Directions(i: direction, j: 0), responses: unnamed(responses),
        tolerance: tolerance
      ).spectrum()
      return ""
    } catch { return "\(error)" }
  }

  @Test func requests() async throws {
    #expect(try await refusal() == "")
    #expect(
      try await refusal(broadening: 0) == "broadening: found 0.0; expected a number above 0")
    #expect(
      try await refusal(temperature: -1) == "temperature: found -1.0; expected a number, 0 or more")
    #expect(try await refusal(omegas: [.nan]).hasPrefix("omega: found nan; expected a finite"))
    #expect(
      try await refusal(direction: 1)
        == "direction: found yx; expected two of x, for a model in 1 dimensions")
    #expect(try await refusal(responses: []) == "responses: found none; expected at least one")
    #expect(
      try await refusal(responses: [.spin(.x, [1, 1])])
        == "weights of orbitals: found [1.0, 1.0]; expected 1 finite numbers")
    #expect(
      try await refusal(tolerance: 2) == "tolerance: found 2.0; expected a number between 0 and 1")
    // In three dimensions nested integrals would take too long as well.
    let bcc = try ModelFile.read(path: "\(repository)/data/models/bcc.yaml").orbitalModel()
    await #expect {
      _ = try await CollinearRequest(
        model: bcc, mu: 0, temperature: 0, broadening: 1e-6,
        omegas: (1...200).map { 0.02 * Double($0) }, responses: unnamed([.current(.up)])
      ).spectrum()
    } throws: {
      "\($0)".contains("the zone integral needs more than")
    }
  }

  @Test func models() throws {
    func refusal(_ hops: [OrbitalModel.Hop], position: [Double] = [0]) -> String {
      do throws(OrbitalError) {
        _ = try OrbitalModel(
          name: "m", latticeVectors: [[1]],
          orbitals: [.init(name: "a", position: position, energy: 0, exchange: 1)], hops: hops)
        return ""
      } catch { return "\(error.place) \(error)" }
    }
    func hop(_ cell: [Int], to: Int = 0) -> OrbitalModel.Hop {
      .init(from: 0, to: to, cell: cell, up: 1, down: 1)
    }
    #expect(refusal([hop([1])]) == "")
    #expect(
      refusal([hop([1]), hop([-1])])
        == "hop(1) found the Hermitian partner of hop 0; expected each hop once: its partner is implied"
    )
    #expect(
      refusal([hop([1]), hop([1])])
        == "hop(1) found hop 0 a second time; expected each hop once: its partner is implied")
    #expect(
      refusal([hop([0])])
        == "hop(0) found a hop from orbital a to itself; expected its level, `energy` of the orbital"
    )
    #expect(refusal([hop([1], to: 1)]) == "hop(0) found orbitals 0 and 1; expected indices below 1")
    #expect(
      refusal([hop([1, 0])]).hasPrefix("hop(0) found the cell [1, 0]; expected 1 integers"))
    #expect(
      refusal([], position: [0, 0])
        == "orbital(0) found the position [0.0, 0.0]; expected 1 numbers of magnitude below 1e100")
  }

  /// A square lattice without hops between its sublattices has none to put B.
  @Test func separateSublattices() throws {
    let model = try Model(
      name: "m", latticeVectors: [[1, 1], [1, -1]], interSublattice: [],
      intraSublattice: [Hop(vector: [1, 1], amplitude: 1), Hop(vector: [1, -1], amplitude: 1)],
      exchange: 0.5)
    #expect(OrbitalModel(model).cells.count == 5)
  }
}
