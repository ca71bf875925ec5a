// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// Whether the Wannier functions of both spins are the same functions, as a transverse spin needs, which joins the up and the down
/// state of each orbital.
///
/// Two runs of Wannier90 do not promise it: functions that are maximally localised for each spin are mixed and numbered anew, and have any
/// signs. What can be seen of that without the functions themselves, in docs/wannier.md:
///
///     r_a = |Delta_a|/|H0_a|,   H0 = (H^up + H^down)/2,  Delta = (H^up - H^down)/2
///
/// over the hops of orbital a that lead off its site, |M_a|^2 = sum_b,R |<0 a|M|R b>|^2, dimensionless. Hops hardly depend on the spin if
/// the functions are the same; r = 1 if they have nothing to do with each other. Signs that differ are taken out first, and told.
public struct WannierAlignment: Sendable, Equatable {
  /// Names of the orbitals.
  public let names: [String]
  /// How far the centres of both spins are from each other, in Angstrom.
  public let distances: [Double]
  /// r_a of each orbital with the signs of ``turned``; 0 without hops.
  public let ratios: [Double]
  /// The same of all hops together.
  public let ratio: Double
  /// Orbitals whose sign differs between the spins from that of most others: turning it makes hops of both spins alike.
  public let turned: [Int]

  /// The largest r_a that passes. Aligned functions have r = 0.03 (NiO, d and p), unrelated ones 1 (bcc Fe, localised
  /// apart: 0.87 to 1.3); the limit is the geometric mean. r = 0.2 is a hop that differs by 40 % between the spins, or an orbital
  /// turned by some 20 degrees.
  public static let ratioLimit = 0.2
  /// The largest distance of centres that passes, in Angstrom. The model's orbital stands midway, so that what is wrong is half of it, 2 % of
  /// a bond of 2.5 Angstrom.
  public static let distanceLimit = 0.1
  /// Closer than any two atoms, in Angstrom: on a site exchange may be as it likes.
  private static let siteRadius = 0.6

  /// Compares both spins of a model in three dimensions, in Angstrom.
  /// - Parameter distances: between the centres of both spins of each orbital.
  init(_ model: OrbitalModel, distances: [Double]) {
    let n = model.orbitals.count
    names = model.orbitals.map(\.name)
    self.distances = distances
    let (places, vectors) = (
      model.orbitals.map { SIMD3($0.position) }, model.latticeVectors.map { SIMD3($0) }
    )
    // Sums over the hops of each pair: |H0|^2 and |Delta|^2.
    var mean = [Double](repeating: 0, count: n * n)
    var difference = mean
    for (r, cell) in model.cells.enumerated() {
      let shift = (0..<3).reduce(SIMD3<Double>.zero) { $0 + Double(cell[$1]) * vectors[$1] }
      let (up, down) = (model.elements[0][r], model.elements[1][r])
      for b in 0..<n {
        for a in 0..<n {
          let x = shift + places[b] - places[a]
          guard (x * x).sum() > WannierAlignment.siteRadius * WannierAlignment.siteRadius else {
            continue
          }
          let e = a + n * b
          mean[e] += (up[e] + down[e]).lengthSquared / 4
          difference[e] += (up[e] - down[e]).lengthSquared / 4
        }
      }
    }
    // Re sum H^up* H^down = |H0|^2 - |Delta|^2 of each pair. One orbital after the other gets the sign that makes its hops to those before
    // it alike, most strongly bound first, so that a layer whose signs all differ is seen as well. What is less than 1 % of its hops may be
    // noise.
    var pulls = [Double](repeating: 0, count: n)
    var signs = pulls
    for _ in 0..<n {
      let next = (0..<n).filter { signs[$0] == 0 }.max { abs(pulls[$0]) < abs(pulls[$1]) }!
      let strength = (0..<n).reduce(0) { $0 + mean[next + n * $1] + difference[next + n * $1] }
      signs[next] = pulls[next] < -1e-4 * strength ? -1 : 1
      for b in 0..<n { pulls[b] += signs[next] * (mean[b + n * next] - difference[b + n * next]) }
    }
    let minority = signs.reduce(0, +) < 0 ? 1.0 : -1
    turned = signs.indices.filter { signs[$0] == minority }
    // With these signs H^down_ab is turned, which exchanges H0 and Delta.
    for e in mean.indices where signs[e % n] != signs[e / n] {
      swap(&mean[e], &difference[e])
    }
    func ratio(_ elements: some Sequence<Int>) -> Double {
      let (d, h) = elements.reduce((0.0, 0.0)) { ($0.0 + difference[$1], $0.1 + mean[$1]) }
      return d == 0 ? 0 : (d / h).squareRoot()
    }
    ratios = (0..<n).map { a in ratio((0..<n).map { a + n * $0 }) }
    self.ratio = ratio(mean.indices)
  }

  /// Why transverse responses of the model would mean nothing, a line each; none if they are right.
  public var faults: [String] {
    func list(_ orbitals: [Int], _ value: ((Int) -> Double)? = nil) -> String {
      let shown = orbitals.prefix(4).map { a in
        value.map { "\(names[a]) \(significant($0(a), digits: 3))" } ?? names[a]
      }
      let more = orbitals.count > 4 ? " and \(orbitals.count - 4) more" : ""
      return shown.joined(separator: ", ") + more
    }
    let far = names.indices.filter { distances[$0] > WannierAlignment.distanceLimit }
    let unlike = names.indices.filter { !(ratios[$0] <= WannierAlignment.ratioLimit) }
    var lines: [String] = []
    if !far.isEmpty {
      lines.append(
        "centres of both spins differ by more than \(WannierAlignment.distanceLimit) angstrom: \(list(far) { distances[$0] })"
      )
    }
    if !unlike.isEmpty {
      lines.append(
        "hops of both spins are not alike, |Delta|/|H0| above \(WannierAlignment.ratioLimit): \(list(unlike) { ratios[$0] })"
      )
    }
    if !turned.isEmpty {
      lines.append("the sign of \(list(turned)) is another for up than for down")
    }
    return lines
  }

  /// What to do where there are faults.
  public static let advice = """
    make the functions of both spins from the same projections alone: num_iter = 0, and the same frozen window or no dis_ keywords \
    for both (docs/wannier.md)
    """
}
