// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import KuboFiles

/// A chain with two sites in a cell, the hops t = 1 and t' = 0.2, and the exchange J = 0.8.
func chain() throws -> Model {
  try Model(
    name: "chain", latticeVectors: [[2]],
    interSublattice: [.init(vector: [1], amplitude: 1), .init(vector: [-1], amplitude: 1)],
    intraSublattice: [.init(vector: [2], amplitude: 0.2)], exchange: 0.8)
}

/// Both spins with impurities on the sites: bare loops, then those with the ladder.
func spins(of model: Model, home: String) async throws -> Spectrum {
  let diagrams = DiagramSet(try DiagramLibrary.read(directories: ["\(home)/diagrams"]).diagrams)
  return try await SpectrumRequest(
    model: model, mu: -1.2, temperature: 0.05, lifetime: .site(0.2), omegas: [0.1, 1.6],
    columns: ["Sigma_full", "s_full"].flatMap { name in
      [.bare, .ladder].map { .init(response: Response(name)!, dressing: $0) }
    }, diagrams: diagrams, tolerance: 1e-4
  ).spectrum()
}
