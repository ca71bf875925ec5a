// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboDiagrams
import KuboFiles
import Testing

/// What a model file gives besides its refusals, and the limits of what is read.
@Suite struct InputFiles {
  static let square = try! Refusal.base("model.yaml")

  private func error(_ path: String) -> FileError? {
    #expect(throws: FileError.self) { _ = try ModelFile.read(path: path) }
  }

  @Test func fileThatIsTooLarge() throws {
    let scratch = try ScratchDirectory()
    let limit = 1 << 20
    let comment = "#" + String(repeating: "x", count: limit - Self.square.utf8.count - 2) + "\n"
    _ = try ModelFile.read(path: scratch.file("full.yaml", comment + Self.square))
    let error = error(try scratch.file("large.yaml", "\n" + comment + Self.square))
    #expect(error?.found == "more than 1048576 bytes")
  }

  @Test func controlCharactersOfAFileAreEscaped() throws {
    let scratch = try ScratchDirectory()
    let path = try scratch.file(
      "escape.yaml", Self.square.replacing("name: square", with: #"name: "\e[31m\u202E\n\\""#))
    let message = try #require(error(path)?.description)
    #expect(message.contains(#"found the string "\u{1b}[31m\u{202e}\n\\";"#))
  }

  @Test func byteOrderMarkAndWindowsLineEndsAreAccepted() throws {
    let scratch = try ScratchDirectory()
    let text = "\u{FEFF}" + Self.square.replacing("\n", with: "\r\n")
    #expect(try ModelFile.read(path: scratch.file("windows.yaml", text)).name == "square")
    let wrong = text.replacing("J: 0.5", with: "J: -1")
    #expect(error(try scratch.file("wrong.yaml", wrong))?.line == 5)
  }

  @Test func digestIsThatOfTheBytes() throws {
    let scratch = try ScratchDirectory()
    let text = """
      name: m
      description: |
        &no anchor, *no alias
          [ { ' "
      source: 'it''s # no comment' # a comment
      units: {energy: t, length: a}
      parameters: {J: 1}
      defaults: {mu: 0, temperature: 0, lifetime: {constant: 0}}
      lattice: {vectors: [[2]]}
      inter_sublattice: [{vector: [1], amplitude: -2.5e-1 * J}]
      intra_sublattice: [{vector: [2], amplitude: 0}]

      """
    let file = try ModelFile.read(path: scratch.file("m.yaml", text))
    // Computed with Python's hashlib.
    #expect(file.sha256 == "5f387bdab25526d1ff8c3a84593cf1d987a24af59002a15faa7535a1a520db4d")
    #expect(file.description == "&no anchor, *no alias\n  [ { ' \"")
    #expect(file.source == "it's # no comment")
    #expect(try file.model().interSublattice == [Hop(vector: [1], amplitude: -0.25)])
    #expect(
      file.defaults == ModelFile.Defaults(mu: 0, temperature: 0, lifetime: .constant(0)))
  }

  // MARK: Parameters set by the user

  @Test func settingsReplaceParameters() throws {
    let scratch = try ScratchDirectory()
    let file = try ModelFile.read(path: scratch.file("square.yaml", Self.square))
    let model = try file.model(setting: ["t": 2, "J": 3])
    #expect(model.exchange == 3)
    // Amplitudes t, 1.0*t, 1, -1e0 and t_prime, -t_prime.
    #expect(model.interSublattice.map(\.amplitude) == [2, 2, 1, -1])
    #expect(model.intraSublattice.map(\.amplitude) == [0.2, -0.2])
  }

  @Test(arguments: [
    (["T": 1.0], ": found no parameter \"T\" that could be set; expected one of t, t_prime, J"),
    (
      ["t": .nan],
      ": parameters.t: found nan as its new value; "
        + "expected a finite number of magnitude below 1e100"
    ),
    (
      ["J": -1.0],
      ":5: parameters.J: found -1.0 with the parameters as set; expected a positive energy J "
        + "below 1e100"
    ),
  ])
  func wrongSettingIsRefused(_ setting: [String: Double], _ message: String) throws {
    let scratch = try ScratchDirectory()
    let file = try ModelFile.read(path: scratch.file("square.yaml", Self.square))
    let error = #expect(throws: FileError.self) { _ = try file.model(setting: setting) }
    #expect(error?.kind == .setting)
    #expect(error?.description == "\(scratch.path)/square.yaml\(message)")
  }
}
