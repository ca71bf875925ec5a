// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import KuboDiagrams
import KuboFiles
import KuboOrbitals
import Logging

extension ChemicalPotential {
  /// mu of a model with orbitals: a filling is that of levels of the width `broadening`, or of impurities that `lifetime`
  /// names.
  func value(
    _ input: ModelInput<OrbitalModel>, broadening: Double,
    impurities: (strengths: OrbitalImpurities, lifetime: String)? = nil, threads: Int, _ log: Logger
  ) async throws -> (mu: Double, filling: Filling?) {
    guard let filling else {
      return (try mu?.value("--mu", in: input.scale) ?? input.file.defaults.mu, nil)
    }
    let capacity = 2 * input.model.orbitals.count
    let found: Filling
    if let impurities {
      let root = try await input.model.chemicalPotential(
        electrons: filling, temperature: input.temperature, impurities: impurities.strengths,
        threads: threads)
      found = Filling(
        electrons: filling, root, impurities: impurities.lifetime, capacity: capacity)
    } else {
      let (mu, error) = try await input.model.chemicalPotential(
        electrons: filling, temperature: input.temperature, broadening: broadening, threads: threads
      )
      found = Filling(
        electrons: filling, mu: mu, error: error, broadening: broadening, capacity: capacity)
    }
    log.notice("note: \(found.summary)")
    return (found.mu, found)
  }
}

extension ConstantLifetimeArguments {
  /// A request of a model with orbitals, without responses.
  func orbitalRequest(
    _ arguments: ModelArguments, _ log: Logger
  ) async throws -> (
    request: CollinearRequest, input: ModelInput<OrbitalModel>, filling: Filling?
  ) {
    let input = try arguments.readOrbitals(log)
    guard
      case .constant(let gamma) = try lifetime?.value(in: input.scale)
        ?? input.file.defaults.lifetime
    else { preconditionFailure("the option takes a constant lifetime alone") }
    let threads = arguments.work.threadCount
    let (mu, filling) = try await potential.value(
      input, broadening: gamma, threads: threads, log)
    let request = CollinearRequest(
      model: input.model, mu: mu, temperature: input.temperature, broadening: gamma, omegas: [],
      directions: arguments.direction, responses: [], tolerance: tolerance, threads: threads)
    return (request, input, filling)
  }
}

/// Refuses options that only models of two sublattices have.
func refuseWithOrbitals(_ model: String, _ options: [(name: String, isGiven: Bool)]) throws {
  for (name, isGiven) in options where isGiven {
    throw ValidationError(
      "\(name): found with \(model), which has orbitals; expected a model of two sublattices, or no \(name)"
    )
  }
}
