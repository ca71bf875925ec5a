// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboDiagrams
import KuboOrbitals
import KuboVerification

extension Verification {
  /// A table: statement, residual, tolerance, pass or fail.
  public func summary(_ request: SpectrumRequest, impurities gamma: Double?) -> String {
    summary(request.title, impurities: gamma)
  }

  /// The same of a model with orbitals; impurity spins are a tenth of the strength.
  public func summary(_ request: CollinearRequest, impurities gamma: Double?) -> String {
    summary(request.title(Lifetime.constant(request.broadening).description), impurities: gamma)
  }

  /// The same under a title.
  func summary(_ title: String, impurities gamma: Double?) -> String {
    let width = statements.map(\.claim.count).max() ?? 0
    func padded(_ text: String, _ width: Int) -> String {
      text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
    }
    var lines = [
      title
        + (gamma.map { ", impurities gamma = \($0)" } ?? "")
    ]
    for subject in Subject.allCases {
      let list = statements.filter { $0.subject == subject }
      if list.isEmpty { continue }
      lines.append("")
      lines.append(padded(subject.rawValue, width) + "  residual  tolerance")
      for s in list {
        let (residual, tolerance, verdict) = cells(s)
        lines.append("\(padded(s.claim, width))  \(residual)   \(tolerance)  \(verdict)")
      }
    }
    lines.append("")
    lines.append(verdict)
    return lines.joined(separator: "\n") + "\n"
  }

  /// How many statements hold.
  var verdict: String {
    "\(statements.filter(\.holds).count) of \(statements.count) statements hold"
  }

  /// The statements about a subject, with their sources.
  func table(_ subject: Subject) -> Table {
    Table(
      columns: ["statement", "source", "residual", "tolerance", "verdict"],
      rows: statements.filter { $0.subject == subject }.map { statement in
        let (residual, tolerance, verdict) = cells(statement)
        return [statement.claim, statement.source, residual, tolerance, verdict]
      })
  }

  private func cells(_ s: Statement) -> (residual: String, tolerance: String, verdict: String) {
    func short(_ x: Double) -> String { x.isFinite ? String(format: "%8.1e", x) : "       -" }
    return (short(s.residual), short(s.tolerance), s.holds ? "pass" : "FAIL  \(s.reason)")
  }
}
