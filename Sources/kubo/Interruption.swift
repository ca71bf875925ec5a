// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import KuboFiles
import Synchronization

/// Ctrl-C, and the other signals that ask the program to end.
///
/// The signals end the process from a thread of their own, after removing what is unfinished. Cancelling
/// the tasks would not do: a kernel in C, GSL or a write to a slow disk look for no cancellation, and all
/// threads of tasks may be in one. Nothing is lost by it, since a file has its name only when it is whole.
/// A handler in the signal itself could not: it may not take the locks that say what is unfinished. The
/// queue is serial, so that further signals change nothing.
enum Interruption {
  private nonisolated(unsafe) static var sources: [any DispatchSourceSignal] = []
  /// What is said besides that the program was interrupted.
  private static let note = Mutex<String?>(nil)
  private static let queue = DispatchQueue(label: "kubo.interruption", qos: .userInteractive)

  /// Says more at an interruption from now on.
  static func say(_ text: String) { note.withLock { $0 = text } }

  /// Ends the program at a signal with 128 plus its number, as shells count. Called once, at the start.
  static func arm() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // Whoever started the program may have asked it to stay, as nohup does.
      var action = sigaction()
      guard sigaction(number, nil, &action) == 0,
        unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) != 1
      else { continue }
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        Unfinished.abandon {
          let note = note.withLockIfAvailable { $0 } ?? nil
          Console.shared.sayLast(["interrupted", note].compactMap(\.self).joined(separator: ", "))
          _exit(128 + number)
        }
      }
      source.resume()
      sources.append(source)
    }
  }
}
