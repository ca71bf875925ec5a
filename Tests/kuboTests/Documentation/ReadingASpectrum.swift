// SPDX-License-Identifier: GPL-3.0-or-later
import KuboDiagrams

func table(_ spectrum: Spectrum) -> [String] {
  zip(spectrum.omegas, spectrum.columns[0].values).map { omega, value in
    guard let value else { return "\(omega): \(spectrum.failureLines)" }
    return "\(omega): \(value.dynamic.real) + i \(value.dynamic.imaginary), error \(value.error)"
  }
}
