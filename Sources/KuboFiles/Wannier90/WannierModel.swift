// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// A model from files of Wannier90, in eV and Angstrom.
public struct WannierModel: Sendable {
  /// The model: of two dimensions where no hop leaves the plane xy. Each orbital stands midway between the centres of both spins, or each
  /// spin where its centre is if one of them is farther than ``WannierAlignment/distanceLimit``.
  public let model: OrbitalModel
  /// Whether transverse responses mean anything; nil if both spins are of one file.
  public let alignment: WannierAlignment?
  /// The files that were read, with their SHA-256.
  public let files: [(path: String, sha256: String)]
  /// The Fermi energy of the `.win`, in eV.
  public let fermiEnergy: Double?
  /// What one should know of the files.
  public let notes: [String]

  /// Reads the files.
  /// - Parameter name: the model's.
  /// - Throws: ``FileError`` of kind `noInput`, `permission` or `malformed`, with file and line.
  public init(_ source: WannierSource, name: String) throws(FileError) {
    var files = ReadFiles(digests: source.digests)
    let input = try source.input.map { path throws(FileError) in
      try WannierInput(try files.read(path, limit: WannierInput.sizeLimit))
    }
    var spins = [try WannierSpin(source.up, input, source.input, &files)]
    if let down = source.down {
      spins.append(try WannierSpin(down, input, source.input, &files))
      try spins[1].check(like: spins[0])
      guard
        files.all.first(where: { $0.path == source.up.hamiltonian })?.sha256
          != files.all.first(where: { $0.path == down.hamiltonian })?.sha256
      else {
        throw FileError(
          .malformed, file: down.hamiltonian, found: "what is in \(source.up.hamiltonian) as well",
          expected: "the other spin, or an exchange in place of a second file")
      }
    }
    try files.finish()
    let (up, down) = (spins[0], spins.last!)
    let atoms = [input?.atoms ?? [], up.atoms, down.atoms].first { !$0.isEmpty } ?? []
    let names = source.names ?? orbitalNames(up.centres, atoms, up.latticeVectors)
    guard names.count == up.hamiltonian.count else {
      throw FileError(
        .malformed, file: up.hamiltonian.path, line: up.hamiltonian.countLine,
        found: "\(up.hamiltonian.count) Wannier functions",
        expected: "\(names.count), one for each name")
    }
    let exchange = try source.exchange.map { given throws(FileError) in
      try exchangeEnergies(given, names, file: up.hamiltonian.path)
    }

    let distances = zip(up.centres, down.centres).map { x, y in
      zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }
    let isApart = distances.contains { $0 > WannierAlignment.distanceLimit }
    let orbitals = names.indices.map { a in
      let middle = zip(up.centres[a], down.centres[a]).map { ($0 + $1) / 2 }
      var orbital = OrbitalModel.Orbital(
        name: names[a], position: isApart ? up.centres[a] : middle, group: atom(names[a], names))
      if isApart { orbital.downPosition = down.centres[a] }
      return orbital
    }
    let size = names.count * names.count
    let cells = Array(Set(up.hamiltonian.cells).union(down.hamiltonian.cells))
    func matrices(_ spin: WannierSpin, _ sign: Double) -> [[ComplexDouble]] {
      let own = Dictionary(
        uniqueKeysWithValues: zip(spin.hamiltonian.cells, spin.hamiltonian.elements))
      let zero = [ComplexDouble](repeating: .zero, count: size)
      return cells.map { cell in
        var matrix = own[cell] ?? zero
        if cell == .zero, let exchange {
          for a in names.indices { matrix[a + names.count * a].real += sign * exchange[a] }
        }
        return matrix
      }
    }
    let matrices = (up: matrices(up, -1), down: matrices(down, 1))
    func model(_ axes: Range<Int>) throws(OrbitalError) -> OrbitalModel {
      try OrbitalModel(
        name: name, latticeVectors: axes.map { Array(up.latticeVectors[$0][axes]) },
        orbitals: orbitals.map {
          var orbital = $0
          orbital.position = Array($0.position[axes])
          orbital.downPosition = Array($0.downPosition[axes])
          return orbital
        }, cells: cells.map { cell in axes.map { cell[$0] } }, up: matrices.up,
        down: matrices.down)
    }
    var notes = [up.note].compactMap { $0 }
    for spin in spins.prefix(source.up.centres == source.down?.centres ? 1 : 2) {
      let misplaced = spin.misplaced.map { names[$0] }
      guard !misplaced.isEmpty else { continue }
      notes.append(
        "the hops of \(misplaced.joined(separator: ", ")) lead, on average, nearer to a copy of the orbital than to itself: is each centre that of its own cell?"
      )
    }
    do {
      let whole = try model(0..<3)
      alignment = source.down.map { _ in WannierAlignment(whole, distances: distances) }
      let isLayer =
        cells.allSatisfy { $0.z == 0 } && cells.contains { $0.x != 0 }
        && cells.contains { $0.y != 0 }
        && up.latticeVectors[..<2].allSatisfy { abs($0[2]) < 1e-6 }
      if isLayer {
        notes.append("no hop leaves the plane xy: a model in two dimensions")
        self.model = try model(0..<2)
      } else {
        self.model = whole
      }
    } catch {
      throw FileError(
        .malformed, file: up.hamiltonian.path, found: error.found, expected: error.expected)
    }
    self.files = files.all
    fermiEnergy = input?.fermiEnergy
    self.notes = notes
  }
}

/// What files say of one spin.
private struct WannierSpin {
  var hamiltonian: WannierHamiltonian
  let latticeVectors, centres: [[Double]]
  var atoms: [(label: String, position: [Double])] = []
  var note: String?
  private var areCentresFromFile = false

  init(
    _ source: WannierSource.Files, _ input: WannierInput?, _ inputPath: String?,
    _ files: inout ReadFiles
  ) throws(FileError) {
    hamiltonian = try WannierHamiltonian(try files.read(source.hamiltonian))
    let path = source.hamiltonian
    if let vectors = hamiltonian.latticeVectors {
      latticeVectors = vectors
      if let input, !isSameCell(input.latticeVectors, vectors) {
        throw FileError(
          .malformed, file: path, line: 2, found: "the lattice vectors \(vectors)",
          expected: "\(input.latticeVectors), as in \(inputPath!)")
      }
    } else if let input {
      latticeVectors = input.latticeVectors
    } else {
      throw FileError(
        .malformed, file: path, found: "no lattice vectors, as in all _hr.dat, and no .win",
        expected: "a .win beside it or given, or a _tb.dat")
    }
    if let file = source.centres {
      let own = try WannierCentres(
        try files.read(file, limit: WannierInput.sizeLimit), count: hamiltonian.count)
      if let line = input?.translation {
        throw FileError(
          .malformed, file: inputPath!, line: line,
          found: "translate_home_cell, which moves the centres and not the Hamiltonian",
          expected: "a run without it, or a _tb.dat")
      }
      (centres, atoms, areCentresFromFile) = (own.centres, own.atoms, true)
    } else if let own = hamiltonian.centres {
      centres = own
    } else {
      throw FileError(
        .malformed, file: path, found: "no centres, as in all _hr.dat, and no _centres.xyz",
        expected: "a _centres.xyz beside it or given (write_xyz = true), or a _tb.dat")
    }
    if let file = source.shifts {
      try hamiltonian.shift(try files.read(file))
    } else {
      note =
        "no _wsvec.dat: between the wave vectors of Wannier90 its own levels are others if use_ws_distance was on"
    }
  }

  /// Orbitals whose hops lead, on average, nearer to a copy in another cell: then that copy, or a copy of what they lead to, is
  /// what the Hamiltonian is about.
  ///
  ///     x_a = sum |H_ab(R)|^2 (R + tau_b - tau_a)/sum |H_ab(R)|^2
  var misplaced: [Int] {
    guard areCentresFromFile else { return [] }
    let n = hamiltonian.count
    let vectors = latticeVectors.map { SIMD3($0) }
    let places = centres.map { SIMD3($0) }
    var sums = [SIMD3<Double>](repeating: .zero, count: n)
    var weights = [Double](repeating: 0, count: n)
    for (cell, matrix) in zip(hamiltonian.cells, hamiltonian.elements) {
      let shift = (0..<3).reduce(SIMD3<Double>.zero) { $0 + Double(cell[$1]) * vectors[$1] }
      for b in 0..<n {
        for a in 0..<n where a != b {
          let x = shift + places[b] - places[a]
          guard (x * x).sum() > 0.36 else { continue }
          let weight = matrix[a + n * b].lengthSquared
          sums[a] += weight * x
          weights[a] += weight
        }
      }
    }
    return (0..<n).filter { a in
      guard weights[a] > 0 else { return false }
      let x = sums[a] / weights[a]
      return latticeDistance(x, vectors) < 0.8 * (x * x).sum()
    }
  }

  func check(like other: WannierSpin) throws(FileError) {
    guard hamiltonian.count == other.hamiltonian.count else {
      throw FileError(
        .malformed, file: hamiltonian.path, line: hamiltonian.countLine,
        found: "\(hamiltonian.count) Wannier functions",
        expected: "\(other.hamiltonian.count), as for the other spin")
    }
    guard isSameCell(latticeVectors, other.latticeVectors) else {
      throw FileError(
        .malformed, file: hamiltonian.path, line: 2, found: "the lattice vectors \(latticeVectors)",
        expected: "\(other.latticeVectors), as for the other spin")
    }
    guard (note == nil) == (other.note == nil) else {
      throw FileError(
        .malformed, file: hamiltonian.path,
        found: note == nil ? "a _wsvec.dat for this spin alone" : "no _wsvec.dat for this spin",
        expected: "one for each spin, or none")
    }
  }
}

/// To six digits: constants of nature have changed over the years.
private func isSameCell(_ x: [[Double]], _ y: [[Double]]) -> Bool {
  zip(x.joined(), y.joined()).allSatisfy {
    abs($0 - $1) <= 1e-6 * max(1, abs($0))
  }
}

/// The files that have been read, and which they must be.
private struct ReadFiles {
  let digests: [String: String]?
  var all: [(path: String, sha256: String)] = []

  init(digests: [String: String]?) { self.digests = digests }

  mutating func read(
    _ path: String, limit: Int = WannierHamiltonian.sizeLimit
  ) throws(FileError) -> InputFile {
    let file = try InputFile(path: path, limit: limit)
    let digest = file.sha256
    if let digests, digests[path] != digest {
      throw FileError(
        .malformed, file: path, found: "the SHA-256 \(digest)",
        expected: digests[path].map { "\(shortened($0)), as the model file says" }
          ?? "a file whose SHA-256 the model file has")
    }
    if !all.contains(where: { $0.path == path }) { all.append((path, digest)) }
    return file
  }

  func finish() throws(FileError) {
    for path in (digests ?? [:]).keys.sorted() where !all.contains(where: { $0.path == path }) {
      throw FileError(
        .malformed, file: path, found: "a SHA-256 of a file that is not used",
        expected: "those of the files of up and down, and of win")
    }
  }
}

/// `Ni1_3` is the third function of those nearest to the first atom Ni; without atoms `w1`, `w2`, ...
private func orbitalNames(
  _ centres: [[Double]], _ atoms: [(label: String, position: [Double])],
  _ latticeVectors: [[Double]]
) -> [String] {
  let numbers = centres.indices.map { "w\($0 + 1)" }
  guard !atoms.isEmpty, let cell = try? UnitCell(latticeVectors, at: OrbitalPlace.latticeVectors)
  else { return numbers }
  let labels = atoms.map { atom in
    let label = atom.label.unicodeScalars.filter { isName("_\($0)") }.prefix(20)
    let text = String(String.UnicodeScalarView(label))
    return isName(text) ? text : "atom\(text)"
  }
  let many = labels.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  var seen: [String: Int] = [:]
  let names = labels.map { label in
    seen[label, default: 0] += 1
    return many[label]! > 1 ? "\(label)\(seen[label]!)" : label
  }
  let (vectors, rows) = (latticeVectors.map { SIMD3($0) }, cell.inverse.map { SIMD3($0) })
  var counts = [Int](repeating: 0, count: atoms.count)
  let own = centres.map { centre in
    let distances = atoms.map { atom in
      let apart = SIMD3(centre) - SIMD3(atom.position)
      // To the cell around the atom first.
      let home = rows.map { ($0 * apart).sum().rounded() }
      return latticeDistance((0..<3).reduce(apart) { $0 - home[$1] * vectors[$1] }, vectors)
    }
    let nearest = distances.indices.min { distances[$0] < distances[$1] }!
    counts[nearest] += 1
    return "\(names[nearest])_\(counts[nearest])"
  }
  // Labels that hold numbers themselves may meet those of others.
  return Set(own).count == own.count ? own : numbers
}

/// The atom of an orbital, as Mn2 of Mn2_1; nil where that names an orbital.
private func atom(_ name: String, _ names: [String]) -> String? {
  guard let end = name.lastIndex(of: "_"), end > name.startIndex,
    !names.contains(String(name[..<end]))
  else { return nil }
  return String(name[..<end])
}

/// The energy of each orbital, of energies by orbitals, or by the names of their atoms.
private func exchangeEnergies(
  _ given: [String: Double], _ names: [String], file: String
) throws(FileError) -> [Double] {
  var energies = [Double](repeating: 0, count: names.count)
  for (key, energy) in given.sorted(by: { $0.key < $1.key }) {
    let own = names.indices.filter { a in
      names[a] == key || names[a].hasPrefix(key + "_") && !names.contains(key)
    }
    guard !own.isEmpty else {
      throw FileError(
        .malformed, file: file, key: "exchange.\(key)", found: "no such orbital or atom",
        expected: "some of \(names.prefix(20).joined(separator: ", "))")
    }
    for a in own { energies[a] = energy }
  }
  return energies
}

/// The squared distance of a place from the nearest lattice point in the 27 cells around the origin.
private func latticeDistance(_ x: SIMD3<Double>, _ vectors: [SIMD3<Double>]) -> Double {
  var smallest = Double.infinity
  for n in 0..<27 {
    let cell = SIMD3(Double(n % 3 - 1), Double(n / 3 % 3 - 1), Double(n / 9 - 1))
    let d = x - cell.x * vectors[0] - cell.y * vectors[1] - cell.z * vectors[2]
    smallest = min(smallest, (d * d).sum())
  }
  return smallest
}
