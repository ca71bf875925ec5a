// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams
import KuboFiles
import Logging

/// `kubo torque`.
struct TorqueCommand: TableCommand {
  static let configuration = CommandConfiguration(
    commandName: "torque",
    abstract: "The torques (15), (16) as velocities in m/s, from closed forms and loops.",
    discussion: """
      A current density j along the electric field's direction drives

        d/dt (M/N) m = tau_m d_i (M/N) m + tau_m_na n x d_i n
        d/dt n       = (tau_n + tau_n_na) d_i n

      with the velocities v = (v/v_0) v_c j/(4 q N): v_c the cell's volume with its two spins N, \
      q = -|e| the electron's charge. Positive j is the direction of the electric current, against the \
      electrons. With impurities on the sites the bands mix: tau_n.site and tau_m_na.site are the whole \
      torques on n and m.

      EXAMPLE
        kubo torque chain --spin 1 --current-density 1e11 \\
          --lattice-constant 0.3 --cross-section 0.1

        At omega = 0, in m/s, and with error bounds:

          closed                      0.56549 ...
          closed_printed              -0.56549 ...
          constant.bare               0.568 ...
          ferromagnet                                             9.3623 ...

        The loops (constant.bare) confirm the corrected sign of tau_m. A
        ferromagnet with the same Fermi surface has 9.4.
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var state: ConstantLifetimeArguments
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Add impurities of this strength, scba and site, with their ladders; auto is a level width of J/5 at mu.",
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
    help: ArgumentHelp("The thickness of a layer, nm; two dimensions.", valueName: "nm"),
    transform: positive)
  var thickness: Double?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The cross-section of a chain, nm^2; one dimension.", valueName: "nm2"),
    transform: positive)
  var crossSection: Double?
  @Option(parsing: .unconditional, help: "The spin N of a site.", transform: positive)
  var spin: Double
  @Option(
    parsing: .unconditional,
    help:
      "The spin relaxation rate zeta_s = tau_sd/tau_sf, in i omega tau_sd - zeta_s of the closed form (+ zeta_s as printed). Default: 0.",
    transform: number("0 or more") { $0 >= 0 })
  var relaxation = 0.0

  /// A strength of impurities; none is one that gives a certain level width.
  struct Strength {
    let energy: Energy?

    init(_ text: String) throws { energy = text == "auto" ? nil : try .strength(text) }
  }

  /// What the cell has in the directions that the model lacks.
  private func transverse(_ model: Model) throws -> Double {
    if model.dimension == 3 { return 1 }
    let (name, value) =
      model.dimension == 1 ? ("--cross-section", crossSection) : ("--thickness", thickness)
    guard let value else {
      throw ValidationError(
        "\(name): found none; expected one, since \(model.name) has dimension \(model.dimension) and a current density is per area"
      )
    }
    return value
  }

  private func refuseSuperfluous(_ model: Model) throws {
    for (name, value, dimension) in [
      ("--cross-section", crossSection, 1), ("--thickness", thickness, 2),
    ] {
      guard let value, dimension != model.dimension else { continue }
      throw ValidationError(
        "\(name): found '\(value)'; expected none, since \(model.name) has dimension \(model.dimension)"
      )
    }
  }

  func result(_ log: Logger) async throws -> TableResult {
    let start = Date()
    let (request, inputs) = try await state.request(
      arguments, omega: omega, diagrams: shippedDiagrams(), log)
    let model = request.model
    try refuseSuperfluous(model)
    let scale = TorqueScale(
      currentDensity: currentDensity,
      lengthUnit: latticeConstant,
      transverse: try transverse(model), spin: spin)
    var strength: Double?
    if let gamma {
      strength = try gamma.energy?.value("--gamma", in: inputs.input.scale)
      if strength == nil {
        strength = try await Comparison.strength(model, mu: request.mu, threads: request.threads)
      }
    }
    let torque = try await request.torque(impurities: strength, relaxation: relaxation)
    return TableResult(
      table: CSVFile(
        torque, scale: scale, request: request, impurities: strength, relaxation: relaxation,
        provenance: try arguments.provenance(inputs, since: start)),
      summary: torque.summary(request, scale: scale, impurities: strength), isSummaryEnough: true,
      failures: torque.failures, poles: torque.poles)
  }
}
