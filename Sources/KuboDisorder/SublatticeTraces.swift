// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import KuboLattice
import KuboLoops

extension SublatticeLoops {
  /// What stands at a vertex of a loop: an operator of the diagram, or 1 or rho_3 with the same
  /// spin flip, which the ladder adds.
  package enum Corner: Hashable, Sendable {
    case bare(String)
    case one(flips: Bool)
    case rho3(flips: Bool)

    static func added(_ index: Int, flips: Bool) -> Corner {
      index == 0 ? .one(flips: flips) : .rho3(flips: flips)
    }
  }

  /// A loop of corners, of which the first `plus` propagators are at z1.
  struct Loop: Hashable, Sendable {
    package var corners: [Corner]
    package var plus: Int
  }

  /// zeta_1^a1 j_1^b1 zeta_2^a2 j_2^b2.
  struct Monomial: Sendable {
    let a1, b1, a2, b2: Int
  }

  static func monomials(p: Int, q: Int) -> [Monomial] {
    func powers(_ n: Int) -> [(Int, Int)] {
      (0...n).flatMap { a in (0...(n - a)).map { (a, $0) } }
    }
    return powers(p).flatMap { first in
      powers(q).map { Monomial(a1: first.0, b1: first.1, a2: $0.0, b2: $0.1) }
    }
  }

  /// The coefficients of the monomials at one k.
  struct Tracer: Sendable {
    /// The monomials of each loop, and where they begin among all.
    let monomials: [[Monomial]]
    package let start: [Int]
    package let count: Int
    /// Parity -1: the coefficients are imaginary.
    package let isImaginary: [Bool]
    /// For each loop the operators, nil for 1 and rho_3 of the ladder; the matrix then, and the
    /// spin right of each vertex.
    private let vertices: [[Vertex]]
    fileprivate typealias Vertex = (
      operator: VertexOperator?, constant: Matrix2, right: Spin, left: Spin
    )
    /// The monomial of each choice of zeta, j or h in the propagators: a number in base 3, the
    /// first propagator last.
    private let positions: [[Int]]

    init(_ loops: [Loop], operators: [String: VertexOperator]) {
      monomials = loops.map {
        SublatticeLoops.monomials(p: $0.plus, q: $0.corners.count - $0.plus)
      }
      var total = 0
      var start: [Int] = []
      for list in monomials {
        start.append(total)
        total += list.count
      }
      self.start = start
      count = total
      vertices = loops.map { loop in
        var left = Spin.up
        return loop.corners.map { corner in
          let vertex: (VertexOperator?, Matrix2, Bool) =
            switch corner {
            case .bare(let name): (operators[name]!, .one, operators[name]!.pauli != .unit)
            case .one(let flips): (nil, .one, flips)
            case .rho3(let flips): (nil, .rho3, flips)
            }
          let right = vertex.2 ? left.flipped : left
          defer { left = right }
          return (vertex.0, vertex.1, right, left)
        }
      }
      isImaginary = vertices.map { $0.reduce(1) { $0 * ($1.operator?.parity ?? 1) } == -1 }
      positions = loops.indices.map { l in
        let size = loops[l].corners.count
        let list = SublatticeLoops.monomials(p: loops[l].plus, q: size - loops[l].plus)
        return (0..<SublatticeLoops.power(3, size)).map { code in
          var powers = [0, 0, 0, 0]
          var rest = code
          for m in 0..<size {
            let kind = rest % 3
            rest /= 3
            if kind < 2 { powers[(m < loops[l].plus ? 0 : 2) + kind] += 1 }
          }
          return list.firstIndex { [$0.a1, $0.b1, $0.a2, $0.b2] == powers }!
        }
      }
    }

    /// The loops for `zone_polynomials`, if it can evaluate them; `slots` of the coefficients.
    package func program(
      _ model: Model, _ directions: Directions, slots: [Int: Int], slotCount: Int
    ) -> StarTraces? {
      let operations = ReciprocalOperation.withoutInversion(model.energySymmetries())
      var known: [TraceProgram.Vertex] = []
      let loops = vertices.indices.map { l in
        PolynomialProgram.Loop(
          vertices: vertices[l].map { corner in
            let vertex =
              corner.operator.map { TraceProgram.Vertex($0, model) }
              ?? TraceProgram.Vertex(
                corner.constant == .one ? .unit : .staggered, flips: corner.left != corner.right)
            if !known.contains(vertex) { known.append(vertex) }
            return known.firstIndex(of: vertex)!
          }, isImaginary: isImaginary[l], slots: positions[l].map { slots[start[l] + $0] })
      }
      guard known.count <= TraceProgram.largestVertexCount,
        loops.allSatisfy({ $0.vertices.count <= Int(ZONE_LARGEST_LOOP) }),
        TraceProgram.canEvaluate(LoopWeights([], known: []), model, operations)
      else { return nil }
      let crystal = TraceProgram(
        model, directions: directions, operations: operations, vertices: known)
      return .polynomials(
        PolynomialProgram(crystal, loops: loops, slotCount: slotCount),
        .realZone(model))
    }

    /// The loop that a coefficient belongs to.
    package func loop(of candidate: Int) -> Int { start.lastIndex { $0 <= candidate }! }

    /// Adds weight times the coefficients, for spin up at the start, at k and -k together: their
    /// real parts, or imaginary parts for parity -1.
    package func add(
      _ frame: Frame, _ weight: Double, to sums: UnsafeMutablePointer<Double>,
      magnitudes: UnsafeMutablePointer<Double>?
    ) {
      let h = Matrix2(frame.hopping, frame.etabar, frame.eta, frame.hopping)
      withUnsafeTemporaryAllocation(of: Matrix2.self, capacity: 12 + 27) { scratch in
        let factors = scratch.baseAddress!  // V times what may stand for the propagator right of it
        let products = factors + 12
        for l in vertices.indices {
          let size = vertices[l].count
          for m in 0..<size {
            let right = vertices[l][m].right
            let matrix =
              vertices[l][m].operator?.matrix(frame, vertices[l][m].left, right)
              ?? vertices[l][m].constant
            factors[3 * m] = matrix
            factors[3 * m + 1] = (-right.sign) * (matrix * Matrix2.rho3)
            factors[3 * m + 2] = (-1.0) * (matrix * h)
          }
          var codes = 3
          for kind in 0..<3 { products[kind] = factors[kind] }
          for m in 1..<(size - 1) {
            for code in stride(from: codes - 1, through: 0, by: -1) {
              let product = products[code]
              for kind in 0..<3 { products[kind * codes + code] = product * factors[3 * m + kind] }
            }
            codes *= 3
          }
          for kind in 0..<3 {
            let closing = factors[3 * (size - 1) + kind]
            for code in 0..<codes {
              let n = start[l] + positions[l][kind * codes + code]
              let trace = Matrix2.trace(products[code], closing)
              sums[n] += weight * (isImaginary[l] ? trace.imaginary : trace.real)
              if let magnitudes {
                magnitudes[n] += weight * Matrix2.traceMagnitude(products[code], closing)
              }
            }
          }
        }
      }
    }
  }

  fileprivate static func power(_ base: Int, _ exponent: Int) -> Int {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }
}
