// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import RealModule

/// The contours for `site` impurities, whose bands E_s = T -+ Delta, Delta = (|eta|^2 + j^2)^(1/2), depend on
/// energy with the exchange j(z): they are those of the bands without impurities.
extension ContourSurvey {
  /// ``rate(_:_:)`` for `site`, from the zeros of u = zeta - E_s, of Delta, and of the two factors of P,
  /// c -+ (Delta_2 -+ Delta_1), c = zeta(z_2) - zeta(z_1); nil where the contours must not be used.
  ///
  /// No pole has been crossed on the way to them if at each node Im u keeps half of what it has at real
  /// k, or the way is too short to come to u = 0; if so does c - s (Delta_2 - Delta_1), the difference of
  /// one band at two energies; and, between the bands, by ``isOutside(_:margin:)``, where 2 Delta is off by
  /// the changes of j.
  package func siteRate(_ x1: DressedState, _ x2: DressedState? = nil) -> Double? {
    let exchange = contours[0].model.exchange
    let y1 = x2?.conjugate
    if let x2, let y1 {
      for (x, y) in [(x1.numbers, x2.numbers), (y1.numbers, x1.conjugate.numbers)] {
        let shift =
          (x.1 - ComplexDouble(exchange)).length + (y.1 - ComplexDouble(exchange)).length
        guard shift < 0.25 * gaps.lowerBound, isOutside((x.0 - y.0).real, margin: shift) else {
          return nil
        }
      }
    }
    let (first, second, advanced) = (x1.numbers, x2?.numbers, y1?.numbers)
    let conjugate = x1.conjugate.numbers
    var nearest = growthDistance
    for (s, own) in nodes.enumerated() {
      let sign = s == Band.antibonding.rawValue ? 1.0 : -1.0
      let isFree = own.withUnsafeBufferPointer { own in
        // Roots of complex numbers cost more than the rest.
        for n in stride(from: 0, to: own.count, by: 3) {
          let node = own[n]
          guard
            note(node, sign, exchange, first, second, &nearest),
            advanced.map({ note(node, sign, exchange, $0, conjugate, &nearest) }) ?? true
          else { return false }
        }
        return true
      }
      if !isFree { return nil }
    }
    return nearest
  }

  /// zeta and j of a `DressedState`.
  private typealias Numbers = (ComplexDouble, ComplexDouble)

  /// Takes the terms of 1/u at the energy x, with y as the other one, into account; false where a pole
  /// may have been crossed.
  @inline(__always)
  private func note(
    _ node: Node, _ sign: Double, _ exchange: Double, _ x: Numbers, _ y: Numbers?,
    _ nearest: inout Double
  ) -> Bool {
    let delta0 = node.gap.multiplied(by: 0.5)
    // T and eta etabar on the contour, and at real k.
    let hopping = node.energy - delta0.multiplied(by: sign)
    let square = delta0 * delta0 - ComplexDouble(exchange * exchange)
    let realDelta0 = (node.real[1] - node.real[0]) / 2
    let realHopping = (node.real[1] + node.real[0]) / 2
    let realSquare = ComplexDouble(realDelta0 * realDelta0 - exchange * exchange)

    let squared = square + x.1 * x.1
    guard squared.real > 0.1 * exchange * exchange else { return false }
    let delta = root(squared)
    let u = x.0 - hopping - delta.multiplied(by: sign)
    // Im u at real k is at most the first of these.
    if u.imaginary < 0.5 * (x.0.imaginary + abs(x.1.imaginary)) {
      let real =
        x.0 - ComplexDouble(realHopping)
        - root(realSquare + x.1 * x.1).multiplied(by: sign)
      guard u.imaginary >= 0.5 * real.imaginary || (u - real).length < 0.5 * real.length else {
        return false
      }
    }
    // The energies with j(z) lie within |j - J| of those with J.
    let shift = (x.1 - ComplexDouble(exchange)).length
    let range = energies[sign > 0 ? 1 : 0]
    Self.note(
      u, node.slope, node.curvature, node.stretch, node.cell,
      max(0, range.distance(to: x.0.real) - shift), &nearest)
    let size = delta.length
    Self.note(
      squared, size * node.gapSlope,
      size * node.gapCurvature + node.gapSlope * node.gapSlope / 2, node.stretch, 0, 0, &nearest)

    guard let y else { return true }
    let other = root(square + y.1 * y.1)
    let c = y.0 - x.0
    let same = c - (other - delta).multiplied(by: sign)
    if same.imaginary > 0.5 * (c.imaginary - abs(x.1.imaginary) - abs(y.1.imaginary)) {
      let change =
        root(realSquare + y.1 * y.1) - root(realSquare + x.1 * x.1)
      let real = c - change.multiplied(by: sign)
      guard same.imaginary <= 0.5 * real.imaginary || (same - real).length < 0.5 * real.length
      else { return false }
    }
    let ratio = (other - delta).length / min(other.length, size)
    Self.note(same, ratio * node.gapSlope, ratio * node.gapCurvature, node.stretch, 0, 0, &nearest)
    let far =
      gaps.distance(to: -sign * c.real) - shift - (y.1 - ComplexDouble(exchange)).length
    Self.note(
      c + (other + delta).multiplied(by: sign), node.gapSlope, node.gapCurvature, node.stretch,
      node.cell, max(0, far), &nearest)
    return true
  }
}

/// The square root with a real part that is not negative, far from overflow.
@inline(__always)
func root(_ z: ComplexDouble) -> ComplexDouble {
  let r = (z.real * z.real + z.imaginary * z.imaginary).squareRoot()
  let re = (0.5 * max(0, r + z.real)).squareRoot()
  if re == 0 { return ComplexDouble(0, (0.5 * max(0, r - z.real)).squareRoot()) }
  return ComplexDouble(re, 0.5 * z.imaginary / re)
}
