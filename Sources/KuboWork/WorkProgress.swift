// SPDX-License-Identifier: GPL-3.0-or-later
import Synchronization

/// What a long computation is doing, for whoever watches; no result depends on it.
///
/// The work names its stages, and counts what it has done of each where it knows how much there is:
/// the points of a grid, frequencies, energies. It counts per job of many points. Which observer there
/// is comes with the task, so that no signature need carry it; without one, a stage costs a look-up.
public final class WorkProgress: Sendable {
  /// A stage that goes on.
  public struct Level: Sendable, Equatable {
    /// What is done, as in `grid 480^2`, and what is counted, as in `points`; empty if nothing is.
    public var name, unit: String
    /// How many are done.
    public var done: Int
    /// Of how many, where that is known.
    public var total: Int?
    /// Whether those left may be expected to take as long each as those done.
    public var isEven: Bool
    /// How many of those that are done have failed.
    public var failed: Int
    /// The time since its beginning.
    public var elapsed: Duration

    /// A stage.
    public init(
      name: String, unit: String, done: Int, total: Int?, isEven: Bool, failed: Int = 0,
      elapsed: Duration
    ) {
      (self.name, self.unit, self.done) = (name, unit, done)
      (self.total, self.isEven, self.failed, self.elapsed) = (total, isEven, failed, elapsed)
    }
  }

  /// What an observer is told as it happens.
  public enum Event: Sendable {
    /// Something was decided.
    case note(String)
    /// The last of these stages, each inside the one before it, has ended.
    case end([Level])
  }

  /// Counts what a stage has done.
  public final class Stage: Sendable {
    fileprivate let name, unit: String
    fileprivate let total: Int?
    fileprivate let isEven, isLeaf: Bool
    fileprivate let parent: Stage?
    private let start = ContinuousClock.now
    private let done = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)

    fileprivate init(
      _ name: String, _ unit: String, _ total: Int?, isEven: Bool, isLeaf: Bool, _ parent: Stage?
    ) {
      (self.name, self.unit, self.total, self.parent) = (name, unit, total, parent)
      (self.isEven, self.isLeaf) = (isEven, isLeaf)
    }

    /// So many more are done.
    public func advance(by count: Int = 1) { done.wrappingAdd(count, ordering: .relaxed) }

    /// One of those that are done has failed.
    public func countFailure() { failed.wrappingAdd(1, ordering: .relaxed) }

    /// So many are done.
    package func reach(_ count: Int) { done.store(count, ordering: .relaxed) }

    /// The stages from the outermost to this one.
    fileprivate var levels: [Level] {
      (parent?.levels ?? []) + [
        Level(
          name: name, unit: unit, done: done.load(ordering: .relaxed), total: total,
          isEven: isEven, failed: failed.load(ordering: .relaxed), elapsed: start.duration(to: .now)
        )
      ]
    }
  }

  /// Where a task is.
  private struct Place: Sendable {
    let progress: WorkProgress
    var stage: Stage?
  }

  @TaskLocal private static var place: Place?

  private let stages = Mutex<[Stage]>([])
  private let observe: (@Sendable (Event) -> Void)?

  /// An observer; `observe` is called by whichever thread works.
  public init(observe: (@Sendable (Event) -> Void)? = nil) { self.observe = observe }

  /// Runs `work` under this observer.
  public func watch<Value>(
    isolation: isolated (any Actor)? = #isolation, _ work: () async throws -> Value
  ) async rethrows -> Value {
    try await WorkProgress.$place.withValue(Place(progress: self), operation: work)
  }

  /// The stage begun last that goes on, after those it is inside.
  public var levels: [Level] { stages.withLock { $0.last }?.levels ?? [] }

  /// Runs `work` as a stage, which is nil where nobody watches.
  ///
  /// Stages inside one that `isLeaf` are not told: many of them go on at once, and it counts for them.
  public static func stage<Value>(
    _ name: @autoclosure () -> String, unit: String = "", of total: Int? = nil,
    isEven: Bool = false, isLeaf: Bool = false, isolation: isolated (any Actor)? = #isolation,
    _ work: (Stage?) async throws -> Value
  ) async rethrows -> Value {
    guard var place, place.stage?.isLeaf != true, total != 0 else { return try await work(nil) }
    let progress = place.progress
    let stage = Stage(name(), unit, total, isEven: isEven, isLeaf: isLeaf, place.stage)
    place.stage = stage
    progress.stages.withLock { $0.append(stage) }
    defer {
      progress.stages.withLock { $0.removeAll { $0 === stage } }
      progress.observe?(.end(stage.levels))
    }
    return try await $place.withValue(place) { try await work(stage) }
  }

  /// Tells the observer what was decided; the text is made only if there is one.
  package static func note(_ text: @autoclosure () -> String) {
    if let observe = place?.progress.observe { observe(.note(text())) }
  }
}
