// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import KuboTextures
import KuboVerification

extension TextureTrajectory {
  /// What must hold of every trajectory: the balances of energy and momentum, |n| = 1 and n.mu = 0, and of a wall that the rigid
  /// one is as near as its linear equations are.
  ///
  ///     residual = |left - right|/size <= tolerance
  ///
  /// dimensionless; docs/texture.md.
  public func verification(_ request: TextureRequest) -> Verification {
    var statements = [
      energyStatement(request), momentumStatement(request), constraintStatement(),
    ]
    if rows.contains(where: { $0.collective != nil }) { statements.append(wallStatement(request)) }
    return Verification(statements: statements)
  }

  private func largest(_ value: (Row) -> Double?) -> Double {
    rows.compactMap(value).map(abs).max() ?? 0
  }

  private func energyStatement(_ request: TextureRequest) -> Verification.Statement {
    let size = max(largest { $0.values[.energy]?.value }, 1e-300)
    return .init(
      subject: .texture, claim: "energy = work of damping and torques", source: "W of (13)",
      residual: largest { $0.energyResidual } / size, tolerance: 10 * request.tolerance, place: nil)
  }

  private func momentumStatement(_ request: TextureRequest) -> Verification.Statement {
    let size = max(
      largest { $0.values[.momentum]?.value }, 1e-3 * request.material.gap, 1e-300)
    return .init(
      subject: .texture, claim: "momentum = impulse of damping, torques and pins",
      source: "docs/texture.md",
      residual: largest { $0.momentumResidual } / size,
      tolerance: largest { $0.momentumBound } / size + 10 * request.tolerance, place: nil)
  }

  private func constraintStatement() -> Verification.Statement {
    let state = end.states[0]
    var worst = 0.0
    for j in 0..<state.nodes {
      var (size, along) = (0.0, 0.0)
      for c in 0..<3 {
        let n = state.values[c * state.nodes + j]
        size += n * n
        along += n * state.values[(c + 3) * state.nodes + j]
      }
      worst = max(worst, abs(size - 1), abs(along))
    }
    return .init(
      subject: .texture, claim: "|n| = 1, n.mu = 0", source: "(13)", residual: worst,
      tolerance: 1e-14, place: nil)
  }

  /// The linear equations err by about 0.13 (V/c)^2 of the way, here 1/4, and are of first order in pins, K_h and D.
  private func wallStatement(_ request: TextureRequest) -> Verification.Statement {
    let (material, width) = (request.material, request.material.wallWidth)
    let start = rows.first?.collective?.position ?? 0
    let way = largest { $0.collective.map { $0.position - start } }
    let fast = largest { $0.collective.map { 1 - $0.width * $0.width / (width * width) } }
    let small =
      material.pins.map { abs($0.depth) }.reduce(0, +)
      + abs(material.hardAxis) / material.anisotropy
      + abs(material.dmi) / (material.stiffness * material.anisotropy).squareRoot()
    // The equations are those without alpha_m, which delays mu by alpha_m/omega_a.
    let rate = request.material.relaxation + (request.drive.terms.map(\.omega).max() ?? 0)
    let delay = material.dampingM * rate / material.exchangeRate
    let error = largest { $0.values[.position]?.error }
    let distance = largest { row in
      guard let x = row.values[.position]?.value, let closed = row.collective else { return nil }
      return x - closed.position
    }
    return .init(
      subject: .texture, claim: "X of the field = X of the rigid wall",
      source: "docs/texture.md", residual: distance / width,
      tolerance: (error + (0.25 * fast + small + delay) * way) / width, place: nil)
  }
}

extension Verification {
  /// A table: statement, residual, tolerance, pass or fail.
  public func summary(_ texture: TextureFile) -> String {
    summary("\(texture.name): \(texture.line.nodes) nodes", impurities: nil)
  }
}
