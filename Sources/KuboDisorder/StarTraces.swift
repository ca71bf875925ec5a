// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneSums

/// What fills the slots of a ``StarTable``, eight stars at once in C or, for models with long hops,
/// point by point.
package enum StarTraces: Sendable {
  /// `add(frame, weight, slots)` adds a point's traces times `weight` to the slots of its star.
  case frames(
    slotCount: Int,
    add: @Sendable (_ frame: Frame, _ weight: Double, _ slots: UnsafeMutablePointer<Double>) -> Void
  )
  /// On a contour (of step 0 the real zone): slots of a program, then 1 and cos(theta) if there are any.
  case bands(TraceProgram, BandContour, stored: [Int])
  case polynomials(PolynomialProgram, BandContour)

  var slotCount: Int {
    switch self {
    case .frames(let count, _): count
    case .bands(_, _, let stored): stored.isEmpty ? 0 : stored.count + 2
    case .polynomials(let program, _): program.slotCount
    }
  }

  /// What the C loops on displaced zones take; nil if they cannot be continued to complex k.
  var kind: ZoneKind? {
    switch self {
    case .frames: nil
    case .bands: ZONE_SCBA
    case .polynomials: ZONE_SITE
    }
  }

  /// No traces, energies alone.
  package static func energies(_ model: Model, _ impurities: Impurities) -> StarTraces {
    let operations = ReciprocalOperation.withoutInversion(model.energySymmetries())
    guard TraceProgram.canEvaluate(LoopWeights([], known: []), model, operations) else {
      return .frames(slotCount: 0) { _, _, _ in }
    }
    // Without traces one image is enough.
    let program = TraceProgram(
      model, directions: Directions(i: 0, j: 0), operations: Array(operations.prefix(1)),
      vertices: [])
    switch impurities {
    case .scba: return .bands(program, .realZone(model), stored: [])
    case .site:
      return .polynomials(
        PolynomialProgram(program, loops: [], slotCount: 0),
        .realZone(model))
    }
  }
}

/// The loops of ``SublatticeLoops`` for `zone_polynomials`.
package final class PolynomialProgram: Sendable {
  /// The vertices of a loop, numbers of the crystal's, whether its coefficients are imaginary, and
  /// the slot of each choice of numerators, or nil.
  struct Loop {
    package let vertices: [Int]
    package let isImaginary: Bool
    package let slots: [Int?]
  }

  private let crystal: TraceProgram
  let slotCount: Int
  private let sizes, vertices, targets, isImaginary: [Int32]

  init(_ crystal: TraceProgram, loops: [Loop], slotCount: Int) {
    self.crystal = crystal
    self.slotCount = slotCount
    sizes = loops.map { Int32($0.vertices.count) }
    vertices = loops.flatMap { loop in
      (0..<Int(ZONE_LARGEST_LOOP)).map {
        Int32($0 < loop.vertices.count ? loop.vertices[$0] : 0)
      }
    }
    targets = loops.flatMap { loop in
      (0..<Int(ZONE_LOOP_CODES)).map { $0 < loop.slots.count ? Int32(loop.slots[$0] ?? -1) : -1 }
    }
    isImaginary = loops.map { $0.isImaginary ? 1 : 0 }
  }

  /// Stars of a contour, as in `StarBuffer.Table`; T and eta etabar as [re, im][star], the slots
  /// [block][slot][re, im][star].
  package struct Table {
    package let blocks: Int
    package let hopping, square, slots, weights: [Double]
    package var stars: Int { blocks * Int(ZONE_BLOCK) }
  }

  /// How many images the weights of a table are to be multiplied with.
  package var operationCount: Int { crystal.operationCount }

  /// The table of the stars in `buffer`, the points displaced by a contour.
  package func table(_ buffer: StarBuffer, _ contour: some DisplacedZone) -> Table {
    let displaced = buffer.displaced(crystal, contour)
    let stars = displaced.blocks * Int(ZONE_BLOCK)
    var hopping = [Double](repeating: 0, count: 2 * stars)
    var square = hopping
    var slots = [Double](repeating: 0, count: 2 * stars * slotCount)
    sizes.withUnsafeBufferPointer { sizes in
      vertices.withUnsafeBufferPointer { vertices in
        targets.withUnsafeBufferPointer { targets in
          isImaginary.withUnsafeBufferPointer { isImaginary in
            var loops = ZoneLoops(
              loop_count: Int32(sizes.count), slot_count: Int32(slotCount),
              size: sizes.baseAddress, vertices: vertices.baseAddress,
              targets: targets.baseAddress, is_imaginary: isImaginary.baseAddress,
              is_real: contour.displacement.step == 0 ? 1 : 0)
            withUnsafePointer(to: crystal.program) {
              zone_polynomials(
                $0, &loops, displaced.blocks, displaced.points, displaced.weights, &slots, &hopping,
                &square)
            }
          }
        }
      }
    }
    return Table(
      blocks: displaced.blocks, hopping: hopping, square: square, slots: slots,
      weights: displaced.weights)
  }
}
