// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboLattice
import KuboLoops
import KuboOrbitals
import KuboTestSupport
import Testing

/// Responses whose names do not matter.
func unnamed(
  _ responses: [CollinearResponse]
) -> [(name: String, response: CollinearResponse)] {
  responses.map { ("\($0)", $0) }
}

/// Twelve magnets of `data/reference/collinear.json`, whose loops come from a program of its own.
struct CollinearCase: Decodable, Sendable, CustomTestStringConvertible {
  struct Magnet: Decodable, Sendable {
    struct Cell: Decodable, Sendable {
      let R: [Int]
      let up, down: [[[Double]]]
    }
    let name: String
    let cell, positions: [[Double]]
    let hops: [Cell]

    func model() throws -> OrbitalModel {
      let n = positions.count
      let home = [Int](repeating: 0, count: cell.count)
      func element(_ m: [[[Double]]], _ a: Int, _ b: Int) -> ComplexDouble {
        ComplexDouble(m[a][b][0], m[a][b][1])
      }
      let own = hops.first { $0.R == home }!
      let orbitals = (0..<n).map { a -> OrbitalModel.Orbital in
        var orbital = OrbitalModel.Orbital(name: "\(a)", position: positions[a])
        (orbital.up, orbital.down) = (own.up[a][a][0], own.down[a][a][0])
        return orbital
      }
      // One of each pair R, -R, and of the matrix at R = 0 one triangle.
      let half = hops.filter { !$0.R.lexicographicallyPrecedes(home) }
      let list = half.flatMap { cell in
        (0..<n).flatMap { a in
          (0..<n).compactMap { b -> OrbitalModel.Hop? in
            let (up, down) = (element(cell.up, a, b), element(cell.down, a, b))
            guard cell.R != home || a < b, up != .zero || down != .zero else { return nil }
            return OrbitalModel.Hop(from: a, to: b, cell: cell.R, up: up, down: down)
          }
        }
      }
      return try OrbitalModel(name: name, latticeVectors: cell, orbitals: orbitals, hops: list)
    }
  }

  let model: Magnet
  let mu, Gamma, T: Double
  let omega: [Double]
  let direction_ij: [Int]
  let loops: [String: [[Double]]]
  let grid_error: [String: Double]

  var testDescription: String { model.name }

  static let all: [CollinearCase] = {
    struct File: Decodable { let cases: [CollinearCase] }
    let data = try! Data(contentsOf: URL(filePath: "\(repository)/data/reference/collinear.json"))
    return try! JSONDecoder().decode(File.self, from: data).cases
  }()

  /// As in `torque.orbital1.xy`.
  func response(_ key: String) -> CollinearResponse {
    let words = key.split(separator: ".").map(String.init)
    let n = model.positions.count
    if words[0] == "Pi" { return .current(words[1] == "up" ? .up : .down) }
    var p = [Double](repeating: 1, count: n)
    if words.count == 3 {
      let own = Int(words[1].dropFirst("orbital".count))!
      p = (0..<n).map { $0 == own ? 1 : 0 }
    }
    let component: SpinComponent = words.last == "xx" ? .x : .y
    switch words[0] {
    case "spin": return .spin(component, p)
    case "torque": return .torque(component, p)
    default: return .moment(component, p)
    }
  }

  func spectrum(
    _ responses: [CollinearResponse], tolerance: Double, omegas: [Double]? = nil, threads: Int = 2
  ) async throws -> CollinearSpectrum {
    try await CollinearRequest(
      model: model.model(), mu: mu, temperature: T, broadening: Gamma, omegas: omegas ?? omega,
      directions: Directions(i: direction_ij[0], j: direction_ij[1]), responses: unnamed(responses),
      tolerance: tolerance, threads: threads
    ).spectrum()
  }
}

@Suite struct CollinearReferenceTests {
  private static let cheap = ["ferromagnet, chain, one orbital", "4 orbitals, random, 2D, seed 7"]

  /// Each value within 1e-6 of the largest of its loop, besides what the reference's grid leaves.
  @Test(arguments: CollinearCase.all.filter { areTestsLong || cheap.contains($0.model.name) })
  func loops(_ reference: CollinearCase) async throws {
    let keys = reference.loops.keys.sorted()
    // K(0) is the static part.
    let omegas = reference.omega.filter { $0 > 0 }
    let spectrum = try await reference.spectrum(
      keys.map(reference.response), tolerance: 1e-6, omegas: omegas)
    for (key, column) in zip(keys, spectrum.columns) {
      let right = reference.loops[key]!.map { ComplexDouble($0[0], $0[1]) }
      let largest = right.map(\.length).max()!
      let grid = reference.grid_error[key]!
      for (value, omega) in zip(right, reference.omega) where omega > 0 {
        let quotient = column.quotients[omegas.firstIndex(of: omega)!]!
        let found = column.staticPart!.value + quotient.value.multiplied(by: omega)
        let off = (found - value).length
        // 1e-14 is what the reference leaves of zero.
        #expect(off <= 1e-6 * largest + grid + 1e-14, "\(key) \(omega): \(off) of \(largest)")
        let bound = column.staticPart!.error + quotient.error * omega
        #expect(off <= 1.5 * bound + grid + 1e-12, "\(key) \(omega): \(off), bound \(bound)")
      }
      // No response to a static uniform field.
      #expect(column.staticPart!.value.length <= column.staticPart!.error, "\(key)")
    }
  }

  /// Products of matrices give what sums over triples give, within the bound on rounding, down to the frequency from which on the
  /// latter serve; at omega = 0 they are the derivative.
  @Test(arguments: CollinearCase.all) func triples(_ reference: CollinearCase) throws {
    let model = try reference.model.model()
    let p = model.orbitals.indices.map { $0 == 0 ? 1.0 : 0.25 }
    let responses: [CollinearResponse] = [
      .spin(.x, p), .spin(.y, p), .torque(.x, p), .moment(.y, p), .current(.up), .conduction(.down),
    ]
    var loops: [CollinearLoop] = []
    for (_, loop) in responses.flatMap(\.terms) where !loops.contains(loop) { loops.append(loop) }
    let omegas = [0, 1e-4, 0.008, -0.05, 0.3, 1.7, 20]
    let own = omegas.count + 1
    let line = FermiLogarithm(
      temperature: reference.T, broadening: reference.Gamma, reach: model.energyBound + 30)
    let matrices = BlochMatrices(
      model, Directions(i: reference.direction_ij[0], j: reference.direction_ij[1]))
    var random = SeededGenerator(5)
    for _ in 0..<4 {
      let sums = BlochMatrices.Sums(matrices, turns: BlochMatrices.turns(997))
      let numbers = (0..<model.dimension).map { _ in Int.random(in: 0..<997, using: &random) }
      for (axis, n) in numbers.dropLast().enumerated() { sums.sum(axis, at: n) }
      func values(_ byTriples: Bool) -> CollinearLoops.Values {
        let bands = CollinearLoops(
          loops, omegas: omegas, mu: reference.mu, line: line, byTriples: byTriples)
        var values = bands.noValues
        var memory = CollinearLoops.Memory(bands, matrices.count)
        sums.line(at: [numbers.last!]) { bands.add($1, matrices, to: &values, &memory) }
        return values
      }
      let (fast, slow) = (values(false), values(true))
      for n in loops.indices { #expect(fast.values[n * own] == slow.values[n * own]) }
      for n in fast.values.indices where n % own > 0 {
        let allowed = fast.rounding[n] + slow.rounding[n] + 1e-13 * slow.sizes[n]
        let off = (fast.values[n] - slow.values[n]).length
        #expect(off <= allowed, "\(loops[n / own]) \(omegas[n % own - 1])")
        // Bounds that say nothing would let all pass.
        #expect(fast.rounding[n] <= 1e-8 * max(1, slow.sizes[n]))
      }
      for n in loops.indices {
        let (still, slow) = (fast.values[n * own + 1], fast.values[n * own + 2])
        #expect((still - slow).length <= 0.01 * (still.length + fast.sizes[n * own + 1]))
      }
    }
  }

  /// The number of threads changes no bit.
  @Test func threads() async throws {
    let reference = CollinearCase.all.first { $0.model.positions.count == 3 }!
    func spectrum(_ threads: Int) async throws -> CollinearSpectrum {
      try await reference.spectrum(
        [.spin(.y, [1, 0, 1])], tolerance: 1e-2, omegas: [0.3], threads: threads)
    }
    let (one, two) = (try await spectrum(1), try await spectrum(2))
    #expect(one.columns[0].quotients == two.columns[0].quotients)
  }
}
