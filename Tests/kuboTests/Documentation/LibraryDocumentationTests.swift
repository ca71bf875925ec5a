// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Testing

/// The programs of the library's article are files of this target, and do what it says.
@Suite struct LibraryDocumentationTests {
  static let article =
    "\(repository)/Sources/KuboDiagrams/KuboDiagrams.docc/SpectrumInTenLines.md"

  /// A file of this target without its first line, the licence's.
  private static func program(_ name: String) throws -> String {
    let text = try String(
      contentsOfFile: "\(repository)/Tests/kuboTests/Documentation/\(name).swift", encoding: .utf8)
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
      .joined(separator: "\n").trimmingCharacters(in: .newlines)
  }

  private func examples() throws -> [Example] {
    try Example.all(in: String(contentsOfFile: LibraryDocumentationTests.article, encoding: .utf8))
  }

  @Test func programs() throws {
    let shown = try examples().filter { $0.kind == .swift }.map(\.text)
    let compiled = try ["SpectrumInTenLines", "ReadingASpectrum"].map(
      LibraryDocumentationTests.program)
    #expect(shown == compiled)
    #expect(shown[0].split(separator: "\n").count == 10)
  }

  @Test func result() async throws {
    let printed = table(try await conductivity(home: repository)).joined(separator: "\n")
    let shown = try #require(try examples().first { $0.kind == .output })
    #expect(!shown.text.isEmpty)
    #expect(ShownOutput(shown.text).missing(in: printed) == nil, "\(printed)")
  }
}
