// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboFiles
import KuboLattice
import KuboOrbitals
import KuboTestSupport
import Testing

/// Averages over one point of each star are those over all points.
@Suite struct ImpuritySymmetryTests {
  /// The model with amplitudes of one spin changed by 1e-12 or so and phases of that size, so that it has no symmetry but the identity.
  private func unsymmetric(_ model: OrbitalModel) throws -> OrbitalModel {
    let n = model.orbitals.count
    var hops: [OrbitalModel.Hop] = []
    for (r, cell) in model.cells.enumerated() {
      // The partners of hops to earlier cells are implied.
      if cell.lexicographicallyPrecedes(cell.map { -$0 }) { continue }
      let isHome = cell.allSatisfy { $0 == 0 }
      for b in 0..<n {
        for a in 0..<(isHome ? b : n) {
          let (up, down) = (model.elements[0][r][a + n * b], model.elements[1][r][a + n * b])
          guard up != .zero || down != .zero else { continue }
          hops.append(.init(from: a, to: b, cell: cell, up: up, down: down))
        }
      }
    }
    for m in hops.indices {
      let change = 1e-12 * Double(m + 1)
      hops[m].up = hops[m].up * ComplexDouble(1 + change, change)
    }
    return try OrbitalModel(
      name: model.name, latticeVectors: model.latticeVectors, orbitals: model.orbitals, hops: hops)
  }

  /// Impurities that are alike on all orbitals or not, with spins; directions that reflections keep, turn round or exchange.
  @Test(
    arguments: ["ferromagnet", "ferrimagnet", "altermagnet", "lieb", "kagome"]
      + (areTestsLong ? ["bcc"] : []),
    [Directions(i: 0, j: 0), Directions(i: 0, j: 1)])
  func averages(_ name: String, _ directions: Directions) async throws {
    let model = try ModelFile.read(path: "\(repository)/data/models/\(name).yaml").orbitalModel()
    let plain = try unsymmetric(model)
    let n = model.orbitals.count
    #expect(model.energySymmetries().count > 3)
    #expect(plain.energySymmetries().count == 1)
    let ones = [Double](repeating: 1, count: n)
    let first = (0..<n).map { $0 == 0 ? 1.0 : 0 }
    let loops: [ImpurityLoop] = Spin.allCases.flatMap { u in
      [
        .plain(.transverse(u, .spin(ones))), .plain(.transverse(u, .torque(first))),
        .plain(.longitudinal(u, .gauge)), .plain(.longitudinal(u, .velocity)), .relaxation(u),
        .damping(u),
      ]
    }
    let pairs: [(z1: ComplexDouble, z2: ComplexDouble, isAdvanced: Bool)] = [
      (.init(-0.7, 0.4), .init(0.2, 0.3), false), (.init(0.1), .init(0.5), true),
      (.init(-0.3, 0.2), .init(-0.3, 0.2), false),
    ]
    for step in [0, 0.1] {
      let impurities = OrbitalImpurities(
        scalar: (0..<n).map { 0.3 + step * Double($0) },
        longitudinal: ones.map { 0.05 * $0 }, transverse: ones.map { 0.04 * $0 })
      func values(_ model: OrbitalModel) async throws -> [ComplexDouble] {
        try await ImpuritySpectrum.loops(
          loops, model, impurities, directions: directions, isDressed: true,
          divisions: model.dimension == 3 ? 12 : 24, pairs: pairs
        ).flatMap { $0.values + $0.statics }
      }
      let (stars, all) = (try await values(model), try await values(plain))
      let largest = all.map(\.length).max()!
      #expect(largest > 1e-3)
      for (m, (a, b)) in zip(stars, all).enumerated() {
        #expect((a - b).length < 1e-10 * largest, "\(m): \(a) and \(b)")
      }
    }
  }

  /// Strong impurities next to the edge of a band, where what rounding adds to the self-energies of equal orbitals would grow
  /// from step to step: each step keeps them equal.
  @Test(arguments: [ComplexDouble(-8.0015, 0.0284), ComplexDouble(-8.0352, 4.4e-6)])
  func equalOrbitals(_ z: ComplexDouble) async throws {
    let model = try ModelFile.read(path: "\(repository)/data/models/altermagnet.yaml")
      .orbitalModel()
    let zero = [0.0, 0]
    let impurities = OrbitalImpurities(scalar: [10, 10], longitudinal: zero, transverse: zero)
    let stars = try await OrbitalSelfEnergies(model, impurities, at: z, threads: 2)
    let all = try await OrbitalSelfEnergies(try unsymmetric(model), impurities, at: z, threads: 2)
    #expect(stars.divisions < 200)
    for (a, b) in zip(stars.up + stars.down, all.up + all.down) {
      #expect((a - b).length <= stars.error + all.error + 1e-9)
    }
    #expect((stars.up[0] - stars.down[1]).length <= 1e-14 * stars.up[0].length)
    #expect((stars.up[0] - stars.up[1]).length > 1e-3)
  }
}

/// Cells that hold a crystal's cell several times have its point symmetries once.
@Test func symmetriesOfLargeCells() throws {
  let orbitals = (0..<4).map {
    OrbitalModel.Orbital(
      name: "\($0)", position: [Double($0)], exchange: $0 % 2 == 0 ? 0.5 : -0.5)
  }
  let hops = (0..<4).map {
    OrbitalModel.Hop(from: $0, to: ($0 + 1) % 4, cell: [$0 == 3 ? 1 : 0], up: -1, down: -1)
  }
  let chain = try OrbitalModel(
    name: "chain", latticeVectors: [[4]], orbitals: orbitals, hops: hops)
  #expect(chain.energySymmetries().count == 2)
}
