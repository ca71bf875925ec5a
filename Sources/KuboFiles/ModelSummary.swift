// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams
import KuboOrbitals

extension ModelFile {
  /// All that was read of the lattice, for people: hops with their lengths and amplitudes, neighbours of a
  /// site at each distance, symmetries of the energies, bands on the path of ``BandStructure``. In the model's units of energy and length.
  ///
  /// - Throws: ``ModelError`` where there is no path.
  public func summary(of model: Model, _ settings: [String: Double]) throws -> String {
    var lines = head(model, settings)
    // One hop within a sublattice stands for a pair r, -r.
    for (title, hops, pairs) in [
      ("between the sublattices", model.interSublattice, 1),
      ("within a sublattice", model.intraSublattice, 2),
    ] {
      lines.append("\(title): \(pairs * hops.count) neighbours of each site")
      let lengths = hops.map { hop in hop.vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }
      var shells: [(length: Double, members: [Int])] = []
      for n in hops.indices.sorted(by: { lengths[$0] < lengths[$1] }) {
        if let last = shells.last, lengths[n] - last.length <= 1e-9 * lengths[n] {
          shells[shells.count - 1].members.append(n)
        } else {
          shells.append((lengths[n], [n]))
        }
      }
      for shell in shells {
        lines.append(
          "  \(pairs * shell.members.count) at distance \(significant(shell.length, digits: 6))")
        for n in shell.members.sorted() {
          let sign = pairs == 2 ? "+-" : ""
          lines.append("    \(sign)\(list(hops[n].vector))  amplitude \(hops[n].amplitude)")
        }
      }
      if pairs == 1 { lines += model.mirrorNote.map { ["  note: \($0)"] } ?? [] }
    }
    let symmetries = model.energySymmetries().count
    lines.append(
      "the energies have \(symmetries) point \(symmetries == 1 ? "symmetry" : "symmetries")")
    let bands = try BandStructure(
      model, path: BrillouinZone(model).path.map { ($0.name, $0.k) }, count: 400)
    for (n, kind) in bands.kinds.enumerated() {
      let energies = bands.levels.map { $0[n][0] }
      lines.append(
        "\(kind.rawValue) band: \(significant(energies.min()!, digits: 4)) to \(significant(energies.max()!, digits: 4)) \(units.energy) on the path of 'kubo bands'"
      )
    }
    return lines.map { $0 + "\n" }.joined()
  }
}

private func list(_ v: [Double]) -> String {
  "(\(v.map { "\($0)" }.joined(separator: ", ")))"
}

extension ModelFile {
  /// What every summary begins with.
  private func head(_ crystal: some Crystal, _ settings: [String: Double]) -> [String] {
    let values = parameters.map { "\($0.name) = \(settings[$0.name] ?? $0.value)" }
    return ["\(name): \(description)"]
      + (values.isEmpty ? [] : ["parameters: \(values.joined(separator: ", "))"])
      + [
        "lattice vectors: \(crystal.latticeVectors.map(list).joined(separator: ", ")), in \(units.length)"
      ]
  }

  /// All that was read of a model with orbitals, for people. In the model's units.
  public func summary(of model: OrbitalModel, _ settings: [String: Double]) -> String {
    var lines = head(model, settings)
    lines += ["hops lead to \(model.cells.count - 1) other cells", "orbitals:"]
    let rows = model.orbitals.map { orbital in
      [
        "  \(orbital.name)", list(orbital.position), significant(orbital.up, digits: 6),
        significant(orbital.down, digits: 6), orbital.group ?? "-",
        orbital.staggered.map { significant($0) } ?? "-",
      ]
    }
    lines.append(
      Table(
        columns: ["  name", "centre", "level up", "level down", "group", "staggered"], rows: rows
      ).text(widths: [12, 30, 12, 12, 10, 0]))
    let symmetries = model.energySymmetries().count
    lines.append(
      "the energies have \(symmetries) point \(symmetries == 1 ? "symmetry" : "symmetries") that \(symmetries == 1 ? "was" : "were") found"
    )
    lines += (model.connectionNotes + transverseFaults).map { "note: \($0)" }
    if !transverseFaults.isEmpty {
      lines.append("note: transverse responses mean nothing here; \(WannierAlignment.advice)")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Electrons and moments of a model with orbitals at mu, for people, with levels of the half-width `broadening`.
  public func summary(
    of model: OrbitalModel, _ state: OrbitalState, mu: Double, broadening: Double
  ) -> String {
    func number(_ x: Estimate) -> String {
      let text = x.value.length <= x.error ? "0" : significant(x.value.real, digits: 6)
      return x.error < 1e-6 ? text : "\(text) +- \(significant(x.error, digits: 1, .up))"
    }
    func sums(_ sign: Double) -> [Estimate] { zip(state.up, state.down).map { $0 + sign * $1 } }
    func total(_ sign: Double) -> Estimate {
      sums(sign).reduce(Estimate(value: .zero, error: 0), +)
    }
    var lines = [
      "at mu = \(mu) \(units.energy), levels of the half-width \(broadening): \(number(total(1))) electrons a cell, moment \(number(total(-1))) mu_B"
    ]
    lines.append(
      Table(
        columns: ["  name", "electrons", "moment"],
        rows: zip(model.orbitals, zip(sums(1), sums(-1))).map { orbital, own in
          ["  \(orbital.name)", number(own.0), number(own.1)]
        }
      ).text(widths: [12, 24, 0]))
    for (spin, gap) in zip(["up", "down"], state.gaps) {
      let text =
        switch gap {
        case nil: "bands cross mu"
        case (let bands, let below?, let above?)?:
          "\(bands) bands below mu, a gap of about \(significant(above - below, digits: 4)) \(units.energy) from \(significant(below, digits: 4)) to \(significant(above, digits: 4))"
        case (_, nil, _)?: "all bands above mu"
        case (_, _, nil)?: "all bands below mu"
        }
      lines.append("spin \(spin): \(text)")
    }
    return lines.map { $0 + "\n" }.joined()
  }
}

extension Model {
  /// A line on hops that may have been forgotten, see ``hopsWithoutMirrorImage``; nil if there are none.
  public var mirrorNote: String? {
    let lacking = hopsWithoutMirrorImage
    if lacking.isEmpty { return nil }
    let shown = lacking.prefix(3).map {
      "\(interSublattice[$0.index].vector) without \($0.image)"
    }.joined(separator: ", ")
    let rest = lacking.count > 3 ? " and \(lacking.count - 3) more" : ""
    return
      "hops between the sublattices lack a mirror image that most have: \(shown)\(rest); that is right if none was forgotten"
  }
}
