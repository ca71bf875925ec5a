// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import KuboDiagrams
import RealModule
import Testing
import kubo

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

  /// Units of energy, by values of CODATA 2018 and, for 300 K, by hand.
  @Test(
    arguments: [
      (EnergyUnit.kelvin, 8.617333262e-5), (.terahertz, 4.135667696e-3),
      (.gigahertz, 4.135667696e-6),
      (.wavenumber, 1.239841984e-4), (.electronvolt, 1), (.millielectronvolt, 1e-3),
    ] as [(EnergyUnit, Double)]) func energies(_ unit: EnergyUnit, _ electronvolts: Double)
  {
    #expect(abs(unit.electronvolts / electronvolts - 1) < 1e-9)
    // The way back is that of the columns.
    let units = PhysicalUnits(energy: unit.electronvolts)
    switch unit {
    case .kelvin: #expect(abs(units.temperature(300) / 300 - 1) < 1e-15)
    case .terahertz: #expect(abs(units.frequency(7) / 7 - 1) < 1e-15)
    default: break
    }
  }

  /// What rounding leaves of 0 between the ends of an axis is 0; an end is what it is.
  @Test func zerosOfAxes() throws {
    let scale = EnergyScale(name: "t", electronvolts: nil)
    let values = try Axis("-5:0.1:52").values("--x", in: scale)
    #expect(values[50] == 0 && values[51] == 0.1)
    #expect(try Axis("1e-20:1:11").values("--x", in: scale)[0] == 1e-20)
  }

  /// What is written, in units of a model's energy.
  @Test(
    arguments: [
      ("300K", 1.0, 1, 0.025851999786), ("300 K", 1, 1, 0.025851999786),
      ("-0.4eV", 0.3, 1, -4 / 3.0),
      ("20meV", 0.3, 1, 1 / 15.0), ("2THz", 1e-3, 1, 8.271335392), ("500GHz", 1, 1, 2.067833848e-3),
      ("16cm^-1", 1, 1, 1.983747174e-3), ("+1e3meV", 1, 1, 1), (".5eV", 1, 1, 0.5),
      ("7", 0.3, 1, 7),
      ("0K", 0.3, 1, 0), ("400meV^2", 0.1, 2, 0.04), ("0.01eV^2", 0.1, 2, 1), ("0.3", 0.1, 2, 0.3),
    ] as [(String, Double, Int, Double)]) func quantities(
      _ text: String, _ unit: Double, _ power: Int, _ value: Double
    ) throws
  {
    let scale = EnergyScale(name: "t", electronvolts: unit)
    let found = try Energy(text, power: power).value("--x", in: scale)
    #expect(abs(found - value) <= 1e-9 * abs(value))
    // Without a unit no scale is needed.
    let bare = EnergyScale(name: "t", electronvolts: nil)
    let isBare = text == "7" || text == "0.3"
    #expect((try? Energy(text, power: power).value("--x", in: bare)) == (isBare ? value : nil))
  }

  /// What is no finite decimal number is none anywhere.
  @Test(arguments: [
    "", "x", "nan", "NaN", "inf", "-infinity", "0x10", "0x1p3", "0x1p-3", "1e400", "1e", "1e+",
    "e5",
    ".", "-", "+", "+-1", " 1", "1_000", "1,5", "1:2", "٣", "1\u{0}", "1e-400", "1e100",
  ]) func noNumbers(_ text: String) {
    for suffix in ["", "eV", " meV"] {
      #expect(throws: (any Error).self) { try number(text + suffix) }
      #expect(throws: (any Error).self) { try Energy(text + suffix) }
    }
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
