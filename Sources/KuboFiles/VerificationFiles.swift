// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams

extension Verification {
  /// A table: statement, residual, tolerance, pass or fail.
  public func summary(_ request: SpectrumRequest, impurities gamma: Double?) -> String {
    let width = statements.map(\.claim.count).max() ?? 0
    func padded(_ text: String, _ width: Int) -> String {
      text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
    }
    func short(_ x: Double) -> String { x.isFinite ? String(format: "%8.1e", x) : "       -" }
    var lines = [
      "\(request.model.name): mu = \(request.mu), T = \(request.temperature), \(request.lifetime.description)"
        + (gamma.map { ", impurities gamma = \($0)" } ?? "")
    ]
    for subject in Subject.allCases {
      let list = statements.filter { $0.subject == subject }
      if list.isEmpty { continue }
      lines.append("")
      lines.append(padded(subject.rawValue, width) + "  residual  tolerance")
      for s in list {
        lines.append(
          "\(padded(s.claim, width))  \(short(s.residual))   \(short(s.tolerance))  "
            + (s.holds ? "pass" : "FAIL") + (s.holds ? "" : "  " + s.reason))
      }
    }
    let failed = statements.filter { !$0.holds }.count
    lines.append("")
    lines.append("\(statements.count - failed) of \(statements.count) statements hold")
    return lines.joined(separator: "\n") + "\n"
  }
}
