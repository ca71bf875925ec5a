// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import Foundation
import KuboDiagrams
import KuboVerification
import Testing

/// The spin of an eigenstate (9) against explicit eigenvectors of the 4x4 matrix.
@Suite struct SpinTextureTests {
  @Test(arguments: IdentityLattice.allCases) func againstEigenvectors(_ lattice: IdentityLattice) {
    let model = lattice.model
    var generator = SeededGenerator(9)
    for _ in 0..<40 {
      let k = (0..<model.dimension).map { _ in Double.random(in: -4...4, using: &generator) }
      let explicit = EigenstateFrame(model, k)
      let frame = Frame(model, at: WaveVector(k), directions: Directions(i: 0, j: 0))
      let (polar, azimuth) = (
        Double.random(in: 0...(.pi), using: &generator),
        Double.random(in: -.pi...(.pi), using: &generator)
      )
      let tau = SIMD3(sin(polar) * cos(azimuth), sin(polar) * sin(azimuth), cos(polar))
      for band in Band.allCases {
        let s = band == .bonding ? 1 : -1
        // The spinor of the pseudo-spin tau, in the columns of V_k of the band.
        let spinor = [
          ComplexDouble(cos(polar / 2)),
          ComplexDouble(length: sin(polar / 2), phase: azimuth),
        ]
        var state = [ComplexDouble](repeating: .zero, count: 4)
        for (n, column) in Matrix4.indices(s).enumerated() {
          for row in 0..<4 { state[row] += explicit.transformation[row, column] * spinor[n] }
        }
        func applied(_ m: Matrix4) -> [ComplexDouble] {
          (0..<4).map { r in (0..<4).reduce(.zero) { $0 + m[r, $1] * state[$1] } }
        }
        // Rounding of sums of some ten terms of order 1, energies up to 10: 1e-13 is safe.
        let residual = zip(applied(explicit.hamiltonian), state).map {
          ($0 - $1.multiplied(by: explicit.energy(s))).length
        }.max()!
        #expect(residual < 1e-13)
        let spin = frame.spin(band, pseudoSpin: tau)
        for alpha in 1...3 {
          let expected = zip(state, applied(.rhoSigma(0, alpha))).reduce(ComplexDouble.zero) {
            $0 + $1.0.conjugate * $1.1
          }
          #expect(abs(expected.real - spin[alpha - 1]) < 1e-13, "\(k) \(band) \(alpha)")
        }
      }
    }
  }

  /// The length of the transverse spin is sin(theta), and around a corner of the honeycomb's zone, where
  /// eta vanishes linearly, it turns once; on the square lattice it keeps its direction.
  @Test func locking() throws {
    func turns(_ model: Model, around centre: [Double]) -> Double {
      var angle = 0.0
      var last: SIMD3<Double>?
      for n in 0...200 {
        let phi = 2 * Double.pi * Double(n) / 200
        let k = [centre[0] + 0.2 * cos(phi), centre[1] + 0.2 * sin(phi)]
        let spin = Frame(model, at: WaveVector(k), directions: Directions(i: 0, j: 0))
          .spin(.bonding, pseudoSpin: [1, 0, 0])
        if let last {
          angle += atan2(last.x * spin.y - last.y * spin.x, last.x * spin.x + last.y * spin.y)
        }
        last = spin
      }
      return angle / (2 * .pi)
    }
    let honeycomb = try shippedModel("honeycomb")
    let corners = BrillouinZone(honeycomb).outline
    // A whole number, up to rounding.
    let around = corners.map { turns(honeycomb, around: $0) }
    #expect(around.allSatisfy { abs(abs($0) - 1) < 1e-9 })
    #expect(abs(around.reduce(0, +)) < 1e-9, "K and K' turn opposite ways")
    #expect(abs(turns(honeycomb, around: [0, 0])) < 1e-9)
    let square = try shippedModel("square")
    for k in [[0.1, 0.7], [1.0, -0.4], [2.1, 0.3]] {
      let spin = Frame(square, at: WaveVector(k), directions: Directions(i: 0, j: 0))
        .spin(.bonding, pseudoSpin: [1, 0, 0])
      // eta is a sum of pairs exp(+-i k.e), real to rounding.
      #expect(abs(spin.y) < 1e-15 && spin.x > 0.01)
    }
  }
}
