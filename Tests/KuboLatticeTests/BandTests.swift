// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import ComplexModule
import Foundation
import KuboDiagrams
import Testing

/// The Brillouin zone, the density of states and the Fermi contours.
@Suite struct BandTests {
  // MARK: The zone

  @Test func facesEdgesAndCorners() throws {
    func counts(_ model: Model) -> [Int] {
      let points = BrillouinZone(model).points
      return [BrillouinZone.Kind.face, .edge, .corner].map { kind in
        points.count { $0.kind == kind }
      }
    }
    #expect(counts(try shippedModel("chain")) == [2, 0, 0])
    #expect(counts(try shippedModel("square")) == [4, 0, 4])
    #expect(counts(try shippedModel("honeycomb")) == [6, 0, 6])
    // The checkerboard of a cubic lattice is face-centred: a truncated octahedron.
    #expect(counts(try shippedModel("cubic")) == [14, 36, 24])
    // Any lattice without symmetry: the same polyhedron in general, a hexagon in two dimensions.
    #expect(counts(IdentityLattice.triclinic.model) == [14, 36, 24])
    #expect(counts(IdentityLattice.oblique.model) == [6, 0, 6])
  }

  @Test func names() throws {
    func path(_ name: String) throws -> String {
      BrillouinZone(try shippedModel(name)).path.map(\.name).joined()
    }
    #expect(try path("chain") == "ΓX")
    #expect(try path("square") == "ΓXMΓ")
    #expect(try path("honeycomb") == "ΓMKΓ")
    let cubic = BrillouinZone(try shippedModel("cubic"))
    #expect(Set(cubic.path.map(\.name)) == ["Γ", "X", "L", "W", "U", "K"])
    // Textbook coordinates for the cube of side 2: X = (pi, 0, 0), L = (pi/2, pi/2, pi/2), W = (pi, pi/2, 0).
    let pi = Double.pi
    let textbook: [(name: String, k: [Double])] = [
      ("X", [pi, 0, 0]), ("L", [pi / 2, pi / 2, pi / 2]), ("W", [pi, pi / 2, 0]),
      ("K", [0.75 * pi, 0.75 * pi, 0]), ("U", [pi, pi / 4, pi / 4]),
    ]
    for (name, k) in textbook {
      let found = cubic.points.contains { point in
        point.name == name && zip(point.k, k).allSatisfy { abs($0 - $1) < 1e-12 }
      }
      #expect(found, "\(name)")
    }
    // eta vanishes at the corners of the honeycomb's zone, by symmetry.
    let honeycomb = try shippedModel("honeycomb")
    let corner = BrillouinZone(honeycomb).points.first { $0.name == "K" }!
    let frame = Frame(honeycomb, at: WaveVector(corner.k), directions: Directions(i: 0, j: 0))
    #expect(frame.eta.length < 1e-14)
  }

  @Test(arguments: IdentityLattice.allCases) func foldedIsEquivalentAndInside(
    _ lattice: IdentityLattice
  ) {
    let model = lattice.model
    let zone = BrillouinZone(model)
    var generator = SeededGenerator(4)
    for _ in 0..<50 {
      let k = (0..<model.dimension).map { _ in Double.random(in: -30...30, using: &generator) }
      let folded = zone.folded(k)
      for vector in model.latticeVectors {
        let n = zip(vector, zip(k, folded)).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) } / (2 * .pi)
        #expect(abs(n - n.rounded()) < 1e-12)
      }
      for g in zone.points where g.kind == .face {
        let (a, b) = (
          zip(folded, g.k).reduce(0) { $0 + $1.0 * $1.1 }, g.k.reduce(0) { $0 + $1 * $1 }
        )
        #expect(a <= b * (1 + 1e-8))
      }
    }
  }

  // MARK: The density of states

  /// Without T the sum over both bands is -(2/pi) Im 2 z/sqrt(A (A - 4 t^2)), A = z^2 - J^2, since
  /// avg 1/(A - 4 t^2 cos^2 k) = 1/sqrt(A (A - 4 t^2)).
  @Test func densityOfTheChain() async throws {
    let model = try shippedModel("chain", ["t": 1, "t_prime": 0, "J": 0.5])
    let energies = [-2.5, -2.06, -1.3, -0.5, 0.1, 0.52, 1.9]
    for gamma in [0.3, 0.02] {
      let densities = try await DensityOfStates.values(
        model, energies: energies, broadening: gamma, tolerance: 1e-8, threads: 2)
      for d in densities {
        let z = ComplexDouble(d.energy, gamma)
        let a = z * z - ComplexDouble(0.25)
        let root = ComplexDouble.sqrt(a) * ComplexDouble.sqrt(a - ComplexDouble(4))
        // The root's sign is that with which the average falls as 1/A.
        let candidates = [root, -root].map { -2 / .pi * (2 * z / $0).imaginary }
        let exact = candidates.max()!
        let sum = d.density[0].value.real + d.density[1].value.real
        let error = d.density.map(\.error).max()!
        #expect(abs(sum - exact) <= 2 * error + 1e-12, "\(d.energy) \(gamma)")
        #expect(2 * error < 4e-7 * max(1, exact))
      }
    }
  }

  /// Two states per band, whatever the lattice, and the integral of D is N.
  ///
  /// The trapezoidal rule with the step Gamma/6 is good to exp(-12 pi) for a function analytic up to Gamma
  /// from the real axis, but for its ends, where Euler and Maclaurin's h^2 (D'(b) - D'(a))/12 remains, with
  /// |D'| <= D/Gamma.
  @Test(arguments: ["chain", "square", "honeycomb"] + (areTestsLong ? ["cubic"] : []))
  func countsStates(_ name: String)
    async throws
  {
    let model = try shippedModel(name)
    let gamma = 0.2
    let reach = 3 * model.energyBound
    let count = Int(2 * reach / (gamma / 6))
    let step = 2 * reach / Double(count)
    let energies = (0...count).map { -reach + step * Double($0) } + [-1e6, 1e6]
    let all = try await DensityOfStates.values(
      model, energies: energies, broadening: gamma, tolerance: 1e-6, threads: 2)
    let inside = all.dropLast(2)
    let largest = all.flatMap { $0.density.map(\.error) }.max()!
    for band in 0..<2 {
      let values = inside.map { $0.density[band].value.real }
      #expect(values.allSatisfy { $0 > -largest })
      let integral = step * (values.reduce(0, +) - (values.first! + values.last!) / 2)
      let states = (inside.last!.states[band].value - inside.first!.states[band].value).real
      let ends = step * step / 12 * (values.first! + values.last!) / gamma
      #expect(
        abs(integral - states) <= 2 * reach * largest
          + 2 * inside.map { $0.states[band].error }.max()! + ends)
      // A Lorentzian's tail, 2 Gamma/(pi |E|) = 1.3e-7, to the relative order E_k/E = 1e-5.
      let tail = 2 * gamma / (.pi * 1e6)
      let (low, high) = (all[all.count - 2].states[band], all[all.count - 1].states[band])
      #expect(abs(low.value.real - tail) <= low.error + 1e-4 * tail)
      #expect(abs(2 - high.value.real - tail) <= high.error + 1e-4 * tail)
    }
  }

  // MARK: Fermi contours

  static let states: [(model: String, mu: Double, curves: Int)] = [
    ("square", -1.5, 1), ("square", 1.2, 2), ("honeycomb", -1, 1), ("honeycomb", 2.0, 1),
    ("honeycomb", -0.5, 2), ("honeycomb", 0, 0),
  ]

  @Test(arguments: states) func contoursLieOnTheSurfaceAndClose(
    _ state: (model: String, mu: Double, curves: Int)
  ) throws {
    let model = try shippedModel(state.model)
    let contours = try FermiContour.contours(model, mu: state.mu, divisions: 60)
    #expect(contours.count == state.curves)
    for contour in contours {
      for k in contour.points {
        let frame = Frame(model, at: WaveVector(k), directions: Directions(i: 0, j: 0))
        // The last bit of k, 4e-16 of up to 10, times a velocity of up to 6, and rounding of E.
        #expect(abs(frame.energy(contour.band).real - state.mu) < 3e-14)
      }
      // Closed: also the step from the last to the first is one of at most sqrt(2) cells.
      let ring = contour.points + [zip(contour.points[0], contour.winding).map { $0 + $1 }]
      for (a, b) in zip(ring, ring.dropFirst()) {
        for vector in model.latticeVectors {
          let cells =
            60 / (2 * .pi) * zip(vector, zip(a, b)).reduce(0) { $0 + $1.0 * ($1.1.1 - $1.1.0) }
          #expect(abs(cells) <= 1 + 1e-9)
        }
      }
      for vector in model.latticeVectors {
        let n = zip(vector, contour.winding).reduce(0) { $0 + $1.0 * $1.1 } / (2 * .pi)
        #expect(abs(n - n.rounded()) < 1e-12)
      }
    }
  }

  /// The area within the contour around the band's bottom is the share of the zone that is filled:
  /// 2 (area)/(zone) is N_+ with Gamma -> 0, from which a Lorentzian's tails take Gamma at most.
  @Test func areaIsFilling() async throws {
    let model = try shippedModel("honeycomb")
    let mu = -2.5
    let contour = try FermiContour.contours(model, mu: mu)[0]
    #expect(contour.winding == [0, 0])
    var area = 0.0
    for (a, b) in zip(contour.points, contour.points.dropFirst() + [contour.points[0]]) {
      area += (a[0] * b[1] - a[1] * b[0]) / 2
    }
    let zone = 4 * Double.pi * .pi / model.cellVolume
    let gamma = 1e-3
    let density = try await DensityOfStates.values(
      model, energies: [mu], broadening: gamma, tolerance: 1e-6, threads: 2)[0]
    #expect(abs(2 * abs(area) / zone - density.states[0].value.real) < 3 * gamma)
  }

  /// E = -2 sum_i (cos x_i + b cos 2 x_i) - J with b = -0.6 is lowest where cos x_i = 1/2.4, between the
  /// points of any grid; 1e-3 above that its four pockets have the radius sqrt(2e-3/3.97) = 0.022.
  @Test func smallPocketsAreFound() throws {
    func hop(_ x: Double, _ y: Double, _ amplitude: Double) -> Hop {
      Hop(vector: [x, y], amplitude: amplitude)
    }
    let model = try Model(
      name: "pockets", latticeVectors: [[1, 0], [0, 1]], interSublattice: [],
      intraSublattice: [hop(1, 0, 1), hop(2, 0, -0.6), hop(0, 1, 1), hop(0, 2, -0.6)], exchange: 1)
    let c = 1 / 2.4
    let bottom = -4 * (c - 0.6 * (2 * c * c - 1)) - 1
    let contours = try FermiContour.contours(model, mu: bottom + 1e-3, divisions: 60)
    #expect(contours.count == 4 && contours.allSatisfy { $0.winding == [0, 0] })
    #expect(throws: RequestError.self) {
      try FermiContour.contours(model, mu: bottom + 1e-9, divisions: 60)
    }
  }
}
