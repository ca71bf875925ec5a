// SPDX-License-Identifier: GPL-3.0-or-later
import CLAPACK
import ComplexModule
import KuboWork
import KuboZoneIntegrals
import RealModule

/// Functions of omega with f(-omega) = f(omega)* as rational functions with common poles, barycentric about supports z_j >= 0
/// and their mirror images:
///
///     f(omega) = N(omega)/D(omega),   N = sum_j i w_j f_j/(omega - z_j) + i w_j* f_j*/(omega + z_j),   D the same with f_j = 1
///
/// by the adaptive AAA algorithm for sets of functions (Nakatsukasa, Sete, Trefethen 2018; Lietaert et al. 2022): the
/// supports are taken one by one where the deviation is largest, the weights minimise f D - N at the other samples, whose
/// real and imaginary parts each count in units of what they may err.
struct RationalInterpolant {
  /// The functions at a frequency omega >= 0, and what each part may err.
  struct Sample {
    let omega: Double
    var values: [ComplexDouble]
    var allowed: [PartErrors]

    /// How far other values are off, in units of what is allowed.
    func deviation(_ other: [ComplexDouble]) -> Double {
      values.indices.reduce(0) { worst, c in
        let d = other[c] - values[c]
        guard d.isFinite else { return .infinity }
        return max(worst, abs(d.real) / allowed[c].real, abs(d.imaginary) / allowed[c].imaginary)
      }
    }
  }

  private var supports: [Sample] = []
  private var weights: [ComplexDouble] = []
  /// The largest deviation at a sample, in units of what is allowed.
  private(set) var residual = Double.infinity

  /// With as few supports as bring the deviation at all samples, sorted by frequency, below `goal`, in units of what is allowed,
  /// or with those that leave the smallest.
  init(_ samples: [Sample], goal: Double) {
    let columns = samples[0].values.count
    // Enough samples remain to determine the weights, and a quarter at least.
    let most = max(
      1, min(samples.count * columns / (columns + 1), samples.count * 3 / 4))
    // At omega = 0 the functions are known to be real, or zero, and their relative errors mean nothing.
    var chosen = [samples[0].omega == 0 ? 0 : samples.count / 2]
    var best: RationalInterpolant?
    var scale = [Double](repeating: 1, count: samples.count)
    while true {
      supports = chosen.map { samples[$0] }
      let rest = samples.indices.filter { !chosen.contains($0) }
      weights = minimisingWeights(rest.map { (samples[$0], scale[$0]) })
      var deviations = [Double](repeating: 0, count: samples.count)
      for n in rest {
        scale[n] = denominator(samples[n].omega).length
        deviations[n] = samples[n].deviation(values(at: samples[n].omega))
      }
      let middle = rest.map { scale[$0] }.sorted()[rest.count / 2]
      for n in rest { scale[n] = min(max(scale[n] / middle, 1e-6), 1e6) }
      residual = deviations.max()!
      if residual < best?.residual ?? .infinity { best = self }
      if residual < goal || chosen.count >= most { break }
      // Far from the goal several at a time, which are no neighbours.
      let count = min(max(1, chosen.count / (residual > 100 * goal ? 4 : 8)), most - chosen.count)
      var added: [Int] = []
      for n in rest.sorted(by: { deviations[$0] > deviations[$1] })
      where added.count < count && deviations[n] >= goal {
        if !added.contains(where: { abs($0 - n) == 1 }) { added.append(n) }
      }
      chosen += added
    }
    if let best { self = best }
  }

  /// The weights of a support's term and of its mirror image at omega, without w_j and w_j*.
  private func terms(_ z: Double, _ omega: Double) -> (own: ComplexDouble, mirror: ComplexDouble) {
    (ComplexDouble(0, 1 / (omega - z)), z == 0 ? .zero : ComplexDouble(0, 1 / (omega + z)))
  }

  private func denominator(_ omega: Double) -> ComplexDouble {
    supports.indices.reduce(.zero) { sum, j in
      let (own, mirror) = terms(supports[j].omega, omega)
      return sum + weights[j] * own + weights[j].conjugate * mirror
    }
  }

  /// The functions at omega >= 0.
  func values(at omega: Double) -> [ComplexDouble] {
    if let own = supports.first(where: { $0.omega == omega }) { return own.values }
    var (sum, values) = (ComplexDouble.zero, supports[0].values.map { _ in ComplexDouble.zero })
    for (support, w) in zip(supports, weights) {
      let terms = terms(support.omega, omega)
      let (own, mirror) = (w * terms.own, w.conjugate * terms.mirror)
      sum += own + mirror
      for c in values.indices {
        values[c] += own * support.values[c] + mirror * support.values[c].conjugate
      }
    }
    return values.map { $0 / sum }
  }

  /// The real and the imaginary parts of the weights that minimise the sum of the squares of f D - N, each in units of what is
  /// allowed and of the `scale` of D: the last singular vector of the matrix of their coefficients.
  private func minimisingWeights(_ samples: [(sample: Sample, scale: Double)]) -> [ComplexDouble] {
    let unknowns = supports.indices.flatMap { j in
      supports[j].omega == 0 ? [(j, false)] : [(j, false), (j, true)]
    }
    let columns = supports[0].values.count
    let (rows, count) = (2 * columns * samples.count, unknowns.count)
    if count == 1 { return [.one] }
    var matrix = [Double](repeating: 0, count: rows * count)
    var norms = [Double](repeating: 1, count: count)
    for (u, (j, isImaginary)) in unknowns.enumerated() {
      let support = supports[j]
      var row = u * rows
      for (sample, scale) in samples {
        let terms = terms(support.omega, sample.omega)
        for c in 0..<columns {
          let own = terms.own * (sample.values[c] - support.values[c])
          let mirror = terms.mirror * (sample.values[c] - support.values[c].conjugate)
          let entry = isImaginary ? ComplexDouble.i * (own - mirror) : own + mirror
          matrix[row] = entry.real / (scale * sample.allowed[c].real)
          matrix[row + 1] = entry.imaginary / (scale * sample.allowed[c].imaginary)
          row += 2
        }
      }
      let own = u * rows..<(u + 1) * rows
      norms[u] = max(matrix[own].reduce(0) { max($0, abs($1)) }, .leastNormalMagnitude)
      for n in own { matrix[n] /= norms[u] }
    }
    var singular = [Double](repeating: 0, count: min(rows, count))
    var right = [Double](repeating: 0, count: count * count)
    var work = [Double](repeating: 0, count: min(rows, count))
    let status = LAPACKE_dgesvd(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "A")), Int32(rows),
      Int32(count), &matrix, Int32(rows), &singular, nil, 1, &right, Int32(count), &work)
    var weights = supports.map { _ in ComplexDouble.zero }
    // Without convergence all terms vanish, and the fit is good for nothing.
    guard status == 0 else { return weights }
    for (u, (j, isImaginary)) in unknowns.enumerated() {
      let part = right[u * count + count - 1] / norms[u]
      weights[j] += isImaginary ? ComplexDouble(0, part) : ComplexDouble(part)
    }
    return weights
  }

  /// The poles with Re omega >= 0 and the residues of all functions there: eigenvalues s = -i omega of a real pencil, in which
  /// each support and its mirror image are a rotation.
  func poles() -> [(place: ComplexDouble, residues: [ComplexDouble])] {
    let count = supports.reduce(1) { $0 + ($1.omega == 0 ? 1 : 2) }
    var a = [Double](repeating: 0, count: count * count)
    var b = a
    var k = 1
    for (support, w) in zip(supports, weights) {
      let isPair = support.omega != 0
      a[k * count] = isPair ? 2 * w.real : w.real
      a[k] = 1
      b[k * count + k] = 1
      if isPair {
        a[(k + 1) * count] = 2 * w.imaginary
        (a[(k + 1) * count + k], a[k * count + k + 1]) = (support.omega, -support.omega)
        b[(k + 1) * count + k + 1] = 1
      }
      k += isPair ? 2 : 1
    }
    var (x, y, beta) = (
      [Double](repeating: 0, count: count), [Double](repeating: 0, count: count),
      [Double](repeating: 0, count: count)
    )
    let none = CChar(UInt8(ascii: "N"))
    let n = Int32(count)
    let status = LAPACKE_dggev(
      LAPACK_COL_MAJOR, none, none, n, &a, n, &b, n, &x, &y, &beta, nil, 1, nil, 1)
    guard status == 0 else { return [] }
    return (0..<count).compactMap { e in
      let place = ComplexDouble(-y[e] / beta[e], x[e] / beta[e])
      guard place.isFinite, place.real >= 0 else { return nil }
      var slope = ComplexDouble.zero
      var numerators = supports[0].values.map { _ in ComplexDouble.zero }
      for (support, w) in zip(supports, weights) {
        let (own, mirror) = (
          .i * w / (place - ComplexDouble(support.omega)),
          support.omega == 0 ? .zero : .i * w.conjugate / (place + ComplexDouble(support.omega))
        )
        slope -= own / (place - ComplexDouble(support.omega))
        if support.omega != 0 { slope -= mirror / (place + ComplexDouble(support.omega)) }
        for c in numerators.indices {
          numerators[c] += own * support.values[c] + mirror * support.values[c].conjugate
        }
      }
      return (place, numerators.map { $0 / slope })
    }
  }
}
