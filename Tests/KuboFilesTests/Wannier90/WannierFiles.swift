// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import KuboTestSupport

/// Files as Wannier90 writes them, of matrices <0 a|H|R b> on a 3^3 Wigner-Seitz cell.
struct WannierFiles {
  var latticeVectors = [[3.1, 0.2, 0], [-0.3, 2.9, 0.1], [0, 0.4, 4.2]]
  var centres = [[0.1, -0.2, 0.3], [1.4, 1.3, 2.2]]
  var cells: [[Int]] = []
  /// At a + n b.
  var matrices: [[ComplexDouble]] = []
  var degeneracies: [Int] = []
  var count: Int { centres.count }

  /// Two orbitals with hops to all neighbours; `spin` changes each of them by some per cent.
  init(spin: Double = 0, exchange: Double = 0, isLayer: Bool = false) {
    var generator = SeededGenerator(7)
    let z = isLayer ? [0] : [-1, 0, 1]
    for x in -1...1 {
      for y in -1...1 { for z in z { cells.append([x, y, z]) } }
    }
    let n = count
    func uniform() -> Double { Double.random(in: -1...1, using: &generator) }
    let random = cells.map { cell in
      let decay = exp(-Double(cell.reduce(0) { $0 + $1 * $1 }))
      return (0..<n * n).map { _ in
        ComplexDouble(uniform(), 0.3 * uniform()).multiplied(by: decay * (1 + spin * uniform()))
      }
    }
    for (r, cell) in cells.enumerated() {
      let partner = cells.firstIndex(of: cell.map { -$0 })!
      var matrix = (0..<n * n).map { e in
        random[r][e] + random[partner][e / n + n * (e % n)].conjugate
      }
      if r == partner {
        for a in 0..<n { matrix[a + n * a] += ComplexDouble(a == 0 ? exchange : -exchange) }
      }
      matrices.append(matrix)
      degeneracies.append(cell.contains(0) ? 1 : 2)
    }
  }

  /// Fortran's E15.8, or D15.8.
  private func exponential(_ x: Double, _ letter: String = "E") -> String {
    guard x != 0 else { return " 0.00000000\(letter)+00" }
    let parts = String(format: "%.7e", abs(x)).split(separator: "e")
    let digits = parts[0].replacing(".", with: "")
    let exponent = Int(parts[1])! + 1
    let power = (exponent < 0 ? "-" : "+") + String(format: "%02d", abs(exponent))
    return (x < 0 ? "-" : " ") + "0.\(digits)\(letter)\(power)"
  }

  private var counts: String {
    var text = String(format: "%12d\n%12d\n", count, cells.count)
    for start in stride(from: 0, to: cells.count, by: 15) {
      let line = degeneracies[start..<min(start + 15, cells.count)]
      text += line.map { String(format: "%5d", $0) }.joined() + "\n"
    }
    return text
  }

  private func cell(_ r: Int) -> String { cells[r].map { String(format: "%5d", $0) }.joined() }

  /// `_hr.dat`, of matrices times degeneracies.
  var hr: String { hr(format: "%12.6f") }

  /// The same with another format of numbers.
  func hr(format: String) -> String {
    var text = " written on  1Jan2026 at 12:00:00\n" + counts
    for r in cells.indices {
      for e in 0..<count * count {
        let z = matrices[r][e].multiplied(by: Double(degeneracies[r]))
        text +=
          cell(r) + String(format: "%5d%5d", e % count + 1, e / count + 1)
          + String(format: format + format + "\n", z.real, z.imaginary)
      }
    }
    return text
  }

  /// `_tb.dat`.
  func tb(_ letter: String = "E") -> String {
    var text = " written on  1Jan2026 at 12:00:00\n"
    for v in latticeVectors {
      text += v.map { String(format: "%24.16f", $0) }.joined() + "\n"
    }
    text += counts
    func pair(_ e: Int) -> String { String(format: "%5d%5d   ", e % count + 1, e / count + 1) }
    for r in cells.indices {
      text += "\n\(cell(r))\n"
      for e in 0..<count * count {
        let z = matrices[r][e].multiplied(by: Double(degeneracies[r]))
        text += "\(pair(e))\(exponential(z.real, letter)) \(exponential(z.imaginary, letter)) \n"
      }
    }
    for r in cells.indices {
      text += "\n\(cell(r))\n"
      for e in 0..<count * count {
        let isCentre = cells[r] == [0, 0, 0] && e % count == e / count
        text += pair(e)
        for i in 0..<3 {
          let x = isCentre ? centres[e % count][i] : 0.01 * Double(e + i)
          text += "\(exponential(x, letter)) \(exponential(0, letter)) "
        }
        text += "\n"
      }
    }
    return text
  }

  /// `_wsvec.dat`: the shifts of each element that `shifts` says.
  func wsvec(_ shifts: (_ cell: [Int], _ a: Int, _ b: Int) -> [[Int]]) -> String {
    var text = "## written on  1Jan2026 at 12:00:00  with use_ws_distance=.true.\n"
    func line(_ numbers: [Int]) -> String {
      numbers.map { String(format: "%5d", $0) }.joined() + "\n"
    }
    for r in cells.indices {
      for a in 0..<count {
        for b in 0..<count {
          let own = shifts(cells[r], a, b)
          text += line(cells[r] + [a + 1, b + 1]) + line([own.count])
          text += own.map(line).joined()
        }
      }
    }
    return text
  }

  var win: String {
    """
    num_wann = \(count)  ! functions
    Fermi_Energy : 1.5d0
    # a comment with begin unit_cell_cart
    Begin Unit_Cell_Cart
    Bohr
    \(latticeVectors.map { $0.map { String(format: "%.16f", $0 / 0.529177210903) }.joined(separator: " ") }.joined(separator: "  ! a vector\n"))
    END unit_cell_cart
    begin atoms_cart
    Mn  0.1 -0.2 0.3
    O   1.4 1.3 2.2
    end atoms_cart
    begin projections
    Mn: d
    end projections
    """
  }

  var xyz: String {
    let lines = centres.map { "X  " + $0.map { String(format: "%14.8f", $0) }.joined() }
    return "\(count + 2)\n Wannier centres\n" + lines.joined(separator: "\n")
      + "\nMn 0.1 -0.2 0.3\nO  1.4 1.3 2.2\n"
  }

  /// The orbital gets the opposite sign.
  mutating func turn(_ orbital: Int) {
    for r in matrices.indices {
      for e in 0..<count * count where (e % count == orbital) != (e / count == orbital) {
        matrices[r][e] = -matrices[r][e]
      }
    }
  }

  /// The numbers of the orbitals go round.
  mutating func rotateOrbitals() {
    let n = count
    matrices = matrices.map { m in
      (0..<n * n).map { e in m[(e % n + 1) % n + n * ((e / n + 1) % n)] }
    }
    centres = (0..<n).map { centres[($0 + 1) % n] }
  }
}
