// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import RealModule
import Testing

/// What each band contributes.
@Suite struct BandShareTests {
  private static let names = ["sigma", "X", "Y", "s_full", "Sigma_full", "s.xx.O_adiabatic"]

  private func spectrum(_ model: Model, _ lifetime: Lifetime, mu: Double, _ names: [String])
    async throws -> Spectrum
  {
    let diagrams = try shippedDiagrams()
    var request = SpectrumRequest(
      model: model, mu: mu, temperature: 0.02, lifetime: lifetime, omegas: [0.2, 1.1, -0.4],
      columns: bareColumns(names), diagrams: diagrams, tolerance: 1e-4, threads: 2)
    for name in names {
      let response = Response(name)!
      request.columns += diagrams.shares(of: response).map {
        .init(response: response, dressing: .bare, share: $0)
      }
    }
    return try await request.spectrum()
  }

  /// The band rules of the shipped diagrams leave these shares.
  @Test func whichExist() throws {
    let set = try shippedDiagrams()
    let bands: [BandShare] = [.bonding, .antibonding]
    for (name, expected) in [
      ("sigma", bands + [.interband]), ("X", bands), ("Y", bands), ("X_na", [.interband]),
      ("Y_na", [.interband]), ("X_na_all", [.interband]), ("s_full", bands + [.interband]),
      ("s.xx.O_adiabatic", bands + [.interband]),
    ] {
      #expect(set.shares(of: Response(name)!) == expected, "\(name)")
    }
  }

  /// The shares add up to the whole, static parts as well, within the sum of the errors, and each K(0) is
  /// real.
  @Test(arguments: [
    ("honeycomb", Lifetime.constant(0.05)), ("chain", .constant(0.2)), ("narrow", .scba(0.26)),
  ]) func addUp(_ job: (model: String, lifetime: Lifetime)) async throws {
    let found = try await spectrum(try shippedModel(job.model), job.lifetime, mu: -1, Self.names)
    #expect(found.failures.isEmpty, "\(found.failureLines)")
    for name in Self.names {
      let own = found.columns.filter { $0.request.response.name == name }
      let parts = own.filter { $0.request.share != nil }
      let whole = own.first { $0.request.share == nil }!
      #expect(parts.count >= 2)
      for n in found.omegas.indices {
        let error = own.reduce(0) { $0 + $1.values[n]!.error }
        let sum = parts.reduce(ComplexDouble.zero) { $0 + $1.values[n]!.dynamic }
        #expect((sum - whole.values[n]!.dynamic).length <= 2 * error, "\(name) \(n)")
        // Not all in one: the identity is not empty.
        #expect(parts.count(where: { $0.values[n]!.dynamic.length > 10 * error }) >= 1, "\(name)")
      }
      let statics = parts.reduce(ComplexDouble.zero) { $0 + $1.staticPart! }
      let error = own.reduce(0) { $0 + $1.values[0]!.error }
      #expect((statics - whole.staticPart!).length <= 2 * error, "\(name)")
      for part in parts {
        #expect(abs(part.staticPart!.imaginary) <= error, "\(part.request.label)")
      }
    }
  }

  /// At small omega, T and Gamma the band at mu carries all of the current, and Y; the other next to nothing.
  @Test(arguments: [(-1.2, BandShare.bonding), (1.2, .antibonding)])
  func theBandAtTheFermiLevel(_ state: (mu: Double, band: BandShare)) async throws {
    let model = try shippedModel("square", ["t_prime": 0.1])
    let found = try await spectrum(model, .constant(0.005), mu: state.mu, ["sigma", "Y"])
    for name in ["sigma", "Y"] {
      func part(_ share: BandShare?) -> Double {
        found.columns.first {
          $0.request.response.name == name && $0.request.share == share
        }!.values[0]!.dynamic.length
      }
      let other: BandShare = state.band == .bonding ? .antibonding : .bonding
      // What is left of the other band is of order Gamma/(distance of 0.7).
      #expect(part(state.band) > 50 * part(other), "\(name)")
    }
  }

  /// Impurities on the sites mix the bands, and a ladder has no share.
  @Test func refused() async throws {
    let model = try shippedModel("chain")
    await #expect(throws: RequestError.self) {
      _ = try await spectrum(model, .site(0.3), mu: -1, ["sigma"])
    }
    var request = SpectrumRequest(
      model: model, mu: -1, temperature: 0, lifetime: .constant(0.1), omegas: [0.1], columns: [],
      diagrams: try shippedDiagrams())
    request.columns = [.init(response: Response("X_na")!, dressing: .bare, share: .bonding)]
    await #expect(throws: RequestError.self) { _ = try await request.spectrum() }
  }
}
