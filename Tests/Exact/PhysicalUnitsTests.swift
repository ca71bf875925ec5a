// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import RealModule
import Testing

/// Numbers of the laboratory beside the model's own.
@Suite struct PhysicalUnitsTests {
  /// Values of CODATA 2018, which lists ten digits of these.
  @Test func knownNumbers() {
    let units = PhysicalUnits(energy: 1)
    #expect(abs(units.frequency(1) / 241.7989242 - 1) < 1e-9)
    #expect(abs(units.temperature(1) / 11604.51812 - 1) < 1e-9)
    #expect(abs(SI.reducedPlanckConstant / 1.054571817e-34 - 1) < 1e-9)
    // e^2/hbar is pi times the conductance quantum 2 e^2/h.
    #expect(abs(units.conductivity(dimension: 2)! / (.pi * 7.748091729e-5) - 1) < 1e-9)
    #expect(units.conductivity(dimension: 1) == nil && units.conductivity(dimension: 3) == nil)
  }

  /// The same system in other units, of energy x 2.5 and of length x 3: what a laboratory measures stays.
  @Test(arguments: ["chain", "square", "cubic"]) func rescaling(_ name: String) async throws {
    let model = try shippedModel(name)
    let (energy, length) = (2.5, 3.0)
    func scaled(_ hops: [Hop]) -> [Hop] {
      hops.map { Hop(vector: $0.vector.map { $0 * length }, amplitude: $0.amplitude * energy) }
    }
    let other = try Model(
      name: name, latticeVectors: model.latticeVectors.map { $0.map { $0 * length } },
      interSublattice: scaled(model.interSublattice),
      intraSublattice: scaled(model.intraSublattice), exchange: model.exchange * energy)
    func sigma(_ model: Model, _ factor: Double, _ units: PhysicalUnits) async throws -> [Double] {
      let request = SpectrumRequest(
        model: model, mu: -1.2 * factor, temperature: 0.1 * factor,
        lifetime: .constant(0.2 * factor), omegas: [0.3 * factor], columns: bareColumns(["sigma"]),
        diagrams: try shippedDiagrams(), tolerance: 1e-6, threads: 2)
      let value = try #require(try await request.spectrum().column("sigma").values[0])
      let f = try #require(units.conductivity(dimension: model.dimension))
      return [
        value.dynamic.real * f, value.dynamic.imaginary * f, units.frequency(request.omegas[0]),
        units.temperature(request.temperature),
      ]
    }
    let a = try await sigma(model, 1, PhysicalUnits(energy: 1.5, length: 0.6))
    let b = try await sigma(other, energy, PhysicalUnits(energy: 0.6, length: 0.2))
    // Both spectra to the tolerance of 1e-6.
    for (x, y) in zip(a, b) { #expect(abs(x / y - 1) < 4e-6, "\(a) \(b)") }
  }
}
