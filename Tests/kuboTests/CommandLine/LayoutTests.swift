// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Testing

/// What the compiler does not check. Which layer may import which is for Package.swift to say: `./test` builds
/// with `--explicit-target-dependency-import-check error`.
@Suite struct LayoutTests {
  static func swiftFiles(_ folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: "\(repository)/\(folder)")
      .filter { $0.hasSuffix(".swift") }.map { "\(repository)/\(folder)/\($0)" }
  }

  /// The physics knows no files.
  @Test func physicsHasNoFoundation() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: "\(repository)/Sources")
      .filter {
        $0 == "Quadrature"
          || $0.hasPrefix("Kubo")
            && !["KuboFiles", "KuboMPI", "KuboNetCDF", "KuboSweeps"].contains($0)
      }
    #expect(folders.count >= 9)
    for file in try folders.flatMap({ try LayoutTests.swiftFiles("Sources/\($0)") }) {
      let text = try String(contentsOfFile: file, encoding: .utf8)
      for name in ["Foundation", "Glibc", "Yams", "KuboFiles"] {
        #expect(!text.contains("import \(name)\n"), "\(file) imports \(name)")
      }
    }
  }

  /// The table of modules in CONTRIBUTING.md: all of them, their lines within a tenth.
  @Test func modules() throws {
    let text = try String(contentsOfFile: "\(repository)/CONTRIBUTING.md", encoding: .utf8)
    let rows = text.matches(of: /\| `(\w+)` \| (\d+) \|/)
    let folders = try FileManager.default.contentsOfDirectory(atPath: "\(repository)/Sources")
      .filter { !["CGSL", "CLAPACK", "CMessageDigest", "CNetCDF", "COpenMPI"].contains($0) }
    #expect(rows.map { String($0.1) }.sorted() == folders.sorted())
    for row in rows {
      let folder = "\(repository)/Sources/\(row.1)"
      let lines = try FileManager.default.subpathsOfDirectory(atPath: folder)
        .filter { name in [".swift", ".c", ".h"].contains(where: name.hasSuffix) }
        .reduce(0) { sum, file in
          sum
            + (try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8))
            .count { $0 == "\n" }
        }
      let said = try #require(Int(row.2))
      #expect(abs(said - lines) * 10 <= lines, "\(row.1) has \(lines) lines")
    }
  }

  /// What differs in a build without traits compiles, whichever of the two this is.
  @Test(arguments: ["KuboMPI", "KuboNetCDF"]) func withoutTraits(_ module: String) throws {
    // SwiftPM names a package after its folder.
    let package = URL(filePath: repository).lastPathComponent.lowercased()
      .replacing(/[^a-z0-9_]/, with: "_")
    let options = [
      "-swift-version", "6", "-parse-as-library", "-package-name", package, "-module-name", module,
    ]
    let run = try ProgramTests.run(
      URL(filePath: "/usr/bin/env"),
      ["swiftc", "-typecheck"] + options + SymbolGraph.modulePaths
        + LayoutTests.swiftFiles("Sources/\(module)"))
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test func licenceLines() throws {
    for file in try ["Sources", "Tests", "Benchmarks"].flatMap(LayoutTests.swiftFiles) {
      let text = try String(contentsOfFile: file, encoding: .utf8)
      #expect(text.hasPrefix("// SPDX-License-Identifier: GPL-3.0-or-later\n"), "\(file)")
      #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 400, "\(file)")
    }
  }
}
