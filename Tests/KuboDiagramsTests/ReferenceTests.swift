// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboDiagrams
import KuboFiles
import Testing

/// Numbers of independent programs, in data/reference; provenance in its README.
@Suite struct ReferenceTests {
  struct Loops: Decodable {
    let lattice: String
    let t, t_prime, J, mu, Gamma, temperature: Double
    let i, j: Int
    let rows: [[String: Entry]]
    var parameters: [String: Double] { ["t": t, "t_prime": t_prime, "J": J] }
  }

  enum Entry: Decodable {
    case number(Double)
    case complex(ComplexDouble)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let x = try? container.decode(Double.self) {
        self = .number(x)
      } else {
        let pair = try container.decode([Double].self)
        self = .complex(ComplexDouble(pair[0], pair[1]))
      }
    }
  }

  static let loops: [Loops] = try! JSONDecoder().decode(
    [Loops].self, from: Data(contentsOf: URL(filePath: "\(repository)/data/reference/loops.json")))

  /// Every row and key of loops.json within 1e-6 of the response's scale, at the default tolerance.
  @Test(arguments: 0..<6) func loops(_ index: Int) async throws {
    let entry = ReferenceTests.loops[index]
    let keys = entry.rows[0].keys.filter { $0 != "omega" }.sorted()
    #expect(keys.count == 20)
    let omegas = entry.rows.map { row in
      guard case .number(let omega)? = row["omega"] else { preconditionFailure("no omega") }
      return omega
    }
    let spectrum = try await SpectrumRequest(
      model: shippedModel(entry.lattice, entry.parameters), mu: entry.mu,
      temperature: entry.temperature, lifetime: .constant(entry.Gamma), omegas: omegas,
      directions: Directions(i: entry.i, j: entry.j), columns: bareColumns(keys),
      diagrams: shippedDiagrams(), threads: 2
    ).spectrum()
    #expect(spectrum.failures.isEmpty)
    for key in keys {
      // The scale of the response: its largest value in the file, or, where it vanishes by
      // symmetry, the sum of its absolute contributions.
      let values = entry.rows.map { row in
        guard case .complex(let z)? = row[key] else { preconditionFailure("no value") }
        return z
      }
      let largest = values.map(\.length).max()!
      for n in omegas.indices {
        let contributions = spectrum.column(key).values[n]!.scale
        let scale = largest > 1e-9 * contributions ? largest : contributions
        #expect(
          (spectrum.full(key, n) - values[n]).length <= 1e-6 * scale, "\(key) omega = \(omegas[n])")
      }
    }
  }

  struct CoefficientFile: Decodable {
    struct X: Decodable {
      let lattice: String
      let t, t_prime, J, mu, Gamma, temperature: Double
      let `static`: Double
      let omega, re, im: [Double]
    }
    let coefficients: [[String: CoefficientEntry]]
    let X: [X]
  }

  enum CoefficientEntry: Decodable {
    case text(String)
    case number(Double)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let x = try? container.decode(Double.self) {
        self = .number(x)
      } else {
        self = .text(try container.decode(String.self))
      }
    }

    var number: Double {
      guard case .number(let x) = self else { preconditionFailure("not a number") }
      return x
    }
    var text: String {
      guard case .text(let x) = self else { preconditionFailure("not text") }
      return x
    }
  }

  static let file: CoefficientFile = try! JSONDecoder().decode(
    CoefficientFile.self,
    from: Data(contentsOf: URL(filePath: "\(repository)/data/reference/coefficients.json")))

  /// sigma_c/tau and the P's within 1e-8.
  @Test(arguments: 0..<4) func coefficients(_ index: Int) async throws {
    let row = ReferenceTests.file.coefficients[index]
    let model = try shippedModel(
      row["lattice"]!.text,
      ["t": row["t"]!.number, "t_prime": row["t_prime"]!.number, "J": row["J"]!.number])
    let found = try await Coefficients(
      model: model, mu: row["mu"]!.number, temperature: row["temperature"]!.number, threads: 2)
    #expect(abs(found.conductivity.value.real - row["sigma_c_over_tau"]!.number) <= 1e-8)
    #expect(found.entries.count == 8)
    for entry in found.entries {
      let expected = row[entry.name]!.number
      #expect(abs(try #require(entry.value).value.real - expected) <= 1e-8, "\(entry.name)")
    }
  }

  /// X, the anomalous spin current per canting, within 1e-6 of its scale; the bare loops and the
  /// form integrated by parts.
  @Test(arguments: 0..<2) func canting(_ index: Int) async throws {
    let entry = ReferenceTests.file.X[index]
    let model = try shippedModel(
      entry.lattice, ["t": entry.t, "t_prime": entry.t_prime, "J": entry.J])
    let spectrum = try await SpectrumRequest(
      model: model, mu: entry.mu, temperature: entry.temperature,
      lifetime: .constant(entry.Gamma), omegas: entry.omega,
      columns: [Dressing.bare, .closed].map { .init(response: Response("X")!, dressing: $0) },
      diagrams: shippedDiagrams(), threads: 2
    ).spectrum()
    let largest = zip(entry.re, entry.im).map { ComplexDouble($0, $1).length }.max()!
    for column in spectrum.columns {
      #expect(abs(column.staticPart!.real - entry.static) <= 1e-6 * largest)
      for n in entry.omega.indices {
        let full = column.values[n]!.dynamic + column.staticPart!
        #expect((full - ComplexDouble(entry.re[n], entry.im[n])).length <= 1e-6 * largest)
      }
    }
  }

  /// The conductivity of the honeycomb model, each part of each value within 1e-6 of itself.
  @Test func conductivity() async throws {
    let lines = try String(
      contentsOfFile: "\(repository)/data/reference/sigma.csv", encoding: .utf8
    )
    .split(separator: "\n").filter { !$0.hasPrefix("#") }.dropFirst()
    .map { $0.split(separator: ",").map { Double($0)! } }
    #expect(lines.count == 101)
    let spectrum = try await SpectrumRequest(
      model: shippedModel("honeycomb"), mu: -1, temperature: 0, lifetime: .constant(0.02),
      omegas: lines.map { $0[0] }, columns: bareColumns(["sigma"]), diagrams: shippedDiagrams(),
      threads: 2
    ).spectrum()
    for (n, line) in lines.enumerated() {
      let value = try #require(spectrum.column("sigma").values[n]).dynamic
      #expect(abs(value.real - line[1]) <= 1e-6 * abs(line[1]), "omega = \(line[0])")
      #expect(abs(value.imaginary - line[2]) <= 1e-6 * abs(line[2]), "omega = \(line[0])")
    }
  }
}
