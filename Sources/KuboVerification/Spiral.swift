// SPDX-License-Identifier: GPL-3.0-or-later
import CLAPACK
import ComplexModule
import KuboLattice
import KuboLoops
import Quadrature
import RealModule

/// A collinear magnet whose axis turns along i with the pitch Q, n(r) = (sin Q r_i, 0, cos Q r_i), at one wave vector: one problem
/// of explicit 2n x 2n matrices in the frame that turns along, where the crystal is periodic,
///
///     U_a+ U_b = exp(-i sigma_y Q (r_b - r_a)_i/2),   H_ab = H0_ab U_a+ U_b + Delta_ab {sigma_z, U_a+ U_b}/2
///
/// and Kubo's formula for an operator O and the current,
///
///     Pi(omega) = int d eps f(eps) tr{ O [G^R(eps + omega) v_j A(eps) + A(eps) v_j G^A(eps - omega)] + (d_j O) A(eps) }
///
/// by quadrature. The gauge field is A^y = -Q, so that -d Pi/dQ at Q = 0, a difference of finite pitches, is K^{alpha y} of
/// O sigma^alpha: no loop, no gauge vertex and no divided difference is in it. Source: docs/collinear.md.
struct Spiral {
  /// What is measured with the weights p of orbitals, in the frame: p, {p, Delta}/2, or the local component of dH/dn.
  enum Quantity: CaseIterable { case spin, torque, moment }

  let model: OrbitalModel
  let directions: Directions
  let mu, temperature, broadening: Double
  let omegas: [Double]
  /// In this order K^{xy}, K^{yy} = K^{xx} of each.
  let observables: [(quantity: Quantity, weights: [Double])]

  /// K(0) and K(omega) of each observable and component, its sector in which g+ is retarded and g advanced, and a bound on what
  /// the quadrature leaves.
  struct Values {
    var xy, xx: [[ComplexDouble]]
    var mixedXY, mixedXX: [[ComplexDouble]]
    var error: Double
  }

  /// The levels at one pitch, and of each observable O_nm v_mn and (d_j O)_nn.
  private struct Pitch {
    var levels: [Double]
    var products: [[ComplexDouble]]
    var own: [[Double]]
  }

  func values(at k: [Double]) async throws -> Values {
    let width = model.energyBound
    let steps = model.latticeVectors.map { abs($0[directions.i]) }
    let reach = model.cells.map { cell -> Double in
      zip(cell, steps).reduce(0.0) { sum, pair in sum + Double(abs(pair.0)) * pair.1 }
    }
    let length = reach.max()! + steps.max()!
    // Levels move by less than Gamma; the eighth order leaves some 1e-9.
    let step = 0.05 * broadening / (width * length)
    var pitches: [(factor: Double, pitch: Pitch)] = []
    for (c, n) in zip([4.0 / 5, -1.0 / 5, 4.0 / 105, -1.0 / 280], [1.0, 2, 3, 4]) {
      // -d/dQ.
      pitches.append((-c / step, pitch(n * step, k)))
      pitches.append((c / step, pitch(-n * step, k)))
    }
    let (rows, count) = (1 + omegas.count, 2 * observables.count)
    func integrand(_ eps: Double) -> [Double] {
      var sums = [ComplexDouble](repeating: .zero, count: count * (rows + omegas.count))
      let f = occupation(eps)
      for (factor, pitch) in pitches {
        let width = ComplexDouble(0, broadening)
        func retarded(_ eps: Double) -> [ComplexDouble] {
          pitch.levels.map { 1 / (ComplexDouble(eps - $0) + width) }
        }
        let a = retarded(eps).map { -$0.imaginary / .pi }
        func add(_ slot: Int, _ weight: ComplexDouble, _ pair: (Int, Int) -> ComplexDouble) {
          let n = pitch.levels.count
          var pairs = [ComplexDouble](repeating: .zero, count: n * n)
          for l in 0..<n { for m in 0..<n { pairs[m + n * l] = pair(m, l) } }
          for o in 0..<count {
            var sum = ComplexDouble.zero
            for (x, y) in zip(pitch.products[o], pairs) { sum += x * y }
            sums[o * (rows + omegas.count) + slot] += weight * sum
          }
        }
        for (row, omega) in ([0] + omegas).enumerated() {
          let (plus, minus) = (retarded(eps + omega), retarded(eps - omega))
          if f > 0 {
            add(row, ComplexDouble(factor * f)) { m, n in
              plus[m].multiplied(by: a[n]) + minus[n].conjugate.multiplied(by: a[m])
            }
          }
          let step = occupation(eps + omega) - f
          if row > 0, step != 0 {
            let own = retarded(eps)
            add(rows + row - 1, ComplexDouble(0, factor * step / (2 * .pi))) { m, n in
              plus[m] * own[n].conjugate
            }
          }
        }
        for o in 0..<count {
          let own = zip(pitch.own[o], a).reduce(0.0) { sum, pair in sum + pair.0 * pair.1 }
          for row in 0..<rows {
            sums[o * (rows + omegas.count) + row] += ComplexDouble(factor * f * own)
          }
        }
      }
      return sums.flatMap { [$0.real, $0.imaginary] }
    }
    let total = try await integral(width, integrand)
    func value(_ o: Int, _ slot: Int) -> ComplexDouble {
      let n = 2 * (o * (rows + omegas.count) + slot)
      return ComplexDouble(total.values[n], total.values[n + 1])
    }
    func table(_ component: Int, _ slots: Range<Int>) -> [[ComplexDouble]] {
      observables.indices.map { o in slots.map { value(2 * o + component, $0) } }
    }
    let (all, mixed) = (0..<rows, rows..<(rows + omegas.count))
    return Values(
      xy: table(0, all), xx: table(1, all), mixedXY: table(0, mixed), mixedXX: table(1, mixed),
      error: total.error)
  }

  /// f of mu and T.
  private func occupation(_ eps: Double) -> Double {
    if temperature == 0 { return eps < mu ? 1 : eps == mu ? 0.5 : 0 }
    return 1 / (1 + Double.exp((eps - mu) / temperature))
  }

  /// Over all energies: panels of some Gamma where there are levels, and an end at infinity.
  private func integral(
    _ width: Double, _ f: (Double) -> [Double]
  ) async throws -> (values: [Double], error: Double) {
    let (low, high) = (
      -width - abs(mu) - (omegas.max() ?? 0) - 40 * temperature, mu + 40 * temperature
    )
    let panels = ((high - low) / (8 * broadening)).rounded(.up)
    let even = (0...Int(panels)).map { low + (high - low) * Double($0) / panels }
    let ends = Set(even + [mu] + omegas.map { mu - $0 }).sorted()
    func allowed(_ values: [Double]) -> [Double] {
      let size = values.map(abs).max()!
      return values.map { _ in 1e-10 * size }
    }
    let near = try await VectorIntegral(ends: ends, limit: 20_000, allowed: allowed) { $0.map(f) }
    let size = near.values.map(abs).max()!
    let far = try await VectorIntegral(
      ends: [0, 1], limit: 2000, allowed: { $0.map { _ in 1e-10 * size } }
    ) { us in
      us.map { u in f(low - width * (1 / u - 1)).map { $0 * width / (u * u) } }
    }
    return (
      zip(near.values, far.values).map { $0 + $1 }, near.errors.max()! + far.errors.max()!
    )
  }

  // MARK: Matrices

  /// Levels and matrix elements at one pitch.
  private func pitch(_ q: Double, _ k: [Double]) -> Pitch {
    let n = model.orbitals.count
    let size = 2 * n
    let zero = [ComplexDouble](repeating: .zero, count: size * size)
    let count = 2 * observables.count
    var (h, v, operators, fields) = (
      zero, zero, Array(repeating: zero, count: count), Array(repeating: zero, count: count)
    )
    let pauli = [Matrix4.pauli[1], Matrix4.pauli[2]]
    for (r, cell) in model.cells.enumerated() {
      let shift = (0..<model.dimension).map { i in
        zip(cell, model.latticeVectors).reduce(0) { $0 + Double($1.0) * $1.1[i] }
      }
      for b in 0..<n {
        for a in 0..<n {
          let (up, down) = (model.elements[0][r][a + n * b], model.elements[1][r][a + n * b])
          let x = shift.indices.map {
            shift[$0] + model.orbitals[b].position[$0] - model.orbitals[a].position[$0]
          }
          let phase = ComplexDouble(length: 1, phase: zip(k, x).reduce(0) { $0 + $1.0 * $1.1 })
          let along = ComplexDouble(0, x[directions.j])
          let (mean, half) = (
            phase * (up + down).divided(by: 2), phase * (up - down).divided(by: 2)
          )
          let (c, s) = (Double.cos(q * x[directions.i] / 2), Double.sin(q * x[directions.i] / 2))
          // U_a+ U_b = cos - i sigma_y sin, row by row.
          let turn = [c, -s, s, c].map { ComplexDouble($0) }
          let isHome = a == b && cell.allSatisfy { $0 == 0 }
          for row in 0..<2 {
            for column in 0..<2 {
              let e = (a + n * row) + size * (b + n * column)
              let exchange = row == column ? half.multiplied(by: row == 0 ? c : -c) : .zero
              let element = mean * turn[2 * row + column] + exchange
              h[e] += element
              v[e] += along * element
              for (o, (quantity, p)) in observables.enumerated() {
                for component in 0..<2 {
                  let sigma = pauli[component]
                  let own: ComplexDouble
                  switch quantity {
                  case .spin: own = isHome ? sigma[2 * row + column].multiplied(by: p[a]) : .zero
                  case .torque:
                    own = half * sigma[2 * row + column].multiplied(by: c * (p[a] + p[b]) / 2)
                  case .moment:
                    // sigma^alpha of either end's axis.
                    let (left, right) = (0..<2).reduce((ComplexDouble.zero, ComplexDouble.zero)) {
                      (
                        $0.0 + sigma[2 * row + $1] * turn[2 * $1 + column],
                        $0.1 + turn[2 * row + $1] * sigma[2 * $1 + column]
                      )
                    }
                    own = half * (left.multiplied(by: p[a] / 2) + right.multiplied(by: p[b] / 2))
                  }
                  operators[2 * o + component][e] += own
                  fields[2 * o + component][e] += along * own
                }
              }
            }
          }
        }
      }
    }
    let (levels, states) = eigenstates(h, size)
    func inStates(_ m: [ComplexDouble]) -> [ComplexDouble] {
      product(states, product(m, states, size), size, isAdjoint: true)
    }
    let velocity = inStates(v)
    return Pitch(
      levels: levels,
      products: operators.map { o in
        let own = inStates(o)
        // O_nm v_mn at m + size n.
        return own.indices.map { own[$0 / size + size * ($0 % size)] * velocity[$0] }
      },
      own: fields.map { o in
        let own = inStates(o)
        return (0..<size).map { own[$0 + size * $0].real }
      })
  }
}

/// The levels of one spin at reduced coordinates, and <n|d_i d_j H|n> of each, of explicit matrices.
struct CurvedBands {
  let levels: [(energy: Double, curvature: Double)]

  init(_ model: OrbitalModel, _ u: Spin, _ f: [Double], _ directions: Directions) {
    let n = model.orbitals.count
    let k = model.waveVector(reduced: f)
    var h = [ComplexDouble](repeating: .zero, count: n * n)
    var curvature = h
    let places = model.orbitals.map { u == .up ? $0.position : $0.downPosition }
    func phase(_ x: [Double]) -> ComplexDouble {
      ComplexDouble(length: 1, phase: zip(k, x).reduce(0.0) { sum, pair in sum + pair.0 * pair.1 })
    }
    let own = places.map(phase)
    let (i, j) = (directions.i, directions.j)
    for (r, cell) in model.cells.enumerated() {
      let shift = (0..<model.dimension).map { i in
        zip(cell, model.latticeVectors).reduce(0.0) { $0 + Double($1.0) * $1.1[i] }
      }
      let factor = phase(shift)
      for b in 0..<n {
        for a in 0..<n {
          let x = (
            shift[i] + places[b][i] - places[a][i], shift[j] + places[b][j] - places[a][j]
          )
          let element =
            factor * own[b] * own[a].conjugate * model.elements[u.rawValue][r][a + n * b]
          h[a + n * b] += element
          curvature[a + n * b] += element.multiplied(by: -x.0 * x.1)
        }
      }
    }
    let (energies, states) = eigenstates(h, n)
    let inStates = product(states, product(curvature, states, n), n, isAdjoint: true)
    levels = energies.indices.map { (energies[$0], inStates[$0 + n * $0].real) }
  }
}

private func eigenstates(_ h: [ComplexDouble], _ size: Int) -> ([Double], [ComplexDouble]) {
  var (states, levels) = (h, [Double](repeating: 0, count: size))
  let status = states.withUnsafeMutableBytes {
    LAPACKE_zheev(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "U")), Int32(size),
      OpaquePointer($0.baseAddress!), Int32(size), &levels)
  }
  // Only what is not finite does not converge; models are.
  precondition(status == 0, "LAPACK's zheev returned \(status)")
  return (levels, states)
}

private func product(
  _ a: [ComplexDouble], _ b: [ComplexDouble], _ size: Int, isAdjoint: Bool = false
) -> [ComplexDouble] {
  var result = a
  var (one, zero) = (ComplexDouble.one, ComplexDouble.zero)
  let n = Int32(size)
  a.withUnsafeBufferPointer { x in
    b.withUnsafeBufferPointer { y in
      result.withUnsafeMutableBufferPointer {
        cblas_zgemm(
          CblasColMajor, isAdjoint ? CblasConjTrans : CblasNoTrans, CblasNoTrans, n, n, n, &one,
          x.baseAddress, n, y.baseAddress, n, &zero, $0.baseAddress, n)
      }
    }
  }
  return result
}
