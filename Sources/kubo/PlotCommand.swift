// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboFiles
import KuboNetCDF
import Logging

/// `kubo plot`.
struct PlotCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draw a table that kubo wrote, or a map of several.",
    discussion: """
      Each quantity and unit has a panel. Real and imaginary part have two colours, and the imaginary part has \
      open marks; dressings and formulas differ by dashes and filled marks. Bands show the error bounds, gaps the \
      empty cells, a dotted line omega = 2 J, and a triangle a curve that leaves its panel. Panels have letters. Columns in SI units \
      and auxiliary columns (static, product) are drawn if --columns names them. A table of bands gives the \
      picture of 'kubo bands', from the model that its header names.

      Several tables are drawn in one picture, each in its colour and named by what differs in the headers. --by \
      draws a sweep of one number in the same way.

      --map draws one column of several tables as a map. The tables must differ in one number of their headers \
      (mu, temperature, lifetime, a parameter of the model); the colours show the column against the tables' axis \
      and that number.

      EXAMPLE
        kubo spectrum chain --omega 0:2:41 --responses sigma,Y --output chain.csv
        kubo plot chain.csv --output chain.svg

        The second command prints

          drawn: chain.svg

        The panels show that the Drude peak of sigma falls off within 2 Gamma =
        0.1, and that Y.closed_printed departs from Y.bare where omega tau is no
        longer small. 'kubo plot chain.csv --style paper --width 86mm' makes it
        ready for a paper; 'kubo plot mu*.csv --map Y.bare.im' draws a map of
        several tables.
      """)

  @Argument(
    help: ArgumentHelp(
      "A table (CSV or netCDF) of spectrum, compare, coefficients, selfenergy, matsubara, torque, texture or bands.",
      valueName: "table"))
  var tables: [String]
  @Option(
    help: ArgumentHelp(
      "The picture to draw, by its ending: .svg, .png or .pdf. Default: the table's name with .svg.",
      valueName: "file"))
  var output: String?
  @Option(
    help: ArgumentHelp(
      "The columns to draw, or quantities with all their columns, separated by commas.",
      valueName: "names"))
  var columns: String?
  @Option(
    help: ArgumentHelp(
      "Draw a map of this column, of several tables or of a sweep.", valueName: "column"))
  var map: String?
  @Option(
    help: ArgumentHelp(
      "Draw a curve for each value of this number of a sweep, such as J, mu or lifetime.constant.",
      valueName: "number"))
  var by: String?
  @Flag(
    help:
      "Colour a map by the logarithm; if it has both signs, linearly up to a thousandth of the largest magnitude."
  )
  var logColor = false
  @Flag(help: "Draw lines in a map at the numbers of the colour bar.")
  var contours = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The range of the colours of a map.", valueName: "low:high"),
    transform: PictureArguments.range)
  var range: ClosedRange<Double>?
  @OptionGroup(title: "Look") var look: PictureArguments
  @Flag(help: "Replace an existing output file.")
  var force = false
  @Flag(help: "Print errors only.")
  var quiet = false

  func validate() throws {
    for (option, isGiven) in [("--columns", columns != nil), ("--by", by != nil)]
    where isGiven && map != nil {
      throw ValidationError("\(option): found with --map; expected one of them")
    }
    for (option, isGiven) in [
      ("--log-color", logColor), ("--contours", contours), ("--range", range != nil),
    ] where isGiven && map == nil {
      throw ValidationError(
        "\(option): found without --map; expected a map\(range == nil ? "" : ", or --yrange")")
    }
    guard by == nil || tables.count == 1 else {
      throw ValidationError(
        "--by: found with \(tables.count) tables; expected the table of a sweep")
    }
    guard tables.count <= 1000 else {
      throw ValidationError("table: found \(tables.count); expected at most 1000")
    }
  }

  func run() async throws {
    try await reporting(quiet ? .quiet : .normal) { log in
      let output = output ?? pictureName(tables[0])
      guard !tables.contains(where: { isSameFile(output, $0) }) else {
        throw ValidationError(
          "--output: found '\(shown(output))', the table; expected another path")
      }
      try Picture.checkWritable(path: output, overwrite: force)
      let read = try tables.map { (path: $0, table: try TableFile.read(path: $0)) }
      let picture: Picture
      if let map {
        picture = try Picture(
          map: map, of: read,
          scale: ColorScale(isLogarithmic: logColor, hasContours: contours, range: range),
          look: look.look)
      } else if columns == nil, read.count == 1, by == nil, read[0].table.isBandTable {
        try look.checkBands()
        picture = Picture(
          bands: read[0].table, states: try await states(read[0].path, read[0].table, log),
          look: look.look)
      } else {
        let names = columns?.split(separator: ",", omittingEmptySubsequences: false)
        picture = try Picture(
          tables: by.map { try read[0].table.curves(by: $0, path: read[0].path) } ?? read,
          columns: names?.map(String.init), look: look.look)
      }
      try await picture.write(to: output, overwrite: force)
      for note in picture.notes { log.notice("note: \(note)") }
      if !quiet { try standardOutput("drawn: \(shown(output))\n") }
    }
  }

  /// What belongs beside the path of a table of bands, computed from its command as `rerun` does; nil where that
  /// cannot be.
  private func states(_ path: String, _ table: CSVFile, _ log: Logger) async throws -> BandStates? {
    do {
      let run = try RecordedRun(path: path, table: table)
      guard let command = try RerunCommand.command(of: run) as? BandsCommand else {
        throw run.refusal(found: run.command.first ?? "nothing", expected: "bands")
      }
      if run.model == nil { try run.check(Installation.readModel(command.arguments.model)) }
      return try await Installation.$recorded.withValue(run) { try await command.states(log) }
    } catch let error as FileError {
      log.notice("note: the picture has the bands alone, without the density of states: \(error)")
      return nil
    }
  }
}

/// The name of a file with the ending .svg.
private func pictureName(_ path: String) -> String {
  let ending = [".csv", ".nc"].first { path.hasSuffix($0) } ?? ""
  return String(path.dropLast(ending.count)) + ".svg"
}
