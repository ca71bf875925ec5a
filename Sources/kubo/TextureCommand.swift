// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboFiles
import KuboTextures
import KuboVerification
import Logging

/// `kubo texture`.
struct TextureCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "texture",
    abstract: "The motion of an antiferromagnetic texture under computed torques.",
    discussion: """
      A texture file (data/textures, docs/texture.md) declares the line, the material, the initial texture, the \
      current, and where the torques come from: numbers, a table of 'kubo torque', or a model, whose torques the \
      engine computes at the current's frequencies. The table has position, width, angle, energy, canting and \
      momentum against time, each with a bound on its error; beside them it has the rigid wall (X.closed) and the \
      residuals of the balances of energy and momentum.

      EXAMPLE
        kubo texture direct-bare --output bare.csv
        kubo texture direct-ladder --output ladder.csv

          41 times to 20.0 ps, 360 nodes, ...
          ...
          X.closed                  -0.00613 ...

        Under the same direct current the wall moves by -3.7 nm with torques of
        bare loops, and stays with torques that include the ladder.

        'kubo plot bare.csv --columns X' draws the position beside that of the
        rigid wall; 'kubo plot states/*.csv --map n_z' draws the states of
        '--states states'.
      """)

  @Argument(
    help: "A shipped texture, or the path of a texture file.",
    completion: .file(extensions: ["yaml"]))
  var texture: String
  @Option(
    help: ArgumentHelp("The file to write; - is standard output.", valueName: "file"),
    completion: .file())
  var output: String?
  @Option(
    help: ArgumentHelp(
      "A folder for the states n(x), mu(x) at the snapshots' times; a run can continue from each of them.",
      valueName: "dir"), completion: .directory)
  var states: String?
  @Option(
    help: ArgumentHelp(
      "Continue from a state that --states wrote, in place of the file's start. The result has the same bits as without the interruption.",
      valueName: "file"), completion: .file())
  var resume: String?
  @Option(
    parsing: .unconditional, help: "The error of n in a time step. Default: 1e-8.",
    transform: kubo.tolerance)
  var tolerance = 1e-8
  @Flag(
    help:
      "Check the balances of the trajectory and the rigid wall, and print the result in place of the table; exit status 1 if one fails."
  )
  var verify = false
  @Flag(help: "Replace existing output files.")
  var force = false
  @OptionGroup var work: WorkArguments

  func run() async throws {
    try await reporting(work.verbosity, advice: "; a shorter time or fewer nodes take less") {
      log in
      try checkOutput()
      let result = try await result(log, keepsStates: true)
      if verify {
        let verification = result.trajectory.verification(result.request)
        try write(verification.summary(result.file))
        return try tellFailures(verification, log)
      }
      if output != nil { try write(result.table.text) }
      if output != "-", !work.quiet {
        try standardOutput(
          result.trajectory.summary(result.request)
            + (output.map { "written: \(shown($0))\n" } ?? ""))
      }
    }
  }

  private func checkOutput() throws {
    if let output, output != "-" {
      let path = Installation.texturePath(texture)
      guard !isSameFile(output, path) else {
        throw ValidationError(
          "--output: found '\(shown(output))', the texture file; expected another path")
      }
      try CSVFile.checkWritable(path: output, overwrite: force)
    }
  }

  private func write(_ text: String) throws {
    guard let output, output != "-" else { return try standardOutput(text) }
    try TextFile(text).write(to: output, overwrite: force)
  }

  /// What a run has computed.
  struct Result {
    let file: TextureFile
    let request: TextureRequest
    let trajectory: TextureTrajectory
    let table: CSVFile
  }

  /// Runs the texture; writes states if asked to.
  func result(_ log: Logger, keepsStates: Bool) async throws -> Result {
    let start = Date()
    let file = try Installation.readTexture(texture)
    var inputs = TextureInputs(file)
    var request = TextureRequest(
      material: file.material, line: file.line,
      drive: try await inputs.drive(threads: work.threadCount), times: [], tolerance: tolerance,
      threads: work.threadCount)
    let checkpoint: TextureCheckpoint
    switch (resume, file.start) {
    case (let path?, _): checkpoint = try inputs.checkpoint(path)
    case (nil, .state(let path)): checkpoint = try inputs.checkpoint(inputs.besideFile(path))
    case (nil, .configuration(let start)):
      try request.check()
      checkpoint = try request.begin(start)
    }
    let time = checkpoint.states[0].time
    let isResumed = resume != nil || time > 0
    request.times = file.times(from: time).filter { !isResumed || $0 > time }
    guard !request.times.isEmpty else {
      throw ValidationError(
        "\(shown(resume ?? texture)): found a state at \(time) ps; expected one before the end, \(file.schedule.end) ps"
      )
    }
    var provenance = TextureProvenance(
      program: "kubo \(Kubo.version)", date: (try sourceDate() ?? start).formatted(.iso8601),
      command: ShellWords.joined(CommandLine.arguments.dropFirst()), file: file,
      inputs: inputs.read, wallTime: nil)
    let (asked, origin) = (request, provenance)
    let trajectory = try await request.trajectory(from: checkpoint) { row, state in
      guard keepsStates, let states, file.hasSnapshot(at: row.time) else { return }
      do {
        try FileManager.default.createDirectory(
          atPath: states, withIntermediateDirectories: true)
      } catch {
        throw OutputError.cannotCreate(path: states, reason: "not a folder that can be made")
      }
      let count = Int((row.time / file.schedule.snapshot).rounded())
      let digits = String(count)
      let name = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
      try CSVFile(state(), request: asked, provenance: origin)
        .write(to: "\(states)/\(name).csv", overwrite: force)
    }
    provenance.wallTime = try sourceDate() == nil ? Date().timeIntervalSince(start) : nil
    return Result(
      file: file, request: request, trajectory: trajectory,
      table: CSVFile(trajectory.rows, request: request, provenance: provenance))
  }
}

/// The files that a texture names.
struct TextureInputs {
  private let file: TextureFile
  /// What was read, with its digests.
  private(set) var read: [(what: String, path: String, sha256: String)] = []

  init(_ file: TextureFile) { self.file = file }

  /// A path in the texture file, which begins at the file's folder.
  func besideFile(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    let folder = file.path.lastIndex(of: "/").map { String(file.path[...$0]) } ?? ""
    return folder + path
  }

  mutating func checkpoint(_ path: String) throws -> TextureCheckpoint {
    let (checkpoint, digest) = try TextureCheckpoint.read(path: path, for: file.line)
    read.append(("state", path, digest))
    return checkpoint
  }

  /// The velocities of the file's current.
  mutating func drive(threads: Int) async throws -> TextureDrive {
    guard let torque = file.torque else { return TextureDrive() }
    let (file, spin) = (file, file.material.spin)
    var table: (table: CSVFile, sha256: String)?
    var model: ModelFile?
    switch torque.source {
    case .ratios: break
    case .table(let source):
      let path = besideFile(source.path)
      table = try CSVFile.readWithDigest(path: path)
      read.append(("torque", path, table!.sha256))
    case .model(let source):
      let isPath = source.model.hasSuffix(".yaml") || source.model.contains("/")
      model = try Installation.readModel(isPath ? besideFile(source.model) : source.model)
      read.append(("model", model!.path, model!.sha256))
    }
    return try await torque.drive(
      file.current, spin: spin, table: { _ in table!.table },
      engine: { [model] source, omegas in
        try await source.ratios(
          model!, shippedDiagrams(), omegas: omegas, spin: spin, threads: threads)
      })
  }
}
