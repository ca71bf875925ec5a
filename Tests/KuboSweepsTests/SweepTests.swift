// SPDX-License-Identifier: GPL-3.0-or-later
import KuboFiles
import KuboSweeps
import Testing

/// Which points a sweep has.
@Suite struct SweepTests {
  private func axis(_ name: String, _ values: [Double]) -> SweepAxis {
    SweepAxis(name: name, text: "", values: values)
  }

  @Test func allCombinations() throws {
    let sweep = try Sweep([axis("mu", [-1, 0]), axis("parameter.J", [1, 2, 3])])
    #expect(sweep.count == 6)
    #expect(
      (0..<6).map { sweep[$0] } == [[-1, 1], [-1, 2], [-1, 3], [0, 1], [0, 2], [0, 3]])
  }

  @Test func axesInStep() throws {
    let sweep = try Sweep([axis("mu", [-1, 0]), axis("parameter.J", [1, 2])], isZipped: true)
    #expect((0..<sweep.count).map { sweep[$0] } == [[-1, 1], [0, 2]])
  }

  @Test func refusals() throws {
    func message(_ axes: [SweepAxis], isZipped: Bool = false) -> String? {
      do {
        _ = try Sweep(axes, isZipped: isZipped)
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(
      message([axis("mu", [1]), axis("mu", [2])])
        == "sweep: found the axis mu twice; expected each axis once")
    #expect(
      message([axis("mu", [1, 2]), axis("filling", [2])], isZipped: true)
        == "--zip: found 2 values of mu, 1 of filling; expected as many values on each axis")
    let long = (0..<8).map { axis("parameter.\($0)", .init(repeating: 0, count: 1_000_000)) }
    #expect(message(long) == "sweep: found more than 100000000 points; expected at most 100000000")
  }
}
