// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import Testing

/// What SwiftPM does not check: which layer may import which, licence lines, the length of files.
@Suite struct LayoutTests {
  /// The imports that each target may have, besides the standard library's own modules.
  static let allowed: [String: Set<String>] = [
    "Quadrature": ["CGSL", "RealModule"],
    "KuboDiagrams": [
      "Quadrature", "CZoneSums", "ComplexModule", "RealModule", "Synchronization",
    ],
    "KuboFiles": [
      "KuboDiagrams", "CMessageDigest", "Subprocess", "SystemPackage", "Yams", "Foundation",
      "Glibc", "Synchronization",
    ],
    "kubo": [
      "KuboFiles", "KuboDiagrams", "Quadrature", "ComplexModule", "ArgumentParser", "Logging",
      "Foundation", "Synchronization",
    ],
  ]

  static func swiftFiles(_ folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: "\(repository)/\(folder)")
      .filter { $0.hasSuffix(".swift") }.map { "\(repository)/\(folder)/\($0)" }
  }

  @Test(arguments: allowed.keys.sorted()) func imports(_ target: String) throws {
    let files = try LayoutTests.swiftFiles("Sources/\(target)")
    #expect(!files.isEmpty)
    for file in files {
      for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
        let words = line.split(separator: " ")
        guard let n = words.firstIndex(of: "import"), n <= 1, n + 1 < words.count else { continue }
        #expect(LayoutTests.allowed[target]!.contains(String(words[n + 1])), "\(file): \(line)")
      }
    }
  }

  @Test func licenceLines() throws {
    for file in try ["Sources", "Tests", "Benchmarks"].flatMap(LayoutTests.swiftFiles) {
      let text = try String(contentsOfFile: file, encoding: .utf8)
      #expect(text.hasPrefix("// SPDX-License-Identifier: GPL-3.0-or-later\n"), "\(file)")
      #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 400, "\(file)")
    }
  }
}
