// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import RealModule

/// The traces of a set of diagrams at one k, sorted by the bubble that each multiplies.
///
/// Diagrams that differ only in which bands their vertices may join share the traces: a *skeleton*
/// is the list of operators and frequencies, and each sum is a skeleton with the band labels it
/// keeps.
package struct LoopWeights: Sendable {
  /// One sum of diagrams that wants a number of its own.
  package struct Sum: Sendable {
    package let measured: MeasuredOperator
    package let spin: (measured: SpinComponent, field: SpinComponent)
    package let diagrams: [Diagram]
    /// The bands a and c that the measured vertex joins, tr[O P_a ... P_c], if only those count.
    package var ends: (a: Band, c: Band)? = nil
    /// The band labels that count; nil for all.
    package var share: BandShare? = nil
    /// Replaces the measured operator O by c u rho_3, u the spin left of it: between unequal bands
    /// P^u_c O P^u'_a = phi_O(k) P^u_c rho_3 P^u'_a with phi_Sigma = 1 and phi_s = c u cos(theta),
    /// so this is the loop of s with 1 in place of cos(theta_k); docs/ladder.md.
    package var hasUnitVertex = false

    package init(
      measured: MeasuredOperator, spin: (measured: SpinComponent, field: SpinComponent),
      diagrams: [Diagram]
    ) {
      self.measured = measured
      self.spin = spin
      self.diagrams = diagrams
    }
  }

  struct Share: Sendable {
    package let sum: Int
    package let factor: Double
    /// Bit b is set if the band labels with code b are kept.
    package let bands: UInt16
    /// The product of the Pauli matrix elements for the loop that starts with spin up, down.
    package let phase: (up: ComplexDouble, down: ComplexDouble)
  }

  struct Skeleton: Sendable {
    package let operators: [VertexOperator]
    package let parity: Int
    /// The bubble of each code of band labels; bit m of the code is the band of propagator m.
    package let bubbles: [Int]
    package var shares: [Share]
  }

  /// The bubbles that occur.
  package let bubbles: [Bubble]
  package let sumCount: Int
  private(set) var skeletons: [Skeleton] = []

  /// Sorts the diagrams of `sums`; `known` are bubbles that get the first indices.
  package init(_ sums: [Sum], known: [Bubble]) {
    var bubbles = known
    var index = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
    sumCount = sums.count
    var found: [String: Int] = [:]
    for (n, sum) in sums.enumerated() {
      for diagram in sum.diagrams {
        let measured = sum.hasUnitVertex ? VertexOperator.staggeredSpin : sum.measured.vertex
        let operators = diagram.vertices.map { $0.vertexOperator ?? measured }
        let plus = diagram.propagators.filter { $0 == .innerPlusExternal }.count
        let key = operators.map(\.key).joined(separator: " ") + " \(plus)"
        if found[key] == nil {
          let size = operators.count
          let codes = (0..<(1 << size)).map { code -> Int in
            let bands = (0..<size).map { Band(rawValue: code >> $0 & 1)! }
            let bubble = Bubble(plus: Array(bands[..<plus]), inner: Array(bands[plus...]))
            if index[bubble] == nil {
              index[bubble] = bubbles.count
              bubbles.append(bubble)
            }
            return index[bubble]!
          }
          found[key] = skeletons.count
          skeletons.append(
            Skeleton(
              operators: operators, parity: operators.reduce(1) { $0 * $1.parity }, bubbles: codes,
              shares: []))
        }
        skeletons[found[key]!].shares.append(
          Share(
            sum: n, factor: Double(diagram.sign) * diagram.prefactor,
            bands: LoopWeights.keptBands(diagram, ends: sum.ends, share: sum.share),
            phase: (
              LoopWeights.phase(operators, sum, .up), LoopWeights.phase(operators, sum, .down)
            )
          ))
      }
    }
    self.bubbles = bubbles
  }

  /// Adds weight * tr[V_1 P_1 ... V_n P_n] at the frame's k to `sums[sum * bubbles.count + bubble]`,
  /// and the moduli of the terms of the trace to `magnitudes` if given: they set the scale of rounding
  /// also where a trace vanishes by symmetry.
  ///
  /// With `isPaired`, the frame stands for the pair k, -k, whose traces are complex conjugates up
  /// to the parity of the number of derivatives.
  package func add(
    _ frame: Frame, weight: Double, isPaired: Bool,
    to sums: UnsafeMutablePointer<ComplexDouble>, magnitudes: UnsafeMutablePointer<Double>?
  ) {
    withUnsafeTemporaryAllocation(of: Matrix2.self, capacity: 8 + 8) { scratch in
      let projected = scratch.baseAddress!  // V_m P_m, two bands for each of up to four vertices
      let products = projected + 8
      let projectors = (
        frame.projector(.up, .bonding), frame.projector(.up, .antibonding),
        frame.projector(.down, .bonding), frame.projector(.down, .antibonding)
      )
      // Indices rather than iterators: the threads would contend for the reference counts.
      for k in skeletons.indices {
        let size = skeletons[k].operators.count
        for start in Spin.allCases {
          // tr[V_1 P_1 ... V_n P_n]: V_1 stands to the right of P_n, whose spin is `start`.
          var left = start
          for m in 0..<size {
            let right = skeletons[k].operators[m].pauli == .unit ? left : left.flipped
            let matrix = skeletons[k].operators[m].matrix(frame, left, right)
            projected[2 * m] = matrix * (right == .up ? projectors.0 : projectors.2)
            projected[2 * m + 1] = matrix * (right == .up ? projectors.1 : projectors.3)
            left = right
          }
          // products[code]: V_1 P_1 ... V_(n-1) P_(n-1) for the bands of the first n - 1.
          products[0] = projected[0]
          products[1] = projected[1]
          for m in 1..<(size - 1) {
            let half = 1 << m
            for code in stride(from: half - 1, through: 0, by: -1) {
              products[code + half] = products[code] * projected[2 * m + 1]
              products[code] = products[code] * projected[2 * m]
            }
          }
          let last = 1 << (size - 1)
          for code in 0..<(2 * last) {
            let product = products[code & (last - 1)]
            let closing = projected[2 * (size - 1) + (code >= last ? 1 : 0)]
            let full = Matrix2.trace(product, closing)
            let trace = isPaired ? part(full, skeletons[k].parity) : full
            let bubble = skeletons[k].bubbles[code]
            for n in skeletons[k].shares.indices
            where skeletons[k].shares[n].bands >> UInt16(code) & 1 == 1 {
              let slot = skeletons[k].shares[n].sum * bubbles.count + bubble
              let phases = skeletons[k].shares[n].phase
              let factor = weight * skeletons[k].shares[n].factor
              sums[slot] += ((start == .up ? phases.up : phases.down) * trace)
                .multiplied(by: factor)
              if let magnitudes {
                magnitudes[slot] += abs(factor) * Matrix2.traceMagnitude(product, closing)
              }
            }
          }
        }
      }
    }
  }

  @inline(__always)
  private func part(_ z: ComplexDouble, _ parity: Int) -> ComplexDouble {
    parity == 1 ? ComplexDouble(z.real) : ComplexDouble(0, z.imaginary)
  }

  /// Whether every sum is one over all bands of operators that know none: a function of the
  /// Hamiltonian, which varies with k as fast as that and as propagators do, whatever the gap is.
  package var isBandFree: Bool {
    skeletons.allSatisfy { skeleton in
      let all = UInt16((1 << (1 << skeleton.operators.count)) - 1)
      return skeleton.operators.allSatisfy { $0.form != .anomalous }
        && skeleton.shares.allSatisfy { $0.bands == all }
    }
  }

  /// The indices of the bubbles that some diagram keeps.
  package var keptBubbles: [Int] {
    var kept: Set<Int> = []
    for skeleton in skeletons {
      for (code, bubble) in skeleton.bubbles.enumerated()
      where skeleton.shares.contains(where: { $0.bands >> UInt16(code) & 1 == 1 }) {
        kept.insert(bubble)
      }
    }
    return kept.sorted()
  }

  /// The codes of band labels that all vertices of `diagram` allow.
  static func keptBands(_ diagram: Diagram, ends: (a: Band, c: Band)?, share: BandShare?)
    -> UInt16
  {
    let size = diagram.vertices.count
    var kept: UInt16 = 0
    for code in 0..<(1 << size) {
      let allowed = diagram.vertices.enumerated().allSatisfy { m, vertex in
        let before = code >> ((m + size - 1) % size) & 1
        let after = code >> m & 1
        return switch vertex.bands {
        case .any: true
        case .equal: before == after
        case .unequal: before != after
        }
      }
      let isAmongEnds =
        ends.map { code & 1 == $0.a.rawValue && code >> (size - 1) & 1 == $0.c.rawValue } ?? true
      if allowed && isAmongEnds && share?.keeps(code, of: size) ?? true {
        kept |= 1 << UInt16(code)
      }
    }
    return kept
  }

  /// The product of the Pauli matrix elements along the loop, with the sign of a unit vertex.
  private static func phase(_ operators: [VertexOperator], _ sum: Sum, _ start: Spin)
    -> ComplexDouble
  {
    let product = phase(operators, sum.spin, start)
    guard sum.hasUnitVertex, let c = sum.ends?.c else { return product }
    return product.multiplied(by: c.sign * start.sign)
  }

  /// The product of the Pauli matrix elements along the loop, and of -i for each vertex per gradient.
  package static func phase(
    _ operators: [VertexOperator], _ spin: (measured: SpinComponent, field: SpinComponent),
    _ start: Spin
  ) -> ComplexDouble {
    var left = start
    var product = ComplexDouble.one
    for vertex in operators {
      if vertex.isPerGradient { product *= ComplexDouble(0, -1) }
      guard vertex.pauli != .unit else { continue }
      var component = vertex.pauli == .field ? spin.field : spin.measured
      if vertex.pauli == .measuredTurned {
        if component == .y { product = -product }
        component = component == .x ? .y : .x
      }
      // sigma^x = [[0, 1], [1, 0]], sigma^y = [[0, -i], [i, 0]].
      if component == .y { product *= ComplexDouble(0, left == .up ? -1 : 1) }
      left = left.flipped
    }
    return product
  }
}
