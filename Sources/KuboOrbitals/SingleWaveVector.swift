// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops

extension CollinearRequest {
  /// The responses at one wave vector, not averaged: K(0), then K(omega) of each frequency.
  package func values(reduced f: [Double]) -> [[ComplexDouble]] {
    let terms = responses.map(\.response.terms)
    let loops = terms.joined().map(\.loop).unique
    let size = model.energyBound + abs(mu)
    let own = CollinearLoops(
      loops, omegas: omegas, mu: mu,
      line: FermiLogarithm(
        temperature: temperature, broadening: broadening,
        reach: size + (omegas.map(abs).max() ?? 0)))
    let matrices = BlochMatrices(model, directions)
    let sums = BlochMatrices.Sums(matrices)
    var values = own.noValues
    var memory = CollinearLoops.Memory(own, matrices.count)
    for (axis, f) in f.dropLast().enumerated() { sums.sum(axis, atReduced: f) }
    sums.line(atReduced: [f.last!]) { _, blocks in own.add(blocks, matrices, to: &values, &memory) }
    return terms.map { terms in
      func row(_ row: Int) -> ComplexDouble {
        terms.reduce(.zero) { sum, term in
          sum + term.factor * values.values[loops.firstIndex(of: term.loop)! * own.rows + row]
        }
      }
      return [row(0)] + omegas.enumerated().map { row(0) + row($0 + 1).multiplied(by: $1) }
    }
  }
}
