// SPDX-License-Identifier: GPL-3.0-or-later
import CZoneSums
import ComplexModule
import KuboLattice
import KuboLoops

/// The weights of closed forms among the traces that C evaluates, one wave vector after the other.
extension ZoneSum {
  /// The slots of the weights, which multiply the functions with these numbers, one for each band.
  func closedSlots(_ functions: [(band: Band, number: Int)]) -> [TraceProgram.Slot] {
    functions.filter { bands.contains($0.band) }.flatMap { function in
      closedForms.indices.map {
        TraceProgram.Slot(channel: 2 * (weights.sumCount + $0), function: function.number)
      }
    }
  }

  /// Adds the weights to these slots.
  func addClosed(
    _ functions: [(band: Band, number: Int)], _ program: TraceProgram,
    to table: inout StarBuffer.Table
  ) {
    guard !closedForms.isEmpty else { return }
    let places = functions.filter { bands.contains($0.band) }.map { function in
      (function.band, closedSlots([function]).map { program.slots.firstIndex(of: $0)! })
    }
    let (stars, block) = (table.stars, Int(ZONE_BLOCK))
    let operations = ReciprocalOperation.withoutInversion(symmetries)
    for n in 0..<stars {
      let jacobian = ComplexDouble(table.weights[n], table.weights[stars + n])
      guard jacobian != .zero else { continue }
      var (f, g) = (SIMD3<Double>.zero, SIMD3<Double>.zero)
      for a in 0..<model.dimension {
        f[a] = table.points[2 * a * stars + n]
        g[a] = table.points[(2 * a + 1) * stars + n]
      }
      for operation in operations {
        let frame = hamiltonian.frame(at: image(operation, f, g))
        for (band, slots) in places {
          for (closed, slot) in zip(closedForms, slots) {
            let value = jacobian * closed.form.weight(frame, band, closed.version)
            let at = (n / block * program.slots.count + slot) * 3 * block + n % block
            table.slots[at] += value.real
            table.slots[at + block] += value.imaginary
            table.slots[at + 2 * block] += value.length
          }
        }
      }
    }
  }

  /// The image of the reduced wave vector f + i g.
  func image(
    _ operation: ReciprocalOperation, _ f: SIMD3<Double>, _ g: SIMD3<Double> = .zero
  ) -> WaveVector {
    var (re, im) = (SIMD3<Double>.zero, SIMD3<Double>.zero)
    for (b, row) in zip(model.reciprocalVectors.map(packed), operation.rows) {
      for (c, entry) in row.enumerated() {
        re += b * (Double(entry) * f[c])
        im += b * (Double(entry) * g[c])
      }
    }
    return WaveVector(real: re, imaginary: im)
  }
}
