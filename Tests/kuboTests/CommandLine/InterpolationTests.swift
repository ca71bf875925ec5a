// SPDX-License-Identifier: GPL-3.0-or-later
import KuboFiles
import KuboTestSupport
import Testing

/// Long axes on the command line.
@Suite struct InterpolationTests {
  private let long = [
    "spectrum", "honeycomb", "--lifetime", "constant=0.05", "--omega", "0:3:401", "--responses",
    "sigma", "--tolerance", "1e-3",
  ]

  /// The header counts the rows that the last column marks, and the table can be repeated.
  @Test func marksAndRerun() throws {
    let scratch = try ScratchDirectory()
    let file = "\(scratch.path)/sigma.csv"
    let run = try ProgramTests.run(long + ["--output", file, "--quiet"])
    #expect(run.status == 0, "\(run.errors)")
    let table = try CSVFile.read(path: file)
    let marks = table.rows.map { $0.last! }
    let count = marks.count { $0 == 1 }
    #expect(table.columns.last == "interpolated")
    #expect(count > 200)
    #expect(marks.allSatisfy { $0 == 0 || $0 == 1 })
    #expect(
      table[header: "column.interpolated"]?.contains("interpolated: \(count) of 401 frequencies")
        == true)
    let again = try ProgramTests.run(["rerun", file])
    #expect(again.status == 0 && again.output.contains("same to the bit"), "\(again.output)")
  }

  /// An axis that is refined has the frequencies asked for and those that the header counts, and can be repeated.
  @Test func refinedAndRerun() throws {
    let scratch = try ScratchDirectory()
    let file = "\(scratch.path)/sigma.csv"
    let run = try ProgramTests.run([
      "spectrum", "chain", "--lifetime", "constant=0.05", "--omega", "0:2:11", "--responses",
      "sigma", "--tolerance", "1e-3", "--refine", "40", "--output", file, "--quiet",
    ])
    #expect(run.status == 0, "\(run.errors)")
    let table = try CSVFile.read(path: file)
    let omegas = table.rows.map { $0[0]! }
    #expect(omegas.count > 15 && omegas.count <= 40 && omegas == omegas.sorted())
    #expect(Set((0...10).map { 2 * Double($0) / 10 }).isSubset(of: omegas))
    #expect(
      table[header: "refinement"]
        == "11 frequencies asked for, \(omegas.count - 11) more where the curves bend")
    let again = try ProgramTests.run(["rerun", file])
    #expect(again.status == 0 && again.output.contains("same to the bit"), "\(again.output)")
  }

  /// Without interpolation, and in a sweep, every frequency is computed, within the bounds of the others.
  @Test func computedInstead() throws {
    for arguments in [["--no-interpolation"], ["--mu", "-1:-0.9:2"]] {
      let run = try ProgramTests.run(long + arguments)
      #expect(run.status == 0, "\(run.errors)")
      #expect(!run.output.contains("interpolated"))
    }
  }
}
