// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Testing
import Yams

/// A wrong input of `Tests/kuboTests/CommandLine/Refusals`: what the program says and its exit status.
struct Refusal: Sendable, CustomTestStringConvertible {
  let kind, name: String
  let arguments: [String]
  /// Shell commands before and instead of the plain run; `$kubo` is the program, `$@` the arguments.
  let setup, run: String
  let files: [String: String]
  let status: Int32
  /// All of standard error, without the prefix `kubo: ` of each line, and without help.
  let message: String
  /// Whether results may go to standard output before the error.
  let mayPrint: Bool

  var testDescription: String { "\(kind): \(name)" }

  /// A file of the folder: what all its members share, unless one says otherwise.
  struct Table: Decodable {
    struct Member: Decodable {
      let name: String
      let change: [String]?
      let content: String?
      let arguments: [String]?
      let setup, run, message: String?
      let status: Int32?
      let mayPrint: Bool?
    }
    let about: String
    /// The file that `change` and `content` are about.
    let file: String?
    let arguments: [String]?
    let setup, run, message: String?
    let status: Int32?
    let mayPrint: Bool?
    let members: [Member]
  }

  static let folder = "\(repository)/Tests/kuboTests/CommandLine/Refusals"
  static func base(_ name: String) throws -> String {
    try String(contentsOfFile: "\(folder)/right/\(name)", encoding: .utf8)
  }

  /// All members of all tables.
  static let all: [Refusal] = {
    do {
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      var tables = names.filter { $0.hasSuffix(".yaml") }.sorted()
      #if NetCDF && MPI
        tables.removeAll { $0 == "without-traits.yaml" }
      #endif
      let all = try tables.flatMap(read)
      // ThreadSanitizer's own start needs files that may grow.
      let isThread = ProcessInfo.processInfo.environment["KUBO_SANITIZER"] == "thread"
      return isThread ? all.filter { !$0.run.contains("ulimit -f") } : all
    } catch {
      fatalError("\(folder): \(error)")
    }
  }()

  private static func read(_ name: String) throws -> [Refusal] {
    let table = try YAMLDecoder().decode(
      Table.self, from: String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8))
    return try table.members.map { member in
      var files = [
        "m.yaml": try base("model.yaml"), "o.yaml": try base("orbitals.yaml"),
        "d/d.yaml": try base("diagram.yaml"), "t.yaml": try base("texture.yaml"),
      ]
      if let file = table.file {
        if let change = member.change {
          // The change must hit one place, or the case does not test what it says.
          precondition(
            change.count == 2 && files[file]!.ranges(of: change[0]).count == 1,
            "\(name): \(member.name): the change does not fit")
          files[file] = files[file]!.replacing(change[0], with: change[1])
        }
        if let content = member.content { files[file] = content }
      }
      return Refusal(
        kind: String(name.dropLast(5)), name: member.name,
        arguments: member.arguments ?? table.arguments ?? [],
        setup: member.setup ?? table.setup ?? "", run: member.run ?? table.run ?? "",
        files: files, status: member.status ?? table.status ?? 0,
        message: member.message ?? table.message ?? "",
        mayPrint: member.mayPrint ?? table.mayPrint ?? false)
    }
  }
}

/// Every wrong input is refused with its message and status, quickly, and leaves the folder as it
/// was.
@Suite struct RefusalTests {
  /// Sanitizers slow the program down and need address space of their own.
  static let isSanitized = ProcessInfo.processInfo.environment["KUBO_SANITIZER"] != nil

  /// What the scripts may use: a user without rights, and a limit of memory (in KiB).
  static let functions = """
    nobody() {
      if [ "$(id -u)" = 0 ]; then
        exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
      else
        exec "$@"
      fi
    }
    memory() { [ -n "$KUBO_SANITIZER" ] || ulimit -v "$1"; }
    installed() {
      cp -r "$KUBO_HOME/data" "$KUBO_HOME/diagrams" .
      chmod -R a+rX .
    }

    """

  /// Runs commands in the scratch directory, with `$kubo`, and kills them when they take too long.
  static func shell(
    _ script: String, _ arguments: [String] = [], in scratch: ScratchDirectory
  ) throws -> ProgramTests.Run {
    let outer = try ScratchDirectory()
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/timeout")
    process.arguments =
      ["-s", "KILL", isSanitized ? "200" : "30", "/bin/sh", "-c", functions + script, "sh"]
      + arguments
    process.currentDirectoryURL = URL(filePath: scratch.path)
    var environment = ProcessInfo.processInfo.environment
    environment["KUBO_HOME"] = repository
    environment["TMPDIR"] = "\(scratch.path)/tmp"
    environment["kubo"] = ProgramTests.program.path
    process.environment = environment
    let out = try outer.file("out", "")
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: out))
    // A pipe: limits of the size of files must not cut the message.
    let errors = Pipe()
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = String(
      decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return ProgramTests.Run(
      status: process.terminationStatus,
      output: String(decoding: try Data(contentsOf: URL(filePath: out)), as: UTF8.self),
      // A busy machine may need ten seconds.
      errors: text.replacing(/kubo: note: running for .*\n/, with: "")
        .replacing(scratch.path, with: "SCRATCH").replacing(repository, with: "HOME"))
  }

  /// Kind, mode and content of all that is in the directory; of what is too large to be read again and again its size
  /// and when it was written.
  static func snapshot(_ scratch: ScratchDirectory) throws -> [String: String] {
    var found: [String: String] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: scratch.path) {
      var status = stat()
      let path = "\(scratch.path)/\(name)"
      guard lstat(path, &status) == 0 else { continue }
      let isFile = status.st_mode & S_IFMT == S_IFREG
      let isLarge = status.st_size > 1 << 30
      let content =
        isFile && !isLarge ? (try? Data(contentsOf: URL(filePath: path)))?.hashValue : nil
      found[name] = "\(status.st_mode) \(content ?? 0)"
      if isLarge { found[name]! += " \(status.st_size) \(status.st_mtim)" }
    }
    return found
  }

  @Test(arguments: Refusal.all.filter { $0.kind != "permission" })
  func isRefused(_ refusal: Refusal) throws { try check(refusal) }

  /// Root may read and write everywhere: another user runs the program, who must be able to.
  @Test(
    .enabled(if: succeeds("nobody \"$kubo\" --version"), "no other user can run the program here"),
    arguments: Refusal.all.filter { $0.kind == "permission" })
  func isNotPermitted(_ refusal: Refusal) throws { try check(refusal) }

  /// A file system of one page, where the table needs two.
  @Test(
    .enabled(if: succeeds("unshare -m mount -t tmpfs none tmp"), "no file system may be mounted"))
  func aDiskThatIsFull() throws {
    let scratch = try ScratchDirectory()
    for folder in ["tmp", "disk"] { _ = try scratch.directory(folder) }
    for old in ["", "echo mine >disk/a.csv;"] {
      let run = try RefusalTests.shell(
        """
        unshare -m sh -c 'mount -t tmpfs -o size=8k none disk; \(old) "$kubo" "$@"; status=$?
          ls -A disk; cat disk/*; exit $status' sh "$@"
        """,
        [
          "spectrum", "chain", "--lifetime", "constant=0.3", "--tolerance", "1e-2", "--omega",
          "0:1:20", "--output", "disk/a.csv", "--force",
        ], in: scratch)
      #expect(run.status == 74)
      #expect(run.errors.contains("kubo: cannot write 'disk/a.csv': no space left on device\n"))
      #expect(run.output == (old.isEmpty ? "" : "a.csv\nmine\n"))
    }
  }

  static func succeeds(_ script: String) -> Bool {
    guard let scratch = try? ScratchDirectory(), (try? scratch.directory("tmp")) != nil else {
      return false
    }
    return (try? shell(script, in: scratch))?.status == 0
  }

  private func check(_ refusal: Refusal) throws {
    let scratch = try ScratchDirectory()
    for folder in ["d", "tmp"] { _ = try scratch.directory(folder) }
    for (name, text) in refusal.files { _ = try scratch.file(name, text) }
    if !refusal.setup.isEmpty {
      let setup = try RefusalTests.shell("set -e\n" + refusal.setup, in: scratch)
      try #require(setup.status == 0, "\(setup.errors)")
    }
    let before = try RefusalTests.snapshot(scratch)
    let run = try RefusalTests.shell(
      refusal.run.isEmpty ? "exec \"$kubo\" \"$@\"" : refusal.run, refusal.arguments, in: scratch)
    #expect(run.status == refusal.status)
    #expect(RefusalTests.message(run.errors) == refusal.message)
    if !refusal.mayPrint { #expect(run.output == "") }
    #expect(try RefusalTests.snapshot(scratch) == before, "nothing made, changed or removed")
  }

  /// The message without its prefixes, and without the help that follows wrong usage.
  static func message(_ errors: String) -> String {
    let lines = errors.split(separator: "\n", omittingEmptySubsequences: false)
    if lines[0].hasPrefix("kubo: "), lines.contains(where: { $0.hasPrefix("Usage: kubo") }) {
      return String(lines[0].dropFirst(6))
    }
    return errors.split(separator: "\n")
      .map { $0.hasPrefix("kubo: ") ? String($0.dropFirst(6)) : "without prefix: \($0)" }
      .joined(separator: "\n")
  }

  @Test func thereAreEnough() {
    let classes = Dictionary(grouping: Refusal.all, by: \.kind)
    #expect(classes.count >= 12)
    for (kind, members) in classes {
      #expect(members.count >= 10, "\(kind)")
      #expect(Set(members.map(\.name)).count == members.count, "\(kind)")
    }
  }

  /// The files that the members change are right themselves.
  @Test func theFilesAreRight() throws {
    let scratch = try ScratchDirectory()
    for folder in ["d", "tmp"] { _ = try scratch.directory(folder) }
    _ = try scratch.file("m.yaml", Refusal.base("model.yaml"))
    _ = try scratch.file("d/d.yaml", Refusal.base("diagram.yaml"))
    let run = try RefusalTests.shell(
      "exec \"$kubo\" coefficients m.yaml --tolerance 1e-3 && exec \"$kubo\" diagrams --diagrams d",
      in: scratch)
    #expect(run.status == 0, "\(run.errors)")
  }
}
