// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import KuboOrbitals
import Logging

/// `kubo torque`.
struct TorqueCommand: SweepableCommand {
  static let configuration = CommandConfiguration(
    commandName: "torque",
    abstract: "The torques (15), (16) as velocities in m/s, from closed forms and loops.",
    discussion: """
      A current density j along the direction of the electric field drives

        d/dt (M/N) m = tau_m d_i (M/N) m + tau_m_na n x d_i n
        d/dt n       = (tau_n + tau_n_na) d_i n

      with velocities v = (v/v_0) v_c j/(4 q N). v_c is the volume of the cell, which holds two spins N, and q = -|e| is \
      the charge of the electron. j > 0 points along the electric current, against the motion of the electrons. Impurities \
      on the sites mix the bands; then tau_n.site and tau_m_na.site are the whole torques on n and m.

      Impurity spins take spin from the electrons. With --lifetime site=0.1,spin=0.02, which models with orbitals need, the \
      command computes for a direct current, with all vertex corrections, 1/tau_s, the polarisation P and the damping alpha by \
      these spins; for antiferromagnets also zeta_s, tau_n and tau_m_na; for other magnets beta and

        d/dt n       = tau d_i n + tau_na n x d_i n,   tau_na = beta tau

      with tau = -p v_c j/(2 q S), where S is the spin of a cell, and p = P (tau_P) if no spin is lost.

      EXAMPLE
        kubo torque chain --spin 1 --current-density 1e11 \\
          --lattice-constant 0.3 --cross-section 0.1

        The velocities at omega = 0, in m/s, with error bounds:

          closed                      0.56549 ...
          closed_printed              -0.56549 ...
          constant.bare               0.568 ...
          ferromagnet                                             9.3623 ...

        The loops (constant.bare) confirm the corrected sign of tau_m. A
        ferromagnet with the same Fermi surface has 9.4.

        kubo torque ferromagnet --lifetime site=0.5,spin=0.1 --spin 0.5 \\
          --current-density 1e11 --lattice-constant 0.3 --thickness 0.6  # a minute
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup(title: "Sweeps") var sweep: SweepArguments
  @OptionGroup var potential: ChemicalPotential
  @Option(
    help: ArgumentHelp(
      "constant=GAMMA for the bare loops (default: the model's), or impurities on orbitals or sites, such as site=0.1,spin=0.02, with all vertex corrections.",
      valueName: "kind=value"), transform: LifetimeChoice.constantOrSite)
  var lifetime: LifetimeChoice?
  @Option(
    parsing: .unconditional,
    help:
      "Relative error of each part of each value. Default: 1e-4; with impurities in --lifetime 1e-3.",
    transform: kubo.tolerance)
  var tolerance: Double?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Add impurities of this strength, of the kinds scba and site, bare and with ladders; auto chooses a level width of J/5 at mu.",
      valueName: "strength"),
    transform: Strength.init)
  var gamma: Strength?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Frequencies, START:STOP:COUNT or a,b,c. Default: 0.", valueName: "axis"),
    transform: Axis.init)
  var omega = try! Axis("0")
  @Option(parsing: .unconditional, help: "The current density, A/m^2.", transform: number)
  var currentDensity: Double
  @Option(
    parsing: .unconditional, help: ArgumentHelp("The model's unit of length, nm.", valueName: "nm"),
    transform: positive)
  var latticeConstant: Double
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The thickness of a layer, nm; for two dimensions.", valueName: "nm"),
    transform: positive)
  var thickness: Double?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The cross-section of a chain, nm^2; for one dimension.", valueName: "nm2"),
    transform: positive)
  var crossSection: Double?
  @Option(
    parsing: .unconditional,
    help:
      "The spin N of a site; for a model with orbitals the spin S of a cell, all sites together (for a ferrimagnet the net spin).",
    transform: positive)
  var spin: Double
  @Option(
    parsing: .unconditional,
    help:
      "The spin relaxation zeta_s = tau_sd/tau_sf; the closed form has i omega tau_sd - zeta_s, the printed one + zeta_s. Default: 0.",
    transform: number("0 or more") { $0 >= 0 })
  var relaxation = 0.0
  @Flag(
    help:
      "Add the effect of a canting that varies: tau_m with all bands (tau_m_full), and the torque tau_nm n x d_i m on n. This needs grids that resolve the lifetime: some seconds at a level width of J/10."
  )
  var canting = false

  /// A strength of impurities; none is one that gives a certain level width.
  struct Strength {
    let energy: Energy?

    init(_ text: String) throws { energy = text == "auto" ? nil : try .strength(text) }
  }

  /// What the cell has in the directions that the model lacks.
  private func transverse(_ crystal: some Crystal) throws -> Double {
    let (model, dimension) = (crystal.name, crystal.dimension)
    for (name, value, own) in [
      ("--cross-section", crossSection, 1), ("--thickness", thickness, 2),
    ] {
      guard let value, own != dimension else { continue }
      throw ValidationError(
        "\(name): found '\(value)'; expected none, since \(model) has dimension \(dimension)")
    }
    if dimension == 3 { return 1 }
    let (name, value) =
      dimension == 1 ? ("--cross-section", crossSection) : ("--thickness", thickness)
    guard let value else {
      throw ValidationError(
        "\(name): found none; expected one, since \(model) has dimension \(dimension) and a current density is per area"
      )
    }
    return value
  }

  @Flag(help: CostEstimate.sweepHelp)
  var estimate = false
  static let hasCost = false

  func result(_ log: Logger) async throws -> TableResult {
    let start = Date()
    let hasOrbitals = try Installation.readModel(arguments.model).hasOrbitals
    if hasOrbitals || lifetime?.isConstant == false {
      return try await relaxation(log, hasOrbitals: hasOrbitals, since: start)
    }
    let (request, inputs) = try await arguments.request(
      potential, lifetime: lifetime, omega: omega, diagrams: shippedDiagrams(),
      tolerance: tolerance ?? 1e-4, log)
    let model = request.model
    let scale = TorqueScale(
      currentDensity: currentDensity, lengthUnit: latticeConstant,
      transverse: try transverse(model), spin: spin)
    var strength: Double?
    if let gamma {
      strength = try gamma.energy?.value("--gamma", in: inputs.input.scale)
      if strength == nil {
        strength = try await Comparison.strength(model, mu: request.mu, threads: request.threads)
      }
    }
    let torque = try await request.torque(
      impurities: strength, relaxation: relaxation, withCanting: canting)
    return TableResult(
      table: CSVFile(
        torque, scale: scale, request: request, impurities: strength, relaxation: relaxation,
        provenance: try arguments.provenance(inputs, since: start)),
      summary: torque.summary(request, scale: scale, impurities: strength), isSummaryEnough: true,
      failures: torque.failures, poles: torque.poles)
  }
  /// Torques of a direct current with impurities, by the general route.
  private func relaxation(
    _ log: Logger, hasOrbitals: Bool, since start: Date
  ) async throws -> TableResult {
    let input = try arguments.readOrbitals(log)
    let model = input.model
    guard let lifetime, !lifetime.isConstant else {
      throw ValidationError(
        "--lifetime: found \(lifetime?.description ?? "none") with \(model.name), which has orbitals; expected impurities, as site=0.1,spin=0.02: the torques of bare loops are not those of a current"
      )
    }
    for (option, isGiven) in [
      ("--gamma", gamma != nil), ("--relaxation", relaxation != 0), ("--omega", !omega.isZero),
      ("--canting", canting),
    ] where isGiven {
      throw ValidationError(
        "\(option): found with --lifetime \(lifetime); expected none: the torques of impurities are those of a direct current"
      )
    }
    if let fault = input.file.transverseFaults.first {
      throw ValidationError(
        "\(arguments.model): found spins that do not have the same orbitals: \(fault); expected other files: \(WannierAlignment.advice)"
      )
    }
    let impurities = try lifetime.impurities(model, in: input.scale)
    // The spin of a cell is twice that of the scale.
    let scale = TorqueScale(
      currentDensity: currentDensity, lengthUnit: latticeConstant,
      transverse: try transverse(model), spin: hasOrbitals ? spin / 2 : spin)
    let (mu, filling) = try await potential.value(
      input, broadening: 0, impurities: (impurities, lifetime.description),
      threads: arguments.work.threadCount, log)
    var request = CollinearRequest(
      model: model, mu: mu, temperature: input.temperature, broadening: 0, omegas: [0],
      directions: arguments.direction, responses: [], tolerance: tolerance ?? 1e-3,
      threads: arguments.work.threadCount)
    request.impurities = impurities
    let found = try await SpinRelaxation(
      model, impurities, mu: mu, temperature: request.temperature, directions: request.directions,
      tolerance: request.tolerance, threads: request.threads)
    let rows = RelaxationTable(found, model, scale: scale, units: input.file.units)
    return TableResult(
      table: rows.table(
        request, lifetime: lifetime.description,
        provenance: try arguments.provenance(input, filling: filling, since: start)),
      summary: rows.summary(request, lifetime: lifetime.description), isSummaryEnough: true,
      failures: rows.failures)
  }
}
