// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboZoneIntegrals

/// Electrons and moments of a magnet with orbitals, and the gap at mu.
///
///     n_u,a = (v_c/V) sum_k <tr p_a G_u>,    moment of a = n_up,a - n_down,a, in units of mu_B (g = 2)
///
/// Levels have the half-width Gamma, with their Lorentzian tails. Accuracy: each number has a bound.
public struct OrbitalState: Sendable {
  /// Per cell, of each orbital; each error is a bound.
  public let up, down: [Estimate]
  /// Of each spin, how many bands lie below mu, and the highest and lowest level beside it on a grid of wave vectors; nil
  /// where a band crosses mu.
  public let gaps: [(bands: Int, below: Double?, above: Double?)?]

  /// Computes n_u,a = (v_c/V) sum_k <tr p_a G_u> from the diagonal of G_u of the paper's (2) for both spins; energies in the
  /// model's unit, electrons per cell.
  /// - Throws: `RequestError`, `NonConvergence`, `EmptyCell`, `CancellationError`.
  public init(
    _ model: OrbitalModel, mu: Double, temperature: Double, broadening: Double,
    tolerance: Double = 1e-6, threads: Int = 1
  ) async throws {
    let n = model.orbitals.count
    let responses = Spin.allCases.flatMap { u in
      (0..<n).map { a in
        (
          name: "electrons.\(u) of \(model.orbitals[a].name)",
          response: CollinearResponse.electrons(u, (0..<n).map { $0 == a ? 1 : 0 })
        )
      }
    }
    let spectrum = try await CollinearRequest(
      model: model, mu: mu, temperature: temperature, broadening: broadening, omegas: [],
      responses: responses, tolerance: tolerance, threads: threads
    ).spectrum()
    if let failure = spectrum.failures.first { throw failure }
    let perCell = spectrum.columns.map { model.cellVolume * $0.staticPart! }
    (up, down) = (Array(perCell[..<n]), Array(perCell[n...]))
    // A coarse grid: a gap that it shows may be smaller.
    let divisions = [400, 40, 12][model.dimension - 1]
    let bands = OrbitalBands(model)
    let count = (0..<model.dimension).reduce(1) { p, _ in p * divisions }
    var gaps = Spin.allCases.map { _ in
      (bands: Int?.none, below: -Double.infinity, above: Double.infinity)
    }
    var isCrossed = [false, false]
    for code in 0..<count {
      var rest = code
      let f = (0..<model.dimension).map { _ in
        defer { rest /= divisions }
        return Double(rest % divisions) / Double(divisions)
      }
      for (u, levels) in bands.levels(reduced: f).enumerated() {
        let below = levels.prefix { $0 <= mu }
        if gaps[u].bands ?? below.count != below.count { isCrossed[u] = true }
        gaps[u] = (
          below.count, max(gaps[u].below, below.last ?? -.infinity),
          min(gaps[u].above, below.count < n ? levels[below.count] : .infinity)
        )
      }
    }
    self.gaps = zip(gaps, isCrossed).map { gap, isCrossed in
      isCrossed
        ? nil
        : (
          gap.bands ?? 0, gap.below.isFinite ? gap.below : nil,
          gap.above.isFinite ? gap.above : nil
        )
    }
  }
}

/// The levels of both spins at any real wave vector.
public struct OrbitalBands: Sendable {
  private let model: OrbitalModel

  /// Of this model.
  public init(_ model: OrbitalModel) { self.model = model }

  /// The levels E_n of H^u(k) = sum_R H^u(R) exp(i k.R), docs/collinear.md, at reduced coordinates, up and down, each
  /// ascending, in the model's unit of energy. Accuracy: rounding.
  public func levels(reduced f: [Double]) -> [[Double]] {
    let n = model.orbitals.count
    let phases = model.cells.map { cell in
      let turn = zip(cell, f).reduce(0) { $0 + Double($1.0) * $1.1 }
      return ComplexDouble(length: 1, phase: 2 * .pi * (turn - turn.rounded()))
    }
    var scratch = Scratch(capacity: (n + 2) * (6 * n + 10))
    return withUnsafeMutablePointer(to: &scratch) { scratch in
      Spin.allCases.map { u in
        let h = BandMatrix(n, scratch) { _, _ in .zero }
        for (phase, block) in zip(phases, model.elements[u.rawValue]) {
          for m in 0..<n * n { h.elements[m] += phase * block[m] }
        }
        return Array(UnsafeMutableBufferPointer(start: h.levels().values, count: n))
      }
    }
  }
}

extension BandStructure {
  /// The levels of both spins, of H^u(k) = sum_R H^u(R) exp(i k.R), docs/collinear.md, through `path`, Cartesian in inverse units of
  /// length, with `count` points or a few more.
  /// - Throws: `RequestError` for a path without length.
  public init(_ model: OrbitalModel, path: [(name: String, k: [Double])], count: Int = 400)
    throws(RequestError)
  {
    let bands = OrbitalBands(model)
    try self.init(model, path, count: count, LevelKind.spins) { k in
      bands.levels(
        reduced: model.latticeVectors.map { a in
          zip(a, k).reduce(0) { $0 + $1.0 * $1.1 } / (2 * .pi)
        })
    }
  }
}
