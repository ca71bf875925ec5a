// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboLattice
import KuboLoops
import KuboOrbitals
import KuboWork
import KuboZoneIntegrals
import RealModule

extension CollinearRequest {
  /// Verifies a magnet with orbitals in the state of the request: its responses, omegas and impurities are not used.
  ///
  ///     residual = |left - right| / size <= tolerance
  ///
  /// Source: docs/collinear.md. A tolerance above ``Verification/loosestTolerance`` is replaced by it.
  /// - Parameters:
  ///   - isBare: Whether the bare loops at constant lifetime are verified.
  ///   - impurities: What the ladder is verified with; nil leaves it out.
  ///   - isAligned: Whether both spins have the same orbitals; nothing that joins them is verified if not.
  /// - Throws: `RequestError`, `CancellationError`. What does not converge is a statement that fails.
  public func verification(
    bare isBare: Bool = true, impurities: OrbitalImpurities?, isAligned: Bool = true
  ) async throws -> Verification {
    let exact = CollinearStatements(self, isAligned: isAligned)
    var statements: [Verification.Statement] = []
    if isBare {
      if isAligned { statements += try await exact.vertexStatements() }
      statements += try await exact.identityStatements()
      statements += try await exact.causalityStatements()
    }
    if let impurities { statements += try await exact.ladderStatements(impurities) }
    return Verification(statements: statements)
  }
}

extension CollinearRequest {
  /// A strength of impurities with which statements about the ladder are soon proved: levels as wide as a quarter of what bounds
  /// them, in three dimensions half.
  public static func verifiableStrength(_ model: OrbitalModel) -> Double {
    let width = model.energyBound / (model.dimension == 3 ? 2 : 4)
    return width * width
  }
}

/// The exact statements about a magnet with orbitals in one state.
package struct CollinearStatements: Sendable {
  /// Model and state, without responses.
  package var request: CollinearRequest
  let isAligned: Bool
  /// The magnet of the explicit matrices; another one only where a test wants to see statements fail.
  package var reference: OrbitalModel
  /// What a test turns over in the statements, to see them fail.
  package enum Mutation { case causality, relaxation, cell }
  package var mutation: Mutation?
  var model: OrbitalModel { request.model }
  private var guide: String { "docs/collinear.md" }

  package init(_ request: CollinearRequest, isAligned: Bool = true) {
    var own = request
    own.tolerance = min(request.tolerance, Verification.loosestTolerance)
    (own.responses, own.omegas, own.impurities) = ([], [], nil)
    (self.request, self.isAligned, reference) = (own, isAligned, request.model)
  }

  /// Frequencies of the statements: parts of what bounds the levels.
  var omegas: [Double] { [0.11, 0.37].map { $0 * model.energyBound } }
  /// Gamma at which sums over the zone are soon done.
  var largeBroadening: Double {
    max(request.broadening, model.energyBound / (model.dimension == 3 ? 5 : 10))
  }
  private var ones: [Double] { model.orbitals.map { _ in 1 } }

  func asking(_ responses: [CollinearResponse], _ omegas: [Double]) -> CollinearRequest {
    var own = request
    own.responses = responses.map { ("\($0)", $0) }
    own.omegas = omegas
    return own
  }

  // MARK: Single wave vectors

  /// The loops at single wave vectors against a spiral of finite pitch, and the continuity of spin with what a constant lifetime adds
  /// to it, of that spiral.
  package func vertexStatements() async throws -> [Verification.Statement] {
    var own = request
    own.broadening = max(request.broadening, model.energyBound / 50)
    own.omegas = omegas
    let parts = model.orbitals.indices.map { $0 % 2 == 0 ? 1 : 0.3 }
    let observables = Spiral.Quantity.allCases.flatMap { quantity in
      [ones, parts].map { (quantity: quantity, weights: $0) }
    }
    let spiral = Spiral(
      model: reference, directions: own.directions, mu: own.mu, temperature: own.temperature,
      broadening: own.broadening, omegas: own.omegas, observables: observables)
    let responses = observables.flatMap { quantity, p -> [CollinearResponse] in
      switch quantity {
      case .spin: [.spin(.y, p), .spin(.x, p)]
      case .torque: [.torque(.y, p), .torque(.x, p)]
      case .moment: [.moment(.y, p), .moment(.x, p)]
      }
    }
    own.responses =
      (responses + [.current(.up), .current(.down), .conduction(.up), .conduction(.down)])
      .map { ("\($0)", $0) }
    let points = verificationPoints(dimension: model.dimension).prefix(2)
    let loops = points.map { own.values(reduced: $0) }
    let found = try await attempt {
      try await WorkProgress.stage("spiral") { _ in
        var spirals: [Spiral.Values] = []
        for f in points {
          spirals.append(try await spiral.values(at: model.waveVector(reduced: f)))
        }
        return spirals
      }
    }
    let place = "at Gamma = \(significant(own.broadening))"
    var statements: [Verification.Statement] = []
    func state(
      _ claim: String, _ compute: ([Spiral.Values]) -> Residual
    ) async throws {
      statements.append(
        try await statement(.vertices, "\(claim), \(place)", guide) { compute(try found.get()) })
    }
    for (o, name) in ["s", "T", "moment"].enumerated() {
      try await state("\(name): loops = spiral of finite pitch, 2n x 2n matrices") { spirals in
        worst(
          zip(loops, spirals).flatMap { loops, spiral in
            [2 * o, 2 * o + 1].map { o in
              let own = loops[2 * o] + loops[2 * o + 1]
              let other = spiral.xy[o] + spiral.xx[o]
              let size = own.map(\.length).max()!
              let off = zip(own, other).map { ($0 - $1).length }.max()!
              // What the finite differences leave.
              return (off == 0 ? 0 : off / size, 1e-7 + spiral.error / size, nil)
            }
          })
      }
    }
    // Behind the responses, the retarded-advanced sector of K_s^xy and K_s^xx.
    let (s, t, m, pi, mixed) = (0, 4, 8, 12, 16)
    let gamma = ComplexDouble(own.broadening)
    /// The sum of terms at each frequency, which has to vanish.
    func vanishes(
      _ spirals: [Spiral.Values], _ terms: (_ omega: Double) -> [(ComplexDouble, Int)]
    ) -> Residual {
      worst(
        zip(loops, spirals).flatMap { loops, spiral in
          own.omegas.enumerated().map { w, omega in
            let values =
              loops.map { $0[w + 1] } + [spiral.mixedXY[0][w], spiral.mixedXX[0][w]]
            let parts = terms(omega).map { $0.0 * values[$0.1] }
            let size = parts.map(\.length).max()!
            let off = parts.reduce(ComplexDouble.zero) { $0 + $1 }.length
            let left = 2 * own.broadening * spiral.error / size
            return (off == 0 ? 0 : off / size, 1e-7 + left, nil)
          }
        })
    }
    func i(_ x: Double) -> ComplexDouble { ComplexDouble(0, x) }
    func term(_ factor: ComplexDouble, _ index: Int) -> (ComplexDouble, Int) { (factor, index) }
    try await state("spin continuity: 2 K_T^xy + i omega K_s^xx = 2 Gamma K_s^RA,xx") {
      vanishes($0) { omega in
        [term(2, t), term(i(omega), s + 1), term(-2 * gamma, mixed + 1)]
      }
    }
    try await state("spin continuity: 2 K_T^xx - i omega K_s^xy = Pi^z - 2 Gamma K_s^RA,xy") {
      vanishes($0) { omega in
        [term(2, t + 1), term(i(-omega), s), term(-1, pi), term(1, pi + 1), term(2 * gamma, mixed)]
      }
    }
    try await state(
      "total angular momentum: 2 K_mom^xx - i omega K_s^xy = Pi^s - 2 Gamma K_s^RA,xy"
    ) {
      vanishes($0) { omega in
        [
          term(2, m + 1), term(i(-omega), s), term(-1, pi + 2), term(1, pi + 3),
          term(2 * gamma, mixed),
        ]
      }
    }
    return statements
  }

  // MARK: Bare loops

  /// What holds of the bare loops after the sum over the zone.
  package func identityStatements() async throws -> [Verification.Statement] {
    let transverse: [CollinearResponse] =
      isAligned ? [.spin(.x, ones), .spin(.y, ones), .torque(.x, ones), .torque(.y, ones)] : []
    let moments: [CollinearResponse] =
      isAligned ? [.moment(.x, ones), .moment(.y, ones)] : []
    let charge: [CollinearResponse] = [.conduction(.up), .conduction(.down)]
    let responses = transverse + moments + charge
    let both = omegas + omegas.map { -$0 }
    let found = try await attempt { try await spectrum(asking(responses, both)) }
    var statements: [Verification.Statement] = []
    func state(
      _ claim: String,
      _ compute: (CollinearSpectrum) async throws -> Residual
    ) async throws {
      statements.append(
        try await statement(.bare, claim, guide) { try await compute(try found.get()) })
    }
    func vanishing(_ spectrum: CollinearSpectrum, _ range: Range<Int>) -> Residual {
      worst(
        range.map { n in
          let (fixed, size) = (spectrum.columns[n].staticPart!, size(spectrum.columns, n, both))
          return (fixed.value.length / size, fixed.error / size, nil)
        })
    }
    if isAligned {
      try await state("gauge invariance: K_s(0) = 0, K_T(0) = 0, K_mom(0) = 0") {
        vanishing($0, 0..<6)
      }
    }
    try await state("gauge invariance: Pi(0) = 0 of each spin, with its diamagnetic part") {
      let count = responses.count
      return vanishing($0, (count - 2)..<count)
    }
    try await state("K(-omega) = K(omega)*") { reality($0, both) }
    if request.directions.i == request.directions.j {
      try await state("Re sigma(omega) >= 0 of each spin") { spectrum in
        worst(
          ((responses.count - 2)..<responses.count).flatMap { c in
            omegas.indices.map { n in
              let sigma = spectrum.columns[c].values[n]!
              let size = size(spectrum.columns, c, both.map { $0 / abs($0) })
              return (larger(0, -sigma.value.real) / size, sigma.error / size, nil)
            }
          })
      }
    }
    // A chain of one orbital has no other.
    if model.dimension == 1, model.orbitals.count == 1 { return statements }
    var wide = asking(responses, both)
    wide.broadening = largeBroadening
    let claim =
      "another unit cell, and thus another grid, at Gamma = \(significant(largeBroadening))"
    statements.append(
      try await statement(.bare, claim, guide) { [wide] in
        let spectrum = try await self.spectrum(wide)
        var own = wide
        own.model = try relabelled()
        let other = try await self.spectrum(own)
        return worst(
          responses.indices.flatMap { c in
            both.indices.map { n in
              let factor = abs(both[n]) / size(spectrum.columns, c, both)
              let (x, y) = (spectrum.columns[c].quotients[n]!, other.columns[c].quotients[n]!)
              return ((x.value - y.value).length * factor, (x.error + y.error) * factor, nil)
            }
          })
      })
    return statements
  }

  /// A spectrum of which nothing is missing.
  func spectrum(_ request: CollinearRequest) async throws -> CollinearSpectrum {
    let found = try await request.spectrum()
    if let failure = found.failures.first { throw failure }
    return found
  }

  /// The largest |K(omega) - K(0)| of a column and its partner, the other component or spin: one of them may vanish by symmetry.
  func size(_ columns: [CollinearSpectrum.Column], _ n: Int, _ omegas: [Double]) -> Double {
    let first = n / 2 * 2
    return columns[first..<first + 2].flatMap { column in
      zip(column.quotients, omegas).map { ($0?.value.length ?? 0) * abs($1) }
    }.max()!
  }

  /// Frequencies whose second half is minus the first.
  func reality(_ spectrum: CollinearSpectrum, _ omegas: [Double]) -> Residual {
    let half = omegas.count / 2
    return worst(
      spectrum.columns.indices.flatMap { c in
        (0..<half).map { n in
          let (x, y) = (
            spectrum.columns[c].quotients[n]!, spectrum.columns[c].quotients[n + half]!
          )
          let factor = abs(omegas[n]) / size(spectrum.columns, c, omegas)
          return (
            (x.value + y.value.conjugate).length * factor, (x.error + y.error) * factor, nil
          )
        }
      })
  }

  /// The same crystal of other lattice vectors, a_1 + a_2, ..., with the last orbital in another cell.
  private func relabelled() throws -> OrbitalModel {
    let (d, n) = (model.dimension, model.orbitals.count)
    let vectors = model.latticeVectors
    // a_c' = sum_b M_cb a_b; in one dimension another cell of the last orbital has to do.
    let changed = (0..<d).map { c in
      c + 1 < d ? zip(vectors[c], vectors[c + 1]).map { $0 + $1 } : vectors[c]
    }
    var orbitals = model.orbitals
    if mutation != .cell {
      orbitals[n - 1].position = zip(orbitals[n - 1].position, vectors[0]).map { $0 + $1 }
      orbitals[n - 1].downPosition = zip(orbitals[n - 1].downPosition, vectors[0]).map { $0 + $1 }
    }
    var found: [[Int]: [[ComplexDouble]]] = [:]
    for (r, cell) in model.cells.enumerated() {
      for b in 0..<n {
        for a in 0..<n {
          // H(R) between orbitals whose first cells are shifted by a_1.
          var own = cell
          own[0] += (a == n - 1 ? 1 : 0) - (b == n - 1 ? 1 : 0)
          // R = sum_c m_c a_c' with m_c = R_c - R_(c-1) + ..., for a_c' = a_c + a_(c+1).
          var new = own
          for c in 1..<max(d, 1) { new[c] = own[c] - new[c - 1] }
          let values = [model.elements[0][r][a + n * b], model.elements[1][r][a + n * b]]
          if values.allSatisfy({ $0 == .zero }) { continue }
          let zero = [[ComplexDouble]](
            repeating: [ComplexDouble](repeating: .zero, count: n * n), count: 2)
          for u in 0..<2 { found[new, default: zero][u][a + n * b] = values[u] }
        }
      }
    }
    let cells = Array(found.keys)
    return try OrbitalModel(
      name: model.name, latticeVectors: changed, orbitals: orbitals, cells: cells,
      up: cells.map { found[$0]![0] }, down: cells.map { found[$0]![1] })
  }
}
