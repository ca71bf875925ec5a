// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import KuboDiagrams
import KuboVerification
import Testing

/// The engine's `Frame` at real and complex k: derivatives against central differences,
/// analyticity, and projectors against the 4x4 matrices.
@Suite struct FrameDerivativeTests {
  typealias Property = @Sendable (Frame) -> ComplexDouble

  /// A value with the names of its derivatives.
  struct Jet: Sendable {
    let name: String
    let value: Property
    var i: Property?
    var j: Property?
    var ij: Property?
  }

  static let jets: [Jet] = [
    Jet(
      name: "T", value: { $0.hopping }, i: { $0.hoppingI }, j: { $0.hoppingJ },
      ij: { $0.hoppingIJ }),
    Jet(name: "eta", value: { $0.eta }, i: { $0.etaI }, j: { $0.etaJ }, ij: { $0.etaIJ }),
    Jet(
      name: "etabar", value: { $0.etabar }, i: { $0.etabarI }, j: { $0.etabarJ },
      ij: { $0.etabarIJ }),
    Jet(name: "Delta", value: { $0.delta }, i: { $0.deltaI }, j: { $0.deltaJ }, ij: { $0.deltaIJ }),
    Jet(
      name: "E+", value: { $0.energy(.bonding) }, i: { $0.velocityI(.bonding) },
      j: { $0.velocityJ(.bonding) }, ij: { $0.massInverse(.bonding) }),
    Jet(
      name: "E-", value: { $0.energy(.antibonding) }, i: { $0.velocityI(.antibonding) },
      j: { $0.velocityJ(.antibonding) }, ij: { $0.massInverse(.antibonding) }),
    Jet(name: "cos(theta)", value: { $0.cosTheta }, ij: { $0.cosThetaIJ }),
  ]

  /// Points of a lattice, and imaginary parts small enough for Delta not to come near its branch
  /// points, where eta etabar = -J^2.
  static func points(_ lattice: IdentityLattice) -> [(real: [Double], imaginary: [Double])] {
    var numbers = SeededGenerator(23)
    return lattice.waveVectors(4, seed: 17).flatMap { k in
      let imaginary = k.map { _ in Double.random(in: -0.1...0.1, using: &numbers) }
      return [(k, k.map { _ in 0 }), (k, imaginary)]
    }
  }

  /// A property as a function of the real and the imaginary part of k.
  private func derivative(
    _ i: Int, _ point: (real: [Double], imaginary: [Double]), _ value: (WaveVector) -> ComplexDouble
  ) -> (real: ComplexDouble, imaginary: ComplexDouble) {
    (
      centralDifference(i, at: point.real) { value(WaveVector($0, imaginary: point.imaginary)) },
      centralDifference(i, at: point.imaginary) { value(WaveVector(point.real, imaginary: $0)) }
    )
  }

  /// Values are below 10 and their derivatives of order one: truncation and rounding of the
  /// difference stay below 1e-9 here; a missing term shows as 1e-2 and more.
  static let tolerance = 1e-9

  @Test(arguments: IdentityLattice.allCases) func derivatives(_ lattice: IdentityLattice) {
    let model = lattice.model
    for point in Self.points(lattice) {
      let k = WaveVector(point.real, imaginary: point.imaginary)
      for pair in lattice.directions {
        let frame = Frame(model, at: k, directions: pair)
        for jet in Self.jets {
          func expect(_ property: Property?, _ i: Int, _ value: @escaping Property) {
            guard let property else { return }
            let slope = derivative(i, point) { value(Frame(model, at: $0, directions: pair)) }
            let found = property(frame)
            let name = "\(jet.name) at \(point), \(pair.description)"
            #expect((found - slope.real).length < Self.tolerance, "\(name)")
            // Cauchy-Riemann.
            let turned = ComplexDouble(0, 1) * slope.real
            #expect((slope.imaginary - turned).length < Self.tolerance, "\(name)")
          }
          expect(jet.i, pair.i, jet.value)
          expect(jet.j, pair.j, jet.value)
          if let first = jet.i { expect(jet.ij, pair.j, first) }
          if let first = jet.j { expect(jet.ij, pair.i, first) }
        }
      }
    }
  }

  /// d_i d_j cos(theta) and d_i x . d_j x from differences of x itself; the latter is the sum of
  /// products of analytic functions, with eta and etabar for the complex conjugates.
  @Test(arguments: IdentityLattice.allCases) func metric(_ lattice: IdentityLattice) {
    let model = lattice.model
    for point in Self.points(lattice) {
      let k = WaveVector(point.real, imaginary: point.imaginary)
      for pair in lattice.directions {
        let frame = Frame(model, at: k, directions: pair)
        func slope(_ i: Int, _ value: @escaping Property) -> ComplexDouble {
          derivative(i, point) { value(Frame(model, at: $0, directions: pair)) }.real
        }
        let cosine: Property = { $0.cosTheta }
        let up: Property = { $0.eta / $0.delta }
        let down: Property = { $0.etabar / $0.delta }
        let flat = slope(pair.i, up) * slope(pair.j, down) + slope(pair.j, up) * slope(pair.i, down)
        let product = flat.multiplied(by: 0.5) + slope(pair.i, cosine) * slope(pair.j, cosine)
        #expect((frame.metricIJ - product).length < Self.tolerance)
        let second = centralDifference(pair.i, at: point.real) { outer in
          centralDifference(pair.j, at: outer) {
            Frame(model, at: WaveVector($0, imaginary: point.imaginary), directions: pair).cosTheta
          }
        }
        // A difference of differences.
        #expect((frame.cosThetaIJ - second).length < Self.tolerance)
      }
    }
  }

  // MARK: Matrices

  private func product(_ a: Matrix2, _ b: Matrix2, _ row: Int, _ column: Int) -> ComplexDouble {
    a[row, 0] * b[0, column] + a[row, 1] * b[1, column]
  }

  /// P^2 = P, P_+ P_- = 0, P_+ + P_- = 1, H P_s = E_s P_s; rounding of a few products.
  @Test(arguments: IdentityLattice.allCases) func projectors(_ lattice: IdentityLattice) {
    for point in Self.points(lattice) {
      let k = WaveVector(point.real, imaginary: point.imaginary)
      let frame = Frame(lattice.model, at: k, directions: lattice.directions.last!)
      for u in Spin.allCases {
        let (p, q) = (frame.projector(u, .bonding), frame.projector(u, .antibonding))
        for row in 0..<2 {
          for column in 0..<2 {
            func expect(_ a: ComplexDouble, _ b: ComplexDouble) {
              #expect((a - b).length < 1e-13)
            }
            expect(p[row, column] + q[row, column], row == column ? 1 : 0)
            expect(product(p, q, row, column), 0)
            for (s, projector) in [(Band.bonding, p), (.antibonding, q)] {
              expect(product(projector, projector, row, column), projector[row, column])
              expect(
                product(frame.hamiltonian(u), projector, row, column),
                frame.energy(s) * projector[row, column])
            }
          }
        }
      }
    }
  }

  /// At real k the 2x2 blocks are those of H, d_iH, d_jH, d_i d_jH and V P_s V^dagger, which have
  /// no element between the spins.
  @Test(arguments: IdentityLattice.allCases) func blocks(_ lattice: IdentityLattice) {
    for k in lattice.waveVectors(4, seed: 19) {
      for pair in lattice.directions {
        let frame = Frame(lattice.model, at: WaveVector(k), directions: pair)
        let f = EigenstateFrame(lattice.model, k)
        func expect(_ matrix: Matrix4, _ blocks: (Spin) -> Matrix2) {
          for u in Spin.allCases {
            let block = blocks(u)
            for row in 0..<4 {
              for column in 0..<4 where row % 2 == u.rawValue {
                let expected: ComplexDouble =
                  column % 2 == u.rawValue ? block[row / 2, column / 2] : 0
                #expect((matrix[row, column] - expected).length < 1e-13)
              }
            }
          }
        }
        expect(f.hamiltonian) { frame.hamiltonian($0) }
        expect(f.hamiltonianD(pair.i)) { _ in frame.currentI }
        expect(f.hamiltonianD(pair.j)) { _ in frame.currentJ }
        expect(f.hamiltonianDD(pair.i, pair.j)) { _ in frame.curvature }
        for s in Band.allCases {
          let v = f.transformation
          expect(v * Matrix4.bandProjector(s == .bonding ? 1 : -1) * v.dagger) {
            frame.projector($0, s)
          }
        }
      }
    }
  }
}
