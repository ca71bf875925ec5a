// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import Synchronization

/// What must not outlive the program: temporary files, and the process of gnuplot.
///
/// A file is made and noted under one lock, and takes its final name under it, so that whoever holds the
/// lock knows all there is.
public enum Unfinished {
  struct State: Sendable {
    var files: Set<String> = []
    var processes: Set<pid_t> = []
    /// How many processes are about to be noted.
    var starting = 0
  }

  private static let state = Mutex(State())

  /// Runs a short step that makes, renames or removes something.
  static func step<Value: Sendable, Failure: Error>(
    _ work: (inout sending State) throws(Failure) -> sending Value
  ) throws(Failure) -> Value {
    try state.withLock(work)
  }

  /// Notes a file, or forgets it when it is gone.
  package static func note(_ file: String, isGone: Bool = false) {
    step { state in
      if isGone { state.files.remove(file) } else { state.files.insert(file) }
    }
  }

  /// Removes everything, then runs `end` with no way for anything new to appear.
  ///
  /// It does not wait long for a process that starts, nor for a step that hangs in the file system: then it removes nothing.
  public static func abandon(_ end: () -> Never) -> Never {
    for attempt in 0..<30 {
      _ = state.withLockIfAvailable { state in
        if state.starting > 0, attempt < 29 { return }
        remove(state)
        end()
      }
      usleep(10_000)
    }
    end()
  }

  private static func remove(_ state: borrowing State) {
    for process in state.processes { kill(process, SIGKILL) }
    for file in state.files { unlink(file) }
  }
}
