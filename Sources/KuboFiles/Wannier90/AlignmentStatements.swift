// SPDX-License-Identifier: GPL-3.0-or-later
import KuboVerification

extension WannierAlignment {
  /// What `kubo verify` says of it: the largest of each measure, and the limit that passes.
  public var statements: [Verification.Statement] {
    func statement(_ claim: String, _ residual: Double, _ limit: Double) -> Verification.Statement {
      .init(
        subject: .alignment, claim: claim, source: "docs/wannier.md", residual: residual,
        tolerance: limit, place: nil)
    }
    return [
      statement(
        "distance between the centres of both spins, angstrom", distances.max() ?? 0,
        WannierAlignment.distanceLimit),
      statement(
        "|Delta|/|H0| of the hops of an orbital", ratios.max() ?? 0, WannierAlignment.ratioLimit),
      statement(
        "orbitals whose sign differs between the spins", Double(turned.count), 0),
    ]
  }
}
