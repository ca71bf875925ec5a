// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboTestSupport
import Testing

/// The page of each module lists all its public types and functions under a topic, and nothing else.
@Suite struct TopicsTests {
  @Test func everythingIsListed() throws {
    var count = 0
    for module in SymbolGraph.modules where module.hasPrefix("Kubo") {
      let symbols = try SymbolGraph.of(module).symbols.filter { $0.pathComponents.count == 1 }
        .map(\.names.title)
      let page = try String(
        contentsOfFile: "\(repository)/Sources/\(module)/\(module).docc/\(module).md",
        encoding: .utf8)
      let (missing, unknown) = TopicsTests.differences(Set(symbols), page)
      #expect(missing.isEmpty, "\(module).md does not list \(missing)")
      #expect(unknown.isEmpty, "\(module).md lists \(unknown), which the module does not have")
      count += symbols.count
    }
    // Fewer would mean that they were not found.
    #expect(count >= 80)
  }

  static func differences(
    _ symbols: Set<String>, _ page: String
  ) -> (missing: [String], unknown: [String]) {
    let listed = Set(page.matches(of: /(?m)^- ``([^`]+)``$/).map { String($0.1) })
    return (symbols.subtracting(listed).sorted(), listed.subtracting(symbols).sorted())
  }

  /// What is not listed is noticed, and so is what is gone.
  @Test func judgement() {
    let page = "``Other`` in the text\n\n- ``Model``\n- ``Gone``\n- <doc:Article>\n"
    let (missing, unknown) = TopicsTests.differences(["Model", "Other"], page)
    #expect(missing == ["Other"])
    #expect(unknown == ["Gone"])
  }
}
