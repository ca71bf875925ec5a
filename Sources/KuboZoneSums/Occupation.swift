// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboLattice
import KuboLoops
import KuboZoneIntegrals
import RealModule

/// Sums over occupied states at constant lifetime, (1/V) sum_k sum_s w_s(k) n_s(k), with
///
///     n_s = int d eps f(eps) (Gamma/pi)/((eps - E_s)^2 + Gamma^2) = -(1/pi) Im l(E_s - mu - i Gamma)
///
/// (`FermiLogarithm`), the occupation that belongs to the propagators 1/(eps - E + i Gamma) of the loops.
/// n_s is 1 for mu -> infinity and 0 for mu -> -infinity, without a cut-off, but only as
/// Gamma/(pi |E_s - mu|): levels of a constant width have Lorentzian tails. Gamma = 0 are the
/// clean bands.
///
/// l is analytic below the real axis, so that each band's zone is deformed (`BandContour`), w_s with it, and
/// a grid converges exponentially whatever Gamma and T are, except where mu is at a critical point.
package struct Occupation: Sendable {
  package let model: Model
  package let directions: Directions
  package let temperature, broadening: Double
  /// w_s, analytic in k, real at real k, and even; nil for 2, both degenerate states.
  package let weight: FermiSurface.Weight?
  package let threads: Int
  private let contours: [BandContour]
  private let survey: ContourSurvey

  package init(
    model: Model, directions: Directions, temperature: Double, broadening: Double, threads: Int,
    weight: FermiSurface.Weight? = nil
  ) {
    self.model = model
    self.directions = directions
    self.temperature = temperature
    self.broadening = broadening
    self.threads = threads
    self.weight = weight
    contours = Band.allCases.map { BandContour.contour(of: $0, model) }
    // There is no pole between bands to be crossed.
    survey = ContourSurvey(contours, broadening: .infinity)
  }

  /// A refinement for sums with levels near `mu`.
  package func refinement(mu: Double, name: String) -> GridRefinement {
    GridRefinement(
      resolution: resolution(mu: mu), sizes: model.gridSizes,
      pointLimit: [1_000_000, 4_000_000, 30_000_000][model.dimension - 1], unit: "", name: name)
  }

  /// 1/c_0 of `GridRefinement` for levels near `mu`.
  package func resolution(mu: Double) -> Double {
    survey.resolution(
      nil, mu: mu, temperature: temperature, width: broadening, hasPole: false, isSplit: false)
  }

  /// E_s on the deformed grid, and what n_s is to be multiplied by.
  package struct Table: Sendable {
    fileprivate var energies: [ComplexDouble] = []
    fileprivate var weights: [ComplexDouble] = []
    fileprivate var norm = 1.0
    fileprivate let temperature, broadening: Double

    /// The sum, and that of its absolute contributions.
    package func sum(mu: Double) -> (value: Double, scale: Double) {
      reduce { energy, weight in
        let p = energy - ComplexDouble(mu, broadening)
        return -(weight * FermiLogarithm.value(at: p, temperature: temperature)).imaginary
      }
    }

    /// The derivative of the sum by mu.
    package func slope(mu: Double) -> Double {
      reduce { energy, weight in
        let p = energy - ComplexDouble(mu, broadening)
        return (weight * FermiLogarithm.derivative(at: p, temperature: temperature)).imaginary
      }.value
    }

    private func reduce(_ term: (ComplexDouble, ComplexDouble) -> Double) -> (
      value: Double, scale: Double
    ) {
      var sums = (0.0, 0.0)
      for (energy, weight) in zip(energies, weights) {
        let part = term(energy, weight)
        sums.0 += part
        sums.1 += abs(part)
      }
      return (sums.0 * norm / .pi, sums.1 * norm / .pi)
    }
  }

  /// The table of a grid.
  package func table(divisions: Int) async throws -> Table {
    let symmetries = model.energySymmetries()
    let grid = PeriodicGrid(model, divisions: divisions, symmetries: symmetries)
    let hessian = model.hessianHamiltonians()
    let hamiltonian = BlochHamiltonian(model, directions: directions)
    let empty = Table(temperature: temperature, broadening: broadening)
    let parts = try await grid.accumulate(threads: threads, empty) { part, _, star in
      let frames = hessian.map { $0.frame(at: star[0].k) }
      for contour in contours {
        let s = contour.band
        let (_, curvature) = model.derivatives(frames, s)
        let jacobian = curvature.indices.map { a in
          curvature.indices.map { b in
            ComplexDouble(a == b ? 1 : 0, -contour.step * curvature[a][b])
          }
        }
        // Energies are equal throughout a star; of what is asked for only weights differ.
        part.energies.append(hamiltonian.frame(at: contour.moved(star[0].k)).energy(s))
        var sum = ComplexDouble.zero
        for point in star {
          let w = weight?(hamiltonian.frame(at: contour.moved(point.k)), s) ?? ComplexDouble(2)
          sum += w.multiplied(by: point.weight) as ComplexDouble
        }
        part.weights.append(sum * determinant(jacobian))
      }
    }
    var table = empty
    table.energies = parts.flatMap(\.energies)
    table.weights = parts.flatMap(\.weights)
    table.norm = 1 / (Double(grid.count) * model.cellVolume)
    return table
  }
}
