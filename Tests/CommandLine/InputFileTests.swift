// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams
import KuboFiles
import Testing

/// Files that are no model at all, and what a model file gives besides its refusals.
@Suite struct InputFiles {
  static let square = ModelRefusals.whole

  private func error(_ path: String) -> FileError? {
    #expect(throws: FileError.self) { _ = try ModelFile.read(path: path) }
  }

  @Test func missingFile() throws {
    let scratch = try ScratchDirectory()
    let error = error("\(scratch.path)/none.yaml")
    #expect(error?.kind == .noInput)
    #expect(
      error?.description
        == "\(scratch.path)/none.yaml: found No such file or directory; "
        + "expected a file that can be read")
  }

  @Test func directoryInsteadOfAFile() throws {
    let scratch = try ScratchDirectory()
    let error = error(scratch.path)
    #expect(error?.kind == .noInput)
    #expect(error?.description == "\(scratch.path): found a directory; expected a file")
  }

  @Test func pipeInsteadOfAFile() throws {
    let scratch = try ScratchDirectory()
    let pipe = "\(scratch.path)/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    // Nobody writes to the pipe at first: a reader that waits is released late, and seen by that.
    Thread.detachNewThread {
      sleep(10)
      close(open(pipe, O_WRONLY | O_NONBLOCK))
    }
    let duration = ContinuousClock().measure {
      #expect(
        error(pipe)?.description
          == "\(pipe): found a device, pipe or socket; expected a file")
    }
    #expect(duration < .seconds(9))
  }

  @Test(.enabled(if: geteuid() != 0, "root may read everything"))
  func fileThatMayNotBeRead() throws {
    let scratch = try ScratchDirectory()
    let path = try scratch.file("secret.yaml", Self.square)
    #expect(chmod(path, 0) == 0)
    #expect(error(path)?.kind == .permission)
  }

  @Test func bytesThatAreNotUTF8() throws {
    let scratch = try ScratchDirectory()
    let latin = Self.square.replacing("a model", with: "Néel").unicodeScalars.map {
      UInt8(exactly: $0.value) ?? 0
    }
    let error = error(try scratch.file("latin.yaml", latin))
    #expect(error?.kind == .malformed)
    #expect(
      error?.description
        == "\(scratch.path)/latin.yaml:2: found bytes that are not UTF-8; expected UTF-8 text")
  }

  @Test func fileThatIsTooLarge() throws {
    let scratch = try ScratchDirectory()
    let limit = 1 << 20
    let comment = "#" + String(repeating: "x", count: limit - Self.square.utf8.count - 2) + "\n"
    _ = try ModelFile.read(path: scratch.file("full.yaml", comment + Self.square))
    let error = error(try scratch.file("large.yaml", "\n" + comment + Self.square))
    #expect(error?.found == "more than 1048576 bytes")
  }

  /// A small text that would take more memory, stack or time than there is.
  struct Bomb: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
  }

  static let bombs: [Bomb] = {
    let steps = (0..<1400).map { String(repeating: " ", count: $0) + "a:\n" }
    // Nine lists of nine aliases each, as a key, which the parser hashes: 9^9 nodes.
    var aliases = "a0: &a0 x\n"
    for n in 1...9 {
      let items = Array(repeating: "*a\(n - 1)", count: 9).joined(separator: ",")
      aliases += "a\(n): &a\(n) [\(items)]\n"
    }
    return [
      Bomb(testDescription: "brackets", text: String(repeating: "[", count: 1_000_000)),
      Bomb(testDescription: "braces", text: String(repeating: "{a: ", count: 250_000)),
      Bomb(testDescription: "dashes", text: String(repeating: "- ", count: 500_000)),
      Bomb(testDescription: "keys", text: String(repeating: "? ", count: 500_000)),
      Bomb(testDescription: "indentation", text: steps.joined()),
      Bomb(testDescription: "aliases", text: aliases + "{*a9 : 1}: 2\n"),
    ]
  }()

  @Test(.timeLimit(.minutes(1)), arguments: bombs)
  func bombsAreRefused(_ bomb: Bomb) throws {
    let scratch = try ScratchDirectory()
    #expect(error(try scratch.file("bomb.yaml", bomb.text))?.kind == .malformed)
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
      intra_sublattice: []

      """
    let file = try ModelFile.read(path: scratch.file("m.yaml", text))
    // Computed with Python's hashlib.
    #expect(file.sha256 == "7f615075b747b961ccef667be962b26d95645592a3b5ae03272db78b05647c9d")
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
      ":5: parameters.J: found -1.0 with the parameters as set; expected a positive energy J"
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
