// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboFiles
import KuboLattice
import KuboLoops
import KuboOrbitals
import KuboTestSupport
import KuboZoneIntegrals
import Testing

/// Model files with orbitals, and the shipped ones.
@Suite struct OrbitalFileTests {
  /// The shipped models of two sublattices written with orbitals are the same magnets; by which the file's form gives what the
  /// fast path gives (``TwoSublatticeTests``).
  @Test(arguments: ["chain", "square", "honeycomb", "narrow", "cubic"])
  func sublatticesAsOrbitals(_ name: String) throws {
    let model = OrbitalModel(try shippedModel(name))
    func list(_ numbers: [some CustomStringConvertible]) -> String {
      "[\(numbers.map(\.description).joined(separator: ", "))]"
    }
    var text = """
      name: \(name)
      description: a model
      source: a test
      units: {energy: t, length: a}
      parameters: {J: \(-model.orbitals[0].up)}
      defaults: {mu: 0, temperature: 0, lifetime: {constant: 0.1}}
      lattice: {vectors: \(list(model.latticeVectors.map(list)))}
      orbitals:
        - {name: A, position: \(list(model.orbitals[0].position)), exchange: J, staggered: 1}
        - {name: B, position: \(list(model.orbitals[1].position)), exchange: -J, staggered: -1}
      hops:

      """
    let home = [Int](repeating: 0, count: model.dimension)
    for (r, cell) in model.cells.enumerated() where !cell.lexicographicallyPrecedes(home) {
      for a in 0..<2 {
        for b in 0..<2 where cell != home || a < b {
          let amplitude = model.elements[0][r][a + 2 * b].real
          if amplitude != 0 {
            text +=
              "  - {from: \("AB".dropFirst(a).first!), to: \("AB".dropFirst(b).first!), cell: \(list(cell)), amplitude: \(amplitude)}\n"
          }
        }
      }
    }
    let read = try ModelFile.read(Array(text.utf8), path: "m.yaml").orbitalModel()
    #expect(read == model)
  }

  private func spectrum(
    _ name: String, _ names: [String], omegas: [Double], direction: (Int, Int) = (0, 0),
    broadening: Double = 0.1, tolerance: Double = 1e-6
  ) async throws -> [[Estimate]] {
    let model = try ModelFile.read(path: "\(repository)/data/models/\(name).yaml").orbitalModel()
    let spectrum = try await CollinearRequest(
      model: model, mu: -1.2, temperature: 0.02, broadening: broadening, omegas: omegas,
      directions: Directions(i: direction.0, j: direction.1),
      responses: names.map { ($0, try CollinearResponse($0, model)) }, tolerance: tolerance,
      threads: 2
    ).spectrum()
    #expect(spectrum.failures.isEmpty)
    return spectrum.columns.map { $0.values.map { $0 ?? Estimate(value: .zero, error: .nan) } }
  }

  /// One orbital, bare loops: K_s^xy/K_s^xx = (2 Gamma - i omega)/2 Delta, Delta = -J for levels -J up and J down, but for
  /// what poles in one half-plane add, 1e-3 at most here; T = Delta s; the polarisation is that of the two conductivities.
  @Test func ferromagnet() async throws {
    let omegas = [0.3, 1.4]
    let found = try await spectrum(
      "ferromagnet",
      ["s.xx.full", "s.xy.full", "T.xx.full", "T.xy.full", "P", "sigma.up", "sigma.down", "sigma"],
      omegas: omegas)
    let delta = -0.5
    for (n, omega) in omegas.enumerated() {
      let (xx, xy) = (found[0][n], found[1][n])
      let ratio = ComplexDouble(0.2, -omega).divided(by: 2 * delta)
      #expect((xy.value - xx.value * ratio).length <= 1e-3 * xy.value.length)
      #expect(xx.value.length > 0.01)
      #expect((found[2][n].value - xx.value.multiplied(by: delta)).length < 1e-9)
      #expect((found[3][n].value - xy.value.multiplied(by: delta)).length < 1e-9)
      let (up, down, both) = (found[5][n].value, found[6][n].value, found[7][n].value)
      #expect((both - up - down).length < 1e-9)
      let polarisation = found[4][n]
      let deviation = (polarisation.value * both - (up - down)).length
      #expect(deviation <= 1.5 * polarisation.error * both.length)
      #expect(found[4][n].value.length > 0.01)
    }
  }

  /// d-wave order, as k_x k_y: opposite currents of both spins across the field, and a torque along x there; along the field both
  /// spins are alike, and the torque lies along y.
  @Test func altermagnet() async throws {
    let names = ["T.xx.full", "T.xy.full", "sigma.up", "sigma.down"]
    let along = try await spectrum("altermagnet", names, omegas: [0.3], broadening: 0.3)
    let across = try await spectrum(
      "altermagnet", names, omegas: [0.3], direction: (1, 0), broadening: 0.3)
    func isZero(_ e: Estimate) -> Bool { e.value.length <= e.error && e.error < 1e-8 }
    func isClear(_ e: Estimate) -> Bool { e.value.length > 1e-3 && e.error < 1e-6 }
    #expect(isZero(along[0][0]) && isClear(along[1][0]))
    #expect(isClear(across[0][0]) && isZero(across[1][0]))
    #expect((along[2][0].value - along[3][0].value).length < 1e-8)
    #expect((across[2][0].value + across[3][0].value).length < 1e-8 && isClear(across[2][0]))
  }

  /// Responses of orbitals add up to those of all.
  @Test func orbitalsAddUp() async throws {
    for quantity in ["s", "T", "moment"] {
      let found = try await spectrum(
        "lieb",
        ["\(quantity).xy.full"] + ["O", "A", "B"].map { "\(quantity)[\($0)].xy.full" }
          + ["\(quantity)[O+A+B].xy.full"], omegas: [0.7], broadening: 0.4)
      let values = found.map { $0[0].value }
      #expect((values[1] + values[2] + values[3] - values[0]).length < 1e-8, "\(quantity)")
      #expect((values[4] - values[0]).length < 1e-8 && values[0].length > 1e-3)
    }
  }

  /// Sums over stars are those over all points: with unequal weights, which no symmetry keeps, the whole zone is summed.
  @Test(arguments: ["ferrimagnet", "lieb", "kagome", "bcc"]) func symmetries(_ name: String) throws
  {
    let model = try ModelFile.read(path: "\(repository)/data/models/\(name).yaml").orbitalModel()
    for (i, j) in [(0, 0), (0, 1)] {
      let found = model.symmetries(fixing: Directions(i: i, j: j)).count
      // Reflections and half turns that keep the axes, or their product.
      #expect(
        found
          == ["ferrimagnet": [4, 2], "lieb": [4, 2], "kagome": [4, 2], "bcc": [16, 4]][name]![
            i == j ? 0 : 1], "\(name) \(i) \(j): \(found)")
    }
    // A phase that no reflection keeps.
    var broken = model.orbitals[0]
    broken.position[0] += 0.1
    let odd = try OrbitalModel(
      name: "odd", latticeVectors: model.latticeVectors,
      orbitals: [broken] + model.orbitals.dropFirst(),
      hops: [
        .init(
          from: 0, to: 0, cell: model.dimension == 2 ? [1, 2] : [1, 2, 3], up: ComplexDouble(0, 1),
          down: 1)
      ])
    #expect(odd.symmetries(fixing: Directions(i: 0, j: 0)).count <= 2)
  }

  /// Electrons of a full band, and moments of a gapped ferromagnet.
  @Test func electrons() async throws {
    let file = try ModelFile.read(path: "\(repository)/data/models/ferromagnet.yaml")
    let model = try file.orbitalModel(setting: ["J": 100])
    let state = try await OrbitalState(model, mu: 0, temperature: 0, broadening: 0.1)
    // Lorentzian tails of levels at +-100, half-width 0.1, beyond mu.
    let tail = 0.1 / (.pi * 100)
    #expect(abs(state.up[0].value.real - (1 - tail)) < 1e-6)
    #expect(abs(state.down[0].value.real - tail) < 1e-6)
    let (up, down) = (state.gaps[0]!, state.gaps[1]!)
    #expect(up.bands == 1 && up.above == nil && abs(up.below! + 96) < 1e-9)
    #expect(down.bands == 0 && down.below == nil && abs(down.above! - 96) < 1e-9)
  }

  @Test func notes() throws {
    func notes(_ hops: [[Int]], _ orbitals: Int = 1) throws -> [String] {
      try OrbitalModel(
        name: "m", latticeVectors: [[1, 0], [0, 1]],
        orbitals: (0..<orbitals).map { .init(name: "a\($0)", position: [0, 0]) },
        hops: hops.map { .init(from: 0, to: 0, cell: $0, up: 1, down: 1) }
      ).connectionNotes
    }
    #expect(try notes([[1, 0], [0, 1]]).isEmpty)
    #expect(
      try notes([[1, 1], [1, -1]]) == [
        "the hops of a0 make 2 lattices that never meet; the cell may be too small"
      ])
    #expect(try notes([[1, 0]]) == ["the hops of a0 lead along 1 of 2 lattice directions"])
    #expect(
      try notes([[1, 0], [0, 1]], 2) == [
        "no hops join the orbitals a0 and a1",
        "the hops of a1 lead along 0 of 2 lattice directions",
      ])
  }
}
