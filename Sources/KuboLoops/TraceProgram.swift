// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice

/// A Matsubara sum that cannot be taken apart further: g+_a g_c, or with one of the two twice.
package struct BubbleFunction: Hashable, Sendable {
  /// Which propagator stands twice.
  package enum Kind: Int, Sendable, CaseIterable {
    /// None, (a|c).
    case simple
    /// The one at i eps_n, (a|cc).
    case inner
    /// The one at i eps_n + i omega, (aa|c).
    case plus
  }

  package let a, c: Band
  package let kind: Kind

  package init(a: Band, c: Band, kind: Kind) {
    self.a = a
    self.c = c
    self.kind = kind
  }

  /// The function with the roles of the two frequencies exchanged: at -omega it is the complex
  /// conjugate of this one at omega.
  package var reversed: BubbleFunction {
    BubbleFunction(a: c, c: a, kind: kind == .inner ? .plus : kind == .plus ? .inner : .simple)
  }
}

/// The traces of ``LoopWeights``, prepared for `zone_traces`, which evaluates eight wave vectors at
/// once: each projector is a column times a row, so that a trace is a product of numbers.
///
/// Propagators of different bands at one frequency are taken apart,
/// g_+ g_- = (g_- - g_+)/(2 Delta), so that only ``BubbleFunction``s remain. What multiplies one of
/// them is sorted into *channels*, the real and the imaginary part at real k of each sum; each is a
/// real-analytic function of k.
package final class TraceProgram: @unchecked Sendable {
  /// A channel is 2 output, or 2 output + 1 for the imaginary part.
  package struct Slot: Hashable {
    package let channel, function: Int

    package init(channel: Int, function: Int) {
      self.channel = channel
      self.function = function
    }
  }

  /// What the table of traces holds, in the order of the channels.
  package let slots: [Slot]
  let channelCount: Int
  /// How many images `zone_traces` sums over.
  package let operationCount: Int
  /// The channel and the function of each slot.
  package let slotChannels, slotFunctions: [Int32]
  package private(set) var program: ZoneTraces
  private var integers: [UnsafeMutablePointer<Int32>] = []
  private var doubles: [UnsafeMutablePointer<Double>] = []

  package static let largestVertexCount = Int(ZONE_LARGEST_VERTEX)

  /// Whether `zone_traces` can evaluate these loops.
  package static func canEvaluate(
    _ weights: LoopWeights, _ model: Model, _ operations: [ReciprocalOperation]
  ) -> Bool {
    weights.skeletons.flatMap(\.operators).reduce(into: [VertexOperator]()) {
      if !$0.contains($1) { $0.append($1) }
    }.count <= largestVertexCount
      && weights.skeletons.allSatisfy { $0.operators.count <= 3 }
      && weights.bubbles.allSatisfy {
        (1...2).contains($0.plus.count) && (1...2).contains($0.inner.count)
      }
      && largest(exponents(model, operations)) <= ZONE_LARGEST_EXPONENT
  }

  /// The exponents of the hops between, then within the sublattices, for each operation: integer
  /// lattice vectors, since only differences of the hops between the sublattices matter.
  private static func exponents(_ model: Model, _ operations: [ReciprocalOperation]) -> [[[Int]]] {
    let origin = model.interSublattice.first?.vector ?? []
    let inter = model.interSublattice.map { hop in zip(hop.vector, origin).map { $0 - $1 } }
    let vectors = (inter + model.intraSublattice.map(\.vector)).map {
      model.coordinates($0).map { Int($0.rounded()) }
    }
    return operations.map { operation in
      var images = vectors.map(operation.transposed)
      // Centre those between the sublattices: small powers.
      for axis in 0..<model.dimension where !inter.isEmpty {
        let own = images[..<inter.count].map { $0[axis] }
        let middle = (own.min()! + own.max()!) / 2
        for n in inter.indices { images[n][axis] -= middle }
      }
      return images
    }
  }

  private static func largest(_ exponents: [[[Int]]]) -> Int32 {
    Int32(exponents.joined().joined().map(abs).max() ?? 0)
  }

  /// A share of a bubble: sign times the function with the number `function`, over 2 Delta if
  /// `isOverGap`.
  package struct Part {
    package let function: Int
    package let sign: Double
    var isOverGap = false

    package init(function: Int, sign: Double, isOverGap: Bool = false) {
      self.function = function
      self.sign = sign
      self.isOverGap = isOverGap
    }
  }

  /// The shares of `functions` in a bubble of two or three propagators.
  package static func parts(of functions: [BubbleFunction]) -> (Bubble) -> [Part] {
    let index = Dictionary(uniqueKeysWithValues: functions.enumerated().map { ($1, $0) })
    return { bubble in
      parts(bubble).compactMap { part in
        index[part.function].map {
          Part(function: $0, sign: part.sign, isOverGap: part.isOverGap)
        }
      }
    }
  }

  /// The traces of `weights`, sorted by the functions that are `parts` of their bubbles, summed over
  /// the images of a point under `operations`, and slots for further outputs, `others`; of the slots
  /// of traces those that `isWanted`.
  package init(
    _ weights: LoopWeights, model: Model, directions: Directions,
    operations: [ReciprocalOperation], parts: (Bubble) -> [Part], others: [Slot] = [],
    isWanted: (Slot) -> Bool = { _ in true }
  ) {
    struct Entry {
      let slot: Slot
      let factor: Double
      let isOverGap: Bool
    }
    operationCount = operations.count
    var vertices: [VertexOperator] = []
    var loops: [(size: Int, vertices: [Int], parity: Int)] = []
    var entries: [[Entry]] = []
    for skeleton in weights.skeletons {
      let size = skeleton.operators.count
      let own = skeleton.operators.map { operation -> Int in
        if let n = vertices.firstIndex(of: operation) { return n }
        vertices.append(operation)
        return vertices.count - 1
      }
      loops.append((size, own, skeleton.parity))
      for start in Spin.allCases {
        for code in 0..<8 {
          var list: [Entry] = []
          if code < 1 << size {
            let shares = parts(weights.bubbles[skeleton.bubbles[code]])
            for share in skeleton.shares where share.bands >> UInt16(code) & 1 == 1 {
              let phase = start == .up ? share.phase.up : share.phase.down
              // At odd parity the trace of the pair k, -k is i times the real-analytic function.
              let turned = skeleton.parity > 0 ? phase : phase * ComplexDouble.i
              for part in shares {
                for (channel, value) in [
                  (2 * share.sum, turned.real), (2 * share.sum + 1, turned.imaginary),
                ] where value != 0 && isWanted(Slot(channel: channel, function: part.function)) {
                  list.append(
                    Entry(
                      slot: Slot(channel: channel, function: part.function),
                      factor: share.factor * value * part.sign, isOverGap: part.isOverGap))
                }
              }
            }
          }
          entries.append(list)
        }
      }
    }
    let used = Set(entries.joined().map(\.slot)).union(others)
    slots = used.sorted { ($0.channel, $0.function) < ($1.channel, $1.function) }
    slotChannels = slots.map { Int32($0.channel) }
    slotFunctions = slots.map { Int32($0.function) }
    channelCount = (slots.map(\.channel).max() ?? -1) + 1
    let position = Dictionary(uniqueKeysWithValues: slots.enumerated().map { ($1, $0) })

    program = ZoneTraces()
    let exponents = setCrystal(
      model, directions, operations,
      vertices: vertices.map { Vertex($0, model) })
    program.slot_count = Int32(slots.count)
    program.loop_count = Int32(loops.count)
    program.loop_size = keep(loops.map { Int32($0.size) })
    program.loop_vertices = keep(
      loops.flatMap { loop in (0..<3).map { Int32($0 < loop.size ? loop.vertices[$0] : 0) } })
    program.loop_parity = keep(loops.map { Int32($0.parity) })
    var starts: [Int32] = [0]
    for list in entries { starts.append(starts.last! + Int32(list.count)) }
    program.entry_start = keep(starts)
    program.entry_slot = keep(entries.joined().map { Int32(position[$0.slot]!) })
    program.entry_factor = keep(entries.joined().map(\.factor))
    program.entry_over_gap = keep(entries.joined().map { $0.isOverGap ? 1 : 0 })
    // Operations that give the same traces as one before them count with it.
    var kept: [Int] = []
    var weights: [Double] = []
    for (m, same) in equivalentOperations(operations.count).enumerated() {
      if let n = kept.firstIndex(of: same) {
        weights[n] += 1
      } else {
        kept.append(m)
        weights.append(1)
      }
    }
    setOperations(kept.map { exponents[$0] }, weights)
  }

  /// What stands at a corner of a loop.
  package struct Vertex: Hashable {
    package let form: VertexOperator.Form
    package let flips: Bool
    package let factor: Double

    package init(_ form: VertexOperator.Form, flips: Bool, factor: Double = 1) {
      self.form = form
      self.flips = flips
      self.factor = factor
    }

    package init(_ operation: VertexOperator, _ model: Model) {
      self.init(
        operation.form, flips: operation.pauli != .unit,
        factor: operation.isTimesExchange ? operation.factor * model.exchange : operation.factor)
    }
  }

  /// No traces: energies alone, and vertices for `zone_polynomials`.
  package init(
    _ model: Model, directions: Directions, operations: [ReciprocalOperation], vertices: [Vertex]
  ) {
    operationCount = operations.count
    slots = []
    channelCount = 0
    slotChannels = []
    slotFunctions = []
    program = ZoneTraces()
    let exponents = setCrystal(model, directions, operations, vertices: vertices)
    setOperations(exponents, Array(repeating: 1, count: exponents.count))
  }

  /// Returns the exponents of the hops for each operation.
  private func setCrystal(
    _ model: Model, _ directions: Directions, _ operations: [ReciprocalOperation],
    vertices: [Vertex]
  ) -> [[[Int]]] {
    let exponents = TraceProgram.exponents(model, operations)
    let (inter, intra) = (model.interSublattice, model.intraSublattice)
    program.dimension = Int32(model.dimension)
    program.exchange = model.exchange
    program.inter_count = Int32(inter.count)
    program.intra_count = Int32(intra.count)
    program.largest_exponent = TraceProgram.largest(exponents)
    program.hops = keep(
      (inter + intra).flatMap { [$0.amplitude, $0.vector[directions.i], $0.vector[directions.j]] })
    program.vertex_count = Int32(vertices.count)
    program.vertex_matrix = keep(vertices.map(\.form.rawValue))
    program.vertex_flips = keep(vertices.map { $0.flips ? 1 : 0 })
    program.vertex_factor = keep(vertices.map(\.factor))
    setOperations(exponents, [])
    return exponents
  }

  private func setOperations(_ exponents: [[[Int]]], _ weights: [Double]) {
    program.operation_count = Int32(exponents.count)
    program.exponents = keep(
      exponents.joined().flatMap { m in (0..<3).map { $0 < m.count ? Int32(m[$0]) : 0 } })
    program.operation_weight = keep(weights)
  }

  /// For each operation the first one whose traces are the same everywhere: at some general real
  /// points, which is enough for analytic functions.
  private func equivalentOperations(_ count: Int) -> [Int] {
    let block = Int(ZONE_BLOCK)
    let dimension = Int(program.dimension)
    var f = [Double](repeating: 0, count: 2 * dimension * block)
    for n in 0..<block {
      for a in 0..<dimension {
        let x = Double(n + 1) * [0.754877666, 0.569840291, 0.438447187][a]
        f[2 * a * block + n] = x.truncatingRemainder(dividingBy: 1)
      }
    }
    let ones = [Double](repeating: 1, count: block) + [Double](repeating: 0, count: block)
    let hops = Int(program.inter_count + program.intra_count)
    var known: [(operation: Int, slots: [Double])] = []
    return (0..<count).map { m in
      var single = program
      single.operation_count = 1
      single.exponents = program.exponents + 3 * hops * m
      var unit = 1.0
      var values = [Double](repeating: 0, count: slots.count * 3 * block)
      var hopping = [Double](repeating: 0, count: 2 * block)
      var gap = hopping
      withUnsafePointer(to: &unit) {
        single.operation_weight = $0
        zone_traces(&single, 1, f, ones, &values, &hopping, &gap)
      }
      let same = known.first { other in
        slots.indices.allSatisfy { slot in
          (0..<block).allSatisfy { n in
            let at = slot * 3 * block + n
            return abs(values[at] - other.slots[at]) <= 1e-11 * values[at + 2 * block]
          }
        }
      }
      if let same { return same.operation }
      known.append((m, values))
      return m
    }
  }

  deinit {
    for p in integers { p.deallocate() }
    for p in doubles { p.deallocate() }
  }

  /// A bubble of two or three propagators as a sum of functions, some over 2 Delta = x_- - x_+.
  private static func parts(_ bubble: Bubble) -> [(
    function: BubbleFunction, sign: Double, isOverGap: Bool
  )] {
    let (plus, inner) = (bubble.plus, bubble.inner)
    switch (plus.count, inner.count) {
    case (1, 1): return [(BubbleFunction(a: plus[0], c: inner[0], kind: .simple), 1, false)]
    case (1, _) where inner[0] == inner[1]:
      return [(BubbleFunction(a: plus[0], c: inner[0], kind: .inner), 1, false)]
    case (_, 1) where plus[0] == plus[1]:
      return [(BubbleFunction(a: plus[0], c: inner[0], kind: .plus), 1, false)]
    case (1, _):
      return [Band.antibonding, .bonding].map {
        (BubbleFunction(a: plus[0], c: $0, kind: .simple), -$0.sign, true)
      }
    default:
      return [Band.antibonding, .bonding].map {
        (BubbleFunction(a: $0, c: inner[0], kind: .simple), -$0.sign, true)
      }
    }
  }

  private func keep(_ values: [Int32]) -> UnsafePointer<Int32> {
    let p = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, values.count))
    p.initialize(from: values, count: values.count)
    integers.append(p)
    return UnsafePointer(p)
  }

  private func keep(_ values: [Double]) -> UnsafePointer<Double> {
    let p = UnsafeMutablePointer<Double>.allocate(capacity: max(1, values.count))
    p.initialize(from: values, count: values.count)
    doubles.append(p)
    return UnsafePointer(p)
  }
}
