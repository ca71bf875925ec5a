// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboWork
import KuboZoneIntegrals
import RealModule

/// The responses K(omega) of a request, each with its error estimate.
///
///     dynamic = K(omega) - K(0)        static = K(0)
///
/// and for the conductivity dynamic = sigma(omega) = (i/omega)[Pi(omega) - Pi(0)], static = Pi(0).
/// Units, with hbar = |e| = 1: K of a spin and sigma length^(2-d); X and Pi energy length^(2-d).
///
/// Accuracy, for the real and the imaginary part each:
///
///     |error| <= tolerance * max(|part|, 1e-4 |K(omega) - K(0)|, 1e-6 S)
///
/// where S is the sum of the absolute contributions to that response, of each trace at each k on the
/// zone as it is deformed, to a factor of order 1; rounding may add up to
/// 1e-9 S, and does so where |omega| is a small fraction of Gamma + pi T. A static part takes the
/// largest dynamic part of the request for K(omega) - K(0).
public struct Spectrum: Sendable {
  /// One number of a column.
  public struct Value: Sendable, Equatable {
    /// K(omega) - K(0), or sigma(omega).
    public var dynamic: ComplexDouble
    /// A bound on the error of each part of dynamic, static and their sum.
    public var error: Double
    /// The sum of the absolute contributions, S.
    public var scale: Double
    /// Bounds on the errors of the parts of dynamic alone.
    var errors: PartErrors
  }

  /// One column over all frequencies.
  public struct Column: Sendable {
    /// What was asked for.
    public var request: SpectrumRequest.Column
    /// The values; nil where one could not be computed.
    public var values: [Value?]
    /// K(0); real for whole responses, and for single diagrams complex.
    public var staticPart: ComplexDouble?
  }

  /// The frequencies, as requested.
  public let omegas: [Double]
  /// The columns, as requested.
  public internal(set) var columns: [Column]
  /// The cells that stayed empty though they have a value.
  public internal(set) var failures: [EmptyCell]
  /// The cells that are empty since a closed form has its undamped pole there, as is known beforehand.
  public internal(set) var poles: [EmptyCell] = []
  /// A line for each frequency and reason, with all columns that it concerns.
  public var failureLines: [String] { EmptyCell.lines(failures) }
  /// The same for the poles.
  public var poleLines: [String] { EmptyCell.lines(poles) }
  /// Whether the values at a frequency are interpolated, and how many were computed for that; nil if all are computed.
  public internal(set) var interpolation: (isInterpolated: [Bool], nodes: Int)?
  /// How many frequencies were asked for, of a spectrum to which others may have been added
  /// (``SpectrumRequest/refinedSpectrum(limit:)``); nil of others.
  public internal(set) var refinement: Int?
  /// The largest grid that was needed, as points along each reciprocal vector.
  public internal(set) var divisions: Int
  /// The level widths -Im Sigma_s(mu) = 1/(2 tau_s) that the closed forms used, with `scba`.
  public internal(set) var widths: [(band: Band, width: Double)] = []
  /// Mean and standard deviation of Delta_k/J on the Fermi surface, if a closed form was asked for
  /// and there is a surface; dimensionless. Both are 1, 0 where Delta_k = J, as (S7.17) puts it.
  public internal(set) var gapRatio: (mean: Double, spread: Double)?
  /// Why ``gapRatio`` could not be computed, if it was tried.
  public internal(set) var gapRatioFailure: String?

  /// The axis and the columns of `request`, with every cell empty.
  package init(unfilled request: SpectrumRequest) {
    omegas = request.omegas
    columns = request.columns.map {
      Column(
        request: $0, values: Array(repeating: nil, count: request.omegas.count), staticPart: nil)
    }
    failures = []
    divisions = 0
  }

  /// What an engine has found for a cell.
  package enum Cell {
    case value(ComplexDouble, PartErrors, scale: Double)
    /// The pole of a closed form.
    case pole
    /// Why there is no value.
    case failure(String)
  }

  /// Fills column `c` with its static part and, where that is known, the dynamic part at each omega.
  package mutating func fill(_ c: Int, fixed: Cell, at dynamic: (_ n: Int) -> Cell) {
    let column = columns[c].request
    func fail(_ reason: String, _ omega: Double? = nil) {
      failures.append(EmptyCell(column: column.label, omega: omega, reason: reason))
    }
    guard case .value(let own, let ownErrors, _) = fixed else {
      if case .failure(let reason) = fixed { fail("static part: " + reason) }
      return
    }
    columns[c].staticPart = own
    for (n, omega) in omegas.enumerated() {
      switch dynamic(n) {
      case .value(let found, let errors, let scale):
        columns[c].values[n] = Value(
          dynamic: found, error: errors.largest + (column.isPerField ? 0 : ownErrors.largest),
          scale: scale, errors: errors)
      case .pole: poles.append(.pole(column.label, omega))
      case .failure(let reason): fail(reason, omega)
      }
    }
  }

  /// Takes over what was found of the columns `own` at the frequencies `numbers`, and their static parts if there are none.
  mutating func take(_ part: Spectrum, columns own: [Int], _ numbers: [Int]) {
    for (found, c) in zip(part.columns, own) {
      columns[c].staticPart = columns[c].staticPart ?? found.staticPart
      for (value, n) in zip(found.values, numbers) { columns[c].values[n] = value }
    }
    failures += part.failures
    poles += part.poles
    divisions = max(divisions, part.divisions)
    if widths.isEmpty { widths = part.widths }
    gapRatio = gapRatio ?? part.gapRatio
    gapRatioFailure = gapRatioFailure ?? part.gapRatioFailure
  }

  /// How far each closed column can be trusted, and whether that is poor.
  ///
  /// The resonance of the nonadiabatic closed forms puts Delta_k -> J; every printed form holds for
  /// omega tau << 1 only.
  public func validity(_ request: SpectrumRequest) -> [(label: String, text: String, isPoor: Bool)]
  {
    let narrowest: Double
    if case .constant(let gamma) = request.lifetime {
      narrowest = gamma
    } else if let width = widths.map(\.width).min() {
      narrowest = width
    } else {
      return []
    }
    let largest = (omegas.map(abs).max() ?? 0) / (2 * narrowest)
    return columns.compactMap { column in
      let isClosed =
        column.request.dressing == .closed || column.request.dressing == .closedPrinted
      guard isClosed, let form = column.request.response.closedForm else { return nil }
      var assumptions: [(what: String, fact: String, isBroken: Bool)] = []
      if form.isNonadiabatic {
        assumptions.append(
          gapRatio.map {
            (
              "Delta_k = J",
              "Delta_k/J = \(significant($0.mean)) +- \(significant($0.spread)) on the Fermi surface",
              abs($0.mean - 1) + $0.spread > 0.1
            )
          } ?? (
            "Delta_k = J",
            "which cannot be judged: \(gapRatioFailure ?? "mu is in the gap, without a Fermi surface")",
            false
          ))
      }
      if column.request.dressing == .closedPrinted {
        assumptions.append(
          ("omega tau << 1", "omega tau is up to \(significant(largest))", largest > 0.1))
      }
      let broken = assumptions.filter(\.isBroken)
      let text: String
      if assumptions.isEmpty {
        text = "exact for these diagrams at any omega tau"
      } else if broken.isEmpty {
        text = "assumes " + assumptions.map { "\($0.what) (\($0.fact))" }.joined(separator: " and ")
      } else {
        text =
          "unreliable here: it assumes "
          + broken.map { "\($0.what), but \($0.fact)" }.joined(separator: "; and it assumes ")
      }
      return (column.request.label, text, !broken.isEmpty)
    }
  }
}

extension EmptyCell {
  /// The pole of a closed form in `column`.
  static func pole(_ column: String, _ omega: Double) -> EmptyCell {
    EmptyCell(
      column: column, omega: omega,
      reason: "the closed form has an undamped pole at omega = 2 J; choose another omega")
  }
}
