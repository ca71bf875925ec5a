// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import KuboDiagrams
import KuboLattice
import KuboLoops
import KuboZoneIntegrals
import RealModule

/// The values of a spectrum, where a missing one is an error.
struct VerifiedSpectrum {
  package let spectrum: Spectrum

  package func column(_ name: String, _ dressing: Dressing = .bare, diagram: String? = nil) throws
    -> Spectrum.Column
  {
    guard
      let found = spectrum.columns.first(where: {
        $0.request.response.name == name && $0.request.dressing == dressing
          && $0.request.diagram == diagram
      })
    else {
      throw EmptyCell(
        column: name, omega: nil, reason: "found no diagram \(diagram ?? "") that measures it")
    }
    if let failure = spectrum.failures.first(where: { $0.column == found.request.label }) {
      throw failure
    }
    return found
  }

  /// K(omega_n), dynamic plus static part (for sigma, sigma itself), with its error.
  package func value(_ name: String, _ n: Int, _ dressing: Dressing = .bare, diagram: String? = nil)
    throws
    -> Estimate
  {
    let column = try column(name, dressing, diagram: diagram)
    let value = column.values[n]!
    return Estimate(
      value: column.request.response.isConductivity
        ? value.dynamic : value.dynamic + column.staticPart!,
      error: value.error)
  }

  /// The largest |K| over omega, or a millionth of the absolute contributions where it vanishes.
  package func size(_ name: String, _ dressing: Dressing = .bare) throws -> Double {
    let column = try column(name, dressing)
    return try spectrum.omegas.indices.map {
      max(try value(name, $0, dressing).value.length, 1e-6 * column.values[$0]!.scale)
    }.max()!
  }

  /// K(0) = 0 for each of `names`, relative to `size`.
  func vanishingStatics(
    _ names: [String], _ dressing: Dressing = .bare, size: (String) throws -> Double
  )
    throws -> Residual
  {
    worst(
      try names.map { name in
        let column = try column(name, dressing)
        let size = try size(name)
        return (
          size.isFinite ? column.staticPart!.length / size : .infinity,
          column.values.map { $0!.error }.max()! / size, nil
        )
      })
  }

  /// The worst difference of two sums over all frequencies, relative to the size of `name`, with what
  /// the errors allow.
  package func compare(
    _ name: String, _ dressing: Dressing = .bare,
    _ sides: (_ n: Int) throws -> (left: [Estimate], right: [Estimate])
  ) throws -> Residual {
    let size = try size(name, dressing)
    return worst(
      try spectrum.omegas.indices.map { n in
        let (left, right) = try sides(n)
        let sum =
          left.reduce(ComplexDouble.zero) { $0 + $1.value }
          - right.reduce(ComplexDouble.zero) { $0 + $1.value }
        let error = (left + right).reduce(0) { $0 + $1.error }
        return (size.isFinite ? sum.length / size : .infinity, error / size, nil)
      })
  }
}

/// The worse of several comparisons.
package func worst(_ parts: [Residual]) -> Residual {
  /// Infinite for a part that proves nothing or is no number; a tolerance may be zero.
  func badness(_ part: Residual) -> Double {
    guard part.residual.isFinite, part.place == nil,
      part.tolerance <= Verification.Statement.largestTolerance
    else { return .infinity }
    return part.residual == 0 ? 0 : part.residual / part.tolerance
  }
  return parts.max { badness($0) < badness($1) }!
}

/// The larger of two numbers, infinite if one is none.
package func larger(_ a: Double, _ b: Double) -> Double {
  a.isNaN || b.isNaN ? .infinity : max(a, b)
}

extension ExactStatements {
  /// 4.1 and 4.3 of docs/conventions.md, for the bare loops.
  package func identityStatements() async throws -> [Verification.Statement] {
    let loops = ["s.xx", "Sigma.xy"]
    let projections = ["full", "O_adiabatic", "O_nonadiabatic", "O_nonadiabatic_main"]
    let positive = omegas
    var columns: [SpectrumRequest.Column] = .named(
      ["sigma", "X", "Y"] + loops.flatMap { l in projections.map { "\(l).\($0)" } }
        + ["s.yy.full", "Sigma.yx.full"])
    let letters = ["a", "b", "c", "d", "ef"].map { "nonadiabatic.\($0)" }
    for loop in loops {
      // One that is missing is the failure of the statements that need it.
      let response = Response("\(loop).O_nonadiabatic")!
      let known = request.diagrams.diagrams(of: response).map(\.name)
      columns += letters.filter(known.contains).map {
        .init(response: response, dressing: .bare, diagram: $0)
      }
    }
    columns += .named(["X", "Y"], [.closed])
    let both = positive + positive.map { -$0 }
    let found = VerifiedSpectrum(
      spectrum: try await request.asking(
        columns, of: request.electrons.with(lifetime: .constant(gamma)), omegas: both
      ).spectrum())
    func sum(_ loop: String, _ parts: [String], _ whole: String, _ n: Int) throws -> (
      left: [Estimate], right: [Estimate]
    ) {
      (
        try parts.map { try found.value("\(loop).O_nonadiabatic", n, diagram: $0) },
        [try found.value("\(loop).\(whole)", n)]
      )
    }

    var statements: [Verification.Statement] = []
    func state(
      _ claim: String, _ source: String,
      _ compute: () async throws -> Residual
    ) async throws {
      statements.append(try await statement(.bare, claim, source, compute))
    }
    try await state("gauge invariance: K_s(0) = 0, K_Sigma(0) = 0", "docs/conventions.md 4.1") {
      try found.vanishingStatics(loops.map { "\($0).full" }) { try found.size($0) }
    }
    try await state("(a) + ... + (f) = O nonadiabatic", "docs/conventions.md 4.3, Fig. S1") {
      worst(
        try loops.map { l in
          try found.compare("\(l).full") { try sum(l, letters, "O_nonadiabatic", $0) }
        })
    }
    try await state("(a) + (d) = the main diagrams", "docs/conventions.md 2, Fig. S1") {
      worst(
        try loops.map { l in
          try found.compare("\(l).full") {
            try sum(l, [letters[0], letters[3]], "O_nonadiabatic_main", $0)
          }
        })
    }
    try await state("O adiabatic + O nonadiabatic = full", "docs/conventions.md 4.3") {
      worst(
        try loops.map { l in
          try found.compare("\(l).full") { n in
            (
              try ["O_adiabatic", "O_nonadiabatic"].map { try found.value("\(l).\($0)", n) },
              [try found.value("\(l).full", n)]
            )
          }
        })
    }
    try await state("rotation about n: K^xx = K^yy, K^xy = -K^yx", "docs/conventions.md 2") {
      worst([
        try found.compare("s.xx.full") {
          ([try found.value("s.xx.full", $0)], [try found.value("s.yy.full", $0)])
        },
        try found.compare("Sigma.xy.full") {
          (
            [try found.value("Sigma.xy.full", $0), try found.value("Sigma.yx.full", $0)], []
          )
        },
      ])
    }
    try await state("K(-omega) = K(omega)*", "docs/conventions.md 4.3") {
      try realityInTime(found, columns.filter { $0.dressing == .bare && $0.diagram == nil })
    }
    if directions.i == directions.j {
      try await state("Re sigma(omega) >= 0", "docs/conventions.md 4.3") {
        let size = try found.size("sigma")
        let values = try positive.indices.map { try found.value("sigma", $0) }
        return (
          values.reduce(0) { larger($0, -$1.value.real) } / size,
          values.map(\.error).max()! / size, nil
        )
      }
    }
    try await state("X, Y by parts: loops = closed forms", "(S6.17), (S6.19), (S6.42)") {
      worst(
        try ["X", "Y"].map { name in
          try found.compare(name) {
            ([try found.value(name, $0)], [try found.value(name, $0, .closed)])
          }
        })
    }
    return statements
  }

  /// K(-omega) = K(omega)* for a spectrum whose second half of frequencies is minus the first.
  func realityInTime(_ found: VerifiedSpectrum, _ columns: [SpectrumRequest.Column]) throws
    -> Residual
  {
    let half = found.spectrum.omegas.count / 2
    return worst(
      try columns.map { column in
        let name = column.response.name
        return try found.compare(name, column.dressing) { n in
          let a = try found.value(name, n, column.dressing)
          let b = try found.value(name, (n + half) % (2 * half), column.dressing)
          return ([a], [Estimate(value: b.value.conjugate, error: b.error)])
        }
      })
  }
}
