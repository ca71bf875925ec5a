// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// <0 a|H|R b> of one spin, from a `_hr.dat` or `_tb.dat` of Wannier90: divided by the degeneracies of the cells, Hermitian,
/// in eV.
struct WannierHamiltonian {
  typealias Cell = SIMD3<Int>

  let path: String
  /// The number of Wannier functions.
  let count: Int
  /// The line that says so.
  let countLine: Int
  private(set) var cells: [Cell]
  /// Of each cell, at a + n b.
  private(set) var elements: [[ComplexDouble]]
  /// The cell in Angstrom, if the file has it.
  private(set) var latticeVectors: [[Double]]?
  /// The diagonal of <0 a|r|0 b> in Angstrom, if the file has it.
  private(set) var centres: [[Double]]?

  /// The largest files that are read, in bytes: both spins are in memory at the same time.
  static let sizeLimit = 1 << 29
  private static let countLimit = 1000
  private static let cellLimit = 100_000
  /// The farthest cell that is accepted; that of ``OrbitalModel``.
  fileprivate static let reach = 2000

  /// Reads either file, told apart by what they hold.
  init(_ input: InputFile) throws(FileError) {
    path = input.path
    var reader = FortranReader(input)
    try reader.expectLine("the first line of a _hr.dat or _tb.dat of Wannier90")
    try reader.expectLine("the second line of a _hr.dat or _tb.dat of Wannier90")
    let expected = "the number of Wannier functions of a _hr.dat, or a lattice vector of a _tb.dat"
    let words = reader.rest.split { $0 == " " || $0 == "\t" }.count
    guard words == 1 || words == 3 else { throw reader.refusal(expected) }
    let hasPositions = words == 3
    if hasPositions {
      var vectors = [try reader.vectorLine(expected)]
      while vectors.count < 3 {
        try reader.expectLine("three lattice vectors")
        vectors.append(try reader.vectorLine("a lattice vector in Angstrom"))
      }
      latticeVectors = vectors
      try reader.expectLine("the number of Wannier functions")
    }
    count = try reader.countLine(
      "the number of Wannier functions", upTo: WannierHamiltonian.countLimit)
    countLine = reader.line
    try reader.expectLine("the number of cells")
    let total = try reader.countLine("the number of cells", upTo: WannierHamiltonian.cellLimit)
    // What cannot be in the file need not be tried: an element takes eight letters or more.
    guard total * count * count <= input.bytes.count / 8 else {
      throw reader.refusal(
        "a file long enough to hold them",
        found: "\(total) cells of \(count) x \(count) elements in \(input.bytes.count) bytes")
    }
    let degeneracies = try reader.degeneracies(total)
    (cells, elements) = ([], [])
    elements.reserveCapacity(total)
    var index: [Cell: Int] = [:]
    var lines: [Int] = []
    let n = count
    _ = reader.takeUnit()
    for r in 0..<total {
      var matrix = [ComplexDouble](repeating: .zero, count: n * n)
      var cell = Cell()
      if hasPositions { cell = try reader.cellLine("\(total) cells") }
      let divisor = 1 / Double(degeneracies[r])
      for b in 1...n {
        for a in 1...n {
          try reader.expectLine("\(total) cells of \(n) x \(n) elements")
          if !hasPositions {
            let own = try reader.cell()
            if a == 1, b == 1 { cell = own }
            guard own == cell else {
              throw reader.refusal(
                "\(n) x \(n) elements of the cell \(cell.text)", found: "the cell \(own.text)")
            }
          }
          if a == 1, b == 1 { lines.append(reader.line) }
          try reader.pair(a, b)
          let (x, y) = (try reader.real("a number"), try reader.real("a number"))
          let value = ComplexDouble(x, y)
          try reader.finishLine("the end of the line after the element")
          matrix[a - 1 + n * (b - 1)] = value.multiplied(by: divisor)
        }
      }
      if let first = index.updateValue(r, forKey: cell) {
        throw FileError(
          .malformed, file: path, line: lines[r], found: "the cell \(cell.text) a second time",
          expected: "each cell once; it stands at line \(lines[first])")
      }
      cells.append(cell)
      elements.append(matrix)
    }
    let unit = reader.takeUnit()
    if hasPositions { centres = try reader.centres(n, cells) }
    if reader.advanceToText() { throw reader.refusal("the end of the file") }
    try makeHermitian(index, lines, unit: unit)
  }

  /// Refuses what is not Hermitian to the last digit of the file, and takes the mean with the Hermitian conjugate.
  private mutating func makeHermitian(
    _ index: [Cell: Int], _ lines: [Int], unit: Double
  ) throws(FileError) {
    let n = count
    for r in cells.indices {
      guard let partner = index[0 &- cells[r]] else {
        throw FileError(
          .malformed, file: path, line: lines[r], found: "the cell \(cells[r].text)",
          expected: "\((0 &- cells[r]).text) as well, since the Hamiltonian is Hermitian")
      }
      guard partner >= r else { continue }
      for b in 0..<n {
        for a in 0..<n {
          let (x, y) = (elements[r][a + n * b], elements[partner][b + n * a].conjugate)
          // Both are rounded, real and imaginary part.
          guard (x - y).length <= 1.5 * unit else {
            throw FileError(
              .malformed, file: path, line: lines[r] + a + n * b,
              found: "<0 \(a + 1)|H|\(cells[r].text) \(b + 1)> = \(text(x))",
              expected:
                "\(text(y)), the conjugate of line \(lines[partner] + b + n * a), to \(significant(unit, digits: 1))"
            )
          }
          let mean = (x + y).divided(by: 2)
          elements[r][a + n * b] = mean
          elements[partner][b + n * a] = mean.conjugate
        }
      }
    }
  }

  private func text(_ z: ComplexDouble) -> String { "(\(z.real), \(z.imaginary))" }

  // MARK: Shifts

  /// Moves each element to the cells that the `_wsvec.dat` of the same run says, in equal parts: those in which the two
  /// functions are nearest. Source: use_ws_distance of Wannier90's guide.
  mutating func shift(_ input: InputFile) throws(FileError) {
    let (n, size) = (count, count * count)
    let index = Dictionary(uniqueKeysWithValues: zip(cells, cells.indices))
    let total = cells.count * size
    var lines = [Int](repeating: 0, count: total)
    var ranges = [Range<Int>](repeating: 0..<0, count: total)
    var shifts: [Cell] = []
    var reader = FortranReader(input)
    try reader.expectLine("the first line of a _wsvec.dat of Wannier90")
    for _ in 0..<total {
      try reader.expectLine("\(total) entries, one for each element of \(path)")
      let cell = try reader.cell()
      guard let r = index[cell] else {
        throw reader.refusal("a cell of \(path)", found: "the cell \(cell.text)")
      }
      let a = try reader.count("an orbital", upTo: n)
      let b = try reader.count("an orbital", upTo: n)
      try reader.finishLine("a cell and two orbitals")
      let e = r * size + a - 1 + n * (b - 1)
      guard lines[e] == 0 else {
        throw reader.refusal(
          "each entry once; it stands at line \(lines[e])",
          found: "the cell \(cell.text) and orbitals \(a) and \(b) a second time")
      }
      lines[e] = reader.line
      try reader.expectLine("the number of shifts")
      // Wannier90 itself has room for 8.
      let many = try reader.count("the number of shifts", upTo: 64)
      try reader.finishLine("the number of shifts")
      let start = shifts.count
      for _ in 0..<many {
        try reader.expectLine("as many lines as shifts")
        let shift = try reader.cell()
        try reader.finishLine("three integers")
        guard !shifts[start...].contains(shift) else {
          throw reader.refusal("each shift once", found: "\(shift.text) a second time")
        }
        shifts.append(shift)
      }
      ranges[e] = start..<shifts.count
    }
    if reader.advanceToText() { throw reader.refusal("the end of the file") }

    var (place, moved): ([Cell: Int], [[ComplexDouble]]) = ([:], [])
    let zero = [ComplexDouble](repeating: .zero, count: size)
    for (r, cell) in cells.enumerated() {
      let partner = index[0 &- cell]! * size
      for e in 0..<size {
        let own = shifts[ranges[r * size + e]]
        let other = ranges[partner + e / n + n * (e % n)]
        let (line, value) = (lines[r * size + e], elements[r][e].divided(by: Double(own.count)))
        guard own.count == other.count, own.allSatisfy({ shifts[other].contains(0 &- $0) }) else {
          throw FileError(
            .malformed, file: input.path, line: line,
            found: "shifts \(own.map(\.text).joined(separator: " "))",
            expected: "the negatives of those of line \(lines[partner + e / n + n * (e % n)])")
        }
        for shift in own {
          let target = cell &+ shift
          let m = place[target, default: moved.count]
          if m == moved.count {
            // Elements move by multiples of a supercell to its other faces; more would take much memory.
            guard m < 8 * cells.count + 1000 else {
              throw FileError(
                .malformed, file: input.path, line: line,
                found: "shifts to more than \(m) cells", expected: "shifts within a supercell")
            }
            place[target] = m
            moved.append(zero)
          }
          moved[m][e] += value
        }
      }
    }
    cells = place.keys.sorted { place[$0]! < place[$1]! }
    elements = moved
  }
}

extension SIMD3<Int> {
  /// As in `(1, 0, -1)`.
  fileprivate var text: String { "(\(x), \(y), \(z))" }
}

// MARK: Parts of lines

extension FortranReader {
  /// An integer from 1 to `limit`.
  mutating func count(_ what: String, upTo limit: Int) throws(FileError) -> Int {
    let start = self
    let value = try integer("\(what), 1 to \(limit)")
    guard 1...limit ~= value else { throw start.refusal("\(what), 1 to \(limit)") }
    return value
  }

  /// Three integers.
  fileprivate mutating func cell() throws(FileError) -> WannierHamiltonian.Cell {
    let start = self
    func part(_ reader: inout FortranReader) throws(FileError) -> Int {
      try reader.integer("three integers of a cell")
    }
    let cell = WannierHamiltonian.Cell(
      try part(&self), try part(&self), try part(&self))
    guard (0..<3).allSatisfy({ abs(cell[$0]) <= WannierHamiltonian.reach }) else {
      throw start.refusal("a cell of coordinates up to \(WannierHamiltonian.reach)")
    }
    return cell
  }

  /// The orbitals `a` and `b`.
  fileprivate mutating func pair(_ a: Int, _ b: Int) throws(FileError) {
    let start = self
    func expected() -> String { "orbitals \(a) and \(b), the first one running fastest" }
    let (first, second) = (try integer(expected()), try integer(expected()))
    guard first == a, second == b else { throw start.refusal(expected()) }
  }

  /// A line with the number of something.
  fileprivate mutating func countLine(_ what: String, upTo limit: Int) throws(FileError) -> Int {
    let value = try count(what, upTo: limit)
    try finishLine(what)
    return value
  }

  /// A line of three numbers.
  mutating func vectorLine(_ what: String) throws(FileError) -> [Double] {
    let vector = [try real(what), try real(what), try real(what)]
    try finishLine(what)
    return vector
  }

  /// The degeneracies of `total` cells, on as many lines as they take.
  fileprivate mutating func degeneracies(_ total: Int) throws(FileError) -> [Int] {
    var degeneracies: [Int] = []
    while degeneracies.count < total {
      let expected = "\(total) degeneracies, \(total - degeneracies.count) more"
      try expectLine(expected)
      repeat { degeneracies.append(try count(expected, upTo: 10_000)) } while !isLineRead
      guard degeneracies.count <= total else {
        throw refusal(
          "\(total), one for each cell", found: "\(degeneracies.count) degeneracies or more")
      }
    }
    return degeneracies
  }

  /// A line with a cell, after a blank one.
  fileprivate mutating func cellLine(_ what: String) throws(FileError) -> WannierHamiltonian.Cell {
    guard advanceToText() else { throw refusal(what, found: "the end of the file") }
    let cell = try cell()
    try finishLine("three integers of a cell")
    return cell
  }

  /// <a|r|b> of all cells: the diagonal of the first.
  fileprivate mutating func centres(
    _ n: Int, _ cells: [WannierHamiltonian.Cell]
  ) throws(FileError) -> [[Double]] {
    var centres = [[Double]](repeating: [0, 0, 0], count: n)
    for cell in cells {
      let own = try cellLine("the positions of \(cells.count) cells")
      guard own == cell else {
        throw refusal("\(cell.text), as among the Hamiltonian's", found: "the cell \(own.text)")
      }
      for b in 1...n {
        for a in 1...n {
          try expectLine("\(n) x \(n) positions of each cell")
          try pair(a, b)
          for i in 0..<3 {
            let (x, _) = (try real("a number"), try real("a number"))
            if cell == .zero, a == b { centres[a - 1][i] = x }
          }
          try finishLine("the end of the line after six numbers")
        }
      }
    }
    return centres
  }
}
