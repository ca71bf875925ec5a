// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboTestSupport
import Testing

/// The programs of the library's articles are files of this target, and do what the articles say.
@Suite struct LibraryDocumentationTests {
  /// A file of the repository without the licence's line.
  private static func program(_ path: String) throws -> String {
    let text = try String(contentsOfFile: "\(repository)/\(path)", encoding: .utf8)
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.contains("SPDX-License-Identifier") }
      .joined(separator: "\n").trimmingCharacters(in: .newlines)
  }

  private static func own(_ name: String) throws -> String {
    try program("Tests/kuboTests/Documentation/\(name).swift")
  }

  private static func examples(_ article: String) throws -> [Example] {
    try Example.all(
      in: String(
        contentsOfFile: "\(repository)/Sources/KuboDiagrams/KuboDiagrams.docc/\(article).md",
        encoding: .utf8))
  }

  /// Refuses what an article does not show.
  private static func compare(_ printed: String, with article: String) throws {
    let shown = try #require(try examples(article).first { $0.kind == .output })
    #expect(!shown.text.isEmpty)
    #expect(ShownOutput(shown.text).missing(in: printed) == nil, "\(printed)")
  }

  @Test func programs() throws {
    let shown = try Self.examples("SpectrumInTenLines").filter { $0.kind == .swift }.map(\.text)
    #expect(shown == (try ["SpectrumInTenLines", "ReadingASpectrum"].map(Self.own)))
    #expect(shown[0].split(separator: "\n").count == 10)
  }

  @Test func result() async throws {
    let printed = table(try await conductivity(home: repository)).joined(separator: "\n")
    try Self.compare(printed, with: "SpectrumInTenLines")
  }

  /// The manifest is that of a package in `docs/tutorial`, which stands elsewhere.
  @Test func tutorialPrograms() throws {
    let shown = try Self.examples("FromALatticeToALadder").filter { $0.kind == .swift }.map(\.text)
    let manifest = try Self.program("docs/tutorial/Package.swift")
      .replacing("path: \"../..\"", with: "path: \"../kubo\"")
    #expect(shown == (try [manifest] + ["OwnChain", "SpinContinuity"].map(Self.own)))
  }

  @Test func tutorialResult() async throws {
    let model = try chain()
    let spectrum = try await spins(of: model, home: repository)
    let printed = continuity(spectrum, exchange: model.exchange).joined(separator: "\n")
    try Self.compare(printed, with: "FromALatticeToALadder")
  }

  /// Another package builds with this one, and its program prints what the tutorial shows.
  @Test(.enabled(if: areTestsLong)) func dependentPackage() throws {
    let scratch = try ScratchDirectory()
    let run = try ProgramTests.run(
      URL(filePath: "/usr/bin/env"),
      [
        "swift", "run", "--package-path", "\(repository)/docs/tutorial", "--scratch-path",
        scratch.path, "-c", "release", "chain", repository,
      ])
    #expect(run.status == 0, "\(run.errors)")
    try Self.compare(run.output, with: "FromALatticeToALadder")
  }
}
