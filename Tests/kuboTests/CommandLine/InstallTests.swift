// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import Testing

/// `./install` puts a program there that works from anywhere, all of it or nothing.
@Suite struct InstallTests {
  private let scratch: ScratchDirectory
  /// With a space, as folders may have.
  private let prefix: String

  init() throws {
    scratch = try ScratchDirectory()
    prefix = scratch.path + "/my programs"
  }

  private func install(
    _ arguments: [String], _ environment: [String: String?] = [:]
  ) throws -> ProgramTests.Run {
    try ProgramTests.run(
      URL(filePath: "\(repository)/install"), arguments, in: scratch.path, environment: environment)
  }

  private var usual: [String] { ["--prefix", prefix, "--binary", ProgramTests.program.path] }

  /// All files below a folder, with what they hold.
  private func content(_ folder: String) throws -> [String: Data] {
    let files = FileManager.default
    var result: [String: Data] = [:]
    for name in try files.subpathsOfDirectory(atPath: folder) {
      var isFolder: ObjCBool = false
      _ = files.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder)
      result[name] = isFolder.boolValue ? Data() : files.contents(atPath: "\(folder)/\(name)")
    }
    return result
  }

  /// The installed program finds its data from any folder, by a link too; twice is the same as once, and
  /// nothing stays after `--uninstall` but what was there before.
  @Test func installed() throws {
    let first = try install(usual)
    #expect(first.status == 0, "\(first.errors)")
    let content = try content(prefix)
    for name in [
      "bin/kubo", "share/kubo/data/models/square.yaml", "share/kubo/diagrams/nonadiabatic.a.yaml",
      "share/man/man1/kubo.1", "share/man/man1/kubo-spectrum.1", "share/zsh/site-functions/_kubo",
      "share/bash-completion/completions/kubo", "share/fish/vendor_completions.d/kubo.fish",
    ] {
      #expect(content[name]?.isEmpty == false, "\(name)")
    }
    let link = scratch.path + "/link"
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: prefix + "/bin/kubo")
    for program in [prefix + "/bin/kubo", link] {
      let run = try ProgramTests.run(
        URL(filePath: program), ProgramTests.quick + ["--omega", "0.5", "--responses", "Y_na"],
        in: "/", environment: ["KUBO_HOME": nil])
      #expect(run.status == 0, "\(run.errors)")
      // The models are those that were installed.
      let models = URL(filePath: prefix).resolvingSymlinksInPath().path + "/share/kubo/data/models"
      #expect(run.output.contains("# model_file: \(models)/chain.yaml\n"), "\(run.output)")
    }
    // Names that an earlier version had go away.
    let list = prefix + "/share/kubo/installed"
    let old = "share/man/man1/kubo-old.1"
    _ = try scratch.file("my programs/\(old)", "old")
    _ = try scratch.file("my programs/mine", "mine")
    try (try String(contentsOfFile: list, encoding: .utf8) + old + "\n")
      .write(toFile: list, atomically: true, encoding: .utf8)
    let second = try install(usual)
    #expect(second.status == 0, "\(second.errors)")
    #expect(try self.content(prefix) == content.merging(["mine": Data("mine".utf8)]) { $1 })
    let removed = try install(["--prefix", prefix, "--uninstall"])
    #expect(removed.status == 0, "\(removed.errors)")
    #expect(try self.content(prefix) == ["mine": Data("mine".utf8)])
  }

  /// DESTDIR goes before the prefix, and the program does not mind when that goes away again.
  @Test func destination() throws {
    let run = try install(usual, ["DESTDIR": scratch.path + "/stage"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(!FileManager.default.fileExists(atPath: prefix))
    try FileManager.default.moveItem(atPath: scratch.path + "/stage" + prefix, toPath: prefix)
    let models = try ProgramTests.run(
      URL(filePath: prefix + "/bin/kubo"), ["models"], in: "/", environment: ["KUBO_HOME": nil])
    #expect(models.status == 0, "\(models.errors)")
  }

  /// What fails on the way leaves everything as it was: a folder where a file should go, in a place
  /// that is new and in one that holds an installation.
  @Test(arguments: [false, true]) func failure(_ isInstalled: Bool) throws {
    if isInstalled {
      #expect(try install(usual).status == 0)
      try FileManager.default.removeItem(atPath: prefix + "/bin/kubo")
      try "older\n".write(
        toFile: prefix + "/share/man/man1/kubo.1", atomically: true, encoding: .utf8)
    }
    // The program is what is placed last.
    _ = try scratch.directory("my programs/bin/kubo/in the way")
    let before = try content(prefix)
    let run = try install(usual)
    #expect(run.status == 73)
    #expect(run.errors.contains("is a folder; expected a file or none"))
    #expect(run.errors.contains("nothing was changed"))
    #expect(try content(prefix) == before)
  }

  /// SIGTERM on the way: nothing stays, not even the folder that was made.
  @Test func interruption() throws {
    let slow = try scratch.file(
      "slow",
      """
      #!/bin/sh
      if [ "$1" = help ] && [ ! -e '\(scratch.path)/there' ]; then touch '\(scratch.path)/there'; sleep 1; fi
      KUBO_HOME='\(repository)' exec '\(ProgramTests.program.path)' "$@"

      """)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: slow)
    let run = try ProgramTests.run(
      // Whoever runs the tests may ignore signals, and children inherit that.
      URL(filePath: "/usr/bin/env"),
      [
        "--default-signal=INT,TERM,HUP", "bash", "-c",
        """
        "$1" --prefix "$2" --binary "$3" &
        while [ ! -e there ]; do sleep 0.05; done
        kill -TERM $!
        wait $!
        """, "bash", "\(repository)/install", prefix, slow,
      ], in: scratch.path)
    #expect(run.status == 143, "\(run.errors)")
    #expect(run.errors.contains("nothing was changed"))
    #expect(!FileManager.default.fileExists(atPath: prefix))
  }

  /// Refusals: what is said, and the exit status.
  @Test(arguments: [
    (["--prefix"], 64, "expected a path"), (["--colour"], 64, "found '--colour'"),
    (["--prefix", "p", "--uninstall"], 66, "found no kubo under"),
    (["--prefix", "p", "--binary", "none"], 66, "found no program 'none'"),
    (["--prefix", "p", "--binary", "/bin/false"], 70, "does not run"),
  ]) func refusals(_ arguments: [String], _ status: Int32, _ message: String) throws {
    let run = try install(arguments)
    #expect(run.status == status && run.errors.contains(message), "\(run.status) \(run.errors)")
    #expect(try scratch.names() == [])
  }

  /// A list that leads out of the prefix removes nothing.
  @Test func strangeList() throws {
    let mine = try scratch.file("mine", "mine")
    _ = try scratch.directory("my programs/share/kubo")
    _ = try scratch.file("my programs/share/kubo/installed", "bin/../../mine\n")
    let run = try install(["--prefix", prefix, "--uninstall"])
    #expect(run.status == 65)
    #expect(FileManager.default.fileExists(atPath: mine))
  }

  /// Without permission: status 77, and a message that names the folder.
  @Test(
    .enabled(
      if: RefusalTests.succeeds("nobody \"$kubo\" --version"),
      "no other user can run the program here")
  ) func permission() throws {
    let run = try RefusalTests.shell(
      """
      mkdir closed && chmod 555 closed && chmod 755 .
      nobody "$KUBO_HOME/install" --prefix "$PWD/closed" --binary "$kubo"
      """, in: scratch)
    #expect(run.status == 77, "\(run.errors)")
    #expect(run.errors.contains("no permission to write to SCRATCH/closed"), "\(run.errors)")
  }

  /// The completions complete: a subcommand, a model, an option.
  @Test func bashCompletion() throws {
    let script = try ProgramTests.run(["--generate-completion-script", "bash"])
    let file = try scratch.file("kubo.bash", script.output)
    let run = try ProgramTests.run(
      URL(filePath: "/usr/bin/env"),
      [
        "bash", "-c",
        """
        PATH="$(dirname "$2"):$PATH"; . "$1"
        complete_() {
          COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
          COMPREPLY=(); _kubo kubo "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
          echo "${COMPREPLY[@]}"
        }
        complete_ kubo spec
        complete_ kubo spectrum hon
        complete_ kubo spectrum honeycomb --respon
        """, "bash", file, ProgramTests.program.path,
      ], environment: ["KUBO_HOME": repository])
    let lines = run.output.split(separator: "\n").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    #expect(lines == ["spectrum", "honeycomb", "--responses"], "\(run.output) \(run.errors)")
  }

  /// The scripts for the other shells have no faults of syntax, where the shells are there.
  @Test(arguments: [("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])])
  func otherCompletions(_ shell: String, _ check: [String]) throws {
    let script = try ProgramTests.run(["--generate-completion-script", shell])
    #expect(script.status == 0 && script.output.contains("selfenergy"))
    let file = try scratch.file("completion", script.output)
    let run = try ProgramTests.run(URL(filePath: "/usr/bin/env"), check + [file])
    #expect(run.status == 0 || run.status == 127, "\(run.errors)")
  }
}
