// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import Testing

/// Models of matrices <0 a|H|R b>.
@Suite struct OrbitalModelTests {
  static let orbitals = [
    OrbitalModel.Orbital(name: "A", position: [0], energy: 0.1, exchange: 0.4),
    OrbitalModel.Orbital(name: "B", position: [0.3], exchange: -0.4),
  ]
  static let hops = try! OrbitalModel(
    name: "m", latticeVectors: [[1]], orbitals: orbitals,
    hops: [
      .init(from: 0, to: 1, cell: [0], up: -1, down: ComplexDouble(-0.9)),
      .init(from: 1, to: 0, cell: [1], up: ComplexDouble(0.2, 0.1), down: ComplexDouble(0.3, 0.1)),
    ])

  static func model(
    cells: [[Int]] = [[1], [0], [-1]], _ change: (inout [[ComplexDouble]]) -> Void = { _ in }
  ) throws(OrbitalError) -> OrbitalModel {
    func matrices(_ level: Double, _ t: Double, _ far: Double) -> [[ComplexDouble]] {
      let z = ComplexDouble(far, 0.1)
      return [
        [0, z, 0, 0],
        [ComplexDouble(0.1 - level), ComplexDouble(t), ComplexDouble(t), ComplexDouble(level)],
        [0, 0, z.conjugate, 0],
      ]
    }
    var down = matrices(-0.4, -0.9, 0.3)
    change(&down)
    return try OrbitalModel(
      name: "m", latticeVectors: [[1]],
      // Levels are those of the matrices.
      orbitals: orbitals.map { .init(name: $0.name, position: $0.position) }, cells: cells,
      up: matrices(0.4, -1, 0.2), down: down)
  }

  @Test func matricesAndHops() throws {
    #expect(try OrbitalModelTests.model() == OrbitalModelTests.hops)
    // To rounding; the mean with the conjugate is exactly Hermitian.
    let rounded = try OrbitalModelTests.model { $0[0][1].real += 3e-16 }
    #expect(rounded.elements[1][0][2] == rounded.elements[1][2][1].conjugate)
  }

  @Test func refusals() throws {
    func refusal(
      cells: [[Int]] = [[1], [0], [-1]], _ change: (inout [[ComplexDouble]]) -> Void = { _ in }
    ) -> String {
      do throws(OrbitalError) {
        _ = try OrbitalModelTests.model(cells: cells, change)
        return "none"
      } catch {
        return "\(error.place) \(error)"
      }
    }
    #expect(
      refusal { $0[2][2].real = 0.301 }
        == "cell(2) found (0.301, -0.1) from A to B in [-1]; expected (0.3, -0.1), the conjugate of the way back"
    )
    #expect(refusal { $0[1][0].imaginary = 1 }.hasPrefix("cell(1) found (0.5, 1.0) from A to A"))
    #expect(
      refusal(cells: [[1], [0], [2]])
        == "cell(0) found the cell [1] without its negative; expected both")
    #expect(
      refusal(cells: [[1], [0], [1]])
        == "cell(2) found the cell [1] a second time; expected each cell once"
    )
    #expect(
      refusal(cells: [[1], [0], [-1, 0]])
        == "cell(2) found the cell [-1, 0]; expected 1 integers of magnitude 2000 or less")
    #expect(refusal { $0[0][0].real = .nan }.hasPrefix("cell(0) found 4 elements, or too large"))
    #expect(refusal { $0[0].removeLast() }.hasPrefix("cell(0) found 3 elements, or too large"))
  }
}
