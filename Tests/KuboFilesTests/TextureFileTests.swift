// SPDX-License-Identifier: GPL-3.0-or-later
import ComplexModule
import Foundation
import KuboFiles
import KuboTestSupport
import KuboTextures
import Testing

/// Texture files, and files of states.
@Suite struct TextureFileTests {
  private func file(_ change: (String, String) = ("", "")) throws -> TextureFile {
    let text = """
      name: t
      description: A wall.
      line: {length: 200, nodes: 360}
      material: {spin: 1, exchange: {J: 19, neighbours: [0.4, -0.4, 0, 0]}, anisotropy: 0.05}
      damping: {alpha: 0.005, alpha_c: 0.001}
      start: {wall: {position: 2, charge: -1, angle: 0.3}}
      current: {direct: 1e11, harmonics: [{omega: 3, density: 2e11, phase: 1}]}
      torque: {cell_volume: 0.04, at: [{omega: 0, v_n: 1, v_m: 2, v_na: 3}, {omega: 3, v_n: [1, 2], v_m: 0, v_na: [0, -4]}]}
      time: {end: 10, step: 0.5, snapshot: 2}
      """
    let changed = change.0.isEmpty ? text : text.replacing(change.0, with: change.1)
    return try TextureFile.read(Array(changed.utf8), path: "t.yaml")
  }

  @Test func values() async throws {
    let file = try file()
    #expect(file.material.homogeneous == 2 * 4 * 19 + 0.05)
    #expect(abs(file.material.stiffness - 0.5 * 19 * 2 * 0.16) < 1e-12)
    #expect(abs(file.material.dampingN - 0.004) < 1e-15)
    #expect(abs(file.material.dampingM - 0.006) < 1e-15)
    #expect(file.line == TextureLine(nodes: 360, spacing: 200.0 / 360))
    guard case .configuration(let start) = file.start else { throw CancellationError() }
    #expect(
      start == .wall(position: 2, charge: -1, angle: 0.3, velocity: nil, rotation: 0))
    #expect(file.times(from: 0).count == 21)
    #expect(file.times(from: 8.2) == [8.5, 9, 9.5, 10])
    #expect(file.times(from: 0).filter(file.hasSnapshot) == [0, 2, 4, 6, 8, 10])
    let drive = try await file.torque!.drive(
      file.current, spin: 1, table: { _ in throw CancellationError() },
      engine: { _, _ in throw CancellationError() })
    // v_0 = v_c j/(4 q N), in nm/ps.
    let v0 = 0.04e-27 * 1e11 / (4 * -1.602176634e-19) * 1e-3
    #expect(abs(drive.terms[0].na.real - 3 * v0) < 1e-15)
    let expected = Complex(0, -4) * Complex(2 * v0) * Complex(length: 1, phase: 1)
    #expect((drive.terms[1].na - expected).length < 1e-15)
  }

  /// A pulse, a chirp among them, is what the file says at all times.
  @Test func pulse() throws {
    let file = try file(
      (
        "{direct: 1e11, harmonics: [{omega: 3, density: 2e11, phase: 1}]}",
        "{pulse: {density: 1e11, centre: 4, width: 0.8, omega: 5, chirp: 0.4}}"
      ))
    let drive = TextureDrive(
      file.current, velocity: 1,
      ratios: file.current.harmonics.map { _ in TorqueRatios(n: 1, m: .zero, na: .zero) })
    for t in [0.0, 1, 3.7, 4, 5.2, 10] {
      let u = t - 4
      let exact = 1e11 * exp(-u * u / 1.28) * cos(5 * u + 0.4 * u * u)
      #expect(abs(drive.velocities(at: t).n - exact) < 1e-10 * 1e11)
    }
  }

  /// A state that is read is the state that was written, to the bit.
  @Test func states() async throws {
    let file = try file()
    let request = TextureRequest(
      material: file.material, line: file.line, drive: TextureDrive(), times: [0.7, 1])
    let end = try await request.trajectory(
      from: request.begin(
        .wall(position: 2, charge: 1, angle: 0.3, velocity: 1, rotation: 0.5))
    ).end
    let provenance = TextureProvenance(
      program: "kubo 0", date: "now", command: "texture t", file: file, inputs: [], wallTime: 1)
    let scratch = try ScratchDirectory()
    let path = "\(scratch.path)/state.csv"
    let table = CSVFile(end, request: request, provenance: provenance)
    try table.write(to: path, overwrite: false)
    #expect(try TextureCheckpoint.read(path: path, for: file.line).checkpoint == end)
    // Of another line, and with n that is no direction.
    #expect(throws: FileError.self) {
      try TextureCheckpoint.read(path: path, for: file.line.coarser)
    }
    var wrong = table
    wrong.rows[10][wrong.columns.firstIndex(of: "n_z")!] = 0.5
    try wrong.write(to: path, overwrite: true)
    let error = #expect(throws: FileError.self) {
      try TextureCheckpoint.read(path: path, for: file.line)
    }
    #expect(error?.key == "state.main" && error?.found.contains("row 11") == true)
  }
}
