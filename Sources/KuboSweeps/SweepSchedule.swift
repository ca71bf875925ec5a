// SPDX-License-Identifier: GPL-3.0-or-later

/// In which order points are handed out to many: those first that are expected to take longest, so that nobody waits long for
/// the last one.
///
/// A point is expected to take what the nearest one took that is done, where the axes are as long as each other. Until a quarter
/// of all or 64 are done, points come far from each other.
public struct SweepSchedule: Sendable {
  private let sweep: Sweep
  /// The rest, the next one last.
  private var rest: [Int]
  private var known: [(place: [Double], seconds: Double)] = []
  private let sampleCount: Int
  private var isSorted = false

  /// The points to be handed out.
  /// - Parameter known: what points took that are done.
  public init(_ sweep: Sweep, points: [Int], known: [(point: Int, seconds: Double)] = []) {
    self.sweep = sweep
    sampleCount = min(64, points.count / 4)
    // The first one, whose faults are those of all, then by the golden section.
    let step = max(1, Int(0.381_966_011_25 * Double(points.count)))
    let stride = (step...).first { SweepSchedule.divisor($0, points.count) == 1 } ?? 1
    rest = points.indices.map { points[$0 * stride % points.count] }.reversed()
    for (point, seconds) in known { note(point, seconds: seconds) }
  }

  private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }

  /// How many are left.
  public var count: Int { rest.count }

  /// The next point; nil after the last one.
  public mutating func next() -> Int? {
    if !isSorted, known.count >= max(1, sampleCount) {
      isSorted = true
      let expected = rest.map { point in (point, self.expected(point)) }
      rest = expected.sorted { ($0.1, $1.0) < ($1.1, $0.0) }.map(\.0)
    }
    return rest.popLast()
  }

  /// Notes what a point took.
  public mutating func note(_ point: Int, seconds: Double) {
    guard !isSorted else { return }
    known.append((sweep.place(point), seconds))
  }

  private func expected(_ point: Int) -> Double {
    let place = sweep.place(point)
    func distance(_ other: [Double]) -> Double {
      zip(place, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    var (seconds, least) = (0.0, Double.infinity)
    for other in known {
      let own = distance(other.place)
      if own < least { (seconds, least) = (other.seconds, own) }
    }
    return seconds
  }
}

extension Sweep {
  /// Where a point is along each axis, from 0 to 1.
  fileprivate func place(_ point: Int) -> [Double] {
    zip(axes, places(point)).map { axis, n in Double(n) / Double(max(1, axis.values.count - 1)) }
  }
}
