// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import KuboFiles
import Testing

/// 4.4: what must not change the results.
@Suite struct InvarianceTests {
  private let omegas = [0.0, 0.4, 1.3]

  private func spectrum(
    _ model: Model, mu: Double = -1.2, scale: Double = 1, threads: Int = 2,
    directions: Directions = Directions(i: 0, j: 0)
  ) async throws -> Spectrum {
    try await SpectrumRequest(
      model: model, mu: mu * scale, temperature: 0.02 * scale, lifetime: .constant(0.1 * scale),
      omegas: omegas.map { $0 * scale }, directions: directions,
      columns: bareColumns(namedResponses), diagrams: shippedDiagrams(), threads: threads
    ).spectrum()
  }

  /// Compares all numbers, each multiplied by its own factor, within the sum of the errors.
  private func expectSame(
    _ a: Spectrum, _ b: Spectrum, dynamic: (Response) -> Double = { _ in 1 },
    static staticFactor: (Response) -> Double = { _ in 1 }
  ) throws {
    #expect(a.failures.isEmpty && b.failures.isEmpty)
    for (p, q) in zip(a.columns, b.columns) {
      let f = dynamic(p.request.response)
      let g = staticFactor(p.request.response)
      for (v, w) in zip(p.values, q.values) {
        let (v, w) = (try #require(v), try #require(w))
        let error = v.error * max(f, g) + w.error
        #expect((v.dynamic.multiplied(by: f) - w.dynamic).length <= error, "\(p.request.label)")
        #expect(abs(p.staticPart!.real * g - q.staticPart!.real) <= error, "\(p.request.label)")
        // The comparison says something: the error is small against the scale.
        #expect(w.error <= 2e-6 * max(w.scale, w.dynamic.length))
      }
    }
  }

  /// The same sum on a grid whose origin is shifted, which knows no symmetry either.
  @Test(arguments: ["square", "honeycomb"]) func originAndSymmetry(_ name: String) async throws {
    let model = try shippedModel(name)
    let diagrams = try shippedDiagrams()
    let loops = namedResponses.map { name in
      let response = Response(name)!
      return LoopWeights.Sum(
        measured: response.measured, spin: response.spin, diagrams: diagrams.diagrams(of: response))
    }
    var zone = ZoneSum(
      model: model, directions: Directions(i: 0, j: 0), mu: -1.2, temperature: 0.02,
      broadening: 0.4, loops: loops,
      closedForms: ClosedForm.allCases.map { (form: $0, version: .corrected) }, threads: 2
    )
    let a = try await zone(divisions: 144, omegas: omegas, withScales: true)
    zone.origin = [0.31, 0.47]
    let b = try await zone(divisions: 156, omegas: omegas, withScales: true)
    for o in a.statics.indices {
      // Converged to rounding at Gamma = 0.4.
      #expect((a.statics[o] - b.statics[o]).length <= 1e-10 * a.staticScales[o])
      for n in omegas.indices {
        #expect((a.quotients[n][o] - b.quotients[n][o]).length <= 1e-10 * a.scales[n][o])
      }
    }
  }

  /// A primitive cell of other shape, and sites moved within the cell (a gauge of eta).
  @Test func anotherUnitCell() async throws {
    let model = try shippedModel("square")
    let other = try Model(
      name: "square", latticeVectors: [[2, 0], [-1, -1]],
      interSublattice: model.interSublattice, intraSublattice: model.intraSublattice,
      exchange: model.exchange)
    try expectSame(try await spectrum(model), try await spectrum(other))
  }

  /// The point group is found from the model: its order, and that a broken symmetry is noticed.
  @Test func pointGroups() throws {
    // Maps of the energies as functions of k, for the square lattice in its magnetic cell.
    #expect(try shippedModel("square").energySymmetries().count == 8)
    #expect(try shippedModel("honeycomb").energySymmetries().count == 12)
    #expect(try shippedModel("cubic").energySymmetries().count == 48)
    #expect(try shippedModel("chain").energySymmetries().count == 2)
    let square = try shippedModel("square")
    var hops = square.interSublattice
    hops[0].amplitude *= 1 + 1e-6
    hops[1].amplitude *= 1 + 1e-6
    let strained = try Model(
      name: "strained", latticeVectors: square.latticeVectors, interSublattice: hops,
      intraSublattice: square.intraSublattice, exchange: square.exchange)
    #expect(strained.energySymmetries().count == 4)
  }

  /// x and y are equivalent on the square and the honeycomb lattice; on the strained one they are
  /// not, so that the comparison can fail.
  @Test func equivalentDirections() async throws {
    for name in ["square", "honeycomb"] {
      let model = try shippedModel(name)
      try expectSame(
        try await spectrum(model),
        try await spectrum(model, directions: Directions(i: 1, j: 1)))
    }
    let square = try shippedModel("square")
    var hops = square.interSublattice
    hops[0].amplitude = 0.9
    hops[1].amplitude = 0.9
    let strained = try Model(
      name: "strained", latticeVectors: square.latticeVectors, interSublattice: hops,
      intraSublattice: square.intraSublattice, exchange: square.exchange)
    let a = try await spectrum(strained)
    let b = try await spectrum(strained, directions: Directions(i: 1, j: 1))
    #expect((a.full("Y", 1) - b.full("Y", 1)).length > 1e-3)
  }

  /// Energies in another unit: K per energy, sigma unchanged, X per energy more.
  @Test func unitOfEnergy() async throws {
    let f = 2.5
    let model = try shippedModel("honeycomb")
    let scaled = try shippedModel(
      "honeycomb", ["t": f, "t_prime": 0.1 * f, "J": 0.5 * f])
    // K = sum tr[O v v] <g g g> d eps: v^2 g^3 eps = energy^0; X has J^2 and g g: energy^1 for each
    // pair of derivatives of the dimensionless cos(theta). Pi = v^2 g g eps = energy.
    func factor(_ response: Response, isStatic: Bool) -> Double {
      switch response.measured {
      case .chargeCurrent: isStatic ? f : 1
      case .anomalousSpinCurrent, .spinCurrent, .exchangeTorque: f
      case .spin, .staggeredSpin: 1
      }
    }
    try expectSame(
      try await spectrum(model), try await spectrum(scaled, scale: f),
      dynamic: { factor($0, isStatic: false) }, static: { factor($0, isStatic: true) })
  }

  /// Lengths in another unit: two derivatives over one cell, a^(2 - d).
  @Test(arguments: [("chain", 3.0), ("square", 1.0)])
  func unitOfLength(_ name: String, _ expected: Double) async throws {
    let f = 3.0
    let model = try shippedModel(name)
    func scaled(_ hops: [Hop]) -> [Hop] {
      hops.map { Hop(vector: $0.vector.map { f * $0 }, amplitude: $0.amplitude) }
    }
    let other = try Model(
      name: name, latticeVectors: model.latticeVectors.map { $0.map { f * $0 } },
      interSublattice: scaled(model.interSublattice),
      intraSublattice: scaled(model.intraSublattice), exchange: model.exchange)
    try expectSame(
      try await spectrum(model), try await spectrum(other), dynamic: { _ in expected },
      static: { _ in expected })
  }

  /// The same bits for any number of threads.
  @Test func threads() async throws {
    let model = try shippedModel("square")
    let one = try await spectrum(model, threads: 1)
    let three = try await spectrum(model, threads: 3)
    for (a, b) in zip(one.columns, three.columns) {
      #expect(a.values == b.values)
      #expect(a.staticPart == b.staticPart)
    }
  }
}
