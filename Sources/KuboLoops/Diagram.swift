// SPDX-License-Identifier: GPL-3.0-or-later
import KuboLattice

/// Which band labels a vertex may join.
public enum BandRule: String, Sendable, CaseIterable {
  /// Every pair of bands.
  case any
  /// Equal bands: the adiabatic part of the vertex.
  case equal
  /// Unequal bands: the nonadiabatic part of the vertex.
  case unequal
}

/// The Matsubara frequency that a propagator carries.
public enum PropagatorFrequency: String, Sendable, CaseIterable {
  /// i eps_n, written g.
  case inner = "internal"
  /// i eps_n + i omega_lambda, written g+.
  case innerPlusExternal = "internal + external"
}

/// How the vertices of a response's diagrams are dressed, or which closed form stands for them.
public enum Dressing: String, Sendable, CaseIterable {
  /// The bare loop.
  case bare
  /// The loop with the impurity ladder at its vertices.
  case ladder
  /// The corrected closed form (docs/misprints.md), with the full one-band bubble Q_s(omega).
  case closed
  /// The closed form as the paper prints it, valid for omega tau << 1.
  case closedPrinted = "closed_printed"
}

/// A Feynman diagram: one electron loop of vertices and propagators.
///
/// The loop is written in the order of the matrix product. With vertices V_1 ... V_n and
/// propagators g_1 ... g_n it stands for
///
///     K = sign * prefactor * (1/V) sum_k (1/beta) sum_n
///         sum over band labels  tr[V_1 P_1 V_2 P_2 ... V_n P_n] g_1 g_2 ... g_n
///
/// where P_m projects on the band of propagator m and the trace is over sublattice and spin.
/// The vertices are derivatives of the Hamiltonian with respect to the fields, so that the loop of
/// a perturbation H' = V f is the response to f; the sign is +1 for the paper's diagrams.
/// Source: docs/conventions.md section 2; (S6.11), (S6.34)-(S6.36), (S7.10)-(S7.12).
public struct Diagram: Sendable, Equatable {
  /// A vertex of the loop and the bands it may join.
  public struct Vertex: Sendable, Equatable {
    /// What stands at the vertex; `nil` is the measured operator of the response.
    public var vertexOperator: VertexOperator?
    /// Which bands of the two neighbouring propagators it joins.
    public var bands: BandRule

    /// A vertex with an operator (`nil`: the measured one) and a band rule.
    public init(_ vertexOperator: VertexOperator?, bands: BandRule) {
      self.vertexOperator = vertexOperator
      self.bands = bands
    }
  }

  /// The unique name, as in `nonadiabatic.a`.
  public var name: String
  /// One line for `kubo diagrams`.
  public var summary: String
  /// The measured operators for which the diagram exists.
  public var measures: [MeasuredOperator]
  /// The projections to whose sum the diagram belongs, as in `O_nonadiabatic`.
  public var contributesTo: [String]
  /// V_1 ... V_n; V_1 is the measured operator.
  public var vertices: [Vertex]
  /// g_1 ... g_n; g_m stands between V_m and V_(m+1).
  public var propagators: [PropagatorFrequency]
  /// +1 or -1.
  public var sign: Int
  /// A real number.
  public var prefactor: Double
  /// The impurities whose ladder dresses the loop: `scba` the measured vertex (S7.14), `site` all.
  public var ladder: [Impurities]
  /// The equation that the diagram stands for.
  public var equation: String
  /// The paper and the number of the equation.
  public var source: String

  /// Checks the loop and makes the diagram.
  /// - Throws: ``DiagramError``.
  public init(
    name: String, summary: String, measures: [MeasuredOperator], contributesTo: [String],
    vertices: [Vertex], propagators: [PropagatorFrequency], sign: Int, prefactor: Double,
    ladder: [Impurities] = [], equation: String, source: String
  ) throws(DiagramError) {
    self.name = name
    self.summary = summary
    self.measures = measures
    self.contributesTo = contributesTo
    self.vertices = vertices
    self.propagators = propagators
    self.sign = sign
    self.prefactor = prefactor
    self.ladder = ladder
    self.equation = equation
    self.source = source
    try check()
  }

  private func check() throws(DiagramError) {
    try require(
      (2...4).contains(vertices.count), DiagramPlace.loop, "\(vertices.count) vertices",
      "2, 3 or 4 vertices")
    try require(
      vertices.count == propagators.count, DiagramPlace.loop,
      "\(vertices.count) vertices and \(propagators.count) propagators",
      "as many propagators as vertices, in turn")
    try require(
      vertices[0].vertexOperator == nil, DiagramPlace.vertex(0),
      "operator \(vertices[0].vertexOperator!.name)",
      "operator: measured in the first vertex")
    for (n, vertex) in vertices.enumerated().dropFirst() where vertex.vertexOperator == nil {
      throw DiagramError(
        .vertex(n), found: "operator: measured", expected: "the measured operator only once, first")
    }
    // The external frequency enters at the electric field's vertex and leaves at the measured one.
    let electric = vertices.indices.dropFirst().filter {
      vertices[$0].vertexOperator!.carriesElectricField
    }
    try require(
      electric.count == 1, DiagramPlace.loop, "\(electric.count) vertices of the electric field",
      "one (\(VertexOperator.all.filter(\.carriesElectricField).map(\.name).joined(separator: ", "))): the response is linear in the field"
    )
    for (n, frequency) in propagators.enumerated() {
      let due: PropagatorFrequency = n < electric[0] ? .innerPlusExternal : .inner
      try require(
        frequency == due, DiagramPlace.propagator(n), "frequency: \(frequency.rawValue)",
        "frequency: \(due.rawValue), since the external frequency enters at the electric field's vertex and leaves at the measured one"
      )
    }
    try require(
      sign == 1 || sign == -1, DiagramPlace.sign, "\(sign)", "+1 or -1")
    try require(
      prefactor.isFinite && abs(prefactor) < 1e100, DiagramPlace.prefactor, "\(prefactor)",
      "a finite number of magnitude below 1e100")
    for measured in measures {
      let flips = vertices.filter { ($0.vertexOperator ?? measured.vertex).pauli != .unit }.count
      try require(
        flips % 2 == 0, DiagramPlace.measures,
        "\(measured.name) with \(flips) transverse spin operators in the loop",
        "an even number, or the trace over spin vanishes")
    }
    try checkLadder()
  }

  private func checkLadder() throws(DiagramError) {
    if ladder.contains(.scba) {
      try require(
        vertices[0].bands == .unequal, DiagramPlace.ladder,
        "scba where the measured vertex has bands: \(vertices[0].bands.rawValue)",
        "bands: unequal there: the ladder (S7.14) stands between g+_a and g_c, a != c")
      for measured in measures where measured != .spin && measured != .staggeredSpin {
        throw DiagramError(
          .ladder, found: "scba for \(measured.name)",
          expected: "s or Sigma: other operators have no ladder between unequal bands")
      }
    }
    if ladder.contains(.site) {
      try require(
        isUnprojected, DiagramPlace.ladder, "site where a vertex has bands other than any",
        "bands: any at every vertex, since impurities on the sites mix the bands")
      let gradients = vertices.filter { $0.vertexOperator == .gradient }.count
      try require(
        vertices.count <= 3 || gradients == 1, DiagramPlace.ladder,
        "site for a loop of \(vertices.count) vertices",
        "2 or 3, or 4 with a gradient: a longer loop has rungs that dress no single vertex")
    }
  }

  /// The indices of the vertices that a declared ladder dresses: with `site` all but gradients, which belong to a
  /// ladder themselves.
  public var dressedVertices: [Int] {
    ladder.contains(.site)
      ? vertices.indices.filter { vertices[$0].vertexOperator?.isPerGradient != true }
      : ladder.contains(.scba) ? [0] : []
  }

  /// The powers of energy and length in the unit of the loop of `measured`, but for (1/V) sum_k: a propagator is
  /// an inverse energy, (1/beta) sum_n an energy.
  package func dimensions(_ measured: MeasuredOperator) -> (energy: Int, length: Int) {
    vertices.map { ($0.vertexOperator ?? measured.vertex).dimensions }.reduce(
      (energy: 1 - propagators.count, length: 0)
    ) { ($0.energy + $1.energy, $0.length + $1.length) }
  }

  /// Whether no vertex asks for bands, so that the loop exists for propagators that mix them.
  public var isUnprojected: Bool { vertices.allSatisfy { $0.bands == .any } }
}

/// The part of a diagram that an error is about; a file reader turns it into a line and a key.
public enum DiagramPlace: Sendable, Equatable {
  /// The whole loop.
  case loop
  /// The vertex with this index.
  case vertex(Int)
  /// The propagator with this index.
  case propagator(Int)
  /// The sign.
  case sign
  /// The prefactor.
  case prefactor
  /// The list of measured operators.
  case measures
  /// The impurities whose ladder dresses the loop.
  case ladder
}

/// A diagram that cannot be.
public typealias DiagramError = DefinitionError<DiagramPlace>
