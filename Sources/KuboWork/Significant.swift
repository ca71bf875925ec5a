// SPDX-License-Identifier: GPL-3.0-or-later
import RealModule

/// `x` with a few significant digits, for messages and tables; outputs hold all digits. Bounds round up.
package func significant(
  _ x: Double, digits: Int = 3, _ rule: FloatingPointRoundingRule = .toNearestOrAwayFromZero
) -> String {
  guard x != 0 else { return "0.0" }
  // Powers of ten beside smaller numbers are none.
  guard x.isFinite, abs(x) > 1e-290 else { return "\(x)" }
  var exponent = Int(Double.log10(abs(x)).rounded(.down))
  // What rounds up to the next power of ten has one digit more before the point.
  let leading = abs(x) / Double.pow(10, exponent) * Double.pow(10, digits - 1)
  if leading.rounded(rule) >= Double.pow(10, digits) { exponent += 1 }
  // Powers of ten above one are exact, so divide by them rather than multiply by tenths.
  let power = Double.pow(10, abs(exponent - digits + 1))
  let scaled = (exponent < digits - 1 ? x * power : x / power).rounded(rule)
  if (-4...5).contains(exponent) {
    return "\(exponent < digits - 1 ? scaled / power : scaled * power)"
  }
  return "\(scaled / Double.pow(10, digits - 1))e\(exponent)"
}
