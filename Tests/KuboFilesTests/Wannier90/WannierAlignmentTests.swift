// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import KuboFiles
import Testing

/// Orbitals that are not the same for both spins are noticed.
@Suite struct WannierAlignmentTests {
  static func model(_ change: (inout WannierFiles) -> Void) throws -> WannierModel {
    var down = WannierTests.down
    change(&down)
    return try WannierTests.model(["up_tb.dat": WannierTests.up.tb(), "down_tb.dat": down.tb()])
  }

  @Test func aligned() throws {
    let alignment = try #require(try WannierAlignmentTests.model { _ in }.alignment)
    // Each hop differs by up to 5 %, |Delta|/|H0| by half of that.
    #expect(alignment.ratio > 0.002 && alignment.ratio < 0.025)
    #expect(alignment.ratios.allSatisfy { $0 < 0.025 } && alignment.distances == [0, 0])
    #expect(alignment.faults.isEmpty && alignment.turned.isEmpty)
  }

  @Test(arguments: [0, 1]) func oppositeSign(_ orbital: Int) throws {
    let alignment = try #require(try WannierAlignmentTests.model { $0.turn(orbital) }.alignment)
    // Of two orbitals nobody can tell which.
    #expect(alignment.turned.count == 1)
    #expect(alignment.faults.count == 1 && alignment.faults[0].hasPrefix("the sign of w"))
    #expect(alignment.ratios.allSatisfy { $0 < 0.025 })
  }

  @Test func otherOrder() throws {
    let read = try WannierAlignmentTests.model { $0.rotateOrbitals() }
    let alignment = try #require(read.alignment)
    #expect(alignment.faults.count >= 2)
    #expect(alignment.faults[0].hasPrefix("centres of both spins differ by more than 0.1 angstrom"))
    #expect(alignment.faults[1].hasPrefix("hops of both spins are not alike"))
    // Each spin keeps its own centres, for its own currents.
    let (up, down) = (WannierTests.up.centres, WannierTests.down.centres)
    #expect(read.model.orbitals.map(\.position) == up)
    #expect(read.model.orbitals.map(\.downPosition) == down.reversed())
    #expect(read.summary.contains("transverse responses mean nothing here; make the functions"))
  }

  /// Both spins are given the mean of centres that are close.
  @Test func nearCentres() throws {
    let read = try WannierAlignmentTests.model { $0.centres[1][2] += 0.06 }
    #expect(read.alignment?.faults == [])
    #expect(abs(read.alignment!.distances[1] - 0.06) < 1e-8)
    let orbital = read.model.orbitals[1]
    #expect(orbital.position == orbital.downPosition && abs(orbital.position[2] - 2.23) < 1e-8)
    let far = try WannierAlignmentTests.model { $0.centres[1][2] += 0.2 }
    #expect(
      far.alignment?.faults == ["centres of both spins differ by more than 0.1 angstrom: w2 0.2"])
  }

  /// Three orbitals: the one whose sign differs is named, although it is but a few per cent of the hops.
  @Test func whichSign() throws {
    func files(_ exchange: Double, sign: Double) -> WannierFiles {
      var files = WannierFiles()
      files.centres = [[0, 0, 0], [1.5, 0, 0], [0, 1.5, 2]]
      files.cells = [[-1, 0, 0], [0, 0, 0], [1, 0, 0]]
      files.degeneracies = [1, 1, 1]
      let home = [
        -exchange, 0.5, 0.03 * sign, 0.5, exchange, 0.02 * sign, 0.03 * sign, 0.02 * sign, 0,
      ]
      let side = [0.2, 0, 0, 0, 0.3, 0, 0, 0, -0.4]
      files.matrices = [side, home, side].map { $0.map { ComplexDouble($0) } }
      return files
    }
    for sign in [1.0, -1] {
      let read = try WannierTests.model([
        "up_tb.dat": files(0.7, sign: 1).tb(), "down_tb.dat": files(-0.7, sign: sign).tb(),
      ])
      let alignment = try #require(read.alignment)
      #expect(alignment.turned == (sign == 1 ? [] : [2]))
      #expect(
        alignment.faults == (sign == 1 ? [] : ["the sign of w3 is another for up than for down"]))
      #expect(alignment.ratios.allSatisfy { $0 < 0.2 })
    }
  }

  /// Two layers of three orbitals, bound to each other by a tenth of what binds them: all signs of one differ.
  @Test func layer() throws {
    func files(_ exchange: Double, sign: Double) -> WannierFiles {
      var files = WannierFiles()
      files.centres = [
        [0, 0, 0], [1.2, 0.8, 0], [2.4, 1.6, 0], [0, 0, 2], [1.2, 0.8, 2], [2.4, 1.6, 2],
      ]
      (files.cells, files.degeneracies) = ([[0, 0, 0]], [1])
      let matrix = (0..<36).map { (e: Int) -> ComplexDouble in
        let (a, b) = (e % 6, e / 6)
        if a == b { return ComplexDouble(a < 3 ? -exchange : exchange) }
        return ComplexDouble((a < 3) == (b < 3) ? 1 : 0.1 * sign)
      }
      files.matrices = [matrix]
      return files
    }
    for sign in [1.0, -1] {
      let read = try WannierTests.model([
        "up_tb.dat": files(0.7, sign: 1).tb(), "down_tb.dat": files(-0.7, sign: sign).tb(),
      ])
      let alignment = try #require(read.alignment)
      #expect(
        alignment.ratios.allSatisfy { $0 < 0.2 } && alignment.turned.count == (sign == 1 ? 0 : 3))
      #expect(alignment.faults.count == (sign == 1 ? 0 : 1))
    }
  }

  /// A centre that stands in another cell than the Hamiltonian's function.
  @Test func otherCell() throws {
    var right = WannierTests.up
    right.centres = [[0, 0, 0], [0.6, 0.4, 0.8]]
    // Those of one cell are strongest.
    for e in [1, 2] { right.matrices[13][e] = 2 }
    var moved = right
    moved.centres[1] = zip(moved.centres[1], moved.latticeVectors[0]).map { $0 - $1 }
    let files = ["up_hr.dat": right.hr, "up.win": right.win, "up_centres.xyz": moved.xyz]
    let read = try WannierTests.model(files, up: "up_hr.dat", down: nil, exchange: ["Mn": 1])
    #expect(
      read.notes.contains { $0.hasPrefix("the hops of Mn_1, Mn_2 lead, on average, nearer") },
      "\(read.notes)")
    let own = files.merging(["up_centres.xyz": right.xyz]) { $1 }
    let plain = try WannierTests.model(own, up: "up_hr.dat", down: nil, exchange: ["Mn": 1])
    #expect(!plain.notes.contains { $0.hasPrefix("the hops") })
  }
}
