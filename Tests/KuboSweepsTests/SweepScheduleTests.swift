// SPDX-License-Identifier: GPL-3.0-or-later
import KuboSweeps
import Testing

/// The order in which points are handed out.
@Suite struct SweepScheduleTests {
  /// A sweep whose points take longer and longer along both axes.
  private static let sweep = try! Sweep(
    [20, 15].map { count in
      SweepAxis(name: "\(count)", text: "", values: (0..<count).map(Double.init))
    })
  private static func seconds(_ point: Int) -> Double {
    let place = sweep[point]
    return 0.1 + place[0] * place[0] * (1 + place[1]) / 100
  }

  /// The time until the last of `ranks` is done.
  private static func time(_ ranks: Int, _ next: () -> Int?, _ note: (Int, Double) -> Void)
    -> Double
  {
    var ends = [(time: Double, point: Int?)](repeating: (0, nil), count: ranks)
    while true {
      let rank = ends.indices.min { ends[$0].time < ends[$1].time }!
      if let point = ends[rank].point { note(point, seconds(point)) }
      guard let point = next() else { return ends.map(\.time).max()! }
      ends[rank] = (ends[rank].time + seconds(point), point)
    }
  }

  @Test func eachPointOnce() {
    for count in [1, 2, 3, 7, 100] {
      let points = (0..<count).map { 3 * $0 }
      var schedule = SweepSchedule(SweepScheduleTests.sweep, points: points)
      var seen: [Int] = []
      while let point = schedule.next() {
        seen.append(point)
        schedule.note(point, seconds: 1)
      }
      #expect(seen.first == 0)
      #expect(seen.sorted() == points)
    }
  }

  /// Nobody waits longer for the last point than a tenth of the longest one takes, which in the order of the table is the last.
  @Test(arguments: [4, 16]) func longestFirst(_ ranks: Int) {
    let points = Array(0..<SweepScheduleTests.sweep.count)
    let seconds = points.map(SweepScheduleTests.seconds)
    let (total, longest) = (seconds.reduce(0, +), seconds.max()!)
    var schedule = SweepSchedule(SweepScheduleTests.sweep, points: points)
    let time = SweepScheduleTests.time(ranks) {
      schedule.next()
    } _: {
      schedule.note($0, seconds: $1)
    }
    var rest = points[...]
    let inOrder = SweepScheduleTests.time(ranks) {
      rest.popFirst()
    } _: { _, _ in
    }
    #expect(time - total / Double(ranks) < 0.1 * longest)
    #expect(inOrder - total / Double(ranks) > 0.3 * longest)
  }
}
