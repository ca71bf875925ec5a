// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboDiagrams
import Testing

/// Hops that do not join all cells of the lattice are refused, with the cell or the direction that is wrong.
@Suite struct HoppingGraphTests {
  static let h = 3.0.squareRoot() / 2
  static let square: [[Double]] = [[1, 0], [-1, 0], [0, 1], [0, -1]]
  static let cube: [[Double]] = [
    [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1],
  ]

  /// A lattice, its hops between and within the sublattices.
  struct Lattice: CustomTestStringConvertible {
    let testDescription: String
    let vectors, inter: [[Double]]
    var intra: [[Double]] = []

    init(_ name: String, _ vectors: [[Double]], _ inter: [[Double]], _ intra: [[Double]] = []) {
      (testDescription, self.vectors, self.inter, self.intra) = (name, vectors, inter, intra)
    }

    func model(_ vectors: [[Double]]? = nil, amplitude: Double = 1) throws -> Model {
      try Model(
        name: "m", latticeVectors: vectors ?? self.vectors,
        interSublattice: inter.map { Hop(vector: $0, amplitude: amplitude) },
        intraSublattice: intra.map { Hop(vector: $0, amplitude: 0.2) }, exchange: 0.5)
    }
  }

  /// Cells that are 1/index of the right one, whose vectors the message names.
  static let small: [(Lattice, index: Int, right: [[Double]])] = [
    (Lattice("chain", [[1]], [[1], [-1]], [[2]]), 2, [[2]]),
    (Lattice("chain in thirds", [[1]], [[1], [-2]], [[3], [-6]]), 3, [[3]]),
    (Lattice("square", [[1, 0], [0, 1]], square, [[1, 1], [1, -1]]), 2, [[1, 1], [1, -1]]),
    (Lattice("square, skew", [[1, 0], [7, 1]], square), 2, [[1, 1], [1, -1]]),
    (
      Lattice("square without t'", [[1, 0], [0, 1]], [], [[1, 1], [1, -1]]), 2, [[1, 1], [1, -1]]
    ),
    (
      Lattice("honeycomb", [[h, 0.5], [0, 1]], [[0, 1], [h, -0.5], [-h, -0.5]]), 3,
      [[h, 1.5], [2 * h, 0]]
    ),
    (
      Lattice(
        "oblique", [[0.5, 0], [-0.2, 0.6]], [[0.3, 0.4], [1.3, 0.4], [-0.1, 1.6], [-0.7, 0.4]]), 4,
      [[1, 0], [0.4, -1.2]]
    ),
    (
      Lattice("cubic", [[1, 0, 0], [0, 1, 0], [0, 0, 1]], cube), 2,
      [[1, 0, 1], [0, 1, 1], [1, 0, -1]]
    ),
    (
      // The determinant, computed with Python's integers.
      Lattice(
        "far hops", [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0.5, 0, 0]],
        [[983, -977, 971], [-967, 953, -947], [499, 991, -1]]), 8_047_392, []
    ),
  ]

  @Test(arguments: small)
  func cellTooSmall(_ lattice: Lattice, _ index: Int, _ right: [[Double]]) throws {
    // Hops of amplitude 0 make the same lattice.
    for amplitude in lattice.intra.isEmpty ? [1.0] : [1, 0] {
      let error = try #require(
        #expect(throws: ModelError.self) { try lattice.model(amplitude: amplitude) })
      #expect(error.place == .latticeVectors)
      #expect(
        error.found
          == "a cell \(index) times too small: its hops make \(index) lattices that never meet")
      let text = try #require(error.expected.firstRange(of: "the vectors ")).upperBound
      let named = try JSONDecoder().decode(
        [[Double]].self, from: Data(error.expected[text...].utf8))
      if !right.isEmpty { #expect(named == right) }
      // The hops are lattice vectors of the cell that the message names, and join all of its lattice.
      _ = try lattice.model(named, amplitude: amplitude)
    }
  }

  @Test(arguments: [
    (
      Lattice("molecules", [[2]], [[1]]), "no hops that lead from cell to cell",
      "hops that join all cells, in 1 dimension"
    ),
    (
      Lattice("chains", [[1, 1], [1, -1]], [[1, 0], [-1, 0]]),
      "hops that lead along [2.0, 0.0] but never along [0.0, 1.0]",
      "hops that join all cells, in 2 dimensions; chains apart are a model of fewer dimensions"
    ),
    (
      Lattice("oblique chains", [[2, 0], [1, 1]], [[0.5, 0]], [[3, 3], [-2, -2]]),
      "hops that lead along [1.0, 1.0] but never along [1.0, -1.0]",
      "hops that join all cells, in 2 dimensions; chains apart are a model of fewer dimensions"
    ),
    (
      Lattice("layers", [[1, 1, 0], [1, -1, 0], [0, 0, 1]], square.map { $0 + [0] }),
      "hops that lead along [1.0, 1.0, 0.0], [1.0, -1.0, 0.0] but never along [0.0, 0.0, 1.0]",
      "hops that join all cells, in 3 dimensions; layers apart are a model of fewer dimensions"
    ),
    (
      Lattice("rods", [[2, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 0, 0], [-1, 0, 0]]),
      "hops that lead along [2.0, 0.0, 0.0] but never along [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]",
      "hops that join all cells, in 3 dimensions; chains apart are a model of fewer dimensions"
    ),
  ]) func fewerDimensions(_ lattice: Lattice, _ found: String, _ expected: String) throws {
    let error = try #require(#expect(throws: ModelError.self) { try lattice.model() })
    #expect(error.place == .hops && error.found == found && error.expected == expected)
  }

  /// Hops within a sublattice alone join its cells; and limits in which hops vanish are as good as ever.
  @Test func areConnected() throws {
    let right = Lattice("", [[1, 1], [1, -1]], HoppingGraphTests.square, [[1, 1], [1, -1]])
    #expect(try right.model(amplitude: 0).interSublattice.count == 4)
    _ = try Lattice("", [[1, 1], [1, -1]], [], [[1, 1], [1, -1]]).model()
    _ = try Lattice("", [[2]], [[-1]], [[-2]]).model()
    // Connected by what remains of far hops alone: the greatest common divisor of 999 and 998.
    _ = try Lattice("", [[1]], [[0.5]], [[999], [998]]).model()
    for name in ["chain", "square", "honeycomb", "cubic", "narrow"] {
      _ = try shippedModel(name, ["t": 0])
      _ = try shippedModel(name, ["t_prime": 0])
    }
  }

  /// A thousand random far hops are one lattice or none, and no number overflows.
  @Test func manyFarHops() throws {
    var generator = SeededGenerator(11)
    for stride in [1, 2, 6] {
      var hops: Set<[Double]> = []
      while hops.count < 1000 {
        let n = (0..<3).map { _ in
          Double(stride * Int.random(in: -1000 / stride...1000 / stride, using: &generator))
        }
        if n.contains(where: { $0 != 0 }), !hops.contains(n.map { -$0 }) { hops.insert(n) }
      }
      let lattice = Lattice(
        "", [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0.5, 0.5, 0.5]], Array(hops))
      if stride == 1 {
        _ = try lattice.model()
      } else {
        let error = try #require(#expect(throws: ModelError.self) { try lattice.model() })
        #expect(error.found.hasPrefix("a cell \(stride * stride * stride) times too small"))
      }
    }
  }

  static let shifted = square.map { [$0[0] + 0.3, $0[1] - 0.2] }
  static let honeycomb: [[Double]] = [[0, 1], [h, -0.5], [-h, -0.5]]

  /// Hops, and which of them lack a mirror image that most have.
  static let mirrored: [(hops: [[Double]], lacking: [Int])] = [
    (square, []), (square.dropLast(), [2]), (Array(square.dropFirst()), [0]),
    (cube.dropLast(), [4]), ([], []),
    // The honeycomb from two origins, and with hops of the third neighbours.
    (honeycomb, []), ([[0, 0], [h, -1.5], [-h, -1.5]], []),
    (honeycomb + [[0, -2], [2 * h, 1], [-2 * h, 1]], []),
    // The square from another origin, whole and with one hop forgotten of its second shell.
    (shifted, []), (shifted + [[2.3, 0.8], [-1.7, -1.2], [2.3, -1.2]], [6]),
  ]

  @Test(arguments: mirrored) func mirrorImages(_ inter: [[Double]], _ lacking: [Int]) throws {
    let vectors: [[Double]] =
      inter.first?.count == 3
      ? [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
      : inter.contains { abs($0[0]) == HoppingGraphTests.h }
        ? [[2 * HoppingGraphTests.h, 0], [HoppingGraphTests.h, 1.5]] : [[1, 1], [1, -1]]
    let model = try Lattice("", vectors, inter, vectors).model()
    let found = model.hopsWithoutMirrorImage
    #expect(found.map(\.index) == lacking)
    // With its image each is whole.
    let whole = try Lattice("", vectors, inter + found.map(\.image), vectors).model()
    #expect(whole.hopsWithoutMirrorImage.isEmpty)
  }

  /// A chain of two distances has other amplitudes, not a hop too few.
  @Test func differentAmplitudesAreNoFault() throws {
    let model = try Model(
      name: "m", latticeVectors: [[1, 1], [1, -1]],
      interSublattice: HoppingGraphTests.square.enumerated().map {
        Hop(vector: $1, amplitude: $0 == 0 ? 0.5 : 1)
      }, intraSublattice: [], exchange: 0.5)
    #expect(model.hopsWithoutMirrorImage.isEmpty)
  }
}
