// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboFiles
import Testing

/// A stranger's file that is right but for its intentions: text for readers may hold anything that
/// is to be seen, and must stay text in messages, CSV headers and pictures.
@Suite struct HostileFileTests {
  /// Attempts to run a command, to forge a header line, or to become markup.
  static let attempts = [
    "`touch canary`", "$(touch canary)", "; touch canary", "| touch canary", "&& touch canary",
    "'; system('touch canary') #", "' . system(\"touch canary\") . '",
    "\" . system('touch canary')",
    "@system('touch canary')", "a\n# program: forged", "{t}^{2}_{3", "<script>touch(1)<script>",
    "&lt;b&gt;]]><!--", "%s%n%1$s", "=cmd|'touch canary'!A1", "'''", "\\'", "\\", "EOD",
    "$cscba0 << EOD", "!touch canary", "a # comment", "a,b;c d", "a\u{1b}[31m", "a\u{202e}b",
  ]

  /// As the text of a file, as the names of the files, and so in the command of the CSV header.
  @Test(arguments: attempts) func staysText(_ attempt: String) throws {
    let scratch = try ScratchDirectory()
    for folder in ["tmp", "home"] { _ = try scratch.directory(folder) }
    let isLine = !attempt.unicodeScalars.contains { $0 < " " || $0 == "\u{202e}" }
    let quoted = isLine ? "'" + attempt.replacing("'", with: "''") + "'" : "text"
    _ = try scratch.file(
      "\(attempt).yaml",
      """
      name: m
      description: \(quoted)
      source: \(quoted)
      units: {energy: "t^{*}_{0}", length: Å}
      parameters: {t: 1, J: 0.5}
      defaults: {mu: -1.2, temperature: 0.02, lifetime: {constant: 0.05}}
      lattice: {vectors: [[2]]}
      inter_sublattice: [{vector: [1], amplitude: t}, {vector: [-1], amplitude: t}]
      intra_sublattice: [{vector: [2], amplitude: 0.2}]

      """)
    let run = try RefusalTests.shell(
      """
      export HOME=$PWD/home
      exec "$kubo" compare "$1.yaml" --gamma 0.4 --omega 0.1,0.8 --tolerance 1e-2 \\
        --output "$1.csv" --picture "./$1.svg"
      """, [attempt], in: scratch)
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      Set(try FileManager.default.subpathsOfDirectory(atPath: scratch.path))
        == ["\(attempt).csv", "\(attempt).svg", "\(attempt).yaml", "home", "tmp"])

    let table = try String(contentsOfFile: "\(scratch.path)/\(attempt).csv", encoding: .utf8)
    let lines = table.split(separator: "\n", omittingEmptySubsequences: false)
    let header = lines.prefix { $0.hasPrefix("# ") }
    #expect(header.filter { $0.hasPrefix("# program: ") }.count == 1)
    #expect(header.filter { $0.hasPrefix("# model_file: ") }.count == 1)
    #expect(lines.dropFirst(header.count).first?.hasPrefix("omega,") == true)
    #expect(lines.count == header.count + 4, "the names, two rows and the end")
    #expect(!table.contains("\u{1b}") && !table.contains("\u{202e}"))

    // An independent parser finds one tree of elements that draw.
    let picture = try #require(
      SVGDocument(try Data(contentsOf: URL(filePath: "\(scratch.path)/\(attempt).svg"))))
    #expect(!picture.names.contains("script") && picture.names.contains("path"))
  }

  /// A name cannot lead elsewhere: the program writes to the paths of its options alone.
  @Test func writesNowhereElse() throws {
    let scratch = try ScratchDirectory()
    for folder in ["tmp", "home", "in/deep", "out"] { _ = try scratch.directory(folder) }
    _ = try scratch.file("in/deep/m.yaml", Refusal.base("model.yaml"))
    let before = try RefusalTests.snapshot(scratch)
    let run = try RefusalTests.shell(
      """
      export HOME=$PWD/home
      cd in/deep
      exec "$kubo" coefficients m.yaml --tolerance 1e-3 --output ../../out/a.csv
      """, in: scratch)
    #expect(run.status == 0, "\(run.errors)")
    let after = try RefusalTests.snapshot(scratch)
    #expect(Set(after.keys).subtracting(before.keys) == ["out/a.csv"])
    for (name, state) in before { #expect(after[name] == state) }
  }
}

/// The inputs that fuzzing has found to cover the readers (`Fuzzing/run`): each is read, or refused
/// with a message.
@Suite struct FuzzingCorpusTests {
  @Test(.timeLimit(.minutes(2)), arguments: ["model", "diagram"])
  func replays(_ kind: String) throws {
    let folder = "\(repository)/Fuzzing/corpus/\(kind)"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(names.count > 20)
    for name in names {
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
      do throws(FileError) {
        if kind == "model" {
          _ = try ModelFile.read(bytes, path: name)
        } else {
          _ = try DiagramFile.read(bytes, path: name)
        }
      } catch {
        #expect(error.kind == .malformed && error.description.hasPrefix(name))
        #expect(!error.found.isEmpty && !error.expected.isEmpty)
        #expect(!error.description.contains("\n"))
      }
    }
  }
}
