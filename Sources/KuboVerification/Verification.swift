// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboLattice
import KuboWork
import RealModule

/// The exact statements of docs/conventions.md section 4 on one model in one state, and the independent routes
/// to its numbers.
///
/// Nothing here compares with a stored number: each statement is an identity, or the same quantity by
/// a route that shares nothing with the engine's (explicit 4x4 matrices in the eigenstate frame,
/// integrals by GSL, Matsubara sums).
///
///     residual = |left - right| / size <= tolerance = (rounding + errors of both) / size
///
/// Residuals and tolerances are dimensionless.
public struct Verification: Sendable {
  /// What a statement is about.
  public enum Subject: String, Sendable, CaseIterable {
    /// At single wave vectors, to rounding.
    case vertices = "vertices and traces"
    /// Bare loops at constant lifetime.
    case bare = "bare loops"
    /// Impurities and their ladder.
    case ladder = "ladder"
    /// Whether files of both spins speak of the same orbitals.
    case alignment = "both spins in the same orbitals"
    /// The trajectory of a texture.
    case texture = "texture"
  }

  /// The largest tolerance of the values that statements are about, relative and dimensionless, as
  /// `SpectrumRequest.tolerance`: from looser ones some statements get a tolerance of their own above 1 %,
  /// which proves nothing.
  public static let loosestTolerance = 1e-4

  /// One statement with its residual.
  public struct Statement: Sendable {
    /// What it is about.
    public let subject: Subject
    /// The statement, as in `K_s(0) = 0`.
    public let claim: String
    /// Where it comes from.
    public let source: String
    /// How far it is violated, and how far rounding and error estimates allow it to be, relative to
    /// the size of the quantity.
    public let residual, tolerance: Double
    /// Where it fails: the diagrams that can be to blame, or why nothing could be computed.
    public let place: String?

    package init(
      subject: Subject, claim: String, source: String, residual: Double, tolerance: Double,
      place: String?
    ) {
      self.subject = subject
      self.claim = claim
      self.source = source
      // A residual that is no number must not pass.
      self.residual = residual.isNaN ? .infinity : residual
      self.tolerance = tolerance
      self.place = place
    }

    /// Above it a tolerance proves nothing and does not pass.
    static let largestTolerance = 0.01

    /// Whether it holds.
    public var holds: Bool { residual <= tolerance && provesSomething && place == nil }

    /// Limits of what files may say are no errors.
    private var provesSomething: Bool {
      tolerance <= Self.largestTolerance || subject == .alignment
    }

    /// Why it does not hold.
    public var reason: String {
      place
        ?? (provesSomething ? "residual above tolerance" : "a tolerance above 1 % proves nothing")
    }
  }

  /// The statements, in order.
  public let statements: [Statement]

  package init(statements: [Statement]) { self.statements = statements }
}

extension SpectrumRequest {
  /// Verifies the model of the request in its state, with its diagrams; its columns and omegas are not
  /// used. Bare loops take the request's lifetime, which must be constant. A tolerance above
  /// ``Verification/loosestTolerance`` is replaced by it.
  ///
  /// - Parameters:
  ///   - isBare: Whether the bare loops at constant lifetime are verified.
  ///   - gamma: The strength of impurities, in squared energy units; nil leaves the ladder out.
  /// - Throws: `RequestError`, `CancellationError`. What does not converge is a statement that fails.
  public func verification(bare isBare: Bool = true, impurities gamma: Double?) async throws
    -> Verification
  {
    guard case .constant(let broadening) = electrons.lifetime else {
      throw RequestError(
        "lifetime", found: electrons.lifetime.description,
        expected: "constant=GAMMA for the bare loops; impurities have a strength of their own")
    }
    if let gamma { try asking([], of: electrons.with(lifetime: .scba(gamma))).check() }
    let most = 1e3 * electrons.model.hoppingBound
    if let gamma, gamma.squareRoot() > most {
      throw RequestError(
        "gamma", found: significant(gamma),
        expected:
          "at most \(significant(most * most)), the square of a thousand times the hopping: beyond that, rounding swamps the statements about the ladder"
      )
    }
    let exact = ExactStatements(
      asking([], tolerance: min(tolerance, Verification.loosestTolerance)), gamma: broadening)
    var statements = await WorkProgress.stage("vertices") { _ in exact.vertexStatements() }
    if isBare {
      statements += try await exact.identityStatements()
      statements += try await exact.invarianceStatements()
      statements += try await exact.routeStatements()
    }
    if let gamma {
      statements += try await exact.conservationStatements(gamma)
      statements += try await exact.ladderRouteStatements(gamma)
    }
    return Verification(statements: statements)
  }
}

/// The exact statements about a model in one state.
package struct ExactStatements: Sendable {
  /// Model, state and diagrams; its columns, omegas and lifetime are not used.
  let request: SpectrumRequest
  /// Gamma of the bare loops.
  let gamma: Double
  var model: Model { request.electrons.model }
  var directions: Directions { request.directions }
  /// Frequencies of the statements, in energy units: below, between and above the interband edge 2 J.
  var omegas: [Double] { [0.6, 1.7, 2.6].map { $0 * model.exchange } }

  package init(_ request: SpectrumRequest, gamma: Double) {
    (self.request, self.gamma) = (request, gamma)
  }
}

/// How far a statement is violated, and how far it may be, relative to the size of the quantity; and where it fails.
package typealias Residual = (residual: Double, tolerance: Double, place: String?)

/// A statement, or its failure if `compute` throws what does not converge.
func statement(
  _ subject: Verification.Subject, _ claim: String, _ source: String,
  _ compute: () async throws -> Residual
) async throws -> Verification.Statement {
  do {
    let (residual, tolerance, place) = try await WorkProgress.stage(claim) { _ in
      try await compute()
    }
    return .init(
      subject: subject, claim: claim, source: source, residual: residual, tolerance: tolerance,
      place: place)
  } catch let error where !(error is CancellationError) && !(error is RequestError) {
    return .init(
      subject: subject, claim: claim, source: source, residual: .infinity, tolerance: 0,
      place: "\(error)")
  }
}
