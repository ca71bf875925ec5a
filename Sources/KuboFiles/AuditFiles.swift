// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams
import KuboVerification

extension Audit {
  private func short(_ x: Double) -> String { String(format: "%.1e", x) }

  private func number(_ x: Estimate) -> String { significant(x.value.real, digits: 6) }

  private func verdict(_ n: Number) -> String {
    guard n.isDecided else { return "undecided" }
    return (n.printedHolds ? "printed holds" : "printed fails")
      + (n.correctedHolds ? "" : ", corrected FAILS")
  }

  /// The tables for the terminal.
  public func summary(_ request: SpectrumRequest) -> String {
    var lines = [
      "\(request.model.name): T = \(request.temperature), direction \(request.directions.description)",
      "", "Formulas, largest deviation from 4x4 matrices in the lower / upper band",
    ]
    for f in formulas {
      lines.append(
        Table.line(
          [
            f.equation,
            "printed \(short(f.printedDeviation.bonding)) / \(short(f.printedDeviation.antibonding))",
            "corrected \(short(f.correctedDeviation.bonding)) / \(short(f.correctedDeviation.antibonding))",
          ], [28, 32, 32]))
      lines.append("    printed: \(f.printed)")
      lines.append("    right:   \(f.corrected)")
    }
    lines += ["", "Coefficients"]
    let widths = [22, 7, 9, 14, 14, 14, 10, 16]
    lines.append(
      Table.line(
        ["", "band", "mu", "printed", "corrected", "loops", "error", "", "loops by"], widths + [0]))
    for n in numbers {
      lines.append(
        Table.line(
          [
            n.name, n.band == .bonding ? "lower" : "upper", significant(n.mu, digits: 4),
            number(n.printed), number(n.corrected), number(n.loops), short(n.loops.error),
            verdict(n), n.route,
          ], widths + [0]))
    }
    lines.append("")
    lines.append(
      isRefuted
        ? "a corrected form DISAGREES with the matrices or the loops"
        : undecided.isEmpty
          ? "every corrected form agrees with the matrices, every coefficient with the loops by the route named"
          : "no corrected form disagrees, but \(undecided.count) of \(numbers.count) coefficients are undecided"
    )
    return lines.joined(separator: "\n") + "\n"
  }

  /// The tables as Markdown.
  public func markdown(_ request: SpectrumRequest, command: Provenance) -> String {
    var lines = ["# The paper against the loops", ""]
    for (key, value) in command.header { lines.append("- \(key): \(value)") }
    lines += [
      "- temperature: \(request.temperature), direction: \(request.directions.description)", "",
      "Largest deviation from 4x4 matrices V_k^dagger O V_k, relative to the largest value, lower / upper band.",
      "", "| equation | printed | right | printed deviates | right deviates |",
      "|---|---|---|---|---|",
    ]
    for f in formulas {
      lines.append(
        "| \(f.equation) | \(f.printed) | \(f.corrected) | \(short(f.printedDeviation.bonding)) / \(short(f.printedDeviation.antibonding)) | \(short(f.correctedDeviation.bonding)) / \(short(f.correctedDeviation.antibonding)) |"
      )
    }
    lines += [
      "", "| coefficient | band | mu | printed | corrected | loops | error | from | verdict |",
      "|---|---|---|---|---|---|---|---|---|",
    ]
    for n in numbers {
      lines.append(
        "| \(n.name) | \(n.band == .bonding ? "lower" : "upper") | \(significant(n.mu, digits: 4)) | \(number(n.printed)) | \(number(n.corrected)) | \(number(n.loops)) | \(short(n.loops.error)) | \(n.route) | \(verdict(n)) |"
      )
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
