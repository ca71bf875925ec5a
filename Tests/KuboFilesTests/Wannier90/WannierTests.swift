// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboDiagrams
import KuboFiles
import KuboTestSupport
import Testing

/// Files of Wannier90 in all their forms give the matrices that were written into them.
@Suite struct WannierTests {
  static let up = WannierFiles(exchange: -0.4)
  static let down = WannierFiles(spin: 0.05, exchange: 0.4)

  /// Writes files and reads the model; `X_tb.dat` and `X_hr.dat` find what stands beside them.
  static func model(
    _ files: [String: String], up: String = "up_tb.dat", down: String? = "down_tb.dat",
    exchange: [String: Double]? = nil, change: (inout WannierSource) -> Void = { _ in }
  ) throws -> WannierModel {
    let scratch = try ScratchDirectory()
    for (name, text) in files { _ = try scratch.file(name, text) }
    func own(_ name: String) -> WannierSource.Files { .init(besides: "\(scratch.path)/\(name)") }
    var source = WannierSource(up: own(up), down: down.map(own), exchange: exchange)
    source.input = WannierSource.input(besides: source.up, source.down)
    change(&source)
    return try WannierModel(source, name: "m")
  }

  /// The largest difference from what was written, cells without an entry being zero.
  static func difference(_ model: OrbitalModel, _ up: WannierFiles, _ down: WannierFiles) -> Double
  {
    var worst = 0.0
    for (u, files) in [up, down].enumerated() {
      for (r, cell) in model.cells.enumerated() {
        let own = files.cells.firstIndex(of: cell).map { files.matrices[$0] }
        for e in model.elements[u][r].indices {
          worst = max(worst, (model.elements[u][r][e] - (own?[e] ?? .zero)).length)
        }
      }
    }
    return worst
  }

  /// What each format keeps of a number: F12.6 of twice the element at most, eight digits of numbers below 10.
  @Test func formats() throws {
    let (up, down) = (WannierTests.up, WannierTests.down)
    let tb = try WannierTests.model(["up_tb.dat": up.tb(), "down_tb.dat": down.tb()])
    #expect(WannierTests.difference(tb.model, up, down) < 1e-7)
    #expect(tb.model.latticeVectors == up.latticeVectors && tb.model.cells.count == 27)
    #expect(tb.model.orbitals.map(\.name) == ["w1", "w2"] && tb.fermiEnergy == nil)
    for (orbital, centre) in zip(tb.model.orbitals, up.centres) {
      #expect(orbital.position == centre && orbital.downPosition == centre)
    }
    #expect(abs((tb.model.orbitals[0].down - tb.model.orbitals[0].up) / 2 - 0.4) < 0.1)

    let same = [
      // D for the exponent; lines that end as elsewhere; no blanks where a sign separates; three digits of an exponent.
      up.tb("D"), up.tb().replacing("\n", with: "\r\n"), up.tb().replacing("  -", with: " -"),
      up.tb().replacing("0.00000000E+00", with: "0.00000000+100"),
    ]
    for text in same {
      let model = try WannierTests.model(["up_tb.dat": text, "down_tb.dat": down.tb()])
      #expect(model.model == tb.model)
    }

    // Sixteen digits of sums that are rounded are Hermitian to fewer.
    var fine = up
    fine.matrices[13][1].real += 1e-11
    let digits = fine.hr(format: "%25.16f")
    #expect(
      try WannierTests.difference(
        WannierTests.model(
          [
            "up_hr.dat": digits, "up.win": up.win, "up_centres.xyz": up.xyz,
            "down_tb.dat": down.tb(),
          ],
          up: "up_hr.dat"
        ).model, up, down) < 1e-7)

    var files = ["up_hr.dat": up.hr, "up.win": up.win, "up_centres.xyz": up.xyz]
    files.merge(["down_hr.dat": down.hr, "down_centres.xyz": down.xyz]) { $1 }
    let hr = try WannierTests.model(files, up: "up_hr.dat", down: "down_hr.dat")
    #expect(WannierTests.difference(hr.model, up, down) < 1e-6)
    #expect(hr.model.cells == tb.model.cells)
    for (x, y) in zip(hr.model.latticeVectors.joined(), tb.model.latticeVectors.joined()) {
      #expect(abs(x - y) < 1e-12)
    }
    #expect(hr.model.orbitals.map(\.position) == up.centres)
    #expect(hr.model.orbitals.map(\.name) == ["Mn_1", "O_1"] && hr.fermiEnergy == 1.5)
    #expect(hr.files.count == 5)
    files["up_hr.dat"] = up.hr.replacing(" -", with: "-")
    let packed = try WannierTests.model(files, up: "up_hr.dat", down: "down_hr.dat")
    #expect(packed.model == hr.model)
  }

  /// Elements go in equal parts to the cells that `_wsvec.dat` names; at the wave vectors of Wannier90 nothing changes.
  @Test func shifts() throws {
    let (up, down) = (WannierTests.up, WannierTests.down)
    // -3 and 3: the supercell. A shift and its partner's are opposite.
    func shifts(_ cell: [Int], _ a: Int, _ b: Int) -> [[Int]] {
      if a < b, cell[0] == 1 { return [[0, 0, 0], [-3, 0, 0]] }
      if a > b, cell[0] == -1 { return [[0, 0, 0], [3, 0, 0]] }
      if a == b, cell == [1, 1, 1] { return [[0, -3, 0]] }
      if a == b, cell == [-1, -1, -1] { return [[0, 3, 0]] }
      return [[0, 0, 0]]
    }
    let plain = try WannierTests.model(["up_tb.dat": up.tb(), "down_tb.dat": down.tb()])
    let moved = try WannierTests.model([
      "up_tb.dat": up.tb(), "down_tb.dat": down.tb(), "up_wsvec.dat": up.wsvec(shifts),
      "down_wsvec.dat": down.wsvec(shifts),
    ])
    #expect(plain.notes.count == 1 && moved.notes.isEmpty)
    func element(_ model: OrbitalModel, _ cell: [Int], _ a: Int, _ b: Int) -> ComplexDouble {
      model.cells.firstIndex(of: cell).map { model.elements[1][$0][a + 2 * b] } ?? .zero
    }
    let half = element(plain.model, [1, 0, 0], 0, 1).divided(by: 2)
    #expect(element(moved.model, [1, 0, 0], 0, 1) == half && half.length > 0.01)
    #expect(element(moved.model, [-2, 0, 0], 0, 1) == half)
    #expect(element(moved.model, [1, 1, 1], 1, 1) == .zero)
    #expect(element(moved.model, [1, -2, 1], 1, 1) == element(plain.model, [1, 1, 1], 1, 1))
    for n in 0..<27 {
      let k = [n % 3, n / 3 % 3, n / 9]
      for e in 0..<4 {
        func sum(_ model: OrbitalModel) -> ComplexDouble {
          model.cells.indices.reduce(.zero) { sum, r in
            let turns = zip(k, model.cells[r]).reduce(0) { $0 + $1.0 * $1.1 } % 3
            let phase = ComplexDouble(length: 1, phase: 2 * .pi * Double(turns) / 3)
            return sum + phase * model.elements[0][r][e]
          }
        }
        #expect((sum(moved.model) - sum(plain.model)).length < 1e-14)
      }
    }
  }

  /// One nonmagnetic file: up has the level less the exchange; an atom's name stands for all its functions.
  @Test func exchange() throws {
    let files = ["up_hr.dat": WannierTests.up.hr, "up.win": WannierTests.up.win]
      .merging(["up_centres.xyz": WannierTests.up.xyz]) { $1 }
    let read = try WannierTests.model(
      files, up: "up_hr.dat", down: nil, exchange: ["Mn": 0.3, "O_1": -0.1])
    #expect(read.alignment == nil)
    let (home, model) = (read.model.cells.firstIndex(of: [0, 0, 0])!, read.model)
    for (a, energy) in [0.3, -0.1].enumerated() {
      let (up, down) = (model.elements[0][home][3 * a].real, model.elements[1][home][3 * a].real)
      #expect(abs((down - up) / 2 - energy) < 1e-15)
      #expect(model.orbitals[a].up == up && model.orbitals[a].down == down)
      #expect(abs((up + down) / 2 - WannierTests.up.matrices[13][3 * a].real) < 1e-6)
    }
    #expect(model.elements[0][home][1] == model.elements[1][home][1])
  }

  /// Where no hop leaves the plane xy the model has two dimensions.
  @Test func layers() throws {
    func files(_ exchange: Double) -> String {
      var files = WannierFiles(exchange: exchange, isLayer: true)
      files.latticeVectors = [[3, 0, 0], [1, 3, 0], [0, 0, 20]]
      return files.tb()
    }
    let read = try WannierTests.model(["up_tb.dat": files(-0.4), "down_tb.dat": files(0.4)])
    #expect(read.model.latticeVectors == [[3, 0], [1, 3]] && read.model.cells.count == 9)
    #expect(read.model.orbitals[1].position == [1.4, 1.3] && read.notes.count == 2)
  }

  /// The key `wannier90` as `kubo import` writes it reads the same files, from wherever the model file is, and no others.
  @Test func modelFile() throws {
    let scratch = try ScratchDirectory()
    for folder in ["data", "models"] { _ = try scratch.directory(folder) }
    let (up, down) = (WannierTests.up, WannierTests.down)
    let path = try scratch.file("data/it's up_hr.dat", up.hr)
    for (name, text) in [("_centres.xyz", up.xyz), (".win", up.win)] {
      _ = try scratch.file("data/it's up\(name)", text)
    }
    var source = WannierSource(
      up: .init(besides: path),
      down: .init(besides: try scratch.file("data/down_tb.dat", down.tb())),
      names: ["A", "B"])
    source.input = WannierSource.input(besides: source.up, source.down)
    let model = try WannierModel(source, name: "m")
    let place = "\(scratch.path)/models/m.yaml"
    let text = TextFile(
      model, of: source, defaults: .init(mu: 0.5, temperature: 0.1, lifetime: .constant(0.2)),
      for: place
    ).text
    #expect(text.contains("defaults: {mu: 0.5, temperature: 0.1, lifetime: {constant: 0.2}}\n"))
    #expect(text.contains("up: {file: '../data/it''s up_hr.dat', centres: '../data/it''s up_c"))
    let again = try WannierSource.read(Array(text.utf8), path: place)
    #expect(try WannierModel(again, name: "m").model == model.model)
    #expect(again.digests?.count == 4)

    // Short: what stands beside is found.
    let short = "wannier90: {up: ../data/it's up_hr.dat, down: ../data/down_tb.dat, names: [A, B]}"
    let found = try WannierModel(try .read(Array(short.utf8), path: place), name: "m")
    #expect(found.model == model.model)

    func refusal(_ change: (String, String), _ file: (String, String)? = nil) throws -> String {
      if let (name, content) = file { _ = try scratch.file(name, content) }
      do throws(FileError) {
        let changed = text.replacing(change.0, with: change.1)
        _ = try WannierModel(try .read(Array(changed.utf8), path: place), name: "m")
        return "none"
      } catch {
        #expect(error.kind == .malformed)
        return error.description.replacing(scratch.path + "/", with: "")
      }
    }
    let digest = model.files.first { $0.path == path }!.sha256
    #expect(
      try refusal((digest, "0")).hasSuffix(
        "it's up_hr.dat: found the SHA-256 \(digest); expected 0, as the model file says"))
    #expect(
      try refusal((", centres: '../data/it''s up_centres.xyz'", "")).contains(
        "found no centres, as in all _hr.dat"))
    #expect(
      try refusal(("    '../data/down_tb.dat': ", "    other: ")).hasSuffix(
        "expected a file whose SHA-256 the model file has"))
    #expect(
      try refusal(("  sha256:", "  sha256:\n    other: ''")).hasSuffix(
        "other: found a SHA-256 of a file that is not used; expected those of the files of up and down, and of win"
      ))
    for (key, message) in [
      ("exchange: {A: 1}", "found both; expected down, or exchange for a nonmagnetic up"),
      ("dwon: x", "found an unknown key; expected the keys up, down, win, exchange, names, sha256"),
    ] {
      #expect(try refusal(("  names: [A, B]", "  \(key)")).hasSuffix(message))
    }
    #expect(
      try refusal(("names: [A, B]", "names: [A]")).hasSuffix(
        "it's up_hr.dat:2: found 2 Wannier functions; expected 1, one for each name"))
    #expect(
      try refusal(("names: [A, B]", "names: [A, A]")).hasSuffix(
        "models/m.yaml:10: wannier90.names[1]: found the string \"A\"; expected each name once"))
    #expect(
      try refusal(("x", "x"), ("data/down_tb.dat", up.tb())).contains("found the SHA-256"))
  }
}
