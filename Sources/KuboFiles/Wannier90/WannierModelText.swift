// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

extension TextFile {
  /// A model file for `path` that refers to the files of `source`, which have been read.
  public init(
    _ model: WannierModel, of source: WannierSource, defaults: ModelFile.Defaults,
    for path: String
  ) {
    guard case .constant(let gamma) = defaults.lifetime else {
      preconditionFailure("a model file has a constant lifetime")
    }
    var source = source
    source.names = model.model.orbitals.map(\.name)
    source.digests = Dictionary(uniqueKeysWithValues: model.files.map { ($0.path, $0.sha256) })
    let n = model.model.orbitals.count
    self.init(
      """
      name: \(quotedYAML(model.model.name))
      description: \(n) Wannier \(n == 1 ? "function" : "functions") of each spin.
      source: Files of Wannier90, named below; written by 'kubo import'.
      units: {energy: eV, length: angstrom}
      defaults: {mu: \(defaults.mu), temperature: \(defaults.temperature), lifetime: {constant: \(gamma)}}
      \(source.yaml(for: path))
      """)
  }
}

extension WannierModel {
  /// The orbitals with centres and levels, and how far both spins have the same ones, for people.
  public var summary: String {
    let orbitals = model.orbitals
    func number(_ x: Double) -> String { significant((x * 1e4).rounded() / 1e4, digits: 6) }
    func place(_ x: [Double]) -> String { x.map(number).joined(separator: ", ") }
    let table = Table(
      columns: ["orbital", "centre, angstrom", "up, eV", "down, eV", "exchange, eV"],
      rows: orbitals.map {
        [
          $0.name, place($0.position), number($0.up), number($0.down),
          number(($0.down - $0.up) / 2),
        ]
      })
    let width = (orbitals.map { place($0.position).count }.max() ?? 0) + 2
    var lines = [
      "\(model.name): \(orbitals.count) orbitals, \(model.cells.count) cells, \(model.dimension) dimensions",
      table.text(widths: [10, max(18, width), 10, 10, 0]),
    ]
    if let alignment {
      let worst = orbitals.indices.max { alignment.ratios[$0] < alignment.ratios[$1] }!
      lines += [
        "centres of both spins differ by up to \(number(alignment.distances.max() ?? 0)) angstrom",
        "hops of both spins: |Delta|/|H0| = \(significant(alignment.ratio, digits: 2)), at most \(significant(alignment.ratios[worst], digits: 2)) (\(orbitals[worst].name))",
      ]
      lines += alignment.faults
      lines.append(
        alignment.faults.isEmpty
          ? "transverse responses: both spins have the same orbitals"
          : "transverse responses mean nothing here; \(WannierAlignment.advice)")
    } else {
      lines.append("transverse responses: both spins have the same orbitals, of one file")
    }
    return (lines + notes.map { "note: \($0)" }).map { $0 + "\n" }.joined()
  }
}
