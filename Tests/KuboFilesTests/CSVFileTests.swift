// SPDX-License-Identifier: GPL-3.0-or-later
import KuboTestSupport
import Foundation
import KuboFiles
import Testing

/// The text of a table, and that its file appears whole or not at all.
@Suite struct CSVFiles {
  let table = CSVFile(
    header: [("program", "kubo"), ("note", "two\nlines\u{1b}[0m")],
    columns: ["omega", "Y.bare.re", "a \"b\", c"],
    rows: [[0.1, nil, -0.0], [1e-300, .leastNonzeroMagnitude, .greatestFiniteMagnitude]])
  let text = """
    # program: kubo
    # note: two\\nlines\\u{1b}[0m
    omega,Y.bare.re,"a ""b"", c"
    0.1,,-0.0
    1e-300,5e-324,1.7976931348623157e+308

    """

  @Test func textOfATable() {
    #expect(table.text == text)
  }

  @Test func numbersAreReadBackExactly() throws {
    var generator = SystemRandomNumberGenerator()
    // Random bits reach every exponent; the seed does not matter to an exact statement.
    let numbers = (0..<2000).map { _ in Double(bitPattern: generator.next()) }
      .filter(\.isFinite)
    let lines = CSVFile(columns: ["x"], rows: numbers.map { [$0] }).text.split(separator: "\n")
    #expect(lines.dropFirst().map { Double($0)?.bitPattern } == numbers.map(\.bitPattern))
  }

  @Test func writesANewFile() throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/new.csv"
    try CSVFile.checkWritable(path: path, overwrite: false)
    #expect(try scratch.names() == [], "checking leaves nothing behind")
    try table.write(to: path, overwrite: false)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    #expect(try scratch.names() == ["new.csv"])
    let mask = umask(0)
    umask(mask)
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o666 & ~Int(mask))
  }

  @Test func doesNotOverwriteUnlessTold() throws {
    let scratch = try ScratchDirectory()
    let path = try scratch.file("old.csv", "old")
    let exists = OutputError.exists(path: path)
    #expect(throws: exists) { try CSVFile.checkWritable(path: path, overwrite: false) }
    #expect(throws: exists) { try table.write(to: path, overwrite: false) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
    try table.write(to: path, overwrite: true)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    #expect(try scratch.names() == ["old.csv"])
  }

  /// Many rounds, since two writers must meet between the check and the renaming.
  @Test(arguments: 0..<40)
  func onlyOneOfManyWritersMakesTheFile(_ round: Int) async throws {
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/new.csv"
    let results = await withTaskGroup(of: String?.self) { group in
      for n in 0..<8 {
        group.addTask {
          let table = CSVFile(columns: ["writer \(n)"], rows: Array(repeating: [1], count: 2000))
          do throws(OutputError) {
            try table.write(to: path, overwrite: false)
            return table.text
          } catch {
            return error == .exists(path: path) ? nil : "\(error)"
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    let written = results.compactMap(\.self)
    #expect(written.count == 1)
    #expect(written.first == (try String(contentsOfFile: path, encoding: .utf8)))
    #expect(try scratch.names() == ["new.csv"])
  }

  @Test func aSymbolicLinkStaysOne() throws {
    let scratch = try ScratchDirectory()
    let path = try scratch.file("target.csv", "old")
    let link = "\(scratch.path)/link.csv"
    #expect(symlink("target.csv", link) == 0)
    #expect(throws: OutputError.exists(path: link)) { try table.write(to: link, overwrite: false) }
    try table.write(to: link, overwrite: true)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "target.csv")
    // A link to nothing is not followed to make a file elsewhere.
    let dangling = "\(scratch.path)/dangling.csv"
    #expect(symlink("none.csv", dangling) == 0)
    for overwrite in [false, true] {
      #expect(throws: OutputError.self) { try table.write(to: dangling, overwrite: overwrite) }
    }
    #expect(try scratch.names() == ["dangling.csv", "link.csv", "target.csv"])
  }

  @Test(arguments: [
    ("none/new.csv", "no such file or folder"), ("file/new.csv", "not a folder"),
    ("", "it is a folder"), ("new/", "this is not the name of a file"),
    (String(repeating: "x", count: 300), "file name too long"),
  ])
  func pathsThatCannotBe(_ name: String, _ reason: String) throws {
    let scratch = try ScratchDirectory()
    _ = try scratch.file("file", "")
    let path = name.isEmpty ? scratch.path : "\(scratch.path)/\(name)"
    let error = OutputError.cannotCreate(path: path, reason: reason)
    for overwrite in [false, true] {
      #expect(throws: error) { try CSVFile.checkWritable(path: path, overwrite: overwrite) }
      #expect(throws: error) { try table.write(to: path, overwrite: overwrite) }
    }
    #expect(try scratch.names() == ["file"])
  }

  @Test func aDeviceIsNotReplaced() throws {
    // Renaming over /dev/null would destroy it for the whole machine, were it allowed.
    let scratch = try ScratchDirectory()
    let pipe = "\(scratch.path)/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(
      throws: OutputError.cannotCreate(path: pipe, reason: "it is a device, pipe or socket")
    ) { try table.write(to: pipe, overwrite: true) }
    #expect(try scratch.names() == ["pipe"])
  }

  @Test(.enabled(if: access("/proc/self", X_OK) == 0))
  func aDirectoryThatCannotHoldFiles() throws {
    // /proc refuses new files even from root.
    for overwrite in [false, true] {
      #expect(throws: OutputError.self) {
        try table.write(to: "/proc/self/new.csv", overwrite: overwrite)
      }
    }
  }

  @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
  func aDirectoryThatMayNotBeWritten() throws {
    let scratch = try ScratchDirectory()
    let path = try scratch.directory("closed") + "/new.csv"
    #expect(chmod("\(scratch.path)/closed", 0o500) == 0)
    #expect(throws: OutputError.permission(path: path)) {
      try table.write(to: path, overwrite: false)
    }
  }
}
