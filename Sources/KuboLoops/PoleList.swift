// SPDX-License-Identifier: GPL-3.0-or-later

/// A short list of poles, without a heap allocation: at most eight, four propagators and the extra
/// pole of a difference quotient being the most that occur.
package struct PoleList {
  private var storage = InlineArray<8, Double>(repeating: 0)
  package private(set) var count = 0

  package init() {}

  package init(_ poles: [Double]) {
    for x in poles { append(x) }
  }

  @inline(__always)
  package init(_ x: Double) { append(x) }

  @inline(__always)
  package init(_ x: Double, _ y: Double) {
    append(x)
    append(y)
  }

  @inline(__always)
  package init(_ x: Double, _ y: Double, _ z: Double) {
    self.init(x, y)
    append(z)
  }

  @inline(__always)
  package subscript(_ n: Int) -> Double { storage[n] }

  @inline(__always)
  package mutating func append(_ x: Double) {
    storage[count] = x
    count += 1
  }

  /// The first `n` poles.
  package func prefix(_ n: Int) -> PoleList {
    var list = self
    list.count = n
    return list
  }

  package static func + (a: PoleList, b: PoleList) -> PoleList {
    var list = a
    for n in 0..<b.count { list.append(b[n]) }
    return list
  }

  /// Poles 0 to `j` shifted by `shift`, then poles `j` to the last as they are: pole j twice.
  package func replaced(through j: Int, by shift: Double) -> PoleList {
    var list = PoleList()
    for n in 0...j { list.append(self[n] + shift) }
    for n in j..<count { list.append(self[n]) }
    return list
  }

  /// By insertion.
  package mutating func sort() {
    guard count > 1 else { return }
    for n in 1..<count {
      let x = storage[n]
      var m = n
      while m > 0, storage[m - 1] > x {
        storage[m] = storage[m - 1]
        m -= 1
      }
      storage[m] = x
    }
  }
}
