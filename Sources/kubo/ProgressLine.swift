// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import Foundation
import KuboDiagrams

/// The texts about stages of the work.
package enum ProgressLine {
  /// One line of less than `width` columns: the time since the beginning, the stages from the
  /// outermost on, each with what is done of it and, where that can be told, the time left, of inner ones for it alone,
  /// and the rate of the innermost one. The outermost stages go first if there is no room.
  package static func text(
    _ levels: [WorkProgress.Level], elapsed: Duration, width: Int
  ) -> String {
    for first in levels.indices {
      let text = "kubo \(clock(elapsed)) " + stages(levels[first...])
      if text.count < width { return text }
    }
    return String("kubo \(clock(elapsed)) \(stages(levels.suffix(1)))".prefix(max(0, width - 1)))
  }

  /// What is said of work that takes long where no line can be drawn.
  package static func note(
    _ levels: [WorkProgress.Level], elapsed: Duration, advice: String
  ) -> String {
    let place = levels.isEmpty ? "" : ", now at \(stages(levels[...]))"
    return "note: running for \(clock(elapsed))\(place)\(advice)"
  }

  private static func stages(_ levels: ArraySlice<WorkProgress.Level>) -> String {
    var text = levels.indices.map { n in
      let level = levels[n]
      let left = timeLeft(level).map { ", \(clock($0)) left\(n == 0 ? "" : " for it")" } ?? ""
      return shown(level.name) + amount(level) + left
    }.joined(separator: "; ")
    if let last = levels.last, last.done > 0, !last.unit.isEmpty, seconds(last.elapsed) > 0 {
      text += ", \(rate(Double(last.done) / seconds(last.elapsed)))/s"
    }
    return text
  }

  /// What is done of a stage.
  private static func amount(_ level: WorkProgress.Level) -> String {
    if level.unit.isEmpty { return "" }
    let total = level.total.map { "/\($0)" } ?? ""
    let failed = level.failed > 0 ? ", \(level.failed) failed" : ""
    return ": \(level.done)\(total) \(shown(level.unit))\(failed)"
  }

  /// The time for the rest at the rate so far; nil unless the rest is known and like what is done.
  package static func timeLeft(_ level: WorkProgress.Level) -> Duration? {
    guard level.isEven, let total = level.total, level.done > 0, level.done <= total else {
      return nil
    }
    return .seconds(seconds(level.elapsed) / Double(level.done) * Double(total - level.done))
  }

  /// What `--verbose` tells at the end of a stage.
  package static func summary(_ levels: [WorkProgress.Level]) -> String {
    let names = levels.map { shown($0.name) }.joined(separator: ": ")
    let time = seconds(levels.last!.elapsed)
    return names + amount(levels.last!) + " in \(String(format: "%.3f", time)) s"
  }

  /// As in 0:07 or 1:02:03.
  fileprivate static func clock(_ time: Duration) -> String {
    let seconds = Int(min(1e9, ProgressLine.seconds(time).rounded()))
    let (minutes, hours) = (seconds / 60 % 60, seconds / 3600)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, seconds % 60)
      : String(format: "%d:%02d", minutes, seconds % 60)
  }

  /// As in 3.6, 7.48k or 12.1M.
  private static func rate(_ value: Double) -> String {
    let (size, letter) = [(1e9, "G"), (1e6, "M"), (1e3, "k")].first { value >= $0.0 } ?? (1, "")
    // With three digits %g would turn to exponents at 999.5.
    return String(format: value < 99.95 * size ? "%.3g" : "%.0f", value / size) + letter
  }

  private static func seconds(_ time: Duration) -> Double { time / .seconds(1) }
}

extension CostEstimate {
  /// The help of `--estimate`.
  static let help: ArgumentHelp =
    "Predict from some of the frequencies how long all of them take, to a factor of about 2, and write nothing. This takes about a second; with impurities, as long as some frequencies take."

  /// The same of commands that have it for sweeps alone.
  static let sweepHelp: ArgumentHelp =
    "Predict from some of the points how long a sweep takes, to a factor of about 2, and write nothing."

  /// A line for the terminal.
  func summary(threads: Int, of unit: String = "frequencies") -> String {
    func time(_ seconds: Double) -> String {
      seconds < 10
        ? String(format: "%.1f s", seconds) : "\(ProgressLine.clock(.seconds(seconds))) (min:s)"
    }
    // Within a factor of 2 of their mean both ends are one number.
    let whole =
      most <= 4 * least ? time((least * most).squareRoot()) : "\(time(least)) to \(time(most))"
    return
      "estimate: \(whole), to a factor of about 2, for \(count) \(unit) on \(threads) thread\(threads == 1 ? "" : "s"); from up to \(tried) of them in \(String(format: "%.1f", spent)) s\n"
  }
}
