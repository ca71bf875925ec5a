// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

/// Both sides of 2 J K_Sigma = i omega K_s at each frequency, of bare loops and with the ladder.
func continuity(_ spectrum: Spectrum, exchange j: Double) -> [String] {
  spectrum.omegas.indices.flatMap { n in
    ["bare", "ladder"].enumerated().map { c, name in
      let (staggered, spin) = (spectrum.columns[c], spectrum.columns[c + 2])
      guard let torque = staggered.values[n]?.dynamic, let dynamic = spin.values[n]?.dynamic,
        let fixed = spin.staticPart
      else { return "\(name): \(spectrum.failureLines)" }
      let (omega, k) = (spectrum.omegas[n], dynamic + fixed)
      return "omega = \(omega), \(name): \(2 * j * torque.real) + i \(2 * j * torque.imaginary)"
        + " against \(-omega * k.imaginary) + i \(omega * k.real)"
    }
  }
}
