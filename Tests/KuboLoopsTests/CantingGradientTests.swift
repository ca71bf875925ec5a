// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboFiles
import KuboTestSupport
import KuboVerification
import Testing

/// The diagrams `canting_gradient`, eight of them, are -i d/dq of the two of `canting_uniform` with electrons at
/// k + q/2 before the canting and at k - q/2 after it: explicit 4x4 matrices at finite q, differenced.
@Suite struct CantingGradientTests {
  static let components: [(measured: SpinComponent, field: SpinComponent)] = [
    (.x, .x), (.x, .y), (.y, .x), (.y, .y),
  ]

  /// 1/(z - H), by (H - T)^2 = Delta^2.
  private func propagator(_ z: ComplexDouble, _ f: EigenstateFrame) -> Matrix4 {
    let w = z - ComplexDouble(f.hopping)
    let rest = f.hamiltonian - f.hopping * Matrix4.one
    return (1 / (w * w - ComplexDouble(f.delta * f.delta))) * (w * Matrix4.one + rest)
  }

  /// O, without what varies with k.
  private func measured(_ name: MeasuredOperator, _ component: SpinComponent, _ j: Double)
    -> Matrix4
  {
    let alpha = component == .x ? 1 : 2
    return switch name {
    case .spin: .rhoSigma(0, alpha)
    case .staggeredSpin: .rhoSigma(3, alpha)
    // i [-J rho_3 sigma^z, sigma^alpha].
    default: (alpha == 1 ? 2 * j : -2 * j) * .rhoSigma(3, 3 - alpha)
    }
  }

  /// tr O G+' (j_+ G' c + c G+ j_-) G at q.
  private func loop(
    _ o: Matrix4, _ field: SpinComponent, _ model: Model, _ k: [Double], _ q: [Double], _ j: Int,
    _ z: (plus: ComplexDouble, inner: ComplexDouble)
  ) -> ComplexDouble {
    let before = EigenstateFrame(model, zip(k, q).map { $0 + $1 / 2 })
    let after = EigenstateFrame(model, zip(k, q).map { $0 - $1 / 2 })
    let c = -model.exchange * Matrix4.rhoSigma(0, field == .x ? 1 : 2)
    let first = propagator(z.plus, before)
    let last = propagator(z.inner, after)
    return
      (o * first
      * (before.hamiltonianD(j) * propagator(z.inner, before) * c
        + c * propagator(z.plus, after) * after.hamiltonianD(j)) * last).trace
  }

  /// The sum over bubbles of the engine's traces times propagators at one k.
  private func engine(
    _ projection: String, _ name: MeasuredOperator,
    _ spin: (measured: SpinComponent, field: SpinComponent), _ frame: Frame,
    _ z: (plus: ComplexDouble, inner: ComplexDouble)
  ) throws -> ComplexDouble {
    let members = try shippedDiagrams().diagrams.filter { $0.contributesTo.contains(projection) }
    #expect(members.count == (projection == "canting_uniform" ? 2 : 8))
    let traces = LoopWeights.traces([.init(measured: name, spin: spin, diagrams: members)], frame)
    return traces[0].reduce(.zero) { sum, entry in
      let (bubble, trace) = entry
      var product = trace
      for a in bubble.plus { product /= z.plus - frame.energy(a) }
      for c in bubble.inner { product /= z.inner - frame.energy(c) }
      return sum + product
    }
  }

  @Test(arguments: IdentityLattice.allCases) func isTheDerivative(_ lattice: IdentityLattice) throws
  {
    let model = lattice.model
    let z = (plus: ComplexDouble(0.3, 0.4), inner: ComplexDouble(-0.5, 0.7))
    var largest = 0.0
    for k in lattice.waveVectors(2, seed: 5) {
      for pair in lattice.directions {
        let frame = Frame(model, at: WaveVector(k), directions: pair)
        for name in [MeasuredOperator.spin, .staggeredSpin, .exchangeTorque] {
          for spin in Self.components {
            let o = measured(name, spin.measured, model.exchange)
            let zero = [Double](repeating: 0, count: k.count)
            func value(_ q: [Double]) -> ComplexDouble {
              loop(o, spin.field, model, k, q, pair.j, z)
            }
            let uniform = try engine("canting_uniform", name, spin, frame, z)
            #expect((uniform - value(zero)).length < 1e-12)
            let slope = centralDifference(pair.i, at: zero, step: 0.01, value)
            let gradient = try engine("canting_gradient", name, spin, frame, z)
            #expect(
              (gradient - ComplexDouble(0, -1) * slope).length < 1e-9, "\(name) \(spin) \(pair)")
            largest = max(largest, gradient.length)
          }
        }
      }
    }
    #expect(largest > 0.01)
  }
}
