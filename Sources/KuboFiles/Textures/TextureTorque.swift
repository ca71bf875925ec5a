// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import KuboTextures

/// Where the torques of a texture's current come from: numbers, a table of `kubo torque`, or a model, whose torques the engine
/// computes at the current's frequencies.
public struct TextureTorque: Sendable {
  /// A table of `kubo torque`: which route, and the model's unit of energy in eV.
  public struct Table: Sendable {
    /// The path, relative to the texture file, the route, and the unit.
    public let path, route: String
    let electronvolts: Double
    /// v_m per current where the route has no tau_m; without it tau_m_full is taken.
    let m: Double?
    fileprivate let value: YAMLValue
  }

  /// A model with what `kubo torque` asks for.
  public struct Model: Sendable {
    /// A shipped model or a path, as on the command line.
    public let model: String
    /// As in `site.ladder`.
    public let route: String
    let settings: [String: Double]
    let mu, temperature, broadening, strength: Double?
    let units: PhysicalUnits
    let transverse, relaxation: Double
    let tolerance: Double
    let m: Double?
    fileprivate let value: YAMLValue
  }

  /// The source.
  public enum Source: Sendable {
    /// r = v/v_0 at frequencies in 1/ps, nil for all, of a cell with this volume in nm^3.
    case ratios([(omega: Double?, ratios: TorqueRatios)], cellVolume: Double)
    /// A table.
    case table(Table)
    /// A model.
    case model(Model)
  }

  /// The source.
  public let source: Source
  private let value: YAMLValue

  /// Routes that the loops take, as columns of `kubo torque` name them.
  static let routes = [
    "closed", "constant.bare", "scba.bare", "scba.ladder", "site.bare", "site.ladder",
  ]

  init(_ value: YAMLValue) throws(FileError) {
    self.value = value
    let ratios = ["v_n", "v_m", "v_na"]
    let all = ["cell_volume", "at", "table", "model"] + ratios
    let kinds = try value.entries(expected: "a mapping").map(\.key)
    if kinds.contains("table") {
      source = .table(try TextureTorque.table(value))
    } else if kinds.contains("model") {
      source = .model(try TextureTorque.model(value))
    } else if kinds.contains("at") {
      let fields = try value.fields("cell_volume", "at")
      let items = try fields["at"]!.list(expected: "a list of ratios at frequencies")
      guard 1...1000 ~= items.count else {
        throw fields["at"]!.refusal("1 to 1000 frequencies", found: "\(items.count)")
      }
      source = .ratios(
        try items.map { item throws(FileError) in
          let fields = try item.fields(["omega"] + ratios, optional: [])
          let omega = try fields["omega"]!.atLeastZero("a frequency in 1/ps")
          return (omega, try TextureTorque.ratios(fields))
        }, cellVolume: try fields["cell_volume"]!.positive("a volume in nm^3"))
    } else if kinds.contains("cell_volume") {
      let fields = try value.fields(["cell_volume"] + ratios, optional: [])
      source = .ratios(
        [(nil, try TextureTorque.ratios(fields))],
        cellVolume: try fields["cell_volume"]!.positive("a volume in nm^3"))
    } else {
      throw value.refusal(
        "cell_volume with \(ratios.joined(separator: ", ")) or at, table, or model",
        found: kinds.first(where: { !all.contains($0) }).map { "the key \(shortened($0))" }
          ?? "neither")
    }
  }

  private static func ratios(_ fields: [String: YAMLValue]) throws(FileError) -> TorqueRatios {
    TorqueRatios(
      n: try fields["v_n"]!.complexNumber(), m: try fields["v_m"]!.complexNumber(),
      na: try fields["v_na"]!.complexNumber())
  }

  private static func table(_ value: YAMLValue) throws(FileError) -> Table {
    let fields = try value.fields(["table", "route", "eV"], optional: ["v_m"])
    return Table(
      path: try fields["table"]!.string(expected: "the path of a table of kubo torque"),
      route: try fields["route"]!.choice(of: routes.map { ($0, $0) }),
      electronvolts: try fields["eV"]!.positive("the model's unit of energy in eV"),
      m: try fields["v_m"]?.number(), value: value)
  }

  private static func model(_ value: YAMLValue) throws(FileError) -> Model {
    let fields = try value.fields(
      ["model", "route", "eV", "nm"],
      optional: [
        "set", "mu", "temperature", "constant", "impurities", "thickness", "cross_section",
        "relaxation", "tolerance", "v_m",
      ])
    let route = try fields["route"]!.choice(of: routes.map { ($0, $0) })
    var settings: [String: Double] = [:]
    for (key, _, value) in try fields["set"]?.entries(expected: "parameters of the model") ?? [] {
      settings[key] = try value.number()
    }
    if let other = fields["thickness"], fields["cross_section"] != nil {
      throw other.refusal("thickness or cross_section", found: "both")
    }
    let needsImpurities = route.hasPrefix("scba") || route.hasPrefix("site")
    guard needsImpurities == (fields["impurities"] != nil) else {
      throw fields["route"]!.refusal(
        needsImpurities ? "the key impurities beside it, a strength" : "no key impurities",
        found: route)
    }
    let tolerance = try fields["tolerance"]?.positive("a relative error") ?? 1e-4
    guard tolerance < 1 else { throw fields["tolerance"]!.refusal("a relative error below 1") }
    return Model(
      model: try fields["model"]!.string(expected: "a model"), route: route, settings: settings,
      mu: try fields["mu"]?.number(), temperature: try fields["temperature"]?.number(),
      broadening: try fields["constant"]?.positive("a level width Gamma"),
      strength: try fields["impurities"]?.positive("a strength gamma"),
      units: PhysicalUnits(
        energy: try fields["eV"]!.positive("the model's unit of energy in eV"),
        length: try fields["nm"]!.positive("the model's unit of length in nm")),
      transverse: try (fields["thickness"] ?? fields["cross_section"])?.positive("nm or nm^2") ?? 1,
      relaxation: try fields["relaxation"]?.atLeastZero("zeta_s of the closed form") ?? 0,
      tolerance: tolerance, m: try fields["v_m"]?.number(), value: value)
  }

  // MARK: The drive

  /// A current's drive of a material.
  /// - Parameters:
  ///   - table: reads the table of a path.
  ///   - engine: computes v/v_0 of a model.
  /// - Throws: ``FileError`` for frequencies without torques and complex torques of a direct current.
  public func drive(
    _ current: TextureCurrent, spin: Double, table: (Table) throws -> CSVFile,
    engine: (Model, _ omegas: [Double]) async throws -> [TorqueRatios]
  ) async throws -> TextureDrive {
    let omegas = current.harmonics.map(\.omega)
    var ratios: [TorqueRatios]
    var velocity = 1.0
    switch source {
    case .ratios(let list, let volume):
      velocity = TextureDrive.velocity(cell: volume, spin: spin)
      ratios = try omegas.map { omega in
        guard let found = list.first(where: { ($0.omega ?? omega).isNearly(omega) }) else {
          throw value.refusal(
            "ratios at all frequencies of the current",
            found: "none at omega = \(significant(omega, digits: 6)) 1/ps")
        }
        return found.ratios
      }
    case .table(let source):
      let table = try table(source)
      ratios = try omegas.map { try source.ratios(table, omega: $0, spin: spin) }
    case .model(let model):
      ratios = try await engine(model, omegas)
    }
    for (n, omega) in omegas.enumerated() where omega == 0 {
      let r = ratios[n]
      guard r.n.imaginary == 0, r.m.imaginary == 0, r.na.imaginary == 0 else {
        throw value.refusal(
          "real torques at omega = 0, where numbers for all frequencies hold too",
          found: "complex torques of a direct current")
      }
    }
    return TextureDrive(current, velocity: velocity, ratios: ratios)
  }
}

extension Double {
  /// Whether it is the other number, but for rounding.
  fileprivate func isNearly(_ other: Double) -> Bool {
    abs(self - other) <= 1e-9 * Swift.max(abs(self), abs(other))
  }
}

extension YAMLValue {
  /// A number, or a list of real and imaginary part.
  fileprivate func complexNumber() throws(FileError) -> Complex<Double> {
    if case .list = content {
      let parts = try numbers()
      guard parts.count == 2 else { throw refusal("a number, or real and imaginary part") }
      return Complex(parts[0], parts[1])
    }
    return Complex(try number(expected: "a number, or real and imaginary part"))
  }
}

extension TextureTorque.Table {
  /// Velocities in nm/ps per A/m^2 at a frequency in 1/ps.
  fileprivate func ratios(
    _ table: CSVFile, omega: Double, spin: Double
  ) throws(FileError) -> TorqueRatios {
    func number(_ key: HeaderKey) throws(FileError) -> Double {
      guard let text = table[header: key], let number = CoreSchema.decimal(text) else {
        throw value.refusal("a table of kubo torque, with \(key) in its header", found: path)
      }
      return number
    }
    let density = try number("current_density_A_per_m2")
    let own = try number("spin")
    guard own.isNearly(spin) else {
      throw value.refusal("the spin of the material, \(spin)", found: "\(path) with spin \(own)")
    }
    let energy = omega * TextureMaterial.hbar / (1000 * electronvolts)
    let axis = table.columns.firstIndex(of: "omega")
    guard let axis, let row = table.rows.first(where: { $0[axis]?.isNearly(energy) == true }) else {
      throw value.refusal(
        "a row for each frequency of the current, hbar omega in units of \(electronvolts) eV",
        found: "\(path) without omega = \(significant(energy, digits: 8))")
    }
    func velocity(_ kind: TorqueKind) throws(FileError) -> Estimate? {
      let name = Column(parsing: "\(kind.quantity).\(route)")
      let places = [Column.Part.real, .imaginary, .error].map {
        table.columns.firstIndex(of: name.with($0).name)
      }
      guard let re = places[0], let im = places[1], let err = places[2] else { return nil }
      guard let x = row[re], let y = row[im], let error = row[err] else {
        throw value.refusal(
          "numbers in all cells", found: "\(path) with empty cells of \(name.name)")
      }
      // m/s to nm/ps.
      let scale = 1e-3 / density
      return Estimate(
        value: Complex(x * scale, y * scale), error: error * abs(scale))
    }
    var found: [TorqueKind: Estimate] = [:]
    for kind in TorqueKind.allCases { found[kind] = try velocity(kind) }
    let v0 = try m.map { m throws(FileError) in try m * number("v_0_m_per_s") * 1e-3 / density }
    return try TorqueRatios(found, m: v0, route: route, value)
  }
}

extension TextureTorque.Model {
  /// v/v_0 of the engine times v_0 per current: velocities in nm/ps per A/m^2 at frequencies in 1/ps.
  /// - Parameters:
  ///   - file: the model.
  ///   - diagrams: the diagrams.
  ///   - spin: N.
  public func ratios(
    _ file: ModelFile, _ diagrams: DiagramLibrary, omegas: [Double], spin: Double, threads: Int
  ) async throws -> [TorqueRatios] {
    let model = try file.model(setting: settings)
    let lifetime = broadening.map { Lifetime.constant($0) } ?? file.defaults.lifetime
    if model.dimension == 3, transverse != 1 {
      throw value.refusal(
        "no thickness or cross_section of a model of three dimensions", found: "one")
    }
    if model.dimension < 3, transverse == 1 {
      throw value.refusal(
        model.dimension == 1 ? "cross_section in nm^2" : "thickness in nm", found: "none")
    }
    var request = SpectrumRequest(
      model: model, mu: mu ?? file.defaults.mu,
      temperature: temperature ?? file.defaults.temperature, lifetime: lifetime,
      omegas: omegas.map { $0 * TextureMaterial.hbar / (1000 * units.energy) },
      directions: Directions(i: 0, j: 0), columns: [], diagrams: DiagramSet(diagrams.diagrams),
      threads: threads)
    request.tolerance = tolerance
    let torque = try await request.torque(
      impurities: strength, relaxation: relaxation,
      withCanting: route.hasPrefix("site") && m == nil)
    let scale = TorqueScale(
      currentDensity: 1, lengthUnit: units.length!, transverse: transverse, spin: spin)
    // m/s to nm/ps.
    let v0 = scale.velocity(model) * 1e-3
    return try omegas.indices.map { n in
      var found: [TorqueKind: Estimate] = [:]
      for column in torque.columns where column.route == route {
        guard let r = column.values[n] else {
          throw EmptyCell(
            column: column.label, omega: request.omegas[n],
            reason: (torque.failures + torque.poles).first ?? "no value")
        }
        found[column.kind] = v0 * r
      }
      return try TorqueRatios(found, m: m.map { $0 * v0 }, route: route, value)
    }
  }
}

extension TorqueRatios {
  /// v_n = tau_n + tau_n_na, v_m = tau_m, v_na = tau_m_na; where bands mix tau_n is the whole one, and v_m that of the file,
  /// or else tau_m_full.
  fileprivate init(
    _ found: [TorqueKind: Estimate], m: Double?, route: String, _ value: YAMLValue
  ) throws(FileError) {
    guard let n = found[.n], let na = found[.mNonadiabatic] else {
      throw value.refusal("a route with tau_n and tau_m_na", found: "\(route) without them")
    }
    if found[.m] != nil, m != nil {
      throw value.refusal("no v_m beside it: \(route) has tau_m", found: "v_m")
    }
    let own = found[.m] ?? m.map { Estimate(value: Complex($0), error: 0) } ?? found[.mFull]
    guard let own else {
      throw value.refusal(
        "v_m = v/v_0 beside it, a number, or a table of kubo torque --canting: \(route) has no tau_m",
        found: "none")
    }
    let whole = found[.nNonadiabatic].map { n + $0 } ?? n
    self.init(
      n: whole.value, m: own.value, na: na.value, errors: (whole.error, own.error, na.error))
  }
}
