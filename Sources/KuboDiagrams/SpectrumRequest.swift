// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDisorder
import KuboLattice
import KuboLoops

/// What to compute: a model, its state, the frequencies and the responses.
public struct SpectrumRequest: Sendable {
  /// The lattice model.
  public var model: Model
  /// The chemical potential and k_B T, in energy units.
  public var mu, temperature: Double
  /// The lifetime of the propagators.
  public var lifetime: Lifetime
  /// The frequencies hbar omega, in energy units; any sign.
  public var omegas: [Double]
  /// The directions of the texture gradient and of the electric field.
  public var directions: Directions
  /// The columns, in order.
  public var columns: [Column]
  /// The diagrams that the columns draw on.
  public var diagrams: DiagramSet
  /// The relative tolerance of ``Spectrum``.
  public var tolerance: Double
  /// How many threads may work; the results do not depend on it.
  public var threads: Int
  /// The ladder of s with `scba`.
  public var ladderForm: LadderForm
  /// Restricts the closed forms to one band; for a lifetime of each band.
  var onlyBand: Band? = nil
  /// Whether every column holds (i/omega) [K(omega) - K(0)], as the conductivity does, and its error
  /// that alone.
  var isPerField = false
  /// Breaks the ladder off; for tests of its sum.
  package var rungs: Rungs = .all

  /// One response with one dressing, or one of its diagrams.
  public struct Column: Sendable, Equatable {
    /// The response.
    public var response: Response
    /// The dressing.
    public var dressing: Dressing
    /// The name of a single diagram, or nil for the sum.
    public var diagram: String?
    /// The bands of the propagators that count, or nil for all.
    public var share: BandShare?

    /// A column.
    public init(
      response: Response, dressing: Dressing, diagram: String? = nil, share: BandShare? = nil
    ) {
      self.response = response
      self.dressing = dressing
      self.diagram = diagram
      self.share = share
    }

    /// The prefix of the column names, as in `Y.bare`, `Y.bare.adiabatic.electric_first` or
    /// `Y.bare.bonding`.
    public var label: String {
      "\(response.name).\(dressing.rawValue)" + (diagram.map { ".\($0)" } ?? "")
        + (share.map { ".\($0.rawValue)" } ?? "")
    }
  }

  /// Whether the column holds (i/omega) [K(omega) - K(0)], at omega = 0 the limit.
  func isPerField(_ column: Column) -> Bool { isPerField || column.response.isConductivity }

  /// The narrowest feature in energy of sums over both bands: levels have Gamma + pi T, but where the bands are
  /// in resonance 1/(2 Delta - omega - 2 i Gamma), of which 2 Delta varies twice as fast, has Gamma however warm it is.
  func realZoneWidth(_ gamma: Double) -> Double {
    let gaps = 2 * model.exchange...2 * model.gapBound
    let isResonant = omegas.contains { gaps.distance(to: abs($0)) <= 2 * gamma }
    return isResonant ? gamma : gamma + .pi * temperature
  }

  /// A request.
  public init(
    model: Model, mu: Double, temperature: Double, lifetime: Lifetime, omegas: [Double],
    directions: Directions = Directions(i: 0, j: 0), columns: [Column], diagrams: DiagramSet,
    tolerance: Double = 1e-6, threads: Int = 1, ladderForm: LadderForm = .exact
  ) {
    self.model = model
    self.mu = mu
    self.temperature = temperature
    self.lifetime = lifetime
    self.omegas = omegas
    self.directions = directions
    self.columns = columns
    self.diagrams = diagrams
    self.tolerance = tolerance
    self.threads = threads
    self.ladderForm = ladderForm
  }
}
