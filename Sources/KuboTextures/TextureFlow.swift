// SPDX-License-Identifier: GPL-3.0-or-later
import CTextures

/// A trajectory that goes on, by GSL's rk8pd; |n| = 1 and n.mu = 0 are kept at each step. Of one task.
///
///     dn/dt  = -(1/hbar N) n x du/dmu - alpha_m n x dmu/dt + v_n d_x n
///     dmu/dt = -(1/hbar N) [n x du/dn + mu x du/dmu] - alpha_n n x dn/dt - alpha_m mu x dmu/dt
///              + P_perp [v_m d_x mu + v_na n x d_x n] - n (mu.dn/dt)
///
/// (13) with its signs corrected, docs/texture.md; units: nm, ps, meV. Space by central differences of 4th order.
public final class TextureFlow {
  /// Where it is.
  public private(set) var state: TextureState
  private let material: TextureMaterial
  private let line: TextureLine
  private let drive: TextureDrive
  private let flow: OpaquePointer
  private let anisotropy: UnsafeMutableBufferPointer<Double>
  private let harmonics: UnsafeMutableBufferPointer<TextureHarmonic>

  /// A trajectory from a state.
  /// - Parameter tolerance: of a step, of n absolute, of mu in units of omega_0/omega_a.
  /// - Throws: `TextureError.memory`.
  public init(
    _ material: TextureMaterial, _ line: TextureLine, _ drive: TextureDrive,
    from state: TextureState, tolerance: Double
  ) throws(TextureError) {
    precondition(state.values.count == 6 * line.nodes + 2 && line.nodes >= 4)
    self.state = state
    (self.material, self.line, self.drive) = (material, line, drive)
    anisotropy = .allocate(capacity: line.nodes)
    for j in 0..<line.nodes {
      anisotropy.initializeElement(at: j, to: material.anisotropy(at: line.position(j)))
    }
    harmonics = .allocate(capacity: drive.harmonics.count)
    _ = harmonics.initialize(from: drive.harmonics)
    var equations = TextureEquations()
    (equations.nodes, equations.is_periodic) = (line.nodes, line.isPeriodic ? 1 : 0)
    (equations.dx, equations.hbar_spin) = (line.spacing, material.hbarSpin)
    (equations.stiffness, equations.homogeneous) = (material.stiffness, material.homogeneous)
    (equations.hard, equations.dmi) = (material.hardAxis, material.dmi)
    equations.field = (material.field[0], material.field[1], material.field[2])
    (equations.alpha_n, equations.alpha_m) = (material.dampingN, material.dampingM)
    equations.anisotropy = UnsafePointer(anisotropy.baseAddress)
    equations.harmonics = UnsafePointer(harmonics.baseAddress)
    equations.harmonic_count = harmonics.count
    equations.fundamental = drive.fundamental
    let canting = max(material.gap, 1e-6 * material.exchangeRate) / material.exchangeRate
    guard let flow = texture_flow_new(equations, tolerance, canting, 1) else {
      anisotropy.deallocate()
      harmonics.deallocate()
      throw .memory(nodes: line.nodes)
    }
    self.flow = flow
  }

  deinit {
    texture_flow_free(flow)
    anisotropy.deallocate()
    harmonics.deallocate()
  }

  /// Goes on to a time in ps.
  /// - Throws: `TextureError.integration`, and `left` where a wall reaches an end.
  public func advance(to time: Double) throws(TextureError) {
    var (now, step) = (state.time, state.step)
    let status = texture_flow_advance(flow, &now, time, &step, &state.values)
    (state.time, state.step) = (now, step)
    guard status != CInt(TEXTURE_LEFT) else { throw .left(time: now) }
    guard status == 0 else {
      throw .integration(reason: "GSL status \(status)", time: state.time)
    }
  }

  /// dy/dt = (dn/dt, dmu/dt) of the state's values y, per ps.
  public func rates() -> [Double] {
    var rates = [Double](repeating: 0, count: state.values.count)
    texture_flow_rates(flow, state.time, state.values, &rates)
    return rates
  }

  /// What is seen of the state, as X = (q/2) int n_z; see ``TextureQuantity``.
  public func observables() -> TextureObservables {
    TextureObservables(
      state, rates: rates(), material, line, n: drive.velocities(at: state.time).n)
  }

  /// The steps taken so far.
  public var steps: Int { texture_flow_steps(flow) }

  /// Sets what the balances of energy and momentum begin with.
  func begin(energy: Double, momentum: Double) {
    let end = state.values.count
    state.values[end - 2] = energy
    state.values[end - 1] = momentum
  }

  /// Keeps the angle of the last observation.
  func keep(angle: Double?) { state.angle = angle ?? state.angle }
}
