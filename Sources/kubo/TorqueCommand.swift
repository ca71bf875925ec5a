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
      valueName: "strength"))
  var gamma: Quantity?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Frequencies, START:STOP:COUNT or a,b,c.", valueName: "axis"))
  var omega: String = "0"
  @Option(parsing: .unconditional, help: "The current density, A/m^2.")
  var currentDensity: Quantity
  @Option(
    parsing: .unconditional, help: ArgumentHelp("The model's unit of length, nm.", valueName: "nm"))
  var latticeConstant: Quantity
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The thickness of a layer, nm; two dimensions.", valueName: "nm"))
  var thickness: Quantity?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The cross-section of a chain, nm^2; one dimension.", valueName: "nm2"))
  var crossSection: Quantity?
  @Option(parsing: .unconditional, help: "The spin N of a site.")
  var spin: Quantity
  @Option(
    parsing: .unconditional,
    help:
      "The spin relaxation rate zeta_s = tau_sd/tau_sf, in i omega tau_sd - zeta_s of the closed form (+ zeta_s as printed)."
  )
  var relaxation: Quantity = "0"

  func validate() throws {
    if let gamma, gamma.text != "auto" { _ = try strength(gamma, in: .unread) }
    _ = try axis(omega, "--omega", in: .unread)
    _ = try currentDensity.number("--current-density")
    _ = try latticeConstant.positive("--lattice-constant")
    _ = try thickness?.positive("--thickness")
    _ = try crossSection?.positive("--cross-section")
    _ = try spin.positive("--spin")
    if try relaxation.number("--relaxation") < 0 {
      throw ValidationError("--relaxation: found '\(shown(relaxation.text))'; expected 0 or more")
    }
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
    return try value.positive(name)
  }

  private func refuseSuperfluous(_ model: Model) throws {
    for (name, value, dimension) in [
      ("--cross-section", crossSection, 1), ("--thickness", thickness, 2),
    ] where value != nil && dimension != model.dimension {
      throw ValidationError(
        "\(name): found '\(shown(value!.text))'; expected none, since \(model.name) has dimension \(model.dimension)"
      )
    }
  }

  func run() async throws {
    try await reporting(arguments.work.verbosity, advice: toleranceAdvice) { log in
      try arguments.checkOutput()
      let (torque, summary, table) = try await compute(log)
      if arguments.output != nil { try arguments.write(table) }
      if arguments.output == nil || arguments.output != "-" && !arguments.work.quiet {
        try standardOutput(summary)
        if let output = arguments.output { try standardOutput("written: \(output)\n") }
      }
      try tellEmptyCells(torque.failures, poles: torque.poles, log)
    }
  }

  func table(_ log: Logger) async throws -> CSVFile { try await compute(log).table }

  private func compute(_ log: Logger) async throws -> (
    torque: Torque, summary: String, table: CSVFile
  ) {
    let start = Date()
    let (request, inputs) = try await state.request(
      arguments, omega: omega, diagrams: shippedDiagrams(), log)
    let model = request.model
    try refuseSuperfluous(model)
    let scale = TorqueScale(
      currentDensity: try currentDensity.number("--current-density"),
      lengthUnit: try latticeConstant.number("--lattice-constant"),
      transverse: try transverse(model), spin: try spin.number("--spin"))
    var strength: Double?
    if let gamma {
      strength =
        gamma.text == "auto"
        ? try await Comparison.strength(
          model, mu: request.mu, threads: arguments.work.threadCount)
        : try kubo.strength(gamma, in: inputs.input.scale)
    }
    let zeta = try relaxation.number("--relaxation")
    let torque = try await request.torque(impurities: strength, relaxation: zeta)
    return (
      torque, torque.summary(request, scale: scale, impurities: strength),
      CSVFile(
        torque, scale: scale, request: request, impurities: strength, relaxation: zeta,
        provenance: try arguments.provenance(inputs, since: start))
    )
  }
}
